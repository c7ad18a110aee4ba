// SPDX-License-Identifier: MIT
//
// What faults and break instructions of the program become: pages brought in, or signals with the codes of IA-64 Linux.
import {
  BUS_ADRALN,
  BUS_ADRERR,
  FPE_DECOVF,
  FPE_FLTDIV,
  FPE_FLTINV,
  FPE_FLTOVF,
  FPE_FLTRES,
  FPE_FLTSUB,
  FPE_FLTUND,
  FPE_FLTUNK,
  FPE_INTDIV,
  FPE_INTOVF,
  ILL_BADIADDR,
  ILL_BNDMOD,
  ILL_BREAK,
  ILL_ILLOPC,
  ILL_ILLOPN,
  SEGV_ACCERR,
  SEGV_MAPERR,
  SEGV_PSTKOVF,
  SIGBUS,
  SIGFPE,
  SIGILL,
  SIGKILL,
  SIGSEGV,
  SIGTRAP,
  TRAP_BRKPT,
  signalName,
} from '../abi/signals.ts';
import type { CpuFault } from '../cpu.ts';
import type { Kernel } from '../kernel.ts';
import { vaFromBig } from '../memory/address.ts';
import type { Task } from './process.ts';

function tellGuestError(kernel: Kernel, task: Task, what: string, signo: number): void {
  if (kernel.onGuestError === undefined) return;
  const { ip, slot } = task.cpu.state;
  const place = `${task.name}[${task.tid}] at 0x${ip.toString(16)} slot ${slot}`;
  kernel.onGuestError(`${place}: ${what}: ${signalName(signo)}`);
}

/** A fault that is not resolved here becomes a signal. */
export function handleFault(kernel: Kernel, task: Task, fault: CpuFault): void {
  const { process, cpu } = task;
  const ip = cpu.state.ip + BigInt(cpu.state.slot);
  const force = (signo: number, code: number, address: bigint, isr?: bigint): void => {
    tellGuestError(kernel, task, describeFault(fault), signo);
    kernel.signals.force(task, { signo, code, address, isr });
  };
  switch (fault.kind) {
    case 'page': {
      process.usage.faults++;
      const result = process.space.fault(vaFromBig(fault.address), fault.access);
      if (result === 'ok') return;
      if (result === 'memory') {
        kernel.lifecycle.exitProcess(process, SIGKILL);
        return;
      }
      if (result === 'bus') force(SIGBUS, BUS_ADRERR, fault.address, fault.isr);
      else force(SIGSEGV, result === 'maperr' ? SEGV_MAPERR : SEGV_ACCERR, fault.address, fault.isr);
      return;
    }
    case 'natPage':
      return force(SIGSEGV, SEGV_ACCERR, fault.address, fault.isr);
    case 'natConsumption':
      return force(SIGILL, ILL_ILLOPN, ip, fault.isr);
    case 'illegal':
      return force(SIGILL, ILL_ILLOPC, ip);
    case 'privileged':
    case 'reserved':
    case 'disabledIsa':
      tellGuestError(kernel, task, describeFault(fault), SIGILL);
      kernel.signals.force(task, { signo: SIGILL, code: 0x80 });
      return;
    case 'badAddress':
      return force(SIGILL, ILL_BADIADDR, ip);
    case 'unaligned':
      return force(SIGBUS, BUS_ADRALN, fault.address, fault.isr);
    case 'fpFault':
      return force(SIGFPE, fpFaultCode(fault.isr), ip, fault.isr);
    case 'fpTrap':
      return force(SIGFPE, fpTrapCode(fault.isr), ip, fault.isr);
  }
}

export function handleBreak(kernel: Kernel, task: Task, immediate: number): void {
  const [signo, code] = breakSignal(immediate);
  tellGuestError(kernel, task, `break 0x${immediate.toString(16)}`, signo);
  const { state } = task.cpu;
  kernel.signals.force(task, { signo, code, address: state.ip + BigInt(state.slot), immediate });
}

const FAULTS: Readonly<Record<CpuFault['kind'], string>> = {
  page: 'no such access to',
  natPage: 'access to the NaT page at',
  illegal: 'illegal operation',
  privileged: 'privileged operation',
  reserved: 'reserved register or field',
  natConsumption: 'NaT consumption',
  unaligned: 'unaligned access to',
  fpFault: 'floating-point fault',
  fpTrap: 'floating-point trap',
  disabledIsa: 'IA-32 code',
  badAddress: 'unimplemented instruction address',
};

function describeFault({ kind, access, address }: CpuFault): string {
  const text = FAULTS[kind];
  if (kind !== 'page' && kind !== 'natPage' && kind !== 'unaligned') return text;
  return `${access}: ${text} 0x${address.toString(16)}`;
}

function breakSignal(immediate: number): [number, number] {
  switch (immediate) {
    case 0:
      return [SIGILL, ILL_ILLOPC];
    case 1:
      return [SIGFPE, FPE_INTDIV];
    case 2:
      return [SIGFPE, FPE_INTOVF];
    case 3:
      return [SIGFPE, FPE_FLTSUB];
    case 4:
      return [SIGSEGV, SEGV_MAPERR];
    case 5:
      return [SIGSEGV, BUS_ADRALN];
    case 6:
    case 7:
    case 8:
    case 9:
    case 10:
      return [SIGFPE, FPE_DECOVF + immediate - 6];
    case 11:
      return [SIGSEGV, SEGV_PSTKOVF];
  }
  if (immediate >= 0x3f000 && immediate <= 0x3ffff) return [SIGILL, ILL_BNDMOD];
  return immediate < 0x80000 ? [SIGILL, ILL_BREAK] : [SIGTRAP, TRAP_BRKPT];
}

function fpFaultCode(isr: bigint): number {
  if ((isr & 0x11n) !== 0n) return FPE_FLTINV;
  if ((isr & 0x22n) !== 0n) return FPE_FLTUND;
  return (isr & 0x44n) !== 0n ? FPE_FLTDIV : FPE_FLTUNK;
}

function fpTrapCode(isr: bigint): number {
  if ((isr & 0x880n) !== 0n) return FPE_FLTOVF;
  if ((isr & 0x1100n) !== 0n) return FPE_FLTUND;
  return (isr & 0x2200n) !== 0n ? FPE_FLTRES : FPE_FLTUNK;
}
