// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { SavedFields, SnapshotError } from '../../../../machines/backplane/device.ts';
import { SerialClockPort } from '../../../../machines/devices/rtc/serial-clock-port.ts';

function make() {
  const seen: string[] = [];
  const port = new SerialClockPort({
    read: (address) => {
      seen.push(`read ${address.toString(16)}`);
      return 0xa0 | (address & 0xf);
    },
    write: (address, value) => void seen.push(`write ${address.toString(16)} ${value.toString(16)}`),
    next: (address) => (address & 0x80) | ((address + 1) & 0x7f),
  });
  const send = (byte: number): void => {
    for (let bit = 7; bit >= 0; bit--) port.clock(((byte >>> bit) & 1) !== 0);
  };
  const receive = (): number => {
    let byte = 0;
    for (let bit = 0; bit < 8; bit++) byte = (byte << 1) | Number(port.clock(false));
    return byte;
  };
  return { port, seen, send, receive };
}

describe('SerialClockPort', () => {
  it('reads bytes from an address on, the highest bit first', () => {
    const { port, seen, send, receive } = make();
    port.select(true);
    send(0x25);
    expect([receive(), receive()]).toEqual([0xa5, 0xa6]);
    expect(seen).toEqual(['read 25', 'read 26']);
  });

  it('writes bytes where the address has bit 7', () => {
    const { port, seen, send } = make();
    port.select(true);
    for (const byte of [0xff, 0x12, 0x34]) send(byte);
    expect(seen).toEqual(['write 7f 12', 'write 0 34']);
  });

  it('gives back what it is sent while writing or not selected', () => {
    const { port, send } = make();
    expect([port.clock(true), port.clock(false)]).toEqual([true, false]);
    port.select(true);
    send(0x80);
    expect([port.clock(true), port.clock(false)]).toEqual([true, false]);
  });

  it('forgets an incomplete byte when it is selected again', () => {
    const { port, seen, send } = make();
    port.select(true);
    send(0x90);
    port.clock(true);
    port.select(false);
    port.select(true);
    send(0x90);
    send(0x01);
    expect(seen).toEqual(['write 10 1']);
  });

  it('can be saved in the middle of a byte', () => {
    const first = make();
    first.port.select(true);
    first.send(0x03);
    for (let bit = 0; bit < 3; bit++) first.port.clock(false);
    const second = make();
    second.port.restore(new SavedFields('port', first.port.save()));
    let rest = 0;
    for (let bit = 0; bit < 5; bit++) rest = (rest << 1) | Number(second.port.clock(false));
    expect(rest).toBe(0xa3 & 0x1f);
    const damaged = { ...first.port.save(), bits: 8 };
    expect(() => second.port.restore(new SavedFields('port', damaged))).toThrow(SnapshotError);
  });
});
