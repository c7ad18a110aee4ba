// SPDX-License-Identifier: MIT
import type { Width } from '../../backplane/bus.ts';
import type { BlockDevice } from '../../backplane/host.ts';

/**
 * Everything the firmware can do to the machine. The machine file implements it over the board; tests with plain arrays.
 * All accesses are physical and big-endian; none may throw for an address that nothing answers.
 */
export interface FirmwareHost {
  /** One bus read; `undefined` where nothing answers. */
  read(pa: number, width: Width): number | undefined;
  /** One bus write; `false` where nothing answers. */
  write(pa: number, width: Width, value: number): boolean;
  /** Bulk copies, for RAM and frame buffers; `false` (and nothing done) when part of the range is something else. */
  readBytes(pa: number, into: Uint8Array): boolean;
  writeBytes(pa: number, from: Uint8Array): boolean;

  /** Registers by the manual's lower-case names: `r0`…`r31`, `pc`, `msr`, `lr`, `ctr`, `cr`, `xer`, `srr0`, `dec`, `hid0`. */
  getRegister(name: string): number;
  /** Setting `pc` inside a hypercall makes the CPU continue there instead of after the hypercall. */
  setRegister(name: string, value: number): void;

  /** Virtual time since power-on. */
  milliseconds(): number;

  /** The console line: `read` gives -1 when no byte waits. */
  readonly serial: { read(): number; write(byte: number): void };
  readonly screen?: FirmwareScreen;
  readonly disks: readonly FirmwareDisk[];
  readonly variables: VariableStore;

  powerOff(): void;
  reset(): void;
}

/** A linear frame buffer. */
export interface FirmwareScreen {
  /** Sets the mode, when the PCI devices have been set up and before anything is drawn. */
  setMode?(): void;
  /** Path of the display's node in the device tree. */
  readonly path: string;
  readonly pa: number;
  readonly width: number;
  readonly height: number;
  readonly depth: 8 | 15 | 16 | 32;
  /** Bytes from one line to the next. */
  readonly stride: number;
  /** Sets an entry of the palette; does nothing in the direct-colour depths. */
  setColor(index: number, red: number, green: number, blue: number): void;
}

export interface FirmwareDisk {
  /** Where its node is, or is to be made: `/pci/mac-io/ata-3@20000/disk@0`. */
  readonly path: string;
  readonly kind: 'disk' | 'cdrom';
  /** Names under `/aliases`: `hd`, `cd`. */
  readonly aliases: readonly string[];
  readonly device: BlockDevice;
}

/** Where configuration variables survive power-off: the text of those that differ from their default. */
export interface VariableStore {
  load(): Readonly<Record<string, string>>;
  store(variables: Readonly<Record<string, string>>): void;
}

/** A property is a list of strings, a list of cells, raw bytes, or (`true`) empty. */
export type PropertyValue = string | readonly string[] | number | readonly number[] | Uint8Array | true | TreeReference;

/** The phandle of another node of the same tree, named by its path. */
export interface TreeReference {
  readonly phandleOf: string;
}

/** The device tree as plain data. The name carries no unit address; that comes from `unit`. */
export interface TreeNode {
  readonly name: string;
  /** Text after the `@`; absent when the node has none. */
  readonly unit?: string;
  readonly properties?: Readonly<Record<string, PropertyValue>>;
  readonly children?: readonly TreeNode[];
}
