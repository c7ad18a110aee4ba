// The interpreter's loop of core/arm, written out: tools/decodegen-arm.mjs puts it into core/arm/gen/exec.ts.
//
// An entry is {op, w}; see core/arm/code.ts. `break` goes on with the next entry, `continue` does what `id` says now.

const CONDITIONS = [
  ...['cpu.cc_z == 0', 'cpu.cc_z != 0', 'cpu.cc_c != 0', 'cpu.cc_c == 0'], // EQ NE CS CC
  ...['<i32>cpu.cc_n < 0', '<i32>cpu.cc_n >= 0', '<i32>cpu.cc_v < 0', '<i32>cpu.cc_v >= 0'], // MI PL VS VC
  ...['cpu.cc_c != 0 && cpu.cc_z != 0', 'cpu.cc_c == 0 || cpu.cc_z == 0'], // HI LS
  ...['<i32>(cpu.cc_n ^ cpu.cc_v) >= 0', '<i32>(cpu.cc_n ^ cpu.cc_v) < 0'], // GE LT
  'cpu.cc_z != 0 && <i32>(cpu.cc_n ^ cpu.cc_v) >= 0', // GT
  'cpu.cc_z == 0 || <i32>(cpu.cc_n ^ cpu.cc_v) < 0', // LE
];
const NAMES = ['EQ', 'NE', 'CS', 'CC', 'MI', 'PL', 'VS', 'VC', 'HI', 'LS', 'GE', 'LT', 'GT', 'LE'];

/** Ids with what they do; a name with a count takes that many. */
const IDS = [
  ...['UNDECODED', 'PAGE_END', 'EXIT', 'STEPPED', 'UNDEFINED', 'CROSSING', 'IT', 'WIDE', ['COND', 14]],
  ...[['COND_WIDE', 14], 'IT_STEP', 'NOP', 'B_NEAR', ['B_NEAR_COND', 14], 'B_FAR', 'BL_NEAR', 'BL_FAR', 'BLX_FAR'],
  ...['BLX_REG', 'BX', 'BX_PC', 'JUMP', 'CBZ', 'CBNZ', 'ADR', 'ADR_ALIGNED', 'LDR_LITERAL', 'MUL', 'MLA'],
  ...['MOVS_LSL', 'MOVS_LSR', 'MOVS_ASR', 'MOVT', 'UBFX', 'SBFX', 'SXTB', 'SXTH', 'UXTB', 'UXTH'],
  ...[
    ['LS_IMM', 8],
    ['LS_REG', 8],
    ['LS_PRE', 8],
    ['LS_POST', 8],
  ],
  ...[
    ['DP_IMM', 32],
    ['DP_REG', 32],
    ['DP_SHIFT', 32],
    ['DP_LSL', 16],
  ],
];

/** Number of each id, and the first that is free. */
export function armLoopIds() {
  const ids = new Map();
  let first = 0;
  for (const item of IDS) {
    const [name, count] = Array.isArray(item) ? item : [item, 1];
    ids.set(name, first);
    first += count;
  }
  return { ids, first };
}

/** Statements for data processing: value expression of `a` (Rn) and `b` (operand), and how flags follow. */
const OPERATIONS = [
  ['AND', 'a & b', 'logic'],
  ['EOR', 'a ^ b', 'logic'],
  ['SUB', 'a - b', 'sub'],
  ['RSB', 'b - a', 'rsb'],
  ['ADD', 'a + b', 'add'],
  ['ADC', 'a + b + cpu.cc_c', 'adc'],
  ['SBC', 'a - b - 1 + cpu.cc_c', 'sbc'],
  ['RSC', 'b - a - 1 + cpu.cc_c', 'rsc'],
  ['TST', 'a & b', 'logic'],
  ['TEQ', 'a ^ b', 'logic'],
  ['CMP', 'a - b', 'sub'],
  ['CMN', 'a + b', 'add'],
  ['ORR', 'a | b', 'logic'],
  ['MOV', 'b', 'logic'],
  ['BIC', 'a & ~b', 'logic'],
  ['MVN', '~b', 'logic'],
];

const FLAGS = {
  add: ['cpu.cc_c = <u32>(r < a);', 'cpu.cc_v = (a ^ r) & (b ^ r);'],
  sub: ['cpu.cc_c = <u32>(a >= b);', 'cpu.cc_v = (a ^ b) & (a ^ r);'],
  rsb: ['cpu.cc_c = <u32>(b >= a);', 'cpu.cc_v = (a ^ b) & (b ^ r);'],
  adc: ['cpu.cc_c = <u32>(r < a) | (<u32>(r == a) & cpu.cc_c);', 'cpu.cc_v = (a ^ r) & (b ^ r);'],
  sbc: ['cpu.cc_c = <u32>(a > b) | (<u32>(a == b) & cpu.cc_c);', 'cpu.cc_v = (a ^ b) & (a ^ r);'],
  rsc: ['cpu.cc_c = <u32>(b > a) | (<u32>(a == b) & cpu.cc_c);', 'cpu.cc_v = (a ^ b) & (b ^ r);'],
};

const FORMS = [
  { base: 'DP_IMM', operand: 'op', carry: 'if (w >>> 28 != 0) cpu.cc_c = op >>> 31;' },
  { base: 'DP_REG', operand: 'load<u32>(op, GPR_BASE)', carry: '' },
  { base: 'DP_SHIFT', operand: 'shifter(op)', carry: 'cpu.cc_c = run.shift_carry;' },
];

function dataProcessing(ids) {
  const cases = [];
  for (const { base, operand, carry } of FORMS) {
    for (const [index, [name, value, kind]] of OPERATIONS.entries()) {
      const test = (index & 12) === 8;
      const reads = /\ba\b/.test(value) ? 'const a: u32 = regB(w);' : '';
      for (const s of [0, 1]) {
        if (test && s === 0) continue;
        const lines = [reads, `const b: u32 = ${operand};`, `const r: u32 = ${value};`].filter(Boolean);
        if (s === 1) {
          lines.push(...(kind === 'logic' ? [carry].filter(Boolean) : FLAGS[kind]));
          lines.push('cpu.cc_n = r;', 'cpu.cc_z = r;');
        }
        if (!test) lines.push('setA(w, r);');
        cases.push(one(ids.get(base) + index * 2 + s, `${name}${s ? 'S' : ''} ${base}`, lines));
      }
    }
  }
  for (const [index, [name, value]] of OPERATIONS.entries()) {
    if ((index & 12) === 8) continue;
    const reads = /\ba\b/.test(value) ? ['const a: u32 = regB(w);'] : [];
    const operand = 'const b: u32 = load<u32>(op & 0x3c, GPR_BASE) << (op >>> 8);';
    cases.push(one(ids.get('DP_LSL') + index, `${name} DP_LSL`, [...reads, operand, `setA(w, ${value});`]));
  }
  return cases;
}

const one = (id, title, lines) =>
  `      case ${id}: { // ${title}\n${lines.map((line) => `        ${line}\n`).join('')}        break;\n      }`;

/** Loads and stores: name, bytes, the load's value of a host address, or the store's type. */
const KINDS = [
  ['LDR', 4, 'load<u32>(h)'],
  ['LDRB', 1, '<u32>load<u8>(h)'],
  ['LDRH', 2, '<u32>load<u16>(h)'],
  ['LDRSB', 1, '<u32><i32>load<i8>(h)'],
  ['LDRSH', 2, '<u32><i32>load<i16>(h)'],
  ['STR', 4, 'u32'],
  ['STRB', 1, 'u8'],
  ['STRH', 2, 'u16'],
];

function loadsAndStores(ids) {
  const forms = [
    { base: 'LS_IMM', address: 'regB(w) + op' },
    { base: 'LS_REG', address: 'regB(w) + (load<u32>(op & 0x3c, GPR_BASE) << (op >>> 8))' },
    { base: 'LS_PRE', address: 'regB(w) + op', update: 'ea' },
    { base: 'LS_POST', address: 'regB(w)', update: 'ea + op' },
  ];
  const cases = [];
  for (const { base, address, update } of forms) {
    for (const [index, [name, bytes, access]] of KINDS.entries()) {
      const isStore = name.startsWith('ST');
      const hit = isStore ? 'hitsWrite' : 'hitsRead';
      const host = 'hostAddress(slot, ea)';
      const direct = isStore
        ? `store<${access}>(${host}, ${access === 'u32' ? 'regA(w)' : `<${access}>regA(w)`});`
        : `setA(w, ${access.replace('h)', `${host})`)});`;
      const slow = isStore ? `storeSlow(ea, ${bytes}, regA(w))` : `loadSlow(ea, ${index}, (w >>> 20) & 15)`;
      const set = update === undefined ? '' : ` setB(w, ${update});`;
      const lines = [
        `const ea: u32 = ${address};`,
        'const slot: u32 = tlbSlot(ea);',
        `if (${hit}(slot, ea, ${bytes - 1})) {`,
        `  ${direct}${set}`,
        '  break;',
        '}',
        'run.at = at;',
        update === undefined ? `${slow};` : `if (${slow}) {${set} }`,
        'at = run.at;',
      ];
      cases.push(one(ids.get(base) + index, `${name} ${base}`, lines));
    }
  }
  return cases;
}

function conditions(ids) {
  const next = 'id = (w >>> 10) & 0x3ff;';
  return NAMES.flatMap((name, index) => [
    one(ids.get('COND') + index, name, [`if (${CONDITIONS[index]}) {`, `  ${next}`, '  continue;', '}']),
    one(ids.get('COND_WIDE') + index, `${name}, two halfwords`, [
      'at += 8;',
      'run.limit += 8;',
      `if (${CONDITIONS[index]}) {`,
      `  ${next}`,
      '  continue;',
      '}',
    ]),
    one(ids.get('B_NEAR_COND') + index, `B${name}`, [`if (${CONDITIONS[index]}) at = near(at, op);`]),
  ]);
}

function others(ids) {
  const shiftRight = (type) => [
    'const v: u32 = load<u32>(op & 0x3c, GPR_BASE);',
    'const n: u32 = op >>> 8;',
    `const r: u32 = n == 32 ? ${type === 'i32' ? '<u32>(<i32>v >> 31)' : '0'} : <u32>(<${type}>v >> <${type}>n);`,
    'cpu.cc_c = (v >>> (n - 1)) & 1;',
    'cpu.cc_n = r;',
    'cpu.cc_z = r;',
    'setA(w, r);',
  ];
  const list = {
    IT: [],
    WIDE: ['at += 8;', 'run.limit += 8;', 'id = (w >>> 10) & 0x3ff;', 'continue;'],
    IT_STEP: ['run.at = at;', 'cpu.pc = pcOf(at);', 'cpu.itstate = op;', 'leave();', 'return;'],
    NOP: [],
    UNDEFINED: ['run.at = at;', 'undefinedException(op);', 'at = run.at;'],
    CROSSING: ['run.at = at - 8;', 'cpu.pc = pcOf(at - 8);', 'leave();', 'run.crossing = 1;', 'return;'],
    B_NEAR: ['at = near(at, op);'],
    B_FAR: ['at = far(at, w, op);'],
    BL_NEAR: ['setGpr(LR, pcOf(at) | cpu.thumb);', 'at = near(at, op);'],
    BL_FAR: ['setGpr(LR, pcOf(at) | cpu.thumb);', 'at = far(at, w, op);'],
    BLX_FAR: [
      'const next: u32 = pcOf(at);',
      'setGpr(LR, next | cpu.thumb);',
      'at = exchange(at, (next - 4 + op) | (cpu.thumb ^ 1));',
    ],
    BLX_REG: [
      'const target: u32 = load<u32>(op, GPR_BASE);',
      'setGpr(LR, pcOf(at) | cpu.thumb);',
      'at = exchangeWith(at, target);',
    ],
    BX: ['at = exchangeWith(at, load<u32>(op, GPR_BASE));'],
    BX_PC: ['at = exchange(at, (pcOf(at) + (run.shift == 1 ? 4 : 2)) & ~3);'],
    JUMP: ['at = jumpPlain(at, load<u32>(op, GPR_BASE));'],
    CBZ: ['if (regB(w) == 0) at = jumpAbsolute(at, pcOf(at) - 2 + op);'],
    CBNZ: ['if (regB(w) != 0) at = jumpAbsolute(at, pcOf(at) - 2 + op);'],
    ADR: ['setA(w, pcOf(at) + (run.shift == 1 ? 4 : 2) + op);'],
    ADR_ALIGNED: ['setA(w, alignedPc(at, w) + op);'],
    LDR_LITERAL: [
      'const ea: u32 = alignedPc(at, w) + op;',
      'const slot: u32 = tlbSlot(ea);',
      'if (hitsRead(slot, ea, 3)) {',
      '  setA(w, load<u32>(hostAddress(slot, ea)));',
      '  break;',
      '}',
      'run.at = at;',
      'loadSlow(ea, 0, (w >>> 20) & 15);',
      'at = run.at;',
    ],
    MUL: ['setA(w, regB(w) * load<u32>(op, GPR_BASE));'],
    MLA: ['setA(w, regB(w) * load<u32>(op & 0x3c, GPR_BASE) + load<u32>(op >>> 8, GPR_BASE));'],
    MOVS_LSL: [
      'const v: u32 = load<u32>(op & 0x3c, GPR_BASE);',
      'const n: u32 = op >>> 8;',
      'const r: u32 = v << n;',
      'cpu.cc_c = (v >>> (32 - n)) & 1;',
      'cpu.cc_n = r;',
      'cpu.cc_z = r;',
      'setA(w, r);',
    ],
    MOVS_LSR: shiftRight('u32'),
    MOVS_ASR: shiftRight('i32'),
    MOVT: ['setA(w, (regA(w) & 0xffff) | op);'],
    UBFX: ['setA(w, (regB(w) << (op & 31)) >>> (op >>> 8));'],
    SBFX: ['setA(w, <u32>(<i32>(regB(w) << (op & 31)) >> (op >>> 8)));'],
    SXTB: ['setA(w, <u32><i32><i8>regB(w));'],
    SXTH: ['setA(w, <u32><i32><i16>regB(w));'],
    UXTB: ['setA(w, regB(w) & 0xff);'],
    UXTH: ['setA(w, regB(w) & 0xffff);'],
  };
  return Object.entries(list).map(([name, lines]) => one(ids.get(name), name, lines));
}

/** core/arm/gen/exec.ts. `direct`: handlers called without going through callInstruction, with their ids. */
export function emitArmExec(header, direct, imports) {
  const { ids } = armLoopIds();
  const called = direct.map(([name, id]) => one(id, name, ['run.at = at;', `op_${name}(op);`, 'at = run.at;']));
  const cases = [...conditions(ids), ...others(ids), ...loadsAndStores(ids), ...dataProcessing(ids), ...called];
  return `${header}import { alignedPc, exchangeWith, far, jumpPlain, near, regA, regB, setA, setB } from '../operands';
import { decodeEntry, exchange, jumpAbsolute, leave, nextPage, pcOf } from '../code';
import { undefinedException } from '../exceptions';
import { loadSlow, storeSlow } from '../memory';
import { shifter } from '../shifter';
import { GPR_BASE, LR, cpu, run, setGpr } from '../state';
import { hitsRead, hitsWrite, hostAddress, tlbSlot } from '../tlb';
import { callInstruction } from './calls';
${imports}

/** Executes decoded entries from \`run.at\` until one of the loop's own says stop. */
export function exec(): void {
  let at: u32 = run.at;
  let op: u32 = load<u32>(at);
  let w: u32 = load<u32>(at, 4);
  let id: u32 = w & 0x3ff;
  at += 8;
  for (;;) {
    switch (id) {
      case ${ids.get('UNDECODED')}: {
        at -= 8;
        decodeEntry(at);
        break;
      }
      case ${ids.get('PAGE_END')}: {
        run.at = at - 8;
        nextPage();
        at = run.at;
        break;
      }
      case ${ids.get('EXIT')}: { // cpu.pc has been set
        return;
      }
      case ${ids.get('STEPPED')}: { // end of a single step
        cpu.pc = pcOf(at - 8);
        run.at = at - 8;
        return;
      }
${cases.join('\n')}
      default: {
        run.at = at;
        callInstruction(id, op);
        at = run.at;
        break;
      }
    }
    op = load<u32>(at);
    w = load<u32>(at, 4);
    id = w & 0x3ff;
    at += 8;
  }
}
`;
}
