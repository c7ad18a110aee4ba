// SPDX-License-Identifier: MIT
import type { ChipContext } from '../../backplane/board.ts';
import { type Plain, type PlainFields, SavedFields, SnapshotError } from '../../backplane/device.ts';
import type { Scheduler, Task } from '../../backplane/scheduler.ts';
import { IC_ABNORMAL, IC_POLLING, ST0_EC, ST0_SE } from './i82077-commands.ts';
import type { ShugartDrive } from './shugart-drive.ts';

const DRIVES = 4;
const RECALIBRATE_STEPS = 79;
const KINDS = ['none', 'seek', 'relative', 'recalibrate', 'implied'] as const;
type Kind = (typeof KINDS)[number];

/** One drive's head as the controller knows it. */
interface Seek {
  readonly task: Task;
  kind: Kind;
  /** Present cylinder number. */
  pcn: number;
  target: number;
  inward: boolean;
  stepsLeft: number;
  /** ST0 for SENSE INTERRUPT STATUS, or -1. */
  status: number;
}

export interface SeekPorts {
  /** SPECIFY's step rate at the present data rate. */
  stepNs(): number;
  /** An interrupt is pending. */
  ended(): void;
  /** The head is where a command with sectors wants it. */
  impliedEnded(): void;
}

/** Seeks and recalibrations of four drives, which go on at the same time and by themselves. */
export class I82077Seeks {
  readonly #scheduler: Scheduler;
  readonly #drives: readonly (ShugartDrive | undefined)[];
  readonly #ports: SeekPorts;
  readonly #seeks: readonly Seek[];
  /** The DIR pin, and that a step pulse came since {@link clearStep}. */
  #inward = false;
  #stepped = false;

  constructor(chip: ChipContext, drives: readonly (ShugartDrive | undefined)[], ports: SeekPorts) {
    this.#scheduler = chip.scheduler;
    this.#drives = drives;
    this.#ports = ports;
    this.#seeks = Array.from({ length: DRIVES }, (_, drive) => ({
      task: chip.scheduler.task(`${chip.id}.seek-${drive}`, () => this.#step(drive)),
      kind: 'none',
      pcn: 0,
      target: 0,
      inward: false,
      stepsLeft: 0,
      status: -1,
    }));
  }

  get inward(): boolean {
    return this.#inward;
  }

  get stepped(): boolean {
    return this.#stepped;
  }

  clearStep(): void {
    this.#stepped = false;
  }

  /** MSR's DRV BUSY bits. */
  get busy(): number {
    return this.#seeks.reduce((bits, { task }, drive) => bits | (task.scheduled ? 1 << drive : 0), 0);
  }

  get interrupting(): boolean {
    return this.#seeks.some(({ status }) => status >= 0);
  }

  get pcns(): number[] {
    return this.#seeks.map(({ pcn }) => pcn);
  }

  pcn(drive: number): number {
    return this.#seeks[drive]!.pcn;
  }

  recalibrate(drive: number): void {
    this.#begin(drive, 'recalibrate', 0, false, RECALIBRATE_STEPS);
  }

  seek(drive: number, cylinder: number, implied = false): void {
    this.#begin(drive, implied ? 'implied' : 'seek', cylinder, false, 0);
  }

  /** Steps the head whatever the present cylinder number, which may pass 255 or 0. */
  relativeSeek(drive: number, inward: boolean, cylinders: number): void {
    this.#begin(drive, 'relative', 0, inward, cylinders);
  }

  /** ST0 and PCN of a drive that interrupts. */
  senseInterrupt(): readonly [number, number] | undefined {
    const seek = this.#seeks.find(({ status }) => status >= 0);
    if (seek === undefined) return undefined;
    const { status, pcn } = seek;
    seek.status = -1;
    return [status, pcn];
  }

  /** The first round of polling after a reset finds that all drives became ready. */
  polled(): void {
    this.#seeks.forEach((seek, drive) => (seek.status = IC_POLLING | drive));
  }

  stop(): void {
    for (const seek of this.#seeks) {
      seek.task.cancel();
      seek.kind = 'none';
      seek.status = -1;
    }
  }

  reset(): void {
    this.stop();
    for (const seek of this.#seeks) {
      seek.pcn = seek.target = seek.stepsLeft = 0;
      seek.inward = false;
    }
    this.#inward = this.#stepped = false;
  }

  #begin(drive: number, kind: Kind, target: number, inward: boolean, steps: number): void {
    const seek = this.#seeks[drive]!;
    seek.kind = kind;
    seek.target = target;
    seek.inward = inward;
    seek.stepsLeft = steps;
    seek.status = -1;
    this.#wait(seek);
  }

  #wait(seek: Seek): void {
    seek.task.schedule(this.#scheduler.ns(this.#ports.stepNs()));
  }

  #step(drive: number): void {
    const seek = this.#seeks[drive]!;
    switch (seek.kind) {
      case 'recalibrate': {
        const found = this.#drives[drive]?.track0 ?? false;
        if (!found && seek.stepsLeft > 0) {
          seek.stepsLeft--;
          this.#pulse(drive, false);
          this.#wait(seek);
          return;
        }
        seek.pcn = 0;
        this.#end(seek, drive, found ? 0 : IC_ABNORMAL | ST0_EC);
        return;
      }
      case 'relative':
        if (seek.stepsLeft === 0) {
          this.#end(seek, drive, 0);
          return;
        }
        seek.stepsLeft--;
        seek.pcn = (seek.pcn + (seek.inward ? 1 : -1)) & 0xff;
        this.#pulse(drive, seek.inward);
        this.#wait(seek);
        return;
      default: {
        if (seek.pcn === seek.target) {
          this.#end(seek, drive, 0);
          return;
        }
        const inward = seek.target > seek.pcn;
        seek.pcn += inward ? 1 : -1;
        this.#pulse(drive, inward);
        this.#wait(seek);
      }
    }
  }

  #end(seek: Seek, drive: number, code: number): void {
    const implied = seek.kind === 'implied';
    seek.kind = 'none';
    if (implied) {
      this.#ports.impliedEnded();
      return;
    }
    seek.status = ST0_SE | drive | code;
    this.#ports.ended();
  }

  #pulse(drive: number, inward: boolean): void {
    this.#inward = inward;
    this.#stepped = true;
    this.#drives[drive]?.step(inward);
  }

  save(): PlainFields {
    return {
      inward: this.#inward,
      stepped: this.#stepped,
      drives: this.#seeks.map(({ task, ...seek }): Plain => ({ ...seek, in: task.remaining })),
    };
  }

  restore(saved: SavedFields): void {
    const drives = saved.list('drives', DRIVES);
    if (drives.length !== DRIVES) throw new SnapshotError(`${drives.length} drives' seeks`);
    const inward = saved.bool('inward');
    const stepped = saved.bool('stepped');
    this.#seeks.forEach((seek, n) => {
      const one = drives[n];
      if (one === null || typeof one !== 'object' || Array.isArray(one) || ArrayBuffer.isView(one)) {
        throw new SnapshotError(`seek of drive ${n}`);
      }
      const fields = new SavedFields(`seek of drive ${n}`, one as PlainFields);
      seek.kind = fields.oneOf('kind', KINDS);
      seek.pcn = fields.u8('pcn');
      seek.target = fields.u8('target');
      seek.inward = fields.bool('inward');
      seek.stepsLeft = fields.u8('stepsLeft');
      seek.status = fields.int('status', -1, 0xff);
      seek.task.restore(fields.int('in', -1, Number.MAX_SAFE_INTEGER));
    });
    this.#inward = inward;
    this.#stepped = stepped;
  }
}
