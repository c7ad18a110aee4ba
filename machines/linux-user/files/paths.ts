// SPDX-License-Identifier: MIT
//
// Path names. They are byte strings here: one character per byte, whatever the encoding. Absolute names are looked for
// below the sysroot first, as qemu-user does with -L; what is not there is the host's.
import { EBADF, EFAULT, ENAMETOOLONG, ENOENT, ENOTDIR } from '../abi/errno.ts';
import { AT_FDCWD } from '../abi/files.ts';
import type { Kernel } from '../kernel.ts';
import type { AddressSpace } from '../memory/address-space.ts';
import type { Process, Task } from '../process/process.ts';
import { DirectoryFile } from './host-file.ts';

const PATH_MAX = 4096;

export const bytesToText = (bytes: Uint8Array): string => {
  let text = '';
  for (const byte of bytes) text += String.fromCharCode(byte);
  return text;
};
export const textToBytes = (text: string): Uint8Array => Uint8Array.from(text, (character) => character.charCodeAt(0));

/** A path in program memory, or a negative error. */
export function readPath(space: AddressSpace, va: number): string | number {
  const bytes = space.readString(va, PATH_MAX - 1);
  if (typeof bytes === 'number') return bytes === -EFAULT ? bytes : -ENAMETOOLONG;
  return bytesToText(bytes);
}

/** Where an absolute path is looked up on the host. */
export function resolveSysroot(kernel: Kernel, path: string): string {
  if (kernel.sysroot === '' || !path.startsWith('/') || path.startsWith('/proc/') || path.startsWith('/dev/'))
    return path;
  const inside = kernel.sysroot + path;
  return typeof kernel.host.files.stat(inside, false) === 'number' ? path : inside;
}

/** The same path without `.`, `..` and doubled slashes; links are not looked at. */
export function normalize(path: string): string {
  const parts: string[] = [];
  for (const part of path.split('/')) {
    if (part === '' || part === '.') continue;
    if (part === '..') parts.pop();
    else parts.push(part);
  }
  return `/${parts.join('/')}`;
}

/** The host's name of `path` as seen from `dirfd`. `lookup` is false for what is about to be created or removed. */
export function resolveAt(kernel: Kernel, task: Task, dirfd: number, path: string, lookup: boolean): string | number {
  if (path.startsWith('/')) return lookup ? resolveSysroot(kernel, path) : path;
  if (path === '') return -ENOENT;
  if (dirfd === AT_FDCWD) return `${task.process.fs.cwd === '/' ? '' : task.process.fs.cwd}/${path}`;
  const file = task.process.files.get(dirfd);
  if (file === undefined) return -EBADF;
  if (!(file instanceof DirectoryFile)) return -ENOTDIR;
  return `${file.path}/${path}`;
}

export type ProcEntry =
  | { readonly kind: 'exe' | 'cwd' | 'root'; readonly process: Process }
  | { readonly kind: 'fd'; readonly process: Process; readonly fd: number }
  | { readonly kind: 'text'; readonly process: Process; readonly name: string };

const TEXTS = new Set(['maps', 'cmdline', 'comm', 'stat', 'status', 'statm', 'environ', 'auxv', 'limits', 'mountinfo']);

/** Names in /proc (and /dev/fd) that mean something of the guest's, not of the host's. */
export function procEntry(kernel: Kernel, task: Task, path: string): ProcEntry | undefined {
  const { process } = task;
  const std = /^\/dev\/(?:fd\/(\d+)|std(in|out|err))$/.exec(path);
  if (std !== null) {
    const fd = std[1] === undefined ? ['in', 'out', 'err'].indexOf(std[2]!) : Number(std[1]);
    return { kind: 'fd', process, fd };
  }
  const match = /^\/proc\/(self|thread-self|\d+)(?:\/task\/\d+)?\/(.+)$/.exec(path);
  if (match === null) return undefined;
  const target = /^\d/.test(match[1]!) ? kernel.processes.get(Number(match[1])) : process;
  if (target === undefined) return undefined;
  const name = match[2]!;
  if (name === 'exe' || name === 'cwd' || name === 'root') return { kind: name, process: target };
  const fd = /^fd\/(\d+)$/.exec(name);
  if (fd !== null) return { kind: 'fd', process: target, fd: Number(fd[1]) };
  if (TEXTS.has(name) && name !== 'mountinfo') return { kind: 'text', process: target, name };
  return undefined;
}
