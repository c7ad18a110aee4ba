// SPDX-License-Identifier: MIT
//
// The host card: an expansion card of our own, by which the module HostFS (roms/archimedes/hostfs.s) reaches a folder of
// the host. A program writes registers and strings into the card's memory, rings the bell with the number of a filing
// system's entry point, and finds the answer in the same memory. The card reads and writes no other memory.
//
// Sockets: bus: the bell, one word at every address (span 4 KiB); memory: a block of 8 KiB beside it; host: {@link HostFolder}.
// Memory: 0x000 R0 to R6, 0x01c bytes of data the answer has, 0x020 where they go, 0x100 and 0x500 strings of at most 1023
// characters and a zero, 0x900 error number and text, 0x1000 4 KiB of data.
// Documents: [PRM] "Writing a filing system", whose entry points are meant by FSEntry names.
// Not modelled: FSEntry_File 0 and 255 and FSEntry_GBPB, which FileSwitch does itself for such filing systems; boot
// options; image filing systems; *Access to directories.
import type { ChipContext } from '../../backplane/board.ts';
import type { AccessRules, BusTarget, Width } from '../../backplane/bus.ts';
import { SavedFields, SnapshotError, type Device, type PlainFields, type ResetKind } from '../../backplane/device.ts';
import { type HostFile, type HostFolder, HostFolderError, type HostPath } from '../../backplane/host-folder.ts';
import type { DeviceLog } from '../../backplane/log.ts';
import type { GuestMemory, MemoryBlock } from '../../backplane/memory.ts';
import { type CatalogueEntry, DISC_NAME, MOST_BYTES, RiscOsError, riscOsError, RiscOsFiles } from './risc-os-files.ts';
import { DATA, isTyped, sameLeaf } from './risc-os-names.ts';

export const HOST_CARD_BYTES = 0x2000;

/** What the bell is told. */
export const HOST_CARD = { open: 0, get: 1, put: 2, args: 3, close: 4, file: 5, func: 6 } as const;

const LENGTH = 0x01c;
const TARGET = 0x020;
const FIRST = 0x100;
const SECOND = 0x500;
const STRING_BYTES = 0x400;
const ERROR = 0x900;
const ERROR_BYTES = 0x100;
const BUFFER = 0x1000;
const BUFFER_BYTES = 0x1000;

/** HostFS's number, which its error numbers contain. */
const ERROR_BASE = 0x1_9900;
const MOST_FILES = 64;
const FILE_BUFFER = 1024;
const MAY_WRITE = 0x8000_0000;
const MAY_READ = 0x4000_0000;
/** Zeros are written in pieces of this many bytes. */
const PIECE = 1 << 16;
const END = 0xffff_ffff;

interface OpenFile {
  /** Undefined when a snapshot was restored and the file is no longer there. */
  file: HostFile | undefined;
  path: HostPath;
  readonly writable: boolean;
}

/** R0 to R6 of a call; the answer is put into the same. */
type Registers = Uint32Array;

export interface HostCardOptions {
  readonly folder: HostFolder;
  readonly memory: GuestMemory;
  /** The card's memory, {@link HOST_CARD_BYTES} long. */
  readonly block: MemoryBlock;
}

export class HostCard implements BusTarget, Device {
  readonly id: string;
  readonly span = 0x1000;
  readonly access: AccessRules = { valid: { min: 4, max: 4 }, impl: { min: 4, max: 4 }, byteOrder: 'little' };
  readonly #log: DeviceLog;
  readonly #folder: HostFolder;
  readonly #files: RiscOsFiles;
  readonly #memory: GuestMemory;
  readonly #block: MemoryBlock;
  readonly #open = new Map<number, OpenFile>();
  #failed = false;

  constructor(chip: ChipContext, { folder, memory, block }: HostCardOptions) {
    this.id = chip.id;
    this.#log = chip.log;
    this.#folder = folder;
    this.#files = new RiscOsFiles(folder, (from, to) => this.#renamed(from, to));
    this.#memory = memory;
    this.#block = block;
  }

  reset(_kind: ResetKind): void {
    this.close();
    this.#failed = false;
  }

  settle(): void {}

  /** Closes all files. */
  close(): void {
    for (const { file } of this.#open.values()) quietly(() => file?.close());
    this.#open.clear();
  }

  read(_offset: number, _width: Width): number {
    return this.#failed ? 1 : 0;
  }

  peek(): number {
    return this.#failed ? 1 : 0;
  }

  write(_offset: number, _width: Width, value: number): void {
    const { view } = this.#block;
    const registers = Uint32Array.from({ length: 7 }, (_, n) => view.getUint32(n * 4, true));
    view.setUint32(LENGTH, 0, true);
    view.setUint32(TARGET, 0, true);
    this.#failed = false;
    try {
      this.#call(value, registers);
    } catch (error) {
      this.#fail(riscOsError(error));
    }
    registers.forEach((register, n) => view.setUint32(n * 4, register, true));
    this.#memory.written(this.#block.offset, this.#block.size);
  }

  #call(entry: number, registers: Registers): void {
    switch (entry) {
      case HOST_CARD.open:
        this.#openFile(registers);
        return;
      case HOST_CARD.get:
        this.#getBytes(registers);
        return;
      case HOST_CARD.put:
        this.#putBytes(registers);
        return;
      case HOST_CARD.args:
        this.#args(registers);
        return;
      case HOST_CARD.close:
        this.#closeFile(registers);
        return;
      case HOST_CARD.file:
        this.#file(registers);
        return;
      case HOST_CARD.func:
        this.#func(registers);
        return;
      default:
        this.#log.guest('no entry point %x', entry);
        throw new RiscOsError('unsupported');
    }
  }

  #fail({ code, message }: RiscOsError): void {
    this.#failed = true;
    const { bytes, view } = this.#block;
    view.setUint32(ERROR, ERROR_BASE | code, true);
    bytes.fill(0, ERROR + 4, ERROR + ERROR_BYTES);
    bytes.set(latin1(message).subarray(0, ERROR_BYTES - 5), ERROR + 4);
  }

  /** A string that the module has copied; one without an end is too long for a name. */
  #string(at: number): string {
    const bytes = this.#block.bytes.subarray(at, at + STRING_BYTES);
    const end = bytes.indexOf(0);
    if (end < 0) throw new RiscOsError('badName');
    return String.fromCharCode(...bytes.subarray(0, end));
  }

  /** Data that the module copies to where the caller wants them. */
  #answer(bytes: Uint8Array, target: number): void {
    this.#block.bytes.set(bytes, BUFFER);
    this.#block.view.setUint32(LENGTH, bytes.length, true);
    this.#block.view.setUint32(TARGET, target, true);
  }

  /** FSEntry_Open: R0 0 read, 1 create and update, 2 update; R1 name. */
  #openFile(r: Registers): void {
    const path = this.#string(FIRST);
    const update = r[0] !== 0;
    if (r[0]! > 2) throw this.#unsupported('FSEntry_Open %d', r[0]!);
    if (this.#open.size >= MOST_FILES) throw new RiscOsError('tooManyFiles');
    if (r[0] === 1) this.#files.create(path, DATA, 0);
    const found = this.#files.file(path);
    if (found === undefined) {
      r[1] = 0;
      return;
    }
    if (update && !found.writable) throw new RiscOsError('locked');
    const file = this.#folder.open(found.path, update ? 'update' : 'read');
    let handle = 1;
    while (this.#open.has(handle)) handle++;
    this.#open.set(handle, { file, path: found.path, writable: update });
    r[0] = (MAY_READ | (update ? MAY_WRITE : 0)) >>> 0;
    r[1] = handle;
    r[2] = FILE_BUFFER;
    r[3] = found.bytes;
    r[4] = allocated(found.bytes);
  }

  #handle(r: Registers): { readonly file: HostFile; readonly path: HostPath; readonly writable: boolean } {
    const one = this.#open.get(r[1]!);
    if (one?.file === undefined) throw new RiscOsError('channel');
    return { file: one.file, path: one.path, writable: one.writable };
  }

  #toWrite(r: Registers): HostFile {
    const { file, writable } = this.#handle(r);
    if (!writable) throw new RiscOsError('access');
    return file;
  }

  /** FSEntry_GetBytes: R3 bytes from R4 on. What is after the end is zeros. */
  #getBytes(r: Registers): void {
    const { file } = this.#handle(r);
    const into = this.#block.bytes.subarray(BUFFER, BUFFER + this.#dataLength(r));
    const got = file.read(r[4]!, into);
    into.fill(0, got);
  }

  /** FSEntry_PutBytes: R3 bytes to R4. */
  #putBytes(r: Registers): void {
    const file = this.#toWrite(r);
    const length = this.#dataLength(r);
    if (r[4]! + length > MOST_BYTES) throw new RiscOsError('discFull');
    if (length > 0) file.write(r[4]!, this.#block.bytes.slice(BUFFER, BUFFER + length));
  }

  #dataLength(r: Registers): number {
    if (r[3]! <= BUFFER_BYTES) return r[3]!;
    this.#log.guest('%x bytes at once', r[3]!);
    throw new RiscOsError('unsupported');
  }

  #args(r: Registers): void {
    switch (r[0]) {
      case 2: // read extent
      case 4: // read allocated size
        r[2] = r[0] === 2 ? this.#handle(r).file.bytes : allocated(this.#handle(r).file.bytes);
        return;
      case 3: // write extent
        if (r[2]! > MOST_BYTES) throw new RiscOsError('discFull');
        this.#toWrite(r).resize(r[2]!);
        return;
      case 6: // flush
      case 9: {
        const { load, exec } = this.#files.stampAt(this.#handle(r).path);
        r[2] = load;
        r[3] = exec;
        return;
      }
      case 7: // ensure size: the host gives room when it is written
        this.#handle(r);
        if (r[2]! > MOST_BYTES) throw new RiscOsError('discFull');
        r[2] = allocated(r[2]!);
        return;
      case 8: // write zeros
        this.#writeZeros(this.#toWrite(r), r[2]!, r[3]!);
        return;
      case 10: // image stamp
        return;
      default:
        throw this.#unsupported('FSEntry_Args %d', r[0]!);
    }
  }

  #writeZeros(file: HostFile, offset: number, count: number): void {
    const end = offset + count;
    if (end > MOST_BYTES) throw new RiscOsError('discFull');
    if (end >= file.bytes) {
      if (offset < file.bytes) file.resize(offset);
      file.resize(end);
      return;
    }
    const zeros = new Uint8Array(Math.min(count, PIECE));
    for (let at = offset; at < end; at += PIECE) file.write(at, zeros.subarray(0, Math.min(PIECE, end - at)));
  }

  /** FSEntry_Close: R2, R3 new load and execution address, 0 and 0 for none. */
  #closeFile(r: Registers): void {
    const one = this.#open.get(r[1]!);
    if (one === undefined) throw new RiscOsError('channel');
    this.#open.delete(r[1]!);
    quietly(() => one.file?.close());
    if (one.writable && (r[2] !== 0 || r[3] !== 0)) {
      this.#files.setStampAt(one.path, { load: r[2]!, exec: r[3]! });
    }
  }

  #file(r: Registers): void {
    const path = this.#string(FIRST);
    const [reason, , load, exec] = r as unknown as [number, number, number, number];
    switch (reason) {
      case 1: // write catalogue information
        this.#files.setStamp(path, { load, exec });
        this.#files.setAttributes(path, r[5]!);
        return;
      case 2:
        this.#files.setStamp(path, { load });
        return;
      case 3:
        this.#files.setStamp(path, { exec });
        return;
      case 4:
        this.#files.setAttributes(path, r[5]!);
        return;
      case 5: // read catalogue information
      case 9: // without its length
        this.#describe(r, this.#files.entry(path));
        return;
      case 6:
        this.#describe(r, this.#files.remove(path));
        return;
      case 7: // create; R6 is the name that *Opt 1 prints
        this.#files.create(path, { load, exec }, (r[5]! - r[4]!) >>> 0);
        r[6] = r[1]!;
        return;
      case 8:
        this.#files.createDirectory(path);
        return;
      case 10: // natural block size
        r[2] = FILE_BUFFER;
        return;
      default:
        throw this.#unsupported('FSEntry_File %d', reason);
    }
  }

  /** R0 0 nothing, 1 file, 2 directory; R2 load address, R3 execution address, R4 length, R5 attributes. */
  #describe(r: Registers, entry: CatalogueEntry | undefined): void {
    r[0] = entry === undefined ? 0 : entry.directory ? 2 : 1;
    if (entry !== undefined) [r[2], r[3], r[4], r[5]] = [entry.load, entry.exec, entry.bytes, entry.attributes];
  }

  #func(r: Registers): void {
    switch (r[0]) {
      case 0: // directories are FileSwitch's business
      case 1:
      case 10: // no boot options
      case 17: // no banner
        return;
      case 8: // rename
        this.#files.rename(this.#string(FIRST), this.#string(SECOND));
        r[1] = 0;
        return;
      case 11: // disc name and boot option
        this.#answer(Uint8Array.of(DISC_NAME.length, ...latin1(DISC_NAME), 0), r[2]!);
        return;
      case 14:
      case 15:
      case 19:
        this.#readDirectory(r);
        return;
      case 16: // shut down
        this.close();
        return;
      case 23:
        this.#canonicalDisc(r);
        return;
      case 24: // FileSwitch finds wildcards itself
        r[4] = END;
        return;
      case 27:
        r[2] = 0;
        return;
      case 30: {
        const { freeBytes, totalBytes } = this.#folder.space();
        r[0] = r[1] = Math.min(freeBytes, MOST_BYTES);
        r[2] = Math.min(totalBytes, MOST_BYTES);
        return;
      }
      default:
        throw this.#unsupported('FSEntry_Func %d', r[0]!);
    }
  }

  /** R2 buffer, R3 how many, R4 where to begin, R5 bytes of the buffer. R3 read, R4 where to go on or -1. */
  #readDirectory(r: Registers): void {
    const [reason, , target, count, from, room] = r as unknown as [number, number, number, number, number, number];
    if (from === END) {
      r[3] = 0;
      return;
    }
    const { entries, end } = this.#files.entries(this.#string(FIRST), from, Math.min(count, BUFFER_BYTES));
    const space = Math.min(room, BUFFER_BYTES);
    const out: number[] = [];
    let read = 0;
    for (const entry of entries) {
      const bytes = entryBytes(reason, entry);
      if (out.length + bytes.length > space) break;
      out.push(...bytes);
      read++;
    }
    this.#answer(Uint8Array.from(out), target);
    r[3] = read;
    r[4] = end && read === entries.length ? END : from + read;
  }

  /** R2 disc name or 0; R4 where it goes or 0, R6 bytes there are. R2 where it is, R4 what did not fit. */
  #canonicalDisc(r: Registers): void {
    if (r[2] !== 0 && !sameLeaf(this.#string(SECOND), DISC_NAME)) throw new RiscOsError('discNotFound');
    const name = Uint8Array.of(...latin1(DISC_NAME), 0);
    const target = r[4]!;
    r[1] = r[3] = 0;
    if (target === 0) {
      r[4] = name.length - 1;
    } else {
      const fits = name.length <= r[6]!;
      if (fits) this.#answer(name, target);
      r[4] = fits ? 0 : name.length - r[6]!;
    }
    r[2] = target;
  }

  #unsupported(message: string, reason: number): RiscOsError {
    this.#log.unimp(message, reason);
    return new RiscOsError('unsupported');
  }

  /** Open files are where their folders and they themselves have been moved to. */
  #renamed(from: HostPath, to: HostPath): void {
    for (const one of this.#open.values()) {
      if (from.every((name, i) => one.path[i] === name)) one.path = [...to, ...one.path.slice(from.length)];
    }
  }

  save(): PlainFields {
    const open = [...this.#open].map(([handle, { path, writable }]) => ({ handle, path: [...path], writable }));
    return { failed: this.#failed, open };
  }

  restore(state: PlainFields): void {
    const saved = new SavedFields(this.id, state);
    const failed = saved.bool('failed');
    const open = saved.list('open', MOST_FILES).map((one) => {
      const fields = new SavedFields(this.id, (one ?? {}) as PlainFields);
      const path = fields.list('path', 1000).map(String);
      if (path.length === 0 || path.some(isUnsafe)) throw new SnapshotError(`${this.id}: the path of an open file`);
      return { handle: fields.int('handle', 1, MOST_FILES), path, writable: fields.bool('writable') };
    });
    this.close();
    this.#failed = failed;
    for (const { handle, path, writable } of open) {
      this.#open.set(handle, { file: this.#reopen(path, writable), path, writable });
    }
  }

  #reopen(path: HostPath, writable: boolean): HostFile | undefined {
    try {
      return this.#folder.open(path, writable ? 'update' : 'read');
    } catch (error) {
      if (!(error instanceof HostFolderError)) throw error;
      this.#log.info('a file that was open when the snapshot was taken is gone');
      return undefined;
    }
  }
}

/** A catalogue entry as FSEntry_Func 14 (the name), 15 (and information) and 19 (and date) give it. */
function entryBytes(reason: number, entry: CatalogueEntry): Uint8Array {
  const name = Uint8Array.of(...latin1(entry.leaf), 0);
  if (reason === 14) return name;
  const fixed = reason === 15 ? 20 : 29;
  const out = new Uint8Array((fixed + name.length + 3) & ~3);
  const view = new DataView(out.buffer);
  const words = [entry.load, entry.exec, entry.bytes, entry.attributes, entry.directory ? 2 : 1];
  words.forEach((word, n) => view.setUint32(n * 4, word, true));
  if (reason === 19 && isTyped(entry)) {
    view.setUint32(24, entry.exec, true);
    out[28] = entry.load & 0xff;
  }
  out.set(name, fixed);
  return out;
}

const allocated = (bytes: number): number => Math.ceil(bytes / FILE_BUFFER) * FILE_BUFFER;
const latin1 = (text: string): Uint8Array => Uint8Array.from(text, (char) => char.charCodeAt(0) & 0xff);
const isUnsafe = (name: string): boolean => name === '' || name === '.' || name === '..' || /[/\x00]/.test(name);

function quietly(action: () => void): void {
  try {
    action();
  } catch (error) {
    if (!(error instanceof HostFolderError)) throw error;
  }
}
