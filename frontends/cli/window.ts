// SPDX-License-Identifier: MIT
//
// `--display sdl`: our own viewer as a child process.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { packageRoot } from '../host/package-root.ts';
import { EXIT } from './exit-codes.ts';

/** A folder that only this user can enter, for the socket between the two; it goes with `remove`. */
export function privateFolder(): { readonly path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), 'emeritus-'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

/**
 * Starts `emeritus view` on a socket. When the user closes it, or it cannot begin, `ended` is called with the exit code
 * for this process; when it dies otherwise, the machine goes on and the user is told how to come back.
 */
export function startWindow(
  socket: string,
  words: readonly string[],
  say: (line: string) => void,
  ended: (exitCode: number) => void,
): { close(): void } {
  const url = `spice+unix://${socket}`;
  const command = [join(packageRoot(), 'bin', 'emeritus'), 'view', '--sdl', ...words, url];
  const child = spawn(process.execPath, command, { stdio: ['ignore', 'ignore', 'pipe'] });
  let closed = false;
  let errors = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    const lines = (errors + text).split('\n');
    errors = lines.pop()!.slice(-1000);
    if (!closed) lines.forEach((line) => say(line));
  });
  child.on('error', (error) => say(`emeritus: the viewer cannot be started: ${error.message}`));
  child.on('exit', (code) => {
    if (closed) return;
    if (code === EXIT.ok || code === EXIT.usage) ended(code);
    else say(`emeritus: the viewer has failed; "emeritus view ${url}" shows the screen again`);
  });
  return {
    close: () => {
      closed = true;
      child.kill();
    },
  };
}
