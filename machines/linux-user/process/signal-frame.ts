// SPDX-License-Identifier: MIT
//
// What lies on the stack while a signal handler runs, and the way back. The frame is Linux's struct sigframe:
//
//   sp+0     16 bytes of scratch           sp+48    siginfo_t (128 bytes)
//   sp+16    signal number                 sp+176   struct sigcontext (= ucontext_t)
//   sp+24    siginfo_t *
//   sp+32    struct sigcontext *           Debuggers and unwinders know these places.
//   sp+40    the handler's descriptor
//
// On the machine a trampoline in the gate page covers the interrupted frame, switches the backing store where needed,
// and spills what handlers may clobber. Here the kernel does all that before the handler is entered, with the same
// results in memory; the handler returns to the gate page, where there is only the rt_sigreturn call.
import { SA_ONSTACK, SS_AUTODISARM, SS_DISABLE, SS_ONSTACK } from '../abi/signals.ts';
import type { CpuState } from '../cpu.ts';
import { vaFromBig } from '../memory/address.ts';
import type { AddressSpace } from '../memory/address-space.ts';
import {
  collectionFor,
  fillRegisters,
  frameRegisters,
  registersBetween,
  setFrame,
  skipRegisters,
  slotOf,
  spillRegisters,
} from './register-stack.ts';
import { SIGINFO_SIZE, encodeSigInfo, type SigInfo } from './siginfo.ts';

export interface AltStack {
  sp: bigint;
  size: bigint;
  flags: number;
}

export interface SigAction {
  handler: bigint;
  flags: number;
  mask: bigint;
}

export const FPSR_DEFAULT = 0x0009_804c_0270_033fn;

const SCRATCH = 16;
const ARG0 = 0;
const HANDLER = 24;
const INFO = 32;
const CONTEXT = INFO + SIGINFO_SIZE;

// struct sigcontext
export const SC = {
  flags: 0,
  nat: 8,
  stackSp: 16,
  stackFlags: 24,
  stackSize: 32,
  ip: 40,
  cfm: 48,
  um: 56,
  rsc: 64,
  bsp: 72,
  rnat: 80,
  ccv: 88,
  unat: 96,
  fpsr: 104,
  pfs: 112,
  lc: 120,
  pr: 128,
  br: 136,
  gr: 200,
  fr: 464,
  rbsBase: 2512,
  loadrs: 2520,
  csd: 2528,
  ssd: 2536,
  mask: 2640,
  size: 2656,
} as const;
export const FRAME_SIZE = CONTEXT + SC.size;

const FLAG_ONSTACK = 1n;
const FLAG_IN_SYSCALL = 2n;
const FLAG_FPH_VALID = 4n;

/** General registers in struct pt_regs, whose NaT bits sc_nat has. */
const SCRATCH_GR = [1, 2, 3, 8, 9, 10, 11, 12, 13, 14, 15, ...Array.from({ length: 16 }, (_, n) => 16 + n)];
const ALWAYS_GR = [1, 8, 9, 10, 11, 12, 13, 15];
const NOT_IN_SYSCALL_GR = [2, 3, 14, ...Array.from({ length: 16 }, (_, n) => 16 + n)];

export interface Delivery {
  readonly signal: number;
  readonly action: SigAction;
  readonly info: SigInfo;
  /** The mask to have again after the handler. */
  readonly savedMask: bigint;
  readonly inSyscall: boolean;
  /** Address of the bundle in the gate page that calls rt_sigreturn. */
  readonly returnAddress: bigint;
}

export function stackFlags(alt: AltStack, sp: bigint): number {
  if (alt.size === 0n) return SS_DISABLE;
  return onAltStack(alt, sp) ? SS_ONSTACK : 0;
}

export function onAltStack(alt: AltStack, sp: bigint): boolean {
  if ((alt.flags & SS_AUTODISARM) !== 0) return false;
  return alt.size !== 0n && sp > alt.sp && sp - alt.sp <= alt.size;
}

/** Enters the handler. False when the frame cannot be written, which is a SIGSEGV. */
export function enterHandler(cpu: CpuState, space: AddressSpace, alt: AltStack, delivery: Delivery): boolean {
  const { action, info, signal } = delivery;
  const oldSp = cpu.gr(12);
  let newSp = oldSp;
  let newRbs = 0n;
  if ((action.flags & SA_ONSTACK) !== 0) {
    const where = stackFlags(alt, oldSp);
    if (where === 0) {
      newSp = alt.sp + alt.size;
      if (cpu.bsp < alt.sp || cpu.bsp - alt.sp >= alt.size) newRbs = (alt.sp + 7n) & ~7n;
    } else if (where === SS_ONSTACK && !onAltStack(alt, (newSp - BigInt(FRAME_SIZE)) & ~15n)) {
      return false;
    }
  }
  const frameAddress = BigInt.asUintN(64, newSp - BigInt(FRAME_SIZE)) & ~15n;
  const frameVa = vaFromBig(frameAddress);

  const cfm = cpu.cfm;
  const registers = frameRegisters(cpu);
  const bsp0 = skipRegisters(cpu.bsp, registers.length);
  const oldRnat = cpu.rnat;
  const spilled =
    newRbs === 0n ? spillRegisters(space, registers, cpu.bsp, oldRnat) : spillRegisters(space, registers, newRbs, 0n);
  if (spilled === undefined) return false;

  const frame = new DataView(new ArrayBuffer(FRAME_SIZE));
  const put = (offset: number, value: bigint): void => frame.setBigUint64(offset, BigInt.asUintN(64, value), true);
  put(ARG0, BigInt(signal));
  put(ARG0 + 8, frameAddress + BigInt(INFO));
  put(ARG0 + 16, frameAddress + BigInt(CONTEXT));
  put(HANDLER, action.handler);
  encodeSigInfo(info, frame, INFO);
  const sc = (offset: number, value: bigint): void => put(CONTEXT + offset, value);
  let flags = FLAG_FPH_VALID;
  if (onAltStack(alt, frameAddress)) flags |= FLAG_ONSTACK;
  if (delivery.inSyscall) flags |= FLAG_IN_SYSCALL;
  sc(SC.flags, flags);
  let nats = 0n;
  for (const n of SCRATCH_GR) if (cpu.grNat(n)) nats |= 1n << BigInt(n);
  sc(SC.nat, nats);
  sc(SC.stackSp, alt.sp);
  frame.setInt32(CONTEXT + SC.stackFlags, stackFlags(alt, oldSp) | (alt.flags & SS_AUTODISARM), true);
  sc(SC.stackSize, alt.size);
  sc(SC.ip, cpu.ip + BigInt(cpu.slot));
  sc(SC.cfm, cfm & 0x3f_ffff_ffffn);
  sc(SC.um, BigInt(cpu.um));
  sc(SC.rsc, cpu.rsc);
  sc(SC.bsp, bsp0);
  sc(SC.rnat, newRbs === 0n ? spilled.rnat : oldRnat);
  sc(SC.ccv, cpu.ccv);
  sc(SC.unat, cpu.unat);
  sc(SC.fpsr, cpu.fpsr);
  sc(SC.pfs, cpu.pfs);
  sc(SC.lc, cpu.lc);
  sc(SC.pr, cpu.pr);
  for (const n of [0, 6, 7]) sc(SC.br + n * 8, cpu.br(n));
  for (const n of ALWAYS_GR) sc(SC.gr + n * 8, cpu.gr(n));
  if (!delivery.inSyscall) for (const n of NOT_IN_SYSCALL_GR) sc(SC.gr + n * 8, cpu.gr(n));
  for (let n = 6; n < 128; n++) if (n < 16 || n >= 32) cpu.spillFr(n, frame, CONTEXT + SC.fr + n * 16);
  sc(SC.csd, cpu.csd);
  sc(SC.ssd, cpu.ssd);
  sc(SC.rbsBase, newRbs);
  sc(SC.loadrs, newRbs === 0n ? 0n : (spilled.bspstore - newRbs) << 16n);
  sc(SC.mask, delivery.savedMask);

  const entry = space.readU64(vaFromBig(action.handler));
  const gp = space.readU64(vaFromBig(action.handler + 8n));
  if (entry === undefined || gp === undefined) return false;
  if (space.write(frameVa, new Uint8Array(frame.buffer)) !== 0) return false;

  // As after a call with three output registers from a frame that holds nothing else.
  const callerFrame = 3n;
  const ec = cpu.ec & 63n;
  cpu.pfs = callerFrame | (ec << 52n) | (3n << 62n);
  cpu.resetStack(spilled.bspstore, spilled.rnat, callerFrame);
  cpu.setFrameRegister(0, BigInt(signal), false);
  cpu.setFrameRegister(1, frameAddress + BigInt(INFO), false);
  cpu.setFrameRegister(2, frameAddress + BigInt(CONTEXT), false);
  cpu.setGr(1, gp);
  cpu.setGr(12, frameAddress - BigInt(SCRATCH));
  cpu.setBr(0, delivery.returnAddress);
  cpu.setBr(6, entry);
  cpu.fpsr = FPSR_DEFAULT;
  cpu.um &= ~2; // little-endian
  if (newRbs !== 0n) cpu.rsc = 0xfn;
  cpu.ip = entry & ~15n;
  cpu.slot = 0;
  if ((alt.flags & SS_AUTODISARM) !== 0) Object.assign(alt, { sp: 0n, size: 0n, flags: SS_DISABLE });
  return true;
}

/** rt_sigreturn: back to what was interrupted. Returns the signal mask to restore, or undefined for SIGSEGV. */
export function leaveHandler(cpu: CpuState, space: AddressSpace, alt: AltStack): bigint | undefined {
  const contextVa = vaFromBig(BigInt.asUintN(64, cpu.gr(12) + BigInt(SCRATCH + CONTEXT)));
  const bytes = space.read(contextVa, SC.size)?.slice();
  if (bytes === undefined) return undefined;
  const view = new DataView(bytes.buffer);
  const sc = (offset: number): bigint => view.getBigUint64(offset, true);

  const bsp1 = cpu.bsp;
  const bsp0 = sc(SC.bsp);
  const cfm = sc(SC.cfm) & 0x3f_ffff_ffffn;
  const sof = Number(cfm & 0x7fn);
  if (sof > 96 || Number((cfm >> 7n) & 0x7fn) > sof || Number((cfm >> 14n) & 15n) * 8 > sof) return undefined;
  const loadrs = sc(SC.loadrs) >> 16n;
  if (sc(SC.rbsBase) !== 0n && loadrs !== 0n) {
    if (loadrs > 96n * 8n + 16n) return undefined;
    const base = bsp1 - loadrs;
    const count = registersBetween(base, bsp1);
    const registers = fillRegisters(space, base, count, bsp1, cpu.rnat);
    if (registers === undefined || count < sof || count > 96) return undefined;
    // What lies below the frame goes where it would have been written without the other stack.
    const older = registers.slice(0, count - sof);
    const spilled = spillRegisters(space, older, skipRegisters(bsp0, -count), sc(SC.rnat));
    if (spilled === undefined) return undefined;
    cpu.resetStack(skipRegisters(bsp0, -sof), spilled.rnat, cfm);
    setFrame(cpu, registers.slice(count - sof));
  } else {
    const rnat = bsp1 === bsp0 ? cpu.rnat : sc(SC.rnat);
    const frameBase = skipRegisters(bsp0, -sof);
    const registers = fillRegisters(space, frameBase, sof, bsp0, rnat);
    const collection = collectionFor(space, frameBase, bsp0, rnat);
    if (registers === undefined || collection === undefined) return undefined;
    const below = (1n << BigInt(slotOf(frameBase))) - 1n;
    cpu.resetStack(frameBase, collection & below, cfm);
    setFrame(cpu, registers);
  }

  const flags = sc(SC.flags);
  const nats = sc(SC.nat);
  const gr = (n: number): void => cpu.setGr(n, sc(SC.gr + n * 8), ((nats >> BigInt(n)) & 1n) !== 0n);
  ALWAYS_GR.forEach(gr);
  const ip = sc(SC.ip);
  cpu.ip = ip & ~15n;
  cpu.slot = Math.min(2, Number(ip & 3n));
  cpu.um = Number(sc(SC.um) & 0x3fn);
  cpu.rsc = sc(SC.rsc) | 0xcn;
  cpu.unat = sc(SC.unat);
  cpu.fpsr = sc(SC.fpsr);
  cpu.pfs = sc(SC.pfs);
  cpu.pr = sc(SC.pr) | 1n;
  cpu.setBr(0, sc(SC.br));
  cpu.setBr(6, sc(SC.br + 48));
  for (let n = 6; n < 16; n++) cpu.fillFr(n, view, SC.fr + n * 16);
  if ((flags & FLAG_IN_SYSCALL) === 0n) {
    cpu.ccv = sc(SC.ccv);
    cpu.setBr(7, sc(SC.br + 56));
    cpu.csd = sc(SC.csd);
    cpu.ssd = sc(SC.ssd);
    NOT_IN_SYSCALL_GR.forEach(gr);
  }
  if ((flags & FLAG_FPH_VALID) !== 0n) for (let n = 32; n < 128; n++) cpu.fillFr(n, view, SC.fr + n * 16);
  const stack = view.getInt32(SC.stackFlags, true);
  const saved = { sp: sc(SC.stackSp), size: sc(SC.stackSize), flags: stack & (SS_DISABLE | SS_AUTODISARM) };
  if (saved.flags === SS_DISABLE || saved.size >= 131_027n) Object.assign(alt, saved);
  if (alt.flags === SS_DISABLE) Object.assign(alt, { sp: 0n, size: 0n });
  return sc(SC.mask);
}
