// SPDX-License-Identifier: MIT
//
// The host's C library through koffi, for what Node has no call for. Everything returns a result or a negative error
// number. Pointers are typed arrays; windows on the guest's memory are passed as they are.
import { createRequire } from 'node:module';

type Argument = number | bigint | string | Uint8Array | Uint32Array | Int32Array | BigUint64Array | null;
type NativeFunction = (...args: Argument[]) => number;

interface Koffi {
  load(name: string): { func(prototype: string): NativeFunction };
  errno(): number;
  address(value: unknown): bigint;
}

const PROTOTYPES = {
  poll: 'int poll(void *, unsigned long, int)',
  read: 'long read(int, void *, unsigned long)',
  write: 'long write(int, void *, unsigned long)',
  lseek: 'long lseek(int, long, int)',
  fcntl: 'int fcntl(int, int, long)',
  ioctl: 'int ioctl(int, unsigned long, void *)',
  ioctlNumber: 'int ioctl(int, unsigned long, long)',
  flock: 'int flock(int, int)',
  pipe2: 'int pipe2(void *, int)',
  eventfd: 'int eventfd(unsigned int, int)',
  socket: 'int socket(int, int, int)',
  socketpair: 'int socketpair(int, int, int, void *)',
  bind: 'int bind(int, void *, unsigned int)',
  connect: 'int connect(int, void *, unsigned int)',
  listen: 'int listen(int, int)',
  accept4: 'int accept4(int, void *, void *, int)',
  getsockname: 'int getsockname(int, void *, void *)',
  getpeername: 'int getpeername(int, void *, void *)',
  getsockopt: 'int getsockopt(int, int, int, void *, void *)',
  setsockopt: 'int setsockopt(int, int, int, void *, unsigned int)',
  shutdown: 'int shutdown(int, int)',
  sendmsg: 'long sendmsg(int, void *, int)',
  recvmsg: 'long recvmsg(int, void *, int)',
  dup: 'int fcntl(int, int, int)',
  getdents64: 'long syscall(long, int, void *, unsigned int)',
  fallocate: 'int fallocate(int, int, long, long)',
  posix_fadvise: 'int posix_fadvise(int, long, long, int)',
  mknod: 'int mknod(void *, unsigned int, unsigned long)',
  renameat2: 'int renameat2(int, void *, int, void *, unsigned int)',
  linkat: 'int linkat(int, void *, int, void *, int)',
  utimensat: 'int utimensat(int, void *, void *, int)',
  memfd_create: 'int memfd_create(void *, unsigned int)',
  inotify_init1: 'int inotify_init1(int)',
  inotify_add_watch: 'int inotify_add_watch(int, void *, unsigned int)',
  inotify_rm_watch: 'int inotify_rm_watch(int, int)',
  getxattr: 'long getxattr(void *, void *, void *, unsigned long)',
  lgetxattr: 'long lgetxattr(void *, void *, void *, unsigned long)',
  fgetxattr: 'long fgetxattr(int, void *, void *, unsigned long)',
  setxattr: 'int setxattr(void *, void *, void *, unsigned long, int)',
  lsetxattr: 'int lsetxattr(void *, void *, void *, unsigned long, int)',
  fsetxattr: 'int fsetxattr(int, void *, void *, unsigned long, int)',
  listxattr: 'long listxattr(void *, void *, unsigned long)',
  llistxattr: 'long llistxattr(void *, void *, unsigned long)',
  flistxattr: 'long flistxattr(int, void *, unsigned long)',
  removexattr: 'int removexattr(void *, void *)',
  lremovexattr: 'int lremovexattr(void *, void *)',
  fremovexattr: 'int fremovexattr(int, void *)',
  sync: 'void sync()',
  getpgrp: 'int getpgrp()',
  getsid: 'int getsid(int)',
  tcgetpgrp: 'int tcgetpgrp(int)',
  clock_gettime: 'int clock_gettime(int, void *)',
  setrlimit: 'int setrlimit(int, void *)',
} as const;

export type LibcName = keyof typeof PROTOTYPES;
const EINTR = 4;
const ENOSYS = 38;

export class Libc {
  readonly #koffi: Koffi;
  readonly #library: ReturnType<Koffi['load']>;
  readonly #functions = new Map<LibcName, NativeFunction>();

  private constructor(koffi: Koffi) {
    this.#koffi = koffi;
    this.#library = koffi.load('libc.so.6');
  }

  static #instance: Libc | undefined | false;

  /** Undefined where koffi is not installed or does not work on this host. */
  static get(): Libc | undefined {
    if (Libc.#instance === undefined) {
      try {
        Libc.#instance = new Libc(createRequire(import.meta.url)('koffi') as Koffi);
      } catch {
        Libc.#instance = false;
      }
    }
    return Libc.#instance === false ? undefined : Libc.#instance;
  }

  static get isLoaded(): boolean {
    return Libc.#instance !== undefined && Libc.#instance !== false;
  }

  #function(name: LibcName): NativeFunction {
    let native = this.#functions.get(name);
    if (native === undefined) this.#functions.set(name, (native = this.#library.func(PROTOTYPES[name])));
    return native;
  }

  /** A result ≥ 0 or a negative error number; a call that a host signal broke off is made again. */
  call(name: LibcName, ...args: Argument[]): number {
    const native = this.#function(name);
    for (;;) {
      const result = Number(native(...args));
      if (result !== -1) return result;
      const error = this.#koffi.errno();
      if (error !== EINTR) return -error;
    }
  }

  /** The same without trying again. */
  once(name: LibcName, ...args: Argument[]): number {
    const result = Number(this.#function(name)(...args));
    return result === -1 ? -this.#koffi.errno() : result;
  }

  address(bytes: Uint8Array): bigint {
    return this.#koffi.address(bytes);
  }
}

/** What has another way, or an answer that does without. */
const OPTIONAL: ReadonlySet<LibcName> = new Set(['dup', 'getpgrp', 'getsid', 'utimensat', 'ioctl']);
let told = false;

/** Calls the C library; without one says so, once, and answers ENOSYS. */
export function libcCall(name: LibcName, ...args: Argument[]): number {
  const libc = Libc.get();
  if (libc !== undefined) return libc.call(name, ...args);
  if (!told && !OPTIONAL.has(name)) {
    told = true;
    process.stderr.write(`emeritus: the program needs ${name} of the host, which needs the koffi package on Linux\n`);
  }
  return -ENOSYS;
}
