// SPDX-License-Identifier: MIT
import { type PlainFields, type SavedFields, SnapshotError } from '../../backplane/device.ts';

const DEPTH = 16;

/**
 * The 82077AA's FIFO in the execution phase: 16 bytes between the disk and the host, or one where CONFIGURE has it
 * disabled. It asks the host for service when its threshold is reached and goes on until it is empty (reading) or full
 * (writing).
 */
export class I82077Fifo {
  /** CONFIGURE: EFIFO clear, and FIFOTHR. */
  enabled = false;
  threshold = 0;
  readonly #bytes = new Uint8Array(DEPTH);
  #first = 0;
  #count = 0;
  #toHost = true;
  #asking = false;
  /** Bytes the host is still to bring for what is being written. */
  #wanted = 0;

  get count(): number {
    return this.#count;
  }

  get full(): boolean {
    return this.#count >= (this.enabled ? DEPTH : 1);
  }

  /** Whether the host is asked for service: RQM or DRQ. */
  get asking(): boolean {
    return this.#asking;
  }

  get toHost(): boolean {
    return this.#toHost;
  }

  clear(toHost = true): void {
    this.#toHost = toHost;
    this.#first = this.#count = this.#wanted = 0;
    this.#asking = false;
  }

  // ---- the disk's side --------------------------------------------------------------------------------------------

  /** A byte from the disk; false when there is no room for it. */
  fill(byte: number): boolean {
    if (this.full) return false;
    this.#put(byte);
    if (!this.enabled || this.#count >= DEPTH - (this.threshold + 1)) this.#asking = true;
    return true;
  }

  /** The sector's last byte is in. */
  flush(): void {
    if (this.#count > 0) this.#asking = true;
  }

  /** The disk will need `bytes` more. */
  want(bytes: number): void {
    this.#wanted += bytes;
    this.#ask();
  }

  /** A byte for the disk; `undefined` when the host has not brought it. */
  take(): number | undefined {
    if (this.#count === 0) return undefined;
    const byte = this.#get();
    this.#ask();
    return byte;
  }

  /** TC: the host takes or brings nothing more. */
  stop(): void {
    this.#wanted = 0;
    this.#asking = false;
    if (this.#toHost) this.#count = 0;
  }

  // ---- the host's side --------------------------------------------------------------------------------------------

  read(): number | undefined {
    if (!this.#toHost || this.#count === 0) return undefined;
    const byte = this.#get();
    if (this.#count === 0) this.#asking = false;
    return byte;
  }

  /** False when the byte is not wanted now. */
  write(byte: number): boolean {
    if (this.#toHost || this.#wanted === 0 || this.full) return false;
    this.#put(byte);
    this.#wanted--;
    if (this.full || this.#wanted === 0) this.#asking = false;
    return true;
  }

  peek(): number {
    return this.#toHost && this.#count > 0 ? this.#bytes[this.#first]! : 0;
  }

  #ask(): void {
    const few = this.enabled ? this.#count <= this.threshold + 1 : this.#count === 0;
    if (this.#wanted > 0 && few && !this.full) this.#asking = true;
  }

  #put(byte: number): void {
    this.#bytes[(this.#first + this.#count) % DEPTH] = byte;
    this.#count++;
  }

  #get(): number {
    const byte = this.#bytes[this.#first]!;
    this.#first = (this.#first + 1) % DEPTH;
    this.#count--;
    return byte;
  }

  save(): PlainFields {
    const bytes = Uint8Array.from({ length: this.#count }, (_, i) => this.#bytes[(this.#first + i) % DEPTH]!);
    return { bytes, toHost: this.#toHost, asking: this.#asking, wanted: this.#wanted };
  }

  restore(saved: SavedFields): void {
    const bytes = saved.bytes('bytes', undefined, DEPTH);
    const toHost = saved.bool('toHost');
    const asking = saved.bool('asking');
    const wanted = saved.int('wanted', 0, 0xffff);
    if (asking && (toHost ? bytes.length === 0 : wanted === 0)) throw new SnapshotError('FIFO asks for nothing');
    this.clear(toHost);
    for (const byte of bytes) this.#put(byte);
    this.#asking = asking;
    this.#wanted = wanted;
  }
}
