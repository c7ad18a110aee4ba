// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { Log, type LogEntry } from '../../../../machines/backplane/log.ts';
import { GoldfishMemlog } from '../../../../machines/devices/goldfish/goldfish-memlog.ts';
import { expectSnapshotLaw } from '../../../support/fake-board.ts';
import { GoldfishBench } from '../../../support/goldfish.ts';

function setUp() {
  const entries: LogEntry[] = [];
  const log = new Log((entry) => entries.push(entry), ['trace', 'guest']);
  const bench = new GoldfishBench((fake) => new GoldfishMemlog({ ...fake.chip('memlog'), log: log.for('memlog') }));
  return { ...bench, bench, entries };
}

describe('GoldfishMemlog', () => {
  it('logs a record when its first word is written', () => {
    const { write, read, entries } = setUp();
    write(4, 0x1234);
    expect(entries).toEqual([]);
    write(0, 42);
    expect(entries).toMatchObject([{ mask: 'trace', message: 'process 0x2a, address 0x1234' }]);
    expect(read(0)).toBe(0);
  });

  it('logs writes to no register', () => {
    const { write, entries } = setUp();
    write(0x20, 1);
    expect(entries.map(({ mask }) => mask)).toEqual(['guest']);
  });

  it('obeys the snapshot law', () => {
    const { bench, chip, write } = setUp();
    write(4, 7);
    expectSnapshotLaw(chip, bench.make);
  });

  it('survives random accesses', () => {
    setUp().bench.fuzz(21, 0x24);
  });
});
