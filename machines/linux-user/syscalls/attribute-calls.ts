// SPDX-License-Identifier: MIT
//
// Extended attributes, by path, by link and by descriptor.
import { E2BIG, EBADF, EFAULT, EOPNOTSUPP, ERANGE } from '../abi/errno.ts';
import { bytesToText } from '../files/paths.ts';
import type { Kernel } from '../kernel.ts';
import type { Task } from '../process/process.ts';
import type { Handler, SyscallArguments } from './arguments.ts';
import { fileOf, pathAt } from './file-arguments.ts';

export function attributeCalls(kernel: Kernel): Record<string, Handler> {
  const { files } = kernel.host;

  function xattr(
    task: Task,
    args: SyscallArguments,
    kind: 'path' | 'link' | 'fd',
    use: (target: string | number, name: string, follow: boolean) => number,
    named = true,
  ): number {
    let target: string | number;
    if (kind === 'fd') {
      const file = fileOf(task, args);
      if (file?.hostFd === undefined) return file === undefined ? -EBADF : -EOPNOTSUPP;
      target = file.hostFd;
    } else {
      target = pathAt(kernel, task, args, 0);
      if (typeof target === 'number') return target;
    }
    let name = '';
    if (named) {
      const text = task.process.space.readString(args.pointer(1), 255);
      if (typeof text === 'number') return text === -EFAULT ? -EFAULT : -ERANGE;
      if (text.length === 0) return -ERANGE;
      name = bytesToText(text);
    }
    return use(target, name, kind !== 'link');
  }
  const getxattr =
    (kind: 'path' | 'link' | 'fd'): Handler =>
    (task, args) =>
      xattr(task, args, kind, (target, name, follow) => {
        const value = new Uint8Array(Math.min(args.size(3), 65536));
        const result = files.getxattr(target, name, value, follow);
        if (result <= 0 || value.length === 0) return result;
        return task.process.space.write(args.pointer(2), value.subarray(0, result)) < 0 ? -EFAULT : result;
      });
  const setxattr =
    (kind: 'path' | 'link' | 'fd'): Handler =>
    (task, args) =>
      xattr(task, args, kind, (target, name, follow) => {
        if (args.size(3) > 65536) return -E2BIG;
        const value = task.process.space.read(args.pointer(2), args.size(3));
        return value === undefined ? -EFAULT : files.setxattr(target, name, value, args.int(4), follow);
      });
  const listxattr =
    (kind: 'path' | 'link' | 'fd'): Handler =>
    (task, args) =>
      xattr(
        task,
        args,
        kind,
        (target, _name, follow) => {
          const list = new Uint8Array(Math.min(args.size(2), 65536));
          const result = files.listxattr(target, list, follow);
          if (result <= 0 || list.length === 0) return result;
          return task.process.space.write(args.pointer(1), list.subarray(0, result)) < 0 ? -EFAULT : result;
        },
        false,
      );
  const removexattr =
    (kind: 'path' | 'link' | 'fd'): Handler =>
    (task, args) =>
      xattr(task, args, kind, (target, name, follow) => files.removexattr(target, name, follow));

  return {
    getxattr: getxattr('path'),
    lgetxattr: getxattr('link'),
    fgetxattr: getxattr('fd'),
    setxattr: setxattr('path'),
    lsetxattr: setxattr('link'),
    fsetxattr: setxattr('fd'),
    listxattr: listxattr('path'),
    llistxattr: listxattr('link'),
    flistxattr: listxattr('fd'),
    removexattr: removexattr('path'),
    lremovexattr: removexattr('link'),
    fremovexattr: removexattr('fd'),
  };
}
