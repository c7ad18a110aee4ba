// SPDX-License-Identifier: MIT
/**
 * A target on a parallel SCSI bus: phases and messages around a command layer.
 *
 * Sockets: an address on a ScsiBus; a device server that executes commands.
 * Documents: [SCSI-2] X3.131-1994 §6.2 (phase sequences), §6.6 (messages).
 * Not modelled: tagged queuing and linked commands (rejected), wide transfers (WDTR is rejected), ATN in the middle of
 * a data phase (it is answered at its end).
 */
import type { ChipContext } from '../../backplane/board.ts';
import { type Device, type PlainFields, type ResetKind, SavedFields, SnapshotError } from '../../backplane/device.ts';
import type { DeviceLog } from '../../backplane/log.ts';
import type { Scheduler, Task } from '../../backplane/scheduler.ts';
import type { DeviceServer } from './device-server.ts';
import { EXTENDED, IDENTIFY_DISCONNECT, MSG, PHASE, type Phase, SCSI_STATUS, SENSE, cdbLength } from './scsi.ts';
import { SCSI_ADDRESSES, type ScsiBus, type ScsiBusTarget } from './scsi-bus.ts';

/** Between phases: bus settle delay and the target's own sequencer. */
const PHASE_NS = 1_000;
/** From BSY in the selection phase to the first REQ. */
const SELECTION_NS = 2_000;
/** A command that takes longer than this is worth letting go of the bus for. */
const DISCONNECT_NS = 1_000_000;
const RESELECT_BUSY_NS = 20_000;
const RESELECT_IGNORED_NS = 1_000_000;
/** Longest sequence of messages an initiator can sensibly send. */
const MAX_MESSAGE_BYTES = 32;
/** Synchronous transfers: 100 ns (in units of 4 ns), 15 bytes ahead. */
const MIN_SYNC_PERIOD = 25;
const MAX_SYNC_OFFSET = 15;

/** What the target does when its time has come. */
const STEPS = [
  'none',
  'connected',
  'messages',
  'command',
  'execute',
  'data',
  'status',
  'complete',
  'sendMessage',
  'disconnect',
  'busFree',
  'reselect',
] as const;
type Step = (typeof STEPS)[number];

export class ScsiTarget implements Device, ScsiBusTarget {
  readonly id: string;
  readonly address: number;
  readonly #bus: ScsiBus;
  readonly #server: DeviceServer;
  readonly #log: DeviceLog;
  readonly #scheduler: Scheduler;
  readonly #work: Task;
  #step: Step = 'none';
  /** Where to go on after messages. */
  #resume: Step = 'none';
  #phase: Phase = PHASE.dataOut;
  #inbox: number[] = [];
  #outbox: number[] = [];
  #lastMessage: number[] = [];
  #initiator = 7;
  #lun = -1;
  #mayDisconnect = false;
  /** A command has let go of the bus and waits to go on. */
  #disconnected = false;
  #waitNs = 0;
  /** This connection came while another command was disconnected: it can only be told so, or abort that. */
  #intruder = false;

  constructor(chip: ChipContext, bus: ScsiBus, address: number, server: DeviceServer) {
    if (!Number.isInteger(address) || address < 0 || address >= SCSI_ADDRESSES) {
      throw new RangeError(`${chip.id}: SCSI address ${address}`);
    }
    this.id = chip.id;
    this.address = address;
    this.#log = chip.log;
    this.#bus = bus;
    this.#server = server;
    this.#scheduler = chip.scheduler;
    this.#work = chip.scheduler.task(`${chip.id}.work`, () => this.#due());
    bus.attachTarget(address, this);
  }

  selected(initiator: number): boolean {
    this.#intruder = this.#disconnected;
    if (this.#intruder) this.#work.cancel();
    this.#initiator = initiator;
    this.#lun = -1;
    this.#inbox = [];
    this.#outbox = [];
    this.#resume = 'command';
    this.#after('connected', SELECTION_NS);
    return true;
  }

  take(bytes: Uint8Array): number {
    switch (this.#phase) {
      case PHASE.messageOut: {
        const room = MAX_MESSAGE_BYTES - this.#inbox.length;
        const taken = Math.min(bytes.length, room);
        this.#inbox.push(...bytes.subarray(0, taken));
        // The phase goes on as long as ATN is asserted.
        if (taken > 0 && (!this.#bus.atn || this.#inbox.length === MAX_MESSAGE_BYTES)) this.#endPhase('messages');
        return taken;
      }
      case PHASE.command: {
        let taken = 0;
        while (taken < bytes.length && !this.#commandComplete) this.#inbox.push(bytes[taken++]!);
        if (this.#commandComplete) this.#endPhase('execute');
        return taken;
      }
      case PHASE.dataOut: {
        const taken = this.#server.write(bytes);
        if (this.#server.remaining === 0) this.#endPhase('status');
        return taken;
      }
      default:
        return 0;
    }
  }

  give(into: Uint8Array): number {
    if (into.length === 0) return 0;
    switch (this.#phase) {
      case PHASE.dataIn: {
        const given = this.#server.read(into);
        if (this.#server.remaining === 0) this.#endPhase('status');
        return given;
      }
      case PHASE.status:
        into[0] = this.#intruder ? SCSI_STATUS.busy : this.#server.status;
        this.#endPhase('complete');
        return 1;
      case PHASE.messageIn: {
        const byte = this.#outbox[0];
        if (byte === undefined) return 0;
        into[0] = byte;
        return 1;
      }
      default:
        return 0;
    }
  }

  acknowledged(): void {
    this.#outbox.shift();
    if (this.#bus.atn) {
      // The initiator has something to say about this message: what is left of it is not sent.
      this.#outbox = [];
      this.#after('connected', PHASE_NS);
    } else if (this.#outbox.length > 0) this.#after('sendMessage', PHASE_NS);
    else this.#after(this.#resume, PHASE_NS);
  }

  busReset(): void {
    this.#forget();
    this.#server.reset();
  }

  reset(kind: ResetKind): void {
    this.#forget();
    this.#initiator = 7;
    this.#waitNs = 0;
    if (kind !== 'snapshot') this.#server.reset();
  }

  settle(): void {}

  save(): PlainFields {
    return {
      step: this.#step,
      resume: this.#resume,
      phase: this.#phase,
      inbox: [...this.#inbox],
      outbox: [...this.#outbox],
      lastMessage: [...this.#lastMessage],
      initiator: this.#initiator,
      lun: this.#lun,
      mayDisconnect: this.#mayDisconnect,
      disconnected: this.#disconnected,
      waitNs: this.#waitNs,
      intruder: this.#intruder,
      due: this.#work.remaining,
      server: this.#server.save(),
    };
  }

  restore(state: PlainFields): void {
    const fields = new SavedFields(this.id, state);
    const step = (name: string): Step => {
      const known = STEPS.find((value) => value === fields.string(name));
      if (known === undefined) throw new SnapshotError(`${this.id}: unknown ${name}`);
      return known;
    };
    const bytes = (name: string): number[] =>
      fields.list(name, MAX_MESSAGE_BYTES).map((value) => {
        if (typeof value !== 'number' || !Number.isInteger(value) || value < 0 || value > 0xff) {
          throw new SnapshotError(`${this.id}: field "${name}" should hold bytes`);
        }
        return value;
      });
    this.#step = step('step');
    this.#resume = step('resume');
    const phase = fields.int('phase', 0, 7);
    const knownPhase = Object.values(PHASE).find((value) => value === phase);
    if (knownPhase === undefined) throw new SnapshotError(`${this.id}: reserved phase`);
    this.#phase = knownPhase;
    this.#inbox = bytes('inbox');
    this.#outbox = bytes('outbox');
    this.#lastMessage = bytes('lastMessage');
    this.#initiator = fields.int('initiator', 0, SCSI_ADDRESSES - 1);
    this.#lun = fields.int('lun', -1, 7);
    this.#mayDisconnect = fields.bool('mayDisconnect');
    this.#disconnected = fields.bool('disconnected');
    this.#waitNs = fields.int('waitNs', 0, 1e12);
    this.#intruder = fields.bool('intruder');
    this.#server.restore(fields.fields('server'));
    this.#work.restore(fields.int('due', -1, Number.MAX_SAFE_INTEGER));
  }

  get #commandComplete(): boolean {
    return this.#inbox.length > 0 && this.#inbox.length >= cdbLength(this.#inbox[0]!);
  }

  #after(step: Step, ns: number): void {
    this.#step = step;
    this.#work.schedule(Math.max(1, this.#scheduler.ns(ns)));
  }

  #endPhase(next: Step): void {
    this.#bus.pause(this.address);
    this.#after(next, PHASE_NS);
  }

  #request(phase: Phase): void {
    this.#phase = phase;
    this.#bus.request(this.address, phase);
  }

  #due(): void {
    const step = this.#step;
    this.#step = 'none';
    // Between phases an initiator with ATN asserted is heard first.
    const between = step === 'command' || step === 'data' || step === 'status' || step === 'complete';
    if (this.#bus.atn && (between || step === 'connected')) {
      if (between) this.#resume = step;
      this.#inbox = [];
      this.#request(PHASE.messageOut);
      return;
    }
    switch (step) {
      case 'connected':
        return this.#after(this.#resume, 0);
      case 'messages':
        return this.#messages();
      case 'command':
        this.#inbox = [];
        return this.#request(PHASE.command);
      case 'execute':
        return this.#execute();
      case 'data':
        if (this.#server.remaining === 0) return this.#request(PHASE.status);
        return this.#request(this.#server.direction === 'in' ? PHASE.dataIn : PHASE.dataOut);
      case 'status':
        return this.#request(PHASE.status);
      case 'complete':
        return this.#say([MSG.commandComplete], 'busFree');
      case 'sendMessage':
        return this.#request(PHASE.messageIn);
      case 'disconnect':
        this.#disconnected = true;
        this.#after('reselect', Math.max(this.#waitNs, RESELECT_BUSY_NS));
        return this.#bus.disconnect(this.address);
      case 'busFree':
        return this.#letGo();
      case 'reselect':
        return this.#reselect();
      case 'none':
    }
  }

  /** Sends messages, then goes on with `resume`. */
  #say(bytes: readonly number[], resume: Step): void {
    this.#outbox = [...bytes];
    this.#lastMessage = [...bytes];
    this.#resume = resume;
    this.#request(PHASE.messageIn);
  }

  #execute(): void {
    if (this.#intruder) return this.#after('status', PHASE_NS);
    const cdb = Uint8Array.from(this.#inbox);
    // Without IDENTIFY the logical unit is in the command, as in SCSI-1.
    this.#server.start(cdb, this.#lun >= 0 ? this.#lun : cdb[1]! >>> 5, this.#initiator);
    const wait = this.#server.latencyNs;
    if (!this.#mayDisconnect || wait < DISCONNECT_NS) return this.#after('data', wait);
    this.#waitNs = wait;
    this.#say([MSG.disconnect], 'disconnect');
  }

  #reselect(): void {
    const outcome = this.#bus.reselect(this.address, this.#initiator);
    if (outcome === 'busy') return this.#after('reselect', RESELECT_BUSY_NS);
    if (outcome === 'ignored') return this.#after('reselect', RESELECT_IGNORED_NS);
    this.#disconnected = false;
    this.#intruder = false;
    this.#lastMessage = [MSG.identify | Math.max(0, this.#lun)];
    this.#outbox = [...this.#lastMessage];
    this.#resume = 'data';
    this.#after('sendMessage', SELECTION_NS);
  }

  /** Bus free; a command that was disconnected before goes on later. */
  #letGo(): void {
    if (this.#disconnected) this.#after('reselect', RESELECT_BUSY_NS);
    this.#intruder = false;
    this.#bus.disconnect(this.address);
  }

  /** All bytes of a MESSAGE OUT phase are here. */
  #messages(): void {
    const inbox = this.#inbox;
    this.#inbox = [];
    const replies: number[] = [];
    for (let at = 0; at < inbox.length;) {
      const code = inbox[at]!;
      if (code >= MSG.identify) {
        this.#lun = code & 0x07;
        this.#mayDisconnect = (code & IDENTIFY_DISCONNECT) !== 0;
        if ((code & 0x38) !== 0) replies.push(MSG.reject); // target routines and reserved bits
        at += 1;
        continue;
      }
      if (code === MSG.extended) {
        const length = inbox[at + 1] === 0 ? 256 : (inbox[at + 1] ?? 0);
        replies.push(...this.#extended(inbox.slice(at + 2, at + 2 + length)));
        at += 2 + length;
        continue;
      }
      if (code >= 0x20 && code <= 0x2f) {
        replies.push(MSG.reject); // queue tags and other two-byte messages
        at += 2;
        continue;
      }
      at += 1;
      switch (code) {
        case MSG.noOperation:
          break;
        case MSG.reject:
          // A rejected SDTR leaves transfers asynchronous; only a rejected DISCONNECT changes what comes next.
          if (this.#resume === 'disconnect') this.#resume = 'data';
          break;
        case MSG.initiatorDetectedError:
          this.#server.fail(SENSE.initiatorDetectedError);
          this.#resume = 'status';
          break;
        case MSG.parityError:
          replies.push(...this.#lastMessage);
          break;
        case MSG.abort:
        case MSG.abortTag:
        case MSG.clearQueue:
          this.#server.abort();
          this.#disconnected = false;
          this.#letGo();
          return;
        case MSG.busDeviceReset:
          this.#server.reset();
          this.#disconnected = false;
          this.#letGo();
          return;
        default:
          this.#log.guest('message %x', code);
          replies.push(MSG.reject);
      }
    }
    if (replies.length === 0) return this.#after(this.#resume, PHASE_NS);
    this.#say(replies.slice(0, MAX_MESSAGE_BYTES), this.#resume);
  }

  /** `message` begins with the extended message code. */
  #extended(message: readonly number[]): number[] {
    if (message[0] === EXTENDED.sdtr && message.length === 3) {
      const offset = Math.min(message[2]!, MAX_SYNC_OFFSET);
      return [MSG.extended, 3, EXTENDED.sdtr, Math.max(message[1]!, MIN_SYNC_PERIOD), offset];
    }
    return [MSG.reject];
  }

  #forget(): void {
    this.#work.cancel();
    this.#step = this.#resume = 'none';
    this.#phase = PHASE.dataOut;
    this.#inbox = [];
    this.#outbox = [];
    this.#lastMessage = [];
    this.#lun = -1;
    this.#mayDisconnect = false;
    this.#disconnected = false;
    this.#intruder = false;
    this.#server.abort();
  }
}
