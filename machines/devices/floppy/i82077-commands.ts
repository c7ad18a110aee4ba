// SPDX-License-Identifier: MIT

interface Command {
  /** The first byte, and which of its bits must be so; the others are options. */
  readonly opcode: number;
  readonly mask: number;
  /** The bytes that follow it. */
  readonly parameters: number;
}

export const COMMANDS = {
  readTrack: { opcode: 0x02, mask: 0xbf, parameters: 8 },
  specify: { opcode: 0x03, mask: 0xff, parameters: 2 },
  senseDriveStatus: { opcode: 0x04, mask: 0xff, parameters: 1 },
  writeData: { opcode: 0x05, mask: 0x3f, parameters: 8 },
  readData: { opcode: 0x06, mask: 0x1f, parameters: 8 },
  recalibrate: { opcode: 0x07, mask: 0xff, parameters: 1 },
  senseInterruptStatus: { opcode: 0x08, mask: 0xff, parameters: 0 },
  writeDeletedData: { opcode: 0x09, mask: 0x3f, parameters: 8 },
  readId: { opcode: 0x0a, mask: 0xbf, parameters: 1 },
  readDeletedData: { opcode: 0x0c, mask: 0x1f, parameters: 8 },
  formatTrack: { opcode: 0x0d, mask: 0xbf, parameters: 5 },
  dumpreg: { opcode: 0x0e, mask: 0xff, parameters: 0 },
  seek: { opcode: 0x0f, mask: 0xff, parameters: 2 },
  relativeSeek: { opcode: 0x8f, mask: 0xbf, parameters: 2 },
  version: { opcode: 0x10, mask: 0xff, parameters: 0 },
  scanEqual: { opcode: 0x11, mask: 0x1f, parameters: 8 },
  perpendicularMode: { opcode: 0x12, mask: 0xff, parameters: 1 },
  configure: { opcode: 0x13, mask: 0xff, parameters: 3 },
  lock: { opcode: 0x14, mask: 0x7f, parameters: 0 },
  verify: { opcode: 0x16, mask: 0x1f, parameters: 8 },
  scanLowOrEqual: { opcode: 0x19, mask: 0x1f, parameters: 8 },
  scanHighOrEqual: { opcode: 0x1d, mask: 0x1f, parameters: 8 },
} as const satisfies Record<string, Command>;
export type CommandName = keyof typeof COMMANDS;

const NAMES = Object.keys(COMMANDS) as CommandName[];

/** The command that begins with `first`; `undefined` for an invalid one. */
export const commandOf = (first: number): CommandName | undefined =>
  NAMES.find((name) => (first & COMMANDS[name].mask) === COMMANDS[name].opcode);

/** What a command does to the track under the head. */
export type Transfer = 'read' | 'write' | 'scan' | 'verify' | 'format' | 'readTrack' | 'readId';

export const TRANSFER_OF: Partial<Record<CommandName, Transfer>> = {
  readTrack: 'readTrack',
  writeData: 'write',
  readData: 'read',
  writeDeletedData: 'write',
  readId: 'readId',
  readDeletedData: 'read',
  formatTrack: 'format',
  scanEqual: 'scan',
  scanLowOrEqual: 'scan',
  scanHighOrEqual: 'scan',
  verify: 'verify',
};

// First byte of a command.
export const CMD_MT = 0x80;
export const CMD_MFM = 0x40;
export const CMD_SK = 0x20;
export const CMD_RELATIVE_IN = 0x40;
export const CMD_LOCK = 0x80;
// Second byte.
export const VERIFY_EC = 0x80; // DTL is the number of sectors
export const CMD_HDS = 0x04;

// ST0
export const IC_NORMAL = 0x00;
export const IC_ABNORMAL = 0x40;
export const IC_INVALID = 0x80;
export const IC_POLLING = 0xc0;
export const ST0_SE = 0x20; // seek end
export const ST0_EC = 0x10; // equipment check: no track 0
// ST1
export const ST1_EN = 0x80; // end of cylinder
export const ST1_DE = 0x20; // data error
export const ST1_OR = 0x10; // overrun or underrun
export const ST1_ND = 0x04; // no data: the sector was not found
export const ST1_NW = 0x02; // not writable
export const ST1_MA = 0x01; // missing address mark
// ST2
export const ST2_CM = 0x40; // control mark: deleted data where not expected, or the reverse
export const ST2_DD = 0x20; // data error in the data field
export const ST2_WC = 0x10; // wrong cylinder
export const ST2_SH = 0x08; // scan equal hit
export const ST2_SN = 0x04; // scan not satisfied
export const ST2_BC = 0x02; // bad cylinder
// ST3
export const ST3_WP = 0x40;
export const ST3_ONES = 0x28;
export const ST3_T0 = 0x10;

/** Whether the disk's bytes satisfy a scan against the host's; 0xff on either side fits everything. */
export function scan(command: CommandName, disk: Uint8Array, host: Uint8Array): 'equal' | 'satisfied' | 'not' {
  for (let i = 0; i < disk.length; i++) {
    const a = disk[i]!;
    const b = host[i]!;
    if (a === b || a === 0xff || b === 0xff) continue;
    const satisfied = command === 'scanLowOrEqual' ? a < b : command === 'scanHighOrEqual' && a > b;
    return satisfied ? 'satisfied' : 'not';
  }
  return 'equal';
}
