// SPDX-License-Identifier: MIT
//
// Acorn MEMC1a (VL86C110), the Archimedes' memory controller: what every logical page of the 26-bit address space is, and
// where video, cursor and sound come from. Up to four of them (16 MiB) work as one; this models them as one.
//
// Sockets: bus: two write-only windows in which the address is the data, `registers` (span 2 MiB, at 0x360_0000) and
// `translator` (span 8 MiB, at 0x380_0000); `lookUp` for the processor, `onChange` when its answers change; DMA for VIDC:
// `video`, `cursor`, `sound`. Wires out: `soundIrq`.
// Documents: [VL86C110], [ARC TRM].
// Not modelled: cycle timing (ROM speeds, refresh); row addresses that a page size mixes up are the board's business;
// entries that match the same logical page twice (the last one written wins).
import type { ChipContext } from '../../backplane/board.ts';
import type { AccessRules, BusTarget } from '../../backplane/bus.ts';
import { SavedFields, SnapshotError, type Device, type PlainFields, type ResetKind } from '../../backplane/device.ts';
import { Wire } from '../../backplane/wire.ts';

/** Logical pages as {@link Memc.lookUp} counts them, whatever the page size. */
export const MEMC_PAGE_BYTES = 4096;
/** Pages of the translated half of the address space, 32 MiB. */
export const LOGICAL_PAGES = 0x2000;
/** Video and sound buffers are in the first 512 KiB of memory. */
export const DMA_BYTES = 512 * 1024;

const PAGES_OF_MEMC = 128;
const MOST_PAGES = 4 * PAGES_OF_MEMC;
const UNMAPPED = -1;

/** Protection levels; what they allow is in the rows of {@link Memc.lookUp}. */
export type ProtectionLevel = 0 | 1 | 2 | 3;

export interface Translation {
  /** Physical address of the 4 KiB page, from 0. */
  readonly pa: number;
  readonly level: ProtectionLevel;
}

const CONTROL_BITS = 0x3ffc;
const CONTROL_PAGE_SIZE = 0x000c;
const CONTROL_VIDEO_DMA = 0x0400;
const CONTROL_SOUND_DMA = 0x0800;
const CONTROL_OS_MODE = 0x1000;

const WRITE_ONLY: AccessRules = {
  valid: { min: 1, max: 4 },
  impl: { min: 1, max: 4 },
  byteOrder: 'little',
  rawAddress: true,
};

export class Memc implements Device {
  readonly id: string;
  readonly soundIrq: Wire;
  /** 0x360_0000 to 0x37f_ffff. */
  readonly registers: BusTarget;
  /** 0x380_0000 to 0x3ff_ffff. */
  readonly translator: BusTarget;
  /** Logical pages [first, first + count) or the mode they are seen in have changed. */
  onChange: (first: number, count: number) => void = () => {};
  /** The size of pages has changed: how memory is addressed depends on it. 0 is 4 KiB, 3 is 32 KiB. */
  onPageSize: (size: number) => void = () => {};
  /** Called with the first write after a reset: from then on ROM is no longer at 0. */
  onFirstWrite: () => void = () => {};

  readonly #ramBytes: number;
  /** By physical page of the current size: the first logical 4 KiB page it is at, or UNMAPPED. */
  readonly #entries = new Int32Array(MOST_PAGES).fill(UNMAPPED);
  /** By logical 4 KiB page: physical address / 4 KiB, or UNMAPPED; protection; the entry it is from. */
  readonly #physical = new Int32Array(LOGICAL_PAGES).fill(UNMAPPED);
  readonly #levels = new Uint8Array(LOGICAL_PAGES);
  readonly #owners = new Uint16Array(LOGICAL_PAGES);
  #control = 0;
  #written = false;
  /** Byte addresses in the first 512 KiB, multiples of 16. */
  #vinit = 0;
  #vstart = 0;
  #vend = 0;
  #cinit = 0;
  #nextStart = 0;
  #nextEnd = 0;
  #nextReady = false;
  #soundStart = 0;
  #soundEnd = 0;
  #soundPointer = 0;
  #soundIrqPending = false;

  constructor(chip: ChipContext, options: { readonly ramBytes: number }) {
    this.id = chip.id;
    this.#ramBytes = options.ramBytes;
    this.soundIrq = new Wire(`${chip.id}.sirq`);
    this.registers = writeOnly(0x20_0000, (offset) => this.#writeRegister(offset));
    this.translator = writeOnly(0x80_0000, (offset) => this.#writeTranslator(offset));
  }

  /** log2 of the page size in KiB, less 2: 0 is 4 KiB, 3 is 32 KiB. */
  get #pageSize(): number {
    return (this.#control >>> 2) & 3;
  }

  /** In OS mode, user-mode programs have the rights of the operating system. */
  get osMode(): boolean {
    return (this.#control & CONTROL_OS_MODE) !== 0;
  }

  /** False until the first write after a reset: ROM answers at 0. */
  get started(): boolean {
    return this.#written;
  }

  get videoDma(): boolean {
    return (this.#control & CONTROL_VIDEO_DMA) !== 0;
  }

  get soundDma(): boolean {
    return (this.#control & CONTROL_SOUND_DMA) !== 0;
  }

  /** Where video of a frame begins, and the circular buffer it continues in: from `start` up to, but without, `end`. */
  get video(): { readonly init: number; readonly start: number; readonly end: number } {
    return { init: this.#vinit, start: this.#vstart, end: this.#vend + 16 };
  }

  get cursor(): number {
    return this.#cinit;
  }

  /**
   * What is at logical 4 KiB page `page` (0 to 0x1fff). Level 0 may be read and written by all; 1 may be written by the
   * operating system and read by all; 2 and 3 may be read by the operating system only; supervisor mode may do all.
   */
  lookUp(page: number): Translation | undefined {
    const physical = this.#physical[page]!;
    if (physical === UNMAPPED) return undefined;
    return { pa: physical * MEMC_PAGE_BYTES, level: this.#levels[page] as ProtectionLevel };
  }

  /** Address of the next 16 bytes of sound, or undefined while sound DMA is off. Moves on. */
  sound(): number | undefined {
    if (!this.soundDma) return undefined;
    const pointer = this.#soundPointer;
    if (pointer !== this.#soundEnd) {
      this.#soundPointer = (pointer + 16) & (DMA_BYTES - 1);
      return pointer;
    }
    // Without a new buffer the old one is played again.
    if (this.#nextReady) this.#takeBuffer();
    this.#soundPointer = this.#soundStart;
    this.#soundIrqPending = true;
    this.soundIrq.set(true);
    return pointer;
  }

  reset(kind: ResetKind): void {
    this.#control = 0;
    this.#written = false;
    this.#nextReady = false;
    this.#soundIrqPending = true;
    if (kind !== 'cold') return;
    this.#entries.fill(UNMAPPED);
    this.#physical.fill(UNMAPPED);
    this.#levels.fill(0);
    this.#owners.fill(0);
    this.#vinit = this.#vstart = this.#vend = this.#cinit = 0;
    this.#nextStart = this.#nextEnd = this.#soundStart = this.#soundEnd = this.#soundPointer = 0;
  }

  settle(): void {
    this.soundIrq.set(this.#soundIrqPending);
    if (this.#written) this.onFirstWrite();
    this.onPageSize(this.#pageSize);
    this.onChange(0, LOGICAL_PAGES);
  }

  #firstWrite(): void {
    if (this.#written) return;
    this.#written = true;
    this.onFirstWrite();
  }

  /** A DMA register's address is in bits 16 to 2, in units of 16 bytes. */
  #writeRegister(offset: number): void {
    this.#firstWrite();
    const address = ((offset >>> 2) & 0x7fff) << 4;
    switch ((offset >>> 17) & 7) {
      case 0:
        this.#vinit = address;
        return;
      case 1:
        this.#vstart = address;
        return;
      case 2:
        this.#vend = address;
        return;
      case 3:
        this.#cinit = address;
        return;
      case 4:
        this.#nextStart = address;
        this.#nextReady = true;
        this.#soundIrqPending = false;
        this.soundIrq.set(false);
        return;
      case 5:
        this.#nextEnd = address;
        return;
      case 6:
        this.#takeBuffer();
        this.#soundPointer = this.#soundStart;
        this.#soundIrqPending = true;
        this.soundIrq.set(true);
        return;
      case 7: {
        const changed = this.#control ^ offset;
        this.#control = offset & CONTROL_BITS;
        if (changed & CONTROL_OS_MODE) this.onChange(0, LOGICAL_PAGES);
        if (changed & CONTROL_PAGE_SIZE) this.onPageSize(this.#pageSize);
      }
    }
  }

  #takeBuffer(): void {
    this.#soundStart = this.#nextStart;
    this.#soundEnd = this.#nextEnd;
    this.#nextReady = false;
  }

  /** The bits of the page numbers are where the multiplexers of each page size want them. */
  #writeTranslator(offset: number): void {
    this.#firstWrite();
    const size = this.#pageSize;
    const pages = 1 << size; // of 4 KiB
    // Low bits of the physical page come from the bottom of the address, in this order, above them the aligned ones.
    const aligned = (offset & 0x7f) >>> size;
    const extra = size === 3 ? (offset & 1) | ((offset & 2) << 1) | ((offset & 4) >>> 1) : offset & (pages - 1);
    const memc = size === 3 ? ((offset >>> 7) & 1) | ((offset >>> 11) & 2) : 0;
    const entry = memc * PAGES_OF_MEMC + aligned + (extra << (7 - size));
    if (entry * pages * MEMC_PAGE_BYTES >= this.#ramBytes) return;
    const logical = ((offset >>> 12) & 0x7ff & -pages) | (((offset >>> 10) & 3) << 11);
    this.#release(entry, pages);
    this.#entries[entry] = logical;
    for (let i = 0; i < pages; i++) {
      this.#physical[logical + i] = entry * pages + i;
      this.#levels[logical + i] = (offset >>> 8) & 3;
      this.#owners[logical + i] = entry;
    }
    this.onChange(logical, pages);
  }

  /** An entry is at one logical page only: what it was before is unmapped, unless another entry has taken it since. */
  #release(entry: number, pages: number): void {
    const old = this.#entries[entry]!;
    if (old === UNMAPPED) return;
    for (let page = old; page < Math.min(old + pages, LOGICAL_PAGES); page++) {
      if (this.#owners[page] === entry) this.#physical[page] = UNMAPPED;
    }
    this.onChange(old, pages);
  }

  save(): PlainFields {
    return {
      control: this.#control,
      written: this.#written,
      entries: new Uint32Array(this.#entries),
      physical: new Uint32Array(this.#physical),
      levels: this.#levels.slice(),
      owners: this.#owners.slice(),
      video: [this.#vinit, this.#vstart, this.#vend, this.#cinit],
      next: [this.#nextStart, this.#nextEnd],
      nextReady: this.#nextReady,
      sound: [this.#soundStart, this.#soundEnd, this.#soundPointer],
      soundIrq: this.#soundIrqPending,
    };
  }

  restore(state: PlainFields): void {
    const saved = new SavedFields(this.id, state);
    const addresses = (name: string, count: number): number[] => {
      const list = saved.list(name, count);
      if (list.length !== count) throw new SnapshotError(`${this.id}: field "${name}" should be ${count} addresses`);
      return list.map((one) => Number(one) & (DMA_BYTES - 16));
    };
    this.#control = saved.int('control', 0, CONTROL_BITS);
    this.#written = saved.bool('written');
    const entries = saved.words('entries', MOST_PAGES);
    const physical = saved.words('physical', LOGICAL_PAGES);
    const most = this.#ramBytes / MEMC_PAGE_BYTES;
    if (physical.some((page) => page !== 0xffff_ffff && page >= most)) {
      throw new SnapshotError(`${this.id}: a page beyond the memory`);
    }
    if (entries.some((page) => page !== 0xffff_ffff && page >= LOGICAL_PAGES)) {
      throw new SnapshotError(`${this.id}: a logical page beyond 32 MiB`);
    }
    this.#entries.set(entries);
    this.#physical.set(physical);
    this.#levels.set(saved.bytes('levels', LOGICAL_PAGES).map((level) => level & 3));
    const owners = state['owners'];
    if (!(owners instanceof Uint16Array) || owners.length !== LOGICAL_PAGES) {
      throw new SnapshotError(`${this.id}: field "owners" should be ${LOGICAL_PAGES} entries`);
    }
    this.#owners.set(owners);
    [this.#vinit, this.#vstart, this.#vend, this.#cinit] = addresses('video', 4) as [number, number, number, number];
    [this.#nextStart, this.#nextEnd] = addresses('next', 2) as [number, number];
    [this.#soundStart, this.#soundEnd, this.#soundPointer] = addresses('sound', 3) as [number, number, number];
    this.#nextReady = saved.bool('nextReady');
    this.#soundIrqPending = saved.bool('soundIrq');
  }
}

/** A window in which the address says it all; it reads as zero (ROM answers reads on this board). */
function writeOnly(span: number, write: (offset: number) => void): BusTarget {
  return { span, access: WRITE_ONLY, read: () => 0, peek: () => 0, write: (offset) => write(offset) };
}
