// SPDX-License-Identifier: MIT
/**
 * NCR 53C9x, "Advanced SCSI Controller" and "Enhanced SCSI Processor" (ESP): a SCSI adapter whose sequencer carries out
 * several bus phases for one command. NeXT has the 53C90A, the Quadras the 53C96.
 *
 * Sockets: span 16, 8-bit registers (machines put them at their own multiples); `irq`, `drq`; DMA either by a channel
 * (`dma`, this is its DmaPeer) or by DACK cycles of the machine's logic (pseudo-DMA: `dackRead`, `dackReadWord`,
 * `dackWrite`); a ScsiBus, on which it is an initiator.
 *
 *         read                 written                     read                   written
 *     0   transfer counter     transfer count low      8   configuration 1        same
 *     1   transfer counter     transfer count high     9   -                      clock conversion factor
 *     2   FIFO                 same                    a   -                      test
 *     3   command              same                    b   configuration 2 (90A)  same
 *     4   status               destination bus id      c   configuration 3 (94)   same
 *     5   interrupt            selection time-out      d   configuration 4 (CF9x) same
 *     6   sequence step        synchronous period      e   counter, id (CF9x)     transfer count top
 *     7   FIFO flags           synchronous offset      f   -                      FIFO alignment (94)
 *
 * Documents: [53C90AB], [53C94-96], [SCSI-2] in docs/references.md.
 * Two commands fit into the command register; one that interrupts stays in it until INTERRUPT is read. That also clears
 * the sequence step and the error bits of STATUS. While DACK cycles come faster than the bus, the processor is taken to
 * be held by the missing DRQ: the bytes arrive at once.
 * Not modelled: target mode (its commands are illegal, as they are in the other modes), parity errors (parity is always
 * good), test mode, placement of odd bytes by FIFO alignment.
 */
import type { ChipContext } from '../../backplane/board.ts';
import { type AccessRules, BYTE_REGISTERS, type BusTarget, type Width } from '../../backplane/bus.ts';
import { type Device, type PlainFields, type ResetKind, SavedFields, SnapshotError } from '../../backplane/device.ts';
import type { DmaChannel, DmaPeer } from '../../backplane/dma.ts';
import type { DeviceLog } from '../../backplane/log.ts';
import type { Scheduler, Task } from '../../backplane/scheduler.ts';
import { Wire } from '../../backplane/wire.ts';
import {
  CHIP_ID,
  CMD,
  COMMAND_CODE,
  COMMAND_DMA,
  CONFIG1_ID,
  CONFIG1_PARITY_TEST,
  CONFIG1_RESET_REPORT_OFF,
  CONFIG1_TEST,
  CONFIG2_FEATURES,
  CONFIG3_SAVE_RESIDUAL,
  INT_BS,
  INT_DIS,
  INT_FC,
  INT_ILL,
  INT_RESEL,
  INT_RST,
  type Ncr53c9xModel,
  R,
  STATUS_GE,
  STATUS_INT,
  STATUS_PE,
  STATUS_TC,
  STATUS_VGC,
  type Variant,
  VARIANTS,
} from './ncr53c9x-registers.ts';
import { PHASE, type Phase } from './scsi.ts';
import { SCSI_ADDRESSES, type ScsiBus, type ScsiInitiator } from './scsi-bus.ts';

const FIFO_BYTES = 16;
const DEFAULT_ID = 7;
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

const DIRECTIONS = ['none', 'in', 'out'] as const;

export interface Ncr53c9xOptions {
  readonly model: Ncr53c9xModel;
  readonly clockHz: number;
  /** Bytes of a DACK cycle; DRQ waits for two bytes where it is 2. */
  readonly dmaBytes?: 1 | 2;
}

export class Ncr53c9x implements Device, BusTarget, DmaPeer, ScsiInitiator {
  readonly id: string;
  readonly span = 16;
  readonly access: AccessRules = BYTE_REGISTERS;
  readonly irq: Wire;
  readonly drq: Wire;
  dma: DmaChannel | undefined;
  readonly #bus: ScsiBus;
  readonly #log: DeviceLog;
  readonly #scheduler: Scheduler;
  readonly #work: Task;
  readonly #variant: Variant;
  readonly #dmaBytes: number;
  #clockHz: number;
  readonly #fifo = new Uint8Array(FIFO_BYTES);
  #fifoLength = 0;
  // Registers
  /** What the counter is loaded with. */
  #count = 0;
  #counter = 0;
  #status = 0;
  #interrupt = 0;
  #step = 0;
  #destination = 0;
  #timeout = 0;
  #syncPeriod = RESET_SYNC_PERIOD;
  #syncOffset = 0;
  #clockConversion = RESET_CLOCK_CONVERSION;
  #config1 = DEFAULT_ID;
  #config2 = 0;
  #config3 = 0;
  #config4 = 0;
  /** The third byte of the counter shows the id. */
  #idShown = true;
  /** The two ranks of the command register, the command in progress first. */
  #commands: number[] = [];
  /** The first of them is over and waits for its interrupt to be read. */
  #finished = false;
  #lastCommand = 0;
  /** After RESET CHIP only NOP is obeyed. */
  #held = false;
  // Sequencer
  #state: State = 'idle';
  /** Connected to a target, as far as the sequencer has seen. */
  #initiator = false;
  #selectionEnabled = false;
  #drivesReset = false;
  #direction: (typeof DIRECTIONS)[number] = 'none';
  /** The phase of TRANSFER INFORMATION and TRANSFER PAD, or -1 until the target requests. */
  #phase = -1;
  /** Something was moved by the command, or in the present part of a selection. */
  #moved = false;
  /** Message bytes of a selection still to be sent. */
  #messages = 0;
  /** The phase as latched by an interrupt, or -1. */
  #latchedPhase = -1;
  /** What a DMA channel may move before the next look at the clock, and what it has moved ahead of time. */
  #budget = 0;
  #ahead = 0;
  #serving = false;

  constructor(chip: ChipContext, bus: ScsiBus, options: Ncr53c9xOptions) {
    this.id = chip.id;
    this.irq = new Wire(`${chip.id}.irq`);
    this.drq = new Wire(`${chip.id}.drq`);
    this.#bus = bus;
    this.#log = chip.log;
    this.#scheduler = chip.scheduler;
    this.#work = chip.scheduler.task(`${chip.id}.sequencer`, () => this.#due());
    this.#variant = VARIANTS[options.model];
    this.#clockHz = options.clockHz;
    this.#dmaBytes = options.dmaBytes ?? 1;
    bus.attachInitiator(DEFAULT_ID, this);
  }

  /** Some machines divide the chip's clock. */
  setClock(hz: number): void {
    this.#clockHz = hz;
  }

  // ---- registers --------------------------------------------------------------------------------------------------

  read(offset: number, _width: Width): number {
    switch (offset) {
      case R.FIFO:
        return this.#readFifo();
      case R.INTERRUPT:
        return this.#readInterrupt();
      default:
        return this.peek(offset);
    }
  }

  peek(offset: number): number {
    switch (offset) {
      case R.TRANSFER_COUNT_LOW:
        return this.#counter & 0xff;
      case R.TRANSFER_COUNT_HIGH:
        return (this.#counter >>> 8) & 0xff;
      case R.FIFO:
        return this.#fifoLength > 0 ? this.#fifo[0]! : 0;
      case R.COMMAND:
        return this.#lastCommand;
      case R.STATUS: {
        const pending = this.#variant.a && this.#interrupt !== 0 ? STATUS_INT : 0;
        return pending | this.#status | (this.#latchedPhase >= 0 ? this.#latchedPhase : this.#bus.phase);
      }
      case R.INTERRUPT:
        return this.#interrupt;
      case R.SEQUENCE_STEP:
        return this.#step;
      case R.FIFO_FLAGS:
        return (this.#variant.a ? this.#step << 5 : 0) | this.#fifoLength;
      case R.CONFIG1:
        return this.#config1;
      case R.CONFIG2:
        return this.#config2;
      case R.CONFIG3:
        return this.#config3;
      case R.CONFIG4:
        return this.#config4;
      case R.TRANSFER_COUNT_TOP:
        if (!this.#wide) return 0;
        return this.#idShown ? CHIP_ID : (this.#counter >>> 16) & 0xff;
      default:
        return 0;
    }
  }

  write(offset: number, _width: Width, value: number): void {
    const { config3, fast } = this.#variant;
    switch (offset) {
      case R.TRANSFER_COUNT_LOW:
        this.#count = (this.#count & 0xff_ff00) | value;
        break;
      case R.TRANSFER_COUNT_HIGH:
        this.#count = (this.#count & 0xff_00ff) | (value << 8);
        break;
      case R.FIFO:
        this.#push(value);
        this.#follow();
        this.#update();
        break;
      case R.COMMAND:
        this.#writeCommand(value);
        break;
      case R.STATUS:
        this.#destination = value & 0x07;
        break;
      case R.INTERRUPT:
        this.#timeout = value;
        break;
      case R.SEQUENCE_STEP:
        this.#syncPeriod = value & 0x1f;
        break;
      case R.FIFO_FLAGS:
        this.#syncOffset = value & (fast ? 0xff : 0x0f);
        break;
      case R.CONFIG1:
        if ((value & (CONFIG1_TEST | CONFIG1_PARITY_TEST)) !== 0) this.#log.unimp('test modes, CONFIG1 %x', value);
        this.#setId(value & CONFIG1_ID);
        this.#config1 = value;
        break;
      case R.CLOCK_CONVERSION:
        this.#clockConversion = value & 0x07;
        break;
      case R.TEST:
        if ((this.#config1 & CONFIG1_TEST) !== 0) this.#log.unimp('test %x', value);
        break;
      case R.CONFIG2:
        this.#config2 = value & this.#variant.config2;
        break;
      case R.CONFIG3:
        if (config3) this.#config3 = value;
        break;
      case R.CONFIG4:
        if (fast) this.#config4 = value;
        break;
      case R.TRANSFER_COUNT_TOP:
        if (!fast) break;
        this.#count = (this.#count & 0xffff) | (value << 16);
        this.#idShown = false;
        break;
      default:
        if (config3) this.#log.unimp('FIFO alignment %x', value);
    }
  }

  /** The counter has 24 bits. */
  get #wide(): boolean {
    return this.#variant.fast && (this.#config2 & CONFIG2_FEATURES) !== 0;
  }

  #setId(id: number): void {
    const old = this.#id;
    if (id === old) return;
    if (this.#drivesReset) this.#endBusReset();
    this.#bus.moveInitiator(old, id);
    this.#config1 = (this.#config1 & ~CONFIG1_ID) | id;
  }

  get #id(): number {
    return this.#config1 & CONFIG1_ID;
  }

  #readInterrupt(): number {
    const value = this.#interrupt;
    if (value === 0) return 0;
    this.#interrupt = 0;
    this.#status &= ~(STATUS_GE | STATUS_PE | STATUS_VGC);
    this.#step = 0;
    this.#latchedPhase = -1;
    if (this.#finished) this.#nextCommand();
    this.#update();
    return value;
  }

  // ---- FIFO and DMA -----------------------------------------------------------------------------------------------

  #push(value: number): void {
    if (this.#fifoLength === FIFO_BYTES) {
      // The top of the FIFO is overwritten.
      this.#fifo[FIFO_BYTES - 1] = value;
      this.#status |= STATUS_GE;
      this.#log.guest('FIFO overflow');
      return;
    }
    this.#fifo[this.#fifoLength++] = value;
  }

  /** Takes `count` bytes that are there. */
  #shift(count: number): Uint8Array {
    const bytes = this.#fifo.slice(0, count);
    this.#fifo.copyWithin(0, count, this.#fifoLength);
    this.#fifoLength -= count;
    return bytes;
  }

  #readFifo(): number {
    if (this.#fifoLength === 0) return 0;
    const value = this.#shift(1)[0]!;
    this.#follow();
    this.#update();
    return value;
  }

  /** DRQ as the state has it. */
  get #requests(): boolean {
    const ended = (this.#status & STATUS_TC) !== 0;
    const pair = this.#dmaBytes === 2;
    if (this.#direction === 'out') return !ended && this.#fifoLength < (pair ? FIFO_BYTES - 1 : FIFO_BYTES);
    if (this.#direction === 'none') return false;
    const keep = pair && (!ended || (this.#config3 & CONFIG3_SAVE_RESIDUAL) !== 0) ? 1 : 0;
    return this.#fifoLength > keep;
  }

  /** A DACK cycle for one byte: the byte, or -1 where DRQ will not come. */
  dackRead(): number {
    if (this.#direction !== 'in') return -1;
    if (this.#fifoLength === 0) this.#hurry();
    if (this.#fifoLength === 0) return -1;
    const value = this.#shift(1)[0]!;
    this.#follow();
    this.#update();
    return value;
  }

  /** A DACK cycle of 16 bits: two bytes, the first one high, or the last byte alone and zero; -1 as above. */
  dackReadWord(): number {
    if (this.#direction !== 'in') return -1;
    if (this.#fifoLength < 2) this.#hurry();
    if (this.#fifoLength === 0) return -1;
    const bytes = this.#shift(Math.min(2, this.#fifoLength));
    this.#follow();
    this.#update();
    return (bytes[0]! << 8) | (bytes[1] ?? 0);
  }

  /** A DACK cycle with one byte. False: DRQ will not come. */
  dackWrite(value: number): boolean {
    if (this.#direction !== 'out' || (this.#status & STATUS_TC) !== 0) return false;
    if (this.#fifoLength === FIFO_BYTES) this.#hurry();
    if (this.#fifoLength === FIFO_BYTES) return false;
    this.#push(value & 0xff);
    this.#countDown(1);
    this.#follow();
    this.#update();
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
    if (this.#direction !== 'in' || this.#serving) return 0;
    this.#serving = true;
    let done = Math.min(into.length, this.#fifoLength);
    into.set(this.#shift(done));
    if (this.#state === 'transfer' && this.#phase === PHASE.dataIn && this.#requested) {
      const wanted = Math.min(into.length - done, this.#budget, this.#counter);
      const got = wanted > 0 ? this.#bus.receive(this.#id, into.subarray(done, done + wanted)) : 0;
      this.#ranAhead(got);
      this.#countDown(got);
      done += got;
    }
    this.#follow();
    this.#serving = false;
    this.#update();
    return done;
  }

  dmaOut(bytes: Uint8Array): number {
    if (this.#direction !== 'out' || this.#serving) return 0;
    this.#serving = true;
    const offered = Math.min(bytes.length, (this.#status & STATUS_TC) !== 0 ? 0 : this.#counter);
    let done = 0;
    if (this.#state === 'transfer' && this.#phase === PHASE.dataOut && this.#requested && this.#fifoLength === 0) {
      const wanted = Math.min(offered, this.#budget);
      done = wanted > 0 ? this.#bus.send(this.#id, bytes.subarray(0, wanted)) : 0;
      this.#ranAhead(done);
    }
    while (done < offered && this.#fifoLength < FIFO_BYTES) this.#push(bytes[done++]!);
    this.#countDown(done);
    this.#follow();
    this.#serving = false;
    this.#update();
    return done;
  }

  #ranAhead(bytes: number): void {
    this.#budget -= bytes;
    this.#ahead += bytes;
    if (bytes > 0) this.#moved = true;
  }

  #countDown(bytes: number): void {
    if (bytes === 0) return;
    this.#counter = Math.max(0, this.#counter - bytes);
    if (this.#counter === 0) this.#status |= STATUS_TC;
  }

  // ---- commands ---------------------------------------------------------------------------------------------------

  #writeCommand(value: number): void {
    const code = value & COMMAND_CODE;
    if (this.#held && code !== CMD.nop) {
      this.#log.guest('command %x after RESET CHIP, before NOP', value);
      return;
    }
    if (code === CMD.resetChip || code === CMD.resetBus) {
      this.#commands = [];
      this.#finished = false;
    }
    if (this.#commands.length === 2) {
      this.#log.guest('command %x over another that waits', value);
      this.#commands[1] = value;
      this.#status |= STATUS_GE;
      return;
    }
    this.#commands.push(value);
    if (this.#commands.length === 1) this.#start();
    this.#update();
  }

  /** The command in progress is over; the one behind it begins. */
  #nextCommand(): void {
    this.#finished = false;
    this.#commands.shift();
    if (this.#commands.length > 0) this.#start();
  }

  /** Carries out the first command of the register. */
  #start(): void {
    const value = this.#commands[0]!;
    const code = value & COMMAND_CODE;
    this.#lastCommand = value;
    if (!this.#legal(code)) {
      this.#log.guest('illegal command %x', value);
      if (code >= 0x20 && code <= 0x2f) this.#log.unimp('target mode, command %x', value);
      this.#commands = [];
      this.#raise(INT_ILL);
      return;
    }
    if ((value & COMMAND_DMA) !== 0) this.#loadCounter();
    switch (code) {
      case CMD.nop:
        this.#held = false;
        return this.#nextCommand();
      case CMD.flushFifo:
        this.#fifoLength = 0;
        return this.#nextCommand();
      case CMD.resetChip:
        this.#resetChip();
        this.#held = true;
        return;
      case CMD.resetBus:
        return this.#beginBusReset();
      case CMD.setAtn:
      case CMD.resetAtn:
        this.#bus.setAtn(this.#id, code === CMD.setAtn);
        return this.#nextCommand();
      case CMD.enableSelection:
        this.#selectionEnabled = true;
        return this.#nextCommand();
      case CMD.disableSelection:
        this.#selectionEnabled = false;
        return this.#finish(INT_FC);
      case CMD.select:
      case CMD.selectAtn:
      case CMD.selectAtnStop:
      case CMD.selectAtn3:
        this.#step = 0;
        this.#state = 'waitFree';
        return this.#followFree();
      case CMD.messageAccepted:
        this.#state = 'accept';
        this.#bus.acknowledge(this.#id);
        return this.#follow();
      case CMD.transfer:
      case CMD.pad:
        this.#begin(code === CMD.pad ? 'pad' : 'transfer');
        this.#phase = -1;
        return this.#follow();
      case CMD.completeSteps:
        this.#begin('status');
        this.#direction = (value & COMMAND_DMA) !== 0 ? 'in' : 'none';
        return this.#follow();
      default: // RESELECT
        this.#log.unimp('target mode, command %x', value);
        this.#commands = [];
        return this.#raise(INT_ILL);
    }
  }

  #legal(code: number): boolean {
    const { a } = this.#variant;
    switch (code >>> 4) {
      case 0:
        return code <= CMD.resetBus;
      case 1:
        if (!this.#initiator) return false;
        if (code === CMD.resetAtn) return a;
        return code <= CMD.messageAccepted || code === CMD.pad || code === CMD.setAtn;
      case 4:
        if (this.#initiator) return false;
        return code <= CMD.disableSelection || (a && code <= CMD.reselect3);
      default:
        return false;
    }
  }

  #loadCounter(): void {
    const limit = this.#wide ? 0x100_0000 : 0x1_0000;
    this.#counter = this.#count & (limit - 1) || limit;
    this.#status &= ~STATUS_TC;
  }

  #begin(state: State): void {
    this.#state = state;
    this.#direction = 'none';
    this.#moved = false;
    this.#budget = this.#ahead = 0;
    this.#work.cancel();
  }

  get #byDma(): boolean {
    return (this.#lastCommand & COMMAND_DMA) !== 0;
  }

  /** The command in progress interrupts; it leaves the register when that has been read. */
  #finish(bits: number): void {
    this.#finished = this.#commands.length > 0;
    this.#raise(bits);
  }

  /** The same, and the register is empty: the target did what the command had not foreseen. */
  #fail(bits: number): void {
    this.#commands = [];
    this.#finished = false;
    this.#raise(bits);
  }

  #raise(bits: number): void {
    if (bits !== INT_ILL) this.#begin('idle');
    this.#interrupt |= bits;
    if (this.#variant.config3 && (this.#config2 & CONFIG2_FEATURES) !== 0 && this.#latchedPhase < 0) {
      this.#latchedPhase = this.#bus.phase;
    }
    this.#update();
  }

  // ---- sequencer --------------------------------------------------------------------------------------------------

  /** The target requests a byte. */
  get #requested(): boolean {
    return this.#initiator && this.#bus.connected(this.#id) && this.#bus.req && !this.#bus.ack;
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
        return phase === PHASE.messageOut ? Math.min(this.#fifoLength, this.#messages) : 0;
      case 'command':
        return phase === PHASE.command ? this.#fifoLength : 0;
      case 'transfer': {
        if (phase !== this.#phase) return 0;
        if (!inward) return this.#fifoLength;
        if (!this.#byDma) return this.#moved || this.#fifoLength === FIFO_BYTES ? 0 : 1;
        const room = Math.min(FIFO_BYTES - this.#fifoLength, this.#counter);
        return phase === PHASE.messageIn ? Math.min(room, 1) : room;
      }
      case 'pad':
        if (phase !== this.#phase) return 0;
        return Math.min(this.#byDma ? this.#counter : FIFO_BYTES, phase === PHASE.messageIn ? 1 : FIFO_BYTES);
      case 'status':
        return inward && this.#fifoLength < FIFO_BYTES ? 1 : 0;
      case 'completion':
      case 'reselect':
        return phase === PHASE.messageIn && this.#fifoLength < FIFO_BYTES ? 1 : 0;
      default:
        return 0;
    }
  }

  /** Something may have changed: gives bytes that can move their time, or ends what is over. */
  #follow(): void {
    if (this.#work.scheduled) return;
    if (this.#state === 'lastMessage') {
      if (!this.#requests) this.#finish(INT_FC);
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
    if (this.#byDma && this.#state === 'transfer') this.#direction = (this.#phase & 1) !== 0 ? 'in' : 'out';
  }

  /** The target requests, and nothing can move: waits for the FIFO, or the command is over. */
  #judge(): void {
    const phase = this.#bus.phase;
    switch (this.#state) {
      case 'message':
        if (phase === PHASE.messageOut && this.#messages > 0) {
          if (!this.#moved) this.#step = 1;
          return;
        }
        // ATN stays asserted where not all messages went out.
        if (this.#messages > 0) {
          this.#step = this.#moved ? 2 : 0;
          return this.#finish(INT_FC | INT_BS);
        }
        this.#step = 2;
        this.#state = 'command';
        this.#moved = false;
        return this.#follow();
      case 'command':
        if (phase === PHASE.command) {
          if (!this.#moved && this.#step === 0) this.#step = 1;
          return;
        }
        if (!this.#moved) this.#step = 2;
        else if (this.#fifoLength > 0 || (this.#byDma && (this.#status & STATUS_TC) === 0)) this.#step = 3;
        else this.#step = 4;
        return this.#finish(INT_FC | INT_BS);
      case 'transfer':
        return this.#judgeTransfer(phase);
      case 'pad':
        if (phase !== this.#phase) return this.#fail(INT_BS);
        return this.#finish(INT_BS);
      case 'status':
        return this.#fail(INT_BS);
      case 'completion':
        if (!this.#requests) this.#fail(INT_BS);
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
    if (inward && this.#requests) return;
    if (phase !== this.#phase) return this.#fail(INT_BS);
    const ended = this.#byDma ? (this.#status & STATUS_TC) !== 0 : this.#moved;
    if (ended && (inward || this.#fifoLength === 0)) this.#finish(INT_BS);
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
    const got = this.#bus.receive(this.#id, bytes);
    if (got === 0) return;
    this.#moved = true;
    const state = this.#state;
    if (state !== 'pad') for (let i = 0; i < got; i++) this.#push(bytes[i]!);
    const counted = this.#byDma && state !== 'reselect';
    if (counted) this.#countDown(Math.min(got, this.#counter));
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
        if (!this.#byDma || this.#counter === 0) this.#state = 'lastMessage';
        else this.#bus.acknowledge(this.#id);
        return;
      default:
        if (this.#bus.ack) this.#bus.acknowledge(this.#id);
    }
  }

  #send(count: number): void {
    if (this.#state === 'pad') {
      const sent = this.#bus.send(this.#id, new Uint8Array(count));
      if (sent > 0) this.#moved = true;
      if (this.#byDma) this.#countDown(sent);
      return;
    }
    if (this.#bus.phase !== PHASE.messageOut) {
      if (this.#state === 'command') this.#step = 3;
      this.#pass(count);
      return;
    }
    // ATN is negated before the last byte of the message.
    const more = this.#byDma && (this.#status & STATUS_TC) === 0;
    const last = this.#state === 'message' ? count === this.#messages : count === this.#fifoLength && !more;
    const stops = this.#state === 'message' && (this.#lastCommand & COMMAND_CODE) === CMD.selectAtnStop;
    const before = last && !stops ? count - 1 : count;
    let sent = before > 0 ? this.#pass(before) : 0;
    if (last && !stops && sent === before) {
      this.#bus.setAtn(this.#id, false);
      sent += this.#pass(1);
    }
    if (this.#state !== 'message') return;
    this.#messages -= sent;
    if (this.#messages > 0 || !stops) return;
    this.#step = 1;
    this.#finish(INT_FC | INT_BS);
  }

  /** Sends from the FIFO; how many the target took. */
  #pass(count: number): number {
    const sent = this.#bus.send(this.#id, this.#fifo.slice(0, count));
    this.#shift(sent);
    if (sent > 0) this.#moved = true;
    return sent;
  }

  #due(): void {
    switch (this.#state) {
      case 'resetBus':
        this.#endBusReset();
        if ((this.#config1 & CONFIG1_RESET_REPORT_OFF) === 0) return this.#finish(INT_RST);
        this.#state = 'idle';
        this.#nextCommand();
        return this.#update();
      case 'waitFree':
        // The bus was free for long enough; if it still is, our bit goes onto it.
        if (!this.#bus.arbitrate(this.#id)) return this.#followFree();
        return this.#after('arbitrate', ARBITRATION_NS);
      case 'arbitrate':
        return this.#select();
      case 'selectTimeout':
        this.#state = 'idle';
        this.#bus.release(this.#id);
        return this.#fail(INT_DIS);
      default:
    }
    if (this.#ahead > 0) return this.#payAhead();
    this.#budget = DMA_BURST_BYTES;
    this.#move();
    this.#update();
    if (this.#requests && !this.#serving) this.dma?.request();
  }

  #after(state: State, ns: number): void {
    this.#state = state;
    this.#work.schedule(Math.max(1, this.#scheduler.ns(ns)));
  }

  #followFree(): void {
    if (this.#bus.free) this.#after('waitFree', BUS_FREE_NS);
  }

  #select(): void {
    const code = this.#lastCommand & COMMAND_CODE;
    if (!this.#bus.select(this.#id, this.#destination, code !== CMD.select)) {
      return this.#after('selectTimeout', this.#units(TIMEOUT_UNITS * Math.max(1, this.#timeout)));
    }
    this.#initiator = true;
    this.#begin(code === CMD.select ? 'command' : 'message');
    this.#messages = code === CMD.selectAtn3 ? 3 : 1;
    this.#direction = this.#byDma ? 'out' : 'none';
    this.#follow();
    this.#update();
  }

  #beginBusReset(): void {
    this.#disconnect();
    this.#drivesReset = true;
    this.#bus.setReset(this.#id, true);
    this.#after('resetBus', this.#units(BUS_RESET_UNITS));
  }

  #endBusReset(): void {
    this.#drivesReset = false;
    this.#bus.setReset(this.#id, false);
  }

  /** Nanoseconds of so many periods of the converted clock. */
  #units(count: number): number {
    return (count * (this.#clockConversion || 8) * 1e9) / this.#clockHz;
  }

  get #byteNs(): number {
    const clocks =
      this.#syncOffset === 0 ? ASYNC_CLOCKS : this.#syncPeriod < 4 ? 32 + this.#syncPeriod : this.#syncPeriod;
    return (clocks * 1e9) / this.#clockHz;
  }

  // ---- bus --------------------------------------------------------------------------------------------------------

  busChanged(): void {
    if (this.#initiator && !this.#bus.connected(this.#id)) {
      this.#disconnect();
      this.#fail(INT_DIS);
    } else if (this.#state === 'waitFree') {
      if (this.#work.scheduled) {
        if (!this.#bus.free) this.#work.cancel();
      } else this.#followFree();
    } else {
      this.#follow();
      this.#update();
    }
  }

  reselected(target: number): boolean {
    if (!this.#selectionEnabled || this.#initiator) return false;
    if (this.#state !== 'idle' && this.#state !== 'waitFree') return false;
    this.#commands = [];
    this.#finished = false;
    this.#selectionEnabled = false;
    this.#initiator = true;
    this.#begin('reselect');
    this.#fifo[0] = (1 << target) | (1 << this.#id);
    this.#fifoLength = 1;
    return true;
  }

  busReset(asserted: boolean): void {
    if (!asserted) return;
    this.#disconnect();
    if ((this.#config1 & CONFIG1_RESET_REPORT_OFF) === 0) this.#fail(INT_RST);
  }

  /** What the chip forgets when it loses the bus. */
  #disconnect(): void {
    this.#begin('idle');
    this.#initiator = false;
    this.#messages = 0;
    this.#phase = -1;
  }

  // ---- device -----------------------------------------------------------------------------------------------------

  #resetChip(): void {
    const selecting = this.#state === 'arbitrate' || this.#state === 'selectTimeout';
    this.#disconnect();
    this.#commands = [];
    this.#finished = false;
    this.#selectionEnabled = false;
    this.#fifo.fill(0);
    this.#fifoLength = 0;
    this.#counter = 0;
    this.#idShown = true;
    this.#status = this.#interrupt = this.#step = 0;
    this.#latchedPhase = -1;
    this.#syncPeriod = RESET_SYNC_PERIOD;
    this.#syncOffset = 0;
    this.#clockConversion = RESET_CLOCK_CONVERSION;
    this.#config1 &= CONFIG1_ID;
    this.#config2 = this.#config3 = this.#config4 = 0;
    if (selecting) this.#bus.release(this.#id);
    if (this.#drivesReset) this.#endBusReset();
  }

  reset(kind: ResetKind): void {
    // The bus is a device of its own and is reset with the machine.
    this.#state = 'idle';
    this.#drivesReset = false;
    this.#resetChip();
    this.#held = false;
    this.#lastCommand = 0;
    if (kind === 'warm') return;
    this.#count = 0;
    this.#destination = this.#timeout = 0;
    this.#setId(DEFAULT_ID);
  }

  settle(): void {
    this.#update();
  }

  #update(): void {
    this.irq.set(this.#interrupt !== 0);
    const requested = this.drq.level;
    this.drq.set(this.#requests);
    if (!requested && this.drq.level && !this.#serving) this.dma?.request();
  }

  save(): PlainFields {
    return {
      clockHz: this.#clockHz,
      fifo: this.#fifo.slice(0, this.#fifoLength),
      count: this.#count,
      counter: this.#counter,
      status: this.#status,
      interrupt: this.#interrupt,
      step: this.#step,
      destination: this.#destination,
      timeout: this.#timeout,
      syncPeriod: this.#syncPeriod,
      syncOffset: this.#syncOffset,
      clockConversion: this.#clockConversion,
      config1: this.#config1,
      config2: this.#config2,
      config3: this.#config3,
      config4: this.#config4,
      idShown: this.#idShown,
      commands: Uint8Array.from(this.#commands),
      finished: this.#finished,
      lastCommand: this.#lastCommand,
      held: this.#held,
      state: this.#state,
      initiator: this.#initiator,
      selectionEnabled: this.#selectionEnabled,
      drivesReset: this.#drivesReset,
      direction: this.#direction,
      phase: this.#phase,
      moved: this.#moved,
      messages: this.#messages,
      latchedPhase: this.#latchedPhase,
      budget: this.#budget,
      ahead: this.#ahead,
      due: this.#work.remaining,
    };
  }

  restore(state: PlainFields): void {
    const fields = new SavedFields(this.id, state);
    this.#clockHz = fields.int('clockHz', 1, 1e9);
    const fifo = fields.bytes('fifo', undefined, FIFO_BYTES);
    this.#fifo.fill(0);
    this.#fifo.set(fifo);
    this.#fifoLength = fifo.length;
    this.#count = fields.int('count', 0, 0xff_ffff);
    this.#counter = fields.int('counter', 0, 0x100_0000);
    this.#status = fields.u8('status') & (STATUS_GE | STATUS_PE | STATUS_TC | STATUS_VGC);
    this.#interrupt = fields.u8('interrupt');
    this.#step = fields.int('step', 0, 7);
    this.#destination = fields.int('destination', 0, SCSI_ADDRESSES - 1);
    this.#timeout = fields.u8('timeout');
    this.#syncPeriod = fields.int('syncPeriod', 0, 0x1f);
    this.#syncOffset = fields.u8('syncOffset');
    this.#clockConversion = fields.int('clockConversion', 0, 7);
    const config1 = fields.u8('config1');
    this.#setId(config1 & CONFIG1_ID);
    this.#config1 = config1;
    this.#config2 = fields.u8('config2') & this.#variant.config2;
    this.#config3 = fields.u8('config3');
    this.#config4 = fields.u8('config4');
    this.#idShown = fields.bool('idShown');
    this.#commands = [...fields.bytes('commands', undefined, 2)];
    this.#finished = fields.bool('finished');
    this.#lastCommand = fields.u8('lastCommand');
    this.#held = fields.bool('held');
    this.#state = fields.oneOf('state', STATES);
    this.#initiator = fields.bool('initiator');
    this.#selectionEnabled = fields.bool('selectionEnabled');
    this.#drivesReset = fields.bool('drivesReset');
    this.#direction = fields.oneOf('direction', DIRECTIONS);
    this.#phase = fields.int('phase', -1, 7);
    this.#moved = fields.bool('moved');
    this.#messages = fields.int('messages', 0, 3);
    this.#latchedPhase = fields.int('latchedPhase', -1, 7);
    this.#budget = fields.int('budget', 0, DMA_BURST_BYTES);
    this.#ahead = fields.int('ahead', 0, 2 * DMA_BURST_BYTES);
    if (this.#finished && this.#commands.length === 0) throw new SnapshotError(`${this.id}: no command has finished`);
    this.#work.restore(fields.int('due', -1, Number.MAX_SAFE_INTEGER));
  }
}
