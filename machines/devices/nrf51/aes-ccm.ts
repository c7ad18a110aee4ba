// SPDX-License-Identifier: MIT
//
// Counter mode with CBC-MAC as Bluetooth low energy uses it: 13-byte nonce, 4-byte MIC, one byte of header authenticated.
// Documents: [RFC 3610], [BT Core] volume 6 part B §2 "CCM".
import { aes128Encrypt } from './aes128.ts';

const BLOCK = 16;
const MIC = 4;
/** Flags octets: of B0 with additional data, a 4-byte MIC and a 2-byte length; of the counter blocks. */
const FLAGS_B0 = 0x49;
const FLAGS_COUNTER = 0x01;
/** Header bits that may change when a packet is sent again (NESN, SN, MD) are not authenticated. */
const HEADER_MASK = 0xe3;

/** `flags`, nonce, and a 16-bit number. */
function block(flags: number, nonce: Uint8Array, number: number): Uint8Array {
  const bytes = new Uint8Array(BLOCK);
  bytes[0] = flags;
  bytes.set(nonce.subarray(0, 13), 1);
  bytes[14] = number >>> 8;
  bytes[15] = number & 0xff;
  return bytes;
}

const xor = (a: Uint8Array, b: Uint8Array): Uint8Array => a.map((byte, i) => byte ^ (b[i] ?? 0));

/** `data` with the key stream over it. The stream's own block 0 is for the MIC. */
export function ccmCrypt(key: Uint8Array, nonce: Uint8Array, data: Uint8Array): Uint8Array {
  const out = data.slice();
  for (let at = 0; at < data.length; at += BLOCK) {
    const stream = aes128Encrypt(key, block(FLAGS_COUNTER, nonce, at / BLOCK + 1));
    for (let i = at; i < Math.min(at + BLOCK, data.length); i++) out[i]! ^= stream[i - at]!;
  }
  return out;
}

/** The encrypted MIC of clear text and its header. */
export function ccmMic(key: Uint8Array, nonce: Uint8Array, header: number, clear: Uint8Array): Uint8Array {
  let mac = aes128Encrypt(key, block(FLAGS_B0, nonce, clear.length));
  mac = aes128Encrypt(key, xor(mac, Uint8Array.of(0, 1, header & HEADER_MASK)));
  for (let at = 0; at < clear.length; at += BLOCK) {
    mac = aes128Encrypt(key, xor(mac, clear.subarray(at, at + BLOCK)));
  }
  return xor(mac, aes128Encrypt(key, block(FLAGS_COUNTER, nonce, 0))).slice(0, MIC);
}
