// SPDX-License-Identifier: MIT
import { createReadStream, existsSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join, normalize } from 'node:path';
import { debianFile } from './inputs.ts';

const FOLDER = '/usr/share/spice-html5';
export const spiceHtml5 = debianFile(`${FOLDER}/spice.html`, 'spice-html5');

export interface Html5Site {
  /** Of its page, for a WebSocket port on this computer. */
  address(port: number): string;
  close(): void;
}

/** Serves Debian's spice-html5 as a web server would. */
export async function serveSpiceHtml5(): Promise<Html5Site> {
  const server = createServer((request, response) => {
    const path = join(FOLDER, normalize(new URL(request.url!, 'http://x').pathname));
    if (!existsSync(path)) return void response.writeHead(404).end();
    const type = path.endsWith('.js') ? 'text/javascript' : path.endsWith('.css') ? 'text/css' : 'text/html';
    response.writeHead(200, { 'Content-Type': type });
    createReadStream(path).pipe(response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    address: (port) => `${origin}/spice_auto.html?host=127.0.0.1&port=${port}`,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}
