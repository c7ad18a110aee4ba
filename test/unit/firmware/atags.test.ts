// SPDX-License-Identifier: MIT
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { MachineConfigError } from '../../../machines/backplane/machine-config-error.ts';
import { GuestMemory } from '../../../machines/backplane/memory.ts';
import { loadArmLinux } from '../../../machines/firmware/atags.ts';

const MIB = 1 << 20;
const LINK_BASE = 0xc000_0000;
const [EM_68K, EM_PPC, EM_ARM] = [4, 20, 40];

/** A zImage that says how long it is. */
function zImage(length: number, stated = length): Uint8Array {
  const bytes = new Uint8Array(length).fill(0x11);
  const view = new DataView(bytes.buffer);
  [0x016f_2818, 0, stated, 0x0403_0201].forEach((word, i) => view.setUint32(0x24 + i * 4, word, true));
  return bytes;
}

interface ElfShape {
  machine?: number;
  big?: boolean;
  physical?: number;
  entry?: number;
  memoryBytes?: number;
}

function elf({ machine = EM_ARM, big = false, physical = 0xc000_8000, entry, memoryBytes = 16 }: ElfShape): Uint8Array {
  const bytes = new Uint8Array(100).fill(0x22);
  const view = new DataView(bytes.buffer);
  bytes.fill(0, 0, 84);
  bytes.set([0x7f, 0x45, 0x4c, 0x46, 1, big ? 2 : 1, 1]);
  const u16 = (at: number, value: number) => view.setUint16(at, value, !big);
  const u32 = (at: number, value: number) => view.setUint32(at, value, !big);
  u16(16, 2);
  u16(18, machine);
  u32(24, entry ?? physical);
  u32(28, 52);
  u16(42, 32);
  u16(44, 1);
  [1, 84, physical, physical, 16, memoryBytes].forEach((word, i) => u32(52 + i * 4, word));
  return bytes;
}

function load(
  kernel: Uint8Array,
  { initrd, append, ramBytes = 16 * MIB }: { initrd?: Uint8Array; append?: string; ramBytes?: number } = {},
) {
  const memory = new GuestMemory(20 * MIB);
  const ram = memory.allocate('ram', ramBytes);
  const image = (title: string, bytes: Uint8Array) => ({ title, bytes });
  const entry = loadArmLinux(
    { kernel: image('K', kernel), initrd: initrd && image('I', initrd), append },
    { memory, ram },
    { linkBase: LINK_BASE, board: 'goldfish', processor: { name: 'ARM9', other: 'ARMv7', advice: 'give another' } },
  );
  return { ...entry, ram };
}

describe('loadArmLinux', () => {
  it('puts a zImage at 32 KiB, and tags that tell of memory, RAM disk and command line', () => {
    const { pc, tags, ram } = load(zImage(100), { initrd: Uint8Array.of(1, 2, 3), append: 'quiet' });
    expect([pc, tags, ram.bytes[0x8000]]).toEqual([0x8000, 0x100, 0x11]);
    const word = (n: number): number => ram.view.getUint32(tags + n * 4, true);
    expect(Array.from({ length: 15 }, (_, n) => word(n))).toEqual([
      ...[5, 0x5441_0001, 1, 4096, 0],
      ...[4, 0x5441_0002, 16 * MIB, 0],
      ...[4, 0x5442_0005, 0x80_0000, 3],
      ...[4, 0x5441_0009],
    ]);
    expect(String.fromCharCode(...ram.bytes.subarray(tags + 60, tags + 65))).toBe('quiet');
    expect([word(17), word(18)]).toEqual([0, 0]);
    expect([...ram.bytes.subarray(0x80_0000, 0x80_0003)]).toEqual([1, 2, 3]);
  });

  it('puts an ELF kernel where it is linked', () => {
    const { pc, ram } = load(elf({ entry: 0xc000_8004 }));
    expect([pc, ram.bytes[0x8000], ram.bytes[0x800f], ram.bytes[0x8010]]).toEqual([0x8004, 0x22, 0x22, 0]);
  });

  const wrong: [what: string, bytes: Uint8Array, message: string][] = [
    ['nothing', new Uint8Array(0), 'is neither an ARM zImage nor an ELF kernel'],
    ['junk', new Uint8Array(1000).fill(0x5a), 'is neither an ARM zImage nor an ELF kernel'],
    ['a PowerPC kernel', elf({ machine: EM_PPC, big: true }), 'it is for PowerPC, ELF machine 20, expected 40'],
    ['a 68k kernel', elf({ machine: EM_68K, big: true }), 'it is for 68000, ELF machine 4, expected 40'],
    ['an unknown processor', elf({ machine: 9999 }), 'it is for ELF machine 9999, expected 40'],
    ['a big-endian kernel', elf({ big: true }), 'is for big-endian ARM, this board is little-endian'],
    [
      'a board with RAM elsewhere',
      elf({ physical: 0x2000_8000 }),
      'is linked for 0x20008000, where this board has no RAM',
    ],
    ['too little RAM', elf({ memoryBytes: 17 * MIB }), 'needs RAM up to 0x1108000; give more --ram'],
    ['an entry outside', elf({ entry: 0xc100_0000 }), 'begins at 0x1000000, which is not in it'],
    ['a truncated zImage', zImage(100, 5000), 'is truncated: 100 of 5000 bytes'],
    ['half an ELF header', elf({}).subarray(0, 40), 'its ELF header is cut short'],
    [
      'a U-Boot image',
      Uint8Array.from({ length: 200 }, (_, i) => [0x27, 0x05, 0x19, 0x56][i] ?? 0),
      'is a U-Boot image (its first 64 bytes are a header), neither an ARM zImage nor an ELF kernel',
    ],
    [
      'a kernel for x86',
      Uint8Array.from({ length: 1024 }, (_, i) => 'HdrS'.charCodeAt(i - 0x202) || 0),
      'is a kernel for x86, neither an ARM zImage nor an ELF kernel',
    ],
  ];
  it.each(wrong)('refuses %s in one line', (_, bytes, message) => {
    const colon = /^it/.test(message) ? ':' : '';
    expect(() => load(bytes)).toThrow(new MachineConfigError(`--kernel: K${colon} ${message}`));
  });

  it('refuses a Linux kernel that does not know the board, packed or not', () => {
    const about = (text: string): Uint8Array => new TextEncoder().encode(`....Linux version 2.6 ${text}....`);
    const packed = (text: string): Uint8Array => {
      const bytes = zImage(2000);
      bytes.set(gzipSync(about(text)), 500);
      return bytes;
    };
    const other = 'K is a kernel for another board: it does not know "goldfish"';
    expect(() => load(packed('versatile'))).toThrow(other);
    expect(load(packed('goldfish')).pc).toBe(0x8000);
    const plain = (text: string): Uint8Array => Uint8Array.from([...elf({}), ...about(text)]);
    expect(() => load(plain('versatile'))).toThrow(other);
    expect(load(plain('goldfish')).pc).toBe(0x8000);
  });

  it('refuses a Linux kernel that knows another processor only', () => {
    const about = (text: string): Uint8Array =>
      Uint8Array.from([...elf({}), ...new TextEncoder().encode(`Linux version 2.6 goldfish ${text}`)]);
    expect(() => load(about('ARMv7'))).toThrow(
      'K is a kernel for another processor: it knows "ARMv7", not "ARM9"; give another',
    );
    for (const fits of ['ARM9', 'ARMv7 ARM9', 'ARM11']) expect(load(about(fits)).pc).toBe(0x8000);
  });

  it('says when a RAM disk does not fit, or would be overwritten', () => {
    expect(() => load(zImage(100), { initrd: new Uint8Array(9 * MIB) })).toThrow(
      '--initrd: I has 9437184 bytes, room is for 8388608; give more --ram',
    );
    expect(() => load(elf({ memoryBytes: 9 * MIB }), { initrd: new Uint8Array(1) })).toThrow(
      '--kernel: K ends at 9469952 bytes, with --initrd room is for 8388608',
    );
    expect(() => load(zImage(5 * MIB), { ramBytes: 4 * MIB })).toThrow(
      /K has 5242880 bytes, room is for \d+; give more/,
    );
  });

  it('says when the command line is too long', () => {
    expect(() => load(zImage(100), { append: 'x'.repeat(20_000) })).toThrow(/--append: \d+ characters are too long/);
  });

  it('takes no file for a kernel whose bytes are random', () => {
    for (let seed = 1; seed < 200; seed++) {
      const bytes = elf({});
      bytes[seed % 84] = (seed * 37) & 0xff;
      try {
        load(bytes);
      } catch (error) {
        expect(error).toBeInstanceOf(MachineConfigError);
      }
    }
  });
});
