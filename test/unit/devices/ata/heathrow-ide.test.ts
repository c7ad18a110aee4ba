// SPDX-License-Identifier: MIT
import { beforeEach, describe, expect, it } from 'vitest';
import { type Width, readTarget, writeTarget } from '../../../../machines/backplane/bus.ts';
import { type BlockDevice, MediumError } from '../../../../machines/backplane/host.ts';
import { AtaDisk } from '../../../../machines/devices/ata/ata-disk.ts';
import { HeathrowIde } from '../../../../machines/devices/ata/heathrow-ide.ts';
import { MemoryStore } from '../../../../machines/storage/byte-store.ts';
import { RawImage } from '../../../../machines/storage/raw-image.ts';
import { expectSnapshotLaw, FakeBoard } from '../../../support/fake-board.ts';

const SECTORS = 2000;
const [BSY, DRDY, DF, DSC, DRQ, ERR] = [0x80, 0x40, 0x20, 0x10, 0x08, 0x01];
const [FEATURES, COUNT, LOW, MID, HIGH, DEVICE, STATUS] = [0x10, 0x20, 0x30, 0x40, 0x50, 0x60, 0x70];
const ALT = 0x160;
const READY = DRDY | DSC;

/** Every byte tells where it is from. */
const content = (sector: number): Uint8Array =>
  Uint8Array.from({ length: 512 }, (_, i) => (sector * 37 + i + (i >> 8)) & 0xff);

const CONTENT = new Uint8Array(SECTORS * 512);
for (let sector = 0; sector < SECTORS; sector++) CONTENT.set(content(sector), sector * 512);

/** A medium with bad sectors, and a count of flushes. */
class FlakyMedium implements BlockDevice {
  readonly blockBytes = 512;
  readonly blockCount = SECTORS;
  readonly title = 'flaky';
  readonly readonly: boolean;
  readonly bad = new Set<number>();
  flushes = 0;
  readonly #image: RawImage;

  constructor(readonly = false) {
    this.readonly = readonly;
    this.#image = new RawImage(new MemoryStore(CONTENT.slice()));
  }

  read(first: number, into: Uint8Array): void {
    this.#check(first, into.length);
    this.#image.read(first, into);
  }

  write(first: number, from: Uint8Array): void {
    this.#check(first, from.length);
    this.#image.write(first, from);
  }

  flush(): void {
    if (this.bad.has(-1)) throw new MediumError('disk full');
    this.flushes++;
  }

  sector(n: number): Uint8Array {
    const into = new Uint8Array(512);
    this.#image.read(n, into);
    return into;
  }

  #check(first: number, bytes: number): void {
    for (let i = 0; i < bytes / 512; i++) if (this.bad.has(first + i)) throw new MediumError(`bad sector ${first + i}`);
  }
}

/** A machine with one cell and a disk as device 0, driven as a host would. */
class Bench {
  readonly board = new FakeBoard();
  readonly medium: FlakyMedium;
  readonly disk: AtaDisk;
  readonly ide: HeathrowIde;
  requests = 0;

  constructor(options: { readonly?: boolean; unit?: 0 | 1 } = {}) {
    this.medium = new FlakyMedium(options.readonly);
    this.disk = new AtaDisk(this.board.chip('ide0:0'), this.medium, { serial: 'SN1' });
    this.ide = new HeathrowIde(this.board.chip('ide0'), options.unit === 1 ? [undefined, this.disk] : [this.disk]);
    this.ide.dma = { request: () => this.requests++ };
    this.board.board.add(this.disk);
    this.board.board.add(this.ide);
    this.board.board.reset('cold');
    this.board.advanceNs(2e6);
  }

  r(offset: number, width: Width = 1): number {
    return readTarget(this.ide, offset, width);
  }

  w(offset: number, value: number, width: Width = 1): void {
    writeTarget(this.ide, offset, width, value);
  }

  /** Loads the task file for an LBA command and writes the command. */
  command(code: number, lba = 0, count = 1, features = 0): void {
    this.w(DEVICE, 0x40 | ((lba >>> 24) & 0x0f));
    this.w(FEATURES, features);
    this.w(COUNT, count & 0xff);
    this.w(LOW, lba & 0xff);
    this.w(MID, (lba >>> 8) & 0xff);
    this.w(HIGH, (lba >>> 16) & 0xff);
    this.w(STATUS, code);
  }

  commandExt(code: number, lba: number, count: number): void {
    this.w(DEVICE, 0x40);
    const bytes = [count >>> 8, lba / 2 ** 24, lba / 2 ** 32, lba / 2 ** 40, count, lba, lba / 2 ** 8, lba / 2 ** 16];
    [COUNT, LOW, MID, HIGH, COUNT, LOW, MID, HIGH].forEach((register, i) => {
      this.w(register, Math.floor(bytes[i]!) & 0xff);
    });
    this.w(STATUS, code);
  }

  lba(): number {
    return this.r(LOW) | (this.r(MID) << 8) | (this.r(HIGH) << 16) | ((this.r(DEVICE) & 0x0f) << 24);
  }

  /** Lets time pass until BSY is clear; the status. */
  wait(): number {
    for (let i = 0; i < 1000 && (this.r(ALT) & BSY) !== 0; i++) this.board.advanceNs(10_000);
    return this.r(ALT);
  }

  pioIn(bytes: number): Uint8Array {
    const data = new Uint8Array(bytes);
    for (let i = 0; i < bytes; i += 2) {
      const word = this.r(0, 2);
      data[i] = word & 0xff;
      data[i + 1] = word >>> 8;
    }
    return data;
  }

  pioOut(data: Uint8Array): void {
    for (let i = 0; i < data.length; i += 2) this.w(0, data[i]! | (data[i + 1]! << 8), 2);
  }

  /** What a DBDMA channel does: asks whenever the drive requests, until `bytes` are in. */
  dmaIn(bytes: number, burst = 1000): Uint8Array {
    const data = new Uint8Array(bytes);
    let done = 0;
    for (let i = 0; done < bytes && i < 10_000; i++) {
      const got = this.ide.dmaPeer.dmaIn(data.subarray(done, done + burst));
      done += got;
      if (got === 0) this.board.advanceNs(50_000);
    }
    return data.subarray(0, done);
  }

  dmaOut(data: Uint8Array, burst = 1000): number {
    let done = 0;
    for (let i = 0; done < data.length && i < 10_000; i++) {
      const taken = this.ide.dmaPeer.dmaOut(data.subarray(done, done + burst));
      done += taken;
      if (taken === 0) this.board.advanceNs(50_000);
    }
    return done;
  }

  identify(): Uint16Array {
    this.command(0xec);
    expect(this.wait()).toBe(READY | DRQ);
    return new Uint16Array(this.pioIn(512).buffer);
  }
}

const text = (words: Uint16Array, first: number, count: number): string =>
  Array.from(words.subarray(first, first + count), (w) => String.fromCharCode(w >>> 8, w & 0xff)).join('');

let b: Bench;
beforeEach(() => {
  b = new Bench();
});

describe('HeathrowIde registers', () => {
  it('are 16 bytes apart, with the control block at 0x160', () => {
    b.w(COUNT, 0x55);
    b.w(LOW, 0xaa);
    expect([b.r(COUNT), b.r(LOW)]).toEqual([0x55, 0xaa]);
    expect(b.r(STATUS)).toBe(READY);
    expect(b.r(ALT)).toBe(READY);
    expect(b.r(0x170)).toBe(0xfe); // drive address: device 0, head 0
  });

  it('repeat the control block at 0x80, where OpenBIOS looks for it', () => {
    expect(b.r(0x80)).toBe(READY);
    b.w(0x80, 0x04);
    expect(b.r(ALT)).toBe(BSY);
    b.w(0x80, 0x00);
    expect(b.wait()).toBe(READY);
  });

  it('keep the timing configuration, 32 bits little-endian', () => {
    expect(b.r(0x200, 4)).toBe(0x0007_4526);
    b.w(0x200, 0xffff_ffff, 4);
    expect(b.r(0x200, 4)).toBe(0x003f_ffff);
  });

  it('give the data in the order of the medium to a big-endian CPU', () => {
    b.command(0x20, 5);
    b.wait();
    expect(b.ide.access.byteOrder).toBe('little'); // the bus swaps for the CPU: first byte first
    expect(b.r(0, 4)).toBe((185 | (186 << 8) | (187 << 16) | (188 << 24)) >>> 0);
    expect(b.r(0, 2)).toBe(189 | (190 << 8));
  });

  it('log what is no register and never throw', () => {
    b.r(0x90);
    b.w(0x110, 1);
    b.r(0x300, 4);
    expect(b.board.logged('guest')).toHaveLength(2);
    expect(b.board.logged('unimp')).toHaveLength(1);
  });
});

describe('AtaChannel selection', () => {
  it('lets device 0 answer for an absent device 1: status 0, commands ignored', () => {
    b.w(DEVICE, 0x10);
    expect([b.r(STATUS), b.r(ALT)]).toEqual([0, 0]);
    expect(b.r(DEVICE) & 0x10).toBe(0x10);
    b.w(STATUS, 0xec);
    b.board.advanceNs(1e6);
    expect([b.r(STATUS), b.r(ALT)]).toEqual([0, 0]);
    b.w(DEVICE, 0);
    expect(b.r(STATUS)).toBe(READY);
  });

  it('floats with nothing selected on the cable', () => {
    const empty = new HeathrowIde(b.board.chip('ide1'));
    for (const offset of [STATUS, ALT, COUNT]) expect(empty.read(offset, 1)).toBe(0x7f);
    empty.write(COUNT, 1, 0x55);
    expect(empty.read(COUNT, 1)).toBe(0x7f);
    const alone = new Bench({ unit: 1 });
    expect(alone.r(STATUS)).toBe(0x7f);
    alone.w(DEVICE, 0x10);
    expect(alone.r(STATUS)).toBe(READY);
  });

  it('serves two disks apart', () => {
    const board = new FakeBoard();
    const disks = [new FlakyMedium(), new FlakyMedium()].map((m, i) => new AtaDisk(board.chip(`ide0:${i}`), m));
    const ide = new HeathrowIde(board.chip('ide0'), [disks[0], disks[1]]);
    for (const device of [...disks, ide]) board.board.add(device);
    board.board.reset('cold');
    board.advanceNs(2e6);
    ide.write(DEVICE, 1, 0x50);
    ide.write(COUNT, 1, 1);
    ide.write(LOW, 1, 9);
    ide.write(STATUS, 1, 0x20);
    ide.write(DEVICE, 1, 0x40);
    expect(ide.read(STATUS, 1)).toBe(READY);
    board.advanceNs(1e6);
    expect(ide.irq.level).toBe(false); // device 1 has the interrupt, device 0 is selected
    ide.write(DEVICE, 1, 0x50);
    expect(ide.irq.level).toBe(true);
    expect(ide.read(ALT, 1)).toBe(READY | DRQ);
    expect(ide.read(0, 2)).toBe(content(9)[0]! | (content(9)[1]! << 8));
  });
});

describe('AtaDisk reset', () => {
  it('is busy after power-on, then shows the signature of a disk', () => {
    const fresh = new Bench();
    fresh.board.board.reset('cold');
    expect(fresh.r(STATUS)).toBe(BSY);
    fresh.board.advanceNs(2e6);
    expect([STATUS, 0x10, COUNT, LOW, MID, HIGH].map((o) => fresh.r(o))).toEqual([READY, 1, 1, 1, 0, 0]);
  });

  it('is busy while SRST is set and for a while after, and selects device 0', () => {
    b.w(DEVICE, 0x10);
    b.w(COUNT, 0x33);
    b.w(ALT, 0x04);
    b.board.advanceNs(1e7);
    expect(b.r(ALT)).toBe(BSY);
    b.w(ALT, 0);
    expect(b.r(ALT)).toBe(BSY);
    expect(b.wait()).toBe(READY);
    expect([b.r(COUNT), b.r(LOW), b.r(0x10)]).toEqual([1, 1, 1]);
  });

  it('ends a command in progress', () => {
    b.command(0x20, 0, 4);
    b.wait();
    b.w(ALT, 0x04);
    b.w(ALT, 0);
    expect(b.wait()).toBe(READY);
    expect(b.ide.irq.level).toBe(false);
  });

  it('answers EXECUTE DEVICE DIAGNOSTIC with an interrupt and code 1, whichever device is selected', () => {
    b.w(DEVICE, 0x10);
    b.w(STATUS, 0x90);
    expect(b.wait()).toBe(READY);
    expect(b.ide.irq.level).toBe(true);
    expect(b.r(0x10)).toBe(1);
  });
});

describe('AtaDisk IDENTIFY DEVICE', () => {
  it('describes the disk', () => {
    const words = b.identify();
    expect(words[0]).toBe(0x0040);
    expect([words[1], words[3], words[6]]).toEqual([1, 16, 63]);
    expect(text(words, 10, 10)).toBe('SN1'.padEnd(20));
    expect(text(words, 27, 20)).toBe('EMERITUS ATA DISK'.padEnd(40));
    expect(words[60]! | (words[61]! << 16)).toBe(SECTORS);
    expect(words[100]).toBe(SECTORS);
    expect(words[49]! & 0x0300).toBe(0x0300);
    expect(words[83]! & 0x0400).toBe(0x0400);
  });

  it('carries a valid checksum and ends after 256 words', () => {
    const words = b.identify();
    const bytes = new Uint8Array(words.buffer);
    expect(bytes[510]).toBe(0xa5);
    expect(bytes.reduce((sum, byte) => sum + byte, 0) & 0xff).toBe(0);
    expect(b.r(ALT)).toBe(READY);
  });

  it('shows what SET FEATURES, SET MULTIPLE and INITIALIZE DEVICE PARAMETERS have set', () => {
    b.command(0xef, 0, 0x22, 0x03); // multiword DMA 2
    expect(b.wait()).toBe(READY);
    b.command(0xc6, 0, 8);
    b.wait();
    b.w(COUNT, 10);
    b.w(DEVICE, 0x03);
    b.w(STATUS, 0x91);
    b.wait();
    b.command(0xef, 0, 0, 0x55); // look-ahead off
    b.wait();
    const words = b.identify();
    expect(words[63]).toBe(0x0407);
    expect(words[59]).toBe(0x0108);
    expect([words[54], words[55], words[56]]).toEqual([50, 4, 10]);
    expect(words[57]).toBe(2000);
    expect(words[85]! & 0x40).toBe(0);
    b.command(0xef, 0, 0x44, 0x03); // Ultra DMA 4
    b.wait();
    expect(b.identify()[88]).toBe(0x103f);
    b.command(0xef, 0, 0x47, 0x03);
    expect(b.wait() & ERR).toBe(ERR);
    expect(b.r(0x10)).toBe(0x04);
  });
});

describe('AtaDisk PIO', () => {
  it('is never instantaneous: BSY first, then DRQ and INTRQ, cleared by reading status', () => {
    b.command(0x20, 7, 1);
    expect(b.r(ALT)).toBe(BSY);
    b.board.advanceNs(50_000);
    expect(b.r(ALT)).toBe(BSY);
    b.board.advanceNs(1e6);
    expect(b.r(ALT)).toBe(READY | DRQ);
    expect(b.ide.irq.level).toBe(true);
    expect(b.r(ALT)).toBe(READY | DRQ);
    expect(b.ide.irq.level).toBe(true); // alternate status does not clear it
    b.r(STATUS);
    expect(b.ide.irq.level).toBe(false);
    expect(b.pioIn(512)).toEqual(content(7));
    expect(b.r(STATUS)).toBe(READY);
    expect(b.ide.irq.level).toBe(false);
  });

  it('interrupts for each sector of READ SECTORS', () => {
    const irq = b.board.watch(b.ide.irq);
    b.command(0x20, 100, 3);
    for (let i = 0; i < 3; i++) {
      expect(b.wait()).toBe(READY | DRQ);
      b.r(STATUS);
      expect(b.pioIn(512)).toEqual(content(100 + i));
    }
    expect(irq.filter((level) => level)).toHaveLength(3);
    expect(b.r(STATUS)).toBe(READY);
    expect([b.lba(), b.r(COUNT)]).toEqual([102, 0]);
  });

  it('masks INTRQ with nIEN', () => {
    b.w(ALT, 0x02);
    b.command(0x20);
    b.wait();
    expect(b.ide.irq.level).toBe(false);
    b.w(ALT, 0);
    expect(b.ide.irq.level).toBe(true);
  });

  it('writes with DRQ first, then an interrupt for each sector', () => {
    const irq = b.board.watch(b.ide.irq);
    b.command(0x30, 200, 2);
    expect(b.wait()).toBe(READY | DRQ);
    expect(irq).toEqual([]);
    b.pioOut(content(5));
    expect(b.r(ALT)).toBe(BSY);
    expect(b.wait()).toBe(READY | DRQ);
    expect(b.ide.irq.level).toBe(true);
    b.r(STATUS);
    b.pioOut(content(6));
    expect(b.wait()).toBe(READY);
    expect(irq).toEqual([true, false, true]);
    expect(b.medium.sector(200)).toEqual(content(5));
    expect(b.medium.sector(201)).toEqual(content(6));
  });

  it('moves blocks of several sectors with READ and WRITE MULTIPLE', () => {
    b.command(0xc4, 0, 8);
    expect(b.wait() & ERR).toBe(ERR); // before SET MULTIPLE MODE
    b.command(0xc6, 0, 4);
    b.wait();
    const irq = b.board.watch(b.ide.irq);
    b.command(0xc4, 10, 6);
    b.wait();
    b.r(STATUS);
    expect(b.pioIn(2048).subarray(1536)).toEqual(content(13));
    b.wait();
    b.r(STATUS);
    expect(b.pioIn(1024).subarray(512)).toEqual(content(15));
    expect(b.r(ALT)).toBe(READY);
    expect(irq.filter((level) => level)).toHaveLength(2);
    b.command(0xc5, 20, 5);
    b.wait();
    for (const sectors of [4, 1]) {
      b.pioOut(new Uint8Array(sectors * 512).fill(0x5a));
      b.wait();
    }
    expect(b.medium.sector(24)).toEqual(new Uint8Array(512).fill(0x5a));
    expect(b.medium.sector(25)).toEqual(content(25));
    b.command(0xc6, 0, 3);
    expect(b.wait() & ERR).toBe(ERR);
  });

  it('addresses by cylinder, head and sector', () => {
    b.w(COUNT, 2);
    b.w(LOW, 63); // sector 63, head 15, cylinder 0: the last of the cylinder
    b.w(MID, 0);
    b.w(HIGH, 0);
    b.w(DEVICE, 0x0f);
    b.w(STATUS, 0x20);
    b.wait();
    expect(b.pioIn(512)).toEqual(content(1007));
    b.wait();
    expect(b.pioIn(512)).toEqual(content(1008));
    expect([b.r(LOW), b.r(MID), b.r(DEVICE) & 0x0f]).toEqual([1, 1, 0]);
    b.w(LOW, 0);
    b.w(STATUS, 0x20);
    expect(b.wait() & ERR).toBe(ERR);
    expect(b.r(0x10)).toBe(0x10);
  });

  it('takes 48-bit addresses from registers written twice, read back through HOB', () => {
    b.commandExt(0x24, 0x300, 0x101);
    expect(b.wait()).toBe(READY | DRQ);
    expect(b.pioIn(512)).toEqual(content(0x300));
    for (let i = 1; i < 0x101; i++) {
      b.wait();
      b.pioIn(512);
    }
    expect(b.r(ALT)).toBe(READY);
    b.commandExt(0x24, 2 ** 40 + 5, 1);
    expect(b.wait() & ERR).toBe(ERR);
    expect(b.r(0x10)).toBe(0x10);
    expect(b.r(LOW)).toBe(5);
    b.w(ALT, 0x80);
    expect([b.r(LOW), b.r(MID), b.r(HIGH)]).toEqual([0, 0, 1]);
    b.w(COUNT, 0);
    expect(b.r(LOW)).toBe(5);
  });

  it('reads 256 sectors for a count of zero', () => {
    b.command(0x20, 0, 0);
    for (let i = 0; i < 256; i++) {
      expect(b.wait()).toBe(READY | DRQ);
      b.pioIn(512);
    }
    expect(b.r(ALT)).toBe(READY);
  });
});

describe('AtaDisk DMA', () => {
  it('asks its channel, moves any amount in any pieces, interrupts at the end', () => {
    b.command(0xc8, 300, 200);
    expect(b.ide.dmaPeer.dmaIn(new Uint8Array(512))).toBe(0); // still seeking
    expect(b.requests).toBe(0);
    const data = b.dmaIn(200 * 512, 777);
    expect(b.requests).toBe(2); // 128 and 72 sectors
    expect(data.length).toBe(200 * 512);
    for (let i = 0; i < 200; i++) expect(data.subarray(i * 512, (i + 1) * 512)).toEqual(content(300 + i));
    expect(b.r(ALT) & BSY).toBe(BSY);
    expect(b.ide.irq.level).toBe(false);
    expect(b.wait()).toBe(READY);
    expect(b.ide.irq.level).toBe(true);
  });

  it('writes, with nothing left behind when it interrupts', () => {
    const data = new Uint8Array(150 * 512).map((_, i) => (i * 3) & 0xff);
    b.command(0xca, 1000, 150);
    expect(b.dmaOut(data)).toBe(data.length);
    expect(b.ide.irq.level).toBe(false);
    b.wait();
    expect(b.ide.irq.level).toBe(true);
    expect(b.medium.sector(1149)).toEqual(data.subarray(149 * 512));
  });

  it('takes at least the time of the selected mode', () => {
    b.command(0xef, 0, 0x22, 0x03);
    b.wait();
    b.command(0xc8, 0, 128);
    b.board.advanceNs(128 * 512 * 60);
    expect(b.r(ALT)).toBe(BSY);
    b.board.advanceNs(500_000);
    expect(b.r(ALT)).toBe(READY | DRQ);
  });

  it('does nothing for a channel that runs the wrong way or outside a transfer', () => {
    expect(b.ide.dmaPeer.dmaIn(new Uint8Array(16))).toBe(0);
    b.command(0xc8, 0, 1);
    b.wait();
    expect(b.ide.dmaPeer.dmaOut(new Uint8Array(16))).toBe(0);
  });
});

describe('AtaDisk errors', () => {
  it('reports an unreadable sector as UNC with its address, after the good ones', () => {
    b.medium.bad.add(52);
    b.command(0x25 /* READ DMA EXT */, 0, 0);
    b.wait();
    b.w(ALT, 0x04);
    b.w(ALT, 0);
    b.wait();
    b.command(0xc8, 50, 10);
    expect(b.dmaIn(1024)).toEqual(Uint8Array.from([...content(50), ...content(51)]));
    expect(b.wait()).toBe(READY | ERR);
    expect(b.ide.irq.level).toBe(true);
    expect([b.r(0x10), b.lba()]).toEqual([0x40, 52]);
    b.command(0x40, 50, 10); // READ VERIFY
    expect(b.wait()).toBe(READY | ERR);
    expect([b.r(0x10), b.lba()]).toEqual([0x40, 52]);
  });

  it('reports a failing write as a device fault', () => {
    b.medium.bad.add(60);
    b.command(0x30, 60, 1);
    b.wait();
    b.pioOut(new Uint8Array(512));
    expect(b.wait()).toBe(READY | DF | ERR);
    expect([b.r(0x10), b.lba()]).toEqual([0x04, 60]);
  });

  it('reports addresses beyond the end as not found, at the first such sector', () => {
    b.command(0x20, SECTORS, 1);
    expect(b.wait()).toBe(READY | ERR);
    expect(b.r(0x10)).toBe(0x10);
    b.command(0xc8, SECTORS - 1, 2);
    expect(b.dmaIn(512)).toEqual(content(SECTORS - 1));
    expect(b.wait()).toBe(READY | ERR);
    expect([b.r(0x10), b.lba()]).toEqual([0x10, SECTORS]);
    b.command(0xca, SECTORS - 1, 2);
    b.dmaOut(new Uint8Array(1024).fill(7));
    expect(b.wait()).toBe(READY | ERR);
    expect(b.r(0x10)).toBe(0x10);
    expect(b.medium.sector(SECTORS - 1)).toEqual(new Uint8Array(512).fill(7));
  });

  it('aborts writes to a read-only medium and commands it does not have', () => {
    const ro = new Bench({ readonly: true });
    ro.command(0x30, 0, 1);
    expect(ro.wait()).toBe(READY | ERR);
    expect(ro.r(0x10)).toBe(0x04);
    for (const code of [0x00, 0xb0, 0xf1, 0xf9, 0x32, 0x92, 0xa0, 0xa1, 0x06, 0xc7]) {
      b.command(code);
      expect([b.wait(), b.r(0x10)], code.toString(16)).toEqual([READY | ERR, 0x04]);
      b.r(STATUS);
    }
  });

  it('ignores register writes and commands while busy', () => {
    b.command(0x20, 77, 1);
    b.w(LOW, 1);
    b.w(STATUS, 0xec);
    b.wait();
    expect(b.pioIn(512)).toEqual(content(77));
    expect(b.board.logged('guest')).toHaveLength(2);
  });
});

describe('AtaDisk other commands', () => {
  it('flushes the host medium', () => {
    b.command(0xe7);
    expect(b.r(ALT)).toBe(BSY);
    expect(b.wait()).toBe(READY);
    expect(b.medium.flushes).toBe(1);
    b.command(0xea);
    b.wait();
    expect(b.medium.flushes).toBe(2);
    b.medium.bad.add(-1);
    b.command(0xe7);
    expect(b.wait()).toBe(READY | DF | ERR);
  });

  it('flushes every write once the write cache is off', () => {
    b.command(0xef, 0, 0, 0x82);
    b.wait();
    const before = b.medium.flushes;
    b.command(0x30, 0, 1);
    b.wait();
    b.pioOut(new Uint8Array(512));
    b.wait();
    expect(b.medium.flushes).toBe(before + 1);
  });

  it('keeps a sector buffer for WRITE BUFFER and READ BUFFER', () => {
    b.command(0xe8);
    b.wait();
    b.pioOut(content(3));
    b.wait();
    b.command(0xe4);
    b.wait();
    expect(b.pioIn(512)).toEqual(content(3));
  });

  it('tells its power mode', () => {
    const power = () => {
      b.command(0xe5);
      b.wait();
      return b.r(COUNT);
    };
    expect(power()).toBe(0xff);
    b.command(0xe0);
    b.wait();
    expect(power()).toBe(0x00);
    b.command(0xe1);
    b.wait();
    expect(power()).toBe(0x80);
    b.command(0x20);
    b.wait();
    b.pioIn(512);
    expect(power()).toBe(0xff);
  });

  it('sleeps until a reset', () => {
    b.command(0xe6);
    b.wait();
    b.command(0xec);
    b.board.advanceNs(1e6);
    expect(b.r(ALT) & DRQ).toBe(0);
    b.w(ALT, 4);
    b.w(ALT, 0);
    b.wait();
    expect(b.identify()[0]).toBe(0x0040);
  });

  it('tells its last address and seeks', () => {
    b.command(0xf8);
    expect(b.wait()).toBe(READY);
    expect(b.lba()).toBe(SECTORS - 1);
    b.command(0x70, 5);
    expect(b.wait()).toBe(READY);
    b.command(0x70, SECTORS);
    expect(b.wait()).toBe(READY | ERR);
    b.command(0x10);
    expect(b.wait()).toBe(READY);
  });
});

describe('HeathrowIde snapshot', () => {
  it('keeps the law in every state of a transfer', () => {
    const states: ((bench: Bench) => void)[] = [
      () => {},
      (bench) => bench.command(0x20, 7, 3),
      (bench) => {
        bench.command(0x20, 7, 3);
        bench.wait();
        bench.pioIn(100);
      },
      (bench) => {
        bench.command(0xca, 7, 3);
        bench.wait();
        bench.dmaOut(new Uint8Array(700));
      },
      (bench) => bench.w(ALT, 0x04),
    ];
    for (const prepare of states) {
      const bench = new Bench();
      prepare(bench);
      expectSnapshotLaw(bench.disk, () => new Bench().disk);
      expectSnapshotLaw(bench.ide, () => new Bench().ide);
    }
  });

  it('goes on with a transfer on another machine', () => {
    b.command(0x20, 7, 2);
    b.wait();
    const first = b.pioIn(200);
    const other = new Bench();
    other.board.board.restore(structuredClone(b.board.board.save()));
    expect(other.ide.irq.level).toBe(true);
    const rest = other.pioIn(312);
    expect(Uint8Array.from([...first, ...rest])).toEqual(content(7));
    other.wait();
    expect(other.pioIn(512)).toEqual(content(8));
  });
});

describe('HeathrowIde fuzz', () => {
  it('survives random accesses', () => {
    let seed = 99;
    const random = (below: number) => {
      seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
      return (seed >>> 8) % below;
    };
    const offsets = [0, 0x10, COUNT, LOW, MID, HIGH, DEVICE, STATUS, STATUS, STATUS, ALT, 0x170, 0x200, 0x300];
    for (let i = 0; i < 40_000; i++) {
      const width = ([1, 2, 4] as const)[random(3)]!;
      const offset = random(4) === 0 ? random(0x1000) & ~(width - 1) : offsets[random(offsets.length)]!;
      if (random(3) === 0) b.w(offset, random(width === 4 ? 0x100_0000 : 1 << (8 * width)), width);
      else {
        const value = b.r(offset, width);
        expect(value >= 0 && value < 2 ** (width * 8) && Number.isInteger(value)).toBe(true);
      }
      if (random(8) === 0) b.ide.dmaPeer.dmaIn(new Uint8Array(random(2000)));
      if (random(8) === 0) b.ide.dmaPeer.dmaOut(new Uint8Array(random(2000)));
      if (random(4) === 0) b.board.advanceNs(random(500_000));
    }
    expect(b.board.scheduler.headroom).toBeGreaterThanOrEqual(0);
  });
});
