// SPDX-License-Identifier: MIT
// How should an interpreter get from an instruction to its handler?
//
//   node test/bench/dispatch.mjs
//
// 200 handlers with the shapes of PowerPC ones (register arithmetic, record forms, immediate forms, loads, stores) run
// a program whose mix follows typical compiled code: a few handlers do most of the work. Measured: one dense `switch`
// (br_table) against `call_indirect`, and instructions decoded once into 8-byte entries against fetching, swapping and
// looking up each time.
import { MIB, compile, instantiate, memory, nsPerStep, pick, random, table } from './support.mjs';

const HANDLERS = 200;
const GPR = 0x1000;
const CR = 0x1100;
const IDS = 0x2000; //          u16 handler id by primary and extended opcode, 64 Ki entries
const FUNCTIONS = 0x2_2000; //  u32 table index by handler id
const CODE = 0x4_0000; //       guest instructions, big-endian
const ENTRIES = 0x20_0000; //   the same decoded: { instruction, id or table index }
const RAM = 0x80_0000; //       data, 1 MiB

const operations = ['+', '-', '&', '|', '^', '*'];
/** One handler's statements. `k` makes each different, so that nothing merges. */
function body(k) {
  const op = operations[k % operations.length];
  const d = `store<u32>(${GPR} + ((i >> 19) & 124), v)`;
  const a = `load<u32>(${GPR} + ((i >> 14) & 124))`;
  const b = `load<u32>(${GPR} + ((i >> 9) & 124))`;
  const ea = `(${RAM} + ((${a} + <u32>(<i32>(i << 16) >> 16)) & 0xffffc))`;
  switch (((k / operations.length) % 5) | 0) {
    case 0:
      return `const v: u32 = ${a} ${op} (${b} + ${k}); ${d};`;
    case 1:
      return `const v: u32 = (${a} ${op} ${b}) + ${k}; ${d}; store<u8>(${CR}, <i32>v < 0 ? 8 : v ? 4 : 2);`;
    case 2:
      return `const v: u32 = ${a} ${op} ((i & 0xffff) + ${k}); ${d};`;
    case 3:
      return `const v: u32 = bswap<u32>(load<u32>(${ea})) ${op} ${k}; ${d};`;
    default:
      return `store<u32>(${ea}, bswap<u32>(load<u32>(${GPR} + ((i >> 19) & 124)) ${op} ${k}));`;
  }
}

const handlers = Array.from({ length: HANDLERS }, (_, k) => k);
const source = `
${handlers.map((k) => `function h${k}(i: u32): void { ${body(k)} }`).join('\n')}
// @ts-ignore: decorator
@inline
function execute(id: u32, i: u32): void {
  switch (id) {
${handlers.map((k) => `    case ${k}: { ${body(k)} break; }`).join('\n')}
  }
}
// @ts-ignore: decorator
@inline
function decode(i: u32): u32 { return load<u16>(${IDS} + (((i >>> 16) & 0xfc00 | (i >>> 1) & 0x3ff) << 1)); }

export function init(): void {
${handlers.map((k) => `  store<u32>(${FUNCTIONS} + ${k * 4}, h${k}.index);`).join('\n')}
}
export function tableIndex(id: u32): u32 { return load<u32>(${FUNCTIONS} + (id << 2)); }

export function switchEntries(count: i32, loops: i32): void {
  for (let n: i32 = 0; n < loops; n++) {
    const end: u32 = ${ENTRIES} + (count << 3);
    for (let p: u32 = ${ENTRIES}; p < end; p += 8) execute(load<u32>(p, 4), load<u32>(p));
  }
}
export function indirectEntries(count: i32, loops: i32): void {
  for (let n: i32 = 0; n < loops; n++) {
    const end: u32 = ${ENTRIES} + (count << 3);
    for (let p: u32 = ${ENTRIES}; p < end; p += 8) call_indirect<void>(load<u32>(p, 4), load<u32>(p));
  }
}
export function switchFetch(count: i32, loops: i32): void {
  for (let n: i32 = 0; n < loops; n++) {
    const end: u32 = ${CODE} + (count << 2);
    for (let p: u32 = ${CODE}; p < end; p += 4) {
      const i: u32 = bswap<u32>(load<u32>(p));
      execute(decode(i), i);
    }
  }
}
export function indirectFetch(count: i32, loops: i32): void {
  for (let n: i32 = 0; n < loops; n++) {
    const end: u32 = ${CODE} + (count << 2);
    for (let p: u32 = ${CODE}; p < end; p += 4) {
      const i: u32 = bswap<u32>(load<u32>(p));
      call_indirect<void>(load<u32>(${FUNCTIONS} + (decode(i) << 2)), i);
    }
  }
}
`;

const { wasm, wat } = await compile(source, { memoryBytes: 16 * MIB, wat: true });
console.log(`br_table in the module: ${(wat.match(/br_table/g) ?? []).length}`);
const mem = memory({ memoryBytes: 16 * MIB });
const bench = instantiate(wasm, mem);
bench.init();
const view = new DataView(mem.buffer);

// Handler k answers to primary opcode 4 + k / 16 and extended opcodes ≡ k mod 16 in their low bits.
const idOf = (primary, extended) => Math.min(HANDLERS - 1, Math.max(0, (primary - 4) * 16 + (extended & 15)));
for (let p = 0; p < 64; p++) for (let x = 0; x < 1024; x++) view.setUint16(IDS + ((p << 10) | x) * 2, idOf(p, x), true);

/** Weights fall off as in compiled code: ten handlers make up two thirds of what runs. */
const weights = handlers.map((k) => [Math.max(1, Math.round(6000 / (1 + k) ** 1.25)), (k * 67) % HANDLERS]);
function fill(count) {
  const rng = random(1);
  for (let n = 0; n < count; n++) {
    const id = pick(rng, weights);
    const registers = rng(1 << 15) << 11;
    const word = (((4 + (id >> 4)) << 26) | (registers & 0x03ff_f800) | ((rng(64) * 16 + (id & 15)) << 1)) >>> 0;
    view.setUint32(CODE + n * 4, word);
    view.setUint32(ENTRIES + n * 8, word, true);
  }
}
const setEntries = (count, value) => {
  for (let n = 0; n < count; n++) {
    const word = view.getUint32(CODE + n * 4);
    view.setUint32(
      ENTRIES + n * 8 + 4,
      value(view.getUint16(IDS + ((word >>> 26) * 1024 + ((word >>> 1) & 1023)) * 2, true)),
      true,
    );
  }
};

const rows = [];
for (const [what, count] of [
  ['hot loop of 24 instructions', 24],
  ['loop of 400', 400],
  ['straight line of 50 000', 50_000],
]) {
  const loops = Math.ceil(4_000_000 / count);
  fill(count);
  const ns = new Map();
  // The two kinds of entries share the memory, so that neither has the better place in the cache.
  setEntries(count, (id) => id);
  const kept = new Uint8Array(mem.buffer).slice(ENTRIES, ENTRIES + count * 8);
  setEntries(count, (id) => bench.tableIndex(id));
  const functions = new Uint8Array(mem.buffer).slice(ENTRIES, ENTRIES + count * 8);
  const entries = new Uint8Array(mem.buffer, ENTRIES, count * 8);
  const ways = [
    ['switch, entries', () => (entries.set(kept), bench.switchEntries(count, loops))],
    ['call_indirect, entries', () => (entries.set(functions), bench.indirectEntries(count, loops))],
    ['switch, fetch', () => bench.switchFetch(count, loops)],
    ['call_indirect, fetch', () => bench.indirectFetch(count, loops)],
  ];
  for (const [name, value] of nsPerStep(ways, count * loops)) ns.set(name, value);
  rows.push([what, ...ways.map(([name]) => ns.get(name))]);
}
table(
  'ns an instruction (smaller is better)',
  [
    'program',
    'br_table, decoded entries',
    'call_indirect, decoded entries',
    'br_table, fetch + bswap + table',
    'call_indirect, fetch + bswap + table',
  ],
  rows,
);
