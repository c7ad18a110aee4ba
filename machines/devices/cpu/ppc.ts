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
import { STOP, type Cpu, type StopReason } from '../../backplane/cpu.ts';
import { SavedFields, SnapshotError, type PlainFields, type ResetKind } from '../../backplane/device.ts';
import type { GuestMemory } from '../../backplane/memory.ts';
import type { MemoryMap } from '../../backplane/memory-map.ts';
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

export interface PpcOptions {
  readonly memory: GuestMemory;
  /** What the processor's bus sees. */
  readonly map: MemoryMap;
  /** dist/core/ppc.wasm, compiled. */
  readonly module: WebAssembly.Module;
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

/** The functions of core/ppc/index.ts. */
interface Core {
  configure(model: number, ticksPerTimebase: number, hypercalls: number, temperature: number): void;
  reset(): void;
  rebuild(): void;
  run(ticks: number): number;
  step(): number;
  elapsed(): number;
  pullIn(ticks: number): void;
  interrupt(level: number): void;
  post(bits: number): void;
  pc(): number;
  setPc(value: number): void;
  setMsr(value: number): void;
  cr(): number;
  setCr(value: number): void;
  xer(): number;
  setXer(value: number): void;
  decrementer(): number;
  setDecrementer(value: number): void;
  timebaseLower(): number;
  timebaseUpper(): number;
  mapChanged(): void;
  translate(ea: number, access: number): number;
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

// Bits of the core's word of waiting exceptions.
const PENDING_RESET = 0x01;
const PENDING_MACHINE_CHECK = 0x02;
const PENDING_SMI = 0x04;
const PENDING_EXTERNAL = 0x08;
const PENDING_ALL = 0x7f;

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
  xer_so: 1,
  xer_ov: 1,
  xer_ca: 1,
  xer_count: 0x7f,
  xer_byte: 0xff,
  reserved: 1,
  sleeping: 1,
  stopped: 1,
  pending: PENDING_ALL,
};

/** Register files: where they are and how many words they have. */
const FILES = {
  gpr: { offset: GPR_BASE, words: 32 },
  fpr: { offset: FPR_BASE, words: 64 },
  sr: { offset: SR_BASE, words: 16 },
  bat: { offset: BAT_BASE, words: 16 },
  sprg: { offset: SPRG_BASE, words: 4 },
  pmc: { offset: PMC_BASE, words: 4 },
  thrm: { offset: THRM_BASE, words: 3 },
  tgpr: { offset: TGPR_BASE, words: 4 },
  tlb603: { offset: TLB603_BASE, words: 2 * 32 * 2 * 3 },
} as const;

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

export class PpcCpu implements Cpu {
  readonly id: string;
  readonly model: PpcModel;
  readonly #core: Core;
  readonly #map: MemoryMap;
  readonly #view: DataView;
  readonly #words: Uint32Array;
  readonly #physMap: Uint32Array;
  readonly #hid1: number;
  /** Physical pages that are memory now: first page, number of pages, word of the first. */
  #pages: number[] = [];
  #irq = false;
  /** Ticks of the slice's earlier parts, and where the slice ends. */
  #before = 0;
  #end = 0;

  constructor(chip: ChipContext, options: PpcOptions) {
    const { memory, map, log } = { ...options, log: chip.log };
    if (!Number.isInteger(options.ticksPerTimebase) || options.ticksPerTimebase < 1) {
      throw new RangeError(`${chip.id}: ${options.ticksPerTimebase} ticks per time base tick`);
    }
    this.id = chip.id;
    this.model = options.model;
    this.#map = map;
    this.#hid1 = options.hid1 ?? 0;
    this.#view = new DataView(memory.memory.buffer);
    this.#words = new Uint32Array(memory.memory.buffer);
    const messages = [
      (a: number, b: number) => log.unimp('mfspr of SPR %d, which the processor does not have, at %x', a, b),
      (a: number, b: number) => log.unimp('mtspr of SPR %d, which the processor does not have, at %x', a, b),
      (a: number, b: number) => log.unimp('performance monitor event %d for PMC%d', b, a),
      (a: number, b: number) => log.guest('checkstop: machine check %x at %x with MSR[ME] clear', b, a),
    ];
    const instance = new WebAssembly.Instance(options.module, {
      env: { memory: memory.memory },
      host: {
        mmioRead: (pa: number, width: Width): number => {
          const value = map.read(pa >>> 0, width);
          if (map.takeBusError()) this.#busError();
          return value;
        },
        mmioWrite: (pa: number, width: Width, value: number): void => {
          map.write(pa >>> 0, width, value >>> 0);
          if (map.takeBusError()) this.#busError();
        },
        hypercall: (n: number): void => options.onHypercall?.(n),
        log: (kind: number, a: number, b: number): void => messages[kind]?.(a >>> 0, b >>> 0),
      },
    });
    this.#core = instance.exports as unknown as Core;
    const core = this.#core;
    this.#physMap = new Uint32Array(memory.memory.buffer, core.physMapOffset.value, 1 << 20);
    core.configure(
      PPC_MODELS.indexOf(options.model),
      options.ticksPerTimebase,
      options.onHypercall === undefined ? 0 : 1,
      options.temperature ?? 35,
    );
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

  /** Master ticks since power-on, as the time base counts them. */
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

  interrupt(level: boolean): void {
    this.#irq = level;
    this.#core.interrupt(level ? 1 : 0);
  }

  /** The SRESET pin's falling edge. */
  softReset(level: boolean): void {
    if (level) this.#core.post(PENDING_RESET);
  }

  /** The MCP pin's falling edge. */
  machineCheck(level: boolean): void {
    if (level) this.#core.post(PENDING_MACHINE_CHECK);
  }

  /** The SMI pin's falling edge. */
  systemManagement(level: boolean): void {
    if (level) this.#core.post(PENDING_SMI);
  }

  translate(va: number, space: 'code' | 'data'): number | undefined {
    const pa = this.#core.translate(va, space === 'code' ? ACCESS_FETCH : ACCESS_READ);
    return pa < 0 ? undefined : pa;
  }

  /** Copies memory at an effective address; false, with nothing useful copied, where it is not mapped. */
  readVirtual(va: number, into: Uint8Array): boolean {
    return this.#eachPage(va, into, (pa, part) => this.#map.dmaRead(pa, part));
  }

  writeVirtual(va: number, from: Uint8Array): boolean {
    return this.#eachPage(va, from, (pa, part) => this.#map.dmaWrite(pa, part));
  }

  /** General-purpose register `n`. */
  gpr(n: number): number {
    return this.#words[GPR_BASE / 4 + (n & 31)]!;
  }

  setGpr(n: number, value: number): void {
    this.#words[GPR_BASE / 4 + (n & 31)] = value;
  }

  registers(): Record<string, number | bigint> {
    const core = this.#core;
    const all: Record<string, number | bigint> = {
      pc: this.pc,
      msr: this.#field('msr'),
      cr: core.cr() >>> 0,
      xer: core.xer() >>> 0,
      dec: core.decrementer() >>> 0,
      tbl: core.timebaseLower() >>> 0,
      tbu: core.timebaseUpper() >>> 0,
    };
    for (const name of PLAIN_REGISTERS) all[name] = this.#field(name);
    for (const [name, offset] of FILE_REGISTERS) all[name] = this.#words[offset / 4]!;
    for (let n = 0; n < 32; n++) all[`f${n}`] = this.#view.getBigUint64(FPR_BASE + n * 8, true);
    return all;
  }

  setRegister(name: string, value: number | bigint): void {
    const core = this.#core;
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
      this.#view.setBigUint64(FPR_BASE + Number(float[1]) * 8, BigInt.asUintN(64, BigInt(value)), true);
    } else if (offset !== undefined) {
      this.#words[offset / 4] = word;
      if (/^(sr|[id]bat)/.test(name)) core.mapChanged();
    } else if (PLAIN_REGISTERS.includes(name as StateField)) {
      this.#view.setUint32(CPU_STATE[name as StateField].offset, word, true);
      if (name === 'sdr1' || name === 'dabr') core.mapChanged();
    } else {
      throw new RangeError(`no register ${name}`);
    }
  }

  reset(_kind: ResetKind): void {
    this.#core.reset();
    if (this.model !== '601') this.#view.setUint32(CPU_STATE.hid1.offset, this.#hid1, true);
    this.#core.interrupt(this.#irq ? 1 : 0);
  }

  settle(): void {}

  save(): PlainFields {
    const fields: PlainFields = { version: VERSION, model: this.model, cr: this.#core.cr() >>> 0 };
    for (const [name, { offset, words }] of Object.entries(FILES)) {
      fields[name] = this.#words.slice(offset / 4, offset / 4 + words);
    }
    for (const name of STATE_FIELDS) {
      const { offset, bytes } = CPU_STATE[name];
      fields[name] = bytes === 8 ? this.#view.getBigUint64(offset, true) : this.#view.getUint32(offset, true);
    }
    // The slice that is running has not been added to the ticks yet; the pin is driven again by settle().
    fields['ticks'] = BigInt(this.#core.totalTicks());
    fields['pending'] = this.#field('pending') & ~PENDING_EXTERNAL;
    fields['pc'] = this.pc;
    return fields;
  }

  restore(state: PlainFields): void {
    const saved = new SavedFields(this.id, state);
    saved.int('version', VERSION, VERSION);
    if (saved.string('model') !== this.model) {
      throw new SnapshotError(`${this.id}: the snapshot has a ${saved.string('model')}, this machine a ${this.model}`);
    }
    const cr = saved.u32('cr');
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
    this.#core.setCr(cr);
    this.#core.setPc(this.#field('pc'));
    this.#core.interrupt(this.#irq ? 1 : 0);
  }

  #field(name: StateField): number {
    return this.#view.getUint32(CPU_STATE[name].offset, true);
  }

  #busError(): void {
    this.#view.setUint32(RUN_STATE.bus_error.offset, 1, true);
  }

  #eachPage(va: number, bytes: Uint8Array, visit: (pa: number, part: Uint8Array) => void): boolean {
    for (let done = 0; done < bytes.length;) {
      const at = (va + done) >>> 0;
      const length = Math.min(bytes.length - done, PAGE_BYTES - (at % PAGE_BYTES));
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

function bits64(owner: string, name: string, value: unknown): bigint {
  if (typeof value !== 'bigint' || BigInt.asUintN(64, value) !== value) {
    throw new SnapshotError(`${owner}: field "${name}" should be a 64-bit integer`);
  }
  return value;
}
