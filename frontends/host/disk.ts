// SPDX-License-Identifier: MIT
//
// Disk, CD-ROM and floppy images in files: `FILE[,readonly][,overlay[=SIDEFILE]][,cdrom|,floppy]`. A comma in a file
// name is doubled.
import { readFileSync, statSync, type Stats } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import type { BlockDevice } from '../../machines/backplane/host.ts';
import { MediumError } from '../../machines/backplane/host.ts';
import { type ByteStore, ImageError, MemoryStore } from '../../machines/storage/byte-store.ts';
import { CD_BLOCK_BYTES, cdImage, rawSectorMode } from '../../machines/storage/cd-image.ts';
import { floppyImage } from '../../machines/storage/diskcopy42.ts';
import { Overlay } from '../../machines/storage/overlay.ts';
import { RawImage } from '../../machines/storage/raw-image.ts';
import { FileLock } from './file-lock.ts';
import { FileStore } from './file-store.ts';
import { UserError } from './user-error.ts';

const DISK_BLOCK_BYTES = 512;
/** Largest image we decompress into memory. */
const MAX_GUNZIPPED_BYTES = 2 ** 31;

/** What `FILE[,option…]` says. */
export interface DiskSpec {
  readonly file: string;
  readonly readonly: boolean;
  /** `undefined`: none; `''`: in memory; otherwise the side file. */
  readonly overlay: string | undefined;
  readonly cdrom: boolean;
  /** The image may be in a format of floppy disks. */
  readonly floppy?: true;
}

/** A block device in files, to be closed when the machine is done with it. */
export interface OpenDisk extends BlockDevice {
  readonly spec: DiskSpec;
  /** Flushes, closes the files and gives up the locks. Safe to call twice. */
  close(): void;
}

export interface OpenDiskOptions {
  /** Told, in one line, about what works but may surprise. */
  readonly warn?: (line: string) => void;
  readonly maxGunzippedBytes?: number;
}

export function parseDiskSpec(spec: string): DiskSpec {
  const [file = '', ...options] = splitCommas(spec);
  if (file === '') {
    throw new UserError(
      'EMERITUS_DISK_SPEC',
      `disk "${spec}": expected FILE[,readonly][,overlay[=SIDEFILE]][,cdrom|,floppy]`,
    );
  }
  let readonly = false;
  let cdrom = false;
  let floppy = false;
  let overlay: string | undefined;
  for (const option of options) {
    if (option === 'readonly') readonly = true;
    else if (option === 'cdrom') cdrom = true;
    else if (option === 'floppy') floppy = true;
    else if (option === 'overlay') overlay = '';
    else if (option.startsWith('overlay=') && option.length > 'overlay='.length) overlay = option.slice(8);
    else {
      throw new UserError(
        'EMERITUS_DISK_SPEC',
        `disk "${spec}": unknown option "${option}"; known are readonly, overlay, overlay=SIDEFILE and bus=BUS ` +
          '(write a comma in a file name twice)',
      );
    }
  }
  if (overlay !== undefined && (readonly || cdrom)) {
    const other = readonly ? 'readonly' : 'cdrom';
    throw new UserError('EMERITUS_DISK_SPEC', `disk "${spec}": overlay and ${other} exclude each other; leave one out`);
  }
  return { file, readonly: readonly || cdrom, overlay, cdrom, ...(floppy ? { floppy } : {}) };
}

/** Opens the image a specification names. Throws {@link UserError} when that cannot work. */
export function openDisk(text: string, options: OpenDiskOptions = {}): OpenDisk {
  const spec = parseDiskSpec(text);
  const closers: (() => void)[] = [];
  try {
    return new FileDisk(spec, open(spec, options, closers), closers);
  } catch (error) {
    for (const close of closers.reverse()) close();
    if (error instanceof ImageError) {
      throw new UserError('EMERITUS_DISK_IMAGE', `${error.message}; ${error.advice}`);
    }
    if (error instanceof MediumError) throw new UserError('EMERITUS_DISK_IO', error.message);
    throw error;
  }
}

class FileDisk implements OpenDisk {
  readonly spec: DiskSpec;
  readonly blockBytes: number;
  readonly blockCount: number;
  readonly readonly: boolean;
  readonly title: string;
  readonly #blocks: BlockDevice;
  readonly #closers: (() => void)[];

  constructor(spec: DiskSpec, blocks: BlockDevice, closers: (() => void)[]) {
    this.spec = spec;
    this.#blocks = blocks;
    this.#closers = closers;
    this.blockBytes = blocks.blockBytes;
    this.blockCount = blocks.blockCount;
    this.readonly = blocks.readonly;
    this.title = blocks.title;
  }

  read(first: number, into: Uint8Array): void {
    this.#blocks.read(first, into);
  }

  write(first: number, from: Uint8Array): void {
    this.#blocks.write(first, from);
  }

  flush(): void {
    this.#blocks.flush();
  }

  close(): void {
    if (this.#closers.length === 0) return;
    try {
      this.flush();
    } finally {
      for (const close of this.#closers.splice(0).reverse()) close();
    }
  }
}

function open(spec: DiskSpec, options: OpenDiskOptions, closers: (() => void)[]): BlockDevice {
  const { file } = spec;
  const size = checkRegularFile(file);
  const compressed = file.endsWith('.gz');
  const writable = !spec.readonly && spec.overlay === undefined;
  if (compressed && writable) {
    throw new UserError(
      'EMERITUS_DISK_COMPRESSED',
      `disk "${file}": a compressed image cannot be written; add ",readonly" or ",overlay", or gunzip it first`,
    );
  }
  if (writable) lock(file, closers);
  else warnIfWritten(file, options);
  const store: ByteStore = compressed
    ? new MemoryStore(gunzip(file, options.maxGunzippedBytes ?? MAX_GUNZIPPED_BYTES), file, true)
    : openFile(file, writable ? 'write' : 'read', closers);
  if (compressed && store.size === 0) throw emptyFile(file);
  const base = openBase(spec, store, compressed ? store.size : size, writable, options);
  if (spec.overlay === undefined) return base;
  if (spec.overlay === '') return Overlay.inMemory(base);
  return Overlay.inFile(base, openSideFile(spec.overlay, file, closers));
}

function openBase(
  spec: DiskSpec,
  store: ByteStore,
  size: number,
  writable: boolean,
  options: OpenDiskOptions,
): BlockDevice {
  if (spec.cdrom) return openCd(store, options);
  return spec.floppy ? floppyImage(store) : openRaw(store, size, writable, options);
}

function openCd(store: ByteStore, options: OpenDiskOptions): BlockDevice {
  if (rawSectorMode(store) === undefined && store.size % CD_BLOCK_BYTES !== 0) {
    options.warn?.(
      `CD-ROM "${store.title}": its size, ${store.size} bytes, is not a multiple of ${CD_BLOCK_BYTES}; ` +
        'the last block is padded with zeros',
    );
  }
  return cdImage(store);
}

function openRaw(store: ByteStore, size: number, writable: boolean, options: OpenDiskOptions): BlockDevice {
  if (size % DISK_BLOCK_BYTES !== 0) {
    const found = `disk "${store.title}": its size, ${size} bytes, is not a multiple of ${DISK_BLOCK_BYTES}`;
    if (writable) {
      throw new UserError(
        'EMERITUS_DISK_SIZE',
        `${found}; add ",readonly" or ",overlay" to have the last block padded with zeros, or lengthen the file`,
      );
    }
    options.warn?.(`${found}; the last block is padded with zeros`);
  }
  return new RawImage(store, DISK_BLOCK_BYTES, false);
}

function openSideFile(side: string, base: string, closers: (() => void)[]): ByteStore {
  let exists = true;
  try {
    const stats = statSync(side);
    if (!stats.isFile()) throw notAFile(side, stats);
    const baseStats = statSync(base);
    if (stats.ino === baseStats.ino && stats.dev === baseStats.dev) {
      throw new UserError('EMERITUS_DISK_SPEC', `disk "${base}": the overlay's side file must be another file`);
    }
  } catch (error) {
    if (error instanceof UserError) throw error;
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw hostError(side, error);
    exists = false;
  }
  lock(side, closers);
  return openFile(side, exists ? 'write' : 'create', closers);
}

function openFile(file: string, mode: 'read' | 'write' | 'create', closers: (() => void)[]): FileStore {
  try {
    const store = new FileStore(file, mode);
    closers.push(() => store.close());
    return store;
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (mode === 'write' && (code === 'EACCES' || code === 'EPERM' || code === 'EROFS')) {
      throw new UserError(
        'EMERITUS_DISK_READONLY',
        `disk "${file}": no permission to write it; add ",readonly" or ",overlay", or change its permissions`,
      );
    }
    throw hostError(file, error);
  }
}

/** Refuses what cannot be an image; the size of what can. */
function checkRegularFile(file: string): number {
  let stats: Stats;
  try {
    stats = statSync(file);
  } catch (error) {
    throw hostError(file, error);
  }
  if (!stats.isFile()) throw notAFile(file, stats);
  if (stats.size === 0) throw emptyFile(file);
  return stats.size;
}

function lock(file: string, closers: (() => void)[]): void {
  let taken;
  try {
    taken = FileLock.take(file);
  } catch {
    return; // a folder we cannot write to: nobody can lock there, and the file's own permissions decide
  }
  if (taken instanceof FileLock) {
    closers.push(() => taken.release());
    return;
  }
  const owner = taken.pid === process.pid ? 'this emulator' : `process ${taken.pid} on ${taken.host}`;
  throw new UserError(
    'EMERITUS_DISK_LOCKED',
    `disk "${file}": in use by ${owner}; end that, add ",readonly" or ",overlay" here, ` +
      `or delete "${file}.lock" if nothing uses it`,
  );
}

/** An image that changes under a reader is the user's business, but seldom their intention. */
function warnIfWritten(file: string, options: OpenDiskOptions): void {
  const owner = FileLock.holder(file);
  if (owner === undefined) return;
  options.warn?.(`disk "${file}": being written by process ${owner.pid} on ${owner.host}; it may change while in use`);
}

function gunzip(file: string, maxOutputLength: number): Uint8Array {
  let compressed: Uint8Array;
  try {
    compressed = readFileSync(file);
  } catch (error) {
    throw hostError(file, error);
  }
  try {
    return gunzipSync(compressed, { maxOutputLength });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') {
      throw new UserError(
        'EMERITUS_DISK_COMPRESSED',
        `disk "${file}": larger than ${maxOutputLength} bytes when decompressed; gunzip it and give the result`,
      );
    }
    const reason = error instanceof Error ? error.message : String(error);
    throw new UserError('EMERITUS_DISK_COMPRESSED', `disk "${file}": expected gzip data, found: ${reason}`);
  }
}

function hostError(file: string, error: unknown): UserError {
  const code = (error as NodeJS.ErrnoException).code;
  if (code === 'ENOENT') {
    return new UserError('EMERITUS_DISK_MISSING', `disk "${file}": no such file; check the path`);
  }
  if (code === 'EACCES' || code === 'EPERM') {
    return new UserError(
      'EMERITUS_DISK_UNREADABLE',
      `disk "${file}": no permission to read it; change its permissions`,
    );
  }
  const reason = error instanceof Error ? error.message : String(error);
  return new UserError('EMERITUS_DISK_IO', `disk "${file}": cannot be opened: ${reason}`);
}

const emptyFile = (file: string): UserError =>
  new UserError(
    'EMERITUS_DISK_EMPTY',
    `disk "${file}": expected an image, found an empty file; make it as large as the disk is to be (truncate -s 1G)`,
  );

function notAFile(file: string, stats: Stats): UserError {
  const found = stats.isDirectory() ? 'a folder' : stats.isBlockDevice() ? 'a host device' : 'not a regular file';
  return new UserError('EMERITUS_DISK_NOT_A_FILE', `disk "${file}": expected an image file, found ${found}`);
}

/** Splits at single commas; a doubled comma is a comma. */
function splitCommas(text: string): string[] {
  const parts = [''];
  for (let i = 0; i < text.length; i++) {
    const letter = text[i]!;
    if (letter === ',' && text[i + 1] !== ',') {
      parts.push('');
      continue;
    }
    if (letter === ',') i++;
    parts[parts.length - 1] += letter;
  }
  return parts;
}
