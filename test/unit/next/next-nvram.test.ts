// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import type { NextMedium } from '../../../machines/next/next-media.ts';
import {
  banksFor,
  type MemoryLayout,
  SIMM_30_PIN,
  SIMM_COLOR,
  SIMM_TURBO,
} from '../../../machines/next/next-memory.ts';
import { factorySettings } from '../../../machines/next/next-nvram.ts';

const MIB = 1 << 20;

function settings(
  mib: number,
  memory: MemoryLayout,
  newClockChip: boolean,
  places: readonly NextMedium['where'][] = [],
) {
  const media = places.map((where, unit) => ({ where, unit }) as unknown as NextMedium);
  const bytes = factorySettings({ banks: banksFor('next', mib * MIB, memory), memory, newClockChip, media }, 64);
  return { bytes, view: new DataView(bytes.buffer) };
}

const bootCommand = (bytes: Uint8Array): string => new TextDecoder().decode(bytes.subarray(18, 30)).replace(/\0+$/, '');

describe('factorySettings', () => {
  it('have a checksum that makes the sum of all words all ones', () => {
    for (const { view } of [settings(32, SIMM_30_PIN, true), settings(13, SIMM_30_PIN, false, ['scsi'])]) {
      let sum = 0;
      for (let at = 0; at < 32; at += 2) {
        sum += view.getUint16(at);
        if (sum > 0xffff) sum -= 0xffff;
      }
      expect(sum).toBe(0xffff);
    }
  });

  it('boot what is attached, disks before floppies', () => {
    expect(bootCommand(settings(16, SIMM_30_PIN, true).bytes)).toBe('');
    expect(bootCommand(settings(16, SIMM_30_PIN, true, ['floppy']).bytes)).toBe('fd');
    expect(bootCommand(settings(16, SIMM_30_PIN, true, ['floppy', 'scsi']).bytes)).toBe('sd');
    expect(bootCommand(settings(16, SIMM_30_PIN, true, ['floppy', 'mo']).bytes)).toBe('od');
    expect(bootCommand(settings(16, SIMM_30_PIN, true, ['mo', 'scsi']).bytes)).toBe('sd');
  });

  it('say what modules there are: page mode of those with 30 pins, parity but on Turbo boards', () => {
    expect(settings(32, SIMM_30_PIN, true).view.getUint16(10)).toBe(0x3000 | 0o55);
    expect(settings(13, SIMM_30_PIN, true).view.getUint16(10)).toBe(0xf000 | 0o7666);
    expect(settings(12, SIMM_COLOR, true).view.getUint16(10)).toBe(0x7000 | 0o221);
    expect(settings(32, SIMM_TURBO, true).view.getUint16(10)).toBe(0o1);
  });

  it('say which clock chip there is, and leave its second bank alone', () => {
    expect([settings(16, SIMM_30_PIN, true).bytes[17], settings(16, SIMM_30_PIN, false).bytes[17]]).toEqual([0x80, 0]);
    expect(
      settings(16, SIMM_30_PIN, true)
        .bytes.subarray(32)
        .every((byte) => byte === 0),
    ).toBe(true);
  });

  it('test at power-on, and say so', () => {
    expect(settings(16, SIMM_30_PIN, true).bytes[14]).toBe(0x01 | 0x02 | 0x08 | 0x40);
  });
});
