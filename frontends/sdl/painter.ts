// SPDX-License-Identifier: MIT
//
// Draws the machine's picture, and text over it, with OpenGL ES 2.
import type { Picture, ScreenRect } from '../../machines/backplane/host.ts';
import { GL, type Gles, type Size } from '../sdl2-gles/index.ts';
import type { Placement } from './scaling.ts';

/** A rectangle of the window, from (-1, -1) lower left to (1, 1), and the texture's, from its upper left corner. */
const VERTEX = `
attribute vec2 corner;
uniform vec4 place;
varying vec2 at;
void main() {
  at = vec2(corner.x, 1.0 - corner.y);
  gl_Position = vec4(place.xy + corner * place.zw, 0.0, 1.0);
}`;
const PRECISION = `
#ifdef GL_FRAGMENT_PRECISION_HIGH
precision highp float;
#else
precision mediump float;
#endif
uniform sampler2D image;
varying vec2 at;
`;
/** The machine's words are 0x00rrggbb in little-endian bytes. */
const SCREEN_FRAGMENT = `${PRECISION}void main() { gl_FragColor = vec4(texture2D(image, at).bgr, 1.0); }`;
const TEXT_FRAGMENT = `${PRECISION}void main() { gl_FragColor = texture2D(image, at); }`;

interface Program {
  readonly name: number;
  readonly place: number;
}

export class Painter {
  readonly #gles: Gles;
  readonly #screenProgram: Program;
  readonly #textProgram: Program;
  readonly #screen: number;
  readonly #text: number;
  readonly #maxTexture: number;
  #size: Size | undefined;
  #textSize: Size | undefined;
  #filter: number = GL.NEAREST;

  constructor(gles: Gles) {
    this.#gles = gles;
    const { gl } = gles;
    this.#screenProgram = this.#program(SCREEN_FRAGMENT);
    this.#textProgram = this.#program(TEXT_FRAGMENT);
    const buffer = new Uint32Array(1);
    gl.GenBuffers(1, buffer);
    gl.BindBuffer(GL.ARRAY_BUFFER, buffer[0]!);
    const corners = new Float32Array([0, 0, 1, 0, 0, 1, 1, 1]);
    gl.BufferData(GL.ARRAY_BUFFER, corners.byteLength, corners, GL.STATIC_DRAW);
    gl.VertexAttribPointer(0, 2, GL.FLOAT, 0, 0, null);
    gl.EnableVertexAttribArray(0);
    gl.BlendFunc(GL.SRC_ALPHA, GL.ONE_MINUS_SRC_ALPHA);
    gl.PixelStorei(GL.UNPACK_ALIGNMENT, 4);
    this.#text = gles.texture(GL.NEAREST);
    this.#screen = gles.texture(GL.NEAREST);
    const limit = new Int32Array(1);
    gl.GetIntegerv(GL.MAX_TEXTURE_SIZE, limit);
    this.#maxTexture = limit[0]!;
  }

  /** The machine's picture has another size, and is black; whether this computer can show one so large. */
  resize(size: Size): boolean {
    const { gl } = this.#gles;
    this.#size = undefined;
    if (size.width > this.#maxTexture || size.height > this.#maxTexture) return false;
    this.#size = size;
    const black = new Uint8Array(size.width * size.height * 4);
    gl.BindTexture(GL.TEXTURE_2D, this.#screen);
    gl.TexImage2D(GL.TEXTURE_2D, 0, GL.RGBA, size.width, size.height, 0, GL.RGBA, GL.UNSIGNED_BYTE, black);
    return true;
  }

  /** A part of the picture: words 0x00rrggbb, line after line, as little-endian bytes. */
  update({ x, y, width, height }: ScreenRect, pixels: Uint8Array): void {
    if (this.#size === undefined) return;
    const { gl } = this.#gles;
    gl.BindTexture(GL.TEXTURE_2D, this.#screen);
    gl.TexSubImage2D(GL.TEXTURE_2D, 0, x, y, width, height, GL.RGBA, GL.UNSIGNED_BYTE, pixels);
  }

  /** What is to be over the picture: red, green, blue and opacity; nothing by `undefined`. */
  setText(text: { size: Size; pixels: Uint8Array } | undefined): void {
    this.#textSize = text?.size;
    if (text === undefined) return;
    const { width, height } = text.size;
    const { gl } = this.#gles;
    gl.BindTexture(GL.TEXTURE_2D, this.#text);
    gl.TexImage2D(GL.TEXTURE_2D, 0, GL.RGBA, width, height, 0, GL.RGBA, GL.UNSIGNED_BYTE, text.pixels);
  }

  /** Draws everything into the window's back buffer. */
  paint(window: Size, screenPlace: Placement | undefined, textPlace: Placement | undefined): void {
    const { gl } = this.#gles;
    gl.Viewport(0, 0, window.width, window.height);
    const covered =
      this.#size !== undefined && screenPlace?.width === window.width && screenPlace.height === window.height;
    if (!covered) {
      gl.ClearColor(0, 0, 0, 1);
      gl.Clear(GL.COLOR_BUFFER_BIT);
    }
    if (this.#size !== undefined && screenPlace !== undefined) {
      gl.BindTexture(GL.TEXTURE_2D, this.#screen);
      this.#setFilter(screenPlace.interpolated ? GL.LINEAR : GL.NEAREST);
      this.#draw(this.#screenProgram, window, screenPlace);
    }
    if (this.#textSize !== undefined && textPlace !== undefined) {
      gl.Enable(GL.BLEND);
      gl.BindTexture(GL.TEXTURE_2D, this.#text);
      this.#draw(this.#textProgram, window, textPlace);
      gl.Disable(GL.BLEND);
    }
  }

  /** The machine's picture as it is in the texture. */
  picture(): Picture | undefined {
    if (this.#size === undefined) return undefined;
    const { width, height } = this.#size;
    const { gl } = this.#gles;
    const framebuffer = new Uint32Array(1);
    gl.GenFramebuffers(1, framebuffer);
    gl.BindFramebuffer(GL.FRAMEBUFFER, framebuffer[0]!);
    gl.FramebufferTexture2D(GL.FRAMEBUFFER, GL.COLOR_ATTACHMENT0, GL.TEXTURE_2D, this.#screen, 0);
    const rgba = new Uint8Array(width * height * 4);
    gl.ReadPixels(0, 0, width, height, GL.RGBA, GL.UNSIGNED_BYTE, rgba);
    gl.BindFramebuffer(GL.FRAMEBUFFER, 0);
    gl.DeleteFramebuffers(1, framebuffer);
    for (let at = 0; at < rgba.length; at += 4) {
      const blue = rgba[at]!;
      rgba[at] = rgba[at + 2]!;
      rgba[at + 2] = blue;
      rgba[at + 3] = 255;
    }
    return { width, height, rgba };
  }

  #setFilter(filter: number): void {
    if (filter === this.#filter) return;
    this.#filter = filter;
    const { gl } = this.#gles;
    gl.TexParameteri(GL.TEXTURE_2D, GL.TEXTURE_MIN_FILTER, filter);
    gl.TexParameteri(GL.TEXTURE_2D, GL.TEXTURE_MAG_FILTER, filter);
  }

  #draw({ name, place }: Program, window: Size, { x, y, width, height }: Placement): void {
    const { gl } = this.#gles;
    gl.UseProgram(name);
    const left = (2 * x) / window.width - 1;
    const bottom = 1 - (2 * (y + height)) / window.height;
    gl.Uniform4f(place, left, bottom, (2 * width) / window.width, (2 * height) / window.height);
    gl.DrawArrays(GL.TRIANGLE_STRIP, 0, 4);
  }

  #program(fragment: string): Program {
    const name = this.#gles.program(VERTEX, fragment, ['corner']);
    return { name, place: this.#gles.gl.GetUniformLocation(name, 'place') };
  }
}
