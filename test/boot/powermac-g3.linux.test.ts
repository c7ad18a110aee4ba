// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { boot, type BootConfig } from '../support/boot.ts';
import { debianFile, guest, missing } from '../support/inputs.ts';

const kernel = guest('linux-ppc/vmlinux.gz', 'test/guests/build-linux.sh ppc DIR');
const initrd = guest('linux-ppc/initrd.cpio.gz', 'test/guests/build-linux.sh ppc DIR');
const openBios = debianFile('/usr/share/qemu/openbios-ppc', 'qemu-system-data');

/** What the guest's own self-test prints on every machine of its architecture. */
const SELFTEST = [
  '138e4ee3fb1878956c3f0d96ba0f714c',
  'bb9f8df61474d25e71fa00722318cd387396ca1736605e1248821cc0de3d3af8',
  'loop 2000',
  '58a411f0f5089590c17ee74d6b228992',
  'gzip ok',
  '-63.501340903',
  'guest script selftest rc=0',
];

const linux = (append: string, firmware?: string): BootConfig => ({
  firmware,
  kernel: kernel.path,
  initrd: initrd.path,
  append: `console=ttyPZ0 ${append}`,
  ramBytes: 256 << 20,
});

for (const [title, firmware] of [
  ['OpenBIOS', openBios],
  ['the built-in Open Firmware', undefined],
] as const) {
  const lacks = missing(kernel, initrd, ...(firmware === undefined ? [] : [firmware]));
  describe(`Linux on powermac-g3 through ${title}${lacks && ` (needs ${lacks})`}`, () => {
    it.skipIf(lacks)('passes its self-test and powers off', async () => {
      const { session, console } = boot('powermac-g3', linux('guest.script=selftest', firmware?.path));
      const ready = await session.runUntil({ serial: 'guest ready: Linux 6.1' }, 120);
      expect(ready.reason, console()).toBe('matched');
      const end = await session.runFor(120);
      expect(end.reason, console()).toBe('off');
      for (const text of SELFTEST) expect(console()).toContain(text);
    });
  });
}
