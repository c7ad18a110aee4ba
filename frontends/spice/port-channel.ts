// SPDX-License-Identifier: MIT
import { ByteQueue } from '../host/byte-queue.ts';
import { MSG_PORT, MSGC_PORT } from './protocol.ts';
import { type ChannelLink, ServerChannel } from './server-channel.ts';
import { type ByteReader, ByteWriter, ProtocolError } from './wire.ts';

const MAX_MESSAGE_BYTES = 64 << 10;
const ACK_WINDOW = 20;
/** Output kept for who connects later, and for a viewer that is busy; of more, the oldest is lost. */
const MAX_WAITING = 64 << 10;
const MAX_PIECES = 1024;

/** A line of bytes that viewers show as a console, such as a serial line of the machine. */
export class ConsolePort {
  /** `org.emeritus.console.serial.0.0` */
  readonly name: string;
  readonly #input: (bytes: Uint8Array) => Promise<unknown>;
  readonly #listeners = new Set<(bytes: Uint8Array) => void>();
  /** The last output, in pieces: a serial line says little at a time, but often. */
  #recent: Uint8Array[] = [];
  #recentBytes = 0;

  constructor(name: string, input: (bytes: Uint8Array) => Promise<unknown>) {
    this.name = name;
    this.#input = input;
  }

  /** Bytes for the viewers. */
  output(bytes: Uint8Array): void {
    this.#recent.push(bytes.slice(-MAX_WAITING));
    this.#recentBytes += Math.min(bytes.length, MAX_WAITING);
    if (this.#recentBytes > 2 * MAX_WAITING || this.#recent.length > MAX_PIECES) this.#join();
    for (const listener of this.#listeners) listener(bytes);
  }

  /** Bytes from a viewer. */
  input(bytes: Uint8Array): Promise<unknown> {
    return this.#input(bytes);
  }

  /** The listener gets recent output at once and all that follows; gives the function that ends it. */
  listen(listener: (bytes: Uint8Array) => void): () => void {
    if (this.#recentBytes > 0) listener(this.#join());
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** The last output in one piece. */
  #join(): Uint8Array {
    const all = new Uint8Array(this.#recentBytes);
    let at = 0;
    for (const piece of this.#recent) {
      all.set(piece, at);
      at += piece.length;
    }
    const last = all.slice(-MAX_WAITING);
    this.#recent = [last];
    this.#recentBytes = last.length;
    return last;
  }
}

export class PortChannel extends ServerChannel {
  readonly #port: ConsolePort;
  readonly #waiting = new ByteQueue(MAX_WAITING);
  #detach: (() => void) | undefined;

  constructor(link: ChannelLink, port: ConsolePort) {
    super(link, MAX_MESSAGE_BYTES, ACK_WINDOW);
    this.#port = port;
  }

  protected greet(): void {
    const name = new TextEncoder().encode(`${this.#port.name}\0`);
    const nameOffset = 9;
    const opened = 1;
    this.send(MSG_PORT.INIT, new ByteWriter().u32(name.length).u32(nameOffset).u8(opened).bytes(name).finish());
    this.#detach = this.#port.listen((bytes) => {
      this.#waiting.push(bytes);
      this.progressed();
    });
  }

  protected received(type: number, body: ByteReader): void {
    switch (type) {
      case MSGC_PORT.DATA:
        if (body.left > 0) this.waitFor(this.#port.input(body.bytes(body.left).slice()));
        return;
      case MSGC_PORT.EVENT:
        body.u8();
        return;
      default:
        throw new ProtocolError(`port channel: message ${type}`);
    }
  }

  protected override progressed(): void {
    if (this.ready && this.#waiting.length > 0) this.send(MSG_PORT.DATA, this.#waiting.take());
  }

  protected override ended(): void {
    this.#detach?.();
  }
}
