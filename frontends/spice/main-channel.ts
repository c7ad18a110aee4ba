// SPDX-License-Identifier: MIT
import type { ScreenSource } from '../host/screen-source.ts';
import { multimediaTime } from './playback-channel.ts';
import { MAIN_CAP, MOUSE_MODE, MSG, MSG_MAIN, MSGC_MAIN } from './protocol.ts';
import { AgentReader } from './agent.ts';
import { type ChannelLink, ServerChannel } from './server-channel.ts';
import { type ByteReader, ByteWriter, ProtocolError } from './wire.ts';

const MAX_MESSAGE_BYTES = 16 << 10;
const ACK_WINDOW = 20;
/** A viewer that answers no ping for so long is gone, whatever its connection says. */
const PING_MS = 15_000;
const MAX_UNANSWERED = 4;
/** Agent messages a viewer may send before it hears of each that it may send another. */
const AGENT_TOKENS = 10;

export interface MainChannelOptions {
  readonly sessionId: number;
  readonly title: string;
  readonly uuid: Uint8Array;
  readonly channels: readonly { readonly type: number; readonly id: number }[];
  readonly screen: ScreenSource;
}

/** The first channel of every session: what there is to connect to. */
export class MainChannel extends ServerChannel {
  readonly #options: MainChannelOptions;
  readonly #pinger: NodeJS.Timeout;
  readonly #agent = new AgentReader();
  #unanswered = 0;
  #detach: (() => void) | undefined;
  #absolute = false;
  #mode: number = MOUSE_MODE.SERVER;

  constructor(link: ChannelLink, options: MainChannelOptions) {
    super(link, MAX_MESSAGE_BYTES, ACK_WINDOW);
    this.#options = options;
    link.stream.on('data', () => (this.#unanswered = 0));
    this.#pinger = setInterval(() => this.#ping(), PING_MS).unref();
  }

  /** What the viewer's side of the guest agent has said it can do; nothing in the guest answers yet. */
  get agentCaps(): readonly number[] {
    return this.#agent.caps;
  }

  protected greet(): void {
    const { sessionId, title, uuid, screen } = this.#options;
    let greeted = false;
    const absolute = (wanted: boolean): void => {
      if (wanted === this.#absolute) return;
      this.#absolute = wanted;
      this.#mode = wanted ? MOUSE_MODE.CLIENT : MOUSE_MODE.SERVER;
      if (greeted) this.#tellMode();
    };
    this.#detach = screen.attach({
      resized: () => undefined,
      damaged: () => undefined,
      leds: () => undefined,
      absolute,
    });
    greeted = true;
    const init = new ByteWriter().u32(sessionId).u32(1).u32(this.#modes).u32(this.#mode);
    const noAgent = 0;
    this.send(MSG_MAIN.INIT, init.u32(noAgent).u32(AGENT_TOKENS).u32(multimediaTime()).u32(0).finish());
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
        if ((body.u16() & MOUSE_MODE.SERVER) !== 0) this.#mode = MOUSE_MODE.SERVER;
        else if (this.#absolute) this.#mode = MOUSE_MODE.CLIENT;
        this.#tellMode();
        return;
      case MSGC_MAIN.CLIENT_INFO:
        return;
      case MSGC_MAIN.AGENT_START:
        body.u32();
        return;
      case MSGC_MAIN.AGENT_DATA:
        this.#agent.feed(body.bytes(body.left));
        this.send(MSG_MAIN.AGENT_TOKEN, new ByteWriter().u32(1).finish());
        return;
      case MSGC_MAIN.AGENT_TOKEN:
        body.u32();
        return;
      default:
        throw new ProtocolError(`main channel: message ${type}`);
    }
  }

  protected override ended(): void {
    clearInterval(this.#pinger);
    this.#detach?.();
  }

  get #modes(): number {
    return MOUSE_MODE.SERVER | (this.#absolute ? MOUSE_MODE.CLIENT : 0);
  }

  #tellMode(): void {
    this.send(MSG_MAIN.MOUSE_MODE, new ByteWriter().u16(this.#modes).u16(this.#mode).finish());
  }

  #ping(): void {
    if (this.#unanswered++ >= MAX_UNANSWERED) this.close('the viewer does not answer');
    const now = BigInt(Math.round(performance.now() * 1000));
    this.send(MSG.PING, new ByteWriter().u32(1).u64(now).finish());
  }
}
