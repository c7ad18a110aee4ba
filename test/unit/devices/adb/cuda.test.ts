// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { AdbBus } from '../../../../machines/devices/adb/adb-bus.ts';
import { AdbKeyboard } from '../../../../machines/devices/adb/adb-keyboard.ts';
import { AdbMouse } from '../../../../machines/devices/adb/adb-mouse.ts';
import { Cuda } from '../../../../machines/devices/adb/cuda.ts';
import { At24c02 } from '../../../../machines/devices/i2c/at24c02.ts';
import { I2cBus } from '../../../../machines/devices/i2c/i2c-bus.ts';
import { R6522 } from '../../../../machines/devices/timer/r6522.ts';
import { expectSnapshotLaw, FakeBoard } from '../../../support/fake-board.ts';

const [B, DDRB, SR, ACR, IFR, IER] = [0, 2, 10, 11, 13, 14];
const [TREQ, TACK, TIP] = [0x08, 0x10, 0x20];
const SR_INT = 0x04;
const SR_OUT = 0x10;
const US = 1000;
const MS = 1_000_000;

function make(options: { cell?: 'r6522' | 'macio'; pram?: Uint8Array } = {}) {
  const board = new FakeBoard();
  const adb = new AdbBus();
  const keyboard = adb.attach(new AdbKeyboard('keyboard'));
  const mouse = adb.attach(new AdbMouse('mouse'));
  const i2c = new I2cBus();
  const spd = i2c.attach(0x57, new At24c02('spd', { contents: Uint8Array.of(0x80, 0x08, 0x04) }));
  const stored: Uint8Array[] = [];
  const pram = { load: () => options.pram, store: (bytes: Uint8Array) => stored.push(bytes) };
  const via = new R6522(board.chip('via'), { clock: board.board.clock('via', 783_360), cell: options.cell });
  const cuda = new Cuda(board.chip('cuda'), { adb, i2c, pram, calendar: { startSeconds: 1_000_000_000 } });
  via.pb[5]!.to((level) => {
    cuda.tipW(!level);
  });
  via.pb[4]!.to((level) => {
    cuda.byteackW(!level);
  });
  via.cb2.to((level) => {
    cuda.cb2W(level);
  });
  cuda.treq.to((asserted) => {
    via.pbW(3, !asserted);
  });
  cuda.cb1.to((level) => {
    via.cb1W(level);
  });
  cuda.cb2.to((level) => {
    via.cb2W(level);
  });
  for (const device of [via, cuda, keyboard, mouse, spd]) board.board.add(device);
  board.board.reset('cold');
  board.advance(1 * MS);
  return { board, via, cuda, keyboard, mouse, stored };
}

type Machine = ReturnType<typeof make>;

/** Drives the handshake as Linux's via-cuda.c does: one state machine fed by shift register interrupts. */
class Driver {
  readonly #machine: Machine;
  /** Packets that came unasked. */
  readonly unsolicited: number[][] = [];
  maxReply = 16;

  constructor(machine: Machine) {
    this.#machine = machine;
    this.w(DDRB, (this.r(DDRB) | TACK | TIP) & ~TREQ);
    this.w(ACR, (this.r(ACR) & ~0x1c) | 0x0c);
    this.r(SR);
    this.w(B, this.r(B) | TIP | TACK);
    machine.board.advance(4 * MS);
    this.r(SR);
    this.w(IFR, SR_INT);
  }

  r(register: number): number {
    return this.#machine.via.read(register, 1);
  }

  w(register: number, value: number): void {
    this.#machine.via.write(register, 1, value);
  }

  get treq(): boolean {
    return (this.r(B) & TREQ) === 0;
  }

  /** Waits for the interrupt, 5 us a look. Returns the microseconds. */
  interrupt(limitUs = 20_000): number {
    for (let us = 0; us <= limitUs; us += 5) {
      if (this.r(IFR) & SR_INT) {
        this.w(IFR, SR_INT);
        return us;
      }
      this.#machine.board.advance(5 * US);
    }
    throw new Error('no shift register interrupt');
  }

  sync(): void {
    this.w(B, this.r(B) & ~TACK);
    this.interrupt();
    expect(this.treq).toBe(true);
    this.r(SR);
    this.w(B, this.r(B) | TACK);
    this.interrupt();
    expect(this.treq).toBe(false);
    this.r(SR);
  }

  /** Returns false on a collision. */
  send(packet: number[]): boolean {
    expect(this.treq).toBe(false);
    this.w(ACR, this.r(ACR) | SR_OUT);
    this.w(SR, packet[0]!);
    this.w(B, this.r(B) & ~TIP);
    for (const byte of packet.slice(1)) {
      this.interrupt();
      if (this.treq) {
        this.withdraw();
        return false;
      }
      this.w(SR, byte);
      this.w(B, this.r(B) ^ TACK);
    }
    this.interrupt();
    this.withdraw();
    return true;
  }

  withdraw(): void {
    this.w(ACR, this.r(ACR) & ~SR_OUT);
    this.r(SR);
    this.w(B, this.r(B) | TIP | TACK);
  }

  /** After the interrupt that announces it. */
  receive(): number[] {
    this.r(SR);
    this.w(B, this.r(B) & ~TIP);
    const bytes: number[] = [];
    for (;;) {
      this.interrupt();
      const last = !this.treq;
      bytes.push(this.r(SR));
      if (last || bytes.length === this.maxReply) break;
      this.w(B, this.r(B) ^ TACK);
    }
    this.w(B, this.r(B) | TIP | TACK);
    this.interrupt();
    this.r(SR);
    return bytes;
  }

  request(...packet: number[]): number[] {
    while (!this.send(packet)) {
      this.interrupt();
      this.unsolicited.push(this.receive());
    }
    this.interrupt();
    return this.receive();
  }

  /** Lets time pass, taking what comes. */
  listen(ns: number): void {
    const { board } = this.#machine;
    const end = board.scheduler.now + ns;
    while (board.scheduler.now < end) {
      if (this.r(IFR) & SR_INT) {
        this.w(IFR, SR_INT);
        this.unsolicited.push(this.receive());
      }
      board.advance(20 * US);
    }
  }
}

const time = (reply: number[]) => reply.slice(3).reduce((value, byte) => value * 256 + byte, 0);

describe('Cuda', () => {
  describe('handshake', () => {
    it.each(['r6522', 'macio'] as const)('answers the sync sequence of via-cuda.c (%s)', (cell) => {
      const driver = new Driver(make({ cell }));
      driver.sync();
      driver.sync();
      expect(driver.request(1, 0x16)).toEqual([1, 0, 0x16, 11]);
    });

    it('takes a packet byte by byte and replies, at its own pace', () => {
      const machine = make();
      const driver = new Driver(machine);
      driver.w(ACR, 0x1c);
      driver.w(SR, 0x01);
      driver.w(B, driver.r(B) & ~TIP);
      machine.board.advance(70 * US);
      expect(driver.r(IFR) & SR_INT).toBe(0);
      machine.board.advance(1 * US);
      expect(driver.r(IFR) & SR_INT).toBe(SR_INT);
      driver.w(SR, 0x03);
      driver.w(B, driver.r(B) ^ TACK);
      driver.interrupt();
      driver.withdraw();
      machine.board.advance(12 * US);
      expect(driver.treq).toBe(false);
      machine.board.advance(1 * US);
      expect(driver.treq).toBe(true);
      machine.board.advance(48 * US);
      expect(driver.r(IFR) & SR_INT).toBe(SR_INT);
      const reply = driver.receive();
      expect(reply.slice(0, 3)).toEqual([1, 0, 3]);
      expect(reply.length).toBe(7);
      expect(driver.treq).toBe(false);
    });

    it('works with a firmware that programs neither DDRB nor the shift clock (macio cell)', () => {
      const machine = make({ cell: 'macio' });
      const { via } = machine;
      const r = (register: number) => via.read(register, 1);
      const w = (register: number, value: number) => {
        via.write(register, 1, value);
      };
      const wait = () => {
        for (let i = 0; i < 10_000; i++) {
          const flags = r(IFR);
          w(IFR, flags & 0x7f);
          if (flags & SR_INT) return;
          machine.board.advance(1 * US);
        }
        throw new Error('no interrupt');
      };
      w(B, r(B) | TREQ | TIP);
      w(ACR, r(ACR) | SR_OUT);
      w(SR, 0);
      w(B, r(B) & ~TIP);
      wait();
      w(SR, 0x2f); // Talk register 3 of the keyboard
      w(B, r(B) ^ TACK);
      wait();
      w(ACR, r(ACR) & ~SR_OUT);
      r(SR);
      w(B, r(B) | TIP | TACK);
      wait();
      r(SR);
      w(B, r(B) & ~TIP);
      const bytes: number[] = [];
      for (;;) {
        wait();
        bytes.push(r(SR));
        if (r(B) & TREQ) break;
        w(B, r(B) ^ TACK);
      }
      w(B, r(B) | TIP | TACK);
      wait();
      expect(bytes.length).toBe(5);
      expect([bytes[0], bytes[2], bytes[4]]).toEqual([0, 0x2f, 2]);
    });

    it('ends an open-ended reply where the host stops reading', () => {
      const driver = new Driver(make({ pram: Uint8Array.from({ length: 256 }, (_, i) => 255 - i) }));
      driver.maxReply = 5;
      expect(driver.request(1, 7, 0, 0x10)).toEqual([1, 0, 7, 0xef, 0xee]);
      driver.maxReply = 16;
      expect(driver.request(1, 0x16)).toEqual([1, 0, 0x16, 11]);
    });

    it('collides with an unsolicited packet, which is then read first', () => {
      const machine = make();
      const driver = new Driver(machine);
      driver.request(1, 1, 1);
      machine.keyboard.key('KeyB', true);
      // Begin a packet in the moment in which the autopoll asserts TREQ but before the interrupt is noticed.
      while (!machine.cuda.treq.level) machine.board.advance(1 * US);
      driver.w(ACR, driver.r(ACR) | SR_OUT);
      driver.w(SR, 1);
      driver.w(B, driver.r(B) & ~TIP);
      driver.interrupt();
      expect(driver.treq).toBe(true);
      driver.withdraw();
      driver.interrupt();
      expect(driver.receive()).toEqual([0, 0xc0, 0x2c, 0x0b, 0xff]);
      expect(driver.request(1, 0x16)).toEqual([1, 0, 0x16, 11]);
    });

    it('answers ADB requests after the time the bus takes', () => {
      const machine = make();
      const driver = new Driver(machine);
      driver.send([0, 0x2f]);
      const us = driver.interrupt();
      expect(us).toBeGreaterThan(3500);
      expect(us).toBeLessThan(4000);
      expect(driver.receive().length).toBe(5);
    });
  });

  describe('ADB packets', () => {
    it('marks a Talk nobody answers', () => {
      const driver = new Driver(make());
      expect(driver.request(0, 0x7f)).toEqual([0, 0x82, 0x7f]);
      expect(driver.request(0, 0x00)).toEqual([0, 0x80, 0x00]);
    });

    it('listens', () => {
      const machine = make();
      const driver = new Driver(machine);
      expect(driver.request(0, 0x2a, 0xff, 0xfc)).toEqual([0, 0x80, 0x2a]);
      expect(machine.keyboard.leds).toBe(3);
    });

    it('polls by itself at the rate set, following service requests', () => {
      const machine = make();
      const driver = new Driver(machine);
      driver.request(1, 0x14, 20);
      driver.request(1, 1, 1);
      machine.keyboard.key('KeyC', true);
      machine.mouse.move(3, 0, 0);
      const begin = machine.board.scheduler.now;
      driver.listen(18 * MS);
      expect(driver.unsolicited).toEqual([]);
      driver.listen(40 * MS);
      expect(driver.unsolicited).toEqual([
        [0, 0xc0, 0x3c, 0x80, 0x83],
        [0, 0xc0, 0x2c, 0x08, 0xff],
      ]);
      expect(machine.board.scheduler.now - begin).toBeLessThan(60 * MS);
      driver.unsolicited.length = 0;
      driver.request(1, 0x19, 0x00, 0x08); // the mouse only
      machine.keyboard.key('KeyC', false);
      driver.listen(100 * MS);
      expect(driver.unsolicited).toEqual([]);
      driver.request(1, 1, 0);
      machine.mouse.move(1, 1, 0);
      driver.listen(100 * MS);
      expect(driver.unsolicited).toEqual([]);
    });
  });

  describe('pseudo commands', () => {
    it('keeps time from 1904, in virtual time', () => {
      const machine = make();
      const driver = new Driver(machine);
      const now = time(driver.request(1, 3));
      expect(now).toBe(1_000_000_000 + 2_082_844_800);
      machine.board.advance(90 * 1000 * MS);
      expect(time(driver.request(1, 3)) - now).toBe(90);
      expect(driver.request(1, 9, 0xff, 0xff, 0xff, 0xfe)).toEqual([1, 0, 9]);
      expect(time(driver.request(1, 3))).toBe(0xffff_fffe);
      machine.board.advance(3 * 1000 * MS);
      expect(time(driver.request(1, 3))).toBe(1);
      machine.board.board.reset('warm');
      machine.board.advance(1 * MS);
      expect(time(new Driver(machine).request(1, 3))).toBe(1);
    });

    it('keeps PRAM and stores it', () => {
      const machine = make();
      const driver = new Driver(machine);
      expect(driver.request(1, 0x0c, 0, 0xfe, 1, 2, 3)).toEqual([1, 0, 0x0c]);
      expect([machine.stored[0]![0xfe], machine.stored[0]![0xff], machine.stored[0]![0]]).toEqual([1, 2, 3]);
      driver.maxReply = 6;
      expect(driver.request(1, 7, 0, 0xfe)).toEqual([1, 0, 7, 1, 2, 3]);
      expect(driver.request(1, 2, 0x01, 0xfe)).toEqual([1, 0, 2, 1, 2, 0]);
      expect(driver.request(1, 8, 0x01, 0x10, 9)).toEqual([1, 0, 8]);
      expect(driver.request(1, 7, 0, 0x10)).toEqual([1, 0, 7, 9, 0, 0]);
    });

    it('accepts the longest packet there is', () => {
      const machine = make();
      const driver = new Driver(machine);
      const bytes = Array.from({ length: 256 }, (_, i) => (i * 7) & 0xff);
      expect(driver.request(1, 0x0c, 0, 0, ...bytes)).toEqual([1, 0, 0x0c]);
      expect([...machine.stored.at(-1)!]).toEqual(bytes);
    });

    it('switches off and resets through its wires', () => {
      const machine = make();
      const driver = new Driver(machine);
      expect(driver.request(1, 0x0a)).toEqual([1, 0, 0x0a]);
      expect([machine.cuda.powerOff.level, machine.cuda.resetSystem.level]).toEqual([true, false]);
      expect(driver.request(1, 0x11)).toEqual([1, 0, 0x11]);
      expect(machine.cuda.resetSystem.level).toBe(true);
      machine.board.board.reset('warm');
      expect([machine.cuda.powerOff.level, machine.cuda.resetSystem.level]).toEqual([false, false]);
    });

    it('reads SPD EEPROMs in simple and combined format', () => {
      const driver = new Driver(make());
      driver.maxReply = 5;
      expect(driver.request(1, 0x25, 0xae, 0x01, 0xaf)).toEqual([1, 0, 0x25, 0x08, 0x04]);
      expect(driver.request(1, 0x22, 0xae, 0x05, 0x77)).toEqual([1, 0, 0x22]);
      expect(driver.request(1, 0x22, 0xaf, 0x05)).toEqual([1, 0, 0x22, 0x77, 0xff]);
      expect(driver.request(1, 0x22, 0xa1)).toEqual([2, 5, 1, 0x22]);
      expect(driver.request(1, 0x25, 0xae, 0, 0xa1)).toEqual([2, 5, 1, 0x25]);
      expect(driver.request(1, 0x25, 0xae, 0x05, 0xae, 0x66)).toEqual([1, 0, 0x25]);
      expect(driver.request(1, 0x25, 0xae, 0x05, 0xaf)).toEqual([1, 0, 0x25, 0x66, 0xff]);
    });

    it('remembers rates and lists, and refuses nonsense with an error packet', () => {
      const machine = make();
      const driver = new Driver(machine);
      expect(driver.request(1, 0x19, 0x12, 0x34)).toEqual([1, 0, 0x19]);
      expect(driver.request(1, 0x1a)).toEqual([1, 0, 0x1a, 0x12, 0x34]);
      expect(driver.request(1, 0x14, 0)).toEqual([2, 4, 1, 0x14]);
      expect(driver.request(1, 0x14)).toEqual([2, 3, 1, 0x14]);
      expect(driver.request(1, 0x7e)).toEqual([2, 2, 1, 0x7e]);
      expect(driver.request(5, 0)).toEqual([2, 1, 5, 0]);
      expect(driver.request(1)).toEqual([2, 3, 1, 0]);
      expect(machine.board.logged('guest').length).toBe(4);
    });

    it('acknowledges every command it knows', () => {
      const driver = new Driver(make());
      for (const command of [0, 0xb, 0xd, 0xe, 0x10, 0x12, 0x13, 0x21, 0x23, 0x24, 0x26]) {
        expect(driver.request(1, command, 1, 0, 0, 0)).toEqual([1, 0, command]);
      }
    });
  });

  describe('one-second packets', () => {
    it('come on the second with the time in mode 1', () => {
      const machine = make();
      const driver = new Driver(machine);
      driver.request(1, 0x1b, 1);
      driver.listen(5000 * MS);
      expect(driver.unsolicited.map((packet) => packet.slice(0, 3))).toEqual(Array(5).fill([1, 0, 3]));
      const times = driver.unsolicited.map(time);
      expect(times.map((t) => t - times[0]!)).toEqual([0, 1, 2, 3, 4]);
      driver.request(1, 0x1b, 0);
      driver.unsolicited.length = 0;
      driver.listen(2500 * MS);
      expect(driver.unsolicited).toEqual([]);
    });

    it('are short in modes 2 and 3, but for the first and every fourth', () => {
      for (const [mode, short] of [
        [2, 3],
        [3, 1],
      ]) {
        const driver = new Driver(make());
        driver.request(1, 0x1b, mode!);
        driver.listen(9000 * MS);
        const lengths = driver.unsolicited.map((packet) => packet.length);
        expect(lengths.length).toBe(9);
        expect(lengths[0]).toBe(7);
        expect(lengths.filter((length) => length === short).length).toBeGreaterThanOrEqual(6);
        for (const packet of driver.unsolicited.slice(1)) if (packet.length === 7) expect(time(packet) % 4).toBe(0);
      }
    });

    it('cease after a sync', () => {
      const driver = new Driver(make());
      driver.request(1, 0x1b, 1);
      driver.sync();
      driver.listen(3000 * MS);
      expect(driver.unsolicited).toEqual([]);
    });
  });

  it('survives a snapshot in the middle of a packet', () => {
    const machine = make();
    const driver = new Driver(machine);
    driver.send([1, 0x16]);
    machine.board.advance(5 * US);
    expectSnapshotLaw(machine.cuda);
    expectSnapshotLaw(machine.via);
    const state = structuredClone(machine.board.board.save());
    const other = make();
    other.board.board.restore(state);
    driver.interrupt();
    expect(driver.receive()).toEqual([1, 0, 0x16, 11]);
    expect(other.cuda.treq.level).toBe(false);
    other.board.advance(100 * US);
    expect(other.cuda.treq.level).toBe(true);
    expect(other.via.read(IFR, 1) & SR_INT).toBe(SR_INT);
  });

  it('survives random port and shift register accesses', () => {
    const machine = make();
    const { via, board, keyboard, mouse } = machine;
    let seed = 4711;
    const random = (n: number) => ((seed = (Math.imul(seed, 1103515245) + 12345) >>> 0) >>> 8) % n;
    via.write(DDRB, 1, 0x30);
    via.write(IER, 1, 0x84);
    for (let i = 0; i < 30_000; i++) {
      const register = [B, SR, ACR, IFR][random(4)]!;
      if (random(3)) via.write(register, 1, register === SR && random(2) ? random(2) : random(256));
      else via.read(register, 1);
      if (random(50) === 0) keyboard.key('KeyZ', random(2) === 1);
      if (random(50) === 0) mouse.move(random(9) - 4, random(9) - 4, random(8));
      if (random(3) === 0) board.advance(random(200 * US));
      expect(board.scheduler.headroom).toBeGreaterThanOrEqual(0);
    }
  });
});
