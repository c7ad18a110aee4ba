// SPDX-License-Identifier: MIT
//
// IA-64 programs where koffi is not installed: what needs no C library of the host runs as ever, what needs it is told
// once which call it was.
import { spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { guest, missing } from '../support/inputs.ts';

const command = fileURLToPath(new URL('../../bin/emeritus', import.meta.url));
const stub = pathToFileURL(fileURLToPath(new URL('../support/without-koffi.mjs', import.meta.url))).href;
const programs = guest('ia64/bin');
const present = programs.path !== undefined;
const folder = present ? dirname(programs.path) : '';

describe.skipIf(!present)(`IA-64 programs without koffi${present ? '' : ` (needs ${missing(programs)})`}`, () => {
  let work = '';

  beforeAll(() => {
    work = mkdtempSync(join(tmpdir(), 'emeritus-ia64-'));
  });

  afterAll(() => rmSync(work, { recursive: true, force: true }));

  /** Runs a program with a file as its standard output. */
  function run(...args: string[]) {
    const name = join(work, 'output');
    const output = openSync(name, 'w');
    const { status, signal, stderr } = spawnSync(
      process.execPath,
      ['--import', stub, command, 'run', '-L', 'sysroot', ...args],
      { cwd: folder, env: { ...process.env, TMPDIR: work }, stdio: ['ignore', output, 'pipe'], timeout: 120_000 },
    );
    closeSync(output);
    return { status, signal, output: readFileSync(name, 'latin1'), errors: stderr.toString() };
  }

  it.each(['hello.static', 'hello.dyn', 'ints.static', 'calls.static', 'threads.static'])('runs %s', (program) => {
    const result = run(join('bin', program));
    expect(result.errors).toBe('');
    expect(result.output).toBe(readFileSync(join(folder, 'expected', `${program.replace(/\..*/, '')}.txt`), 'latin1'));
    expect([result.status, result.signal]).toEqual([0, null]);
  });

  it('lists directories', () => {
    const result = run(join('bin', 'busybox.static'), 'ls', '-a', 'src');
    expect(result.errors).toBe('');
    expect(result.output.trimEnd().split('\n').sort()).toEqual(['.', '..', ...readdirSync(join(folder, 'src'))].sort());
    expect(result.status).toBe(0);
  });

  it('names the first call that needs it, in one line', () => {
    const result = run(join('bin', 'busybox.static'), 'sh', '-c', 'echo one | cat; echo two | cat');
    expect(result.errors.split('\n').filter((line) => line.includes('koffi'))).toEqual([
      'emeritus: the program needs pipe2 of the host, which needs the koffi package on Linux',
    ]);
    expect(result.status).not.toBe(0);
  });

  it('gives a program that needs positions of files an error, not an end', () => {
    const result = run(join('bin', 'files.static'));
    expect(result.errors).toBe(
      'emeritus: the program needs lseek of the host, which needs the koffi package on Linux\n',
    );
    expect(result.signal).toBeNull();
  });
});
