// SPDX-License-Identifier: MIT
import { readImage } from '../host/files.ts';
import { UserError } from '../host/user-error.ts';
import { MAX_PASSWORD_BYTES } from '../spice/protocol.ts';

/** The first line of a file; `option` is what named the file. */
export function readPassword(path: string, option: string): string {
  const { bytes } = readImage(path, option);
  const password = Buffer.from(bytes.subarray(0, 4096)).toString('utf8').split(/\r?\n/, 1)[0]!;
  const length = Buffer.byteLength(password);
  if (length === 0 || length > MAX_PASSWORD_BYTES) {
    const found = `the first line of ${path} has ${length} bytes; 1 to ${MAX_PASSWORD_BYTES} work`;
    throw new UserError('EMERITUS_DISPLAY', `${option}: ${found}`);
  }
  return password;
}
