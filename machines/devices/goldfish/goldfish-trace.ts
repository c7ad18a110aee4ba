// SPDX-License-Identifier: MIT
//
// Trace device of the goldfish virtual board ("qemu_trace"): the kernel tells of its processes and what they map, a
// program of the methods it enters, and both may print or stop the machine.
//
// Sockets: span 0x2000, `memory` (the kernel's own addresses), wire `powerOff`; no interrupt. What is told goes to the
// `trace` log, what is printed to the `info` log, line by line.
//
// Registers are numbered in words; the second page is for programs:
//
//     0 SWITCH  1 FORK  3 VMSTART  4 VMEND  5 OFFSET  6 EXECVE_EXEPATH  7 EXIT  8 CMDLINE  9 CMDLINE_LEN
//     10 MMAP_EXEPATH  11 INIT_PID  12 INIT_NAME  13 CLONE  14 UNMAP_START  15 UNMAP_END  16 NAME  17 TGID
//     50 DYN_SYM  51 DYN_SYM_ADDR  52 REMOVE_ADDR  60 PRINT_STR  61 PRINT_NUM_DEC  62 PRINT_NUM_HEX  90 STOP_EMU
//     100 ENABLE (r/w)  1024 METHOD_ENTRY  1025 _EXIT  1026 _EXCEPTION  1028 NATIVE_ENTRY  1029 _EXIT  1030 _EXCEPTION
//
// Documents: [GOLDFISH] §XIII; [AOSP qemu] trace.c, trace.h; [AOSP kernel] qemutrace/qemu_trace.c.
// Not modelled: the registers by which a C library tells of its heap (logged). Strings are cut at 4096 bytes.
import type { ChipContext } from '../../backplane/board.ts';
import type { AccessRules, BusTarget, Width } from '../../backplane/bus.ts';
import { type Device, type PlainFields, type ResetKind, SavedFields } from '../../backplane/device.ts';
import type { DmaAccess } from '../../backplane/dma.ts';
import type { DeviceLog } from '../../backplane/log.ts';
import { Wire } from '../../backplane/wire.ts';
import { goldfishAccess } from './goldfish.ts';

const VMSTART = 3;
const VMEND = 4;
const OFFSET = 5;
const EXECVE_EXEPATH = 6;
const CMDLINE = 8;
const CMDLINE_LEN = 9;
const MMAP_EXEPATH = 10;
const INIT_PID = 11;
const INIT_NAME = 12;
const UNMAP_START = 14;
const UNMAP_END = 15;
const NAME = 16;
const TGID = 17;
const DYN_SYM = 50;
const DYN_SYM_ADDR = 51;
const PRINT_STR = 60;
const PRINT_NUM_DEC = 61;
const PRINT_NUM_HEX = 62;
const STOP_EMU = 90;
const ENABLE = 100;

/** Registers whose value is kept for the one that ends a message. */
const KEPT = [VMSTART, VMEND, OFFSET, CMDLINE_LEN, INIT_PID, UNMAP_START, TGID, DYN_SYM_ADDR] as const;
/** Registers that are a whole message. */
const EVENTS: Readonly<Record<number, string>> = {
  0: 'switch to process %d',
  1: 'fork: process %d',
  7: 'exit with %x',
  13: 'clone: process %d',
  52: 'symbol at %x removed',
  1024: 'method %x entered',
  1025: 'method %x left',
  1026: 'method %x left by an exception',
  1028: 'native method %x entered',
  1029: 'native method %x left',
  1030: 'native method %x left by an exception',
};
const PROGRAM_REGISTERS = 1024;

const MOST_BYTES = 4096;
const PIECE_BYTES = 64;
const LINE_BYTES = 1024;

export class GoldfishTrace implements Device, BusTarget {
  readonly id: string;
  readonly span = 0x2000;
  readonly access: AccessRules = goldfishAccess('little');
  readonly powerOff: Wire;
  readonly #log: DeviceLog;
  readonly #memory: DmaAccess;
  readonly #kept = new Uint32Array(KEPT.length);
  #enabled = false;
  #stopped = false;
  /** What has been printed since the last line end. */
  #line = '';

  constructor(chip: ChipContext, options: { readonly memory: DmaAccess }) {
    this.id = chip.id;
    this.#log = chip.log;
    this.#memory = options.memory;
    this.powerOff = new Wire(`${chip.id}.power-off`);
  }

  read(offset: number, _width: Width): number {
    const value = this.peek(offset);
    if (value === undefined) this.#log.guest('read of no register, %x', offset);
    return value ?? 0;
  }

  peek(offset: number): number | undefined {
    return offset >>> 2 === ENABLE ? Number(this.#enabled) : undefined;
  }

  write(offset: number, _width: Width, value: number): void {
    const register = offset >>> 2;
    const kept = (KEPT as readonly number[]).indexOf(register);
    const event = EVENTS[register];
    if (kept >= 0) this.#kept[kept] = value;
    else if (event === undefined) this.#command(register, value >>> 0);
    else if (register < PROGRAM_REGISTERS || this.#enabled) this.#log.trace(event, value);
  }

  #command(register: number, value: number): void {
    switch (register) {
      case EXECVE_EXEPATH:
      case MMAP_EXEPATH:
        this.#log.trace(
          `mapped: %x to %x from byte %x of ${this.#string(value)}`,
          this.#value(VMSTART),
          this.#value(VMEND),
          this.#value(OFFSET),
        );
        return;
      case CMDLINE:
        this.#log.trace(`execve: ${this.#words(value, this.#value(CMDLINE_LEN))}`);
        return;
      case INIT_NAME:
        this.#log.trace(`process %d of %d is ${this.#string(value)}`, this.#value(INIT_PID), this.#value(TGID));
        return;
      case UNMAP_END:
        this.#log.trace('unmapped: %x to %x', this.#value(UNMAP_START), value);
        return;
      case NAME:
        this.#log.trace(`name: ${this.#string(value).trimEnd()}`);
        return;
      case DYN_SYM:
        this.#log.trace(`symbol at %x: ${this.#string(value)}`, this.#value(DYN_SYM_ADDR));
        return;
      case PRINT_STR:
        this.#print(this.#string(value));
        return;
      case PRINT_NUM_DEC:
        this.#print(`${value | 0}`);
        return;
      case PRINT_NUM_HEX:
        this.#print(value.toString(16));
        return;
      case STOP_EMU:
        this.#stopped = true;
        this.powerOff.set(true);
        return;
      case ENABLE:
        this.#enabled = (value & 1) !== 0;
        return;
      default:
        if (register < PROGRAM_REGISTERS) this.#log.guest('write of %x to no register, %d', value, register);
        else this.#log.unimp('a program wrote %x to register %d', value, register);
    }
  }

  #value(register: (typeof KEPT)[number]): number {
    return this.#kept[KEPT.indexOf(register)]!;
  }

  #print(text: string): void {
    const lines = (this.#line + text).split('\n');
    this.#line = lines.pop()!;
    for (const line of lines) this.#log.info(line);
    if (this.#line.length < LINE_BYTES) return;
    this.#log.info(this.#line);
    this.#line = '';
  }

  /** The characters before the zero byte. */
  #string(va: number): string {
    let text = '';
    const piece = new Uint8Array(PIECE_BYTES);
    for (let at = va; text.length < MOST_BYTES;) {
      // No piece crosses a page: what follows the string need not be mapped.
      const part = piece.subarray(0, PIECE_BYTES - (at % PIECE_BYTES));
      this.#memory.dmaRead(at, part);
      const end = part.indexOf(0);
      text += printable(end < 0 ? part : part.subarray(0, end));
      if (end >= 0) return text;
      at = (at + part.length) >>> 0;
    }
    return text;
  }

  /** Words with a zero byte after each. */
  #words(va: number, length: number): string {
    const bytes = new Uint8Array(Math.min(length, MOST_BYTES));
    this.#memory.dmaRead(va, bytes);
    return printable(bytes.map((byte) => byte || 0x20)).trimEnd();
  }

  reset(_kind: ResetKind): void {
    this.#kept.fill(0);
    this.#enabled = this.#stopped = false;
    this.#line = '';
  }

  settle(): void {
    this.powerOff.set(this.#stopped);
  }

  save(): PlainFields {
    return { kept: this.#kept.slice(), enabled: this.#enabled, stopped: this.#stopped, line: this.#line };
  }

  restore(state: PlainFields): void {
    const saved = new SavedFields(this.id, state);
    const [kept, enabled, stopped] = [saved.words('kept', KEPT.length), saved.bool('enabled'), saved.bool('stopped')];
    const line = saved.string('line').slice(0, LINE_BYTES);
    this.#kept.set(kept);
    this.#enabled = enabled;
    this.#stopped = stopped;
    this.#line = line;
  }
}

/** Control characters other than line ends are shown as dots. */
function printable(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes.map((byte) => ((byte < 0x20 && byte !== 0x0a) || byte === 0x7f ? 0x2e : byte)));
}
