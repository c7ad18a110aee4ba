// Linux on powermac-g3 against the same Linux on QEMU's g3beige, one after the other in this run: the guest's own
// benchmark loops, and the time from the command to power-off of its self-test. Prints the figures and the ratios.
//   node test/bench/linux-ppc.mjs        needs $EMERITUS_GUESTS/linux-ppc and Debian's qemu-system-ppc
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { need, needBuilt, needCommand, needGuest, runCommand } from './support.mjs';

needBuilt('core/ppc.wasm');
needCommand('qemu-system-ppc', 'qemu-system-ppc');
const image = needGuest('linux-ppc/vmlinux.gz');
const initrd = needGuest('linux-ppc/initrd.cpio.gz');
const folder = mkdtempSync(join(tmpdir(), 'emeritus-bench-'));
const kernel = join(folder, 'vmlinux');
/** Both boot through the same OpenBIOS; `builtin` as an argument compares our own firmware instead. */
const firmware = process.argv[2] ?? need('/usr/share/qemu/openbios-ppc', 'apt-get install qemu-system-data');
writeFileSync(kernel, gunzipSync(readFileSync(image)));

const guest = (script) => ['--kernel', kernel, '--initrd', initrd, '--append', `console=ttyPZ0 guest.script=${script}`];
const emeritus = (script, ...more) => [
  process.execPath,
  ...['bin/emeritus', 'boot', 'powermac-g3', '--ram', '256M', '--time', 'virtual', '--firmware', firmware],
  ...guest(script),
  ...more,
];
const qemu = (script) => [
  'qemu-system-ppc',
  ...['-M', 'g3beige', '-m', '256', '-display', 'none', '-monitor', 'none', '-serial', 'stdio', '-no-reboot'],
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
const [a, b] = [await runCommand(emeritus('selftest')), await runCommand(qemu('selftest'))];
compare('boot + selftest', a.seconds, b.seconds);
row('peak resident MiB', a.peak.toFixed(0), b.peak.toFixed(0));
const first = await runCommand([
  process.execPath,
  'bin/emeritus',
  'boot',
  'powermac-g3',
  '--until',
  'Emeritus Open Firmware',
]);
console.log(
  `command to the firmware's first line, after its first instructions, and out: ${first.seconds.toFixed(2)} s`,
);
console.log('Both have 256 MiB of guest RAM. QEMU 7.2 breaks its self-test off at the awk step (mffscrni).');
rmSync(folder, { recursive: true });
