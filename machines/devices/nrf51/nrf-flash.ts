// SPDX-License-Identifier: MIT
//
// The nRF51's flash memory: its controller (NVMC) and the write side of its code and UICR pages.
//
// Sockets: bus: `registers` (span 0x1000), `code` and `uicr` (what stores to these memories reach). Programming can only
// clear bits; erasing sets a page. The contents are kept in a {@link NonVolatile}.
// Document: [nRF51 RM] §6. Not modelled: the CPU's halt while a word is written (46 us) or a page erased (22 ms): the
// controller is always ready; the hard fault of a store to protected flash (it is dropped).
import type { ChipContext } from '../../backplane/board.ts';
import type { BusTarget, Width } from '../../backplane/bus.ts';
import { SavedFields, type Device, type PlainFields, type ResetKind } from '../../backplane/device.ts';
import type { NonVolatile } from '../../backplane/host.ts';
import type { DeviceLog } from '../../backplane/log.ts';
import type { GuestMemory, MemoryBlock } from '../../backplane/memory.ts';
import { NRF_WORDS } from './nrf-peripheral.ts';

const READY = 0x400;
const CONFIG = 0x504;
const ERASEPAGE = 0x508;
const ERASEALL = 0x50c;
const ERASEPCR0 = 0x510;
const ERASEUICR = 0x514;
const READING = 0;
const WRITING = 1;
const ERASING = 2;

export interface NrfFlashOptions {
  readonly memory: GuestMemory;
  readonly code: MemoryBlock;
  readonly uicr: MemoryBlock;
  readonly pageBytes: number;
  readonly store: NonVolatile;
  /** Whether the memory protection unit keeps code at an offset from being written and erased. */
  readonly protects: (offset: number) => boolean;
}

/** What is kept of the flash: the code, then UICR. */
export function keptFlash(code: MemoryBlock, uicr: MemoryBlock): Uint8Array {
  const kept = new Uint8Array(code.size + uicr.size);
  kept.set(code.bytes);
  kept.set(uicr.bytes, code.size);
  return kept;
}

export class NrfFlash implements Device {
  readonly id: string;
  readonly registers: BusTarget;
  readonly code: BusTarget;
  readonly uicr: BusTarget;
  readonly #log: DeviceLog;
  readonly #options: NrfFlashOptions;
  #config = READING;
  #changed = false;

  constructor(chip: ChipContext, options: NrfFlashOptions) {
    this.id = chip.id;
    this.#log = chip.log;
    this.#options = options;
    this.registers = {
      span: 0x1000,
      access: NRF_WORDS,
      read: (offset) => (offset === READY ? 1 : offset === CONFIG ? this.#config : 0),
      write: (offset, _width, value) => this.#writeRegister(offset, value),
    };
    this.code = this.#writeSide(options.code);
    this.uicr = this.#writeSide(options.uicr);
  }

  #writeSide(block: MemoryBlock): BusTarget {
    return {
      span: block.size,
      access: { valid: { min: 1, max: 4 }, impl: { min: 1, max: 4 }, byteOrder: 'little' },
      read: () => 0,
      write: (offset, width, value) => this.#program(block, offset, width, value),
    };
  }

  #program(block: MemoryBlock, offset: number, width: Width, value: number): void {
    if (this.#config !== WRITING || width !== 4) {
      this.#log.guest(`${width}-byte store to flash at %x while it is not being written`, offset);
      return;
    }
    if (this.#protected(block, offset)) return;
    block.view.setUint32(offset, block.view.getUint32(offset, true) & value, true);
    this.#options.memory.written(block.offset + offset, 4);
    this.#changed = true;
  }

  #protected(block: MemoryBlock, offset: number): boolean {
    if (block !== this.#options.code || !this.#options.protects(offset)) return false;
    this.#log.guest('flash at %x is protected', offset);
    return true;
  }

  #writeRegister(offset: number, value: number): void {
    const { code, uicr, pageBytes } = this.#options;
    if (offset === CONFIG) {
      this.#config = value & 3;
      if (this.#config === READING) this.flush();
      return;
    }
    if (offset !== ERASEPAGE && offset !== ERASEALL && offset !== ERASEPCR0 && offset !== ERASEUICR) {
      this.#log.guest('write to no register at %x, value %x', offset, value);
      return;
    }
    if (this.#config !== ERASING) {
      this.#log.guest('erase at %x without its permission', value);
      return;
    }
    if (offset === ERASEPAGE || offset === ERASEPCR0) {
      const page = value - (value % pageBytes);
      if (page < code.size) this.#erase(code, page, pageBytes);
      else this.#log.guest('erase of no page, %x', value);
    } else if (value & 1) {
      this.#erase(uicr, 0, uicr.size);
      if (offset !== ERASEALL) return;
      for (let page = 0; page < code.size; page += pageBytes) this.#erase(code, page, pageBytes);
    }
  }

  #erase(block: MemoryBlock, from: number, bytes: number): void {
    if (this.#protected(block, from)) return;
    block.bytes.fill(0xff, from, from + bytes);
    this.#options.memory.written(block.offset + from, bytes);
    this.#changed = true;
  }

  /** Keeps what was programmed. */
  flush(): void {
    if (!this.#changed) return;
    this.#changed = false;
    const { code, uicr, store } = this.#options;
    store.store(keptFlash(code, uicr));
  }

  reset(_kind: ResetKind): void {
    this.flush();
    this.#config = READING;
  }

  settle(): void {}

  save(): PlainFields {
    return { config: this.#config, changed: this.#changed };
  }

  restore(state: PlainFields): void {
    const saved = new SavedFields(this.id, state);
    this.#config = saved.int('config', 0, 3);
    this.#changed = saved.bool('changed');
  }
}
