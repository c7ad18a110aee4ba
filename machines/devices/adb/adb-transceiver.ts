// SPDX-License-Identifier: MIT
//
// Apple 342S0440-B: the microcontroller between a VIA's shift register and the Apple Desktop Bus, from the Macintosh II
// to the Quadra 950 and 800 ("ADB modem", "ADB transceiver").
//
// Sockets: `stW(bit, level)` (pins ST0 and ST1, from port B of the VIA), `dataW` (CB2 as the host drives it), outputs
// `clock` (CB1), `data` (CB2), `int` (pin is active-low); an AdbBus.
//
// ST1,ST0 choose what comes next, and each change asks for one byte:
//   00 command: the host's byte is taken; `int` says that it was not, because a reply nobody asked for is waiting
//   01, 10 even and odd data byte: the host's (Listen) or the device's (Talk, or that waiting reply). `int` says with
//      the first byte that nothing answered, with the second that another device wants service, later that the data
//      are over
//   11 idle: a Listen is carried out, then the device that talked last is polled again and again; when it answers, or
//      when another device wants service, the poll's command byte is sent with `int`. So is a Talk's whose reply the
//      host has left unread
// Documents: [GMFH] chapter 8, [MACII-ADB] in docs/references.md.
// Not modelled: the bus's bits (AdbBus says how many cells a transaction takes).
import type { ChipContext } from '../../backplane/board.ts';
import { type Device, type PlainFields, type ResetKind, SavedFields } from '../../backplane/device.ts';
import type { Scheduler, Task } from '../../backplane/scheduler.ts';
import { Wire } from '../../backplane/wire.ts';
import { ADB_MAX_DATA, AdbBus } from './adb-bus.ts';

const STATE_COMMAND = 0;
const STATE_EVEN = 1;
const STATE_ODD = 2;
const STATE_IDLE = 3;

const ADB_CELL_NS = 100_000;
/** From a change of state to the first edge of the clock, and from edge to edge: the firmware's loops. */
const NOTICE_NS = 60_000;
const EDGE_NS = 12_000;
const EDGES = 16;
const POLL_NS = 11_000_000;

const COMMAND_MASK = 0x0c;
const LISTEN = 0x08;
const TALK = 0x0c;
const TALK_R0 = 0x0c;

const SHIFTS = ['none', 'in', 'out'] as const;
const MODES = ['idle', 'command', 'listen', 'reply'] as const;

/** Device 3 is the mouse; until something has talked, that is who is asked. */
const FIRST_POLLED = 3;

export class AdbTransceiver implements Device {
  readonly id: string;
  readonly clock: Wire;
  readonly data: Wire;
  readonly int: Wire;
  readonly #adb: AdbBus;
  readonly #scheduler: Scheduler;
  readonly #edge: Task;
  readonly #poll: Task;

  #state = STATE_IDLE;
  #dataPin = true;
  #intOut = false;
  #dataOut = true;
  /** The shift under way: direction, byte, edges still to come. */
  #shift: (typeof SHIFTS)[number] = 'none';
  #byte = 0;
  #edges = 0;
  /** What the host and we are doing. */
  #mode: (typeof MODES)[number] = 'idle';
  #command = 0;
  #listen: number[] = [];
  /** The reply, how much of it was sent, and what `int` will say of it. */
  #reply: number[] = [];
  #sent = 0;
  #timeout = false;
  #serviceRequest = false;
  /** The reply was not asked for and the host has not read it yet. */
  #waiting = false;
  #polled = FIRST_POLLED;
  /** Master tick at which the bus is free again. */
  #busyUntil = 0;

  constructor(context: ChipContext, adb: AdbBus) {
    this.id = context.id;
    this.#adb = adb;
    this.#scheduler = context.scheduler;
    this.clock = new Wire(`${context.id}.clock`);
    this.data = new Wire(`${context.id}.data`);
    this.int = new Wire(`${context.id}.int`);
    this.#edge = context.scheduler.task(`${context.id}.edge`, () => this.#clockEdge());
    this.#poll = context.scheduler.task(`${context.id}.poll`, () => this.#pollDevice());
  }

  // ---- pins -------------------------------------------------------------------------------------------------------

  stW(bit: 0 | 1, level: boolean): void {
    const state = level ? this.#state | (1 << bit) : this.#state & ~(1 << bit);
    if (state === this.#state) return;
    this.#state = state;
    // Both pins change in one write of the port; the firmware sees what they are a little later.
    this.#shift = 'none';
    this.clock.set(true);
    this.#poll.cancel();
    this.#edges = EDGES;
    this.#edge.schedule(this.#scheduler.ns(NOTICE_NS));
  }

  dataW(level: boolean): void {
    this.#dataPin = level;
  }

  // ---- states -----------------------------------------------------------------------------------------------------

  #entered(): void {
    switch (this.#state) {
      case STATE_COMMAND:
        this.#finishListen();
        this.#mode = 'command';
        this.#setInt(this.#waiting);
        this.#begin('in', 0);
        return;
      case STATE_EVEN:
      case STATE_ODD:
        if (this.#mode === 'listen') {
          this.#setInt(false);
          this.#begin('in', 0);
        } else {
          this.#sendReplyByte();
        }
        return;
      default:
        this.#finishListen();
        this.#setInt(false);
        if (this.#replyUnread) this.#announce();
        else this.#schedulePoll();
        this.#mode = 'idle';
    }
  }

  /** The Macintosh's ROM goes from a Talk straight to idle and is told of the reply as of a poll's. */
  get #replyUnread(): boolean {
    const talked = this.#mode === 'reply' && (this.#command & COMMAND_MASK) === TALK;
    return talked && this.#sent === 0 && (!this.#timeout || this.#serviceRequest);
  }

  #setInt(asserted: boolean): void {
    this.#intOut = asserted;
    this.int.set(asserted);
  }

  /** A Listen has as many bytes as the host sent until it changed to another state. */
  #finishListen(): void {
    if (this.#mode !== 'listen') return;
    this.#mode = 'idle';
    this.#transact(Uint8Array.from(this.#listen));
    this.#listen = [];
  }

  /** One transaction of the bus with the current command. */
  #transact(data: Uint8Array): void {
    const reply = this.#adb.transact(this.#command, data);
    const cells = AdbBus.cells(Math.max(data.length, reply.data?.length ?? 0));
    this.#busyUntil = this.#scheduler.now + this.#scheduler.ns(cells * ADB_CELL_NS);
    this.#serviceRequest = reply.serviceRequest;
    this.#timeout = reply.data === undefined;
    this.#reply = this.#timeout ? [0xff, 0xff] : [...reply.data!];
    this.#sent = 0;
  }

  #received(byte: number): void {
    if (this.#mode === 'listen') {
      if (this.#listen.length < ADB_MAX_DATA) this.#listen.push(byte);
      return;
    }
    if (this.#mode !== 'command') return;
    if (this.#waiting) {
      // The host reads the waiting reply first and tries again later.
      this.#mode = 'reply';
      return;
    }
    this.#command = byte;
    if ((byte & COMMAND_MASK) === LISTEN) {
      this.#mode = 'listen';
      this.#listen = [];
      return;
    }
    this.#mode = 'reply';
    if ((byte & COMMAND_MASK) === TALK) this.#polled = byte >>> 4;
    this.#transact(new Uint8Array(0));
  }

  #sendReplyByte(): void {
    this.#mode = 'reply';
    this.#waiting = false;
    const index = this.#sent++;
    if (index === 0) this.#setInt(this.#timeout);
    else if (index === 1) this.#setInt(this.#serviceRequest);
    else this.#setInt(index >= this.#reply.length);
    if (this.#sent > ADB_MAX_DATA + 2) this.#sent = ADB_MAX_DATA + 2;
    this.#begin('out', this.#reply[index] ?? (this.#timeout ? 0xff : 0));
  }

  // ---- polling ----------------------------------------------------------------------------------------------------

  #schedulePoll(): void {
    const free = Math.max(0, this.#busyUntil - this.#scheduler.now);
    this.#poll.schedule(free + this.#scheduler.ns(POLL_NS));
  }

  #pollDevice(): void {
    if (this.#state !== STATE_IDLE) return;
    this.#command = (this.#polled << 4) | TALK_R0;
    this.#transact(new Uint8Array(0));
    if (this.#timeout && !this.#serviceRequest) {
      this.#schedulePoll();
      return;
    }
    this.#announce();
  }

  /** A reply is there that the host does not expect. */
  #announce(): void {
    this.#waiting = true;
    this.#setInt(true);
    this.#begin('out', this.#command);
  }

  // ---- shifting ---------------------------------------------------------------------------------------------------

  /** Moves a byte once the bus is free. */
  #begin(direction: 'in' | 'out', byte: number): void {
    this.#shift = direction;
    this.#byte = byte;
    this.#edges = EDGES;
    const free = Math.max(0, this.#busyUntil - this.#scheduler.now);
    this.#edge.schedule(free + this.#scheduler.ns(EDGE_NS));
  }

  /** Data change when the clock falls and are taken when it rises, in either direction. */
  #clockEdge(): void {
    if (this.#shift === 'none') {
      this.#entered();
      return;
    }
    const rising = this.#edges % 2 === 1;
    this.#edges--;
    if (!rising) {
      if (this.#shift === 'out') {
        this.#dataOut = (this.#byte & 0x80) !== 0;
        this.#byte = (this.#byte << 1) & 0xff;
        this.data.set(this.#dataOut);
      }
      this.clock.set(false);
    } else {
      if (this.#shift === 'in') this.#byte = ((this.#byte << 1) | (this.#dataPin ? 1 : 0)) & 0xff;
      // The last rising edge interrupts the host: everything it will look at comes first.
      if (this.#edges === 0) {
        const received = this.#shift === 'in';
        this.#shift = 'none';
        if (received) this.#received(this.#byte);
        this.#dataOut = true;
        this.clock.set(true);
        this.data.set(true);
        return;
      }
      this.clock.set(true);
    }
    this.#edge.schedule(this.#scheduler.ns(EDGE_NS));
  }

  // ---- device -----------------------------------------------------------------------------------------------------

  reset(_kind: ResetKind): void {
    this.#edge.cancel();
    this.#poll.cancel();
    this.#intOut = false;
    this.#dataOut = true;
    this.#shift = 'none';
    this.#byte = this.#edges = this.#command = 0;
    this.#mode = 'idle';
    this.#listen = [];
    this.#reply = [];
    this.#sent = 0;
    this.#timeout = this.#serviceRequest = this.#waiting = false;
    this.#polled = FIRST_POLLED;
    this.#busyUntil = 0;
  }

  settle(): void {
    this.int.set(this.#intOut);
    this.data.set(this.#dataOut);
    this.clock.set(this.#shift === 'none' || this.#edges % 2 === 0);
  }

  save(): PlainFields {
    return {
      state: this.#state,
      dataPin: this.#dataPin,
      int: this.#intOut,
      dataOut: this.#dataOut,
      shift: this.#shift,
      byte: this.#byte,
      edges: this.#edges,
      mode: this.#mode,
      command: this.#command,
      listen: Uint8Array.from(this.#listen),
      reply: Uint8Array.from(this.#reply),
      sent: this.#sent,
      timeout: this.#timeout,
      serviceRequest: this.#serviceRequest,
      waiting: this.#waiting,
      polled: this.#polled,
      busyFor: Math.max(0, this.#busyUntil - this.#scheduler.now),
      edgeIn: this.#edge.remaining,
      pollIn: this.#poll.remaining,
    };
  }

  restore(state: PlainFields): void {
    const saved = new SavedFields(this.id, state);
    const due = (name: string, least = -1): number => saved.int(name, least, Number.MAX_SAFE_INTEGER);
    this.#state = saved.int('state', 0, 3);
    this.#dataPin = saved.bool('dataPin');
    this.#intOut = saved.bool('int');
    this.#dataOut = saved.bool('dataOut');
    this.#shift = saved.oneOf('shift', SHIFTS);
    this.#byte = saved.u8('byte');
    this.#edges = saved.int('edges', 0, EDGES);
    this.#mode = saved.oneOf('mode', MODES);
    this.#command = saved.u8('command');
    this.#listen = [...saved.bytes('listen', undefined, ADB_MAX_DATA)];
    this.#reply = [...saved.bytes('reply', undefined, ADB_MAX_DATA)];
    this.#sent = saved.int('sent', 0, ADB_MAX_DATA + 2);
    this.#timeout = saved.bool('timeout');
    this.#serviceRequest = saved.bool('serviceRequest');
    this.#waiting = saved.bool('waiting');
    this.#polled = saved.int('polled', 0, 15);
    this.#busyUntil = this.#scheduler.now + due('busyFor', 0);
    this.#edge.restore(due('edgeIn'));
    this.#poll.restore(due('pollIn'));
  }
}
