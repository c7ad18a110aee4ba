// SPDX-License-Identifier: MIT
//
// The disassembler against the GNU one, on real kernels and programs. `normalise` takes out what is a matter of taste.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CONDITIONS, beginsWide, disassembleArm, disassembleThumb } from '../../../core/arm/host/disasm.ts';
import { missingAssembler } from '../../support/arm-assembly.ts';
import { guest, suite } from '../../support/inputs.ts';

const lacks = missingAssembler();

/** One line, without comments, symbols and the spacing of columns. */
function normalise(line: string): string {
  return line
    .replace(/[@;].*$/, '')
    .replace(/<[^>]*>/g, '')
    .replace(/\s+/g, ' ')
    .trim();
}

interface Line {
  readonly at: number;
  readonly words: readonly number[];
  readonly text: string;
}

/** What objdump says of raw bytes at 0. */
function objdump(bytes: Uint8Array, thumb: boolean): Line[] {
  const folder = mkdtempSync(join(tmpdir(), 'emeritus-arm-'));
  try {
    writeFileSync(join(folder, 'code'), bytes);
    const options = ['-D', '-z', '-b', 'binary', '-m', 'arm', ...(thumb ? ['-M', 'force-thumb'] : [])];
    const out = execFileSync('arm-linux-gnueabi-objdump', [...options, join(folder, 'code')], {
      encoding: 'utf8',
      maxBuffer: 1 << 29,
    });
    return [...out.matchAll(/^\s*([0-9a-f]+):\s+((?:[0-9a-f]{4,8} ?)+)\s*\t(.*)$/gm)].map(([, at, words, text]) => ({
      at: parseInt(at!, 16),
      words: words!
        .trim()
        .split(' ')
        .map((word) => parseInt(word, 16)),
      text: normalise(text!),
    }));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** What GNU has no instruction for, knows from other coprocessors, or takes for a test that sets no flags. */
const ignored = (text: string, [word]: readonly number[]): boolean =>
  /^$|undefined|\.word|\.short|\.inst|^cf|mvf|mvd|wr\d|\bf[0-7]\b|^w[a-z]+|UNDEF|^hvc|^smc|^stc|^ldc|f16|-0\]/.test(
    text,
  ) ||
  (/^(tst|teq|cmp|cmn)/.test(text) && (word! & 0x0010_0000) === 0);

/** The differences in `lines`. */
function differences(lines: readonly Line[], thumb: boolean): string[] {
  const found: string[] = [];
  /** Conditions of the instructions that are left of an if-then block. */
  let block: string[] = [];
  for (const { at, words, text } of lines) {
    const condition = block.shift() ?? '';
    if (thumb && (words[0]! & 0xff0f) > 0xbf00 && (words[0]! & 0xff00) === 0xbf00) block = conditions(words[0]!);
    if (ignored(text, words)) continue;
    const [first, second] = [words[0]!, words[1] ?? 0];
    const ours = normalise(thumb ? disassembleThumb(first, second, at, condition) : disassembleArm(first, at));
    if (ours !== text) found.push(`${words.map((word) => word.toString(16)).join(' ')}: ${ours} | ${text}`);
  }
  return found;
}

function conditions(it: number): string[] {
  const list = [];
  for (let state = it & 0xff; (state & 15) !== 0; state = (state & 0xe0) | ((state << 1) & 0x1f)) {
    list.push(CONDITIONS[state >>> 4]!);
  }
  return list;
}

const PROGRAM = `
#define N 64
typedef unsigned char u8; typedef short s16; typedef unsigned int u32; typedef long long s64; typedef unsigned long long u64;
u8 bytes[N], more[N]; s16 halves[N]; int words[N]; float floats[N], others[N]; double doubles[N];
void a(void) { for (int i = 0; i < N; i++) bytes[i] = (bytes[i] + more[i] + 1) >> 1; }
void b(void) { for (int i = 0; i < N; i++) halves[i] = halves[i] * 3 + (s16)words[i]; }
void c(void) { for (int i = 0; i < N; i++) words[i] = words[i] > 7 ? words[i] << 3 : -words[i]; }
void d(float k) { for (int i = 0; i < N; i++) floats[i] = floats[i] * k + others[i]; }
void e(double k) { for (int i = 0; i < N; i++) doubles[i] = doubles[i] / k - words[i]; }
int f(int x) { switch (x) { case 0: return 7; case 1: return f(3); case 2: return x * x; case 3: return 12; case 4: return -1; } return 0; }
s64 g(s64 x, int y) { return (x >> 3) * y + (x ^ 0x1234567812345678ll); }
int h(u32 x) { return __builtin_clz(x) + __builtin_bswap32(x) + ((x >> 5) & 0x7f) + (s16)x + (u8)(x >> 8); }
double i(double x, float y) { return x > y ? __builtin_sqrt(x) : -y + __builtin_fabs(x); }
u32 j(float x, double y) { return (u32)x + (int)y; }
u32 k(u32 *p, u32 x) { return __sync_fetch_and_add(p, x) + __sync_lock_test_and_set(p + 1, x); }
u64 l(u64 *p, u64 x) { return __atomic_exchange_n(p, x, 5); }
void m(u8 *p, int n) { while (n--) *p++ ^= 0x55; }
int n(const int *p, int q) { int s = 0; for (int i = 0; i < q; i++) if (p[i] & 1) s += p[i]; else s ^= p[i] | 0x00ff00ff; return s; }
struct s { int a : 5, b : 11, c : 16; }; void o(struct s *p, int x) { p->a = x; p->b = x >> 4; p->c = p->b; }
void p(float *x) { for (int i = 0; i < N; i++) x[i] = (float)words[i]; }
void q(u8 *x, u8 *y) { for (int i = 0; i < N; i++) { x[3 * i] = y[i]; x[3 * i + 1] = y[i + N]; x[3 * i + 2] = y[i + 2 * N]; } }
u32 r(u32 x, u32 y) { return (x >> 7 | x << 25) + y % 10u + (x < y ? x : y); }
s16 t(int x) { return x > 32767 ? 32767 : x < -32768 ? -32768 : x; }
`;

/** A program in Thumb-2, at several levels of optimization. */
function compiled(fpu: string): Line[] {
  const folder = mkdtempSync(join(tmpdir(), 'emeritus-arm-'));
  try {
    writeFileSync(join(folder, 'a.c'), PROGRAM);
    return ['-O1', '-O2', '-O3', '-Os'].flatMap((level) => {
      const flags = [level, '-mthumb', '-march=armv7-a', fpu, '-mfloat-abi=softfp', '-ffast-math', '-c'];
      execFileSync('arm-linux-gnueabi-gcc', [...flags, join(folder, 'a.c'), '-o', join(folder, 'a.o')]);
      execFileSync('arm-linux-gnueabi-objcopy', [
        '-O',
        'binary',
        '-j',
        '.text',
        join(folder, 'a.o'),
        join(folder, 'b'),
      ]);
      return objdump(readFileSync(join(folder, 'b')), true);
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

describe.skipIf(lacks !== undefined)(`disassembler${lacks === undefined ? '' : ` (${lacks})`}`, () => {
  const kernel = guest('goldfish-2.6.29-armv5.vmlinux');
  it.skipIf(kernel.path === undefined)(`reads a kernel as GNU does (${kernel.path ?? kernel.provide})`, () => {
    const file = readFileSync(kernel.path!);
    const lines = objdump(file.subarray(0x9000, 0x9000 + 0x10_0000), false);
    expect(lines.length).toBe(0x4_0000);
    expect(differences(lines, false)).toEqual([]);
  });

  const cartridge = suite('gba-thumb');
  it.skipIf(cartridge.path === undefined)(
    `reads Thumb code as GNU does (${cartridge.path ?? cartridge.provide})`,
    () => {
      const file = readFileSync(join(cartridge.path!, 'thumb.gba'));
      const lines = objdump(file.subarray(0x100), true).filter(({ words }) => !beginsWide(words[0]!));
      expect(lines.length).toBeGreaterThan(1000);
      expect(differences(lines, true)).toEqual([]);
    },
  );

  it('reads the Thumb-2, VFP and Advanced SIMD code of a compiler as GNU does', () => {
    const lines = [...compiled('-mfpu=neon'), ...compiled('-mfpu=vfpv3')];
    expect(lines.length).toBeGreaterThan(1000);
    expect(differences(lines, true)).toEqual([]);
  });
});
