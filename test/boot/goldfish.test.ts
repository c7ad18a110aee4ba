// SPDX-License-Identifier: MIT
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { defaultConfig } from '../../frontends/cli/machine-options.ts';
import { NodeMachineHost } from '../../frontends/host/node-machine-host.ts';
import { MachineConfigError } from '../../machines/backplane/machine-config-error.ts';
import { machineNamed } from '../../machines/registry.ts';
import { boot, type BootedMachine } from '../support/boot.ts';
import { guest, missing } from '../support/inputs.ts';

const initrd = guest('linux-arm/initrd.cpio.gz', 'test/guests');

/** What the guest's own self-test prints, the same on every kernel. */
const SELFTEST = [
  'bb9f8df61474d25e71fa00722318cd387396ca1736605e1248821cc0de3d3af8',
  'loop 2000',
  'gzip ok',
  '-63.501340903',
];

const KERNELS = [
  ['goldfish-2.6.29-armv5.zImage', 'armv5', 'Linux 2.6.29'],
  ['goldfish-2.6.29-armv7.zImage', 'armv7', 'Linux 2.6.29'],
  ['goldfish-3.4-armv7.zImage', 'armv7', 'Linux 3.4'],
] as const;

async function toShell(name: string, cpu: string): Promise<BootedMachine> {
  const machine = boot('goldfish', {
    kernel: guest(name).path,
    initrd: initrd.path,
    append: 'console=ttyS0',
    options: { cpu },
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

  it.skipIf(lacks)('has a keyboard, a touch screen and a frame buffer', async () => {
    const machine = await toShell(name, cpu);
    const { session } = machine;
    await ask(machine, 'cat /proc/bus/input/devices; echo end $((1 + 1))', 'end 2');
    expect(machine.console()).toContain('qwerty2');
    await ask(machine, 'mkdir -p /dev/input; mknod /dev/input/event0 c 13 64; echo end $((1 + 2))', 'end 3');
    // The later driver ends each event with a SYN event of its own.
    const events = version === 'Linux 3.4' ? 4 : 2;
    await session.serial(`od -An -v -tx1 -w16 -N ${events * 16} /dev/input/event0; echo end $((2 + 2))\r`, 0);
    await session.runFor(1);
    await session.key('KeyA', true);
    await session.key('KeyA', false);
    const keys = await session.runUntil({ serial: 'end 4' }, 10);
    expect(keys.reason, machine.console()).toBe('matched');
    expect(machine.console()).toMatch(/01 00 1e 00 01 00 00 00[^]*01 00 1e 00 00 00 00 00/);
    // Red above, blue below.
    const half = (value: string): string => `yes "$(printf '${value}')" | tr -d '\\n' | head -c 153600`;
    const paint = `(${half('\\370A')}; ${half('A\\010')}) > /dev/fb0`;
    await ask(machine, `mknod /dev/fb0 c 29 0; ${paint}; echo end $((2 + 3))`, 'end 5');
    const picture = await session.screenshot();
    expect(picture).toMatchObject({ width: 320, height: 480 });
    const dots = new Uint32Array(picture!.rgba.buffer, picture!.rgba.byteOffset, 320 * 480);
    const colours = new Set([dots[0], dots[320 * 239], dots[320 * 240], dots[320 * 479]]);
    expect(colours.size).toBe(2);
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

const android = guest('android-2.3.7.zImage');
const ramdisk = guest('android-2.3.7-ramdisk.img');
const lacksAndroid = missing(android, ramdisk);

describe(`Android 2.3.7${lacksAndroid && ` (needs ${lacksAndroid})`}`, () => {
  it.skipIf(lacksAndroid)('reaches init, which looks for its services', async () => {
    const { session, console } = boot('goldfish', {
      kernel: android.path,
      initrd: ramdisk.path,
      append: 'console=ttyS0 androidboot.console=ttyS0 qemu=1 android.qemud=ttyS1',
      options: { cpu: 'armv5' },
    });
    const init = await session.runUntil({ serial: "disabling 'console'" }, 60);
    await session.close();
    expect(init.reason, console()).toBe('matched');
    for (const service of ['servicemanager', 'vold', 'zygote', 'media', 'qemud']) {
      expect(console()).toContain(`disabling '${service}'`);
    }
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
