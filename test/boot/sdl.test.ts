// SPDX-License-Identifier: MIT
//
// The viewer with SDL on an X server without a screen, drawn by Mesa's software OpenGL. Needs the built command
// (npm run build).
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { decodePng } from '../../frontends/host/png.ts';
import { type Listener, listenTcp, listenUnix } from '../../frontends/spice/listeners.ts';
import type { Picture } from '../../machines/backplane/host.ts';
import { debianFile, debianLibrary, guest, type Input, missing } from '../support/inputs.ts';
import {
  allAgree,
  EmulatorProcess,
  linuxOptions,
  linuxReady,
  showsSame,
  TYPED,
  typeLine,
  ViewerProcess,
  XServer,
  type XWindow,
} from '../support/screen-lab.ts';
import { comesTrue, SpiceBench, type TestViewer, until } from '../support/spice.ts';

const openBios = debianFile('/usr/share/qemu/openbios-ppc', 'qemu-system-data');
const kernel = guest('linux-ppc/vmlinux.gz', 'test/guests/build-linux.sh ppc DIR');
const initrd = guest('linux-ppc/initrd.cpio.gz', 'test/guests/build-linux.sh ppc DIR');
const lacks = missing(
  debianFile('/usr/bin/Xvfb', 'xvfb'),
  debianFile('/usr/bin/xdotool', 'xdotool'),
  debianFile('/usr/bin/import', 'imagemagick'),
  debianFile(debianLibrary('libSDL2-2.0.so.0'), 'libsdl2-2.0-0'),
  debianFile(debianLibrary('libEGL.so.1'), 'libegl1'),
  debianFile(debianLibrary('libGLESv2.so.2'), 'libgles2'),
  debianFile(debianLibrary('dri/swrast_dri.so'), 'libgl1-mesa-dri'),
);
const openssl = debianFile('/usr/bin/openssl', 'openssl');
const needs = (what: string): string => (what === '' ? '' : ` (needs ${what})`);

let x: XServer;
const shown: ViewerProcess[] = [];

const view = (words: readonly string[], settings: Record<string, string> = {}): ViewerProcess => {
  const command = [process.execPath, resolve('bin/emeritus'), 'view', '--sdl', ...words];
  const viewer = new ViewerProcess(x, command, settings);
  shown.push(viewer);
  return viewer;
};
const show = (socket: string, words: readonly string[] = [], settings: Record<string, string> = {}): ViewerProcess =>
  view([...words, `spice+unix://${socket}`], settings);

/** The key code of right Ctrl; by its name, xdotool presses left Ctrl too. */
const MENU_KEY = '105';
/** Presses a key together with the viewer's own. */
const command = (key: string): Promise<void> => x.xdotool('keydown', MENU_KEY, 'key', key, 'keyup', MENU_KEY);

/** Waits until the window is as it should be. */
async function looks(is: (window: XWindow) => boolean, what: string, viewer: ViewerProcess): Promise<void> {
  let window: XWindow | undefined;
  await until(
    async () => (window = await x.window('emeritus')) !== undefined && is(window),
    () => `${what}, and not ${JSON.stringify(window)}; ${viewer.story}`,
    120,
  );
}
const titled = (viewer: ViewerProcess, text: string): Promise<void> =>
  looks(({ title }) => title.includes(text), `the title says "${text}"`, viewer);

const sized = (viewer: ViewerProcess, width: number, height: number): Promise<void> =>
  looks((window) => window.width === width && window.height === height, `${width}x${height}`, viewer);

/** The viewer is connected, and the keyboard is its. */
async function ready(viewer: ViewerProcess): Promise<void> {
  await titled(viewer, 'right Ctrl: menu');
  await x.xdotool('mousemove', '700', '550');
}

beforeAll(async () => {
  if (!lacks) x = await XServer.start();
});
afterAll(() => x?.stop());
afterEach(async () => {
  for (const viewer of shown.splice(0)) await viewer.kill();
});

const guests: readonly [string, readonly string[], readonly Input[], string][] = [
  ['the built-in Open Firmware', [], [], '1 2 + .'],
  ['OpenBIOS', ['--firmware', openBios.path ?? ''], [openBios], '1 2 + .'],
  ['the Linux console', linuxOptions(kernel, initrd), [kernel, initrd], TYPED],
];

for (const [name, options, inputs, text] of guests) {
  const absent = lacks || missing(...inputs);
  describe(`The SDL viewer at ${name} of powermac-g3${needs(absent)}`, () => {
    let emulator: EmulatorProcess;
    let ours: TestViewer;
    beforeAll(async () => {
      if (absent) return;
      emulator = new EmulatorProcess('powermac-g3', options);
      ours = await emulator.viewer();
      if (text === TYPED) await linuxReady(ours);
    });
    afterAll(async () => {
      ours?.client.close();
      await emulator?.stop();
    });

    it.skipIf(absent)('shows the screen pixel for pixel and types', async () => {
      const viewer = show(emulator.socket);
      await showsSame(x, viewer, ours, 'the prompt');
      await ready(viewer);
      await x.xdotool('click', '1');
      await titled(viewer, 'right Ctrl+G gives the mouse back');
      const type = (line: string): Promise<void> => x.typeLine(line);
      await typeLine(ours, text, type, () => viewer.story);
      await allAgree(x, emulator, viewer, ours);

      // The viewer's own picture file is the same.
      await command('p');
      const isOurs = (file: string): boolean => ours.shows(decodePng(readFileSync(join(viewer.folder, file))));
      const saved = (): boolean => readdirSync(viewer.folder).some((file) => file.endsWith('.png') && isOurs(file));
      await until(
        async () =>
          Promise.resolve()
            .then(saved)
            .catch(() => false), // half a file is none
        () => `there is a picture file; ${viewer.story}`,
      );
      await command('q');
      expect(await viewer.exit()).toBe(0);
    });

    if (name !== guests[0]![0]) return;
    it.skipIf(absent)('comes back ten times after kill -9 and after its own end', async () => {
      for (let round = 0; round < 10; round++) {
        const viewer = show(emulator.socket);
        await showsSame(x, viewer, ours, `the prompt in round ${round}`);
        await viewer.kill(round % 2 === 0 ? 'SIGKILL' : 'SIGTERM');
      }
      await until(async () => ours.shows(await emulator.picture(ours)), 'our viewer shows what the guest does');
    });
  });
}

describe(`The SDL viewer at a machine that does as it is told${needs(lacks)}`, () => {
  let folder: string;
  let bench: SpiceBench;
  let listener: Listener;
  let socket: string;
  beforeAll(async () => {
    if (lacks) return;
    folder = mkdtempSync(join(tmpdir(), 'emeritus-sdl-'));
    socket = join(folder, 'screen');
  });
  const serve = async (): Promise<void> => {
    bench = new SpiceBench();
    listener = await listenUnix(bench.server, socket);
  };
  const fill = (): void => {
    const { bytes } = bench.machine.board.memory;
    const { offset } = bench.machine.video;
    for (let i = 0; i < 4 << 20; i++) bytes[offset + i] = (i * 7 + (i >>> 8) * 13) & 0xff;
  };
  const picture = (): Picture => bench.machine.screens[0]!.picture()!;
  const same = (viewer: ViewerProcess, what: string): Promise<void> =>
    until(
      () => x.shows(picture()),
      () => `the viewer shows ${what}; ${viewer.story}`,
      120,
    );
  afterEach(() => {
    listener?.close();
    bench?.close();
  });
  afterAll(() => {
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  });

  it.skipIf(lacks)('follows the size and the depth of the picture', async () => {
    await serve();
    fill();
    bench.machine.show({ width: 640, height: 480 });
    const viewer = show(socket);
    await same(viewer, '640x480');
    await sized(viewer, 640, 480);
    bench.machine.show({ width: 832, height: 624, bpp: 16, stride: 832 * 2 });
    await same(viewer, '832x624 in 16 bits');
    await sized(viewer, 832, 624);
    const palette = Uint8Array.from({ length: 256 * 4 }, (_, i) => (i * 37) & 0xff);
    bench.machine.show({ width: 832, height: 624, bpp: 8, stride: 832, palette });
    await same(viewer, '832x624 in 8 bits');
    bench.machine.paint(100, 17, 0x55);
    await same(viewer, 'a part that has changed');

    // A window of another size is the user's choice; whole pixels are doubled in it.
    const found = ['search', '--onlyvisible', '--class', 'emeritus'];
    await x.xdotool(...found, 'windowmove', '50', '50', 'windowsize', '1300', '1000');
    bench.machine.show({ width: 640, height: 480 });
    await until(
      () => x.shows(enlarged(picture(), 2)),
      () => `the viewer shows doubled pixels; ${viewer.story}`,
      120,
    );
    await sized(viewer, 1300, 1000);
  });

  it.skipIf(lacks)('gives the machine keys, relative motion, and with an absolute pointer its place', async () => {
    await serve();
    bench.machine.show({ width: 640, height: 480 });
    bench.machine.paint(0, 480, 0x40);
    const viewer = show(socket);
    await same(viewer, 'grey');
    await ready(viewer);
    const { machine } = bench;
    const at = (await x.window('emeritus'))!;
    await x.xdotool('click', '1');
    await titled(viewer, 'gives the mouse back');
    expect(machine.moves.every(({ buttons }) => buttons === 0)).toBe(true); // the click was for the viewer
    await x.xdotool('mousemove_relative', '--', '25', '-10');
    await until(() => machine.moves.some(({ dx }) => dx !== 0), 'the machine has seen the motion');
    await x.xdotool('mousedown', '3', 'mouseup', '3', 'click', '4');
    await until(() => machine.moves.some(({ buttons }) => buttons === 2), 'the right button');
    await until(() => machine.wheel === 1, 'the wheel');
    await x.xdotool('key', 'a', 'F5', 'Control_L', 'Right');
    await until(() => machine.keys.includes('-ArrowRight'), 'the keys');
    expect(machine.keys.join(' ')).toContain('+KeyA -KeyA +F5 -F5 +ControlLeft -ControlLeft +ArrowRight -ArrowRight');
    await x.xdotool('keydown', 'b');
    await until(() => machine.keys.at(-1) === '+KeyB', 'a key is held');
    await command('g');
    await titled(viewer, 'click to give the mouse');
    await x.xdotool('keyup', 'b');
    await until(() => machine.keys.includes('-KeyB'), 'it is released');

    machine.pointer.absolute = true;
    machine.paint(0, 1, 0x41); // a frame, with which it is told
    await looks(({ title }) => !title.includes('click to give'), 'the pointer is absolute', viewer);
    await x.xdotool('mousemove', `${at.x + 123}`, `${at.y + 45}`);
    await until(
      () => machine.places.some(({ x: across, y: down }) => across === 123 / 639 && down === 45 / 479),
      'the place',
    );
    await x.xdotool('mousedown', '1', 'mouseup', '1');
    await until(
      () => machine.places.some(({ buttons }) => buttons === 1) || machine.moves.some(({ buttons }) => buttons === 1),
      'the button',
    );
    expect(machine.keys.some((key) => key.includes('ControlRight'))).toBe(false);
  });

  it.skipIf(lacks)('shows consoles and the menu, and sends special keys', async () => {
    await serve();
    bench.machine.show({ width: 640, height: 480 });
    bench.machine.paint(0, 480, 0x40);
    const viewer = show(socket);
    await same(viewer, 'grey');
    await ready(viewer);
    const line = bench.machine.serial[0]!;
    await command('1');
    await titled(viewer, 'serial line 0');
    // The title changes before the next frame is on the glass.
    await until(async () => !(await x.shows(picture())), 'the console hides the screen');
    const console = await x.screenshot();
    bench.port.output(Buffer.from('\x1b[31mhello\r\n'));
    await until(async () => !(await x.shows(console)), 'output changes the console');
    await x.xdotool('type', '--delay', '30', 'ls');
    await x.xdotool('key', 'ctrl+c', 'Return');
    let sent = '';
    await until(
      () => {
        for (let byte = line.receive(); byte >= 0; byte = line.receive()) sent += String.fromCharCode(byte);
        return sent === 'ls\x03\r';
      },
      () => `the machine has got what was typed; it has ${JSON.stringify(sent)}`,
    );
    await command('0');
    await same(viewer, 'the screen again');
    expect(bench.machine.keys).toEqual([]);
    await x.xdotool('key', MENU_KEY);
    await titled(viewer, 'menu');
    await x.xdotool('key', 'k', 'd');
    await until(() => bench.machine.keys.includes('-ControlLeft'), 'Ctrl+Alt+Delete');
    expect(bench.machine.keys).toEqual([
      ...['+ControlLeft', '+AltLeft', '+Delete', '-Delete', '-AltLeft', '-ControlLeft'],
    ]);
    await same(viewer, 'the screen after the menu');
  });

  it.skipIf(lacks)('types the clipboard', async () => {
    await serve();
    bench.machine.show({ width: 320, height: 200 });
    bench.machine.paint(0, 200, 0x40);
    const viewer = show(socket);
    await same(viewer, 'grey');
    await ready(viewer);
    const owner = join(folder, 'clipboard.mjs');
    writeFileSync(
      owner,
      `import { Sdl, SDL } from ${JSON.stringify(resolve('dist/frontends/sdl2-gles/index.js'))};
      const sdl = Sdl.load();
      sdl.init(SDL.INIT_VIDEO);
      sdl.clipboard = 'Hi!\\nok';
      for (let i = 0; i < 100; i++) sdl.pollEvent();
      console.log('here you are');
      setInterval(() => sdl.pollEvent(), 5);`,
    );
    const clipboard = new ViewerProcess(x, [process.execPath, owner]);
    shown.push(clipboard);
    await until(
      () => clipboard.story.includes('here you are'),
      () => `the clipboard has an owner; ${clipboard.story}`,
    );
    const typed = ['+ShiftLeft', '+KeyH', '-KeyH', '-ShiftLeft', '+KeyI', '-KeyI', '+ShiftLeft', '+Digit1', '-Digit1'];
    const rest = ['-ShiftLeft', '+Enter', '-Enter', '+KeyO', '-KeyO', '+KeyK', '-KeyK'];
    const { keys } = bench.machine;
    // A viewer does not wait for long until a busy computer's clipboard answers.
    const paste = async (): Promise<boolean> => {
      await command('v');
      return comesTrue(() => keys.length > 0, 10);
    };
    await until(paste, () => `the viewer begins to type; ${viewer.story}`);
    await until(
      () => keys.includes('-KeyK'),
      () => `all is typed: ${keys.join(' ')}`,
    );
    expect(keys).toEqual([...typed, ...rest]);
  });

  it.skipIf(lacks)('plays what the machine plays', async () => {
    await serve();
    bench.machine.show({ width: 320, height: 200 });
    bench.machine.paint(0, 200, 0x40);
    const viewer = show(socket, [], { SDL_AUDIODRIVER: 'disk' });
    await same(viewer, 'grey');
    await ready(viewer);
    bench.machine.beep(440, 10);
    const file = join(viewer.folder, 'sdlaudio.raw');
    const played = (): Buffer => (existsSync(file) ? readFileSync(file) : Buffer.alloc(0));
    const sample = Buffer.from(Int16Array.of(8000, 8000, 8000, 8000).buffer);
    await until(() => played().length > 50_000 && played().includes(sample), 'sound has been played');
  });

  it.skipIf(lacks)('waits for the machine with --reconnect, and ends with it without', async () => {
    await serve();
    bench.machine.show({ width: 320, height: 200 });
    bench.machine.paint(0, 200, 0x40);
    const patient = show(socket, ['--reconnect']);
    await same(patient, 'grey');
    await ready(patient);
    listener.close();
    bench.close();
    await titled(patient, 'disconnected');
    await serve();
    fill();
    bench.machine.show({ width: 640, height: 400 });
    await same(patient, 'the machine that came back');
    await patient.kill();
    const plain = show(socket);
    await same(plain, 'the same machine');
    await ready(plain);
    listener.close();
    bench.close();
    expect(await plain.exit()).toBe(0);
    expect(plain.story).toContain('the machine has gone');
  });

  const misses = lacks || missing(openssl);
  it.skipIf(misses)(`speaks TLS to whom it trusts, with a password${needs(misses)}`, async () => {
    const file = (name: string): string => join(folder, name);
    const request = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=127.0.0.1'];
    const names = ['-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', file('key.pem'), '-out', file('cert.pem')];
    execFileSync('openssl', [...request, ...names], { stdio: 'ignore' });
    writeFileSync(file('right'), 'open sesame\n');
    writeFileSync(file('wrong'), 'close sesame\n');
    bench = new SpiceBench({ password: 'open sesame' });
    const tls = { cert: readFileSync(file('cert.pem')), key: readFileSync(file('key.pem')) };
    listener = await listenTcp(bench.server, { host: '127.0.0.1', port: 0 }, tls);
    const url = `spice://127.0.0.1?tls-port=${listener.port}`;
    fill();
    bench.machine.show({ width: 640, height: 400 });
    const trusted = `--ca=${file('cert.pem')}`;
    for (const [words, complaint] of [
      [[`--password-file=${file('right')}`], /no connection to .*its certificate is not trusted.*--ca=FILE/],
      [[trusted, `--password-file=${file('wrong')}`], /wrong or missing password/],
    ] as const) {
      const refused = view([...words, url]);
      expect(await refused.exit()).toBe(2);
      expect(refused.story).toMatch(complaint);
    }
    await same(view([trusted, `--password-file=${file('right')}`, url]), 'what only it may see');
  });

  it.skipIf(lacks)('tells in one line what is missing', async () => {
    const nowhere = show(socket, [], { DISPLAY: '' });
    expect(await nowhere.exit()).toBe(2);
    expect(nowhere.story).toMatch(
      /said: emeritus: view: no window can be opened .*emeritus view --web.*remote-viewer[^\n]*$/,
    );
    const nobody = show(join(folder, 'absent'));
    expect(await nobody.exit()).toBe(2);
    expect(nobody.story).toMatch(/said: emeritus: view: no connection to [^\n]*$/);
  });
});

/** Each pixel as a square of pixels. */
function enlarged({ width, height, rgba }: Picture, factor: number): Picture {
  const words = new Uint32Array(rgba.slice().buffer);
  const large = Uint32Array.from({ length: width * height * factor ** 2 }, (_, i) => {
    const line = Math.floor(i / (width * factor) / factor);
    return words[line * width + Math.floor((i % (width * factor)) / factor)]!;
  });
  return { width: width * factor, height: height * factor, rgba: new Uint8Array(large.buffer) };
}

describe(`boot --display sdl${needs(lacks)}`, () => {
  const boot = (settings: Record<string, string> = {}): ViewerProcess => {
    const words = ['boot', 'powermac-g3', '--serial', 'none', '--display', 'sdl'];
    const machine = new ViewerProcess(x, [process.execPath, resolve('bin/emeritus'), ...words], settings);
    shown.push(machine);
    return machine;
  };

  it.skipIf(lacks)('opens the window, and ends with it', async () => {
    const machine = boot();
    await titled(machine, 'right Ctrl: menu');
    await ready(machine);
    await command('q');
    expect(await machine.exit()).toBe(0);
  });

  it.skipIf(lacks)('survives a window that dies, and tells how to come back', async () => {
    const machine = boot();
    await titled(machine, 'right Ctrl: menu');
    await x.xdotool('search', '--onlyvisible', '--class', 'emeritus', 'windowkill');
    await until(
      () => machine.story.includes('shows the screen again'),
      () => `it tells; ${machine.story}`,
    );
    expect(machine.running).toBe(true);
    const viewer = show(/"emeritus view spice\+unix:\/\/(\S+)"/.exec(machine.story)![1]!);
    await titled(viewer, 'right Ctrl: menu');
    await machine.kill('SIGTERM');
    expect(await viewer.exit()).toBe(0);
  });

  it.skipIf(lacks)('ends when there can be no window', async () => {
    const machine = boot({ DISPLAY: '' });
    expect(await machine.exit()).toBe(2);
    expect(machine.story).toContain('no window can be opened');
  });
});
