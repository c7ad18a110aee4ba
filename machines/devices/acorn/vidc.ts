// SPDX-License-Identifier: MIT
//
// Acorn VIDC1a (VL86C310), the Archimedes' video and sound controller: registers and timing. The picture is made in
// `vidc-picture.ts`, sound in `vidc-sound.ts`.
//
// Sockets: bus: one write-only register file whose address is in bits 31 to 24 of the data (span 2 MiB, at 0x340_0000);
// clock: its crystal (24 MHz unless the board has others); DMA through {@link Memc}. Wires out: `flyback`.
// Documents: [VL86C310], [ARC TRM].
// Not modelled: register changes within a frame (the picture has what the registers hold when it is looked at, except the
// DMA addresses, which are taken at the frame's start); interlace; test modes; genlock (the supremacy bit); external
// palettes (the high-resolution monochrome multiplexer of some boards).
import type { ChipContext } from '../../backplane/board.ts';
import type { AccessRules, BusTarget, Width } from '../../backplane/bus.ts';
import { SavedFields, type Device, type PlainFields, type ResetKind } from '../../backplane/device.ts';
import type { DeviceLog } from '../../backplane/log.ts';
import type { ClockDomain, Task } from '../../backplane/scheduler.ts';
import { Wire } from '../../backplane/wire.ts';
import { DMA_BYTES, type Memc } from './memc.ts';

/** Register addresses as in bits 31 to 26 of a write, times 4. */
export const VIDC = {
  palette: 0x00,
  border: 0x40,
  cursorPalette: 0x44,
  stereo: 0x60,
  hcr: 0x80,
  hswr: 0x84,
  hbsr: 0x88,
  hdsr: 0x8c,
  hder: 0x90,
  hber: 0x94,
  hcsr: 0x98,
  hir: 0x9c,
  vcr: 0xa0,
  vswr: 0xa4,
  vbsr: 0xa8,
  vdsr: 0xac,
  vder: 0xb0,
  vber: 0xb4,
  vcsr: 0xb8,
  vcer: 0xbc,
  soundFrequency: 0xc0,
  control: 0xe0,
} as const;

const REGISTERS = 0x40;
/** The crystal that sound periods are in microseconds of. */
const CRYSTAL_HZ = 24_000_000;
/** Base clock ticks of two pixels, by bits 1 and 0 of the control register: 8, 12, 16 and 24 MHz of a 24 MHz crystal. */
const TICKS_OF_TWO_PIXELS = [6, 4, 3, 2] as const;
/** Pixels from the start of sync that the display start and end registers do not count, by log2 of the depth. */
const DISPLAY_LATENCY = [19, 11, 7, 5] as const;
const CURSOR_LATENCY = 6;
/** Frames shorter than this many base clock ticks (1 ms) are not followed: no monitor does. */
const SHORTEST_FRAME = 24_000;

/** What the registers say about the picture; measured in pixels and lines from the start of sync. */
export interface VidcGeometry {
  /** log2 of the bits of a pixel, 0 to 3. */
  readonly depth: number;
  /** Bits 1 and 0 of the control register. */
  readonly pixelRate: number;
  readonly display: { readonly left: number; readonly right: number; readonly top: number; readonly bottom: number };
  readonly border: { readonly left: number; readonly right: number; readonly top: number; readonly bottom: number };
  readonly cursor: { readonly left: number; readonly top: number; readonly bottom: number };
}

export interface VidcOptions {
  readonly clock: ClockDomain;
  readonly memc: Memc;
  /** The first 512 KiB of memory. */
  readonly memory: Uint8Array;
  /** 16 bytes of sound are to be heard, each for `period` microseconds; `undefined`: silence. */
  readonly onSound?: (bytes: Uint8Array | undefined, period: number) => void;
}

export class Vidc implements BusTarget, Device {
  readonly id: string;
  readonly span = 0x20_0000;
  readonly access: AccessRules = {
    valid: { min: 1, max: 4 },
    impl: { min: 1, max: 4 },
    byteOrder: 'little',
    rawAddress: true,
  };
  /** From the end of the display to the start of the next. */
  readonly flyback: Wire;
  /** The 13-bit colours: 16 of the palette, the border, 3 of the cursor. */
  readonly colors = new Uint16Array(20);
  /** Stereo positions of the eight channels, 1 (left) to 7 (right). */
  readonly stereo = new Uint8Array(8);
  /** Counts every write that may change the picture. */
  changes = 0;

  readonly #log: DeviceLog;
  #clock: ClockDomain;
  readonly #memc: Memc;
  readonly #memory: Uint8Array;
  readonly #onSound: VidcOptions['onSound'];
  readonly #registers = new Uint32Array(REGISTERS);
  readonly #frameTask: Task;
  readonly #soundTask: Task;
  #inFlyback = true;
  #video = 0;
  #cursor = 0;

  constructor(chip: ChipContext, options: VidcOptions) {
    this.id = chip.id;
    this.#log = chip.log;
    this.#clock = options.clock;
    this.#memc = options.memc;
    this.#memory = options.memory;
    this.#onSound = options.onSound;
    this.flyback = new Wire(`${chip.id}.flybk`);
    this.#frameTask = chip.scheduler.task(`${chip.id}.frame`, () => this.#frameDue());
    this.#soundTask = chip.scheduler.task(`${chip.id}.sound`, () => this.#soundDue());
  }

  get clock(): ClockDomain {
    return this.#clock;
  }

  /** The board feeds another crystal; the frame goes on from its next event. */
  useClock(clock: ClockDomain): void {
    this.#clock = clock;
  }

  /** The horizontal sync output. */
  get hsync(): boolean {
    const width = (((this.#register(VIDC.hswr) >>> 14) & 0x3ff) + 1) * 2;
    return this.#clock.ticks % this.#lineTicks < (width * TICKS_OF_TWO_PIXELS[this.geometry.pixelRate]!) / 2;
  }

  /** Address of the first byte of the frame being shown, as taken from MEMC at its start. */
  get frameStart(): number {
    return this.#video;
  }

  /** Address of the cursor's image in the frame being shown. */
  get cursorStart(): number {
    return this.#cursor;
  }

  get geometry(): VidcGeometry {
    const control = this.#register(VIDC.control);
    const depth = (control >>> 2) & 3;
    const latency = DISPLAY_LATENCY[depth]!;
    const units = (register: number): number => (this.#register(register) >>> 14) & 0x3ff;
    return {
      depth,
      pixelRate: control & 3,
      display: {
        left: units(VIDC.hdsr) * 2 + latency,
        right: units(VIDC.hder) * 2 + latency,
        top: units(VIDC.vdsr) + 1,
        bottom: units(VIDC.vder) + 1,
      },
      border: {
        left: units(VIDC.hbsr) * 2 + 1,
        right: units(VIDC.hber) * 2 + 1,
        top: units(VIDC.vbsr) + 1,
        bottom: units(VIDC.vber) + 1,
      },
      cursor: {
        left: ((this.#register(VIDC.hcsr) >>> 13) & 0x7ff) + CURSOR_LATENCY,
        top: units(VIDC.vcsr) + 1,
        bottom: units(VIDC.vcer) + 1,
      },
    };
  }

  /** Microseconds (of a 24 MHz crystal) a sound byte is heard for. */
  get soundPeriod(): number {
    return (this.#register(VIDC.soundFrequency) & 0xff) + 2;
  }

  #register(address: number): number {
    return this.#registers[address >>> 2]!;
  }

  reset(kind: ResetKind): void {
    this.#frameTask.cancel();
    this.#soundTask.cancel();
    this.#inFlyback = true;
    this.changes++;
    if (kind === 'warm') return; // it has no reset pin
    this.#registers.fill(0);
    this.colors.fill(0);
    this.stereo.fill(0);
    this.#video = this.#cursor = 0;
  }

  settle(): void {
    this.flyback.set(this.#inFlyback);
    if (!this.#frameTask.scheduled) this.#frameTask.schedule(this.#clock.masterTicks(SHORTEST_FRAME));
    if (!this.#soundTask.scheduled) this.#soundTask.schedule(this.#soundTicks);
  }

  read(_offset: number, _width: Width): number {
    return 0;
  }

  peek(): number {
    return 0;
  }

  /** The register is named in the data; narrow stores put their byte on all lanes, which no software means. */
  write(_offset: number, width: Width, value: number): void {
    if (width !== 4) {
      this.#log.guest('a store of less than a word, value %x', value);
      return;
    }
    const address = (value >>> 24) & 0xfc;
    const data = value & 0xff_ffff;
    if (address < 0x50) {
      this.#change(this.colors, address >>> 2, data & 0x1fff);
    } else if (address >= 0x60 && address < 0x80) {
      // The first of the eight registers is channel 7's.
      this.stereo[((address >>> 2) - 1) & 7] = data & 7;
    } else if (address >= 0x80 && address < 0xc0) {
      this.#change(this.#registers, address >>> 2, data);
    } else if (address === VIDC.soundFrequency) {
      this.#registers[address >>> 2] = data;
    } else if (address === VIDC.control) {
      if (data & 0xc100) this.#log.unimp('test mode %x', data);
      if (data & 0x40) this.#log.unimp('interlace');
      this.#change(this.#registers, address >>> 2, data);
    } else {
      this.#log.guest('write of %x to a register that does not exist, %x', data, address);
    }
  }

  #change(file: Uint16Array | Uint32Array, index: number, value: number): void {
    if (file[index] === value) return;
    file[index] = value;
    this.changes++;
  }

  get #lineTicks(): number {
    const pixels = (((this.#register(VIDC.hcr) >>> 14) & 0x3ff) + 1) * 2;
    return (pixels * TICKS_OF_TWO_PIXELS[this.geometry.pixelRate]!) / 2;
  }

  /** The frame has two events: the display begins, the display ends. */
  #frameDue(): void {
    const { top, bottom } = this.geometry.display;
    const lines = ((this.#register(VIDC.vcr) >>> 14) & 0x3ff) + 1;
    const lineTicks = Math.max(this.#lineTicks, SHORTEST_FRAME / lines);
    const shown = bottom > top && bottom <= lines ? bottom - top : Math.max(1, lines >>> 1);
    this.#inFlyback = !this.#inFlyback;
    if (!this.#inFlyback) {
      const { init } = this.#memc.video;
      if (init !== this.#video || this.#memc.cursor !== this.#cursor) this.changes++;
      this.#video = init;
      this.#cursor = this.#memc.cursor;
    }
    const next = this.#inFlyback ? Math.max(1, lines - shown) : shown;
    this.#frameTask.schedule(this.#clock.masterTicks(Math.ceil(next * lineTicks)));
    this.flyback.set(this.#inFlyback);
  }

  /** 16 bytes are fetched at a time; a byte is heard for `soundPeriod` microseconds of the crystal. */
  get #soundTicks(): number {
    return this.#clock.masterTicks(this.soundPeriod * 24 * 16);
  }

  #soundDue(): void {
    this.#soundTask.schedule(this.#soundTicks);
    const at = this.#memc.sound();
    this.#onSound?.(
      at === undefined ? undefined : this.#memory.subarray(at, Math.min(at + 16, DMA_BYTES)),
      this.soundPeriod * (CRYSTAL_HZ / this.#clock.hz),
    );
  }

  save(): PlainFields {
    return {
      registers: this.#registers.slice(),
      colors: this.colors.slice(),
      stereo: this.stereo.slice(),
      inFlyback: this.#inFlyback,
      video: this.#video,
      cursor: this.#cursor,
      frame: this.#frameTask.remaining,
      sound: this.#soundTask.remaining,
    };
  }

  restore(state: PlainFields): void {
    const saved = new SavedFields(this.id, state);
    this.#registers.set(saved.words('registers', REGISTERS).map((word) => word & 0xff_ffff));
    const colors = state['colors'];
    this.colors.set(colors instanceof Uint16Array && colors.length === 20 ? colors : saved.words('colors', 20));
    this.stereo.set(saved.bytes('stereo', 8).map((position) => position & 7));
    this.#inFlyback = saved.bool('inFlyback');
    this.#video = saved.int('video', 0, DMA_BYTES - 16);
    this.#cursor = saved.int('cursor', 0, DMA_BYTES - 16);
    this.#frameTask.restore(saved.int('frame', -1, Number.MAX_SAFE_INTEGER));
    this.#soundTask.restore(saved.int('sound', -1, Number.MAX_SAFE_INTEGER));
    this.changes++;
  }
}
