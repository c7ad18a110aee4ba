// SPDX-License-Identifier: MIT
//
// IA-64 bundles for tests, encoded from the instruction table: instructions by their name in core/ia64/ia64.decode and
// operands by the letters of its formats.
import { ISA, type IsaRow } from '../../core/ia64/host/gen/isa.ts';

const TEMPLATES: Readonly<Record<string, number>> = {
  ...{ MII: 0x01, 'MI;I': 0x03, MLX: 0x05, MMI: 0x09, 'M;MI': 0x0b, MFI: 0x0d, MMF: 0x0f },
  ...{ MIB: 0x11, MBB: 0x13, BBB: 0x17, MMB: 0x19, MFB: 0x1d },
};

export type Operands = Partial<Record<'a' | 'b' | 'c' | 'd' | 'imm' | 'qp', number | bigint>>;

export interface Instruction {
  readonly name: string;
  readonly operands: Operands;
}

export function op(name: string, operands: Operands = {}): Instruction {
  return { name, operands };
}

const rows = new Map<string, IsaRow>();
for (const row of ISA) {
  if (!rows.has(row.name)) rows.set(row.name, row);
}

/** The 41 bits of an instruction. */
export function encode({ name, operands }: Instruction): bigint {
  const row = rows.get(name);
  if (row === undefined) throw new Error(`no instruction ${name}`);
  let bits = row.match | BigInt(operands.qp ?? 0);
  for (const [key, layout] of Object.entries(row.operands)) {
    const [, shift, add, ...pieces] = layout;
    let value = (BigInt(operands[key as keyof Operands] ?? add) - BigInt(add)) >> BigInt(shift);
    for (let i = pieces.length - 2; i >= 0; i -= 2) {
      const width = BigInt(pieces[i + 1]!);
      bits |= BigInt.asUintN(Number(width), value) << BigInt(pieces[i]!);
      value >>= width;
    }
  }
  return bits;
}

/** A bundle with a stop at its end; missing slots are nops. A long instruction takes `imm` of 64 bits. */
export function bundle(template: string, ...instructions: readonly Instruction[]): Uint8Array {
  const number = TEMPLATES[template];
  if (number === undefined) throw new Error(`no template ${template}`);
  const units = template.replace(';', '');
  const slots = [...units].map((unit, i) => {
    const instruction = instructions[i];
    return instruction === undefined ? encode(op(`nop.${unit.toLowerCase()}`)) : encode(instruction);
  });
  if (template === 'MLX') {
    const long = instructions[1]!;
    const value = BigInt.asUintN(64, BigInt(long.operands.imm ?? 0));
    slots[1] = (value >> 22n) & ((1n << 41n) - 1n);
    slots[2] =
      encode(long) |
      ((value >> 63n) << 36n) |
      (((value >> 7n) & 0x1ffn) << 27n) |
      (((value >> 16n) & 0x1fn) << 22n) |
      (((value >> 21n) & 1n) << 21n) |
      ((value & 0x7fn) << 13n);
  }
  const bits = BigInt(number) | (slots[0]! << 5n) | (slots[1]! << 46n) | (slots[2]! << 87n);
  const bytes = new Uint8Array(16);
  for (let i = 0; i < 16; i++) bytes[i] = Number((bits >> BigInt(i * 8)) & 0xffn);
  return bytes;
}

export function code(...bundles: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(bundles.length * 16);
  bundles.forEach((one, i) => bytes.set(one, i * 16));
  return bytes;
}
