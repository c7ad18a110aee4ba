// SPDX-License-Identifier: MIT
//
// Fujitsu MB600310, NeXT's optical storage processor: formatter and error correction for the Canon magneto-optical drive.
//
// Sockets: span 0x17, byte registers (at 0x0201_2000); wire `irq`; wire `gpo`, a line for the board (on the 68030 machine
// it gives the SCSI DMA channel to the floppy controller); DMA channel disk (this is its DmaPeer).
//
//     00, 01 track   02 sector, increment   03 sector count   04 interrupt status   05 mask   06 CSR2   07 CSR1
//     08, 09 drive command and status   0a error status   0b corrected bytes   0c init   0d format   0e mark   10-16 flags
//
// The buffer and the coder work without a drive: CSR1 0x40 brings a sector from memory, 0x80 takes one to memory; CSR2
// says whether the coder is passed on the way (0x20: decoding 1296 bytes on the way in; else encoding on the way out).
//
// Documents: none public; [Previous] mo.c, rs.c.
// Not modelled: a drive: its commands are not answered, reading and writing sectors only ever time out. Comparing in the
// coder (CSR2 0x02). A sector takes 0.4 ms to be coded.
import type { ChipContext } from '../../backplane/board.ts';
import { BYTE_REGISTERS, type BusTarget, type Width } from '../../backplane/bus.ts';
import { type Device, type PlainFields, type ResetKind, SavedFields } from '../../backplane/device.ts';
import type { DmaChannel, DmaPeer } from '../../backplane/dma.ts';
import type { DeviceLog } from '../../backplane/log.ts';
import type { Scheduler, Task } from '../../backplane/scheduler.ts';
import { Wire } from '../../backplane/wire.ts';
import { decodeSector, encodeSector, ENCODED_BYTES, SECTOR_BYTES } from './reed-solomon.ts';

const SECTOR = 0x02;
const INT_STATUS = 0x04;
const INT_MASK = 0x05;
const CSR2 = 0x06;
const CSR1 = 0x07;
const DRIVE_LOW = 0x09;
const ERROR_STATUS = 0x0a;
const ECC_COUNT = 0x0b;
const INIT = 0x0c;
const MARK = 0x0e;
const REGISTERS = 0x17;

const INT_ECC_DONE = 0x08;
const INT_TIMEOUT = 0x10;
const INT_DATA_ERROR = 0x80;
const INT_CLEARABLE = 0xfc;
const INT_RESET = 0x01; // written
const INT_GPO = 0x02; // written

const CSR2_COMPARE = 0x02;
const CSR2_TOGGLE = 0x04;
const CSR2_CLEAR = 0x08;
const CSR2_BLOCKS = 0x10; // both buffers, one after the other
const CSR2_DECODE = 0x20;
const CSR2_NO_DISK = 0x40;
const CSR2_TIMER = 0x80;

const CSR1_TO_MEMORY = 0x80;
const CSR1_FROM_MEMORY = 0x40;
const CSR1_READ_STATUS = 0x20;
const CSR1_FORMATTER = 0x1f;

const ERROR_ECC = 0x01;
const ERROR_STARVE = 0x08;

const CODING_NS = 400_000;
const PATIENCE_NS = 2_000_000;
/** A hundred sectors, six revolutions. */
const TIMEOUT_NS = 125_000_000;

const STATES = ['idle', 'filling', 'coding', 'draining', 'searching'] as const;
type State = (typeof STATES)[number];

export class Mb600310 implements Device, BusTarget, DmaPeer {
  readonly id: string;
  readonly span = REGISTERS;
  readonly access = BYTE_REGISTERS;
  readonly irq: Wire;
  readonly gpo: Wire;
  dma: DmaChannel | undefined;
  readonly #log: DeviceLog;
  readonly #scheduler: Scheduler;
  readonly #task: Task;
  readonly #registers = new Uint8Array(REGISTERS);
  #interrupt = 0;
  #gpo = false;
  #state: State = 'idle';
  readonly #buffers = [new Uint8Array(ENCODED_BYTES), new Uint8Array(ENCODED_BYTES)] as const;
  #bank: 0 | 1 = 0;
  /** Bytes [0, #at) of #length have been exchanged with memory. */
  #at = 0;
  #length = 0;
  #seen = 0;
  #outward = false;
  /** Another buffer follows (CSR2_BLOCKS). */
  #again = false;

  constructor(chip: ChipContext) {
    this.id = chip.id;
    this.#log = chip.log;
    this.#scheduler = chip.scheduler;
    this.irq = new Wire(`${chip.id}.irq`);
    this.gpo = new Wire(`${chip.id}.gpo`);
    this.#task = chip.scheduler.task(`${chip.id}.sector`, () => this.#due());
  }

  read(offset: number, _width: Width): number {
    return this.peek(offset);
  }

  peek(offset: number): number {
    if (offset === INT_STATUS) return this.#interrupt;
    if (offset === SECTOR) return this.#registers[SECTOR]! & 0x0f;
    if (offset >= INIT && offset <= MARK) return 0; // write only
    return this.#registers[offset]!;
  }

  write(offset: number, _width: Width, value: number): void {
    switch (offset) {
      case INT_STATUS:
        this.#interrupt &= ~(value & INT_CLEARABLE);
        this.#gpo = (value & INT_GPO) !== 0;
        if (value & INT_RESET) this.#clear();
        break;
      case ERROR_STATUS:
      case ECC_COUNT:
        this.#log.guest('write of %x to read-only register %x', value, offset);
        return;
      case CSR2:
        this.#registers[CSR2] = value;
        if (value & CSR2_TOGGLE) this.#bank = this.#bank === 0 ? 1 : 0;
        if (value & CSR2_CLEAR) this.#at = this.#length = 0;
        if (value & CSR2_COMPARE) this.#log.unimp('comparing in the coder');
        break;
      case CSR1:
        this.#registers[CSR1] = value;
        this.#formatter(value);
        break;
      case DRIVE_LOW:
        this.#registers[DRIVE_LOW] = value;
        this.#log.unimp('drive command %x: there is no drive', (this.#registers[DRIVE_LOW - 1]! << 8) | value);
        break;
      default:
        this.#registers[offset] = value;
    }
    this.#update();
  }

  // ---- formatter --------------------------------------------------------------------------------------------------

  #formatter(command: number): void {
    if (command === 0) {
      this.#stop();
      this.#registers[ERROR_STATUS] = this.#registers[ECC_COUNT] = 0;
      return;
    }
    if (command & CSR1_READ_STATUS) this.#registers[DRIVE_LOW] = this.#registers[DRIVE_LOW - 1] = 0;
    if (command & CSR1_FORMATTER) {
      // No sector will ever pass under a head.
      this.#state = 'searching';
      if (this.#registers[CSR2]! & CSR2_TIMER) this.#task.schedule(this.#scheduler.ns(TIMEOUT_NS));
      return;
    }
    if (!(command & (CSR1_TO_MEMORY | CSR1_FROM_MEMORY)) || this.#state !== 'idle') return;
    if (!(this.#registers[CSR2]! & CSR2_NO_DISK)) {
      this.#log.unimp('coding for a disk: there is no drive');
      return;
    }
    this.#outward = (command & CSR1_TO_MEMORY) !== 0;
    this.#again = (this.#registers[CSR2]! & CSR2_BLOCKS) !== 0;
    this.#begin();
  }

  #begin(): void {
    const decoding = (this.#registers[CSR2]! & CSR2_DECODE) !== 0;
    this.#at = 0;
    this.#seen = 0;
    if (this.#outward) {
      this.#length = decoding ? SECTOR_BYTES : ENCODED_BYTES;
      this.#state = 'coding';
      this.#task.schedule(this.#scheduler.ns(CODING_NS));
    } else {
      this.#length = decoding ? ENCODED_BYTES : SECTOR_BYTES;
      this.#state = 'filling';
      this.#exchange();
    }
  }

  /** Lets DMA move the buffer, as far as it goes. */
  #exchange(): void {
    this.dma?.request();
    if (this.#at < this.#length) {
      this.#seen = this.#at;
      this.#task.schedule(this.#scheduler.ns(PATIENCE_NS));
    } else if (this.#state === 'filling') {
      this.#state = 'coding';
      this.#task.schedule(this.#scheduler.ns(CODING_NS));
    } else {
      this.#finished();
    }
  }

  #due(): void {
    switch (this.#state) {
      case 'coding':
        this.#code();
        break;
      case 'filling':
        if (this.#at === this.#seen) this.#starved();
        else this.#exchange();
        break;
      case 'draining':
        if (this.#at === this.#seen) this.#finished();
        else this.#exchange();
        break;
      case 'searching':
        this.#stop();
        this.#interrupt |= INT_TIMEOUT;
        break;
      default:
    }
    this.#update();
  }

  #code(): void {
    const decoding = (this.#registers[CSR2]! & CSR2_DECODE) !== 0;
    const buffer = this.#buffers[this.#bank];
    if (this.#outward) {
      if (!decoding) encodeSector(buffer);
      this.#state = 'draining';
      this.#exchange();
      return;
    }
    if (decoding) {
      const errors = decodeSector(buffer);
      if (errors < 0) {
        this.#registers[ERROR_STATUS]! |= ERROR_ECC;
        this.#interrupt |= INT_DATA_ERROR;
      } else if (this.#registers[ECC_COUNT] === 0) {
        this.#registers[ECC_COUNT] = Math.min(errors, 0xff);
      }
    }
    this.#finished();
  }

  #starved(): void {
    this.#registers[ERROR_STATUS]! |= ERROR_STARVE;
    this.#interrupt |= INT_DATA_ERROR;
    this.#stop();
  }

  #finished(): void {
    if (this.#again) {
      this.#again = false;
      this.#bank = this.#bank === 0 ? 1 : 0;
      this.#begin();
      return;
    }
    this.#stop();
    this.#interrupt |= INT_ECC_DONE;
    this.#update();
  }

  #stop(): void {
    this.#state = 'idle';
    this.#task.cancel();
  }

  dmaOut(bytes: Uint8Array): number {
    if (this.#state !== 'filling') return 0;
    const part = bytes.subarray(0, this.#length - this.#at);
    this.#buffers[this.#bank].set(part, this.#at);
    this.#at += part.length;
    return part.length;
  }

  dmaIn(into: Uint8Array): number {
    if (this.#state !== 'draining') return 0;
    const part = this.#buffers[this.#bank].subarray(this.#at, Math.min(this.#length, this.#at + into.length));
    into.set(part);
    this.#at += part.length;
    return part.length;
  }

  #update(): void {
    this.irq.set((this.#interrupt & this.#registers[INT_MASK]!) !== 0);
    this.gpo.set(this.#gpo);
  }

  // ---- device -----------------------------------------------------------------------------------------------------

  #clear(): void {
    this.#stop();
    this.#registers.fill(0);
    this.#interrupt = this.#at = this.#length = this.#seen = 0;
    this.#bank = 0;
    this.#outward = this.#again = false;
  }

  reset(_kind: ResetKind): void {
    this.#clear();
    this.#gpo = false;
    for (const buffer of this.#buffers) buffer.fill(0);
  }

  settle(): void {
    this.#update();
  }

  save(): PlainFields {
    return {
      registers: this.#registers.slice(),
      interrupt: this.#interrupt,
      gpo: this.#gpo,
      state: this.#state,
      buffer0: this.#buffers[0].slice(),
      buffer1: this.#buffers[1].slice(),
      bank: this.#bank,
      at: this.#at,
      length: this.#length,
      seen: this.#seen,
      outward: this.#outward,
      again: this.#again,
      in: this.#task.remaining,
    };
  }

  restore(state: PlainFields): void {
    const saved = new SavedFields(this.id, state);
    this.#registers.set(saved.bytes('registers', REGISTERS));
    this.#interrupt = saved.u8('interrupt');
    this.#gpo = saved.bool('gpo');
    this.#state = saved.oneOf('state', STATES);
    this.#buffers[0].set(saved.bytes('buffer0', ENCODED_BYTES));
    this.#buffers[1].set(saved.bytes('buffer1', ENCODED_BYTES));
    this.#bank = saved.int('bank', 0, 1) as 0 | 1;
    this.#length = saved.int('length', 0, ENCODED_BYTES);
    this.#at = saved.int('at', 0, this.#length);
    this.#seen = saved.int('seen', 0, ENCODED_BYTES);
    this.#outward = saved.bool('outward');
    this.#again = saved.bool('again');
    this.#task.restore(saved.int('in', -1, Number.MAX_SAFE_INTEGER));
  }
}
