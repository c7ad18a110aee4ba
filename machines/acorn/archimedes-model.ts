// SPDX-License-Identifier: MIT

const MIB = 1 << 20;

/** What tells the Archimedes computers apart. */
export interface ArchimedesModel {
  readonly name: string;
  readonly title: string;
  readonly year: number;
  readonly cpu: 'arm2' | 'arm3';
  /** Instruction slots a second; see docs/archimedes.md. */
  readonly slotsHz: number;
  /** RAM it was sold with. */
  readonly ramBytes: number;
  /** Where there are none with 1 MiB. */
  readonly leastRamBytes?: number;
  /**
   * `discrete`: 1772, 6551 and output latches. `combined`: a peripheral controller 82C711 and IOEB, with an IDE drive.
   */
  readonly peripherals: 'discrete' | 'combined';
  /** An HD63463, the controller of ST506 drives. */
  readonly st506: boolean;
}

/** An ARM2 at 8 MHz takes about two cycles for an instruction, an ARM3 at 25 MHz with its cache too. */
const ARM2_SLOTS_HZ = 4_000_000;
const ARM3_SLOTS_HZ = 12_500_000;

const A300 = { cpu: 'arm2', slotsHz: ARM2_SLOTS_HZ, peripherals: 'discrete', st506: false } as const;

export const A310: ArchimedesModel = {
  ...A300,
  name: 'archimedes-a310',
  title: 'Acorn Archimedes 310, ARM2 at 8 MHz',
  year: 1987,
  ramBytes: MIB,
};

export const A440: ArchimedesModel = {
  ...A300,
  name: 'archimedes-a440',
  title: 'Acorn Archimedes 440, ARM2 at 8 MHz, ST506 disks',
  year: 1987,
  ramBytes: 4 * MIB,
  st506: true,
};

export const A3000: ArchimedesModel = {
  ...A300,
  name: 'archimedes-a3000',
  title: 'Acorn A3000, ARM2 at 8 MHz',
  year: 1989,
  ramBytes: MIB,
};

export const A5000: ArchimedesModel = {
  name: 'archimedes-a5000',
  title: 'Acorn A5000, ARM3 at 25 MHz, IDE disks',
  year: 1991,
  cpu: 'arm3',
  slotsHz: ARM3_SLOTS_HZ,
  ramBytes: 4 * MIB,
  leastRamBytes: 2 * MIB,
  peripherals: 'combined',
  st506: false,
};
