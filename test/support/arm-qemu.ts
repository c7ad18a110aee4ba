// SPDX-License-Identifier: MIT
//
// Short sequences of user-mode instructions, executed by qemu-arm and by our processor behind its MMU, from the same
// state.
import { CPU_STATE, GPR_BASE, VFP_BASE } from '../../core/arm/host/gen/state.ts';
import type { ArmModel } from '../../machines/devices/cpu/arm.ts';
import { TestArm } from './arm.ts';
import { QemuHarness, missingCommands } from './qemu-harness.ts';

export const CODE = 0x10_0000;
export const DATA = 0x20_0000;
export const CODE_BYTES = 64;
const DATA_BYTES = 4096;
export const WINDOW = 0x700;
const WINDOW_BYTES = 256;

/** Byte offsets in `struct state`. */
export const STATE = { r: 0, cpsr: 60, fpscr: 64, vfp: 80, d: 88, bytes: 344 } as const;
/** Byte offsets in `struct request`. */
export const REQUEST = {
  flags: 0,
  vfp: 4,
  length: 8,
  seed: 12,
  state: 16,
  code: 16 + STATE.bytes,
  bytes: 424,
} as const;
/** Byte offsets in `struct answer`. */
export const ANSWER = { signal: 0, pc: 4, checksum: 8, state: 16, window: 16 + STATE.bytes, bytes: 616 } as const;
export const FLAG_THUMB = 1;
export const FLAG_V7 = 2;
export const MAX_BATCH = 256;

export const SIGNAL = { SIGILL: 4, SIGTRAP: 5, SIGBUS: 7, SIGSEGV: 11 } as const;

/** What ends a sequence in the harness: to its exit, whose address is in the state that R13 points to. */
export const EXIT_ARM = 0xe59d_f048; // ldr pc, [sp, #72]
export const EXIT_THUMB = [0xf8dd, 0xf048] as const;

/** `undefined` when qemu-arm and the cross tools are there, else the command that installs what is missing. */
export function missingTools(): string | undefined {
  return missingCommands({
    'qemu-arm': 'qemu-user',
    'arm-linux-gnueabi-gcc': 'gcc-arm-linux-gnueabi libc6-dev-armel-cross',
  });
}

/** The harness program under qemu-arm, answering batches of requests. */
export class QemuArm extends QemuHarness {
  constructor(model: string) {
    super({
      isa: 'arm',
      compiler: 'arm-linux-gnueabi-gcc',
      flags: '-O2 -static -marm -Wl,-Ttext-segment=0x70000000',
      model,
      requestBytes: REQUEST.bytes,
      answerBytes: ANSWER.bytes,
      maxBatch: MAX_BATCH,
      littleEndian: true,
    });
  }
}

const RAM_BYTES = 0x30_0000;
const TABLE = 0x8000;
const PAGES = 0xc000;
const BRANCH_TO_ITSELF = 0xeaff_fffe;
const BRANCH_TO_ITSELF_THUMB = 0xe7fe;
const ALL_ACCESS = 0xff0; // version 5: four subpages
const ALL_ACCESS_7 = 0x030;

/** Our processor in user mode, with the pages of the harness and nothing else. */
export class OurArm {
  readonly machine: TestArm;
  readonly #view: DataView;
  readonly #words: Uint32Array;
  readonly #data: Uint32Array;

  constructor(model: ArmModel) {
    this.machine = new TestArm({ model, ramBytes: RAM_BYTES });
    const { cpu, ram, board } = this.machine;
    this.#view = new DataView(board.memory.memory.buffer);
    this.#words = new Uint32Array(board.memory.memory.buffer);
    this.#data = new Uint32Array(ram.bytes.buffer, ram.bytes.byteOffset + DATA, DATA_BYTES / 4);
    for (let n = 0; n < 1024; n++) ram.view.setUint32(CODE + n * 4, Math.imul(n, 0x9e37_79b1), true);
    for (let vector = 0; vector < 8; vector++) this.machine.code(vector * 4, BRANCH_TO_ITSELF);
    // A section for the vectors, privileged; tables of small pages for the code and the data.
    const v7 = model === 'cortex-a8';
    ram.view.setUint32(TABLE, v7 ? 0x402 : 0x412, true);
    for (const [section, page] of [
      [CODE, PAGES],
      [DATA, PAGES + 0x400],
    ] as const) {
      ram.view.setUint32(TABLE + (section >>> 20) * 4, page | (v7 ? 1 : 0x11), true);
      ram.view.setUint32(page, section | (v7 ? ALL_ACCESS_7 : ALL_ACCESS) | 2, true);
    }
    this.machine.set({ ttbr0: TABLE, dacr: 1, sctlr: 0x00c5_0079 });
    if (v7) this.machine.set({ cpacr: 0x00f0_0000, fpexc: 0x4000_0000 });
    cpu.setRegister('pc', 0);
  }

  run(request: DataView): DataView {
    const { cpu, ram, board } = this.machine;
    const thumb = request.getUint32(REQUEST.flags, true) & FLAG_THUMB;
    const vfp = request.getUint32(REQUEST.vfp, true);
    const length = request.getUint32(REQUEST.length, true);
    const code = new Uint8Array(request.buffer, request.byteOffset + REQUEST.code, CODE_BYTES);
    ram.bytes.set(code, CODE);
    if (thumb !== 0) ram.view.setUint16(CODE + length, BRANCH_TO_ITSELF_THUMB, true);
    else ram.view.setUint32(CODE + length, BRANCH_TO_ITSELF, true);
    board.memory.written(ram.offset + CODE, CODE_BYTES);
    let x = request.getUint32(REQUEST.seed, true);
    for (let n = 0; n < this.#data.length; n++) this.#data[n] = x = (Math.imul(x, 1_664_525) + 1_013_904_223) >>> 0;
    const from = REQUEST.state;
    cpu.setRegister('cpsr', (request.getUint32(from + STATE.cpsr, true) & 0xf80f_0000) | 0x10 | (thumb << 5));
    cpu.setRegister('pc', CODE);
    for (let n = 0; n < 15; n++) this.#words[GPR_BASE / 4 + n] = request.getUint32(from + STATE.r + n * 4, true);
    this.#field('exclusive', 0);
    if (vfp !== 0) {
      this.#field('fpscr', request.getUint32(from + STATE.fpscr, true));
      for (let n = 0; n < 64; n++) this.#words[VFP_BASE / 4 + n] = request.getUint32(from + STATE.d + n * 4, true);
    }
    cpu.run(CODE_BYTES);
    return this.#answer(vfp);
  }

  #answer(vfp: number): DataView {
    const answer = new DataView(new ArrayBuffer(ANSWER.bytes));
    const { cpu, ram } = this.machine;
    const core = cpu.registers();
    const mode = Number(core['cpsr']) & 0x1f;
    let pc = cpu.pc;
    let cpsr = Number(core['cpsr']);
    if (mode !== 0x10) {
      const undefined_ = mode === 0x1b;
      const prefetch = pc === 0xc;
      cpsr = Number(core[undefined_ ? 'spsr_und' : 'spsr_abt']);
      const back = Number(core[undefined_ ? 'r14_und' : 'r14_abt']);
      pc = back - (undefined_ ? ((cpsr & 0x20) !== 0 ? 2 : 4) : prefetch ? 4 : 8);
      answer.setUint32(ANSWER.signal, undefined_ ? SIGNAL.SIGILL : SIGNAL.SIGSEGV, true);
    }
    answer.setUint32(ANSWER.pc, pc, true);
    const to = ANSWER.state;
    for (let n = 0; n < 13; n++) answer.setUint32(to + n * 4, this.#words[GPR_BASE / 4 + n]!, true);
    answer.setUint32(to + 14 * 4, Number(core['r14_usr']), true);
    answer.setUint32(to + STATE.cpsr, cpsr, true);
    if (vfp !== 0) {
      answer.setUint32(to + STATE.fpscr, Number(core['fpscr']), true);
      for (let n = 0; n < 64; n++) answer.setUint32(to + STATE.d + n * 4, this.#words[VFP_BASE / 4 + n]!, true);
    }
    let sum = 0;
    for (const word of this.#data) sum = ((sum << 5) | (sum >>> 27)) ^ word;
    answer.setUint32(ANSWER.checksum, sum >>> 0, true);
    const window = new Uint8Array(answer.buffer, ANSWER.window, WINDOW_BYTES);
    window.set(ram.bytes.subarray(DATA + WINDOW, DATA + WINDOW + WINDOW_BYTES));
    return answer;
  }

  #field(name: keyof typeof CPU_STATE, value: number): void {
    this.#view.setUint32(CPU_STATE[name].offset, value, true);
  }
}
