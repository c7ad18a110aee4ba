// SPDX-License-Identifier: MIT
//
// test/guests/ia64-ipc, built for IA-64 and for this machine, prints the same on both.
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Scratch, ia64Run, ia64Set, native } from '../support/ia64-command.ts';
import { crossInputs, crossPath } from '../support/ia64-toolchain.ts';
import { debianFile, missing } from '../support/inputs.ts';

const build = fileURLToPath(new URL('../guests/ia64-ipc/build.sh', import.meta.url));
const lacks = missing(ia64Set, ...crossInputs, debianFile('/usr/bin/gcc', 'gcc'));

describe.skipIf(lacks !== '')(`processes on IA-64${lacks && ` (lacks ${lacks})`}`, () => {
  let scratch: Scratch;
  beforeAll(() => {
    scratch = new Scratch();
    const env = { ...process.env, PATH: crossPath(scratch.path) };
    execFileSync(build, [scratch.file('native')], { env, stdio: 'pipe' });
    execFileSync(build, [scratch.file('ia64'), 'ia64-linux-gnu-'], { env, stdio: 'pipe' });
  });
  afterAll(() => scratch.remove());

  it('share semaphores, message queues and memory, and get signals from programs of the host', () => {
    const expected = native(join(scratch.file('native'), 'ipc'), []);
    expect(expected.stdout.toString()).toContain('waiter 21\n');
    expect(expected.stdout.toString()).toContain('signal 10: 10, status 0\n');
    const result = ia64Run([join(scratch.file('ia64'), 'ipc')]);
    expect(result.stdout.toString()).toBe(expected.stdout.toString());
    expect([result.status, result.signal]).toEqual([0, null]);
  });
});
