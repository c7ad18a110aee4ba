// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { BYTE_REGISTERS, type BusTarget } from '../../../../machines/backplane/bus.ts';
import { region } from '../../../../machines/backplane/memory-map.ts';
import { ESCC_COMPATIBLE, rearranged, strided } from '../../../../machines/devices/macio/cells.ts';
import { FakeBoard } from '../../../support/fake-board.ts';

function recorder(span: number): BusTarget & { readonly log: string[] } {
  const log: string[] = [];
  return {
    span,
    access: BYTE_REGISTERS,
    log,
    read(offset) {
      log.push(`r ${offset.toString(16)}`);
      return 0x80 | offset;
    },
    write(offset, width, value) {
      log.push(`w${width} ${offset.toString(16)}=${value.toString(16)}`);
    },
  };
}

describe('strided', () => {
  it('makes one access of each, wherever it falls and however wide it is', () => {
    const map = new FakeBoard().map();
    const via = recorder(16);
    map.add(region(0x1_6000, 0x1_7fff).device(strided(via, 0x200), 'via'));
    expect(map.read(0x1_6000 + 0xd * 0x200, 1)).toBe(0x8d);
    expect(map.read(0x1_6200, 4)).toBe(0x8100_0000);
    expect(map.read(0x1_63ff, 1)).toBe(0x81);
    map.write(0x1_7e00, 2, 0xab00);
    expect(via.log).toEqual(['r d', 'r 1', 'r 1', 'w1 f=ab']);
  });

  it('reads zero past the registers there are', () => {
    const map = new FakeBoard().map();
    const short = recorder(2);
    map.add(region(0, 0x3f).device(strided(short, 0x10, 4), 'short'));
    map.write(0x30, 1, 1);
    expect([map.read(0x10, 1), map.read(0x20, 1), short.log]).toEqual([0x81, 0, ['r 1']]);
  });
});

describe('rearranged', () => {
  it('gives the serial controller its compatible order', () => {
    const map = new FakeBoard().map();
    const escc = recorder(0x100);
    map.add(region(0x1_2000, 0x1_20ff).device(rearranged(escc, 0x100, ESCC_COMPATIBLE), 'escc'));
    expect([0, 2, 4, 6, 8, 0xa, 0x80].map((offset) => map.read(0x1_2000 + offset, 1))).toEqual([
      0x80, 0xa0, 0x90, 0xb0, 0xc0, 0xd0, 0x80,
    ]);
    expect(map.read(0x1_2001, 1)).toBe(0);
    map.write(0x1_2006, 1, 0x41);
    map.write(0x1_2007, 1, 0x42);
    expect(escc.log.slice(7)).toEqual(['w1 30=41']);
  });
});
