// SPDX-License-Identifier: MIT
//
// Original ROMs that users supply: read, recognised by hash, never guessed.
import { createHash } from 'node:crypto';
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { basename } from 'node:path';
import { gunzipSync } from 'node:zlib';
import type { Image } from '../../machines/backplane/machine.ts';
import { KNOWN_ROMS, type KnownRom, romsOf } from '../../machines/roms.ts';
import { fileProblem } from './files.ts';
import { UserError } from './user-error.ts';

export const MAX_ROM_BYTES = 64 << 20;

/** An Old World Macintosh ROM sums up at most this much of itself. */
const CHECKSUM_SPAN = 3 << 20;

export interface RomIdentity {
  readonly size: number;
  readonly sha1: string;
  /** What it is, where that is known; the same ROM may belong to several machines. */
  readonly known: readonly KnownRom[];
}

/** Reads a ROM file, decompressing it when it is gzip. Throws a {@link UserError} that begins with `asker`. */
export function readRom(path: string, asker = '--rom'): Image {
  let bytes: Uint8Array;
  try {
    bytes = readBounded(path);
  } catch (error) {
    throw new UserError('EMERITUS_ROM_FILE', `${asker}: cannot read ${path}: ${fileProblem(error)}`);
  }
  if (bytes[0] === 0x1f && bytes[1] === 0x8b) {
    try {
      bytes = gunzipSync(bytes, { maxOutputLength: MAX_ROM_BYTES });
    } catch (error) {
      const reason = (error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE' ? 'too large' : 'damaged';
      throw new UserError('EMERITUS_ROM_FILE', `${asker}: cannot decompress ${path}: it is ${reason}`);
    }
  }
  return { title: basename(path), bytes: new Uint8Array(bytes) };
}

export function identifyRom(bytes: Uint8Array, roms: readonly KnownRom[] = KNOWN_ROMS): RomIdentity {
  const sha1 = createHash('sha1').update(bytes).digest('hex');
  const known = roms.filter(
    (one) =>
      one.size === bytes.length && (one.sha1 === undefined ? hasChecksum(bytes, one.checksum ?? 0) : one.sha1 === sha1),
  );
  return { size: bytes.length, sha1, known };
}

/** What `emeritus roms identify` says of a file, in a line. */
export function describeRom(title: string, { size, sha1, known }: RomIdentity): string {
  const facts = `${size} bytes, SHA-1 ${sha1}`;
  if (known.length === 0) return `${title}: unknown (${facts})`;
  const names = known.map((one) => `${one.title}; used by ${one.machine}`);
  return `${title}: ${[...new Set(names)].join('; ')} (${facts})`;
}

/**
 * The ROMs of a machine from files given in any order, in the order of the machine's parts.
 * Throws a {@link UserError} when a file is not one of them, or a part is missing or there twice.
 */
export function readRoms(machine: string, paths: readonly string[], roms: readonly KnownRom[] = KNOWN_ROMS): Image[] {
  if (paths.length === 0) return [];
  const wanted = roms === KNOWN_ROMS ? romsOf(machine) : roms.filter((one) => one.machine === machine);
  if (wanted.length === 0) {
    throw new UserError('EMERITUS_ROM_HASH', `--rom: no original ROM of ${machine} is known; leave --rom out`);
  }
  const found = new Map<string, Image>();
  for (const path of paths) {
    const image = readRom(path);
    const { part } = recognise(path, image.bytes, machine, wanted, roms);
    const other = found.get(part);
    if (other !== undefined) {
      throw new UserError('EMERITUS_ROM_TWICE', `--rom: ${other.title} and ${image.title} are both its ${part} ROM`);
    }
    found.set(part, image);
  }
  const parts = [...new Set(wanted.map((one) => one.part))];
  return parts.map((part) => {
    const image = found.get(part);
    if (image !== undefined) return image;
    const names = wanted.filter((one) => one.part === part).map((one) => `${one.title} (${one.name})`);
    throw new UserError(
      'EMERITUS_ROM_MISSING',
      `--rom: ${machine} also needs its ${part} ROM: ${names.join(' or ')}; give it with another --rom`,
    );
  });
}

/** More ROMs than this are not listed in a message. */
const MOST_NAMED = 3;

function recognise(
  path: string,
  bytes: Uint8Array,
  machine: string,
  wanted: readonly KnownRom[],
  roms: readonly KnownRom[],
): KnownRom {
  const identity = identifyRom(bytes, roms);
  const match = identity.known.find((one) => one.machine === machine);
  if (match !== undefined) return match;
  const titles = [...new Set(wanted.map(describeWanted))];
  const several = `one of the ${titles.length} known ROMs of ${machine}, such as ${titles[0]}`;
  const expected = titles.length > MOST_NAMED ? several : titles.join(' or ');
  const fail = (code: string, problem: string, advice: string): never => {
    throw new UserError(code, `--rom: ${path} ${problem}; expected ${expected}; ${advice}`);
  };
  const other = identity.known[0];
  if (other !== undefined) {
    fail('EMERITUS_ROM_HASH', `is a ROM of another machine (${other.title})`, `it is for ${other.machine}`);
  }
  const sizes = wanted.map((one) => one.size);
  const found = `${identity.size} bytes`;
  if (!sizes.includes(identity.size)) {
    if (identity.size < Math.min(...sizes)) {
      fail('EMERITUS_ROM_SIZE', `is too short: it has ${found}`, 'the copy may be cut off, read the ROM again');
    }
    fail('EMERITUS_ROM_SIZE', `has the wrong size: ${found}`, 'read the ROM again, alone and without headers');
  }
  if (wanted.some((one) => one.checksum !== undefined)) {
    const { stated, actual } = checksums(bytes);
    const word = (value: number): string => value.toString(16).padStart(8, '0');
    if (stated !== actual) {
      fail(
        'EMERITUS_ROM_CHECKSUM',
        `has a wrong checksum: its first word says ${word(stated)}, the rest sums up to ${word(actual)}`,
        'the copy is damaged or this is no Macintosh ROM, read the ROM again',
      );
    }
  }
  return fail(
    'EMERITUS_ROM_HASH',
    `is unknown: it has ${found} and SHA-1 ${identity.sha1}`,
    'the copy may be damaged, read the ROM again',
  );
}

function describeWanted({ title, size, sha1, checksum }: KnownRom): string {
  const mark = sha1 === undefined ? `checksum ${(checksum ?? 0).toString(16).padStart(8, '0')}` : `SHA-1 ${sha1}`;
  return `${title} (${size} bytes, ${mark})`;
}

/** The first word of a Macintosh ROM, and the sum of the 16-bit words after it, which it should be. */
function checksums(bytes: Uint8Array): { stated: number; actual: number } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let actual = 0;
  for (let at = 4; at + 1 < Math.min(bytes.length, CHECKSUM_SPAN); at += 2) {
    actual = (actual + view.getUint16(at)) >>> 0;
  }
  return { stated: view.getUint32(0), actual };
}

function hasChecksum(bytes: Uint8Array, expected: number): boolean {
  const { stated, actual } = checksums(bytes);
  return stated === expected && actual === expected;
}

function readBounded(path: string): Uint8Array {
  const file = openSync(path, 'r');
  try {
    const stat = fstatSync(file);
    if (stat.isDirectory()) throw Object.assign(new Error('is a directory'), { code: 'EISDIR' });
    if (stat.size > MAX_ROM_BYTES) throw new Error(`it has ${stat.size} bytes, no ROM has more than ${MAX_ROM_BYTES}`);
    const bytes = new Uint8Array(stat.size);
    let done = 0;
    while (done < bytes.length) {
      const got = readSync(file, bytes, done, bytes.length - done, null);
      if (got === 0) break;
      done += got;
    }
    return bytes.subarray(0, done);
  } finally {
    closeSync(file);
  }
}
