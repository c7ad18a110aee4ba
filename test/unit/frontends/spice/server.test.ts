// SPDX-License-Identifier: MIT
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { type Listener, listenTcp, listenUnix, listenWebSocket } from '../../../../frontends/spice/listeners.ts';
import { linkRequest } from '../../../../frontends/spice/link.ts';
import type { SpiceServerOptions } from '../../../../frontends/spice/server.ts';
import { IMAGE_COMPRESSION } from '../../../../frontends/spice/protocol.ts';
import { ByteWriter } from '../../../../frontends/spice/wire.ts';
import type { Opus } from '../../../../frontends/host/opus.ts';
import type { SpiceAddress } from '../../../../frontends/spice/node-connection.ts';
import { random as randomNumbers } from '../../../support/random.ts';
import { SpiceBench, TestViewer, until } from '../../../support/spice.ts';

const benches: SpiceBench[] = [];
const listeners: Listener[] = [];
let folder = '';
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'emeritus-spice-'))));
afterEach(() => {
  for (const bench of benches.splice(0)) bench.close();
  for (const listener of listeners.splice(0)) listener.close();
  rmSync(folder, { recursive: true });
});

function bench(options?: Partial<SpiceServerOptions>): SpiceBench {
  const made = new SpiceBench(options);
  benches.push(made);
  return made;
}

async function tcp(made: SpiceBench): Promise<{ host: string; port: number }> {
  const listener = await listenTcp(made.server, { host: '127.0.0.1', port: 0 });
  listeners.push(listener);
  return { host: '127.0.0.1', port: listener.port };
}

const picture = (made: SpiceBench) => made.machine.screens[0]!.picture();

describe('SpiceServer', () => {
  it('shows the screen and what changes on it, and then is silent', async () => {
    const made = bench();
    made.machine.show({});
    made.machine.paint(0, 48, 0x33);
    const viewer = await TestViewer.connect(await tcp(made));
    await until(() => viewer.shows(picture(made)));
    expect(viewer.name).toBe('Fake machine');
    made.machine.paint(10, 3, 0x77);
    await until(() => viewer.shows(picture(made)));
    const { draws, drawnPixels } = viewer;
    expect(drawnPixels).toBeLessThanOrEqual(64 * 48 * 2 + 64 * 3);
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(viewer.draws).toBe(draws);
    viewer.client.close();
  });

  it.each([
    ['32 bpp big-endian', { bpp: 32, byteOrder: 'big' }],
    ['32 bpp little-endian', { bpp: 32, byteOrder: 'little' }],
    ['16 bpp', { bpp: 16, byteOrder: 'big' }],
    ['15 bpp', { bpp: 15, byteOrder: 'big' }],
    ['8 bpp', { bpp: 8, palette: Uint8Array.from({ length: 1024 }, (_, i) => (i * 7) & 0xff) }],
    ['4 bpp', { bpp: 4, palette: Uint8Array.from({ length: 64 }, (_, i) => (i * 5) & 0xff) }],
  ] as const)('shows %s', async (_name, mode) => {
    const made = bench();
    made.machine.show(mode);
    for (let i = 0; i < 64 * 4 * 48; i++) made.machine.video.bytes[i] = (i * 31) & 0xff;
    const viewer = await TestViewer.connect(await tcp(made));
    await until(() => viewer.shows(picture(made)));
    viewer.client.close();
  });

  it('follows changes of the mode and goes black with the screen', async () => {
    const made = bench();
    made.machine.show({});
    const viewer = await TestViewer.connect(await tcp(made));
    await until(() => viewer.width === 64);
    made.machine.show({ width: 128, height: 32 });
    made.machine.paint(0, 32, 0x44);
    await until(() => viewer.shows(picture(made)));
    expect(viewer.resizes).toBe(2);
    made.machine.show(undefined);
    await until(() => viewer.pixels.every((pixel) => pixel === 0));
    expect(viewer.resizes).toBe(2);
    viewer.client.close();
  });

  it('passes keys and the mouse on, and lets go of them when the viewer goes', async () => {
    const made = bench();
    const { keys, moves } = made.machine;
    const viewer = await TestViewer.connect(await tcp(made));
    viewer.client.key('KeyA', true);
    viewer.client.key('KeyA', false);
    viewer.client.key('ArrowLeft', true);
    viewer.client.pointer(5, -7, 0);
    viewer.client.pointer(0, 0, 2);
    await until(() => keys.length === 3 && moves.length === 2);
    expect(keys).toEqual(['+KeyA', '-KeyA', '+ArrowLeft']);
    expect(moves).toEqual([
      { dx: 5, dy: -7, buttons: 0 },
      { dx: 0, dy: 0, buttons: 2 },
    ]);
    viewer.client.close();
    await until(() => keys.length === 4 && moves.length === 3);
    expect(keys.at(-1)).toBe('-ArrowLeft');
    expect(moves.at(-1)).toEqual({ dx: 0, dy: 0, buttons: 0 });
  });

  it('tells of LEDs', async () => {
    const made = bench();
    const viewer = await TestViewer.connect(await tcp(made));
    made.machine.keyboard.leds = 3;
    await until(() => viewer.leds === 3);
    made.machine.keyboard.leds = 4;
    await until(() => viewer.leds === 4);
    viewer.client.close();
  });

  it('brings lock keys into step, once the guest has shown that it lights their LEDs', async () => {
    const made = bench();
    const { keys, keyboard } = made.machine;
    const viewer = await TestViewer.connect(await tcp(made));
    viewer.client.locks(2);
    keyboard.leds = 2;
    await until(() => viewer.leds === 2);
    expect(keys).toEqual([]);
    viewer.client.locks(0);
    viewer.client.locks(0);
    viewer.client.locks(5);
    await until(() => keys.length === 2);
    expect(keys).toEqual(['+CapsLock', '-CapsLock']);
    keyboard.leds = 0;
    await until(() => viewer.leds === 0);
    viewer.client.locks(2);
    await until(() => keys.length === 4);
    expect(keys.slice(2)).toEqual(['+CapsLock', '-CapsLock']);
    viewer.client.close();
  });

  it('tells an absolute machine where the pointer is, and turns the wheel', async () => {
    const made = bench();
    made.machine.show({ width: 65, height: 49 });
    const { moves, places, pointer } = made.machine;
    const viewer = await TestViewer.connect(await tcp(made));
    await until(() => viewer.width === 65);
    expect(viewer.absolute).toBe(false);
    pointer.absolute = true;
    await until(() => viewer.absolute);
    viewer.client.place(32, 48, 1);
    viewer.client.place(1000, 0, 0);
    viewer.client.pointer(-48, 12, 0);
    viewer.client.wheel(2);
    viewer.client.wheel(-1);
    await until(() => made.machine.wheel === 1 && places.length === 5);
    expect(places).toEqual([
      { x: 0.5, y: 1, buttons: 0 },
      { x: 0.5, y: 1, buttons: 1 },
      { x: 1, y: 0, buttons: 1 },
      { x: 1, y: 0, buttons: 0 },
      { x: 0.25, y: 0.25, buttons: 0 },
    ]);
    expect(moves).toEqual([]);
    pointer.absolute = false;
    await until(() => !viewer.absolute);
    viewer.client.pointer(3, 4, 0);
    await until(() => moves.length === 1);
    viewer.client.close();
  });

  it('plays the machine to its viewers', async () => {
    const made = bench();
    const viewer = await TestViewer.connect(await tcp(made));
    await until(() => viewer.silences === 1);
    made.machine.beep(500, 0.2);
    await until(() => viewer.silences >= 2 && viewer.sound.length > 48_000 * 0.19);
    const crossings = viewer.sound.filter((sample, i) => i > 0 && sample >= 0 && viewer.sound[i - 1]! < 0).length;
    expect(viewer.sound.length).toBeLessThanOrEqual(48_000 * 0.2);
    expect(Math.abs(crossings - (viewer.sound.length / 48_000) * 500)).toBeLessThanOrEqual(1);
    viewer.client.close();
  });

  it.each([
    ['a viewer that can decode it, on TCP', {}, true, 'tcp', true],
    ['a viewer that cannot', { opusLocally: true }, false, 'tcp', false],
    ['a viewer on a Unix socket', {}, true, 'unix', false],
    ['a viewer on a Unix socket where that was asked for', { opusLocally: true }, true, 'unix', true],
  ] as const)('compresses sound for %s: %j', async (_, options, able, by, compressed) => {
    let encoded = 0;
    const opus: Opus = {
      encoder: () => ({
        encode: (samples) => {
          encoded++;
          return Uint8Array.of(samples[0]! >> 8, samples.length >> 8);
        },
        close: () => undefined,
      }),
      decoder: () => ({
        decode: ([sample, length]) => new Int16Array(length! << 8).fill(((sample! << 24) >> 24) * 1000),
        close: () => undefined,
      }),
    };
    const made = bench({ sound: { opus, ...options } });
    let address: SpiceAddress = { path: join(folder, 'sound') };
    if (by === 'tcp') address = await tcp(made);
    else listeners.push(await listenUnix(made.server, address.path));
    const viewer = await TestViewer.connect(address, undefined, undefined, able ? { opus } : {});
    made.machine.beep(500, 0.2);
    await until(() => viewer.silences >= 2);
    expect(encoded > 0).toBe(compressed);
    // This codec keeps a high byte of each packet, and makes it thousands.
    expect(viewer.sound).toContain(compressed ? 31_000 : 8000);
    viewer.client.close();
  });

  it('compresses pictures on TCP unless the viewer wants none of it, without loss', async () => {
    const made = bench();
    made.machine.show({ width: 256, height: 192, bpp: 32 });
    for (let i = 0; i < 256 * 192 * 4; i++) made.machine.video.bytes[i] = (i >> 5) & 0xff;
    const address = await tcp(made);
    const plain = await TestViewer.connect(address, undefined, undefined, { compression: IMAGE_COMPRESSION.OFF });
    await until(() => plain.shows(picture(made)));
    const dense = await TestViewer.connect(address);
    await until(() => dense.shows(picture(made)));
    const before = dense.received;
    const plainBefore = plain.received;
    made.machine.show({ width: 256, height: 192, bpp: 32 });
    for (let i = 0; i < 256 * 192 * 4; i++) made.machine.video.bytes[i] = (i >> 7) & 0xff;
    await until(() => dense.shows(picture(made)) && plain.shows(picture(made)));
    expect((dense.received - before) * 4).toBeLessThan(plain.received - plainBefore);
    plain.client.close();
    dense.client.close();
  });

  it('sends not a byte for an idle screen', async () => {
    const made = bench();
    made.machine.show({});
    const viewer = await TestViewer.connect(await tcp(made));
    await until(() => viewer.shows(picture(made)));
    await new Promise((resolve) => setTimeout(resolve, 100));
    const { received } = viewer;
    await new Promise((resolve) => setTimeout(resolve, 1000));
    expect(viewer.received).toBe(received);
    viewer.client.close();
  });

  it('offers serial lines as consoles, with what they said before', async () => {
    const made = bench();
    made.port.output(Buffer.from('before '));
    const viewer = await TestViewer.connect(await tcp(made));
    await until(() => viewer.portText.get('org.emeritus.console.serial.0.0') === 'before ');
    made.port.output(Buffer.from('after'));
    await until(() => viewer.portText.get('org.emeritus.console.serial.0.0') === 'before after');
    viewer.ports[0]!.send(Buffer.from('hi'));
    const line = made.machine.serial[0]!;
    let received = '';
    await until(() => {
      for (let byte = line.receive(); byte >= 0; byte = line.receive()) received += String.fromCharCode(byte);
      return received === 'hi';
    });
    viewer.client.close();
  });

  it('keeps the last 64 KiB of a console for who comes later', async () => {
    const made = bench();
    let all = '';
    for (let i = 0; i < 20_000; i++) {
      const line = `${i}\n`;
      all += line;
      made.port.output(Buffer.from(line));
    }
    const viewer = await TestViewer.connect(await tcp(made));
    await until(() => viewer.portText.get('org.emeritus.console.serial.0.0')?.length === 65_536);
    expect(viewer.portText.get('org.emeritus.console.serial.0.0')).toBe(all.slice(-65_536));
    viewer.client.close();
  });

  it('serves several viewers that come and go', async () => {
    const made = bench();
    made.machine.show({});
    const address = await tcp(made);
    for (let i = 0; i < 10; i++) {
      const viewers = await Promise.all([1, 2, 3].map(() => TestViewer.connect(address)));
      made.machine.paint(i, 2, i * 20 + 1);
      await until(() => viewers.every((viewer) => viewer.shows(picture(made))));
      expect(made.server.viewers).toBe(3);
      for (const viewer of viewers) viewer.client.close();
      await until(() => made.server.viewers === 0);
    }
  });

  it('wants the password when there is one', async () => {
    const made = bench({ password: 'open sesame' });
    const address = await tcp(made);
    await expect(TestViewer.connect(address)).rejects.toThrow('password');
    await expect(TestViewer.connect(address, 'open sesam')).rejects.toThrow('password');
    await expect(TestViewer.connect(address, 'open sesame ')).rejects.toThrow('password');
    expect(made.lines).toHaveLength(3);
    expect(made.lines[0]).toMatch(/^spice: 127\.0\.0\.1:\d+: refused: wrong or missing password$/);
    expect(made.server.viewers).toBe(0);
    const viewer = await TestViewer.connect(address, 'open sesame');
    expect(made.server.viewers).toBe(1);
    viewer.client.close();
  });

  it('does not open further channels without the password', async () => {
    const made = bench({ password: 'open sesame' });
    const address = await tcp(made);
    const viewer = await TestViewer.connect(address, 'open sesame');
    // A channel of a session that exists, with the ticket left out.
    const socket = connect(address);
    socket.on('error', () => undefined);
    const request = { connectionId: 1, channelType: 2, channelId: 0, commonCaps: [], channelCaps: [] };
    socket.end(Buffer.concat([linkRequest(request), new Uint8Array(128)]));
    await until(() => made.lines.length === 1);
    expect(made.lines[0]).toMatch(/refused: channel 2\.0 of an unknown session$/);
    viewer.client.close();
  });

  it('listens on a Unix socket only its owner can use, and replaces a dead one', async () => {
    const made = bench();
    made.machine.show({});
    const path = join(folder, 'screen.sock');
    const first = await listenUnix(made.server, path);
    expect(statSync(path).mode & 0o077).toBe(0);
    const viewer = await TestViewer.connect({ path });
    await until(() => viewer.shows(picture(made)));
    viewer.client.close();
    await expect(listenUnix(made.server, path)).rejects.toThrow('in use');
    first.close();
    expect(existsSync(path)).toBe(false);
    writeFileSync(path, 'mine');
    await expect(listenUnix(made.server, path)).rejects.toThrow('in use');
    expect(readFileSync(path, 'utf8')).toBe('mine');
  });

  it('speaks TLS with the certificate it is given', async ({ skip }) => {
    const cert = join(folder, 'cert.pem');
    const key = join(folder, 'key.pem');
    const request = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=127.0.0.1'];
    const names = ['-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', key, '-out', cert];
    try {
      execFileSync('openssl', [...request, ...names], { stdio: 'ignore' });
    } catch {
      skip('needs apt-get install openssl');
    }
    const made = bench();
    made.machine.show({});
    const tls = { cert: readFileSync(cert), key: readFileSync(key) };
    const listener = await listenTcp(made.server, { host: '127.0.0.1', port: 0 }, tls);
    listeners.push(listener);
    const where = { host: '127.0.0.1', port: listener.port };
    const viewer = await TestViewer.connect({ ...where, tls: { ca: tls.cert } });
    await until(() => viewer.shows(picture(made)));
    viewer.client.close();
    await expect(TestViewer.connect({ ...where, tls: {} })).rejects.toThrow(/not trusted.*--ca=FILE/);
    await expect(TestViewer.connect({ ...where, host: 'localhost', tls: { ca: tls.cert } })).rejects.toThrow(
      'not trusted',
    );
    await expect(TestViewer.connect(where)).rejects.toThrow();
    await expect(TestViewer.connect({ ...(await tcp(made)), tls: { ca: tls.cert } })).rejects.toThrow();
    const bad = { cert: Buffer.from('x'), key: Buffer.from('y') };
    await expect(listenTcp(made.server, { host: '127.0.0.1', port: 0 }, bad)).rejects.toThrow('tls-cert');
  });

  it.each([
    [undefined, true],
    ['http://localhost:8000', true],
    ['http://127.0.0.1', true],
    ['http://example.org', false],
    ['null', false],
  ])('takes WebSockets of pages from %s: %s', async (origin, allowed) => {
    const made = bench();
    const where = { host: '127.0.0.1', port: 0 };
    const listener = await listenWebSocket(made.server, where, { anyOrigin: false });
    listeners.push(listener);
    const options = origin === undefined ? {} : { origin };
    const socket = new WebSocket(`ws://127.0.0.1:${listener.port}/`, ['binary'], options);
    const opened = await new Promise<boolean>((resolve) => {
      socket.on('open', () => resolve(true));
      socket.on('error', () => resolve(false));
    });
    expect(opened).toBe(allowed);
    socket.terminate();
    expect(made.lines).toHaveLength(allowed ? 0 : 1);
  });
});

const source = (seed: number) => {
  const next = randomNumbers(seed);
  return { below: (limit: number): number => Math.floor(next() * limit) };
};

/** Connects, sends the bytes and waits for the end. */
async function hurl(address: { host: string; port: number }, bytes: Uint8Array): Promise<void> {
  await new Promise<void>((resolve) => {
    const socket = connect(address, () => socket.end(bytes));
    socket.on('error', () => undefined);
    socket.on('close', () => resolve());
    socket.resume();
  });
}

describe('SpiceServer with hostile clients', () => {
  const rounds = process.env['EMERITUS_TEST_ALL'] === undefined ? 300 : 20_000;

  it('survives anything as a link', { timeout: 600_000 }, async () => {
    const made = bench({ password: 'secret' });
    const address = await tcp(made);
    const random = source(0x5b1ce);
    const good = linkRequest({ connectionId: 0, channelType: 1, channelId: 0, commonCaps: [0, 1, 3], channelCaps: [] });
    for (let round = 0; round < rounds; round += 10) {
      const batch = Array.from({ length: 10 }, () => {
        const bytes = new Uint8Array(good.length + random.below(400));
        for (let i = 0; i < bytes.length; i++) bytes[i] = random.below(256);
        bytes.set(good.subarray(0, random.below(good.length + 1)));
        for (let flips = random.below(4); flips > 0; flips--)
          bytes[random.below(bytes.length)]! ^= 1 << random.below(8);
        return hurl(address, bytes);
      });
      await Promise.all(batch);
    }
    expect(made.server.viewers).toBe(0);
    expect(made.lines.every((line) => !line.includes('internal') && !line.includes('\n'))).toBe(true);
    const viewer = await TestViewer.connect(address, 'secret');
    viewer.client.close();
  });

  it('survives any messages on every channel', { timeout: 600_000 }, async () => {
    const made = bench();
    made.machine.show({});
    const address = await tcp(made);
    const random = source(0xc4a77e1);
    const faithful = await TestViewer.connect(address);
    const messages = rounds * 4;
    for (let sent = 0; sent < messages;) {
      const sockets: Socket[] = [];
      const viewer = await TestViewer.connect(address, undefined, (socket) => sockets.push(socket)).catch(
        () => undefined,
      );
      if (viewer === undefined) continue;
      for (const socket of sockets) {
        for (let i = 0; i < 20; i++, sent++) {
          const type =
            random.below(4) === 0
              ? random.below(0x1_0000)
              : random.below(8) < 2
                ? random.below(8)
                : 100 + random.below(20);
          const size = random.below(3) === 0 ? random.below(300) : random.below(20);
          const claimed = random.below(20) === 0 ? random.below(2 ** 32) : size;
          const body = Uint8Array.from({ length: size }, () => random.below(256));
          if (socket.writable) socket.write(new ByteWriter().u16(type).u32(claimed).bytes(body).finish());
        }
      }
      await new Promise((resolve) => setTimeout(resolve, 2));
      viewer.client.close();
    }
    await until(() => made.server.viewers === 1);
    made.machine.paint(0, 48, 0x66);
    await until(() => faithful.shows(picture(made)));
    expect(made.lines.filter((line) => line.includes('internal'))).toEqual([]);
    faithful.client.close();
  });

  it('bounds what a viewer that never reads can cost, and serves the others', async () => {
    const made = bench();
    made.machine.show({ width: 1024, height: 768, bpp: 32 });
    const address = await tcp(made);
    const sockets: Socket[] = [];
    const deaf = await TestViewer.connect(address, undefined, (socket) => sockets.push(socket));
    for (const socket of sockets) socket.pause();
    const viewer = await TestViewer.connect(address);
    await until(() => viewer.width === 1024);
    const before = process.memoryUsage().arrayBuffers;
    for (let i = 1; i <= 60; i++) {
      made.machine.paint(0, 768, i);
      made.port.output(new Uint8Array(10_000).fill(i));
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    await until(() => viewer.shows(picture(made)));
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(64 << 20);
    deaf.client.close();
    viewer.client.close();
  });

  it('refuses too many connections in one line each, and goes on', async () => {
    const made = bench();
    made.machine.show({});
    const address = await tcp(made);
    const faithful = await TestViewer.connect(address);
    const idle = await Promise.all(
      Array.from({ length: 200 }, () => {
        return new Promise<Socket>((resolve) => {
          const socket: Socket = connect(address, () => resolve(socket));
          socket.on('error', () => resolve(socket));
        });
      }),
    );
    await until(() => made.lines.length >= 100);
    made.machine.paint(0, 48, 0x11);
    await until(() => faithful.shows(picture(made)));
    for (const socket of idle) socket.destroy();
    await new Promise((resolve) => setTimeout(resolve, 50));
    const again = await TestViewer.connect(address);
    again.client.close();
    faithful.client.close();
    expect(made.lines.every((line) => /refused: (too many connections|the)/.test(line))).toBe(true);
  });
});
