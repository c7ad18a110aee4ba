// SPDX-License-Identifier: MIT
//
// Text in and out: the source being parsed, numbers from text and to text, strings in the scratch area, characters to
// the console.
import { type PlainFields, SavedFields } from '../../../backplane/device.ts';
import { ForthThrow, THROW } from '../errors.ts';
import { latin1 } from '../latin1.ts';
import { integers } from '../saved.ts';
import { VAR_OUT } from './data-space.ts';
import { Stacks } from './stacks.ts';
import { MAX_SOURCES, type Source } from './task.ts';

/** Room for pictured numbers at the start of the scratch area; they grow downwards from its end. */
const HOLD_BYTES = 128;
const decoder = new TextDecoder('latin1');

export class TextIO extends Stacks {
  emitByte: (byte: number) => void = () => {};
  /** Characters held of a pictured number. */
  #hold = 0;
  /** Bytes of the scratch area taken by transient strings. */
  #scratch = 0;

  // ---- source text --------------------------------------------------------------------------------------------------

  pushSource(pa: number, bytes: Uint8Array): void {
    const { sources } = this.task;
    if (sources.length >= MAX_SOURCES) throw new ForthThrow(THROW.returnStackOverflow);
    const outer = sources.at(-1);
    if (outer !== undefined) outer.in = this.#in(outer);
    sources.push({ pa, bytes, in: 0 });
    this.setVariable('>in', 0);
  }

  popSource(): void {
    this.task.sources.pop();
    const outer = this.task.sources.at(-1);
    if (outer !== undefined) this.setVariable('>in', outer.in);
  }

  get source(): Source {
    const source = this.task.sources.at(-1);
    if (source === undefined) return { pa: this.memory.scratch, bytes: new Uint8Array(0), in: 0 };
    return source;
  }

  /** >IN kept inside the source, whatever was stored there. */
  #in(source: Source): number {
    const at = this.variable('>in');
    return at < 0 || at > source.bytes.length ? source.bytes.length : at;
  }

  /** The next name; its place in the source. Empty at the end. */
  parseName(): { offset: number; length: number; text: string } {
    const source = this.source;
    const { bytes } = source;
    let at = this.#in(source);
    while (at < bytes.length && bytes[at]! <= 0x20) at++;
    const offset = at;
    while (at < bytes.length && bytes[at]! > 0x20) at++;
    const text = decoder.decode(bytes.subarray(offset, at));
    this.setVariable('>in', Math.min(at + 1, bytes.length));
    return { offset, length: at - offset, text };
  }

  /** Text up to `delimiter`. */
  parse(delimiter: number): { offset: number; length: number; bytes: Uint8Array } {
    const source = this.source;
    const offset = this.#in(source);
    let at = offset;
    while (at < source.bytes.length && source.bytes[at] !== delimiter) at++;
    this.setVariable('>in', Math.min(at + 1, source.bytes.length));
    return { offset, length: at - offset, bytes: source.bytes.slice(offset, at) };
  }

  /** The next character without taking it, or -1. */
  peekChar(): number {
    const source = this.source;
    return source.bytes[this.#in(source)] ?? -1;
  }

  skipChar(): void {
    const source = this.source;
    this.setVariable('>in', Math.min(this.#in(source) + 1, source.bytes.length));
  }

  name(): string {
    const { text } = this.parseName();
    if (text === '') throw new ForthThrow(THROW.zeroLengthName);
    return text;
  }

  // ---- numbers ------------------------------------------------------------------------------------------------------

  /** A number in `base`: an optional sign and 0x, digits, periods as punctuation; a trailing period makes it double. */
  number(text: string, base = this.base): { value: bigint; double: boolean } | undefined {
    let rest = text;
    const negative = rest.startsWith('-');
    if (negative) rest = rest.slice(1);
    const double = rest.endsWith('.');
    if (double) rest = rest.slice(0, -1);
    if (/^0x[0-9a-f]/i.test(rest)) {
      rest = rest.slice(2);
      base = 16;
    }
    let value = 0n;
    let digits = 0;
    for (const char of rest.toLowerCase()) {
      if (char === '.' && digits > 0) continue;
      const digit =
        char >= '0' && char <= '9'
          ? char.charCodeAt(0) - 48
          : char >= 'a' && char <= 'z'
            ? char.charCodeAt(0) - 87
            : 99;
      if (digit >= base) return undefined;
      value = BigInt.asUintN(64, value * BigInt(base) + BigInt(digit));
      digits++;
    }
    if (digits === 0) return undefined;
    return { value: negative ? -value : value, double };
  }

  formatted(value: bigint, base = this.base): string {
    return value.toString(base);
  }

  startHold(): void {
    this.#hold = 0;
  }

  hold(byte: number): void {
    if (this.#hold >= HOLD_BYTES - 1) throw new ForthThrow(THROW.picturedOverflow);
    this.#hold++;
    this.write(this.memory.scratch + HOLD_BYTES - 1 - this.#hold, 1, byte);
  }

  holdDigit(value: bigint): bigint {
    const base = BigInt(this.base);
    this.hold((value % base).toString(36).charCodeAt(0));
    return value / base;
  }

  pushHeld(): void {
    this.push(this.memory.scratch + HOLD_BYTES - 1 - this.#hold);
    this.push(this.#hold);
  }

  // ---- strings ------------------------------------------------------------------------------------------------------

  /** A transient string in guest memory, good until the scratch area wraps. */
  transient(bytes: Uint8Array): number {
    const room = this.memory.scratchBytes - HOLD_BYTES;
    if (bytes.length >= room) throw new ForthThrow(THROW.parsedOverflow);
    if (this.#scratch + bytes.length + 1 > room) this.#scratch = 0;
    const pa = this.memory.scratch + HOLD_BYTES + this.#scratch;
    this.setBytes(pa, bytes);
    this.write(pa + bytes.length, 1, 0);
    this.#scratch += (bytes.length + 8) & ~7;
    return pa;
  }

  pushText(text: string): void {
    this.push(this.transient(latin1(text)));
    this.push(text.length);
  }

  // ---- output -------------------------------------------------------------------------------------------------------

  emit(byte: number): void {
    byte &= 0xff;
    this.emitByte(byte);
    const out = this.memory.variables + VAR_OUT;
    if (byte === 0x0d) this.setCell(out, 0);
    else if (byte === 0x0a) this.setVariable('#line', this.variable('#line') + 1);
    else if (byte === 0x08) this.setCell(out, Math.max(0, this.cell(out) - 1));
    else if (byte >= 0x20) this.setCell(out, this.cell(out) + 1);
  }

  type(text: string): void {
    for (let i = 0; i < text.length; i++) this.emit(text.charCodeAt(i));
  }

  cr(): void {
    this.type('\r\n');
  }

  /** Goes to a new line unless at the start of one. */
  freshLine(): void {
    if (this.variable('#out') !== 0) this.cr();
  }

  line(text: string): void {
    this.type(text);
    this.cr();
  }

  // ---- snapshot -----------------------------------------------------------------------------------------------------

  override save(): PlainFields {
    return { ...super.save(), strings: [this.#hold, this.#scratch] };
  }

  override restore(state: PlainFields): void {
    super.restore(state);
    const [hold, scratch] = integers(new SavedFields('firmware.forth', state).list('strings', 2), 2) as [
      number,
      number,
    ];
    this.#hold = hold & (HOLD_BYTES - 1);
    this.#scratch = Math.max(0, Math.min(scratch, this.memory.scratchBytes - HOLD_BYTES));
  }
}
