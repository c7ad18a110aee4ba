// SPDX-License-Identifier: MIT
//
// Serves the web viewer on this computer only: the page, its modules, and WebSockets that lead to a SPICE server.
// The address has a token that works once; the browser that brought it is known by a cookie from then on.
import { randomBytes, timingSafeEqual } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { pipeline } from 'node:stream';
import { packageRoot } from '../host/package-root.ts';
import { UserError } from '../host/user-error.ts';
import { attachWebSocket } from '../spice/listeners.ts';
import { openSocket, type SpiceAddress } from '../spice/node-connection.ts';
import { PAGE_HTML } from './page-html.ts';

/** What the page is made of, as built. */
const MODULES = new Set([
  '/frontends/web/page/viewer.js',
  '/frontends/web/page/sound.js',
  '/frontends/web/page/terminal.js',
  '/frontends/spice/client.js',
  '/frontends/spice/display-messages.js',
  '/frontends/spice/link.js',
  '/frontends/spice/lz4.js',
  '/frontends/spice/protocol.js',
  '/frontends/spice/scancodes.js',
  '/frontends/spice/wire.js',
  '/machines/backplane/us-keyboard.js',
]);

const HEADERS = {
  'Content-Security-Policy': "default-src 'self'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'",
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
  'Cache-Control': 'no-store',
};

export interface WebViewer {
  /** For one browser, once. */
  readonly url: string;
  close(): void;
}

const same = (a: string, b: string): boolean =>
  a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b));

export async function serveWebViewer(
  spice: SpiceAddress,
  port = 0,
  log: (line: string) => void = () => {},
): Promise<WebViewer> {
  let token: string | undefined = randomBytes(24).toString('base64url');
  const secret = randomBytes(24).toString('base64url');
  const server = createServer((request, response) => answer(request, response));
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => reject(new UserError('EMERITUS_VIEW', `view: cannot listen: ${error.message}`)));
    server.listen(port, '127.0.0.1', resolve);
  });
  server.removeAllListeners('error').on('error', () => undefined);
  server.maxConnections = 100;
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const cookieName = `emeritus-${(server.address() as AddressInfo).port}`;
  const known = ({ headers }: IncomingMessage): boolean =>
    (headers.cookie ?? '').split(/; */).some((cookie) => same(cookie, `${cookieName}=${secret}`));

  const answer = (request: IncomingMessage, response: ServerResponse): void => {
    const reply = (status: number, type: string, body: string | Buffer, more: Record<string, string> = {}): void =>
      void response.writeHead(status, { ...HEADERS, 'Content-Type': `${type}; charset=utf-8`, ...more }).end(body);
    // The name, too, must be this computer's: pages of other names may be led here.
    if (request.method !== 'GET' || request.headers.host !== host) return reply(403, 'text/plain', 'no\n');
    const url = new URL(request.url ?? '/', `http://${host}`);
    const given = url.searchParams.get('token');
    if (url.pathname === '/' && given !== null && token !== undefined && same(given, token)) {
      token = undefined;
      const cookie = `${cookieName}=${secret}; HttpOnly; SameSite=Strict; Path=/`;
      return reply(302, 'text/plain', '', { Location: '/', 'Set-Cookie': cookie });
    }
    if (!known(request)) return reply(403, 'text/plain', 'This address has been used; run "emeritus view" again.\n');
    if (url.pathname === '/') return reply(200, 'text/html', PAGE_HTML);
    if (!MODULES.has(url.pathname)) return reply(404, 'text/plain', 'not found\n');
    reply(200, 'text/javascript', readFileSync(join(packageRoot(), 'dist', url.pathname)));
  };

  attachWebSocket(
    server,
    (stream) => {
      const socket = openSocket(spice);
      socket.once('error', (error) => log(`view: no connection to the machine: ${error.message}`));
      pipeline(stream, socket, stream, () => {
        stream.destroy();
        socket.destroy();
      });
    },
    {
      allow: (origin, request) => origin === `http://${host}` && request.url === '/spice' && known(request),
      refused: (peer, why) => log(`view: ${peer}: ${why}`),
    },
  );
  return {
    url: `http://${host}/?token=${token}`,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}
