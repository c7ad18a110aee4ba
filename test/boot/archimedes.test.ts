// SPDX-License-Identifier: MIT
//
// RISC OS 3.10: the desktop, its command line and BASIC, the RAM disc by mouse, floppies of ADFS's formats.
import { copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { guest, missing } from '../support/inputs.ts';
import { RiscOs, riscOs310 } from '../support/risc-os.ts';

const folder = mkdtempSync(join(tmpdir(), 'emeritus-archimedes-'));
afterAll(() => rmSync(folder, { recursive: true }));

const lacksRom = missing(riscOs310);
describe(`RISC OS 3.10${lacksRom && ` (needs ${lacksRom})`}`, { timeout: 300_000 }, () => {
  it.skipIf(lacksRom)('reaches the desktop', async () => {
    const arc = new RiscOs();
    await arc.toDesktop();
    await arc.keepPicture('desktop');
    expect(await arc.shows('Apps')).toBe(true);
    expect(await arc.shows(':0')).toBe(true);
    await arc.session.close();
  });

  it.skipIf(lacksRom)('answers *Help at the star prompt, and BASIC knows pi', async () => {
    const arc = new RiscOs();
    await arc.toDesktop();
    await arc.toCommandLine();
    const help = await arc.command('help help');
    expect(help).toContain('==> Help on keyword Help\n*Help <subjects> attempts to give useful information');
    expect(help).toContain('Modules         List the module titles');
    await arc.command('basic', '>');
    expect(await arc.text()).toContain('ARM BBC BASIC V version 1.05 (C) Acorn 1989');
    expect(await arc.command('PRINT PI', '>')).toContain('PRINT PI\n3.14159265');
    await arc.keepPicture('basic');
    await arc.command('QUIT');
    // Return alone goes back to the desktop.
    await arc.session.type('\n');
    await arc.toDesktop();
    await arc.session.close();
  });

  it.skipIf(lacksRom)('runs BASIC in a task window of the desktop', async () => {
    const arc = new RiscOs();
    await arc.toDesktop();
    await arc.tap('ControlLeft', 'F12');
    await arc.until('the task window', () => arc.shows('Task window'), 20);
    await arc.session.type('basic\nPRINT PI\n', 0.1);
    // The caret of the line below covers parts of the first characters.
    await arc.until('pi in it', () => arc.shows('14159265'), 20);
    await arc.keepPicture('task window');
    expect(await arc.shows('Apps')).toBe(true);
    await arc.session.close();
  });

  it.skipIf(lacksRom)('opens the RAM disc from the icon bar, which its settings have after a restart', async () => {
    const state = mkdtempSync(join(folder, 'state-'));
    const first = new RiscOs('archimedes', {}, state);
    await first.toDesktop();
    expect(await first.shows('RAM')).toBe(false);
    await first.toCommandLine();
    await first.command('configure ramfssize 256k');
    await first.session.close();

    const arc = new RiscOs('archimedes', {}, state);
    await arc.toDesktop();
    expect(await arc.shows('RAM')).toBe(true);
    await arc.point(128, 478);
    await arc.click();
    await arc.until("the RAM disc's window", () => arc.shows('RAM::RamDisc0.$'), 10);
    await arc.keepPicture('ram disc');
    await arc.toCommandLine();
    expect(await arc.command('cat ram:')).toContain('Dir. RAM::RamDisc0.$ Option 00 (Off)');
    await arc.session.close();
  });

  it.skipIf(lacksRom)('goes on from a snapshot', async () => {
    const first = new RiscOs();
    await first.toDesktop();
    const snapshot = await first.session.save();
    const second = new RiscOs();
    await second.session.restore(snapshot);
    for (const one of [first, second]) {
      await one.toCommandLine();
      await one.command('help help');
    }
    expect(await second.text()).toBe(await first.text());
  });
});

const FLOPPIES = [
  { image: 'ADFS S 160K.adf', title: '0' },
  { image: 'ADFS M 320K.adf', title: '0' },
  { image: 'ADFS L 640K.adl', title: '0' },
  { image: 'ADFS D 800K.adl', title: 'ADFSD' },
  { image: 'ADFS E 800K.adl', title: 'ADFSE' },
];
describe('floppies', { timeout: 300_000 }, () => {
  for (const { image, title } of FLOPPIES) {
    const input = guest(join('adfs-images', image), 'the test images of OpenAcornExplorer');
    const lacks = missing(riscOs310, input);
    it.skipIf(lacks)(`are catalogued and written: ${image}${lacks && ` (needs ${lacks})`}`, async () => {
      const copy = join(folder, image);
      copyFileSync(input.path!, copy);
      const media = [{ kind: 'floppy' as const, spec: copy }];
      const first = new RiscOs('archimedes', { media });
      await first.toDesktop();
      await first.toCommandLine();
      const catalogue = await first.command('cat adfs::0.$');
      expect(catalogue).toContain(`Dir. ADFS::${title}.$ Option 00 (Off)`);
      expect(catalogue).toMatch(/Test1 +WR\/ +Test2 +WR\/ +Test3 +WR\/\nTestDir +DL?\//);
      // The first kilobyte of the ROM.
      await first.command('save adfs::0.$.Saved 3800000 +400');
      expect(await first.command('cat adfs::0.$')).toMatch(/Saved +WR\/ +Test1/);
      await first.keepPicture(image);
      await first.session.close();

      const saved = readFileSync(riscOs310.path!).subarray(0, 0x400);
      expect(readFileSync(copy).includes(saved)).toBe(true);
      expect(readFileSync(input.path!).includes(saved)).toBe(false);
      const second = new RiscOs('archimedes', { media });
      await second.toDesktop();
      await second.toCommandLine();
      expect(await second.command('info adfs::0.$.Saved')).toMatch(/Saved +WR\/ .* 1024 /);
      await second.session.close();
    });
  }

  const full = guest(join('adfs-images', 'ADFS L 640K Stress.adl'), 'the test images of OpenAcornExplorer');
  const lacksFull = missing(riscOs310, full);
  it.skipIf(lacksFull)(`a full directory stays as it is${lacksFull && ` (needs ${lacksFull})`}`, async () => {
    const copy = join(folder, 'full.adl');
    copyFileSync(full.path!, copy);
    const arc = new RiscOs('archimedes', { media: [{ kind: 'floppy', spec: copy }] });
    await arc.toDesktop();
    await arc.toCommandLine();
    expect(await arc.command('save adfs::0.$.Saved 3800000 +400')).toContain('Directory full');
    await arc.session.close();
    expect(readFileSync(copy).equals(readFileSync(full.path!))).toBe(true);
  });
});
