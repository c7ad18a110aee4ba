// SPDX-License-Identifier: MIT
//
// Instructions as m68k-linux-gnu-objdump prints them (MIT syntax) and as our disassembler does (Motorola's), in one form:
// no dots in mnemonics, no signs before registers and immediates, numbers in decimal.

/** 0x80000000 and -0x80000000 are one number here. */
const numbers = (text: string): string =>
  text.replace(/(?<![\w.])-?(?:0x[0-9a-f]+|\d+)\b/g, (found) => {
    const negative = found.startsWith('-');
    const value = Number(negative ? found.slice(1) : found);
    return String((negative ? -value : value) | 0);
  });

const ORDER = ['d0', 'd1', 'd2', 'd3', 'd4', 'd5', 'd6', 'd7', 'a0', 'a1', 'a2', 'a3', 'a4', 'a5', 'fp', 'sp'];

/** Register lists in one order, without ranges. */
const lists = (text: string): string =>
  text.replace(/\b[adfs]\w+(?:[-/][adfs]\w+)+/g, (found) =>
    found
      .split('/')
      .flatMap((range) => {
        const [first, last = first] = range.split('-') as [string, string?];
        const [from, to] = [ORDER.indexOf(first), ORDER.indexOf(last)];
        return from < 0 || to < 0 ? [range] : ORDER.slice(from, to + 1);
      })
      .sort()
      .join('/'),
  );

/** Operands are separated by commas outside of brackets. */
function operands(text: string): string[] {
  const found: string[] = [];
  let depth = 0;
  let from = 0;
  for (let at = 0; at <= text.length; at++) {
    const char = text[at];
    if (char === '(' || char === '{' || char === '[') depth++;
    else if (char === ')' || char === '}' || char === ']') depth--;
    else if ((char === ',' && depth === 0) || char === undefined) {
      found.push(text.slice(from, at));
      from = at + 1;
    }
  }
  return found;
}

/** Parts of an address in the order displacement, base, index; those that are nothing left out. */
const parts = (...all: (string | undefined)[]): string =>
  all.filter((part) => part !== undefined && part !== '' && !/^-?(0x)?0+$/.test(part)).join(',');

const scaled = (index: string | undefined): string | undefined => index?.replace(':', '.').replace(':', '*');

/** Where an index or a second pair of brackets follows, objdump's displacements are hexadecimal of 64 bits. */
const wide = (displacement: string | undefined): string | undefined =>
  displacement === undefined || displacement.startsWith('0x')
    ? displacement
    : `0x${BigInt.asUintN(32, BigInt(`0x${displacement}`)).toString(16)}`;

/** An operand of objdump in Motorola's syntax. */
function motorola(operand: string, full: boolean): string {
  const indirect = /^([a-z]\w*)@([+-]?)$/.exec(operand);
  if (indirect !== null) {
    const [, base, step] = indirect;
    return step === '-' ? `-(${base!})` : `(${base!})${step!}`;
  }
  const [whole, base, inner, outer] = /^([a-z]\w*)?@\(([^()]*)\)(?:@\(([^()]*)\))?$/.exec(operand) ?? [];
  if (whole === undefined) return operand;
  const [displacement, index] = inner!.split(',');
  if (outer === undefined) {
    const decimal = index === undefined && base !== undefined && !full && Math.abs(Number(displacement)) < 0x8000;
    return `(${parts(decimal ? displacement : wide(displacement), base, scaled(index))})`;
  }
  const [more, after] = outer.split(',');
  return `([${parts(wide(displacement), base, scaled(index))}]${[scaled(after), parts(wide(more))].map((part) => (part ? `,${part}` : '')).join('')})`;
}

/** d(b,i) and (d,b,i) are the same. */
function gathered(operand: string): string {
  if (operand.startsWith('([')) return operand.replace(/,0(?=[,)])/, '').replace(/\[0(,|(?=\]))/, '[');
  const [, before, inner] = /^([^()[\]]*)\(([^()[\]]*)\)$/.exec(operand) ?? [];
  if (inner === undefined || before === '-') return operand;
  return `(${parts(before, ...inner.split(','))})`;
}

/** objdump rounds floating-point immediates. */
const FLOAT = 'float';

/** `full`: displacements are those of full extension words, hexadecimal even if they do not look like it. */
export function normalObjdump(text: string, full = false): string {
  const [, mnemonic, rest = ''] = /^(\S+)\s*(.*)$/.exec(text.replaceAll('%', '').replace(/\s*<[^>]*>/g, ''))!;
  const list = operands(rest.replaceAll('#', '')).map((operand) =>
    /^0e/.test(operand) ? FLOAT : motorola(operand, full),
  );
  // A bit's number has no sign.
  if (/^b(tst|chg|clr|set)$/.test(mnemonic!) && /^-\d+$/.test(list[0]!)) list[0] = String(Number(list[0]) + 256);
  // Quotient and remainder in one register are the form without a remainder.
  const [, kind] = /^(div[us]l)l$/.exec(mnemonic!) ?? [];
  const same = kind !== undefined && list.at(-1) === list.at(-2);
  return lists(numbers(`${same ? kind : mnemonic!} ${(same ? list.slice(0, -1) : list).join(',')}`)).trim();
}

export function normalOurs(text: string): string {
  const [, mnemonic, rest = ''] = /^(\S+)\s*(.*)$/.exec(text)!;
  const float = /^f.*\.[sdxp]$/.test(mnemonic!);
  const list = operands(rest)
    .map((operand) => (float && /^#0x/.test(operand) ? FLOAT : operand.replaceAll('#', '')))
    .map((operand) => operand.replace(/^(-?0x[0-9a-f]+)\.w$/, '$1'))
    .map((operand) => operand.replace(':32}', ':0}').replace(/\{(\w+):(\w+)\}$/, ',$1,$2'))
    .map((operand) => operand.replace(/^(d\d):(d\d)$/, '$1,$2'))
    .flatMap((operand) => operands(operand))
    .map(gathered);
  const name = mnemonic!.replace(/^(fb\w+)\.w$/, '$1').replace('.', '');
  return lists(numbers(`${name} ${list.join(',')}`)).trim();
}
