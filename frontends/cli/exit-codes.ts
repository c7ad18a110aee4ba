// SPDX-License-Identifier: MIT

/** How the `emeritus` command ends; documented in docs/command-line.md. */
export const EXIT = {
  /** The guest switched the machine off, the `--until` text appeared, or the user left. */
  ok: 0,
  /** The emulator itself failed. */
  internal: 1,
  /** Something the user gave cannot work: a bad option, a missing or unsuitable file. */
  usage: 2,
  /** `--timeout` passed first. */
  timeout: 3,
  /** The guest's CPU stopped for good. */
  halted: 4,
  /** Ended by Ctrl-C (SIGINT). */
  interrupted: 130,
  /** Ended by SIGTERM. */
  terminated: 143,
} as const;
