// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { macAddressProm } from '../../../../machines/devices/net/mac-address-prom.ts';

describe('the PROM of the Ethernet address', () => {
  it('has the bits of each byte in reverse, and a byte that makes the sum 0xff', () => {
    const prom = macAddressProm(Uint8Array.of(0x08, 0x00, 0x07, 0x12, 0x34, 0x56));
    const bytes = Array.from({ length: 8 }, (_, offset) => prom.read(offset, 1));
    expect(bytes.slice(0, 7)).toEqual([0x10, 0x00, 0xe0, 0x48, 0x2c, 0x6a, 0x00]);
    expect(bytes.reduce((sum, byte) => sum ^ byte, 0)).toBe(0xff);
    prom.write(0, 1, 0x55);
    expect(prom.read(0, 1)).toBe(0x10);
  });
});
