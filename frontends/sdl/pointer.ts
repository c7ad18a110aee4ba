// SPDX-License-Identifier: MIT
import { SDL } from '../sdl2-gles/index.ts';

/** The machine's mouse: a {@link SpiceClient}. Buttons: bit 0 left, 1 right, 2 middle. */
export interface Mouse {
  pointer(dx: number, dy: number, buttons: number): void;
  place(x: number, y: number, buttons: number): void;
  wheel(notches: number): void;
}

/** The window the pointer is in. */
export interface PointerWindow {
  /** Keys and, with `relativeMouse`, the pointer are the machine's alone, or no longer. */
  grab(on: boolean, relativeMouse: boolean): void;
  /** The pixel of the machine's picture under a point of the window. */
  pixelUnder(x: number, y: number): { x: number; y: number } | undefined;
}

/** SDL's buttons as the machine has them. */
const BITS: Readonly<Record<number, number>> = {
  [SDL.BUTTON_LEFT]: 1,
  [SDL.BUTTON_RIGHT]: 2,
  [SDL.BUTTON_MIDDLE]: 4,
};

/**
 * Makes the user's pointer the machine's. A machine that is told where the pointer is gets that at once; one that is
 * told how far it has moved gets it after a click has given the mouse to it.
 */
export class Pointer {
  readonly #window: PointerWindow;
  readonly #mouse: () => Mouse | undefined;
  #absolute = false;
  #grabbed = false;
  #buttons = 0;
  #motion = { dx: 0, dy: 0 };
  #place: { x: number; y: number } | undefined;

  constructor(window: PointerWindow, mouse: () => Mouse | undefined) {
    this.#window = window;
    this.#mouse = mouse;
  }

  get absolute(): boolean {
    return this.#absolute;
  }

  set absolute(absolute: boolean) {
    if (absolute === this.#absolute) return;
    this.release();
    this.#absolute = absolute;
  }

  get grabbed(): boolean {
    return this.#grabbed;
  }

  moved(event: { x: number; y: number; dx: number; dy: number }): void {
    if (this.#absolute) this.#place = { x: event.x, y: event.y };
    else if (this.#grabbed) {
      this.#motion.dx += event.dx;
      this.#motion.dy += event.dy;
    }
  }

  button(event: { button: number; down: boolean; x: number; y: number }): void {
    if (!this.#absolute && !this.#grabbed) {
      if (event.down) this.grab(true);
      return;
    }
    const bit = BITS[event.button];
    const buttons = event.down ? this.#buttons | (bit ?? 0) : this.#buttons & ~(bit ?? 0);
    if (buttons === this.#buttons) return;
    if (this.#absolute) this.#place = { x: event.x, y: event.y };
    this.flush();
    this.#buttons = buttons;
    this.#mouse()?.pointer(0, 0, buttons);
  }

  /** Notches; positive is away from the user. */
  wheel(notches: number): void {
    if (notches !== 0 && (this.#absolute || this.#grabbed)) this.#mouse()?.wheel(notches);
  }

  /** Tells the machine of all motion since the last time. */
  flush(): void {
    const { dx, dy } = this.#motion;
    if (dx !== 0 || dy !== 0) {
      this.#motion = { dx: 0, dy: 0 };
      this.#mouse()?.pointer(dx, dy, this.#buttons);
    }
    if (this.#place !== undefined) {
      const pixel = this.#window.pixelUnder(this.#place.x, this.#place.y);
      this.#place = undefined;
      if (pixel !== undefined) this.#mouse()?.place(pixel.x, pixel.y, this.#buttons);
    }
  }

  /** Gives keyboard and mouse to the machine alone, or back. */
  grab(on: boolean): void {
    if (on === this.#grabbed || (on && this.#mouse() === undefined)) return;
    this.#grabbed = on;
    this.#window.grab(on, !this.#absolute);
    if (!on) this.#letGo();
  }

  /** Nothing is the machine's any more. */
  release(): void {
    this.grab(false);
    this.#letGo();
  }

  #letGo(): void {
    this.#motion = { dx: 0, dy: 0 };
    this.#place = undefined;
    if (this.#buttons === 0) return;
    this.#buttons = 0;
    this.#mouse()?.pointer(0, 0, 0);
  }
}
