// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { VirtioMmio } from '../../../../machines/devices/virtio/virtio-mmio.ts';
import { VirtioNet } from '../../../../machines/devices/virtio/virtio-net.ts';
import { expectSnapshotLaw } from '../../../support/fake-board.ts';
import { random } from '../../../support/random.ts';
import { VirtioDriver } from '../../../support/virtio-driver.ts';

const RECEIVE = 0;
const TRANSMIT = 1;
const CONTROL = 2;
const HEADER_BYTES = 12;
const MAC = Uint8Array.of(0x52, 0x54, 0, 1, 2, 3);
const OTHER = Uint8Array.of(0x52, 0x54, 0, 9, 9, 9);
const GROUP = Uint8Array.of(1, 0, 0x5e, 0, 0, 1);
const BROADCAST = new Uint8Array(6).fill(0xff);
const F_MRG_RXBUF = 15;

const frame = (to: Uint8Array, size = 60): Uint8Array => {
  const bytes = Uint8Array.from({ length: size }, (_, index) => index);
  bytes.set(to);
  return bytes;
};

function setUp(plugged = true, without: readonly number[] = []) {
  const device = new VirtioNet(MAC);
  const sent: Uint8Array[] = [];
  if (plugged) device.cable = { send: (bytes) => void sent.push(bytes) };
  return { device, sent, driver: new VirtioDriver(device).start(without) };
}

describe('VirtioNet', () => {
  it('tells its address and whether the cable is in', () => {
    const { device, driver } = setUp(false);
    expect(Array.from({ length: 8 }, (_, n) => driver.configByte(n))).toEqual([...MAC, 0, 0]);
    device.cable = { send: () => {} };
    expect([driver.configByte(6), driver.transport.irq.level]).toEqual([1, true]);
  });

  it('sends frames without their headers, or loses them', () => {
    const { sent, driver } = setUp();
    driver.request(TRANSMIT, [new Uint8Array(HEADER_BYTES), frame(OTHER, 100)]);
    expect(sent).toEqual([frame(OTHER, 100)]);
    const unplugged = setUp(false);
    unplugged.driver.request(TRANSMIT, [new Uint8Array(HEADER_BYTES), frame(OTHER)]);
    unplugged.driver.request(TRANSMIT, [new Uint8Array(HEADER_BYTES + 2000)]);
    expect(unplugged.device.dropped).toBe(2);
  });

  it('receives into one buffer, or several', () => {
    const { device, driver } = setUp();
    const queue = driver.queues[RECEIVE]!;
    for (const size of [1526, 40, 40, 40]) queue.add([size]);
    expect(device.deliver(frame(MAC))).toBe(true);
    expect(device.deliver(frame(MAC))).toBe(true);
    const [one, two, three] = queue.take();
    expect([one!.written, one!.bytes[10]]).toEqual([72, 1]);
    expect(one!.bytes.subarray(HEADER_BYTES, 72)).toEqual(frame(MAC));
    expect([two!.written, three!.written, two!.bytes[10]]).toEqual([40, 32, 2]);
    expect([...two!.bytes.subarray(HEADER_BYTES), ...three!.bytes.subarray(0, 32)]).toEqual([...frame(MAC)]);
  });

  it('keeps the buffers of a frame that does not fit', () => {
    const { device, driver } = setUp();
    const queue = driver.queues[RECEIVE]!;
    queue.add([30]);
    expect(device.deliver(frame(MAC))).toBe(false);
    queue.add([60]);
    expect(device.deliver(frame(MAC))).toBe(true);
    expect(queue.take()).toHaveLength(2);
    const single = setUp(true, [F_MRG_RXBUF]);
    single.driver.queues[RECEIVE]!.add([30]);
    single.driver.queues[RECEIVE]!.add([1526]);
    expect(single.device.deliver(frame(MAC))).toBe(false);
    expect(single.device.dropped).toBe(1);
  });

  it('filters as it is told', () => {
    const { device, driver } = setUp();
    const takes = (to: Uint8Array): boolean => {
      driver.queues[RECEIVE]!.add([100]);
      const took = device.deliver(frame(to));
      if (!took) device.deliver(frame(BROADCAST)); // uses the buffer up
      return took;
    };
    const control = (...bytes: number[]): number => driver.request(CONTROL, [Uint8Array.from(bytes), 1]).bytes[0]!;
    expect([MAC, OTHER, GROUP, BROADCAST].map(takes)).toEqual([true, false, false, true]);
    expect(control(0, 0, 1)).toBe(0); // promiscuous
    expect([OTHER, GROUP].map(takes)).toEqual([true, true]);
    expect([control(0, 0, 0), control(0, 1, 1)]).toEqual([0, 0]); // all multicast
    expect([OTHER, GROUP].map(takes)).toEqual([false, true]);
    expect(control(0, 1, 0)).toBe(0);
    expect(control(1, 0, ...[1, 0, 0, 0, ...OTHER], ...[1, 0, 0, 0, ...GROUP])).toBe(0);
    expect([OTHER, GROUP].map(takes)).toEqual([true, true]);
    expect(control(1, 1, ...OTHER)).toBe(0);
    expect([driver.configByte(3), driver.configByte(5)]).toEqual([9, 9]);
  });

  it.each([
    ['a mode that does not exist', [0, 9, 1]],
    ['a mode without a value', [0, 0]],
    ['a table cut short', [1, 0, 9, 0, 0, 0]],
    ['a table that is too long', [1, 0, 0xff, 0xff, 0xff, 0xff]],
    ['an address of five bytes', [1, 1, 1, 2, 3, 4, 5]],
    ['another class', [4, 0, 1]],
    ['nothing', []],
  ])('answers an error to %s', (_title, bytes) => {
    expect([...setUp().driver.request(CONTROL, [Uint8Array.from(bytes), 1]).bytes]).toEqual([1]);
  });

  it('obeys the snapshot law', () => {
    const { driver } = setUp();
    driver.request(CONTROL, [Uint8Array.of(0, 1, 1), 1]);
    driver.request(CONTROL, [Uint8Array.of(1, 0, 1, 0, 0, 0, ...OTHER, 0, 0, 0, 0), 1]);
    expectSnapshotLaw(
      driver.transport,
      () => new VirtioMmio(driver.fake.chip('virtio'), { memory: driver.map, device: new VirtioNet(MAC) }),
    );
  });

  it('survives random chains', () => {
    const { device, driver } = setUp();
    const next = random(31);
    const pick = (below: number): number => Math.floor(next() * below);
    for (let i = 0; i < 3000; i++) {
      if (i % 40 === 0) driver.start();
      const index = pick(3);
      const bytes = Uint8Array.from({ length: pick(90) }, () => pick(4));
      driver.queues[index]!.add(index === RECEIVE ? [pick(80)] : [bytes, pick(4)]);
      driver.notify(index);
      device.deliver(frame(pick(2) === 0 ? MAC : GROUP, 14 + pick(1600)));
    }
  });
});
