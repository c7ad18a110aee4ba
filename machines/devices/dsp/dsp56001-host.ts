// SPDX-License-Identifier: MIT
//
// Host interface of the Motorola DSP56001 digital signal processor: what the processor beside it sees of the DSP.
//
// Sockets: span 8, byte registers: 0 ICR, 1 CVR, 2 ISR, 3 IVR, 5-7 receive (reading) and transmit (writing) bytes,
// high, middle, low; `hreq` (HREQ outside DMA mode) and `dmaRequest`; DMA is its DmaPeer; input `resetW` (asserted: in
// reset). Reading or writing the low byte completes a word.
//
// Documents: [DSP56000] DSP56000/DSP56001 user's manual, chapter 5.
// Not modelled: the processor itself. Bootstrap from the host (modes 1 and 3 of its pins) takes its 512 words, then
// nothing answers: transmitted words stay in the registers, host commands stay pending.
import type { ChipContext } from '../../backplane/board.ts';
import { BYTE_REGISTERS, type BusTarget, type Width } from '../../backplane/bus.ts';
import { type Device, type PlainFields, type ResetKind, SavedFields } from '../../backplane/device.ts';
import type { DmaChannel, DmaPeer } from '../../backplane/dma.ts';
import type { DeviceLog } from '../../backplane/log.ts';
import { Wire } from '../../backplane/wire.ts';

const ICR = 0;
const CVR = 1;
const ISR = 2;
const IVR = 3;
const HIGH = 5;
const MIDDLE = 6;
const LOW = 7;

const ICR_INIT = 0x80;
const ICR_HM = 0x60;
const ICR_TREQ = 0x02;
const ICR_RREQ = 0x01;

const CVR_HC = 0x80;
const CVR_RESET = 0x12;

const ISR_HREQ = 0x80;
const ISR_DMA = 0x40;
const ISR_TRDY = 0x04;
const ISR_TXDE = 0x02;
const ISR_RXDF = 0x01;

const IVR_RESET = 0x0f;
const BOOTSTRAP_WORDS = 512;

export class Dsp56001Host implements Device, BusTarget, DmaPeer {
  readonly id: string;
  readonly span = 8;
  readonly access = BYTE_REGISTERS;
  readonly hreq: Wire;
  readonly dmaRequest: Wire;
  dma: DmaChannel | undefined;
  readonly #log: DeviceLog;
  #inReset = true;
  #icr = 0;
  #cvr = CVR_RESET;
  #ivr = IVR_RESET;
  readonly #transmit = new Uint8Array(3);
  readonly #receive = new Uint8Array(3);
  /** The transmit registers hold a word; the DSP's own register behind them does. */
  #txFull = false;
  #hrxFull = false;
  #rxFull = false;
  /** Words of the bootstrap so far. */
  #words = 0;
  /** Which byte of a word DMA exchanges next: 0 the high one. */
  #dmaByte = 0;

  constructor(chip: ChipContext) {
    this.id = chip.id;
    this.#log = chip.log;
    this.hreq = new Wire(`${chip.id}.hreq`);
    this.dmaRequest = new Wire(`${chip.id}.dma-request`);
  }

  /** The RESET pin. */
  resetW(level: boolean): void {
    if (level) this.#clear();
    this.#inReset = level;
    this.#update();
  }

  read(offset: number, _width: Width): number {
    const value = this.peek(offset);
    if (offset === LOW) {
      this.#rxFull = false;
      this.#update();
    }
    return value;
  }

  peek(offset: number): number {
    switch (offset) {
      case ICR:
        return this.#icr;
      case CVR:
        return this.#cvr;
      case ISR:
        return this.#isr;
      case IVR:
        return this.#ivr;
      case HIGH:
      case MIDDLE:
      case LOW:
        return this.#receive[offset - HIGH]!;
      default:
        return 0;
    }
  }

  get #isr(): number {
    const status =
      (this.#rxFull ? ISR_RXDF : 0) |
      (this.#txFull ? 0 : ISR_TXDE) |
      (this.#txFull || this.#hrxFull ? 0 : ISR_TRDY) |
      (this.#icr & ICR_HM ? ISR_DMA : 0);
    return status | (this.#requests ? ISR_HREQ : 0);
  }

  /** HREQ: the host may exchange a word of a kind it asked to hear of. */
  get #requests(): boolean {
    const transmit = (this.#icr & ICR_TREQ) !== 0 && !this.#txFull;
    const receive = (this.#icr & ICR_RREQ) !== 0 && this.#rxFull;
    return transmit || receive;
  }

  write(offset: number, _width: Width, value: number): void {
    switch (offset) {
      case ICR:
        this.#icr = value & ~ICR_INIT & 0xfb;
        if (value & ICR_INIT) this.#initialize();
        break;
      case CVR:
        this.#cvr = value & 0x9f;
        if (value & CVR_HC) this.#log.unimp('host command %x: there is no DSP behind', value & 0x1f);
        break;
      case IVR:
        this.#ivr = value;
        break;
      case HIGH:
      case MIDDLE:
      case LOW:
        this.#transmit[offset - HIGH] = value;
        if (offset === LOW) this.#send();
        break;
      default:
        this.#log.guest('write of %x to register %x', value, offset);
    }
    this.#update();
  }

  /** [DSP56000 5.3.2.1] INIT empties the directions that are enabled, on both sides. */
  #initialize(): void {
    if (this.#icr & ICR_TREQ) this.#txFull = this.#hrxFull = false;
    if (this.#icr & ICR_RREQ) this.#rxFull = false;
    const mode = (this.#icr & ICR_HM) >>> 5;
    this.#dmaByte = mode === 0 ? 0 : mode - 1;
  }

  #send(): void {
    if (this.#inReset) return;
    if (this.#words < BOOTSTRAP_WORDS) {
      this.#words++;
    } else if (!this.#hrxFull) {
      this.#hrxFull = true;
      this.#log.unimp('a word is sent: there is no DSP behind');
    } else {
      this.#txFull = true;
    }
  }

  dmaOut(bytes: Uint8Array): number {
    let taken = 0;
    while (taken < bytes.length && this.dmaRequest.level && this.#icr & ICR_TREQ) {
      this.write(HIGH + this.#dmaByte, 1, bytes[taken++]!);
      this.#nextDmaByte();
    }
    return taken;
  }

  dmaIn(into: Uint8Array): number {
    let given = 0;
    while (given < into.length && this.dmaRequest.level && this.#icr & ICR_RREQ) {
      into[given++] = this.read(HIGH + this.#dmaByte, 1);
      this.#nextDmaByte();
    }
    return given;
  }

  /** Words of 24, 16 or 8 bits by the host mode. */
  #nextDmaByte(): void {
    const first = Math.max(0, ((this.#icr & ICR_HM) >>> 5) - 1);
    this.#dmaByte = this.#dmaByte >= 2 ? first : this.#dmaByte + 1;
  }

  #update(): void {
    const dma = (this.#icr & ICR_HM) !== 0;
    const requests = this.#requests && !this.#inReset;
    this.hreq.set(requests && !dma);
    const wasRequesting = this.dmaRequest.level;
    this.dmaRequest.set(requests && dma);
    if (requests && dma && !wasRequesting) this.dma?.request();
  }

  #clear(): void {
    this.#icr = 0;
    this.#cvr = CVR_RESET;
    this.#ivr = IVR_RESET;
    this.#txFull = this.#hrxFull = this.#rxFull = false;
    this.#words = this.#dmaByte = 0;
    this.#transmit.fill(0);
    this.#receive.fill(0);
  }

  reset(_kind: ResetKind): void {
    this.#clear();
    this.#inReset = true;
  }

  settle(): void {
    this.#update();
  }

  save(): PlainFields {
    return {
      inReset: this.#inReset,
      icr: this.#icr,
      cvr: this.#cvr,
      ivr: this.#ivr,
      transmit: this.#transmit.slice(),
      receive: this.#receive.slice(),
      txFull: this.#txFull,
      hrxFull: this.#hrxFull,
      rxFull: this.#rxFull,
      words: this.#words,
      dmaByte: this.#dmaByte,
    };
  }

  restore(state: PlainFields): void {
    const saved = new SavedFields(this.id, state);
    this.#inReset = saved.bool('inReset');
    this.#icr = saved.u8('icr');
    this.#cvr = saved.u8('cvr');
    this.#ivr = saved.u8('ivr');
    this.#transmit.set(saved.bytes('transmit', 3));
    this.#receive.set(saved.bytes('receive', 3));
    this.#txFull = saved.bool('txFull');
    this.#hrxFull = saved.bool('hrxFull');
    this.#rxFull = saved.bool('rxFull');
    this.#words = saved.int('words', 0, BOOTSTRAP_WORDS);
    this.#dmaByte = saved.int('dmaByte', 0, 2);
  }
}
