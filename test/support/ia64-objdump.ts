// SPDX-License-Identifier: MIT
//
// Listings of ia64-linux-gnu-objdump -d and of our disassembler in the same form: address, slot and text in a line,
// without the bytes, symbols and spaces that differ.
import { disassemble } from '../../core/ia64/host/disassembler.ts';

/** `0x` and the symbol go from targets, runs of spaces become one. */
function normal(text: string): string {
  const symbolless = text.replace(/\s*<[^>]*>/, '').trim();
  const stop = symbolless.endsWith(';;') ? ';;' : '';
  const body = stop === '' ? symbolless : symbolless.slice(0, -2).trim();
  const [, head, target] =
    /^((?:\(p\d+\)\s+)?(?:brl?[.\w]*|chk\S*|fchkf\S*)\s(?:.*[=,])?)(?:0x)?([0-9a-f]+)$/.exec(body) ?? [];
  return `${target === undefined ? body : head! + target}${stop}`.replace(/\s+/g, ' ');
}

/** Lines of a listing of objdump. */
export function normalObjdump(listing: string): string[] {
  const lines: string[] = [];
  for (const line of listing.split('\n')) {
    const [, address, text] = /^\s*([0-9a-f]+):\t(?:[0-9a-f]{2} )+\s*\t(.*)$/.exec(line) ?? [];
    if (text === undefined) continue;
    const body = text.replace(/^\[[A-Z-]*\]/, '');
    if (body.trim() !== '') lines.push(`${address} ${normal(body)}`);
  }
  return lines;
}

/** Lines of our own, for `length` bytes at `va`. Slots are 0, 6 and 12 bytes into the bundle, as objdump has them. */
export function normalOurs(code: DataView, offset: number, length: number, va: bigint): string[] {
  const lines: string[] = [];
  for (let at = 0; at < length; at += 16) {
    const bundle = va + BigInt(at);
    for (const { slot, text } of disassemble(code, offset + at, bundle).slots) {
      lines.push(`${(bundle + BigInt(slot * 6)).toString(16)} ${normal(text)}`);
    }
  }
  return lines;
}
