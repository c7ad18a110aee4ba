// SPDX-License-Identifier: MIT
import { readFileSync } from 'node:fs';

export interface DecodeField {
  readonly name: string;
  /** Position of its lowest bit, counted from the least significant one. */
  readonly shift: number;
  readonly width: number;
  readonly signed: boolean;
}

/** One row of core/ppc/ppc.decode as tests see it. */
export interface DecodeRow {
  readonly name: string;
  readonly mask: number;
  readonly value: number;
  /** Bits the processor ignores. */
  readonly ignored: number;
  readonly fields: ReadonlyMap<string, DecodeField>;
  readonly attributes: ReadonlySet<string>;
  /** FEATURE that a processor needs to have, if any. */
  readonly needs: string | undefined;
}

/** Reads the decode table itself, so that a mistake of the generator is not shared. */
export function decodeRows(): DecodeRow[] {
  const text = readFileSync(new URL('../../core/ppc/ppc.decode', import.meta.url), 'utf8');
  const rows: DecodeRow[] = [];
  for (const line of text.split('\n')) {
    const tokens = line.replace(/#.*/, '').trim().split(/\s+/);
    if (tokens.length < 2) continue;
    rows.push(decodeRow(tokens[0]!, tokens.slice(1)));
  }
  return rows;
}

function decodeRow(name: string, tokens: readonly string[]): DecodeRow {
  let mask = 0;
  let value = 0;
  let ignored = 0;
  let at = 32;
  const fields = new Map<string, DecodeField>();
  const attributes = new Set<string>();
  let needs: string | undefined;
  for (const token of tokens) {
    const field = /^([a-z]+):(s?)(\d+)$/.exec(token);
    if (field) {
      const width = Number(field[3]);
      at -= width;
      fields.set(field[1]!, { name: field[1]!, shift: at, width, signed: field[2] === 's' });
    } else if (/^[01-]+$/.test(token)) {
      for (const bit of token) {
        at -= 1;
        if (bit === '-') ignored |= 1 << at;
        else {
          mask |= 1 << at;
          if (bit === '1') value |= 1 << at;
        }
      }
    } else if (token.startsWith('needs=')) needs = token.slice('needs='.length);
    else attributes.add(token);
  }
  if (at !== 0) throw new Error(`${name}: pattern has ${32 - at} bits`);
  return { name, mask: mask >>> 0, value: value >>> 0, ignored: ignored >>> 0, fields, attributes, needs };
}

export function fieldOf(row: DecodeRow, word: number, name: string): number {
  const field = row.fields.get(name);
  if (field === undefined) throw new Error(`${row.name} has no field ${name}`);
  const raw = (word >>> field.shift) & ((1 << field.width) - 1);
  return field.signed ? (raw << (32 - field.width)) >> (32 - field.width) : raw;
}

export const hasField = (row: DecodeRow, name: string): boolean => row.fields.has(name);

/** `name field=value …`, for messages. */
export function describeInstruction(row: DecodeRow, word: number): string {
  const operands = [...row.fields.keys()].map((name) => `${name}=${fieldOf(row, word, name)}`);
  return `${row.name} ${operands.join(' ')} (0x${(word >>> 0).toString(16).padStart(8, '0')})`;
}

let byName: Map<string, DecodeRow> | undefined;

/** The instruction word of `name` with the given fields; others are zero. `spr` is the number, not its swapped halves. */
export function encode(name: string, fields: Record<string, number> = {}): number {
  byName ??= new Map(decodeRows().map((row) => [row.name, row]));
  const row = byName.get(name);
  if (row === undefined) throw new Error(`no instruction ${name}`);
  let word = row.value;
  for (const [field, given] of Object.entries(fields)) {
    const place = row.fields.get(field);
    if (place === undefined) throw new Error(`${name} has no field ${field}`);
    const value = field === 'spr' ? ((given & 31) << 5) | (given >>> 5) : given;
    word |= (value & (2 ** place.width - 1)) << place.shift;
  }
  return word >>> 0;
}
