// SPDX-License-Identifier: MIT
//
// The laser printer port in the peripheral controller of NeXT computers: a serial link like the monitor's, to the NeXT
// Laser Printer.
//
// Sockets: span 8 (at 0x0200_f000); wire `irq`; DMA channel printer.
//
//     +0 DMA       7 out enable  6 out request  5 out underrun  3 in enable  2 in request  1 in overrun  0 increment
//     +1 printer   7 power on  6 behaves as a monitor port  3 interrupt  2 data  1 overrun
//     +2 sender    7 DMA pending  6 DMA sending  5 CPU pending  4 CPU sending  1 out of reset  0 loop back
//     +3 command   +4 data
//
// Documents: none public; [Previous] printer.c.
// Not modelled: a printer. Without one nothing is ever received but what is looped back; a packet takes 10 us.
import type { ChipContext } from '../../backplane/board.ts';
import type { AccessRules, BusTarget, Width } from '../../backplane/bus.ts';
import { type Device, type PlainFields, type ResetKind, SavedFields } from '../../backplane/device.ts';
import type { DeviceLog } from '../../backplane/log.ts';
import type { Task } from '../../backplane/scheduler.ts';
import { Wire } from '../../backplane/wire.ts';

const DMA_KEPT = 0x89;
const DMA_OUT_UNDERRUN = 0x20;
const DMA_IN_OVERRUN = 0x02;

const LP_KEPT = 0xc0;
const LP_INT = 0x08;
const LP_DATA = 0x04;
const LP_OVERRUN = 0x02;

const TX_CPU = 0x10;
const TX_ENABLE = 0x02;
const TX_LOOP = 0x01;

const PACKET_NS = 10_000;
const DATA = 4;

export class NextPrinterPort implements Device, BusTarget {
  readonly id: string;
  readonly span = 8;
  readonly access: AccessRules = { valid: { min: 1, max: 4 }, impl: { min: 1, max: 4 }, byteOrder: 'big' };
  readonly irq: Wire;
  readonly #log: DeviceLog;
  readonly #sender: Task;
  readonly #packetTicks: number;
  #dma = 0;
  #printer = 0;
  #sending = 0;
  #command = 0;
  #data = 0;
  #sent = 0;

  constructor(chip: ChipContext) {
    this.id = chip.id;
    this.#log = chip.log;
    this.irq = new Wire(`${chip.id}.irq`);
    this.#packetTicks = chip.scheduler.ns(PACKET_NS);
    this.#sender = chip.scheduler.task(`${chip.id}.packet`, () => this.#packetSent());
  }

  read(offset: number, width: Width): number {
    const value = this.#value(offset, width);
    if (offset >= DATA) this.#printer &= ~LP_DATA;
    this.#update();
    return value;
  }

  peek(offset: number): number {
    return this.#value(offset, 1);
  }

  #value(offset: number, width: Width): number {
    const printer = this.#printer | (this.irq.level ? LP_INT : 0);
    const word =
      offset >= DATA ? this.#data : (this.#dma << 24) | (printer << 16) | (this.#sending << 8) | this.#command;
    const shift = (4 - width - (offset & 3)) * 8;
    const mask = width === 4 ? 0xffff_ffff : (1 << (width * 8)) - 1;
    return ((word >>> shift) & mask) >>> 0;
  }

  write(offset: number, width: Width, value: number): void {
    if (offset < DATA) {
      for (let i = 0; i < width; i++) this.#writeControl(offset + i, (value >>> ((width - 1 - i) * 8)) & 0xff);
    } else if (width === 4) {
      this.#send(value);
    } else {
      this.#log.guest('write of %x to %x', value, offset);
    }
    this.#update();
  }

  #writeControl(offset: number, value: number): void {
    switch (offset) {
      case 0:
        this.#dma = (this.#dma & ~DMA_KEPT) | (value & DMA_KEPT);
        if (value & DMA_OUT_UNDERRUN) this.#dma &= ~DMA_OUT_UNDERRUN;
        if (value & DMA_IN_OVERRUN) this.#dma &= ~DMA_IN_OVERRUN;
        break;
      case 1:
        this.#printer = (this.#printer & ~LP_KEPT) | (value & LP_KEPT);
        if (value & LP_OVERRUN) this.#printer &= ~(LP_OVERRUN | LP_DATA);
        break;
      case 2:
        this.#sending = (this.#sending & ~(TX_ENABLE | TX_LOOP)) | (value & (TX_ENABLE | TX_LOOP));
        if (value & TX_ENABLE) break;
        this.#sender.cancel();
        this.#sending &= ~TX_CPU;
        break;
      default:
        this.#command = value;
    }
  }

  #send(data: number): void {
    if (!(this.#sending & TX_ENABLE)) return;
    this.#sent = data;
    this.#sending |= TX_CPU;
    this.#sender.schedule(this.#packetTicks);
  }

  #packetSent(): void {
    this.#sending &= ~TX_CPU;
    if (!(this.#sending & TX_LOOP)) return;
    if (this.#printer & LP_DATA) this.#printer |= LP_OVERRUN;
    this.#data = this.#sent;
    this.#printer |= LP_DATA;
    this.#update();
  }

  #update(): void {
    this.irq.set(
      (this.#printer & (LP_DATA | LP_OVERRUN)) !== 0 || (this.#dma & (DMA_OUT_UNDERRUN | DMA_IN_OVERRUN)) !== 0,
    );
  }

  reset(_kind: ResetKind): void {
    this.#sender.cancel();
    this.#dma = this.#printer = this.#sending = this.#command = this.#data = this.#sent = 0;
  }

  settle(): void {
    this.#update();
  }

  save(): PlainFields {
    return {
      dma: this.#dma,
      printer: this.#printer,
      sending: this.#sending,
      command: this.#command,
      data: this.#data,
      sent: this.#sent,
      sentIn: this.#sender.remaining,
    };
  }

  restore(state: PlainFields): void {
    const saved = new SavedFields(this.id, state);
    this.#dma = saved.u8('dma');
    this.#printer = saved.u8('printer');
    this.#sending = saved.u8('sending');
    this.#command = saved.u8('command');
    this.#data = saved.u32('data');
    this.#sent = saved.u32('sent');
    this.#sender.restore(saved.int('sentIn', -1, Number.MAX_SAFE_INTEGER));
  }
}
