// SPDX-License-Identifier: MIT
import { CPU_STATE, CR_BASE, FPR_BASE, GPR_BASE } from '../../core/ppc/host/gen/state.ts';
import type { PpcModel } from '../../machines/devices/cpu/ppc.ts';
import { encode } from './ppc-decode.ts';
import { PpcMachine } from './ppc-machine.ts';
import { PageTable } from './ppc-page-table.ts';
import { ANSWER, SIGNAL } from './ppc-qemu.ts';
import {
  CODE,
  FIRST_WORD,
  MAX_BATCH,
  REQUEST,
  SLOT_WORDS,
  type Vector,
  WINDOW,
  WINDOW_BYTES,
  slotPc,
} from './ppc-vectors.ts';

const LOW_BYTES = 0x4_0000;
const HTAB = 0x2_0000;
const AREA_BYTES = 0x2_0000;
const CODE_BYTES = MAX_BATCH * SLOT_WORDS * 4;
/** User state with floating point, precise exceptions and translation. */
const MSR = 0x0000_f930 & ~0x8000;

const PROGRAM = 0x700;
const SRR1_FP_ENABLED = 0x0010_0000;
const SRR1_TRAP = 0x0002_0000;
const MSR_PR = 0x4000;

/** Our processor in the place of the harness: user state, the same areas at the same addresses, nothing else mapped. */
export class OurPpc {
  readonly #machine: PpcMachine;
  readonly #state: DataView;

  constructor(model: PpcModel = '750') {
    this.#machine = new PpcMachine({
      model,
      ram: [
        { first: 0, size: LOW_BYTES },
        { first: CODE, size: AREA_BYTES },
        { first: WINDOW & ~(AREA_BYTES - 1), size: AREA_BYTES },
      ],
    });
    const machine = this.#machine;
    this.#state = new DataView(machine.board.memory.memory.buffer);
    machine.set({ sdr1: new PageTable(machine, HTAB).sdr1 });
    for (const [n, pa] of [CODE, WINDOW & ~(AREA_BYTES - 1)].entries()) {
      // 128 KiB, valid for both states, read and write.
      for (const kind of ['ibat', 'dbat']) machine.set({ [`${kind}${n}u`]: pa | 3, [`${kind}${n}l`]: pa | 2 });
    }
    for (let vector = 0x100; vector < 0x3000; vector += 0x100) machine.setWord(vector, encode('b'));
  }

  /** Puts a batch's instructions into their slots; all other words are zero, an illegal instruction. */
  prepare(vectors: readonly Vector[]): void {
    const bytes = new Uint8Array(CODE_BYTES);
    const view = new DataView(bytes.buffer);
    vectors.forEach(({ words }, slot) => {
      words.forEach((word, i) => view.setUint32((slot * SLOT_WORDS + FIRST_WORD + i) * 4, word));
    });
    this.#machine.write(CODE, bytes);
  }

  /**
   * Runs one vector of the prepared batch and returns a `struct answer`: by single steps, or in one run that ends in an
   * exception as the harness's does.
   */
  run(vector: Vector, slot: number, stepping: boolean): DataView {
    this.#load(vector.request, slotPc(slot));
    if (!stepping) this.#machine.run(40);
    else for (let n = 0; n <= vector.words.length && this.#inUserState(); n++) this.#machine.step();
    return this.#answer();
  }

  #inUserState(): boolean {
    return (this.#word('msr') & MSR_PR) !== 0;
  }

  #word(name: keyof typeof CPU_STATE): number {
    return this.#state.getUint32(CPU_STATE[name].offset, true);
  }

  #setWord(name: keyof typeof CPU_STATE, value: number): void {
    this.#state.setUint32(CPU_STATE[name].offset, value, true);
  }

  #load(request: DataView, pc: number): void {
    const { cpu } = this.#machine;
    for (let n = 0; n < 32; n++) this.#state.setUint32(GPR_BASE + n * 4, request.getUint32(REQUEST.gpr + n * 4), true);
    for (let n = 0; n < 32; n++) {
      this.#state.setUint32(FPR_BASE + n * 8 + 4, request.getUint32(REQUEST.fpr + n * 8), true);
      this.#state.setUint32(FPR_BASE + n * 8, request.getUint32(REQUEST.fpr + n * 8 + 4), true);
    }
    const cr = request.getUint32(REQUEST.cr);
    for (let n = 0; n < 8; n++) this.#state.setUint8(CR_BASE + n, (cr >>> (28 - n * 4)) & 15);
    this.#setWord('lr', request.getUint32(REQUEST.lr));
    this.#setWord('ctr', request.getUint32(REQUEST.ctr));
    this.#setWord('fpscr', request.getUint32(REQUEST.fpscr));
    this.#setWord('reserved', 0);
    cpu.setRegister('xer', request.getUint32(REQUEST.xer));
    cpu.setRegister('msr', MSR);
    cpu.setRegister('pc', pc);
    this.#machine.write(WINDOW, new Uint8Array(request.buffer, request.byteOffset + REQUEST.window, WINDOW_BYTES));
  }

  #answer(): DataView {
    const answer = new DataView(new ArrayBuffer(ANSWER.bytes));
    const stopped = !this.#inUserState();
    answer.setUint32(ANSWER.signal, stopped ? this.#signal() : SIGNAL.SIGILL);
    answer.setUint32(ANSWER.pc, stopped ? this.#word('srr0') : this.#machine.cpu.pc);
    this.#machine.set({ msr: MSR }); // a TLB miss of the 603 has other r0 to r3
    for (let n = 0; n < 32; n++) answer.setUint32(ANSWER.gpr + n * 4, this.#state.getUint32(GPR_BASE + n * 4, true));
    for (let n = 0; n < 32; n++) {
      answer.setUint32(ANSWER.fpr + n * 8, this.#state.getUint32(FPR_BASE + n * 8 + 4, true));
      answer.setUint32(ANSWER.fpr + n * 8 + 4, this.#state.getUint32(FPR_BASE + n * 8, true));
    }
    let cr = 0;
    for (let n = 0; n < 8; n++) cr = (cr << 4) | this.#state.getUint8(CR_BASE + n);
    answer.setUint32(ANSWER.cr, cr >>> 0);
    const [so, ov, ca] = [this.#word('xer_so'), this.#word('xer_ov'), this.#word('xer_ca')];
    answer.setUint32(ANSWER.xer, ((so << 31) | (ov << 30) | (ca << 29) | this.#word('xer_count')) >>> 0);
    answer.setUint32(ANSWER.lr, this.#word('lr'));
    answer.setUint32(ANSWER.ctr, this.#word('ctr'));
    answer.setUint32(ANSWER.fpscr, this.#word('fpscr'));
    const window = this.#machine.bytes(WINDOW, WINDOW_BYTES);
    new Uint8Array(answer.buffer, ANSWER.window, WINDOW_BYTES).set(window);
    return answer;
  }

  /** The signal that Linux sends for the exception that was taken. */
  #signal(): number {
    const vector = this.#machine.cpu.pc & ~0xff;
    if (vector === 0x300 || vector === 0x400 || (vector >= 0x1000 && vector <= 0x1200)) return SIGNAL.SIGSEGV;
    if (vector === 0x600) return SIGNAL.SIGBUS;
    if (vector !== PROGRAM) return vector;
    const reason = this.#word('srr1');
    if (reason & SRR1_FP_ENABLED) return SIGNAL.SIGFPE;
    return reason & SRR1_TRAP ? SIGNAL.SIGTRAP : SIGNAL.SIGILL;
  }
}
