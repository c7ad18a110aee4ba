// SPDX-License-Identifier: MIT
//
// The front of a micro:bit as a picture: 25 LEDs between two buttons, and the edge connector, all of which can be clicked.
import type { Picture, Screen, ScreenRect } from '../backplane/host.ts';
import type { LedMatrix } from '../devices/display/led-matrix.ts';
import { Canvas, type Color } from './canvas.ts';

const WIDTH = 416;
const HEIGHT = 336;
const MIDDLE = WIDTH / 2;

const TABLE: Color = [226, 230, 234];
const SHADOW: Color = [186, 192, 198];
const BOARD: Color = [27, 29, 33];
const ACCENT: Color = [0, 160, 160];
const LABEL: Color = [238, 240, 242];
const GOLD: Color = [214, 172, 84];
const STEEL: Color = [196, 200, 204];
const STEEL_DARK: Color = [150, 155, 160];
const CAP: Color = [22, 22, 24];
const CAP_PRESSED: Color = [224, 96, 32];
const TOUCHED: Color = [255, 236, 170];
const LED_OFF: Color = [92, 60, 62];
const LED_ON: Color = [255, 62, 44];
const LED_CORE: Color = [255, 214, 190];

const LED = { left: MIDDLE - 68, top: 72, step: 34, width: 9, height: 17, glow: 15 } as const;
const BUTTON_Y = 140;
const BUTTON_SIZE = 54;
const BUTTON_RADIUS = 17;
const BUTTONS = { a: 60, b: WIDTH - 60 } as const;
const EDGE_TOP = 272;
const EDGE_BOTTOM = HEIGHT - 8;
/** Middles of the five broad pads. The last two are power. */
const PADS = [44, 126, MIDDLE, 290, 372] as const;
const PAD_LABELS = ['0', '1', '2', '3V', 'GND'] as const;
const PAD_WIDTH = 40;
const HOLE = { y: 296, radius: 12 } as const;
const STRIP_STEP = 8;
/** Where a ball shows how the board is tilted. */
const LEVEL = { x: MIDDLE, y: 36, radius: 15 } as const;

/** What the picture shows of hands on the board. */
export interface Hands {
  /** Buttons pressed, and pads that a finger connects to GND. */
  readonly touched: ReadonlySet<Place>;
  /** Where gravity pulls, in the plane of the board; parts of 1 g. */
  readonly tilt: readonly [x: number, y: number];
}

/** What can be touched in the picture. */
export type Place = 'a' | 'b' | 0 | 1 | 2;

export class MicrobitScreen implements Screen {
  readonly #leds: LedMatrix;
  readonly #hands: () => Hands;
  readonly #bare = bareBoard();
  #seenChanges = -1;
  #seenHands = '';

  /** @param leds 25 LEDs, row by row from the top left. */
  constructor(leds: LedMatrix, hands: () => Hands) {
    this.#leds = leds;
    this.#hands = hands;
  }

  picture(): Picture {
    const canvas = this.#bare.copy();
    const { touched, tilt } = this.#hands();
    for (const place of touched) {
      if (typeof place === 'number') canvas.disc(PADS[place], HOLE.y, HOLE.radius - 2, TOUCHED);
      else canvas.disc(BUTTONS[place], BUTTON_Y, BUTTON_RADIUS - 2, CAP_PRESSED);
    }
    const reach = LEVEL.radius - 6;
    canvas.disc(LEVEL.x + tilt[0] * reach, LEVEL.y - tilt[1] * reach, 5, ACCENT);
    this.#leds.levels.forEach((level, i) => {
      drawLed(canvas, LED.left + (i % 5) * LED.step, LED.top + Math.floor(i / 5) * LED.step, level);
    });
    return { width: WIDTH, height: HEIGHT, rgba: canvas.rgba };
  }

  damage(): readonly ScreenRect[] {
    const { touched, tilt } = this.#hands();
    const hands = `${[...touched].join(' ')}, ${tilt.join(' ')}`;
    if (this.#leds.changes === this.#seenChanges && hands === this.#seenHands) return [];
    this.#seenChanges = this.#leds.changes;
    this.#seenHands = hands;
    return [{ x: 0, y: 0, width: WIDTH, height: HEIGHT }];
  }

  /** Five rows of five brightnesses, 0 to 9 as MicroPython counts them. */
  text(): string[] {
    const { levels } = this.#leds;
    return [0, 1, 2, 3, 4].map((y) => [0, 1, 2, 3, 4].map((x) => brightness(levels[y * 5 + x]!)).join(''));
  }

  /** What is at a place given in parts of the picture's width and height. */
  static placeAt(x: number, y: number): Place | undefined {
    const px = x * WIDTH;
    const py = y * HEIGHT;
    for (const button of ['a', 'b'] as const) {
      if (Math.max(Math.abs(px - BUTTONS[button]), Math.abs(py - BUTTON_Y)) <= BUTTON_SIZE / 2) return button;
    }
    if (py < EDGE_TOP) return undefined;
    return ([0, 1, 2] as const).find((pad) => Math.abs(px - PADS[pad]) <= PAD_WIDTH / 2);
  }
}

/** Each step is twice as long lit as the one below. */
function brightness(level: number): number {
  return level === 0 ? 0 : Math.max(1, Math.round(9 + Math.log2(level / 255)));
}

/** A red LED behind its lens, with the light it throws on the board. */
function drawLed(canvas: Canvas, x: number, y: number, level: number): void {
  // What the eye makes of it: a tenth of the light is a third as bright.
  const bright = (level / 255) ** 0.45;
  if (bright > 0) {
    const reach = LED.glow + LED.height / 2;
    canvas.shade(x - reach, y - reach, x + reach, y + reach, LED_ON, (px, py) => {
      const dx = Math.max(0, Math.abs(px - x) - LED.width / 2);
      const dy = Math.max(0, Math.abs(py - y) - LED.height / 2);
      return 0.55 * bright * Math.max(0, 1 - Math.hypot(dx, dy) / LED.glow) ** 2;
    });
  }
  canvas.box(x, y, LED.width, LED.height, 2, mix(LED_OFF, LED_ON, bright));
  if (bright > 0)
    canvas.box(x, y, LED.width - 4, LED.height - 5, 2, mix(mix(LED_OFF, LED_ON, bright), LED_CORE, bright));
}

/** All that does not change. */
function bareBoard(): Canvas {
  const canvas = new Canvas(WIDTH, HEIGHT);
  canvas.box(MIDDLE, HEIGHT / 2, WIDTH, HEIGHT, 0, TABLE);
  canvas.box(MIDDLE + 2, HEIGHT / 2 + 3, WIDTH - 16, HEIGHT - 16, 18, SHADOW);
  canvas.box(MIDDLE, HEIGHT / 2, WIDTH - 16, HEIGHT - 16, 18, BOARD);
  for (const side of [-1, 1]) {
    for (let i = 0; i < 3; i++) {
      const x = MIDDLE + side * (60 + i * 34);
      canvas.line(x, 26, x + side * 22, 48, 6, ACCENT);
    }
  }
  canvas.disc(LEVEL.x, LEVEL.y, LEVEL.radius, STEEL_DARK);
  canvas.disc(LEVEL.x, LEVEL.y, LEVEL.radius - 1.5, BOARD);
  for (const [name, x] of Object.entries(BUTTONS)) {
    canvas.box(x, BUTTON_Y, BUTTON_SIZE, BUTTON_SIZE, 5, STEEL_DARK);
    canvas.box(x, BUTTON_Y - 1, BUTTON_SIZE - 3, BUTTON_SIZE - 3, 5, STEEL);
    for (const [dx, dy] of [
      [-1, -1],
      [1, -1],
      [-1, 1],
      [1, 1],
    ] as const) {
      canvas.disc(x + dx * 20, BUTTON_Y + dy * 20, 3, STEEL_DARK);
    }
    canvas.disc(x, BUTTON_Y, BUTTON_RADIUS + 1.5, STEEL_DARK);
    canvas.disc(x, BUTTON_Y, BUTTON_RADIUS, CAP);
    canvas.text(x, BUTTON_Y - 46, 18, name.toUpperCase(), LABEL);
  }
  for (let i = 1; i < PADS.length; i++) {
    for (let n = -1.5; n <= 1.5; n++) {
      const x = (PADS[i - 1]! + PADS[i]!) / 2 + n * STRIP_STEP;
      canvas.box(x, (EDGE_TOP + 20 + EDGE_BOTTOM) / 2, 5, EDGE_BOTTOM - EDGE_TOP - 20, 0, GOLD);
    }
  }
  PADS.forEach((x, i) => {
    canvas.box(x, (EDGE_TOP + EDGE_BOTTOM) / 2, PAD_WIDTH, EDGE_BOTTOM - EDGE_TOP, 4, GOLD);
    canvas.disc(x, HOLE.y, HOLE.radius + 4, GOLD);
    canvas.disc(x, HOLE.y, HOLE.radius, TABLE);
    canvas.text(x, EDGE_TOP - 15, 13, PAD_LABELS[i]!, LABEL);
  });
  return canvas;
}

const mix = (from: Color, to: Color, part: number): Color => [
  from[0] + (to[0] - from[0]) * part,
  from[1] + (to[1] - from[1]) * part,
  from[2] + (to[2] - from[2]) * part,
];
