// SPDX-License-Identifier: MIT
import { readFileSync } from 'node:fs';
import { Board } from '../../machines/backplane/board.ts';
import { Log, type LogEntry } from '../../machines/backplane/log.ts';
import type { GuestMemory, MemoryBlock } from '../../machines/backplane/memory.ts';
import { type MemoryMap, region } from '../../machines/backplane/memory-map.ts';
import { ArmCpu, type ArmModel, type ArmOptions } from '../../machines/devices/cpu/arm.ts';

let compiled: WebAssembly.Module | undefined;

/** The core, as the build left it in dist/. */
export function armModule(): WebAssembly.Module {
  compiled ??= new WebAssembly.Module(readFileSync(new URL('../../dist/core/arm.wasm', import.meta.url)));
  return compiled;
}

export interface TestArmOptions extends Partial<Pick<ArmOptions, 'translate26' | 'highVectors' | 'clocksPerTick'>> {
  readonly model?: ArmModel;
  readonly ramBytes?: number;
  /** Where RAM is. */
  readonly ramAt?: number;
  /** What else is on the bus. */
  readonly extend?: (map: MemoryMap, memory: GuestMemory, cpu: () => ArmCpu) => void;
}

/** A processor with RAM, at 0 unless told, and nothing else unless told. */
export class TestArm {
  readonly entries: LogEntry[] = [];
  readonly board: Board;
  readonly map: MemoryMap;
  readonly ram: MemoryBlock;
  readonly cpu: ArmCpu;
  readonly #base: number;

  constructor(options: TestArmOptions = {}) {
    const ramBytes = options.ramBytes ?? 0x10_0000;
    this.#base = options.ramAt ?? 0;
    const log = new Log((entry) => this.entries.push(entry), ['guest', 'unimp']);
    this.board = new Board({ masterHz: 100_000_000, memoryBytes: (64 << 20) + ramBytes, log });
    this.map = this.board.map('bus');
    this.cpu = this.board.addCpu(
      new ArmCpu(this.board.chip('cpu'), {
        memory: this.board.memory,
        map: this.map,
        module: armModule(),
        model: options.model ?? 'arm926',
        translate26: options.translate26,
        highVectors: options.highVectors,
        clocksPerTick: options.clocksPerTick,
      }),
    );
    this.ram = this.board.memory.allocate('ram', ramBytes);
    this.map.add(region(this.#base, this.#base + ramBytes - 1).ram(this.ram));
    options.extend?.(this.map, this.board.memory, () => this.cpu);
  }

  /** Puts bytes at a physical address. */
  load(pa: number, bytes: Uint8Array): void {
    this.ram.bytes.set(bytes, pa - this.#base);
    this.board.memory.written(this.ram.offset + pa - this.#base, bytes.length);
  }

  /** Puts instruction words at a physical address. */
  code(pa: number, ...words: number[]): void {
    for (const [index, word] of words.entries()) this.ram.view.setUint32(pa - this.#base + index * 4, word, true);
    this.board.memory.written(this.ram.offset + pa - this.#base, words.length * 4);
  }

  halfwords(pa: number, ...halves: number[]): void {
    for (const [index, half] of halves.entries()) this.ram.view.setUint16(pa - this.#base + index * 2, half, true);
    this.board.memory.written(this.ram.offset + pa - this.#base, halves.length * 2);
  }

  reg(name: string): number {
    return Number(this.cpu.registers()[name]);
  }

  set(values: Record<string, number | bigint>): void {
    for (const [name, value] of Object.entries(values)) this.cpu.setRegister(name, value);
  }

  word(pa: number): number {
    return this.ram.view.getUint32(pa - this.#base, true);
  }
}
