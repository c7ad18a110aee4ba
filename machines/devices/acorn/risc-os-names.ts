// SPDX-License-Identifier: MIT
//
// Names and types of RISC OS files as other systems keep them: `.` and `/` change places, a space is a hard space, and
// what RISC OS knows of a file beyond its date is at the end of its name: `,ff8` is a type, `,00008000-00008000` are load
// and execution address. Document: [PRM] "FileSwitch".

/** Load and execution address of a file, which are its type and date when the load address begins with 0xfff. */
export interface Stamp {
  readonly load: number;
  readonly exec: number;
}

export interface RiscOsName {
  /** In Latin 1, a code unit a byte. */
  readonly leaf: string;
  /** What the end of the name says; a file without one is text. */
  readonly type: number | undefined;
  readonly addresses: Stamp | undefined;
}

export const TEXT = 0xfff;
export const DATA = 0xffd;

const SUFFIX = /,(?:([0-9a-f]{3})|([0-9a-f]{8})-([0-9a-f]{8}))$/i;
/** What has a meaning in path names, and control characters. */
const FORBIDDEN = /[\x00-\x20\x7f"#$%&*.:@\\^|]/;
const UNSUITABLE = /[\x00-\x1f\x7f"#$%&*/:@\\^|]|[^\x00-\xff]/gu;

/** What RISC OS sees of a file or folder of the host; characters that its names cannot have become underscores. */
export function fromHostName(name: string, folder: boolean): RiscOsName {
  const normal = name.normalize('NFC');
  const match = folder ? null : SUFFIX.exec(normal);
  const stem = match === null || match.index === 0 ? normal : normal.slice(0, match.index);
  const leaf = stem.replaceAll(UNSUITABLE, '_').replaceAll('.', '/').replaceAll(' ', '\xa0');
  if (match === null || match.index === 0) return { leaf, type: undefined, addresses: undefined };
  const [, type, load, exec] = match;
  if (type !== undefined) return { leaf, type: parseInt(type, 16), addresses: undefined };
  const addresses = { load: parseInt(load!, 16), exec: parseInt(exec!, 16) };
  // A load address that says type and date needs no addresses in the name.
  return isTyped(addresses)
    ? { leaf, type: typeOf(addresses), addresses: undefined }
    : { leaf, type: undefined, addresses };
}

/** The host's name of a file or folder that is called `leaf`, or undefined where that is no name. */
export function toHostName(leaf: string, stamp: Stamp | undefined): string | undefined {
  if (leaf === '' || FORBIDDEN.test(leaf)) return undefined;
  const stem = leaf.replaceAll('/', '.').replaceAll('\xa0', ' ');
  if (stem === '.' || stem === '..') return undefined;
  return stamp === undefined ? stem : withStamp(stem, stamp);
}

/** What a file of the host is called with another stamp. */
export function restamped(name: string, stamp: Stamp): string {
  const at = SUFFIX.exec(name)?.index ?? 0;
  return withStamp(at > 0 ? name.slice(0, at) : name, stamp);
}

function withStamp(stem: string, stamp: Stamp): string {
  if (!isTyped(stamp)) return `${stem},${hex(stamp.load, 8)}-${hex(stamp.exec, 8)}`;
  const type = typeOf(stamp);
  // Text needs no suffix unless the name has what looks like one.
  return type === TEXT && !SUFFIX.test(stem) ? stem : `${stem},${hex(type, 3)}`;
}

const hex = (value: number, digits: number): string => value.toString(16).padStart(digits, '0');

/** Names that differ in case only are the same. */
export const sameLeaf = (one: string, other: string): boolean => one.toLowerCase() === other.toLowerCase();

export const isTyped = ({ load }: Stamp): boolean => load >>> 20 === 0xfff;
export const typeOf = ({ load }: Stamp): number => (load >>> 8) & 0xfff;

/** 1900 to 1970 in hundredths of a second. */
const CENTISECONDS_TO_1970 = 220_898_880_000;
const MOST_CENTISECONDS = 2 ** 40 - 1;

export function stampOf(type: number, modifiedMs: number): Stamp {
  const wanted = Math.floor(modifiedMs / 10) + CENTISECONDS_TO_1970;
  const centiseconds = Math.min(Math.max(0, wanted), MOST_CENTISECONDS);
  return {
    load: (0xfff0_0000 | (type << 8) | Math.floor(centiseconds / 2 ** 32)) >>> 0,
    exec: centiseconds % 2 ** 32,
  };
}

/** Milliseconds since 1970 of a stamp that has a date. */
export const dateOf = ({ load, exec }: Stamp): number => ((load & 0xff) * 2 ** 32 + exec - CENTISECONDS_TO_1970) * 10;
