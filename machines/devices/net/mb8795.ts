// SPDX-License-Identifier: MIT
//
// Fujitsu MB8795 Ethernet data link controller, with the MB502 encoder and the two transceivers of NeXT computers: thin
// coax, and twisted pair where the board can select it.
//
// Sockets: span 16, byte registers; wires `txIrq` and `rxIrq`; two DMA channels that move packets (`EthernetDma`); an
// EthernetLink, or nothing in the socket; input `twistedPairW`.
//
//     0 TXSTAT  7 ready  6 network busy  5 own transmission received  4 shorted  3 underflow  2 collision  1 16 collisions  0 parity
//     1 TXMASK  as above                    2 RXSTAT  7 packet OK  4 reset packet  3 short  2 alignment  1 CRC  0 overflow
//     3 RXMASK  as above                    4 TXMODE  7-4 collisions  3 ignore parity  1 no loop back  0 no contention
//     5 RXMODE  7 test  4 address of 5 bytes  3 take short packets  2 reset packets  1-0 none, limited, normal, all
//     6 RESET   7 held in reset             7, 15 transmitted bits  8-13 physical address
//
// Status bits 3-0 of TXSTAT and all of RXSTAT are cleared by writing ones. Received packets have their frame check
// sequence. Without a network thin coax has no terminator: whatever is sent collides until given up.
//
// The AT&T 7213 of the Turbo machines (`t7213`) differs: TXMODE 7 transmitter on, 2 twisted pair, 1 loop back; RXMODE
// 7 receiver on, 1 own address, 0 all; RESET 6 reads as "no twisted pair link"; ones clear every bit of TXSTAT.
//
// Documents: none public; [NetBSD next68k] mb8795.c, mb8795reg.h; [Previous] ethernet.c.
// Not modelled: errors on the cable (alignment, CRC, shorts, single collisions), reset packets, test mode.
import type { ChipContext } from '../../backplane/board.ts';
import { BYTE_REGISTERS, type BusTarget, type Width } from '../../backplane/bus.ts';
import { type Device, type PlainFields, type ResetKind, SavedFields } from '../../backplane/device.ts';
import type { DeviceLog } from '../../backplane/log.ts';
import type { Scheduler, Task } from '../../backplane/scheduler.ts';
import { Wire } from '../../backplane/wire.ts';
import {
  type EthernetLink,
  FCS_BYTES,
  frameCheckSequence,
  isBroadcast,
  isGroup,
  MAX_FRAME,
  MIN_FRAME,
} from './ethernet.ts';

/** The DMA channels of the controller: they know where packets begin and end. */
export interface EthernetDma {
  /** The packet to send, or a part of it; `undefined` while there is none. */
  takePacket(most: number): { bytes: Uint8Array; end: boolean } | undefined;
  /** Bytes of a received packet from `done` on; how many there was room for. */
  receivePacket(packet: Uint8Array, done: number): number;
}

const TXSTAT = 0;
const TXMASK = 1;
const RXSTAT = 2;
const RXMASK = 3;
const TXMODE = 4;
const RXMODE = 5;
const RESET = 6;
const COUNT_LOW = 7;
const ADDRESS = 8;
const COUNT_HIGH = 15;

const TX_READY = 0x80;
const TX_BUSY = 0x40;
const TX_RECEIVED = 0x20;
const TX_UNDERFLOW = 0x08;
const TX_COLLISION = 0x04;
const TX_COLLISIONS_16 = 0x02;
const TX_CLEARABLE = 0x0f;
const TX_MASKABLE = 0xaf;

const RX_OK = 0x80;
const RX_SHORT = 0x08;
const RX_OVERFLOW = 0x01;
const RX_BITS = 0x9f;

const TXMODE_NO_LOOP = 0x02;
const RXMODE_SHORT_ADDRESS = 0x10;
const RXMODE_TAKE_SHORT = 0x08;
const RXMODE_MATCH = 0x03;
const MATCH = { none: 0, limited: 1, normal: 2, all: 3 } as const;

const RESET_HELD = 0x80;
const RESET_NO_LINK = 0x40;

const T7213_ON = 0x80;
const T7213_TWISTED_PAIR = 0x04;
const T7213_LOOP = 0x02;
const T7213_OWN = 0x02;
const T7213_ALL = 0x01;

export interface Mb8795Options {
  readonly variant?: 'mb8795' | 't7213';
  readonly link?: EthernetLink | undefined;
}

/** At ten million bits a second. */
const BYTE_NS = 800;
const PREAMBLE_BYTES = 8;
const GAP_NS = 9_600;
/** Sixteen attempts with their waits, on average. */
const COLLISIONS_NS = 250_000_000;
const MOST_PARTS = 16;
const QUEUE = 16;
const MIN_SHORT = 10;

export class Mb8795 implements Device, BusTarget {
  readonly id: string;
  readonly span = 16;
  readonly access = BYTE_REGISTERS;
  readonly txIrq: Wire;
  readonly rxIrq: Wire;
  /** Set by the board. */
  tx: EthernetDma | undefined;
  rx: EthernetDma | undefined;
  readonly #t7213: boolean;
  readonly #link: EthernetLink | undefined;
  readonly #log: DeviceLog;
  readonly #scheduler: Scheduler;
  readonly #sender: Task;
  readonly #receiver: Task;
  readonly #address = new Uint8Array(6);
  #txStatus = TX_READY;
  #txMask = 0;
  #rxStatus = 0;
  #rxMask = 0;
  #txMode = 0;
  #rxMode = 0;
  #held = true;
  #twistedPair = false;
  #txPending = false;
  #rxPending = false;
  /** The packet on its way out. */
  #sending: Uint8Array | undefined;
  #sentBits = 0;
  /** Packets that have come in and wait for the receiver, without frame check sequence. */
  #incoming: Uint8Array[] = [];

  constructor(chip: ChipContext, options: Mb8795Options = {}) {
    const { link } = options;
    this.id = chip.id;
    this.#t7213 = options.variant === 't7213';
    this.#link = link;
    this.#log = chip.log;
    this.#scheduler = chip.scheduler;
    this.txIrq = new Wire(`${chip.id}.tx-irq`);
    this.rxIrq = new Wire(`${chip.id}.rx-irq`);
    this.#sender = chip.scheduler.task(`${chip.id}.send`, () => this.#sendNext());
    this.#receiver = chip.scheduler.task(`${chip.id}.receive`, () => this.#receiveNext());
    if (link !== undefined) link.onFrame = (frame) => this.#arrived(frame, false);
  }

  twistedPairW(level: boolean): void {
    this.#twistedPair = level;
  }

  // ---- registers --------------------------------------------------------------------------------------------------

  read(offset: number, _width: Width): number {
    return this.peek(offset);
  }

  peek(offset: number): number {
    switch (offset) {
      case TXSTAT:
        return this.#txStatus;
      case TXMASK:
        return this.#txMask;
      case RXSTAT:
        return this.#rxStatus;
      case RXMASK:
        return this.#rxMask;
      case TXMODE:
        return this.#txMode;
      case RXMODE:
        return this.#rxMode;
      case RESET:
        return (this.#held ? RESET_HELD : 0) | (this.#t7213 && this.#link === undefined ? RESET_NO_LINK : 0);
      case COUNT_LOW:
        return this.#sentBits & 0xff;
      case COUNT_HIGH:
        return (this.#sentBits >>> 8) & 0x3f;
      default:
        return this.#address[offset - ADDRESS] ?? 0;
    }
  }

  write(offset: number, _width: Width, value: number): void {
    switch (offset) {
      case TXSTAT:
        this.#txStatus &= ~(value & (this.#t7213 ? 0xff : TX_CLEARABLE));
        break;
      case TXMASK:
        this.#txMask = value & TX_MASKABLE;
        break;
      case RXSTAT:
        this.#rxStatus &= ~value;
        break;
      case RXMASK:
        this.#rxMask = value & RX_BITS;
        break;
      case TXMODE:
        this.#txMode = this.#t7213 ? value : value & 0x0f;
        if (this.#t7213) this.transmit();
        break;
      case RXMODE:
        this.#rxMode = value;
        break;
      case RESET:
        this.#writeReset((value & RESET_HELD) !== 0);
        break;
      default:
        if (offset < ADDRESS || offset >= ADDRESS + 6) this.#log.guest('write of %x to register %x', value, offset);
        else this.#address[offset - ADDRESS] = value;
    }
    // Any write to status or mask ends an interrupt whose reason is gone.
    if ((this.#txStatus & this.#txMask & (this.#t7213 ? 0xff : TX_CLEARABLE)) === 0) this.#txPending = false;
    if ((this.#rxStatus & this.#rxMask) === 0) this.#rxPending = false;
    this.#update();
  }

  #writeReset(held: boolean): void {
    this.#held = held;
    if (!held) {
      this.transmit();
      return;
    }
    this.#clear();
  }

  // ---- transmitter ------------------------------------------------------------------------------------------------

  /** The transmitting DMA channel has a packet. */
  transmit(): void {
    if (this.#held || this.#sending !== undefined || this.#sender.scheduled) return;
    if (this.#t7213 && !(this.#txMode & T7213_ON)) return;
    this.#sender.schedule(this.#scheduler.ns(GAP_NS));
  }

  get #loopBack(): boolean {
    if (this.#t7213) return (this.#txMode & T7213_LOOP) !== 0;
    return !this.#twistedPair && !(this.#txMode & TXMODE_NO_LOOP);
  }

  get #onTwistedPair(): boolean {
    return this.#t7213 ? (this.#txMode & T7213_TWISTED_PAIR) !== 0 : this.#twistedPair;
  }

  #sendNext(): void {
    if (this.#sending !== undefined) this.#sent(this.#sending);
    const packet = this.#takePacket();
    this.#sending = packet;
    if (packet === undefined) return;
    this.#txStatus &= ~(TX_READY | TX_RECEIVED);
    const collides = this.#link === undefined && !this.#loopBack && !this.#onTwistedPair;
    const bytes = PREAMBLE_BYTES + Math.max(packet.length, MIN_FRAME) + FCS_BYTES;
    this.#sender.schedule(this.#scheduler.ns(collides ? COLLISIONS_NS : bytes * BYTE_NS + GAP_NS));
  }

  /** All parts of the next packet; `undefined` when there is none, or its end never came. */
  #takePacket(): Uint8Array | undefined {
    const packet = new Uint8Array(MAX_FRAME);
    let length = 0;
    for (let part = 0; part < MOST_PARTS; part++) {
      const taken = this.tx?.takePacket(MAX_FRAME - length);
      if (taken === undefined) {
        if (part > 0) this.#txEvent(TX_UNDERFLOW);
        return undefined;
      }
      packet.set(taken.bytes, length);
      length += taken.bytes.length;
      if (taken.end) return packet.subarray(0, length);
    }
    this.#txEvent(TX_UNDERFLOW);
    return undefined;
  }

  #sent(packet: Uint8Array): void {
    this.#sending = undefined;
    this.#sentBits = packet.length * 8;
    this.#txStatus |= TX_READY;
    if (this.#loopBack) {
      this.#arrived(packet, true);
    } else if (this.#link === undefined) {
      if (!this.#onTwistedPair) {
        if (!this.#t7213) this.#txMode |= 0xf0;
        this.#txEvent(TX_COLLISION | TX_COLLISIONS_16);
        return;
      }
    } else {
      this.#link.send(packet.slice());
      // Coax: the receiver hears what is sent.
      if (!this.#onTwistedPair) this.#arrived(packet, true);
    }
    if (!this.#t7213) this.#txMode &= 0x0f;
    this.#txEvent(TX_READY);
  }

  #txEvent(event: number): void {
    this.#txStatus |= event;
    if (this.#txStatus & event & this.#txMask) this.#txPending = true;
    this.#update();
  }

  // ---- receiver ---------------------------------------------------------------------------------------------------

  #arrived(packet: Uint8Array, own: boolean): void {
    if (this.#held) return;
    if (!own && (this.#loopBack || packet.length > MAX_FRAME)) return;
    if (own) this.#txEvent(TX_RECEIVED);
    if (!this.#accepts(packet)) return;
    if (this.#incoming.length >= QUEUE) {
      this.#rxEvent(RX_OVERFLOW);
      return;
    }
    this.#incoming.push(packet.slice());
    this.#txStatus |= TX_BUSY;
    if (!this.#receiver.scheduled) this.#receiver.schedule(this.#scheduler.ns(GAP_NS));
  }

  #accepts(packet: Uint8Array): boolean {
    if (this.#t7213) return this.#t7213Accepts(packet);
    const match = this.#rxMode & RXMODE_MATCH;
    if (match === MATCH.none) return false;
    if (match === MATCH.all || isBroadcast(packet)) return true;
    if (this.#isOwn(packet, this.#rxMode & RXMODE_SHORT_ADDRESS ? 5 : 6)) return true;
    if (!isGroup(packet)) return false;
    if (match === MATCH.normal) return true;
    const [first, second, third] = this.#address;
    return (packet[0]! & 0xfe) === first && packet[1] === second && packet[2] === third;
  }

  #t7213Accepts(packet: Uint8Array): boolean {
    if (!(this.#rxMode & T7213_ON)) return false;
    if (this.#rxMode & T7213_ALL || isBroadcast(packet)) return true;
    return (this.#rxMode & T7213_OWN) !== 0 && this.#isOwn(packet, 6);
  }

  #isOwn(packet: Uint8Array, bytes: number): boolean {
    return this.#address.subarray(0, bytes).every((byte, index) => packet[index] === byte);
  }

  #receiveNext(): void {
    const packet = this.#incoming.shift();
    if (this.#incoming.length > 0) this.#receiver.schedule(this.#scheduler.ns(MIN_FRAME * BYTE_NS + GAP_NS));
    else this.#txStatus &= ~TX_BUSY;
    if (packet === undefined) return;
    const short = packet.length < MIN_FRAME;
    if (short && (!(this.#rxMode & RXMODE_TAKE_SHORT) || packet.length < MIN_SHORT)) {
      this.#rxEvent(RX_SHORT);
      return;
    }
    const whole = new Uint8Array(packet.length + FCS_BYTES);
    whole.set(packet);
    whole.set(frameCheckSequence(packet), packet.length);
    let done = 0;
    for (let part = 0; part < MOST_PARTS && done < whole.length; part++) {
      const taken = this.rx?.receivePacket(whole, done) ?? 0;
      if (taken === 0) break;
      done += taken;
    }
    this.#rxEvent(done < whole.length ? RX_OVERFLOW : RX_OK | (short ? RX_SHORT : 0));
  }

  #rxEvent(event: number): void {
    this.#rxStatus |= event;
    if (event & this.#rxMask) this.#rxPending = true;
    this.#update();
  }

  #update(): void {
    this.txIrq.set(this.#txPending);
    this.rxIrq.set(this.#rxPending);
  }

  // ---- device -----------------------------------------------------------------------------------------------------

  #clear(): void {
    this.#sender.cancel();
    this.#receiver.cancel();
    this.#sending = undefined;
    this.#incoming = [];
    this.#sentBits = 0;
    this.#txStatus = this.#t7213 ? 0 : TX_READY;
    this.#rxStatus = 0;
    this.#txMask = this.#rxMask = this.#txMode = this.#rxMode = 0;
    this.#txPending = this.#rxPending = false;
  }

  reset(_kind: ResetKind): void {
    this.#clear();
    this.#held = true;
    this.#address.fill(0);
  }

  settle(): void {
    this.#update();
  }

  save(): PlainFields {
    return {
      address: this.#address.slice(),
      txStatus: this.#txStatus,
      txMask: this.#txMask,
      rxStatus: this.#rxStatus,
      rxMask: this.#rxMask,
      txMode: this.#txMode,
      rxMode: this.#rxMode,
      held: this.#held,
      twistedPair: this.#twistedPair,
      txPending: this.#txPending,
      rxPending: this.#rxPending,
      sending: this.#sending?.slice() ?? null,
      sentBits: this.#sentBits,
      incoming: this.#incoming.map((packet) => packet.slice()),
      sendIn: this.#sender.remaining,
      receiveIn: this.#receiver.remaining,
    };
  }

  restore(state: PlainFields): void {
    const saved = new SavedFields(this.id, state);
    const packets = saved
      .list('incoming', QUEUE)
      .map((one) => new SavedFields(this.id, { one }).bytes('one', undefined, MAX_FRAME));
    const sending = state['sending'] === null ? undefined : saved.bytes('sending', undefined, MAX_FRAME);
    this.#address.set(saved.bytes('address', 6));
    this.#txStatus = saved.u8('txStatus');
    this.#txMask = saved.u8('txMask');
    this.#rxStatus = saved.u8('rxStatus');
    this.#rxMask = saved.u8('rxMask');
    this.#txMode = saved.u8('txMode');
    this.#rxMode = saved.u8('rxMode');
    this.#held = saved.bool('held');
    this.#twistedPair = saved.bool('twistedPair');
    this.#txPending = saved.bool('txPending');
    this.#rxPending = saved.bool('rxPending');
    this.#sending = sending;
    this.#sentBits = saved.int('sentBits', 0, MAX_FRAME * 8);
    this.#incoming = packets;
    this.#sender.restore(saved.int('sendIn', -1, Number.MAX_SAFE_INTEGER));
    this.#receiver.restore(saved.int('receiveIn', -1, Number.MAX_SAFE_INTEGER));
  }
}
