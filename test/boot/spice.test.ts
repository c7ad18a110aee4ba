// SPDX-License-Identifier: MIT
//
// SPICE viewers nobody here wrote, in front of `emeritus boot --display spice`. Needs the built command (npm run build).
import { type ChildProcess, spawn } from 'node:child_process';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { debianFile, guest, type Input, missing } from '../support/inputs.ts';
import { contains, EmulatorProcess, ended, pictureOfViewer, still, XServer } from '../support/screen-lab.ts';
import { until } from '../support/spice.ts';

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
const children: ChildProcess[] = [];

const show = (words: readonly string[]): ChildProcess => {
  const child = spawn(words[0]!, words.slice(1), { env: x.env, stdio: 'ignore' });
  children.push(child);
  return child;
};

/** spicy scales the picture to its window, which is for 640x480 at first. */
async function unscale({ width, height }: { width: number; height: number }): Promise<void> {
  let size: readonly number[] = [];
  await until(
    () => {
      size = x.windowSize('spicy');
      return size[0] === 640 && size[1]! > 480;
    },
    'spicy has a window',
    30,
  );
  x.resizeWindow('spicy', width, size[1]! + height - 480);
}

beforeAll(async () => {
  if (!missing(...lab)) x = await XServer.start();
});
afterAll(() => x?.stop());
afterEach(async () => {
  for (const child of children.splice(0)) {
    child.kill('SIGKILL');
    await ended(child);
  }
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
        show(command(emulator.socket));
        if (viewerName === 'spicy') await unscale(ours);
        await until(() => contains(x.screenshot(), pictureOfViewer(ours)), 'the viewer shows the prompt', 60);
        const { draws } = ours;
        x.xdotool('mousemove', '600', '600', 'click', '1');
        x.xdotool('type', '--delay', '150', '1 2 + .');
        x.xdotool('key', 'Return');
        await until(() => ours.draws > draws, 'the guest has seen the keys', 30);
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
    const picture = pictureOfViewer(ours);
    for (let round = 0; round < 10; round++) {
      const viewer = show(['remote-viewer', `spice+unix://${emulator.socket}`]);
      await until(() => contains(x.screenshot(), picture), `the viewer shows the prompt, round ${round}`, 60);
      viewer.kill('SIGKILL');
      await ended(viewer);
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
    show(['remote-viewer', `spice+unix://${emulator.socket}`]);
    await until(() => contains(x.screenshot(), pictureOfViewer(ours)), 'the viewer shows the console', 60);
    const seen = x.screenshot();
    ours.client.close();
    expect(contains(seen, await emulator.finish())).toBe(true);
  });
});
