// SPDX-License-Identifier: MIT
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** A real input of a test: where it is, or how to get it. */
export interface Input {
  readonly path: string | undefined;
  /** One command or sentence that provides it. */
  readonly provide: string;
}

const cache = join(homedir(), '.cache', 'emeritus');

const firstExisting = (...paths: readonly (string | undefined)[]): string | undefined =>
  paths.find((path) => path !== undefined && existsSync(path));

const below = (folder: string | undefined, name: string): string | undefined =>
  folder === undefined ? undefined : join(folder, name);

/** A guest of `test/guests`' recipes, or another one kept beside them. */
export function guest(name: string, provide = 'see test/guests'): Input {
  const path = firstExisting(below(process.env['EMERITUS_GUESTS'], name), join(cache, 'guests', name));
  return { path, provide: `${name} in $EMERITUS_GUESTS (${provide})` };
}

/** An original ROM, which only its owner can provide. */
export function originalRom(name: string): Input {
  const path = firstExisting(below(process.env['EMERITUS_ROMS'], name), join(cache, 'roms', name));
  return { path, provide: `${name} in $EMERITUS_ROMS` };
}

/** A public CPU test suite. */
export function suite(name: string): Input {
  const path = firstExisting(below(process.env['EMERITUS_SUITES'], name), join(cache, 'suites', name));
  return { path, provide: `${name} in $EMERITUS_SUITES` };
}

/** A file a Debian package installs. */
export function debianFile(path: string, debianPackage: string): Input {
  return { path: firstExisting(path), provide: `apt-get install ${debianPackage}` };
}

/** Where Debian installs a library. */
export const debianLibrary = (name: string): string =>
  `/usr/lib/${process.arch === 'x64' ? 'x86_64' : 'aarch64'}-linux-gnu/${name}`;

/** What a skipped test says it lacks; empty when nothing is missing. */
export function missing(...inputs: readonly Input[]): string {
  return inputs
    .filter(({ path }) => path === undefined)
    .map(({ provide }) => provide)
    .join('; ');
}
