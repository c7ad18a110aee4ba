// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { AdbBus } from '../../../../machines/devices/adb/adb-bus.ts';
import { ADB_KEYS, AdbKeyboard } from '../../../../machines/devices/adb/adb-keyboard.ts';
import { AdbMouse } from '../../../../machines/devices/adb/adb-mouse.ts';
import { expectSnapshotLaw } from '../../../support/fake-board.ts';

const talk = (address: number, register: number) => (address << 4) | 0x0c | register;
const listen = (address: number, register: number) => (address << 4) | 0x08 | register;

function make() {
  const bus = new AdbBus();
  const keyboard = bus.attach(new AdbKeyboard('adb:keyboard'));
  const mouse = bus.attach(new AdbMouse('adb:mouse'));
  const send = (command: number, ...data: number[]) => {
    const reply = bus.transact(command, Uint8Array.from(data));
    return { data: reply.data && [...reply.data], srq: reply.serviceRequest };
  };
  return { bus, keyboard, mouse, send };
}

describe('AdbBus', () => {
  it('answers at the default addresses with handler, SRQ enable and a random address', () => {
    const { send } = make();
    const seen = new Set<number>();
    for (let i = 0; i < 30; i++) {
      const [high, handler] = send(talk(2, 3)).data!;
      expect(high! & 0xf0).toBe(0x60);
      expect(handler).toBe(2);
      seen.add(high! & 0x0f);
    }
    expect(seen.size).toBeGreaterThan(4);
    expect(send(talk(3, 3)).data![1]).toBe(1);
    expect(send(talk(5, 3)).data).toBeUndefined();
  });

  it('moves a device, with handler 0 unconditionally and 0xfe unless it collided', () => {
    const { send } = make();
    send(listen(2, 3), 0x28, 0xfe);
    expect(send(talk(2, 3)).data).toBeUndefined();
    expect(send(talk(8, 3)).data).toBeDefined();
    send(listen(8, 3), 0x02, 0x00);
    expect(send(talk(2, 3)).data![0]! & 0xf0).toBe(0x40); // SRQ now off
    send(0x00);
    expect(send(talk(2, 3)).data![0]! & 0xf0).toBe(0x60);
  });

  it('separates two keyboards at one address as Linux and HW 01 do', () => {
    const { bus, send } = make();
    bus.attach(new AdbKeyboard('adb:second'));
    let separated = false;
    for (let attempt = 0; attempt < 8 && !separated; attempt++) {
      expect(send(talk(2, 3)).data).toBeDefined();
      send(listen(2, 3), 0x6f, 0xfe);
      expect(send(talk(15, 3)).data).toBeDefined();
      separated = send(talk(2, 3)).data !== undefined;
      if (!separated) send(listen(15, 3), 0x62, 0xfe);
    }
    expect(separated).toBe(true);
  });

  it('reports a service request of a device that was not addressed, if enabled', () => {
    const { keyboard, send } = make();
    keyboard.key('KeyA', true);
    expect(send(talk(3, 0))).toEqual({ data: undefined, srq: true });
    expect(send(talk(2, 2)).srq).toBe(false);
    send(listen(2, 3), 0x02, 0x00);
    expect(send(talk(3, 0)).srq).toBe(false);
  });

  it('flushes one device and resets all', () => {
    const { keyboard, mouse, send } = make();
    keyboard.key('KeyA', true);
    mouse.move(1, 1, 0);
    send(0x21);
    expect(send(talk(2, 0)).data).toBeUndefined();
    expect(send(talk(3, 0)).data).toBeDefined();
    mouse.move(1, 1, 0);
    send(listen(3, 3), 0x69, 4);
    send(0x00);
    expect(send(talk(3, 0)).data).toBeUndefined();
    expect(send(talk(3, 3)).data![1]).toBe(1);
  });

  it('answers nothing to reserved commands', () => {
    const { send } = make();
    for (const low of [2, 3, 4, 5, 6, 7]) expect(send(0x20 | low).data).toBeUndefined();
  });
});

describe('AdbKeyboard', () => {
  it('packs two transitions and fills with 0xff', () => {
    const { keyboard, send } = make();
    keyboard.key('KeyA', true);
    expect(send(talk(2, 0)).data).toEqual([0x00, 0xff]);
    keyboard.key('KeyA', false);
    keyboard.key('KeyS', true);
    keyboard.key('KeyS', true); // the host's auto-repeat
    keyboard.key('KeyS', false);
    expect(send(talk(2, 0)).data).toEqual([0x80, 0x01]);
    expect(send(talk(2, 0)).data).toEqual([0x81, 0xff]);
    expect(send(talk(2, 0)).data).toBeUndefined();
  });

  it('tells right from left modifiers in handler 3 only', () => {
    const { keyboard, send } = make();
    keyboard.key('ShiftRight', true);
    expect(send(talk(2, 0)).data).toEqual([0x38, 0xff]);
    send(listen(2, 3), 0x22, 3);
    expect(send(talk(2, 3)).data![1]).toBe(3);
    keyboard.key('ShiftRight', false);
    keyboard.key('ControlRight', true);
    expect(send(talk(2, 0)).data).toEqual([0xfb, 0x7d]);
    send(listen(2, 3), 0x22, 99);
    expect(send(talk(2, 3)).data![1]).toBe(3);
  });

  it('locks Caps Lock mechanically', () => {
    const { keyboard, send } = make();
    keyboard.key('CapsLock', true);
    keyboard.key('CapsLock', false);
    expect(send(talk(2, 0)).data).toEqual([0x39, 0xff]);
    expect(send(talk(2, 2)).data).toEqual([0xdf, 0xff]);
    keyboard.key('CapsLock', true);
    expect(send(talk(2, 0)).data).toEqual([0xb9, 0xff]);
    expect(send(talk(2, 2)).data).toEqual([0xff, 0xff]);
  });

  it('sends the power key alone and doubled', () => {
    const { keyboard, send } = make();
    keyboard.key('KeyA', true);
    keyboard.key('Power', true);
    keyboard.key('Power', false);
    expect(send(talk(2, 0)).data).toEqual([0x00, 0xff]);
    expect(send(talk(2, 0)).data).toEqual([0x7f, 0x7f]);
    expect(send(talk(2, 0)).data).toEqual([0xff, 0xff]);
  });

  it('shows held modifiers and LEDs in register 2', () => {
    const { keyboard, send } = make();
    send(listen(2, 2), 0xff, 0xfd);
    keyboard.key('MetaLeft', true);
    keyboard.key('MetaRight', true);
    keyboard.key('MetaLeft', false);
    expect(send(talk(2, 2)).data).toEqual([0xfe, 0xfd]);
    expect(keyboard.leds).toBe(2);
    expect(send(talk(2, 0)).data).toEqual([0x37, 0xff]); // one Command key went up, the other is still down
  });

  it('keeps a bounded number of presses and never a key without its release', () => {
    const { keyboard, send } = make();
    const codes = Object.keys(ADB_KEYS).filter((code) => code.startsWith('Key') || code.startsWith('Digit'));
    for (let round = 0; round < 10; round++) {
      for (const code of codes) keyboard.key(code, true);
      for (const code of codes) keyboard.key(code, false);
    }
    const down = new Set<number>();
    let transitions = 0;
    for (let reply = send(talk(2, 0)); reply.data !== undefined; reply = send(talk(2, 0))) {
      for (const transition of reply.data) {
        if (transition === 0xff) continue;
        transitions++;
        if (transition & 0x80) expect(down.delete(transition & 0x7f)).toBe(true);
        else down.add(transition);
      }
    }
    expect(down.size).toBe(0);
    expect(transitions).toBeLessThan(256);
  });

  it('has a code below 0x80 for every key and ignores unknown ones', () => {
    for (const code of Object.values(ADB_KEYS)) expect(code).toBeLessThan(0x80);
    expect(new Set(Object.values(ADB_KEYS)).size).toBeGreaterThan(104);
    const { keyboard, send } = make();
    keyboard.key('BrowserBack', true);
    expect(send(talk(2, 0)).data).toBeUndefined();
  });

  it('obeys the snapshot law', () => {
    const { keyboard, send } = make();
    keyboard.key('KeyQ', true);
    keyboard.key('CapsLock', true);
    send(listen(2, 3), 0x2a, 0xfe);
    expectSnapshotLaw(keyboard, () => new AdbKeyboard('adb:keyboard'));
    expect(send(talk(10, 0)).data).toEqual([0x0c, 0x39]);
  });
});

describe('AdbMouse', () => {
  it('speaks the two-byte protocol: y and first button, x and second', () => {
    const { mouse, send } = make();
    mouse.move(5, -3, 1);
    expect(send(talk(3, 0)).data).toEqual([0x7d, 0x85]);
    expect(send(talk(3, 0)).data).toBeUndefined();
    mouse.move(0, 0, 0);
    expect(send(talk(3, 0)).data).toEqual([0x80, 0x80]);
  });

  it('speaks the extended protocol and identifies itself', () => {
    const { mouse, send } = make();
    expect(send(talk(3, 1)).data).toBeUndefined();
    send(listen(3, 3), 0x23, 4);
    expect(String.fromCharCode(...send(talk(3, 1)).data!.slice(0, 4))).toBe('appl');
    expect(send(talk(3, 1)).data!.slice(6)).toEqual([1, 3]);
    mouse.move(-2, 1, 4);
    expect(send(talk(3, 0)).data).toEqual([0x81, 0xfe, 0x0f]);
  });

  it('spreads fast motion over several reports and saturates', () => {
    const { mouse, send } = make();
    mouse.move(100, 0, 0);
    expect(send(talk(3, 0)).data).toEqual([0x80, 0x80 | 63]);
    expect(send(talk(3, 0)).data).toEqual([0x80, 0x80 | 37]);
    expect(send(talk(3, 0)).data).toBeUndefined();
    for (let i = 0; i < 1000; i++) mouse.move(-1000, Number.NaN, 0);
    let sum = 0;
    for (let reply = send(talk(3, 0)); reply.data !== undefined; reply = send(talk(3, 0))) {
      sum += ((reply.data[1]! & 0x7f) << 25) >> 25;
    }
    expect(sum).toBe(-511);
  });

  it('loses no click between two polls', () => {
    const { mouse, send } = make();
    mouse.move(1, 0, 0);
    mouse.move(0, 0, 1);
    mouse.move(0, 0, 0);
    const first = [0, 1, 2].map(() => send(talk(3, 0)).data![0]! & 0x80);
    expect(first).toEqual([0x80, 0, 0x80]);
    expect(send(talk(3, 0)).data).toBeUndefined();
  });

  it('obeys the snapshot law', () => {
    const { mouse } = make();
    mouse.move(300, -2, 1);
    mouse.move(0, 0, 2);
    expectSnapshotLaw(mouse, () => new AdbMouse('adb:mouse'));
  });
});
