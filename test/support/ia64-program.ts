// SPDX-License-Identifier: MIT
//
// Runs static IA-64 Linux programs in this process, with the few system calls that computing and printing need. A test
// of the core, not a kernel: one thread, no files, no signals.
import { readFileSync } from 'node:fs';
import { REASON } from '../../core/ia64/host/ia64-state.ts';
import { EXECUTE, Ia64, PAGE, READ, WRITE } from './ia64.ts';

const STACK_TOP = 0x8000_0fff_ffff_c000n;
const STACK_BYTES = 0x80_0000;
const BACKING_STORE = 0x6000_0fff_8000_0000n;
const MMAP_BASE = 0x2000_0000_0000_0000n;

const ENOSYS = 38;
const ENOTTY = 25;
const EBADF = 9;
const ENOMEM = 12;
const EINVAL = 22;
const ENOENT = 2;

export interface Ended {
  output: string;
  status: number;
  /** When the program did not end by itself. */
  trouble: string | undefined;
}

export class Ia64Program {
  readonly cpu: Ia64;
  #output: Uint8Array[] = [];
  #status: number | undefined;
  #brk: bigint;
  #mmap = MMAP_BASE;
  readonly unknown = new Set<number>();

  constructor(path: string, args: readonly string[], environment: readonly string[] = [], megabytes = 512) {
    this.cpu = new Ia64(megabytes);
    const file = readFileSync(path);
    const elf = new DataView(file.buffer, file.byteOffset, file.byteLength);
    const entry = elf.getBigUint64(0x18, true);
    const phoff = Number(elf.getBigUint64(0x20, true));
    const phnum = elf.getUint16(0x38, true);
    let end = 0n;
    let first: bigint | undefined;
    for (let i = 0; i < phnum; i++) {
      const at = phoff + i * 56;
      if (elf.getUint32(at, true) !== 1) continue;
      const flags = elf.getUint32(at + 4, true);
      const offset = Number(elf.getBigUint64(at + 8, true));
      const va = elf.getBigUint64(at + 16, true);
      const bytes = Number(elf.getBigUint64(at + 32, true));
      const size = Number(elf.getBigUint64(at + 40, true));
      first ??= va;
      this.cpu.map(va, size, READ | (flags & 2 ? WRITE : 0) | (flags & 1 ? EXECUTE : 0));
      this.cpu.write(va, file.subarray(offset, offset + bytes));
      if (va + BigInt(size) > end) end = va + BigInt(size);
    }
    this.#brk = (end + BigInt(PAGE - 1)) & ~BigInt(PAGE - 1);
    this.cpu.map(STACK_TOP - BigInt(STACK_BYTES), STACK_BYTES);
    this.cpu.map(BACKING_STORE, 0x80_0000);

    let top = STACK_TOP - 64n;
    const put = (text: string): bigint => {
      const bytes = new TextEncoder().encode(`${text}\0`);
      top -= BigInt(bytes.length);
      this.cpu.write(top, bytes);
      return top;
    };
    const execfn = put(path);
    const argv = args.map(put);
    const envp = environment.map(put);
    const random = put('0123456789abcde');
    const words = [BigInt(argv.length), ...argv, 0n, ...envp, 0n];
    words.push(3n, (first ?? 0n) + BigInt(phoff), 4n, 56n, 5n, BigInt(phnum), 6n, BigInt(PAGE), 9n, entry);
    words.push(17n, 1024n, 25n, random, 31n, execfn, 23n, 0n, 0n, 0n);
    top = (top - BigInt(words.length * 8) - 16n) & ~0xfn;
    words.forEach((word, i) => this.cpu.write64(top + BigInt(i * 8), word));
    const { state } = this.cpu;
    state.setGr(12, top - 16n);
    state.ip = entry;
    state.bspstore = BACKING_STORE;
    state.rsc = 0xfn;
  }

  /** Runs to the end, or until `instructions` have been executed. */
  run(instructions = Infinity): Ended {
    const { core } = this.cpu;
    let trouble: string | undefined;
    const slice = 1 << 28;
    for (let left = instructions; this.#status === undefined && trouble === undefined;) {
      const reason = core.run(Math.min(left, slice));
      if (reason === REASON.syscall) this.#call();
      else if (reason === REASON.budget) left -= slice;
      else trouble = this.#describe(reason);
      if (left <= 0) trouble = 'too many instructions';
    }
    const output = Buffer.concat(this.#output).toString('latin1');
    return { output, status: this.#status ?? -1, trouble };
  }

  #describe(reason: number): string {
    const { state } = this.cpu;
    const place = `at 0x${state.ip.toString(16)} slot ${state.slot}`;
    if (reason === REASON.break) return `break ${state.breakImmediate} ${place}`;
    return `${state.fault} 0x${state.address.toString(16)} access ${state.access} ${place}`;
  }

  #call(): void {
    const { state } = this.cpu;
    const number = Number(state.gr(15));
    // Arguments are the outputs of the current frame, as for a call.
    const first = 32 + Number((state.cfm >> 7n) & 0x7fn);
    const args = Array.from({ length: 6 }, (_, i) => state.gr(first + i));
    const result = this.#service(number, args);
    // r8 is the result or the error number, r10 is -1 for an error.
    state.setGr(8, result < 0n ? -result : result);
    state.setGr(10, result < 0n ? -1n : 0n);
  }

  #service(number: number, args: readonly bigint[]): bigint {
    const [a = 0n, b = 0n, c = 0n] = args;
    const { cpu } = this;
    switch (number) {
      case 1025: // exit
      case 1236: // exit_group
        this.#status = Number(a & 0xffn);
        return 0n;
      case 1027: // write
        if (a !== 1n && a !== 2n) return -BigInt(EBADF);
        this.#output.push(cpu.read(b, Number(c)));
        return c;
      case 1147: {
        // writev
        let total = 0n;
        for (let i = 0n; i < c; i++) {
          const length = cpu.read64(b + i * 16n + 8n);
          this.#output.push(cpu.read(cpu.read64(b + i * 16n), Number(length)));
          total += length;
        }
        return total;
      }
      case 1060: // brk
        if (a > this.#brk && a - this.#brk < 0x1000_0000n) {
          cpu.map(this.#brk, Number(a - this.#brk));
          this.#brk = a;
        }
        return this.#brk;
      case 1151:
      case 1172: {
        // mmap, mmap2
        const size = (b + BigInt(PAGE - 1)) & ~BigInt(PAGE - 1);
        if (size > 0x400_0000n) return -BigInt(ENOMEM);
        const at = this.#mmap;
        this.#mmap += size + BigInt(PAGE);
        cpu.map(at, Number(size));
        return at;
      }
      case 1152: // munmap
      case 1155: // mprotect
        return 0n;
      case 1130: // uname
        for (const [i, text] of ['Linux', 'test', '6.1.0', '#1', 'ia64', ''].entries()) {
          cpu.write(a + BigInt(i * 65), new TextEncoder().encode(`${text}\0`));
        }
        return 0n;
      case 1212: // fstat: a character device
      case 1286: {
        const buffer = number === 1212 ? b : c;
        cpu.write(buffer, new Uint8Array(144));
        cpu.write32(buffer + 24n, 0o20620);
        cpu.write64(buffer + 40n, 0x8801n);
        cpu.write64(buffer + 112n, 1024n);
        return 0n;
      }
      case 1065: // ioctl
        return -BigInt(ENOTTY);
      case 1092: // readlink
      case 1291: // readlinkat
      case 1281: // openat
        return -BigInt(ENOENT);
      case 1233: // set_tid_address
      case 1041: // getpid
      case 1105: // gettid
        return 1000n;
      case 1254: {
        // clock_gettime
        const now = performance.now();
        cpu.write64(b, BigInt(Math.floor(now / 1000)));
        cpu.write64(b + 8n, BigInt(Math.floor((now % 1000) * 1e6)));
        return 0n;
      }
      case 1318: // getrandom
        cpu.write(a, new Uint8Array(Number(b)).fill(0x5a));
        return b;
      case 1177: // rt_sigaction
      case 1179: // rt_sigprocmask
      case 1298: // set_robust_list
      case 1230: // futex: nobody waits
        return 0n;
      case 1325: // prlimit64
        return -BigInt(EINVAL);
      default:
        this.unknown.add(number);
        return -BigInt(ENOSYS);
    }
  }
}
