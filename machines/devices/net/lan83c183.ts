// SPDX-License-Identifier: MIT
//
// LAN83C183 transceiver, the one inside the LAN91C111: its registers, reached by the two wires of the management
// interface, and whether there is a link.
//
// Documents: [LAN91C111] chapter 9; IEEE 802.3 clause 22 for the frames.
// Not modelled: the signals on the cable. Auto-negotiation is over at once: 100 Mbit/s, full duplex, where there is a
// cable.
import type { PlainFields, SavedFields } from '../../backplane/device.ts';

const PIN_MDO = 0x01;
const PIN_MDI = 0x02;
const PIN_MCLK = 0x04;
const PIN_MDOE = 0x08;

const CONTROL = 0;
const STATUS = 1;
const ID_1 = 2;
const ID_2 = 3;
const ADVERTISEMENT = 4;
const REMOTE = 5;
const CONFIG_1 = 16;
const CONFIG_2 = 17;
const STATUS_OUTPUT = 18;
const MASK = 19;
const REGISTERS = 20;

const CONTROL_RST = 0x8000;
const CONTROL_LPBK = 0x4000;
const CONTROL_SPEED = 0x2000;
const CONTROL_ANEG_EN = 0x1000;
const CONTROL_PDN = 0x0800;
const CONTROL_DPLX = 0x0100;
const CONTROL_BITS = 0x7d80;
const STATUS_CAN = 0x7849;
const STATUS_ANEG_ACK = 0x0020;
const STATUS_LINK = 0x0004;
const OUTPUT_INT = 0x8000;
const OUTPUT_LNKFAIL = 0x4000;
const OUTPUT_SPDDET = 0x0080;
const OUTPUT_DPLXDET = 0x0040;
const REMOTE_ABILITY = 0x45e1;

/** Bits that can be written, and values after a reset. */
const WRITABLE: readonly (readonly [register: number, bits: number, initial: number])[] = [
  [CONTROL, CONTROL_BITS, CONTROL_SPEED | CONTROL_ANEG_EN],
  [ADVERTISEMENT, 0xbfff, 0x01e1],
  [CONFIG_1, 0xe7ff, 0x0022],
  [CONFIG_2, 0x003c, 0xff00],
  [MASK, 0xffc0, 0xffc0],
];

const OP_WRITE = 1;
const OP_READ = 2;
const COMMAND_BITS = 12;
/** Turnaround and data. */
const DATA_BITS = 18;

export class Lan83c183 {
  readonly #cable: boolean;
  readonly #registers = new Uint16Array(REGISTERS);
  /** STATUS_OUTPUT as it was last read. */
  #seen = 0;
  #changed = false;
  /** Pins as last driven, without MDI. */
  #driven = 0;
  /** Bits of the present frame after its start, last one lowest; -1 while waiting for a start. */
  #count = -1;
  #shift = 0x3f;
  #command = 0;
  #output = 0;

  constructor(cable: boolean) {
    this.#cable = cable;
    this.reset();
  }

  get linkUp(): boolean {
    return this.#cable && !(this.#registers[CONTROL]! & CONTROL_PDN);
  }

  get loopBack(): boolean {
    return (this.#registers[CONTROL]! & CONTROL_LPBK) !== 0;
  }

  get megabits(): 10 | 100 {
    return this.#speed100 ? 100 : 10;
  }

  get #negotiated(): boolean {
    return this.linkUp && (this.#registers[CONTROL]! & CONTROL_ANEG_EN) !== 0;
  }

  get #speed100(): boolean {
    return this.#negotiated || (this.#registers[CONTROL]! & CONTROL_SPEED) !== 0;
  }

  /** STATUS_OUTPUT without its interrupt bit. */
  get #now(): number {
    const duplex = this.#negotiated || (this.#registers[CONTROL]! & CONTROL_DPLX) !== 0;
    return (this.linkUp ? 0 : OUTPUT_LNKFAIL) | (this.#speed100 ? OUTPUT_SPDDET : 0) | (duplex ? OUTPUT_DPLXDET : 0);
  }

  get #interrupts(): boolean {
    return ((this.#now ^ this.#seen) & ~this.#registers[MASK]!) !== 0;
  }

  /** Whether STATUS_OUTPUT began to interrupt since the last call. */
  takeChange(): boolean {
    const before = this.#changed;
    this.#changed = this.#interrupts;
    return this.#changed && !before;
  }

  /** The four pins of the management interface as the controller reads them. */
  get pins(): number {
    const data = this.#output & (1 << (DATA_BITS - 1)) ? PIN_MDI : 0;
    return this.#driven | (this.#driven & PIN_MDOE ? (this.#driven & PIN_MDO ? PIN_MDI : 0) : data);
  }

  manage(pins: number): void {
    const rises = (pins & PIN_MCLK) !== 0 && !(this.#driven & PIN_MCLK);
    this.#driven = pins & (PIN_MDO | PIN_MCLK | PIN_MDOE);
    if (rises) this.#clock((pins & PIN_MDOE) !== 0 && (pins & PIN_MDO) !== 0 ? 1 : 0);
  }

  #clock(bit: number): void {
    this.#shift = ((this.#shift << 1) | bit) & 0x3_ffff;
    this.#output = (this.#output << 1) & 0x3_ffff;
    if (this.#count < 0) {
      if ((this.#shift & 3) === 1) this.#count = 0;
      return;
    }
    this.#count++;
    if (this.#count === COMMAND_BITS) {
      this.#command = this.#shift & 0xfff;
      if (this.#isMine && this.#command >>> 10 === OP_READ) this.#output = this.#read(this.#command & 31);
    } else if (this.#count === COMMAND_BITS + DATA_BITS) {
      if (this.#isMine && this.#command >>> 10 === OP_WRITE) this.#write(this.#command & 31, this.#shift & 0xffff);
      this.#count = -1;
      this.#shift = 3;
    }
  }

  /** It answers to address 0. */
  get #isMine(): boolean {
    return ((this.#command >>> 5) & 31) === 0;
  }

  #read(register: number): number {
    switch (register) {
      case STATUS:
        return STATUS_CAN | (this.#negotiated ? STATUS_ANEG_ACK : 0) | (this.linkUp ? STATUS_LINK : 0);
      case ID_1:
        return 0x0016;
      case ID_2:
        return 0xf840;
      case REMOTE:
        return this.#negotiated ? REMOTE_ABILITY : 0;
      case STATUS_OUTPUT: {
        const interrupt = this.#interrupts ? OUTPUT_INT : 0;
        this.#seen = this.#now;
        return interrupt | this.#now;
      }
      default:
        return this.#registers[register] ?? 0;
    }
  }

  #write(register: number, value: number): void {
    const writable = WRITABLE.find(([known]) => known === register);
    if (writable === undefined) return;
    if (register === CONTROL && value & CONTROL_RST) this.#clear();
    else this.#registers[register] = (this.#registers[register]! & ~writable[1]) | (value & writable[1]);
  }

  #clear(): void {
    for (const [register, , initial] of WRITABLE) this.#registers[register] = initial;
    this.#seen = this.#now;
  }

  reset(): void {
    this.#registers.fill(0);
    this.#clear();
    this.#changed = false;
    this.#driven = this.#command = this.#output = 0;
    this.#count = -1;
    this.#shift = 3;
  }

  save(): PlainFields {
    return {
      registers: Uint32Array.from(this.#registers),
      seen: this.#seen,
      changed: this.#changed,
      driven: this.#driven,
      count: this.#count,
      shift: this.#shift,
      command: this.#command,
      output: this.#output,
    };
  }

  restore(saved: SavedFields): void {
    const registers = saved.words('registers', REGISTERS);
    this.#seen = saved.u16('seen');
    this.#changed = saved.bool('changed');
    this.#driven = saved.int('driven', 0, PIN_MDO | PIN_MCLK | PIN_MDOE);
    this.#count = saved.int('count', -1, COMMAND_BITS + DATA_BITS);
    this.#shift = saved.int('shift', 0, 0x3_ffff);
    this.#command = saved.int('command', 0, 0xfff);
    this.#output = saved.int('output', 0, 0x3_ffff);
    this.#registers.set(registers);
  }
}
