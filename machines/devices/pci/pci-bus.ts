// SPDX-License-Identifier: MIT
//
// PCI bus protocol: three address spaces, configuration cycles of types 0 and 1, bus mastering, master aborts.
//
// Sockets: a host bridge (PciHost) shows `memory` and `io` in its CPU's map as nested maps and runs configuration
// cycles; functions attach by device and function number. Interrupt pins are wires of the functions: which pin of
// which slot reaches which input is the board's business.
//
// Documents: PCI Local Bus Specification 2.1 [PCI].
// Not modelled: arbitration, parity, retries and disconnects, 64-bit addresses, LOCK#.
import type { BusTarget, Width } from '../../backplane/bus.ts';
import type { DmaAccess } from '../../backplane/dma.ts';
import type { DeviceLog } from '../../backplane/log.ts';
import { type MemoryMap, region } from '../../backplane/memory-map.ts';
import type { PciFunction } from './pci-function.ts';

export const PCI_DEVICES = 32;
export const PCI_FUNCTIONS = 8;

/** Memory as a bus master reaches it: blocks of bytes, or one access as a big-endian CPU would make it. */
export interface PciMaster extends DmaAccess {
  read(pa: number, width: Width): number;
  write(pa: number, width: Width, value: number): void;
}

/** A range of PCI memory addresses that the host bridge claims for system memory. Inclusive. */
export interface InboundWindow {
  readonly first: number;
  readonly last: number;
  /** Where in system memory `first` is. */
  readonly system: number;
}

export type PciSpace = 'memory' | 'io' | 'config' | 'interrupt acknowledge';

/** The bridge between the CPU's bus and this one. */
export interface PciHost {
  /** System memory as bus masters reach it through the bridge. */
  readonly system: PciMaster;
  /** In address order, no overlaps. */
  readonly inbound: readonly InboundWindow[];
  /** A cycle the bridge ran on behalf of the CPU was claimed by nobody. */
  masterAbort(space: PciSpace, pa: number, write: boolean): void;
}

/** The secondary side of a PCI-to-PCI bridge, for configuration cycles of type 1. */
export interface PciSecondary {
  readonly bus: PciBus;
  readonly first: number;
  readonly last: number;
}

/** Rows of the address spaces below every function: what nobody claims ends here. */
const UNCLAIMED = -1;

export class PciBus implements PciMaster {
  readonly name: string;
  readonly memory: MemoryMap;
  readonly io: MemoryMap;
  /** Answers interrupt acknowledge cycles (an 8259), where the board has one. */
  interruptVector: (() => number) | undefined;
  #host: PciHost | undefined;
  #master: PciFunction | undefined;
  readonly #log: DeviceLog;
  readonly #functions: (PciFunction | undefined)[] = new Array<undefined>(PCI_DEVICES * PCI_FUNCTIONS).fill(undefined);

  constructor(name: string, spaces: { memory: MemoryMap; io: MemoryMap }, log: DeviceLog) {
    this.name = name;
    this.memory = spaces.memory;
    this.io = spaces.io;
    this.#log = log;
    for (const space of ['memory', 'io'] as const) {
      const unclaimed = region(0, 0xffff_ffff).device(this.#unclaimed(space), `${name}: master abort`);
      spaces[space].add(unclaimed.priority(UNCLAIMED));
    }
  }

  /** Puts a function on the bus. A device with several functions says so in the header of each. */
  attach(pciFunction: PciFunction, device: number, fn = 0): void {
    if (!(device >= 0 && device < PCI_DEVICES && fn >= 0 && fn < PCI_FUNCTIONS)) {
      throw new RangeError(`${this.name}: device ${device} function ${fn}`);
    }
    const slot = device * PCI_FUNCTIONS + fn;
    const other = this.#functions[slot];
    if (other !== undefined)
      throw new Error(`${this.name}: ${pciFunction.id} and ${other.id} are both ${device}.${fn}`);
    this.#functions[slot] = pciFunction;
    pciFunction.attached(this, slot);
    const present = this.#functions.slice(device * PCI_FUNCTIONS, (device + 1) * PCI_FUNCTIONS);
    const all = present.filter((one) => one !== undefined);
    if (all.length > 1) for (const one of all) one.markMultiFunction();
  }

  attachHost(host: PciHost): void {
    if (this.#host !== undefined) throw new Error(`${this.name}: two host bridges`);
    this.#host = host;
  }

  /** The functions in the order of their numbers. */
  get functions(): readonly { readonly device: number; readonly fn: number; readonly pciFunction: PciFunction }[] {
    return this.#functions.flatMap((pciFunction, slot) =>
      pciFunction === undefined ? [] : [{ device: slot >> 3, fn: slot & 7, pciFunction }],
    );
  }

  /**
   * A configuration read of `width` bytes at `offset`, aligned. Type 0 when `busNumber` is undefined, otherwise type 1:
   * a bridge whose secondary side leads to that bus passes it on. Nobody there: all ones.
   */
  configRead(busNumber: number | undefined, device: number, fn: number, offset: number, width: Width): number {
    const found = this.#find(busNumber, device, fn);
    if (found !== undefined) return found.configRead(offset, width);
    this.#host?.masterAbort('config', offset, false);
    return ones(width);
  }

  configWrite(
    busNumber: number | undefined,
    device: number,
    fn: number,
    offset: number,
    width: Width,
    value: number,
  ): void {
    const found = this.#find(busNumber, device, fn);
    if (found !== undefined) found.configWrite(offset, width, value);
    else this.#host?.masterAbort('config', offset, true);
  }

  /** The vector, or all ones when no interrupt controller claims the cycle. */
  interruptAcknowledge(): number {
    if (this.interruptVector !== undefined) return this.interruptVector() >>> 0;
    this.#host?.masterAbort('interrupt acknowledge', 0, false);
    return 0xffff_ffff;
  }

  /** Runs `cycle` with `master` as the one that hears of master aborts, instead of the host bridge. */
  mastered<T>(master: PciFunction, cycle: () => T): T {
    const before = this.#master;
    this.#master = master;
    try {
      return cycle();
    } finally {
      this.#master = before;
    }
  }

  dmaRead(pa: number, into: Uint8Array): void {
    this.#eachPiece(pa, into.length, (at, system, done, end) => {
      const piece = into.subarray(done, end);
      if (system === undefined) this.memory.dmaRead(at, piece);
      else this.#host!.system.dmaRead(system, piece);
    });
  }

  dmaWrite(pa: number, from: Uint8Array): void {
    this.#eachPiece(pa, from.length, (at, system, done, end) => {
      const piece = from.subarray(done, end);
      if (system === undefined) this.memory.dmaWrite(at, piece);
      else this.#host!.system.dmaWrite(system, piece);
    });
  }

  read(pa: number, width: Width): number {
    const window = this.#window(pa);
    if (window === undefined) return this.memory.read(pa, width);
    return this.#host!.system.read(window.system + (pa - window.first), width);
  }

  write(pa: number, width: Width, value: number): void {
    const window = this.#window(pa);
    if (window === undefined) this.memory.write(pa, width, value);
    else this.#host!.system.write(window.system + (pa - window.first), width, value);
  }

  #find(busNumber: number | undefined, device: number, fn: number): PciFunction | undefined {
    if (busNumber === undefined) return this.#functions[device * PCI_FUNCTIONS + fn];
    for (const bridge of this.#functions) {
      const secondary = bridge?.secondary;
      if (secondary === undefined || busNumber < secondary.first || busNumber > secondary.last) continue;
      return secondary.bus.#find(busNumber === secondary.first ? undefined : busNumber, device, fn);
    }
    return undefined;
  }

  #window(pa: number): InboundWindow | undefined {
    return this.#host?.inbound.find((window) => pa >= window.first && pa <= window.last);
  }

  #eachPiece(
    pa: number,
    size: number,
    visit: (at: number, system: number | undefined, done: number, end: number) => void,
  ): void {
    for (let done = 0; done < size;) {
      const at = (pa + done) % 0x1_0000_0000;
      const window = this.#window(at);
      const last = window?.last ?? (this.#host?.inbound.find(({ first }) => first > at)?.first ?? 0x1_0000_0000) - 1;
      const end = Math.min(size, done + (last - at + 1));
      visit(at, window && window.system + (at - window.first), done, end);
      done = end;
    }
  }

  #unclaimed(space: 'memory' | 'io'): BusTarget {
    const abort = (pa: number, write: boolean): void => {
      this.#log.guest(`${space} ${write ? 'write' : 'read'} claimed by no device at %x`, pa);
      if (this.#master !== undefined) this.#master.receivedMasterAbort();
      else this.#host?.masterAbort(space, pa, write);
    };
    return {
      span: 0x1_0000_0000,
      access: { valid: { min: 1, max: 4 }, impl: { min: 1, max: 4 }, byteOrder: 'little' },
      read: (offset, width) => {
        abort(offset, false);
        return ones(width);
      },
      write: (offset) => abort(offset, true),
      peek: () => 0xff,
    };
  }
}

export const ones = (width: Width): number => (width === 4 ? 0xffff_ffff : width === 2 ? 0xffff : 0xff);
