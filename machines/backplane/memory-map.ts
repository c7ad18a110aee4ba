// SPDX-License-Identifier: MIT
import { type BusTarget, type Width, readTarget, swapBytes, writeTarget } from './bus.ts';
import type { DeviceLog } from './log.ts';
import type { GuestMemory, MemoryBlock } from './memory.ts';

/** What answers at a range of addresses. */
export type RegionKind =
  | { readonly kind: 'ram'; readonly block: MemoryBlock; readonly offset: number }
  | { readonly kind: 'rom'; readonly block: MemoryBlock; readonly offset: number; readonly writes?: WriteSide }
  | { readonly kind: 'device'; readonly target: BusTarget; readonly name: string; readonly offset: number }
  | { readonly kind: 'map'; readonly map: MemoryMap; readonly base: number }
  | { readonly kind: 'stub'; readonly name: string; readonly value: number }
  | { readonly kind: 'nop'; readonly name: string };

/** What writes to ROM reach, on boards that have a write-only chip at the same addresses. */
export interface WriteSide {
  readonly target: BusTarget;
  readonly name: string;
  /** The address at which the chip's first register is. */
  readonly base: number;
}

/** One row of a memory map; made by {@link region}. Addresses are inclusive. */
export class Region {
  readonly first: number;
  readonly last: number;
  target: RegionKind | undefined;
  /** Where regions overlap the higher priority answers; overlaps of equal priority are errors. */
  priorityLevel = 0;
  /** The region exists only while this view of its map is selected. */
  viewName: string | undefined;
  mirrorBits = 0;
  note = '';

  constructor(first: number, last: number) {
    if (!(first >= 0 && first <= last && last <= 0xffff_ffff)) {
      throw new RangeError(`region ${hex(first)}-${hex(last)}`);
    }
    this.first = first;
    this.last = last;
  }

  get size(): number {
    return this.last - this.first + 1;
  }

  ram(block: MemoryBlock, offset = 0): this {
    return this.#set({ kind: 'ram', block, offset });
  }

  /** Writes are ignored (and logged as guest errors), or go to another chip. */
  rom(block: MemoryBlock, offset = 0, writes?: WriteSide): this {
    return this.#set({ kind: 'rom', block, offset, ...(writes && { writes }) });
  }

  /** `offset` is where in the register file the region begins. */
  device(target: BusTarget, name: string, offset = 0): this {
    return this.#set({ kind: 'device', target, name, offset });
  }

  /** Shows `map` from its address `base`. */
  map(map: MemoryMap, base = 0): this {
    return this.#set({ kind: 'map', map, base });
  }

  /** A device we do not model: named, logged, reads as `value` in every byte. */
  stub(name: string, value = 0): this {
    return this.#set({ kind: 'stub', name, value });
  }

  /** Known to be empty; silent, reads zero. */
  nop(name: string): this {
    return this.#set({ kind: 'nop', name });
  }

  priority(level: number): this {
    this.priorityLevel = level;
    return this;
  }

  view(name: string): this {
    this.viewName = name;
    return this;
  }

  /** Copies at every combination of `bits`, which are clear in the region's own addresses. */
  mirror(bits: number): this {
    if ((this.first & bits) !== 0 || (this.last & bits) !== 0) throw new RangeError(`mirror ${hex(bits)}`);
    this.mirrorBits = bits;
    return this;
  }

  comment(note: string): this {
    this.note = note;
    return this;
  }

  #set(target: RegionKind): this {
    if (this.target !== undefined) throw new Error(`region ${hex(this.first)} has two targets`);
    this.target = target;
    return this;
  }
}

/** A range of addresses, last one included. */
export const region = (first: number, last: number): Region => new Region(first, last);

/** A piece of the flattened map: one target, no overlaps, in address order. `offset` is where in the target it begins. */
export interface FlatRange {
  readonly first: number;
  readonly last: number;
  readonly target: Exclude<RegionKind, { kind: 'map' }>;
  /** Byte offset into the block or the register file of `first`. */
  readonly offset: number;
}

/** What reads of nothing give. */
export interface OpenBus {
  /** Every byte of the value read. */
  readonly value: number;
  /** The access ends in a bus error. */
  readonly busError: boolean;
}

/**
 * Who answers at which physical address. CPUs and DMA engines look through it; devices can add and remove regions
 * while the machine runs (PCI base address registers). Maps nest: a PCI host shows its PCI space in the CPU's map.
 */
export class MemoryMap {
  readonly name: string;
  /** What an access to nothing does. */
  openBus: OpenBus = { value: 0xff, busError: false };
  readonly #memory: GuestMemory;
  readonly #log: DeviceLog;
  readonly #regions: Region[] = [];
  readonly #views = new Set<string>();
  readonly #parents = new Set<MemoryMap>();
  readonly #listeners: (() => void)[] = [];
  #flat: FlatRange[] | undefined;
  #last: FlatRange | undefined;
  #busError = false;

  constructor(name: string, memory: GuestMemory, log: DeviceLog) {
    this.name = name;
    this.#memory = memory;
    this.#log = log;
  }

  /** Adds regions; every one must have a target. */
  add(...regions: Region[]): void {
    for (const added of regions) {
      if (added.target === undefined) throw new Error(`region ${hex(added.first)}-${hex(added.last)} has no target`);
      const { target } = added;
      if ((target.kind === 'ram' || target.kind === 'rom') && target.offset + added.size > target.block.size) {
        throw new RangeError(`region ${hex(added.first)}-${hex(added.last)} is larger than ${target.block.name}`);
      }
      if (target.kind === 'map') target.map.#parents.add(this);
      this.#regions.push(added);
    }
    this.#changed();
  }

  remove(removed: Region): void {
    const index = this.#regions.indexOf(removed);
    if (index < 0) return;
    this.#regions.splice(index, 1);
    this.#changed();
  }

  /** Switches a view (an overlay, a bank) on or off. */
  setView(name: string, on: boolean): void {
    if (this.#views.has(name) === on) return;
    if (on) this.#views.add(name);
    else this.#views.delete(name);
    this.#changed();
  }

  /** Called after every change of the map, and once at once. */
  onChange(listener: () => void): void {
    this.#listeners.push(listener);
    listener();
  }

  /** The map as a list without overlaps. Throws when two regions of equal priority overlap. */
  get flat(): readonly FlatRange[] {
    this.#flat ??= this.#flatten();
    return this.#flat;
  }

  /** What answers at `pa`. */
  at(pa: number): FlatRange | undefined {
    const cached = this.#last;
    if (cached !== undefined && pa >= cached.first && pa <= cached.last) return cached;
    const flat = this.flat;
    let low = 0;
    let high = flat.length - 1;
    while (low <= high) {
      const middle = (low + high) >>> 1;
      const range = flat[middle]!;
      if (pa < range.first) high = middle - 1;
      else if (pa > range.last) low = middle + 1;
      else return (this.#last = range);
    }
    return undefined;
  }

  /** The access under way ends in a bus error: called by what answers it. */
  busError(): void {
    this.#busError = true;
  }

  /** True once after an access that ended in a bus error. */
  takeBusError(): boolean {
    const error = this.#busError;
    this.#busError = false;
    return error;
  }

  /** A bus read as a big-endian CPU or bus master sees it. */
  read(pa: number, width: Width): number {
    const range = this.at(pa);
    if (range === undefined) return this.#openRead(pa, width);
    const offset = range.offset + (pa - range.first);
    const { target } = range;
    switch (target.kind) {
      case 'ram':
      case 'rom':
        if (pa + width - 1 > range.last) return this.#readBytes(pa, width);
        if (width === 4) return target.block.view.getUint32(offset);
        return width === 2 ? target.block.view.getUint16(offset) : target.block.view.getUint8(offset);
      case 'device': {
        const { valid, byteOrder } = target.target.access;
        if (width > valid.max || width < valid.min) {
          this.#log.guest(`${width}-byte read of ${target.name} at %x`, pa);
          return 0;
        }
        if (offset + width > target.target.span) return 0;
        const value = readTarget(target.target, offset, width);
        return byteOrder === 'big' ? value : swapBytes(value, width);
      }
      case 'stub':
        this.#log.unimp(`read of ${target.name} (not modelled) at %x`, pa);
        return spread(target.value, width);
      case 'nop':
        return 0;
    }
  }

  /** A bus write; see {@link read}. */
  write(pa: number, width: Width, value: number): void {
    const range = this.at(pa);
    if (range === undefined) {
      this.#log.guest(`write of %x to nothing at %x`, value, pa);
      this.#busError ||= this.openBus.busError;
      return;
    }
    const offset = range.offset + (pa - range.first);
    const { target } = range;
    switch (target.kind) {
      case 'ram':
        if (pa + width - 1 > range.last) {
          for (let i = 0; i < width; i++) this.write(pa + i, 1, (value >>> ((width - 1 - i) * 8)) & 0xff);
          return;
        }
        if (width === 4) target.block.view.setUint32(offset, value);
        else if (width === 2) target.block.view.setUint16(offset, value);
        else target.block.view.setUint8(offset, value);
        this.#memory.written(target.block.offset + offset, width);
        return;
      case 'rom':
        if (target.writes === undefined) this.#log.guest(`write of %x to ROM ${target.block.name} at %x`, value, pa);
        else this.#writeDevice(target.writes.target, target.writes.name, pa - target.writes.base, pa, width, value);
        return;
      case 'device':
        this.#writeDevice(target.target, target.name, offset, pa, width, value);
        return;
      case 'stub':
        this.#log.unimp(`write of %x to ${target.name} (not modelled) at %x`, value, pa);
        return;
      case 'nop':
    }
  }

  #writeDevice(target: BusTarget, name: string, offset: number, pa: number, width: Width, value: number): void {
    const { valid, byteOrder } = target.access;
    if (width > valid.max || width < valid.min) {
      this.#log.guest(`${width}-byte write to ${name} at %x`, pa);
      return;
    }
    if (offset + width > target.span) return;
    writeTarget(target, offset, width, byteOrder === 'big' ? value : swapBytes(value, width));
  }

  /** Bus-master read of memory into `into`. Ranges that are not memory read as zero and are guest errors. */
  dmaRead(pa: number, into: Uint8Array): void {
    this.#eachPiece(pa, into.length, (range, at, length, done) => {
      if (range?.target.kind === 'ram' || range?.target.kind === 'rom') {
        const from = range.offset + (at - range.first);
        into.set(range.target.block.bytes.subarray(from, from + length), done);
      } else {
        this.#log.guest('DMA read of something that is not memory at %x', at);
        into.fill(0, done, done + length);
      }
    });
  }

  /** Bus-master write to memory. What is not RAM is left alone and is a guest error. */
  dmaWrite(pa: number, from: Uint8Array): void {
    this.#eachPiece(pa, from.length, (range, at, length, done) => {
      if (range?.target.kind !== 'ram') {
        this.#log.guest('DMA write to something that is not RAM at %x', at);
        return;
      }
      const { block } = range.target;
      const to = range.offset + (at - range.first);
      block.bytes.set(from.subarray(done, done + length), to);
      this.#memory.written(block.offset + to, length);
    });
  }

  /** The debugger's view of one byte; `undefined` where nobody can tell without side effects. */
  peek(pa: number): number | undefined {
    const range = this.at(pa);
    if (range === undefined) return undefined;
    const offset = range.offset + (pa - range.first);
    if (range.target.kind === 'ram' || range.target.kind === 'rom') return range.target.block.bytes[offset];
    return undefined;
  }

  #openRead(pa: number, width: Width): number {
    this.#log.guest('read of nothing at %x', pa);
    this.#busError ||= this.openBus.busError;
    return spread(this.openBus.value, width);
  }

  #readBytes(pa: number, width: Width): number {
    let value = 0;
    for (let i = 0; i < width; i++) value = (value << 8) | this.read(pa + i, 1);
    return value >>> 0;
  }

  #eachPiece(
    pa: number,
    size: number,
    visit: (range: FlatRange | undefined, at: number, length: number, done: number) => void,
  ): void {
    for (let done = 0; done < size;) {
      const at = (pa + done) % 0x1_0000_0000;
      const range = this.at(at);
      const end = range?.last ?? Math.min((this.#following(at)?.first ?? 0x1_0000_0000) - 1, at + size - done - 1);
      const length = Math.min(size - done, end - at + 1);
      visit(range, at, length, done);
      done += length;
    }
  }

  #following(pa: number): FlatRange | undefined {
    return this.flat.find((range) => range.first > pa);
  }

  #changed(): void {
    this.#flat = undefined;
    this.#last = undefined;
    for (const parent of this.#parents) parent.#changed();
    for (const listener of this.#listeners) listener();
  }

  #flatten(): FlatRange[] {
    const rows: { range: FlatRange; priority: number }[] = [];
    for (const row of this.#regions) {
      if (row.viewName !== undefined && !this.#views.has(row.viewName)) continue;
      for (const base of mirrors(row.mirrorBits)) {
        const first = row.first + base;
        const last = row.last + base;
        const target = row.target!;
        if (target.kind !== 'map') {
          const offset = 'offset' in target ? target.offset : 0;
          rows.push({ range: { first, last, target, offset }, priority: row.priorityLevel });
          continue;
        }
        const window = target.base + (last - first);
        for (const inner of target.map.flat) {
          if (inner.last < target.base || inner.first > window) continue;
          const from = Math.max(inner.first, target.base);
          const to = Math.min(inner.last, window);
          rows.push({
            range: {
              first: first + (from - target.base),
              last: first + (to - target.base),
              target: inner.target,
              offset: inner.offset + (from - inner.first),
            },
            priority: row.priorityLevel,
          });
        }
      }
    }
    // Highest priority first: each row keeps what the ones before it left free.
    rows.sort((a, b) => b.priority - a.priority);
    const placed: { range: FlatRange; priority: number }[] = [];
    for (const { range, priority } of rows) {
      let free = [range];
      for (const other of placed) {
        const overlaps = free.some((part) => part.first <= other.range.last && part.last >= other.range.first);
        if (!overlaps) continue;
        if (other.priority === priority) {
          throw new Error(
            `${this.name}: ${describeTarget(range.target)} at ${hex(range.first)}-${hex(range.last)} overlaps ` +
              `${describeTarget(other.range.target)} at ${hex(other.range.first)}-${hex(other.range.last)}; ` +
              'give one of them a priority',
          );
        }
        free = free.flatMap((part) => subtract(part, other.range));
      }
      placed.push(...free.map((part) => ({ range: part, priority })));
    }
    return placed.map(({ range }) => range).sort((a, b) => a.first - b.first);
  }
}

function* mirrors(bits: number): Generator<number> {
  let base = 0;
  do {
    yield base >>> 0;
    base = (base - bits) & bits; // next combination of the mirror bits
  } while (base !== 0);
}

function subtract(part: FlatRange, hole: FlatRange): FlatRange[] {
  if (part.last < hole.first || part.first > hole.last) return [part];
  const rest: FlatRange[] = [];
  if (part.first < hole.first) rest.push({ ...part, last: hole.first - 1 });
  if (part.last > hole.last) {
    rest.push({ ...part, first: hole.last + 1, offset: part.offset + (hole.last + 1 - part.first) });
  }
  return rest;
}

const spread = (byte: number, width: Width): number =>
  width === 4 ? (byte * 0x0101_0101) >>> 0 : width === 2 ? byte * 0x0101 : byte;

/** A target as `emeritus describe` names it. */
export function describeTarget(target: RegionKind): string {
  switch (target.kind) {
    case 'ram':
      return `ram ${target.block.name}`;
    case 'rom':
      return `rom ${target.block.name}${target.writes === undefined ? '' : `, writes: ${target.writes.name}`}`;
    case 'device':
      return target.name;
    case 'map':
      return `map ${target.map.name}`;
    case 'stub':
      return `stub ${target.name}`;
    case 'nop':
      return `nop ${target.name}`;
  }
}

export const hex = (address: number): string =>
  `0x${address
    .toString(16)
    .padStart(8, '0')
    .replace(/(.{4})$/, '_$1')}`;
