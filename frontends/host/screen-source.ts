// SPDX-License-Identifier: MIT
import type { Picture, ScreenRect } from '../../machines/backplane/host.ts';
import { bandOf, pictureOf } from '../../machines/backplane/pixels.ts';
import type { Frame } from '../../machines/backplane/session-protocol.ts';

/** What the screen is read from: a {@link MachineSession}. */
export interface FrameSession {
  memory(): Promise<ArrayBufferLike>;
  frame(whole: boolean): Promise<Frame>;
}

/** The screen as it is now, a word 0x00rrggbb a pixel. Later frames change it in place. */
export interface Surface {
  readonly width: number;
  readonly height: number;
  readonly pixels: Uint32Array<ArrayBuffer>;
}

/** Somebody who shows the screen. Called from the event loop, never waited for. */
export interface ScreenViewer {
  /** The surface is another one, all of it to be shown. */
  resized(surface: Surface): void;
  /** A part of the surface has changed. */
  damaged(rect: ScreenRect): void;
  /** Lit LEDs of the keyboard: bit 0 Num Lock, 1 Caps Lock, 2 Scroll Lock. */
  leds(leds: number): void;
  /** Whether the machine is told where the pointer is, not how far it has moved. */
  absolute?(absolute: boolean): void;
}

/** What is shown before the machine has ever shown anything. */
const EMPTY = { width: 640, height: 480 };

/**
 * Keeps a copy of the machine's screen for any number of viewers, and tells them what changed. Asks the machine for
 * frames only while somebody looks, at most `framesPerSecond` times a second; frames nobody had time for are never made.
 */
export class ScreenSource {
  readonly #session: FrameSession;
  readonly #intervalMs: number;
  readonly #viewers = new Set<ScreenViewer>();
  #surface: Surface | undefined;
  #leds = 0;
  #absolute = false;
  #watching = false;
  #whole = false;
  /** Frames that changed something. */
  frames = 0;

  constructor(session: FrameSession, framesPerSecond = 66) {
    this.#session = session;
    this.#intervalMs = 1000 / framesPerSecond;
  }

  /** From now on the viewer is told; gives the function that ends it. */
  attach(viewer: ScreenViewer): () => void {
    this.#viewers.add(viewer);
    if (this.#watching && this.#surface !== undefined) viewer.resized(this.#surface);
    viewer.leds(this.#leds);
    viewer.absolute?.(this.#absolute);
    if (!this.#watching) {
      this.#whole = true;
      void this.#watch();
    }
    return () => this.#viewers.delete(viewer);
  }

  async #watch(): Promise<void> {
    this.#watching = true;
    try {
      const memory = await this.#session.memory();
      let due = performance.now();
      while (this.#viewers.size > 0) {
        const whole = this.#whole;
        this.#whole = false;
        this.#show(await this.#session.frame(whole), memory, whole);
        due = Math.max(due + this.#intervalMs, performance.now());
        await new Promise((resolve) => setTimeout(resolve, due - performance.now()));
      }
    } catch {
      // The machine has ended; whoever owns the viewers ends them.
    } finally {
      this.#watching = false;
    }
  }

  #show(frame: Frame, memory: ArrayBufferLike, whole: boolean): void {
    if (frame.leds !== this.#leds) {
      this.#leds = frame.leds;
      for (const viewer of this.#viewers) viewer.leds(frame.leds);
    }
    if (frame.absolute !== this.#absolute) {
      this.#absolute = frame.absolute;
      for (const viewer of this.#viewers) viewer.absolute?.(frame.absolute);
    }
    const size = frame.mode ?? frame.picture;
    if (size === undefined) {
      if (frame.rects.length === 0) this.#darken(whole);
      return;
    }
    const surface = this.#surface;
    const fits = surface?.width === size.width && surface.height === size.height;
    if (!fits || whole) {
      const pixels = new Uint32Array(size.width * size.height);
      this.#surface = { width: size.width, height: size.height, pixels };
      this.#update(this.#surface, frame, memory, [{ x: 0, y: 0, width: size.width, height: size.height }], false);
      this.#resized();
    } else {
      this.#update(surface, frame, memory, frame.rects, true);
    }
    this.frames++;
  }

  /** A dark screen keeps its size. */
  #darken(whole: boolean): void {
    const { width, height, pixels } = this.#surface ?? { ...EMPTY, pixels: undefined };
    if (pixels !== undefined && !whole && pixels.every((pixel) => pixel === 0)) return;
    this.#surface = { width, height, pixels: new Uint32Array(width * height) };
    this.#resized();
  }

  #resized(): void {
    for (const viewer of this.#viewers) viewer.resized(this.#surface!);
  }

  #update(surface: Surface, frame: Frame, memory: ArrayBufferLike, rects: readonly ScreenRect[], tell: boolean): void {
    for (const { y, height } of rects) {
      const top = Math.max(0, Math.min(y, surface.height));
      const lines = Math.max(0, Math.min(height, surface.height - top));
      if (lines === 0) continue;
      const band: Picture =
        frame.mode === undefined
          ? linesOf(frame.picture!, top, lines)
          : pictureOf(bandOf(frame.mode, top, lines), memory);
      const changed = copyChanges(band, surface, top);
      if (changed === undefined || !tell) continue;
      for (const viewer of this.#viewers) viewer.damaged(changed);
    }
  }
}

const linesOf = ({ width, rgba }: Picture, top: number, height: number): Picture => ({
  width,
  height,
  rgba: rgba.subarray(top * width * 4, (top + height) * width * 4),
});

/** Brings a picture of whole lines into the surface; gives the smallest rectangle around what became different. */
function copyChanges({ width, height, rgba }: Picture, { pixels }: Surface, top: number): ScreenRect | undefined {
  const from = new Int32Array(rgba.buffer, rgba.byteOffset, width * height);
  let left = width;
  let right = -1;
  let first = -1;
  let last = -1;
  for (let y = 0, at = 0, to = top * width; y < height; y++) {
    let lineLeft = -1;
    let lineRight = -1;
    for (let x = 0; x < width; x++, at++, to++) {
      const word = from[at]!;
      const pixel = ((word & 0xff) << 16) | (word & 0xff00) | ((word >>> 16) & 0xff);
      if (pixels[to] === pixel) continue;
      pixels[to] = pixel;
      if (lineLeft < 0) lineLeft = x;
      lineRight = x;
    }
    if (lineLeft < 0) continue;
    if (first < 0) first = y;
    last = y;
    left = Math.min(left, lineLeft);
    right = Math.max(right, lineRight);
  }
  return first < 0 ? undefined : { x: left, y: top + first, width: right - left + 1, height: last - first + 1 };
}
