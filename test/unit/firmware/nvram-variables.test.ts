// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { KeyboardMap } from '../../../machines/firmware/open-firmware/keyboard-map.ts';
import { NvramVariables } from '../../../machines/firmware/open-firmware/nvram-variables.ts';

/** Two CHRP partitions: `other`, then `common` with `dataBytes` of data. */
function nvram(dataBytes: number): { bytes: Uint8Array; variables: NvramVariables } {
  const bytes = new Uint8Array(0x2000).fill(0xff);
  const header = (at: number, signature: number, size: number, name: string): void => {
    bytes.set([signature, 0, (size / 16) >> 8, (size / 16) & 0xff], at);
    bytes.fill(0, at + 4, at + 16);
    bytes.set(
      Uint8Array.from(name, (c) => c.charCodeAt(0)),
      at + 4,
    );
  };
  header(0, 0x5a, 0x40, 'other');
  header(0x40, 0x70, dataBytes + 16, 'common');
  bytes.fill(0, 0x50, 0x50 + dataBytes);
  header(0x50 + dataBytes, 0x7f, 0x2000 - 0x50 - dataBytes, '');
  const variables = new NvramVariables({
    size: bytes.length,
    read: (offset) => bytes[offset]!,
    write: (offset, byte) => (bytes[offset] = byte),
  });
  return { bytes, variables };
}

describe('NvramVariables', () => {
  it('keeps names and values in the common partition', () => {
    const { bytes, variables } = nvram(0x100);
    const before = bytes.slice();
    expect(variables.load()).toEqual({});
    variables.store({ 'auto-boot?': 'false', nvramrc: 'a = b\nc', empty: '' });
    expect(String.fromCharCode(...bytes.subarray(0x50, 0x61))).toBe('auto-boot?=false\0');
    expect(variables.load()).toEqual({ 'auto-boot?': 'false', nvramrc: 'a = b\nc', empty: '' });
    expect(bytes.subarray(0, 0x50)).toEqual(before.subarray(0, 0x50));
    expect(bytes.subarray(0x150)).toEqual(before.subarray(0x150));
    variables.store({});
    expect(bytes).toEqual(before);
  });

  it('leaves out what does not fit', () => {
    const { bytes, variables } = nvram(0x20);
    variables.store({ long: 'x'.repeat(40), a: '1' });
    expect(variables.load()).toEqual({ a: '1' });
    expect(bytes[0x70]).toBe(0x7f);
  });

  it('does nothing to memory without partitions', () => {
    for (const fill of [0, 0xff, 0x70]) {
      const bytes = new Uint8Array(0x2000).fill(fill);
      const variables = new NvramVariables({
        size: bytes.length,
        read: (offset) => bytes[offset]!,
        write: (offset, byte) => (bytes[offset] = byte),
      });
      variables.store({ a: 'b' });
      expect(variables.load()).toEqual({});
      expect(bytes.every((byte) => byte === fill)).toBe(true);
    }
  });
});

describe('KeyboardMap', () => {
  it('gives characters, control characters and sequences', () => {
    const map = new KeyboardMap();
    const press = (...codes: string[]): string => {
      let text = '';
      for (const code of codes) text += String.fromCharCode(...map.key(code, true));
      for (const code of codes.toReversed()) text += String.fromCharCode(...map.key(code, false));
      return text;
    };
    expect(press('KeyA')).toBe('a');
    expect(press('ShiftLeft', 'KeyA')).toBe('A');
    expect(press('ShiftRight', 'Digit1')).toBe('!');
    expect(press('ControlLeft', 'KeyC')).toBe('\x03');
    expect(press('Enter')).toBe('\r');
    expect(press('Backspace')).toBe('\b');
    expect(press('ArrowUp')).toBe('\x1b[A');
    expect(press('F5') + press('MetaLeft')).toBe('');
    press('CapsLock');
    expect(press('KeyB') + press('ShiftLeft', 'KeyB') + press('Digit2')).toBe('Bb2');
  });
});
