// SPDX-License-Identifier: MIT
import type { Command } from 'commander';
import type { Image, MachineDefinition } from '../../machines/backplane/machine.ts';

void 0;
export function addRomsCommand(_program: Command, _setCode: (code: number) => void): void {}
export function readRoms(_definition: MachineDefinition, _paths: readonly string[]): Image[] {
  return [];
}
