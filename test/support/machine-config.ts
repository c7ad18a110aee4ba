// SPDX-License-Identifier: MIT
import { defaultConfig } from '../../frontends/cli/machine-options.ts';
import type { MachineConfig, MachineDefinition } from '../../machines/backplane/machine.ts';

/** A HEX file of a reset vector and a branch to itself. */
const ENDLESS_HEX = ':0A0000000040002009000000FEE7A8\n:00000001FF\n';

/** The configuration a machine has without options; one that is nothing without a program gets one that does nothing. */
export function plainConfig(definition: MachineDefinition): MachineConfig {
  const config = defaultConfig(definition);
  if (definition.name !== 'microbit') return config;
  return { ...config, kernel: { title: 'endless.hex', bytes: new TextEncoder().encode(ENDLESS_HEX) } };
}
