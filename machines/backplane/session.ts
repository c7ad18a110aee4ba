// SPDX-License-Identifier: MIT
import type { KeyCode, Picture } from './host.ts';
import type { Machine } from './machine.ts';
import { MachineServer } from './machine-server.ts';
import type {
  Frame,
  RequestName,
  Requests,
  RunResult,
  SessionChannel,
  SessionEvent,
  Status,
  Until,
} from './session-protocol.ts';

/**
 * A running machine as the command line, the tests and every other frontend see it: start it, wait for text, type,
 * look at the screen, save and restore. The machine may be in this thread or in another.
 */
export class MachineSession {
  readonly #channel: SessionChannel;

  constructor(channel: SessionChannel) {
    this.#channel = channel;
  }

  /** Runs for `seconds` of virtual time, or until the machine stops by itself. */
  runFor(seconds: number): Promise<RunResult> {
    return this.#channel.request('run', { seconds });
  }

  /** Runs until the condition is met, at most `seconds` of virtual time. */
  runUntil(until: Until, seconds: number): Promise<RunResult> {
    return this.#channel.request('run', { seconds, until });
  }

  /** Ends the run in progress, whose promise then gives the reason `paused`. */
  async pause(): Promise<void> {
    await this.#channel.request('pause', undefined);
  }

  onEvent(listener: (event: SessionEvent) => void): void {
    this.#channel.onEvent(listener);
  }

  /** Sends bytes, or text as Latin-1, to the guest on a serial line. */
  async serial(data: Uint8Array | string, port = 0): Promise<void> {
    const bytes = typeof data === 'string' ? Uint8Array.from(data, (c) => c.charCodeAt(0) & 0xff) : data;
    await this.#channel.request('serial', { port, bytes });
  }

  async key(code: KeyCode, down: boolean): Promise<void> {
    await this.#channel.request('key', { code, down });
  }

  async pointer(dx: number, dy: number, buttons: number): Promise<void> {
    await this.#channel.request('pointer', { dx, dy, buttons });
  }

  /** Where the pointer is, as parts (0 to 1) of the screen, for machines that are told ({@link Frame.absolute}). */
  async place(x: number, y: number, buttons: number): Promise<void> {
    await this.#channel.request('place', { x, y, buttons });
  }

  /** Notches of the wheel; positive is away from the user. */
  async wheel(notches: number): Promise<void> {
    await this.#channel.request('wheel', { notches });
  }

  /** Types text on the machine's (US) keyboard; the keys follow each other as virtual time passes. */
  async type(text: string, gapSeconds?: number): Promise<void> {
    await this.#channel.request('type', gapSeconds === undefined ? { text } : { text, gapSeconds });
  }

  /** The first screen, or `undefined` while it shows nothing. */
  screenshot(): Promise<Picture | undefined> {
    return this.#channel.request('picture', undefined);
  }

  /** The machine's memory, which {@link frame} points into. Only for reading. */
  memory(): Promise<ArrayBufferLike> {
    return this.#channel.request('memory', undefined);
  }

  /** The next change of the first screen or of the keyboard's LEDs; with `whole`, everything and at once. */
  frame(whole: boolean): Promise<Frame> {
    return this.#channel.request('frame', { whole });
  }

  /** The rows of text on the first screen, where the machine can tell. */
  screenText(): Promise<string[] | undefined> {
    return this.#channel.request('screenText', undefined);
  }

  status(): Promise<Status> {
    return this.#channel.request('status', undefined);
  }

  registers(): Promise<Record<string, number | bigint>> {
    return this.#channel.request('registers', undefined);
  }

  /** Stops time, or lets it go on, without ending the run in progress. */
  async hold(held: boolean): Promise<void> {
    await this.#channel.request('hold', { held });
  }

  async reset(kind: 'cold' | 'warm' = 'warm'): Promise<void> {
    await this.#channel.request('reset', { kind });
  }

  /** The whole machine as bytes (docs/formats/snapshot.md); media by reference. */
  save(): Promise<Uint8Array> {
    return this.#channel.request('save', undefined);
  }

  async restore(snapshot: Uint8Array): Promise<void> {
    await this.#channel.request('restore', { snapshot });
  }

  /** Stops the machine and flushes its media. */
  async close(): Promise<void> {
    await this.#channel.request('close', undefined);
  }
}

/** A channel to a machine in this thread, on virtual time: a run is over when its promise is made. */
export class LocalChannel implements SessionChannel {
  readonly #server: MachineServer;
  readonly #listeners: ((event: SessionEvent) => void)[] = [];

  constructor(machine: Machine) {
    this.#server = new MachineServer(machine, (event) => {
      for (const listener of this.#listeners) listener(event);
    });
  }

  request<Name extends RequestName>(name: Name, argument: Requests[Name][0]): Promise<Requests[Name][1]> {
    return new Promise((resolve, reject) => {
      this.#server.handle(name, argument, (result) => {
        if (result instanceof Error) reject(result);
        else resolve(result);
      });
      if (name === 'run' || name === 'hold') while (this.#server.running) this.#server.tick();
    });
  }

  onEvent(listener: (event: SessionEvent) => void): void {
    this.#listeners.push(listener);
  }
}
