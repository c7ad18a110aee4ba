// SPDX-License-Identifier: MIT
//
// Apple descriptor-based DMA: channels that run programs of 16-byte commands in memory, each serving one device.
//
// Sockets of the container: span 0x100 a channel (at 0x8000 in the Mac-IO chips), little-endian words. Of each channel:
// a DmaPeer (the device), of which the channel is the DmaChannel; wire `irq`, which pulses. Memory through DbdmaMemory.
//
// A command in memory, little-endian:
// ┌───────────┬──────────────────────────────────┐
// │ reqCount  │ cmd:4 0 key:3 00 i:2 b:2 w:2     │ +0, +2
// ├───────────┴──────────────────────────────────┤
// │ address                                      │ +4
// ├──────────────────────────────────────────────┤
// │ cmdDep: branch address, or data of a quad    │ +8
// ├───────────┬──────────────────────────────────┤
// │ resCount  │ xferStatus                       │ +12, +14, written when the command completes
// └───────────┴──────────────────────────────────┘
//
// Documents: Macintosh Technology in the Common Hardware Reference Platform, chapter 5 [CHRP-MAC].
// Not modelled, as in the Mac-IO chips: 64-bit addresses, TransferModes, second data pointer, KEY_DEVICE, transfers
// other than streams. The streams 1 to 3 are stream 0.
import type { ChipContext } from '../../backplane/board.ts';
import { type BusTarget, LITTLE_WORDS, type Width, swapBytes } from '../../backplane/bus.ts';
import { type Device, type PlainFields, type ResetKind, SavedFields } from '../../backplane/device.ts';
import type { DmaAccess, DmaChannel, DmaPeer } from '../../backplane/dma.ts';
import type { DeviceLog } from '../../backplane/log.ts';
import type { Scheduler, Task } from '../../backplane/scheduler.ts';
import { Wire } from '../../backplane/wire.ts';

/** Physical memory, and registers for quads, as a big-endian bus master sees them. */
export interface DbdmaMemory extends DmaAccess {
  read(pa: number, width: Width): number;
  write(pa: number, width: Width, value: number): void;
}

export interface DbdmaTiming {
  /** For the fetch and execution of a command that moves no stream data. */
  readonly commandNs: number;
  /** From the start of a program to its first stream data, besides the time for the bytes. */
  readonly latencyNs: number;
  readonly byteNs: number;
}

/** The chip's side of it, about the PCI bus's rate: devices pace themselves. Mac OS 9 wants a latency near 1 ms. */
const DEFAULT_TIMING: DbdmaTiming = { commandNs: 1000, latencyNs: 20_000, byteNs: 10 };

export const DBDMA_WINDOW = 0x100;

const CHANNEL_CONTROL = 0x00;
const CHANNEL_STATUS = 0x04;
const COMMAND_PTR_HI = 0x08;
const COMMAND_PTR_LO = 0x0c;
const INTERRUPT_SELECT = 0x10;
const BRANCH_SELECT = 0x14;
const WAIT_SELECT = 0x18;
const LAST_DEFINED = 0x3c;

const RUN = 0x8000;
const PAUSE = 0x4000;
const FLUSH = 0x2000;
const WAKE = 0x1000;
const DEAD = 0x0800;
const ACTIVE = 0x0400;
const BT = 0x0100; // the last command branched
const DEVICE_STATUS = 0x00ff; // s7-s0
const SELECT_BITS = 0x00ff_00ff; // mask in the upper half, value in the lower

const OUTPUT_MORE = 0;
const OUTPUT_LAST = 1;
const INPUT_MORE = 2;
const INPUT_LAST = 3;
const STORE_QUAD = 4;
const LOAD_QUAD = 5;
const NOP = 6;
const STOP = 7;

const KEY_STREAM3 = 3;
const KEY_REGS = 5;
const KEY_SYSTEM = 6;

const COMMAND_BYTES = 16;
const RES_COUNT = 12;
const XFER_STATUS = 14;

/** Commands executed in one event at most, so that a program that branches to itself cannot hold up the machine. */
const COMMANDS_AN_EVENT = 16;
/** Bytes offered to the device at once. */
const PIECE_BYTES = 2048;

/** Where the channel is in its current command. */
const PHASE = { fetch: 0, transfer: 1, device: 2, complete: 3 } as const;
type Phase = (typeof PHASE)[keyof typeof PHASE];

/** One channel; made by {@link Dbdma}. */
export class DbdmaChannel implements BusTarget, DmaChannel {
  readonly name: string;
  readonly span = DBDMA_WINDOW;
  readonly access = LITTLE_WORDS;
  /** Pulses for each interrupt. */
  readonly irq: Wire;
  readonly #memory: DbdmaMemory;
  readonly #log: DeviceLog;
  readonly #task: Task;
  readonly #scheduler: Scheduler;
  readonly #timing: DbdmaTiming;
  #peer: DmaPeer | undefined;
  #status = 0;
  #commandPtr = 0;
  #interruptSelect = 0;
  #branchSelect = 0;
  #waitSelect = 0;
  #phase: Phase = PHASE.fetch;
  /** The current command as fetched: command and reqCount, address, cmdDep. */
  readonly #command = new Uint32Array(3);
  /** Bytes of its data moved so far. */
  #moved = 0;
  /** STOP was executed since the program was started or woken. */
  #stopped = true;
  /** No stream data was moved since then. */
  #fresh = true;
  /** The device called `request` while it was being served. */
  #requested = false;
  #serving = false;

  constructor(name: string, context: ChipContext, memory: DbdmaMemory, timing: DbdmaTiming) {
    this.name = name;
    this.irq = new Wire(`${name}.irq`);
    this.#memory = memory;
    this.#log = context.log;
    this.#scheduler = context.scheduler;
    this.#timing = timing;
    this.#task = context.scheduler.task(name, () => this.#run());
  }

  /** Plugs in the device; it must call {@link request} when it can move bytes or its status bits changed. */
  connect(peer: DmaPeer): this {
    if (this.#peer !== undefined) throw new Error(`${this.name} serves two devices`);
    this.#peer = peer;
    return this;
  }

  get connected(): boolean {
    return this.#peer !== undefined;
  }

  get active(): boolean {
    return (this.#status & ACTIVE) !== 0;
  }

  /** The device can move bytes now, or its status bits changed. */
  request(): void {
    this.#requested = true;
    if (this.#serving || !this.active) return;
    if (this.#phase === PHASE.device || this.#phase === PHASE.complete) this.#schedule(this.#timing.commandNs);
  }

  /** The device ended its data before the command's were all moved: the rest is the residual count. */
  endOfData(): void {
    if (!this.active || (this.#phase !== PHASE.transfer && this.#phase !== PHASE.device)) return;
    this.#phase = PHASE.complete;
    if (!this.#serving) this.#schedule(this.#timing.commandNs);
  }

  // ---- Registers -------------------------------------------------------------------------------------------------

  read(offset: number, _width: Width): number {
    return this.peek(offset);
  }

  peek(offset: number): number {
    switch (offset) {
      case CHANNEL_STATUS:
        return this.#channelStatus;
      case COMMAND_PTR_LO:
        return this.#commandPtr;
      case INTERRUPT_SELECT:
        return this.#interruptSelect;
      case BRANCH_SELECT:
        return this.#branchSelect;
      case WAIT_SELECT:
        return this.#waitSelect;
      default:
        return 0; // ChannelControl is write-only, the rest does not exist
    }
  }

  write(offset: number, _width: Width, value: number): void {
    switch (offset) {
      case CHANNEL_CONTROL:
        this.#control(value >>> 16, value & 0xffff);
        break;
      case CHANNEL_STATUS:
        break;
      case COMMAND_PTR_LO:
        if (this.active) this.#log.guest(`${this.name}: CommandPtrLo written with %x while active`, value);
        else this.#commandPtr = (value & ~(COMMAND_BYTES - 1)) >>> 0;
        break;
      case INTERRUPT_SELECT:
        this.#interruptSelect = value & SELECT_BITS;
        break;
      case BRANCH_SELECT:
        this.#branchSelect = value & SELECT_BITS;
        break;
      case WAIT_SELECT:
        this.#waitSelect = value & SELECT_BITS;
        this.#reconsiderWait();
        break;
      default:
        if (offset > LAST_DEFINED) this.#log.guest(`${this.name}: write to undefined register %x`, offset);
        else if (value !== 0 || offset !== COMMAND_PTR_HI) {
          this.#log.unimp(`${this.name}: write of register %x`, offset);
        }
    }
  }

  get #channelStatus(): number {
    return this.#status | ((this.#peer?.dmaStatus?.() ?? 0) & DEVICE_STATUS);
  }

  #control(mask: number, value: number): void {
    const set = mask & value;
    this.#status = (this.#status & ~(mask & DEVICE_STATUS)) | (set & DEVICE_STATUS);
    if (set & FLUSH) this.#flush();
    if (mask & RUN && !(value & RUN)) {
      this.#halt();
      this.#status &= ~(RUN | WAKE | DEAD);
    }
    if (mask & PAUSE) {
      this.#status = (this.#status & ~PAUSE) | (set & PAUSE);
      if (set & PAUSE) {
        this.#status &= ~ACTIVE;
        this.#task.cancel();
      }
    }
    if (set & RUN) {
      this.#status |= RUN;
      if (!this.active) this.#stopped = false;
    }
    if (set & WAKE && this.#status & RUN) {
      this.#status |= WAKE;
      if (!this.active) this.#stopped = false;
    }
    const runnable = (this.#status & (RUN | PAUSE | DEAD)) === RUN && !this.#stopped;
    if (runnable && !this.active) {
      this.#status |= ACTIVE;
      if (this.#phase === PHASE.fetch) this.#fresh = true;
      this.#schedule(this.#timing.commandNs);
    }
    if (mask & DEVICE_STATUS) this.#reconsiderWait();
  }

  /** Moves what the device has, and shows memory how far an input command is. */
  #flush(): void {
    const transferring = this.#phase === PHASE.transfer || this.#phase === PHASE.device;
    if (!this.active || !transferring || !isInput(this.#operation)) return;
    this.#move();
    this.#writeBack(this.#channelStatus | FLUSH);
    if (this.#moved === this.#reqCount || this.#requested) this.#schedule(this.#timing.commandNs);
  }

  /** The program ends here: RUN was cleared, STOP was executed, or it went wrong. */
  #halt(): void {
    const was = this.active;
    this.#status &= ~ACTIVE;
    this.#stopped = true;
    this.#phase = PHASE.fetch;
    this.#task.cancel();
    if (was) this.#peer?.dmaStopped?.();
  }

  // ---- Programs --------------------------------------------------------------------------------------------------

  get #operation(): number {
    return this.#command[0]! >>> 28;
  }

  get #reqCount(): number {
    return this.#command[0]! & 0xffff;
  }

  #schedule(ns: number): void {
    this.#task.schedule(this.#scheduler.ns(ns));
  }

  #reconsiderWait(): void {
    if (this.active && this.#phase === PHASE.complete) this.#schedule(this.#timing.commandNs);
  }

  /** Executes commands until one takes time or waits for the device. */
  #run(): void {
    for (let executed = 0; executed < COMMANDS_AN_EVENT; executed++) {
      if (this.#phase === PHASE.fetch) this.#fetch();
      else if (this.#phase !== PHASE.complete) this.#transfer();
      if (!this.active || this.#phase !== PHASE.complete) return;
      if (!this.#complete()) return;
    }
    this.#schedule(this.#timing.commandNs * COMMANDS_AN_EVENT);
  }

  #fetch(): void {
    const bytes = new Uint8Array(COMMAND_BYTES);
    this.#memory.dmaRead(this.#commandPtr, bytes);
    const view = new DataView(bytes.buffer);
    for (let word = 0; word < 3; word++) this.#command[word] = view.getUint32(4 * word, true);
    this.#status &= ~WAKE;
    this.#moved = 0;
    this.#phase = PHASE.complete;
    const key = (this.#command[0]! >>> 24) & 7;
    switch (this.#operation) {
      case OUTPUT_MORE:
      case OUTPUT_LAST:
      case INPUT_MORE:
      case INPUT_LAST:
        this.#beginTransfer(key);
        break;
      case STORE_QUAD:
      case LOAD_QUAD:
        this.#quad(key);
        break;
      case NOP:
        break;
      case STOP:
        this.#halt();
        break;
      default:
        this.#die(`${this.name}: invalid command %x at %x`, this.#command[0]!, this.#commandPtr);
    }
  }

  #beginTransfer(key: number): void {
    if (key > KEY_STREAM3) {
      this.#die(`${this.name}: stream command with key %d at %x`, key, this.#commandPtr);
      return;
    }
    if (key !== 0) this.#log.unimp(`${this.name}: stream %d is taken as stream 0`, key);
    if (this.#peer === undefined) this.#log.unimp(`${this.name}: transfer, but no device is connected`);
    if (this.#reqCount === 0) return;
    this.#phase = PHASE.transfer;
    this.#schedule((this.#fresh ? this.#timing.latencyNs : 0) + this.#reqCount * this.#timing.byteNs);
    this.#fresh = false;
  }

  #transfer(): void {
    this.#move();
    if (!this.active) return;
    if (this.#moved === this.#reqCount) {
      this.#phase = PHASE.complete;
    } else if (this.#phase !== PHASE.complete) {
      this.#phase = PHASE.device;
      if (this.#requested) this.#schedule(this.#timing.commandNs);
    }
  }

  /** Moves as many bytes as the device takes or gives. */
  #move(): void {
    if (this.#peer === undefined || this.#serving) return;
    const address = this.#command[1]!;
    const input = isInput(this.#operation);
    this.#requested = false;
    this.#serving = true;
    while (this.#moved < this.#reqCount) {
      const piece = new Uint8Array(Math.min(PIECE_BYTES, this.#reqCount - this.#moved));
      const pa = (address + this.#moved) >>> 0;
      let count: number;
      if (input) {
        count = this.#peer.dmaIn(piece);
        if (count > 0) this.#memory.dmaWrite(pa, piece.subarray(0, count));
      } else {
        this.#memory.dmaRead(pa, piece);
        count = this.#peer.dmaOut(piece);
      }
      this.#moved += count;
      if (count < piece.length) break;
    }
    this.#serving = false;
  }

  #quad(key: number): void {
    const request = this.#reqCount & 7;
    const width: Width = request & 4 ? 4 : request & 2 ? 2 : 1;
    const address = (this.#command[1]! & ~(width - 1)) >>> 0;
    if (key !== KEY_SYSTEM && key !== KEY_REGS) {
      this.#die(`${this.name}: quad with key %d at %x`, key, this.#commandPtr);
      return;
    }
    const mask = width === 4 ? 0xffff_ffff : (1 << (8 * width)) - 1;
    // The data are little-endian; the bus is seen big-endian.
    if (this.#operation === STORE_QUAD) {
      const value = (this.#command[2]! & mask) >>> 0;
      if (key === KEY_SYSTEM) this.#memory.write(address, width, swapBytes(value, width));
      else this.write(address & 0xfc, 4, value);
      return;
    }
    const value =
      key === KEY_SYSTEM ? swapBytes(this.#memory.read(address, width), width) : this.peek(address & 0xfc) & mask;
    const bytes = new Uint8Array(4);
    new DataView(bytes.buffer).setUint32(0, value, true);
    this.#memory.dmaWrite((this.#commandPtr + 8) >>> 0, bytes);
  }

  /** Ends the current command; false while its wait condition holds. */
  #complete(): boolean {
    const control = this.#command[0]! >>> 16;
    const operation = this.#operation;
    const isQuad = operation === STORE_QUAD || operation === LOAD_QUAD;
    if (this.#condition(control & 3, this.#waitSelect)) return false;
    const branches = !isQuad && this.#condition((control >>> 2) & 3, this.#branchSelect);
    const interrupts = this.#condition((control >>> 4) & 3, this.#interruptSelect);
    this.#status = branches ? this.#status | BT : this.#status & ~BT;
    this.#writeBack(this.#channelStatus);
    this.#commandPtr = branches
      ? (this.#command[2]! & ~(COMMAND_BYTES - 1)) >>> 0
      : (this.#commandPtr + COMMAND_BYTES) >>> 0;
    this.#phase = PHASE.fetch;
    if (interrupts) this.#pulse();
    // The interrupt's sink, or a quad, may have halted the channel.
    return this.active;
  }

  /** The i, b and w fields: never, if the selected status bits have the selected values, if not, always. */
  #condition(field: number, select: number): boolean {
    if (field === 0) return false;
    if (field === 3) return true;
    const mask = select >>> 16;
    const equal = (this.#channelStatus & mask) === (select & mask);
    return field === 1 ? equal : !equal;
  }

  #writeBack(status: number): void {
    const bytes = new Uint8Array(4);
    const view = new DataView(bytes.buffer);
    view.setUint16(0, this.#operation <= INPUT_LAST ? this.#reqCount - this.#moved : this.#reqCount, true);
    view.setUint16(2, status, true);
    if (this.#operation === NOP) this.#memory.dmaWrite((this.#commandPtr + XFER_STATUS) >>> 0, bytes.subarray(2));
    else this.#memory.dmaWrite((this.#commandPtr + RES_COUNT) >>> 0, bytes);
  }

  #die(message: string, ...values: number[]): void {
    this.#log.guest(message, ...values);
    this.#halt();
    this.#status |= DEAD;
    this.#pulse();
  }

  #pulse(): void {
    this.irq.set(true);
    this.irq.set(false);
  }

  // ---- State -----------------------------------------------------------------------------------------------------

  reset(): void {
    this.#status = 0;
    this.#commandPtr = 0;
    this.#interruptSelect = 0;
    this.#branchSelect = 0;
    this.#waitSelect = 0;
    this.#phase = PHASE.fetch;
    this.#command.fill(0);
    this.#moved = 0;
    this.#stopped = true;
    this.#fresh = true;
    this.#requested = false;
    this.#task.cancel();
  }

  settle(): void {
    this.irq.set(false);
  }

  save(): PlainFields {
    return {
      status: this.#status,
      commandPtr: this.#commandPtr,
      interruptSelect: this.#interruptSelect,
      branchSelect: this.#branchSelect,
      waitSelect: this.#waitSelect,
      phase: this.#phase,
      command: this.#command.slice(),
      moved: this.#moved,
      stopped: this.#stopped,
      fresh: this.#fresh,
      requested: this.#requested,
      due: this.#task.remaining,
    };
  }

  restore(state: PlainFields): void {
    const fields = new SavedFields(this.name, state);
    const command = fields.words('command', 3);
    const moved = fields.int('moved', 0, command[0]! & 0xffff);
    const phase = fields.int('phase', PHASE.fetch, PHASE.complete) as Phase;
    const status = fields.u16('status');
    const commandPtr = fields.u32('commandPtr');
    const interruptSelect = fields.u32('interruptSelect');
    const branchSelect = fields.u32('branchSelect');
    const waitSelect = fields.u32('waitSelect');
    const stopped = fields.bool('stopped');
    const fresh = fields.bool('fresh');
    const requested = fields.bool('requested');
    const due = fields.int('due', -1, Number.MAX_SAFE_INTEGER);
    this.#status = status & (RUN | PAUSE | WAKE | DEAD | ACTIVE | BT | DEVICE_STATUS);
    this.#commandPtr = (commandPtr & ~(COMMAND_BYTES - 1)) >>> 0;
    this.#interruptSelect = interruptSelect & SELECT_BITS;
    this.#branchSelect = branchSelect & SELECT_BITS;
    this.#waitSelect = waitSelect & SELECT_BITS;
    this.#phase = phase;
    this.#command.set(command);
    this.#moved = moved;
    this.#stopped = stopped;
    this.#fresh = fresh;
    this.#requested = requested;
    this.#task.restore(due);
  }
}

const isInput = (operation: number): boolean => operation === INPUT_MORE || operation === INPUT_LAST;

export interface DbdmaOptions {
  readonly memory: DbdmaMemory;
  /** Number of channel windows. Default 16, the Mac-IO chips' 0x8000 to 0x8fff. */
  readonly channels?: number;
  readonly timing?: Partial<DbdmaTiming>;
  /** Windows that show the registers of another channel: [window, channel]. */
  readonly aliases?: readonly (readonly [window: number, channel: number])[];
}

/** The channels of one chip, and their register windows side by side. */
export class Dbdma implements Device, BusTarget {
  readonly id: string;
  readonly span: number;
  readonly access = LITTLE_WORDS;
  readonly channels: readonly DbdmaChannel[];
  readonly #windows: readonly DbdmaChannel[];

  constructor(context: ChipContext, options: DbdmaOptions) {
    this.id = context.id;
    const count = options.channels ?? 16;
    const timing = { ...DEFAULT_TIMING, ...options.timing };
    this.channels = Array.from(
      { length: count },
      (_, n) => new DbdmaChannel(`${context.id}:${n}`, context, options.memory, timing),
    );
    const aliases = new Map(options.aliases);
    this.#windows = this.channels.map((channel, n) => this.channels[aliases.get(n) ?? n] ?? channel);
    this.span = count * DBDMA_WINDOW;
  }

  /** Channel `n`; there must be one. */
  channel(n: number): DbdmaChannel {
    const channel = this.channels[n];
    if (channel === undefined) throw new RangeError(`${this.id} has no channel ${n}`);
    return channel;
  }

  read(offset: number, width: Width): number {
    return this.#windows[Math.floor(offset / DBDMA_WINDOW)]?.read(offset % DBDMA_WINDOW, width) ?? 0;
  }

  write(offset: number, width: Width, value: number): void {
    this.#windows[Math.floor(offset / DBDMA_WINDOW)]?.write(offset % DBDMA_WINDOW, width, value);
  }

  peek(offset: number): number | undefined {
    return this.#windows[Math.floor(offset / DBDMA_WINDOW)]?.peek(offset % DBDMA_WINDOW);
  }

  reset(_kind: ResetKind): void {
    for (const channel of this.channels) channel.reset();
  }

  settle(): void {
    for (const channel of this.channels) channel.settle();
  }

  save(): PlainFields {
    return { channels: this.channels.map((channel) => channel.save()) };
  }

  restore(state: PlainFields): void {
    const list = new SavedFields(this.id, state).list('channels', this.channels.length);
    const fields = new SavedFields(this.id, Object.fromEntries(list.entries()));
    for (const [n, channel] of this.channels.entries()) channel.restore(fields.fields(String(n)));
  }
}
