// SPDX-License-Identifier: MIT
import type { Board } from '../backplane/board.ts';
import { type Region, region } from '../backplane/memory-map.ts';
import { SerialLine } from '../backplane/serial-line.ts';
import { ArcLatches } from '../devices/acorn/arc-latches.ts';
import type { Ioc } from '../devices/acorn/ioc.ts';
import { ShugartDrive } from '../devices/floppy/shugart-drive.ts';
import { Wd1772 } from '../devices/floppy/wd1772.ts';
import { CentronicsPrinter } from '../devices/printer/centronics-printer.ts';
import { R6551 } from '../devices/serial/r6551.ts';
import type { ArchimedesMedia } from './archimedes-media.ts';
import { CYCLE_BITS, onPeripheralBus, peripheralBank } from './peripheral-bus.ts';

const ACIA_HZ = 1_843_200;
const DRIVES = 2;

/** What is at the peripheral bus besides IOC. */
export interface Peripherals {
  readonly regions: readonly Region[];
  /** The serial port, and the printer. */
  readonly serial: readonly SerialLine[];
}

/** 1772, 6551 and output latches of the 300, 400 and 3000 series. */
export function addDiscretePeripherals(board: Board, ioc: Ioc, media: ArchimedesMedia): Peripherals {
  const drives = Array.from({ length: DRIVES }, (_, n) =>
    board.add(new ShugartDrive(board.chip(`floppy:${n}`), media.floppies[n])),
  );
  const fdc = board.add(new Wd1772(board.chip('fdc')));
  const printer = board.add(new CentronicsPrinter(board.chip('printer')));
  const latches = board.add(new ArcLatches(board.chip('latches'), { fdc, drives }));
  const acia = board.add(new R6551(board.chip('acia'), { clock: board.clock('acia', ACIA_HZ) }));
  const line = new SerialLine('serial');
  const paper = new SerialLine('printer');
  acia.port = line;
  printer.paper = paper;
  latches.onPrinterData = (byte) => (printer.data = byte);

  //         source                sink
  board.wire(acia.irq, ioc.il(2), 'ioc.il2');
  board.wire(latches.diskChanged, ioc.il(4), 'ioc.il4');
  board.wire(fdc.drq, ioc.fh(0), 'ioc.fh0');
  board.wire(fdc.intrq, ioc.fh(1), 'ioc.fh1');
  board.wire(latches.ready, (level) => ioc.cW(2, level), 'ioc.c2');
  board.wire(latches.printerStrobe, (level) => printer.strobeW(level), 'printer.strobe');
  board.wire(printer.busy, ioc.il(6), 'ioc.il6');
  board.wire(printer.ack, (level) => ioc.ifW(level), 'ioc.if');
  board.nc(acia.rts);
  board.nc(acia.dtr);

  const bank = peripheralBank;
  return {
    regions: [
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
    ],
    serial: [line, paper],
  };
}
