// SPDX-License-Identifier: MIT
// Does a shared WebAssembly.Memory, or running in a worker, slow the interpreter down?
//
//   node test/bench/shared-memory.mjs
//
// The same memory-heavy loops in three places: an ordinary memory in this thread, a shared one in this thread, and a
// shared one in a worker thread while this thread sleeps.
import { Worker, isMainThread, parentPort, workerData } from 'node:worker_threads';
import { MIB, compile, instantiate, memory, nsPerStep, table } from './support.mjs';

const RAM = 0x1_0000;
const SIZE = 8 * MIB;
const memoryBytes = 16 * MIB;
const source = `
export function sequential(): u32 {
  let v: u32 = 0;
  for (let h: u32 = ${RAM}; h < ${RAM + SIZE}; h += 4) v += bswap<u32>(load<u32>(h));
  return v;
}
export function stores(): void {
  for (let h: u32 = ${RAM}; h < ${RAM + SIZE}; h += 4) store<u32>(h, bswap<u32>(h));
}
export function scattered(): u32 {
  let v: u32 = 1;
  for (let i: i32 = 0; i < ${SIZE / 4}; i++) {
    v = v * 1664525 + 1013904223;
    const h: u32 = ${RAM} + ((v >>> 12) & 0x3fffc);
    store<u32>(h, load<u32>(h) + v);
  }
  return v;
}
export function bytes(): void {
  for (let i: u32 = 0; i < ${SIZE / 4}; i++) store<u8>(${RAM} + i, load<u8>(${RAM + SIZE / 2} + i) ^ 0x55);
}
export function interpret(): u32 {
  let p: u32 = ${RAM};
  for (let i: i32 = 0; i < ${SIZE / 4}; i++) {
    const d: u32 = 0x1000 + ((i & 31) << 2);
    switch (i & 7) {
      case 0: store<u32>(d, load<u32>(0x1010) + load<u32>(0x1020)); break;
      case 1: store<u32>(d, load<u32>(0x1014) << 3); break;
      case 2: store<u32>(d, bswap<u32>(load<u32>(p))); break;
      case 3: store<u32>(p, bswap<u32>(load<u32>(0x1040))); break;
      case 4: store<u8>(0x1100, load<u32>(d) ? 4 : 2); break;
      case 5: store<u32>(d, load<u32>(0x1050) - load<u32>(0x1014)); break;
      case 6: store<u32>(d, load<u32>(0x1060) & 0xffff); break;
      default: p = ${RAM} + ((p + 64) & 0xfffc);
    }
  }
  return p;
}
export function copies(): void {
  for (let i: u32 = 0; i < ${SIZE / 2}; i += 4096) memory.copy(${RAM + SIZE / 2} + i, ${RAM} + i, 4096);
}
`;
const LOOPS = [
  ['sequential', 'words read in order'],
  ['stores', 'words written in order'],
  ['scattered', 'read-modify-write, scattered over 256 KiB'],
  ['bytes', 'byte copy loop'],
  ['interpret', 'interpreter-like mix on a register block'],
  ['copies', 'memory.copy, 4 KiB each (per word)'],
];
const steps = SIZE / 4;

function measure(wasm, mem) {
  const bench = instantiate(wasm, mem);
  return LOOPS.map(([name]) => nsPerStep([[name, () => bench[name]()]], steps).get(name));
}

if (isMainThread) {
  const plain = await compile(source, { shared: false, memoryBytes });
  const shared = await compile(source, { shared: true, memoryBytes });
  const here = measure(plain, memory({ shared: false, memoryBytes }));
  const sharedHere = measure(shared, memory({ shared: true, memoryBytes }));
  const inWorker = await new Promise((resolve, reject) => {
    const workerData = { wasm: shared, mem: memory({ shared: true, memoryBytes }) };
    const worker = new Worker(new URL(import.meta.url), { workerData });
    worker.once('message', resolve);
    worker.once('error', reject);
  });
  table(
    'ns a step (smaller is better)',
    ['loop', 'own memory, this thread', 'shared, this thread', 'shared, worker'],
    LOOPS.map(([, what], i) => [what, here[i], sharedHere[i], inWorker[i]]),
  );
} else {
  parentPort.postMessage(measure(workerData.wasm, workerData.mem));
}
