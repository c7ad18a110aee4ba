// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { strided } from '../../../../machines/backplane/strided.ts';
import { R6522 } from '../../../../machines/devices/timer/r6522.ts';
import { expectSnapshotLaw, FakeBoard } from '../../../support/fake-board.ts';

const [ORB, ORA, DDRB, DDRA, T1C_L, T1C_H, T1L_L, T1L_H, T2C_L, T2C_H, SR, ACR, PCR, IFR, IER, ORA_NH] = Array.from(
  { length: 16 },
  (_, register) => register,
) as [
  number,
  number,
  number,
  number,
  number,
  number,
  number,
  number,
  number,
  number,
  number,
  number,
  number,
  number,
  number,
  number,
];

/** One master tick is one phase 2 cycle, so that counts can be compared exactly. */
function make(cell: 'r6522' | 'macio' = 'r6522', watched = false) {
  const board = new FakeBoard(783_360);
  const clock = board.board.clock('phi2', 783_360);
  const via = new R6522(board.chip('via'), { clock, cell });
  const shifted: number[] = [];
  if (watched) {
    via.cb1.to((level) => {
      if (level) shifted.push(via.cb2.level ? 1 : 0);
    });
  }
  board.board.add(via);
  board.board.reset('cold');
  shifted.length = 0;
  return {
    board,
    via,
    shifted,
    w: (register: number, value: number) => {
      via.write(register, 1, value);
    },
    r: (register: number) => via.read(register, 1),
  };
}

describe('R6522', () => {
  describe('ports', () => {
    it('drives what is an output and reads pins where it is not', () => {
      const { via, w, r } = make();
      w(DDRA, 0xf0);
      w(ORA, 0xa5);
      via.paW(0, false);
      expect(r(ORA)).toBe(0xae);
      expect(via.pa.map((wire) => wire.level)).toEqual([true, true, true, true, false, true, false, true]);
      w(DDRB, 0x01);
      w(ORB, 0x00);
      via.pbW(0, true);
      expect(r(ORB)).toBe(0xfe);
      expect(r(DDRB)).toBe(0x01);
    });

    it('latches inputs on the active edge of CA1 and CB1 until the flag is cleared', () => {
      const { via, w, r } = make();
      w(ACR, 0x03);
      via.paW(3, false);
      via.pbW(5, false);
      via.ca1W(false);
      via.cb1W(false);
      via.paW(3, true);
      via.pbW(5, true);
      expect(r(ORA_NH)).toBe(0xf7);
      expect(r(ORA)).toBe(0xf7);
      expect(r(ORA)).toBe(0xff);
      expect(r(ORB)).toBe(0xdf);
      expect(r(ORB)).toBe(0xff);
    });
  });

  describe('control lines', () => {
    it('raises CA1 and CA2 on the edge PCR chooses, and port accesses clear them', () => {
      const { via, w, r, board } = make();
      const irq = board.watch(via.irq);
      w(PCR, 0x05); // CA1 positive, CA2 input positive
      w(IER, 0x83);
      via.ca1W(false);
      via.ca2W(false);
      expect(r(IFR)).toBe(0);
      via.ca1W(true);
      via.ca2W(true);
      expect(r(IFR)).toBe(0x83);
      r(ORA_NH);
      expect(r(IFR)).toBe(0x83);
      r(ORA);
      expect(r(IFR)).toBe(0);
      expect(irq).toEqual([true, false]);
    });

    it('keeps an independent CA2 flag through a port access', () => {
      const { via, w, r } = make();
      w(PCR, 0x02); // CA2 independent, negative
      via.ca2W(false);
      r(ORA);
      expect(r(IFR)).toBe(0x01);
      w(IFR, 0x01);
      expect(r(IFR)).toBe(0);
    });

    it('handshakes: CA2 falls on an access to ORA and rises with CA1, CB2 falls on a write only', () => {
      const { via, w, r } = make();
      w(PCR, 0x88);
      expect([via.ca2.level, via.cb2.level]).toEqual([true, true]);
      r(ORA);
      r(ORB);
      expect([via.ca2.level, via.cb2.level]).toEqual([false, true]);
      w(ORB, 0);
      expect(via.cb2.level).toBe(false);
      via.ca1W(false);
      via.cb1W(false);
      expect([via.ca2.level, via.cb2.level]).toEqual([true, true]);
    });

    it('pulses for one cycle, and holds levels in manual modes', () => {
      const { via, w, board } = make();
      w(PCR, 0x0a);
      w(ORA, 0);
      expect(via.ca2.level).toBe(false);
      board.advance(1);
      expect(via.ca2.level).toBe(true);
      w(PCR, 0xcc);
      expect([via.ca2.level, via.cb2.level]).toEqual([false, false]);
      w(PCR, 0xee);
      expect([via.ca2.level, via.cb2.level]).toEqual([true, true]);
    });
  });

  describe('timer 1', () => {
    it('times out once, two cycles after counting N down, and reads N - e in cycle e', () => {
      const { via, board, w, r } = make();
      w(IER, 0xc0);
      w(T1C_L, 0x10);
      w(T1C_H, 0x00);
      board.advance(0x10);
      expect([r(T1C_H), r(T1L_L), r(T1L_H)]).toEqual([0, 0x10, 0]);
      expect(via.peek(T1C_L)).toBe(0);
      board.advance(1);
      expect(via.peek(T1C_H)).toBe(0xff);
      expect(via.irq.level).toBe(false);
      board.advance(1);
      expect(via.irq.level).toBe(true);
      expect(r(IFR)).toBe(0xc0);
      r(T1C_L);
      expect(via.irq.level).toBe(false);
      board.advance(0x12 * 5);
      expect(r(IFR)).toBe(0);
    });

    it('free-runs with a period of N + 2, taking a new latch at the next reload', () => {
      const { board, via, w, r } = make();
      w(ACR, 0x40);
      w(T1C_L, 8);
      w(T1C_H, 0);
      w(T1L_L, 98);
      w(T1L_H, 0);
      board.advance(10);
      expect(r(IFR)).toBe(0x40);
      expect(via.peek(T1C_L)).toBe(98);
      r(T1C_L);
      board.advance(99);
      expect(r(IFR)).toBe(0);
      board.advance(1);
      expect(r(IFR)).toBe(0x40);
      w(T1L_H, 0);
      expect(r(IFR)).toBe(0);
    });

    it('toggles PB7 when free running and pulses it low in one-shot mode', () => {
      const { board, via, w, r } = make();
      const levels = board.watch(via.pb[7]!);
      w(ACR, 0xc0);
      expect(levels).toEqual([]);
      w(T1C_L, 3);
      w(T1C_H, 0);
      board.advance(16);
      expect(levels).toEqual([false, true, false, true]);
      expect(r(ORB) & 0x80).toBe(0x80);
      w(ACR, 0x80);
      w(T1C_H, 0);
      board.advance(4);
      expect(r(ORB) & 0x80).toBe(0);
      board.advance(1);
      expect(r(ORB) & 0x80).toBe(0x80);
    });

    it('has the rate of its own clock, whatever the master rate', () => {
      const board = new FakeBoard(66_820_000);
      const via = new R6522(board.chip('via'), { clock: board.board.clock('via', 783_360) });
      board.board.add(via);
      board.board.reset('cold');
      via.write(ACR, 1, 0x40);
      via.write(IER, 1, 0xc0);
      via.write(T1C_L, 1, 0x00);
      via.write(T1C_H, 1, 0x10);
      let count = 0;
      via.irq.to((level) => {
        if (level) {
          count++;
          via.read(T1C_L, 1);
        }
      });
      board.advance(66_820_000 * 2);
      expect(count).toBe(Math.floor((783_360 * 2) / 0x1002));
    });
  });

  describe('timer 2', () => {
    it('is one-shot and runs on through zero', () => {
      const { board, via, w, r } = make();
      w(IER, 0xa0);
      w(T2C_L, 4);
      w(T2C_H, 1);
      expect(r(T2C_H)).toBe(1);
      board.advance(0x105);
      expect(via.irq.level).toBe(false);
      board.advance(1);
      expect(via.irq.level).toBe(true);
      expect([r(T2C_H), r(T2C_L)]).toEqual([0xff, 0xfe]);
      expect(r(IFR)).toBe(0);
      board.advance(0x1_0000 * 3);
      expect(r(IFR)).toBe(0);
    });

    it('counts falling edges of PB6', () => {
      const { board, via, w, r } = make();
      w(ACR, 0x20);
      w(T2C_L, 3);
      w(T2C_H, 0);
      board.advance(1000);
      for (let pulse = 0; pulse < 2; pulse++) {
        via.pbW(6, false);
        via.pbW(6, true);
      }
      expect([r(T2C_H), via.peek(T2C_L), r(IFR)]).toEqual([0, 1, 0]);
      via.pbW(6, false);
      expect(r(IFR)).toBe(0x20);
      expect(r(T2C_L)).toBe(0);
      expect(r(IFR)).toBe(0);
    });
  });

  describe('shift register', () => {
    const clockOut = (via: R6522, bits: number[]) => {
      for (const bit of bits) {
        via.cb1W(false);
        via.cb2W(bit === 1);
        via.cb1W(true);
      }
    };
    const clockIn = (via: R6522) => {
      let byte = 0;
      for (let bit = 0; bit < 8; bit++) {
        via.cb1W(false);
        byte = (byte << 1) | (via.cb2.level ? 1 : 0);
        via.cb1W(true);
      }
      return byte;
    };

    it('shifts in under CB1 and raises its flag after the eighth clock', () => {
      const { via, w, r } = make();
      w(ACR, 0x0c);
      r(SR);
      clockOut(via, [1, 0, 1, 1, 0, 0, 1]);
      expect(r(IFR) & 4).toBe(0);
      clockOut(via, [0]);
      expect(r(IFR) & 4).toBe(4);
      expect(r(SR)).toBe(0xb2);
      expect(r(IFR) & 4).toBe(0);
    });

    it('shifts out under CB1, and circulates', () => {
      const { via, w, r } = make();
      w(ACR, 0x1c);
      w(SR, 0x3a);
      expect(clockIn(via)).toBe(0x3a);
      expect(r(IFR) & 4).toBe(4);
      expect(r(SR)).toBe(0x3a);
    });

    it('shifts in mode 0 without ever raising the flag', () => {
      const { via, r } = make();
      clockOut(via, [0, 1, 0, 1, 0, 1, 0, 1]);
      expect(r(IFR) & 4).toBe(0);
      expect(r(SR)).toBe(0x55);
    });

    it.each([
      ['phase 2', 0x18, 16],
      ['timer 2', 0x14, 16 * (5 + 2)],
    ])('shifts out at the rate of %s', (_name, acr, cycles) => {
      const { via, board, w, r, shifted } = make('r6522', true);
      w(ACR, acr);
      w(T2C_L, 5);
      w(SR, 0xc5);
      board.advance(cycles - 1);
      expect(via.peek(IFR) & 4).toBe(0);
      board.advance(1);
      expect(r(IFR) & 4).toBe(4);
      board.advance(1000);
      expect(shifted).toEqual([1, 1, 0, 0, 0, 1, 0, 1]);
    });

    it.each([
      ['phase 2', 0x08, 16],
      ['timer 2', 0x04, 16 * 3],
    ])('shifts in at the rate of %s', (_name, acr, cycles) => {
      const { via, board, w, r } = make();
      w(ACR, acr);
      w(T2C_L, 1);
      via.cb2W(false);
      w(SR, 0xff);
      board.advance(cycles);
      expect(r(IFR) & 4).toBe(4);
      expect(r(SR)).toBe(0);
    });

    it('rotates for ever in free-running mode, watched or not', () => {
      const unwatched = make();
      const watched = make('r6522', true);
      for (const { board, w, r } of [unwatched, watched]) {
        w(T2C_L, 8);
        w(ACR, 0x10);
        w(SR, 0x01);
        board.advance(9);
        expect(r(SR)).toBe(0x01);
        board.advance(20 * 11 - 9);
        expect(r(SR)).toBe(0x08);
        expect(r(IFR) & 4).toBe(0);
      }
    });

    it('is a one-way street with fixed clock in the macio cell', () => {
      const { via, w, r } = make('macio');
      w(ACR, 0xff);
      expect(r(ACR)).toBe(0x5c);
      w(ACR, 0x10);
      w(SR, 0x81);
      expect(clockIn(via)).toBe(0x81);
      expect(r(IFR) & 4).toBe(4);
      w(ACR, 0x00);
      r(SR);
      clockOut(via, [1, 1, 1, 1, 0, 0, 0, 0]);
      expect(r(IFR) & 4).toBe(4);
      expect(r(SR)).toBe(0xf0);
      expect(via.pb[4]!.level && via.pb[5]!.level).toBe(true);
    });
  });

  it('reads IER with bit 7 set, sets and clears by its bit 7, and ORs flags into IFR bit 7', () => {
    const { w, r, via } = make();
    w(IER, 0xff);
    w(IER, 0x15);
    expect(r(IER)).toBe(0xea);
    via.cb2W(false);
    expect(r(IFR)).toBe(0x88);
    w(IER, 0x08);
    expect(r(IFR)).toBe(0x08);
  });

  it('answers at a stride', () => {
    const { via } = make();
    const target = strided(via, 9);
    expect(target.span).toBe(0x2000);
    target.write(0x400 * 1 + 0x200, 1, 0x5a); // DDRA
    expect(target.read(0x600, 1)).toBe(0x5a);
    expect(target.read(0x7ff, 1)).toBe(0x5a);
    expect(strided(via, 4, { lane: 3 }).read(0x30, 1)).toBe(0);
    expect(strided(via, 4, { lane: 3 }).read(0x33, 1)).toBe(0x5a);
  });

  it('obeys the snapshot law in mid-flight', () => {
    const { board, via, w } = make();
    w(IER, 0xff);
    w(ACR, 0xd8);
    w(T1C_L, 77);
    w(T1C_H, 1);
    w(T2C_H, 2);
    w(SR, 0x99);
    board.advance(5);
    const saved = via.save();
    expectSnapshotLaw(via, () => new R6522(board.chip('other'), { clock: board.board.clock('x', 783_360) }));
    board.advance(400);
    const after = via.save();
    via.reset('snapshot');
    board.scheduler.restore({ masterHz: 783_360, now: 5 });
    via.restore(structuredClone(saved));
    via.settle();
    board.advance(400);
    expect(via.save()).toEqual(after);
  });

  it.each(['r6522', 'macio'] as const)('survives random accesses (%s)', (cell) => {
    const { board, via } = make(cell, true);
    let seed = 12345;
    const random = (n: number) => ((seed = (Math.imul(seed, 1103515245) + 12345) >>> 0) >>> 8) % n;
    for (let i = 0; i < 30_000; i++) {
      const register = random(16);
      if (random(2)) via.write(register, 1, random(256));
      else expect(via.read(register, 1) & ~0xff).toBe(0);
      if (random(4) === 0) [via.ca1W, via.ca2W, via.cb1W, via.cb2W][random(4)]!.call(via, random(2) === 1);
      if (random(4) === 0) via.pbW(random(8), random(2) === 1);
      if (random(8) === 0) board.advance(random(300));
      expect(board.scheduler.headroom).toBeGreaterThanOrEqual(0);
    }
  });
});
