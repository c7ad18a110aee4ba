// SPDX-License-Identifier: MIT
import type { MachineConfig } from '../backplane/machine.ts';
import type { Firmware, PowermacG3Parts } from './powermac-g3-firmware.ts';

export class BuiltinFirmware implements Firmware {
  constructor(_config: MachineConfig) {}
  install(_parts: PowermacG3Parts): void {}
  start(): void {}
  hypercall(_n: number): void {}
}
