// SPDX-License-Identifier: MIT
//
// What the chips of the goldfish board have in common.
import type { AccessRules } from '../../backplane/bus.ts';

export type GoldfishByteOrder = 'big' | 'little';

/** Registers are 32-bit words in the order of the board's processor. */
export const goldfishAccess = (byteOrder: GoldfishByteOrder): AccessRules => ({
  valid: { min: 1, max: 4 },
  impl: { min: 4, max: 4 },
  byteOrder,
});
