// SPDX-License-Identifier: MIT
import { ByteQueue } from '../host/byte-queue.ts';
import { MSG_PORT, MSGC_PORT } from './protocol.ts';
import { type ChannelLink, ServerChannel } from './server-channel.ts';
import { type ByteReader, ByteWriter, ProtocolError } from './wire.ts';

const MAX_MESSAGE_BYTES = 64 << 10;
const ACK_WINDOW = 20;
/** Output kept for who connects later, and for a viewer that is busy; of more, the oldest is lost. */
const MAX_WAITING = 64 << 10;

/** A line of bytes that viewers show as a console, such as a serial line of the machine. */
export class ConsolePort {
  /** `org.emeritus.console.serial.0.0` */
  readonly name: string;
  readonly #input: (bytes: Uint8Array) => Promise<unknown>;
  readonly #listeners = new Set<(bytes: Uint8Array) => void>();
  #recent = new Uint8Array(0);

  constructor(name: string, input: (bytes: Uint8Array) => Promise<unknown>) {
    this.name = name;
    this.#input = input;
  }

  /** Bytes for the viewers. */
  output(bytes: Uint8Array): void {
    const all = new Uint8Array(this.#recent.length + bytes.length);
    all.set(this.#recent);
    all.set(bytes, this.#recent.length);
    this.#recent = all.slice(-MAX_WAITING);
    for (const listener of this.#listeners) listener(bytes);
  }

  /** Bytes from a viewer. */
  input(bytes: Uint8Array): Promise<unknown> {
    return this.#input(bytes);
  }

  /** The listener gets recent output at once and all that follows; gives the function that ends it. */
  listen(listener: (bytes: Uint8Array) => void): () => void {
    if (this.#recent.length > 0) listener(this.#recent);
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
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
