// SPDX-License-Identifier: MIT
//
// A line for each call, as strace writes it.
import { errnoName } from './abi/errno.ts';
import { SYSCALL_NAMES } from './abi/syscalls.ts';
import { signalName } from './abi/signals.ts';
import type { Tracer } from './kernel.ts';
import type { Process, Task } from './process/process.ts';
import type { SigInfo } from './process/siginfo.ts';
import type { SyscallArguments } from './syscalls/arguments.ts';
import type { SysResult } from './waiting.ts';

/**
 * Arguments by kind: d int, u unsigned, x hexadecimal, p pointer, s string, b buffer with its length in the next
 * argument, o octal, f descriptor or AT_FDCWD, g signal.
 */
const FORMATS: Record<string, string> = {
  read: 'dpu',
  write: 'dbu',
  open: 'sxo',
  openat: 'fsxo',
  close: 'd',
  stat: 'sp',
  lstat: 'sp',
  fstat: 'dp',
  newfstatat: 'fspx',
  statx: 'fsxxp',
  access: 'so',
  faccessat: 'fso',
  faccessat2: 'fsox',
  execve: 'spp',
  brk: 'p',
  mmap: 'puxxdx',
  mmap2: 'puxxdx',
  munmap: 'pu',
  mprotect: 'pux',
  mremap: 'puuxp',
  madvise: 'pud',
  exit: 'd',
  exit_group: 'd',
  getpid: '',
  gettid: '',
  getuid: '',
  geteuid: '',
  getgid: '',
  getegid: '',
  getppid: '',
  clone: 'xpppp',
  clone2: 'xpuppp',
  wait4: 'dpxp',
  waitid: 'ddpxp',
  kill: 'dg',
  tkill: 'dg',
  tgkill: 'ddg',
  pipe: '',
  pipe2: 'px',
  dup: 'd',
  dup2: 'dd',
  dup3: 'ddx',
  fcntl: 'ddx',
  ioctl: 'dxp',
  lseek: 'ddd',
  pread64: 'dpud',
  pwrite64: 'dbud',
  readv: 'dpd',
  writev: 'dpd',
  rt_sigaction: 'gppu',
  rt_sigprocmask: 'dppu',
  rt_sigreturn: '',
  rt_sigsuspend: 'pu',
  rt_sigpending: 'pu',
  sigaltstack: 'pp',
  futex: 'pxdppx',
  set_tid_address: 'p',
  set_robust_list: 'pu',
  nanosleep: 'pp',
  clock_nanosleep: 'dxpp',
  clock_gettime: 'dp',
  clock_getres: 'dp',
  gettimeofday: 'pp',
  getcwd: 'pu',
  chdir: 's',
  mkdir: 'so',
  mkdirat: 'fso',
  rmdir: 's',
  unlink: 's',
  unlinkat: 'fsx',
  rename: 'ss',
  renameat: 'fsfs',
  link: 'ss',
  symlink: 'ss',
  readlink: 'spu',
  readlinkat: 'fspu',
  chmod: 'so',
  fchmod: 'do',
  getdents64: 'dpu',
  socket: 'ddd',
  bind: 'dpd',
  connect: 'dpd',
  listen: 'dd',
  accept: 'dpp',
  accept4: 'dppx',
  sendto: 'dbuxpd',
  recvfrom: 'dpuxpp',
  sendmsg: 'dpx',
  recvmsg: 'dpx',
  send: 'dbux',
  recv: 'dpux',
  shutdown: 'dd',
  socketpair: 'dddp',
  setsockopt: 'dddpd',
  getsockopt: 'dddpp',
  poll: 'pud',
  ppoll: 'puppu',
  select: 'dpppp',
  pselect6: 'dppppp',
  epoll_ctl: 'dddp',
  epoll_wait: 'dpdd',
  epoll_pwait: 'dpddpu',
  uname: 'p',
  umask: 'o',
  getrlimit: 'dp',
  setrlimit: 'dp',
  prlimit64: 'ddpp',
  setpgid: 'dd',
  getpgid: 'd',
  setsid: '',
  getrandom: 'pux',
  sched_yield: '',
  utimensat: 'fspx',
  ftruncate: 'dd',
  truncate: 'sd',
  umount2: 'sx',
  statfs: 'sp',
  fstatfs: 'dp',
  prctl: 'dxxxx',
  execveat: 'fsppx',
};
const STRING_MOST = 32;

export class StraceTracer implements Tracer {
  readonly #write: (line: string) => void;
  readonly #pending = new WeakMap<Task, string>();

  constructor(write: (line: string) => void) {
    this.#write = write;
  }

  enter(task: Task, args: SyscallArguments): void {
    const name = SYSCALL_NAMES.get(args.number) ?? `syscall_${args.number}`;
    const format = FORMATS[name] ?? 'xxxxxx';
    const parts = [...format].map((kind, index) => this.#format(task, args, kind, index));
    this.#pending.set(task, `[${task.tid}] ${name}(${parts.join(', ')})`);
  }

  #format(task: Task, args: SyscallArguments, kind: string, n: number): string {
    const raw = args.raw(n);
    switch (kind) {
      case 'd':
        return String(BigInt.asIntN(64, raw) < 0n || raw > 0x7fff_ffffn ? args.int(n) : raw);
      case 'f':
        return args.int(n) === -100 ? 'AT_FDCWD' : String(args.int(n));
      case 'g':
        return args.int(n) > 0 && args.int(n) <= 64 ? signalName(args.int(n)) : String(args.int(n));
      case 'o':
        return `0${args.uint(n).toString(8)}`;
      case 'u':
        return String(raw);
      case 's':
        return this.#string(task, args.pointer(n), undefined);
      case 'b':
        return this.#string(task, args.pointer(n), Number(args.raw(n + 1)));
      case 'p':
        return raw === 0n ? 'NULL' : `0x${raw.toString(16)}`;
      default:
        return `0x${raw.toString(16)}`;
    }
  }

  #string(task: Task, va: number, length: number | undefined): string {
    const { space } = task.process;
    if (va === 0) return 'NULL';
    const wanted = length === undefined ? undefined : Math.min(length, STRING_MOST);
    const bytes = wanted === undefined ? space.readString(va, 4096) : space.read(va, wanted);
    if (bytes === undefined || typeof bytes === 'number') return `0x${va.toString(16)}`;
    const shown = bytes.subarray(0, wanted === undefined ? 256 : STRING_MOST);
    let text = '';
    for (const byte of shown) {
      if (byte === 0x22 || byte === 0x5c) text += `\\${String.fromCharCode(byte)}`;
      else if (byte === 10) text += '\\n';
      else if (byte === 9) text += '\\t';
      else text += byte >= 32 && byte < 127 ? String.fromCharCode(byte) : `\\${byte.toString(8)}`;
    }
    return `"${text}"${(length ?? bytes.length) > shown.length ? '...' : ''}`;
  }

  leave(task: Task, result: SysResult): void {
    const call = this.#pending.get(task);
    if (call === undefined) return;
    this.#pending.delete(task);
    this.#write(`${call} = ${describeResult(result)}`);
  }

  signal(task: Task, info: SigInfo): void {
    const { ip, slot } = task.cpu.state;
    const place = `ip=0x${(ip + BigInt(slot)).toString(16)}`;
    const where = info.address === undefined ? '' : `, si_addr=0x${info.address.toString(16)}, ${place}`;
    this.#write(`[${task.tid}] --- ${signalName(info.signo)} {si_code=${info.code}${where}} ---`);
  }

  exit(process: Process, status: number): void {
    const signal = status & 0x7f;
    this.#write(
      signal === 0
        ? `[${process.pid}] +++ exited with ${status >>> 8} +++`
        : `[${process.pid}] +++ killed by ${signalName(signal)} +++`,
    );
  }
}

function describeResult(result: SysResult): string {
  if (typeof result === 'symbol') return '?';
  if (typeof result === 'bigint') return `0x${result.toString(16)}`;
  return result < 0 ? `-1 ${errnoName(-result)}` : String(result);
}
