// SPDX-License-Identifier: MIT
import type { MachineConfig } from './machine.ts';

/** The user's choices do not fit the machine. The message is one line: what was expected, what was found, what to do. */
export class MachineConfigError extends Error {
  override readonly name = 'MachineConfigError';
}

const OPTIONS = ['firmware', 'kernel', 'initrd', 'append'] as const;

/** Refuses what the user gave to a machine that would do nothing with it. */
export function takesNo(config: MachineConfig, ...names: ((typeof OPTIONS)[number] | 'media')[]): void {
  for (const name of OPTIONS) {
    if (!names.includes(name) || config[name] === undefined) continue;
    throw new MachineConfigError(`${config.machine} has no use for --${name}; leave it out`);
  }
  const medium = names.includes('media') ? config.media[0] : undefined;
  if (medium !== undefined)
    throw new MachineConfigError(`${config.machine} has no drive for --${medium.kind}; leave it out`);
}
