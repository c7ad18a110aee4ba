// SPDX-License-Identifier: MIT
import { AudioLine } from '../backplane/audio-line.ts';
import { Board } from '../backplane/board.ts';
import type { BusTarget } from '../backplane/bus.ts';
import type { Machine, MachineConfig, MachineDefinition, MachineHost } from '../backplane/machine.ts';
import { takesNo } from '../backplane/machine-config-error.ts';
import { region } from '../backplane/memory-map.ts';
import { SerialLine } from '../backplane/serial-line.ts';
import { Wire } from '../backplane/wire.ts';
import { ArmCpu } from '../devices/cpu/arm.ts';
import { GoldfishAudio } from '../devices/goldfish/goldfish-audio.ts';
import { GoldfishBattery } from '../devices/goldfish/goldfish-battery.ts';
import { GoldfishBus } from '../devices/goldfish/goldfish-bus.ts';
import { GoldfishEvents } from '../devices/goldfish/goldfish-events.ts';
import { GoldfishFb } from '../devices/goldfish/goldfish-fb.ts';
import { GoldfishMemlog } from '../devices/goldfish/goldfish-memlog.ts';
import { GoldfishMmc } from '../devices/goldfish/goldfish-mmc.ts';
import { GoldfishNand } from '../devices/goldfish/goldfish-nand.ts';
import { GoldfishPic } from '../devices/goldfish/goldfish-pic.ts';
import { GoldfishPipe } from '../devices/goldfish/goldfish-pipe.ts';
import { GoldfishSwitch } from '../devices/goldfish/goldfish-switch.ts';
import { GoldfishTimer } from '../devices/goldfish/goldfish-timer.ts';
import { GoldfishTrace } from '../devices/goldfish/goldfish-trace.ts';
import { GoldfishTty } from '../devices/goldfish/goldfish-tty.ts';
import { NandBank } from '../devices/goldfish/nand-bank.ts';
import { TEST_SERVICES } from '../devices/goldfish/pipe-services.ts';
import { Smc91c111 } from '../devices/net/smc91c111.ts';
import { SdCard } from '../devices/sd/sd-card.ts';
import type { KernelPlace } from '../firmware/arm-kernel.ts';
import { loadArmLinux } from '../firmware/atags.ts';
import { openGoldfishMedia } from './goldfish-media.ts';
import { kernelMemory } from './virtual-dma.ts';

const MIB = 1 << 20;
const SPAN = 0x1000;
/** Instruction slots a second. There is no real board to follow: what the interpreter can do on an ordinary host. */
const CPU_HZ = 100_000_000;
const NANOSECOND_HZ = 1_000_000_000;
/** The board's number in Linux's list of ARM machines. */
const MACHINE_ID = 1441;
/** Where the kernels are linked (virtual address of the first byte of RAM), and a word they all have in them. */
const ARM926 = 'ARM926EJ-S';
const ARMV7 = 'ARMv7 Processor';
const KERNELS: Readonly<Record<string, Omit<KernelPlace, 'at'>>> = {
  armv5: {
    linkBase: 0xc000_0000,
    board: 'goldfish',
    processor: { name: ARM926, other: ARMV7, advice: 'give --set cpu=armv7' },
  },
  armv7: {
    linkBase: 0xc000_0000,
    board: 'goldfish',
    processor: { name: ARMV7, other: ARM926, advice: 'give --set cpu=armv5' },
  },
};

const PIC_BASE = 0xff00_0000;
const FIXED = {
  bus: 0xff00_1000,
  tty: 0xff00_2000,
  timer: 0xff00_3000,
  audio: 0xff00_4000,
  mmc: 0xff00_5000,
  memlog: 0xff00_6000,
} as const;
const FIXED_IRQ = { bus: 1, timer: 3, tty: 4 } as const;
/** Other devices follow one another from here on, and those without a fixed interrupt too. */
const DYNAMIC_BASE = 0xff01_0000;
const DYNAMIC_IRQ = 10;
/** Drivers want bits 12 to 8 to be bits 9 to 5 of where they find it. */
const ETHERNET_BASE = 0x0001;
const MAC_ADDRESS = Uint8Array.of(0x52, 0x54, 0x00, 0x12, 0x34, 0x56);

export const goldfish: MachineDefinition = {
  name: 'goldfish',
  title: 'Android emulator board ("goldfish") with an ARM processor',
  year: 2008,
  status: 'boots Android kernels 2.6.29 and 3.4 from --kernel; SD card, NAND flash, sound; network cable unplugged',
  ram: { min: 32 * MIB, max: 512 * MIB, initial: 96 * MIB },
  options: {
    cpu: { values: ['armv5', 'armv7'], initial: 'armv5', title: 'ARM926EJ-S or Cortex-A8' },
    touch: { values: ['single', 'multi'], initial: 'single', title: 'fingers the touch screen knows' },
    screen: { values: ['320x480', '240x320', '480x800', '800x480'], initial: '320x480', title: 'size of the screen' },
  },
  needsKernel: true,
  buses: ['mmc', 'nand'],
  build,
};

function build(host: MachineHost, config: MachineConfig): Machine {
  takesNo(config, 'firmware');
  const board = new Board({ masterHz: CPU_HZ, memoryBytes: config.ramBytes + 64 * MIB, log: host.log });
  const [width, height] = config.options['screen']!.split('x').map(Number) as [number, number];

  // Chips
  const bus = board.map('bus');
  const cpu = board.addCpu(
    new ArmCpu(board.chip('cpu'), {
      memory: board.memory,
      map: bus,
      module: host.core('arm'),
      model: config.options['cpu'] === 'armv7' ? 'cortex-a8' : 'arm926',
    }),
  );
  const ram = board.memory.allocate('ram', config.ramBytes);
  const kernel = kernelMemory(() => cpu, bus, host.log.for('kernel memory'));
  const pic = board.add(new GoldfishPic(board.chip('pic'), { byteOrder: 'little', numbering: 'index' }));
  const devices = board.add(new GoldfishBus(board.chip('bus'), { memory: kernel }));
  const clock = board.clock('nanoseconds', NANOSECOND_HZ);
  const timerOptions = { byteOrder: 'little', clock, calendar: host.calendar } as const;
  const timer = board.add(new GoldfishTimer(board.chip('timer'), { ...timerOptions, layout: 'timer' }));
  const rtc = board.add(new GoldfishTimer(board.chip('rtc'), { ...timerOptions, layout: 'rtc' }));
  const lines = ['ttyS0', 'ttyS1', 'ttyS2'].map((name) => new SerialLine(name));
  const ttys = lines.map((line, n) => {
    const tty = new GoldfishTty(board.chip(`tty${n}`), { byteOrder: 'little', version: 0, memory: kernel });
    tty.port = line;
    return board.add(tty);
  });
  const fb = board.add(new GoldfishFb(board.chip('fb'), { memory: board.memory, ram, width, height }));
  const audio = new AudioLine(board.scheduler);
  const sound = board.add(new GoldfishAudio(board.chip('audio'), { memory: bus, sink: audio }));
  const media = openGoldfishMedia(host, config.media);
  const card = media.card && new SdCard(board.chip('card'), media.card);
  const mmc = card && board.add(new GoldfishMmc(board.chip('mmc'), { memory: bus, card }));
  const memlog = board.add(new GoldfishMemlog(board.chip('memlog')));
  const multiTouch = config.options['touch'] === 'multi';
  const events = board.add(new GoldfishEvents(board.chip('events'), { width, height, multiTouch }));
  const battery = board.add(new GoldfishBattery(board.chip('battery')));
  const ethernet = board.add(new Smc91c111(board.chip('ethernet'), { address: MAC_ADDRESS, base: ETHERNET_BASE }));
  const nandChip = board.chip('nand');
  const banks = media.banks.map(({ name, medium }) => new NandBank(name, medium, nandChip.log));
  const nand = board.add(new GoldfishNand(nandChip, { memory: kernel, physical: bus, banks }));
  const trace = board.add(new GoldfishTrace(board.chip('trace'), { memory: kernel }));
  const pipe = board.add(
    new GoldfishPipe(board.chip('pipe'), { memory: kernel, physical: bus, services: TEST_SERVICES }),
  );
  const switchOptions = [
    { memory: kernel, name: 'test', output: false, initial: 1 },
    { memory: kernel, name: 'test2', output: true },
  ] as const;
  const switches = switchOptions.map((options, n) => board.add(new GoldfishSwitch(board.chip(`switch${n}`), options)));

  // Map and wires: devices the kernel knows by address, then those it is told of
  bus.add(region(0, config.ramBytes - 1).ram(ram), region(PIC_BASE, PIC_BASE + SPAN - 1).device(pic, 'pic'));
  board.wire(pic.irq, (level) => cpu.interrupt(level), 'cpu.irq');
  let nextBase = DYNAMIC_BASE;
  let nextIrq = DYNAMIC_IRQ;
  const place = (
    device: BusTarget & { readonly id: string; readonly irq?: Wire },
    name: string,
    { id = -1, base, irq }: { id?: number; base?: number; irq?: number } = {},
  ): void => {
    const at = base ?? nextBase;
    const span = Math.max(device.span, SPAN);
    const source = device.irq === undefined ? 0 : (irq ?? nextIrq++);
    if (base === undefined) nextBase += span;
    bus.add(region(at, at + device.span - 1).device(device, device.id));
    if (device.irq !== undefined) board.wire(device.irq, pic.in(source), `pic.in(${source})`);
    devices.add({ name, id, base: at, span, irq: source, irqCount: device.irq === undefined ? 0 : 1 });
  };
  place(devices, 'goldfish_device_bus', { base: FIXED.bus, irq: FIXED_IRQ.bus });
  place(timer, 'goldfish_timer', { base: FIXED.timer, irq: FIXED_IRQ.timer });
  place(rtc, 'goldfish_rtc');
  place(ttys[0]!, 'goldfish_tty', { id: 0, base: FIXED.tty, irq: FIXED_IRQ.tty });
  place(ttys[1]!, 'goldfish_tty', { id: 1 });
  place(ttys[2]!, 'goldfish_tty', { id: 2 });
  place(ethernet, 'smc91x', { id: 0 });
  place(fb, 'goldfish_fb', { id: 0 });
  place(sound, 'goldfish_audio', { base: FIXED.audio });
  if (mmc !== undefined) place(mmc, 'goldfish_mmc', { base: FIXED.mmc });
  place(memlog, 'goldfish_memlog', { id: 0, base: FIXED.memlog });
  place(battery, 'goldfish-battery');
  place(events, 'goldfish_events', { id: 0 });
  place(nand, 'goldfish_nand', { id: 0 });
  place(trace, 'qemu_trace');
  place(pipe, 'qemu_pipe');
  for (const [id, one] of switches.entries()) place(one, 'goldfish-switch', { id });
  const powerOff = new Wire('power off');
  board.wire(trace.powerOff, (level) => powerOff.set(level), 'power off');

  return {
    board,
    screens: [fb],
    keyboard: events,
    pointer: events,
    serial: lines,
    audio,
    powerOff,
    resetRequest: new Wire('reset'),
    start: (kind) => {
      board.reset(kind);
      if (config.kernel === undefined) return; // `needsKernel` has the command line say so
      const { kernel: image, initrd, append } = config;
      const entry = loadArmLinux(
        { kernel: image, initrd, append },
        { memory: board.memory, ram },
        KERNELS[config.options['cpu']!]!,
      );
      cpu.setRegister('r0', 0);
      cpu.setRegister('r1', MACHINE_ID);
      cpu.setRegister('r2', entry.tags);
      cpu.setRegister('pc', entry.pc);
    },
    close: media.close,
  };
}
