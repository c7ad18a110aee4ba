// SPDX-License-Identifier: MIT
//
// How a call finds its arguments: the number in r15, the arguments in the output registers of the frame that executed
// the break. A NaT among them counts as -1, as in Linux.
import { BAD_VA, vaFromBig } from '../memory/address.ts';
import type { Task } from '../process/process.ts';
import type { Call, SysResult } from '../waiting.ts';

export class SyscallArguments {
  readonly number: number;
  readonly #values: bigint[] = [];

  constructor(task: Task) {
    const { state } = task.cpu;
    this.number = Number(BigInt.asIntN(32, state.gr(15)));
    const sof = Number(state.cfm & 0x7fn);
    const sol = Number((state.cfm >> 7n) & 0x7fn);
    for (let n = 0; n < 8; n++) {
      const register = 32 + sol + n;
      if (sol + n >= sof) this.#values.push(0n);
      else this.#values.push(state.grNat(register) ? 0xffff_ffff_ffff_ffffn : state.gr(register));
    }
  }

  /** All 64 bits. */
  raw(n: number): bigint {
    return this.#values[n]!;
  }

  /** An int. */
  int(n: number): number {
    return Number(BigInt.asIntN(32, this.#values[n]!));
  }

  /** An unsigned int. */
  uint(n: number): number {
    return Number(this.#values[n]! & 0xffff_ffffn);
  }

  /** A long, as far as a number holds it. */
  long(n: number): number {
    return Number(BigInt.asIntN(64, this.#values[n]!));
  }

  /** A size_t; anything absurd is just very large. */
  size(n: number): number {
    return Number(this.#values[n]!);
  }

  /** A pointer; 0 is NULL. */
  pointer(n: number): number {
    const value = this.#values[n]!;
    return value === 0n ? 0 : vaFromBig(value);
  }

  /** An address that must be in a program's regions, or BAD_VA. */
  address(n: number): number {
    const va = vaFromBig(this.#values[n]!);
    return va >= BAD_VA ? BAD_VA : va;
  }
}

export type Handler = (task: Task, args: SyscallArguments) => SysResult | Call;

export interface SyscallEntry {
  readonly name: string;
  /** Undefined for calls that are known by name only. */
  readonly run: Handler | undefined;
}

export type SyscallTable = ReadonlyMap<number, SyscallEntry>;
