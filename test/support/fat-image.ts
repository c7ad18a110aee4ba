// SPDX-License-Identifier: MIT

const SECTOR = 512;
const SECTORS_PER_CLUSTER = 4;
const FAT_SECTORS = 32;
const ROOT_ENTRIES = 512;

/** A disk of 16 MiB with a FAT16 file system that has one small file, with a name of 8.3 characters. */
export function fatImage(name: string, contents: string): Uint8Array {
  const sectors = 0x8000;
  const image = new Uint8Array(sectors * SECTOR);
  const view = new DataView(image.buffer);
  const text = (at: number, value: string): void => image.set(new TextEncoder().encode(value), at);
  image.set([0xeb, 0x3c, 0x90]);
  text(3, 'EMERITUS');
  view.setUint16(11, SECTOR, true);
  view.setUint8(13, SECTORS_PER_CLUSTER);
  view.setUint16(14, 1, true); // reserved sectors
  view.setUint8(16, 2); // FATs
  view.setUint16(17, ROOT_ENTRIES, true);
  view.setUint16(19, sectors, true);
  view.setUint8(21, 0xf8);
  view.setUint16(22, FAT_SECTORS, true);
  view.setUint16(24, 32, true);
  view.setUint16(26, 64, true);
  view.setUint8(38, 0x29);
  text(43, 'TEST CARD  FAT16   ');
  view.setUint16(510, 0xaa55, true);
  const rootAt = (1 + 2 * FAT_SECTORS) * SECTOR;
  for (const fat of [SECTOR, (1 + FAT_SECTORS) * SECTOR]) image.set([0xf8, 0xff, 0xff, 0xff, 0xff, 0xff], fat);
  const [base = '', extension = ''] = name.toUpperCase().split('.');
  text(rootAt, base.padEnd(8) + extension.padEnd(3));
  view.setUint8(rootAt + 11, 0x20);
  view.setUint16(rootAt + 26, 2, true); // first cluster
  view.setUint32(rootAt + 28, contents.length, true);
  text(rootAt + ROOT_ENTRIES * 32, contents);
  return image;
}
