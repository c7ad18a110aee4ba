// SPDX-License-Identifier: MIT
import type { Socket } from 'node:net';
import { AudioSource } from '../../frontends/host/audio.ts';
import { ScreenSource } from '../../frontends/host/screen-source.ts';
import { type ClientOptions, type ClientPort, SpiceClient } from '../../frontends/spice/client.ts';
import { connectSpice, encryptTicket, type SpiceAddress } from '../../frontends/spice/node-connection.ts';
import { ConsolePort } from '../../frontends/spice/port-channel.ts';
import { SpiceServer, type SpiceServerOptions } from '../../frontends/spice/server.ts';
import type { Picture } from '../../machines/backplane/host.ts';
import { LocalChannel, MachineSession } from '../../machines/backplane/session.ts';
import { FakeMachine } from './fake-machine.ts';

/** Waits until something is so; fails when that takes longer than on the slowest of machines. */
export async function until(
  condition: () => boolean | Promise<boolean>,
  what: string | (() => string) = String(condition),
  seconds = 60,
): Promise<void> {
  const end = Date.now() + seconds * 1000;
  while (!(await condition())) {
    if (Date.now() > end) throw new Error(`not within ${seconds} s: ${typeof what === 'string' ? what : what()}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** Waits for something that may never be so; tells whether it was. */
export const comesTrue = (condition: () => boolean, seconds: number): Promise<boolean> =>
  until(condition, '', seconds).then(
    () => true,
    () => false,
  );

/** A client that keeps what it is shown. */
export class TestViewer {
  client!: SpiceClient;
  width = 0;
  height = 0;
  pixels = new Uint32Array(0);
  resizes = 0;
  draws = 0;
  drawnPixels = 0;
  leds = 0;
  name = '';
  absolute = false;
  /** Frames of sound received, and how often it has ended. */
  readonly sound: number[] = [];
  silences = 0;
  /** Bytes received on all channels. */
  received = 0;
  closed = false;
  readonly ports: ClientPort[] = [];
  readonly portText = new Map<string, string>();

  static async connect(
    address: SpiceAddress,
    password?: string,
    onSocket?: (socket: Socket) => void,
    { compression, opus }: Pick<ClientOptions, 'compression' | 'opus'> = {},
  ): Promise<TestViewer> {
    const viewer = new TestViewer();
    const options: ClientOptions = {
      connect: () =>
        connectSpice(address, (socket) => {
          socket.on('data', (chunk: Buffer) => (viewer.received += chunk.length));
          onSocket?.(socket);
        }),
      encrypt: encryptTicket,
      password,
      compression,
      opus,
      onAbsolute: (absolute) => (viewer.absolute = absolute),
      onSound: (sound) => {
        if (sound === undefined) viewer.silences++;
        else viewer.sound.push(...sound.samples.filter((_, i) => i % sound.channels === 0));
      },
      onResize: ({ width, height }) => {
        viewer.width = width;
        viewer.height = height;
        viewer.resizes++;
        viewer.pixels = new Uint32Array(width * height);
      },
      onDraw: ({ x, y, width, height }, pixels) => {
        viewer.draws++;
        viewer.drawnPixels += width * height;
        const words = new Uint32Array(pixels.slice().buffer);
        for (let line = 0; line < height; line++) {
          viewer.pixels.set(words.subarray(line * width, (line + 1) * width), (y + line) * viewer.width + x);
        }
      },
      onLeds: (leds) => (viewer.leds = leds),
      onName: (name) => (viewer.name = name),
      onPort: (port) => {
        viewer.ports.push(port);
        port.onData = (bytes) => {
          const text = viewer.portText.get(port.name) ?? '';
          viewer.portText.set(port.name, text + Buffer.from(bytes).toString('latin1'));
        };
      },
      onClose: () => (viewer.closed = true),
    };
    viewer.client = await SpiceClient.connect(options);
    return viewer;
  }

  /** Whether the viewer shows exactly this picture. */
  shows(picture: Picture | undefined): boolean {
    if (picture?.width !== this.width || picture.height !== this.height) return false;
    const { rgba } = picture;
    return this.pixels.every(
      (pixel, i) => pixel === ((rgba[i * 4]! << 16) | (rgba[i * 4 + 1]! << 8) | rgba[i * 4 + 2]!),
    );
  }
}

/** A machine that runs in the background as time passes, served by SPICE. */
export class SpiceBench {
  readonly machine = new FakeMachine();
  readonly session = new MachineSession(new LocalChannel(this.machine));
  readonly screen = new ScreenSource(this.session);
  readonly audio = new AudioSource();
  readonly lines: string[] = [];
  readonly port: ConsolePort;
  readonly server: SpiceServer;
  readonly #timer: NodeJS.Timeout;

  constructor(options: Partial<SpiceServerOptions> = {}) {
    this.port = new ConsolePort('org.emeritus.console.serial.0.0', (bytes) => this.session.serial(bytes, 0));
    this.server = new SpiceServer({
      title: 'Fake machine',
      screen: this.screen,
      input: this.session,
      ports: [this.port],
      audio: this.audio,
      log: (line) => this.lines.push(line),
      ...options,
    });
    this.session.onEvent((event) => {
      if (event.event === 'audio') this.audio.push(event.chunk);
    });
    this.#timer = setInterval(() => void this.session.runFor(0.01).catch(() => undefined), 5);
  }

  close(): void {
    clearInterval(this.#timer);
    this.server.close();
  }
}
