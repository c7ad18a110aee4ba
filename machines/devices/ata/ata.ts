// SPDX-License-Identifier: MIT
//
// The AT Attachment interface between host adapters and drives [ATA-6: T13/1410D]: registers as the standard names
// them, and what plugs into a cable.
import type { Device } from '../../backplane/device.ts';

/** Command block registers, by the address on DA2-DA0 with CS0- asserted. Register 0 is Data, 16 bits wide. */
export const REG = {
  error: 1, // read
  features: 1, // write
  sectorCount: 2, // interrupt reason for PACKET
  lbaLow: 3, // sector number
  lbaMid: 4, // cylinder low; byte count low for PACKET
  lbaHigh: 5, // cylinder high; byte count high for PACKET
  device: 6, // device/head
  status: 7, // read
  command: 7, // write
} as const;

export const STATUS_BSY = 0x80;
export const STATUS_DRDY = 0x40;
export const STATUS_DF = 0x20; // device fault
export const STATUS_DSC = 0x10; // seek complete
export const STATUS_DRQ = 0x08;
export const STATUS_ERR = 0x01; // CHK for PACKET

export const ERROR_ICRC = 0x80;
export const ERROR_UNC = 0x40; // uncorrectable data
export const ERROR_IDNF = 0x10; // address not found
export const ERROR_ABRT = 0x04; // command aborted

export const DEVICE_LBA = 0x40;
export const DEVICE_DEV = 0x10;

export const CONTROL_HOB = 0x80; // read back the previous content of the registers
export const CONTROL_SRST = 0x04;
export const CONTROL_NIEN = 0x02;

/** What a cable is to the drives on it. */
export interface AtaCable {
  /** INTRQ of a drive changed. */
  intrq(): void;
  /** A drive asserts DMARQ: it can move data now. */
  dmarq(): void;
  /** Is there a drive of this number? (Device 0 learns from PDIAG- and DASP- whether there is a device 1.) */
  present(unit: 0 | 1): boolean;
}

/** A drive on a cable. Both drives see every write; only the selected one is read, and moves data. */
export interface AtaTarget extends Device {
  /** Called once, when the drive is mounted as device 0 or 1. */
  plug(cable: AtaCable, unit: 0 | 1): void;
  /** The status register, without the side effect of reading it. */
  readonly status: number;
  readonly intrq: boolean;
  /** Device 0 shows its own registers while an absent device 1 is selected; packet devices show zeros. */
  readonly showsRegistersForAbsent: boolean;
  /** Registers 1 to 7. Reading 7 clears INTRQ. */
  readRegister(register: number): number;
  /** Registers 1 to 7; `selected` says whether a command is meant for this drive. */
  writeRegister(register: number, value: number, selected: boolean): void;
  /** The device control register. */
  writeControl(value: number): void;
  /** The next 16 bits of the transfer, first byte in bits 7-0. */
  readData(): number;
  writeData(value: number): void;
  dmaIn(into: Uint8Array): number;
  dmaOut(from: Uint8Array): number;
}
