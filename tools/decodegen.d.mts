// SPDX-License-Identifier: MIT
export class DecodeError extends Error {}

export interface Row {
  readonly name: string;
  readonly handler: string;
  readonly mask: number;
  readonly match: number;
  readonly fields: readonly {
    readonly name: string;
    readonly shift: number;
    readonly width: number;
    readonly signed: boolean;
  }[];
  readonly kind: string;
  readonly needs: string | undefined;
}

export function parseDecode(text: string): Row[];
export function parseVariants(text: string, rows: Row[]): Row[];
/** Every generated file's path and text. */
export function generate(): Record<string, string>;
