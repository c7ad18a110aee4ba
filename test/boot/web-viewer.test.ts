// SPDX-License-Identifier: MIT
//
// Browsers in front of `emeritus boot --display spice`: our page, and Debian's spice-html5 over a WebSocket port.
// Needs the built command (npm run build).
import { type ChildProcess, spawn } from 'node:child_process';
import { createReadStream, existsSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join, normalize } from 'node:path';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { serveWebViewer, type WebViewer } from '../../frontends/web/server.ts';
import type { Picture } from '../../machines/backplane/host.ts';
import { debianFile, missing } from '../support/inputs.ts';
import { EmulatorProcess, ended, pictureOfViewer, still } from '../support/screen-lab.ts';
import { type TestViewer, until } from '../support/spice.ts';

const chromiumFile = debianFile('/usr/bin/chromium', 'chromium');
const openBios = debianFile('/usr/share/qemu/openbios-ppc', 'qemu-system-data');
const spiceHtml5 = debianFile('/usr/share/spice-html5/spice.html', 'spice-html5');
const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

let browser: Browser;
let emulator: EmulatorProcess | undefined;
let viewer: WebViewer | undefined;
let files: Server | undefined;
const children: ChildProcess[] = [];

beforeAll(async () => {
  if (!missing(chromiumFile)) browser = await chromium.launch({ executablePath: chromiumFile.path!, args: FLAGS });
});
afterAll(() => browser?.close());
afterEach(async () => {
  for (const child of children.splice(0)) {
    child.kill('SIGKILL');
    await ended(child);
  }
  viewer?.close();
  files?.close();
  viewer = files = undefined;
  await emulator?.stop();
  emulator = undefined;
});

/** What the page's canvas shows. */
async function canvasPicture(page: Page, selector: string): Promise<Picture | undefined> {
  const canvas = await page.evaluate((wanted) => {
    type Canvas = {
      width: number;
      height: number;
      getContext(kind: '2d'): { getImageData(...a: number[]): { data: Uint8Array } };
    };
    const { document } = globalThis as unknown as { document: { querySelector(s: string): Canvas | null } };
    const found = document.querySelector(wanted);
    if (found === null || found.width === 0) return undefined;
    const { data } = found.getContext('2d').getImageData(0, 0, found.width, found.height);
    let binary = '';
    for (let at = 0; at < data.length; at += 0x8000) binary += String.fromCharCode(...data.subarray(at, at + 0x8000));
    return {
      width: found.width,
      height: found.height,
      base64: (globalThis as unknown as { btoa(s: string): string }).btoa(binary),
    };
  }, selector);
  if (canvas === undefined) return undefined;
  return { width: canvas.width, height: canvas.height, rgba: new Uint8Array(Buffer.from(canvas.base64, 'base64')) };
}

/** Waits until the page's canvas is what our own viewer shows. */
async function same(page: Page, selector: string, ours: TestViewer): Promise<void> {
  const end = Date.now() + 30_000;
  for (;;) {
    const picture = await canvasPicture(page, selector);
    if (ours.shows(picture)) return;
    if (Date.now() > end) throw new Error(`the page does not show the screen: ${picture?.width}x${picture?.height}`);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

/** Types, and sees that page, our own viewer and the guest agree. */
async function typeAndCompare(page: Page, selector: string, ours: TestViewer): Promise<void> {
  await same(page, selector, ours);
  const before = pictureOfViewer(ours);
  await page.locator(selector).click({ position: { x: 400, y: 400 } });
  await page.keyboard.type('1 2 + .', { delay: 120 });
  await page.keyboard.press('Enter', { delay: 50 });
  await until(() => !ours.shows(before), 'the guest has seen the keys', 30);
  await still(ours, 60);
  await same(page, selector, ours);
  const seen = (await canvasPicture(page, selector))!;
  const picture = await emulator!.finish();
  expect(ours.shows(picture)).toBe(true);
  expect(ours.shows(seen)).toBe(true);
}

for (const [guestName, options, inputs] of [
  ['the built-in Open Firmware', [], []],
  ['OpenBIOS', ['--firmware', openBios.path ?? ''], [openBios]],
] as const) {
  const lacks = missing(chromiumFile, ...inputs);
  describe(`the web viewer at ${guestName}${lacks && ` (needs ${lacks})`}`, () => {
    it.skipIf(lacks)('shows the screen pixel for pixel and types', async () => {
      emulator = new EmulatorProcess('powermac-g3', options);
      const ours = await emulator.viewer();
      const view = spawn(process.execPath, ['bin/emeritus', 'view', '--web', `spice+unix://${emulator.socket}`]);
      children.push(view);
      let said = '';
      view.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
      await until(() => said.includes('token='), 'the viewer tells its address', 30);
      const url = /http:\S+/.exec(said)![0];
      const page = await browser.newPage();
      await page.goto(url);
      await typeAndCompare(page, '#screen', ours);
      expect(await page.locator('summary').allTextContents()).toContain('console.serial.0.0');
      await page.close();
      // The address worked once.
      const stranger = await browser.newContext();
      const refused = await (await stranger.newPage()).goto(url);
      expect(refused!.status()).toBe(403);
      await stranger.close();
    });
  });
}

const reconnects = missing(chromiumFile);
describe(`the web viewer${reconnects && ` (needs ${reconnects})`}`, () => {
  it.skipIf(reconnects)('comes back ten times, and only for its own page', async () => {
    emulator = new EmulatorProcess('powermac-g3', []);
    const ours = await emulator.viewer();
    viewer = await serveWebViewer({ path: emulator.socket });
    const page = await browser.newPage();
    await page.goto(viewer.url);
    for (let round = 0; round < 10; round++) {
      await same(page, '#screen', ours);
      await page.reload();
    }
    await page.close();
    const bare = await fetch(viewer.url.replace(/\?.*/, ''));
    expect(bare.status).toBe(403);
  });
});

const html5Lacks = missing(chromiumFile, spiceHtml5);
describe(`spice-html5${html5Lacks && ` (needs ${html5Lacks})`}`, () => {
  it.skipIf(html5Lacks)('shows the screen pixel for pixel and types', async () => {
    emulator = new EmulatorProcess('powermac-g3', [], ',websocket=0');
    const ours = await emulator.viewer();
    const port = /WebSockets at ws:\/\/127\.0\.0\.1:(\d+)/.exec(emulator.errors)![1]!;
    files = createServer((request, response) => {
      const path = join('/usr/share/spice-html5', normalize(new URL(request.url!, 'http://x').pathname));
      if (!existsSync(path)) return void response.writeHead(404).end();
      const type = path.endsWith('.js') ? 'text/javascript' : path.endsWith('.css') ? 'text/css' : 'text/html';
      response.writeHead(200, { 'Content-Type': type });
      createReadStream(path).pipe(response);
    });
    await new Promise<void>((resolve) => files!.listen(0, '127.0.0.1', resolve));
    const origin = `http://127.0.0.1:${(files.address() as AddressInfo).port}`;
    const page = await browser.newPage();
    await page.goto(`${origin}/spice_auto.html?host=127.0.0.1&port=${port}`);
    await typeAndCompare(page, '#display_0, canvas', ours);
    await page.close();
  });
});
