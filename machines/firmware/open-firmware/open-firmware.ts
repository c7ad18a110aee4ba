// SPDX-License-Identifier: MIT
//
// The built-in Open Firmware (IEEE 1275-1994 with the PowerPC binding). It runs on the host; the guest CPU idles in a
// small loop while it waits and traps into it by hypercalls. See docs/open-firmware.md.
import { type Plain, type PlainFields, SavedFields, SnapshotError } from '../../backplane/device.ts';
import type { KeyCode } from '../../backplane/host.ts';
import { Boot, type DirectKernel, type ReadyProgram } from './boot.ts';
import { Claims } from './claims.ts';
import { ClientInterface, type ClientServices, type ForthCall, RESULT_SHAPES, type ResultPlace } from './client.ts';
import { Console, LineEditor } from './console.ts';
import { ForthThrow, THROW, throwMessage } from './errors.ts';
import { Forth } from './forth/forth.ts';
import { Task } from './forth/task.ts';
import { latin1 } from './latin1.ts';
import { Heap } from './heap.ts';
import type { FirmwareHost, TreeNode } from './host.ts';
import { KeyboardMap } from './keyboard-map.ts';
import { defineConsoleMethods } from './packages/console.ts';
import { defineDisks } from './packages/disk.ts';
import { defineMemoryMethods, powerOfTwo } from './packages/memory.ts';
import { type PciAccess, PciConfiguration, definePciMethods } from './packages/pci.ts';
import { PRELUDE } from './prelude.ts';
import { HID0_DOZE, HYPERCALL, LAYOUT, MSR_FP, MSR_ME, stubWords, VECTORS_END, vectorWords } from './stubs.ts';
import { asFields } from './saved.ts';
import type { Terminal } from './terminal.ts';
import { cells, DeviceTree, type Package, strings } from './tree.ts';
import { ConfigurationVariables, defineVariableWords } from './variables.ts';
import { defineCompilerWords } from './words/compiler.ts';
import { defineCoreWords } from './words/core.ts';
import { defineDeviceWords } from './words/device.ts';
import { defineUserWords, report } from './words/user.ts';

export interface OpenFirmwareOptions {
  readonly tree: TreeNode;
  readonly ramBytes: number;
  /** Counts of the decrementer a second. */
  readonly timebaseHz: number;
  readonly paths: {
    /** The CPU's node, which carries the MMU's methods. */
    readonly cpu: string;
    readonly memory: string;
    readonly serial: string;
    readonly keyboard?: string;
  };
  /** What the banner calls the machine. */
  readonly machine: string;
  readonly kernel?: DirectKernel;
  /** Defaults of configuration variables that differ from the standard's. */
  readonly defaults?: Readonly<Record<string, string>>;
  /** Configuration variables for this run, stored ones aside: `{'auto-boot?': 'false'}`. */
  readonly overrides?: Readonly<Record<string, string>>;
  /** The PCI bus whose devices are to be set up. */
  readonly pci?: PciAccess;
  /** Forth run before the console exists: what this board's chips need to be set up. */
  readonly startup?: string;
}

/** Words executed in one hypercall before the CPU gets a turn. */
const SLICE_WORDS = 50_000;
/** Virtual time those words take. */
const SLICE_MS = 1;
/** Idle time between looks at the console, and the longest wait for time. */
const IDLE_MS = 10;
/** A client's own request may run this long in one go before the CPU idles in between. */
const CLIENT_SLICE_WORDS = 500_000;
/** A client that cannot stop crashing must not flood the console. */
const MAX_EXCEPTIONS_SHOWN = 1000;

const CONTEXT = [...Array.from({ length: 32 }, (_, i) => `r${i}`), 'pc', 'msr', 'lr', 'ctr', 'cr', 'xer'] as const;
type Context = ReadonlyMap<string, number>;

/** A client's request that waits for something. */
interface PendingCall {
  readonly call: ForthCall;
  readonly place: ResultPlace;
  readonly caller: Context;
}

export class OpenFirmware {
  readonly #host: FirmwareHost;
  readonly #options: OpenFirmwareOptions;
  readonly #base: number;
  readonly #forth: Forth;
  readonly #tree: DeviceTree;
  readonly #console: Console;
  readonly #editor: LineEditor;
  readonly #keyboard = new KeyboardMap();
  readonly #variables: ConfigurationVariables;
  readonly #client: ClientInterface;
  readonly #physical: Claims;
  readonly #virtual: Claims;
  readonly #chosen: Package;
  readonly #boot: Boot;
  #main = new Task();
  readonly #heap: Heap;
  #terminal: Terminal | undefined;
  /** A client's request that is still running. */
  #pending: PendingCall | undefined;
  /** A client that is in the prompt's hands (`enter`), to be resumed by `go`. */
  #suspended: Context | undefined;
  #clientRuns = false;
  #quiesced = false;
  #exceptionsShown = 0;

  constructor(host: FirmwareHost, options: OpenFirmwareOptions) {
    this.#host = host;
    this.#options = options;
    const base = options.ramBytes - LAYOUT.total;
    this.#base = base;
    this.#physical = new Claims([{ start: VECTORS_END, size: base - VECTORS_END }]);
    this.#virtual = new Claims([{ start: VECTORS_END, size: base - VECTORS_END }]);
    this.#writeStubs();
    const forth = new Forth(host, {
      variables: base + LAYOUT.variables,
      scratch: base + LAYOUT.scratch,
      scratchBytes: LAYOUT.scratchBytes,
      data: base + LAYOUT.data,
      dataBytes: LAYOUT.dataBytes,
    });
    this.#forth = forth;
    forth.task = this.#main;
    const heap = new Heap(base + LAYOUT.heap, LAYOUT.heapBytes, this.#physical);
    const tree = new DeviceTree(
      forth,
      options.tree,
      (bytes) => heap.alloc(bytes),
      (pa) => heap.free(pa),
    );
    this.#tree = tree;
    this.#heap = heap;
    if (options.pci !== undefined) {
      const bus = this.#node(options.pci.path);
      const configuration = new PciConfiguration(forth, options.pci);
      definePciMethods(forth, tree, bus, configuration);
      for (const device of bus.children) configuration.setUp(tree, device);
    }
    for (const name of ['aliases', 'packages']) tree.ensure(tree.root, name);
    const openprom = tree.ensure(tree.root, 'openprom').properties;
    openprom.set('model', strings('Emeritus Open Firmware, 1.0'));
    openprom.set('relative-addressing', new Uint8Array(0));
    this.#chosen = tree.ensure(tree.root, 'chosen');
    this.#variables = new ConfigurationVariables(tree, host.variables, options.defaults ?? {});
    this.#console = new Console(host);
    this.#editor = new LineEditor(this.#console);
    forth.emitByte = (byte) => this.#console.write(byte);
    this.#client = new ClientInterface(this.#services());
    this.#boot = new Boot({
      host,
      forth,
      tree,
      variables: this.#variables,
      chosen: this.#chosen,
      base,
      physical: this.#physical,
      virtual: this.#virtual,
      kernel: options.kernel,
      showClaims: () => this.#showClaims(),
      interrupted: () => {
        this.#console.poll();
        return this.#console.takeInterrupt();
      },
      resume: () => this.#resumeClient(),
      enterClient: (program) => this.#enterClient(program),
    });
    this.#defineWords(heap);
  }

  // ---- from the machine ---------------------------------------------------------------------------------------------

  /** Power-on: sets up chips and console and points the CPU at the firmware. */
  start(): void {
    const host = this.#host;
    host.setRegister('msr', MSR_FP | MSR_ME);
    host.setRegister('hid0', host.getRegister('hid0') | HID0_DOZE);
    host.setRegister('r1', this.#base + LAYOUT.clientStack + LAYOUT.clientStackBytes - 64);
    this.#forth.start(this.#main, this.#forth.require('(start)'));
    this.#idle(0);
  }

  /** The CPU executed hypercall `n`. */
  hypercall(n: number): void {
    if ((n & HYPERCALL.exception) !== 0) {
      this.#exception(n & 0xffff);
      return;
    }
    switch (n) {
      case HYPERCALL.poll:
        this.#poll();
        return;
      case HYPERCALL.client:
        this.#clientCall();
        return;
      case HYPERCALL.clientReturned:
        this.#leaveClient();
        return;
    }
  }

  /** A key of the keyboard went down or up. */
  key(code: KeyCode, down: boolean): void {
    for (const byte of this.#keyboard.key(code, down)) this.type(byte);
  }

  /** A character from the keyboard. A client that has taken the machine over reads its keyboard itself. */
  type(byte: number): void {
    if (!this.#quiesced) this.#console.type(byte);
  }

  /** The firmware's own state; stubs, strings and variables are in guest memory, configuration in NVRAM. */
  save(): PlainFields {
    const context = (of: Context | undefined): Plain => (of === undefined ? null : Object.fromEntries(of));
    const pending = this.#pending;
    return {
      forth: this.#forth.save(),
      tree: this.#tree.save(),
      main: this.#main.save(),
      console: this.#console.save(),
      editor: this.#editor.save(),
      terminal: this.#terminal?.save() ?? null,
      variables: this.#variables.save(),
      heap: this.#heap.save(),
      physical: this.#physical.save(),
      virtual: this.#virtual.save(),
      callback: this.#client.callback,
      pending:
        pending === undefined
          ? null
          : {
              task: pending.call.task.save(),
              shape: pending.call.shape,
              place: { ...pending.place },
              caller: context(pending.caller),
            },
      suspended: context(this.#suspended),
      clientRuns: this.#clientRuns,
      quiesced: this.#quiesced,
      ...this.#boot.save(),
    };
  }

  /** Takes back what `save` gave, on the same machine with the same options. */
  restore(state: PlainFields): void {
    const saved = new SavedFields('firmware', state);
    const context = (value: Plain | undefined): Context | undefined => {
      if (value === null) return undefined;
      const fields = asFields(value);
      return new Map(CONTEXT.map((name) => [name, new SavedFields('firmware.context', fields).u32(name)]));
    };
    this.#forth.restore(saved.fields('forth'));
    this.#tree.restore(saved.fields('tree'));
    this.#main = Task.restored(saved.fields('main'));
    this.#console.restore(saved.fields('console'));
    this.#editor.restore(saved.fields('editor'));
    if (this.#terminal !== undefined) this.#terminal.restore(saved.fields('terminal'));
    this.#variables.restore(saved.fields('variables'));
    this.#heap.restore(saved.fields('heap'));
    this.#physical.restore(saved.list('physical', 2 * Claims.MAX_RANGES));
    this.#virtual.restore(saved.list('virtual', 2 * Claims.MAX_RANGES));
    this.#client.callback = saved.u32('callback');
    this.#pending = undefined;
    if (state['pending'] !== null) {
      const pending = saved.nested('pending');
      const shape = RESULT_SHAPES.find((one) => one === pending.string('shape'));
      const place = pending.nested('place');
      const caller = context(pending.fields('caller'));
      if (shape === undefined || caller === undefined) throw new SnapshotError('firmware: bad pending call');
      this.#pending = {
        call: { task: Task.restored(pending.fields('task')), shape },
        place: { pa: place.u32('pa'), count: place.int('count', 0, 32) },
        caller,
      };
    }
    this.#suspended = context(state['suspended']);
    this.#clientRuns = saved.bool('clientRuns');
    this.#quiesced = saved.bool('quiesced');
    this.#boot.restore(state);
    this.#forth.task = this.#main;
  }

  /** Whether a client has the machine, so that keys and serial bytes are not the firmware's. */
  get clientRuns(): boolean {
    return this.#clientRuns;
  }

  #node(path: string): Package {
    const found = this.#tree.find(path);
    if (found === undefined) throw new Error(`the device tree has no ${path}`);
    return found;
  }

  // ---- stubs and idling ---------------------------------------------------------------------------------------------

  #writeStubs(): void {
    for (const [offset, word] of stubWords()) this.#host.write(this.#base + offset, 4, word);
    for (const [pa, word] of vectorWords()) this.#host.write(pa, 4, word);
  }

  /** Makes the CPU wait `ms` and poll then. */
  #sleep(ms: number): void {
    const ticks = Math.max(1, Math.min(0x7fff_ffff, Math.round((ms * this.#options.timebaseHz) / 1000)));
    this.#host.setRegister('r4', ticks);
  }

  /** Sends the CPU to the idle loop. */
  #idle(ms: number): void {
    const host = this.#host;
    host.setRegister('msr', MSR_FP | MSR_ME);
    this.#sleep(ms);
    host.setRegister('pc', this.#base + LAYOUT.idle);
  }

  /** The idle loop asks what to do. */
  #poll(): void {
    const forth = this.#forth;
    this.#console.poll();
    const task = this.#pending?.call.task ?? this.#main;
    forth.task = task;
    if (this.#console.takeInterrupt()) {
      if (!this.#interrupt(task)) this.#thrown(THROW.userInterrupt);
      forth.task = this.#pending?.call.task ?? this.#main;
    }
    const { wait } = task;
    if (wait !== undefined && !this.#console.ready && this.#host.milliseconds() < wait.until) {
      this.#sleep(this.#waitMs(wait.until));
      return;
    }
    const { result, steps, code } = forth.run(SLICE_WORDS);
    if (this.#clientRuns) return;
    switch (result) {
      case 'waiting':
        this.#sleep(this.#waitMs(task.wait?.until ?? 0));
        return;
      case 'busy':
        this.#sleep((SLICE_MS * steps) / SLICE_WORDS);
        return;
      case 'done':
      case 'thrown':
        if (this.#pending !== undefined) this.#finishCall(result === 'done' ? 0 : code);
        else if (result === 'thrown') this.#thrown(code);
        else this.#prompt();
        if (!this.#clientRuns) this.#sleep(SLICE_MS);
    }
  }

  #waitMs(until: number): number {
    return Math.max(0.1, Math.min(IDLE_MS, until - this.#host.milliseconds()));
  }

  #interrupt(task: Task): boolean {
    this.#editor.cancel();
    const caught = this.#forth.throw(new ForthThrow(THROW.userInterrupt));
    task.wait = undefined;
    return caught;
  }

  /** Nobody caught a throw: say so and go to the prompt. */
  #thrown(code: number): void {
    if (this.#pending !== undefined) {
      this.#finishCall(code);
      return;
    }
    report(this.#forth, code);
    this.#prompt();
  }

  /** The main task at a fresh prompt. */
  #prompt(): void {
    const forth = this.#forth;
    forth.task = this.#main;
    forth.resetTask(this.#main);
    this.#editor.cancel();
    forth.start(this.#main, forth.findIn(0, '(quit)')!);
  }

  // ---- clients ------------------------------------------------------------------------------------------------------

  #context(): Context {
    return new Map(CONTEXT.map((name) => [name, this.#host.getRegister(name)]));
  }

  #restore(context: Context): void {
    for (const [name, value] of context) this.#host.setRegister(name, value);
  }

  #clientCall(): void {
    const host = this.#host;
    const forth = this.#forth;
    const main = forth.task;
    forth.task = new Task();
    const outcome = this.#client.call(host.getRegister('r3') >>> 0);
    forth.task = main;
    if (outcome.kind === 'done') {
      host.setRegister('r3', outcome.status);
      return;
    }
    if (outcome.kind === 'left') return;
    const { call, place } = outcome;
    forth.setVariable('state', 0);
    forth.task = call.task;
    const { result, code } = forth.run(CLIENT_SLICE_WORDS);
    if (result === 'done' || result === 'thrown') {
      this.#client.finish(call, place, result === 'done' ? 0 : code);
      host.setRegister('r3', 0);
      forth.task = main;
      return;
    }
    // It waits for something: the CPU idles until it is done, and then returns to the caller.
    const caller = new Map(this.#context());
    caller.set('pc', host.getRegister('lr') & ~3);
    this.#pending = { call, place, caller };
    this.#clientRuns = false;
    host.setRegister('hid0', host.getRegister('hid0') | HID0_DOZE);
    this.#idle(SLICE_MS);
  }

  #finishCall(thrown: number): void {
    const pending = this.#pending!;
    this.#pending = undefined;
    this.#client.finish(pending.call, pending.place, thrown);
    this.#forth.task = this.#main;
    this.#clientRuns = true;
    this.#restore(pending.caller);
    this.#host.setRegister('r3', 0);
  }

  #enterClient(program: ReadyProgram): void {
    const host = this.#host;
    const stack = this.#base + LAYOUT.clientStack + LAYOUT.clientStackBytes - 64;
    host.write(stack, 4, 0);
    for (let i = 2; i < 32; i++) host.setRegister(`r${i}`, 0);
    host.setRegister('r1', stack);
    host.setRegister('r3', program.initrd);
    host.setRegister('r4', program.initrdBytes);
    host.setRegister('r5', this.#base + LAYOUT.client);
    host.setRegister('lr', this.#base + LAYOUT.clientReturned);
    host.setRegister('hid0', host.getRegister('hid0') & ~HID0_DOZE);
    host.setRegister('msr', MSR_FP | MSR_ME);
    host.setRegister('pc', program.entry);
    this.#clientRuns = true;
    this.#suspended = undefined;
    this.#console.flush();
  }

  /** Goes on with the client that called `enter`. */
  #resumeClient(): boolean {
    if (this.#suspended === undefined) return false;
    this.#restore(this.#suspended);
    this.#suspended = undefined;
    this.#host.setRegister('hid0', this.#host.getRegister('hid0') & ~HID0_DOZE);
    this.#clientRuns = true;
    return true;
  }

  /** The client is gone, or has to wait: the prompt has the machine. */
  #leaveClient(): void {
    const host = this.#host;
    this.#clientRuns = false;
    this.#quiesced = false;
    this.#pending = undefined;
    this.#prompt();
    host.setRegister('hid0', host.getRegister('hid0') | HID0_DOZE);
    this.#idle(SLICE_MS);
  }

  #exception(vector: number): void {
    const host = this.#host;
    const waits = !this.#clientRuns;
    // The decrementer that ends the idle wait, or a chip that interrupts during it.
    if (waits && (vector === 0x900 || vector === 0x500)) {
      host.setRegister('msr', MSR_FP | MSR_ME);
      host.setRegister('pc', this.#base + LAYOUT.idle);
      return;
    }
    const hex = (value: number): string => (value >>> 0).toString(16).padStart(8, '0');
    const forth = this.#forth;
    if (this.#exceptionsShown++ < MAX_EXCEPTIONS_SHOWN) {
      forth.task = this.#main;
      forth.cr();
      forth.line(
        `DEFAULT CATCH!, code=${hex(vector)} at   %SRR0: ${hex(host.getRegister('srr0'))}   %SRR1: ${hex(host.getRegister('srr1'))}`,
      );
    }
    this.#leaveClient();
  }

  #services(): ClientServices {
    const forth = this.#forth;
    const tree = this.#tree;
    return {
      forth,
      tree,
      claim: (virt, size, align) => this.#claim(virt, size, align),
      release: (virt, size) => {
        if (virt + size > this.#base || virt < VECTORS_END) return;
        this.#physical.release(virt, size);
        this.#virtual.release(virt, size);
        this.#showClaims();
      },
      exit: () => this.#leaveClient(),
      enter: () => {
        const caller = new Map(this.#context());
        caller.set('pc', this.#host.getRegister('lr') & ~3);
        caller.set('r3', 0);
        this.#leaveClient();
        this.#suspended = caller;
      },
      boot: (command) => {
        this.#leaveClient();
        this.#boot.text = command;
        this.#forth.start(this.#main, this.#forth.findIn(0, 'boot')!);
      },
      chain: (virt, size, entry, args, length) => {
        this.#physical.release(virt, size);
        this.#virtual.release(virt, size);
        this.#enterClient({ entry, initrd: 0, initrdBytes: 0 });
        this.#host.setRegister('r6', args);
        this.#host.setRegister('r7', length);
      },
      quiesce: () => {
        this.#quiesced = true;
      },
    };
  }

  #claim(virt: number, size: number, align: number): number {
    let base = virt;
    if (align !== 0) base = this.#physical.allocate(size, powerOfTwo(align));
    else if (!this.#physical.claim(virt, size)) return -1;
    if (base < 0) return -1;
    this.#virtual.claim(base, size);
    this.#showClaims();
    return base;
  }

  #showClaims(): void {
    for (const [path, claims] of [
      [this.#options.paths.memory, this.#physical],
      [this.#options.paths.cpu, this.#virtual],
    ] as const) {
      const list = claims.free.flatMap((range) => [range.start, range.size]);
      this.#tree.find(path)?.properties.set('available', cells(...list));
    }
  }

  // ---- words --------------------------------------------------------------------------------------------------------

  #defineWords(heap: Heap): void {
    const forth = this.#forth;
    const tree = this.#tree;
    const { paths } = this.#options;
    defineCoreWords(forth);
    defineCompilerWords(forth);
    defineDeviceWords(forth, tree);
    defineUserWords(forth, {
      console: this.#console,
      editor: this.#editor,
      base: this.#base,
      banner: () => this.#banner(),
      alloc: (bytes) => heap.alloc(bytes),
      free: (pa) => heap.free(pa),
      powerOff: () => this.#host.powerOff(),
      reset: () => this.#host.reset(),
    });
    defineVariableWords(forth, this.#variables);
    const node = (path: string): Package => this.#node(path);
    const memory = node(paths.memory);
    const cpu = node(paths.cpu);
    defineMemoryMethods(forth, tree, { memory, mmu: cpu }, { physical: this.#physical, virtual: this.#virtual });
    const consoles = defineConsoleMethods(forth, tree, this.#console, {
      host: this.#host,
      serial: node(paths.serial),
      keyboard: paths.keyboard === undefined ? undefined : node(paths.keyboard),
    });
    this.#terminal = consoles.terminal;
    defineDisks(forth, tree, this.#host);
    this.#boot.defineWords();
    this.#evaluateNow(PRELUDE);
    forth.fence = forth.words.length;
    if (this.#options.startup !== undefined) this.#evaluateNow(this.#options.startup);
    for (const [name, value] of Object.entries(this.#options.overrides ?? {})) this.#variables.set(name, value);

    const instance = (node: Package, args = ''): number => tree.createInstance(node, args, 0).ihandle;
    const open = (at: Package): number => {
      let parent = 0;
      const way: Package[] = [];
      for (let step: Package | undefined = at; step !== undefined; step = step.parent) way.unshift(step);
      for (const step of way) parent = tree.createInstance(step, '', parent).ihandle;
      return parent;
    };
    const chosen = this.#chosen.properties;
    chosen.set('stdout', cells(open(consoles.output)));
    chosen.set('stdin', cells(open(consoles.input)));
    chosen.set('memory', cells(instance(memory)));
    chosen.set('mmu', cells(instance(cpu)));
    chosen.set('cpu', cells(instance(cpu)));
    for (const name of ['bootpath', 'bootargs']) if (!chosen.has(name)) chosen.set(name, strings(''));
  }

  /** Runs text to its end at once, at power-on. */
  #evaluateNow(text: string): void {
    const forth = this.#forth;
    const pa = this.#base + LAYOUT.evaluate;
    const bytes = latin1(text);
    if (bytes.length > LAYOUT.evaluateBytes) throw new Error('the start-up text is too long');
    forth.setBytes(pa, bytes);
    forth.task = this.#main;
    forth.start(this.#main, forth.require('evaluate'));
    forth.push(pa);
    forth.push(bytes.length);
    const { result, code } = forth.run(10_000_000);
    if (result !== 'done')
      throw new Error(`start-up text: ${forth.errorName} ${throwMessage(code)} ${forth.abortMessage}`);
    forth.resetTask(this.#main);
  }

  #banner(): void {
    const forth = this.#forth;
    const megabytes = Math.floor(this.#options.ramBytes / (1 << 20));
    forth.cr();
    forth.line('Emeritus Open Firmware');
    forth.line(`${this.#options.machine}, ${megabytes} MB of memory`);
    if (this.#variables.flag('oem-banner?')) forth.line(this.#variables.get('oem-banner'));
    forth.line('Type help for a list of commands.');
    forth.cr();
  }
}
