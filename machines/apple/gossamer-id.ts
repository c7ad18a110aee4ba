// SPDX-License-Identifier: MIT
//
// The system identification register of the Gossamer board: sixteen strapped inputs at 0xff00_0004, from which the
// original ROM learns the bus speed, the floppy controller and the cards that are present.
//
// Sockets: span 0x1000, big-endian. Document: [DINGUSPPC] machines/machinegossamer.cpp names the bits.
// Not modelled: cards other than none; what else answers in the page reads zero.
import type { BusTarget } from '../backplane/bus.ts';

const FDC_SWIM3 = 1 << 15;
const PCI_SLOTS_EMPTY = 0x3f << 8; // two presence pins of each slot, pulled up
const CPU_MODULE = 1 << 5;
const NOT_ALL_IN_ONE = 1 << 4;
const BUS_66_82_MHZ = 6 << 1;
const NO_BOSE_MODULE = 1 << 0;

const SYSTEM_ID = FDC_SWIM3 | PCI_SLOTS_EMPTY | CPU_MODULE | NOT_ALL_IN_ONE | BUS_66_82_MHZ | NO_BOSE_MODULE;

export const gossamerId: BusTarget = {
  span: 0x1000,
  access: { valid: { min: 1, max: 4 }, impl: { min: 2, max: 2 }, byteOrder: 'big' },
  read: (offset) => (offset === 4 ? SYSTEM_ID : 0),
  write: () => {},
  peek: (offset) => (offset === 4 ? SYSTEM_ID : 0),
};
