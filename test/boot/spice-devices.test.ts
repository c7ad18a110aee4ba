// SPDX-License-Identifier: MIT
//
// Viewers that others wrote, in front of a machine that has what powermac-g3 lacks: an absolute pointer, a wheel, sound.
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { openOpus } from '../../frontends/host/libopus.ts';
import { type Listener, listenTcp } from '../../frontends/spice/listeners.ts';
import { debianFile, debianLibrary, missing } from '../support/inputs.ts';
import { ViewerProcess, XServer } from '../support/screen-lab.ts';
import { random } from '../support/random.ts';
import { comesTrue, SpiceBench, TestViewer, until } from '../support/spice.ts';

const lab = [
  debianFile('/usr/bin/Xvfb', 'xvfb'),
  debianFile('/usr/bin/xdotool', 'xdotool'),
  debianFile('/usr/bin/import', 'imagemagick'),
  debianFile(debianLibrary('libopus.so.0'), 'libopus0'),
];
const viewers = [
  [
    'remote-viewer',
    debianFile('/usr/bin/remote-viewer', 'virt-viewer'),
    (port: number) => [`spice://127.0.0.1:${port}`],
  ],
  ['spicy', debianFile('/usr/bin/spicy', 'spice-client-gtk'), (port: number) => [`--uri=spice://127.0.0.1:${port}`]],
] as const;

let x: XServer;
let made: SpiceBench | undefined;
let listener: Listener | undefined;
let viewer: ViewerProcess | undefined;

beforeAll(async () => {
  if (!missing(...lab)) x = await XServer.start();
});
afterAll(() => x?.stop());
afterEach(async () => {
  await viewer?.kill();
  listener?.close();
  made?.close();
});

for (const [name, input, words] of viewers) {
  const lacks = missing(...lab, input);
  describe(`${name}${lacks && ` (needs ${lacks})`}`, () => {
    it.skipIf(lacks)('points, turns the wheel, is told of LEDs and stays while there is sound', async () => {
      made = new SpiceBench({ sound: { opus: openOpus() } });
      const { machine, server, lines } = made;
      machine.show({ width: 640, height: 480 });
      const next = random(0x90);
      for (let i = 0; i < 640 * 480 * 4; i += 64) machine.video.bytes[i + 1] = next() * 256;
      listener = await listenTcp(server, { host: '127.0.0.1', port: 0 });
      viewer = new ViewerProcess(x, [name, ...words(listener.port)], { SPICE_DEBUG: '1' });
      const story = (what: string) => (): string => `${what}; ${viewer!.story}; ${lines.join(' ')}`;
      const picture = machine.screens[0]!.picture()!;
      let at: { x: number; y: number } | undefined;
      await until(async () => (at = await x.find(picture)) !== undefined, story('the viewer shows the screen'), 120);
      const place = (left: number, top: number): Promise<void> =>
        x.xdotool('mousemove', String(at!.x + left), String(at!.y + top));

      machine.pointer.absolute = true;
      // The viewer has to learn that the pointer is absolute.
      let left = 100;
      const told = async (): Promise<boolean> => {
        await place(left++, 100);
        return comesTrue(() => machine.places.length > 0, 5);
      };
      await until(told, story('the machine knows the place'), 120);
      await place(320, 240);
      const near = (part: number, pixel: number, size: number): boolean => Math.abs(part * (size - 1) - pixel) <= 1;
      const arrived = (): boolean =>
        near(machine.places.at(-1)!.x, 320, 640) && near(machine.places.at(-1)!.y, 240, 480);
      await until(arrived, story('the pointer has arrived'));
      await x.xdotool('click', '3');
      await until(() => machine.places.some(({ buttons }) => buttons === 2), story('the button was pressed'));
      await until(() => machine.places.at(-1)!.buttons === 0, story('the button was let go'));
      await x.xdotool('click', '4', 'click', '4', 'click', '5');
      await until(() => machine.wheel === 1, story('the wheel has turned'));
      expect(machine.moves).toEqual([]);

      // Another listener tells when the sound is over; this one cannot decode Opus.
      const ours = await TestViewer.connect({ host: '127.0.0.1', port: listener.port });
      machine.beep(440, 1);
      machine.keyboard.leds = 2;
      await until(() => ours.silences >= 2 && ours.leds === 2, story('sound and LEDs have come'));
      await until(() => viewer!.hasSaid(/playback_handle_start: .*\bmode opus\b/), story('the viewer is sent Opus'));
      expect(viewer.hasSaid(/snd_codec/), viewer.story).toBe(false); // where it cannot decode, it says so
      ours.client.close();
      await until(() => server.viewers === 1);
      expect(viewer.running).toBe(true);
      expect(lines).toEqual([]);
    });
  });
}
