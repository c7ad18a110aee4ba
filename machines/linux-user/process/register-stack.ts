// SPDX-License-Identifier: MIT
//
// The register stack's backing store: 63 registers and then, where address bits 8-3 are all ones, the collection of
// their NaT bits. [SDM2 §6]
import { vaFromBig } from '../memory/address.ts';
import type { AddressSpace } from '../memory/address-space.ts';
import type { CpuState } from '../cpu.ts';

export const slotOf = (address: bigint): number => Number((address >> 3n) & 63n);

/** The address `count` registers further (or back, when negative). */
export function skipRegisters(address: bigint, count: number): bigint {
  let delta = slotOf(address) + count;
  if (count < 0) delta -= 62;
  return address + 8n * BigInt(count + Math.trunc(delta / 63));
}

/** How many registers lie between two addresses. */
export function registersBetween(from: bigint, to: bigint): number {
  const slots = Number((to - from) >> 3n);
  return slots - Math.floor((slotOf(from) + slots) / 64);
}

export interface StackedRegister {
  readonly value: bigint;
  readonly nat: boolean;
}

export interface SpilledStack {
  readonly bspstore: bigint;
  readonly rnat: bigint;
}

/** Writes the registers from `bspstore` upward; undefined when the memory is not there. */
export function spillRegisters(
  space: AddressSpace,
  registers: readonly StackedRegister[],
  bspstore: bigint,
  rnat: bigint,
): SpilledStack | undefined {
  let address = bspstore;
  let collection = rnat;
  const closeGroup = (): boolean => {
    if (slotOf(address) !== 63) return true;
    if (space.writeU64(vaFromBig(address), collection & 0x7fff_ffff_ffff_ffffn) !== 0) return false;
    address += 8n;
    collection = 0n;
    return true;
  };
  if (registers.length > 0 && !closeGroup()) return undefined;
  for (const { value, nat } of registers) {
    if (space.writeU64(vaFromBig(address), value) !== 0) return undefined;
    const mask = 1n << BigInt(slotOf(address));
    collection = nat ? collection | mask : collection & ~mask;
    address += 8n;
    if (!closeGroup()) return undefined;
  }
  return { bspstore: address, rnat: collection };
}

/** Reads `count` registers that begin at `from`; `rnat` has the NaT bits of the group that is still open at `end`. */
export function fillRegisters(
  space: AddressSpace,
  from: bigint,
  count: number,
  end: bigint,
  rnat: bigint,
): StackedRegister[] | undefined {
  const registers: StackedRegister[] = [];
  let address = slotOf(from) === 63 ? from + 8n : from;
  for (let n = 0; n < count; n++) {
    const value = space.readU64(vaFromBig(address));
    const collection = collectionFor(space, address, end, rnat);
    if (value === undefined || collection === undefined) return undefined;
    registers.push({ value, nat: ((collection >> BigInt(slotOf(address))) & 1n) !== 0n });
    address += 8n;
    if (slotOf(address) === 63) address += 8n;
  }
  return registers;
}

/** The NaT collection that covers `address`, in memory or, for the last group before `end`, in `rnat`. */
export function collectionFor(space: AddressSpace, address: bigint, end: bigint, rnat: bigint): bigint | undefined {
  const at = address | 0x1f8n;
  return at < end ? space.readU64(vaFromBig(at)) : rnat;
}

/** The registers of the current frame. */
export function frameRegisters(cpu: CpuState): StackedRegister[] {
  return Array.from({ length: Number(cpu.cfm & 0x7fn) }, (_, index) => ({
    value: cpu.frameRegister(index),
    nat: cpu.frameNat(index),
  }));
}

export function setFrame(cpu: CpuState, registers: readonly StackedRegister[]): void {
  registers.forEach(({ value, nat }, index) => cpu.setFrameRegister(index, value, nat));
}
