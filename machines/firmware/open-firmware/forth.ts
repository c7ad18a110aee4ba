// SPDX-License-Identifier: MIT
//
// The Forth engine: stacks, dictionary, inner and outer interpreter.
//
// Everything that runs is a Task whose whole state is plain numbers (no host stack, no generator), so that a word may
// wait for a key or for time in the middle of anything: `run` simply returns and is called again later. Data space is
// guest memory; code space is the engine's own, so that a guest scribbling over the firmware cannot lead it astray.
import type { Width } from '../../backplane/bus.ts';
import { ForthThrow, THROW } from './errors.ts';
import { type Plain, type PlainFields, SavedFields, SnapshotError } from '../../backplane/device.ts';
import type { FirmwareHost } from './host.ts';
import { asFields, integers } from './saved.ts';

export const DATA_STACK_CELLS = 1024;
export const RETURN_STACK_CELLS = 2048;
const MAX_CODE_CELLS = 1 << 20;
const MAX_WORDS = 1 << 16;
const MAX_SOURCES = 64;
const MAX_NAME = 63;
export const MAX_STRING = 1 << 20;

export const TRUE = -1;
export const FALSE = 0;
export const CELL = 4;
/** Execution tokens: an address range with neither RAM nor devices, so that `execute` of an ordinary number is caught. */
const XT_BASE = 0xf900_0000;

export type Kind =
  'native' | 'colon' | 'create' | 'constant' | '2constant' | 'value' | 'defer' | 'field' | 'alias' | 'vocabulary';

export interface Word {
  readonly index: number;
  readonly name: string;
  readonly kind: Kind;
  readonly list: number;
  immediate: boolean;
  compileOnly: boolean;
  /** The host code of a native; it may change `ip` and the stacks like any word. */
  readonly native?: (forth: Forth) => void;
  /** A native that may ask to be executed again later; see {@link Forth.wait}. */
  readonly blocking: boolean;
  /** Colon: where its code starts. Blocking native: its trampoline. */
  start: number;
  /** Colon: where its code ends. */
  end: number;
  /** Constant or value: the value. Create: the data address. Defer: an execution token. Alias: the word's index.
   * Vocabulary: the list. Instance data: the offset. */
  param: number;
  param2: number;
  /** Where the DOES> part starts, or -1. */
  does: number;
  /** `param` is an offset into the data of the current instance. */
  readonly instance: boolean;
}

export interface Wordlist {
  readonly id: number;
  readonly name: string;
  readonly words: number[];
  readonly index: Map<string, number>;
}

/** Text being interpreted. `pa` is where it is for SOURCE. */
interface Source {
  readonly pa: number;
  readonly bytes: Uint8Array;
  in: number;
}

/** What a blocking native waits for: input, or the virtual time `until`. */
export interface Wait {
  readonly until: number;
}

/** One thread of execution. */
export class Task {
  readonly ds = new Int32Array(DATA_STACK_CELLS);
  readonly rs = new Int32Array(RETURN_STACK_CELLS);
  sp = 0;
  rp = 0;
  ip = 0;
  /** Return-stack depth of the innermost CATCH frame, or -1. */
  handler = -1;
  sources: Source[] = [];
  mySelf = 0;
  wait: Wait | undefined;
  /** Deadline of the MS under way, or -1. */
  wakeAt = -1;

  save(): PlainFields {
    return {
      ds: Uint32Array.from(this.ds.subarray(0, this.sp)),
      rs: Uint32Array.from(this.rs.subarray(0, this.rp)),
      ip: this.ip,
      handler: this.handler,
      mySelf: this.mySelf,
      wakeAt: this.wakeAt,
      sources: this.sources.map((source) => ({ ...source })),
      wait: this.wait === undefined ? null : this.wait.until,
    };
  }

  static restored(state: PlainFields): Task {
    const saved = new SavedFields('firmware.task', state);
    const task = new Task();
    const stack = (name: string, into: Int32Array): number => {
      const cells = state[name];
      if (!(cells instanceof Uint32Array) || cells.length > into.length) {
        throw new SnapshotError(`firmware.task: field "${name}" should be a stack`);
      }
      into.set(cells);
      return cells.length;
    };
    task.sp = stack('ds', task.ds);
    task.rp = stack('rs', task.rs);
    task.ip = saved.int('ip', 0, MAX_CODE_CELLS);
    task.handler = saved.int('handler', -1, RETURN_STACK_CELLS);
    task.mySelf = saved.int('mySelf', -0x8000_0000, 0xffff_ffff);
    const time = (name: string): number => {
      const value = state[name];
      if (typeof value !== 'number' || Number.isNaN(value)) throw new SnapshotError(`firmware.task: bad "${name}"`);
      return value;
    };
    task.wakeAt = time('wakeAt');
    task.wait = state['wait'] === null ? undefined : { until: time('wait') };
    task.sources = saved.list('sources', MAX_SOURCES).map((value) => {
      const source = new SavedFields('firmware.source', asFields(value));
      return { pa: source.u32('pa'), bytes: source.bytes('bytes'), in: source.int('in', 0, MAX_STRING) };
    });
    return task;
  }
}

/** How a call of {@link Forth.run} ended. */
export type RunResult = 'done' | 'waiting' | 'busy' | 'thrown';

/** Where the engine keeps what Forth programs can see; physical addresses. */
export interface ForthMemory {
  readonly variables: number;
  /** Transient strings: number output, WORD, interpreted string literals. */
  readonly scratch: number;
  readonly scratchBytes: number;
  readonly data: number;
  readonly dataBytes: number;
}

const VAR_STATE = 0;
const VAR_BASE = 4;
const VAR_IN = 8;
const VAR_SPAN = 12;
const VAR_OUT = 16;
const VAR_LINE = 20;
const VAR_BLK = 24;
export const VARIABLES = {
  state: VAR_STATE,
  base: VAR_BASE,
  '>in': VAR_IN,
  span: VAR_SPAN,
  '#out': VAR_OUT,
  '#line': VAR_LINE,
  blk: VAR_BLK,
} as const;

const HOLD_BYTES = 128;
const KINDS: readonly Kind[] = [
  'colon',
  'create',
  'constant',
  '2constant',
  'value',
  'defer',
  'field',
  'alias',
  'vocabulary',
];

const savedWord = ({ native: _native, index: _index, ...fields }: Word): PlainFields => fields;

function restoredWord(value: Plain, index: number): Word {
  const saved = new SavedFields(`firmware.word.${index}`, asFields(value));
  const kind = KINDS.find((one) => one === saved.string('kind'));
  if (kind === undefined) throw new SnapshotError(`firmware.word.${index}: unknown kind`);
  const number = (name: string): number => saved.int(name, -0x8000_0000, 0xffff_ffff);
  return {
    index,
    kind,
    name: saved.string('name'),
    list: number('list'),
    immediate: saved.bool('immediate'),
    compileOnly: saved.bool('compileOnly'),
    blocking: false,
    instance: saved.bool('instance'),
    start: number('start'),
    end: number('end'),
    param: number('param'),
    param2: number('param2'),
    does: number('does'),
  };
}
const decoder = new TextDecoder('latin1');

export const latin1 = (text: string): Uint8Array => Uint8Array.from(text, (c) => c.charCodeAt(0) & 0xff);
export const textOf = (bytes: Uint8Array): string => {
  let text = '';
  for (const byte of bytes) text += String.fromCharCode(byte);
  return text;
};

export class Forth {
  readonly host: FirmwareHost;
  readonly memory: ForthMemory;
  readonly words: Word[] = [];
  readonly lists: Wordlist[] = [];
  readonly code: number[] = [];
  task: Task = new Task();

  /** Search order, innermost last; the active package's methods come before it. */
  order: number[] = [0];
  current = 0;
  /** Word list of the active package, or -1. */
  packageList = -1;
  /** Where the data of the current instance is, or 0; kept by the device tree. */
  instanceData: () => number = () => 0;
  /** Room for instance data in the active package; kept by the device tree. Returns the offset. */
  allocInstance: (bytes: number, initial: number) => number = () => {
    throw new ForthThrow(THROW.noActivePackage);
  };
  emitByte: (byte: number) => void = () => {};

  here: number;
  latest = -1;
  /** The next defining word makes instance data. */
  instanceNext = false;
  /** What ABORT" said. */
  abortMessage = '';
  /** The name that caused the last throw. */
  errorName = '';
  /** Words below this index cannot be forgotten. */
  fence = 0;
  #temporaryStart = -1;
  #temporaryDepth = 0;
  #definingWord = -1;
  #definingDepth = 0;
  #hold = 0;
  #scratch = 0;

  // Words the engine itself compiles or jumps to.
  #lit = 0;
  #exit = 0;
  #halt = 0;
  #evaluateCode = 0;
  #catchCode = 0;
  #selfCode = 0;
  /** Code that executes a word and halts, by the word's index. */
  readonly #entries = new Map<number, number>();

  constructor(host: FirmwareHost, memory: ForthMemory) {
    this.host = host;
    this.memory = memory;
    this.here = memory.data;
    this.newList('forth');
    this.#engineWords();
    this.resetVariables();
  }

  // ---- memory -------------------------------------------------------------------------------------------------------

  read(pa: number, width: Width): number {
    pa >>>= 0;
    if ((pa & (width - 1)) !== 0) {
      let value = 0;
      for (let i = 0; i < width; i++) value = (value << 8) | this.read((pa + i) >>> 0, 1);
      return value >>> 0;
    }
    const value = this.host.read(pa, width);
    if (value === undefined) throw new ForthThrow(THROW.invalidAddress);
    return value;
  }

  write(pa: number, width: Width, value: number): void {
    pa >>>= 0;
    if ((pa & (width - 1)) !== 0) {
      for (let i = 0; i < width; i++) this.write((pa + i) >>> 0, 1, (value >>> ((width - 1 - i) * 8)) & 0xff);
      return;
    }
    const cut = width === 4 ? value >>> 0 : width === 2 ? value & 0xffff : value & 0xff;
    if (!this.host.write(pa, width, cut)) throw new ForthThrow(THROW.invalidAddress);
  }

  cell = (pa: number): number => this.read(pa, 4) | 0;
  setCell = (pa: number, value: number): void => this.write(pa, 4, value);

  bytes(pa: number, length: number): Uint8Array {
    if (length < 0 || length > MAX_STRING) throw new ForthThrow(THROW.outOfRange);
    const bytes = new Uint8Array(length);
    if (length > 0 && !this.host.readBytes(pa >>> 0, bytes)) {
      for (let i = 0; i < length; i++) bytes[i] = this.read(pa + i, 1);
    }
    return bytes;
  }

  setBytes(pa: number, bytes: Uint8Array): void {
    if (bytes.length === 0 || this.host.writeBytes(pa >>> 0, bytes)) return;
    bytes.forEach((byte, i) => this.write(pa + i, 1, byte));
  }

  variable(name: keyof typeof VARIABLES): number {
    return this.cell(this.memory.variables + VARIABLES[name]);
  }

  setVariable(name: keyof typeof VARIABLES, value: number): void {
    this.setCell(this.memory.variables + VARIABLES[name], value);
  }

  /** BASE as a usable number, whatever the guest wrote there. */
  get base(): number {
    const base = this.variable('base');
    return base >= 2 && base <= 36 ? base : 16;
  }

  resetVariables(): void {
    this.setVariable('state', 0);
    this.setVariable('base', 16);
    this.setVariable('#out', 0);
  }

  /** A transient string in guest memory, good until the scratch area wraps. */
  transient(bytes: Uint8Array): number {
    const room = this.memory.scratchBytes - HOLD_BYTES;
    if (bytes.length >= room) throw new ForthThrow(THROW.parsedOverflow);
    if (this.#scratch + bytes.length + 1 > room) this.#scratch = 0;
    const pa = this.memory.scratch + HOLD_BYTES + this.#scratch;
    this.setBytes(pa, bytes);
    this.write(pa + bytes.length, 1, 0);
    this.#scratch += (bytes.length + 8) & ~7;
    return pa;
  }

  pushText(text: string): void {
    this.push(this.transient(latin1(text)));
    this.push(text.length);
  }

  allot(bytes: number): void {
    const next = this.here + bytes;
    if (next < this.memory.data || next > this.memory.data + this.memory.dataBytes) {
      throw new ForthThrow(THROW.dictionaryOverflow);
    }
    this.here = next;
  }

  comma(value: number): void {
    const pa = this.here;
    this.allot(CELL);
    this.setCell(pa, value);
  }

  align(): void {
    this.allot(-this.here & 3);
  }

  // ---- stacks -------------------------------------------------------------------------------------------------------

  push(value: number): void {
    const task = this.task;
    if (task.sp >= DATA_STACK_CELLS) throw new ForthThrow(THROW.stackOverflow);
    task.ds[task.sp++] = value;
  }

  pop(): number {
    const task = this.task;
    if (task.sp <= 0) throw new ForthThrow(THROW.stackUnderflow);
    return task.ds[--task.sp]!;
  }

  popU = (): number => this.pop() >>> 0;

  flag(value: boolean): void {
    this.push(value ? TRUE : FALSE);
  }

  pushD(value: bigint): void {
    this.push(Number(BigInt.asIntN(32, value)));
    this.push(Number(BigInt.asIntN(32, value >> 32n)));
  }

  popD(): bigint {
    const high = this.pop();
    return (BigInt(high) << 32n) | BigInt(this.popU());
  }

  popUD = (): bigint => BigInt.asUintN(64, this.popD());

  /** The cell `depth` below the top. */
  peek(depth: number): number {
    const at = this.task.sp - 1 - depth;
    if (depth < 0 || at < 0) throw new ForthThrow(THROW.stackUnderflow);
    return this.task.ds[at]!;
  }

  need(cells: number): void {
    if (this.task.sp < cells) throw new ForthThrow(THROW.stackUnderflow);
  }

  rpush(value: number): void {
    const task = this.task;
    if (task.rp >= RETURN_STACK_CELLS) throw new ForthThrow(THROW.returnStackOverflow);
    task.rs[task.rp++] = value;
  }

  rpop(): number {
    const task = this.task;
    if (task.rp <= 0) throw new ForthThrow(THROW.returnStackUnderflow);
    return task.rs[--task.rp]!;
  }

  rpeek(depth: number): number {
    const at = this.task.rp - 1 - depth;
    if (at < 0) throw new ForthThrow(THROW.returnStackUnderflow);
    return this.task.rs[at]!;
  }

  popString(): string {
    const length = this.popU();
    const pa = this.popU();
    return textOf(this.bytes(pa, length));
  }

  /** A string that ends at a NUL, cut at `limit`. */
  cString(pa: number, limit = 1024): string {
    let text = '';
    for (let i = 0; i < limit; i++) {
      const byte = this.read((pa + i) >>> 0, 1);
      if (byte === 0) break;
      text += String.fromCharCode(byte);
    }
    return text;
  }

  // ---- dictionary ---------------------------------------------------------------------------------------------------

  newList(name: string): Wordlist {
    const list: Wordlist = { id: this.lists.length, name, words: [], index: new Map() };
    this.lists.push(list);
    return list;
  }

  /** Adds a word to `list` (default: where definitions go now). */
  add(name: string, kind: Kind, fields: Partial<Word> = {}, list = this.definitionList()): Word {
    if (this.words.length >= MAX_WORDS) throw new ForthThrow(THROW.dictionaryOverflow);
    if (name.length > MAX_NAME) throw new ForthThrow(THROW.nameTooLong);
    const instance = fields.instance ?? false;
    const word: Word = {
      immediate: false,
      compileOnly: false,
      blocking: false,
      start: -1,
      end: -1,
      param: 0,
      param2: 0,
      does: -1,
      ...fields,
      instance,
      index: this.words.length,
      name: name.toLowerCase(),
      kind,
      list,
    };
    this.words.push(word);
    this.latest = word.index;
    if (word.blocking) {
      word.start = this.code.length;
      this.code.push(word.index, this.#exit);
    }
    return word;
  }

  /** Makes a word findable. */
  reveal(word: Word): void {
    if (word.name === '') return;
    const list = this.lists[word.list]!;
    list.words.push(word.index);
    list.index.set(word.name, word.index);
  }

  /** Defines a word written in the host's language. */
  native(name: string, native: (forth: Forth) => void, flags = '', list = 0): Word {
    const word = this.add(
      name,
      'native',
      {
        native,
        immediate: flags.includes('i'),
        compileOnly: flags.includes('c'),
        blocking: flags.includes('b'),
      },
      list,
    );
    this.reveal(word);
    return word;
  }

  constant(name: string, value: number, list = 0): void {
    this.reveal(this.add(name, 'constant', { param: value }, list));
  }

  definitionList(): number {
    return this.packageList >= 0 ? this.packageList : this.current;
  }

  find(name: string): Word | undefined {
    const key = name.toLowerCase();
    if (this.packageList >= 0) {
      const word = this.findIn(this.packageList, key);
      if (word !== undefined) return word;
    }
    for (let i = this.order.length - 1; i >= 0; i--) {
      const word = this.findIn(this.order[i]!, key);
      if (word !== undefined) return word;
    }
    return this.findIn(0, key);
  }

  findIn(list: number, name: string): Word | undefined {
    const index = this.lists[list]?.index.get(name.toLowerCase());
    return index === undefined ? undefined : this.words[index];
  }

  require(name: string): Word {
    const word = this.find(name);
    if (word === undefined) throw new ForthThrow(THROW.undefinedWord, name);
    return word;
  }

  xt = (word: Word): number => (XT_BASE + word.index * 8) | 0;

  wordOf(xt: number): Word {
    const word = this.tryWordOf(xt);
    if (word === undefined) throw new ForthThrow(THROW.invalidToken);
    return word;
  }

  tryWordOf(xt: number): Word | undefined {
    const offset = (xt >>> 0) - XT_BASE;
    return offset >= 0 && (offset & 7) === 0 ? this.words[offset / 8] : undefined;
  }

  /** Removes `word` and everything defined after it. */
  forget(word: Word): void {
    if (word.index < this.fence || word.list === this.packageList) throw new ForthThrow(THROW.invalidForget);
    for (const list of this.lists) {
      const kept = list.words.filter((index) => index < word.index);
      if (kept.length === list.words.length) continue;
      list.words.splice(0, list.words.length, ...kept);
      list.index.clear();
      for (const index of kept) list.index.set(this.words[index]!.name, index);
    }
    this.words.length = word.index;
    this.latest = word.index - 1;
  }

  // ---- compiling ----------------------------------------------------------------------------------------------------

  get compiling(): boolean {
    return this.variable('state') !== 0;
  }

  emitCode(...cells: number[]): number {
    if (this.code.length + cells.length > MAX_CODE_CELLS) throw new ForthThrow(THROW.dictionaryOverflow);
    const at = this.code.length;
    for (const cell of cells) this.code.push(cell);
    return at;
  }

  compileName(name: string, ...operands: number[]): number {
    return this.emitCode(this.findIn(0, name)!.index, ...operands);
  }

  literal(value: number): void {
    this.emitCode(this.#lit, value | 0);
  }

  /** A string whose bytes go to data space, as a literal address and length. */
  stringLiteral(bytes: Uint8Array): void {
    const pa = this.here;
    this.allot(bytes.length + 1);
    this.setBytes(pa, bytes);
    this.write(pa + bytes.length, 1, 0);
    this.align();
    this.compileName('(")', pa, bytes.length);
  }

  beginDefinition(word: Word): void {
    if (this.#definingWord >= 0) this.abandonDefinition();
    word.start = this.code.length;
    this.#definingWord = word.index;
    this.#definingDepth = this.task.sp;
    this.setVariable('state', TRUE);
  }

  get defining(): Word | undefined {
    return this.#definingWord >= 0 ? this.words[this.#definingWord] : undefined;
  }

  endDefinition(): void {
    const word = this.defining;
    if (word === undefined) throw new ForthThrow(THROW.controlMismatch);
    if (this.task.sp !== this.#definingDepth) {
      this.abandonDefinition();
      throw new ForthThrow(THROW.controlMismatch);
    }
    this.emitCode(this.#exit);
    word.end = this.code.length;
    this.#definingWord = -1;
    this.setVariable('state', 0);
    this.reveal(word);
  }

  abandonDefinition(): void {
    this.#definingWord = -1;
    this.#temporaryStart = -1;
    this.setVariable('state', 0);
  }

  /** A control structure opens; outside a definition it is compiled for the moment and run when it closes. */
  openStructure(): void {
    if (this.#temporaryStart >= 0) {
      this.#temporaryDepth++;
    } else if (!this.compiling) {
      this.#temporaryStart = this.code.length;
      this.#temporaryDepth = 1;
      this.setVariable('state', TRUE);
    }
  }

  closeStructure(): void {
    if (this.#temporaryStart < 0 || --this.#temporaryDepth > 0) return;
    const start = this.#temporaryStart;
    this.#temporaryStart = -1;
    this.setVariable('state', 0);
    this.compileName('(temporary-end)', start);
    this.rpush(this.task.ip);
    this.task.ip = start;
  }

  // ---- running ------------------------------------------------------------------------------------------------------

  execute(word: Word): void {
    switch (word.kind) {
      case 'native':
        if (word.blocking) {
          this.rpush(this.task.ip);
          this.task.ip = word.start;
        } else {
          word.native!(this);
        }
        return;
      case 'colon':
        this.rpush(this.task.ip);
        this.task.ip = word.start;
        return;
      case 'constant':
        this.push(word.param);
        return;
      case '2constant':
        this.push(word.param);
        this.push(word.param2);
        return;
      case 'value':
        this.push(word.instance ? this.cell(this.#instanceAddress(word)) : word.param);
        return;
      case 'defer': {
        const target = word.instance ? this.cell(this.#instanceAddress(word)) : word.param;
        this.execute(this.wordOf(target));
        return;
      }
      case 'field':
        this.push((this.pop() + word.param) | 0);
        return;
      case 'alias':
        this.execute(this.resolved(word));
        return;
      case 'vocabulary':
        this.order[this.order.length - 1] = word.param;
        return;
      case 'create':
        this.push(word.instance ? this.#instanceAddress(word) : word.param);
        if (word.does >= 0) {
          this.rpush(this.task.ip);
          this.task.ip = word.does;
        }
        return;
    }
  }

  #instanceAddress(word: Word): number {
    const data = this.instanceData();
    if (data === 0) throw new ForthThrow(THROW.noInstance);
    return data + word.param;
  }

  /** What an alias stands for in the end. */
  resolved(word: Word): Word {
    let at = word;
    // An alias is always younger than what it stands for.
    while (at.kind === 'alias' && at.param < at.index) at = this.words[at.param]!;
    if (at.kind === 'alias') throw new ForthThrow(THROW.invalidToken);
    return at;
  }

  /** TO and IS: stores into a value or defer. */
  assign(named: Word, value: number): void {
    const word = this.resolved(named);
    if (word.kind !== 'value' && word.kind !== 'defer') throw new ForthThrow(THROW.invalidName, word.name);
    if (word.instance) this.setCell(this.#instanceAddress(word), value);
    else word.param = value;
  }

  assigned(named: Word): number {
    const word = this.resolved(named);
    return word.instance ? this.cell(this.#instanceAddress(word)) : word.param;
  }

  /** Runs a method with MY-SELF set, and puts it back afterwards. */
  executeWith(self: number, word: Word): void {
    this.rpush(this.task.ip);
    this.rpush(this.task.mySelf);
    this.task.mySelf = self;
    this.task.ip = this.#selfCode;
    this.execute(word);
  }

  /** Asks to execute the current blocking native again: when input comes, or at the virtual time `until`. */
  wait(until = Infinity): void {
    this.task.ip--;
    this.task.wait = { until };
  }

  /** Prepares a task to execute `word` and stop. */
  start(task: Task, word: Word): void {
    let entry = this.#entries.get(word.index);
    if (entry === undefined) {
      entry = this.emitCode(word.index, this.code[this.#halt]!);
      this.#entries.set(word.index, entry);
    }
    task.ip = entry;
  }

  /** Executes at most `budget` words of the current task. A throw nobody catches ends as `thrown`; see `thrown`. */
  run(budget: number): { result: RunResult; steps: number; code: number } {
    const task = this.task;
    const { code, words } = this;
    task.wait = undefined;
    let steps = 0;
    for (;;) {
      try {
        while (steps < budget) {
          if (task.ip === this.#halt) return { result: 'done', steps, code: 0 };
          steps++;
          const word = words[code[task.ip++]!];
          if (word === undefined) throw new ForthThrow(THROW.invalidToken);
          if (word.kind === 'native') word.native!(this);
          else this.execute(word);
          if (task.wait !== undefined) return { result: 'waiting', steps, code: 0 };
        }
        return { result: 'busy', steps, code: 0 };
      } catch (error) {
        if (!(error instanceof ForthThrow)) throw error;
        if (!this.throw(error)) return { result: 'thrown', steps, code: error.code };
      }
    }
  }

  /** Unwinds to the innermost CATCH; `false` when there is none. */
  throw(error: ForthThrow): boolean {
    const task = this.task;
    if (error.code === THROW.abortMessage) this.abortMessage = error.message;
    else if (error.message !== '') this.errorName = error.message;
    task.wait = undefined;
    task.wakeAt = -1;
    if (task.handler < 6 || task.handler > task.rp) return false;
    task.rp = task.handler;
    const handler = this.rpop();
    const base = this.rpop();
    const self = this.rpop();
    const sources = this.rpop();
    const depth = this.rpop();
    const ip = this.rpop();
    task.handler = handler >= 6 && handler <= task.rp ? handler : -1;
    task.sp = Math.max(0, Math.min(depth, DATA_STACK_CELLS - 1));
    while (task.sources.length > Math.max(0, sources)) this.popSource();
    task.mySelf = self;
    task.ip = ip;
    // A definition or structure that was being compiled by the failed text is gone.
    if (this.compiling && base === 0) this.abandonDefinition();
    this.push(error.code);
    return true;
  }

  catch(): void {
    const word = this.wordOf(this.pop());
    const task = this.task;
    this.rpush(task.ip);
    this.rpush(task.sp);
    this.rpush(task.sources.length);
    this.rpush(task.mySelf);
    this.rpush(this.compiling ? 1 : 0);
    this.rpush(task.handler);
    task.handler = task.rp;
    task.ip = this.#catchCode;
    this.execute(word);
  }

  /** After an uncaught throw: empty stacks, interpreting, nothing active. */
  resetTask(task: Task): void {
    task.sp = 0;
    task.rp = 0;
    task.handler = -1;
    task.sources = [];
    task.mySelf = 0;
    task.wait = undefined;
    task.wakeAt = -1;
    this.abandonDefinition();
    this.instanceNext = false;
  }

  // ---- source text --------------------------------------------------------------------------------------------------

  pushSource(pa: number, bytes: Uint8Array): void {
    const { sources } = this.task;
    if (sources.length >= MAX_SOURCES) throw new ForthThrow(THROW.returnStackOverflow);
    const outer = sources.at(-1);
    if (outer !== undefined) outer.in = this.#in(outer);
    sources.push({ pa, bytes, in: 0 });
    this.setVariable('>in', 0);
  }

  popSource(): void {
    this.task.sources.pop();
    const outer = this.task.sources.at(-1);
    if (outer !== undefined) this.setVariable('>in', outer.in);
  }

  get source(): Source {
    const source = this.task.sources.at(-1);
    if (source === undefined) return { pa: this.memory.scratch, bytes: new Uint8Array(0), in: 0 };
    return source;
  }

  /** >IN kept inside the source, whatever was stored there. */
  #in(source: Source): number {
    const at = this.variable('>in');
    return at < 0 || at > source.bytes.length ? source.bytes.length : at;
  }

  /** Interprets text at `pa` (or host text, which is copied to the scratch area), then goes on. */
  evaluate(pa: number, bytes: Uint8Array): void {
    this.pushSource(pa, bytes);
    this.rpush(this.task.ip);
    this.task.ip = this.#evaluateCode;
  }

  /** The next name; its place in the source. Empty at the end. */
  parseName(): { offset: number; length: number; text: string } {
    const source = this.source;
    const { bytes } = source;
    let at = this.#in(source);
    while (at < bytes.length && bytes[at]! <= 0x20) at++;
    const offset = at;
    while (at < bytes.length && bytes[at]! > 0x20) at++;
    const text = decoder.decode(bytes.subarray(offset, at));
    this.setVariable('>in', Math.min(at + 1, bytes.length));
    return { offset, length: at - offset, text };
  }

  /** Text up to `delimiter`. */
  parse(delimiter: number): { offset: number; length: number; bytes: Uint8Array } {
    const source = this.source;
    const offset = this.#in(source);
    let at = offset;
    while (at < source.bytes.length && source.bytes[at] !== delimiter) at++;
    this.setVariable('>in', Math.min(at + 1, source.bytes.length));
    return { offset, length: at - offset, bytes: source.bytes.slice(offset, at) };
  }

  /** The next character without taking it, or -1. */
  peekChar(): number {
    const source = this.source;
    return source.bytes[this.#in(source)] ?? -1;
  }

  skipChar(): void {
    const source = this.source;
    this.setVariable('>in', Math.min(this.#in(source) + 1, source.bytes.length));
  }

  name(): string {
    const { text } = this.parseName();
    if (text === '') throw new ForthThrow(THROW.zeroLengthName);
    return text;
  }

  /** A number in `base`: an optional sign and 0x, digits, periods as punctuation; a trailing period makes it double. */
  number(text: string, base = this.base): { value: bigint; double: boolean } | undefined {
    let rest = text;
    const negative = rest.startsWith('-');
    if (negative) rest = rest.slice(1);
    const double = rest.endsWith('.');
    if (double) rest = rest.slice(0, -1);
    if (/^0x[0-9a-f]/i.test(rest)) {
      rest = rest.slice(2);
      base = 16;
    }
    let value = 0n;
    let digits = 0;
    for (const char of rest.toLowerCase()) {
      if (char === '.' && digits > 0) continue;
      const digit =
        char >= '0' && char <= '9'
          ? char.charCodeAt(0) - 48
          : char >= 'a' && char <= 'z'
            ? char.charCodeAt(0) - 87
            : 99;
      if (digit >= base) return undefined;
      value = BigInt.asUintN(64, value * BigInt(base) + BigInt(digit));
      digits++;
    }
    if (digits === 0) return undefined;
    return { value: negative ? -value : value, double };
  }

  /** One word of the source: executed, compiled, or taken as a number. Leaves INTERPRET at the end of the source. */
  interpretOne(): void {
    const { text } = this.parseName();
    if (text === '') {
      this.task.ip = this.rpop();
      return;
    }
    const word = this.find(text);
    if (word !== undefined) {
      if (this.compiling && !word.immediate) {
        this.emitCode(word.index);
        return;
      }
      if (word.compileOnly && !this.compiling) throw new ForthThrow(THROW.compileOnly, text);
      this.execute(word);
      return;
    }
    const number = this.number(text);
    if (number === undefined) throw new ForthThrow(THROW.undefinedWord, text);
    const low = Number(BigInt.asIntN(32, number.value));
    const high = Number(BigInt.asIntN(32, number.value >> 32n));
    for (const cell of number.double ? [low, high] : [low]) {
      if (this.compiling) this.literal(cell);
      else this.push(cell);
    }
  }

  // ---- snapshot -----------------------------------------------------------------------------------------------------

  /** Everything but the stacks, which are their task's, and the words that every start makes alike. */
  save(): PlainFields {
    return {
      built: this.fence,
      values: this.words.slice(0, this.fence).map(({ param, does }) => [param, does]),
      words: this.words.slice(this.fence).map((word) => ({ ...savedWord(word) })),
      lists: this.lists.map(({ name, words }) => ({ name, words: Uint32Array.from(words) })),
      code: Uint32Array.from(this.code),
      order: [...this.order],
      current: this.current,
      here: this.here,
      latest: this.latest,
      instanceNext: this.instanceNext,
      abortMessage: this.abortMessage,
      errorName: this.errorName,
      compiling: [this.#temporaryStart, this.#temporaryDepth, this.#definingWord, this.#definingDepth],
      strings: [this.#hold, this.#scratch],
      entries: [...this.#entries].flat(),
    };
  }

  restore(state: PlainFields): void {
    const saved = new SavedFields('firmware.forth', state);
    if (saved.int('built', 0, MAX_WORDS) !== this.fence) {
      throw new SnapshotError('the snapshot is of another version of the built-in firmware');
    }
    const values = saved.list('values', this.fence);
    const words = saved.list('words', MAX_WORDS - this.fence);
    const lists = saved.list('lists', MAX_WORDS);
    const code = saved.words('code', (state['code'] as Uint32Array | undefined)?.length ?? 0);
    const compiling = integers(saved.list('compiling', 4), 4);
    const strings = integers(saved.list('strings', 2), 2);
    const entries = integers(saved.list('entries', 2 * MAX_WORDS));
    values.forEach((value, i) => {
      const [param, does] = integers(Array.isArray(value) ? value : [], 2);
      Object.assign(this.words[i]!, { param, does });
    });
    this.words.length = this.fence;
    for (const value of words) this.words.push(restoredWord(value, this.words.length));
    const room = this.words.length;
    this.lists.length = 0;
    for (const value of lists) {
      const fields = new SavedFields('firmware.list', asFields(value));
      const list = this.newList(fields.string('name'));
      const indices = asFields(value)['words'];
      if (!(indices instanceof Uint32Array)) throw new SnapshotError('firmware.list: no words');
      for (const index of indices) {
        const word = this.words[index];
        if (word === undefined) throw new SnapshotError('firmware.list: no such word');
        list.words.push(index);
        list.index.set(word.name, index);
      }
    }
    this.code.length = 0;
    for (const cell of code) this.code.push(cell | 0);
    this.order = integers(saved.list('order', 16));
    if (this.order.length === 0) throw new SnapshotError('firmware.forth: no search order');
    this.current = saved.int('current', 0, this.lists.length);
    this.here = saved.int('here', this.memory.data, this.memory.data + this.memory.dataBytes);
    this.latest = saved.int('latest', -1, room);
    this.instanceNext = saved.bool('instanceNext');
    this.abortMessage = saved.string('abortMessage');
    this.errorName = saved.string('errorName');
    [this.#temporaryStart, this.#temporaryDepth, this.#definingWord, this.#definingDepth] = compiling as [
      number,
      number,
      number,
      number,
    ];
    this.#hold = strings[0]! & (HOLD_BYTES - 1);
    this.#scratch = Math.max(0, Math.min(strings[1]!, this.memory.scratchBytes - HOLD_BYTES));
    this.#entries.clear();
    for (let i = 0; i + 1 < entries.length; i += 2) this.#entries.set(entries[i]!, entries[i + 1]!);
  }

  // ---- output -------------------------------------------------------------------------------------------------------

  emit(byte: number): void {
    byte &= 0xff;
    this.emitByte(byte);
    const out = this.memory.variables + VAR_OUT;
    if (byte === 0x0d) this.setCell(out, 0);
    else if (byte === 0x0a) this.setVariable('#line', this.variable('#line') + 1);
    else if (byte === 0x08) this.setCell(out, Math.max(0, this.cell(out) - 1));
    else if (byte >= 0x20) this.setCell(out, this.cell(out) + 1);
  }

  type(text: string): void {
    for (let i = 0; i < text.length; i++) this.emit(text.charCodeAt(i));
  }

  cr(): void {
    this.type('\r\n');
  }

  /** Goes to a new line unless at the start of one. */
  freshLine(): void {
    if (this.variable('#out') !== 0) this.cr();
  }

  line(text: string): void {
    this.type(text);
    this.cr();
  }

  formatted(value: bigint, base = this.base): string {
    return value.toString(base);
  }

  // ---- pictured numbers ---------------------------------------------------------------------------------------------

  startHold(): void {
    this.#hold = 0;
  }

  hold(byte: number): void {
    if (this.#hold >= HOLD_BYTES - 1) throw new ForthThrow(THROW.picturedOverflow);
    this.#hold++;
    this.write(this.memory.scratch + HOLD_BYTES - 1 - this.#hold, 1, byte);
  }

  holdDigit(value: bigint): bigint {
    const base = BigInt(this.base);
    this.hold((value % base).toString(36).charCodeAt(0));
    return value / base;
  }

  pushHeld(): void {
    this.push(this.memory.scratch + HOLD_BYTES - 1 - this.#hold);
    this.push(this.#hold);
  }

  // ---- the words the engine is made of ------------------------------------------------------------------------------

  #engineWords(): void {
    const operand = (): number => this.code[this.task.ip++]!;
    const jump = (): void => {
      this.task.ip = this.code[this.task.ip]!;
    };
    const jumpIfZero = (): void => {
      if (this.pop() === 0) jump();
      else this.task.ip++;
    };
    const nothing = (): void => {};

    this.#lit = this.native('(lit)', (f) => f.push(operand()), 'c').index;
    this.#exit = this.native('exit', (f) => (f.task.ip = f.rpop()), 'c').index;
    this.native('(")', (f) => {
      f.push(operand());
      f.push(operand());
    });
    this.native('(.")', (f) => {
      const pa = operand();
      f.type(textOf(f.bytes(pa, operand())));
    });
    this.native('(abort")', (f) => {
      const pa = operand();
      const length = operand();
      if (f.pop() !== 0) throw new ForthThrow(THROW.abortMessage, textOf(f.bytes(pa, length)));
    });
    this.native("(')", (f) => f.push(operand()));
    this.native('(to)', (f) => {
      const word = f.words[operand()];
      if (word !== undefined) f.assign(word, f.pop());
    });
    // One token per structure word, so that SEE can show what was written.
    for (const name of ['(if)', '(while)', '(until)']) this.native(name, jumpIfZero);
    for (const name of ['(else)', '(again)', '(repeat)', '(endof)']) this.native(name, jump);
    for (const name of ['(then)', '(begin)', '(case)', '(endloop)']) this.native(name, nothing);
    this.native('(of)', (f) => {
      const value = f.pop();
      if (f.peek(0) === value) {
        f.pop();
        f.task.ip++;
      } else {
        jump();
      }
    });
    this.native('(endcase)', (f) => f.pop());
    const enterLoop = (f: Forth, skipEmpty: boolean): void => {
      const start = f.pop();
      const limit = f.pop();
      const leave = operand();
      if (skipEmpty && start === limit) {
        f.task.ip = leave;
        return;
      }
      f.rpush(leave);
      f.rpush(limit);
      f.rpush(start);
    };
    this.native('(do)', (f) => enterLoop(f, false));
    this.native('(?do)', (f) => enterLoop(f, true));
    const step = (f: Forth, by: number): void => {
      const { task } = f;
      if (task.rp < 3) throw new ForthThrow(THROW.returnStackUnderflow);
      const index = task.rs[task.rp - 1]!;
      const before = (index - task.rs[task.rp - 2]!) | 0;
      const crossed = by >= 0 ? before < 0 && before + by >= 0 : before >= 0 && before + by < 0;
      if (crossed) {
        task.rp -= 3;
        task.ip++;
      } else {
        task.rs[task.rp - 1] = index + by;
        jump();
      }
    };
    this.native('(loop)', (f) => step(f, 1));
    this.native('(+loop)', (f) => step(f, f.pop()));
    const leave = (f: Forth): void => {
      if (f.task.rp < 3) throw new ForthThrow(THROW.returnStackUnderflow);
      f.task.rp -= 2;
      f.task.ip = f.rpop();
    };
    this.native('(leave)', leave);
    this.native('(does>)', (f) => {
      const word = f.words[f.latest];
      if (word?.kind !== 'create') throw new ForthThrow(THROW.invalidName);
      word.does = f.task.ip;
      f.task.ip = f.rpop();
    });
    this.native('(temporary-end)', (f) => {
      const start = operand();
      // Nothing was compiled meanwhile: the room can be used again.
      if (f.task.ip === f.code.length) f.code.length = start;
      f.task.ip = f.rpop();
    });
    this.native('(interpret)', (f) => f.interpretOne());
    this.native('(evaluated)', (f) => {
      f.popSource();
      f.task.ip = f.rpop();
    });
    this.native('(caught)', (f) => {
      const { task } = f;
      if (task.rp !== task.handler || task.rp < 6) throw new ForthThrow(THROW.returnStackUnderflow);
      const handler = f.rpop();
      task.rp -= 4;
      task.ip = f.rpop();
      task.handler = handler >= 6 && handler <= task.rp ? handler : -1;
      f.push(0);
    });
    this.native('(self)', (f) => {
      f.task.mySelf = f.rpop();
      f.task.ip = f.rpop();
    });
    this.native('(halt)', (f) => (f.task.ip = this.#halt));

    this.#halt = this.code.length;
    this.compileName('(halt)');
    const loop = this.code.length;
    this.compileName('(interpret)');
    this.compileName('(again)', loop);
    this.reveal(this.add('interpret', 'colon', { start: loop, end: this.code.length }, 0));
    this.#evaluateCode = this.code.length;
    this.compileName('interpret');
    this.compileName('(evaluated)');
    this.#catchCode = this.code.length;
    this.compileName('(caught)');
    this.#selfCode = this.code.length;
    this.compileName('(self)');
  }
}
