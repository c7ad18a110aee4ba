// SPDX-License-Identifier: MIT
//
// The nRF51's programmable peripheral interconnect: events of one peripheral trigger tasks of another.
//
// Sockets: bus: span 0x1000; events come through {@link EventSink}; tasks go to the peripherals it was told of.
// Document: [nRF51 RM] §16. Not modelled: the two-cycle delay; a chain of more than 64 links at once is cut (logged).
import type { ChipContext } from '../../backplane/board.ts';
import type { BusTarget, Width } from '../../backplane/bus.ts';
import { SavedFields, type Device, type PlainFields, type ResetKind } from '../../backplane/device.ts';
import type { DeviceLog } from '../../backplane/log.ts';
import { type EventSink, NRF_WORDS, type NrfPeripheral } from './nrf-peripheral.ts';

const CHANNELS = 16;
const FIRST_FIXED = 20;
const GROUPS = 4;
const CHEN = 0x500;
const CHENSET = 0x504;
const CHENCLR = 0x508;
const CH = 0x510;
const CHG = 0x800;
const MOST_LINKS = 64;
/** Channels 0 to 15, and 20 to 31 whose ends are fixed. */
const EXISTING = 0xfff0_ffff;

const RADIO = 0x4000_1000;
const TIMER0 = 0x4000_8000;
const RTC0 = 0x4000_b000;
const ECB_CCM_AAR = 0x4000_f000;
/** Event and task of channels 20 to 31. */
const FIXED: readonly (readonly [number, number])[] = [
  [TIMER0 + 0x140, RADIO + 0x000],
  [TIMER0 + 0x140, RADIO + 0x004],
  [TIMER0 + 0x144, RADIO + 0x010],
  [RADIO + 0x128, ECB_CCM_AAR + 0x000],
  [RADIO + 0x100, ECB_CCM_AAR + 0x000],
  [RADIO + 0x104, ECB_CCM_AAR + 0x004],
  [RADIO + 0x104, TIMER0 + 0x044],
  [RADIO + 0x10c, TIMER0 + 0x048],
  [RTC0 + 0x140, RADIO + 0x000],
  [RTC0 + 0x140, RADIO + 0x004],
  [RTC0 + 0x140, TIMER0 + 0x00c],
  [RTC0 + 0x140, TIMER0 + 0x000],
];

export class NrfPpi implements BusTarget, Device, EventSink {
  readonly id: string;
  readonly span = 0x1000;
  readonly access = NRF_WORDS;
  readonly #log: DeviceLog;
  readonly #peripherals = new Map<number, Pick<NrfPeripheral, 'task'>>();
  readonly #ends = new Uint32Array(CHANNELS * 2);
  readonly #groups = new Uint32Array(GROUPS);
  #enabled = 0;
  #pending: number[] = [];
  #running = false;

  constructor(chip: ChipContext) {
    this.id = chip.id;
    this.#log = chip.log;
  }

  /** Makes the tasks of a peripheral reachable. */
  connect<T extends NrfPeripheral>(peripheral: T): T {
    this.#peripherals.set(peripheral.base, peripheral);
    return peripheral;
  }

  event(address: number): void {
    for (let channel = 0; channel < CHANNELS; channel++) {
      if ((this.#enabled >>> channel) & 1 && this.#ends[channel * 2] === address) {
        this.#pending.push(this.#ends[channel * 2 + 1]!);
      }
    }
    FIXED.forEach(([event, task], i) => {
      if (event === address && (this.#enabled >>> (FIRST_FIXED + i)) & 1) this.#pending.push(task);
    });
    if (!this.#running && this.#pending.length > 0) this.#run();
  }

  #run(): void {
    this.#running = true;
    for (let links = 0; this.#pending.length > 0; links++) {
      const task = this.#pending.shift()!;
      if (links >= MOST_LINKS) {
        this.#log.guest('a loop of events and tasks, cut at task %x', task);
        this.#pending = [];
        break;
      }
      const base = (task & ~0xfff) >>> 0;
      if (base === this.#ownBase) this.task(task & 0xfff);
      else if ((task & 0xfff) < 0x100) this.#peripherals.get(base)?.task(task & 0xfff);
      else this.#log.guest('%x is not a task', task);
    }
    this.#running = false;
  }

  readonly #ownBase = 0x4001_f000;

  /** Channel groups are switched on (offset 0, 8, …) and off (4, 12, …). */
  task(offset: number): void {
    const group = this.#groups[offset >>> 3];
    if (group === undefined) return;
    this.#enabled = (offset & 4 ? this.#enabled & ~group : this.#enabled | group) >>> 0;
  }

  read(offset: number, _width: Width): number {
    return this.peek(offset);
  }

  peek(offset: number): number {
    if (offset >= CHEN && offset <= CHENCLR) return this.#enabled;
    if (offset >= CH && offset < CH + CHANNELS * 8) return this.#ends[(offset - CH) >>> 2]!;
    if (offset >= CHG && offset < CHG + GROUPS * 4) return this.#groups[(offset - CHG) >>> 2]!;
    return 0;
  }

  write(offset: number, _width: Width, value: number): void {
    if (offset < GROUPS * 8) {
      if (value & 1) this.task(offset);
    } else if (offset === CHEN) {
      this.#enabled = (value & EXISTING) >>> 0;
    } else if (offset === CHENSET) {
      this.#enabled = (this.#enabled | (value & EXISTING)) >>> 0;
    } else if (offset === CHENCLR) {
      this.#enabled = (this.#enabled & ~value) >>> 0;
    } else if (offset >= CH && offset < CH + CHANNELS * 8) {
      this.#ends[(offset - CH) >>> 2] = value;
    } else if (offset >= CHG && offset < CHG + GROUPS * 4) {
      this.#groups[(offset - CHG) >>> 2] = (value & EXISTING) >>> 0;
    } else {
      this.#log.guest('write to no register at %x, value %x', offset, value);
    }
  }

  reset(_kind: ResetKind): void {
    this.#ends.fill(0);
    this.#groups.fill(0);
    this.#enabled = 0;
    this.#pending = [];
  }

  settle(): void {}

  save(): PlainFields {
    return { ends: this.#ends.slice(), groups: this.#groups.slice(), enabled: this.#enabled };
  }

  restore(state: PlainFields): void {
    const saved = new SavedFields(this.id, state);
    this.#ends.set(saved.words('ends', CHANNELS * 2));
    this.#groups.set(saved.words('groups', GROUPS));
    this.#enabled = (saved.u32('enabled') & EXISTING) >>> 0;
  }
}
