// SPDX-License-Identifier: MIT
import { readFileSync } from 'node:fs';
import { ISA, type IsaRow } from '../../core/ppc/host/gen/isa.ts';
import { Board } from '../../machines/backplane/board.ts';
import { Log, type LogEntry } from '../../machines/backplane/log.ts';
import type { MemoryBlock } from '../../machines/backplane/memory.ts';
import { type MemoryMap, region } from '../../machines/backplane/memory-map.ts';
import { PpcCpu, type PpcModel, type PpcOptions } from '../../machines/devices/cpu/ppc.ts';

const ROWS = new Map<string, IsaRow>(ISA.map((row) => [row.name, row]));

/** The word of an instruction of ppc.decode; fields not given are 0. `spr` is the register's number. */
export function asm(name: string, fields: Record<string, number> = {}): number {
  const row = ROWS.get(name);
  if (row === undefined) throw new RangeError(`no instruction ${name}`);
  let word = row.match;
  const unknown = new Set(Object.keys(fields));
  for (const [field, shift, signedWidth] of row.fields) {
    unknown.delete(field);
    const width = Math.abs(signedWidth);
    let value = fields[field] ?? 0;
    if (field === 'spr') value = ((value & 31) << 5) | (value >>> 5);
    if ((field === 'bd' || field === 'li') && (value & 3) === 0) value >>= 2;
    word |= (value & (2 ** width - 1)) << shift;
  }
  if (unknown.size > 0) throw new RangeError(`${name} has no field ${[...unknown].join(', ')}`);
  return word >>> 0;
}

let compiled: WebAssembly.Module | undefined;

/** The core, as the build left it in dist/. */
export function ppcModule(): WebAssembly.Module {
  compiled ??= new WebAssembly.Module(readFileSync(new URL('../../dist/core/ppc.wasm', import.meta.url)));
  return compiled;
}

export interface TestPpcOptions extends Partial<Pick<PpcOptions, 'ticksPerTimebase' | 'onHypercall' | 'temperature'>> {
  readonly model?: PpcModel;
  readonly ramBytes?: number;
  /** What else is on the bus. */
  readonly extend?: (map: MemoryMap) => void;
}

/** A processor with RAM at 0, and nothing else unless told. Programs begin at 0x1000, with MSR = ME. */
export class TestPpc {
  static readonly START = 0x1000;
  readonly entries: LogEntry[] = [];
  readonly board: Board;
  readonly map: MemoryMap;
  readonly ram: MemoryBlock;
  readonly cpu: PpcCpu;

  constructor(options: TestPpcOptions = {}) {
    const ramBytes = options.ramBytes ?? 0x10_0000;
    const log = new Log((entry) => this.entries.push(entry), ['guest', 'unimp']);
    this.board = new Board({ masterHz: 100_000_000, memoryBytes: (64 << 20) + ramBytes, log });
    this.map = this.board.map('bus');
    this.cpu = this.board.addCpu(
      new PpcCpu(this.board.chip('cpu'), {
        memory: this.board.memory,
        map: this.map,
        module: ppcModule(),
        model: options.model ?? '750',
        ticksPerTimebase: options.ticksPerTimebase ?? 4,
        onHypercall: options.onHypercall,
        temperature: options.temperature,
      }),
    );
    this.ram = this.board.memory.allocate('ram', ramBytes);
    this.map.add(region(0, ramBytes - 1).ram(this.ram));
    options.extend?.(this.map);
    this.cpu.setRegister('msr', 0x1000);
    this.cpu.setRegister('pc', TestPpc.START);
  }

  /** Puts instruction words at a physical address. */
  code(pa: number, ...words: number[]): void {
    for (const [index, word] of words.entries()) this.ram.view.setUint32(pa + index * 4, word);
    this.board.memory.written(this.ram.offset + pa, words.length * 4);
  }

  /** Puts the program at its start and executes `steps` instructions of it. */
  execute(words: number[], steps = words.length): void {
    this.code(TestPpc.START, ...words);
    this.cpu.setRegister('pc', TestPpc.START);
    for (let n = 0; n < steps; n++) this.cpu.step();
  }

  reg(name: string): number {
    return Number(this.cpu.registers()[name]);
  }

  set(values: Record<string, number | bigint>): void {
    for (const [name, value] of Object.entries(values)) this.cpu.setRegister(name, value);
  }
}
