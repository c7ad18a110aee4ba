// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { SnapshotError } from '../../../../machines/backplane/device.ts';
import { SdCard } from '../../../../machines/devices/sd/sd-card.ts';
import { cardSpecificData, sdCapacity } from '../../../../machines/devices/sd/sd-registers.ts';
import { MemoryMedium } from '../../../support/block-device.ts';
import { FakeBoard } from '../../../support/fake-board.ts';
import { random } from '../../../support/random.ts';

const MIB = 1 << 20;
const RCA = 0x4567_0000;
const [TRAN, RCV] = [4, 6];

function setUp(medium = new MemoryMedium(2 * MIB)) {
  const make = () => new SdCard(new FakeBoard().chip('card'), medium);
  const card = make();
  const selected = (): SdCard => {
    card.command(0, 0);
    card.command(8, 0x1aa);
    card.command(55, 0);
    card.command(41, 0x40ff_8000);
    card.command(2, 0);
    card.command(3, 0);
    card.command(7, RCA);
    return card;
  };
  const status = (): number => card.command(13, RCA)![0]!;
  return { card, make, medium, selected, status };
}

const state = (word: number): number => (word >>> 9) & 15;
/** Bits of a register of four words. */
const field = (words: readonly number[], high: number, low: number): number => {
  const bits = words.reduce((all, word) => (all << 32n) | BigInt(word), 0n);
  return Number(BigInt.asUintN(high - low + 1, bits >> BigInt(low)));
};

describe('SdCard', () => {
  it('is identified, addressed and selected as the specification says', () => {
    const { card, status } = setUp();
    expect(card.command(0, 0)).toBeUndefined();
    expect(card.command(8, 0x1aa)).toEqual([0x1aa]);
    expect(card.command(8, 0x2aa)).toBeUndefined();
    expect(card.command(55, 0)).toEqual([0x20]);
    expect(card.command(41, 0)).toEqual([0x00ff_8000]);
    card.command(55, 0);
    expect(card.command(41, 0x40ff_8000)).toEqual([0x80ff_8000]);
    expect(card.command(2, 0)).toHaveLength(4);
    expect(card.command(3, 0)![0]! >>> 16).toBe(0x4567);
    expect(card.command(9, RCA)).toHaveLength(4);
    expect(card.command(9, 0x1111_0000)).toBeUndefined();
    expect(state(card.command(7, RCA)![0]!)).toBe(3);
    expect(state(status())).toBe(TRAN);
  });

  it('tells of a command it did not take in its next answer', () => {
    const { card, selected, status } = setUp();
    expect(card.command(17, 0)).toBeUndefined();
    selected();
    expect(card.command(5, 0)).toBeUndefined();
    expect(status() & 0x0040_0000).not.toBe(0);
    expect(status() & 0x0040_0000).toBe(0);
  });

  it('gives and takes single blocks by byte address', () => {
    const { selected, medium, status } = setUp();
    const card = selected();
    medium.bytes.fill(7, 1024, 1536);
    expect(card.command(17, 1024)).toBeDefined();
    expect(card.transfer).toBe('read');
    const block = new Uint8Array(1024);
    expect(card.readData(block)).toBe(512);
    expect([block[0], block[511], block[512], card.transfer]).toEqual([7, 7, 0, undefined]);
    card.command(24, 0);
    expect(state(status())).toBe(RCV);
    expect(card.writeData(new Uint8Array(1024).fill(9))).toBe(512);
    expect([medium.bytes[511], medium.bytes[512]]).toEqual([9, 0]);
  });

  it('goes on with many blocks until it is stopped', () => {
    const { selected, medium, status } = setUp();
    const card = selected();
    card.command(25, 0);
    expect(card.writeData(new Uint8Array(2048).fill(1))).toBe(2048);
    expect(card.writeData(new Uint8Array(512).fill(2))).toBe(512);
    expect(card.command(12, 0)).toBeDefined();
    expect(state(status())).toBe(TRAN);
    expect([medium.bytes[2047], medium.bytes[2048], medium.bytes[2560]]).toEqual([1, 2, 0]);
    card.command(55, RCA);
    card.command(22, 0);
    const count = new Uint8Array(4);
    expect(card.readData(count)).toBe(4);
    expect([...count]).toEqual([0, 0, 0, 5]);
  });

  it('says when an address is beyond its end, misaligned, or a block too long', () => {
    const { selected, status } = setUp();
    const card = selected();
    expect(card.command(17, 2 * MIB)![0]! >>> 31).toBe(1);
    expect(card.command(17, 100)![0]! & 0x4000_0000).not.toBe(0);
    expect(card.command(16, 1024)![0]! & 0x2000_0000).not.toBe(0);
    card.command(18, 2 * MIB - 512);
    expect(card.readData(new Uint8Array(2048))).toBe(512);
    expect(status() >>> 31).toBe(1);
  });

  it('is protected when the image is read-only, and says what the host cannot do', () => {
    const { selected } = setUp(new MemoryMedium(2 * MIB, true));
    expect(selected().command(24, 0)![0]! & 0x0400_0000).not.toBe(0);
    const broken = setUp();
    const card = broken.selected();
    broken.medium.fails = true;
    card.command(17, 0);
    expect(card.readData(new Uint8Array(512))).toBe(0);
    expect(broken.status() & 0x0020_0000).not.toBe(0);
  });

  it('erases ranges to zeros', () => {
    const { selected, medium } = setUp();
    const card = selected();
    medium.bytes.fill(0xee);
    expect(card.command(38, 0)![0]! & 0x1000_0000).not.toBe(0);
    card.command(32, 512);
    card.command(33, 1024);
    expect(card.command(38, 0)![0]! & 0x1800_0000).toBe(0);
    expect([511, 512, 1535, 1536].map((at) => medium.bytes[at])).toEqual([0xee, 0, 0, 0xee]);
  });

  it('tells its configuration and functions', () => {
    const { selected } = setUp();
    const card = selected();
    const scr = new Uint8Array(8);
    card.command(55, RCA);
    card.command(51, 0);
    expect(card.readData(scr)).toBe(8);
    expect([scr[0], scr[1]]).toEqual([2, 5]);
    const functions = new Uint8Array(64);
    card.command(6, 0x00ff_fff1);
    card.readData(functions);
    expect([functions[13], functions[16]]).toEqual([1, 0x0f]);
  });

  it('describes its capacity', () => {
    for (const bytes of [MIB, 16 * MIB, 1000 * MIB, 2048 * MIB]) {
      const csd = cardSpecificData(sdCapacity(bytes));
      const size = (field(csd, 73, 62) + 1) * 2 ** (field(csd, 49, 47) + 2 + field(csd, 83, 80));
      expect([field(csd, 127, 126), size]).toEqual([0, bytes]);
    }
    const csd = cardSpecificData(sdCapacity(4096 * MIB));
    expect([field(csd, 127, 126), (field(csd, 69, 48) + 1) * 512 * 1024]).toEqual([1, 4096 * MIB]);
    expect(csd[3]! & 1).toBe(1);
  });

  it('takes back what it saved and refuses nonsense', () => {
    const { card, make, selected } = setUp();
    selected().command(18, 512);
    const saved = card.save();
    const other = make();
    other.restore(structuredClone(saved));
    expect(other.save()).toEqual(saved);
    expect(other.readData(new Uint8Array(512))).toBe(512);
    expect(() => other.restore({ ...saved, position: -1 })).toThrow(SnapshotError);
    expect(() => other.restore({ ...saved, state: 'x' })).toThrow(SnapshotError);
  });

  it('survives random commands', () => {
    const { card, selected } = setUp();
    const next = random(31);
    const pick = (below: number): number => Math.floor(next() * below);
    for (let i = 0; i < 30_000; i++) {
      if (i % 50 === 0) selected();
      const argument = pick(3) === 0 ? RCA : pick(2) === 0 ? pick(0x1_0000_0000) : pick(4096) * 512;
      for (const word of card.command(pick(64), argument) ?? []) expect(word >>> 0).toBe(word);
      const bytes = new Uint8Array(pick(1200));
      expect(pick(2) === 0 ? card.readData(bytes) : card.writeData(bytes)).toBeLessThanOrEqual(bytes.length);
    }
    card.restore(structuredClone(card.save()));
  });
});
