// SPDX-License-Identifier: MIT
//
// Floating-point instructions, which no processor here has, under the floating-point emulator in RISC OS's ROM.
import { describe, expect, it } from 'vitest';
import { missing } from '../support/inputs.ts';
import { RiscOs, riscOs310 } from '../support/risc-os.ts';

const PROGRAM = [
  0xee00_0190, // fltd f0, r0
  0xee01_1190, // fltd f1, r1
  0xee40_2181, // dvfd f2, f0, f1
  0xed82_a100, // stfd f2, [r2]
  0xee40_b180, // sqtd f3, f0
  0xed82_b102, // stfd f3, [r2, #8]
  0xee80_c181, // sind f4, f1
  0xed82_c104, // stfd f4, [r2, #16]
  0xee90_f111, // cmf f0, f1
  0x43a0_0001, // movmi r0, #1
  0x53a0_0000, // movpl r0, #0
  0xe582_0018, // str r0, [r2, #24]
  0xee10_3113, // fix r3, f3
  0xe582_301c, // str r3, [r2, #28]
  0xedc2_2108, // stfe f2, [r2, #32]
  0xe1a0_f00e, // mov pc, lr
];
const hex = (value: number): string => value.toString(16).toUpperCase();

/** A double as the coprocessor keeps it: the word with the sign first. */
function words(value: number): string {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value);
  return `${hex(view.getUint32(0))} ${hex(view.getUint32(4))}`;
}

const lacks = missing(riscOs310);
describe(`FPEmulator${lacks && ` (needs ${lacks})`}`, { timeout: 300_000 }, () => {
  it.skipIf(lacks)('divides, takes roots and sines, compares, and converts', async () => {
    const arc = new RiscOs();
    await arc.toDesktop();
    await arc.toCommandLine();
    expect(await arc.command('help fpemulator')).toContain('Module is: FPEmulator');
    await arc.command('basic', '>');
    await arc.command('DIM Q% 255', '>');
    for (const [n, word] of PROGRAM.entries()) await arc.command(`Q%!${n * 4}=&${hex(word)}`, '>');
    await arc.command('A%=2:B%=3:C%=Q%+128:CALL Q%', '>');
    const print = (first: number): string => `PRINT ;~C%!${first};" ";~C%!${first + 4}`;
    for (const [n, value] of [2 / 3, Math.SQRT2, Math.sin(3)].entries()) {
      expect(await arc.command(print(n * 8), '>')).toContain(words(value));
    }
    expect(await arc.command(print(24), '>')).toMatch(/^1 1$/m);
    expect(await arc.command('PRINT ;~C%!32;" ";~C%!36;" ";~C%!40', '>')).toContain('3FFE AAAAAAAA AAAAA800');
    await arc.keepPicture('floating point');
    await arc.session.close();
  });
});
