// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { SavedFields, type PlainFields } from '../../../../machines/backplane/device.ts';
import type { VirtioFunction, VirtioTransport } from '../../../../machines/devices/virtio/virtio.ts';
import { emptyVirtioMmio, VirtioMmio } from '../../../../machines/devices/virtio/virtio-mmio.ts';
import { expectSnapshotLaw } from '../../../support/fake-board.ts';
import { random } from '../../../support/random.ts';
import { F_INDIRECT, F_NEXT, F_WRITE, REG, VirtioDriver } from '../../../support/virtio-driver.ts';

/** Adds 1 to every byte it is sent. */
class Increment implements VirtioFunction {
  readonly deviceId = 42;
  readonly features = [0, 5];
  readonly queueSizes = [64, 8];
  readonly config = Uint8Array.of(1, 2, 3, 4, 5);
  started_ = 0;
  transport!: VirtioTransport;

  connect(transport: VirtioTransport): void {
    this.transport = transport;
  }
  writeConfig(offset: number, value: number): void {
    if (offset < 5) this.config[offset] = value;
  }
  started(): void {
    this.started_++;
  }
  notify(index: number): void {
    const queue = this.transport.queue(index);
    for (let chain = queue.pop(); chain !== undefined; chain = queue.pop()) {
      const bytes = new Uint8Array(Math.min(chain.readable, 4096));
      chain.read(0, bytes);
      chain.write(
        0,
        bytes.map((byte) => byte + 1),
      );
      queue.push(chain, Math.min(bytes.length, chain.writable));
    }
  }
  reset(): void {}
  save(): PlainFields {
    return { config: this.config.slice() };
  }
  restore(state: PlainFields): void {
    this.config.set(new SavedFields('increment', state).bytes('config', 5));
  }
}

const EVENT_IDX = 29;
const INDIRECT_DESC = 28;
const NEEDS_RESET = 0x40;
const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);

describe('VirtioMmio', () => {
  it('says what it is', () => {
    const driver = new VirtioDriver(new Increment());
    expect([REG.MAGIC, REG.VERSION, REG.DEVICE_ID].map((register) => driver.read(register))).toEqual([
      0x7472_6976, 2, 42,
    ]);
    expect(driver.offered()).toBe((1n << 32n) | (1n << 29n) | (1n << 28n) | 0x21n);
    expect(driver.read(REG.SHM_LEN)).toBe(0xffff_ffff);
    driver.write(REG.QUEUE_SEL, 1);
    expect(driver.read(REG.QUEUE_NUM_MAX)).toBe(8);
    driver.write(REG.QUEUE_SEL, 2);
    expect(driver.read(REG.QUEUE_NUM_MAX)).toBe(0);
  });

  it('is nothing in an empty slot', () => {
    const slots = emptyVirtioMmio(2);
    expect([0, 4, 8, 0x200, 0x208, 0x104].map((offset) => slots.read(offset, 4))).toEqual([
      ...[0x7472_6976, 2, 0, 0x7472_6976, 0, 0],
    ]);
  });

  it('takes only features it offered, and insists on version 1', () => {
    const driver = new VirtioDriver(new Increment());
    driver.write(REG.STATUS, 3);
    driver.accept(0x21n);
    driver.write(REG.STATUS, 11);
    expect(driver.read(REG.STATUS)).toBe(3);
    driver.accept((1n << 32n) | 2n);
    driver.write(REG.STATUS, 11);
    expect(driver.read(REG.STATUS)).toBe(3);
    driver.accept((1n << 32n) | 1n);
    driver.write(REG.STATUS, 11);
    expect(driver.read(REG.STATUS)).toBe(11);
    expect([driver.transport.has(0), driver.transport.has(5)]).toEqual([true, false]);
  });

  it('reads and writes its configuration by bytes, and counts its changes', () => {
    const device = new Increment();
    const driver = new VirtioDriver(device).start();
    expect(driver.read(REG.CONFIG)).toBe(0x0403_0201);
    expect([driver.configByte(4), driver.configByte(5)]).toEqual([5, 0]);
    driver.setConfigByte(1, 0x77);
    expect(driver.read(REG.CONFIG)).toBe(0x0403_7701);
    const before = driver.read(REG.GENERATION);
    device.transport.configChanged();
    expect(driver.read(REG.GENERATION)).toBe(before + 1);
    expect([driver.read(REG.INTERRUPT_STATUS), driver.transport.irq.level]).toEqual([2, true]);
    driver.write(REG.INTERRUPT_ACK, 2);
    expect(driver.transport.irq.level).toBe(false);
  });

  it('tells the device when the driver starts, and ignores notifications before', () => {
    const device = new Increment();
    const driver = new VirtioDriver(device);
    driver.setUpQueue(0, 8).add([bytes(1), 1]);
    driver.notify(0);
    expect([device.started_, driver.queues[0]!.take()]).toEqual([0, []]);
    driver.start();
    expect(device.started_).toBe(1);
  });
});

describe('Virtqueue', () => {
  it.each([false, true])('passes chains of buffers through (indirect: %s)', (indirect) => {
    const driver = new VirtioDriver(new Increment()).start();
    const used = driver.request(0, [bytes(1, 2), bytes(3), 1, 5], indirect);
    expect([used.written, ...used.bytes]).toEqual([3, 2, 3, 4, 0, 0, 0]);
    expect([driver.read(REG.INTERRUPT_STATUS), driver.transport.irq.level]).toEqual([1, true]);
    driver.write(REG.INTERRUPT_ACK, 1);
    expect(driver.transport.irq.level).toBe(false);
  });

  it('goes round, past 65536 chains', () => {
    const driver = new VirtioDriver(new Increment()).start([], 4);
    const queue = driver.queues[1]!;
    // Two of the four descriptors are used again and again.
    queue.descriptor(0, queue.place(1), 1, F_NEXT, 1);
    queue.descriptor(1, queue.place(1), 1, F_WRITE, 0);
    for (let n = 0; n < 65_540; n++) {
      queue.available(0);
      driver.notify(1);
    }
    expect(queue.u16(queue.used + 2)).toBe(4);
  });

  it('interrupts unless the driver asks not to', () => {
    const driver = new VirtioDriver(new Increment()).start([EVENT_IDX]);
    const queue = driver.queues[0]!;
    queue.setU16(queue.avail, 1);
    driver.request(0, [bytes(1), 1]);
    expect(driver.transport.irq.level).toBe(false);
    queue.setU16(queue.avail, 0);
    driver.request(0, [bytes(1), 1]);
    expect(driver.transport.irq.level).toBe(true);
  });

  it('interrupts at the chain the driver named, with event indices', () => {
    const driver = new VirtioDriver(new Increment()).start();
    const queue = driver.queues[0]!;
    queue.setU16(queue.avail + 4 + 16 * 2, 2); // used_event
    const levels: boolean[] = [];
    for (let n = 0; n < 4; n++) {
      driver.request(0, [bytes(1), 1]);
      levels.push(driver.transport.irq.level);
      driver.write(REG.INTERRUPT_ACK, 1);
    }
    expect(levels).toEqual([false, false, true, false]);
    expect(queue.u16(queue.used + 4 + 16 * 8)).toBe(4); // avail_event: the next one
  });

  it.each([
    ['a head outside', (driver: VirtioDriver) => driver.queues[0]!.available(99), 'outside the descriptors'],
    [
      'a loop',
      (driver: VirtioDriver) => {
        driver.queues[0]!.descriptor(0, 0, 1, F_NEXT, 0);
        driver.queues[0]!.available(0);
      },
      'no end',
    ],
    [
      'a next outside',
      (driver: VirtioDriver) => {
        driver.queues[0]!.descriptor(0, 0, 1, F_NEXT, 16);
        driver.queues[0]!.available(0);
      },
      'leaves the descriptors',
    ],
    [
      'a readable buffer after a writable one',
      (driver: VirtioDriver) => driver.queues[0]!.add([1, bytes(1)]),
      'comes after one to write',
    ],
    [
      'an indirect table in an indirect table',
      (driver: VirtioDriver) => {
        const queue = driver.queues[0]!;
        const table = queue.place(32);
        queue.descriptor(0, table, 16, F_INDIRECT, 0, table);
        queue.descriptor(0, table, 16, F_INDIRECT, 0);
        queue.available(0);
      },
      'a wrong indirect descriptor',
    ],
    [
      'an indirect table of odd length',
      (driver: VirtioDriver) => {
        driver.queues[0]!.descriptor(0, 0x100, 17, F_INDIRECT, 0);
        driver.queues[0]!.available(0);
      },
      'a wrong indirect descriptor',
    ],
    [
      'a buffer at the end of the address space',
      (driver: VirtioDriver) => {
        driver.queues[0]!.descriptor(0, 0xffff_ffff, 2, 0, 0);
        driver.queues[0]!.available(0);
      },
      'beyond memory',
    ],
    [
      'an endless buffer',
      (driver: VirtioDriver) => {
        driver.queues[0]!.descriptor(0, 0, 0xffff_ffff, 0, 0);
        driver.queues[0]!.available(0);
      },
      'too long',
    ],
    [
      'more chains than descriptors',
      (driver: VirtioDriver) => driver.queues[0]!.setU16(driver.queues[0]!.avail + 2, 17),
      'more chains',
    ],
  ])('breaks for %s, until a reset', (_title, spoil, message) => {
    const driver = new VirtioDriver(new Increment()).start();
    spoil(driver);
    driver.notify(0);
    expect(driver.read(REG.STATUS) & NEEDS_RESET).toBe(NEEDS_RESET);
    expect(driver.read(REG.INTERRUPT_STATUS)).toBe(2);
    expect(driver.fake.logged('guest').join()).toContain(message);
    driver.ram.bytes.fill(0);
    driver.start();
    expect(driver.request(0, [bytes(9), 1]).bytes).toEqual(bytes(10));
  });

  it('refuses indirect tables the driver did not ask for', () => {
    const driver = new VirtioDriver(new Increment()).start([INDIRECT_DESC]);
    driver.queues[0]!.add([bytes(1), 1], true);
    driver.notify(0);
    expect(driver.read(REG.STATUS) & NEEDS_RESET).toBe(NEEDS_RESET);
  });

  it('refuses sizes and places that cannot be', () => {
    const driver = new VirtioDriver(new Increment()).start();
    driver.write(REG.QUEUE_SEL, 1);
    driver.write(REG.QUEUE_READY, 0);
    for (const size of [0, 3, 16, 0x1_0000]) driver.write(REG.QUEUE_NUM, size);
    expect(driver.transport.queue(1).size).toBe(8);
    driver.write(REG.DESC, 8);
    driver.write(REG.QUEUE_READY, 1);
    expect(driver.read(REG.QUEUE_READY)).toBe(0);
    expect(driver.read(REG.STATUS) & NEEDS_RESET).toBe(NEEDS_RESET);
  });
});

describe('a virtio device', () => {
  it('obeys the snapshot law in the middle of its work', () => {
    const driver = new VirtioDriver(new Increment()).start([5]);
    driver.request(0, [bytes(1), 1]);
    driver.setConfigByte(2, 99);
    expectSnapshotLaw(
      driver.transport,
      () => new VirtioMmio(driver.fake.chip('virtio'), { memory: driver.map, device: new Increment() }),
    );
    expect(driver.transport.irq.level).toBe(true);
    expect(driver.request(0, [bytes(7), 1]).bytes).toEqual(bytes(8));
  });

  it('survives random accesses and random memory', () => {
    const driver = new VirtioDriver(new Increment()).start();
    const next = random(17);
    const pick = (below: number): number => Math.floor(next() * below);
    for (let i = 0; i < 20_000; i++) {
      if (i % 500 === 0) driver.start([], 1 << pick(7));
      const offset = 0x10_0000 + (pick(3) === 0 ? pick(0x200) : pick(0xb0) & ~3);
      const width = ([1, 2, 4] as const)[pick(3)]!;
      if (pick(2) === 0) driver.map.write(offset, width, pick(4) === 0 ? pick(2 ** (width * 8)) : pick(4));
      else expect(driver.map.read(offset, width)).toBeLessThan(2 ** (width * 8));
      driver.ram.bytes[pick(0x4000)] = pick(256);
      driver.notify(pick(2));
    }
    driver.transport.restore(structuredClone(driver.transport.save()));
  });
});
