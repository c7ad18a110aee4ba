// SPDX-License-Identifier: MIT

/** Bits of {@link GuestMemory.pageState}, one byte for each 4 KiB page of the whole memory. */
export const PAGE_CODE = 0x01; // the core holds decoded instructions of this page
export const PAGE_TRACKED = 0x02; // somebody wants to know when it is written
export const PAGE_DIRTY = 0x04; // written since the last drain

export const PAGE_BYTES = 4096;

/** A contiguous run of guest RAM or ROM inside the shared memory. */
export interface MemoryBlock {
  readonly name: string;
  /** Where it begins in the shared memory, page-aligned. */
  readonly offset: number;
  readonly size: number;
  /** The block's bytes, in guest byte order. Write through {@link GuestMemory.written} or {@link MemoryMap} DMA. */
  readonly bytes: Uint8Array;
  readonly view: DataView;
}

/** What a CPU core keeps in the shared memory about pages, and wants to hear. */
export interface CoreMemory {
  /** First byte that is free for blocks. */
  readonly reservedBytes: number;
  /** Where the page-state bytes are. */
  readonly pageStateOffset: number;
  /** Memory [offset, offset + size) was written behind the core's back while it held decoded instructions of it. */
  invalidateCode(offset: number, size: number): void;
  /** Tracked pages must report their next write again. */
  protectTracked(): void;
  /** Something other than the core wrote to memory. */
  hostWrote?(): void;
}

/**
 * All memory of one machine: one shared, non-growing `WebAssembly.Memory`, whose first part belongs to the CPU core.
 * The host commits pages as they are touched, so a generous size costs nothing.
 */
export class GuestMemory {
  readonly memory: WebAssembly.Memory;
  readonly bytes: Uint8Array;
  /** One byte a page; see {@link PAGE_DIRTY}. */
  pageState: Uint8Array;
  readonly blocks: MemoryBlock[] = [];
  #free: number;
  readonly #cores: CoreMemory[] = [];

  constructor(totalBytes: number) {
    const pages = Math.ceil(totalBytes / 65536);
    this.memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
    this.bytes = new Uint8Array(this.memory.buffer);
    this.pageState = new Uint8Array(this.bytes.length / PAGE_BYTES);
    this.#free = PAGE_BYTES;
  }

  /** A CPU core takes the beginning of the memory; must precede every `allocate`. */
  attachCore(core: CoreMemory): void {
    if (this.blocks.length > 0) throw new Error('attach CPU cores before allocating memory');
    this.#cores.push(core);
    this.#free = Math.max(this.#free, core.reservedBytes);
    this.pageState = new Uint8Array(this.memory.buffer, core.pageStateOffset, this.bytes.length / PAGE_BYTES);
  }

  /** `size` zeroed bytes, aligned to 64 KiB. */
  allocate(name: string, size: number): MemoryBlock {
    const offset = Math.ceil(this.#free / 65536) * 65536;
    if (offset + size > this.bytes.length) {
      throw new RangeError(`${name}: ${size} bytes do not fit into the machine's ${this.bytes.length}`);
    }
    this.#free = offset + size;
    const block: MemoryBlock = {
      name,
      offset,
      size,
      bytes: new Uint8Array(this.memory.buffer, offset, size),
      view: new DataView(this.memory.buffer, offset, size),
    };
    this.blocks.push(block);
    return block;
  }

  /** Tells the cores and the dirty marks that [offset, offset + size) of the memory was written by the host. */
  written(offset: number, size: number): void {
    if (size <= 0) return;
    for (const core of this.#cores) core.hostWrote?.();
    const last = (offset + size - 1) >>> 12;
    let code = false;
    for (let page = offset >>> 12; page <= last; page++) {
      const state = this.pageState[page]!;
      if (state === 0) continue;
      if (state & PAGE_TRACKED) this.pageState[page] = state | PAGE_DIRTY;
      if (state & PAGE_CODE) code = true;
    }
    if (code) for (const core of this.#cores) core.invalidateCode(offset, size);
  }

  /** From now on, writes to the block mark its pages dirty. */
  track(block: MemoryBlock): void {
    const first = block.offset >>> 12;
    for (let page = first; page < first + block.size / PAGE_BYTES; page++) {
      this.pageState[page] = this.pageState[page]! | PAGE_TRACKED | PAGE_DIRTY;
    }
    for (const core of this.#cores) core.protectTracked();
  }

  /** Page numbers inside the block that were written since the last call, in order. */
  drainDirty(block: MemoryBlock): number[] {
    const first = block.offset >>> 12;
    const dirty: number[] = [];
    for (let page = 0; page < block.size / PAGE_BYTES; page++) {
      const state = this.pageState[first + page]!;
      if (!(state & PAGE_DIRTY)) continue;
      this.pageState[first + page] = state & ~PAGE_DIRTY;
      dirty.push(page);
    }
    if (dirty.length > 0) for (const core of this.#cores) core.protectTracked();
    return dirty;
  }
}
