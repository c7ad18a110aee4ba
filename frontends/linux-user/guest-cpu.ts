// SPDX-License-Identifier: MIT
//
// The workers and their CPUs, as the kernel handles them.
import { Worker } from 'node:worker_threads';
import { ACCESS, Ia64State } from '../../core/ia64/host/ia64-state.ts';
import type { Cpu, CpuFault, CpuPool, CpuState } from '../../machines/linux-user/cpu.ts';
import { SPACE_GENERATION } from '../../machines/linux-user/memory/page-table.ts';
import type { GuestWorkerData } from './guest-worker.ts';
import { MAX_WORKERS, STATE, WORD, areaOf, blockOf } from './layout.ts';

interface Core {
  init(area: number): void;
}

/** Registers as the kernel names them. */
class Registers extends Ia64State implements CpuState {
  readonly #core: Core;

  constructor(memory: WebAssembly.Memory, base: number, core: Core) {
    super(memory, base);
    this.#core = core;
  }

  /** Where register `index` of the frame is now: the rotating ones at its beginning have turned. */
  #logical(index: number): number {
    const { cfm } = this;
    const sor = Number((cfm >> 14n) & 15n) * 8;
    if (index >= sor) return 32 + index;
    const rrb = Number((cfm >> 18n) & 0x7fn);
    return 32 + ((index - (rrb % sor) + sor) % sor);
  }

  frameRegister(index: number): bigint {
    return this.gr(this.#logical(index));
  }

  frameNat(index: number): boolean {
    return this.grNat(this.#logical(index));
  }

  setFrameRegister(index: number, value: bigint, nat: boolean): void {
    this.setGr(this.#logical(index), value, nat);
  }

  copyRegisters(other: CpuState): void {
    this.copyFrom(other as Registers);
  }

  reset(): void {
    this.#core.init(this.base);
  }
}

class WorkerCpu implements Cpu {
  readonly state: Registers;
  readonly index: number;
  readonly #words: Int32Array;
  readonly #block: number;

  constructor(memory: WebAssembly.Memory, index: number, core: Core) {
    this.index = index;
    this.#words = new Int32Array(memory.buffer);
    this.#block = blockOf(index);
    this.state = new Registers(memory, areaOf(index), core);
    this.state.reset();
  }

  get space(): number {
    return this.#words[this.#block + WORD.space]! >>> 0;
  }

  set space(space: number) {
    Atomics.store(this.#words, this.#block + WORD.space, space | 0);
    Atomics.add(this.#words, this.#block + WORD.spaceCount, 1);
    this.state.space = space;
  }

  get reason(): number {
    return this.#words[this.#block + WORD.reason]!;
  }

  get breakImmediate(): number {
    return Number(this.state.breakImmediate);
  }

  get fault(): CpuFault {
    const { state } = this;
    const { fault, access } = state;
    const kind =
      fault === 'privilegedRegister'
        ? 'privileged'
        : fault === 'unsupportedData'
          ? 'natConsumption'
          : fault === 'none'
            ? 'illegal'
            : fault;
    let isr = BigInt(state.isr) | (BigInt(state.slot) << 41n);
    if ((access & ACCESS.execute) !== 0) isr |= 1n << 32n;
    if ((access & ACCESS.write) !== 0) isr |= 1n << 33n;
    if ((access & ACCESS.read) !== 0) isr |= 1n << 34n;
    if ((access & ACCESS.rse) !== 0) isr |= 1n << 37n;
    return {
      kind,
      address: state.address,
      access: (access & ACCESS.execute) !== 0 ? 'execute' : (access & ACCESS.write) !== 0 ? 'write' : 'read',
      isr,
    };
  }

  get isRunning(): boolean {
    const now = Atomics.load(this.#words, this.#block + WORD.state);
    return now === STATE.running || now === STATE.posted;
  }

  takeReport(): boolean {
    const { posted, parked } = STATE;
    return Atomics.compareExchange(this.#words, this.#block + WORD.state, posted, parked) === posted;
  }

  resume(): void {
    Atomics.store(this.#words, this.#block + WORD.request, 0);
    Atomics.store(this.#words, this.state.attentionOffset >>> 2, 0);
    Atomics.store(this.#words, this.#block + WORD.state, STATE.running);
    Atomics.notify(this.#words, this.#block + WORD.state);
  }

  interrupt(): void {
    Atomics.store(this.#words, this.#block + WORD.request, 1);
    Atomics.store(this.#words, this.state.attentionOffset >>> 2, 1);
  }

  awaitFlush(): void {
    const words = this.#words;
    const wanted = Atomics.load(words, (this.space + SPACE_GENERATION) >>> 2);
    Atomics.store(words, this.state.attentionOffset >>> 2, 1);
    for (let spins = 0; Atomics.load(words, this.#block + WORD.state) === STATE.running; spins++) {
      const flushed = Atomics.load(words, this.#block + WORD.flushed);
      if (flushed === wanted) return;
      if (spins > 200) Atomics.wait(words, this.#block + WORD.flushed, flushed, 1);
    }
  }

  end(): void {
    Atomics.store(this.#words, this.#block + WORD.state, STATE.ended);
    Atomics.notify(this.#words, this.#block + WORD.state);
  }
}

const WORKER = new URL(`./guest-worker${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url);

/** Workers are started when they are first needed, one ahead, and used again. */
export class WorkerPool implements CpuPool {
  readonly #memory: WebAssembly.Memory;
  readonly #module: WebAssembly.Module;
  readonly #core: Core;
  readonly #idle: WorkerCpu[] = [];
  readonly #workers: Worker[] = [];
  readonly #cpus: WorkerCpu[] = [];
  /** A worker failed, which is the emulator's own fault. */
  onError: (error: Error) => void = () => {};

  constructor(memory: WebAssembly.Memory, module: WebAssembly.Module) {
    this.#memory = memory;
    this.#module = module;
    this.#core = new WebAssembly.Instance(module, { env: { memory }, host: { itc: () => 0 } })
      .exports as unknown as Core;
  }

  /** Makes sure that one more is ready. */
  prepare(): void {
    if (this.#idle.length === 0 && this.#cpus.length < MAX_WORKERS) this.#idle.push(this.#start());
  }

  #start(): WorkerCpu {
    const index = this.#cpus.length;
    const cpu = new WorkerCpu(this.#memory, index, this.#core);
    const data: GuestWorkerData = { module: this.#module, memory: this.#memory, worker: index };
    const worker = new Worker(WORKER, {
      workerData: data,
      stdout: false,
      stderr: false,
      resourceLimits: { maxOldGenerationSizeMb: 64, maxYoungGenerationSizeMb: 4, stackSizeMb: 2 },
    });
    worker.on('error', (error) => this.onError(error));
    worker.unref();
    this.#workers.push(worker);
    this.#cpus.push(cpu);
    return cpu;
  }

  acquire(): Cpu | undefined {
    return this.#idle.pop() ?? (this.#cpus.length < MAX_WORKERS ? this.#start() : undefined);
  }

  release(cpu: Cpu): void {
    this.#idle.push(cpu as WorkerCpu);
  }

  get anyRunning(): boolean {
    return this.#cpus.some((cpu) => cpu.isRunning);
  }

  end(): void {
    this.#cpus.forEach((cpu) => cpu.end());
  }
}
