// SPDX-License-Identifier: MIT
//
// The web viewer's page in Chromium in front of a machine that has what powermac-g3 lacks: sound, an absolute
// pointer, a wheel. Needs the built page (npm run build).
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { openOpus } from '../../frontends/host/libopus.ts';
import { type Listener, listenTcp, listenWebSocket } from '../../frontends/spice/listeners.ts';
import { serveWebViewer, type WebViewer } from '../../frontends/web/server.ts';
import { CHROMIUM_FLAGS } from '../support/browser.ts';
import { debianFile, debianLibrary, missing } from '../support/inputs.ts';
import { SpiceBench, until } from '../support/spice.ts';
import { serveSpiceHtml5, spiceHtml5 } from '../support/spice-html5.ts';

const chromiumFile = debianFile('/usr/bin/chromium', 'chromium');
const libopus = debianFile(debianLibrary('libopus.so.0'), 'libopus0');
const lacks = missing(chromiumFile);

let browser: Browser;
let made: SpiceBench;
let listener: Listener;
let viewer: WebViewer;
let page: Page;

/** Keeps what the page gives the browser to be heard. */
const LISTEN = `
  globalThis.heard = [];
  const { start } = AudioBufferSourceNode.prototype;
  AudioBufferSourceNode.prototype.start = function (when) {
    globalThis.heard.push(...this.buffer.getChannelData(0));
    return start.call(this, when);
  };`;

/** Waits until an expression is true in the page, which does not let others evaluate text later. */
async function becomes(expression: string): Promise<void> {
  await until(async () => (await page.evaluate(expression)) === true, expression);
}

beforeAll(async () => {
  if (lacks) return;
  browser = await chromium.launch({
    executablePath: chromiumFile.path!,
    timeout: 120_000,
    args: [...CHROMIUM_FLAGS, '--autoplay-policy=no-user-gesture-required'],
  });
});
afterAll(() => browser?.close());

describe(`the web viewer's page${lacks && ` (needs ${lacks})`}`, () => {
  beforeAll(async () => {
    if (lacks) return;
    made = new SpiceBench();
    made.machine.show({ width: 320, height: 200 });
    made.machine.paint(0, 200, 0x40);
    listener = await listenTcp(made.server, { host: '127.0.0.1', port: 0 });
    viewer = await serveWebViewer({ host: '127.0.0.1', port: listener.port });
    page = await browser.newPage();
    page.setDefaultTimeout(120_000);
    await page.addInitScript(LISTEN);
    await page.goto(viewer.url);
    await until(() => made.server.viewers === 1, 'the page is connected', 120);
    await becomes('document.getElementById("screen").width === 320');
  });
  afterEach(() => {
    if (lacks) return;
    made.machine.pointer.absolute = false;
    made.machine.moves.length = made.machine.places.length = made.machine.keys.length = 0;
  });
  afterAll(async () => {
    viewer?.close();
    listener?.close();
    made?.close();
  });

  it.skipIf(lacks)('plays sound once the user wants it', async () => {
    await page.locator('#sound').click();
    await becomes('document.getElementById("sound").textContent === "Sound: on"');
    // What a page has no time for is not heard: on a busy computer it may take more than one beep to hear one whole.
    let heard: number[] = [];
    let rises = 0;
    const whole = async (): Promise<boolean> => {
      await page.evaluate('heard.length = 0');
      made.machine.beep(400, 0.3);
      // All that comes of this one, so that it is not taken for the next.
      for (let before = -1; heard.length === 0 || heard.length !== before;) {
        before = heard.length;
        await new Promise((resolve) => setTimeout(resolve, 1000));
        heard = (await page.evaluate('heard')) as number[];
        if (before === 0 && heard.length === 0) return false;
      }
      rises = heard.filter((sample, i) => i > 0 && sample >= 0 && heard[i - 1]! < 0).length;
      return heard.length > 48_000 * 0.29 && Math.abs(rises - (heard.length / 48_000) * 400) <= 1;
    };
    await until(whole, () => `a beep is heard whole, not ${heard.length} samples with ${rises} waves`, 120);
    expect(Math.abs(Math.max(...heard) - 8000 / 32_768)).toBeLessThan(0.05);
  });

  it.skipIf(lacks)('points and turns the wheel on a machine that is told where the pointer is', async () => {
    const { machine } = made;
    machine.pointer.absolute = true;
    await page.waitForSelector('#screen.absolute');
    const box = (await page.locator('#screen').boundingBox())!;
    await page.mouse.move(box.x + 319, box.y + 0);
    await until(
      () => machine.places.some(({ x, y, buttons }) => x === 1 && y === 0 && buttons === 0),
      () => `the machine knows the place: ${JSON.stringify(machine.places)}`,
    );
    await page.mouse.down({ button: 'right' });
    await until(() => machine.places.at(-1)!.buttons === 2, 'the button is down');
    await page.mouse.up({ button: 'right' });
    await page.mouse.wheel(0, 300);
    await until(() => machine.wheel === -3, 'the wheel has turned');
  });

  it.skipIf(lacks)('gives the mouse to a machine that is told how far it moves', async () => {
    const { machine } = made;
    await page.waitForSelector('#screen:not(.absolute)');
    await page.locator('#screen').click({ position: { x: 50, y: 50 } });
    await becomes('document.pointerLockElement !== null');
    const box = (await page.locator('#screen').boundingBox())!;
    await page.mouse.move(box.x + 60, box.y + 57);
    await until(() => machine.moves.some(({ dx }) => dx !== 0), 'the mouse has moved');
    await page.evaluate('document.exitPointerLock()');
    expect(machine.places).toEqual([]);
  });

  it.skipIf(lacks)('presses keys by their place, and lets go of them when it loses the focus', async () => {
    const { machine } = made;
    await page.locator('#screen').focus();
    await page.keyboard.down('KeyA');
    await until(() => machine.keys.length === 1, 'the key is down');
    await page.evaluate('document.getElementById("screen").blur()');
    await until(() => machine.keys.length === 2, 'the key is up');
    await page.keyboard.up('KeyA');
    await page.locator('[data-keys="ControlLeft AltLeft F1"]').click();
    await until(() => machine.keys.length === 8, 'the button has pressed keys');
    const chord = ['+ControlLeft', '+AltLeft', '+F1', '-F1', '-AltLeft', '-ControlLeft'];
    expect(machine.keys).toEqual(['+KeyA', '-KeyA', ...chord]);
  });

  it.skipIf(lacks)('has consoles, a screenshot, fitting and full screen', async () => {
    const details = page.locator('details');
    expect(await details.locator('summary').allTextContents()).toEqual(['console.serial.0.0']);
    await details.locator('summary').click();
    made.port.output(Buffer.from('login: \x1b[1mhi\x1b[0m\r\n'));
    await becomes('document.querySelector("pre").textContent === "login: hi\\n"');
    await page.locator('pre').focus();
    await page.keyboard.type('root');
    await page.keyboard.press('Enter');
    const line = made.machine.serial[0]!;
    let received = '';
    await until(
      () => {
        for (let byte = line.receive(); byte >= 0; byte = line.receive()) received += String.fromCharCode(byte);
        return received === 'root\r';
      },
      () => `the line has got ${JSON.stringify(received)}`,
    );
    const download = page.waitForEvent('download');
    await page.locator('#screenshot').click();
    expect((await download).suggestedFilename()).toBe('screen.png');
    await page.locator('#fit').check();
    await page.waitForSelector('#screen.fit');
    await page.locator('#fit').uncheck();
    await page.locator('#fullscreen').click();
    await becomes('document.fullscreenElement !== null');
    await page.evaluate('document.exitFullscreen()');
  });
});

const html5Lacks = missing(chromiumFile, spiceHtml5, libopus);
describe(`spice-html5${html5Lacks && ` (needs ${html5Lacks})`}`, () => {
  it.skipIf(html5Lacks)('plays sound, which it takes as Opus only', async () => {
    const site = await serveSpiceHtml5();
    const bench = new SpiceBench({ sound: { opus: openOpus() } });
    bench.machine.show({ width: 320, height: 200 });
    bench.machine.paint(0, 200, 0x40);
    const listens = await listenWebSocket(bench.server, { host: '127.0.0.1', port: 0 }, { anyOrigin: false });
    const tab = await browser.newPage();
    try {
      tab.setDefaultTimeout(120_000);
      // It makes its player with the first sound, and plays what comes when the player is ready. Where a busy computer
      // has made gaps its player stays behind: another try is another page.
      const played = 'Math.max(0, ...[...document.querySelectorAll("audio")].map((audio) => audio.currentTime))';
      const hears = async (): Promise<boolean> => {
        await tab.goto('about:blank');
        await until(() => bench.server.viewers === 0, 'no page is connected', 120);
        await tab.goto(site.address(listens.port));
        await until(() => bench.server.viewers === 1, 'the page is connected', 120);
        bench.machine.beep(440, 20);
        const end = Date.now() + 15_000;
        while (Date.now() < end) if (((await tab.evaluate(played)) as number) > 0.2) return true;
        return false;
      };
      await until(hears, 'a part of a second has been played', 300);
      expect(bench.lines).toEqual([]);
    } finally {
      await tab.close();
      listens.close();
      bench.close();
      site.close();
    }
  });
});
