// SPDX-License-Identifier: MIT
//
// The monitor port in the peripheral controller of NeXT computers: a serial link to the MegaPixel Display or the sound
// box, over which keyboard, mouse and sound travel in packets of a command byte and four data bytes.
//
// Sockets: span 0x10 (at 0x0200_e000); the other end of the link (`MonitorBox`), which answers through `receive`; DMA
// channels sound out and sound in; interrupts `soundIrq`, `keyMouseIrq`, `monitorIrq`, `nmi`.
//
//     +0 sound     7 out enable  6 out request  5 out underrun  3 in enable  2 in request  1 in overrun
//     +1 receiver  7 keyboard interrupt  6 data  5 overrun  4 NMI  3 monitor interrupt  2 data  1 overrun
//     +2 sender    7 DMA pending  6 DMA sending  5 CPU pending  4 CPU sending  1 out of reset  0 loop back
//     +3 command   that goes with data written, or came with data received
//     +4 data      writing sends; reading gives what was received
//     +8 data      of keyboard and mouse
//
// Writing ones to underrun and overrun bits clears them and what they stand for. Reading the data clears "data".
//
// Documents: none public; [Previous] kms.c and [NetBSD next68k] nextkbd.c for registers and packets.
// Not modelled: bits 3 and 2 of the sender, whose function nobody knows. A packet takes 10 us.
import type { ChipContext } from '../../backplane/board.ts';
import type { AccessRules, BusTarget, Width } from '../../backplane/bus.ts';
import { type Device, type PlainFields, type ResetKind, SavedFields } from '../../backplane/device.ts';
import type { DmaChannel, DmaPeer } from '../../backplane/dma.ts';
import type { DeviceLog } from '../../backplane/log.ts';
import type { Task } from '../../backplane/scheduler.ts';
import { Wire } from '../../backplane/wire.ts';

const SO_ENABLE = 0x80;
const SO_REQUEST = 0x40;
const SO_UNDERRUN = 0x20;
const SI_ENABLE = 0x08;
const SI_REQUEST = 0x04;
const SI_OVERRUN = 0x02;

const KM_INT = 0x80;
const KM_DATA = 0x40;
const KM_OVERRUN = 0x20;
const KM_NMI = 0x10;
const MON_INT = 0x08;
const MON_DATA = 0x04;
const MON_OVERRUN = 0x02;

const TX_CPU_PENDING = 0x20;
const TX_CPU = 0x10;
const TX_ENABLE = 0x02;
const TX_LOOP = 0x01;

/** Packets from the display. */
export const FROM_MONITOR = { keyMouse: 0xc6, soundIn: 0xc7 } as const;

const PACKET_NS = 10_000;

const DATA = 4;
const KEY_MOUSE_DATA = 8;

/** What is at the other end of the monitor cable. */
export interface MonitorBox {
  /** A packet from the computer. */
  packet(command: number, data: number): void;
  /** The computer's end is held in reset, or let go. */
  linkReset(): void;
}

export class NextMonitorPort implements Device, BusTarget {
  readonly id: string;
  readonly span = 0x10;
  readonly access: AccessRules = { valid: { min: 1, max: 4 }, impl: { min: 1, max: 4 }, byteOrder: 'big' };
  readonly soundIrq: Wire;
  readonly keyMouseIrq: Wire;
  readonly monitorIrq: Wire;
  readonly nmi: Wire;
  /** Set by the board. */
  box: MonitorBox | undefined;
  soundOut: DmaChannel | undefined;
  soundIn: DmaChannel | undefined;
  readonly #log: DeviceLog;
  readonly #sender: Task;
  readonly #packetTicks: number;
  #sound = 0;
  #receiver = 0;
  #sending = 0;
  #command = 0;
  #data = 0;
  #keyMouse = 0;
  /** The packet being sent, and the one that waits. */
  #current = { command: 0, data: 0 };
  #waiting = { command: 0, data: 0 };
  /** Sound out: where DMA puts what the box asked for. Sound in: what the box has for DMA. */
  #wanted: Uint8Array | undefined;
  #given = 0;
  #offered: Uint8Array | undefined;
  #taken = 0;

  constructor(chip: ChipContext) {
    this.id = chip.id;
    this.#log = chip.log;
    this.soundIrq = new Wire(`${chip.id}.sound`);
    this.keyMouseIrq = new Wire(`${chip.id}.key-mouse`);
    this.monitorIrq = new Wire(`${chip.id}.monitor`);
    this.nmi = new Wire(`${chip.id}.nmi`);
    this.#sender = chip.scheduler.task(`${chip.id}.packet`, () => this.#sent());
    this.#packetTicks = chip.scheduler.ns(PACKET_NS);
  }

  // ---- registers --------------------------------------------------------------------------------------------------

  read(offset: number, width: Width): number {
    const value = this.#value(offset, width);
    const first = offset & ~3;
    if (first === DATA) this.#receiver &= ~(MON_DATA | MON_INT);
    if (first === KEY_MOUSE_DATA) this.#receiver &= ~(KM_DATA | KM_INT);
    this.#update();
    return value;
  }

  peek(offset: number): number {
    return this.#value(offset, 1);
  }

  #value(offset: number, width: Width): number {
    const shift = (4 - width - (offset & 3)) * 8;
    const mask = width === 4 ? 0xffff_ffff : (1 << (width * 8)) - 1;
    return ((this.#word(offset & ~3) >>> shift) & mask) >>> 0;
  }

  #word(offset: number): number {
    switch (offset) {
      case 0:
        return ((this.#sound << 24) | (this.#receiver << 16) | (this.#sending << 8) | this.#command) >>> 0;
      case DATA:
        return this.#data;
      case KEY_MOUSE_DATA:
        return this.#keyMouse;
      default:
        return 0;
    }
  }

  write(offset: number, width: Width, value: number): void {
    if (offset < DATA) {
      for (let i = 0; i < width; i++) this.#writeControl(offset + i, (value >>> ((width - 1 - i) * 8)) & 0xff);
    } else if (offset === DATA && width === 4) {
      this.#send(this.#command, value);
    } else {
      this.#log.guest('write of %x to %x', value, offset);
    }
    this.#update();
  }

  #writeControl(offset: number, value: number): void {
    switch (offset) {
      case 0:
        this.#sound = (this.#sound & ~(SO_ENABLE | SI_ENABLE)) | (value & (SO_ENABLE | SI_ENABLE));
        if (value & SO_UNDERRUN) this.#sound &= ~(SO_UNDERRUN | SO_REQUEST);
        if (value & SI_OVERRUN) this.#sound &= ~(SI_OVERRUN | SI_REQUEST);
        break;
      case 1:
        if (value & KM_OVERRUN) this.#receiver &= ~(KM_INT | KM_DATA | KM_OVERRUN);
        if (value & KM_NMI) this.#receiver &= ~KM_NMI;
        if (value & MON_OVERRUN) this.#receiver &= ~(MON_INT | MON_DATA | MON_OVERRUN);
        break;
      case 2: {
        const kept = value & (TX_ENABLE | TX_LOOP);
        const leaving = this.#sending & ~kept & TX_ENABLE;
        this.#sending = (this.#sending & ~(TX_ENABLE | TX_LOOP)) | kept;
        if (!leaving) break;
        this.#sender.cancel();
        this.#sending &= ~(TX_CPU | TX_CPU_PENDING);
        this.box?.linkReset();
        break;
      }
      default:
        this.#command = value;
    }
  }

  // ---- the link ---------------------------------------------------------------------------------------------------

  #send(command: number, data: number): void {
    if (!(this.#sending & TX_ENABLE)) {
      this.#log.guest('packet %x %x sent while in reset', command, data);
      return;
    }
    if (this.#sending & TX_CPU) {
      if (this.#sending & TX_CPU_PENDING) this.#log.guest('packet %x overtakes the one that waits', command);
      this.#waiting = { command, data };
      this.#sending |= TX_CPU_PENDING;
      return;
    }
    this.#current = { command, data };
    this.#sending |= TX_CPU;
    this.#sender.schedule(this.#packetTicks);
  }

  #sent(): void {
    const { command, data } = this.#current;
    if (this.#sending & TX_CPU_PENDING) {
      this.#current = this.#waiting;
      this.#sending &= ~TX_CPU_PENDING;
      this.#sender.schedule(this.#packetTicks);
    } else {
      this.#sending &= ~TX_CPU;
    }
    if (this.#sending & TX_LOOP) this.receive(command, data);
    else this.box?.packet(command, data);
    this.#update();
  }

  /** A packet from the other end. */
  receive(command: number, data: number): void {
    this.#command = command;
    if (command === FROM_MONITOR.keyMouse) {
      if (this.#receiver & KM_DATA) this.#receiver |= KM_OVERRUN;
      this.#keyMouse = data >>> 0;
      this.#receiver |= KM_DATA | KM_INT;
    } else {
      if (this.#receiver & MON_DATA) this.#receiver |= MON_OVERRUN;
      this.#data = data >>> 0;
      this.#receiver |= MON_DATA | MON_INT;
    }
    this.#update();
  }

  /** Command and grave accent were pressed together. */
  keyboardNmi(): void {
    this.#receiver |= KM_NMI;
    this.#update();
  }

  /** The box wants sound: fills `into` by DMA and gives how many bytes there were. */
  pullSound(into: Uint8Array): number {
    if (!(this.#sound & SO_ENABLE)) return 0;
    this.#sound |= SO_REQUEST;
    this.#wanted = into;
    this.#given = 0;
    this.soundOut?.request();
    this.#wanted = undefined;
    if (this.#given === into.length) this.#sound &= ~SO_REQUEST;
    else this.#sound |= SO_UNDERRUN;
    this.#update();
    return this.#given;
  }

  /** The box has recorded sound. */
  pushSound(from: Uint8Array): void {
    if (!(this.#sound & SI_ENABLE)) return;
    this.#sound |= SI_REQUEST;
    this.#offered = from;
    this.#taken = 0;
    this.soundIn?.request();
    this.#offered = undefined;
    if (this.#taken === from.length) this.#sound &= ~SI_REQUEST;
    else this.#sound |= SI_OVERRUN;
    this.#update();
  }

  /** The peer of DMA channel sound out. */
  readonly soundOutPeer: DmaPeer = {
    dmaOut: (bytes) => {
      const wanted = this.#wanted;
      if (wanted === undefined) return 0;
      const part = bytes.subarray(0, wanted.length - this.#given);
      wanted.set(part, this.#given);
      this.#given += part.length;
      return part.length;
    },
    dmaIn: () => 0,
  };

  /** The peer of DMA channel sound in. */
  readonly soundInPeer: DmaPeer = {
    dmaOut: () => 0,
    dmaIn: (into) => {
      const offered = this.#offered;
      if (offered === undefined) return 0;
      const part = offered.subarray(this.#taken, this.#taken + into.length);
      into.set(part);
      this.#taken += part.length;
      return part.length;
    },
  };

  #update(): void {
    this.soundIrq.set((this.#sound & (SO_UNDERRUN | SI_OVERRUN)) !== 0);
    this.keyMouseIrq.set((this.#receiver & KM_INT) !== 0);
    this.monitorIrq.set((this.#receiver & MON_INT) !== 0);
    this.nmi.set((this.#receiver & KM_NMI) !== 0);
  }

  // ---- device -----------------------------------------------------------------------------------------------------

  reset(_kind: ResetKind): void {
    this.#sender.cancel();
    this.#sound = this.#receiver = this.#sending = this.#command = this.#data = this.#keyMouse = 0;
    this.#current = { command: 0, data: 0 };
    this.#waiting = { command: 0, data: 0 };
  }

  settle(): void {
    this.#update();
  }

  save(): PlainFields {
    return {
      sound: this.#sound,
      receiver: this.#receiver,
      sending: this.#sending,
      command: this.#command,
      data: this.#data,
      keyMouse: this.#keyMouse,
      current: { ...this.#current },
      waiting: { ...this.#waiting },
      sentIn: this.#sender.remaining,
    };
  }

  restore(state: PlainFields): void {
    const saved = new SavedFields(this.id, state);
    const packet = (name: string): { command: number; data: number } => {
      const fields = saved.nested(name);
      return { command: fields.u8('command'), data: fields.u32('data') };
    };
    this.#sound = saved.u8('sound');
    this.#receiver = saved.u8('receiver');
    this.#sending = saved.u8('sending');
    this.#command = saved.u8('command');
    this.#data = saved.u32('data');
    this.#keyMouse = saved.u32('keyMouse');
    this.#current = packet('current');
    this.#waiting = packet('waiting');
    this.#sender.restore(saved.int('sentIn', -1, Number.MAX_SAFE_INTEGER));
  }
}
