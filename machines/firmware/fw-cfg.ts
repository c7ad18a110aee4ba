// SPDX-License-Identifier: MIT
//
// QEMU's firmware configuration device, through which a machine tells its firmware what it is: numbered items of
// bytes, and files in a directory item.
//
// Sockets: `control` (2 bytes, big-endian, write-only: selects an item), `data` (1 byte: the item's next byte).
// Documents: [FWCFG] QEMU Firmware Configuration (fw_cfg) Device.
// Not modelled: the DMA interface (FW_CFG_ID says so), items the guest may write, callbacks on selection.
import type { ChipContext } from '../backplane/board.ts';
import type { BusTarget } from '../backplane/bus.ts';
import type { Device, PlainFields } from '../backplane/device.ts';
import { SavedFields } from '../backplane/device.ts';

/** Keys that every machine shares, and those of PowerPC machines, as [FWCFG] and QEMU's PowerPC boards number them. */
export const FW_CFG = {
  SIGNATURE: 0x00,
  ID: 0x01,
  UUID: 0x02,
  RAM_SIZE: 0x03,
  NOGRAPHIC: 0x04,
  NB_CPUS: 0x05,
  MACHINE_ID: 0x06,
  KERNEL_ADDR: 0x07,
  KERNEL_SIZE: 0x08,
  KERNEL_CMDLINE: 0x09,
  INITRD_ADDR: 0x0a,
  INITRD_SIZE: 0x0b,
  BOOT_DEVICE: 0x0c,
  NUMA: 0x0d,
  BOOT_MENU: 0x0e,
  MAX_CPUS: 0x0f,
  KERNEL_ENTRY: 0x10,
  KERNEL_DATA: 0x11,
  INITRD_DATA: 0x12,
  CMDLINE_ADDR: 0x13,
  CMDLINE_SIZE: 0x14,
  CMDLINE_DATA: 0x15,
  SETUP_ADDR: 0x16,
  SETUP_SIZE: 0x17,
  SETUP_DATA: 0x18,
  FILE_DIR: 0x19,
  FILE_FIRST: 0x20,
  PPC_WIDTH: 0x8000,
  PPC_HEIGHT: 0x8001,
  PPC_DEPTH: 0x8002,
  PPC_TBFREQ: 0x8003,
  PPC_CLOCKFREQ: 0x8004,
  PPC_IS_KVM: 0x8005,
  PPC_KVM_HC: 0x8006,
  PPC_KVM_PID: 0x8007,
  PPC_NVRAM_ADDR: 0x8008,
  PPC_BUSFREQ: 0x8009,
  PPC_NVRAM_FLAT: 0x800a,
  PPC_VIACONFIG: 0x800b,
} as const;

/** Values of MACHINE_ID on PowerPC. */
export const FW_CFG_PPC_MACHINE = { PREP: 0, MAC99: 1, HEATHROW: 2, MAC99_U3: 3 } as const;

/** FW_CFG_ID: the traditional interface only. */
const FW_CFG_VERSION = 0x01;
/** Selecting with this bit asked for write access in old versions; it is no part of the key. */
const FW_CFG_WRITE_CHANNEL = 0x4000;
const FILE_SLOTS = 0x20;
const FILE_ENTRY_BYTES = 64;
const MAX_FILE_NAME = 55;

export interface FwCfgItem {
  readonly key: number;
  readonly bytes: Uint8Array;
}

export interface FwCfgFile {
  /** A path as in `opt/org.example/name`, at most 55 characters of ASCII. */
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** Numbers are little-endian on every machine. */
const number = (key: number, value: bigint, bytes: number): FwCfgItem => ({
  key,
  bytes: Uint8Array.from({ length: bytes }, (_, i) => Number((value >> BigInt(8 * i)) & 0xffn)),
});

export const fwCfg16 = (key: number, value: number): FwCfgItem => number(key, BigInt(value), 2);
export const fwCfg32 = (key: number, value: number): FwCfgItem => number(key, BigInt(value), 4);
export const fwCfg64 = (key: number, value: number | bigint): FwCfgItem => number(key, BigInt(value), 8);

/** Text with a zero byte at its end. */
export const fwCfgText = (key: number, text: string): FwCfgItem => ({ key, bytes: ascii(`${text}\0`) });

const ascii = (text: string): Uint8Array => Uint8Array.from(text, (char) => char.charCodeAt(0) & 0xff);

export class FwCfg implements Device {
  readonly id: string;
  readonly control: BusTarget;
  readonly data: BusTarget;
  readonly #context: ChipContext;
  readonly #items = new Map<number, Uint8Array>();
  #key: number = FW_CFG.SIGNATURE;
  #offset = 0;

  constructor(context: ChipContext, items: readonly FwCfgItem[], files: readonly FwCfgFile[] = []) {
    this.id = context.id;
    this.#context = context;
    this.#add({ key: FW_CFG.SIGNATURE, bytes: ascii('QEMU') });
    this.#add(fwCfg32(FW_CFG.ID, FW_CFG_VERSION));
    for (const item of items) this.#add(item);
    this.#addFiles(files);
    this.control = {
      span: 2,
      access: { valid: { min: 2, max: 2 }, impl: { min: 2, max: 2 }, byteOrder: 'big' },
      read: () => {
        this.#context.log.guest('read of the selector, which is write-only');
        return 0;
      },
      write: (_offset, _width, value) => this.#select(value),
    };
    this.data = {
      span: 1,
      access: { valid: { min: 1, max: 1 }, impl: { min: 1, max: 1 }, byteOrder: 'big' },
      read: () => this.#next(),
      write: (_offset, _width, value) => this.#context.log.guest('write of %x to item %x', value, this.#key),
      peek: () => this.#items.get(this.#key)?.[this.#offset] ?? 0,
    };
  }

  reset(): void {
    this.#key = FW_CFG.SIGNATURE;
    this.#offset = 0;
  }

  settle(): void {}

  save(): PlainFields {
    return { key: this.#key, offset: this.#offset };
  }

  restore(state: PlainFields): void {
    const saved = new SavedFields(this.id, state);
    const key = saved.u16('key');
    this.#offset = saved.int('offset', 0, this.#items.get(key)?.length ?? 0);
    this.#key = key;
  }

  #add({ key, bytes }: FwCfgItem): void {
    if (!Number.isInteger(key) || key < 0 || key > 0xffff || key & FW_CFG_WRITE_CHANNEL) {
      throw new RangeError(`${this.id}: item ${key}`);
    }
    if (this.#items.has(key)) throw new Error(`${this.id}: two items 0x${key.toString(16)}`);
    this.#items.set(key, bytes);
  }

  #addFiles(files: readonly FwCfgFile[]): void {
    if (files.length > FILE_SLOTS) throw new RangeError(`${this.id}: ${files.length} files, at most ${FILE_SLOTS}`);
    const sorted = [...files].sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
    const directory = new Uint8Array(4 + sorted.length * FILE_ENTRY_BYTES);
    const view = new DataView(directory.buffer);
    view.setUint32(0, sorted.length);
    sorted.forEach(({ name, bytes }, index) => {
      if (!/^[\x21-\x7e]+$/.test(name) || name.length > MAX_FILE_NAME || name === sorted[index - 1]?.name) {
        throw new RangeError(`${this.id}: file name "${name}"`);
      }
      const at = 4 + index * FILE_ENTRY_BYTES;
      view.setUint32(at, bytes.length);
      view.setUint16(at + 4, FW_CFG.FILE_FIRST + index);
      directory.set(ascii(name), at + 8);
      this.#add({ key: FW_CFG.FILE_FIRST + index, bytes });
    });
    this.#add({ key: FW_CFG.FILE_DIR, bytes: directory });
  }

  #select(value: number): void {
    this.#key = value & ~FW_CFG_WRITE_CHANNEL;
    this.#offset = 0;
    if (!this.#items.has(this.#key)) this.#context.log.trace('item %x does not exist', this.#key);
  }

  /** Beyond the end of an item, and of items that do not exist, there are zeros. */
  #next(): number {
    const item = this.#items.get(this.#key);
    if (item === undefined || this.#offset >= item.length) return 0;
    return item[this.#offset++]!;
  }
}
