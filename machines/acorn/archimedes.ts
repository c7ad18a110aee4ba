// SPDX-License-Identifier: MIT
import { AudioLine } from '../backplane/audio-line.ts';
import { Board } from '../backplane/board.ts';
import { MachineConfigError } from '../backplane/machine-config-error.ts';
import type { Machine, MachineConfig, MachineDefinition, MachineHost } from '../backplane/machine.ts';
import { region } from '../backplane/memory-map.ts';
import { SerialLine } from '../backplane/serial-line.ts';
import { Wire } from '../backplane/wire.ts';
import { ArcKeyboard } from '../devices/acorn/arc-keyboard.ts';
import { ArcLatches } from '../devices/acorn/arc-latches.ts';
import { Ioc } from '../devices/acorn/ioc.ts';
import { DMA_BYTES, LOGICAL_PAGES, Memc, MEMC_PAGE_BYTES } from '../devices/acorn/memc.ts';
import { Vidc } from '../devices/acorn/vidc.ts';
import { VidcScreen } from '../devices/acorn/vidc-picture.ts';
import { VidcSound } from '../devices/acorn/vidc-sound.ts';
import { ArmCpu, type Permissions } from '../devices/cpu/arm.ts';
import { ADFS_GEOMETRIES, geometryOfSize, PC_GEOMETRIES, SectorDisk } from '../devices/floppy/sector-disk.ts';
import { ShugartDrive } from '../devices/floppy/shugart-drive.ts';
import { Wd1772 } from '../devices/floppy/wd1772.ts';
import { I2cBus } from '../devices/i2c/i2c-bus.ts';
import { I2cPins } from '../devices/i2c/i2c-pins.ts';
import { Pcf8583 } from '../devices/rtc/pcf8583.ts';
import { R6551 } from '../devices/serial/r6551.ts';
import { factoryCmos } from './archimedes-cmos.ts';
import { loadArchimedesRom } from './archimedes-rom.ts';
import { onPeripheralBus } from './peripheral-bus.ts';

const KIB = 1 << 10;
const MIB = 1 << 20;

const VIDC_HZ = 24_000_000;
const IOC_TIMER_HZ = 2_000_000;
const ACIA_HZ = 1_843_200;
/** Instruction slots a second of an ARM2 at 8 MHz, which takes about two cycles for one. */
const ARM2_SLOTS_HZ = 4_000_000;

const ROM_BYTES = 2 * MIB;
const DRIVES = 2;
/** Of the peripheral bus: the four cycle lengths by which a chip can be reached. */
const CYCLE_BITS = 0x0018_0000;

export const archimedes: MachineDefinition = {
  name: 'archimedes',
  title: 'Acorn Archimedes',
  year: 1987,
  status: 'in work',
  ram: { min: MIB, max: 16 * MIB, initial: 4 * MIB },
  options: {
    speed: { values: ['1', '2', '4', '8', '16'], initial: '1', title: 'times the speed of the original processor' },
    border: { values: ['off', 'on'], initial: 'off', title: 'whether the picture has its border' },
  },
  build,
};

function build(host: MachineHost, config: MachineConfig): Machine {
  const { ramBytes } = config;
  if ((ramBytes & (ramBytes - 1)) !== 0) {
    throw new MachineConfigError(`archimedes takes 1, 2, 4, 8 or 16 MiB of RAM, not ${ramBytes / MIB} MiB`);
  }
  const speed = Number(config.options['speed']);
  const board = new Board({ masterHz: ARM2_SLOTS_HZ * speed, memoryBytes: ramBytes + 64 * MIB, log: host.log });

  // Chips
  const bus = board.map('26-bit bus');
  const memc = board.add(new Memc(board.chip('memc'), { ramBytes }));
  const cpu = board.addCpu(
    new ArmCpu(board.chip('cpu'), {
      memory: board.memory,
      map: bus,
      module: host.core('arm'),
      model: 'arm2',
      translate26: (va, privileged) => translate(memc, va, privileged),
    }),
  );
  const videoRam = board.memory.allocate('video ram', DMA_BYTES);
  const ram = board.memory.allocate('ram', ramBytes - DMA_BYTES);
  const rom = board.memory.allocate('rom', ROM_BYTES);
  const extensionRom = board.memory.allocate('extension rom', 64 * KIB);
  extensionRom.bytes.fill(0xff);
  const audio = new AudioLine(board.scheduler);
  const sound: VidcSound = new VidcSound(audio, () => vidc.stereo);
  const vidc: Vidc = board.add(
    new Vidc(board.chip('vidc'), {
      clock: board.clock('vidc', VIDC_HZ),
      memc,
      memory: videoRam.bytes,
      onSound: (bytes, period) => sound.play(bytes, period),
    }),
  );
  const ioc = board.add(new Ioc(board.chip('ioc'), { clock: board.clock('ioc', IOC_TIMER_HZ) }));
  const keyboard = board.add(new ArcKeyboard(board.chip('keyboard'), ioc));
  const i2c = new I2cBus();
  const cmos = { calendar: host.calendar, store: host.nonVolatile('cmos'), initial: factoryCmos() };
  i2c.attach(0x50, board.add(new Pcf8583(board.chip('cmos'), cmos)));
  const i2cPins = board.add(new I2cPins('i2c', i2c));
  const disks = openFloppies(host, config);
  const drives = Array.from({ length: DRIVES }, (_, n) =>
    board.add(new ShugartDrive(board.chip(`floppy:${n}`), disks[n]?.disk)),
  );
  const fdc = board.add(new Wd1772(board.chip('fdc')));
  const latches = board.add(new ArcLatches(board.chip('latches'), { fdc, drives }));
  const acia = board.add(new R6551(board.chip('acia'), { clock: board.clock('acia', ACIA_HZ) }));
  const line = new SerialLine('serial');
  acia.port = line;

  // Wires       source             sink
  board.wire(ioc.irq, (level) => cpu.interrupt(level), 'cpu.irq');
  board.wire(ioc.fiq, (level) => cpu.fastInterrupt(level), 'cpu.fiq');
  board.wire(memc.soundIrq, ioc.il(1), 'ioc.il1');
  board.wire(acia.irq, ioc.il(2), 'ioc.il2');
  board.wire(latches.diskChanged, ioc.il(4), 'ioc.il4');
  board.wire(fdc.drq, ioc.fh(0), 'ioc.fh0');
  board.wire(fdc.intrq, ioc.fh(1), 'ioc.fh1');
  board.wire(vidc.flyback, (level) => ioc.irW(level), 'ioc.ir');
  board.wire(ioc.c[0]!, (level) => i2cPins.sda(level), 'i2c.sda');
  board.wire(ioc.c[1]!, (level) => i2cPins.scl(level), 'i2c.scl');
  board.wire(i2cPins.sdaOut, (level) => ioc.cW(0, level), 'ioc.c0');
  board.wire(latches.ready, (level) => ioc.cW(2, level), 'ioc.c2');
  for (const pin of [2, 3, 4, 5]) board.nc(ioc.c[pin]!);
  board.nc(acia.rts);
  board.nc(acia.dtr);
  memc.onChange = (first, count) => cpu.flushTlb(first * MEMC_PAGE_BYTES, count * MEMC_PAGE_BYTES);
  // Until MEMC is written to, ROM answers at 0.
  memc.onFirstWrite = () => cpu.flushTlb(0, LOGICAL_PAGES * MEMC_PAGE_BYTES);

  // Map of the physical addresses: RAM repeats up to 0x2ff_ffff
  for (let copy = 0x0200_0000; copy < 0x0300_0000; copy += ramBytes) {
    bus.add(region(copy, copy + DMA_BYTES - 1).ram(videoRam), region(copy + DMA_BYTES, copy + ramBytes - 1).ram(ram));
  }
  const bank = (n: number): number => 0x0320_0000 + n * 0x1_0000;
  bus.add(
    region(bank(0), bank(1) - 1)
      .device(onPeripheralBus(ioc, 'words'), 'ioc')
      .mirror(CYCLE_BITS),
    region(bank(1), bank(2) - 1)
      .device(onPeripheralBus(fdc, 'bytes'), 'fdc')
      .mirror(CYCLE_BITS),
    region(bank(2), bank(3) - 1)
      .nop('econet')
      .mirror(CYCLE_BITS)
      .comment('no card'),
    region(bank(3), bank(4) - 1)
      .device(onPeripheralBus(acia, 'bytes'), 'acia')
      .mirror(CYCLE_BITS),
    region(bank(5), bank(6) - 1)
      .device(onPeripheralBus(latches, 'words'), 'latches')
      .mirror(CYCLE_BITS),
  );
  // Reads are of ROM, writes go to the chips that have no data lines to read by.
  const toVidc = { target: vidc, name: 'vidc', base: 0x0340_0000 };
  const toMemc = { target: memc.registers, name: 'memc', base: 0x0360_0000 };
  const toTranslator = { target: memc.translator, name: 'memc translator', base: 0x0380_0000 };
  for (let copy = 0; copy < 0x20_0000; copy += extensionRom.size) {
    bus.add(
      region(0x0340_0000 + copy, 0x0340_0000 + copy + extensionRom.size - 1).rom(extensionRom, 0, toVidc),
      region(0x0360_0000 + copy, 0x0360_0000 + copy + extensionRom.size - 1).rom(extensionRom, 0, toMemc),
    );
  }
  for (let copy = 0x0380_0000; copy < 0x0400_0000; copy += ROM_BYTES) {
    bus.add(region(copy, copy + ROM_BYTES - 1).rom(rom, 0, toTranslator));
  }
  loadArchimedesRom(rom, config.roms);

  return {
    board,
    screens: [new VidcScreen(vidc, memc, board.memory, videoRam, { border: config.options['border'] === 'on' })],
    keyboard,
    pointer: keyboard,
    serial: [line],
    audio,
    powerOff: new Wire('power off'),
    resetRequest: new Wire('reset'),
    start: (kind) => board.reset(kind),
    close: () => {
      for (const { close } of disks) close();
    },
  };
}

const ALL: Permissions = { read: true, write: true, execute: true };
const READ_ONLY: Permissions = { read: true, write: false, execute: true };

/** What MEMC lets a program see at `va`: rights by level for user programs, the operating system, supervisor mode. */
function translate(memc: Memc, va: number, privileged: boolean): { pa: number; allowed: Permissions } | undefined {
  const page = va & -MEMC_PAGE_BYTES;
  if (page >= 0x0340_0000) return { pa: page, allowed: privileged ? ALL : READ_ONLY };
  if (page >= 0x0200_0000) return privileged ? { pa: page, allowed: ALL } : undefined;
  if (!memc.started) return { pa: 0x0380_0000 + (page & (ROM_BYTES - 1)), allowed: READ_ONLY };
  const found = memc.lookUp(page / MEMC_PAGE_BYTES);
  if (found === undefined) return undefined;
  const pa = 0x0200_0000 + found.pa;
  if (privileged) return { pa, allowed: ALL };
  if (memc.osMode) return { pa, allowed: found.level < 2 ? ALL : READ_ONLY };
  if (found.level >= 2) return undefined;
  return { pa, allowed: found.level === 0 ? ALL : READ_ONLY };
}

interface OpenFloppy {
  readonly disk: SectorDisk;
  readonly close: () => void;
}

/** A floppy's format is told by the size of its image. */
function openFloppies(host: MachineHost, config: MachineConfig): OpenFloppy[] {
  return config.media.map(({ kind, spec }, n) => {
    if (kind !== 'floppy') throw new MachineConfigError(`archimedes: --${kind}: this model has floppy drives only`);
    if (n >= DRIVES) throw new MachineConfigError(`archimedes has ${DRIVES} floppy drives`);
    const image = host.disk(spec);
    const bytes = image.blockBytes * image.blockCount;
    const geometry = geometryOfSize(bytes, [...ADFS_GEOMETRIES, ...PC_GEOMETRIES]);
    if (geometry === undefined) {
      image.close();
      const sizes = ADFS_GEOMETRIES.map(({ title, cylinders, heads, sectors, sectorBytes }) => {
        return `${(cylinders * heads * sectors * sectorBytes) / KIB} KiB (${title})`;
      });
      throw new MachineConfigError(
        `${image.title}: ${bytes} bytes are no floppy disk; ${sizes.join(', ')}, or a PC's 360 to 1440 KiB`,
      );
    }
    return { disk: new SectorDisk(image, geometry), close: () => image.close() };
  });
}
