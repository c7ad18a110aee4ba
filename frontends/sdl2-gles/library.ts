// SPDX-License-Identifier: MIT
import { createRequire } from 'node:module';
import type * as Koffi from 'koffi';

/** What the functions below take and give, by the name of its C type. */
export interface CTypes {
  void: undefined;
  int: number;
  uint8: number;
  int32: number;
  uint32: number;
  float: number;
  /** A length of memory. */
  intptr: number;
  /** NUL-terminated UTF-8. */
  string: string | null;
  strings: readonly string[];
  /** The address of something that only C looks into. */
  pointer: Pointer | null;
  /** Memory of ours, which C reads or writes during the call. */
  memory: ArrayBufferView | null;
}

export type CType = keyof CTypes;
export type Pointer = bigint;

/** A C function: its result, then its arguments. */
export type Signature = readonly [CType, ...CType[]];

type Parameters<S extends readonly CType[]> = S extends readonly [CType, ...infer A extends readonly CType[]]
  ? { [I in keyof A]: CTypes[A[I]] }
  : never;
export type Bound<S extends Signature> = (...args: Parameters<S>) => CTypes[S[0]];
/** A function for each signature of a table. */
export type BoundTable<T extends Readonly<Record<string, Signature>>> = { readonly [N in keyof T]: Bound<T[N]> };

const C_NAMES: Readonly<Record<CType, string>> = {
  void: 'void',
  int: 'int',
  uint8: 'uint8_t',
  int32: 'int32_t',
  uint32: 'uint32_t',
  float: 'float',
  intptr: 'intptr_t',
  string: 'str',
  strings: 'str *',
  pointer: 'void *',
  memory: 'void *',
};

/** A system library is not installed, or cannot be used; the message is one line and names it. */
export class MissingLibraryError extends Error {
  override readonly name = 'MissingLibraryError';
  readonly library: string;

  constructor(library: string, reason: string) {
    super(`${library}: ${reason.split('\n', 1)[0]!}`);
    this.library = library;
  }
}

let koffi: typeof Koffi | undefined;

/** Only now: on a platform koffi has no build for, loading it throws. */
function foreign(): typeof Koffi {
  try {
    return (koffi ??= createRequire(import.meta.url)('koffi') as typeof Koffi);
  } catch (error) {
    throw new MissingLibraryError('koffi', (error as Error).message);
  }
}

/** A shared library of the system. */
export class Library {
  readonly #handle: Koffi.LibraryHandle;
  readonly name: string;

  private constructor(name: string, handle: Koffi.LibraryHandle) {
    this.name = name;
    this.#handle = handle;
  }

  /** The first of these file names that the system finds. */
  static open(names: readonly string[]): Library {
    const { load } = foreign();
    let reason = '';
    for (const name of names) {
      try {
        return new Library(name, load(name));
      } catch (error) {
        reason ||= (error as Error).message;
      }
    }
    throw new MissingLibraryError(names[0]!, reason);
  }

  bind<const S extends Signature>(symbol: string, [result, ...args]: S): Bound<S> {
    try {
      return this.#handle.func(
        symbol,
        C_NAMES[result],
        args.map((type) => C_NAMES[type]),
      ) as unknown as Bound<S>;
    } catch (error) {
      throw new MissingLibraryError(this.name, (error as Error).message);
    }
  }

  /** Every function of a table; its names follow `prefix`. */
  bindAll<const T extends Readonly<Record<string, Signature>>>(prefix: string, table: T): BoundTable<T> {
    return bindEach(table, (name, signature) => this.bind(prefix + name, signature));
  }
}

/** A function at an address. */
export function functionAt<const S extends Signature>(address: Pointer, [result, ...args]: S): Bound<S> {
  const { decode, proto } = foreign();
  const type = proto(
    C_NAMES[result],
    args.map((name) => C_NAMES[name]),
  );
  return decode(address, type) as Bound<S>;
}

export function bindEach<const T extends Readonly<Record<string, Signature>>>(
  table: T,
  bind: (name: string, signature: Signature) => unknown,
): BoundTable<T> {
  return Object.fromEntries(
    Object.entries(table).map(([name, signature]) => [name, bind(name, signature)]),
  ) as unknown as BoundTable<T>;
}

/** The string at an address. */
export const stringAt = (address: Pointer): string => foreign().decode.string(address);
