// SPDX-License-Identifier: MIT
//
// Sound of the goldfish virtual board: two buffers of 16-bit stereo samples at 44.1 kHz that take turns.
//
// Sockets: span 0x1000, wire `irq`, `memory` (bus master, physical addresses), an AudioSink.
//
//     00 INT_STATUS  04 INT_ENABLE  08 SET_WRITE_BUFFER_1  0c SET_WRITE_BUFFER_2  10 WRITE_BUFFER_1  14 WRITE_BUFFER_2
//     18 READ_SUPPORTED  1c SET_READ_BUFFER  20 START_READ  24 READ_BUFFER_AVAILABLE
//
// INT_STATUS: 0 and 1 first and second buffer empty, 2 input has come. A buffer is read when its length is written, and
// empty when it has been heard. The output goes high when a bit that is enabled is set, and low when INT_STATUS is read,
// which clears no bit. Writing INT_ENABLE empties both buffers.
//
// Documents: [GOLDFISH] §VI; [AOSP qemu] audio.c; [AOSP kernel] mach-goldfish/audio.c.
// Not modelled: input, which the board says it does not have. A buffer has at most 64 KiB.
import type { ChipContext } from '../../backplane/board.ts';
import type { AccessRules, BusTarget, Width } from '../../backplane/bus.ts';
import { type Device, type PlainFields, type ResetKind, SavedFields } from '../../backplane/device.ts';
import type { DmaAccess } from '../../backplane/dma.ts';
import type { AudioSink } from '../../backplane/host.ts';
import type { DeviceLog } from '../../backplane/log.ts';
import type { Scheduler, Task } from '../../backplane/scheduler.ts';
import { Wire } from '../../backplane/wire.ts';
import { goldfishAccess } from './goldfish.ts';

const INT_STATUS = 0x00;
const INT_ENABLE = 0x04;
const SET_WRITE_BUFFER_1 = 0x08;
const SET_WRITE_BUFFER_2 = 0x0c;
const WRITE_BUFFER_1 = 0x10;
const WRITE_BUFFER_2 = 0x14;
const READ_SUPPORTED = 0x18;
const SET_READ_BUFFER = 0x1c;
const START_READ = 0x20;
const READ_BUFFER_AVAILABLE = 0x24;

const BOTH_EMPTY = 3;
const INT_ALL = 7;
const RATE_HZ = 44_100;
const FRAME_BYTES = 4;
const MOST_BYTES = 1 << 16;
/** Heard at a time: 10 ms. */
const PIECE_FRAMES = 441;

export class GoldfishAudio implements Device, BusTarget {
  readonly id: string;
  readonly span = 0x1000;
  readonly access: AccessRules = goldfishAccess('little');
  readonly irq: Wire;
  readonly #log: DeviceLog;
  readonly #scheduler: Scheduler;
  readonly #memory: DmaAccess;
  readonly #sink: AudioSink;
  readonly #task: Task;
  readonly #addresses = new Uint32Array(2);
  /** What is still to be heard of each buffer. */
  #waiting: [Uint8Array, Uint8Array] = [new Uint8Array(0), new Uint8Array(0)];
  /** The buffer being heard. */
  #current = 0;
  /** Frames that will have been heard when the task is due. */
  #playing = 0;
  #status = BOTH_EMPTY;
  #enabled = 0;
  #signalled = false;

  constructor(chip: ChipContext, options: { readonly memory: DmaAccess; readonly sink: AudioSink }) {
    this.id = chip.id;
    this.#log = chip.log;
    this.#scheduler = chip.scheduler;
    this.#memory = options.memory;
    this.#sink = options.sink;
    this.irq = new Wire(`${chip.id}.irq`);
    this.#task = chip.scheduler.task(`${chip.id}.play`, () => this.#heard());
  }

  read(offset: number, _width: Width): number {
    const value = this.peek(offset);
    if (offset === INT_STATUS && value !== 0) {
      this.#signalled = false;
      this.irq.set(false);
    }
    if (value === undefined) this.#log.guest('read of no register, %x', offset);
    return value ?? 0;
  }

  peek(offset: number): number | undefined {
    switch (offset) {
      case INT_STATUS:
        return this.#status & this.#enabled;
      case READ_SUPPORTED:
      case READ_BUFFER_AVAILABLE:
        return 0;
      default:
        return undefined;
    }
  }

  write(offset: number, _width: Width, value: number): void {
    switch (offset) {
      case INT_ENABLE:
        this.#enable(value & INT_ALL);
        return;
      case SET_WRITE_BUFFER_1:
      case SET_WRITE_BUFFER_2:
        this.#addresses[(offset - SET_WRITE_BUFFER_1) >>> 2] = value;
        return;
      case WRITE_BUFFER_1:
      case WRITE_BUFFER_2:
        this.#fill((offset - WRITE_BUFFER_1) >>> 2, value >>> 0);
        return;
      case SET_READ_BUFFER:
        return;
      case START_READ:
        this.#log.guest('%d bytes of input wanted from a board that has none', value);
        return;
      default:
        this.#log.guest('write of %x to register %x', value, offset);
    }
  }

  #enable(mask: number): void {
    this.#silence();
    this.#enabled = mask;
    this.#status = BOTH_EMPTY;
    this.#signalled = (this.#status & mask) !== 0;
    this.#update();
  }

  #silence(): void {
    this.#task.cancel();
    this.#waiting = [new Uint8Array(0), new Uint8Array(0)];
    this.#current = this.#playing = 0;
  }

  #fill(index: number, length: number): void {
    if (length > MOST_BYTES) this.#log.guest('%d bytes of sound are cut', length);
    const bytes = new Uint8Array(Math.min(length, MOST_BYTES) & -FRAME_BYTES);
    this.#memory.dmaRead(this.#addresses[index]!, bytes);
    this.#waiting[index] = bytes;
    this.#status &= ~(1 << index);
    // A buffer that is written again while it is heard begins anew after the present piece.
    if (!this.#task.scheduled) {
      this.#current = index;
      this.#next();
    }
  }

  /** Begins the next piece; buffers without a frame are empty at once. */
  #next(): void {
    for (let tried = 0; tried < 2; tried++) {
      const waiting = this.#waiting[this.#current]!.length / FRAME_BYTES;
      if (waiting > 0) {
        this.#playing = Math.min(waiting, PIECE_FRAMES);
        this.#task.schedule(this.#scheduler.ns((this.#playing * 1e9) / RATE_HZ));
        return;
      }
      this.#empty(this.#current);
      this.#current ^= 1;
    }
    this.#playing = 0;
  }

  #empty(index: number): void {
    if (this.#status & (1 << index)) return;
    this.#status |= 1 << index;
    if (this.#enabled & (1 << index)) this.#signalled = true;
    this.#update();
  }

  #heard(): void {
    const buffer = this.#waiting[this.#current]!;
    const bytes = buffer.subarray(0, this.#playing * FRAME_BYTES);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    const samples = new Int16Array(bytes.length / 2);
    for (let i = 0; i < samples.length; i++) samples[i] = view.getInt16(i * 2, true);
    this.#waiting[this.#current] = buffer.subarray(bytes.length);
    this.#sink.play(samples, RATE_HZ, 2);
    this.#next();
  }

  #update(): void {
    this.irq.set(this.#signalled);
  }

  reset(_kind: ResetKind): void {
    this.#silence();
    this.#addresses.fill(0);
    this.#status = BOTH_EMPTY;
    this.#enabled = 0;
    this.#signalled = false;
  }

  settle(): void {
    this.#update();
  }

  save(): PlainFields {
    return {
      addresses: this.#addresses.slice(),
      first: this.#waiting[0].slice(),
      second: this.#waiting[1].slice(),
      current: this.#current,
      playing: this.#playing,
      due: this.#task.remaining,
      status: this.#status,
      enabled: this.#enabled,
      signalled: this.#signalled,
    };
  }

  restore(state: PlainFields): void {
    const saved = new SavedFields(this.id, state);
    this.#addresses.set(saved.words('addresses', 2));
    const [first, second] = [saved.bytes('first', undefined, MOST_BYTES), saved.bytes('second', undefined, MOST_BYTES)];
    this.#waiting = [first.subarray(0, first.length & -FRAME_BYTES), second.subarray(0, second.length & -FRAME_BYTES)];
    this.#current = saved.int('current', 0, 1);
    this.#playing = saved.int('playing', 0, PIECE_FRAMES);
    this.#status = saved.int('status', 0, INT_ALL);
    this.#enabled = saved.int('enabled', 0, INT_ALL);
    this.#signalled = saved.bool('signalled');
    this.#task.restore(saved.int('due', -1, Number.MAX_SAFE_INTEGER));
  }
}
