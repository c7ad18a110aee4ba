// SPDX-License-Identifier: MIT
// What does a PowerPC floating-point instruction cost, by the host's own arithmetic with an exact residual (the quick
// path: round to nearest, nothing enabled) and by integer arithmetic (any other FPSCR)?
//
//   node test/bench/softfloat.mjs
//
// Each turn calls one instruction's function with constant registers and an operand that changes; the turn of an empty
// loop is the same for all.
import { readFileSync } from 'node:fs';
import asc from 'assemblyscript/asc';
import { instantiate, memory, MIB, nsPerStep, table } from './support.mjs';

const TURNS = 500_000;
const ROOT = new URL('../../', import.meta.url);
const QUICK = 0;
const SLOW = 1; // RN = toward zero

// frD = 4, frA = 1, frB = 2, frC = 3
const INSTRUCTIONS = {
  fmr: 0xfc80_1090,
  fcmpu: 0xfe01_1000,
  fadd: 0xfc81_102a,
  fmul: 0xfc81_00f2,
  fdiv: 0xfc81_1024,
  fsqrt: 0xfc80_102c,
  fmadd: 0xfc81_10fa,
  frsp: 0xfc80_1018,
  fctiwz: 0xfc80_101e,
  fadds: 0xec81_102a,
  fmuls: 0xec81_00f2,
  fdivs: 0xec81_1024,
  fmadds: 0xec81_10fa,
};

const source = `
import * as fpu from './fpu';
import { cpu, setFpr } from './state';
export function turns_none(fpscr: u32, n: i32): void {
  cpu.fpscr = fpscr;
  for (let i: i32 = 0; i < n; i++) setFpr(1, 0x3ff1_2345_6000_0000 + ((<u64>i & 0xffff) << 29));
}
${Object.entries(INSTRUCTIONS)
  .map(
    ([name, op]) => `export function turns_${name}(fpscr: u32, n: i32): void {
  cpu.fpscr = fpscr;
  setFpr(2, 0x4005_4321_2000_0000);
  setFpr(3, 0x3fd9_9999_a000_0000);
  for (let i: i32 = 0; i < n; i++) {
    setFpr(1, 0x3ff1_2345_6000_0000 + ((<u64>i & 0xffff) << 29));
    fpu.op_${name}(${op});
  }
}`,
  )
  .join('\n')}
`;

const sources = {
  'core/ppc/bench.ts': source,
  'core/ppc/exceptions.ts': 'export function programException(srr1: u32): void {}',
};

async function compile() {
  const args = ['core/ppc/bench.ts', '-o', 'bench.wasm', '--runtime', 'stub', '--importMemory', '--noAssert', '-O3'];
  args.push('--converge', '--noExportMemory', '--sharedMemory', '--enable', 'threads,simd');
  args.push('--initialMemory', '256', '--maximumMemory', '256');
  let wasm;
  const { error, stderr } = await asc.main(args, {
    readFile: (name) => {
      if (name in sources) return sources[name];
      try {
        return readFileSync(new URL(name, ROOT), 'utf8');
      } catch {
        return null;
      }
    },
    writeFile: (_, contents) => void (wasm = contents),
    listFiles: () => [],
  });
  if (error) throw new Error(stderr.toString(), { cause: error });
  return wasm;
}

const core = instantiate(await compile(), memory({ memoryBytes: 16 * MIB }));
const ways = [];
for (const name of ['none', ...Object.keys(INSTRUCTIONS)]) {
  ways.push([`${name} quick`, () => core[`turns_${name}`](QUICK, TURNS)]);
  ways.push([`${name} slow`, () => core[`turns_${name}`](SLOW, TURNS)]);
}
const ns = nsPerStep(ways, TURNS);
table(
  'PowerPC floating point, ns per instruction',
  ['instruction', 'quick', 'slow'],
  ['none', ...Object.keys(INSTRUCTIONS)].map((name) => [
    name === 'none' ? '(empty loop)' : name,
    ns.get(`${name} quick`),
    ns.get(`${name} slow`),
  ]),
);
