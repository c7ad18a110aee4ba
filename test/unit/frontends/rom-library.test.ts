import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { describeRom, identifyRom, MAX_ROM_BYTES, readRom, readRoms } from '../../../frontends/host/rom-library.ts';
import { KNOWN_ROMS, type KnownRom, romsOf } from '../../../machines/roms.ts';

const bytesOf = (size: number, seed: number): Uint8Array => Uint8Array.from({ length: size }, (_, i) => i * seed + 1);
const sha1 = (bytes: Uint8Array): string => createHash('sha1').update(bytes).digest('hex');

/** As an Old World Macintosh ROM: the first word is the sum of the 16-bit words after it. */
function summed(size: number): { bytes: Uint8Array; checksum: number } {
  const bytes = bytesOf(size, 7);
  const view = new DataView(bytes.buffer);
  let checksum = 0;
  for (let at = 4; at < size; at += 2) checksum += view.getUint16(at);
  view.setUint32(0, checksum);
  return { bytes, checksum };
}

const MAIN = bytesOf(1024, 3);
const NUB = bytesOf(512, 5);
const OTHER = bytesOf(512, 11);
const MAC = summed(2048);
const ROMS: readonly KnownRom[] = [
  { machine: 'duo', part: 'main', name: 'main.rom', size: 1024, sha1: sha1(MAIN), title: 'Duo main' },
  { machine: 'duo', part: 'nub', name: 'nub.rom', size: 512, sha1: sha1(NUB), title: 'Duo nub' },
  { machine: 'solo', part: 'boot', name: 'solo.rom', size: 512, sha1: sha1(OTHER), title: 'Solo boot' },
  { machine: 'mac', part: 'boot', name: 'mac.rom', size: 2048, checksum: MAC.checksum, title: 'Mac boot' },
];

describe('ROM library', () => {
  let folder = '';
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'roms-'));
  });
  afterAll(() => rmSync(folder, { recursive: true }));
  const file = (name: string, bytes: Uint8Array): string => {
    const path = join(folder, name);
    writeFileSync(path, bytes);
    return path;
  };
  const problem = (run: () => unknown): string => {
    try {
      run();
    } catch (error) {
      expect(error).toMatchObject({ name: 'UserError', code: expect.stringMatching(/^EMERITUS_ROM_/) as string });
      const { message } = error as Error;
      expect(message).not.toContain('\n');
      return message;
    }
    throw new Error('no error');
  };

  it('recognises ROMs in any order, compressed or not', () => {
    const images = readRoms('duo', [file('b', gzipSync(NUB)), file('a', MAIN)], ROMS);
    expect(images.map((image) => [image.title, sha1(image.bytes)])).toEqual([
      ['a', sha1(MAIN)],
      ['b', sha1(NUB)],
    ]);
    expect(readRoms('duo', [], ROMS)).toEqual([]);
  });

  it('recognises a Macintosh ROM by its own checksum, unless a byte is wrong', () => {
    expect(readRoms('mac', [file('mac', MAC.bytes)], ROMS)).toHaveLength(1);
    const damaged = MAC.bytes.slice();
    damaged[1000]! ^= 1;
    expect(problem(() => readRoms('mac', [file('mac', damaged)], ROMS))).toMatch(
      /wrong checksum: its first word says [0-9a-f]{8}, the rest sums up to [0-9a-f]{8}; expected Mac boot \(2048 bytes/,
    );
    const unknown = MAC.bytes.slice();
    const view = new DataView(unknown.buffer);
    view.setUint16(1000, view.getUint16(1000) + 1);
    view.setUint32(0, view.getUint32(0) + 1);
    expect(problem(() => readRoms('mac', [file('mac', unknown)], ROMS))).toMatch(
      /is unknown: it has 2048 bytes and SHA/,
    );
  });

  it('says what is wrong with a file, what was expected and what to do', () => {
    const duo = (name: string, bytes: Uint8Array): string => problem(() => readRoms('duo', [file(name, bytes)], ROMS));
    expect(problem(() => readRoms('duo', [join(folder, 'none')], ROMS))).toMatch(/none: there is no such file/);
    expect(duo('short', MAIN.subarray(0, 100))).toMatch(/too short: it has 100 bytes; expected Duo main \(1024 bytes/);
    expect(duo('wrong', bytesOf(600, 1))).toMatch(/wrong size: 600 bytes; expected .*; read the ROM again/);
    expect(duo('unknown', bytesOf(512, 99))).toMatch(new RegExp(`SHA-1 ${sha1(bytesOf(512, 99))}; expected`));
    expect(duo('other', OTHER)).toMatch(/another machine \(Solo boot\).*it is for solo/);
    expect(duo('main', MAIN)).toMatch(/also needs its nub ROM: Duo nub \(nub.rom\)/);
    expect(problem(() => readRoms('duo', [file('m', MAIN), file('n', MAIN)], ROMS))).toMatch(/m and n are both/);
    expect(problem(() => readRoms('nothing', [file('m', MAIN)], ROMS))).toMatch(/no original ROM of nothing is known/);
  });

  it('names one ROM where a machine has many', () => {
    const many = Array.from({ length: 7 }, (_, i): KnownRom => {
      return { machine: 'lot', part: 'boot', name: `${i}.rom`, size: 512, sha1: `${i}`.repeat(40), title: `Lot ${i}` };
    });
    expect(problem(() => readRoms('lot', [file('short', MAIN.subarray(0, 10))], many))).toMatch(
      /too short: it has 10 bytes; expected one of the 7 known ROMs of lot, such as Lot 0 \(512 bytes, SHA-1 0{40}\);/,
    );
  });

  it('reads no folder, no damaged gzip and nothing that grows beyond the limit', () => {
    expect(problem(() => readRom(folder))).toMatch(/it is a folder/);
    expect(problem(() => readRom(file('cut.gz', gzipSync(MAIN).subarray(0, 20))))).toMatch(/damaged/);
    const bomb = gzipSync(new Uint8Array(MAX_ROM_BYTES + 1), { level: 1 });
    expect(problem(() => readRom(file('bomb.gz', bomb)))).toMatch(/too large/);
  });

  it('identifies files for every machine', () => {
    expect(describeRom('x', identifyRom(NUB, ROMS))).toBe(`x: Duo nub; used by duo (512 bytes, SHA-1 ${sha1(NUB)})`);
    expect(describeRom('y', identifyRom(new Uint8Array(), ROMS))).toMatch(/^y: unknown \(0 bytes, SHA-1 da39a3ee/);
  });
});

describe('known ROMs', () => {
  it('have a size, a mark to know them by, and appear once', () => {
    for (const { size, sha1: hash, checksum } of KNOWN_ROMS) {
      expect(size % 1024).toBe(0);
      expect(hash ?? checksum).toBeDefined();
      if (hash !== undefined) expect(hash).toMatch(/^[0-9a-f]{40}$/);
    }
    expect(new Set(KNOWN_ROMS.map((one) => `${one.machine} ${one.sha1 ?? one.checksum}`)).size).toBe(KNOWN_ROMS.length);
    expect(romsOf('powermac-g3').map((one) => one.size)).toEqual([4, 4, 4, 4].map((mib) => mib << 20));
  });
});
