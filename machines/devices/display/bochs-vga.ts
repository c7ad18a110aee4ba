// SPDX-License-Identifier: MIT
//
// Bochs VGA, which QEMU calls "std": a VGA with the Bochs VBE ("dispi") mode registers and a linear framebuffer.
//
// Sockets: `framebuffer` (memory, shown linearly), `mmio` (4 KiB: EDID, VGA ports, dispi and extended registers),
// `ports` (0x3b0-0x3df), `vbePorts` (0x1ce-0x1d1: index, data), `window` (0xa0000-0xbffff). No interrupt: there is
// none in this adapter. It is a Screen.
// Documents: [VBE-DISPI] Bochs VBE Display API; [STDVGA] QEMU standard-vga specification; and those of vga-core.ts.
// Not modelled: the dispi data port at 0x1cf, which overlaps 0x1d0 and which only x86 software uses.
import type { ChipContext } from '../../backplane/board.ts';
import { type AccessRules, type BusTarget, type Width, readTarget, writeTarget } from '../../backplane/bus.ts';
import type { Device, PlainFields } from '../../backplane/device.ts';
import { SavedFields, SnapshotError } from '../../backplane/device.ts';
import { dirtyRows } from '../../backplane/dirty-rows.ts';
import type { Picture, Screen, ScreenMode, ScreenRect } from '../../backplane/host.ts';
import { type GuestMemory, type MemoryBlock } from '../../backplane/memory.ts';
import { codePage437 } from './code-page-437.ts';
import { EDID_BYTES, edid, type MonitorModel } from './edid.ts';
import { pictureOf } from '../../backplane/pixels.ts';
import { VgaCore } from './vga-core.ts';
import { isTextMode, textCells, vgaPicture } from './vga-picture.ts';

const VBE_DISPI_ID0 = 0xb0c0;
const VBE_DISPI_ID5 = 0xb0c5;
const VBE_DISPI_MAX_XRES = 16_000;
const VBE_DISPI_MAX_YRES = 12_000;
const VBE_DISPI_MAX_BPP = 32;

const VBE_DISPI_INDEX_ID = 0;
const VBE_DISPI_INDEX_XRES = 1;
const VBE_DISPI_INDEX_YRES = 2;
const VBE_DISPI_INDEX_BPP = 3;
const VBE_DISPI_INDEX_ENABLE = 4;
const VBE_DISPI_INDEX_BANK = 5;
const VBE_DISPI_INDEX_VIRT_WIDTH = 6;
const VBE_DISPI_INDEX_VIRT_HEIGHT = 7;
const VBE_DISPI_INDEX_X_OFFSET = 8;
const VBE_DISPI_INDEX_Y_OFFSET = 9;
const VBE_DISPI_INDEX_VIDEO_MEMORY_64K = 10;
const VBE_REGISTERS = 10; // those that hold a value

const VBE_DISPI_ENABLED = 0x01;
const VBE_DISPI_GETCAPS = 0x02;
const VBE_DISPI_8BIT_DAC = 0x20;
const VBE_DISPI_LFB_ENABLED = 0x40; // accepted; the framebuffer is always there
const VBE_DISPI_NOCLEARMEM = 0x80;
const VBE_ENABLE_BITS =
  VBE_DISPI_ENABLED | VBE_DISPI_GETCAPS | VBE_DISPI_8BIT_DAC | VBE_DISPI_LFB_ENABLED | VBE_DISPI_NOCLEARMEM;

const VGA_PORTS_AT_3C0 = 0x10; // the MMIO window shows the ports from 0x3c0 on
const QEXT_SIZE = 0;
const QEXT_BYTEORDER = 4;
const QEXT_BYTES = 8;
const QEXT_LITTLE_ENDIAN = 0x1e1e_1e1e;
const QEXT_BIG_ENDIAN = 0xbebe_bebe;

const LITTLE_ANY: AccessRules = { valid: { min: 1, max: 4 }, impl: { min: 1, max: 4 }, byteOrder: 'little' };
const LITTLE_BYTES: AccessRules = { valid: { min: 1, max: 4 }, impl: { min: 1, max: 1 }, byteOrder: 'little' };
const LITTLE_HALVES: AccessRules = { valid: { min: 1, max: 4 }, impl: { min: 2, max: 2 }, byteOrder: 'little' };
const LITTLE_WORD_ONLY: AccessRules = { valid: { min: 4, max: 4 }, impl: { min: 4, max: 4 }, byteOrder: 'little' };

/** Pixel formats by VBE bits a pixel. */
const DEPTHS = [4, 8, 15, 16, 24, 32] as const;
type Depth = (typeof DEPTHS)[number];
const isDepth = (bits: number): bits is Depth => (DEPTHS as readonly number[]).includes(bits);

export interface BochsVgaOptions {
  /** Display memory, a power of two of at least 64 KiB. */
  readonly memoryBytes?: number;
  /** Byte order of pixels after a reset: that of the machine's CPU. */
  readonly byteOrder?: 'big' | 'little';
  readonly monitor?: MonitorModel;
}

/** A part of the MMIO window. */
interface Part {
  readonly first: number;
  readonly target: BusTarget;
}

export class BochsVga implements Device, Screen {
  readonly id: string;
  /** BAR 0. */
  readonly framebuffer: MemoryBlock;
  /** BAR 2. */
  readonly mmio: BusTarget;
  readonly ports: BusTarget;
  readonly vbePorts: BusTarget;
  readonly window: BusTarget;
  readonly #context: ChipContext;
  readonly #memory: GuestMemory;
  readonly #words: Uint32Array;
  readonly #vga: VgaCore;
  readonly #edid: Uint8Array;
  readonly #resetByteOrder: 'big' | 'little';
  readonly #parts: readonly Part[];
  readonly #vbe = new Uint16Array(VBE_REGISTERS);
  #vbeIndex = 0;
  #bank = 0;
  #byteOrder: 'big' | 'little';
  /** What `damage` has reported: changes so far and, for text, the blinking phase. */
  #reported = '';

  constructor(context: ChipContext, memory: GuestMemory, options: BochsVgaOptions = {}) {
    const memoryBytes = options.memoryBytes ?? 16 << 20;
    if (memoryBytes < 0x1_0000 || (memoryBytes & (memoryBytes - 1)) !== 0) {
      throw new RangeError(`${context.id}: ${memoryBytes} bytes of display memory`);
    }
    this.id = context.id;
    this.#context = context;
    this.#memory = memory;
    this.framebuffer = memory.allocate(`${context.id} memory`, memoryBytes);
    memory.track(this.framebuffer);
    this.#words = new Uint32Array(memory.memory.buffer, this.framebuffer.offset, memoryBytes >>> 2);
    this.#vga = new VgaCore(context, memory, this.framebuffer);
    this.#edid = edid(options.monitor ?? { name: 'Emeritus', width: 1280, height: 1024 });
    this.#byteOrder = this.#resetByteOrder = options.byteOrder ?? 'little';
    this.ports = this.#vga.ports;
    this.window = this.#vga.window;
    this.vbePorts = {
      span: 4,
      access: { ...LITTLE_HALVES, valid: { min: 2, max: 2 } },
      read: (offset) => (offset === 0 ? this.#vbeIndex : this.#readVbe(this.#vbeIndex)),
      write: (offset, _width, value) => {
        if (offset === 0) this.#vbeIndex = value;
        else this.#writeVbe(this.#vbeIndex, value);
      },
    };
    this.#parts = this.#mmioParts();
    this.mmio = {
      span: 0x1000,
      access: LITTLE_ANY,
      read: (offset, width) => this.#readMmio(offset, width),
      write: (offset, width, value) => this.#writeMmio(offset, width, value),
    };
    this.#resetRegisters();
  }

  reset(): void {
    this.#resetRegisters();
  }

  settle(): void {}

  save(): PlainFields {
    return {
      vga: this.#vga.save(),
      vbe: Uint32Array.from(this.#vbe),
      vbeIndex: this.#vbeIndex,
      bank: this.#bank,
      bigEndian: this.#byteOrder === 'big',
    };
  }

  restore(state: PlainFields): void {
    const saved = new SavedFields(this.id, state);
    const vbe = saved.words('vbe', VBE_REGISTERS);
    if (vbe.some((value) => value > 0xffff)) throw new SnapshotError(`${this.id}: field "vbe" has large words`);
    this.#vbe.set(vbe);
    this.#vbeIndex = saved.u16('vbeIndex');
    this.#bank = saved.int('bank', 0, (this.framebuffer.size >>> 16) - 1);
    this.#byteOrder = saved.bool('bigEndian') ? 'big' : 'little';
    this.#fitMode();
    this.#follow();
    this.#vga.restore(`${this.id}.vga`, saved.fields('vga'));
  }

  // ---- Screen

  picture(): Picture | undefined {
    if (!this.#vga.displaying) return undefined;
    const mode = this.mode();
    if (mode !== undefined) return pictureOf(mode, this.#memory.memory.buffer);
    if (!this.#vbeEnabled) return vgaPicture(this.#vga, this.#words);
    return vgaPicture(this.#vga, this.#words, {
      width: this.#vbe[VBE_DISPI_INDEX_XRES]!,
      height: this.#vbe[VBE_DISPI_INDEX_YRES]!,
      startIndex: this.#startOffset >>> 2,
      lineWords: this.#stride >>> 2,
    });
  }

  mode(): ScreenMode | undefined {
    const bpp = this.#depth;
    if (!this.#vga.displaying || !this.#vbeEnabled || bpp === 4) return undefined;
    return {
      width: this.#vbe[VBE_DISPI_INDEX_XRES]!,
      height: this.#vbe[VBE_DISPI_INDEX_YRES]!,
      bpp,
      stride: this.#stride,
      offset: this.framebuffer.offset + this.#startOffset,
      byteOrder: this.#byteOrder,
      ...(bpp === 8 ? { palette: this.#palette() } : {}),
    };
  }

  damage(): readonly ScreenRect[] {
    const pages = this.#memory.drainDirty(this.framebuffer);
    const mode = this.mode();
    const blinking = !this.#vbeEnabled && isTextMode(this.#vga) ? Math.floor(this.#vga.frame / 8) : 0;
    const reported = `${this.#vga.changes} ${blinking}`;
    const changed = reported !== this.#reported;
    this.#reported = reported;
    if (mode === undefined || changed) {
      if (pages.length === 0 && !changed) return [];
      const { width, height } = mode ?? this.picture() ?? { width: 0, height: 0 };
      return [{ x: 0, y: 0, width, height }];
    }
    return dirtyRows(pages, mode, this.framebuffer.offset);
  }

  text(): string[] | undefined {
    if (this.#vbeEnabled || !this.#vga.displaying || !isTextMode(this.#vga)) return undefined;
    return textCells(this.#vga, this.#words).map((row) =>
      row
        .map(({ code }) => codePage437(code))
        .join('')
        .trimEnd(),
    );
  }

  #palette(): Uint8Array {
    const palette = new Uint8Array(1024);
    for (let index = 0; index < 256; index++) {
      const color = this.#vga.dacColor(index);
      palette.set([color & 0xff, (color >>> 8) & 0xff, color >>> 16, 0xff], index * 4);
    }
    return palette;
  }

  // ---- MMIO

  #mmioParts(): Part[] {
    return [
      {
        first: 0x000,
        target: {
          span: 0x100,
          access: LITTLE_BYTES,
          read: (offset) => (offset < EDID_BYTES ? this.#edid[offset]! : 0),
          write: (offset) => this.#context.log.guest('write of EDID byte %x', offset),
        },
      },
      {
        first: 0x400,
        target: {
          span: 0x20,
          access: LITTLE_BYTES,
          read: (offset) => this.ports.read(VGA_PORTS_AT_3C0 + offset, 1),
          write: (offset, _width, value) => this.ports.write(VGA_PORTS_AT_3C0 + offset, 1, value),
        },
      },
      {
        first: 0x500,
        target: {
          span: 0x16,
          access: LITTLE_HALVES,
          read: (offset) => this.#readVbe(offset >>> 1),
          write: (offset, _width, value) => this.#writeVbe(offset >>> 1, value),
        },
      },
      {
        first: 0x600,
        target: {
          span: QEXT_BYTES,
          access: LITTLE_WORD_ONLY,
          read: (offset) => {
            if (offset === QEXT_SIZE) return QEXT_BYTES;
            return this.#byteOrder === 'big' ? QEXT_BIG_ENDIAN : QEXT_LITTLE_ENDIAN;
          },
          write: (offset, _width, value) => {
            if (offset === QEXT_BYTEORDER) this.#writeByteOrder(value);
          },
        },
      },
    ];
  }

  #partAt(offset: number, width: Width): Part | undefined {
    const part = this.#parts.find(({ first, target }) => offset >= first && offset + width <= first + target.span);
    if (part === undefined) this.#context.log.guest('access to nothing at MMIO offset %x', offset);
    else if (width < part.target.access.valid.min) {
      this.#context.log.guest(`${width}-byte access to MMIO offset %x`, offset);
      return undefined;
    }
    return part;
  }

  #readMmio(offset: number, width: Width): number {
    const part = this.#partAt(offset, width);
    return part === undefined ? 0 : readTarget(part.target, offset - part.first, width);
  }

  #writeMmio(offset: number, width: Width, value: number): void {
    const part = this.#partAt(offset, width);
    if (part !== undefined) writeTarget(part.target, offset - part.first, width, value);
  }

  #writeByteOrder(value: number): void {
    if (value === QEXT_BIG_ENDIAN) this.#byteOrder = 'big';
    else if (value === QEXT_LITTLE_ENDIAN) this.#byteOrder = 'little';
    else this.#context.log.guest('framebuffer byte order %x', value);
    this.#vga.changes++;
  }

  // ---- dispi

  get #vbeEnabled(): boolean {
    return (this.#vbe[VBE_DISPI_INDEX_ENABLE]! & VBE_DISPI_ENABLED) !== 0;
  }

  get #depth(): Depth {
    const bits = this.#vbe[VBE_DISPI_INDEX_BPP]!;
    return isDepth(bits) ? bits : 8;
  }

  get #bitsPerPixel(): number {
    return this.#depth === 15 ? 16 : this.#depth;
  }

  get #stride(): number {
    return (this.#vbe[VBE_DISPI_INDEX_VIRT_WIDTH]! * this.#bitsPerPixel) / 8;
  }

  /** The CRTC counts words: the first pixel is on a word boundary. */
  get #startOffset(): number {
    const pixels = (this.#vbe[VBE_DISPI_INDEX_X_OFFSET]! * this.#bitsPerPixel) / 8;
    return (pixels + this.#vbe[VBE_DISPI_INDEX_Y_OFFSET]! * this.#stride) & ~3;
  }

  #resetRegisters(): void {
    this.#vga.reset();
    this.#vbe.fill(0);
    this.#vbe[VBE_DISPI_INDEX_ID] = VBE_DISPI_ID5;
    this.#vbeIndex = this.#bank = 0;
    this.#byteOrder = this.#resetByteOrder;
  }

  #readVbe(index: number): number {
    if (this.#vbe[VBE_DISPI_INDEX_ENABLE]! & VBE_DISPI_GETCAPS) {
      if (index === VBE_DISPI_INDEX_XRES) return VBE_DISPI_MAX_XRES;
      if (index === VBE_DISPI_INDEX_YRES) return VBE_DISPI_MAX_YRES;
      if (index === VBE_DISPI_INDEX_BPP) return VBE_DISPI_MAX_BPP;
    }
    if (index === VBE_DISPI_INDEX_VIDEO_MEMORY_64K) return this.framebuffer.size >>> 16;
    return this.#vbe[index] ?? 0;
  }

  #writeVbe(index: number, value: number): void {
    switch (index) {
      case VBE_DISPI_INDEX_ID:
        if (value >= VBE_DISPI_ID0 && value <= VBE_DISPI_ID5) this.#vbe[index] = value;
        return;
      case VBE_DISPI_INDEX_ENABLE:
        this.#enable(value & VBE_ENABLE_BITS);
        return;
      case VBE_DISPI_INDEX_BANK:
        this.#bank = this.#vbe[index] = value & ((this.framebuffer.size >>> 16) - 1);
        this.#follow();
        return;
      case VBE_DISPI_INDEX_XRES:
      case VBE_DISPI_INDEX_YRES:
      case VBE_DISPI_INDEX_BPP:
      case VBE_DISPI_INDEX_VIRT_WIDTH:
      case VBE_DISPI_INDEX_X_OFFSET:
      case VBE_DISPI_INDEX_Y_OFFSET:
        this.#vbe[index] = value;
        this.#fitMode();
        this.#follow();
        return;
      case VBE_DISPI_INDEX_VIRT_HEIGHT: // follows from the width and the memory
      case VBE_DISPI_INDEX_VIDEO_MEMORY_64K:
        return;
      default:
        this.#context.log.guest('write of VBE register %x', index);
    }
  }

  #enable(value: number): void {
    const starts = (value & VBE_DISPI_ENABLED) !== 0 && !this.#vbeEnabled;
    this.#vbe[VBE_DISPI_INDEX_ENABLE] = value;
    if (starts) {
      this.#vbe[VBE_DISPI_INDEX_VIRT_WIDTH] = 0;
      this.#vbe[VBE_DISPI_INDEX_X_OFFSET] = this.#vbe[VBE_DISPI_INDEX_Y_OFFSET] = 0;
      this.#fitMode();
      if (!(value & VBE_DISPI_NOCLEARMEM)) {
        const bytes = this.#stride * this.#vbe[VBE_DISPI_INDEX_YRES]!;
        this.framebuffer.bytes.fill(0, 0, bytes);
        this.#memory.written(this.framebuffer.offset, bytes);
      }
    } else {
      this.#bank = 0;
    }
    this.#follow();
  }

  /** The interface has no errors: while a mode is on, its registers take the nearest values that are possible. */
  #fitMode(): void {
    if (!this.#vbeEnabled) return;
    const vbe = this.#vbe;
    const size = this.framebuffer.size;
    vbe[VBE_DISPI_INDEX_BPP] = this.#depth;
    const widest = Math.min(VBE_DISPI_MAX_XRES, Math.floor((size * 8) / this.#bitsPerPixel)) & ~7;
    vbe[VBE_DISPI_INDEX_XRES] = Math.min(Math.max(8, vbe[VBE_DISPI_INDEX_XRES]! & ~7), widest);
    const virtualWidth = Math.min(vbe[VBE_DISPI_INDEX_VIRT_WIDTH]! & ~7, widest);
    vbe[VBE_DISPI_INDEX_VIRT_WIDTH] = Math.max(virtualWidth, vbe[VBE_DISPI_INDEX_XRES]!);
    const lines = Math.min(Math.floor(size / this.#stride), 0xffff);
    const height = Math.min(Math.max(1, vbe[VBE_DISPI_INDEX_YRES]!), VBE_DISPI_MAX_YRES, lines);
    vbe[VBE_DISPI_INDEX_YRES] = height;
    vbe[VBE_DISPI_INDEX_VIRT_HEIGHT] = lines;
    vbe[VBE_DISPI_INDEX_X_OFFSET] = Math.min(vbe[VBE_DISPI_INDEX_X_OFFSET]!, VBE_DISPI_MAX_XRES);
    vbe[VBE_DISPI_INDEX_Y_OFFSET] = Math.min(vbe[VBE_DISPI_INDEX_Y_OFFSET]!, VBE_DISPI_MAX_YRES);
    const fits = (): boolean => this.#startOffset + height * this.#stride <= size;
    if (!fits()) vbe[VBE_DISPI_INDEX_Y_OFFSET] = 0;
    if (!fits()) vbe[VBE_DISPI_INDEX_X_OFFSET] = 0;
  }

  /** Tells the VGA part what the dispi registers make of it. */
  #follow(): void {
    this.#vga.svga = this.#vbeEnabled ? { bank: this.#bank, planar: this.#depth === 4 } : undefined;
    this.#vga.dacIs8Bit = (this.#vbe[VBE_DISPI_INDEX_ENABLE]! & VBE_DISPI_8BIT_DAC) !== 0;
    this.#vga.changes++;
  }
}
