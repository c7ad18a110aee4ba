// SPDX-License-Identifier: MIT
import { type Plain, type PlainFields, SnapshotError } from '../../backplane/device.ts';

/** A nested part of a saved state. */
export function asFields(value: Plain | undefined): PlainFields {
  if (value === null || typeof value !== 'object' || Array.isArray(value) || ArrayBuffer.isView(value)) {
    throw new SnapshotError('firmware: a part of the saved state should be named fields');
  }
  return value;
}

/** Whole numbers, `count` of them where that is given. */
export function integers(list: readonly Plain[], count = list.length): number[] {
  const numbers = list.filter((value): value is number => typeof value === 'number' && Number.isInteger(value));
  if (numbers.length !== count || list.length !== count) {
    throw new SnapshotError('firmware: a part of the saved state should be whole numbers');
  }
  return numbers;
}
