// SPDX-License-Identifier: MIT
//
// nRF51 RADIO, 2.4 GHz transceiver.
//
// Sockets: bus: span 0x1000; memory: packets by DMA (EasyDMA); air: {@link RadioAir}, where other radios are.
// Document: [nRF51 RM] §17 "2.4 GHz radio". Packets are taken whole at the end of their time on air.
// Not modelled: whitening and checksums on the air (packets between our radios arrive undamaged, and only with equal
// frequency, mode and address); RSSI is constant; device address match (DAB, logged).
import type { ChipContext } from '../../backplane/board.ts';
import type { PlainFields, SavedFields } from '../../backplane/device.ts';
import type { MemoryMap } from '../../backplane/memory-map.ts';
import type { Task } from '../../backplane/scheduler.ts';
import { NrfPeripheral, type NrfPeripheralOptions } from './nrf-peripheral.ts';

const EVENT = { ready: 0, address: 1, payload: 2, end: 3, disabled: 4, rssiEnd: 7, bitCount: 10 } as const;
const TASK = { txEn: 0x00, rxEn: 0x04, start: 0x08, stop: 0x0c, disable: 0x10, rssiStart: 0x14 } as const;
const SHORT = {
  readyStart: 0,
  endDisable: 1,
  disabledTxEn: 2,
  disabledRxEn: 3,
  addressRssiStart: 4,
  endStart: 5,
} as const;
const CRCSTATUS = 0x400;
const RXMATCH = 0x408;
const PACKETPTR = 0x504;
const FREQUENCY = 0x508;
const MODE = 0x510;
const PCNF0 = 0x514;
const PCNF1 = 0x518;
const BASE0 = 0x51c;
const BASE1 = 0x520;
const PREFIX0 = 0x524;
const PREFIX1 = 0x528;
const TXADDRESS = 0x52c;
const RXADDRESSES = 0x530;
const RSSISAMPLE = 0x548;
const STATE = 0x550;
const FIRST = 0x504;
const LAST = 0x554;
const OVERRIDE4 = 0x734;

const RAMP_UP_NS = 130_000;
const RAMP_DOWN_NS = 6_000;
/** dBm, negated. */
const RSSI = 50;
/** Microseconds of a byte by mode: 1 Mbit/s, 2 Mbit/s, 250 kbit/s, BLE 1 Mbit/s. */
const BYTE_NS = [8_000, 4_000, 32_000, 8_000] as const;

/** What a packet looks like between radios. */
export interface RadioPacket {
  readonly frequency: number;
  readonly mode: number;
  readonly base: number;
  readonly prefix: number;
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
  readonly #registers = new Uint32Array((LAST - FIRST) / 4 + 1);
  readonly #overrides = new Uint32Array(5);
  readonly #hear = (packet: RadioPacket): void => this.#heard(packet);
  #state: State = 'disabled';
  #crcOk = false;
  #matched = 0;
  #sample = 0;

  constructor(chip: ChipContext, options: NrfRadioOptions) {
    super(chip, options, { events: 0x49f, shorts: 0x13f });
    this.#memory = options.memory;
    this.#air = options.air;
    this.#task = chip.scheduler.task(`${chip.id}.state`, () => this.#due());
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
      case 0x18: // RSSISTOP
      case 0x1c: // BCSTART
      case 0x20: // BCSTOP
        return;
      default:
        this.unknownTask(offset);
    }
  }

  #enter(state: State, ns: number): void {
    this.#state = state;
    this.#task.schedule(this.scheduler.ns(ns));
  }

  #disable(): void {
    this.#task.cancel();
    if (this.#state === 'disabled') this.#disabled();
    else this.#enter(this.#state.startsWith('rx') ? 'rxDisable' : 'txDisable', RAMP_DOWN_NS);
  }

  #disabled(): void {
    this.#state = 'disabled';
    this.raise(EVENT.disabled);
    if (this.short(SHORT.disabledTxEn)) this.task(TASK.txEn);
    if (this.short(SHORT.disabledRxEn)) this.task(TASK.rxEn);
  }

  #start(): void {
    if (this.#state === 'rxIdle') {
      this.#state = 'rx';
    } else if (this.#state === 'txIdle') {
      this.raise(EVENT.address);
      const bytes = this.#packetInMemory();
      this.#enter('tx', (bytes.length + 8) * BYTE_NS[this.#register(MODE) & 3]!);
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

  #send(): void {
    const packet = {
      frequency: this.#register(FREQUENCY) & 0x7f,
      mode: this.#register(MODE) & 3,
      ...this.#address(this.#register(TXADDRESS) & 7),
      bytes: this.#packetInMemory(),
    };
    this.#air?.send(packet, this.#hear);
    this.#state = 'txIdle';
    this.raise(EVENT.payload);
    this.#end();
  }

  #heard(packet: RadioPacket): void {
    if (this.#state !== 'rx') return;
    if (packet.frequency !== (this.#register(FREQUENCY) & 0x7f) || packet.mode !== (this.#register(MODE) & 3)) return;
    const enabled = this.#register(RXADDRESSES);
    const match = [0, 1, 2, 3, 4, 5, 6, 7].find((n) => {
      const { base, prefix } = this.#address(n);
      return (enabled >>> n) & 1 && base === packet.base && prefix === packet.prefix;
    });
    if (match === undefined) return;
    this.#matched = match;
    this.raise(EVENT.address);
    if (this.short(SHORT.addressRssiStart)) this.task(TASK.rssiStart);
    const { s0, length, s1, most } = this.#format;
    this.#memory.dmaWrite(this.#register(PACKETPTR), packet.bytes.subarray(0, s0 + length + s1 + most));
    this.#crcOk = true;
    this.#state = 'rxIdle';
    this.raise(EVENT.payload);
    this.#end();
  }

  #end(): void {
    this.raise(EVENT.end);
    if (this.short(SHORT.endDisable)) this.#disable();
    else if (this.short(SHORT.endStart)) this.#start();
  }

  protected readRegister(offset: number): number {
    if (offset === CRCSTATUS) return this.#crcOk ? 1 : 0;
    if (offset === RXMATCH) return this.#matched;
    if (offset === 0x40c || offset === 0x410) return 0; // RXCRC, DAI
    if (offset === RSSISAMPLE) return this.#sample;
    if (offset === STATE) return STATE_CODES[this.#state];
    if (offset >= FIRST && offset <= LAST) return this.#register(offset);
    if (offset >= 0x600 && offset < 0x644) return 0; // DAB, DAP, DACNF
    if (offset >= 0x724 && offset <= OVERRIDE4) return this.#overrides[(offset - 0x724) >>> 2]!;
    return this.unknownRead(offset);
  }

  protected writeRegister(offset: number, value: number): void {
    if (offset >= FIRST && offset <= LAST && offset !== STATE && offset !== RSSISAMPLE) {
      this.#registers[(offset - FIRST) >>> 2] = value;
    } else if (offset >= 0x600 && offset < 0x644) {
      if (value !== 0) this.log.unimp('device address match, register %x', offset);
    } else if (offset >= 0x724 && offset <= OVERRIDE4) {
      this.#overrides[(offset - 0x724) >>> 2] = value;
    } else {
      this.unknownWrite(offset, value);
    }
  }

  protected resetRegisters(): void {
    this.#task.cancel();
    this.#registers.fill(0);
    this.#registers[(FREQUENCY - FIRST) >>> 2] = 2;
    this.#overrides.fill(0);
    this.#state = 'disabled';
    this.#crcOk = false;
    this.#matched = this.#sample = 0;
  }

  protected saveRegisters(): PlainFields {
    return {
      registers: this.#registers.slice(),
      overrides: this.#overrides.slice(),
      state: this.#state,
      crcOk: this.#crcOk,
      matched: this.#matched,
      sample: this.#sample,
      task: this.#task.remaining,
    };
  }

  protected restoreRegisters(saved: SavedFields): void {
    this.#registers.set(saved.words('registers', this.#registers.length));
    this.#overrides.set(saved.words('overrides', 5));
    this.#state = saved.oneOf('state', STATES);
    this.#crcOk = saved.bool('crcOk');
    this.#matched = saved.int('matched', 0, 7);
    this.#sample = saved.int('sample', 0, 127);
    this.#task.restore(saved.int('task', -1, Number.MAX_SAFE_INTEGER));
  }
}
