// SPDX-License-Identifier: MIT
import type { ChipContext } from '../../backplane/board.ts';
import type { BlockDevice } from '../../backplane/host.ts';
import type { ScsiIdentity } from './device-server.ts';
import { DiskServer } from './disk-server.ts';
import type { ScsiBus } from './scsi-bus.ts';
import { ScsiTarget } from './scsi-target.ts';

/** A generic SCSI hard disk of 512-byte blocks. */
export class ScsiDisk extends ScsiTarget {
  constructor(chip: ChipContext, bus: ScsiBus, address: number, medium: BlockDevice, identity: ScsiIdentity = {}) {
    super(chip, bus, address, new DiskServer(chip, medium, identity));
  }
}
