// SPDX-License-Identifier: MIT
import type { Screen } from '../backplane/host.ts';
import { MachineConfigError } from '../backplane/machine-config-error.ts';
import type { Image } from '../backplane/machine.ts';
import type { MemoryBlock } from '../backplane/memory.ts';
import { fontFrom, textOf, UNREADABLE } from '../devices/display/screen-text.ts';
import { glyph, GLYPH_HEIGHT, GLYPH_WIDTH } from '../firmware/font.ts';

const KIB = 1 << 10;
/** Arthur and RISC OS 2 came in 512 KiB, RISC OS 3 in 2 MiB. */
const SIZES = [512 * KIB, 2048 * KIB];
/** The last two words are a cyclic checksum that only production tests look at. */
const UNSUMMED_BYTES = 8;

/** The test card's size without its border, which is the same on opposite sides. */
const CARD_WIDTH = 640;
const CARD_HEIGHT = 480;

/** What is in the ROM sockets without an original ROM. */
export const DIAGNOSTIC_ROM = 'archimedes/diagnostic.bin';

/** Puts the operating system's ROM, or without one our own, into its place, as often as it fits. */
export function loadArchimedesRom(rom: MemoryBlock, images: readonly Image[], ours: () => Uint8Array): void {
  const [image, ...others] = images;
  if (image === undefined) {
    fill(rom, ours());
    return;
  }
  if (others.length > 0) throw new MachineConfigError('archimedes takes its ROM as one image; give one --rom');
  const { title, bytes } = image;
  if (!SIZES.includes(bytes.length)) {
    throw new MachineConfigError(`--rom: ${title} has ${bytes.length} bytes; RISC OS 2 has 524288, RISC OS 3 2097152`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes[3] !== 0xea) {
    throw new MachineConfigError(`--rom: ${title} does not begin with an ARM branch: it is another machine's`);
  }
  // RISC OS 3 says its size in the second word, and the sum of its words is zero.
  if (view.getUint32(4, true) === bytes.length) {
    let sum = 0;
    for (let at = 0; at < bytes.length - UNSUMMED_BYTES; at += 4) sum = (sum + view.getUint32(at, true)) | 0;
    if (sum !== 0) {
      const text = (sum >>> 0).toString(16).padStart(8, '0');
      throw new MachineConfigError(`--rom: ${title} is damaged: the sum of its words is ${text}, not zero`);
    }
  }
  fill(rom, bytes);
}

function fill(rom: MemoryBlock, bytes: Uint8Array): void {
  for (let at = 0; at < rom.size; at += bytes.length) rom.bytes.set(bytes, at);
}

/** The same screen, whose text is read with the font of our own ROM; what else is on the test card is left out. */
export function ownRomScreen(screen: Screen): Screen {
  const font = fontFrom(GLYPH_WIDTH, GLYPH_HEIGHT, glyph);
  return {
    picture: () => screen.picture(),
    damage: () => screen.damage?.() ?? [],
    text: () => {
      const picture = screen.picture();
      if (picture === undefined) return undefined;
      const origin = { left: (picture.width - CARD_WIDTH) >> 1, top: (picture.height - CARD_HEIGHT) >> 1 };
      if (origin.left < 0 || origin.top < 0) return undefined;
      return textOf(picture, font, origin).map((line) => line.replaceAll(UNREADABLE, ' ').trimEnd());
    },
  };
}
