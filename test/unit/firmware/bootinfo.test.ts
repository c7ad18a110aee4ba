// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { MachineConfigError } from '../../../machines/backplane/machine-config-error.ts';
import { GuestMemory } from '../../../machines/backplane/memory.ts';
import { BI, BootInfo, loadLinux } from '../../../machines/firmware/bootinfo.ts';

/** A 68k executable of one segment at `physical`. */
function executable(physical: number, bytes: Uint8Array, memoryBytes: number, machine = 4): Uint8Array {
  const file = new Uint8Array(84 + bytes.length);
  const view = new DataView(file.buffer);
  file.set([0x7f, 0x45, 0x4c, 0x46, 1, 2, 1]);
  view.setUint16(16, 2);
  view.setUint16(18, machine);
  view.setUint32(24, physical + 4); // entry
  view.setUint32(28, 52);
  view.setUint16(42, 32);
  view.setUint16(44, 1);
  const header = [1, 84, physical, physical, bytes.length, memoryBytes];
  for (const [index, word] of header.entries()) view.setUint32(52 + index * 4, word);
  file.set(bytes, 84);
  return file;
}

const image = (title: string, bytes: Uint8Array) => ({ title, bytes });

function machine(ramBytes = 0x1_0000) {
  const memory = new GuestMemory(1 << 20);
  return { memory, ram: memory.allocate('ram', ramBytes) };
}

/** Records at `at` of memory: tag and words of data. */
function recordsAt(ram: { view: DataView }, at: number) {
  const records: { tag: number; data: number[] }[] = [];
  for (;;) {
    const tag = ram.view.getUint16(at);
    const size = ram.view.getUint16(at + 2);
    if (tag === BI.LAST) return records;
    const data = Array.from({ length: (size - 4) / 4 }, (_, n) => ram.view.getUint32(at + 4 + n * 4));
    records.push({ tag, data });
    at += size;
  }
}

describe('BootInfo', () => {
  it('makes records of a tag, their size and data in whole words', () => {
    const info = new BootInfo()
      .words(BI.MACHTYPE, 14)
      .text(BI.COMMAND_LINE, 'quiet')
      .counted(BI.RNG_SEED, Uint8Array.of(7));
    expect([...info.bytes]).toEqual([
      ...[0, 1, 0, 8, 0, 0, 0, 14],
      ...[0, 7, 0, 12, 0x71, 0x75, 0x69, 0x65, 0x74, 0, 0, 0],
      ...[0, 8, 0, 8, 0, 1, 7, 0],
      ...[0, 0, 0, 4],
    ]);
  });
});

describe('loadLinux', () => {
  it('puts the records after the kernel and the RAM disk at the end of memory', () => {
    const parts = machine();
    const kernel = image('vmlinux', executable(0x1000, Uint8Array.of(1, 2, 3, 4, 5), 0x101));
    const initrd = image('initrd', Uint8Array.of(9, 8));
    const entry = loadLinux({ kernel, initrd, append: 'quiet' }, parts, (info) => info.words(BI.MACHTYPE, 14));
    expect(entry).toBe(0x1004);
    expect([...parts.ram.bytes.subarray(0x1000, 0x1006)]).toEqual([1, 2, 3, 4, 5, 0]);
    expect([...parts.ram.bytes.subarray(0xf000, 0xf003)]).toEqual([9, 8, 0]);
    expect(recordsAt(parts.ram, 0x1102)).toEqual([
      { tag: BI.MACHTYPE, data: [14] },
      { tag: BI.MEMCHUNK, data: [0, 0x1_0000] },
      { tag: BI.RAMDISK, data: [0xf000, 2] },
      { tag: BI.COMMAND_LINE, data: [0x71756965, 0x74000000] },
    ]);
  });

  it('clears what a kernel expects to be zero', () => {
    const parts = machine();
    parts.ram.bytes.fill(0xff);
    loadLinux({ kernel: image('vmlinux', executable(0x1000, Uint8Array.of(1), 0x40)) }, parts, () => undefined);
    expect([...parts.ram.bytes.subarray(0x1001, 0x1040)].every((byte) => byte === 0)).toBe(true);
  });

  it('says what does not fit', () => {
    const small = image('vmlinux', executable(0xf000, Uint8Array.of(1), 0x2000));
    expect(() => loadLinux({ kernel: small }, machine(), () => undefined)).toThrow(
      /vmlinux needs memory up to 0x11000/,
    );
    const kernel = image('vmlinux', executable(0x1000, Uint8Array.of(1), 0x100));
    const large = image('initrd', new Uint8Array(0x2_0000));
    expect(() => loadLinux({ kernel, initrd: large }, machine(), () => undefined)).toThrow(MachineConfigError);
    const nearly = image('initrd', new Uint8Array(0xf000 - 0x10));
    expect(() => loadLinux({ kernel, initrd: nearly }, machine(), () => undefined)).toThrow(/do not fit/);
  });

  it('refuses what is not a kernel for this processor', () => {
    const other = image('vmlinux', executable(0x1000, Uint8Array.of(1), 0x100, 20));
    expect(() => loadLinux({ kernel: other }, machine(), () => undefined)).toThrow(/ELF machine 20, expected 4/);
  });
});
