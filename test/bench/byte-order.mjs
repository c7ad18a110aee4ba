// SPDX-License-Identifier: MIT
// Big-endian guest memory on a little-endian host: keep bytes in guest order and swap at each wider access, or keep
// 32-bit words in host order and flip address bits at each narrower one?
//
//   node test/bench/byte-order.mjs
//
// Each row is a mix of accesses as an interpreter makes them, addresses taken from a decoded trace over 1 MiB: guest
// order uses `bswap` (AssemblyScript's, shifts and masks), word-swapped memory uses `pa ^ 3` for bytes and `pa ^ 2` for
// halfwords, and must take unaligned accesses apart. Then 64 KiB moved in or out by DMA.
import { MIB, compile, instantiate, memory, nsPerStep, pick, random, table } from './support.mjs';

const TRACE = 0x1_0000; // { pa, kind } each 8 bytes
const RAM = 0x80_0000;
const COUNT = 65_536;
const ACCESS = { lwz: 0, lbz: 1, lhz: 2, stw: 3, stb: 4, sth: 5 };

const guest = {
  lwz: 'v += bswap<u32>(load<u32>(h))',
  lbz: 'v += load<u8>(h)',
  lhz: 'v += bswap<u16>(load<u16>(h))',
  stw: 'store<u32>(h, bswap<u32>(v))',
  stb: 'store<u8>(h, v)',
  sth: 'store<u16>(h, bswap<u16>(<u16>v))',
};
const swapped = {
  lwz: 'if (h & 3) v += lwzUnaligned(h); else v += load<u32>(h)',
  lbz: 'v += load<u8>(h ^ 3)',
  lhz: 'if (h & 1) v += load<u8>(h ^ 3) << 8 | load<u8>((h + 1) ^ 3); else v += load<u16>(h ^ 2)',
  stw: 'if (h & 3) stwUnaligned(h, v); else store<u32>(h, v)',
  stb: 'store<u8>(h ^ 3, v)',
  sth: 'if (h & 1) { store<u8>(h ^ 3, v >> 8); store<u8>((h + 1) ^ 3, v); } else store<u16>(h ^ 2, v)',
};
const run = (name, access) => `
export function ${name}(loops: i32): u32 {
  let v: u32 = 0x12345678;
  for (let n: i32 = 0; n < loops; n++) {
    for (let p: u32 = ${TRACE}; p < ${TRACE + COUNT * 8}; p += 8) {
      const h: u32 = ${RAM} + load<u32>(p);
      switch (load<u32>(p, 4)) {
        ${Object.entries(ACCESS)
          .map(([op, id]) => `case ${id}: { ${access[op]}; break; }`)
          .join('\n        ')}
      }
    }
  }
  return v;
}`;
const source = `
// @ts-ignore: decorator
@noinline
function lwzUnaligned(h: u32): u32 {
  return load<u8>(h ^ 3) << 24 | load<u8>((h + 1) ^ 3) << 16 | load<u8>((h + 2) ^ 3) << 8 | load<u8>((h + 3) ^ 3);
}
// @ts-ignore: decorator
@noinline
function stwUnaligned(h: u32, v: u32): void {
  store<u8>(h ^ 3, v >> 24); store<u8>((h + 1) ^ 3, v >> 16); store<u8>((h + 2) ^ 3, v >> 8); store<u8>((h + 3) ^ 3, v);
}
${run('guestOrder', guest)}
${run('wordSwapped', swapped)}
export function sumGuest(bytes: u32): u32 {
  let v: u32 = 0;
  for (let h: u32 = ${RAM}; h < ${RAM} + bytes; h += 4) v += bswap<u32>(load<u32>(h));
  return v;
}
export function sumSwapped(bytes: u32): u32 {
  let v: u32 = 0;
  for (let h: u32 = ${RAM}; h < ${RAM} + bytes; h += 4) v += load<u32>(h);
  return v;
}
export function swapWords(bytes: u32): void {
  for (let h: u32 = ${RAM}; h < ${RAM} + bytes; h += 4) store<u32>(h, bswap<u32>(load<u32>(h)));
}
`;
const mem = memory();
const bench = instantiate(await compile(source), mem);
const trace = new DataView(mem.buffer);

/** `unaligned` in a thousand. */
function fill(mix, unaligned) {
  const rng = random(2);
  for (let n = 0; n < COUNT; n++) {
    const op = pick(rng, mix);
    const size = op.endsWith('w') || op === 'lwz' ? 4 : op.endsWith('b') || op === 'lbz' ? 1 : 2;
    const base = rng(MIB - 8) & ~(size - 1);
    const pa = rng(1000) < unaligned && size > 1 ? base + 1 + rng(size - 1) : base;
    trace.setUint32(TRACE + n * 8, pa, true);
    trace.setUint32(TRACE + n * 8 + 4, ACCESS[op], true);
  }
}
const LOOPS = 40;
const compiled = [
  [52, 'lwz'],
  [10, 'lbz'],
  [5, 'lhz'],
  [25, 'stw'],
  [5, 'stb'],
  [3, 'sth'],
];
const rows = [];
for (const [what, mix, unaligned] of [
  ['compiled code: 77 % words, 15 % bytes, 8 % halves', compiled, 0],
  ['the same, 1 % unaligned', compiled, 10],
  ['word loads only', [[1, 'lwz']], 0],
  ['word stores only', [[1, 'stw']], 0],
  [
    'byte loads and stores',
    [
      [1, 'lbz'],
      [1, 'stb'],
    ],
    0,
  ],
  [
    'half loads and stores',
    [
      [1, 'lhz'],
      [1, 'sth'],
    ],
    0,
  ],
]) {
  fill(mix, unaligned);
  const ns = nsPerStep(
    [
      ['guest', () => bench.guestOrder(LOOPS)],
      ['swapped', () => bench.wordSwapped(LOOPS)],
    ],
    LOOPS * COUNT,
  );
  rows.push([what, ns.get('guest'), ns.get('swapped')]);
}
const sum = nsPerStep(
  [
    ['guest', () => bench.sumGuest(MIB)],
    ['swapped', () => bench.sumSwapped(MIB)],
  ],
  MIB / 4,
  60,
);
rows.push(['checksum loop over 1 MiB, nothing else per word', sum.get('guest'), sum.get('swapped')]);
table('ns an access (smaller is better)', ['accesses', 'guest order', 'word-swapped'], rows);

const BLOCK = 65_536;
const disk = new Uint8Array(BLOCK).map((_, i) => i);
const guestBytes = new Uint8Array(mem.buffer, RAM, BLOCK);
const words = new Uint32Array(mem.buffer, RAM, BLOCK / 4);
const diskWords = new DataView(disk.buffer);
const copy = nsPerStep(
  [
    ['guest', () => guestBytes.set(disk)],
    ['inModule', () => (guestBytes.set(disk), bench.swapWords(BLOCK))],
    [
      'inJs',
      () => {
        for (let i = 0; i < words.length; i++) words[i] = diskWords.getUint32(i * 4);
      },
    ],
    [
      'bytes',
      () => {
        for (let i = 0; i < BLOCK; i++) guestBytes[i ^ 3] = disk[i];
      },
    ],
  ],
  1000,
  200,
);
table(
  'µs to move 64 KiB by DMA (smaller is better)',
  ['how', 'µs'],
  [
    ['guest order: copy', copy.get('guest')],
    ['word-swapped: copy, then swap words in WebAssembly', copy.get('inModule')],
    ['word-swapped: JS word loop (aligned)', copy.get('inJs')],
    ['word-swapped: JS byte loop (any alignment)', copy.get('bytes')],
  ],
);
