// SPDX-License-Identifier: MIT
//
// nRF51 RADIO, 2.4 GHz transceiver.
//
// Sockets: bus: span 0x1000; memory: packets by DMA (EasyDMA); air: {@link RadioAir}, where other radios are.
// Document: [nRF51 RM] §17 "2.4 GHz radio". Packets are taken whole at the end of their time on air.
// Not modelled: noise (packets between our radios arrive undamaged; two that disagree about whitening or checksum get a
// checksum error); collisions; RSSI is constant; the test carrier.
import type { ChipContext } from '../../backplane/board.ts';
import type { PlainFields, SavedFields } from '../../backplane/device.ts';
import type { MemoryMap } from '../../backplane/memory-map.ts';
import type { Task } from '../../backplane/scheduler.ts';
import { NrfPeripheral, type NrfPeripheralOptions } from './nrf-peripheral.ts';

const EVENT = {
  ready: 0,
  address: 1,
  payload: 2,
  end: 3,
  disabled: 4,
  deviceMatch: 5,
  deviceMiss: 6,
  rssiEnd: 7,
  bitCount: 10,
} as const;
const TASK = {
  txEn: 0x00,
  rxEn: 0x04,
  start: 0x08,
  stop: 0x0c,
  disable: 0x10,
  rssiStart: 0x14,
  rssiStop: 0x18,
  bitCountStart: 0x1c,
  bitCountStop: 0x20,
} as const;
const SHORT = {
  readyStart: 0,
  endDisable: 1,
  disabledTxEn: 2,
  disabledRxEn: 3,
  addressRssiStart: 4,
  endStart: 5,
  addressBitCountStart: 6,
  disabledRssiStop: 8,
} as const;
const CRCSTATUS = 0x400;
const RXMATCH = 0x408;
const RXCRC = 0x40c;
const DAI = 0x410;
const PACKETPTR = 0x504;
const FREQUENCY = 0x508;
const TXPOWER = 0x50c;
const MODE = 0x510;
const PCNF0 = 0x514;
const PCNF1 = 0x518;
const BASE0 = 0x51c;
const BASE1 = 0x520;
const PREFIX0 = 0x524;
const PREFIX1 = 0x528;
const TXADDRESS = 0x52c;
const RXADDRESSES = 0x530;
const CRCCNF = 0x534;
const CRCPOLY = 0x538;
const CRCINIT = 0x53c;
const TEST = 0x540;
const TIFS = 0x544;
const RSSISAMPLE = 0x548;
const STATE = 0x550;
const DATAWHITEIV = 0x554;
const BCC = 0x560;
const DAB = 0x600;
const DAP = 0x620;
const DACNF = 0x640;
const OVERRIDE = 0x724;
const FIRST = 0x504;
const LAST = 0x734;

/** Registers that keep what is written: where, how many, the bits they have. */
const KEPT: readonly (readonly [offset: number, count: number, bits: number])[] = [
  [PACKETPTR, 1, 0xffff_ffff],
  [FREQUENCY, 1, 0x7f],
  [TXPOWER, 1, 0xff],
  [MODE, 1, 0x3],
  [PCNF0, 1, 0xf_010f],
  [PCNF1, 1, 0x307_ffff],
  [BASE0, 4, 0xffff_ffff],
  [TXADDRESS, 1, 0x7],
  [RXADDRESSES, 1, 0xff],
  [CRCCNF, 1, 0x103],
  [CRCPOLY, 2, 0xff_ffff],
  [TEST, 1, 0x3],
  [TIFS, 1, 0xff],
  [DATAWHITEIV, 1, 0x7f],
  [BCC, 1, 0xffff_ffff],
  [DAB, 8, 0xffff_ffff],
  [DAP, 8, 0xffff],
  [DACNF, 1, 0xffff],
  [OVERRIDE, 5, 0xffff_ffff],
];

/** The bits of the register at `offset`, 0 where none is kept. */
const BITS = new Uint32Array((LAST - FIRST) / 4 + 1);
for (const [offset, count, bits] of KEPT) BITS.fill(bits, (offset - FIRST) / 4, (offset - FIRST) / 4 + count);

const RAMP_UP_NS = 130_000;
const RAMP_DOWN_NS = 6_000;
/** dBm, negated. */
const RSSI = 50;
/** Microseconds of a byte by mode: 1 Mbit/s, 2 Mbit/s, 250 kbit/s, BLE 1 Mbit/s. */
const BYTE_NS = [8_000, 4_000, 32_000, 8_000] as const;

const CRC_SKIP_ADDRESS = 0x100;

/** The checksum of fields in the order of the air, each with its bits lowest first, or highest first where `big`. */
function crcOf(
  fields: readonly (readonly [value: number, bits: number])[],
  big: boolean,
  bytes: number,
  polynomial: number,
  initial: number,
): number {
  if (bytes === 0) return 0;
  const top = bytes * 8 - 1;
  const mask = 2 ** (bytes * 8) - 1;
  let crc = initial & mask;
  for (const [value, bits] of fields) {
    for (let i = 0; i < bits; i++) {
      const bit = (value >>> (big ? bits - 1 - i : i)) & 1;
      const out = ((crc >>> top) & 1) ^ bit;
      crc = ((crc << 1) & mask) ^ (out ? polynomial & mask : 0);
    }
  }
  return crc >>> 0;
}

/** What a packet looks like between radios. */
export interface RadioPacket {
  readonly frequency: number;
  readonly mode: number;
  readonly base: number;
  readonly prefix: number;
  /** The initial value of the whitening, -1 without. */
  readonly whitening: number;
  /** Bytes of the checksum, and the checksum. */
  readonly crcBytes: number;
  readonly crc: number;
  /** LENGTH, S0 and S1 as they are in memory, then the payload. */
  readonly bytes: Uint8Array;
}

/** The air between radios of one process. Nobody hears anything without one. */
export class RadioAir {
  readonly #listeners: ((packet: RadioPacket) => void)[] = [];

  join(listener: (packet: RadioPacket) => void): void {
    this.#listeners.push(listener);
  }

  send(packet: RadioPacket, from: (packet: RadioPacket) => void): void {
    for (const listener of this.#listeners) if (listener !== from) listener(packet);
  }
}

const STATES = ['disabled', 'rxRamp', 'rxIdle', 'rx', 'rxDisable', 'txRamp', 'txIdle', 'tx', 'txDisable'] as const;
type State = (typeof STATES)[number];
const STATE_CODES: Record<State, number> = {
  disabled: 0,
  rxRamp: 1,
  rxIdle: 2,
  rx: 3,
  rxDisable: 4,
  txRamp: 9,
  txIdle: 10,
  tx: 11,
  txDisable: 12,
};

export interface NrfRadioOptions extends NrfPeripheralOptions {
  readonly memory: MemoryMap;
  readonly air?: RadioAir;
}

export class NrfRadio extends NrfPeripheral {
  readonly #memory: MemoryMap;
  readonly #air: RadioAir | undefined;
  readonly #task: Task;
  readonly #bitCounter: Task;
  readonly #registers = new Uint32Array(BITS.length);
  readonly #hear = (packet: RadioPacket): void => this.#heard(packet);
  #state: State = 'disabled';
  #crcOk = false;
  #crc = 0;
  #matched = 0;
  #device = 0;
  #sample = 0;

  constructor(chip: ChipContext, options: NrfRadioOptions) {
    super(chip, options, { events: 0x4ff, shorts: 0x17f });
    this.#memory = options.memory;
    this.#air = options.air;
    this.#task = chip.scheduler.task(`${chip.id}.state`, () => this.#due());
    this.#bitCounter = chip.scheduler.task(`${chip.id}.bits`, () => this.raise(EVENT.bitCount));
    options.air?.join(this.#hear);
  }

  #register(offset: number): number {
    return this.#registers[(offset - FIRST) >>> 2]!;
  }

  task(offset: number): void {
    switch (offset) {
      case TASK.txEn:
        if (this.#state === 'disabled') this.#enter('txRamp', RAMP_UP_NS);
        return;
      case TASK.rxEn:
        if (this.#state === 'disabled') this.#enter('rxRamp', RAMP_UP_NS);
        return;
      case TASK.start:
        this.#start();
        return;
      case TASK.stop:
        this.#task.cancel();
        if (this.#state === 'rx') this.#state = 'rxIdle';
        if (this.#state === 'tx') this.#state = 'txIdle';
        return;
      case TASK.disable:
        this.#disable();
        return;
      case TASK.rssiStart:
        this.#sample = RSSI;
        this.raise(EVENT.rssiEnd);
        return;
      case TASK.rssiStop:
        return;
      case TASK.bitCountStart:
        if (this.#state === 'tx')
          this.#bitCounter.schedule(this.scheduler.ns((this.#register(BCC) * this.#byteNs) / 8));
        return;
      case TASK.bitCountStop:
        this.#bitCounter.cancel();
        return;
      default:
        this.unknownTask(offset);
    }
  }

  get #byteNs(): number {
    return BYTE_NS[this.#register(MODE)]!;
  }

  #enter(state: State, ns: number): void {
    this.#state = state;
    this.#task.schedule(this.scheduler.ns(ns));
  }

  #disable(): void {
    this.#task.cancel();
    this.#bitCounter.cancel();
    if (this.#state === 'disabled') this.#disabled();
    else this.#enter(this.#state.startsWith('rx') ? 'rxDisable' : 'txDisable', RAMP_DOWN_NS);
  }

  #disabled(): void {
    this.#state = 'disabled';
    this.raise(EVENT.disabled);
    if (this.short(SHORT.disabledRssiStop)) this.task(TASK.rssiStop);
    const next = this.short(SHORT.disabledTxEn) ? 'txRamp' : this.short(SHORT.disabledRxEn) ? 'rxRamp' : undefined;
    // A turn-round leaves the inter-frame space between the end of a packet and the start of the next.
    const spacing = this.#register(TIFS) * 1000 - RAMP_DOWN_NS;
    if (next !== undefined && this.#state === 'disabled') this.#enter(next, Math.max(RAMP_UP_NS, spacing));
  }

  #start(): void {
    if (this.#state === 'rxIdle') {
      this.#state = 'rx';
    } else if (this.#state === 'txIdle') {
      const bytes = this.#packetInMemory();
      this.#enter('tx', (bytes.length + 8) * this.#byteNs);
      this.raise(EVENT.address);
      if (this.short(SHORT.addressBitCountStart)) this.task(TASK.bitCountStart);
    }
  }

  #due(): void {
    switch (this.#state) {
      case 'txRamp':
      case 'rxRamp':
        this.#state = this.#state === 'txRamp' ? 'txIdle' : 'rxIdle';
        this.raise(EVENT.ready);
        if (this.short(SHORT.readyStart)) this.#start();
        return;
      case 'tx':
        this.#send();
        return;
      case 'txDisable':
      case 'rxDisable':
        this.#disabled();
    }
  }

  /** Bytes of S0, LENGTH and S1 in memory, and how many bytes the payload has at most. */
  get #format(): { s0: number; length: number; s1: number; most: number; fixed: number } {
    const pcnf0 = this.#register(PCNF0);
    const pcnf1 = this.#register(PCNF1);
    return {
      s0: (pcnf0 >>> 8) & 1,
      length: (pcnf0 & 15) > 0 ? 1 : 0,
      s1: ((pcnf0 >>> 16) & 15) > 0 ? 1 : 0,
      most: pcnf1 & 0xff,
      fixed: (pcnf1 >>> 8) & 0xff,
    };
  }

  #packetInMemory(): Uint8Array {
    const { s0, length, s1, most, fixed } = this.#format;
    const header = new Uint8Array(s0 + length + s1);
    const pointer = this.#register(PACKETPTR);
    this.#memory.dmaRead(pointer, header);
    const payload = Math.min(most, (length === 0 ? 0 : header[s0]!) + fixed);
    const bytes = new Uint8Array(header.length + payload);
    this.#memory.dmaRead(pointer, bytes);
    return bytes;
  }

  /** Base and prefix of logical address 0 to 7. */
  #address(n: number): { base: number; prefix: number } {
    const bytes = (this.#register(PCNF1) >>> 16) & 7;
    const base = this.#register(n === 0 ? BASE0 : BASE1);
    const prefix = (this.#register(n < 4 ? PREFIX0 : PREFIX1) >>> ((n & 3) * 8)) & 0xff;
    return { base: bytes >= 4 ? base : (base & (0xffff_ffff << ((4 - bytes) * 8))) >>> 0, prefix };
  }

  /** How the packet is made, and its checksum, by this radio's settings. */
  #coding(address: { base: number; prefix: number }, bytes: Uint8Array): Omit<RadioPacket, 'bytes'> {
    const crcBytes = this.#register(CRCCNF) & 3;
    const { s0 } = this.#format;
    const big = (this.#register(PCNF1) >>> 24) & 1;
    const lengthBits = this.#register(PCNF0) & 15;
    const s1Bits = (this.#register(PCNF0) >>> 16) & 15;
    const fields: (readonly [value: number, bits: number])[] = [];
    if ((this.#register(CRCCNF) & CRC_SKIP_ADDRESS) === 0) {
      for (let i = 4 - ((this.#register(PCNF1) >>> 16) & 7); i < 4; i++) {
        fields.push([(address.base >>> (8 * Math.max(0, i))) & 0xff, 8]);
      }
      fields.push([address.prefix, 8]);
    }
    bytes.forEach((byte, i) => {
      if (i === s0 && lengthBits > 0) fields.push([byte, lengthBits]);
      else if (i === s0 + (lengthBits > 0 ? 1 : 0) && s1Bits > 0) fields.push([byte, s1Bits]);
      else fields.push([byte, 8]);
    });
    return {
      frequency: this.#register(FREQUENCY),
      mode: this.#register(MODE),
      ...address,
      whitening: (this.#register(PCNF1) >>> 25) & 1 ? this.#register(DATAWHITEIV) : -1,
      crcBytes,
      crc: crcOf(fields, big === 1, crcBytes, this.#register(CRCPOLY), this.#register(CRCINIT)),
    };
  }

  #send(): void {
    const bytes = this.#packetInMemory();
    this.#air?.send({ ...this.#coding(this.#address(this.#register(TXADDRESS)), bytes), bytes }, this.#hear);
    this.#state = 'txIdle';
    this.raise(EVENT.payload);
    this.#end();
  }

  #heard(packet: RadioPacket): void {
    if (this.#state !== 'rx') return;
    if (packet.frequency !== this.#register(FREQUENCY) || packet.mode !== this.#register(MODE)) return;
    const enabled = this.#register(RXADDRESSES);
    const match = [0, 1, 2, 3, 4, 5, 6, 7].find((n) => {
      const { base, prefix } = this.#address(n);
      return (enabled >>> n) & 1 && base === packet.base && prefix === packet.prefix;
    });
    if (match === undefined) return;
    this.#matched = match;
    this.#state = 'rxIdle';
    this.raise(EVENT.address);
    if (this.short(SHORT.addressRssiStart)) this.task(TASK.rssiStart);
    const { s0, length, s1, most } = this.#format;
    const bytes = packet.bytes.subarray(0, s0 + length + s1 + most);
    this.#memory.dmaWrite(this.#register(PACKETPTR), bytes);
    if (this.short(SHORT.addressBitCountStart) && this.#register(BCC) <= bytes.length * 8) this.raise(EVENT.bitCount);
    this.#matchDevice(bytes, s0 + length + s1);
    const coding = this.#coding(this.#address(match), bytes);
    this.#crc = packet.crc;
    this.#crcOk =
      packet.whitening === coding.whitening && packet.crcBytes === coding.crcBytes && packet.crc === coding.crc;
    this.raise(EVENT.payload);
    this.#end();
  }

  /** Compares the advertiser's address, first in a packet of Bluetooth low energy, with those of DAB and DAP. */
  #matchDevice(bytes: Uint8Array, header: number): void {
    const config = this.#register(DACNF);
    if ((config & 0xff) === 0) return;
    const at = (i: number): number => bytes[header + i] ?? 0;
    const base = (at(0) | (at(1) << 8) | (at(2) << 16) | (at(3) << 24)) >>> 0;
    const prefix = at(4) | (at(5) << 8);
    const random = ((bytes[0] ?? 0) >>> 6) & 1;
    const found = [0, 1, 2, 3, 4, 5, 6, 7].find(
      (n) =>
        (config >>> n) & 1 &&
        this.#register(DAB + n * 4) === base &&
        this.#register(DAP + n * 4) === prefix &&
        ((config >>> (8 + n)) & 1) === random,
    );
    if (found !== undefined) this.#device = found;
    this.raise(found === undefined ? EVENT.deviceMiss : EVENT.deviceMatch);
  }

  #end(): void {
    this.raise(EVENT.end);
    if (this.short(SHORT.endDisable)) this.#disable();
    else if (this.short(SHORT.endStart)) this.#start();
  }

  protected readRegister(offset: number): number {
    switch (offset) {
      case CRCSTATUS:
        return this.#crcOk ? 1 : 0;
      case RXMATCH:
        return this.#matched;
      case RXCRC:
        return this.#crc;
      case DAI:
        return this.#device;
      case RSSISAMPLE:
        return this.#sample;
      case STATE:
        return STATE_CODES[this.#state];
    }
    return BITS[(offset - FIRST) >>> 2] ? this.#register(offset) : this.unknownRead(offset);
  }

  protected writeRegister(offset: number, value: number): void {
    const bits = BITS[(offset - FIRST) >>> 2];
    if (!bits) this.unknownWrite(offset, value);
    // The highest bit of the whitening's initial value is wired.
    else this.#registers[(offset - FIRST) >>> 2] = (value & bits) | (offset === DATAWHITEIV ? 0x40 : 0);
  }

  protected resetRegisters(): void {
    this.#task.cancel();
    this.#registers.fill(0);
    this.#registers[(FREQUENCY - FIRST) >>> 2] = 2;
    this.#registers[(DATAWHITEIV - FIRST) >>> 2] = 0x40;
    this.#bitCounter.cancel();
    this.#state = 'disabled';
    this.#crcOk = false;
    this.#crc = this.#matched = this.#device = this.#sample = 0;
  }

  protected saveRegisters(): PlainFields {
    return {
      registers: this.#registers.slice(),
      state: this.#state,
      crcOk: this.#crcOk,
      crc: this.#crc,
      matched: this.#matched,
      device: this.#device,
      sample: this.#sample,
      task: this.#task.remaining,
      bits: this.#bitCounter.remaining,
    };
  }

  protected restoreRegisters(saved: SavedFields): void {
    this.#registers.set(saved.words('registers', BITS.length).map((value, i) => value & BITS[i]!));
    this.#state = saved.oneOf('state', STATES);
    this.#crcOk = saved.bool('crcOk');
    this.#crc = saved.int('crc', 0, 0xff_ffff);
    this.#matched = saved.int('matched', 0, 7);
    this.#device = saved.int('device', 0, 7);
    this.#sample = saved.int('sample', 0, 127);
    this.#task.restore(saved.int('task', -1, Number.MAX_SAFE_INTEGER));
    this.#bitCounter.restore(saved.int('bits', -1, Number.MAX_SAFE_INTEGER));
  }
}
