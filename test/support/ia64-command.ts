// SPDX-License-Identifier: MIT
//
// `emeritus run` as tests use it: as a command of its own.
import { type SpawnSyncReturns, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { guest } from './inputs.ts';

export const EMERITUS = fileURLToPath(new URL('../../bin/emeritus', import.meta.url));

/** The folder with `bin`, `expected` and `sysroot`. */
export const ia64Set = guest('ia64', 'a folder with bin/, expected/ and sysroot/');

export const ia64File = (name: string): string => join(ia64Set.path ?? '', name);

export interface CommandOptions {
  readonly cwd?: string;
  readonly input?: string | Uint8Array;
  readonly env?: NodeJS.ProcessEnv;
  readonly timeoutMs?: number;
  /** Options of `emeritus run`. */
  readonly options?: readonly string[];
}

/** What starts an IA-64 program: a program and its first arguments. */
export const runner = (options: readonly string[] = []): [string, ...string[]] => [
  process.execPath,
  EMERITUS,
  'run',
  '-L',
  ia64File('sysroot'),
  ...options,
];

export function native(program: string, args: readonly string[], options: CommandOptions = {}) {
  return spawnSync(program, args, {
    cwd: options.cwd,
    env: { ...process.env, ...options.env },
    stdio: [options.input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
    ...(options.input === undefined ? {} : { input: options.input }),
    timeout: options.timeoutMs ?? 300_000,
    killSignal: 'SIGKILL',
    maxBuffer: 256 * 1024 * 1024,
  });
}

/** Runs an IA-64 program to its end. */
export function ia64Run(args: readonly string[], options: CommandOptions = {}): SpawnSyncReturns<Buffer> {
  const [node, ...rest] = runner(options.options);
  return native(node, [...rest, ...args], options);
}

/** A folder that is removed afterwards. */
export class Scratch {
  readonly path = mkdtempSync(join(tmpdir(), 'emeritus-ia64-'));

  file(name: string): string {
    return join(this.path, name);
  }

  remove(): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}
