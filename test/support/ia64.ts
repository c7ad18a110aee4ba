// SPDX-License-Identifier: MIT
//
// An IA-64 core in this process with an address space of its own, for tests: no kernel, only pages.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { AREA_SIZE, Ia64State } from '../../core/ia64/host/ia64-state.ts';

export const PAGE = 0x4000;
const VALID = 1;
export const READ = 2;
export const WRITE = 4;
export const EXECUTE = 8;
export const NAT_PAGE = 0x10;
export const GATE = 0x20;

export interface Ia64Exports {
  init(area: number): void;
  run(budget: number): number;
  step(): number;
  flushTlb(): void;
  newSpace(space: number): void;
  flushRegisterStack(): boolean;
}

const MODULE = fileURLToPath(new URL('../../dist/core/ia64.wasm', import.meta.url));
let compiled: WebAssembly.Module | undefined;

export class Ia64 {
  readonly memory: WebAssembly.Memory;
  readonly core: Ia64Exports;
  readonly state: Ia64State;
  readonly space: number;
  readonly #view: DataView;
  readonly #bytes: Uint8Array;
  #next: number;

  constructor(megabytes = 256) {
    const pages = megabytes * 16;
    this.memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
    compiled ??= new WebAssembly.Module(readFileSync(MODULE));
    const itc = (): number => Math.floor(performance.now() * 1e6);
    const instance = new WebAssembly.Instance(compiled, {
      env: {
        memory: this.memory,
        abort: (): never => {
          throw new Error('abort');
        },
      },
      host: { itc },
    });
    this.core = instance.exports as unknown as Ia64Exports;
    this.#view = new DataView(this.memory.buffer);
    this.#bytes = new Uint8Array(this.memory.buffer);
    const area = 0x10_0000;
    this.core.init(area);
    this.state = new Ia64State(this.memory, area);
    this.#next = Math.ceil((area + AREA_SIZE) / PAGE) * PAGE;
    this.space = this.#page();
    this.state.space = this.space;
    this.core.newSpace(this.space);
  }

  #page(): number {
    const page = this.#next;
    if (page + PAGE > this.memory.buffer.byteLength) throw new Error('out of pages');
    this.#next += PAGE;
    return page;
  }

  #table(word: number): number {
    const found = this.#view.getUint32(word, true);
    if (found !== 0) return found & ~(PAGE - 1);
    const page = this.#page();
    this.#view.setUint32(word, page | VALID, true);
    return page;
  }

  #leaf(va: bigint): number {
    const root = this.space + (Number(va >> 61n) * 64 + Number((va >> 38n) & 0x3fn)) * 4;
    const middle = this.#table(root) + Number((va >> 26n) & 0xfffn) * 4;
    return this.#table(middle) + Number((va >> 14n) & 0xfffn) * 4;
  }

  /** Maps fresh pages, keeping those that are there. */
  map(va: bigint, bytes: number, flags = READ | WRITE): void {
    const end = va + BigInt(bytes);
    for (let page = va & ~BigInt(PAGE - 1); page < end; page += BigInt(PAGE)) {
      const word = this.#leaf(page);
      const old = this.#view.getUint32(word, true) & ~(PAGE - 1);
      this.#view.setUint32(word, (old === 0 ? this.#page() : old) | VALID | flags, true);
    }
  }

  isMapped(va: bigint): boolean {
    return (this.#view.getUint32(this.#leaf(va), true) & VALID) !== 0;
  }

  unmap(va: bigint): void {
    this.#view.setUint32(this.#leaf(va), 0, true);
    this.core.flushTlb();
  }

  /** Where `va` is in the memory. */
  host(va: bigint): number {
    const leaf = this.#view.getUint32(this.#leaf(va), true);
    if (leaf === 0) throw new Error(`0x${va.toString(16)} is not mapped`);
    return (leaf & ~(PAGE - 1)) + Number(va & BigInt(PAGE - 1));
  }

  write(va: bigint, bytes: Uint8Array): void {
    for (let done = 0; done < bytes.length;) {
      const at = va + BigInt(done);
      const count = Math.min(bytes.length - done, PAGE - Number(at & BigInt(PAGE - 1)));
      this.#bytes.set(bytes.subarray(done, done + count), this.host(at));
      done += count;
    }
  }

  read(va: bigint, length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    for (let done = 0; done < length;) {
      const at = va + BigInt(done);
      const count = Math.min(length - done, PAGE - Number(at & BigInt(PAGE - 1)));
      const host = this.host(at);
      bytes.set(this.#bytes.subarray(host, host + count), done);
      done += count;
    }
    return bytes;
  }

  read64(va: bigint): bigint {
    return this.#view.getBigUint64(this.host(va), true);
  }

  write64(va: bigint, value: bigint): void {
    this.#view.setBigUint64(this.host(va), BigInt.asUintN(64, value), true);
  }

  write32(va: bigint, value: number): void {
    this.#view.setUint32(this.host(va), value, true);
  }

  string(va: bigint): string {
    let text = '';
    for (let at = va; ; at++) {
      const byte = this.#bytes[this.host(at)]!;
      if (byte === 0) return text;
      text += String.fromCharCode(byte);
    }
  }
}
