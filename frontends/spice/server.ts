// SPDX-License-Identifier: MIT
//
// A SPICE server: the machine's screen, keyboard, mouse, sound and consoles for any SPICE client, as often and as many
// as come. Nothing a client sends or does not read can hold the machine up; whoever does not follow the protocol is
// sent away with one line in the log.
// Documents: [SPICE] in docs/references.md.
// Not modelled: USB, the guest agent's clipboard, migration, SASL, video streams.
import { constants, createHash, generateKeyPairSync, privateDecrypt, randomBytes, timingSafeEqual } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import type { Duplex } from 'node:stream';
import type { AudioSource } from '../host/audio.ts';
import type { ScreenSource } from '../host/screen-source.ts';
import { CursorChannel } from './cursor-channel.ts';
import { DisplayChannel } from './display-channel.ts';
import { type InputSink, InputsChannel } from './inputs-channel.ts';
import {
  LINK_HEADER_BYTES,
  linkReply,
  type LinkRequest,
  MAX_LINK_BYTES,
  readLinkHeader,
  readLinkRequest,
} from './link.ts';
import { MainChannel } from './main-channel.ts';
import { PlaybackChannel, type SoundOptions } from './playback-channel.ts';
import { type ConsolePort, PortChannel } from './port-channel.ts';
import {
  CHANNEL,
  COMMON_CAP,
  DISPLAY_CAP,
  INPUTS_CAP,
  LINK_ERR,
  MAGIC,
  MAIN_CAP,
  PUBLIC_KEY_BYTES,
  TICKET_BYTES,
  VERSION_MAJOR,
} from './protocol.ts';
import type { ChannelLink, ServerChannel } from './server-channel.ts';
import { ByteReader, ByteStream, ByteWriter, ProtocolError } from './wire.ts';

export interface SpiceServerOptions {
  /** What viewers call the machine. */
  readonly title: string;
  readonly screen: ScreenSource;
  readonly input: InputSink;
  readonly ports: readonly ConsolePort[];
  readonly audio?: AudioSource | undefined;
  readonly sound?: SoundOptions | undefined;
  readonly password?: string | undefined;
  /** Tells the user a line. */
  readonly log: (line: string) => void;
}

/** A connection must have become a channel after so long. */
const LINK_MS = 10_000;
const MAX_LINKING = 64;
const MAX_SESSIONS = 16;

const COMMON_CAPS = [COMMON_CAP.PROTOCOL_AUTH_SELECTION, COMMON_CAP.AUTH_SPICE, COMMON_CAP.MINI_HEADER];
const CHANNEL_CAPS: Readonly<Record<number, readonly number[]>> = {
  [CHANNEL.MAIN]: [MAIN_CAP.NAME_AND_UUID],
  [CHANNEL.DISPLAY]: [DISPLAY_CAP.MONITORS_CONFIG, DISPLAY_CAP.LZ4_COMPRESSION, DISPLAY_CAP.PREF_COMPRESSION],
  [CHANNEL.INPUTS]: [INPUTS_CAP.KEY_SCANCODE],
};

/** The channels one viewer has. */
interface Session {
  readonly id: number;
  readonly channels: Map<string, ServerChannel>;
}

const key = (type: number, id: number): string => `${type}.${id}`;

export class SpiceServer {
  readonly #options: SpiceServerOptions;
  readonly #privateKey: KeyObject;
  readonly #publicKey: Uint8Array;
  readonly #passwordHash: Uint8Array;
  readonly #uuid = randomBytes(16);
  readonly #channels: readonly { readonly type: number; readonly id: number }[];
  readonly #linking = new Set<Duplex>();
  readonly #sessions = new Map<number, Session>();
  readonly #emptied: (() => void)[] = [];
  #closed = false;

  constructor(options: SpiceServerOptions) {
    this.#options = options;
    const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: TICKET_BYTES * 8 });
    this.#privateKey = privateKey;
    this.#publicKey = publicKey.export({ type: 'spki', format: 'der' });
    this.#passwordHash = hash(Buffer.from(options.password ?? ''));
    this.#channels = [
      { type: CHANNEL.DISPLAY, id: 0 },
      { type: CHANNEL.INPUTS, id: 0 },
      { type: CHANNEL.CURSOR, id: 0 },
      ...(options.audio === undefined ? [] : [{ type: CHANNEL.PLAYBACK, id: 0 }]),
      ...options.ports.map((_, id) => ({ type: CHANNEL.PORT, id })),
    ];
  }

  get viewers(): number {
    return this.#sessions.size;
  }

  /** Called whenever the last viewer has gone. */
  onEmpty(listener: () => void): void {
    this.#emptied.push(listener);
  }

  /** Takes over a connection; `peer` is for the log. `local`: it is a Unix socket. */
  accept(stream: Duplex, peer: string, local = false): void {
    const log = (line: string): void => this.#options.log(`spice: ${peer}: ${line}`);
    stream.on('error', () => stream.destroy());
    if (this.#closed || this.#linking.size >= MAX_LINKING) {
      log('refused: too many connections are being made');
      stream.destroy();
      return;
    }
    this.#linking.add(stream);
    void this.#link(stream, local, log)
      .catch((error: unknown) => {
        if (error instanceof ProtocolError) log(`refused: ${error.message}`);
        else if (!(error instanceof ClosedError)) log(`internal error: ${String(error)}`);
        // A moment for the answer to arrive.
        stream.end();
        setTimeout(() => stream.destroy(), 1000).unref();
      })
      .finally(() => this.#linking.delete(stream));
  }

  /** Tells the user of a connection that did not come so far. */
  refused(peer: string, why: string): void {
    this.#options.log(`spice: ${peer}: refused: ${why}`);
  }

  close(): void {
    this.#closed = true;
    for (const stream of this.#linking) stream.destroy();
    for (const session of this.#sessions.values()) session.channels.get(key(CHANNEL.MAIN, 0))?.close();
  }

  async #link(stream: Duplex, local: boolean, log: (line: string) => void): Promise<void> {
    const source = new LinkReader(stream);
    try {
      const header = readLinkHeader(await source.take(LINK_HEADER_BYTES));
      if (header.magic !== MAGIC) throw new ProtocolError('this is not the SPICE protocol');
      if (header.major !== VERSION_MAJOR) {
        this.#reply(stream, LINK_ERR.VERSION_MISMATCH);
        throw new ProtocolError(`version ${header.major} of the protocol; this is ${VERSION_MAJOR}`);
      }
      if (header.size > MAX_LINK_BYTES) throw new ProtocolError(`link message of ${header.size} bytes`);
      const request = this.#readRequest(stream, await source.take(header.size));
      this.#admit(stream, request);
      this.#reply(stream, LINK_ERR.OK, request.channelType);
      if (request.commonCaps.includes(COMMON_CAP.PROTOCOL_AUTH_SELECTION)) {
        const mechanism = new ByteReader(await source.take(4)).u32();
        if (mechanism !== COMMON_CAP.AUTH_SPICE) throw new ProtocolError(`authentication ${mechanism}`);
      }
      if (!this.#isPassword(await source.take(TICKET_BYTES))) {
        stream.write(result(LINK_ERR.PERMISSION_DENIED));
        throw new ProtocolError('wrong or missing password');
      }
      stream.write(result(LINK_ERR.OK));
      const miniHeader = request.commonCaps.includes(COMMON_CAP.MINI_HEADER);
      const { channelCaps } = request;
      this.#open(request, { stream, miniHeader, channelCaps, local, rest: source.release(), log });
    } catch (error) {
      source.release();
      throw error;
    }
  }

  #readRequest(stream: Duplex, bytes: Uint8Array): LinkRequest {
    try {
      return readLinkRequest(bytes);
    } catch (error) {
      this.#reply(stream, LINK_ERR.INVALID_DATA);
      throw error;
    }
  }

  /** Throws unless the channel may be opened. */
  #admit(stream: Duplex, { connectionId, channelType, channelId }: LinkRequest): void {
    const refuse = (error: number, why: string): never => {
      this.#reply(stream, error);
      throw new ProtocolError(why);
    };
    const name = `channel ${channelType}.${channelId}`;
    if (connectionId === 0) {
      if (channelType !== CHANNEL.MAIN || channelId !== 0) refuse(LINK_ERR.BAD_CONNECTION_ID, `${name} of no session`);
      if (this.#sessions.size >= MAX_SESSIONS) refuse(LINK_ERR.ERROR, `there are ${MAX_SESSIONS} viewers already`);
      return;
    }
    const session = this.#sessions.get(connectionId);
    if (session === undefined) refuse(LINK_ERR.BAD_CONNECTION_ID, `${name} of an unknown session`);
    if (!this.#channels.some(({ type, id }) => type === channelType && id === channelId)) {
      refuse(LINK_ERR.CHANNEL_NOT_AVAILABLE, `there is no ${name}`);
    }
    if (session!.channels.has(key(channelType, channelId))) refuse(LINK_ERR.ERROR, `${name} is connected already`);
  }

  #reply(stream: Duplex, error: number, channelType = 0): void {
    const publicKey = error === LINK_ERR.OK ? this.#publicKey : new Uint8Array(PUBLIC_KEY_BYTES);
    stream.write(
      linkReply({ error, publicKey, commonCaps: COMMON_CAPS, channelCaps: CHANNEL_CAPS[channelType] ?? [] }),
    );
  }

  /** Whether the ticket holds the password; any ticket does when there is none. */
  #isPassword(ticket: Uint8Array): boolean {
    if (this.#options.password === undefined) return true;
    try {
      const padding = constants.RSA_PKCS1_OAEP_PADDING;
      const text = privateDecrypt({ key: this.#privateKey, padding, oaepHash: 'sha1' }, ticket);
      const end = text.indexOf(0);
      return timingSafeEqual(hash(end < 0 ? text : text.subarray(0, end)), this.#passwordHash);
    } catch {
      return false;
    }
  }

  #open(request: LinkRequest, link: ChannelLink): void {
    // While the ticket was on its way, others may have come first.
    this.#admit(link.stream, request);
    const { connectionId, channelType, channelId } = request;
    const session = this.#sessions.get(connectionId) ?? this.#newSession();
    const channel = this.#channel(request, link, session);
    session.channels.set(key(channelType, channelId), channel);
    channel.onClose(() => {
      session.channels.delete(key(channelType, channelId));
      if (channelType === CHANNEL.MAIN) this.#end(session);
    });
    channel.open();
  }

  #channel({ channelType, channelId }: LinkRequest, link: ChannelLink, session: Session): ServerChannel {
    const { title, screen, input, ports, audio, sound } = this.#options;
    switch (channelType) {
      case CHANNEL.MAIN:
        return new MainChannel(link, {
          sessionId: session.id,
          title,
          uuid: this.#uuid,
          channels: this.#channels,
          screen,
        });
      case CHANNEL.DISPLAY:
        return new DisplayChannel(link, screen);
      case CHANNEL.INPUTS:
        return new InputsChannel(link, input, screen);
      case CHANNEL.CURSOR:
        return new CursorChannel(link);
      case CHANNEL.PLAYBACK:
        return new PlaybackChannel(link, audio!, sound);
      default:
        return new PortChannel(link, ports[channelId]!);
    }
  }

  #newSession(): Session {
    let id = 0;
    while (id === 0 || this.#sessions.has(id)) id = randomBytes(4).readUInt32LE();
    const session: Session = { id, channels: new Map() };
    this.#sessions.set(id, session);
    return session;
  }

  #end(session: Session): void {
    this.#sessions.delete(session.id);
    for (const channel of [...session.channels.values()]) channel.close();
    if (this.#sessions.size === 0) for (const listener of this.#emptied) listener();
  }
}

const hash = (bytes: Uint8Array): Uint8Array => createHash('sha256').update(bytes).digest();

const result = (error: number): Uint8Array => new ByteWriter().u32(error).finish();

/** The client went before it was a channel. */
class ClosedError extends Error {}

/** Reads the beginning of a connection in pieces of known length, and no more than it must. */
class LinkReader {
  readonly #stream: Duplex;
  readonly #bytes = new ByteStream();
  readonly #timer: NodeJS.Timeout;
  #wanted = 0;
  #resolve: ((bytes: Uint8Array) => void) | undefined;
  #reject: ((error: Error) => void) | undefined;
  #failed: Error | undefined;

  constructor(stream: Duplex) {
    this.#stream = stream;
    stream.on('data', this.#onData).on('end', this.#onEnd).on('close', this.#onEnd);
    this.#timer = setTimeout(() => this.#fail(new ProtocolError(`no link after ${LINK_MS / 1000} s`)), LINK_MS).unref();
  }

  take(length: number): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      this.#wanted = length;
      this.#resolve = resolve;
      this.#reject = reject;
      this.#check();
    });
  }

  /** Stops reading; gives what was read beyond. */
  release(): ByteStream {
    clearTimeout(this.#timer);
    this.#stream.off('data', this.#onData).off('end', this.#onEnd).off('close', this.#onEnd);
    return this.#bytes;
  }

  readonly #onData = (chunk: Buffer): void => {
    this.#bytes.push(chunk);
    this.#check();
    if (this.#bytes.length > MAX_LINK_BYTES + (64 << 10)) this.#fail(new ProtocolError('too much before the link'));
  };

  readonly #onEnd = (): void => this.#fail(new ClosedError());

  #check(): void {
    if (this.#resolve === undefined) return;
    const bytes = this.#bytes.take(this.#wanted);
    if (bytes !== undefined) {
      const resolve = this.#resolve;
      this.#resolve = this.#reject = undefined;
      resolve(bytes);
    } else if (this.#failed !== undefined) this.#reject?.(this.#failed);
  }

  #fail(error: Error): void {
    this.#failed ??= error;
    this.#reject?.(this.#failed);
  }
}
