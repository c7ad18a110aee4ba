// SPDX-License-Identifier: MIT
//
// SPICE viewers nobody here wrote, in front of `emeritus boot --display spice`. Needs the built command (npm run build).
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { debianFile, guest, type Input, missing } from '../support/inputs.ts';
import { contains, EmulatorProcess, pictureOfViewer, still, ViewerProcess, XServer } from '../support/screen-lab.ts';
import { type TestViewer, until } from '../support/spice.ts';

const openBios = debianFile('/usr/share/qemu/openbios-ppc', 'qemu-system-data');
const kernel = guest('linux-ppc/vmlinux.gz', 'test/guests/build-linux.sh ppc DIR');
const initrd = guest('linux-ppc/initrd.cpio.gz', 'test/guests/build-linux.sh ppc DIR');
const lab = [
  debianFile('/usr/bin/Xvfb', 'xvfb'),
  debianFile('/usr/bin/xdotool', 'xdotool'),
  debianFile('/usr/bin/import', 'imagemagick'),
];
const remoteViewer = debianFile('/usr/bin/remote-viewer', 'virt-viewer');
const spicy = debianFile('/usr/bin/spicy', 'spice-client-gtk');

const viewers: readonly [string, Input, (socket: string) => string[]][] = [
  ['remote-viewer', remoteViewer, (socket) => ['remote-viewer', `spice+unix://${socket}`]],
  ['spicy', spicy, (socket) => ['spicy', `--uri=spice+unix://${socket}`]],
];
const guests: readonly [string, readonly string[], readonly Input[]][] = [
  ['the built-in Open Firmware', [], []],
  ['OpenBIOS', ['--firmware', openBios.path ?? ''], [openBios]],
];

let x: XServer;
let emulator: EmulatorProcess | undefined;
const shown: ViewerProcess[] = [];

const show = (words: readonly string[]): ViewerProcess => {
  const viewer = new ViewerProcess(x, words);
  shown.push(viewer);
  return viewer;
};

/** Waits until the viewer's window has the picture that our own viewer has. */
const shows = (viewer: ViewerProcess, ours: TestViewer, when: string): Promise<void> =>
  until(
    () => contains(x.screenshot(), pictureOfViewer(ours)),
    () => `the viewer shows ${when}; ${viewer.story}`,
    120,
  );

beforeAll(async () => {
  if (!missing(...lab)) x = await XServer.start();
});
afterAll(() => x?.stop());
afterEach(async () => {
  for (const viewer of shown.splice(0)) await viewer.kill();
  await emulator?.stop();
  emulator = undefined;
});

for (const [viewerName, viewerInput, command] of viewers) {
  for (const [guestName, options, inputs] of guests) {
    const lacks = missing(...lab, viewerInput, ...inputs);
    describe(`${viewerName} at ${guestName} on powermac-g3${lacks && ` (needs ${lacks})`}`, () => {
      it.skipIf(lacks)('shows the screen pixel for pixel and types', async () => {
        emulator = new EmulatorProcess('powermac-g3', options);
        const ours = await emulator.viewer();
        const viewer = show(command(emulator.socket));
        await shows(viewer, ours, 'the prompt');
        const { draws } = ours;
        x.xdotool('mousemove', '600', '600', 'click', '1');
        x.xdotool('type', '--delay', '150', '1 2 + .');
        x.xdotool('key', 'Return');
        await until(
          () => ours.draws > draws,
          () => `the guest has seen the keys; ${viewer.story}`,
          60,
        );
        await still(ours, 60);
        const seen = x.screenshot();
        ours.client.close();
        const picture = await emulator.finish();
        expect(ours.shows(picture)).toBe(true);
        expect(contains(seen, picture)).toBe(true);
      });
    });
  }
}

const killLacks = missing(...lab, remoteViewer);
describe(`remote-viewer that is killed${killLacks && ` (needs ${killLacks})`}`, () => {
  it.skipIf(killLacks)('comes back ten times in a row', async () => {
    emulator = new EmulatorProcess('powermac-g3', []);
    const ours = await emulator.viewer();
    for (let round = 0; round < 10; round++) {
      const viewer = show(['remote-viewer', `spice+unix://${emulator.socket}`]);
      await shows(viewer, ours, `the prompt in round ${round}`);
      await viewer.kill();
    }
    expect(ours.shows(await emulator.finish())).toBe(true);
  });
});

const linuxLacks = missing(...lab, remoteViewer, kernel, initrd);
describe(`remote-viewer at the Linux console of powermac-g3${linuxLacks && ` (needs ${linuxLacks})`}`, () => {
  it.skipIf(linuxLacks)('shows the frame buffer pixel for pixel', async () => {
    const append = 'console=tty0 vt.global_cursor_default=0';
    const linux = ['--kernel', kernel.path!, '--initrd', initrd.path!, '--append', append, '--ram', '256M'];
    emulator = new EmulatorProcess('powermac-g3', linux);
    const ours = await emulator.viewer();
    await until(() => ours.draws > 20, 'Linux draws', 120);
    await still(ours, 120);
    await shows(show(['remote-viewer', `spice+unix://${emulator.socket}`]), ours, 'the console');
    const seen = x.screenshot();
    ours.client.close();
    expect(contains(seen, await emulator.finish())).toBe(true);
  });
});
