// SPDX-License-Identifier: MIT
import { BYTE_REGISTERS, type BusTarget, type Width } from '../../backplane/bus.ts';
import type { ChipContext } from '../../backplane/board.ts';
import type { Device, PlainFields, ResetKind } from '../../backplane/device.ts';
import { SavedFields } from '../../backplane/device.ts';
import type { ClockDomain, Task } from '../../backplane/scheduler.ts';
import { Wire } from '../../backplane/wire.ts';

// Registers, by the four register-select lines.
const ORB = 0x0; // output register B; reads input register B
const ORA = 0x1; // output register A, with handshake
const DDRB = 0x2;
const DDRA = 0x3;
const T1C_L = 0x4; // timer 1 counter; writes go to the latch
const T1C_H = 0x5;
const T1L_L = 0x6;
const T1L_H = 0x7;
const T2C_L = 0x8;
const T2C_H = 0x9;
const SR = 0xa;
const ACR = 0xb;
const PCR = 0xc;
const IFR = 0xd;
const IER = 0xe;
const ORA_NH = 0xf; // output register A, no handshake

// IFR and IER
const INT_CA2 = 0x01;
const INT_CA1 = 0x02;
const INT_SR = 0x04;
const INT_CB2 = 0x08;
const INT_CB1 = 0x10;
const INT_T2 = 0x20;
const INT_T1 = 0x40;
const INT_ANY = 0x80;

// ACR
const ACR_PA_LATCH = 0x01;
const ACR_PB_LATCH = 0x02;
const ACR_SR_OUT = 0x10; // shift out; the two bits below choose the clock
const ACR_T2_PULSES = 0x20; // T2 counts PB6 instead of phase 2
const ACR_T1_FREE_RUN = 0x40;
const ACR_T1_PB7 = 0x80;

// Shift register modes, ACR bits 4-2.
const SR_DISABLED = 0;
const SR_IN_T2 = 1;
const SR_IN_PHI2 = 2;
const SR_IN_EXT = 3;
const SR_OUT_FREE = 4;
const SR_OUT_PHI2 = 6;
const SR_OUT_EXT = 7;

// CA2 and CB2 modes, PCR bits 3-1 and 7-5.
const C2_INDEPENDENT = 0x1; // of the input modes: port accesses do not clear the flag
const C2_POSITIVE = 0x2; // of the input modes: active edge
const C2_OUTPUT = 0x4;
const C2_HANDSHAKE = 4;
const C2_PULSE = 5;
const C2_LOW = 6; // and 7 is high

export interface R6522Options {
  /** Phase 2. */
  readonly clock: ClockDomain;
  /**
   * `r6522` is the discrete chip. `macio` is the cell of Apple's I/O controllers: ACR has only bits 6 and 4-2, the
   * shift register is always clocked by CB1 with ACR bit 4 as its direction, and PB4 and PB5 begin as outputs that
   * are high. // unverified on silicon; OpenBIOS never programs DDRB nor the clock bits and relies on it.
   */
  readonly cell?: 'r6522' | 'macio';
}

/**
 * Rockwell R6522 versatile interface adapter.
 *
 * Sockets: span 16 (see `strided`); `irq` (pin is active-low). Port and control pins carry their electrical level,
 * true is high: outputs `pa[0..7]`, `pb[0..7]`, `ca2`, `cb1`, `cb2`; inputs `paW`, `pbW`, `ca1W`, `ca2W`, `cb1W`,
 * `cb2W`, which float high.
 *
 * Timing, in whole phase 2 cycles: a timer loaded with N in cycle 0 reads N - e in cycle e; the flag, which the data
 * sheet has rise after N + 1.5 cycles, is there from cycle N + 2; T1 reloads in that cycle, so its period is N + 2.
 * T1 reloads in one-shot mode too, as chips do.
 *
 * Documents: [R6522], [6522VIA] in docs/references.md.
 * Not modelled: the shift register's loss of a clock when CB1 falls together with phase 2; while T2 clocks the shift
 * register, T2's readable count is not reloaded each time its low byte passes zero.
 */
export class R6522 implements Device, BusTarget {
  readonly id: string;
  readonly span = 16;
  readonly access = BYTE_REGISTERS;

  readonly irq: Wire;
  readonly pa: readonly Wire[];
  readonly pb: readonly Wire[];
  readonly ca2: Wire;
  readonly cb1: Wire;
  readonly cb2: Wire;

  readonly #clock: ClockDomain;
  readonly #macio: boolean;
  readonly #timer: Task;
  readonly #shifter: Task;
  readonly #ca2Pulse: Task;
  readonly #cb2Pulse: Task;

  #ora = 0;
  #orb = 0;
  #ddra = 0;
  #ddrb = 0;
  #paPins = 0xff;
  #pbPins = 0xff;
  #ira = 0xff; // what the last active CA1 edge latched
  #irb = 0xff;
  #acr = 0;
  #pcr = 0;
  #ifr = 0;
  #ier = 0;
  #ca1Pin = true;
  #ca2Pin = true;
  #cb1Pin = true;
  #cb2Pin = true;
  #ca2Out = true; // level while an output
  #cb2Out = true;

  #t1Latch = 0xffff;
  #t1Value = 0xffff; // what was loaded
  #t1Start = 0; // in this cycle
  #t1Armed = false; // the flag is still to come
  #t1Pb7 = true;
  #t2Latch = 0xff;
  #t2Value = 0xffff; // loaded, or the count itself while pulses are counted
  #t2Start = 0;
  #t2Armed = false;

  #sr = 0;
  #srBits = 0; // shifted since the register was last accessed
  #srRunning = false;
  #srClock = true; // CB1 while it is an output
  #srOut = true; // CB2 while it is the serial output
  #srStart = 0; // when free running and nobody watches: up to here the shifts are in #sr

  constructor(context: ChipContext, options: R6522Options) {
    this.id = context.id;
    this.#clock = options.clock;
    this.#macio = options.cell === 'macio';
    const wire = (pin: string): Wire => new Wire(`${context.id}.${pin}`);
    this.irq = wire('irq');
    this.pa = Array.from({ length: 8 }, (_, bit) => wire(`pa${bit}`));
    this.pb = Array.from({ length: 8 }, (_, bit) => wire(`pb${bit}`));
    this.ca2 = wire('ca2');
    this.cb1 = wire('cb1');
    this.cb2 = wire('cb2');
    this.#timer = context.scheduler.task(`${context.id}.timer`, () => {
      this.#sync();
      this.#update();
    });
    this.#shifter = context.scheduler.task(`${context.id}.shift`, () => {
      this.#clockEdge();
    });
    this.#ca2Pulse = context.scheduler.task(`${context.id}.ca2`, () => {
      this.#ca2Out = true;
      this.#driveControl();
    });
    this.#cb2Pulse = context.scheduler.task(`${context.id}.cb2`, () => {
      this.#cb2Out = true;
      this.#driveControl();
    });
  }

  // ---- pins -------------------------------------------------------------------------------------------------------

  paW(bit: number, level: boolean): void {
    this.#paPins = withBit(this.#paPins, bit, level);
  }

  pbW(bit: number, level: boolean): void {
    const before = this.#pbPins;
    this.#pbPins = withBit(before, bit, level);
    // [R6522] T2 pulse counting: negative edges of PB6
    if (bit === 6 && !level && before & 0x40 && this.#acr & ACR_T2_PULSES) {
      this.#t2Value = (this.#t2Value - 1) & 0xffff;
      if (this.#t2Value === 0 && this.#t2Armed) {
        this.#t2Armed = false;
        this.#ifr |= INT_T2;
        this.#update();
      }
    }
  }

  ca1W(level: boolean): void {
    if (level === this.#ca1Pin) return;
    this.#ca1Pin = level;
    if (level !== ((this.#pcr & 0x01) !== 0)) return;
    this.#ifr |= INT_CA1;
    this.#ira = this.#portA();
    if (this.#ca2Mode === C2_HANDSHAKE) this.#ca2Out = true;
    this.#driveControl();
    this.#update();
  }

  ca2W(level: boolean): void {
    if (level === this.#ca2Pin) return;
    this.#ca2Pin = level;
    if (this.#ca2Mode & C2_OUTPUT || level !== ((this.#ca2Mode & C2_POSITIVE) !== 0)) return;
    this.#ifr |= INT_CA2;
    this.#update();
  }

  cb1W(level: boolean): void {
    if (level === this.#cb1Pin) return;
    this.#cb1Pin = level;
    const mode = this.#srMode;
    if (mode === SR_DISABLED || mode === SR_IN_EXT || mode === SR_OUT_EXT) this.#shiftEdge(level);
    else return; // CB1 is an output
    if (level !== ((this.#pcr & 0x10) !== 0)) return;
    this.#ifr |= INT_CB1;
    this.#irb = this.#portB();
    if (this.#cb2Mode === C2_HANDSHAKE) this.#cb2Out = true;
    this.#driveControl();
    this.#update();
  }

  cb2W(level: boolean): void {
    if (level === this.#cb2Pin) return;
    this.#cb2Pin = level;
    if (this.#cb2Mode & C2_OUTPUT || level !== ((this.#cb2Mode & C2_POSITIVE) !== 0)) return;
    this.#ifr |= INT_CB2;
    this.#update();
  }

  // ---- registers --------------------------------------------------------------------------------------------------

  read(offset: number, _width: Width): number {
    this.#sync();
    const value = this.#value(offset);
    switch (offset) {
      case ORB:
        this.#portAccessed(INT_CB1, INT_CB2, this.#cb2Mode);
        break;
      case ORA:
        this.#portAccessed(INT_CA1, INT_CA2, this.#ca2Mode);
        this.#handshakeA();
        break;
      case T1C_L:
        this.#ifr &= ~INT_T1;
        break;
      case T2C_L:
        this.#ifr &= ~INT_T2;
        break;
      case SR:
        this.#srAccessed();
        break;
    }
    this.#update();
    return value;
  }

  peek(offset: number): number {
    this.#sync();
    return this.#value(offset);
  }

  #value(offset: number): number {
    switch (offset) {
      case ORB:
        return this.#acr & ACR_PB_LATCH && this.#ifr & INT_CB1 ? this.#readB(this.#irb) : this.#readB(this.#pbPins);
      case ORA:
      case ORA_NH:
        return this.#acr & ACR_PA_LATCH && this.#ifr & INT_CA1 ? this.#ira : this.#portA();
      case DDRB:
        return this.#ddrb;
      case DDRA:
        return this.#ddra;
      case T1C_L:
        return this.#t1Count & 0xff;
      case T1C_H:
        return this.#t1Count >>> 8;
      case T1L_L:
        return this.#t1Latch & 0xff;
      case T1L_H:
        return this.#t1Latch >>> 8;
      case T2C_L:
        return this.#t2Count & 0xff;
      case T2C_H:
        return this.#t2Count >>> 8;
      case SR:
        return this.#sr;
      case ACR:
        return this.#acr;
      case PCR:
        return this.#pcr;
      case IFR:
        return this.#ifr | (this.#ifr & this.#ier ? INT_ANY : 0);
      case IER:
        return this.#ier | 0x80;
      default:
        return 0;
    }
  }

  write(offset: number, _width: Width, value: number): void {
    value &= 0xff;
    this.#sync();
    switch (offset) {
      case ORB:
        this.#orb = value;
        this.#portAccessed(INT_CB1, INT_CB2, this.#cb2Mode);
        this.#drivePortB();
        if (this.#cb2Mode === C2_HANDSHAKE || this.#cb2Mode === C2_PULSE) {
          this.#cb2Out = false;
          if (this.#cb2Mode === C2_PULSE) this.#cb2Pulse.schedule(this.#clock.masterTicks(1));
        }
        this.#driveControl();
        break;
      case ORA:
        this.#ora = value;
        this.#portAccessed(INT_CA1, INT_CA2, this.#ca2Mode);
        this.#drivePortA();
        this.#handshakeA();
        break;
      case ORA_NH:
        this.#ora = value;
        this.#drivePortA();
        break;
      case DDRB:
        this.#ddrb = value;
        this.#drivePortB();
        break;
      case DDRA:
        this.#ddra = value;
        this.#drivePortA();
        break;
      case T1C_L:
      case T1L_L:
        this.#t1Latch = (this.#t1Latch & 0xff00) | value;
        break;
      case T1C_H:
        this.#t1Latch = (this.#t1Latch & 0xff) | (value << 8);
        this.#t1Value = this.#t1Latch;
        this.#t1Start = this.#clock.ticks;
        this.#t1Armed = true;
        this.#t1Pb7 = false;
        this.#ifr &= ~INT_T1;
        this.#drivePortB();
        break;
      case T1L_H:
        this.#t1Latch = (this.#t1Latch & 0xff) | (value << 8);
        this.#ifr &= ~INT_T1;
        break;
      case T2C_L:
        this.#t2Latch = value;
        break;
      case T2C_H:
        this.#t2Value = this.#t2Latch | (value << 8);
        this.#t2Start = this.#clock.ticks;
        this.#t2Armed = true;
        this.#ifr &= ~INT_T2;
        break;
      case SR:
        this.#sr = value;
        this.#srAccessed();
        break;
      case ACR:
        this.#writeAcr(value);
        break;
      case PCR:
        this.#pcr = value;
        if (this.#ca2Mode & C2_OUTPUT) this.#ca2Out = this.#ca2Mode !== C2_LOW;
        if (this.#cb2Mode & C2_OUTPUT) this.#cb2Out = this.#cb2Mode !== C2_LOW;
        this.#driveControl();
        break;
      case IFR:
        this.#ifr &= ~value & 0x7f;
        break;
      case IER:
        if (value & 0x80) this.#ier |= value & 0x7f;
        else this.#ier &= ~value & 0x7f;
        break;
    }
    this.#update();
  }

  // ---- ports ------------------------------------------------------------------------------------------------------

  get #ca2Mode(): number {
    return (this.#pcr >>> 1) & 7;
  }

  get #cb2Mode(): number {
    return (this.#pcr >>> 5) & 7;
  }

  /** Port A reads its pins, whatever drives them. */
  #portA(): number {
    return (this.#ora & this.#ddra) | (this.#paPins & ~this.#ddra & 0xff);
  }

  /** Port B reads its output register where it drives. */
  #readB(pins: number): number {
    const value = (this.#orb & this.#ddrb) | (pins & ~this.#ddrb & 0xff);
    return this.#acr & ACR_T1_PB7 ? withBit(value, 7, this.#t1Pb7) : value;
  }

  #portB(): number {
    return this.#readB(this.#pbPins);
  }

  #portAccessed(c1: number, c2: number, c2Mode: number): void {
    this.#ifr &= ~c1;
    if (c2Mode & C2_OUTPUT || !(c2Mode & C2_INDEPENDENT)) this.#ifr &= ~c2;
  }

  #handshakeA(): void {
    if (this.#ca2Mode !== C2_HANDSHAKE && this.#ca2Mode !== C2_PULSE) return;
    this.#ca2Out = false;
    if (this.#ca2Mode === C2_PULSE) this.#ca2Pulse.schedule(this.#clock.masterTicks(1));
    this.#driveControl();
  }

  #drivePortA(): void {
    const level = this.#ora | (~this.#ddra & 0xff);
    for (let bit = 0; bit < 8; bit++) this.pa[bit]!.set((level & (1 << bit)) !== 0);
  }

  #drivePortB(): void {
    let level = this.#orb | (~this.#ddrb & 0xff);
    if (this.#acr & ACR_T1_PB7) level = withBit(level, 7, this.#t1Pb7);
    for (let bit = 0; bit < 8; bit++) this.pb[bit]!.set((level & (1 << bit)) !== 0);
  }

  #driveControl(): void {
    this.ca2.set(this.#ca2Mode & C2_OUTPUT ? this.#ca2Out : true);
    this.cb1.set(this.#srInternal ? this.#srClock : true);
    if (this.#srMode & 4) this.cb2.set(this.#srOut);
    else this.cb2.set(this.#srMode === SR_DISABLED && this.#cb2Mode & C2_OUTPUT ? this.#cb2Out : true);
  }

  // ---- timers -----------------------------------------------------------------------------------------------------

  get #t1Count(): number {
    return (this.#t1Value - (this.#clock.ticks - this.#t1Start)) & 0xffff;
  }

  get #t2Count(): number {
    if (this.#acr & ACR_T2_PULSES) return this.#t2Value;
    return (this.#t2Value - ((this.#clock.ticks - this.#t2Start) & 0xffff)) & 0xffff;
  }

  /** Brings timers and the free-running shift register up to now. Drives PB7, not `irq`. */
  #sync(): void {
    const now = this.#clock.ticks;
    const elapsed = now - this.#t1Start;
    if (elapsed >= this.#t1Value + 2) {
      const period = this.#t1Latch + 2;
      const after = elapsed - (this.#t1Value + 2);
      const timeouts = 1 + Math.floor(after / period);
      this.#t1Value = this.#t1Latch;
      this.#t1Start = now - (after % period);
      const freeRun = (this.#acr & ACR_T1_FREE_RUN) !== 0;
      if (freeRun || this.#t1Armed) this.#ifr |= INT_T1;
      if (freeRun) this.#t1Pb7 = this.#t1Pb7 !== (timeouts % 2 === 1);
      else if (this.#t1Armed) this.#t1Pb7 = true;
      this.#t1Armed = false;
      if (this.#acr & ACR_T1_PB7) this.#drivePortB();
    }
    if (this.#t2Armed && !(this.#acr & ACR_T2_PULSES) && now - this.#t2Start >= this.#t2Value + 2) {
      this.#t2Armed = false;
      this.#ifr |= INT_T2;
    }
    if (this.#srUnwatched) {
      const bit = 2 * (this.#t2Latch + 2);
      const shifts = Math.floor((now - this.#srStart) / bit);
      this.#srStart += shifts * bit;
      const turn = shifts % 8;
      this.#sr = ((this.#sr << turn) | (this.#sr >>> (8 - turn))) & 0xff;
    }
  }

  /** Drives `irq` and schedules the next moment at which a timer does something visible. */
  #update(): void {
    this.irq.set((this.#ifr & this.#ier) !== 0);
    let next = Infinity;
    const freeRun = (this.#acr & ACR_T1_FREE_RUN) !== 0;
    if (freeRun || this.#t1Armed) {
      const flag = (this.#ier & INT_T1) !== 0 && !(this.#ifr & INT_T1);
      const pb7 = (this.#acr & ACR_T1_PB7) !== 0 && this.pb[7]!.connected;
      if (flag || pb7) next = this.#t1Start + this.#t1Value + 2;
    }
    if (this.#t2Armed && !(this.#acr & ACR_T2_PULSES) && this.#ier & INT_T2 && !(this.#ifr & INT_T2)) {
      next = Math.min(next, this.#t2Start + this.#t2Value + 2);
    }
    if (next === Infinity) this.#timer.cancel();
    else this.#timer.schedule(this.#clock.masterTicks(Math.max(1, next - this.#clock.ticks)));
  }

  #writeAcr(value: number): void {
    if (this.#macio) value &= ACR_T1_FREE_RUN | 0x1c;
    const before = this.#acr;
    const mode = this.#srMode;
    if ((before ^ value) & ACR_T2_PULSES) {
      // The count stands still while pulses are counted, and runs on from where it is.
      this.#t2Value = this.#t2Count;
      this.#t2Start = this.#clock.ticks;
    }
    this.#acr = value;
    if (this.#srMode !== mode) this.#srModeChanged();
    this.#drivePortB();
    this.#driveControl();
  }

  // ---- shift register ---------------------------------------------------------------------------------------------

  get #srMode(): number {
    if (this.#macio) return this.#acr & ACR_SR_OUT ? SR_OUT_EXT : SR_IN_EXT;
    return (this.#acr >>> 2) & 7;
  }

  /** The chip clocks itself and drives CB1. */
  get #srInternal(): boolean {
    const mode = this.#srMode;
    return mode !== SR_DISABLED && mode !== SR_IN_EXT && mode !== SR_OUT_EXT;
  }

  /** Free running with nobody on CB1 and CB2: shifts are computed when looked at. */
  get #srUnwatched(): boolean {
    return this.#srMode === SR_OUT_FREE && !this.cb1.connected && !this.cb2.connected;
  }

  #srAccessed(): void {
    this.#ifr &= ~INT_SR;
    this.#srBits = 0;
    if (this.#srInternal && this.#srMode !== SR_OUT_FREE) {
      this.#srRunning = true;
      this.#srClock = true;
      this.#shifter.schedule(this.#clock.masterTicks(this.#halfBit));
    }
  }

  #srModeChanged(): void {
    this.#srBits = 0;
    this.#srClock = true;
    this.#srRunning = false;
    this.#srStart = this.#clock.ticks - this.#halfBit; // the falling edge comes first
    this.#shifter.cancel();
    if (this.#srMode === SR_DISABLED) this.#ifr &= ~INT_SR; // [R6522] the flag is held at zero
    if (this.#srMode === SR_OUT_FREE && !this.#srUnwatched) {
      this.#srRunning = true;
      this.#shifter.schedule(this.#clock.masterTicks(this.#halfBit));
    }
  }

  /** Phase 2 cycles between two edges of the internal shift clock. */
  get #halfBit(): number {
    const mode = this.#srMode;
    return mode === SR_IN_PHI2 || mode === SR_OUT_PHI2 ? 1 : this.#t2Latch + 2;
  }

  #clockEdge(): void {
    if (!this.#srRunning || !this.#srInternal) return;
    this.#srClock = !this.#srClock;
    this.#shiftEdge(this.#srClock);
    this.#driveControl();
    if (this.#srRunning) this.#shifter.schedule(this.#clock.masterTicks(this.#halfBit));
    this.#update();
  }

  /** One edge of CB1: data go out on the falling one and come in on the rising one. */
  #shiftEdge(rising: boolean): void {
    const mode = this.#srMode;
    if (!rising) {
      if (!(mode & 4)) return;
      this.#srOut = (this.#sr & 0x80) !== 0;
      this.#sr = ((this.#sr << 1) | (this.#sr >>> 7)) & 0xff;
      this.cb2.set(this.#srOut);
      return;
    }
    if (!(mode & 4)) this.#sr = ((this.#sr << 1) | (this.#cb2Pin ? 1 : 0)) & 0xff;
    if (mode === SR_DISABLED || mode === SR_OUT_FREE) return;
    this.#srBits++;
    if (this.#srBits < 8) return;
    this.#srBits = 0;
    if (mode >= SR_IN_T2 && this.#srInternal) this.#srRunning = false;
    this.#ifr |= INT_SR;
    this.#update();
  }

  // ---- device -----------------------------------------------------------------------------------------------------

  /** RES clears every register but the timers and the shift register. */
  reset(kind: ResetKind): void {
    this.#timer.cancel();
    this.#shifter.cancel();
    this.#ca2Pulse.cancel();
    this.#cb2Pulse.cancel();
    this.#ora = this.#ddra = 0;
    this.#orb = this.#ddrb = this.#macio ? 0x30 : 0;
    this.#acr = this.#pcr = this.#ifr = this.#ier = 0;
    this.#ca2Out = this.#cb2Out = true;
    this.#t1Armed = this.#t2Armed = false;
    this.#t1Pb7 = true;
    this.#srBits = 0;
    this.#srRunning = false;
    this.#srClock = this.#srOut = true;
    if (kind === 'warm') return;
    this.#ira = this.#irb = 0xff;
    this.#t1Latch = this.#t1Value = this.#t2Value = 0xffff;
    this.#t2Latch = 0xff;
    this.#t1Start = this.#t2Start = this.#srStart = this.#clock.ticks;
    this.#sr = 0;
  }

  settle(): void {
    this.#drivePortA();
    this.#drivePortB();
    this.#driveControl();
    this.irq.set((this.#ifr & this.#ier) !== 0);
  }

  save(): PlainFields {
    this.#sync();
    const now = this.#clock.ticks;
    return {
      ora: this.#ora,
      orb: this.#orb,
      ddra: this.#ddra,
      ddrb: this.#ddrb,
      paPins: this.#paPins,
      pbPins: this.#pbPins,
      ira: this.#ira,
      irb: this.#irb,
      acr: this.#acr,
      pcr: this.#pcr,
      ifr: this.#ifr,
      ier: this.#ier,
      ca1Pin: this.#ca1Pin,
      ca2Pin: this.#ca2Pin,
      cb1Pin: this.#cb1Pin,
      cb2Pin: this.#cb2Pin,
      ca2Out: this.#ca2Out,
      cb2Out: this.#cb2Out,
      ca2Pulse: this.#ca2Pulse.remaining,
      cb2Pulse: this.#cb2Pulse.remaining,
      t1Latch: this.#t1Latch,
      t1Value: this.#t1Value,
      t1Elapsed: now - this.#t1Start,
      t1Armed: this.#t1Armed,
      t1Pb7: this.#t1Pb7,
      t2Latch: this.#t2Latch,
      t2Value: this.#t2Value,
      t2Elapsed: now - this.#t2Start,
      t2Armed: this.#t2Armed,
      timer: this.#timer.remaining,
      sr: this.#sr,
      srBits: this.#srBits,
      srRunning: this.#srRunning,
      srClock: this.#srClock,
      srOut: this.#srOut,
      srElapsed: now - this.#srStart,
      shifter: this.#shifter.remaining,
    };
  }

  restore(state: PlainFields): void {
    const saved = new SavedFields(this.id, state);
    const ticks = (name: string): number => saved.int(name, 0, Number.MAX_SAFE_INTEGER);
    const due = (name: string): number => saved.int(name, -1, Number.MAX_SAFE_INTEGER);
    this.#ora = saved.u8('ora');
    this.#orb = saved.u8('orb');
    this.#ddra = saved.u8('ddra');
    this.#ddrb = saved.u8('ddrb');
    this.#paPins = saved.u8('paPins');
    this.#pbPins = saved.u8('pbPins');
    this.#ira = saved.u8('ira');
    this.#irb = saved.u8('irb');
    this.#acr = saved.u8('acr');
    this.#pcr = saved.u8('pcr');
    this.#ifr = saved.int('ifr', 0, 0x7f);
    this.#ier = saved.int('ier', 0, 0x7f);
    this.#ca1Pin = saved.bool('ca1Pin');
    this.#ca2Pin = saved.bool('ca2Pin');
    this.#cb1Pin = saved.bool('cb1Pin');
    this.#cb2Pin = saved.bool('cb2Pin');
    this.#ca2Out = saved.bool('ca2Out');
    this.#cb2Out = saved.bool('cb2Out');
    this.#t1Latch = saved.u16('t1Latch');
    this.#t1Value = saved.u16('t1Value');
    this.#t1Armed = saved.bool('t1Armed');
    this.#t1Pb7 = saved.bool('t1Pb7');
    this.#t2Latch = saved.u8('t2Latch');
    this.#t2Value = saved.u16('t2Value');
    this.#t2Armed = saved.bool('t2Armed');
    this.#sr = saved.u8('sr');
    this.#srBits = saved.int('srBits', 0, 7);
    this.#srRunning = saved.bool('srRunning');
    this.#srClock = saved.bool('srClock');
    this.#srOut = saved.bool('srOut');
    const now = this.#clock.ticks;
    this.#t1Start = now - ticks('t1Elapsed');
    this.#t2Start = now - ticks('t2Elapsed');
    this.#srStart = now - ticks('srElapsed');
    this.#timer.restore(due('timer'));
    this.#shifter.restore(due('shifter'));
    this.#ca2Pulse.restore(due('ca2Pulse'));
    this.#cb2Pulse.restore(due('cb2Pulse'));
  }
}

const withBit = (value: number, bit: number, level: boolean): number =>
  level ? value | (1 << bit) : value & ~(1 << bit);
