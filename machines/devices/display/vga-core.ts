// SPDX-License-Identifier: MIT
//
// IBM VGA: sequencer, graphics controller, attribute controller, CRT controller, DAC and the A0000-BFFFF window, as
// one block for adapters that contain a VGA.
//
// Sockets: `ports` (0x3b0-0x3df), `window` (0xa0000-0xbffff). The display memory is given; plane p of address a is
// byte 4a + p, and chain-4 addresses are byte addresses, as on SVGA adapters with a linear framebuffer.
// Documents: [VGA] IBM PS/2 Hardware Technical Reference, Video Subsystem; [FreeVGA].
// Not modelled: the vertical-retrace interrupt (no adapter here wires it; its status bit reads 0), the diagnostic
// bits of input status 1, monitor sensing through the DAC comparators, overscan, blinking in graphics modes, and the
// CRTC's word and double-word address shifts, which the interleaved memory makes unnecessary.
import type { ChipContext } from '../../backplane/board.ts';
import type { AccessRules, BusTarget } from '../../backplane/bus.ts';
import type { PlainFields } from '../../backplane/device.ts';
import { SavedFields } from '../../backplane/device.ts';
import type { GuestMemory, MemoryBlock } from '../../backplane/memory.ts';
import type { ClockDomain } from '../../backplane/scheduler.ts';

const PORTS_BASE = 0x3b0;
const PORTS_SPAN = 0x30;
const WINDOW_SPAN = 0x2_0000;

/** Attribute controller, by index. */
export const AR = {
  MODE: 0x10,
  OVERSCAN: 0x11,
  PLANE_ENABLE: 0x12,
  PEL_PANNING: 0x13,
  COLOR_SELECT: 0x14,
} as const;
export const AR_MODE_LINE_GRAPHICS = 0x04; // ninth dot of 0xc0-0xdf repeats the eighth
export const AR_MODE_BLINK = 0x08;
export const AR_MODE_PAN_COMPAT = 0x20; // panning stops at the line compare
export const AR_MODE_P54_SELECT = 0x80; // palette bits 5-4 come from COLOR_SELECT
const AR_INDEX_PAS = 0x20; // palette address source: the screen shows the picture

/** Sequencer, by index. */
export const SR = { RESET: 0, CLOCKING: 1, MAP_MASK: 2, CHARACTER_MAP: 3, MEMORY_MODE: 4 } as const;
export const SR1_8_DOTS = 0x01;
export const SR1_DOT_CLOCK_HALF = 0x08;
export const SR1_SCREEN_OFF = 0x20;
const SR4_ODD_EVEN_OFF = 0x04;
const SR4_CHAIN_4 = 0x08;
const SR_MASKS = [0x03, 0x3d, 0x0f, 0x3f, 0x0e, 0x00, 0x00, 0x00];

/** Graphics controller, by index. */
export const GR = {
  SET_RESET: 0,
  ENABLE_SET_RESET: 1,
  COLOR_COMPARE: 2,
  DATA_ROTATE: 3,
  READ_MAP: 4,
  MODE: 5,
  MISC: 6,
  COLOR_DONT_CARE: 7,
  BIT_MASK: 8,
} as const;
const GR5_READ_MODE_1 = 0x08;
const GR5_ODD_EVEN = 0x10;
export const GR6_GRAPHICS = 0x01;
const GR_MASKS = [0x0f, 0x0f, 0x0f, 0x1f, 0x03, 0x7b, 0x0f, 0x0f, 0xff, 0, 0, 0, 0, 0, 0, 0];

/** CRT controller, by index. */
export const CR = {
  H_TOTAL: 0x00,
  H_DISPLAY_END: 0x01,
  H_BLANK_START: 0x02,
  H_BLANK_END: 0x03,
  H_RETRACE_START: 0x04,
  H_RETRACE_END: 0x05,
  V_TOTAL: 0x06,
  OVERFLOW: 0x07,
  PRESET_ROW_SCAN: 0x08,
  MAX_SCAN_LINE: 0x09,
  CURSOR_START: 0x0a,
  CURSOR_END: 0x0b,
  START_HIGH: 0x0c,
  START_LOW: 0x0d,
  CURSOR_HIGH: 0x0e,
  CURSOR_LOW: 0x0f,
  V_RETRACE_START: 0x10,
  V_RETRACE_END: 0x11,
  V_DISPLAY_END: 0x12,
  OFFSET: 0x13,
  UNDERLINE: 0x14,
  V_BLANK_START: 0x15,
  V_BLANK_END: 0x16,
  MODE: 0x17,
  LINE_COMPARE: 0x18,
} as const;
const CR_COUNT = 0x19;
const CR11_PROTECT = 0x80; // CR0-CR7 are read-only, but for bit 4 of CR7
export const CR17_HARDWARE_RESET_OFF = 0x80;

const MISC_COLOR = 0x01; // CRTC at 0x3dx, not 0x3bx
const MISC_RAM_ENABLE = 0x02;
const IS1_DISPLAY_OFF = 0x01; // horizontal or vertical blanking
const IS1_V_RETRACE = 0x08;

/** Byte p is 0xff where bit p is set. */
const PLANES = Uint32Array.from({ length: 16 }, (_, bits) => {
  let word = 0;
  for (let plane = 0; plane < 4; plane++) if (bits & (1 << plane)) word |= 0xff << (plane * 8);
  return word >>> 0;
});
const inAllPlanes = (byte: number): number => (byte * 0x0101_0101) >>> 0;

const PORT_ACCESS: AccessRules = {
  valid: { min: 1, max: 4 },
  impl: { min: 1, max: 1 },
  byteOrder: 'little',
};

/** Where the beam is: lines and character clocks of the current frame, and frames since power-on. */
interface BeamTiming {
  readonly clock: ClockDomain;
  readonly dotsPerChar: number;
  readonly charsPerLine: number;
  readonly displayedChars: number;
  readonly lines: number;
  readonly displayedLines: number;
  readonly retraceStart: number;
  readonly retraceLines: number;
}

export class VgaCore {
  readonly ports: BusTarget;
  readonly window: BusTarget;
  readonly ar = new Uint8Array(0x15);
  readonly sr = new Uint8Array(8);
  readonly gr = new Uint8Array(16);
  readonly cr = new Uint8Array(CR_COUNT);
  /** 256 × red, green, blue, as written. */
  readonly dac = new Uint8Array(768);
  /** The DAC takes 8 bits of each colour instead of 6. */
  dacIs8Bit = false;
  pelMask = 0xff;
  /** An SVGA mode is on: the window shows 64 KiB of the memory from `bank`, linear unless `planar`. */
  svga: { bank: number; planar: boolean } | undefined;
  /** Counts changes of the DAC and of everything else that a picture depends on besides the memory. */
  changes = 0;
  readonly #context: ChipContext;
  readonly #memory: GuestMemory;
  readonly #block: MemoryBlock;
  readonly #words: Uint32Array;
  readonly #dotClocks: readonly ClockDomain[];
  #arIndex = 0;
  #arFlipFlop = false; // the next write of 0x3c0 is data
  #srIndex = 0;
  #grIndex = 0;
  #crIndex = 0;
  #misc = 0;
  #featureControl = 0;
  #enabled = true; // 0x3c3
  #latch = 0;
  #dacReadIndex = 0;
  #dacWriteIndex = 0;
  #dacStep = 0;
  #dacState = 0;
  readonly #dacCache = new Uint8Array(3);

  constructor(context: ChipContext, memory: GuestMemory, block: MemoryBlock) {
    this.#context = context;
    this.#memory = memory;
    this.#block = block;
    this.#words = new Uint32Array(block.bytes.buffer, block.offset, block.size >>> 2);
    this.#dotClocks = [
      context.scheduler.clock(`${context.id} 25.175 MHz`, 25_175_000),
      context.scheduler.clock(`${context.id} 28.322 MHz`, 28_322_000),
    ];
    this.ports = {
      span: PORTS_SPAN,
      access: PORT_ACCESS,
      read: (offset) => this.#readPort(PORTS_BASE + offset),
      write: (offset, _width, value) => this.#writePort(PORTS_BASE + offset, value),
    };
    this.window = {
      span: WINDOW_SPAN,
      access: PORT_ACCESS,
      read: (offset) => this.#readWindow(offset),
      write: (offset, _width, value) => this.#writeWindow(offset, value),
    };
    this.reset();
  }

  reset(): void {
    for (const registers of [this.ar, this.sr, this.gr, this.cr, this.dac, this.#dacCache]) registers.fill(0);
    this.#arIndex = this.#srIndex = this.#grIndex = this.#crIndex = 0;
    this.#arFlipFlop = false;
    this.#misc = this.#featureControl = 0;
    this.#enabled = true;
    this.#latch = 0;
    this.#dacReadIndex = this.#dacWriteIndex = this.#dacStep = this.#dacState = 0;
    this.dacIs8Bit = false;
    this.pelMask = 0xff;
    this.svga = undefined;
    this.changes++;
  }

  /** The attribute controller shows the picture (and, in VGA modes, nothing else has switched the screen off). */
  get displaying(): boolean {
    if (!(this.#arIndex & AR_INDEX_PAS)) return false;
    if (this.svga !== undefined) return true;
    return !(this.sr[SR.CLOCKING]! & SR1_SCREEN_OFF) && (this.cr[CR.MODE]! & CR17_HARDWARE_RESET_OFF) !== 0;
  }

  /** Frames shown since power-on; blinking follows it. */
  get frame(): number {
    const timing = this.#timing();
    return Math.floor(timing.clock.ticks / (timing.dotsPerChar * timing.charsPerLine * timing.lines));
  }

  get startAddress(): number {
    return (this.cr[CR.START_HIGH]! << 8) | this.cr[CR.START_LOW]!;
  }

  get cursorAddress(): number {
    return (this.cr[CR.CURSOR_HIGH]! << 8) | this.cr[CR.CURSOR_LOW]!;
  }

  get displayedLines(): number {
    return (this.cr[CR.V_DISPLAY_END]! | this.#overflow(1, 8) | this.#overflow(6, 9)) + 1;
  }

  get lineCompare(): number {
    return this.cr[CR.LINE_COMPARE]! | this.#overflow(4, 8) | ((this.cr[CR.MAX_SCAN_LINE]! & 0x40) << 3);
  }

  /** DAC entry `index` as 0xbbggrr. */
  dacColor(index: number): number {
    const at = (index & this.pelMask) * 3;
    return this.#level(this.dac[at]!) | (this.#level(this.dac[at + 1]!) << 8) | (this.#level(this.dac[at + 2]!) << 16);
  }

  save(): PlainFields {
    return {
      ar: this.ar.slice(),
      sr: this.sr.slice(),
      gr: this.gr.slice(),
      cr: this.cr.slice(),
      dac: this.dac.slice(),
      dacCache: this.#dacCache.slice(),
      arIndex: this.#arIndex,
      arFlipFlop: this.#arFlipFlop,
      srIndex: this.#srIndex,
      grIndex: this.#grIndex,
      crIndex: this.#crIndex,
      misc: this.#misc,
      featureControl: this.#featureControl,
      enabled: this.#enabled,
      latch: this.#latch,
      dacReadIndex: this.#dacReadIndex,
      dacWriteIndex: this.#dacWriteIndex,
      dacStep: this.#dacStep,
      dacState: this.#dacState,
      pelMask: this.pelMask,
    };
  }

  /** `dacIs8Bit` and `svga` belong to the adapter, which saves what they follow from. */
  restore(owner: string, state: PlainFields): void {
    const saved = new SavedFields(owner, state);
    const arrays = { ar: this.ar, sr: this.sr, gr: this.gr, cr: this.cr, dac: this.dac, dacCache: this.#dacCache };
    for (const [name, registers] of Object.entries(arrays)) registers.set(saved.bytes(name, registers.length));
    this.#arIndex = saved.int('arIndex', 0, 0x3f);
    this.#arFlipFlop = saved.bool('arFlipFlop');
    this.#srIndex = saved.int('srIndex', 0, 7);
    this.#grIndex = saved.int('grIndex', 0, 15);
    this.#crIndex = saved.u8('crIndex');
    this.#misc = saved.u8('misc');
    this.#featureControl = saved.u8('featureControl');
    this.#enabled = saved.bool('enabled');
    this.#latch = saved.u32('latch');
    this.#dacReadIndex = saved.u8('dacReadIndex');
    this.#dacWriteIndex = saved.u8('dacWriteIndex');
    this.#dacStep = saved.int('dacStep', 0, 2);
    this.#dacState = saved.int('dacState', 0, 3);
    this.pelMask = saved.u8('pelMask');
    this.changes++;
  }

  #overflow(bit: number, to: number): number {
    return ((this.cr[CR.OVERFLOW]! >>> bit) & 1) << to;
  }

  #level(value: number): number {
    if (this.dacIs8Bit) return value;
    const six = value & 0x3f;
    return (six << 2) | (six >>> 4);
  }

  // ---- I/O ports

  /** The CRTC, input status 1 and feature control answer at 0x3bx or 0x3dx, as the miscellaneous output says. */
  #decodes(port: number): boolean {
    if (!this.#enabled) return port === 0x3c3;
    const block = port & 0x3f0;
    return block === 0x3c0 || (block === 0x3d0) === ((this.#misc & MISC_COLOR) !== 0);
  }

  #readPort(port: number): number {
    if (!this.#decodes(port)) return 0xff;
    switch (port) {
      case 0x3c0:
        return this.#arIndex;
      case 0x3c1:
        return this.ar[this.#arIndex & 0x1f] ?? 0;
      case 0x3c2: // input status 0: no interrupt pending, no switch sensed
        return 0;
      case 0x3c3:
        return this.#enabled ? 1 : 0;
      case 0x3c4:
        return this.#srIndex;
      case 0x3c5:
        return this.sr[this.#srIndex]!;
      case 0x3c6:
        return this.pelMask;
      case 0x3c7:
        return this.#dacState;
      case 0x3c8:
        return this.#dacWriteIndex;
      case 0x3c9:
        return this.#readDac();
      case 0x3ca:
        return this.#featureControl;
      case 0x3cc:
        return this.#misc;
      case 0x3ce:
        return this.#grIndex;
      case 0x3cf:
        return this.gr[this.#grIndex]!;
      case 0x3b4:
      case 0x3d4:
        return this.#crIndex;
      case 0x3b5:
      case 0x3d5:
        return this.cr[this.#crIndex] ?? 0;
      case 0x3ba:
      case 0x3da:
        this.#arFlipFlop = false;
        return this.#inputStatus1();
      default:
        this.#context.log.unimp('read of port %x', port);
        return 0xff;
    }
  }

  #writePort(port: number, value: number): void {
    if (!this.#decodes(port)) return;
    switch (port) {
      case 0x3c0:
        if (this.#arFlipFlop) this.#writeAttribute(value);
        else this.#setAttributeIndex(value & 0x3f);
        this.#arFlipFlop = !this.#arFlipFlop;
        return;
      case 0x3c2:
        this.#misc = value & ~0x10;
        this.changes++;
        return;
      case 0x3c3:
        this.#enabled = (value & 1) !== 0;
        return;
      case 0x3c4:
        this.#srIndex = value & 7;
        return;
      case 0x3c5:
        this.sr[this.#srIndex] = value & SR_MASKS[this.#srIndex]!;
        this.changes++;
        return;
      case 0x3c6:
        this.pelMask = value;
        this.changes++;
        return;
      case 0x3c7:
        this.#dacReadIndex = value;
        this.#dacStep = 0;
        this.#dacState = 3;
        return;
      case 0x3c8:
        this.#dacWriteIndex = value;
        this.#dacStep = 0;
        this.#dacState = 0;
        return;
      case 0x3c9:
        this.#writeDac(value);
        return;
      case 0x3ce:
        this.#grIndex = value & 15;
        return;
      case 0x3cf:
        this.gr[this.#grIndex] = value & GR_MASKS[this.#grIndex]!;
        this.changes++;
        return;
      case 0x3b4:
      case 0x3d4:
        this.#crIndex = value;
        return;
      case 0x3b5:
      case 0x3d5:
        this.#writeCrtc(value);
        return;
      case 0x3ba:
      case 0x3da:
        this.#featureControl = value & 0x13;
        return;
      default:
        this.#context.log.unimp('write of port %x', port);
    }
  }

  #setAttributeIndex(value: number): void {
    if ((value ^ this.#arIndex) & AR_INDEX_PAS) this.changes++;
    this.#arIndex = value;
  }

  #writeAttribute(value: number): void {
    const index = this.#arIndex & 0x1f;
    if (index < 0x10) this.ar[index] = value & 0x3f;
    else if (index === AR.MODE) this.ar[index] = value & 0xef;
    else if (index === AR.OVERSCAN) this.ar[index] = value;
    else if (index === AR.PLANE_ENABLE) this.ar[index] = value & 0x3f;
    else if (index <= AR.COLOR_SELECT) this.ar[index] = value & 0x0f;
    else return;
    this.changes++;
  }

  #writeCrtc(value: number): void {
    const index = this.#crIndex;
    if (index >= CR_COUNT) {
      this.#context.log.guest('write of CRTC register %x', index);
      return;
    }
    if (index <= CR.OVERFLOW && this.cr[CR.V_RETRACE_END]! & CR11_PROTECT) {
      if (index !== CR.OVERFLOW) return;
      value = (this.cr[CR.OVERFLOW]! & ~0x10) | (value & 0x10);
    }
    this.cr[index] = value;
    this.changes++;
  }

  #readDac(): number {
    const value = this.dac[this.#dacReadIndex * 3 + this.#dacStep]!;
    this.#dacStep = (this.#dacStep + 1) % 3;
    if (this.#dacStep === 0) this.#dacReadIndex = (this.#dacReadIndex + 1) & 0xff;
    return value;
  }

  #writeDac(value: number): void {
    this.#dacCache[this.#dacStep] = this.dacIs8Bit ? value : value & 0x3f;
    this.#dacStep = (this.#dacStep + 1) % 3;
    if (this.#dacStep !== 0) return;
    this.dac.set(this.#dacCache, this.#dacWriteIndex * 3);
    this.#dacWriteIndex = (this.#dacWriteIndex + 1) & 0xff;
    this.changes++;
  }

  /** The CRTC's frame, or, when it is not programmed to one (as in SVGA modes), that of 640 × 480 at 60 Hz. */
  #timing(): BeamTiming {
    const { cr } = this;
    const clock = this.#dotClocks[(this.#misc >>> 2) & 1]!;
    const charsPerLine = cr[CR.H_TOTAL]! + 5;
    const lines = (cr[CR.V_TOTAL]! | this.#overflow(0, 8) | this.#overflow(5, 9)) + 2;
    const clocking = this.sr[SR.CLOCKING]!;
    const dotsPerChar = (clocking & SR1_8_DOTS ? 8 : 9) << (clocking & SR1_DOT_CLOCK_HALF ? 1 : 0);
    const hz = clock.hz / (dotsPerChar * charsPerLine * lines);
    if (this.svga !== undefined || hz < 20 || hz > 200) {
      return {
        clock: this.#dotClocks[0]!,
        dotsPerChar: 8,
        charsPerLine: 100,
        displayedChars: 80,
        lines: 525,
        displayedLines: 480,
        retraceStart: 490,
        retraceLines: 2,
      };
    }
    const retraceStart = cr[CR.V_RETRACE_START]! | this.#overflow(2, 8) | this.#overflow(7, 9);
    return {
      clock,
      dotsPerChar,
      charsPerLine,
      displayedChars: cr[CR.H_DISPLAY_END]! + 1,
      lines,
      displayedLines: this.displayedLines,
      retraceStart,
      // The end is given by its low four bits only.
      retraceLines: (cr[CR.V_RETRACE_END]! - retraceStart) & 15 || 16,
    };
  }

  #inputStatus1(): number {
    const timing = this.#timing();
    const char = Math.floor(timing.clock.ticks / timing.dotsPerChar) % (timing.charsPerLine * timing.lines);
    const line = Math.floor(char / timing.charsPerLine);
    const column = char % timing.charsPerLine;
    const shown = line < timing.displayedLines && column < timing.displayedChars;
    const retrace = line >= timing.retraceStart && line < timing.retraceStart + timing.retraceLines;
    return (shown ? 0 : IS1_DISPLAY_OFF) | (retrace ? IS1_V_RETRACE : 0);
  }

  // ---- display memory through the window

  /** Offset inside the 64 KiB or smaller map the window shows, or -1. */
  #windowAddress(offset: number): number {
    if (!this.#enabled) return -1;
    if (this.svga !== undefined) return offset < 0x1_0000 ? this.svga.bank * 0x1_0000 + offset : -1;
    if (!(this.#misc & MISC_RAM_ENABLE)) return -1;
    switch ((this.gr[GR.MISC]! >>> 2) & 3) {
      case 0:
        return offset;
      case 1:
        return offset < 0x1_0000 ? offset : -1;
      case 2:
        return offset >= 0x1_0000 && offset < 0x1_8000 ? offset - 0x1_0000 : -1;
      default:
        return offset >= 0x1_8000 ? offset - 0x1_8000 : -1;
    }
  }

  get #linear(): boolean {
    return this.svga !== undefined ? !this.svga.planar : (this.sr[SR.MEMORY_MODE]! & SR4_CHAIN_4) !== 0;
  }

  #readWindow(offset: number): number {
    const address = this.#windowAddress(offset);
    if (address < 0) return 0xff;
    if (this.#linear) return this.#block.bytes[address] ?? 0xff;
    const oddEven = this.svga === undefined && (this.gr[GR.MODE]! & GR5_ODD_EVEN) !== 0;
    const index = oddEven ? address >>> 1 : address;
    if (index >= this.#words.length) return 0xff;
    this.#latch = this.#words[index]!;
    if (this.gr[GR.MODE]! & GR5_READ_MODE_1) {
      const differs =
        ((this.#latch ^ PLANES[this.gr[GR.COLOR_COMPARE]!]!) & PLANES[this.gr[GR.COLOR_DONT_CARE]!]!) >>> 0;
      const any = differs | (differs >>> 16);
      return ~(any | (any >>> 8)) & 0xff;
    }
    const map = this.gr[GR.READ_MAP]!;
    const plane = oddEven ? (map & 2) | (address & 1) : map;
    return (this.#latch >>> (plane * 8)) & 0xff;
  }

  #writeWindow(offset: number, value: number): void {
    const address = this.#windowAddress(offset);
    if (address < 0) return;
    let maps = this.sr[SR.MAP_MASK]!;
    if (this.#linear) {
      if (address >= this.#block.size) return;
      if (this.svga === undefined && !(maps & (1 << (address & 3)))) return;
      this.#block.bytes[address] = value;
      this.#memory.written(this.#block.offset + address, 1);
      return;
    }
    let index = address;
    if (this.svga === undefined && !(this.sr[SR.MEMORY_MODE]! & SR4_ODD_EVEN_OFF)) {
      index = address >>> 1;
      maps &= address & 1 ? 0b1010 : 0b0101;
    }
    if (index >= this.#words.length) return;
    const written = PLANES[maps]!;
    this.#words[index] = (this.#words[index]! & ~written) | (this.#combine(value) & written);
    this.#memory.written(this.#block.offset + index * 4, 4);
  }

  /** What the graphics controller makes of a byte from the CPU: four planes' bytes. */
  #combine(value: number): number {
    const { gr } = this;
    const rotate = gr[GR.DATA_ROTATE]! & 7;
    const rotated = ((value >>> rotate) | (value << (8 - rotate))) & 0xff;
    const setReset = PLANES[gr[GR.SET_RESET]!]!;
    let bitMask = gr[GR.BIT_MASK]!;
    let data: number;
    switch (gr[GR.MODE]! & 3) {
      case 0: {
        const enabled = PLANES[gr[GR.ENABLE_SET_RESET]!]!;
        data = (inAllPlanes(rotated) & ~enabled) | (setReset & enabled);
        break;
      }
      case 1:
        return this.#latch;
      case 2:
        data = PLANES[value & 15]!;
        break;
      default:
        data = setReset;
        bitMask &= rotated;
    }
    switch (gr[GR.DATA_ROTATE]! >>> 3) {
      case 1:
        data &= this.#latch;
        break;
      case 2:
        data |= this.#latch;
        break;
      case 3:
        data ^= this.#latch;
    }
    const mask = inAllPlanes(bitMask);
    return (data & mask) | (this.#latch & ~mask);
  }
}
