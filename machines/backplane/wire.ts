// SPDX-License-Identifier: MIT

/**
 * One signal. Edge-filtered; connecting delivers the current level. Levels are active-true whatever the pin's
 * polarity, and are not saved: `Device.settle` drives them again after a restore.
 */
export class Wire {
  readonly name: string;
  #level = false;
  readonly #sinks: ((level: boolean) => void)[] = [];

  constructor(name: string) {
    this.name = name;
  }

  get level(): boolean {
    return this.#level;
  }

  get connected(): boolean {
    return this.#sinks.length > 0;
  }

  set(level: boolean): void {
    if (level === this.#level) return;
    this.#level = level;
    for (const sink of this.#sinks) sink(level);
  }

  to(sink: (level: boolean) => void): void {
    this.#sinks.push(sink);
    sink(this.#level);
  }
}

/** A line several sources share: asserted while any of them asserts it. */
export class OrWire extends Wire {
  readonly #inputs: boolean[] = [];

  /** A new input of the line; wire a source to it with `source.to(line.input())`. */
  input(): (level: boolean) => void {
    const index = this.#inputs.push(false) - 1;
    return (level) => {
      this.#inputs[index] = level;
      this.set(this.#inputs.includes(true));
    };
  }
}
