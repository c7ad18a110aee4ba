// SPDX-License-Identifier: MIT
//
// Configuration variables in non-volatile memory: the system partition "common" as the Common Hardware Reference
// Platform lays it out, with `name=value` strings that end in NUL.
import { latin1, textOf } from './latin1.ts';
import type { VariableStore } from './host.ts';

const HEADER_BYTES = 16;
const SIGNATURE_SYSTEM = 0x70;
const NAME = 'common';

export interface NvramBytes {
  readonly size: number;
  read(offset: number): number;
  write(offset: number, byte: number): void;
}

export class NvramVariables implements VariableStore {
  readonly #nvram: NvramBytes;

  constructor(nvram: NvramBytes) {
    this.#nvram = nvram;
  }

  load(): Record<string, string> {
    const partition = this.#partition();
    const variables: Record<string, string> = {};
    if (partition === undefined) return variables;
    const bytes = Uint8Array.from({ length: partition.size }, (_, i) => this.#nvram.read(partition.start + i));
    for (const text of textOf(bytes).split('\0')) {
      if (text === '') break;
      const at = text.indexOf('=');
      if (at > 0) variables[text.slice(0, at)] = text.slice(at + 1);
    }
    return variables;
  }

  /** Writes what fits; variables beyond the partition's room are not kept. */
  store(variables: Readonly<Record<string, string>>): void {
    const partition = this.#partition();
    if (partition === undefined) return;
    const bytes = new Uint8Array(partition.size);
    let at = 0;
    for (const [name, value] of Object.entries(variables)) {
      const entry = latin1(`${name}=${value}\0`);
      // Two NULs end the list.
      if (at + entry.length + 1 > bytes.length) continue;
      bytes.set(entry, at);
      at += entry.length;
    }
    bytes.forEach((byte, i) => {
      if (this.#nvram.read(partition.start + i) !== byte) this.#nvram.write(partition.start + i, byte);
    });
  }

  /** The data of the first system partition of our name. */
  #partition(): { start: number; size: number } | undefined {
    const nvram = this.#nvram;
    for (let at = 0; at + HEADER_BYTES <= nvram.size;) {
      const header = Uint8Array.from({ length: HEADER_BYTES }, (_, i) => nvram.read(at + i));
      const size = ((header[2]! << 8) | header[3]!) * HEADER_BYTES;
      if (size < HEADER_BYTES || at + size > nvram.size) return undefined;
      const name = textOf(header.subarray(4)).split('\0')[0];
      if (header[0] === SIGNATURE_SYSTEM && name === NAME)
        return { start: at + HEADER_BYTES, size: size - HEADER_BYTES };
      at += size;
    }
    return undefined;
  }
}
