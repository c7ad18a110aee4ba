// SPDX-License-Identifier: MIT
import { type Command, Option } from 'commander';
import type { SpiceAddress } from '../spice/node-connection.ts';
import { readPassword } from './password-file.ts';
import { CA_HELP, DEFAULT_URL, parseSpiceUrl, URL_FORMS } from './spice-url.ts';

const MENU_KEYS = ['ControlRight', 'AltRight', 'MetaRight', 'ShiftRight', 'ContextMenu', 'ScrollLock', 'Pause', 'F12'];

interface ViewOptions {
  web?: boolean;
  sdl?: boolean;
  passwordFile?: string;
  ca?: string;
  fullScreen?: boolean;
  smooth?: boolean;
  reconnect?: boolean;
  menuKey: string;
  pictures: string;
}

const untilSignal = (then: () => void): void => void process.once('SIGINT', then).once('SIGTERM', then);

export function addViewCommand(program: Command): void {
  program
    .command('view')
    .description('Show the screen of a machine that "boot --display spice" serves.')
    .argument('[url]', URL_FORMS, DEFAULT_URL)
    .addOption(new Option('--sdl', 'in a window, by SDL 2 and OpenGL ES 2 (the default)').conflicts('web'))
    .option('--web', 'in a browser on this computer')
    .option('--password-file <file>', "the first line of the file is the machine's password (with --sdl)")
    .option('--ca <file>', CA_HELP)
    .option('--full-screen', 'begin with the whole screen (with --sdl)')
    .option('--smooth', 'begin with smooth scaling instead of whole pixels (with --sdl)')
    .option('--reconnect', 'when the machine goes, wait for it to come back (with --sdl)')
    .addOption(
      new Option('--menu-key <key>', "the viewer's own key (with --sdl)").choices(MENU_KEYS).default('ControlRight'),
    )
    .option('--pictures <folder>', 'where pictures of the screen are saved (with --sdl)', '.')
    .action(async (url: string, options: ViewOptions) => {
      const address = parseSpiceUrl(url, 'view', options.ca);
      if (options.web === true) await viewInBrowser(address);
      else await viewInWindow(address, options);
    });
}

async function viewInBrowser(address: SpiceAddress): Promise<void> {
  const { serveWebViewer } = await import('../web/server.ts');
  const viewer = await serveWebViewer(address, 0, (line) => process.stderr.write(`${line}\n`));
  process.stdout.write(`open ${viewer.url} in a browser; Ctrl-C ends\n`);
  await new Promise<void>((resolve) => untilSignal(resolve));
  viewer.close();
}

async function viewInWindow(address: SpiceAddress, options: ViewOptions): Promise<void> {
  const { SdlViewer } = await import('../sdl/viewer.ts');
  const { passwordFile } = options;
  const viewer = await SdlViewer.open({
    address,
    password: passwordFile === undefined ? undefined : readPassword(passwordFile, 'view --password-file'),
    menuKey: options.menuKey,
    fullScreen: options.fullScreen === true,
    smooth: options.smooth === true,
    reconnect: options.reconnect === true,
    pictures: options.pictures,
  });
  untilSignal(() => viewer.close());
  if ((await viewer.ended) === 'gone') process.stderr.write('emeritus: view: the machine has gone\n');
}
