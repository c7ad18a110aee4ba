// SPDX-License-Identifier: MIT
import type { MachineDefinition } from '../backplane/machine.ts';
import { buildNext } from './next-board.ts';
import { SIMM_30_PIN } from './next-memory.ts';

const MIB = 1 << 20;

export const nextCube: MachineDefinition = {
  name: 'next-cube',
  title: 'NeXTcube (68040)',
  year: 1990,
  status: 'in progress',
  ram: { min: 4 * MIB, max: 64 * MIB, initial: 32 * MIB },
  options: {},
  build: (host, config) =>
    buildNext(
      {
        name: 'next-cube',
        cpu: '68040',
        slotsHz: 12_500_000,
        delayTicks: 1,
        scr1: 0x0001_2052,
        memory: SIMM_30_PIN,
        romBytes: 128 << 10,
        color: false,
        turbo: false,
      },
      host,
      config,
    ),
};
