// SPDX-License-Identifier: MIT
//
// The client's side of SPICE as far as this project's server speaks it: for our own viewers and for tests. Runs in
// browsers too: connections and encryption are given to it.
// Documents: [SPICE] in docs/references.md.
import type { KeyCode, ScreenRect } from '../../machines/backplane/host.ts';
import type { Opus } from '../host/opus.ts';
import { readDrawCopy } from './display-messages.ts';
import { LINK_HEADER_BYTES, linkRequest, MAX_LINK_BYTES, readLinkHeader, readLinkReply } from './link.ts';
import {
  AUDIO_DATA_MODE,
  AUDIO_FMT_S16,
  CHANNEL,
  COMMON_CAP,
  DISPLAY_CAP,
  LINK_ERR,
  LOCK,
  MAGIC,
  MAIN_CAP,
  MOUSE_BUTTON,
  MOUSE_BUTTON_MASK,
  MOUSE_MODE,
  MSG,
  MSG_DISPLAY,
  MSG_INPUTS,
  MSG_MAIN,
  MSG_PLAYBACK,
  MSG_PORT,
  MSGC,
  MSGC_DISPLAY,
  MSGC_INPUTS,
  MSGC_MAIN,
  MSGC_PORT,
  PLAYBACK_CAP,
  SURFACE_FMT_32_XRGB,
} from './protocol.ts';
import { scancodeWord } from './scancodes.ts';
import { ByteReader, ByteStream, ByteWriter, ProtocolError } from './wire.ts';

/** Bytes both ways. */
export interface Connection {
  send(bytes: Uint8Array): void;
  /** Both are set before anything arrives. */
  onData: (bytes: Uint8Array) => void;
  onClose: () => void;
  close(): void;
}

export interface ClientOptions {
  /** A new connection to the server. */
  connect(): Promise<Connection>;
  /** RSA-OAEP with SHA-1, for a key given as DER SubjectPublicKeyInfo. */
  encrypt(publicKey: Uint8Array, text: Uint8Array): Promise<Uint8Array>;
  readonly password?: string | undefined;
  /** The screen has another size; what was on it is gone. */
  onResize?(size: { width: number; height: number }): void;
  /** Words 0x00rrggbb, line after line, as little-endian bytes. */
  onDraw?(rect: ScreenRect, pixels: Uint8Array): void;
  /** Bit 0 Num Lock, 1 Caps Lock, 2 Scroll Lock. */
  onLeds?(leds: number): void;
  onPort?(port: ClientPort): void;
  /** Whether the machine is told where the pointer is ({@link SpiceClient.place}), or how far it has moved. */
  onAbsolute?(absolute: boolean): void;
  /**
   * Sound: signed 16-bit samples, interleaved, to be played now. `undefined`: the machine is silent for a while; it
   * comes first, where the machine has sound at all.
   */
  onSound?(sound: ClientSound | undefined): void;
  /** The server may send sound compressed. */
  readonly opus?: Opus | undefined;
  /** One of {@link IMAGE_COMPRESSION}, where the viewer knows better than the server whether bytes are dear. */
  readonly compression?: number | undefined;
  onName?(name: string): void;
  /** The session is over. */
  onClose?(): void;
}

export interface ClientSound {
  readonly rateHz: number;
  readonly channels: number;
  readonly samples: Int16Array;
}

/** The server said no; `code` is one of {@link LINK_ERR}. */
export class LinkError extends Error {
  override readonly name = 'LinkError';
  readonly code: number;

  constructor(code: number) {
    super(code === LINK_ERR.PERMISSION_DENIED ? 'wrong or missing password' : `the server refused: error ${code}`);
    this.code = code;
  }
}

const MAX_MESSAGE_BYTES = 1 << 28;
const MAX_SURFACE_PIXELS = 1 << 26;

export class SpiceClient {
  readonly #options: ClientOptions;
  readonly #channels: ClientChannel[] = [];
  readonly #atEnd: (() => void)[] = [];
  #inputs: ClientChannel | undefined;
  #buttons = 0;
  #closed = false;

  private constructor(options: ClientOptions) {
    this.#options = options;
  }

  /** Opens every channel the server has; rejects when it refuses. */
  static async connect(options: ClientOptions): Promise<SpiceClient> {
    const client = new SpiceClient(options);
    try {
      await client.#connect();
    } catch (error) {
      client.close();
      throw error;
    }
    return client;
  }

  async #connect(): Promise<void> {
    const main = await this.#open(0, CHANNEL.MAIN, 0);
    const listed = new Promise<{ sessionId: number; channels: { type: number; id: number }[] }>((resolve, reject) => {
      let sessionId = 0;
      main.onClose = () => {
        reject(new Error('the server has closed the connection'));
        this.close();
      };
      main.start((type, body) => {
        if (type === MSG_MAIN.INIT) {
          sessionId = body.u32();
          body.bytes(8);
          this.#options.onAbsolute?.(body.u32() === MOUSE_MODE.CLIENT);
          main.send(MSGC_MAIN.ATTACH_CHANNELS);
        } else if (type === MSG_MAIN.NAME) {
          this.#options.onName?.(textOf(body.bytes(body.u32())));
        } else if (type === MSG_MAIN.MOUSE_MODE) {
          body.u16();
          this.#options.onAbsolute?.(body.u16() === MOUSE_MODE.CLIENT);
        } else if (type === MSG_MAIN.CHANNELS_LIST) {
          const count = body.u32();
          if (count > 256) throw new ProtocolError(`${count} channels`);
          resolve({ sessionId, channels: Array.from({ length: count }, () => ({ type: body.u8(), id: body.u8() })) });
        }
      });
    });
    const { sessionId, channels } = await listed;
    for (const { type, id } of channels) {
      const begin = this.#begin(type);
      if (begin === undefined) continue;
      const channel = await this.#open(sessionId, type, id);
      channel.onClose = () => this.close();
      begin(channel);
    }
  }

  #begin(type: number): ((channel: ClientChannel) => void) | undefined {
    switch (type) {
      case CHANNEL.DISPLAY:
        return (channel) => this.#beginDisplay(channel);
      case CHANNEL.INPUTS:
        return (channel) => this.#beginInputs(channel);
      case CHANNEL.PORT:
        return (channel) => this.#beginPort(channel);
      case CHANNEL.PLAYBACK:
        return this.#options.onSound === undefined ? undefined : (channel) => this.#beginPlayback(channel);
      default:
        return undefined;
    }
  }

  #beginDisplay(channel: ClientChannel): void {
    let size = { width: 0, height: 0 };
    channel.start((type, body) => {
      if (type === MSG_DISPLAY.SURFACE_CREATE) {
        body.u32();
        size = { width: body.u32(), height: body.u32() };
        const shown = body.u32() === SURFACE_FMT_32_XRGB && size.width * size.height <= MAX_SURFACE_PIXELS;
        if (!shown) throw new ProtocolError(`a surface of ${size.width}x${size.height}`);
        this.#options.onResize?.(size);
      } else if (type === MSG_DISPLAY.DRAW_COPY) {
        const { rect, pixels } = readDrawCopy(body, size);
        this.#options.onDraw?.(rect, pixels);
      }
    });
    channel.send(MSGC_DISPLAY.INIT, new Uint8Array(14));
    const { compression } = this.#options;
    if (compression !== undefined) channel.send(MSGC_DISPLAY.PREFERRED_COMPRESSION, Uint8Array.of(compression));
  }

  #beginInputs(channel: ClientChannel): void {
    this.#inputs = channel;
    channel.start((type, body) => {
      if (type !== MSG_INPUTS.INIT && type !== MSG_INPUTS.KEY_MODIFIERS) return;
      const locks = body.u16();
      this.#options.onLeds?.((locks & 2 ? 1 : 0) | (locks & 4 ? 2 : 0) | (locks & 1 ? 4 : 0));
    });
  }

  #beginPort(channel: ClientChannel): void {
    let port: ClientPort | undefined;
    channel.start((type, body) => {
      if (type === MSG_PORT.INIT) {
        const length = body.u32();
        body.seek(body.u32());
        port = new ClientPort(textOf(body.bytes(length)), (bytes) => channel.send(MSGC_PORT.DATA, bytes));
        this.#options.onPort?.(port);
      } else if (type === MSG_PORT.DATA) port?.onData(body.bytes(body.left));
    });
  }

  #beginPlayback(channel: ClientChannel): void {
    let format: { rateHz: number; channels: number } | undefined;
    let mode: number = AUDIO_DATA_MODE.RAW;
    const decoder = this.#options.opus?.decoder();
    if (decoder !== undefined) this.#atEnd.push(() => decoder.close());
    const samplesOf = (bytes: Uint8Array): Int16Array => {
      if (mode === AUDIO_DATA_MODE.RAW) return new Int16Array(bytes.slice(0, bytes.length & ~1).buffer);
      const samples = decoder?.decode(bytes);
      if (samples === undefined) throw new ProtocolError('sound that is no Opus');
      return samples;
    };
    this.#options.onSound?.(undefined);
    channel.start((type, body) => {
      if (type === MSG_PLAYBACK.MODE) {
        body.u32();
        mode = body.u16();
        const known = mode === AUDIO_DATA_MODE.RAW || (mode === AUDIO_DATA_MODE.OPUS && decoder !== undefined);
        if (!known) throw new ProtocolError(`sound in mode ${mode}`);
      } else if (type === MSG_PLAYBACK.START) {
        const channels = body.u32();
        const coded = body.u16() !== AUDIO_FMT_S16;
        const rateHz = body.u32();
        const isOpus = channels === 2 && rateHz === 48_000;
        const wrong = coded || channels < 1 || channels > 8 || rateHz < 1;
        if (wrong || (mode === AUDIO_DATA_MODE.OPUS && !isOpus)) throw new ProtocolError('sound of another format');
        format = { rateHz, channels };
      } else if (type === MSG_PLAYBACK.DATA && format !== undefined) {
        body.u32();
        this.#options.onSound?.({ ...format, samples: samplesOf(body.bytes(body.left)) });
      } else if (type === MSG_PLAYBACK.STOP) {
        format = undefined;
        this.#options.onSound?.(undefined);
      }
    });
  }

  /** A key goes down or up; those a PC does not have are ignored. */
  key(code: KeyCode, down: boolean): void {
    const word = scancodeWord(code, down);
    if (word === undefined) return;
    this.#inputs?.send(down ? MSGC_INPUTS.KEY_DOWN : MSGC_INPUTS.KEY_UP, new ByteWriter().u32(word).finish());
  }

  /** Relative motion, and the pressed buttons: bit 0 left, 1 right, 2 middle. */
  pointer(dx: number, dy: number, buttons: number): void {
    const state =
      (buttons & 1 ? MOUSE_BUTTON_MASK.LEFT : 0) |
      (buttons & 2 ? MOUSE_BUTTON_MASK.RIGHT : 0) |
      (buttons & 4 ? MOUSE_BUTTON_MASK.MIDDLE : 0);
    if (dx !== 0 || dy !== 0) {
      const motion = new ByteWriter().i32(dx).i32(dy).u16(this.#buttons);
      this.#inputs?.send(MSGC_INPUTS.MOUSE_MOTION, motion.finish());
    }
    for (const [mask, button] of BUTTONS) {
      if (((state ^ this.#buttons) & mask) === 0) continue;
      const type = state & mask ? MSGC_INPUTS.MOUSE_PRESS : MSGC_INPUTS.MOUSE_RELEASE;
      this.#inputs?.send(type, new ByteWriter().u8(button).u16(state).finish());
    }
    this.#buttons = state;
  }

  /** Where the pointer is, in pixels of the screen, and the pressed buttons; for machines that are told. */
  place(x: number, y: number, buttons: number): void {
    const position = new ByteWriter().u32(Math.max(0, Math.round(x))).u32(Math.max(0, Math.round(y)));
    this.#inputs?.send(MSGC_INPUTS.MOUSE_POSITION, position.u16(this.#buttons).u8(0).finish());
    this.pointer(0, 0, buttons);
  }

  /** Notches of the wheel; positive is away from the user. */
  wheel(notches: number): void {
    const button = notches > 0 ? MOUSE_BUTTON.UP : MOUSE_BUTTON.DOWN;
    const body = new ByteWriter().u8(button).u16(this.#buttons).finish();
    for (let left = Math.min(16, Math.abs(Math.trunc(notches))); left > 0; left--) {
      this.#inputs?.send(MSGC_INPUTS.MOUSE_PRESS, body);
      this.#inputs?.send(MSGC_INPUTS.MOUSE_RELEASE, body);
    }
  }

  /** What is locked on the viewer's keyboard: bit 0 Num Lock, 1 Caps Lock, 2 Scroll Lock. */
  locks(leds: number): void {
    const locks = (leds & 1 ? LOCK.NUM : 0) | (leds & 2 ? LOCK.CAPS : 0) | (leds & 4 ? LOCK.SCROLL : 0);
    this.#inputs?.send(MSGC_INPUTS.KEY_MODIFIERS, new ByteWriter().u16(locks).finish());
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const channel of this.#channels) channel.close();
    for (const end of this.#atEnd) end();
    this.#options.onClose?.();
  }

  async #open(connectionId: number, channelType: number, channelId: number): Promise<ClientChannel> {
    const connection = await this.#options.connect();
    const channel = new ClientChannel(connection);
    this.#channels.push(channel);
    if (this.#closed) channel.close();
    connection.send(
      linkRequest({
        connectionId,
        channelType,
        channelId,
        commonCaps: [COMMON_CAP.PROTOCOL_AUTH_SELECTION, COMMON_CAP.AUTH_SPICE, COMMON_CAP.MINI_HEADER],
        channelCaps:
          channelType === CHANNEL.PLAYBACK && this.#options.opus !== undefined
            ? [PLAYBACK_CAP.OPUS]
            : (CHANNEL_CAPS[channelType] ?? []),
      }),
    );
    const header = readLinkHeader(await channel.take(LINK_HEADER_BYTES));
    if (header.magic !== MAGIC || header.size > MAX_LINK_BYTES) throw new ProtocolError('this is no SPICE server');
    const reply = readLinkReply(await channel.take(header.size));
    if (reply.error !== LINK_ERR.OK) throw new LinkError(reply.error);
    connection.send(new ByteWriter().u32(COMMON_CAP.AUTH_SPICE).finish());
    const password = new TextEncoder().encode(`${this.#options.password ?? ''}\0`);
    connection.send(await this.#options.encrypt(reply.publicKey, password));
    const code = new ByteReader(await channel.take(4)).u32();
    if (code !== LINK_ERR.OK) throw new LinkError(code);
    return channel;
  }
}

const CHANNEL_CAPS: Readonly<Record<number, readonly number[]>> = {
  [CHANNEL.MAIN]: [MAIN_CAP.NAME_AND_UUID],
  [CHANNEL.DISPLAY]: [DISPLAY_CAP.LZ4_COMPRESSION],
};

const BUTTONS = [
  [MOUSE_BUTTON_MASK.LEFT, MOUSE_BUTTON.LEFT],
  [MOUSE_BUTTON_MASK.MIDDLE, MOUSE_BUTTON.MIDDLE],
  [MOUSE_BUTTON_MASK.RIGHT, MOUSE_BUTTON.RIGHT],
] as const;

const textOf = (bytes: Uint8Array): string => new TextDecoder().decode(bytes).replace(/\0.*$/s, '');

/** A console the server offers. */
export class ClientPort {
  readonly name: string;
  readonly send: (bytes: Uint8Array) => void;
  onData: (bytes: Uint8Array) => void = () => undefined;

  constructor(name: string, send: (bytes: Uint8Array) => void) {
    this.name = name;
    this.send = send;
  }
}

class ClientChannel {
  readonly #connection: Connection;
  readonly #bytes = new ByteStream();
  #handler: ((type: number, body: ByteReader) => void) | undefined;
  #wanted: { length: number; resolve: (bytes: Uint8Array) => void; reject: (error: Error) => void } | undefined;
  #window = 0;
  #received = 0;
  #closed = false;
  onClose: () => void = () => undefined;

  constructor(connection: Connection) {
    this.#connection = connection;
    connection.onData = (bytes) => {
      this.#bytes.push(bytes);
      this.#read();
    };
    connection.onClose = () => this.#ended();
  }

  /** The next bytes of the link. */
  take(length: number): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      this.#wanted = { length, resolve, reject };
      if (this.#closed) this.#wanted.reject(new Error('the connection was closed'));
      else this.#read();
    });
  }

  /** From now on there are messages. */
  start(handler: (type: number, body: ByteReader) => void): void {
    this.#handler = handler;
    this.#read();
  }

  send(type: number, body: Uint8Array = new Uint8Array(0)): void {
    if (this.#closed) return;
    this.#connection.send(new ByteWriter().u16(type).u32(body.length).bytes(body).finish());
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#connection.close();
  }

  #ended(): void {
    this.#closed = true;
    this.#wanted?.reject(new Error('the connection was closed'));
    this.onClose();
  }

  #read(): void {
    if (this.#wanted !== undefined) {
      const bytes = this.#bytes.take(this.#wanted.length);
      if (bytes === undefined) return;
      const { resolve } = this.#wanted;
      this.#wanted = undefined;
      resolve(bytes);
    }
    try {
      while (this.#handler !== undefined && !this.#closed && this.#readMessage(this.#handler));
    } catch (error) {
      this.close();
      this.onClose();
      if (!(error instanceof ProtocolError)) throw error;
    }
  }

  #readMessage(handler: (type: number, body: ByteReader) => void): boolean {
    const header = this.#bytes.peek(6);
    if (header === undefined) return false;
    const reader = new ByteReader(header);
    const type = reader.u16();
    const size = reader.u32();
    if (size > MAX_MESSAGE_BYTES) throw new ProtocolError(`message ${type} of ${size} bytes`);
    if (this.#bytes.length < 6 + size) return false;
    this.#bytes.take(6);
    const body = new ByteReader(this.#bytes.take(size)!);
    if (type === MSG.SET_ACK) {
      const generation = body.u32();
      this.#window = body.u32();
      this.#received = 0;
      this.send(MSGC.ACK_SYNC, new ByteWriter().u32(generation).finish());
      return true;
    }
    if (type === MSG.PING) {
      this.send(MSGC.PONG, new ByteWriter().u32(body.u32()).u64(body.u64()).finish());
    } else handler(type, body);
    if (this.#window > 0 && ++this.#received % this.#window === 0) this.send(MSGC.ACK);
    return true;
  }
}
