// SPDX-License-Identifier: MIT
//
// What compiling words need: code and literals laid down, a definition begun, ended or abandoned, and control structures
// outside of definitions.
import { type PlainFields, SavedFields } from '../../../backplane/device.ts';
import { ForthThrow, THROW } from '../errors.ts';
import { integers } from '../saved.ts';
import { TRUE } from './data-space.ts';
import { Dictionary, type Word } from './dictionary.ts';
import { MAX_CODE_CELLS } from './task.ts';

export class Compiler extends Dictionary {
  /** The next defining word makes instance data. */
  instanceNext = false;
  protected litToken = 0;
  /** Where the structure compiled outside of a definition starts, or -1, and how deep it is nested. */
  #temporaryStart = -1;
  #temporaryDepth = 0;
  /** The word being defined, or -1, and the data stack's depth when it was begun. */
  #definingWord = -1;
  #definingDepth = 0;

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
    this.emitCode(this.litToken, value | 0);
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
    this.emitCode(this.exitToken);
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

  override save(): PlainFields {
    return {
      ...super.save(),
      instanceNext: this.instanceNext,
      compiling: [this.#temporaryStart, this.#temporaryDepth, this.#definingWord, this.#definingDepth],
    };
  }

  override restore(state: PlainFields): void {
    super.restore(state);
    const saved = new SavedFields('firmware.forth', state);
    this.instanceNext = saved.bool('instanceNext');
    [this.#temporaryStart, this.#temporaryDepth, this.#definingWord, this.#definingDepth] = integers(
      saved.list('compiling', 4),
      4,
    ) as [number, number, number, number];
  }
}
