// SPDX-License-Identifier: MIT
import type { Board } from '../backplane/board.ts';
import type { BusTarget } from '../backplane/bus.ts';
import { type Region, region } from '../backplane/memory-map.ts';
import { SerialLine } from '../backplane/serial-line.ts';
import { OrWire } from '../backplane/wire.ts';
import { ArcLatches } from '../devices/acorn/arc-latches.ts';
import type { Ioc } from '../devices/acorn/ioc.ts';
import { ShugartDrive } from '../devices/floppy/shugart-drive.ts';
import { Wd1772 } from '../devices/floppy/wd1772.ts';
import { CentronicsPrinter } from '../devices/printer/centronics-printer.ts';
import { R6551 } from '../devices/serial/r6551.ts';
import { Hd63463 } from '../devices/st506/hd63463.ts';
import type { ArchimedesMedia } from './archimedes-media.ts';
import { CYCLE_BITS, onPeripheralBus, peripheralBank } from './peripheral-bus.ts';
import { st506Drive } from './st506-geometry.ts';

const ACIA_HZ = 1_843_200;
const DRIVES = 2;

/** What is at the peripheral bus besides IOC. */
export interface Peripherals {
  readonly regions: readonly Region[];
  /** The serial port, and the printer. */
  readonly serial: readonly SerialLine[];
}

/** 1772, 6551 and output latches of the 300, 400 and 3000 series. */
export function addDiscretePeripherals(
  board: Board,
  { ioc, media, st506 }: { readonly ioc: Ioc; readonly media: ArchimedesMedia; readonly st506: boolean },
): Peripherals {
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
  board.wire(printer.busy, (level) => ioc.il(6)(!level), 'ioc.il6', 'active while it is not busy');
  board.wire(printer.ack, (level) => ioc.ifW(level), 'ioc.if');
  board.nc(acia.rts);
  board.nc(acia.dtr);

  let bank5 = onPeripheralBus(latches, 'words');
  if (st506) {
    const hdc = board.add(new Hd63463(board.chip('hdc'), media.hardDisks.map(st506Drive)));
    const winchester = new OrWire('winchester');
    board.wire(hdc.irq, winchester.input(), 'winchester');
    board.wire(hdc.dreq, winchester.input(), 'winchester');
    board.wire(winchester, ioc.il(3), 'ioc.il3');
    bank5 = besideLatches(hdc, bank5);
  }

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
        .device(bank5, st506 ? 'latches, hdc' : 'latches')
        .mirror(CYCLE_BITS),
    ],
    serial: [line, paper],
  };
}

const RS = 0x04;
const DACK = 0x08;
const READ = 0x20;
const LATCHES = 0x50;

/**
 * The disk controller has what the latches leave of their bank. Address bits are its RS, DACK and R/W, the last of
 * which is the other way round in cycles with DACK.
 */
function besideLatches(hdc: Hd63463, latches: BusTarget): BusTarget {
  return {
    ...latches,
    read: (offset, width) => {
      if (offset & LATCHES) return latches.read(offset, width);
      if (offset & 3 && width !== 4) return 0xff;
      const selected = offset & DACK ? (offset & READ) === 0 : (offset & READ) !== 0;
      if (!selected) return width === 1 ? 0xff : 0xffff;
      const word = offset & DACK ? hdc.readDack() : hdc.read(offset & RS ? 2 : 0, 2);
      return width === 1 ? word & 0xff : word;
    },
    write: (offset, width, value) => {
      const word = width === 4 ? value >>> 16 : (value & 0xff) * 0x101;
      if (offset & LATCHES) latches.write(offset, width, value);
      else if (offset & DACK) {
        if (offset & READ) hdc.writeDack(word);
      } else if ((offset & READ) === 0) hdc.write(offset & RS ? 2 : 0, 2, word);
    },
    peek: (offset) => {
      if (offset & LATCHES) return latches.peek?.(offset);
      return offset & DACK || offset & 3 || (offset & READ) === 0 ? undefined : hdc.peek(offset & RS ? 2 : 0) & 0xff;
    },
  };
}
