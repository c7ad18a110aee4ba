// SPDX-License-Identifier: MIT
import { MediumError } from '../../machines/backplane/host.ts';
import { RawImage } from '../../machines/storage/raw-image.ts';

/** An image in memory, each sector filled with its number in the image; `bad` are bytes the host cannot reach. */
export function floppyImage(bytes: number, sectorBytes: number, options: { readonly?: boolean; bad?: number } = {}) {
  const data = new Uint8Array(bytes);
  for (let i = 0; i < bytes; i++) data[i] = Math.floor(i / sectorBytes) & 0xff;
  const check = (at: number, length: number): void => {
    const { bad } = options;
    if (bad !== undefined && at <= bad && bad < at + length) throw new MediumError('test: bad sector');
  };
  const store = {
    size: bytes,
    readonly: options.readonly ?? false,
    title: 'test',
    read: (at: number, into: Uint8Array) => {
      check(at, into.length);
      into.set(data.subarray(at, at + into.length));
    },
    write: (at: number, from: Uint8Array) => {
      check(at, from.length);
      data.set(from, at);
    },
    flush: () => {},
    close: () => {},
  };
  return { data, blocks: new RawImage(store) };
}
