// SPDX-License-Identifier: MIT
//
// The picture of NeXT computers: 1120 by 832 pixels at 68 Hz, of two bits (four greys) or twelve (in sixteen; red, green
// and blue from the highest bits down), without any register.
//
// Sockets: `memory`, the video memory; `onFrame`, called at each vertical retrace; `brightness`, a register of 4 bytes (at
// 0x0201_0000) that goes to the display. It is a Screen.
//
// Lines are 1152 pixels apart, on Turbo machines 1120.
//
// Documents: none public; [Previous] fast_screen.c, video.c, [NetBSD next68k] nextdisplay.c.
// Not modelled: brightness does not change the picture.
import type { ChipContext } from '../../backplane/board.ts';
import { BYTE_REGISTERS, type BusTarget } from '../../backplane/bus.ts';
import { type Device, type PlainFields, type ResetKind, SavedFields } from '../../backplane/device.ts';
import { dirtyRows } from '../../backplane/dirty-rows.ts';
import type { Picture, Screen, ScreenMode, ScreenRect } from '../../backplane/host.ts';
import type { GuestMemory, MemoryBlock } from '../../backplane/memory.ts';
import { pictureOf } from '../../backplane/pixels.ts';
import type { Task } from '../../backplane/scheduler.ts';

const WIDTH = 1120;
const HEIGHT = 832;
const LINE_PIXELS = 1152;
const FRAME_HZ = 68;

const GREY_BYTES = 256 << 10;
const COLOR_BYTES = 2 << 20;
const GREYS = Uint8Array.from([255, 170, 85, 0].flatMap((level) => [level, level, level, 255]));

export interface NextVideoOptions {
  readonly color: boolean;
  readonly turbo?: boolean;
}

export class NextVideo implements Device, Screen {
  readonly id: string;
  readonly memory: MemoryBlock;
  readonly brightness: BusTarget;
  /** Vertical retrace. Set by the board. */
  onFrame: () => void = () => {};
  readonly #guest: GuestMemory;
  readonly #mode: ScreenMode;
  readonly #frame: Task;
  readonly #frameTicks: number;
  readonly #brightness = new Uint8Array(4);
  #shown = false;

  constructor(chip: ChipContext, guest: GuestMemory, options: NextVideoOptions) {
    this.id = chip.id;
    this.#guest = guest;
    this.memory = guest.allocate(`${chip.id} memory`, options.color ? COLOR_BYTES : GREY_BYTES);
    guest.track(this.memory);
    const bits = options.color ? 16 : 2;
    this.#mode = {
      width: WIDTH,
      height: HEIGHT,
      bpp: options.color ? 12 : 2,
      stride: ((options.turbo ? WIDTH : LINE_PIXELS) * bits) / 8,
      offset: this.memory.offset,
      byteOrder: 'big',
      ...(!options.color && { palette: GREYS }),
    };
    this.#frameTicks = Math.round(chip.scheduler.masterHz / FRAME_HZ);
    this.#frame = chip.scheduler.task(`${chip.id}.frame`, (late) => {
      this.#frame.schedule(Math.max(1, this.#frameTicks - late));
      this.onFrame();
    });
    this.brightness = {
      span: 4,
      access: BYTE_REGISTERS,
      read: (offset) => this.#brightness[offset]!,
      peek: (offset) => this.#brightness[offset]!,
      write: (offset, _width, value) => {
        this.#brightness[offset] = value;
      },
    };
  }

  mode(): ScreenMode {
    return this.#mode;
  }

  picture(): Picture {
    return pictureOf(this.#mode, this.#guest.memory.buffer);
  }

  damage(): readonly ScreenRect[] {
    const pages = this.#guest.drainDirty(this.memory);
    if (this.#shown) return dirtyRows(pages, this.#mode, this.memory.offset);
    this.#shown = true;
    return [{ x: 0, y: 0, width: WIDTH, height: HEIGHT }];
  }

  reset(kind: ResetKind): void {
    this.#brightness.fill(0);
    this.#shown = false;
    this.#frame.cancel();
    if (kind !== 'snapshot') this.#frame.schedule(this.#frameTicks);
  }

  settle(): void {}

  save(): PlainFields {
    return { brightness: this.#brightness.slice(), frameIn: this.#frame.remaining };
  }

  restore(state: PlainFields): void {
    const saved = new SavedFields(this.id, state);
    this.#brightness.set(saved.bytes('brightness', 4));
    this.#frame.restore(saved.int('frameIn', -1, Number.MAX_SAFE_INTEGER));
    this.#shown = false;
  }
}
