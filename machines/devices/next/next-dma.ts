// SPDX-License-Identifier: MIT
//
// The integrated channel processor of NeXT computers (MB610313): twelve DMA channels, each with a control register, a
// current and a next buffer, and a buffer of its own. The Turbo machines' memory controller has seven of them, with
// another encoding of some commands.
//
// Sockets: `control`, span 0x200 (at 0x0200_0000); `pointers`, span 0x400 (at 0x0200_4000); channels by name, each with
// an interrupt wire; memory through the bus map.
//
//     channel   control  next, limit, start, stop   saved      next with initialization
//     scsi      0x010    0x4010                     0x4000     0x4210
//     soundOut  0x040    0x4040                     0x4030     0x4240
//     disk      0x050    0x4050                                0x4250
//     soundIn   0x080    0x4080                     0x4070     0x4280
//     printer   0x090    0x4090                                0x4290
//     scc       0x0c0    0x40c0                     0x40b0     0x42c0
//     dsp       0x0d0    0x40d0                                0x42d0
//     enetTx    0x110    0x4110                     0x4100     0x4310
//     enetRx    0x150    0x4150                     0x4140     0x4350
//     video     0x180    0x4180                     0x4170     0x4380
//     r2m       0x1c0    0x41c0                     0x41b0     0x43c0
//     m2r       0x1d0    0x41d0                                0x43d0
//
// A command is in bits 31-24 of the control register (68030 machines write a byte) or 23-16 (all others); status reads
// in bits 31-24. A transfer from memory to memory is the channels m2r and r2m enabled together: when m2r has no more,
// its last burst is repeated, which fills memory.
//
// Documents: none public; [NetBSD next68k] nextdma.c, nextdmareg.h; [Previous] dma.c.
// Not modelled: the video channel does not fetch the picture; its pointers are registers, its interrupt is the retrace.
import type { ChipContext } from '../../backplane/board.ts';
import type { AccessRules, BusTarget, Width } from '../../backplane/bus.ts';
import { type Device, type PlainFields, type ResetKind, SavedFields } from '../../backplane/device.ts';
import type { MemoryMap } from '../../backplane/memory-map.ts';
import type { Task } from '../../backplane/scheduler.ts';
import { BURST_BYTES, NextDmaChannel, POINTERS } from './next-dma-channel.ts';

const CHANNELS = {
  scsi: 0x010,
  soundOut: 0x040,
  disk: 0x050,
  soundIn: 0x080,
  printer: 0x090,
  scc: 0x0c0,
  dsp: 0x0d0,
  enetTx: 0x110,
  enetRx: 0x150,
  video: 0x180,
  r2m: 0x1c0,
  m2r: 0x1d0,
} as const;
export type NextDmaName = keyof typeof CHANNELS;

const TURBO_CHANNELS: readonly NextDmaName[] = ['scsi', 'soundOut', 'soundIn', 'printer', 'dsp', 'enetTx', 'enetRx'];

const SAVED_BELOW = 0x10;
const INITIALIZE = 0x200;
/** Where Turbo machines say how far the last received packet came. */
const TURBO_SAVED_NEXT = 0x050;

const ANY: AccessRules = { valid: { min: 1, max: 4 }, impl: { min: 1, max: 4 }, byteOrder: 'big' };
const WORD: AccessRules = { valid: { min: 1, max: 4 }, impl: { min: 4, max: 4 }, byteOrder: 'big' };

/** Memory to memory: a burst takes this long. */
const BURST_NS = 640;
const BURSTS_AT_ONCE = 16;

export interface NextDmaOptions {
  /** What the channels see. */
  readonly map: MemoryMap;
  readonly turbo?: boolean;
}

export class NextDma implements Device {
  readonly id: string;
  readonly control: BusTarget;
  readonly pointers: BusTarget;
  readonly #channels = new Map<NextDmaName, NextDmaChannel>();
  readonly #byOffset = new Map<number, NextDmaChannel>();
  readonly #copy: Task;
  readonly #burstTicks: number;
  readonly #burst = new Uint8Array(BURST_BYTES);

  constructor(chip: ChipContext, options: NextDmaOptions) {
    this.id = chip.id;
    const turbo = options.turbo ?? false;
    const names = turbo ? TURBO_CHANNELS : (Object.keys(CHANNELS) as NextDmaName[]);
    for (const name of names) {
      const channel = new NextDmaChannel(chip.id, name, { map: options.map, log: chip.log, turbo });
      this.#channels.set(name, channel);
      this.#byOffset.set(CHANNELS[name], channel);
    }
    this.#copy = chip.scheduler.task(`${chip.id}.copy`, () => this.#copyBursts());
    this.#burstTicks = chip.scheduler.ns(BURST_NS);
    for (const name of ['m2r', 'r2m'] as const) {
      const channel = this.#channels.get(name);
      if (channel !== undefined) channel.onEnable = () => this.#startCopy();
    }
    this.control = {
      span: 0x200,
      access: ANY,
      read: (offset, width) => this.#readControl(offset, width),
      peek: (offset) => (offset & 3 ? 0 : (this.#byOffset.get(offset)?.csr ?? 0)),
      write: (offset, width, value) => {
        const channel = this.#byOffset.get(offset & ~3);
        const bytes = width === 4 ? (value >>> 24) | (value >>> 16) : width === 2 ? (value >>> 8) | value : value;
        if (channel === undefined) chip.log.guest('write of %x to DMA control at %x', value, offset);
        else channel.command(bytes & 0xff);
      },
    };
    this.pointers = {
      span: 0x400,
      access: WORD,
      read: (offset) => this.#pointer(offset),
      peek: (offset) => this.#pointer(offset),
      write: (offset, _width, value) => this.#setPointer(offset, value),
    };
    const { log } = chip;
    this.#unknown = (offset) => log.guest('access to no DMA register at %x', offset);
  }

  readonly #unknown: (offset: number) => void;

  channel(name: NextDmaName): NextDmaChannel {
    const channel = this.#channels.get(name);
    if (channel === undefined) throw new RangeError(`${this.id} has no channel ${name}`);
    return channel;
  }

  get channels(): ReadonlyMap<NextDmaName, NextDmaChannel> {
    return this.#channels;
  }

  #readControl(offset: number, width: Width): number {
    const csr = this.#byOffset.get(offset & ~3)?.csr ?? 0;
    if (offset & 3) return 0;
    return width === 4 ? (csr << 24) >>> 0 : width === 2 ? csr << 8 : csr;
  }

  #pointer(offset: number): number {
    const which = POINTERS[(offset >>> 2) & 3]!;
    const base = offset & ~0xf;
    const channel = this.#byOffset.get(base);
    if (channel !== undefined) return channel.pointer(which);
    if (offset === TURBO_SAVED_NEXT) return this.#channels.get('enetRx')?.saved('next') ?? 0;
    if (base >= INITIALIZE && which === 'next') return this.#byOffset.get(base - INITIALIZE)?.pointer('next') ?? 0;
    return this.#byOffset.get(base + SAVED_BELOW)?.saved(which) ?? 0;
  }

  #setPointer(offset: number, value: number): void {
    const which = POINTERS[(offset >>> 2) & 3]!;
    const base = offset & ~0xf;
    const channel = this.#byOffset.get(base);
    const saved = this.#byOffset.get(base + SAVED_BELOW);
    const initialized = base >= INITIALIZE && which === 'next' ? this.#byOffset.get(base - INITIALIZE) : undefined;
    if (channel !== undefined) channel.setPointer(which, value);
    else if (initialized !== undefined) initialized.initialize(value);
    else if (saved !== undefined) saved.setSaved(which, value);
    else this.#unknown(offset);
  }

  // ---- memory to memory -------------------------------------------------------------------------------------------

  #startCopy(): void {
    const ready = this.channel('m2r').enabled && this.channel('r2m').enabled;
    if (ready && !this.#copy.scheduled) this.#copy.schedule(this.#burstTicks);
  }

  #copyBursts(): void {
    const from = this.channel('m2r');
    const to = this.channel('r2m');
    let bursts = 0;
    while (bursts < BURSTS_AT_ONCE && to.enabled) {
      if (from.enabled) from.exchange(this.#burst, false);
      to.exchange(this.#burst, true);
      bursts++;
    }
    if (to.enabled) this.#copy.schedule(bursts * this.#burstTicks);
  }

  // ---- device -----------------------------------------------------------------------------------------------------

  reset(_kind: ResetKind): void {
    this.#copy.cancel();
    this.#burst.fill(0);
    for (const channel of this.#channels.values()) channel.reset();
  }

  settle(): void {
    for (const channel of this.#channels.values()) channel.update();
  }

  save(): PlainFields {
    const channels: PlainFields = {};
    for (const [name, channel] of this.#channels) channels[name] = channel.save();
    return { channels, copyIn: this.#copy.remaining, burst: this.#burst.slice() };
  }

  restore(state: PlainFields): void {
    const saved = new SavedFields(this.id, state);
    const channels = saved.nested('channels');
    for (const [name, channel] of this.#channels) channel.restore(channels.nested(name));
    this.#copy.restore(saved.int('copyIn', -1, Number.MAX_SAFE_INTEGER));
    this.#burst.set(saved.bytes('burst', BURST_BYTES));
  }
}
