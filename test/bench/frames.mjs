// SPDX-License-Identifier: MIT
// The screen on its way to a viewer in another process, measured on the built command's own parts (npm run build):
//   - frames a second that a viewer on a Unix socket shows while the guest repaints 1024x768x32 as fast as it can: one
//     that keeps the picture in memory, and the SDL viewer under Xvfb with Mesa's software OpenGL,
//   - how many instructions a second the machine then executes, with the viewer against without,
//     by the host's clock, and by the time its thread had a CPU, which other load on this computer does not change,
//   - the time from a key at the viewer until the machine's keyboard has it and has said so (its ADB then reports it when
//     the guest polls), and to the guest's echo on the viewer's screen, at OpenBIOS's prompt.
//   node test/bench/frames.mjs        needs Debian's gcc-powerpc-linux-gnu and qemu-system-data, xvfb and libsdl2-2.0-0
import { execFileSync, fork, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { built, need, needCommand } from './support.mjs';

const { parseDisplay, serveDisplay } = await built('frontends/cli/display.js');
const { ThreadChannel } = await built('frontends/host/thread-channel.js');
const { SpiceClient } = await built('frontends/spice/client.js');
const { connectSpice, encryptTicket } = await built('frontends/spice/node-connection.js');
const { MachineSession } = await built('machines/backplane/session.js');

const FRAME = 1024 * 768;
const SECONDS = 5;
const OPEN_BIOS = '/usr/share/qemu/openbios-ppc';

/** Leaves translation behind and paints the frame buffer, where the built-in firmware puts it, word by word. */
const PAINTER = `
  .globl _start
_start:
  lis 3, 1f@ha
  addi 3, 3, 1f@l
  mtsrr0 3
  li 4, 0
  mtsrr1 4
  rfi
1: li 5, 0
2: lis 4, 0x8100
  addi 4, 4, -4
  lis 6, ${FRAME / 8}@h
  ori 6, 6, ${FRAME / 8}@l
  mtctr 6
  addis 5, 5, 0x0003
  addi 5, 5, 0x0107
3:${'\n  stwu 5, 4(4)'.repeat(8)}
  bdnz 3b
  b 2b
`;

/** The other process: shows what it gets in memory, types when told, reports. */
async function viewer(path) {
  let pixels = 0;
  let echoed = () => undefined;
  let shown = new Uint32Array(0);
  let width = 0;
  const client = await SpiceClient.connect({
    connect: () => connectSpice({ path }),
    encrypt: encryptTicket,
    onResize: (size) => {
      width = size.width;
      shown = new Uint32Array(size.width * size.height);
    },
    onDraw: (rect, bytes) => {
      const aligned = bytes.byteOffset % 4 === 0 ? bytes : Uint8Array.from(bytes);
      const words = new Uint32Array(aligned.buffer, aligned.byteOffset, rect.width * rect.height);
      for (let y = 0; y < rect.height; y++) {
        shown.set(words.subarray(y * rect.width, (y + 1) * rect.width), (rect.y + y) * width + rect.x);
      }
      pixels += words.length;
      echoed();
    },
  });
  process.on('message', async (request) => {
    if (request === 'count') {
      process.send(pixels / FRAME);
      pixels = 0;
    } else if (request === 'keys') {
      const times = [];
      const pressed = [];
      for (let i = 0; i < 300; i++) {
        const code = i % 2 === 0 ? 'KeyX' : 'Backspace';
        const begin = performance.now();
        const echo = new Promise((resolve) => (echoed = resolve));
        pressed.push(Number(process.hrtime.bigint()) / 1e6);
        client.key(code, true);
        await Promise.race([echo, pause(1000)]);
        times.push(performance.now() - begin);
        client.key(code, false);
        await pause(60);
      }
      process.send({ times, pressed });
    }
  });
  process.send('ready');
}

/** The SDL viewer in a process of its own: says how many frames it has shown. */
async function sdlViewer(path) {
  const { SdlViewer } = await built('frontends/sdl/viewer.js');
  const options = { menuKey: 'ControlRight', fullScreen: false, smooth: false, reconnect: false, pictures: '.' };
  const view = await SdlViewer.open({ address: { path }, ...options });
  let last = view.shown;
  process.on('message', () => {
    const { paints, pixels } = view.shown;
    process.send(Math.min(paints - last.paints, (pixels - last.pixels) / FRAME));
    last = { paints, pixels };
  });
  process.send('ready');
}

/** Xvfb on a display of its own; `undefined` where there is none. */
async function xServer() {
  const server = spawn('Xvfb', ['-displayfd', '3', '-screen', '0', '1400x1100x24', '-nolisten', 'tcp'], {
    stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
  });
  const number = await new Promise((resolve) => {
    server.on('error', () => resolve(undefined));
    server.stdio[3].once('data', (chunk) => resolve(chunk.toString().trim()));
  });
  return number === undefined
    ? undefined
    : { env: { ...process.env, DISPLAY: `:${number}` }, pid: server.pid, stop: () => server.kill() };
}

function pause(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

const ask = (child, request) =>
  new Promise((resolve) => {
    child.once('message', resolve);
    if (request !== undefined) child.send(request);
  });

async function start(folder, time, config) {
  const path = join(folder, 'screen.sock');
  const options = { serial: 'fast', screen: '1024x768x32' };
  const machine = { machine: 'powermac-g3', ramBytes: 128 << 20, options, media: [], roms: [], ...config };
  const channel = await ThreadChannel.open({ config: machine, time, startSeconds: 985_435_200, logMasks: [] });
  const session = new MachineSession(channel);
  const arrived = [];
  const watched = {
    status: () => session.status(),
    memory: () => session.memory(),
    frame: (whole) => session.frame(whole),
    serial: (bytes, port) => session.serial(bytes, port),
    pointer: (dx, dy, buttons) => session.pointer(dx, dy, buttons),
    place: (x, y, buttons) => session.place(x, y, buttons),
    wheel: (notches) => session.wheel(notches),
    onEvent: (listener) => session.onEvent(listener),
    key: async (code, down) => {
      await session.key(code, down);
      if (down) arrived.push(Number(process.hrtime.bigint()) / 1e6);
    },
  };
  const display = await serveDisplay(watched, 'bench', parseDisplay(`spice,unix=${path}`), () => undefined);
  const run = session.runFor(Infinity);
  return {
    session,
    path,
    arrived,
    end: async () => {
      await session.pause();
      await run;
      display.close();
      await session.close();
    },
  };
}

const attach = async (path, kind = 'viewer', env = process.env) => {
  const child = fork(new URL(import.meta.url), [kind, path], { env });
  await ask(child);
  return child;
};

/** CPU seconds of a process and its threads. */
function processSeconds(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

/** CPU seconds of this process's busiest thread: the machine's. */
function threadSeconds() {
  const ticks = readdirSync('/proc/self/task').map((task) => {
    const fields = readFileSync(`/proc/self/task/${task}/stat`, 'utf8')
      .replace(/^.*\) /, '')
      .split(' ');
    return Number(fields[11]) + Number(fields[12]);
  });
  return Math.max(...ticks) / 100;
}

/** Instructions a second, in millions, over a few seconds of host time: by the clock, and by the thread's CPU time. */
async function speed(session) {
  const { ticks } = await session.status();
  const begin = performance.now();
  const cpuBegin = threadSeconds();
  await pause(SECONDS * 1000);
  const after = await session.status();
  const done = (after.ticks - ticks) / 1e6;
  return { clock: done / ((performance.now() - begin) / 1000), cpu: done / (threadSeconds() - cpuBegin) };
}

async function main() {
  needCommand('powerpc-linux-gnu-gcc', 'gcc-powerpc-linux-gnu');
  need(OPEN_BIOS, 'apt-get install qemu-system-data');
  const folder = mkdtempSync(join(tmpdir(), 'emeritus-frames-'));
  try {
    await frames(folder);
    await keys(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function frames(folder) {
  const source = join(folder, 'painter.s');
  const elf = join(folder, 'painter');
  writeFileSync(source, PAINTER);
  const flags = ['-nostdlib', '-static', '-Wl,-Ttext=0x400000', '-Wl,--build-id=none'];
  execFileSync('powerpc-linux-gnu-gcc', [...flags, '-o', elf, source]);
  const kernel = { title: 'painter', bytes: new Uint8Array(readFileSync(elf)) };
  const { session, path, end } = await start(folder, 'virtual', { kernel });
  await pause(3000);
  await measure('a viewer in memory', session, () => attach(path));
  const x = await xServer();
  if (x === undefined) console.log('SDL viewer               skipped: there is no Xvfb');
  else await measure('the SDL viewer', session, () => attach(path, 'sdl', x.env), x.pid);
  x?.stop();
  await end();
}

/** The machine alone and with a viewer, in turns; and what the viewer shows. */
async function measure(name, session, attachViewer, xPid) {
  const without = [];
  const with_ = [];
  const shown = [];
  const costs = [];
  for (let round = 0; round < 3; round++) {
    without.push(await speed(session));
    const child = await attachViewer();
    await pause(1000);
    await ask(child, 'count');
    const begin = performance.now();
    const cpu = () => [
      processSeconds(process.pid) - threadSeconds(),
      processSeconds(child.pid),
      xPid === undefined ? 0 : processSeconds(xPid),
    ];
    const before = cpu();
    with_.push(await speed(session));
    const after = cpu();
    const frames = await ask(child, 'count');
    shown.push(frames / ((performance.now() - begin) / 1000));
    costs.push(after.map((seconds, i) => ((seconds - before[i]) / frames) * 1000));
    child.kill();
    await pause(500);
  }
  const sorted = (values) => values.toSorted((a, b) => a - b);
  const median = (values) => sorted(values)[values.length >>> 1];
  const rates = sorted(shown).map((rate) => rate.toFixed(1));
  console.log(`${name}: full repaints of 1024x768x32 shown, frames/s in ${shown.length} rounds: ${rates.join(', ')}`);
  const [server, viewer, xServer] = [0, 1, 2].map((part) => median(costs.map((cost) => cost[part])).toFixed(1));
  console.log(`CPU ms a frame           emulator's control thread ${server}, viewer ${viewer}, X server ${xServer}`);
  for (const by of ['clock', 'cpu']) {
    const alone = median(without.map((speed) => speed[by]));
    const seen = median(with_.map((speed) => speed[by]));
    const slower = (1 - seen / alone) * 100;
    const what = `${alone.toFixed(0)} without, ${seen.toFixed(0)} with the viewer`;
    console.log(`million instructions/s   ${what}: ${slower.toFixed(1)} % slower, by ${by} time`);
  }
}

async function keys(folder) {
  const firmware = { title: 'OpenBIOS', bytes: new Uint8Array(readFileSync(OPEN_BIOS)) };
  const { path, arrived, end } = await start(folder, 'realtime', { firmware });
  await pause(8000);
  const child = await attach(path);
  await pause(500);
  const { times, pressed } = await ask(child, 'keys');
  child.kill();
  await end();
  const report = (what, values) => {
    const sorted = values.toSorted((a, b) => a - b);
    const at = (part) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))].toFixed(1);
    console.log(`${what} p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, longest ${at(1)} ms`);
  };
  report(
    'key to keyboard         ',
    pressed.map((when, i) => arrived[i] - when),
  );
  report('key to echo on screen   ', times);
}

const [kind, path] = process.argv.slice(2);
if (kind === 'viewer') await viewer(path);
else if (kind === 'sdl') await sdlViewer(path);
else {
  await main();
  process.exit();
}
