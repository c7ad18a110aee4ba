// SPDX-License-Identifier: MIT
// Where should the CPU's registers live: in a block of the memory at constant addresses, behind a pointer to such a
// block, or in WebAssembly globals?
//
//   node test/bench/registers.mjs
//
// A small interpreter runs the same decoded program with its special registers (pc, cycle count, LR, CTR, CR0, carry)
// in each place. The general registers are indexed by instruction fields, so they are in memory in all of them. The last
// column keeps the program counter and the cycle count in locals of the run loop and the rest in the block.
import { compile, instantiate, memory, nsPerStep, pick, random, table } from './support.mjs';

const GPR = 0x1000;
const BLOCK = 0x1100;
const CODE = 0x1_0000; // { kind | d << 8 | a << 16 | b << 24, immediate }
const OPS = { add: 0, addc: 1, adde: 2, addrec: 3, cmpi: 4, bc: 5, bl: 6, bdnz: 7, mtctr: 8, mflr: 9, addi: 10 };

const names = ['pc', 'cycles', 'lr', 'ctr', 'cr0', 'carry'];
const places = {
  block: (name) => [
    `load<u32>(${BLOCK + names.indexOf(name) * 4})`,
    (v) => `store<u32>(${BLOCK + names.indexOf(name) * 4}, ${v})`,
  ],
  pointer: (name) => [
    `load<u32>(cpu, ${names.indexOf(name) * 4})`,
    (v) => `store<u32>(cpu, ${v}, ${names.indexOf(name) * 4})`,
  ],
  global: (name) => [`g_${name}`, (v) => `g_${name} = ${v}`],
  locals: (name) =>
    name === 'pc' || name === 'cycles' ? [`l_${name}`, (v) => `l_${name} = ${v}`] : places.block(name),
};
function interpreter(where) {
  const get = (name) => places[where](name)[0];
  const set = (name, value) => places[where](name)[1](value);
  const a = `load<u32>(${GPR} + ((w >> 16 & 31) << 2))`;
  const b = `load<u32>(${GPR} + ((w >> 24 & 31) << 2))`;
  const d = (v) => `store<u32>(${GPR} + ((w >> 8 & 31) << 2), ${v})`;
  return `
export function run_${where}(limit: u32): u32 {
  ${where === 'pointer' ? 'const cpu: usize = block;' : ''}
  ${where === 'locals' ? `let l_pc: u32 = ${CODE}; let l_cycles: u32 = 0;` : ''}
  ${set('pc', CODE)}; ${set('cycles', '0')};
  while (${get('cycles')} < limit) {
    const p: u32 = ${get('pc')};
    const w: u32 = load<u32>(p);
    ${set('pc', 'p + 8')};
    ${set('cycles', `${get('cycles')} + 1`)};
    switch (w & 0xff) {
      case 0: { ${d(`${a} + ${b}`)}; break; }
      case 1: { const v: u32 = ${a} + ${b}; ${set('carry', `u32(v < ${a})`)}; ${d('v')}; break; }
      case 2: { const s: u64 = <u64>${a} + ${b} + ${get('carry')}; ${set('carry', '<u32>(s >> 32)')}; ${d('<u32>s')}; break; }
      case 3: { const v: u32 = ${a} + ${b}; ${set('cr0', '<i32>v < 0 ? 8 : v ? 4 : 2')}; ${d('v')}; break; }
      case 4: { const v: i32 = ${a}; const i: i32 = load<i32>(p, 4); ${set('cr0', 'v < i ? 8 : v > i ? 4 : 2')}; break; }
      case 5: { if (${get('cr0')} & (w >> 8)) ${set('pc', 'p + load<u32>(p, 4)')}; break; }
      case 6: { ${set('lr', 'p + 8')}; ${set('pc', 'p + load<u32>(p, 4)')}; break; }
      case 7: { const c: u32 = ${get('ctr')} - 1; ${set('ctr', 'c')}; if (c) ${set('pc', 'p + load<u32>(p, 4)')}; break; }
      case 8: { ${set('ctr', `(${a} & 15) + 4`)}; break; }
      case 9: { ${d(get('lr'))}; break; }
      case 10: { ${d(`${a} + load<u32>(p, 4)`)}; break; }
      default: { ${set('pc', String(CODE))}; }
    }
  }
  return ${get('pc')};
}`;
}
const source = `
${names.map((name) => `let g_${name}: u32 = 0;`).join('\n')}
let block: usize = 0;
export function setBlock(at: usize): void { block = at; }
${Object.keys(places).map(interpreter).join('\n')}
`;
const mem = memory();
const bench = instantiate(await compile(source), mem);
bench.setBlock(BLOCK);
const view = new DataView(mem.buffer);
const LIMIT = 4_000_000;

function fill(count, mix) {
  const rng = random(3);
  const put = (n, op, d, a, b, immediate) => {
    view.setUint32(CODE + n * 8, OPS[op] | (d << 8) | (a << 16) | (b << 24), true);
    view.setInt32(CODE + n * 8 + 4, immediate, true);
  };
  for (let n = 0; n < count; n++) {
    const op = pick(rng, mix);
    const back = -8 * Math.min(n % 16, 6);
    const immediate = op === 'bdnz' ? back || 8 : op === 'bc' || op === 'bl' ? 16 : rng(2000) - 1000;
    put(n, op, op === 'bc' ? 1 << (1 + rng(3)) : rng(32), rng(32), rng(32), immediate);
  }
  for (let n = count; n < count + 3; n++) view.setUint32(CODE + n * 8, 255, true);
}
const rows = [];
const places4 = Object.keys(places);
for (const [what, mix] of [
  [
    'arithmetic',
    [
      [8, 'add'],
      [6, 'addi'],
      [1, 'cmpi'],
    ],
  ],
  [
    'carries and record forms',
    [
      [3, 'addc'],
      [3, 'adde'],
      [4, 'addrec'],
      [2, 'addi'],
    ],
  ],
  [
    'compiled code',
    [
      [6, 'add'],
      [8, 'addi'],
      [3, 'addrec'],
      [4, 'cmpi'],
      [4, 'bc'],
      [1, 'bl'],
      [1, 'mflr'],
      [1, 'addc'],
      [1, 'adde'],
    ],
  ],
  [
    'counted loops',
    [
      [6, 'add'],
      [4, 'addi'],
      [1, 'mtctr'],
      [1, 'bdnz'],
    ],
  ],
]) {
  fill(400, mix);
  const ns = nsPerStep(
    places4.map((name) => [name, () => bench[`run_${name}`](LIMIT)]),
    LIMIT,
  );
  rows.push([what, ...places4.map((name) => ns.get(name))]);
}
table(
  'ns an instruction (smaller is better)',
  ['program', 'block at constant addresses', 'block behind a pointer', 'globals', 'pc and cycles in locals'],
  rows,
);
