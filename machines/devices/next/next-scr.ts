// SPDX-License-Identifier: MIT
//
// System control registers 1 and 2 and the slot register of NeXT computers.
//
// Sockets: `scr1` (at 0x0200_c000, what board this is), `slot` (0x0200_c800), `scr2` (0x0200_d000); wires for every
// function of SCR2; a serial clock chip on RTCE, RTCLK and RTDATA.
//
//     SCR1  31-28 slot   23-16 DMA chip revision   15-12 board   11-8 revision   7-6 video memory, 5-4 memory, 1-0 CPU speed
//     SCR2  31 DSP out of reset   30 interrupt the DSP at the end of a DMA block   29 DSP DMA unpacked   28, 27 DSP modes
//           25, 24 software interrupts   23-20 256 Kbit, 19-16 1 Mbit DRAM per bank   15 timer at level 7
//           14-12 ROM wait states   11 1 Mbit ROM   10 RTDATA   9 RTCLK   8 RTCE
//           7 local bus only where the ROM was (overlay off)   6 DSP interrupts at level 4   5 DSP memory   0 LED
//
// Documents: none public; [Previous] sysReg.c, [NetBSD next68k] scr.h.
// Not modelled: DRAM type and wait state fields have no effect.
import type { ChipContext } from '../../backplane/board.ts';
import type { AccessRules, BusTarget } from '../../backplane/bus.ts';
import { type Device, type PlainFields, type ResetKind, SavedFields } from '../../backplane/device.ts';
import { Wire } from '../../backplane/wire.ts';

/** A clock chip on three lines; data are exchanged at the falling edge of the clock. */
export interface SerialClockChip {
  selectW(level: boolean): void;
  /** A falling edge with what is on the data line; gives what is there afterwards. */
  clock(data: boolean): boolean;
}

const DSP_RUN = 0x8000_0000;
const DSP_BLOCK_END = 0x4000_0000;
const DSP_UNPACKED = 0x2000_0000;
const DSP_MODE_B = 0x1000_0000;
const DSP_MODE_A = 0x0800_0000;
const SOFT_INT_2 = 0x0200_0000;
const SOFT_INT_1 = 0x0100_0000;
const TIMER_IPL7 = 0x0000_8000;
const RTDATA = 0x0000_0400;
const RTCLK = 0x0000_0200;
const RTCE = 0x0000_0100;
const ROM_OVERLAY = 0x0000_0080;
const DSP_INT_LEVEL4 = 0x0000_0040;
const DSP_MEMORY = 0x0000_0020;
const LED = 0x0000_0001;

const WORD: AccessRules = { valid: { min: 1, max: 4 }, impl: { min: 4, max: 4 }, byteOrder: 'big' };

export interface NextScrOptions {
  readonly scr1: number;
  readonly scr2: number;
  readonly slot: number;
  readonly clock: SerialClockChip;
}

export class NextScr implements Device {
  readonly id: string;
  readonly scr1: BusTarget;
  readonly scr2: BusTarget;
  readonly slot: BusTarget;
  readonly dspRun: Wire;
  readonly dspBlockEnd: Wire;
  readonly dspUnpacked: Wire;
  readonly dspModeA: Wire;
  readonly dspModeB: Wire;
  readonly dspIntLevel4: Wire;
  readonly dspMemory: Wire;
  readonly softInt1: Wire;
  readonly softInt2: Wire;
  readonly timerIpl7: Wire;
  readonly romOverlay: Wire;
  readonly led: Wire;
  readonly #options: NextScrOptions;
  #scr2 = 0;

  constructor(chip: ChipContext, options: NextScrOptions) {
    const { id, log } = chip;
    this.id = id;
    this.#options = options;
    const constant = (name: string, value: number): BusTarget => ({
      span: 4,
      access: WORD,
      read: () => value,
      peek: () => value,
      write: (_offset, _width, written) => log.guest(`write of %x to ${name}`, written),
    });
    this.scr1 = constant('SCR1', options.scr1);
    this.slot = constant('the slot register', options.slot);
    this.scr2 = {
      span: 4,
      access: WORD,
      read: () => this.#scr2,
      peek: () => this.#scr2,
      write: (_offset, _width, value) => this.#write(value),
    };
    const wire = (name: string): Wire => new Wire(`${id}.${name}`);
    this.dspRun = wire('dsp-run');
    this.dspBlockEnd = wire('dsp-block-end');
    this.dspUnpacked = wire('dsp-unpacked');
    this.dspModeA = wire('dsp-mode-a');
    this.dspModeB = wire('dsp-mode-b');
    this.dspIntLevel4 = wire('dsp-int-level-4');
    this.dspMemory = wire('dsp-memory');
    this.softInt1 = wire('soft-int-1');
    this.softInt2 = wire('soft-int-2');
    this.timerIpl7 = wire('timer-ipl7');
    this.romOverlay = wire('rom-overlay');
    this.led = wire('led');
  }

  reset(_kind: ResetKind): void {
    this.#scr2 = this.#options.scr2 >>> 0;
  }

  settle(): void {
    this.#update();
  }

  save(): PlainFields {
    return { scr2: this.#scr2 };
  }

  restore(state: PlainFields): void {
    this.#scr2 = new SavedFields(this.id, state).u32('scr2');
  }

  #write(value: number): void {
    const { clock } = this.#options;
    const old = this.#scr2;
    if ((value ^ old) & RTCE) clock.selectW((value & RTCE) !== 0);
    if (value & RTCE && old & ~value & RTCLK) {
      const data = clock.clock((value & RTDATA) !== 0);
      value = data ? value | RTDATA : value & ~RTDATA;
    }
    this.#scr2 = value >>> 0;
    this.#update();
  }

  #update(): void {
    const drive = (wire: Wire, bit: number): void => wire.set((this.#scr2 & bit) !== 0);
    drive(this.dspModeA, DSP_MODE_A);
    drive(this.dspModeB, DSP_MODE_B);
    drive(this.dspBlockEnd, DSP_BLOCK_END);
    drive(this.dspUnpacked, DSP_UNPACKED);
    drive(this.dspIntLevel4, DSP_INT_LEVEL4);
    drive(this.dspMemory, DSP_MEMORY);
    drive(this.dspRun, DSP_RUN);
    drive(this.softInt1, SOFT_INT_1);
    drive(this.softInt2, SOFT_INT_2);
    drive(this.timerIpl7, TIMER_IPL7);
    drive(this.romOverlay, ROM_OVERLAY);
    drive(this.led, LED);
  }
}
