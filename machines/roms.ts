// SPDX-License-Identifier: MIT
//
// The original ROMs that are known, by machine: facts to recognise a user's file by, no contents.
// Sources: MAME's drivers for sizes and SHA-1; for ROMs it does not list, the checksum that an Old World Macintosh
// ROM carries in its first word, as DingusPPC lists them.

/** A known version of a ROM. One of `sha1` and `checksum` is always there. */
export interface KnownRom {
  /** The machine that uses it, as in `emeritus boot NAME`. */
  readonly machine: string;
  /** Which of the machine's ROMs it is a version of. */
  readonly part: string;
  /** What such a file is usually called. */
  readonly name: string;
  readonly size: number;
  /** 40 hexadecimal digits. */
  readonly sha1?: string;
  /** The first word of a Macintosh ROM, the sum of the rest; recognises it where no SHA-1 is known. */
  readonly checksum?: number;
  readonly title: string;
}

interface RomFacts {
  readonly size: number;
  readonly sha1?: string;
  readonly checksum?: number;
  readonly title: string;
  readonly part?: string;
}

/** A version of a ROM of whatever machine the list is for. */
export const rom = (name: string, facts: RomFacts): Omit<KnownRom, 'machine'> => ({ part: 'boot', name, ...facts });

const KIB = 1 << 10;
const MIB = 1 << 20;

const NEXT_68030 = [
  rom('Rev_1.1_v42.bin', {
    size: 64 * KIB,
    sha1: '19ca721af5e637a94bf96ff19729abd0c79e1638',
    title: 'NeXT 68030 boot ROM, revision 1.1 v42',
  }),
  rom('Rev_1.0_v41.bin', {
    size: 64 * KIB,
    sha1: '06e3ecf09ab67a571186efd870e6b44028612371',
    title: 'NeXT 68030 boot ROM, revision 1.0 v41',
  }),
  rom('Rev_1.0_v41_alternate.bin', {
    size: 64 * KIB,
    sha1: '09eaf9f5d47e379cfa0e4dc377758a97d2869ddc',
    title: 'NeXT 68030 boot ROM, revision 1.0 v41, alternate',
  }),
  rom('Rev_1.0_v40.bin', {
    size: 64 * KIB,
    sha1: '94a3e30a92f7a9c7d44b90ac7954ed8ec5b7f6ca',
    title: 'NeXT 68030 boot ROM, revision 1.0 v40',
  }),
  rom('Rev_0.8_v31.bin', {
    size: 64 * KIB,
    sha1: 'cfd853c8b22b1a41d6b35609fc029a905482ad6d',
    title: 'NeXT 68030 boot ROM, revision 0.8 v31',
  }),
];

const NEXT_68040 = [
  rom('Rev_2.5_v66.bin', {
    size: 128 * KIB,
    sha1: 'b3534796abae238a0111299fc406a9349f7fee24',
    title: 'NeXT 68040 boot ROM, revision 2.5 v66',
  }),
  rom('Rev_2.4_v65.bin', {
    size: 128 * KIB,
    sha1: '67d195351288e90818336c3a84d55e6a070960d2',
    title: 'NeXT 68040 boot ROM, revision 2.4 v65',
  }),
  rom('Rev_2.2_v63.bin', {
    size: 128 * KIB,
    sha1: '48ffe54cf2038782a92a0850337c5c6213c98571',
    title: 'NeXT 68040 boot ROM, revision 2.2 v63',
  }),
  rom('Rev_2.1_v59.bin', {
    size: 128 * KIB,
    sha1: '09586c6de1ca73995f8c9b99870ee3cc9990933a',
    title: 'NeXT 68040 boot ROM, revision 2.1 v59',
  }),
  rom('Rev_2.0_v58.bin', {
    size: 128 * KIB,
    sha1: '6f168fbc354199ad5a6bfc82be00673751fc0119',
    title: 'NeXT 68040 boot ROM, revision 2.0 v58',
  }),
  rom('Rev_1.2_v58.bin', {
    size: 128 * KIB,
    sha1: '97d8b09d03616e1487e69d26609487486db28090',
    title: 'NeXT 68040 boot ROM, revision 1.2 v58',
  }),
];

const NEXT_TURBO = [
  rom('Rev_3.3_v74.bin', {
    size: 128 * KIB,
    sha1: 'a9bef655f26f97562de366e4a33bb462e764c929',
    title: 'NeXT Turbo boot ROM, revision 3.3 v74',
  }),
  rom('Rev_3.2_v72.bin', {
    size: 128 * KIB,
    sha1: 'ccebf03ed090a79c36f761265ead6cd66fb04329',
    title: 'NeXT Turbo boot ROM, revision 3.2 v72',
  }),
  rom('Rev_3.1_v71.bin', {
    size: 128 * KIB,
    sha1: '61fc4bec520022ff7a20e2c930d59fd9883e8917',
    title: 'NeXT Turbo boot ROM, revision 3.1 v71',
  }),
  rom('Rev_3.0_v70.bin', {
    size: 128 * KIB,
    sha1: 'a7e42bd6a25c61903c8ca113d0b9a624325ee6cf',
    title: 'NeXT Turbo boot ROM, revision 3.0 v70',
  }),
];

const RISC_OS = [
  rom('riscos-3.10.rom', {
    size: 2 * MIB,
    sha1: '68533e0a93657a879c1697c04f32d517345b1a61',
    title: 'RISC OS 3.10',
  }),
];

const MANIFESTS: Readonly<Record<string, readonly Omit<KnownRom, 'machine'>[]>> = {
  'powermac-g3': [
    rom('79d68d63.rom', {
      size: 4 * MIB,
      sha1: 'e7fc183f62addc6499350c727252d3348184955e',
      title: 'Power Macintosh G3 (beige), ROM $077D.40F2',
    }),
    rom('78fdb784.rom', { size: 4 * MIB, checksum: 0x78fd_b784, title: 'Power Macintosh G3 (beige), ROM $077D.45F1' }),
    rom('78f57389.rom', { size: 4 * MIB, checksum: 0x78f5_7389, title: 'Power Macintosh G3 (beige), ROM $077D.45F2' }),
    rom('78e842a8.rom', { size: 4 * MIB, checksum: 0x78e8_42a8, title: 'Power Macintosh G3 (beige), ROM $077D.45F3' }),
  ],
  quadra800: [
    rom('f1acad13.rom', {
      size: MIB,
      sha1: 'f2a9ce387019bf272c6e3459d961b30f28942ac5',
      checksum: 0xf1ac_ad13,
      title: 'Macintosh Quadra 610, 650 and 800, ROM 23F2',
    }),
    rom('f1a6f343.rom', {
      size: MIB,
      sha1: '031f13bfd726a70cfe4c73c5967861bc77297a79',
      checksum: 0xf1a6_f343,
      title: 'Macintosh Quadra 800, ROM 23F1',
    }),
  ],
  'next-computer': NEXT_68030,
  'next-cube': NEXT_68040,
  'next-station': NEXT_68040,
  'next-station-turbo': NEXT_TURBO,
  bebox: [
    rom('bootmain.rom', {
      size: 128 * KIB,
      sha1: 'da86a7d23998dc953dd96a2ac5684faaa315c701',
      title: 'BeBox main boot ROM',
      part: 'main',
    }),
    rom('bootnub.rom', {
      size: 16 * KIB,
      sha1: '1b637a3d7a2b072aa128dd5c037bbb440d525c1a',
      title: 'BeBox boot nub 1.1d5',
      part: 'nub',
    }),
  ],
  archimedes: RISC_OS,
  'archimedes-a310': RISC_OS,
  'archimedes-a440': RISC_OS,
  'archimedes-a3000': RISC_OS,
  'archimedes-a5000': RISC_OS,
};

export const KNOWN_ROMS: readonly KnownRom[] = Object.entries(MANIFESTS).flatMap(([machine, roms]) =>
  roms.map((facts) => ({ machine, ...facts })),
);

export const romsOf = (machine: string): readonly KnownRom[] => KNOWN_ROMS.filter((known) => known.machine === machine);
