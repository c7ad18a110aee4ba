// SPDX-License-Identifier: MIT
//
// What Forth programs see of memory: cells, characters and strings anywhere in guest memory, the system variables, and
// the data space that `here` and `allot` give out. An address that nothing answers is a throw.
import type { Width } from '../../../backplane/bus.ts';
import { type PlainFields, SavedFields } from '../../../backplane/device.ts';
import { ForthThrow, THROW } from '../errors.ts';
import type { FirmwareHost } from '../host.ts';
import { MAX_STRING } from './task.ts';

export const TRUE = -1;
export const FALSE = 0;
export const CELL = 4;

/** Where the engine keeps what Forth programs can see; physical addresses. */
export interface ForthMemory {
  readonly variables: number;
  /** Transient strings: number output, WORD, interpreted string literals. */
  readonly scratch: number;
  readonly scratchBytes: number;
  readonly data: number;
  readonly dataBytes: number;
}

const VAR_STATE = 0;
const VAR_BASE = 4;
const VAR_IN = 8;
const VAR_SPAN = 12;
export const VAR_OUT = 16;
const VAR_LINE = 20;
const VAR_BLK = 24;
export const VARIABLES = {
  state: VAR_STATE,
  base: VAR_BASE,
  '>in': VAR_IN,
  span: VAR_SPAN,
  '#out': VAR_OUT,
  '#line': VAR_LINE,
  blk: VAR_BLK,
} as const;

export class DataSpace {
  readonly host: FirmwareHost;
  readonly memory: ForthMemory;
  here: number;

  constructor(host: FirmwareHost, memory: ForthMemory) {
    this.host = host;
    this.memory = memory;
    this.here = memory.data;
  }

  read(pa: number, width: Width): number {
    pa >>>= 0;
    if ((pa & (width - 1)) !== 0) {
      let value = 0;
      for (let i = 0; i < width; i++) value = (value << 8) | this.read((pa + i) >>> 0, 1);
      return value >>> 0;
    }
    const value = this.host.read(pa, width);
    if (value === undefined) throw new ForthThrow(THROW.invalidAddress);
    return value;
  }

  write(pa: number, width: Width, value: number): void {
    pa >>>= 0;
    if ((pa & (width - 1)) !== 0) {
      for (let i = 0; i < width; i++) this.write((pa + i) >>> 0, 1, (value >>> ((width - 1 - i) * 8)) & 0xff);
      return;
    }
    const cut = width === 4 ? value >>> 0 : width === 2 ? value & 0xffff : value & 0xff;
    if (!this.host.write(pa, width, cut)) throw new ForthThrow(THROW.invalidAddress);
  }

  cell = (pa: number): number => this.read(pa, 4) | 0;
  setCell = (pa: number, value: number): void => this.write(pa, 4, value);

  bytes(pa: number, length: number): Uint8Array {
    if (length < 0 || length > MAX_STRING) throw new ForthThrow(THROW.outOfRange);
    const bytes = new Uint8Array(length);
    if (length > 0 && !this.host.readBytes(pa >>> 0, bytes)) {
      for (let i = 0; i < length; i++) bytes[i] = this.read(pa + i, 1);
    }
    return bytes;
  }

  setBytes(pa: number, bytes: Uint8Array): void {
    if (bytes.length === 0 || this.host.writeBytes(pa >>> 0, bytes)) return;
    bytes.forEach((byte, i) => this.write(pa + i, 1, byte));
  }

  variable(name: keyof typeof VARIABLES): number {
    return this.cell(this.memory.variables + VARIABLES[name]);
  }

  setVariable(name: keyof typeof VARIABLES, value: number): void {
    this.setCell(this.memory.variables + VARIABLES[name], value);
  }

  /** BASE as a usable number, whatever the guest wrote there. */
  get base(): number {
    const base = this.variable('base');
    return base >= 2 && base <= 36 ? base : 16;
  }

  resetVariables(): void {
    this.setVariable('state', 0);
    this.setVariable('base', 16);
    this.setVariable('#out', 0);
  }

  /** A string that ends at a NUL, cut at `limit`. */
  cString(pa: number, limit = 1024): string {
    let text = '';
    for (let i = 0; i < limit; i++) {
      const byte = this.read((pa + i) >>> 0, 1);
      if (byte === 0) break;
      text += String.fromCharCode(byte);
    }
    return text;
  }

  allot(bytes: number): void {
    const next = this.here + bytes;
    if (next < this.memory.data || next > this.memory.data + this.memory.dataBytes) {
      throw new ForthThrow(THROW.dictionaryOverflow);
    }
    this.here = next;
  }

  comma(value: number): void {
    const pa = this.here;
    this.allot(CELL);
    this.setCell(pa, value);
  }

  align(): void {
    this.allot(-this.here & 3);
  }

  save(): PlainFields {
    return { here: this.here };
  }

  restore(state: PlainFields): void {
    const { data, dataBytes } = this.memory;
    this.here = new SavedFields('firmware.forth', state).int('here', data, data + dataBytes);
  }
}
