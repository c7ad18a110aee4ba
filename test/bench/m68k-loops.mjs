// SPDX-License-Identifier: MIT
// The loops of test/guests/bench.c on the bare 68k core: no machine, no operating system, as a 68040 with and without
// translation.
//   node test/bench/m68k-loops.mjs        needs a built core and Debian's gcc-m68k-linux-gnu
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MIB, needBuilt, needCommand, table } from './support.mjs';

const RAM_BYTES = 4 * MIB;
const START = 0x10000;
const REPORT = 0x40_0000; // a device: word 0 is the number of a mark, word 4 a checksum

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
#define call(n) (*(volatile uint32_t *)${REPORT} = (n))
#define report(v) (*(volatile uint32_t *)${REPORT + 4} = (v))
void _start(void) {
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
  for (int k = 0; k < 1000; k++) daxpy(fp, 1024); report((uint32_t)fp[1000]);
  call(4);
  for (;;) ;
}
`;
const NAMES = ['CRC-32 byte loop', 'word mix', 'shell sort', 'multiply-add, double'];

const folder = mkdtempSync(join(tmpdir(), 'emeritus-bench-'));
const file = (name) => join(folder, name);
writeFileSync(file('loops.c'), PROGRAM);
execFileSync(needCommand('m68k-linux-gnu-gcc', 'gcc-m68k-linux-gnu'), [
  ...['-O2', '-mcpu=68040', '-ffreestanding', '-nostdlib', '-static', '-fno-pie', '-no-pie'],
  ...[`-Wl,-Ttext=0x${START.toString(16)}`, '-Wl,--build-id=none', '-Wl,-N', '-Wl,--no-warn-rwx-segments'],
  ...['-o', file('loops.elf'), file('loops.c')],
]);
execFileSync('m68k-linux-gnu-objcopy', ['-O', 'binary', file('loops.elf'), file('loops.bin')]);
const image = readFileSync(file('loops.bin'));
const entry = readFileSync(file('loops.elf')).readUInt32BE(24);
const disassembly = execFileSync('m68k-linux-gnu-objdump', ['-d', file('loops.elf')], { encoding: 'utf8' });
rmSync(folder, { recursive: true });
if (process.argv.includes('--disassemble')) console.log(disassembly);

const wasm = process.argv.find((argument) => argument.endsWith('.wasm')) ?? needBuilt('core/m68k.wasm');
const module = new WebAssembly.Module(readFileSync(wasm));
const rows = [];
for (const translated of [false, true]) {
  const memory = new WebAssembly.Memory({ initial: 1024 + 128, maximum: 1024 + 128, shared: true });
  const results = [];
  let core = undefined;
  let before;
  let checksum = 0;
  const mmioWrite = (pa, _width, value) => {
    if (pa === REPORT + 4) {
      checksum = value >>> 0;
      return;
    }
    const now = { seconds: performance.now() / 1000, instructions: core.instructions() };
    if (value > 0) {
      const instructions = now.instructions - before.instructions;
      results.push({ millions: instructions / (now.seconds - before.seconds) / 1e6, instructions, checksum });
    }
    if (value === NAMES.length) core.pullIn(0);
    before = { seconds: performance.now() / 1000, instructions: core.instructions() };
  };
  const host = {
    mmioRead: () => 0,
    mmioWrite,
    log: () => undefined,
    irqAcknowledge: () => 24,
    resetLine: () => undefined,
  };
  core = new WebAssembly.Instance(module, { env: { memory }, host }).exports;
  const ram = Math.ceil(core.reservedBytes.value / 65536) * 65536;
  core.configure(3, 3, 0);
  const physMap = new Uint32Array(memory.buffer, core.physMapOffset.value, 1 << 20);
  for (let page = 0; page < RAM_BYTES / 4096; page++) physMap[page] = (ram + page * 4096) | 3;
  new Uint8Array(memory.buffer).set(image, ram + START);
  const view = new DataView(memory.buffer);
  view.setUint32(ram, 0x30_0000);
  view.setUint32(ram + 4, 0x1000);
  // Tables that map the first 8 MiB to themselves: root at 0x2000, pointers at 0x2200, pages from 0x2400 on.
  view.setUint32(ram + 0x2000, 0x2200 | 3);
  for (let n = 0; n < 32; n++) view.setUint32(ram + 0x2200 + n * 4, (0x2400 + n * 256) | 3);
  for (let n = 0; n < 2048; n++) view.setUint32(ram + 0x2400 + n * 4, (n * 4096) | 0x19);
  // lea 0x2000,a0; movec a0,srp; movec a0,urp; moveq #-128,d0; lsl.w #8,d0; movec d0,tc; jmp entry
  const tc = translated ? [0x4e7b, 0x0003] : [0x4e71, 0x4e71];
  const boot = [
    0x41f8,
    0x2000,
    0x4e7b,
    0x8807,
    0x4e7b,
    0x8806,
    0x7080,
    0xe148,
    ...tc,
    0x4ef9,
    entry >>> 16,
    entry & 0xffff,
  ];
  boot.forEach((word, index) => view.setUint16(ram + 0x1000 + index * 2, word));
  core.reset();
  core.mapChanged();
  while (results.length < NAMES.length) core.run(50_000_000);
  results.forEach(({ millions, instructions, checksum: sum }, index) => {
    rows[index] ??= [NAMES[index], `${Math.round(instructions / 1e6)}`, sum.toString(16)];
    rows[index].push(millions);
  });
}
table('Millions of guest instructions a second', ['loop', 'instructions (M)', 'check', 'physical', 'translated'], rows);
