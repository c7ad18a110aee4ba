// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { SerialLine } from '../../../machines/backplane/serial-line.ts';
import { UsbBridge } from '../../../machines/microbit/usb-bridge.ts';
import { expectSnapshotLaw, FakeBoard } from '../../support/fake-board.ts';

function make() {
  const fake = new FakeBoard();
  const line = new SerialLine('usb');
  const bridge = new UsbBridge(fake.chip('bridge'), line);
  bridge.reset('cold');
  bridge.settle();
  let wakes = 0;
  bridge.onReadable = () => wakes++;
  const take = (): string => {
    let text = '';
    for (let byte = bridge.receive(); byte >= 0; byte = bridge.receive()) text += String.fromCharCode(byte);
    return text;
  };
  return { fake, line, bridge, take, wakes: () => wakes };
}

describe('UsbBridge', () => {
  it('passes characters on both ways', () => {
    const { line, bridge, take, wakes } = make();
    bridge.send(0x41);
    expect([...line.drain()]).toEqual([0x41]);
    line.feed(Buffer.from('hello'));
    expect([wakes(), take()]).toEqual([1, 'hello']);
  });

  it('leaves time between packets of 32, and loses nothing', () => {
    const { fake, line, take, wakes } = make();
    const text = Array.from({ length: 80 }, (_, i) => String.fromCharCode(48 + i)).join('');
    line.feed(Buffer.from(text));
    expect(take()).toBe(text.slice(0, 32));
    fake.advanceNs(14_999_999);
    expect([wakes(), take()]).toEqual([1, '']);
    fake.advanceNs(1);
    expect([wakes(), take()]).toEqual([2, text.slice(32, 64)]);
    fake.advanceNs(15_000_000);
    expect(take()).toBe(text.slice(64));
  });

  it('obeys the snapshot law within a packet', () => {
    const { line, bridge } = make();
    line.feed(Buffer.from('hello'));
    bridge.receive();
    expectSnapshotLaw(bridge, () => new UsbBridge(new FakeBoard().chip('bridge'), new SerialLine('usb')));
  });
});
