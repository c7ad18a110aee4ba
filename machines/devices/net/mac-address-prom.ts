// SPDX-License-Identifier: MIT
//
// The PROM beside a Macintosh's SONIC: its Ethernet address, the bits of each byte in reverse order, then a byte of zero
// and one that makes the exclusive or of all eight 0xff.
//
// Socket: span 8, byte registers, read only.
// Document: [QEMU hw/m68k/q800.c] in docs/references.md.
import { type BusTarget, BYTE_REGISTERS } from '../../backplane/bus.ts';

/** @param address six bytes; Apple's begin with 08:00:07 or 00:05:02. */
export function macAddressProm(address: Uint8Array): BusTarget {
  const content = new Uint8Array(8);
  address.subarray(0, 6).forEach((byte, index) => {
    content[index] = reversed(byte);
    content[7]! ^= content[index]!;
  });
  content[7]! ^= 0xff;
  const read = (offset: number): number => content[offset] ?? 0;
  return { span: 8, access: BYTE_REGISTERS, read, peek: read, write: () => {} };
}

function reversed(byte: number): number {
  let value = 0;
  for (let bit = 0; bit < 8; bit++) if (byte & (1 << bit)) value |= 0x80 >>> bit;
  return value;
}
