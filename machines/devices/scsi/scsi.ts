// SPDX-License-Identifier: MIT
//
// Numbers of the SCSI protocol [SCSI-2: X3.131-1994; SPC-2; SBC; MMC-4].

export const OP = {
  testUnitReady: 0x00,
  rezeroUnit: 0x01,
  requestSense: 0x03,
  formatUnit: 0x04,
  reassignBlocks: 0x07,
  read6: 0x08,
  write6: 0x0a,
  seek6: 0x0b,
  inquiry: 0x12,
  modeSelect6: 0x15,
  reserve6: 0x16,
  release6: 0x17,
  modeSense6: 0x1a,
  startStopUnit: 0x1b,
  sendDiagnostic: 0x1d,
  preventAllow: 0x1e,
  readCapacity10: 0x25,
  read10: 0x28,
  write10: 0x2a,
  seek10: 0x2b,
  writeVerify10: 0x2e,
  verify10: 0x2f,
  synchronizeCache10: 0x35,
  readDefectData10: 0x37,
  writeBuffer: 0x3b,
  readBuffer: 0x3c,
  readSubChannel: 0x42,
  readToc: 0x43,
  readHeader: 0x44,
  playAudio10: 0x45,
  getConfiguration: 0x46,
  playAudioMsf: 0x47,
  playAudioTrackIndex: 0x48,
  getEventStatus: 0x4a,
  pauseResume: 0x4b,
  stopPlayScan: 0x4e,
  modeSelect10: 0x55,
  reserve10: 0x56,
  release10: 0x57,
  modeSense10: 0x5a,
  reportLuns: 0xa0,
  playAudio12: 0xa5,
  read12: 0xa8,
  write12: 0xaa,
  writeVerify12: 0xae,
  verify12: 0xaf,
  readCdMsf: 0xb9,
  setCdSpeed: 0xbb,
  mechanismStatus: 0xbd,
  readCd: 0xbe,
} as const;

/** Length of a command by its group code; the reserved and vendor groups count as 6, 10 and 12 bytes. */
export function cdbLength(opcode: number): number {
  return [6, 10, 10, 6, 12, 12, 6, 10][opcode >>> 5]!;
}

export const SCSI_STATUS = { good: 0x00, checkCondition: 0x02, busy: 0x08, reservationConflict: 0x18 } as const;

export const SENSE_KEY = {
  noSense: 0x0,
  notReady: 0x2,
  mediumError: 0x3,
  hardwareError: 0x4,
  illegalRequest: 0x5,
  unitAttention: 0x6,
  dataProtect: 0x7,
  abortedCommand: 0xb,
} as const;

/** Sense key, additional sense code, qualifier. */
export type SenseCode = readonly [key: number, asc: number, ascq: number];

export const SENSE = {
  none: [0x0, 0x00, 0x00],
  becomingReady: [0x2, 0x04, 0x01],
  needsStart: [0x2, 0x04, 0x02],
  mediumNotPresent: [0x2, 0x3a, 0x00],
  trayOpen: [0x2, 0x3a, 0x02],
  writeError: [0x3, 0x0c, 0x00],
  unrecoveredRead: [0x3, 0x11, 0x00],
  parameterListLength: [0x5, 0x1a, 0x00],
  invalidOpcode: [0x5, 0x20, 0x00],
  lbaOutOfRange: [0x5, 0x21, 0x00],
  invalidField: [0x5, 0x24, 0x00],
  lunNotSupported: [0x5, 0x25, 0x00],
  invalidParameter: [0x5, 0x26, 0x00],
  savingNotSupported: [0x5, 0x39, 0x00],
  removalPrevented: [0x5, 0x53, 0x02],
  illegalModeForTrack: [0x5, 0x64, 0x00],
  mediumChanged: [0x6, 0x28, 0x00],
  powerOnOrReset: [0x6, 0x29, 0x00],
  modeParametersChanged: [0x6, 0x2a, 0x01],
  writeProtected: [0x7, 0x27, 0x00],
  initiatorDetectedError: [0xb, 0x48, 0x00],
} as const satisfies Record<string, SenseCode>;

export const MSG = {
  commandComplete: 0x00,
  extended: 0x01,
  saveDataPointer: 0x02,
  restorePointers: 0x03,
  disconnect: 0x04,
  initiatorDetectedError: 0x05,
  abort: 0x06,
  reject: 0x07,
  noOperation: 0x08,
  parityError: 0x09,
  linkedComplete: 0x0a,
  linkedCompleteFlag: 0x0b,
  busDeviceReset: 0x0c,
  abortTag: 0x0d,
  clearQueue: 0x0e,
  ignoreWideResidue: 0x23,
  identify: 0x80,
} as const;
export const IDENTIFY_DISCONNECT = 0x40;
export const EXTENDED = { modifyDataPointer: 0x00, sdtr: 0x01, wdtr: 0x03 } as const;

/** Information transfer phases, as the lines MSG (4), C/D (2) and I/O (1) encode them. */
export const PHASE = {
  dataOut: 0,
  dataIn: 1,
  command: 2,
  status: 3,
  messageOut: 6,
  messageIn: 7,
} as const;
export type Phase = (typeof PHASE)[keyof typeof PHASE];

export const be16 = (bytes: Uint8Array, at: number): number => (bytes[at]! << 8) | bytes[at + 1]!;
export const be24 = (bytes: Uint8Array, at: number): number => (be16(bytes, at) << 8) | bytes[at + 2]!;
export const be32 = (bytes: Uint8Array, at: number): number => (be24(bytes, at) * 0x100 + bytes[at + 3]!) >>> 0;

export function putBe16(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = (value >>> 8) & 0xff;
  bytes[at + 1] = value & 0xff;
}

export function putBe32(bytes: Uint8Array, at: number, value: number): void {
  putBe16(bytes, at, value >>> 16);
  putBe16(bytes, at + 2, value & 0xffff);
}

/** `text` in exactly `length` printable ASCII bytes, padded with spaces. */
export const ascii = (text: string, length: number): Uint8Array =>
  Uint8Array.from({ length }, (_, i) => {
    const code = i < text.length ? text.charCodeAt(i) : 0x20;
    return code >= 0x20 && code < 0x7f ? code : 0x3f;
  });
