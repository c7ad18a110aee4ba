// SPDX-License-Identifier: MIT
//
// DAFB as the djMEMC has it: frame buffer controller with the "Swatch" timing generator, beside it the AC842a RAMDAC
// and the DP8534 clock generator, and the monitor on its sense lines. 1, 2, 4, 8, 16 (15) or 32 bits a pixel.
//
// Sockets: `vram` (memory, at 0xf900_0000; repeats in 2 MiB), span 0x400 (at 0xf980_0000; 32-bit registers of 12 bits:
// 0x000 DAFB, 0x100 Swatch, 0x200 RAMDAC, 0x300 clock generator), `irq` (frame and line interrupts). It is a Screen.
// Documents: [DAFB-NOTES], [HW26] (monitor sense codes), [Q800-NOTE] in docs/references.md.
// Not modelled: interlacing and convolution (this version cannot do the latter); serration and equalizing pulses; the
// display in the middle of a frame; block writes; video RAM timing.
import type { ChipContext } from '../../backplane/board.ts';
import type { AccessRules, BusTarget, Width } from '../../backplane/bus.ts';
import { type Device, type PlainFields, type ResetKind, SavedFields } from '../../backplane/device.ts';
import { dirtyRows } from '../../backplane/dirty-rows.ts';
import type { Picture, Screen, ScreenMode, ScreenRect } from '../../backplane/host.ts';
import type { DeviceLog } from '../../backplane/log.ts';
import type { GuestMemory, MemoryBlock } from '../../backplane/memory.ts';
import { lineBytesOf, pictureOf } from '../../backplane/pixels.ts';
import type { Scheduler, Task } from '../../backplane/scheduler.ts';
import { Wire } from '../../backplane/wire.ts';
import { Ac842a } from './ac842a.ts';
import { Dp8534 } from './dp8534.ts';
import { type MacMonitor, monitorSense } from './mac-monitor.ts';

// DAFB
const BASE_HIGH = 0x00; // bits 20-9
const BASE_LOW = 0x04; // bits 8-5
const STRIDE = 0x08; // 32-bit words
const SENSE = 0x1c; // read: lines that are low; write: lines to leave alone
const RESET = 0x20;
const TEST = 0x2c; // read: version in bits 11-9
const DAFB_REGISTERS = 12;
const VERSION = 3;

// Swatch, from 0x100 on
const SWATCH_MODE = 0x100; // bit 0: screen off
const INT_ENABLE = 0x104;
const INT_STATUS = 0x108;
const CLEAR_CURSOR = 0x10c;
const CLEAR_ANIMATION = 0x110;
const CLEAR_VBL = 0x114;
const CURSOR_LINE = 0x118;
const ANIMATION_LINE = 0x11c;
const HAL = 0x140; // start of the active line
const HFP = 0x144; // its end
const HPIX = 0x148; // length of a line, less 2
const VHLINE = 0x14c; // half-lines of a frame
const VAL = 0x15c; // first active half-line
const VFP = 0x160; // after the last one
const SWATCH_REGISTERS = 30;

const INT_VBL = 1;
const INT_ANIMATION = 2;
const INT_CURSOR = 4;
const REGISTER_BITS = 0xfff;

/** However a guest programs the timing, frames are no shorter. */
const MOST_FRAMES_PER_SECOND = 500;
/** Timing of a screen that is not set up. */
const DEFAULT_TIMING = { lines: 525, active: 480, ticks: 525 * 864 };

// What setUp programs.
const PCBR0 = 0x20;
const PCBR0_8_BITS = 0x18;
const SWATCH_ON = 0xff2;
const BACK_PORCH = 0x98;
const HORIZONTAL_BLANKING = 224;
const VERTICAL_BLANKING = 45;
const FRAMES_PER_SECOND = 67;

export interface DafbOptions {
  /** 0.5, 1 or 2 MiB. */
  readonly vramBytes?: number;
  readonly monitor?: MacMonitor;
}

/** An interrupt at a line of every frame. */
interface LineInterrupt {
  readonly bit: number;
  readonly task: Task;
  line(): number;
}

export class Dafb implements Device, BusTarget, Screen {
  readonly id: string;
  readonly span = 0x400;
  readonly access: AccessRules = { valid: { min: 1, max: 4 }, impl: { min: 4, max: 4 }, byteOrder: 'big' };
  readonly vram: MemoryBlock;
  readonly irq: Wire;
  readonly #log: DeviceLog;
  readonly #scheduler: Scheduler;
  readonly #memory: GuestMemory;
  readonly #monitor: MacMonitor;
  readonly #ramdac: Ac842a;
  readonly #clock = new Dp8534();
  readonly #interrupts: readonly LineInterrupt[];
  readonly #dafb = new Uint32Array(DAFB_REGISTERS);
  readonly #swatch = new Uint32Array(SWATCH_REGISTERS);
  #status = 0;
  /** Master tick at which a frame began, and how long frames and lines are. */
  #frameStart = 0;
  #frameTicks = 1;
  #lines = 1;
  #activeLines = 1;
  /** Counts changes of what pixels look like or where they are; what of it `damage` has told. */
  #changes = 0;
  #reported = -1;
  #wasShown = false;

  constructor(context: ChipContext, memory: GuestMemory, options: DafbOptions = {}) {
    this.id = context.id;
    this.#log = context.log;
    this.#scheduler = context.scheduler;
    this.#memory = memory;
    this.#monitor = options.monitor ?? '13-inch';
    this.#ramdac = new Ac842a(monitorSense(this.#monitor).monochrome);
    this.vram = memory.allocate(`${context.id} memory`, options.vramBytes ?? 1 << 20);
    memory.track(this.vram);
    this.irq = new Wire(`${context.id}.irq`);
    const interrupt = (name: string, bit: number, line: () => number): LineInterrupt => {
      const task = context.scheduler.task(`${context.id}.${name}`, () => {
        this.#status |= bit;
        this.irq.set(true);
        this.#scheduleInterrupts();
      });
      return { bit, task, line };
    };
    this.#interrupts = [
      interrupt('vbl', INT_VBL, () => this.#activeLines),
      interrupt('animation', INT_ANIMATION, () => this.#swatchAt(ANIMATION_LINE)),
      interrupt('cursor', INT_CURSOR, () => this.#swatchAt(CURSOR_LINE)),
    ];
    this.#retime();
  }

  // ---- registers --------------------------------------------------------------------------------------------------

  read(offset: number, _width: Width): number {
    if (offset === CLEAR_CURSOR || offset === CLEAR_ANIMATION || offset === CLEAR_VBL) this.#clear(offset);
    if (offset >= 0x200 && offset < 0x300) return this.#ramdac.read(offset & 0xff, false);
    return this.peek(offset);
  }

  peek(offset: number): number {
    offset &= ~3;
    if (offset >= 0x300) return 0;
    if (offset >= 0x200) return this.#ramdac.read(offset & 0xff, true);
    if (offset >= 0x100) return offset === INT_STATUS ? this.#status : this.#swatchAt(offset);
    switch (offset) {
      case SENSE:
        return ~monitorSense(this.#monitor).lines(~this.#dafb[SENSE / 4]! & 7) & 7;
      case TEST:
        return (this.#dafb[TEST / 4]! & 0x1ff) | (VERSION << 9);
      default:
        return this.#dafb[offset / 4] ?? 0;
    }
  }

  write(offset: number, _width: Width, value: number): void {
    value &= REGISTER_BITS;
    if (offset >= 0x300) {
      if (this.#clock.write(offset & 0xff, value)) this.#retime();
    } else if (offset >= 0x200) {
      if (this.#ramdac.write(offset & 0xff, value)) this.#changes++;
      if ((offset & 0xff) === 0x20) this.#retime();
    } else if (offset >= 0x100) {
      this.#writeSwatch(offset, value);
    } else if (offset / 4 < DAFB_REGISTERS) {
      this.#dafb[offset / 4] = value;
      if (offset === BASE_HIGH || offset === BASE_LOW || offset === STRIDE) this.#changes++;
      if (offset === RESET) this.#ramdac.read(0, false);
    } else {
      this.#log.unimp('write of %x to register %x', value, offset);
    }
  }

  #writeSwatch(offset: number, value: number): void {
    const index = (offset - 0x100) / 4;
    if (index >= SWATCH_REGISTERS) {
      this.#log.unimp('write of %x to register %x', value, offset);
      return;
    }
    switch (offset) {
      case CLEAR_CURSOR:
      case CLEAR_ANIMATION:
      case CLEAR_VBL:
        this.#clear(offset);
        return;
      case INT_STATUS:
        return; // read only
    }
    const changed = this.#swatch[index] !== value;
    this.#swatch[index] = value;
    switch (offset) {
      case INT_ENABLE:
        this.#status &= value;
        this.irq.set(this.#status !== 0);
        this.#scheduleInterrupts();
        return;
      case SWATCH_MODE:
        this.#changes++;
        return;
    }
    if (changed) this.#retime();
  }

  #clear(offset: number): void {
    const bit = offset === CLEAR_VBL ? INT_VBL : offset === CLEAR_CURSOR ? INT_CURSOR : INT_ANIMATION;
    this.#status &= ~bit;
    this.irq.set(this.#status !== 0);
  }

  #swatchAt(offset: number): number {
    return this.#swatch[(offset - 0x100) / 4] ?? 0;
  }

  // ---- timing -----------------------------------------------------------------------------------------------------

  /** Takes over changed timing: a new frame begins. */
  #retime(): void {
    const perLine = (this.#swatchAt(HPIX) + 2) * this.#ramdac.clockDivider;
    const lines = this.#swatchAt(VHLINE) >>> 1;
    const setUp = this.#swatchAt(HPIX) > 0 && lines > 0;
    const pixels = setUp ? perLine * lines : DEFAULT_TIMING.ticks;
    this.#lines = setUp ? lines : DEFAULT_TIMING.lines;
    this.#activeLines = setUp ? Math.min(this.#swatchAt(VFP) >>> 1, lines - 1) : DEFAULT_TIMING.active;
    const { masterHz, now } = this.#scheduler;
    const shortest = Math.ceil(masterHz / MOST_FRAMES_PER_SECOND);
    this.#frameTicks = Math.max(shortest, Math.round((pixels * masterHz) / this.#clock.pixelHz));
    this.#frameStart = now;
    this.#changes++;
    this.#scheduleInterrupts();
  }

  #scheduleInterrupts(): void {
    for (const { bit, task, line } of this.#interrupts) {
      if (!(this.#swatchAt(INT_ENABLE) & bit)) task.cancel();
      else task.schedule(this.#ticksToLine(line()));
    }
  }

  /** Master ticks until the given line begins, at least 1. */
  #ticksToLine(line: number): number {
    const at = Math.floor(((line % this.#lines) * this.#frameTicks) / this.#lines);
    const elapsed = (this.#scheduler.now - this.#frameStart) % this.#frameTicks;
    return at > elapsed ? at - elapsed : at + this.#frameTicks - elapsed;
  }

  /** Shows the whole of the monitor with 8 bits a pixel from the beginning of the video memory, as a ROM's driver would. */
  setUp(): void {
    const { width, height } = monitorSense(this.#monitor);
    const set = (offset: number, value: number): void => this.write(offset, 4, value);
    this.#ramdac.reset();
    set(BASE_HIGH, 0);
    set(BASE_LOW, 0);
    set(STRIDE, Math.max(1024, width) / 4);
    set(0x200 + PCBR0, PCBR0_8_BITS);
    set(HAL, BACK_PORCH);
    set(HFP, BACK_PORCH + width);
    set(HPIX, width + HORIZONTAL_BLANKING - 2);
    set(VAL, 2 * VERTICAL_BLANKING - 8);
    set(VFP, 2 * (height + VERTICAL_BLANKING) - 8);
    set(VHLINE, 2 * (height + VERTICAL_BLANKING));
    this.#clock.setUp((width + HORIZONTAL_BLANKING) * (height + VERTICAL_BLANKING) * FRAMES_PER_SECOND);
    set(SWATCH_MODE, SWATCH_ON);
    this.#retime();
  }

  // ---- Screen -----------------------------------------------------------------------------------------------------

  picture(): Picture | undefined {
    const mode = this.mode();
    return mode === undefined ? undefined : pictureOf(mode, this.#memory.memory.buffer);
  }

  mode(): ScreenMode | undefined {
    if (this.#swatchAt(SWATCH_MODE) & 1) return undefined;
    const width = (this.#swatchAt(HFP) - this.#swatchAt(HAL)) * this.#ramdac.clockDivider;
    const height = (this.#swatchAt(VFP) >>> 1) - (this.#swatchAt(VAL) >>> 1);
    const stride = this.#dafb[STRIDE / 4]! * 4;
    if (width <= 0 || height <= 0 || width > 2048 || height > 2048 || stride === 0) return undefined;
    const start = (this.#dafb[BASE_HIGH / 4]! << 9) | ((this.#dafb[BASE_LOW / 4]! & 0xf) << 5);
    const bpp = this.#ramdac.depth;
    const shape = { width, height, bpp, stride, byteOrder: 'big' } as const;
    const offset = start % this.vram.size;
    // A mode that runs out of video memory is shown as far as it goes.
    const fits = Math.floor((this.vram.size - offset - lineBytesOf({ ...shape, offset })) / stride) + 1;
    if (fits <= 0) return undefined;
    return {
      ...shape,
      height: Math.min(height, fits),
      offset: this.vram.offset + offset,
      ...(bpp <= 8 ? { palette: this.#ramdac.palette() } : {}),
    };
  }

  damage(): readonly ScreenRect[] {
    const pages = this.#memory.drainDirty(this.vram);
    const mode = this.mode();
    const changed = this.#reported !== this.#changes;
    this.#reported = this.#changes;
    if (mode === undefined) {
      const wentDark = this.#wasShown;
      this.#wasShown = false;
      return wentDark ? [{ x: 0, y: 0, width: 0, height: 0 }] : [];
    }
    this.#wasShown = true;
    if (changed) return [{ x: 0, y: 0, width: mode.width, height: mode.height }];
    return dirtyRows(pages, mode, this.vram.offset);
  }

  // ---- device -----------------------------------------------------------------------------------------------------

  reset(kind: ResetKind): void {
    for (const { task } of this.#interrupts) task.cancel();
    this.#dafb.fill(0);
    this.#dafb[SENSE / 4] = 7;
    this.#swatch.fill(0);
    this.#swatch[0] = 1;
    this.#status = 0;
    this.#ramdac.reset();
    this.#clock.reset();
    if (kind === 'cold') this.vram.bytes.fill(0);
    if (kind === 'cold') this.#memory.written(this.vram.offset, this.vram.size);
    this.#retime();
  }

  settle(): void {
    this.irq.set(this.#status !== 0);
  }

  save(): PlainFields {
    return {
      dafb: this.#dafb.slice(),
      swatch: this.#swatch.slice(),
      status: this.#status,
      frameElapsed: (this.#scheduler.now - this.#frameStart) % this.#frameTicks,
      ramdac: this.#ramdac.save(),
      clock: this.#clock.save(),
      ...Object.fromEntries(this.#interrupts.map(({ bit, task }) => [`int${bit}`, task.remaining])),
    };
  }

  restore(state: PlainFields): void {
    const saved = new SavedFields(this.id, state);
    const bits = (name: string, count: number): Uint32Array => saved.words(name, count).map((v) => v & REGISTER_BITS);
    this.#dafb.set(bits('dafb', DAFB_REGISTERS));
    this.#swatch.set(bits('swatch', SWATCH_REGISTERS));
    this.#status = saved.int('status', 0, 7);
    this.#ramdac.restore(`${this.id}.ramdac`, saved.fields('ramdac'));
    this.#clock.restore(`${this.id}.clock`, saved.fields('clock'));
    this.#retime();
    this.#frameStart = this.#scheduler.now - saved.int('frameElapsed', 0, this.#frameTicks);
    for (const { bit, task } of this.#interrupts) task.restore(saved.int(`int${bit}`, -1, this.#frameTicks));
  }
}
