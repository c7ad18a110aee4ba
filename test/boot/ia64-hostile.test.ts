// SPDX-License-Identifier: MIT
//
// Files that are no programs, and programs that mean no good: the command says what is wrong, or the program ends by its
// own fault. Nothing ends or stops the emulator.
import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, copyFileSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'; // prettier-ignore
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Scratch, type CommandOptions, ia64File, ia64Run, ia64Set, native, runner } from '../support/ia64-command.ts';
import { crossInputs, crossPath } from '../support/ia64-toolchain.ts';
import { missing } from '../support/inputs.ts';
import { random } from '../support/random.ts';

const all = process.env['EMERITUS_TEST_ALL'] !== undefined;
const lacks = missing(ia64Set);
const EMULATOR = /internal error|node:|Error:|at .*\.js:/;

let scratch: Scratch;
beforeAll(() => {
  scratch = new Scratch();
});
afterAll(() => scratch.remove());

describe.skipIf(lacks !== '')(`files that do not run${lacks && ` (lacks ${lacks})`}`, () => {
  const hello = (): Buffer => readFileSync(ia64File('bin/hello.static'));
  const changed = (change: (view: DataView, file: Buffer) => void): Buffer => {
    const file = hello();
    change(new DataView(file.buffer, file.byteOffset, file.byteLength), file);
    return file;
  };
  const executable = (name: string, content: string | Uint8Array): string => {
    const path = scratch.file(name);
    writeFileSync(path, content);
    chmodSync(path, 0o755);
    return path;
  };
  /** Status and the one line of the command. */
  const problem = (path: string, options: CommandOptions = {}): [number | null, string] => {
    const result = ia64Run([path], options);
    expect(result.stdout.toString()).toBe('');
    const lines = result.stderr.toString().split('\n');
    expect(lines).toHaveLength(2);
    return [result.status, lines[0]!.replace(`emeritus: ${path}: `, '')];
  };

  it('is told in one line why, with the status shells give', () => {
    const cases: [string, string | Uint8Array, RegExp][] = [
      ['empty', '', /^an empty file$/],
      ['text', 'hello\n', /^not a program$/],
      ['magic-only', hello().subarray(0, 8), /^truncated ELF header$/],
      ['headers-only', hello().subarray(0, 100), /^truncated program headers$/],
      ['half', hello().subarray(0, 200_000), /^truncated: a segment is missing$/],
      ['x86-64', changed((view) => view.setUint16(18, 62, true)), /another machine/],
      ['32-bit', changed((view) => view.setUint8(4, 1)), /another machine|32-bit/],
      ['big-endian', changed((view) => (view.setUint8(5, 2), view.setUint16(18, 50, false))), /big-endian/],
      ['hp-ux', changed((view) => view.setUint8(7, 1)), /HP-UX/],
      ['object', changed((view) => view.setUint16(16, 1, true)), /object file/],
      ['no-headers', changed((view) => view.setUint16(56, 0, true)), /corrupt program headers/],
      ['far-headers', changed((view) => view.setBigUint64(32, ~0n, true)), /program headers/],
    ];
    for (const [name, content, message] of cases) {
      const [status, line] = problem(executable(name, content));
      expect([name, status, line]).toEqual([name, 126, expect.stringMatching(message)]);
    }
    expect(problem(scratch.file('absent'))).toEqual([127, 'no such file']);
    expect(problem(scratch.path)).toEqual([126, 'permission denied']);
    const plain = executable('plain', hello());
    chmodSync(plain, 0o644);
    expect(problem(plain)).toEqual([126, 'permission denied']);
    expect(problem('/bin/true')).toEqual([126, 'a program for another machine, not IA-64 Linux']);
    symlinkSync('loop', scratch.file('loop'));
    expect(problem(scratch.file('loop'))[0]).toBe(126);
    expect(problem(executable('script', '#!/no/such/shell\n'))).toEqual([
      127,
      'its interpreter /no/such/shell: no such file',
    ]);
  });

  it('is told when the interpreter is missing or bad', () => {
    const dynamic = ia64File('bin/hello.dyn');
    const [, ...args] = runner();
    const without = native(process.execPath, [...args.slice(0, 2), dynamic]);
    expect(without.stderr.toString()).toMatch(/^emeritus: .*: its interpreter \S+ is missing; .* with -L\n$/);
    expect(without.status).toBe(127);
    mkdirSync(scratch.file('root/lib'), { recursive: true });
    const bad = scratch.file('root/lib/ld-linux-ia64.so.2');
    copyFileSync('/bin/true', bad);
    const foreign = native(process.execPath, [...args.slice(0, 2), '-L', scratch.file('root'), dynamic]);
    expect(foreign.stderr.toString()).toMatch(/^emeritus: .*: its interpreter \S+: a program for x86-64, .*\n$/);
    expect(foreign.status).toBe(126);
  });

  it.skipIf(process.getuid?.() !== 0)('is told that a file cannot be read (as root only: needs another user)', () => {
    const secret = executable('secret', hello());
    chmodSync(secret, 0o711);
    chmodSync(scratch.path, 0o755);
    const [node, ...args] = runner();
    const result = native('/usr/bin/setpriv', ['--reuid=65534', '--clear-groups', node, ...args, secret]);
    expect(result.stderr.toString()).toBe(`emeritus: ${secret}: permission denied\n`);
    expect(result.status).toBe(126);
  });

  it('ends by itself or by a signal when its headers or its code are damaged', () => {
    const next = random(2026);
    const below = (n: number): number => Math.floor(next() * n);
    const damaged = scratch.file('damaged');
    let refused = 0;
    for (let n = 0; n < (all ? 1000 : 25); n++) {
      const file = hello();
      if (n % 2 === 0) for (let k = 0; k < 6; k++) file[below(0x180)] = below(256);
      // Code that is run, most of it.
      else for (let k = 0; k < 40; k++) file[0x200 + below(0x4_0000)] = below(256);
      executable('damaged', file);
      const result = ia64Run([damaged], { timeoutMs: 20_000 });
      const said = result.stderr.toString();
      expect(said).not.toMatch(EMULATOR);
      // A program may wait or turn for ever; that is its own affair, but it can be ended.
      expect(result.status !== null || result.signal !== null).toBe(true);
      if (said.startsWith('emeritus: ')) {
        refused++;
        expect(said.trim().split('\n')).toHaveLength(1);
        expect([126, 127]).toContain(result.status);
      }
    }
    expect(refused).toBeGreaterThan(0);
  }, 3_600_000);
});

const build = fileURLToPath(new URL('../guests/ia64-abuse/build.sh', import.meta.url));
const lacksCompiler = missing(ia64Set, ...crossInputs);

describe.skipIf(lacksCompiler !== '')(
  `programs that mean no good${lacksCompiler && ` (lacks ${lacksCompiler})`}`,
  () => {
    let built: string;
    beforeAll(() => {
      built = scratch.file('abuse');
      const env = { ...process.env, PATH: crossPath(scratch.path) };
      execFileSync(build, [built, 'ia64-linux-gnu-'], { env, stdio: 'pipe' });
      chmodSync(scratch.path, 0o755);
    });
    const run = (name: string, ...args: string[]) => ia64Run([join(built, name), ...args]);

    it.each([
      ['read', 'SIGSEGV'],
      ['write', 'SIGSEGV'],
      ['call', 'SIGSEGV'],
      ['stack', 'SIGSEGV'],
    ])('a wild %s is the signal of the program', (how, signal) => {
      const result = run('wild', how);
      expect([result.status, result.signal]).toEqual([null, signal]);
      expect(result.stderr.toString()).toBe('');
    });

    it('--log guest tells where a program went wrong', () => {
      const result = ia64Run([join(built, 'wild'), 'read'], { options: ['--log', 'guest'] });
      expect(result.stderr.toString()).toMatch(
        /^emeritus: wild\[\d+\] at 0x40000000000[0-9a-f]{5} slot \d: read: no such access to 0x7123456789abcdef: SIGSEGV\n$/,
      );
    });

    it('every one of many wild accesses comes back as a signal', () => {
      const result = run('wild', all ? '1000000' : '30000', '5');
      expect(result.stderr.toString()).toMatch(/^\d+ faults, \d+ harmless\n$/);
      expect(result.status).toBe(0);
    });

    it.each([
      ['map', 'map: Cannot allocate memory\n'],
      ['brk', 'brk: Cannot allocate memory\n'],
      ['malloc', 'malloc: Cannot allocate memory\n'],
      ['many', 'many: 1\n'],
      ['fork', 'fork: 1\n'],
    ])('takes all memory by %s', (how, output) => {
      const result = run('memory', how);
      expect([result.stdout.toString(), result.stderr.toString(), result.status]).toEqual([output, '', 0]);
    });

    it('a program that fills all memory is killed', () => {
      const result = run('memory', 'touch');
      expect([result.status, result.signal, result.stderr.toString()]).toEqual([null, 'SIGKILL', '']);
    });

    it('forks and makes threads until it may not', () => {
      const result = run('forks');
      expect(result.stdout.toString()).toBe('processes: well\nthreads: well\ngenerations: well\n');
      expect([result.status, result.stderr.toString()]).toEqual([0, '']);
    });

    it('makes random system calls', () => {
      const folder = scratch.file('calls');
      mkdirSync(join(folder, 'inside'), { recursive: true });
      const [node, ...args] = runner();
      const count = all ? 1_000_000 : 30_000;
      const command = [node, ...args, join(built, 'calls'), String(count), '2026'];
      const isRoot = process.getuid?.() === 0;
      if (isRoot) for (const path of [folder, join(folder, 'inside')]) chownSync(path, 65534, 65534);
      // Nobody, with little room: what a call may reach is this folder.
      const limits = ['--nproc=4096', '--fsize=67108864', '--core=0'];
      const user = isRoot ? ['/usr/bin/setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'] : [];
      const result = native('/usr/bin/prlimit', [...limits, ...user, ...command], {
        cwd: join(folder, 'inside'),
        timeoutMs: all ? 3_000_000 : 300_000,
      });
      expect(result.stderr.toString()).toBe('');
      expect(result.stdout.toString()).toMatch(/^\d+ calls in \d+ rounds, \d+ errors; .* ended\n$/);
      expect(Number.parseInt(result.stdout.toString())).toBeGreaterThanOrEqual(count);
      expect([result.status, result.signal]).toEqual([0, null]);
    }, 3_600_000);
  },
);
