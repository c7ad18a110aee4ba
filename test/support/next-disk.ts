// SPDX-License-Identifier: MIT
//
// A disk that a NeXT computer's ROM takes for one to boot from: a label and a program in the boot blocks. Labels of
// version 3 end before the list of bad sectors that those of version 2 have.

const DISK_BYTES = 4 << 20;
const BLOCK = 512;
const SECTOR = 1024;

// Label; places in it as in NeXT's disktab.h.
const VERSION = { 2: 0x646c_5632, 3: 0x646c_5633 } as const; // "dlV2", "dlV3"
const LABEL_BLOCK = 4;
const SIZE = 8;
const NAME = 12;
const DRIVE_NAME = 44;
const DRIVE_TYPE = 68;
const SECTOR_SIZE = 92;
const TRACKS = 96;
const SECTORS = 100;
const CYLINDERS = 104;
const SPEED = 108;
const FRONT_PORCH = 112;
const BOOT_BLOCKS = 124;
const BOOT_FILE = 132;
const CHECKSUM = { 2: 7238, 3: 558 } as const;

/** Of two copies of the boot program, in sectors. */
const BOOT_AT = [32, 96] as const;

// An a.out file, which the ROM loads.
const OMAGIC = 0x0107;
const TEXT_BYTES = 4;
const ENTRY = 20;
const HEADER_BYTES = 32;

export const BOOT_ADDRESS = 0x0438_0000;

const SCSI = { type: 'fixed_rw_scsi', tracks: 8, sectors: 32, cylinders: 16, speed: 3600 };
const OPTICAL = { type: 'removable_rw_optical', tracks: 1, sectors: 16, cylinders: 15_430, speed: 3000 };
/** Before the label of an optical disk, which is at track 4149, there are 53 tracks of 16 sectors. */
export const OPTICAL_LABEL = 53 * 16 * SECTOR;

/** An optical disk, as {@link nextDisk}. */
export function nextOpticalDisk(program: Uint8Array, version: 2 | 3): Uint8Array {
  const labelled = nextDisk(program, version, OPTICAL);
  const disk = new Uint8Array(OPTICAL_LABEL + labelled.length);
  disk.set(labelled, OPTICAL_LABEL);
  return disk;
}

/** `program` is loaded to {@link BOOT_ADDRESS} and entered at its beginning. */
export function nextDisk(program: Uint8Array, version: 2 | 3, geometry = SCSI): Uint8Array {
  const disk = new Uint8Array(DISK_BYTES);
  const view = new DataView(disk.buffer);
  const text = (at: number, value: string): void => disk.set(new TextEncoder().encode(value), at);
  view.setUint32(0, VERSION[version]);
  view.setUint32(LABEL_BLOCK, 0);
  view.setUint32(SIZE, DISK_BYTES / BLOCK);
  text(NAME, 'Test');
  text(DRIVE_NAME, 'Test');
  text(DRIVE_TYPE, geometry.type);
  view.setUint32(SECTOR_SIZE, SECTOR);
  view.setUint32(TRACKS, geometry.tracks);
  view.setUint32(SECTORS, geometry.sectors);
  view.setUint32(CYLINDERS, geometry.cylinders);
  view.setUint32(SPEED, geometry.speed);
  view.setUint16(FRONT_PORCH, 160);
  BOOT_AT.forEach((sector, n) => view.setUint32(BOOT_BLOCKS + n * 4, sector));
  text(BOOT_FILE, 'mach');
  let sum = 0;
  for (let at = 0; at < CHECKSUM[version]; at += 2) {
    sum += view.getUint16(at);
    if (sum > 0xffff) sum -= 0xffff;
  }
  view.setUint16(CHECKSUM[version], sum);
  for (const sector of BOOT_AT) {
    const at = sector * SECTOR;
    view.setUint16(at + 2, OMAGIC);
    view.setUint32(at + TEXT_BYTES, program.length);
    view.setUint32(at + ENTRY, BOOT_ADDRESS);
    disk.set(program, at + HEADER_BYTES);
  }
  return disk;
}

/** Fills the first sixteen lines of the grey screen at `video` with a word from its own end, then waits. */
export function stripesProgram(video: number): Uint8Array {
  const program = new Uint8Array(3000);
  const view = new DataView(program.buffer);
  const last = program.length - 4;
  const code = [
    ...[0x41f9, video >>> 16, video & 0xffff], //                                    lea     video,%a0
    ...[0x2239, BOOT_ADDRESS >>> 16, (BOOT_ADDRESS & 0xffff) + last], //             move.l  last,%d1
    ...[0x303c, (16 * 288) / 4 - 1], //                                              move.w  #1151,%d0
    0x20c1, //                                                                    1: move.l  %d1,(%a0)+
    ...[0x51c8, 0xfffc], //                                                          dbf     %d0,1b
    0x60fe, //                                                                    2: bra     2b
  ];
  code.forEach((word, n) => view.setUint16(n * 2, word));
  view.setUint32(last, 0xe4e4_e4e4); // black, dark grey, light grey, white
  return program;
}
