// SPDX-License-Identifier: MIT
import { writeFileSync } from 'node:fs';
import { PNG } from 'pngjs';
import type { Picture } from '../../machines/backplane/host.ts';
import { fileProblem } from './files.ts';
import { UserError } from './user-error.ts';

export function encodePng(picture: Picture): Uint8Array {
  const { width, height, rgba } = picture;
  const png = new PNG({ width, height, colorType: 2, inputHasAlpha: true });
  png.data = Buffer.from(rgba.buffer, rgba.byteOffset, rgba.byteLength);
  return PNG.sync.write(png, { colorType: 2, inputHasAlpha: true });
}

export function writePng(path: string, picture: Picture): void {
  try {
    writeFileSync(path, encodePng(picture));
  } catch (error) {
    throw new UserError('EMERITUS_FILE', `cannot write the picture ${path}: ${fileProblem(error)}`);
  }
}

/** The picture in a PNG file. */
export function decodePng(bytes: Uint8Array): Picture {
  const { width, height, data } = PNG.sync.read(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  return { width, height, rgba: new Uint8Array(data) };
}
