// SPDX-License-Identifier: MIT
//
// The display channel's messages as this server sends them and our own clients read them: one 32-bit surface, and
// uncompressed images that overwrite rectangles of it.
// Documents: [SPICE] in docs/references.md.
import type { ScreenRect } from '../../machines/backplane/host.ts';
import { decompress } from './lz4.ts';
import {
  BITMAP_FLAGS_TOP_DOWN,
  BITMAP_FMT_32BIT,
  CLIP_TYPE_NONE,
  IMAGE_TYPE_BITMAP,
  IMAGE_TYPE_LZ4,
  ROPD_OP_PUT,
  SURFACE_FLAGS_PRIMARY,
  SURFACE_FMT_32_XRGB,
} from './protocol.ts';
import { ByteReader, ByteWriter, ProtocolError } from './wire.ts';

const SURFACE_ID = 0;
/** Of the image, from the beginning of the DRAW_COPY message. */
const IMAGE_OFFSET = 57;

export const surfaceCreate = (width: number, height: number): Uint8Array =>
  new ByteWriter().u32(SURFACE_ID).u32(width).u32(height).u32(SURFACE_FMT_32_XRGB).u32(SURFACE_FLAGS_PRIMARY).finish();

/** One monitor that shows the whole surface. */
export function monitorsConfig(width: number, height: number): Uint8Array {
  const message = new ByteWriter().u16(1).u16(1);
  const monitor = 0;
  return message.u32(monitor).u32(SURFACE_ID).u32(width).u32(height).u32(0).u32(0).u32(0).finish();
}

const writeRect = (writer: ByteWriter, { x, y, width, height }: ScreenRect): ByteWriter =>
  writer
    .i32(y)
    .i32(x)
    .i32(y + height)
    .i32(x + width);

/** Everything of a DRAW_COPY up to the image's own description. */
function drawCopy(rect: ScreenRect, imageType: number): ByteWriter {
  const { width, height } = rect;
  const message = writeRect(new ByteWriter().u32(SURFACE_ID), rect).u8(CLIP_TYPE_NONE);
  writeRect(message.u32(IMAGE_OFFSET), { x: 0, y: 0, width, height });
  message.u16(ROPD_OP_PUT).u8(0); // scale mode
  message.u8(0).i32(0).i32(0).u32(0); // no mask
  return message.u64(0n).u8(imageType).u8(0).u32(width).u32(height);
}

/** Everything of a DRAW_COPY but its pixels: a word 0x00rrggbb each, line after line. */
export function drawCopyHeader(rect: ScreenRect): Uint8Array {
  const { width, height } = rect;
  const message = drawCopy(rect, IMAGE_TYPE_BITMAP)
    .u8(BITMAP_FMT_32BIT)
    .u8(BITMAP_FLAGS_TOP_DOWN)
    .u32(width)
    .u32(height)
    .u32(width * 4);
  return message.u32(0).finish(); // no palette
}

/** The same with the pixels in one LZ4 block of so many bytes, which follows. */
export function drawCopyLz4Header(rect: ScreenRect, blockBytes: number): Uint8Array {
  const message = drawCopy(rect, IMAGE_TYPE_LZ4).u32(2 + 4 + blockBytes);
  const topDown = 1;
  message.u8(topDown).u8(BITMAP_FMT_32BIT);
  return message
    .u8(blockBytes >>> 24)
    .u8(blockBytes >>> 16)
    .u8(blockBytes >>> 8)
    .u8(blockBytes)
    .finish();
}

export interface DrawCopy {
  readonly rect: ScreenRect;
  readonly pixels: Uint8Array;
}

/** Reads a DRAW_COPY like those above, for a surface of the given size. */
export function readDrawCopy(reader: ByteReader, surface: { width: number; height: number }): DrawCopy {
  if (reader.u32() !== SURFACE_ID) throw new ProtocolError('DRAW_COPY to another surface');
  const y = reader.i32();
  const x = reader.i32();
  const height = reader.i32() - y;
  const width = reader.i32() - x;
  const inside =
    x >= 0 && y >= 0 && width > 0 && height > 0 && x + width <= surface.width && y + height <= surface.height;
  if (!inside) throw new ProtocolError(`DRAW_COPY of ${width}x${height} at ${x},${y}`);
  if (reader.u8() !== CLIP_TYPE_NONE) throw new ProtocolError('DRAW_COPY with a clip');
  reader.seek(reader.u32());
  reader.u64();
  const imageType = reader.u8();
  reader.bytes(9);
  if (imageType === IMAGE_TYPE_LZ4)
    return { rect: { x, y, width, height }, pixels: readLz4(reader, width * height * 4) };
  if (imageType !== IMAGE_TYPE_BITMAP) throw new ProtocolError('DRAW_COPY of a compressed image');
  if (reader.u8() !== BITMAP_FMT_32BIT || reader.u8() !== BITMAP_FLAGS_TOP_DOWN) {
    throw new ProtocolError('DRAW_COPY of another bitmap format');
  }
  if (reader.u32() !== width || reader.u32() !== height || reader.u32() !== width * 4) {
    throw new ProtocolError('DRAW_COPY of a bitmap of another size');
  }
  reader.u32();
  return { rect: { x, y, width, height }, pixels: reader.bytes(width * height * 4) };
}

function readLz4(reader: ByteReader, size: number): Uint8Array {
  const data = new ByteReader(reader.bytes(reader.u32()));
  if (data.u8() !== 1 || data.u8() !== BITMAP_FMT_32BIT) throw new ProtocolError('an LZ4 image of another format');
  const pixels = new Uint8Array(size);
  let end = 0;
  while (data.left > 0) {
    const length = (data.u8() * 0x100_0000 + (data.u8() << 16) + (data.u8() << 8) + data.u8()) >>> 0;
    end = decompress(data.bytes(length), pixels, end);
  }
  if (end !== size) throw new ProtocolError('an LZ4 image of another size');
  return pixels;
}
