// SPDX-License-Identifier: MIT
import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, statSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import type { NonVolatile } from '../../machines/backplane/host.ts';
import { fileProblem } from './files.ts';
import { UserError } from './user-error.ts';

/** No battery-backed memory is larger. */
const MAX_BYTES = 1 << 20;

/** Battery-backed memory in a file that is, at every moment, either the old or the new one as a whole. */
export function fileNonVolatile(path: string): NonVolatile {
  return {
    load: () => {
      try {
        const { size } = statSync(path);
        if (size > MAX_BYTES) throw new Error(`it has ${size} bytes, the limit is ${MAX_BYTES}`);
        return new Uint8Array(readFileSync(path));
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
        throw new UserError('EMERITUS_STATE', `cannot read battery-backed memory ${path}: ${fileProblem(error)}`);
      }
    },
    store: (bytes) => {
      try {
        mkdirSync(dirname(path), { recursive: true });
        replaceFile(path, bytes);
      } catch (error) {
        throw new UserError('EMERITUS_STATE', `cannot write battery-backed memory ${path}: ${fileProblem(error)}`);
      }
    },
  };
}

/** Battery-backed memory that lasts as long as the process. */
export function memoryNonVolatile(): NonVolatile {
  let kept: Uint8Array | undefined;
  return {
    load: () => kept?.slice(),
    store: (bytes) => {
      kept = bytes.slice();
    },
  };
}

function replaceFile(path: string, bytes: Uint8Array): void {
  const temporary = `${path}.${process.pid}.new`;
  const file = openSync(temporary, 'w', 0o666);
  try {
    for (let done = 0; done < bytes.length;) done += writeSync(file, bytes, done);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(temporary, path);
}
