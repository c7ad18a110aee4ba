// SPDX-License-Identifier: MIT
//
// Defining, compiling and control-structure words, strings in source text, the decompiler and the other words that look
// at the dictionary.
import { ForthThrow, THROW } from '../errors.ts';
import { CELL, TRUE } from '../forth/data-space.ts';
import type { Word } from '../forth/dictionary.ts';
import type { Forth } from '../forth/forth.ts';
import { latin1, textOf } from '../latin1.ts';

export function defineCompilerWords(f: Forth): void {
  definingWords(f);
  structureWords(f);
  sourceWords(f);
  dictionaryWords(f);
  inspectionWords(f);
}

/** A new word in the current definitions, findable at once. */
function define(f: Forth, kind: Word['kind'], fields: Partial<Word> = {}): Word {
  const name = f.name();
  const word = f.add(name, kind, fields);
  f.reveal(word);
  return word;
}

/** Data for CREATE-like words: in the dictionary, or in each instance after INSTANCE. */
function defineData(f: Forth, bytes: number): void {
  if (f.instanceNext) {
    f.instanceNext = false;
    define(f, 'create', { instance: true, param: f.allocInstance(bytes, 0) });
    return;
  }
  f.align();
  const word = define(f, 'create', { param: f.here });
  try {
    f.allot(bytes);
  } catch (error) {
    f.forget(word);
    throw error;
  }
  for (let i = 0; i < bytes; i += CELL) f.setCell(word.param + i, 0);
}

function defineCell(f: Forth, kind: 'value' | 'defer', initial: number): void {
  if (f.instanceNext) {
    f.instanceNext = false;
    define(f, kind, { instance: true, param: f.allocInstance(CELL, initial) });
  } else {
    define(f, kind, { param: initial });
  }
}

function definingWords(f: Forth): void {
  f.native(':', (f) => {
    const word = f.add(f.name(), 'colon');
    f.beginDefinition(word);
  });
  f.native(':noname', (f) => {
    const word = f.add('', 'colon');
    f.push(f.xt(word));
    f.beginDefinition(word);
  });
  f.native(';', (f) => f.endDefinition(), 'ic');
  f.native('immediate', (f) => {
    const word = f.words[f.latest];
    if (word !== undefined) word.immediate = true;
  });
  f.native(
    'recurse',
    (f) => {
      if (f.defining === undefined) throw new ForthThrow(THROW.compileOnly);
      f.emitCode(f.defining.index);
    },
    'ic',
  );
  f.native(
    'recursive',
    (f) => {
      if (f.defining !== undefined) f.reveal(f.defining);
    },
    'i',
  );
  f.native('create', (f) => defineData(f, 0));
  f.native('does>', (f) => f.compileName('(does>)'), 'ic');
  f.native('variable', (f) => defineData(f, CELL));
  f.native('2variable', (f) => defineData(f, 2 * CELL));
  f.native('buffer:', (f) => {
    const bytes = f.popU();
    if (bytes > f.memory.dataBytes) throw new ForthThrow(THROW.dictionaryOverflow);
    defineData(f, (bytes + 3) & ~3);
  });
  f.native('constant', (f) => define(f, 'constant', { param: f.pop() }));
  f.native('2constant', (f) => {
    f.need(2);
    const param2 = f.pop();
    define(f, '2constant', { param: f.pop(), param2 });
  });
  f.native('value', (f) => defineCell(f, 'value', f.pop()));
  f.native('defer', (f) => defineCell(f, 'defer', f.xt(f.require('(undefined-defer)'))));
  f.native('(undefined-defer)', () => {
    throw new ForthThrow(THROW.abortMessage, 'deferred word not set');
  });
  f.native('instance', (f) => (f.instanceNext = true));
  f.native('alias', (f) => {
    const name = f.name();
    const { index, immediate, compileOnly } = f.require(f.name());
    f.reveal(f.add(name, 'alias', { param: index, immediate, compileOnly }));
  });
  // ( offset size -- offset+size )
  f.native('struct', (f) => f.push(0));
  f.native('field', (f) => {
    f.need(2);
    const size = f.pop();
    const offset = f.pop();
    define(f, 'field', { param: offset });
    f.push(offset + size);
  });
  f.native('forget', (f) => f.forget(f.require(f.name())));

  const to = (f: Forth): void => {
    const word = f.require(f.name());
    if (f.compiling) {
      f.compileName('(to)', word.index);
    } else {
      f.need(1);
      f.assign(word, f.pop());
    }
  };
  f.native('to', to, 'i');
  f.native('is', to, 'i');
  f.native('behavior', (f) => {
    const word = f.resolved(f.wordOf(f.pop()));
    if (word.kind !== 'defer') throw new ForthThrow(THROW.invalidName, word.name);
    f.push(f.assigned(word));
  });
  f.native('>body', (f) => {
    const word = f.resolved(f.wordOf(f.pop()));
    if (word.kind !== 'create' || word.instance) throw new ForthThrow(THROW.invalidName, word.name);
    f.push(word.param);
  });
  f.native('body>', (f) => {
    const pa = f.pop();
    const word = f.words.findLast((word) => word.kind === 'create' && !word.instance && word.param === pa);
    if (word === undefined) throw new ForthThrow(THROW.invalidAddress);
    f.push(f.xt(word));
  });
}

// Control-flow items are two cells on the data stack: a code position and what it belongs to.
const ORIG = 0x6f_7269; // forward branch to resolve
const DEST = 0x64_6573; // backward target
const DO = 0x64_6f6c;
const CASE = 0x63_6173;
const OF = 0x6f_6670;

function structureWords(f: Forth): void {
  const mark = (f: Forth, tag: number, at: number): void => {
    f.push(at);
    f.push(tag);
  };
  const take = (f: Forth, tag: number): number => {
    if (f.task.sp < 2 || f.pop() !== tag) throw new ForthThrow(THROW.controlMismatch);
    const at = f.pop();
    if (at < 0 || at >= f.code.length) throw new ForthThrow(THROW.controlMismatch);
    return at;
  };
  const forward = (f: Forth, token: string): number => f.compileName(token, 0) + 1;
  const resolve = (f: Forth, at: number): void => {
    f.code[at] = f.code.length;
  };
  const structure = (name: string, action: (f: Forth) => void): void => {
    f.native(name, action, 'i');
  };
  const open = (name: string, action: (f: Forth) => void): void =>
    structure(name, (f) => {
      f.openStructure();
      action(f);
    });
  const inside = (name: string, action: (f: Forth) => void): void =>
    structure(name, (f) => {
      if (!f.compiling) throw new ForthThrow(THROW.compileOnly, name);
      action(f);
    });
  const close = (name: string, action: (f: Forth) => void): void =>
    inside(name, (f) => {
      action(f);
      f.closeStructure();
    });

  open('if', (f) => mark(f, ORIG, forward(f, '(if)')));
  inside('else', (f) => {
    const orig = take(f, ORIG);
    mark(f, ORIG, forward(f, '(else)'));
    resolve(f, orig);
  });
  close('then', (f) => {
    resolve(f, take(f, ORIG));
    f.compileName('(then)');
  });
  open('begin', (f) => mark(f, DEST, f.compileName('(begin)')));
  inside('while', (f) => {
    const dest = take(f, DEST);
    mark(f, ORIG, forward(f, '(while)'));
    mark(f, DEST, dest);
  });
  close('repeat', (f) => {
    f.compileName('(repeat)', take(f, DEST));
    resolve(f, take(f, ORIG));
  });
  close('until', (f) => f.compileName('(until)', take(f, DEST)));
  close('again', (f) => f.compileName('(again)', take(f, DEST)));
  open('do', (f) => mark(f, DO, forward(f, '(do)')));
  open('?do', (f) => mark(f, DO, forward(f, '(?do)')));
  const loop = (token: string) => (f: Forth) => {
    const at = take(f, DO);
    f.compileName(token, at + 1);
    resolve(f, at);
    f.compileName('(endloop)');
  };
  close('loop', loop('(loop)'));
  close('+loop', loop('(+loop)'));
  inside('leave', (f) => f.compileName('(leave)'));
  inside('?leave', (f) => {
    const at = forward(f, '(if)');
    f.compileName('(leave)');
    resolve(f, at);
    f.compileName('(then)');
  });
  open('case', (f) => {
    f.compileName('(case)');
    mark(f, CASE, 0);
  });
  inside('of', (f) => {
    mark(f, OF, forward(f, '(of)'));
  });
  inside('endof', (f) => {
    const of = take(f, OF);
    // The ends of all branches so far are chained through their own operands.
    const chain = take(f, CASE);
    const at = forward(f, '(endof)');
    f.code[at] = chain;
    resolve(f, of);
    mark(f, CASE, at);
  });
  close('endcase', (f) => {
    let at = take(f, CASE);
    f.compileName('(endcase)');
    for (let links = 0; at > 0 && at < f.code.length && links < f.code.length; links++) {
      const next = f.code[at]!;
      resolve(f, at);
      at = next;
    }
  });

  f.native('[', (f) => f.setVariable('state', 0), 'i');
  f.native(']', (f) => f.setVariable('state', TRUE));
  f.native('literal', (f) => f.literal(f.pop()), 'ic');
  f.native(
    '2literal',
    (f) => {
      f.need(2);
      const top = f.pop();
      f.literal(f.pop());
      f.literal(top);
    },
    'ic',
  );
  f.native('sliteral', (f) => f.stringLiteral(latin1(f.popString())), 'ic');
  f.native('compile,', (f) => f.emitCode(f.wordOf(f.pop()).index));
  const compile = f.native('(compile)', (f) => f.emitCode(f.code[f.task.ip++]!));
  f.native(
    'postpone',
    (f) => {
      const word = f.require(f.name());
      if (word.immediate) f.emitCode(word.index);
      else f.emitCode(compile.index, word.index);
    },
    'ic',
  );
  f.native('compile', (f) => f.emitCode(compile.index, f.require(f.name()).index), 'ic');
  f.native('[compile]', (f) => f.emitCode(f.require(f.name()).index), 'ic');
  const tick = (f: Forth): Word => f.require(f.name());
  f.native("'", (f) => f.push(f.xt(tick(f))));
  f.native("[']", (f) => f.compileName("(')", f.xt(tick(f))), 'ic');
  f.native('execute', (f) => f.execute(f.wordOf(f.pop())));
  f.native('catch', (f) => f.catch());
  f.native('throw', (f) => {
    const code = f.pop();
    // Thrown again after a CATCH, ABORT" still has its say.
    if (code !== 0) throw new ForthThrow(code, code === THROW.abortMessage ? f.abortMessage : '');
  });
  f.native('abort', () => {
    throw new ForthThrow(THROW.abort);
  });
  f.native(
    'abort"',
    (f) => {
      const { bytes } = f.parse(0x22);
      if (f.compiling) {
        const pa = f.here;
        f.allot(bytes.length);
        f.setBytes(pa, bytes);
        f.align();
        f.compileName('(abort")', pa, bytes.length);
      } else if (f.pop() !== 0) {
        throw new ForthThrow(THROW.abortMessage, textOf(bytes));
      }
    },
    'i',
  );
}

/** Text of a `"` string of 1275: `"n`, `"r`, `"t`, … are control characters, `"(` starts hexadecimal bytes. */
function quotedString(f: Forth): Uint8Array {
  const out: number[] = [];
  const control: Readonly<Record<string, number>> = { n: 10, r: 13, t: 9, f: 12, l: 10, b: 8, '!': 7, '"': 34 };
  for (;;) {
    for (const byte of f.parse(0x22).bytes) out.push(byte);
    const next = String.fromCharCode(Math.max(0, f.peekChar()));
    if (next === '(') {
      f.skipChar();
      const digits = textOf(f.parse(0x29).bytes).replace(/[^0-9a-f]/gi, '');
      for (let i = 0; i + 1 < digits.length; i += 2) out.push(parseInt(digits.slice(i, i + 2), 16));
    } else if (next in control) {
      f.skipChar();
      out.push(control[next]!);
    } else if (next === '^') {
      f.skipChar();
      out.push(Math.max(0, f.peekChar()) & 0x1f);
      f.skipChar();
    } else {
      return Uint8Array.from(out);
    }
  }
}

function sourceWords(f: Forth): void {
  const string = (name: string, parse: (f: Forth) => Uint8Array): void => {
    f.native(
      name,
      (f) => {
        const bytes = parse(f);
        if (f.compiling) {
          f.stringLiteral(bytes);
        } else {
          f.push(f.transient(bytes));
          f.push(bytes.length);
        }
      },
      'i',
    );
  };
  string('s"', (f) => f.parse(0x22).bytes);
  string('"', quotedString);
  const print = (name: string, delimiter: number): void => {
    f.native(
      name,
      (f) => {
        const { bytes } = f.parse(delimiter);
        if (!f.compiling || delimiter === 0x29) {
          f.type(textOf(bytes));
          return;
        }
        const pa = f.here;
        f.allot(bytes.length);
        f.setBytes(pa, bytes);
        f.align();
        f.compileName('(.")', pa, bytes.length);
      },
      'i',
    );
  };
  print('."', 0x22);
  print('.(', 0x29);
  f.native(
    'c"',
    (f) => {
      const { bytes } = f.parse(0x22);
      const counted = Uint8Array.from([bytes.length & 0xff, ...bytes]);
      if (!f.compiling) {
        f.push(f.transient(counted));
        return;
      }
      const pa = f.here;
      f.allot(counted.length);
      f.setBytes(pa, counted);
      f.align();
      f.literal(pa);
    },
    'i',
  );
  f.native('(', (f) => f.parse(0x29), 'i');
  f.native(
    '\\',
    (f) => {
      const { bytes } = f.source;
      const rest = bytes.indexOf(0x0a, Math.max(0, f.variable('>in')));
      const carriage = bytes.indexOf(0x0d, Math.max(0, f.variable('>in')));
      const ends = [rest, carriage].filter((at) => at >= 0);
      f.setVariable('>in', ends.length === 0 ? bytes.length : Math.min(...ends) + 1);
    },
    'i',
  );
  const pushPart = (f: Forth, part: { offset: number; length: number }): void => {
    f.push(f.source.pa + part.offset);
    f.push(part.length);
  };
  f.native('parse', (f) => pushPart(f, f.parse(f.pop() & 0xff)));
  f.native('parse-word', (f) => pushPart(f, f.parseName()));
  f.native('parse-name', (f) => pushPart(f, f.parseName()));
  f.native('word', (f) => {
    const delimiter = f.pop() & 0xff;
    while (f.peekChar() === delimiter || (delimiter === 0x20 && f.peekChar() >= 0 && f.peekChar() < 0x20)) f.skipChar();
    const text = delimiter === 0x20 ? latin1(f.parseName().text) : f.parse(delimiter).bytes;
    f.push(f.transient(Uint8Array.from([Math.min(text.length, 255), ...text.subarray(0, 255)])));
  });
  f.native('char', (f) => f.push(f.name().charCodeAt(0)));
  f.native(
    'ascii',
    (f) => {
      const char = f.name().charCodeAt(0);
      if (f.compiling) f.literal(char);
      else f.push(char);
    },
    'i',
  );
  f.native(
    'control',
    (f) => {
      const char = f.name().charCodeAt(0) & 0x1f;
      if (f.compiling) f.literal(char);
      else f.push(char);
    },
    'i',
  );
  f.native('[char]', (f) => f.literal(f.name().charCodeAt(0)), 'ic');
  const inBase = (name: string, base: number): void => {
    f.native(
      name,
      (f) => {
        const text = f.name();
        const number = f.number(text, base);
        if (number === undefined) throw new ForthThrow(THROW.undefinedWord, text);
        const value = Number(BigInt.asIntN(32, number.value));
        if (f.compiling) f.literal(value);
        else f.push(value);
      },
      'i',
    );
  };
  inBase('d#', 10);
  inBase('h#', 16);
  inBase('o#', 8);
  inBase('b#', 2);
  f.native('source', (f) => {
    f.push(f.source.pa);
    f.push(f.source.bytes.length);
  });
  const evaluate = (f: Forth): void => {
    f.need(2);
    const length = f.popU();
    const pa = f.popU();
    f.evaluate(pa, f.bytes(pa, length));
  };
  f.native('evaluate', evaluate);
  f.native('eval', evaluate);
}

function dictionaryWords(f: Forth): void {
  // ( c-addr -- c-addr 0 | xt 1 | xt -1 )
  f.native('find', (f) => {
    const pa = f.popU();
    const word = f.find(textOf(f.bytes(pa + 1, f.read(pa, 1))));
    f.push(word === undefined ? pa : f.xt(word));
    f.push(word === undefined ? 0 : word.immediate ? 1 : -1);
  });
  // ( name$ -- xt true | name$ false )
  f.native('$find', (f) => {
    f.need(2);
    const [pa, length] = [f.peek(1), f.peek(0)];
    const word = f.find(f.popString());
    if (word === undefined) {
      f.push(pa);
      f.push(length);
    } else {
      f.push(f.xt(word));
    }
    f.flag(word !== undefined);
  });
  f.native('$create', (f) => {
    f.align();
    f.reveal(f.add(f.popString(), 'create', { param: f.here }));
  });
  f.native('$sift', (f) => sift(f, f.popString()));
  f.native('sifting', (f) => sift(f, f.name()));
  f.native('vocabulary', (f) => {
    const name = f.name();
    const list = f.newList(name);
    f.reveal(f.add(name, 'vocabulary', { param: list.id }));
  });
  f.native('also', (f) => {
    if (f.order.length >= 16) throw new ForthThrow(THROW.outOfRange);
    f.order.push(f.order.at(-1)!);
  });
  f.native('previous', (f) => {
    if (f.order.length > 1) f.order.pop();
  });
  f.native('only', (f) => (f.order = [0]));
  f.native('forth', (f) => (f.order[f.order.length - 1] = 0));
  f.native('definitions', (f) => (f.current = f.order.at(-1)!));
  f.native('order', (f) => {
    f.freshLine();
    f.type(
      f.order
        .toReversed()
        .map((id) => f.lists[id]!.name)
        .join(' '),
    );
    f.line(`   definitions: ${f.lists[f.definitionList()]!.name}`);
  });
}

function sift(f: Forth, part: string): void {
  f.freshLine();
  const wanted = part.toLowerCase();
  for (const list of f.lists) {
    const names = list.words.map((index) => f.words[index]!.name).filter((name) => name.includes(wanted));
    if (names.length > 0) columns(f, names.reverse(), `In ${list.name}`);
  }
}

function columns(f: Forth, names: string[], title = ''): void {
  if (title !== '') f.line(title);
  for (const name of names) {
    if (f.variable('#out') + name.length + 2 > 78) f.cr();
    f.type(`${name}  `);
  }
  f.cr();
}

function inspectionWords(f: Forth): void {
  f.native('words', (f) => {
    f.freshLine();
    const list = f.lists[f.packageList >= 0 ? f.packageList : f.order.at(-1)!]!;
    const names = new Set(list.words.toReversed().map((index) => f.words[index]!.name));
    columns(
      f,
      [...names].filter((name) => !/^\(.+\)$/.test(name)),
    );
  });
  f.native('see', (f) => see(f, f.require(f.name())));
  f.native('(see)', (f) => see(f, f.wordOf(f.pop())));
  f.native('.name', (f) => f.type(`${f.wordOf(f.pop()).name} `));
  f.native('dump', (f) => {
    f.freshLine();
    f.need(2);
    const length = Math.min(f.popU(), 0x1_0000);
    dump(f, f.popU(), length);
  });
}

/** Sixteen bytes a line, with the characters beside them; `--` where nothing answers. */
function dump(f: Forth, pa: number, length: number): void {
  for (let at = 0; at < length; at += 16) {
    let hex = '';
    let text = '';
    for (let i = 0; i < 16; i++) {
      const inside = at + i < length;
      const byte = inside ? f.host.read((pa + at + i) >>> 0, 1) : undefined;
      hex += inside ? ` ${byte === undefined ? '--' : byte.toString(16).padStart(2, '0')}` : '   ';
      if (i === 7) hex += ' ';
      if (inside) text += byte !== undefined && byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '.';
    }
    f.line(`${((pa + at) >>> 0).toString(16).padStart(8, '0')}: ${hex}  |${text}|`);
  }
}

const STRUCTURE_INDENT: Readonly<Record<string, readonly [before: number, after: number]>> = {
  if: [0, 1],
  else: [-1, 1],
  then: [-1, 0],
  begin: [0, 1],
  while: [-1, 1],
  repeat: [-1, 0],
  until: [-1, 0],
  again: [-1, 0],
  do: [0, 1],
  '?do': [0, 1],
  loop: [-1, 0],
  '+loop': [-1, 0],
  case: [0, 1],
  of: [0, 1],
  endof: [-1, 0],
  endcase: [-1, 0],
};
const WITH_OPERAND = new Set(['(again)', '(until)', '(repeat)', '(if)', '(while)', '(else)', '(endof)', '(of)']);
for (const loop of ['(do)', '(?do)', '(loop)', '(+loop)']) WITH_OPERAND.add(loop);

function see(f: Forth, word: Word): void {
  f.freshLine();
  const immediate = word.immediate ? ' immediate' : '';
  const instance = word.instance ? 'instance ' : '';
  switch (word.kind) {
    case 'native':
      f.line(`code ${word.name}${immediate}`);
      return;
    case 'constant':
      f.line(`${f.formatted(BigInt(word.param))} constant ${word.name}`);
      return;
    case '2constant':
      f.line(`${f.formatted(BigInt(word.param))} ${f.formatted(BigInt(word.param2))} 2constant ${word.name}`);
      return;
    case 'value':
      f.line(`${word.instance ? '' : `${f.formatted(BigInt(word.param))} `}${instance}value ${word.name}`);
      return;
    case 'defer':
      f.line(`${instance}defer ${word.name}`);
      if (!word.instance) f.line(`' ${f.tryWordOf(word.param)?.name ?? '?'} to ${word.name}`);
      return;
    case 'alias':
      f.line(`alias ${word.name} ${f.words[word.param]?.name ?? '?'}${immediate}`);
      return;
    case 'vocabulary':
      f.line(`vocabulary ${word.name}`);
      return;
    case 'field':
      f.line(`${f.formatted(BigInt(word.param))} field ${word.name}`);
      return;
    case 'create':
      f.line(`${instance}create ${word.name}`);
      if (word.does >= 0) {
        f.type('does>');
        decompile(f, word.does, undefined);
      }
      return;
    case 'colon':
      f.type(`: ${word.name === '' ? '(noname)' : word.name}`);
      decompile(f, word.start, word.end);
      f.line(`;${immediate}`);
  }
}

/** Prints code as source text. The end of a DOES> part is its first EXIT outside all structures. */
function decompile(f: Forth, start: number, end: number | undefined): void {
  let indent = 1;
  const newline = (): void => {
    f.cr();
    f.type('   '.repeat(Math.max(1, indent)));
  };
  newline();
  for (let at = start; at < (end ?? f.code.length);) {
    const token = f.words[f.code[at++]!];
    if (token === undefined) break;
    const { name } = token;
    if (name === 'exit' && (at === end || (end === undefined && indent === 1))) break;
    if (f.variable('#out') > 64) newline();
    const bare = name.startsWith('(') ? name.slice(1, -1) : '';
    const indents = STRUCTURE_INDENT[bare];
    if (indents !== undefined) {
      indent += indents[0];
      newline();
      f.type(`${bare} `);
      indent += indents[1];
      newline();
      if (WITH_OPERAND.has(name)) at++;
    } else if (name === '(lit)') {
      f.type(`${f.formatted(BigInt(f.code[at++]!))} `);
    } else if (name === "(')") {
      f.type(`['] ${f.tryWordOf(f.code[at++]!)?.name ?? '?'} `);
    } else if (name === '(to)' || name === '(compile)') {
      f.type(`${name === '(to)' ? 'to' : 'postpone'} ${f.words[f.code[at++]!]?.name ?? '?'} `);
    } else if (name === '(")' || name === '(.")' || name === '(abort")') {
      const text = textOf(f.bytes(f.code[at]!, Math.min(f.code[at + 1]!, 4096)));
      f.type(`${bare === '"' ? '"' : bare} ${text}" `);
      at += 2;
    } else if (name === '(does>)') {
      f.type('does> ');
    } else if (name === '(leave)') {
      f.type('leave ');
    } else if (name !== '(endloop)') {
      f.type(`${name} `);
    }
  }
  f.cr();
}
