// SPDX-License-Identifier: MIT
import { archimedes, archimedesA3000, archimedesA310, archimedesA440, archimedesA5000 } from './acorn/archimedes.ts';
import { powermacG3 } from './apple/powermac-g3.ts';
import { quadra800 } from './apple/quadra800.ts';
import type { MachineDefinition } from './backplane/machine.ts';
import { goldfish } from './goldfish/goldfish.ts';
import { microbit } from './microbit/microbit.ts';
import { nextComputer } from './next/next-computer.ts';
import { nextCube } from './next/next-cube.ts';
import { nextStation, nextStationTurbo } from './next/next-station.ts';
import { virtM68k } from './virt/virt-m68k.ts';

/** Every machine, in the order `emeritus machines` lists them. */
export const MACHINES: readonly MachineDefinition[] = [
  powermacG3,
  quadra800,
  virtM68k,
  archimedes,
  archimedesA310,
  archimedesA440,
  archimedesA3000,
  archimedesA5000,
  microbit,
  nextComputer,
  nextCube,
  nextStation,
  nextStationTurbo,
  goldfish,
];

/** The machine called `name`, which must exist. */
export function machineNamed(name: string): MachineDefinition {
  const found = MACHINES.find((machine) => machine.name === name);
  if (found === undefined) throw new RangeError(`no machine called ${name}`);
  return found;
}
