// SPDX-License-Identifier: MIT
//
// SD card reader of the goldfish virtual board: one register starts a command, its data goes through one buffer.
//
// Sockets: span 0x1000, wire `irq`, `memory` (bus master, physical addresses), an SD card, which is always in.
//
//     00 INT_STATUS (ones clear)  04 INT_ENABLE  08 SET_BUFFER (w)  0c CMD (w): 9-8 kind of answer, 5-0 command
//     10 ARG (w)  14-20 RESP_0 to RESP_3 (lowest bits first)  24 BLOCK_LENGTH (w), less one  28 BLOCK_COUNT (w), less one
//     2c STATE 1 read-only  0 inserted  30 SET_BUFFER_HIGH (w)
//
// INT_STATUS: 0 end of command  1 end of data  2 STATE changed  3 no answer to a command that wants one. A driver that
// does not enable bit 3 is told of the end of such a command, with zeros.
//
// Documents: [GOLDFISH] §X; [AOSP qemu] mmc.c; [AOSP kernel] mmc/host/goldfish.c.
// Not modelled: the other bits of CMD, which say what the driver expects; changing cards. At most 1 MiB a command.
import type { ChipContext } from '../../backplane/board.ts';
import type { AccessRules, BusTarget, Width } from '../../backplane/bus.ts';
import { type Device, type PlainFields, type ResetKind, SavedFields } from '../../backplane/device.ts';
import type { DmaAccess } from '../../backplane/dma.ts';
import type { DeviceLog } from '../../backplane/log.ts';
import type { Scheduler, Task } from '../../backplane/scheduler.ts';
import { Wire } from '../../backplane/wire.ts';
import { goldfishAccess } from './goldfish.ts';

const INT_STATUS = 0x00;
const INT_ENABLE = 0x04;
const SET_BUFFER = 0x08;
const CMD = 0x0c;
const ARG = 0x10;
const RESP_0 = 0x14;
const RESP_3 = 0x20;
const BLOCK_LENGTH = 0x24;
const BLOCK_COUNT = 0x28;
const STATE = 0x2c;
const SET_BUFFER_HIGH = 0x30;

const CMD_ANSWER = 0x300;
const STAT_END_OF_CMD = 1;
const STAT_END_OF_DATA = 2;
const STAT_CMD_TIMEOUT = 8;
const STAT_ALL = 0xf;
const STATE_INSERTED = 1;
const STATE_READ_ONLY = 2;

const MOST_BYTES = 1 << 20;
const PIECE_BYTES = 1 << 14;
/** 48 bits and their answer, and a byte on four lines, at 24 MHz. */
const COMMAND_NS = 5_000;
const BYTE_NS = 84;

/** The card as its reader sees it. */
export interface MmcCard {
  readonly readonly: boolean;
  readonly transfer: 'read' | 'write' | undefined;
  command(index: number, argument: number): readonly number[] | undefined;
  readData(into: Uint8Array): number;
  writeData(bytes: Uint8Array): number;
  reset(): void;
  save(): PlainFields;
  restore(state: PlainFields): void;
}

export class GoldfishMmc implements Device, BusTarget {
  readonly id: string;
  readonly span = 0x1000;
  readonly access: AccessRules = goldfishAccess('little');
  readonly irq: Wire;
  readonly #log: DeviceLog;
  readonly #scheduler: Scheduler;
  readonly #memory: DmaAccess;
  readonly #card: MmcCard;
  readonly #task: Task;
  readonly #response = new Uint32Array(4);
  #status = 0;
  #enabled = 0;
  /** Status bits at the end of the command that is under way. */
  #coming = 0;
  #buffer = 0;
  #bufferHigh = 0;
  #argument = 0;
  #blockLength = 1;
  #blockCount = 1;

  constructor(chip: ChipContext, options: { readonly memory: DmaAccess; readonly card: MmcCard }) {
    this.id = chip.id;
    this.#log = chip.log;
    this.#scheduler = chip.scheduler;
    this.#memory = options.memory;
    this.#card = options.card;
    this.irq = new Wire(`${chip.id}.irq`);
    this.#task = chip.scheduler.task(`${chip.id}.command`, () => this.#done());
  }

  read(offset: number, _width: Width): number {
    const value = this.peek(offset);
    if (value === undefined) this.#log.guest('read of no register, %x', offset);
    return value ?? 0;
  }

  peek(offset: number): number | undefined {
    if (offset >= RESP_0 && offset <= RESP_3) return this.#response[(offset - RESP_0) >>> 2];
    if (offset === INT_STATUS) return this.#status & this.#enabled;
    if (offset === STATE) return STATE_INSERTED | (this.#card.readonly ? STATE_READ_ONLY : 0);
    return undefined;
  }

  write(offset: number, _width: Width, value: number): void {
    switch (offset) {
      case INT_STATUS:
        this.#status &= ~value;
        break;
      case INT_ENABLE:
        this.#enabled = value & STAT_ALL;
        this.#status = 0;
        break;
      case SET_BUFFER:
        this.#buffer = value >>> 0;
        break;
      case SET_BUFFER_HIGH:
        this.#bufferHigh = value >>> 0;
        break;
      case CMD:
        this.#command(value & 0x3f, (value & CMD_ANSWER) !== 0);
        break;
      case ARG:
        this.#argument = value >>> 0;
        break;
      case BLOCK_LENGTH:
        this.#blockLength = (value & 0x7ff) + 1;
        break;
      case BLOCK_COUNT:
        this.#blockCount = (value & 0x7ff) + 1;
        break;
      default:
        this.#log.guest('write of %x to register %x', value, offset);
    }
    this.#update();
  }

  #command(index: number, wantsAnswer: boolean): void {
    if (this.#task.scheduled) {
      this.#log.guest('command %d while another is under way', index);
      this.#done();
    }
    const before = this.#card.transfer;
    const answer = this.#card.command(index, this.#argument);
    this.#response.fill(0);
    [...(answer ?? [])].reverse().forEach((word, i) => (this.#response[i] = word));
    const ends = answer !== undefined || !wantsAnswer || !(this.#enabled & STAT_CMD_TIMEOUT);
    this.#coming = ends ? STAT_END_OF_CMD : STAT_CMD_TIMEOUT;
    const moved = before === undefined ? this.#transfer() : undefined;
    if (moved !== undefined) this.#coming |= STAT_END_OF_DATA;
    this.#task.schedule(this.#scheduler.ns(COMMAND_NS + (moved ?? 0) * BYTE_NS));
  }

  /** Bytes moved; `undefined` when the command has no data. */
  #transfer(): number | undefined {
    const way = this.#card.transfer;
    if (way === undefined) return undefined;
    const wanted = this.#blockLength * this.#blockCount;
    if (this.#bufferHigh !== 0) this.#log.guest('buffer beyond memory, upper word %x', this.#bufferHigh);
    if (wanted > MOST_BYTES) this.#log.guest('%d bytes at once are cut', wanted);
    const length = this.#bufferHigh === 0 ? Math.min(wanted, MOST_BYTES) : 0;
    const piece = new Uint8Array(Math.min(length, PIECE_BYTES));
    let done = 0;
    while (done < length && this.#card.transfer === way) {
      const part = piece.subarray(0, length - done);
      const at = (this.#buffer + done) >>> 0;
      if (way === 'write') this.#memory.dmaRead(at, part);
      const moved = way === 'write' ? this.#card.writeData(part) : this.#card.readData(part);
      if (way === 'read') this.#memory.dmaWrite(at, part.subarray(0, moved));
      if (moved === 0) break;
      done += moved;
    }
    return done;
  }

  #done(): void {
    this.#task.cancel();
    this.#status |= this.#coming;
    this.#coming = 0;
    this.#update();
  }

  #update(): void {
    this.irq.set((this.#status & this.#enabled) !== 0);
  }

  reset(_kind: ResetKind): void {
    this.#task.cancel();
    this.#card.reset();
    this.#response.fill(0);
    this.#status = this.#enabled = this.#coming = 0;
    this.#buffer = this.#bufferHigh = this.#argument = 0;
    this.#blockLength = this.#blockCount = 1;
  }

  settle(): void {
    this.#update();
  }

  save(): PlainFields {
    return {
      response: this.#response.slice(),
      status: this.#status,
      enabled: this.#enabled,
      coming: this.#coming,
      due: this.#task.remaining,
      buffer: this.#buffer,
      bufferHigh: this.#bufferHigh,
      argument: this.#argument,
      blockLength: this.#blockLength,
      blockCount: this.#blockCount,
      card: this.#card.save(),
    };
  }

  restore(state: PlainFields): void {
    const saved = new SavedFields(this.id, state);
    this.#card.restore(saved.fields('card'));
    this.#response.set(saved.words('response', 4));
    this.#status = saved.int('status', 0, STAT_ALL);
    this.#enabled = saved.int('enabled', 0, STAT_ALL);
    this.#coming = saved.int('coming', 0, STAT_ALL);
    this.#buffer = saved.u32('buffer');
    this.#bufferHigh = saved.u32('bufferHigh');
    this.#argument = saved.u32('argument');
    this.#blockLength = saved.int('blockLength', 1, 0x800);
    this.#blockCount = saved.int('blockCount', 1, 0x800);
    this.#task.restore(saved.int('due', -1, Number.MAX_SAFE_INTEGER));
  }
}
