// Linux on virt-m68k against the same Linux on QEMU's virt board, one after the other in this run: the guest's own
// benchmark loops, the time from the command to power-off of its self-test, and our guest instructions a second.
//   node test/bench/linux-m68k.mjs        needs $EMERITUS_GUESTS/linux-m68k and Debian's qemu-system-misc
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { needBuilt, needCommand, needGuest, runCommand } from './support.mjs';

needBuilt('core/m68k.wasm');
needCommand('qemu-system-m68k', 'qemu-system-misc');
const image = needGuest('linux-m68k/vmlinux.gz');
const initrd = needGuest('linux-m68k/initrd.cpio.gz');
const folder = mkdtempSync(join(tmpdir(), 'emeritus-bench-'));
const kernel = join(folder, 'vmlinux');
writeFileSync(kernel, gunzipSync(readFileSync(image)));

const guest = (script) => ['--kernel', kernel, '--initrd', initrd, '--append', `console=ttyGF0 guest.script=${script}`];
const emeritus = (script) => [
  process.execPath,
  ...['bin/emeritus', 'boot', 'virt-m68k', '--time', 'virtual'],
  ...guest(script),
];
const qemu = (script) => [
  'qemu-system-m68k',
  ...['-M', 'virt', '-m', '128', '-display', 'none', '-monitor', 'none', '-serial', 'stdio', '-no-reboot'],
  ...guest(script).map((word) => word.replace(/^--/, '-')),
];

const row = (name, ...cells) => console.log(name.padEnd(26) + cells.map((cell) => String(cell).padStart(11)).join(''));
const compare = (name, a, b) => row(name, a.toFixed(2), b.toFixed(2), (a / b).toFixed(2));

const marks = ['guest ready', 'crc 7b178f58', 'sum 027c0620', 'shell 000a9b28 f9ffd1a8'];
row('host seconds', 'emeritus', 'qemu', 'ratio');
const mine = await runCommand(emeritus('bench'), marks);
const theirs = await runCommand(qemu('bench'), marks);
compare('to "guest ready"', mine.times[0], theirs.times[0]);
for (let i = 1; i < marks.length; i++) {
  compare(marks[i].split(' ')[0], mine.times[i] - mine.times[i - 1], theirs.times[i] - theirs.times[i - 1]);
}
// The board's time is counted in instructions, 100 million a second, and the loops never wait.
const guestSeconds = [...mine.output.matchAll(/^(?:crc|sum|shell) .* ([\d.]+) s/gm)].reduce(
  (sum, [, s]) => sum + Number(s),
  0,
);
const rate = (guestSeconds * 100) / (mine.times.at(-1) - mine.times[0]);
row('million instructions/s', rate.toFixed(0));
const [a, b] = [await runCommand(emeritus('selftest')), await runCommand(qemu('selftest'))];
compare('boot + selftest', a.seconds, b.seconds);
row('peak resident MiB', a.peak.toFixed(0), b.peak.toFixed(0));
rmSync(folder, { recursive: true });
