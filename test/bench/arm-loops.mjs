// SPDX-License-Identifier: MIT
// The loops of test/guests/bench.c on the bare ARM core: no machine, no operating system. As an ARM3 with 26-bit
// addresses, as an ARM926EJ-S, and as a Cortex-A8 behind its MMU in ARM and in Thumb-2 code.
//   node test/bench/arm-loops.mjs        needs a built core and Debian's gcc-arm-linux-gnueabi
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MIB, needBuilt, needCommand, table } from './support.mjs';

const RAM_BYTES = 4 * MIB;
const START = 0x1_0000;
const TABLE = 0x8000; // a first-level translation table of 16 KiB
const REPORT = 0x40_0000; // a device: word 0 is the number of a mark, word 4 a checksum

const PROGRAM = `
typedef unsigned int uint32_t; typedef unsigned char uint8_t;
static uint32_t tab[256]; static uint8_t buf[65536]; static uint32_t wb[16384]; static uint32_t arr[16384];
static uint32_t __attribute__((noipa)) crc(uint8_t *p, int n) { uint32_t c = ~0u; while (n--) c = tab[(c ^ *p++) & 255] ^ (c >> 8); return ~c; }
static uint32_t __attribute__((noipa)) sum(uint32_t *p, int n) { uint32_t a = 0; while (n--) { uint32_t w = *p++; a = ((a << 5) | (a >> 27)) ^ w; a += w >> 3; } return a; }
static void __attribute__((noipa)) shell(uint32_t *a, int n) {
  for (int g = n / 2; g > 0; g /= 2) for (int i = g; i < n; i++) {
    uint32_t t = a[i]; int j; for (j = i; j >= g && a[j - g] > t; j -= g) a[j] = a[j - g]; a[j] = t; } }
static uint32_t __attribute__((noipa)) fib(uint32_t n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); }
#define call(n) (*(volatile uint32_t *)${REPORT} = (n))
#define report(v) (*(volatile uint32_t *)${REPORT + 4} = (v))
void __attribute__((naked)) _start(void) { __asm__ volatile("mov r0, #0x300000\\n mov sp, r0\\n b main"); }
void __attribute__((used)) main(void) {
  for (int i = 0; i < 256; i++) { uint32_t c = i; for (int k = 0; k < 8; k++) c = c & 1 ? 0xEDB88320u ^ (c >> 1) : c >> 1; tab[i] = c; }
  for (int i = 0; i < 65536; i++) buf[i] = i * 7 + (i >> 5);
  for (int i = 0; i < 16384; i++) wb[i] = i * 2654435761u;
  call(0);
  uint32_t r = 0; for (int i = 0; i < 300; i++) { r += crc(buf, 65536); __asm__ volatile("" ::: "memory"); } report(r);
  call(1);
  r = 0; for (int i = 0; i < 1000; i++) { r += sum(wb, 16384); __asm__ volatile("" ::: "memory"); } report(r);
  call(2);
  for (int k = 0; k < 20; k++) { uint32_t x = k + 1; for (int i = 0; i < 16384; i++) { x = x * 1664525u + 1013904223u; arr[i] = x; } shell(arr, 16384); } report(arr[5] ^ arr[16000]);
  call(3);
  report(fib(30));
  call(4);
  for (;;) ;
}
`;
const NAMES = ['CRC-32 byte loop', 'word mix', 'shell sort', 'calls and returns'];

const RUNS = [
  { title: 'ARM3', model: 2, flags: ['-march=armv4', '-marm', '-Wl,--fix-v4bx'] },
  { title: 'ARM926', model: 4, flags: ['-march=armv5te', '-marm'] },
  { title: 'Cortex-A8, ARM', model: 5, mmu: true, flags: ['-march=armv7-a', '-marm', '-mfloat-abi=soft'] },
  { title: 'Thumb-2', model: 5, mmu: true, thumb: true, flags: ['-march=armv7-a', '-mthumb', '-mfloat-abi=soft'] },
];

/** The program's image and where it begins. */
function compile(flags) {
  const folder = mkdtempSync(join(tmpdir(), 'emeritus-bench-'));
  const file = (name) => join(folder, name);
  writeFileSync(file('loops.c'), PROGRAM);
  execFileSync(needCommand('arm-linux-gnueabi-gcc', 'gcc-arm-linux-gnueabi'), [
    ...['-O2', '-ffreestanding', '-nostdlib', '-static', '-fno-pie', '-no-pie', '-fno-tree-loop-distribute-patterns'],
    ...[`-Wl,-Ttext=0x${START.toString(16)}`, '-Wl,--build-id=none', '-Wl,-N', '-Wl,--no-warn-rwx-segments'],
    ...[...flags, '-o', file('loops.elf'), file('loops.c')],
  ]);
  execFileSync('arm-linux-gnueabi-objcopy', ['-O', 'binary', file('loops.elf'), file('loops.bin')]);
  const image = readFileSync(file('loops.bin'));
  const entry = readFileSync(file('loops.elf')).readUInt32LE(24);
  if (process.argv.includes('--disassemble')) {
    console.log(execFileSync('arm-linux-gnueabi-objdump', ['-d', file('loops.elf')], { encoding: 'utf8' }));
  }
  rmSync(folder, { recursive: true });
  return { image, entry };
}

const wasm = process.argv.find((argument) => argument.endsWith('.wasm')) ?? needBuilt('core/arm.wasm');
const module = new WebAssembly.Module(readFileSync(wasm));
const rows = NAMES.map((name) => [name]);
for (const { model, mmu, thumb, flags } of RUNS) {
  const { image, entry } = compile(flags);
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
  const host = { mmioRead: () => 0, mmioWrite, log: () => undefined, translate26: () => 0, resetLine: () => undefined };
  core = new WebAssembly.Instance(module, { env: { memory }, host }).exports;
  const ram = Math.ceil(core.reservedBytes.value / 65536) * 65536;
  core.configure(model, 1, 0, 0);
  const physMap = new Uint32Array(memory.buffer, core.physMapOffset.value, 1 << 20);
  for (let page = 0; page < RAM_BYTES / 4096; page++) physMap[page] = (ram + page * 4096) | 3;
  new Uint8Array(memory.buffer).set(image, ram + START);
  const view = new DataView(memory.buffer);
  core.reset();
  core.mapChanged();
  core.setPc(entry);
  if (mmu) {
    // Sections that map the first 8 MiB to themselves; then MCR TTBR0, DACR and SCTLR, and on to the program.
    for (let n = 0; n < 8; n++) view.setUint32(ram + TABLE + n * 4, (n << 20) | 0xc02, true);
    const target = (entry & ~1) | (thumb ? 1 : 0);
    const boot = [
      ...[0xe3a0_0902, 0xee02_0f10, 0xe3e0_0000, 0xee03_0f10], // mov r0, #0x8000; mcr TTBR0; mvn r0, #0; mcr DACR
      ...[0xee11_0f10, 0xe380_0001, 0xee01_0f10, 0xe59f_0000], // mrc, orr #1, mcr SCTLR; ldr r0, [pc]
      ...[0xe12f_ff10, target], // bx r0
    ];
    boot.forEach((word, index) => view.setUint32(ram + 0x1000 + index * 4, word, true));
    core.setPc(0x1000);
  }
  for (let slices = 0; results.length < NAMES.length && slices < 200; slices++) core.run(50_000_000);
  results.forEach(({ millions, instructions, checksum: sum }, index) => {
    rows[index].push(`${Math.round(instructions / 1e6)}`, sum.toString(16), millions);
  });
}
table(
  'Millions of guest instructions a second',
  ['loop', ...RUNS.flatMap(({ title }) => ['M instr', 'check', title])],
  rows,
);
