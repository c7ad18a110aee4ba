import { describe, expect, it } from 'vitest';
import { region } from '../../../machines/backplane/memory-map.ts';
import {
  FW_CFG,
  FwCfg,
  type FwCfgFile,
  fwCfg16,
  fwCfg32,
  fwCfg64,
  fwCfgText,
} from '../../../machines/firmware/fw-cfg.ts';
import { expectSnapshotLaw, FakeBoard } from '../../support/fake-board.ts';
import { random } from '../../support/random.ts';

const BASE = 0xf000_0510;
const ITEMS = [
  fwCfg64(FW_CFG.RAM_SIZE, 0x1_0000_0000n),
  fwCfg16(FW_CFG.MACHINE_ID, 6),
  fwCfg32(FW_CFG.PPC_TBFREQ, 16_600_000),
  fwCfgText(0x8100, 'hi'),
];

function board(files: readonly FwCfgFile[] = []) {
  const fake = new FakeBoard();
  const fwCfg = fake.board.add(new FwCfg(fake.chip('fw-cfg'), ITEMS, files));
  const map = fake.map();
  map.add(region(BASE, BASE + 1).device(fwCfg.control, 'fw-cfg'));
  map.add(region(BASE + 2, BASE + 2).device(fwCfg.data, 'fw-cfg'));
  const read = (key: number, length: number): number[] => {
    map.write(BASE, 2, key);
    return Array.from({ length }, () => map.read(BASE + 2, 1));
  };
  return { fake, fwCfg, map, read };
}

describe('FwCfg', () => {
  it('shows its signature after a reset, and its version', () => {
    const { map, fake, read } = board();
    read(FW_CFG.RAM_SIZE, 3);
    fake.board.reset('warm');
    const signature = Array.from({ length: 4 }, () => map.read(BASE + 2, 1));
    expect(String.fromCharCode(...signature)).toBe('QEMU');
    expect(read(FW_CFG.ID, 4)).toEqual([1, 0, 0, 0]);
  });

  it('gives numbers least significant byte first, and zeros beyond the end', () => {
    const { read } = board();
    expect(read(FW_CFG.RAM_SIZE, 9)).toEqual([0, 0, 0, 0, 1, 0, 0, 0, 0]);
    expect(read(FW_CFG.MACHINE_ID, 3)).toEqual([6, 0, 0]);
    expect(read(FW_CFG.PPC_TBFREQ, 4)).toEqual([0xc0, 0x4b, 0xfd, 0]);
    expect(read(0x8100, 4)).toEqual([0x68, 0x69, 0, 0]);
  });

  it('gives zeros for items that do not exist', () => {
    expect(board().read(0x1234, 3)).toEqual([0, 0, 0]);
  });

  it('begins an item again when it is selected again, with or without the write bit', () => {
    const { read } = board();
    expect(read(FW_CFG.SIGNATURE, 2)).toEqual([0x51, 0x45]);
    expect(read(FW_CFG.SIGNATURE | 0x4000, 2)).toEqual([0x51, 0x45]);
  });

  it('lists files in the order of their names', () => {
    const { read } = board([
      { name: 'ndrv/vga', bytes: Uint8Array.of(7, 8, 9) },
      { name: 'bootorder', bytes: Uint8Array.of(1) },
    ]);
    const directory = Uint8Array.from(read(FW_CFG.FILE_DIR, 4 + 128));
    const view = new DataView(directory.buffer);
    const name = (at: number): string => String.fromCharCode(...directory.subarray(at, at + 56)).replace(/\0+$/, '');
    expect(view.getUint32(0)).toBe(2);
    expect([view.getUint32(4), view.getUint16(8), name(12)]).toEqual([1, 0x20, 'bootorder']);
    expect([view.getUint32(68), view.getUint16(72), name(76)]).toEqual([3, 0x21, 'ndrv/vga']);
    expect(read(0x21, 4)).toEqual([7, 8, 9, 0]);
  });

  it('refuses names and keys that cannot be', () => {
    const file = (name: string): FwCfgFile => ({ name, bytes: new Uint8Array() });
    expect(() => board([file('x'.repeat(56))])).toThrow(/file name/);
    expect(() => board([file('a'), file('a')])).toThrow(/file name/);
    expect(() => new FwCfg(new FakeBoard().chip('f'), [fwCfg16(0x4001, 1)])).toThrow(/item/);
    expect(() => new FwCfg(new FakeBoard().chip('f'), [fwCfg16(5, 1), fwCfg16(5, 1)])).toThrow(/two items 0x5/);
  });

  it('logs writes of data and reads of the selector as guest errors', () => {
    const { map, fake } = board();
    map.write(BASE + 2, 1, 0x55);
    expect(map.read(BASE, 2)).toBe(0);
    expect(fake.logged('guest')).toHaveLength(2);
  });

  it('obeys the snapshot law in the middle of an item', () => {
    const { fwCfg, map, read } = board();
    read(FW_CFG.SIGNATURE, 2);
    expectSnapshotLaw(fwCfg, () => board().fwCfg);
    expect(map.read(BASE + 2, 1)).toBe(0x4d);
    expect(() => fwCfg.restore({ key: 0, offset: 5 })).toThrow(/offset/);
  });

  it('survives random accesses', () => {
    const { map } = board([{ name: 'a', bytes: new Uint8Array(100) }]);
    const float = random(1);
    const below = (limit: number): number => Math.floor(float() * limit);
    for (let i = 0; i < 20_000; i++) {
      const width = ([1, 2, 4] as const)[below(3)]!;
      const pa = BASE + below(3);
      if (below(2)) map.write(pa, width, below(2 ** (8 * width)));
      else expect(map.read(pa, width)).toBeLessThan(2 ** (8 * width));
    }
  });
});
