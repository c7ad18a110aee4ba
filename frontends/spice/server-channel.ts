// SPDX-License-Identifier: MIT
import type { Duplex } from 'node:stream';
import { MSG, MSGC } from './protocol.ts';
import { ByteReader, ByteStream, ByteWriter, ProtocolError } from './wire.ts';

/** How a channel is connected, as the link settled it. */
export interface ChannelLink {
  readonly stream: Duplex;
  /** Messages begin with 6 bytes instead of 18. */
  readonly miniHeader: boolean;
  readonly channelCaps: readonly number[];
  /** A Unix socket, on which bytes cost next to nothing. */
  readonly local: boolean;
  /** Bytes that came behind the link's. */
  readonly rest: ByteStream;
  /** Tells the user one line about this connection. */
  log(line: string): void;
}

const MINI_HEADER_BYTES = 6;
const HEADER_BYTES = 18;
/** Requests to the machine that a client's messages may have under way before it is read no further. */
const MAX_PENDING = 64;
/** What may wait in this process for a client that does not read, besides one image. */
const MAX_UNREAD_BYTES = 1 << 20;

/** The server's end of one channel: messages in and out, acknowledgements, and the end. */
export abstract class ServerChannel {
  protected readonly link: ChannelLink;
  readonly #incoming: ByteStream;
  readonly #maxMessage: number;
  readonly #ackWindow: number;
  readonly #onClose: (() => void)[] = [];
  #unacked = 0;
  #pending = 0;
  #serial = 0n;
  #closed = false;

  /** @param ackWindow messages a client acknowledges together; twice as many may be under way. */
  protected constructor(link: ChannelLink, maxMessage: number, ackWindow: number) {
    this.link = link;
    this.#incoming = link.rest;
    this.#maxMessage = maxMessage;
    this.#ackWindow = ackWindow;
  }

  /** Begins: greets, and reads what there is. */
  open(): void {
    const { stream } = this.link;
    stream.on('data', (chunk: Buffer) => {
      this.#incoming.push(chunk);
      this.#read();
    });
    stream.on('drain', () => this.progressed());
    stream.on('error', () => this.close());
    stream.on('end', () => this.close());
    stream.on('close', () => this.close());
    this.send(MSG.SET_ACK, new ByteWriter().u32(1).u32(this.#ackWindow).finish());
    this.greet();
    this.#read();
    if (!this.#closed && stream.destroyed) this.close();
  }

  get closed(): boolean {
    return this.#closed;
  }

  onClose(listener: () => void): void {
    this.#onClose.push(listener);
  }

  /** Ends the channel; `why` is for the log when the client is to blame. */
  close(why?: string): void {
    if (this.#closed) return;
    this.#closed = true;
    if (why !== undefined) this.link.log(why);
    this.link.stream.destroy();
    for (const listener of this.#onClose) listener();
    this.ended();
  }

  /** Sends the first messages. */
  protected abstract greet(): void;
  /** A message that is not one of every channel's. */
  protected abstract received(type: number, body: ByteReader): void;
  /** The channel is closed. */
  protected ended(): void {}
  /** {@link ready} may have become true. */
  protected progressed(): void {}

  /** Whether the client keeps up: what was sent has left this process, and enough of it was acknowledged. */
  protected get ready(): boolean {
    return !this.#closed && !this.link.stream.writableNeedDrain && this.#unacked < 2 * this.#ackWindow;
  }

  protected send(type: number, ...parts: readonly Uint8Array[]): void {
    if (this.#closed) return;
    const { stream, miniHeader } = this.link;
    const size = parts.reduce((sum, part) => sum + part.length, 0);
    const header = new ByteWriter();
    if (miniHeader) header.u16(type).u32(size);
    else header.u64(++this.#serial).u16(type).u32(size).u32(0);
    stream.cork();
    stream.write(header.finish());
    for (const part of parts) if (part.length > 0) stream.write(part);
    stream.uncork();
    this.#unacked++;
    if (stream.writableLength > size + MAX_UNREAD_BYTES) this.close('the viewer does not read');
  }

  /** While too many of these are under way, the client is read no further. */
  protected waitFor(request: Promise<unknown>): void {
    if (++this.#pending === MAX_PENDING) this.link.stream.pause();
    const done = (): void => {
      if (this.#pending-- !== MAX_PENDING || this.#closed) return;
      this.link.stream.resume();
      this.#read();
    };
    request.then(done, done);
  }

  #read(): void {
    try {
      while (!this.#closed && this.#pending < MAX_PENDING && this.#readMessage());
    } catch (error) {
      // Whatever is wrong, a viewer is not worth the machine.
      this.close(error instanceof ProtocolError ? error.message : `internal error: ${String(error)}`);
    }
  }

  #readMessage(): boolean {
    const { miniHeader } = this.link;
    const headerBytes = miniHeader ? MINI_HEADER_BYTES : HEADER_BYTES;
    const header = this.#incoming.peek(headerBytes);
    if (header === undefined) return false;
    const reader = new ByteReader(header);
    if (!miniHeader) reader.u64();
    const type = reader.u16();
    const size = reader.u32();
    if (size > this.#maxMessage) throw new ProtocolError(`message ${type} of ${size} bytes`);
    if (!miniHeader && reader.u32() !== 0) throw new ProtocolError(`message ${type} with parts`);
    if (this.#incoming.length < headerBytes + size) return false;
    this.#incoming.take(headerBytes);
    const body = new ByteReader(this.#incoming.take(size)!);
    switch (type) {
      case MSGC.ACK_SYNC:
        body.u32();
        this.#unacked = 0;
        this.progressed();
        break;
      case MSGC.ACK:
        this.#unacked = Math.max(0, this.#unacked - this.#ackWindow);
        this.progressed();
        break;
      case MSGC.PONG:
        break;
      case MSGC.DISCONNECTING:
        this.close();
        break;
      default:
        this.received(type, body);
    }
    return true;
  }
}
