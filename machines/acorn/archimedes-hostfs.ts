// SPDX-License-Identifier: MIT
//
// The host card and the extension ROM with its module, at addresses of expansion card 3 that no other card of a machine
// with --hostfs uses.
import type { Board } from '../backplane/board.ts';
import type { MachineHost } from '../backplane/machine.ts';
import type { MemoryBlock } from '../backplane/memory.ts';
import { type Region, region } from '../backplane/memory-map.ts';
import { HOST_CARD_BYTES, HostCard } from '../devices/acorn/host-card.ts';

/** The bell, below the card's memory. */
const BELL = 0x0300_c000;
const MEMORY = 0x0300_d000;
/** RISC OS looks for extension ROMs that end at multiples of this. */
const ROM_BYTES = 64 << 10;
const ROM = 'archimedes/hostfs.bin';

export interface AddedHostCard {
  readonly regions: readonly Region[];
  /** Its extension ROM, which is to be in the address space once. */
  readonly rom: MemoryBlock;
  close(): void;
}

export function addHostCard(board: Board, host: MachineHost, folder: string): AddedHostCard {
  const rom = board.memory.allocate('hostfs rom', ROM_BYTES);
  const image = host.ownRom(ROM);
  rom.bytes.fill(0xff);
  rom.bytes.set(image, ROM_BYTES - image.length);
  const block = board.memory.allocate('hostfs memory', HOST_CARD_BYTES);
  const options = { folder: host.hostFolder(folder), memory: board.memory, block };
  const card = board.add(new HostCard(board.chip('hostfs'), options));
  return {
    rom,
    regions: [
      region(BELL, BELL + card.span - 1).device(card, 'hostfs'),
      region(MEMORY, MEMORY + HOST_CARD_BYTES - 1).ram(block),
    ],
    close: () => card.close(),
  };
}
