import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { calendarFrom } from '../../../frontends/host/calendar.ts';
import { fileNonVolatile, memoryNonVolatile } from '../../../frontends/host/non-volatile.ts';
import { decodePng, writePng } from '../../../frontends/host/png.ts';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'host-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

describe('fileNonVolatile', () => {
  it('keeps the bytes, in a folder it makes, and leaves no other files', () => {
    const path = join(folder, 'state', 'powermac', 'pram.bin');
    const memory = fileNonVolatile(path);
    expect(memory.load()).toBeUndefined();
    memory.store(Uint8Array.of(1, 2, 3));
    memory.store(Uint8Array.of(4, 5));
    expect(fileNonVolatile(path).load()).toEqual(Uint8Array.of(4, 5));
    expect(readdirSync(join(folder, 'state', 'powermac'))).toEqual(['pram.bin']);
  });

  it('says in a line when it cannot', () => {
    writeFileSync(join(folder, 'file'), 'x');
    const blocked = fileNonVolatile(join(folder, 'file', 'pram.bin'));
    expect(() => blocked.store(Uint8Array.of(1))).toThrow(/cannot write battery-backed memory .*pram.bin: /);
    expect(() => fileNonVolatile(folder).load()).toThrow(/cannot read battery-backed memory .*it is a folder/);
  });

  it('keeps the old bytes when the new ones cannot be written', () => {
    const path = join(folder, 'kept', 'nvram.bin');
    const memory = fileNonVolatile(path);
    memory.store(Uint8Array.of(9));
    chmodSync(join(folder, 'kept'), 0o555);
    try {
      memory.store(Uint8Array.of(8)); // root may
    } catch {
      expect([...readFileSync(path)]).toEqual([9]);
    }
    chmodSync(join(folder, 'kept'), 0o755);
    expect(memory.load()).toHaveLength(1);
  });
});

describe('memoryNonVolatile', () => {
  it('keeps a copy', () => {
    const memory = memoryNonVolatile();
    expect(memory.load()).toBeUndefined();
    const bytes = Uint8Array.of(1);
    memory.store(bytes);
    bytes[0] = 2;
    expect(memory.load()).toEqual(Uint8Array.of(1));
  });
});

describe('calendarFrom', () => {
  it.each([
    ['2001-03-24T12:00:00Z', 985_435_200],
    ['2001-03-24', 985_392_000],
    ['2001-03-24 12:00', 985_435_200],
    ['2001-03-24T12:00:00.5+02:00', 985_428_000],
    ['1904-01-01', -2_082_844_800],
  ])('reads %s', (text, seconds) => expect(calendarFrom(text).startSeconds).toBe(seconds));

  it('takes the host clock', () => {
    expect(calendarFrom('now', () => 1_500).startSeconds).toBe(1);
    expect(calendarFrom(undefined, () => 2_999).startSeconds).toBe(2);
  });

  it.each(['', 'tomorrow', '2001-13-01', '1903-12-31', '2050-01-01', '2001'])('refuses "%s"', (text) =>
    expect(() => calendarFrom(text)).toThrow(/expected a date from 1904 to 2040 as in/),
  );
});

describe('writePng', () => {
  it('writes a picture that reads back the same', () => {
    const picture = { width: 3, height: 2, rgba: Uint8Array.from({ length: 24 }, (_, i) => (i % 4 === 3 ? 255 : i)) };
    const path = join(folder, 'screen.png');
    writePng(path, picture);
    expect(decodePng(readFileSync(path))).toEqual(picture);
    expect(() => writePng(join(folder, 'none', 'x.png'), picture)).toThrow(/cannot write the picture .*no such file/);
  });
});
