// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { VirtioMmio } from '../../../../machines/devices/virtio/virtio-mmio.ts';
import { VirtioRng } from '../../../../machines/devices/virtio/virtio-rng.ts';
import { expectSnapshotLaw } from '../../../support/fake-board.ts';
import { VirtioDriver } from '../../../support/virtio-driver.ts';

describe('VirtioRng', () => {
  it('fills buffers with numbers that depend on the seed alone', () => {
    const take = (seed: number) => [...new VirtioDriver(new VirtioRng(seed)).start().request(0, [30, 7]).bytes];
    expect(take(1)).toEqual(take(1));
    expect(take(1)).not.toEqual(take(2));
    expect(take(1)).toHaveLength(37);
    expect(new Set(take(1)).size).toBeGreaterThan(20);
  });

  it('gives at most 64 KiB a request', () => {
    const driver = new VirtioDriver(new VirtioRng(1)).start();
    expect(driver.request(0, [0x2_0000]).written).toBe(0x1_0000);
    expect(driver.request(0, [Uint8Array.of(1)]).written).toBe(0);
  });

  it('goes on with its sequence after a snapshot', () => {
    const driver = new VirtioDriver(new VirtioRng(5)).start();
    driver.request(0, [4]);
    const saved = driver.transport.save();
    const first = driver.request(0, [8]).bytes;
    expectSnapshotLaw(
      driver.transport,
      () => new VirtioMmio(driver.fake.chip('virtio'), { memory: driver.map, device: new VirtioRng(9) }),
    );
    const other = new VirtioDriver(new VirtioRng(6));
    other.transport.restore(saved);
    other.start();
    expect(other.request(0, [8]).bytes).toEqual(first);
  });
});
