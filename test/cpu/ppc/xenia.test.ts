// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { debianFile, missing, suite } from '../../support/inputs.ts';
import { PpcMachine } from '../../support/ppc-machine.ts';
import { XENIA_CODE, type XeniaSuite, type XeniaTest, loadXeniaSuite } from '../../support/xenia-suite.ts';

const folder = suite('xenia-ppc');
const lacks = missing(folder, debianFile('/usr/bin/powerpc-linux-gnu-as', 'binutils-powerpc-linux-gnu'));

/** Where `blr` of the test itself leads. */
const RETURN = 0x0000_1000;
const MAX_STEPS = 1000;

function failureOf(machine: PpcMachine, test: XeniaTest): string | undefined {
  const zero: Record<string, number | bigint> = { cr: 0, xer: 0, ctr: 0, fpscr: 0, lr: RETURN, pc: test.pc };
  for (let n = 0; n < 32; n++) {
    zero[`r${n}`] = 0;
    zero[`f${n}`] = 0n;
  }
  machine.set(zero);
  for (const [name, value] of test.inputs) {
    machine.set({ [name]: name.startsWith('f') ? value : Number(BigInt.asUintN(32, value)) });
  }
  for (let steps = 0; machine.get('pc')['pc'] !== RETURN; steps++) {
    if (steps === MAX_STEPS) return `${test.name} does not return`;
    machine.step();
  }
  // The high word of a converted integer is undefined in 32-bit PowerPC.
  const width = test.name.startsWith('test_fctiw') ? 32 : 64;
  for (const [name, expected] of test.outputs) {
    const got = BigInt(machine.get(name)[name]!);
    const bits = name.startsWith('f') ? width : 32;
    if (name.startsWith('f') && test.inputs.has(name)) {
      if (got !== expected) return `${test.name}: ${name} is ${got.toString(16)}, not ${expected.toString(16)}`;
    } else if (BigInt.asUintN(bits, got) !== BigInt.asUintN(bits, expected)) {
      return `${test.name}: ${name} is ${got.toString(16)}, not ${BigInt.asUintN(bits, expected).toString(16)}`;
    }
  }
  return undefined;
}

describe(`Instruction tests of xenia-ppc${lacks && ` (needs ${lacks})`}`, () => {
  it.skipIf(lacks)('pass where they apply to a 32-bit processor', () => {
    const { tests, code, excluded }: XeniaSuite = loadXeniaSuite(folder.path!);
    const machine = new PpcMachine({ ram: [{ first: XENIA_CODE, size: 0x10_0000 }] });
    machine.write(XENIA_CODE, code);
    const failures = tests.map((test) => failureOf(machine, test)).filter((failure) => failure !== undefined);
    console.log(
      `xenia-ppc: ${tests.length - failures.length} of ${tests.length} that apply; not: ` +
        [...excluded].map(([reason, count]) => `${count} ${reason}`).join(', '),
    );
    expect(failures).toEqual([]);
    expect(tests.length).toBeGreaterThan(600);
  });
});
