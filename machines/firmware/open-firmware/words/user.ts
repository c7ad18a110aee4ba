// SPDX-License-Identifier: MIT
//
// The user's words: the prompt, keys, time, booting, resetting, help (IEEE 1275-1994 section 7).
import { THROW, throwMessage } from '../errors.ts';
import type { Forth } from '../forth/forth.ts';
import type { Console, LineEditor } from '../console.ts';
import { LAYOUT } from '../stubs.ts';

/** What the words ask of the firmware around them. */
export interface UserActions {
  readonly console: Console;
  readonly editor: LineEditor;
  readonly base: number;
  banner(): void;
  alloc(bytes: number): number;
  free(pa: number): void;
  powerOff(): void;
  reset(): void;
}

const HELP: readonly (readonly [string, string])[] = [
  ['boot [DEVICE:PART,\\PATH] [ARGS]', 'load a program and start it; plain boot tries boot-device'],
  ['load / go', 'the two halves of boot'],
  ['devalias [NAME [PATH]]', 'show or set short names of devices'],
  ['dev PATH, ls, pwd, .properties', 'walk the device tree; dev / first, device-end to leave'],
  ['dir DEVICE:PART,\\PATH', 'list a directory of a disk or CD'],
  ['show-devs', 'all devices'],
  ['printenv [NAME]', 'configuration variables and their defaults'],
  ['setenv NAME VALUE, set-default NAME', 'change one; set-defaults for all'],
  ['words, see WORD, sifting TEXT', 'what the dictionary has'],
  ['ADDR LEN dump', 'show memory (numbers are hexadecimal)'],
  ['.s', 'show the stack'],
  ['reset-all, shut-down', 'start again, switch off'],
];

export function defineUserWords(f: Forth, actions: UserActions): void {
  const { console, editor } = actions;

  f.native('key?', (f) => {
    console.poll();
    f.flag(console.ready);
  });
  f.native(
    'key',
    (f) => {
      if (console.ready) f.push(console.read());
      else f.wait();
    },
    'b',
  );
  f.native('(prompt)', (f) => f.type(`${f.task.sp} ${f.compiling ? ']' : '>'} `));
  f.native(
    '(read-line)',
    (f) => {
      const line = editor.step(LAYOUT.terminalInputBytes - 1);
      if (line === undefined) {
        f.wait();
        return;
      }
      f.emit(0x20);
      const pa = actions.base + LAYOUT.terminalInput;
      f.setBytes(pa, line);
      f.task.sources = [];
      f.pushSource(pa, line);
    },
    'b',
  );
  f.native('(ok)', (f) => {
    f.popSource();
    f.line(f.compiling ? '' : ' ok');
  });
  f.native(
    'accept',
    (f) => {
      f.need(2);
      const line = editor.step(Math.max(0, Math.min(f.peek(0), 0x1000)));
      if (line === undefined) {
        f.wait();
        return;
      }
      f.pop();
      f.setBytes(f.popU(), line);
      f.push(line.length);
    },
    'b',
  );
  f.native('quit', (f) => {
    f.task.rp = 0;
    f.task.handler = -1;
    f.task.sources = [];
    f.abandonDefinition();
    f.start(f.task, f.require('(quit)'));
  });
  f.native('(report)', (f) => report(f, f.pop()));

  f.native('get-msecs', (f) => f.push(Math.floor(f.host.milliseconds())));
  f.native(
    'ms',
    (f) => {
      const { task } = f;
      const now = f.host.milliseconds();
      if (task.wakeAt < 0) task.wakeAt = now + (f.peek(0) >>> 0);
      if (now < task.wakeAt) {
        f.wait(task.wakeAt);
        return;
      }
      task.wakeAt = -1;
      f.pop();
    },
    'b',
  );
  f.native('us', (f) => f.pop());

  f.native('exit?', (f) => f.flag(false));
  f.native('banner', () => actions.banner());
  f.native('alloc-mem', (f) => f.push(actions.alloc(f.popU())));
  f.native('free-mem', (f) => {
    f.need(2);
    f.pop();
    actions.free(f.popU());
  });
  const halt =
    (action: () => void) =>
    (f: Forth): void => {
      action();
      f.wait();
    };
  for (const name of ['shut-down', 'power-off', 'bye'])
    f.native(
      name,
      halt(() => actions.powerOff()),
      'b',
    );
  for (const name of ['reset-all', 'reset', 'mac-boot'])
    f.native(
      name,
      halt(() => actions.reset()),
      'b',
    );

  f.native('help', (f) => {
    f.freshLine();
    for (const [words, text] of HELP) f.line(`${words.padEnd(38)}${text}`);
  });
  f.native('.version', (f) => f.line('Emeritus Open Firmware'));
}

/** Says what a throw meant, as the prompt does. */
export function report(f: Forth, code: number): void {
  switch (code) {
    case THROW.abort:
      break;
    case THROW.abortMessage:
      f.line(f.abortMessage);
      break;
    case THROW.undefinedWord:
    case THROW.compileOnly:
    case THROW.invalidName:
    case THROW.noMethod:
      f.line(
        code === THROW.compileOnly ? `${f.errorName} ${throwMessage(code)}` : `${f.errorName}, ${throwMessage(code)}`,
      );
      break;
    default:
      f.line(throwMessage(code));
  }
}
