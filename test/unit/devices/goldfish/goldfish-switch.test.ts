// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { GoldfishSwitch } from '../../../../machines/devices/goldfish/goldfish-switch.ts';
import { expectSnapshotLaw } from '../../../support/fake-board.ts';
import { GoldfishBench } from '../../../support/goldfish.ts';

const [NAME_LEN, NAME_PTR, FLAGS, STATE, INT_STATUS, INT_ENABLE] = [0, 4, 8, 0xc, 0x10, 0x14];

const setUp = (output: boolean, initial?: number) =>
  new GoldfishBench(
    (fake, memory) =>
      new GoldfishSwitch(fake.chip('switch'), {
        memory,
        name: 'test',
        output,
        ...(initial !== undefined && { initial }),
      }),
  );

describe('GoldfishSwitch', () => {
  it('tells its name and direction', () => {
    const { read, write, text } = setUp(true);
    write(NAME_PTR, 0x100);
    expect([read(NAME_LEN), text(0x100, 4), read(FLAGS)]).toEqual([4, 'test', 1]);
    expect(setUp(false).read(FLAGS)).toBe(0);
  });

  it('interrupts for a change until its status is read', () => {
    const { chip, read, write } = setUp(false, 1);
    expect(chip.irq.level).toBe(false);
    write(INT_ENABLE, 1);
    expect(chip.irq.level).toBe(true);
    expect([read(STATE), read(INT_STATUS), read(INT_STATUS)]).toEqual([1, 1, 0]);
    expect(chip.irq.level).toBe(false);
    chip.set(9);
    expect([chip.irq.level, read(STATE)]).toEqual([true, 9]);
  });

  it('keeps a change it may not tell of', () => {
    const { chip, read, write } = setUp(false);
    chip.set(3);
    expect(read(INT_STATUS)).toBe(0);
    write(INT_ENABLE, 1);
    expect(read(INT_STATUS)).toBe(1);
  });

  it('takes a state from the guest only as an output', () => {
    const output = setUp(true);
    output.write(STATE, 5);
    expect(output.read(STATE)).toBe(5);
    const input = setUp(false);
    input.write(STATE, 5);
    expect(input.read(STATE)).toBe(0);
    expect(input.fake.logged('guest')).toEqual(['write of 0x5 to the state of an input']);
  });

  it('obeys the snapshot law', () => {
    const bench = setUp(true, 1);
    bench.write(INT_ENABLE, 1);
    expectSnapshotLaw(bench.chip, bench.make);
    expect(bench.chip.irq.level).toBe(true);
  });

  it('survives random accesses', () => {
    setUp(true, 1).fuzz(22, 0x20);
  });
});
