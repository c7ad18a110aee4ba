// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { FakeHost, memoryDisk, TestFirmware } from './fake-host.ts';
import { applePartitioned, elf, hfsVolume, isoImage, type MadeFile } from './images.ts';

const HD = '/pci@80000000/mac-io@10/ata-3@20000/disk@0';
const CD = '/pci@80000000/mac-io@10/ata-3@20000/cdrom@1';
const bytes = (text: string): Uint8Array => Uint8Array.from(text, (c) => c.charCodeAt(0));
const noise = (length: number, seed: number): Uint8Array =>
  Uint8Array.from({ length }, (_, i) => (Math.imul(i + seed, 2_654_435_761) >>> 24) & 0xff);

const CODE = Uint8Array.of(0x38, 0x60, 0x00, 0x07, 0x4e, 0x80, 0x00, 0x20); // li r3,7; blr
const PROGRAM = elf(0x40_0000, [{ va: 0x40_0000, bytes: CODE, memoryBytes: 0x1000 }]);

function machine(disks: { hd?: Uint8Array; cd?: Uint8Array; readonly?: boolean }, options = {}): TestFirmware {
  const host = new FakeHost();
  if (disks.hd !== undefined) {
    const device = { ...memoryDisk(disks.hd), readonly: disks.readonly ?? false };
    host.disks.push({ path: HD, kind: 'disk', aliases: ['hd', 'hd0'], device });
  }
  if (disks.cd !== undefined) {
    host.disks.push({ path: CD, kind: 'cdrom', aliases: ['cd'], device: memoryDisk(disks.cd, 2048) });
  }
  return new TestFirmware(options, host).boot();
}

const files: MadeFile[] = [
  { path: 'readme.txt', data: bytes('hello') },
  { path: 'boot/vmlinux', data: PROGRAM },
  { path: 'boot/long name with no dots', data: noise(5000, 3) },
  { path: 'ppc/deep/er/file.bin', data: noise(70_000, 5) },
];

describe('disks', () => {
  describe('with ISO 9660', () => {
    const cd = isoImage(files);
    const firmware = machine({ cd });
    const { host } = firmware;

    it('reads a file by its Rock Ridge name, in pieces', () => {
      const ihandle = firmware.call('open', 'cd:,\\ppc\\deep\\er\\file.bin');
      expect(ihandle).not.toBe(0);
      expect(firmware.call('read', ihandle, 0x20_0000, 1000)).toBe(1000);
      expect(firmware.call('read', ihandle, 0x20_0000 + 1000, 100_000)).toBe(69_000);
      expect(host.ram.subarray(0x20_0000, 0x20_0000 + 70_000)).toEqual(noise(70_000, 5));
      expect(firmware.call('read', ihandle, 0x20_0000, 10)).toBe(0);
      expect(firmware.call('seek', ihandle, 0, 69_990)).toBe(0);
      expect(firmware.call('read', ihandle, 0x20_0000, 100)).toBe(10);
      expect(firmware.call('seek', ihandle, 1, 0) | 0).toBe(-1);
      firmware.service('close', 0, ihandle);
    });

    it('finds names with slashes, in any case, and not what is missing', () => {
      for (const path of [
        'cd:,/boot/vmlinux',
        'cd:\\README.TXT',
        'cd:0,\\boot\\long name with no dots',
        `${CD}:,\\readme.txt`,
      ]) {
        expect(firmware.call('open', path), path).not.toBe(0);
      }
      for (const path of [
        'cd:,\\nosuch',
        'cd:7,\\readme.txt',
        'cd:,\\boot',
        'cd:,\\readme.txt\\x',
        'hd:,\\readme.txt',
      ]) {
        expect(firmware.call('open', path), path).toBe(0);
      }
    });

    it('reads the raw medium by bytes and blocks', () => {
      const ihandle = firmware.call('open', 'cd');
      expect(firmware.call('seek', ihandle, 0, 16 * 2048 + 1)).toBe(0);
      expect(firmware.call('read', ihandle, 0x20_0000, 5)).toBe(5);
      expect(host.cString(0x20_0000).slice(0, 5)).toBe('CD001');
      expect(firmware.service('call-method', 2, 'block-size', ihandle).results).toEqual([0, 2048]);
      expect(firmware.service('call-method', 2, '#blocks', ihandle).results).toEqual([0, cd.length / 2048]);
      expect(firmware.service('call-method', 2, 'read-blocks', ihandle, 2, 16, 0x20_0000).results).toEqual([0, 2]);
      expect(host.ram.subarray(0x20_0000, 0x20_1000)).toEqual(cd.subarray(16 * 2048, 18 * 2048));
      expect(firmware.service('call-method', 2, 'read-blocks', ihandle, 2, 0xffff_fff0, 0x20_0000).results).toEqual([
        0, 0,
      ]);
    });

    it('lists directories', () => {
      expect(firmware.line('dir cd:,\\')).toMatch(/5\s+readme\.txt\r\n.*boot\\/s);
      expect(firmware.line('dir cd:,\\boot')).toContain('long name with no dots');
      expect(firmware.line('dir cd:')).toContain('ISO 9660');
      expect(firmware.line('dir nosuch:')).toBe('no such disk: nosuch:');
    });

    it('shows plain ISO names without Rock Ridge', () => {
      const plain = machine({ cd: isoImage([{ path: 'README.TXT', data: bytes('x') }], { rockRidge: false }) });
      expect(plain.call('open', 'cd:,\\readme.txt')).not.toBe(0);
    });
  });

  describe('with an Apple partition map and HFS', () => {
    const script = bytes(
      '<CHRP-BOOT>\n<BOOT-SCRIPT>\nboot &device;:&partition;,\\vmlinux root=/dev/hda3\n</BOOT-SCRIPT>\n</CHRP-BOOT>',
    );
    const volume = hfsVolume({
      blessed: 'System Folder',
      files: [
        { path: 'System Folder/ofboot.b', type: 'tbxi', data: script },
        { path: 'vmlinux', data: PROGRAM },
        { path: 'Scattered', data: noise(30_000, 9), pieces: 7 },
      ],
    });
    const hd = applePartitioned([
      { name: 'Apple', type: 'Apple_partition_map', data: new Uint8Array(0) },
      { name: 'swap', type: 'Apple_UNIX_SVR2', data: noise(8192, 1) },
      { name: 'boot', type: 'Apple_HFS', data: volume },
    ]);

    it('opens partitions by number', () => {
      const firmware = machine({ hd });
      const ihandle = firmware.call('open', 'hd:2');
      expect(firmware.call('read', ihandle, 0x20_0000, 0x1_0000)).toBe(8192);
      expect(firmware.host.ram.subarray(0x20_0000, 0x20_2000)).toEqual(noise(8192, 1));
      expect(firmware.call('open', 'hd:9')).toBe(0);
      expect(firmware.line('dir hd:')).toMatch(/3\s+\d+ KB {2}Apple_HFS {2}boot {2}HFS/);
    });

    it('reads HFS files, those with more extents than their record holds too', () => {
      const firmware = machine({ hd });
      const ihandle = firmware.call('open', 'hd:3,\\scattered');
      expect(firmware.call('read', ihandle, 0x20_0000, 0x1_0000)).toBe(30_000);
      expect(firmware.host.ram.subarray(0x20_0000, 0x20_0000 + 30_000)).toEqual(noise(30_000, 9));
      expect(firmware.call('open', 'hd:3,\\\\:tbxi')).not.toBe(0);
      expect(firmware.call('open', 'hd:3,\\\\ofboot.b')).not.toBe(0);
      expect(firmware.call('open', 'hd:3,\\:tbxi')).toBe(0);
      expect(firmware.line('dir hd:3,\\System Folder')).toContain('tbxi ofboot.b');
      expect(firmware.line('dir hd:3,\\nosuch')).toBe('no such directory');
      expect(firmware.line('dir hd:3,\\\\')).toContain('tbxi ofboot.b');
    });

    it('boots through the script in the blessed folder', () => {
      const firmware = machine({ hd });
      firmware.typed('boot hd:\r');
      expect(firmware.firmware.clientRuns).toBe(true);
      expect(firmware.host.getRegister('pc')).toBe(0x40_0000);
      const chosen = firmware.call('finddevice', '/chosen');
      const text = (name: string): string => {
        firmware.call('getprop', chosen, name, 0x20_0000, 256);
        return firmware.host.cString(0x20_0000);
      };
      expect(text('bootargs')).toBe('root=/dev/hda3');
      expect(text('bootpath')).toBe(`${HD}:3,\\vmlinux`);
    });

    it('writes to what may be written', () => {
      const image = hd.slice();
      const firmware = machine({ hd: image });
      const ihandle = firmware.call('open', 'hd:2');
      firmware.host.put(0x20_0000, 'written');
      firmware.call('seek', ihandle, 0, 509);
      expect(firmware.call('write', ihandle, 0x20_0000, 7)).toBe(7);
      const start = image.indexOf(0x77, 0);
      expect(String.fromCharCode(...image.subarray(start, start + 7)) || start).toBeTruthy();
      firmware.call('seek', ihandle, 0, 508);
      firmware.call('read', ihandle, 0x20_0100, 9);
      expect(firmware.host.cString(0x20_0101).slice(0, 7)).toBe('written');
      expect(firmware.host.ram[0x20_0100]).toBe(noise(8192, 1)[508]);
      expect(firmware.call('write', firmware.call('open', 'hd:3,\\vmlinux'), 0x20_0000, 7) | 0).toBe(-1);
      const fixed = machine({ hd, readonly: true });
      expect(fixed.call('write', fixed.call('open', 'hd:2'), 0x20_0000, 7) | 0).toBe(-1);
    });
  });

  it('reads a PC partition map with logical partitions', () => {
    const hd = new Uint8Array(64 * 512);
    const view = new DataView(hd.buffer);
    const entry = (sector: number, i: number, type: number, start: number, count: number): void => {
      hd[sector * 512 + 446 + i * 16 + 4] = type;
      view.setUint32(sector * 512 + 446 + i * 16 + 8, start, true);
      view.setUint32(sector * 512 + 446 + i * 16 + 12, count, true);
      view.setUint16(sector * 512 + 510, 0xaa55, true);
    };
    entry(0, 0, 0x83, 4, 2);
    entry(0, 1, 0x05, 20, 40);
    entry(20, 0, 0x83, 2, 3);
    entry(20, 1, 0x05, 10, 10);
    entry(30, 0, 0x82, 2, 4);
    hd.fill(0x61, 22 * 512, 23 * 512);
    hd.fill(0x62, 32 * 512, 33 * 512);
    const firmware = machine({ hd });
    for (const [number, size, first] of [
      [1, 1024, 0],
      [5, 1536, 0x61],
      [6, 2048, 0x62],
    ] as const) {
      const ihandle = firmware.call('open', `hd:${number}`);
      expect(firmware.call('read', ihandle, 0x20_0000, 0x1_0000)).toBe(size);
      expect(firmware.host.ram[0x20_0000]).toBe(first);
    }
    // A chain that bites its tail ends.
    entry(30, 1, 0x05, 0, 10);
    expect(machine({ hd }).line('dir hd:')).toContain('127');
  });

  it('survives damaged media', () => {
    let seed = 11;
    const random = (n: number): number => (seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0) % n;
    const good = [
      isoImage(files),
      applePartitioned([
        { name: 'boot', type: 'Apple_HFS', data: hfsVolume({ files: [{ path: 'vmlinux', data: PROGRAM }] }) },
      ]),
    ];
    for (let i = 0; i < 24; i++) {
      const image = good[i % 2]!.slice(0, good[i % 2]!.length - random(3) * 512);
      for (let n = 0; n < 200; n++) image[random(Math.min(image.length, 0x1_4000))] = random(256);
      const firmware = machine({ hd: image });
      for (const path of ['hd:,\\boot\\vmlinux', 'hd:1,\\\\:tbxi', 'hd:1,\\vmlinux']) firmware.call('open', path);
      firmware.typed('dir hd:,\\boot\r');
      firmware.typed('boot hd\r');
      if (!firmware.firmware.clientRuns) expect(firmware.typed('7 .\r')).toContain('7');
    }
  });
});

describe('booting', () => {
  const chosenText = (firmware: TestFirmware, name: string): string => {
    firmware.call('getprop', firmware.call('finddevice', '/chosen'), name, 0x20_0000, 256);
    return firmware.host.cString(0x20_0000);
  };

  it('starts an ELF file where it is linked', () => {
    const firmware = machine({ cd: isoImage(files) });
    firmware.typed('boot cd:,\\boot\\vmlinux console=ttyPZ0 single\r');
    const { host } = firmware;
    expect(firmware.firmware.clientRuns).toBe(true);
    expect(host.getRegister('pc')).toBe(0x40_0000);
    expect(host.ram.subarray(0x40_0000, 0x40_0008)).toEqual(CODE);
    expect([3, 4].map((n) => host.getRegister(`r${n}`))).toEqual([0, 0]);
    expect(host.read(host.getRegister('r5'), 4)).toBe(0x0400_0002);
    expect(host.read(host.getRegister('r5') + 4, 4)).toBe(0x4e80_0020);
    expect(host.getRegister('msr')).toBe(0x3000);
    expect(host.getRegister('r1') & 15).toBe(0);
    // Returning from it leads back to the prompt.
    expect(host.read(host.getRegister('lr'), 4)).toBe(0x0400_0003);
    expect(chosenText(firmware, 'bootargs')).toBe('console=ttyPZ0 single');
    // Its memory is claimed; the room it was loaded to is not.
    expect(firmware.call('claim', 0x40_0000, 0x1000, 0)).toBe(0xffff_ffff);
    expect(firmware.call('claim', 0x80_0000, 0x1000, 0)).toBe(0x80_0000);
    firmware.firmware.hypercall(3);
    firmware.settle();
    expect(firmware.line('1 2 + .')).toBe('3');
  });

  it('boots a raw ELF medium by itself', () => {
    const hd = new Uint8Array(64 * 1024);
    hd.set(PROGRAM);
    const firmware = machine({ hd }, { overrides: {} });
    expect(firmware.firmware.clientRuns).toBe(true);
    expect(firmware.host.getRegister('pc')).toBe(0x40_0000);
  });

  it('places a kernel linked at 0xc000_0000 with its initial RAM disk', () => {
    const kernel = elf(0xc000_0010, [
      { va: 0xc000_0000, bytes: noise(0x3000, 1), memoryBytes: 0x8000 },
      { va: 0xc000_9000, bytes: noise(0x100, 2), memoryBytes: 0x2_0000 },
    ]);
    const initrd = noise(10_001, 4);
    const firmware = new TestFirmware({
      kernel: { image: kernel, initrd, append: 'console=ttyPZ0' },
      overrides: {},
    }).boot();
    const { host } = firmware;
    expect(firmware.firmware.clientRuns).toBe(true);
    expect(host.getRegister('pc')).toBe(0x0100_0010);
    expect(host.ram.subarray(0x0100_0000, 0x0100_3000)).toEqual(noise(0x3000, 1));
    expect(host.ram.subarray(0x0100_9000, 0x0100_9100)).toEqual(noise(0x100, 2));
    const start = host.getRegister('r3');
    expect(host.getRegister('r4')).toBe(10_001);
    expect(host.ram.subarray(start, start + 10_001)).toEqual(initrd);
    expect(start).toBeGreaterThan(0x0102_9000);
    expect(start & 0xfff).toBe(0);
    expect(chosenText(firmware, 'bootargs')).toBe('console=ttyPZ0');
  });

  it('says why it cannot boot', () => {
    const firmware = machine({ cd: isoImage(files.slice(0, 1)) });
    expect(firmware.line('boot')).toBe("hd: can't OPEN\r\ncd: nothing bootable found\r\nnothing to boot from");
    expect(firmware.line('boot cd:,\\nosuch')).toContain("can't OPEN");
    expect(firmware.line('boot cd:,\\readme.txt')).toContain('not a bootable image');
    expect(firmware.line('boot /nosuch')).toContain("can't OPEN");
    const damaged = (change: (view: DataView) => void): string => {
      const image = PROGRAM.slice();
      change(new DataView(image.buffer));
      const broken = new TestFirmware({ kernel: { image } }).boot();
      return broken.line('boot');
    };
    expect(damaged((view) => view.setUint8(4, 2))).toContain('not a 32-bit ELF file');
    expect(damaged((view) => view.setUint16(18, 3))).toMatch(/machine 3, expected 20/);
    expect(damaged((view) => view.setUint32(28, 0xffff_0000))).toContain('outside the file');
    expect(damaged((view) => view.setUint32(52 + 16, 0x1000_0000))).toContain('cut short');
    expect(damaged((view) => view.setUint32(52 + 20, 0x7000_0000))).toContain('there is no room for');
    expect(damaged((view) => view.setUint32(52 + 8, 0xffff_ff00))).toContain('damaged');
    expect(damaged((view) => view.setUint8(0, 0))).toContain('not an ELF file');
  });

  it('serves boot, chain and exit', () => {
    const firmware = machine({ cd: isoImage(files) });
    firmware.service('boot', 0, 'cd:,\\boot\\vmlinux from-client');
    firmware.settle();
    expect(firmware.firmware.clientRuns).toBe(true);
    expect(chosenText(firmware, 'bootargs')).toBe('from-client');
    firmware.service('chain', 0, 0x50_0000, 0x1000, 0x50_0040, 0x60_0000, 12);
    expect(firmware.host.getRegister('pc')).toBe(0x50_0040);
    expect([6, 7].map((n) => firmware.host.getRegister(`r${n}`))).toEqual([0x60_0000, 12]);
  });
});
