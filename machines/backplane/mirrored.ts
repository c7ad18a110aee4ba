// SPDX-License-Identifier: MIT
import type { BusTarget } from './bus.ts';
import type { MemoryMap } from './memory-map.ts';

/**
 * A whole map as one device whose content repeats every `blockBytes` (a power of two) of `span`: for address spaces
 * that are decoded so loosely that listing every copy would only slow the map down. Bus errors go on to `outer`.
 */
export function mirrored(inner: MemoryMap, outer: MemoryMap, blockBytes: number, span: number): BusTarget {
  if ((blockBytes & (blockBytes - 1)) !== 0) throw new RangeError(`mirrored: blocks of ${blockBytes} bytes`);
  const mask = blockBytes - 1;
  const check = (): void => {
    if (inner.takeBusError()) outer.busError();
  };
  return {
    span,
    access: { valid: { min: 1, max: 4 }, impl: { min: 1, max: 4 }, byteOrder: 'big' },
    read: (offset, width) => {
      const value = inner.read(offset & mask, width);
      check();
      return value;
    },
    write: (offset, width, value) => {
      inner.write(offset & mask, width, value);
      check();
    },
    peek: (offset) => inner.peek(offset & mask),
  };
}
