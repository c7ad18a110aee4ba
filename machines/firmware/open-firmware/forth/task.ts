// SPDX-License-Identifier: MIT
//
// A thread of execution: its stacks, where it is in the code, the text it interprets and what it waits for, as plain
// numbers that a snapshot can hold.
import { type PlainFields, SavedFields, SnapshotError } from '../../../backplane/device.ts';
import { asFields } from '../saved.ts';

export const DATA_STACK_CELLS = 1024;
export const RETURN_STACK_CELLS = 2048;
export const MAX_CODE_CELLS = 1 << 20;
export const MAX_SOURCES = 64;
export const MAX_STRING = 1 << 20;

/** Text being interpreted. `pa` is where it is for SOURCE. */
export interface Source {
  readonly pa: number;
  readonly bytes: Uint8Array;
  in: number;
}

/** What a blocking native waits for: input, or the virtual time `until`. */
export interface Wait {
  readonly until: number;
}

/** One thread of execution. */
export class Task {
  readonly ds = new Int32Array(DATA_STACK_CELLS);
  readonly rs = new Int32Array(RETURN_STACK_CELLS);
  sp = 0;
  rp = 0;
  ip = 0;
  /** Return-stack depth of the innermost CATCH frame, or -1. */
  handler = -1;
  sources: Source[] = [];
  mySelf = 0;
  wait: Wait | undefined;
  /** Deadline of the MS under way, or -1. */
  wakeAt = -1;

  save(): PlainFields {
    return {
      ds: Uint32Array.from(this.ds.subarray(0, this.sp)),
      rs: Uint32Array.from(this.rs.subarray(0, this.rp)),
      ip: this.ip,
      handler: this.handler,
      mySelf: this.mySelf,
      wakeAt: this.wakeAt,
      sources: this.sources.map((source) => ({ ...source })),
      wait: this.wait === undefined ? null : this.wait.until,
    };
  }

  static restored(state: PlainFields): Task {
    const saved = new SavedFields('firmware.task', state);
    const task = new Task();
    const stack = (name: string, into: Int32Array): number => {
      const cells = state[name];
      if (!(cells instanceof Uint32Array) || cells.length > into.length) {
        throw new SnapshotError(`firmware.task: field "${name}" should be a stack`);
      }
      into.set(cells);
      return cells.length;
    };
    task.sp = stack('ds', task.ds);
    task.rp = stack('rs', task.rs);
    task.ip = saved.int('ip', 0, MAX_CODE_CELLS);
    task.handler = saved.int('handler', -1, RETURN_STACK_CELLS);
    task.mySelf = saved.int('mySelf', -0x8000_0000, 0xffff_ffff);
    const time = (name: string): number => {
      const value = state[name];
      if (typeof value !== 'number' || Number.isNaN(value)) throw new SnapshotError(`firmware.task: bad "${name}"`);
      return value;
    };
    task.wakeAt = time('wakeAt');
    task.wait = state['wait'] === null ? undefined : { until: time('wait') };
    task.sources = saved.list('sources', MAX_SOURCES).map((value) => {
      const source = new SavedFields('firmware.source', asFields(value));
      return { pa: source.u32('pa'), bytes: source.bytes('bytes'), in: source.int('in', 0, MAX_STRING) };
    });
    return task;
  }
}
