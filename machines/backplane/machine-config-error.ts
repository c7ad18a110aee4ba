// SPDX-License-Identifier: MIT

/** The user's choices do not fit the machine. The message is one line: what was expected, what was found, what to do. */
export class MachineConfigError extends Error {
  override readonly name = 'MachineConfigError';
}
