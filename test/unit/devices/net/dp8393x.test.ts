// SPDX-License-Identifier: MIT
import { beforeEach, describe, expect, it } from 'vitest';
import { readTarget, type Width, writeTarget } from '../../../../machines/backplane/bus.ts';
import { Dp8393x, type Dp8393xOptions } from '../../../../machines/devices/net/dp8393x.ts';
import { type EthernetLink, frameCheckSequence } from '../../../../machines/devices/net/ethernet.ts';
import { expectSnapshotLaw, FakeBoard } from '../../../support/fake-board.ts';

const R = {
  cr: 0x00,
  dcr: 0x01,
  rcr: 0x02,
  tcr: 0x03,
  imr: 0x04,
  isr: 0x05,
  utda: 0x06,
  ctda: 0x07,
  urda: 0x0d,
  crda: 0x0e,
  rbwc0: 0x11,
  eobc: 0x13,
  urra: 0x14,
  rsa: 0x15,
  rea: 0x16,
  rrp: 0x17,
  rwp: 0x18,
  cep: 0x21,
  cap2: 0x22,
  cap0: 0x24,
  ce: 0x25,
  cdp: 0x26,
  cdc: 0x27,
  sr: 0x28,
  wt0: 0x29,
  wt1: 0x2a,
  rsc: 0x2b,
  crct: 0x2c,
  mpt: 0x2e,
} as const;
const [LCAM, RRRA, RST, ST, STP, RXEN, RXDIS, TXP, HTX] = [0x200, 0x100, 0x80, 0x20, 0x10, 8, 4, 2, 1];
const [LCD, PINT, PKTRX, TXDN, TXER, TC, RDE, RBE, RBAE] = [0x1000, 0x800, 0x400, 0x200, 0x100, 0x80, 0x40, 0x20, 0x10];
const OWN = [0x08, 0x00, 0x07, 1, 2, 3];
/** Places in memory. */
const [CDA, TDA, RDA, RRA, BUFFERS, PACKETS] = [0x1000, 0x2000, 0x3000, 0x4000, 0x8000, 0x1_8000];
const RESOURCES = 4;
const BUFFER_BYTES = 1520;

class Bench {
  readonly board = new FakeBoard();
  readonly memory = new Uint8Array(0x2_0000);
  readonly cable: EthernetLink & { sent: Uint8Array[] } = { sent: [], send: (frame) => this.cable.sent.push(frame) };
  readonly chip: Dp8393x;

  constructor(options: Partial<Dp8393xOptions> = {}) {
    const dma = {
      dmaRead: (pa: number, into: Uint8Array) => into.set(this.memory.subarray(pa, pa + into.length)),
      dmaWrite: (pa: number, from: Uint8Array) => {
        this.memory.set(from.subarray(0, Math.max(0, this.memory.length - pa)), Math.min(pa, this.memory.length));
      },
    };
    this.chip = new Dp8393x(this.board.chip('sonic'), { dma, stride: 4, link: this.cable, ...options });
    this.board.board.add(this.chip);
    this.board.board.reset('cold');
  }

  r(register: number): number {
    return readTarget(this.chip, register * 4 + 2, 2);
  }

  w(register: number, value: number): void {
    writeTarget(this.chip, register * 4 + 2, 2, value);
  }

  /** Field of a descriptor in 32-bit mode. */
  get(pa: number, field: number): number {
    return (this.memory[pa + field * 4 + 2]! << 8) | this.memory[pa + field * 4 + 3]!;
  }

  put(pa: number, ...fields: number[]): void {
    fields.forEach((value, i) => this.memory.set([0, 0, value >>> 8, value & 0xff], pa + i * 4));
  }

  /** As a driver starts the chip: reset, 32 bits, buffers, descriptors, address. */
  start(): void {
    this.w(R.cr, RST);
    this.w(R.dcr, 0x0020);
    this.w(R.cr, 0);
    for (let i = 0; i < RESOURCES; i++) {
      this.put(RRA + i * 16, BUFFERS + i * 0x800, 0, BUFFER_BYTES / 2, 0);
      this.put(RDA + i * 28, 0, 0, 0, 0, 0, (RDA + ((i + 1) % RESOURCES) * 28) | (i === RESOURCES - 1 ? 1 : 0), 1);
    }
    this.w(R.rsa, RRA);
    this.w(R.rea, RRA + RESOURCES * 16);
    this.w(R.rrp, RRA);
    this.w(R.rwp, RRA + (RESOURCES - 1) * 16);
    this.w(R.eobc, BUFFER_BYTES / 2 - 2);
    this.w(R.cr, RRRA);
    this.w(R.crda, RDA);
    this.put(CDA, 0, OWN[0]! | (OWN[1]! << 8), OWN[2]! | (OWN[3]! << 8), OWN[4]! | (OWN[5]! << 8), 1);
    this.w(R.cdp, CDA);
    this.w(R.cdc, 1);
    this.w(R.cr, LCAM);
    this.w(R.rcr, 0x2000);
    this.w(R.isr, 0x7fff);
    this.w(R.imr, 0x7fff);
    this.w(R.cr, RXEN | STP);
  }

  /** A transmit descriptor with fragments; its link is what follows, or the end. */
  transmit(pa: number, link: number, config: number, ...fragments: readonly Uint8Array[]): void {
    const total = fragments.reduce((sum, one) => sum + one.length, 0);
    let at = PACKETS + (pa - TDA) * 16;
    const fields = fragments.flatMap((one) => {
      this.memory.set(one, at);
      const field = [at & 0xffff, at >>> 16, one.length];
      at += one.length;
      return field;
    });
    this.put(pa, 0, config, total, fragments.length, ...fields, link);
  }

  frame(to: readonly number[], length = 60): Uint8Array {
    const frame = Uint8Array.from({ length }, (_, i) => (i * 7) & 0xff);
    frame.set([...to, 8, 0, 9, 4, 5, 6]);
    return frame;
  }
}

let b: Bench;
beforeEach(() => {
  b = new Bench();
});

describe('Dp8393x registers', () => {
  it('have reset values', () => {
    expect([b.r(R.cr), b.r(R.tcr), b.r(R.eobc), b.r(R.sr), b.r(R.isr)]).toEqual([0x94, 0x0101, 0x2f8, 4, 0]);
  });

  it('keep DCR and CAM enable for reset, and show the CAM only there', () => {
    b.w(R.dcr, 0x4020);
    expect(b.r(R.dcr)).toBe(0x20);
    b.start();
    b.w(R.dcr, 0);
    expect(b.r(R.dcr)).toBe(0x20);
    expect(b.board.logged('guest')).toHaveLength(1);
    expect(b.r(R.cap0)).toBe(0);
    b.w(R.cr, RST);
    b.w(R.cep, 0);
    expect([b.r(R.cap0), b.r(R.cap2)]).toEqual([0x0008, 0x0302]);
    expect(b.r(R.ce)).toBe(1);
  });

  it('take tally counters upside down, and ones clear the interrupt status', () => {
    b.w(R.crct, 0xffff);
    expect(b.r(R.crct)).toBe(0);
    b.start();
    b.w(R.cr, LCAM);
    expect([b.r(R.isr), b.chip.irq.level]).toEqual([LCD, true]);
    b.w(R.isr, LCD);
    expect([b.r(R.isr), b.chip.irq.level]).toEqual([0, false]);
  });

  it('leave reset only by a command without RST, which does nothing else', () => {
    b.w(R.cr, RXEN);
    expect(b.r(R.cr)).toBe(STP | RXDIS);
    b.w(R.cr, RXEN);
    expect(b.r(R.cr)).toBe(STP | RXEN);
    b.w(R.cr, RXDIS);
    expect(b.r(R.cr)).toBe(STP | RXDIS);
  });

  it('answer at 16 bits a register too, in either byte order', () => {
    const little = new Bench({ stride: 2, byteOrder: 'little' });
    expect(little.chip.span).toBe(0x80);
    expect(readTarget(little.chip, R.sr * 2, 2)).toBe(4);
    expect(readTarget(little.chip, R.sr * 2, 1)).toBe(4);
  });
});

describe('Dp8393x transmitter', () => {
  beforeEach(() => {
    b.start();
    b.w(R.ctda, TDA);
  });

  it('gathers fragments and takes the time of the cable', () => {
    const frame = b.frame([1, 2, 3, 4, 5, 6], 100);
    b.transmit(TDA, 1, 0, frame.subarray(0, 14), frame.subarray(14, 50), frame.subarray(50));
    b.w(R.cr, TXP);
    expect(b.r(R.cr) & TXP).toBe(TXP);
    b.board.advanceNs(112 * 800);
    expect(b.cable.sent).toHaveLength(0);
    b.board.advanceNs(10_000);
    expect(b.cable.sent).toEqual([frame]);
    expect([b.r(R.cr) & TXP, b.r(R.isr), b.get(TDA, 0)]).toEqual([0, TXDN, 1]);
    expect(b.chip.irq.level).toBe(true);
  });

  it('follows a list to its end, and goes on where it is made longer', () => {
    const [one, two, three] = [60, 61, 62].map((length) => b.frame(OWN, length)) as [
      Uint8Array,
      Uint8Array,
      Uint8Array,
    ];
    b.transmit(TDA, TDA + 0x80, 0, one);
    b.transmit(TDA + 0x80, (TDA + 0x100) | 1, 0x8000, two);
    b.w(R.cr, TXP);
    b.board.advanceNs(1_000_000);
    expect(b.cable.sent).toEqual([one, two]);
    expect(b.r(R.isr)).toBe(TXDN | PINT);
    expect(b.r(R.ctda)).toBe((TDA + 0x100) | 1);
    b.transmit(TDA + 0x100, 1, 0, three);
    b.w(R.cr, TXP);
    b.board.advanceNs(1_000_000);
    expect(b.cable.sent).toHaveLength(3);
  });

  it('is halted behind the packet on its way', () => {
    b.transmit(TDA, TDA, 0, b.frame(OWN)); // a ring without an end
    b.w(R.cr, TXP);
    b.board.advanceNs(1_000_000);
    const { length } = b.cable.sent;
    expect(length).toBeGreaterThan(10);
    b.w(R.cr, HTX);
    b.board.advanceNs(1_000_000);
    expect(b.cable.sent).toHaveLength(length + 1);
    expect([b.r(R.cr) & TXP, b.r(R.isr)]).toEqual([0, TXDN]);
  });

  it('stops at a packet whose fragments are not as long as it', () => {
    b.transmit(TDA, 1, 0, b.frame(OWN));
    b.put(TDA + 8, 61);
    b.w(R.cr, TXP);
    b.board.advanceNs(1_000_000);
    expect([b.r(R.isr), b.get(TDA, 0) & 3, b.r(R.ctda)]).toEqual([TXER, 2, TDA]);
    expect(b.cable.sent).toHaveLength(0);
  });

  it('takes away a frame check sequence of the host', () => {
    const frame = b.frame(OWN);
    b.transmit(TDA, 1, 0x2000, frame, frameCheckSequence(frame));
    b.w(R.cr, TXP);
    b.board.advanceNs(1_000_000);
    expect(b.cable.sent).toEqual([frame]);
  });

  it('misses the carrier without a cable', () => {
    b = new Bench({ link: undefined });
    b.start();
    b.w(R.ctda, TDA);
    b.transmit(TDA, 1, 0, b.frame(OWN));
    b.w(R.cr, TXP);
    b.board.advanceNs(1_000_000);
    expect([b.r(R.isr), b.get(TDA, 0)]).toEqual([TXDN, 0x0181]);
    expect(b.r(R.rcr) & 0x20).toBe(0);
  });

  it('loops back to its own receiver', () => {
    for (const mode of [0x0200, 0x0400, 0x0600]) {
      b = new Bench();
      b.start();
      b.w(R.rcr, mode);
      b.w(R.ctda, TDA);
      b.transmit(TDA, 1, 0, b.frame(OWN));
      b.w(R.cr, TXP);
      b.board.advanceNs(1_000_000);
      expect(b.cable.sent).toHaveLength(0);
      expect(b.r(R.isr)).toBe(TXDN | PKTRX);
      expect(b.get(RDA, 0) & 0x43).toBe(0x43); // received, looped, last of its buffer
    }
  });
});

describe('Dp8393x receiver', () => {
  beforeEach(() => b.start());

  it('puts the packet with its check sequence into the buffer, and tells of it in the descriptor', () => {
    const frame = b.frame(OWN, 99);
    b.cable.onFrame!(frame);
    expect(b.r(R.isr)).toBe(PKTRX);
    expect([b.get(RDA, 0), b.get(RDA, 1), b.get(RDA, 2), b.get(RDA, 3), b.get(RDA, 4), b.get(RDA, 6)]).toEqual([
      0x2041,
      103,
      BUFFERS,
      0,
      0,
      0,
    ]);
    expect(b.memory.slice(BUFFERS, BUFFERS + 99)).toEqual(frame);
    expect(b.memory.slice(BUFFERS + 99, BUFFERS + 103)).toEqual(frameCheckSequence(frame));
    expect(b.memory[BUFFERS + 103]).toBe(0xff);
    expect(b.r(R.crda)).toBe(RDA + 28);
  });

  it('puts several packets into a buffer with room for them', () => {
    b.w(R.eobc, 100);
    b.cable.onFrame!(b.frame(OWN));
    b.cable.onFrame!(b.frame(OWN));
    expect([b.get(RDA, 0) & 0x40, b.get(RDA + 28, 2), b.get(RDA + 28, 4)]).toEqual([0, BUFFERS + 64, 1]);
    expect(b.r(R.rbwc0)).toBe(BUFFER_BYTES / 2 - 64);
  });

  it('takes what its filters let through', () => {
    const takes = (to: readonly number[]): number => {
      const before = b.r(R.crda);
      b.cable.onFrame!(b.frame(to));
      return b.r(R.crda) === before ? -1 : b.get(before, 0) & 0x180;
    };
    const [other, group, all] = [
      [8, 0, 7, 9, 9, 9],
      [1, 0, 0x5e, 1, 1, 1],
      [255, 255, 255, 255, 255, 255],
    ];
    expect([takes(OWN), takes(other), takes(group)]).toEqual([0, -1, -1]);
    expect(takes(all)).toBe(0x80);
    b.w(R.rcr, 0x1800);
    expect([takes(other), takes(all)]).toEqual([0, -1]);
    b = new Bench();
    b.start();
    b.w(R.rcr, 0x0800);
    expect(takes(group)).toBe(0x100);
    b.w(R.cr, RXDIS);
    expect(takes(OWN)).toBe(-1);
  });

  it('drops short frames unless it is to take them', () => {
    b.cable.onFrame!(b.frame(OWN, 20));
    expect(b.r(R.isr)).toBe(0);
    b.w(R.rcr, 0x4000);
    b.cable.onFrame!(b.frame(OWN, 20));
    expect(b.r(R.isr)).toBe(PKTRX);
  });

  it('runs out of buffers, counts what it misses, and goes on when there are more', () => {
    for (let i = 0; i < 2; i++) b.cable.onFrame!(b.frame(OWN));
    expect(b.r(R.isr)).toBe(PKTRX | RBE); // the last buffer is in use
    b.cable.onFrame!(b.frame(OWN));
    b.w(R.crct + 2, 0xffff);
    b.cable.onFrame!(b.frame(OWN));
    expect(b.r(R.mpt)).toBe(1);
    b.w(R.rwp, RRA + 16);
    b.w(R.isr, RBE);
    b.cable.onFrame!(b.frame(OWN));
    expect(b.r(R.mpt)).toBe(1);
    expect(b.get(RDA + 3 * 28, 2)).toBe(BUFFERS + 3 * 0x800);
  });

  it('runs out of descriptors, and goes on when the list is longer', () => {
    b.w(R.rwp, 0); // never out of buffers
    for (let i = 0; i < RESOURCES; i++) b.cable.onFrame!(b.frame(OWN));
    expect(b.r(R.isr) & RDE).toBe(RDE);
    expect(b.get(RDA + 3 * 28, 6)).toBe(1);
    b.cable.onFrame!(b.frame(OWN));
    expect(b.r(R.mpt)).toBe(1);
    b.put(RDA + 3 * 28 + 20, RDA); // the end of the list is gone
    b.cable.onFrame!(b.frame(OWN, 70));
    expect([b.get(RDA + 3 * 28, 6), b.get(RDA, 1)]).toEqual([0, 74]);
  });

  it('tells of a packet that no buffer has room for', () => {
    b.cable.onFrame!(b.frame(OWN, 1600));
    expect(b.r(R.isr)).toBe(RBAE);
  });
});

describe('Dp8393x timer', () => {
  it('counts down at 5 MHz and interrupts behind zero', () => {
    b.start();
    b.w(R.wt0, 1000);
    b.w(R.wt1, 0);
    b.w(R.cr, ST);
    b.board.advanceNs(100_000);
    expect(b.r(R.wt0)).toBe(500);
    b.board.advanceNs(100_000);
    expect(b.r(R.isr) & TC).toBe(0);
    b.board.advanceNs(400);
    expect([b.r(R.isr) & TC, b.r(R.wt1)]).toEqual([TC, 0xffff]);
    b.w(R.cr, STP);
    const stopped = b.r(R.wt0);
    b.board.advanceNs(1_000_000);
    expect(b.r(R.wt0)).toBe(stopped);
  });
});

describe('Dp8393x snapshot and fuzz', () => {
  it('keeps the law with a packet on its way', () => {
    b.start();
    b.w(R.ctda, TDA);
    b.transmit(TDA, 1, 0, b.frame(OWN, 500));
    b.w(R.wt1, 1);
    b.w(R.cr, TXP | ST);
    b.board.advanceNs(10_000);
    expectSnapshotLaw(b.chip);
    const other = new Bench();
    other.memory.set(b.memory);
    other.board.board.restore(structuredClone(b.board.board.save()));
    other.board.advanceNs(1_000_000);
    expect(other.cable.sent).toEqual([b.frame(OWN, 500)]);
    expect(other.r(R.wt0)).toBe((0x1_0000 - 5050) & 0xffff);
  });

  it('survives random accesses', () => {
    let seed = 83932;
    const random = (below: number) => {
      seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
      return (seed >>> 8) % below;
    };
    for (let i = 0; i < b.memory.length; i++) b.memory[i] = random(256);
    b.start();
    for (let i = 0; i < 15_000; i++) {
      const width = ([1, 2, 2, 4] as const)[random(4)]!;
      const offset = random(0x100) & ~(width - 1);
      if (random(2) === 0) {
        const value = readTarget(b.chip, offset, width);
        expect(Number.isInteger(value) && value >= 0 && value < 2 ** (width * 8)).toBe(true);
      } else writeTarget(b.chip, offset, width as Width, random(0x1_0000) & (width === 1 ? 0xff : 0xffff));
      if (random(20) === 0) b.w(R.cr, [0, RXEN, TXP, LCAM, RRRA, ST, HTX, RST][random(8)]!);
      if (random(20) === 0) b.cable.onFrame!(b.frame(OWN, 12 + random(1600)));
      if (random(4) === 0) b.board.advanceNs(random(100_000));
    }
    expect(b.board.scheduler.headroom).toBeGreaterThanOrEqual(0);
  });
});
