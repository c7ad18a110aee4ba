// SPDX-License-Identifier: MIT
import { AudioLine } from '../backplane/audio-line.ts';
import { Board } from '../backplane/board.ts';
import type { Machine, MachineConfig, MachineHost } from '../backplane/machine.ts';
import { type Region, region } from '../backplane/memory-map.ts';
import { SerialLine } from '../backplane/serial-line.ts';
import { OrWire } from '../backplane/wire.ts';
import { M68kCpu } from '../devices/cpu/m68k.ts';
import { NextBmap } from '../devices/next/next-bmap.ts';
import { NextDma } from '../devices/next/next-dma.ts';
import { NEXT_INTERRUPT, NextInterrupts } from '../devices/next/next-interrupts.ts';
import { NextMonitorPort } from '../devices/next/next-monitor-port.ts';
import { NextScr } from '../devices/next/next-scr.ts';
import { NextSoundBox } from '../devices/next/next-sound-box.ts';
import { NextTimers } from '../devices/next/next-timers.ts';
import { NextVideo } from '../devices/next/next-video.ts';
import { Mccs1850, MCCS1850_RAM_BYTES } from '../devices/rtc/mccs1850.ts';
import { Z85c30 } from '../devices/serial/z85c30.ts';
import { banksFor, memoryRegions, type MemoryLayout } from './next-memory.ts';

const MIB = 1 << 20;
const KIB = 1 << 10;

export interface NextModel {
  readonly name: string;
  readonly cpu: '68030' | '68040';
  readonly slotsHz: number;
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
    new M68kCpu(board.chip('cpu'), { memory: board.memory, map: bus, module: host.core('m68k'), model: model.cpu }),
  );
  const ram = board.memory.allocate('ram', config.ramBytes);
  const rom = board.memory.allocate('rom', model.romBytes);
  const [image] = config.roms;
  if (image !== undefined) rom.bytes.set(image.bytes.subarray(0, rom.size));

  const intc = board.add(new NextInterrupts(board.chip('intc')));
  const rtc = board.add(
    new Mccs1850(board.chip('rtc'), {
      ram: host.nonVolatile('nvram'),
      calendar: host.calendar,
      initial: new Uint8Array(MCCS1850_RAM_BYTES),
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
    ...memoryRegions(ram, banksFor(model.name, config.ramBytes, model.memory), model.memory),
    region(0x0b00_0000, 0x0b00_0000 + 256 * KIB - 1).ram(video.memory),
    region(0x0200_0000, 0x0201_ffff).mirror(0x10_0000).stub('no device'),
    device(0x0_0000, 0x0_01ff).device(dma.control, 'dma control'),
    device(0x0_4000, 0x0_43ff).device(dma.pointers, 'dma pointers'),
    device(0x0_7000, 0x0_7003).device(intc.status, 'interrupt status'),
    device(0x0_7800, 0x0_7803).device(intc.mask, 'interrupt mask'),
    device(0x0_c000, 0x0_c003).device(scr.scr1, 'scr1'),
    device(0x0_c800, 0x0_c803).device(scr.slot, 'slot'),
    device(0x0_d000, 0x0_d003).device(scr.scr2, 'scr2'),
    device(0x0_e000, 0x0_e00f).device(monitor, 'monitor'),
    device(0x1_0000, 0x1_0003).device(video.brightness, 'brightness'),
    device(0x1_6000, 0x1_6004).device(timers.hardclock, 'hardclock'),
    device(0x1_8000, 0x1_8003).device(scc, 'scc'),
    device(0x1_a000, 0x1_a003).device(timers.events, 'event counter'),
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
