// SPDX-License-Identifier: MIT
//
// The far ends of a machine's serial lines: this terminal, a pseudo-terminal, a TCP port, a file, nothing.
import { closeSync, constants, openSync, writeSync } from 'node:fs';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { ReadStream as TtyReadStream } from 'node:tty';
import { ByteQueue } from './byte-queue.ts';
import { ConsoleEscape, ESCAPE_HELP } from './console-escape.ts';
import { fileProblem } from './files.ts';
import { UserError } from './user-error.ts';

/** May return a promise: the sender then waits for it before it sends more. */
export type DataListener = (bytes: Uint8Array) => unknown;

export interface SerialEnd {
  /** Where it is, for messages: `tcp 127.0.0.1:4000`, `/dev/pts/3`. */
  readonly title: string;
  /** The guest sent these bytes. */
  write(bytes: Uint8Array): void;
  /** Bytes for the guest; nothing is read from outside before this is called. */
  onData(listener: DataListener): void;
  /** The user wants to leave (`Ctrl-] q`), or nobody can see the output any more. */
  onQuit(listener: () => void): void;
  close(): void;
}

/** The parts of this process an end may use; tests give others. */
export interface SerialHost {
  readonly stdin: NodeJS.ReadStream;
  readonly stdout: NodeJS.WriteStream;
  /** Tells the user a line of text. */
  say(line: string): void;
}

const SPECS = 'stdio, pty, tcp:HOST:PORT, file:PATH or none';
/** Output nobody has read yet, kept for who connects later. */
const MAX_WAITING = 1 << 16;

const processHost: SerialHost = {
  stdin: process.stdin,
  stdout: process.stdout,
  say: (line) => void process.stderr.write(`\r${line}\r\n`),
};

/** Opens what `--serial` names. Throws a {@link UserError} when it cannot be. */
export async function openSerial(spec: string, host: SerialHost = processHost): Promise<SerialEnd> {
  const colon = spec.indexOf(':');
  const kind = colon < 0 ? spec : spec.slice(0, colon);
  const rest = colon < 0 ? undefined : spec.slice(colon + 1);
  switch (kind) {
    case 'none':
      if (rest === undefined) return new NoEnd();
      break;
    case 'stdio':
      if (rest === undefined) return new StdioEnd(host);
      break;
    case 'pty':
      if (rest === undefined) return openPty(host);
      break;
    case 'tcp':
      return openTcp(rest ?? '', host);
    case 'file':
      if (rest !== undefined && rest !== '') return new FileEnd(rest, host);
      throw new UserError('EMERITUS_SERIAL', `--serial ${spec}: expected a file name, as in file:console.txt`);
  }
  throw new UserError('EMERITUS_SERIAL', `--serial: expected ${SPECS}; found "${spec}"`);
}

class NoEnd implements SerialEnd {
  readonly title = 'none';
  write(): void {}
  onData(): void {}
  onQuit(): void {}
  close(): void {}
}

class FileEnd implements SerialEnd {
  readonly title: string;
  readonly #host: SerialHost;
  #file: number | undefined;

  constructor(path: string, host: SerialHost) {
    this.title = path;
    this.#host = host;
    try {
      this.#file = openSync(path, 'a');
    } catch (error) {
      throw new UserError('EMERITUS_SERIAL', `--serial file:${path}: cannot write it: ${fileProblem(error)}`);
    }
  }

  write(bytes: Uint8Array): void {
    if (this.#file === undefined) return;
    try {
      for (let done = 0; done < bytes.length;) done += writeSync(this.#file, bytes, done);
    } catch (error) {
      this.#host.say(`emeritus: no more serial output to ${this.title}: ${fileProblem(error)}`);
      this.close();
    }
  }

  onData(): void {}
  onQuit(): void {}

  close(): void {
    if (this.#file !== undefined) closeSync(this.#file);
    this.#file = undefined;
  }
}

/** Streams whose input a line has; there is one of each. */
const taken = new WeakSet<NodeJS.ReadStream>();

const ENDING_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const;

/**
 * This terminal, in raw mode so that every key reaches the guest, or whatever standard input and output are instead.
 * However the process ends, the terminal is left as it was found.
 */
class StdioEnd implements SerialEnd {
  readonly title = 'stdio';
  readonly #host: SerialHost;
  readonly #raw: boolean;
  readonly #escape = new ConsoleEscape();
  readonly #quit: (() => void)[] = [];
  readonly #undo: (() => void)[] = [];
  #open = true;

  constructor(host: SerialHost) {
    const { stdin, stdout } = host;
    if (taken.has(stdin)) {
      throw new UserError('EMERITUS_SERIAL', `--serial: only one line can be stdio; use ${SPECS} for the others`);
    }
    taken.add(stdin);
    this.#host = host;
    // Without a terminal to show it on, a raw keyboard would be typing blind.
    this.#raw = stdin.isTTY && stdout.isTTY;
    this.#listen(stdout, 'error', () => this.#leave());
    if (this.#raw) this.#enterRawMode();
  }

  write(bytes: Uint8Array): void {
    if (this.#open && this.#host.stdout.writable) this.#host.stdout.write(bytes);
  }

  onData(listener: DataListener): void {
    const { stdin } = this.#host;
    this.#listen(stdin, 'data', (chunk: Buffer) => {
      let bytes: Uint8Array = new Uint8Array(chunk);
      if (this.#raw) {
        const input = this.#escape.feed(bytes);
        bytes = input.data;
        if (input.help) this.#host.say(ESCAPE_HELP);
        if (input.quit) this.#leave();
      }
      if (bytes.length > 0) deliver(listener, bytes, stdin);
    });
    this.#listen(stdin, 'error', () => undefined);
    stdin.resume();
  }

  onQuit(listener: () => void): void {
    this.#quit.push(listener);
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#host.stdin.pause();
    for (const undo of this.#undo.splice(0).reverse()) undo();
    taken.delete(this.#host.stdin);
  }

  #leave(): void {
    for (const listener of this.#quit) listener();
  }

  #enterRawMode(): void {
    const { stdin } = this.#host;
    stdin.setRawMode(true);
    this.#undo.push(() => stdin.setRawMode(false));
    const restore = (): void => void stdin.setRawMode(false);
    process.on('exit', restore);
    this.#undo.push(() => process.off('exit', restore));
    for (const signal of ENDING_SIGNALS) {
      const end = (): void => {
        restore();
        // Whoever else listens decides what happens; without anybody the signal does what it would have done.
        if (process.listenerCount(signal) > 1) return;
        process.off(signal, end);
        process.kill(process.pid, signal);
      };
      process.on(signal, end);
      this.#undo.push(() => process.off(signal, end));
    }
    const resume = (): void => {
      stdin.setRawMode(false);
      stdin.setRawMode(true);
    };
    process.on('SIGCONT', resume);
    this.#undo.push(() => process.off('SIGCONT', resume));
  }

  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- as Node's own listeners
  #listen(stream: NodeJS.EventEmitter, event: string, listener: (...args: any[]) => void): void {
    stream.on(event, listener);
    this.#undo.push(() => stream.off(event, listener));
  }
}

/** Hands bytes over; while the listener is busy with them, the stream waits. */
function deliver(listener: DataListener, bytes: Uint8Array, stream: NodeJS.ReadableStream): void {
  const busy = listener(bytes);
  if (!(busy instanceof Promise)) return;
  stream.pause();
  const proceed = (): void => void stream.resume();
  busy.then(proceed, proceed);
}

/** Sends to one peer, which may be absent or slow: what it does not take waits, and the oldest of it is dropped. */
class PatientWriter {
  readonly #waiting = new ByteQueue(MAX_WAITING);
  #peer: Socket | undefined;

  get peer(): Socket | undefined {
    return this.#peer;
  }

  attach(peer: Socket): void {
    this.#peer = peer;
    peer.on('drain', () => this.#send());
    this.#send();
  }

  detach(): void {
    this.#peer = undefined;
  }

  write(bytes: Uint8Array): void {
    this.#waiting.push(bytes);
    this.#send();
  }

  #send(): void {
    const peer = this.#peer;
    if (peer === undefined || peer.writableNeedDrain || !peer.writable || this.#waiting.length === 0) return;
    peer.write(this.#waiting.take());
  }
}

interface HostPort {
  readonly host: string;
  readonly port: number;
}

function parseHostPort(text: string): HostPort {
  const match = /^(?:(?:\[([0-9a-fA-F:.]+)\]|([^:[\]]*)):)?(\d{1,5})$/.exec(text);
  const port = Number(match?.[3] ?? NaN);
  if (match === null || port > 65535) {
    throw new UserError(
      'EMERITUS_SERIAL',
      `--serial: expected tcp:HOST:PORT with a port up to 65535, as in tcp:127.0.0.1:4000; found "tcp:${text}"`,
    );
  }
  return { host: match[1] ?? (match[2] || '127.0.0.1'), port };
}

async function openTcp(text: string, host: SerialHost): Promise<SerialEnd> {
  const where = parseHostPort(text);
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const why: Record<string, string> = {
        EADDRINUSE: 'another program uses that port; choose another',
        EADDRNOTAVAIL: 'this computer has no such address; 127.0.0.1 always works',
        ENOTFOUND: 'no computer has that name; 127.0.0.1 always works',
        EACCES: 'permission denied; ports from 1024 on need none',
      };
      const reason = why[error.code ?? ''] ?? error.message;
      reject(new UserError('EMERITUS_SERIAL', `--serial tcp:${text}: cannot listen: ${reason}`));
    });
    server.listen(where.port, where.host, resolve);
  });
  server.removeAllListeners('error');
  const { address, port, family } = server.address() as AddressInfo;
  const end = new TcpEnd(server, `tcp ${family === 'IPv6' ? `[${address}]` : address}:${port}`);
  host.say(`serial line on ${end.title}`);
  return end;
}

/** A port that one client at a time can connect to, as often as it likes. */
class TcpEnd implements SerialEnd {
  readonly title: string;
  readonly #server: Server;
  readonly #writer = new PatientWriter();
  #listener: DataListener | undefined;

  constructor(server: Server, title: string) {
    this.#server = server;
    this.title = title;
    server.on('connection', (socket) => this.#connected(socket));
    server.on('error', () => undefined);
  }

  write(bytes: Uint8Array): void {
    this.#writer.write(bytes);
  }

  onData(listener: DataListener): void {
    this.#listener = listener;
    this.#writer.peer?.resume();
  }

  onQuit(): void {}

  close(): void {
    this.#server.close();
    const { peer } = this.#writer;
    this.#writer.detach();
    peer?.end();
    // A client that neither reads nor closes must not keep the process.
    setTimeout(() => peer?.destroy(), 200).unref();
    peer?.unref();
  }

  #connected(socket: Socket): void {
    socket.on('error', () => socket.destroy());
    if (this.#writer.peer !== undefined) {
      socket.end('emeritus: this serial line is in use\r\n');
      return;
    }
    socket.setNoDelay(true);
    socket.on('close', () => {
      if (this.#writer.peer === socket) this.#writer.detach();
    });
    socket.on('data', (chunk: Buffer) => {
      if (this.#listener !== undefined) deliver(this.#listener, new Uint8Array(chunk), socket);
    });
    if (this.#listener === undefined) socket.pause();
    this.#writer.attach(socket);
  }
}

/** What is used of `@lydell/node-pty`, which is node-pty with compiled binaries and no install script. */
interface PtyModule {
  open(options: { cols: number; rows: number; encoding: null }): {
    readonly master: Socket;
    readonly slave: Socket;
    readonly ptsName: string;
  };
}

async function openPty(host: SerialHost): Promise<SerialEnd> {
  try {
    const { default: pty } = (await import('@lydell/node-pty')) as unknown as { default: PtyModule };
    const end = new PtyEnd(pty.open({ cols: 80, rows: 24, encoding: null }));
    host.say(`serial line on ${end.title}`);
    return end;
  } catch (error) {
    const reason = (error as Error).message.split('\n')[0];
    throw new UserError(
      'EMERITUS_SERIAL',
      `--serial pty: cannot open a pseudo-terminal (${reason}); tcp:127.0.0.1:4000 does the same job`,
    );
  }
}

/** A pseudo-terminal, for `screen /dev/pts/3` and the like, again and again. */
class PtyEnd implements SerialEnd {
  readonly title: string;
  readonly #master: Socket;
  readonly #writer = new PatientWriter();
  /** Keeps the terminal raw, and the master readable, while nobody else has it open. Never reads. */
  readonly #keeper: TtyReadStream;
  #listener: DataListener | undefined;

  constructor(pair: ReturnType<PtyModule['open']>) {
    this.title = pair.ptsName;
    pair.slave.destroy(); // it would take the other program's input
    // Not on the slave above: from Node 24 on, closing a raw terminal makes it a cooked one again.
    this.#keeper = new TtyReadStream(openSync(pair.ptsName, constants.O_RDWR | constants.O_NOCTTY));
    this.#keeper.setRawMode(true);
    this.#master = pair.master;
    this.#master.on('error', () => undefined);
    this.#master.on('data', (chunk: Buffer) => {
      if (this.#listener !== undefined) deliver(this.#listener, new Uint8Array(chunk), this.#master);
    });
    this.#master.pause();
    this.#writer.attach(this.#master);
  }

  write(bytes: Uint8Array): void {
    this.#writer.write(bytes);
  }

  onData(listener: DataListener): void {
    this.#listener = listener;
    this.#master.resume();
  }

  onQuit(): void {}

  close(): void {
    this.#writer.detach();
    this.#master.destroy();
    this.#keeper.destroy();
  }
}
