// SPDX-License-Identifier: MIT
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { basename } from 'node:path';
import { gunzipSync } from 'node:zlib';
import type { Image } from '../../machines/backplane/machine.ts';
import { UserError } from './user-error.ts';

/** Nothing a machine loads whole (kernel, initrd, ROM) is larger. */
const MAX_IMAGE_BYTES = 512 << 20;

/** Why a file could not be used, in words. */
export function fileProblem(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  switch (code) {
    case 'ENOENT':
      return 'there is no such file';
    case 'EACCES':
    case 'EPERM':
      return 'permission denied';
    case 'EISDIR':
      return 'it is a folder';
    default:
      return message;
  }
}

/**
 * Reads a whole file, decompressing it when it is gzip.
 * @param what what it is for, as in "--kernel"; begins the message of the {@link UserError}.
 */
export function readImage(path: string, what: string): Image {
  let bytes: Uint8Array;
  try {
    bytes = readWhole(path);
  } catch (error) {
    throw new UserError('EMERITUS_FILE', `${what}: cannot read ${path}: ${fileProblem(error)}`);
  }
  if (bytes.length === 0) throw new UserError('EMERITUS_FILE', `${what}: ${path} is empty`);
  if (bytes[0] === 0x1f && bytes[1] === 0x8b) {
    try {
      bytes = gunzipSync(bytes, { maxOutputLength: MAX_IMAGE_BYTES });
    } catch (error) {
      throw new UserError(
        'EMERITUS_FILE',
        `${what}: ${path} looks like gzip but cannot be decompressed: ${(error as Error).message}`,
      );
    }
  }
  return { title: basename(path), bytes: new Uint8Array(bytes) };
}

function readWhole(path: string): Uint8Array {
  const descriptor = openSync(path, 'r');
  try {
    const stat = fstatSync(descriptor);
    if (stat.isDirectory()) throw Object.assign(new Error('is a directory'), { code: 'EISDIR' });
    if (stat.size > MAX_IMAGE_BYTES) throw new Error(`it has ${stat.size} bytes, the limit is ${MAX_IMAGE_BYTES}`);
    const bytes = new Uint8Array(stat.size);
    let done = 0;
    while (done < bytes.length) {
      const got = readSync(descriptor, bytes, done, bytes.length - done, null);
      if (got === 0) break;
      done += got;
    }
    return bytes.subarray(0, done);
  } finally {
    closeSync(descriptor);
  }
}
