// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { STOP } from '../../../machines/backplane/cpu.ts';
import { MachineServer } from '../../../machines/backplane/machine-server.ts';
import { FakeMachine } from '../../support/fake-machine.ts';

/** A machine whose CPU never waits, on a host whose clock moves by hand. */
function running({ timeSlips }: { timeSlips?: true } = {}) {
  const machine = Object.assign(new FakeMachine(), { timeSlips });
  Object.assign(machine.board.cpu!, { run: () => STOP.budget });
  let ms = 0;
  const server = new MachineServer(machine, () => {}, { now: () => ms });
  server.handle('run', { seconds: 1000 }, () => {});
  return {
    /** The host was busy with something else. */
    away: (host: number) => {
      ms += host;
      for (let i = 0; i < 10; i++) server.tick();
    },
    seconds: () => machine.board.scheduler.now / machine.board.scheduler.masterHz,
  };
}

describe('MachineServer in real time', () => {
  it('lets time jump to catch up with a host that was away', () => {
    const { away, seconds } = running();
    away(5000);
    expect(seconds()).toBeCloseTo(5, 2);
    away(5000);
    expect(seconds()).toBeCloseTo(10, 2);
  });

  it('lets the time of a machine that cannot stand that stay behind', () => {
    const { away, seconds } = running({ timeSlips: true });
    away(5000);
    away(5000);
    expect(seconds()).toBeLessThan(0.01);
  });
});
