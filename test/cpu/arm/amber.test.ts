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

/** Programs of Amber's other devices, and of what its core does that an ARM2 does not. */
const ELSEWHERE = [
  ...['uart_reg', 'uart_rx', 'uart_rxint', 'uart_tx', 'ethmac_mem', 'ethmac_reg', 'ethmac_tx'],
  ...['cache_swap_bug', 'hiboot_mem'], // data at addresses of more than 26 bits
  'addr_ex', // an instruction fetch past the last word, where the ARM2's program counter goes round to 0
];

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
  const wanted = names.map((name) => name.slice(0, -2)).filter((name) => !ELSEWHERE.includes(name));
  it.each(wanted)('%s', (name) => {
    const source = readFileSync(join(input.path!, `${name}.S`), 'latin1');
    const program = assembleArm(source, {
      arch: 'armv2a',
      headers: { 'amber_registers.h': HEADER, 'amber_macros.h': MACROS },
    });
    expect(runProgram(program, 'arm3')).toBe(17);
  });
});
