// SPDX-License-Identifier: MIT
//
// Virtio entropy source.
//
// Sockets: the transport; `seed` of its numbers, which are a repeatable sequence: a machine gives the same run for the
// same inputs, and must not be trusted with secrets.
//
// Documents: [VIRTIO] §5.4; the generator is xoshiro128** (Blackman and Vigna, 2018).
// Not modelled: the leak queue.
import { type PlainFields, SavedFields } from '../../backplane/device.ts';
import { VIRTIO_ID, type VirtioFunction, type VirtioTransport } from './virtio.ts';

const QUEUE_SIZE = 8;
/** Bytes for one buffer; drivers ask again. */
const MOST_BYTES = 1 << 16;

const rotate = (value: number, by: number): number => (value << by) | (value >>> (32 - by));

export class VirtioRng implements VirtioFunction {
  readonly deviceId = VIRTIO_ID.ENTROPY;
  readonly features = [];
  readonly queueSizes = [QUEUE_SIZE];
  readonly config = new Uint8Array(0);
  readonly #state: Uint32Array;
  #transport: VirtioTransport | undefined;

  constructor(seed: number) {
    this.#state = Uint32Array.of(seed, 0x9e37_79b9, 0x243f_6a88, 0xb7e1_5162);
  }

  connect(transport: VirtioTransport): void {
    this.#transport = transport;
  }

  notify(): void {
    const queue = this.#transport!.queue(0);
    for (let chain = queue.pop(); chain !== undefined; chain = queue.pop()) {
      const bytes = new Uint8Array(Math.min(chain.writable, MOST_BYTES));
      for (let at = 0; at < bytes.length; at += 4) {
        const word = this.#next();
        for (let i = at; i < Math.min(at + 4, bytes.length); i++) bytes[i] = word >>> ((i - at) * 8);
      }
      chain.write(0, bytes);
      queue.push(chain, bytes.length);
    }
  }

  reset(): void {
    // The sequence goes on.
  }

  save(): PlainFields {
    return { state: this.#state.slice() };
  }

  restore(state: PlainFields): void {
    this.#state.set(new SavedFields('virtio rng', state).words('state', 4));
  }

  #next(): number {
    const s = this.#state;
    const result = Math.imul(rotate(Math.imul(s[1]!, 5), 7), 9) >>> 0;
    const t = s[1]! << 9;
    s[2] = s[2]! ^ s[0]!;
    s[3] = s[3]! ^ s[1]!;
    s[1] = s[1]! ^ s[2];
    s[0] = s[0]! ^ s[3];
    s[2] = s[2] ^ t;
    s[3] = rotate(s[3], 11);
    return result;
  }
}
