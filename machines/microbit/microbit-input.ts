// SPDX-License-Identifier: MIT
import type { KeyboardInput, KeyCode, PointerInput } from '../backplane/host.ts';
import { type ButtonView, MicrobitScreen } from './microbit-screen.ts';

/** How far an arrow key tilts the board: the sine of 45 degrees. */
const TILT = Math.SQRT1_2;

export interface BoardControls {
  /** A button's pin goes low while it is pressed. */
  readonly onButton: (button: 'a' | 'b', pressed: boolean) => void;
  /** Where gravity pulls, in g: x to the right of the board, y to its top, z out of its face. */
  readonly onTilt: (x: number, y: number, z: number) => void;
}

/**
 * Hands on a micro:bit: keys A and B (or a click on the picture) press its buttons, the arrow keys tilt it, Space shakes
 * it. With the right mouse button held, it tilts with the pointer.
 */
export class MicrobitInput implements KeyboardInput, PointerInput {
  readonly absolute = true;
  readonly #controls: BoardControls;
  readonly #keys = new Set<KeyCode>();
  #clicked: 'a' | 'b' | undefined;
  #pressed: ButtonView = { a: false, b: false };
  #dragTilt: readonly [number, number] | undefined;

  constructor(controls: BoardControls) {
    this.#controls = controls;
  }

  get pressed(): ButtonView {
    return this.#pressed;
  }

  key(code: KeyCode, down: boolean): void {
    if (down) this.#keys.add(code);
    else this.#keys.delete(code);
    this.#update();
  }

  /** Only {@link place} tells where on the board the pointer is. */
  move(_dx: number, _dy: number, _buttons: number): void {}

  place(x: number, y: number, buttons: number): void {
    this.#clicked = buttons & 1 ? MicrobitScreen.buttonAt(x, y) : undefined;
    this.#dragTilt = buttons & 2 ? [clamp(x * 2 - 1), clamp(1 - y * 2)] : undefined;
    this.#update();
  }

  reset(): void {
    this.#keys.clear();
    this.#clicked = this.#dragTilt = undefined;
    this.#update();
  }

  #update(): void {
    const pressed = {
      a: this.#keys.has('KeyA') || this.#clicked === 'a',
      b: this.#keys.has('KeyB') || this.#clicked === 'b',
    };
    for (const button of ['a', 'b'] as const) {
      if (pressed[button] !== this.#pressed[button]) this.#controls.onButton(button, pressed[button]);
    }
    this.#pressed = pressed;
    const axis = (less: KeyCode, more: KeyCode): number =>
      (this.#keys.has(more) ? TILT : 0) - (this.#keys.has(less) ? TILT : 0);
    const x = this.#dragTilt?.[0] ?? axis('ArrowLeft', 'ArrowRight');
    const y = this.#dragTilt?.[1] ?? axis('ArrowDown', 'ArrowUp');
    const shake = this.#keys.has('Space') ? 3 : 1;
    this.#controls.onTilt(x * shake, y * shake, -Math.sqrt(Math.max(0, 1 - x * x - y * y)) * shake);
  }
}

const clamp = (part: number): number => Math.max(-TILT, Math.min(TILT, part));
