// SPDX-License-Identifier: MIT
import type { ChipContext } from '../../backplane/board.ts';
import type { Device, PlainFields, ResetKind } from '../../backplane/device.ts';
import { SavedFields } from '../../backplane/device.ts';
import type { Calendar, NonVolatile } from '../../backplane/host.ts';
import type { DeviceLog } from '../../backplane/log.ts';
import type { Scheduler, Task } from '../../backplane/scheduler.ts';
import { Wire } from '../../backplane/wire.ts';
import type { I2cBus } from '../i2c/i2c-bus.ts';
import { AdbBus } from './adb-bus.ts';

// First byte of a packet.
const ADB_PACKET = 0;
const PSEUDO_PACKET = 1;
const ERROR_PACKET = 2;
const TICK_PACKET = 3;

// Second byte of a pseudo packet.
const WARM_START = 0x00;
const AUTOPOLL = 0x01;
const GET_6805_ADDR = 0x02;
const GET_TIME = 0x03;
const GET_PRAM = 0x07;
const SET_6805_ADDR = 0x08;
const SET_TIME = 0x09;
const POWERDOWN = 0x0a;
const SET_POWERUP_TIME = 0x0b;
const SET_PRAM = 0x0c;
const MONO_STABLE_RESET = 0x0d;
const SEND_DFAC = 0x0e;
const BATTERY_SWAP_SENSE = 0x10;
const RESET_SYSTEM = 0x11;
const SET_IPL = 0x12;
const FILE_SERVER_FLAG = 0x13;
const SET_AUTO_RATE = 0x14;
const GET_AUTO_RATE = 0x16;
const SET_DEVICE_LIST = 0x19;
const GET_DEVICE_LIST = 0x1a;
const ONE_SECOND_MODE = 0x1b;
const SET_POWER_MESSAGES = 0x21;
const READ_WRITE_I2C = 0x22;
const TOGGLE_WAKEUP = 0x23;
const TIMER_TICKLE = 0x24;
const COMBINED_I2C = 0x25;
const OUT_PB0 = 0x26;

/** Bytes of parameters each pseudo command needs; what is not here does not exist. */
const PARAMETERS = new Map<number, number>([
  [WARM_START, 0],
  [AUTOPOLL, 1],
  [GET_6805_ADDR, 2],
  [GET_TIME, 0],
  [GET_PRAM, 2],
  [SET_6805_ADDR, 2],
  [SET_TIME, 4],
  [POWERDOWN, 0],
  [SET_POWERUP_TIME, 4],
  [SET_PRAM, 2],
  [MONO_STABLE_RESET, 1],
  [SEND_DFAC, 1],
  [BATTERY_SWAP_SENSE, 0],
  [RESET_SYSTEM, 0],
  [SET_IPL, 1],
  [FILE_SERVER_FLAG, 1],
  [SET_AUTO_RATE, 1],
  [GET_AUTO_RATE, 0],
  [SET_DEVICE_LIST, 2],
  [GET_DEVICE_LIST, 0],
  [ONE_SECOND_MODE, 1],
  [SET_POWER_MESSAGES, 1],
  [READ_WRITE_I2C, 1],
  [TOGGLE_WAKEUP, 0],
  [TIMER_TICKLE, 1],
  [COMBINED_I2C, 3],
  [OUT_PB0, 1],
]);

// Error packets' codes.
const BAD_PACKET_TYPE = 1;
const BAD_COMMAND = 2;
const BAD_SIZE = 3;
const BAD_PARAMETER = 4;
const I2C_ERROR = 5;

// Status byte of an ADB packet.
const STATUS_SRQ = 0x01;
const STATUS_TIMEOUT = 0x02;
const STATUS_AUTOPOLL = 0x40;
const STATUS_RESPONSE = 0x80;

/** Seconds from 1904-01-01, where a Macintosh's time begins, to 1970-01-01. */
const MAC_EPOCH = 2_082_844_800;

/** Address space of the 6805 that GET_6805_ADDR and SET_6805_ADDR see. */
const MCU_PRAM = 0x0100;
const MCU_ROM = 0x0f00;
/** What begins the ROM: an empty copyright string and the firmware's version, 2.41. */
const MCU_ROM_HEAD = [0x00, 0x00, 0x19, 0x00, 0x02, 0x00, 0x29];

/** The longest packet is SET_PRAM with all 256 bytes. */
const MAX_IN = 4 + 256;

/** How long things take, in nanoseconds. The firmware's own pace is part of what guests depend on. */
export interface CudaTiming {
  /** From the chip's reset until it looks at its pins. */
  readonly startup: number;
  /** From an edge of TIP or BYTEACK until it is noticed. Edges closer together are seen as one. */
  readonly notice: number;
  /** From the host's edge until a byte from it has been taken. */
  readonly take: number;
  /** From the host's edge until a byte for it is in its shift register. */
  readonly give: number;
  /** From the end of a transfer until the interrupt that acknowledges it. */
  readonly idle: number;
  /** From a command's end (and the time its execution takes) until TREQ. */
  readonly treq: number;
  /** From TREQ of an unsolicited packet until the interrupt. */
  readonly attention: number;
  /** Silence after a transfer before an unsolicited packet. */
  readonly gap: number;
  /** One bit on the Apple Desktop Bus. */
  readonly adbCell: number;
  /** One byte on the I2C bus. */
  readonly i2cByte: number;
}

export const CUDA_TIMING: CudaTiming = {
  startup: 100_000,
  notice: 4_000,
  take: 71_000,
  give: 88_000,
  idle: 61_000,
  treq: 13_000,
  attention: 30_000,
  gap: 1_000_000,
  adbCell: 100_000,
  i2cByte: 100_000,
};

export interface CudaOptions {
  readonly adb: AdbBus;
  readonly i2c?: I2cBus;
  readonly pram?: NonVolatile;
  readonly calendar: Calendar;
  readonly timing?: Partial<CudaTiming>;
}

/**
 * `idle`; `sync`: BYTEACK without TIP; `receiving`: a packet from the host; `working`: on that packet;
 * `attention`: TREQ asserted, waiting for TIP; `sending`: a packet to the host.
 */
const PHASES = ['startup', 'idle', 'sync', 'receiving', 'working', 'attention', 'sending'] as const;
type Phase = (typeof PHASES)[number];

/** What the next eight clocks are for. `dummy` only raises the host's interrupt. */
const SHIFTS = ['take', 'give', 'dummy'] as const;
type Shift = (typeof SHIFTS)[number];

/** What follows the bytes of an open-ended reply for as long as the host goes on reading. */
const TAILS = ['none', 'pram', 'mcu', 'i2c'] as const;
type Tail = (typeof TAILS)[number];

/**
 * Apple "Cuda" (343S0060 and others, a 68HC05 with Apple's firmware): ADB host, real-time clock, parameter RAM, I2C
 * master and power switch of many Macintoshes, behind a 6522's shift register and three of its port B pins.
 *
 * Sockets: inputs `tipW` (VIA PB5), `byteackW` (PB4), both active-low pins given as "asserted", `cb2W` (VIA CB2, level);
 * outputs `treq` (VIA PB3, active-low pin, true = asserted), `cb1` and `cb2` (VIA CB1 and CB2, levels), `powerOff` and
 * `resetSystem` (for the board: they stay asserted until the chip is reset); buses: AdbBus, I2cBus.
 *
 * A byte is eight clocks on CB1, all in the moment at which the last would come: the VIA must be in one of its
 * external-clock modes. The host's packets are taken as the host asserts TIP and toggles BYTEACK; a reply or an
 * unsolicited packet asserts TREQ until its last byte. A packet the host begins while TREQ is asserted is a collision:
 * the host gets a byte it does not want, withdraws, and is asked again.
 *
 * Time is the calendar's at power-on plus virtual time; the battery keeps PRAM (through `NonVolatile`) and the clock's
 * setting (for as long as this object lives).
 *
 * Documents: [CUDA] in docs/references.md.
 * Not modelled: the 6805's memory other than PRAM and the ROM's head (reads zero); what MONO_STABLE_RESET, SEND_DFAC,
 * BATTERY_SWAP_SENSE, SET_IPL, OUT_PB0, TOGGLE_WAKEUP, FILE_SERVER_FLAG and SET_POWERUP_TIME switch (accepted and
 * kept); TIMER_TICKLE's power-off when it runs out; power-key packets.
 */
export class Cuda implements Device {
  readonly id: string;
  readonly treq: Wire;
  readonly cb1: Wire;
  readonly cb2: Wire;
  readonly powerOff: Wire;
  readonly resetSystem: Wire;

  readonly #scheduler: Scheduler;
  readonly #log: DeviceLog;
  readonly #adb: AdbBus;
  readonly #i2c: I2cBus | undefined;
  readonly #pramStore: NonVolatile | undefined;
  readonly #calendar: Calendar;
  readonly #timing: CudaTiming;
  readonly #notice: Task;
  readonly #shift: Task;
  readonly #treqTask: Task;
  readonly #poll: Task;
  readonly #second: Task;

  // Pins
  #tip = false;
  #byteack = false;
  #cb2In = true;
  #treqOut = false;
  #cb2Out = true;
  #powerOff = false;
  #resetSystem = false;

  // Protocol
  #phase: Phase = 'startup';
  #seenTip = false;
  #seenByteack = false;
  #shiftFor: Shift = 'dummy';
  readonly #in: number[] = [];
  #out: number[] = [];
  #outNext = 0;
  #acknowledged = false;
  #tail: Tail = 'none';
  #tailAddress = 0;
  #quietSince = 0;

  // Firmware
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

  constructor(context: ChipContext, options: CudaOptions) {
    this.id = context.id;
    this.#scheduler = context.scheduler;
    this.#log = context.log;
    this.#adb = options.adb;
    this.#i2c = options.i2c;
    this.#pramStore = options.pram;
    this.#calendar = options.calendar;
    this.#timing = { ...CUDA_TIMING, ...options.timing };
    const wire = (pin: string): Wire => new Wire(`${context.id}.${pin}`);
    this.treq = wire('treq');
    this.cb1 = wire('cb1');
    this.cb2 = wire('cb2');
    this.powerOff = wire('powerOff');
    this.resetSystem = wire('resetSystem');
    const task = (name: string, callback: () => void): Task =>
      context.scheduler.task(`${context.id}.${name}`, callback);
    this.#notice = task('notice', () => {
      this.#lookAtPins();
    });
    this.#shift = task('shift', () => {
      this.#shiftByte();
    });
    this.#treqTask = task('treq', () => {
      this.#replyReady();
    });
    this.#poll = task('autopoll', () => {
      this.#pollDevices();
    });
    this.#second = task('second', () => {
      this.#secondPassed();
    });
    const stored = options.pram?.load();
    if (stored?.length === 256) this.#pram.set(stored);
  }

  // ---- pins -------------------------------------------------------------------------------------------------------

  tipW(asserted: boolean): void {
    this.#tip = asserted;
    this.#pinChanged();
  }

  byteackW(asserted: boolean): void {
    this.#byteack = asserted;
    this.#pinChanged();
  }

  cb2W(level: boolean): void {
    this.#cb2In = level;
  }

  #pinChanged(): void {
    if (this.#phase !== 'startup' && !this.#notice.scheduled) this.#notice.schedule(this.#ns(this.#timing.notice));
  }

  #setTreq(asserted: boolean): void {
    this.#treqOut = asserted;
    this.treq.set(asserted);
  }

  #ns(ns: number): number {
    return this.#scheduler.ns(ns);
  }

  /** Schedules eight clocks `ns` after the edge that was noticed just now. */
  #shiftAfter(what: Shift, ns: number): void {
    this.#shiftFor = what;
    this.#shift.schedule(this.#ns(Math.max(0, ns - this.#timing.notice)));
  }

  // ---- handshake --------------------------------------------------------------------------------------------------

  #lookAtPins(): void {
    if (this.#phase === 'startup') {
      this.#phase = 'idle';
      this.#seenTip = this.#seenByteack = false;
    }
    const hadTip = this.#seenTip;
    if (this.#tip === hadTip && this.#byteack === this.#seenByteack) return;
    this.#seenTip = this.#tip;
    this.#seenByteack = this.#byteack;
    if (!this.#seenTip) {
      if (this.#seenByteack) this.#enterSync();
      else this.#bothNegated();
    } else if (!hadTip) {
      this.#transferBegins();
    } else if (this.#phase === 'receiving') {
      this.#shiftAfter('take', this.#timing.take);
    } else if (this.#phase === 'sending') {
      this.#acknowledged = true;
      this.#shiftAfter('give', this.#timing.give);
    }
  }

  /** The host wants to know that somebody is there: TREQ follows BYTEACK, and unsolicited packets cease. */
  #enterSync(): void {
    this.#abandonReply();
    this.#treqTask.cancel();
    this.#in.length = 0;
    this.#phase = 'sync';
    this.#setTreq(true);
    this.#shiftAfter('dummy', this.#timing.idle);
  }

  #transferBegins(): void {
    switch (this.#phase) {
      case 'attention':
        this.#beginSending();
        break;
      case 'working':
        break; // the reply will collide with it
      default:
        this.#setTreq(false);
        this.#phase = 'receiving';
        this.#in.length = 0;
        this.#shiftAfter('take', this.#timing.take);
    }
  }

  #beginSending(): void {
    this.#phase = 'sending';
    this.#outNext = 0;
    this.#acknowledged = false;
    this.#shiftAfter('give', this.#timing.give);
  }

  #bothNegated(): void {
    switch (this.#phase) {
      case 'sync':
        this.#stopUnsolicited();
        this.#becomeIdle();
        break;
      case 'receiving':
        if (this.#in.length > 0) this.#execute();
        else this.#becomeIdle();
        break;
      case 'sending':
        if (!this.#acknowledged && this.#outNext < this.#out.length) {
          // The host was about to send and withdrew.
          this.#phase = 'attention';
          this.#shiftAfter('dummy', this.#timing.idle);
        } else {
          this.#abandonReply();
          this.#becomeIdle();
        }
        break;
      default:
        break;
    }
  }

  #becomeIdle(): void {
    this.#setTreq(false);
    this.#phase = 'idle';
    this.#quietSince = this.#scheduler.now;
    this.#shiftAfter('dummy', this.#timing.idle);
  }

  #abandonReply(): void {
    if (this.#tail === 'i2c') this.#i2c?.stop();
    this.#tail = 'none';
    this.#out = [];
    this.#outNext = 0;
  }

  #shiftByte(): void {
    switch (this.#shiftFor) {
      case 'take': {
        const byte = this.#clockByte(0xff);
        if (this.#in.length < MAX_IN) this.#in.push(byte);
        else this.#log.guest('packet longer than %d bytes', MAX_IN);
        break;
      }
      case 'give': {
        const byte = this.#nextOut();
        if (this.#outNext >= this.#out.length && this.#tail === 'none') this.#setTreq(false);
        this.#clockByte(byte);
        break;
      }
      case 'dummy':
        this.#clockByte(0xff);
        break;
    }
  }

  #nextOut(): number {
    if (this.#outNext < this.#out.length) return this.#out[this.#outNext++]!;
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

  /** Eight clocks: data out change on the falling edge, data in are there at the rising one. */
  #clockByte(out: number): number {
    let byte = 0;
    for (let bit = 7; bit >= 0; bit--) {
      this.cb1.set(false);
      this.#cb2Out = ((out >>> bit) & 1) !== 0;
      this.cb2.set(this.#cb2Out);
      byte = (byte << 1) | (this.#cb2In ? 1 : 0);
      this.cb1.set(true);
    }
    return byte;
  }

  // ---- replies ----------------------------------------------------------------------------------------------------

  /** The reply in #out will be ready after `ns` of work. */
  #replyAfter(ns: number): void {
    this.#phase = 'working';
    this.#outNext = 0;
    this.#treqTask.schedule(this.#ns(Math.max(0, ns + this.#timing.treq - this.#timing.notice)));
    this.#shiftAfter('dummy', ns + this.#timing.idle);
  }

  #replyReady(): void {
    this.#phase = 'attention';
    this.#setTreq(true);
    if (this.#seenTip) this.#beginSending();
  }

  /** Sends #out unasked. */
  #unsolicited(): void {
    this.#phase = 'attention';
    this.#outNext = 0;
    this.#tail = 'none';
    this.#setTreq(true);
    this.#shiftAfter('dummy', this.#timing.attention + this.#timing.notice);
  }

  /** Nothing is going on and nothing has been for a while. */
  #quiet(): boolean {
    return (
      this.#phase === 'idle' &&
      !this.#tip &&
      !this.#byteack &&
      !this.#shift.scheduled &&
      this.#scheduler.now - this.#quietSince >= this.#ns(this.#timing.gap)
    );
  }

  #error(code: number): void {
    this.#abandonReply();
    this.#out = [ERROR_PACKET, code, this.#in[0] ?? 0, this.#in[1] ?? 0];
  }

  // ---- packets ----------------------------------------------------------------------------------------------------

  #execute(): void {
    const packet = this.#in;
    let workNs = 0;
    this.#abandonReply();
    if (packet.length < 2) {
      this.#log.guest('packet of %d bytes', packet.length);
      this.#error(BAD_SIZE);
    } else if (packet[0] === ADB_PACKET) {
      workNs = this.#adbPacket(packet[1]!, Uint8Array.from(packet.slice(2)));
    } else if (packet[0] === PSEUDO_PACKET) {
      workNs = this.#pseudoPacket(packet[1]!, packet.slice(2));
    } else {
      this.#log.guest('packet of type %x', packet[0]!);
      this.#error(BAD_PACKET_TYPE);
    }
    this.#in.length = 0;
    this.#replyAfter(workNs);
  }

  #adbPacket(command: number, data: Uint8Array): number {
    const reply = this.#adb.transact(command, data);
    const talk = (command & 0x0c) === 0x0c;
    let status = STATUS_RESPONSE;
    if (reply.serviceRequest) status |= STATUS_SRQ;
    if (talk && reply.data === undefined) status |= STATUS_TIMEOUT;
    this.#out = [ADB_PACKET, status, command, ...(reply.data ?? [])];
    return this.#adbNs(talk ? (reply.data?.length ?? 0) : data.length);
  }

  #adbNs(bytes: number): number {
    return AdbBus.cells(bytes) * this.#timing.adbCell;
  }

  /** Returns how long the command takes. */
  #pseudoPacket(command: number, data: number[]): number {
    const needed = PARAMETERS.get(command);
    if (needed === undefined) {
      this.#log.guest('pseudo command %x', command);
      this.#error(BAD_COMMAND);
      return 0;
    }
    if (data.length < needed) {
      this.#log.guest('pseudo command %x with %d bytes', command, data.length);
      this.#error(BAD_SIZE);
      return 0;
    }
    const first = data[0] ?? 0;
    const word = (first << 8) | (data[1] ?? 0);
    this.#out = [PSEUDO_PACKET, 0, command];
    switch (command) {
      case WARM_START:
        this.#stopUnsolicited();
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
        this.#out.push(...bytesOf(this.#time));
        break;
      case SET_TIME:
        this.#timeOffset = 0;
        this.#timeOffset = (longOf(data) - this.#time) >>> 0;
        break;
      case GET_PRAM:
        if (word > 0xff) this.#error(BAD_PARAMETER);
        else {
          this.#tail = 'pram';
          this.#tailAddress = word;
        }
        break;
      case SET_PRAM:
        if (word > 0xff) this.#error(BAD_PARAMETER);
        else this.#writePram(word, data);
        break;
      case POWERDOWN:
        this.#powerOff = true;
        this.powerOff.set(true);
        break;
      case RESET_SYSTEM:
        this.#resetSystem = true;
        this.resetSystem.set(true);
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
        if (first === 0) this.#error(BAD_PARAMETER);
        else {
          this.#autopollMs = first;
          this.#schedulePoll();
        }
        break;
      case GET_AUTO_RATE:
        this.#out.push(this.#autopollMs);
        break;
      case SET_DEVICE_LIST:
        this.#deviceList = word;
        break;
      case GET_DEVICE_LIST:
        this.#out.push(this.#deviceList >>> 8, this.#deviceList & 0xff);
        break;
      case ONE_SECOND_MODE:
        if (first > 3) this.#error(BAD_PARAMETER);
        else {
          this.#secondMode = first;
          this.#secondFull = true;
          this.#scheduleSecond();
        }
        break;
      case READ_WRITE_I2C:
        return this.#i2cSimple(first, data.slice(1));
      case COMBINED_I2C:
        return this.#i2cCombined(first, data[1]!, data[2]!, data.slice(3));
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
  #i2cSimple(address: number, data: number[]): number {
    const reading = (address & 1) !== 0;
    if (reading && data.length === 0) return this.#i2cTransfer([[address]], true);
    if (reading) return this.#i2cTransfer([[address & 0xfe, ...data], [address]], true);
    return this.#i2cTransfer([[address, ...data]], false);
  }

  /** A write of a sub-address, then a repeated start and the transfer proper. */
  #i2cCombined(address: number, subAddress: number, again: number, data: number[]): number {
    if ((address & 0xfe) !== (again & 0xfe)) {
      this.#log.guest('combined I2C transfer to addresses %x and %x', address, again);
      this.#error(I2C_ERROR);
      return 0;
    }
    if (again & 1) return this.#i2cTransfer([[address & 0xfe, subAddress, ...data], [again]], true);
    return this.#i2cTransfer([[address & 0xfe, subAddress, ...data]], false);
  }

  /** Each part is a (repeated) start with its address byte, then bytes to write. */
  #i2cTransfer(parts: number[][], reading: boolean): number {
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
        this.#error(I2C_ERROR);
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

  #stopUnsolicited(): void {
    this.#autopoll = false;
    this.#secondMode = 0;
    this.#poll.cancel();
    this.#second.cancel();
  }

  #schedulePoll(): void {
    if (this.#autopoll) this.#poll.schedule(this.#ns(this.#autopollMs * 1_000_000));
    else this.#poll.cancel();
  }

  /** Talk to register 0 of the device that last had something to say, and of the others when one asks for it. */
  #pollDevices(): void {
    this.#schedulePoll();
    if (!this.#quiet()) return;
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
        this.#out = [ADB_PACKET, STATUS_RESPONSE | STATUS_AUTOPOLL, command, ...reply.data];
        this.#unsolicited();
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
    if (!this.#quiet()) {
      this.#secondFull = true;
      return;
    }
    const time = this.#time;
    const full = this.#secondMode === 1 || this.#secondFull || (time & 3) === 0;
    this.#secondFull = false;
    if (full) this.#out = [PSEUDO_PACKET, 0, GET_TIME, ...bytesOf(time)];
    else if (this.#secondMode === 2) this.#out = [PSEUDO_PACKET, 0, GET_TIME];
    else this.#out = [TICK_PACKET];
    this.#unsolicited();
  }

  // ---- device -----------------------------------------------------------------------------------------------------

  reset(_kind: ResetKind): void {
    for (const task of [this.#notice, this.#shift, this.#treqTask, this.#poll, this.#second]) task.cancel();
    this.#treqOut = this.#powerOff = this.#resetSystem = false;
    this.#cb2Out = true;
    this.#phase = 'startup';
    this.#seenTip = this.#seenByteack = false;
    this.#in.length = 0;
    this.#abandonReply();
    this.#acknowledged = false;
    this.#quietSince = this.#scheduler.now;
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
    this.#notice.schedule(this.#ns(this.#timing.startup));
  }

  settle(): void {
    this.treq.set(this.#treqOut);
    this.cb2.set(this.#cb2Out);
    this.cb1.set(true);
    this.powerOff.set(this.#powerOff);
    this.resetSystem.set(this.#resetSystem);
  }

  save(): PlainFields {
    return {
      tip: this.#tip,
      byteack: this.#byteack,
      cb2In: this.#cb2In,
      treqOut: this.#treqOut,
      cb2Out: this.#cb2Out,
      powerOff: this.#powerOff,
      resetSystem: this.#resetSystem,
      phase: this.#phase,
      seenTip: this.#seenTip,
      seenByteack: this.#seenByteack,
      shiftFor: this.#shiftFor,
      in: Uint8Array.from(this.#in),
      out: Uint8Array.from(this.#out),
      outNext: this.#outNext,
      acknowledged: this.#acknowledged,
      tail: this.#tail,
      tailAddress: this.#tailAddress,
      i2cSelected: this.#i2c?.selected ?? -1,
      quietFor: this.#scheduler.now - this.#quietSince,
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
      notice: this.#notice.remaining,
      shift: this.#shift.remaining,
      treq: this.#treqTask.remaining,
      poll: this.#poll.remaining,
      second: this.#second.remaining,
    };
  }

  restore(state: PlainFields): void {
    const saved = new SavedFields(this.id, state);
    const due = (name: string): number => saved.int(name, -1, Number.MAX_SAFE_INTEGER);
    this.#tip = saved.bool('tip');
    this.#byteack = saved.bool('byteack');
    this.#cb2In = saved.bool('cb2In');
    this.#treqOut = saved.bool('treqOut');
    this.#cb2Out = saved.bool('cb2Out');
    this.#powerOff = saved.bool('powerOff');
    this.#resetSystem = saved.bool('resetSystem');
    this.#phase = saved.oneOf('phase', PHASES);
    this.#seenTip = saved.bool('seenTip');
    this.#seenByteack = saved.bool('seenByteack');
    this.#shiftFor = saved.oneOf('shiftFor', SHIFTS);
    this.#in.splice(0, this.#in.length, ...saved.bytes('in', undefined, MAX_IN));
    this.#out = [...saved.bytes('out', undefined, 32)];
    this.#outNext = saved.int('outNext', 0, this.#out.length);
    this.#acknowledged = saved.bool('acknowledged');
    this.#tail = saved.oneOf('tail', TAILS);
    this.#tailAddress = saved.int('tailAddress', 0, Number.MAX_SAFE_INTEGER);
    this.#i2c?.resume(saved.int('i2cSelected', -1, 0x7f));
    this.#quietSince = this.#scheduler.now - due('quietFor');
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
    this.#notice.restore(due('notice'));
    this.#shift.restore(due('shift'));
    this.#treqTask.restore(due('treq'));
    this.#poll.restore(due('poll'));
    this.#second.restore(due('second'));
  }
}

const bytesOf = (value: number): number[] => [value >>> 24, (value >>> 16) & 0xff, (value >>> 8) & 0xff, value & 0xff];

const longOf = (bytes: number[]): number =>
  ((bytes[0]! << 24) | (bytes[1]! << 16) | (bytes[2]! << 8) | bytes[3]!) >>> 0;
