// SPDX-License-Identifier: MIT
//
// Where a SPICE server can be reached: TCP with or without TLS, a Unix socket, WebSockets.
import { existsSync, lstatSync, rmSync } from 'node:fs';
import { createServer as createHttp, type IncomingMessage, type Server as HttpServer } from 'node:http';
import { createServer as createHttps } from 'node:https';
import { type AddressInfo, createServer, type Server, Socket } from 'node:net';
import { dirname } from 'node:path';
import type { Duplex } from 'node:stream';
import { createServer as createTls } from 'node:tls';
import { createWebSocketStream, WebSocketServer } from 'ws';
import { UserError } from '../host/user-error.ts';
import type { SpiceServer } from './server.ts';

/** Certificate and key, as PEM. */
export interface TlsFiles {
  readonly cert: Uint8Array;
  readonly key: Uint8Array;
}

export interface Listener {
  /** The port, where it has one. */
  readonly port: number;
  close(): void;
}

/** Connections open at a time on one listener; each viewer has a handful. */
const MAX_CONNECTIONS = 200;
const MAX_WEBSOCKET_MESSAGE = 1 << 20;

const WHY: Readonly<Record<string, string>> = {
  EADDRINUSE: 'it is in use; choose another',
  EADDRNOTAVAIL: 'this computer has no such address; 127.0.0.1 always works',
  ENOTFOUND: 'no computer has that name; 127.0.0.1 always works',
  EACCES: 'permission denied',
  ENOENT: 'there is no such folder',
};

async function listen(
  spice: SpiceServer,
  server: Server,
  where: { host: string; port: number } | { path: string },
): Promise<Listener> {
  const title = 'path' in where ? where.path : `${where.host}:${where.port}`;
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      // Node says EACCES for a folder that is not there.
      const code = 'path' in where && !existsSync(dirname(where.path)) ? 'ENOENT' : (error.code ?? '');
      const why = WHY[code] ?? error.message;
      reject(new UserError('EMERITUS_DISPLAY', `--display spice: cannot listen on ${title}: ${why}`));
    });
    server.listen(where, resolve);
  });
  server.removeAllListeners('error');
  server.on('error', () => undefined);
  server.maxConnections = MAX_CONNECTIONS;
  server.on('drop', (data) => spice.refused(`${data?.remoteAddress ?? 'local'}`, 'too many connections'));
  const address = server.address();
  return {
    port: typeof address === 'object' ? ((address as AddressInfo | null)?.port ?? 0) : 0,
    close: () => server.close(),
  };
}

const peerOf = (stream: Duplex): string => {
  if (!(stream instanceof Socket) || stream.remoteAddress === undefined) return 'local';
  return `${stream.remoteAddress}:${stream.remotePort ?? 0}`;
};

export async function listenTcp(
  spice: SpiceServer,
  where: { host: string; port: number },
  tls?: TlsFiles,
): Promise<Listener> {
  const accept = (socket: Socket): void => {
    socket.setNoDelay(true);
    spice.accept(socket, peerOf(socket));
  };
  const server = tls === undefined ? createServer(accept) : tlsServer(tls, accept);
  server.on('tlsClientError', (error: Error, socket: Socket) => {
    spice.refused(peerOf(socket), `TLS: ${error.message}`);
    socket.destroy();
  });
  return listen(spice, server, where);
}

function tlsServer(tls: TlsFiles, accept: (socket: Socket) => void): Server {
  try {
    return createTls({ cert: Buffer.from(tls.cert), key: Buffer.from(tls.key), handshakeTimeout: 10_000 }, accept);
  } catch (error) {
    throw badTls(error);
  }
}

const badTls = (error: unknown): UserError =>
  new UserError('EMERITUS_DISPLAY', `--display spice: tls-cert and tls-key do not work: ${(error as Error).message}`);

/** A socket left behind by a process that is gone is replaced; anything else at that path is not touched. */
export async function listenUnix(spice: SpiceServer, path: string): Promise<Listener> {
  if (await isDeadSocket(path)) rmSync(path);
  const server = createServer((socket) => spice.accept(socket, 'local', true));
  const umask = process.umask(0o177);
  try {
    return await listen(spice, server, { path });
  } finally {
    process.umask(umask);
  }
}

function isDeadSocket(path: string): Promise<boolean> {
  if (!lstatSync(path, { throwIfNoEntry: false })?.isSocket()) return Promise.resolve(false);
  return new Promise((resolve) => {
    const probe = new Socket();
    probe.on('error', (error: NodeJS.ErrnoException) => resolve(error.code === 'ECONNREFUSED'));
    probe.connect(path, () => {
      probe.destroy();
      resolve(false);
    });
  });
}

export async function listenWebSocket(
  spice: SpiceServer,
  where: { host: string; port: number },
  options: { tls?: TlsFiles | undefined; anyOrigin: boolean },
): Promise<Listener> {
  const refuse = (_request: unknown, response: { writeHead(code: number): { end(text: string): void } }): void =>
    response.writeHead(426).end('This port is for SPICE over WebSockets.\n');
  let server: HttpServer;
  try {
    server =
      options.tls === undefined
        ? createHttp(refuse)
        : createHttps({ cert: Buffer.from(options.tls.cert), key: Buffer.from(options.tls.key) }, refuse);
  } catch (error) {
    throw badTls(error);
  }
  attachWebSocket(server, (stream, peer) => spice.accept(stream, peer), {
    allow: (origin) => options.anyOrigin || isLocalOrigin(origin),
    refused: (peer, why) => spice.refused(peer, why),
  });
  return listen(spice, server, where);
}

export interface WebSocketRules {
  /** The origin is `undefined` outside browsers. */
  allow(origin: string | undefined, request: IncomingMessage): boolean;
  refused(peer: string, why: string): void;
}

/** Hands over every WebSocket made to `server` that is allowed. */
export function attachWebSocket(
  server: HttpServer,
  accept: (stream: Duplex, peer: string) => void,
  rules: WebSocketRules,
): void {
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: MAX_WEBSOCKET_MESSAGE,
    perMessageDeflate: false,
    handleProtocols: (protocols) => (protocols.has('binary') ? 'binary' : false),
  });
  server.on('upgrade', (request, socket, head) => {
    socket.on('error', () => socket.destroy());
    const { origin } = request.headers;
    if (!rules.allow(origin, request)) {
      rules.refused(peerOf(socket), `a page from ${origin ?? 'nowhere'} may not connect`);
      socket.end('HTTP/1.1 403 Forbidden\r\nConnection: close\r\n\r\n');
      return;
    }
    sockets.handleUpgrade(request, socket, head, (webSocket) => {
      const stream = createWebSocketStream(webSocket);
      stream.on('error', () => webSocket.terminate());
      accept(stream, `${peerOf(socket)} (WebSocket)`);
    });
  });
}

const LOCAL_HOSTS = new Set(['localhost', '127.0.0.1', '[::1]']);

/** Whether a page of this computer asks; pages from elsewhere must not reach a machine without a password. */
export function isLocalOrigin(origin: string | undefined): boolean {
  if (origin === undefined) return true;
  try {
    return LOCAL_HOSTS.has(new URL(origin).hostname);
  } catch {
    return false;
  }
}
