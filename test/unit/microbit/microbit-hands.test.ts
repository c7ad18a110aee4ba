// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { LedMatrix } from '../../../machines/devices/display/led-matrix.ts';
import { MicrobitInput } from '../../../machines/microbit/microbit-input.ts';
import { MicrobitScreen } from '../../../machines/microbit/microbit-screen.ts';
import { FakeBoard } from '../../support/fake-board.ts';

const WIDTH = 416;
const HEIGHT = 336;
const BUTTON_A = [60, 140] as const;
const PAD_0 = [44, 300] as const;
const FIRST_LED = [140, 72] as const;

function make() {
  const fake = new FakeBoard();
  const leds = new LedMatrix(fake.chip('leds'), { leds: Array.from({ length: 25 }, (_, i) => [0, i]), rows: 1, columns: 25, windowNs: 1_000_000 }); // prettier-ignore
  leds.reset('cold');
  leds.settle();
  const touches: string[] = [];
  const shakes: boolean[] = [];
  let tilt: number[] = [];
  const input = new MicrobitInput({
    onTouch: (place, touched) => touches.push(`${place}${touched ? '+' : '-'}`),
    onShake: (shaken) => shakes.push(shaken),
    onTilt: (...axes) => (tilt = axes.map((axis) => Math.round(axis * 100) / 100)),
  });
  const screen = new MicrobitScreen(leds, () => input.hands);
  const pixel = ([x, y]: readonly [number, number]): number[] => {
    const { rgba } = screen.picture();
    return [...rgba.subarray((y * WIDTH + x) * 4, (y * WIDTH + x) * 4 + 4)];
  };
  const place = ([x, y]: readonly [number, number], buttons: number): void =>
    input.place(x / WIDTH, y / HEIGHT, buttons);
  return { fake, leds, input, screen, touches, shakes, tilt: () => tilt, pixel, place };
}

describe('MicrobitInput', () => {
  it('presses what is clicked in the picture, until the mouse button goes up', () => {
    const { touches, place } = make();
    place(BUTTON_A, 1);
    place(BUTTON_A, 0);
    place([WIDTH - BUTTON_A[0], BUTTON_A[1]], 1);
    place(PAD_0, 1);
    place([208, 140], 1);
    expect(touches).toEqual(['a+', 'a-', 'b+', 'b-', '0+', '0-']);
  });

  it('clicks where the pointer was placed when only the buttons change', () => {
    const { input, touches, place } = make();
    place(BUTTON_A, 0);
    input.move(0, 0, 1);
    input.move(0, 0, 0);
    expect(touches).toEqual(['a+', 'a-']);
  });

  it('presses by keys, and once by key and click together', () => {
    const { input, touches, place } = make();
    input.key('KeyA', true);
    place(BUTTON_A, 1);
    input.key('KeyA', false);
    place(BUTTON_A, 0);
    input.key('Digit2', true);
    input.reset();
    expect(touches).toEqual(['a+', 'a-', '2+', '2-']);
  });

  it('tilts with the arrow keys, and with the pointer while the right button is held', () => {
    const { input, tilt, place } = make();
    input.key('ArrowRight', true);
    expect(tilt()).toEqual([0.71, 0, -0.71]);
    input.key('ArrowRight', false);
    expect(tilt()).toEqual([0, 0, -1]);
    place([WIDTH * 0.75, HEIGHT / 2], 2);
    expect(tilt()).toEqual([0.5, 0, -0.87]);
    place([0, 0], 2);
    expect(tilt()).toEqual([-0.71, 0.71, -0]);
    place([0, 0], 0);
    expect(tilt()).toEqual([0, 0, -1]);
  });

  it('shakes from side to side while Space is held', () => {
    const { input, tilt, shakes } = make();
    input.key('Space', true);
    expect(tilt()).toEqual([1.8, 0, -1]);
    input.swing();
    expect(tilt()).toEqual([-1.8, 0, -1]);
    input.swing();
    expect(tilt()).toEqual([1.8, 0, -1]);
    input.key('Space', false);
    expect([tilt(), shakes]).toEqual([
      [0, 0, -1],
      [true, false],
    ]);
  });
});

describe('MicrobitScreen', () => {
  it('draws an LED as bright as it is lit', () => {
    const { fake, leds, screen, pixel } = make();
    const dark = pixel(FIRST_LED);
    leds.rowW(0, true);
    leds.columnW(0, false);
    fake.advanceNs(3_000_000);
    expect(screen.text()).toEqual(['90000', '00000', '00000', '00000', '00000']);
    const bright = pixel(FIRST_LED);
    expect(bright[0]).toBeGreaterThan(dark[0]! + 100);
    expect(bright[3]).toBe(255);
  });

  it('shows hands, and tells when anything changed', () => {
    const { input, screen, pixel, place } = make();
    expect(screen.damage()).toHaveLength(1);
    expect(screen.damage()).toEqual([]);
    const before = [pixel(BUTTON_A), pixel([PAD_0[0], 296])];
    place(BUTTON_A, 1);
    expect(screen.damage()).toEqual([{ x: 0, y: 0, width: WIDTH, height: HEIGHT }]);
    input.key('Digit0', true);
    expect(screen.damage()).toHaveLength(1);
    expect(pixel(BUTTON_A)).not.toEqual(before[0]);
    expect(pixel([PAD_0[0], 296])).not.toEqual(before[1]);
    input.key('ArrowUp', true);
    expect(screen.damage()).toHaveLength(1);
  });
});
