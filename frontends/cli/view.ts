// SPDX-License-Identifier: MIT
import type { Command } from 'commander';
import { UserError } from '../host/user-error.ts';
import type { SpiceAddress } from '../spice/node-connection.ts';
import { serveWebViewer } from '../web/server.ts';

const DEFAULT = 'spice://127.0.0.1:5900';

export function addViewCommand(program: Command): void {
  program
    .command('view')
    .description('Show the screen of a machine that "boot --display spice" serves.')
    .argument('[url]', 'spice://HOST:PORT or spice+unix://PATH', DEFAULT)
    .option('--web', 'in a browser on this computer (the default)')
    .action(async (url: string) => {
      const viewer = await serveWebViewer(parseSpiceUrl(url), 0, (line) => process.stderr.write(`${line}\n`));
      process.stdout.write(`open ${viewer.url} in a browser; Ctrl-C ends\n`);
      await new Promise<void>((resolve) => process.once('SIGINT', resolve).once('SIGTERM', resolve));
      viewer.close();
    });
}

/** Where a SPICE URL leads. */
export function parseSpiceUrl(text: string): SpiceAddress {
  const unix = /^spice\+unix:\/\/(\/.+)$/.exec(text);
  if (unix !== null) return { path: unix[1]! };
  const tcp = /^spice:\/\/(\[[\da-fA-F:]+\]|[\w.-]+):(\d{1,5})\/?$/.exec(text);
  const port = Number(tcp?.[2] ?? 0);
  if (tcp === null || port === 0 || port > 65535) {
    throw new UserError('EMERITUS_VIEW', `view: expected spice://HOST:PORT or spice+unix:///PATH; found "${text}"`);
  }
  return { host: tcp[1]!.replace(/^\[|\]$/g, ''), port };
}
