// SPDX-License-Identifier: MIT
import { ST1_MA, ST1_ND, ST2_BC, ST2_WC } from './i82077-commands.ts';
import type { SectorId } from './sector-disk.ts';
import type { ShugartDrive } from './shugart-drive.ts';

const BAD_CYLINDER = 0xff;

/** The sectors in the order they pass the head; none where a data separator at `bitRate` makes nothing of the track. */
export function trackUnderHead(drive: ShugartDrive | undefined, head: number, bitRate: number): readonly SectorId[] {
  const medium = drive?.medium;
  if (drive === undefined || medium === undefined || !drive.ready) return [];
  return medium.geometry.bitRate === bitRate ? medium.track(drive.cylinder, head) : [];
}

/** Where on the track a sector is, or -1; all four bytes of the identity field must fit. */
export const indexOfSector = (track: readonly SectorId[], id: SectorId): number =>
  track.findIndex(
    ({ cylinder, head, sector, size }) =>
      cylinder === id.cylinder && head === id.head && sector === id.sector && size === id.size,
  );

/** What the status registers say of a sector that two revolutions did not bring. */
export function whyNotFound([any]: readonly SectorId[], id: SectorId): { st1: number; st2: number } {
  if (any === undefined) return { st1: ST1_MA, st2: 0 };
  if (any.cylinder === id.cylinder) return { st1: ST1_ND, st2: 0 };
  return { st1: ST1_ND, st2: any.cylinder === BAD_CYLINDER ? ST2_BC : ST2_WC };
}
