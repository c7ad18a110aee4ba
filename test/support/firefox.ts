// SPDX-License-Identifier: MIT
//
// Debian's Firefox without a screen, driven by WebDriver BiDi over its own WebSocket.
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { WebSocket } from 'ws';
import { keystroke } from '../../machines/backplane/us-keyboard.ts';

interface Reply {
  readonly id?: number;
  readonly type?: string;
  readonly result?: unknown;
  readonly error?: string;
  readonly message?: string;
}

/** First start on a slow machine. */
const START_MS = 120_000;

// Keys that are no characters, by WebDriver's private code points.
const ENTER = '\ue007';
const SHIFT = '\ue008';

export class Firefox {
  readonly #child: ChildProcess;
  readonly #profile: string;
  readonly #socket: WebSocket;
  readonly #pending = new Map<number, { resolve(result: unknown): void; reject(error: Error): void }>();
  #next = 1;
  #context = '';

  private constructor(child: ChildProcess, profile: string, socket: WebSocket) {
    this.#child = child;
    this.#profile = profile;
    this.#socket = socket;
    socket.on('message', (data: Buffer) => {
      const { id, type, result, error, message } = JSON.parse(data.toString()) as Reply;
      const pending = id === undefined ? undefined : this.#pending.get(id);
      if (pending === undefined) return;
      this.#pending.delete(id!);
      if (type === 'error') pending.reject(new Error(`${error}: ${message}`));
      else pending.resolve(result);
    });
  }

  static async start(path: string): Promise<Firefox> {
    const profile = mkdtempSync(join(tmpdir(), 'emeritus-firefox-'));
    // Nothing beyond this computer, nothing asked.
    const prefs = { 'network.proxy.type': 0, 'app.update.enabled': false, 'datareporting.policy.firstRunURL': '' };
    const lines = Object.entries(prefs).map(
      ([name, value]) => `user_pref(${JSON.stringify(name)}, ${JSON.stringify(value)});`,
    );
    writeFileSync(join(profile, 'user.js'), lines.join('\n'));
    const words = ['--headless', '--no-remote', '--profile', profile, '--remote-debugging-port', '0', 'about:blank'];
    const env = { PATH: process.env['PATH'], HOME: profile, LC_ALL: 'C.UTF-8', MOZ_HEADLESS: '1' };
    const child = spawn(path, words, { env, stdio: ['ignore', 'ignore', 'pipe'] });
    const url = await new Promise<string>((resolve, reject) => {
      let said = '';
      const timer = setTimeout(() => reject(new Error(`Firefox does not start; it has said: ${said}`)), START_MS);
      child.on('error', reject);
      child.on('exit', () => reject(new Error(`Firefox has ended; it has said: ${said}`)));
      child.stderr!.on('data', (chunk: Buffer) => {
        said += chunk.toString();
        const found = /WebDriver BiDi listening on (ws:\S+)/.exec(said);
        if (found === null) return;
        clearTimeout(timer);
        resolve(found[1]!);
      });
    });
    const socket = new WebSocket(`${url}/session`);
    await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
    const firefox = new Firefox(child, profile, socket);
    await firefox.#ask('session.new', { capabilities: {} });
    const { contexts } = (await firefox.#ask('browsingContext.getTree', {})) as { contexts: { context: string }[] };
    firefox.#context = contexts[0]!.context;
    return firefox;
  }

  async goto(url: string): Promise<void> {
    await this.#ask('browsingContext.navigate', { context: this.#context, url, wait: 'complete' });
  }

  /** The value of an expression, as JSON. */
  async evaluate(expression: string): Promise<unknown> {
    const answer = (await this.#ask('script.evaluate', {
      expression: `JSON.stringify(${expression}) ?? 'null'`,
      target: { context: this.#context },
      awaitPromise: true,
    })) as { type: string; result?: { value: string }; exceptionDetails?: { text: string } };
    if (answer.type !== 'success') throw new Error(answer.exceptionDetails?.text ?? 'evaluate has failed');
    return JSON.parse(answer.result!.value) as unknown;
  }

  async click(x: number, y: number): Promise<void> {
    const actions = [
      { type: 'pointerMove', x, y },
      { type: 'pointerDown', button: 0 },
      { type: 'pointerUp', button: 0 },
    ];
    await this.#act({ type: 'pointer', id: 'mouse', parameters: { pointerType: 'mouse' }, actions });
  }

  /** Types a text and Enter as a person does: Shift is a key. */
  async type(text: string, gapMs: number): Promise<void> {
    for (const value of [...text, ENTER]) {
      const pressed = [...(keystroke(value)?.shift === true ? [SHIFT] : []), value];
      const pause = { type: 'pause', duration: gapMs };
      const down = pressed.map((key) => ({ type: 'keyDown', value: key }));
      const up = pressed.reverse().map((key) => ({ type: 'keyUp', value: key }));
      await this.#act({ type: 'key', id: 'keyboard', actions: [...down, pause, ...up, pause] });
    }
  }

  async close(): Promise<void> {
    const gone = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#socket.terminate();
    this.#child.kill('SIGKILL');
    await gone;
    rmSync(this.#profile, { recursive: true, force: true, maxRetries: 5 });
  }

  #act(source: unknown): Promise<unknown> {
    return this.#ask('input.performActions', { context: this.#context, actions: [source] });
  }

  #ask(method: string, params: unknown): Promise<unknown> {
    const id = this.#next++;
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { resolve, reject });
      this.#socket.send(JSON.stringify({ id, method, params }));
    });
  }
}
