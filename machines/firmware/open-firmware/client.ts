// SPDX-License-Identifier: MIT
//
// The client interface (IEEE 1275-1994 section 6.3 and the PowerPC binding): r3 points to an array
// { service name, number of arguments, number of results, arguments…, results… } of cells in the client's memory.
// Nothing in the array can be trusted.
import { ForthThrow } from './errors.ts';
import type { Forth } from './forth/forth.ts';
import { Task } from './forth/task.ts';
import { latin1 } from './latin1.ts';
import type { DeviceTree, Package } from './tree.ts';
import { MAX_PROPERTY_BYTES } from './tree.ts';
import { nextProperty, peer } from './words/device.ts';

const MAX_ARGS = 32;
const MAX_NAME = 256;
const MAX_PATH = 1024;
const MAX_SCRIPT = 0x8000;
const ERROR = 0xffff_ffff;

/**
 * How the end of a task becomes results: `none`; `top` of the stack, -1 if it threw; `opened`, the same with 0;
 * `caught`, what CATCH gave and then the stack from the top down.
 */
export type ResultShape = 'none' | 'top' | 'opened' | 'caught';
export const RESULT_SHAPES: readonly ResultShape[] = ['none', 'top', 'opened', 'caught'];

/** A service that runs Forth: its results are taken from the stack when the task is done. */
export interface ForthCall {
  readonly task: Task;
  readonly shape: ResultShape;
}

/** Where the results of a call go. */
export interface ResultPlace {
  readonly pa: number;
  readonly count: number;
}

/** What the services need from the firmware around them. */
export interface ClientServices {
  readonly forth: Forth;
  readonly tree: DeviceTree;
  /** Claims memory as the `claim` service does; -1 on failure. */
  claim(virt: number, size: number, align: number): number;
  release(virt: number, size: number): void;
  /** Leaves the client for good. */
  exit(): void;
  /** Suspends the client for the prompt. */
  enter(): void;
  boot(command: string): void;
  chain(virt: number, size: number, entry: number, args: number, length: number): void;
  quiesce(): void;
}

/** `done`: results are in memory. `later`: they will be, when the call's task ends. `left`: the client does not go on. */
export type ClientOutcome =
  | { readonly kind: 'done'; readonly status: number }
  | { readonly kind: 'later'; readonly call: ForthCall; readonly place: ResultPlace }
  | { readonly kind: 'left' };

type Service = (args: readonly number[]) => number[] | ForthCall | 'left';

export class ClientInterface {
  readonly #firmware: ClientServices;
  readonly #services: ReadonlyMap<string, Service>;
  #callback = 0;

  constructor(firmware: ClientServices) {
    this.#firmware = firmware;
    this.#services = new Map(Object.entries(this.#table()));
  }

  call(pa: number): ClientOutcome {
    try {
      return this.#call(pa);
    } catch (error) {
      if (error instanceof ForthThrow) return { kind: 'done', status: ERROR };
      throw error;
    }
  }

  #call(pa: number): ClientOutcome {
    const { forth } = this.#firmware;
    if ((pa & 3) !== 0) return { kind: 'done', status: ERROR };
    const name = forth.cString(forth.read(pa, 4), MAX_NAME);
    const nargs = forth.read(pa + 4, 4);
    const nret = forth.read(pa + 8, 4);
    const service = this.#services.get(name);
    if (service === undefined || nargs > MAX_ARGS || nret > MAX_ARGS) return { kind: 'done', status: ERROR };
    const args = Array.from({ length: nargs }, (_, i) => forth.read(pa + 12 + i * 4, 4));
    const place = { pa: pa + 12 + nargs * 4, count: nret };
    const outcome = service(args);
    if (outcome === 'left') return { kind: 'left' };
    if (!Array.isArray(outcome)) return { kind: 'later', call: outcome, place };
    this.#put(place, outcome);
    return { kind: 'done', status: 0 };
  }

  /** A call's task has ended, with what it threw or 0. */
  finish({ task, shape }: ForthCall, place: ResultPlace, thrown: number): void {
    const good = thrown === 0 && task.sp > 0;
    const top = task.ds[task.sp - 1] ?? 0;
    const rest = Array.from({ length: Math.max(0, place.count - 1) }, (_, i) =>
      thrown === 0 && i < task.sp ? task.ds[task.sp - 1 - i]! : 0,
    );
    const results: Readonly<Record<ResultShape, readonly number[]>> = {
      none: [],
      top: [good ? top : ERROR],
      opened: [good ? top : 0],
      caught: [thrown, ...rest],
    };
    this.#put(place, results[shape]);
  }

  #put(place: ResultPlace, results: readonly number[]): void {
    for (let i = 0; i < Math.min(results.length, place.count); i++) {
      this.#firmware.forth.host.write(place.pa + i * 4, 4, results[i]! >>> 0);
    }
  }

  get callback(): number {
    return this.#callback;
  }

  set callback(pa: number) {
    this.#callback = pa;
  }

  #table(): Record<string, Service> {
    const { forth, tree } = this.#firmware;
    const text = (pa: number | undefined, limit = MAX_NAME): string => forth.cString(pa ?? 0, limit);
    const node = (phandle: number | undefined): Package | undefined => tree.tryPackage(phandle ?? 0);
    /** Copies as much as fits; the result is the whole length. */
    const give = (bytes: Uint8Array, pa = 0, room = 0): number => {
      const count = Math.min(bytes.length, room);
      forth.setBytes(pa, bytes.subarray(0, count));
      return bytes.length;
    };
    const giveText = (value: string | undefined, pa = 0, room = 0): number[] => {
      if (value === undefined) return [ERROR];
      give(latin1(`${value}\0`), pa, room);
      return [value.length];
    };
    const run = (word: string, stack: readonly number[], shape: ResultShape): ForthCall => {
      const task = new Task();
      for (const value of stack) task.ds[task.sp++] = value;
      forth.start(task, forth.findIn(0, word)!);
      return { task, shape };
    };
    const string = (value: string): number[] => [forth.transient(latin1(value)), value.length];
    const method = (name: string, ihandle: number, stack: readonly number[], shape: ResultShape): ForthCall =>
      run('$call-method', [...stack, ...string(name), ihandle], shape);

    return {
      test: ([name]) => [this.#services.has(text(name)) ? 0 : ERROR],
      'test-method': ([phandle, name]) => {
        const at = node(phandle);
        return [at !== undefined && tree.method(at, text(name)) !== undefined ? 0 : ERROR];
      },

      peer: ([phandle]) => [phandle !== 0 && node(phandle) === undefined ? 0 : peer(tree, phandle ?? 0)],
      child: ([phandle]) => [node(phandle)?.children[0]?.phandle ?? 0],
      parent: ([phandle]) => [node(phandle)?.parent?.phandle ?? 0],
      finddevice: ([path]) => [tree.find(text(path, MAX_PATH))?.phandle ?? ERROR],
      canon: ([path, pa, room]) => {
        const found = tree.find(text(path, MAX_PATH));
        return giveText(found === undefined ? undefined : tree.path(found), pa, room);
      },
      getproplen: ([phandle, name]) => [node(phandle)?.properties.get(text(name))?.length ?? ERROR],
      getprop: ([phandle, name, pa, room]) => {
        const value = node(phandle)?.properties.get(text(name));
        return [value === undefined ? ERROR : give(value, pa, room)];
      },
      nextprop: ([phandle, previous, pa]) => {
        const at = node(phandle);
        const after = previous === 0 ? '' : text(previous);
        if (at === undefined || (after !== '' && !at.properties.has(after))) return [ERROR];
        const next = nextProperty(at, after);
        if (pa !== undefined && pa !== 0) forth.setBytes(pa, latin1(`${next ?? ''}\0`));
        return [next === undefined ? 0 : 1];
      },
      setprop: ([phandle, name, pa = 0, length = 0]) => {
        const at = node(phandle);
        if (at === undefined || length > MAX_PROPERTY_BYTES) return [ERROR];
        tree.setProperty(at, text(name), forth.bytes(pa, length));
        return [length];
      },
      'package-to-path': ([phandle, pa, room]) => {
        const at = node(phandle);
        return giveText(at === undefined ? undefined : tree.path(at), pa, room);
      },
      'instance-to-path': ([ihandle, pa, room]) => {
        const at = tree.tryInstance(ihandle ?? 0);
        return giveText(at === undefined ? undefined : tree.instancePath(at), pa, room);
      },
      'instance-to-interposed-path': ([ihandle, pa, room]) => {
        const at = tree.tryInstance(ihandle ?? 0);
        return giveText(at === undefined ? undefined : tree.instancePath(at), pa, room);
      },
      'instance-to-package': ([ihandle]) => [tree.tryInstance(ihandle ?? 0)?.package.phandle ?? ERROR],

      open: ([path]) => run('open-dev', string(text(path, MAX_PATH)), 'opened'),
      close: ([ihandle = 0]) => run('close-dev', [ihandle], 'none'),
      read: ([ihandle = 0, pa = 0, length = 0]) => method('read', ihandle, [pa, length], 'top'),
      write: ([ihandle = 0, pa = 0, length = 0]) => method('write', ihandle, [pa, length], 'top'),
      seek: ([ihandle = 0, high = 0, low = 0]) => method('seek', ihandle, [low, high], 'top'),
      'call-method': ([name, ihandle = 0, ...stack]) => method(text(name), ihandle, stack.toReversed(), 'caught'),
      interpret: ([command, ...stack]) =>
        run('evaluate', [...stack.toReversed(), ...string(text(command, MAX_SCRIPT))], 'caught'),

      claim: ([virt = 0, size = 0, align = 0]) => [this.#firmware.claim(virt, size, align)],
      release: ([virt = 0, size = 0]) => {
        this.#firmware.release(virt, size);
        return [];
      },

      milliseconds: () => [Math.floor(forth.host.milliseconds())],
      boot: ([command]) => {
        this.#firmware.boot(text(command, MAX_PATH));
        return 'left';
      },
      enter: () => {
        this.#firmware.enter();
        return 'left';
      },
      exit: () => {
        this.#firmware.exit();
        return 'left';
      },
      chain: ([virt = 0, size = 0, entry = 0, args = 0, length = 0]) => {
        this.#firmware.chain(virt, size, entry, args, length);
        return 'left';
      },
      quiesce: () => {
        this.#firmware.quiesce();
        return [];
      },
      'set-callback': ([callback = 0]) => {
        const old = this.#callback;
        this.#callback = callback;
        return [old];
      },
    };
  }
}
