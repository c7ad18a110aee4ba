// SPDX-License-Identifier: MIT
//
// Frame buffer of the goldfish virtual board: 16-bit pixels (565) in memory the kernel allocates, twice as high as the
// screen for panning.
//
// Sockets: span 0x1000, wire `irq`, guest RAM. Documents: [GOLDFISH] §V.
// Not modelled: rotation (logged); the base is taken at once, and told to be at the next vertical sync.
import type { ChipContext } from '../../backplane/board.ts';
import type { AccessRules, BusTarget, Width } from '../../backplane/bus.ts';
import { type Device, type PlainFields, type ResetKind, SavedFields } from '../../backplane/device.ts';
import { dirtyRows } from '../../backplane/dirty-rows.ts';
import type { Picture, Screen, ScreenMode, ScreenRect } from '../../backplane/host.ts';
import type { DeviceLog } from '../../backplane/log.ts';
import { type GuestMemory, type MemoryBlock, PAGE_BYTES } from '../../backplane/memory.ts';
import { pictureOf } from '../../backplane/pixels.ts';
import type { Scheduler, Task } from '../../backplane/scheduler.ts';
import { Wire } from '../../backplane/wire.ts';
import { goldfishAccess } from './goldfish.ts';

const GET_WIDTH = 0x00;
const GET_HEIGHT = 0x04;
const INT_STATUS = 0x08;
const INT_ENABLE = 0x0c;
const SET_BASE = 0x10;
const SET_ROTATION = 0x14;
const SET_BLANK = 0x18;
const GET_PHYS_WIDTH = 0x1c;
const GET_PHYS_HEIGHT = 0x20;
const GET_FORMAT = 0x24;
const INT_VSYNC = 1;
const INT_BASE_UPDATE_DONE = 2;
const FORMAT_RGB_565 = 4;
const FRAME_NS = 16_666_667;
/** Dots in a millimetre of a 160 dpi screen. */
const DOTS_PER_MM = 160 / 25.4;

export interface GoldfishFbOptions {
  readonly memory: GuestMemory;
  /** RAM, whose first byte is at physical address 0. */
  readonly ram: MemoryBlock;
  readonly width: number;
  readonly height: number;
}

export class GoldfishFb implements Device, BusTarget, Screen {
  readonly id: string;
  readonly span = 0x1000;
  readonly access: AccessRules = goldfishAccess('little');
  readonly irq: Wire;
  readonly #log: DeviceLog;
  readonly #scheduler: Scheduler;
  readonly #task: Task;
  readonly #options: GoldfishFbOptions;
  #status = 0;
  #enabled = 0;
  #base = 0;
  #set = false;
  #blank = false;
  #rotation = 0;
  #changed = true;
  /** The pages of RAM the frame is on. */
  #window: MemoryBlock | undefined;

  constructor(chip: ChipContext, options: GoldfishFbOptions) {
    this.id = chip.id;
    this.#log = chip.log;
    this.#scheduler = chip.scheduler;
    this.#options = options;
    this.irq = new Wire(`${chip.id}.irq`);
    this.#task = chip.scheduler.task(`${chip.id}.vsync`, () => this.#vsync());
  }

  mode(): ScreenMode | undefined {
    const { ram, width, height } = this.#options;
    const stride = width * 2;
    if (!this.#set || this.#blank || this.#base + stride * height > ram.size) return undefined;
    return { width, height, bpp: 16, stride, offset: ram.offset + this.#base, byteOrder: 'little' };
  }

  picture(): Picture | undefined {
    const mode = this.mode();
    return mode && pictureOf(mode, this.#options.memory.memory.buffer);
  }

  damage(): readonly ScreenRect[] {
    const { memory, width, height } = this.#options;
    const mode = this.mode();
    const pages = this.#window === undefined ? [] : memory.drainDirty(this.#window);
    const changed = this.#changed;
    this.#changed = false;
    if (changed) return [{ x: 0, y: 0, width: mode ? width : 0, height: mode ? height : 0 }];
    return mode === undefined || this.#window === undefined ? [] : dirtyRows(pages, mode, this.#window.offset);
  }

  #setBase(base: number): void {
    const { memory, ram, width, height } = this.#options;
    if (base + width * height * 2 > ram.size) this.#log.guest('frame at %x is not in RAM', base);
    this.#base = base;
    this.#set = true;
    this.#changed = true;
    const first = base - (base % PAGE_BYTES);
    const size = Math.ceil((base - first + width * height * 2) / PAGE_BYTES) * PAGE_BYTES;
    this.#window = first + size <= ram.size ? { ...ram, offset: ram.offset + first, size } : undefined;
    if (this.#window !== undefined) memory.track(this.#window);
  }

  read(offset: number, _width: Width): number {
    if (offset === INT_STATUS) {
      const status = this.#status & this.#enabled;
      this.#status &= ~status;
      this.irq.set(false);
      return status;
    }
    const value = this.peek(offset);
    if (value === undefined) this.#log.guest('read of no register, %x', offset);
    return value ?? 0;
  }

  peek(offset: number): number | undefined {
    const { width, height } = this.#options;
    switch (offset) {
      case GET_WIDTH:
        return width;
      case GET_HEIGHT:
        return height;
      case INT_STATUS:
        return this.#status & this.#enabled;
      case GET_PHYS_WIDTH:
        return Math.round(width / DOTS_PER_MM);
      case GET_PHYS_HEIGHT:
        return Math.round(height / DOTS_PER_MM);
      case GET_FORMAT:
        return FORMAT_RGB_565;
      default:
        return undefined;
    }
  }

  write(offset: number, _width: Width, value: number): void {
    switch (offset) {
      case INT_ENABLE:
        this.#enabled = value & (INT_VSYNC | INT_BASE_UPDATE_DONE);
        this.#update();
        return;
      case SET_BASE:
        this.#setBase(value >>> 0);
        this.#status &= ~INT_BASE_UPDATE_DONE;
        if (!this.#task.scheduled) this.#task.schedule(this.#scheduler.ns(FRAME_NS));
        return;
      case SET_ROTATION:
        if (value !== 0) this.#log.unimp('rotation %d', value);
        this.#rotation = value & 3;
        return;
      case SET_BLANK:
        this.#blank = value !== 0;
        this.#changed = true;
        return;
      default:
        this.#log.guest('write of %x to register %x', value, offset);
    }
  }

  /** Nobody waits for a vertical sync that is not enabled. */
  #vsync(): void {
    this.#status |= INT_VSYNC | INT_BASE_UPDATE_DONE;
    this.#update();
    if (this.#enabled & INT_VSYNC) this.#task.schedule(this.#scheduler.ns(FRAME_NS));
  }

  #update(): void {
    if (this.#enabled & INT_VSYNC && !this.#task.scheduled) this.#task.schedule(this.#scheduler.ns(FRAME_NS));
    this.irq.set((this.#status & this.#enabled) !== 0);
  }

  reset(_kind: ResetKind): void {
    this.#task.cancel();
    this.#status = this.#enabled = this.#base = this.#rotation = 0;
    this.#set = this.#blank = false;
    this.#window = undefined;
    this.#changed = true;
  }

  settle(): void {
    this.irq.set((this.#status & this.#enabled) !== 0);
  }

  save(): PlainFields {
    return {
      status: this.#status,
      enabled: this.#enabled,
      base: this.#base,
      set: this.#set,
      blank: this.#blank,
      rotation: this.#rotation,
      vsync: this.#task.remaining,
    };
  }

  restore(state: PlainFields): void {
    const saved = new SavedFields(this.id, state);
    this.#status = saved.int('status', 0, 3);
    this.#enabled = saved.int('enabled', 0, 3);
    const base = saved.u32('base');
    if (saved.bool('set')) this.#setBase(base);
    this.#blank = saved.bool('blank');
    this.#rotation = saved.int('rotation', 0, 3);
    this.#task.restore(saved.int('vsync', -1, Number.MAX_SAFE_INTEGER));
    this.#changed = true;
  }
}
