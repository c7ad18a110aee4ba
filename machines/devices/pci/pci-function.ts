// SPDX-License-Identifier: MIT
//
// One function of a PCI device: its 256 bytes of configuration space, its base address registers and what they show,
// its interrupt pin, and its bus mastership. Chips extend it.
//
// Sockets: PciBus; wire `intx` (its INTA#..INTD#, active-true); `dma`.
// Documents: PCI Local Bus Specification 2.1, chapter 6 [PCI]; 2.3 for interrupt disable and status.
// Not modelled: 64-bit BARs, BARs below 1 MiB, built-in self test.
import type { ChipContext } from '../../backplane/board.ts';
import type { Width } from '../../backplane/bus.ts';
import { type Device, type PlainFields, type ResetKind, SavedFields, SnapshotError } from '../../backplane/device.ts';
import type { DeviceLog } from '../../backplane/log.ts';
import { type MemoryMap, Region } from '../../backplane/memory-map.ts';
import { Wire } from '../../backplane/wire.ts';
import { PCI_DEVICES, PCI_FUNCTIONS, type PciBus, type PciMaster, type PciSecondary, ones } from './pci-bus.ts';

export const CONFIG_BYTES = 256;

export const VENDOR_ID = 0x00;
export const DEVICE_ID = 0x02;
export const COMMAND = 0x04;
export const STATUS = 0x06;
export const REVISION_ID = 0x08;
export const CLASS_CODE = 0x09;
export const CACHE_LINE_SIZE = 0x0c;
export const LATENCY_TIMER = 0x0d;
export const HEADER_TYPE = 0x0e;
export const BAR0 = 0x10;
export const SUBSYSTEM_VENDOR_ID = 0x2c;
export const SUBSYSTEM_ID = 0x2e;
export const ROM_BASE = 0x30;
export const CAPABILITIES = 0x34;
export const INTERRUPT_LINE = 0x3c;
export const INTERRUPT_PIN = 0x3d;
export const MIN_GNT = 0x3e;
export const MAX_LAT = 0x3f;

export const COMMAND_IO = 0x0001; // I/O space
export const COMMAND_MEMORY = 0x0002; // memory space
export const COMMAND_MASTER = 0x0004; // bus master
export const COMMAND_PARITY = 0x0040; // parity error response
export const COMMAND_SERR = 0x0100; // SERR# enable
export const COMMAND_INTX_DISABLE = 0x0400; // PCI 2.3

export const STATUS_INTX = 0x0008; // interrupt status, PCI 2.3
export const STATUS_CAPABILITIES = 0x0010;
export const STATUS_FAST_BACK_TO_BACK = 0x0080;
export const STATUS_DEVSEL_MEDIUM = 0x0200;
export const STATUS_SIGNALED_TARGET_ABORT = 0x0800;
export const STATUS_RECEIVED_TARGET_ABORT = 0x1000;
export const STATUS_RECEIVED_MASTER_ABORT = 0x2000;
/** The error bits of the status register; all are cleared by writing ones. */
export const STATUS_ERRORS = 0xf900;

const HEADER_MULTI_FUNCTION = 0x80;
const BAR_IO = 0x1;
const BAR_PREFETCHABLE = 0x8;
const ROM_ENABLE = 0x1;

/** Who the function is: the read-only part of the header. */
export interface PciIdentity {
  readonly vendorId: number;
  readonly deviceId: number;
  readonly revision: number;
  /** Base class, subclass and programming interface, 24 bits. */
  readonly classCode: number;
  /** 1: the layout of PCI-to-PCI bridges, which has two BARs. */
  readonly headerType?: 0 | 1;
  readonly subsystemVendorId?: number;
  readonly subsystemId?: number;
  /** 1 to 4 for INTA# to INTD#; 0 (the default) for none. */
  readonly interruptPin?: 0 | 1 | 2 | 3 | 4;
  readonly minGrant?: number;
  readonly maxLatency?: number;
  /** Status after reset: DEVSEL# timing and what the function is capable of. */
  readonly status?: number;
  /** Command after reset. */
  readonly command?: number;
  /** Command bits that can be written besides those its address decoders need. */
  readonly commandMask?: number;
}

/** Gives a row of the address space its target: `(row) => row.ram(vram)`. */
export type Reveal = (row: Region) => Region;

/** A decoder of an address range; what it shows is in the map while it is enabled. */
interface Decoder {
  readonly space: 'memory' | 'io';
  readonly sizeBytes: number;
  readonly reveal: Reveal;
  /** Where it decodes now, or -1. */
  readonly base: () => number;
  /** Its row while it is in the map. */
  row: Region | undefined;
}

/** At most this many decoders a function; rows of the map need distinct priorities. */
const MAX_DECODERS = 16;

export class PciFunction implements Device {
  readonly id: string;
  readonly intx: Wire;
  /** Memory as this function reaches it as a bus master; nothing while the command register forbids it. */
  readonly dma: PciMaster;
  protected readonly log: DeviceLog;
  readonly #config = new Uint8Array(CONFIG_BYTES);
  readonly #resetValues = new Uint8Array(CONFIG_BYTES);
  readonly #writable = new Uint8Array(CONFIG_BYTES);
  readonly #writeClears = new Uint8Array(CONFIG_BYTES);
  readonly #decoders: Decoder[] = [];
  readonly #romBase: number;
  readonly #bars: number;
  #capabilityLink = CAPABILITIES;
  #bus: PciBus | undefined;
  #slot = 0;
  #interrupt = false;

  constructor(context: ChipContext, identity: PciIdentity) {
    this.id = context.id;
    this.log = context.log;
    this.intx = new Wire(`${context.id}.int`);
    this.dma = this.#master();
    const headerType = identity.headerType ?? 0;
    this.#romBase = headerType === 0 ? ROM_BASE : 0x38;
    this.#bars = headerType === 0 ? 6 : 2;
    this.register(VENDOR_ID, 2, identity.vendorId);
    this.register(DEVICE_ID, 2, identity.deviceId);
    this.register(COMMAND, 2, identity.command ?? 0, { writable: identity.commandMask ?? 0 });
    this.register(STATUS, 2, identity.status ?? STATUS_DEVSEL_MEDIUM, { writeClears: STATUS_ERRORS });
    this.register(REVISION_ID, 4, ((identity.classCode << 8) | identity.revision) >>> 0);
    this.register(CACHE_LINE_SIZE, 1, 0, { writable: 0xff });
    this.register(LATENCY_TIMER, 1, 0, { writable: 0xff });
    this.register(HEADER_TYPE, 1, headerType);
    if (headerType === 0) {
      this.register(SUBSYSTEM_VENDOR_ID, 2, identity.subsystemVendorId ?? 0);
      this.register(SUBSYSTEM_ID, 2, identity.subsystemId ?? 0);
      this.register(MIN_GNT, 1, identity.minGrant ?? 0);
      this.register(MAX_LAT, 1, identity.maxLatency ?? 0);
    }
    this.register(INTERRUPT_LINE, 1, 0, { writable: 0xff });
    this.register(INTERRUPT_PIN, 1, identity.interruptPin ?? 0);
    this.#config.set(this.#resetValues);
  }

  /** The bus behind this function, where it is a bridge. */
  get secondary(): PciSecondary | undefined {
    return undefined;
  }

  /** @internal Called by {@link PciBus.attach}. */
  attached(bus: PciBus, slot: number): void {
    if (this.#bus !== undefined) throw new Error(`${this.id} is on two buses`);
    this.#bus = bus;
    this.#slot = slot;
  }

  /** @internal Called by {@link PciBus.attach}. */
  markMultiFunction(): void {
    const headerType = this.#resetValues[HEADER_TYPE]! | HEADER_MULTI_FUNCTION;
    this.#resetValues[HEADER_TYPE] = headerType;
    this.#config[HEADER_TYPE] = headerType;
  }

  // ---- What a chip declares in its constructor -------------------------------------------------------------------

  /** Declares `width` bytes at `offset`: value after reset, bits that can be written, bits that writing one clears. */
  protected register(
    offset: number,
    width: Width,
    value: number,
    bits: { readonly writable?: number; readonly writeClears?: number } = {},
  ): void {
    for (let i = 0; i < width; i++) {
      this.#resetValues[offset + i] = value >>> (8 * i);
      this.#writable[offset + i] = (bits.writable ?? 0) >>> (8 * i);
      this.#writeClears[offset + i] = (bits.writeClears ?? 0) >>> (8 * i);
      this.#config[offset + i] = this.#resetValues[offset + i]!;
    }
  }

  /** A base address register for `sizeBytes` (a power of two) of PCI memory. */
  protected memoryBar(index: number, sizeBytes: number, reveal: Reveal, prefetchable = false): void {
    const offset = this.#barOffset(index, sizeBytes, 16);
    const addressMask = -sizeBytes >>> 0;
    this.register(offset, 4, prefetchable ? BAR_PREFETCHABLE : 0, { writable: addressMask });
    this.#decode('memory', sizeBytes, reveal, COMMAND_MEMORY, () => (this.config32(offset) & addressMask) >>> 0);
  }

  /** A base address register for `sizeBytes` (a power of two) of I/O space. */
  protected ioBar(index: number, sizeBytes: number, reveal: Reveal): void {
    const offset = this.#barOffset(index, sizeBytes, 4);
    const addressMask = -sizeBytes >>> 0;
    this.register(offset, 4, BAR_IO, { writable: addressMask });
    this.#decode('io', sizeBytes, reveal, COMMAND_IO, () => (this.config32(offset) & addressMask) >>> 0);
  }

  /** The expansion ROM base address register, for `sizeBytes` (a power of two, at least 2 KiB). */
  protected expansionRom(sizeBytes: number, reveal: Reveal): void {
    powerOfTwo(sizeBytes, 2048);
    const addressMask = -sizeBytes >>> 0;
    this.register(this.#romBase, 4, 0, { writable: addressMask | ROM_ENABLE });
    this.#decode('memory', sizeBytes, reveal, COMMAND_MEMORY, () => {
      const value = this.config32(this.#romBase);
      return value & ROM_ENABLE ? (value & addressMask) >>> 0 : -1;
    });
  }

  /** Addresses the function decodes without a base address register (VGA's), while its command register lets it. */
  protected fixedDecode(space: 'memory' | 'io', first: number, last: number, reveal: Reveal): void {
    this.#decode(space, last - first + 1, reveal, space === 'io' ? COMMAND_IO : COMMAND_MEMORY, () => first);
  }

  /** Appends a capability at `offset`: its id, the link to the next one, and `body` after these two bytes. */
  protected capability(
    id: number,
    offset: number,
    body: readonly number[] = [],
    writable: readonly number[] = [],
  ): void {
    if (offset < 0x40 || (offset & 3) !== 0 || offset + 2 + body.length > CONFIG_BYTES) {
      throw new RangeError(`${this.id}: capability at ${offset}`);
    }
    this.register(STATUS, 2, this.#resetValue16(STATUS) | STATUS_CAPABILITIES, { writeClears: STATUS_ERRORS });
    this.register(this.#capabilityLink, 1, offset);
    this.register(offset, 1, id);
    this.register(offset + 1, 1, 0);
    body.forEach((byte, i) => this.register(offset + 2 + i, 1, byte, { writable: writable[i] ?? 0 }));
    this.#capabilityLink = offset + 1;
  }

  // ---- Configuration cycles --------------------------------------------------------------------------------------

  /** `offset` is aligned to the width. */
  configRead(offset: number, width: Width): number {
    return this.configPeek(offset, width);
  }

  /** Writes what can be written of `width` bytes at `offset`, then tells the chip through {@link configWritten}. */
  configWrite(offset: number, width: Width, value: number): void {
    for (let i = 0; i < width; i++) {
      const at = (offset + i) % CONFIG_BYTES;
      const byte = (value >>> (8 * i)) & 0xff;
      const writable = this.#writable[at]!;
      const kept = this.#config[at]! & ~writable & ~(byte & this.#writeClears[at]!);
      this.#config[at] = kept | (byte & writable);
    }
    if (offset < CAPABILITIES || (offset & ~3) === this.#romBase) this.#remap();
    this.configWritten(offset & ~3);
    this.#driveInterrupt();
  }

  /** What a read would give, without side effects. */
  configPeek(offset: number, width: Width): number {
    let value = 0;
    for (let i = 0; i < width; i++) value |= this.#config[(offset + i) % CONFIG_BYTES]! << (8 * i);
    return value >>> 0;
  }

  /** The chip's turn after a write into the 32-bit word at `offset`. */
  protected configWritten(_offset: number): void {}

  protected config8 = (offset: number): number => this.#config[offset]!;
  protected config16 = (offset: number): number => this.configPeek(offset, 2);
  protected config32 = (offset: number): number => this.configPeek(offset, 4);

  /** The chip changes its own configuration space, whatever software may write there. */
  protected setConfig(offset: number, width: Width, value: number): void {
    for (let i = 0; i < width; i++) this.#config[offset + i] = value >>> (8 * i);
  }

  /** Sets error bits of the status register; only software clears them. */
  protected setStatus(bits: number): void {
    this.setConfig(STATUS, 2, this.config16(STATUS) | bits);
  }

  /** @internal A cycle this function ran as bus master was claimed by nobody. */
  receivedMasterAbort(): void {
    this.setStatus(STATUS_RECEIVED_MASTER_ABORT);
  }

  // ---- Interrupt pin ---------------------------------------------------------------------------------------------

  /** The function requests, or no longer requests, an interrupt. */
  protected interrupt(level: boolean): void {
    this.#interrupt = level;
    this.#driveInterrupt();
  }

  #driveInterrupt(): void {
    const canDisable = (this.#writable[COMMAND + 1]! & (COMMAND_INTX_DISABLE >> 8)) !== 0;
    if (canDisable) {
      const others = this.config16(STATUS) & ~STATUS_INTX;
      this.setConfig(STATUS, 2, this.#interrupt ? others | STATUS_INTX : others);
    }
    this.intx.set(this.#interrupt && (this.config16(COMMAND) & COMMAND_INTX_DISABLE) === 0);
  }

  // ---- Device ----------------------------------------------------------------------------------------------------

  reset(_kind: ResetKind): void {
    this.#config.set(this.#resetValues);
    this.#interrupt = false;
    this.#remap();
  }

  settle(): void {
    this.#remap();
    this.#driveInterrupt();
  }

  save(): PlainFields {
    return { config: this.#config.slice(), interrupt: this.#interrupt };
  }

  restore(state: PlainFields): void {
    const fields = new SavedFields(this.id, state);
    const config = fields.bytes('config', CONFIG_BYTES);
    for (const at of [VENDOR_ID, VENDOR_ID + 1, DEVICE_ID, DEVICE_ID + 1, HEADER_TYPE]) {
      if (config[at] !== this.#resetValues[at])
        throw new SnapshotError(`${this.id}: field "config" is another device's`);
    }
    const interrupt = fields.bool('interrupt');
    this.#config.set(config);
    this.#interrupt = interrupt;
  }

  // ---- Address decoders ------------------------------------------------------------------------------------------

  #barOffset(index: number, sizeBytes: number, least: number): number {
    if (!(index >= 0 && index < this.#bars)) throw new RangeError(`${this.id}: BAR ${index}`);
    powerOfTwo(sizeBytes, least);
    return BAR0 + 4 * index;
  }

  #decode(space: 'memory' | 'io', sizeBytes: number, reveal: Reveal, enable: number, base: () => number): void {
    if (this.#decoders.length >= MAX_DECODERS) throw new RangeError(`${this.id}: too many address decoders`);
    this.#writable[COMMAND] = this.#writable[COMMAND]! | enable;
    const enabledBase = (): number => (this.config16(COMMAND) & enable ? base() : -1);
    this.#decoders.push({ space, sizeBytes, reveal, base: enabledBase, row: undefined });
  }

  /** Brings the rows in the bus's maps in line with command and base address registers. */
  #remap(): void {
    if (this.#bus === undefined) return;
    for (const [index, decoder] of this.#decoders.entries()) {
      const base = decoder.base();
      if (base === (decoder.row?.first ?? -1)) continue;
      const space: MemoryMap = this.#bus[decoder.space];
      if (decoder.row !== undefined) space.remove(decoder.row);
      decoder.row = undefined;
      if (base < 0) continue;
      // Software can make ranges overlap at any time. On a real bus two devices would fight; here the lower slot wins.
      const priority = (PCI_DEVICES * PCI_FUNCTIONS - this.#slot) * MAX_DECODERS - index;
      decoder.row = decoder.reveal(new Region(base, base + decoder.sizeBytes - 1)).priority(priority);
      space.add(decoder.row);
    }
  }

  #master(): PciMaster {
    const bus = (): PciBus | undefined => {
      if (this.#bus !== undefined && this.config16(COMMAND) & COMMAND_MASTER) return this.#bus;
      this.log.guest('bus master access while the command register forbids it');
      return undefined;
    };
    return {
      dmaRead: (pa, into) => {
        const master = bus();
        if (master === undefined) into.fill(0xff);
        else master.mastered(this, () => master.dmaRead(pa, into));
      },
      dmaWrite: (pa, from) => {
        const master = bus();
        master?.mastered(this, () => master.dmaWrite(pa, from));
      },
      read: (pa, width) => {
        const master = bus();
        return master === undefined ? ones(width) : master.mastered(this, () => master.read(pa, width));
      },
      write: (pa, width, value) => {
        const master = bus();
        master?.mastered(this, () => master.write(pa, width, value));
      },
    };
  }

  #resetValue16(offset: number): number {
    return this.#resetValues[offset]! | (this.#resetValues[offset + 1]! << 8);
  }
}

function powerOfTwo(sizeBytes: number, least: number): void {
  if (sizeBytes < least || sizeBytes > 0x8000_0000 || (sizeBytes & (sizeBytes - 1)) !== 0) {
    throw new RangeError(`an address decoder of ${sizeBytes} bytes`);
  }
}
