// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { NextColorControl } from '../../../../machines/devices/next/next-color-control.ts';
import { fuzzTargets } from '../../../support/bus-fuzz.ts';
import { expectSnapshotLaw, FakeBoard } from '../../../support/fake-board.ts';

const CLEAR = 0x01;
const ENABLE = 0x02;
const UNBLANK = 0x04;

function make() {
  const fake = new FakeBoard();
  const control = new NextColorControl(fake.chip('color'));
  control.reset('cold');
  control.settle();
  return { fake, control, write: (value: number): void => control.write(0, 1, value) };
}

describe('NextColorControl', () => {
  it('interrupts at the next retrace after it was enabled, once', () => {
    const { control, write } = make();
    control.frame();
    expect(control.irq.level).toBe(false);
    write(ENABLE | UNBLANK);
    expect(control.irq.level).toBe(false);
    control.frame();
    expect(control.irq.level).toBe(true);
    expect(control.read(0, 1)).toBe(UNBLANK);
    write(CLEAR | UNBLANK);
    expect(control.irq.level).toBe(false);
    control.frame();
    expect(control.irq.level).toBe(false);
  });

  it('goes on interrupting until it is cleared', () => {
    const { control, write } = make();
    write(ENABLE);
    control.frame();
    write(ENABLE);
    expect(control.irq.level).toBe(true);
    write(CLEAR | ENABLE);
    expect(control.irq.level).toBe(false);
    control.frame();
    expect(control.irq.level).toBe(true);
  });

  it('is silent after a reset', () => {
    const { control, write } = make();
    write(ENABLE);
    control.frame();
    control.reset('warm');
    control.settle();
    expect([control.irq.level, control.peek()]).toEqual([false, 0]);
  });

  it('obeys the snapshot law', () => {
    const { control, write } = make();
    write(ENABLE | UNBLANK);
    control.frame();
    write(ENABLE | UNBLANK);
    expectSnapshotLaw(control, () => make().control);
    const other = make().control;
    other.restore(control.save());
    other.settle();
    expect(other.irq.level).toBe(true);
  });

  it('survives random accesses', () => {
    const { fake, control } = make();
    fuzzTargets(fake, [control], { seed: 20, between: (below) => void (below(3) === 0 && control.frame()) });
  });
});
