// SPDX-License-Identifier: MIT
import type { Plain, PlainFields } from '../../backplane/device.ts';
import { SavedFields } from '../../backplane/device.ts';

// Command byte: address in bits 7-4, command in 3-2, register in 1-0.
const COMMAND_LISTEN = 2;
const COMMAND_TALK = 3;
const SEND_RESET = 0x0; // low nibble
const FLUSH = 0x1;

/** Device handler ids of Listen register 3 that are commands. */
const HANDLER_ADDRESS_AND_ENABLE = 0x00;
const HANDLER_ADDRESS_IF_ACTIVATED = 0xfd;
const HANDLER_ADDRESS_IF_NO_COLLISION = 0xfe;
const HANDLER_SELF_TEST = 0xff;

// Register 3, high byte.
const R3_NO_EXCEPTION = 0x40; // no exceptional event
const R3_SRQ_ENABLE = 0x20;

/** Longest register there is. */
export const ADB_MAX_DATA = 8;

export interface AdbReply {
  /** What a device sent, 2 to 8 bytes; `undefined` when nothing answered. */
  readonly data: Uint8Array | undefined;
  /** A device other than the addressed one held the line low in the stop bit: it wants to be polled. */
  readonly serviceRequest: boolean;
}

/**
 * A device on the Apple Desktop Bus: register 3, address changes, collision detection and service requests are here;
 * a device adds registers 0 to 2 and the handlers it knows.
 */
export abstract class AdbDevice {
  readonly #defaultAddress: number;
  readonly #defaultHandler: number;
  #address: number;
  #handler: number;
  #srqEnable = true;
  #collided = false;
  #random: number;

  protected constructor(defaultAddress: number, defaultHandler: number) {
    this.#address = this.#defaultAddress = defaultAddress;
    this.#handler = this.#defaultHandler = defaultHandler;
    this.#random = 1 + defaultAddress;
  }

  get address(): number {
    return this.#address;
  }

  get handler(): number {
    return this.#handler;
  }

  /** What a Talk of register 0, 1 or 2 answers; `undefined` when there is nothing to send. */
  protected abstract talkRegister(register: number): Uint8Array | undefined;
  protected abstract listenRegister(register: number, data: Uint8Array): void;
  /** Register 0 has something to send. */
  protected abstract get pending(): boolean;
  /** Forgets what is pending. */
  protected abstract flushed(): void;
  /** Whether this device can act as handler `id`. */
  protected abstract knowsHandler(id: number): boolean;
  /** Back to the power-on state, address and handler included. */
  protected abstract cleared(): void;
  get wantsService(): boolean {
    return this.#srqEnable && this.pending;
  }

  reset(): void {
    this.#address = this.#defaultAddress;
    this.#handler = this.#defaultHandler;
    this.#srqEnable = true;
    this.#collided = false;
    this.cleared();
  }

  /** @internal For {@link AdbBus}. */
  talk(register: number): Uint8Array | undefined {
    if (register !== 3) return this.talkRegister(register);
    // The address field is random in a Talk so that two devices at one address notice each other.
    this.#random = (this.#random >>> 1) ^ (this.#random & 1 ? 0xb8 : 0);
    const high = R3_NO_EXCEPTION | (this.#srqEnable ? R3_SRQ_ENABLE : 0) | (this.#random & 0x0f);
    return Uint8Array.of(high, this.#handler);
  }

  /** @internal Its place on the bus: no two devices of a kind may draw the same random numbers. */
  attached(place: number): void {
    this.#random = 1 + ((this.#defaultAddress * 29 + place * 67) % 255);
  }

  /** @internal Another device drove the line low where this one did not. */
  set collided(collided: boolean) {
    this.#collided = collided;
  }

  /** @internal */
  listen(register: number, data: Uint8Array): void {
    if (register !== 3) {
      this.listenRegister(register, data);
      return;
    }
    if (data.length < 2) return;
    const [high, handler] = [data[0]!, data[1]!];
    switch (handler) {
      case HANDLER_ADDRESS_AND_ENABLE:
        this.#address = high & 0x0f;
        this.#srqEnable = (high & R3_SRQ_ENABLE) !== 0;
        break;
      case HANDLER_ADDRESS_IF_ACTIVATED:
        break; // for a device with a button for it, which is not pressed
      case HANDLER_ADDRESS_IF_NO_COLLISION:
        if (!this.#collided) this.#address = high & 0x0f;
        break;
      case HANDLER_SELF_TEST:
        break; // passes; a failure would show as handler 0
      default:
        if (this.knowsHandler(handler)) this.#handler = handler;
    }
  }

  /** @internal */
  flush(): void {
    this.flushed();
  }

  saveBus(): PlainFields {
    return {
      address: this.#address,
      handler: this.#handler,
      srqEnable: this.#srqEnable,
      collided: this.#collided,
      random: this.#random,
    };
  }

  restoreBus(fields: SavedFields): void {
    this.#address = fields.int('address', 0, 15);
    this.#handler = fields.u8('handler');
    this.#srqEnable = fields.bool('srqEnable');
    this.#collided = fields.bool('collided');
    this.#random = fields.int('random', 1, 0xff);
  }
}

/**
 * The Apple Desktop Bus: one open-collector line, one host, up to 16 addresses.
 * Document: [ADB] in docs/references.md (Guide to the Macintosh Family Hardware, chapter 8; technical note HW 01).
 * Not modelled: the bits themselves (the host's firmware says how long a transaction takes, see {@link cells}).
 */
export class AdbBus {
  readonly #devices: AdbDevice[] = [];

  attach<T extends AdbDevice>(device: T): T {
    device.attached(this.#devices.push(device));
    return device;
  }

  /** One transaction: a command byte and, for Listen, the data. */
  transact(command: number, data: Uint8Array): AdbReply {
    const address = command >>> 4;
    const register = command & 3;
    let reply: Uint8Array | undefined;
    if ((command & 0x0f) === SEND_RESET) {
      for (const device of this.#devices) device.reset();
      return { data: undefined, serviceRequest: false };
    }
    // Who answers is settled before anybody moves to another address.
    const addressed = this.#devices.filter((device) => device.address === address);
    if ((command & 0x0f) === FLUSH) for (const device of addressed) device.flush();
    else if (((command >>> 2) & 3) === COMMAND_TALK) reply = this.#talk(addressed, register);
    else if (((command >>> 2) & 3) === COMMAND_LISTEN) {
      for (const device of addressed) device.listen(register, data.subarray(0, ADB_MAX_DATA));
    }
    return {
      data: reply,
      serviceRequest: this.#devices.some((device) => !addressed.includes(device) && device.wantsService),
    };
  }

  /** Everyone at the address talks at once; a device that sends a one and sees a zero has lost and falls silent. */
  #talk(addressed: AdbDevice[], register: number): Uint8Array | undefined {
    const answers: { device: AdbDevice; data: Uint8Array }[] = [];
    for (const device of addressed) {
      const data = device.talk(register);
      if (data !== undefined) answers.push({ device, data });
    }
    let best: Uint8Array | undefined;
    for (const { data } of answers) if (best === undefined || lower(data, best)) best = data;
    for (const { device, data } of answers) device.collided = best !== undefined && lower(best, data);
    return best;
  }

  /**
   * Bit cells (100 us nominal) of a transaction with `bytes` of data: attention and sync 9, command 8 and its stop
   * bit, stop-to-start time 2, then a start bit, the data and a stop bit.
   */
  static cells(bytes: number): number {
    return 20 + (bytes > 0 ? 2 + 8 * bytes : 0);
  }
}

const lower = (a: Uint8Array, b: Uint8Array): boolean => {
  for (let i = 0; i < Math.min(a.length, b.length); i++) if (a[i] !== b[i]) return a[i]! < b[i]!;
  return false;
};

/** `bytes` checked and copied from a saved list. */
export const savedQueue = (list: Plain[], owner: string): number[] =>
  list.map((value, index) => new SavedFields(`${owner}[${index}]`, { value }).u8('value'));
