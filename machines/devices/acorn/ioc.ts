// SPDX-License-Identifier: MIT
//
// Acorn IOC (VL86C410 "VC"), the Archimedes' interrupt controller, timers, keyboard serial line and control port.
//
// Sockets: bus: 32 words, the register in the low byte of each (span 0x80); clock: 2 MHz (REF8M / 4). Wires out: `irq`,
// `fiq`, `c[0..5]` (open drain, true = released). Inputs: `il(n)`, `fh(n)`, `fl`, `irW` (vertical flyback), `ifW` (printer
// acknowledge), `cW(n, level)`; active-true whatever the pin's polarity. Keyboard: {@link KartPeer}.
// Documents: [VL86C410]. Quirk: timer periods are latch + 1 counts; RISC OS writes 19,999 for its 100 Hz.
// Not modelled: the BAUD pin's wave form (no Archimedes uses it); bus cycle lengths of the peripheral selects.
import type { ChipContext } from '../../backplane/board.ts';
import type { AccessRules, BusTarget, Width } from '../../backplane/bus.ts';
import { SavedFields, type Device, type Plain, type PlainFields, type ResetKind } from '../../backplane/device.ts';
import type { DeviceLog } from '../../backplane/log.ts';
import type { ClockDomain, Task } from '../../backplane/scheduler.ts';
import { Wire } from '../../backplane/wire.ts';

/** The far end of IOC's serial line: the keyboard. */
export interface KartPeer {
  /** IOC has sent a whole frame. */
  receive(byte: number): void;
}

/** Bits of the IRQ A registers. */
export const IRQ_A = {
  printerBusy: 0x01, // IL6
  ringing: 0x02, // IL7
  printerAck: 0x04, // IF, latched
  flyback: 0x08, // IR, latched
  powerOn: 0x10, // latched
  timer0: 0x20, // latched
  timer1: 0x40, // latched
  force: 0x80,
} as const;

/** Bits of the IRQ B registers. */
export const IRQ_B = {
  poduleFiq: 0x01, // IL0
  soundBuffer: 0x02, // IL1
  serial: 0x04, // IL2
  winchester: 0x08, // IL3
  discChanged: 0x10, // IL4
  podule: 0x20, // IL5
  kartTxEmpty: 0x40,
  kartRxFull: 0x80,
} as const;

/** Bits of the FIQ registers. */
export const FIQ = { fh0: 0x01, fh1: 0x02, fl: 0x04, c3: 0x08, c4: 0x10, c5: 0x20, il0: 0x40, force: 0x80 } as const;

const LATCHED_A = IRQ_A.printerAck | IRQ_A.flyback | IRQ_A.powerOn | IRQ_A.timer0 | IRQ_A.timer1;
const CONTROL_PINS = 0x3f;
/** A start bit, eight of data, and two stop bits. */
const KART_FRAME_BITS = 11;
const TIMER_IRQ = [IRQ_A.timer0, IRQ_A.timer1, 0, 0] as const;
const KART_TIMER = 3;

interface Timer {
  /** What the next reload takes. */
  latch: number;
  /** What the running count was loaded with, and when, in ticks of the 2 MHz clock. */
  loaded: number;
  start: number;
  /** What the latch command caught. */
  caught: number;
}

export class Ioc implements BusTarget, Device {
  readonly id: string;
  readonly span = 0x80;
  readonly access: AccessRules = { valid: { min: 1, max: 4 }, impl: { min: 1, max: 4 }, byteOrder: 'little' };
  readonly irq: Wire;
  readonly fiq: Wire;
  /** Control port pins as IOC drives them: false pulls the line down. */
  readonly c: readonly Wire[];
  keyboard: KartPeer | undefined;

  readonly #log: DeviceLog;
  readonly #clock: ClockDomain;
  readonly #timerTasks: readonly Task[];
  readonly #kartTask: Task;
  readonly #timers: Timer[] = Array.from({ length: 4 }, () => ({ latch: 0, loaded: 0, start: 0, caught: 0 }));
  #control = CONTROL_PINS;
  #pins = CONTROL_PINS;
  #latchedA = 0;
  #levelA = 0;
  #levelB = 0;
  #levelFiq = 0;
  #kartB: number = IRQ_B.kartTxEmpty;
  #maskA = 0;
  #maskB = 0;
  #maskFiq = 0;
  #flyback = false;
  #printerAck = false;
  #sent = 0;
  #received = 0;

  constructor(chip: ChipContext, options: { readonly clock: ClockDomain }) {
    this.id = chip.id;
    this.#log = chip.log;
    this.#clock = options.clock;
    this.irq = new Wire(`${chip.id}.irq`);
    this.fiq = new Wire(`${chip.id}.fiq`);
    this.c = [0, 1, 2, 3, 4, 5].map((pin) => new Wire(`${chip.id}.c${pin}`));
    this.#timerTasks = [0, 1].map((n) => chip.scheduler.task(`${chip.id}.timer${n}`, () => this.#timerDue(n)));
    this.#kartTask = chip.scheduler.task(`${chip.id}.kart`, () => this.#frameSent());
  }

  /** Interrupt inputs IL0 to IL7. IL0 asks for both a FIQ and an IRQ. */
  il(n: number): (level: boolean) => void {
    return (level) => {
      if (n >= 6) this.#levelA = withBit(this.#levelA, 1 << (n - 6), level);
      else this.#levelB = withBit(this.#levelB, 1 << n, level);
      if (n === 0) this.#levelFiq = withBit(this.#levelFiq, FIQ.il0, level);
      this.#drive();
    };
  }

  /** Fast interrupt inputs FH0 and FH1. */
  fh(n: 0 | 1): (level: boolean) => void {
    return (level) => {
      this.#levelFiq = withBit(this.#levelFiq, FIQ.fh0 << n, level);
      this.#drive();
    };
  }

  readonly fl = (level: boolean): void => {
    this.#levelFiq = withBit(this.#levelFiq, FIQ.fl, level);
    this.#drive();
  };

  /** Vertical flyback; its beginning is latched. */
  irW(level: boolean): void {
    if (level && !this.#flyback) this.#latchedA |= IRQ_A.flyback;
    this.#flyback = level;
    this.#drive();
  }

  /** Printer acknowledge; its beginning is latched. */
  ifW(level: boolean): void {
    if (level && !this.#printerAck) this.#latchedA |= IRQ_A.printerAck;
    this.#printerAck = level;
    this.#drive();
  }

  /** Somebody else pulls pin `n` of the control port down (false) or releases it. C3 to C5 are FIQ sources when low. */
  cW(n: number, level: boolean): void {
    this.#pins = withBit(this.#pins, 1 << n, level);
    if (n >= 3) this.#levelFiq = withBit(this.#levelFiq, FIQ.c3 << (n - 3), !level);
    this.#drive();
  }

  /** A frame from the keyboard has arrived. */
  kartReceive(byte: number): void {
    this.#received = byte & 0xff;
    this.#kartB |= IRQ_B.kartRxFull;
    this.#drive();
  }

  /** Master ticks of one frame at the rate timer 3 sets: 1 MHz / (latch + 1) / 16 bits a second. */
  get kartFrameTicks(): number {
    return this.#clock.masterTicks((this.#timers[KART_TIMER]!.latch + 1) * 2 * 16 * KART_FRAME_BITS);
  }

  reset(kind: ResetKind): void {
    for (const timer of this.#timers) Object.assign(timer, { latch: 0, loaded: 0, start: 0, caught: 0 });
    for (const task of this.#timerTasks) task.cancel();
    this.#kartTask.cancel();
    this.#control = CONTROL_PINS;
    this.#latchedA = kind === 'cold' ? IRQ_A.powerOn : 0;
    this.#kartB = IRQ_B.kartTxEmpty;
    this.#maskA = this.#maskB = this.#maskFiq = 0;
    this.#sent = this.#received = 0;
  }

  settle(): void {
    this.#drive();
    this.c.forEach((wire, pin) => wire.set((this.#control & (1 << pin)) !== 0));
  }

  read(offset: number, _width: Width): number {
    if (offset & 3) return 0xff;
    switch (offset) {
      case 0x00:
        return this.#controlPort();
      case 0x04: {
        this.#kartB &= ~IRQ_B.kartRxFull;
        this.#drive();
        return this.#received;
      }
      case 0x20:
      case 0x24:
      case 0x30:
      case 0x34:
        return this.peek(offset);
      case 0x10:
      case 0x14:
        this.#syncTimers();
    }
    return this.peek(offset);
  }

  peek(offset: number): number {
    switch (offset) {
      case 0x00:
        return this.#controlPort();
      case 0x04:
        return this.#received;
      case 0x10:
        return this.#statusA;
      case 0x14:
        return this.#statusA & this.#maskA;
      case 0x18:
        return this.#maskA;
      case 0x20:
        return this.#statusB;
      case 0x24:
        return this.#statusB & this.#maskB;
      case 0x28:
        return this.#maskB;
      case 0x30:
        return this.#statusFiq;
      case 0x34:
        return this.#statusFiq & this.#maskFiq;
      case 0x38:
        return this.#maskFiq;
      case 0x40:
      case 0x50:
      case 0x60:
      case 0x70:
        return this.#timers[(offset >> 4) & 3]!.caught & 0xff;
      case 0x44:
      case 0x54:
      case 0x64:
      case 0x74:
        return this.#timers[(offset >> 4) & 3]!.caught >>> 8;
      default:
        return 0;
    }
  }

  write(offset: number, _width: Width, value: number): void {
    const byte = value & 0xff;
    const register = offset & ~3;
    if (register >= 0x40) {
      this.#writeTimer((register >> 4) & 3, register & 0xc, byte);
      return;
    }
    switch (register) {
      case 0x00:
        this.#control = byte & CONTROL_PINS;
        this.c.forEach((wire, pin) => wire.set((byte & (1 << pin)) !== 0));
        return;
      case 0x04:
        if (this.#kartTask.scheduled) this.#log.guest('keyboard byte %x written while one is being sent', byte);
        this.#sent = byte;
        this.#kartB &= ~IRQ_B.kartTxEmpty;
        this.#kartTask.schedule(this.kartFrameTicks);
        break;
      case 0x14:
        this.#syncTimers();
        this.#latchedA &= ~(byte & LATCHED_A);
        this.#armTimer(0);
        this.#armTimer(1);
        break;
      case 0x18:
        this.#maskA = byte;
        break;
      case 0x28:
        this.#maskB = byte;
        break;
      case 0x38:
        this.#maskFiq = byte;
        break;
      default:
        this.#log.guest('write of %x to a read-only register at %x', byte, register);
        return;
    }
    this.#drive();
  }

  #writeTimer(n: number, command: number, byte: number): void {
    const timer = this.#timers[n]!;
    this.#syncTimer(n);
    switch (command) {
      case 0x0:
        timer.latch = (timer.latch & 0xff00) | byte;
        break;
      case 0x4:
        timer.latch = (timer.latch & 0x00ff) | (byte << 8);
        break;
      case 0x8:
        timer.loaded = timer.latch;
        timer.start = this.#clock.ticks;
        break;
      case 0xc:
        timer.caught = Math.max(0, timer.loaded - (this.#clock.ticks - timer.start)) & 0xffff;
        return;
    }
    this.#armTimer(n);
    this.#drive();
  }

  /** Brings a timer up to now: what expired since the last call is latched, once. */
  #syncTimer(n: number): void {
    const timer = this.#timers[n]!;
    let elapsed = this.#clock.ticks - timer.start;
    if (elapsed <= timer.loaded) return;
    this.#latchedA |= TIMER_IRQ[n]!;
    elapsed -= timer.loaded + 1;
    timer.start += timer.loaded + 1;
    timer.loaded = timer.latch;
    timer.start += elapsed - (elapsed % (timer.latch + 1));
  }

  #syncTimers(): void {
    this.#syncTimer(0);
    this.#syncTimer(1);
  }

  /** A timer needs to be looked at only while its interrupt is not pending: the latch holds no more than one. */
  #armTimer(n: number): void {
    const task = this.#timerTasks[n];
    if (task === undefined) return;
    if (this.#latchedA & TIMER_IRQ[n]!) {
      task.cancel();
      return;
    }
    const timer = this.#timers[n]!;
    task.schedule(this.#clock.masterTicks(timer.start + timer.loaded + 1 - this.#clock.ticks));
  }

  #timerDue(n: number): void {
    this.#syncTimer(n);
    this.#armTimer(n);
    this.#drive();
  }

  #frameSent(): void {
    this.#kartB |= IRQ_B.kartTxEmpty;
    this.#drive();
    this.keyboard?.receive(this.#sent);
  }

  #controlPort(): number {
    return (this.#control & this.#pins) | (this.#printerAck ? 0 : 0x40) | (this.#flyback ? 0x80 : 0);
  }

  get #statusA(): number {
    return this.#latchedA | this.#levelA | IRQ_A.force;
  }

  get #statusB(): number {
    return this.#levelB | this.#kartB;
  }

  get #statusFiq(): number {
    return this.#levelFiq | FIQ.force;
  }

  #drive(): void {
    this.irq.set(((this.#statusA & this.#maskA) | (this.#statusB & this.#maskB)) !== 0);
    this.fiq.set((this.#statusFiq & this.#maskFiq) !== 0);
  }

  save(): PlainFields {
    const now = this.#clock.ticks;
    return {
      control: this.#control,
      latchedA: this.#latchedA,
      kartB: this.#kartB,
      maskA: this.#maskA,
      maskB: this.#maskB,
      maskFiq: this.#maskFiq,
      sent: this.#sent,
      received: this.#received,
      kart: this.#kartTask.remaining,
      tasks: this.#timerTasks.map((task) => task.remaining),
      timers: this.#timers.map(({ latch, loaded, start, caught }): Plain => ({
        latch,
        loaded,
        caught,
        ago: now - start,
      })),
    };
  }

  restore(state: PlainFields): void {
    const saved = new SavedFields(this.id, state);
    this.#control = saved.int('control', 0, CONTROL_PINS);
    this.#latchedA = saved.u8('latchedA') & LATCHED_A;
    this.#kartB = saved.u8('kartB') & (IRQ_B.kartTxEmpty | IRQ_B.kartRxFull);
    this.#maskA = saved.u8('maskA');
    this.#maskB = saved.u8('maskB');
    this.#maskFiq = saved.u8('maskFiq');
    this.#sent = saved.u8('sent');
    this.#received = saved.u8('received');
    const now = this.#clock.ticks;
    const timers = saved.list('timers', 4);
    this.#timers.forEach((timer, n) => {
      const one = new SavedFields(`${this.id}.timer${n}`, (timers[n] ?? {}) as PlainFields);
      timer.latch = one.u16('latch');
      timer.loaded = one.u16('loaded');
      timer.caught = one.u16('caught');
      timer.start = now - one.int('ago', 0, Number.MAX_SAFE_INTEGER);
    });
    this.#kartTask.restore(saved.int('kart', -1, Number.MAX_SAFE_INTEGER));
    const tasks = saved.list('tasks', 2);
    this.#timerTasks.forEach((task, n) => task.restore(Number(tasks[n] ?? -1)));
  }
}

const withBit = (value: number, bit: number, on: boolean): number => (on ? value | bit : value & ~bit);
