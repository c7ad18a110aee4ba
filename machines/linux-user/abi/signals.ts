// SPDX-License-Identifier: MIT
//
// Signal numbers, codes and sets of Linux on IA-64.

export const SIGHUP = 1;
export const SIGINT = 2;
export const SIGQUIT = 3;
export const SIGILL = 4;
export const SIGTRAP = 5;
export const SIGABRT = 6;
export const SIGBUS = 7;
export const SIGFPE = 8;
export const SIGKILL = 9;
export const SIGUSR1 = 10;
export const SIGSEGV = 11;
export const SIGUSR2 = 12;
export const SIGPIPE = 13;
export const SIGALRM = 14;
export const SIGTERM = 15;
export const SIGCHLD = 17;
export const SIGCONT = 18;
export const SIGSTOP = 19;
export const SIGTSTP = 20;
export const SIGTTIN = 21;
export const SIGTTOU = 22;
export const SIGURG = 23;
export const SIGXCPU = 24;
export const SIGXFSZ = 25;
export const SIGVTALRM = 26;
export const SIGPROF = 27;
export const SIGWINCH = 28;
export const SIGIO = 29;
export const SIGPWR = 30;
export const SIGSYS = 31;
export const SIGRTMIN = 32;
export const NSIG = 64;

export const SA_NOCLDSTOP = 0x0000_0001;
export const SA_NOCLDWAIT = 0x0000_0002;
export const SA_SIGINFO = 0x0000_0004;
export const SA_ONSTACK = 0x0800_0000;
export const SA_RESTART = 0x1000_0000;
export const SA_NODEFER = 0x4000_0000;
export const SA_RESETHAND = 0x8000_0000;

export const SIG_DFL = 0n;
export const SIG_IGN = 1n;

export const SS_ONSTACK = 1;
export const SS_DISABLE = 2;
export const SS_AUTODISARM = 0x8000_0000;
export const MINSIGSTKSZ = 131_027;

export const SI_USER = 0;
export const SI_KERNEL = 0x80;
export const SI_QUEUE = -1;
export const SI_TIMER = -2;
export const SI_TKILL = -6;
export const ILL_ILLOPC = 1;
export const ILL_ILLOPN = 2;
export const ILL_PRVOPC = 5;
export const ILL_BADIADDR = 9;
export const ILL_BREAK = 10;
export const ILL_BNDMOD = 11;
export const FPE_INTDIV = 1;
export const FPE_INTOVF = 2;
export const FPE_FLTDIV = 3;
export const FPE_FLTOVF = 4;
export const FPE_FLTUND = 5;
export const FPE_FLTRES = 6;
export const FPE_FLTINV = 7;
export const FPE_FLTSUB = 8;
export const FPE_DECOVF = 9;
export const FPE_FLTUNK = 14;
export const SEGV_MAPERR = 1;
export const SEGV_ACCERR = 2;
export const SEGV_PSTKOVF = 4;
export const BUS_ADRALN = 1;
export const BUS_ADRERR = 2;
export const TRAP_BRKPT = 1;
export const CLD_EXITED = 1;
export const CLD_KILLED = 2;
export const CLD_DUMPED = 3;
export const CLD_STOPPED = 5;
export const CLD_CONTINUED = 6;

const NAMES =
  'HUP INT QUIT ILL TRAP ABRT BUS FPE KILL USR1 SEGV USR2 PIPE ALRM TERM STKFLT CHLD CONT STOP TSTP TTIN TTOU URG XCPU XFSZ VTALRM PROF WINCH IO PWR SYS'.split(
    ' ',
  );

export const signalName = (signal: number): string =>
  signal <= NAMES.length ? `SIG${NAMES[signal - 1]}` : `SIGRT_${signal - SIGRTMIN}`;

export const bit = (signal: number): bigint => 1n << BigInt(signal - 1);
export const UNBLOCKABLE = bit(SIGKILL) | bit(SIGSTOP);
/** Faults of the program itself, delivered before anything else. */
export const SYNCHRONOUS = bit(SIGSEGV) | bit(SIGBUS) | bit(SIGILL) | bit(SIGTRAP) | bit(SIGFPE) | bit(SIGSYS);
export const STOPS = bit(SIGSTOP) | bit(SIGTSTP) | bit(SIGTTIN) | bit(SIGTTOU);
const IGNORED_BY_DEFAULT = bit(SIGCHLD) | bit(SIGURG) | bit(SIGWINCH);
const DUMPS =
  bit(SIGQUIT) |
  bit(SIGILL) |
  bit(SIGTRAP) |
  bit(SIGABRT) |
  bit(SIGBUS) |
  bit(SIGFPE) |
  bit(SIGSEGV) |
  bit(SIGXCPU) |
  bit(SIGXFSZ) |
  bit(SIGSYS);

export type DefaultAction = 'terminate' | 'dump' | 'ignore' | 'stop' | 'continue';

export function defaultAction(signal: number): DefaultAction {
  const set = bit(signal);
  if (signal === SIGCONT) return 'continue';
  if ((set & IGNORED_BY_DEFAULT) !== 0n) return 'ignore';
  if ((set & STOPS) !== 0n) return 'stop';
  return (set & DUMPS) !== 0n ? 'dump' : 'terminate';
}
