// SPDX-License-Identifier: MIT
import type { MachineConfig, MachineDefinition, MachineOption } from '../backplane/machine.ts';
import { buildNext } from './next-board.ts';
import { SIMM_30_PIN, SIMM_COLOR, SIMM_TURBO } from './next-memory.ts';
import type { NextModel } from './next-model.ts';

const MIB = 1 << 20;

const display: MachineOption = {
  values: ['grey', 'color'],
  initial: 'grey',
  title: 'four greys, or the colour model with its 4096 colours',
};
const isColor = ({ options }: MachineConfig): boolean => options['display'] === 'color';

const stationModel = (color: boolean): NextModel => ({
  name: 'next-station',
  generation: 'classic',
  cpuHz: 25_000_000,
  memory: color ? SIMM_COLOR : SIMM_30_PIN,
  scr1: color ? 0x0001_3052 : 0x0001_1052, // NeXTstation, memory of 100 ns, 25 MHz
  slot: 0,
  color,
  nextBus: false,
  opticalDrive: false,
});

export const nextStation: MachineDefinition = {
  name: 'next-station',
  title: 'NeXTstation and NeXTstation Color, 68040 at 25 MHz',
  year: 1990,
  status: 'the boot ROM passes its self-test, answers commands and boots programs from disk; no DSP, printer, network',
  ram: { min: MIB, max: 32 * MIB, initial: 16 * MIB },
  options: { display },
  needsRom: true,
  build: (host, config) => buildNext(stationModel(isColor(config)), host, config),
};

const turboModel = (color: boolean): NextModel => ({
  name: 'next-station-turbo',
  generation: 'turbo',
  cpuHz: 33_000_000,
  memory: SIMM_TURBO,
  scr1: 0xf000_4000,
  slot: 0,
  color,
  nextBus: false,
  opticalDrive: false,
});

export const nextStationTurbo: MachineDefinition = {
  name: 'next-station-turbo',
  title: 'NeXTstation Turbo and Turbo Color, 68040 at 33 MHz',
  year: 1992,
  status:
    'the boot ROM passes its self-test, answers commands and boots programs from disk; no DSP, printer, network, ADB devices',
  ram: { min: 2 * MIB, max: 128 * MIB, initial: 32 * MIB },
  options: { display },
  needsRom: true,
  build: (host, config) => buildNext(turboModel(isColor(config)), host, config),
};
