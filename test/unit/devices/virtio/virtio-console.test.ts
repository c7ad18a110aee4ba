// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { SerialLine } from '../../../../machines/backplane/serial-line.ts';
import { VirtioConsole, type VirtioConsolePort } from '../../../../machines/devices/virtio/virtio-console.ts';
import { VirtioMmio } from '../../../../machines/devices/virtio/virtio-mmio.ts';
import { expectSnapshotLaw } from '../../../support/fake-board.ts';
import { random } from '../../../support/random.ts';
import { VirtioDriver } from '../../../support/virtio-driver.ts';

const RECEIVE = 0;
const TRANSMIT = 1;
const CONTROL_IN = 2;
const CONTROL_OUT = 3;
const FEATURE_MULTIPORT = 1n << 1n;

const text = (bytes: Uint8Array): string => String.fromCharCode(...bytes);
const bytesOf = (words: string): Uint8Array => new TextEncoder().encode(words);

function setUp(ports?: readonly VirtioConsolePort[]) {
  const device = new VirtioConsole(ports);
  const lines = (ports ?? [{}]).map((_, index) => new SerialLine(`port${index}`));
  for (const [index, line] of lines.entries()) device.attach(index, line);
  return { device, lines, driver: new VirtioDriver(device).start() };
}

function message(id: number, event: number, value: number): Uint8Array {
  const bytes = new Uint8Array(8);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, id, true);
  view.setUint16(4, event, true);
  view.setUint16(6, value, true);
  return bytes;
}

describe('VirtioConsole with one port', () => {
  it('sends what the driver has', () => {
    const { lines, driver } = setUp();
    expect(driver.request(TRANSMIT, [bytesOf('hello '), bytesOf('world')]).written).toBe(0);
    expect(text(lines[0]!.drain())).toBe('hello world');
    expect(driver.offered() & FEATURE_MULTIPORT).toBe(0n);
  });

  it('fills the buffers the driver offers, whichever is first', () => {
    const { lines, driver } = setUp();
    const queue = driver.queues[RECEIVE]!;
    lines[0]!.feed(bytesOf('abcdefg'));
    queue.add([3]);
    driver.notify(RECEIVE);
    queue.add([16]);
    driver.notify(RECEIVE);
    queue.add([16]);
    driver.notify(RECEIVE);
    lines[0]!.feed(bytesOf('later'));
    expect(queue.take().map(({ bytes, written }) => text(bytes.subarray(0, written)))).toEqual([
      ...['abc', 'defg', 'later'],
    ]);
  });

  it('writes single characters in an emergency', () => {
    const { lines, driver } = setUp();
    driver.setConfigByte(8, 0x21);
    expect(text(lines[0]!.drain())).toBe('!');
  });

  it('keeps input while the driver is not there', () => {
    const { lines, driver } = setUp();
    driver.transport.reset('warm');
    lines[0]!.feed(bytesOf('x'));
    driver.start();
    driver.queues[RECEIVE]!.add([4]);
    driver.notify(RECEIVE);
    expect(text(driver.queues[RECEIVE]!.take()[0]!.bytes.subarray(0, 1))).toBe('x');
  });
});

describe('VirtioConsole with several ports', () => {
  const ports = [{}, { name: 'agent' }];

  it('introduces them when the driver is ready', () => {
    const { driver } = setUp(ports);
    expect(driver.configByte(4)).toBe(2);
    const control = driver.queues[CONTROL_IN]!;
    for (let n = 0; n < 8; n++) control.add([32]);
    driver.request(CONTROL_OUT, [message(0, 0, 1)]);
    driver.request(CONTROL_OUT, [message(0, 3, 1)]);
    driver.request(CONTROL_OUT, [message(1, 3, 1)]);
    driver.request(CONTROL_OUT, [message(9, 3, 1)]);
    const told = control.take().map(({ bytes, written }) => [...bytes.subarray(0, written)]);
    expect(told).toEqual([
      [...message(0, 1, 0)],
      [...message(1, 1, 0)],
      [...message(0, 4, 1)],
      [...message(0, 6, 1)],
      [...message(1, 7, 1), ...bytesOf('agent')],
      [...message(1, 6, 1)],
    ]);
  });

  it('has queues for each, and waits until the driver has opened a port', () => {
    const { lines, driver } = setUp(ports);
    driver.request(5, [bytesOf('out')]);
    expect(text(lines[1]!.drain())).toBe('out');
    lines[1]!.feed(bytesOf('in'));
    driver.queues[4]!.add([8]);
    driver.notify(4);
    expect(driver.queues[4]!.take()).toEqual([]);
    driver.request(CONTROL_OUT, [message(1, 6, 1)]);
    expect(text(driver.queues[4]!.take()[0]!.bytes.subarray(0, 2))).toBe('in');
  });

  it('does not collect messages without end', () => {
    const { driver } = setUp(ports);
    for (let n = 0; n < 1000; n++) driver.request(CONTROL_OUT, [message(0, 0, 1)]);
    const control = driver.queues[CONTROL_IN]!;
    let told = 0;
    for (let n = 0; n < 1000; n++) {
      control.add([8]);
      driver.notify(CONTROL_IN);
      told += control.take().length;
    }
    expect(told).toBe(256);
  });

  it('obeys the snapshot law', () => {
    const { driver } = setUp(ports);
    driver.request(CONTROL_OUT, [message(0, 0, 1)]);
    driver.request(CONTROL_OUT, [message(1, 6, 1)]);
    expectSnapshotLaw(
      driver.transport,
      () => new VirtioMmio(driver.fake.chip('virtio'), { memory: driver.map, device: new VirtioConsole(ports) }),
    );
  });

  it('survives random messages', () => {
    const { driver, lines } = setUp(ports);
    const next = random(29);
    const pick = (below: number): number => Math.floor(next() * below);
    for (let i = 0; i < 3000; i++) {
      if (i % 40 === 0) driver.start();
      const index = pick(6);
      const buffers = index % 2 === 0 ? [pick(40)] : [message(pick(4), pick(10), pick(3)).subarray(0, pick(9))];
      driver.queues[index]!.add(buffers);
      if (pick(2) === 0) lines[pick(2)]!.feed(Uint8Array.of(pick(256)));
      driver.notify(index);
    }
  });
});
