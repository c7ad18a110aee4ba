// SPDX-License-Identifier: MIT
import { AudioLine } from '../backplane/audio-line.ts';
import { Board } from '../backplane/board.ts';
import { MachineConfigError } from '../backplane/machine-config-error.ts';
import type { Machine, MachineConfig, MachineHost } from '../backplane/machine.ts';
import { SerialLine } from '../backplane/serial-line.ts';
import { OrWire } from '../backplane/wire.ts';
import { M68kCpu } from '../devices/cpu/m68k.ts';
import { Bt463 } from '../devices/display/bt463.ts';
import { Dsp56001Host } from '../devices/dsp/dsp56001-host.ts';
import { I82077 } from '../devices/floppy/i82077.ts';
import { Mb8795 } from '../devices/net/mb8795.ts';
import { Mb600310 } from '../devices/next/mb600310.ts';
import { NextBmap } from '../devices/next/next-bmap.ts';
import { NextColorControl } from '../devices/next/next-color-control.ts';
import { NextDiskControl } from '../devices/next/next-disk-control.ts';
import { NextDma } from '../devices/next/next-dma.ts';
import { NEXT_INTERRUPT, NextInterrupts } from '../devices/next/next-interrupts.ts';
import { NextMonitorPort } from '../devices/next/next-monitor-port.ts';
import { NextNbic } from '../devices/next/next-nbic.ts';
import { NextPrinterPort } from '../devices/next/next-printer-port.ts';
import { NextScr } from '../devices/next/next-scr.ts';
import { NextSoundBox } from '../devices/next/next-sound-box.ts';
import { NextTimers } from '../devices/next/next-timers.ts';
import { NextTmc } from '../devices/next/next-tmc.ts';
import { NextVideo } from '../devices/next/next-video.ts';
import { Mc68hc68t1, MC68HC68T1_RAM_BYTES } from '../devices/rtc/mc68hc68t1.ts';
import { Mccs1850, MCCS1850_RAM_BYTES } from '../devices/rtc/mccs1850.ts';
import { Ncr53c9x } from '../devices/scsi/ncr53c9x.ts';
import { ScsiBus } from '../devices/scsi/scsi-bus.ts';
import { Z85c30 } from '../devices/serial/z85c30.ts';
import { nextRegions } from './next-map.ts';
import { addFloppyDrives, addOpticalDrives, addScsiDrives, openNextMedia } from './next-media.ts';
import { banksFor } from './next-memory.ts';
import { type NextModel, romBytes, timing } from './next-model.ts';
import { factorySettings } from './next-nvram.ts';
import { loadNextRom } from './next-rom.ts';

const MIB = 1 << 20;

/** What the core, ROM and video memory need beyond RAM. */
const OTHER_MEMORY = 96 * MIB;

// Crystals, in hertz.
const TIMER_HZ = 1_000_000;
const SCC_PCLK_HZ = 4_000_000;
const SCC_RTXC_HZ = 3_686_400;
const SOUND_HZ = 44_100;
const CODEC_HZ = 8_013;
const SCSI_HZ = 10_000_000;

const SCR2_TURBO = 0x0000_1080;

/** TMC's own SCR1: bits that are always set, memory of 70 ns, 33 MHz; the board in bits 15-12. */
const tmcScr1 = ({ color, nextBus }: NextModel): number =>
  0x0fff_0f08 | 0xd0 | 0x07 | (nextBus ? 0x8000 : color ? 0x5000 : 0x4000);

export function buildNext(model: NextModel, host: MachineHost, config: MachineConfig): Machine {
  if (config.kernel ?? config.firmware) {
    throw new MachineConfigError(`${model.name} only starts from its ROM; leave --kernel and --firmware out`);
  }
  const { slotsHz, delayTicks } = timing(model);
  const board = new Board({ masterHz: slotsHz, memoryBytes: config.ramBytes + OTHER_MEMORY, log: host.log });
  const first = model.generation === 'first';
  const turbo = model.generation === 'turbo';

  // Processor and memory
  const bus = board.map('bus');
  bus.openBus = { value: 0, busError: true };
  const busError = (): void => bus.busError();
  const cpu = board.addCpu(
    new M68kCpu(board.chip('cpu'), {
      memory: board.memory,
      map: bus,
      module: host.core('m68k'),
      model: first ? '68030' : '68040',
      fpu: first ? '68882' : '68040',
      delayTicks,
    }),
  );
  const banks = banksFor(model.name, config.ramBytes, model.memory);
  const ram = board.memory.allocate('ram', config.ramBytes);
  const rom = board.memory.allocate('rom', romBytes(model));
  loadNextRom(rom, model.name, config.roms);
  const media = openNextMedia(model, host, config.media);

  // Peripheral controller
  const intc = board.add(new NextInterrupts(board.chip('intc')));
  const settings = (length: number): Uint8Array =>
    factorySettings({ banks, memory: model.memory, newClockChip: !first, media }, length);
  const nvram = { ram: host.nonVolatile('nvram'), calendar: host.calendar };
  const rtc = board.add(
    first
      ? new Mc68hc68t1(board.chip('rtc'), { ...nvram, initial: settings(MC68HC68T1_RAM_BYTES) })
      : new Mccs1850(board.chip('rtc'), { ...nvram, initial: settings(MCCS1850_RAM_BYTES) }),
  );
  const scr = board.add(
    new NextScr(board.chip('scr'), { scr1: model.scr1, scr2: turbo ? SCR2_TURBO : 0, slot: model.slot, clock: rtc }),
  );
  const timers = board.add(new NextTimers(board.chip('timers'), board.clock('timers', TIMER_HZ)));
  const dma = board.add(new NextDma(board.chip('dma'), { map: bus, turbo }));
  const monitor = board.add(new NextMonitorPort(board.chip('monitor')));
  const printer = board.add(new NextPrinterPort(board.chip('printer')));
  const disks = board.add(new NextDiskControl(board.chip('disks')));

  // Chips on its bus
  const pclk = board.clock('scc pclk', SCC_PCLK_HZ);
  const rtxc = board.clock('scc rtxc', SCC_RTXC_HZ);
  const clocks = { pclk, rtxcA: rtxc, rtxcB: rtxc, trxcA: rtxc, trxcB: rtxc };
  const scc = board.add(new Z85c30(board.chip('scc'), { variant: 'nmos', ...clocks }));
  const lines = [new SerialLine('a'), new SerialLine('b')] as const;
  scc.a.port = lines[0];
  scc.b.port = lines[1];
  const scsiBus = board.add(new ScsiBus(board.chip('scsi')));
  const esp = board.add(
    new Ncr53c9x(board.chip('esp'), scsiBus, { model: first ? '53c90' : '53c90a', clockHz: SCSI_HZ }),
  );
  addScsiDrives(board, scsiBus, media);
  const fdc = board.add(new I82077(board.chip('fdc'), addFloppyDrives(board, media), 'ps2'));
  const enet = board.add(new Mb8795(board.chip('enet'), { variant: turbo ? 't7213' : 'mb8795' }));
  const dsp = board.add(new Dsp56001Host(board.chip('dsp')));
  const osp = turbo ? undefined : board.add(new Mb600310(board.chip('osp')));
  if (osp !== undefined && model.opticalDrive) addOpticalDrives(board, osp, media);
  const bmap = model.generation === 'classic' ? board.add(new NextBmap(board.chip('bmap'))) : undefined;
  const nbic = model.nextBus ? board.add(new NextNbic(board.chip('nbic'), busError)) : undefined;
  const tmc = turbo ? board.add(new NextTmc(board.chip('tmc'), { scr1: tmcScr1(model), busError })) : undefined;

  // Display, keyboard, mouse and sound
  const video = board.add(new NextVideo(board.chip('video'), board.memory, { color: model.color, turbo }));
  const colorControl = model.color && !turbo ? board.add(new NextColorControl(board.chip('color-control'))) : undefined;
  const ramdac = model.color ? board.add(new Bt463(board.chip('ramdac'))) : undefined;
  const box = board.add(
    new NextSoundBox(board.chip('box'), {
      samples: board.clock('sound', SOUND_HZ),
      codec: board.clock('codec', CODEC_HZ),
    }),
  );
  monitor.box = box;
  box.link = monitor;
  const audio = new AudioLine(board.scheduler);
  box.speaker = audio;
  if (tmc !== undefined) video.onFrame = () => tmc.frame();
  else if (colorControl !== undefined) video.onFrame = () => colorControl.frame();
  else video.onFrame = () => dma.channel('video').frame();

  // Interrupts           source               number
  const interrupt = (wire: Parameters<Board['wire']>[0], source: keyof typeof NEXT_INTERRUPT): void =>
    board.wire(wire, intc.in(NEXT_INTERRUPT[source]), `intc.in(${NEXT_INTERRUPT[source]})`, source);
  const disk = new OrWire('disk');
  interrupt(scr.softInt1, 'soft1');
  interrupt(scr.softInt2, 'soft2');
  const power = new OrWire('power');
  board.wire(rtc.irq, power.input(), 'power');
  // The old clock chip senses the key; it interrupts by itself.
  if (first) board.wire(box.powerKey, power.input(), 'power');
  interrupt(power, 'power');
  interrupt(monitor.keyMouseIrq, 'keyMouse');
  interrupt(monitor.monitorIrq, 'monitor');
  interrupt(monitor.soundIrq, 'sound');
  interrupt(fdc.irq, 'floppy');
  interrupt(enet.rxIrq, 'enetRx');
  interrupt(enet.txIrq, 'enetTx');
  interrupt(printer.irq, 'printer');
  interrupt(disks.scsiIrq, 'scsi');
  for (const wire of [osp?.irq, colorControl?.irq, tmc?.videoIrq, tmc?.adbIrq]) {
    if (wire !== undefined) board.wire(wire, disk.input(), 'disk');
  }
  interrupt(disk, 'disk');
  if (nbic !== undefined) interrupt(nbic.irq, 'bus');
  interrupt(scc.irq, 'scc');
  interrupt(timers.irq, 'timer');
  interrupt(monitor.nmi, 'nmi');
  for (const [name, channel] of dma.channels) interrupt(channel.irq, name === 'video' ? 'video' : `${name}Dma`);
  const dspLevel = { level4: turbo, request: false };
  const dspIn = { 3: intc.in(NEXT_INTERRUPT.dspLevel3), 4: intc.in(NEXT_INTERRUPT.dspLevel4) };
  const driveDsp = (): void => {
    dspIn[3](dspLevel.request && !dspLevel.level4);
    dspIn[4](dspLevel.request && dspLevel.level4);
  };
  const dspInputs = `intc.in(${NEXT_INTERRUPT.dspLevel3}), intc.in(${NEXT_INTERRUPT.dspLevel4})`;
  const dspRequestW = (level: boolean): void => {
    dspLevel.request = level;
    driveDsp();
  };
  const dspLevel4W = (level: boolean): void => {
    dspLevel.level4 = level || turbo;
    driveDsp();
  };
  board.wire(dsp.hreq, dspRequestW, dspInputs, 'dsp at level 3 or 4');
  board.wire(scr.dspIntLevel4, dspLevel4W, dspInputs, 'level 4 rather than 3');
  board.wire(scr.timerIpl7, (level) => intc.timerAtLevel7W(level), 'intc.timer-at-level-7');
  intc.onIpl = (level) => cpu.setIpl(level);
  board.connections.push({ source: 'intc.ipl', sink: 'cpu.ipl', note: 'three lines' });

  // Wires
  board.wire(esp.irq, (level) => disks.espIrqW(level), 'disks.esp-irq');
  board.wire(scr.dspRun, (level) => dsp.resetW(!level), 'dsp.reset', 'active low');
  if (bmap !== undefined) board.wire(bmap.twistedPair, (level) => enet.twistedPairW(level), 'enet.twisted-pair');
  if (osp !== undefined) {
    if (first) board.wire(osp.gpo, (level) => disks.selectFloppy(level), 'disks.select-floppy');
    else board.nc(osp.gpo);
  }
  board.wire(box.powerKey, (level) => rtc.powerKeyW(level), 'rtc.power-key');
  for (const wire of [scr.dspBlockEnd, scr.dspUnpacked, scr.dspModeA, scr.dspModeB, scr.dspMemory]) {
    board.nc(wire, 'the DSP itself is not there');
  }
  board.nc(scr.romOverlay, 'the ROM is at 0 in any case');
  board.nc(scr.led);
  board.nc(fdc.drq, 'through the DMA channel');
  board.nc(esp.drq, 'through the DMA channel');
  const powerOff = new OrWire('power-off');
  const resetRequest = new OrWire('reset');
  board.wire(rtc.powerDown, powerOff.input(), 'power off');
  board.wire(box.resetKeys, resetRequest.input(), 'reset');
  if (bmap !== undefined) board.wire(bmap.resetOut, resetRequest.input(), 'reset');

  // DMA
  esp.dma = disks.scsiChannel;
  fdc.dma = disks.floppyChannel;
  dma.channel('scsi').connect(disks);
  disks.channel = dma.channel('scsi');
  disks.parts = {
    scsi: esp,
    floppy: fdc,
    resetScsi: () => {
      esp.reset('warm');
      esp.settle();
    },
    scsiClock: (hz) => esp.setClock(hz),
    floppyDrive: () => fdc.selected,
    flushesAll: turbo,
  };
  monitor.soundOut = dma.channel('soundOut').connect(monitor.soundOutPeer);
  monitor.soundIn = dma.channel('soundIn').connect(monitor.soundInPeer);
  dsp.dma = dma.channel('dsp').connect(dsp);
  if (osp !== undefined) osp.dma = dma.channel('disk').connect(osp);
  if (!turbo) {
    // The request line of SCC channel A, for either direction.
    const channel = dma.channel('scc');
    const transmit = scc.a.connectDma('tx', channel);
    const receive = scc.a.connectDma('rx', channel);
    channel.connect({ dmaOut: (bytes) => transmit.dmaOut(bytes), dmaIn: (into) => receive.dmaIn(into) });
  }
  enet.tx = dma.channel('enetTx');
  enet.rx = dma.channel('enetRx');
  dma.channel('enetTx').onEnable = () => enet.transmit();

  // Map
  bus.add(
    ...nextRegions(model, {
      scheduler: board.scheduler,
      memory: board.memory,
      bus,
      ram,
      banks,
      rom,
      intc,
      scr,
      timers,
      dma,
      monitor,
      printer,
      disks,
      scc,
      esp,
      fdc,
      enet,
      dsp,
      osp,
      bmap,
      nbic,
      tmc,
      video,
      colorControl,
      ramdac,
    }),
  );

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
    close: () => {
      rtc.flush();
      for (const { device } of media) device.close();
    },
  };
}
