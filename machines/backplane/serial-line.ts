// SPDX-License-Identifier: MIT
import type { SerialPort } from './host.ts';

/** The machine's end of a serial line to the outside: what the guest sent waits here for the session, and the reverse. */
export class SerialLine implements SerialPort {
  /** Input beyond this many waiting bytes is dropped; the sender should look at {@link room}. */
  static readonly MAX_INPUT = 1 << 18;
  static readonly MAX_OUTPUT = 1 << 20;

  readonly name: string;
  onReadable?: () => void;
  #input: number[] = [];
  #next = 0;
  #output: number[] = [];
  /** Bytes lost because nobody took them. */
  dropped = 0;

  constructor(name: string) {
    this.name = name;
  }

  send(byte: number): void {
    if (this.#output.length < SerialLine.MAX_OUTPUT) this.#output.push(byte);
    else this.dropped++;
  }

  receive(): number {
    if (this.#next >= this.#input.length) return -1;
    const byte = this.#input[this.#next++]!;
    if (this.#next === this.#input.length) {
      this.#input = [];
      this.#next = 0;
    }
    return byte;
  }

  /** How many bytes {@link feed} will still take. */
  get room(): number {
    return SerialLine.MAX_INPUT - (this.#input.length - this.#next);
  }

  /** Bytes for the guest. */
  feed(bytes: Uint8Array): void {
    const wasEmpty = this.#next >= this.#input.length;
    const take = Math.min(bytes.length, this.room);
    for (let i = 0; i < take; i++) this.#input.push(bytes[i]!);
    this.dropped += bytes.length - take;
    if (wasEmpty && take > 0) this.onReadable?.();
  }

  /** What the guest sent since the last call. */
  drain(): Uint8Array {
    const bytes = Uint8Array.from(this.#output);
    this.#output = [];
    return bytes;
  }
}
