// SPDX-License-Identifier: MIT
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { decodePng } from '../../../../frontends/host/png.ts';
import { keysOf } from '../../../../frontends/monitor/key-names.ts';
import { LineEditor } from '../../../../frontends/monitor/line-editor.ts';
import { Monitor, PROMPT } from '../../../../frontends/monitor/monitor.ts';
import { askMonitor } from '../../../../frontends/monitor/remote.ts';
import { ClientPort } from '../../../../frontends/spice/client.ts';
import { LocalChannel, MachineSession } from '../../../../machines/backplane/session.ts';
import { FakeMachine } from '../../../support/fake-machine.ts';
import { random } from '../../../support/random.ts';

let folder = '';
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'emeritus-monitor-'))));
afterEach(() => rmSync(folder, { recursive: true }));

function bench(files: 'any' | 'here' = 'any') {
  const machine = new FakeMachine();
  const session = new MachineSession(new LocalChannel(machine));
  let said = '';
  let quits = 0;
  const options = { session, title: 'Fake', media: ['disk a.img'], quit: () => quits++, files };
  const listeners: ((bytes: Uint8Array) => void)[] = [];
  const monitor = new Monitor(options, (bytes) => {
    said += Buffer.from(bytes).toString();
    for (const listener of listeners) listener(bytes);
  });
  const type = (text: string): Promise<void> => monitor.input(Buffer.from(text));
  /** What a command answers, without echo and prompt. */
  const ask = async (command: string): Promise<string> => {
    const from = said.length;
    await type(`${command}\r`);
    const answer = said.slice(from);
    expect(answer.startsWith(`${command}\r\n`)).toBe(true);
    expect(answer.endsWith(PROMPT)).toBe(true);
    return answer.slice(command.length + 2, -PROMPT.length).replaceAll('\r\n', '\n');
  };
  return { machine, session, monitor, type, ask, listeners, said: () => said, quits: () => quits };
}

describe('Monitor', () => {
  it('greets with a prompt and lists its commands', async () => {
    const { ask, said } = bench();
    expect(said().endsWith(PROMPT)).toBe(true);
    const help = await ask('help');
    for (const word of ['info', 'stop', 'cont', 'reset', 'quit', 'screendump', 'screen-text', 'sendkey', 'log']) {
      expect(help).toMatch(new RegExp(`^${word}( |$)`, 'm'));
    }
  });

  it('tells of the machine', async () => {
    const { ask, machine } = bench();
    expect(await ask('info')).toMatch(/^Fake: running, 0\.000000 s since power-on, pc 0x0\n$/);
    expect(await ask('info screen')).toBe('dark\n');
    machine.show({});
    expect(await ask('info screen')).toBe('64x48\n');
    expect(await ask('info block')).toBe('disk a.img\n');
    expect(await ask('info serial')).toBe('0: modem\n');
    expect(await ask('info registers')).toBe('pc=1234 r3=7\n');
    expect(await ask('info log')).toContain('nothing');
    expect(await ask('info weather')).toContain('nothing about "weather"');
  });

  it('stops time and lets it go on', async () => {
    const { ask, session } = bench();
    await ask('stop');
    expect(await ask('info status')).toContain('stopped');
    const run = session.runFor(1);
    expect((await session.status()).seconds).toBe(0);
    await ask('cont');
    await run;
    expect((await session.status()).seconds).toBe(1);
  });

  it('writes the screen to a file', async () => {
    const { ask, machine } = bench();
    const file = join(folder, 'a screen.png');
    expect(await ask(`screendump ${file}`)).toContain('shows nothing');
    machine.show({});
    machine.paint(0, 48, 0x5a);
    expect(await ask(`screendump ${file}`)).toBe('');
    expect(decodePng(readFileSync(file))).toEqual(machine.screens[0]!.picture());
    expect(await ask(`screendump ${folder}/no/folder.png`)).toContain('cannot write');
  });

  it('writes only new files in its own folder where others can reach it', async () => {
    const { ask, machine } = bench('here');
    machine.show({});
    for (const name of ['/tmp/x.png', '../x.png', 'a/b.png', '.bashrc']) {
      expect(await ask(`screendump ${name}`)).toContain('without a path');
      expect(await ask(`savestate ${name}`)).toContain('without a path');
      expect(await ask(`loadstate ${name}`)).toContain('without a path');
    }
    expect(existsSync('/tmp/x.png')).toBe(false);
    const cwd = process.cwd();
    expect(await ask('screendump package.json')).toContain('exists already');
    expect(readFileSync(join(cwd, 'package.json'), 'utf8')).toContain('emeritus');
  });

  it('saves the machine and goes back', async () => {
    const { ask, session } = bench();
    const file = join(folder, 'state');
    await session.runFor(1);
    expect(await ask(`savestate ${file}`)).toBe('');
    await session.runFor(1);
    expect(await ask(`loadstate ${file}`)).toBe('');
    expect((await session.status()).seconds).toBe(1);
    writeFileSync(file, 'nonsense');
    expect(await ask(`loadstate ${file}`)).toMatch(/^loadstate: /);
  });

  it('presses keys and types', async () => {
    const { ask, machine, session } = bench();
    expect(await ask('sendkey ctrl-alt-f1')).toBe('');
    expect(machine.keys.join(' ')).toBe('+ControlLeft +AltLeft +F1 -F1 -AltLeft -ControlLeft');
    expect(await ask('sendkey ctrl-nonsense!')).toContain('found "ctrl-nonsense!"');
    machine.keys.length = 0;
    await ask('type a\\n');
    await session.runFor(1);
    expect(machine.keys.join(' ')).toBe('+KeyA -KeyA +Enter -Enter');
  });

  it('says when the screen cannot be read as text, and ends the emulator', async () => {
    const { ask, quits } = bench();
    expect(await ask('screen-text')).toContain('cannot tell');
    await ask('quit');
    expect(quits()).toBe(1);
    expect(await ask('fly')).toContain('no command "fly"');
    expect(await ask('')).toBe('');
  });

  it('answers scripts beside what others type', async () => {
    const { monitor, listeners, type } = bench();
    const port = new ClientPort('monitor', (bytes) => void monitor.input(bytes));
    listeners.push((bytes) => port.onData(bytes));
    await type('half a comm');
    expect(await askMonitor(port, 'info screen', 't1', 1000)).toBe('dark');
    expect(await askMonitor(port, 'info serial', 't2', 1000)).toBe('0: modem');
  });

  it('takes anything', async () => {
    const { monitor, ask, type } = bench('here');
    const next = random(0x303);
    for (let round = 0; round < 300; round++) {
      const line = Uint8Array.from({ length: next() * 200 }, () => (next() < 0.8 ? 32 + next() * 90 : next() * 256));
      // Not the words that do something for good.
      if (!/quit|save|dump/.test(Buffer.from(line).toString('latin1'))) await monitor.input(line);
    }
    await monitor.input(new Uint8Array(100_000).fill(0x41));
    await monitor.input(Buffer.from('\r'.repeat(1000)));
    await type('\x1b\\\x15');
    expect(await ask('info screen')).toBe('dark\n');
  });
});

describe('LineEditor', () => {
  it('edits, and leaves control sequences out', () => {
    let echo = '';
    const editor = new LineEditor((text) => (echo += text));
    const lines = [...'ab\x7fc\x1b[Ad\r\nx\x15y\n'].map((character) => editor.put(character));
    expect(lines.filter((line) => line !== undefined)).toEqual(['acd', 'y']);
    expect(echo).toBe('ab\b \bcd\r\nx\b \by\r\n');
  });
});

describe('sendkey names', () => {
  it.each([
    ['a', ['KeyA']],
    ['ctrl-C', ['ControlLeft', 'KeyC']],
    ['f12', ['F12']],
    ['5', ['Digit5']],
    ['MetaLeft-KeyQ', ['MetaLeft', 'KeyQ']],
    ['', undefined],
    ['ctrl-', undefined],
    ['constructor', undefined],
  ])('%s', (text, keys) => expect(keysOf(text)).toEqual(keys));
});
