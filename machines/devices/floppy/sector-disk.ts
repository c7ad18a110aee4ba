// SPDX-License-Identifier: MIT
import { type BlockDevice, MediumError } from '../../backplane/host.ts';

/** How the sectors of a soft-sectored MFM disk lie; the same on every track. */
export interface FloppyGeometry {
  readonly title: string;
  readonly cylinders: number;
  readonly heads: 1 | 2;
  readonly sectors: number;
  readonly sectorBytes: 128 | 256 | 512 | 1024;
  /** Number of the first sector of a track. */
  readonly firstSector: 0 | 1;
  /** Bits a second: 250,000 double, 500,000 high, 1,000,000 extra-high density. */
  readonly bitRate: 250_000 | 500_000 | 1_000_000;
}

/** The identity field of a sector; `size` is log2 of the bytes / 128. */
export interface SectorId {
  readonly cylinder: number;
  readonly head: number;
  readonly sector: number;
  readonly size: number;
}

/** A floppy disk kept as an image of its sectors: cylinder by cylinder, head by head, sector by sector. */
export class SectorDisk {
  readonly geometry: FloppyGeometry;
  readonly title: string;
  readonly readonly: boolean;
  readonly #blocks: BlockDevice;
  /** Sectors with a deleted data mark, as numbered in the image, which does not keep the marks. */
  readonly #deleted = new Set<number>();

  /** @throws {MediumError} when the image is shorter than the geometry. */
  constructor(blocks: BlockDevice, geometry: FloppyGeometry) {
    const bytes = geometry.cylinders * geometry.heads * geometry.sectors * geometry.sectorBytes;
    if (blocks.blockCount * blocks.blockBytes < bytes) {
      throw new MediumError(`${blocks.title}: ${blocks.blockCount * blocks.blockBytes} bytes are too few for ${bytes}`);
    }
    this.#blocks = blocks;
    this.geometry = geometry;
    this.title = blocks.title;
    this.readonly = blocks.readonly;
  }

  /** The sectors of a track in the order they pass the head; none beyond the formatted part. */
  track(cylinder: number, head: number): readonly SectorId[] {
    const { cylinders, heads, sectors, firstSector, sectorBytes } = this.geometry;
    if (cylinder >= cylinders || head >= heads) return [];
    const size = Math.log2(sectorBytes / 128);
    return Array.from({ length: sectors }, (_, i) => ({ cylinder, head, sector: firstSector + i, size }));
  }

  /** The data of a sector that {@link track} named. */
  read(id: SectorId): Uint8Array {
    const { first, blocks, within } = this.#place(id);
    const bytes = new Uint8Array(blocks * this.#blocks.blockBytes);
    this.#blocks.read(first, bytes);
    return bytes.slice(within, within + this.geometry.sectorBytes);
  }

  write(id: SectorId, data: Uint8Array, deleted = false): void {
    const { first, blocks, within } = this.#place(id);
    if (deleted) this.#deleted.add(this.#number(id));
    else this.#deleted.delete(this.#number(id));
    const bytes = new Uint8Array(blocks * this.#blocks.blockBytes);
    if (bytes.length !== this.geometry.sectorBytes) this.#blocks.read(first, bytes);
    bytes.set(data.subarray(0, this.geometry.sectorBytes), within);
    this.#blocks.write(first, bytes);
  }

  /** The sector's data begin with a deleted data mark. */
  isDeleted(id: SectorId): boolean {
    return this.#deleted.has(this.#number(id));
  }

  /** The sectors so marked, for a snapshot. */
  get deleted(): number[] {
    return [...this.#deleted].sort((a, b) => a - b);
  }

  set deleted(sectors: readonly number[]) {
    this.#deleted.clear();
    for (const sector of sectors) this.#deleted.add(sector);
  }

  flush(): void {
    this.#blocks.flush();
  }

  #number({ cylinder, head, sector }: SectorId): number {
    const { heads, sectors, firstSector } = this.geometry;
    return (cylinder * heads + head) * sectors + (sector - firstSector);
  }

  #place(id: SectorId): { first: number; blocks: number; within: number } {
    const { sectorBytes } = this.geometry;
    const at = this.#number(id) * sectorBytes;
    const { blockBytes } = this.#blocks;
    const first = Math.floor(at / blockBytes);
    const blocks = Math.ceil((at + sectorBytes) / blockBytes) - first;
    return { first, blocks, within: at - first * blockBytes };
  }
}

const dd = 250_000;
const hd = 500_000;

/** Formats of Acorn's ADFS, told by their size. D and E differ only inside. */
export const ADFS_GEOMETRIES: readonly FloppyGeometry[] = [
  { title: 'ADFS S', cylinders: 40, heads: 1, sectors: 16, sectorBytes: 256, firstSector: 0, bitRate: dd },
  { title: 'ADFS M', cylinders: 80, heads: 1, sectors: 16, sectorBytes: 256, firstSector: 0, bitRate: dd },
  { title: 'ADFS L', cylinders: 80, heads: 2, sectors: 16, sectorBytes: 256, firstSector: 0, bitRate: dd },
  { title: 'ADFS D/E', cylinders: 80, heads: 2, sectors: 5, sectorBytes: 1024, firstSector: 0, bitRate: dd },
  { title: 'ADFS F', cylinders: 80, heads: 2, sectors: 10, sectorBytes: 1024, firstSector: 0, bitRate: hd },
];

/** Formats of the IBM PC, told by their size. */
export const PC_GEOMETRIES: readonly FloppyGeometry[] = [
  { title: 'PC 360 KiB', cylinders: 40, heads: 2, sectors: 9, sectorBytes: 512, firstSector: 1, bitRate: dd },
  { title: 'PC 720 KiB', cylinders: 80, heads: 2, sectors: 9, sectorBytes: 512, firstSector: 1, bitRate: dd },
  { title: 'PC 1.44 MiB', cylinders: 80, heads: 2, sectors: 18, sectorBytes: 512, firstSector: 1, bitRate: hd },
  { title: 'PC 2.88 MiB', cylinders: 80, heads: 2, sectors: 36, sectorBytes: 512, firstSector: 1, bitRate: 1_000_000 },
];

/** The geometry of `bytes` bytes, among `known` ones. */
export const geometryOfSize = (bytes: number, known: readonly FloppyGeometry[]): FloppyGeometry | undefined =>
  known.find((one) => one.cylinders * one.heads * one.sectors * one.sectorBytes === bytes);
