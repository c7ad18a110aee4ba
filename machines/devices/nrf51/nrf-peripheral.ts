// SPDX-License-Identifier: MIT
//
// What the peripherals of Nordic's nRF51 have in common: tasks at 0x000, events at 0x100, shortcuts at 0x200, interrupt
// enables at 0x300, registers of their own from 0x400 on. [nRF51 RM] §10 "Peripheral interface".
import type { ChipContext } from '../../backplane/board.ts';
import type { AccessRules, BusTarget, Width } from '../../backplane/bus.ts';
import { SavedFields, type Device, type PlainFields, type ResetKind } from '../../backplane/device.ts';
import type { DeviceLog } from '../../backplane/log.ts';
import type { Scheduler } from '../../backplane/scheduler.ts';
import { Wire } from '../../backplane/wire.ts';

export const NRF_WORDS: AccessRules = { valid: { min: 1, max: 4 }, impl: { min: 4, max: 4 }, byteOrder: 'little' };

const EVENTS = 0x100;
/** After 32 of them. */
const EVENTS_END = 0x180;
const SHORTS = 0x200;
const INTEN = 0x300;
const INTENSET = 0x304;
const INTENCLR = 0x308;
const EVTEN = 0x340;
const EVTENSET = 0x344;
const EVTENCLR = 0x348;
const POWER = 0xffc;

/** Where events go besides the interrupt controller. */
export interface EventSink {
  /** The event register at `address` has been set by the hardware. */
  event(address: number): void;
}

export interface NrfPeripheralOptions {
  /** Where it is mapped: the programmable peripheral interconnect knows tasks and events by address. */
  readonly base: number;
  readonly ppi?: EventSink;
}

/** Which events a peripheral has, one bit each; the bit is also the interrupt's. */
interface Layout {
  readonly events: number;
  readonly shorts?: number;
  /** Whether events reach the interconnect only when EVTEN or INTEN lets them (the real-time counters). */
  readonly gatedEvents?: boolean;
}

export abstract class NrfPeripheral implements BusTarget, Device {
  readonly id: string;
  readonly span = 0x1000;
  readonly access = NRF_WORDS;
  readonly base: number;
  readonly irq: Wire;
  protected readonly log: DeviceLog;
  protected readonly scheduler: Scheduler;
  protected shorts = 0;
  readonly #ppi: EventSink | undefined;
  readonly #layout: Layout;
  #events = 0;
  #enabled = 0;
  #routed = 0;
  #power = true;

  constructor(chip: ChipContext, options: NrfPeripheralOptions, layout: Layout) {
    this.id = chip.id;
    this.log = chip.log;
    this.scheduler = chip.scheduler;
    this.base = options.base;
    this.#ppi = options.ppi;
    this.#layout = layout;
    this.irq = new Wire(`${chip.id}.irq`);
  }

  /** A task register at `offset` (below 0x100) was triggered, by the program or by the interconnect. */
  abstract task(offset: number): void;

  protected abstract readRegister(offset: number): number;
  protected abstract writeRegister(offset: number, value: number): void;
  protected abstract resetRegisters(kind: ResetKind): void;
  protected abstract saveRegisters(): PlainFields;
  protected abstract restoreRegisters(saved: SavedFields, state: PlainFields): void;

  /** The hardware sets event `n`. */
  protected raise(n: number): void {
    this.#events |= 1 << n;
    this.#drive();
    const gated = this.#layout.gatedEvents === true;
    if (!gated || (this.#routed >>> n) & 1) this.#ppi?.event(this.base + EVENTS + n * 4);
  }

  protected event(n: number): boolean {
    return ((this.#events >>> n) & 1) !== 0;
  }

  protected clearEvent(n: number): void {
    this.#events &= ~(1 << n);
    this.#drive();
  }

  protected short(bit: number): boolean {
    return ((this.shorts >>> bit) & 1) !== 0;
  }

  /** Events somebody could see now: by interrupt or by the interconnect. */
  protected get watched(): number {
    return (this.#enabled | this.#routed) >>> 0;
  }

  read(offset: number, _width: Width): number {
    if (offset < EVENTS) return 0;
    if (offset < EVENTS_END) return (this.#events >>> ((offset - EVENTS) >>> 2)) & 1;
    if (offset < SHORTS) return 0;
    switch (offset) {
      case SHORTS:
        return this.shorts;
      case INTEN:
      case INTENSET:
      case INTENCLR:
        return this.#enabled >>> 0;
      case EVTEN:
      case EVTENSET:
      case EVTENCLR:
        return this.#layout.gatedEvents === true ? this.#routed >>> 0 : 0;
      case POWER:
        return this.#power ? 1 : 0;
    }
    return this.readRegister(offset) >>> 0;
  }

  peek(offset: number): number | undefined {
    return offset < 0x400 ? this.read(offset, 4) : undefined;
  }

  write(offset: number, _width: Width, value: number): void {
    if (offset < EVENTS) {
      if (value & 1) this.task(offset);
      return;
    }
    if (offset < SHORTS) {
      const bit = offset < EVENTS_END ? 1 << ((offset - EVENTS) >>> 2) : 0;
      if ((this.#layout.events & bit) === 0) {
        this.log.guest('no event at %x', offset);
        return;
      }
      this.#events = value & 1 ? this.#events | bit : this.#events & ~bit;
      this.#drive();
      return;
    }
    switch (offset) {
      case SHORTS:
        this.shorts = value & (this.#layout.shorts ?? 0);
        return;
      case INTEN:
        this.#enable(value);
        return;
      case INTENSET:
        this.#enable(this.#enabled | value);
        return;
      case INTENCLR:
        this.#enable(this.#enabled & ~value);
        return;
      case EVTEN:
        this.#route(value);
        return;
      case EVTENSET:
        this.#route(this.#routed | value);
        return;
      case EVTENCLR:
        this.#route(this.#routed & ~value);
        return;
      case POWER:
        // Switching a peripheral off and on again brings its reset values back.
        if (this.#power && (value & 1) === 0) this.reset('warm');
        this.#power = (value & 1) !== 0;
        this.settle();
        return;
    }
    this.writeRegister(offset, value);
  }

  /** What changes when the set of watched events does; counters re-arm themselves. */
  protected watchedChanged(): void {}

  #enable(value: number): void {
    this.#enabled = value & this.#layout.events;
    this.#drive();
    this.watchedChanged();
  }

  #route(value: number): void {
    this.#routed = value & this.#layout.events;
    this.watchedChanged();
  }

  #drive(): void {
    this.irq.set((this.#events & this.#enabled) !== 0);
  }

  protected unknownTask(offset: number): void {
    this.log.guest('no task at %x', offset);
  }

  protected unknownRead(offset: number): number {
    this.log.guest('read of no register at %x', offset);
    return 0;
  }

  protected unknownWrite(offset: number, value: number): void {
    this.log.guest('write to no register at %x, value %x', offset, value);
  }

  reset(kind: ResetKind): void {
    this.#events = this.#enabled = this.#routed = this.shorts = 0;
    this.#power = true;
    this.resetRegisters(kind);
  }

  settle(): void {
    this.#drive();
  }

  save(): PlainFields {
    return {
      events: this.#events >>> 0,
      enabled: this.#enabled >>> 0,
      routed: this.#routed >>> 0,
      shorts: this.shorts,
      power: this.#power,
      ...this.saveRegisters(),
    };
  }

  restore(state: PlainFields): void {
    const saved = new SavedFields(this.id, state);
    this.#events = saved.u32('events') & this.#layout.events;
    this.#enabled = saved.u32('enabled') & this.#layout.events;
    this.#routed = saved.u32('routed') & this.#layout.events;
    this.shorts = saved.u32('shorts') & (this.#layout.shorts ?? 0);
    this.#power = saved.bool('power');
    this.restoreRegisters(saved, state);
  }
}
