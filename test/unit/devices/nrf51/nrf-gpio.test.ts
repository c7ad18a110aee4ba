// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { NrfGpio } from '../../../../machines/devices/nrf51/nrf-gpio.ts';
import { expectSnapshotLaw, FakeBoard } from '../../../support/fake-board.ts';
import { NrfBench, set, values } from '../../../support/nrf51.ts';

const OUT = 0x504;
const OUTSET = 0x508;
const OUTCLR = 0x50c;
const IN = 0x510;
const DIR = 0x514;
const DIRSET = 0x518;
const DIRCLR = 0x51c;
const PIN_CNF = 0x700;
const OUTPUT = 1;
const DISCONNECTED = 2;
const PULL_DOWN = 1 << 2;
const PULL_UP = 3 << 2;
const SENSE_HIGH = 2 << 16;
const SENSE_LOW = 3 << 16;

function make(boardPullUps: number[] = []) {
  const fake = new FakeBoard();
  const gpio = new NrfGpio(fake.chip('gpio'), { boardPullUps });
  gpio.reset('cold');
  gpio.settle();
  const changes: string[] = [];
  gpio.onLevel((pin, level) => changes.push(`${pin}${level ? '+' : '-'}`));
  return { fake, gpio, changes, configure: (pin: number, value: number) => set(gpio, [PIN_CNF + pin * 4, value]) };
}

describe('NrfGpio', () => {
  it('has its reset values: inputs that nobody listens to', () => {
    const { gpio } = make();
    expect(values(gpio, OUT, IN, DIR, PIN_CNF, PIN_CNF + 31 * 4)).toEqual([0, 0, 0, DISCONNECTED, DISCONNECTED]);
  });

  it('drives outputs, set and cleared bit by bit', () => {
    const { gpio, changes } = make();
    set(gpio, [OUT, 0x8000_0001], [DIRSET, 0x8000_0003]);
    expect(changes).toEqual(['0+', '31+']);
    set(gpio, [OUTSET, 2], [OUTCLR, 1]);
    expect(changes.slice(2)).toEqual(['1+', '0-']);
    expect(values(gpio, OUT, OUTSET, OUTCLR, DIR)).toEqual([0x8000_0002, 0x8000_0002, 0x8000_0002, 0x8000_0003]);
    set(gpio, [DIRCLR, 2]);
    expect(values(gpio, DIR, PIN_CNF, PIN_CNF + 4)).toEqual([0x8000_0001, OUTPUT | DISCONNECTED, DISCONNECTED]);
    set(gpio, [DIR, 4]);
    expect(values(gpio, DIRSET, DIRCLR)).toEqual([4, 4]);
  });

  it('reads what the outside drives, on pins that are connected', () => {
    const { gpio, configure } = make();
    gpio.pinW(5, true);
    gpio.pinW(6, true);
    configure(5, 0);
    expect(gpio.read(IN, 4)).toBe(0x20);
    gpio.pinW(5, false);
    expect(gpio.read(IN, 4)).toBe(0);
  });

  it('pulls what nobody drives, against weaker resistors of the board', () => {
    const { gpio, configure } = make([7, 8]);
    for (const pin of [5, 6, 7]) configure(pin, 0);
    configure(6, PULL_UP);
    configure(8, PULL_DOWN);
    expect(gpio.read(IN, 4)).toBe(0xc0);
    gpio.pinW(6, false);
    expect(gpio.read(IN, 4)).toBe(0x80);
    gpio.pinW(6, undefined);
    expect(gpio.read(IN, 4)).toBe(0xc0);
  });

  it('takes volts for a level when it is surely high or low, and keeps the level between', () => {
    const { gpio, configure } = make();
    configure(5, 0);
    const level = (volts: number): number => {
      gpio.voltsW(5, volts);
      return gpio.read(IN, 4) >>> 5;
    };
    expect([1.6, 2.4, 1.6, 0.9, 1.6].map(level)).toEqual([0, 1, 1, 0, 0]);
    expect(gpio.volts(5)).toBe(1.6);
    set(gpio, [DIRSET, 0x20], [OUTSET, 0x20]);
    expect(gpio.volts(5)).toBe(3.3);
  });

  it('senses levels on any pin', () => {
    const { fake, gpio, configure } = make();
    const detect = fake.watch(gpio.detect);
    configure(3, SENSE_HIGH);
    expect(detect).toEqual([]);
    gpio.pinW(3, true);
    gpio.pinW(3, false);
    configure(4, SENSE_LOW | PULL_UP);
    gpio.pinW(4, false);
    expect(detect).toEqual([true, false, true]);
  });

  it('gives an output to a peripheral and takes it back', () => {
    const { gpio, changes } = make();
    set(gpio, [DIRSET, 1]);
    gpio.take(0, true);
    set(gpio, [OUTSET, 1]);
    gpio.take(0, false);
    gpio.take(0, undefined);
    expect(changes).toEqual(['0+', '0-', '0+']);
  });

  it('survives random accesses', () => {
    const bench = new NrfBench();
    bench.fuzz(bench.gpio, 50);
    expectSnapshotLaw(bench.gpio, () => new NrfGpio(new FakeBoard().chip('gpio')));
  });
});
