// SPDX-License-Identifier: MIT
import { AudioLine } from '../backplane/audio-line.ts';
import { Board } from '../backplane/board.ts';
import type { BusTarget } from '../backplane/bus.ts';
import { MediumError } from '../backplane/host.ts';
import { MachineConfigError } from '../backplane/machine-config-error.ts';
import type {
  AttachableDisk,
  Machine,
  MachineConfig,
  MachineDefinition,
  MachineHost,
  Medium,
} from '../backplane/machine.ts';
import { region } from '../backplane/memory-map.ts';
import { mirrored } from '../backplane/mirrored.ts';
import { SerialLine } from '../backplane/serial-line.ts';
import { strided } from '../backplane/strided.ts';
import { slowed, synchronized } from '../backplane/wait-states.ts';
import { Wire } from '../backplane/wire.ts';
import { AdbBus } from '../devices/adb/adb-bus.ts';
import { AdbKeyboard } from '../devices/adb/adb-keyboard.ts';
import { AdbMouse } from '../devices/adb/adb-mouse.ts';
import { AdbTransceiver } from '../devices/adb/adb-transceiver.ts';
import { M68kCpu } from '../devices/cpu/m68k.ts';
import { Dafb } from '../devices/display/dafb.ts';
import { MAC_MONITORS, type MacMonitor } from '../devices/display/mac-monitor.ts';
import { SonyDisk } from '../devices/floppy/sony-disk.ts';
import { SonyDrive } from '../devices/floppy/sony-drive.ts';
import { Swim2 } from '../devices/floppy/swim2.ts';
import { Iosb } from '../devices/macio/iosb.ts';
import { DjMemc, djMemcBanks } from '../devices/memory/djmemc.ts';
import { Dp8393x } from '../devices/net/dp8393x.ts';
import { macAddressProm } from '../devices/net/mac-address-prom.ts';
import { Rtc3430042 } from '../devices/rtc/rtc-343-0042.ts';
import { Ncr53c9x } from '../devices/scsi/ncr53c9x.ts';
import { ScsiBus } from '../devices/scsi/scsi-bus.ts';
import { ScsiCdrom } from '../devices/scsi/scsi-cdrom.ts';
import { ScsiDisk } from '../devices/scsi/scsi-disk.ts';
import { Z85c30 } from '../devices/serial/z85c30.ts';
import { Asc } from '../devices/sound/asc.ts';
import { R6522 } from '../devices/timer/r6522.ts';
import { startLinux } from './quadra800-linux.ts';
import { loadMacRom } from './quadra800-rom.ts';

const MIB = 1 << 20;
const KIB = 1 << 10;

// Crystals and what is derived from them, in hertz.
const VIA_HZ = 783_360;
/** Instruction slots a second: what a 68040 at 33 MHz achieves on ordinary code. */
const CPU_HZ = VIA_HZ * 32;
const SCSI_HZ = 25_000_000;
const SCC_PCLK_HZ = 7_833_600;
const SCC_HZ = 3_686_400;
/** Consoles at 9600 baud hold up a boot for longer than all the rest. */
const SERIAL_SPEEDUP = 64;

/** Pins of VIA1's port A that say which machine of the family it is: bits 6, 4, 2, 1. */
const MODEL_QUADRA_800 = 0x12;
/** The processor waits this long for a chip on the I/O bus. The floppy driver's loops count accesses. // unverified */
const IO_ACCESS_NS = 400;
/** A made-up address of Apple's; the cable is unplugged. */
const ETHERNET_ADDRESS = Uint8Array.of(0x08, 0x00, 0x07, 0x12, 0x34, 0x56);
const IO_BLOCK = 256 * KIB;

export const quadra800: MachineDefinition = {
  name: 'quadra800',
  title: 'Macintosh Quadra 800',
  year: 1993,
  needsRom: 'or a kernel',
  status: 'its ROM boots System 7.5 from floppy and SCSI disk, Linux 6.1 boots directly; no sound input, no network',
  ram: { min: 8 * MIB, max: 256 * MIB, initial: 64 * MIB },
  options: {
    serial: {
      values: ['fast', 'exact'],
      initial: 'fast',
      title: 'characters on the serial lines take a fraction of their time, or all of it',
    },
    monitor: {
      values: MAC_MONITORS,
      initial: '13-inch',
      title: 'what the sense lines of the monitor cable say',
    },
    vram: { values: ['512K', '1M', '2M'], initial: '1M', title: 'video memory' },
  },
  build,
};

const VRAM_BYTES: Readonly<Record<string, number>> = { '512K': 512 * KIB, '1M': MIB, '2M': 2 * MIB };

function build(host: MachineHost, config: MachineConfig): Machine {
  if (config.firmware !== undefined) {
    throw new MachineConfigError('quadra800 starts from its ROM or a kernel; leave --firmware out');
  }
  if (config.ramBytes % (4 * MIB) !== 0) throw new MachineConfigError('quadra800: memory comes in steps of 4 MiB');
  const board = new Board({ masterHz: CPU_HZ, memoryBytes: config.ramBytes + 72 * MIB, log: host.log });

  // Chips
  const bus = board.map('68040 bus');
  bus.openBus = { value: 0xff, busError: true };
  const io = board.map('i/o');
  io.openBus = { value: 0xff, busError: true };
  const ramMap = board.map('ram');
  const romMap = board.map('rom');
  const cpu = board.addCpu(
    new M68kCpu(board.chip('cpu'), {
      memory: board.memory,
      map: bus,
      module: host.core('m68k'),
      model: '68040',
      idleLoops: true,
    }),
  );
  const ram = board.memory.allocate('ram', config.ramBytes);
  const rom = board.memory.allocate('rom', MIB);
  const memc = board.add(
    new DjMemc(board.chip('djmemc'), { ram, rom, ramMap, romMap, banks: djMemcBanks(config.ramBytes) }),
  );
  const dafb = board.add(
    new Dafb(board.chip('dafb'), board.memory, {
      vramBytes: VRAM_BYTES[config.options['vram']!]!,
      monitor: config.options['monitor'] as MacMonitor,
    }),
  );
  const iosb = board.add(
    new Iosb(board.chip('iosb'), { onIpl: (level) => cpu.setIpl(level), onBusError: () => bus.busError() }),
  );
  const viaClock = board.clock('via', VIA_HZ);
  const via1 = board.add(new R6522(board.chip('via1'), { clock: viaClock }));
  const rtc = board.add(new Rtc3430042(board.chip('rtc'), { pram: host.nonVolatile('pram'), calendar: host.calendar }));
  const adb = new AdbBus();
  const keyboard = board.add(adb.attach(new AdbKeyboard('keyboard')));
  const mouse = board.add(adb.attach(new AdbMouse('mouse', 1)));
  const transceiver = board.add(new AdbTransceiver(board.chip('adb'), adb));
  const lines = [new SerialLine('modem'), new SerialLine('printer')] as const;
  const sccClock = board.clock('scc', SCC_HZ);
  const scc = board.add(
    new Z85c30(board.chip('scc'), {
      pclk: board.clock('scc pclk', SCC_PCLK_HZ),
      rtxcA: sccClock,
      rtxcB: sccClock,
      trxcA: sccClock,
      trxcB: sccClock,
    }),
  );
  for (const [channel, line] of [
    [scc.a, lines[0]],
    [scc.b, lines[1]],
  ] as const) {
    channel.port = line;
    channel.portSpeedup = config.options['serial'] === 'exact' ? 1 : SERIAL_SPEEDUP;
  }

  const scsiBus = board.add(new ScsiBus(board.chip('scsi')));
  const ncr = board.add(new Ncr53c9x(board.chip('53c96'), scsiBus, { model: '53c96', clockHz: SCSI_HZ, dmaBytes: 2 }));
  iosb.scsi.port = ncr;
  const media = openMedia(host, config.media);
  const disks = media.filter(({ bus: on }) => on === 'floppy').map(({ device }) => sonyDisk(device));
  const floppies = [0, 1].map((unit) => board.add(new SonyDrive(board.chip(`floppy:${unit}`), disks[unit])));
  const swim = board.add(new Swim2(board.chip('swim2'), floppies));
  for (const { kind, bus: on, unit, device } of media) {
    if (on !== 'scsi') continue;
    const chip = board.chip(`scsi:${unit}`);
    board.add(
      kind === 'cdrom' ? new ScsiCdrom(chip, scsiBus, unit, device) : new ScsiDisk(chip, scsiBus, unit, device),
    );
  }

  const audio = new AudioLine(board.scheduler);
  const asc = board.add(new Asc(board.chip('sound'), 'iosb', audio));
  const sonic = board.add(new Dp8393x(board.chip('sonic'), { dma: bus, stride: 4 }));

  // Wires              source           sink
  for (let bit = 0; bit < 8; bit++) via1.paW(bit, (MODEL_QUADRA_800 & (1 << bit)) !== 0);
  board.wire(via1.irq, (level) => iosb.via1W(level), 'iosb.via1');
  board.wire(scc.irq, (level) => iosb.sccW(level), 'iosb.scc');
  board.wire(ncr.irq, (level) => iosb.scsiIrqW(level), 'iosb.scsi-irq');
  board.wire(ncr.drq, (level) => iosb.scsiDrqW(level), 'iosb.scsi-drq');
  board.wire(asc.irq, (level) => iosb.soundW(level), 'iosb.sound');
  board.wire(sonic.irq, (level) => iosb.ethernetW(level), 'iosb.ethernet');
  board.wire(dafb.irq, (level) => iosb.videoW(level), 'iosb.video');
  board.connections.push({ source: 'iosb.ipl', sink: 'cpu.ipl', note: '' });
  board.wire(iosb.tick, (level) => via1.ca1W(level), 'via1.ca1', '60.15 Hz');
  board.wire(rtc.cko, (level) => via1.ca2W(level), 'via1.ca2', '1 Hz');
  board.wire(rtc.data, (level) => via1.pbW(0, level), 'via1.pb0');
  board.wire(via1.pb[0]!, (level) => rtc.dataW(level), 'rtc.data');
  board.wire(via1.pb[1]!, (level) => rtc.clkW(level), 'rtc.clk');
  board.wire(via1.pb[2]!, (level) => rtc.enableW(!level), 'rtc.enable', 'active low');
  board.wire(transceiver.int, (level) => via1.pbW(3, !level), 'via1.pb3', 'active low');
  board.wire(via1.pb[4]!, (level) => transceiver.stW(0, level), 'adb.st0');
  board.wire(via1.pb[5]!, (level) => transceiver.stW(1, level), 'adb.st1');
  board.wire(via1.cb2, (level) => transceiver.dataW(level), 'adb.data');
  board.wire(transceiver.data, (level) => via1.cb2W(level), 'via1.cb2');
  board.wire(transceiver.clock, (level) => via1.cb1W(level), 'via1.cb1');
  board.wire(via1.pb[6]!, (level) => iosb.auxModeW(!level), 'iosb.aux-mode', 'active low');
  for (const drive of floppies) board.wire(via1.pa[5]!, (level) => drive.sel(level), `${drive.id}.sel`);
  board.nc(swim.hdsel, 'SEL comes from VIA1');
  for (const pin of [iosb.dfacLatch, iosb.dfacData, iosb.dfacClock]) board.nc(pin, 'the DFAC is at full volume');
  board.nc(iosb.busLock, 'no NuBus card to lock out');

  // Map of the I/O block
  const slow = (target: BusTarget): BusTarget => slowed(target, board.scheduler, IO_ACCESS_NS);
  io.add(
    region(0x0_0000, 0x0_1fff).device(strided(synchronized(via1, viaClock), 9), 'via1'),
    region(0x0_2000, 0x0_3fff).device(strided(synchronized(iosb.via2, viaClock), 9), 'via2'),
    region(0x0_8000, 0x0_8007).device(macAddressProm(ETHERNET_ADDRESS), 'ethernet address'),
    region(0x0_a000, 0x0_a0ff).device(sonic, 'sonic'),
    region(0x0_c000, 0x0_dfff).device(strided(slow(scc), 1, { span: 0x2000 }), 'scc'),
    region(0x0_e000, 0x0_ffff).device(memc, 'djmemc'),
    region(0x1_0000, 0x1_01ff).device(iosb.scsi, 'scsi'),
    region(0x1_4000, 0x1_4fff).device(slow(asc), 'sound'),
    region(0x1_8000, 0x1_9fff).device(iosb.registers, 'iosb'),
    region(0x1_e000, 0x1_ffff).device(strided(slow(swim), 9), 'swim2'),
  );

  // Map of the CPU's bus
  bus.add(
    region(0x0000_0000, 0x3fff_ffff).map(ramMap),
    region(0x4000_0000, 0x4fff_ffff).device(mirrored(romMap, bus, MIB, 256 * MIB), 'rom, repeated'),
    region(0x4080_0000, 0x408f_ffff).map(romMap).priority(1),
    region(0x5000_0000, 0x50ff_ffff).device(mirrored(io, bus, IO_BLOCK, 16 * MIB), 'i/o, repeated'),
    region(0x50f0_0000, 0x50f3_ffff).map(io).priority(1).comment('where software looks'),
    region(0x5fff_fffc, 0x5fff_ffff).device(iosb.idRegister, 'iosb id'),
    region(0xf980_0000, 0xf980_03ff).device(dafb, 'dafb'),
  );
  for (let copy = 0xf900_0000; copy < 0xf920_0000; copy += dafb.vram.size) {
    bus.add(region(copy, copy + dafb.vram.size - 1).ram(dafb.vram));
  }

  const resetDevices = [...board.devices.values()].filter((device) => device !== cpu && device !== memc);
  board.wire(
    cpu.resetOut,
    (level) => {
      if (!level) return;
      for (const device of resetDevices) device.reset('warm');
      for (const device of resetDevices) device.settle();
    },
    'reset of all chips',
  );
  const resetRequest = new Wire('reset');
  // Without a ROM nobody goes on after a reset: the machine starts again.
  if (config.roms.length === 0) board.wire(cpu.resetOut, (level) => resetRequest.set(level), 'reset');
  if (config.roms.length > 0) loadMacRom(rom, config.roms);

  return {
    board,
    screens: [dafb],
    keyboard,
    pointer: mouse,
    serial: lines,
    audio,
    powerOff: iosb.powerOff,
    resetRequest,
    start: (kind) => {
      board.reset(kind);
      if (config.roms.length === 0) {
        const { startSeconds } = host.calendar;
        startLinux(config, { cpu, memory: board.memory, ram, rom, memc, dafb, startSeconds });
      }
    },
    close: () => {
      rtc.flush();
      for (const { device } of media) device.close();
    },
  };
}

function sonyDisk(device: AttachableDisk): SonyDisk {
  try {
    return new SonyDisk(device);
  } catch (error) {
    if (error instanceof MediumError) throw new MachineConfigError(`--floppy: ${error.message}`);
    throw error;
  }
}

interface AttachedMedium {
  readonly kind: Medium['kind'];
  readonly bus: 'scsi' | 'floppy';
  readonly unit: number;
  readonly device: AttachableDisk;
}

/** Disks count up from SCSI id 0, CD-ROMs from 3, as Apple numbered them; 7 is the machine's own. */
function openMedia(host: MachineHost, wanted: readonly Medium[]): AttachedMedium[] {
  const taken = new Set<string>();
  const place = (bus: AttachedMedium['bus'], order: readonly number[]): number => {
    const unit = order.find((candidate) => !taken.has(`${bus}${candidate}`));
    if (unit === undefined) throw new MachineConfigError(`quadra800 has no room for another drive on ${bus}`);
    taken.add(`${bus}${unit}`);
    return unit;
  };
  return wanted.map(({ kind, bus = 'scsi', spec }) => {
    if (kind === 'floppy') {
      return { kind, bus: 'floppy', unit: place('floppy', [0, 1]), device: host.disk(spec) };
    }
    if (bus !== 'scsi') throw new MachineConfigError(`quadra800 has no ${bus} bus; use bus=scsi`);
    const unit = place('scsi', kind === 'disk' ? [0, 1, 2, 4, 5, 6, 3] : [3, 4, 5, 6, 2, 1, 0]);
    return { kind, bus: 'scsi', unit, device: host.disk(spec) };
  });
}
