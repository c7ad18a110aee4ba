// SPDX-License-Identifier: MIT
import type { ChipContext } from '../../backplane/board.ts';
import type { PlainFields, SavedFields } from '../../backplane/device.ts';
import type { NonVolatile } from '../../backplane/host.ts';
import type { Task } from '../../backplane/scheduler.ts';

/** Changes are gathered for this long before the host gets them, all at once. */
const STORE_DELAY_NS = 10_000_000;

/** RAM inside a clock chip that a battery keeps; the host has a copy. */
export class BatteryRam {
  readonly bytes: Uint8Array;
  /** There was nothing to keep: the battery is new. */
  readonly fresh: boolean;
  readonly #host: NonVolatile;
  readonly #store: Task;
  readonly #delay: number;

  constructor(chip: ChipContext, host: NonVolatile, initial: Uint8Array) {
    const kept = host.load();
    this.#host = host;
    this.fresh = kept?.length !== initial.length;
    this.bytes = (this.fresh ? initial : kept!).slice();
    if (kept !== undefined && this.fresh) {
      chip.log.info(`kept content has %d bytes, not ${initial.length}: starting with a fresh one`, kept.length);
    }
    this.#store = chip.scheduler.task(`${chip.id}.store`, () => host.store(this.bytes.slice()));
    this.#delay = chip.scheduler.ns(STORE_DELAY_NS);
  }

  write(index: number, value: number): void {
    if (this.bytes[index] === value) return;
    this.bytes[index] = value;
    if (!this.#store.scheduled) this.#store.schedule(this.#delay);
  }

  /** Hands changes to the host now: the machine is about to go away. */
  flush(): void {
    if (!this.#store.scheduled) return;
    this.#store.cancel();
    this.#host.store(this.bytes.slice());
  }

  save(): PlainFields {
    return { bytes: this.bytes.slice(), storeIn: this.#store.remaining };
  }

  restore(saved: SavedFields): void {
    const bytes = saved.bytes('bytes', this.bytes.length);
    const storeIn = saved.int('storeIn', -1, Number.MAX_SAFE_INTEGER);
    const changed = bytes.some((byte, index) => byte !== this.bytes[index]);
    this.bytes.set(bytes);
    this.#store.restore(storeIn);
    if (changed && storeIn < 0) this.#host.store(bytes);
  }
}
