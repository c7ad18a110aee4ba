// SPDX-License-Identifier: MIT
import type { ScreenRect } from '../../machines/backplane/host.ts';
import type { ScreenSource, ScreenViewer, Surface } from '../host/screen-source.ts';
import { Damage } from './damage.ts';
import { drawCopyHeader, drawCopyLz4Header, monitorsConfig, surfaceCreate } from './display-messages.ts';
import { compressWords } from './lz4.ts';
import { DISPLAY_CAP, IMAGE_COMPRESSION, MSG_DISPLAY, MSGC_DISPLAY } from './protocol.ts';
import { type ChannelLink, ServerChannel } from './server-channel.ts';
import { type ByteReader, ByteWriter, ProtocolError } from './wire.ts';

const MAX_MESSAGE_BYTES = 16 << 10;
/** Small, so that few images are between us and what the viewer shows. */
const ACK_WINDOW = 4;
const MAX_IMAGE_PIXELS = 1 << 20;
/** A viewer that takes longer than this for what it was sent is asked less often, until it is quick again. */
const SLOW_MS = 1000;
const QUICK_MS = 200;
const SLOW_INTERVAL_MS = 1000;
/** One that takes nothing at all for so long is sent away. */
const STUCK_MS = 30_000;
/** Images smaller than this are not worth compressing. */
const MIN_COMPRESSED_PIXELS = 64;

/**
 * Shows the screen as one primary surface. What the viewer has no time for is remembered as damage, not as images:
 * when it is ready it gets the screen as it then is.
 */
export class DisplayChannel extends ServerChannel implements ScreenViewer {
  readonly #source: ScreenSource;
  /** Whether images are compressed: where there may be a network between, and where the viewer says so. */
  #compress: boolean;
  #detach: (() => void) | undefined;
  #surface: Surface | undefined;
  /** Size of the surface the viewer has. */
  #shown: { width: number; height: number } | undefined;
  readonly #damage = new Damage();
  /** When the first of what is under way was sent; `undefined` while the viewer has taken everything. */
  #sentAt: number | undefined;
  #slow = false;
  #pause: NodeJS.Timeout | undefined;
  #patience: NodeJS.Timeout | undefined;

  constructor(link: ChannelLink, source: ScreenSource) {
    super(link, MAX_MESSAGE_BYTES, ACK_WINDOW);
    this.#source = source;
    this.#compress = !link.local && link.channelCaps.includes(DISPLAY_CAP.LZ4_COMPRESSION);
  }

  resized(surface: Surface): void {
    this.#surface = surface;
    this.#damage.clear();
    this.#damage.add({ x: 0, y: 0, width: surface.width, height: surface.height });
    this.#show();
  }

  damaged(rect: ScreenRect): void {
    this.#damage.add(rect);
    this.#show();
  }

  leds(): void {}

  protected greet(): void {}

  protected received(type: number, body: ByteReader): void {
    switch (type) {
      case MSGC_DISPLAY.INIT:
        body.bytes(14);
        this.#detach ??= this.#source.attach(this);
        return;
      case MSGC_DISPLAY.PREFERRED_COMPRESSION: {
        const wanted = body.u8();
        const able = this.link.channelCaps.includes(DISPLAY_CAP.LZ4_COMPRESSION);
        this.#compress = able && wanted !== IMAGE_COMPRESSION.OFF;
        return;
      }
      case MSGC_DISPLAY.STREAM_REPORT:
      case MSGC_DISPLAY.GL_DRAW_DONE:
      case MSGC_DISPLAY.PREFERRED_VIDEO_CODEC_TYPE:
        return;
      default:
        throw new ProtocolError(`display channel: message ${type}`);
    }
  }

  protected override progressed(): void {
    if (this.ready && this.#sentAt !== undefined) {
      const took = performance.now() - this.#sentAt;
      this.#sentAt = undefined;
      if (took > SLOW_MS && !this.#slow) {
        this.#slow = true;
        this.link.log('the viewer is slow; it gets fewer pictures');
      } else if (took < QUICK_MS) this.#slow = false;
      clearTimeout(this.#patience);
    }
    this.#show();
  }

  protected override ended(): void {
    clearTimeout(this.#pause);
    clearTimeout(this.#patience);
    this.#detach?.();
  }

  #show(): void {
    const surface = this.#surface;
    if (surface === undefined) return;
    while (this.ready && !this.#damage.empty && this.#pause === undefined) {
      this.#adopt(surface);
      const rect = this.#damage.take(MAX_IMAGE_PIXELS)!;
      this.#draw(surface, rect);
      if (this.#slow) this.#rest();
    }
    if (this.#damage.empty || this.ready || this.closed || this.#sentAt !== undefined) return;
    this.#sentAt = performance.now();
    this.#patience = setTimeout(() => this.close('the viewer takes no pictures'), STUCK_MS).unref();
  }

  #draw(surface: Surface, rect: ScreenRect): void {
    const words = wordsOf(surface, rect);
    if (this.#compress && words.length >= MIN_COMPRESSED_PIXELS) {
      const block = compressWords(words, Math.floor(words.byteLength * 0.9));
      if (block.length > 0) {
        this.send(MSG_DISPLAY.DRAW_COPY, drawCopyLz4Header(rect, block.length), block);
        return;
      }
    }
    const bytes = new Uint8Array(words.buffer, words.byteOffset, words.byteLength);
    this.send(MSG_DISPLAY.DRAW_COPY, drawCopyHeader(rect), bytes);
  }

  #rest(): void {
    this.#pause = setTimeout(() => {
      this.#pause = undefined;
      this.#show();
    }, SLOW_INTERVAL_MS).unref();
  }

  /** Gives the viewer a surface of the screen's size. */
  #adopt({ width, height }: Surface): void {
    const shown = this.#shown;
    if (shown?.width === width && shown.height === height) return;
    if (shown !== undefined) this.send(MSG_DISPLAY.SURFACE_DESTROY, new ByteWriter().u32(0).finish());
    this.#shown = { width, height };
    this.send(MSG_DISPLAY.SURFACE_CREATE, surfaceCreate(width, height));
    if (this.link.channelCaps.includes(DISPLAY_CAP.MONITORS_CONFIG)) {
      this.send(MSG_DISPLAY.MONITORS_CONFIG, monitorsConfig(width, height));
    }
    this.send(MSG_DISPLAY.MARK);
  }
}

/** Whole lines are sent from where they are: should they change before they leave, the change is damage of its own. */
function wordsOf({ width, pixels }: Surface, rect: ScreenRect): Uint32Array<ArrayBuffer> {
  if (rect.width === width) return pixels.subarray(rect.y * width, (rect.y + rect.height) * width);
  const out = new Uint32Array(rect.width * rect.height);
  for (let y = 0; y < rect.height; y++) {
    const from = (rect.y + y) * width + rect.x;
    out.set(pixels.subarray(from, from + rect.width), y * rect.width);
  }
  return out;
}
