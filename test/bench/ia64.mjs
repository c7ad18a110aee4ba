// SPDX-License-Identifier: MIT
// IA-64 Linux programs: the set's own benchmark here, in HP's Ski simulator and native, in turn; then what starting a
// program and fork, exec and wait cost.
//   node test/bench/ia64.mjs [ROUNDS]
// Needs $EMERITUS_GUESTS/ia64 (or ~/.cache/emeritus/guests/ia64). Ski: $SKI, or bski on PATH (github trofi/ski:
// autogen.sh, configure --disable-netdev, make). Native: gcc, and the set's sources.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { needBuilt, needGuest } from './support.mjs';

const rounds = Number(process.argv[2] ?? 3);
needBuilt('core/ia64.wasm');
const set = needGuest('ia64');
const program = needGuest('ia64/bin/bench.static');
const folder = mkdtempSync(join(tmpdir(), 'emeritus-bench-'));
const emeritus = [process.execPath, 'bin/emeritus', 'run', '-L', join(set, 'sysroot')];

function run([program, ...args], input = '') {
  const start = performance.now();
  const { status, stdout, error } = spawnSync(program, args, { input, stdio: ['pipe', 'pipe', 'ignore'] });
  return { seconds: (performance.now() - start) / 1000, text: String(stdout ?? ''), ok: !error && status === 0 };
}

const ways = { emeritus: [...emeritus, program] };
const ski = process.env.SKI ?? 'bski';
if (run([ski, '-noconsole', join(set, 'bin', 'hello.static')]).text !== '') ways.ski = [ski, '-noconsole', program];
else console.log('Ski is not there: set SKI to its bski');
const native = join(folder, 'bench');
if (run(['gcc', '-O2', '-w', join(set, 'src', 'bench.c'), '-o', native]).ok) ways.native = [native];

const best = Object.fromEntries(Object.keys(ways).map((name) => [name, {}]));
for (let round = 0; round < rounds; round++) {
  for (const [name, command] of Object.entries(ways)) {
    for (const [, loop, seconds] of run(command).text.matchAll(/^(\w+) .* ([\d.]+) s$/gm)) {
      best[name][loop] = Math.min(best[name][loop] ?? Infinity, Number(seconds));
    }
  }
}
const row = (name, ...cells) => console.log(name.padEnd(24) + cells.map((cell) => String(cell).padStart(12)).join(''));
const others = Object.keys(ways).slice(1);
row(`seconds, best of ${rounds}`, ...Object.keys(ways), ...others.map((name) => `${name}/ours`));
for (const loop of Object.keys(best.emeritus)) {
  const all = Object.keys(ways).map((name) => best[name][loop]);
  row(loop, ...all.map((s) => s.toFixed(3)), ...all.slice(1).map((s) => (s / all[0]).toFixed(2)));
}

const milliseconds = (commands, input) => {
  const times = commands.map((command) => {
    const { seconds, ok } = run(command, input);
    if (!ok) throw new Error(`${command.join(' ')} failed`);
    return seconds * 1000;
  });
  times.sort((a, b) => a - b);
  return `${times[Math.floor(times.length / 2)].toFixed(0)} ms (best ${times[0].toFixed(0)})`;
};
const times = (count, command) => Array.from({ length: count }, () => command);
console.log(`node alone: ${milliseconds(times(9, [process.execPath, '-e', '0']))}, median of 9`);
for (const kind of ['static', 'dyn']) {
  const command = [...emeritus, join(set, 'bin', `hello.${kind}`)];
  console.log(`start to end of hello.${kind}: ${milliseconds(times(9, command))}`);
}
const loop = (count) => [
  ...emeritus,
  join(set, 'bin', 'busybox.static'),
  'sh',
  '-c',
  `i=0; while [ $i -lt ${count} ]; do /proc/self/exe true; i=$((i+1)); done`,
];
const [none, many] = [0, 200].map((count) => Math.min(...times(3, loop(count)).map((c) => run(c).seconds)) * 1000);
console.log(`fork, exec and wait: ${((many - none) / 200).toFixed(1)} ms`);
rmSync(folder, { recursive: true });
