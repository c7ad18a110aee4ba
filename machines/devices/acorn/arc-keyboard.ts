// SPDX-License-Identifier: MIT
//
// The Archimedes keyboard with its mouse: a microcontroller at the end of IOC's serial line.
//
// Sockets: serial: {@link Ioc} (31,250 baud, one byte a time); host: KeyboardInput, PointerInput. The mouse's buttons are
// keys of row 7: left Select, middle Menu, right Adjust.
// Document: [ARC TRM] "keyboard protocol". Every byte either side sends is acknowledged by the other before the next.
// Not modelled: key ghosting; the A500 prototypes' protocol.
import type { ChipContext } from '../../backplane/board.ts';
import { SavedFields, type Device, type PlainFields, type ResetKind } from '../../backplane/device.ts';
import type { KeyboardInput, KeyCode, PointerInput } from '../../backplane/host.ts';
import type { DeviceLog } from '../../backplane/log.ts';
import type { Scheduler, Task } from '../../backplane/scheduler.ts';
import { ARC_KEYS, MOUSE_KEYS } from './arc-keys.ts';
import type { Ioc, KartPeer } from './ioc.ts';

const HRST = 0xff;
const RAK1 = 0xfe;
const RAK2 = 0xfd;
const RQPD = 0x40;
const PDAT = 0xe0;
const RQID = 0x20;
const PRST = 0x21;
const RQMP = 0x22;
const BACK = 0x3f;
/** NACK, SACK, MACK, SMAK: bit 0 lets keys through, bit 1 the mouse. */
const NACK = 0x30;
const KDDA = 0xc0;
const KUDA = 0xd0;
const KBID = 0x80;

const MAY_KEYS = 1;
const MAY_MOUSE = 2;
/** Kinds 1 to 31; RISC OS takes 1 for the British keyboard. */
const KEYBOARD_KIND = 1;
/** What the microcontroller takes to answer, in nanoseconds, before the frame itself. */
const ANSWER_NS = 150_000;
/** A keyboard nobody answers says again that it was reset. */
const RETRY_NS = 20_000_000;
const MOST_QUEUED = 64;
const MOST_MOTION = 4096;

const STATES = ['reset', 'reset1', 'reset2', 'idle', 'byte', 'pair', 'last'] as const;
type State = (typeof STATES)[number];

export class ArcKeyboard implements KartPeer, KeyboardInput, PointerInput, Device {
  readonly id: string;
  readonly #log: DeviceLog;
  readonly #scheduler: Scheduler;
  readonly #ioc: Ioc;
  readonly #sendTask: Task;
  #state: State = 'reset';
  #outgoing = HRST;
  /** The second byte of a pair. */
  #second = 0;
  #may = 0;
  #leds = 0;
  #dx = 0;
  #dy = 0;
  #buttons = 0;
  /** Key numbers, bit 8 set for a release. */
  #queue: number[] = [];
  /** Keys that are down: told again after a reset, by which RISC OS sees what is held at power-on. */
  readonly #held = new Set<number>();

  constructor(chip: ChipContext, ioc: Ioc) {
    this.id = chip.id;
    this.#log = chip.log;
    this.#scheduler = chip.scheduler;
    this.#ioc = ioc;
    this.#sendTask = chip.scheduler.task(`${chip.id}.send`, () => this.#sent());
    ioc.keyboard = this;
  }

  /** Caps Lock is LED 0 of the keyboard, Num Lock 1, Scroll Lock 2. */
  get leds(): number {
    return ((this.#leds & 2) >>> 1) | ((this.#leds & 1) << 1) | (this.#leds & 4);
  }

  key(code: KeyCode, down: boolean): void {
    const number = ARC_KEYS[code];
    if (number !== undefined) this.#enqueue(number, down);
  }

  move(dx: number, dy: number, buttons: number): void {
    // The mouse counts upwards, the host downwards.
    this.#dx = clamp(this.#dx + Math.round(dx), MOST_MOTION);
    this.#dy = clamp(this.#dy - Math.round(dy), MOST_MOTION);
    const changed = buttons ^ this.#buttons;
    this.#buttons = buttons;
    if (changed & 1) this.#enqueue(MOUSE_KEYS.select, (buttons & 1) !== 0);
    if (changed & 4) this.#enqueue(MOUSE_KEYS.menu, (buttons & 4) !== 0);
    if (changed & 2) this.#enqueue(MOUSE_KEYS.adjust, (buttons & 2) !== 0);
    this.#next();
  }

  #enqueue(number: number, down: boolean): void {
    if (down) this.#held.add(number);
    else this.#held.delete(number);
    if (this.#queue.length >= MOST_QUEUED) return;
    this.#queue.push(down ? number : number | 0x100);
    this.#next();
  }

  /** A byte from the computer. */
  receive(byte: number): void {
    if (byte === HRST) {
      this.#restart('reset1', HRST);
    } else if (byte === RAK1 && this.#state === 'reset1') {
      this.#restart('reset2', RAK1);
    } else if (byte === RAK2 && this.#state === 'reset2') {
      this.#state = 'idle';
      this.#queue = [...this.#held];
      this.#send(RAK2);
    } else if (byte < 8) {
      this.#leds = byte;
    } else if ((byte & 0xfc) === NACK) {
      this.#acknowledged(byte & 3);
    } else if (byte === BACK && this.#state === 'pair') {
      this.#state = 'last';
      this.#send(this.#second);
    } else if (byte === RQID && this.#state === 'idle') {
      this.#sendOne(KBID | KEYBOARD_KIND);
    } else if ((byte & 0xf0) === RQPD && this.#state === 'idle') {
      this.#sendOne(PDAT | (byte & 15));
    } else if (byte === RQMP && this.#state === 'idle') {
      this.#sendMotion();
    } else if (byte !== PRST) {
      this.#log.guest('unexpected byte %x', byte);
      this.#restart('reset', HRST);
    }
  }

  #restart(state: State, answer: number): void {
    this.#state = state;
    this.#may = 0;
    this.#queue = [];
    this.#dx = this.#dy = 0;
    this.#send(answer);
  }

  #acknowledged(may: number): void {
    this.#may = may;
    if (this.#state === 'byte' || this.#state === 'last' || this.#state === 'idle') this.#state = 'idle';
    this.#next();
  }

  /** Sends what there is and is allowed: keys before motion. */
  #next(): void {
    if (this.#state !== 'idle' || this.#sendTask.scheduled) return;
    if (this.#may & MAY_KEYS && this.#queue.length > 0) {
      const key = this.#queue.shift()!;
      const code = key & 0x100 ? KUDA : KDDA;
      this.#sendPair(code | ((key >>> 4) & 15), code | (key & 15));
    } else if (this.#may & MAY_MOUSE && (this.#dx !== 0 || this.#dy !== 0)) {
      this.#sendMotion();
    }
  }

  /** Two's complement in seven bits; what does not fit is sent next time. */
  #sendMotion(): void {
    const dx = clamp(this.#dx, 63);
    const dy = clamp(this.#dy, 63);
    this.#dx -= dx;
    this.#dy -= dy;
    this.#sendPair(dx & 0x7f, dy & 0x7f);
  }

  #sendPair(first: number, second: number): void {
    this.#state = 'pair';
    this.#second = second;
    this.#send(first);
  }

  #sendOne(byte: number): void {
    this.#state = 'byte';
    this.#send(byte);
  }

  #send(byte: number): void {
    this.#outgoing = byte;
    this.#sendTask.schedule(this.#scheduler.ns(ANSWER_NS) + this.#ioc.kartFrameTicks);
  }

  #sent(): void {
    this.#ioc.kartReceive(this.#outgoing);
    if (this.#state === 'reset') this.#sendTask.schedule(this.#scheduler.ns(RETRY_NS));
  }

  reset(_kind: ResetKind): void {
    this.#sendTask.cancel();
    this.#state = 'reset';
    this.#outgoing = HRST;
    this.#second = this.#may = this.#leds = this.#dx = this.#dy = this.#buttons = 0;
    this.#queue = [];
    this.#held.clear();
  }

  settle(): void {
    if (this.#state === 'reset' && !this.#sendTask.scheduled) this.#sendTask.schedule(this.#scheduler.ns(RETRY_NS));
  }

  save(): PlainFields {
    return {
      state: this.#state,
      outgoing: this.#outgoing,
      second: this.#second,
      may: this.#may,
      leds: this.#leds,
      dx: this.#dx,
      dy: this.#dy,
      buttons: this.#buttons,
      queue: [...this.#queue],
      held: [...this.#held],
      send: this.#sendTask.remaining,
    };
  }

  restore(state: PlainFields): void {
    const saved = new SavedFields(this.id, state);
    this.#state = saved.oneOf('state', STATES);
    this.#outgoing = saved.u8('outgoing');
    this.#second = saved.u8('second');
    this.#may = saved.int('may', 0, 3);
    this.#leds = saved.int('leds', 0, 7);
    this.#dx = saved.int('dx', -MOST_MOTION, MOST_MOTION);
    this.#dy = saved.int('dy', -MOST_MOTION, MOST_MOTION);
    this.#buttons = saved.u8('buttons');
    this.#queue = saved.list('queue', MOST_QUEUED).map((key) => Number(key) & 0x1ff);
    this.#held.clear();
    for (const key of saved.list('held', 128)) this.#held.add(Number(key) & 0x7f);
    this.#sendTask.restore(saved.int('send', -1, Number.MAX_SAFE_INTEGER));
  }
}

const clamp = (value: number, most: number): number => Math.max(-most, Math.min(most, value));
