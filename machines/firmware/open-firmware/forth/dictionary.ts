// SPDX-License-Identifier: MIT
//
// The dictionary: words, the word lists they are found in, execution tokens, and the code space that colon definitions
// are compiled to. It is the engine's own, so that a guest scribbling over the firmware cannot lead it astray.
import { type Plain, type PlainFields, SavedFields, SnapshotError } from '../../../backplane/device.ts';
import { ForthThrow, THROW } from '../errors.ts';
import { asFields, integers } from '../saved.ts';
import type { Forth } from './forth.ts';
import { TextIO } from './text-io.ts';

export const MAX_WORDS = 1 << 16;
const MAX_NAME = 63;
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

export class Dictionary extends TextIO {
  readonly words: Word[] = [];
  readonly lists: Wordlist[] = [];
  /** Word indices with their operands, all definitions one after another. */
  readonly code: number[] = [];

  /** Search order, innermost last; the active package's methods come before it. */
  order: number[] = [0];
  current = 0;
  /** Word list of the active package, or -1. */
  packageList = -1;
  latest = -1;
  /** Words below this index cannot be forgotten. */
  fence = 0;
  /** EXIT, which ends a blocking native's trampoline. */
  protected exitToken = 0;

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
      this.code.push(word.index, this.exitToken);
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

  /** What an alias stands for in the end. */
  resolved(word: Word): Word {
    let at = word;
    // An alias is always younger than what it stands for.
    while (at.kind === 'alias' && at.param < at.index) at = this.words[at.param]!;
    if (at.kind === 'alias') throw new ForthThrow(THROW.invalidToken);
    return at;
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

  override save(): PlainFields {
    return {
      ...super.save(),
      built: this.fence,
      values: this.words.slice(0, this.fence).map(({ param, does }) => [param, does]),
      words: this.words.slice(this.fence).map((word) => ({ ...savedWord(word) })),
      lists: this.lists.map(({ name, words }) => ({ name, words: Uint32Array.from(words) })),
      code: Uint32Array.from(this.code),
      order: [...this.order],
      current: this.current,
      latest: this.latest,
    };
  }

  override restore(state: PlainFields): void {
    const saved = new SavedFields('firmware.forth', state);
    if (saved.int('built', 0, MAX_WORDS) !== this.fence) {
      throw new SnapshotError('the snapshot is of another version of the built-in firmware');
    }
    const values = saved.list('values', this.fence);
    const words = saved.list('words', MAX_WORDS - this.fence);
    const lists = saved.list('lists', MAX_WORDS);
    const code = saved.words('code', (state['code'] as Uint32Array | undefined)?.length ?? 0);
    super.restore(state);
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
    this.latest = saved.int('latest', -1, room);
  }
}
