// SPDX-License-Identifier: MIT
//
// A processor of the 68000 family: 68000, 68020, 68030 or 68040. Everything the guest sees is in core/m68k; this is its
// socket.
//
// Sockets: bus: the memory map it is given; `setIpl` (IPL2-0, a level), `interrupt` (one line as level `irqLevel`);
// `irqAck` answers interrupt acknowledge cycles; `resetOut` is the RESET pin as the RESET instruction drives it.
// Documents: [M68000PRM], [68000 UM], [68020 UM], [68030 UM], [68040 UM], [68881 UM].
// Not modelled: prefetch and instruction timing; contents and timing of the caches (memory is always coherent; CACR and
// CAAR only keep what is written); the 68030's address translation cache as something that may be out of date; breakpoint
// acknowledge cycles (BKPT is an illegal instruction); coprocessors other than the floating-point unit.
import type { ChipContext } from '../../backplane/board.ts';
import type { Width } from '../../backplane/bus.ts';
import { STOP, type Cpu, type StopReason } from '../../backplane/cpu.ts';
import { SavedFields, SnapshotError, type PlainFields, type ResetKind } from '../../backplane/device.ts';
import type { GuestMemory } from '../../backplane/memory.ts';
import type { MemoryMap } from '../../backplane/memory-map.ts';
import { Wire } from '../../backplane/wire.ts';
import { IdleLoop } from './idle-loop.ts';
import {
  CPU_STATE,
  FPFRAME_BASE,
  FPR_BASE,
  GPR_BASE,
  PHYS_RAM,
  PHYS_WRITABLE,
  RUN_STATE,
} from '../../../core/m68k/host/gen/state.ts';

export const M68K_MODELS = ['68000', '68020', '68030', '68040'] as const;
export type M68kModel = (typeof M68K_MODELS)[number];

export const M68K_FPUS = ['none', '68881', '68882', '68040'] as const;
export type M68kFpu = (typeof M68K_FPUS)[number];

export interface M68kOptions {
  readonly memory: GuestMemory;
  /** What the processor's bus sees. */
  readonly map: MemoryMap;
  /** dist/core/m68k.wasm, compiled. */
  readonly module: WebAssembly.Module;
  readonly model: M68kModel;
  /** The coprocessor of a 68020 or 68030, none unless given; the 68040 has its own unless 'none' (68LC040). */
  readonly fpu?: M68kFpu;
  /** A loop that waits for an interrupt, whatever it looks like, counts as idle; see idle-loop.ts. */
  readonly idleLoops?: boolean;
  /** Level of the single line `interrupt`. */
  readonly irqLevel?: number;
  /**
   * Ticks of a DBcc that branches to itself beyond its own one, for firmware that waits with such loops; they then run
   * in one step. Without it they are instructions like any other.
   */
  readonly delayTicks?: number | undefined;
  /** The vector that answers an interrupt acknowledge cycle; without it, or undefined: the level's autovector. */
  readonly irqAck?: (level: number) => number | undefined;
}

/** The functions of core/m68k/index.ts. */
interface Core {
  configure(model: number, fpu: number, hypercalls: number): void;
  setDelayTicks(ticks: number): void;
  reset(): void;
  rebuild(): void;
  run(ticks: number): number;
  step(): number;
  elapsed(): number;
  pullIn(ticks: number): void;
  interrupt(level: number): void;
  pc(): number;
  setPc(value: number): void;
  sr(): number;
  setSr(value: number): void;
  mapChanged(): void;
  translate(ea: number, access: number): number;
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

const AUTOVECTOR = 24;
const PAGE_BYTES = 4096;
/** Instructions until a waiting loop is looked for: after something happened, and at most, while there is none. */
const FIRST_IDLE_LOOK = 1500;
const LAST_IDLE_LOOK = 1 << 20;
/** A look needs this many. */
const IDLE_LOOK_TICKS = 5000;
/** The core counts slices in 32 bits; longer ones are run in parts. */
const MOST_TICKS = 1 << 26;
const VERSION = 1;

type StateField = keyof typeof CPU_STATE;
const STATE_FIELDS = Object.keys(CPU_STATE) as StateField[];

/** Fields that hold less than their type could; what a snapshot says beyond that is refused. */
const FIELD_MAX: Partial<Record<StateField, number>> = {
  cc_c: 1,
  cc_x: 1,
  sr: 0xf700,
  sfc: 7,
  dfc: 7,
  fp_state: 3,
  fp_pending: 0xff,
  ipl: 7,
  nmi: 1,
  sleeping: 1,
  stopped: 1,
  resume: 1,
  resume_write: 1,
  trace_pending: 1,
  vectors_due: 1,
};

/** Register files: where they are and how many words they have. */
const FILES = {
  gpr: { offset: GPR_BASE, words: 16 },
  fpr: { offset: FPR_BASE, words: 32 },
  fpframe: { offset: FPFRAME_BASE, words: 32 },
} as const;

/** Registers a debugger may name, with the state field that holds them. */
const PLAIN_REGISTERS = [
  ...[
    'vbr',
    'sfc',
    'dfc',
    'cacr',
    'caar',
    'tc',
    'itt0',
    'itt1',
    'dtt0',
    'dtt1',
    'urp',
    'srp',
    'crp_upper',
    'srp_upper',
  ],
  ...['mmusr', 'fpcr', 'fpsr', 'fpiar'],
] as StateField[];
const TRANSLATION = /^(tc|[id]tt[01]|urp|srp|(crp|srp)_upper)$/;

const SR_S = 0x2000;
const SR_M = 0x1000;

export class M68kCpu implements Cpu {
  readonly id: string;
  readonly model: M68kModel;
  /** RESET pin: a pulse each time the guest executes RESET. */
  readonly resetOut = new Wire('RESET');
  readonly #core: Core;
  readonly #map: MemoryMap;
  readonly #view: DataView;
  readonly #words: Uint32Array;
  readonly #physMap: Uint32Array;
  readonly #irqLevel: number;
  /** Physical pages that are memory now: first page, number of pages, word of the first. */
  #pages: number[] = [];
  #ipl = 0;
  #line = 0;
  /** Ticks of the slice's earlier parts, those the bus held the processor, and where the slice ends. */
  #before = 0;
  #stalled = 0;
  #end = 0;
  readonly #idleLoop: IdleLoop | undefined;
  /** The processor waits in a loop, and nothing has happened since. */
  #waiting = false;
  #deviceAccess = false;
  /** Instructions until the next look for a waiting loop, and until the one after that. */
  #lookIn = FIRST_IDLE_LOOK;
  #lookNext = FIRST_IDLE_LOOK;

  constructor(chip: ChipContext, options: M68kOptions) {
    const { memory, map, log } = { ...options, log: chip.log };
    this.id = chip.id;
    this.model = options.model;
    this.#map = map;
    this.#irqLevel = options.irqLevel ?? 1;
    this.#view = new DataView(memory.memory.buffer);
    this.#words = new Uint32Array(memory.memory.buffer);
    const halted = (a: number, b: number) => log.guest('double bus fault: halted at %x, accessing %x', a, b);
    const instance = new WebAssembly.Instance(options.module, {
      env: { memory: memory.memory },
      host: {
        mmioRead: (pa: number, width: Width): number => {
          this.#deviceAccess = true;
          const value = map.read(pa >>> 0, width);
          if (map.takeBusError()) this.#busError();
          return value;
        },
        mmioWrite: (pa: number, width: Width, value: number): void => {
          this.#deviceAccess = true;
          map.write(pa >>> 0, width, value >>> 0);
          if (map.takeBusError()) this.#busError();
        },
        irqAcknowledge: (level: number): number => options.irqAck?.(level) ?? AUTOVECTOR + level,
        resetLine: (): void => {
          this.resetOut.set(true);
          this.resetOut.set(false);
        },
        log: (_kind: number, a: number, b: number): void => halted(a >>> 0, b >>> 0),
      },
    });
    this.#core = instance.exports as unknown as Core;
    const core = this.#core;
    this.#physMap = new Uint32Array(memory.memory.buffer, core.physMapOffset.value, 1 << 20);
    const fpu = options.fpu ?? (options.model === '68040' ? '68040' : 'none');
    core.configure(M68K_MODELS.indexOf(options.model), M68K_FPUS.indexOf(fpu), 0);
    core.setDelayTicks(options.delayTicks ?? 0);
    memory.attachCore({
      reservedBytes: core.reservedBytes.value >>> 0,
      pageStateOffset: core.pageStateOffset.value >>> 0,
      invalidateCode: (offset, size) => core.invalidateCode(offset, size),
      protectTracked: () => core.protectTracked(),
      hostWrote: () => this.#wake(),
    });
    if (options.idleLoops === true) this.#idleLoop = this.#watchLoops(memory);
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
    return this.#before + this.#stalled + (this.#core.elapsed() >>> 0);
  }

  pullIn(ticks: number): void {
    if (ticks >= this.#end) return;
    this.#end = ticks;
    this.#core.pullIn(Math.max(0, ticks - this.#before - this.#stalled));
  }

  stall(ticks: number): void {
    this.#stalled += ticks;
    this.#core.skipped(ticks);
    this.#core.pullIn(Math.max(0, this.#end - this.#before - this.#stalled));
  }

  run(ticks: number): StopReason {
    this.#before = this.#stalled = 0;
    this.#end = ticks;
    if (this.#waiting) {
      this.#core.run(0);
      return STOP.idle;
    }
    for (;;) {
      const left = Math.max(0, this.#end - this.#before - this.#stalled);
      const most = this.#idleLoop !== undefined && left > IDLE_LOOK_TICKS ? this.#lookIn : MOST_TICKS;
      const reason = this.#core.run(Math.min(most, left)) as StopReason;
      const ran = this.#core.elapsed() >>> 0;
      this.#lookIn = Math.max(0, this.#lookIn - ran);
      if (reason !== STOP.budget || this.elapsed() >= this.#end) return reason;
      if (this.#idleLoop !== undefined && this.#lookIn === 0 && this.#end - this.elapsed() > IDLE_LOOK_TICKS) {
        if (this.#looksIdle(this.#idleLoop)) return STOP.idle;
        if (this.elapsed() >= this.#end) return STOP.budget;
      }
      this.#before += this.#core.elapsed() >>> 0;
    }
  }

  /** Looks whether the processor waits in a loop; the longer it does not, the more rarely. */
  #looksIdle(loop: IdleLoop): boolean {
    this.#waiting = true; // until something happens, in the loop too
    this.#waiting = loop.waits() && this.#waiting;
    this.#lookNext = this.#waiting ? FIRST_IDLE_LOOK : Math.min(LAST_IDLE_LOOK, this.#lookNext * 2);
    this.#lookIn = this.#lookNext;
    return this.#waiting;
  }

  #watchLoops(memory: GuestMemory): IdleLoop {
    const core = this.#core;
    const registers = new Uint8Array(memory.memory.buffer, GPR_BASE, CPU_STATE.ticks.offset - GPR_BASE);
    return new IdleLoop(memory, {
      get pc() {
        return core.pc() >>> 0;
      },
      stepOnce: () => {
        if (this.elapsed() >= this.#end) return false;
        this.#before += core.elapsed() >>> 0;
        return core.step() === STOP.budget;
      },
      takeDeviceAccess: () => {
        const accessed = this.#deviceAccess;
        this.#deviceAccess = false;
        return accessed;
      },
      registerBytes: () => registers.slice(),
      protectTracked: () => core.protectTracked(),
    });
  }

  /** Something happened that a waiting loop may see. */
  #wake(): void {
    if (!this.#waiting) return;
    this.#waiting = false;
    this.#lookIn = this.#lookNext = FIRST_IDLE_LOOK;
  }

  step(): StopReason {
    this.#wake();
    this.#before = this.#stalled = 0;
    this.#end = 1;
    return this.#core.step() as StopReason;
  }

  /** The processor has no timer of its own. */
  get wakeIn(): number {
    return Infinity;
  }

  skipped(ticks: number): void {
    this.#core.skipped(ticks);
  }

  /** The IPL pins: 0 no interrupt, 7 not maskable. */
  setIpl(level: number): void {
    this.#ipl = level & 7;
    this.#drivePins();
  }

  /** One line that asks for the level `irqLevel`, beside the IPL pins. */
  interrupt(level: boolean): void {
    this.#line = level ? this.#irqLevel : 0;
    this.#drivePins();
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

  registers(): Record<string, number | bigint> {
    const all: Record<string, number | bigint> = {};
    for (let n = 0; n < 8; n++) all[`d${n}`] = this.#words[GPR_BASE / 4 + n]!;
    for (let n = 0; n < 8; n++) all[`a${n}`] = this.#words[GPR_BASE / 4 + 8 + n]!;
    all['pc'] = this.pc;
    const sr = this.#core.sr() & 0xffff;
    all['sr'] = sr;
    const active = this.#stackField(sr);
    for (const name of ['usp', 'isp', 'msp'] as const) {
      all[name] = name === active ? this.#words[GPR_BASE / 4 + 15]! : this.#field(name);
    }
    for (const name of PLAIN_REGISTERS) all[name] = this.#field(name);
    for (let n = 0; n < 8; n++) all[`fp${n}`] = this.#extended(n);
    return all;
  }

  setRegister(name: string, value: number | bigint): void {
    this.#wake();
    const word = Number(BigInt.asUintN(32, BigInt(value)));
    const general = /^([da])([0-7])$/.exec(name);
    const float = /^fp([0-7])$/.exec(name);
    if (general !== null) {
      this.#words[GPR_BASE / 4 + (general[1] === 'a' ? 8 : 0) + Number(general[2])] = word;
    } else if (float !== null) {
      const at = FPR_BASE + Number(float[1]) * 16;
      this.#view.setBigUint64(at, BigInt.asUintN(64, BigInt(value)), true);
      this.#view.setUint32(at + 8, Number(BigInt.asUintN(16, BigInt(value) >> 64n)), true);
    } else if (name === 'pc') {
      this.#core.setPc(word);
    } else if (name === 'sr') {
      this.#core.setSr(word);
    } else if (name === 'usp' || name === 'isp' || name === 'msp') {
      if (name === this.#stackField(this.#core.sr())) this.#words[GPR_BASE / 4 + 15] = word;
      else this.#view.setUint32(CPU_STATE[name].offset, word, true);
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
    fields['ipl'] = 0;
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
    this.#wake();
    this.#core.interrupt(Math.max(this.#ipl, this.#line));
  }

  /** Which stack pointer A7 is. */
  #stackField(sr: number): 'usp' | 'isp' | 'msp' {
    if ((sr & SR_S) === 0) return 'usp';
    return (sr & SR_M) === 0 ? 'isp' : 'msp';
  }

  /** A floating-point register: sign and exponent above the 64 bits of the mantissa. */
  #extended(n: number): bigint {
    const at = FPR_BASE + n * 16;
    return (BigInt(this.#view.getUint32(at + 8, true)) << 64n) | this.#view.getBigUint64(at, true);
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
      // The 68030's pages may be as small as 256 bytes.
      const length = Math.min(bytes.length - done, 256 - (at % 256));
      const pa = this.translate(at, 'data');
      if (pa === undefined) return false;
      visit(pa, bytes.subarray(done, done + length));
      done += length;
    }
    return true;
  }

  /** Tells the core which physical pages are whole pages of memory; all others go through the bus. */
  #mapChanged(): void {
    this.#wake();
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
