// SPDX-License-Identifier: MIT
import type { Cpu } from '../backplane/cpu.ts';
import type { DmaAccess } from '../backplane/dma.ts';
import type { DeviceLog } from '../backplane/log.ts';

const PAGE_BYTES = 4096;

/**
 * Memory as the running kernel addresses it: the first goldfish drivers give devices their own pointers. Pages that are
 * not mapped read as zero and are guest errors.
 */
export function kernelMemory(cpu: () => Cpu, bus: DmaAccess, log: DeviceLog): DmaAccess {
  const eachPage = (
    va: number,
    length: number,
    move: (pa: number | undefined, from: number, to: number) => void,
  ): void => {
    for (let done = 0; done < length;) {
      const at = (va + done) >>> 0;
      const bytes = Math.min(length - done, PAGE_BYTES - (at % PAGE_BYTES));
      const pa = cpu().translate(at, 'data');
      if (pa === undefined) log.guest('a buffer at %x that is not mapped', at);
      move(pa, done, done + bytes);
      done += bytes;
    }
  };
  return {
    dmaRead: (va, into) =>
      eachPage(va, into.length, (pa, from, to) => {
        if (pa === undefined) into.fill(0, from, to);
        else bus.dmaRead(pa, into.subarray(from, to));
      }),
    dmaWrite: (va, bytes) =>
      eachPage(va, bytes.length, (pa, from, to) => {
        if (pa !== undefined) bus.dmaWrite(pa, bytes.subarray(from, to));
      }),
  };
}
