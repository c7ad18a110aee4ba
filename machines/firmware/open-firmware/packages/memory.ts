// SPDX-License-Identifier: MIT
//
// Methods of /memory and of the CPU's node (the MMU). The firmware runs clients in real mode: every virtual address is
// the physical one, and the translations of a client are kept only as claims.
import type { Claims } from '../claims.ts';
import { ForthThrow, THROW } from '../errors.ts';
import { TRUE } from '../forth/data-space.ts';
import type { Forth } from '../forth/forth.ts';
import { cells, type DeviceTree, type Package } from '../tree.ts';

/** The WIMG and PP bits of ordinary memory: coherent, read-write. */
const MODE_MEMORY = 0x12;

export function defineMemoryMethods(
  f: Forth,
  tree: DeviceTree,
  nodes: { readonly memory: Package; readonly mmu: Package },
  claims: { readonly physical: Claims; readonly virtual: Claims },
): void {
  const show = (): void => {
    const list = (from: Claims): Uint8Array => cells(...from.free.flatMap((range) => [range.start, range.size]));
    nodes.memory.properties.set('available', list(claims.physical));
    nodes.mmu.properties.set('available', list(claims.virtual));
  };
  show();
  const define = (node: Package, from: Claims): void => {
    const list = tree.methods(node);
    f.native('open', (f) => f.flag(true), '', list);
    f.native('close', () => {}, '', list);
    // ( [addr] size align -- base )
    f.native(
      'claim',
      (f) => {
        const align = f.popU();
        const size = f.popU();
        let base: number;
        if (align === 0) {
          const pa = f.popU();
          base = from.claim(pa, size) ? pa : -1;
        } else {
          base = from.allocate(size, powerOfTwo(align));
        }
        if (base < 0) throw new ForthThrow(THROW.outOfMemory);
        show();
        f.push(base);
      },
      '',
      list,
    );
    f.native(
      'release',
      (f) => {
        f.need(2);
        const size = f.popU();
        const pa = f.popU();
        if (pa + size <= 0x1_0000_0000) from.release(pa, size);
        show();
      },
      '',
      list,
    );
  };
  define(nodes.memory, claims.physical);
  define(nodes.mmu, claims.virtual);
  const mmu = tree.methods(nodes.mmu);
  // ( phys virt size mode -- )
  f.native(
    'map',
    (f) => {
      f.need(4);
      f.pop();
      f.pop();
      const virt = f.popU();
      if (f.popU() !== virt) throw new ForthThrow(THROW.abortMessage, 'real mode: virtual must be physical');
    },
    '',
    mmu,
  );
  for (const name of ['unmap', 'modify']) {
    f.native(
      name,
      (f) => {
        const count = name === 'unmap' ? 2 : 3;
        f.need(count);
        for (let i = 0; i < count; i++) f.pop();
      },
      '',
      mmu,
    );
  }
  // ( virt -- false | phys mode true )
  f.native(
    'translate',
    (f) => {
      f.push(MODE_MEMORY);
      f.push(TRUE);
    },
    '',
    mmu,
  );
}

export const powerOfTwo = (align: number): number => {
  let power = 16;
  while (power < align && power < 0x8000_0000) power *= 2;
  return power;
};
