// SPDX-License-Identifier: MIT
import type { KeyboardInput, KeyCode, PointerInput } from '../backplane/host.ts';
import { type Hands, MicrobitScreen, type Place } from './microbit-screen.ts';

/** How far an arrow key tilts the board: the sine of 45 degrees. */
const TILT = Math.SQRT1_2;
/** How strong a shake is to each side, in g. */
const SWING = 1.8;
const KEYS: ReadonlyMap<KeyCode, Place> = new Map<KeyCode, Place>([
  ['KeyA', 'a'],
  ['KeyB', 'b'],
  ['Digit0', 0],
  ['Digit1', 1],
  ['Digit2', 2],
]);
const PLACES: readonly Place[] = ['a', 'b', 0, 1, 2];

export interface BoardControls {
  /** A finger is on a button or a pad of the edge connector, or leaves it. */
  readonly onTouch: (place: Place, touched: boolean) => void;
  /** Where gravity pulls, in g: x to the right of the board, y to its top, z out of its face. */
  readonly onTilt: (x: number, y: number, z: number) => void;
  /** Somebody shakes the board: {@link MicrobitInput.swing} is wanted every few hundredths of a second, or no longer. */
  readonly onShake: (shaken: boolean) => void;
}

/**
 * Hands on a micro:bit: keys A and B (or a click on the picture) press its buttons, 0, 1 and 2 touch its pads, the arrow
 * keys tilt it, Space shakes it. With the right mouse button held, it tilts with the pointer.
 */
export class MicrobitInput implements KeyboardInput, PointerInput {
  readonly absolute = true;
  readonly #controls: BoardControls;
  readonly #keys = new Set<KeyCode>();
  #pointer: readonly [x: number, y: number] = [0, 0];
  #clicked: Place | undefined;
  #touched: ReadonlySet<Place> = new Set();
  #dragTilt: readonly [number, number] | undefined;
  #swing = 0;
  #tilt: readonly [number, number] = [0, 0];

  constructor(controls: BoardControls) {
    this.#controls = controls;
  }

  get hands(): Hands {
    return { touched: this.#touched, tilt: this.#tilt };
  }

  key(code: KeyCode, down: boolean): void {
    if (down) this.#keys.add(code);
    else this.#keys.delete(code);
    this.#update();
  }

  /** A click where the pointer is; only {@link place} moves it. */
  move(_dx: number, _dy: number, buttons: number): void {
    this.place(...this.#pointer, buttons);
  }

  place(x: number, y: number, buttons: number): void {
    this.#pointer = [x, y];
    this.#clicked = buttons & 1 ? MicrobitScreen.placeAt(x, y) : undefined;
    this.#dragTilt = buttons & 2 ? [clamp(x * 2 - 1), clamp(1 - y * 2)] : undefined;
    this.#update();
  }

  reset(): void {
    this.#keys.clear();
    this.#clicked = this.#dragTilt = undefined;
    this.#update();
  }

  /** The next movement of a shake. */
  swing(): void {
    this.#swing = this.#swing > 0 ? -SWING : SWING;
    this.#update();
  }

  #update(): void {
    const touched = new Set<Place>();
    for (const [code, place] of KEYS) if (this.#keys.has(code)) touched.add(place);
    if (this.#clicked !== undefined) touched.add(this.#clicked);
    const before = this.#touched;
    this.#touched = touched;
    for (const place of PLACES) {
      if (touched.has(place) !== before.has(place)) this.#controls.onTouch(place, touched.has(place));
    }
    const axis = (less: KeyCode, more: KeyCode): number =>
      (this.#keys.has(more) ? TILT : 0) - (this.#keys.has(less) ? TILT : 0);
    const x = this.#dragTilt?.[0] ?? axis('ArrowLeft', 'ArrowRight');
    const y = this.#dragTilt?.[1] ?? axis('ArrowDown', 'ArrowUp');
    this.#tilt = [x, y];
    const shaken = this.#keys.has('Space');
    if (shaken !== (this.#swing !== 0)) {
      this.#swing = shaken ? SWING : 0;
      this.#controls.onShake(shaken);
    }
    this.#controls.onTilt(x + this.#swing, y, -Math.sqrt(Math.max(0, 1 - x * x - y * y)));
  }
}

const clamp = (part: number): number => Math.max(-TILT, Math.min(TILT, part));
