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
import { STOP, type Cpu, type StopReason } from '../../backplane/cpu.ts';
import { SavedFields, SnapshotError, type PlainFields, type ResetKind } from '../../backplane/device.ts';
import type { GuestMemory } from '../../backplane/memory.ts';
import type { MemoryMap } from '../../backplane/memory-map.ts';
import { Wire } from '../../backplane/wire.ts';
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

export interface ArmOptions {
  readonly memory: GuestMemory;
  /** What the processor's bus sees. */
  readonly map: MemoryMap;
  /** dist/core/arm.wasm, compiled. */
  readonly module: WebAssembly.Module;
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

/** The functions of core/arm/index.ts. */
interface Core {
  configure(model: number, clocksPerTick: number, highVectors: number, externalMmu: number): void;
  reset(): void;
  rebuild(): void;
  run(ticks: number): number;
  step(): number;
  elapsed(): number;
  pullIn(ticks: number): void;
  setPins(irq: number, fiq: number): void;
  setLines(lines: number): void;
  mainStack(): number;
  processStack(): number;
  pc(): number;
  setPc(value: number): void;
  cpsr(): number;
  setCpsr(value: number): void;
  r15(): number;
  setR15(value: number): void;
  bankedPlace(n: number, mode: number): number;
  mapChanged(): void;
  flushRange(va: number, bytes: number): void;
  translate(va: number, access: number): number;
  wakeIn(): number;
  skipped(ticks: number): void;
  totalTicks(): number;
  instructions(): number;
  invalidateCode(offset: number, size: number): void;
  protectTracked(): void;
  readonly reservedBytes: { value: number };
  readonly pageStateOffset: { value: number };
  readonly physMapOffset: { value: number };
}

const ACCESS_READ = 0;
const ACCESS_FETCH = 2;

const PAGE_BYTES = 4096;
/** The core counts slices in 32 bits; longer ones are run in parts. */
const MOST_TICKS = 1 << 26;
const VERSION = 1;

type StateField = keyof typeof CPU_STATE;
const STATE_FIELDS = Object.keys(CPU_STATE) as StateField[];

/** Fields that hold less than their type could; what a snapshot says beyond that is refused. */
const FIELD_MAX: Partial<Record<StateField, number>> = {
  cc_c: 1,
  cc_q: 1,
  cc_ge: 15,
  thumb: 1,
  control: 0x3ff,
  itstate: 0xff,
  irq: 1,
  fiq: 1,
  sleeping: 1,
  stopped: 1,
  event: 1,
  exclusive: 1,
  exclusive_size: 8,
  ipsr: 0x3f,
  primask: 1,
  control_m: 3,
  vectors_due: 1,
};

/** Register files: where they are and how many words they have. */
const FILES = {
  gpr: { offset: GPR_BASE, words: 16 },
  usr_bank: { offset: USR_BASE, words: 7 },
  fiq_bank: { offset: FIQ_BASE, words: 7 },
  bank: { offset: BANK_BASE, words: 10 },
  spsr: { offset: SPSR_BASE, words: 6 },
  vfp: { offset: VFP_BASE, words: 64 },
  cp15: { offset: CP15_BASE, words: 64 },
  pmu: { offset: PMU_BASE, words: 8 },
  nvic: { offset: NVIC_BASE, words: 10 },
} as const;

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

export class ArmCpu implements Cpu {
  readonly id: string;
  readonly model: ArmModel;
  /** Cortex-M0, SYSRESETREQ: a pulse when the guest asks for a reset. */
  readonly resetRequest = new Wire('SYSRESETREQ');
  readonly #core: Core;
  readonly #map: MemoryMap;
  readonly #view: DataView;
  readonly #words: Uint32Array;
  readonly #physMap: Uint32Array;
  readonly #is26: boolean;
  /** Physical pages that are memory now: first page, number of pages, word of the first. */
  #pages: number[] = [];
  #irq = false;
  #fiq = false;
  #lines = 0;
  /** Ticks of the slice's earlier parts, and where the slice ends. */
  #before = 0;
  #end = 0;

  constructor(chip: ChipContext, options: ArmOptions) {
    const { memory, map, translate26, log } = { ...options, log: chip.log };
    this.id = chip.id;
    this.model = options.model;
    this.#is26 = ['arm2', 'arm250', 'arm3'].includes(options.model);
    this.#map = map;
    this.#view = new DataView(memory.memory.buffer);
    this.#words = new Uint32Array(memory.memory.buffer);
    const messages = [
      (a: number, b: number) => log.unimp('read of CP15 register %x at %x', a, b),
      (a: number, b: number) => log.unimp('write of CP15 register %x at %x', a, b),
      (a: number, b: number) => log.guest('lockup at %x, exception %d', a, b),
      (a: number, b: number) => log.unimp('big-endian data by CP15 control %x at %x', b, a),
      (a: number, b: number) => log.unimp('access of %x in the system control space at %x', b, a),
      (a: number, b: number) => log.unimp('non-secure state by SCR %x at %x', b, a),
    ];
    const instance = new WebAssembly.Instance(options.module, {
      env: { memory: memory.memory },
      host: {
        mmioRead: (pa: number, width: Width): number => {
          const value = map.read(pa >>> 0, width);
          if (map.takeBusError()) this.#busError();
          return turn(value, width);
        },
        mmioWrite: (pa: number, width: Width, value: number): void => {
          map.write(pa >>> 0, width, turn(value, width) >>> 0);
          if (map.takeBusError()) this.#busError();
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
      },
    });
    this.#core = instance.exports as unknown as Core;
    const core = this.#core;
    this.#physMap = new Uint32Array(memory.memory.buffer, core.physMapOffset.value, 1 << 20);
    const clocks = options.clocksPerTick ?? 1;
    if (!Number.isInteger(clocks) || clocks < 1) throw new RangeError(`${chip.id}: ${clocks} clocks in a tick`);
    const model = ARM_MODELS.indexOf(options.model);
    core.configure(model, clocks, Number(options.highVectors ?? false), Number(translate26 !== undefined));
    memory.attachCore({
      reservedBytes: core.reservedBytes.value >>> 0,
      pageStateOffset: core.pageStateOffset.value >>> 0,
      invalidateCode: (offset, size) => core.invalidateCode(offset, size),
      protectTracked: () => core.protectTracked(),
    });
    this.reset('cold');
    map.onChange(() => this.#mapChanged());
  }

  get pc(): number {
    return this.#core.pc() >>> 0;
  }

  /** Instructions executed since power-on. */
  get instructions(): number {
    return this.#core.instructions();
  }

  /** Master ticks since power-on. */
  get ticks(): number {
    return this.#core.totalTicks();
  }

  elapsed(): number {
    return this.#before + (this.#core.elapsed() >>> 0);
  }

  pullIn(ticks: number): void {
    if (ticks >= this.#end) return;
    this.#end = ticks;
    this.#core.pullIn(Math.max(0, ticks - this.#before));
  }

  run(ticks: number): StopReason {
    this.#before = 0;
    this.#end = ticks;
    for (;;) {
      const reason = this.#core.run(Math.min(MOST_TICKS, Math.max(0, this.#end - this.#before))) as StopReason;
      if (reason !== STOP.budget || this.elapsed() >= this.#end) return reason;
      this.#before += this.#core.elapsed() >>> 0;
    }
  }

  step(): StopReason {
    this.#before = 0;
    this.#end = 1;
    return this.#core.step() as StopReason;
  }

  get wakeIn(): number {
    const ticks = this.#core.wakeIn();
    return ticks < 0 ? Infinity : ticks;
  }

  skipped(ticks: number): void {
    this.#core.skipped(ticks);
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
    this.#core.setLines(this.#lines);
  }

  /** What `translate26` answered for these addresses no longer holds. */
  flushTlb(va: number, bytes: number): void {
    this.#core.flushRange(va, bytes);
  }

  translate(va: number, space: 'code' | 'data'): number | undefined {
    const pa = this.#core.translate(va, space === 'code' ? ACCESS_FETCH : ACCESS_READ);
    return pa < 0 ? undefined : pa;
  }

  /** Copies memory at a virtual address; false, with nothing useful copied, where it is not mapped. */
  readVirtual(va: number, into: Uint8Array): boolean {
    return this.#eachPage(va, into, (pa, part) => this.#map.dmaRead(pa, part));
  }

  writeVirtual(va: number, from: Uint8Array): boolean {
    return this.#eachPage(va, from, (pa, part) => this.#map.dmaWrite(pa, part));
  }

  registers(): Record<string, number | bigint> {
    const all: Record<string, number | bigint> = {};
    for (let n = 0; n < 15; n++) all[`r${n}`] = this.#words[GPR_BASE / 4 + n]!;
    all['pc'] = this.pc;
    if (this.#is26) all['r15'] = this.#core.r15() >>> 0;
    all['cpsr'] = this.#core.cpsr() >>> 0;
    for (const [name, [n, mode]] of BANKED) all[name] = this.#words[(this.#core.bankedPlace(n, mode) >>> 0) / 4]!;
    for (const [index, name] of SPSRS.entries()) all[`spsr_${name}`] = this.#words[SPSR_BASE / 4 + index]!;
    for (const name of PLAIN_REGISTERS) all[name] = this.#view.getUint32(CPU_STATE[name].offset, true);
    if (this.model === 'cortex-m0') {
      all['msp'] = this.#core.mainStack() >>> 0;
      all['psp'] = this.#core.processStack() >>> 0;
    }
    for (let n = 0; n < 32; n++) all[`d${n}`] = this.#view.getBigUint64(VFP_BASE + n * 8, true);
    return all;
  }

  setRegister(name: string, value: number | bigint): void {
    const word = Number(BigInt.asUintN(32, BigInt(value)));
    const general = /^r(\d+)$/.exec(name);
    const double = /^d(\d+)$/.exec(name);
    const spsr = SPSRS.indexOf(name.slice(5));
    const banked = BANKED.get(name);
    if (general !== null && Number(general[1]) < 15) {
      this.#words[GPR_BASE / 4 + Number(general[1])] = word;
    } else if (double !== null && Number(double[1]) < 32) {
      this.#view.setBigUint64(VFP_BASE + Number(double[1]) * 8, BigInt.asUintN(64, BigInt(value)), true);
    } else if (banked !== undefined) {
      this.#words[(this.#core.bankedPlace(...banked) >>> 0) / 4] = word;
    } else if (name.startsWith('spsr_') && spsr >= 0) {
      this.#words[SPSR_BASE / 4 + spsr] = word;
    } else if (name === 'pc') {
      this.#core.setPc(word);
    } else if (name === 'r15' && this.#is26) {
      this.#core.setR15(word);
    } else if (name === 'cpsr') {
      this.#core.setCpsr(word);
    } else if (PLAIN_REGISTERS.includes(name as StateField)) {
      this.#view.setUint32(CPU_STATE[name as StateField].offset, word, true);
      if (TRANSLATION.test(name)) this.#core.mapChanged();
    } else {
      throw new RangeError(`no register ${name}`);
    }
  }

  reset(_kind: ResetKind): void {
    this.#core.reset();
    this.#drivePins();
  }

  settle(): void {}

  save(): PlainFields {
    const fields: PlainFields = { version: VERSION, model: this.model };
    for (const [name, { offset, words }] of Object.entries(FILES)) {
      fields[name] = this.#words.slice(offset / 4, offset / 4 + words);
    }
    for (const name of STATE_FIELDS) {
      const { offset, bytes } = CPU_STATE[name];
      fields[name] = bytes === 8 ? this.#view.getBigUint64(offset, true) : this.#view.getUint32(offset, true);
    }
    // The slice that is running has not been added to the ticks yet; the pins are driven again by settle().
    fields['ticks'] = BigInt(this.#core.totalTicks());
    fields['irq'] = fields['fiq'] = fields['nvic_lines'] = 0;
    fields['pc'] = this.pc;
    return fields;
  }

  restore(state: PlainFields): void {
    const saved = new SavedFields(this.id, state);
    saved.int('version', VERSION, VERSION);
    if (saved.string('model') !== this.model) {
      throw new SnapshotError(`${this.id}: the snapshot has a ${saved.string('model')}, this machine a ${this.model}`);
    }
    const files = Object.entries(FILES).map(([name, { offset, words }]) => ({
      offset,
      words: saved.words(name, words),
    }));
    const values = STATE_FIELDS.map((name) => {
      if (CPU_STATE[name].bytes === 8) return bits64(this.id, name, state[name]);
      return saved.int(name, 0, FIELD_MAX[name] ?? 0xffff_ffff);
    });
    for (const { offset, words } of files) this.#words.set(words, offset / 4);
    for (const [index, name] of STATE_FIELDS.entries()) {
      const { offset } = CPU_STATE[name];
      const value = values[index]!;
      if (typeof value === 'bigint') this.#view.setBigUint64(offset, value, true);
      else this.#view.setUint32(offset, value, true);
    }
    this.#core.rebuild();
    this.#drivePins();
  }

  #drivePins(): void {
    this.#core.setPins(Number(this.#irq), Number(this.#fiq));
    this.#core.setLines(this.#lines);
  }

  #busError(): void {
    this.#view.setUint32(RUN_STATE.bus_error.offset, 1, true);
  }

  #eachPage(va: number, bytes: Uint8Array, visit: (pa: number, part: Uint8Array) => void): boolean {
    for (let done = 0; done < bytes.length;) {
      const at = (va + done) >>> 0;
      // Pages may be as small as 1 KiB.
      const length = Math.min(bytes.length - done, 1024 - (at % 1024));
      const pa = this.translate(at, 'data');
      if (pa === undefined) return false;
      visit(pa, bytes.subarray(done, done + length));
      done += length;
    }
    return true;
  }

  /** Tells the core which physical pages are whole pages of memory; all others go through the bus. */
  #mapChanged(): void {
    const pages: number[] = [];
    for (const { first, last, target, offset } of this.#map.flat) {
      if (target.kind !== 'ram' && target.kind !== 'rom') continue;
      const page = Math.ceil(first / PAGE_BYTES);
      const count = Math.floor((last + 1) / PAGE_BYTES) - page;
      const memoryOffset = target.block.offset + offset + (page * PAGE_BYTES - first);
      if (count <= 0 || memoryOffset % PAGE_BYTES !== 0) continue;
      pages.push(page, count, (memoryOffset | PHYS_RAM | (target.kind === 'ram' ? PHYS_WRITABLE : 0)) >>> 0);
    }
    if (pages.length === this.#pages.length && pages.every((value, index) => value === this.#pages[index])) return;
    for (let i = 0; i < this.#pages.length; i += 3) {
      this.#physMap.fill(0, this.#pages[i]!, this.#pages[i]! + this.#pages[i + 1]!);
    }
    for (let i = 0; i < pages.length; i += 3) {
      const [page, count, word] = [pages[i]!, pages[i + 1]!, pages[i + 2]!];
      for (let n = 0; n < count; n++) this.#physMap[page + n] = word + n * PAGE_BYTES;
    }
    this.#pages = pages;
    this.#core.mapChanged();
  }
}

/** The map's values are what a big-endian processor sees. */
function turn(value: number, width: Width): number {
  if (width === 1) return value;
  if (width === 2) return ((value & 0xff) << 8) | ((value >>> 8) & 0xff);
  return (value << 24) | ((value & 0xff00) << 8) | ((value >>> 8) & 0xff00) | (value >>> 24);
}

function bits64(owner: string, name: string, value: unknown): bigint {
  if (typeof value !== 'bigint' || BigInt.asUintN(64, value) !== value) {
    throw new SnapshotError(`${owner}: field "${name}" should be a 64-bit integer`);
  }
  return value;
}
