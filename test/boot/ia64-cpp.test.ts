// SPDX-License-Identifier: MIT
//
// test/guests/ia64-cpp, built for IA-64 and for this machine, does the same on both.
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Scratch, ia64Run, ia64Set, native } from '../support/ia64-command.ts';
import { crossInputs, crossPath } from '../support/ia64-toolchain.ts';
import { debianFile, missing } from '../support/inputs.ts';

const build = fileURLToPath(new URL('../guests/ia64-cpp/build.sh', import.meta.url));
const lacks = missing(ia64Set, ...crossInputs, debianFile('/usr/bin/g++', 'g++'));

describe.skipIf(lacks !== '')(`a C++ program for IA-64${lacks && ` (lacks ${lacks})`}`, () => {
  let scratch: Scratch;
  beforeAll(() => {
    scratch = new Scratch();
    const env = { ...process.env, PATH: crossPath(scratch.path) };
    execFileSync(build, [scratch.file('native')], { env, stdio: 'pipe' });
    execFileSync(build, [scratch.file('ia64'), 'ia64-linux-gnu-'], { env, stdio: 'pipe' });
  });
  afterAll(() => scratch.remove());

  it('throws across libraries, runs threads, matches expressions and loads plug-ins as its native build', () => {
    const expected = native(join(scratch.file('native'), 'main'), []);
    expect(expected.stdout.toString()).toMatch(/^cancelled: 1/m);
    const result = ia64Run([join(scratch.file('ia64'), 'main')]);
    expect(result.stdout.toString()).toBe(expected.stdout.toString());
    expect([result.status, result.signal]).toEqual([expected.status, expected.signal]);
    expect(result.status).toBe(37);
  });
});
