// SPDX-License-Identifier: MIT
//
// What viewers say to a guest agent: messages in chunks. Only what they can do is kept; there is no agent yet.
// Documents: [SPICE] in docs/references.md.
import { ByteReader, ByteStream, ProtocolError } from './wire.ts';

const PROTOCOL = 1;
const ANNOUNCE_CAPABILITIES = 6;
const HEADER_BYTES = 20;
/** Clipboards may be large, but nobody takes them here: what is longer is refused. */
const MAX_MESSAGE_BYTES = 1 << 20;
const MAX_CAPS_BYTES = 256;

export class AgentReader {
  readonly #bytes = new ByteStream();
  /** Bytes of a message nobody is interested in that are still to come. */
  #skip = 0;
  /** Numbers of the capabilities announced. */
  caps: readonly number[] = [];

  feed(chunk: Uint8Array): void {
    const skipped = Math.min(this.#skip, chunk.length);
    this.#skip -= skipped;
    this.#bytes.push(chunk.subarray(skipped));
    while (this.#readMessage());
  }

  #readMessage(): boolean {
    const header = this.#bytes.peek(HEADER_BYTES);
    if (header === undefined) return false;
    const reader = new ByteReader(header);
    const protocol = reader.u32();
    const type = reader.u32();
    reader.u64();
    const size = reader.u32();
    if (protocol !== PROTOCOL) throw new ProtocolError(`agent: protocol ${protocol}`);
    if (size > MAX_MESSAGE_BYTES) throw new ProtocolError(`agent: message of ${size} bytes`);
    if (type !== ANNOUNCE_CAPABILITIES || size > MAX_CAPS_BYTES) {
      this.#bytes.take(HEADER_BYTES);
      const here = Math.min(size, this.#bytes.length);
      this.#bytes.take(here);
      this.#skip = size - here;
      return this.#skip === 0;
    }
    if (this.#bytes.length < HEADER_BYTES + size) return false;
    this.#bytes.take(HEADER_BYTES);
    const body = new ByteReader(this.#bytes.take(size)!);
    body.u32(); // whether they want to hear ours
    const caps: number[] = [];
    for (let base = 0; body.left >= 4; base += 32) {
      const word = body.u32();
      for (let bit = 0; bit < 32; bit++) if ((word >>> bit) & 1) caps.push(base + bit);
    }
    this.caps = caps;
    return true;
  }
}
