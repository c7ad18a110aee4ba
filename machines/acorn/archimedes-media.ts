// SPDX-License-Identifier: MIT
import { MachineConfigError } from '../backplane/machine-config-error.ts';
import type { AttachableDisk, MachineHost, Medium } from '../backplane/machine.ts';
import { ADFS_GEOMETRIES, geometryOfSize, PC_GEOMETRIES, SectorDisk } from '../devices/floppy/sector-disk.ts';
import type { ArchimedesModel } from './archimedes-model.ts';

const KIB = 1 << 10;
const FLOPPIES = 2;
const HARD_DISKS = 2;

export interface ArchimedesMedia {
  readonly floppies: readonly SectorDisk[];
  readonly hardDisks: readonly AttachableDisk[];
  close(): void;
}

export function openArchimedesMedia(
  model: ArchimedesModel,
  host: MachineHost,
  media: readonly Medium[],
): ArchimedesMedia {
  const open: AttachableDisk[] = [];
  const hardDisks: AttachableDisk[] = [];
  const floppies: SectorDisk[] = [];
  const close = (): void => open.forEach((image) => image.close());
  try {
    for (const { kind, bus, spec } of media) {
      check(model, kind, bus);
      const image = host.disk(spec);
      open.push(image);
      if (kind === 'floppy') floppies.push(floppyOf(image));
      else hardDisks.push(image);
    }
    if (floppies.length > FLOPPIES) throw new MachineConfigError(`${model.name} has ${FLOPPIES} floppy drives`);
    if (hardDisks.length > HARD_DISKS) throw new MachineConfigError(`${model.name} has ${HARD_DISKS} hard disks`);
  } catch (error) {
    close();
    throw error;
  }
  return { floppies, hardDisks, close };
}

function check({ name, st506, peripherals }: ArchimedesModel, kind: Medium['kind'], bus: Medium['bus']): void {
  if (kind === 'floppy') return;
  const ide = peripherals === 'combined';
  if (kind === 'cdrom' || (!ide && !st506)) {
    const others = 'archimedes-a440 and archimedes-a5000 have hard disks';
    throw new MachineConfigError(
      `${name}: --${kind}: this model has floppy drives only${kind === 'disk' ? `; ${others}` : ''}`,
    );
  }
  if (bus !== undefined && (bus !== 'ide' || !ide)) {
    throw new MachineConfigError(
      `${name}: its disks are at ${ide ? 'IDE' : 'an ST506 controller'}; leave bus=${bus} out`,
    );
  }
}

/** A floppy's format is told by the size of its image. */
function floppyOf(image: AttachableDisk): SectorDisk {
  const bytes = image.blockBytes * image.blockCount;
  const geometry = geometryOfSize(bytes, [...ADFS_GEOMETRIES, ...PC_GEOMETRIES]);
  if (geometry !== undefined) return new SectorDisk(image, geometry);
  const sizes = ADFS_GEOMETRIES.map(({ title, cylinders, heads, sectors, sectorBytes }) => {
    return `${(cylinders * heads * sectors * sectorBytes) / KIB} KiB (${title})`;
  });
  throw new MachineConfigError(
    `${image.title}: ${bytes} bytes are no floppy disk; ${sizes.join(', ')}, or a PC's 360 to 1440 KiB`,
  );
}
