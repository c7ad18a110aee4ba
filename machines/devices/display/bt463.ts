// SPDX-License-Identifier: MIT
//
// Brooktree Bt463 true-colour RAMDAC: palette, window type table, cursor colours and control registers.
//
// Sockets: span 4, byte registers: 0 address low, 1 address high, 2 control (registers, cursor colours, window types),
// 3 palette. Three bytes, red first, for colours and window types; the address counts up after them.
// Documents: [Bt463] Brooktree data sheet.
// Not modelled: its effect on a picture: boards that use it here show true colours as they are in memory.
import type { ChipContext } from '../../backplane/board.ts';
import { BYTE_REGISTERS, type BusTarget, type Width } from '../../backplane/bus.ts';
import { type Device, type PlainFields, type ResetKind, SavedFields } from '../../backplane/device.ts';

const ADDRESS_LOW = 0;
const ADDRESS_HIGH = 1;
const CONTROL = 2;

const CURSOR_COLORS = 0x100;
const CURSOR_COLOR_COUNT = 2;
const REGISTERS = 0x200;
const ID_REGISTER = 0x200;
const INPUT_SIGNATURE = 0x20e;
const OUTPUT_SIGNATURE = 0x20f;
const REGISTER_COUNT = 0x10;
const REVISION_REGISTER = 0x220;
const WINDOW_TYPES = 0x300;
const WINDOW_TYPE_COUNT = 0x10;
const PALETTE_COLORS = 0x210;

const ID = 0x2a;
const REVISION = 0x0a;
const ADDRESS_MASK = 0xfff;

export class Bt463 implements Device, BusTarget {
  readonly id: string;
  readonly span = 4;
  readonly access = BYTE_REGISTERS;
  #address = 0;
  /** Which of three bytes comes next. */
  #component = 0;
  readonly #palette = new Uint8Array(PALETTE_COLORS * 3);
  readonly #cursor = new Uint8Array(CURSOR_COLOR_COUNT * 3);
  readonly #windows = new Uint8Array(WINDOW_TYPE_COUNT * 3);
  readonly #registers = new Uint8Array(REGISTER_COUNT * 3);

  constructor(chip: ChipContext) {
    this.id = chip.id;
  }

  read(offset: number, _width: Width): number {
    const value = this.peek(offset);
    this.#after(offset);
    return value;
  }

  peek(offset: number): number {
    switch (offset) {
      case ADDRESS_LOW:
        return this.#address & 0xff;
      case ADDRESS_HIGH:
        return this.#address >>> 8;
      default: {
        if (offset === CONTROL && this.#address === ID_REGISTER) return ID;
        if (offset === CONTROL && this.#address === REVISION_REGISTER) return REVISION;
        const place = this.#place(offset);
        return place === undefined ? 0 : place.bytes[place.at]!;
      }
    }
  }

  write(offset: number, _width: Width, value: number): void {
    switch (offset) {
      case ADDRESS_LOW:
        this.#address = (this.#address & 0xf00) | value;
        break;
      case ADDRESS_HIGH:
        this.#address = (this.#address & 0xff) | ((value & 0xf) << 8);
        break;
      default: {
        const place = this.#place(offset);
        if (place !== undefined && this.#address !== ID_REGISTER) place.bytes[place.at] = value;
      }
    }
    this.#after(offset);
  }

  #place(offset: number): { bytes: Uint8Array; at: number } | undefined {
    const files: readonly [Uint8Array, number][] =
      offset === CONTROL
        ? [
            [this.#cursor, CURSOR_COLORS],
            [this.#registers, REGISTERS],
            [this.#windows, WINDOW_TYPES],
          ]
        : [[this.#palette, 0]];
    for (const [bytes, first] of files) {
      const at = (this.#address - first) * 3 + this.#component;
      if (this.#address >= first && at < bytes.length) return { bytes, at };
    }
    return undefined;
  }

  #after(offset: number): void {
    if (offset < CONTROL) {
      this.#component = 0;
      return;
    }
    const register = offset === CONTROL && this.#address >= REGISTERS && this.#address < WINDOW_TYPES;
    const single = register && this.#address !== INPUT_SIGNATURE && this.#address !== OUTPUT_SIGNATURE;
    this.#component = single ? 0 : (this.#component + 1) % 3;
    if (this.#component === 0) this.#address = (this.#address + 1) & ADDRESS_MASK;
  }

  reset(kind: ResetKind): void {
    this.#address = this.#component = 0;
    if (kind === 'warm') return;
    for (const file of [this.#palette, this.#cursor, this.#windows, this.#registers]) file.fill(0);
  }

  settle(): void {}

  save(): PlainFields {
    return {
      address: this.#address,
      component: this.#component,
      palette: this.#palette.slice(),
      cursor: this.#cursor.slice(),
      windows: this.#windows.slice(),
      registers: this.#registers.slice(),
    };
  }

  restore(state: PlainFields): void {
    const saved = new SavedFields(this.id, state);
    this.#address = saved.int('address', 0, ADDRESS_MASK);
    this.#component = saved.int('component', 0, 2);
    this.#palette.set(saved.bytes('palette', this.#palette.length));
    this.#cursor.set(saved.bytes('cursor', this.#cursor.length));
    this.#windows.set(saved.bytes('windows', this.#windows.length));
    this.#registers.set(saved.bytes('registers', this.#registers.length));
  }
}
