// SPDX-License-Identifier: MIT
//
// What the packets to and from a Cuda are made of, [CUDA] in docs/references.md.

// First byte of a packet.
export const ADB_PACKET = 0;
export const PSEUDO_PACKET = 1;
export const ERROR_PACKET = 2;
export const TICK_PACKET = 3;

// Second byte of a pseudo packet.
export const WARM_START = 0x00;
export const AUTOPOLL = 0x01;
export const GET_6805_ADDR = 0x02;
export const GET_TIME = 0x03;
export const GET_PRAM = 0x07;
export const SET_6805_ADDR = 0x08;
export const SET_TIME = 0x09;
export const POWERDOWN = 0x0a;
export const SET_POWERUP_TIME = 0x0b;
export const SET_PRAM = 0x0c;
export const MONO_STABLE_RESET = 0x0d;
export const SEND_DFAC = 0x0e;
export const BATTERY_SWAP_SENSE = 0x10;
export const RESET_SYSTEM = 0x11;
export const SET_IPL = 0x12;
export const FILE_SERVER_FLAG = 0x13;
export const SET_AUTO_RATE = 0x14;
export const GET_AUTO_RATE = 0x16;
export const SET_DEVICE_LIST = 0x19;
export const GET_DEVICE_LIST = 0x1a;
export const ONE_SECOND_MODE = 0x1b;
export const SET_POWER_MESSAGES = 0x21;
export const READ_WRITE_I2C = 0x22;
export const TOGGLE_WAKEUP = 0x23;
export const TIMER_TICKLE = 0x24;
export const COMBINED_I2C = 0x25;
export const OUT_PB0 = 0x26;

/** Bytes of parameters each pseudo command needs; what is not here does not exist. */
export const PARAMETERS = new Map<number, number>([
  [WARM_START, 0],
  [AUTOPOLL, 1],
  [GET_6805_ADDR, 2],
  [GET_TIME, 0],
  [GET_PRAM, 2],
  [SET_6805_ADDR, 2],
  [SET_TIME, 4],
  [POWERDOWN, 0],
  [SET_POWERUP_TIME, 4],
  [SET_PRAM, 2],
  [MONO_STABLE_RESET, 1],
  [SEND_DFAC, 1],
  [BATTERY_SWAP_SENSE, 0],
  [RESET_SYSTEM, 0],
  [SET_IPL, 1],
  [FILE_SERVER_FLAG, 1],
  [SET_AUTO_RATE, 1],
  [GET_AUTO_RATE, 0],
  [SET_DEVICE_LIST, 2],
  [GET_DEVICE_LIST, 0],
  [ONE_SECOND_MODE, 1],
  [SET_POWER_MESSAGES, 1],
  [READ_WRITE_I2C, 1],
  [TOGGLE_WAKEUP, 0],
  [TIMER_TICKLE, 1],
  [COMBINED_I2C, 3],
  [OUT_PB0, 1],
]);

// Error packets' codes.
export const BAD_PACKET_TYPE = 1;
export const BAD_COMMAND = 2;
export const BAD_SIZE = 3;
export const BAD_PARAMETER = 4;
export const I2C_ERROR = 5;

// Status byte of an ADB packet.
export const STATUS_SRQ = 0x01;
export const STATUS_TIMEOUT = 0x02;
export const STATUS_AUTOPOLL = 0x40;
export const STATUS_RESPONSE = 0x80;
