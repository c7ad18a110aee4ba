// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import {
  displayPath,
  drivePath,
  POWERMAC_G3_PATHS,
  powermacG3Tree,
  type PowermacG3TreeConfig,
} from '../../../machines/apple/powermac-g3-tree.ts';
import { FakeHost, memoryDisk, RAM_BYTES, TestFirmware } from '../firmware/fake-host.ts';

const config: PowermacG3TreeConfig = {
  ramBytes: RAM_BYTES,
  cpuHz: 233_870_000,
  busHz: 66_820_000,
  timebaseHz: 16_705_000,
  macIoPa: 0xf300_0000,
  display: {
    device: 0x12,
    framebufferPa: 0x8100_0000,
    framebufferBytes: 16 << 20,
    registersPa: 0x8000_0000,
    registersBytes: 0x1000,
    width: 640,
    height: 480,
    depth: 8,
    stride: 640,
  },
  dma: { mesh: 0, ide0: 0xb, ide1: 0xc, sccATx: 4, sccARx: 5, sccBTx: 6, sccBRx: 7 },
};

describe('device tree of powermac-g3', () => {
  const host = new FakeHost();
  const drive = { kind: 'disk', aliases: ['hd'], device: memoryDisk(new Uint8Array(512)) } as const;
  host.disks.push({ ...drive, path: drivePath('ide', 3, 'disk') }, { ...drive, path: drivePath('scsi', 6, 'disk') });
  const firmware = new TestFirmware({ tree: powermacG3Tree(config), paths: POWERMAC_G3_PATHS }, host).boot();
  const find = (path: string): number => firmware.call('finddevice', path);
  const bytes = (path: string, name: string): Uint8Array | undefined => {
    const length = firmware.call('getprop', find(path), name, 0x20_0000, 0x1000);
    return length === 0xffff_ffff ? undefined : firmware.host.ram.slice(0x20_0000, 0x20_0000 + length);
  };
  const cells = (path: string, name: string): string => {
    const value = bytes(path, name)!;
    const view = new DataView(value.buffer);
    return Array.from({ length: value.length / 4 }, (_, i) => view.getUint32(i * 4).toString(16)).join(' ');
  };
  const text = (path: string, name: string): string => String.fromCharCode(...bytes(path, name)!);

  it('is the tree of an Old World machine, as Linux tells it', () => {
    expect(text('/', 'compatible')).toBe('AAPL,Gossamer\0MacRISC\0');
    expect(firmware.line('show-devs')).not.toBe('');
    // An interrupt-controller property anywhere would make it a New World machine.
    const everywhere = (phandle: number): boolean => {
      if (firmware.call('getproplen', phandle, 'interrupt-controller') !== 0xffff_ffff) return true;
      for (let child = firmware.call('child', phandle); child !== 0; child = firmware.call('peer', child)) {
        if (everywhere(child)) return true;
      }
      return false;
    };
    expect(everywhere(firmware.call('peer', 0))).toBe(false);
  });

  it('says where Heathrow and its cells are', () => {
    expect(cells('/pci/mac-io', 'assigned-addresses')).toBe('82008010 0 f3000000 0 80000');
    expect(cells('/pci/mac-io', 'ranges')).toBe('0 82008010 0 f3000000 80000');
    expect(cells('scca', 'reg')).toBe('13020 1 13030 1 13050 1 8400 100 8500 100');
    expect(cells('scca', 'AAPL,interrupts')).toBe('f 4 5');
    expect(cells('sccb', 'reg')).toBe('13000 1 13010 1 13040 1 8600 100 8700 100');
    expect(cells('sccb', 'AAPL,interrupts')).toBe('10 6 7');
    expect(cells('scsi', 'reg')).toBe('10000 1000 8000 100');
    expect(cells('scsi', 'AAPL,interrupts')).toBe('c 0');
    expect(cells('ide0', 'reg')).toBe('20000 1000 8b00 100');
    expect(cells('ide1', 'AAPL,interrupts')).toBe('e 3');
    expect(cells('via', 'AAPL,interrupts')).toBe('12');
    expect(cells('nvram', 'reg')).toBe('60000 20000');
    expect(cells('scca', 'AAPL,address')).toBe('f3013020');
    expect(cells('/pci/mac-io/escc-legacy/ch-a', 'reg').startsWith('12002 1 12006 1 1200a 1')).toBe(true);
  });

  it('describes the display for a driver that knows nothing of the card', () => {
    const path = displayPath(config);
    expect(path).toBe('/pci@80000000/display@12');
    expect(cells(path, 'address')).toBe('81000000');
    expect(['width', 'height', 'depth', 'linebytes'].map((name) => parseInt(cells(path, name), 16))).toEqual([
      640, 480, 8, 640,
    ]);
    expect(cells(path, 'assigned-addresses')).toBe('c2009010 0 81000000 0 1000000 82009018 0 80000000 0 1000');
    expect(text(path, 'compatible')).toContain('qemu,std-vga');
  });

  it('has clocks, caches and memory', () => {
    expect(parseInt(cells('cpu', 'timebase-frequency'), 16)).toBe(16_705_000);
    expect(parseInt(cells('cpu', 'clock-frequency'), 16)).toBe(233_870_000);
    expect(cells('cpu', 'd-cache-block-size')).toBe('20');
    expect(cells('/memory', 'reg')).toBe(`0 ${RAM_BYTES.toString(16)}`);
  });

  it('resolves every alias and has the drives', () => {
    const aliases = firmware
      .line('devalias')
      .split('\r\n')
      .map((line) => line.split(/\s+/));
    expect(aliases.length).toBeGreaterThan(15);
    for (const [name, path] of aliases) expect.soft(find(path!), `${name} ${path}`).not.toBe(0xffff_ffff);
    expect(text('/pci/mac-io/ata-3@21000/disk@1', 'device_type')).toBe('block\0');
    expect(find('/pci/mac-io/mesh/sd@6')).not.toBe(0xffff_ffff);
    expect(find('hd')).toBe(find('/pci/mac-io/ata-3@21000/disk@1'));
  });
});
