// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { AdbBus } from '../../../../machines/devices/adb/adb-bus.ts';
import { AdbKeyboard } from '../../../../machines/devices/adb/adb-keyboard.ts';
import { AdbMouse } from '../../../../machines/devices/adb/adb-mouse.ts';
import { AdbTransceiver } from '../../../../machines/devices/adb/adb-transceiver.ts';
import { R6522 } from '../../../../machines/devices/timer/r6522.ts';
import { expectSnapshotLaw, FakeBoard } from '../../../support/fake-board.ts';
import { random } from '../../../support/random.ts';

// VIA registers
const ORB = 0;
const DDRB = 2;
const SR = 10;
const ACR = 11;
const IFR = 13;
const INT_SR = 0x04;
const SHIFT_IN = 0x0c;
const SHIFT_OUT = 0x1c;

const COMMAND = 0;
const EVEN = 1;
const ODD = 2;
const IDLE = 3;

const TALK_KEYBOARD = 0x2c;
const TALK_MOUSE = 0x3c;
const TALK_KEYBOARD_R3 = 0x2f;
const LISTEN_KEYBOARD_R3 = 0x2b;
const LISTEN_KEYBOARD_R2 = 0x2a;

/** The transceiver on a real VIA, as the board wires it, and what a driver does. */
function setUp() {
  const fake = new FakeBoard();
  const adb = new AdbBus();
  const keyboard = adb.attach(new AdbKeyboard('keyboard'));
  const mouse = adb.attach(new AdbMouse('mouse', 1));
  keyboard.reset('cold');
  mouse.reset('cold');
  const via = new R6522(fake.chip('via'), { clock: fake.board.clock('via', 783_360) });
  const adbChip = new AdbTransceiver(fake.chip('adb'), adb);
  adbChip.int.to((level) => via.pbW(3, !level));
  via.pb[4]!.to((level) => adbChip.stW(0, level));
  via.pb[5]!.to((level) => adbChip.stW(1, level));
  via.cb2.to((level) => adbChip.dataW(level));
  adbChip.data.to((level) => via.cb2W(level));
  adbChip.clock.to((level) => via.cb1W(level));
  for (const chip of [via, adbChip]) chip.reset('cold');
  for (const chip of [via, adbChip]) chip.settle();
  const write = (register: number, value: number): void => via.write(register, 1, value);
  const read = (register: number): number => via.read(register, 1);
  const state = (value: number): void => write(ORB, value << 4);
  write(ORB, IDLE << 4);
  write(DDRB, 0x30);
  write(ACR, SHIFT_IN);
  read(SR);
  /** Runs until the shift register is done; true when it was within the time. */
  const shifted = (withinNs = 30_000_000): boolean => {
    for (let passed = 0; passed < withinNs; passed += 100_000) {
      if (read(IFR) & INT_SR) return true;
      fake.advance(100_000);
    }
    return false;
  };
  const interrupted = (): boolean => (read(ORB) & 0x08) === 0;
  const send = (to: number, byte: number): boolean => {
    write(ACR, SHIFT_OUT);
    write(SR, byte);
    state(to);
    expect(shifted()).toBe(true);
    return interrupted();
  };
  const receive = (to: number): { byte: number; int: boolean } => {
    write(ACR, SHIFT_IN);
    read(SR);
    state(to);
    expect(shifted()).toBe(true);
    return { int: interrupted(), byte: read(SR) };
  };
  const idle = (): void => {
    write(ACR, SHIFT_IN);
    read(SR);
    state(IDLE);
  };
  return { fake, keyboard, mouse, adbChip, send, receive, idle, shifted, interrupted, read };
}

describe('AdbTransceiver', () => {
  it('talks: the command, the bytes of the reply, and a byte with int after them', () => {
    const { send, receive, idle } = setUp();
    expect(send(COMMAND, TALK_KEYBOARD_R3)).toBe(false);
    const [high, handler, end] = [receive(EVEN), receive(ODD), receive(EVEN)];
    expect([high.int, handler.int, end.int]).toEqual([false, false, true]);
    expect([high.byte & 0xf0, handler.byte]).toEqual([0x60, 0x02]);
    idle();
  });

  it('says with the first byte that nobody answered', () => {
    const { send, receive, idle } = setUp();
    send(COMMAND, 0x7c);
    expect([receive(EVEN), receive(ODD), receive(EVEN)].map(({ int }) => int)).toEqual([true, false, true]);
    idle();
  });

  it('says with the second byte that another device wants service', () => {
    const { send, receive, mouse, keyboard } = setUp();
    keyboard.key('KeyA', true);
    mouse.move(5, 0, 0);
    send(COMMAND, TALK_KEYBOARD);
    expect([receive(EVEN), receive(ODD), receive(EVEN)]).toEqual([
      { byte: 0x00, int: false },
      { byte: 0xff, int: true },
      { byte: 0x00, int: true },
    ]);
  });

  it('listens: what was sent takes effect when the host goes idle', () => {
    const { send, idle, receive, fake, keyboard } = setUp();
    send(COMMAND, LISTEN_KEYBOARD_R3);
    send(EVEN, 0x65);
    send(ODD, 0x03);
    expect(keyboard.handler).toBe(2);
    idle();
    fake.advance(1_000_000);
    expect(keyboard.handler).toBe(3);
    send(COMMAND, TALK_KEYBOARD_R3);
    receive(EVEN);
    expect(receive(ODD).byte).toBe(3);
  });

  it('carries out a Listen that is followed by the next command at once', () => {
    const { send, keyboard } = setUp();
    send(COMMAND, LISTEN_KEYBOARD_R2);
    send(EVEN, 0xff);
    send(ODD, 0xf8);
    send(COMMAND, TALK_KEYBOARD);
    expect(keyboard.leds).toBe(7);
  });

  it('tells a host that went idle after its Talk of the reply, and of who else wants service, as of a poll', () => {
    const { send, idle, receive, shifted, interrupted, read, mouse } = setUp();
    mouse.move(3, 4, 0);
    for (const [talk, [even, odd]] of [
      [TALK_KEYBOARD, [{ int: true }, { int: true }]],
      [
        TALK_MOUSE,
        [
          { byte: 0x84, int: false },
          { byte: 0x83, int: false },
        ],
      ],
    ] as const) {
      expect(send(COMMAND, talk)).toBe(false);
      idle();
      expect(shifted()).toBe(true);
      expect([interrupted(), read(SR)]).toEqual([true, talk]);
      expect(receive(EVEN)).toMatchObject(even);
      expect(receive(ODD)).toMatchObject(odd);
      receive(EVEN);
    }
    send(COMMAND, TALK_MOUSE);
    idle();
    expect(shifted(300_000_000)).toBe(false);
  });

  it('polls the device that talked last while idle, and interrupts when it has something', () => {
    const { send, receive, idle, shifted, interrupted, keyboard, read } = setUp();
    send(COMMAND, TALK_KEYBOARD);
    receive(EVEN);
    receive(ODD);
    receive(EVEN);
    idle();
    expect(shifted(50_000_000)).toBe(false);
    keyboard.key('KeyB', true);
    expect([shifted(), interrupted(), read(SR)]).toEqual([true, true, TALK_KEYBOARD]);
    expect([receive(EVEN), receive(ODD), receive(EVEN)]).toEqual([
      { byte: 0x0b, int: false },
      { byte: 0xff, int: false },
      { byte: 0x00, int: true },
    ]);
    idle();
    expect(shifted(50_000_000)).toBe(false);
  });

  it('interrupts for another device that wants service, with nothing of the polled one', () => {
    const { send, receive, idle, shifted, mouse, read } = setUp();
    send(COMMAND, TALK_KEYBOARD);
    receive(EVEN);
    idle();
    mouse.move(1, 1, 0);
    expect([shifted(), read(SR)]).toEqual([true, TALK_KEYBOARD]);
    expect([receive(EVEN).int, receive(ODD).int]).toEqual([true, true]);
    receive(EVEN);
    idle();
  });

  it('refuses a command while a reply nobody asked for waits', () => {
    const { send, receive, idle, shifted, keyboard } = setUp();
    send(COMMAND, TALK_KEYBOARD);
    receive(EVEN);
    idle();
    keyboard.key('KeyC', true);
    expect(shifted()).toBe(true);
    expect(send(COMMAND, TALK_MOUSE)).toBe(true);
    expect([receive(EVEN).byte, receive(ODD).byte, receive(EVEN).int]).toEqual([0x08, 0xff, true]);
    idle();
    expect(send(COMMAND, TALK_MOUSE)).toBe(false);
  });

  it('takes the time of the bus for a transaction', () => {
    const { fake, send, receive } = setUp();
    send(COMMAND, TALK_KEYBOARD_R3);
    const before = fake.scheduler.now;
    receive(EVEN);
    expect(fake.scheduler.now - before).toBeGreaterThan(3_000_000);
  });

  it('obeys the snapshot law in the middle of a reply', () => {
    const { send, receive, adbChip } = setUp();
    send(COMMAND, TALK_KEYBOARD_R3);
    receive(EVEN);
    expectSnapshotLaw(adbChip, () => setUp().adbChip);
  });

  it('survives random pins', () => {
    const { fake, adbChip, keyboard } = setUp();
    const next = random(17);
    for (let n = 0; n < 20_000; n++) {
      if (next() < 0.4) adbChip.stW(next() < 0.5 ? 0 : 1, next() < 0.5);
      else adbChip.dataW(next() < 0.5);
      if (next() < 0.1) keyboard.key('KeyA', next() < 0.5);
      fake.advance(Math.floor(next() * 300_000));
    }
    expect(adbChip.save()['byte']).toBeLessThan(256);
  });
});
