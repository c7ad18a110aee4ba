// SPDX-License-Identifier: MIT
//
// Light-emitting diodes in a matrix of row and column pins, driven one row at a time; how bright each looks is for how
// long it was lit in the last refresh windows.
import type { ChipContext } from '../../backplane/board.ts';
import { SavedFields, type Device, type PlainFields, type ResetKind } from '../../backplane/device.ts';
import type { Scheduler, Task } from '../../backplane/scheduler.ts';

/** The part of its share of the time below which a row is dimmed as a whole. */
const LEAST_SHARE = 0.75;

export interface LedMatrixOptions {
  /** For each LED, its row and column. */
  readonly leds: readonly (readonly [row: number, column: number])[];
  readonly rows: number;
  readonly columns: number;
  /** The eye takes two of these together. A window as long as the software's refresh cuts none of them unevenly. */
  readonly windowNs: number;
}

export class LedMatrix implements Device {
  readonly id: string;
  /** Counts changes of {@link levels}. */
  changes = 0;
  readonly #scheduler: Scheduler;
  readonly #options: LedMatrixOptions;
  readonly #task: Task;
  readonly #rows: boolean[];
  readonly #columns: boolean[];
  /** Master ticks each LED was lit in this window, and since when it is lit (-1: dark). */
  readonly #lit: number[];
  readonly #since: number[];
  /** The same of each row: how long it was driven. */
  readonly #rowHigh: number[];
  readonly #rowSince: number[];
  #windowStart = 0;
  #levels: Uint8Array;
  #before: Uint8Array;

  constructor(chip: ChipContext, options: LedMatrixOptions) {
    this.id = chip.id;
    this.#scheduler = chip.scheduler;
    this.#options = options;
    this.#rows = new Array<boolean>(options.rows).fill(false);
    this.#columns = new Array<boolean>(options.columns).fill(true);
    this.#lit = new Array<number>(options.leds.length).fill(0);
    this.#since = new Array<number>(options.leds.length).fill(-1);
    this.#rowHigh = new Array<number>(options.rows).fill(0);
    this.#rowSince = new Array<number>(options.rows).fill(-1);
    this.#levels = new Uint8Array(options.leds.length);
    this.#before = new Uint8Array(options.leds.length);
    this.#task = chip.scheduler.task(`${chip.id}.window`, () => this.#window());
  }

  /** Brightness of each LED, 0 to 255; full is to be lit whenever its row could be. */
  get levels(): Uint8Array {
    return this.#levels;
  }

  /** The row's pin: an LED is lit while its row is high and its column low. */
  rowW(n: number, level: boolean): void {
    this.#rows[n] = level;
    this.#update();
  }

  columnW(n: number, level: boolean): void {
    this.#columns[n] = level;
    this.#update();
  }

  #update(): void {
    const { now } = this.#scheduler;
    this.#rows.forEach((high, row) => {
      if (high && this.#rowSince[row]! < 0) {
        this.#rowSince[row] = now;
      } else if (!high && this.#rowSince[row]! >= 0) {
        this.#rowHigh[row]! += now - this.#rowSince[row]!;
        this.#rowSince[row] = -1;
      }
    });
    this.#options.leds.forEach(([row, column], i) => {
      const lit = this.#rows[row] === true && this.#columns[column] === false;
      if (lit && this.#since[i]! < 0) {
        this.#since[i] = now;
      } else if (!lit && this.#since[i]! >= 0) {
        this.#lit[i]! += now - this.#since[i]!;
        this.#since[i] = -1;
      }
    });
  }

  /** Ends a window. Levels are the mean of two, which hides where a window cuts a refresh. */
  #window(): void {
    const { now } = this.#scheduler;
    const length = Math.max(1, now - this.#windowStart);
    const levels = new Uint8Array(this.#lit.length);
    const means = new Uint8Array(this.#lit.length);
    // A row that was driven for about its share of the window counts as whole: windows do not cut refreshes evenly.
    const full = this.#rowHigh.map((high, row) => {
      const driven = high + (this.#rowSince[row]! >= 0 ? now - this.#rowSince[row]! : 0);
      this.#rowHigh[row] = 0;
      if (this.#rowSince[row]! >= 0) this.#rowSince[row] = now;
      return Math.max(driven, (length / this.#options.rows) * LEAST_SHARE);
    });
    this.#lit.forEach((lit, i) => {
      const total = lit + (this.#since[i]! >= 0 ? now - this.#since[i]! : 0);
      levels[i] = Math.min(255, Math.round((255 * total) / full[this.#options.leds[i]![0]]!));
      means[i] = Math.round((levels[i]! + this.#before[i]!) / 2);
      this.#lit[i] = 0;
      if (this.#since[i]! >= 0) this.#since[i] = now;
    });
    this.#before = levels;
    if (means.some((level, i) => level !== this.#levels[i])) {
      this.#levels = means;
      this.changes++;
    }
    this.#windowStart = now;
    this.#task.schedule(this.#scheduler.ns(this.#options.windowNs));
  }

  reset(_kind: ResetKind): void {
    this.#task.cancel();
    this.#lit.fill(0);
    this.#rowHigh.fill(0);
    this.#levels = new Uint8Array(this.#lit.length);
    this.#before = new Uint8Array(this.#lit.length);
    this.changes++;
  }

  settle(): void {
    const { now } = this.#scheduler;
    this.#since.fill(-1);
    this.#rowSince.fill(-1);
    if (!this.#task.scheduled) {
      this.#windowStart = now;
      this.#task.schedule(this.#scheduler.ns(this.#options.windowNs));
    }
    this.#update();
  }

  save(): PlainFields {
    const { now } = this.#scheduler;
    return {
      lit: this.#lit.map((lit, i) => lit + (this.#since[i]! >= 0 ? now - this.#since[i]! : 0)),
      rowHigh: this.#rowHigh.map((high, row) => high + (this.#rowSince[row]! >= 0 ? now - this.#rowSince[row]! : 0)),
      levels: this.#levels.slice(),
      before: this.#before.slice(),
      ago: this.#task.scheduled ? now - this.#windowStart : 0,
      task: this.#task.remaining,
    };
  }

  restore(state: PlainFields): void {
    const saved = new SavedFields(this.id, state);
    const lit = saved.list('lit', this.#lit.length);
    this.#lit.forEach((_, i) => (this.#lit[i] = ticks(lit[i])));
    const rowHigh = saved.list('rowHigh', this.#rowHigh.length);
    this.#rowHigh.forEach((_, row) => (this.#rowHigh[row] = ticks(rowHigh[row])));
    this.#levels = saved.bytes('levels', this.#lit.length);
    this.#before = saved.bytes('before', this.#lit.length);
    this.#windowStart = this.#scheduler.now - saved.int('ago', 0, Number.MAX_SAFE_INTEGER);
    this.#task.restore(saved.int('task', -1, Number.MAX_SAFE_INTEGER));
    this.changes++;
  }
}

/** A saved time, in master ticks. */
const ticks = (value: unknown): number => (typeof value === 'number' && value > 0 ? value : 0);
