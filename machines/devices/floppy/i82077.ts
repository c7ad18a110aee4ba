// SPDX-License-Identifier: MIT
//
// Intel 82077AA floppy disk controller, and the same cell in peripheral controllers such as the 82C711.
//
// Sockets: span 8, byte registers: 0 SRA, 1 SRB, 2 DOR, 3 TDR, 4 MSR (read) and DSR (write), 5 FIFO, 7 DIR (read) and
// CCR (write); four drives; the mode its IDENT and MFM pins choose; wires `irq` and `drq`. A DMA channel is `dma` and has
// the chip as its peer; where there is none, `readDack` and `writeDack` are the bus cycles with DACK that DRQ asks for.
// `terminalCount` is the TC pin.
//
// Parts: commands and registers here; the FIFO in i82077-fifo.ts; heads that step in i82077-seeks.ts; sectors, byte by
// byte, in i82077-engine.ts; what a track says in i82077-track.ts.
//
// Documents: [82077AA] 82077AA CHMOS single-chip floppy disk controller (Intel 290166).
// Not modelled: FM, whose tracks are never found; a track formatted otherwise than the image has it; what an underrun
// leaves of a sector (it stays as it was); deleted data marks last only as long as the machine; precompensation,
// power-down; tape drives (TDR only holds its value); head load and unload times.
import type { ChipContext } from '../../backplane/board.ts';
import { BYTE_REGISTERS, type BusTarget, type Width } from '../../backplane/bus.ts';
import { type Device, type PlainFields, type ResetKind, SavedFields, SnapshotError } from '../../backplane/device.ts';
import type { DmaChannel, DmaPeer } from '../../backplane/dma.ts';
import type { DeviceLog } from '../../backplane/log.ts';
import type { Scheduler, Task } from '../../backplane/scheduler.ts';
import { Wire } from '../../backplane/wire.ts';
import {
  CMD_HDS,
  CMD_LOCK,
  CMD_RELATIVE_IN,
  COMMANDS,
  type CommandName,
  commandOf,
  IC_INVALID,
  ST3_ONES,
  ST3_T0,
  ST3_WP,
} from './i82077-commands.ts';
import { I82077Engine } from './i82077-engine.ts';
import { I82077Fifo } from './i82077-fifo.ts';
import { I82077Seeks } from './i82077-seeks.ts';
import type { ShugartDrive } from './shugart-drive.ts';

const SRA = 0;
const SRB = 1;
const DOR = 2;
const TDR = 3;
const MSR_DSR = 4;
const FIFO = 5;
const DIR_CCR = 7;

// SRA in PS/2 mode; in Model 30 mode the bits of the drive's lines are inverted.
const SRA_INT = 0x80;
const SRA_DRV2_N = 0x40;
const SRA_STEP = 0x20;
const SRA_TRK0_N = 0x10;
const SRA_HDSEL = 0x08;
const SRA_INDX_N = 0x04;
const SRA_WP_N = 0x02;
const SRA_DIR = 0x01;
const SRA30_DRQ = 0x40;
const SRA30_INVERTED = SRA_TRK0_N | SRA_HDSEL | SRA_INDX_N | SRA_WP_N | SRA_DIR;
// SRB
const SRB_ONES = 0xc0;
const SRB_DRIVE_0 = 0x20;
const SRB_WE = 0x04;
const SRB30_DRV2_N = 0x80;
const SRB30_WE = 0x04;
const SRB30_SELECT_N = [0x20, 0x40, 0x01, 0x02] as const;

const DOR_RESET_N = 0x04;
const DOR_DMAGATE_N = 0x08;

const MSR_RQM = 0x80;
const MSR_DIO = 0x40; // the host reads
const MSR_NON_DMA = 0x20;
const MSR_BUSY = 0x10;

const DSR_RESET = 0x80;
const RATE_MASK = 0x03;
const RESET_RATE = 2;
const BIT_RATES = [500_000, 300_000, 250_000, 1_000_000] as const;

const DIR_CHANGED = 0x80;
const DIR_PS2_ONES = 0x78;
const DIR_PS2_LOW_DENSITY = 0x01;
const DIR30_DMAGATE_N = 0x08;
const NOPREC = 0x04;

const CONFIG_EIS = 0x40; // implied seeks
const CONFIG_EFIFO_N = 0x20;
const CONFIG_POLL_N = 0x10;
const CONFIG_FIFOTHR = 0x0f;

const RESULT_LOCKED = 0x10;
const DUMPREG_LOCKED = 0x80;
const RESULT_VERSION = 0x90;
const PERPENDICULAR_OW = 0x80;
const PERPENDICULAR_DRIVES = 0x3c;
const PERPENDICULAR_GAP_WGATE = 0x03;

const POLL_NS = 1_000_000;
const RESET_NS = 20_000;
const STEP_UNIT_NS = 1_000_000; // at 500 kbit/s

const PHASES = ['command', 'execution', 'result'] as const;
type Phase = (typeof PHASES)[number];
const RESET_STAGES = ['none', 'reset', 'poll'] as const;
type ResetStage = (typeof RESET_STAGES)[number];

export type I82077Mode = 'at' | 'ps2' | 'model30';

export class I82077 implements Device, BusTarget, DmaPeer {
  readonly id: string;
  readonly span = 8;
  readonly access = BYTE_REGISTERS;
  readonly irq: Wire;
  readonly drq: Wire;
  dma: DmaChannel | undefined;
  readonly #log: DeviceLog;
  readonly #scheduler: Scheduler;
  readonly #drives: readonly (ShugartDrive | undefined)[];
  readonly #mode: I82077Mode;
  readonly #fifo = new I82077Fifo();
  readonly #seeks: I82077Seeks;
  readonly #engine: I82077Engine;
  readonly #resetTask: Task;
  #resetStage: ResetStage = 'none';
  #dor = 0;
  #tdr = 0;
  #rate = RESET_RATE;
  #noPrecompensation = false;
  #phase: Phase = 'command';
  /** The bytes of the command so far. */
  #bytes: number[] = [];
  #result: number[] = [];
  #transferIrq = false;
  // SPECIFY
  #srt = 0;
  #hut = 0;
  #hlt = 0;
  #nonDma = false;
  // CONFIGURE, PERPENDICULAR MODE, LOCK
  #config = CONFIG_EFIFO_N;
  #pretrk = 0;
  #perpendicular = 0;
  #locked = false;

  constructor(chip: ChipContext, drives: readonly (ShugartDrive | undefined)[], mode: I82077Mode = 'at') {
    this.id = chip.id;
    this.#log = chip.log;
    this.#scheduler = chip.scheduler;
    this.#drives = drives;
    this.#mode = mode;
    this.irq = new Wire(`${chip.id}.irq`);
    this.drq = new Wire(`${chip.id}.drq`);
    this.#resetTask = chip.scheduler.task(`${chip.id}.poll`, () => this.#polled());
    this.#seeks = new I82077Seeks(chip, drives, {
      stepNs: () => (16 - this.#srt) * STEP_UNIT_NS * (500_000 / this.#bitRate),
      ended: () => this.#update(),
      impliedEnded: () => this.#engine.begin(),
    });
    this.#engine = new I82077Engine(chip, drives, this.#fifo, {
      bitRate: () => this.#bitRate,
      service: () => {
        this.#update();
        if (this.drq.level) this.dma?.request();
      },
      finished: (result) => {
        this.#transferIrq = true;
        this.#finish(result);
        this.#update();
      },
    });
  }

  /** The drive that DOR selects. */
  get selected(): ShugartDrive | undefined {
    return this.#drives[this.#dor & 3];
  }

  get #bitRate(): number {
    return BIT_RATES[this.#rate]!;
  }

  // ---- registers --------------------------------------------------------------------------------------------------

  read(offset: number, _width: Width): number {
    if (offset === FIFO) return this.#readFifo();
    const value = this.peek(offset);
    // The flip-flop that shows step pulses to a Model 30.
    if (offset === DIR_CCR) this.#seeks.clearStep();
    return value;
  }

  peek(offset: number): number {
    switch (offset) {
      case SRA:
        return this.#sra;
      case SRB:
        return this.#srb;
      case DOR:
        return this.#dor;
      case TDR:
        return this.#tdr;
      case MSR_DSR:
        return this.#msr;
      case FIFO:
        return this.#phase === 'result' ? (this.#result[0] ?? 0) : this.#fifo.peek();
      case DIR_CCR:
        return this.#dir;
      default:
        return 0;
    }
  }

  get #sra(): number {
    if (this.#mode === 'at') return 0xff;
    const drive = this.selected;
    const lines =
      (this.#seeks.stepped ? SRA_STEP : 0) |
      (drive?.track0 ? 0 : SRA_TRK0_N) |
      (this.#engine.head === 1 ? SRA_HDSEL : 0) |
      (drive?.index ? 0 : SRA_INDX_N) |
      (drive?.writeProtected ? 0 : SRA_WP_N) |
      (this.#seeks.inward ? SRA_DIR : 0);
    const interrupt = this.irq.level ? SRA_INT : 0;
    if (this.#mode === 'ps2') return interrupt | (this.#drives[1] === undefined ? SRA_DRV2_N : 0) | lines;
    return interrupt | (this.drq.level ? SRA30_DRQ : 0) | (lines ^ SRA30_INVERTED);
  }

  get #srb(): number {
    if (this.#mode === 'at') return 0xff;
    const drive = this.#dor & 3;
    if (this.#mode === 'ps2') {
      return SRB_ONES | (drive & 1 ? SRB_DRIVE_0 : 0) | (this.#engine.writing ? SRB_WE : 0) | ((this.#dor >>> 4) & 3);
    }
    const unselected = SRB30_SELECT_N.reduce((bits, bit, n) => bits | (n === drive ? 0 : bit), 0);
    return (this.#drives[1] === undefined ? SRB30_DRV2_N : 0) | unselected | (this.#engine.writing ? SRB30_WE : 0);
  }

  get #dir(): number {
    const drive = this.selected;
    const changed = drive === undefined || drive.diskChange.level;
    if (this.#mode === 'at') return changed ? DIR_CHANGED : 0;
    if (this.#mode === 'ps2') {
      const low = this.#bitRate < 500_000 ? DIR_PS2_LOW_DENSITY : 0;
      return (changed ? DIR_CHANGED : 0) | DIR_PS2_ONES | (this.#rate << 1) | low;
    }
    const gate = this.#dor & DOR_DMAGATE_N ? DIR30_DMAGATE_N : 0;
    return (changed ? 0 : DIR_CHANGED) | gate | (this.#noPrecompensation ? NOPREC : 0) | this.#rate;
  }

  get #inReset(): boolean {
    return !(this.#dor & DOR_RESET_N) || this.#resetStage === 'reset';
  }

  get #msr(): number {
    const msr = this.#seeks.busy;
    if (this.#inReset) return msr;
    if (this.#phase === 'result') return msr | MSR_RQM | MSR_DIO | MSR_BUSY;
    if (this.#phase === 'command') return msr | MSR_RQM | (this.#bytes.length > 0 ? MSR_BUSY : 0);
    if (!this.#nonDma) return msr | MSR_BUSY;
    const asking = this.#fifo.asking ? MSR_RQM | (this.#fifo.toHost ? MSR_DIO : 0) : 0;
    return msr | MSR_BUSY | MSR_NON_DMA | asking;
  }

  write(offset: number, _width: Width, value: number): void {
    switch (offset) {
      case DOR:
        this.#writeDor(value);
        break;
      case TDR:
        this.#tdr = value & 3;
        break;
      case MSR_DSR:
        this.#rate = value & RATE_MASK;
        if (value & DSR_RESET) {
          this.#enterReset();
          if (this.#dor & DOR_RESET_N) this.#resetTask.schedule(this.#scheduler.ns(RESET_NS));
        }
        break;
      case FIFO:
        this.#writeFifo(value);
        break;
      case DIR_CCR:
        this.#rate = value & RATE_MASK;
        this.#noPrecompensation = this.#mode === 'model30' && (value & NOPREC) !== 0;
        break;
      default:
        this.#log.guest('write of %x to register %x', value, offset);
    }
    this.#update();
  }

  #writeDor(value: number): void {
    const old = this.#dor;
    this.#dor = value;
    this.#drives.forEach((drive, n) => drive?.motor((value & (0x10 << n)) !== 0));
    if (old & ~value & DOR_RESET_N) this.#enterReset();
    else if (value & ~old & DOR_RESET_N) this.#resetTask.schedule(this.#scheduler.ns(RESET_NS));
  }

  // ---- reset ------------------------------------------------------------------------------------------------------

  #enterReset(): void {
    this.#resetTask.cancel();
    this.#resetStage = 'reset';
    this.#seeks.stop();
    this.#engine.stop();
    this.#phase = 'command';
    this.#bytes = [];
    this.#result = [];
    this.#transferIrq = false;
    this.#perpendicular &= PERPENDICULAR_DRIVES;
    if (!this.#locked) {
      this.#configure((this.#config & ~CONFIG_FIFOTHR) | CONFIG_EFIFO_N);
      this.#pretrk = 0;
    }
    this.#config &= ~(CONFIG_EIS | CONFIG_POLL_N);
  }

  /** Out of reset; then, unless told not to by CONFIGURE in time, drive polling finds all four drives changed. */
  #polled(): void {
    if (this.#resetStage === 'reset') {
      this.#resetStage = 'poll';
      this.#resetTask.schedule(this.#scheduler.ns(POLL_NS));
      return;
    }
    this.#resetStage = 'none';
    this.#seeks.polled();
    this.#update();
  }

  // ---- command and result phases ----------------------------------------------------------------------------------

  #readFifo(): number {
    if (this.#phase === 'execution' && this.#nonDma) {
      const byte = this.#fifo.read() ?? 0;
      this.#update();
      return byte;
    }
    if (this.#phase !== 'result') return 0;
    this.#transferIrq = false;
    const byte = this.#result.shift() ?? 0;
    if (this.#result.length === 0) this.#phase = 'command';
    this.#update();
    return byte;
  }

  #writeFifo(value: number): void {
    if (this.#inReset) return;
    if (this.#phase === 'execution') {
      if (!this.#nonDma || !this.#fifo.write(value)) this.#log.guest('data %x while a command is executed', value);
      return;
    }
    if (this.#phase === 'result') {
      this.#log.guest('data %x while results wait', value);
      return;
    }
    this.#bytes.push(value);
    const name = commandOf(this.#bytes[0]!);
    if (name === undefined) this.#finish([IC_INVALID]);
    else if (this.#bytes.length > COMMANDS[name].parameters) this.#execute(name);
  }

  /** Results to read; without any, the next command may follow at once. */
  #finish(result: readonly number[]): void {
    this.#bytes = [];
    this.#result = [...result];
    this.#phase = result.length > 0 ? 'result' : 'command';
  }

  #execute(name: CommandName): void {
    const [first = 0, second = 0, third = 0, fourth = 0] = this.#bytes;
    const drive = second & 3;
    switch (name) {
      case 'specify':
        this.#srt = second >>> 4;
        this.#hut = second & 0xf;
        this.#hlt = third >>> 1;
        this.#nonDma = (third & 1) !== 0;
        return this.#finish([]);
      case 'configure':
        this.#configure(third & 0x7f);
        this.#pretrk = fourth;
        if (third & CONFIG_POLL_N && this.#resetStage === 'poll') {
          this.#resetTask.cancel();
          this.#resetStage = 'none';
        }
        return this.#finish([]);
      case 'perpendicularMode':
        if (second & PERPENDICULAR_OW) this.#perpendicular = second & PERPENDICULAR_DRIVES;
        this.#perpendicular = (this.#perpendicular & PERPENDICULAR_DRIVES) | (second & PERPENDICULAR_GAP_WGATE);
        return this.#finish([]);
      case 'lock':
        this.#locked = (first & CMD_LOCK) !== 0;
        return this.#finish([this.#locked ? RESULT_LOCKED : 0]);
      case 'version':
        return this.#finish([RESULT_VERSION]);
      case 'dumpreg':
        return this.#finish(this.#registers);
      case 'senseDriveStatus':
        return this.#finish([this.#st3(second)]);
      case 'senseInterruptStatus':
        return this.#finish(this.#seeks.senseInterrupt() ?? [IC_INVALID]);
      case 'recalibrate':
        this.#seeks.recalibrate(drive);
        return this.#finish([]);
      case 'seek':
        this.#seeks.seek(drive, third);
        return this.#finish([]);
      case 'relativeSeek':
        this.#seeks.relativeSeek(drive, (first & CMD_RELATIVE_IN) !== 0, third);
        return this.#finish([]);
      default:
        this.#transfer(name, drive, third);
    }
  }

  #transfer(name: CommandName, drive: number, cylinder: number): void {
    this.#phase = 'execution';
    this.#engine.accept(name, this.#bytes);
    const implied = this.#config & CONFIG_EIS && name !== 'formatTrack' && name !== 'readId';
    if (implied && this.#seeks.pcn(drive) !== cylinder) this.#seeks.seek(drive, cylinder, true);
    else this.#engine.begin();
  }

  #configure(value: number): void {
    this.#config = value;
    this.#fifo.enabled = !(value & CONFIG_EFIFO_N);
    this.#fifo.threshold = value & CONFIG_FIFOTHR;
  }

  get #registers(): number[] {
    return [
      ...this.#seeks.pcns,
      (this.#srt << 4) | this.#hut,
      (this.#hlt << 1) | Number(this.#nonDma),
      this.#engine.lastCount,
      (this.#locked ? DUMPREG_LOCKED : 0) | this.#perpendicular,
      this.#config,
      this.#pretrk,
    ];
  }

  #st3(second: number): number {
    const drive = this.#drives[second & 3];
    return ST3_ONES | (second & (CMD_HDS | 3)) | (drive?.track0 ? ST3_T0 : 0) | (drive?.writeProtected ? ST3_WP : 0);
  }

  // ---- DMA --------------------------------------------------------------------------------------------------------

  dmaIn(into: Uint8Array): number {
    if (this.#phase !== 'execution' || this.#nonDma) return 0;
    let count = 0;
    for (; count < into.length; count++) {
      const byte = this.#fifo.read();
      if (byte === undefined) break;
      into[count] = byte;
    }
    this.#update();
    return count;
  }

  dmaOut(bytes: Uint8Array): number {
    if (this.#phase !== 'execution' || this.#nonDma) return 0;
    let count = 0;
    while (count < bytes.length && this.#fifo.write(bytes[count]!)) count++;
    this.#update();
    return count;
  }

  /** A read cycle with DACK; 0 when no byte waits. */
  readDack(): number {
    const byte = new Uint8Array(1);
    this.dmaIn(byte);
    return byte[0]!;
  }

  /** A write cycle with DACK. */
  writeDack(byte: number): void {
    this.dmaOut(Uint8Array.of(byte));
  }

  /** The TC pin, in or after a cycle with DACK: the host wants no more than the current sector. */
  terminalCount(): void {
    if (this.#phase !== 'execution') return;
    this.#engine.terminalCount();
    this.#update();
  }

  #update(): void {
    const asking = this.#phase === 'execution' && this.#fifo.asking;
    // In PS/2 mode DMAGATE holds nothing back.
    const gate = this.#mode === 'ps2' || (this.#dor & DOR_DMAGATE_N) !== 0;
    this.drq.set(asking && !this.#nonDma && gate);
    this.irq.set((this.#transferIrq || (asking && this.#nonDma) || this.#seeks.interrupting) && gate);
  }

  // ---- device -----------------------------------------------------------------------------------------------------

  reset(_kind: ResetKind): void {
    this.#locked = false;
    this.#enterReset();
    this.#engine.reset();
    this.#seeks.reset();
    this.#dor = this.#tdr = 0;
    this.#rate = RESET_RATE;
    this.#noPrecompensation = false;
    this.#srt = this.#hut = this.#hlt = this.#perpendicular = 0;
    this.#nonDma = false;
  }

  settle(): void {
    this.#update();
  }

  save(): PlainFields {
    return {
      dor: this.#dor,
      tdr: this.#tdr,
      rate: this.#rate,
      noPrecompensation: this.#noPrecompensation,
      phase: this.#phase,
      bytes: Uint8Array.from(this.#bytes),
      result: Uint8Array.from(this.#result),
      transferIrq: this.#transferIrq,
      srt: this.#srt,
      hut: this.#hut,
      hlt: this.#hlt,
      nonDma: this.#nonDma,
      config: this.#config,
      pretrk: this.#pretrk,
      perpendicular: this.#perpendicular,
      locked: this.#locked,
      resetStage: this.#resetStage,
      resetIn: this.#resetTask.remaining,
      fifo: this.#fifo.save(),
      seeks: this.#seeks.save(),
      engine: this.#engine.save(),
    };
  }

  restore(state: PlainFields): void {
    const saved = new SavedFields(this.id, state);
    const bytes = [...saved.bytes('bytes', undefined, 9)];
    const phase = saved.oneOf('phase', PHASES);
    const name = commandOf(bytes[0] ?? 0);
    const whole = name !== undefined && bytes.length === COMMANDS[name].parameters + 1;
    if ((phase === 'execution') !== whole) {
      throw new SnapshotError(`${this.id}: phase ${phase} with ${bytes.length} bytes of command`);
    }
    this.#dor = saved.u8('dor');
    this.#tdr = saved.int('tdr', 0, 3);
    this.#rate = saved.int('rate', 0, 3);
    this.#noPrecompensation = saved.bool('noPrecompensation');
    this.#phase = phase;
    this.#bytes = bytes;
    this.#result = [...saved.bytes('result', undefined, 10)];
    this.#transferIrq = saved.bool('transferIrq');
    this.#srt = saved.int('srt', 0, 0xf);
    this.#hut = saved.int('hut', 0, 0xf);
    this.#hlt = saved.int('hlt', 0, 0x7f);
    this.#nonDma = saved.bool('nonDma');
    this.#configure(saved.int('config', 0, 0x7f));
    this.#pretrk = saved.u8('pretrk');
    this.#perpendicular = saved.int('perpendicular', 0, 0x3f);
    this.#locked = saved.bool('locked');
    this.#resetStage = saved.oneOf('resetStage', RESET_STAGES);
    this.#resetTask.restore(saved.int('resetIn', -1, Number.MAX_SAFE_INTEGER));
    this.#fifo.restore(saved.nested('fifo'));
    this.#seeks.restore(saved.nested('seeks'));
    this.#engine.restore(saved.nested('engine'));
  }
}
