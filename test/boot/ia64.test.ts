// SPDX-License-Identifier: MIT
//
// The IA-64 programs in $EMERITUS_GUESTS/ia64 through the command, each against its expected output.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { guest, missing } from '../support/inputs.ts';

const command = fileURLToPath(new URL('../../bin/emeritus', import.meta.url));
const programs = guest('ia64/bin');
const present = programs.path !== undefined;
const folder = present ? dirname(programs.path) : '';
const names = present ? readdirSync(join(folder, 'expected')).map((file) => file.replace(/\.txt$/, '')) : [];

function run(args: readonly string[], work: string) {
  return spawnSync(process.execPath, [command, 'run', '-L', 'sysroot', ...args], {
    cwd: folder,
    env: { ...process.env, TMPDIR: work },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 300_000,
    killSignal: 'SIGKILL',
    maxBuffer: 64 * 1024 * 1024,
  });
}

describe.skipIf(!present)(`IA-64 programs${present ? '' : ` (needs ${missing(programs)})`}`, () => {
  for (const name of names) {
    for (const kind of ['static', 'dyn']) {
      const program = join('bin', `${name}.${kind}`);
      if (!existsSync(join(folder, program))) continue;
      // signals.c sets a timer of 50 ms, or has a child wait for as long, and then calls nanosleep, pause, read or waitpid.
      // When a busy host keeps it from running for so long in between, the handler is over before the call, which then
      // nothing interrupts. Natively that is rarer: at a load of 10, nanosleep missed timers of 1 ms 3 times in 800 and
      // waitpid never; here one run in about 60 fails.
      const retry = name === 'signals' ? 2 : 0;
      it(`${name}.${kind}`, { retry }, () => {
        const work = mkdtempSync(join(tmpdir(), 'emeritus-ia64-'));
        try {
          mkdirSync(join(work, 'bb'));
          const args =
            name === 'busybox'
              ? [program, 'ash', 'src/busybox.sh', join(folder, program), join(work, 'bb')]
              : [program];
          const result = run(args, work);
          let output = result.stdout.toString('latin1');
          // Times are not compared.
          if (name === 'bench') output = output.replace(/ [0-9.]* s$/gm, '');
          expect(output).toBe(readFileSync(join(folder, 'expected', `${name}.txt`), 'latin1'));
          expect([result.status, result.signal]).toEqual([0, null]);
        } finally {
          rmSync(work, { recursive: true, force: true });
        }
      });
    }
  }

  it.each([
    ['no/such/program', 127, /no such file/],
    ['src/hello.c', 126, /permission denied/],
    ['bin', 126, /permission denied/],
  ])('says in one line why %s does not run', (program, status, message) => {
    const result = run([program], tmpdir());
    expect(result.status).toBe(status);
    expect(result.stderr.toString()).toMatch(message);
    expect(result.stderr.toString().trim().split('\n')).toHaveLength(1);
  });
});
