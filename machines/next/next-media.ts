// SPDX-License-Identifier: MIT
import { MachineConfigError } from '../backplane/machine-config-error.ts';
import type { AttachableDisk, MachineHost, Medium } from '../backplane/machine.ts';

export interface NextMedium {
  readonly kind: Medium['kind'];
  /** SCSI id, or number of the floppy drive. */
  readonly unit: number;
  readonly device: AttachableDisk;
}

const SCSI_IDS = [0, 1, 2, 3, 4, 5, 6];
const FLOPPY_DRIVES = [0, 1];

/** Disks and CD-ROMs take SCSI ids from 0 up, floppy disks the drives. */
export function openNextMedia(name: string, host: MachineHost, wanted: readonly Medium[]): NextMedium[] {
  const free = { scsi: [...SCSI_IDS], floppy: [...FLOPPY_DRIVES] };
  return wanted.map(({ kind, bus, spec }) => {
    if (bus === 'ide') throw new MachineConfigError(`${name} has no IDE bus; leave bus=ide out`);
    const where = kind === 'floppy' ? 'floppy' : 'scsi';
    const unit = free[where].shift();
    if (unit === undefined) {
      throw new MachineConfigError(`${name} has no room for another ${where === 'scsi' ? 'drive on scsi' : 'floppy'}`);
    }
    return { kind, unit, device: host.disk(spec) };
  });
}
