// SPDX-License-Identifier: MIT
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { debianFile, guest, type Input } from './inputs.ts';

const INSTALLED = '/opt/ia64/bin';
const archive = guest('ia64/toolchain.tar.xz', 'the cross compiler');
const installed = existsSync(join(INSTALLED, 'ia64-linux-gnu-g++'));

/** What the cross compiler needs. */
export const crossInputs: readonly Input[] = [
  installed ? { path: INSTALLED, provide: '' } : archive,
  debianFile('/usr/bin/ia64-linux-gnu-as', 'binutils-ia64-linux-gnu'),
  debianFile('/usr/lib/x86_64-linux-gnu/libmpc.so.3', 'libmpc3'),
];

/** PATH with the cross compiler in it; it is unpacked into `scratch` where it is not installed. */
export function crossPath(scratch: string): string {
  if (!installed) execFileSync('tar', ['-xJf', archive.path!, '-C', scratch]);
  return `${installed ? INSTALLED : join(scratch, 'opt/ia64/bin')}:${process.env['PATH'] ?? ''}`;
}
