// SPDX-License-Identifier: MIT
// Shared by arm-loops.mjs, m68k-loops.mjs and ppc-loops.mjs: the loops of test/guests/bench.c, a loop of calls and one of
// floating-point, without an operating system; compiled for a core, and measured on it without a machine.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MIB, needBuilt, needCommand } from './support.mjs';

const RAM_BYTES = 4 * MIB;
const START = 0x1_0000;
/** The stack's end. */
export const STACK = 0x30_0000;
const REPORT = 0x40_0000; // a device: word 0 is the number of a mark, word 4 a checksum

const NAMES = ['CRC-32 byte loop', 'word mix', 'shell sort', 'calls and returns', 'multiply-add, double'];
const PROGRAM = `
typedef unsigned int uint32_t; typedef unsigned char uint8_t;
static uint32_t tab[256]; static uint8_t buf[65536]; static uint32_t wb[16384]; static uint32_t arr[16384];
static uint32_t __attribute__((noipa)) crc(uint8_t *p, int n) { uint32_t c = ~0u; while (n--) c = tab[(c ^ *p++) & 255] ^ (c >> 8); return ~c; }
static uint32_t __attribute__((noipa)) sum(uint32_t *p, int n) { uint32_t a = 0; while (n--) { uint32_t w = *p++; a = ((a << 5) | (a >> 27)) ^ w; a += w >> 3; } return a; }
static void __attribute__((noipa)) shell(uint32_t *a, int n) {
  for (int g = n / 2; g > 0; g /= 2) for (int i = g; i < n; i++) {
    uint32_t t = a[i]; int j; for (j = i; j >= g && a[j - g] > t; j -= g) a[j] = a[j - g]; a[j] = t; } }
static uint32_t __attribute__((noipa)) fib(uint32_t n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); }
#define mark(n) (*(volatile uint32_t *)${REPORT} = (n))
#define report(v) (*(volatile uint32_t *)${REPORT + 4} = (v))
void _start(void) {
  for (int i = 0; i < 256; i++) { uint32_t c = i; for (int k = 0; k < 8; k++) c = c & 1 ? 0xEDB88320u ^ (c >> 1) : c >> 1; tab[i] = c; }
  for (int i = 0; i < 65536; i++) buf[i] = i * 7 + (i >> 5);
  for (int i = 0; i < 16384; i++) wb[i] = i * 2654435761u;
  mark(0);
  uint32_t r = 0; for (int i = 0; i < 300; i++) { r += crc(buf, 65536); __asm__ volatile("" ::: "memory"); } report(r);
  mark(1);
  r = 0; for (int i = 0; i < 1000; i++) { r += sum(wb, 16384); __asm__ volatile("" ::: "memory"); } report(r);
  mark(2);
  for (int k = 0; k < 20; k++) { uint32_t x = k + 1; for (int i = 0; i < 16384; i++) { x = x * 1664525u + 1013904223u; arr[i] = x; } shell(arr, 16384); } report(arr[5] ^ arr[16000]);
  mark(3);
  report(fib(30));
  mark(4);
#ifdef DOUBLES
  extern void doubles(void); doubles(); mark(5);
#endif
  for (;;) ;
}
#ifdef DOUBLES
static double fp[1024];
static void __attribute__((noipa)) daxpy(double *x, int n) { for (int i = 1; i < n; i++) x[i] = x[i] * 0.5 + x[i - 1] * 0.5; }
void doubles(void) { for (int i = 0; i < 1024; i++) fp[i] = 1000 + i; for (int k = 0; k < 3000; k++) daxpy(fp, 1024); report((uint32_t)fp[1000]); }
#endif
`;

/** The program's image and where it begins. */
export function compileLoops({ prefix, debianPackage, flags, doubles = false }) {
  const compiler = needCommand(`${prefix}gcc`, debianPackage);
  const folder = mkdtempSync(join(tmpdir(), 'emeritus-bench-'));
  const file = (name) => join(folder, name);
  writeFileSync(file('loops.c'), PROGRAM);
  execFileSync(compiler, [
    ...['-O2', '-ffreestanding', '-nostdlib', '-static', '-fno-pie', '-no-pie', '-fno-tree-loop-distribute-patterns'],
    ...[`-Wl,-Ttext=0x${START.toString(16)}`, '-Wl,--build-id=none', '-Wl,-N', '-Wl,--no-warn-rwx-segments'],
    ...(doubles ? ['-DDOUBLES'] : []),
    ...[...flags, '-o', file('loops.elf'), file('loops.c')],
  ]);
  execFileSync(`${prefix}objcopy`, ['-O', 'binary', file('loops.elf'), file('loops.bin')]);
  if (process.argv.includes('--disassemble')) {
    console.log(execFileSync(`${prefix}objdump`, ['-d', file('loops.elf')], { encoding: 'utf8' }));
  }
  const image = readFileSync(file('loops.bin'));
  const elf = readFileSync(file('loops.elf'));
  rmSync(folder, { recursive: true });
  return { image, entry: elf[5] === 1 ? elf.readUInt32LE(24) : elf.readUInt32BE(24), doubles };
}

/** A core that `npm run build` left, or the .wasm that the command names. */
export function coreModule(isa) {
  const path = process.argv.find((argument) => argument.endsWith('.wasm')) ?? needBuilt(`core/${isa}.wasm`);
  return new WebAssembly.Module(readFileSync(path));
}

/**
 * Runs the program: `configure(core)` chooses the processor, `start({ core, view, ram, entry })` resets it and has it
 * begin at `entry`; RAM is 4 MiB at 0, whose first byte is `ram` of `view`. Gives for each loop its name, millions of
 * instructions, a checksum, and millions of instructions a second.
 */
export function measureLoops(module, { image, entry, doubles }, { imports = {}, configure, start }) {
  const names = doubles ? NAMES : NAMES.slice(0, -1);
  const memory = new WebAssembly.Memory({ initial: 1024 + 128, maximum: 1024 + 128, shared: true });
  const results = [];
  let before = { seconds: 0, instructions: 0 };
  let checksum = 0;
  const mmioWrite = (pa, _width, value) => {
    if (pa === REPORT + 4) {
      checksum = value >>> 0;
      return;
    }
    const seconds = performance.now() / 1000 - before.seconds;
    const millions = (core.instructions() - before.instructions) / 1e6;
    if (value > 0)
      results.push([names[value - 1], `${Math.round(millions)}`, checksum.toString(16), millions / seconds]);
    if (value === names.length) core.pullIn(0);
    before = { seconds: performance.now() / 1000, instructions: core.instructions() };
  };
  const host = { mmioRead: () => 0, mmioWrite, log: () => undefined, ...imports };
  const core = new WebAssembly.Instance(module, { env: { memory }, host }).exports;
  const ram = Math.ceil(core.reservedBytes.value / 65536) * 65536;
  configure(core);
  const physMap = new Uint32Array(memory.buffer, core.physMapOffset.value, 1 << 20);
  for (let page = 0; page < RAM_BYTES / 4096; page++) physMap[page] = (ram + page * 4096) | 3;
  new Uint8Array(memory.buffer).set(image, ram + START);
  start({ core, view: new DataView(memory.buffer), ram, entry });
  for (let slices = 0; results.length < names.length && slices < 200; slices++) core.run(50_000_000);
  return results;
}
