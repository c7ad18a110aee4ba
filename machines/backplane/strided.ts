// SPDX-License-Identifier: MIT
import type { AccessRules, BusTarget, Width } from './bus.ts';
import { BYTE_REGISTERS } from './bus.ts';

export interface StrideOptions {
  /** The lane a register's byte appears at inside its stride; other lanes read as zero. All lanes by default. */
  readonly lane?: number;
  /** Size of the window in bytes; the register file repeats in it. One copy by default. */
  readonly span?: number;
}

/**
 * A byte-register chip wired to address lines `shift` and up: register n answers at every byte of
 * [n << shift, (n + 1) << shift), or only at one lane of it. Macintosh VIAs sit at shift 9, its SCC at shift 4.
 */
export function strided(target: BusTarget, shift: number, options: StrideOptions = {}): BusTarget {
  if (!Number.isInteger(shift) || shift < 0 || shift > 16) throw new RangeError(`stride shift ${shift}`);
  const { lane } = options;
  const copy = target.span << shift;
  const span = options.span ?? copy;
  const laneMask = (1 << shift) - 1;
  const register = (offset: number): number => {
    if (lane !== undefined && (offset & laneMask) !== lane) return -1;
    return (offset >>> shift) % target.span;
  };
  return {
    span,
    access: BYTE_REGISTERS satisfies AccessRules,
    read(offset: number, _width: Width): number {
      const index = register(offset);
      return index < 0 ? 0 : target.read(index, 1);
    },
    write(offset: number, _width: Width, value: number): void {
      const index = register(offset);
      if (index >= 0) target.write(index, 1, value & 0xff);
    },
    peek(offset: number): number | undefined {
      const index = register(offset);
      return index < 0 ? 0 : target.peek?.(index);
    },
  };
}
