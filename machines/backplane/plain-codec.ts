// SPDX-License-Identifier: MIT
import { type Plain, type PlainFields, SnapshotError } from './device.ts';

// One tag byte, then the value; lengths and counts are 32-bit, everything little-endian.
const TAG = {
  null: 0,
  false: 1,
  true: 2,
  number: 3, // binary64
  bigint: 4, // decimal text
  string: 5, // UTF-8
  bytes: 6,
  halfwords: 7,
  words: 8,
  list: 9,
  fields: 10, // count, then name (length, UTF-8) and value each
} as const;
const MAX_DEPTH = 32;

/** Plain data as bytes. */
export function encodePlain(value: Plain): Uint8Array {
  const out = new Writer();
  out.value(value);
  return out.finish();
}

/** The counterpart of {@link encodePlain}. Throws {@link SnapshotError} on anything it cannot have written. */
export function decodePlain(bytes: Uint8Array): Plain {
  const reader = new Reader(bytes);
  const value = reader.value(0);
  if (!reader.atEnd) throw new SnapshotError('bytes after the end of the snapshot');
  return value;
}

class Writer {
  #bytes = new Uint8Array(1 << 16);
  #view = new DataView(this.#bytes.buffer);
  #length = 0;

  value(value: Plain): void {
    if (value === null) this.#tag(TAG.null);
    else if (typeof value === 'boolean') this.#tag(value ? TAG.true : TAG.false);
    else if (typeof value === 'number') {
      this.#tag(TAG.number);
      this.#reserve(8);
      this.#view.setFloat64(this.#length, value, true);
      this.#length += 8;
    } else if (typeof value === 'bigint') {
      this.#tag(TAG.bigint);
      this.#text(value.toString());
    } else if (typeof value === 'string') {
      this.#tag(TAG.string);
      this.#text(value);
    } else if (value instanceof Uint8Array) this.#array(TAG.bytes, value);
    else if (value instanceof Uint16Array) this.#array(TAG.halfwords, value);
    else if (value instanceof Uint32Array) this.#array(TAG.words, value);
    else if (Array.isArray(value)) {
      this.#tag(TAG.list);
      this.#u32(value.length);
      for (const item of value) this.value(item);
    } else {
      this.#tag(TAG.fields);
      const names = Object.keys(value);
      this.#u32(names.length);
      for (const name of names) {
        this.#text(name);
        this.value(value[name]!);
      }
    }
  }

  finish(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }

  #tag(tag: number): void {
    this.#reserve(1);
    this.#bytes[this.#length++] = tag;
  }

  #u32(value: number): void {
    this.#reserve(4);
    this.#view.setUint32(this.#length, value, true);
    this.#length += 4;
  }

  #text(text: string): void {
    this.#raw(new TextEncoder().encode(text));
  }

  #array(tag: number, array: Uint8Array | Uint16Array | Uint32Array): void {
    this.#tag(tag);
    this.#raw(new Uint8Array(array.buffer, array.byteOffset, array.byteLength));
  }

  #raw(bytes: Uint8Array): void {
    this.#u32(bytes.length);
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  #reserve(more: number): void {
    if (this.#length + more <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(this.#bytes.length * 2, this.#length + more));
    grown.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = grown;
    this.#view = new DataView(grown.buffer);
  }
}

class Reader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  constructor(bytes: Uint8Array) {
    // Not a subclass, whose slice might be no copy (Node's Buffer).
    this.#bytes = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get atEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  value(depth: number): Plain {
    if (depth > MAX_DEPTH) throw new SnapshotError('snapshot nested too deeply');
    const tag = this.#take(1)[0]!;
    switch (tag) {
      case TAG.null:
        return null;
      case TAG.false:
        return false;
      case TAG.true:
        return true;
      case TAG.number: {
        this.#take(8);
        return this.#view.getFloat64(this.#at - 8, true);
      }
      case TAG.bigint: {
        const text = this.#text();
        if (!/^-?\d{1,1000}$/.test(text)) throw new SnapshotError('bad number in the snapshot');
        return BigInt(text);
      }
      case TAG.string:
        return this.#text();
      case TAG.bytes:
        return this.#take(this.#u32()).slice();
      case TAG.halfwords: {
        const raw = this.#take(this.#u32()).slice();
        if (raw.length % 2 !== 0) throw new SnapshotError('bad array in the snapshot');
        return new Uint16Array(raw.buffer);
      }
      case TAG.words: {
        const raw = this.#take(this.#u32()).slice();
        if (raw.length % 4 !== 0) throw new SnapshotError('bad array in the snapshot');
        return new Uint32Array(raw.buffer);
      }
      case TAG.list: {
        const count = this.#count();
        const list: Plain[] = [];
        for (let i = 0; i < count; i++) list.push(this.value(depth + 1));
        return list;
      }
      case TAG.fields: {
        const count = this.#count();
        const fields: PlainFields = Object.create(null) as PlainFields;
        for (let i = 0; i < count; i++) {
          const name = this.#text();
          fields[name] = this.value(depth + 1);
        }
        return { ...fields };
      }
      default:
        throw new SnapshotError(`unknown tag ${tag} in the snapshot`);
    }
  }

  #take(length: number): Uint8Array {
    if (this.#at + length > this.#bytes.length) throw new SnapshotError('the snapshot ends too early');
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }

  #u32(): number {
    this.#take(4);
    return this.#view.getUint32(this.#at - 4, true);
  }

  /** A count of items, each of which needs at least one byte. */
  #count(): number {
    const count = this.#u32();
    if (count > this.#bytes.length - this.#at) throw new SnapshotError('the snapshot ends too early');
    return count;
  }

  #text(): string {
    return new TextDecoder().decode(this.#take(this.#u32()));
  }
}
