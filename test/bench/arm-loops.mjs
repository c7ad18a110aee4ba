// SPDX-License-Identifier: MIT
// The loops of loops.mjs on the bare ARM core: as an ARM2 and an ARM3 with 26-bit addresses, as an ARM926EJ-S, and as a
// Cortex-A8 behind its MMU in ARM and in Thumb-2 code.
//   node test/bench/arm-loops.mjs        needs a built core and Debian's gcc-arm-linux-gnueabi
import { STACK, compileLoops, coreModule, measureLoops } from './loops.mjs';
import { table } from './support.mjs';

const BOOT = 0x1000;
const TABLE = 0x8000; // a first-level translation table of 16 KiB

const RUNS = [
  { title: 'ARM2', model: 0, flags: ['-march=armv4', '-marm', '-Wl,--fix-v4bx'] },
  { title: 'ARM3', model: 2, flags: ['-march=armv4', '-marm', '-Wl,--fix-v4bx'] },
  { title: 'ARM926', model: 4, flags: ['-march=armv5te', '-marm'] },
  { title: 'Cortex-A8, ARM', model: 5, mmu: true, flags: ['-march=armv7-a', '-marm', '-mfloat-abi=soft'] },
  { title: 'Thumb-2', model: 5, mmu: true, flags: ['-march=armv7-a', '-mthumb', '-mfloat-abi=soft'] },
];

function start({ core, view, ram, entry }, mmu) {
  const boot = [0xe59f_d000 + (mmu ? 32 : 0)]; // ldr sp, STACK
  if (mmu) {
    // Sections that map the first 8 MiB to themselves; then MCR TTBR0, DACR and SCTLR.
    for (let n = 0; n < 8; n++) view.setUint32(ram + TABLE + n * 4, (n << 20) | 0xc02, true);
    boot.push(0xe3a0_0902, 0xee02_0f10, 0xe3e0_0000, 0xee03_0f10); // mov r0, #0x8000; mcr TTBR0; mvn r0, #0; mcr DACR
    boot.push(0xee11_0f10, 0xe380_0001, 0xee01_0f10); // mrc, orr #1, mcr SCTLR
  }
  // ldr r0, entry; bx r0, which changes to Thumb state; or ldr pc, entry
  boot.push(...(mmu ? [0xe59f_0004, 0xe12f_ff10] : [0xe59f_f000]), STACK, entry);
  boot.forEach((word, index) => view.setUint32(ram + BOOT + index * 4, word, true));
  core.reset();
  core.mapChanged();
  core.setPc(BOOT);
}

const module = coreModule('arm');
const rows = [];
for (const { model, mmu = false, flags } of RUNS) {
  const program = compileLoops({ prefix: 'arm-linux-gnueabi-', debianPackage: 'gcc-arm-linux-gnueabi', flags });
  const results = measureLoops(module, program, {
    imports: { translate26: () => 0, resetLine: () => undefined },
    configure: (core) => core.configure(model, 1, 0, 0),
    start: (at) => start(at, mmu),
  });
  results.forEach(([name, ...figures], index) => (rows[index] ??= [name]).push(...figures));
}
table(
  'Millions of guest instructions a second',
  ['loop', ...RUNS.flatMap(({ title }) => ['M instr', 'check', title])],
  rows,
);
