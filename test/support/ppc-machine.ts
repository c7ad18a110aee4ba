// SPDX-License-Identifier: MIT
import { Board } from '../../machines/backplane/board.ts';
import type { StopReason } from '../../machines/backplane/cpu.ts';
import { Log, type LogEntry } from '../../machines/backplane/log.ts';
import type { MemoryBlock } from '../../machines/backplane/memory.ts';
import { type MemoryMap, region } from '../../machines/backplane/memory-map.ts';
import { PpcCpu, type PpcModel } from '../../machines/devices/cpu/ppc.ts';
import { ppcModule } from './ppc.ts';

export type { PpcModel } from '../../machines/devices/cpu/ppc.ts';

const MIB = 1 << 20;
const MSR_FP = 0x2000;
const MSR_ME = 0x1000;
/** With the data cache off dcbz is an alignment exception. */
const HID0_DCE = 0x4000;

export interface PpcMachineOptions {
  readonly model?: PpcModel;
  readonly ram?: readonly { readonly first: number; readonly size: number }[];
}

/** A bare processor with memory: what a test of instructions needs. */
export class PpcMachine {
  readonly board: Board;
  readonly map: MemoryMap;
  readonly cpu: PpcCpu;
  readonly logged: LogEntry[] = [];
  readonly #ram: { first: number; block: MemoryBlock }[] = [];

  /** The default is a 750 and 1 MiB at 0. */
  constructor({ model = '750', ram = [{ first: 0, size: MIB }] }: PpcMachineOptions = {}) {
    const log = new Log((entry) => this.logged.push(entry), ['guest', 'unimp']);
    this.board = new Board({ masterHz: 100_000_000, memoryBytes: 128 * MIB, log });
    this.map = this.board.map('bus');
    this.cpu = this.board.addCpu(
      new PpcCpu(this.board.chip('cpu'), {
        memory: this.board.memory,
        map: this.map,
        module: ppcModule(),
        model,
        ticksPerTimebase: 4,
      }),
    );
    for (const { first, size } of ram) {
      const block = this.board.memory.allocate(`ram at ${first.toString(16)}`, size);
      this.#ram.push({ first, block });
      this.map.add(region(first, first + size - 1).ram(block));
    }
    this.set({ msr: MSR_FP | MSR_ME, pc: 0x100, hid0: HID0_DCE });
  }

  set(registers: Readonly<Record<string, number | bigint>>): void {
    for (const [name, value] of Object.entries(registers)) this.cpu.setRegister(name, value);
  }

  get(...names: readonly string[]): Record<string, number | bigint> {
    const all = this.cpu.registers();
    return Object.fromEntries(names.map((name) => [name, all[name]!]));
  }

  word(pa: number): number {
    const { first, block } = this.#blockAt(pa);
    return block.view.getUint32(pa - first);
  }

  setWord(pa: number, value: number): void {
    const { first, block } = this.#blockAt(pa);
    block.view.setUint32(pa - first, value >>> 0);
    this.board.memory.written(block.offset + pa - first, 4);
  }

  write(pa: number, bytes: Uint8Array): void {
    const { first, block } = this.#blockAt(pa);
    block.bytes.set(bytes, pa - first);
    this.board.memory.written(block.offset + pa - first, bytes.length);
  }

  /** The memory itself, to look at. */
  bytes(pa: number, size: number): Uint8Array {
    const { first, block } = this.#blockAt(pa);
    return block.bytes.subarray(pa - first, pa - first + size);
  }

  program(pa: number, words: readonly number[]): void {
    words.forEach((word, i) => this.setWord(pa + i * 4, word));
  }

  /** Executes instructions, one after the other, from a scratch address. */
  execute(...words: readonly number[]): void {
    this.program(SCRATCH, words);
    this.set({ pc: SCRATCH });
    this.step(words.length);
  }

  step(count = 1): void {
    for (let n = 0; n < count; n++) this.cpu.step();
  }

  run(ticks: number): StopReason {
    return this.cpu.run(ticks);
  }

  #blockAt(pa: number): { first: number; block: MemoryBlock } {
    const found = this.#ram.find(({ first, block }) => pa >= first && pa < first + block.size);
    if (found === undefined) throw new RangeError(`no memory at ${pa.toString(16)}`);
    return found;
  }
}

/** Out of the way of the exception vectors and of what tests place. */
const SCRATCH = 0x4000;
