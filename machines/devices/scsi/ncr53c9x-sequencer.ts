// SPDX-License-Identifier: MIT
//
// The sequencer of the 53C9x: it carries out the bus phases of a command. The chip around it has the registers, the two
// ranks of commands and the interrupts; see ncr53c9x.ts.
import { type PlainFields, SavedFields } from '../../backplane/device.ts';
import type { DmaChannel } from '../../backplane/dma.ts';
import type { Scheduler, Task } from '../../backplane/scheduler.ts';
import { FIFO_BYTES, Ncr53c9xData } from './ncr53c9x-data.ts';
import { CMD, COMMAND_CODE, COMMAND_DMA, INT_BS, INT_DIS, INT_FC, INT_RESEL, INT_RST } from './ncr53c9x-registers.ts';
import { PHASE, type Phase } from './scsi.ts';
import { SCSI_ADDRESSES, type ScsiBus, type ScsiInitiator } from './scsi-bus.ts';

const RESET_CLOCK_CONVERSION = 2;
const RESET_SYNC_PERIOD = 5;
// [SCSI-2 §5.5] Bus free and bus settle delays, then the arbitration delay, then bus clear and settle.
const BUS_FREE_NS = 1_200;
const ARBITRATION_NS = 3_600;
/** Clocks of an asynchronous byte. */
const ASYNC_CLOCKS = 5;
/** In units of the conversion factor's clocks. */
const BUS_RESET_UNITS = 130;
const TIMEOUT_UNITS = 8192;
/** A DMA channel moves this much between two looks at the clock. */
const DMA_BURST_BYTES = 2048;

/** What the sequencer does or waits for. */
const STATES = [
  'idle',
  'resetBus',
  'waitFree',
  'arbitrate',
  'select',
  'selectTimeout',
  'message', // of a selection, from the FIFO
  'command', // of a selection, from the FIFO
  'transfer',
  'pad',
  'status', // of COMMAND COMPLETE STEPS
  'completion', // its message
  'lastMessage', // a message byte is here and its ACK held; DMA still takes it
  'accept',
  'reselect',
] as const;
type State = (typeof STATES)[number];

/** What the sequencer needs of the chip. */
export interface SequencerChip {
  readonly dma: DmaChannel | undefined;
  /** A bus reset is to be told of. */
  readonly reportsReset: boolean;
  /** The command interrupts; `foreseen`: the one behind it may follow. Without interrupt bits it follows at once. */
  ended(interrupt: number, foreseen: boolean): void;
  /** A reselection puts an end to all commands. */
  dropCommands(): void;
  /** Outputs follow the state. */
  update(): void;
}

export class Ncr53c9xSequencer implements ScsiInitiator {
  readonly data: Ncr53c9xData;
  /** Registers that only the sequencer uses. */
  readonly timing = { clockHz: 1, conversion: 0, period: 0, offset: 0, timeout: 0, destination: 0 };
  step = 0;
  /** Inside a call of a DMA channel. */
  serving = false;
  readonly #chip: SequencerChip;
  readonly #bus: ScsiBus;
  readonly #scheduler: Scheduler;
  readonly #work: Task;
  #address: number;
  /** The command in progress. */
  #command = 0;
  #state: State = 'idle';
  /** Connected to a target, as far as the sequencer has seen. */
  #connected = false;
  #selectionEnabled = false;
  #drivesReset = false;
  /** The phase of TRANSFER INFORMATION and TRANSFER PAD, or -1 until the target requests. */
  #phase = -1;
  /** Something was moved by the command, or in the present part of a selection. */
  #moved = false;
  /** Message bytes of a selection still to be sent. */
  #messages = 0;
  /** What a DMA channel may move before the next look at the clock, and what it has moved ahead of time. */
  #budget = 0;
  #ahead = 0;

  constructor(
    id: string,
    scheduler: Scheduler,
    bus: ScsiBus,
    address: number,
    data: Ncr53c9xData,
    chip: SequencerChip,
  ) {
    this.#scheduler = scheduler;
    this.#bus = bus;
    this.#address = address;
    this.data = data;
    this.#chip = chip;
    this.#work = scheduler.task(`${id}.sequencer`, () => this.#due());
    bus.attachInitiator(address, this);
  }

  get address(): number {
    return this.#address;
  }

  set address(address: number) {
    if (address === this.#address) return;
    if (this.#drivesReset) this.#endBusReset();
    this.#bus.moveInitiator(this.#address, address);
    this.#address = address;
  }

  get connected(): boolean {
    return this.#connected;
  }

  /** The phase lines. */
  get phase(): Phase {
    return this.#bus.phase;
  }

  // ---- commands ---------------------------------------------------------------------------------------------------

  /** Carries out a command. True: it is already over, without an interrupt. */
  start(command: number): boolean {
    this.#command = command;
    switch (this.#code) {
      case CMD.flushFifo:
        this.data.clear();
        return true;
      case CMD.resetBus:
        this.#beginBusReset();
        return false;
      case CMD.setAtn:
      case CMD.resetAtn:
        this.#bus.setAtn(this.#address, this.#code === CMD.setAtn);
        return true;
      case CMD.enableSelection:
        this.#selectionEnabled = true;
        return true;
      case CMD.disableSelection:
        this.#selectionEnabled = false;
        this.#finish(INT_FC);
        return false;
      case CMD.messageAccepted:
        this.#state = 'accept';
        this.#bus.acknowledge(this.#address);
        break;
      case CMD.transfer:
      case CMD.pad:
        this.#begin(this.#code === CMD.pad ? 'pad' : 'transfer');
        this.#phase = -1;
        break;
      case CMD.completeSteps:
        this.#begin('status');
        this.data.direction = this.#byDma ? 'in' : 'none';
        break;
      default: // the selections
        this.step = 0;
        this.#state = 'waitFree';
        this.#followFree();
        return false;
    }
    this.#follow();
    return false;
  }

  get #code(): number {
    return this.#command & COMMAND_CODE;
  }

  get #byDma(): boolean {
    return (this.#command & COMMAND_DMA) !== 0;
  }

  #begin(state: State): void {
    this.#state = state;
    this.data.direction = 'none';
    this.#moved = false;
    this.#budget = this.#ahead = 0;
    this.#work.cancel();
  }

  #finish(interrupt: number): void {
    this.#begin('idle');
    this.#chip.ended(interrupt, true);
  }

  /** The target did what the command had not foreseen. */
  #fail(interrupt: number): void {
    this.#begin('idle');
    this.#chip.ended(interrupt, false);
  }

  // ---- FIFO and DMA -----------------------------------------------------------------------------------------------

  writeFifo(value: number): void {
    this.data.push(value);
    this.#follow();
  }

  readFifo(): number {
    if (this.data.length === 0) return 0;
    const value = this.data.shift(1)[0]!;
    this.#follow();
    return value;
  }

  /** A DACK cycle for one byte: the byte, or -1 where DRQ will not come. */
  dackRead(): number {
    if (this.data.direction !== 'in') return -1;
    if (this.data.length === 0) this.#hurry();
    if (this.data.length === 0) return -1;
    const value = this.data.shift(1)[0]!;
    this.#follow();
    this.#chip.update();
    return value;
  }

  /** A DACK cycle of 16 bits: two bytes, the first one high, or the last byte alone and zero; -1 as above. */
  dackReadWord(): number {
    if (this.data.direction !== 'in') return -1;
    if (this.data.length < 2) this.#hurry();
    if (this.data.length === 0) return -1;
    const bytes = this.data.shift(Math.min(2, this.data.length));
    this.#follow();
    this.#chip.update();
    return (bytes[0]! << 8) | (bytes[1] ?? 0);
  }

  /** A DACK cycle with one byte. False: DRQ will not come. */
  dackWrite(value: number): boolean {
    if (this.data.direction !== 'out' || this.data.ended) return false;
    if (this.data.length === FIFO_BYTES) this.#hurry();
    if (this.data.length === FIFO_BYTES) return false;
    this.data.push(value & 0xff);
    this.data.countDown(1);
    this.#follow();
    this.#chip.update();
    return true;
  }

  /** Processor time is not bus time: what the bus would do while the processor is held happens now. */
  #hurry(): void {
    if (!this.#moving) return;
    this.#work.cancel();
    this.#ahead = 0;
    this.#move();
  }

  dmaIn(into: Uint8Array): number {
    if (this.data.direction !== 'in' || this.serving) return 0;
    this.serving = true;
    let done = Math.min(into.length, this.data.length);
    into.set(this.data.shift(done));
    if (this.#state === 'transfer' && this.#phase === PHASE.dataIn && this.#requested) {
      const wanted = Math.min(into.length - done, this.#budget, this.data.counter);
      const got = wanted > 0 ? this.#bus.receive(this.#address, into.subarray(done, done + wanted)) : 0;
      this.#ranAhead(got);
      this.data.countDown(got);
      done += got;
    }
    this.#follow();
    this.serving = false;
    this.#chip.update();
    return done;
  }

  dmaOut(bytes: Uint8Array): number {
    if (this.data.direction !== 'out' || this.serving) return 0;
    this.serving = true;
    const offered = Math.min(bytes.length, this.data.ended ? 0 : this.data.counter);
    let done = 0;
    if (this.#state === 'transfer' && this.#phase === PHASE.dataOut && this.#requested && this.data.length === 0) {
      const wanted = Math.min(offered, this.#budget);
      done = wanted > 0 ? this.#bus.send(this.#address, bytes.subarray(0, wanted)) : 0;
      this.#ranAhead(done);
    }
    while (done < offered && this.data.length < FIFO_BYTES) this.data.push(bytes[done++]!);
    this.data.countDown(done);
    this.#follow();
    this.serving = false;
    this.#chip.update();
    return done;
  }

  #ranAhead(bytes: number): void {
    this.#budget -= bytes;
    this.#ahead += bytes;
    if (bytes > 0) this.#moved = true;
  }

  // ---- phases -----------------------------------------------------------------------------------------------------

  /** The target requests a byte. */
  get #requested(): boolean {
    return this.#connected && this.#bus.connected(this.#address) && this.#bus.req && !this.#bus.ack;
  }

  /** The sequencer is in a state that moves bytes. */
  get #moving(): boolean {
    switch (this.#state) {
      case 'message':
      case 'command':
      case 'transfer':
      case 'pad':
      case 'status':
      case 'completion':
      case 'reselect':
        return true;
      default:
        return false;
    }
  }

  /** How many bytes can go over the bus now. */
  get #movable(): number {
    if (!this.#requested) return 0;
    const phase = this.#bus.phase;
    const inward = (phase & 1) !== 0;
    switch (this.#state) {
      case 'message':
        return phase === PHASE.messageOut ? Math.min(this.data.length, this.#messages) : 0;
      case 'command':
        return phase === PHASE.command ? this.data.length : 0;
      case 'transfer': {
        if (phase !== this.#phase) return 0;
        if (!inward) return this.data.length;
        if (!this.#byDma) return this.#moved || this.data.length === FIFO_BYTES ? 0 : 1;
        const room = Math.min(FIFO_BYTES - this.data.length, this.data.counter);
        return phase === PHASE.messageIn ? Math.min(room, 1) : room;
      }
      case 'pad':
        if (phase !== this.#phase) return 0;
        return Math.min(this.#byDma ? this.data.counter : FIFO_BYTES, phase === PHASE.messageIn ? 1 : FIFO_BYTES);
      case 'status':
        return inward && this.data.length < FIFO_BYTES ? 1 : 0;
      case 'completion':
      case 'reselect':
        return phase === PHASE.messageIn && this.data.length < FIFO_BYTES ? 1 : 0;
      default:
        return 0;
    }
  }

  /** Something may have changed: gives bytes that can move their time, or ends what is over. */
  #follow(): void {
    if (this.#work.scheduled) return;
    if (this.#state === 'lastMessage') {
      if (!this.data.requests) this.#finish(INT_FC);
      return;
    }
    if (!this.#requested) return;
    if (this.#phase < 0 && (this.#state === 'transfer' || this.#state === 'pad')) this.#beginPhase();
    const bytes = this.#movable;
    if (bytes > 0) this.#pace(bytes);
    else if (this.#ahead > 0) this.#payAhead();
    else this.#judge();
  }

  #pace(bytes: number): void {
    this.#work.schedule(Math.max(1, this.#scheduler.ns(bytes * this.#byteNs)));
  }

  /** Gives the bytes a channel moved ahead of time their time. */
  #payAhead(): void {
    this.#pace(this.#ahead);
    this.#ahead = 0;
  }

  #beginPhase(): void {
    this.#phase = this.#bus.phase;
    if (this.#byDma && this.#state === 'transfer') this.data.direction = (this.#phase & 1) !== 0 ? 'in' : 'out';
  }

  /** The target requests, and nothing can move: waits for the FIFO, or the command is over. */
  #judge(): void {
    const phase = this.#bus.phase;
    switch (this.#state) {
      case 'message':
        if (phase === PHASE.messageOut && this.#messages > 0) {
          if (!this.#moved) this.step = 1;
          return;
        }
        // ATN stays asserted where not all messages went out.
        if (this.#messages > 0) {
          this.step = this.#moved ? 2 : 0;
          return this.#finish(INT_FC | INT_BS);
        }
        this.step = 2;
        this.#state = 'command';
        this.#moved = false;
        return this.#follow();
      case 'command':
        if (phase === PHASE.command) {
          if (!this.#moved && this.step === 0) this.step = 1;
          return;
        }
        if (!this.#moved) this.step = 2;
        else if (this.data.length > 0 || (this.#byDma && !this.data.ended)) this.step = 3;
        else this.step = 4;
        return this.#finish(INT_FC | INT_BS);
      case 'transfer':
        return this.#judgeTransfer(phase);
      case 'pad':
        if (phase !== this.#phase) return this.#fail(INT_BS);
        return this.#finish(INT_BS);
      case 'status':
        return this.#fail(INT_BS);
      case 'completion':
        if (!this.data.requests) this.#fail(INT_BS);
        return;
      case 'reselect':
        return this.#fail(INT_RESEL);
      case 'accept':
        return this.#finish(INT_BS);
      default:
    }
  }

  #judgeTransfer(phase: Phase): void {
    const inward = (this.#phase & 1) !== 0;
    // What has come in goes to memory first.
    if (inward && this.data.requests) return;
    if (phase !== this.#phase) return this.#fail(INT_BS);
    const ended = this.#byDma ? this.data.ended : this.#moved;
    if (ended && (inward || this.data.length === 0)) this.#finish(INT_BS);
  }

  /** Moves what can be moved now. */
  #move(): void {
    const count = this.#movable;
    if (count > 0) {
      if ((this.#bus.phase & 1) !== 0) this.#receive(count);
      else this.#send(count);
    }
    this.#follow();
  }

  #receive(count: number): void {
    const bytes = new Uint8Array(count);
    const got = this.#bus.receive(this.#address, bytes);
    if (got === 0) return;
    this.#moved = true;
    const state = this.#state;
    if (state !== 'pad') for (let i = 0; i < got; i++) this.data.push(bytes[i]!);
    const counted = this.#byDma && state !== 'reselect';
    if (counted) this.data.countDown(Math.min(got, this.data.counter));
    switch (state) {
      case 'status':
        // Only now does the target go on to its message.
        this.#state = 'completion';
        if (this.#bus.ack) this.#state = 'lastMessage';
        return;
      case 'completion':
        this.#state = 'lastMessage';
        return;
      case 'reselect':
        return this.#fail(INT_RESEL);
      case 'transfer':
        if (!this.#bus.ack) return;
        // ACK of the last message byte stays asserted until MESSAGE ACCEPTED.
        if (!this.#byDma || this.data.counter === 0) this.#state = 'lastMessage';
        else this.#bus.acknowledge(this.#address);
        return;
      default:
        if (this.#bus.ack) this.#bus.acknowledge(this.#address);
    }
  }

  #send(count: number): void {
    if (this.#state === 'pad') {
      const sent = this.#bus.send(this.#address, new Uint8Array(count));
      if (sent > 0) this.#moved = true;
      if (this.#byDma) this.data.countDown(sent);
      return;
    }
    if (this.#bus.phase !== PHASE.messageOut) {
      if (this.#state === 'command') this.step = 3;
      this.#pass(count);
      return;
    }
    // ATN is negated before the last byte of the message.
    const more = this.#byDma && !this.data.ended;
    const last = this.#state === 'message' ? count === this.#messages : count === this.data.length && !more;
    const stops = this.#state === 'message' && this.#code === CMD.selectAtnStop;
    const before = last && !stops ? count - 1 : count;
    let sent = before > 0 ? this.#pass(before) : 0;
    if (last && !stops && sent === before) {
      this.#bus.setAtn(this.#address, false);
      sent += this.#pass(1);
    }
    if (this.#state !== 'message') return;
    this.#messages -= sent;
    if (this.#messages > 0 || !stops) return;
    this.step = 1;
    this.#finish(INT_FC | INT_BS);
  }

  /** Sends from the FIFO; how many the target took. */
  #pass(count: number): number {
    const sent = this.#bus.send(this.#address, this.data.first(count));
    this.data.shift(sent);
    if (sent > 0) this.#moved = true;
    return sent;
  }

  #due(): void {
    switch (this.#state) {
      case 'resetBus':
        this.#endBusReset();
        if (this.#chip.reportsReset) return this.#finish(INT_RST);
        this.#begin('idle');
        return this.#chip.ended(0, true);
      case 'waitFree':
        // The bus was free for long enough; if it still is, our bit goes onto it.
        if (!this.#bus.arbitrate(this.#address)) return this.#followFree();
        return this.#after('arbitrate', ARBITRATION_NS);
      case 'arbitrate':
        return this.#select();
      case 'selectTimeout':
        this.#state = 'idle';
        this.#bus.release(this.#address);
        return this.#fail(INT_DIS);
      default:
    }
    if (this.#ahead > 0) return this.#payAhead();
    this.#budget = DMA_BURST_BYTES;
    this.#move();
    this.#chip.update();
    if (this.data.requests && !this.serving) this.#chip.dma?.request();
  }

  #after(state: State, ns: number): void {
    this.#state = state;
    this.#work.schedule(Math.max(1, this.#scheduler.ns(ns)));
  }

  #followFree(): void {
    if (this.#bus.free) this.#after('waitFree', BUS_FREE_NS);
  }

  #select(): void {
    const code = this.#code;
    if (!this.#bus.select(this.#address, this.timing.destination, code !== CMD.select)) {
      return this.#after('selectTimeout', this.#units(TIMEOUT_UNITS * Math.max(1, this.timing.timeout)));
    }
    this.#connected = true;
    this.#begin(code === CMD.select ? 'command' : 'message');
    this.#messages = code === CMD.selectAtn3 ? 3 : 1;
    this.data.direction = this.#byDma ? 'out' : 'none';
    this.#follow();
    this.#chip.update();
  }

  #beginBusReset(): void {
    this.#disconnect();
    this.#drivesReset = true;
    this.#bus.setReset(this.#address, true);
    this.#after('resetBus', this.#units(BUS_RESET_UNITS));
  }

  #endBusReset(): void {
    this.#drivesReset = false;
    this.#bus.setReset(this.#address, false);
  }

  /** Nanoseconds of so many periods of the converted clock. */
  #units(count: number): number {
    return (count * (this.timing.conversion || 8) * 1e9) / this.timing.clockHz;
  }

  get #byteNs(): number {
    const clocks =
      this.timing.offset === 0 ? ASYNC_CLOCKS : this.timing.period < 4 ? 32 + this.timing.period : this.timing.period;
    return (clocks * 1e9) / this.timing.clockHz;
  }

  // ---- bus --------------------------------------------------------------------------------------------------------

  busChanged(): void {
    if (this.#connected && !this.#bus.connected(this.#address)) {
      this.#disconnect();
      this.#fail(INT_DIS);
    } else if (this.#state === 'waitFree') {
      if (this.#work.scheduled) {
        if (!this.#bus.free) this.#work.cancel();
      } else this.#followFree();
    } else {
      this.#follow();
      this.#chip.update();
    }
  }

  reselected(target: number): boolean {
    if (!this.#selectionEnabled || this.#connected) return false;
    if (this.#state !== 'idle' && this.#state !== 'waitFree') return false;
    this.#chip.dropCommands();
    this.#selectionEnabled = false;
    this.#connected = true;
    this.#begin('reselect');
    this.data.clear();
    this.data.push((1 << target) | (1 << this.#address));
    return true;
  }

  busReset(asserted: boolean): void {
    if (!asserted) return;
    this.#disconnect();
    if (this.#chip.reportsReset) this.#fail(INT_RST);
  }

  /** What the chip forgets when it loses the bus. */
  #disconnect(): void {
    this.#begin('idle');
    this.#connected = false;
    this.#messages = 0;
    this.#phase = -1;
  }

  // ---- state ------------------------------------------------------------------------------------------------------

  reset(): void {
    const selecting = this.#state === 'arbitrate' || this.#state === 'selectTimeout';
    this.#disconnect();
    this.#selectionEnabled = false;
    this.data.reset();
    this.step = 0;
    this.timing.period = RESET_SYNC_PERIOD;
    this.timing.offset = 0;
    this.timing.conversion = RESET_CLOCK_CONVERSION;
    if (selecting) this.#bus.release(this.#address);
    if (this.#drivesReset) this.#endBusReset();
  }

  /** With the machine: the bus is reset as a device of its own. */
  resetWithBus(): void {
    this.#state = 'idle';
    this.#drivesReset = false;
    this.reset();
  }

  save(): PlainFields {
    return {
      ...this.timing,
      data: this.data.save(),
      step: this.step,
      address: this.#address,
      command: this.#command,
      state: this.#state,
      connected: this.#connected,
      selectionEnabled: this.#selectionEnabled,
      drivesReset: this.#drivesReset,
      phase: this.#phase,
      moved: this.#moved,
      messages: this.#messages,
      budget: this.#budget,
      ahead: this.#ahead,
      due: this.#work.remaining,
    };
  }

  restore(fields: SavedFields): void {
    this.data.restore(fields.nested('data'));
    this.timing.clockHz = fields.int('clockHz', 1, 1e9);
    this.timing.conversion = fields.int('conversion', 0, 7);
    this.timing.period = fields.int('period', 0, 0x1f);
    this.timing.offset = fields.u8('offset');
    this.timing.timeout = fields.u8('timeout');
    this.timing.destination = fields.int('destination', 0, SCSI_ADDRESSES - 1);
    this.step = fields.int('step', 0, 7);
    this.#drivesReset = false;
    this.address = fields.int('address', 0, SCSI_ADDRESSES - 1);
    this.#command = fields.u8('command');
    this.#state = fields.oneOf('state', STATES);
    this.#connected = fields.bool('connected');
    this.#selectionEnabled = fields.bool('selectionEnabled');
    this.#drivesReset = fields.bool('drivesReset');
    this.#phase = fields.int('phase', -1, 7);
    this.#moved = fields.bool('moved');
    this.#messages = fields.int('messages', 0, 3);
    this.#budget = fields.int('budget', 0, DMA_BURST_BYTES);
    this.#ahead = fields.int('ahead', 0, 2 * DMA_BURST_BYTES);
    this.#work.restore(fields.int('due', -1, Number.MAX_SAFE_INTEGER));
  }
}
