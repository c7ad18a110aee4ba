import { describe, expect, it } from 'vitest';
import { defaultConfig } from '../../frontends/cli/machine-options.ts';
import { NodeMachineHost } from '../../frontends/host/node-machine-host.ts';
import type { Width } from '../../machines/backplane/bus.ts';
import type { Machine } from '../../machines/backplane/machine.ts';
import { MACHINES } from '../../machines/registry.ts';
import { random } from '../support/random.ts';

/** Accesses to all devices of a machine together: a sample here, a million in `npm run test:all`. */
const ACCESSES = process.env['EMERITUS_TEST_ALL'] === undefined ? 100_000 : 1_000_000;

/** Lets virtual time pass without a CPU; a task due in the past or a rush of tasks fails. */
function pass(machine: Machine, ticks: number): void {
  const { scheduler } = machine.board;
  const end = scheduler.now + ticks;
  for (let rounds = 0; scheduler.now < end; rounds++) {
    expect(rounds, `tasks rush: ${JSON.stringify(scheduler.pending().slice(0, 5))}`).toBeLessThan(100_000);
    scheduler.runDue();
    expect(scheduler.headroom).toBeGreaterThan(0);
    scheduler.skip(Math.min(scheduler.headroom, end - scheduler.now));
  }
}

describe.each(MACHINES.map((definition) => [definition.name, definition] as const))('%s', (_name, definition) => {
  it(`survives ${ACCESSES} random accesses to its devices`, { timeout: 1_200_000 }, () => {
    const machine = definition.build(new NodeMachineHost({ startSeconds: 0 }), defaultConfig(definition));
    machine.start('cold');
    const map = machine.board.maps[0]!;
    const next = random(1);
    const pick = (below: number): number => Math.floor(next() * below);
    let devices = map.flat.filter(({ target }) => target.kind !== 'ram');
    map.onChange(() => (devices = map.flat.filter(({ target }) => target.kind !== 'ram')));
    for (let i = 0; i < ACCESSES; i++) {
      const { first, last } = devices[pick(devices.length)]!;
      const pa = first + pick(Math.min(last - first + 1, i % 3 === 0 ? 0x1_0000_0000 : 0x4000));
      const width = ([1, 2, 4] as const)[pick(3)] as Width;
      if (pick(2) === 0) {
        const value = map.read(pa, width);
        const valid = Number.isInteger(value) && value >= 0 && value < 2 ** (8 * width);
        if (!valid) expect.fail(`read of ${width} bytes at ${pa.toString(16)} gave ${value}`);
      } else {
        map.write(pa, width, pick(4) === 0 ? 0 : pick(2 ** (8 * width)));
      }
      if (i % 64 === 0) pass(machine, pick(50_000));
    }
    // Nothing is wedged: devices still reset, settle, save and restore.
    machine.start('warm');
    machine.board.restore(structuredClone(machine.board.save()));
    pass(machine, machine.board.scheduler.masterHz);
  });
});
