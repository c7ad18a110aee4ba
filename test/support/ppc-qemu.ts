// SPDX-License-Identifier: MIT
import { MAX_BATCH, REQUEST } from './ppc-vectors.ts';
import { QemuHarness, missingCommands } from './qemu-harness.ts';

/** Byte offsets in `struct answer`. */
export const ANSWER = {
  signal: 0,
  code: 4,
  pc: 8,
  gpr: 16,
  cr: 144,
  xer: 148,
  lr: 152,
  ctr: 156,
  fpscr: 160,
  fpr: 168,
  window: 424,
  bytes: 680,
};

export const SIGNAL = { SIGILL: 4, SIGTRAP: 5, SIGBUS: 7, SIGFPE: 8, SIGSEGV: 11 } as const;

/** `undefined` when qemu-ppc and the cross tools are there, else the command that installs what is missing. */
export function missingTools(): string | undefined {
  return missingCommands({
    'qemu-ppc': 'qemu-user',
    'powerpc-linux-gnu-gcc': 'gcc-powerpc-linux-gnu libc6-dev-powerpc-cross',
  });
}

const CFLAGS =
  '-O2 -std=gnu11 -Wall -Wextra -Werror -ffreestanding -fno-builtin -fno-stack-protector -fno-pic -no-pie ' +
  '-msdata=none -mno-altivec -fno-tree-loop-distribute-patterns -nostdlib -static -Wl,-z,noexecstack';

/** The harness program under qemu-ppc, answering batches of requests. */
export class QemuPpc extends QemuHarness {
  constructor(model = '750') {
    super({
      isa: 'ppc',
      compiler: 'powerpc-linux-gnu-gcc',
      flags: CFLAGS,
      model,
      requestBytes: REQUEST.bytes,
      answerBytes: ANSWER.bytes,
      maxBatch: MAX_BATCH,
      littleEndian: false,
    });
  }
}
