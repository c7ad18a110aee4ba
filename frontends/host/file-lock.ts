// SPDX-License-Identifier: MIT
//
// Advisory lock: FILE.lock, created exclusively, holding the owner's process id, host name and start time. Node has no
// flock. A lock whose owner no longer runs is taken over, so a killed emulator leaves nothing to clean up; two
// processes taking over the same dead lock in the same instant are not told apart.
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';

export interface LockOwner {
  readonly pid: number;
  readonly host: string;
}

/** Locks this thread holds, by path of the lock file. */
const held = new Set<string>();
let cleansUp = false;

export class FileLock {
  readonly #path: string;

  private constructor(path: string) {
    this.#path = path;
  }

  /** The lock, or who has it. Throws Node's error when the folder cannot be written. */
  static take(file: string): FileLock | LockOwner {
    const path = `${file}.lock`;
    for (let attempt = 0; attempt < 2; attempt++) {
      try {
        writeFileSync(path, `${process.pid} ${hostname()} ${startTime(process.pid)}\n`, { flag: 'wx' });
        held.add(path);
        if (!cleansUp) process.on('exit', releaseAll);
        cleansUp = true;
        return new FileLock(path);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
        const owner = liveOwner(path);
        if (owner !== undefined) return owner;
        rmSync(path, { force: true });
      }
    }
    return { pid: 0, host: 'unknown' };
  }

  /** Who else holds the lock of `file`, if anybody does. */
  static holder(file: string): LockOwner | undefined {
    return liveOwner(`${file}.lock`);
  }

  release(): void {
    if (held.delete(this.#path)) rmSync(this.#path, { force: true });
  }
}

function releaseAll(): void {
  for (const path of held) rmSync(path, { force: true });
  held.clear();
}

/** Who holds the lock file, or `undefined` when that process is gone. */
function liveOwner(path: string): LockOwner | undefined {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
  const [pidText, host = '', started = ''] = text.trim().split(' ');
  const pid = Number(pidText);
  if (!Number.isInteger(pid) || pid <= 0) return undefined;
  if (host !== hostname()) return { pid, host };
  if (pid === process.pid) return held.has(path) ? { pid, host } : undefined;
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return undefined;
  }
  // The number may have been given to another process since.
  const now = startTime(pid);
  return started !== '' && now !== '' && started !== now ? undefined : { pid, host };
}

/** When a process began, in the kernel's ticks since boot; empty where /proc does not tell. */
function startTime(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // Field 22 [proc(5)]; the command in parentheses, field 2, may contain spaces.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
  } catch {
    return '';
  }
}
