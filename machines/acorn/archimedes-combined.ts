// SPDX-License-Identifier: MIT
import type { Board } from '../backplane/board.ts';
import type { AccessRules, BusTarget, Width } from '../backplane/bus.ts';
import { region } from '../backplane/memory-map.ts';
import { SerialLine } from '../backplane/serial-line.ts';
import { OrWire } from '../backplane/wire.ts';
import type { Ioc } from '../devices/acorn/ioc.ts';
import { Ioeb } from '../devices/acorn/ioeb.ts';
import type { Vidc } from '../devices/acorn/vidc.ts';
import { AtaChannel } from '../devices/ata/ata-channel.ts';
import { AtaDisk } from '../devices/ata/ata-disk.ts';
import { I82077 } from '../devices/floppy/i82077.ts';
import { ShugartDrive } from '../devices/floppy/shugart-drive.ts';
import { CentronicsPrinter } from '../devices/printer/centronics-printer.ts';
import { Ns16450 } from '../devices/serial/ns16450.ts';
import { C82c711 } from '../devices/superio/c82c711.ts';
import type { Peripherals } from './archimedes-discrete.ts';
import type { ArchimedesMedia } from './archimedes-media.ts';
import { CYCLE_BITS, onPeripheralBus, peripheralBank } from './peripheral-bus.ts';

const UART_HZ = 1_846_153; // 24 MHz / 13
const VIDEO_HZ = [24_000_000, 25_175_000, 36_000_000, 24_000_000] as const;
const DRIVES = 2;

/** ID lines of a monitor's cable, and which of them is its horizontal sync. */
export const MONITORS: Readonly<Record<string, { readonly monitor: number; readonly syncLines: number }>> = {
  multisync: { monitor: 0b1011, syncLines: 0b0100 },
  vga: { monitor: 0b1110, syncLines: 0 },
  standard: { monitor: 0b1110, syncLines: 0b0001 },
};

/** 82C711 and IOEB of the A5000. */
export function addCombinedPeripherals(
  board: Board,
  parts: { readonly ioc: Ioc; readonly vidc: Vidc; readonly media: ArchimedesMedia; readonly monitor: string },
): Peripherals {
  const { ioc, vidc, media } = parts;
  const drives = Array.from({ length: DRIVES }, (_, n) =>
    board.add(new ShugartDrive(board.chip(`floppy:${n}`), media.floppies[n])),
  );
  const fdc = board.add(new I82077(board.chip('fdc'), drives));
  const disks = media.hardDisks.map((image, n) => board.add(new AtaDisk(board.chip(`disk:${n}`), image)));
  const ide = board.add(new AtaChannel(board.chip('ide'), [disks[0], disks[1]]));
  const uartClock = board.clock('uart', UART_HZ);
  const uarts = [
    board.add(new Ns16450(board.chip('serial1'), { clock: uartClock })),
    board.add(new Ns16450(board.chip('serial2'), { clock: uartClock })),
  ] as const;
  const line = new SerialLine('serial');
  const paper = new SerialLine('printer');
  uarts[0].port = line;
  const printer = board.add(new CentronicsPrinter(board.chip('printer')));
  printer.paper = paper;
  const superIo = board.add(new C82c711(board.chip('superio'), { fdc, serial: uarts, ide }));
  superIo.onData = (byte) => (printer.data = byte);
  const videoClocks = VIDEO_HZ.map((hz, n) => (n === 0 ? vidc.clock : board.clock(`video ${hz / 1e6} MHz`, hz)));
  const monitor = MONITORS[parts.monitor] ?? MONITORS['multisync']!;
  const ioeb = board.add(new Ioeb(board.chip('ioeb'), { ...monitor, hsync: () => vidc.hsync }));

  //         source                sink
  board.wire(fdc.drq, ioc.fh(0), 'ioc.fh0');
  board.wire(fdc.irq, ioc.il(4), 'ioc.il4');
  board.wire(ide.irq, ioc.il(3), 'ioc.il3');
  const serialRequest = (level: boolean): void => {
    ioc.il(2)(level);
    ioc.cW(4, !level);
  };
  board.wire(superIo.serialIrq[0], serialRequest, 'ioc.il2, ioc.c4', 'C4 active low');
  board.nc(superIo.serialIrq[1], 'the second port has no connector');
  board.wire(superIo.lptIrq, ioc.il(6), 'ioc.il6');
  const index = new OrWire('index');
  for (const drive of drives) board.wire(drive.indexPulse, index.input(), 'index');
  board.wire(index, (level) => ioc.ifW(level), 'ioc.if');
  for (const n of [0, 1] as const) {
    const uart = uarts[n];
    board.wire(uart.intr, (level) => superIo.serialIntrW(n, level), `superio.serial${n + 1}-intr`);
    board.wire(uart.out2, (level) => superIo.serialOut2W(n, level), `superio.serial${n + 1}-out2`);
    for (const wire of [uart.out1, uart.rts, uart.dtr]) board.nc(wire);
  }
  board.wire(superIo.strobe, (level) => printer.strobeW(level), 'printer.strobe');
  board.wire(printer.busy, (level) => superIo.busyW(level), 'superio.busy');
  board.wire(printer.ack, (level) => superIo.ackW(level), 'superio.ack');
  for (const wire of [superIo.autoFeed, superIo.init, superIo.select]) board.nc(wire);
  const selectClock = (): void => {
    vidc.useClock(videoClocks[Number(ioeb.clock0.level) + Number(ioeb.clock1.level) * 2]!);
  };
  board.wire(ioeb.clock0, selectClock, 'vidc.clock');
  board.wire(ioeb.clock1, selectClock, 'vidc.clock');
  for (const wire of [ioeb.hsyncInvert, ioeb.vsyncInvert]) board.nc(wire, "the monitor's business");

  // The 82C711 answers without IOC's select as well.
  const bank = (n: number): number => peripheralBank(n) & ~IOC_SELECT;
  const copies = CYCLE_BITS | IOC_SELECT;
  return {
    regions: [
      region(bank(1), bank(1) + 0x1fff)
        .device(ports(superIo), 'superio')
        .mirror(copies),
      // RISC OS fetches a byte from below 0x302_a000, the last one from there.
      region(bank(1) + 0x2000, bank(2) + 0x9fff)
        .device(dmaCycle(fdc, false), 'fdc dack')
        .mirror(CYCLE_BITS),
      region(bank(2) + 0xa000, bank(2) + 0xbfff)
        .device(dmaCycle(fdc, true), 'fdc dack+tc')
        .mirror(CYCLE_BITS),
      region(peripheralBank(2), peripheralBank(3) - 1)
        .nop('econet')
        .mirror(CYCLE_BITS)
        .comment('no card'),
      region(peripheralBank(5), peripheralBank(6) - 1)
        .device(onPeripheralBus(ioeb, 'words'), 'ioeb')
        .mirror(CYCLE_BITS),
    ],
    serial: [line, paper],
  };
}

const IOC_SELECT = 0x0020_0000;

const ANY: AccessRules = { valid: { min: 1, max: 4 }, impl: { min: 1, max: 4 }, byteOrder: 'little', rawAddress: true };
/** Word stores carry the data in bits 31 to 16, byte stores on all lanes. */
const stored = (width: Width, value: number): number => (width === 4 ? value >>> 16 : value & 0xff);

/** The PC's ports are a word apart; those that are 16 bits wide are accessed by words. */
function ports(chip: C82c711): BusTarget {
  const port = (offset: number): number => (offset >>> 2) & (chip.span - 1);
  return {
    span: 0x2000,
    access: ANY,
    read: (offset, width) => (offset & 3 && width !== 4 ? 0xff : chip.read(port(offset), width === 1 ? 1 : 2)),
    write: (offset, width, value) => chip.write(port(offset), width === 4 ? 2 : 1, stored(width, value)),
    peek: (offset) => (offset & 3 ? undefined : chip.peek(port(offset))),
  };
}

/** DACK of the floppy controller, with TC or without. */
function dmaCycle(fdc: I82077, last: boolean): BusTarget {
  return {
    span: 0x1_8000,
    access: ANY,
    read: (offset, width) => {
      if (offset & 3 && width !== 4) return 0xff;
      const byte = fdc.readDack();
      if (last) fdc.terminalCount();
      return byte;
    },
    write: (_offset, width, value) => {
      fdc.writeDack(stored(width, value) & 0xff);
      if (last) fdc.terminalCount();
    },
  };
}
