// SPDX-License-Identifier: MIT
//
// A 32-bit PowerPC processor: 601, 603e, 604e, 750 or 7400. Everything the guest sees is in core/ppc; this is its socket.
//
// Sockets: bus: the memory map it is given; `interrupt` (INT), `softReset` (SRESET), `machineCheck` (MCP),
// `systemManagement` (SMI). Documents: [PEM], [601 UM], [603e UM], [604e UM], [750 UM], [7400 UM].
// Not modelled: the vector unit of the 7400 (its instructions raise vector unavailable), contents and timing of the
// caches (memory is always coherent; L2CR, HID0 and ICTC only keep what is written), performance monitor events other
// than cycles and instructions, the 601's memory-forced I/O and direct-store segments (they raise the exceptions later
// processors raise) and run modes (HID1, HID2), the stop of the time base in sleep mode.
import type { ChipContext } from '../../backplane/board.ts';
import type { Width } from '../../backplane/bus.ts';
import type { PlainFields, ResetKind } from '../../backplane/device.ts';
import { CoreSocket, type ProcessorCore, type SocketOptions, type StateLayout } from './core-socket.ts';
import {
  BAT_BASE,
  CPU_STATE,
  FPR_BASE,
  GPR_BASE,
  PHYS_RAM,
  PHYS_WRITABLE,
  PMC_BASE,
  RUN_STATE,
  SPRG_BASE,
  SR_BASE,
  TGPR_BASE,
  THRM_BASE,
  TLB603_BASE,
} from '../../../core/ppc/host/gen/state.ts';

export const PPC_MODELS = ['601', '603e', '604e', '750', '7400'] as const;
export type PpcModel = (typeof PPC_MODELS)[number];

export interface PpcOptions extends SocketOptions {
  readonly model: PpcModel;
  /** Master ticks in one tick of the time base (601: of the 7.8125 MHz clock). */
  readonly ticksPerTimebase: number;
  /** HID1 from the 603e on: the PLL configuration pins, in the upper bits. */
  readonly hid1?: number;
  /** Die temperature in degrees Celsius. */
  readonly temperature?: number;
  /** Enables opcode 1 as a call of this function, which may change any register. */
  readonly onHypercall?: (n: number) => void;
}

/** The functions of core/ppc/index.ts beside those of every core. */
interface Core extends ProcessorCore {
  configure(model: number, ticksPerTimebase: number, hypercalls: number, temperature: number): void;
  interrupt(level: number): void;
  post(bits: number): void;
  setMsr(value: number): void;
  cr(): number;
  setCr(value: number): void;
  xer(): number;
  setXer(value: number): void;
  decrementer(): number;
  setDecrementer(value: number): void;
  timebaseLower(): number;
  timebaseUpper(): number;
}

// Bits of the core's word of waiting exceptions.
const PENDING_RESET = 0x01;
const PENDING_MACHINE_CHECK = 0x02;
const PENDING_SMI = 0x04;
const PENDING_EXTERNAL = 0x08;
const PENDING_ALL = 0x7f;

type StateField = keyof typeof CPU_STATE;

const LAYOUT: StateLayout<StateField> = {
  version: 1,
  fields: CPU_STATE,
  fieldMax: {
    xer_so: 1,
    xer_ov: 1,
    xer_ca: 1,
    xer_count: 0x7f,
    xer_byte: 0xff,
    reserved: 1,
    sleeping: 1,
    stopped: 1,
    pending: PENDING_ALL,
  },
  files: {
    gpr: { offset: GPR_BASE, words: 32 },
    fpr: { offset: FPR_BASE, words: 64 },
    sr: { offset: SR_BASE, words: 16 },
    bat: { offset: BAT_BASE, words: 16 },
    sprg: { offset: SPRG_BASE, words: 4 },
    pmc: { offset: PMC_BASE, words: 4 },
    thrm: { offset: THRM_BASE, words: 3 },
    tgpr: { offset: TGPR_BASE, words: 4 },
    tlb603: { offset: TLB603_BASE, words: 2 * 32 * 2 * 3 },
  },
  busError: RUN_STATE.bus_error,
  physRam: PHYS_RAM,
  physWritable: PHYS_WRITABLE,
  smallestPage: 4096,
};

/** Registers a debugger may name, with the state field that holds them. */
const PLAIN_REGISTERS = [
  ...[
    'lr',
    'ctr',
    'fpscr',
    'srr0',
    'srr1',
    'dsisr',
    'dar',
    'sdr1',
    'ear',
    'pvr',
    'pir',
    'hid0',
    'hid1',
    'iabr',
    'dabr',
  ],
  ...['l2cr', 'ictc', 'mmcr0', 'mmcr1', 'mmcr2', 'sia', 'sda', 'vrsave', 'mq', 'dmiss', 'dcmp', 'hash1', 'hash2'],
  ...['imiss', 'icmp', 'rpa'],
] as StateField[];

/** Registers of the files, by the manual's names. */
const FILE_REGISTERS = new Map<string, number>();
for (let n = 0; n < 32; n++) FILE_REGISTERS.set(`r${n}`, GPR_BASE + n * 4);
for (let n = 0; n < 16; n++) FILE_REGISTERS.set(`sr${n}`, SR_BASE + n * 4);
for (let n = 0; n < 4; n++) {
  FILE_REGISTERS.set(`sprg${n}`, SPRG_BASE + n * 4);
  FILE_REGISTERS.set(`pmc${n + 1}`, PMC_BASE + n * 4);
  for (const [half, name] of ['u', 'l'].entries()) {
    FILE_REGISTERS.set(`ibat${n}${name}`, BAT_BASE + n * 8 + half * 4);
    FILE_REGISTERS.set(`dbat${n}${name}`, BAT_BASE + 32 + n * 8 + half * 4);
  }
}
for (let n = 0; n < 3; n++) FILE_REGISTERS.set(`thrm${n + 1}`, THRM_BASE + n * 4);

export class PpcCpu extends CoreSocket<Core, StateField> {
  readonly model: PpcModel;
  readonly #hid1: number;
  #irq = false;

  constructor(chip: ChipContext, options: PpcOptions) {
    const { map } = options;
    const { log } = chip;
    if (!Number.isInteger(options.ticksPerTimebase) || options.ticksPerTimebase < 1) {
      throw new RangeError(`${chip.id}: ${options.ticksPerTimebase} ticks per time base tick`);
    }
    const messages = [
      (a: number, b: number) => log.unimp('mfspr of SPR %d, which the processor does not have, at %x', a, b),
      (a: number, b: number) => log.unimp('mtspr of SPR %d, which the processor does not have, at %x', a, b),
      (a: number, b: number) => log.unimp('performance monitor event %d for PMC%d', b, a),
      (a: number, b: number) => log.guest('checkstop: machine check %x at %x with MSR[ME] clear', b, a),
    ];
    super(chip, options, LAYOUT, {
      mmioRead: (pa: number, width: Width): number => {
        const value = map.read(pa >>> 0, width);
        if (map.takeBusError()) this.busError();
        return value;
      },
      mmioWrite: (pa: number, width: Width, value: number): void => {
        map.write(pa >>> 0, width, value >>> 0);
        if (map.takeBusError()) this.busError();
      },
      hypercall: (n: number): void => options.onHypercall?.(n),
      log: (kind: number, a: number, b: number): void => messages[kind]?.(a >>> 0, b >>> 0),
    });
    this.model = options.model;
    this.#hid1 = options.hid1 ?? 0;
    this.core.configure(
      PPC_MODELS.indexOf(options.model),
      options.ticksPerTimebase,
      options.onHypercall === undefined ? 0 : 1,
      options.temperature ?? 35,
    );
    this.powerOn();
  }

  interrupt(level: boolean): void {
    this.#irq = level;
    this.core.interrupt(level ? 1 : 0);
  }

  /** The SRESET pin's falling edge. */
  softReset(level: boolean): void {
    if (level) this.core.post(PENDING_RESET);
  }

  /** The MCP pin's falling edge. */
  machineCheck(level: boolean): void {
    if (level) this.core.post(PENDING_MACHINE_CHECK);
  }

  /** The SMI pin's falling edge. */
  systemManagement(level: boolean): void {
    if (level) this.core.post(PENDING_SMI);
  }

  /** General-purpose register `n`. */
  gpr(n: number): number {
    return this.words[GPR_BASE / 4 + (n & 31)]!;
  }

  setGpr(n: number, value: number): void {
    this.words[GPR_BASE / 4 + (n & 31)] = value;
  }

  registers(): Record<string, number | bigint> {
    const core = this.core;
    const all: Record<string, number | bigint> = {
      pc: this.pc,
      msr: this.field('msr'),
      cr: core.cr() >>> 0,
      xer: core.xer() >>> 0,
      dec: core.decrementer() >>> 0,
      tbl: core.timebaseLower() >>> 0,
      tbu: core.timebaseUpper() >>> 0,
    };
    for (const name of PLAIN_REGISTERS) all[name] = this.field(name);
    for (const [name, offset] of FILE_REGISTERS) all[name] = this.words[offset / 4]!;
    for (let n = 0; n < 32; n++) all[`f${n}`] = this.view.getBigUint64(FPR_BASE + n * 8, true);
    return all;
  }

  setRegister(name: string, value: number | bigint): void {
    const core = this.core;
    const word = Number(BigInt.asUintN(32, BigInt(value)));
    const special: Record<string, () => void> = {
      pc: () => core.setPc(word),
      msr: () => core.setMsr(word),
      cr: () => core.setCr(word),
      xer: () => core.setXer(word),
      dec: () => core.setDecrementer(word),
    };
    const float = /^f(\d+)$/.exec(name);
    const offset = FILE_REGISTERS.get(name);
    if (special[name] !== undefined) {
      special[name]();
    } else if (float !== null && Number(float[1]) < 32) {
      this.view.setBigUint64(FPR_BASE + Number(float[1]) * 8, BigInt.asUintN(64, BigInt(value)), true);
    } else if (offset !== undefined) {
      this.words[offset / 4] = word;
      if (/^(sr|[id]bat)/.test(name)) core.mapChanged();
    } else if (PLAIN_REGISTERS.includes(name as StateField)) {
      this.setField(name as StateField, word);
      if (name === 'sdr1' || name === 'dabr') core.mapChanged();
    } else {
      throw new RangeError(`no register ${name}`);
    }
  }

  reset(_kind: ResetKind): void {
    this.core.reset();
    if (this.model !== '601') this.setField('hid1', this.#hid1);
    this.core.interrupt(this.#irq ? 1 : 0);
  }

  override save(): PlainFields {
    const fields = this.saveState({ cr: this.core.cr() >>> 0 });
    fields['pending'] = this.field('pending') & ~PENDING_EXTERNAL;
    return fields;
  }

  override restore(state: PlainFields): void {
    const saved = this.openState(state);
    const cr = saved.u32('cr');
    this.restoreState(saved, state);
    this.core.setCr(cr);
    this.core.setPc(this.field('pc'));
    this.core.interrupt(this.#irq ? 1 : 0);
  }
}
