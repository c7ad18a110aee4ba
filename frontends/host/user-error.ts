// SPDX-License-Identifier: MIT

/**
 * Something the user can put right. The message is one line: what was expected, what was found, what to do.
 * The command line prints it without a stack trace and exits with status 2.
 */
export class UserError extends Error {
  override readonly name = 'UserError';
  /** For scripts and tests: `EMERITUS_DISK_MISSING`. */
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}
