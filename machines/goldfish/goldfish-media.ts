// SPDX-License-Identifier: MIT
import { MachineConfigError } from '../backplane/machine-config-error.ts';
import type { AttachableDisk, MachineHost, Medium } from '../backplane/machine.ts';

/** What is in the card slot and what the banks of flash memory are called. */
export interface GoldfishMedia {
  readonly card: AttachableDisk | undefined;
  readonly banks: readonly { readonly name: string; readonly medium: AttachableDisk }[];
  close(): void;
}

/** Disks are SD cards, of which there is one, or with `bus=nand` banks of flash memory. */
export function openGoldfishMedia(host: MachineHost, wanted: readonly Medium[]): GoldfishMedia {
  const banks: { name: string; medium: AttachableDisk }[] = [];
  let card: AttachableDisk | undefined;
  for (const { kind, bus = 'mmc', spec } of wanted) {
    if (kind !== 'disk') throw new MachineConfigError(`goldfish has no ${kind} drive; --disk is an SD card`);
    if (bus !== 'mmc' && bus !== 'nand') {
      throw new MachineConfigError(`goldfish has no ${bus} bus; use bus=mmc (an SD card) or bus=nand`);
    }
    if (bus === 'mmc' && card !== undefined) {
      throw new MachineConfigError('goldfish has one slot for an SD card; a further --disk needs bus=nand');
    }
    const medium = host.disk(spec);
    if (bus === 'mmc') card = medium;
    else banks.push({ name: bankName(medium.title, banks.length), medium });
  }
  return {
    card,
    banks,
    close: () => {
      for (const medium of [card, ...banks.map((bank) => bank.medium)]) medium?.close();
    },
  };
}

/** The beginning of the file's name: `userdata` for `/images/userdata-qemu.img`. */
function bankName(title: string, index: number): string {
  const file = title.split(/[/\\]/).at(-1)!;
  return /^\w+/.exec(file)?.[0].slice(0, 31) ?? `nand${index}`;
}
