// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { Damage } from '../../../../frontends/spice/damage.ts';
import {
  drawCopyHeader,
  monitorsConfig,
  readDrawCopy,
  surfaceCreate,
} from '../../../../frontends/spice/display-messages.ts';
import {
  linkReply,
  linkRequest,
  readLinkHeader,
  readLinkReply,
  readLinkRequest,
} from '../../../../frontends/spice/link.ts';
import { keyOfWord, keysWithScancodes, ScancodeReader, scancodeWord } from '../../../../frontends/spice/scancodes.ts';
import { ByteReader, ByteStream, ByteWriter, ProtocolError } from '../../../../frontends/spice/wire.ts';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

describe('SPICE wire encoding', () => {
  it('writes little-endian and grows', () => {
    const writer = new ByteWriter().u8(1).u16(0x0203).u32(0x0405_0607).i32(-2).u64(9n);
    expect(hex(writer.finish())).toBe('01030207060504feffffff0900000000000000');
    const large = new ByteWriter().bytes(new Uint8Array(1000)).u32(0x1234_5678);
    expect(hex(large.finish().subarray(1000))).toBe('78563412');
  });

  it('refuses to read beyond the end', () => {
    const reader = new ByteReader(Uint8Array.of(1, 2, 3));
    expect(reader.u16()).toBe(0x0201);
    expect(() => reader.u32()).toThrow(ProtocolError);
    expect(() => reader.seek(4)).toThrow(ProtocolError);
    expect(reader.bytes(1)).toEqual(Uint8Array.of(3));
  });

  it('puts chunks together', () => {
    const stream = new ByteStream();
    stream.push(Uint8Array.of(1, 2));
    expect(stream.take(3)).toBeUndefined();
    stream.push(Uint8Array.of(3, 4, 5));
    expect(stream.peek(4)).toEqual(Uint8Array.of(1, 2, 3, 4));
    expect(stream.take(3)).toEqual(Uint8Array.of(1, 2, 3));
    expect(stream.take(2)).toEqual(Uint8Array.of(4, 5));
    expect(stream.length).toBe(0);
  });

  it('writes link requests as the protocol has them', () => {
    const bytes = linkRequest({
      connectionId: 7,
      channelType: 2,
      channelId: 0,
      commonCaps: [0, 1, 3],
      channelCaps: [33],
    });
    const header = '52454451' + '02000000' + '02000000' + '1e000000';
    const body = '07000000' + '02' + '00' + '01000000' + '02000000' + '12000000' + '0b000000' + '00000000' + '02000000';
    expect(hex(bytes)).toBe(header + body);
    expect(readLinkHeader(bytes)).toEqual({ magic: 0x5144_4552, major: 2, minor: 2, size: 30 });
    expect(readLinkRequest(bytes.subarray(16))).toEqual({
      connectionId: 7,
      channelType: 2,
      channelId: 0,
      commonCaps: [0, 1, 3],
      channelCaps: [33],
    });
  });

  it('reads back link replies', () => {
    const reply = { error: 0, publicKey: new Uint8Array(162).fill(5), commonCaps: [3], channelCaps: [] };
    const bytes = linkReply(reply);
    expect(bytes).toHaveLength(16 + 4 + 162 + 12 + 4);
    expect(readLinkReply(bytes.subarray(16))).toEqual(reply);
  });

  it('refuses capabilities without end', () => {
    const body = new ByteWriter().u32(0).u8(1).u8(0).u32(0x4000_0000).u32(0).u32(18).finish();
    expect(() => readLinkRequest(body)).toThrow(ProtocolError);
    const beyond = new ByteWriter().u32(0).u8(1).u8(0).u32(1).u32(0).u32(0xffff_ffff).finish();
    expect(() => readLinkRequest(beyond)).toThrow(ProtocolError);
  });

  it('writes DRAW_COPY with its image behind it', () => {
    const header = drawCopyHeader({ x: 3, y: 5, width: 2, height: 1 });
    expect(hex(header)).toBe(
      '00000000' +
        '05000000' +
        '03000000' +
        '06000000' +
        '05000000' +
        '00' + // surface, top left bottom right, clip
        '39000000' +
        '00000000' +
        '00000000' +
        '01000000' +
        '02000000' +
        '0800' +
        '00' + // image, source, rop, scale
        '00' +
        '00000000' +
        '00000000' +
        '00000000' + // mask
        '0000000000000000' +
        '00' +
        '00' +
        '02000000' +
        '01000000' + // image descriptor
        '08' +
        '04' +
        '02000000' +
        '01000000' +
        '08000000' +
        '00000000', // bitmap
    );
    const pixels = Uint8Array.of(1, 2, 3, 0, 4, 5, 6, 0);
    const message = new ByteWriter().bytes(header).bytes(pixels).finish();
    const surface = { width: 5, height: 6 };
    expect(readDrawCopy(new ByteReader(message), surface)).toEqual({
      rect: { x: 3, y: 5, width: 2, height: 1 },
      pixels,
    });
    expect(() => readDrawCopy(new ByteReader(message), { width: 4, height: 6 })).toThrow(ProtocolError);
    expect(() => readDrawCopy(new ByteReader(message.subarray(0, -1)), surface)).toThrow(ProtocolError);
  });

  it('writes surfaces and monitors', () => {
    expect(hex(surfaceCreate(640, 480))).toBe('00000000' + '80020000' + 'e0010000' + '20000000' + '01000000');
    expect(monitorsConfig(640, 480)).toHaveLength(4 + 28);
  });
});

describe('scan codes', () => {
  it('has every key once, there and back', () => {
    const keys = keysWithScancodes();
    expect(new Set(keys).size).toBe(keys.length);
    for (const code of keys) {
      expect(keyOfWord(scancodeWord(code, true)!)).toEqual({ code, down: true });
      expect(keyOfWord(scancodeWord(code, false)!)).toEqual({ code, down: false });
    }
  });

  it.each([
    [0x1e, 'KeyA', true],
    [0x9e, 'KeyA', false],
    [0x48e0, 'ArrowUp', true],
    [0xc8e0, 'ArrowUp', false],
    [0x2b, 'Backslash', true],
    [0x56, 'IntlBackslash', true],
    [0x451de1, 'Pause', true],
    [0xc59de1, 'Pause', false],
    [0x1de0, 'ControlRight', true],
  ])('reads %s as %s', (word, code, down) => {
    expect(keyOfWord(word)).toEqual({ code, down });
  });

  it('ignores what is no key', () => {
    expect(keyOfWord(0)).toBeUndefined();
    expect(keyOfWord(0x7f)).toBeUndefined();
    expect(scancodeWord('BrowserBack', true)).toBeUndefined();
  });

  it('reads a stream of bytes', () => {
    const reader = new ScancodeReader();
    const keys = [0xe0, 0x4b, 0x1e, 0xe0, 0xcb, 0x9e].map((byte) => reader.feed(byte)?.code);
    expect(keys).toEqual([undefined, 'ArrowLeft', 'KeyA', undefined, 'ArrowLeft', 'KeyA']);
  });
});

describe('Damage', () => {
  it('joins what touches and keeps apart what does not', () => {
    const damage = new Damage();
    damage.add({ x: 0, y: 0, width: 10, height: 1 });
    damage.add({ x: 0, y: 1, width: 10, height: 1 });
    damage.add({ x: 500, y: 500, width: 1, height: 1 });
    const rects = [damage.take(1000), damage.take(1000), damage.take(1000)];
    expect(rects).toContainEqual({ x: 0, y: 0, width: 10, height: 2 });
    expect(rects).toContainEqual({ x: 500, y: 500, width: 1, height: 1 });
    expect(rects[2]).toBeUndefined();
  });

  it('stays small however much is added, and still covers everything', () => {
    const damage = new Damage();
    for (let i = 0; i < 1000; i++) damage.add({ x: (i * 37) % 1000, y: (i * 91) % 700, width: 1, height: 1 });
    const covered = new Set<number>();
    let count = 0;
    for (let rect = damage.take(1e9); rect !== undefined; rect = damage.take(1e9)) {
      count++;
      for (let y = rect.y; y < rect.y + rect.height; y++) {
        for (let x = rect.x; x < rect.x + rect.width; x++) covered.add(y * 1000 + x);
      }
    }
    expect(count).toBeLessThanOrEqual(16);
    for (let i = 0; i < 1000; i++) expect(covered.has(((i * 91) % 700) * 1000 + ((i * 37) % 1000))).toBe(true);
  });

  it('splits what is too large into lines', () => {
    const damage = new Damage();
    damage.add({ x: 1, y: 0, width: 10, height: 5 });
    expect(damage.take(20)).toEqual({ x: 1, y: 0, width: 10, height: 2 });
    expect(damage.take(3)).toEqual({ x: 1, y: 2, width: 10, height: 1 });
    expect(damage.take(100)).toEqual({ x: 1, y: 3, width: 10, height: 2 });
    expect(damage.empty).toBe(true);
  });
});
