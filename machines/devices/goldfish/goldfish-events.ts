// SPDX-License-Identifier: MIT
//
// Input device of the goldfish virtual board: keys, touch screen, trackball and lid as Linux input events.
//
// Sockets: span 0x1000, wire `irq`; host: `key`, `place`, `move`. Documents: [GOLDFISH] §VIII; Linux input.h for codes.
// Not modelled: multi-touch. Events wait until the kernel has asked for the ranges of the axes.
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
const ABS = { x: 0, y: 1, z: 2 } as const;
const BTN_MOUSE = 0x110;
const BTN_TOUCH = 0x14a;
const CHARMAP = 'qwerty2';
const MOST_WORDS = 256 * 3;

export interface GoldfishEventsOptions {
  readonly width: number;
  readonly height: number;
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
  #touching = false;
  #at: readonly [number, number] = [0, 0];

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
    this.#pages.set(PAGE_EVBITS + EV.abs, bits([ABS.x, ABS.y, ABS.z]));
    this.#pages.set(PAGE_EVBITS + EV.sw, bits([0]));
    // Lowest, highest, fuzz and flat of each axis.
    const ranges = new Int32Array([0, options.width - 1, 0, 0, 0, options.height - 1, 0, 0, 0, 1, 0, 0]);
    this.#pages.set(PAGE_ABSDATA, new Uint8Array(ranges.buffer));
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
    const { width, height } = this.#options;
    const touching = (buttons & 1) !== 0;
    const at = [Math.floor(clamp(x) * (width - 1)), Math.floor(clamp(y) * (height - 1))] as const;
    const moved = at[0] !== this.#at[0] || at[1] !== this.#at[1];
    if (touching === this.#touching && !(touching && moved)) return;
    this.#touching = touching;
    this.#at = at;
    const finger = touching ? 1 : 0;
    const abs = [EV.abs, ABS.x, at[0], EV.abs, ABS.y, at[1], EV.abs, ABS.z, 0];
    this.#send(...abs, EV.key, BTN_TOUCH, finger, EV.syn, 0, 0);
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
    this.#ready = this.#touching = false;
    this.#at = [0, 0];
  }

  settle(): void {
    this.#update();
  }

  save(): PlainFields {
    return {
      queue: [...this.#queue],
      page: this.#page,
      ready: this.#ready,
      touching: this.#touching,
      at: [...this.#at],
    };
  }

  restore(state: PlainFields): void {
    const saved = new SavedFields(this.id, state);
    this.#queue = saved.list('queue', MOST_WORDS).map((word) => Number(word) | 0);
    this.#page = saved.u32('page');
    this.#ready = saved.bool('ready');
    this.#touching = saved.bool('touching');
    const at = saved.list('at', 2);
    this.#at = [Number(at[0] ?? 0) | 0, Number(at[1] ?? 0) | 0];
  }
}

/** A bit map with these bits set. */
function bits(numbers: readonly number[]): Uint8Array {
  const map = new Uint8Array((Math.max(...numbers) >>> 3) + 1);
  for (const n of numbers) map[n >>> 3]! |= 1 << (n & 7);
  return map;
}

const clamp = (part: number): number => Math.max(0, Math.min(1, part));
