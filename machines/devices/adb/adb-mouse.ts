// SPDX-License-Identifier: MIT
import type { Device, PlainFields, ResetKind } from '../../backplane/device.ts';
import { SavedFields } from '../../backplane/device.ts';
import type { PointerInput } from '../../backplane/host.ts';
import { AdbDevice } from './adb-bus.ts';

const HANDLER_100_CPI = 1;
const HANDLER_200_CPI = 2;
const HANDLER_EXTENDED = 4;

/** Reports kept for a host that does not poll, and the motion each can hold. */
const MAX_REPORTS = 16;
const MAX_MOTION = 511;

/** Per Talk and axis: what the standard protocol carries. Linux ignores the extended protocol's further bits. */
const MIN_STEP = -64;
const MAX_STEP = 63;

interface Report {
  dx: number;
  dy: number;
  buttons: number;
}

/**
 * Apple Desktop Bus mouse, ADB address 3, handlers 1 (default) and 2 (two bytes, 100 and 200 counts an inch) and 4
 * (Apple's extended protocol: register 1 identifies it as "appl", register 0 has three bytes with up to four buttons).
 *
 * Host motion comes in pixels through `move` and is one count a pixel in every handler. Motion saturates; what a
 * report cannot hold is kept for the next. A click between two polls is not lost: reports queue when buttons change.
 * Documents: [ADB], [HW01] in docs/references.md.
 */
export class AdbMouse extends AdbDevice implements Device, PointerInput {
  readonly id: string;
  readonly #buttonCount: number;
  readonly #reports: Report[] = [];
  #buttons = 0; // as last reported

  /** @param buttons 1 for Apple's own; the second is the host's right one, the third its middle one. */
  constructor(id: string, buttons: 1 | 2 | 3 = 3) {
    super(3, HANDLER_100_CPI);
    this.id = id;
    this.#buttonCount = buttons;
  }

  move(dx: number, dy: number, buttons: number): void {
    const pressed = buttons & ((1 << this.#buttonCount) - 1);
    let last = this.#reports.at(-1);
    if (last === undefined || (last.buttons !== pressed && this.#reports.length < MAX_REPORTS)) {
      if (last === undefined && pressed === this.#buttons && toCount(dx) === 0 && toCount(dy) === 0) return;
      last = { dx: 0, dy: 0, buttons: pressed };
      this.#reports.push(last);
    }
    last.buttons = pressed;
    last.dx = saturate(last.dx + toCount(dx), MAX_MOTION);
    last.dy = saturate(last.dy + toCount(dy), MAX_MOTION);
  }

  protected override get pending(): boolean {
    return this.#reports.length > 0;
  }

  protected override talkRegister(register: number): Uint8Array | undefined {
    if (register === 1 && this.handler === HANDLER_EXTENDED) {
      // Identifier, counts an inch, class 1 (mouse), buttons
      return Uint8Array.of(0x61, 0x70, 0x70, 0x6c, 0x00, 0xc8, 0x01, this.#buttonCount);
    }
    if (register !== 0) return undefined;
    const report = this.#reports[0];
    if (report === undefined) return undefined;
    const dx = Math.max(MIN_STEP, Math.min(MAX_STEP, report.dx));
    const dy = Math.max(MIN_STEP, Math.min(MAX_STEP, report.dy));
    report.dx -= dx;
    report.dy -= dy;
    this.#buttons = report.buttons;
    if (report.dx === 0 && report.dy === 0) this.#reports.shift();
    const up = ~this.#buttons;
    const first = ((up & 1) << 7) | (dy & 0x7f);
    const second = ((up & 2) << 6) | (dx & 0x7f);
    if (this.handler !== HANDLER_EXTENDED) return Uint8Array.of(first, second);
    const third = ((up & 4) << 5) | (((dy >> 7) & 7) << 4) | 0x08 | ((dx >> 7) & 7);
    return Uint8Array.of(first, second, third);
  }

  protected override listenRegister(): void {}

  protected override flushed(): void {
    this.#reports.length = 0;
  }

  protected override knowsHandler(id: number): boolean {
    return id === HANDLER_100_CPI || id === HANDLER_200_CPI || id === HANDLER_EXTENDED;
  }

  protected override cleared(): void {
    this.#reports.length = 0;
  }

  override reset(kind?: ResetKind): void {
    super.reset();
    if (kind === 'cold' || kind === 'snapshot') this.#buttons = 0;
  }

  settle(): void {}

  save(): PlainFields {
    return {
      bus: this.saveBus(),
      reports: this.#reports.map(({ dx, dy, buttons }) => ({ dx, dy, buttons })),
      buttons: this.#buttons,
    };
  }

  restore(state: PlainFields): void {
    const saved = new SavedFields(this.id, state);
    const reports = saved.list('reports', MAX_REPORTS).map((report) => {
      const fields = new SavedFields(this.id, { report }).nested('report');
      return {
        dx: fields.int('dx', -MAX_MOTION, MAX_MOTION),
        dy: fields.int('dy', -MAX_MOTION, MAX_MOTION),
        buttons: fields.int('buttons', 0, 7),
      };
    });
    this.#buttons = saved.int('buttons', 0, 7);
    this.restoreBus(saved.nested('bus'));
    this.#reports.splice(0, this.#reports.length, ...reports);
  }
}

const saturate = (value: number, limit: number): number => Math.max(-limit, Math.min(limit, value));

/** Host pixels may be fractions or nonsense; counts are small integers. */
const toCount = (pixels: number): number => (Number.isFinite(pixels) ? saturate(Math.trunc(pixels), MAX_MOTION) : 0);
