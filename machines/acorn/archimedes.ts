// SPDX-License-Identifier: MIT
import { AudioLine } from '../backplane/audio-line.ts';
import { Board } from '../backplane/board.ts';
import { MachineConfigError, takesNo } from '../backplane/machine-config-error.ts';
import type { Machine, MachineConfig, MachineDefinition, MachineHost, MachineOption } from '../backplane/machine.ts';
import { region } from '../backplane/memory-map.ts';
import { Wire } from '../backplane/wire.ts';
import { ArcKeyboard } from '../devices/acorn/arc-keyboard.ts';
import { Ioc } from '../devices/acorn/ioc.ts';
import { DMA_BYTES, LOGICAL_PAGES, Memc, MEMC_PAGE_BYTES } from '../devices/acorn/memc.ts';
import { Vidc } from '../devices/acorn/vidc.ts';
import { VidcScreen } from '../devices/acorn/vidc-picture.ts';
import { VidcSound } from '../devices/acorn/vidc-sound.ts';
import { ArmCpu, type Permissions } from '../devices/cpu/arm.ts';
import { I2cBus } from '../devices/i2c/i2c-bus.ts';
import { I2cPins } from '../devices/i2c/i2c-pins.ts';
import { Pcf8583 } from '../devices/rtc/pcf8583.ts';
import { addHostCard } from './archimedes-hostfs.ts';
import { factoryCmos } from './archimedes-cmos.ts';
import { addCombinedPeripherals, MONITORS } from './archimedes-combined.ts';
import { addDiscretePeripherals } from './archimedes-discrete.ts';
import { openArchimedesMedia } from './archimedes-media.ts';
import { A3000, A310, A440, A5000, type ArchimedesModel } from './archimedes-model.ts';
import { DIAGNOSTIC_ROM, loadArchimedesRom, ownRomScreen } from './archimedes-rom.ts';
import { largePageRows } from './small-memory.ts';
import { CYCLE_BITS, onPeripheralBus, peripheralBank } from './peripheral-bus.ts';

const KIB = 1 << 10;
const MIB = 1 << 20;

const VIDC_HZ = 24_000_000;
const IOC_TIMER_HZ = 2_000_000;
const ROM_BYTES = 2 * MIB;
const LARGE_PAGES = 'pages of 32 KiB';
const MONITOR: MachineOption = {
  values: Object.keys(MONITORS),
  initial: 'multisync',
  title: 'the kind of monitor its cable tells',
};

const define = (model: ArchimedesModel): MachineDefinition => ({
  name: model.name,
  title: model.title,
  year: model.year,
  status: 'RISC OS 3.10 to its desktop, its disks, printer and serial port; expansion cards: only the host folder',
  ram: { min: model.leastRamBytes ?? MIB, max: 16 * MIB, initial: model.ramBytes },
  options: {
    speed: { values: ['1', '2', '4', '8', '16'], initial: '1', title: 'times the speed of the original processor' },
    border: { values: ['off', 'on'], initial: 'off', title: 'whether the picture has its border' },
    ...(model.peripherals === 'combined' && { monitor: MONITOR }),
  },
  takesHostfs: true,
  build: (host, config) => build(model, host, config),
});

/** The model of this name may be any of them; it is a 440. */
export const archimedes = define({ ...A440, name: 'archimedes', title: 'Acorn Archimedes' });
export const archimedesA310 = define(A310);
export const archimedesA440 = define(A440);
export const archimedesA3000 = define(A3000);
export const archimedesA5000 = define(A5000);

function build(model: ArchimedesModel, host: MachineHost, config: MachineConfig): Machine {
  takesNo(config, 'firmware', 'kernel', 'initrd', 'append');
  const { ramBytes } = config;
  if (![1, 2, 4, 8, 12, 16].includes(ramBytes / MIB)) {
    throw new MachineConfigError(`${model.name} takes 1, 2, 4, 8, 12 or 16 MiB of RAM, not ${ramBytes / MIB} MiB`);
  }
  const speed = Number(config.options['speed']);
  const board = new Board({ masterHz: model.slotsHz * speed, memoryBytes: ramBytes + 64 * MIB, log: host.log });
  const media = openArchimedesMedia(model, host, config.media);

  // Chips
  const bus = board.map('26-bit bus');
  const memc = board.add(new Memc(board.chip('memc'), { ramBytes }));
  const cpu = board.addCpu(
    new ArmCpu(board.chip('cpu'), {
      memory: board.memory,
      map: bus,
      module: host.core('arm'),
      model: model.cpu,
      translate26: (va, privileged) => translate(memc, va, privileged),
    }),
  );
  const videoRam = board.memory.allocate('video ram', DMA_BYTES);
  const ram = board.memory.allocate('ram', ramBytes - DMA_BYTES);
  const rom = board.memory.allocate('rom', ROM_BYTES);
  const extensionRom = board.memory.allocate('extension rom', 64 * KIB);
  extensionRom.bytes.fill(0xff);
  const hostCard = config.hostfs === undefined ? undefined : addHostCard(board, host, config.hostfs);
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
  const { regions, serial } =
    model.peripherals === 'discrete'
      ? addDiscretePeripherals(board, { ioc, media, st506: model.st506 })
      : addCombinedPeripherals(board, { ioc, vidc, media, monitor: config.options['monitor']! });

  // Wires       source             sink
  board.wire(ioc.irq, (level) => cpu.interrupt(level), 'cpu.irq');
  board.wire(ioc.fiq, (level) => cpu.fastInterrupt(level), 'cpu.fiq');
  board.wire(memc.soundIrq, ioc.il(1), 'ioc.il1');
  board.wire(vidc.flyback, (level) => ioc.irW(level), 'ioc.ir');
  board.wire(ioc.c[0]!, (level) => i2cPins.sda(level), 'i2c.sda');
  board.wire(ioc.c[1]!, (level) => i2cPins.scl(level), 'i2c.scl');
  board.wire(i2cPins.sdaOut, (level) => ioc.cW(0, level), 'ioc.c0');
  for (const pin of [2, 3, 4, 5]) board.nc(ioc.c[pin]!);
  memc.onChange = (first, count) => cpu.flushTlb(first * MEMC_PAGE_BYTES, count * MEMC_PAGE_BYTES);
  // Until MEMC is written to, ROM answers at 0.
  memc.onFirstWrite = () => cpu.flushTlb(0, LOGICAL_PAGES * MEMC_PAGE_BYTES);

  // Map of the physical addresses: RAM repeats up to 0x2ff_ffff
  for (let copy = 0x0200_0000; copy + ramBytes <= 0x0300_0000; copy += ramBytes) {
    bus.add(region(copy, copy + DMA_BYTES - 1).ram(videoRam), region(copy + DMA_BYTES, copy + ramBytes - 1).ram(ram));
  }
  if (ramBytes <= 2 * MIB && model.peripherals === 'discrete') {
    bus.add(...largePageRows(ramBytes, [videoRam, ram], LARGE_PAGES));
    memc.onPageSize = (size) => bus.setView(LARGE_PAGES, size === 3);
  }
  bus.add(
    region(peripheralBank(0), peripheralBank(1) - 1)
      .device(onPeripheralBus(ioc, 'words'), 'ioc')
      .mirror(CYCLE_BITS),
    ...regions,
    ...(hostCard?.regions ?? []),
  );
  // Reads are of ROM, writes go to the chips that have no data lines to read by.
  const toVidc = { target: vidc, name: 'vidc', base: 0x0340_0000 };
  const toMemc = { target: memc.registers, name: 'memc', base: 0x0360_0000 };
  const toTranslator = { target: memc.translator, name: 'memc translator', base: 0x0380_0000 };
  for (let copy = 0; copy < 0x20_0000; copy += extensionRom.size) {
    const low = copy === 0 && hostCard !== undefined ? hostCard.rom : extensionRom;
    bus.add(
      region(0x0340_0000 + copy, 0x0340_0000 + copy + low.size - 1).rom(low, 0, toVidc),
      region(0x0360_0000 + copy, 0x0360_0000 + copy + extensionRom.size - 1).rom(extensionRom, 0, toMemc),
    );
  }
  for (let copy = 0x0380_0000; copy < 0x0400_0000; copy += ROM_BYTES) {
    bus.add(region(copy, copy + ROM_BYTES - 1).rom(rom, 0, toTranslator));
  }
  loadArchimedesRom(rom, config.roms, () => host.ownRom(DIAGNOSTIC_ROM));
  const screen = new VidcScreen(vidc, memc, board.memory, videoRam, { border: config.options['border'] === 'on' });

  return {
    board,
    screens: [config.roms.length === 0 ? ownRomScreen(screen) : screen],
    keyboard,
    pointer: keyboard,
    serial,
    audio,
    powerOff: new Wire('power off'),
    resetRequest: new Wire('reset'),
    start: (kind) => board.reset(kind),
    close: () => {
      media.close();
      hostCard?.close();
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
