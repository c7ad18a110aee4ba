// SPDX-License-Identifier: MIT
//
// SD memory card: standard capacity up to 2 GiB, high capacity above.
//
// Sockets: a medium of 512-byte blocks; `command`, then `readData` or `writeData`, from a host controller.
// Answers are given in 32-bit words, the most significant first: one of R1, R3, R6 and R7, four of R2.
//
// Classes 0, 2, 4, 5, 8, 10 and commands 0, 2-4, 6-10, 12, 13, 15-18, 24, 25, 32, 33, 38, 55; application commands 6, 13,
// 22, 23, 41, 42, 51. A command the card does not take in its state is not answered, and the next answer says so.
//
// Documents: [SD] §4, §5.
// Not modelled: time (programming is over at once), the SPI mode, CRC of data, PROGRAM_CSD, write protection by group,
// passwords, speed classes. An erase of more than 64 MiB at once is refused with ERASE_PARAM.
import type { ChipContext } from '../../backplane/board.ts';
import { type PlainFields, SavedFields } from '../../backplane/device.ts';
import { type BlockDevice, MediumError } from '../../backplane/host.ts';
import type { DeviceLog } from '../../backplane/log.ts';
import { cardIdentification, cardSpecificData, SD_BLOCK_BYTES, sdCapacity } from './sd-registers.ts';

const OUT_OF_RANGE = 0x8000_0000;
const ADDRESS_ERROR = 0x4000_0000;
const BLOCK_LEN_ERROR = 0x2000_0000;
const ERASE_SEQ_ERROR = 0x1000_0000;
const ERASE_PARAM = 0x0800_0000;
const WP_VIOLATION = 0x0400_0000;
const ILLEGAL_COMMAND = 0x0040_0000;
const CARD_ECC_FAILED = 0x0020_0000;
const ERASE_RESET = 0x0000_2000;
const READY_FOR_DATA = 0x0000_0100;
const APP_CMD = 0x0000_0020;

/** 2.7 to 3.6 V. */
const OCR_VOLTAGES = 0x00ff_8000;
const OCR_READY = 0x8000_0000;
const OCR_CCS = 0x4000_0000;
const IF_COND_VOLTAGE = 0x100;

const RCA = 0x4567;
const SCR_BYTES = 8;
const STATUS_BYTES = 64;
const SWITCH_BYTES = 64;
const MOST_ERASED_BYTES = 1 << 26;
const ERASE_PIECE_BYTES = 1 << 16;

/** In the order of CURRENT_STATE's values. */
const STATES = ['idle', 'ready', 'ident', 'stby', 'tran', 'data', 'rcv', 'prg', 'dis', 'inactive'] as const;
type State = (typeof STATES)[number];

export class SdCard {
  readonly readonly: boolean;
  readonly #id: string;
  readonly #log: DeviceLog;
  readonly #medium: BlockDevice;
  readonly #highCapacity: boolean;
  /** Bytes of the card, which a standard capacity card rounds down. */
  readonly #bytes: number;
  readonly #cid: readonly number[];
  readonly #csd: readonly number[];
  #state: State = 'idle';
  #status = 0;
  #application = false;
  #blockLength = SD_BLOCK_BYTES;
  #wide = false;
  /** Where the next block is read or written. */
  #position = 0;
  /** Blocks go on until STOP_TRANSMISSION. */
  #multiple = false;
  #written = 0;
  #eraseFirst = -1;
  #eraseLast = -1;
  /** What is read is this, not blocks. */
  #answer: Uint8Array = new Uint8Array(0);

  constructor(chip: ChipContext, medium: BlockDevice) {
    this.#id = chip.id;
    this.#log = chip.log;
    this.#medium = medium;
    this.readonly = medium.readonly;
    const capacity = sdCapacity(medium.blockCount * medium.blockBytes);
    this.#highCapacity = capacity.highCapacity;
    this.#bytes = capacity.bytes;
    this.#cid = cardIdentification();
    this.#csd = cardSpecificData(capacity);
  }

  /** The answer to a command; `undefined` when there is none. */
  command(index: number, argument: number): readonly number[] | undefined {
    const application = this.#application;
    this.#application = false;
    if (this.#state === 'inactive') return undefined;
    const answer = application ? this.#applicationCommand(index, argument) : this.#command(index, argument);
    if (answer !== 'illegal') return answer;
    // Hosts find out so what a card is.
    this.#log.trace('command %d in a state that does not take it, %d', index, STATES.indexOf(this.#state));
    this.#status |= ILLEGAL_COMMAND;
    return undefined;
  }

  #command(index: number, argument: number): readonly number[] | undefined | 'illegal' {
    const mine = argument >>> 16 === RCA;
    switch (index) {
      case 0:
        this.reset();
        return undefined;
      case 2:
        return this.#from('ready') ? this.#to('ident', this.#cid) : 'illegal';
      case 3:
        return this.#from('ident', 'stby') ? this.#relativeAddress() : 'illegal';
      case 4:
        return this.#from('stby') ? undefined : 'illegal';
      case 6:
        return this.#from('tran') ? this.#give(this.#switchFunction(argument)) : 'illegal';
      case 7:
        return this.#select(mine);
      case 8:
        if (!this.#from('idle')) return 'illegal';
        return (argument & 0xf00) === IF_COND_VOLTAGE ? [argument & 0xfff] : undefined;
      case 9:
      case 10:
        if (!this.#from('stby')) return 'illegal';
        return mine ? (index === 9 ? this.#csd : this.#cid) : undefined;
      case 12:
        return this.#from('data', 'rcv') ? this.#answerThen('tran') : 'illegal';
      case 13:
        if (!this.#from('stby', 'tran', 'data', 'rcv')) return 'illegal';
        return mine ? this.#r1() : undefined;
      case 15:
        if (!this.#from('stby', 'tran', 'data', 'rcv')) return 'illegal';
        if (mine) this.#state = 'inactive';
        return undefined;
      case 16:
        return this.#from('tran') ? this.#setBlockLength(argument) : 'illegal';
      case 17:
      case 18:
        return this.#from('tran') ? this.#start('data', argument, index === 18) : 'illegal';
      case 24:
      case 25:
        return this.#from('tran') ? this.#start('rcv', argument, index === 25) : 'illegal';
      case 32:
      case 33:
        return this.#from('tran') ? this.#eraseBound(index === 32, argument) : 'illegal';
      case 38:
        return this.#from('tran') ? this.#erase() : 'illegal';
      case 55:
        // Before it has an address, a card is told address 0.
        if (!mine && !(this.#from('idle') && argument >>> 16 === 0)) return this.#from('idle') ? 'illegal' : undefined;
        if (!this.#from('idle', 'stby', 'tran', 'data', 'rcv')) return 'illegal';
        this.#application = true;
        return this.#r1();
      default:
        return 'illegal';
    }
  }

  #applicationCommand(index: number, argument: number): readonly number[] | undefined | 'illegal' {
    const selected = this.#from('tran');
    switch (index) {
      case 6:
        if (!selected || (argument & 1) !== 0) return 'illegal';
        this.#wide = (argument & 3) === 2;
        return this.#r1(APP_CMD);
      case 13:
        return selected ? this.#give(this.#sdStatus(), APP_CMD) : 'illegal';
      case 22:
        return selected ? this.#give(bytesOf(this.#written), APP_CMD) : 'illegal';
      case 23:
      case 42:
        return selected ? this.#r1(APP_CMD) : 'illegal';
      case 41:
        return this.#from('idle') ? this.#operatingConditions(argument) : 'illegal';
      case 51:
        return selected ? this.#give(this.#configuration(), APP_CMD) : 'illegal';
      default:
        // Others are the same command without the prefix.
        return this.#command(index, argument);
    }
  }

  #from(...states: readonly State[]): boolean {
    return states.includes(this.#state);
  }

  #to(state: State, answer: readonly number[]): readonly number[] {
    this.#state = state;
    return answer;
  }

  /** The card's status, which forgets its errors by being told. */
  #r1(more = 0): readonly number[] {
    const word = this.#status | more | (Math.min(STATES.indexOf(this.#state), 8) << 9);
    this.#status = 0;
    const ready = this.#from('rcv', 'tran', 'stby', 'data') ? READY_FOR_DATA : 0;
    return [(word | ready | (this.#application ? APP_CMD : 0)) >>> 0];
  }

  #answerThen(state: State): readonly number[] {
    const answer = this.#r1();
    this.#state = state;
    return answer;
  }

  #relativeAddress(): readonly number[] {
    const [status] = this.#r1() as [number];
    const packed = ((status >>> 8) & 0xc000) | ((status >>> 6) & 0x2000) | (status & 0x1fff);
    return this.#to('stby', [((RCA << 16) | packed) >>> 0]);
  }

  #select(mine: boolean): readonly number[] | undefined | 'illegal' {
    if (mine) return this.#from('stby') ? this.#answerThen('tran') : 'illegal';
    if (this.#from('tran', 'data', 'stby')) this.#state = 'stby';
    else if (this.#from('rcv', 'ident')) return 'illegal';
    return undefined;
  }

  #operatingConditions(argument: number): readonly number[] {
    const inquiry = (argument & OCR_VOLTAGES) === 0;
    const hostTakesIt = !this.#highCapacity || (argument & OCR_CCS) !== 0;
    if (inquiry || !hostTakesIt) return [OCR_VOLTAGES];
    this.#state = 'ready';
    return [(OCR_VOLTAGES | OCR_READY | (this.#highCapacity ? OCR_CCS : 0)) >>> 0];
  }

  #setBlockLength(length: number): readonly number[] {
    if (length === 0 || length > SD_BLOCK_BYTES) this.#status |= BLOCK_LEN_ERROR;
    else if (!this.#highCapacity) this.#blockLength = length;
    return this.#r1();
  }

  /** An argument as a byte of the card. */
  #byte(argument: number): number {
    return this.#highCapacity ? (argument >>> 0) * SD_BLOCK_BYTES : argument >>> 0;
  }

  #start(state: 'data' | 'rcv', argument: number, multiple: boolean): readonly number[] {
    const at = this.#byte(argument);
    const within = at % SD_BLOCK_BYTES;
    if (at >= this.#bytes) this.#status |= OUT_OF_RANGE;
    else if (within + this.#blockLength > SD_BLOCK_BYTES) this.#status |= ADDRESS_ERROR;
    else if (state === 'rcv' && this.#blockLength !== SD_BLOCK_BYTES) this.#status |= BLOCK_LEN_ERROR;
    else if (state === 'rcv' && this.readonly) this.#status |= WP_VIOLATION;
    else {
      this.#position = at;
      this.#multiple = multiple;
      this.#written = 0;
      this.#answer = new Uint8Array(0);
      return this.#answerThen(state);
    }
    return this.#r1();
  }

  /** Begins to give bytes that are not blocks. */
  #give(bytes: Uint8Array, more = 0): readonly number[] {
    const answer = this.#r1(more);
    this.#answer = bytes;
    this.#multiple = false;
    this.#state = 'data';
    return answer;
  }

  /** Whether a command has begun a transfer, and which way. */
  get transfer(): 'read' | 'write' | undefined {
    return this.#state === 'data' ? 'read' : this.#state === 'rcv' ? 'write' : undefined;
  }

  /** Bytes from the card; how many there were. Without STOP_TRANSMISSION only as many as one block has. */
  readData(into: Uint8Array): number {
    if (this.#state !== 'data') return 0;
    if (this.#answer.length > 0) {
      const part = this.#answer.subarray(0, into.length);
      into.set(part);
      this.#state = 'tran';
      return part.length;
    }
    let done = 0;
    while (done < into.length && this.#state === 'data') {
      const part = into.subarray(done, done + this.#blockLength);
      if (!this.#readBlock(part)) break;
      done += part.length;
      if (!this.#multiple) this.#state = 'tran';
    }
    return done;
  }

  #readBlock(into: Uint8Array): boolean {
    if (this.#position + this.#blockLength > this.#bytes) {
      this.#status |= OUT_OF_RANGE;
      return false;
    }
    const block = new Uint8Array(SD_BLOCK_BYTES);
    const within = this.#position % SD_BLOCK_BYTES;
    const worked = this.#try(() => this.#medium.read((this.#position - within) / SD_BLOCK_BYTES, block));
    into.set(block.subarray(within, within + into.length));
    this.#position += this.#blockLength;
    return worked;
  }

  /** Whole blocks to the card; how many bytes it took. */
  writeData(bytes: Uint8Array): number {
    let done = 0;
    while (done + SD_BLOCK_BYTES <= bytes.length && this.#state === 'rcv') {
      if (this.#position >= this.#bytes) {
        this.#status |= OUT_OF_RANGE;
        break;
      }
      const block = bytes.subarray(done, done + SD_BLOCK_BYTES);
      if (!this.#try(() => this.#medium.write(this.#position / SD_BLOCK_BYTES, block))) break;
      this.#position += SD_BLOCK_BYTES;
      this.#written++;
      done += SD_BLOCK_BYTES;
      if (!this.#multiple) this.#state = 'tran';
    }
    return done;
  }

  #eraseBound(first: boolean, argument: number): readonly number[] {
    const at = this.#byte(argument);
    if (at >= this.#bytes) this.#status |= OUT_OF_RANGE;
    else if (first) this.#eraseFirst = Math.floor(at / SD_BLOCK_BYTES);
    else if (this.#eraseFirst < 0) this.#status |= ERASE_SEQ_ERROR;
    else this.#eraseLast = Math.floor(at / SD_BLOCK_BYTES);
    return this.#r1();
  }

  #erase(): readonly number[] {
    const [first, last] = [this.#eraseFirst, this.#eraseLast];
    this.#eraseFirst = this.#eraseLast = -1;
    const blocks = last - first + 1;
    if (first < 0 || last < 0) this.#status |= ERASE_SEQ_ERROR | ERASE_RESET;
    else if (blocks <= 0 || blocks * SD_BLOCK_BYTES > MOST_ERASED_BYTES) this.#status |= ERASE_PARAM;
    else if (this.readonly) this.#status |= WP_VIOLATION;
    else {
      const piece = new Uint8Array(ERASE_PIECE_BYTES);
      const most = ERASE_PIECE_BYTES / SD_BLOCK_BYTES;
      for (let done = 0; done < blocks; done += most) {
        const part = piece.subarray(0, Math.min(most, blocks - done) * SD_BLOCK_BYTES);
        if (!this.#try(() => this.#medium.write(first + done, part))) break;
      }
    }
    return this.#r1();
  }

  /** Whether the host could do it. */
  #try(action: () => void): boolean {
    try {
      action();
      return true;
    } catch (error) {
      if (!(error instanceof MediumError)) throw error;
      this.#log.info(error.message);
      this.#status |= CARD_ECC_FAILED;
      return false;
    }
  }

  /** SD Configuration Register: version 2.00, no security, one or four data lines; erased blocks are zeros. */
  #configuration(): Uint8Array {
    const scr = new Uint8Array(SCR_BYTES);
    scr.set([0x02, 0x05]);
    return scr;
  }

  #sdStatus(): Uint8Array {
    const status = new Uint8Array(STATUS_BYTES);
    status[0] = this.#wide ? 0x80 : 0;
    return status;
  }

  /** Which functions there are (the default of every group), and which would be chosen. */
  #switchFunction(argument: number): Uint8Array {
    const status = new Uint8Array(SWITCH_BYTES);
    status[1] = 100; // mA
    for (let group = 0; group < 6; group++) {
      const wanted = (argument >>> (group * 4)) & 15;
      const chosen = wanted === 0 || wanted === 15 ? 0 : 15;
      status[13 - group * 2] = 1; // bit 0: the default function; groups from 6 down
      status[16 - (group >>> 1)]! |= chosen << ((group & 1) * 4);
    }
    return status;
  }

  reset(): void {
    this.#state = 'idle';
    this.#status = 0;
    this.#application = this.#wide = this.#multiple = false;
    this.#blockLength = SD_BLOCK_BYTES;
    this.#position = this.#written = 0;
    this.#eraseFirst = this.#eraseLast = -1;
    this.#answer = new Uint8Array(0);
  }

  save(): PlainFields {
    return {
      state: this.#state,
      status: this.#status >>> 0,
      application: this.#application,
      blockLength: this.#blockLength,
      wide: this.#wide,
      position: this.#position,
      multiple: this.#multiple,
      written: this.#written,
      eraseFirst: this.#eraseFirst,
      eraseLast: this.#eraseLast,
      answer: this.#answer.slice(),
    };
  }

  restore(state: PlainFields): void {
    const saved = new SavedFields(this.#id, state);
    const blocks = this.#bytes / SD_BLOCK_BYTES;
    this.#state = saved.oneOf('state', STATES);
    this.#status = saved.u32('status') | 0;
    this.#application = saved.bool('application');
    this.#blockLength = saved.int('blockLength', 1, SD_BLOCK_BYTES);
    this.#wide = saved.bool('wide');
    this.#position = saved.int('position', 0, this.#bytes);
    this.#multiple = saved.bool('multiple');
    this.#written = saved.u32('written');
    this.#eraseFirst = saved.int('eraseFirst', -1, blocks - 1);
    this.#eraseLast = saved.int('eraseLast', -1, blocks - 1);
    this.#answer = saved.bytes('answer', undefined, STATUS_BYTES);
  }
}

function bytesOf(word: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, word);
  return bytes;
}
