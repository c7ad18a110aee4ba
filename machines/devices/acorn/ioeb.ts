// SPDX-License-Identifier: MIT
//
// Acorn IOEB, the I/O extension block of the A5000 and its successors: video clock, monitor type, identity.
//
// Sockets: bus: words, the register in bits 7 to 3 of the address, its byte in the low byte (span 0x100): 0x48 video
// control (write), 0x50 identity, 0x70 monitor (read), 0x78 joysticks (A3010). `monitor`: the four ID lines as the
// monitor's cable has them. Wires out: `clock0`, `clock1` (the video clock selected), `hsyncInvert`, `vsyncInvert`.
// Documents: [ARC TRM] for what it replaces; its registers as [Arculator] lists them.
// Not modelled: joysticks (only the A3010 has them: the port reads 0xff); the ID0 line some monitors connect to their
// horizontal sync is given by `hsync`, which answers with the level of the moment.
import type { ChipContext } from '../../backplane/board.ts';
import type { AccessRules, BusTarget, Width } from '../../backplane/bus.ts';
import { SavedFields, type Device, type PlainFields, type ResetKind } from '../../backplane/device.ts';
import type { DeviceLog } from '../../backplane/log.ts';
import { Wire } from '../../backplane/wire.ts';

const VIDEO_CONTROL = 0x48;
const IDENTITY = 0x50;
const MONITOR = 0x70;
const JOYSTICK = 0x78;

const IDENTITY_IOEB = 0x05;
const CLOCK = 0x03;
const INVERT_HSYNC = 0x04;
const INVERT_VSYNC = 0x08;

export interface IoebOptions {
  /** Levels of ID3 to ID0 without sync. */
  readonly monitor: number;
  /** ID lines that follow the horizontal sync. */
  readonly syncLines: number;
  /** The horizontal sync output now. */
  readonly hsync: () => boolean;
}

export class Ioeb implements BusTarget, Device {
  readonly id: string;
  readonly span = 0x100;
  readonly access: AccessRules = { valid: { min: 1, max: 4 }, impl: { min: 1, max: 4 }, byteOrder: 'little' };
  readonly clock0: Wire;
  readonly clock1: Wire;
  readonly hsyncInvert: Wire;
  readonly vsyncInvert: Wire;
  readonly #log: DeviceLog;
  readonly #options: IoebOptions;
  #video = 0;

  constructor(chip: ChipContext, options: IoebOptions) {
    this.id = chip.id;
    this.#log = chip.log;
    this.#options = options;
    this.clock0 = new Wire(`${chip.id}.clk0`);
    this.clock1 = new Wire(`${chip.id}.clk1`);
    this.hsyncInvert = new Wire(`${chip.id}.hsinv`);
    this.vsyncInvert = new Wire(`${chip.id}.vsinv`);
  }

  reset(_kind: ResetKind): void {
    this.#video = 0;
  }

  settle(): void {
    this.clock0.set((this.#video & 1) !== 0);
    this.clock1.set((this.#video & 2) !== 0);
    this.hsyncInvert.set((this.#video & INVERT_HSYNC) !== 0);
    this.vsyncInvert.set((this.#video & INVERT_VSYNC) !== 0);
  }

  read(offset: number, _width: Width): number {
    return this.peek(offset);
  }

  peek(offset: number): number {
    switch (offset & 0xf8) {
      case IDENTITY:
        return IDENTITY_IOEB;
      case MONITOR: {
        const { monitor, syncLines, hsync } = this.#options;
        const high = hsync() !== ((this.#video & INVERT_HSYNC) !== 0);
        return (high ? monitor | syncLines : monitor & ~syncLines) & 0x0f;
      }
      case JOYSTICK:
      default:
        return 0xff;
    }
  }

  write(offset: number, _width: Width, value: number): void {
    if ((offset & 0xf8) !== VIDEO_CONTROL) {
      this.#log.guest('write of %x to no register, %x', value, offset);
      return;
    }
    this.#video = value & (CLOCK | INVERT_HSYNC | INVERT_VSYNC);
    this.settle();
  }

  save(): PlainFields {
    return { video: this.#video };
  }

  restore(state: PlainFields): void {
    this.#video = new SavedFields(this.id, state).int('video', 0, 0x0f);
  }
}
