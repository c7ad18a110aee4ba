// SPDX-License-Identifier: MIT
//
// The front of a micro:bit as a picture: 25 LEDs between two buttons that can be clicked.
import type { Picture, Screen, ScreenRect } from '../backplane/host.ts';
import type { LedMatrix } from '../devices/display/led-matrix.ts';

const WIDTH = 320;
const HEIGHT = 256;
const BOARD = [24, 32, 40] as const;
const OFF = [60, 22, 24] as const;
const ON = [255, 60, 50] as const;
const BUTTON = [16, 16, 16] as const;
const PRESSED = [200, 170, 60] as const;
const RING = [150, 150, 150] as const;
const EDGE = [200, 160, 70] as const;
const LED = { left: 90, top: 40, step: 30, width: 14, height: 22 } as const;
const BUTTON_RADIUS = 18;
const BUTTONS = { a: { x: 40, y: 112 }, b: { x: 280, y: 112 } } as const;
const EDGE_TOP = 220;

type Color = readonly [number, number, number];

/** What can be seen of the buttons. */
export interface ButtonView {
  readonly a: boolean;
  readonly b: boolean;
}

export class MicrobitScreen implements Screen {
  readonly #leds: LedMatrix;
  readonly #buttons: () => ButtonView;
  #seenChanges = -1;
  #seenButtons = '';

  /** @param leds 25 LEDs, row by row from the top left. */
  constructor(leds: LedMatrix, buttons: () => ButtonView) {
    this.#leds = leds;
    this.#buttons = buttons;
  }

  picture(): Picture {
    const rgba = new Uint8Array(WIDTH * HEIGHT * 4);
    fill(rgba, 0, 0, WIDTH, HEIGHT, BOARD);
    for (let x = 8; x < WIDTH - 8; x += 12) fill(rgba, x, EDGE_TOP, 8, HEIGHT - EDGE_TOP, EDGE);
    const { a, b } = this.#buttons();
    drawButton(rgba, BUTTONS.a, a);
    drawButton(rgba, BUTTONS.b, b);
    const { levels } = this.#leds;
    for (let i = 0; i < 25; i++) {
      const x = LED.left + (i % 5) * LED.step;
      const y = LED.top + Math.floor(i / 5) * LED.step;
      fill(rgba, x, y, LED.width, LED.height, mix(OFF, ON, Math.sqrt(levels[i]! / 255)));
    }
    return { width: WIDTH, height: HEIGHT, rgba };
  }

  damage(): readonly ScreenRect[] {
    const { a, b } = this.#buttons();
    const buttons = `${a} ${b}`;
    if (this.#leds.changes === this.#seenChanges && buttons === this.#seenButtons) return [];
    this.#seenChanges = this.#leds.changes;
    this.#seenButtons = buttons;
    return [{ x: 0, y: 0, width: WIDTH, height: HEIGHT }];
  }

  /** Five rows of five brightnesses, 0 to 9 as MicroPython counts them. */
  text(): string[] {
    const { levels } = this.#leds;
    return [0, 1, 2, 3, 4].map((y) => [0, 1, 2, 3, 4].map((x) => Math.round((levels[y * 5 + x]! * 9) / 255)).join(''));
  }

  /** Which button is at a place given in parts of the picture's width and height. */
  static buttonAt(x: number, y: number): 'a' | 'b' | undefined {
    const hit = (button: { x: number; y: number }): boolean =>
      Math.hypot(x * WIDTH - button.x, y * HEIGHT - button.y) <= BUTTON_RADIUS + 4;
    return hit(BUTTONS.a) ? 'a' : hit(BUTTONS.b) ? 'b' : undefined;
  }
}

function drawButton(rgba: Uint8Array, { x, y }: { x: number; y: number }, pressed: boolean): void {
  fill(rgba, x - BUTTON_RADIUS - 5, y - BUTTON_RADIUS - 5, 2 * BUTTON_RADIUS + 10, 2 * BUTTON_RADIUS + 10, RING);
  for (let dy = -BUTTON_RADIUS; dy <= BUTTON_RADIUS; dy++) {
    const half = Math.floor(Math.sqrt(BUTTON_RADIUS ** 2 - dy ** 2));
    fill(rgba, x - half, y + dy, 2 * half + 1, 1, pressed ? PRESSED : BUTTON);
  }
}

function fill(rgba: Uint8Array, x: number, y: number, width: number, height: number, [r, g, b]: Color): void {
  for (let row = y; row < y + height; row++) {
    for (let at = (row * WIDTH + x) * 4; at < (row * WIDTH + x + width) * 4; at += 4) {
      rgba[at] = r;
      rgba[at + 1] = g;
      rgba[at + 2] = b;
      rgba[at + 3] = 255;
    }
  }
}

const mix = (from: Color, to: Color, part: number): Color => [
  from[0] + (to[0] - from[0]) * part,
  from[1] + (to[1] - from[1]) * part,
  from[2] + (to[2] - from[2]) * part,
];
