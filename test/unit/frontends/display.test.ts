// SPDX-License-Identifier: MIT
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseDisplay, serveDisplay } from '../../../frontends/cli/display.ts';
import { remoteScreenText } from '../../../frontends/cli/screen-text.ts';
import { parseSpiceUrl } from '../../../frontends/cli/spice-url.ts';
import { openOpus } from '../../../frontends/host/libopus.ts';
import { serveWebViewer } from '../../../frontends/web/server.ts';
import { MachineSession, LocalChannel } from '../../../machines/backplane/session.ts';
import { FakeMachine } from '../../support/fake-machine.ts';
import { TestViewer } from '../../support/spice.ts';

let folder = '';
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'emeritus-display-'))));
afterEach(() => rmSync(folder, { recursive: true }));

const file = (name: string, text: string): string => {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
};

describe('--display', () => {
  it('is none or spice on the loopback address', () => {
    expect(parseDisplay('none')).toBeUndefined();
    expect(parseDisplay('spice')).toMatchObject({ address: '127.0.0.1', launch: false, quitOnClose: false });
    expect(parseDisplay('spice,port=5901,unix=/tmp/x,websocket=0,launch,on-close=quit')).toMatchObject({
      port: 5901,
      unix: '/tmp/x',
      websocket: 0,
      launch: true,
      quitOnClose: true,
    });
  });

  it.each([
    'vnc',
    'none,port=1',
    'spice,port=65536',
    'spice,port=',
    'spice,port',
    'spice,launch=yes',
    'spice,on-close=stay',
    'spice,tls-cert=x',
    'spice,speed=9',
  ])('refuses %s in one line', (text) => {
    expect(() => parseDisplay(text)).toThrow(
      expect.objectContaining({ message: expect.stringMatching(/^--display[^\n]*$/) }),
    );
  });

  it('goes beyond loopback only with a password or TLS', () => {
    expect(() => parseDisplay('spice,addr=0.0.0.0')).toThrow('password-file');
    const password = file('password', 'open sesame\nrest\n');
    expect(parseDisplay(`spice,addr=0.0.0.0,password-file=${password}`)).toMatchObject({ password: 'open sesame' });
    expect(parseDisplay('spice,addr=127.1.2.3')?.password).toBeUndefined();
  });

  it('takes passwords the protocol can carry', () => {
    expect(() => parseDisplay(`spice,password-file=${file('empty', '\n')}`)).toThrow('0 bytes');
    expect(() => parseDisplay(`spice,password-file=${file('long', 'x'.repeat(61))}`)).toThrow('61 bytes');
    expect(() => parseDisplay(`spice,password-file=${join(folder, 'absent')}`)).toThrow('absent');
  });

  it('serves the machine and says how to attach', async () => {
    const session = new MachineSession(new LocalChannel(new FakeMachine()));
    const path = join(folder, 'it is.sock');
    const lines: string[] = [];
    const served = await serveDisplay(session, 'Fake', parseDisplay(`spice,unix=${path},on-close=quit`)!, (line) => {
      lines.push(line);
    });
    expect(lines).toEqual([`screen: remote-viewer 'spice+unix://${path}'`]);
    let quit = 0;
    served.onQuit(() => quit++);
    const viewer = await TestViewer.connect({ path });
    expect(quit).toBe(0);
    viewer.client.close();
    await expect.poll(() => quit).toBe(1);
    served.close();
  });
});

describe('--display spice without an address', () => {
  const outside = Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .find(({ family, internal }) => family === 'IPv4' && !internal)?.address;

  it('cannot be reached from other computers', async ({ skip }) => {
    if (outside === undefined) return skip('this computer has no address but its own');
    const session = new MachineSession(new LocalChannel(new FakeMachine()));
    const lines: string[] = [];
    const say = (line: string): void => void lines.push(line);
    const served = await serveDisplay(session, 'Fake', parseDisplay('spice,port=0,websocket=0')!, say);
    const spice = Number(/spice:\/\/127\.0\.0\.1:(\d+)/.exec(lines.join())![1]);
    const viewer = await serveWebViewer({ host: '127.0.0.1', port: spice });
    const ports = [spice, Number(/ws:\/\/127\.0\.0\.1:(\d+)/.exec(lines.join())![1]), Number(new URL(viewer.url).port)];
    const reaches = (host: string, port: number): Promise<boolean> =>
      new Promise((resolve) => {
        const socket = connect({ host, port }, () => resolve(true));
        socket.on('error', () => resolve(false)).on('connect', () => socket.destroy());
      });
    for (const port of ports) {
      expect(await reaches('127.0.0.1', port)).toBe(true);
      expect(await reaches(outside, port)).toBe(false);
    }
    viewer.close();
    served.close();
  });
});

describe('--display spice,unix', () => {
  it('says that the folder of the socket is not there', async () => {
    const display = parseDisplay(`spice,unix=${join(folder, 'missing', 's.sock')}`)!;
    const session = new MachineSession(new LocalChannel(new FakeMachine()));
    await expect(serveDisplay(session, 'Fake', display, () => undefined)).rejects.toThrow('there is no such folder');
  });
});

describe('emeritus screen-text', () => {
  it('reads the screen of a running machine at its monitor, which can also end it', async () => {
    const machine = new FakeMachine();
    const path = join(folder, 's.sock');
    const display = parseDisplay(`spice,unix=${path}`)!;
    const served = await serveDisplay(new MachineSession(new LocalChannel(machine)), 'Fake', display, () => undefined);
    let quit = 0;
    served.onQuit(() => quit++);
    await expect(remoteScreenText({ path })).rejects.toThrow('cannot tell');
    machine.text = ['0 > 1 2 + .', '3  ok', ''];
    expect(await remoteScreenText({ path })).toBe('0 > 1 2 + .\n3  ok');
    const viewer = await TestViewer.connect({ path });
    await expect.poll(() => viewer.ports.map(({ name }) => name)).toContain('org.emeritus.monitor.0');
    viewer.ports.find(({ name }) => name.includes('monitor'))!.send(Buffer.from('quit\r'));
    await expect.poll(() => quit).toBe(1);
    viewer.client.close();
    served.close();
    await expect(remoteScreenText({ path })).rejects.toThrow('screen-text: ');
  });
});

describe('--display spice,audio', () => {
  it('is raw or opus, where there is libopus', () => {
    expect(parseDisplay('spice')).toMatchObject({ audio: undefined });
    expect(parseDisplay('spice,audio=raw')).toMatchObject({ audio: 'raw' });
    const opus = (): unknown => parseDisplay('sdl,audio=opus');
    if (openOpus() === undefined) expect(opus).toThrow('libopus0');
    else expect(opus()).toMatchObject({ audio: 'opus' });
    expect(() => parseDisplay('spice,audio=mp3')).toThrow('audio is raw or opus; found "mp3"');
    expect(() => parseDisplay('spice,audio')).toThrow('expected');
  });
});

describe('emeritus view', () => {
  it('reads SPICE URLs', () => {
    expect(parseSpiceUrl('spice://127.0.0.1:5900', 'view')).toEqual({ host: '127.0.0.1', port: 5900 });
    expect(parseSpiceUrl('spice://[::1]:5900/', 'view')).toEqual({ host: '::1', port: 5900 });
    expect(parseSpiceUrl('spice+unix:///tmp/a b.sock', 'view')).toEqual({ path: '/tmp/a b.sock' });
    expect(parseSpiceUrl('spice://h.example?tls-port=61', 'view')).toEqual({ host: 'h.example', port: 61, tls: {} });
    expect(parseSpiceUrl('spice://[::1]/?tls-port=61', 'view')).toEqual({ host: '::1', port: 61, tls: {} });
    expect(parseSpiceUrl('spice+tls://127.0.0.1:61', 'view')).toEqual({ host: '127.0.0.1', port: 61, tls: {} });
    const bad = ['', 'spice://host', 'http://127.0.0.1:1', 'spice://h:0', 'spice://h:70000', 'spice+unix://x'];
    for (const url of [...bad, 'spice://h?tls-port=0', 'spice+tls://h']) {
      expect(() => parseSpiceUrl(url, 'view'), url).toThrow('view: expected');
    }
  });

  it('takes a certificate for TLS only, and nothing else for one', () => {
    const ca = file('ca.pem', 'no certificate');
    expect(() => parseSpiceUrl('spice://h:61', 'view', ca)).toThrow('--ca is for');
    expect(() => parseSpiceUrl('spice+tls://h:61', 'view', ca)).toThrow('view --ca: expected a certificate');
    expect(() => parseSpiceUrl('spice+tls://h:61', 'view', join(folder, 'absent'))).toThrow('there is no such file');
  });
});
