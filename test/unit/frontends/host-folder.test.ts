// SPDX-License-Identifier: MIT
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openHostFolder } from '../../../frontends/host/host-folder.ts';
import type { HostFolder, HostPath } from '../../../machines/backplane/host-folder.ts';

describe('openHostFolder', () => {
  let base = '';
  let shared = '';
  let folder: HostFolder;
  beforeEach(() => {
    base = mkdtempSync(join(tmpdir(), 'emeritus-host-folder-'));
    shared = join(base, 'shared');
    mkdirSync(shared);
    writeFileSync(join(base, 'secret'), 'outside');
    mkdirSync(join(base, 'elsewhere'));
    writeFileSync(join(base, 'elsewhere', 'file'), 'outside too');
    folder = openHostFolder(shared);
  });
  afterEach(() => rmSync(base, { recursive: true }));

  const problem = (action: () => unknown): string => {
    try {
      action();
    } catch (error) {
      return (error as { problem?: string }).problem ?? String(error);
    }
    return 'none';
  };
  /** Everything that takes a path. */
  const operations = (path: HostPath): (() => unknown)[] => [
    () => folder.open(path, 'read'),
    () => folder.open(path, 'update'),
    () => folder.create(path, 10),
    () => folder.createFolder(path),
    () => folder.remove(path),
    () => folder.rename(path, ['new']),
    () => folder.rename(['inside'], path),
    () => folder.setModified(path, 0),
    () => folder.setWritable(path, false),
    () => folder.list(path),
  ];
  const outsideIsUntouched = (): void => {
    expect(readFileSync(join(base, 'secret'), 'utf8')).toBe('outside');
    expect(readFileSync(join(base, 'elsewhere', 'file'), 'utf8')).toBe('outside too');
    expect(statSync(join(base, 'secret')).mode & 0o200).toBe(0o200);
    expect(readdirSync(base).sort()).toEqual(['elsewhere', 'secret', 'shared']);
    expect(readdirSync(join(base, 'elsewhere'))).toEqual(['file']);
  };

  it('says when there is no such folder', () => {
    expect(() => openHostFolder(join(base, 'nothing'))).toThrow(/--hostfs: cannot use .*nothing: .*give a folder/);
    expect(() => openHostFolder(join(base, 'secret'))).toThrow(/it is not a folder/);
  });

  it.each([
    ['..'],
    ['..', 'secret'],
    ['.'],
    [''],
    ['a/../../secret'],
    ['/etc/passwd'],
    ['a\0b'],
    ['inside', '..', '..', 'secret'],
  ])('refuses the path %j %j %j %j', (...path) => {
    writeFileSync(join(shared, 'inside'), 'x');
    for (const operation of operations(path)) expect(problem(operation)).toBe('bad name');
    expect(folder.stat(path)).toBeUndefined();
    outsideIsUntouched();
  });

  it('does not follow links that lead out', () => {
    symlinkSync(join(base, 'secret'), join(shared, 'file'));
    symlinkSync('../elsewhere', join(shared, 'folder'));
    symlinkSync('/', join(shared, 'root'));
    symlinkSync('round', join(shared, 'round'));
    writeFileSync(join(shared, 'inside'), 'x');
    expect(folder.list([])).toEqual([{ name: 'inside', folder: false }]);
    expect(folder.stat(['file'])).toBeUndefined();
    expect(folder.stat(['folder', 'file'])).toBeUndefined();
    for (const path of [
      ['folder', 'file'],
      ['folder', 'new'],
      ['root', 'tmp', 'x'],
    ]) {
      for (const operation of operations(path)) expect(problem(operation)).toBe('denied');
    }
    for (const action of [
      () => folder.open(['file'], 'update'),
      () => folder.create(['file'], 0),
      () => folder.setWritable(['file'], false),
      () => folder.list(['folder']),
      () => folder.open(['round'], 'read'),
    ]) {
      expect(problem(action)).toBe('denied');
    }
    outsideIsUntouched();
    // A link itself may go.
    folder.remove(['file']);
    expect(existsSync(join(base, 'secret'))).toBe(true);
  });

  it('follows links that stay inside', () => {
    mkdirSync(join(shared, 'real'));
    writeFileSync(join(shared, 'real', 'file'), 'inside');
    symlinkSync('real', join(shared, 'link'));
    expect(folder.list([])).toContainEqual({ name: 'link', folder: true });
    expect(folder.stat(['link', 'file'])?.bytes).toBe(6);
  });

  it('shows no pipes and other things that are no files', () => {
    execFileSync('mkfifo', [join(shared, 'pipe')]);
    expect(folder.list([])).toEqual([]);
    expect(folder.stat(['pipe'])).toBeUndefined();
    expect(problem(() => folder.open(['pipe'], 'read'))).toBe('folder');
  });

  it('leaves out names that are not text', () => {
    writeFileSync(Buffer.concat([Buffer.from(`${shared}/bad`), Buffer.of(0xff)]), 'x');
    expect(folder.list([])).toEqual([]);
  });

  it('reads, writes, lengthens and cuts', () => {
    folder.create(['file'], 5);
    const file = folder.open(['file'], 'update');
    file.write(10, Uint8Array.of(1, 2, 3));
    expect(file.bytes).toBe(13);
    const into = new Uint8Array(20).fill(9);
    expect(file.read(4, into)).toBe(9);
    expect([...into.subarray(0, 10)]).toEqual([0, 0, 0, 0, 0, 0, 1, 2, 3, 9]);
    file.resize(2);
    expect(file.bytes).toBe(2);
    file.close();
    expect(problem(() => file.read(0, into))).toBe('failed');
    const reader = folder.open(['file'], 'read');
    expect(problem(() => reader.write(0, Uint8Array.of(1)))).not.toBe('none');
    reader.close();
  });

  it('never replaces by renaming', () => {
    writeFileSync(join(shared, 'one'), '1');
    writeFileSync(join(shared, 'two'), '2');
    expect(problem(() => folder.rename(['one'], ['two']))).toBe('exists');
    expect(readFileSync(join(shared, 'two'), 'utf8')).toBe('2');
    folder.rename(['one'], ['three']);
    expect(readdirSync(shared).sort()).toEqual(['three', 'two']);
  });

  it('names what is wrong', () => {
    folder.createFolder(['full']);
    folder.create(['full', 'x'], 0);
    expect(problem(() => folder.remove(['full']))).toBe('not empty');
    expect(problem(() => folder.remove(['nothing']))).toBe('missing');
    expect(problem(() => folder.createFolder(['full']))).toBe('exists');
    expect(problem(() => folder.create(['full'], 0))).toBe('folder');
    expect(problem(() => folder.open(['full'], 'read'))).toBe('folder');
    expect(problem(() => folder.open(['nothing'], 'read'))).toBe('missing');
    expect(problem(() => folder.list(['full', 'x']))).toBe('missing');
    expect(problem(() => folder.create(['x'.repeat(300)], 0))).toBe('bad name');
    expect(problem(() => folder.create(['nothing', 'x'], 0))).toBe('missing');
    rmSync(shared, { recursive: true });
    expect(problem(() => folder.list([]))).toBe('missing');
    mkdirSync(shared);
  });

  it.skipIf(process.getuid?.() === 0)('says when a file must not be read', () => {
    writeFileSync(join(shared, 'closed'), 'x');
    chmodSync(join(shared, 'closed'), 0);
    expect(problem(() => folder.open(['closed'], 'read'))).toBe('denied');
  });

  it('tells and sets dates and permissions', () => {
    folder.create(['file'], 3);
    folder.setModified(['file'], 985_435_200_000);
    folder.setWritable(['file'], false);
    expect(folder.stat(['file'])).toMatchObject({
      folder: false,
      bytes: 3,
      modifiedMs: 985_435_200_000,
      writable: false,
    });
    folder.setWritable(['file'], true);
    expect(folder.stat(['file'])?.writable).toBe(true);
    expect(folder.stat([])?.folder).toBe(true);
    const { freeBytes, totalBytes } = folder.space();
    expect(freeBytes).toBeGreaterThan(0);
    expect(totalBytes).toBeGreaterThanOrEqual(freeBytes);
  });
});
