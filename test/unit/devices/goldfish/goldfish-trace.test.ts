// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { Log, type LogEntry } from '../../../../machines/backplane/log.ts';
import { GoldfishTrace } from '../../../../machines/devices/goldfish/goldfish-trace.ts';
import { expectSnapshotLaw } from '../../../support/fake-board.ts';
import { GoldfishBench } from '../../../support/goldfish.ts';

const [VMSTART, VMEND, OFFSET, CMDLINE, CMDLINE_LEN, MMAP_EXEPATH] = [3, 4, 5, 8, 9, 10];
const [PRINT_STR, PRINT_NUM_DEC, PRINT_NUM_HEX, STOP_EMU, ENABLE, METHOD_ENTRY] = [60, 61, 62, 90, 100, 1024];

function setUp() {
  const entries: LogEntry[] = [];
  const log = new Log((entry) => entries.push(entry), ['trace', 'info', 'guest', 'unimp']);
  const bench = new GoldfishBench(
    (fake, memory) => new GoldfishTrace({ ...fake.chip('trace'), log: log.for('trace') }, { memory }),
  );
  const messages = (): string[] => entries.map(({ mask, message }) => `${mask}: ${message}`);
  return {
    bench,
    chip: bench.chip,
    messages,
    put: bench.put,
    reg: (n: number, value: number) => bench.write(n * 4, value),
  };
}

describe('GoldfishTrace', () => {
  it('logs processes and what they map', () => {
    const { reg, put, messages } = setUp();
    put(0xffe, '/bin/sh\0');
    put(0x200, 'ls\0-l\0\0');
    reg(0, 12);
    reg(VMSTART, 0x8000);
    reg(VMEND, 0x9000);
    reg(OFFSET, 0x1000);
    reg(MMAP_EXEPATH, 0xffe);
    reg(CMDLINE_LEN, 6);
    reg(CMDLINE, 0x200);
    expect(messages()).toEqual([
      'trace: switch to process 12',
      'trace: mapped: 0x8000 to 0x9000 from byte 0x1000 of /bin/sh',
      'trace: execve: ls -l',
    ]);
  });

  it('prints line by line', () => {
    const { reg, put, messages } = setUp();
    put(0x100, 'value \0');
    put(0x200, '\nnext\x1b\n\0');
    reg(PRINT_STR, 0x100);
    reg(PRINT_NUM_DEC, -5);
    reg(PRINT_STR, 0x100);
    reg(PRINT_NUM_HEX, 0xff);
    expect(messages()).toEqual([]);
    reg(PRINT_STR, 0x200);
    expect(messages()).toEqual(['info: value -5value ff', 'info: next.']);
  });

  it('cuts a string that has no end', () => {
    const { bench, reg, messages } = setUp();
    bench.ram.fill(0x61);
    reg(PRINT_STR, 0);
    expect(messages()).toHaveLength(1);
    expect(messages()[0]).toHaveLength('info: '.length + 4096);
  });

  it('logs methods while tracing', () => {
    const { bench, reg, messages } = setUp();
    reg(METHOD_ENTRY, 0x1234);
    reg(ENABLE, 1);
    expect(bench.read(ENABLE * 4)).toBe(1);
    reg(METHOD_ENTRY, 0x1234);
    expect(messages()).toEqual(['trace: method 0x1234 entered']);
  });

  it('switches the machine off', () => {
    const { chip, reg } = setUp();
    reg(STOP_EMU, 1);
    expect(chip.powerOff.level).toBe(true);
    chip.reset('warm');
    chip.settle();
    expect(chip.powerOff.level).toBe(false);
  });

  it('obeys the snapshot law', () => {
    const { bench, chip, reg, put } = setUp();
    put(0x100, 'half a line\0');
    reg(PRINT_STR, 0x100);
    reg(VMSTART, 5);
    reg(ENABLE, 1);
    expectSnapshotLaw(chip, bench.make);
  });

  it('survives random accesses', () => {
    setUp().bench.fuzz(23, 0x1a0);
  });
});
