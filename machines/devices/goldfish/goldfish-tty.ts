// SPDX-License-Identifier: MIT
//
// Serial port of the goldfish virtual board: moves whole buffers, at no particular speed.
//
// Sockets: span 0x1000, wire `irq`, `memory` (bus master), `port` to the host.
// Registers: PUT_CHAR, BYTES_READY, CMD, DATA_PTR, DATA_LEN, DATA_PTR_HIGH, VERSION. Version 0 is given addresses as the
// kernel sees them and version 1 physical ones: the board passes `memory` accordingly. The output is high while bytes
// wait and interrupts are enabled.
//
// Documents: [GOLDFISH] §IV; Linux drivers/tty/goldfish.c for VERSION.
// Not modelled: nothing known. A command moves at most 1 MiB.
import type { ChipContext } from '../../backplane/board.ts';
import type { AccessRules, BusTarget, Width } from '../../backplane/bus.ts';
import { type Device, type PlainFields, type ResetKind, SavedFields } from '../../backplane/device.ts';
import type { DmaAccess } from '../../backplane/dma.ts';
import { type SerialPort, unplugged } from '../../backplane/host.ts';
import type { DeviceLog } from '../../backplane/log.ts';
import { Wire } from '../../backplane/wire.ts';
import { goldfishAccess, type GoldfishByteOrder } from './goldfish.ts';

const PUT_CHAR = 0x00;
const BYTES_READY = 0x04;
const CMD = 0x08;
const DATA_PTR = 0x10;
const DATA_LEN = 0x14;
const DATA_PTR_HIGH = 0x18;
const VERSION = 0x20;

const CMD_INT_DISABLE = 0;
const CMD_INT_ENABLE = 1;
const CMD_WRITE_BUFFER = 2;
const CMD_READ_BUFFER = 3;

const FIFO_BYTES = 128;
const MOST_BYTES = 1 << 20;
const PIECE_BYTES = 4096;

export interface GoldfishTtyOptions {
  readonly byteOrder: GoldfishByteOrder;
  readonly version: 0 | 1;
  readonly memory: DmaAccess;
}

export class GoldfishTty implements Device, BusTarget {
  readonly id: string;
  readonly span = 0x1000;
  readonly access: AccessRules;
  readonly irq: Wire;
  readonly #log: DeviceLog;
  readonly #memory: DmaAccess;
  readonly #version: number;
  #port: SerialPort = unplugged;
  #fifo: number[] = [];
  #enabled = false;
  #pointer = 0;
  #pointerHigh = 0;
  #length = 0;

  constructor(chip: ChipContext, options: GoldfishTtyOptions) {
    this.id = chip.id;
    this.#log = chip.log;
    this.#memory = options.memory;
    this.#version = options.version;
    this.access = goldfishAccess(options.byteOrder);
    this.irq = new Wire(`${chip.id}.irq`);
  }

  set port(port: SerialPort) {
    this.#port = port;
    port.onReadable = () => this.#update();
  }

  read(offset: number, _width: Width): number {
    const value = this.peek(offset);
    if (value === undefined) this.#log.guest('read of no register, %x', offset);
    return value ?? 0;
  }

  peek(offset: number): number | undefined {
    switch (offset) {
      case BYTES_READY:
        return this.#fifo.length;
      case VERSION:
        return this.#version;
      case PUT_CHAR:
      case CMD:
      case DATA_PTR:
      case DATA_LEN:
      case DATA_PTR_HIGH:
        return 0;
      default:
        return undefined;
    }
  }

  write(offset: number, _width: Width, value: number): void {
    switch (offset) {
      case PUT_CHAR:
        this.#port.send(value & 0xff);
        break;
      case CMD:
        this.#command(value);
        break;
      case DATA_PTR:
        this.#pointer = value;
        break;
      case DATA_LEN:
        this.#length = value;
        break;
      case DATA_PTR_HIGH:
        this.#pointerHigh = value;
        break;
      default:
        this.#log.guest('write of %x to no register, %x', value, offset);
    }
  }

  reset(kind: ResetKind): void {
    if (kind !== 'warm') this.#fifo = [];
    this.#enabled = false;
    this.#pointer = 0;
    this.#pointerHigh = 0;
    this.#length = 0;
  }

  settle(): void {
    this.#update();
  }

  save(): PlainFields {
    return {
      fifo: Uint8Array.from(this.#fifo),
      enabled: this.#enabled,
      pointer: this.#pointer,
      pointerHigh: this.#pointerHigh,
      length: this.#length,
    };
  }

  restore(state: PlainFields): void {
    const saved = new SavedFields(this.id, state);
    const fifo = saved.bytes('fifo', undefined, FIFO_BYTES);
    const enabled = saved.bool('enabled');
    const [pointer, pointerHigh, length] = [saved.u32('pointer'), saved.u32('pointerHigh'), saved.u32('length')];
    this.#fifo = [...fifo];
    this.#enabled = enabled;
    this.#pointer = pointer;
    this.#pointerHigh = pointerHigh;
    this.#length = length;
  }

  #command(command: number): void {
    switch (command) {
      case CMD_INT_DISABLE:
      case CMD_INT_ENABLE:
        this.#enabled = command === CMD_INT_ENABLE;
        this.#update();
        break;
      case CMD_WRITE_BUFFER:
        this.#send();
        break;
      case CMD_READ_BUFFER:
        this.#receive();
        break;
      default:
        this.#log.guest('no command %d', command);
    }
  }

  /** Bytes of the buffer a command may touch. */
  #bound(): number {
    if (this.#pointerHigh !== 0) {
      this.#log.guest('buffer beyond memory, upper word %x', this.#pointerHigh);
      return 0;
    }
    if (this.#length > MOST_BYTES) this.#log.guest('buffer of %d bytes is cut', this.#length);
    return Math.min(this.#length, MOST_BYTES);
  }

  #send(): void {
    const length = this.#bound();
    const piece = new Uint8Array(Math.min(length, PIECE_BYTES));
    for (let done = 0; done < length; done += piece.length) {
      const part = piece.subarray(0, Math.min(piece.length, length - done));
      this.#memory.dmaRead((this.#pointer + done) >>> 0, part);
      for (const byte of part) this.#port.send(byte);
    }
  }

  #receive(): void {
    const length = this.#bound();
    for (let done = 0; done < length && this.#fifo.length > 0;) {
      const part = Uint8Array.from(this.#fifo.splice(0, length - done));
      this.#memory.dmaWrite((this.#pointer + done) >>> 0, part);
      done += part.length;
      this.#fill();
    }
    this.#update();
  }

  #fill(): void {
    while (this.#fifo.length < FIFO_BYTES) {
      const byte = this.#port.receive();
      if (byte < 0) return;
      this.#fifo.push(byte);
    }
  }

  #update(): void {
    this.#fill();
    this.irq.set(this.#enabled && this.#fifo.length > 0);
  }
}
