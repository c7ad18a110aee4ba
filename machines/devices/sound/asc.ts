// SPDX-License-Identifier: MIT
//
// Apple Sound Chip (344S0053), its enhanced successor EASC (343S1036), and the sound cell of IOSB (343S1078).
//
// Sockets: span 0x1000, byte registers; `irq`; an AudioSink.
//
//     000  FIFO A, or wave tables 0 and 1     800  version            806  volume
//     400  FIFO B, or wave tables 2 and 3     801  mode               807  clock rate
//     810  wave tables 0-3: phase and         802  control            80a  play or record
//     82f  increment, 9.15 bits each          803  FIFO mode          80f  test
//                                             804  FIFO status        805  wave table control
//     f00  EASC, IOSB: channel A (and f20 channel B): write pointer, read pointer, rate, f06 left and f07 right scale
//          factor, f08 FIFO control, f09 interrupt disable, f10 eight coefficients of CD-ROM XA
//
//           version  modes             FIFO status and interrupt
//     ASC   00       FIFO, wave table  events; an interrupt for each, which reading the status ends
//     EASC  b0       FIFO, 44.1 kHz    levels of both FIFOs; an interrupt below half
//     IOSB  bb       FIFO, 44.1 kHz    levels; channel B tells of both, A only of recording
//
// Documents: [IM-VI] "Sound Manager"; [ASCTESTER], [MAME] `sound/asc` for what the hardware answers; the Quadra's ROM
// for the rate, scale factors and coefficients it gives the IOSB as it does the EASC.
// Not modelled: recording, companding, test modes, and that words written to the IOSB's FIFO are one sample each. The
// IOSB's volume is the business of the DFAC behind it.
import type { ChipContext } from '../../backplane/board.ts';
import { BYTE_REGISTERS, type BusTarget, type Width } from '../../backplane/bus.ts';
import { type Device, type PlainFields, type ResetKind, SavedFields } from '../../backplane/device.ts';
import type { AudioSink } from '../../backplane/host.ts';
import type { DeviceLog } from '../../backplane/log.ts';
import type { ClockDomain, Task } from '../../backplane/scheduler.ts';
import { Wire } from '../../backplane/wire.ts';
import { AscFifo, FIFO_BYTES } from './asc-fifo.ts';
import { CdXa } from './cd-xa.ts';

const REGISTERS = 0x800;
const VERSION = 0x000;
const MODE = 0x001;
const CONTROL = 0x002;
const FIFO_MODE = 0x003;
const FIFO_STATUS = 0x004;
const WAVE_CONTROL = 0x005;
const VOLUME = 0x006;
const CLOCK_RATE = 0x007;
const BATMAN_CONTROL = 0x008;
const PLAY_RECORD = 0x00a;
const WAVES = 0x010;
const WAVES_END = 0x030;
const CHANNEL_A = 0x700;
const CHANNEL_B = 0x720;
const CHANNEL_BYTES = 0x20;

// Of a channel
const WRITE_POINTER = 0x00;
const READ_POINTER = 0x02;
const RATE = 0x04;
const SCALE_LEFT = 0x06;
const SCALE_RIGHT = 0x07;
const FIFO_CONTROL = 0x08;
const IRQ_DISABLE = 0x09;
const COEFFICIENTS = 0x10;
/** Reads so in the IOSB, whatever it means. */
const UNKNOWN = 0x0e;
const UNKNOWN_VALUE = 0x2c;
const FULL_SCALE = 0x7f;

const MODE_FIFO = 1;
const MODE_WAVES = 2;
const CONTROL_STEREO = 0x02;
const FIFO_CLEAR = 0x80;
const RATE_CONVERSION = 0x80;
const XA_MODE = 0x03;
const RECORD = 0x01;

const HALF_A = 0x01;
const FULL_OR_EMPTY_A = 0x02;
const HALF_B = 0x04;
const FULL_OR_EMPTY_B = 0x08;

const VOICES = 4;
const MAC_HZ = 22_257;
const CD_HZ = 44_100;
const CLOCK_HZ = [MAC_HZ, MAC_HZ, 22_050, CD_HZ] as const;
const UNITY = 0x1_0000;
const XA_BITS = [8, 8, 4, 2] as const;
const DEFAULT_COEFFICIENTS = [0x00, 0x00, 0x00, 0x3c, 0xcc, 0x73, 0xc9, 0x62] as const;
/** Frames between two looks at the clock while something sounds. */
const CHUNK = 256;
/** After this much time without a look nothing can be left in a FIFO. */
const MOST_FRAMES = 1 << 16;

export type AscModel = 'asc' | 'easc' | 'iosb';
const VERSIONS: Record<AscModel, number> = { asc: 0x00, easc: 0xb0, iosb: 0xbb };

/** One channel's FIFO and, in the EASC, what fits it to 44.1 kHz. */
interface Channel {
  readonly base: number;
  readonly fifo: AscFifo;
  readonly xa: CdXa;
  /** Fraction of a sample that has been waited for. */
  accumulated: number;
  last: number;
}

export class Asc implements Device, BusTarget {
  readonly id: string;
  readonly span = 0x1000;
  readonly access = BYTE_REGISTERS;
  readonly irq: Wire;
  readonly #log: DeviceLog;
  readonly #model: AscModel;
  readonly #sink: AudioSink;
  readonly #clocks: ReadonlyMap<number, ClockDomain>;
  readonly #task: Task;
  readonly #registers = new Uint8Array(0x800);
  readonly #channels: readonly [Channel, Channel];
  readonly #phase = new Uint32Array(VOICES);
  readonly #increment = new Uint32Array(VOICES);
  readonly #frames = new Int16Array(2 * CHUNK);
  /** Status of the ASC: what has happened since it was read. */
  #events = 0;
  #latched = false;
  /** The frame up to which everything has been played, by the present clock. */
  #played = 0;

  constructor(chip: ChipContext, model: AscModel, sink: AudioSink) {
    this.id = chip.id;
    this.#log = chip.log;
    this.#model = model;
    this.#sink = sink;
    this.irq = new Wire(`${chip.id}.irq`);
    this.#task = chip.scheduler.task(`${chip.id}.samples`, () => {
      this.#catchUp();
      this.#update();
    });
    const rates = new Set<number>(CLOCK_HZ);
    this.#clocks = new Map([...rates].map((hz) => [hz, chip.scheduler.clock(`${chip.id}.${hz}`, hz)]));
    const channel = (base: number): Channel => ({ base, fifo: new AscFifo(), xa: new CdXa(), accumulated: 0, last: 0 });
    this.#channels = [channel(CHANNEL_A), channel(CHANNEL_B)];
  }

  /** The FIFOs are fitted to 44.1 kHz. */
  get #enhanced(): boolean {
    return this.#model !== 'asc';
  }

  /** Frames a second. */
  get #rateHz(): number {
    return this.#enhanced ? CD_HZ : CLOCK_HZ[this.#registers[CLOCK_RATE]! & 3]!;
  }

  get #clock(): ClockDomain {
    return this.#clocks.get(this.#rateHz)!;
  }

  get #mode(): number {
    return this.#registers[MODE]! & (this.#enhanced ? 1 : 3);
  }

  get #stereo(): boolean {
    return this.#enhanced || (this.#registers[CONTROL]! & CONTROL_STEREO) !== 0;
  }

  // ---- registers --------------------------------------------------------------------------------------------------

  read(offset: number, _width: Width): number {
    this.#catchUp();
    const value = this.#peek(offset);
    if (offset === REGISTERS + FIFO_STATUS && this.#model === 'asc') {
      this.#events = 0;
      this.#latched = false;
    }
    this.#update();
    return value;
  }

  peek(offset: number): number {
    return this.#peek(offset);
  }

  #peek(offset: number): number {
    if (offset < REGISTERS) return this.#channels[offset < FIFO_BYTES ? 0 : 1].fifo.bytes[offset % FIFO_BYTES]!;
    const register = offset - REGISTERS;
    if (register >= WAVES && register < WAVES_END) return this.#readWave(register - WAVES);
    if (register >= CHANNEL_A && register < CHANNEL_B + CHANNEL_BYTES) return this.#readChannel(register);
    switch (register) {
      case VERSION:
        return VERSIONS[this.#model];
      case MODE:
        return this.#mode;
      case FIFO_STATUS:
        return this.#status;
      case CLOCK_RATE:
        return this.#model === 'easc' ? 3 : this.#registers[CLOCK_RATE]!;
      default:
        return this.#registers[register]!;
    }
  }

  #readWave(at: number): number {
    const values = at & 4 ? this.#increment : this.#phase;
    return (values[at >>> 3]! >>> (24 - 8 * (at & 3))) & 0xff;
  }

  #readChannel(register: number): number {
    const { fifo, base } = this.#channels[register < CHANNEL_B ? 0 : 1];
    const at = register - base;
    if (!this.#enhanced) return 0;
    if (this.#model === 'iosb' && at === UNKNOWN) return UNKNOWN_VALUE;
    if (at < READ_POINTER) return (fifo.writePointer >>> (at === WRITE_POINTER ? 8 : 0)) & 0xff;
    if (at < RATE) return (fifo.readPointer >>> (at === READ_POINTER ? 8 : 0)) & 0xff;
    return this.#registers[register]!;
  }

  write(offset: number, _width: Width, value: number): void {
    this.#catchUp();
    if (offset < REGISTERS) this.#writeBuffer(offset, value);
    else this.#writeRegister(offset - REGISTERS, value);
    this.#update();
  }

  #writeBuffer(offset: number, value: number): void {
    const index = offset < FIFO_BYTES ? 0 : 1;
    const { fifo } = this.#channels[index];
    if (!this.#enhanced && this.#mode !== MODE_FIFO) {
      fifo.bytes[offset % FIFO_BYTES] = value;
      return;
    }
    if (index === 1 && !this.#stereo) return;
    fifo.push(value);
    if (this.#enhanced) return;
    const [half, full] = index === 0 ? [HALF_A, FULL_OR_EMPTY_A] : [HALF_B, FULL_OR_EMPTY_B];
    if (fifo.full) this.#happened(full);
    else if (!fifo.belowHalf) this.#events &= ~half;
    else this.#events &= ~full;
  }

  #writeRegister(register: number, value: number): void {
    if (register >= WAVES && register < WAVES_END) {
      this.#writeWave(register - WAVES, value);
      return;
    }
    switch (register) {
      case VERSION:
      case FIFO_STATUS:
        this.#log.guest('write of %x to read-only register %x', value, REGISTERS + register);
        return;
      case MODE: {
        const before = this.#mode;
        this.#registers[MODE] = value;
        if (this.#mode !== before) this.#clear();
        return;
      }
      case CONTROL:
      case CLOCK_RATE:
        if (this.#enhanced) return;
        this.#registers[register] = value;
        this.#played = this.#clock.ticks;
        return;
      case FIFO_MODE:
        if (value & FIFO_CLEAR) {
          this.#clear();
          this.#events |= FULL_OR_EMPTY_A | FULL_OR_EMPTY_B;
        }
        if (value & 0x03) this.#log.unimp('companding %x', value);
        this.#registers[FIFO_MODE] = this.#model === 'iosb' ? 0 : value;
        return;
      case WAVE_CONTROL:
      case BATMAN_CONTROL:
        if (this.#model !== 'iosb') this.#registers[register] = value;
        return;
      case PLAY_RECORD:
        if (value & RECORD) this.#log.unimp('recording');
        this.#registers[PLAY_RECORD] = value;
        return;
      default:
        this.#registers[register] = value;
    }
  }

  #writeWave(at: number, value: number): void {
    if (this.#enhanced) return;
    const values = at & 4 ? this.#increment : this.#phase;
    const shift = 24 - 8 * (at & 3);
    values[at >>> 3] = ((values[at >>> 3]! & ~(0xff << shift)) | (value << shift)) & 0xff_ffff;
  }

  /** Empties both FIFOs. */
  #clear(): void {
    for (const channel of this.#channels) {
      channel.fifo.clear();
      channel.xa.reset();
      channel.accumulated = 0;
    }
    this.#played = this.#clock.ticks;
  }

  // ---- status and interrupt ---------------------------------------------------------------------------------------

  get #status(): number {
    const [a, b] = [this.#channels[0].fifo, this.#channels[1].fifo];
    const edge = (fifo: AscFifo): boolean => fifo.empty || fifo.full;
    if (this.#model === 'asc') return this.#events;
    if (this.#model === 'easc') {
      return (
        (a.belowHalf ? HALF_A : 0) |
        (edge(a) ? FULL_OR_EMPTY_A : 0) |
        (b.belowHalf ? HALF_B : 0) |
        (edge(b) ? FULL_OR_EMPTY_B : 0)
      );
    }
    return FULL_OR_EMPTY_A | (a.belowHalf || b.belowHalf ? HALF_B : 0) | (edge(a) || edge(b) ? FULL_OR_EMPTY_B : 0);
  }

  #happened(event: number): void {
    this.#events |= event;
    this.#latched = true;
  }

  #update(): void {
    const enabled = (base: number): boolean => (this.#registers[base + IRQ_DISABLE]! & 1) === 0;
    const status = this.#status;
    if (this.#model === 'asc') this.irq.set(this.#latched);
    else {
      this.irq.set(((status & HALF_A) !== 0 && enabled(CHANNEL_A)) || ((status & HALF_B) !== 0 && enabled(CHANNEL_B)));
    }
    this.#schedule();
  }

  // ---- sound ------------------------------------------------------------------------------------------------------

  get #sounds(): boolean {
    if (this.#mode === MODE_WAVES) return true;
    return this.#mode === MODE_FIFO && this.#channels.some(({ fifo }) => !fifo.empty);
  }

  /** Samples a channel takes for a frame, in 65536ths. */
  #step({ base }: Channel): number {
    const registers = this.#registers;
    if (!this.#enhanced || (registers[base + FIFO_CONTROL]! & RATE_CONVERSION) === 0) return UNITY;
    return ((registers[base + RATE]! << 8) | registers[base + RATE + 1]!) + 1;
  }

  /** The next look at the clock: a chunk of sound later, or when a FIFO will have fallen below half. */
  #schedule(): void {
    if (!this.#sounds) {
      this.#task.cancel();
      return;
    }
    let frames = CHUNK;
    if (this.#mode === MODE_FIFO) {
      for (const channel of this.#channels) {
        const { aboveHalf } = channel.fifo;
        if (aboveHalf > 0) frames = Math.min(frames, Math.ceil((aboveHalf * UNITY) / this.#step(channel)));
      }
    }
    this.#task.schedule(this.#clock.masterTicks(frames - (this.#clock.ticks - this.#played)));
  }

  /** Plays the frames whose time has come. */
  #catchUp(): void {
    const clock = this.#clock;
    const now = clock.ticks;
    let frames = Math.min(now - this.#played, MOST_FRAMES);
    this.#played = now;
    while (frames > 0 && this.#sounds) {
      const count = Math.min(frames, CHUNK);
      for (let i = 0; i < count; i++) {
        if (this.#mode === MODE_WAVES) this.#waveFrame(i);
        else this.#fifoFrame(i);
      }
      this.#sink.play(this.#frames.subarray(0, 2 * count), this.#rateHz, 2);
      frames -= count;
    }
  }

  #fifoFrame(i: number): void {
    const [a, b] = this.#channels;
    this.#advance(a, HALF_A);
    if (this.#stereo) this.#advance(b, HALF_B);
    else b.last = a.last;
    this.#frames[2 * i] = this.#scaled(this.#enhanced ? this.#mixed(SCALE_LEFT) : a.last);
    this.#frames[2 * i + 1] = this.#scaled(this.#enhanced ? this.#mixed(SCALE_RIGHT) : b.last);
  }

  /** Both channels on one side, by their scale factors. */
  #mixed(side: number): number {
    let sum = 0;
    for (const { base, last } of this.#channels) sum += (last * this.#registers[base + side]!) / FULL_SCALE;
    return Math.max(-0x8000, Math.min(0x7fff, Math.round(sum)));
  }

  #advance(channel: Channel, half: number): void {
    const { fifo } = channel;
    channel.accumulated += this.#step(channel);
    const above = !fifo.belowHalf;
    while (channel.accumulated >= UNITY) {
      channel.accumulated -= UNITY;
      if (!fifo.empty) channel.last = this.#sample(channel);
    }
    if (this.#model === 'asc' && above && fifo.belowHalf) {
      this.#events &= ~(half << 1);
      this.#happened(half);
    }
  }

  #sample({ base, fifo, xa }: Channel): number {
    const xaMode = this.#enhanced ? this.#registers[base + FIFO_CONTROL]! & XA_MODE : 0;
    if (xaMode === 0) return (fifo.pull() - 0x80) << 8;
    const coefficients = this.#registers.subarray(base + COEFFICIENTS, base + COEFFICIENTS + 8);
    return xa.next(XA_BITS[xaMode]!, coefficients, () => fifo.pull());
  }

  #waveFrame(i: number): void {
    let mixed = 0;
    for (let voice = 0; voice < VOICES; voice++) {
      const phase = (this.#phase[voice]! + this.#increment[voice]!) & 0xff_ffff;
      this.#phase[voice] = phase;
      const table = this.#channels[voice >>> 1]!.fifo.bytes;
      mixed += table[((voice & 1) << 9) | (phase >>> 15)]! - 0x80;
    }
    this.#frames[2 * i] = this.#frames[2 * i + 1] = this.#scaled((mixed << 8) >> 2);
  }

  /** The upper three bits of VOLUME set the amplifier behind the chip. */
  #scaled(sample: number): number {
    if (this.#model === 'iosb') return sample;
    return Math.trunc((sample * (this.#registers[VOLUME]! >>> 5)) / 7);
  }

  // ---- device -----------------------------------------------------------------------------------------------------

  reset(_kind: ResetKind): void {
    this.#task.cancel();
    this.#registers.fill(0);
    for (const { base, fifo } of this.#channels) {
      fifo.bytes.fill(0x80);
      this.#registers[base + IRQ_DISABLE] = 1;
      this.#registers[base + (base === CHANNEL_A ? SCALE_LEFT : SCALE_RIGHT)] = FULL_SCALE;
      this.#registers.set(DEFAULT_COEFFICIENTS, base + COEFFICIENTS);
    }
    for (const channel of this.#channels) channel.last = 0;
    this.#phase.fill(0);
    this.#increment.fill(0);
    this.#events = 0;
    this.#latched = false;
    this.#clear();
  }

  settle(): void {
    this.#update();
  }

  save(): PlainFields {
    this.#catchUp();
    return {
      registers: this.#registers.slice(),
      channels: this.#channels.map(({ fifo, xa, accumulated, last }) => ({
        fifo: fifo.save(),
        xa: xa.save(),
        accumulated,
        last,
      })),
      phase: this.#phase.slice(),
      increment: this.#increment.slice(),
      events: this.#events,
      latched: this.#latched,
    };
  }

  restore(state: PlainFields): void {
    const fields = new SavedFields(this.id, state);
    this.#registers.set(fields.bytes('registers', 0x800));
    const channels = fields.list('channels', 2);
    this.#channels.forEach((channel, i) => {
      const saved = new SavedFields(this.id, { channel: channels[i] ?? null }).nested('channel');
      channel.fifo.restore(saved.nested('fifo'));
      channel.xa.restore(saved.nested('xa'));
      channel.accumulated = saved.int('accumulated', 0, UNITY - 1);
      channel.last = saved.int('last', -0x8000, 0x7fff);
    });
    fields.words('phase', VOICES).forEach((value, i) => (this.#phase[i] = value & 0xff_ffff));
    fields.words('increment', VOICES).forEach((value, i) => (this.#increment[i] = value & 0xff_ffff));
    this.#events = fields.int('events', 0, 0x0f);
    this.#latched = fields.bool('latched');
    this.#played = this.#clock.ticks;
  }
}
