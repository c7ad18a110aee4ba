// SPDX-License-Identifier: MIT
//
// TMC, the memory controller of the Turbo NeXT computers, with the timing of the picture and an Apple Desktop Bus.
//
// Sockets: `registers`, span 0x90 (at 0x0220_0000); `adb`, span 0x100 (at 0x0220_8000); `frame`; wires `videoIrq` and
// `adbIrq`; `busError` for registers that are not there.
//
//     0x00 SCR1 (read)   0x10 control   0x80 video interrupt (in the first byte: 1 mask, 0 pending; writing 1 clears it)
//     0x88 horizontal and 0x8c vertical timing: 31-25 front porch  24-19 sync  18-12 back porch  11-0 displayed
//     adb: 0x00 interrupts  0x08 mask  0x10 set interrupts  0x18 configuration  0x20 control  0x28 status  0x30 command
//          0x38 bits  0x80, 0x88 data
//
// Documents: none public; [Previous] tmc.c, adb.c.
// Not modelled: parity memory; devices on the ADB: every command ends with a time-out. The timing registers do not change
// the picture.
import type { ChipContext } from '../../backplane/board.ts';
import type { AccessRules, BusTarget } from '../../backplane/bus.ts';
import { type Device, type PlainFields, type ResetKind, SavedFields } from '../../backplane/device.ts';
import type { DeviceLog } from '../../backplane/log.ts';
import { Wire } from '../../backplane/wire.ts';

const SCR1 = 0x00;
const CONTROL = 0x10;
const VIDEO_INTERRUPT = 0x80;
const HORIZONTAL = 0x88;
const VERTICAL = 0x8c;
const SPAN = 0x90;

const CONTROL_RESET = 0x0d17_038f;
const CONTROL_PARITY = 0x0000_0400;
const HORIZONTAL_RESET = ((0x18 << 25) | (0x20 << 19) | (0x48 << 12) | 0x118) >>> 0;
const VERTICAL_RESET = ((0x08 << 25) | (0x08 << 19) | (0x30 << 12) | 0x340) >>> 0;

const VIDEO_PENDING = 0x0100_0000;
const VIDEO_MASK = 0x0200_0000;

const ADB_INTERRUPTS = 0x00;
const ADB_MASK = 0x08;
const ADB_SET = 0x10;
const ADB_CONTROL = 0x20;
const ADB_STATUS = 0x28;
/** Registers that only hold what is written. */
const ADB_HELD = [0x18, 0x30, 0x38, 0x80, 0x88] as const;
const ADB_SPAN = 0x100;

const INT_REJECT = 0x01;
const INT_ACCESS = 0x04;
const INT_RESET = 0x08;
const CTL_ENABLE_POLL = 0x01;
const CTL_DISABLE_POLL = 0x02;
const CTL_TRANSMIT = 0x04;
const CTL_RESET = 0x08;
const ST_TIMEOUT = 0x04;
const ST_POLLING = 0x40;

const WORD: AccessRules = { valid: { min: 1, max: 4 }, impl: { min: 4, max: 4 }, byteOrder: 'big' };

export interface NextTmcOptions {
  readonly scr1: number;
  readonly busError: () => void;
}

export class NextTmc implements Device {
  readonly id: string;
  readonly registers: BusTarget;
  readonly adb: BusTarget;
  readonly videoIrq: Wire;
  readonly adbIrq: Wire;
  readonly #log: DeviceLog;
  readonly #options: NextTmcOptions;
  #control = CONTROL_RESET;
  #horizontal = HORIZONTAL_RESET;
  #vertical = VERTICAL_RESET;
  #video = 0;
  #adbInterrupts = 0;
  #adbMask = 0;
  #adbStatus = 0;
  readonly #adbHeld = new Uint32Array(ADB_HELD.length);

  constructor(chip: ChipContext, options: NextTmcOptions) {
    this.id = chip.id;
    this.#log = chip.log;
    this.#options = options;
    this.videoIrq = new Wire(`${chip.id}.video-irq`);
    this.adbIrq = new Wire(`${chip.id}.adb-irq`);
    this.registers = {
      span: SPAN,
      access: WORD,
      read: (offset) => this.#read(offset),
      peek: (offset) => this.#read(offset),
      write: (offset, _width, value) => this.#write(offset, value),
    };
    this.adb = {
      span: ADB_SPAN,
      access: WORD,
      read: (offset) => {
        const value = this.#adbValue(offset);
        if (value === undefined) options.busError();
        return value ?? 0;
      },
      peek: (offset) => this.#adbValue(offset),
      write: (offset, _width, value) => this.#writeAdb(offset, value),
    };
  }

  /** The vertical retrace. */
  frame(): void {
    if (this.#video & VIDEO_MASK) this.#video |= VIDEO_PENDING;
    this.#update();
  }

  #read(offset: number): number {
    switch (offset) {
      case SCR1:
        return this.#options.scr1;
      case CONTROL:
        return this.#control;
      case VIDEO_INTERRUPT:
        return this.#video;
      case HORIZONTAL:
        return this.#horizontal;
      case VERTICAL:
        return this.#vertical;
      default:
        return 0;
    }
  }

  #write(offset: number, value: number): void {
    switch (offset) {
      case CONTROL:
        this.#control = (value & ~CONTROL_PARITY) >>> 0;
        break;
      case VIDEO_INTERRUPT:
        this.#video = (value & VIDEO_MASK) | (value & VIDEO_PENDING ? 0 : this.#video & VIDEO_PENDING);
        break;
      case HORIZONTAL:
        this.#horizontal = value;
        break;
      case VERTICAL:
        this.#vertical = value;
        break;
      default:
        this.#log.unimp('write of %x to register %x', value, offset);
    }
    this.#update();
  }

  #adbValue(offset: number): number | undefined {
    switch (offset) {
      case ADB_INTERRUPTS:
        return this.#adbInterrupts;
      case ADB_MASK:
        return this.#adbMask;
      case ADB_STATUS:
        return this.#adbStatus;
      default: {
        const held = ADB_HELD.findIndex((one) => one === offset);
        return held < 0 ? undefined : this.#adbHeld[held];
      }
    }
  }

  #writeAdb(offset: number, value: number): void {
    switch (offset) {
      case ADB_INTERRUPTS:
        this.#adbInterrupts &= ~value;
        break;
      case ADB_MASK:
        this.#adbMask = value;
        break;
      case ADB_SET:
        this.#adbInterrupts |= value & 0xff;
        break;
      case ADB_CONTROL:
        this.#adbCommand(value);
        break;
      default: {
        const held = ADB_HELD.findIndex((one) => one === offset);
        if (held < 0) this.#options.busError();
        else this.#adbHeld[held] = value;
      }
    }
    this.#update();
  }

  #adbCommand(value: number): void {
    if (value & CTL_RESET) {
      this.#adbStatus &= ~ST_POLLING;
      this.#adbInterrupts |= INT_RESET;
    }
    if (value & CTL_TRANSMIT) {
      this.#adbStatus |= ST_TIMEOUT;
      this.#adbInterrupts |= INT_ACCESS;
    }
    if (value & CTL_DISABLE_POLL) this.#adbStatus &= ~ST_POLLING;
    if (value & CTL_ENABLE_POLL) {
      if (this.#adbStatus & ST_POLLING) this.#adbInterrupts |= INT_REJECT;
      this.#adbStatus |= ST_POLLING;
    }
  }

  #update(): void {
    this.videoIrq.set((this.#video & VIDEO_PENDING) !== 0);
    this.adbIrq.set((this.#adbInterrupts & this.#adbMask) !== 0);
  }

  reset(_kind: ResetKind): void {
    this.#control = CONTROL_RESET;
    this.#horizontal = HORIZONTAL_RESET;
    this.#vertical = VERTICAL_RESET;
    this.#video = this.#adbInterrupts = this.#adbMask = this.#adbStatus = 0;
    this.#adbHeld.fill(0);
  }

  settle(): void {
    this.#update();
  }

  save(): PlainFields {
    return {
      control: this.#control,
      horizontal: this.#horizontal,
      vertical: this.#vertical,
      video: this.#video,
      adbInterrupts: this.#adbInterrupts,
      adbMask: this.#adbMask,
      adbStatus: this.#adbStatus,
      adbHeld: this.#adbHeld.slice(),
    };
  }

  restore(state: PlainFields): void {
    const saved = new SavedFields(this.id, state);
    this.#control = saved.u32('control');
    this.#horizontal = saved.u32('horizontal');
    this.#vertical = saved.u32('vertical');
    this.#video = saved.u32('video') & (VIDEO_MASK | VIDEO_PENDING);
    this.#adbInterrupts = saved.u8('adbInterrupts');
    this.#adbMask = saved.u32('adbMask');
    this.#adbStatus = saved.u8('adbStatus');
    this.#adbHeld.set(saved.words('adbHeld', ADB_HELD.length));
  }
}
