// SPDX-License-Identifier: MIT
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const PREFIX = 'arm-linux-gnueabi-';

/** `undefined` when the GNU assembler for ARM is there, else the command that installs it. */
export function missingAssembler(): string | undefined {
  const works = spawnSync(`${PREFIX}as`, ['--version']).status === 0;
  return works ? undefined : 'apt-get install gcc-arm-linux-gnueabi libc6-dev-armel-cross';
}

export interface AssemblyOptions {
  /** -march of the assembler. */
  readonly arch: string;
  /** Address of .text. */
  readonly origin?: number;
  /** Runs the C preprocessor first, with these files beside the source. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** Assembles and links a source, and returns the bytes from `origin` on. */
export function assembleArm(source: string, options: AssemblyOptions): Uint8Array {
  const folder = mkdtempSync(join(tmpdir(), 'emeritus-arm-'));
  const file = (name: string): string => join(folder, name);
  try {
    writeFileSync(file('a.s'), source);
    if (options.headers !== undefined) {
      for (const [name, text] of Object.entries(options.headers)) writeFileSync(file(name), text);
      execFileSync(`${PREFIX}cpp`, ['-P', '-x', 'assembler-with-cpp', '-I', folder, file('a.s'), '-o', file('b.s')]);
      writeFileSync(file('a.s'), readFileSync(file('b.s')));
    }
    execFileSync(`${PREFIX}as`, [`-march=${options.arch}`, '-mfloat-abi=soft', '-o', file('a.o'), file('a.s')], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    const origin = (options.origin ?? 0).toString(16);
    execFileSync(`${PREFIX}ld`, ['-Ttext', origin, '-e', '0', '--no-warn-mismatch', '-o', file('a.elf'), file('a.o')], {
      stdio: ['ignore', 'ignore', 'ignore'],
    });
    execFileSync(`${PREFIX}objcopy`, ['-O', 'binary', file('a.elf'), file('a.bin')]);
    return readFileSync(file('a.bin'));
  } finally {
    rmSync(folder, { recursive: true });
  }
}
