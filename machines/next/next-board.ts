// SPDX-License-Identifier: MIT
import { AudioLine } from '../backplane/audio-line.ts';
import { Board } from '../backplane/board.ts';
import type { Machine, MachineConfig, MachineHost } from '../backplane/machine.ts';
import { type Region, region } from '../backplane/memory-map.ts';
import { SerialLine } from '../backplane/serial-line.ts';
import { OrWire } from '../backplane/wire.ts';
import { M68kCpu } from '../devices/cpu/m68k.ts';
import { Dsp56001Host } from '../devices/dsp/dsp56001-host.ts';
import { geometryOfSize, PC_GEOMETRIES, SectorDisk } from '../devices/floppy/sector-disk.ts';
import { ShugartDrive } from '../devices/floppy/shugart-drive.ts';
import { I82077 } from '../devices/floppy/i82077.ts';
import { Mb8795 } from '../devices/net/mb8795.ts';
import { Mb600310 } from '../devices/next/mb600310.ts';
import { NextBmap } from '../devices/next/next-bmap.ts';
import { NextDiskControl } from '../devices/next/next-disk-control.ts';
import { NextDma } from '../devices/next/next-dma.ts';
import { NEXT_INTERRUPT, NextInterrupts } from '../devices/next/next-interrupts.ts';
import { NextMonitorPort } from '../devices/next/next-monitor-port.ts';
import { NextNbic } from '../devices/next/next-nbic.ts';
import { NextPrinterPort } from '../devices/next/next-printer-port.ts';
import { NextScr } from '../devices/next/next-scr.ts';
import { NextSoundBox } from '../devices/next/next-sound-box.ts';
import { NextTimers } from '../devices/next/next-timers.ts';
import { NextVideo } from '../devices/next/next-video.ts';
import { writeFunctions } from '../devices/next/next-write-functions.ts';
import { Mccs1850, MCCS1850_RAM_BYTES } from '../devices/rtc/mccs1850.ts';
import { Ncr53c9x } from '../devices/scsi/ncr53c9x.ts';
import { ScsiBus } from '../devices/scsi/scsi-bus.ts';
import { ScsiCdrom } from '../devices/scsi/scsi-cdrom.ts';
import { ScsiDisk } from '../devices/scsi/scsi-disk.ts';
import { Z85c30 } from '../devices/serial/z85c30.ts';
import { openNextMedia } from './next-media.ts';
import { banksFor, memoryRegions, type MemoryLayout } from './next-memory.ts';
import { factorySettings } from './next-nvram.ts';

const MIB = 1 << 20;
const KIB = 1 << 10;

export interface NextModel {
  readonly name: string;
  readonly cpu: '68030' | '68040';
  readonly slotsHz: number;
  readonly delayTicks: number;
  readonly scr1: number;
  readonly memory: MemoryLayout;
  readonly romBytes: number;
  readonly color: boolean;
  readonly turbo: boolean;
}

export function buildNext(model: NextModel, host: MachineHost, config: MachineConfig): Machine {
  const board = new Board({ masterHz: model.slotsHz, memoryBytes: config.ramBytes + 96 * MIB, log: host.log });
  const bus = board.map('bus');
  bus.openBus = { value: 0, busError: true };
  const cpu = board.addCpu(
    new M68kCpu(board.chip('cpu'), {
      memory: board.memory,
      map: bus,
      module: host.core('m68k'),
      model: model.cpu,
      delayTicks: model.delayTicks,
    }),
  );
  const ram = board.memory.allocate('ram', config.ramBytes);
  const rom = board.memory.allocate('rom', model.romBytes);
  const [image] = config.roms;
  if (image !== undefined) rom.bytes.set(image.bytes.subarray(0, rom.size));

  const banks = banksFor(model.name, config.ramBytes, model.memory);
  const media = openNextMedia(model.name, host, config.media);
  const bootCommand = media.some(({ kind }) => kind !== 'floppy') ? 'sd' : media.length > 0 ? 'fd' : '';

  const intc = board.add(new NextInterrupts(board.chip('intc')));
  const rtc = board.add(
    new Mccs1850(board.chip('rtc'), {
      ram: host.nonVolatile('nvram'),
      calendar: host.calendar,
      initial: factorySettings({ banks, memory: model.memory, newClockChip: true, bootCommand }, MCCS1850_RAM_BYTES),
    }),
  );
  const scr = board.add(new NextScr(board.chip('scr'), { scr1: model.scr1, scr2: 0, slot: 0, clock: rtc }));
  const timers = board.add(new NextTimers(board.chip('timers'), board.clock('event', 1_000_000)));
  const dma = board.add(new NextDma(board.chip('dma'), { map: bus }));
  const bmap = board.add(new NextBmap(board.chip('bmap')));
  const monitor = board.add(new NextMonitorPort(board.chip('monitor')));
  const box = board.add(
    new NextSoundBox(board.chip('box'), { samples: board.clock('sound', 44_100), codec: board.clock('codec', 8_013) }),
  );
  const video = board.add(new NextVideo(board.chip('video'), board.memory, model));
  const lines = [new SerialLine('a'), new SerialLine('b')] as const;
  const pclk = board.clock('scc', 4_000_000);
  const rtxc = board.clock('scc rtxc', 3_686_400);
  const scc = board.add(
    new Z85c30(board.chip('scc'), { variant: 'nmos', pclk, rtxcA: rtxc, rtxcB: rtxc, trxcA: rtxc, trxcB: rtxc }),
  );
  scc.a.port = lines[0];
  scc.b.port = lines[1];

  const scsiBus = board.add(new ScsiBus(board.chip('scsi')));
  const esp = board.add(new Ncr53c9x(board.chip('esp'), scsiBus, { model: '53c90a', clockHz: 10_000_000 }));
  for (const { kind, unit, device } of media) {
    if (kind === 'floppy') continue;
    const chip = board.chip(`scsi:${unit}`);
    board.add(
      kind === 'cdrom' ? new ScsiCdrom(chip, scsiBus, unit, device) : new ScsiDisk(chip, scsiBus, unit, device),
    );
  }
  const floppies = [0, 1].map((unit) => {
    const medium = media.find((one) => one.kind === 'floppy' && one.unit === unit);
    const geometry = medium && geometryOfSize(medium.device.blockBytes * medium.device.blockCount, PC_GEOMETRIES);
    const disk = medium && geometry && new SectorDisk(medium.device, geometry);
    return unit === 0 || disk !== undefined
      ? board.add(new ShugartDrive(board.chip(`floppy:${unit}`), disk))
      : undefined;
  });
  const fdc = board.add(new I82077(board.chip('fdc'), floppies, 'ps2'));
  const disks = board.add(new NextDiskControl(board.chip('disks')));
  const osp = board.add(new Mb600310(board.chip('osp')));
  const enet = board.add(new Mb8795(board.chip('enet')));
  const dsp = board.add(new Dsp56001Host(board.chip('dsp')));
  const printer = board.add(new NextPrinterPort(board.chip('printer')));
  const nbic = board.add(new NextNbic(board.chip('nbic'), () => bus.busError()));
  esp.dma = disks.scsiChannel;
  fdc.dma = disks.floppyChannel;
  disks.channel = dma.channel('scsi');
  dma.channel('scsi').connect(disks);
  disks.parts = {
    scsi: esp,
    floppy: fdc,
    resetScsi: () => {
      esp.reset('warm');
      esp.settle();
    },
    scsiClock: (hz) => esp.setClock(hz),
    floppyDrive: () => fdc.selected,
    flushesAll: model.turbo,
  };
  enet.tx = dma.channel('enetTx');
  enet.rx = dma.channel('enetRx');
  dma.channel('enetTx').onEnable = () => enet.transmit();
  osp.dma = dma.channel('disk').connect(osp);
  dsp.dma = dma.channel('dsp').connect(dsp);

  monitor.box = box;
  box.link = monitor;
  const audio = new AudioLine(board.scheduler);
  box.speaker = audio;
  monitor.soundOut = dma.channel('soundOut').connect(monitor.soundOutPeer);
  monitor.soundIn = dma.channel('soundIn').connect(monitor.soundInPeer);
  video.onFrame = () => dma.channel('video').frame();

  const interrupt = (wire: Parameters<Board['wire']>[0], source: keyof typeof NEXT_INTERRUPT): void =>
    board.wire(wire, intc.in(NEXT_INTERRUPT[source]), `intc.in(${NEXT_INTERRUPT[source]})`, source);
  interrupt(scr.softInt1, 'soft1');
  interrupt(scr.softInt2, 'soft2');
  interrupt(rtc.irq, 'power');
  interrupt(monitor.keyMouseIrq, 'keyMouse');
  interrupt(monitor.monitorIrq, 'monitor');
  interrupt(monitor.soundIrq, 'sound');
  interrupt(monitor.nmi, 'nmi');
  interrupt(timers.irq, 'timer');
  interrupt(scc.irq, 'scc');
  interrupt(dma.channel('video').irq, 'video');
  for (const name of [
    'scsi',
    'soundOut',
    'disk',
    'soundIn',
    'printer',
    'scc',
    'dsp',
    'enetTx',
    'enetRx',
    'r2m',
    'm2r',
  ] as const) {
    interrupt(dma.channel(name).irq, `${name}Dma`);
  }
  board.wire(esp.irq, (level) => disks.espIrqW(level), 'disks.esp-irq');
  interrupt(disks.scsiIrq, 'scsi');
  interrupt(fdc.irq, 'floppy');
  interrupt(osp.irq, 'disk');
  interrupt(enet.txIrq, 'enetTx');
  interrupt(enet.rxIrq, 'enetRx');
  interrupt(dsp.hreq, 'dspLevel4');
  interrupt(printer.irq, 'printer');
  board.wire(scr.dspRun, (level) => dsp.resetW(!level), 'dsp.reset', 'active low');
  board.wire(bmap.twistedPair, (level) => enet.twistedPairW(level), 'enet.twisted-pair');
  board.wire(scr.timerIpl7, (level) => intc.timerAtLevel7W(level), 'intc.timer-ipl7');
  board.wire(box.powerKey, (level) => rtc.powerKeyW(level), 'rtc.power-key');
  intc.onIpl = (level) => cpu.setIpl(level);

  const device = (first: number, last: number): Region =>
    region(0x0200_0000 + first, 0x0200_0000 + last)
      .mirror(0x10_0000)
      .priority(1);
  bus.add(
    region(0, model.romBytes - 1).rom(rom),
    region(0x0100_0000, 0x0100_0000 + model.romBytes - 1).rom(rom),
    ...memoryRegions(ram, banks, model.memory),
    region(0x0b00_0000, 0x0b00_0000 + 256 * KIB - 1).ram(video.memory),
    region(0x0200_0000, 0x0201_ffff).mirror(0x10_0000).stub('no device'),
    device(0x0_0000, 0x0_01ff).device(dma.control, 'dma control'),
    device(0x0_4000, 0x0_43ff).device(dma.pointers, 'dma pointers'),
    device(0x0_6000, 0x0_600f).device(enet, 'enet'),
    device(0x0_6010, 0x0_6014).nop('memory timing'),
    device(0x0_7000, 0x0_7003).device(intc.status, 'interrupt status'),
    device(0x0_7800, 0x0_7803).device(intc.mask, 'interrupt mask'),
    device(0x0_8000, 0x0_8007).device(dsp, 'dsp'),
    device(0x0_c000, 0x0_c003).device(scr.scr1, 'scr1'),
    device(0x0_c800, 0x0_c803).device(scr.slot, 'slot'),
    device(0x0_d000, 0x0_d003).device(scr.scr2, 'scr2'),
    device(0x0_e000, 0x0_e00f).device(monitor, 'monitor'),
    device(0x0_f000, 0x0_f007).device(printer, 'printer'),
    device(0x1_0000, 0x1_0003).device(video.brightness, 'brightness'),
    device(0x1_2000, 0x1_2016).device(osp, 'osp'),
    device(0x1_4000, 0x1_400f).device(esp, 'esp'),
    device(0x1_4020, 0x1_4021).device(disks.scsi, 'scsi control'),
    device(0x1_4100, 0x1_4107).device(fdc, 'fdc'),
    device(0x1_4108, 0x1_4108).device(disks.floppy, 'floppy control'),
    device(0x1_6000, 0x1_6004).device(timers.hardclock, 'hardclock'),
    device(0x1_8000, 0x1_8003).device(scc, 'scc'),
    device(0x1_8004, 0x1_8007).nop('scc clock'),
    device(0x1_a000, 0x1_a003).device(timers.events, 'event counter'),
    region(0x0202_0000, 0x0202_0007).device(nbic.registers, 'nbic'),
    region(0xf0ff_ffe8, 0xf0ff_ffff).device(nbic.slotSpace, 'nbic slot space'),
    region(0x0c00_0000, 0x0c0f_ffff).device(writeFunctions(bus, board.memory, 0x0b00_0000, 256 * KIB), 'x'),
    region(0x1000_0000, 0x1fff_ffff).device(
      writeFunctions(bus, board.memory, 0x0400_0000, 64 * MIB),
      'write functions',
    ),
    region(0x020c_0000, 0x020c_003f).mirror(0x8000_0000).device(bmap, 'bmap'),
  );

  const powerOff = new OrWire('power-off');
  const resetRequest = new OrWire('reset');
  board.wire(rtc.powerDown, powerOff.input(), 'power off');
  board.wire(box.resetKeys, resetRequest.input(), 'reset');

  return {
    board,
    screens: [video],
    keyboard: box,
    pointer: box,
    serial: lines,
    audio,
    powerOff,
    resetRequest,
    start: (kind) => board.reset(kind),
    close: () => rtc.flush(),
  };
}
