// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import type { PlainFields } from '../../../../machines/backplane/device.ts';
import { I82077, type I82077Mode } from '../../../../machines/devices/floppy/i82077.ts';
import {
  ADFS_GEOMETRIES,
  type FloppyGeometry,
  PC_GEOMETRIES,
  SectorDisk,
} from '../../../../machines/devices/floppy/sector-disk.ts';
import { ShugartDrive } from '../../../../machines/devices/floppy/shugart-drive.ts';
import { expectSnapshotLaw, FakeBoard } from '../../../support/fake-board.ts';
import { floppyImage } from '../../../support/floppy.ts';
import { random } from '../../../support/random.ts';

const SRA = 0;
const SRB = 1;
const DOR = 2;
const TDR = 3;
const MSR = 4;
const DSR = 4;
const FIFO = 5;
const DIR = 7;
const CCR = 7;

const geometry = (title: string): FloppyGeometry =>
  [...PC_GEOMETRIES, ...ADFS_GEOMETRIES].find((one) => one.title === title)!;
const RATES: Record<number, number> = { 250_000: 2, 500_000: 0, 1_000_000: 3 };

interface Options {
  format?: string;
  readonly?: boolean;
  empty?: boolean;
  bad?: number;
  mode?: I82077Mode;
  /** The DMA channel is enabled. */
  dma?: boolean;
  fifo?: number;
}

function make(options: Options = {}) {
  const fake = new FakeBoard();
  const layout = geometry(options.format ?? 'PC 1.44 MiB');
  const bytes = layout.cylinders * layout.heads * layout.sectors * layout.sectorBytes;
  const { data, blocks } = floppyImage(bytes, layout.sectorBytes, options);
  const disk = new SectorDisk(blocks, layout);
  const drive = new ShugartDrive(fake.chip('drive'), options.empty ? undefined : disk);
  const second = new ShugartDrive(fake.chip('drive2'), undefined);
  const build = () => new I82077(fake.chip('fdc'), [drive, second], options.mode);
  const fdc = build();
  for (const chip of [drive, second, fdc]) {
    chip.reset('cold');
    chip.settle();
  }
  const wait = (ms: number): void => fake.advanceNs(ms * 1e6);
  const give = (...command: number[]): void => {
    for (const byte of command) {
      expect(fdc.read(MSR, 1) & 0xc0).toBe(0x80);
      fdc.write(FIFO, 1, byte);
    }
  };
  const results = (): number[] => {
    const bytes: number[] = [];
    while ((fdc.read(MSR, 1) & 0xd0) === 0xd0) bytes.push(fdc.read(FIFO, 1));
    return bytes;
  };
  /** Serves DRQ until the command is over: TC comes with byte `tc`. */
  const pump = (next: (i: number) => number = () => 0, tc = Infinity, toHost = true): number[] => {
    const bytes: number[] = [];
    for (let i = 0; i < 3_000_000 && !fdc.irq.level; i++) {
      if (fdc.drq.level) {
        if (toHost) bytes.push(fdc.readDack());
        else fdc.writeDack(next(bytes.push(0) - 1));
        if (bytes.length === tc) fdc.terminalCount();
      } else {
        fake.advance(Math.min(fake.scheduler.headroom, 1e6) || 1);
      }
    }
    return bytes;
  };
  fdc.write(DOR, 1, 0x1c);
  fdc.write(CCR, 1, RATES[layout.bitRate]!);
  wait(2);
  for (let i = 0; i < 4; i++) {
    give(0x08);
    expect(results()).toEqual([0xc0 | i, 0]);
  }
  give(0x03, 0xdf, 0x02); // 3 ms steps, DMA
  if (options.fifo !== undefined) give(0x13, 0, options.fifo, 0);
  return { fake, data, disk, drive, second, build, fdc, wait, give, results, pump };
}

const sectorOf = (number: number, bytes = 512): number[] => new Array<number>(bytes).fill(number & 0xff);

describe('I82077', () => {
  describe('reset', () => {
    it('is held by DOR, then polls the drives once', () => {
      const { fdc, wait, give, results } = make();
      fdc.write(DOR, 1, 0x08);
      expect(fdc.read(MSR, 1)).toBe(0);
      fdc.write(FIFO, 1, 0x10);
      fdc.write(DOR, 1, 0x0c);
      expect(fdc.read(MSR, 1)).toBe(0);
      wait(0.1);
      expect([fdc.read(MSR, 1), fdc.irq.level]).toEqual([0x80, false]);
      wait(1);
      expect(fdc.irq.level).toBe(true);
      for (let i = 0; i < 4; i++) {
        give(0x08);
        expect(results()).toEqual([0xc0 | i, 0]);
      }
      expect(fdc.irq.level).toBe(false);
      give(0x08);
      expect(results()).toEqual([0x80]);
    });

    it('does not poll where CONFIGURE says so in time', () => {
      const { fdc, wait, give } = make();
      fdc.write(DSR, 1, 0x80);
      wait(0.1);
      give(0x13, 0, 0x10, 0);
      wait(5);
      expect(fdc.irq.level).toBe(false);
    });

    it('by software keeps what LOCK protects', () => {
      const { fdc, wait, give, results } = make();
      const config = (): number[] => {
        give(0x0e);
        return results().slice(-3);
      };
      expect(config()).toEqual([0, 0x20, 0]);
      give(0x13, 0, 0x57, 33);
      give(0x12, 0x83 | 0x28);
      give(0x94);
      expect(results()).toEqual([0x10]);
      expect(config()).toEqual([0x80 | 0x2b, 0x57, 33]);
      fdc.write(DSR, 1, 0x80);
      wait(5);
      expect(config()).toEqual([0x80 | 0x28, 0x07, 33]);
      give(0x14);
      expect(results()).toEqual([0]);
      fdc.write(DSR, 1, 0x80);
      wait(5);
      expect(config()).toEqual([0x28, 0x20, 0]);
    });

    it('stops a command', () => {
      const { fdc, wait, give } = make();
      give(0xe6, 0, 0, 0, 1, 2, 18, 0x1b, 0xff);
      wait(210);
      fdc.write(DOR, 1, 0x18);
      fdc.write(DOR, 1, 0x1c);
      wait(0.5);
      expect([fdc.read(MSR, 1), fdc.drq.level]).toEqual([0x80, false]);
    });
  });

  describe('registers', () => {
    it('hold what they are given', () => {
      const { fdc } = make();
      expect(fdc.read(DOR, 1)).toBe(0x1c);
      fdc.write(TDR, 1, 0xff);
      expect(fdc.read(TDR, 1)).toBe(3);
      fdc.reset('warm');
      expect([fdc.read(DOR, 1), fdc.read(TDR, 1), fdc.read(MSR, 1)]).toEqual([0, 0, 0]);
    });

    it('show the drive to a PS/2', () => {
      const { fdc, wait, give, drive } = make({ mode: 'ps2', readonly: true });
      expect(fdc.read(SRA, 1) & 0xdb).toBe(0x00); // track 0, protected, a second drive is there
      expect(fdc.read(SRB, 1)).toBe(0xc1);
      expect(fdc.read(DIR, 1)).toBe(0x80 | 0x78);
      give(0x0f, 0, 3);
      wait(20);
      expect([drive.cylinder, fdc.read(SRA, 1) & 0xb1]).toEqual([3, 0x80 | 0x20 | 0x10 | 0x01]);
      fdc.write(CCR, 1, 2);
      expect(fdc.read(DIR, 1)).toBe(0x78 | 4 | 1);
      fdc.write(DOR, 1, 0x2d);
      expect(fdc.read(SRB, 1)).toBe(0xe2);
    });

    it('show the drive to a Model 30', () => {
      const { fdc } = make({ mode: 'model30' });
      expect(fdc.read(SRA, 1) & 0xf3).toBe(0x10 | 0x01);
      expect(fdc.read(SRB, 1)).toBe(0x43);
      fdc.write(CCR, 1, 0x05);
      expect(fdc.read(DIR, 1)).toBe(0x08 | 0x05);
      fdc.write(DOR, 1, 0x14);
      expect(fdc.read(DIR, 1)).toBe(0x05);
    });

    it('of an AT have the disk change line only', () => {
      const { fdc, drive, wait, give } = make();
      expect([fdc.read(SRA, 1), fdc.read(SRB, 1), fdc.read(DIR, 1)]).toEqual([0xff, 0xff, 0x80]);
      give(0x0f, 0, 1);
      wait(10);
      expect(fdc.read(DIR, 1)).toBe(0);
      drive.eject();
      expect(fdc.read(DIR, 1)).toBe(0x80);
      fdc.write(DOR, 1, 0x1d);
      expect(fdc.read(DIR, 1)).toBe(0x80);
    });

    it('hold INT back while DMAGATE is low, but not on a PS/2', () => {
      for (const [mode, level] of [
        ['at', false],
        ['ps2', true],
      ] as const) {
        const { fdc, wait, give } = make({ mode });
        fdc.write(DOR, 1, 0x14);
        give(0x07, 0);
        wait(10);
        expect(fdc.irq.level).toBe(level);
        fdc.write(DOR, 1, 0x1c);
        expect(fdc.irq.level).toBe(true);
      }
    });
  });

  describe('control commands', () => {
    it('VERSION, and what is none', () => {
      const { give, results } = make();
      give(0x10);
      expect(results()).toEqual([0x90]);
      for (const invalid of [0x00, 0x01, 0x0b, 0x1f, 0x88, 0x30, 0xc5 | 0x20]) {
        give(invalid);
        expect(results(), invalid.toString(16)).toEqual([0x80]);
      }
    });

    it('DUMPREG', () => {
      const { give, results, pump } = make();
      give(0x12, 0x84);
      give(0xe6, 0, 0, 0, 1, 2, 17, 0x1b, 0xff);
      pump(undefined, 512);
      results();
      give(0x0e);
      expect(results()).toEqual([0, 0, 0, 0, 0xdf, 0x02, 17, 0x04, 0x20, 0]);
      give(0x4d, 0, 2, 18, 0x6c, 0xf6);
      pump((i) => [0, 0, (i >> 2) + 1, 2][i & 3]!, Infinity, false);
      results();
      give(0x0e);
      expect(results()[6]).toBe(18);
    });

    it('PERPENDICULAR MODE changes the drives only with OW', () => {
      const { give, results } = make();
      const byte = (): number => {
        give(0x0e);
        return results()[7]!;
      };
      give(0x12, 0x80 | 0x14);
      give(0x12, 0x2b);
      expect(byte()).toBe(0x17);
    });

    it('SENSE DRIVE STATUS', () => {
      const { give, results, wait } = make({ readonly: true });
      give(0x04, 0x04);
      expect(results()).toEqual([0x28 | 0x40 | 0x10 | 0x04]);
      give(0x0f, 0, 5);
      wait(30);
      give(0x08);
      results();
      give(0x04, 0);
      expect(results()).toEqual([0x68]);
      give(0x04, 3);
      expect(results()).toEqual([0x2b]);
    });
  });

  describe('heads', () => {
    it('seek at the step rate', () => {
      const { fdc, drive, give, results, wait } = make();
      give(0x0f, 0, 10);
      expect(fdc.read(MSR, 1)).toBe(0x81);
      wait(32);
      expect([drive.cylinder, fdc.irq.level]).toEqual([10, false]);
      wait(2);
      expect([fdc.read(MSR, 1), fdc.irq.level]).toEqual([0x80, true]);
      give(0x08);
      expect(results()).toEqual([0x20, 10]);
      expect(fdc.irq.level).toBe(false);
    });

    it('seek on two drives at once', () => {
      const { fdc, drive, second, give, results, wait } = make();
      give(0x0f, 0, 4);
      give(0x0f, 1, 2);
      expect(fdc.read(MSR, 1)).toBe(0x83);
      wait(10);
      give(0x08);
      expect(results()).toEqual([0x21, 2]);
      wait(10);
      give(0x08);
      expect(results()).toEqual([0x20, 4]);
      expect([drive.cylinder, second.cylinder]).toEqual([4, 2]);
    });

    it('recalibrate', () => {
      const { drive, give, results, wait } = make();
      for (let i = 0; i < 30; i++) drive.step(true);
      give(0x07, 0);
      wait(95);
      give(0x08);
      expect(results()).toEqual([0x20, 0]);
      expect(drive.cylinder).toBe(0);
    });

    it('give up a recalibration after 79 steps', () => {
      const { drive, give, results, wait } = make();
      for (let i = 0; i < 82; i++) drive.step(true);
      give(0x07, 0);
      wait(300);
      give(0x08);
      expect(results()).toEqual([0x70, 0]);
      expect(drive.cylinder).toBe(3);
      give(0x07, 3);
      wait(300);
      give(0x08);
      expect(results()).toEqual([0x73, 0]);
    });

    it('step relatively', () => {
      const { drive, give, results, wait } = make();
      give(0xcf, 0, 7);
      wait(30);
      give(0x08);
      expect([drive.cylinder, ...results()]).toEqual([7, 0x20, 7]);
      give(0x8f, 0, 9);
      wait(40);
      give(0x08);
      expect([drive.cylinder, ...results()]).toEqual([0, 0x20, 0xfe]);
    });
  });

  describe('READ DATA', () => {
    it('reads one sector up to TC', () => {
      const { fdc, give, results, pump } = make();
      give(0xe6, 0, 0, 0, 3, 2, 18, 0x1b, 0xff);
      expect(pump(undefined, 512)).toEqual(sectorOf(2));
      expect(fdc.irq.level).toBe(true);
      expect(results()).toEqual([0, 0, 0, 0, 0, 4, 2]);
      expect([fdc.irq.level, fdc.read(MSR, 1)]).toEqual([false, 0x80]);
    });

    it('goes over to the second side with MT', () => {
      const { give, results, pump } = make();
      give(0xe6, 0, 0, 0, 18, 2, 18, 0x1b, 0xff);
      const bytes = pump(undefined, 1024);
      expect([bytes[0], bytes[511], bytes[512], bytes[1023]]).toEqual([17, 17, 18, 18]);
      expect(results()).toEqual([4, 0, 0, 0, 1, 2, 2]);
    });

    it('says END OF CYLINDER where TC does not come', () => {
      const { give, results, pump } = make();
      give(0x46, 4, 0, 1, 17, 2, 18, 0x1b, 0xff);
      expect(pump()).toEqual([...sectorOf(34), ...sectorOf(35)]);
      expect(results()).toEqual([0x44, 0x80, 0, 1, 1, 1, 2]);
    });

    it('ends on the cylinder after the last sector of MT', () => {
      const { give, results, pump } = make();
      give(0xc6, 4, 0, 1, 18, 2, 18, 0x1b, 0xff);
      expect(pump(undefined, 512)).toEqual(sectorOf(35));
      expect(results()).toEqual([4, 0, 0, 1, 0, 1, 2]);
    });

    it('stops at the sector in which TC comes', () => {
      const { give, results, pump } = make({ fifo: 0x07 });
      give(0x46, 0, 0, 0, 1, 2, 18, 0x1b, 0xff);
      expect(pump(undefined, 700)).toHaveLength(700);
      expect(results()).toEqual([0, 0, 0, 0, 0, 3, 2]);
    });

    it('takes a whole cylinder in two revolutions and a bit', () => {
      const { fake, give, results, pump } = make({ fifo: 0x0f });
      const start = fake.scheduler.now;
      give(0xc6, 0, 0, 0, 1, 2, 18, 0x1b, 0xff);
      expect(pump(undefined, 36 * 512)).toHaveLength(36 * 512);
      expect(results()).toEqual([4, 0, 0, 1, 0, 1, 2]);
      expect(fake.scheduler.now - start).toBeLessThan(0.8e9);
    });

    it.each(['PC 720 KiB', 'PC 1.44 MiB', 'PC 2.88 MiB', 'ADFS L', 'ADFS D/E', 'ADFS F'])('knows %s', (format) => {
      const { give, results, pump, disk } = make({ format });
      const { sectors, sectorBytes, firstSector } = disk.geometry;
      const n = Math.log2(sectorBytes / 128);
      const last = firstSector + sectors - 1;
      give(0x46, 4, 0, 1, firstSector, n, last, 0x1b, 0xff);
      const bytes = pump(undefined, sectors * sectorBytes);
      expect(bytes.filter((_, i) => i % sectorBytes === 7)).toEqual(
        Array.from({ length: sectors }, (_, i) => sectors + i),
      );
      expect(results()).toEqual([4, 0, 0, 1, 1, 1, n]);
    });

    it('overruns when nobody takes the bytes', () => {
      const { fdc, wait, give, results } = make();
      give(0x46, 0, 0, 0, 1, 2, 18, 0x1b, 0xff);
      wait(450);
      expect(fdc.irq.level).toBe(true);
      expect(results()).toEqual([0x40, 0x10, 0, 0, 0, 1, 2]);
    });

    it('does not find what is not there', () => {
      for (const [command, st1, st2] of [
        [[0x46, 0, 0, 0, 19, 2, 19], 0x04, 0], // no such sector
        [[0x46, 0, 9, 0, 1, 2, 18], 0x04, 0x10], // another cylinder
        [[0x46, 0, 0, 0, 1, 3, 18], 0x04, 0], // another size
        [[0x06, 0, 0, 0, 1, 2, 18], 0x01, 0], // FM
      ] as const) {
        const { fdc, wait, give, results } = make();
        give(...command, 0x1b, 0xff);
        wait(190);
        expect(fdc.irq.level).toBe(false);
        wait(220);
        expect(results().slice(0, 3)).toEqual([0x40, st1, st2]);
      }
    });

    it('makes nothing of another density', () => {
      const { fdc, wait, give, results } = make();
      fdc.write(CCR, 1, 2);
      give(0x46, 0, 0, 0, 1, 2, 18, 0x1b, 0xff);
      wait(410);
      expect(results().slice(0, 3)).toEqual([0x40, 0x01, 0]);
    });

    it('waits for ever for a disk that does not turn, and goes on when it does', () => {
      const { fdc, wait, give, pump } = make();
      fdc.write(DOR, 1, 0x0c);
      give(0x46, 0, 0, 0, 1, 2, 18, 0x1b, 0xff);
      wait(5000);
      expect([fdc.read(MSR, 1), fdc.irq.level]).toEqual([0x10, false]);
      fdc.write(DOR, 1, 0x1c);
      expect(pump(undefined, 512)).toEqual(sectorOf(0));
    });

    it('reports what the host cannot read', () => {
      const { wait, give, results } = make({ bad: 700 });
      give(0x46, 0, 0, 0, 2, 2, 18, 0x1b, 0xff);
      wait(300);
      expect(results()).toEqual([0x40, 0x20, 0x20, 0, 0, 2, 2]);
    });

    it('survives a disk that is taken out in the middle', () => {
      const { fdc, wait, give, drive, results } = make({ fifo: 0x08 });
      give(0x46, 0, 0, 0, 1, 2, 18, 0x1b, 0xff);
      while (!fdc.drq.level) wait(0.1);
      drive.eject();
      wait(500);
      expect(results().slice(0, 2)).toEqual([0x40, 0x10]);
    });

    it('seeks first where CONFIGURE has implied seeks', () => {
      const { fdc, drive, give, results, pump } = make({ fifo: 0x60 });
      give(0x46, 0, 5, 0, 1, 2, 18, 0x1b, 0xff);
      expect(fdc.read(MSR, 1)).toBe(0x11);
      expect(pump(undefined, 512)).toEqual(sectorOf(180));
      expect(results()).toEqual([0, 0, 0, 5, 0, 2, 2]);
      expect(drive.cylinder).toBe(5);
    });
  });

  describe('the FIFO', () => {
    it('asks at its threshold and goes on until it is empty', () => {
      const { fdc, fake, give } = make({ fifo: 0x07 });
      give(0x46, 0, 0, 0, 1, 2, 18, 0x1b, 0xff);
      while (!fdc.drq.level) fake.advance(fake.scheduler.headroom || 1);
      let count = 0;
      while (fdc.drq.level) {
        fdc.readDack();
        count++;
      }
      expect(count).toBe(8);
    });

    it('is one byte where it is disabled', () => {
      const { fdc, fake, give } = make();
      give(0x46, 0, 0, 0, 1, 2, 18, 0x1b, 0xff);
      while (!fdc.drq.level) fake.advance(fake.scheduler.headroom || 1);
      fdc.readDack();
      expect(fdc.drq.level).toBe(false);
      fake.advanceNs(17_000);
      expect(fdc.drq.level).toBe(true);
    });

    it('serves a host without DMA by INT and RQM', () => {
      const { fdc, fake, give, results } = make({ fifo: 0x00 });
      give(0x03, 0xdf, 0x03);
      give(0x46, 0, 0, 0, 1, 2, 2, 0x1b, 0xff);
      expect(fdc.read(MSR, 1)).toBe(0x30);
      const bytes: number[] = [];
      for (let i = 0; i < 1_000_000 && bytes.length < 1024; i++) {
        if (fdc.irq.level) {
          if (bytes.length < 3) expect([fdc.read(MSR, 1), fdc.drq.level]).toEqual([0xf0, false]);
          bytes.push(fdc.read(FIFO, 1));
        } else fake.advance(Math.min(fake.scheduler.headroom, 10_000) || 1);
      }
      expect(bytes).toEqual([...sectorOf(0), ...sectorOf(1)]);
      fake.advanceNs(3e6);
      expect(results()).toEqual([0x40, 0x80, 0, 1, 0, 1, 2]);
    });

    it('takes bytes from a host without DMA', () => {
      const { fdc, fake, data, give, results } = make();
      give(0x03, 0xdf, 0x03);
      give(0x45, 0, 0, 0, 1, 2, 1, 0x1b, 0xff);
      expect(fdc.read(MSR, 1)).toBe(0xb0);
      let count = 0;
      for (let i = 0; i < 1_000_000 && count < 512; i++) {
        if (fdc.irq.level) fdc.write(FIFO, 1, count++ & 0xff);
        else fake.advance(Math.min(fake.scheduler.headroom, 5_000) || 1);
      }
      fake.advanceNs(3e6);
      expect(results()).toEqual([0x40, 0x80, 0, 1, 0, 1, 2]);
      expect([data[0], data[511], data[512]]).toEqual([0, 255, 1]);
    });

    it('is served by a DMA channel', () => {
      const { fdc, fake, give, results } = make({ fifo: 0x03 });
      const bytes: number[] = [];
      fdc.dma = {
        request: () => {
          const into = new Uint8Array(64);
          bytes.push(...into.subarray(0, fdc.dmaIn(into)));
          if (bytes.length >= 512) fdc.terminalCount();
        },
      };
      give(0x46, 0, 0, 0, 6, 2, 18, 0x1b, 0xff);
      fake.advanceNs(4e8);
      expect(bytes).toEqual(sectorOf(5));
      expect(results()).toEqual([0, 0, 0, 0, 0, 7, 2]);
    });
  });

  describe('WRITE DATA', () => {
    it('writes sectors', () => {
      const { data, give, results, pump } = make({ fifo: 0x0a });
      give(0x45, 0, 0, 0, 2, 2, 18, 0x1b, 0xff);
      expect(pump((i) => (i < 512 ? 0xaa : 0xbb), 1024, false)).toHaveLength(1024);
      expect(results()).toEqual([0, 0, 0, 0, 0, 4, 2]);
      expect([data[511], data[512], data[1023], data[1024], data[1535], data[1536]]).toEqual([
        0, 0xaa, 0xaa, 0xbb, 0xbb, 3,
      ]);
    });

    it('asks for no more bytes than the last sector has', () => {
      const { give, results, pump } = make({ fifo: 0x0f });
      give(0x45, 0, 0, 0, 18, 2, 18, 0x1b, 0xff);
      expect(pump(() => 1, Infinity, false)).toHaveLength(512);
      expect(results()).toEqual([0x40, 0x80, 0, 1, 0, 1, 2]);
    });

    it('fills what TC leaves of a sector with zeros', () => {
      const { data, give, results, pump } = make();
      give(0x45, 0, 0, 0, 2, 2, 18, 0x1b, 0xff);
      pump(() => 0xaa, 100, false);
      expect(results()[0]).toBe(0);
      expect([data[611], data[612], data[1023], data[1024]]).toEqual([0xaa, 0, 0, 2]);
    });

    it('underruns', () => {
      const { data, wait, give, results, fdc } = make();
      give(0x45, 0, 0, 0, 2, 2, 18, 0x1b, 0xff);
      fdc.writeDack(9);
      wait(300);
      expect(results().slice(0, 3)).toEqual([0x40, 0x10, 0]);
      expect(data[512]).toBe(1);
    });

    it('does not write what is protected, nor format it', () => {
      const { fdc, give, results } = make({ readonly: true });
      give(0x45, 0, 0, 0, 1, 2, 18, 0x1b, 0xff);
      expect(fdc.irq.level).toBe(true);
      expect(results().slice(0, 3)).toEqual([0x40, 0x02, 0]);
      give(0x4d, 0, 2, 18, 0x6c, 0xf6);
      expect(results().slice(0, 3)).toEqual([0x40, 0x02, 0]);
    });

    it('reports what the host cannot write', () => {
      const { give, results, pump } = make({ bad: 10 });
      give(0x45, 0, 0, 0, 1, 2, 18, 0x1b, 0xff);
      pump(() => 1, 512, false);
      expect(results().slice(0, 3)).toEqual([0x40, 0x20, 0x20]);
    });
  });

  describe('deleted data marks', () => {
    function marked() {
      const made = make();
      made.give(0x49, 0, 0, 0, 2, 2, 2, 0x1b, 0xff);
      made.pump(() => 0xdd, 512, false);
      expect(made.results()[0]).toBe(0);
      return made;
    }

    it('end READ DATA', () => {
      const { give, results, pump } = marked();
      give(0x46, 0, 0, 0, 1, 2, 4, 0x1b, 0xff);
      expect(pump()).toEqual([...sectorOf(0), ...sectorOf(0xdd)]);
      expect(results()).toEqual([0, 0, 0x40, 0, 0, 2, 2]);
    });

    it('are skipped with SK', () => {
      const { give, results, pump } = marked();
      give(0x66, 0, 0, 0, 1, 2, 4, 0x1b, 0xff);
      expect(pump(undefined, 1024)).toEqual([...sectorOf(0), ...sectorOf(2)]);
      expect(results()).toEqual([0, 0, 0x40, 0, 0, 4, 2]);
    });

    it('are what READ DELETED DATA wants', () => {
      const { give, results, pump } = marked();
      give(0x4c, 0, 0, 0, 2, 2, 4, 0x1b, 0xff);
      expect(pump()).toEqual([...sectorOf(0xdd), ...sectorOf(2)]);
      expect(results()).toEqual([0, 0, 0x40, 0, 0, 3, 2]);
      give(0x6c, 0, 0, 0, 1, 2, 3, 0x1b, 0xff);
      expect(pump()).toEqual(sectorOf(0xdd));
      expect(results()).toEqual([0x40, 0x80, 0x40, 1, 0, 1, 2]);
    });

    it('are part of a snapshot, and go with the next writing', () => {
      const { give, results, pump, drive, disk } = marked();
      expect(disk.deleted).toEqual([1]);
      expectSnapshotLaw(drive);
      expect(disk.deleted).toEqual([1]);
      give(0x45, 0, 0, 0, 2, 2, 2, 0x1b, 0xff);
      pump(() => 1, 512, false);
      results();
      expect(disk.deleted).toEqual([]);
    });
  });

  it('READ TRACK reads from the index hole, whatever the sectors are called', () => {
    const { give, results, pump } = make();
    give(0x42, 0, 0, 0, 1, 2, 3, 0x1b, 0xff);
    expect(pump()).toEqual([...sectorOf(0), ...sectorOf(1), ...sectorOf(2)]);
    expect(results().slice(0, 3)).toEqual([0, 0, 0]);
    give(0x42, 0, 0, 0, 7, 2, 1, 0x1b, 0xff);
    expect(pump()).toEqual(sectorOf(0));
    expect(results().slice(0, 3)).toEqual([0, 0x04, 0]);
  });

  it('READ ID gives the next identity field', () => {
    const { fdc, drive, give, results, wait } = make();
    give(0x0f, 4, 7);
    wait(30);
    give(0x08);
    results();
    give(0x4a, 4);
    wait(15);
    const [st0, st1, st2, c, h, r, n] = results();
    expect([st0, st1, st2, c, h, n]).toEqual([4, 0, 0, 7, 1, 2]);
    const here = Math.floor(drive.angle * 18) + 1;
    expect([here - 1, here, here + 1]).toContain(r);
    fdc.write(CCR, 1, 2);
    give(0x4a, 4);
    wait(410);
    expect(results().slice(0, 2)).toEqual([0x44, 0x01]);
  });

  describe('VERIFY', () => {
    it('goes through sectors without the host', () => {
      const { fdc, give, results, wait } = make();
      const levels = [fdc.drq.level];
      fdc.drq.to((level) => levels.push(level));
      give(0x56, 0, 0, 0, 1, 2, 18, 0x1b, 0xff);
      wait(420);
      expect(results()).toEqual([0, 0, 0, 1, 0, 1, 2]);
      expect(levels).not.toContain(true);
    });

    it('counts sectors with EC', () => {
      const { give, results, wait } = make();
      give(0xd6, 0x80, 0, 0, 17, 2, 18, 0x1b, 4);
      wait(620);
      expect(results()).toEqual([4, 0, 0, 0, 1, 3, 2]);
      give(0x56, 0x80, 0, 0, 17, 2, 18, 0x1b, 4);
      wait(620);
      expect(results()).toEqual([0x40, 0x80, 0, 1, 0, 1, 2]);
    });

    it('finds what cannot be read', () => {
      const { give, results, wait } = make({ bad: 512 * 5 });
      give(0x56, 0, 0, 0, 1, 2, 18, 0x1b, 0xff);
      wait(420);
      expect(results()).toEqual([0x40, 0x20, 0x20, 0, 0, 6, 2]);
    });
  });

  describe('SCAN', () => {
    it.each([
      [0x51, 3, 0, 0x08, 4], // equal: the sector whose bytes are 3
      [0x59, 2, 0, 0x08, 1], // low or equal: the first sector is lower
      [0x5d, 2, 0, 0x08, 3],
      [0x51, 0x77, 0, 0x04, 1],
    ])('command %i for %i', (command, value, st0, st2, sector) => {
      const { give, results, pump } = make();
      give(command, 0, 0, 0, 1, 2, 5, 0x1b, 1);
      pump(() => value, Infinity, false);
      const result = results();
      if (command === 0x59) expect([result[0], result[2], result[5]]).toEqual([0, 0, 1]);
      else expect([result[0], result[2], result[5]]).toEqual([st0, st2, sector]);
    });

    it('steps over sectors with STP', () => {
      const { give, results, pump } = make();
      give(0x51, 0, 0, 0, 1, 2, 5, 0x1b, 2);
      expect(pump(() => 0x77, Infinity, false)).toHaveLength(3 * 512);
      expect(results()[2]).toBe(0x04);
    });
  });

  describe('FORMAT TRACK', () => {
    it('fills the sectors it is told', () => {
      for (const fifo of [0x20, 0x07]) {
        const { data, give, results, pump, fake } = make({ fifo });
        const start = fake.scheduler.now;
        give(0x4d, 4, 2, 18, 0x6c, 0xf6);
        expect(pump((i) => [0, 1, (i >> 2) + 1, 2][i & 3]!, Infinity, false)).toHaveLength(72);
        expect(results().slice(0, 3)).toEqual([4, 0, 0]);
        expect(fake.scheduler.now - start).toBeLessThanOrEqual(4.1e8);
        expect([data[18 * 512 - 1], data[18 * 512], data[36 * 512 - 1], data[36 * 512]]).toEqual([17, 0xf6, 0xf6, 36]);
      }
    });

    it('formats ADFS tracks', () => {
      const { data, give, results, pump } = make({ format: 'ADFS F' });
      give(0x4d, 0, 3, 10, 0x74, 0);
      pump((i) => [0, 0, i >> 2, 3][i & 3]!, 40, false);
      expect(results().slice(0, 3)).toEqual([0, 0, 0]);
      expect(data.subarray(0, 10_240)).toEqual(new Uint8Array(10_240));
      expect(data[10_240]).toBe(10);
    });

    it('says what the image cannot hold', () => {
      const { fake, data, give, results, pump } = make();
      give(0x4d, 0, 3, 2, 0x6c, 0xf6);
      pump((i) => [0, 0, (i >> 2) + 1, 3][i & 3]!, Infinity, false);
      expect(results()[0]).toBe(0);
      expect(fake.logged('unimp').join()).toMatch(/format of a sector 1 of 1024 bytes/);
      expect(data[0]).toBe(0);
    });

    it('underruns', () => {
      const { give, results, wait } = make();
      give(0x4d, 0, 2, 18, 0x6c, 0xf6);
      wait(420);
      expect(results().slice(0, 2)).toEqual([0x40, 0x10]);
    });
  });

  it('obeys the snapshot law in every phase', () => {
    const { fdc, fake, build, give, results, wait } = make({ fifo: 0x05 });
    give(0x46, 0);
    expectSnapshotLaw(fdc, build);
    give(0, 0, 1, 2, 18, 0x1b, 0xff);
    expectSnapshotLaw(fdc, build);
    while (!fdc.drq.level) fake.advanceNs(10_000);
    expectSnapshotLaw(fdc, build);
    wait(500);
    expectSnapshotLaw(fdc, build);
    results();
    give(0x0f, 0, 40);
    wait(50);
    expectSnapshotLaw(fdc, build);
  });

  it('refuses snapshots that cannot be', () => {
    const { fdc, build } = make();
    const saved = fdc.save();
    const cases: PlainFields[] = [
      { phase: 'execution' },
      { bytes: Uint8Array.of(0x46, 0, 0), phase: 'execution' },
      { config: 0x80 },
      { fifo: { bytes: new Uint8Array(17), toHost: true, asking: false, wanted: 0 } },
      { fifo: { bytes: new Uint8Array(0), toHost: true, asking: true, wanted: 0 } },
      { seeks: { inward: false, stepped: false, drives: [null, null, null, null] } },
    ];
    for (const damaged of cases) {
      expect(() => build().restore({ ...saved, ...damaged }), JSON.stringify(damaged)).toThrow(/./);
    }
  });

  it.each(['at', 'ps2', 'model30'] as const)('survives random accesses as in %s', (mode) => {
    const { fdc, fake } = make({ mode });
    const next = random(77);
    const below = (limit: number): number => Math.floor(next() * limit);
    let requests = 0;
    fdc.dma = { request: () => void (requests += fdc.dmaIn(new Uint8Array(3)) + fdc.dmaOut(Uint8Array.of(1, 2))) };
    for (let i = 0; i < 15_000; i++) {
      const what = next();
      // Mostly the FIFO, so that commands come together.
      if (what < 0.5) fdc.write(FIFO, 1, next() < 0.6 ? below(8) : below(256));
      else if (what < 0.6) fdc.write(below(8), 1, next() < 0.5 ? 0x1c : below(256));
      else if (what < 0.95) {
        const value = fdc.read(next() < 0.5 ? FIFO : below(8), 1);
        expect(Number.isInteger(value) && value >= 0 && value <= 0xff).toBe(true);
      } else fdc.terminalCount();
      if (next() < 0.3) fake.advanceNs(next() * 2_000_000);
    }
    expect(requests).toBeGreaterThan(0);
    expectSnapshotLaw(fdc);
  });
});
