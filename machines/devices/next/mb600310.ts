// SPDX-License-Identifier: MIT
//
// Fujitsu MB600310, NeXT's optical storage processor: formatter and error correction for the Canon magneto-optical drive.
//
// Sockets: span 0x17, byte registers (at 0x0201_2000); wire `irq`; wire `gpo`, a line for the board (on the 68030 machine
// it gives the SCSI DMA channel to the floppy controller); DMA channel disk (this is its DmaPeer); up to two drives, which
// tell it of their signals and of the sectors that pass.
//
//     00, 01 track   02 sector, increment   03 sector count   04 interrupt status   05 mask   06 CSR2   07 CSR1
//     08, 09 drive command and status   0a error status   0b corrected bytes   0c init   0d format   0e mark   10-16 flags
//
// The buffer and the coder work without a drive where CSR2 has 0x40: CSR1 0x40 brings a sector from memory, 0x80 takes
// one to memory; CSR2 says whether the coder is passed on the way (0x20: decoding 1296 bytes on the way in; else encoding
// on the way out). With a drive the formatter waits for the sectors whose addresses its registers have: it decodes what
// it reads, and has encoded before what it writes.
//
// Documents: none public; [Previous] mo.c, rs.c.
// Not modelled: comparing in the coder (CSR2 0x02); init's comparison with greater sectors (0x80), its starvation bits
// and the format register. A sector takes 0.4 ms to be coded. Where memory is too slow for the disk, the transfer ends
// with a data error.
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
const DRIVE_HIGH = 0x08;
const DRIVE_LOW = 0x09;
const ERROR_STATUS = 0x0a;
const ECC_COUNT = 0x0b;
const TRACK_HIGH = 0x00;
const TRACK_LOW = 0x01;
const COUNT = 0x03;
const INIT = 0x0c;
const MARK = 0x0e;
const REGISTERS = 0x17;

const INT_COMMAND_COMPLETE = 0x01;
const INT_ATTENTION = 0x02;
const INT_OPERATION_COMPLETE = 0x04;
const INT_ECC_DONE = 0x08;
const INT_TIMEOUT = 0x10;
const INT_READ_FAULT = 0x20;
const INT_DATA_ERROR = 0x80;
const INT_CLEARABLE = 0xfc;
const INT_RESET = 0x01; // written
const INT_GPO = 0x02; // written

const CSR2_DRIVE = 0x01;
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

const INIT_ADDRESS = 0x03;
const INIT_ADDRESS_ANY = 0x02;
const INIT_TRACK_ONLY = 0x20;

const SECTORS = 16;

const ERROR_ECC = 0x01;
const ERROR_STARVE = 0x08;

const CODING_NS = 400_000;
const PATIENCE_NS = 2_000_000;
/** A hundred sectors, six revolutions. */
const TIMEOUT_NS = 125_000_000;

const STATES = ['idle', 'filling', 'coding', 'ready', 'draining'] as const;
type State = (typeof STATES)[number];

/** What the formatter does with the sectors it waits for, by CSR1's bits from the highest down. */
const OPERATIONS = ['none', 'address', 'verify', 'erase', 'read', 'write'] as const;
type Operation = (typeof OPERATIONS)[number];

/** Where the buffer's bytes come from and go to. */
const PATHS = ['memory', 'verify', 'read', 'write'] as const;
type Path = (typeof PATHS)[number];

/** A drive, as the formatter sees it. Sectors are of 1296 bytes: the one whose address was read last. */
export interface OpticalDrive {
  readonly complete: boolean;
  readonly attention: boolean;
  readonly head: string;
  readonly status: number;
  onSignals: () => void;
  onSector: (track: number, sector: number) => void;
  command(word: number): void;
  resetW(): void;
  readSector(into: Uint8Array): boolean;
  writeSector(from: Uint8Array): boolean;
  eraseSector(): boolean;
}

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
  readonly #timer: Task;
  readonly #drives: (OpticalDrive | undefined)[] = [undefined, undefined];
  readonly #registers = new Uint8Array(REGISTERS);
  #interrupt = 0;
  #gpo = false;
  #state: State = 'idle';
  #operation: Operation = 'none';
  #path: Path = 'memory';
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
    this.#timer = chip.scheduler.task(`${chip.id}.timer`, () => this.#timedOut());
  }

  connect(unit: 0 | 1, drive: OpticalDrive): void {
    this.#drives[unit] = drive;
    drive.onSignals = () => this.#update();
    drive.onSector = (track, sector) => {
      if (this.#drive === drive) this.#sectorPasses(drive, track, sector);
    };
  }

  get #drive(): OpticalDrive | undefined {
    return this.#drives[this.#registers[CSR2]! & CSR2_DRIVE];
  }

  get #status(): number {
    const { complete = false, attention = false } = this.#drive ?? {};
    return this.#interrupt | (complete ? INT_COMMAND_COMPLETE : 0) | (attention ? INT_ATTENTION : 0);
  }

  read(offset: number, _width: Width): number {
    return this.peek(offset);
  }

  peek(offset: number): number {
    if (offset === INT_STATUS) return this.#status;
    if (offset === SECTOR) return this.#registers[SECTOR]! & 0x0f;
    if (offset >= INIT && offset <= MARK) return 0; // write only
    return this.#registers[offset]!;
  }

  write(offset: number, _width: Width, value: number): void {
    switch (offset) {
      case INT_STATUS:
        this.#interrupt &= ~(value & INT_CLEARABLE);
        this.#gpo = (value & INT_GPO) !== 0;
        if (value & INT_RESET) {
          this.#clear();
          for (const drive of this.#drives) drive?.resetW();
        }
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
        this.#drive?.command((this.#registers[DRIVE_HIGH]! << 8) | value);
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
    if (command & CSR1_READ_STATUS) {
      const status = this.#drive?.status ?? 0;
      this.#registers[DRIVE_HIGH] = status >>> 8;
      this.#registers[DRIVE_LOW] = status & 0xff;
    }
    const operation = command & CSR1_FORMATTER;
    if (operation !== 0) {
      const chosen = OPERATIONS[Math.clz32(operation) - 26]!;
      const brought = chosen === 'write' && this.#path === 'write' && this.#state !== 'idle';
      if (!brought) this.#stop();
      this.#operation = chosen;
      this.#startTimer();
      if (chosen === 'write' && !brought) this.#fill();
      return;
    }
    if (!(command & (CSR1_TO_MEMORY | CSR1_FROM_MEMORY)) || this.#state !== 'idle') return;
    if (!(this.#registers[CSR2]! & CSR2_NO_DISK)) {
      // What is to be written is brought in; what is to be read comes with its sector.
      if (command & CSR1_FROM_MEMORY) this.#fill();
      return;
    }
    this.#path = 'memory';
    this.#outward = (command & CSR1_TO_MEMORY) !== 0;
    this.#again = (this.#registers[CSR2]! & CSR2_BLOCKS) !== 0;
    this.#begin();
  }

  #startTimer(): void {
    if (this.#registers[CSR2]! & CSR2_TIMER) this.#timer.schedule(this.#scheduler.ns(TIMEOUT_NS));
    else this.#timer.cancel();
  }

  #timedOut(): void {
    // It counts sectors, and none pass while the head moves.
    if (this.#drive?.complete === false) {
      this.#startTimer();
      return;
    }
    this.#stop();
    this.#interrupt |= INT_TIMEOUT;
    this.#update();
  }

  #sectorPasses(drive: OpticalDrive, track: number, sector: number): void {
    if (this.#operation === 'none') return;
    if (this.#operation === 'address') {
      this.#setAddress(track, sector);
      this.#operationComplete();
    } else if (this.#wants(track, sector)) {
      this.#startTimer();
      if (drive.head === this.#operation) this.#transfer(drive);
      else this.#fault();
    }
    this.#update();
  }

  #wants(track: number, sector: number): boolean {
    const init = this.#registers[INIT]!;
    if ((init & INIT_ADDRESS) === INIT_ADDRESS_ANY) return true;
    const wanted = (this.#registers[TRACK_HIGH]! << 8) | this.#registers[TRACK_LOW]!;
    return track === wanted && ((init & INIT_TRACK_ONLY) !== 0 || sector === (this.#registers[SECTOR]! & 0x0f));
  }

  #transfer(drive: OpticalDrive): void {
    const buffer = this.#buffers[this.#bank];
    switch (this.#operation) {
      case 'erase':
        if (drive.eraseSector()) this.#nextSector();
        else this.#fault();
        return;
      case 'write':
        // A sector that comes before its data is left for the next time, if there is one.
        if (this.#state !== 'ready') return;
        if (!drive.writeSector(buffer)) {
          this.#fault();
          return;
        }
        this.#state = 'idle';
        this.#nextSector();
        if (this.#operation === 'write') this.#fill();
        else this.#interrupt |= INT_ECC_DONE;
        return;
      default:
    }
    if (this.#state !== 'idle') {
      this.#starved();
    } else if (drive.readSector(buffer)) {
      this.#path = this.#operation === 'read' ? 'read' : 'verify';
      this.#state = 'coding';
      this.#task.schedule(this.#scheduler.ns(CODING_NS));
      this.#nextSector();
    } else {
      this.#fault();
    }
  }

  /** Counts a sector. */
  #nextSector(): void {
    const at = this.#registers[SECTOR]!;
    const track = (this.#registers[TRACK_HIGH]! << 8) | this.#registers[TRACK_LOW]!;
    const sector = (at & 0x0f) + (at >> 4);
    this.#setAddress(track + Math.floor(sector / SECTORS), sector % SECTORS);
    this.#registers[COUNT]!--;
    if (this.#registers[COUNT] === 0) this.#operationComplete();
  }

  #setAddress(track: number, sector: number): void {
    this.#registers[TRACK_HIGH] = track >>> 8;
    this.#registers[TRACK_LOW] = track & 0xff;
    this.#registers[SECTOR] = (this.#registers[SECTOR]! & 0xf0) | sector;
  }

  #operationComplete(): void {
    this.#operation = 'none';
    this.#timer.cancel();
    this.#interrupt |= INT_OPERATION_COMPLETE;
  }

  #fault(): void {
    this.#stop();
    this.#interrupt |= INT_READ_FAULT;
  }

  // ---- buffer and coder -------------------------------------------------------------------------------------------

  /** Brings the sector that is to be written. */
  #fill(): void {
    this.#at = this.#seen = 0;
    this.#length = SECTOR_BYTES;
    this.#path = 'write';
    this.#again = false;
    this.#state = 'filling';
    this.#exchange();
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
        if (this.#at !== this.#seen) this.#exchange();
        else if (this.#path === 'memory') this.#finished();
        else this.#starved();
        break;
      default:
    }
    this.#update();
  }

  #code(): void {
    const decoding = (this.#registers[CSR2]! & CSR2_DECODE) !== 0;
    const buffer = this.#buffers[this.#bank];
    if (this.#path === 'write') {
      encodeSector(buffer);
      this.#state = 'ready';
      return;
    }
    if (this.#path !== 'memory') {
      this.#decode(buffer);
      this.#at = this.#seen = 0;
      this.#length = this.#path === 'read' ? SECTOR_BYTES : 0;
      this.#state = 'draining';
      this.#exchange();
      return;
    }
    if (this.#outward) {
      if (!decoding) encodeSector(buffer);
      this.#state = 'draining';
      this.#exchange();
      return;
    }
    if (decoding) this.#decode(buffer);
    this.#finished();
  }

  #decode(buffer: Uint8Array): void {
    const errors = decodeSector(buffer);
    if (errors < 0) {
      this.#registers[ERROR_STATUS]! |= ERROR_ECC;
      this.#interrupt |= INT_DATA_ERROR;
    } else if (this.#registers[ECC_COUNT] === 0) {
      this.#registers[ECC_COUNT] = Math.min(errors, 0xff);
    }
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
    this.#state = 'idle';
    this.#task.cancel();
    // Of a transfer the last sector is told of.
    if (this.#operation === 'none') this.#interrupt |= INT_ECC_DONE;
    this.#update();
  }

  #stop(): void {
    this.#state = 'idle';
    this.#operation = 'none';
    this.#task.cancel();
    this.#timer.cancel();
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
    this.irq.set((this.#status & this.#registers[INT_MASK]!) !== 0);
    this.gpo.set(this.#gpo);
  }

  // ---- device -----------------------------------------------------------------------------------------------------

  #clear(): void {
    this.#stop();
    this.#registers.fill(0);
    this.#interrupt = this.#at = this.#length = this.#seen = 0;
    this.#bank = 0;
    this.#path = 'memory';
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
      operation: this.#operation,
      path: this.#path,
      buffer0: this.#buffers[0].slice(),
      buffer1: this.#buffers[1].slice(),
      bank: this.#bank,
      at: this.#at,
      length: this.#length,
      seen: this.#seen,
      outward: this.#outward,
      again: this.#again,
      in: this.#task.remaining,
      timeoutIn: this.#timer.remaining,
    };
  }

  restore(state: PlainFields): void {
    const saved = new SavedFields(this.id, state);
    this.#registers.set(saved.bytes('registers', REGISTERS));
    this.#interrupt = saved.u8('interrupt');
    this.#gpo = saved.bool('gpo');
    this.#state = saved.oneOf('state', STATES);
    this.#operation = saved.oneOf('operation', OPERATIONS);
    this.#path = saved.oneOf('path', PATHS);
    this.#buffers[0].set(saved.bytes('buffer0', ENCODED_BYTES));
    this.#buffers[1].set(saved.bytes('buffer1', ENCODED_BYTES));
    this.#bank = saved.int('bank', 0, 1) as 0 | 1;
    this.#length = saved.int('length', 0, ENCODED_BYTES);
    this.#at = saved.int('at', 0, this.#length);
    this.#seen = saved.int('seen', 0, ENCODED_BYTES);
    this.#outward = saved.bool('outward');
    this.#again = saved.bool('again');
    this.#task.restore(saved.int('in', -1, Number.MAX_SAFE_INTEGER));
    this.#timer.restore(saved.int('timeoutIn', -1, Number.MAX_SAFE_INTEGER));
  }
}
