// SPDX-License-Identifier: MIT
//
// RISC OS 3.10 on the models: memory sizes, hard disks, floppies of the A5000, printer and serial port.
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { adfsDisc } from '../support/adfs-disc.ts';
import { guest, missing } from '../support/inputs.ts';
import { RiscOs, riscOs310 } from '../support/risc-os.ts';

const MIB = 1 << 20;
const folder = mkdtempSync(join(tmpdir(), 'emeritus-archimedes-models-'));
afterAll(() => rmSync(folder, { recursive: true }));

const lacksRom = missing(riscOs310);
const lacks = lacksRom && ` (needs ${lacksRom})`;

const A440 = 'archimedes-a440';
const A5000 = 'archimedes-a5000';

async function toBasic(arc: RiscOs): Promise<void> {
  await arc.toDesktop();
  await arc.toCommandLine();
  await arc.command('basic', '>');
}

describe(`memory${lacks}`, { timeout: 300_000 }, () => {
  const sizes = [1, 2, 4, 8, 12, 16].map((mib) => ['archimedes', mib] as const);
  const others = [
    ['archimedes-a310', 1],
    [A440, 4],
    ['archimedes-a3000', 1],
    [A5000, 4],
  ] as const;
  it.skipIf(lacksRom).each([...sizes, ...others, [A5000, 2], [A5000, 16]] as const)(
    'is all found on %s with %s MiB',
    async (name, mib) => {
      const arc = new RiscOs(name, { ramBytes: mib * MIB });
      await toBasic(arc);
      const line = 'SYS "OS_ReadMemMapInfo" TO A%,B%:PRINT A%*B%/1024';
      const said = await arc.command(line, '>');
      expect(said.split('\n').map((one) => one.trim())).toContain(String(mib * 1024));
      await arc.keepPicture(`${name} ${mib}`);
      await arc.session.close();
    },
  );
});

it.skipIf(lacksRom)(`the cache of an ARM3 is switched on and off${lacks}`, { timeout: 300_000 }, async () => {
  const arc = new RiscOs(A5000);
  await arc.toDesktop();
  await arc.toCommandLine();
  expect(await arc.command('cache')).toContain('Cache on');
  await arc.command('cache off');
  expect(await arc.command('cache')).toContain('Cache off');
  await arc.session.close();
});

describe(`hard disks${lacks}`, { timeout: 300_000 }, () => {
  it.skipIf(lacksRom).each([
    { name: A440, setting: 'harddiscs', sectorBytes: 256 },
    { name: A5000, setting: 'idediscs', sectorBytes: 512 },
  ] as const)('$name reads and writes one', async ({ name, setting, sectorBytes }) => {
    const image = join(folder, `${name}.img`);
    writeFileSync(image, adfsDisc({ sectorBytes, sectorsPerTrack: 32, heads: 4, name: 'Emeritus' }));
    const state = mkdtempSync(join(folder, 'state-'));
    const media = [{ kind: 'disk' as const, spec: image }];
    const first = new RiscOs(name, { media }, state);
    await first.toDesktop();
    await first.toCommandLine();
    await first.command(`configure ${setting} 1`);
    await first.session.close();

    const second = new RiscOs(name, { media }, state);
    await second.toDesktop();
    await second.keepPicture(`${name} disk`);
    await second.toCommandLine();
    expect(await second.command('cat adfs::4.$')).toContain('Dir. ADFS::Emeritus.$ Option 00 (Off)');
    // 64 KiB of ROM: more than a track, and than any buffer.
    await second.command('save adfs::4.$.Saved 3800000 +10000');
    expect(await second.command('checkmap :4')).toContain('Map good');
    await second.command('copy adfs::4.$.Saved adfs::4.$.Copied ~C~V');
    expect(await second.command('cat adfs::4.$')).toMatch(/Copied +WR\/ +Saved +WR\//);
    await second.session.close();
    const saved = readFileSync(riscOs310.path!).subarray(0, 0x1_0000);
    const disc = readFileSync(image);
    const where = disc.indexOf(saved);
    expect(where).toBeGreaterThan(0);
    expect(disc.indexOf(saved, where + 1)).toBeGreaterThan(where);
  });
});

describe('floppies of the A5000', { timeout: 300_000 }, () => {
  for (const { image, title } of [
    { image: 'ADFS S 160K.adf', title: '0' },
    { image: 'ADFS L 640K.adl', title: '0' },
    { image: 'ADFS E 800K.adl', title: 'ADFSE' },
    { image: 'ADFS F 1600K.adl', title: 'ADFSF' },
  ]) {
    const input = guest(join('adfs-images', image), 'the test images of OpenAcornExplorer');
    const lacking = missing(riscOs310, input);
    it.skipIf(lacking)(`are catalogued and written: ${image}${lacking && ` (needs ${lacking})`}`, async () => {
      const copy = join(folder, image);
      copyFileSync(input.path!, copy);
      const arc = new RiscOs(A5000, { media: [{ kind: 'floppy', spec: copy }] });
      await arc.toDesktop();
      await arc.toCommandLine();
      const catalogue = await arc.command('cat adfs::0.$');
      expect(catalogue).toContain(`Dir. ADFS::${title}.$ Option 00 (Off)`);
      await arc.command('save adfs::0.$.Saved 3800000 +1400');
      expect(await arc.command('cat adfs::0.$')).toMatch(/Saved +WR\/ +Test1/);
      await arc.session.close();
      const disc = readFileSync(copy);
      const rom = readFileSync(riscOs310.path!);
      for (let at = 0; at < 0x1400; at += 0x100)
        expect(disc.indexOf(rom.subarray(at, at + 0x100)), `${at}`).not.toBe(-1);
    });
  }
});

describe(`ports${lacks}`, { timeout: 300_000 }, () => {
  it.skipIf(lacksRom).each(['archimedes', A5000])('print, send and receive on %s', async (name) => {
    const arc = new RiscOs(name);
    const sent = ['', ''];
    arc.session.onEvent((event) => {
      if (event.event === 'serial') sent[event.port] += Buffer.from(event.bytes).toString('latin1');
    });
    await toBasic(arc);
    await arc.command('*FX 5,1', '>');
    await arc.command('VDU 2:PRINT "Printed":VDU 3', '>');
    await arc.until('the printer', () => Promise.resolve(sent[1] !== ''), 10);
    expect(sent[1]).toBe('Printed\r');
    // 9600 baud both ways; output goes to the serial port too, then input comes from there.
    for (const line of ['*FX 8,7', '*FX 7,7', '*FX 3,1', 'PRINT "Sent"', '*FX 3,0']) await arc.command(line, '>');
    expect(sent[0]).toContain('Sent\n\r');
    await arc.command('*FX 2,1', '>');
    await arc.session.serial('PRINT 6*7\r');
    await arc.until('the received line', async () => /^ +42$/m.test(await arc.text()), 10);
    await arc.session.close();
  });
});
