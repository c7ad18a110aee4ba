// SPDX-License-Identifier: MIT
//
// National DP83932 SONIC, "Systems-Oriented Network Interface Controller": Ethernet with its buffers and descriptors in
// the machine's memory.
//
// Sockets: 64 registers of 16 bits, one every two or every four bytes (`stride`; of four bytes the low half); `irq`;
// DMA as a bus master; an EthernetLink, or no cable.
//
//     00 CR    08 TPS   10 CRBA1  18 RWP    20 TTDA  28 SR
//     01 DCR   09 TFC   11 RBWC0  19 TRBA0  21 CEP   29 WT0
//     02 RCR   0a TSA0  12 RBWC1  1a TRBA1  22 CAP2  2a WT1
//     03 TCR   0b TSA1  13 EOBC   1b TBWC0  23 CAP1  2b RSC
//     04 IMR   0c TFS   14 URRA   1c TBWC1  24 CAP0  2c CRCT
//     05 ISR   0d URDA  15 RSA    1d ADDR0  25 CE    2d FAET
//     06 UTDA  0e CRDA  16 REA    1e ADDR1  26 CDP   2e MPT
//     07 CTDA  0f CRBA0 17 RRP    1f LLFA   27 CDC   2f MDT   3f DCR2
//
// Fields of descriptors are 16 bits wide; in 32-bit mode (DCR) each has a long word, whose low half counts.
// Documents: [DP83932], [Linux drivers/net/ethernet/natsemi], [QEMU hw/net/dp8393x].
// Not modelled: errors on the cable (collisions, CRC, alignment, deferral), bus errors and retries, FIFO thresholds and
// overruns, the byte order pin (descriptors have that of `byteOrder`).
import type { ChipContext } from '../../backplane/board.ts';
import type { AccessRules, BusTarget, Width } from '../../backplane/bus.ts';
import { type Device, type PlainFields, type ResetKind, SavedFields } from '../../backplane/device.ts';
import type { DmaAccess } from '../../backplane/dma.ts';
import type { DeviceLog } from '../../backplane/log.ts';
import type { ClockDomain, Scheduler, Task } from '../../backplane/scheduler.ts';
import { Wire } from '../../backplane/wire.ts';
import { type EthernetLink, FCS_BYTES, frameCheckSequence, isBroadcast, isGroup, MIN_FRAME } from './ethernet.ts';

const CR = 0x00;
const DCR = 0x01;
const RCR = 0x02;
const TCR = 0x03;
const IMR = 0x04;
const ISR = 0x05;
const UTDA = 0x06;
const CTDA = 0x07;
const TPS = 0x08;
const TFC = 0x09;
const TSA0 = 0x0a;
const TSA1 = 0x0b;
const TFS = 0x0c;
const URDA = 0x0d;
const CRDA = 0x0e;
const CRBA0 = 0x0f;
const CRBA1 = 0x10;
const RBWC0 = 0x11;
const RBWC1 = 0x12;
const EOBC = 0x13;
const URRA = 0x14;
const RSA = 0x15;
const REA = 0x16;
const RRP = 0x17;
const RWP = 0x18;
const TRBA0 = 0x19;
const TRBA1 = 0x1a;
const LLFA = 0x1f;
const TTDA = 0x20;
const CEP = 0x21;
const CAP2 = 0x22;
const CAP0 = 0x24;
const CE = 0x25;
const CDP = 0x26;
const CDC = 0x27;
const SR = 0x28;
const WT0 = 0x29;
const WT1 = 0x2a;
const RSC = 0x2b;
const CRCT = 0x2c;
const MPT = 0x2e;
const MDT = 0x2f;
const DCR2 = 0x3f;
const REGISTERS = 0x40;

const CR_LCAM = 0x200;
const CR_RRRA = 0x100;
const CR_RST = 0x080;
const CR_ST = 0x020;
const CR_STP = 0x010;
const CR_RXEN = 0x008;
const CR_RXDIS = 0x004;
const CR_TXP = 0x002;
const CR_HTX = 0x001;

const DCR_BITS = 0xbfff;
const DCR2_BITS = 0xf017;
const DCR_DW = 0x0020; // 32 bits wide

const RCR_CONTROL = 0xfe00;
const RCR_RNT = 0x4000;
const RCR_BRD = 0x2000;
const RCR_PRO = 0x1000;
const RCR_AMC = 0x0800;
const RCR_LOOPBACK = 0x0600;
const RCR_MC = 0x0100;
const RCR_BC = 0x0080;
const RCR_LPKT = 0x0040;
const RCR_CRS = 0x0020;
const RCR_LBK = 0x0002;
const RCR_PRX = 0x0001;

const TCR_CONTROL = 0xf000;
const TCR_PINT = 0x8000;
const TCR_CRCI = 0x2000; // the frame check sequence is in memory
const TCR_NCRS = 0x0100; // no carrier
const TCR_CRSL = 0x0080; // carrier lost
const TCR_BCM = 0x0002; // the fragments are not as long as the packet
const TCR_PTX = 0x0001;
const TCR_STATUS = 0x0fff;

const INT_LCD = 0x1000;
const INT_PINT = 0x0800;
const INT_PKTRX = 0x0400;
const INT_TXDN = 0x0200;
const INT_TXER = 0x0100;
const INT_TC = 0x0080;
const INT_RDE = 0x0040;
const INT_RBE = 0x0020;
const INT_RBAE = 0x0010;
const INT_MP = 0x0002;
const INT_BITS = 0x7fff;

const EOL = 0x0001;
const EOBC_RESET = 0x02f8;
const TCR_RESET = TCR_NCRS | TCR_PTX;

/** Fields of a transmit descriptor; three for each fragment from TD_FRAGMENTS on, then the link. */
const TD_STATUS = 0;
const TD_CONFIG = 1;
const TD_SIZE = 2;
const TD_COUNT = 3;
const TD_FRAGMENTS = 4;
const RD_LINK = 5;
const RD_IN_USE = 6;

const CAM_ENTRIES = 16;
/** Bytes of a packet, whatever the descriptor says. */
const MOST_BYTES = 0x1_0000;
const MOST_FRAGMENTS = 1024;
/** At ten million bits a second. */
const BYTE_NS = 800;
const PREAMBLE_BYTES = 8;
const GAP_NS = 9_600;
const TIMER_HZ = 5_000_000;
const TIMER_RANGE = 0x1_0000_0000;

export interface Dp8393xOptions {
  readonly dma: DmaAccess;
  /** Bytes from one register to the next. */
  readonly stride?: 2 | 4;
  readonly byteOrder?: 'big' | 'little';
  /** What SR reads: 4 and 6 are DP83932s. */
  readonly revision?: number;
  readonly link?: EthernetLink | undefined;
}

export class Dp8393x implements Device, BusTarget {
  readonly id: string;
  readonly span: number;
  readonly access: AccessRules;
  readonly irq: Wire;
  readonly #log: DeviceLog;
  readonly #scheduler: Scheduler;
  readonly #dma: DmaAccess;
  readonly #link: EthernetLink | undefined;
  readonly #big: boolean;
  readonly #stride: 2 | 4;
  readonly #revision: number;
  readonly #sender: Task;
  readonly #timer: Task;
  readonly #ticks: ClockDomain;
  readonly #registers = new Uint16Array(REGISTERS);
  /** Six bytes an entry. */
  readonly #cam = new Uint8Array(CAM_ENTRIES * 6);
  /** The receive buffer is used up and there was no other. */
  #bufferless = false;
  /** The packet on its way, without its frame check sequence. */
  #packet: Uint8Array = new Uint8Array(0);
  /** Where the watchdog timer began to count. */
  #timerFrom = 0;

  constructor(chip: ChipContext, options: Dp8393xOptions) {
    this.id = chip.id;
    this.#log = chip.log;
    this.#scheduler = chip.scheduler;
    this.#dma = options.dma;
    this.#link = options.link;
    this.#big = options.byteOrder !== 'little';
    this.#stride = options.stride ?? 2;
    this.#revision = options.revision ?? 4;
    this.span = REGISTERS * this.#stride;
    this.access = {
      valid: { min: 1, max: 4 },
      impl: { min: this.#stride, max: this.#stride },
      byteOrder: this.#big ? 'big' : 'little',
    };
    this.irq = new Wire(`${chip.id}.irq`);
    this.#sender = chip.scheduler.task(`${chip.id}.send`, () => this.#sent());
    this.#timer = chip.scheduler.task(`${chip.id}.timer`, () => this.#timeOut());
    this.#ticks = chip.scheduler.clock(`${chip.id}.timer`, TIMER_HZ);
    if (this.#link !== undefined) this.#link.onFrame = (frame) => this.#receive(frame, false);
  }

  // ---- registers --------------------------------------------------------------------------------------------------

  read(offset: number, _width: Width): number {
    return this.peek(offset);
  }

  peek(offset: number): number {
    const register = Math.floor(offset / this.#stride);
    switch (register) {
      case WT0:
        return this.#timerNow & 0xffff;
      case WT1:
        return this.#timerNow >>> 16;
      case SR:
        return this.#revision;
      case RCR:
        return this.#registers[RCR]! | (this.#link === undefined ? 0 : RCR_CRS);
      default:
    }
    if (register < CAP2 || register > CAP0) return this.#registers[register]!;
    if (!this.#inReset) return 0;
    const at = (this.#registers[CEP]! & 0x0f) * 6 + (CAP0 - register) * 2;
    return this.#cam[at]! | (this.#cam[at + 1]! << 8);
  }

  write(offset: number, _width: Width, value: number): void {
    this.#writeRegister(Math.floor(offset / this.#stride), value & 0xffff);
    this.#update();
  }

  #writeRegister(register: number, value: number): void {
    const registers = this.#registers;
    switch (register) {
      case CR:
        this.#command(value);
        break;
      case DCR:
      case DCR2:
      case CE:
        if (!this.#inReset) this.#log.guest('write of %x to register %x outside reset', value, register);
        else registers[register] = register === DCR ? value & DCR_BITS : register === DCR2 ? value & DCR2_BITS : value;
        break;
      case RCR:
        registers[RCR] = (value & RCR_CONTROL) | (registers[RCR]! & ~RCR_CONTROL);
        break;
      case TCR:
        registers[TCR] = (value & TCR_CONTROL) | (registers[TCR]! & ~TCR_CONTROL);
        break;
      case IMR:
        registers[IMR] = value & INT_BITS;
        break;
      case ISR:
        registers[ISR] = registers[ISR]! & ~value;
        // There are buffers again.
        if (value & INT_RBE && this.#bufferless && registers[RRP] !== registers[RWP]) this.#readResource();
        break;
      case RSA:
      case REA:
      case RRP:
      case RWP:
        registers[register] = value & (this.#wide ? 0xfffc : 0xfffe);
        break;
      case WT0:
      case WT1:
        this.#stopTimer();
        registers[register] = value;
        this.#startTimer();
        break;
      case CAP2:
      case CAP2 + 1:
      case CAP0:
      case SR:
      case MDT:
        this.#log.guest('write of %x to read-only register %x', value, register);
        break;
      default:
        // The tally counters take what is written upside down.
        registers[register] = register >= CRCT && register <= MPT ? ~value : value;
    }
  }

  get #inReset(): boolean {
    return (this.#registers[CR]! & CR_RST) !== 0;
  }

  get #wide(): boolean {
    return (this.#registers[DCR]! & DCR_DW) !== 0;
  }

  #command(value: number): void {
    const registers = this.#registers;
    if (this.#inReset) {
      // Nothing but leaving reset is possible.
      if (!(value & CR_RST)) registers[CR] = registers[CR]! & ~CR_RST;
      return;
    }
    if (value & CR_RST) {
      this.#sender.cancel();
      registers[CR] = (registers[CR]! & ~(CR_LCAM | CR_RRRA | CR_TXP | CR_HTX | CR_RXEN)) | CR_RST | CR_RXDIS;
      return;
    }
    if (value & CR_RXDIS) registers[CR] = (registers[CR]! & ~CR_RXEN) | CR_RXDIS;
    if (value & CR_RXEN) registers[CR] = (registers[CR]! & ~CR_RXDIS) | CR_RXEN;
    if (value & CR_STP) {
      this.#stopTimer();
      registers[CR] = (registers[CR]! & ~CR_ST) | CR_STP;
    }
    if (value & CR_ST) {
      registers[CR] = (registers[CR]! & ~CR_STP) | CR_ST;
      this.#startTimer();
    }
    if (value & CR_RRRA) this.#readResource();
    if (value & CR_LCAM) this.#loadCam();
    if (value & CR_HTX) registers[CR] = registers[CR]! | CR_HTX;
    if (!(value & CR_TXP)) return;
    registers[CR] = (registers[CR]! | CR_TXP) & ~CR_HTX;
    if (!this.#sender.scheduled) this.#send();
  }

  // ---- memory -----------------------------------------------------------------------------------------------------

  /** The 32-bit address of an upper and a lower register. */
  #address(upper: number, lower: number, mask = 0xffff): number {
    return this.#registers[upper]! * 0x1_0000 + (this.#registers[lower]! & mask);
  }

  /** Field `index` of the descriptor at `pa`. */
  #field(pa: number, index: number): number {
    const bytes = new Uint8Array(this.#wide ? 4 : 2);
    this.#dma.dmaRead((pa + index * bytes.length) >>> 0, bytes);
    const at = this.#big ? bytes.length - 2 : 0;
    return this.#big ? (bytes[at]! << 8) | bytes[at + 1]! : bytes[at]! | (bytes[at + 1]! << 8);
  }

  #putField(pa: number, index: number, value: number): void {
    const bytes = new Uint8Array(this.#wide ? 4 : 2);
    const at = this.#big ? bytes.length - 2 : 0;
    bytes[at] = this.#big ? value >>> 8 : value;
    bytes[at + 1] = this.#big ? value : value >>> 8;
    this.#dma.dmaWrite((pa + index * bytes.length) >>> 0, bytes);
  }

  #loadCam(): void {
    const registers = this.#registers;
    const entryBytes = this.#wide ? 16 : 8;
    for (let left = registers[CDC]! & 0x1f; left > 0; left--) {
      const pa = this.#address(URRA, CDP);
      const entry = this.#field(pa, 0) & 0x0f;
      for (let word = 0; word < 3; word++) {
        const value = this.#field(pa, 1 + word);
        this.#cam[entry * 6 + word * 2] = value;
        this.#cam[entry * 6 + word * 2 + 1] = value >>> 8;
      }
      registers[CDP] = registers[CDP]! + entryBytes;
      registers[CDC] = left - 1;
    }
    registers[CE] = this.#field(this.#address(URRA, CDP), 0);
    this.#raise(INT_LCD);
  }

  /** Takes the next receive buffer from the ring. */
  #readResource(): void {
    const registers = this.#registers;
    const pa = this.#address(URRA, RRP);
    [CRBA0, CRBA1, RBWC0, RBWC1].forEach((register, i) => (registers[register] = this.#field(pa, i)));
    registers[RRP] = registers[RRP]! + (this.#wide ? 16 : 8);
    if (registers[RRP] === registers[REA]) registers[RRP] = registers[RSA]!;
    this.#bufferless = false;
    if (registers[RRP] === registers[RWP]) this.#raise(INT_RBE);
  }

  // ---- sending ----------------------------------------------------------------------------------------------------

  /** Fetches the packet of the present descriptor; it is on its way for as long as it takes. */
  #send(): void {
    const registers = this.#registers;
    registers[TTDA] = registers[CTDA]!;
    const pa = this.#address(UTDA, TTDA, ~EOL);
    const pointed = (registers[TCR]! & TCR_PINT) !== 0;
    registers[TCR] = this.#field(pa, TD_CONFIG) & TCR_CONTROL;
    if (!pointed && registers[TCR] & TCR_PINT) this.#raise(INT_PINT);
    registers[TPS] = this.#field(pa, TD_SIZE);
    registers[TFC] = this.#field(pa, TD_COUNT);
    const parts: Uint8Array[] = [];
    let total = 0;
    const count = Math.min(registers[TFC]!, MOST_FRAGMENTS);
    for (let i = 0; i < count; i++) {
      [TSA0, TSA1, TFS].forEach((register, n) => (registers[register] = this.#field(pa, TD_FRAGMENTS + 3 * i + n)));
      const length = Math.min(registers[TFS]!, MOST_BYTES - total);
      const part = new Uint8Array(length);
      this.#dma.dmaRead(this.#address(TSA1, TSA0), part);
      parts.push(part);
      total += length;
    }
    const packet = new Uint8Array(total);
    let at = 0;
    for (const part of parts) {
      packet.set(part, at);
      at += part.length;
    }
    if (total !== registers[TPS]! || count !== registers[TFC]!) {
      this.#log.guest('a packet of %d bytes in fragments of %d', registers[TPS]!, total);
      registers[TCR] = registers[TCR] | TCR_BCM;
    }
    const ownFcs = (registers[TCR] & TCR_CRCI) !== 0;
    this.#packet = ownFcs ? packet.subarray(0, Math.max(0, total - FCS_BYTES)) : packet;
    const bytes = Math.max(PREAMBLE_BYTES + total + (ownFcs ? 0 : FCS_BYTES), PREAMBLE_BYTES + MIN_FRAME);
    this.#sender.schedule(this.#scheduler.ns(bytes * BYTE_NS + GAP_NS));
  }

  #sent(): void {
    const registers = this.#registers;
    const pa = this.#address(UTDA, TTDA, ~EOL);
    const failed = (registers[TCR]! & TCR_BCM) !== 0;
    const looped = (registers[RCR]! & RCR_LOOPBACK) !== 0;
    const packet = this.#packet;
    this.#packet = new Uint8Array(0);
    if (!failed) {
      registers[TCR] = registers[TCR]! | TCR_PTX;
      if (looped) this.#receive(packet, true);
      else if (this.#link === undefined) registers[TCR] = registers[TCR] | TCR_NCRS | TCR_CRSL;
      else this.#link.send(packet.slice());
    }
    this.#putField(pa, TD_STATUS, registers[TCR]! & TCR_STATUS);
    if (failed) {
      this.#endSending(INT_TXER);
      return;
    }
    registers[CTDA] = this.#field(pa, TD_FRAGMENTS + 3 * Math.min(registers[TFC]!, MOST_FRAGMENTS));
    if (registers[CTDA] & EOL || registers[CR]! & CR_HTX) this.#endSending(INT_TXDN);
    else this.#send();
    this.#update();
  }

  #endSending(event: number): void {
    this.#registers[CR] = this.#registers[CR]! & ~(CR_TXP | CR_HTX);
    this.#raise(event);
  }

  // ---- receiving --------------------------------------------------------------------------------------------------

  /** Whether the packet is for this station: status bits, or -1. */
  #match(packet: Uint8Array): number {
    const rcr = this.#registers[RCR]!;
    if (isBroadcast(packet)) {
      if (rcr & RCR_BRD) return RCR_BC;
    } else if (isGroup(packet)) {
      if (rcr & RCR_AMC) return RCR_MC;
    } else if (rcr & RCR_PRO) return 0;
    for (let entry = 0; entry < CAM_ENTRIES; entry++) {
      if (!((this.#registers[CE]! >>> entry) & 1)) continue;
      const address = this.#cam.subarray(entry * 6, entry * 6 + 6);
      if (address.every((byte, i) => byte === packet[i])) return isGroup(packet) ? RCR_MC : 0;
    }
    return -1;
  }

  #receive(packet: Uint8Array, looped: boolean): void {
    const registers = this.#registers;
    if (!(registers[CR]! & CR_RXEN) || packet.length === 0) return;
    if (packet.length < MIN_FRAME && !looped && !(registers[RCR]! & RCR_RNT)) return;
    const kind = this.#match(packet);
    if (kind < 0) return;
    if (this.#bufferless || !this.#descriptorReady()) {
      this.#missed();
      return;
    }
    const length = packet.length + FCS_BYTES;
    const unit = this.#wide ? 4 : 2;
    const padded = Math.ceil(length / unit) * unit;
    const words = registers[RBWC1]! * 0x1_0000 + registers[RBWC0]!;
    let status = kind | RCR_PRX | (looped ? RCR_LBK : 0);
    if (padded > words * 2) {
      this.#raise(INT_RBAE);
      this.#nextBuffer();
      this.#update();
      return;
    }
    const bytes = new Uint8Array(padded).fill(0xff);
    bytes.set(packet);
    bytes.set(frameCheckSequence(packet), packet.length);
    const pa = this.#address(CRBA1, CRBA0);
    [registers[TRBA0], registers[TRBA1]] = [registers[CRBA0]!, registers[CRBA1]!];
    this.#dma.dmaWrite(pa, bytes);
    const end = (pa + padded) >>> 0;
    [registers[CRBA0], registers[CRBA1]] = [end, end >>> 16];
    const left = words - padded / 2;
    [registers[RBWC0], registers[RBWC1]] = [left, left >>> 16];
    if (left < registers[EOBC]!) status |= RCR_LPKT;
    registers[RCR] = (registers[RCR]! & RCR_CONTROL) | status;
    const descriptor = this.#address(URDA, CRDA, ~EOL);
    [registers[RCR], length, registers[TRBA0]!, registers[TRBA1]!, registers[RSC]!].forEach((value, i) =>
      this.#putField(descriptor, i, value),
    );
    registers[RSC] = (registers[RSC]! & 0xff00) | ((registers[RSC]! + 1) & 0xff);
    registers[LLFA] = this.#field(descriptor, RD_LINK);
    if (registers[LLFA] & EOL) this.#raise(INT_RDE);
    else this.#releaseDescriptor(descriptor);
    if (status & RCR_LPKT) {
      registers[RSC] = (registers[RSC] + 0x100) & 0xff00;
      this.#nextBuffer();
    }
    this.#update();
  }

  /** Gives a filled descriptor to the host and goes to the next. */
  #releaseDescriptor(descriptor: number): void {
    this.#putField(descriptor, RD_IN_USE, 0);
    this.#registers[CRDA] = this.#registers[LLFA]!;
    this.#raise(INT_PKTRX);
  }

  /** At the end of the list: has the host made it longer? */
  #descriptorReady(): boolean {
    const registers = this.#registers;
    if (!(registers[LLFA]! & EOL)) return true;
    const descriptor = this.#address(URDA, CRDA, ~EOL);
    registers[LLFA] = this.#field(descriptor, RD_LINK);
    if (registers[LLFA] & EOL) return false;
    this.#releaseDescriptor(descriptor);
    return true;
  }

  #nextBuffer(): void {
    if (this.#registers[RRP] === this.#registers[RWP]) this.#bufferless = true;
    else this.#readResource();
  }

  #missed(): void {
    this.#registers[MPT] = this.#registers[MPT]! + 1;
    if (this.#registers[MPT] === 0) this.#raise(INT_MP);
    this.#update();
  }

  // ---- timer and interrupts ---------------------------------------------------------------------------------------

  get #counting(): boolean {
    return (this.#registers[CR]! & CR_ST) !== 0;
  }

  get #timerSet(): number {
    return this.#registers[WT1]! * 0x1_0000 + this.#registers[WT0]!;
  }

  get #timerNow(): number {
    if (!this.#counting) return this.#timerSet;
    return (this.#timerSet - (this.#ticks.ticks - this.#timerFrom)) >>> 0;
  }

  #stopTimer(): void {
    const now = this.#timerNow;
    this.#timer.cancel();
    [this.#registers[WT0], this.#registers[WT1]] = [now, now >>> 16];
    this.#timerFrom = this.#ticks.ticks;
  }

  #startTimer(): void {
    this.#timerFrom = this.#ticks.ticks;
    if (this.#counting) this.#timer.schedule(this.#ticks.masterTicks(this.#timerSet + 1));
  }

  /** The timer has counted from 0 to its largest value. */
  #timeOut(): void {
    [this.#registers[WT0], this.#registers[WT1]] = [0xffff, 0xffff];
    this.#timerFrom = this.#ticks.ticks;
    this.#timer.schedule(this.#ticks.masterTicks(TIMER_RANGE));
    this.#raise(INT_TC);
    this.#update();
  }

  #raise(event: number): void {
    this.#registers[ISR] = this.#registers[ISR]! | event;
    this.#update();
  }

  #update(): void {
    this.irq.set((this.#registers[ISR]! & this.#registers[IMR]!) !== 0);
  }

  // ---- device -----------------------------------------------------------------------------------------------------

  reset(_kind: ResetKind): void {
    this.#sender.cancel();
    this.#timer.cancel();
    this.#registers.fill(0);
    this.#registers[CR] = CR_RST | CR_STP | CR_RXDIS;
    this.#registers[TCR] = TCR_RESET;
    this.#registers[EOBC] = EOBC_RESET;
    this.#cam.fill(0);
    this.#bufferless = false;
    this.#packet = new Uint8Array(0);
    this.#timerFrom = 0;
  }

  settle(): void {
    this.#update();
  }

  save(): PlainFields {
    return {
      registers: this.#registers.slice(),
      cam: this.#cam.slice(),
      bufferless: this.#bufferless,
      packet: this.#packet.slice(),
      counted: this.#counting ? this.#ticks.ticks - this.#timerFrom : 0,
      sent: this.#sender.remaining,
      timeOut: this.#timer.remaining,
    };
  }

  restore(state: PlainFields): void {
    const fields = new SavedFields(this.id, state);
    const registers = state['registers'];
    if (!(registers instanceof Uint16Array) || registers.length !== REGISTERS) fields.words('registers', REGISTERS);
    else this.#registers.set(registers);
    this.#cam.set(fields.bytes('cam', CAM_ENTRIES * 6));
    this.#bufferless = fields.bool('bufferless');
    this.#packet = fields.bytes('packet', undefined, MOST_BYTES);
    this.#timerFrom = this.#ticks.ticks - fields.int('counted', 0, TIMER_RANGE);
    this.#sender.restore(fields.int('sent', -1, Number.MAX_SAFE_INTEGER));
    this.#timer.restore(fields.int('timeOut', -1, Number.MAX_SAFE_INTEGER));
  }
}
