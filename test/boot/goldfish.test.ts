// SPDX-License-Identifier: MIT
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { defaultConfig } from '../../frontends/cli/machine-options.ts';
import { NodeMachineHost } from '../../frontends/host/node-machine-host.ts';
import { MachineConfigError } from '../../machines/backplane/machine-config-error.ts';
import type { Medium } from '../../machines/backplane/machine.ts';
import { machineNamed } from '../../machines/registry.ts';
import { boot, type BootedMachine } from '../support/boot.ts';
import { fatImage } from '../support/fat-image.ts';
import { guest, missing } from '../support/inputs.ts';

const initrd = guest('linux-arm/initrd.cpio.gz', 'test/guests');

/** What the guest's own self-test prints, the same on every kernel. */
const SELFTEST = [
  'bb9f8df61474d25e71fa00722318cd387396ca1736605e1248821cc0de3d3af8',
  'loop 2000',
  'gzip ok',
  '-63.501340903',
];

const NAND_BLOCK = 64 * (2048 + 64);

/** What the kernels say of each device they find. */
const DEVICES = [
  /goldfish_rtc: setting system clock to 2001-03-24 12:00:/,
  /eth0: SMC91C11xFD \(rev 1\) at .* IRQ 13/,
  /eth0: Ethernet addr: 52:54:00:12:34:56/,
  /allocating frame buffer 320 \* 480/,
  /goldfish_audio_probe/,
  /mmcblk0: mmc0:4567 EMERI 16.0 MiB/,
  /events_probe\(\) keymap=qwerty2/,
  /goldfish nand dev0: size 200000, page 2048, extra 64, erase 131072/,
  /goldfish nand dev1: size 800000, page 2048, extra 64, erase 131072/,
  /QEMU TRACE Device: The mapped IO base is/,
  ...['battery', 'goldfish_events', 'goldfish_fb', 'qemu_pipe', 'goldfish-switch', 'goldfish_memlog'].map(
    (name) => new RegExp(`goldfish_new_pdev (goldfish-)?${name} at ff0`),
  ),
];

/** Files for the devices. */
const NODES = [
  'mkdir -p /mnt/sd /mnt/data',
  'mknod /dev/mtd0 b 31 0; mknod /dev/mtd1 b 31 1; mknod /dev/mmcblk0 b 179 0',
  'for n in qemu_pipe eac; do mknod /dev/$n c 10 $(grep " $n\$" /proc/misc | cut -c 1-3); done',
].join('; ');
const same = (folder: string): string => `cmp /bin/busybox ${folder}/bb && echo "same in"" ${folder}"`;

const KERNELS = [
  ['goldfish-2.6.29-armv5.zImage', 'armv5', 'Linux 2.6.29'],
  ['goldfish-2.6.29-armv7.zImage', 'armv7', 'Linux 2.6.29'],
  ['goldfish-3.4-armv7.zImage', 'armv7', 'Linux 3.4'],
] as const;

interface Attached {
  readonly media?: readonly Medium[];
  readonly options?: Record<string, string>;
}

async function toShell(name: string, cpu: string, { media = [], options = {} }: Attached = {}): Promise<BootedMachine> {
  const machine = boot('goldfish', {
    kernel: guest(name).path,
    initrd: initrd.path,
    append: 'console=ttyS0',
    options: { cpu, ...options },
    media,
  });
  const ready = await machine.session.runUntil({ serial: 'guest ready:' }, 60);
  expect(ready.reason, machine.console()).toBe('matched');
  await machine.session.runFor(1);
  return machine;
}

async function ask({ session, console }: BootedMachine, command: string, answer: string, seconds = 60): Promise<void> {
  await session.serial(`${command}\r`, 0);
  const found = await session.runUntil({ serial: answer }, seconds);
  expect(found.reason, console()).toBe('matched');
}

describe.each(KERNELS)('%s', (name, cpu, version) => {
  const lacks = missing(guest(name), initrd);

  it.skipIf(lacks)(`passes the self-test${lacks && ` (needs ${lacks})`}`, async () => {
    const machine = await toShell(name, cpu);
    expect(machine.console()).toContain(`guest ready: ${version}`);
    await ask(machine, 'mknod /dev/zero c 1 5; sh /etc/scripts/selftest; echo rc=$?', 'rc=0', 120);
    await machine.session.close();
    for (const text of SELFTEST) expect(machine.console()).toContain(text);
    expect(machine.console()).toMatch(/^58a411f0/m);
  });

  // `date`, `ls DIRECTORY` and `*` of this initrd fail on 2.6.29: its C library, glibc 2.36, falls back from calls that
  // are not there to clock_gettime(CLOCK_REALTIME_COARSE) and fstatat64(AT_EMPTY_PATH), of Linux 2.6.32 and 2.6.39,
  // which older kernels answer with EINVAL.
  it.skipIf(lacks)('keeps the calendar and the times of files', async () => {
    const machine = await toShell(name, cpu);
    await ask(
      machine,
      'mkdir /tmp/a; touch -d @0 /tmp/a/b; touch /tmp/a/c; stat -c %y.%n /tmp/a/b /tmp/a/c; echo end $((1 + 1))',
      'end 2',
    );
    await machine.session.close();
    expect(machine.console()).toMatch(
      /^1970-01-01 00:00:00.0* \+0000.\/tmp\/a\/b\r?\n2001-03-24 12:00:0\d.*\/tmp\/a\/c/m,
    );
  });

  it.skipIf(lacks)('finds every device of the board', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'emeritus-goldfish-'));
    const image = (file: string, bytes: Uint8Array): string => {
      writeFileSync(join(folder, file), bytes);
      return join(folder, file);
    };
    const card = image('card.img', fatImage('hello.txt', 'on the card\n'));
    const system = image('system.img', new Uint8Array(16 * NAND_BLOCK).fill(0xff));
    const data = image('userdata-qemu.img', new Uint8Array(64 * NAND_BLOCK).fill(0xff));
    const media: Medium[] = [
      { kind: 'disk', spec: card },
      { kind: 'disk', bus: 'nand', spec: `${system},readonly` },
      { kind: 'disk', bus: 'nand', spec: data },
    ];
    const machine = await toShell(name, cpu, { media });
    for (const line of DEVICES) expect(machine.console()).toMatch(line);

    // Flash memory: the partitions, a file system that lasts.
    await ask(machine, 'cat /proc/mtd; echo end $((1 + 1))', 'end 2');
    expect(machine.console()).toMatch(/mtd0: 00200000 0*20000 "system"\r?\nmtd1: 00800000 0*20000 "userdata"/);
    await ask(machine, `${NODES}; mount -t yaffs2 /dev/mtd1 /mnt/data && echo flash-$((6 * 7))`, 'flash-42');
    const copy = (to: string): string => `cp /bin/busybox ${to}/bb; umount ${to}; echo 3 > /proc/sys/vm/drop_caches`;
    await ask(
      machine,
      `${copy('/mnt/data')}; mount -t yaffs2 /dev/mtd1 /mnt/data; ${same('/mnt/data')}`,
      'same in /mnt/data',
    );
    await ask(machine, 'mount -t yaffs2 /dev/mtd0 /mnt/sd; touch /mnt/sd/x || echo sealed-$((1 + 2))', 'sealed-3');

    // The card.
    await ask(machine, 'umount /mnt/sd; mount -t vfat /dev/mmcblk0 /mnt/sd; cat /mnt/sd/hello.txt', 'on the card');
    const again = `${copy('/mnt/sd')}; mount -t vfat /dev/mmcblk0 /mnt/sd; ${same('/mnt/sd')}; umount /mnt/sd`;
    await ask(machine, again, 'same in /mnt/sd');

    // Pipes: two services there are, and one there is not.
    const pipe = (service: string, then: string): string =>
      `exec 7<>/dev/qemu_pipe; printf 'pipe:${service}\\0' >&7 && ${then} || echo ${service} re''fused; exec 7>&-`;
    await ask(machine, pipe('pingpong', "echo there and ba''ck >&7; head -n 1 <&7"), 'there and back');
    await ask(machine, pipe('zero', 'head -c 5000 <&7 | cksum'), '3060373916 5000');
    await ask(machine, pipe('opengles', 'echo never'), 'opengles refused');

    // Switches: one the guest may set.
    const state = '/sys/class/switch/test2/state';
    await ask(machine, `cat /sys/class/switch/test/state; echo 5 > ${state}; echo now $(cat ${state})`, 'now 5');

    // Ethernet without a cable.
    await ask(machine, 'dmesg | grep "PHY LAN"', 'PHY LAN83C183 (LAN91C111 Internal)');
    await ask(machine, 'ifconfig eth0 10.0.0.1 up; sleep 4; echo end $((2 + 2))', 'end 4');
    expect(machine.console()).toMatch(/eth0: link down/);
    await machine.session.close();
    expect(Buffer.from(readFileSync(card)).includes('BB         ')).toBe(true);
    expect(Buffer.from(readFileSync(data)).includes('busybox')).toBe(true);
    rmSync(folder, { recursive: true });
  });

  it.skipIf(lacks)('plays sound at its rate', async () => {
    const machine = await toShell(name, cpu);
    const heard: Int16Array[] = [];
    let rate = 0;
    machine.session.onEvent((event) => {
      if (event.event !== 'audio') return;
      heard.push(event.chunk.samples);
      rate = event.chunk.rateHz;
    });
    await ask(
      machine,
      `${NODES}; yes "$(printf '\\1\\2\\3')" | head -c 352800 > /tmp/tone; echo end $((1 + 1))`,
      'end 2',
    );
    await ask(machine, 'time dd if=/tmp/tone of=/dev/eac bs=16384; sleep 1; echo end $((1 + 2))', 'end 3');
    await machine.session.close();
    expect(machine.console()).toMatch(/real\s+0m 1\.[89]/);
    const samples = heard.flatMap((part) => [...part]);
    expect(rate).toBe(44_100);
    // Closing the device empties its two buffers.
    expect(samples.length).toBe((352_800 - (352_800 % 16_384)) / 2 - 16_384 / 2);
    expect(samples.slice(0, 4)).toEqual([0x0201, 0x0a03, 0x0201, 0x0a03]);
  });

  it.skipIf(lacks)('has a keyboard, a touch screen and a frame buffer', async () => {
    const machine = await toShell(name, cpu);
    const { session } = machine;
    await ask(machine, 'cat /proc/bus/input/devices; echo end $((1 + 1))', 'end 2');
    expect(machine.console()).toContain('qwerty2');
    await ask(machine, 'mkdir -p /dev/input; mknod /dev/input/event0 c 13 64; echo end $((1 + 2))', 'end 3');
    // The later driver ends each event with a SYN event of its own.
    const later = version === 'Linux 3.4';
    const records = async (count: number, end: string, act: () => Promise<void>): Promise<string[]> => {
      const from = machine.console().length;
      await session.serial(`od -An -v -tx1 -w16 -N ${count * 16} /dev/input/event0; echo ${end}\r`, 0);
      await session.runFor(1);
      await act();
      const done = await session.runUntil({ serial: end.replace("''", '') }, 10);
      expect(done.reason, machine.console()).toBe('matched');
      // Time, type, code, value.
      const lines =
        machine
          .console()
          .slice(from)
          .match(/^( [\da-f]{2}){16}/gm) ?? [];
      return lines.map((line) => line.slice(24).trim());
    };
    const keys = await records(later ? 4 : 2, "key''s", async () => {
      await session.key('KeyA', true);
      await session.key('KeyA', false);
    });
    expect(keys).toContain('01 00 1e 00 01 00 00 00');
    expect(keys).toContain('01 00 1e 00 00 00 00 00');
    // A finger in the middle: x 159, y 239.
    const touch = await records(4, "touc''h", async () => session.place(0.5, 0.5, 1));
    expect(touch).toContain('03 00 00 00 9f 00 00 00');
    expect(touch).toContain('03 00 01 00 ef 00 00 00');
    expect(touch).toContain('01 00 4a 01 01 00 00 00');
    // Two frames one above the other: red over green, then all blue; each pixel's lower byte first.
    const half = (bytes: string): string => `yes "$(printf '${bytes}')" | tr -d '\\n' | head -c 153600`;
    const [red, green, blue] = ['A\\370', '\\340G', '\\037@'].map(half);
    await ask(
      machine,
      `mknod /dev/fb0 c 29 0; (${red}; ${green}; ${blue}; ${blue}) > /dev/fb0; echo end $((2 + 3))`,
      'end 5',
    );
    const picture = async (): Promise<string[]> => {
      const shot = await session.screenshot();
      expect(shot).toMatchObject({ width: 320, height: 480 });
      return [0, 239, 240, 479].map((row) => [...shot!.rgba.subarray(row * 1280, row * 1280 + 3)].join(','));
    };
    const [above, above2, below, below2] = await picture();
    expect([above2, below2]).toEqual([above, below]);
    expect([above, below]).toEqual(['255,8,8', '66,255,0']);
    await ask(machine, "echo 0,480 > /sys/class/graphics/fb0/pan; echo pan''ned", 'panned');
    expect(new Set(await picture())).toEqual(new Set(['66,0,255']));
    await ask(machine, "echo 0,0 > /sys/class/graphics/fb0/pan; echo ba''ck", 'back');
    expect((await picture())[0]).toBe('255,8,8');
    expect(machine.console()).not.toContain('timeout');
    const snapshot = await session.save();
    await session.serial('echo $((40 + 2)) > /tmp/x; cat /tmp/x; date +%s\r', 0);
    await session.runFor(2);
    const before = machine.console();
    await session.restore(snapshot);
    const from = machine.console().length;
    await session.serial('echo $((40 + 2)) > /tmp/x; cat /tmp/x; date +%s\r', 0);
    await session.runFor(2);
    expect(before.endsWith(machine.console().slice(from))).toBe(true);
    expect(machine.console().slice(from)).toMatch(/^42\r?$/m);
    await session.close();
  });
});

describe('a multi-touch screen', () => {
  const [name, cpu] = KERNELS[2];
  const lacks = missing(guest(name), initrd);

  it.skipIf(lacks)(`tells of two fingers${lacks && ` (needs ${lacks})`}`, async () => {
    const machine = await toShell(name, cpu, { options: { touch: 'multi' } });
    const { session, console } = machine;
    await ask(machine, 'mkdir -p /dev/input; mknod /dev/input/event0 c 13 64; echo end $((1 + 1))', 'end 2');
    await session.serial("od -An -v -tx1 -w16 -N 176 /dev/input/event0; echo tou''ched\r", 0);
    await session.runFor(1);
    await session.place(0, 0, 2);
    const done = await session.runUntil({ serial: 'touched' }, 10);
    await session.close();
    expect(done.reason, console()).toBe('matched');
    const events = console().match(/0[013] 00 [\da-f]{2} 00( [\da-f]{2}){4}(?=\r?\n)/g)!;
    // This driver sets up no slots: fingers differ by their tracking numbers, the second one is at the other corner.
    const second = events.indexOf('03 00 39 00 01 00 00 00');
    expect(events[0]).toBe('03 00 39 00 00 00 00 00');
    expect(events.slice(0, second)).toContain('03 00 35 00 00 00 00 00');
    expect(events.slice(second)).toContain('03 00 35 00 3f 01 00 00');
  });
});

const android = guest('android-2.3.7.zImage');
const ramdisk = guest('android-2.3.7-ramdisk.img');
const lacksAndroid = missing(android, ramdisk);

describe(`Android 2.3.7${lacksAndroid && ` (needs ${lacksAndroid})`}`, () => {
  it.skipIf(lacksAndroid)('reaches init, which mounts flash memory and looks for its services', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'emeritus-android-'));
    const media = ['system', 'userdata', 'cache'].map((partition): Medium => {
      const spec = join(folder, `${partition}.img`);
      writeFileSync(spec, new Uint8Array(16 * NAND_BLOCK).fill(0xff));
      return { kind: 'disk', bus: 'nand', spec };
    });
    const traced: string[] = [];
    const { session, console } = boot('goldfish', {
      kernel: android.path,
      initrd: ramdisk.path,
      append: 'console=ttyS0 androidboot.console=ttyS0 qemu=1 android.qemud=ttyS1',
      options: { cpu: 'armv5', screen: '480x800' },
      media,
      onTrace: ({ device, message }) => device === 'trace' && traced.push(message),
    });
    const init = await session.runUntil({ serial: "disabling 'console'" }, 60);
    await session.runFor(1);
    const picture = await session.screenshot();
    await session.close();
    rmSync(folder, { recursive: true });
    expect(init.reason, console()).toBe('matched');
    for (const service of ['servicemanager', 'vold', 'zygote', 'media', 'qemud']) {
      expect(console()).toContain(`disabling '${service}'`);
    }
    // Its logo: white letters on dark green, "Booting..." in the lower half.
    const dots = new Uint32Array(picture!.rgba.buffer, picture!.rgba.byteOffset, 480 * 800);
    expect(picture!.rgba.subarray(0, 3).join(',')).toBe('0,48,0');
    expect(dots.subarray(480 * 540, 480 * 620).includes(0xffff_ffff)).toBe(true);
    for (const block of [0, 1, 2]) expect(console()).toContain(`MTD mount on 31.${block}, "mtdblock${block}"`);
    expect(console()).not.toContain("disabling 'adbd'");
    // The one service whose program is in the RAM disk runs, as the kernel tells the trace device.
    for (const program of ['/init', '/sbin/ueventd', '/sbin/adbd']) expect(traced).toContain(`execve: ${program}`);
    expect(traced.some((message) => message.startsWith('mapped: ') && message.endsWith(' of /sbin/adbd'))).toBe(true);
  });
});

describe('a kernel that is none', () => {
  const lacks = missing(guest(KERNELS[0][0]));
  const start = (bytes: Uint8Array): void => {
    const definition = machineNamed('goldfish');
    const config = { ...defaultConfig(definition), kernel: { title: 'k', bytes } };
    definition.build(new NodeMachineHost({ startSeconds: 0 }), config).start('cold');
  };

  it('is refused in one line', () => {
    expect(() => start(new Uint8Array(1000).fill(0x5a))).toThrow(
      '--kernel: k is neither an ARM zImage nor an ELF kernel',
    );
    expect(() => start(new Uint8Array(0))).toThrow('--kernel: k is neither');
    const foreign = Uint8Array.from({ length: 64 }, (_, i) => [0x7f, 0x45, 0x4c, 0x46, 1, 2, 1][i] ?? 0);
    expect(() => start(foreign)).toThrow(MachineConfigError);
  });

  it.skipIf(lacks)('is refused when a part is missing', () => {
    const whole = readFileSync(guest(KERNELS[0][0]).path!);
    expect(() => start(new Uint8Array(whole.subarray(0, 1_000_000)))).toThrow(
      /--kernel: k is truncated: 1000000 of \d+ bytes/,
    );
  });
});
