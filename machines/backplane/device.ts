// SPDX-License-Identifier: MIT

/** What a saved field may be: plain data that survives a structured clone and can be compared deeply. */
export type Plain =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | Uint16Array
  | Uint32Array
  | Plain[]
  | { [field: string]: Plain };

/** The named fields of one device. */
// eslint-disable-next-line @typescript-eslint/consistent-indexed-object-style -- a Record cannot be recursive here
export type PlainFields = { [field: string]: Plain };

/** `cold`: power-on. `warm`: the reset line, with what batteries and latches keep. `snapshot`: before a restore. */
export type ResetKind = 'cold' | 'warm' | 'snapshot';

/** Anything on the board. Constructed cold (no wire driven, nothing scheduled), wired, then reset. */
export interface Device {
  /** Path in the machine, `scc` or `scsi:3`. */
  readonly id: string;
  /** Sets local state only; drives no wire. */
  reset(kind: ResetKind): void;
  /** Drives every output wire from state: after reset, and after a restore. */
  settle(): void;
  save(): PlainFields;
  /** Takes back what `save` gave. Validates and throws {@link SnapshotError}; never drives a wire. */
  restore(state: PlainFields): void;
}

/** A saved state that this device cannot have written. */
export class SnapshotError extends Error {
  override readonly name = 'SnapshotError';
}

/** Checked access to the fields of a saved state: a wrong type or range is a {@link SnapshotError}, never a bad device. */
export class SavedFields {
  readonly #fields: PlainFields;
  readonly #owner: string;

  constructor(owner: string, fields: PlainFields) {
    this.#owner = owner;
    this.#fields = fields;
  }

  /** An integer in [min, max]. */
  int(name: string, min: number, max: number): number {
    const value = this.#fields[name];
    if (typeof value !== 'number' || !Number.isInteger(value) || value < min || value > max) {
      throw this.#bad(name, `an integer from ${min} to ${max}`);
    }
    return value;
  }

  u8 = (name: string): number => this.int(name, 0, 0xff);
  u16 = (name: string): number => this.int(name, 0, 0xffff);
  u32 = (name: string): number => this.int(name, 0, 0xffff_ffff);

  bool(name: string): boolean {
    const value = this.#fields[name];
    if (typeof value !== 'boolean') throw this.#bad(name, 'true or false');
    return value;
  }

  string(name: string): string {
    const value = this.#fields[name];
    if (typeof value !== 'string') throw this.#bad(name, 'a string');
    return value;
  }

  /** One of a list of words. */
  oneOf<T extends string>(name: string, words: readonly T[]): T {
    const value = this.#fields[name];
    const word = words.find((candidate) => candidate === value);
    if (word === undefined) throw this.#bad(name, `one of ${words.join(', ')}`);
    return word;
  }

  /** A copy of the bytes; `length` is exact when given, otherwise any length up to `max`. */
  bytes(name: string, length?: number, max = 0xffff_ffff): Uint8Array {
    const value = this.#fields[name];
    if (!(value instanceof Uint8Array) || value.length > max || (length !== undefined && value.length !== length)) {
      throw this.#bad(name, length === undefined ? `at most ${max} bytes` : `${length} bytes`);
    }
    return value.slice();
  }

  /** A copy of a word array of exactly `length` words. */
  words(name: string, length: number): Uint32Array {
    const value = this.#fields[name];
    if (!(value instanceof Uint32Array) || value.length !== length) throw this.#bad(name, `${length} words`);
    return value.slice();
  }

  /** The fields of a nested part. */
  nested(name: string): SavedFields {
    return new SavedFields(`${this.#owner}.${name}`, this.fields(name));
  }

  /** The raw fields of a nested part, for its own `restore`. */
  fields(name: string): PlainFields {
    const value = this.#fields[name];
    if (value === null || typeof value !== 'object' || Array.isArray(value) || ArrayBuffer.isView(value)) {
      throw this.#bad(name, 'named fields');
    }
    return value as PlainFields;
  }

  list(name: string, max: number): Plain[] {
    const value = this.#fields[name];
    if (!Array.isArray(value) || value.length > max) throw this.#bad(name, `a list of at most ${max}`);
    return value;
  }

  #bad(name: string, expected: string): SnapshotError {
    return new SnapshotError(`${this.#owner}: field "${name}" should be ${expected}`);
  }
}
