// SPDX-License-Identifier: MIT
//
// Linux with its root on a disk, an ISO 9660 disc read, 64 MiB written and read back, on IDE and SCSI, through both
// firmwares; and what the guest has flushed outlives a kill -9 of the emulator.
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { boot } from '../support/boot.ts';
import { unpackInitramfs } from '../support/cpio.ts';
import { debianFile, guest, missing } from '../support/inputs.ts';

const kernel = guest('linux-ppc/vmlinux.gz', 'test/guests/build-linux.sh ppc DIR');
const initrd = guest('linux-ppc/initrd.cpio.gz', 'test/guests/build-linux.sh ppc DIR');
const openBios = debianFile('/usr/share/qemu/openbios-ppc', 'qemu-system-data');
const mke2fs = debianFile('/sbin/mke2fs', 'e2fsprogs');
const debugfs = debianFile('/sbin/debugfs', 'e2fsprogs');
const genisoimage = debianFile('/usr/bin/genisoimage', 'genisoimage');
const lacks = missing(kernel, initrd, openBios, mke2fs, debugfs, genisoimage);

/** The root's /sbin/init. What is on the command line after `disks=` says how it ends. */
const INIT = `#!/bin/busybox sh
export PATH=/bin:/sbin:/usr/bin:/usr/sbin
/bin/busybox mount -t proc proc /proc; /bin/busybox mount -o remount,rw /
/bin/busybox --install -s
mount -t sysfs sys /sys
echo "root on $(grep ' / ' /proc/mounts | grep -o 'ext4 rw')"
mount -t iso9660 -o ro /dev/sr0 /mnt && echo "disc $(md5sum < /mnt/BIG.BIN)"
dd if=/dev/urandom of=/data bs=1M count=64 2>/dev/null; sync
before=$(md5sum < /data); echo 3 > /proc/sys/vm/drop_caches
[ "$before" = "$(md5sum < /data)" ] && echo "64 MiB equal $before"
echo flushed > /marker; sync; echo "marker flushed"
if grep -q disks=hang /proc/cmdline; then while :; do sleep 1; done; fi
umount /mnt; mount -o remount,ro /; poweroff -f
`;

describe(`disks of powermac-g3${lacks && ` (needs ${lacks})`}`, () => {
  let folder: string;
  let discMd5: string;
  const path = (name: string): string => join(folder, name);

  /** A fresh copy of the root disk. */
  const rootDisk = (name: string): string => {
    copyFileSync(path('root.img'), path(name));
    return path(name);
  };
  const append = (how: string): string => `console=ttyPZ0 root=/dev/sda rootwait disks=${how}`;
  const checkFileSystem = (image: string): void =>
    void execFileSync('/sbin/e2fsck', ['-fn', image], { stdio: ['ignore', 'pipe', 'pipe'] });
  const fileIn = (image: string, file: string): string =>
    execFileSync('/sbin/debugfs', ['-R', `cat ${file}`, image], { stdio: ['ignore', 'pipe', 'ignore'] }).toString();

  beforeAll(() => {
    if (lacks) return;
    folder = mkdtempSync(join(tmpdir(), 'emeritus-disks-'));
    unpackInitramfs(initrd.path!, path('root'));
    writeFileSync(path('root/sbin/init'), INIT, { mode: 0o755 });
    execFileSync('/sbin/mke2fs', ['-q', '-t', 'ext4', '-d', path('root'), path('root.img'), '128M']);
    mkdirSync(path('disc'));
    const big = randomBytes(5_000_000);
    discMd5 = createHash('md5').update(big).digest('hex');
    writeFileSync(path('disc/BIG.BIN'), big);
    execFileSync('genisoimage', ['-quiet', '-R', '-o', path('disc.iso'), path('disc')]);
  });

  afterAll(() => {
    if (folder !== undefined) rmSync(folder, { recursive: true });
  });

  it.skipIf(lacks).each([
    ['IDE through OpenBIOS', 'ide', openBios.path],
    ['IDE through the built-in firmware', 'ide', undefined],
    ['MESH through the built-in firmware', 'scsi', undefined],
  ] as const)('root, ISO 9660 and 64 MiB on %s', async (title, bus, firmware) => {
    const image = rootDisk(`${title.replaceAll(' ', '-')}.img`);
    const { session, console } = boot('powermac-g3', {
      firmware,
      kernel: kernel.path,
      append: append('off'),
      media: [
        { kind: 'disk', bus, spec: image },
        { kind: 'cdrom', bus, spec: `${path('disc.iso')},cdrom` },
      ],
    });
    const end = await session.runUntil({ serial: 'Kernel panic' }, 120);
    await session.close();
    expect(end.reason, console()).toBe('off');
    expect(console()).toContain('root on ext4 rw');
    expect(console()).toContain(`disc ${discMd5}`);
    expect(console()).toMatch(/64 MiB equal [0-9a-f]{32}/);
    checkFileSystem(image);
    expect(fileIn(image, '/marker')).toBe('flushed\n');
  });

  it.skipIf(lacks)('keeps what the guest flushed when the emulator is killed', async () => {
    const image = rootDisk('killed.img');
    const child = spawn(
      process.execPath,
      [
        ...['bin/emeritus', 'boot', 'powermac-g3', '--time', 'virtual', '--kernel', kernel.path!],
        ...['--append', append('hang'), '--disk', image, '--cdrom', path('disc.iso')],
      ],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    let output = '';
    await new Promise<void>((resolve, reject) => {
      child.on('exit', () => reject(new Error(`ended early:\n${output}`)));
      child.stdout.on('data', (data: Buffer) => {
        output += data.toString('latin1');
        if (output.includes('marker flushed')) resolve();
      });
    });
    child.removeAllListeners('exit');
    await new Promise((resolve) => child.on('exit', resolve).kill('SIGKILL'));
    // The journal is replayed as after any power failure: 1 means that, 4 and more that something was lost.
    expect(spawnSync('/sbin/e2fsck', ['-fy', image], { stdio: 'ignore' }).status).toBeLessThan(2);
    expect(fileIn(image, '/marker')).toBe('flushed\n');
    const md5 = /64 MiB equal ([0-9a-f]{32})/.exec(output)?.[1];
    const data = execFileSync('/sbin/debugfs', ['-R', 'cat /data', image], {
      stdio: ['ignore', 'pipe', 'ignore'],
      maxBuffer: 1 << 27,
    });
    expect(createHash('md5').update(data).digest('hex')).toBe(md5);
  });

  it.skipIf(lacks)('leaves the base of an overlay untouched', async () => {
    const image = rootDisk('base.img');
    const before = createHash('md5')
      .update(execFileSync('cat', [image], { maxBuffer: 1 << 28 }))
      .digest('hex');
    const { session, console } = boot('powermac-g3', {
      kernel: kernel.path,
      append: append('off'),
      media: [
        { kind: 'disk', spec: `${image},overlay` },
        { kind: 'cdrom', spec: `${path('disc.iso')},cdrom` },
      ],
    });
    const end = await session.runUntil({ serial: 'Kernel panic' }, 120);
    await session.close();
    expect(end.reason, console()).toBe('off');
    expect(console()).toContain('64 MiB equal');
    const after = createHash('md5')
      .update(execFileSync('cat', [image], { maxBuffer: 1 << 28 }))
      .digest('hex');
    expect(after).toBe(before);
  });
});
