// SPDX-License-Identifier: MIT
//
// A 3.5" or 5.25" floppy drive with the Shugart interface, 300 revolutions a minute.
//
// Sockets: a controller calls it; what is under the head follows from virtual time. Medium: {@link SectorDisk}.
// Not modelled: the time to reach full speed (half a second), head settling, worn media.
import type { ChipContext } from '../../backplane/board.ts';
import { type Device, type PlainFields, type ResetKind, SavedFields, SnapshotError } from '../../backplane/device.ts';
import type { Scheduler, Task } from '../../backplane/scheduler.ts';
import { Wire } from '../../backplane/wire.ts';
import type { SectorDisk } from './sector-disk.ts';

const REVOLUTIONS_PER_SECOND = 5;
/** How far the head can go in, a little beyond the last formatted cylinder. */
const LAST_CYLINDER = 82;
/** The index hole passes for this part of a revolution (4 ms). */
const INDEX_PART = 0.02;
/** More than any disk has. */
const MOST_SECTORS = 0x1_0000;

export class ShugartDrive implements Device {
  readonly id: string;
  /** DISK CHANGE: set by taking the disk out, cleared by a step with a disk in. */
  readonly diskChange: Wire;
  /** INDEX: the hole passes; driven only where it is connected. */
  readonly indexPulse: Wire;
  readonly #scheduler: Scheduler;
  readonly #revolution: number;
  readonly #indexTask: Task;
  /** What was put in, and whether it still is. */
  readonly #inserted: SectorDisk | undefined;
  #loaded: boolean;
  #cylinder = 0;
  #motor = false;
  /** Master tick at which the index hole was last known to pass; meaningful while the motor runs. */
  #origin = 0;
  #changed = true;

  constructor(chip: ChipContext, medium: SectorDisk | undefined) {
    this.id = chip.id;
    this.#inserted = medium;
    this.#loaded = medium !== undefined;
    this.#scheduler = chip.scheduler;
    this.diskChange = new Wire(`${chip.id}.dskchg`);
    this.indexPulse = new Wire(`${chip.id}.index`);
    this.#indexTask = chip.scheduler.task(`${chip.id}.index`, () => this.#watchIndex());
    this.#revolution = chip.scheduler.masterHz / REVOLUTIONS_PER_SECOND;
  }

  get medium(): SectorDisk | undefined {
    return this.#loaded ? this.#inserted : undefined;
  }

  get cylinder(): number {
    return this.#cylinder;
  }

  get track0(): boolean {
    return this.#cylinder === 0;
  }

  get writeProtected(): boolean {
    return this.medium?.readonly ?? false;
  }

  /** Turning, with a disk. */
  get ready(): boolean {
    return this.#motor && this.medium !== undefined;
  }

  /** A drive that can throws its disk out. */
  eject(): void {
    this.medium?.flush();
    this.#loaded = false;
    this.#changed = true;
    this.diskChange.set(true);
    this.#watchIndex();
  }

  motor(on: boolean): void {
    if (on && !this.#motor) this.#origin = this.#scheduler.now;
    if (on === this.#motor) return;
    this.#motor = on;
    this.#watchIndex();
  }

  /** The edges of the index pulse while the disk turns. */
  #watchIndex(): void {
    this.#indexTask.cancel();
    if (!this.indexPulse.connected) return;
    const index = this.index;
    this.indexPulse.set(index);
    if (this.ready) this.#indexTask.schedule(this.ticksTo(index ? INDEX_PART : 0));
  }

  step(inward: boolean): void {
    this.#cylinder = Math.max(0, Math.min(LAST_CYLINDER, this.#cylinder + (inward ? 1 : -1)));
    if (this.medium === undefined) return;
    this.#changed = false;
    this.diskChange.set(false);
  }

  /** Parts of a revolution, 0 to 1, since the index hole. */
  get angle(): number {
    if (!this.ready) return 0;
    return ((this.#scheduler.now - this.#origin) % this.#revolution) / this.#revolution;
  }

  get index(): boolean {
    return this.ready && this.angle < INDEX_PART;
  }

  /** Master ticks until `angle` is under the head, up to a whole revolution. */
  ticksTo(angle: number): number {
    const part = (angle - this.angle + 1) % 1;
    return Math.max(1, Math.round((part === 0 ? 1 : part) * this.#revolution));
  }

  /** Master ticks of `part` of a revolution. */
  ticks(part: number): number {
    return Math.max(1, Math.round(part * this.#revolution));
  }

  reset(kind: ResetKind): void {
    this.#motor = false;
    if (kind !== 'cold') return;
    this.#cylinder = 0;
    this.#changed = true;
  }

  settle(): void {
    this.diskChange.set(this.#changed);
    this.#watchIndex();
  }

  save(): PlainFields {
    return {
      cylinder: this.#cylinder,
      motor: this.#motor,
      ago: this.#motor ? this.#scheduler.now - this.#origin : 0,
      changed: this.#changed,
      loaded: this.#loaded,
      deleted: this.#inserted?.deleted ?? [],
    };
  }

  restore(state: PlainFields): void {
    const saved = new SavedFields(this.id, state);
    const deleted = saved.list('deleted', MOST_SECTORS).map((sector) => {
      if (typeof sector !== 'number' || !(sector >= 0 && sector < MOST_SECTORS)) {
        throw new SnapshotError(`${this.id}: deleted sector`);
      }
      return sector;
    });
    this.#cylinder = saved.int('cylinder', 0, LAST_CYLINDER);
    this.#motor = saved.bool('motor');
    this.#origin = this.#scheduler.now - saved.int('ago', 0, Number.MAX_SAFE_INTEGER);
    this.#changed = saved.bool('changed');
    this.#loaded = saved.bool('loaded') && this.#inserted !== undefined;
    if (this.#inserted !== undefined) this.#inserted.deleted = deleted;
  }
}
