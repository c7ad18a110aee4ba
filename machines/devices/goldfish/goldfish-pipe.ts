// SPDX-License-Identifier: MIT
//
// Pipes of the goldfish virtual board ("qemu_pipe"): byte streams between programs of the guest and services of the
// emulator. A program writes "pipe:NAME" with a zero byte to a new pipe; it is refused when there is no such service.
//
// Sockets: span 0x1000, wire `irq`; `memory` (the kernel's own addresses) and `physical` for buffers; `services`.
//
//     00 COMMAND (w)  04 STATUS  08 CHANNEL  0c SIZE (w)  10 ADDRESS (w)  14 WAKES  18 PARAMS_ADDR_LOW  1c _HIGH
//     20 ACCESS_PARAMS (w)  24 VERSION  30 CHANNEL_HIGH  34 ADDRESS_HIGH (w)
//
// Commands for the pipe CHANNEL: 1 OPEN, 2 CLOSE, 3 POLL, 4 WRITE_BUFFER, 5 WAKE_ON_WRITE, 6 READ_BUFFER, 7 WAKE_ON_READ.
// STATUS: the bytes moved, or -1 invalid, -2 try again, -3 no memory, -4 the pipe is closed; of POLL 0 readable,
// 1 writable, 2 closed. Reading CHANNEL gives the next pipe that was waited for, 0 for none, and WAKES why: 0 closed,
// 1 readable, 2 writable. ACCESS_PARAMS: channel, size, address, command, status and flags come from PARAMS_ADDR.
// Once VERSION has been read, addresses are physical.
//
// Documents: [GOLDFISH] §XIV; [AOSP qemu] pipe.c, pipe.h; [AOSP kernel] qemupipe/qemu_pipe.c; Linux goldfish_pipe.c.
// Not modelled: blocks of parameters for processors of 64 bits. At most 64 pipes, a command moves at most 64 KiB.
import type { ChipContext } from '../../backplane/board.ts';
import type { AccessRules, BusTarget, Width } from '../../backplane/bus.ts';
import { type Device, type PlainFields, type ResetKind, SavedFields, SnapshotError } from '../../backplane/device.ts';
import type { DmaAccess } from '../../backplane/dma.ts';
import type { DeviceLog } from '../../backplane/log.ts';
import { Wire } from '../../backplane/wire.ts';
import { goldfishAccess } from './goldfish.ts';
import { MOST_PIPE_BYTES, PIPE_ERROR, POLL, Pipe, type PipeServices } from './pipe-services.ts';

const COMMAND = 0x00;
const STATUS = 0x04;
const CHANNEL = 0x08;
const SIZE = 0x0c;
const ADDRESS = 0x10;
const WAKES = 0x14;
const PARAMS_ADDR_LOW = 0x18;
const PARAMS_ADDR_HIGH = 0x1c;
const ACCESS_PARAMS = 0x20;
const VERSION = 0x24;
const CHANNEL_HIGH = 0x30;
const ADDRESS_HIGH = 0x34;

const CMD_OPEN = 1;
const CMD_CLOSE = 2;
const CMD_POLL = 3;
const CMD_WRITE_BUFFER = 4;
const CMD_WAKE_ON_WRITE = 5;
const CMD_READ_BUFFER = 6;
const CMD_WAKE_ON_READ = 7;

const WAKE_CLOSED = 1;
const WAKE_READ = 2;
const WAKE_WRITE = 4;

const DEVICE_VERSION = 1;
const PARAMETER_WORDS = 4;
const RESULT_AT = 16;
const MOST_PIPES = 64;

/** Registers that only keep what is written. */
const KEPT = [CHANNEL, CHANNEL_HIGH, SIZE, ADDRESS, ADDRESS_HIGH, PARAMS_ADDR_LOW, PARAMS_ADDR_HIGH] as const;

interface OpenPipe {
  readonly pipe: Pipe;
  /** What the guest waits for. */
  waits: number;
  /** What it is to be told. */
  wakes: number;
}

export interface GoldfishPipeOptions {
  readonly memory: DmaAccess;
  readonly physical: DmaAccess;
  readonly services: PipeServices;
}

export class GoldfishPipe implements Device, BusTarget {
  readonly id: string;
  readonly span = 0x1000;
  readonly access: AccessRules = goldfishAccess('little');
  readonly irq: Wire;
  readonly #log: DeviceLog;
  readonly #options: GoldfishPipeOptions;
  readonly #kept = new Uint32Array(KEPT.length);
  readonly #pipes = new Map<bigint, OpenPipe>();
  #status = 0;
  #wakes = 0;
  #physical = false;

  constructor(chip: ChipContext, options: GoldfishPipeOptions) {
    this.id = chip.id;
    this.#log = chip.log;
    this.#options = options;
    this.irq = new Wire(`${chip.id}.irq`);
  }

  #register(offset: (typeof KEPT)[number]): number {
    return this.#kept[KEPT.indexOf(offset)]!;
  }

  get #channel(): bigint {
    return (BigInt(this.#register(CHANNEL_HIGH)) << 32n) | BigInt(this.#register(CHANNEL));
  }

  /** The first pipe the guest is to be told of. */
  #signalled(): [bigint, OpenPipe] | undefined {
    for (const entry of this.#pipes) if (entry[1].wakes !== 0) return entry;
    return undefined;
  }

  read(offset: number, _width: Width): number {
    const value = this.peek(offset);
    if (value === undefined) this.#log.guest('read of no register, %x', offset);
    if (offset === CHANNEL) this.#takeSignal();
    if (offset === VERSION) this.#physical = true;
    return value ?? 0;
  }

  #takeSignal(): void {
    const [, open] = this.#signalled() ?? [];
    if (open === undefined) return;
    this.#wakes = open.wakes;
    open.wakes = 0;
    this.#update();
  }

  peek(offset: number): number | undefined {
    switch (offset) {
      case STATUS:
        return this.#status >>> 0;
      case CHANNEL:
        return Number(BigInt.asUintN(32, this.#signalled()?.[0] ?? 0n));
      case CHANNEL_HIGH:
        return Number((this.#signalled()?.[0] ?? 0n) >> 32n);
      case WAKES:
        return this.#wakes;
      case PARAMS_ADDR_LOW:
      case PARAMS_ADDR_HIGH:
        return this.#register(offset);
      case VERSION:
        return DEVICE_VERSION;
      default:
        return undefined;
    }
  }

  write(offset: number, _width: Width, value: number): void {
    const kept = (KEPT as readonly number[]).indexOf(offset);
    if (kept >= 0) this.#kept[kept] = value;
    else if (offset === COMMAND) this.#command(value >>> 0);
    else if (offset === ACCESS_PARAMS) this.#accessParameters();
    else this.#log.guest('write of %x to register %x', value, offset);
  }

  #accessParameters(): void {
    const at = this.#register(PARAMS_ADDR_LOW);
    if (this.#register(PARAMS_ADDR_HIGH) !== 0 || at === 0) {
      this.#log.guest('parameters at %x, which is not memory', at);
      return;
    }
    const words = new Uint8Array(PARAMETER_WORDS * 4);
    const view = new DataView(words.buffer);
    this.#options.physical.dmaRead(at, words);
    const command = view.getUint32(12, true);
    this.write(CHANNEL, 4, view.getUint32(0, true));
    this.write(CHANNEL_HIGH, 4, 0);
    this.write(SIZE, 4, view.getUint32(4, true));
    this.write(ADDRESS, 4, view.getUint32(8, true));
    this.write(ADDRESS_HIGH, 4, 0);
    if (command !== CMD_READ_BUFFER && command !== CMD_WRITE_BUFFER) return;
    this.#command(command);
    view.setInt32(0, this.#status, true);
    this.#options.physical.dmaWrite((at + RESULT_AT) >>> 0, words.subarray(0, 4));
  }

  #command(command: number): void {
    const channel = this.#channel;
    const open = this.#pipes.get(channel);
    if (command === CMD_OPEN) this.#status = this.#open(channel);
    else if (open === undefined) this.#status = PIPE_ERROR.invalid;
    else if (command === CMD_CLOSE) {
      this.#pipes.delete(channel);
      this.#status = 0;
    } else if (open.pipe.closed) this.#status = PIPE_ERROR.io;
    else this.#status = this.#serve(command, open);
    this.#wake();
  }

  #open(channel: bigint): number {
    if (channel === 0n || this.#pipes.has(channel)) return PIPE_ERROR.invalid;
    if (this.#pipes.size >= MOST_PIPES) {
      this.#log.guest('more than %d pipes', MOST_PIPES);
      return PIPE_ERROR.noMemory;
    }
    this.#pipes.set(channel, { pipe: new Pipe(this.#options.services), waits: 0, wakes: 0 });
    return 0;
  }

  #serve(command: number, open: OpenPipe): number {
    switch (command) {
      case CMD_POLL:
        return open.pipe.poll();
      case CMD_WRITE_BUFFER:
      case CMD_READ_BUFFER:
        return this.#move(command === CMD_WRITE_BUFFER, open.pipe);
      case CMD_WAKE_ON_WRITE:
      case CMD_WAKE_ON_READ:
        open.waits |= command === CMD_WAKE_ON_WRITE ? WAKE_WRITE : WAKE_READ;
        return 0;
      default:
        this.#log.guest('no command %d', command);
        return this.#status;
    }
  }

  #move(write: boolean, pipe: Pipe): number {
    if (this.#register(ADDRESS_HIGH) !== 0) return PIPE_ERROR.invalid;
    const at = this.#register(ADDRESS);
    const memory = this.#physical ? this.#options.physical : this.#options.memory;
    const bytes = new Uint8Array(Math.min(this.#register(SIZE), MOST_PIPE_BYTES));
    if (write) {
      memory.dmaRead(at, bytes);
      return pipe.write(bytes);
    }
    const moved = pipe.read(bytes);
    if (moved > 0) memory.dmaWrite(at, bytes.subarray(0, moved));
    return moved;
  }

  /** Whoever waits for what has come is told, once. */
  #wake(): void {
    for (const open of this.#pipes.values()) {
      const state = open.pipe.poll();
      let come = 0;
      if (state & POLL.closed) come |= WAKE_CLOSED;
      if (state & POLL.readable) come |= WAKE_READ & open.waits;
      if (state & POLL.writable) come |= WAKE_WRITE & open.waits;
      if (open.waits === 0 || come === 0) continue;
      open.wakes |= come;
      open.waits &= state & POLL.closed ? 0 : ~come;
    }
    this.#update();
  }

  #update(): void {
    this.irq.set(this.#signalled() !== undefined);
  }

  reset(_kind: ResetKind): void {
    this.#pipes.clear();
    this.#kept.fill(0);
    this.#status = this.#wakes = 0;
    this.#physical = false;
  }

  settle(): void {
    this.#update();
  }

  save(): PlainFields {
    return {
      kept: this.#kept.slice(),
      status: this.#status,
      wakes: this.#wakes,
      physical: this.#physical,
      pipes: [...this.#pipes].map(([channel, { pipe, waits, wakes }]) => ({
        channel,
        waits,
        wakes,
        pipe: pipe.save(),
      })),
    };
  }

  restore(state: PlainFields): void {
    const saved = new SavedFields(this.id, state);
    const pipes = new Map<bigint, OpenPipe>();
    for (const one of saved.list('pipes', MOST_PIPES)) {
      if (one === null || typeof one !== 'object' || Array.isArray(one) || ArrayBuffer.isView(one)) throw this.#bad();
      const fields = new SavedFields(`${this.id}.pipes`, one);
      const channel = one['channel'];
      if (typeof channel !== 'bigint' || channel !== BigInt.asUintN(64, channel)) throw this.#bad();
      const pipe = new Pipe(this.#options.services);
      pipe.restore(fields.nested('pipe'));
      pipes.set(channel, { pipe, waits: fields.int('waits', 0, 7), wakes: fields.int('wakes', 0, 7) });
    }
    const [kept, status] = [saved.words('kept', KEPT.length), saved.int('status', -4, MOST_PIPE_BYTES)];
    const [wakes, physical] = [saved.int('wakes', 0, 7), saved.bool('physical')];
    this.#pipes.clear();
    for (const [channel, open] of pipes) this.#pipes.set(channel, open);
    this.#kept.set(kept);
    this.#status = status;
    this.#wakes = wakes;
    this.#physical = physical;
  }

  #bad(): SnapshotError {
    return new SnapshotError(`${this.id}: field "pipes" should be pipes`);
  }
}
