// SPDX-License-Identifier: MIT
export interface ArmRow {
  readonly name: string;
  readonly handler: string;
  readonly mask: number;
  readonly match: number;
  readonly conditional: boolean;
  /** The ARM instruction that a Thumb instruction is short for, without its fields. */
  readonly base: number | undefined;
}

/** The rows of a table whose words have `width` bits. */
export function parseDecode(text: string, width: number, file?: string): ArmRow[];
/** Every generated file's path and text. */
export function generateArm(): Record<string, string>;
