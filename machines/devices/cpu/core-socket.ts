// SPDX-License-Identifier: MIT
//
// What the sockets of the WebAssembly cores have in common: the core as an instance in the machine's memory, its map of
// physical pages, slices of time, the debugger's way to memory, and snapshots of the state that the core keeps in memory.
// A processor adds its bus, its pins, its registers by name and its reset.
import type { ChipContext } from '../../backplane/board.ts';
import { STOP, type Cpu, type StopReason } from '../../backplane/cpu.ts';
import { SavedFields, SnapshotError, type PlainFields, type ResetKind } from '../../backplane/device.ts';
import type { GuestMemory } from '../../backplane/memory.ts';
import type { MemoryMap } from '../../backplane/memory-map.ts';

export interface SocketOptions {
  readonly memory: GuestMemory;
  /** What the processor's bus sees. */
  readonly map: MemoryMap;
  /** dist/core/NAME.wasm of the processor's instruction set, compiled. */
  readonly module: WebAssembly.Module;
}

/** The functions every core has; core/NAME/index.ts. */
export interface ProcessorCore {
  reset(): void;
  rebuild(): void;
  run(ticks: number): number;
  step(): number;
  elapsed(): number;
  pullIn(ticks: number): void;
  pc(): number;
  setPc(value: number): void;
  mapChanged(): void;
  translate(va: number, access: number): number;
  /** Ticks until a timer of the processor's own wakes it, negative when none will; absent where it has no timers. */
  wakeIn?(): number;
  skipped(ticks: number): void;
  totalTicks(): number;
  instructions(): number;
  invalidateCode(offset: number, size: number): void;
  protectTracked(): void;
  readonly reservedBytes: { value: number };
  readonly pageStateOffset: { value: number };
  readonly physMapOffset: { value: number };
}

/** Where a core keeps the processor's state, and what a snapshot has of it. */
export interface StateLayout<Field extends string> {
  readonly version: number;
  readonly fields: Readonly<Record<Field, { readonly offset: number; readonly bytes: number }>>;
  /** Fields that hold less than their type could; what a snapshot says beyond that is refused. */
  readonly fieldMax: Readonly<Partial<Record<Field, number>>>;
  /** Register files: where they are and how many words they have. */
  readonly files: Readonly<Record<string, { readonly offset: number; readonly words: number }>>;
  /** The word that tells the core of a bus error. */
  readonly busError: { readonly offset: number };
  /** Bits of a word of the map of physical pages. */
  readonly physRam: number;
  readonly physWritable: number;
  /** Bytes of the smallest page an address translation can have. */
  readonly smallestPage: number;
}

const ACCESS_READ = 0;
const ACCESS_FETCH = 2;

const PAGE_BYTES = 4096;
/** The core counts slices in 32 bits; longer ones are run in parts. */
export const MOST_TICKS = 1 << 26;

export abstract class CoreSocket<Core extends ProcessorCore, Field extends string> implements Cpu {
  readonly id: string;
  abstract readonly model: string;
  protected readonly core: Core;
  protected readonly view: DataView;
  protected readonly words: Uint32Array;
  readonly #memory: GuestMemory;
  readonly #map: MemoryMap;
  readonly #layout: StateLayout<Field>;
  readonly #fieldNames: readonly Field[];
  readonly #physMap: Uint32Array;
  /** Physical pages that are memory now: first page, number of pages, word of the first. */
  #pages: number[] = [];
  /** Ticks of the slice's earlier parts and those the bus held the processor, and where the slice ends. */
  #before = 0;
  #end = 0;

  /** `host`: what the core calls. The socket configures its core and then calls `powerOn`. */
  constructor(
    chip: ChipContext,
    { memory, map, module }: SocketOptions,
    layout: StateLayout<Field>,
    host: Readonly<Record<string, unknown>>,
  ) {
    this.id = chip.id;
    this.#memory = memory;
    this.#map = map;
    this.#layout = layout;
    this.#fieldNames = Object.keys(layout.fields) as Field[];
    this.view = new DataView(memory.memory.buffer);
    this.words = new Uint32Array(memory.memory.buffer);
    const instance = new WebAssembly.Instance(module, { env: { memory: memory.memory }, host });
    this.core = instance.exports as unknown as Core;
    this.#physMap = new Uint32Array(memory.memory.buffer, this.core.physMapOffset.value, 1 << 20);
  }

  /** Takes the core's part of the memory, resets the processor and follows the map. */
  protected powerOn(hostWrote?: () => void): void {
    const { core } = this;
    this.#memory.attachCore({
      reservedBytes: core.reservedBytes.value >>> 0,
      pageStateOffset: core.pageStateOffset.value >>> 0,
      invalidateCode: (offset, size) => core.invalidateCode(offset, size),
      protectTracked: () => core.protectTracked(),
      ...(hostWrote === undefined ? {} : { hostWrote }),
    });
    this.reset('cold');
    this.#map.onChange(() => this.mapChanged());
  }

  abstract interrupt(level: boolean): void;
  abstract registers(): Record<string, number | bigint>;
  abstract setRegister(name: string, value: number | bigint): void;
  abstract reset(kind: ResetKind): void;

  get pc(): number {
    return this.core.pc() >>> 0;
  }

  /** Instructions executed since power-on. */
  get instructions(): number {
    return this.core.instructions();
  }

  /** Master ticks since power-on. */
  get ticks(): number {
    return this.core.totalTicks();
  }

  elapsed(): number {
    return this.#before + (this.core.elapsed() >>> 0);
  }

  pullIn(ticks: number): void {
    if (ticks >= this.#end) return;
    this.#end = ticks;
    this.core.pullIn(Math.max(0, ticks - this.#before));
  }

  run(ticks: number): StopReason {
    this.beginSlice(ticks);
    for (;;) {
      const reason = this.core.run(Math.min(MOST_TICKS, this.partLeft)) as StopReason;
      if (reason !== STOP.budget || this.sliceOver) return reason;
      this.endPart();
    }
  }

  step(): StopReason {
    this.beginSlice(1);
    return this.core.step() as StopReason;
  }

  protected beginSlice(ticks: number): void {
    this.#before = 0;
    this.#end = ticks;
  }

  /** Ticks of the slice from where its current part began. */
  protected get partLeft(): number {
    return Math.max(0, this.#end - this.#before);
  }

  /** Ticks of the slice from now; negative when the last instruction went beyond its end. */
  protected get sliceLeft(): number {
    return this.#end - this.elapsed();
  }

  protected get sliceOver(): boolean {
    return this.elapsed() >= this.#end;
  }

  /** The core is about to be run again within the slice and counts from 0. */
  protected endPart(): void {
    this.#before += this.core.elapsed() >>> 0;
  }

  /** The bus holds the processor. */
  protected hold(ticks: number): void {
    this.#before += ticks;
    this.core.skipped(ticks);
    this.core.pullIn(this.partLeft);
  }

  get wakeIn(): number {
    const ticks = this.core.wakeIn?.() ?? -1;
    return ticks < 0 ? Infinity : ticks;
  }

  skipped(ticks: number): void {
    this.core.skipped(ticks);
  }

  translate(va: number, space: 'code' | 'data'): number | undefined {
    const pa = this.core.translate(va, space === 'code' ? ACCESS_FETCH : ACCESS_READ);
    return pa < 0 ? undefined : pa;
  }

  /** Copies memory at a virtual address; false, with nothing useful copied, where it is not mapped. */
  readVirtual(va: number, into: Uint8Array): boolean {
    return this.#eachPage(va, into, (pa, part) => this.#map.dmaRead(pa, part));
  }

  writeVirtual(va: number, from: Uint8Array): boolean {
    return this.#eachPage(va, from, (pa, part) => this.#map.dmaWrite(pa, part));
  }

  #eachPage(va: number, bytes: Uint8Array, visit: (pa: number, part: Uint8Array) => void): boolean {
    const { smallestPage } = this.#layout;
    for (let done = 0; done < bytes.length;) {
      const at = (va + done) >>> 0;
      const length = Math.min(bytes.length - done, smallestPage - (at % smallestPage));
      const pa = this.translate(at, 'data');
      if (pa === undefined) return false;
      visit(pa, bytes.subarray(done, done + length));
      done += length;
    }
    return true;
  }

  settle(): void {}

  /** The pins are no part of it: they are driven again by settle(). */
  save(): PlainFields {
    return this.saveState();
  }

  restore(state: PlainFields): void {
    this.restoreState(this.openState(state), state);
  }

  /** The state in memory, with what the processor has beside it. */
  protected saveState(beside: PlainFields = {}): PlainFields {
    const fields: PlainFields = { version: this.#layout.version, model: this.model, ...beside };
    for (const [name, { offset, words }] of Object.entries(this.#layout.files)) {
      fields[name] = this.words.slice(offset / 4, offset / 4 + words);
    }
    for (const name of this.#fieldNames) {
      const { offset, bytes } = this.#layout.fields[name];
      fields[name] = bytes === 8 ? this.view.getBigUint64(offset, true) : this.view.getUint32(offset, true);
    }
    // The slice that is running has not been added to the ticks yet.
    fields['ticks'] = BigInt(this.core.totalTicks());
    fields['pc'] = this.pc;
    return fields;
  }

  /** Refuses the state of another processor. */
  protected openState(state: PlainFields): SavedFields {
    const saved = new SavedFields(this.id, state);
    saved.int('version', this.#layout.version, this.#layout.version);
    const model = saved.string('model');
    if (model !== this.model) {
      throw new SnapshotError(`${this.id}: the snapshot has a ${model}, this machine a ${this.model}`);
    }
    return saved;
  }

  /** Checks all of the state in memory before it changes anything. */
  protected restoreState(saved: SavedFields, state: PlainFields): void {
    const { fields, fieldMax } = this.#layout;
    const files = Object.entries(this.#layout.files).map(([name, { offset, words }]) => ({
      offset,
      words: saved.words(name, words),
    }));
    const values = this.#fieldNames.map((name) => {
      if (fields[name].bytes === 8) return bits64(this.id, name, state[name]);
      return saved.int(name, 0, fieldMax[name] ?? 0xffff_ffff);
    });
    for (const { offset, words } of files) this.words.set(words, offset / 4);
    for (const [index, name] of this.#fieldNames.entries()) {
      const { offset } = fields[name];
      const value = values[index]!;
      if (typeof value === 'bigint') this.view.setBigUint64(offset, value, true);
      else this.view.setUint32(offset, value, true);
    }
    this.core.rebuild();
  }

  protected field(name: Field): number {
    return this.view.getUint32(this.#layout.fields[name].offset, true);
  }

  protected setField(name: Field, value: number): void {
    this.view.setUint32(this.#layout.fields[name].offset, value, true);
  }

  /** The access that the core is making ends with a bus error. */
  protected busError(): void {
    this.view.setUint32(this.#layout.busError.offset, 1, true);
  }

  /** Tells the core which physical pages are whole pages of memory; all others go through the bus. */
  protected mapChanged(): void {
    const { physRam, physWritable } = this.#layout;
    const pages: number[] = [];
    for (const { first, last, target, offset } of this.#map.flat) {
      if (target.kind !== 'ram' && target.kind !== 'rom') continue;
      const page = Math.ceil(first / PAGE_BYTES);
      const count = Math.floor((last + 1) / PAGE_BYTES) - page;
      const memoryOffset = target.block.offset + offset + (page * PAGE_BYTES - first);
      if (count <= 0 || memoryOffset % PAGE_BYTES !== 0) continue;
      pages.push(page, count, (memoryOffset | physRam | (target.kind === 'ram' ? physWritable : 0)) >>> 0);
    }
    if (pages.length === this.#pages.length && pages.every((value, index) => value === this.#pages[index])) return;
    for (let i = 0; i < this.#pages.length; i += 3) {
      this.#physMap.fill(0, this.#pages[i]!, this.#pages[i]! + this.#pages[i + 1]!);
    }
    for (let i = 0; i < pages.length; i += 3) {
      const [page, count, word] = [pages[i]!, pages[i + 1]!, pages[i + 2]!];
      for (let n = 0; n < count; n++) this.#physMap[page + n] = word + n * PAGE_BYTES;
    }
    this.#pages = pages;
    this.core.mapChanged();
  }
}

function bits64(owner: string, name: string, value: unknown): bigint {
  if (typeof value !== 'bigint' || BigInt.asUintN(64, value) !== value) {
    throw new SnapshotError(`${owner}: field "${name}" should be a 64-bit integer`);
  }
  return value;
}
