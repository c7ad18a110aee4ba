// SPDX-License-Identifier: MIT
//
// The ARM3's control coprocessor [ARM3 DS §5]: identity, cache control, and which 2 MiB areas are cached; CRn alone
// chooses the register. The cache has nothing in it that memory has not.
import { cpu, run } from './state';

const ID_ARM3: u32 = 0x4156_0300;

function privileged(): bool {
  return run.privileged != 0;
}

export function readArm3(register: u32): u32 {
  if (!privileged()) {
    run.refused = 1;
    return 0;
  }
  switch ((register >>> 8) & 15) {
    case 0:
      return ID_ARM3;
    case 2:
      return cpu.cache_control;
    case 3:
      return cpu.cacheable;
    case 4:
      return cpu.updateable;
    case 5:
      return cpu.disruptive;
    default:
      run.refused = 1;
      return 0;
  }
}

export function writeArm3(register: u32, value: u32): bool {
  if (!privileged()) return false;
  switch ((register >>> 8) & 15) {
    case 0:
    case 1: // flush
      return true;
    case 2:
      cpu.cache_control = value & 7;
      return true;
    case 3:
      cpu.cacheable = value;
      return true;
    case 4:
      cpu.updateable = value;
      return true;
    case 5:
      cpu.disruptive = value;
      return true;
    default:
      return false;
  }
}
