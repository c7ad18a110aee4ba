// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import type { MachineHost, Medium } from '../../../machines/backplane/machine.ts';
import { openNextMedia } from '../../../machines/next/next-media.ts';
import type { NextModel } from '../../../machines/next/next-model.ts';

const MIB = 1 << 20;
const OPTICAL_BYTES = 257_605_632;

/** Opens media of a certain size; how many were closed again. */
function open(opticalDrive: boolean, wanted: readonly Medium[], bytes = MIB) {
  const closed: string[] = [];
  const host = {
    disk: (spec: string) => ({
      title: spec,
      blockBytes: 512,
      blockCount: bytes / 512,
      close: () => closed.push(spec),
    }),
  } as unknown as MachineHost;
  const model = { name: 'next', opticalDrive } as NextModel;
  return { closed, media: () => openNextMedia(model, host, wanted).map(({ where, unit }) => `${where} ${unit}`) };
}

const optical: Medium = { kind: 'disk', bus: 'mo', spec: 'optical' };
const disk: Medium = { kind: 'disk', spec: 'disk' };

describe('openNextMedia', () => {
  it('puts disks on SCSI and, where the bus is named, into optical drives', () => {
    const scsi: Medium = { kind: 'cdrom', bus: 'scsi', spec: 'cd' };
    expect(open(true, [disk, optical, scsi, optical]).media()).toEqual(['scsi 0', 'mo 0', 'scsi 1', 'mo 1']);
  });

  it('refuses a third optical disk, and any where there is no drive', () => {
    expect(open(true, [optical, optical, optical]).media).toThrow('no room for another magneto-optical drive');
    expect(open(false, [optical]).media).toThrow('next has no magneto-optical drive');
    expect(open(true, [{ ...optical, kind: 'cdrom' }]).media).toThrow('--cdrom: bus=mo is for --disk');
  });

  it('takes optical disks up to their size, in whole sectors, and closes others', () => {
    expect(open(true, [optical], OPTICAL_BYTES).media()).toEqual(['mo 0']);
    for (const bytes of [OPTICAL_BYTES + 1024, MIB + 512]) {
      const { media, closed } = open(true, [optical], bytes);
      expect(media).toThrow(`${bytes} bytes are no optical disk`);
      expect(closed).toEqual(['optical']);
    }
  });
});
