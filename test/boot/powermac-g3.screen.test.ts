// SPDX-License-Identifier: MIT
//
// Screen, keyboard and snapshots of powermac-g3 under real firmware and a real kernel.
import { describe, expect, it } from 'vitest';
import type { Picture } from '../../machines/backplane/host.ts';
import { decodePlain } from '../../machines/backplane/plain-codec.ts';
import { FontLearner, textOf } from '../../machines/devices/display/screen-text.ts';
import { boot } from '../support/boot.ts';
import { debianFile, guest, missing } from '../support/inputs.ts';

const kernel = guest('linux-ppc/vmlinux.gz', 'test/guests/build-linux.sh ppc DIR');
const initrd = guest('linux-ppc/initrd.cpio.gz', 'test/guests/build-linux.sh ppc DIR');
const openBios = debianFile('/usr/share/qemu/openbios-ppc', 'qemu-system-data');

/** Where OpenBIOS's console begins. */
const ORIGIN = { left: 0, top: 2 };

describe('the built-in Open Firmware on powermac-g3', () => {
  it('shows its prompt on the screen and takes typed words', async () => {
    const { session } = boot('powermac-g3', {});
    await session.runUntil({ serial: '0 > ' }, 20);
    await session.type('decimal 6 7 * .\n');
    const answer = await session.runUntil({ serial: '42 ' }, 20);
    expect(answer.reason).toBe('matched');
    await session.runFor(0.5);
    const text = await session.screenText();
    expect(text?.join('\n')).toMatch(/Emeritus Open Firmware[^]*0 > decimal 6 7 \* \. 42/);
  });

  it('goes on from a snapshot of the prompt as if nothing had happened', async () => {
    const first = boot('powermac-g3', {});
    await first.session.runUntil({ serial: '0 > ' }, 20);
    await first.session.serial('variable x  1234 x !\r');
    await first.session.runUntil({ serial: 'ok' }, 5);
    const snapshot = await first.session.save();
    const second = boot('powermac-g3', {});
    await second.session.restore(snapshot);
    expect(decodePlain(await second.session.save())).toEqual(decodePlain(snapshot));
    await second.session.serial('x @ 1+ .\r');
    expect((await second.session.runUntil({ serial: '1235' }, 5)).reason).toBe('matched');
  });
});

const lacksFirmware = missing(openBios);
describe(`OpenBIOS on powermac-g3${lacksFirmware && ` (needs ${lacksFirmware})`}`, () => {
  it.skipIf(lacksFirmware)(
    'prints its banner on the serial line and its prompt on the screen, and takes keys',
    async () => {
      const { session, console } = boot('powermac-g3', { firmware: openBios.path });
      await session.runFor(5);
      expect(console()).toContain('OpenBIOS 1.1');
      const prompt = (await session.screenshot())!;
      // The font is learned from what must be there, then reads what was typed.
      const lines = [
        'Welcome to OpenBIOS v1.1 built on',
        'Trying cd:,\\\\:tbxi...',
        'Trying cd:,\\ppc\\bootinfo.txt...',
      ];
      const learner = new FontLearner(8, 10);
      learner.learn(prompt, lines, ORIGIN);
      await session.type('" ttya" io\n', 0.1);
      expect((await session.runUntil({ serial: '0 >' }, 15)).reason).toBe('matched');
      expect(textOf((await session.screenshot())!, learner.font, ORIGIN)[0]).toContain(lines[0]);
    },
  );
});

const lacksLinux = missing(kernel, initrd);
describe(`Linux console of powermac-g3${lacksLinux && ` (needs ${lacksLinux})`}`, () => {
  const inked = ({ rgba, width }: Picture, firstRow: number, lastRow: number): number => {
    let count = 0;
    for (let at = firstRow * width * 4; at < lastRow * width * 4; at += 4) if (rgba[at]! > 0x80) count++;
    return count;
  };

  it.skipIf(lacksLinux)('is on the framebuffer, readable, and typing on the ADB keyboard works', async () => {
    const { session, console } = boot('powermac-g3', {
      kernel: kernel.path,
      initrd: initrd.path,
      append: 'console=ttyPZ0 console=tty0',
      ramBytes: 256 << 20,
    });
    expect((await session.runUntil({ serial: 'Run /init as init process' }, 60)).reason, console()).toBe('matched');
    await session.runFor(5);
    const before = (await session.screenshot())!;
    expect([before.width, before.height]).toEqual([1024, 768]);
    // A penguin, then a row of text in each 16 lines, down to the shell's prompt.
    for (let top = 80; top < 768; top += 16) expect(inked(before, top, top + 16), `row at ${top}`).toBeGreaterThan(10);
    await session.type('echo typed | md5sum > /dev/ttyPZ0\n');
    const answer = await session.runUntil({ serial: /[0-9a-f]{32} {2}-/ }, 20);
    expect(answer.matched, console()).toBe('08631717705a8d9c08ec6b43001dc749  -');
  });
});
