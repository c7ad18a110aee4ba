// SPDX-License-Identifier: MIT
//
// `--display`: where the screen is shown, and how to get there.
import { type ChildProcess, spawn } from 'node:child_process';
import { isIP } from 'node:net';
import { join, resolve } from 'node:path';
import type { MachineSession } from '../../machines/backplane/session.ts';
import { readImage } from '../host/files.ts';
import type { AudioSource } from '../host/audio.ts';
import { openOpus } from '../host/libopus.ts';
import { ScreenSource } from '../host/screen-source.ts';
import { UserError } from '../host/user-error.ts';
import { Monitor } from '../monitor/monitor.ts';
import { MONITOR_PORT } from '../monitor/remote.ts';
import { type Listener, listenTcp, listenUnix, listenWebSocket, type TlsFiles } from '../spice/listeners.ts';
import { ConsolePort } from '../spice/port-channel.ts';
import { SpiceServer } from '../spice/server.ts';
import { readPassword } from './password-file.ts';
import { privateFolder, startWindow } from './window.ts';

export interface SpiceDisplay {
  readonly address: string;
  /** `undefined` takes the first free one from 5900 on. */
  readonly port?: number | undefined;
  readonly unix?: string | undefined;
  readonly websocket?: number | undefined;
  readonly password?: string | undefined;
  readonly tls?: (TlsFiles & { readonly certPath: string }) | undefined;
  /** Sound is compressed for no viewer, or for each that can decode it; `undefined`: where there may be a network. */
  readonly audio?: 'raw' | 'opus' | undefined;
  readonly launch: boolean;
  readonly quitOnClose: boolean;
  /** Our own viewer is started, with these further words of its command line, and is the machine's window. */
  readonly window?: readonly string[] | undefined;
}

const EXPECTED =
  'none, sdl with any of full-screen, smooth and what spice has, or spice with any of addr=ADDRESS, port=N, unix=PATH, ' +
  'password-file=FILE, tls-cert=FILE, tls-key=FILE, websocket=PORT, audio=raw|opus, launch, on-close=quit';
const FIRST_PORT = 5900;
const PORTS = 64;

const usage = (text: string): UserError => new UserError('EMERITUS_DISPLAY', `--display: ${text}`);

const isLoopback = (address: string): boolean =>
  address === 'localhost' || address === '::1' || (isIP(address) === 4 && address.startsWith('127.'));

/** What `--display` says; `undefined` for none. */
export function parseDisplay(text: string): SpiceDisplay | undefined {
  const [kind, ...words] = text.split(',');
  if (kind === 'none' && words.length === 0) return undefined;
  if (kind !== 'spice' && kind !== 'sdl') throw usage(`expected ${EXPECTED}; found "${text}"`);
  const options = new Map<string, string>();
  for (const word of words) {
    const at = word.indexOf('=');
    const name = at < 0 ? word : word.slice(0, at);
    const isFlag = kind === 'sdl' ? SDL_FLAGS.has(name) : name === 'launch';
    const known = isFlag ? at < 0 : VALUED.has(name) && at > 0 && word.length > at + 1;
    if (!known) throw usage(`${kind}: expected ${EXPECTED}; found "${word}"`);
    options.set(name, word.slice(at + 1));
  }
  const address = options.get('addr') ?? '127.0.0.1';
  const passwordFile = options.get('password-file');
  const display: SpiceDisplay = {
    address,
    port: portOf(options.get('port'), 'port'),
    unix: options.get('unix'),
    websocket: portOf(options.get('websocket'), 'websocket'),
    password: passwordFile === undefined ? undefined : readPassword(passwordFile, '--display spice,password-file'),
    tls: readTls(options.get('tls-cert'), options.get('tls-key')),
    audio: audioOf(options.get('audio')),
    launch: options.has('launch'),
    quitOnClose: options.has('on-close'),
    window: kind === 'sdl' ? windowWords(options) : undefined,
  };
  const onClose = options.get('on-close');
  if (onClose !== undefined && onClose !== 'quit') throw usage(`spice: on-close is quit; found "${onClose}"`);
  if (!isLoopback(address) && display.password === undefined && display.tls === undefined) {
    throw usage(
      `spice: addr=${address} is open to other computers; give password-file=FILE or tls-cert and tls-key too`,
    );
  }
  return display;
}

/** What our own viewer is told on its command line. */
function windowWords(options: ReadonlyMap<string, string>): string[] {
  const words = [...SDL_FLAGS].filter((flag) => options.has(flag)).map((flag) => `--${flag}`);
  const passwordFile = options.get('password-file');
  return passwordFile === undefined ? words : [...words, `--password-file=${passwordFile}`];
}

const SDL_FLAGS = new Set(['full-screen', 'smooth']);
const VALUED = new Set([
  'addr',
  'port',
  'unix',
  'websocket',
  'password-file',
  'tls-cert',
  'tls-key',
  'audio',
  'on-close',
]);

function portOf(text: string | undefined, name: string): number | undefined {
  if (text === undefined) return undefined;
  const port = Number(text);
  if (!/^\d{1,5}$/.test(text) || port > 65535) throw usage(`spice: ${name} is a number up to 65535; found "${text}"`);
  return port;
}

function audioOf(text: string | undefined): SpiceDisplay['audio'] {
  if (text === undefined || text === 'raw') return text;
  if (text !== 'opus') throw usage(`spice: audio is raw or opus; found "${text}"`);
  if (openOpus() === undefined) throw usage('spice: audio=opus needs the library libopus (on Debian: libopus0)');
  return text;
}

function readTls(cert: string | undefined, key: string | undefined): SpiceDisplay['tls'] {
  if (cert === undefined && key === undefined) return undefined;
  if (cert === undefined || key === undefined) throw usage('spice: tls-cert and tls-key go together; give both');
  return {
    cert: readImage(cert, '--display spice,tls-cert').bytes,
    key: readImage(key, '--display spice,tls-key').bytes,
    certPath: cert,
  };
}

/** A display that is being served. */
export interface ServedDisplay {
  /** Commands that attach a viewer. */
  readonly attach: readonly string[];
  /** Bytes the guest sent on a serial line. */
  serial(port: number, bytes: Uint8Array): void;
  /** The user closed the last viewer and wants that to be the end, or told the monitor to quit. */
  onQuit(listener: (exitCode?: number) => void): void;
  close(): void;
}

const shellWord = (text: string): string =>
  /^[\w@%+=:,./[\]-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;

export interface DisplayExtras {
  readonly audio?: AudioSource | undefined;
  /** What the monitor says of media. */
  readonly media?: readonly string[];
}

/** Serves a machine's screen, keyboard, mouse, sound, serial lines and monitor as `display` says; says where with `say`. */
export async function serveDisplay(
  session: MachineSession,
  title: string,
  display: SpiceDisplay,
  say: (line: string) => void,
  extras: DisplayExtras = {},
): Promise<ServedDisplay> {
  const { serial, audio: sounds } = await session.status();
  const serialPorts = serial.map(
    (_, port) =>
      new ConsolePort(`org.emeritus.console.serial.${port}.0`, (bytes) =>
        session.serial(bytes, port).catch(() => undefined),
      ),
  );
  const quit: ((exitCode?: number) => void)[] = [];
  const askToQuit = (exitCode?: number): void => quit.forEach((listener) => listener(exitCode));
  const monitorPort = new ConsolePort(MONITOR_PORT, (bytes) => monitor.input(bytes));
  const monitor = new Monitor(
    { session, title, media: extras.media ?? [], quit: () => askToQuit(), files: 'here' },
    (bytes) => monitorPort.output(bytes),
  );
  const spice = new SpiceServer({
    title,
    screen: new ScreenSource(session),
    input: session,
    ports: [...serialPorts, monitorPort],
    audio: sounds ? extras.audio : undefined,
    sound: display.audio === 'raw' ? {} : { opus: openOpus(), opusLocally: display.audio === 'opus' },
    password: display.password,
    log: say,
  });
  const listeners: Listener[] = [];
  let viewer: ChildProcess | undefined;
  let window: { close(): void } | undefined;
  const folder = display.window === undefined ? undefined : privateFolder();
  const served = folder === undefined ? display : { ...display, unix: display.unix ?? join(folder.path, 'screen') };
  let closed = false;
  const close = (): void => {
    closed = true;
    window?.close();
    viewer?.kill();
    spice.close();
    for (const listener of listeners) listener.close();
    folder?.remove();
  };
  try {
    const addresses = await open(spice, served, listeners, say);
    const attach = addresses.map((words) => words.map(shellWord).join(' '));
    for (const command of attach) say(`screen: ${command}`);
    if (display.quitOnClose) spice.onEmpty(() => !closed && askToQuit());
    if (display.launch) {
      const [command, ...words] = addresses[0]!;
      viewer = spawn(command!, words, { stdio: 'ignore' });
      viewer.on('error', () => say(`emeritus: --display spice,launch: ${command} cannot be started; is it installed?`));
      viewer.on('exit', () => {
        if (!closed && display.quitOnClose) askToQuit();
      });
    }
    if (display.window !== undefined) window = startWindow(resolve(served.unix!), display.window, say, askToQuit);
    return {
      attach,
      serial: (port, bytes) => serialPorts[port]?.output(bytes),
      onQuit: (listener) => quit.push(listener),
      close,
    };
  } catch (error) {
    close();
    throw error;
  }
}

/** Opens everything asked for; gives the commands, in words, that attach to it. */
async function open(
  spice: SpiceServer,
  display: SpiceDisplay,
  listeners: Listener[],
  say: (line: string) => void,
): Promise<string[][]> {
  const commands: string[][] = [];
  const host = display.address;
  const urlHost = isIP(host) === 6 ? `[${host}]` : host;
  if (display.unix !== undefined) {
    listeners.push(await listenUnix(spice, display.unix));
    commands.push(['remote-viewer', `spice+unix://${resolve(display.unix)}`]);
  }
  if (display.port !== undefined || display.unix === undefined) {
    const listener = await listenSomewhere(spice, display);
    listeners.push(listener);
    commands.push(
      display.tls === undefined
        ? ['remote-viewer', `spice://${urlHost}:${listener.port}`]
        : ['remote-viewer', `--spice-ca-file=${display.tls.certPath}`, `spice://${urlHost}?tls-port=${listener.port}`],
    );
  }
  if (display.websocket !== undefined) {
    const anyOrigin = display.password !== undefined;
    const where = { host, port: display.websocket };
    const listener = await listenWebSocket(spice, where, { tls: display.tls, anyOrigin });
    listeners.push(listener);
    const scheme = display.tls === undefined ? 'ws' : 'wss';
    say(`screen: SPICE over WebSockets at ${scheme}://${urlHost}:${listener.port}`);
  }
  return commands;
}

async function listenSomewhere(spice: SpiceServer, { address, port, tls }: SpiceDisplay): Promise<Listener> {
  if (port !== undefined) return listenTcp(spice, { host: address, port }, tls);
  for (let offset = 0; ; offset++) {
    try {
      return await listenTcp(spice, { host: address, port: FIRST_PORT + offset }, tls);
    } catch (error) {
      if (offset === PORTS - 1 || !(error instanceof UserError && error.message.includes('in use'))) throw error;
    }
  }
}
