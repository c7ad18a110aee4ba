// SPDX-License-Identifier: MIT

/** A Forth THROW in host code. Codes are ANS Forth's table 9.2 where one fits. */
export class ForthThrow extends Error {
  override readonly name = 'ForthThrow';
  readonly code: number;

  constructor(code: number, message = '') {
    super(message);
    this.code = code;
  }
}

export const THROW = {
  abort: -1,
  abortMessage: -2,
  stackOverflow: -3,
  stackUnderflow: -4,
  returnStackOverflow: -5,
  returnStackUnderflow: -6,
  dictionaryOverflow: -8,
  invalidAddress: -9,
  divisionByZero: -10,
  outOfRange: -11,
  undefinedWord: -13,
  compileOnly: -14,
  invalidForget: -15,
  zeroLengthName: -16,
  picturedOverflow: -17,
  parsedOverflow: -18,
  nameTooLong: -19,
  controlMismatch: -22,
  alignment: -23,
  invalidNumeric: -24,
  loopUnavailable: -26,
  userInterrupt: -28,
  invalidToken: -31,
  invalidName: -32,
  noActivePackage: -256,
  noInstance: -257,
  invalidHandle: -258,
  noMethod: -259,
  noDevice: -260,
  outOfMemory: -261,
  notBootable: -262,
  deviceError: -263,
} as const;

const MESSAGES: Readonly<Record<number, string>> = {
  [THROW.stackOverflow]: 'Stack Overflow',
  [THROW.stackUnderflow]: 'Stack Underflow',
  [THROW.returnStackOverflow]: 'Return Stack Overflow',
  [THROW.returnStackUnderflow]: 'Return Stack Underflow',
  [THROW.dictionaryOverflow]: 'Dictionary overflow',
  [THROW.invalidAddress]: 'Invalid memory address',
  [THROW.divisionByZero]: 'Division by zero',
  [THROW.outOfRange]: 'Result out of range',
  [THROW.undefinedWord]: 'unknown word',
  [THROW.compileOnly]: 'is compile-only',
  [THROW.invalidForget]: 'Cannot forget that',
  [THROW.zeroLengthName]: 'Name expected',
  [THROW.picturedOverflow]: 'Number too long',
  [THROW.parsedOverflow]: 'String too long',
  [THROW.nameTooLong]: 'Name too long',
  [THROW.controlMismatch]: 'Control structure mismatch',
  [THROW.alignment]: 'Unaligned address',
  [THROW.invalidNumeric]: 'Invalid number',
  [THROW.loopUnavailable]: 'No loop here',
  [THROW.userInterrupt]: 'Interrupted',
  [THROW.invalidToken]: 'Invalid execution token',
  [THROW.invalidName]: 'Invalid name',
  [THROW.noActivePackage]: 'No active package',
  [THROW.noInstance]: 'No current instance',
  [THROW.invalidHandle]: 'Invalid handle',
  [THROW.noMethod]: 'No such method',
  [THROW.noDevice]: "can't OPEN",
  [THROW.outOfMemory]: 'Out of memory',
  [THROW.notBootable]: 'not a bootable image',
  [THROW.deviceError]: 'Device error',
};

export const throwMessage = (code: number): string => MESSAGES[code] ?? `Error ${code}`;
