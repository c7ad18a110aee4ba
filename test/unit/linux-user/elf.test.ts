// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { parseElf } from '../../../machines/linux-user/elf/elf-file.ts';
import { GATE_RETURN, GATE_SYSCALL, gateImage } from '../../../machines/linux-user/gate.ts';

const read =
  (file: Uint8Array) =>
  (position: number, length: number): Uint8Array =>
    file.subarray(Math.min(position, file.length), Math.min(position + length, file.length));
const changed = (change: (file: Uint8Array, view: DataView) => void): Uint8Array => {
  const file = gateImage();
  change(file, new DataView(file.buffer));
  return file;
};
const parse = (file: Uint8Array): unknown => parseElf(read(file));

describe('parseElf', () => {
  it('reads the gate object', () => {
    const elf = parseElf(read(gateImage()));
    expect(elf.type).toBe(3);
    expect(elf.entry).toBe(GATE_SYSCALL);
    expect(elf.segments[0]).toMatchObject({ type: 1, flags: 5, va: 0xa000_0000_0000_0000n });
  });

  it.each([
    ['not an ELF file', changed((file) => (file[0] = 0))],
    ['truncated ELF header', gateImage().subarray(0, 40)],
    ['32-bit', changed((file) => (file[4] = 1))],
    ['HP-UX', changed((file) => (file[7] = 1))],
    ['x86-64', changed((_, view) => view.setUint16(18, 62, true))],
    [
      'big-endian',
      changed((file, view) => {
        file[5] = 2;
        view.setUint16(18, 50, false);
      }),
    ],
    ['object file', changed((_, view) => view.setUint16(16, 1, true))],
    ['truncated program headers', changed((_, view) => view.setBigUint64(32, 1n << 40n, true))],
    ['corrupt program headers', changed((_, view) => view.setUint16(54, 32, true))],
    ['corrupt program headers', changed((_, view) => view.setBigUint64(64 + 40, 1n, true))],
  ])('says %s', (message, file) => {
    expect(() => parse(file)).toThrow(message);
  });

  it('survives any damage to the headers', () => {
    let seed = 1;
    const random = (): number => (seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0) >>> 8;
    for (let n = 0; n < 3000; n++) {
      const file = changed((bytes) => {
        for (let k = 0; k < 4; k++) bytes[random() % 232] = random();
      });
      try {
        parse(file);
      } catch (error) {
        expect((error as Error).name).toBe('ElfError');
      }
    }
  });
});

describe('the gate page', () => {
  it('has the return from signal handlers where handlers return to', () => {
    const view = new DataView(gateImage().buffer);
    const at = Number(GATE_RETURN & 0x3fffn);
    // mov r15 = 1181 in slot 0 of an MMI bundle: add immediate, 14 bits.
    const low = view.getBigUint64(at, true);
    const slot = (low >> 5n) & ((1n << 41n) - 1n);
    const immediate = ((slot >> 13n) & 0x7fn) | (((slot >> 27n) & 0x1ffn) << 7n);
    expect([(slot >> 6n) & 0x7fn, immediate & 0x3fffn]).toEqual([15n, 1181n]);
  });
});
