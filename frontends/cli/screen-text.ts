// SPDX-License-Identifier: MIT
import { randomBytes } from 'node:crypto';
import type { Command } from 'commander';
import { UserError } from '../host/user-error.ts';
import { NO_SCREEN_TEXT } from '../monitor/monitor.ts';
import { askMonitor, MONITOR_PORT } from '../monitor/remote.ts';
import { type ClientPort, SpiceClient } from '../spice/client.ts';
import { connectSpice, encryptTicket, type SpiceAddress } from '../spice/node-connection.ts';
import { readPassword } from './password-file.ts';
import { CA_HELP, DEFAULT_URL, parseSpiceUrl, URL_FORMS } from './spice-url.ts';

const PATIENCE_MS = 10_000;

export function addScreenTextCommand(program: Command): void {
  program
    .command('screen-text')
    .description('Print the text on the screen of a machine that "boot --display spice" serves.')
    .argument('[url]', URL_FORMS, DEFAULT_URL)
    .option('--password-file <file>', "the first line of the file is the machine's password")
    .option('--ca <file>', CA_HELP)
    .action(async (url: string, { passwordFile, ca }: { passwordFile?: string; ca?: string }) => {
      const option = 'screen-text --password-file';
      const password = passwordFile === undefined ? undefined : readPassword(passwordFile, option);
      const address = parseSpiceUrl(url, 'screen-text', ca);
      process.stdout.write(`${await remoteScreenText(address, password)}\n`);
    });
}

/** What a running machine's monitor says is on its screen. */
export async function remoteScreenText(address: SpiceAddress, password?: string): Promise<string> {
  let port: ClientPort | undefined;
  let found: () => void = () => undefined;
  const there = new Promise<void>((resolve) => (found = resolve));
  const client = await SpiceClient.connect({
    connect: () => connectSpice(address),
    encrypt: encryptTicket,
    password,
    onPort: (one) => {
      if (one.name !== MONITOR_PORT) return;
      port = one;
      found();
    },
  }).catch((error: unknown) => {
    throw new UserError('EMERITUS_SCREEN_TEXT', `screen-text: ${(error as Error).message}`);
  });
  try {
    let timer: NodeJS.Timeout | undefined;
    await Promise.race([there, new Promise((resolve) => (timer = setTimeout(resolve, PATIENCE_MS)))]);
    clearTimeout(timer);
    if (port === undefined) throw new UserError('EMERITUS_SCREEN_TEXT', 'screen-text: this machine has no monitor');
    const text = await askMonitor(port, 'screen-text', randomBytes(9).toString('hex'), PATIENCE_MS);
    if (text === NO_SCREEN_TEXT) throw new UserError('EMERITUS_SCREEN_TEXT', `screen-text: ${text}`);
    return text;
  } finally {
    client.close();
  }
}
