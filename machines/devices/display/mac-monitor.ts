// SPDX-License-Identifier: MIT
//
// What a Macintosh monitor's cable says on the three sense lines. Most ground some of them; "extended" codes tie lines
// together through diodes, which shows when one of them is pulled low.
// Document: [HW26] in docs/references.md.

/** Bits 2, 1, 0 are SENSE2 (pin 10), SENSE1 (pin 7), SENSE0 (pin 4); a set bit is a line left high. */
interface Cable {
  readonly width: number;
  readonly height: number;
  readonly code: number;
  /** Of extended codes: the lines that stay high while SENSE2, SENSE1 or SENSE0 alone is pulled low. */
  readonly extended?: readonly [number, number, number];
  readonly monochrome?: boolean;
}

const CABLES = {
  '21-inch': { width: 1152, height: 870, code: 0 },
  portrait: { width: 640, height: 870, code: 1, monochrome: true },
  '12-inch': { width: 512, height: 384, code: 2 },
  'two-page': { width: 1152, height: 870, code: 3, monochrome: true },
  '13-inch': { width: 640, height: 480, code: 6 },
  vga: { width: 640, height: 480, code: 7, extended: [0b001, 0b001, 0b110] },
  '16-inch': { width: 832, height: 624, code: 7, extended: [0b010, 0b101, 0b010] },
  '19-inch': { width: 1024, height: 768, code: 7, extended: [0b011, 0b100, 0b100] },
  none: { width: 640, height: 480, code: 7, extended: [0b011, 0b101, 0b110] },
} as const satisfies Record<string, Cable>;

export type MacMonitor = keyof typeof CABLES;
export const MAC_MONITORS = Object.keys(CABLES) as MacMonitor[];

export interface MonitorSense {
  /** Its (first) resolution. */
  readonly width: number;
  readonly height: number;
  /** The levels of the lines while the host pulls those in `pulled` low. */
  lines(pulled: number): number;
  readonly monochrome: boolean;
}

export function monitorSense(monitor: MacMonitor): MonitorSense {
  const { width, height, code, extended, monochrome }: Cable = CABLES[monitor];
  return {
    width,
    height,
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
