// SPDX-License-Identifier: MIT
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { boot, type BootConfig } from '../support/boot.ts';
import { unpackInitramfs } from '../support/cpio.ts';
import { debianFile, guest, missing } from '../support/inputs.ts';

const kernel = guest('linux-m68k/vmlinux.gz', 'test/guests/build-linux.sh m68k DIR');
const initrd = guest('linux-m68k/initrd.cpio.gz', 'test/guests/build-linux.sh m68k DIR');
const lacks = missing(kernel, initrd);

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

const linux = (append: string): BootConfig => ({
  kernel: kernel.path,
  initrd: initrd.path,
  append: `console=ttyGF0 ${append}`,
});

describe(`Linux on virt-m68k${lacks && ` (needs ${lacks})`}`, () => {
  it.skipIf(lacks)('passes its self-test and powers off', async () => {
    const { session, console } = boot('virt-m68k', linux('guest.script=selftest'));
    const ready = await session.runUntil({ serial: 'guest ready: Linux 6.1' }, 60);
    expect(ready.reason, console()).toBe('matched');
    const end = await session.runFor(60);
    expect(end.reason, console()).toBe('off');
    for (const text of SELFTEST) expect(console()).toContain(text);
    await session.close();
  });

  it.skipIf(lacks)('reads the keyboard, tells the date, and has the virtio devices', async () => {
    const { session, console } = boot('virt-m68k', linux(''));
    const ready = await session.runUntil({ serial: 'guest ready: Linux 6.1' }, 60);
    expect(ready.reason, console()).toBe('matched');
    await session.runFor(1);
    const ask = async (command: string, answer: string): Promise<void> => {
      await session.serial(new TextEncoder().encode(`${command}\r`), 0);
      const found = await session.runUntil({ serial: answer }, 200);
      expect(found.reason, console()).toBe('matched');
    };
    await ask('echo $((6 * 7))-is-it', '42-is-it');
    await ask('date -u +%Y-%m-%dT%H', '2001-03-24T12');
    await ask('sleep 100; echo slept $(date -u +%H:%M) $((2 + 3))', 'slept 12:01 5');
    await ask('cat /sys/class/net/eth0/address; echo end $((2 * 4))', 'end 8');
    await ask('head -c 200000 /dev/hwrng | wc -c; echo end $((3 * 4))', 'end 12');
    await ask('ip link set eth0 up; cat /sys/class/net/eth0/carrier; echo end $((4 * 4))', 'end 16');
    let other = '';
    session.onEvent((event) => {
      if (event.event === 'serial' && event.port === 1) other += Buffer.from(event.bytes).toString('latin1');
    });
    await session.serial('typed\r', 1);
    await ask('read line < /dev/hvc0; echo "got $line" > /dev/hvc0; echo end $((5 * 4))', 'end 20');
    expect(other).toContain('got typed');
    await session.close();
    expect(console()).toContain('52:54:00:12:34:56');
    expect(console()).toContain('200000');
  });

  it.skipIf(lacks)('reboots', async () => {
    const { session, console } = boot('virt-m68k', linux(''));
    await session.runUntil({ serial: 'guest ready: Linux 6.1' }, 60);
    await session.runFor(1);
    await session.serial('reboot -f\r');
    const down = await session.runUntil({ serial: 'Restarting system' }, 20);
    expect(down.reason, console()).toBe('matched');
    const again = await session.runUntil({ serial: 'guest ready: Linux 6.1' }, 60);
    expect(again.reason, console()).toBe('matched');
    await session.close();
  });

  it.skipIf(lacks)('gives the same run after a snapshot', async () => {
    const first = boot('virt-m68k', linux('guest.script=selftest'));
    await first.session.runFor(3);
    const snapshot = await first.session.save();
    const texts: string[] = [];
    for (let n = 0; n < 2; n++) {
      const { session, console } = n === 0 ? first : boot('virt-m68k', linux('guest.script=selftest'));
      if (n === 1) await session.restore(snapshot);
      const before = console().length;
      const end = await session.runFor(60);
      expect(end.reason, console()).toBe('off');
      texts.push(console().slice(before));
      await session.close();
    }
    expect(texts[1]).toBe(texts[0]);
    expect(texts[0]).toContain('guest script selftest rc=0');
  });
});

const mke2fs = debianFile('/sbin/mke2fs', 'e2fsprogs');
const lacksDisk = missing(kernel, initrd, mke2fs);

/** The root's /sbin/init. */
const INIT = `#!/bin/busybox sh
export PATH=/bin:/sbin:/usr/bin:/usr/sbin
/bin/busybox mount -t proc proc /proc; /bin/busybox mount -o remount,rw /
/bin/busybox --install -s
echo "root on $(grep ' / ' /proc/mounts | grep -o 'ext4 rw')"
dd if=/dev/urandom of=/data bs=1M count=32 2>/dev/null; sync
before=$(md5sum < /data); echo 3 > /proc/sys/vm/drop_caches
[ "$before" = "$(md5sum < /data)" ] && echo "32 MiB equal $before"
dd if=/dev/vdb of=/dev/null bs=1k count=64 2>/dev/null && echo "second disk $(md5sum < /dev/vdb)"
dd if=/dev/zero of=/dev/vdb bs=1k count=1 conv=fsync 2>/dev/null || echo "second disk is read-only"
mount -o remount,ro /; poweroff -f
`;

describe(`disks of virt-m68k${lacksDisk && ` (needs ${lacksDisk})`}`, () => {
  let folder: string;
  const path = (name: string): string => join(folder, name);

  beforeAll(() => {
    if (lacksDisk) return;
    folder = mkdtempSync(join(tmpdir(), 'emeritus-virt-'));
    unpackInitramfs(initrd.path!, path('root'));
    writeFileSync(path('root/sbin/init'), INIT, { mode: 0o755 });
    execFileSync('/sbin/mke2fs', ['-q', '-t', 'ext4', '-d', path('root'), path('root.img'), '96M']);
    writeFileSync(path('second.img'), new Uint8Array(100_000).fill(0x33));
  });

  afterAll(() => {
    if (folder !== undefined) rmSync(folder, { recursive: true });
  });

  it.skipIf(lacksDisk)('root, and a second one that may not be written, on virtio', async () => {
    const { session, console } = boot('virt-m68k', {
      kernel: kernel.path,
      append: 'console=ttyGF0 root=/dev/vda rootwait',
      media: [
        { kind: 'disk', spec: path('root.img') },
        { kind: 'disk', spec: `${path('second.img')},readonly` },
      ],
    });
    const end = await session.runUntil({ serial: 'Kernel panic' }, 120);
    await session.close();
    expect(end.reason, console()).toBe('off');
    expect(console()).toContain('root on ext4 rw');
    expect(console()).toMatch(/32 MiB equal [0-9a-f]{32}/);
    expect(console()).toContain('second disk ');
    expect(console()).toContain('second disk is read-only');
    execFileSync('/sbin/e2fsck', ['-fn', path('root.img')], { stdio: ['ignore', 'pipe', 'pipe'] });
  });
});
