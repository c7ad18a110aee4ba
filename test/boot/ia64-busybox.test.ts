// SPDX-License-Identifier: MIT
//
// BusyBox for IA-64 does what BusyBox of the host does: pipelines, a web server, long files, a shell on a terminal.
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Scratch, ia64File, ia64Run, ia64Set, native, runner } from '../support/ia64-command.ts';
import { debianFile, missing } from '../support/inputs.ts';
import { random } from '../support/random.ts';

const hostBusybox = debianFile('/usr/bin/busybox', 'busybox');
const curl = debianFile('/usr/bin/curl', 'curl');
const lacks = missing(ia64Set, hostBusybox);
const KINDS = ['static', 'dyn'] as const;
const busybox = (kind: (typeof KINDS)[number]): string => ia64File(`bin/busybox.${kind}`);

const PIPELINE = 'seq 1 1000 | sort -r | head -3 | tr 0-9 a-j; ls /bin | wc -l; find . -name "*.c" | xargs md5sum';

/** Lines of words and numbers, the same every time. */
function longText(bytes: number): string {
  const next = random(64);
  const words = ['alpha', 'beta', 'gamma', 'delta', 'itanium', 'bundle', '42', 'x', 'rotating', 'predicate'];
  const lines: string[] = [];
  for (let size = 0; size < bytes;) {
    const line = Array.from({ length: 3 + Math.floor(next() * 12) }, () =>
      next() < 0.7 ? words[Math.floor(next() * words.length)] : String(Math.floor(next() * 1e6)),
    ).join(' ');
    lines.push(line);
    size += line.length + 1;
  }
  return `${lines.join('\n')}\n`;
}

let scratch: Scratch;
beforeAll(() => {
  scratch = new Scratch();
});
afterAll(() => scratch.remove());

describe.skipIf(lacks !== '')(`BusyBox for IA-64${lacks && ` (lacks ${lacks})`}`, () => {
  const sources = (): string => {
    const folder = scratch.file('tree');
    mkdirSync(join(folder, 'sub/deep'), { recursive: true });
    for (let i = 0; i < 30; i++)
      writeFileSync(join(folder, ['.', 'sub', 'sub/deep'][i % 3]!, `f${i}.c`), `int f${i};\n`);
    return folder;
  };
  /** A folder of links by which the applets are commands. */
  const applets = (kind: (typeof KINDS)[number]): string => {
    const folder = scratch.file(`applets-${kind}`);
    mkdirSync(folder);
    for (const name of ['seq', 'sort', 'head', 'tr', 'ls', 'wc', 'find', 'xargs', 'md5sum']) {
      symlinkSync(busybox(kind), join(folder, name));
    }
    return folder;
  };

  for (const kind of KINDS) {
    it(`runs a shell's pipelines, ${kind}`, () => {
      const cwd = sources();
      const expected = native(hostBusybox.path!, ['sh', '-c', PIPELINE], { cwd });
      expect(expected.stdout.toString()).toMatch(/^jjj\njji\njjh\n\d+\n[0-9a-f]{32} {2}\.\//);
      // Once with the host's commands in the pipelines, once with IA-64 ones everywhere.
      const mixed = ia64Run([busybox(kind), 'sh', '-c', PIPELINE], { cwd });
      expect(mixed.stdout.toString()).toBe(expected.stdout.toString());
      const pure = ia64Run([busybox(kind), 'sh', '-c', PIPELINE], { cwd, env: { PATH: applets(kind) } });
      expect(pure.stderr.toString()).toBe('');
      expect(pure.stdout.toString()).toBe(expected.stdout.toString());
      expect([mixed.status, pure.status]).toEqual([0, 0]);
    });
  }

  describe.skipIf(curl.path === undefined)(`httpd${curl.path === undefined ? ` (lacks ${curl.provide})` : ''}`, () => {
    for (const kind of KINDS) {
      it(`serves files to a program of the host, ${kind}`, async () => {
        const folder = scratch.file(`www-${kind}`);
        mkdirSync(folder);
        const next = random(7);
        const content = Uint8Array.from({ length: 3_000_001 }, () => next() * 256);
        writeFileSync(join(folder, 'file.bin'), content);
        writeFileSync(join(folder, 'index.html'), '<p>IA-64</p>\n');
        const port = await freePort();
        const [node, ...args] = runner();
        const server = spawn(node, [...args, busybox(kind), 'httpd', '-f', '-p', `127.0.0.1:${port}`, '-h', folder], {
          stdio: 'ignore',
        });
        const ended = exit(server);
        try {
          const fetched = scratch.file(`fetched-${kind}`);
          const fetch = (path: string, ...more: string[]) =>
            native(curl.path!, ['-sS', '--retry', '20', '--retry-connrefused', '--retry-delay', '1', ...more,
              `http://127.0.0.1:${port}/${path}`]); // prettier-ignore
          expect(fetch('file.bin', '-o', fetched).status).toBe(0);
          expect(readFileSync(fetched).equals(content)).toBe(true);
          expect(fetch('').stdout.toString()).toBe('<p>IA-64</p>\n');
          expect(fetch('none', '-w', '%{http_code}').stdout.toString()).toMatch(/404$/);
          expect(fetch('file.bin', '-r', '1000-1999').stdout.equals(content.subarray(1000, 2000))).toBe(true);
        } finally {
          server.kill('SIGTERM');
        }
        expect(await ended).toEqual([null, 'SIGTERM']);
      });
    }
  });

  describe('on files of ten megabytes', () => {
    let text: string;
    let file: string;
    beforeAll(() => {
      text = longText(10 * 1024 * 1024);
      file = scratch.file('long.txt');
      writeFileSync(file, text);
    });
    const both = (...args: string[]): [Buffer, Buffer] => {
      const ours = ia64Run([busybox('static'), ...args]);
      const theirs = native(hostBusybox.path!, args);
      expect([ours.status, ours.stderr.toString()]).toEqual([theirs.status, theirs.stderr.toString()]);
      return [ours.stdout, theirs.stdout];
    };
    const same = (...args: string[]): void => {
      const [ours, theirs] = both(...args);
      expect(theirs.length).toBeGreaterThan(0);
      expect(ours.equals(theirs)).toBe(true);
    };

    it('sed edits as the host does', () => same('sed', '-e', 's/alpha/<&>/g;/^x/d;s/\\([0-9]*\\)7 /7\\1 /', file));
    it('awk adds as the host does', () =>
      same('awk', '{ n += NF; s += $2; c[$1]++; if (NR % 20000 == 0) print NR, s, length($0) } END { print n, s / NR; printf "%.9e %d\\n", s * s, c["alpha"] }', file)); // prettier-ignore
    it('gzip is undone by the host, and undoes what the host did', () => {
      // How far apart BusyBox looks for repetitions is a matter of its configuration, so streams differ.
      const [ours, theirs] = both('gzip', '-c', file);
      expect(Math.abs(ours.length / theirs.length - 1)).toBeLessThan(0.02);
      writeFileSync(scratch.file('ours.gz'), ours);
      writeFileSync(scratch.file('theirs.gz'), theirs);
      for (const name of ['ours.gz', 'theirs.gz']) {
        for (const unpacked of both('gunzip', '-c', scratch.file(name))) {
          expect(unpacked.toString('latin1') === text).toBe(true);
        }
      }
    });
    it('tar packs and unpacks as the host does', () => {
      const folder = scratch.file('packed');
      mkdirSync(join(folder, 'a/b'), { recursive: true });
      for (let i = 0; i < 10; i++) {
        const part = Math.ceil(text.length / 10);
        writeFileSync(join(folder, i < 5 ? 'a' : 'a/b', `part${i}`), text.slice(i * part, (i + 1) * part));
      }
      symlinkSync('b/part9', join(folder, 'a/link'));
      same('tar', '-c', '-C', folder, '-f', '-', 'a');
      const archive = scratch.file('archive.tar');
      writeFileSync(archive, native(hostBusybox.path!, ['tar', '-c', '-C', folder, '-f', '-', 'a']).stdout);
      same('tar', '-tvf', archive);
      mkdirSync(scratch.file('unpacked'));
      expect(ia64Run([busybox('static'), 'tar', '-x', '-C', scratch.file('unpacked'), '-f', archive]).status).toBe(0);
      const differences = native('/usr/bin/diff', ['-r', '--no-dereference', folder, scratch.file('unpacked')]);
      expect(differences.stdout.toString()).toBe('');
      expect(differences.status).toBe(0);
    });
    it('md5sum and sort agree', () => {
      same('md5sum', file);
      const part = scratch.file('part.txt');
      writeFileSync(part, text.slice(0, 1024 * 1024));
      same('sort', '-k2', part);
    });
  });
});

const exit = (child: ChildProcess): Promise<[number | null, NodeJS.Signals | null]> =>
  new Promise((resolve) => child.once('exit', (code, signal) => resolve([code, signal])));

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.on('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as { port: number };
      probe.close(() => resolve(port));
    });
  });
}

interface Pty {
  onData(listener: (data: string) => void): void;
  onExit(listener: (end: { exitCode: number }) => void): void;
  write(data: string): void;
  kill(signal?: string): void;
}
const pty = await import('@lydell/node-pty').then(
  (module) => module as unknown as { spawn(file: string, args: string[], options: object): Pty },
  () => undefined,
);

describe.skipIf(ia64Set.path === undefined || pty === undefined)(
  `a shell on a terminal${pty === undefined ? ' (lacks the optional package @lydell/node-pty)' : ''}`,
  () => {
    it('edits lines, takes Ctrl-C and controls jobs', async () => {
      const [node, ...args] = runner();
      const shell = pty!.spawn(node, [...args, busybox('static'), 'sh', '-i'], {
        cols: 80,
        rows: 24,
        env: { PATH: process.env['PATH'], PS1: '> ', HOME: scratch.path, TERM: 'vt100' },
      });
      let seen = '';
      let end: number | undefined;
      shell.onData((data) => (seen += data));
      shell.onExit(({ exitCode }) => (end = exitCode));
      /** Waits until what came since the last call has the text in it. */
      const until = async (wanted: RegExp): Promise<string> => {
        for (let tries = 0; tries < 2000 && !wanted.test(seen); tries++) await delay(10);
        expect(seen).toMatch(wanted);
        const text = seen;
        seen = '';
        return text;
      };
      /** Presses a key again and again: who it is for may not have the terminal yet. */
      const press = async (key: string, wanted: RegExp): Promise<void> => {
        for (let tries = 0; tries < 30 && !wanted.test(seen); tries++) {
          shell.write(key);
          for (let waits = 0; waits < 100 && !wanted.test(seen); waits++) await delay(10);
        }
        await until(wanted);
      };
      try {
        await until(/> $/);
        // Backspace, cursor left, home, history.
        shell.write('echo onx\x7fe\x1b[D\x1b[D\x1b[Dt\x01: ; \r');
        await until(/\n> $/);
        shell.write('echo $((6*7))-$0\r');
        await until(/\n42-[^\n]*\n> $/);
        shell.write('\x1b[A\r');
        await until(/\n42-[^\n]*\n> $/);
        shell.write('sleep 100\r');
        await until(/sleep 100\r\n/);
        await press('\x03', /> $/);
        shell.write('echo status $?\r');
        await until(/status 130\r\n> $/);
        shell.write('sleep 100\r');
        await until(/sleep 100\r\n/);
        await press('\x1a', /Stopped[^]*> $/);
        shell.write('jobs\r');
        await until(/\[1\]\+ +Stopped +sleep 100/);
        shell.write('bg\r');
        await until(/> $/);
        shell.write('jobs\r');
        await until(/\[1\]\+ +Running +sleep 100/);
        shell.write('kill %1; wait; echo gone\r');
        await until(/\ngone\r\n/);
        shell.write('exit 3\r');
        for (let tries = 0; tries < 1000 && end === undefined; tries++) await delay(10);
        expect(end).toBe(3);
      } finally {
        if (end === undefined) shell.kill('SIGKILL');
      }
    }, 120_000);
  },
);
