// SPDX-License-Identifier: MIT
import type { Board } from '../backplane/board.ts';
import { MachineConfigError } from '../backplane/machine-config-error.ts';
import type { AttachableDisk, MachineHost, Medium } from '../backplane/machine.ts';
import { CanonOmd1, OPTICAL_DISK_BYTES } from '../devices/next/canon-omd1.ts';
import type { Mb600310 } from '../devices/next/mb600310.ts';
import { geometryOfSize, PC_GEOMETRIES, SectorDisk } from '../devices/floppy/sector-disk.ts';
import { ShugartDrive } from '../devices/floppy/shugart-drive.ts';
import type { ScsiBus } from '../devices/scsi/scsi-bus.ts';
import { ScsiCdrom } from '../devices/scsi/scsi-cdrom.ts';
import { ScsiDisk } from '../devices/scsi/scsi-disk.ts';
import type { NextModel } from './next-model.ts';

export interface NextMedium {
  readonly kind: Medium['kind'];
  readonly where: 'scsi' | 'floppy' | 'mo';
  /** SCSI id, or number of the floppy or optical drive. */
  readonly unit: number;
  readonly device: AttachableDisk;
}

const ROOM = { scsi: 'drive on scsi', floppy: 'floppy', mo: 'magneto-optical drive' };

const SCSI_IDS = [0, 1, 2, 3, 4, 5, 6];
const FLOPPY_DRIVES = [0, 1];
const OPTICAL_DRIVES = [0, 1] as const;
/** What the drive takes: 720K, 1.44M and 2.88M disks. */
const GEOMETRIES = PC_GEOMETRIES.filter(({ cylinders }) => cylinders === 80);

/** Disks and CD-ROMs take SCSI ids from 0 up, floppy and optical disks the drives. */
export function openNextMedia(
  { name, opticalDrive }: NextModel,
  host: MachineHost,
  wanted: readonly Medium[],
): NextMedium[] {
  const free = { scsi: [...SCSI_IDS], floppy: [...FLOPPY_DRIVES], mo: opticalDrive ? [...OPTICAL_DRIVES] : [] };
  return wanted.map(({ kind, bus, spec }) => {
    if (bus === 'ide') throw new MachineConfigError(`${name} has no IDE bus; leave bus=ide out`);
    const where = kind === 'floppy' ? 'floppy' : bus === 'mo' ? 'mo' : 'scsi';
    if (where === 'mo' && !opticalDrive) throw new MachineConfigError(`${name} has no magneto-optical drive`);
    if (where === 'mo' && kind !== 'disk') throw new MachineConfigError(`--${kind}: bus=mo is for --disk`);
    const unit = free[where].shift();
    if (unit === undefined) {
      throw new MachineConfigError(`${name} has no room for another ${ROOM[where]}`);
    }
    const device = host.disk(spec);
    const bytes = device.blockBytes * device.blockCount;
    if (kind === 'floppy' && geometryOfSize(bytes, GEOMETRIES) === undefined) {
      device.close();
      throw new MachineConfigError(
        `--floppy ${device.title}: ${bytes} bytes are no disk that ${name} reads; expected 720K, 1440K or 2880K`,
      );
    }
    if (where === 'mo' && (bytes > OPTICAL_DISK_BYTES || bytes % 1024 !== 0)) {
      device.close();
      throw new MachineConfigError(
        `--disk ${device.title}: ${bytes} bytes are no optical disk; expected sectors of 1024 bytes, at most ${OPTICAL_DISK_BYTES}`,
      );
    }
    return { kind, where, unit, device };
  });
}

export function addScsiDrives(board: Board, bus: ScsiBus, media: readonly NextMedium[]): void {
  for (const { kind, where, unit, device } of media) {
    if (where !== 'scsi') continue;
    const chip = board.chip(`scsi:${unit}`);
    board.add(kind === 'cdrom' ? new ScsiCdrom(chip, bus, unit, device) : new ScsiDisk(chip, bus, unit, device));
  }
}

/** The built-in drive, and a second one where there is a disk for it. */
export function addFloppyDrives(board: Board, media: readonly NextMedium[]): (ShugartDrive | undefined)[] {
  return FLOPPY_DRIVES.map((unit) => {
    const medium = media.find((one) => one.where === 'floppy' && one.unit === unit)?.device;
    if (unit > 0 && medium === undefined) return undefined;
    const geometry = medium && geometryOfSize(medium.blockBytes * medium.blockCount, GEOMETRIES);
    const disk = medium && geometry && new SectorDisk(medium, geometry);
    return board.add(new ShugartDrive(board.chip(`floppy:${unit}`), disk));
  });
}

/** The built-in drive, and a second one where there is a disk for it. */
export function addOpticalDrives(board: Board, controller: Mb600310, media: readonly NextMedium[]): void {
  for (const unit of OPTICAL_DRIVES) {
    const medium = media.find((one) => one.where === 'mo' && one.unit === unit)?.device;
    if (unit === 0 || medium !== undefined)
      controller.connect(unit, board.add(new CanonOmd1(board.chip(`mo:${unit}`), medium)));
  }
}
