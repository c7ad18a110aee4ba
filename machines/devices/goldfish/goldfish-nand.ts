// SPDX-License-Identifier: MIT
//
// NAND flash memory of the goldfish virtual board: any number of banks of pages with spare bytes after each.
//
// Sockets: span 0x1000; `memory` (the kernel's own addresses) for data, `physical` for blocks of parameters; no
// interrupt, a command is done when its write is.
//
//     000 VERSION  004 NUM_DEV  008 DEV (w) selects a bank, of which 010 FLAGS 0 read-only  014 NAME_LEN
//     018 PAGE_SIZE  01c EXTRA_SIZE  020 ERASE_SIZE  028 SIZE_LOW  02c SIZE_HIGH
//     040 RESULT  044 COMMAND  048 DATA  04c TRANSFER_SIZE  050 ADDR_LOW  054 ADDR_HIGH  058 BATCH_ADDR_LOW  05c _HIGH
//
// Sizes and addresses count spare bytes. Commands: 0 GET_DEV_NAME, 1 READ, 2 WRITE, 3 ERASE, 4 BLOCK_BAD_GET,
// 5 BLOCK_BAD_SET, and 6 READ, 7 WRITE, 8 ERASE with DEV, ADDR_LOW, ADDR_HIGH, TRANSFER_SIZE, DATA in a block of six
// words at BATCH_ADDR, the last of which takes the result: the bytes moved. The board does not tell of the latter in
// FLAGS. A bank without spare bytes says 0 for its erase size: no driver then gathers whole blocks.
//
// Documents: [GOLDFISH] §IX; [AOSP qemu] nand.c, nand_reg.h; [AOSP kernel] mtd/devices/goldfish_nand.c.
// Not modelled: wear. No block is ever bad, and none can be marked so (the result is 0, as on the original board).
// A command moves at most 4 MiB.
import type { ChipContext } from '../../backplane/board.ts';
import type { AccessRules, BusTarget, Width } from '../../backplane/bus.ts';
import { type Device, type PlainFields, type ResetKind, SavedFields } from '../../backplane/device.ts';
import type { DmaAccess } from '../../backplane/dma.ts';
import type { DeviceLog } from '../../backplane/log.ts';
import { goldfishAccess } from './goldfish.ts';
import type { NandBank } from './nand-bank.ts';

const VERSION = 0x000;
const NUM_DEV = 0x004;
const DEV = 0x008;
const DEV_FLAGS = 0x010;
const DEV_NAME_LEN = 0x014;
const DEV_PAGE_SIZE = 0x018;
const DEV_EXTRA_SIZE = 0x01c;
const DEV_ERASE_SIZE = 0x020;
const DEV_SIZE_LOW = 0x028;
const DEV_SIZE_HIGH = 0x02c;
const RESULT = 0x040;
const COMMAND = 0x044;
const DATA = 0x048;
const TRANSFER_SIZE = 0x04c;
const ADDR_LOW = 0x050;
const ADDR_HIGH = 0x054;
const BATCH_ADDR_LOW = 0x058;
const BATCH_ADDR_HIGH = 0x05c;

const VERSION_CURRENT = 1;
const FLAG_READ_ONLY = 1;

const CMD_GET_DEV_NAME = 0;
const CMD_READ = 1;
const CMD_WRITE = 2;
const CMD_ERASE = 3;
const CMD_BLOCK_BAD_GET = 4;
const CMD_BLOCK_BAD_SET = 5;
const CMD_READ_BATCH = 6;
const CMD_ERASE_BATCH = 8;

const BATCH_WORDS = 5;
const MOST_BYTES = 1 << 22;
const PIECE_BYTES = 1 << 14;

export interface GoldfishNandOptions {
  readonly memory: DmaAccess;
  readonly physical: DmaAccess;
  readonly banks: readonly NandBank[];
}

/** The registers of a command, in the order of a block of parameters. */
const PARAMETERS = [DEV, ADDR_LOW, ADDR_HIGH, TRANSFER_SIZE, DATA] as const;

export class GoldfishNand implements Device, BusTarget {
  readonly id: string;
  readonly span = 0x1000;
  readonly access: AccessRules = goldfishAccess('little');
  readonly #log: DeviceLog;
  readonly #options: GoldfishNandOptions;
  readonly #parameters = new Uint32Array(PARAMETERS.length);
  #batchLow = 0;
  #batchHigh = 0;
  #result = 0;

  constructor(chip: ChipContext, options: GoldfishNandOptions) {
    this.id = chip.id;
    this.#log = chip.log;
    this.#options = options;
  }

  get #bank(): NandBank | undefined {
    return this.#options.banks[this.#parameters[0]!];
  }

  read(offset: number, _width: Width): number {
    const value = this.peek(offset);
    if (value === undefined) this.#log.guest('read of no register, %x', offset);
    return value ?? 0;
  }

  peek(offset: number): number | undefined {
    const bank = this.#bank;
    switch (offset) {
      case VERSION:
        return VERSION_CURRENT;
      case NUM_DEV:
        return this.#options.banks.length;
      case RESULT:
        return this.#result;
      case DEV_FLAGS:
        return bank?.readonly ? FLAG_READ_ONLY : 0;
      case DEV_NAME_LEN:
        return bank?.name.length ?? 0;
      case DEV_PAGE_SIZE:
        return bank?.pageBytes ?? 0;
      case DEV_EXTRA_SIZE:
        return bank?.extraBytes ?? 0;
      case DEV_ERASE_SIZE:
        return bank === undefined || bank.extraBytes === 0 ? 0 : bank.eraseBytes;
      case DEV_SIZE_LOW:
        return (bank?.size ?? 0) % 0x1_0000_0000;
      case DEV_SIZE_HIGH:
        return Math.floor((bank?.size ?? 0) / 0x1_0000_0000);
      default:
        return undefined;
    }
  }

  write(offset: number, _width: Width, value: number): void {
    const parameter = (PARAMETERS as readonly number[]).indexOf(offset);
    if (parameter >= 0) this.#parameters[parameter] = value;
    else if (offset === BATCH_ADDR_LOW) this.#batchLow = value >>> 0;
    else if (offset === BATCH_ADDR_HIGH) this.#batchHigh = value >>> 0;
    else if (offset === COMMAND) this.#command(value >>> 0);
    else this.#log.guest('write of %x to register %x', value, offset);
  }

  #command(command: number): void {
    if (command < CMD_READ_BATCH || command > CMD_ERASE_BATCH) {
      this.#result = this.#do(command);
      return;
    }
    if (this.#batchHigh !== 0) this.#log.guest('parameters beyond memory, upper word %x', this.#batchHigh);
    else this.#batch(command - CMD_READ_BATCH + CMD_READ);
  }

  #batch(command: number): void {
    const words = new Uint8Array(BATCH_WORDS * 4);
    const view = new DataView(words.buffer);
    this.#options.physical.dmaRead(this.#batchLow, words);
    for (let i = 0; i < BATCH_WORDS; i++) this.#parameters[i] = view.getUint32(i * 4, true);
    this.#result = this.#do(command);
    view.setUint32(0, this.#result, true);
    this.#options.physical.dmaWrite((this.#batchLow + words.length) >>> 0, words.subarray(0, 4));
  }

  #do(command: number): number {
    const bank = this.#bank;
    const data = this.#parameters[4]!;
    if (bank === undefined) {
      this.#log.guest('command %d for bank %d, which is not there', command, this.#parameters[0]!);
      return 0;
    }
    switch (command) {
      case CMD_GET_DEV_NAME: {
        const name = new TextEncoder().encode(bank.name).subarray(0, this.#parameters[3]);
        this.#options.memory.dmaWrite(data, name);
        return name.length;
      }
      case CMD_READ:
        return this.#each(bank, (at, piece, done) => {
          bank.read(at, piece);
          this.#options.memory.dmaWrite((data + done) >>> 0, piece);
          return true;
        });
      case CMD_WRITE:
        return this.#each(bank, (at, piece, done) => {
          this.#options.memory.dmaRead((data + done) >>> 0, piece);
          return bank.write(at, piece);
        });
      case CMD_ERASE:
        return this.#each(bank, (at, piece) => bank.write(at, piece.fill(0xff)));
      case CMD_BLOCK_BAD_GET:
      case CMD_BLOCK_BAD_SET:
        return 0;
      default:
        this.#log.guest('no command %d', command);
        return 0;
    }
  }

  /** Lets `move` do its part piece by piece, until it returns false; gives the bytes moved. */
  #each(bank: NandBank, move: (at: number, piece: Uint8Array, done: number) => boolean): number {
    const at = this.#parameters[2]! * 0x1_0000_0000 + this.#parameters[1]!;
    const wanted = Math.min(this.#parameters[3]!, Math.max(0, bank.size - at));
    if (wanted > MOST_BYTES) this.#log.guest('%x bytes at once are cut', wanted);
    const length = Math.min(wanted, MOST_BYTES);
    const piece = new Uint8Array(Math.min(length, PIECE_BYTES));
    for (let done = 0; done < length; done += piece.length) {
      if (!move(at + done, piece.subarray(0, length - done), done)) return done;
    }
    return length;
  }

  reset(_kind: ResetKind): void {
    this.#parameters.fill(0);
    this.#batchLow = this.#batchHigh = this.#result = 0;
  }

  settle(): void {}

  save(): PlainFields {
    return {
      parameters: this.#parameters.slice(),
      batchLow: this.#batchLow,
      batchHigh: this.#batchHigh,
      result: this.#result,
    };
  }

  restore(state: PlainFields): void {
    const saved = new SavedFields(this.id, state);
    const parameters = saved.words('parameters', PARAMETERS.length);
    const [batchLow, batchHigh, result] = [saved.u32('batchLow'), saved.u32('batchHigh'), saved.u32('result')];
    this.#parameters.set(parameters);
    this.#batchLow = batchLow;
    this.#batchHigh = batchHigh;
    this.#result = result;
  }
}
