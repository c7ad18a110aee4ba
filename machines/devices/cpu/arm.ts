// SPDX-License-Identifier: MIT
//
// An ARM processor: ARM2, ARM250, ARM3, ARM7TDMI, ARM926EJ-S, Cortex-A8 or Cortex-M0. Everything the guest sees is in
// core/arm; this is its socket.
//
// Sockets: bus: the memory map it is given; `interrupt` (IRQ), `fastInterrupt` (FIQ), `interruptLine` (the Cortex-M0's
// interrupt lines), `resetRequest`; `translate26` answers for a memory controller that translates 26-bit addresses and calls `flushTlb`
// when what it said no longer holds.
// Documents: [ARM ARM], [ARMv6-M ARM], [ARM2 DS], [ARM3 DS], [ARM7TDMI TRM], [ARM926 TRM], [Cortex-A8 TRM],
// [Cortex-M0 TRM].
// Not modelled: instruction timing and pipelines; contents and timing of caches and of the processors' own TLBs (memory
// is always coherent); coprocessors other than CP15 and VFP/NEON (an FPA10 is absent, which RISC OS notices by the
// undefined instruction exception and emulates); Jazelle states; big-endian data with 26 bits and on the ARM926EJ-S;
// the non-secure state; debug registers; performance events other than cycles.
import type { ChipContext } from '../../backplane/board.ts';
import type { Width } from '../../backplane/bus.ts';
import type { PlainFields, ResetKind } from '../../backplane/device.ts';
import { Wire } from '../../backplane/wire.ts';
import { CoreSocket, type ProcessorCore, type SocketOptions, type StateLayout } from './core-socket.ts';
import {
  BANK_BASE,
  CP15_BASE,
  CPU_STATE,
  FIQ_BASE,
  GPR_BASE,
  NVIC_BASE,
  PHYS_RAM,
  PHYS_WRITABLE,
  PMU_BASE,
  RUN_STATE,
  SPSR_BASE,
  USR_BASE,
  VFP_BASE,
} from '../../../core/arm/host/gen/state.ts';

export const ARM_MODELS = ['arm2', 'arm250', 'arm3', 'arm7tdmi', 'arm926', 'cortex-a8', 'cortex-m0'] as const;
export type ArmModel = (typeof ARM_MODELS)[number];

/** What may be done at an address. */
export interface Permissions {
  readonly read: boolean;
  readonly write: boolean;
  readonly execute: boolean;
}

// The same as the core has them.
const MAY_READ = 0x1;
const MAY_WRITE = 0x2;
const MAY_EXECUTE = 0x4;

export interface ArmOptions extends SocketOptions {
  readonly model: ArmModel;
  /**
   * ARM2, ARM250, ARM3: what the memory controller makes of a 26-bit address in user or in another mode: the physical
   * address of its page of 4 KiB, and what may be done there. Remembered until `flushTlb`. Without it, addresses are
   * physical.
   */
  readonly translate26?: (va: number, privileged: boolean) => { pa: number; allowed: Permissions } | undefined;
  /** VINITHI: exception vectors are at 0xffff_0000 after reset. */
  readonly highVectors?: boolean;
  /** Processor clocks in a master tick, for the cycle counter and SysTick. */
  readonly clocksPerTick?: number;
}

/** The functions of core/arm/index.ts beside those of every core. */
interface Core extends ProcessorCore {
  configure(model: number, clocksPerTick: number, highVectors: number, externalMmu: number): void;
  setPins(irq: number, fiq: number): void;
  setLines(lines: number): void;
  mainStack(): number;
  processStack(): number;
  cpsr(): number;
  setCpsr(value: number): void;
  r15(): number;
  setR15(value: number): void;
  bankedPlace(n: number, mode: number): number;
  flushRange(va: number, bytes: number): void;
}

const PAGE_BYTES = 4096;

type StateField = keyof typeof CPU_STATE;

const LAYOUT: StateLayout<StateField> = {
  version: 1,
  fields: CPU_STATE,
  fieldMax: {
    cc_c: 1,
    cc_q: 1,
    cc_ge: 15,
    thumb: 1,
    control: 0x3ff,
    itstate: 0xff,
    irq: 1,
    fiq: 1,
    sleeping: 2,
    stopped: 1,
    event: 1,
    exclusive: 1,
    exclusive_size: 8,
    ipsr: 0x3f,
    primask: 1,
    control_m: 3,
    vectors_due: 1,
  },
  files: {
    gpr: { offset: GPR_BASE, words: 16 },
    usr_bank: { offset: USR_BASE, words: 7 },
    fiq_bank: { offset: FIQ_BASE, words: 7 },
    bank: { offset: BANK_BASE, words: 10 },
    spsr: { offset: SPSR_BASE, words: 6 },
    vfp: { offset: VFP_BASE, words: 64 },
    cp15: { offset: CP15_BASE, words: 64 },
    pmu: { offset: PMU_BASE, words: 8 },
    nvic: { offset: NVIC_BASE, words: 10 },
  },
  busError: RUN_STATE.bus_error,
  physRam: PHYS_RAM,
  physWritable: PHYS_WRITABLE,
  // A tiny page.
  smallestPage: 1024,
};

/** Registers that a mode has of its own, as debuggers name them. */
const BANKED = new Map<string, readonly [n: number, mode: number]>();
for (let n = 8; n < 15; n++) BANKED.set(`r${n}_fiq`, [n, 0x11]);
for (let n = 8; n < 15; n++) BANKED.set(`r${n}_usr`, [n, 0x10]);
for (const [name, mode] of [
  ['irq', 0x12],
  ['svc', 0x13],
  ['abt', 0x17],
  ['und', 0x1b],
] as const) {
  for (const n of [13, 14]) BANKED.set(`r${n}_${name}`, [n, mode]);
}
const SPSRS = ['fiq', 'irq', 'svc', 'abt', 'und', 'mon'];

/** Registers a debugger may name, with the state field that holds them. */
const PLAIN_REGISTERS: readonly StateField[] = [
  ...(['fpscr', 'fpexc', 'sctlr', 'actlr', 'cpacr', 'ttbr0', 'ttbr1', 'ttbcr', 'dacr', 'dfsr', 'ifsr'] as const),
  ...(['dfar', 'ifar', 'par', 'fcse', 'contextidr', 'tpidrurw', 'tpidruro', 'tpidrprw', 'vbar', 'mvbar'] as const),
  ...(['scr', 'prrr', 'nmrr', 'primask', 'ipsr'] as const),
];
const TRANSLATION = /^(sctlr|ttbr[01]|ttbcr|dacr|fcse|contextidr)$/;

export class ArmCpu extends CoreSocket<Core, StateField> {
  readonly model: ArmModel;
  /** Cortex-M0, SYSRESETREQ: a pulse when the guest asks for a reset. */
  readonly resetRequest = new Wire('SYSRESETREQ');
  readonly #is26: boolean;
  #irq = false;
  #fiq = false;
  #lines = 0;

  constructor(chip: ChipContext, options: ArmOptions) {
    const { map, translate26 } = options;
    const { log } = chip;
    const messages = [
      (a: number, b: number) => log.unimp('read of CP15 register %x at %x', a, b),
      (a: number, b: number) => log.unimp('write of CP15 register %x at %x', a, b),
      (a: number, b: number) => log.guest('lockup at %x, exception %d', a, b),
      (a: number, b: number) => log.unimp('big-endian data by CP15 control %x at %x', b, a),
      (a: number, b: number) => log.unimp('access of %x in the system control space at %x', b, a),
      (a: number, b: number) => log.unimp('non-secure state by SCR %x at %x', b, a),
    ];
    super(chip, options, LAYOUT, {
      mmioRead: (pa: number, width: Width): number => {
        const value = map.read(pa >>> 0, width);
        if (map.takeBusError()) this.busError();
        return turn(value, width);
      },
      mmioWrite: (pa: number, width: Width, value: number): void => {
        map.write(pa >>> 0, width, turn(value, width) >>> 0);
        if (map.takeBusError()) this.busError();
      },
      translate26: (va: number, privileged: number): number => {
        const found = translate26?.(va, privileged !== 0);
        if (found === undefined) return 0;
        const { read, write, execute } = found.allowed;
        const may = (read ? MAY_READ : 0) | (write ? MAY_WRITE : 0) | (execute ? MAY_EXECUTE : 0);
        return (found.pa & -PAGE_BYTES) | may;
      },
      resetLine: (): void => {
        this.resetRequest.set(true);
        this.resetRequest.set(false);
      },
      log: (kind: number, a: number, b: number): void => messages[kind]?.(a >>> 0, b >>> 0),
    });
    this.model = options.model;
    this.#is26 = ['arm2', 'arm250', 'arm3'].includes(options.model);
    const clocks = options.clocksPerTick ?? 1;
    if (!Number.isInteger(clocks) || clocks < 1) throw new RangeError(`${chip.id}: ${clocks} clocks in a tick`);
    const model = ARM_MODELS.indexOf(options.model);
    this.core.configure(model, clocks, Number(options.highVectors ?? false), Number(translate26 !== undefined));
    this.powerOn();
  }

  /** The IRQ pin. */
  interrupt(level: boolean): void {
    this.#irq = level;
    this.#drivePins();
  }

  /** The FIQ pin. */
  fastInterrupt(level: boolean): void {
    this.#fiq = level;
    this.#drivePins();
  }

  /** Cortex-M0: interrupt line `n`, 0 to 31. */
  interruptLine(n: number, level: boolean): void {
    this.#lines = level ? this.#lines | (1 << n) : this.#lines & ~(1 << n);
    this.core.setLines(this.#lines);
  }

  /** What `translate26` answered for these addresses no longer holds. */
  flushTlb(va: number, bytes: number): void {
    this.core.flushRange(va, bytes);
  }

  registers(): Record<string, number | bigint> {
    const all: Record<string, number | bigint> = {};
    for (let n = 0; n < 15; n++) all[`r${n}`] = this.words[GPR_BASE / 4 + n]!;
    all['pc'] = this.pc;
    if (this.#is26) all['r15'] = this.core.r15() >>> 0;
    all['cpsr'] = this.core.cpsr() >>> 0;
    for (const [name, [n, mode]] of BANKED) all[name] = this.words[(this.core.bankedPlace(n, mode) >>> 0) / 4]!;
    for (const [index, name] of SPSRS.entries()) all[`spsr_${name}`] = this.words[SPSR_BASE / 4 + index]!;
    for (const name of PLAIN_REGISTERS) all[name] = this.field(name);
    if (this.model === 'cortex-m0') {
      all['msp'] = this.core.mainStack() >>> 0;
      all['psp'] = this.core.processStack() >>> 0;
    }
    for (let n = 0; n < 32; n++) all[`d${n}`] = this.view.getBigUint64(VFP_BASE + n * 8, true);
    return all;
  }

  setRegister(name: string, value: number | bigint): void {
    const word = Number(BigInt.asUintN(32, BigInt(value)));
    const general = /^r(\d+)$/.exec(name);
    const double = /^d(\d+)$/.exec(name);
    const spsr = SPSRS.indexOf(name.slice(5));
    const banked = BANKED.get(name);
    if (general !== null && Number(general[1]) < 15) {
      this.words[GPR_BASE / 4 + Number(general[1])] = word;
    } else if (double !== null && Number(double[1]) < 32) {
      this.view.setBigUint64(VFP_BASE + Number(double[1]) * 8, BigInt.asUintN(64, BigInt(value)), true);
    } else if (banked !== undefined) {
      this.words[(this.core.bankedPlace(...banked) >>> 0) / 4] = word;
    } else if (name.startsWith('spsr_') && spsr >= 0) {
      this.words[SPSR_BASE / 4 + spsr] = word;
    } else if (name === 'pc') {
      this.core.setPc(word);
    } else if (name === 'r15' && this.#is26) {
      this.core.setR15(word);
    } else if (name === 'cpsr') {
      this.core.setCpsr(word);
    } else if (PLAIN_REGISTERS.includes(name as StateField)) {
      this.setField(name as StateField, word);
      if (TRANSLATION.test(name)) this.core.mapChanged();
    } else {
      throw new RangeError(`no register ${name}`);
    }
  }

  reset(_kind: ResetKind): void {
    this.core.reset();
    this.#drivePins();
  }

  override save(): PlainFields {
    return { ...this.saveState(), irq: 0, fiq: 0, nvic_lines: 0 };
  }

  override restore(state: PlainFields): void {
    super.restore(state);
    this.#drivePins();
  }

  #drivePins(): void {
    this.core.setPins(Number(this.#irq), Number(this.#fiq));
    this.core.setLines(this.#lines);
  }
}

/** The map's values are what a big-endian processor sees. */
function turn(value: number, width: Width): number {
  if (width === 1) return value;
  if (width === 2) return ((value & 0xff) << 8) | ((value >>> 8) & 0xff);
  return (value << 24) | ((value & 0xff00) << 8) | ((value >>> 8) & 0xff00) | (value >>> 24);
}
