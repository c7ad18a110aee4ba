// SPDX-License-Identifier: MIT
//
// The interrupt controller in the peripheral controller of NeXT computers: 32 sources, each at a fixed level of the
// 68030 or 68040, a mask, and nothing latched: a source is pending for as long as its device asserts it.
//
// Sockets: `status` and `mask`, 32 bits each (at 0x0200_7000 and 0x0200_7800); inputs `in(n)`; `timerAtLevel7W` (SCR2);
// the output is three lines at once, so it is a function, `onIpl`.
//
//     level 7  31 keyboard NMI, 30 power failure; 29 timer while SCR2 says so
//     level 6  29 timer, 28-18 DMA: Ethernet out, in, SCSI, disk, printer, sound out, in, SCC, DSP, mem to reg, reg to mem
//     level 5  17 SCC, 16 remote, 15 bus
//     level 4  14 DSP
//     level 3  13 disk (or colour video), 12 SCSI, 11 printer, 10 Ethernet out, 9 in, 8 sound, 7 floppy, 6 DSP,
//              5 video, 4 monitor, 3 keyboard and mouse, 2 power
//     level 2  1 software    level 1  0 software
//
// Documents: none public; [Previous] sysReg.c and [NetBSD next68k] isr.h for numbers and levels.
// Not modelled: writing the status register, which nothing documented does.
import type { ChipContext } from '../../backplane/board.ts';
import type { AccessRules, BusTarget } from '../../backplane/bus.ts';
import { type Device, type PlainFields, type ResetKind, SavedFields } from '../../backplane/device.ts';

export const NEXT_INTERRUPT = {
  soft1: 0,
  soft2: 1,
  power: 2,
  keyMouse: 3,
  monitor: 4,
  video: 5,
  dspLevel3: 6,
  floppy: 7,
  sound: 8,
  enetRx: 9,
  enetTx: 10,
  printer: 11,
  scsi: 12,
  disk: 13,
  dspLevel4: 14,
  bus: 15,
  remote: 16,
  scc: 17,
  r2mDma: 18,
  m2rDma: 19,
  dspDma: 20,
  sccDma: 21,
  soundInDma: 22,
  soundOutDma: 23,
  printerDma: 24,
  diskDma: 25,
  scsiDma: 26,
  enetRxDma: 27,
  enetTxDma: 28,
  timer: 29,
  powerFail: 30,
  nmi: 31,
} as const;

/** Sources by level, the highest first. */
const LEVELS = [
  [7, 0xc000_0000],
  [6, 0x3ffc_0000],
  [5, 0x0003_8000],
  [4, 0x0000_4000],
  [3, 0x0000_3ffc],
  [2, 0x0000_0002],
  [1, 0x0000_0001],
] as const;

const TIMER = 1 << NEXT_INTERRUPT.timer;

const WORD: AccessRules = { valid: { min: 1, max: 4 }, impl: { min: 4, max: 4 }, byteOrder: 'big' };

export class NextInterrupts implements Device {
  readonly id: string;
  readonly status: BusTarget;
  readonly mask: BusTarget;
  /** What the interrupt controller asks of the processor, 0 to 7. Set by the board. */
  onIpl: (level: number) => void = () => {};
  /** What the inputs say now; not saved, they say it again. */
  #pending = 0;
  #mask = 0;
  #timerAtLevel7 = false;

  constructor(chip: ChipContext) {
    this.id = chip.id;
    this.status = {
      span: 4,
      access: WORD,
      read: () => this.#pending >>> 0,
      peek: () => this.#pending >>> 0,
      write: (_offset, _width, value) => chip.log.guest('write of %x to the interrupt status', value),
    };
    this.mask = {
      span: 4,
      access: WORD,
      read: () => this.#mask,
      peek: () => this.#mask,
      write: (_offset, _width, value) => {
        this.#mask = value;
        this.#update();
      },
    };
  }

  /** The input of source `n`, for one wire. */
  in(n: number): (level: boolean) => void {
    const bit = 1 << n;
    return (level) => {
      this.#pending = level ? this.#pending | bit : this.#pending & ~bit;
      this.#update();
    };
  }

  /** SCR2 raises the timer to the level that cannot be masked. */
  timerAtLevel7W(level: boolean): void {
    this.#timerAtLevel7 = level;
    this.#update();
  }

  reset(_kind: ResetKind): void {
    this.#mask = 0;
  }

  settle(): void {
    this.#update();
  }

  save(): PlainFields {
    return { mask: this.#mask };
  }

  restore(state: PlainFields): void {
    this.#mask = new SavedFields(this.id, state).u32('mask');
  }

  #update(): void {
    const active = this.#pending & this.#mask;
    const found = LEVELS.find(([, sources]) => (active & sources) !== 0);
    this.onIpl(this.#timerAtLevel7 && active & TIMER ? 7 : (found?.[0] ?? 0));
  }
}
