// SPDX-License-Identifier: MIT
//
// An Archimedes with RISC OS 3.10, driven by keyboard and mouse, and read with the system font of the ROM.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { defaultConfig } from '../../frontends/cli/machine-options.ts';
import { readImage } from '../../frontends/host/files.ts';
import { NodeMachineHost } from '../../frontends/host/node-machine-host.ts';
import { writePng } from '../../frontends/host/png.ts';
import type { KeyCode, Picture } from '../../machines/backplane/host.ts';
import type { Machine, MachineConfig } from '../../machines/backplane/machine.ts';
import { LocalChannel, MachineSession } from '../../machines/backplane/session.ts';
import { type BitmapFont, FontLearner, type GridOrigin, textOf } from '../../machines/devices/display/screen-text.ts';
import { machineNamed } from '../../machines/registry.ts';
import { originalRom } from './inputs.ts';

export const riscOs310 = originalRom('riscos-3.10.rom');

/** 2001-03-24T12:00:00Z */
const START_SECONDS = 985_435_200;
/** Virtual seconds that anything may take. */
const PATIENCE = 120;
/** What a count of the mouse moves the pointer by, in pixels of the desktop's mode, with MouseStep 3. */
const PIXELS_PER_COUNT = 1.5;
/** Every printable character, as one line and a bit in 80 columns. */
const PRINTABLE = String.fromCharCode(...Array.from({ length: 94 }, (_, i) => 33 + i));
const COLUMNS = 80;
/** Keys that come and go faster than this are sometimes not noticed. */
const KEY_SECONDS = 0.05;
const VGA_LINES = 480;

let learned: BitmapFont | undefined;

export class RiscOs {
  readonly machine: Machine;
  readonly session: MachineSession;

  constructor(name = 'archimedes', changes: Partial<MachineConfig> = {}, stateFolder?: string) {
    const definition = machineNamed(name);
    const host = new NodeMachineHost({ startSeconds: START_SECONDS, stateFolder });
    const config = { ...defaultConfig(definition), roms: [readImage(riscOs310.path!, name)], ...changes };
    this.machine = definition.build(host, config);
    this.session = new MachineSession(new LocalChannel(this.machine));
  }

  /** Runs until the icon bar is there, with nothing moving. */
  async toDesktop(): Promise<void> {
    await this.until('the desktop', async () => {
      const picture = await this.session.screenshot();
      return picture !== undefined && picture.width >= 640 && isIconBar(picture);
    });
    await this.session.runFor(3);
  }

  /** F12: the star prompt below the desktop. */
  async toCommandLine(): Promise<void> {
    await this.font();
    await this.tap('F12');
    await this.until('the star prompt', async () => /^\*_?$/m.test(await this.text()));
  }

  /** Polls every half second of virtual time. */
  async until(what: string, condition: () => Promise<boolean>, seconds = PATIENCE): Promise<void> {
    for (let waited = 0; waited < seconds; waited += 0.5) {
      if (await condition()) return;
      await this.session.runFor(0.5);
    }
    await this.keepPicture(`no ${what}`);
    expect.fail(`${what} did not come in ${seconds} s:\n${learned === undefined ? '' : await this.text()}`);
  }

  async tap(...codes: KeyCode[]): Promise<void> {
    for (const code of codes) {
      await this.session.key(code, true);
      await this.session.runFor(0.08);
    }
    for (const code of codes.reverse()) {
      await this.session.key(code, false);
      await this.session.runFor(0.08);
    }
  }

  /** Types a command and waits for the prompt after it. */
  async command(line: string, prompt = '*'): Promise<string> {
    const before = await this.text();
    await this.session.type(`${line}\n`, KEY_SECONDS);
    let after = '';
    await this.until(`the end of ${line}`, async () => {
      after = await this.text();
      const last = after.trimEnd().split('\n').at(-1)!;
      return after !== before && (last === prompt || last === `${prompt}_`) && after.includes(line.slice(0, 20));
    });
    return after.slice(Math.max(0, after.lastIndexOf(`${prompt}${line}`)));
  }

  /** Moves the pointer to a pixel, from the corner at the bottom left where it is certain to be. */
  async point(x: number, y: number): Promise<void> {
    const { height } = (await this.session.screenshot())!;
    for (let i = 0; i < 40; i++) await this.#move(-60, 60);
    const right = Math.round(x / PIXELS_PER_COUNT);
    const up = Math.round((height - y) / PIXELS_PER_COUNT);
    for (let at = 0; at < Math.max(right, up); at += 8) {
      await this.#move(Math.min(8, Math.max(0, right - at)), -Math.min(8, Math.max(0, up - at)));
    }
    await this.session.runFor(0.2);
  }

  async #move(dx: number, dy: number): Promise<void> {
    await this.session.pointer(dx, dy, 0);
    await this.session.runFor(0.04);
  }

  /** Presses buttons at the pointer: 1 select, 2 adjust, 4 menu. */
  async click(buttons = 1): Promise<void> {
    await this.session.pointer(0, 0, buttons);
    await this.session.runFor(0.1);
    await this.session.pointer(0, 0, 0);
    await this.session.runFor(0.2);
  }

  /** The screen's text, where its lines and characters are in the grid of 8 by 16 or, in VGA modes, 8 by 8 pixels. */
  async text(origin?: GridOrigin): Promise<string> {
    const picture = await this.session.screenshot();
    if (picture === undefined) return '';
    const font = await this.font();
    return textOf(picture, picture.height === VGA_LINES ? single(font) : font, origin).join('\n');
  }

  /** Whether text stands anywhere on the screen, at any pixel. */
  async shows(text: string): Promise<boolean> {
    for (let top = 0; top < 16; top++) {
      for (let left = 0; left < 8; left++) if ((await this.text({ left, top })).includes(text)) return true;
    }
    return false;
  }

  /** The system font, which a machine of its own prints once. */
  async font(): Promise<BitmapFont> {
    if (learned !== undefined) return learned;
    const teacher = new RiscOs();
    await teacher.toDesktop();
    const { session } = teacher;
    await teacher.tap('F12');
    await session.runFor(1);
    await session.type('basic\n');
    await session.runFor(3);
    await session.type('CLS:FOR I%=33 TO 126:VDU I%:NEXT\n');
    await session.runFor(10);
    const learner = new FontLearner(8, 16);
    learner.learn((await session.screenshot())!, [PRINTABLE.slice(0, COLUMNS), PRINTABLE.slice(COLUMNS)]);
    await session.close();
    return (learned = learner.font);
  }

  /** Leaves the screen as a PNG where EMERITUS_PICTURES says, to be looked at. */
  async keepPicture(name: string): Promise<void> {
    const folder = process.env['EMERITUS_PICTURES'];
    const picture = await this.session.screenshot();
    if (folder === undefined || picture === undefined) return;
    mkdirSync(folder, { recursive: true });
    writePng(join(folder, `${name.replaceAll(/\W+/g, '-')}.png`), picture);
  }
}

/** The font of a mode whose lines are not shown twice. */
const single = ({ width, height, glyphs }: BitmapFont): BitmapFont => ({
  width,
  height: height / 2,
  glyphs: glyphs.map(({ char, rows }) => ({ char, rows: rows.filter((_, y) => y % 2 === 0) })),
});

/** The desktop is grey, the icon bar below it light grey. */
function isIconBar({ width, height, rgba }: Picture): boolean {
  const grey = (x: number, y: number): number | undefined => {
    const [r, g, b] = rgba.subarray((y * width + x) * 4);
    return r === g && g === b ? r : undefined;
  };
  return grey(10, 10) === 0x77 && grey(Math.floor(width / 2), height - 20) === 0xdd;
}
