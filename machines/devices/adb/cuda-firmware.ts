// SPDX-License-Identifier: MIT
import type { ChipContext } from '../../backplane/board.ts';
import type { PlainFields, SavedFields } from '../../backplane/device.ts';
import type { Calendar, NonVolatile } from '../../backplane/host.ts';
import type { DeviceLog } from '../../backplane/log.ts';
import type { Scheduler, Task } from '../../backplane/scheduler.ts';
import type { I2cBus } from '../i2c/i2c-bus.ts';
import { AdbBus } from './adb-bus.ts';
import {
  ADB_PACKET,
  AUTOPOLL,
  BAD_COMMAND,
  BAD_PACKET_TYPE,
  BAD_PARAMETER,
  BAD_SIZE,
  BATTERY_SWAP_SENSE,
  COMBINED_I2C,
  ERROR_PACKET,
  FILE_SERVER_FLAG,
  GET_6805_ADDR,
  GET_AUTO_RATE,
  GET_DEVICE_LIST,
  GET_PRAM,
  GET_TIME,
  I2C_ERROR,
  MONO_STABLE_RESET,
  ONE_SECOND_MODE,
  OUT_PB0,
  PARAMETERS,
  POWERDOWN,
  PSEUDO_PACKET,
  READ_WRITE_I2C,
  RESET_SYSTEM,
  SEND_DFAC,
  SET_6805_ADDR,
  SET_AUTO_RATE,
  SET_DEVICE_LIST,
  SET_IPL,
  SET_POWERUP_TIME,
  SET_POWER_MESSAGES,
  SET_PRAM,
  SET_TIME,
  STATUS_AUTOPOLL,
  STATUS_RESPONSE,
  STATUS_SRQ,
  STATUS_TIMEOUT,
  TICK_PACKET,
  TIMER_TICKLE,
  TOGGLE_WAKEUP,
  WARM_START,
} from './cuda-packets.ts';
import type { CudaTiming } from './cuda-timing.ts';

/** Seconds from 1904-01-01, where a Macintosh's time begins, to 1970-01-01. */
const MAC_EPOCH = 2_082_844_800;

/** Address space of the 6805 that GET_6805_ADDR and SET_6805_ADDR see. */
const MCU_PRAM = 0x0100;
const MCU_ROM = 0x0f00;
/** What begins the ROM: an empty copyright string and the firmware's version, 2.41. */
const MCU_ROM_HEAD = [0x00, 0x00, 0x19, 0x00, 0x02, 0x00, 0x29];

export interface CudaOptions {
  readonly adb: AdbBus;
  readonly i2c?: I2cBus;
  readonly pram?: NonVolatile;
  readonly calendar: Calendar;
  readonly timing?: Partial<CudaTiming>;
}

/** What follows the bytes of an open-ended reply for as long as the host goes on reading. */
const TAILS = ['none', 'pram', 'mcu', 'i2c'] as const;
type Tail = (typeof TAILS)[number];

/** What the firmware needs of the part of the chip that talks with the host. */
export interface CudaLink {
  /** Nothing is going on and nothing has been for a while. */
  quiet(): boolean;
  /** Sends a packet unasked. */
  send(packet: number[]): void;
  powerOff(): void;
  resetSystem(): void;
}

/**
 * What a Cuda does with packets: ADB, clock, parameter RAM, I2C, power. Time is the calendar's at power-on plus virtual
 * time; the battery keeps PRAM (through `NonVolatile`) and the clock's setting (for as long as this object lives).
 *
 * Documents: [CUDA]; what is not modelled stands with the chip, {@link Cuda}.
 */
export class CudaFirmware {
  readonly #scheduler: Scheduler;
  readonly #log: DeviceLog;
  readonly #link: CudaLink;
  readonly #adb: AdbBus;
  readonly #i2c: I2cBus | undefined;
  readonly #pramStore: NonVolatile | undefined;
  readonly #calendar: Calendar;
  readonly #timing: CudaTiming;
  readonly #poll: Task;
  readonly #second: Task;

  #reply: number[] = [];
  #tail: Tail = 'none';
  #tailAddress = 0;
  readonly #pram = new Uint8Array(256);
  #timeOffset = 0;
  #autopoll = false;
  #autopollMs = 11;
  #deviceList = 0xffff;
  #pollAddress = 3;
  #pollOther = false; // somebody else asked for service in the last poll
  #secondMode = 0;
  #secondFull = true; // the next one-second packet carries the time
  #flags = 0; // bit 0 file server, 1 power messages, 2 monostable
  #tickle = 0;
  #powerUpTime = 0;
  #ipl = 0;

  constructor(context: ChipContext, options: CudaOptions, timing: CudaTiming, link: CudaLink) {
    this.#scheduler = context.scheduler;
    this.#log = context.log;
    this.#link = link;
    this.#adb = options.adb;
    this.#i2c = options.i2c;
    this.#pramStore = options.pram;
    this.#calendar = options.calendar;
    this.#timing = timing;
    this.#poll = context.scheduler.task(`${context.id}.autopoll`, () => {
      this.#pollDevices();
    });
    this.#second = context.scheduler.task(`${context.id}.second`, () => {
      this.#secondPassed();
    });
    const stored = options.pram?.load();
    if (stored?.length === 256) this.#pram.set(stored);
  }

  // ---- replies ----------------------------------------------------------------------------------------------------

  /** The reply goes on for as long as the host reads, with {@link tailByte}. */
  get hasTail(): boolean {
    return this.#tail !== 'none';
  }

  tailByte(): number {
    const address = this.#tailAddress++;
    switch (this.#tail) {
      case 'pram':
        return this.#pram[address & 0xff]!;
      case 'mcu':
        return this.#mcuByte(address);
      case 'i2c':
        return this.#i2c?.read() ?? 0xff;
      case 'none':
        return 0;
    }
  }

  endTail(): void {
    if (this.#tail === 'i2c') this.#i2c?.stop();
    this.#tail = 'none';
  }

  #error(code: number, packet: readonly number[]): void {
    this.endTail();
    this.#reply = [ERROR_PACKET, code, packet[0] ?? 0, packet[1] ?? 0];
  }

  // ---- packets ----------------------------------------------------------------------------------------------------

  /** Does what a packet asks for; gives the reply, and how many nanoseconds it takes. */
  execute(packet: readonly number[]): { reply: number[]; workNs: number } {
    let workNs = 0;
    this.endTail();
    if (packet.length < 2) {
      this.#log.guest('packet of %d bytes', packet.length);
      this.#error(BAD_SIZE, packet);
    } else if (packet[0] === ADB_PACKET) {
      workNs = this.#adbPacket(packet[1]!, Uint8Array.from(packet.slice(2)));
    } else if (packet[0] === PSEUDO_PACKET) {
      workNs = this.#pseudoPacket(packet);
    } else {
      this.#log.guest('packet of type %x', packet[0]!);
      this.#error(BAD_PACKET_TYPE, packet);
    }
    return { reply: this.#reply, workNs };
  }

  #adbPacket(command: number, data: Uint8Array): number {
    const reply = this.#adb.transact(command, data);
    const talk = (command & 0x0c) === 0x0c;
    let status = STATUS_RESPONSE;
    if (reply.serviceRequest) status |= STATUS_SRQ;
    if (talk && reply.data === undefined) status |= STATUS_TIMEOUT;
    this.#reply = [ADB_PACKET, status, command, ...(reply.data ?? [])];
    return this.#adbNs(talk ? (reply.data?.length ?? 0) : data.length);
  }

  #adbNs(bytes: number): number {
    return AdbBus.cells(bytes) * this.#timing.adbCell;
  }

  /** Returns how long the command takes. */
  #pseudoPacket(packet: readonly number[]): number {
    const [, command = 0, ...data] = packet;
    const needed = PARAMETERS.get(command);
    if (needed === undefined) {
      this.#log.guest('pseudo command %x', command);
      this.#error(BAD_COMMAND, packet);
      return 0;
    }
    if (data.length < needed) {
      this.#log.guest('pseudo command %x with %d bytes', command, data.length);
      this.#error(BAD_SIZE, packet);
      return 0;
    }
    const first = data[0] ?? 0;
    const word = (first << 8) | (data[1] ?? 0);
    this.#reply = [PSEUDO_PACKET, 0, command];
    switch (command) {
      case WARM_START:
        this.stopUnsolicited();
        break;
      case AUTOPOLL:
        this.#autopoll = first !== 0;
        this.#schedulePoll();
        break;
      case GET_6805_ADDR:
        this.#tail = 'mcu';
        this.#tailAddress = word;
        break;
      case SET_6805_ADDR:
        if (word >= MCU_PRAM && word + data.length - 2 <= MCU_PRAM + 256) this.#writePram(word - MCU_PRAM, data);
        else this.#log.unimp('write to 6805 address %x', word);
        break;
      case GET_TIME:
        this.#reply.push(...bytesOf(this.#time));
        break;
      case SET_TIME:
        this.#timeOffset = 0;
        this.#timeOffset = (longOf(data) - this.#time) >>> 0;
        break;
      case GET_PRAM:
        if (word > 0xff) this.#error(BAD_PARAMETER, packet);
        else {
          this.#tail = 'pram';
          this.#tailAddress = word;
        }
        break;
      case SET_PRAM:
        if (word > 0xff) this.#error(BAD_PARAMETER, packet);
        else this.#writePram(word, data);
        break;
      case POWERDOWN:
        this.#link.powerOff();
        break;
      case RESET_SYSTEM:
        this.#link.resetSystem();
        break;
      case SET_POWERUP_TIME:
        this.#powerUpTime = longOf(data);
        this.#log.unimp('power-up at time %x', this.#powerUpTime);
        break;
      case FILE_SERVER_FLAG:
        this.#setFlag(0, first !== 0);
        break;
      case SET_POWER_MESSAGES:
        this.#setFlag(1, first !== 0);
        break;
      case MONO_STABLE_RESET:
        this.#setFlag(2, first !== 0);
        break;
      case SET_IPL:
        this.#ipl = first;
        break;
      case SET_AUTO_RATE:
        if (first === 0) this.#error(BAD_PARAMETER, packet);
        else {
          this.#autopollMs = first;
          this.#schedulePoll();
        }
        break;
      case GET_AUTO_RATE:
        this.#reply.push(this.#autopollMs);
        break;
      case SET_DEVICE_LIST:
        this.#deviceList = word;
        break;
      case GET_DEVICE_LIST:
        this.#reply.push(this.#deviceList >>> 8, this.#deviceList & 0xff);
        break;
      case ONE_SECOND_MODE:
        if (first > 3) this.#error(BAD_PARAMETER, packet);
        else {
          this.#secondMode = first;
          this.#secondFull = true;
          this.#scheduleSecond();
        }
        break;
      case READ_WRITE_I2C:
        return this.#i2cSimple(packet, first, data.slice(1));
      case COMBINED_I2C:
        return this.#i2cCombined(packet);
      case TIMER_TICKLE:
        this.#tickle = first;
        break;
      case SEND_DFAC:
      case BATTERY_SWAP_SENSE:
      case TOGGLE_WAKEUP:
      case OUT_PB0:
        this.#log.unimp('pseudo command %x', command);
        break;
    }
    return 0;
  }

  #setFlag(bit: number, on: boolean): void {
    this.#flags = on ? this.#flags | (1 << bit) : this.#flags & ~(1 << bit);
  }

  /** `data` begins with the two bytes of the address. */
  #writePram(address: number, data: number[]): void {
    for (let i = 2; i < data.length; i++) this.#pram[(address + i - 2) & 0xff] = data[i]!;
    if (data.length > 2) this.#pramStore?.store(this.#pram.slice());
  }

  #mcuByte(address: number): number {
    if (address >= MCU_PRAM && address < MCU_PRAM + 256) return this.#pram[address - MCU_PRAM]!;
    return MCU_ROM_HEAD[(address & 0xffff) - MCU_ROM] ?? 0;
  }

  // ---- I2C --------------------------------------------------------------------------------------------------------

  /** An address byte and what follows it; with the read bit, the host then reads for as long as it likes. */
  #i2cSimple(packet: readonly number[], address: number, data: readonly number[]): number {
    const reading = (address & 1) !== 0;
    if (reading && data.length === 0) return this.#i2cTransfer(packet, [[address]], true);
    if (reading) return this.#i2cTransfer(packet, [[address & 0xfe, ...data], [address]], true);
    return this.#i2cTransfer(packet, [[address, ...data]], false);
  }

  /** A write of a sub-address, then a repeated start and the transfer proper. */
  #i2cCombined(packet: readonly number[]): number {
    const [, , address = 0, subAddress = 0, again = 0, ...data] = packet;
    if ((address & 0xfe) !== (again & 0xfe)) {
      this.#log.guest('combined I2C transfer to addresses %x and %x', address, again);
      this.#error(I2C_ERROR, packet);
      return 0;
    }
    if (again & 1) return this.#i2cTransfer(packet, [[address & 0xfe, subAddress, ...data], [again]], true);
    return this.#i2cTransfer(packet, [[address & 0xfe, subAddress, ...data]], false);
  }

  /** Each part is a (repeated) start with its address byte, then bytes to write. */
  #i2cTransfer(packet: readonly number[], parts: readonly number[][], reading: boolean): number {
    let bytes = 0;
    for (const [address, ...data] of parts) {
      bytes++;
      let acknowledged = this.#i2c?.start(address!) ?? false;
      for (const byte of data) {
        if (!acknowledged) break;
        bytes++;
        acknowledged = this.#i2c!.write(byte);
      }
      if (!acknowledged) {
        this.#i2c?.stop();
        this.#error(I2C_ERROR, packet);
        return bytes * this.#timing.i2cByte;
      }
    }
    if (reading) this.#tail = 'i2c';
    else this.#i2c?.stop();
    return bytes * this.#timing.i2cByte;
  }

  // ---- unsolicited packets ----------------------------------------------------------------------------------------

  /** Seconds since 1904. */
  get #time(): number {
    const sinceStart = Math.floor(this.#scheduler.now / this.#scheduler.masterHz);
    return ((this.#calendar.startSeconds + MAC_EPOCH + sinceStart + this.#timeOffset) % 0x1_0000_0000) >>> 0;
  }

  /** As after WARM_START. */
  stopUnsolicited(): void {
    this.#autopoll = false;
    this.#secondMode = 0;
    this.#poll.cancel();
    this.#second.cancel();
  }

  #schedulePoll(): void {
    if (this.#autopoll) this.#poll.schedule(this.#scheduler.ns(this.#autopollMs * 1_000_000));
    else this.#poll.cancel();
  }

  /** Talk to register 0 of the device that last had something to say, and of the others when one asks for it. */
  #pollDevices(): void {
    this.#schedulePoll();
    if (!this.#link.quiet()) return;
    const first = this.#pollOther ? 1 : 0;
    this.#pollOther = false;
    for (let step = first; step <= 15 + first; step++) {
      const address = (this.#pollAddress + step) & 15;
      if (!(this.#deviceList & (1 << address))) continue;
      const command = (address << 4) | 0x0c;
      const reply = this.#adb.transact(command, new Uint8Array(0));
      if (reply.data !== undefined) {
        this.#pollAddress = address;
        this.#pollOther = reply.serviceRequest;
        this.#link.send([ADB_PACKET, STATUS_RESPONSE | STATUS_AUTOPOLL, command, ...reply.data]);
        return;
      }
      if (!reply.serviceRequest) return;
    }
  }

  #scheduleSecond(): void {
    const { now, masterHz } = this.#scheduler;
    if (this.#secondMode === 0) this.#second.cancel();
    else this.#second.schedule(masterHz - (now % masterHz));
  }

  /**
   * Mode 1 sends the time every second. Modes 2 and 3 send it every fourth second, after a change of mode and after
   * a second in which the bus was busy; otherwise an empty packet, in mode 3 of a single byte.
   */
  #secondPassed(): void {
    this.#scheduleSecond();
    if (!this.#link.quiet()) {
      this.#secondFull = true;
      return;
    }
    const time = this.#time;
    const full = this.#secondMode === 1 || this.#secondFull || (time & 3) === 0;
    this.#secondFull = false;
    if (full) this.#link.send([PSEUDO_PACKET, 0, GET_TIME, ...bytesOf(time)]);
    else if (this.#secondMode === 2) this.#link.send([PSEUDO_PACKET, 0, GET_TIME]);
    else this.#link.send([TICK_PACKET]);
  }

  // ---- state ------------------------------------------------------------------------------------------------------

  reset(): void {
    this.#poll.cancel();
    this.#second.cancel();
    this.endTail();
    this.#autopoll = false;
    this.#autopollMs = 11;
    this.#deviceList = 0xffff;
    this.#pollAddress = 3;
    this.#pollOther = false;
    this.#secondMode = 0;
    this.#secondFull = true;
    this.#flags = 0;
    this.#tickle = 0;
    this.#powerUpTime = 0;
    this.#ipl = 0;
  }

  save(): PlainFields {
    return {
      tail: this.#tail,
      tailAddress: this.#tailAddress,
      i2cSelected: this.#i2c?.selected ?? -1,
      pram: this.#pram.slice(),
      timeOffset: this.#timeOffset,
      autopoll: this.#autopoll,
      autopollMs: this.#autopollMs,
      deviceList: this.#deviceList,
      pollAddress: this.#pollAddress,
      pollOther: this.#pollOther,
      secondMode: this.#secondMode,
      secondFull: this.#secondFull,
      flags: this.#flags,
      tickle: this.#tickle,
      powerUpTime: this.#powerUpTime,
      ipl: this.#ipl,
      poll: this.#poll.remaining,
      second: this.#second.remaining,
    };
  }

  restore(saved: SavedFields): void {
    const due = (name: string): number => saved.int(name, -1, Number.MAX_SAFE_INTEGER);
    this.#tail = saved.oneOf('tail', TAILS);
    this.#tailAddress = saved.int('tailAddress', 0, Number.MAX_SAFE_INTEGER);
    this.#i2c?.resume(saved.int('i2cSelected', -1, 0x7f));
    this.#pram.set(saved.bytes('pram', 256));
    this.#timeOffset = saved.u32('timeOffset');
    this.#autopoll = saved.bool('autopoll');
    this.#autopollMs = saved.int('autopollMs', 1, 0xff);
    this.#deviceList = saved.u16('deviceList');
    this.#pollAddress = saved.int('pollAddress', 0, 15);
    this.#pollOther = saved.bool('pollOther');
    this.#secondMode = saved.int('secondMode', 0, 3);
    this.#secondFull = saved.bool('secondFull');
    this.#flags = saved.int('flags', 0, 7);
    this.#tickle = saved.u8('tickle');
    this.#powerUpTime = saved.u32('powerUpTime');
    this.#ipl = saved.u8('ipl');
    this.#poll.restore(due('poll'));
    this.#second.restore(due('second'));
  }
}

const bytesOf = (value: number): number[] => [value >>> 24, (value >>> 16) & 0xff, (value >>> 8) & 0xff, value & 0xff];

const longOf = (bytes: number[]): number =>
  ((bytes[0]! << 24) | (bytes[1]! << 16) | (bytes[2]! << 8) | bytes[3]!) >>> 0;
