import { describe, expect, it } from 'vitest';
import { Scheduler } from '../../../machines/backplane/scheduler.ts';
import { FakeBoard } from '../../support/fake-board.ts';

describe('Scheduler', () => {
  it('fires in time order, first come first served among equals, and unlinks before calling', () => {
    const fake = new FakeBoard();
    const fired: string[] = [];
    const a = fake.scheduler.task('a', () => fired.push('a'));
    const b = fake.scheduler.task('b', () => {
      fired.push('b');
      if (fired.length < 5) b.schedule(10);
    });
    const c = fake.scheduler.task('c', () => fired.push('c'));
    b.schedule(10);
    a.schedule(10);
    c.schedule(5);
    fake.advance(9);
    expect(fired).toEqual(['c']);
    fake.advance(1);
    expect(fired).toEqual(['c', 'b', 'a']);
    fake.advance(20);
    expect(fired).toEqual(['c', 'b', 'a', 'b', 'b']);
    expect(b.scheduled).toBe(false);
  });

  it('tells a task how late it is', () => {
    const scheduler = new Scheduler(1000);
    let late = -1;
    scheduler.task('t', (ticks) => (late = ticks)).schedule(3);
    scheduler.skip(10);
    scheduler.runDue();
    expect(late).toBe(7);
  });

  it('pulls the running slice in for an earlier task only', () => {
    const scheduler = new Scheduler(1000);
    const pulled: number[] = [];
    let elapsed = 5;
    scheduler.skip(100);
    scheduler.beginSlice({ elapsed: () => elapsed, pullIn: (ticks) => pulled.push(ticks) });
    const a = scheduler.task('a', () => {});
    a.schedule(10);
    scheduler.task('b', () => {}).schedule(20);
    elapsed = 8;
    scheduler.endSlice();
    expect([pulled, scheduler.now, a.remaining]).toEqual([[15], 108, 7]);
  });

  it('converts clock domains without drift', () => {
    const scheduler = new Scheduler(233_868_512);
    const via = scheduler.clock('via', 783_360);
    let ticks = 0;
    for (let i = 0; i < 1000; i++) {
      scheduler.skip(233_869 + (i % 3));
      ticks = via.ticks;
    }
    expect(ticks).toBe(Math.floor((scheduler.now / 233_868_512) * 783_360));
    for (const wanted of [1, 7, 783_360, 12_345_678]) {
      const before = via.ticks;
      scheduler.skip(via.masterTicks(wanted) - 1);
      expect(via.ticks - before).toBe(wanted - 1);
      scheduler.skip(1);
      expect(via.ticks - before).toBe(wanted);
    }
  });

  it('restores a task from what is left of it', () => {
    const scheduler = new Scheduler(1000);
    const task = scheduler.task('t', () => {});
    task.schedule(30);
    scheduler.skip(10);
    const left = task.remaining;
    scheduler.restore(scheduler.save());
    expect(task.remaining === left || !task.scheduled).toBe(true);
    task.restore(left);
    expect(task.remaining).toBe(20);
    expect(() => task.restore(-2)).toThrow(/task t/);
  });
});
