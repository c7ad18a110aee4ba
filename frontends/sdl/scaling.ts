// SPDX-License-Identifier: MIT
import type { Size } from '../sdl2-gles/index.ts';

/** `integer`: every pixel becomes a square of whole pixels. `smooth`: as large as fits, interpolated. */
export type Scaling = 'integer' | 'smooth';

/** Where the picture is in the window, in the window's pixels from its upper left corner. */
export interface Placement extends Size {
  readonly x: number;
  readonly y: number;
  /** Whether pixels of the picture fall between those of the window. */
  readonly interpolated: boolean;
}

/** Places a picture in a window: whole, centred, in proportion. One that is too large is always shrunk. */
export function place(picture: Size, window: Size, scaling: Scaling): Placement {
  const fit = Math.min(window.width / picture.width, window.height / picture.height);
  const factor = scaling === 'integer' && fit >= 1 ? Math.floor(fit) : fit;
  const width = Math.max(1, Math.round(picture.width * factor));
  const height = Math.max(1, Math.round(picture.height * factor));
  return {
    x: Math.floor((window.width - width) / 2),
    y: Math.floor((window.height - height) / 2),
    width,
    height,
    interpolated: width % picture.width !== 0 || height % picture.height !== 0,
  };
}

/** The pixel of the picture under a point of the window; beside the picture, the nearest. */
export function pixelUnder(
  point: { x: number; y: number },
  picture: Size,
  placement: Placement,
): { x: number; y: number } {
  const along = (at: number, from: number, shown: number, pixels: number): number =>
    Math.max(0, Math.min(pixels - 1, Math.floor(((at - from) * pixels) / shown)));
  return {
    x: along(point.x, placement.x, placement.width, picture.width),
    y: along(point.y, placement.y, placement.height, picture.height),
  };
}

/** A window for a picture on a display: the picture's size, or less in proportion when that does not fit. */
export function windowFor(picture: Size, usable: Size | undefined): Size {
  const shrink = usable === undefined ? 1 : Math.min(1, usable.width / picture.width, usable.height / picture.height);
  return {
    width: Math.max(1, Math.floor(picture.width * shrink)),
    height: Math.max(1, Math.floor(picture.height * shrink)),
  };
}
