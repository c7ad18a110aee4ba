// SPDX-License-Identifier: MIT
//
// BMAP, the bus mapper of the 68040 NeXT computers that are not Turbo: sixteen 32-bit registers that set how the
// processor's bus reaches the old peripheral bus, and the parallel lines of the Ethernet transceivers.
//
// Sockets: span 0x40 (at 0x020c_0000 and 0x820c_0000); wire `twistedPair`; wire `resetOut`, a pulse; `heartbeatW`, the
// signal that tells thin Ethernet (asserted) from twisted pair.
//
//     0x00 SID   0x04 RCNTL  30 local only   0x08 BUSERR   0x0c BURWREN  29, 28 DSP interrupts   0x10 TSTATUS1
//     0x14 TSTATUS0   0x18 ASCNTL   0x1c ASEN   0x20 STSAMPLE   0x30 DDIR  30 reset   0x34 DRW   0x38 AMR
//     DRW: 31 twisted pair receives   29 heartbeat (read)   28 twisted pair transmits; both select it
//
// Registers without a function hold what is written. RCNTL is 0x4000_0000 after reset, the others 0.
//
// Documents: none public; the names are those of [Previous] bmap.c; [NetBSD next68k] bmapreg.h has DDIR and DRW.
// Not modelled: bus timing, error capture, local bus only; the enables of the DSP's interrupts, which reach the interrupt
// controller in any case; that DDIR says which lines of DRW are outputs.
import type { ChipContext } from '../../backplane/board.ts';
import type { AccessRules, BusTarget, Width } from '../../backplane/bus.ts';
import { type Device, type PlainFields, type ResetKind, SavedFields } from '../../backplane/device.ts';
import { Wire } from '../../backplane/wire.ts';

const REGISTERS = 16;
const RCNTL = 0x04;
const DDIR = 0x30;
const DRW = 0x34;

const RCNTL_LOCAL = 0x4000_0000;
const DDIR_RESET = 0x4000_0000;

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
  /** The machine's reset line: a pulse. */
  readonly resetOut: Wire;
  readonly #registers = new Uint32Array(REGISTERS);
  #heartbeat = true;
  #selected = false;

  constructor(chip: ChipContext) {
    this.id = chip.id;
    this.twistedPair = new Wire(`${chip.id}.twisted-pair`);
    this.resetOut = new Wire(`${chip.id}.reset`);
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
    if (offset === DDIR && value & DDIR_RESET) {
      this.resetOut.set(true);
      this.resetOut.set(false);
    }
  }

  reset(_kind: ResetKind): void {
    this.#registers.fill(0);
    this.#registers[RCNTL >>> 2] = RCNTL_LOCAL;
    this.#selected = false;
  }

  settle(): void {
    this.#update();
  }

  save(): PlainFields {
    return { registers: this.#registers.slice(), selected: this.#selected };
  }

  restore(state: PlainFields): void {
    const saved = new SavedFields(this.id, state);
    this.#registers.set(saved.words('registers', REGISTERS));
    this.#selected = saved.bool('selected');
  }

  #update(): void {
    const selected = (this.#registers[DRW >>> 2]! & TWISTED_PAIR) >>> 0;
    // One of the two alone changes nothing.
    if (selected === TWISTED_PAIR || selected === 0) this.#selected = selected !== 0;
    this.twistedPair.set(this.#selected);
  }
}
