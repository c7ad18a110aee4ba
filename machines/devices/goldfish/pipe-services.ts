// SPDX-License-Identifier: MIT
//
// The emulator's ends of goldfish pipes. Document: [AOSP qemu] docs/ANDROID-QEMU-PIPE.TXT.
import { type PlainFields, type SavedFields } from '../../backplane/device.ts';

export const PIPE_ERROR = { invalid: -1, again: -2, noMemory: -3, io: -4 } as const;
export const POLL = { readable: 1, writable: 2, closed: 4 } as const;
/** Moved by a command, and kept for one that reads. */
export const MOST_PIPE_BYTES = 1 << 16;

/** What a service does with the bytes it is given. */
export interface PipeService {
  /** Bytes for the guest that this one sent, at most `room`; `taken` of its bytes are done with. */
  send(bytes: Uint8Array, room: number): { taken: number; answer: Uint8Array };
  /** It always has bytes to be read. */
  readonly endless?: true;
}

export type PipeServices = Readonly<Record<string, PipeService>>;

/** The original emulator's services by which pipes can be tried. */
export const TEST_SERVICES: PipeServices = {
  /** Gives back what it gets. */
  pingpong: {
    send: (bytes, room) => {
      const taken = Math.min(bytes.length, room);
      return { taken, answer: bytes.slice(0, taken) };
    },
  },
  /** Takes everything, gives zeros. */
  zero: { send: (bytes) => ({ taken: bytes.length, answer: new Uint8Array(0) }), endless: true },
};

const PREFIX = 'pipe:';
const MOST_NAME = 128;

/** One pipe: first the name of its service is heard, then the service speaks. */
export class Pipe {
  readonly #services: PipeServices;
  #name = '';
  #service: PipeService | undefined;
  #input: Uint8Array = new Uint8Array(0);
  closed = false;

  constructor(services: PipeServices) {
    this.#services = services;
  }

  /** Bytes the service took, or an error. */
  write(bytes: Uint8Array): number {
    if (this.#service === undefined) return this.#hear(bytes);
    if (bytes.length === 0) return 0;
    const { taken, answer } = this.#service.send(bytes, MOST_PIPE_BYTES - this.#input.length);
    const input = new Uint8Array(this.#input.length + answer.length);
    input.set(this.#input);
    input.set(answer, this.#input.length);
    this.#input = input;
    return taken === 0 ? PIPE_ERROR.again : taken;
  }

  /** "pipe:NAME" or "pipe:NAME:ARGUMENTS", perhaps in parts, and a zero byte. */
  #hear(bytes: Uint8Array): number {
    const end = bytes.indexOf(0);
    const part = bytes.subarray(0, Math.min(end < 0 ? bytes.length : end, MOST_NAME - this.#name.length));
    this.#name += String.fromCharCode(...part);
    if (end < 0 && this.#name.length < MOST_NAME) return bytes.length;
    const name = this.#name.startsWith(PREFIX) ? this.#name.slice(PREFIX.length).split(':')[0]! : '';
    this.#service = end >= 0 && Object.hasOwn(this.#services, name) ? this.#services[name] : undefined;
    if (this.#service !== undefined) return end + 1;
    this.closed = true;
    return PIPE_ERROR.invalid;
  }

  /** Bytes read, or an error. */
  read(into: Uint8Array): number {
    if (this.#service?.endless) {
      into.fill(0);
      return into.length;
    }
    if (into.length > 0 && this.#input.length === 0) return PIPE_ERROR.again;
    const part = this.#input.subarray(0, into.length);
    into.set(part);
    this.#input = this.#input.slice(part.length);
    return part.length;
  }

  poll(): number {
    if (this.closed) return POLL.closed;
    const readable = this.#input.length > 0 || this.#service?.endless === true;
    const writable = this.#input.length < MOST_PIPE_BYTES;
    return (readable ? POLL.readable : 0) | (writable ? POLL.writable : 0);
  }

  save(): PlainFields {
    return { name: this.#name, served: this.#service !== undefined, closed: this.closed, input: this.#input.slice() };
  }

  restore(saved: SavedFields): void {
    const [name, served, closed] = [saved.string('name'), saved.bool('served'), saved.bool('closed')];
    const input = saved.bytes('input', undefined, MOST_PIPE_BYTES);
    this.#name = '';
    this.#service = undefined;
    const known = name.slice(0, MOST_NAME);
    if (served) this.#hear(new TextEncoder().encode(`${known}\0`));
    else this.#name = known;
    this.#input = input;
    this.closed = closed;
  }
}
