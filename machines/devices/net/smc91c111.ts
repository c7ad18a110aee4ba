// SPDX-License-Identifier: MIT
//
// SMSC LAN91C111 Ethernet controller: four pages of 2 KiB for packets, handed out by its memory manager, and a 10/100
// transceiver of its own behind a serial management interface.
//
// Sockets: span 16, wire `irq`, an EthernetLink or nothing in the socket, the address its EEPROM would hold.
//
// The word at 14 selects the bank (its upper byte reads 33):
//
//     0   0 TCR  2 EPH STATUS  4 RCR  6 COUNTER (of collisions: 0)  8 MIR  10 RPCR
//     1   0 CONFIG  2 BASE  4-9 IA  10 GENERAL PURPOSE  12 CONTROL
//     2   0 MMU COMMAND  2 PNR  3 ARR  4 TX, 5 RX FIFO PORTS  6 POINTER  8-11 DATA  12 INTERRUPT STATUS, 13 MASK
//     3   0-7 MULTICAST TABLE  8 MGMT  10 REVISION  12 RCV
//
// Documents: [LAN91C111] chapters 7, 8; Linux drivers/net/ethernet/smsc/smc91x.c.
// Not modelled: collisions and other errors of the cable, early receive, the EEPROM (logged), an external transceiver.
import type { ChipContext } from '../../backplane/board.ts';
import type { AccessRules, BusTarget, Width } from '../../backplane/bus.ts';
import { type Device, type PlainFields, type ResetKind, SavedFields } from '../../backplane/device.ts';
import type { DeviceLog } from '../../backplane/log.ts';
import type { Scheduler, Task } from '../../backplane/scheduler.ts';
import { Wire } from '../../backplane/wire.ts';
import { type EthernetLink, FCS_BYTES, frameCheckSequence, isBroadcast, isGroup, MAX_FRAME } from './ethernet.ts';
import { Lan83c183 } from './lan83c183.ts';
import { NO_PACKET, PAGE_BYTES, PAGES, SmcMemory } from './smc-memory.ts';

const BANK = 14;
const BANK_HIGH = 0x33;
/** Registers are numbered by bank and offset. */
const at = (bank: number, offset: number): number => bank * 16 + offset;
const TCR = at(0, 0);
const EPH_STATUS = at(0, 2);
const RCR = at(0, 4);
const MIR = at(0, 8);
const RPCR = at(0, 10);
const CONFIG = at(1, 0);
const BASE = at(1, 2);
const IA = at(1, 4);
const GENERAL_PURPOSE = at(1, 10);
const CONTROL = at(1, 12);
const MMU_COMMAND = at(2, 0);
const PNR = at(2, 2);
const FIFO_PORTS = at(2, 4);
const POINTER = at(2, 6);
const DATA_OFFSET = 8;
const DATA = at(2, DATA_OFFSET);
const INTERRUPT = at(2, 12);
const MULTICAST = at(3, 0);
const MGMT = at(3, 8);
const REVISION = at(3, 10);
const RCV = at(3, 12);

const TCR_BITS = 0xbd87;
const TCR_TXENA = 0x0001;
const TCR_LOOP = 0x0002;
const TCR_PAD_EN = 0x0080;
const TCR_MON_CSN = 0x0400;
const TCR_EPH_LOOP = 0x2000;
const RCR_BITS = 0xe707;
const RCR_PRMS = 0x0002;
const RCR_ALMUL = 0x0004;
const RCR_RXEN = 0x0100;
const RCR_STRIP_CRC = 0x0200;
const RCR_SOFT_RST = 0x8000;
const EPH_TX_SUC = 0x0001;
const EPH_LTX_MULT = 0x0008;
const EPH_LTX_BRD = 0x0040;
const EPH_LOST_CARR = 0x0400;
const EPH_LINK_OK = 0x4000;
const CONFIG_RESET = 0xa0b1;
const BASE_RESET = 0x1801; // 0x300
const CONTROL_BITS = 0x48e4;
const CONTROL_RESET = 0x1210;
const CONTROL_STORE_RELOAD = 0x0003;
const CONTROL_TE_ENABLE = 0x0020;
const CONTROL_AUTO_RELEASE = 0x0800;
const RPCR_BITS = 0x38fc;
const POINTER_RCV = 0x8000;
const POINTER_AUTO_INCR = 0x4000;
const POINTER_BITS = 0xe7ff;
const MGMT_READS = 0x3330;
const MGMT_MSK_CRS100 = 0x4000;
const REVISION_ID = 0x3391;
const RCV_RESET = 0x331f;

const INT_RCV = 0x01;
const INT_TX = 0x02;
const INT_TX_EMPTY = 0x04;
const INT_ALLOC = 0x08;
const INT_RX_OVRN = 0x10;
const INT_EPH = 0x20;
const INT_MD = 0x80;
/** Those an acknowledgement clears. */
const INT_CLEARABLE = INT_RX_OVRN | INT_MD | 0x40;

const RS_BRODCAST = 0x4000;
const RS_ODDFRM = 0x1000;
const RS_TOOLNG = 0x0800;
const RS_TOOSHORT = 0x0400;
const RS_MULTCAST = 0x0001;
const CONTROL_ODD = 0x20;
const HEADER_BYTES = 4;
/** Status, count and control words. */
const OVERHEAD_BYTES = 6;
const LEAST_FRAME = 60;

const PREAMBLE_BYTES = 8;
const GAP_BYTES = 12;
const BYTE_NS = { 10: 800, 100: 80 } as const;

/** Word registers that are plain storage: the bits they have, and their value after a reset. */
const PLAIN: readonly (readonly [register: number, bits: number, initial: number])[] = [
  [TCR, TCR_BITS, 0],
  [RCR, RCR_BITS, 0],
  [RPCR, RPCR_BITS, 0],
  [CONFIG, 0x9ff6, CONFIG_RESET],
  [BASE, 0xffff, BASE_RESET],
  [IA, 0xffff, 0],
  [IA + 2, 0xffff, 0],
  [IA + 4, 0xffff, 0],
  [GENERAL_PURPOSE, 0xffff, 0],
  [CONTROL, CONTROL_BITS, CONTROL_RESET],
  [POINTER, POINTER_BITS, 0],
  [MULTICAST, 0xffff, 0],
  [MULTICAST + 2, 0xffff, 0],
  [MULTICAST + 4, 0xffff, 0],
  [MULTICAST + 6, 0xffff, 0],
  [RCV, 0x009f, RCV_RESET],
];

/** The chip sees how wide an access is: 32 bits at 12 are for the bank alone. */
const LITTLE_WIDE: AccessRules = { valid: { min: 1, max: 4 }, impl: { min: 1, max: 4 }, byteOrder: 'little' };

export interface Smc91c111Options {
  /** What the EEPROM holds: the address, six bytes, and what BASE is to be. */
  readonly address: Uint8Array;
  readonly base?: number;
  readonly link?: EthernetLink | undefined;
}

export class Smc91c111 implements Device, BusTarget {
  readonly id: string;
  readonly span = 16;
  readonly access: AccessRules = LITTLE_WIDE;
  readonly irq: Wire;
  readonly #log: DeviceLog;
  readonly #scheduler: Scheduler;
  readonly #options: Smc91c111Options;
  readonly #memory = new SmcMemory();
  readonly #phy: Lan83c183;
  readonly #sender: Task;
  /** By bank and offset. */
  readonly #registers = new Uint16Array(64);
  #bank = 0;
  #packet = 0;
  #ephStatus = 0;
  #latched = 0;
  #mask = 0;

  constructor(chip: ChipContext, options: Smc91c111Options) {
    this.id = chip.id;
    this.#log = chip.log;
    this.#scheduler = chip.scheduler;
    this.#options = options;
    this.irq = new Wire(`${chip.id}.irq`);
    this.#phy = new Lan83c183(options.link !== undefined);
    this.#sender = chip.scheduler.task(`${chip.id}.send`, () => this.#sent());
    if (options.link !== undefined) options.link.onFrame = (frame) => this.#receive(frame);
    this.#clear();
  }

  // ---- registers --------------------------------------------------------------------------------------------------

  read(offset: number, width: Width): number {
    let value = 0;
    for (let i = 0; i < width; i++) value |= this.#readByte(offset + i) << (i * 8);
    return value >>> 0;
  }

  #readByte(offset: number): number {
    const isData = this.#bank === 2 && offset >= DATA_OFFSET && offset < DATA_OFFSET + 4;
    return isData ? this.#data(offset - DATA_OFFSET) : this.peek(offset);
  }

  peek(offset: number): number {
    if (offset === BANK) return this.#bank;
    if (offset > BANK) return BANK_HIGH;
    if (this.#bank > 3) return 0xff;
    const register = at(this.#bank, offset);
    return (this.#word(register & ~1) >>> ((register & 1) * 8)) & 0xff;
  }

  #word(register: number): number {
    switch (register) {
      case EPH_STATUS:
        return this.#ephStatus | (this.#phy.linkUp ? EPH_LINK_OK : 0);
      case MIR:
        return PAGES | (this.#memory.free << 8);
      case MMU_COMMAND:
        return 0;
      case PNR:
        return this.#packet | (this.#memory.allocated << 8);
      case FIFO_PORTS:
        return this.#memory.completed | (this.#memory.received << 8);
      case INTERRUPT:
        return this.#status | (this.#mask << 8);
      case MGMT:
        return MGMT_READS | this.#phy.pins | this.#registers[MGMT]!;
      case REVISION:
        return REVISION_ID;
      default:
        return this.#registers[register]!;
    }
  }

  write(offset: number, width: Width, value: number): void {
    for (let i = offset === BANK - 2 && width === 4 ? 2 : 0; i < width; i++) {
      this.#writeByte(offset + i, (value >>> (i * 8)) & 0xff);
    }
    this.#update();
  }

  #writeByte(offset: number, value: number): void {
    if (offset === BANK) {
      this.#bank = value & 7;
      return;
    }
    if (offset > BANK || this.#bank > 3) return;
    const register = at(this.#bank, offset);
    switch (register) {
      case MMU_COMMAND:
        this.#mmu(value >>> 5);
        break;
      case PNR:
        this.#packet = value & 0x3f;
        break;
      case DATA:
      case DATA + 1:
      case DATA + 2:
      case DATA + 3:
        this.#data(register - DATA, value);
        break;
      case INTERRUPT:
        this.#acknowledge(value);
        break;
      case INTERRUPT + 1:
        this.#mask = value;
        break;
      case MGMT:
        this.#phy.manage(value);
        if (this.#phy.takeChange()) this.#latched |= INT_MD;
        break;
      case MGMT + 1:
        this.#registers[MGMT] = (value << 8) & MGMT_MSK_CRS100;
        break;
      default:
        this.#writePlain(register, value);
    }
  }

  #writePlain(register: number, value: number): void {
    const plain = PLAIN.find(([known]) => known === (register & ~1));
    if (plain === undefined) return; // Drivers write whole words over registers that cannot be written.
    const [word, bits, initial] = plain;
    const shift = (register & 1) * 8;
    const lane = bits & (0xff << shift);
    this.#registers[word] = (this.#registers[word]! & ~lane) | ((value << shift) & lane) | (initial & ~bits);
    if (register === RCR + 1 && this.#registers[RCR]! & RCR_SOFT_RST) this.#clear(true);
    if (register === CONTROL && value & CONTROL_STORE_RELOAD) this.#log.unimp('EEPROM command %x', value & 7);
    if (word === TCR) this.#send();
  }

  /** A byte of the packet the pointer is at. */
  #data(lane: number, value?: number): number {
    const pointer = this.#registers[POINTER]!;
    const packet = pointer & POINTER_RCV ? this.#memory.received : this.#packet;
    let within = pointer & 0x7ff;
    if (pointer & POINTER_AUTO_INCR) this.#registers[POINTER] = (pointer & ~0x7ff) | ((within + 1) & 0x7ff);
    else within = (within + lane) & 0x7ff;
    const page = this.#memory.page(packet);
    if (page === undefined) {
      this.#log.guest('data of packet %x, which is not there', packet);
      return 0xff;
    }
    if (value !== undefined) page[within] = value;
    return page[within]!;
  }

  #mmu(command: number): void {
    switch (command) {
      case 1:
        this.#memory.allocate();
        break;
      case 2:
        this.#memory.reset();
        this.#packet = 0;
        this.#sender.cancel();
        break;
      case 3:
      case 4:
        this.#memory.removeReceived(command === 4);
        break;
      case 5:
        this.#memory.release(this.#packet);
        break;
      case 6:
        if (!this.#memory.enqueue(this.#packet)) this.#log.guest('packet %d cannot be sent', this.#packet);
        this.#send();
        break;
      case 7:
        this.#memory.resetTransmit();
        this.#sender.cancel();
        break;
    }
  }

  #acknowledge(bits: number): void {
    this.#latched &= ~(bits & INT_CLEARABLE);
    if (bits & INT_TX) this.#memory.removeCompleted();
    if (bits & INT_TX_EMPTY) this.#memory.acknowledgeEmpty();
  }

  get #status(): number {
    const control = this.#registers[CONTROL]!;
    const memory = this.#memory;
    const failed = (this.#ephStatus & EPH_LOST_CARR) !== 0 && !(this.#registers[TCR]! & TCR_TXENA);
    return (
      this.#latched |
      (memory.received !== NO_PACKET ? INT_RCV : 0) |
      (memory.completed !== NO_PACKET ? INT_TX : 0) |
      (memory.transmitEmpty ? INT_TX_EMPTY : 0) |
      (memory.allocated !== NO_PACKET ? INT_ALLOC : 0) |
      (failed && control & CONTROL_TE_ENABLE ? INT_EPH : 0)
    );
  }

  #update(): void {
    this.irq.set((this.#status & this.#mask) !== 0);
  }

  // ---- transmitter ------------------------------------------------------------------------------------------------

  #send(): void {
    const packet = this.#memory.transmitting;
    if (this.#sender.scheduled || packet === NO_PACKET || !(this.#registers[TCR]! & TCR_TXENA)) return;
    const bytes = Math.max(this.#frame(packet).length, LEAST_FRAME) + FCS_BYTES + PREAMBLE_BYTES + GAP_BYTES;
    this.#sender.schedule(this.#scheduler.ns(bytes * BYTE_NS[this.#phy.megabits]));
  }

  /** What the driver has put into a page, as it goes out. */
  #frame(packet: number): Uint8Array {
    const page = this.#memory.page(packet)!;
    const count = Math.min((page[2]! | (page[3]! << 8)) & 0x7fe, PAGE_BYTES);
    const control = page[Math.max(count, OVERHEAD_BYTES) - 1]!;
    const length = Math.max(0, count - OVERHEAD_BYTES) + (control & CONTROL_ODD ? 1 : 0);
    const tcr = this.#registers[TCR]!;
    const frame = page.slice(HEADER_BYTES, HEADER_BYTES + length);
    if (length >= LEAST_FRAME || !(tcr & TCR_PAD_EN)) return frame;
    const padded = new Uint8Array(LEAST_FRAME);
    padded.set(frame);
    return padded;
  }

  #sent(): void {
    const packet = this.#memory.transmitting;
    if (packet === NO_PACKET) return;
    const frame = this.#frame(packet);
    const tcr = this.#registers[TCR]!;
    const loops = (tcr & (TCR_EPH_LOOP | TCR_LOOP)) !== 0 || this.#phy.loopBack;
    const reaches = loops || (this.#options.link !== undefined && this.#phy.linkUp);
    const kind = isBroadcast(frame) ? EPH_LTX_BRD : isGroup(frame) ? EPH_LTX_MULT : 0;
    const carrier = reaches || (tcr & TCR_MON_CSN) === 0;
    this.#ephStatus = kind | (carrier ? EPH_TX_SUC : EPH_LOST_CARR);
    this.#memory.page(packet)!.set([this.#ephStatus & 0xff, this.#ephStatus >>> 8]);
    if (!carrier) this.#registers[TCR] = tcr & ~TCR_TXENA;
    this.#memory.transmitted(carrier && (this.#registers[CONTROL]! & CONTROL_AUTO_RELEASE) !== 0);
    if (loops) this.#receive(frame);
    else if (reaches && frame.length <= MAX_FRAME) this.#options.link!.send(frame);
    this.#send();
    this.#update();
  }

  // ---- receiver ---------------------------------------------------------------------------------------------------

  #receive(frame: Uint8Array): void {
    const rcr = this.#registers[RCR]!;
    if (!(rcr & RCR_RXEN) || frame.length > PAGE_BYTES - OVERHEAD_BYTES - FCS_BYTES || !this.#accepts(frame)) return;
    const packet = this.#memory.receive();
    const page = this.#memory.page(packet);
    if (page === undefined) {
      this.#latched |= INT_RX_OVRN;
      this.#update();
      return;
    }
    const crc = rcr & RCR_STRIP_CRC ? new Uint8Array(0) : frameCheckSequence(frame);
    const odd = frame.length & 1;
    const length = frame.length + crc.length;
    const count = (length & ~1) + OVERHEAD_BYTES;
    const status =
      (isBroadcast(frame) ? RS_BRODCAST : isGroup(frame) ? RS_MULTCAST : 0) |
      (odd ? RS_ODDFRM : 0) |
      (frame.length > MAX_FRAME ? RS_TOOLNG : 0) |
      (frame.length < LEAST_FRAME ? RS_TOOSHORT : 0);
    page.set([status & 0xff, status >>> 8, count & 0xff, count >>> 8]);
    page.set(frame, HEADER_BYTES);
    page.set(crc, HEADER_BYTES + frame.length);
    page[HEADER_BYTES + length + (odd ? 0 : 1)] = 0x40 | (odd ? CONTROL_ODD : 0);
    this.#update();
  }

  #accepts(frame: Uint8Array): boolean {
    const rcr = this.#registers[RCR]!;
    if (rcr & RCR_PRMS || isBroadcast(frame)) return true;
    if (!isGroup(frame)) {
      const own = Array.from({ length: 6 }, (_, i) => (this.#registers[IA + (i & ~1)]! >>> ((i & 1) * 8)) & 0xff);
      return own.every((byte, i) => frame[i] === byte);
    }
    if (rcr & RCR_ALMUL) return true;
    // The six highest bits of the address's checksum choose a bit of the table.
    const low = ~frameCheckSequence(frame.subarray(0, 6))[0]!;
    let hash = 0;
    for (let bit = 0; bit < 6; bit++) hash = (hash << 1) | ((low >>> bit) & 1);
    return ((this.#registers[MULTICAST + (hash >>> 4) * 2]! >>> (hash & 15)) & 1) !== 0;
  }

  // ---- device -----------------------------------------------------------------------------------------------------

  /** A soft reset keeps CONFIG, BASE and IA, and its own bit. */
  #clear(soft = false): void {
    const kept = soft ? [CONFIG, BASE, IA, IA + 2, IA + 4] : [];
    for (const [register, , initial] of PLAIN) if (!kept.includes(register)) this.#registers[register] = initial;
    if (soft) this.#registers[RCR] = RCR_SOFT_RST;
    else {
      this.#registers[BASE] = this.#options.base ?? BASE_RESET;
      this.#options.address.forEach((byte, i) => (this.#registers[IA + (i & ~1)]! |= byte << ((i & 1) * 8)));
    }
    this.#registers[MGMT] = 0;
    this.#sender.cancel();
    this.#memory.reset();
    if (!soft) this.#phy.reset();
    this.#packet = this.#ephStatus = this.#latched = this.#mask = 0;
    if (!soft) this.#bank = 0;
  }

  reset(_kind: ResetKind): void {
    this.#clear();
  }

  settle(): void {
    this.#update();
  }

  save(): PlainFields {
    return {
      registers: Uint32Array.from(this.#registers),
      bank: this.#bank,
      packet: this.#packet,
      ephStatus: this.#ephStatus,
      latched: this.#latched,
      mask: this.#mask,
      due: this.#sender.remaining,
      memory: this.#memory.save(),
      phy: this.#phy.save(),
    };
  }

  restore(state: PlainFields): void {
    const saved = new SavedFields(this.id, state);
    this.#registers.set(saved.words('registers', this.#registers.length));
    this.#bank = saved.int('bank', 0, 7);
    this.#packet = saved.int('packet', 0, 0x3f);
    this.#ephStatus = saved.u16('ephStatus');
    this.#latched = saved.u8('latched');
    this.#mask = saved.u8('mask');
    this.#memory.restore(saved.nested('memory'));
    this.#phy.restore(saved.nested('phy'));
    this.#sender.restore(saved.int('due', -1, Number.MAX_SAFE_INTEGER));
  }
}
