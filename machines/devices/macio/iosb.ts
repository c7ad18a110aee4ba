// SPDX-License-Identifier: MIT
//
// Apple IOSB: I/O controller of the Centris and Quadra 610, 650 and 800. In it: VIA2 (a 6522 without timers and shift
// register), configuration registers, interrupt priorities, the 60.15 Hz tick and the SCSI
// data port (iosb-scsi.ts). VIA1, SWIM2 and the sound cell, also in the chip, are chips of their own here.
//
// Sockets: `via2` (span 16, byte registers), `registers` (span 0x2000, one register every 0x100), `idRegister` (span 4, at
// the end of I/O space), `scsi` (span 0x200: the 53C96 every 16 bytes, its data at 0x100); inputs `slotW(slot)` ($9-$F), `videoW`, `scsiIrqW`, `scsiDrqW`, `soundW`, `ethernetW`, `via1W`,
// `sccW`, `nmiW`, `auxModeW`; outputs `tick` (60.15 Hz, to CA1 of VIA1), `dfacLatch`, `dfacData`, `dfacClock`,
// `powerOff`, `busLock` (VIA2 port B); the interrupt level goes to `onIpl`.
//
// Levels:   1     2     3         4    5      6     7
// classic   VIA1  VIA2            SCC               NMI
// A/UX      -     VIA2  Ethernet  SCC  sound  VIA1  NMI    chosen by VIA1 PB6 low
// Classic mode has Ethernet at VIA2 PA0, as slot $9, and sound at VIA2 CB1.
// Documents: [Q800-NOTE], [GMFH] (VIA2), [IOSB-NOTES] in docs/references.md.
// Not modelled: wait states the configuration registers choose; NuBus arbitration.
import type { ChipContext } from '../../backplane/board.ts';
import { type AccessRules, BYTE_REGISTERS, type BusTarget, type Width } from '../../backplane/bus.ts';
import { type Device, type PlainFields, type ResetKind, SavedFields } from '../../backplane/device.ts';
import type { DeviceLog } from '../../backplane/log.ts';
import type { Task } from '../../backplane/scheduler.ts';
import { Wire } from '../../backplane/wire.ts';
import { IosbScsi } from './iosb-scsi.ts';

// VIA2 registers
const ORB = 0x0;
const ORA = 0x1;
const DDRB = 0x2;
const DDRA = 0x3;
const ACR = 0xb;
const PCR = 0xc;
const IFR = 0xd;
const IER = 0xe;
const ORA_NH = 0xf;

// IFR and IER
const INT_SCSI_DRQ = 0x01; // CA2; shows the line as it is
const INT_SLOT = 0x02; // CA1
const INT_SCSI = 0x08; // CB2
const INT_SOUND = 0x10; // CB1
const INT_ANY = 0x80;
const IER_BITS = 0x1f; // the timers' bits are not there
const LATCHED = INT_SLOT | INT_SCSI | INT_SOUND;

// Port A: slot interrupts, low when asserted
const PA_ETHERNET = 0x01;
const PA_VIDEO = 0x40;

// Port B
const PB_DFAC_LATCH = 0x01;
const PB_BUS_LOCK = 0x02; // low locks NuBus
const PB_POWER = 0x04; // low switches the machine off
const PB_DFAC_DATA = 0x08;
const PB_DFAC_CLOCK = 0x10;

/** What the machine is to the ROM; pins of VIA1 tell which model. */
export const IOSB_ID = 0xa55a_2bad;

const REGISTERS = 32;
/** 60.15 Hz, in halves of its period. */
const TICK_HALF_NS = 8_312_550;

export interface IosbOptions {
  readonly onIpl: (level: number) => void;
  /** The processor's access under way ends in a bus error. */
  readonly onBusError: () => void;
}

const LINES = ['via1', 'scc', 'nmi', 'scsiIrq', 'scsiDrq', 'sound', 'ethernet', 'video', 'auxMode'] as const;
type Line = (typeof LINES)[number];

export class Iosb implements Device {
  readonly id: string;
  readonly via2: BusTarget;
  readonly registers: BusTarget;
  readonly idRegister: BusTarget;
  readonly scsi: IosbScsi;
  readonly tick: Wire;
  readonly dfacLatch: Wire;
  readonly dfacData: Wire;
  readonly dfacClock: Wire;
  readonly busLock: Wire;
  readonly powerOff: Wire;
  readonly #log: DeviceLog;
  readonly #onIpl: (level: number) => void;
  readonly #tick: Task;
  readonly #tickHalf: number;
  readonly #lines: Record<Line, boolean>;
  /** Slots $9 to $E that ask, by their bit of port A. */
  #slots = 0;
  readonly #registers = new Uint16Array(REGISTERS);
  #orb = 0;
  #ora = 0;
  #ddrb = 0;
  #ddra = 0;
  #acr = 0;
  #pcr = 0;
  #ifr = 0;
  #ier = 0;
  #tickLevel = true;

  constructor(context: ChipContext, options: IosbOptions) {
    this.id = context.id;
    this.#log = context.log;
    this.#onIpl = options.onIpl;
    this.#lines = Object.fromEntries(LINES.map((line) => [line, false])) as Record<Line, boolean>;
    const wire = (name: string): Wire => new Wire(`${context.id}.${name}`);
    this.tick = wire('tick');
    this.dfacLatch = wire('dfac-latch');
    this.dfacData = wire('dfac-data');
    this.dfacClock = wire('dfac-clock');
    this.busLock = wire('bus-lock');
    this.powerOff = wire('power-off');
    this.#tickHalf = context.scheduler.ns(TICK_HALF_NS);
    this.#tick = context.scheduler.task(`${context.id}.tick`, () => {
      this.#tickLevel = !this.#tickLevel;
      this.#tick.schedule(this.#tickHalf);
      this.tick.set(this.#tickLevel);
    });
    this.via2 = {
      span: 16,
      access: BYTE_REGISTERS,
      read: (offset) => this.#readVia(offset, false),
      peek: (offset) => this.#readVia(offset, true),
      write: (offset, _width, value) => this.#writeVia(offset, value & 0xff),
    };
    this.scsi = new IosbScsi({
      registers: this.#registers,
      scheduler: context.scheduler,
      onBusError: options.onBusError,
      drq: () => this.#lines.scsiDrq,
      irq: () => this.#lines.scsiIrq,
    });
    const words: AccessRules = { valid: { min: 1, max: 4 }, impl: { min: 2, max: 4 }, byteOrder: 'big' };
    this.registers = {
      span: REGISTERS << 8,
      access: words,
      read: (offset) => this.#registers[offset >>> 8]!,
      peek: (offset) => this.#registers[offset >>> 8]!,
      write: (offset, _width, value) => {
        this.#registers[offset >>> 8] = value;
      },
    };
    this.idRegister = {
      span: 4,
      access: { valid: { min: 1, max: 4 }, impl: { min: 4, max: 4 }, byteOrder: 'big' },
      read: () => IOSB_ID,
      peek: () => IOSB_ID,
      write: (_offset: number, _width: Width, value: number) => this.#log.guest('write of %x to the id', value),
    };
  }

  // ---- inputs -----------------------------------------------------------------------------------------------------

  via1W(level: boolean): void {
    this.#line('via1', level);
  }

  sccW(level: boolean): void {
    this.#line('scc', level);
  }

  nmiW(level: boolean): void {
    this.#line('nmi', level);
  }

  scsiIrqW(level: boolean): void {
    this.#line('scsiIrq', level);
  }

  scsiDrqW(level: boolean): void {
    this.#line('scsiDrq', level);
  }

  soundW(level: boolean): void {
    this.#line('sound', level);
  }

  ethernetW(level: boolean): void {
    this.#line('ethernet', level);
  }

  videoW(level: boolean): void {
    this.#line('video', level);
  }

  /** True in A/UX interrupt mode. */
  auxModeW(level: boolean): void {
    this.#line('auxMode', level);
  }

  /** Interrupt of NuBus slot $9 to $E. */
  slotW(slot: number, level: boolean): void {
    const bit = 1 << (slot - 9);
    const before = this.#asking;
    this.#slots = level ? this.#slots | bit : this.#slots & ~bit;
    this.#latchSlots(before);
    this.#update();
  }

  #line(line: Line, level: boolean): void {
    if (this.#lines[line] === level) return;
    const before = this.#asking;
    const soundBefore = this.#lines.sound && !this.#lines.auxMode;
    this.#lines[line] = level;
    if (line === 'scsiIrq' && level) this.#ifr |= INT_SCSI;
    if (this.#lines.sound && !this.#lines.auxMode && !soundBefore) this.#ifr |= INT_SOUND;
    this.#latchSlots(before);
    this.#update();
  }

  /** Slots, by bits of port A, that ask. */
  get #asking(): number {
    const { ethernet, video, auxMode } = this.#lines;
    return this.#slots | (ethernet && !auxMode ? PA_ETHERNET : 0) | (video ? PA_VIDEO : 0);
  }

  /** CA1 falls when the first slot begins to ask. */
  #latchSlots(before: number): void {
    if (before === 0 && this.#asking !== 0) this.#ifr |= INT_SLOT;
  }

  // ---- VIA2 -------------------------------------------------------------------------------------------------------

  get #flags(): number {
    return this.#ifr | (this.#lines.scsiDrq ? INT_SCSI_DRQ : 0);
  }

  #readVia(register: number, look: boolean): number {
    switch (register) {
      case ORB:
        // Nothing drives the inputs of port B.
        if (!look) this.#portRead(INT_SOUND, INT_SCSI, this.#pcr >>> 4);
        return (this.#orb & this.#ddrb) | (~this.#ddrb & 0xff);
      case ORA:
        if (!look) this.#portRead(INT_SLOT, 0, this.#pcr);
        return this.#portA;
      case ORA_NH:
        return this.#portA;
      case DDRB:
        return this.#ddrb;
      case DDRA:
        return this.#ddra;
      case ACR:
        return this.#acr;
      case PCR:
        return this.#pcr;
      case IFR:
        return this.#flags | (this.#flags & this.#ier ? INT_ANY : 0);
      case IER:
        return this.#ier | INT_ANY;
      default:
        return 0; // timers and shift register are not there
    }
  }

  get #portA(): number {
    return (this.#ora & this.#ddra) | (~this.#asking & ~this.#ddra & 0xff);
  }

  /** As in a 6522: flags of the port's control lines, but that of an independent CA2 or CB2. */
  #portRead(c1: number, c2: number, control: number): void {
    this.#ifr &= ~c1;
    if (!(control & 0x2)) this.#ifr &= ~c2;
    this.#update();
  }

  #writeVia(register: number, value: number): void {
    switch (register) {
      case ORB:
        this.#orb = value;
        this.#drivePortB();
        break;
      case ORA:
      case ORA_NH:
        this.#ora = value;
        break;
      case DDRB:
        this.#ddrb = value;
        this.#drivePortB();
        break;
      case DDRA:
        this.#ddra = value;
        break;
      case ACR:
        this.#acr = value;
        break;
      case PCR:
        this.#pcr = value;
        break;
      case IFR:
        this.#ifr &= ~value & LATCHED;
        break;
      case IER:
        if (value & INT_ANY) this.#ier |= value & IER_BITS;
        else this.#ier &= ~value & IER_BITS;
        break;
    }
    this.#update();
  }

  #drivePortB(): void {
    const level = this.#orb | (~this.#ddrb & 0xff);
    this.dfacLatch.set((level & PB_DFAC_LATCH) !== 0);
    this.dfacData.set((level & PB_DFAC_DATA) !== 0);
    this.dfacClock.set((level & PB_DFAC_CLOCK) !== 0);
    this.busLock.set((level & PB_BUS_LOCK) === 0);
    this.powerOff.set((level & PB_POWER) === 0);
  }

  // ---- interrupt levels -------------------------------------------------------------------------------------------

  #update(): void {
    this.#onIpl(this.#ipl);
  }

  get #ipl(): number {
    const { via1, scc, nmi, sound, ethernet, auxMode } = this.#lines;
    const via2 = (this.#flags & this.#ier) !== 0;
    if (nmi) return 7;
    if (auxMode) {
      if (via1) return 6;
      if (sound) return 5;
      if (scc) return 4;
      if (ethernet) return 3;
      return via2 ? 2 : 0;
    }
    if (scc) return 4;
    if (via2) return 2;
    return via1 ? 1 : 0;
  }

  // ---- device -----------------------------------------------------------------------------------------------------

  reset(kind: ResetKind): void {
    this.#registers.fill(0);
    this.#orb = this.#ora = this.#ddrb = this.#ddra = 0;
    this.#acr = this.#pcr = this.#ifr = this.#ier = 0;
    if (kind === 'warm') return;
    this.#tickLevel = true;
    if (kind === 'cold') this.#tick.schedule(this.#tickHalf);
    else this.#tick.cancel();
  }

  settle(): void {
    this.#drivePortB();
    this.tick.set(this.#tickLevel);
    this.#update();
  }

  save(): PlainFields {
    return {
      lines: { ...this.#lines },
      slots: this.#slots,
      registers: Uint32Array.from(this.#registers),
      orb: this.#orb,
      ora: this.#ora,
      ddrb: this.#ddrb,
      ddra: this.#ddra,
      acr: this.#acr,
      pcr: this.#pcr,
      ifr: this.#ifr,
      ier: this.#ier,
      tickLevel: this.#tickLevel,
      tickIn: this.#tick.remaining,
    };
  }

  restore(state: PlainFields): void {
    const saved = new SavedFields(this.id, state);
    const lines = saved.nested('lines');
    for (const line of LINES) this.#lines[line] = lines.bool(line);
    this.#slots = saved.int('slots', 0, 0x3f);
    this.#registers.set(saved.words('registers', REGISTERS).map((value) => value & 0xffff));
    this.#orb = saved.u8('orb');
    this.#ora = saved.u8('ora');
    this.#ddrb = saved.u8('ddrb');
    this.#ddra = saved.u8('ddra');
    this.#acr = saved.u8('acr');
    this.#pcr = saved.u8('pcr');
    this.#ifr = saved.u8('ifr') & LATCHED;
    this.#ier = saved.u8('ier') & IER_BITS;
    this.#tickLevel = saved.bool('tickLevel');
    this.#tick.restore(saved.int('tickIn', -1, Number.MAX_SAFE_INTEGER));
  }
}
