// SPDX-License-Identifier: MIT
//
// Browsers in front of `emeritus boot --display spice`: our page in Chromium and Firefox, and Debian's spice-html5 over
// a WebSocket port. Needs the built command (npm run build).
import { type ChildProcess, spawn } from 'node:child_process';
import { type Browser, chromium } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Picture } from '../../machines/backplane/host.ts';
import { type Keystroke, keystroke } from '../../machines/backplane/us-keyboard.ts';
import { CHROMIUM_FLAGS } from '../support/browser.ts';
import { Firefox } from '../support/firefox.ts';
import { debianFile, guest, type Input, missing } from '../support/inputs.ts';
import { EmulatorProcess, ended, linuxOptions, linuxReady, TYPED, typeLine } from '../support/screen-lab.ts';
import { type TestViewer, until } from '../support/spice.ts';
import { type Html5Site, serveSpiceHtml5, spiceHtml5 } from '../support/spice-html5.ts';

const chromiumFile = debianFile('/usr/bin/chromium', 'chromium');
const firefoxFile = debianFile('/usr/bin/firefox-esr', 'firefox-esr');
const openBios = debianFile('/usr/share/qemu/openbios-ppc', 'qemu-system-data');
const kernel = guest('linux-ppc/vmlinux.gz', 'test/guests/build-linux.sh ppc DIR');
const initrd = guest('linux-ppc/initrd.cpio.gz', 'test/guests/build-linux.sh ppc DIR');

/** A browser with one page. */
interface Tab {
  goto(url: string): Promise<void>;
  evaluate(expression: string): Promise<unknown>;
  click(x: number, y: number): Promise<void>;
  type(text: string): Promise<void>;
  close(): Promise<void>;
}

const KEY_MS = 60;
/** The keys of a text and Enter, as a person presses them. */
const strokes = (text: string): Keystroke[] => [...text, '\n'].map((character) => keystroke(character)!);

let browser: Browser | undefined;
const children: ChildProcess[] = [];
const tabs: Tab[] = [];

async function chromiumTab(): Promise<Tab> {
  browser ??= await chromium.launch({ executablePath: chromiumFile.path!, args: CHROMIUM_FLAGS, timeout: 120_000 });
  const page = await browser.newPage();
  page.setDefaultTimeout(120_000);
  return {
    goto: async (url) => void (await page.goto(url)),
    evaluate: (expression) => page.evaluate(expression),
    click: (x, y) => page.mouse.click(x, y),
    type: async (text) => {
      for (const { code, shift } of strokes(text)) {
        if (shift) await page.keyboard.down('ShiftLeft');
        await page.keyboard.press(code, { delay: KEY_MS });
        if (shift) await page.keyboard.up('ShiftLeft');
      }
    },
    close: () => page.close(),
  };
}

async function firefoxTab(): Promise<Tab> {
  const firefox = await Firefox.start(firefoxFile.path!);
  return {
    goto: (url) => firefox.goto(url),
    evaluate: (expression) => firefox.evaluate(expression),
    click: (x, y) => firefox.click(x, y),
    type: (text) => firefox.type(text, KEY_MS),
    close: () => firefox.close(),
  };
}

/** Starts `emeritus view --web`; gives the address it prints. */
async function viewAddress(emulator: EmulatorProcess): Promise<string> {
  const words = ['bin/emeritus', 'view', '--web', `spice+unix://${emulator.socket}`];
  const view = spawn(process.execPath, words, { stdio: ['ignore', 'pipe', 'inherit'] });
  children.push(view);
  let said = '';
  view.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
  await until(() => said.includes('token='), 'the viewer tells its address', 120);
  return /http:\S+/.exec(said)![0];
}

let files: Html5Site | undefined;

/** The address of spice-html5's page for the emulator's WebSocket port. */
async function html5Address(emulator: EmulatorProcess): Promise<string> {
  const port = /WebSockets at ws:\/\/127\.0\.0\.1:(\d+)/.exec(emulator.errors)![1]!;
  files ??= await serveSpiceHtml5();
  return files.address(Number(port));
}

/** The canvas's size and place and, as base64, its pixels. */
const canvasOf = (selector: string): string => `(() => {
  const canvas = document.querySelector(${JSON.stringify(selector)});
  if (canvas === null || canvas.width === 0) return null;
  const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  let binary = '';
  for (let at = 0; at < data.length; at += 0x8000) binary += String.fromCharCode(...data.subarray(at, at + 0x8000));
  const { left, top } = canvas.getBoundingClientRect();
  return { width: canvas.width, height: canvas.height, left, top, base64: btoa(binary) };
})()`;

interface Canvas extends Picture {
  readonly left: number;
  readonly top: number;
}

async function canvas(tab: Tab, selector: string): Promise<Canvas | undefined> {
  const found = (await tab.evaluate(canvasOf(selector))) as (Canvas & { base64: string }) | null;
  return found === null ? undefined : { ...found, rgba: new Uint8Array(Buffer.from(found.base64, 'base64')) };
}

/** Waits until the page's canvas is what our own viewer shows. */
async function same(tab: Tab, selector: string, ours: TestViewer): Promise<Canvas> {
  let picture: Canvas | undefined;
  await until(
    async () => ours.shows((picture = await canvas(tab, selector))),
    () => `the page shows the screen, and not ${picture?.width}x${picture?.height} of something else`,
    120,
  );
  return picture!;
}

const pages: readonly [
  string,
  readonly Input[],
  () => Promise<Tab>,
  (e: EmulatorProcess) => Promise<string>,
  string,
][] = [
  ['the web viewer in Chromium', [chromiumFile], chromiumTab, viewAddress, '#screen'],
  ['the web viewer in Firefox', [firefoxFile], firefoxTab, viewAddress, '#screen'],
  ['spice-html5', [chromiumFile, spiceHtml5], chromiumTab, html5Address, '#display_0, canvas'],
];
/** Each serves all pages, one after the other. */
const guests: readonly [string, readonly string[], readonly Input[], string][] = [
  ['the built-in Open Firmware', [], [], '1 2 + .'],
  ['OpenBIOS', ['--firmware', openBios.path ?? ''], [openBios], '1 2 + .'],
  ['the Linux console', linuxOptions(kernel, initrd), [kernel, initrd], TYPED],
];

afterEach(async () => {
  for (const tab of tabs.splice(0)) await tab.close();
  for (const child of children.splice(0)) {
    child.kill('SIGKILL');
    await ended(child);
  }
});
afterAll(async () => {
  files?.close();
  await browser?.close();
});

for (const [guestName, options, inputs, text] of guests) {
  const lacks = missing(...inputs);
  describe(`At ${guestName} of powermac-g3${lacks && ` (needs ${lacks})`}`, () => {
    let emulator: EmulatorProcess;
    let ours: TestViewer;
    beforeAll(async () => {
      if (lacks) return;
      emulator = new EmulatorProcess('powermac-g3', options, ',websocket=0');
      ours = await emulator.viewer();
      if (text === TYPED) await linuxReady(ours);
    });
    afterAll(async () => {
      ours?.client.close();
      await emulator?.stop();
    });

    for (const [pageName, needs, open, address, selector] of pages) {
      const misses = missing(...inputs, ...needs);
      it.skipIf(misses)(
        `${pageName} shows the screen pixel for pixel and types${misses && ` (needs ${misses})`}`,
        async () => {
          const tab = await open();
          tabs.push(tab);
          await tab.goto(await address(emulator));
          const { left, top } = await same(tab, selector, ours);
          const type = async (line: string): Promise<void> => {
            await tab.click(Math.round(left) + 300, Math.round(top) + 300);
            await tab.type(line);
          };
          await typeLine(ours, text, type, () => pageName);
          const agree = async (): Promise<boolean> =>
            ours.shows(await emulator.picture(ours)) && ours.shows(await canvas(tab, selector));
          await until(agree, 'the page, the emulator and our own viewer agree', 120);
        },
      );
    }

    const misses = missing(...inputs, chromiumFile);
    it.skipIf(misses || text === TYPED || options.length > 0)(
      'the web viewer comes back ten times, for one browser',
      async () => {
        const tab = await chromiumTab();
        tabs.push(tab);
        const url = await viewAddress(emulator);
        await tab.goto(url);
        for (let round = 0; round < 10; round++) {
          await same(tab, '#screen', ours);
          await tab.goto(url.replace(/\?.*/, ''));
        }
        await same(tab, '#screen', ours);
        const consoles = '[...document.querySelectorAll("summary")].map((one) => one.textContent).join(" ")';
        await until(async () => (await tab.evaluate(consoles)) === 'console.serial.0.0 console.serial.1.0 monitor.0');
        // The address worked once.
        for (const used of [url, url.replace(/\?.*/, '')]) expect((await fetch(used)).status).toBe(403);
      },
    );
  });
}
