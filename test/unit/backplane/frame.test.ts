// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { LocalChannel, MachineSession } from '../../../machines/backplane/session.ts';
import type { Frame } from '../../../machines/backplane/session-protocol.ts';
import { FakeMachine } from '../../support/fake-machine.ts';

/** Whether a promise is settled by now. */
const settled = async (promise: Promise<unknown>): Promise<boolean> => {
  const pending = Symbol();
  return (await Promise.race([promise, Promise.resolve(pending)])) !== pending;
};

describe('MachineSession.frame', () => {
  it('tells everything at once when asked for the whole screen', async () => {
    const machine = new FakeMachine();
    machine.show({});
    const session = new MachineSession(new LocalChannel(machine));
    const frame = await session.frame(true);
    expect(frame.mode).toMatchObject({ width: 64, height: 48, bpp: 32 });
    expect(frame.rects).toEqual([{ x: 0, y: 0, width: 64, height: 48 }]);
    const memory = await session.memory();
    expect(memory).toBe(machine.board.memory.memory.buffer);
  });

  it('is silent while nothing changes, then tells what did', async () => {
    const machine = new FakeMachine();
    machine.show({});
    const session = new MachineSession(new LocalChannel(machine));
    await session.frame(true);
    const next = session.frame(false);
    await session.runFor(1);
    expect(await settled(next)).toBe(false);
    machine.paint(3, 2, 0x55);
    await session.runFor(0.01);
    expect((await next).rects).toEqual([{ x: 0, y: 3, width: 64, height: 2 }]);
  });

  it('tells when the screen goes dark and when it is lit again', async () => {
    const machine = new FakeMachine();
    machine.show({});
    const session = new MachineSession(new LocalChannel(machine));
    await session.frame(true);
    machine.show(undefined);
    expect(await session.frame(false)).toEqual({ rects: [], leds: 0, absolute: false } satisfies Frame);
    machine.show({ width: 32 });
    expect((await session.frame(false)).mode?.width).toBe(32);
  });

  it('tells of LEDs', async () => {
    const machine = new FakeMachine();
    const session = new MachineSession(new LocalChannel(machine));
    await session.frame(true);
    machine.keyboard.leds = 2;
    expect((await session.frame(false)).leds).toBe(2);
  });

  it('serves one who waits, and ends the wait when the machine ends', async () => {
    const session = new MachineSession(new LocalChannel(new FakeMachine()));
    await session.frame(true);
    const waiting = session.frame(false);
    await expect(session.frame(false)).rejects.toThrow('already');
    await session.close();
    await expect(waiting).rejects.toThrow('ended');
  });
});
