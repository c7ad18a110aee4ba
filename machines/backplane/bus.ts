// SPDX-License-Identifier: MIT

/** Bytes in one bus access. */
export type Width = 1 | 2 | 4;

export interface WidthRange {
  readonly min: Width;
  readonly max: Width;
}

export interface AccessRules {
  /** What the hardware accepts. Anything else is a guest error and reads as zero. */
  readonly valid: WidthRange;
  /** What the model implements; the bus splits wider accesses and merges narrower ones. */
  readonly impl: WidthRange;
  /** The order of bytes inside a multi-byte register; the bus swaps for a CPU of the other order. */
  readonly byteOrder: 'big' | 'little';
  /** The device sees all address lines of an access that is not aligned (ARM stores drive them); nothing is split. */
  readonly rawAddress?: true;
}

/** Byte registers that may be read by wider accesses, one register after another. */
export const BYTE_REGISTERS: AccessRules = {
  valid: { min: 1, max: 4 },
  impl: { min: 1, max: 1 },
  byteOrder: 'big',
};

/** 32-bit little-endian registers, as on PCI devices. */
export const LITTLE_WORDS: AccessRules = {
  valid: { min: 1, max: 4 },
  impl: { min: 4, max: 4 },
  byteOrder: 'little',
};

/** A register file on a bus. Offsets are relative to the device; a chip does not know where it is mapped. */
export interface BusTarget {
  /** Size of the register file in bytes. */
  readonly span: number;
  readonly access: AccessRules;
  /** Returns an unsigned value of the width. `offset` is aligned to the width (the bus splits what is not), see `rawAddress`. */
  read(offset: number, width: Width): number;
  write(offset: number, width: Width, value: number): void;
  /** The debugger's view: no side effects. `undefined` where the model cannot tell. */
  peek?(offset: number): number | undefined;
}

export const swap16 = (value: number): number => ((value & 0xff) << 8) | ((value >>> 8) & 0xff);

export const swap32 = (value: number): number =>
  ((value << 24) | ((value & 0xff00) << 8) | ((value >>> 8) & 0xff00) | (value >>> 24)) >>> 0;

/** `value` with its `width` bytes in the opposite order. */
export const swapBytes = (value: number, width: Width): number =>
  width === 4 ? swap32(value) : width === 2 ? swap16(value) : value;

/**
 * Reads `width` bytes at `offset`, in the target's own byte order, splitting or widening to what the model implements.
 * The caller has checked `valid` and alignment-free access is allowed.
 */
export function readTarget(target: BusTarget, offset: number, width: Width): number {
  const { impl, byteOrder, rawAddress } = target.access;
  if (width >= impl.min && width <= impl.max && (rawAddress === true || (offset & (width - 1)) === 0)) {
    return target.read(offset, width);
  }
  if (width > impl.max || (offset & (width - 1)) !== 0) {
    const step = Math.min(impl.max, width, lowestBit(offset)) as Width;
    let value = 0;
    for (let i = 0; i < width; i += step) {
      const part = readTarget(target, offset + i, step);
      const shift = byteOrder === 'big' ? (width - step - i) * 8 : i * 8;
      value |= part << shift;
    }
    return value >>> 0;
  }
  const wide = target.read(offset & ~(impl.min - 1), impl.min);
  return (wide >>> laneShift(offset, width, impl.min, byteOrder)) & (width === 1 ? 0xff : 0xffff);
}

/** Writes `width` bytes at `offset`; see {@link readTarget}. A narrow write to a wide register reads it first. */
export function writeTarget(target: BusTarget, offset: number, width: Width, value: number): void {
  const { impl, byteOrder, rawAddress } = target.access;
  if (width >= impl.min && width <= impl.max && (rawAddress === true || (offset & (width - 1)) === 0)) {
    target.write(offset, width, value);
    return;
  }
  if (width > impl.max || (offset & (width - 1)) !== 0) {
    const step = Math.min(impl.max, width, lowestBit(offset)) as Width;
    const mask = step === 1 ? 0xff : 0xffff;
    for (let i = 0; i < width; i += step) {
      const shift = byteOrder === 'big' ? (width - step - i) * 8 : i * 8;
      writeTarget(target, offset + i, step, (value >>> shift) & mask);
    }
    return;
  }
  const aligned = offset & ~(impl.min - 1);
  const shift = laneShift(offset, width, impl.min, byteOrder);
  const mask = (width === 1 ? 0xff : 0xffff) << shift;
  const old = target.peek?.(aligned) ?? target.read(aligned, impl.min);
  target.write(aligned, impl.min, ((old & ~mask) | ((value << shift) & mask)) >>> 0);
}

const lowestBit = (offset: number): number => (offset & 1 ? 1 : offset & 2 ? 2 : 4);

const laneShift = (offset: number, width: Width, wide: Width, byteOrder: 'big' | 'little'): number => {
  const within = offset & (wide - 1);
  return (byteOrder === 'big' ? wide - width - within : within) * 8;
};
