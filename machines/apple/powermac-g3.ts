// SPDX-License-Identifier: MIT
import { Board } from '../backplane/board.ts';
import { MachineConfigError } from '../backplane/machine-config-error.ts';
import type { Machine, MachineConfig, MachineDefinition, MachineHost, Medium } from '../backplane/machine.ts';
import { region } from '../backplane/memory-map.ts';
import { SerialLine } from '../backplane/serial-line.ts';
import { OrWire } from '../backplane/wire.ts';
import { AdbBus } from '../devices/adb/adb-bus.ts';
import { AdbKeyboard } from '../devices/adb/adb-keyboard.ts';
import { AdbMouse } from '../devices/adb/adb-mouse.ts';
import { Cuda } from '../devices/adb/cuda.ts';
import type { AtaTarget } from '../devices/ata/ata.ts';
import { AtaDisk } from '../devices/ata/ata-disk.ts';
import { AtapiCdrom } from '../devices/ata/atapi-cdrom.ts';
import { HeathrowIde } from '../devices/ata/heathrow-ide.ts';
import { PpcCpu } from '../devices/cpu/ppc.ts';
import { PciBochsVga } from '../devices/display/pci-bochs-vga.ts';
import { fontFrom, withFont } from '../devices/display/screen-text.ts';
import { Dbdma } from '../devices/dma/dbdma.ts';
import { At24c02 } from '../devices/i2c/at24c02.ts';
import { I2cBus } from '../devices/i2c/i2c-bus.ts';
import { HeathrowPic } from '../devices/interrupt/heathrow-pic.ts';
import { strided } from '../backplane/strided.ts';
import { Heathrow } from '../devices/macio/heathrow.ts';
import { MacNvram } from '../devices/nvram/mac-nvram.ts';
import { Mpc106 } from '../devices/pci/mpc106.ts';
import { PciBus } from '../devices/pci/pci-bus.ts';
import { Mesh } from '../devices/scsi/mesh.ts';
import { ScsiBus } from '../devices/scsi/scsi-bus.ts';
import { ScsiCdrom } from '../devices/scsi/scsi-cdrom.ts';
import { ScsiDisk } from '../devices/scsi/scsi-disk.ts';
import { MacioEscc } from '../devices/serial/macio-escc.ts';
import { Z85c30 } from '../devices/serial/z85c30.ts';
import { R6522 } from '../devices/timer/r6522.ts';
import { glyph, GLYPH_HEIGHT, GLYPH_WIDTH } from '../firmware/font.ts';
import { gossamerId } from './gossamer-id.ts';
import { type AttachedMedium, powermacG3Firmware } from './powermac-g3-firmware.ts';

const MIB = 1 << 20;

// Crystals and what is derived from them, in hertz.
const BUS_HZ = 66_820_000;
const TIMEBASE_HZ = BUS_HZ / 4;
/** Instruction slots a second: half of the 233.87 MHz clock, which is what a 750 achieves on ordinary code. */
const SLOTS_PER_TIMEBASE = 7;
const CPU_HZ = (BUS_HZ * 7) / 2;
const VIA_HZ = 783_360;
const SCC_HZ = 3_686_400;

/** Consoles at 9600 baud hold up a boot for longer than all the rest; Linux loses what is unsent at power-off. */
const SERIAL_SPEEDUP = 64;

/** Interrupt sources of Heathrow. */
const IRQ = { mesh: 12, ide0: 13, ide1: 14, sccA: 15, sccB: 16, cuda: 18, pciGpu: 22 } as const;
/** DBDMA channels of Heathrow, and the interrupt source of each. */
const DMA = { mesh: 0, sccATx: 4, sccARx: 5, sccBTx: 6, sccBRx: 7, ide0: 11, ide1: 12 } as const;
const DMA_IRQ = { mesh: 0, ide0: 2, ide1: 3, sccATx: 4, sccARx: 5, sccBTx: 6, sccBRx: 7 } as const;
/** OpenBIOS's device tree has IDE 1's channel at 0x8d00; the chip has it at 0x8c00. */
const DMA_ALIASES = [[13, DMA.ide1]] as const;
/** Feature control as a ROM leaves it: IDE out of reset. OpenBIOS expects it so. */
const FEATURE_CONTROL = 0x0080_c7e0;

/** What the "Whisper" audio card in the Perch slot says it is. */
const WHISPER_ID = Uint8Array.of(0x0f, 0xaa, 0x55, 0xaa, ...new TextEncoder().encode('Whisper'), 0, 0, 0, 0, 2);

export const powermacG3: MachineDefinition = {
  name: 'powermac-g3',
  title: 'Power Macintosh G3, beige ("Gossamer")',
  year: 1997,
  status: 'OpenBIOS and the built-in Open Firmware boot Linux 6.1; original ROM untried; no sound, floppy, Ethernet',
  ram: { min: 32 * MIB, max: 768 * MIB, initial: 128 * MIB },
  options: {
    serial: {
      values: ['fast', 'exact'],
      initial: 'fast',
      title: 'characters on the serial lines take a fraction of their time, or all of it',
    },
    screen: {
      values: ['640x480x8', '640x480x32', '800x600x8', '800x600x32', '1024x768x8', '1024x768x15', '1024x768x32'],
      initial: '1024x768x8',
      title: 'mode the firmware sets: width, height, bits a pixel',
    },
  },
  build,
};

function build(host: MachineHost, config: MachineConfig): Machine {
  const board = new Board({
    masterHz: TIMEBASE_HZ * SLOTS_PER_TIMEBASE,
    memoryBytes: config.ramBytes + 96 * MIB,
    log: host.log,
  });

  // Chips
  const bus = board.map('60x bus');
  const firmware = powermacG3Firmware(config);
  const cpu = board.addCpu(
    new PpcCpu(board.chip('cpu'), {
      memory: board.memory,
      map: bus,
      module: host.core('ppc'),
      model: '750',
      ticksPerTimebase: SLOTS_PER_TIMEBASE,
      hid1: 0xe000_0000, // PLL 3.5:1
      onHypercall: (n) => firmware.hypercall(n),
    }),
  );
  const ram = board.memory.allocate('ram', config.ramBytes);
  const rom = board.memory.allocate('rom', 4 * MIB);
  const pci = new PciBus('pci', { memory: board.map('pci memory'), io: board.map('pci io') }, host.log.for('pci'));
  const grackle = board.add(new Mpc106(board.chip('grackle'), { cpu: bus, bus: pci }));
  const heathrow = board.add(
    new Heathrow(board.chip('heathrow'), { cells: board.map('heathrow'), featureControl: FEATURE_CONTROL }),
  );
  const pic = board.add(new HeathrowPic(board.chip('pic')));
  const dbdma = board.add(new Dbdma(board.chip('dbdma'), { memory: heathrow.dma, aliases: DMA_ALIASES }));
  const adb = new AdbBus();
  const keyboard = board.add(adb.attach(new AdbKeyboard('keyboard')));
  const mouse = board.add(adb.attach(new AdbMouse('mouse')));
  const i2c = new I2cBus();
  board.add(i2c.attach(0x53, new At24c02('perch-id', { contents: WHISPER_ID, writeProtected: true })));
  const via = board.add(new R6522(board.chip('via'), { clock: board.clock('via', VIA_HZ), cell: 'macio' }));
  const cuda = board.add(
    new Cuda(board.chip('cuda'), { adb, i2c, pram: host.nonVolatile('pram'), calendar: host.calendar }),
  );
  const lines = [new SerialLine('modem'), new SerialLine('printer')] as const;
  // Every clock pin has 3.6864 MHz: OpenBIOS takes PCLK for that, and leaves WR11 as reset, which sends by TRxC.
  const sccClock = board.clock('scc', SCC_HZ);
  const clocks = { pclk: sccClock, rtxcA: sccClock, rtxcB: sccClock, trxcA: sccClock, trxcB: sccClock };
  const scc = board.add(new Z85c30(board.chip('scc'), clocks));
  for (const [channel, line] of [
    [scc.a, lines[0]],
    [scc.b, lines[1]],
  ] as const) {
    channel.port = line;
    channel.portSpeedup = config.options['serial'] === 'exact' ? 1 : SERIAL_SPEEDUP;
  }
  const escc = board.add(new MacioEscc(board.chip('escc'), scc));
  const nvram = board.add(new MacNvram(board.chip('nvram'), host.nonVolatile('nvram')));
  const media = openMedia(host, config.media);
  const drive = (unit: number): AtaTarget | undefined => {
    const medium = media.find((one) => one.bus === 'ide' && one.unit === unit);
    if (medium === undefined) return undefined;
    const chip = board.chip(`ide:${unit}`);
    return board.add(medium.kind === 'cdrom' ? new AtapiCdrom(chip, medium.device) : new AtaDisk(chip, medium.device));
  };
  const ide0 = board.add(new HeathrowIde(board.chip('ide0'), [drive(0), drive(1)]));
  const ide1 = board.add(new HeathrowIde(board.chip('ide1'), [drive(2), drive(3)]));
  const scsiBus = board.add(new ScsiBus(board.chip('scsi')));
  const mesh = board.add(new Mesh(board.chip('mesh'), scsiBus));
  for (const { kind, unit, device } of media.filter((one) => one.bus === 'scsi')) {
    const chip = board.chip(`scsi:${unit}`);
    board.add(
      kind === 'cdrom' ? new ScsiCdrom(chip, scsiBus, unit, device) : new ScsiDisk(chip, scsiBus, unit, device),
    );
  }
  const vga = board.add(new PciBochsVga(board.chip('vga'), board.memory, { byteOrder: 'big' }));

  // Wires                source            sink                       bit
  const interrupt = (wire: Parameters<Board['wire']>[0], source: number): void =>
    board.wire(wire, pic.in(source), `pic.in(${source})`);
  interrupt(mesh.irq, IRQ.mesh);
  interrupt(ide0.irq, IRQ.ide0);
  interrupt(ide1.irq, IRQ.ide1);
  interrupt(scc.irqA, IRQ.sccA);
  interrupt(scc.irqB, IRQ.sccB);
  interrupt(via.irq, IRQ.cuda);
  for (const name of Object.keys(DMA) as (keyof typeof DMA)[]) {
    interrupt(dbdma.channel(DMA[name]).irq, DMA_IRQ[name]);
  }
  board.wire(pic.irq, (level) => cpu.interrupt(level), 'cpu.int');
  board.wire(grackle.mcp, (level) => cpu.machineCheck(level), 'cpu.mcp');
  board.wire(via.pb[5]!, (level) => cuda.tipW(!level), 'cuda.tip', 'active low');
  board.wire(via.pb[4]!, (level) => cuda.byteackW(!level), 'cuda.byteack', 'active low');
  board.wire(via.cb2, (level) => cuda.cb2W(level), 'cuda.cb2');
  board.wire(cuda.treq, (level) => via.pbW(3, !level), 'via.pb3', 'active low');
  board.wire(cuda.cb1, (level) => via.cb1W(level), 'via.cb1');
  board.wire(cuda.cb2, (level) => via.cb2W(level), 'via.cb2');
  board.nc(heathrow.sccReset);
  board.nc(heathrow.ide0Reset, 'drivers reset through the device control register');
  board.nc(heathrow.ide1Reset, 'drivers reset through the device control register');
  board.nc(heathrow.mediaBayReset);
  board.nc(heathrow.ethernetReset);
  board.nc(grackle.tea);

  // DMA
  const dma = { mesh: dbdma.channel(DMA.mesh), ide0: dbdma.channel(DMA.ide0), ide1: dbdma.channel(DMA.ide1) };
  mesh.dma = dma.mesh.connect(mesh);
  for (const [channel, tx, rx] of [
    [scc.a, DMA.sccATx, DMA.sccARx],
    [scc.b, DMA.sccBTx, DMA.sccBRx],
  ] as const) {
    dbdma.channel(tx).connect(channel.connectDma('tx', dbdma.channel(tx)));
    dbdma.channel(rx).connect(channel.connectDma('rx', dbdma.channel(rx)));
  }
  ide0.dma = dma.ide0.connect(ide0.dmaPeer);
  ide1.dma = dma.ide1.connect(ide1.dmaPeer);

  // Map of Heathrow's cells
  heathrow
    .attach(0x0_0010, 0x0_002f, pic, 'pic')
    .attach(0x0_8000, 0x0_8fff, dbdma, 'dbdma')
    .attach(0x1_0000, 0x1_00ff, mesh, 'mesh')
    .absent(0x1_1000, 0x1_1fff, 'bmac')
    .attach(0x1_2000, 0x1_200f, escc.compatible, 'escc (compatible)')
    .attach(0x1_3000, 0x1_30ff, escc.macRisc, 'escc')
    .absent(0x1_4000, 0x1_4fff, 'screamer')
    .absent(0x1_5000, 0x1_5fff, 'swim3')
    .attach(0x1_6000, 0x1_7fff, strided(via, 9), 'via')
    .attach(0x2_0000, 0x2_0fff, ide0, 'ide0')
    .attach(0x2_1000, 0x2_1fff, ide1, 'ide1')
    .attach(0x6_0000, 0x7_ffff, nvram, 'nvram');
  pci.attach(heathrow, 0x10);
  pci.attach(vga, 0x12);

  // Map of the CPU's bus
  bus.add(
    region(0, config.ramBytes - 1).ram(ram),
    ...grackle.addressMap(),
    region(0xff00_0000, 0xff00_0fff).device(gossamerId, 'gossamer id'),
    region(0xffc0_0000, 0xffff_ffff).rom(rom),
  );

  const powerOff = new OrWire('power-off');
  const resetRequest = new OrWire('reset');
  board.wire(cuda.powerOff, powerOff.input(), 'power off');
  board.wire(cuda.resetSystem, resetRequest.input(), 'reset');
  const frequencies = { cpuHz: CPU_HZ, busHz: BUS_HZ, timebaseHz: TIMEBASE_HZ };
  firmware.install({
    board,
    bus,
    cpu,
    ram,
    rom,
    vga,
    nvram,
    lines,
    media,
    powerOff,
    resetRequest,
    dma: DMA,
    frequencies,
  });

  return {
    board,
    screens: [config.firmware === undefined ? withFont(vga, fontFrom(GLYPH_WIDTH, GLYPH_HEIGHT, glyph)) : vga],
    keyboard: {
      key: (code, down) => void (firmware.key?.(code, down) || keyboard.key(code, down)),
      get leds() {
        return keyboard.leds;
      },
    },
    pointer: mouse,
    serial: lines,
    powerOff,
    resetRequest,
    start: (kind) => {
      board.reset(kind);
      firmware.start();
    },
    close: () => {
      nvram.flush();
      for (const { device } of media) device.close();
    },
  };
}

/** Disks fill IDE from drive 0, CD-ROMs from drive 2, as the machine was sold; SCSI ids count up from 0. */
function openMedia(host: MachineHost, wanted: readonly Medium[]): AttachedMedium[] {
  const taken = new Set<string>();
  const place = (bus: 'ide' | 'scsi', order: readonly number[]): number => {
    const unit = order.find((candidate) => !taken.has(`${bus}${candidate}`));
    if (unit === undefined) throw new MachineConfigError(`powermac-g3 has no room for another drive on ${bus}`);
    taken.add(`${bus}${unit}`);
    return unit;
  };
  return wanted.map(({ kind, bus = 'ide', spec }) => {
    if (kind === 'floppy') throw new MachineConfigError('powermac-g3: the floppy drive is not modelled yet');
    if (bus !== 'ide' && bus !== 'scsi') throw new MachineConfigError(`powermac-g3 has no ${bus} bus`);
    const order = bus === 'scsi' ? [0, 1, 2, 3, 4, 5, 6] : kind === 'disk' ? [0, 1, 2, 3] : [2, 3, 1, 0];
    return { kind, bus, unit: place(bus, order), device: host.disk(spec) };
  });
}
