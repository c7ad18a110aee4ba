// SPDX-License-Identifier: MIT
//
// SPICE viewers nobody here wrote, in front of `emeritus boot --display spice`. Needs the built command (npm run build).
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer } from 'node:net';
import { join } from 'node:path';
import { pipeline } from 'node:stream';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { debianFile, guest, type Input, missing } from '../support/inputs.ts';
import {
  allAgree,
  EmulatorProcess,
  linuxOptions,
  linuxReady,
  pictureOfViewer,
  showsSame,
  TYPED,
  typeLine,
  ViewerProcess,
  XServer,
} from '../support/screen-lab.ts';
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
const openssl = debianFile('/usr/bin/openssl', 'openssl');

const viewers: readonly [string, Input, (socket: string) => string[]][] = [
  ['remote-viewer', remoteViewer, (socket) => ['remote-viewer', `spice+unix://${socket}`]],
  ['spicy', spicy, (socket) => ['spicy', `--uri=spice+unix://${socket}`]],
];
/** Each serves all viewers, one after the other. */
const guests: readonly [string, readonly string[], readonly Input[], string][] = [
  ['the built-in Open Firmware', [], [], '1 2 + .'],
  ['OpenBIOS', ['--firmware', openBios.path ?? ''], [openBios], '1 2 + .'],
  ['the Linux console', linuxOptions(kernel, initrd), [kernel, initrd], TYPED],
];

let x: XServer;
const shown: ViewerProcess[] = [];

const show = (words: readonly string[]): ViewerProcess => {
  const viewer = new ViewerProcess(x, words);
  shown.push(viewer);
  return viewer;
};

/** Types at the viewer and sees that viewer, our own viewer and the guest agree afterwards. */
async function typeAndCompare(emulator: EmulatorProcess, viewer: ViewerProcess, ours: TestViewer, text: string) {
  const type = async (line: string): Promise<void> => {
    await x.xdotool('mousemove', '600', '600', 'click', '1');
    await x.typeLine(line);
  };
  await typeLine(ours, text, type, () => viewer.story);
  await allAgree(x, emulator, viewer, ours);
}

beforeAll(async () => {
  if (!missing(...lab)) x = await XServer.start();
});
afterAll(() => x?.stop());
afterEach(async () => {
  for (const viewer of shown.splice(0)) await viewer.kill();
});

for (const [guestName, options, inputs, text] of guests) {
  const lacks = missing(...lab, ...inputs);
  describe(`At ${guestName} of powermac-g3${lacks && ` (needs ${lacks})`}`, () => {
    let emulator: EmulatorProcess;
    let ours: TestViewer;
    beforeAll(async () => {
      if (lacks) return;
      emulator = new EmulatorProcess('powermac-g3', options);
      ours = await emulator.viewer();
      if (text === TYPED) await linuxReady(ours);
    });
    afterAll(async () => {
      ours?.client.close();
      await emulator?.stop();
    });

    for (const [viewerName, viewerInput, command] of viewers) {
      const misses = missing(...lab, ...inputs, viewerInput);
      const needs = misses && ` (needs ${misses})`;
      it.skipIf(misses)(`${viewerName} shows the screen pixel for pixel and types${needs}`, async () => {
        const viewer = show(command(emulator.socket));
        await showsSame(x, viewer, ours, 'the prompt');
        await typeAndCompare(emulator, viewer, ours, text);
      });
    }
  });
}

const comesBack = missing(...lab);
describe(`A viewer that is killed${comesBack && ` (needs ${comesBack})`}`, () => {
  let emulator: EmulatorProcess;
  let ours: TestViewer;
  beforeAll(async () => {
    if (comesBack) return;
    emulator = new EmulatorProcess('powermac-g3', [], ',port=0');
    ours = await emulator.viewer();
  });
  afterAll(async () => {
    ours?.client.close();
    await emulator?.stop();
  });

  for (const [viewerName, viewerInput, command] of viewers) {
    const lacks = missing(...lab, viewerInput);
    it.skipIf(lacks)(`comes back ten times in a row: ${viewerName}${lacks && ` (needs ${lacks})`}`, async () => {
      for (let round = 0; round < 10; round++) {
        const viewer = show(command(emulator.socket));
        await showsSame(x, viewer, ours, `the prompt in round ${round}`);
        await viewer.kill();
      }
      await until(async () => ours.shows(await emulator.picture(ours)), 'our viewer shows what the guest does');
    });
  }

  const lacks = missing(...lab, remoteViewer);
  it.skipIf(lacks)(`shows the screen pixel for pixel over TCP with LZ4${lacks && ` (needs ${lacks})`}`, async () => {
    // Through a relay that counts.
    let bytes = 0;
    const relay = createServer((near) => {
      const far = connect(emulator.port, '127.0.0.1');
      far.on('data', (chunk: Buffer) => (bytes += chunk.length));
      pipeline(near, far, near, () => undefined);
    });
    await new Promise<void>((resolve) => relay.listen(0, '127.0.0.1', resolve));
    const url = `spice://127.0.0.1:${(relay.address() as AddressInfo).port}`;
    const viewer = show(['remote-viewer', '--spice-preferred-compression=lz4', url]);
    await showsSame(x, viewer, ours, 'the prompt');
    expect(bytes).toBeLessThan((ours.width * ours.height * 4) / 10);
    await typeAndCompare(emulator, viewer, ours, '3 4 + .');
    await viewer.kill();
    relay.close();
  });
});

const secureLacks = missing(...lab, remoteViewer, openssl);
describe(`remote-viewer over TLS with a password${secureLacks && ` (needs ${secureLacks})`}`, () => {
  it.skipIf(secureLacks)('shows the screen, and nothing with a wrong password', async () => {
    const folder = execFileSync('mktemp', ['-d'], { encoding: 'utf8' }).trim();
    const [cert, key, secret] = ['cert.pem', 'key.pem', 'secret'].map((name) => join(folder, name)) as [
      string,
      string,
      string,
    ];
    const request = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=127.0.0.1'];
    const names = ['-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', key, '-out', cert];
    execFileSync('openssl', [...request, ...names], { stdio: 'ignore' });
    writeFileSync(secret, 'open sesame\n');
    const display = `,port=0,tls-cert=${cert},tls-key=${key},password-file=${secret}`;
    const emulator = new EmulatorProcess('powermac-g3', [], display, { password: 'open sesame' });
    try {
      const ours = await emulator.viewer();
      const file = (name: string, password: string): string => {
        const ca = readFileSync(cert, 'utf8').trim().replaceAll('\n', '\\n');
        const lines = [
          '[virt-viewer]',
          'type=spice',
          'host=127.0.0.1',
          `tls-port=${emulator.port}`,
          `password=${password}`,
          `ca=${ca}`,
          'secure-channels=main;display;inputs;cursor;playback;port',
        ];
        writeFileSync(join(folder, name), `${lines.join('\n')}\n`);
        return join(folder, name);
      };
      const wrong = show(['remote-viewer', file('wrong.vv', 'close sesame')]);
      await until(
        () => emulator.errors.includes('wrong or missing password'),
        () => wrong.story,
        120,
      );
      expect(await x.shows(pictureOfViewer(ours))).toBe(false);
      await wrong.kill();
      const viewer = show(['remote-viewer', file('right.vv', 'open sesame')]);
      await showsSame(x, viewer, ours, 'the prompt');
      ours.client.close();
    } finally {
      await emulator.stop();
      execFileSync('rm', ['-r', folder]);
    }
  });
});

const launchLacks = missing(...lab, remoteViewer);
describe(`--display spice,launch,on-close=quit${launchLacks && ` (needs ${launchLacks})`}`, () => {
  const remoteViewers = (): number[] =>
    execFileSync('ps', ['-eo', 'pid,args'], { encoding: 'utf8' })
      .split('\n')
      .filter((line) => line.includes('remote-viewer spice+unix') && line.includes(emulator!.socket))
      .map((line) => Number.parseInt(line, 10));
  let emulator: EmulatorProcess | undefined;
  afterEach(() => emulator?.stop());

  it.skipIf(launchLacks)('starts remote-viewer, and ends with it', async () => {
    emulator = new EmulatorProcess('powermac-g3', [], ',launch,on-close=quit', { env: x.env });
    const ours = await emulator.viewer();
    await until(() => x.shows(pictureOfViewer(ours)), 'remote-viewer shows the prompt', 120);
    ours.client.close();
    const [pid, ...others] = remoteViewers();
    expect(others).toEqual([]);
    process.kill(pid!);
    expect(await emulator.exit()).toBe(0);
  });

  it.skipIf(launchLacks)('ends remote-viewer when it ends itself', async () => {
    emulator = new EmulatorProcess('powermac-g3', [], ',launch', { env: x.env });
    const ours = await emulator.viewer();
    await until(() => x.shows(pictureOfViewer(ours)), 'remote-viewer shows the prompt', 120);
    ours.client.close();
    expect(remoteViewers()).toHaveLength(1);
    expect(await emulator.end()).toBe(143);
    await until(() => remoteViewers().length === 0, 'remote-viewer has ended');
  });
});
