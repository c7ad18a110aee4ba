// SPDX-License-Identifier: MIT
//
// The nRF51's clock and power control, and its memory protection unit, which share an address.
//
// Sockets: bus: span 0x1000. Wires out: `off` (SYSTEMOFF). Documents: [nRF51 RM] §11 (MPU), §12 (POWER), §13 (CLOCK).
// Not modelled: brown-out levels; RAM switched off; protection of region 0 (PERR0, RLENR0: it exists only where UICR asks
// for it); calibration does nothing; a clock that was not started still runs.
import type { ChipContext } from '../../backplane/board.ts';
import type { PlainFields, ResetKind, SavedFields } from '../../backplane/device.ts';
import type { Task } from '../../backplane/scheduler.ts';
import { Wire } from '../../backplane/wire.ts';
import { NrfPeripheral, type NrfPeripheralOptions } from './nrf-peripheral.ts';

const EVENT = { hfStarted: 0, lfStarted: 1, powerFailure: 2, done: 3, timeout: 4 } as const;
const TASK = {
  hfStart: 0x00,
  hfStop: 0x04,
  lfStart: 0x08,
  lfStop: 0x0c,
  calibrate: 0x10,
  timerStart: 0x14,
  timerStop: 0x18,
  constantLatency: 0x78,
  lowPower: 0x7c,
} as const;
const HFCLKRUN = 0x408;
const HFCLKSTAT = 0x40c;
const LFCLKRUN = 0x414;
const LFCLKSTAT = 0x418;
const LFCLKSRCCOPY = 0x41c;
const RESETREAS = 0x400;
const RAMSTATUS = 0x428;
const SYSTEMOFF = 0x500;
const POFCON = 0x510;
const LFCLKSRC = 0x518;
const GPREGRET = 0x51c;
const RAMON = 0x524;
const CTIV = 0x538;
const RESET = 0x544;
const XTALFREQ = 0x550;
const RAMONB = 0x554;
const DCDCEN = 0x578;
const PERR0 = 0x528;
const RLENR0 = 0x52c;
const PROTENSET = 0x600;
const PROTENSETS = 2;
const DISABLEINDEBUG = 0x608;
const PROTBLOCKSIZE = 0x60c;
/** Flash is protected in blocks of this size, one bit each. */
const PROTECTED_BLOCK_BYTES = 4096;
const DCDCFORCE = 0xa08;
/** Start-up code of SoftDevices writes it; no manual has it. */
const UNDOCUMENTED = 0x514;

export const RESET_REASON = { pin: 0x1, watchdog: 0x2, request: 0x4, lockup: 0x8 } as const;

/** Registers that only keep what is written, with the bits they have and their reset values. */
const KEPT: readonly (readonly [offset: number, bits: number, initial: number])[] = [
  [POFCON, 0x7, 0],
  [RAMON, 0x3_0003, 0x3],
  [RAMONB, 0x3_0003, 0x3],
  [DCDCEN, 0x1, 0],
  [CTIV, 0x7f, 0],
  [XTALFREQ, 0xffff_ffff, 0xffff_ffff],
  [RESET, 0x1, 0],
  [PERR0, 0xffff_ffff, 0],
  [RLENR0, 0xffff_ffff, 0],
  [PROTENSET, 0xffff_ffff, 0],
  [PROTENSET + 4, 0xffff_ffff, 0],
  [DISABLEINDEBUG, 0x1, 1],
  [PROTBLOCKSIZE, 0x3, 0],
  [DCDCFORCE, 0x3, 0],
];

export class NrfSystem extends NrfPeripheral {
  readonly off: Wire;
  readonly #hfTask: Task;
  readonly #lfTask: Task;
  readonly #calibration: Task;
  readonly #timer: Task;
  readonly #kept = new Map<number, number>();
  #hfRun = false;
  #hfOn = false;
  #lfRun = false;
  #lfOn = false;
  #lfSource = 0;
  /** The source it was last started with. */
  #lfCopy = 0;
  #reason = 0;
  #retained = 0;

  constructor(chip: ChipContext, options: NrfPeripheralOptions) {
    super(chip, options, { events: 0x1f });
    this.off = new Wire(`${chip.id}.off`);
    this.#hfTask = chip.scheduler.task(`${chip.id}.hfclk`, () => {
      this.#hfOn = true;
      this.raise(EVENT.hfStarted);
    });
    this.#lfTask = chip.scheduler.task(`${chip.id}.lfclk`, () => {
      this.#lfOn = true;
      this.raise(EVENT.lfStarted);
    });
    this.#calibration = chip.scheduler.task(`${chip.id}.calibration`, () => this.raise(EVENT.done));
    this.#timer = chip.scheduler.task(`${chip.id}.timer`, () => this.raise(EVENT.timeout));
  }

  /** Why the chip is about to be reset; told by RESETREAS afterwards. */
  because(reason: number): void {
    this.#reason |= reason;
  }

  /** Whether flash at `offset` may not be written or erased until the next reset. */
  protects(offset: number): boolean {
    const block = Math.floor(offset / PROTECTED_BLOCK_BYTES);
    return (((this.#kept.get(PROTENSET + (block >>> 5) * 4) ?? 0) >>> (block & 31)) & 1) !== 0;
  }

  task(offset: number): void {
    switch (offset) {
      case TASK.hfStart:
        this.#hfRun = true;
        this.#hfTask.schedule(this.scheduler.ns(400_000));
        return;
      case TASK.hfStop:
        this.#hfRun = this.#hfOn = false;
        this.#hfTask.cancel();
        return;
      case TASK.lfStart:
        this.#lfRun = true;
        this.#lfCopy = this.#lfSource;
        // A crystal takes a quarter of a second, the RC oscillator no time to speak of.
        this.#lfTask.schedule(this.scheduler.ns(this.#lfSource === 1 ? 250_000_000 : 600_000));
        return;
      case TASK.lfStop:
        this.#lfRun = this.#lfOn = false;
        this.#lfTask.cancel();
        return;
      case TASK.calibrate:
        this.#calibration.schedule(this.scheduler.ns(17_000_000));
        return;
      case TASK.timerStart:
        this.#timer.schedule(this.scheduler.ns((this.#kept.get(CTIV) ?? 0) * 250_000_000));
        return;
      case TASK.timerStop:
        this.#timer.cancel();
        return;
      case TASK.constantLatency:
      case TASK.lowPower:
        return;
      default:
        this.unknownTask(offset);
    }
  }

  protected readRegister(offset: number): number {
    switch (offset) {
      case RESETREAS:
        return this.#reason;
      case HFCLKRUN:
        return this.#hfRun ? 1 : 0;
      case HFCLKSTAT:
        // Running from the crystal once it has started, from the internal oscillator otherwise.
        return 0x1_0000 | (this.#hfOn ? 1 : 0);
      case LFCLKRUN:
        return this.#lfRun ? 1 : 0;
      case LFCLKSTAT:
        return (this.#lfOn ? 0x1_0000 : 0) | this.#lfCopy;
      case LFCLKSRCCOPY:
        return this.#lfCopy;
      case LFCLKSRC:
        return this.#lfSource;
      case RAMSTATUS:
        return (this.#kept.get(RAMON) ?? 0) & 3;
      case GPREGRET:
        return this.#retained;
    }
    return this.#kept.get(offset) ?? this.unknownRead(offset);
  }

  protected writeRegister(offset: number, value: number): void {
    switch (offset) {
      case RESETREAS:
        this.#reason &= ~value;
        return;
      case SYSTEMOFF:
        if (value & 1) this.off.set(true);
        return;
      case LFCLKSRC:
        this.#lfSource = value & 3;
        return;
      case GPREGRET:
        this.#retained = value & 0xff;
        return;
    }
    const kept = KEPT.find(([at]) => at === offset);
    if (kept === undefined) {
      if (offset !== UNDOCUMENTED) this.unknownWrite(offset, value);
      return;
    }
    // Protection stays until a reset.
    const before = offset >= PROTENSET && offset < PROTENSET + PROTENSETS * 4 ? this.#kept.get(offset)! : 0;
    this.#kept.set(offset, (before | (value & kept[1])) >>> 0);
  }

  protected resetRegisters(kind: ResetKind): void {
    for (const task of [this.#hfTask, this.#lfTask, this.#calibration, this.#timer]) task.cancel();
    this.#hfRun = this.#hfOn = this.#lfRun = this.#lfOn = false;
    this.#lfSource = this.#lfCopy = 0;
    for (const [offset, , initial] of KEPT) this.#kept.set(offset, initial);
    if (kind !== 'cold') return;
    this.#reason = this.#retained = 0;
  }

  protected saveRegisters(): PlainFields {
    return {
      hfRun: this.#hfRun,
      hfOn: this.#hfOn,
      lfRun: this.#lfRun,
      lfOn: this.#lfOn,
      lfSource: this.#lfSource,
      lfCopy: this.#lfCopy,
      reason: this.#reason,
      retained: this.#retained,
      kept: Uint32Array.from(KEPT, ([offset]) => this.#kept.get(offset) ?? 0),
      hf: this.#hfTask.remaining,
      lf: this.#lfTask.remaining,
      calibration: this.#calibration.remaining,
      timer: this.#timer.remaining,
    };
  }

  protected restoreRegisters(saved: SavedFields): void {
    this.#hfRun = saved.bool('hfRun');
    this.#hfOn = saved.bool('hfOn');
    this.#lfRun = saved.bool('lfRun');
    this.#lfOn = saved.bool('lfOn');
    this.#lfSource = saved.int('lfSource', 0, 3);
    this.#lfCopy = saved.int('lfCopy', 0, 3);
    this.#reason = saved.int('reason', 0, 0x7_000f);
    this.#retained = saved.u8('retained');
    const kept = saved.words('kept', KEPT.length);
    KEPT.forEach(([offset, bits], i) => this.#kept.set(offset, (kept[i]! & bits) >>> 0));
    const max = Number.MAX_SAFE_INTEGER;
    this.#hfTask.restore(saved.int('hf', -1, max));
    this.#lfTask.restore(saved.int('lf', -1, max));
    this.#calibration.restore(saved.int('calibration', -1, max));
    this.#timer.restore(saved.int('timer', -1, max));
  }
}
