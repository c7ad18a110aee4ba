// SPDX-License-Identifier: MIT
import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type OpenDisk, type OpenDiskOptions, openDisk, parseDiskSpec } from '../../../frontends/host/disk.ts';
import { UserError } from '../../../frontends/host/user-error.ts';

let folder: string;
const path = (name: string): string => join(folder, name);
const pattern = (length: number): Uint8Array => Uint8Array.from({ length }, (_, i) => (i * 31 + (i >> 8)) & 0xff);
const make = (name: string, bytes: Uint8Array): string => {
  writeFileSync(path(name), bytes);
  return path(name);
};
const block = (disk: OpenDisk, first: number): Uint8Array => {
  const into = new Uint8Array(disk.blockBytes);
  disk.read(first, into);
  return into;
};
/** The error opening gives, checked to be one clear line. */
const failure = (spec: string, options?: OpenDiskOptions): UserError => {
  try {
    openDisk(spec, options).close();
  } catch (error) {
    expect(error).toBeInstanceOf(UserError);
    expect((error as UserError).message).not.toMatch(/\n/);
    return error as UserError;
  }
  throw new Error(`${spec} opened`);
};

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'emeritus-disk-'));
});
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

describe('parseDiskSpec', () => {
  it('reads the options', () => {
    expect(parseDiskSpec('a.img')).toEqual({ file: 'a.img', readonly: false, overlay: undefined, cdrom: false });
    expect(parseDiskSpec('a.img,readonly').readonly).toBe(true);
    expect(parseDiskSpec('a.img,overlay').overlay).toBe('');
    expect(parseDiskSpec('a.img,overlay=b.ovl').overlay).toBe('b.ovl');
    expect(parseDiskSpec('a.iso,cdrom')).toMatchObject({ cdrom: true, readonly: true });
    expect(parseDiskSpec('a.img,floppy')).toMatchObject({ cdrom: false, readonly: false, floppy: true });
  });

  it('takes a doubled comma as part of a name', () => {
    expect(parseDiskSpec('a,,b.img,overlay=c,,d')).toMatchObject({ file: 'a,b.img', overlay: 'c,d' });
  });

  it('says what is wrong', () => {
    expect(() => parseDiskSpec('')).toThrow(/expected FILE/);
    expect(() => parseDiskSpec('a,snapshot')).toThrow(/unknown option "snapshot"; known are readonly, .* bus=BUS/);
    expect(() => parseDiskSpec('a,overlay=')).toThrow(/unknown option/);
    expect(() => parseDiskSpec('a,readonly,overlay')).toThrow(/exclude each other/);
  });
});

describe('openDisk', () => {
  it('reads and writes a raw image in place', () => {
    const file = make('raw.img', pattern(8 * 512));
    const disk = openDisk(file);
    expect([disk.blockBytes, disk.blockCount, disk.readonly, disk.title]).toEqual([512, 8, false, file]);
    disk.write(3, new Uint8Array(512).fill(0xaa));
    disk.flush();
    expect(readFileSync(file).subarray(3 * 512, 4 * 512)).toEqual(Buffer.alloc(512, 0xaa));
    expect(block(disk, 2)).toEqual(pattern(4096).subarray(1024, 1536));
    disk.close();
    disk.close();
  });

  it('keeps a base untouched under an overlay in memory', () => {
    const file = make('base.img', pattern(4096));
    const disk = openDisk(`${file},overlay`);
    disk.write(0, new Uint8Array(512).fill(1));
    expect(block(disk, 0)).toEqual(new Uint8Array(512).fill(1));
    disk.close();
    expect(Uint8Array.from(readFileSync(file))).toEqual(pattern(4096));
  });

  it('continues an overlay in a side file, flushed by close', () => {
    const file = make('base2.img', pattern(4096));
    const first = openDisk(`${file},overlay=${path('base2.ovl')}`);
    first.write(1, new Uint8Array(512).fill(2));
    first.close();
    const second = openDisk(`${file},overlay=${path('base2.ovl')}`);
    expect(block(second, 1)).toEqual(new Uint8Array(512).fill(2));
    second.close();
    expect(Uint8Array.from(readFileSync(file))).toEqual(pattern(4096));
    expect(failure(`${make('other.img', pattern(8192))},overlay=${path('base2.ovl')}`).code).toBe(
      'EMERITUS_DISK_IMAGE',
    );
  });

  it('reads a compressed image, read-only or under an overlay', () => {
    const file = make('disk.img.gz', gzipSync(pattern(2048)));
    const disk = openDisk(`${file},overlay`);
    expect(disk.blockCount).toBe(4);
    expect(block(disk, 3)).toEqual(pattern(2048).subarray(1536));
    disk.close();
    expect(openDisk(`${file},readonly`).readonly).toBe(true);
    expect(failure(file).message).toMatch(/add ",readonly" or ",overlay"/);
    expect(failure(`${file},readonly`, { maxGunzippedBytes: 1000 }).message).toMatch(/larger than 1000 bytes/);
    expect(failure(`${make('bad.img.gz', pattern(100))},readonly`).message).toMatch(/expected gzip data/);
  });

  it('opens a CD-ROM image as 2048-byte blocks', () => {
    const warnings: string[] = [];
    const disk = openDisk(`${make('cd.iso', pattern(5000))},cdrom`, { warn: (line) => warnings.push(line) });
    expect([disk.blockBytes, disk.blockCount, disk.readonly]).toEqual([2048, 3, true]);
    expect(warnings).toEqual([expect.stringMatching(/5000 bytes, is not a multiple of 2048/)]);
  });

  it('opens floppy images, and refuses a damaged one with the reason', () => {
    const raw = openDisk(`${make('raw.dsk', pattern(737_280))},floppy`);
    expect([raw.blockCount, raw.readonly]).toEqual([1440, false]);
    raw.close();
    const damaged = failure(`${make('dc42.img', pattern(84 + 409_600))},floppy`);
    expect(damaged).toMatchObject({
      code: 'EMERITUS_DISK_IMAGE',
      message: expect.stringMatching(/bad magic of DiskCopy 4.2.*; copy the disk again$/) as string,
    });
  });

  it('pads an odd size only where it need not write', () => {
    const file = make('odd.img', pattern(700));
    expect(failure(file)).toMatchObject({
      code: 'EMERITUS_DISK_SIZE',
      message: expect.stringMatching(/700 bytes, is not a multiple of 512; add ",readonly" or ",overlay"/) as string,
    });
    const warnings: string[] = [];
    const disk = openDisk(`${file},overlay`, { warn: (line) => warnings.push(line) });
    expect(disk.blockCount).toBe(2);
    disk.write(1, new Uint8Array(512).fill(5));
    expect(block(disk, 1)).toEqual(new Uint8Array(512).fill(5));
    expect(warnings).toHaveLength(1);
  });

  it('says what is wrong with a file it cannot use', () => {
    mkdirSync(path('folder'));
    expect(failure(path('nothing.img'))).toMatchObject({
      code: 'EMERITUS_DISK_MISSING',
      message: `disk "${path('nothing.img')}": no such file; check the path`,
    });
    expect(failure(path('folder')).message).toMatch(/expected an image file, found a folder/);
    expect(failure('/dev/null').code).toBe('EMERITUS_DISK_NOT_A_FILE');
    expect(failure(make('empty.img', new Uint8Array())).message).toMatch(/found an empty file/);
    const file = make('self.img', pattern(512));
    expect(failure(`${file},overlay=${file}`).message).toMatch(/must be another file/);
  });

  it.skipIf(process.getuid?.() === 0)('asks for readonly or overlay when the file may not be written', () => {
    const file = make('protected.img', pattern(512));
    chmodSync(file, 0o444);
    expect(failure(file).message).toMatch(/no permission to write it; add ",readonly" or ",overlay"/);
    openDisk(`${file},readonly`).close();
    chmodSync(file, 0);
    expect(failure(`${file},readonly`).code).toBe('EMERITUS_DISK_UNREADABLE');
  });
});

describe('openDisk lock', () => {
  it('refuses a second writer and lets readers in with a warning', () => {
    const file = make('locked.img', pattern(512));
    const disk = openDisk(file);
    expect(failure(file)).toMatchObject({ code: 'EMERITUS_DISK_LOCKED' });
    const warnings: string[] = [];
    openDisk(`${file},readonly`, { warn: (line) => warnings.push(line) }).close();
    expect(warnings).toEqual([expect.stringMatching(/being written by process/)]);
    disk.close();
    expect(existsSync(`${file}.lock`)).toBe(false);
    openDisk(file).close();
  });

  it('respects a running process and takes over from a dead one', () => {
    const file = make('other.lockimg', pattern(512));
    const other = spawn('sleep', ['30']);
    const host = spawnSync('hostname').stdout.toString().trim();
    try {
      writeFileSync(`${file}.lock`, `${other.pid} ${host} \n`);
      expect(failure(file).message).toMatch(new RegExp(`in use by process ${other.pid} `));
    } finally {
      other.kill();
    }
    const dead = spawnSync('true').pid;
    writeFileSync(`${file}.lock`, `${dead} ${host} \n`);
    openDisk(file).close();
    writeFileSync(`${file}.lock`, `1 ${host} 999999999\n`); // process 1 runs, but did not start then
    openDisk(file).close();
    writeFileSync(`${file}.lock`, 'garbage');
    openDisk(file).close();
  });
});
