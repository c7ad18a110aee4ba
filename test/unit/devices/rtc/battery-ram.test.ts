// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { SavedFields, SnapshotError } from '../../../../machines/backplane/device.ts';
import { BatteryRam } from '../../../../machines/devices/rtc/battery-ram.ts';
import { FakeBoard } from '../../../support/fake-board.ts';

function make(kept?: Uint8Array) {
  const fake = new FakeBoard();
  const stored: Uint8Array[] = [];
  const host = { load: () => kept, store: (bytes: Uint8Array) => void stored.push(bytes) };
  const ram = new BatteryRam(fake.chip('rtc'), host, Uint8Array.of(1, 2, 3, 4));
  return { fake, ram, stored };
}

describe('BatteryRam', () => {
  it('begins with its initial content where nothing was kept, else with what was', () => {
    expect([make().ram.fresh, [...make().ram.bytes]]).toEqual([true, [1, 2, 3, 4]]);
    const { ram } = make(Uint8Array.of(9, 8, 7, 6));
    expect([ram.fresh, [...ram.bytes]]).toEqual([false, [9, 8, 7, 6]]);
  });

  it('does not believe content of another size', () => {
    const { ram } = make(Uint8Array.of(9));
    expect([ram.fresh, [...ram.bytes]]).toEqual([true, [1, 2, 3, 4]]);
  });

  it('stores changes together, a little later', () => {
    const { fake, ram, stored } = make();
    ram.write(0, 0x10);
    ram.write(1, 0x20);
    expect(stored).toEqual([]);
    fake.advanceNs(20_000_000);
    expect(stored).toEqual([Uint8Array.of(0x10, 0x20, 3, 4)]);
    ram.write(0, 0x10);
    fake.advanceNs(20_000_000);
    expect(stored).toHaveLength(1);
  });

  it('stores at once when the machine goes away, if there is something', () => {
    const { fake, ram, stored } = make();
    ram.flush();
    expect(stored).toEqual([]);
    ram.write(3, 0x40);
    ram.flush();
    fake.advanceNs(20_000_000);
    expect(stored).toEqual([Uint8Array.of(1, 2, 3, 0x40)]);
  });

  it('gives the host what a snapshot changes', () => {
    const { ram } = make();
    ram.write(0, 5);
    ram.flush();
    const saved = ram.save();
    const other = make();
    other.ram.restore(new SavedFields('ram', saved));
    expect(other.stored).toEqual([Uint8Array.of(5, 2, 3, 4)]);
    other.ram.restore(new SavedFields('ram', saved));
    expect(other.stored).toHaveLength(1);
    const damaged = { ...saved, bytes: Uint8Array.of(1) };
    expect(() => other.ram.restore(new SavedFields('ram', damaged))).toThrow(SnapshotError);
  });

  it('still stores what was waiting when the snapshot was taken', () => {
    const { ram } = make();
    ram.write(0, 5);
    const other = make();
    other.ram.restore(new SavedFields('ram', ram.save()));
    expect(other.stored).toEqual([]);
    other.fake.advanceNs(20_000_000);
    expect(other.stored).toEqual([Uint8Array.of(5, 2, 3, 4)]);
  });
});
