// SPDX-License-Identifier: MIT
//
// The monitor: a console of the emulator itself, where a person (or a script) asks about the machine and commands it.
import { readFileSync, writeFileSync } from 'node:fs';
import type { LogEntry } from '../../machines/backplane/log.ts';
import type { MachineSession } from '../../machines/backplane/session.ts';
import { fileProblem } from '../host/files.ts';
import { encodePng } from '../host/png.ts';
import { keysOf } from './key-names.ts';
import { LineEditor } from './line-editor.ts';

export const PROMPT = '(emeritus) ';
export const NO_SCREEN_TEXT = 'this machine cannot tell what its screen says now';

export interface MonitorOptions {
  readonly session: MachineSession;
  /** What `info` says first. */
  readonly title: string;
  /** The media as the user named them: `disk FILE,opts`. */
  readonly media?: readonly string[];
  /** Ends the emulator. */
  quit(): void;
  /**
   * Files of commands: `any`, or only new ones in the emulator's folder and without paths, for consoles that others
   * than the user may reach.
   */
  readonly files: 'any' | 'here';
}

interface Command {
  readonly usage: string;
  readonly help: string;
  run(argument: string): Promise<string | undefined> | string | undefined;
}

/** A command cannot be done; its message is the answer. */
class Complaint extends Error {}

const LOG_LINES = 100;
const KEY_HOLD_MS = 50;

export class Monitor {
  readonly #options: MonitorOptions;
  readonly #output: (bytes: Uint8Array) => void;
  readonly #editor = new LineEditor((text) => this.#write(text));
  readonly #log: string[] = [];
  readonly #decoder = new TextDecoder();
  #work: Promise<void> = Promise.resolve();

  /** @param output gets what the monitor says, beginning with its prompt. */
  constructor(options: MonitorOptions, output: (bytes: Uint8Array) => void) {
    this.#options = options;
    this.#output = output;
    options.session.onEvent((event) => {
      if (event.event !== 'log') return;
      this.#log.push(formatLog(event.entry));
      if (this.#log.length > LOG_LINES) this.#log.shift();
    });
    this.#write(`${options.title}\r\n"help" lists the commands.\r\n${PROMPT}`);
  }

  /** What was typed; settles when it has been done. A command is echoed and done after those before it. */
  input(bytes: Uint8Array): Promise<void> {
    const text = this.#decoder.decode(bytes, { stream: true });
    return (this.#work = this.#work.then(() => this.#read(text)));
  }

  async #read(text: string): Promise<void> {
    for (const character of text) {
      const line = this.#editor.put(character);
      if (line === undefined) continue;
      const answer = await this.#execute(line);
      this.#write(answer === undefined ? PROMPT : `${answer.replace(/\r?\n/g, '\r\n')}\r\n${PROMPT}`);
    }
  }

  async #execute(line: string): Promise<string | undefined> {
    const [, word, argument] = /^\s*(\S*)\s*(.*?)\s*$/.exec(line)!;
    if (word === '') return undefined;
    const command = Object.hasOwn(this.#commands, word!) ? this.#commands[word!] : undefined;
    if (command === undefined) return `there is no command "${word}"; "help" lists them`;
    try {
      return await command.run(argument!);
    } catch (error) {
      return error instanceof Complaint ? error.message : `${word}: ${(error as Error).message}`;
    }
  }

  #write(text: string): void {
    this.#output(new TextEncoder().encode(text));
  }

  readonly #commands: Readonly<Record<string, Command>> = {
    help: { usage: 'help', help: 'this list', run: () => this.#help() },
    info: {
      usage: 'info [status|screen|block|serial|registers|log]',
      help: 'about the machine',
      run: (topic) => this.#info(topic === '' ? 'status' : topic),
    },
    stop: { usage: 'stop', help: 'stop time', run: () => this.#done(this.#options.session.hold(true)) },
    cont: { usage: 'cont', help: 'let time go on', run: () => this.#done(this.#options.session.hold(false)) },
    reset: {
      usage: 'reset [cold]',
      help: 'pull the reset line, or switch off and on',
      run: (kind) => {
        if (kind !== '' && kind !== 'cold') throw new Complaint('reset: cold or nothing');
        return this.#done(this.#options.session.reset(kind === 'cold' ? 'cold' : 'warm'));
      },
    },
    quit: {
      usage: 'quit',
      help: 'end the emulator',
      run: () => {
        this.#options.quit();
        return undefined;
      },
    },
    screendump: { usage: 'screendump FILE.png', help: 'write the screen to a file', run: (file) => this.#dump(file) },
    'screen-text': { usage: 'screen-text', help: 'the text on the screen', run: () => this.#text() },
    savestate: { usage: 'savestate FILE', help: 'save the machine as it is now', run: (file) => this.#save(file) },
    loadstate: { usage: 'loadstate FILE', help: 'go back to what was saved', run: (file) => this.#load(file) },
    sendkey: { usage: 'sendkey KEYS', help: 'press keys together, as in ctrl-alt-f1', run: (keys) => this.#keys(keys) },
    type: {
      usage: 'type TEXT',
      help: 'type on a US keyboard; \\n is the Enter key',
      run: (text) => this.#done(this.#options.session.type(text.replaceAll('\\n', '\n'))),
    },
    log: { usage: 'log', help: 'the last messages of --log', run: () => this.#log.join('\n') || 'nothing was logged' },
    echo: { usage: 'echo TEXT', help: 'TEXT again, for scripts', run: (text) => text },
  };

  #help(): string {
    const commands = Object.values(this.#commands);
    const width = Math.max(...commands.map(({ usage }) => usage.length));
    return commands.map(({ usage, help }) => `${usage.padEnd(width)}  ${help}`).join('\n');
  }

  async #done(work: Promise<void>): Promise<undefined> {
    await work;
    return undefined;
  }

  async #info(topic: string): Promise<string> {
    const { session, title, media = [] } = this.#options;
    const status = await session.status();
    switch (topic) {
      case 'status': {
        const state = status.held ? 'stopped' : 'running';
        return `${title}: ${state}, ${status.seconds.toFixed(6)} s since power-on, pc 0x${status.pc.toString(16)}`;
      }
      case 'screen':
        return status.screen === undefined ? 'dark' : `${status.screen.width}x${status.screen.height}`;
      case 'block':
        return media.join('\n') || 'no media';
      case 'serial':
        return status.serial.map((name, line) => `${line}: ${name}`).join('\n') || 'no serial lines';
      case 'registers':
        return registers(await session.registers());
      case 'log':
        return (
          Object.entries(status.counts)
            .filter(([, { guest, unimp }]) => guest + unimp > 0)
            .map(([device, { guest, unimp }]) => `${device}: ${guest} forbidden, ${unimp} not modelled`)
            .join('\n') || 'nothing forbidden or not modelled was done'
        );
      default:
        throw new Complaint(`info: there is nothing about "${topic}"; ${this.#commands['info']!.usage}`);
    }
  }

  async #dump(file: string): Promise<undefined> {
    const picture = await this.#options.session.screenshot();
    if (picture === undefined) throw new Complaint('the screen shows nothing');
    this.#store(file, encodePng(picture));
  }

  async #text(): Promise<string> {
    const lines = await this.#options.session.screenText();
    if (lines === undefined) throw new Complaint(NO_SCREEN_TEXT);
    return lines.join('\n').trimEnd();
  }

  async #save(file: string): Promise<undefined> {
    this.#store(file, await this.#options.session.save());
  }

  async #load(file: string): Promise<undefined> {
    this.#checkName(file);
    let bytes: Uint8Array;
    try {
      bytes = readFileSync(file);
    } catch (error) {
      throw new Complaint(`cannot read ${file}: ${fileProblem(error)}`);
    }
    await this.#options.session.restore(new Uint8Array(bytes));
  }

  async #keys(text: string): Promise<undefined> {
    const keys = keysOf(text);
    if (keys === undefined) throw new Complaint(`sendkey: keys as in ctrl-alt-f1 or MetaLeft-KeyQ; found "${text}"`);
    const { session } = this.#options;
    for (const key of keys) await session.key(key, true);
    await new Promise((resolve) => setTimeout(resolve, KEY_HOLD_MS));
    for (const key of keys.reverse()) await session.key(key, false);
  }

  #checkName(file: string): void {
    if (file === '') throw new Complaint('a file name is missing');
    if (this.#options.files === 'here' && (/[/\\\0]/.test(file) || file.startsWith('.'))) {
      throw new Complaint("at this console files are in the emulator's folder: a name without a path");
    }
  }

  #store(file: string, bytes: Uint8Array): void {
    this.#checkName(file);
    try {
      writeFileSync(file, bytes, { flag: this.#options.files === 'here' ? 'wx' : 'w' });
    } catch (error) {
      const exists = (error as NodeJS.ErrnoException).code === 'EEXIST';
      throw new Complaint(`cannot write ${file}: ${exists ? 'it exists already' : fileProblem(error)}`);
    }
  }
}

/** Some in a line, each in hex. */
function registers(values: Record<string, number | bigint>): string {
  const cells = Object.entries(values).map(([name, value]) => {
    const unsigned = typeof value === 'bigint' ? BigInt.asUintN(128, value) : value < 0 ? value >>> 0 : value;
    return `${name}=${unsigned.toString(16)}`;
  });
  if (cells.length === 0) return 'no CPU';
  const width = Math.max(...cells.map(({ length }) => length)) + 1;
  const perLine = Math.max(1, Math.floor(80 / width));
  const lines: string[] = [];
  for (let at = 0; at < cells.length; at += perLine) {
    lines.push(
      cells
        .slice(at, at + perLine)
        .map((cell) => cell.padEnd(width))
        .join('')
        .trimEnd(),
    );
  }
  return lines.join('\n');
}

const formatLog = ({ mask, device, message, pc }: LogEntry): string =>
  `[${mask}] ${device}: ${message} (pc 0x${pc.toString(16)})`;
