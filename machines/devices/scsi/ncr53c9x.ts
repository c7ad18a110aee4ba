// SPDX-License-Identifier: MIT
/**
 * NCR 53C9x, "Advanced SCSI Controller" and "Enhanced SCSI Processor" (ESP): a SCSI adapter whose sequencer carries out
 * several bus phases for one command. NeXT has the 53C90A, the Quadras the 53C96.
 *
 * Sockets: span 16, 8-bit registers (machines put them at their own multiples); `irq`, `drq`; DMA either by a channel
 * (`dma`, this is its DmaPeer) or by DACK cycles of the machine's logic (pseudo-DMA: `dackRead`, `dackReadWord`,
 * `dackWrite`); a ScsiBus, on which it is an initiator.
 *
 *         read                 written                     read                   written
 *     0   transfer counter     transfer count low      8   configuration 1        same
 *     1   transfer counter     transfer count high     9   -                      clock conversion factor
 *     2   FIFO                 same                    a   -                      test
 *     3   command              same                    b   configuration 2 (90A)  same
 *     4   status               destination bus id      c   configuration 3 (94)   same
 *     5   interrupt            selection time-out      d   configuration 4 (CF9x) same
 *     6   sequence step        synchronous period      e   counter, id (CF9x)     transfer count top
 *     7   FIFO flags           synchronous offset      f   -                      FIFO alignment (94)
 *
 * Documents: [53C90AB], [53C94-96], [SCSI-2] in docs/references.md.
 * Two commands fit into the command register; one that interrupts stays in it until INTERRUPT is read. That also clears
 * the sequence step and the error bits of STATUS. While DACK cycles come faster than the bus, the processor is taken to
 * be held by the missing DRQ: the bytes arrive at once.
 * Not modelled: target mode (its commands are illegal, as they are in the other modes), parity errors (parity is always
 * good), test mode, placement of odd bytes by FIFO alignment.
 */
import type { ChipContext } from '../../backplane/board.ts';
import { type AccessRules, BYTE_REGISTERS, type BusTarget, type Width } from '../../backplane/bus.ts';
import { type Device, type PlainFields, type ResetKind, SavedFields, SnapshotError } from '../../backplane/device.ts';
import type { DmaChannel, DmaPeer } from '../../backplane/dma.ts';
import type { DeviceLog } from '../../backplane/log.ts';
import { Wire } from '../../backplane/wire.ts';
import { Ncr53c9xData } from './ncr53c9x-data.ts';
import {
  CHIP_ID,
  CMD,
  COMMAND_CODE,
  COMMAND_DMA,
  CONFIG1_ID,
  CONFIG1_PARITY_TEST,
  CONFIG1_RESET_REPORT_OFF,
  CONFIG1_TEST,
  CONFIG2_FEATURES,
  CONFIG3_SAVE_RESIDUAL,
  INT_ILL,
  type Ncr53c9xModel,
  R,
  STATUS_GE,
  STATUS_INT,
  STATUS_TC,
  type Variant,
  VARIANTS,
} from './ncr53c9x-registers.ts';
import { Ncr53c9xSequencer, type SequencerChip } from './ncr53c9x-sequencer.ts';
import type { ScsiBus } from './scsi-bus.ts';

const DEFAULT_ID = 7;

export interface Ncr53c9xOptions {
  readonly model: Ncr53c9xModel;
  readonly clockHz: number;
  /** Bytes of a DACK cycle; DRQ waits for two bytes where it is 2. */
  readonly dmaBytes?: 1 | 2;
}

export class Ncr53c9x implements Device, BusTarget, DmaPeer, SequencerChip {
  readonly id: string;
  readonly span = 16;
  readonly access: AccessRules = BYTE_REGISTERS;
  readonly irq: Wire;
  readonly drq: Wire;
  dma: DmaChannel | undefined;
  readonly #log: DeviceLog;
  readonly #variant: Variant;
  readonly #data: Ncr53c9xData;
  readonly #sequencer: Ncr53c9xSequencer;
  /** What the counter is loaded with. */
  #count = 0;
  #interrupt = 0;
  #config1 = DEFAULT_ID;
  #config2 = 0;
  #config3 = 0;
  #config4 = 0;
  /** The third byte of the counter shows the id. */
  #idShown = true;
  /** The two ranks of the command register, the command in progress first. */
  #commands: number[] = [];
  /** The first of them is over and waits for its interrupt to be read. */
  #finished = false;
  #lastCommand = 0;
  /** After RESET CHIP only NOP is obeyed. */
  #held = false;
  /** The phase as latched by an interrupt, or -1. */
  #latchedPhase = -1;

  constructor(chip: ChipContext, bus: ScsiBus, options: Ncr53c9xOptions) {
    this.id = chip.id;
    this.irq = new Wire(`${chip.id}.irq`);
    this.drq = new Wire(`${chip.id}.drq`);
    this.#log = chip.log;
    this.#variant = VARIANTS[options.model];
    this.#data = new Ncr53c9xData(chip.log, options.dmaBytes ?? 1);
    this.#sequencer = new Ncr53c9xSequencer(chip.id, chip.scheduler, bus, DEFAULT_ID, this.#data, this);
    this.setClock(options.clockHz);
  }

  /** Some machines divide the chip's clock. */
  setClock(hz: number): void {
    this.#sequencer.timing.clockHz = hz;
  }

  // ---- registers --------------------------------------------------------------------------------------------------

  read(offset: number, _width: Width): number {
    switch (offset) {
      case R.FIFO: {
        const value = this.#sequencer.readFifo();
        this.update();
        return value;
      }
      case R.INTERRUPT:
        return this.#readInterrupt();
      default:
        return this.peek(offset);
    }
  }

  peek(offset: number): number {
    const data = this.#data;
    const { step, phase } = this.#sequencer;
    switch (offset) {
      case R.TRANSFER_COUNT_LOW:
        return data.counter & 0xff;
      case R.TRANSFER_COUNT_HIGH:
        return (data.counter >>> 8) & 0xff;
      case R.FIFO:
        return data.first(1)[0] ?? 0;
      case R.COMMAND:
        return this.#lastCommand;
      case R.STATUS:
        return (
          (this.#variant.a && this.#interrupt !== 0 ? STATUS_INT : 0) |
          (data.grossError ? STATUS_GE : 0) |
          (data.ended ? STATUS_TC : 0) |
          (this.#latchedPhase >= 0 ? this.#latchedPhase : phase)
        );
      case R.INTERRUPT:
        return this.#interrupt;
      case R.SEQUENCE_STEP:
        return step;
      case R.FIFO_FLAGS:
        return (this.#variant.a ? step << 5 : 0) | data.length;
      case R.CONFIG1:
        return this.#config1;
      case R.CONFIG2:
        return this.#config2;
      case R.CONFIG3:
        return this.#config3;
      case R.CONFIG4:
        return this.#config4;
      case R.TRANSFER_COUNT_TOP:
        if (!this.#wide) return 0;
        return this.#idShown ? CHIP_ID : (data.counter >>> 16) & 0xff;
      default:
        return 0;
    }
  }

  write(offset: number, _width: Width, value: number): void {
    const { config3, fast } = this.#variant;
    const { timing } = this.#sequencer;
    switch (offset) {
      case R.TRANSFER_COUNT_LOW:
        this.#count = (this.#count & 0xff_ff00) | value;
        break;
      case R.TRANSFER_COUNT_HIGH:
        this.#count = (this.#count & 0xff_00ff) | (value << 8);
        break;
      case R.FIFO:
        this.#sequencer.writeFifo(value);
        this.update();
        break;
      case R.COMMAND:
        this.#writeCommand(value);
        break;
      case R.STATUS:
        timing.destination = value & 0x07;
        break;
      case R.INTERRUPT:
        timing.timeout = value;
        break;
      case R.SEQUENCE_STEP:
        timing.period = value & 0x1f;
        break;
      case R.FIFO_FLAGS:
        timing.offset = value & (fast ? 0xff : 0x0f);
        break;
      case R.CONFIG1:
        if ((value & (CONFIG1_TEST | CONFIG1_PARITY_TEST)) !== 0) this.#log.unimp('test modes, CONFIG1 %x', value);
        this.#sequencer.address = value & CONFIG1_ID;
        this.#config1 = value;
        break;
      case R.CLOCK_CONVERSION:
        timing.conversion = value & 0x07;
        break;
      case R.TEST:
        if ((this.#config1 & CONFIG1_TEST) !== 0) this.#log.unimp('test %x', value);
        break;
      case R.CONFIG2:
        this.#config2 = value & this.#variant.config2;
        break;
      case R.CONFIG3:
        if (!config3) break;
        this.#config3 = value;
        this.#data.savesResidual = (value & CONFIG3_SAVE_RESIDUAL) !== 0;
        this.update();
        break;
      case R.CONFIG4:
        if (fast) this.#config4 = value;
        break;
      case R.TRANSFER_COUNT_TOP:
        if (!fast) break;
        this.#count = (this.#count & 0xffff) | (value << 16);
        this.#idShown = false;
        break;
      default:
        if (config3) this.#log.unimp('FIFO alignment %x', value);
    }
  }

  /** The counter has 24 bits. */
  get #wide(): boolean {
    return this.#variant.fast && (this.#config2 & CONFIG2_FEATURES) !== 0;
  }

  #readInterrupt(): number {
    const value = this.#interrupt;
    if (value === 0) return 0;
    this.#interrupt = 0;
    this.#data.grossError = false;
    this.#sequencer.step = 0;
    this.#latchedPhase = -1;
    if (this.#finished) this.#nextCommand();
    this.update();
    return value;
  }

  // ---- DMA --------------------------------------------------------------------------------------------------------

  /** A DACK cycle for one byte: the byte, or -1 where DRQ will not come. */
  dackRead(): number {
    return this.#sequencer.dackRead();
  }

  /** A DACK cycle of 16 bits: two bytes, the first one high, or the last byte alone and zero; -1 as above. */
  dackReadWord(): number {
    return this.#sequencer.dackReadWord();
  }

  /** A DACK cycle with one byte. False: DRQ will not come. */
  dackWrite(value: number): boolean {
    return this.#sequencer.dackWrite(value);
  }

  dmaIn(into: Uint8Array): number {
    return this.#sequencer.dmaIn(into);
  }

  dmaOut(bytes: Uint8Array): number {
    return this.#sequencer.dmaOut(bytes);
  }

  // ---- commands ---------------------------------------------------------------------------------------------------

  #writeCommand(value: number): void {
    const code = value & COMMAND_CODE;
    if (this.#held && code !== CMD.nop) {
      this.#log.guest('command %x after RESET CHIP, before NOP', value);
      return;
    }
    if (code === CMD.resetChip || code === CMD.resetBus) {
      this.#commands = [];
      this.#finished = false;
    }
    if (this.#commands.length === 2) {
      this.#log.guest('command %x over another that waits', value);
      this.#commands[1] = value;
      this.#data.grossError = true;
      return;
    }
    this.#commands.push(value);
    if (this.#commands.length === 1) this.#start();
    this.update();
  }

  /** The command in progress is over; the one behind it begins. */
  #nextCommand(): void {
    this.#finished = false;
    this.#commands.shift();
    if (this.#commands.length > 0) this.#start();
  }

  /** Carries out the first command of the register. */
  #start(): void {
    const value = this.#commands[0]!;
    const code = value & COMMAND_CODE;
    this.#lastCommand = value;
    const targetMode = (code >= 0x20 && code <= 0x2f) || code === CMD.reselect || code === CMD.reselect3;
    if (targetMode) this.#log.unimp('target mode, command %x', value);
    if (!this.#legal(code) || targetMode) {
      this.#log.guest('illegal command %x', value);
      this.dropCommands();
      this.#raise(INT_ILL);
      return;
    }
    if ((value & COMMAND_DMA) !== 0) this.#loadCounter();
    if (code === CMD.resetChip) {
      this.#resetChip();
      this.#held = true;
    } else if (code === CMD.nop) {
      this.#held = false;
      this.#nextCommand();
    } else if (this.#sequencer.start(value)) this.#nextCommand();
  }

  #legal(code: number): boolean {
    const { a } = this.#variant;
    switch (code >>> 4) {
      case 0:
        return code <= CMD.resetBus;
      case 1:
        if (!this.#sequencer.connected) return false;
        if (code === CMD.resetAtn) return a;
        return code <= CMD.messageAccepted || code === CMD.pad || code === CMD.setAtn;
      case 4:
        if (this.#sequencer.connected) return false;
        return code <= CMD.disableSelection || (a && code <= CMD.reselect3);
      default:
        return false;
    }
  }

  #loadCounter(): void {
    const limit = this.#wide ? 0x100_0000 : 0x1_0000;
    this.#data.load(this.#count & (limit - 1) || limit);
  }

  // ---- what the sequencer tells -----------------------------------------------------------------------------------

  get reportsReset(): boolean {
    return (this.#config1 & CONFIG1_RESET_REPORT_OFF) === 0;
  }

  ended(interrupt: number, foreseen: boolean): void {
    if (interrupt === 0) {
      this.#nextCommand();
      this.update();
      return;
    }
    if (foreseen) this.#finished = this.#commands.length > 0;
    else this.dropCommands();
    this.#raise(interrupt);
  }

  dropCommands(): void {
    this.#commands = [];
    this.#finished = false;
  }

  #raise(bits: number): void {
    this.#interrupt |= bits;
    if (this.#variant.config3 && (this.#config2 & CONFIG2_FEATURES) !== 0 && this.#latchedPhase < 0) {
      this.#latchedPhase = this.#sequencer.phase;
    }
    this.update();
  }

  update(): void {
    this.irq.set(this.#interrupt !== 0);
    const requested = this.drq.level;
    this.drq.set(this.#data.requests);
    if (!requested && this.drq.level && !this.#sequencer.serving) this.dma?.request();
  }

  // ---- device -----------------------------------------------------------------------------------------------------

  #resetChip(): void {
    this.#sequencer.reset();
    this.#resetRegisters();
  }

  #resetRegisters(): void {
    this.dropCommands();
    this.#interrupt = 0;
    this.#idShown = true;
    this.#latchedPhase = -1;
    this.#config1 &= CONFIG1_ID;
    this.#config2 = this.#config3 = this.#config4 = 0;
  }

  reset(kind: ResetKind): void {
    this.#sequencer.resetWithBus();
    this.#resetRegisters();
    this.#held = false;
    this.#lastCommand = 0;
    if (kind === 'warm') return;
    this.#count = 0;
    this.#sequencer.timing.destination = this.#sequencer.timing.timeout = 0;
    this.#sequencer.address = DEFAULT_ID;
    this.#config1 = DEFAULT_ID;
  }

  settle(): void {
    this.update();
  }

  save(): PlainFields {
    return {
      sequencer: this.#sequencer.save(),
      count: this.#count,
      interrupt: this.#interrupt,
      config1: this.#config1,
      config2: this.#config2,
      config3: this.#config3,
      config4: this.#config4,
      idShown: this.#idShown,
      commands: Uint8Array.from(this.#commands),
      finished: this.#finished,
      lastCommand: this.#lastCommand,
      held: this.#held,
      latchedPhase: this.#latchedPhase,
    };
  }

  restore(state: PlainFields): void {
    const fields = new SavedFields(this.id, state);
    this.#sequencer.restore(fields.nested('sequencer'));
    this.#count = fields.int('count', 0, 0xff_ffff);
    this.#interrupt = fields.u8('interrupt');
    this.#config1 = (fields.u8('config1') & ~CONFIG1_ID) | this.#sequencer.address;
    this.#config2 = fields.u8('config2') & this.#variant.config2;
    this.#config3 = fields.u8('config3');
    this.#config4 = fields.u8('config4');
    this.#idShown = fields.bool('idShown');
    this.#commands = [...fields.bytes('commands', undefined, 2)];
    this.#finished = fields.bool('finished');
    this.#lastCommand = fields.u8('lastCommand');
    this.#held = fields.bool('held');
    this.#latchedPhase = fields.int('latchedPhase', -1, 7);
    if (this.#finished && this.#commands.length === 0) throw new SnapshotError(`${this.id}: no command has finished`);
  }
}
