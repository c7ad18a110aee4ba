// SPDX-License-Identifier: MIT
//
// What the machine needs from the world outside the box. Frontends implement these with files, sockets and clocks;
// tests with fakes. Nothing here is asynchronous: a device is called by the CPU and answers at once.

/** The host end of a serial line. Bytes the guest sends go to `send`; bytes for the guest arrive through the chip. */
export interface SerialPort {
  /** The guest sent a byte. */
  send(byte: number): void;
  /** Next byte for the guest, or -1 when there is none. The chip asks at its own baud rate. */
  receive(): number;
  /** Called by the host end's owner when bytes become available after there were none. Set by the chip. */
  onReadable?: () => void;
}

/** A line nobody is attached to. */
export const unplugged: SerialPort = { send: () => {}, receive: () => -1 };

/** A medium of fixed-size blocks. Reads and writes are synchronous and whole blocks. */
export interface BlockDevice {
  readonly blockBytes: number;
  readonly blockCount: number;
  readonly readonly: boolean;
  /** Fills `into` (a whole number of blocks) from block `first`. Throws {@link MediumError} when the host fails. */
  read(first: number, into: Uint8Array): void;
  write(first: number, from: Uint8Array): void;
  /** All earlier writes are safe from a crash of this process when it returns. */
  flush(): void;
  /** What the user calls it, for messages. */
  readonly title: string;
}

/** The host could not read or write a medium. The device reports an unrecovered error to the guest. */
export class MediumError extends Error {
  override readonly name = 'MediumError';
}

/** Battery-backed bytes (PRAM, NVRAM): loaded at start, stored when they change. */
export interface NonVolatile {
  load(): Uint8Array | undefined;
  store(bytes: Uint8Array): void;
}

/** Calendar time at power-on, in seconds since 1970-01-01 UTC. Later times follow virtual time. */
export interface Calendar {
  readonly startSeconds: number;
}

/** A picture of the screen, 4 bytes (red, green, blue, 255) a pixel. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly rgba: Uint8Array;
}

/** A linear framebuffer: where in the shared memory it is, and how its pixels are made. */
export interface ScreenMode {
  readonly width: number;
  readonly height: number;
  /**
   * Bits of a pixel; 12 (in the highest bits) and 15 take 16, 32 has 24 of colour. Below 8 the leftmost pixel is in the
   * highest bits.
   */
  readonly bpp: 1 | 2 | 4 | 8 | 12 | 15 | 16 | 24 | 32;
  /** Bytes from a line to the next. */
  readonly stride: number;
  /** Where the first pixel is in the machine's shared memory. */
  readonly offset: number;
  /** Order of the bytes of a pixel; `big` has red before blue in memory. */
  readonly byteOrder: 'big' | 'little';
  /** 4 bytes (red, green, blue, 255) a colour, for 8 bits a pixel and fewer. */
  readonly palette?: Uint8Array;
}

export interface ScreenRect {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** The output of a display adapter. */
export interface Screen {
  /** What is shown now; `undefined` while blanked or not set up. */
  picture(): Picture | undefined;
  /** The framebuffer behind the picture; `undefined` while blanked, or where only `picture` can tell. */
  mode?(): ScreenMode | undefined;
  /**
   * What changed since the last call; the whole picture after a change of mode or palette, an
   * empty rectangle when the screen went dark. For one caller.
   */
  damage?(): readonly ScreenRect[];
  /** The rows of text shown, where the adapter or the reader of its picture can tell. */
  text?(): string[] | undefined;
}

/** Physical keys are named by the `code` of the W3C UI Events specification: `KeyA`, `Enter`, `MetaLeft`. */
export type KeyCode = string;

export interface KeyboardInput {
  key(code: KeyCode, down: boolean): void;
  /** Lit LEDs, where the keyboard has them: bit 0 Num Lock, 1 Caps Lock, 2 Scroll Lock. */
  readonly leds?: number;
}

export interface PointerInput {
  /** Relative motion in host pixels and the pressed buttons (bit 0 left, 1 right, 2 middle). */
  move(dx: number, dy: number, buttons: number): void;
  /**
   * Where the pointer is, as parts (0 to 1) of the screen's width and height, and the pressed buttons; for tablets and
   * touch screens. Used instead of `move` while {@link absolute} is true.
   */
  place?(x: number, y: number, buttons: number): void;
  /** Whether `place` is of use now: the guest listens to the device that is told where the pointer is. */
  readonly absolute?: boolean;
  /** Notches of the wheel, where there is one; positive is away from the user. */
  wheel?(notches: number): void;
}

/** Where the output of a sound chip goes. */
export interface AudioSink {
  /**
   * The chip has played these frames up to now, on virtual time: signed 16-bit samples, left before right where there
   * are two channels. Time for which nothing is played is silent. The array may be used again afterwards.
   */
  play(samples: Int16Array, rateHz: number, channels: 1 | 2): void;
}

/** A speaker nobody hears. */
export const silent: AudioSink = { play: () => {} };
