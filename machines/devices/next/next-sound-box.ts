// SPDX-License-Identifier: MIT
//
// The electronics of the NeXT MegaPixel Display, also sold as the sound box: keyboard and mouse controller, sound output
// (16 bits, 44.1 kHz, stereo) with its volume control, and the microphone's CODEC (8 bits, mu-law, 8 kHz).
//
// Sockets: the monitor port at the other end of the cable; KeyboardInput and PointerInput; wires `powerKey` and
// `resetKeys`; `speaker`, an AudioSink.
//
// Packets to it, by command:
//     0xff reset   0xc6 polling: addresses of the devices in seven digits   0xc5 write or read a device's register
//     0xc7 sound sample   0xc4 control lines: 0x10 speaker off, 0x08 low pass, 0x04 clock, 0x02 data, 0x01 strobe
//     0x07 sound out off, 0x0f on, 0x1f each sample twice, 0x3f each sample and a zero   0x03 sound in off, 0x0b on
// Volume is shifted in with the control lines: three bits of nothing, right, left, six bits of attenuation.
// Packets from it: 0xc6 with keyboard or mouse data; sound goes by DMA.
//
// Documents: none public; [Previous] kms.c, snd.c and [NetBSD next68k] nextkbd.c for packets and key numbers.
// Not modelled: a key or a mouse in a chain of devices; registers of keyboard and mouse (they answer "no response", which
// is what was seen on hardware, except the LEDs); the low pass filter; the microphone hears nothing.
import type { ChipContext } from '../../backplane/board.ts';
import { type Device, type PlainFields, type ResetKind, SavedFields, SnapshotError } from '../../backplane/device.ts';
import { type AudioSink, type KeyboardInput, type KeyCode, type PointerInput, silent } from '../../backplane/host.ts';
import type { DeviceLog } from '../../backplane/log.ts';
import type { ClockDomain, Task } from '../../backplane/scheduler.ts';
import { Wire } from '../../backplane/wire.ts';
import { KEY_GRAVE, KEY_MULTIPLY, KEY_POWER, NEXT_KEYS, NEXT_MODIFIERS } from './next-keys.ts';
import { FROM_MONITOR, type MonitorBox } from './next-monitor-port.ts';

/** The computer's end of the cable. */
export interface MonitorLink {
  receive(command: number, data: number): void;
  keyboardNmi(): void;
  pullSound(into: Uint8Array): number;
  pushSound(from: Uint8Array): void;
}

const CMD = { reset: 0xff, sample: 0xc7, poll: 0xc6, register: 0xc5, control: 0xc4, volume: 0xc2 } as const;
const CMD_SOUND_MASK = 0xc7;
const CMD_SOUND_OUT = 0x07;
const CMD_SOUND_IN = 0x03;
const SOUND_ON = 0x08;
const SOUND_DOUBLE = 0x10;
const SOUND_ZERO = 0x20;

const REG_RESET = 0x0f;
const REG_SET_ADDRESS = 0xef;
const REG_READ = 0x10;
const REG_NUMBER = 0xe0;
const ADDRESS = 0x0e;
const MOUSE = 0x01;

const NO_RESPONSE = 0x4000_0000;
const USER_POLL = 0x2000_0000;
const MASTER = 0x1000_0000;
const KEY_VALID = 0x8000;
const KEY_UP = 0x80;
const RIGHT_UP = 0x0100;
const LEFT_UP = 0x0001;

const COMMAND_KEYS = 0x18;
const LEFT_ALT_COMMAND = 0x28;

const CTL_SPEAKER_OFF = 0x10;
const CTL_CLOCK = 0x04;
const CTL_DATA = 0x02;
const CTL_STROBE = 0x01;
const VOLUME_BITS = 11;
export const QUIETEST = 43;
const DB_PER_STEP = 2;

/** Seven addresses that no device has. */
const NOBODY = 0xffff_fff0;
const POLL_NS = 5_000_000;
const MAX_EVENTS = 64;
const MAX_MOTION = 63;

const FRAME_BYTES = 4;
const CHUNK_FRAMES = 64;
const CHUNK_SAMPLES_IN = 64;
/** Mu-law for nothing to hear. */
const SILENCE = 0xff;

export interface NextSoundBoxOptions {
  /** 44.1 kHz. */
  readonly samples: ClockDomain;
  /** 8 kHz. */
  readonly codec: ClockDomain;
}

export class NextSoundBox implements Device, MonitorBox, KeyboardInput, PointerInput {
  readonly id: string;
  /** The power key is down. */
  readonly powerKey: Wire;
  /** Left Alternate, left Command and the keypad's asterisk: a pulse. */
  readonly resetKeys: Wire;
  /** Set by the board. */
  link: MonitorLink | undefined;
  /** Set by the board. */
  speaker: AudioSink = silent;
  readonly #log: DeviceLog;
  readonly #samples: ClockDomain;
  readonly #codec: ClockDomain;
  readonly #poll: Task;
  readonly #pollTicks: number;
  readonly #player: Task;
  readonly #recorder: Task;
  #address = 0;
  /** Devices that are polled: seven addresses of four bits, and the rate. */
  #polled = NOBODY;
  #modifiers = 0;
  #events: number[] = [];
  #dx = 0;
  #dy = 0;
  #buttons = 0;
  #buttonsSent = 0;
  #leds = 0;
  /** The sound out command that is in force; 0 while it is off. */
  #playing = 0;
  #recording = false;
  #control = 0;
  #shift = 0;
  #bits = 0;
  readonly #attenuation = [0, 0];

  constructor(chip: ChipContext, options: NextSoundBoxOptions) {
    this.id = chip.id;
    this.#log = chip.log;
    this.#samples = options.samples;
    this.#codec = options.codec;
    this.powerKey = new Wire(`${chip.id}.power-key`);
    this.resetKeys = new Wire(`${chip.id}.reset-keys`);
    this.#poll = chip.scheduler.task(`${chip.id}.poll`, () => this.#pollDevices());
    this.#pollTicks = chip.scheduler.ns(POLL_NS);
    this.#player = chip.scheduler.task(`${chip.id}.sound-out`, () => this.#play());
    this.#recorder = chip.scheduler.task(`${chip.id}.sound-in`, () => this.#record());
  }

  // ---- packets from the computer ----------------------------------------------------------------------------------

  packet(command: number, data: number): void {
    switch (command) {
      case CMD.poll:
        this.#polled = data >>> 0;
        return;
      case CMD.register:
        this.#register((data >>> 24) & 0xff, (data >>> 16) & 0xff);
        return;
      case CMD.control:
        this.#controlLines((data >>> 24) & 0xff);
        return;
      case CMD.sample:
        this.#output(Uint8Array.of(data >>> 24, data >>> 16, data >>> 8, data), 0);
        return;
      case CMD.reset:
        this.linkReset();
        return;
      case CMD.volume:
        this.#log.unimp('simple volume command, data %x', data);
        return;
    }
    switch (command & CMD_SOUND_MASK) {
      case CMD_SOUND_OUT:
        this.#playing = command & SOUND_ON ? command : 0;
        if (this.#playing === 0) this.#player.cancel();
        else if (!this.#player.scheduled) this.#player.schedule(this.#samples.masterTicks(1));
        return;
      case CMD_SOUND_IN:
        this.#recording = (command & SOUND_ON) !== 0;
        if (!this.#recording) this.#recorder.cancel();
        else if (!this.#recorder.scheduled) this.#recorder.schedule(this.#codec.masterTicks(CHUNK_SAMPLES_IN));
        return;
      default:
        this.#log.guest('unknown command %x, data %x', command, data);
    }
  }

  linkReset(): void {
    this.#address = this.#leds = 0;
    this.#polled = NOBODY;
    this.#playing = 0;
    this.#recording = false;
    this.#control = this.#shift = this.#bits = 0;
    this.#player.cancel();
    this.#recorder.cancel();
    this.#poll.cancel();
    this.#events = [];
    this.#dx = this.#dy = 0;
  }

  #register(register: number, value: number): void {
    if (register === REG_SET_ADDRESS) {
      this.#address = value & ADDRESS;
    } else if (register !== REG_RESET && !(register & (REG_READ | MOUSE | REG_NUMBER))) {
      this.#leds = value & 3;
    }
    this.link?.receive(FROM_MONITOR.keyMouse, ((this.#address << 24) | USER_POLL | NO_RESPONSE | MASTER) >>> 0);
  }

  // ---- keyboard and mouse -----------------------------------------------------------------------------------------

  /** Bit 1: the two lamps in the shift keys. */
  get leds(): number {
    return this.#leds === 0 ? 0 : 2;
  }

  key(code: KeyCode, down: boolean): void {
    const modifier = NEXT_MODIFIERS.get(code);
    if (modifier !== undefined) {
      this.#modifiers = down ? this.#modifiers | modifier : this.#modifiers & ~modifier;
      this.#enqueue(down ? 0 : KEY_UP);
      return;
    }
    const key = NEXT_KEYS.get(code);
    if (key === undefined) return;
    if (key === KEY_POWER) {
      this.powerKey.set(down);
    } else if (down && key === KEY_GRAVE && this.#modifiers & COMMAND_KEYS) {
      this.link?.keyboardNmi();
    } else if (down && key === KEY_MULTIPLY && (this.#modifiers & LEFT_ALT_COMMAND) === LEFT_ALT_COMMAND) {
      this.resetKeys.set(true);
      this.resetKeys.set(false);
    } else {
      this.#enqueue(key | (down ? 0 : KEY_UP));
    }
  }

  move(dx: number, dy: number, buttons: number): void {
    const within = (motion: number): number => Math.max(-0x4000, Math.min(0x4000, Math.trunc(motion) || 0));
    this.#dx = within(this.#dx + dx);
    this.#dy = within(this.#dy + dy);
    this.#buttons = buttons & 3;
    this.#startPolling();
  }

  #enqueue(event: number): void {
    if (this.#events.length < MAX_EVENTS) this.#events.push(KEY_VALID | (this.#modifiers << 8) | event);
    this.#startPolling();
  }

  #startPolling(): void {
    if (!this.#poll.scheduled) this.#poll.schedule(this.#pollTicks);
  }

  #isPolled(address: number): boolean {
    for (let digit = 1; digit < 8; digit++) {
      const polled = (this.#polled >>> (digit * 4)) & 0xf;
      if (polled === address) return true;
    }
    return false;
  }

  #pollDevices(): void {
    const event = this.#events.shift();
    if (event !== undefined) {
      if (this.#isPolled(this.#address)) {
        this.link?.receive(FROM_MONITOR.keyMouse, ((this.#address << 24) | MASTER | event) >>> 0);
      }
    } else if (this.#mouseMoved && this.#isPolled(this.#address | MOUSE)) {
      this.link?.receive(FROM_MONITOR.keyMouse, (((this.#address | MOUSE) << 24) | this.#mouseData()) >>> 0);
    } else {
      this.#dx = this.#dy = 0;
      this.#buttonsSent = this.#buttons;
    }
    if (this.#events.length > 0 || this.#mouseMoved) this.#startPolling();
  }

  get #mouseMoved(): boolean {
    return this.#dx !== 0 || this.#dy !== 0 || this.#buttons !== this.#buttonsSent;
  }

  /** Motion to the left and up is positive, seven bits each. */
  #mouseData(): number {
    const step = (motion: number): number => Math.max(-MAX_MOTION, Math.min(MAX_MOTION, motion));
    const dx = step(this.#dx);
    const dy = step(this.#dy);
    this.#dx -= dx;
    this.#dy -= dy;
    this.#buttonsSent = this.#buttons;
    const buttons = (this.#buttons & 1 ? 0 : LEFT_UP) | (this.#buttons & 2 ? 0 : RIGHT_UP);
    return ((-dy & 0x7f) << 9) | ((-dx & 0x7f) << 1) | buttons;
  }

  // ---- sound ------------------------------------------------------------------------------------------------------

  #controlLines(lines: number): void {
    const rising = lines & ~this.#control;
    if (lines & CTL_STROBE) {
      this.#setVolume();
    } else if (rising & CTL_CLOCK) {
      this.#shift = ((this.#shift << 1) | (lines & CTL_DATA ? 1 : 0)) & 0xffff;
      this.#bits = Math.min(this.#bits + 1, VOLUME_BITS + 1);
    } else if (!((lines ^ this.#control) & CTL_CLOCK)) {
      this.#shift = this.#bits = 0;
    }
    this.#control = lines;
  }

  #setVolume(): void {
    if (this.#bits !== VOLUME_BITS) {
      this.#log.guest('volume of %d bits', this.#bits);
      return;
    }
    const attenuation = Math.min(QUIETEST, this.#shift & 0x3f);
    if (this.#shift & 0x40) this.#attenuation[0] = attenuation;
    if (this.#shift & 0x80) this.#attenuation[1] = attenuation;
  }

  #play(): void {
    const data = new Uint8Array(CHUNK_FRAMES * FRAME_BYTES);
    const got = this.link?.pullSound(data) ?? 0;
    this.#output(data.subarray(0, got - (got % FRAME_BYTES)), this.#playing);
    const frames = this.#playing & SOUND_DOUBLE ? CHUNK_FRAMES * 2 : CHUNK_FRAMES;
    if (this.#playing !== 0) this.#player.schedule(this.#samples.masterTicks(frames));
  }

  #output(data: Uint8Array, mode: number): void {
    const doubled = (mode & SOUND_DOUBLE) !== 0;
    const samples = new Int16Array((data.length >> 1) << (doubled ? 1 : 0));
    const view = new DataView(data.buffer, data.byteOffset, data.length);
    const mute = (this.#control & CTL_SPEAKER_OFF) !== 0;
    const gains = this.#attenuation.map((steps) =>
      mute || steps === QUIETEST ? 0 : 10 ** ((-steps * DB_PER_STEP) / 20),
    );
    for (let from = 0, to = 0; from < data.length; from += FRAME_BYTES) {
      const left = Math.round(view.getInt16(from) * gains[0]!);
      const right = Math.round(view.getInt16(from + 2) * gains[1]!);
      samples[to++] = left;
      samples[to++] = right;
      if (!doubled) continue;
      samples[to++] = mode & SOUND_ZERO ? 0 : left;
      samples[to++] = mode & SOUND_ZERO ? 0 : right;
    }
    this.speaker.play(samples, this.#samples.hz, 2);
  }

  #record(): void {
    this.link?.pushSound(new Uint8Array(CHUNK_SAMPLES_IN).fill(SILENCE));
    if (this.#recording) this.#recorder.schedule(this.#codec.masterTicks(CHUNK_SAMPLES_IN));
  }

  // ---- device -----------------------------------------------------------------------------------------------------

  reset(kind: ResetKind): void {
    this.linkReset();
    if (kind === 'warm') return;
    this.#modifiers = this.#buttons = this.#buttonsSent = 0;
    this.#attenuation.fill(0);
    this.#poll.cancel();
  }

  settle(): void {}

  save(): PlainFields {
    return {
      address: this.#address,
      polled: this.#polled,
      modifiers: this.#modifiers,
      events: [...this.#events],
      motion: [this.#dx, this.#dy],
      buttons: this.#buttons,
      buttonsSent: this.#buttonsSent,
      leds: this.#leds,
      playing: this.#playing,
      recording: this.#recording,
      control: this.#control,
      shift: this.#shift,
      bits: this.#bits,
      attenuation: [...this.#attenuation],
      pollIn: this.#poll.remaining,
      playIn: this.#player.remaining,
      recordIn: this.#recorder.remaining,
    };
  }

  restore(state: PlainFields): void {
    const saved = new SavedFields(this.id, state);
    const numbers = (name: string, min: number, max: number, most: number): number[] =>
      saved.list(name, most).map((value) => {
        if (typeof value !== 'number' || !Number.isInteger(value) || value < min || value > max) {
          throw new SnapshotError(`${this.id}: bad ${name}`);
        }
        return value;
      });
    const [dx = 0, dy = 0] = numbers('motion', -0x4000, 0x4000, 2);
    const [left = 0, right = 0] = numbers('attenuation', 0, QUIETEST, 2);
    this.#address = saved.int('address', 0, ADDRESS) & ADDRESS;
    this.#polled = saved.u32('polled');
    this.#modifiers = saved.int('modifiers', 0, 0x7f);
    this.#events = numbers('events', 0, 0xffff, MAX_EVENTS);
    this.#dx = dx;
    this.#dy = dy;
    this.#buttons = saved.int('buttons', 0, 3);
    this.#buttonsSent = saved.int('buttonsSent', 0, 3);
    this.#leds = saved.int('leds', 0, 3);
    this.#playing = saved.u8('playing');
    this.#recording = saved.bool('recording');
    this.#control = saved.u8('control');
    this.#shift = saved.u16('shift');
    this.#bits = saved.int('bits', 0, VOLUME_BITS + 1);
    this.#attenuation[0] = left;
    this.#attenuation[1] = right;
    const task = (name: string): number => saved.int(name, -1, Number.MAX_SAFE_INTEGER);
    this.#poll.restore(task('pollIn'));
    this.#player.restore(this.#playing === 0 ? -1 : task('playIn'));
    this.#recorder.restore(this.#recording ? task('recordIn') : -1);
  }
}
