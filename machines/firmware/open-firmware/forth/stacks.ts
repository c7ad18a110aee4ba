// SPDX-License-Identifier: MIT
//
// The data stack and the return stack of the current task, checked at both ends.
import { ForthThrow, THROW } from '../errors.ts';
import { textOf } from '../latin1.ts';
import { DataSpace, FALSE, TRUE } from './data-space.ts';
import { DATA_STACK_CELLS, RETURN_STACK_CELLS, Task } from './task.ts';

export class Stacks extends DataSpace {
  task: Task = new Task();

  push(value: number): void {
    const task = this.task;
    if (task.sp >= DATA_STACK_CELLS) throw new ForthThrow(THROW.stackOverflow);
    task.ds[task.sp++] = value;
  }

  pop(): number {
    const task = this.task;
    if (task.sp <= 0) throw new ForthThrow(THROW.stackUnderflow);
    return task.ds[--task.sp]!;
  }

  popU = (): number => this.pop() >>> 0;

  flag(value: boolean): void {
    this.push(value ? TRUE : FALSE);
  }

  pushD(value: bigint): void {
    this.push(Number(BigInt.asIntN(32, value)));
    this.push(Number(BigInt.asIntN(32, value >> 32n)));
  }

  popD(): bigint {
    const high = this.pop();
    return (BigInt(high) << 32n) | BigInt(this.popU());
  }

  popUD = (): bigint => BigInt.asUintN(64, this.popD());

  /** The cell `depth` below the top. */
  peek(depth: number): number {
    const at = this.task.sp - 1 - depth;
    if (depth < 0 || at < 0) throw new ForthThrow(THROW.stackUnderflow);
    return this.task.ds[at]!;
  }

  need(cells: number): void {
    if (this.task.sp < cells) throw new ForthThrow(THROW.stackUnderflow);
  }

  rpush(value: number): void {
    const task = this.task;
    if (task.rp >= RETURN_STACK_CELLS) throw new ForthThrow(THROW.returnStackOverflow);
    task.rs[task.rp++] = value;
  }

  rpop(): number {
    const task = this.task;
    if (task.rp <= 0) throw new ForthThrow(THROW.returnStackUnderflow);
    return task.rs[--task.rp]!;
  }

  rpeek(depth: number): number {
    const at = this.task.rp - 1 - depth;
    if (at < 0) throw new ForthThrow(THROW.returnStackUnderflow);
    return this.task.rs[at]!;
  }

  popString(): string {
    const length = this.popU();
    const pa = this.popU();
    return textOf(this.bytes(pa, length));
  }
}
