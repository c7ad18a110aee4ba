// SPDX-License-Identifier: MIT
//
// The self-checking programs of the Amber project, a 26-bit ARM2a, on an ARM250 and an ARM3. A program starts at the
// reset vector, writes 17 to a test register when it has passed and something else when not. Its addresses of devices
// have more than 26 bits, which data addresses of a real one must not have: the header here gives others.
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { BusTarget } from '../../../machines/backplane/bus.ts';
import { region } from '../../../machines/backplane/memory-map.ts';
import type { ArmCpu, ArmModel } from '../../../machines/devices/cpu/arm.ts';
import { assembleArm, missingAssembler } from '../../support/arm-assembly.ts';
import { TestArm } from '../../support/arm.ts';
import { missing, suite } from '../../support/inputs.ts';

const input = suite('amber-arm26');
const lacks = [missing(input), missingAssembler() ?? ''].filter((text) => text !== '').join('; ');

const PASSED = 17;
const DEVICES = 0x0330_0000;
const REGISTERS = {
  ...{ TEST_STATUS: 0x00, TEST_FIRQ_TIMER: 0x04, TEST_IRQ_TIMER: 0x08, TEST_UART_CONTROL: 0x10 },
  ...{ TEST_UART_STATUS: 0x14, TEST_UART_TXD: 0x18, TEST_RANDOM_NUM: 0x100 },
} as const;
const HEADER = Object.entries(REGISTERS)
  .map(([name, offset]) => `#define ADR_AMBER_${name} 0x${(DEVICES + offset).toString(16)}`)
  .concat('#define ADR_HIBOOT_BASE 0x10000')
  .join('\n');

/** What a program expects of a register; on failure the line's number is reported. */
const MACROS = `
.macro fail_unless_equal line
  movne r10, #\\line & 0xff
  orrne r10, r10, #\\line & 0xff00
  bne testfail
.endm
.macro expect reg, value, line
  ldr r11, =\\value
  cmp \\reg, r11
  fail_unless_equal \\line
.endm
.macro compare a, b, line
  cmp \\a, \\b
  fail_unless_equal \\line
.endm
`;

/** Programs of Amber's UARTs and Ethernet controller, which no machine here has. */
const OTHER_DEVICES = ['uart_reg', 'uart_rx', 'uart_rxint', 'uart_tx', 'ethmac_mem', 'ethmac_reg', 'ethmac_tx'];
/**
 * Programs with data beyond 64 MiB, where an ARM2 raises an address exception and Amber does not; what to change for
 * an ARM2.
 */
const BEYOND: Readonly<Record<string, readonly [from: RegExp, to: string]>> = {
  cache_swap_bug: [/orr\s+r5, r5, #0x07000000/, 'orr r5, r5, #0x01000000'],
  hiboot_mem: [/0x28000200/, '0x00280200'],
};
/** On Amber an address exception comes of a fetch after the last word; on an ARM2, a store before it raises one. */
const ADDRESS_EXCEPTION = 'addr_ex';
const WRONG_LINK = 20;

/** Writes a countdown; the pin is asserted from its end until the next write. */
class TestDevice implements BusTarget {
  readonly span = 0x1000;
  readonly access = { valid: { min: 1, max: 4 }, impl: { min: 4, max: 4 }, byteOrder: 'little' } as const;
  status: number | undefined;
  #random = 1;
  readonly #start: (pin: 'irq' | 'fiq', ticks: number) => void;

  constructor(start: (pin: 'irq' | 'fiq', ticks: number) => void) {
    this.#start = start;
  }

  read(offset: number): number {
    if (offset !== REGISTERS.TEST_RANDOM_NUM) return 0;
    this.#random = (Math.imul(this.#random, 1_103_515_245) + 12_345) >>> 0;
    return (this.#random >>> 16) & 0xff;
  }

  write(offset: number, _width: number, value: number): void {
    if (offset === REGISTERS.TEST_STATUS) this.status ??= value;
    if (offset === REGISTERS.TEST_FIRQ_TIMER) this.#start('fiq', value);
    if (offset === REGISTERS.TEST_IRQ_TIMER) this.#start('irq', value);
  }
}

function runProgram(program: Uint8Array, model: ArmModel): number | undefined {
  const left = { irq: 0, fiq: 0 };
  const drive = (pin: 'irq' | 'fiq', level: boolean): void => {
    const cpu: ArmCpu = machine.cpu;
    if (pin === 'irq') cpu.interrupt(level);
    else cpu.fastInterrupt(level);
  };
  const device = new TestDevice((pin, ticks) => {
    left[pin] = ticks;
    drive(pin, ticks === 1);
  });
  const machine: TestArm = new TestArm({
    model,
    ramBytes: 32 << 20,
    extend: (map) => map.add(region(DEVICES, DEVICES + 0xfff).device(device, 'test')),
  });
  machine.load(0, program);
  for (let steps = 0; steps < 3_000_000 && device.status === undefined; steps++) {
    if (left.irq === 0 && left.fiq === 0) {
      machine.cpu.run(20);
      continue;
    }
    machine.cpu.step();
    for (const pin of ['irq', 'fiq'] as const) {
      if (left[pin] > 1 && --left[pin] === 1) drive(pin, true);
    }
  }
  return device.status;
}

describe.skipIf(lacks !== '')(`Amber${lacks === '' ? '' : ` (lacks ${lacks})`}`, () => {
  const names = lacks === '' ? readdirSync(input.path!).filter((name) => name.endsWith('.S')) : [];
  const others = [...OTHER_DEVICES, ...Object.keys(BEYOND), ADDRESS_EXCEPTION];
  const wanted = names.map((name) => name.slice(0, -2)).filter((name) => !others.includes(name));
  const outcome = (name: string, [from, to]: readonly [RegExp, string] = [/^/, '']): number | undefined => {
    const source = readFileSync(join(input.path!, `${name}.S`), 'latin1');
    expect(source).toMatch(from);
    const headers = { 'amber_registers.h': HEADER, 'amber_macros.h': MACROS };
    return runProgram(assembleArm(source.replace(from, to), { arch: 'armv2a', headers }), 'arm3');
  };

  it.each(wanted)('%s', (name) => {
    expect(outcome(name)).toBe(PASSED);
  });

  it.each(lacks === '' ? Object.entries(BEYOND) : [])('%s, with its data below 64 MiB', (name, change) => {
    expect(outcome(name)).not.toBe(PASSED);
    expect(outcome(name, change)).toBe(PASSED);
  });

  it.each(lacks === '' ? [ADDRESS_EXCEPTION] : [])('%s raises the exception for its data', (name) => {
    expect(outcome(name)).toBe(WRONG_LINK);
  });
});
