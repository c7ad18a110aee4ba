// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { aes128Encrypt } from '../../../../machines/devices/nrf51/aes128.ts';

const bytes = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex, 'hex'));

describe('aes128Encrypt', () => {
  it('gives the known answers of FIPS 197, appendices B and C.1', () => {
    const encrypt = (key: string, block: string): string =>
      Buffer.from(aes128Encrypt(bytes(key), bytes(block))).toString('hex');
    expect(encrypt('2b7e151628aed2a6abf7158809cf4f3c', '3243f6a8885a308d313198a2e0370734')).toBe(
      '3925841d02dc09fbdc118597196a0b32',
    );
    expect(encrypt('000102030405060708090a0b0c0d0e0f', '00112233445566778899aabbccddeeff')).toBe(
      '69c4e0d86a7b0430d8cdb78070b4c55a',
    );
  });
});
