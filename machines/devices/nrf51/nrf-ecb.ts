// SPDX-License-Identifier: MIT
//
// nRF51 ECB: AES-128 of a block in memory: key, clear text and room for the cipher text, 16 bytes each.
//
// Sockets: bus: span 0x1000; memory: the three blocks by DMA. Documents: [nRF51 RM] §22, [FIPS 197].
// Not modelled: that it is aborted when CCM or AAR want the AES core at the same time.
import type { ChipContext } from '../../backplane/board.ts';
import type { PlainFields, SavedFields } from '../../backplane/device.ts';
import type { MemoryMap } from '../../backplane/memory-map.ts';
import type { Task } from '../../backplane/scheduler.ts';
import { aes128Encrypt } from './aes128.ts';
import { NrfPeripheral, type NrfPeripheralOptions } from './nrf-peripheral.ts';

const START = 0x00;
const STOP = 0x04;
const ENDECB = 0;
const ERRORECB = 1;
const ECBDATAPTR = 0x504;
const BLOCK_NS = 17_000;
const MAX = Number.MAX_SAFE_INTEGER;

export class NrfEcb extends NrfPeripheral {
  readonly #task: Task;
  readonly #memory: MemoryMap;
  #pointer = 0;

  constructor(chip: ChipContext, options: NrfPeripheralOptions & { readonly memory: MemoryMap }) {
    super(chip, options, { events: 3 });
    this.#memory = options.memory;
    this.#task = chip.scheduler.task(`${chip.id}.end`, () => this.#encrypt());
  }

  task(offset: number): void {
    if (offset === START) {
      // A block under way goes on; only the request is refused.
      if (this.#task.scheduled) this.raise(ERRORECB);
      else this.#task.schedule(this.scheduler.ns(BLOCK_NS));
    } else if (offset === STOP) {
      if (this.#task.scheduled) this.raise(ERRORECB);
      this.#task.cancel();
    } else {
      this.unknownTask(offset);
    }
  }

  #encrypt(): void {
    const block = new Uint8Array(32);
    this.#memory.dmaRead(this.#pointer, block);
    this.#memory.dmaWrite((this.#pointer + 32) >>> 0, aes128Encrypt(block.subarray(0, 16), block.subarray(16)));
    this.raise(ENDECB);
  }

  protected readRegister(offset: number): number {
    return offset === ECBDATAPTR ? this.#pointer : this.unknownRead(offset);
  }

  protected writeRegister(offset: number, value: number): void {
    if (offset === ECBDATAPTR) this.#pointer = value >>> 0;
    else this.unknownWrite(offset, value);
  }

  protected resetRegisters(): void {
    this.#task.cancel();
    this.#pointer = 0;
  }

  protected saveRegisters(): PlainFields {
    return { pointer: this.#pointer, task: this.#task.remaining };
  }

  protected restoreRegisters(saved: SavedFields): void {
    this.#pointer = saved.u32('pointer');
    this.#task.restore(saved.int('task', -1, MAX));
  }
}
