// SPDX-License-Identifier: MIT
// The benchmark program of the initrd on goldfish, under each kernel there is, and in QEMU's user mode, one after the
// other in this run: host seconds of its loops, and our guest instructions a second. QEMU has no goldfish board for
// ARM; its user mode runs the same program without translating addresses.
//   node test/bench/linux-arm.mjs        needs $EMERITUS_GUESTS/{linux-arm,goldfish-*} and Debian's qemu-user
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { needBuilt, needCommand, needGuest, runCommand } from './support.mjs';

needBuilt('core/arm.wasm');
needCommand('qemu-arm', 'qemu-user');
needCommand('cpio', 'cpio');
const initrd = needGuest('linux-arm/initrd.cpio.gz');
const KERNELS = [
  ['armv5', 'goldfish-2.6.29-armv5.zImage'],
  ['armv7', 'goldfish-2.6.29-armv7.zImage'],
  ['armv7', 'goldfish-3.4-armv7.zImage'],
];
const emeritus = (cpu, kernel) => [
  process.execPath,
  ...[
    'bin/emeritus',
    'boot',
    'goldfish',
    '--time',
    'virtual',
    '--set',
    `cpu=${cpu}`,
    '--until',
    'guest script bench rc=',
  ],
  ...['--kernel', needGuest(kernel), '--initrd', initrd, '--append', 'console=ttyS0 guest.script=bench'],
];
for (const [, kernel] of KERNELS) needGuest(kernel);
const folder = mkdtempSync(join(tmpdir(), 'emeritus-bench-'));
execFileSync('sh', ['-c', `zcat '${initrd}' | cpio -id --quiet bin/bench`], { cwd: folder });
const qemu = ['qemu-arm', '-cpu', 'cortex-a8', join(folder, 'bin/bench')];

const row = (name, ...cells) =>
  console.log(name.padEnd(30) + cells.map((cell) => (cell.toFixed?.(2) ?? cell).padStart(10)).join(''));
const marks = ['guest ready', 'crc 7b178f58', 'sum 027c0620', 'shell 000a9b28 f9ffd1a8'];
const loops = (seconds) => seconds.slice(1).map((time, n) => time - seconds[n]);

row('host seconds', 'to ready', 'crc', 'sum', 'shell', 'all', 'M instr/s');
const rows = [];
for (const [cpu, kernel] of KERNELS) {
  const { times, output } = await runCommand(emeritus(cpu, kernel), marks);
  const parts = loops(times);
  const all = parts.reduce((a, b) => a + b);
  // The board's time is counted in instructions, 100 million a second, and the loops never wait.
  const guestSeconds = [...output.matchAll(/^(?:crc|sum|shell) .* ([\d.]+) s/gm)].map(([, s]) => Number(s));
  // On 2.6.29 the C library cannot tell that it writes to a terminal, and prints all lines at the end.
  const shown = parts.some((seconds) => seconds < 0.01) ? parts.map(() => '') : parts;
  rows.push([...parts, all]);
  row(`${cpu}, ${kernel.split('-')[1]}`, times[0], ...shown, all, (guestSeconds.reduce((a, b) => a + b) * 100) / all);
}
const { output } = await runCommand(qemu);
const theirs = [...output.matchAll(/^(?:crc|sum|shell) .* ([\d.]+) s/gm)].map(([, s]) => Number(s));
theirs.push(theirs.reduce((a, b) => a + b));
row('qemu-arm -cpu cortex-a8', '', ...theirs);
const best = rows.at(-1);
row('armv7, 3.4 to qemu-arm', '', ...best.map((seconds, n) => seconds / theirs[n]));
console.log(
  `load ${loadavg()
    .map((n) => n.toFixed(1))
    .join(' ')}`,
);
rmSync(folder, { recursive: true });
