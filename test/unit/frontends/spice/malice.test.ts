// SPDX-License-Identifier: MIT
//
// Viewers that mean harm, without sockets between: every byte arrives, and it is known which parser it reached.
import { type Duplex, duplexPair } from 'node:stream';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { linkRequest } from '../../../../frontends/spice/link.ts';
import {
  CHANNEL,
  LINK_ERR,
  MSGC,
  MSGC_DISPLAY,
  MSGC_INPUTS,
  MSGC_MAIN,
  MSGC_PORT,
  TICKET_BYTES,
} from '../../../../frontends/spice/protocol.ts';
import { ByteWriter } from '../../../../frontends/spice/wire.ts';
import { random as randomNumbers } from '../../../support/random.ts';
import { SpiceBench } from '../../../support/spice.ts';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

const benches: SpiceBench[] = [];
afterEach(() => {
  vi.useRealTimers();
  for (const made of benches.splice(0)) made.close();
});

function bench(password?: string): SpiceBench {
  const made = new SpiceBench({ password });
  benches.push(made);
  return made;
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Bytes held by this process, after everything was let go that can be. */
function memory(): number {
  collectGarbage();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

const MAX_GROWTH = 24 << 20;
/** Of a link's answer: header, error code, key, counts, offset, capabilities. */
const REPLY_HEADER = 16;

/** The far end of a connection. */
class Foe {
  readonly stream: Duplex;
  readonly #far: Duplex;
  received = Buffer.alloc(0);
  closed = false;

  constructor(made: SpiceBench, peer = 'foe') {
    const [near, far] = duplexPair();
    this.stream = near;
    this.#far = far;
    near.on('data', (chunk: Buffer) => {
      if (this.received.length < 1024) this.received = Buffer.concat([this.received, chunk]);
    });
    near.on('error', () => undefined);
    // One end of a socket learns that the other has gone; of a pair it must be told.
    far.on('close', () => {
      this.closed = true;
      near.destroy();
    });
    made.server.accept(far, peer);
  }

  write(bytes: Uint8Array): void {
    if (!this.closed && this.stream.writable) this.stream.write(bytes);
  }

  /** What the answer to the link says, once it is there. */
  get linkError(): number | undefined {
    return this.received.length < REPLY_HEADER + 4 ? undefined : this.received.readUInt32LE(REPLY_HEADER);
  }

  end(): void {
    this.stream.destroy();
    this.#far.destroy();
  }
}

/** A link that works where there is no password: any ticket does. */
const link = (connectionId: number, channelType: number, channelId = 0): Uint8Array =>
  new ByteWriter()
    .bytes(linkRequest({ connectionId, channelType, channelId, commonCaps: [3], channelCaps: [1, 5] }))
    .bytes(new Uint8Array(TICKET_BYTES))
    .finish();

/** Opens a session by hand; gives its id. */
async function session(made: SpiceBench): Promise<{ main: Foe; id: number }> {
  const main = new Foe(made);
  main.write(link(0, CHANNEL.MAIN));
  for (let i = 0; i < 10; i++) await turn();
  const size = main.received.readUInt32LE(12);
  // Answer, result, SET_ACK, then INIT, whose first word is the id.
  const init = REPLY_HEADER + size + 4 + 6 + 8 + 6;
  return { main, id: main.received.readUInt32LE(init) };
}

/** Every message there is, by channel: its number and how long its body is (at most, where that differs). */
const MESSAGES: Readonly<Record<number, readonly (readonly [number, number])[]>> = {
  [CHANNEL.MAIN]: [
    [MSGC_MAIN.CLIENT_INFO, 4],
    [MSGC_MAIN.ATTACH_CHANNELS, 0],
    [MSGC_MAIN.MOUSE_MODE_REQUEST, 2],
    [MSGC_MAIN.AGENT_START, 4],
    [MSGC_MAIN.AGENT_DATA, 60],
    [MSGC_MAIN.AGENT_TOKEN, 4],
  ],
  [CHANNEL.DISPLAY]: [
    [MSGC_DISPLAY.INIT, 14],
    [MSGC_DISPLAY.PREFERRED_COMPRESSION, 1],
    [MSGC_DISPLAY.STREAM_REPORT, 28],
    [MSGC_DISPLAY.GL_DRAW_DONE, 0],
  ],
  [CHANNEL.INPUTS]: [
    [MSGC_INPUTS.KEY_DOWN, 4],
    [MSGC_INPUTS.KEY_UP, 4],
    [MSGC_INPUTS.KEY_MODIFIERS, 2],
    [MSGC_INPUTS.KEY_SCANCODE, 12],
    [MSGC_INPUTS.MOUSE_MOTION, 10],
    [MSGC_INPUTS.MOUSE_POSITION, 11],
    [MSGC_INPUTS.MOUSE_PRESS, 3],
    [MSGC_INPUTS.MOUSE_RELEASE, 3],
  ],
  [CHANNEL.CURSOR]: [],
  [CHANNEL.PLAYBACK]: [],
  [CHANNEL.PORT]: [
    [MSGC_PORT.DATA, 80],
    [MSGC_PORT.EVENT, 1],
  ],
};
const EVERY_CHANNEL: readonly (readonly [number, number])[] = [
  [MSGC.ACK_SYNC, 4],
  [MSGC.ACK, 0],
  [MSGC.PONG, 12],
];

describe('SpiceServer under attack', () => {
  it('parses 20,000 fuzzed links and admits none without the password', { timeout: 120_000 }, async () => {
    const made = bench('secret');
    const next = randomNumbers(0x11f2);
    const below = (limit: number): number => Math.floor(next() * limit);
    const good = link(0, CHANNEL.MAIN);
    const before = memory();
    const reached = { header: 0, request: 0, ticket: 0 };
    for (let round = 0; round < 20_000 / 20; round++) {
      const foes = Array.from({ length: 20 }, () => {
        const bytes = good.slice(0, below(8) === 0 ? below(good.length) : good.length);
        // Mostly behind the magic number, which is otherwise as far as they come.
        const first = below(5) === 0 ? 0 : 16;
        const last = Math.min(bytes.length, below(4) === 0 ? good.length : good.length - TICKET_BYTES);
        for (let flips = below(4); flips > 0 && last > first; flips--) bytes[first + below(last - first)] = below(256);
        const foe = new Foe(made);
        foe.write(bytes);
        return foe;
      });
      for (let i = 0; i < 6; i++) await turn();
      for (const foe of foes) {
        if (foe.linkError === undefined) reached.header++;
        else if (foe.linkError !== LINK_ERR.OK) reached.request++;
        else reached.ticket++;
        foe.end();
      }
      await turn();
      expect(made.server.viewers).toBe(0);
    }
    expect(reached.header + reached.request + reached.ticket).toBe(20_000);
    expect(Math.min(reached.header, reached.request, reached.ticket)).toBeGreaterThan(1000);
    expect(made.lines.length).toBeGreaterThan(15_000);
    expect(made.lines.every((line) => /^spice: foe: refused: [^\n]+$/.test(line))).toBe(true);
    made.lines.length = 0;
    // What was refused is let go a second later.
    await new Promise((resolve) => setTimeout(resolve, 1200));
    expect(memory() - before).toBeLessThan(MAX_GROWTH);
  });

  it('parses 100,000 fuzzed messages of all channels, and serves on', { timeout: 300_000 }, async () => {
    const made = bench();
    made.machine.show({});
    const next = randomNumbers(0xbad);
    const below = (limit: number): number => Math.floor(next() * limit);
    const channels = Object.keys(MESSAGES).map(Number);
    const reached = new Map<string, number>();
    const count = (what: string): void => void reached.set(what, (reached.get(what) ?? 0) + 1);
    let { main, id } = await session(made);
    const foes = new Map<number, Foe>([[CHANNEL.MAIN, main]]);
    const before = memory();
    let sent = 0;
    while (sent < 100_000) {
      if (main.closed) ({ main, id } = await session(made));
      foes.set(CHANNEL.MAIN, main);
      for (const channel of channels) {
        if (foes.get(channel)?.closed === false) continue;
        const foe = new Foe(made);
        foe.write(link(id, channel));
        foes.set(channel, foe);
      }
      for (let i = 0; i < 4; i++) await turn();
      for (const channel of channels) {
        const foe = foes.get(channel)!;
        if (foe.closed) continue;
        const known = [...MESSAGES[channel]!, ...EVERY_CHANNEL];
        const kind = below(20);
        const [type, length] = kind === 0 ? [below(0x1_0000), below(40)] : known[below(known.length)]!;
        // Whole, cut or longer than it should be; now and then of a length nobody should believe.
        const bodyBytes = kind < 3 ? below(length + 8) : length;
        const claimed = kind === 3 && below(4) === 0 ? below(2 ** 32) : bodyBytes;
        const body = Uint8Array.from({ length: bodyBytes }, () => (below(3) === 0 ? below(256) : below(4)));
        foe.write(new ByteWriter().u16(type).u32(claimed).bytes(body).finish());
        // One that waits for the rest of its message is of no more use.
        if (claimed !== bodyBytes) foe.end();
        count(kind === 0 ? `${channel} unknown` : claimed === bodyBytes ? `${channel} ${type}` : `${channel} length`);
        sent++;
      }
      await turn();
    }
    for (const channel of channels) {
      for (const [type] of [...MESSAGES[channel]!, ...EVERY_CHANNEL]) {
        expect(reached.get(`${channel} ${type}`), `channel ${channel}, message ${type}`).toBeGreaterThan(500);
      }
      expect(reached.get(`${channel} unknown`)).toBeGreaterThan(500);
    }
    expect([...reached.values()].reduce((sum, one) => sum + one)).toBe(sent);
    expect(made.lines.filter((line) => !/^spice: foe: [^\n]+$/.test(line) || line.includes('internal'))).toEqual([]);
    expect(made.lines.length).toBeGreaterThan(5000);
    for (const foe of foes.values()) foe.end();
    for (let i = 0; i < 20; i++) await turn();
    made.lines.length = made.machine.keys.length = made.machine.moves.length = 0;
    expect(memory() - before).toBeLessThan(MAX_GROWTH);
    const { main: friend } = await session(made);
    expect(friend.closed).toBe(false);
    expect(friend.linkError).toBe(LINK_ERR.OK);
    friend.end();
  });

  it('lets go of connections that never say what they want, in one line each', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const made = bench();
    const before = memory();
    const foes = Array.from({ length: 200 }, (_, i) => {
      const foe = new Foe(made, `foe ${i}`);
      foe.write(link(0, CHANNEL.MAIN).subarray(0, i % 100));
      return foe;
    });
    for (let i = 0; i < 5; i++) await turn();
    // More than so many are not waited for at a time.
    expect(made.lines).toHaveLength(200 - 64);
    expect(made.lines.every((line) => line.endsWith('refused: too many connections are being made'))).toBe(true);
    expect(memory() - before).toBeLessThan(MAX_GROWTH);
    vi.advanceTimersByTime(10_001);
    for (let i = 0; i < 5; i++) await turn();
    vi.advanceTimersByTime(1001);
    for (let i = 0; i < 5; i++) await turn();
    expect(foes.every(({ closed }) => closed)).toBe(true);
    expect(made.lines).toHaveLength(200);
    expect(made.lines.slice(200 - 64).every((line) => line.endsWith('refused: no link after 10 s'))).toBe(true);
    expect(new Set(made.lines).size).toBe(200);
  });

  it('sends away a viewer that takes no pictures, and keeps none for it', async () => {
    const made = bench();
    made.machine.show({ width: 1024, height: 768 });
    const { main, id } = await session(made);
    const deaf = new Foe(made, 'deaf');
    deaf.write(link(id, CHANNEL.DISPLAY));
    for (let i = 0; i < 5; i++) await turn();
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    deaf.stream.pause();
    deaf.write(new ByteWriter().u16(MSGC_DISPLAY.INIT).u32(14).bytes(new Uint8Array(14)).finish());
    const before = memory();
    for (let i = 1; i < 60; i++) {
      made.machine.paint(0, 768, i);
      vi.advanceTimersByTime(16);
      await turn();
    }
    // An image on its way, the surface, the next picture; never a queue, which would be 180 MiB.
    expect(memory() - before).toBeLessThan(2 * MAX_GROWTH);
    expect(deaf.closed).toBe(false);
    vi.advanceTimersByTime(30_001);
    for (let i = 0; i < 5; i++) await turn();
    expect(deaf.closed).toBe(true);
    expect(made.lines).toEqual(['spice: deaf: the viewer takes no pictures']);
    expect(main.closed).toBe(false);
    main.end();
  });
});
