// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import type { AttachableDisk, MachineHost, Medium } from '../../../machines/backplane/machine.ts';
import { openGoldfishMedia } from '../../../machines/goldfish/goldfish-media.ts';
import { MemoryMedium } from '../../support/block-device.ts';

function open(wanted: readonly Medium[]) {
  const closed: string[] = [];
  const disk = (spec: string): AttachableDisk => {
    const medium = new MemoryMedium(512);
    return Object.assign(Object.create(medium) as AttachableDisk, { title: spec, close: () => closed.push(spec) });
  };
  return { media: openGoldfishMedia({ disk } as unknown as MachineHost, wanted), closed };
}

describe('openGoldfishMedia', () => {
  it('takes a card and banks named after their files, and closes all of them', () => {
    const { media, closed } = open([
      { kind: 'disk', bus: 'nand', spec: '/images/system.img' },
      { kind: 'disk', spec: 'card' },
      { kind: 'disk', bus: 'nand', spec: 'C:\\images\\userdata-qemu.img' },
      { kind: 'disk', bus: 'nand', spec: '/images/.img' },
    ]);
    expect(media.card).toMatchObject({ title: 'card' });
    expect(media.banks.map(({ name }) => name)).toEqual(['system', 'userdata', 'nand2']);
    media.close();
    expect(closed.sort()).toEqual(['/images/.img', '/images/system.img', 'C:\\images\\userdata-qemu.img', 'card']);
  });

  it.each<[Medium[], string]>([
    [[{ kind: 'cdrom', spec: 'x' }], 'goldfish has no cdrom drive; --disk is an SD card'],
    [[{ kind: 'disk', bus: 'ide', spec: 'x' }], 'goldfish has no ide bus; use bus=mmc (an SD card) or bus=nand'],
    [
      [
        { kind: 'disk', spec: 'x' },
        { kind: 'disk', bus: 'mmc', spec: 'y' },
      ],
      'goldfish has one slot for an SD card; a further --disk needs bus=nand',
    ],
  ])('refuses what does not fit', (wanted, message) => {
    expect(() => open(wanted)).toThrow(message);
  });
});
