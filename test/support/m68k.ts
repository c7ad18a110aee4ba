// SPDX-License-Identifier: MIT
import { readFileSync } from 'node:fs';
import { Board } from '../../machines/backplane/board.ts';
import { Log, type LogEntry } from '../../machines/backplane/log.ts';
import type { GuestMemory, MemoryBlock } from '../../machines/backplane/memory.ts';
import { type MemoryMap, region } from '../../machines/backplane/memory-map.ts';
import { M68kCpu, type M68kModel, type M68kOptions } from '../../machines/devices/cpu/m68k.ts';

let compiled: WebAssembly.Module | undefined;

/** The core, as the build left it in dist/. */
export function m68kModule(): WebAssembly.Module {
  compiled ??= new WebAssembly.Module(readFileSync(new URL('../../dist/core/m68k.wasm', import.meta.url)));
  return compiled;
}

export interface TestM68kOptions extends Partial<Pick<M68kOptions, 'irqAck' | 'irqLevel' | 'fpu' | 'delayTicks'>> {
  readonly model?: M68kModel;
  readonly ramBytes?: number;
  /** What else is on the bus. */
  readonly extend?: (map: MemoryMap, memory: GuestMemory) => void;
}

/** A processor with RAM at 0, and nothing else unless told. Programs begin at 0x1000, in supervisor state. */
export class TestM68k {
  static readonly START = 0x1000;
  static readonly STACK = 0x8000;
  /** Where the handler of exception vector n is. */
  static handler(vector: number): number {
    return 0x4000 + vector * 16;
  }

  readonly entries: LogEntry[] = [];
  readonly board: Board;
  readonly map: MemoryMap;
  readonly ram: MemoryBlock;
  readonly cpu: M68kCpu;

  constructor(options: TestM68kOptions = {}) {
    const ramBytes = options.ramBytes ?? 0x10_0000;
    const log = new Log((entry) => this.entries.push(entry), ['guest', 'unimp']);
    this.board = new Board({ masterHz: 100_000_000, memoryBytes: (64 << 20) + ramBytes, log });
    this.map = this.board.map('bus');
    this.cpu = this.board.addCpu(
      new M68kCpu(this.board.chip('cpu'), {
        memory: this.board.memory,
        map: this.map,
        module: m68kModule(),
        model: options.model ?? '68040',
        fpu: options.fpu,
        irqAck: options.irqAck,
        irqLevel: options.irqLevel,
        delayTicks: options.delayTicks,
      }),
    );
    this.ram = this.board.memory.allocate('ram', ramBytes);
    this.map.add(region(0, ramBytes - 1).ram(this.ram));
    options.extend?.(this.map, this.board.memory);
    for (let vector = 2; vector < 256; vector++) this.ram.view.setUint32(vector * 4, TestM68k.handler(vector));
    this.ram.view.setUint32(0, TestM68k.STACK);
    this.ram.view.setUint32(4, TestM68k.START);
    this.cpu.setRegister('pc', TestM68k.START);
    this.cpu.setRegister('a7', TestM68k.STACK);
  }

  /** Puts instruction words at a physical address. */
  code(pa: number, ...words: number[]): void {
    for (const [index, word] of words.entries()) this.ram.view.setUint16(pa + index * 2, word);
    this.board.memory.written(this.ram.offset + pa, words.length * 2);
  }

  /** Puts the program at its start and executes `steps` instructions of it. */
  execute(words: number[], steps = 1): void {
    this.code(TestM68k.START, ...words);
    this.cpu.setRegister('pc', TestM68k.START);
    for (let n = 0; n < steps; n++) this.cpu.step();
  }

  reg(name: string): number {
    return Number(this.cpu.registers()[name]);
  }

  set(values: Record<string, number | bigint>): void {
    for (const [name, value] of Object.entries(values)) this.cpu.setRegister(name, value);
  }

  long(pa: number): number {
    return this.ram.view.getUint32(pa);
  }

  word(pa: number): number {
    return this.ram.view.getUint16(pa);
  }
}
