// SPDX-License-Identifier: MIT
import type { MachineConfig, MachineDefinition } from '../../machines/backplane/machine.ts';
import { MACHINES } from '../../machines/registry.ts';
import { UserError } from '../host/user-error.ts';

/** The machine called `name`; a {@link UserError} names the ones there are. */
export function findMachine(name: string): MachineDefinition {
  const found = MACHINES.find((machine) => machine.name === name);
  if (found !== undefined) return found;
  throw new UserError(
    'EMERITUS_OPTION',
    `there is no machine "${name}"; there are: ${MACHINES.map((machine) => machine.name).join(', ')}`,
  );
}

/** A machine as it comes, with nothing attached. */
export function defaultConfig(definition: MachineDefinition): MachineConfig {
  const options = Object.entries(definition.options).map(([name, { initial }]) => [name, initial]);
  return {
    machine: definition.name,
    ramBytes: definition.ram.initial,
    options: Object.fromEntries(options) as Record<string, string>,
    media: [],
    roms: [],
  };
}

const UNITS: Readonly<Record<string, number>> = { '': 1, K: 2 ** 10, M: 2 ** 20, G: 2 ** 30 };

/** `64M`, `1G`, `65536K` or bytes. */
export function parseSize(text: string, what: string): number {
  const match = /^(\d{1,12})([KMG]?)(?:i?B)?$/i.exec(text);
  if (match === null)
    throw new UserError('EMERITUS_OPTION', `${what} is a number with K, M or G, as in 256M; found "${text}"`);
  return Number(match[1]) * UNITS[match[2]!.toUpperCase()]!;
}

const inMiB = (bytes: number): string => `${bytes / 2 ** 20}M`;

/** The RAM size in bytes, checked against what the machine takes. */
export function parseRam(text: string, { name, ram }: MachineDefinition): number {
  const bytes = parseSize(text, '--ram');
  if (ram.min === ram.max) {
    if (bytes === ram.min) return bytes;
    throw new UserError(
      'EMERITUS_OPTION',
      `${name} has ${ram.min / 2 ** 10}K of RAM and takes no other; found ${text}`,
    );
  }
  if (bytes < ram.min || bytes > ram.max || bytes % 2 ** 20 !== 0) {
    throw new UserError(
      'EMERITUS_OPTION',
      `${name} takes ${inMiB(ram.min)} to ${inMiB(ram.max)} of RAM, in whole megabytes; found ${text}`,
    );
  }
  return bytes;
}

/** The machine's own options from `NAME=VALUE` words, completed with the initial ones. */
export function parseMachineOptions(words: readonly string[], definition: MachineDefinition): Record<string, string> {
  const chosen: Record<string, string> = { ...defaultConfig(definition).options };
  for (const word of words) {
    const at = word.indexOf('=');
    const name = at < 0 ? word : word.slice(0, at);
    const value = at < 0 ? '' : word.slice(at + 1);
    const option = Object.hasOwn(definition.options, name) ? definition.options[name] : undefined;
    if (option === undefined) {
      const names = Object.keys(definition.options).join(', ');
      throw new UserError('EMERITUS_OPTION', `${definition.name} has no option "${name}"; it has: ${names || 'none'}`);
    }
    if (!option.values.includes(value)) {
      throw new UserError(
        'EMERITUS_OPTION',
        `--set ${name}: expected one of ${option.values.join(', ')}; found "${value}"`,
      );
    }
    chosen[name] = value;
  }
  return chosen;
}
