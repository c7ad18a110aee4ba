// SPDX-License-Identifier: MIT
/**
 * MESH, "Macintosh Enhanced SCSI Hardware": Apple's SCSI adapter, as a chip (343S1146) and as a cell of O'Hare and
 * Heathrow. A sequencer carries out one bus phase for each command.
 *
 * Sockets: span 0x100, sixteen 8-bit registers at multiples of 16; `irq`; `dma`, the DBDMA channel that serves it (this
 * is its DmaPeer); a ScsiBus, on which it is an initiator.
 *
 *     0x00 XFER_COUNT0   0x40 BUS_STATUS0   0x80 ERROR       0xc0 DEST_ID
 *     0x10 XFER_COUNT1   0x50 BUS_STATUS1   0x90 INTR_MASK   0xd0 SYNC_PARMS
 *     0x20 FIFO          0x60 FIFO_COUNT    0xa0 INTERRUPT   0xe0 MESH_ID
 *     0x30 SEQUENCE      0x70 EXCEPTION     0xb0 SOURCE_ID   0xf0 SEL_TIMEOUT
 *
 * Documents: none is public; registers, bits and behaviour as the drivers need them [Linux drivers/scsi/mesh.c, mesh.h].
 * A command to the sequencer clears CMDDONE; clearing the ERROR or EXCEPTION interrupt clears the register behind it.
 * Not modelled: target mode, parity errors (parity is always good), driving bus lines other than ATN and RST by hand,
 * active negation.
 */
import type { ChipContext } from '../../backplane/board.ts';
import { type AccessRules, BYTE_REGISTERS, type BusTarget, type Width } from '../../backplane/bus.ts';
import { type Device, type PlainFields, type ResetKind, SavedFields, SnapshotError } from '../../backplane/device.ts';
import type { DmaChannel, DmaPeer } from '../../backplane/dma.ts';
import type { DeviceLog } from '../../backplane/log.ts';
import type { Scheduler, Task } from '../../backplane/scheduler.ts';
import { Wire } from '../../backplane/wire.ts';
import { PHASE, type Phase } from './scsi.ts';
import type { ScsiBus, ScsiInitiator } from './scsi-bus.ts';

const XFER_COUNT0 = 0x0;
const XFER_COUNT1 = 0x1;
const FIFO = 0x2;
const SEQUENCE = 0x3;
const BUS_STATUS0 = 0x4;
const BUS_STATUS1 = 0x5;
const FIFO_COUNT = 0x6;
const EXCEPTION = 0x7;
const ERROR = 0x8;
const INTR_MASK = 0x9;
const INTERRUPT = 0xa;
const SOURCE_ID = 0xb;
const DEST_ID = 0xc;
const SYNC_PARMS = 0xd;
const MESH_ID = 0xe;
const SEL_TIMEOUT = 0xf;

const SEQ_DMA = 0x80;
const SEQ_TARGET = 0x40;
const SEQ_ATN = 0x20;
const SEQ_CMD = 0x0f;

/** Sequencer commands. */
const CMD = {
  nop: 0x0,
  arbitrate: 0x1,
  select: 0x2,
  command: 0x3,
  status: 0x4,
  dataOut: 0x5,
  dataIn: 0x6,
  messageOut: 0x7,
  messageIn: 0x8,
  busFree: 0x9,
  enableParity: 0xa,
  disableParity: 0xb,
  enableReselect: 0xc,
  disableReselect: 0xd,
  reset: 0xe,
  flushFifo: 0xf,
} as const;

/** The bus phase of each information transfer command. */
const PHASE_OF: Readonly<Record<number, Phase | undefined>> = {
  [CMD.command]: PHASE.command,
  [CMD.status]: PHASE.status,
  [CMD.dataOut]: PHASE.dataOut,
  [CMD.dataIn]: PHASE.dataIn,
  [CMD.messageOut]: PHASE.messageOut,
  [CMD.messageIn]: PHASE.messageIn,
};

const BS0_REQ = 0x20;
const BS0_ACK = 0x10;
const BS0_ATN = 0x08;
const BS1_RST = 0x80;
const BS1_BSY = 0x40;
const BS1_SEL = 0x20;

const EXC_RESELECTED = 0x08;
const EXC_ARBLOST = 0x04;
const EXC_PHASEMM = 0x02;
const EXC_SELTO = 0x01;

const ERR_UNEXPDISC = 0x40;
const ERR_SCSIRESET = 0x20;
const ERR_SEQERR = 0x10;

const INT_ERROR = 0x04;
const INT_EXCEPTION = 0x02;
const INT_CMDDONE = 0x01;
const INT_ALL = INT_ERROR | INT_EXCEPTION | INT_CMDDONE;

const FIFO_BYTES = 16;
const RESET_SOURCE_ID = 7;
const RESET_SYNC_PARMS = 0x02; // asynchronous
const RESET_SEL_TIMEOUT = 25; // 250 ms, what the standard recommends

// [SCSI-2 §5.5] Bus free and bus settle delays, then the arbitration delay, then bus clear and settle.
const BUS_FREE_NS = 1_200;
const ARBITRATION_NS = 2_400;
const ARBITRATION_WON_NS = 1_200;
const SELECTION_NS = 1_200;
const SEL_TIMEOUT_UNIT_NS = 10_000_000;
const SEQUENCE_NS = 500; // the sequencer's own time at the end of a command
const CLOCK_NS = 20; // 50 MHz
const ASYNC_BYTE_NS = 200;
/** DMA moves this much between two looks at the clock. */
const DMA_BURST_BYTES = 2048;

/** What the sequencer waits for, or does when its time has come. */
const STATES = [
  'idle',
  'waitFree',
  'arbitrate',
  'arbitrated',
  'select',
  'selectTimeout',
  'waitReq',
  'fifo',
  'burst',
  'dma',
  'done',
  'waitDisconnect',
] as const;
type State = (typeof STATES)[number];

export interface MeshOptions {
  /** What MESH_ID reads: 4 in Heathrow, 0xe2 the separate chip. */
  readonly chipId?: number;
}

export class Mesh implements Device, BusTarget, DmaPeer, ScsiInitiator {
  readonly id: string;
  readonly span = 0x100;
  readonly access: AccessRules = BYTE_REGISTERS;
  readonly irq: Wire;
  dma: DmaChannel | undefined;
  readonly #bus: ScsiBus;
  readonly #log: DeviceLog;
  readonly #scheduler: Scheduler;
  readonly #work: Task;
  readonly #chipId: number;
  #state: State = 'idle';
  #count = 0;
  #fifo: number[] = [];
  #sequence = 0;
  /** Bytes the command in progress has still to move on the bus. */
  #left = 0;
  /** Bytes DMA may move before the next look at the clock. */
  #budget = 0;
  #exception = 0;
  #error = 0;
  #interruptMask = 0;
  #interrupt = 0;
  #sourceId = RESET_SOURCE_ID;
  #destId = 0;
  #syncParms = RESET_SYNC_PARMS;
  #selTimeout = RESET_SEL_TIMEOUT;
  #reselectEnabled = false;
  #parityEnabled = false;
  /** ATN as BUS_STATUS0 drives it; the sequencer adds its own. */
  #atn = false;
  #driveReset = false;
  /** A target is connected, as far as the sequencer has seen. */
  #engaged = false;

  constructor(chip: ChipContext, bus: ScsiBus, options: MeshOptions = {}) {
    this.id = chip.id;
    this.irq = new Wire(`${chip.id}.irq`);
    this.#bus = bus;
    this.#log = chip.log;
    this.#scheduler = chip.scheduler;
    this.#work = chip.scheduler.task(`${chip.id}.sequencer`, () => this.#due());
    this.#chipId = options.chipId ?? 0x04;
    bus.attachInitiator(this.#sourceId, this);
  }

  read(offset: number, _width: Width): number {
    if ((offset & 0x0f) !== 0) return 0;
    if (offset >>> 4 === FIFO) return this.#popFifo();
    return this.#peekRegister((offset >>> 4) & 0x0f);
  }

  write(offset: number, _width: Width, value: number): void {
    if ((offset & 0x0f) !== 0) return;
    switch ((offset >>> 4) & 0x0f) {
      case XFER_COUNT0:
        this.#count = (this.#count & 0xff00) | value;
        break;
      case XFER_COUNT1:
        this.#count = (this.#count & 0x00ff) | (value << 8);
        break;
      case FIFO:
        this.#pushFifo(value);
        break;
      case SEQUENCE:
        this.#command(value);
        break;
      case BUS_STATUS0:
        if ((value & ~BS0_ATN) !== 0) this.#log.unimp('bus lines %x driven by hand', value);
        this.#atn = (value & BS0_ATN) !== 0;
        this.#driveAtn();
        break;
      case BUS_STATUS1:
        if ((value & ~BS1_RST) !== 0) this.#log.unimp('bus lines %x driven by hand', value << 8);
        this.#setReset((value & BS1_RST) !== 0);
        break;
      case EXCEPTION:
        this.#exception &= ~value;
        break;
      case ERROR:
        this.#error &= ~value;
        break;
      case INTR_MASK:
        this.#interruptMask = value & INT_ALL;
        this.#update();
        break;
      case INTERRUPT:
        this.#clearInterrupts(value);
        break;
      case SOURCE_ID:
        this.#setSourceId(value);
        break;
      case DEST_ID:
        this.#destId = value & 0x07;
        break;
      case SYNC_PARMS:
        this.#syncParms = value;
        break;
      case SEL_TIMEOUT:
        this.#selTimeout = value;
        break;
      default: // FIFO_COUNT, MESH_ID
        this.#log.guest('write to read-only register %x', offset);
    }
  }

  peek(offset: number): number | undefined {
    if ((offset & 0x0f) !== 0) return 0;
    return offset >>> 4 === FIFO ? (this.#fifo[0] ?? 0) : this.#peekRegister((offset >>> 4) & 0x0f);
  }

  // DMA: data go straight between the channel and the bus, as fast as the budget allows.

  dmaIn(into: Uint8Array): number {
    return this.#dmaMove(CMD.dataIn, into.length, (bytes) =>
      this.#bus.receive(this.#sourceId, into.subarray(0, bytes)),
    );
  }

  dmaOut(from: Uint8Array): number {
    return this.#dmaMove(CMD.dataOut, from.length, (bytes) => this.#bus.send(this.#sourceId, from.subarray(0, bytes)));
  }

  // The bus.

  busChanged(): void {
    if (this.#engaged && !this.#bus.connected(this.#sourceId)) {
      this.#disconnected();
      return;
    }
    switch (this.#state) {
      case 'waitFree':
        if (this.#bus.free) this.#after('arbitrate', BUS_FREE_NS);
        break;
      case 'waitReq':
      case 'fifo':
      case 'burst':
      case 'dma':
        this.#follow();
        break;
      case 'waitDisconnect':
        this.#watchDisconnect();
        break;
      default:
    }
  }

  /** The target has let go of the bus, which only BUSFREE expects. */
  #disconnected(): void {
    const state = this.#state;
    this.#engaged = false;
    if (state === 'waitDisconnect') return this.#after('done', SEQUENCE_NS);
    this.#abandon();
    if (state === 'done') this.#interrupt |= INT_CMDDONE;
    this.#raiseError(ERR_UNEXPDISC);
  }

  reselected(target: number): boolean {
    if (!this.#reselectEnabled) return false;
    if (this.#state !== 'idle' && this.#state !== 'waitFree' && this.#state !== 'arbitrate') return false;
    this.#work.cancel();
    this.#state = 'idle';
    this.#engaged = true;
    this.#fifo = [(1 << target) | (1 << this.#sourceId)];
    this.#raiseException(EXC_RESELECTED);
    return true;
  }

  busReset(asserted: boolean): void {
    if (!asserted) return;
    this.#stop();
    this.#engaged = false;
    this.#raiseError(ERR_SCSIRESET);
  }

  reset(_kind: ResetKind): void {
    this.#stop();
    this.#engaged = false;
    this.#resetRegisters();
    this.#setSourceId(RESET_SOURCE_ID);
    this.#destId = 0;
    this.#selTimeout = RESET_SEL_TIMEOUT;
    this.#driveReset = false;
  }

  settle(): void {
    this.#update();
  }

  save(): PlainFields {
    return {
      state: this.#state,
      count: this.#count,
      fifo: Uint8Array.from(this.#fifo),
      sequence: this.#sequence,
      left: this.#left,
      budget: this.#budget,
      exception: this.#exception,
      error: this.#error,
      interruptMask: this.#interruptMask,
      interrupt: this.#interrupt,
      sourceId: this.#sourceId,
      destId: this.#destId,
      syncParms: this.#syncParms,
      selTimeout: this.#selTimeout,
      reselectEnabled: this.#reselectEnabled,
      parityEnabled: this.#parityEnabled,
      atn: this.#atn,
      driveReset: this.#driveReset,
      engaged: this.#engaged,
      due: this.#work.remaining,
    };
  }

  restore(state: PlainFields): void {
    const fields = new SavedFields(this.id, state);
    const known = STATES.find((value) => value === fields.string('state'));
    if (known === undefined) throw new SnapshotError(`${this.id}: unknown state`);
    this.#state = known;
    this.#count = fields.u16('count');
    this.#fifo = [...fields.bytes('fifo', undefined, FIFO_BYTES)];
    this.#sequence = fields.u8('sequence');
    this.#left = fields.int('left', 0, 0x1_0000);
    this.#budget = fields.int('budget', 0, DMA_BURST_BYTES);
    this.#exception = fields.u8('exception');
    this.#error = fields.u8('error');
    this.#interruptMask = fields.int('interruptMask', 0, INT_ALL);
    this.#interrupt = fields.int('interrupt', 0, INT_ALL);
    this.#setSourceId(fields.int('sourceId', 0, 7));
    this.#destId = fields.int('destId', 0, 7);
    this.#syncParms = fields.u8('syncParms');
    this.#selTimeout = fields.u8('selTimeout');
    this.#reselectEnabled = fields.bool('reselectEnabled');
    this.#parityEnabled = fields.bool('parityEnabled');
    this.#atn = fields.bool('atn');
    this.#driveReset = fields.bool('driveReset');
    this.#engaged = fields.bool('engaged');
    this.#work.restore(fields.int('due', -1, Number.MAX_SAFE_INTEGER));
  }

  #peekRegister(register: number): number {
    const bus = this.#bus;
    switch (register) {
      case XFER_COUNT0:
        return this.#count & 0xff;
      case XFER_COUNT1:
        return this.#count >>> 8;
      case SEQUENCE:
        return this.#sequence;
      case BUS_STATUS0:
        return (bus.req ? BS0_REQ : 0) | (bus.ack ? BS0_ACK : 0) | (bus.atn ? BS0_ATN : 0) | bus.phase;
      case BUS_STATUS1:
        return (bus.rst ? BS1_RST : 0) | (bus.bsy ? BS1_BSY : 0) | (bus.sel ? BS1_SEL : 0);
      case FIFO_COUNT:
        return this.#fifo.length;
      case EXCEPTION:
        return this.#exception;
      case ERROR:
        return this.#error;
      case INTR_MASK:
        return this.#interruptMask;
      case INTERRUPT:
        return this.#interrupt;
      case SOURCE_ID:
        return this.#sourceId;
      case DEST_ID:
        return this.#destId;
      case SYNC_PARMS:
        return this.#syncParms;
      case MESH_ID:
        return this.#chipId;
      case SEL_TIMEOUT:
        return this.#selTimeout;
      default:
        return 0;
    }
  }

  #command(value: number): void {
    this.#sequence = value;
    const command = value & SEQ_CMD;
    if ((value & SEQ_TARGET) !== 0) this.#log.unimp('target mode, command %x', value);
    switch (command) {
      // These act at once, beside whatever the sequencer does.
      case CMD.enableParity:
      case CMD.disableParity:
        this.#parityEnabled = command === CMD.enableParity;
        return;
      case CMD.enableReselect:
      case CMD.disableReselect:
        this.#reselectEnabled = command === CMD.enableReselect;
        return;
      case CMD.flushFifo:
        this.#fifo = [];
        return;
      case CMD.reset:
        this.#bus.release(this.#sourceId);
        this.#stop();
        this.#resetRegisters();
        this.#raise(INT_CMDDONE);
        return;
      default:
    }
    // Everything else replaces the command in progress.
    this.#abandon();
    this.#interrupt &= ~INT_CMDDONE;
    this.#update();
    switch (command) {
      case CMD.nop:
        return;
      case CMD.arbitrate:
        if (this.#bus.connected(this.#sourceId)) return this.#raiseError(ERR_SEQERR);
        this.#bus.release(this.#sourceId);
        this.#state = 'waitFree';
        return this.busChanged();
      case CMD.select:
        if (!this.#bus.arbitrated(this.#sourceId)) return this.#raiseError(ERR_SEQERR);
        return this.#after('select', SELECTION_NS);
      case CMD.busFree:
        this.#driveAtn();
        this.#state = 'waitDisconnect';
        this.#bus.acknowledge(this.#sourceId);
        return this.#watchDisconnect();
      default:
        return this.#transfer();
    }
  }

  /** Begins an information transfer command. */
  #transfer(): void {
    this.#left = this.#count === 0 ? 0x1_0000 : this.#count;
    this.#budget = 0;
    // Output already in the FIFO counts as taken in.
    if (!this.#inward && !this.#usesDma) this.#count = (this.#left - Math.min(this.#left, this.#fifo.length)) & 0xffff;
    // ATN changes before ACK is negated, so that the target sees it with the last message byte.
    this.#driveAtn();
    this.#state = 'waitReq';
    this.#bus.acknowledge(this.#sourceId);
    this.#follow();
  }

  get #inward(): boolean {
    return ((PHASE_OF[this.#sequence & SEQ_CMD] ?? 0) & 1) !== 0;
  }

  get #usesDma(): boolean {
    const command = this.#sequence & SEQ_CMD;
    return (this.#sequence & SEQ_DMA) !== 0 && (command === CMD.dataIn || command === CMD.dataOut);
  }

  /** An information transfer is in progress and the bus may have changed: goes on, waits, or ends it. */
  #follow(): void {
    if (!this.#bus.connected(this.#sourceId)) {
      this.#abandon();
      return this.#raiseError(ERR_UNEXPDISC);
    }
    if (!this.#bus.req) {
      // Between phases, or the target is not ready: whatever was paced begins again with the next REQ.
      this.#work.cancel();
      this.#state = 'waitReq';
      return;
    }
    if (this.#bus.phase !== PHASE_OF[this.#sequence & SEQ_CMD]) {
      this.#abandon();
      return this.#raiseException(EXC_PHASEMM);
    }
    if (this.#state !== 'waitReq') return;
    if (this.#usesDma) return this.#after('burst', Math.min(this.#left, DMA_BURST_BYTES) * this.#byteNs);
    this.#paceFifo();
  }

  /** Gives the bytes that can move between FIFO and bus their time. */
  #paceFifo(): void {
    const movable = this.#inward ? FIFO_BYTES - this.#fifo.length : this.#fifo.length;
    const bytes = Math.min(movable, this.#left, this.#sequenceIsMessageIn ? 1 : FIFO_BYTES);
    this.#state = 'waitReq';
    if (bytes > 0) this.#after('fifo', bytes * this.#byteNs);
  }

  get #sequenceIsMessageIn(): boolean {
    return (this.#sequence & SEQ_CMD) === CMD.messageIn;
  }

  #moveFifo(): void {
    this.#state = 'waitReq';
    if (this.#inward) {
      const room = Math.min(FIFO_BYTES - this.#fifo.length, this.#left);
      const bytes = new Uint8Array(room);
      const got = this.#bus.receive(this.#sourceId, bytes);
      this.#fifo.push(...bytes.subarray(0, got));
      this.#left -= got;
      this.#count = this.#left & 0xffff;
      // A message of several bytes: ACK of each but the last is negated here.
      if (got > 0 && this.#left > 0 && this.#bus.ack) this.#bus.acknowledge(this.#sourceId);
    } else {
      const bytes = Uint8Array.from(this.#fifo.slice(0, this.#left));
      const sent = this.#bus.send(this.#sourceId, bytes);
      this.#fifo.splice(0, sent);
      this.#left -= sent;
    }
    if (this.#left === 0) this.#after('done', SEQUENCE_NS);
    else this.#follow();
  }

  #dmaMove(command: number, available: number, move: (bytes: number) => number): number {
    if (this.#state !== 'dma' || (this.#sequence & SEQ_CMD) !== command) return 0;
    const wanted = Math.min(available, this.#budget, this.#left);
    const moved = wanted > 0 ? move(wanted) : 0;
    this.#left -= moved;
    this.#budget -= moved;
    this.#count = this.#left & 0xffff;
    if (this.#left === 0) this.#after('done', SEQUENCE_NS);
    else if (!this.#bus.req) this.#state = 'waitReq';
    else if (this.#budget === 0) this.#after('burst', Math.min(this.#left, DMA_BURST_BYTES) * this.#byteNs);
    return moved;
  }

  #watchDisconnect(): void {
    if (!this.#bus.connected(this.#sourceId)) return this.#after('done', SEQUENCE_NS);
    if (!this.#bus.req) return;
    this.#abandon();
    this.#raiseException(EXC_PHASEMM);
  }

  #due(): void {
    const state = this.#state;
    this.#state = 'idle';
    switch (state) {
      case 'arbitrate':
        // The bus was free for long enough; if it still is, our bit goes onto it.
        if (!this.#bus.arbitrate(this.#sourceId)) {
          this.#raiseException(EXC_ARBLOST);
          this.#raise(INT_CMDDONE);
          return;
        }
        return this.#after('arbitrated', ARBITRATION_NS + ARBITRATION_WON_NS);
      case 'arbitrated':
      case 'done':
        return this.#raise(INT_CMDDONE);
      case 'select': {
        const atn = this.#atn || (this.#sequence & SEQ_ATN) !== 0;
        if (this.#bus.select(this.#sourceId, this.#destId, atn)) {
          this.#engaged = true;
          return this.#after('done', SEQUENCE_NS);
        }
        return this.#after('selectTimeout', this.#selTimeout * SEL_TIMEOUT_UNIT_NS);
      }
      case 'selectTimeout':
        this.#bus.release(this.#sourceId);
        this.#raiseException(EXC_SELTO);
        return this.#raise(INT_CMDDONE);
      case 'fifo':
        return this.#moveFifo();
      case 'burst':
        this.#state = 'dma';
        this.#budget = DMA_BURST_BYTES;
        this.dma?.request();
        return;
      default:
    }
  }

  get #byteNs(): number {
    if (this.#syncParms >>> 4 === 0) return ASYNC_BYTE_NS;
    const period = this.#syncParms & 0x0f;
    return (period === 0 ? 5 : (period + 2) * 2) * CLOCK_NS;
  }

  #pushFifo(value: number): void {
    if (this.#fifo.length === FIFO_BYTES) {
      this.#log.guest('FIFO overflow');
      return;
    }
    this.#fifo.push(value);
    const sending = (this.#state === 'waitReq' || this.#state === 'fifo') && !this.#inward && !this.#usesDma;
    if (!sending) return;
    if (this.#fifo.length <= this.#left) this.#count = (this.#left - this.#fifo.length) & 0xffff;
    if (this.#state === 'waitReq') this.#follow();
  }

  #popFifo(): number {
    const value = this.#fifo.shift();
    if (value === undefined) {
      this.#log.guest('read of the empty FIFO');
      return 0;
    }
    if (this.#state === 'waitReq' && this.#inward && !this.#usesDma) this.#follow();
    return value;
  }

  #driveAtn(): void {
    this.#bus.setAtn(this.#sourceId, this.#atn || (this.#sequence & SEQ_ATN) !== 0);
  }

  #setReset(level: boolean): void {
    if (level && !this.#driveReset) {
      this.#stop();
      this.#engaged = false;
    }
    this.#driveReset = level;
    this.#bus.setReset(this.#sourceId, level);
  }

  #setSourceId(value: number): void {
    const address = value & 0x07;
    this.#bus.moveInitiator(this.#sourceId, address);
    this.#sourceId = address;
  }

  #resetRegisters(): void {
    this.#count = 0;
    this.#fifo = [];
    this.#sequence = 0;
    this.#exception = this.#error = 0;
    this.#interruptMask = this.#interrupt = 0;
    this.#syncParms = RESET_SYNC_PARMS;
    this.#reselectEnabled = false;
    this.#parityEnabled = false;
    this.#atn = false;
  }

  #stop(): void {
    this.#abandon();
    this.#left = this.#budget = 0;
  }

  /** Ends whatever the sequencer does; the registers stay as they are. */
  #abandon(): void {
    this.#work.cancel();
    this.#state = 'idle';
  }

  #after(state: State, ns: number): void {
    this.#state = state;
    this.#work.schedule(Math.max(1, this.#scheduler.ns(ns)));
  }

  #clearInterrupts(bits: number): void {
    this.#interrupt &= ~bits;
    if ((bits & INT_EXCEPTION) !== 0) this.#exception = 0;
    if ((bits & INT_ERROR) !== 0) this.#error = 0;
    this.#update();
  }

  #raiseException(bits: number): void {
    this.#exception |= bits;
    this.#raise(INT_EXCEPTION);
  }

  #raiseError(bits: number): void {
    this.#error |= bits;
    this.#raise(INT_ERROR);
  }

  #raise(bits: number): void {
    this.#interrupt |= bits;
    this.#update();
  }

  #update(): void {
    this.irq.set((this.#interrupt & this.#interruptMask) !== 0);
  }
}
