// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { ArcKeyboard } from '../../../../machines/devices/acorn/arc-keyboard.ts';
import { Ioc } from '../../../../machines/devices/acorn/ioc.ts';
import { expectSnapshotLaw, FakeBoard } from '../../../support/fake-board.ts';
import { random } from '../../../support/random.ts';

function make() {
  const fake = new FakeBoard();
  const ioc = new Ioc(fake.chip('ioc'), { clock: fake.board.clock('ref2m', 2_000_000) });
  const keyboard = new ArcKeyboard(fake.chip('keyboard'), ioc);
  for (const chip of [ioc, keyboard]) chip.reset('cold');
  for (const chip of [ioc, keyboard]) chip.settle();
  ioc.write(0x70, 4, 1); // 31,250 baud
  ioc.write(0x74, 4, 0);
  ioc.write(0x78, 4, 0);
  const take = (): number | undefined => {
    for (let ms = 0; ms < 50; ms++) {
      if (ioc.read(0x20, 4) & 0x80) return ioc.read(0x04, 4);
      fake.advanceNs(100_000);
    }
    return undefined;
  };
  const send = (byte: number): void => {
    ioc.write(0x04, 4, byte);
    fake.advanceNs(400_000);
  };
  const start = (enable: number): void => {
    for (const byte of [0xff, 0xfe, 0xfd]) {
      send(byte);
      expect(take()).toBe(byte);
    }
    send(enable);
  };
  return { fake, keyboard, take, send, start };
}

describe('ArcKeyboard', () => {
  it('says that it was reset until somebody answers', () => {
    const { fake, take, start } = make();
    fake.advanceNs(20_000_000);
    expect(take()).toBe(0xff);
    fake.advanceNs(20_000_000);
    expect(take()).toBe(0xff);
    start(0x33);
    expect(take()).toBeUndefined();
  });

  it('sends keys in two bytes, each acknowledged', () => {
    const { keyboard, take, send, start } = make();
    start(0x31);
    keyboard.key('KeyA', true);
    keyboard.key('KeyA', false);
    expect(take()).toBe(0xc3);
    expect(take()).toBeUndefined();
    send(0x3f);
    expect(take()).toBe(0xcc);
    send(0x31);
    expect(take()).toBe(0xd3);
    send(0x3f);
    expect(take()).toBe(0xdc);
  });

  it('tells after a reset which keys are held', () => {
    const { keyboard, take, send, start } = make();
    keyboard.key('Delete', true);
    keyboard.key('KeyA', true);
    keyboard.key('KeyA', false);
    start(0x31);
    expect(take()).toBe(0xc3);
    send(0x3f);
    expect(take()).toBe(0xc4);
    send(0x31);
    expect(take()).toBeUndefined();
  });

  it('holds back what it may not send', () => {
    const { keyboard, take, send, start } = make();
    start(0x30);
    keyboard.key('Enter', true);
    keyboard.move(3, 2, 0);
    expect(take()).toBeUndefined();
    send(0x32);
    expect(take()).toBe(3);
    send(0x3f);
    expect(take()).toBe(0x7e); // upwards is positive
    send(0x31);
    expect(take()).toBe(0xc4);
  });

  it('sends long motions in parts, buttons as keys', () => {
    const { keyboard, take, send, start } = make();
    start(0x33);
    keyboard.move(100, 0, 4);
    expect(take()).toBe(0xc7); // Menu goes first
    send(0x3f);
    expect(take()).toBe(0xc1);
    send(0x33);
    expect(take()).toBe(63);
    send(0x3f);
    expect(take()).toBe(0);
    send(0x33);
    expect(take()).toBe(37);
  });

  it('identifies itself, echoes, tells the position and lights LEDs', () => {
    const { keyboard, take, send, start } = make();
    start(0x30);
    send(0x20);
    expect(take()).toBe(0x81);
    send(0x30);
    send(0x45);
    expect(take()).toBe(0xe5);
    send(0x30);
    send(0x22);
    expect(take()).toBe(0);
    send(0x3f);
    expect(take()).toBe(0);
    send(0x30);
    send(0x01);
    expect(keyboard.leds).toBe(2);
  });

  it('starts again when the protocol is broken', () => {
    const { take, send, start } = make();
    start(0x33);
    send(0x99);
    expect(take()).toBe(0xff);
  });

  it('obeys the snapshot law', () => {
    const { keyboard, start } = make();
    start(0x33);
    keyboard.key('KeyQ', true);
    keyboard.move(500, -7, 1);
    expectSnapshotLaw(keyboard);
  });

  it('survives random bytes and input', () => {
    const { fake, keyboard } = make();
    const next = random(4);
    for (let i = 0; i < 20_000; i++) {
      keyboard.receive(Math.floor(next() * 256));
      keyboard.move(next() * 1e6 - 5e5, next() * 1e6, Math.floor(next() * 8));
      keyboard.key('KeyA', next() < 0.5);
      fake.advanceNs(next() * 2_000_000);
    }
  });
});
