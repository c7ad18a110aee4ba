// SPDX-License-Identifier: MIT
import { Board } from '../backplane/board.ts';
import { MachineConfigError } from '../backplane/machine-config-error.ts';
import type { Machine, MachineConfig, MachineDefinition, MachineHost } from '../backplane/machine.ts';
import { region } from '../backplane/memory-map.ts';
import { SerialLine } from '../backplane/serial-line.ts';
import { OrWire } from '../backplane/wire.ts';
import { M68kCpu } from '../devices/cpu/m68k.ts';
import { GoldfishPic } from '../devices/goldfish/goldfish-pic.ts';
import { GoldfishTimer } from '../devices/goldfish/goldfish-timer.ts';
import { GoldfishTty } from '../devices/goldfish/goldfish-tty.ts';
import { IplEncoder } from '../devices/interrupt/ipl-encoder.ts';
import type { VirtioFunction } from '../devices/virtio/virtio.ts';
import { VirtioBlock } from '../devices/virtio/virtio-block.ts';
import { VirtioConsole } from '../devices/virtio/virtio-console.ts';
import { VIRTIO_MMIO_SPAN, VirtioMmio, emptyVirtioMmio } from '../devices/virtio/virtio-mmio.ts';
import { VirtioNet } from '../devices/virtio/virtio-net.ts';
import { VirtioRng } from '../devices/virtio/virtio-rng.ts';
import { BI, CPU_TYPE, FPU_TYPE, MACH, MMU_TYPE, loadLinux } from '../firmware/bootinfo.ts';
import { VirtCtrl } from './virt-ctrl.ts';

const MIB = 1 << 20;
const PAGE = 0x1000;

/** Instruction slots a second. There is no real board to follow: what the interpreter can do on an ordinary host. */
const CPU_HZ = 100_000_000;
const NANOSECOND_HZ = 1_000_000_000;

const PIC_BASE = 0xff00_0000;
const TIMER_BASE = 0xff00_6000;
const TTY_BASE = 0xff00_8000;
const CTRL_BASE = 0xff00_9000;
const VIRTIO_BASE = 0xff01_0000;

const PICS = 6;
const VIRTIO_SLOTS = 128;

/** Input of a controller: controllers from 1, as the IPL level they ask for, and sources from 1. */
const IRQ = { ctrl: [1, 1], tty: [1, 32], virtio: [2, 1], timer: [6, 1], rtc: [6, 2] } as const;
/** The same as one number, as Linux counts. */
const irqNumber = ([pic, source]: readonly [number, number]): number => 8 + (pic - 1) * 32 + source - 1;

/** What Linux takes for the version of QEMU whose board this is. */
const BOARD_VERSION = 0x0702_0000;
const MAC_ADDRESS = Uint8Array.of(0x52, 0x54, 0x00, 0x12, 0x34, 0x56);

export const virtM68k: MachineDefinition = {
  name: 'virt-m68k',
  title: 'Virtual 68040 board with goldfish and virtio devices (QEMU "virt")',
  year: 2021,
  status: 'boots Linux 6.1 from --kernel; virtio block, console, entropy; network cable unplugged',
  ram: { min: 16 * MIB, max: 2048 * MIB, initial: 128 * MIB },
  options: {},
  needsKernel: true,
  build,
};

function build(host: MachineHost, config: MachineConfig): Machine {
  if (config.firmware !== undefined)
    throw new MachineConfigError('virt-m68k has no firmware: --firmware is not for it');
  const board = new Board({ masterHz: CPU_HZ, memoryBytes: config.ramBytes + 64 * MIB, log: host.log });
  const powerOff = new OrWire('power-off');
  const resetRequest = new OrWire('reset');

  // Chips
  const bus = board.map('bus');
  const cpu = board.addCpu(
    new M68kCpu(board.chip('cpu'), { memory: board.memory, map: bus, module: host.core('m68k'), model: '68040' }),
  );
  const ram = board.memory.allocate('ram', config.ramBytes);
  const encoder = board.add(new IplEncoder(board.chip('ipl'), (level) => cpu.setIpl(level)));
  const pics = Array.from({ length: PICS }, (_, index) =>
    board.add(new GoldfishPic(board.chip(`pic${index + 1}`), { byteOrder: 'big', numbering: 'mask' })),
  );
  const clock = board.clock('nanoseconds', NANOSECOND_HZ);
  const timerOptions = { byteOrder: 'big', layout: 'both', clock, calendar: host.calendar } as const;
  const timer = board.add(new GoldfishTimer(board.chip('timer'), timerOptions));
  const rtc = board.add(new GoldfishTimer(board.chip('rtc'), timerOptions));
  const tty = board.add(new GoldfishTty(board.chip('tty'), { byteOrder: 'big', version: 1, memory: bus }));
  const ctrl = board.add(new VirtCtrl(board.chip('ctrl')));
  const lines = [new SerialLine('ttyGF0'), new SerialLine('hvc0')] as const;
  tty.port = lines[0];
  const media = config.media.map(({ kind, spec }) => {
    if (kind === 'floppy') throw new MachineConfigError('virt-m68k has no floppy drive');
    return host.disk(spec);
  });
  const console = new VirtioConsole();
  const functions: [name: string, device: VirtioFunction][] = [
    ...media.map((medium, index) => [`block${index}`, new VirtioBlock(medium)] satisfies [string, VirtioFunction]),
    ['console', console],
    ['rng', new VirtioRng(host.calendar.startSeconds)],
    ['net', new VirtioNet(MAC_ADDRESS)],
  ];
  if (functions.length >= VIRTIO_SLOTS) throw new MachineConfigError('virt-m68k has no slot for so many disks');
  const virtio = functions.map(([name, device]) =>
    board.add(new VirtioMmio(board.chip(`virtio:${name}`), { memory: bus, device })),
  );
  console.attach(0, lines[1]);
  const empty = emptyVirtioMmio(VIRTIO_SLOTS - virtio.length);

  // Wires
  for (const [index, pic] of pics.entries()) board.wire(pic.irq, encoder.in(index + 1), `ipl.${index + 1}`);
  const interrupt = (wire: Parameters<Board['wire']>[0], [level, first]: readonly [number, number], add = 0): void => {
    const [pic, source] = [level - 1 + (add >> 5), first - 1 + (add & 31)];
    board.wire(wire, pics[pic]!.in(source), `pic${pic + 1}.in(${source})`);
  };
  interrupt(ctrl.irq, IRQ.ctrl);
  interrupt(tty.irq, IRQ.tty);
  interrupt(timer.irq, IRQ.timer);
  interrupt(rtc.irq, IRQ.rtc);
  for (const [index, slot] of virtio.entries()) interrupt(slot.irq, IRQ.virtio, index);
  board.wire(ctrl.powerOff, powerOff.input(), 'power off');
  board.wire(ctrl.panic, powerOff.input(), 'power off');
  board.wire(ctrl.resetRequest, resetRequest.input(), 'reset');
  board.nc(cpu.resetOut, 'no chip has a reset input');

  // Map
  const at = (base: number, span: number) => region(base, base + span - 1);
  bus.add(
    at(0, config.ramBytes).ram(ram),
    ...pics.map((pic, index) => at(PIC_BASE + index * PAGE, PAGE).device(pic, pic.id)),
    at(TIMER_BASE, PAGE).device(timer, 'timer'),
    at(TIMER_BASE + PAGE, PAGE).device(rtc, 'rtc'),
    at(TTY_BASE, PAGE).device(tty, 'tty'),
    at(CTRL_BASE, ctrl.span).device(ctrl, 'ctrl'),
    ...virtio.map((slot, index) => at(VIRTIO_BASE + index * VIRTIO_MMIO_SPAN, VIRTIO_MMIO_SPAN).device(slot, slot.id)),
    at(VIRTIO_BASE + virtio.length * VIRTIO_MMIO_SPAN, empty.span).device(empty, 'virtio (empty)'),
  );
  bus.openBus = { value: 0, busError: true };

  const { kernel, initrd, append } = config;
  const start = (): void => {
    if (kernel === undefined) return;
    const entry = loadLinux({ kernel, initrd, append }, { memory: board.memory, ram }, (info) => {
      info.words(BI.MACHTYPE, MACH.VIRT);
      info.words(BI.CPUTYPE, CPU_TYPE[68040]).words(BI.FPUTYPE, FPU_TYPE[68040]).words(BI.MMUTYPE, MMU_TYPE[68040]);
      info.words(BI.VIRT_QEMU_VERSION, BOARD_VERSION);
      info.words(BI.VIRT_GF_PIC_BASE, PIC_BASE, 1);
      info.words(BI.VIRT_GF_RTC_BASE, TIMER_BASE, irqNumber(IRQ.timer));
      info.words(BI.VIRT_GF_TTY_BASE, TTY_BASE, irqNumber(IRQ.tty));
      info.words(BI.VIRT_CTRL_BASE, CTRL_BASE, irqNumber(IRQ.ctrl));
      info.words(BI.VIRT_VIRTIO_BASE, VIRTIO_BASE, irqNumber(IRQ.virtio));
    });
    cpu.setRegister('pc', entry);
  };

  return {
    board,
    screens: [],
    serial: lines,
    powerOff,
    resetRequest,
    start: (kind) => {
      board.reset(kind);
      start();
    },
    close: () => {
      for (const medium of media) medium.close();
    },
  };
}
