// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import type { HostPath } from '../../../../machines/backplane/host-folder.ts';
import { HOST_CARD, HOST_CARD_BYTES, HostCard } from '../../../../machines/devices/acorn/host-card.ts';
import { expectSnapshotLaw, FakeBoard } from '../../../support/fake-board.ts';
import { FakeFolder } from '../../../support/fake-folder.ts';
import { random } from '../../../support/random.ts';

/** 2001-03-24T12:00:00Z in hundredths of a second since 1900. */
const DATE = 220_898_880_000 + 98_543_520_000;
const MODIFIED_MS = 985_435_200_000;

class Driver {
  readonly fake = new FakeBoard();
  readonly folder: FakeFolder;
  readonly card: HostCard;
  readonly #block = this.fake.board.memory.allocate('card', HOST_CARD_BYTES);

  constructor(folder = new FakeFolder(MODIFIED_MS)) {
    this.folder = folder;
    this.card = new HostCard(this.fake.chip('hostfs'), { folder, memory: this.fake.board.memory, block: this.#block });
  }

  get bytes(): Uint8Array {
    return this.#block.bytes;
  }

  /** Calls an entry point; the registers after it, or the text of the error. */
  call(entry: number, registers: readonly number[], first?: string, second?: string): number[] | string {
    const { view, bytes } = this.#block;
    for (let n = 0; n < 7; n++) view.setUint32(n * 4, registers[n] ?? 0, true);
    const put = (text: string, at: number): void => bytes.set(Buffer.from(`${text}\0`, 'latin1'), at);
    if (first !== undefined) put(first, 0x100);
    if (second !== undefined) put(second, 0x500);
    this.card.write(0, 4, entry);
    if (this.card.read(0, 4) !== 0) {
      expect(view.getUint32(0x900, true) >>> 8).toBe(0x199);
      return Buffer.from(bytes.subarray(0x904, bytes.indexOf(0, 0x904))).toString('latin1');
    }
    return Array.from({ length: 7 }, (_, n) => view.getUint32(n * 4, true));
  }

  ok(entry: number, registers: readonly number[], first?: string, second?: string): number[] {
    const answer = this.call(entry, registers, first, second);
    return typeof answer === 'string' ? expect.fail(answer) : answer;
  }

  data(): Uint8Array {
    return this.bytes.slice(0x1000, 0x1000 + this.#block.view.getUint32(0x1c, true));
  }

  put(handle: number, offset: number, data: Uint8Array): number[] | string {
    this.bytes.set(data, 0x1000);
    return this.call(HOST_CARD.put, [0, handle, 0x8000, data.length, offset]);
  }

  get(handle: number, offset: number, length: number): Uint8Array {
    this.ok(HOST_CARD.get, [0, handle, 0x8000, length, offset]);
    return this.bytes.slice(0x1000, 0x1000 + length);
  }

  names(path = '$', reason = 14): string[] {
    const [, , , read] = this.ok(HOST_CARD.func, [reason, 0, 0x9000, 100, 0, 4096], path);
    const names = Buffer.from(this.data()).toString('latin1').split('\0').slice(0, -1);
    expect(names.length).toBe(read);
    return names;
  }
}

const path = (text: string): HostPath => text.split('/');

describe('HostCard', () => {
  describe('names', () => {
    it('exchanges dots and slashes, and takes types from the end', () => {
      const { folder, driver } = make();
      folder.add('read.me', 'text');
      folder.add('Basic,ffb', 'x');
      folder.add('Raw,00008000-00009abc', 'x');
      folder.add('two words,ff9', 'x');
      folder.add('folder,fff/inner', 'x');
      expect(driver.names()).toEqual(['Basic', 'folder,fff', 'Raw', 'read/me', 'two\xa0words']);
      const info = (name: string): number[] => driver.ok(HOST_CARD.file, [5], name);
      expect(info('$.basic').slice(0, 6)).toEqual([
        1,
        0,
        0xffff_fb00 + Math.floor(DATE / 2 ** 32),
        DATE % 2 ** 32,
        1,
        0x33,
      ]);
      expect(info('raw').slice(0, 4)).toEqual([1, 0, 0x8000, 0x9abc]);
      expect(info(':host.$.READ/ME')[4]).toBe(4);
      expect(info('$.folder,fff')[0]).toBe(2);
      expect(info('$.folder,fff.inner')[0]).toBe(1);
      expect(info('$.nothing')[0]).toBe(0);
      expect(info('$')[0]).toBe(2);
    });

    it('shows what RISC OS has no letters for as underscores, and only the first of equals', () => {
      const { folder, driver } = make();
      folder.add('a#b', '1');
      folder.add('a:b', '2');
      folder.add('\u4e2d', '3');
      folder.add('Caf\u00e9', '4');
      folder.add('CAF\u00c9', '5');
      expect(driver.names()).toEqual(['_', 'a_b', 'CAF\u00c9']);
      // A change of type keeps the rest of the host's name.
      driver.ok(HOST_CARD.file, [1, 0, 0xffff_fb00, 0, 0, 3], 'a_b');
      expect(folder.names()).toContain('a#b,ffb');
    });

    it.each([
      '..',
      '/',
      '//',
      '$./',
      '$.//.x',
      '^',
      '$.^.x',
      '@',
      'a:b',
      'a*',
      'a#',
      'a b',
      'a\x7f',
      '$..x',
      '.',
      'x.',
    ])('refuses %j, and stays inside', (name) => {
      const { folder, driver } = make();
      const before = folder.names();
      for (const call of [
        () => driver.call(HOST_CARD.file, [5], name),
        () => driver.call(HOST_CARD.file, [7, 0, 0xffff_ff00, 0, 0, 5], name),
        () => driver.call(HOST_CARD.file, [8], name),
        () => driver.call(HOST_CARD.open, [1], name),
        () => driver.call(HOST_CARD.func, [14, 0, 0, 10, 0, 100], name),
        () => driver.call(HOST_CARD.func, [8], 'nothing', name),
      ]) {
        expect(call()).toMatch(/Bad name|Not found/);
      }
      expect(folder.names()).toEqual(before);
      expect(folder.escapes).toBe(0);
    });

    it('refuses a name without an end', () => {
      const { driver } = make();
      driver.bytes.fill(0x61, 0x100, 0x500);
      expect(driver.call(HOST_CARD.file, [5])).toBe('Bad name');
    });

    it('keeps text whose name looks like a type', () => {
      const { folder, driver } = make();
      driver.ok(HOST_CARD.file, [7, 0, 0xffff_ff00, 0, 0, 0], 'odd,ffb');
      expect(folder.names()).toEqual(['odd,ffb,fff']);
      expect(driver.names()).toEqual(['odd,ffb']);
    });

    it('knows no other disc', () => {
      expect(make().driver.call(HOST_CARD.file, [5], ':Other.$.x')).toBe('Disc not found');
    });
  });

  describe('files', () => {
    it('are created, written, read and closed with their type and date', () => {
      const { folder, driver } = make();
      const [info, handle, buffer, extent] = driver.ok(HOST_CARD.open, [1], '$.New');
      expect([info, handle, buffer, extent]).toEqual([0xc000_0000, 1, 1024, 0]);
      expect(driver.put(1, 0, Uint8Array.of(1, 2, 3, 4))).toBeInstanceOf(Array);
      driver.put(1, 10, Uint8Array.of(9));
      expect([...driver.get(1, 0, 12)]).toEqual([1, 2, 3, 4, 0, 0, 0, 0, 0, 0, 9, 0]);
      expect(driver.ok(HOST_CARD.args, [2, 1])[2]).toBe(11);
      expect(driver.ok(HOST_CARD.args, [4, 1])[2]).toBe(1024);
      driver.ok(HOST_CARD.args, [3, 1, 4]);
      expect(driver.ok(HOST_CARD.args, [2, 1])[2]).toBe(4);
      driver.ok(HOST_CARD.args, [8, 1, 2, 6]);
      expect([...driver.get(1, 0, 8)]).toEqual([1, 2, 0, 0, 0, 0, 0, 0]);
      driver.ok(HOST_CARD.args, [8, 1, 0, 2]);
      expect([...driver.get(1, 0, 2)]).toEqual([0, 0]);
      const load = (0xfff0_0000 | (0xffb << 8) | Math.floor(DATE / 2 ** 32)) >>> 0;
      driver.ok(HOST_CARD.close, [0, 1, load, DATE % 2 ** 32]);
      expect(folder.names()).toEqual(['New,ffb']);
      expect(folder.stat(path('New,ffb'))?.modifiedMs).toBe(MODIFIED_MS);
      expect(driver.call(HOST_CARD.args, [2, 1])).toBe('Channel');
    });

    it('that are not there are handle 0; directories do not open', () => {
      const { folder, driver } = make();
      folder.add('d/x', '');
      expect(driver.ok(HOST_CARD.open, [0], 'nothing')[1]).toBe(0);
      expect(driver.call(HOST_CARD.open, [0], 'd')).toBe("Types don't match");
    });

    it('opened to be read are not written', () => {
      const { folder, driver } = make();
      folder.add('x', 'abc');
      const [info, handle] = driver.ok(HOST_CARD.open, [0], 'x') as [number, number];
      expect(info).toBe(0x4000_0000);
      expect(driver.put(handle, 0, Uint8Array.of(1))).toBe('Access violation');
      expect(driver.call(HOST_CARD.args, [3, handle, 0])).toBe('Access violation');
    });

    it('that may not be written are locked', () => {
      const { folder, driver } = make();
      folder.add('x', 'abc');
      folder.setWritable(path('x'), false);
      expect(driver.ok(HOST_CARD.file, [5], 'x')[5]).toBe(0x19);
      expect(driver.call(HOST_CARD.open, [2], 'x')).toBe('Locked');
      expect(driver.call(HOST_CARD.open, [1], 'x')).toBe('Locked');
      expect(driver.call(HOST_CARD.file, [6], 'x')).toBe('Locked');
      driver.ok(HOST_CARD.file, [4, 0, 0, 0, 0, 3], 'x');
      expect(driver.ok(HOST_CARD.file, [6], 'x')[0]).toBe(1);
    });

    it('are 64 at most', () => {
      const { folder, driver } = make();
      folder.add('x', 'abc');
      for (let n = 1; n <= 64; n++) expect(driver.ok(HOST_CARD.open, [0], 'x')[1]).toBe(n);
      expect(driver.call(HOST_CARD.open, [0], 'x')).toBe('Too many open files');
      driver.ok(HOST_CARD.func, [16]);
      expect(folder.openFiles).toBe(0);
    });

    it('have no more than 2 GB', () => {
      const { driver } = make();
      driver.ok(HOST_CARD.open, [1], 'x');
      expect(driver.put(1, 0x7fff_ffff, Uint8Array.of(1))).toBe('Disc full');
      expect(driver.call(HOST_CARD.args, [3, 1, 0x8000_0000])).toBe('Disc full');
      expect(driver.call(HOST_CARD.args, [8, 1, 0xffff_0000, 0xffff_0000])).toBe('Disc full');
      expect(driver.call(HOST_CARD.file, [7, 0, 0, 0, 1, 0], 'y')).toBe('Disc full');
      expect(driver.call(HOST_CARD.get, [0, 1, 0, 0x1001, 0])).toBe('Not supported by HostFS');
    });
  });

  describe('directories', () => {
    it('are read in pieces', () => {
      const { folder, driver } = make();
      for (let n = 0; n < 300; n++) folder.add(`File${String(n).padStart(3, '0')},ffd`, 'x');
      const names: string[] = [];
      for (let from = 0, calls = 0; from !== 0xffff_ffff; calls++) {
        const [, , , read, next] = driver.ok(HOST_CARD.func, [15, 0, 0x9000, 77, from, 1000], '$') as [
          0,
          0,
          0,
          number,
          number,
        ];
        const data = driver.data();
        expect(data.length).toBeLessThanOrEqual(1000);
        for (let at = 0; at < data.length; at += 28) {
          names.push(Buffer.from(data.subarray(at + 20, at + 27)).toString('latin1'));
        }
        expect(names.length).toBe(from + read);
        from = next;
        expect(calls).toBeLessThan(20);
      }
      expect(names).toEqual(Array.from({ length: 300 }, (_, n) => `File${String(n).padStart(3, '0')}`));
    });

    it('are made, renamed with what is open in them, and removed when empty', () => {
      const { folder, driver } = make();
      driver.ok(HOST_CARD.file, [8], 'a');
      driver.ok(HOST_CARD.open, [1], 'a.x');
      expect(driver.call(HOST_CARD.file, [6], 'a')).toBe('Directory not empty');
      expect(driver.call(HOST_CARD.func, [8], 'a', 'a.b')).toBe('Bad rename');
      expect(driver.call(HOST_CARD.func, [8], '$', 'b')).toBe('Bad rename');
      expect(driver.ok(HOST_CARD.func, [8], 'a', 'A')[1]).toBe(0); // another case of the same name
      driver.ok(HOST_CARD.func, [8], 'A', 'c');
      driver.ok(HOST_CARD.close, [0, 1, 0xffff_fb00, 0]);
      expect(folder.names()).toEqual(['c', 'c/x,ffb']);
      driver.ok(HOST_CARD.file, [6], 'c.x');
      expect(driver.ok(HOST_CARD.file, [6], 'c')[0]).toBe(2);
      expect(driver.call(HOST_CARD.file, [6], '$')).toBe('Access violation');
    });
  });

  it('gives the name of its disc where there is room', () => {
    const { driver } = make();
    expect(driver.ok(HOST_CARD.func, [23, 0, 0, 0, 0, 0, 0])[4]).toBe(4);
    expect(driver.ok(HOST_CARD.func, [23, 0, 1, 0, 0x9000, 0, 5], undefined, 'HOST').slice(1, 5)).toEqual([
      0, 0x9000, 0, 0,
    ]);
    expect(Buffer.from(driver.data()).toString()).toBe('Host\0');
    expect(driver.ok(HOST_CARD.func, [23, 0, 0, 0, 0x9000, 0, 3])[4]).toBe(2);
    expect(driver.call(HOST_CARD.func, [23, 0, 1, 0, 0x9000, 0, 5], undefined, 'Floppy')).toBe('Disc not found');
  });

  it('says how much room there is, at most 2 GB', () => {
    const { folder, driver } = make();
    folder.freeBytes = 5 * 2 ** 40;
    expect(driver.ok(HOST_CARD.func, [30], '$').slice(0, 3)).toEqual([0x7fff_ffff, 0x7fff_ffff, 0x7fff_ffff]);
    folder.freeBytes = 1000;
    expect(driver.ok(HOST_CARD.func, [30], '$').slice(0, 2)).toEqual([1000, 1000]);
  });

  it('tells the host to have failed as an error', () => {
    const { folder, driver } = make();
    folder.add('x', 'abc');
    driver.ok(HOST_CARD.open, [2], 'x');
    folder.failing = 'full';
    expect(driver.put(1, 0, Uint8Array.of(1))).toBe('Disc full');
    folder.failing = 'failed';
    expect(driver.call(HOST_CARD.func, [14, 0, 0, 1, 0, 100], '$')).toBe('The host cannot do this');
  });

  it('obeys the snapshot law, open files included', () => {
    const { folder, driver } = make();
    folder.add('x', 'abc');
    folder.add('gone', 'abc');
    driver.ok(HOST_CARD.open, [2], 'x');
    driver.ok(HOST_CARD.open, [0], 'gone');
    driver.call(HOST_CARD.args, [99, 1]);
    expectSnapshotLaw(driver.card, () => new Driver(folder).card);
    const saved = driver.card.save();
    folder.remove(path('gone'));
    driver.card.restore(saved);
    expect(driver.card.save()).toEqual(saved);
    expect(driver.ok(HOST_CARD.args, [2, 1])[2]).toBe(3);
    expect(driver.call(HOST_CARD.args, [2, 2])).toBe('Channel');
    const open = [{ handle: 1, path: ['..', 'x'], writable: true }];
    expect(() => driver.card.restore({ failed: false, open })).toThrow(/path of an open file/);
  });

  it('survives hostile programs', () => {
    const { folder, driver } = make();
    for (const name of ['a', 'b,ffb', 'c.d', 'dir/e', 'dir/f,00000001-00000002']) folder.add(name, 'some text');
    const next = random(11);
    const pick = <T>(list: readonly T[]): T => list[Math.floor(next() * list.length)]!;
    const words = [0, 1, 2, 3, 16, 100, 1024, 4096, 4097, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff];
    const names = [
      '$',
      'a',
      'b',
      'c/d',
      '$.dir.e',
      'dir',
      'dir.f',
      '',
      '..',
      '//',
      ':Host.$.a',
      ':',
      'new',
      'dir.new',
      '\xff',
    ];
    for (let i = 0; i < 10_000; i++) {
      const entry = next() < 0.95 ? Math.floor(next() * 7) : pick(words);
      const registers = Array.from({ length: 7 }, () => (next() < 0.5 ? Math.floor(next() * 20) : pick(words)));
      if (next() < 0.05) for (let at = 0; at < HOST_CARD_BYTES; at += 7) driver.bytes[at] = Math.floor(next() * 256);
      driver.call(entry, registers, next() < 0.9 ? pick(names) : undefined, next() < 0.9 ? pick(names) : undefined);
      if (i % 100 === 0) driver.card.read(Math.floor(next() * 0x1000), 4);
    }
    expect(folder.escapes).toBe(0);
    expect(folder.openFiles).toBeLessThanOrEqual(64);
    driver.card.reset('cold');
    expect(folder.openFiles).toBe(0);
  });
});

function make(): { folder: FakeFolder; driver: Driver } {
  const driver = new Driver();
  return { folder: driver.folder, driver };
}
