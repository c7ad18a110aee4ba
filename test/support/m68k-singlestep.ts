// SPDX-License-Identifier: MIT
//
// The single-step vectors of the SingleStepTests project for the 68000: state before and after one instruction.
import { readFileSync } from 'node:fs';

const REGISTERS = [
  ...['d0', 'd1', 'd2', 'd3', 'd4', 'd5', 'd6', 'd7', 'a0', 'a1', 'a2', 'a3', 'a4', 'a5', 'a6'],
  ...['usp', 'ssp', 'sr', 'pc'],
] as const;

export type StepRegisters = Record<(typeof REGISTERS)[number], number>;

export interface StepState {
  readonly registers: StepRegisters;
  readonly prefetch: readonly [number, number];
  /** Address and word, in turn. */
  readonly ram: readonly number[];
}

export interface StepTest {
  readonly name: string;
  readonly initial: StepState;
  readonly final: StepState;
  /** Whether the bus saw an address error. */
  readonly addressError: boolean;
}

/** The tests of one file; every `stride`th of them. */
export function loadSingleSteps(path: string, stride = 1): StepTest[] {
  const bytes = readFileSync(path);
  let at = 4;
  const u32 = (): number => {
    at += 4;
    return bytes.readUInt32LE(at - 4);
  };
  const state = (): StepState => {
    at += 8;
    const registers = {} as StepRegisters;
    for (const name of REGISTERS) registers[name] = u32();
    const prefetch = [u32(), u32()] as const;
    const ram: number[] = [];
    for (let left = u32(); left > 0; left--) {
      ram.push(u32(), bytes.readUInt16LE(at));
      at += 2;
    }
    return { registers, prefetch, ram };
  };
  const tests: StepTest[] = [];
  const count = u32();
  for (let n = 0; n < count; n++) {
    const size = bytes.readUInt32LE(at);
    if (n % stride !== 0 && size > 0) {
      // The size field of a test covers all of it.
      at += size;
      continue;
    }
    const end = at + size;
    at += 8;
    at += 8;
    const length = u32();
    const name = bytes.toString('utf8', at, at + length);
    at += length;
    const initial = state();
    const final = state();
    at += 12;
    let addressError = false;
    for (let left = u32(); left > 0; left--) {
      const kind = bytes[at]!;
      at += 5;
      if (kind !== 0) at += 20;
      if (kind === 4 || kind === 5) addressError = true;
    }
    if (at !== end) throw new Error(`${path}: test ${n} ends at ${at}, not ${end}`);
    tests.push({ name, initial, final, addressError });
  }
  return tests;
}
