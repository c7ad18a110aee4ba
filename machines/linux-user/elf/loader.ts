// SPDX-License-Identifier: MIT
//
// execve: a new address space with the program, its interpreter, the stacks and the gate page.
import { E2BIG, EACCES, EFAULT, EISDIR, ELIBBAD, ELOOP, ENOENT, ENOEXEC, ENOMEM } from '../abi/errno.ts';
import { O_RDONLY } from '../abi/files.ts';
import { isDirectory, isRegular, hostMappable } from '../files/host-file.ts';
import { GATE_ADDRESS, GATE_SYSCALL } from '../gate.ts';
import type { HostStat } from '../host-os.ts';
import type { Kernel } from '../kernel.ts';
import {
  BAD_VA,
  PAGE_SIZE,
  REGION_LIMIT,
  REGION_SPAN,
  TASK_SIZE,
  pageCeil,
  pageFloor,
  vaFromBig,
  vaToBig,
} from '../memory/address.ts';
import { AddressSpace, PROT_EXEC, PROT_READ, PROT_WRITE, type SpaceLimits } from '../memory/address-space.ts';
import type { SharedPages } from '../memory/page-cache.ts';
import { PTE_EXEC, PTE_READ, PTE_VALID } from '../memory/page-table.ts';
import type { Credentials, Program } from '../process/process.ts';
import { resolveSysroot } from '../files/paths.ts';
import {
  ElfError,
  PF_R,
  PF_W,
  PF_X,
  PROGRAM_HEADER_SIZE,
  PT_INTERP,
  PT_LOAD,
  PT_PHDR,
  parseElf,
  isElf,
  type ElfFile,
} from './elf-file.ts';

/** Regions: 1 mappings, 2 text, 3 data and stacks. */
export const MMAP_BASE = REGION_SPAN;
const DYN_BASE = MMAP_BASE + 0x8_0000_0000;
export const STACK_TOP = 3 * REGION_SPAN + REGION_LIMIT;
const STACK_MOST = REGION_LIMIT / 2;
const INITIAL_STACK = 8 * PAGE_SIZE;
const ARGUMENTS_MOST = 2 * 1024 * 1024;
/** As the kernel's CONFIG_HZ. */
export const CLOCK_TICKS = 250;

export interface LoadedProgram {
  readonly space: AddressSpace;
  readonly entry: bigint;
  readonly sp: bigint;
  readonly rbs: bigint;
  readonly program: Program;
  /** The last component of the file's name. */
  readonly name: string;
}

/** The file is a program of the host. */
export interface HostProgram {
  readonly hostPath: string;
  readonly argv: readonly Uint8Array[];
}

export interface LoadRequest {
  /** As the program names itself, and where that is on the host: byte strings. */
  readonly path: string;
  readonly hostPath: string;
  readonly argv: readonly Uint8Array[];
  readonly environment: readonly Uint8Array[];
  readonly limits: SpaceLimits;
  /** Hard limit of the stack. */
  readonly stackMost: number;
  readonly credentials: Credentials;
}

export type LoadResult =
  | { readonly loaded: LoadedProgram }
  | { readonly foreign: HostProgram }
  | { readonly error: number; readonly why: string };

const bytesOf = (text: string): Uint8Array => Uint8Array.from(text, (character) => character.charCodeAt(0));
const textOf = (bytes: Uint8Array): string => Array.from(bytes, (byte) => String.fromCharCode(byte)).join('');
const baseName = (path: string): string => path.slice(path.lastIndexOf('/') + 1);

class OpenProgram {
  readonly #kernel: Kernel;
  readonly #fd: number;
  readonly stat: HostStat;

  private constructor(kernel: Kernel, fd: number, stat: HostStat) {
    this.#kernel = kernel;
    this.#fd = fd;
    this.stat = stat;
  }

  static open(kernel: Kernel, hostPath: string): OpenProgram | number {
    const { files } = kernel.host;
    const access = files.access(hostPath, 1);
    const fd = files.open(hostPath, O_RDONLY, 0);
    if (fd < 0) return fd;
    const stat = files.fstat(fd);
    const problem =
      typeof stat === 'number' ? stat : isDirectory(stat) ? -EACCES : !isRegular(stat) || access < 0 ? -EACCES : 0;
    if (problem < 0 || typeof stat === 'number') {
      files.close(fd);
      return problem;
    }
    return new OpenProgram(kernel, fd, stat);
  }

  read(position: number, length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    let done = 0;
    while (done < length) {
      const got = this.#kernel.host.files.pread(this.#fd, bytes.subarray(done), position + done);
      if (got <= 0) break;
      done += got;
    }
    return bytes.subarray(0, done);
  }

  pages(): SharedPages {
    const { host, cache } = this.#kernel;
    return cache.open(`${this.stat.dev}:${this.stat.ino}`, hostMappable(host, host.files.dup(this.#fd)));
  }

  close(): void {
    this.#kernel.host.files.close(this.#fd);
  }
}

export function loadProgram(kernel: Kernel, request: LoadRequest, depth = 0): LoadResult {
  if (depth > 4) return { error: ELOOP, why: 'too many interpreters' };
  const file = OpenProgram.open(kernel, request.hostPath);
  if (typeof file === 'number') return { error: -file, why: describe(-file) };
  try {
    const head = file.read(0, 256);
    if (head[0] === 0x23 && head[1] === 0x21) return loadScript(kernel, request, head, depth);
    if (!isElf(head)) return { error: ENOEXEC, why: head.length === 0 ? 'an empty file' : 'not a program' };
    let elf: ElfFile;
    try {
      elf = parseElf((position, length) => file.read(position, length));
    } catch (error) {
      if (!(error instanceof ElfError)) throw error;
      if (error.foreign) return { foreign: { hostPath: request.hostPath, argv: request.argv } };
      return { error: ENOEXEC, why: error.message };
    }
    return loadElf(kernel, request, file, elf);
  } finally {
    file.close();
  }
}

/** For messages: names come from the file. */
const printable = (text: string): string => text.replace(/[^ -~]/g, '?');

function describe(errno: number): string {
  if (errno === ENOENT) return 'no such file';
  if (errno === EACCES) return 'permission denied';
  return errno === EISDIR ? 'a directory' : `cannot be read (error ${errno})`;
}

function loadScript(kernel: Kernel, request: LoadRequest, head: Uint8Array, depth: number): LoadResult {
  const end = head.indexOf(0x0a);
  if (end < 0 && head.length < 256) return { error: ENOEXEC, why: 'a script without a line' };
  const line = textOf(head.subarray(2, end < 0 ? 256 : end)).trim();
  const match = /^(\S+)(?:\s+(.*\S))?$/.exec(line);
  if (match === null) return { error: ENOEXEC, why: 'a script without an interpreter' };
  const interpreter = match[1]!;
  const argv = [bytesOf(interpreter), ...(match[2] === undefined ? [] : [bytesOf(match[2])]), bytesOf(request.path)];
  const next: LoadRequest = {
    ...request,
    path: interpreter,
    hostPath: resolveSysroot(kernel, interpreter),
    argv: [...argv, ...request.argv.slice(1)],
  };
  const result = loadProgram(kernel, next, depth + 1);
  return 'error' in result && depth === 0
    ? { ...result, why: `its interpreter ${printable(interpreter)}: ${result.why}` }
    : result;
}

function loadElf(kernel: Kernel, request: LoadRequest, file: OpenProgram, elf: ElfFile): LoadResult {
  const interpreterSegment = elf.segments.find(({ type }) => type === PT_INTERP);
  let interpreter: { file: OpenProgram; elf: ElfFile } | undefined;
  if (interpreterSegment !== undefined) {
    if (interpreterSegment.fileSize < 2 || interpreterSegment.fileSize > 4096) {
      return { error: ENOEXEC, why: 'a corrupt interpreter name' };
    }
    const name = textOf(file.read(interpreterSegment.offset, interpreterSegment.fileSize)).replace(/\0[^]*$/, '');
    const opened = OpenProgram.open(kernel, resolveSysroot(kernel, name));
    if (typeof opened === 'number') {
      const problem =
        opened === -ENOENT ? ' is missing; give the folder that has it with -L' : `: ${describe(-opened)}`;
      return { error: -opened, why: `its interpreter ${printable(name)}${problem}` };
    }
    try {
      interpreter = { file: opened, elf: parseElf((position, length) => opened.read(position, length)) };
    } catch (error) {
      opened.close();
      if (!(error instanceof ElfError)) throw error;
      return { error: ELIBBAD, why: `its interpreter ${printable(name)}: ${error.message}` };
    }
  }
  let space: AddressSpace;
  try {
    space = new AddressSpace(kernel.pool, { ...request.limits });
  } catch {
    interpreter?.file.close();
    return { error: ENOMEM, why: 'out of memory' };
  }
  try {
    return build(kernel, request, space, file, elf, interpreter);
  } catch (error) {
    space.destroy();
    if (error instanceof ElfError) return { error: ENOEXEC, why: error.message };
    if (error instanceof LoadFailure) return { error: error.errno, why: error.message };
    if (error instanceof RangeError) return { error: ENOMEM, why: 'out of memory' };
    throw error;
  } finally {
    interpreter?.file.close();
  }
}

class LoadFailure extends Error {
  readonly errno: number;
  constructor(errno: number, message: string) {
    super(message);
    this.errno = errno;
  }
}

function build(
  kernel: Kernel,
  request: LoadRequest,
  space: AddressSpace,
  file: OpenProgram,
  elf: ElfFile,
  interpreter: { file: OpenProgram; elf: ElfFile } | undefined,
): LoadResult {
  const bias = elf.type === 3 ? vaToBig(DYN_BASE) : 0n;
  const main = mapSegments(space, file, elf, elf.type === 3 ? DYN_BASE : 0, request.path);
  space.brkStart = pageCeil(main.end);
  space.brk = space.brkStart;
  let entry = elf.entry + main.bias;
  let interpreterBase = 0n;
  if (interpreter !== undefined) {
    const span = interpreter.elf.type === 3 ? spanOf(interpreter.elf) : 0;
    const at = interpreter.elf.type === 3 ? (space.findFree(span, MMAP_BASE) ?? 0) : 0;
    const mapped = mapSegments(space, interpreter.file, interpreter.elf, at, 'interpreter');
    interpreterBase = mapped.bias;
    entry = interpreter.elf.entry + mapped.bias;
  }
  mapGate(kernel, space);

  const stack = new StackBuilder(space, request.limits.stack);
  const random = new Uint8Array(16);
  kernel.host.process.random(random);
  const headers = elf.segments.find(({ type }) => type === PT_PHDR);
  const headerSegment = elf.segments.find(
    ({ type, offset, fileSize }) =>
      type === PT_LOAD && offset <= elf.programHeaderOffset && elf.programHeaderOffset < offset + fileSize,
  );
  const phdr =
    headers !== undefined
      ? headers.va + bias
      : headerSegment !== undefined
        ? headerSegment.va + BigInt(elf.programHeaderOffset - headerSegment.offset) + bias
        : 0n;
  const { uid, euid, gid, egid } = request.credentials;
  const nul = Uint8Array.of(0);
  const execfn = stack.push(concat(bytesOf(request.path), nul));
  const environment = request.environment.map((text) => stack.push(concat(text, nul)));
  const argv = request.argv.map((text) => stack.push(concat(text, nul)));
  const randomAt = stack.push(random);
  const auxv: [number, bigint][] = [
    [32, GATE_SYSCALL], // AT_SYSINFO
    [33, GATE_ADDRESS], // AT_SYSINFO_EHDR
    [16, 0n], // AT_HWCAP
    [6, BigInt(PAGE_SIZE)], // AT_PAGESZ
    [17, BigInt(CLOCK_TICKS)], // AT_CLKTCK
    [3, phdr], // AT_PHDR
    [4, BigInt(PROGRAM_HEADER_SIZE)], // AT_PHENT
    [5, BigInt(elf.segments.length)], // AT_PHNUM
    [7, interpreterBase], // AT_BASE
    [8, 0n], // AT_FLAGS
    [9, elf.entry + main.bias], // AT_ENTRY
    [11, BigInt(uid)],
    [12, BigInt(euid)],
    [13, BigInt(gid)],
    [14, BigInt(egid)],
    [23, 0n], // AT_SECURE
    [25, randomAt], // AT_RANDOM
    [31, execfn], // AT_EXECFN
    [0, 0n],
  ];
  const words = [
    BigInt(argv.length),
    ...argv,
    0n,
    ...environment,
    0n,
    ...auxv.flatMap(([type, value]) => [BigInt(type), value]),
  ];
  const sp = stack.finish(words);
  const spVa = vaFromBig(sp);

  const rbsSize = Math.min(request.stackMost, STACK_MOST);
  const rbs = pageCeil(spVa - rbsSize);
  if (space.map({ start: rbs, end: rbs + PAGE_SIZE, prot: PROT_READ | PROT_WRITE, grows: 'up', name: '[rbs]' }) < 0) {
    throw new LoadFailure(ENOMEM, 'no room for the register stack');
  }
  if (space.isFree(0, PAGE_SIZE)) {
    const nat = kernel.pool.allocate();
    if (nat === 0) throw new RangeError('no memory');
    space.addNatPage(nat);
    kernel.pool.release(nat);
  }
  return {
    loaded: {
      space,
      entry,
      sp,
      rbs: vaToBig(rbs),
      name: baseName(request.path).slice(0, 15),
      program: {
        hostPath: request.hostPath,
        path: request.path,
        argv: request.argv,
        environment: request.environment,
        auxv: wordsToBytes(auxv.flatMap(([type, value]) => [BigInt(type), value])),
        stackTop: spVa,
      },
    },
  };
}

const protOf = (flags: number): number =>
  ((flags & PF_R) !== 0 ? PROT_READ : 0) |
  ((flags & PF_W) !== 0 ? PROT_WRITE : 0) |
  ((flags & PF_X) !== 0 ? PROT_EXEC : 0);

function spanOf(elf: ElfFile): number {
  let end = 0n;
  for (const { type, va, memorySize } of elf.segments) {
    if (type === PT_LOAD && va + BigInt(memorySize) > end) end = va + BigInt(memorySize);
  }
  return pageCeil(Number(end));
}

/** Maps what is to be loaded, `at` that much above where the file says. Returns the end of the last segment. */
function mapSegments(
  space: AddressSpace,
  file: OpenProgram,
  elf: ElfFile,
  at: number,
  name: string,
): { end: number; bias: bigint } {
  let last = 0;
  const pages = file.pages();
  pages.use();
  try {
    for (const segment of elf.segments) {
      if (segment.type !== PT_LOAD || segment.memorySize === 0) continue;
      const base = vaFromBig(segment.va);
      const start = base + at;
      if (base === BAD_VA || segment.memorySize > REGION_LIMIT || start + segment.memorySize > TASK_SIZE) {
        throw new ElfError('a segment outside the address space');
      }
      if ((start - segment.offset) % PAGE_SIZE !== 0 && segment.fileSize > 0) {
        throw new ElfError('a segment that is not aligned to pages');
      }
      const fileEnd = start + segment.fileSize;
      const end = start + segment.memorySize;
      const prot = protOf(segment.flags);
      const mapStart = pageFloor(start);
      const mapFileEnd = segment.fileSize === 0 ? mapStart : pageCeil(fileEnd);
      if (!space.hasRoom(pageCeil(end) - mapStart, true)) throw new LoadFailure(ENOMEM, 'out of memory');
      if (segment.fileSize > 0) {
        if (segment.offset + segment.fileSize > Number(file.stat.size))
          throw new ElfError('truncated: a segment is missing');
        const result = space.map({
          start: mapStart,
          end: mapFileEnd,
          prot,
          pages,
          offset: pageFloor(segment.offset),
          name,
        });
        if (result < 0) throw new ElfError('a segment outside the address space');
      }
      if (pageCeil(end) > mapFileEnd) {
        const result = space.map({ start: mapFileEnd, end: pageCeil(end), prot, name: '' });
        if (result < 0) throw new ElfError('a segment outside the address space');
      }
      if (end > fileEnd && fileEnd < mapFileEnd && (prot & PROT_WRITE) !== 0) {
        if (space.write(fileEnd, new Uint8Array(Math.min(end, mapFileEnd) - fileEnd)) !== 0) {
          throw new LoadFailure(EFAULT, 'truncated while it was loaded');
        }
      }
      last = Math.max(last, end);
    }
  } finally {
    pages.unuse();
  }
  const bias = at === 0 ? 0n : vaToBig(at);
  return { end: last, bias };
}

function mapGate(kernel: Kernel, space: AddressSpace): void {
  const page = kernel.gatePage();
  kernel.pool.retain(page);
  space.add({
    start: vaFromBig(GATE_ADDRESS),
    end: vaFromBig(GATE_ADDRESS) + PAGE_SIZE,
    prot: PROT_READ | PROT_EXEC,
    name: '[vdso]',
    mayWrite: false,
  });
  space.table.set(vaFromBig(GATE_ADDRESS), (page | PTE_VALID | PTE_READ | PTE_EXEC) >>> 0);
}

function concat(...parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function wordsToBytes(words: readonly bigint[]): Uint8Array {
  const bytes = new Uint8Array(words.length * 8);
  const view = new DataView(bytes.buffer);
  words.forEach((word, index) => view.setBigUint64(index * 8, BigInt.asUintN(64, word), true));
  return bytes;
}

/** Builds the initial stack from the top down. */
class StackBuilder {
  readonly #space: AddressSpace;
  #at = STACK_TOP - 16;
  readonly #most: number;

  constructor(space: AddressSpace, limit: number) {
    this.#space = space;
    this.#most = Math.min(ARGUMENTS_MOST, limit / 4);
    const prot = PROT_READ | PROT_WRITE;
    space.add({ start: STACK_TOP - INITIAL_STACK, end: STACK_TOP, prot, grows: 'down', name: '[stack]' });
  }

  push(bytes: Uint8Array): bigint {
    this.#at -= bytes.length;
    this.#put(this.#at, bytes);
    return vaToBig(this.#at);
  }

  #put(va: number, bytes: Uint8Array): void {
    if (STACK_TOP - va > this.#most) throw new LoadFailure(E2BIG, 'too many arguments');
    if (this.#space.write(va, bytes) !== 0) throw new LoadFailure(ENOMEM, 'no room for the stack');
  }

  finish(words: readonly bigint[]): bigint {
    const va = this.#at - words.length * 8 - ((this.#at - words.length * 8) % 16);
    this.#put(va, wordsToBytes(words));
    return vaToBig(va);
  }
}
