// SPDX-License-Identifier: MIT
//
// The micro:bit's second processor, as far as it passes serial characters between USB and the nRF51.
//
// Sockets: serial: a {@link SerialLine} to the outside, a {@link SerialPort} for the UART. What comes from outside goes on
// in packets: software on the board has buffers of 64 bytes and no flow control, and tools leave it time between packets.
import type { ChipContext } from '../backplane/board.ts';
import { SavedFields, type Device, type PlainFields, type ResetKind } from '../backplane/device.ts';
import type { SerialPort } from '../backplane/host.ts';
import type { Scheduler, Task } from '../backplane/scheduler.ts';

const PACKET_BYTES = 32;
const PACKET_NS = 15_000_000;

export class UsbBridge implements SerialPort, Device {
  readonly id: string;
  onReadable?: () => void;
  readonly #outside: SerialPort;
  readonly #scheduler: Scheduler;
  readonly #task: Task;
  #left = PACKET_BYTES;

  constructor(chip: ChipContext, outside: SerialPort) {
    this.id = chip.id;
    this.#outside = outside;
    this.#scheduler = chip.scheduler;
    this.#task = chip.scheduler.task(`${chip.id}.packet`, () => this.#nextPacket());
    outside.onReadable = () => this.onReadable?.();
  }

  send(byte: number): void {
    this.#outside.send(byte);
  }

  receive(): number {
    if (this.#left === 0) return -1;
    const byte = this.#outside.receive();
    if (byte < 0) return -1;
    this.#left--;
    if (!this.#task.scheduled) this.#task.schedule(this.#scheduler.ns(PACKET_NS));
    return byte;
  }

  #nextPacket(): void {
    this.#left = PACKET_BYTES;
    this.onReadable?.();
  }

  reset(_kind: ResetKind): void {
    this.#task.cancel();
    this.#left = PACKET_BYTES;
  }

  settle(): void {}

  save(): PlainFields {
    return { left: this.#left, task: this.#task.remaining };
  }

  restore(state: PlainFields): void {
    const saved = new SavedFields(this.id, state);
    this.#left = saved.int('left', 0, PACKET_BYTES);
    this.#task.restore(saved.int('task', -1, Number.MAX_SAFE_INTEGER));
  }
}
