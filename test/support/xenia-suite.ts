// SPDX-License-Identifier: MIT
//
// The PowerPC instruction tests of the Xenia project: assembly files whose comments say what registers hold before and
// after (`#_ REGISTER_IN r4 0x12`, `#_ REGISTER_OUT r3 5`). Registers are those of a 64-bit processor.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Where the suite's own runner puts the code. */
export const XENIA_CODE = 0x8201_0000;

export interface XeniaTest {
  readonly name: string;
  readonly inputs: ReadonlyMap<string, bigint>;
  readonly outputs: ReadonlyMap<string, bigint>;
  readonly pc: number;
}

export interface XeniaSuite {
  readonly code: Uint8Array;
  readonly tests: readonly XeniaTest[];
  /** How many tests there are for each reason not to apply. */
  readonly excluded: ReadonlyMap<string, number>;
}

/** Separates the files in the one text that is assembled. */
const FILE_BEGIN = '# file';

interface Draft {
  readonly name: string;
  readonly lines: number[];
  readonly instructions: string[];
  readonly inputs: Map<string, bigint>;
  readonly outputs: Map<string, bigint>;
}

/**
 * All tests that apply to a 32-bit PowerPC. The rule:
 *  1. every instruction of the test assembles for a 32-bit PowerPC without AltiVec (`as -a32 -mppc`), it has one, and
 *     it looks at no vector register;
 *  2. every general register it gives or expects is the sign or zero extension of a 32-bit value;
 *  3. where the width of the registers decides more than the upper half of the result, namely carries and the
 *     comparison with zero of record forms, each is a sign extension, for which both widths agree.
 *     `adde rD, r0, r0`, with which the tests read the carry, is no such case by itself.
 */
export function loadXeniaSuite(folder: string): XeniaSuite {
  const names = readdirSync(folder).filter((name) => /^(instr|seq)_.*\.s$/.test(name));
  const lines = names.sort().flatMap((name) => {
    const text = readFileSync(join(folder, name), 'utf8');
    const macros = [...text.matchAll(/^\s*\.macro\s+(\w+)/gm)].map((match) => `.purgem ${match[1]}`);
    return [FILE_BEGIN, ...text.split('\n'), ...macros];
  });
  const drafts = findTests(lines);
  const work = mkdtempSync(join(tmpdir(), 'emeritus-xenia-'));
  try {
    const bad = unassemblable(work, lines);
    const excluded = new Map<string, number>();
    const chosen = drafts.filter((draft) => {
      const reason = whyNot(draft, bad);
      if (reason !== undefined) excluded.set(reason, (excluded.get(reason) ?? 0) + 1);
      return reason === undefined;
    });
    const { code, symbols } = link(
      work,
      lines.map((line, i) => (bad.has(i + 1) ? '.long 0' : line)),
    );
    const tests = chosen.map(({ name, inputs, outputs }) => ({ name, inputs, outputs, pc: symbols.get(name)! }));
    return { code, tests, excluded };
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

function findTests(lines: readonly string[]): Draft[] {
  const drafts: Draft[] = [];
  let draft: Draft | undefined;
  let shared: number[] = []; // what a file has before its first test: subroutines
  lines.forEach((line, i) => {
    const label = /^([.\w]+):/.exec(line);
    if (line === FILE_BEGIN) {
      draft = undefined;
      shared = [];
    } else if (draft === undefined) shared.push(i + 1);
    if (label?.[1]!.startsWith('test_')) {
      draft = { name: label[1]!, lines: [...shared], instructions: [], inputs: new Map(), outputs: new Map() };
      drafts.push(draft);
    }
    if (draft === undefined) return;
    if (/^\s*\.macro\b/.test(line)) draft = undefined;
    if (draft === undefined) return;
    const annotation = /^\s*#_\s+REGISTER_(IN|OUT)\s+(\w+)\s+(.+?)\s*$/.exec(line);
    if (annotation) {
      const [, direction, register, value] = annotation;
      (direction === 'IN' ? draft.inputs : draft.outputs).set(register!, parseValue(register!, value!));
    } else {
      const instruction = line
        .replace(/#.*/, '')
        .replace(/^[.\w]+:/, '')
        .trim();
      if (instruction !== '') draft.instructions.push(instruction);
    }
    draft.lines.push(i + 1);
  });
  return drafts;
}

function parseValue(register: string, text: string): bigint {
  if (register.startsWith('v')) return 0n; // AltiVec: such a test does not apply anyway
  if (/^-?(0x[0-9a-f]+|\d+)$/i.test(text)) {
    const negative = text.startsWith('-');
    const magnitude = BigInt(negative ? text.slice(1) : text);
    return BigInt.asUintN(64, negative ? -magnitude : magnitude);
  }
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, Number(text));
  return view.getBigUint64(0);
}

const signExtended = (value: bigint): boolean => BigInt.asUintN(64, BigInt.asIntN(32, value)) === value;
const zeroExtended = (value: bigint): boolean => value >> 32n === 0n;

function whyNot(draft: Draft, bad: ReadonlyMap<number, string>): string | undefined {
  for (const line of draft.lines) {
    const mnemonic = bad.get(line);
    if (mnemonic !== undefined) return mnemonic.includes('v') ? 'AltiVec or VMX128' : '64-bit instruction';
  }
  const registers = [...draft.inputs, ...draft.outputs];
  if (registers.some(([name]) => !/^([rf]\d+|cr)$/.test(name))) return 'AltiVec or VMX128';
  if (draft.instructions.every((instruction) => instruction === 'blr')) return 'commented out in the suite';
  if (draft.instructions.some((instruction) => instruction.startsWith('fsqrt'))) {
    return 'fsqrt, which no processor modelled has';
  }
  const integers = registers.filter(([name]) => /^r\d+$/.test(name));
  if (!integers.every(([, value]) => signExtended(value) || zeroExtended(value))) return 'values wider than 32 bits';
  if (draft.instructions.some(dependsOnWidth) && !integers.every(([, value]) => signExtended(value))) {
    return 'carry or comparison of values whose upper half matters';
  }
  return undefined;
}

function dependsOnWidth(instruction: string): boolean {
  const mnemonic = instruction.split(/\s/)[0]!;
  if (/^adde\s+r\d+,\s*r0,\s*r0$/.test(instruction)) return false;
  return (
    /^(add|subf)(c|ic|e|me|ze)o?\.?$/.test(mnemonic) || /^(subc|subic)\.?$/.test(mnemonic) || mnemonic.endsWith('.')
  );
}

const AS = ['-a32', '-mppc', '-mregnames'];

/** Lines that the assembler refuses, with the word they begin with. */
function unassemblable(work: string, lines: readonly string[]): Map<number, string> {
  const source = join(work, 'all.s');
  writeFileSync(source, lines.join('\n'));
  const { stderr } = spawnSync('powerpc-linux-gnu-as', [...AS, '-o', join(work, 'all.o'), source], {
    encoding: 'utf8',
    maxBuffer: 1 << 26,
  });
  const inMacro = macroLines(lines);
  const bad = new Map<number, string>();
  for (const match of stderr.matchAll(/:(\d+): +(?:Error|Info)/g)) {
    const line = Number(match[1]);
    if (!inMacro.has(line)) bad.set(line, lines[line - 1]!.trim().split(/\s/)[0]!);
  }
  return bad;
}

/** Errors inside a macro are the fault of the lines that use it. */
function macroLines(lines: readonly string[]): Set<number> {
  const inside = new Set<number>();
  let macro = false;
  lines.forEach((line, i) => {
    if (/^\s*\.macro\b/.test(line)) macro = true;
    if (macro) inside.add(i + 1);
    if (/^\s*\.endm\b/.test(line)) macro = false;
  });
  return inside;
}

function link(work: string, lines: readonly string[]): { code: Uint8Array; symbols: Map<string, number> } {
  const at = (name: string): string => join(work, name);
  writeFileSync(at('good.s'), lines.join('\n'));
  execFileSync('powerpc-linux-gnu-as', [...AS, '-o', at('good.o'), at('good.s')], { stdio: 'pipe' });
  const flags = ['-e', '0', `-Ttext=0x${XENIA_CODE.toString(16)}`, '--unresolved-symbols=ignore-all'];
  execFileSync('powerpc-linux-gnu-ld', [...flags, '-o', at('good'), at('good.o')], { stdio: 'pipe' });
  execFileSync('powerpc-linux-gnu-objcopy', ['-O', 'binary', '-j', '.text', at('good'), at('good.bin')]);
  const listing = execFileSync('powerpc-linux-gnu-nm', [at('good')], { encoding: 'utf8', maxBuffer: 1 << 26 });
  const symbols = new Map<string, number>();
  for (const match of listing.matchAll(/^([0-9a-f]+) \w (\S+)$/gm))
    symbols.set(match[2]!, Number.parseInt(match[1]!, 16));
  return { code: readFileSync(at('good.bin')), symbols };
}
