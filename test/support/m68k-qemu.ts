// SPDX-License-Identifier: MIT
//
// The two processors that single instructions are compared on: QEMU's in a process of its own, and ours.
import type { MemoryBlock } from '../../machines/backplane/memory.ts';
import { region } from '../../machines/backplane/memory-map.ts';
import { TestM68k } from './m68k.ts';
import {
  ANSWER,
  CODE,
  DATA,
  FIRST_BYTE,
  MAX_BATCH,
  MAX_WORDS,
  type M68kVector,
  REQUEST,
  SLOT_BYTES,
  STATE,
  WINDOW,
  WINDOW_BYTES,
  ILLEGAL,
} from './m68k-vectors.ts';
import { QemuHarness, missingCommands } from './qemu-harness.ts';

/** `undefined` when qemu-m68k and the cross tools are there, else the command that installs what is missing. */
export function missingTools(): string | undefined {
  return missingCommands({ 'qemu-m68k': 'qemu-user', 'm68k-linux-gnu-gcc': 'gcc-m68k-linux-gnu' });
}

const CFLAGS =
  '-O2 -std=gnu11 -Wall -Wextra -Werror -mcpu=68040 -ffreestanding -fno-builtin -fno-stack-protector -fno-pic -no-pie ' +
  '-fno-tree-loop-distribute-patterns -nostdlib -static -Wl,-z,noexecstack';

/** The harness program under qemu-m68k, answering batches of requests. */
export class QemuM68k extends QemuHarness {
  constructor(model = 'm68040') {
    super({
      isa: 'm68k',
      compiler: 'm68k-linux-gnu-gcc',
      flags: CFLAGS,
      model,
      requestBytes: REQUEST.bytes,
      answerBytes: ANSWER.bytes,
      maxBatch: MAX_BATCH,
      littleEndian: false,
    });
  }
}

/** Vector of a data type that the 68040 leaves to software; `code` of our answer then. */
export const UNSUPPORTED_TYPE = 55;

const SIGILL = 4;
const SIGFPE = 8;
const SIGSEGV = 11;
const FPE_INTDIV = 1;
const FPE_INTOVF = 2;

/** Our processor, in user mode, answering like the harness. */
export class OurM68k {
  readonly #machine: TestM68k;
  #code!: MemoryBlock;
  #data!: MemoryBlock;

  constructor() {
    this.#machine = new TestM68k({
      model: '68040',
      extend: (map, memory) => {
        this.#code = memory.allocate('code', MAX_BATCH * SLOT_BYTES);
        this.#data = memory.allocate('data', 0x2000);
        map.add(region(CODE, CODE + MAX_BATCH * SLOT_BYTES - 1).ram(this.#code));
        map.add(region(DATA, DATA + 0x1fff).ram(this.#data));
      },
    });
    for (let at = 0; at < MAX_BATCH * SLOT_BYTES; at += 2) this.#code.view.setUint16(at, ILLEGAL);
  }

  prepare(vectors: readonly M68kVector[]): void {
    vectors.forEach(({ request }, slot) => {
      for (let n = 0; n < MAX_WORDS; n++) {
        this.#code.view.setUint16(slot * SLOT_BYTES + FIRST_BYTE + n * 2, request.getUint16(n * 2));
      }
    });
    this.#machine.board.memory.written(this.#code.offset, MAX_BATCH * SLOT_BYTES);
  }

  /** With `stepping` a single step, else the ordinary loop. */
  run({ request }: M68kVector, slot: number, stepping: boolean): DataView {
    const { cpu } = this.#machine;
    const answer = new DataView(new ArrayBuffer(ANSWER.bytes));
    const from = REQUEST.state;
    cpu.setRegister('sr', request.getUint32(from + STATE.sr) & 0x1f);
    cpu.setRegister('isp', TestM68k.STACK);
    for (let n = 0; n < 16; n++) {
      cpu.setRegister(`${n < 8 ? 'd' : 'a'}${n & 7}`, request.getUint32(from + STATE.gpr + n * 4));
    }
    cpu.setRegister('fpcr', request.getUint32(from + STATE.fpcr));
    cpu.setRegister('fpiar', 0);
    cpu.setRegister('fpsr', request.getUint32(from + STATE.fpsr));
    for (let n = 0; n < 8; n++) {
      const at = from + STATE.fp + n * 12;
      const mantissa = (BigInt(request.getUint32(at + 4)) << 32n) | BigInt(request.getUint32(at + 8));
      cpu.setRegister(`fp${n}`, (BigInt(request.getUint16(at)) << 64n) | mantissa);
    }
    for (let at = 0; at < WINDOW_BYTES; at += 4) {
      this.#data.view.setUint32(WINDOW - DATA + at, request.getUint32(from + STATE.window + at));
    }
    cpu.setRegister('pc', CODE + slot * SLOT_BYTES + FIRST_BYTE);
    if (stepping) cpu.step();
    else cpu.run(1);
    // A store that ended the instruction may still have to fail; the next instruction is illegal.
    const state = cpu.registers();
    let pc = Number(state['pc']);
    let signal = SIGILL;
    let code = 0;
    let ccr = Number(state['sr']);
    if (pc >= TestM68k.handler(0) && pc < TestM68k.handler(256)) {
      const vector = (pc - TestM68k.handler(0)) / 16;
      const sp = Number(state['a7']);
      pc = this.#machine.long(sp + 2);
      ccr = this.#machine.word(sp);
      if (vector === UNSUPPORTED_TYPE) code = UNSUPPORTED_TYPE;
      if (vector === 2) signal = SIGSEGV;
      else if (vector >= 5 && vector <= 7) [signal, code] = [SIGFPE, vector === 5 ? FPE_INTDIV : FPE_INTOVF];
      cpu.setRegister('fpcr', 0);
    }
    answer.setUint32(ANSWER.signal, signal);
    answer.setUint32(ANSWER.code, code);
    answer.setUint32(ANSWER.pc, pc);
    const to = ANSWER.state;
    for (let n = 0; n < 16; n++) {
      const value = n === 15 ? state['usp'] : state[`${n < 8 ? 'd' : 'a'}${n & 7}`];
      answer.setUint32(to + STATE.gpr + n * 4, Number(value));
    }
    answer.setUint32(to + STATE.sr, ccr & 0x1f);
    answer.setUint32(to + STATE.fpcr, Number(state['fpcr']));
    answer.setUint32(to + STATE.fpsr, Number(state['fpsr']));
    for (let n = 0; n < 8; n++) {
      const value = BigInt(state[`fp${n}`]!);
      const at = to + STATE.fp + n * 12;
      answer.setUint32(at, Number(value >> 64n) * 0x1_0000);
      answer.setUint32(at + 4, Number((value >> 32n) & 0xffff_ffffn));
      answer.setUint32(at + 8, Number(value & 0xffff_ffffn));
    }
    for (let at = 0; at < WINDOW_BYTES; at += 4) {
      answer.setUint32(to + STATE.window + at, this.#data.view.getUint32(WINDOW - DATA + at));
    }
    return answer;
  }
}
