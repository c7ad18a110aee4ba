// SPDX-License-Identifier: MIT
//
// The device tree of the beige Power Macintosh G3 as its Open Firmware shows it, as plain data. It is an Old World tree:
// interrupts are the sources of Heathrow in AAPL,interrupts, and no node has an interrupt-controller property, by which
// Linux tells the generations apart.
import type { PropertyValue, TreeNode } from '../firmware/open-firmware/host.ts';

export interface PowermacG3TreeConfig {
  readonly ramBytes: number;
  readonly cpuHz: number;
  readonly busHz: number;
  readonly timebaseHz: number;
  /** Processor version register; default a 750 3.1. */
  readonly pvr?: number;
  /** Where Heathrow's base address register is set. */
  readonly macIoPa: number;
  readonly display: {
    /** PCI device number. */
    readonly device: number;
    readonly framebufferPa: number;
    readonly framebufferBytes: number;
    readonly registersPa: number;
    readonly registersBytes: number;
    readonly width: number;
    readonly height: number;
    readonly depth: number;
    readonly stride: number;
    /** Heathrow source of the slot; absent when the card never interrupts. */
    readonly interrupt?: number;
  };
  /** DBDMA channels by their number: the registers are at 0x8000 + 0x100 × number. */
  readonly dma: Readonly<Record<DmaDevice, number>>;
  /** Paths by alias for drives: `hd`, `cd`. */
  readonly aliases?: Readonly<Record<string, string>>;
}

type DmaDevice = 'mesh' | 'ide0' | 'ide1' | 'sccATx' | 'sccARx' | 'sccBTx' | 'sccBRx';

export const PCI_PATH = '/pci@80000000';
export const MAC_IO_PATH = `${PCI_PATH}/mac-io@10`;
export const POWERMAC_G3_PATHS = {
  cpu: '/cpus/PowerPC,750@0',
  memory: '/memory@0',
  pci: PCI_PATH,
  serial: `${MAC_IO_PATH}/escc@13000/ch-a@13020`,
  keyboard: `${MAC_IO_PATH}/via-cuda@16000/adb/keyboard@2`,
} as const;

export const displayPath = (config: PowermacG3TreeConfig): string =>
  `${PCI_PATH}/display@${config.display.device.toString(16)}`;

/** Where the node of a drive is. IDE units count both drives of both channels; SCSI units are target ids. */
export function drivePath(bus: 'ide' | 'scsi', unit: number, kind: 'disk' | 'cdrom'): string {
  if (bus === 'scsi') return `${MAC_IO_PATH}/mesh@10000/sd@${unit.toString(16)}`;
  return `${MAC_IO_PATH}/ata-3@${unit < 2 ? '20000' : '21000'}/${kind}@${unit & 1}`;
}

// Sources of Heathrow's interrupt controller that are not a DMA channel's.
const IRQ = { mesh: 0x0c, ide0: 0x0d, ide1: 0x0e, sccA: 0x0f, sccB: 0x10, cuda: 0x12 } as const;
/** The interrupt sources of DMA channels. */
const DMA_IRQ: Readonly<Record<DmaDevice, number>> = {
  mesh: 0x00,
  ide0: 0x02,
  ide1: 0x03,
  sccATx: 0x04,
  sccARx: 0x05,
  sccBTx: 0x06,
  sccBRx: 0x07,
};

const MAC_IO_DEVICE = 0x10;
const MAC_IO_BYTES = 0x8_0000;

// The first cell of a PCI address [PCI bus binding 2.2.1.1].
const SPACE_IO = 0x0100_0000;
const SPACE_MEMORY = 0x0200_0000;
const PREFETCHABLE = 0x4000_0000;
const ASSIGNED = 0x8000_0000;
const BAR0 = 0x10;
const BAR2 = 0x18;
const pciCell = (device: number, register: number, space: number): number => (space | (device << 11) | register) >>> 0;

export function powermacG3Tree(config: PowermacG3TreeConfig): TreeNode {
  return {
    name: 'device-tree',
    properties: {
      model: 'AAPL,Gossamer',
      compatible: ['AAPL,Gossamer', 'MacRISC'],
      'clock-frequency': config.busHz,
      '#address-cells': 1,
      '#size-cells': 1,
    },
    children: [
      { name: 'cpus', properties: { '#address-cells': 1, '#size-cells': 0 }, children: [cpu(config)] },
      {
        name: 'memory',
        unit: '0',
        properties: { device_type: 'memory', reg: [0, config.ramBytes] },
      },
      {
        name: 'AAPL,ROM',
        unit: 'ffc00000',
        properties: { device_type: 'rom', reg: [0xffc0_0000, 0x40_0000], 'write-characteristic': 'flash' },
      },
      grackle(config),
      { name: 'aliases', properties: aliases(config) },
    ],
  };
}

function cpu(config: PowermacG3TreeConfig): TreeNode {
  return {
    name: 'PowerPC,750',
    unit: '0',
    properties: {
      device_type: 'cpu',
      reg: 0,
      'cpu-version': config.pvr ?? 0x0008_0301,
      state: 'running',
      'clock-frequency': config.cpuHz,
      'timebase-frequency': config.timebaseHz,
      'bus-frequency': config.busHz,
      'reservation-granule-size': 32,
      'tlb-sets': 64,
      'tlb-size': 256,
      'd-tlb-sets': 64,
      'd-tlb-size': 128,
      'i-tlb-sets': 64,
      'i-tlb-size': 128,
      'd-cache-size': 0x8000,
      'd-cache-sets': 128,
      'd-cache-block-size': 32,
      'i-cache-size': 0x8000,
      'i-cache-sets': 128,
      'i-cache-block-size': 32,
      graphics: true,
      'performance-monitor': true,
    },
  };
}

function grackle(config: PowermacG3TreeConfig): TreeNode {
  return {
    name: 'pci',
    unit: '80000000',
    properties: {
      device_type: 'pci',
      model: 'MOT,MPC106',
      compatible: 'grackle',
      reg: [0x8000_0000, 0x7f00_0000],
      '#address-cells': 3,
      '#size-cells': 2,
      'bus-range': [0, 0],
      'clock-frequency': Math.round(config.busHz / 2),
      'slot-names': Uint8Array.from([0, 0, 0xe0, 0, ...new TextEncoder().encode('A1\0B1\0C1\0')]),
      // PCI I/O, memory, and the memory of ISA cards, each as [PCI address (3), CPU address, size (2)].
      ranges: [
        [SPACE_IO, 0, 0, 0xfe00_0000, 0, 0x80_0000],
        [SPACE_MEMORY, 0, 0x8000_0000, 0x8000_0000, 0, 0x7d00_0000],
        [SPACE_MEMORY, 0, 0, 0xfd00_0000, 0, 0x100_0000],
      ].flat(),
    },
    children: [macIo(config), display(config)],
  };
}

function display(config: PowermacG3TreeConfig): TreeNode {
  const { device, framebufferPa, framebufferBytes, registersPa, registersBytes, interrupt } = config.display;
  const { width, height, depth, stride } = config.display;
  const framebuffer = pciCell(device, BAR0, SPACE_MEMORY | PREFETCHABLE);
  const registers = pciCell(device, BAR2, SPACE_MEMORY);
  return {
    name: 'display',
    unit: device.toString(16),
    properties: {
      device_type: 'display',
      model: 'Bochs VGA',
      compatible: ['qemu,std-vga', 'pci1234,1111', 'pciclass,030000'],
      'vendor-id': 0x1234,
      'device-id': 0x1111,
      'revision-id': 2,
      'class-code': 0x03_0000,
      'subsystem-vendor-id': 0x1af4,
      'subsystem-id': 0x1100,
      'devsel-speed': 0,
      'min-grant': 0,
      'max-latency': 0,
      reg: [
        [pciCell(device, 0, 0), 0, 0, 0, 0],
        [framebuffer, 0, 0, 0, framebufferBytes],
        [registers, 0, 0, 0, registersBytes],
      ].flat(),
      'assigned-addresses': [
        [framebuffer + ASSIGNED, 0, framebufferPa, 0, framebufferBytes],
        [registers + ASSIGNED, 0, registersPa, 0, registersBytes],
      ].flat(),
      address: framebufferPa,
      width,
      height,
      depth,
      linebytes: stride,
      'iso6429-1983-colors': true,
      ...(interrupt === undefined ? {} : { 'AAPL,interrupts': interrupt }),
    },
  };
}

function macIo(config: PowermacG3TreeConfig): TreeNode {
  const base = pciCell(MAC_IO_DEVICE, BAR0, SPACE_MEMORY);
  return {
    name: 'mac-io',
    unit: MAC_IO_DEVICE.toString(16),
    properties: {
      device_type: 'mac-io',
      model: 'AAPL,343S1211',
      compatible: 'heathrow',
      'vendor-id': 0x106b,
      'device-id': 0x10,
      'revision-id': 1,
      'class-code': 0xff_0000,
      'devsel-speed': 1,
      'min-grant': 0,
      'max-latency': 0,
      '#address-cells': 1,
      '#size-cells': 1,
      reg: [
        [pciCell(MAC_IO_DEVICE, 0, 0), 0, 0, 0, 0],
        [base, 0, 0, 0, MAC_IO_BYTES],
      ].flat(),
      'assigned-addresses': [base + ASSIGNED, 0, config.macIoPa, 0, MAC_IO_BYTES],
      ranges: [0, base + ASSIGNED, 0, config.macIoPa, MAC_IO_BYTES],
      'AAPL,address': config.macIoPa,
    },
    children: [
      {
        name: 'interrupt-controller',
        unit: '10',
        properties: { device_type: 'interrupt-controller', compatible: 'heathrow', reg: [0x10, 0x20] },
      },
      mesh(config),
      escc(config, 0x1_2000),
      escc(config, 0x1_3000),
      viaCuda(config),
      ide(config, 0),
      ide(config, 1),
      cell(config, 'nvram', 0x6_0000, { device_type: 'nvram', reg: [0x6_0000, 0x2_0000], '#bytes': 0x2000 }),
    ],
  };
}

const dmaReg = (config: PowermacG3TreeConfig, ...devices: readonly DmaDevice[]): number[] =>
  devices.flatMap((device) => [0x8000 + config.dma[device] * 0x100, 0x100]);

/** A part of Heathrow; `AAPL,address` is where the CPU sees it. */
function cell(
  config: PowermacG3TreeConfig,
  name: string,
  offset: number,
  properties: Readonly<Record<string, PropertyValue>>,
  children: readonly TreeNode[] = [],
): TreeNode {
  return {
    name,
    unit: offset.toString(16),
    properties: { ...properties, 'AAPL,address': config.macIoPa + offset },
    children,
  };
}

function mesh(config: PowermacG3TreeConfig): TreeNode {
  return cell(config, 'mesh', 0x1_0000, {
    device_type: 'scsi',
    model: 'MESH',
    compatible: 'chrp,mesh0',
    '#address-cells': 1,
    '#size-cells': 0,
    'clock-frequency': 50_000_000,
    reg: [0x1_0000, 0x1000, ...dmaReg(config, 'mesh')],
    'AAPL,interrupts': [IRQ.mesh, DMA_IRQ.mesh],
  });
}

/** The serial controller, by its spaced registers and, at 0x12000, as older machines have it. */
function escc(config: PowermacG3TreeConfig, offset: number): TreeNode {
  const legacy = offset === 0x1_2000;
  // Control, data, and recovery count of each channel.
  const [channelA, channelB, data, recovery] = legacy ? [2, 0, 4, 8] : [0x20, 0x00, 0x10, 0x40];
  const channel = (letter: 'a' | 'b', start: number, tx: DmaDevice, rx: DmaDevice): TreeNode => {
    const at = offset + start;
    const count = legacy || letter === 'b' ? at + recovery : at + recovery - 0x10;
    return cell(config, `ch-${letter}`, at, {
      device_type: 'serial',
      compatible: legacy ? `chrp,es${letter === 'a' ? 4 : 5}` : `chrp,es${letter === 'a' ? 2 : 3}`,
      reg: [at, 1, at + data, 1, count, 1, ...dmaReg(config, tx, rx)],
      'AAPL,interrupts': [letter === 'a' ? IRQ.sccA : IRQ.sccB, DMA_IRQ[tx], DMA_IRQ[rx]],
      'AAPL,connector': letter === 'a' ? 'modem' : 'printer',
    });
  };
  return cell(
    config,
    legacy ? 'escc-legacy' : 'escc',
    offset,
    {
      device_type: legacy ? 'escc-legacy' : 'escc',
      compatible: legacy ? ['escc-legacy', 'chrp,es1'] : ['escc', 'chrp,es0'],
      '#address-cells': 1,
      '#size-cells': 1,
      ranges: true,
      reg: [offset, 0x1000],
    },
    [channel('a', channelA, 'sccATx', 'sccARx'), channel('b', channelB, 'sccBTx', 'sccBRx')],
  );
}

function viaCuda(config: PowermacG3TreeConfig): TreeNode {
  const adbDevice = (name: string, address: number): TreeNode => ({
    name,
    unit: address.toString(16),
    properties: { device_type: name, compatible: name, reg: address },
  });
  return cell(
    config,
    'via-cuda',
    0x1_6000,
    {
      device_type: 'via-cuda',
      compatible: 'via-cuda',
      '#address-cells': 1,
      '#size-cells': 0,
      reg: [0x1_6000, 0x2000],
      'AAPL,interrupts': IRQ.cuda,
    },
    [
      {
        name: 'adb',
        properties: { device_type: 'adb', compatible: 'adb', '#address-cells': 1, '#size-cells': 0 },
        children: [adbDevice('keyboard', 2), adbDevice('mouse', 3)],
      },
      { name: 'rtc', properties: { device_type: 'rtc', compatible: 'rtc' } },
      { name: 'power-mgt', properties: { device_type: 'power-mgt', compatible: 'cuda' } },
    ],
  );
}

function ide(config: PowermacG3TreeConfig, channel: 0 | 1): TreeNode {
  const offset = 0x2_0000 + channel * 0x1000;
  const dma = channel === 0 ? 'ide0' : 'ide1';
  return cell(config, 'ata-3', offset, {
    device_type: 'ata',
    model: 'ata-3',
    compatible: 'heathrow-ata',
    '#address-cells': 1,
    '#size-cells': 0,
    reg: [offset, 0x1000, ...dmaReg(config, dma)],
    'AAPL,interrupts': [IRQ[dma], DMA_IRQ[dma]],
    'AAPL,bus-id': channel,
  });
}

function aliases(config: PowermacG3TreeConfig): Record<string, string> {
  const { serial, keyboard, cpu } = POWERMAC_G3_PATHS;
  const escc = `${MAC_IO_PATH}/escc@13000`;
  return {
    cpu,
    pci: PCI_PATH,
    'mac-io': MAC_IO_PATH,
    scca: serial,
    sccb: `${escc}/ch-b@13000`,
    ttya: serial,
    ttyb: `${escc}/ch-b@13000`,
    scsi: `${MAC_IO_PATH}/mesh@10000`,
    ide0: `${MAC_IO_PATH}/ata-3@20000`,
    ide1: `${MAC_IO_PATH}/ata-3@21000`,
    via: `${MAC_IO_PATH}/via-cuda@16000`,
    adb: `${MAC_IO_PATH}/via-cuda@16000/adb`,
    keyboard,
    kbd: keyboard,
    mouse: `${MAC_IO_PATH}/via-cuda@16000/adb/mouse@3`,
    rtc: `${MAC_IO_PATH}/via-cuda@16000/rtc`,
    nvram: `${MAC_IO_PATH}/nvram@60000`,
    screen: displayPath(config),
    ...config.aliases,
  };
}
