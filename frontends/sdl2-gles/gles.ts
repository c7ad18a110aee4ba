// SPDX-License-Identifier: MIT
//
// OpenGL ES 2.0: the functions that draw textured and coloured geometry, by their names without "gl".
import { bindEach, type BoundTable, functionAt, MissingLibraryError, type Pointer } from './library.ts';

const FUNCTIONS = {
  ActiveTexture: ['void', 'uint32'],
  AttachShader: ['void', 'uint32', 'uint32'],
  BindAttribLocation: ['void', 'uint32', 'uint32', 'string'],
  BindBuffer: ['void', 'uint32', 'uint32'],
  BindFramebuffer: ['void', 'uint32', 'uint32'],
  BindTexture: ['void', 'uint32', 'uint32'],
  BlendFunc: ['void', 'uint32', 'uint32'],
  BufferData: ['void', 'uint32', 'intptr', 'memory', 'uint32'],
  Clear: ['void', 'uint32'],
  ClearColor: ['void', 'float', 'float', 'float', 'float'],
  CompileShader: ['void', 'uint32'],
  CreateProgram: ['uint32'],
  CreateShader: ['uint32', 'uint32'],
  DeleteFramebuffers: ['void', 'int32', 'memory'],
  DeleteProgram: ['void', 'uint32'],
  DeleteShader: ['void', 'uint32'],
  DeleteTextures: ['void', 'int32', 'memory'],
  Disable: ['void', 'uint32'],
  DrawArrays: ['void', 'uint32', 'int32', 'int32'],
  Enable: ['void', 'uint32'],
  EnableVertexAttribArray: ['void', 'uint32'],
  Finish: ['void'],
  FramebufferTexture2D: ['void', 'uint32', 'uint32', 'uint32', 'uint32', 'int32'],
  GenBuffers: ['void', 'int32', 'memory'],
  GenFramebuffers: ['void', 'int32', 'memory'],
  GenTextures: ['void', 'int32', 'memory'],
  GetError: ['uint32'],
  GetIntegerv: ['void', 'uint32', 'memory'],
  GetProgramiv: ['void', 'uint32', 'uint32', 'memory'],
  GetProgramInfoLog: ['void', 'uint32', 'int32', 'memory', 'memory'],
  GetShaderiv: ['void', 'uint32', 'uint32', 'memory'],
  GetShaderInfoLog: ['void', 'uint32', 'int32', 'memory', 'memory'],
  GetString: ['string', 'uint32'],
  GetUniformLocation: ['int', 'uint32', 'string'],
  LinkProgram: ['void', 'uint32'],
  PixelStorei: ['void', 'uint32', 'int32'],
  ReadPixels: ['void', 'int32', 'int32', 'int32', 'int32', 'uint32', 'uint32', 'memory'],
  Scissor: ['void', 'int32', 'int32', 'int32', 'int32'],
  ShaderSource: ['void', 'uint32', 'int32', 'strings', 'memory'],
  TexImage2D: ['void', 'uint32', 'int32', 'int32', 'int32', 'int32', 'int32', 'uint32', 'uint32', 'memory'],
  TexParameteri: ['void', 'uint32', 'uint32', 'int32'],
  TexSubImage2D: ['void', 'uint32', 'int32', 'int32', 'int32', 'int32', 'int32', 'uint32', 'uint32', 'memory'],
  Uniform1f: ['void', 'int32', 'float'],
  Uniform1i: ['void', 'int32', 'int32'],
  Uniform2f: ['void', 'int32', 'float', 'float'],
  Uniform4f: ['void', 'int32', 'float', 'float', 'float', 'float'],
  UseProgram: ['void', 'uint32'],
  VertexAttribPointer: ['void', 'uint32', 'int32', 'uint32', 'uint8', 'int32', 'pointer'],
  Viewport: ['void', 'int32', 'int32', 'int32', 'int32'],
} as const;

/** Numbers of OpenGL ES 2.0, by the names of its header without "GL_". */
export const GL = {
  TRIANGLES: 4,
  TRIANGLE_STRIP: 5,
  SRC_ALPHA: 0x0302,
  ONE_MINUS_SRC_ALPHA: 0x0303,
  BLEND: 0x0be2,
  SCISSOR_TEST: 0x0c11,
  UNPACK_ALIGNMENT: 0x0cf5,
  PACK_ALIGNMENT: 0x0d05,
  MAX_TEXTURE_SIZE: 0x0d33,
  TEXTURE_2D: 0x0de1,
  UNSIGNED_BYTE: 0x1401,
  FLOAT: 0x1406,
  RGBA: 0x1908,
  VENDOR: 0x1f00,
  RENDERER: 0x1f01,
  VERSION: 0x1f02,
  NEAREST: 0x2600,
  LINEAR: 0x2601,
  TEXTURE_MAG_FILTER: 0x2800,
  TEXTURE_MIN_FILTER: 0x2801,
  TEXTURE_WRAP_S: 0x2802,
  TEXTURE_WRAP_T: 0x2803,
  COLOR_BUFFER_BIT: 0x4000,
  CLAMP_TO_EDGE: 0x812f,
  TEXTURE0: 0x84c0,
  ARRAY_BUFFER: 0x8892,
  STATIC_DRAW: 0x88e4,
  FRAGMENT_SHADER: 0x8b30,
  VERTEX_SHADER: 0x8b31,
  COMPILE_STATUS: 0x8b81,
  LINK_STATUS: 0x8b82,
  COLOR_ATTACHMENT0: 0x8ce0,
  FRAMEBUFFER: 0x8d40,
} as const;

export type GlesFunctions = BoundTable<typeof FUNCTIONS>;

/** The functions of the current context, and two helpers. */
export class Gles {
  readonly gl: GlesFunctions;

  /** @param find gives the address of a function, as SDL_GL_GetProcAddress does. */
  constructor(find: (name: string) => Pointer | undefined) {
    this.gl = bindEach(FUNCTIONS, (name, signature) => {
      const address = find(`gl${name}`);
      if (address === undefined) throw new MissingLibraryError('OpenGL ES 2', `there is no gl${name}`);
      return functionAt(address, signature);
    });
  }

  /** A linked program; attribute n is called `attributes[n]`. Throws with the compiler's words. */
  program(vertexSource: string, fragmentSource: string, attributes: readonly string[]): number {
    const { gl } = this;
    const program = gl.CreateProgram();
    for (const [kind, source] of [
      [GL.VERTEX_SHADER, vertexSource],
      [GL.FRAGMENT_SHADER, fragmentSource],
    ] as const) {
      const shader = gl.CreateShader(kind);
      gl.ShaderSource(shader, 1, [source], null);
      gl.CompileShader(shader);
      const status = new Int32Array(1);
      gl.GetShaderiv(shader, GL.COMPILE_STATUS, status);
      if (status[0] === 0)
        throw new Error(`shader: ${logText((log) => gl.GetShaderInfoLog(shader, log.length, null, log))}`);
      gl.AttachShader(program, shader);
      gl.DeleteShader(shader); // lives as long as the program
    }
    attributes.forEach((name, index) => gl.BindAttribLocation(program, index, name));
    gl.LinkProgram(program);
    const status = new Int32Array(1);
    gl.GetProgramiv(program, GL.LINK_STATUS, status);
    if (status[0] === 0)
      throw new Error(`program: ${logText((log) => gl.GetProgramInfoLog(program, log.length, null, log))}`);
    return program;
  }

  /** A texture, bound, that does not repeat. */
  texture(filter: number): number {
    const { gl } = this;
    const name = new Uint32Array(1);
    gl.GenTextures(1, name);
    gl.BindTexture(GL.TEXTURE_2D, name[0]!);
    gl.TexParameteri(GL.TEXTURE_2D, GL.TEXTURE_WRAP_S, GL.CLAMP_TO_EDGE);
    gl.TexParameteri(GL.TEXTURE_2D, GL.TEXTURE_WRAP_T, GL.CLAMP_TO_EDGE);
    gl.TexParameteri(GL.TEXTURE_2D, GL.TEXTURE_MIN_FILTER, filter);
    gl.TexParameteri(GL.TEXTURE_2D, GL.TEXTURE_MAG_FILTER, filter);
    return name[0]!;
  }
}

function logText(read: (log: Uint8Array) => void): string {
  const log = new Uint8Array(1024);
  read(log);
  return new TextDecoder().decode(log.subarray(0, log.indexOf(0))).trim();
}
