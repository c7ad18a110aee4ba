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
import { STOP, type StopReason } from '../../backplane/cpu.ts';
import type { PlainFields, ResetKind } from '../../backplane/device.ts';
import type { GuestMemory } from '../../backplane/memory.ts';
import { Wire } from '../../backplane/wire.ts';
import { CoreSocket, MOST_TICKS, type ProcessorCore, type SocketOptions, type StateLayout } from './core-socket.ts';
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

export interface M68kOptions extends SocketOptions {
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

/** The functions of core/m68k/index.ts beside those of every core. */
interface Core extends ProcessorCore {
  configure(model: number, fpu: number, hypercalls: number): void;
  setDelayTicks(ticks: number): void;
  interrupt(level: number): void;
  sr(): number;
  setSr(value: number): void;
}

const AUTOVECTOR = 24;
/** Instructions until a waiting loop is looked for: after something happened, and at most, while there is none. */
const FIRST_IDLE_LOOK = 1500;
const LAST_IDLE_LOOK = 1 << 20;
/** A look needs this many. */
const IDLE_LOOK_TICKS = 5000;

type StateField = keyof typeof CPU_STATE;

const LAYOUT: StateLayout<StateField> = {
  version: 1,
  fields: CPU_STATE,
  fieldMax: {
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
  },
  files: {
    gpr: { offset: GPR_BASE, words: 16 },
    fpr: { offset: FPR_BASE, words: 32 },
    fpframe: { offset: FPFRAME_BASE, words: 32 },
  },
  busError: RUN_STATE.bus_error,
  physRam: PHYS_RAM,
  physWritable: PHYS_WRITABLE,
  // The 68030's pages may be as small as this.
  smallestPage: 256,
};

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

export class M68kCpu extends CoreSocket<Core, StateField> {
  readonly model: M68kModel;
  /** RESET pin: a pulse each time the guest executes RESET. */
  readonly resetOut = new Wire('RESET');
  readonly #irqLevel: number;
  #ipl = 0;
  #line = 0;
  readonly #idleLoop: IdleLoop | undefined;
  /** The processor waits in a loop, and nothing has happened since. */
  #waiting = false;
  #deviceAccess = false;
  /** Instructions until the next look for a waiting loop, and until the one after that. */
  #lookIn = FIRST_IDLE_LOOK;
  #lookNext = FIRST_IDLE_LOOK;

  constructor(chip: ChipContext, options: M68kOptions) {
    const { memory, map } = options;
    const { log } = chip;
    const halted = (a: number, b: number) => log.guest('double bus fault: halted at %x, accessing %x', a, b);
    super(chip, options, LAYOUT, {
      mmioRead: (pa: number, width: Width): number => {
        this.#deviceAccess = true;
        const value = map.read(pa >>> 0, width);
        if (map.takeBusError()) this.busError();
        return value;
      },
      mmioWrite: (pa: number, width: Width, value: number): void => {
        this.#deviceAccess = true;
        map.write(pa >>> 0, width, value >>> 0);
        if (map.takeBusError()) this.busError();
      },
      irqAcknowledge: (level: number): number => options.irqAck?.(level) ?? AUTOVECTOR + level,
      resetLine: (): void => {
        this.resetOut.set(true);
        this.resetOut.set(false);
      },
      log: (_kind: number, a: number, b: number): void => halted(a >>> 0, b >>> 0),
    });
    this.model = options.model;
    this.#irqLevel = options.irqLevel ?? 1;
    const fpu = options.fpu ?? (options.model === '68040' ? '68040' : 'none');
    this.core.configure(M68K_MODELS.indexOf(options.model), M68K_FPUS.indexOf(fpu), 0);
    this.core.setDelayTicks(options.delayTicks ?? 0);
    this.powerOn(() => this.#wake());
    if (options.idleLoops === true) this.#idleLoop = this.#watchLoops(memory);
  }

  stall(ticks: number): void {
    this.hold(ticks);
  }

  override run(ticks: number): StopReason {
    this.beginSlice(ticks);
    if (this.#waiting) {
      this.core.run(0);
      return STOP.idle;
    }
    for (;;) {
      const left = this.partLeft;
      const most = this.#idleLoop !== undefined && left > IDLE_LOOK_TICKS ? this.#lookIn : MOST_TICKS;
      const reason = this.core.run(Math.min(most, left)) as StopReason;
      const ran = this.core.elapsed() >>> 0;
      this.#lookIn = Math.max(0, this.#lookIn - ran);
      if (reason !== STOP.budget || this.sliceOver) return reason;
      if (this.#idleLoop !== undefined && this.#lookIn === 0 && this.sliceLeft > IDLE_LOOK_TICKS) {
        if (this.#looksIdle(this.#idleLoop)) return STOP.idle;
        if (this.sliceOver) return STOP.budget;
      }
      this.endPart();
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
    const { core } = this;
    const registers = new Uint8Array(memory.memory.buffer, GPR_BASE, CPU_STATE.ticks.offset - GPR_BASE);
    return new IdleLoop(memory, {
      get pc() {
        return core.pc() >>> 0;
      },
      stepOnce: () => {
        if (this.sliceOver) return false;
        this.endPart();
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

  override step(): StopReason {
    this.#wake();
    return super.step();
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

  registers(): Record<string, number | bigint> {
    const all: Record<string, number | bigint> = {};
    for (let n = 0; n < 8; n++) all[`d${n}`] = this.words[GPR_BASE / 4 + n]!;
    for (let n = 0; n < 8; n++) all[`a${n}`] = this.words[GPR_BASE / 4 + 8 + n]!;
    all['pc'] = this.pc;
    const sr = this.core.sr() & 0xffff;
    all['sr'] = sr;
    const active = this.#stackField(sr);
    for (const name of ['usp', 'isp', 'msp'] as const) {
      all[name] = name === active ? this.words[GPR_BASE / 4 + 15]! : this.field(name);
    }
    for (const name of PLAIN_REGISTERS) all[name] = this.field(name);
    for (let n = 0; n < 8; n++) all[`fp${n}`] = this.#extended(n);
    return all;
  }

  setRegister(name: string, value: number | bigint): void {
    this.#wake();
    const word = Number(BigInt.asUintN(32, BigInt(value)));
    const general = /^([da])([0-7])$/.exec(name);
    const float = /^fp([0-7])$/.exec(name);
    if (general !== null) {
      this.words[GPR_BASE / 4 + (general[1] === 'a' ? 8 : 0) + Number(general[2])] = word;
    } else if (float !== null) {
      const at = FPR_BASE + Number(float[1]) * 16;
      this.view.setBigUint64(at, BigInt.asUintN(64, BigInt(value)), true);
      this.view.setUint32(at + 8, Number(BigInt.asUintN(16, BigInt(value) >> 64n)), true);
    } else if (name === 'pc') {
      this.core.setPc(word);
    } else if (name === 'sr') {
      this.core.setSr(word);
    } else if (name === 'usp' || name === 'isp' || name === 'msp') {
      if (name === this.#stackField(this.core.sr())) this.words[GPR_BASE / 4 + 15] = word;
      else this.setField(name, word);
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
    return { ...this.saveState(), ipl: 0 };
  }

  override restore(state: PlainFields): void {
    super.restore(state);
    this.#drivePins();
  }

  #drivePins(): void {
    this.#wake();
    this.core.interrupt(Math.max(this.#ipl, this.#line));
  }

  /** Which stack pointer A7 is. */
  #stackField(sr: number): 'usp' | 'isp' | 'msp' {
    if ((sr & SR_S) === 0) return 'usp';
    return (sr & SR_M) === 0 ? 'isp' : 'msp';
  }

  /** A floating-point register: sign and exponent above the 64 bits of the mantissa. */
  #extended(n: number): bigint {
    const at = FPR_BASE + n * 16;
    return (BigInt(this.view.getUint32(at + 8, true)) << 64n) | this.view.getBigUint64(at, true);
  }

  protected override mapChanged(): void {
    this.#wake();
    super.mapChanged();
  }
}
