// SPDX-License-Identifier: MIT
import { MAIN_CAP, MOUSE_MODE, MSG, MSG_MAIN, MSGC_MAIN } from './protocol.ts';
import { type ChannelLink, ServerChannel } from './server-channel.ts';
import { type ByteReader, ByteWriter, ProtocolError } from './wire.ts';

const MAX_MESSAGE_BYTES = 16 << 10;
const ACK_WINDOW = 20;
/** A viewer that answers no ping for so long is gone, whatever its connection says. */
const PING_MS = 15_000;
const MAX_UNANSWERED = 4;

export interface MainChannelOptions {
  readonly sessionId: number;
  readonly title: string;
  readonly uuid: Uint8Array;
  readonly channels: readonly { readonly type: number; readonly id: number }[];
}

/** The first channel of every session: what there is to connect to. */
export class MainChannel extends ServerChannel {
  readonly #options: MainChannelOptions;
  readonly #pinger: NodeJS.Timeout;
  #unanswered = 0;

  constructor(link: ChannelLink, options: MainChannelOptions) {
    super(link, MAX_MESSAGE_BYTES, ACK_WINDOW);
    this.#options = options;
    link.stream.on('data', () => (this.#unanswered = 0));
    this.#pinger = setInterval(() => this.#ping(), PING_MS).unref();
  }

  protected greet(): void {
    const { sessionId, title, uuid } = this.#options;
    const init = new ByteWriter().u32(sessionId).u32(1).u32(MOUSE_MODE.SERVER).u32(MOUSE_MODE.SERVER);
    const noAgent = 0;
    this.send(MSG_MAIN.INIT, init.u32(noAgent).u32(0).u32(0).u32(0).finish());
    if (this.link.channelCaps.includes(MAIN_CAP.NAME_AND_UUID)) {
      const name = new TextEncoder().encode(`${title}\0`);
      this.send(MSG_MAIN.NAME, new ByteWriter().u32(name.length).bytes(name).finish());
      this.send(MSG_MAIN.UUID, uuid);
    }
  }

  protected received(type: number, body: ByteReader): void {
    switch (type) {
      case MSGC_MAIN.ATTACH_CHANNELS: {
        const list = new ByteWriter().u32(this.#options.channels.length);
        for (const channel of this.#options.channels) list.u8(channel.type).u8(channel.id);
        this.send(MSG_MAIN.CHANNELS_LIST, list.finish());
        return;
      }
      case MSGC_MAIN.MOUSE_MODE_REQUEST:
        body.u16();
        this.send(MSG_MAIN.MOUSE_MODE, new ByteWriter().u16(MOUSE_MODE.SERVER).u16(MOUSE_MODE.SERVER).finish());
        return;
      case MSGC_MAIN.CLIENT_INFO:
      case MSGC_MAIN.AGENT_START: // no agent in the guest takes them
      case MSGC_MAIN.AGENT_DATA:
      case MSGC_MAIN.AGENT_TOKEN:
        return;
      default:
        throw new ProtocolError(`main channel: message ${type}`);
    }
  }

  protected override ended(): void {
    clearInterval(this.#pinger);
  }

  #ping(): void {
    if (this.#unanswered++ >= MAX_UNANSWERED) this.close('the viewer does not answer');
    const now = BigInt(Math.round(performance.now() * 1000));
    this.send(MSG.PING, new ByteWriter().u32(1).u64(now).finish());
  }
}
