// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { type PlainFields, SnapshotError } from '../../../machines/backplane/device.ts';
import { Runner } from '../../../machines/backplane/runner.ts';
import { LocalChannel, MachineSession } from '../../../machines/backplane/session.ts';
import { decodePlain, encodePlain } from '../../../machines/backplane/plain-codec.ts';
import { FakeMachine } from '../../support/fake-machine.ts';

/** A device whose line is a level, or one whose line is a pulse, asks for the power to be switched off. */
const switchOff = {
  level: (machine: FakeMachine) => machine.powerOff.set(true),
  pulse: (machine: FakeMachine) => {
    machine.powerOff.set(true);
    machine.powerOff.set(false);
  },
} as const;

describe('Runner', () => {
  it('is off from the request on until it is started again', () => {
    const machine = new FakeMachine();
    const runner = new Runner(machine);
    runner.start('cold');
    expect(runner.slice(1000)).toBe('idle');
    switchOff.pulse(machine);
    expect(runner.slice(1000)).toBe('off');
    expect(runner.slice(1000)).toBe('off');
    runner.start('cold');
    expect(runner.slice(1000)).toBe('idle');
  });

  it('says once that a reset was asked for', () => {
    const machine = new FakeMachine();
    const runner = new Runner(machine);
    runner.start('cold');
    machine.resetRequest.set(true);
    machine.resetRequest.set(false);
    expect(runner.slice(1000)).toBe('reset');
    expect(runner.slice(1000)).toBe('idle');
  });

  it('is on again after an earlier state is restored', () => {
    const machine = new FakeMachine();
    const runner = new Runner(machine);
    runner.start('cold');
    const earlier = runner.save();
    switchOff.pulse(machine);
    expect(runner.slice(1000)).toBe('off');
    runner.restore(earlier);
    expect(runner.slice(1000)).toBe('idle');
  });

  it('is off after the state of a machine that is off is restored', () => {
    const machine = new FakeMachine();
    const runner = new Runner(machine);
    runner.start('cold');
    switchOff.pulse(machine);
    const off = runner.save();
    const other = new Runner(new FakeMachine());
    other.start('cold');
    other.restore(off);
    expect(other.slice(1000)).toBe('off');
  });

  it('keeps a reset that was asked for but not done', () => {
    const machine = new FakeMachine();
    const runner = new Runner(machine);
    runner.start('cold');
    machine.resetRequest.set(true);
    machine.resetRequest.set(false);
    const other = new Runner(new FakeMachine());
    other.start('cold');
    other.restore(runner.save());
    expect(other.slice(1000)).toBe('reset');
    expect(other.slice(1000)).toBe('idle');
  });

  it('takes a snapshot without the two fields for one of a machine that is on, and refuses nonsense in them', () => {
    const runner = new Runner(new FakeMachine());
    runner.start('cold');
    const { off, resetPending, ...fields } = decodePlain(runner.save()) as Record<string, never>;
    expect([off, resetPending]).toEqual([false, false]);
    runner.restore(encodePlain(fields));
    expect(runner.slice(1000)).toBe('idle');
    expect(() => runner.restore(encodePlain({ ...fields, off: 1 }))).toThrow(/damaged snapshot/);
  });

  it('leaves all memory as it was when a snapshot has another amount of one', () => {
    const withSecond = (bytes: number): { machine: FakeMachine; runner: Runner } => {
      const machine = new FakeMachine();
      machine.board.memory.allocate('second', bytes);
      const runner = new Runner(machine);
      runner.start('cold');
      return { machine, runner };
    };
    const { machine, runner } = withSecond(0x1_0000);
    machine.video.bytes.fill(0x5a);
    expect(() => runner.restore(withSecond(0x2_0000).runner.save())).toThrow(/"second" has 65536 bytes, not 131072/);
    expect(machine.video.bytes.every((byte) => byte === 0x5a)).toBe(true);
  });

  it('is as it was when a snapshot turns out to be damaged after its memory was put back', () => {
    const machine = new FakeMachine();
    const runner = new Runner(machine);
    runner.start('cold');
    machine.video.bytes.fill(0x5a);
    const before = runner.save();
    const body = decodePlain(before) as PlainFields;
    runner.slice(1000);
    const now = runner.save();
    const memory = (decodePlain(new Runner(new FakeMachine()).save()) as PlainFields)['memory']!;
    expect(() => runner.restore(encodePlain({ ...body, scheduler: {}, memory }))).toThrow(SnapshotError);
    expect(machine.video.bytes.every((byte) => byte === 0x5a)).toBe(true);
    expect(runner.save()).toEqual(now);
  });
});

describe('MachineSession', () => {
  it.each(['level', 'pulse'] as const)('goes on from a snapshot after it was switched off by a %s', async (how) => {
    const machine = new FakeMachine();
    const session = new MachineSession(new LocalChannel(machine));
    const earlier = await session.save();
    switchOff[how](machine);
    expect((await session.runFor(0.1)).reason).toBe('off');
    machine.powerOff.set(false); // as the device's settle() does
    await session.restore(earlier);
    expect((await session.runFor(0.1)).reason).toBe('time');
  });

  it('types after a restore in the middle of typing', async () => {
    const machine = new FakeMachine();
    const session = new MachineSession(new LocalChannel(machine));
    const earlier = await session.save();
    await session.type('abc');
    await session.runFor(0.01);
    await session.restore(earlier);
    machine.keys.length = 0;
    await session.type('z');
    await session.runFor(1);
    expect(machine.keys).toEqual(['+KeyZ', '-KeyZ']);
  });
});
