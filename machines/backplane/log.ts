// SPDX-License-Identifier: MIT

/**
 * `guest`: the guest did something the hardware forbids. `unimp`: the guest used something we do not model.
 * `info`: what a user may want to know. `trace`: everything a device does.
 */
export const LOG_MASKS = ['guest', 'unimp', 'info', 'trace'] as const;
export type LogMask = (typeof LOG_MASKS)[number];

export interface LogEntry {
  readonly mask: LogMask;
  readonly device: string;
  readonly message: string;
  /** Program counter of the CPU when it happened. */
  readonly pc: number;
}

/** One device's end of the log. Messages take `%x` (hex) and `%d` places, filled from the values that follow. */
export interface DeviceLog {
  guest(message: string, ...values: number[]): void;
  unimp(message: string, ...values: number[]): void;
  info(message: string, ...values: number[]): void;
  trace(message: string, ...values: number[]): void;
}

/** Counts of one device since power-on, whether logged or not. */
export interface LogCounts {
  guest: number;
  unimp: number;
}

/**
 * The machine's log. `guest` and `unimp` messages appear once per site (device, message, first value, PC) and are
 * always counted; nothing is formatted for a mask that is off.
 */
export class Log {
  /** At most this many distinct sites are remembered; later ones are only counted. */
  static readonly MAX_SITES = 10_000;

  readonly counts = new Map<string, LogCounts>();
  /** Where the CPU is; set by the board. */
  pc: () => number = () => 0;
  readonly #sink: (entry: LogEntry) => void;
  readonly #masks = new Set<LogMask>();
  readonly #seen = new Set<string>();

  constructor(sink: (entry: LogEntry) => void = () => {}, masks: Iterable<LogMask> = []) {
    this.#sink = sink;
    for (const mask of masks) this.#masks.add(mask);
  }

  for(device: string): DeviceLog {
    const counts: LogCounts = { guest: 0, unimp: 0 };
    this.counts.set(device, counts);
    return {
      guest: (message, ...values) => {
        counts.guest++;
        if (this.#masks.has('guest')) this.#once('guest', device, message, values);
      },
      unimp: (message, ...values) => {
        counts.unimp++;
        if (this.#masks.has('unimp')) this.#once('unimp', device, message, values);
      },
      info: (message, ...values) => {
        if (this.#masks.has('info')) this.#write('info', device, message, values);
      },
      trace: (message, ...values) => {
        if (this.#masks.has('trace')) this.#write('trace', device, message, values);
      },
    };
  }

  #once(mask: LogMask, device: string, message: string, values: number[]): void {
    const site = `${device} ${message} ${values[0] ?? ''} ${this.pc()}`;
    if (this.#seen.has(site) || this.#seen.size >= Log.MAX_SITES) return;
    this.#seen.add(site);
    this.#write(mask, device, message, values);
  }

  #write(mask: LogMask, device: string, message: string, values: number[]): void {
    let next = 0;
    const text = message.replace(/%[xd]/g, (place) => {
      const value = values[next++] ?? 0;
      return place === '%x' ? `0x${(value >>> 0).toString(16)}` : String(value);
    });
    this.#sink({ mask, device, message: text, pc: this.pc() });
  }
}
