// SPDX-License-Identifier: MIT
//
// HostFS: RISC OS 3.10 reads and writes a folder of the host, and starts a game from it.
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { Picture } from '../../machines/backplane/host.ts';
import { guest, missing } from '../support/inputs.ts';
import { RiscOs, riscOs310 } from '../support/risc-os.ts';

const folder = mkdtempSync(join(tmpdir(), 'emeritus-hostfs-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** A machine at the star prompt whose host folder has what `fill` puts there, and HostFS selected. */
async function start(fill: (shared: string) => void = () => {}): Promise<{ arc: RiscOs; shared: string }> {
  const shared = mkdtempSync(join(folder, 'shared-'));
  fill(shared);
  const arc = new RiscOs('archimedes', { hostfs: shared });
  await arc.toDesktop();
  await arc.toCommandLine();
  await arc.command('hostfs');
  return { arc, shared };
}

const lacksRom = missing(riscOs310);
describe(`HostFS in RISC OS 3.10${lacksRom && ` (needs ${lacksRom})`}`, { timeout: 300_000 }, () => {
  it.skipIf(lacksRom)('reads what the host has', async () => {
    const secret = join(folder, 'secret');
    writeFileSync(secret, 'not for guests');
    const { arc } = await start((shared) => {
      writeFileSync(join(shared, 'Hello.txt'), 'Hello from the host\n');
      writeFileSync(join(shared, 'Some Picture,ff9'), Buffer.alloc(5000, 7));
      symlinkSync(secret, join(shared, 'Link'));
      mkdirSync(join(shared, 'Sub'));
      writeFileSync(join(shared, 'Sub', 'Code,00008000-00008004'), 'x');
    });
    expect(await arc.command('cat')).toMatch(/Dir\. HostFS::Host\.\$ Option 00 \(Off\)/);
    const listing = await arc.command('ex');
    expect(listing).toMatch(/Hello\/txt +WR\/R +Text +.* 20 +bytes/);
    expect(listing).toMatch(/Sprite +.* 5 Kbytes/);
    expect(listing).toMatch(/Sub +DWR\/R/);
    expect(listing).not.toContain('Link');
    // Upper and lower case are the same, as everywhere in RISC OS.
    expect(await arc.command('type HELLO/TXT')).toContain('Hello from the host');
    expect(await arc.command('info sub.c*')).toMatch(/Code +WR\/R +00008000 00008004 +1 +byte/);
    expect(await arc.command('type Link')).toContain('not found');
    expect(await arc.command('type ^.secret')).toContain('not found');
    expect(await arc.command('cat hostfs::Other.$')).toContain('Disc not found');
    await arc.session.close();
  });

  it.skipIf(lacksRom)('writes, renames, types and deletes', async () => {
    const { arc, shared } = await start((to) => {
      writeFileSync(join(to, 'Fixed,ffd'), 'fixed');
      chmodSync(join(to, 'Fixed,ffd'), 0o444);
    });
    const rom = readFileSync(riscOs310.path!);
    await arc.command('save Rom 3800000 +2345');
    const saved = readFileSync(join(shared, 'Rom,03800000-03800000'));
    expect(saved.equals(rom.subarray(0, 0x2345))).toBe(true);
    await arc.command('settype Rom data');
    await arc.command('cdir New');
    await arc.command('copy Rom New.Copy ~c~v');
    await arc.command('rename Rom New.Other/bin');
    expect(readdirSync(shared).sort()).toEqual(['Fixed,ffd', 'New']);
    expect(readdirSync(join(shared, 'New')).sort()).toEqual(['Copy,ffd', 'Other.bin,ffd']);
    expect(readFileSync(join(shared, 'New', 'Copy,ffd')).equals(saved)).toBe(true);
    expect(await arc.command('delete New')).toContain('Directory not empty');
    expect(await arc.command('rename New.Copy New.Other/bin')).toMatch(/already exists/i);
    expect(await arc.command('rename New New.Deeper')).toContain('Bad rename');
    expect(await arc.command('delete Fixed')).toMatch(/locked/i);
    expect(await arc.command('save Fixed 8000 +10')).toMatch(/locked/i);
    await arc.command('delete New.Copy');
    await arc.command('delete New.Other/bin');
    await arc.command('delete New');
    await arc.command('access Fixed WR');
    expect(statSync(join(shared, 'Fixed,ffd')).mode & 0o200).toBe(0o200);
    await arc.command('delete Fixed');
    expect(readdirSync(shared)).toEqual([]);
    await arc.session.close();
  });

  it.skipIf(lacksRom)('has random access for BASIC, across a snapshot', async () => {
    const { arc, shared } = await start();
    await arc.command('basic', '>');
    await arc.command('F%=OPENOUT"Numbers":FOR I%=0 TO 4999:BPUT#F%,I%:NEXT:PTR#F%=10000:BPUT#F%,65:CLOSE#F%', '>');
    await arc.command('F%=OPENUP"Numbers":PTR#F%=4000:BPUT#F%,255:PRINT EXT#F%', '>');
    const snapshot = await arc.session.save();
    const other = new RiscOs('archimedes', { hostfs: shared });
    await other.session.restore(snapshot);
    expect(await other.command('PTR#F%=3999:PRINT BGET#F%;BGET#F%;BGET#F%:PRINT EXT#F%', '>')).toContain('10001');
    await other.command('PTR#F%=9999:BPUT#F%,66:CLOSE#F%', '>');
    const bytes = readFileSync(join(shared, 'Numbers,ffd'));
    expect(bytes.length).toBe(10_001);
    expect([bytes[1], bytes[3999], bytes[4000], bytes[4999], bytes[5000]]).toEqual([
      1,
      3999 & 0xff,
      255,
      4999 & 0xff,
      0,
    ]);
    expect([bytes[9998], bytes[9999], bytes[10_000]]).toEqual([0, 66, 65]);
    await arc.session.close();
    await other.session.close();
  });

  it.skipIf(lacksRom)('is opened in the desktop', async () => {
    const { arc } = await start((shared) => {
      writeFileSync(join(shared, 'Read.me'), 'Some text\n');
      mkdirSync(join(shared, 'Folder'));
    });
    await arc.command('filer_opendir HostFS::Host.$');
    await arc.session.type('\n');
    await arc.toDesktop();
    await arc.until('the window', () => arc.shows('HostFS::Host.$'), 20);
    await arc.until('the file in it', () => arc.shows('Read/me'), 20);
    await arc.keepPicture('hostfs in the desktop');
    await arc.session.close();
  });

  it.skipIf(lacksRom)('is there on an A5000', async () => {
    const shared = mkdtempSync(join(folder, 'shared-'));
    writeFileSync(join(shared, 'Read.me'), 'Some text\n');
    const arc = new RiscOs('archimedes-a5000', { hostfs: shared });
    await arc.toDesktop();
    await arc.toCommandLine();
    expect(await arc.command('type HostFS::Host.$.Read/me')).toContain('Some text');
    await arc.session.close();
  });

  it.skipIf(lacksRom)('is not there without --hostfs', async () => {
    const arc = new RiscOs();
    await arc.toDesktop();
    await arc.toCommandLine();
    expect(await arc.command('help hostfs')).toContain('No help found');
    await arc.session.close();
  });

  const lander = guest('lander-runimage', 'Lander of 1987');
  const lacks = missing(riscOs310, lander);
  it.skipIf(lacks)(`starts Lander, which flies${lacks && ` (needs ${lacks})`}`, async () => {
    const { arc } = await start((shared) => copyFileSync(lander.path!, join(shared, 'Lander,ff8')));
    await arc.session.type('run Lander\n');
    await arc.until('the landscape', async () => landscape((await arc.session.screenshot())!) > 12);
    await arc.keepPicture('lander on the ground');
    expect(shipInSky((await arc.session.screenshot())!)).toBeUndefined();
    // The left button is full thrust, the middle one hovers; the mouse tilts the ship.
    await arc.session.pointer(0, 0, 1);
    await arc.until('the ship in the air', async () => shipInSky((await arc.session.screenshot())!) !== undefined, 10);
    await arc.session.runFor(0.25);
    await arc.session.pointer(0, 0, 0);
    await arc.keepPicture('lander in the air');
    const flying = (await arc.session.screenshot())!;
    const level = shipInSky(flying)!;
    expect(landscape(flying)).toBeGreaterThan(12);
    await arc.session.pointer(16, 4, 4);
    await arc.session.runFor(0.75);
    await arc.keepPicture('lander tilted');
    const tilted = shipInSky((await arc.session.screenshot())!)!;
    expect(tilted).not.toEqual(level);
    await arc.session.close();
  });
});

/** How many colours the lower half has, if most of its middle is not black. */
function landscape({ width, height, rgba }: Picture): number {
  const counts = new Map<number, number>();
  for (let y = height >> 1; y < (height * 3) >> 2; y++) {
    for (let x = width >> 2; x < (width * 3) >> 2; x++) {
      const at = (y * width + x) * 4;
      const color = (rgba[at]! << 16) | (rgba[at + 1]! << 8) | rgba[at + 2]!;
      counts.set(color, (counts.get(color) ?? 0) + 1);
    }
  }
  const all = [...counts.values()].reduce((sum, count) => sum + count, 0);
  return (counts.get(0) ?? 0) < all / 2 ? counts.size : 0;
}

/** The green ship against the sky, in the middle above the horizon: its extent, and the column of its tip. */
function shipInSky({ width, rgba }: Picture): { left: number; right: number; top: number; tip: number } | undefined {
  let [left, right, top, tip] = [width, -1, -1, 0];
  for (let y = 60; y < 215; y++) {
    for (let x = 260; x < 380; x++) {
      const [r = 0, g = 0, b = 0] = rgba.subarray((y * width + x) * 4);
      if (!(g > r && g > b && g > 0x60)) continue;
      if (top < 0) [top, tip] = [y, x];
      left = Math.min(left, x);
      right = Math.max(right, x);
    }
  }
  return right - left < 20 ? undefined : { left, right, top, tip };
}
