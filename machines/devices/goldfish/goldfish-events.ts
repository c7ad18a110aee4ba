// SPDX-License-Identifier: MIT
//
// Input device of the goldfish virtual board: keys, touch screen, trackball and lid as Linux input events.
//
// Sockets: span 0x1000, wire `irq`; host: `key`, `place`, `move`. Documents: [GOLDFISH] §VIII; Linux input.h for codes.
// Events wait until the kernel has asked for the ranges of the axes.
//
// Not modelled: the lid, of which the kernel is told that it exists, never closes.
import type { ChipContext } from '../../backplane/board.ts';
import type { AccessRules, BusTarget, Width } from '../../backplane/bus.ts';
import { type Device, type PlainFields, type ResetKind, SavedFields } from '../../backplane/device.ts';
import type { KeyboardInput, KeyCode, PointerInput } from '../../backplane/host.ts';
import type { DeviceLog } from '../../backplane/log.ts';
import { Wire } from '../../backplane/wire.ts';
import { LINUX_KEYS } from './linux-keys.ts';

const READ = 0x00; // SET_PAGE when written
const LEN = 0x04;
const DATA = 0x08;
const PAGE_NAME = 0x0_0000;
const PAGE_EVBITS = 0x1_0000;
const PAGE_ABSDATA = 0x2_0003;

const EV = { syn: 0, key: 1, rel: 2, abs: 3, sw: 5 } as const;
const REL = { x: 0, y: 1 } as const;
const ABS = { x: 0, y: 1, z: 2, slot: 0x2f, touchMajor: 0x30, mtX: 0x35, mtY: 0x36, trackingId: 0x39, pressure: 0x3a };
/** Axes the kernel reads the ranges of. */
const SINGLE_AXES = 3;
const MULTI_AXES = 0x3f;
const FINGERS = 2;
const TRACKING_IDS = 0x1_0000;
const TOUCH_MAJOR = 15;
const PRESSURE = 0x81;
const BTN_MOUSE = 0x110;
const BTN_TOUCH = 0x14a;
const CHARMAP = 'qwerty2';
const MOST_WORDS = 256 * 3;

type Point = readonly [x: number, y: number];

export interface GoldfishEventsOptions {
  readonly width: number;
  readonly height: number;
  /** Fingers are told of one by one, by the second protocol of multi-touch; the right button adds a second finger. */
  readonly multiTouch?: boolean;
}

export class GoldfishEvents implements Device, BusTarget, KeyboardInput, PointerInput {
  readonly id: string;
  readonly span = 0x1000;
  /** The kernel reads the pages byte by byte, at offsets of any alignment. */
  readonly access: AccessRules = { valid: { min: 1, max: 4 }, impl: { min: 1, max: 4 }, byteOrder: 'little' };
  readonly irq: Wire;
  /** The touch screen is told where the finger is. */
  readonly absolute = true;
  readonly #log: DeviceLog;
  readonly #pages = new Map<number, Uint8Array>();
  readonly #options: GoldfishEventsOptions;
  #queue: number[] = [];
  #page = 0;
  #ready = false;
  /** Where each finger is down, in dots. */
  #fingers: (Point | undefined)[] = new Array<undefined>(FINGERS).fill(undefined);
  #nextId = 0;

  constructor(chip: ChipContext, options: GoldfishEventsOptions) {
    this.id = chip.id;
    this.#log = chip.log;
    this.#options = options;
    this.irq = new Wire(`${chip.id}.irq`);
    const keys = [...Object.values(LINUX_KEYS), BTN_MOUSE, BTN_TOUCH];
    this.#pages.set(PAGE_NAME, new TextEncoder().encode(CHARMAP));
    this.#pages.set(PAGE_EVBITS + EV.syn, bits([EV.syn, EV.key, EV.rel, EV.abs, EV.sw]));
    this.#pages.set(PAGE_EVBITS + EV.key, bits(keys));
    this.#pages.set(PAGE_EVBITS + EV.rel, bits([REL.x, REL.y]));
    const { slot, touchMajor, mtX, mtY, trackingId, pressure } = ABS;
    const multi = options.multiTouch ? [slot, touchMajor, mtX, mtY, trackingId, pressure] : [];
    this.#pages.set(PAGE_EVBITS + EV.abs, bits([ABS.x, ABS.y, ABS.z, ...multi]));
    this.#pages.set(PAGE_EVBITS + EV.sw, bits([0]));
    this.#pages.set(PAGE_ABSDATA, ranges(options));
  }

  key(code: KeyCode, down: boolean): void {
    const key = LINUX_KEYS[code];
    if (key !== undefined) this.#send(EV.key, key, down ? 1 : 0);
  }

  /** The trackball. */
  move(dx: number, dy: number, _buttons: number): void {
    this.#send(EV.rel, REL.x, Math.round(dx), EV.rel, REL.y, Math.round(dy), EV.syn, 0, 0);
  }

  place(x: number, y: number, buttons: number): void {
    const two = this.#options.multiTouch === true && (buttons & 2) !== 0;
    const touching = (buttons & 1) !== 0 || two;
    this.#touch([touching ? this.#dot(x, y) : undefined, two ? this.#dot(1 - x, 1 - y) : undefined]);
  }

  #dot(x: number, y: number): Point {
    const { width, height } = this.#options;
    return [Math.floor(clamp(x) * (width - 1)), Math.floor(clamp(y) * (height - 1))];
  }

  #touch(fingers: (Point | undefined)[]): void {
    const before = this.#fingers;
    if (fingers.every((finger, i) => finger?.[0] === before[i]?.[0] && finger?.[1] === before[i]?.[1])) return;
    this.#fingers = fingers;
    if (this.#options.multiTouch) {
      this.#send(...fingers.flatMap((finger, slot) => this.#finger(slot, before[slot], finger)), EV.syn, 0, 0);
      return;
    }
    // A finger that has gone is where it was.
    const [x, y] = fingers[0] ?? before[0]!;
    const abs = [EV.abs, ABS.x, x, EV.abs, ABS.y, y, EV.abs, ABS.z, 0];
    this.#send(...abs, EV.key, BTN_TOUCH, fingers[0] === undefined ? 0 : 1, EV.syn, 0, 0);
  }

  /** What is to be told of one finger. */
  #finger(slot: number, before: Point | undefined, now: Point | undefined): number[] {
    if (before?.[0] === now?.[0] && before?.[1] === now?.[1]) return [];
    const words = [EV.abs, ABS.slot, slot];
    if (now === undefined) return [...words, EV.abs, ABS.trackingId, -1];
    if (before === undefined) {
      words.push(EV.abs, ABS.trackingId, this.#nextId);
      words.push(EV.abs, ABS.touchMajor, TOUCH_MAJOR, EV.abs, ABS.pressure, PRESSURE);
      this.#nextId = (this.#nextId + 1) % TRACKING_IDS;
    }
    return [...words, EV.abs, ABS.mtX, now[0], EV.abs, ABS.mtY, now[1]];
  }

  /** Events that do not fit are lost whole. */
  #send(...words: number[]): void {
    if (this.#queue.length + words.length > MOST_WORDS) return;
    this.#queue.push(...words);
    this.#update();
  }

  #update(): void {
    this.irq.set(this.#ready && this.#queue.length > 0);
  }

  read(offset: number, width: Width): number {
    const value = this.#read(offset);
    return width === 4 ? value : value & (2 ** (8 * width) - 1);
  }

  #read(offset: number): number {
    if (offset === READ) {
      const word = this.#queue.shift() ?? 0;
      this.#update();
      return word >>> 0;
    }
    if (offset === LEN && this.#page === PAGE_ABSDATA) {
      this.#ready = true;
      this.#update();
    }
    return this.peek(offset);
  }

  peek(offset: number): number {
    const page = this.#pages.get(this.#page);
    if (offset === LEN) return page?.length ?? 0;
    if (offset < DATA || page === undefined) return 0;
    const at = offset - DATA;
    // Axes are read as words, the other pages byte by byte.
    if (this.#page !== PAGE_ABSDATA) return page[at] ?? 0;
    return at + 4 <= page.length ? new DataView(page.buffer).getUint32(at, true) : 0;
  }

  write(offset: number, _width: Width, value: number): void {
    if (offset === READ) this.#page = value >>> 0;
    else this.#log.guest('write of %x to register %x', value, offset);
  }

  reset(_kind: ResetKind): void {
    this.#queue = [];
    this.#page = 0;
    this.#ready = false;
    this.#fingers.fill(undefined);
    this.#nextId = 0;
  }

  settle(): void {
    this.#update();
  }

  save(): PlainFields {
    return {
      queue: [...this.#queue],
      page: this.#page,
      ready: this.#ready,
      fingers: this.#fingers.map((finger) => (finger === undefined ? null : [...finger])),
      nextId: this.#nextId,
    };
  }

  restore(state: PlainFields): void {
    const saved = new SavedFields(this.id, state);
    this.#queue = saved.list('queue', MOST_WORDS).map((word) => Number(word) | 0);
    this.#page = saved.u32('page');
    this.#ready = saved.bool('ready');
    const fingers = saved.list('fingers', FINGERS);
    this.#fingers = this.#fingers.map((_, i) => {
      const finger = fingers[i];
      return Array.isArray(finger) ? [Number(finger[0]) | 0, Number(finger[1]) | 0] : undefined;
    });
    this.#nextId = saved.int('nextId', 0, TRACKING_IDS - 1);
  }
}

/** A bit map with these bits set. */
function bits(numbers: readonly number[]): Uint8Array {
  const map = new Uint8Array((Math.max(...numbers) >>> 3) + 1);
  for (const n of numbers) map[n >>> 3]! |= 1 << (n & 7);
  return map;
}

const clamp = (part: number): number => Math.max(0, Math.min(1, part));

/** Lowest, highest, fuzz and flat of each axis. */
function ranges({ width, height, multiTouch }: GoldfishEventsOptions): Uint8Array {
  const words = new Int32Array((multiTouch ? MULTI_AXES : SINGLE_AXES) * 4);
  const highest: (readonly [axis: number, value: number])[] = [
    [ABS.x, width - 1],
    [ABS.y, height - 1],
    [ABS.z, 1],
  ];
  if (multiTouch) {
    highest.push([ABS.slot, FINGERS - 1], [ABS.trackingId, TRACKING_IDS - 1], [ABS.touchMajor, 0x7fff_ffff]);
    highest.push([ABS.mtX, width - 1], [ABS.mtY, height - 1], [ABS.pressure, 0x100]);
  }
  for (const [axis, value] of highest) words[axis * 4 + 1] = value;
  return new Uint8Array(words.buffer);
}
