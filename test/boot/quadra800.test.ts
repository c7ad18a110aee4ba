// SPDX-License-Identifier: MIT
//
// A Quadra 800 with its own ROM: System 7.5 from a floppy and from a SCSI disk, worked with mouse and keyboard; and Linux
// without a ROM, with its root on a SCSI disk too.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readRoms } from '../../frontends/host/rom-library.ts';
import { boot } from '../support/boot.ts';
import { unpackInitramfs } from '../support/cpio.ts';
import { debianFile, guest, missing, originalRom } from '../support/inputs.ts';
import { MacUser, scsiDisk } from '../support/mac.ts';

const rom = originalRom('quadra800-f1acad13.rom');
const floppy = guest('mac-system-7.5-disk-tools.dsk');
const drivers = guest('mac-all-drivers.hda');
const kernel = guest('linux-m68k/vmlinux.gz', 'test/guests/build-linux.sh m68k DIR');
const initrd = guest('linux-m68k/initrd.cpio.gz', 'test/guests/build-linux.sh m68k DIR');
const mke2fs = debianFile('/sbin/mke2fs', 'e2fsprogs');

const MIB = 1 << 20;

/** Parts of the screen, x, y, width, height, and how they look. */
const FINDER_MENU = ['34f8309d', [30, 0, 250, 19]] as const;
const DISK_WINDOW_TITLE = ['a784875f', [8, 28, 297, 18]] as const;
const NO_WINDOW = ['f938a324', [8, 28, 297, 18]] as const;
const DISK_FIRST_AID_TITLE = ['9af133cf', [64, 90, 512, 17]] as const;

const QUESTION_MARK = ['88d1f0ad', [300, 220, 40, 40]] as const;
const NO_QUESTION = ['dc1b66ff', [300, 220, 40, 40]] as const;

const DISK_FIRST_AID_ICON = [213, 95] as const;
const FILE_MENU = [53, 10] as const;
const FILE_MENU_OPEN = [60, 44] as const;
const SPECIAL_MENU = [232, 10] as const;
const SPECIAL_MENU_SHUT_DOWN = [240, 140] as const;

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'emeritus-quadra-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

const lacksMac = missing(rom, floppy, drivers);
describe(`System 7.5 on quadra800${lacksMac && ` (needs ${lacksMac})`}`, () => {
  it.skipIf(lacksMac)('starts from a floppy and shows the disk in the Finder', async () => {
    const { session } = boot('quadra800', {
      roms: [rom.path!],
      ramBytes: 32 * MIB,
      media: [{ kind: 'floppy', spec: `${floppy.path!},overlay,floppy` }],
    });
    const user = new MacUser(session);
    await user.wait(60);
    expect(await user.sees(...DISK_WINDOW_TITLE, 60)).toBe(true);
    expect(await user.sees(...FINDER_MENU, 1)).toBe(true);
  });

  it.skipIf(lacksMac)(
    'starts from a SCSI disk; a program is opened from the menu, a window closed by a key',
    async () => {
      const disk = join(folder, 'mac.hda');
      writeFileSync(disk, scsiDisk(drivers.path!, new Uint8Array(readFileSync(floppy.path!))));
      const config = {
        roms: [rom.path!],
        ramBytes: 32 * MIB,
        media: [{ kind: 'disk', bus: 'scsi', spec: `${disk},overlay` }],
      } as const;
      const { session } = boot('quadra800', config);
      const user = new MacUser(session);
      expect(await user.sees(...DISK_WINDOW_TITLE, 60)).toBe(true);
      expect(await user.sees(...FINDER_MENU, 1)).toBe(true);
      await user.wait(3);
      const desk = await session.save();

      await user.pointTo(...DISK_FIRST_AID_ICON);
      await user.click();
      await user.pointTo(...FILE_MENU);
      await user.press();
      await user.pointTo(...FILE_MENU_OPEN);
      await user.release();
      expect(await user.sees(...DISK_FIRST_AID_TITLE, 30)).toBe(true);
      await user.command('KeyQ');
      expect(await user.sees(...FINDER_MENU, 10)).toBe(true);

      // Once more by keys alone, which come all at once while the mouse moves.
      for (const [code, [mark, region]] of [
        ['KeyO', DISK_FIRST_AID_TITLE],
        ['KeyQ', FINDER_MENU],
        ['KeyO', DISK_FIRST_AID_TITLE],
        ['KeyQ', FINDER_MENU],
      ] as const) {
        await session.key('MetaLeft', true);
        await session.pointer(2, 4, 0);
        await session.key(code, true);
        await session.pointer(2, 4, 0);
        await session.key(code, false);
        await session.key('MetaLeft', false);
        expect(await user.sees(mark, region, 30), code).toBe(true);
        await user.wait(1);
      }

      // Back to the desk in another machine, and on from there with the keyboard.
      const other = boot('quadra800', config);
      await other.session.restore(desk);
      const otherUser = new MacUser(other.session);
      expect(await otherUser.sees(...DISK_WINDOW_TITLE, 1)).toBe(true);
      await otherUser.command('KeyW');
      expect(await otherUser.sees(...NO_WINDOW, 5)).toBe(true);
      await otherUser.pointTo(...SPECIAL_MENU);
      await otherUser.press();
      await otherUser.pointTo(...SPECIAL_MENU_SHUT_DOWN);
      await otherUser.release();
      expect((await other.session.runFor(20)).reason).toBe('off');
    },
  );
});

const lacksRom = missing(rom);
describe(`ROM of quadra800${lacksRom && ` (needs ${lacksRom})`}`, () => {
  it.skipIf(lacksRom)('plays its chime, and asks for a disk', async () => {
    const { session } = boot('quadra800', { roms: [rom.path!], ramBytes: 8 * MIB });
    let loudest = 0;
    session.onEvent((event) => {
      if (event.event !== 'audio') return;
      for (const sample of event.chunk.samples) loudest = Math.max(loudest, Math.abs(sample));
    });
    await session.runFor(5);
    expect(loudest).toBeGreaterThan(1000);
    const grey = (await session.screenshot())!;
    expect([grey.width, grey.height]).toEqual([640, 480]);
    await session.runFor(25);
    const icon = new MacUser(session);
    expect(await icon.sees(...QUESTION_MARK, 20)).toBe(true);
    expect(await icon.sees(...NO_QUESTION, 20)).toBe(true);
  });

  it.skipIf(lacksRom).each([
    ['12-inch', 512, 384],
    ['portrait', 640, 870],
    ['16-inch', 832, 624],
    ['19-inch', 1024, 768],
    ['21-inch', 1152, 870],
  ])('sets up a %s monitor', async (monitor, width, height) => {
    const { session } = boot('quadra800', { roms: [rom.path!], ramBytes: 8 * MIB, options: { monitor } });
    await session.runFor(6);
    const picture = (await session.screenshot())!;
    expect([picture.width, picture.height]).toEqual([width, height]);
  });

  it.skipIf(lacksRom)('is refused when it is damaged, cut off, or of another machine', () => {
    const good = readFileSync(rom.path!);
    const refused = (name: string, bytes: Uint8Array): string => {
      const path = join(folder, name);
      writeFileSync(path, bytes);
      try {
        readRoms('quadra800', [path]);
      } catch (error) {
        return (error as Error).message;
      }
      return 'accepted';
    };
    expect(refused('good', good)).toBe('accepted');
    const damaged = Uint8Array.from(good);
    damaged[0x8_0000]! ^= 1;
    expect(refused('damaged', damaged)).toMatch(/wrong checksum: its first word says f1acad13/);
    expect(refused('short', good.subarray(0, 0x8_0000))).toMatch(/is too short/);
    expect(() => readRoms('powermac-g3', [rom.path!])).toThrow(/ROM of another machine \(Macintosh Quadra/);
  });
});

/** What the guest's own self-test prints on every machine of its architecture. */
const SELFTEST = [
  '7f6f5d05604e94ab14fa713c80041ae6',
  'bb9f8df61474d25e71fa00722318cd387396ca1736605e1248821cc0de3d3af8',
  'loop 2000',
  '58a411f0f5089590c17ee74d6b228992',
  'gzip ok',
  '-63.501340903',
  'guest script selftest rc=0',
];

const lacksLinux = missing(kernel, initrd);
describe(`Linux on quadra800${lacksLinux && ` (needs ${lacksLinux})`}`, () => {
  it.skipIf(lacksLinux)('passes its self-test and powers off', async () => {
    const { session, console } = boot('quadra800', {
      kernel: kernel.path,
      initrd: initrd.path,
      append: 'console=ttyS0 guest.script=selftest',
      ramBytes: 128 * MIB,
    });
    const ready = await session.runUntil({ serial: 'guest ready: Linux 6.1' }, 60);
    expect(ready.reason, console()).toBe('matched');
    const end = await session.runFor(120);
    expect(end.reason, console()).toBe('off');
    for (const text of SELFTEST) expect(console()).toContain(text);
  });

  it.skipIf(lacksLinux)('restarts', async () => {
    const { session, console } = boot('quadra800', {
      kernel: kernel.path,
      initrd: initrd.path,
      append: 'console=ttyS0',
      ramBytes: 32 * MIB,
    });
    for (let start = 0; start < 2; start++) {
      const ready = await session.runUntil({ serial: 'guest ready: Linux 6.1' }, 60);
      expect(ready.reason, console()).toBe('matched');
      await session.runFor(2);
      await session.serial('reboot -f\n');
    }
  });
});

/** The root's /sbin/init: data written, flushed and read back. */
const INIT = `#!/bin/busybox sh
export PATH=/bin:/sbin:/usr/bin:/usr/sbin
/bin/busybox mount -t proc proc /proc; /bin/busybox mount -o remount,rw /
/bin/busybox --install -s
echo "root on $(grep ' / ' /proc/mounts | grep -o 'ext4 rw')"
dd if=/dev/urandom of=/data bs=64k count=64 2>/dev/null; sync
before=$(md5sum < /data); echo 3 > /proc/sys/vm/drop_caches
[ "$before" = "$(md5sum < /data)" ] && echo "4 MiB equal"
mount -o remount,ro /; poweroff -f
`;

const lacksDisk = missing(kernel, initrd, mke2fs);
describe(`Linux on quadra800 with its root on a SCSI disk${lacksDisk && ` (needs ${lacksDisk})`}`, () => {
  it.skipIf(lacksDisk)('reads, writes and leaves a clean file system', async () => {
    unpackInitramfs(initrd.path!, join(folder, 'root'));
    writeFileSync(join(folder, 'root/sbin/init'), INIT, { mode: 0o755 });
    const image = join(folder, 'root.img');
    execFileSync('/sbin/mke2fs', ['-q', '-t', 'ext4', '-d', join(folder, 'root'), image, '32M']);
    const { session, console } = boot('quadra800', {
      kernel: kernel.path,
      append: 'console=ttyS0 root=/dev/sda rootwait',
      ramBytes: 64 * MIB,
      media: [{ kind: 'disk', bus: 'scsi', spec: image }],
    });
    const end = await session.runUntil({ serial: 'Kernel panic' }, 120);
    await session.close();
    expect(end.reason, console()).toBe('off');
    expect(console()).toContain('root on ext4 rw');
    expect(console()).toContain('4 MiB equal');
    execFileSync('/sbin/e2fsck', ['-fn', image], { stdio: ['ignore', 'pipe', 'pipe'] });
  });
});
