// SPDX-License-Identifier: MIT
import { closeSync, lstatSync, mkdirSync, mkdtempSync, openSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DirectoryReader } from '../../../../frontends/linux-user/directory-reader.ts';

interface Seen {
  readonly name: string;
  readonly inode: bigint;
  readonly next: number;
  readonly type: number;
}

function parse(bytes: Uint8Array): Seen[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const seen: Seen[] = [];
  for (let at = 0; at < bytes.length; at += view.getUint16(at + 16, true)) {
    const end = bytes.indexOf(0, at + 19);
    seen.push({
      name: Buffer.from(bytes.subarray(at + 19, end)).toString(),
      inode: view.getBigUint64(at, true),
      next: Number(view.getBigInt64(at + 8, true)),
      type: bytes[at + 18]!,
    });
  }
  return seen;
}

describe.skipIf(process.platform !== 'linux')('DirectoryReader', () => {
  let folder = '';
  let fd = -1;
  const reader = new DirectoryReader();

  const read = (size: number): Seen[] => {
    const bytes = new Uint8Array(size);
    return parse(bytes.subarray(0, reader.read(fd, bytes)));
  };

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'emeritus-'));
    writeFileSync(join(folder, 'file'), '');
    mkdirSync(join(folder, 'sub'));
    symlinkSync('nowhere', join(folder, 'link'));
    fd = openSync(folder, 'r');
  });

  afterEach(() => {
    reader.forget(fd);
    closeSync(fd);
    rmSync(folder, { recursive: true });
  });

  it('tells names, types and inodes', () => {
    const seen = read(4096);
    expect(seen.map(({ name, type }) => `${name} ${type}`).sort()).toEqual([
      '. 4',
      '.. 4',
      'file 8',
      'link 10',
      'sub 4',
    ]);
    for (const { name, inode } of seen) expect(inode).toBe(lstatSync(join(folder, name), { bigint: true }).ino);
    expect(read(4096)).toEqual([]);
  });

  it('goes on where a small buffer ended, and refuses one that is too small', () => {
    const names: string[] = [];
    for (;;) {
      const some = read(32);
      if (some.length === 0) break;
      expect(some).toHaveLength(1);
      names.push(some[0]!.name);
    }
    expect(names.sort()).toEqual(['.', '..', 'file', 'link', 'sub']);
    expect(reader.seek(fd, 0)).toBe(0);
    expect(reader.read(fd, new Uint8Array(20))).toBe(-22);
  });

  it('goes back to an offset it told, and sees what is new from the beginning on', () => {
    const all = read(4096);
    expect(reader.seek(fd, all[1]!.next)).toBe(all[1]!.next);
    expect(read(4096)).toEqual(all.slice(2));
    writeFileSync(join(folder, 'new'), '');
    expect(reader.seek(fd, 0)).toBe(0);
    expect(read(4096).map(({ name }) => name)).toContain('new');
    expect(reader.seek(fd, 1000)).toBe(-22);
  });

  it('leaves out what has been removed since', () => {
    read(32);
    rmSync(join(folder, 'file'));
    const rest: string[] = [];
    for (let some = read(32); some.length > 0; some = read(32)) rest.push(...some.map(({ name }) => name));
    expect(rest).not.toContain('file');
  });
});
