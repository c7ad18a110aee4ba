// SPDX-License-Identifier: MIT
// The loops of loops.mjs on the bare PowerPC core, translation off and on.
//   node test/bench/ppc-loops.mjs        needs a built core and Debian's gcc-powerpc-linux-gnu
import { STACK, compileLoops, coreModule, measureLoops } from './loops.mjs';
import { table } from './support.mjs';

const BOOT = 0x1000;
const MSR_ME = 0x1000;
const MSR_FP = 0x2000;
const MSR_TRANSLATION = 0x30;

function start({ core, view, ram, entry }, translated) {
  // The stack; a BAT for the first 256 MiB; then rfi into the program.
  const lis = (rt, value) => ((15 << 26) | (rt << 21) | value) >>> 0;
  const ori = (rt, value) => ((24 << 26) | (rt << 21) | (rt << 16) | value) >>> 0;
  const mtspr = (spr, rs) => ((31 << 26) | (rs << 21) | ((spr & 31) << 16) | ((spr >> 5) << 11) | (467 << 1)) >>> 0;
  const msr = MSR_ME | MSR_FP | (translated ? MSR_TRANSLATION : 0);
  const boot = [lis(1, STACK >>> 16), lis(3, 0), ori(3, 0x1fff), lis(4, 0), ori(4, 0x0012)];
  boot.push(mtspr(528, 3), mtspr(529, 4), mtspr(536, 3), mtspr(537, 4));
  boot.push(lis(5, entry >>> 16), ori(5, entry & 0xffff), mtspr(26, 5), lis(6, 0), ori(6, msr), mtspr(27, 6));
  boot.push(0x4c00_0064);
  boot.forEach((word, index) => view.setUint32(ram + BOOT + index * 4, word));
  core.reset();
  core.mapChanged();
  core.setMsr(MSR_ME);
  core.setPc(BOOT);
}

const module = coreModule('ppc');
const program = compileLoops({
  prefix: 'powerpc-linux-gnu-',
  debianPackage: 'gcc-powerpc-linux-gnu',
  flags: ['-mcpu=750', '-msdata=none'],
  doubles: true,
});
const [real, translated] = [false, true].map((translation) =>
  measureLoops(module, program, {
    imports: { hypercall: () => undefined },
    configure: (core) => core.configure(3, 4, 1, 35),
    start: (at) => start(at, translation),
  }),
);
table(
  'Millions of guest instructions a second',
  ['loop', 'instructions (M)', 'check', 'real mode', 'translated'],
  real.map((row, n) => [...row, translated[n][3]]),
);
