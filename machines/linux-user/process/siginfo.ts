// SPDX-License-Identifier: MIT
//
// What a signal carries, and its two forms in program memory: siginfo_t and signalfd_siginfo.
import {
  SIGBUS,
  SIGCHLD,
  SIGFPE,
  SIGILL,
  SIGIO,
  SIGSEGV,
  SIGTRAP,
  SI_KERNEL,
  SI_TIMER,
  SI_USER,
} from '../abi/signals.ts';

export interface SigInfo {
  readonly signo: number;
  readonly code: number;
  readonly errno?: number;
  readonly pid?: number;
  readonly uid?: number;
  readonly value?: bigint;
  readonly status?: number;
  /** Clock ticks. */
  readonly utime?: bigint;
  readonly stime?: bigint;
  /** Of faults. */
  readonly address?: bigint;
  readonly immediate?: number;
  readonly isr?: bigint;
  readonly timer?: number;
  overrun?: number;
  readonly band?: bigint;
  readonly fd?: number;
  /** Sent by a program as it stands: the 112 bytes after the first 16. */
  readonly raw?: Uint8Array;
  /** A POSIX timer's queued signal. */
  readonly owner?: object;
}

const FAULTS = new Set([SIGILL, SIGFPE, SIGSEGV, SIGBUS, SIGTRAP]);

export const SIGINFO_SIZE = 128;

export function encodeSigInfo(info: SigInfo, to: DataView, at: number): void {
  for (let offset = 0; offset < SIGINFO_SIZE; offset += 8) to.setBigUint64(at + offset, 0n, true);
  to.setInt32(at, info.signo, true);
  to.setInt32(at + 4, info.errno ?? 0, true);
  to.setInt32(at + 8, info.code, true);
  if (info.raw !== undefined) {
    info.raw.forEach((byte, index) => to.setUint8(at + 16 + index, byte));
  } else if (info.code > SI_USER && info.code !== SI_KERNEL && FAULTS.has(info.signo)) {
    to.setBigUint64(at + 16, info.address ?? 0n, true);
    to.setInt32(at + 24, info.immediate ?? 0, true);
    to.setUint32(at + 28, info.isr === undefined ? 0 : 1, true);
    to.setBigUint64(at + 32, info.isr ?? 0n, true);
  } else if (info.signo === SIGIO && info.code > 0) {
    to.setBigInt64(at + 16, info.band ?? 0n, true);
    to.setInt32(at + 24, info.fd ?? 0, true);
  } else if (info.code === SI_TIMER) {
    to.setInt32(at + 16, info.timer ?? 0, true);
    to.setInt32(at + 20, info.overrun ?? 0, true);
    to.setBigInt64(at + 24, info.value ?? 0n, true);
  } else {
    to.setInt32(at + 16, info.pid ?? 0, true);
    to.setUint32(at + 20, info.uid ?? 0, true);
    if (info.signo === SIGCHLD && info.code > 0) {
      to.setInt32(at + 24, info.status ?? 0, true);
      to.setBigInt64(at + 32, info.utime ?? 0n, true);
      to.setBigInt64(at + 40, info.stime ?? 0n, true);
    } else {
      to.setBigInt64(at + 24, info.value ?? 0n, true);
    }
  }
}

/** As rt_sigqueueinfo gets it. */
export function decodeSigInfo(signo: number, bytes: Uint8Array): SigInfo {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return {
    signo,
    errno: view.getInt32(4, true),
    code: view.getInt32(8, true),
    pid: view.getInt32(16, true),
    uid: view.getUint32(20, true),
    value: view.getBigInt64(24, true),
    raw: bytes.slice(16, SIGINFO_SIZE),
  };
}

export const SIGNALFD_INFO_SIZE = 128;

export function encodeSignalfdInfo(info: SigInfo): Uint8Array {
  const bytes = new Uint8Array(SIGNALFD_INFO_SIZE);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, info.signo, true);
  view.setInt32(4, info.errno ?? 0, true);
  view.setInt32(8, info.code, true);
  view.setUint32(12, info.pid ?? 0, true);
  view.setUint32(16, info.uid ?? 0, true);
  view.setInt32(20, info.fd ?? 0, true);
  view.setUint32(24, info.timer ?? 0, true);
  view.setUint32(28, Number((info.band ?? 0n) & 0xffff_ffffn), true);
  view.setUint32(32, info.overrun ?? 0, true);
  view.setInt32(40, info.status ?? 0, true);
  view.setInt32(44, Number(BigInt.asIntN(32, info.value ?? 0n)), true);
  view.setBigInt64(48, info.value ?? 0n, true);
  view.setBigInt64(56, info.utime ?? 0n, true);
  view.setBigInt64(64, info.stime ?? 0n, true);
  view.setBigUint64(72, info.address ?? 0n, true);
  return bytes;
}
