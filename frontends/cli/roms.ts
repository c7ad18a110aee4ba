// SPDX-License-Identifier: MIT
import type { Command } from 'commander';
import { describeRom, identifyRom, readRom } from '../host/rom-library.ts';
import { EXIT } from './exit-codes.ts';

export function addRomsCommand(program: Command, setCode: (code: number) => void): void {
  program
    .command('roms')
    .description('ROM images.')
    .command('identify')
    .description('Say what ROM images are and which machine uses them.')
    .argument('<file...>', 'ROM images, which may be gzip-compressed')
    .action((files: string[]) => {
      for (const file of files) {
        const { title, bytes } = readRom(file, 'roms identify');
        const identity = identifyRom(bytes);
        process.stdout.write(`${describeRom(title, identity)}\n`);
        if (identity.known.length === 0) setCode(EXIT.usage);
      }
    });
}
