// SPDX-License-Identifier: MIT
//
// The words the engine itself is made of: what literals, control structures, DOES>, CATCH and EVALUATE compile or jump to.
import { ForthThrow, THROW } from '../errors.ts';
import { textOf } from '../latin1.ts';
import type { Forth } from './forth.ts';

/** Words by their index, and places in the code. */
export interface EngineCode {
  readonly lit: number;
  readonly exit: number;
  /** Where a task is that has come to its end. */
  readonly halt: number;
  /** Interprets the innermost source, drops it and returns. */
  readonly evaluated: number;
  /** Drops a CATCH frame nothing was thrown to. */
  readonly caught: number;
  /** Puts MY-SELF back after a method. */
  readonly self: number;
}

export function defineEngineWords(forth: Forth): EngineCode {
  const operand = (): number => forth.code[forth.task.ip++]!;
  const jump = (): void => {
    forth.task.ip = forth.code[forth.task.ip]!;
  };
  const jumpIfZero = (): void => {
    if (forth.pop() === 0) jump();
    else forth.task.ip++;
  };
  const nothing = (): void => {};

  const lit = forth.native('(lit)', (f) => f.push(operand()), 'c').index;
  const exit = forth.native('exit', (f) => (f.task.ip = f.rpop()), 'c').index;
  forth.native('(")', (f) => {
    f.push(operand());
    f.push(operand());
  });
  forth.native('(.")', (f) => {
    const pa = operand();
    f.type(textOf(f.bytes(pa, operand())));
  });
  forth.native('(abort")', (f) => {
    const pa = operand();
    const length = operand();
    if (f.pop() !== 0) throw new ForthThrow(THROW.abortMessage, textOf(f.bytes(pa, length)));
  });
  forth.native("(')", (f) => f.push(operand()));
  forth.native('(to)', (f) => {
    const word = f.words[operand()];
    if (word !== undefined) f.assign(word, f.pop());
  });
  // One token per structure word, so that SEE can show what was written.
  for (const name of ['(if)', '(while)', '(until)']) forth.native(name, jumpIfZero);
  for (const name of ['(else)', '(again)', '(repeat)', '(endof)']) forth.native(name, jump);
  for (const name of ['(then)', '(begin)', '(case)', '(endloop)']) forth.native(name, nothing);
  forth.native('(of)', (f) => {
    const value = f.pop();
    if (f.peek(0) === value) {
      f.pop();
      f.task.ip++;
    } else {
      jump();
    }
  });
  forth.native('(endcase)', (f) => f.pop());
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
  forth.native('(do)', (f) => enterLoop(f, false));
  forth.native('(?do)', (f) => enterLoop(f, true));
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
  forth.native('(loop)', (f) => step(f, 1));
  forth.native('(+loop)', (f) => step(f, f.pop()));
  const leave = (f: Forth): void => {
    if (f.task.rp < 3) throw new ForthThrow(THROW.returnStackUnderflow);
    f.task.rp -= 2;
    f.task.ip = f.rpop();
  };
  forth.native('(leave)', leave);
  forth.native('(does>)', (f) => {
    const word = f.words[f.latest];
    if (word?.kind !== 'create') throw new ForthThrow(THROW.invalidName);
    word.does = f.task.ip;
    f.task.ip = f.rpop();
  });
  forth.native('(temporary-end)', (f) => {
    const start = operand();
    // Nothing was compiled meanwhile: the room can be used again.
    if (f.task.ip === f.code.length) f.code.length = start;
    f.task.ip = f.rpop();
  });
  forth.native('(interpret)', (f) => f.interpretOne());
  forth.native('(evaluated)', (f) => {
    f.popSource();
    f.task.ip = f.rpop();
  });
  forth.native('(caught)', (f) => {
    const { task } = f;
    if (task.rp !== task.handler || task.rp < 6) throw new ForthThrow(THROW.returnStackUnderflow);
    const handler = f.rpop();
    task.rp -= 4;
    task.ip = f.rpop();
    task.handler = handler >= 6 && handler <= task.rp ? handler : -1;
    f.push(0);
  });
  forth.native('(self)', (f) => {
    f.task.mySelf = f.rpop();
    f.task.ip = f.rpop();
  });
  const halt = forth.code.length;
  forth.native('(halt)', (f) => (f.task.ip = halt));

  forth.compileName('(halt)');
  const loop = forth.code.length;
  forth.compileName('(interpret)');
  forth.compileName('(again)', loop);
  forth.reveal(forth.add('interpret', 'colon', { start: loop, end: forth.code.length }, 0));
  const evaluated = forth.code.length;
  forth.compileName('interpret');
  forth.compileName('(evaluated)');
  const caught = forth.code.length;
  forth.compileName('(caught)');
  const self = forth.code.length;
  forth.compileName('(self)');
  return { lit, exit, halt, evaluated, caught, self };
}
