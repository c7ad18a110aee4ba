// SPDX-License-Identifier: MIT
import type { MachineDefinition } from '../backplane/machine.ts';
import { buildNext } from './next-board.ts';
import { SIMM_30_PIN } from './next-memory.ts';
import type { NextModel } from './next-model.ts';

const MIB = 1 << 20;

const CUBE: NextModel = {
  name: 'next-cube',
  generation: 'classic',
  cpuHz: 25_000_000,
  memory: SIMM_30_PIN,
  scr1: 0x0001_2052, // cube, memory of 100 ns, 25 MHz
  slot: 0,
  color: false,
  opticalDrive: true,
  nextBus: true,
};

export const nextCube: MachineDefinition = {
  name: CUBE.name,
  title: 'NeXTcube, 68040 at 25 MHz',
  year: 1990,
  status: 'the boot ROM passes its self-test, answers commands and boots programs from disk; no DSP, printer, network',
  ram: { min: MIB, max: 64 * MIB, initial: 32 * MIB },
  options: {},
  buses: ['scsi', 'mo'],
  needsRom: true,
  build: (host, config) => buildNext(CUBE, host, config),
};
