// SPDX-License-Identifier: MIT
//
// How calls find and install files: by descriptor, and by path as the host knows it.
import { AT_FDCWD, O_CLOEXEC } from '../abi/files.ts';
import type { OpenFile } from '../files/open-file.ts';
import { readPath, resolveAt } from '../files/paths.ts';
import type { Kernel } from '../kernel.ts';
import type { Task } from '../process/process.ts';
import type { SyscallArguments } from './arguments.ts';

export const limitOfFiles = (task: Task): number => task.process.limit(7);

export const fileOf = (task: Task, args: SyscallArguments, n = 0): OpenFile | undefined =>
  task.process.files.get(args.int(n));

/** The lowest free descriptor for a file that was just opened, or an error. */
export function install(task: Task, file: OpenFile, flags: number): number {
  return task.process.files.add(file, (flags & O_CLOEXEC) !== 0, limitOfFiles(task));
}

/** Reads the path in argument `n` and finds it on the host. */
export function pathAt(
  kernel: Kernel,
  task: Task,
  args: SyscallArguments,
  n: number,
  dirfd: number = AT_FDCWD,
  lookup = true,
): string | number {
  const path = readPath(task.process.space, args.pointer(n));
  return typeof path === 'number' ? path : resolveAt(kernel, task, dirfd, path, lookup);
}

export function withPath(
  kernel: Kernel,
  task: Task,
  args: SyscallArguments,
  n: number,
  dirfd: number,
  lookup: boolean,
  use: (path: string) => number,
): number {
  const path = pathAt(kernel, task, args, n, dirfd, lookup);
  return typeof path === 'number' ? path : use(path);
}
