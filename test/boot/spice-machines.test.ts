// SPDX-License-Identifier: MIT
//
// SPICE viewers nobody here wrote, in front of the 68k machines: few bits a pixel, changes of depth and of resolution
// while a viewer watches. Needs the built command (npm run build).
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { ScreenSource } from '../../frontends/host/screen-source.ts';
import { type Listener, listenTcp } from '../../frontends/spice/listeners.ts';
import { SpiceServer } from '../../frontends/spice/server.ts';
import type { Picture, ScreenMode } from '../../machines/backplane/host.ts';
import type { MachineSession } from '../../machines/backplane/session.ts';
import { boot } from '../support/boot.ts';
import { debianFile, guest, missing, originalRom } from '../support/inputs.ts';
import { findArrow } from '../support/mac.ts';
import { random } from '../support/random.ts';
import { allAgree, EmulatorProcess, showsSame, typeLine, ViewerProcess, XServer } from '../support/screen-lab.ts';
import { comesTrue, SpiceBench, TestViewer, until } from '../support/spice.ts';

const nextRom = originalRom('next-rev_2.5_v66.bin');
const macRom = originalRom('quadra800-f1acad13.rom');
const floppy = guest('mac-system-7.5-disk-tools.dsk');
const lab = [
  debianFile('/usr/bin/Xvfb', 'xvfb'),
  debianFile('/usr/bin/xdotool', 'xdotool'),
  debianFile('/usr/bin/import', 'imagemagick'),
  debianFile('/usr/bin/remote-viewer', 'virt-viewer'),
];

const MIB = 1 << 20;
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

let x: XServer;
const shown: ViewerProcess[] = [];

const show = (url: string): ViewerProcess => {
  const viewer = new ViewerProcess(x, ['remote-viewer', url]);
  shown.push(viewer);
  return viewer;
};

beforeAll(async () => {
  if (!missing(...lab)) x = await XServer.start();
});
afterAll(() => x?.stop());
afterEach(async () => {
  for (const viewer of shown.splice(0)) await viewer.kill();
});

const lacksNext = missing(...lab, nextRom);
describe.each([
  ['next-cube', [], 4],
  ['next-station', ['--set', 'display=color'], 4],
] as const)(`%s %j at the prompt of its ROM${lacksNext && ` (needs ${lacksNext})`}`, (machine, options, colors) => {
  it.skipIf(lacksNext)('is shown pixel for pixel, takes keys, and shows itself again to who was killed', async () => {
    const emulator = new EmulatorProcess(machine, ['--rom', nextRom.path!, ...options]);
    try {
      const ours = await emulator.viewer();
      expect([ours.width, ours.height]).toEqual([1120, 832]);
      expect(new Set(ours.pixels).size).toBe(colors);
      const url = `spice+unix://${emulator.socket}`;
      const killed = show(url);
      await showsSame(x, killed, ours, 'the prompt');
      await killed.kill('SIGKILL');

      const viewer = show(url);
      await showsSame(x, viewer, ours, 'the prompt again');
      const type = async (line: string): Promise<void> => {
        await x.xdotool('mousemove', '600', '600', 'click', '1');
        await x.typeLine(line);
      };
      await typeLine(ours, 'e', type, () => viewer.story);
      await allAgree(x, emulator, viewer, ours);
      expect(viewer.running).toBe(true);
      ours.client.close();
    } finally {
      await emulator.stop();
    }
  });
});

/** A machine served by SPICE from this thread: its time passes only when asked for, and its modes are noted. */
class ServedMachine {
  readonly session: MachineSession;
  readonly lines: string[] = [];
  readonly modes: string[] = [];
  /** How far the viewers' mice have been moved. */
  readonly moved = { x: 0, y: 0 };
  readonly server: SpiceServer;

  constructor(session: MachineSession) {
    this.session = session;
    const screen = new ScreenSource({
      memory: () => session.memory(),
      frame: async (whole) => {
        const frame = await session.frame(whole);
        const { mode } = frame;
        const text = mode === undefined ? 'dark' : `${mode.width}x${mode.height}x${mode.bpp}`;
        if (this.modes.at(-1) !== text) this.modes.push(text);
        return frame;
      },
    });
    this.server = new SpiceServer({
      title: 'Served machine',
      screen,
      input: {
        key: (code, down) => session.key(code, down),
        pointer: (dx, dy, buttons) => {
          this.moved.x += dx;
          this.moved.y += dy;
          return session.pointer(dx, dy, buttons);
        },
        place: (left, top, buttons) => session.place(left, top, buttons),
        wheel: (notches) => session.wheel(notches),
      },
      ports: [],
      log: (line) => this.lines.push(line),
    });
  }

  /** Lets virtual time pass, and those who look have a look, until something is so. */
  async runUntil(condition: () => boolean, what: string, seconds: number): Promise<void> {
    for (let time = 0; !condition(); time += 0.05) {
      if (time >= seconds) throw new Error(`not within ${seconds} virtual s: ${what}; ${this.modes.join(' ')}`);
      await this.session.runFor(0.05);
      await pause(20);
    }
  }
}

const lacksMac = missing(...lab, macRom, floppy);
describe(`quadra800${lacksMac && ` (needs ${lacksMac})`}`, () => {
  let folder: string;
  let listener: Listener | undefined;
  let machine: ServedMachine | undefined;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'emeritus-spice-mac-'));
  });
  afterAll(() => rmSync(folder, { recursive: true }));
  afterEach(async () => {
    listener?.close();
    machine?.server.close();
    await machine?.session.close();
  });

  it.skipIf(lacksMac)('keeps its viewer from the dark through its modes, moves the arrow, restarts', async () => {
    const { session } = boot('quadra800', {
      roms: [macRom.path!],
      ramBytes: 8 * MIB,
      options: { monitor: '16-inch' },
      media: [{ kind: 'floppy', spec: `${floppy.path!},overlay=${join(folder, 'overlay')},floppy` }],
    });
    machine = new ServedMachine(session);
    const { modes } = machine;
    listener = await listenTcp(machine.server, { host: '127.0.0.1', port: 0 });
    const url = `spice://127.0.0.1:${listener.port}`;
    const ours = await TestViewer.connect({ host: '127.0.0.1', port: listener.port });
    await until(() => ours.width === 640, 'our viewer sees the dark screen');
    const viewer = show(url);
    await until(
      async () => (await x.window('remote-viewer')) !== undefined,
      () => `remote-viewer opens; ${viewer.story}`,
      120,
    );
    const agree = async (who: ViewerProcess, when: string): Promise<Picture> => {
      const picture = (await session.screenshot())!;
      await until(() => ours.shows(picture), `our viewer shows ${when}`);
      await showsSame(x, who, ours, when);
      expect(who.running, who.story).toBe(true);
      return picture;
    };

    // Another resolution than that of the dark screen.
    await machine.runUntil(() => modes.at(-1) === '832x624x1', 'the first picture', 20);
    await agree(viewer, 'one bit a pixel');
    // Another depth.
    await machine.runUntil(() => modes.at(-1) === '832x624x8', 'eight bits a pixel', 20);
    await agree(viewer, 'eight bits a pixel');
    const arrow = async () => findArrow((await session.screenshot())!);
    let at = await arrow();
    for (let i = 0; at === undefined && i < 200; i++) {
      await session.runFor(0.1);
      at = await arrow();
    }
    const before = await agree(viewer, 'the arrow');
    const place = (await x.find(before))!;
    const { moved } = machine;
    // A click gives the mouse to the machine, which from then on is told how far it moves.
    await x.xdotool('mousemove', String(place.x + 400), String(place.y + 300), 'click', '1');
    const grabbed = async (): Promise<boolean> => {
      await x.xdotool('mousemove_relative', '1', '1');
      return comesTrue(() => moved.x > 0, 5);
    };
    await until(grabbed, () => `the mouse is the machine's; ${viewer.story}`, 120);
    await session.runFor(0.5);
    const start = (await arrow())!;
    const from = { ...moved };
    for (let step = 1; step <= 10; step++) {
      await x.xdotool('mousemove_relative', '6', '4');
      await until(() => moved.x - from.x >= step * 6, `move ${step} arrives`);
      await session.runFor(0.05);
    }
    expect([moved.x - from.x, moved.y - from.y]).toEqual([60, 40]);
    await session.runFor(0.5);
    const arrived = (await arrow())!;
    // The slower the mouse, the less of its way the system gives the arrow.
    expect(arrived.x).toBeGreaterThan(start.x + 30);
    expect(arrived.y).toBeGreaterThan(start.y + 20);
    await agree(viewer, 'the arrow elsewhere');

    // Killed, and back.
    await viewer.kill('SIGKILL');
    const other = show(url);
    await agree(other, 'all of it again');

    // The system's colours.
    const coloured = (pixels: Uint32Array): boolean => pixels.some((pixel) => pixel >>> 16 !== (pixel & 0xff));
    for (let second = 0; second < 60 && !coloured(ours.pixels); second++) {
      await session.runFor(1);
      await pause(50);
    }
    await agree(other, 'colours');
    expect(coloured(ours.pixels)).toBe(true);

    // A restart: dark, one bit, eight bits, and nobody has to attach again.
    const seen = modes.length;
    await session.reset('warm');
    await machine.runUntil(() => modes.slice(seen).includes('832x624x1'), 'one bit a pixel after a restart', 20);
    await agree(other, 'one bit a pixel after the restart');
    await machine.runUntil(() => modes.at(-1) === '832x624x8', 'eight bits a pixel after the restart', 20);
    await agree(other, 'eight bits a pixel after the restart');
    expect(modes.slice(seen)).toEqual(['dark', '832x624x1', '832x624x8']);
    expect(machine.lines).toEqual([]);
    ours.client.close();
  });
});

/** What the adapters of these machines can show. */
const palette = (bpp: number, seed = bpp): Uint8Array => {
  const next = random(seed);
  return Uint8Array.from({ length: 4 << bpp }, (_, i) => ((i & 3) === 3 ? 255 : next() * 256));
};
const MODES: readonly Partial<ScreenMode>[] = [
  { width: 640, height: 480, bpp: 1, stride: 128, palette: palette(1) },
  { width: 640, height: 480, bpp: 2, stride: 256, palette: palette(2) },
  { width: 512, height: 384, bpp: 4, stride: 256, palette: palette(4) },
  { width: 640, height: 870, bpp: 4, stride: 512, palette: palette(4) },
  { width: 640, height: 870, bpp: 8, stride: 1024, palette: palette(8) },
  { width: 640, height: 870, bpp: 8, stride: 1024, palette: palette(8, 88) },
  { width: 832, height: 624, bpp: 15, stride: 1664 },
  { width: 832, height: 624, bpp: 32, stride: 3328 },
  { width: 1120, height: 832, bpp: 2, stride: 288, palette: palette(2) },
  { width: 1120, height: 832, bpp: 12, stride: 2304 },
  { width: 1152, height: 870, bpp: 8, stride: 1152, palette: palette(8) },
];

const lacksLab = missing(...lab);
describe(`remote-viewer${lacksLab && ` (needs ${lacksLab})`}`, () => {
  it.skipIf(lacksLab)('stays attached through all modes of these machines', async () => {
    const made = new SpiceBench();
    let listener: Listener | undefined;
    try {
      const { machine, server, lines } = made;
      const next = random(0x68);
      for (let i = 0; i < 4 * MIB; i += 97) machine.video.bytes[i] = next() * 256;
      machine.show(MODES[0]);
      listener = await listenTcp(server, { host: '127.0.0.1', port: 0 });
      const ours = await TestViewer.connect({ host: '127.0.0.1', port: listener.port });
      const viewer = show(`spice://127.0.0.1:${listener.port}`);
      for (const mode of MODES) {
        machine.show(mode);
        const picture = machine.screens[0]!.picture()!;
        const when = `${mode.width}x${mode.height}x${mode.bpp}`;
        await until(() => ours.shows(picture), when);
        await showsSame(x, viewer, ours, when);
      }
      expect(viewer.running, viewer.story).toBe(true);
      expect(server.viewers).toBe(2);
      expect(lines).toEqual([]);
      ours.client.close();
    } finally {
      listener?.close();
      made.close();
    }
  });
});
