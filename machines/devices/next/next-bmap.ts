// SPDX-License-Identifier: MIT
//
// BMAP, the bus mapper of the 68040 NeXT computers that are not Turbo: sixteen 32-bit registers that set how the
// processor's bus reaches the old peripheral bus, and the parallel lines of the Ethernet transceivers.
//
// Sockets: span 0x40 (at 0x020c_0000 and 0x820c_0000); wire `twistedPair`; `heartbeatW`, the signal that tells thin
// Ethernet (asserted) from twisted pair.
//
//     0x00 SID   0x04 RCNTL   0x08 BUSERR   0x0c BURWREN   0x10-0x1c TSTATUS0-1, ASCNTL   0x20 ASEN   0x24 STSAMPLE
//     0x28 DDIR  0x2c DRW... the names of [NetBSD next68k] bmapreg.h; only DRW (0x34) and DDIR (0x30) have a function.
//
// Documents: none public; [NetBSD next68k] bmapreg.h, [Previous] bmap.c.
// Not modelled: bus timing, error capture.
import type { ChipContext } from '../../backplane/board.ts';
import type { AccessRules, BusTarget, Width } from '../../backplane/bus.ts';
import { type Device, type PlainFields, type ResetKind, SavedFields } from '../../backplane/device.ts';
import { Wire } from '../../backplane/wire.ts';

const REGISTERS = 16;
const DRW = 0x34;

const DRW_RXSEL = 0x8000_0000;
const DRW_HEARTBEAT = 0x2000_0000;
const DRW_ILBC = 0x1000_0000;
const TWISTED_PAIR = (DRW_RXSEL | DRW_ILBC) >>> 0;

export class NextBmap implements Device, BusTarget {
  readonly id: string;
  readonly span = REGISTERS * 4;
  readonly access: AccessRules = { valid: { min: 1, max: 4 }, impl: { min: 4, max: 4 }, byteOrder: 'big' };
  /** The twisted pair transceiver is selected. */
  readonly twistedPair: Wire;
  readonly #registers = new Uint32Array(REGISTERS);
  #heartbeat = true;

  constructor(chip: ChipContext) {
    this.id = chip.id;
    this.twistedPair = new Wire(`${chip.id}.twisted-pair`);
  }

  heartbeatW(level: boolean): void {
    this.#heartbeat = level;
  }

  read(offset: number, _width: Width): number {
    return this.peek(offset);
  }

  peek(offset: number): number {
    const value = this.#registers[offset >>> 2] ?? 0;
    if (offset !== DRW) return value;
    return (this.#heartbeat ? value | DRW_HEARTBEAT : value & ~DRW_HEARTBEAT) >>> 0;
  }

  write(offset: number, _width: Width, value: number): void {
    this.#registers[offset >>> 2] = value;
    if (offset === DRW) this.#update();
  }

  reset(_kind: ResetKind): void {
    this.#registers.fill(0);
  }

  settle(): void {
    this.#update();
  }

  save(): PlainFields {
    return { registers: this.#registers.slice() };
  }

  restore(state: PlainFields): void {
    this.#registers.set(new SavedFields(this.id, state).words('registers', REGISTERS));
  }

  #update(): void {
    const selected = (this.#registers[DRW >>> 2]! & TWISTED_PAIR) >>> 0;
    if (selected === TWISTED_PAIR) this.twistedPair.set(true);
    else if (selected === 0) this.twistedPair.set(false);
  }
}
