// SPDX-License-Identifier: MIT
//
// Structures that calls pass in memory, where IA-64 has its own layout or the kernel reads fields.
import type { HostStat, HostStatfs } from '../host-os.ts';

const SECOND = 1_000_000_000n;

export function statBytes(stat: HostStat): Uint8Array {
  const bytes = new Uint8Array(144);
  const view = new DataView(bytes.buffer);
  const u64 = (offset: number, value: bigint): void => view.setBigUint64(offset, BigInt.asUintN(64, value), true);
  const time = (offset: number, ns: bigint): void => {
    const [seconds, rest] = splitNs(ns);
    u64(offset, seconds);
    u64(offset + 8, rest);
  };
  u64(0, stat.dev);
  u64(8, stat.ino);
  u64(16, stat.nlink);
  view.setUint32(24, stat.mode, true);
  view.setUint32(28, stat.uid, true);
  view.setUint32(32, stat.gid, true);
  u64(40, stat.rdev);
  u64(48, stat.size);
  time(56, stat.atimeNs);
  time(72, stat.mtimeNs);
  time(88, stat.ctimeNs);
  u64(104, stat.blksize);
  u64(112, stat.blocks);
  return bytes;
}

/** Floored division, so that times before 1970 have a positive fraction. */
export function splitNs(ns: bigint): [bigint, bigint] {
  let seconds = ns / SECOND;
  let rest = ns % SECOND;
  if (rest < 0n) {
    rest += SECOND;
    seconds -= 1n;
  }
  return [seconds, rest];
}

export function statxBytes(stat: HostStat): Uint8Array {
  const bytes = new Uint8Array(256);
  const view = new DataView(bytes.buffer);
  const u64 = (offset: number, value: bigint): void => view.setBigUint64(offset, BigInt.asUintN(64, value), true);
  const time = (offset: number, ns: bigint): void => {
    const [seconds, rest] = splitNs(ns);
    u64(offset, seconds);
    view.setUint32(offset + 8, Number(rest), true);
  };
  const device = (offset: number, dev: bigint): void => {
    view.setUint32(offset, Number(((dev >> 8n) & 0xfffn) | ((dev >> 32n) & 0xffff_f000n)), true);
    view.setUint32(offset + 4, Number((dev & 0xffn) | ((dev >> 12n) & 0xffff_ff00n)), true);
  };
  view.setUint32(0, 0x7ff, true); // STATX_BASIC_STATS
  view.setUint32(4, Number(stat.blksize), true);
  view.setUint32(16, Number(stat.nlink), true);
  view.setUint32(20, stat.uid, true);
  view.setUint32(24, stat.gid, true);
  view.setUint16(28, stat.mode, true);
  u64(32, stat.ino);
  u64(40, stat.size);
  u64(48, stat.blocks);
  time(64, stat.atimeNs);
  time(96, stat.ctimeNs);
  time(112, stat.mtimeNs);
  device(128, stat.rdev);
  device(136, stat.dev);
  return bytes;
}

export const STATFS_SIZE = 120;

export function statfsBytes(stat: HostStatfs): Uint8Array {
  const bytes = new Uint8Array(STATFS_SIZE);
  const view = new DataView(bytes.buffer);
  const values = [
    stat.type,
    stat.bsize,
    stat.blocks,
    stat.bfree,
    stat.bavail,
    stat.files,
    stat.ffree,
    0n,
    255n,
    stat.bsize,
    0n,
  ];
  values.forEach((value, index) => view.setBigUint64(index * 8, BigInt.asUintN(64, value), true));
  return bytes;
}

/** A timespec or timeval's two longs. */
export function pairBytes(first: number | bigint, second: number | bigint): Uint8Array {
  const bytes = new Uint8Array(16);
  const view = new DataView(bytes.buffer);
  view.setBigInt64(0, BigInt(first), true);
  view.setBigInt64(8, BigInt(second), true);
  return bytes;
}

export function longBytes(values: readonly (number | bigint)[]): Uint8Array {
  const bytes = new Uint8Array(values.length * 8);
  const view = new DataView(bytes.buffer);
  values.forEach((value, index) => view.setBigInt64(index * 8, BigInt.asIntN(64, BigInt(value)), true));
  return bytes;
}

export const timespecBytes = (ns: number): Uint8Array => pairBytes(Math.floor(ns / 1e9), Math.round(ns % 1e9));
export const timevalBytes = (ns: number): Uint8Array => pairBytes(Math.floor(ns / 1e9), Math.floor((ns % 1e9) / 1e3));
