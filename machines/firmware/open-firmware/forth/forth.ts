// SPDX-License-Identifier: MIT
//
// The Forth engine: the inner and the text interpreter, exceptions, and what a task may wait for.
//
// Everything that runs is a Task whose whole state is plain numbers (no host stack, no generator), so that a word may
// wait for a key or for time in the middle of anything: `run` simply returns and is called again later.
//
// The engine is one object, `f` in the word files, built up in layers, each a file and a class on top of the one before:
// DataSpace (guest memory), Stacks, TextIO (source text, numbers, output), Dictionary (words and code), Compiler, Forth.
import { type PlainFields, SavedFields } from '../../../backplane/device.ts';
import { ForthThrow, THROW } from '../errors.ts';
import type { FirmwareHost } from '../host.ts';
import { integers } from '../saved.ts';
import { Compiler } from './compiler.ts';
import type { ForthMemory } from './data-space.ts';
import { MAX_WORDS, type Word } from './dictionary.ts';
import { defineEngineWords, type EngineCode } from './engine-words.ts';
import { DATA_STACK_CELLS, type Task } from './task.ts';

/** How a call of {@link Forth.run} ended. */
export type RunResult = 'done' | 'waiting' | 'busy' | 'thrown';

export class Forth extends Compiler {
  /** Where the data of the current instance is, or 0; kept by the device tree. */
  instanceData: () => number = () => 0;
  /** Room for instance data in the active package; kept by the device tree. Returns the offset. */
  allocInstance: (bytes: number, initial: number) => number = () => {
    throw new ForthThrow(THROW.noActivePackage);
  };

  /** What ABORT" said. */
  abortMessage = '';
  /** The name that caused the last throw. */
  errorName = '';
  readonly #engine: EngineCode;
  /** Code that executes a word and halts, by the word's index. */
  readonly #entries = new Map<number, number>();

  constructor(host: FirmwareHost, memory: ForthMemory) {
    super(host, memory);
    this.newList('forth');
    this.#engine = defineEngineWords(this);
    this.litToken = this.#engine.lit;
    this.exitToken = this.#engine.exit;
    this.resetVariables();
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
    this.task.ip = this.#engine.self;
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
      entry = this.emitCode(word.index, this.code[this.#engine.halt]!);
      this.#entries.set(word.index, entry);
    }
    task.ip = entry;
  }

  /** Executes at most `budget` words of the current task. A throw nobody catches ends as `thrown`. */
  run(budget: number): { result: RunResult; steps: number; code: number } {
    const task = this.task;
    const { code, words } = this;
    const { halt } = this.#engine;
    task.wait = undefined;
    let steps = 0;
    for (;;) {
      try {
        while (steps < budget) {
          if (task.ip === halt) return { result: 'done', steps, code: 0 };
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

  // ---- exceptions ---------------------------------------------------------------------------------------------------

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
    task.ip = this.#engine.caught;
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

  // ---- interpreting -------------------------------------------------------------------------------------------------

  /** Interprets text at `pa` (or host text, which is copied to the scratch area), then goes on. */
  evaluate(pa: number, bytes: Uint8Array): void {
    this.pushSource(pa, bytes);
    this.rpush(this.task.ip);
    this.task.ip = this.#engine.evaluated;
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
  override save(): PlainFields {
    return {
      ...super.save(),
      abortMessage: this.abortMessage,
      errorName: this.errorName,
      entries: [...this.#entries].flat(),
    };
  }

  override restore(state: PlainFields): void {
    super.restore(state);
    const saved = new SavedFields('firmware.forth', state);
    const entries = integers(saved.list('entries', 2 * MAX_WORDS));
    this.abortMessage = saved.string('abortMessage');
    this.errorName = saved.string('errorName');
    this.#entries.clear();
    for (let i = 0; i + 1 < entries.length; i += 2) this.#entries.set(entries[i]!, entries[i + 1]!);
  }
}
