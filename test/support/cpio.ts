// SPDX-License-Identifier: MIT
import { chmodSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { gunzipSync } from 'node:zlib';

const HEADER_BYTES = 110;
const TYPE = 0o170000;
const DIRECTORY = 0o040000;
const FILE = 0o100000;
const LINK = 0o120000;

/** Unpacks the folders, files and links of a gzip-compressed initramfs ("newc") into `folder`; device nodes are left out. */
export function unpackInitramfs(path: string, folder: string): void {
  const bytes = gunzipSync(readFileSync(path));
  const align = (at: number): number => (at + 3) & ~3;
  for (let at = 0; ;) {
    const field = (n: number): number => parseInt(bytes.toString('latin1', at + 6 + n * 8, at + 14 + n * 8), 16);
    if (bytes.toString('latin1', at, at + 6) !== '070701') throw new Error(`no cpio header at ${at}`);
    const [mode, size, nameBytes] = [field(1), field(6), field(11)];
    const name = bytes.toString('utf8', at + HEADER_BYTES, at + HEADER_BYTES + nameBytes - 1);
    const data = align(at + HEADER_BYTES + nameBytes);
    if (name === 'TRAILER!!!') return;
    const target = join(folder, name);
    mkdirSync(dirname(target), { recursive: true });
    const content = bytes.subarray(data, data + size);
    if ((mode & TYPE) === DIRECTORY) mkdirSync(target, { recursive: true });
    else if ((mode & TYPE) === LINK) symlinkSync(content.toString().replace(/\0$/, ''), target);
    else if ((mode & TYPE) === FILE) {
      writeFileSync(target, content);
      chmodSync(target, mode & 0o777);
    }
    at = align(data + size);
  }
}
