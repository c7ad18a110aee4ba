// SPDX-License-Identifier: MIT
//
// What a Macintosh monitor's cable says on the three sense lines. Most ground some of them; "extended" codes tie lines
// together through diodes, which shows when one of them is pulled low.
// Document: [HW26] in docs/references.md.

/** Bits 2, 1, 0 are SENSE2 (pin 10), SENSE1 (pin 7), SENSE0 (pin 4); a set bit is a line left high. */
interface Cable {
  readonly code: number;
  /** Of extended codes: the lines that stay high while SENSE2, SENSE1 or SENSE0 alone is pulled low. */
  readonly extended?: readonly [number, number, number];
  readonly monochrome?: boolean;
}

const CABLES = {
  '21-inch': { code: 0 }, // 1152×870
  portrait: { code: 1, monochrome: true }, // 640×870
  '12-inch': { code: 2 }, // 512×384
  'two-page': { code: 3, monochrome: true }, // 1152×870
  '13-inch': { code: 6 }, // 640×480
  vga: { code: 7, extended: [0b001, 0b001, 0b110] }, // 640×480
  '16-inch': { code: 7, extended: [0b010, 0b101, 0b010] }, // 832×624
  '19-inch': { code: 7, extended: [0b011, 0b100, 0b100] }, // 1024×768
  none: { code: 7, extended: [0b011, 0b101, 0b110] },
} as const satisfies Record<string, Cable>;

export type MacMonitor = keyof typeof CABLES;
export const MAC_MONITORS = Object.keys(CABLES) as MacMonitor[];

export interface MonitorSense {
  /** The levels of the lines while the host pulls those in `pulled` low. */
  lines(pulled: number): number;
  readonly monochrome: boolean;
}

export function monitorSense(monitor: MacMonitor): MonitorSense {
  const { code, extended, monochrome }: Cable = CABLES[monitor];
  return {
    monochrome: monochrome === true,
    lines: (pulled) => {
      let levels = code & ~pulled;
      if (extended !== undefined) {
        for (const [index, line] of [4, 2, 1].entries()) {
          if (pulled & line) levels &= extended[index]!;
        }
      }
      return levels;
    },
  };
}
