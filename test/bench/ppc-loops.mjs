// SPDX-License-Identifier: MIT
// The loops of test/guests/bench.c on the bare PowerPC core: no machine, no operating system, translation off and on.
//   node test/bench/ppc-loops.mjs        needs a built core and Debian's gcc-powerpc-linux-gnu
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MIB, needBuilt, needCommand, table } from './support.mjs';

const RAM_BYTES = 4 * MIB;
const START = 0x10000;

const PROGRAM = `
typedef unsigned int uint32_t; typedef unsigned char uint8_t;
static uint32_t tab[256]; static uint8_t buf[65536]; static uint32_t wb[16384]; static uint32_t arr[16384];
static uint32_t __attribute__((noipa)) crc(uint8_t *p, int n) { uint32_t c = ~0u; while (n--) c = tab[(c ^ *p++) & 255] ^ (c >> 8); return ~c; }
static uint32_t __attribute__((noipa)) sum(uint32_t *p, int n) { uint32_t a = 0; while (n--) { uint32_t w = *p++; a = ((a << 5) | (a >> 27)) ^ w; a += w >> 3; } return a; }
static void __attribute__((noipa)) shell(uint32_t *a, int n) {
  for (int g = n / 2; g > 0; g /= 2) for (int i = g; i < n; i++) {
    uint32_t t = a[i]; int j; for (j = i; j >= g && a[j - g] > t; j -= g) a[j] = a[j - g]; a[j] = t; } }
static double fp[1024];
static void __attribute__((noipa)) daxpy(double *x, int n) { for (int i = 1; i < n; i++) x[i] = x[i] * 0.999 + x[i - 1] * 0.5; }
#define call(n) __asm__ volatile(".long 0x04000000 + " #n ::: "memory")
#define report(v) (*(volatile uint32_t *)0x100 = (v))
void __attribute__((section(".start"))) _start(void) {
  for (int i = 0; i < 256; i++) { uint32_t c = i; for (int k = 0; k < 8; k++) c = c & 1 ? 0xEDB88320u ^ (c >> 1) : c >> 1; tab[i] = c; }
  for (int i = 0; i < 65536; i++) buf[i] = i * 7 + (i >> 5);
  for (int i = 0; i < 16384; i++) wb[i] = i * 2654435761u;
  for (int i = 0; i < 1024; i++) fp[i] = i;
  call(0);
  uint32_t r = 0; for (int i = 0; i < 300; i++) { r += crc(buf, 65536); __asm__ volatile("" ::: "memory"); } report(r);
  call(1);
  r = 0; for (int i = 0; i < 1000; i++) { r += sum(wb, 16384); __asm__ volatile("" ::: "memory"); } report(r);
  call(2);
  for (int k = 0; k < 20; k++) { uint32_t x = k + 1; for (int i = 0; i < 16384; i++) { x = x * 1664525u + 1013904223u; arr[i] = x; } shell(arr, 16384); } report(arr[5] ^ arr[16000]);
  call(3);
  for (int k = 0; k < 3000; k++) daxpy(fp, 1024); report((uint32_t)fp[1000]);
  call(4);
  for (;;) ;
}
`;
const NAMES = ['CRC-32 byte loop', 'word mix', 'shell sort', 'multiply-add, double'];

const folder = mkdtempSync(join(tmpdir(), 'emeritus-bench-'));
const file = (name) => join(folder, name);
writeFileSync(file('loops.c'), PROGRAM);
const flags = ['-O2', '-mcpu=750', '-ffreestanding', '-nostdlib', '-static', '-fno-pie', '-no-pie', '-msdata=none'];
execFileSync(needCommand('powerpc-linux-gnu-gcc', 'gcc-powerpc-linux-gnu'), [
  ...flags,
  ...[`-Wl,--section-start=.start=0x${START.toString(16)}`, '-Wl,--build-id=none', '-Wl,-N', '-Wl,-Ttext=0x11000'],
  '-Wl,--no-warn-rwx-segments',
  ...['-o', file('loops.elf'), file('loops.c')],
]);
execFileSync('powerpc-linux-gnu-objcopy', ['-O', 'binary', file('loops.elf'), file('loops.bin')]);
const image = readFileSync(file('loops.bin'));
const disassembly = execFileSync('powerpc-linux-gnu-objdump', ['-d', file('loops.elf')], { encoding: 'utf8' });
rmSync(folder, { recursive: true });
if (process.argv.includes('--disassemble')) console.log(disassembly);

const module = new WebAssembly.Module(readFileSync(needBuilt('core/ppc.wasm')));
const rows = [];
for (const translated of [false, true]) {
  const memory = new WebAssembly.Memory({ initial: 1024 + 64, maximum: 1024 + 64, shared: true });
  const results = [];
  let core = undefined;
  let before;
  const hypercall = (n) => {
    const now = { seconds: performance.now() / 1000, instructions: core.instructions() };
    if (n > 0) {
      const checksum = new DataView(memory.buffer).getUint32(ram + 0x100).toString(16);
      const instructions = now.instructions - before.instructions;
      results.push({ millions: instructions / (now.seconds - before.seconds) / 1e6, instructions, checksum });
    }
    if (n === NAMES.length) core.pullIn(0);
    before = { seconds: performance.now() / 1000, instructions: core.instructions() };
  };
  const host = { mmioRead: () => 0, mmioWrite: () => undefined, log: () => undefined, hypercall };
  core = new WebAssembly.Instance(module, { env: { memory }, host }).exports;
  const ram = Math.ceil(core.reservedBytes.value / 65536) * 65536;
  core.configure(3, 4, 1, 35);
  core.reset();
  const physMap = new Uint32Array(memory.buffer, core.physMapOffset.value, 1 << 20);
  for (let page = 0; page < RAM_BYTES / 4096; page++) physMap[page] = (ram + page * 4096) | 3;
  core.mapChanged();
  new Uint8Array(memory.buffer).set(image, ram + START);
  const setUp = new DataView(memory.buffer);
  // lis r1,0x30; with translation: a BAT for the first 256 MiB, then rfi into the program; FP available.
  const lis = (rt, value) => ((15 << 26) | (rt << 21) | value) >>> 0;
  const ori = (rt, value) => ((24 << 26) | (rt << 21) | (rt << 16) | value) >>> 0;
  const mtspr = (spr, rs) => ((31 << 26) | (rs << 21) | ((spr & 31) << 16) | ((spr >> 5) << 11) | (467 << 1)) >>> 0;
  const msr = translated ? 0x3030 : 0x3000;
  const boot = [lis(1, 0x30), lis(3, 0), ori(3, 0x1fff), lis(4, 0), ori(4, 0x0012)];
  boot.push(mtspr(528, 3), mtspr(529, 4), mtspr(536, 3), mtspr(537, 4));
  boot.push(lis(5, START >>> 16), mtspr(26, 5), lis(6, 0), ori(6, msr), mtspr(27, 6), 0x4c00_0064);
  boot.forEach((word, index) => setUp.setUint32(ram + 0x1000 + index * 4, word));
  core.setMsr(0x1000);
  core.setPc(0x1000);
  while (results.length < NAMES.length) core.run(50_000_000);
  results.forEach(({ millions, instructions, checksum }, index) => {
    rows[index] ??= [NAMES[index], `${Math.round(instructions / 1e6)}`, checksum];
    rows[index].push(millions);
  });
}
table(
  'Millions of guest instructions a second',
  ['loop', 'instructions (M)', 'check', 'real mode', 'translated'],
  rows,
);
