// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import type { SerialPort } from '../../../../machines/backplane/host.ts';
import { MacioEscc } from '../../../../machines/devices/serial/macio-escc.ts';
import type { SccVariant } from '../../../../machines/devices/serial/scc-mode.ts';
import { Z85c30 } from '../../../../machines/devices/serial/z85c30.ts';
import { expectSnapshotLaw, FakeBoard } from '../../../support/fake-board.ts';

const RTXC = 3_686_400;

/** A host end that keeps what it got and gives what is typed. */
class Terminal implements SerialPort {
  readonly sent: number[] = [];
  readonly #typed: number[] = [];
  onReadable?: () => void;

  send(byte: number): void {
    this.sent.push(byte);
  }

  receive(): number {
    return this.#typed.shift() ?? -1;
  }

  get left(): number {
    return this.#typed.length;
  }

  type(...bytes: number[]): void {
    const idle = this.#typed.length === 0;
    this.#typed.push(...bytes);
    if (idle) this.onReadable?.();
  }
}

/** One master tick is one tick of RTxC, so that times can be compared exactly. */
function make(variant: SccVariant = 'cmos', masterHz = RTXC) {
  const board = new FakeBoard(masterHz);
  const rtxc = board.board.clock('rtxc', RTXC);
  const build = (id: string) =>
    new Z85c30(board.chip(id), { variant, pclk: rtxc, rtxcA: rtxc, rtxcB: rtxc, trxcA: rtxc, trxcB: rtxc });
  const scc = build('scc');
  board.board.add(scc);
  board.board.reset('cold');
  const terminal = new Terminal();
  scc.a.port = terminal;
  const ports = (chip: Z85c30, a: boolean) => ({
    w: (register: number, value: number) => {
      if (register > 0) chip.write(a ? 1 : 0, 1, (register & 7) | (register > 7 ? 8 : 0));
      chip.write(a ? 1 : 0, 1, value);
    },
    r: (register: number) => {
      if (register > 0) chip.write(a ? 1 : 0, 1, (register & 7) | (register > 7 ? 8 : 0));
      return chip.read(a ? 1 : 0, 1);
    },
    put: (byte: number) => {
      chip.write(a ? 3 : 2, 1, byte);
    },
    get: () => chip.read(a ? 3 : 2, 1),
  });
  return { board, build, scc, terminal, a: ports(scc, true), b: ports(scc, false), ports };
}

type Port = ReturnType<typeof make>['a'];

/** 9600 baud, 8N1, x16, both clocks from the baud rate generator: 384 ticks of RTxC a bit. */
function async9600(port: Port, more: { wr1?: number; wr3?: number; wr4?: number; wr5?: number; wr14?: number } = {}) {
  port.w(4, more.wr4 ?? 0x44);
  port.w(11, 0x50);
  port.w(12, 10);
  port.w(13, 0);
  port.w(14, more.wr14 ?? 0x01);
  port.w(3, more.wr3 ?? 0xc1);
  port.w(5, more.wr5 ?? 0xea);
  port.w(1, more.wr1 ?? 0x00);
}

const BIT = 384;
const CHAR = 10 * BIT;

describe('Z85c30', () => {
  describe('reset', () => {
    it('has the data sheet values after power-on', () => {
      const { a, b, scc } = make();
      for (const port of [a, b]) {
        expect([port.r(0), port.r(1), port.r(3), port.r(10), port.r(15)]).toEqual([0x44, 0x07, 0, 0, 0xf8]);
      }
      expect(scc.irq.level).toBe(false);
      expect([a.r(2), b.r(2)]).toEqual([0x00, 0x06]);
    });

    it('keeps WR12, WR13 and WR2 through a hardware reset, and forgets pending characters', () => {
      const { a, terminal, board } = make();
      async9600(a);
      a.w(2, 0x5a);
      a.w(15, 0x00);
      terminal.type(1, 2);
      board.advance(3 * CHAR);
      expect(a.r(0) & 1).toBe(1);
      a.w(9, 0xc0);
      expect([a.r(12), a.r(13), a.r(2), a.r(15), a.r(0), a.r(1)]).toEqual([10, 0, 0x5a, 0xf8, 0x44, 0x07]);
    });

    it('resets one channel only', () => {
      const { a, b } = make();
      a.w(15, 0x80);
      b.w(15, 0x20);
      a.w(9, 0x40);
      expect([a.r(15), b.r(15)]).toEqual([0x80, 0xf8]);
      a.w(9, 0x80);
      expect(a.r(15)).toBe(0xf8);
    });

    it('keeps pin states in RR0', () => {
      const { scc, a } = make();
      scc.a.ctsW(true);
      scc.a.dcdW(true);
      scc.a.syncW(true);
      a.w(9, 0xc0);
      expect(a.r(0)).toBe(0x7c);
    });
  });

  describe('register access', () => {
    it('goes back to register 0 after each access', () => {
      const { scc, a } = make();
      a.w(12, 0x12);
      scc.write(1, 1, 0x0c); // point high, register 12
      expect(scc.read(1, 1)).toBe(0x12);
      expect(scc.read(1, 1)).toBe(0x44);
    });

    it('reads images where there is no register', () => {
      const { a } = make();
      a.w(12, 1);
      a.w(13, 2);
      expect([a.r(4), a.r(5), a.r(9), a.r(11), a.r(14)]).toEqual([a.r(0), a.r(1), a.r(13), a.r(15), a.r(10)]);
    });

    it('reads write registers when WR7 prime says so', () => {
      const { a } = make();
      a.w(3, 0xc0);
      a.w(4, 0x4c);
      a.w(5, 0x60);
      a.w(10, 0x80);
      a.w(15, 0x01);
      a.w(7, 0x40);
      expect([a.r(9), a.r(4), a.r(5), a.r(11), a.r(14)]).toEqual([0xc0, 0x4c, 0x60, 0x80, 0x40]);
      a.w(15, 0x00);
      a.w(7, 0x7e);
      expect(a.r(14)).toBe(0x40);
      a.w(9, 0x80);
      expect(a.r(14)).toBe(0);
    });

    it('has no enhancements in the NMOS chip', () => {
      const { a } = make('nmos');
      a.w(15, 0x05);
      a.w(7, 0x40);
      a.w(4, 0x4c);
      expect(a.r(4)).toBe(a.r(0));
      expect(a.r(6)).toBe(a.r(2));
    });
  });

  describe('asynchronous transmitter', () => {
    it('takes ten bit times a character, exactly', () => {
      const { board, a, terminal } = make();
      async9600(a);
      a.put(0x41);
      expect(a.r(0) & 4).toBe(4);
      expect(a.r(1) & 1).toBe(0);
      a.put(0x42);
      expect(a.r(0) & 4).toBe(0);
      board.advance(CHAR - 1);
      expect(terminal.sent).toEqual([]);
      board.advance(1);
      expect(terminal.sent).toEqual([0x41]);
      expect(a.r(0) & 4).toBe(4);
      board.advance(CHAR - 1);
      expect(terminal.sent).toEqual([0x41]);
      board.advance(1);
      expect(terminal.sent).toEqual([0x41, 0x42]);
      expect(a.r(1) & 1).toBe(1);
    });

    it.each([
      ['7E1', 0x47, 0x2a, 10],
      ['8N2', 0x4c, 0x6a, 11],
      ['5N1.5', 0x48, 0x0a, 7.5],
      ['6O1', 0x45, 0x4a, 9],
    ])('knows the length of %s', (_name, wr4, wr5, bits) => {
      const { board, a, terminal } = make();
      async9600(a, { wr4, wr5 });
      a.put(0x15);
      board.advance(bits * BIT - 1);
      expect(terminal.sent).toEqual([]);
      board.advance(1);
      expect(terminal.sent).toEqual([0x15]);
    });

    it.each([
      ['x16 of RTxC: 230400', 0x44, 0x00, 16],
      ['x32 of RTxC: 115200', 0x84, 0x00, 32],
      ['x64 of TRxC: 57600', 0xc4, 0x28, 64],
    ])('takes its clock from the pins: %s', (_name, wr4, wr11, bit) => {
      const { board, a, terminal } = make();
      async9600(a, { wr4 });
      a.w(11, wr11);
      a.put(0x55);
      board.advance(10 * bit - 1);
      expect(terminal.sent).toEqual([]);
      board.advance(1);
      expect(terminal.sent).toEqual([0x55]);
    });

    it('does not drift from a master clock of another rate', () => {
      const { board, a, terminal } = make('cmos', 66_820_000);
      async9600(a);
      a.w(1, 0x02);
      let left = 960;
      const refill = () => {
        while (left > 0 && a.r(0) & 4) {
          a.put(left & 0xff);
          left--;
        }
      };
      refill();
      for (let i = 0; i < 2000; i++) {
        board.advance(66_820_000 / 2000);
        refill();
      }
      // One second is 960 characters; the last one is on its way within a tick of that.
      expect(terminal.sent.length).toBeGreaterThanOrEqual(959);
      board.advance(100);
      expect(terminal.sent.length).toBe(960);
    });

    it('sends nothing without a clock, disabled, or kept by CTS', () => {
      const { board, a, terminal, scc } = make();
      async9600(a, { wr14: 0x00 });
      a.put(1);
      board.advance(10 * CHAR);
      expect(terminal.sent).toEqual([]);
      a.w(14, 0x01);
      board.advance(CHAR);
      expect(terminal.sent).toEqual([1]);
      a.w(3, 0xe1);
      a.put(2);
      board.advance(10 * CHAR);
      expect(terminal.sent).toEqual([1]);
      scc.a.ctsW(true);
      board.advance(CHAR);
      expect(terminal.sent).toEqual([1, 2]);
      a.w(5, 0x62);
      a.put(3);
      board.advance(10 * CHAR);
      expect(terminal.sent).toEqual([1, 2]);
    });

    it('interrupts when the buffer becomes empty, until the next write or Reset Tx Int Pending', () => {
      const { board, a, scc } = make();
      async9600(a, { wr1: 0x02 });
      a.w(9, 0x08);
      expect(scc.irq.level).toBe(false);
      a.put(1);
      expect(scc.irq.level).toBe(true);
      expect(a.r(3)).toBe(0x10);
      a.put(2);
      expect(scc.irq.level).toBe(false);
      board.advance(CHAR);
      expect(scc.irq.level).toBe(true);
      a.w(0, 0x28);
      expect(a.r(3)).toBe(0);
      board.advance(10 * CHAR);
      expect(scc.irq.level).toBe(false);
    });

    it('drives RTS and DTR, holding RTS for what is still to be sent with Auto Enables', () => {
      const { board, a, scc } = make();
      async9600(a);
      expect([scc.a.rts.level, scc.a.dtr.level]).toEqual([true, true]);
      scc.a.ctsW(true);
      a.w(3, 0xe1);
      a.put(1);
      a.w(5, 0x68);
      expect([scc.a.rts.level, scc.a.dtr.level]).toEqual([true, false]);
      board.advance(CHAR);
      expect(scc.a.rts.level).toBe(false);
    });

    it('has four characters of buffer in the 85230', () => {
      const { board, a, terminal } = make('escc');
      async9600(a, { wr1: 0x02 });
      for (let i = 0; i < 5; i++) {
        expect(a.r(0) & 4).toBe(4);
        a.put(i);
      }
      expect(a.r(0) & 4).toBe(0);
      expect(a.r(3)).toBe(0);
      board.advance(4 * CHAR);
      expect(a.r(3)).toBe(0x10);
      board.advance(CHAR);
      expect(terminal.sent).toEqual([0, 1, 2, 3, 4]);
    });
  });

  describe('asynchronous receiver', () => {
    it('asks the host at character times', () => {
      const { board, a, terminal } = make();
      async9600(a);
      terminal.type(0x61, 0x62);
      board.advance(CHAR - 1);
      expect(a.r(0) & 1).toBe(0);
      board.advance(1);
      expect(a.r(0) & 1).toBe(1);
      expect(a.get()).toBe(0x61);
      expect(a.r(0) & 1).toBe(0);
      board.advance(CHAR);
      expect(a.r(8)).toBe(0x62);
      board.advance(10 * CHAR);
      expect(a.r(0) & 1).toBe(0);
      terminal.type(0x63);
      board.advance(CHAR);
      expect(a.get()).toBe(0x63);
    });

    it('never lets the host overrun it, nor loses what comes early', () => {
      const { board, a, terminal } = make();
      terminal.type(...Array.from({ length: 50 }, (_, i) => i));
      board.advance(10 * CHAR);
      async9600(a);
      board.advance(20 * CHAR);
      expect(terminal.left).toBe(47);
      const got: number[] = [];
      for (let i = 0; i < 50; i++) {
        got.push(a.get());
        board.advance(CHAR);
      }
      expect(got).toEqual(Array.from({ length: 50 }, (_, i) => i));
      expect(a.r(1) & 0x70).toBe(0);
    });

    it('gives short characters with their parity bit and ones above', () => {
      const { board, a, terminal } = make();
      async9600(a, { wr3: 0x81, wr4: 0x47 }); // six bits, even parity
      terminal.type(0x07, 0x03);
      board.advance(CHAR);
      expect(a.get()).toBe(0xc7);
      board.advance(CHAR);
      expect(a.get()).toBe(0x83);
    });

    it('interrupts on all characters until the FIFO is empty', () => {
      const { board, a, scc, terminal } = make();
      async9600(a, { wr1: 0x10 });
      a.w(9, 0x08);
      terminal.type(1, 2);
      board.advance(2 * CHAR);
      expect(scc.irq.level).toBe(true);
      expect(a.r(3)).toBe(0x20);
      a.get();
      expect(scc.irq.level).toBe(true);
      a.get();
      expect(scc.irq.level).toBe(false);
    });

    it('interrupts on the first character only, until told to wait for another', () => {
      const { board, a, scc, terminal } = make();
      async9600(a, { wr1: 0x08 });
      a.w(9, 0x08);
      terminal.type(1, 2, 3);
      board.advance(CHAR);
      expect(scc.irq.level).toBe(true);
      a.get();
      expect(scc.irq.level).toBe(false);
      board.advance(CHAR);
      expect(scc.irq.level).toBe(false);
      a.get();
      a.w(0, 0x20);
      board.advance(CHAR);
      expect(scc.irq.level).toBe(true);
    });

    it('notes break and its end, with one null character', () => {
      const { a, scc } = make();
      async9600(a, { wr1: 0x01 });
      a.w(9, 0x08);
      a.w(15, 0x80);
      scc.a.breakW(true);
      expect(scc.irq.level).toBe(true);
      expect(a.r(0) & 0x80).toBe(0x80);
      a.w(0, 0x10);
      expect(scc.irq.level).toBe(false);
      expect(a.r(0) & 0x81).toBe(0x80);
      scc.a.breakW(false);
      expect(scc.irq.level).toBe(true);
      expect(a.r(0) & 0x81).toBe(0x01);
      expect(a.r(1) & 0x40).toBe(0x40);
      expect(a.get()).toBe(0);
      expect(a.r(1) & 0x40).toBe(0);
    });
  });

  describe('external/status interrupts', () => {
    it('latch enabled bits until Reset Ext/Status, and interrupt again for what changed meanwhile', () => {
      const { a, scc } = make();
      a.w(15, 0x28);
      a.w(1, 0x01);
      a.w(9, 0x08);
      scc.a.ctsW(true);
      expect(scc.irq.level).toBe(true);
      expect(a.r(3)).toBe(0x08);
      scc.a.ctsW(false);
      scc.a.dcdW(true);
      expect(a.r(0) & 0x28).toBe(0x20);
      a.w(0, 0x10);
      expect(scc.irq.level).toBe(true);
      expect(a.r(0) & 0x28).toBe(0x08);
      a.w(0, 0x10);
      expect(scc.irq.level).toBe(false);
      expect(a.r(0) & 0x28).toBe(0x08);
    });

    it('show pins as they are where not enabled', () => {
      const { a, scc } = make();
      a.w(15, 0x08);
      a.w(1, 0x01);
      a.w(9, 0x08);
      scc.a.ctsW(true);
      expect([scc.irq.level, a.r(0) & 0x20]).toEqual([false, 0x20]);
      scc.a.dcdW(true);
      scc.a.ctsW(false);
      expect(a.r(0) & 0x28).toBe(0x08);
    });

    it('come from a zero count, once for each reset', () => {
      const { a, scc, board } = make();
      a.w(12, 98);
      a.w(13, 0);
      a.w(15, 0x02);
      a.w(1, 0x01);
      a.w(9, 0x08);
      a.w(14, 0x01);
      board.advance(99);
      expect(scc.irq.level).toBe(false);
      board.advance(1);
      expect(scc.irq.level).toBe(true);
      expect(a.r(0) & 2).toBe(2);
      a.w(0, 0x10);
      expect([scc.irq.level, a.r(0) & 2]).toEqual([false, 0]);
      board.advance(100);
      expect(scc.irq.level).toBe(true);
    });
  });

  describe('local loopback', () => {
    it('passes a self-test as ROMs do: every byte comes back, with interrupts', () => {
      const { a, b, board, scc, terminal } = make();
      for (const port of [a, b]) {
        async9600(port, { wr1: 0x12, wr14: 0x11 });
        port.w(9, 0x08);
        for (const byte of [0x00, 0x55, 0xaa, 0xff, 0x80, 0x01]) {
          port.put(byte);
          port.w(0, 0x28);
          expect(scc.irq.level).toBe(false);
          board.advance(CHAR);
          expect(scc.irq.level).toBe(true);
          expect(a.r(3)).toBe(port === a ? 0x20 : 0x04);
          expect(port.r(0) & 5).toBe(5);
          expect(port.r(1)).toBe(0x07);
          expect(port.get()).toBe(byte);
          expect(scc.irq.level).toBe(false);
        }
        port.w(9, port === a ? 0x80 : 0x40);
      }
      expect(terminal.sent).toEqual([]);
    });

    it('overruns after three characters and one in the shift register', () => {
      const { a, board } = make();
      async9600(a, { wr1: 0x10, wr14: 0x11 });
      for (let i = 1; i <= 5; i++) {
        a.put(i);
        board.advance(CHAR);
      }
      expect(a.r(1) & 0x20).toBe(0);
      expect([a.get(), a.get()]).toEqual([1, 2]);
      expect(a.r(1) & 0x20).toBe(0);
      expect(a.get()).toBe(3);
      expect(a.r(1) & 0x20).toBe(0x20);
      expect(a.get()).toBe(5);
      expect(a.r(1) & 0x20).toBe(0x20);
      expect(a.r(3)).toBe(0x20);
      a.w(0, 0x30);
      expect([a.r(1) & 0x20, a.r(3)]).toEqual([0, 0]);
    });

    it('sees framing and parity errors between unequal formats', () => {
      const { a, board } = make();
      async9600(a, { wr3: 0x41, wr5: 0x6a, wr14: 0x11 }); // sends eight bits, receives seven
      a.put(0x41);
      board.advance(CHAR);
      expect(a.r(1) & 0x40).toBe(0x40);
      expect(a.get()).toBe(0xc1);
      a.put(0xc1);
      board.advance(CHAR);
      expect(a.r(1) & 0x40).toBe(0);
      a.get();
      async9600(a, { wr4: 0x47, wr3: 0x41, wr5: 0x6a, wr14: 0x11 }); // 8E1 to 7E1
      a.put(0x01);
      board.advance(2 * CHAR);
      expect(a.r(1) & 0x10).toBe(0x10);
      a.get();
      expect(a.r(1) & 0x10).toBe(0x10);
      a.w(0, 0x30);
      expect(a.r(1) & 0x10).toBe(0);
    });

    it('locks the FIFO at a special condition in the modes made for DMA', () => {
      const { a, board, scc } = make();
      async9600(a, { wr1: 0x18, wr3: 0x41, wr5: 0x6a, wr14: 0x11 });
      a.w(9, 0x08);
      a.put(0x80 | 0x31);
      board.advance(CHAR);
      expect(scc.irq.level).toBe(false);
      a.put(0x32); // framing error
      board.advance(CHAR);
      a.put(0x80 | 0x33);
      board.advance(CHAR);
      expect(a.get() & 0x7f).toBe(0x31);
      expect(scc.irq.level).toBe(true);
      expect([a.get() & 0x7f, a.get() & 0x7f]).toEqual([0x32, 0x32]);
      a.w(0, 0x30);
      expect(scc.irq.level).toBe(false);
      expect(a.get() & 0x7f).toBe(0x33);
    });

    it('feeds Send Break back', () => {
      const { a } = make();
      async9600(a, { wr14: 0x11 });
      a.w(5, 0xfa);
      expect(a.r(0) & 0x80).toBe(0x80);
      a.w(5, 0xea);
      expect(a.r(0) & 0x81).toBe(0x01);
    });

    it('echoes what the host types in auto echo', () => {
      const { a, board, terminal } = make();
      async9600(a, { wr14: 0x09 });
      terminal.type(0x71);
      board.advance(CHAR);
      expect(terminal.sent).toEqual([0x71]);
      expect(a.get()).toBe(0x71);
    });
  });

  describe('interrupt priorities', () => {
    /** Everything pending on both channels. */
    function all() {
      const machine = make();
      const { a, b, board, scc } = machine;
      for (const port of [a, b]) {
        async9600(port, { wr1: 0x13, wr14: 0x11 });
        port.w(15, 0x20);
        port.put(0x11);
      }
      board.advance(CHAR);
      a.put(0x22);
      b.put(0x22);
      scc.a.ctsW(true);
      scc.b.ctsW(true);
      a.w(2, 0xf1);
      return machine;
    }

    it('show in RR3 of channel A and in the vector of channel B', () => {
      const { a, b, scc } = all();
      expect([a.r(3), b.r(3)]).toEqual([0x3f, 0]);
      expect(scc.irq.level).toBe(false);
      a.w(9, 0x09);
      expect(scc.irq.level).toBe(true);
      expect([a.r(2), b.r(2)]).toEqual([0xf1, 0xfd]);
      const vectors: number[] = [];
      const clear = [
        () => a.get(),
        () => {
          a.w(0, 0x28);
        },
        () => {
          a.w(0, 0x10);
        },
        () => b.get(),
        () => {
          b.w(0, 0x28);
        },
        () => {
          b.w(0, 0x10);
        },
      ];
      for (const step of clear) {
        vectors.push((b.r(2) >> 1) & 7);
        step();
      }
      expect(vectors).toEqual([6, 4, 5, 2, 0, 1]);
      expect((b.r(2) >> 1) & 7).toBe(3);
      expect(scc.irq.level).toBe(false);
    });

    it('put the status into bits 6-4, reversed, when high', () => {
      const { a, b } = all();
      a.w(9, 0x19);
      expect(b.r(2)).toBe(0x80 | 0x30 | 0x01);
      a.get();
      expect(b.r(2)).toBe(0x80 | 0x10 | 0x01);
      a.w(0, 0x28);
      expect(b.r(2)).toBe(0x80 | 0x50 | 0x01);
    });

    it('nest through interrupts under service', () => {
      const { a, scc, board } = all();
      a.w(9, 0x09);
      expect(scc.ieo.level).toBe(true);
      expect(scc.acknowledge()).toBe(0xfd);
      expect([scc.irq.level, scc.ieo.level]).toEqual([false, false]);
      expect(scc.acknowledge()).toBeUndefined();
      a.get();
      a.w(0, 0x38);
      expect(scc.irq.level).toBe(true);
      expect(scc.acknowledge()).toBe(0xf9);
      board.advance(2 * CHAR); // another character arrives, of higher priority
      expect(scc.irq.level).toBe(true);
      expect(scc.acknowledge()).toBe(0xfd);
      a.w(0, 0x38);
      a.w(0, 0x38);
      scc.ieiW(false);
      expect([scc.irq.level, scc.ieo.level]).toEqual([false, false]);
    });

    it('acknowledge by software when RR2 is read', () => {
      const { a, b, scc } = all();
      a.w(9, 0x28);
      expect(scc.irq.level).toBe(true);
      expect(b.r(2)).toBe(0xfd);
      expect(scc.irq.level).toBe(false);
      a.get();
      a.w(0, 0x38);
      expect(scc.irq.level).toBe(true);
    });

    it('give no vector when told so', () => {
      const { a, scc } = all();
      a.w(9, 0x0a);
      expect(scc.acknowledge()).toBeUndefined();
      expect(scc.irq.level).toBe(false);
    });
  });

  describe('DMA', () => {
    it('sends through W/REQ or DTR/REQ as the buffer empties', () => {
      const { a, scc, board, terminal } = make();
      async9600(a);
      let requests = 0;
      const peer = scc.a.connectDma('tx', { request: () => requests++ });
      expect(peer.dmaOut(Uint8Array.of(1))).toBe(0);
      a.w(1, 0xc0);
      expect([scc.a.wreq.level, requests]).toEqual([true, 1]);
      const data = Uint8Array.of(1, 2, 3, 4);
      let at = peer.dmaOut(data);
      expect([at, scc.a.wreq.level]).toEqual([2, false]);
      for (let i = 0; i < 2; i++) {
        board.advance(CHAR);
        expect(requests).toBe(2 + i);
        at += peer.dmaOut(data.subarray(at));
      }
      board.advance(2 * CHAR);
      expect(at).toBe(4);
      expect(terminal.sent).toEqual([1, 2, 3, 4]);
      a.w(1, 0x00);
      a.w(14, 0x05);
      expect([scc.a.dtrreq.level, scc.a.dtr.level, peer.dmaOut(Uint8Array.of(9))]).toEqual([true, false, 1]);
    });

    it('receives, and stops at a special condition', () => {
      const { a, scc, board } = make();
      async9600(a, { wr1: 0xf8, wr3: 0x41, wr5: 0x6a, wr14: 0x11 });
      let requests = 0;
      const peer = scc.a.connectDma('rx', { request: () => requests++ });
      a.put(0xb1);
      board.advance(CHAR);
      expect([requests, scc.a.wreq.level]).toEqual([1, true]);
      const into = new Uint8Array(8);
      expect(peer.dmaIn(into)).toBe(1);
      expect([into[0]! & 0x7f, scc.a.wreq.level]).toEqual([0x31, false]);
      a.put(0x32); // framing error
      board.advance(CHAR);
      expect([peer.dmaIn(into), requests, a.r(3)]).toEqual([0, 1, 0x20]);
    });
  });

  describe('SDLC', () => {
    function sdlc(port: Port, more: { wr1?: number; wr3?: number; wr14?: number } = {}) {
      port.w(4, 0x20);
      port.w(10, 0x80);
      port.w(6, 0x42);
      port.w(7, 0x7e);
      port.w(11, 0x50);
      port.w(12, 0);
      port.w(13, 0);
      port.w(14, more.wr14 ?? 0x01);
      port.w(3, more.wr3 ?? 0xd9);
      port.w(5, 0x69);
      port.w(1, more.wr1 ?? 0x00);
    }

    function send(machine: ReturnType<typeof make>, port: Port, bytes: number[]) {
      port.w(0, 0x80);
      bytes.forEach((byte, index) => {
        while (!(port.r(0) & 4)) machine.board.advance(8);
        port.put(byte);
        if (index === 0) port.w(0, 0xc0);
      });
      for (let i = 0; i < 100 && !(port.r(0) & 0x40 && port.r(0) & 4); i++) machine.board.advance(8);
      machine.board.advance(200);
    }

    it('loops a frame back with its check sequence and end of frame', () => {
      const machine = make();
      const { a } = machine;
      sdlc(a, { wr14: 0x11, wr1: 0x10 });
      expect(a.r(0) & 0x10).toBe(0x10);
      send(machine, a, [0x42]);
      expect(a.r(0) & 0x51).toBe(0x41);
      const got: number[] = [];
      let status = 0;
      while (a.r(0) & 1) {
        status = a.r(1);
        got.push(a.get());
      }
      expect(got.length).toBe(3);
      expect(got[0]).toBe(0x42);
      expect(status & 0xc0).toBe(0x80);
    });

    it('computes the CCITT check sequence (frame of "123456789": 0x906e)', () => {
      const machine = make();
      const { a, scc } = machine;
      const line: (number | string)[] = [];
      scc.a.sdlcOut = {
        byte: (byte) => line.push(byte),
        end: (fcs) => line.push(`end ${fcs.map((byte) => byte.toString(16)).join(' ')}`),
        abort: () => line.push('abort'),
      };
      sdlc(a);
      send(
        machine,
        a,
        [...'123456789'].map((letter) => letter.charCodeAt(0)),
      );
      expect(line.at(-1)).toBe('end 6e 90');
      expect(line.length).toBe(10);
    });

    it('connects two channels, filters by address, and fills the frame status FIFO', () => {
      const machine = make();
      const { a, b, scc } = machine;
      scc.a.sdlcOut = scc.b.sdlcIn;
      sdlc(a);
      sdlc(b, { wr3: 0xdd });
      b.w(15, 0x04);
      send(machine, a, [0x41, 1]);
      expect(b.r(0) & 1).toBe(0);
      expect(b.r(7) & 0x40).toBe(0);
      send(machine, a, [0x42]);
      expect(b.r(7)).toBe(0x40);
      expect(b.r(6)).toBe(3);
      expect(b.r(1) & 0x60).toBe(0);
      expect(b.r(7) & 0x40).toBe(0);
      for (let i = 0; i < 3; i++) b.get();
      send(machine, a, [0xff, 9]);
      expect(b.get()).toBe(0xff);
    });

    it('aborts on command and on underrun when told to, and hunts again', () => {
      const machine = make();
      const { a, b, scc, board } = machine;
      scc.a.sdlcOut = scc.b.sdlcIn;
      sdlc(a);
      sdlc(b, { wr1: 0x01 });
      b.w(15, 0x80);
      b.w(9, 0x08);
      a.put(0x42);
      board.advance(300);
      expect(b.r(0) & 0x90).toBe(0);
      a.put(0x43);
      a.w(0, 0x18);
      expect(scc.irq.level).toBe(true);
      expect(b.r(0) & 0x90).toBe(0x90);
      expect(a.r(0) & 0x44).toBe(0x44);
    });
  });

  it('survives the startup sequence of pmac_zilog and echoes with its interrupt handler', () => {
    const { a, scc, board, terminal } = make();
    a.w(9, 0x80);
    a.w(9, 0x82);
    a.w(4, 0x00);
    a.w(3, 0xc0);
    a.w(5, 0x62);
    a.w(9, 0x02);
    a.w(11, 0x50);
    a.w(12, 0);
    a.w(13, 0);
    a.w(14, 0x12);
    a.w(14, 0x13);
    a.w(3, 0xc1);
    for (let i = 0; i < 3; i++) a.w(0, 0x10);
    a.w(4, 0x4c);
    a.w(3, 0xc0);
    for (let i = 0; a.r(0) & 1 && i < 10; i++) a.r(8);
    expect(a.r(0) & 1).toBe(0);
    a.w(9, 0x80);
    async9600(a);
    a.w(15, 0x81);
    a.w(7, 0x00);
    a.w(15, 0x80);
    a.w(9, 0x0a);
    a.w(1, 0x13);
    const echo: number[] = [];
    scc.irq.to((level) => {
      if (!level) return;
      const pending = a.r(3);
      a.w(0, 0x38);
      if (pending & 0x08) a.w(0, 0x10);
      if (pending & 0x20) while (a.r(0) & 1) echo.push(a.get());
      if (pending & 0x10) a.w(0, 0x28);
    });
    terminal.type(...'root\r'.split('').map((letter) => letter.charCodeAt(0)));
    board.advance(20 * CHAR);
    expect(String.fromCharCode(...echo)).toBe('root\r');
    expect(scc.irq.level).toBe(false);
    a.put(0x24);
    board.advance(2 * CHAR);
    expect(terminal.sent).toEqual([0x24]);
  });

  it('obeys the snapshot law in the middle of characters', () => {
    const machine = make();
    const { a, b, board, scc, terminal, build } = machine;
    async9600(a, { wr1: 0x13 });
    async9600(b, { wr14: 0x11 });
    a.w(9, 0x08);
    terminal.type(1, 2, 3);
    a.put(7);
    a.put(8);
    b.put(9);
    board.advance(CHAR + 100);
    scc.a.ctsW(true);
    expectSnapshotLaw(scc, () => build('other'));
    board.advance(3 * CHAR);
    expect(terminal.sent).toEqual([7, 8]);
    expect([a.get(), a.get(), a.get(), b.get()]).toEqual([1, 2, 3, 9]);
  });

  it.each(['nmos', 'cmos', 'escc'] as const)('survives random accesses (%s)', (variant) => {
    const { board, scc, terminal } = make(variant);
    let seed = 99;
    const random = (n: number) => ((seed = (Math.imul(seed, 1103515245) + 12345) >>> 0) >>> 8) % n;
    scc.a.sdlcOut = scc.b.sdlcIn;
    scc.b.sdlcOut = scc.a.sdlcIn;
    const tx = scc.a.connectDma('tx', { request: () => tx.dmaOut(Uint8Array.of(random(256))) });
    const rx = scc.b.connectDma('rx', { request: () => rx.dmaIn(new Uint8Array(4)) });
    for (let i = 0; i < 12_000; i++) {
      const offset = random(4);
      if (random(3)) scc.write(offset, 1, random(256));
      else expect(scc.read(offset, 1) & ~0xff).toBe(0);
      if (random(10) === 0) terminal.type(random(256));
      if (random(20) === 0) scc.a.ctsW(random(2) === 1);
      if (random(20) === 0) scc.b.breakW(random(2) === 1);
      if (random(20) === 0) scc.acknowledge();
      if (random(4) === 0) board.advance(random(2000));
      expect(board.scheduler.headroom).toBeGreaterThanOrEqual(0);
    }
    expect(scc.save()).toEqual(structuredClone(scc.save()));
  });
});

describe('MacioEscc', () => {
  function wrapped() {
    const machine = make();
    return { ...machine, cell: new MacioEscc(machine.board.chip('escc'), machine.scc) };
  }

  it('puts out what OpenBIOS prints on channel A', () => {
    const { cell, board, terminal } = wrapped();
    const { macRisc } = cell;
    for (const value of [9, 0x80, 4, 0x44, 12, 0, 13, 0, 14, 3, 3, 0xc1, 5, 0xea]) macRisc.write(0x20, 1, value);
    for (const letter of 'ok') {
      while (!(macRisc.read(0x20, 1) & 4)) board.advance(10);
      macRisc.write(0x30, 1, letter.charCodeAt(0));
    }
    board.advance(CHAR);
    expect(String.fromCharCode(...terminal.sent)).toBe('ok');
    terminal.type(0x0d);
    board.advance(CHAR);
    expect(macRisc.read(0x20, 1) & 1).toBe(1);
    expect(macRisc.read(0x30, 1)).toBe(0x0d);
  });

  it('has the same registers at compatible addresses', () => {
    const { cell, a, b } = wrapped();
    a.w(12, 0x11);
    b.w(12, 0x22);
    cell.compatible.write(0, 1, 12);
    expect(cell.compatible.read(0, 1)).toBe(0x22);
    cell.compatible.write(2, 1, 12);
    expect(cell.compatible.read(2, 1)).toBe(0x11);
    cell.macRisc.write(0x50, 1, 0xff);
    expect([cell.compatible.read(10, 1), cell.compatible.read(8, 1)]).toEqual([0x10, 0]);
  });

  it('keeps the registers around the chip', () => {
    const { cell, board } = wrapped();
    expect(cell.macRisc.read(0x80, 1)).toBe(8);
    cell.macRisc.write(0x80, 1, 3);
    cell.macRisc.write(0x90, 1, 1);
    expect([0x80, 0x90, 0xa0, 0xb0].map((offset) => cell.macRisc.read(offset, 1))).toEqual([3, 1, 0, 2]);
    expect(cell.macRisc.read(0xf0, 1)).toBe(0);
    expect(board.logged('unimp').length).toBe(1);
    expectSnapshotLaw(cell);
  });
});
