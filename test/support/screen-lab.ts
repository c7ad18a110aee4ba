// SPDX-License-Identifier: MIT
//
// Real viewers in front of a real emulator process: an X server without a screen, and what can be seen on it.
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createHash } from 'node:crypto';
import type { Readable } from 'node:stream';
import { decodePng } from '../../frontends/host/png.ts';
import { askMonitor, MONITOR_PORT } from '../../frontends/monitor/remote.ts';
import type { ClientPort } from '../../frontends/spice/client.ts';
import type { Picture } from '../../machines/backplane/host.ts';
import type { Input } from './inputs.ts';
import { comesTrue, TestViewer, until } from './spice.ts';

const ended = (child: ChildProcess): Promise<number | null> =>
  child.exitCode !== null || child.signalCode !== null
    ? Promise.resolve(child.exitCode)
    : new Promise((resolve) => child.on('exit', resolve));

const SCREEN = { width: 1400, height: 1100 };

export interface XWindow {
  readonly title: string;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** Xvfb on a display of its own. */
export class XServer {
  readonly #server: ChildProcess;
  readonly env: NodeJS.ProcessEnv;

  private constructor(server: ChildProcess, display: string) {
    this.#server = server;
    this.env = { ...process.env, DISPLAY: display, GDK_BACKEND: 'x11', NO_AT_BRIDGE: '1' };
  }

  static async start(): Promise<XServer> {
    // -noreset: where it starts afresh after its last client, the next one may find it closed. -r: a key that is held
    // because the computer is slow stays one key.
    const words = [
      '-displayfd',
      '3',
      '-screen',
      '0',
      `${SCREEN.width}x${SCREEN.height}x24`,
      '-nolisten',
      'tcp',
      '-noreset',
      '-r',
    ];
    const server = spawn('Xvfb', words, { stdio: ['ignore', 'ignore', 'ignore', 'pipe'] });
    const number = await new Promise<string>((resolve, reject) => {
      server.on('error', reject);
      server.on('exit', () => reject(new Error('Xvfb ended')));
      (server.stdio[3] as Readable).once('data', (chunk: Buffer) => resolve(chunk.toString().trim()));
    });
    return new XServer(server, `:${number}`);
  }

  // Nothing here blocks this process, which may be a part of what is tested.

  /** Everything on the screen. */
  async screenshot(): Promise<Picture> {
    const bytes = await this.#output('import', ['-window', 'root', '-depth', '8', 'rgb:-']);
    const { width, height } = SCREEN;
    if (bytes.length !== width * height * 3) throw new Error(`a screenshot of ${bytes.length} bytes`);
    const rgba = new Uint8Array(width * height * 4).fill(0xff);
    for (let from = 0, to = 0; from < bytes.length; from += 3, to += 4) {
      rgba[to] = bytes[from]!;
      rgba[to + 1] = bytes[from + 1]!;
      rgba[to + 2] = bytes[from + 2]!;
    }
    return { width, height, rgba };
  }

  /** Where a picture can be found on the screen, pixel for pixel. */
  async find(picture: Picture): Promise<{ x: number; y: number } | undefined> {
    return locate(await this.screenshot(), picture);
  }

  async shows(picture: Picture): Promise<boolean> {
    return (await this.find(picture)) !== undefined;
  }

  async xdotool(...words: readonly string[]): Promise<void> {
    const child = spawn('xdotool', words, { env: this.env, stdio: 'ignore', timeout: 120_000 });
    if ((await ended(child)) !== 0) throw new Error(`xdotool ${words.join(' ')} has failed`);
  }

  /** Types a text and Enter. */
  async typeLine(text: string): Promise<void> {
    if (text !== '') await this.xdotool('type', '--delay', '100', text);
    await this.xdotool('key', 'Return');
  }

  /** The title and place of the window of a program; `undefined` while it has none. */
  async window(program: string): Promise<XWindow | undefined> {
    const words = ['search', '--onlyvisible', '--class', program, 'getwindowname', 'getwindowgeometry', '--shell'];
    const text = await this.#output('xdotool', words).then(String, () => undefined);
    if (text === undefined) return undefined;
    const number = (name: string): number => Number(new RegExp(`^${name}=(-?\\d+)$`, 'm').exec(text)?.[1]);
    const [x, y, width, height] = ['X', 'Y', 'WIDTH', 'HEIGHT'].map(number) as [number, number, number, number];
    return { title: text.split('\n', 1)[0]!, x, y, width, height };
  }

  async #output(command: string, words: readonly string[]): Promise<Buffer> {
    const child = spawn(command, words, { env: this.env, stdio: ['ignore', 'pipe', 'ignore'], timeout: 120_000 });
    const chunks: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
    const code = await new Promise((resolve, reject) => child.on('error', reject).on('close', resolve));
    if (code !== 0) throw new Error(`${command} ${words.join(' ')} has failed`);
    return Buffer.concat(chunks);
  }

  stop(): void {
    this.#server.kill();
  }
}

/** spicy in the guest's own pixels, without what needs icons: where no icon can be loaded, GTK ends the program. */
const SPICY_SETTINGS = '[general]\nscaling=false\nresize-guest=false\n[ui]\ntoolbar=false\nstatusbar=false\n';

/** Kept of what a viewer says; those that tell everything they do say much. */
const MAX_SAID = 1 << 20;

/** A viewer with nobody's settings, caches or desktop around it. */
export class ViewerProcess {
  /** Where it runs. */
  readonly folder = mkdtempSync(join(tmpdir(), 'emeritus-viewer-'));
  readonly #child: ChildProcess;
  #said = '';

  constructor(x: XServer, words: readonly string[], settings: Readonly<Record<string, string>> = {}) {
    const within = (name: string): string => {
      const path = join(this.folder, name);
      mkdirSync(path, { mode: 0o700 });
      return path;
    };
    const config = within('config');
    mkdirSync(join(config, 'spicy'));
    writeFileSync(join(config, 'spicy', 'settings'), SPICY_SETTINGS);
    const env = {
      PATH: process.env['PATH'],
      DISPLAY: x.env['DISPLAY'],
      GDK_BACKEND: 'x11',
      NO_AT_BRIDGE: '1',
      LC_ALL: 'C.UTF-8',
      HOME: within('home'),
      XDG_CONFIG_HOME: config,
      XDG_CACHE_HOME: within('cache'),
      XDG_DATA_HOME: within('data'),
      XDG_RUNTIME_DIR: within('run'),
      ...settings,
    };
    this.#child = spawn(words[0]!, words.slice(1), { env, cwd: this.folder, stdio: ['ignore', 'pipe', 'pipe'] });
    this.#child.on('error', (error) => (this.#said += error.message));
    for (const stream of [this.#child.stdout!, this.#child.stderr!]) {
      stream.on('data', (chunk: Buffer) => (this.#said = (this.#said + chunk.toString()).slice(-MAX_SAID)));
    }
  }

  /** What the viewer has said, and whether it is still there. */
  get story(): string {
    const { exitCode, signalCode } = this.#child;
    const end = exitCode ?? signalCode;
    return `${end === null ? 'it runs' : `it has ended (${end})`} and has said: ${this.#said.trim().slice(-4000) || 'nothing'}`;
  }

  hasSaid(pattern: RegExp): boolean {
    return pattern.test(this.#said);
  }

  get running(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Waits for its own end, and for its last words; gives its exit code. */
  async exit(): Promise<number | null> {
    const code = await ended(this.#child);
    await until(() => this.#child.stdout!.closed && this.#child.stderr!.closed, 'its last words have come');
    return code;
  }

  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    this.#child.kill(signal);
    await ended(this.#child);
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 3 });
  }
}

/** Waits for the monitor's port of a viewer that has just connected. */
async function monitorOf(ours: TestViewer): Promise<ClientPort> {
  const find = (): ClientPort | undefined => ours.ports.find(({ name }) => name === MONITOR_PORT);
  await until(() => find() !== undefined, 'there is a monitor');
  return find()!;
}

/** An `emeritus boot` process with its screen on a Unix socket. */
export class EmulatorProcess {
  readonly folder = mkdtempSync(join(tmpdir(), 'emeritus-screen-'));
  readonly socket = join(this.folder, 'screen.sock');
  readonly #child: ChildProcess;
  readonly #password: string | undefined;
  #pictures = 0;
  errors = '';

  /** @param display further words of `--display spice,…`, each with its comma. */
  constructor(
    machine: string,
    options: readonly string[],
    display = '',
    { env = process.env, password }: { env?: NodeJS.ProcessEnv; password?: string } = {},
  ) {
    const screen = ['--display', `spice,unix=${this.socket}${display}`, '--serial', 'none'];
    const words = [resolve('bin/emeritus'), 'boot', machine, ...screen, ...options];
    this.#password = password;
    this.#child = spawn(process.execPath, words, { stdio: ['ignore', 'ignore', 'pipe'], env, cwd: this.folder });
    this.#child.stderr!.on('data', (chunk: Buffer) => (this.errors += chunk.toString()));
  }

  /** A viewer of ours, as soon as there is a screen, which then has been still for a while. */
  async viewer(seconds = 120): Promise<TestViewer> {
    await until(
      () => this.errors.includes('screen: ') || this.#child.exitCode !== null,
      () => `the display is served; the emulator has said: ${this.errors}`,
      120,
    );
    const viewer = await TestViewer.connect({ path: this.socket }, this.#password);
    await still(viewer, seconds);
    return viewer;
  }

  /** The emulator's own picture of the screen, by its monitor. */
  async picture(ours: TestViewer): Promise<Picture> {
    const name = `screen-${this.#pictures++}.png`;
    const answer = await askMonitor(await monitorOf(ours), `screendump ${name}`, `dump${this.#pictures}`, 120_000);
    if (answer !== '') throw new Error(`the monitor says: ${answer}`);
    return decodePng(readFileSync(join(this.folder, name)));
  }

  get running(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** The port of TCP, as the emulator has said it. */
  get port(): number {
    return Number(/spice:\/\/127\.0\.0\.1(?::|\?tls-port=)(\d+)/.exec(this.errors)![1]);
  }

  /** Ends the emulator as a user does; gives its exit code. */
  async end(): Promise<number | null> {
    this.#child.kill('SIGTERM');
    return this.exit();
  }

  /** Waits for the end. */
  exit(): Promise<number | null> {
    return ended(this.#child);
  }

  async stop(): Promise<void> {
    this.#child.kill('SIGKILL');
    await ended(this.#child);
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Waits until the screen shows something and nothing moves any more. */
export async function still(viewer: TestViewer, seconds: number): Promise<void> {
  let draws = -1;
  let since = Date.now();
  await until(
    () => {
      if (viewer.draws !== draws) {
        draws = viewer.draws;
        since = Date.now();
      }
      return Date.now() - since > 1500 && viewer.pixels.some((pixel) => pixel !== viewer.pixels[0]);
    },
    'the screen is still',
    seconds,
  );
}

/** What a viewer shows, as a picture. */
export function pictureOfViewer({ width, height, pixels }: TestViewer): Picture {
  const rgba = new Uint8Array(width * height * 4).fill(0xff);
  for (let i = 0; i < pixels.length; i++) {
    const pixel = pixels[i]!;
    rgba[4 * i] = pixel >>> 16;
    rgba[4 * i + 1] = pixel >>> 8;
    rgba[4 * i + 2] = pixel;
  }
  return { width, height, rgba };
}

/** A number for each colour. */
function colors({ rgba }: Picture): Uint32Array {
  const words = new Uint32Array(rgba.length / 4);
  for (let i = 0; i < words.length; i++) words[i] = (rgba[4 * i]! << 16) | (rgba[4 * i + 1]! << 8) | rgba[4 * i + 2]!;
  return words;
}

const MAX_EDGES = 400;

/** Where a picture can be found, pixel for pixel, on a larger one. */
export function locate(large: Picture, small: Picture): { x: number; y: number } | undefined {
  const { width, height } = small;
  const [all, wanted] = [colors(large), colors(small)];
  // Where the picture has edges it is least like anything else.
  const edges: number[] = [];
  for (let i = 1; i < wanted.length && edges.length < MAX_EDGES; i++) {
    if (i % width !== 0 && wanted[i] !== wanted[i - 1]) edges.push(i);
  }
  for (let y = 0; y + height <= large.height; y++) {
    for (let x = 0; x + width <= large.width; x++) {
      const same = (i: number): boolean =>
        all[(y + Math.floor(i / width)) * large.width + x + (i % width)] === wanted[i];
      if (edges.every((i) => same(i) && same(i - 1)) && wanted.every((_, i) => same(i))) return { x, y };
    }
  }
  return undefined;
}

export { ended };

/** Waits until X's screen has the picture that our own viewer has. */
export const showsSame = (x: XServer, viewer: ViewerProcess, ours: TestViewer, when: string): Promise<void> =>
  until(
    () => x.shows(pictureOfViewer(ours)),
    () => `the viewer shows ${when}; ${viewer.story}`,
    120,
  );

/** Waits until the emulator's own picture, our own viewer's and what X's screen shows are one. */
export const allAgree = (x: XServer, emulator: EmulatorProcess, viewer: ViewerProcess, ours: TestViewer) =>
  until(
    async () => {
      const picture = await emulator.picture(ours);
      return ours.shows(picture) && (await x.shows(picture));
    },
    () => `emulator and viewers agree; ${viewer.story}`,
    120,
  );

/** The boot options of a Linux whose shell is on the screen and which can be asked on its serial line. */
export const linuxOptions = (kernel: Input, initrd: Input): string[] => [
  ...['--kernel', kernel.path ?? '', '--initrd', initrd.path ?? '', '--ram', '256M'],
  ...['--append', 'console=ttyPZ0 console=tty0 vt.global_cursor_default=0'],
];

/** Waits until Linux's shell answers on the serial line what our viewer types on the keyboard. */
export async function linuxReady(ours: TestViewer): Promise<void> {
  await until(() => serialText(ours).includes('Run /init'), 'Linux starts', 300);
  await askMonitor(await monitorOf(ours), 'type echo re""ady > /dev/ttyPZ0\\n', 'ready', 120_000);
  await until(
    () => serialText(ours).includes('ready'),
    () => `Linux's shell answers; the line has said: ${JSON.stringify(serialText(ours).slice(-200))}`,
    300,
  );
  await still(ours, 120);
}

const serialText = (ours: TestViewer): string => ours.portText.get('org.emeritus.console.serial.0.0') ?? '';

/** What is typed to see in the answer, on the serial line, that all of it has arrived. */
export const TYPED = 'echo The 4th key. | md5sum > /dev/ttyPZ0';
export const MD5 = createHash('md5').update('The 4th key.\n').digest('hex');

/** How often the answer to {@link TYPED} has come. */
export const answers = (ours: TestViewer): number => serialText(ours).split(MD5).length - 1;

const TRIES = 10;

/**
 * Types a line at a prompt by `type`, which presses the keys of a text and Enter, and waits until the guest has answered.
 * Keys are not heard before the viewer's channel for them is there: empty lines go first. On a computer that is busy
 * enough, Linux takes a key for held and repeats it: a line that it gives no answer to is typed again.
 */
export async function typeLine(
  ours: TestViewer,
  text: string,
  type: (text: string) => Promise<void>,
  story: () => string,
): Promise<void> {
  const drawn = async (line: string, seconds: number): Promise<boolean> => {
    const { draws } = ours;
    await type(line);
    return comesTrue(() => ours.draws > draws, seconds);
  };
  await until(
    () => drawn('', 5),
    () => `the guest sees a key; ${story()}`,
    120,
  );
  await still(ours, 120);
  if (text !== TYPED) {
    if (!(await drawn(text, 120))) throw new Error(`the guest does not see the keys; ${story()}`);
    return still(ours, 120);
  }
  const before = answers(ours);
  for (let left = TRIES; answers(ours) === before; left--) {
    if (left === 0) throw new Error(`the guest does not tell what it was given; ${story()}`);
    await type(text);
    await comesTrue(() => answers(ours) > before, 30);
  }
  await still(ours, 120);
}
