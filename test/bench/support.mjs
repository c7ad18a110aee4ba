// SPDX-License-Identifier: MIT
// Shared by the benchmarks in this folder: what they need, compile a little AssemblyScript, time it fairly, run a command,
// print a table.
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { basename, delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import asc from 'assemblyscript/asc';

export const MIB = 1 << 20;
const root = fileURLToPath(new URL('../..', import.meta.url));

/** Gives the first of these files that there is, or ends the benchmark with one line that says what is missing. */
export function need(paths, provide) {
  const found = [paths].flat().find((path) => existsSync(path));
  if (found === undefined) {
    console.error(`${basename(process.argv[1])}: there is no ${[paths].flat().join(' or ')}; ${provide}`);
    process.exit(2);
  }
  return found;
}

/** A guest's file or folder. */
export function needGuest(name) {
  const folders = [process.env.EMERITUS_GUESTS, join(homedir(), '.cache', 'emeritus', 'guests')];
  const paths = folders.filter((folder) => folder !== undefined).map((folder) => join(folder, name));
  return need(paths, 'set EMERITUS_GUESTS to the folder of the guests that test/guests builds');
}

/** A program on PATH. */
export function needCommand(command, debianPackage) {
  const folders = (process.env.PATH ?? '').split(delimiter);
  if (!folders.some((folder) => existsSync(join(folder, command)))) need(command, `apt-get install ${debianPackage}`);
  return command;
}

/** A file of dist/. */
export const needBuilt = (name) => need(join(root, 'dist', name), 'npm run build');
/** A module of dist/. */
export const built = (name) => import(needBuilt(name));

/** Compiles AssemblyScript source text with the flags of the real cores. Returns the module's bytes. */
export async function compile(source, { shared = true, memoryBytes = 16 * MIB, wat = false } = {}) {
  const pages = Math.ceil(memoryBytes / 65536);
  const args = ['bench.ts', '-o', 'bench.wasm', '-t', 'bench.wat', '--runtime', 'stub', '--importMemory', '--noAssert'];
  args.push('-O3', '--converge', '--noExportMemory', '--initialMemory', `${pages}`, '--maximumMemory', `${pages}`);
  if (shared) args.push('--sharedMemory', '--enable', 'threads,simd');
  const output = {};
  const messages = [];
  const result = await asc.main(args, {
    readFile: (name) => (name === 'bench.ts' ? source : null),
    writeFile: (name, contents) => void (output[name] = contents),
    listFiles: () => [],
    stderr: { write: (text) => void messages.push(text) },
  });
  if (result.error) throw new Error(`${messages.join('')}${result.error.message}`);
  return wat ? { wasm: output['bench.wasm'], wat: output['bench.wat'] } : output['bench.wasm'];
}

export function memory({ shared = true, memoryBytes = 16 * MIB } = {}) {
  const pages = Math.ceil(memoryBytes / 65536);
  return new WebAssembly.Memory({ initial: pages, maximum: pages, shared });
}

export function instantiate(wasm, mem, host = {}) {
  const env = { memory: mem, abort: () => undefined, seed: () => 1 };
  return new WebAssembly.Instance(new WebAssembly.Module(wasm), { env, host, bench: host }).exports;
}

/** A small generator with a fixed seed: the same program on every machine and in every run. */
export function random(seed) {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t = (t + Math.imul(t ^ (t >>> 7), t | 61)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

/** Picks by weight from `[[weight, value], …]`. */
export function pick(rng, choices) {
  let n = rng(choices.reduce((sum, [weight]) => sum + weight, 0));
  for (const [weight, value] of choices) {
    n -= weight;
    if (n < 0) return value;
  }
  throw new Error('unreachable');
}

/**
 * Nanoseconds a step for each of several ways to do the same work. Rounds are interleaved so that a noisy neighbour
 * hurts all alike, and the best round counts. `ways` maps a name to a function that does `steps` steps.
 */
export function nsPerStep(ways, steps, rounds = Number(process.env.EMERITUS_BENCH_ROUNDS ?? 15)) {
  const best = new Map();
  for (const [, work] of ways) for (let i = 0; i < 3; i++) work();
  for (let round = 0; round < rounds; round++) {
    for (const [name, work] of ways) {
      const start = process.hrtime.bigint();
      work();
      const ns = Number(process.hrtime.bigint() - start) / steps;
      best.set(name, Math.min(best.get(name) ?? Infinity, ns));
    }
  }
  return best;
}

export function table(title, columns, rows) {
  console.log(`\n${title}\n`);
  const text = [columns, ...rows].map((row) => row.map((cell) => (typeof cell === 'number' ? cell.toFixed(2) : cell)));
  const width = columns.map((_, i) => Math.max(...text.map((row) => row[i].length)));
  const line = (row) =>
    `| ${row.map((cell, i) => (i ? cell.padStart(width[i]) : cell.padEnd(width[i]))).join(' | ')} |`;
  console.log(line(text[0]));
  console.log(`|${width.map((w, i) => (i ? `${'-'.repeat(w + 1)}:` : '-'.repeat(w + 2))).join('|')}|`);
  for (const row of text.slice(1)) console.log(line(row));
}

/**
 * Runs a command to its end. Gives host seconds until each mark appeared in its output (the guest's own clock is
 * virtual), seconds in all, the largest resident size seen, in MiB, and the output.
 */
export function runCommand([command, ...args], marks = []) {
  return new Promise((resolve, reject) => {
    const begin = performance.now();
    const seconds = () => (performance.now() - begin) / 1000;
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    const times = marks.map(() => NaN);
    let output = '';
    let peak = 0;
    const poll = setInterval(() => {
      try {
        const status = readFileSync(`/proc/${child.pid}/status`, 'utf8');
        peak = Math.max(peak, Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024);
      } catch {
        // it has just ended
      }
    }, 50);
    child.stdout.on('data', (data) => {
      output += data;
      marks.forEach((mark, i) => {
        if (Number.isNaN(times[i]) && output.includes(mark)) times[i] = seconds();
      });
    });
    child.on('error', reject);
    child.on('close', () => {
      clearInterval(poll);
      resolve({ times, seconds: seconds(), peak, output });
    });
  });
}
