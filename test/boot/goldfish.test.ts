// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { boot, type BootedMachine } from '../support/boot.ts';
import { guest, missing } from '../support/inputs.ts';

const initrd = guest('linux-arm/initrd.cpio.gz', 'test/guests');

/** What the guest's own self-test prints, the same on every kernel. */
const SELFTEST = ['bb9f8df61474d25e71fa00722318cd387396ca1736605e1248821cc0de3d3af8', 'loop 2000', 'gzip ok', '-63.501340903'];

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
    await ask(machine, 'date -u +%Y-%m-%dT%H; echo end $((6 * 7))', 'end 42');
    await machine.session.close();
    for (const text of SELFTEST) expect(machine.console()).toContain(text);
    expect(machine.console()).toMatch(/^58a411f0/m);
    expect(machine.console()).toContain('2001-03-24T12');
  });

  it.skipIf(lacks)('has a keyboard, a touch screen and a frame buffer', async () => {
    const machine = await toShell(name, cpu);
    const { session } = machine;
    await ask(machine, 'cat /proc/bus/input/devices; echo end $((1 + 1))', 'end 2');
    expect(machine.console()).toContain('qwerty2');
    await ask(machine, 'mkdir -p /dev/input; mknod /dev/input/event0 c 13 64; echo end $((1 + 2))', 'end 3');
    await session.serial('od -An -v -tx1 -w16 -N 32 /dev/input/event0; echo end $((2 + 2))\r', 0);
    await session.runFor(1);
    await session.key('KeyA', true);
    await session.key('KeyA', false);
    const keys = await session.runUntil({ serial: 'end 4' }, 10);
    expect(keys.reason, machine.console()).toBe('matched');
    expect(machine.console()).toMatch(/01 00 1e 00 01 00 00 00[^]*01 00 1e 00 00 00 00 00/);
    await ask(machine, 'mknod /dev/fb0 c 29 0; yes "$(printf \'\\000\\370\')" | tr -d \'\\n\' | head -c 153600 > /dev/fb0; echo end $((2 + 3))', 'end 5');
    const picture = await session.screenshot();
    expect(picture).toMatchObject({ width: 320, height: 480 });
    await session.close();
  });
});
