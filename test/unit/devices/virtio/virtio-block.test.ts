// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { type BlockDevice, MediumError } from '../../../../machines/backplane/host.ts';
import { VirtioBlock } from '../../../../machines/devices/virtio/virtio-block.ts';
import { VirtioMmio } from '../../../../machines/devices/virtio/virtio-mmio.ts';
import { expectSnapshotLaw } from '../../../support/fake-board.ts';
import { random } from '../../../support/random.ts';
import { VirtioDriver } from '../../../support/virtio-driver.ts';

const IN = 0;
const OUT = 1;
const FLUSH = 4;
const GET_ID = 8;
const DISCARD = 11;
const WRITE_ZEROES = 13;
const OK = 0;
const IOERR = 1;
const UNSUPP = 2;
const FEATURE_RO = 1n << 5n;
const F_FLUSH = 9;
const F_CONFIG_WCE = 11;
const CONFIG_WCE = 32;

class Medium implements BlockDevice {
  readonly title = 'disk';
  readonly blockBytes: number;
  readonly blockCount = 64;
  readonly readonly: boolean;
  readonly bytes: Uint8Array;
  flushes = 0;
  fails = false;

  constructor(readonly = false, blockBytes = 512) {
    this.readonly = readonly;
    this.blockBytes = blockBytes;
    this.bytes = Uint8Array.from({ length: 64 * blockBytes }, (_, index) => ((index >> 9) + index) | 1);
  }
  read(first: number, into: Uint8Array): void {
    if (this.fails) throw new MediumError('host');
    into.set(this.bytes.subarray(first * this.blockBytes, first * this.blockBytes + into.length));
  }
  write(first: number, from: Uint8Array): void {
    if (this.fails) throw new MediumError('host');
    this.bytes.set(from, first * this.blockBytes);
  }
  flush(): void {
    this.flushes++;
  }
}

function header(type: number, sector = 0): Uint8Array {
  const bytes = new Uint8Array(16);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, type, true);
  view.setBigUint64(8, BigInt(sector), true);
  return bytes;
}

function range(sector: number, sectors: number, flags = 0): Uint8Array {
  const bytes = new Uint8Array(16);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, BigInt(sector), true);
  view.setUint32(8, sectors, true);
  view.setUint32(12, flags, true);
  return bytes;
}

const setUp = (medium = new Medium(), without: readonly number[] = []) => {
  const device = new VirtioBlock(medium);
  return { medium, device, driver: new VirtioDriver(device).start(without) };
};

describe('VirtioBlock', () => {
  it('reads sectors into several buffers', () => {
    const { medium, driver } = setUp();
    const { bytes, written } = driver.request(0, [header(IN, 3), 512, 1000, 24, 1]);
    expect(bytes.at(-1)).toBe(OK);
    expect(written).toBe(1537);
    expect(bytes.subarray(0, 1536)).toEqual(medium.bytes.subarray(3 * 512, 6 * 512));
  });

  it('writes what comes in pieces, with the header in two', () => {
    const { medium, driver } = setUp();
    const data = Uint8Array.from({ length: 1024 }, (_, index) => 255 - (index % 250));
    const head = header(OUT, 62);
    const parts = [head.subarray(0, 5), head.subarray(5), data.subarray(0, 100), data.subarray(100)];
    expect([...driver.request(0, [...parts, 1]).bytes]).toEqual([OK]);
    expect(medium.bytes.subarray(62 * 512)).toEqual(data);
  });

  it('tells its size, blocks and limits', () => {
    const { driver } = setUp(new Medium(true, 2048));
    expect(driver.configByte(0)).toBe(0);
    expect(driver.configByte(1)).toBe(1); // 64 blocks are 256 sectors
    expect(driver.configByte(20) + 256 * driver.configByte(21)).toBe(2048);
    expect(driver.offered() & FEATURE_RO).toBe(FEATURE_RO);
    expect(setUp().driver.offered() & FEATURE_RO).toBe(0n);
  });

  it.each([
    ['reading past the end', [header(IN, 63), 1024, 1], IOERR],
    ['reading a part of a sector', [header(IN, 0), 511, 1], IOERR],
    ['a sector of 64 bits', [header(IN, 2 ** 52), 512, 1], IOERR],
    ['writing past the end', [header(OUT, 64), new Uint8Array(512), 1], IOERR],
    ['a header cut short', [new Uint8Array(15), 1], IOERR],
    ['an unknown request', [header(77), 1], UNSUPP],
    ['an identity of another size', [header(GET_ID), 19, 1], IOERR],
    ['discarding too much', [header(DISCARD), range(60, 5), 1], IOERR],
    ['discarding two ranges', [header(DISCARD), range(0, 1), range(1, 1), 1], IOERR],
    ['a flag discarding does not know', [header(DISCARD), range(0, 1, 1), 1], UNSUPP],
  ])('refuses %s', (_title, buffers, status) => {
    const { medium, driver } = setUp();
    const before = medium.bytes.slice();
    expect(driver.request(0, buffers).bytes.at(-1)).toBe(status);
    expect(medium.bytes).toEqual(before);
  });

  it('gives no bytes of memory for what it could not read', () => {
    const { medium, driver } = setUp();
    driver.ram.bytes.fill(0xee, 0x2_0000, 0x2_1000);
    expect(driver.request(0, [header(IN, 99), 512, 1]).bytes.subarray(0, 512)).toEqual(new Uint8Array(512));
    medium.fails = true;
    expect(driver.request(0, [header(IN, 0), 512, 1]).bytes.at(-1)).toBe(IOERR);
    expect(driver.request(0, [header(OUT, 0), new Uint8Array(512), 1]).bytes.at(-1)).toBe(IOERR);
  });

  it('does not write to a medium that is read-only', () => {
    const { medium, driver } = setUp(new Medium(true));
    const before = medium.bytes.slice();
    expect(driver.request(0, [header(OUT, 0), new Uint8Array(512), 1]).bytes.at(-1)).toBe(IOERR);
    expect(driver.request(0, [header(WRITE_ZEROES), range(0, 1), 1]).bytes.at(-1)).toBe(IOERR);
    expect(medium.bytes).toEqual(before);
  });

  it('clears sectors', () => {
    const { medium, driver } = setUp();
    expect(driver.request(0, [header(WRITE_ZEROES), range(2, 3, 1), 1]).bytes.at(-1)).toBe(OK);
    expect(medium.bytes.subarray(2 * 512, 5 * 512).every((byte) => byte === 0)).toBe(true);
    expect([medium.bytes[2 * 512 - 1], medium.bytes[5 * 512]]).not.toContain(0);
    expect(driver.request(0, [header(DISCARD), range(2, 3), 1]).bytes.at(-1)).toBe(OK);
  });

  it('flushes when asked, or after each write without a cache', () => {
    const { medium, driver } = setUp();
    driver.request(0, [header(OUT), new Uint8Array(512), 1]);
    expect(medium.flushes).toBe(0);
    expect(driver.request(0, [header(FLUSH), 1]).bytes.at(-1)).toBe(OK);
    expect(medium.flushes).toBe(1);
    driver.setConfigByte(CONFIG_WCE, 0);
    driver.request(0, [header(OUT), new Uint8Array(512), 1]);
    expect([medium.flushes, driver.configByte(CONFIG_WCE)]).toEqual([2, 0]);
    const simple = setUp(new Medium(), [F_FLUSH, F_CONFIG_WCE]);
    simple.driver.request(0, [header(OUT), new Uint8Array(512), 1]);
    expect(simple.medium.flushes).toBe(1);
  });

  it('has a name', () => {
    const { bytes } = setUp().driver.request(0, [header(GET_ID), 20, 1]);
    expect(String.fromCharCode(...bytes.subarray(0, 8))).toBe('emeritus');
  });

  it('returns a request that has no room for its status', () => {
    expect(setUp().driver.request(0, [header(FLUSH)]).written).toBe(0);
  });

  it('obeys the snapshot law', () => {
    const { driver, medium } = setUp();
    driver.setConfigByte(CONFIG_WCE, 0);
    expectSnapshotLaw(
      driver.transport,
      () => new VirtioMmio(driver.fake.chip('virtio'), { memory: driver.map, device: new VirtioBlock(medium) }),
    );
  });

  it('survives random requests', () => {
    const { driver } = setUp();
    const next = random(23);
    const pick = (below: number): number => Math.floor(next() * below);
    for (let i = 0; i < 3000; i++) {
      if (i % 40 === 0) driver.start();
      const head = header(pick(16), pick(80));
      const rest = Array.from({ length: pick(4) }, () => new Uint8Array(pick(700)));
      const into = Array.from({ length: pick(3) }, () => pick(600));
      driver.request(0, [head.subarray(0, pick(4) === 0 ? pick(17) : 16), ...rest, ...into]);
    }
  });
});
