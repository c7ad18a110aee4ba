// SPDX-License-Identifier: MIT
//
// A printer at a Centronics port that passes every byte on.
//
// Sockets: the computer sets `data` and drives `strobeW`; wires out: `busy`, `ack` (active-true). Paper: a SerialPort,
// whose input nobody reads.
// Documents: [IEEE 1284] §6, compatibility mode: BUSY from the strobe on, ACK- of at least 0.5 µs when it goes down.
// Not modelled: a printer that is off line, out of paper or out of order; AUTOFEED, INIT, SELECT IN.
import type { ChipContext } from '../../backplane/board.ts';
import { SavedFields, type Device, type PlainFields, type ResetKind } from '../../backplane/device.ts';
import { type SerialPort, unplugged } from '../../backplane/host.ts';
import type { Scheduler, Task } from '../../backplane/scheduler.ts';
import { Wire } from '../../backplane/wire.ts';

/** A byte takes a buffered printer so long. */
const BUSY_NS = 50_000;
const ACK_NS = 5_000;
const PHASES = ['idle', 'busy', 'ack'] as const;

export class CentronicsPrinter implements Device {
  readonly id: string;
  readonly busy: Wire;
  readonly ack: Wire;
  paper: SerialPort = unplugged;
  /** D0 to D7. */
  data = 0;
  readonly #scheduler: Scheduler;
  readonly #task: Task;
  #phase: (typeof PHASES)[number] = 'idle';
  #strobe = false;

  constructor(chip: ChipContext) {
    this.id = chip.id;
    this.#scheduler = chip.scheduler;
    this.busy = new Wire(`${chip.id}.busy`);
    this.ack = new Wire(`${chip.id}.ack`);
    this.#task = chip.scheduler.task(`${chip.id}.byte`, () => this.#next());
  }

  /** The byte is taken when the strobe begins, unless the printer is busy. */
  strobeW(level: boolean): void {
    const begins = level && !this.#strobe;
    this.#strobe = level;
    if (!begins || this.#phase !== 'idle') return;
    this.paper.send(this.data & 0xff);
    this.#phase = 'busy';
    this.#task.schedule(this.#scheduler.ns(BUSY_NS));
    this.settle();
  }

  #next(): void {
    if (this.#phase === 'busy') {
      this.#phase = 'ack';
      this.#task.schedule(this.#scheduler.ns(ACK_NS));
    } else {
      this.#phase = 'idle';
    }
    this.settle();
  }

  reset(kind: ResetKind): void {
    if (kind === 'warm') return; // it is another machine
    this.#task.cancel();
    this.#phase = 'idle';
    this.data = 0;
  }

  settle(): void {
    this.busy.set(this.#phase !== 'idle');
    this.ack.set(this.#phase === 'ack');
  }

  save(): PlainFields {
    return { phase: this.#phase, data: this.data, strobe: this.#strobe, task: this.#task.remaining };
  }

  restore(state: PlainFields): void {
    const saved = new SavedFields(this.id, state);
    this.#phase = saved.oneOf('phase', PHASES);
    this.data = saved.u8('data');
    this.#strobe = saved.bool('strobe');
    this.#task.restore(saved.int('task', -1, Number.MAX_SAFE_INTEGER));
    if (!this.#task.scheduled) this.#phase = 'idle';
  }
}
