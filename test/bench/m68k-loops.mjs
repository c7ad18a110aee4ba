// SPDX-License-Identifier: MIT
// The loops of loops.mjs on the bare 68k core, as a 68040 with and without translation.
//   node test/bench/m68k-loops.mjs        needs a built core and Debian's gcc-m68k-linux-gnu
import { STACK, compileLoops, coreModule, measureLoops } from './loops.mjs';
import { table } from './support.mjs';

const BOOT = 0x1000;

function start({ core, view, ram, entry }, translated) {
  view.setUint32(ram, STACK);
  view.setUint32(ram + 4, BOOT);
  // Tables that map the first 8 MiB to themselves: root at 0x2000, pointers at 0x2200, pages from 0x2400 on.
  view.setUint32(ram + 0x2000, 0x2200 | 3);
  for (let n = 0; n < 32; n++) view.setUint32(ram + 0x2200 + n * 4, (0x2400 + n * 256) | 3);
  for (let n = 0; n < 2048; n++) view.setUint32(ram + 0x2400 + n * 4, (n * 4096) | 0x19);
  // lea 0x2000,a0; movec a0,srp; movec a0,urp; moveq #-128,d0; lsl.w #8,d0; movec d0,tc; jmp entry
  const boot = [
    ...[0x41f8, 0x2000, 0x4e7b, 0x8807, 0x4e7b, 0x8806, 0x7080, 0xe148],
    ...(translated ? [0x4e7b, 0x0003] : [0x4e71, 0x4e71]),
    ...[0x4ef9, entry >>> 16, entry & 0xffff],
  ];
  boot.forEach((word, index) => view.setUint16(ram + BOOT + index * 2, word));
  core.reset();
  core.mapChanged();
}

const module = coreModule('m68k');
const program = compileLoops({
  prefix: 'm68k-linux-gnu-',
  debianPackage: 'gcc-m68k-linux-gnu',
  flags: ['-mcpu=68040'],
  doubles: true,
});
const [physical, translated] = [false, true].map((translation) =>
  measureLoops(module, program, {
    imports: { irqAcknowledge: () => 24, resetLine: () => undefined },
    configure: (core) => core.configure(3, 3, 0),
    start: (at) => start(at, translation),
  }),
);
table(
  'Millions of guest instructions a second',
  ['loop', 'instructions (M)', 'check', 'physical', 'translated'],
  physical.map((row, n) => [...row, translated[n][3]]),
);
