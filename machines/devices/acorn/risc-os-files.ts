// SPDX-License-Identifier: MIT
//
// A folder of the host as a disc of RISC OS: path names, catalogue entries, and what may be done to them.
// Documents: [PRM] "FileSwitch", "Writing a filing system".
import { type HostFolder, HostFolderError, type HostPath, type HostProblem } from '../../backplane/host-folder.ts';
import {
  DATA,
  dateOf,
  fromHostName,
  isTyped,
  restamped,
  type RiscOsName,
  sameLeaf,
  type Stamp,
  stampOf,
  TEXT,
  toHostName,
  typeOf,
} from './risc-os-names.ts';

/** What the disc is called: `HostFS::Host.$`. */
export const DISC_NAME = 'Host';
/** RISC OS 3 counts bytes of a file in signed words. */
export const MOST_BYTES = 0x7fff_ffff;
/** Names in a path; FileSwitch's own limit of 255 characters is lower. */
const DEEPEST = 128;

export const OWNER_READ = 0x01;
export const OWNER_WRITE = 0x02;
export const LOCKED = 0x08;
export const PUBLIC_READ = 0x10;
export const PUBLIC_WRITE = 0x20;

/** Low bytes of error numbers, as FileCore has them, and what they say. */
export const ERRORS = {
  badRename: [0xb0, 'Bad rename'],
  directoryNotEmpty: [0xb4, 'Directory not empty'],
  isDirectory: [0xb5, 'This is a directory'],
  access: [0xbd, 'Access violation'],
  tooManyFiles: [0xc0, 'Too many open files'],
  locked: [0xc3, 'Locked'],
  exists: [0xc4, 'Already exists'],
  typesDiffer: [0xc5, "Types don't match"],
  discFull: [0xc6, 'Disc full'],
  hostFailed: [0xc7, 'The host cannot do this'],
  badName: [0xcc, 'Bad name'],
  discNotFound: [0xd4, 'Disc not found'],
  notFound: [0xd6, 'Not found'],
  channel: [0xde, 'Channel'],
  unsupported: [0xfe, 'Not supported by HostFS'],
} as const satisfies Record<string, readonly [code: number, text: string]>;

/** What a program is told. */
export class RiscOsError extends Error {
  override readonly name = 'RiscOsError';
  /** Low byte of its number. */
  readonly code: number;

  constructor(kind: keyof typeof ERRORS) {
    const [code, text] = ERRORS[kind];
    super(text);
    this.code = code;
  }
}

const HOST_PROBLEMS: Readonly<Record<HostProblem, keyof typeof ERRORS>> = {
  missing: 'notFound',
  exists: 'exists',
  denied: 'access',
  full: 'discFull',
  'not empty': 'directoryNotEmpty',
  folder: 'typesDiffer',
  'bad name': 'badName',
  'too many files': 'tooManyFiles',
  failed: 'hostFailed',
};

/** Any error of the host's as one of RISC OS. */
export function riscOsError(error: unknown): RiscOsError {
  if (error instanceof RiscOsError) return error;
  if (error instanceof HostFolderError) return new RiscOsError(HOST_PROBLEMS[error.problem]);
  throw error;
}

/** A catalogue entry; a directory has no length. */
export interface CatalogueEntry extends Stamp {
  readonly leaf: string;
  readonly directory: boolean;
  readonly bytes: number;
  readonly attributes: number;
}

/** Where a path leads. */
interface Place {
  /** The directory, which exists, and the last name; the root is in no directory. */
  readonly parent: HostPath | undefined;
  readonly leaf: string;
  readonly found: { readonly path: HostPath; readonly directory: boolean; readonly name: RiscOsName } | undefined;
}

export class RiscOsFiles {
  readonly host: HostFolder;
  /** A file or directory is called something else from now on. */
  readonly #onRename: (from: HostPath, to: HostPath) => void;

  constructor(host: HostFolder, onRename: (from: HostPath, to: HostPath) => void) {
    this.host = host;
    this.#onRename = onRename;
  }

  /** What is called `path`, if anything is. */
  entry(path: string): CatalogueEntry | undefined {
    const { found } = this.#place(path);
    return found && this.#entry(found.path, found.name, found.directory);
  }

  /** The entries of a directory, in the order of their names. */
  entries(path: string, from: number, count: number): { entries: CatalogueEntry[]; end: boolean } {
    const { found } = this.#place(path);
    if (found === undefined) throw new RiscOsError('notFound');
    if (!found.directory) throw new RiscOsError('typesDiffer');
    const all = this.#names(found.path);
    const wanted = all.slice(from, from + count);
    const entries = wanted.map(({ host, name, directory }) => this.#entry([...found.path, host], name, directory));
    return { entries: entries.filter((one) => one !== undefined), end: from + count >= all.length };
  }

  /** The host's path of a file to open, and whether it may be written. */
  file(path: string): { readonly path: HostPath; readonly writable: boolean; readonly bytes: number } | undefined {
    const { found } = this.#place(path);
    if (found === undefined) return undefined;
    if (found.directory) throw new RiscOsError('typesDiffer');
    const stat = this.host.stat(found.path);
    if (stat === undefined) return undefined;
    if (stat.bytes > MOST_BYTES) throw new RiscOsError('hostFailed');
    return { path: found.path, writable: stat.writable, bytes: stat.bytes };
  }

  /** Makes a file of zeros, instead of one that may be there; with a type instead of a stamp, its date is the host's. */
  create(path: string, stampOrType: Stamp | number, bytes: number): void {
    if (bytes > MOST_BYTES) throw new RiscOsError('discFull');
    const { parent, leaf, found } = this.#place(path);
    if (parent === undefined || found?.directory) throw new RiscOsError('typesDiffer');
    if (found !== undefined && this.host.stat(found.path)?.writable === false) throw new RiscOsError('locked');
    const dated = typeof stampOrType !== 'number';
    const name = hostName(leaf, dated ? stampOrType : stampOf(stampOrType, 0));
    const created = found?.path ?? [...parent, name];
    this.host.create(created, bytes);
    if (dated) this.#stamp(created, stampOrType);
    else this.#stamp(created, stampOf(stampOrType, this.host.stat(created)?.modifiedMs ?? 0));
  }

  createDirectory(path: string): void {
    const { parent, leaf, found } = this.#place(path);
    if (found?.directory) return;
    if (found !== undefined || parent === undefined) throw new RiscOsError('exists');
    this.host.createFolder([...parent, hostName(leaf, undefined)]);
  }

  /** Removes a file or an empty directory; what it was. */
  remove(path: string): CatalogueEntry | undefined {
    const { found } = this.#place(path);
    if (found === undefined) return undefined;
    if (found.path.length === 0) throw new RiscOsError('access');
    const entry = this.#entry(found.path, found.name, found.directory);
    if (entry !== undefined && entry.attributes & LOCKED) throw new RiscOsError('locked');
    this.host.remove(found.path);
    return entry;
  }

  rename(from: string, to: string): void {
    const { found } = this.#place(from);
    if (found === undefined) throw new RiscOsError('notFound');
    const { parent, leaf, found: other } = this.#place(to);
    if (found.path.length === 0 || parent === undefined) throw new RiscOsError('badRename');
    if (other !== undefined && other.path.join('/') !== found.path.join('/')) throw new RiscOsError('exists');
    if (parent.length >= found.path.length && found.path.every((name, i) => parent[i] === name)) {
      throw new RiscOsError('badRename');
    }
    const stamp = found.directory ? undefined : this.#stampOf(found.path, found.name);
    this.#move(found.path, [...parent, hostName(leaf, stamp)]);
  }

  /** Sets type, date or addresses of a file by its path; nothing happens to what is not there. */
  setStamp(path: string, change: Partial<Stamp>): void {
    const { found } = this.#place(path);
    if (found === undefined) return;
    if (found.directory) {
      if (found.path.length > 0) this.#setDate(found.path, { ...this.#stampOf(found.path, found.name), ...change });
      return;
    }
    this.#stamp(found.path, { ...this.#stampOf(found.path, found.name), ...change });
  }

  setAttributes(path: string, attributes: number): void {
    const { found } = this.#place(path);
    if (found === undefined || found.path.length === 0 || found.directory) return;
    const writable = (attributes & OWNER_WRITE) !== 0 && (attributes & LOCKED) === 0;
    if (this.host.stat(found.path)?.writable !== writable) this.host.setWritable(found.path, writable);
  }

  /** Type, date or addresses of an open file. */
  stampAt(path: HostPath): Stamp {
    return this.#stampOf(path, fromHostName(path.at(-1) ?? '', false));
  }

  setStampAt(path: HostPath, stamp: Stamp): void {
    this.#stamp(path, stamp);
  }

  /** What the names of a folder's things are to RISC OS. Of things with the same name only the first is seen. */
  #names(folder: HostPath): { host: string; name: RiscOsName; directory: boolean }[] {
    const all = this.host
      .list(folder)
      .map(({ name, folder: directory }) => ({ host: name, name: fromHostName(name, directory), directory }))
      .map((one) => ({ ...one, key: one.name.leaf.toLowerCase() }))
      .sort((a, b) => compare(a.key, b.key) || compare(a.host, b.host));
    return all.filter(({ key }, i) => key !== all[i - 1]?.key);
  }

  #place(path: string): Place {
    let rest = path;
    if (rest.startsWith(':')) {
      const [disc = '', ...names] = rest.slice(1).split('.');
      if (!sameLeaf(disc, DISC_NAME)) throw new RiscOsError('discNotFound');
      rest = names.join('.');
    }
    const [root, ...names] = rest === '' ? ['$'] : rest.split('.');
    if (root !== '$') names.unshift(root!);
    const last = names.pop();
    const rootName = fromHostName('$', true);
    if (last === undefined)
      return { parent: undefined, leaf: '$', found: { path: [], directory: true, name: rootName } };
    if (names.length > DEEPEST) throw new RiscOsError('badName');
    let parent: HostPath = [];
    for (const name of names) {
      const next = this.#lookUp(parent, name);
      if (!next?.directory) throw new RiscOsError('notFound');
      parent = [...parent, next.host];
    }
    const there = this.#lookUp(parent, last);
    const found = there && { path: [...parent, there.host], directory: there.directory, name: there.name };
    return { parent, leaf: last, found };
  }

  #lookUp(folder: HostPath, leaf: string): { host: string; name: RiscOsName; directory: boolean } | undefined {
    if (toHostName(leaf, undefined) === undefined) throw new RiscOsError('badName');
    return this.#names(folder).find(({ name }) => sameLeaf(name.leaf, leaf));
  }

  #entry(path: HostPath, name: RiscOsName, directory: boolean): CatalogueEntry | undefined {
    const stat = this.host.stat(path);
    if (stat === undefined) return undefined;
    const attributes =
      OWNER_READ |
      (stat.writable ? OWNER_WRITE : directory ? 0 : LOCKED) |
      (stat.publicRead ? PUBLIC_READ : 0) |
      (stat.publicWrite ? PUBLIC_WRITE : 0);
    const stamp = name.addresses ?? stampOf(directory ? DATA : (name.type ?? TEXT), stat.modifiedMs);
    const bytes = directory ? 0 : Math.min(stat.bytes, MOST_BYTES);
    return { leaf: name.leaf, directory, bytes, attributes, ...stamp };
  }

  #stampOf(path: HostPath, { type, addresses }: RiscOsName): Stamp {
    return addresses ?? stampOf(type ?? TEXT, this.host.stat(path)?.modifiedMs ?? 0);
  }

  /** A file's name ends with its type or addresses: to change them is to rename it. */
  #stamp(path: HostPath, stamp: Stamp): void {
    const old = fromHostName(path.at(-1)!, false);
    const same = isTyped(stamp)
      ? old.addresses === undefined && (old.type ?? TEXT) === typeOf(stamp)
      : old.addresses?.load === stamp.load && old.addresses.exec === stamp.exec;
    const renamed = same ? path : [...path.slice(0, -1), restamped(path.at(-1)!, stamp)];
    if (!same) this.#move(path, renamed);
    this.#setDate(renamed, stamp);
  }

  #setDate(path: HostPath, stamp: Stamp): void {
    if (isTyped(stamp)) this.host.setModified(path, Math.max(0, dateOf(stamp)));
  }

  #move(from: HostPath, to: HostPath): void {
    if (from.join('/') === to.join('/')) return;
    this.host.rename(from, to);
    this.#onRename(from, to);
  }
}

const compare = (one: string, other: string): number => (one < other ? -1 : one > other ? 1 : 0);

function hostName(leaf: string, stamp: Stamp | undefined): string {
  const name = toHostName(leaf, stamp);
  if (name === undefined) throw new RiscOsError('badName');
  return name;
}
