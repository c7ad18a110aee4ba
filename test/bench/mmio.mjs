// SPDX-License-Identifier: MIT
// What does a device register access cost that leaves WebAssembly for a device model in TypeScript and comes back?
//
//   node test/bench/mmio.mjs
//
// A hot loop in WebAssembly reads or writes one register per turn, the way a guest polls a status bit: directly in
// memory, through a call inside the module, through an import that does nothing, through an import that finds the
// device by page and calls its method, and the same where the method raises an interrupt by writing the core's memory
// or by calling one of its exports.
import { compile, instantiate, memory, nsPerStep, table } from './support.mjs';

const TURNS = 1_000_000;
const source = `
@external("host", "nothing") declare function nothing(pa: u32, width: u32): u32;
@external("host", "mmioRead") declare function mmioRead(pa: u32, width: u32): u32;
@external("host", "mmioWrite") declare function mmioWrite(pa: u32, width: u32, value: u32): void;
// @ts-ignore: decorator
@noinline
function inside(pa: u32, width: u32): u32 { return load<u32>(0x1000 + (pa & 0xffc)) + width; }
let pending: u32 = 0;
export function interrupt(level: u32): void { pending = level; }
export function ram(n: i32): u32 {
  let sum: u32 = 0;
  for (let i: i32 = 0; i < n; i++) sum += load<u32>(0x1000 + ((i & 7) << 2));
  return sum;
}
export function call(n: i32): u32 {
  let sum: u32 = 0;
  for (let i: i32 = 0; i < n; i++) sum += inside(0xf3013000 + (i & 7), 4);
  return sum;
}
export function imported(n: i32): u32 {
  let sum: u32 = 0;
  for (let i: i32 = 0; i < n; i++) sum += nothing(0xf3013000 + (i & 7), 1);
  return sum;
}
export function read(n: i32, pa: u32): u32 {
  let sum: u32 = 0;
  for (let i: i32 = 0; i < n; i++) sum += mmioRead(pa + (i & 7), 1);
  return sum + pending;
}
export function write(n: i32, pa: u32): void {
  for (let i: i32 = 0; i < n; i++) mmioWrite(pa + (i & 7), 1, i & 0xff);
}
export function empty(): void {}
`;

class Uart {
  span = 8;
  #registers = new Uint8Array(8);
  #interrupts = 0;
  #irq;
  constructor(irq) {
    this.#irq = irq;
  }
  read(offset) {
    switch (offset) {
      case 5:
        return 0x60 | (this.#interrupts & 1);
      default:
        return this.#registers[offset];
    }
  }
  write(offset, _width, value) {
    this.#registers[offset] = value;
    if (offset === 1) this.#irq(value & 1);
  }
}
/** Something else to find, so that the call sites see more than one class of device, as on a real board. */
class Timer {
  span = 8;
  #count = 0;
  read(offset) {
    return offset === 0 ? (this.#count += 1) & 0xff : 0;
  }
  write(offset, _width, value) {
    if (offset === 0) this.#count = value;
  }
}
class Latch {
  span = 8;
  #value = 0;
  read() {
    return this.#value;
  }
  write(_offset, _width, value) {
    this.#value = value;
  }
}

class Bus {
  #pages = new Map();
  #lastPage = -1;
  #last;
  map(pa, target) {
    this.#pages.set(pa >>> 12, { start: pa, target });
  }
  #find(pa) {
    const page = pa >>> 12;
    if (page !== this.#lastPage) {
      this.#last = this.#pages.get(page);
      this.#lastPage = page;
    }
    return this.#last;
  }
  read(pa, width) {
    const region = this.#find(pa);
    return region === undefined ? 0 : region.target.read(pa - region.start, width);
  }
  write(pa, width, value) {
    const region = this.#find(pa);
    region?.target.write(pa - region.start, width, value);
  }
}

const mem = memory();
const words = new Int32Array(mem.buffer);
const bus = new Bus();
const core = instantiate(await compile(source), mem, {
  nothing: () => 0,
  mmioRead: (pa, width) => bus.read(pa >>> 0, width),
  mmioWrite: (pa, width, value) => bus.write(pa >>> 0, width, value >>> 0),
});
const plain = 0xf301_3000;
const irqByMemory = 0xf301_4000;
const irqByExport = 0xf301_5000;
bus.map(plain, new Uart(() => undefined));
bus.map(irqByMemory, new Uart((level) => (words[0x800] = level)));
bus.map(irqByExport, new Uart((level) => core.interrupt(level)));
bus.map(0xf301_6000, new Timer());
bus.map(0xf301_7000, new Latch());
for (const pa of [plain, irqByMemory, irqByExport, 0xf301_6000, 0xf301_7000]) {
  core.read(20_000, pa | 0);
  core.write(20_000, pa | 0);
}

const ways = [
  ['load in the module', () => core.ram(TURNS)],
  ['call in the module', () => core.call(TURNS)],
  ['import that does nothing', () => core.imported(TURNS)],
  ['register read: import, page lookup, device method', () => core.read(TURNS, plain | 0)],
  ['register write', () => core.write(TURNS, plain | 0)],
  ['register write, every 8th sets a flag in memory', () => core.write(TURNS, irqByMemory | 0)],
  ['register write, every 8th calls an export', () => core.write(TURNS, irqByExport | 0)],
];
const ns = nsPerStep(ways, TURNS);
const entry = nsPerStep(
  [
    [
      'JS calls an export',
      () => {
        for (let i = 0; i < TURNS; i++) core.empty();
      },
    ],
  ],
  TURNS,
);
table('ns an access (smaller is better)', ['access', 'ns'], [...ns, ...entry]);
