// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import type { Device } from '../../../machines/backplane/device.ts';
import { expectSnapshotLaw } from '../../support/fake-board.ts';
import { FakeHost, memoryDisk, TestFirmware } from './fake-host.ts';
import { isoImage } from './images.ts';

const CD = isoImage([{ path: 'file.bin', data: Uint8Array.from({ length: 3000 }, (_, i) => i & 0xff) }]);

function machine(): TestFirmware {
  const host = new FakeHost({ width: 320, height: 160, depth: 8 });
  host.disks.push({ path: '/pci/mac-io/ata-3/cdrom@0', kind: 'cdrom', aliases: ['cd'], device: memoryDisk(CD, 2048) });
  return new TestFirmware({}, host).boot();
}

const device = (of: TestFirmware): Device => ({
  id: 'firmware',
  reset: () => {},
  settle: () => {},
  save: () => of.firmware.save(),
  restore: (state) => of.firmware.restore(state),
});

/** Another machine with the first one's memory and registers, restored. */
function copyOf(first: TestFirmware): TestFirmware {
  const state = structuredClone(first.firmware.save());
  const second = machine();
  second.host.ram.set(first.host.ram);
  second.host.pixels.set(first.host.pixels);
  for (const [name, value] of first.host.registers) second.host.registers.set(name, value);
  second.host.ms = first.host.ms;
  second.host.output = '';
  second.firmware.restore(state);
  return second;
}

describe('snapshot of the firmware', () => {
  it('obeys the law', () => {
    const first = machine();
    for (const line of [
      ': square dup * ; alias sq square vocabulary mine 5 value v 9 to v',
      'dev /pci new-device " made" device-name instance variable data : open true ; finish-device device-end',
      '" /pci/made" open-dev value ih " cd:,\\file.bin" open-dev value file',
      '1 2 3 h# 600 alloc-mem drop',
      'nosuch',
      '11 22',
    ]) {
      first.line(line);
    }
    first.typed('1 2 +');
    expectSnapshotLaw(device(first), () => device(machine()));
  });

  it('goes on where it was, in the middle of a line, a loop or a file', () => {
    const first = machine();
    first.line(': square dup * ; 7 value v  alias sq square  vocabulary mine');
    first.line('" cd:,\\file.bin" open-dev value file  200000 64 " read" file $call-method drop');
    first.line('11 22');
    first.typed('sq .');
    const second = copyOf(first);
    expect(second.typed('\r')).toContain('484');
    expect(second.line('. v .')).toBe('11 7');
    expect(second.line('200000 1 " read" file $call-method . 200000 c@ .')).toBe('1 64');
    expect(second.line('see square')).toContain('dup *');

    first.typed('\x15: count 3 0 do i . d# 100 ms loop ; count\r', 150);
    const third = copyOf(first);
    expect(third.typed('', 300)).toContain('2');
    expect(third.line('1 .')).toBe('1');
  });

  it('keeps a client that waits', () => {
    const first = machine();
    first.host.setRegister('r14', 0x1414);
    first.service('interpret', 2, 'd# 50 ms 7');
    const second = copyOf(first);
    second.settle(100);
    expect(second.firmware.clientRuns).toBe(true);
    expect(second.host.getRegister('r14')).toBe(0x1414);
    expect(second.host.read(0x10_0000 + 12 + 8, 4)).toBe(7);
  });

  it('is not thrown by a damaged one', () => {
    const good = machine();
    good.line(': square dup * ; 1 2 3');
    let seed = 5;
    const random = (n: number): number => (seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0) % n;
    const damage = (value: unknown): void => {
      if (value === null || typeof value !== 'object') return;
      const fields = value as Record<string, unknown>;
      const keys = Object.keys(fields);
      const key = keys[random(keys.length)];
      if (key === undefined) return;
      if (random(3) > 0 && typeof fields[key] === 'object') damage(fields[key]);
      else fields[key] = ArrayBuffer.isView(value) ? random(1 << 30) : [0, -1, 'x', null, [], {}, 1e9][random(7)];
    };
    for (let i = 0; i < 40; i++) {
      const state = structuredClone(good.firmware.save());
      damage(state);
      const broken = machine();
      try {
        broken.firmware.restore(state);
      } catch (error) {
        expect((error as Error).name).toBe('SnapshotError');
        continue;
      }
      broken.typed('square .\r', 50);
      broken.typed('\x031 2 + .\r', 50);
    }
  });
});
