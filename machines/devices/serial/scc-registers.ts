// SPDX-License-Identifier: MIT
//
// The bits of a channel's registers in the Zilog SCC family, [SCC] in docs/references.md.

// WR0 commands, bits 5-3
export const CMD_RESET_EXT_STATUS = 2;
export const CMD_SEND_ABORT = 3;
export const CMD_ENABLE_INT_ON_NEXT_RX = 4;
export const CMD_RESET_TX_INT_PENDING = 5;
export const CMD_ERROR_RESET = 6;
// WR0 CRC commands, bits 7-6
export const CRC_RESET_RX = 1;
export const CRC_RESET_TX = 2;
export const CRC_RESET_EOM = 3;

export const WR1_EXT_INT_ENABLE = 0x01;
export const WR1_TX_INT_ENABLE = 0x02;
export const WR1_PARITY_IS_SPECIAL = 0x04;
export const WR1_REQUEST_ON_RECEIVE = 0x20;
export const WR1_REQUEST_NOT_WAIT = 0x40;
export const WR1_REQUEST_ENABLE = 0x80;
export const RX_INT_FIRST = 1; // WR1 bits 4-3
export const RX_INT_ALL = 2;
export const RX_INT_SPECIAL = 3;

export const WR3_RX_ENABLE = 0x01;
export const WR3_SYNC_LOAD_INHIBIT = 0x02; // in SDLC: compare four bits of the address
export const WR3_ADDRESS_SEARCH = 0x04;
export const WR3_ENTER_HUNT = 0x10;
export const WR3_AUTO_ENABLES = 0x20;

export const WR4_PARITY_ENABLE = 0x01;
export const WR4_PARITY_EVEN = 0x02;
export const WR4_SDLC = 0x20; // bits 5-4 when bits 3-2 are zero

export const WR5_TX_CRC_ENABLE = 0x01;
export const WR5_RTS = 0x02;
export const WR5_CRC16 = 0x04; // CRC-16 rather than SDLC's polynomial
export const WR5_TX_ENABLE = 0x08;
export const WR5_SEND_BREAK = 0x10;
export const WR5_DTR = 0x80;

export const WR7P_AUTO_EOM_RESET = 0x02;
export const WR7P_AUTO_RTS = 0x04;
export const WR7P_RX_FIFO_LEVEL = 0x08; // 85230: interrupt when half full
export const WR7P_TX_FIFO_LEVEL = 0x20; // 85230: interrupt when all empty
export const WR7P_EXTENDED_READ = 0x40;

export const WR10_LOOP_MODE = 0x02;
export const WR10_ABORT_ON_UNDERRUN = 0x04;
export const WR10_CRC_PRESET_ONES = 0x80;

export const WR14_BRG_ENABLE = 0x01;
export const WR14_BRG_SOURCE_PCLK = 0x02;
export const WR14_DTR_IS_REQUEST = 0x04;
export const WR14_AUTO_ECHO = 0x08;
export const WR14_LOCAL_LOOPBACK = 0x10;

export const WR15_WR7P = 0x01;
export const WR15_ZERO_COUNT = 0x02;
export const WR15_STATUS_FIFO = 0x04;
export const WR15_EXT_STATUS = 0xfa; // what can interrupt

export const RR0_RX_AVAILABLE = 0x01;
export const RR0_ZERO_COUNT = 0x02;
export const RR0_TX_EMPTY = 0x04;
export const RR0_DCD = 0x08;
export const RR0_SYNC_HUNT = 0x10;
export const RR0_CTS = 0x20;
export const RR0_TX_UNDERRUN = 0x40;
export const RR0_BREAK_ABORT = 0x80;

export const RR1_ALL_SENT = 0x01;
export const RR1_RESIDUE_8 = 0x06; // the frame's last byte is whole
export const RR1_PARITY = 0x10;
export const RR1_OVERRUN = 0x20;
export const RR1_CRC_FRAMING = 0x40;
export const RR1_END_OF_FRAME = 0x80;

export const RR10_ON_LOOP = 0x02;
export const RR10_LOOP_SENDING = 0x10;

export const RR7_DATA_AVAILABLE = 0x40;
export const RR7_OVERFLOW = 0x80;
export const STATUS_FIFO_DEPTH = 10;

export const MAX_BYTE_COUNT = 0x3fff;
