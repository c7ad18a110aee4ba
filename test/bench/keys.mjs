// SPDX-License-Identifier: MIT
// How long a key takes from a viewer in another process until the guest can see it, with Linux waiting at its console:
//   - to the machine's keyboard, in the machine's thread,
//   - to the VIA's interrupt: the shift register then has the first byte of Cuda's packet with the key. Cuda asks the
//     keyboard every 11 ms, which is part of this; so is the time its packet takes.
//   node test/bench/keys.mjs [SECONDS]       needs $EMERITUS_GUESTS/linux-ppc (test/guests/build-linux.sh)
import { fork } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isMainThread, parentPort, workerData } from 'node:worker_threads';
import { built, needGuest } from './support.mjs';

const { parseDisplay, serveDisplay } = await built('frontends/cli/display.js');
const { readImage } = await built('frontends/host/files.js');
const { runMachine } = await built('frontends/host/machine-loop.js');
const { NodeMachineHost } = await built('frontends/host/node-machine-host.js');
const { ThreadChannel } = await built('frontends/host/thread-channel.js');
const { SpiceClient } = await built('frontends/spice/client.js');
const { connectSpice, encryptTicket } = await built('frontends/spice/node-connection.js');
const { MachineServer } = await built('machines/backplane/machine-server.js');
const { MachineSession } = await built('machines/backplane/session.js');
const { machineNamed } = await built('machines/registry.js');

const KEYS_A_SECOND = 20;
/** Milliseconds of a clock that all processes of this computer share. */
const now = () => Number(process.hrtime.bigint()) / 1e6;
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** The machine's thread, with an eye on the keyboard and on the VIA's interrupt. */
function machine() {
  const host = new NodeMachineHost({ startSeconds: workerData.startSeconds });
  const built = machineNamed(workerData.config.machine).build(host, workerData.config);
  let waiting = false;
  const times = { keyboard: [], register: [] };
  const { keyboard } = built;
  built.keyboard = {
    key: (code, down) => {
      keyboard.key(code, down);
      times.keyboard.push(now());
      waiting = true;
    },
    get leds() {
      return keyboard.leds;
    },
  };
  built.board.devices.get('via').irq.to((level) => {
    if (level && waiting) times.register.push(now());
    if (level) waiting = false;
  });
  const server = new MachineServer(built, (event) => parentPort.postMessage({ event }), {
    now: () => performance.now(),
  });
  const { handle } = server;
  // Nobody else asks for registers here.
  server.handle = (name, argument, reply) =>
    name === 'registers' ? reply(times) : handle.call(server, name, argument, reply);
  parentPort.postMessage({ ready: true });
  runMachine(parentPort, server, new Int32Array(workerData.doorbell));
}

/** The other process: presses and releases a key that does nothing, tells when. */
async function viewer(path, keys) {
  const client = await SpiceClient.connect({ connect: () => connectSpice({ path }), encrypt: encryptTicket });
  process.on('message', async () => {
    const sent = [];
    for (let i = 0; i < keys; i++) {
      sent.push(now());
      client.key('ShiftLeft', i % 2 === 0);
      await pause(35 + Math.random() * 30);
    }
    process.send(sent);
  });
  process.send('ready');
}

async function main() {
  const image = (name) => readImage(needGuest(`linux-ppc/${name}`), name);
  const [kernel, initrd] = [image('vmlinux.gz'), image('initrd.cpio.gz')];
  const folder = mkdtempSync(join(tmpdir(), 'emeritus-keys-'));
  const path = join(folder, 'screen.sock');
  const config = {
    machine: 'powermac-g3',
    ramBytes: 256 << 20,
    options: { serial: 'fast', screen: '1024x768x8' },
    media: [],
    roms: [],
    kernel,
    initrd,
    append: 'console=ttyPZ0,57600',
  };
  const data = { config, time: 'realtime', startSeconds: 985_435_200, logMasks: [] };
  const session = new MachineSession(await ThreadChannel.open(data, new URL(import.meta.url)));
  const run = session.runUntil({ serial: /[#$] $/ }, 120);
  const display = await serveDisplay(session, 'bench', parseDisplay(`spice,unix=${path}`), () => undefined);
  console.log(`Linux: ${(await run).reason}`);
  const going = session.runFor(Infinity);
  const child = fork(new URL(import.meta.url), ['viewer', path, String(Number(process.argv[2] ?? 20) * KEYS_A_SECOND)]);
  const ask = (request) =>
    new Promise((resolve) => {
      child.once('message', resolve);
      if (request !== undefined) child.send(request);
    });
  await ask();
  await pause(500);
  const sent = await ask('go');
  await pause(100);
  const times = await session.registers();
  child.kill();
  await session.pause();
  await going;
  display.close();
  await session.close();
  rmSync(folder, { recursive: true });
  for (const [what, when] of Object.entries(times)) {
    const taken = sent.map((at, i) => when[i] - at).toSorted((a, b) => a - b);
    const part = (share) => taken[Math.min(taken.length - 1, Math.floor(taken.length * share))].toFixed(1);
    const figures = `p50 ${part(0.5)} ms, p99 ${part(0.99)} ms, longest ${part(1)} ms`;
    console.log(`key to ${what.padEnd(9)} ${figures} (${when.length} of ${sent.length} keys)`);
  }
}

if (!isMainThread) machine();
else if (process.argv[2] === 'viewer') await viewer(process.argv[3], Number(process.argv[4]));
else {
  await main();
  process.exit();
}
