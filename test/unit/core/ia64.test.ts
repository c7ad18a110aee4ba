// SPDX-License-Identifier: MIT
import { beforeEach, describe, expect, it } from 'vitest';
import { REASON } from '../../../core/ia64/host/ia64-state.ts';
import { bundle, code, op, type Instruction } from '../../support/ia64-assembly.ts';
import { random } from '../../support/random.ts';
import { EXECUTE, GATE, Ia64, NAT_PAGE, READ, WRITE } from '../../support/ia64.ts';

const TEXT = 0x4000_0000_0000_0000n;
const DATA = 0x6000_0000_0000_0000n;
const STACK = 0x6000_0fff_8000_0000n;
const MISSING = 0x6000_0800_0000_0000n;

/** ends a test's code */
const stop = bundle('MII', op('break.m', { imm: 0x77 }));

describe('IA-64 core', () => {
  let cpu: Ia64;

  beforeEach(() => {
    cpu = new Ia64(32);
    cpu.map(TEXT, 0x1_0000, READ | EXECUTE);
    cpu.map(DATA, 0x1_0000);
    cpu.map(STACK, 0x4_0000);
    cpu.state.bspstore = STACK;
    // r32 to r63, eight of them outputs
    cpu.state.cfm = 32n | (24n << 7n);
  });

  /** Runs code to the final break, or returns the name of what stopped it. */
  function run(...bundles: Uint8Array[]): string {
    cpu.write(TEXT, code(...bundles, stop));
    cpu.state.ip = TEXT;
    cpu.state.slot = 0;
    cpu.core.newSpace(cpu.space);
    const reason = cpu.core.run(1 << 30);
    if (reason === REASON.break) return `break ${cpu.state.breakImmediate}`;
    if (reason === REASON.syscall) return 'syscall';
    return reason === REASON.fault ? cpu.state.fault : `reason ${reason}`;
  }

  const m = (...instructions: Instruction[]): Uint8Array => bundle('MII', ...instructions);
  const mm = (...instructions: Instruction[]): Uint8Array => bundle('MMI', ...instructions);
  const b = (instruction: Instruction, first = op('nop.m')): Uint8Array =>
    bundle('MIB', first, op('nop.i'), instruction);
  const call = (a: number, bundles: number): Instruction => op('br.call', { a, imm: bundles * 16 });
  const done = 'break 119';

  describe('bundles', () => {
    it('stops at a break in each slot with the address of the bundle and the slot', () => {
      for (const slot of [0, 1, 2]) {
        const slots = [op('nop.m'), op('nop.i'), op('nop.i')];
        slots[slot] = op(slot === 0 ? 'break.m' : 'break.i', { imm: 5 });
        expect(run(bundle('MII'), bundle('MII', ...slots))).toBe('break 5');
        expect(cpu.state.ip).toBe(TEXT + 16n);
        expect(cpu.state.slot).toBe(slot);
      }
    });

    it('goes on in the middle of a bundle', () => {
      cpu.write(
        TEXT,
        code(m(op('addl', { a: 8, imm: 1 }), op('addl', { a: 9, imm: 2 }), op('addl', { a: 10, imm: 3 })), stop),
      );
      cpu.state.ip = TEXT;
      cpu.state.slot = 1;
      cpu.core.newSpace(cpu.space);
      cpu.core.run(1);
      expect([8, 9, 10].map((n) => cpu.state.gr(n))).toEqual([0n, 2n, 3n]);
    });

    it.each(['br.cloop', 'br.ctop', 'br.cexit', 'br.wtop', 'br.wexit'])(
      'refuses %s in a slot that is not the last',
      (name) => {
        const loop = op(name, { imm: 16, qp: 0 });
        expect(run(bundle('MBB', op('nop.m'), loop))).toBe('illegal');
        expect(cpu.state.slot).toBe(1);
        expect(run(bundle('MBB', op('nop.m'), op('nop.b'), loop))).toBe(done);
      },
    );

    it('refuses reserved templates', () => {
      const bad = bundle('MII');
      bad[0] = (bad[0]! & ~0x1f) | 0x06;
      expect(run(bad)).toBe('illegal');
    });

    it('loads a 64-bit immediate', () => {
      run(bundle('MLX', op('nop.m'), op('movl', { a: 8, imm: 0xfedc_ba98_7654_3210n })));
      expect(cpu.state.gr(8)).toBe(0xfedc_ba98_7654_3210n);
    });

    it('refuses r0 as a target unless the predicate is 0', () => {
      expect(run(m(op('addl', { a: 0, imm: 1 })))).toBe('illegal');
      expect(run(m(op('addl', { a: 0, imm: 1, qp: 6 })))).toBe(done);
    });

    it('steps one instruction at a time', () => {
      cpu.write(
        TEXT,
        code(m(op('addl', { a: 8, imm: 1 }), op('addl', { a: 9, imm: 2 }), op('addl', { a: 10, imm: 3 })), stop),
      );
      cpu.state.ip = TEXT;
      cpu.core.newSpace(cpu.space);
      expect(cpu.core.step()).toBe(REASON.step);
      expect([cpu.state.slot, cpu.state.gr(8), cpu.state.gr(9)]).toEqual([1, 1n, 0n]);
      cpu.core.step();
      cpu.core.step();
      expect(cpu.state.ip).toBe(TEXT + 16n);
      expect(cpu.core.step()).toBe(REASON.break);
    });

    it('crosses the end of a page', () => {
      const last = TEXT + 0x3ff0n;
      cpu.write(TEXT + 0x3ff0n, code(m(op('addl', { a: 8, imm: 7 })), stop));
      cpu.state.ip = last;
      cpu.core.newSpace(cpu.space);
      expect(cpu.core.run(1)).toBe(REASON.break);
      expect(cpu.state.ip).toBe(TEXT + 0x4000n);
      expect(cpu.state.gr(8)).toBe(7n);
    });

    it('faults where there is no code', () => {
      cpu.state.ip = MISSING;
      expect(cpu.core.run(1)).toBe(REASON.fault);
      expect([cpu.state.fault, cpu.state.address, cpu.state.access]).toEqual(['page', MISSING, 4]);
    });
  });

  describe('system calls', () => {
    it('leaves behind a break 0x100000', () => {
      expect(run(m(op('break.m', { imm: 0x10_0000 })))).toBe('syscall');
      expect([cpu.state.ip, cpu.state.slot]).toEqual([TEXT, 1]);
    });

    it('leaves behind epc in the gate page only', () => {
      const epc = b(op('epc'));
      expect(run(epc)).toBe(done);
      cpu.map(TEXT, 16, READ | EXECUTE | GATE);
      expect(run(epc)).toBe('syscall');
      expect(cpu.state.ip).toBe(TEXT + 16n);
    });

    it('returns when the budget is used up and when attention is asked for', () => {
      const loop = b(op('br.cond', { imm: 0 }));
      expect(run(loop)).toBe('reason 0');
      new DataView(cpu.memory.buffer).setUint32(cpu.state.attentionOffset, 1, true);
      expect(cpu.core.run(1 << 30)).toBe(REASON.attention);
    });
  });

  describe('register stack', () => {
    /** f(n): n == 0 ? 0 : n + f(n - 1), with a frame of `locals` registers. */
    const recursion = (locals: number): Uint8Array[] => [
      b(call(0, 2)),
      b(op('br.cond', { imm: 9 * 16 })),
      // r32 = n
      m(
        op('alloc', { a: 34, b: locals + 1, c: locals, d: 0 }),
        op('mov_from_br', { a: 35, b: 0 }),
        op('cmp.eq_i', { a: 6, d: 7, imm: 0, c: 32 }),
      ),
      m(
        op('addl', { a: 8, imm: 0, qp: 6 }),
        op('adds', { a: 32 + locals, imm: -1, c: 32, qp: 7 }),
        op('or', { a: 36, b: 32, c: 0 }),
      ),
      m(op('or', { a: 31 + locals, b: 32, c: 0 })),
      bundle('MIB', op('nop.m'), op('nop.i'), op('br.call', { a: 0, imm: -3 * 16, qp: 7 })),
      m(op('cmp.eq_i', { a: 6, d: 7, imm: 0, c: 32 })),
      m(
        op('add', { a: 8, b: 8, c: 31 + locals, qp: 7 }),
        op('mov.i_to_ar', { b: 34, c: 64 }),
        op('mov_to_br', { a: 0, b: 35 }),
      ),
      m(op('cmp.eq', { a: 8, d: 9, b: 36, c: 32 })),
      bundle('MIB', op('break.m', { imm: 1, qp: 9 }), op('nop.i'), op('br.ret', { b: 0 })),
    ];

    for (const locals of [6, 40, 62, 63, 64, 95]) {
      it(`keeps frames of ${locals} locals through 300 calls`, () => {
        cpu.state.setGr(56, 300n);
        expect(run(...recursion(locals))).toBe(done);
        expect(cpu.state.gr(8)).toBe((300n * 301n) / 2n);
        expect(cpu.state.bsp).toBe(STACK);
        expect(cpu.state.cfm).toBe(32n | (24n << 7n));
      });
    }

    it('gives a callee the outputs, and bsp moves by the locals', () => {
      cpu.state.setGr(56, 11n);
      cpu.state.setGr(40, 99n);
      expect(run(b(call(0, 1)))).toBe(done);
      expect(cpu.state.gr(32)).toBe(11n);
      expect(cpu.state.cfm).toBe(8n);
      expect(cpu.state.bsp).toBe(STACK + 24n * 8n);
      expect(cpu.read64(STACK + 8n * 8n)).toBe(99n);
      expect(cpu.state.pfs).toBe(0xc000_0000_0000_0000n | 32n | (24n << 7n));
      expect(cpu.state.br(0)).toBe(TEXT + 16n);
    });

    it('passes over the NaT collection', () => {
      cpu.state.bspstore = STACK + 0x1d8n;
      cpu.state.setGr(33, 5n, true);
      expect(run(b(call(0, 1)))).toBe(done);
      expect(cpu.state.bsp).toBe(STACK + 0x1d8n + 25n * 8n);
      expect(cpu.read64(STACK + 0x1f8n)).toBe(1n << 60n);
    });

    it('brings NaTs back', () => {
      cpu.state.setGr(33, 5n, true);
      const program = [b(call(0, 2)), b(op('br.cond', { imm: 2 * 16 })), b(op('br.ret', { b: 0 }))];
      expect(run(...program, m(op('add', { a: 8, b: 33, c: 0 })))).toBe(done);
      expect([8, 32, 33, 34].map((n) => cpu.state.grNat(n))).toEqual([true, false, true, false]);
      expect(cpu.state.gr(33)).toBe(5n);
    });

    it('faults where the backing store is not there, and goes on when it is', () => {
      cpu.state.bspstore = MISSING;
      expect(run(b(call(0, 1)))).toBe('page');
      expect(cpu.state.address).toBe(MISSING);
      expect(cpu.state.access).toBe(2 | 8);
      expect([cpu.state.ip, cpu.state.slot]).toEqual([TEXT, 2]);
      cpu.map(MISSING, 0x4000);
      cpu.core.flushTlb();
      expect(cpu.core.run(1)).toBe(REASON.break);
      expect(cpu.state.bsp).toBe(MISSING + 24n * 8n);
    });

    it('cover puts the whole frame aside', () => {
      cpu.state.setGr(63, 77n);
      expect(run(b(op('cover')))).toBe(done);
      expect(cpu.state.cfm).toBe(0n);
      expect(cpu.state.bsp).toBe(STACK + 32n * 8n);
      expect(cpu.read64(STACK + 31n * 8n)).toBe(77n);
    });

    it('takes registers along to another backing store after loadrs', () => {
      cpu.state.rsc = 0xcn | (0x50n << 16n);
      cpu.state.cfm = 0n;
      cpu.state.bspstore = STACK + 0x240n;
      for (let n = 0; n < 10; n++) cpu.write64(STACK + 0x1f0n + BigInt(n * 8), BigInt(n));
      cpu.state.setGr(9, STACK + 0x1_0000n);
      expect(run(mm(op('loadrs'), op('mov.m_to_ar', { b: 9, c: 18 })))).toBe(done);
      // nine registers and a collection there, nine registers here
      expect(cpu.state.bsp).toBe(STACK + 0x1_0000n + 9n * 8n);
      expect(cpu.read64(STACK + 0x1_0000n)).toBe(0n);
      expect(cpu.read64(STACK + 0x1_0008n)).toBe(2n);
    });

    it('refuses bad frames', () => {
      expect(run(m(op('alloc', { a: 32, b: 97, c: 8, d: 0 })))).toBe('illegal');
      expect(run(m(op('alloc', { a: 32, b: 8, c: 9, d: 0 })))).toBe('illegal');
      expect(run(m(op('alloc', { a: 32, b: 8, c: 8, d: 2 })))).toBe('illegal');
      expect(run(m(op('alloc', { a: 40, b: 8, c: 8, d: 0 })))).toBe('illegal');
      expect(run(m(op('alloc', { a: 32, b: 8, c: 8, d: 1 })))).toBe(done);
    });

    it('refuses alloc with a qualifying predicate, be it set or not', () => {
      expect(run(m(op('alloc', { a: 32, b: 8, c: 8, d: 0, qp: 6 })))).toBe('illegal');
      expect(run(mm(op('cmp.eq', { a: 6, d: 7, b: 0, c: 0 }), op('alloc', { a: 32, b: 8, c: 8, d: 0, qp: 6 })))).toBe(
        'illegal',
      );
    });

    it('refuses targets outside the frame', () => {
      expect(run(m(op('addl', { a: 64, imm: 1 })))).toBe('illegal');
      expect(cpu.state.ip).toBe(TEXT);
      expect(run(m(op('nop.m'), op('addl', { a: 127, imm: 1 })))).toBe('illegal');
      expect(cpu.state.slot).toBe(1);
      expect(run(m(op('addl', { a: 63, imm: 1 })))).toBe(done);
      expect(run(bundle('MLX', op('nop.m'), op('movl', { a: 64, imm: 1n })))).toBe('illegal');
      // no fault with a false predicate
      expect(run(m(op('addl', { a: 64, imm: 1, qp: 6 })))).toBe(done);
    });

    it('refuses a base register outside the frame that a load would change', () => {
      cpu.state.setGr(70, DATA);
      expect(run(m(op('ld8_i', { a: 8, c: 70, imm: 8 })))).toBe('illegal');
      expect(run(m(op('ld8', { a: 8, c: 70 })))).toBe(done);
    });

    it('knows the frame of alloc, of a callee and after a return', () => {
      const alloc = (size: number): Instruction => op('alloc', { a: 32, b: size, c: size, d: 0 });
      const write = (a: number): Instruction => op('addl', { a, imm: a });
      expect(run(m(alloc(40), write(71)))).toBe(done);
      expect(cpu.state.gr(71)).toBe(71n);
      cpu.state.cfm = 32n | (24n << 7n);
      expect(run(m(alloc(40), write(72)))).toBe('illegal');
      cpu.state.cfm = 32n | (24n << 7n);
      expect(run(m(alloc(8)), m(write(40)))).toBe('illegal');
      // The callee has eight outputs of the caller.
      cpu.state.cfm = 32n | (24n << 7n);
      const back = b(op('br.cond', { imm: -16, qp: 0 }));
      expect(run(b(call(0, 3)), stop, back, m(write(40)))).toBe('illegal');
      cpu.state.cfm = 32n | (24n << 7n);
      expect(run(b(call(0, 4)), m(write(63)), stop, back, m(write(39)), b(op('br.ret', { b: 0 })))).toBe(done);
      expect(cpu.state.gr(63)).toBe(63n);
    });

    it('executes code again in a frame that has become large enough', () => {
      // Decoded ahead while the frame is small; reached through a branch with a large one.
      cpu.state.cfm = 8n | (8n << 7n);
      const jump = b(op('br.cond', { imm: 48, qp: 0 }));
      expect(
        run(
          b(op('br.cond', { imm: 32, qp: 6 })),
          jump,
          m(op('addl', { a: 60, imm: 5 })),
          stop,
          m(op('alloc', { a: 32, b: 40, c: 40, d: 0 })),
          b(op('br.cond', { imm: -48, qp: 0 })),
        ),
      ).toBe(done);
      expect(cpu.state.gr(60)).toBe(5n);
    });

    it('steps over a write that was outside the frame when it was decoded', () => {
      cpu.write(TEXT, code(m(op('addl', { a: 60, imm: 1 }), op('addl', { a: 9, imm: 2 })), stop));
      cpu.state.cfm = 8n;
      cpu.state.ip = TEXT;
      cpu.state.slot = 0;
      cpu.core.newSpace(cpu.space);
      expect(cpu.core.step()).toBe(REASON.fault);
      cpu.state.cfm = 32n;
      expect(cpu.core.step()).toBe(REASON.step);
      expect([cpu.state.gr(60), cpu.state.gr(9)]).toEqual([1n, 0n]);
      expect(cpu.state.slot).toBe(1);
    });

    it('refuses a target outside the frame of code that was executed in a larger one', () => {
      // f writes r39, and is called with eight outputs, then with four, by different calls or the same.
      const write = [m(op('addl', { a: 39, imm: 1 })), b(op('br.ret', { b: 0 }))];
      const outputs = (count: number): Instruction => op('alloc', { a: 10, b: 16 + count, c: 16, d: 0 });
      expect(
        run(m(outputs(8)), b(call(0, 4)), m(outputs(4)), b(call(0, 2)), b(op('br.cond', { imm: 48 })), ...write),
      ).toBe('illegal');
      expect([cpu.state.ip, cpu.state.slot]).toEqual([TEXT + 80n, 0]);
      cpu.state.cfm = 32n | (24n << 7n);
      cpu.state.lc = 1n;
      const again = bundle('MIB', outputs(4), op('nop.i'), op('br.cloop', { imm: -16, qp: 0 }));
      expect(run(m(outputs(8)), b(call(0, 3)), again, b(op('br.cond', { imm: 48 })), ...write)).toBe('illegal');
      expect([cpu.state.ip, cpu.state.lc]).toEqual([TEXT + 64n, 0n]);
    });

    it('refuses a target behind an alloc that execution did not come over', () => {
      const write = op('addl', { a: 71, imm: 1 });
      const program = (behind: Uint8Array): Uint8Array[] => [
        b(op('br.cond', { imm: 32 })),
        b(op('br.cond', { imm: 48 })),
        behind,
        m(write),
        m(op('alloc', { a: 10, b: 20, c: 20, d: 0 })),
        b(op('br.cond', { imm: -32 })),
      ];
      expect(run(...program(m(op('alloc', { a: 10, b: 40, c: 40, d: 0 }))))).toBe('illegal');
      expect(cpu.state.ip).toBe(TEXT + 48n);
      expect(cpu.state.cfm & 0x7fn).toBe(20n);
    });

    it('refuses targets after cover', () => {
      expect(run(b(op('cover')), m(op('addl', { a: 32, imm: 1 })))).toBe('illegal');
      expect(cpu.state.ip).toBe(TEXT + 16n);
    });

    it('executes code in larger and smaller frames in turn', () => {
      // f writes r39 where p6 says so, that is when there are eight outputs.
      const outputs = (count: number): Instruction => op('alloc', { a: 10, b: 16 + count, c: 16, d: 0 });
      cpu.state.lc = 9n;
      expect(
        run(
          m(outputs(8), op('cmp.eq', { a: 6, d: 7, b: 0, c: 0 })),
          b(call(0, 5)),
          m(outputs(4), op('cmp.eq', { a: 7, d: 6, b: 0, c: 0 })),
          b(call(0, 3)),
          bundle('MIB', op('nop.m'), op('nop.i'), op('br.cloop', { imm: -64, qp: 0 })),
          b(op('br.cond', { imm: 48 })),
          m(op('addl', { a: 39, imm: 1, qp: 6 }), op('adds', { a: 9, imm: 1, c: 9 })),
          b(op('br.ret', { b: 0 })),
        ),
      ).toBe(done);
      expect(cpu.state.gr(9)).toBe(20n);
    });

    it('ends random programs where they end when each instruction is decoded for the frame that is', () => {
      let ends = 0;
      for (let seed = 1; seed <= 300; seed++) {
        const next = random(seed);
        const below = (n: number): number => Math.floor(next() * n);
        const size = (): Instruction => {
          const sof = 4 + below(12);
          return op('alloc', { a: 10, b: sof, c: below(sof - 3), d: 0 });
        };
        const write = (): Instruction =>
          op('addl', { a: 32 + below(below(4) === 0 ? 16 : 5), imm: 1, qp: 6 + below(2) });
        const branch = (at: number): Instruction => {
          const imm = (1 + below(30) - at) * 16;
          return below(3) === 0 ? op('br.call', { a: 0, imm, qp: 6 }) : op('br.cond', { imm, qp: 6 + below(2) });
        };
        const flip = op('tbit.z', { a: 6, d: 7, c: 9, imm: 2 });
        const bundles = Array.from({ length: 31 }, (_, at) => {
          const kind = below(8);
          const count = op('adds', { a: 9, imm: 1 + below(7), c: 9 });
          if (kind === 0) return bundle('MII', size(), write(), write());
          if (kind === 1) return bundle('MIB', write(), flip, op('br.ret', { b: 0, qp: 7 }));
          if (kind <= 4) return bundle('MIB', count, flip, branch(at));
          return bundle('MII', write(), count, flip);
        });
        const begin = (): void => {
          cpu.write(TEXT, code(...bundles, stop));
          Object.assign(cpu.state, { ip: TEXT, slot: 0, cfm: 16n | (8n << 7n), pfs: 16n | (8n << 7n) });
          cpu.state.bspstore = STACK;
          cpu.state.setBr(0, TEXT);
          cpu.state.setGr(9, 0n);
          cpu.state.pr = 0x81n;
          cpu.core.newSpace(cpu.space);
        };
        const end = (): unknown[] => [cpu.state.ip, cpu.state.slot, cpu.state.gr(9), cpu.state.cfm, cpu.state.fault];
        begin();
        let reason: number = REASON.step;
        for (let steps = 0; steps < 500 && reason === REASON.step; steps++) {
          cpu.core.newSpace(cpu.space);
          reason = cpu.core.step();
        }
        if (reason === REASON.step) continue;
        const expected = end();
        begin();
        expect(cpu.core.run(1 << 20), `seed ${seed}`).toBe(reason);
        expect(end(), `seed ${seed}`).toEqual(expected);
        ends++;
      }
      expect(ends).toBeGreaterThan(100);
    });

    it('refuses ar.bspstore and ar.rnat while the engine is not lazy', () => {
      cpu.state.rsc = 0xfn;
      expect(run(mm(op('mov.m_from_ar', { a: 8, c: 18 })))).toBe('illegal');
      expect(run(mm(op('mov.m_to_ar', { b: 8, c: 19 })))).toBe('illegal');
    });
  });

  describe('rotation', () => {
    it('runs a counted loop of two stages', () => {
      cpu.state.lc = 3n;
      cpu.state.ec = 2n;
      cpu.state.pr = 1n | (1n << 16n);
      cpu.state.setGr(9, 10n);
      // stage 1: r32 = r9++; stage 2: r8 += r33
      const program = [
        m(op('alloc', { a: 10, b: 16, c: 16, d: 1 })),
        m(
          op('or', { a: 32, b: 9, c: 0, qp: 16 }),
          op('add', { a: 8, b: 8, c: 33, qp: 17 }),
          op('adds', { a: 9, imm: 1, c: 9, qp: 16 }),
        ),
        b(op('br.ctop', { imm: -16 })),
      ];
      expect(run(...program)).toBe(done);
      expect(cpu.state.gr(8)).toBe(10n + 11n + 12n + 13n);
      expect([cpu.state.lc, cpu.state.ec]).toEqual([0n, 0n]);
      expect((cpu.state.cfm >> 18n) & 0x7fn).toBe(3n);
      expect((cpu.state.cfm >> 25n) & 0x7fn).toBe(91n);
      expect((cpu.state.cfm >> 32n) & 0x3fn).toBe(43n);
    });

    it('rotates floating-point registers and predicates', () => {
      cpu.state.lc = 1n;
      cpu.state.ec = 1n;
      cpu.state.setFr(32, 123n, 0x1003e);
      expect(run(b(op('br.ctop', { imm: 16 })))).toBe(done);
      expect(cpu.state.frSignificand(33)).toBe(123n);
      expect(cpu.state.predicate(16)).toBe(true);
      run(b(op('clrrrb')));
      expect(cpu.state.frSignificand(32)).toBe(123n);
      expect(cpu.state.cfm >> 18n).toBe(0n);
      expect(cpu.state.predicate(63)).toBe(true);
    });

    it('moves predicates as if not rotated', () => {
      cpu.state.lc = 1n;
      cpu.state.ec = 1n;
      expect(run(b(op('br.ctop', { imm: 16 })), m(op('nop.m'), op('mov_from_pr', { a: 8 })))).toBe(done);
      expect(cpu.state.gr(8)).toBe(1n | (1n << 63n));
      expect(cpu.state.pr).toBe(1n | (1n << 63n));
    });
  });

  describe('NaT bits', () => {
    const nat = (n: number, value = 1n): void => cpu.state.setGr(n, value, true);

    it('spread through arithmetic and vanish with a new value', () => {
      nat(9);
      run(m(op('add', { a: 8, b: 9, c: 10 }), op('add', { a: 11, b: 10, c: 10 }), op('addl', { a: 9, imm: 3 })));
      expect([8, 9, 11].map((n) => cpu.state.grNat(n))).toEqual([true, false, false]);
    });

    it('clear both predicates of a compare', () => {
      nat(9);
      cpu.state.pr = 1n | (3n << 6n);
      run(m(op('cmp.eq', { a: 6, d: 7, b: 9, c: 9 })));
      expect([cpu.state.predicate(6), cpu.state.predicate(7)]).toEqual([false, false]);
    });

    it('are refused as addresses and as stored values', () => {
      nat(9, DATA);
      cpu.state.setGr(10, DATA);
      expect(run(mm(op('ld8', { a: 8, c: 9 })))).toBe('natConsumption');
      expect(run(mm(op('st8', { b: 9, c: 10 })))).toBe('natConsumption');
      expect(run(m(op('nop.m'), op('mov_to_br', { a: 6, b: 9 })))).toBe('natConsumption');
    });

    it('come from deferred loads, and chk.s finds them', () => {
      cpu.state.setGr(9, MISSING);
      expect(
        run(
          mm(op('ld8.s', { a: 8, c: 9 })),
          m(op('nop.m'), op('chk.s.i', { b: 8, imm: 2 * 16 })),
          stop,
          m(op('break.m', { imm: 3 })),
        ),
      ).toBe('break 3');
      expect(cpu.state.grNat(8)).toBe(true);
      cpu.state.setGr(9, DATA);
      expect(
        run(
          mm(op('ld8.s', { a: 8, c: 9 })),
          m(op('nop.m'), op('chk.s.i', { b: 8, imm: 2 * 16 })),
          stop,
          m(op('break.m', { imm: 3 })),
        ),
      ).toBe(done);
    });

    it('are kept in ar.unat by spills and fills', () => {
      nat(9, 42n);
      cpu.state.setGr(10, DATA + 0x18n);
      cpu.state.setGr(11, DATA + 0x18n);
      run(mm(op('st8.spill_i', { b: 9, c: 10, imm: 8 })), mm(op('ld8.fill_i', { a: 8, c: 11, imm: -8 })));
      expect(cpu.state.unat).toBe(8n);
      expect([cpu.state.gr(8), cpu.state.grNat(8)]).toEqual([42n, true]);
      expect([cpu.state.gr(10), cpu.state.gr(11)]).toEqual([DATA + 0x20n, DATA + 0x10n]);
    });

    it('follow a register added to an address', () => {
      nat(10, 16n);
      cpu.state.setGr(9, DATA);
      expect(run(mm(op('ld8_r', { a: 8, b: 10, c: 9 })))).toBe(done);
      expect([cpu.state.grNat(8), cpu.state.grNat(9), cpu.state.gr(9)]).toEqual([false, true, DATA + 16n]);
    });

    it('become NaTVal and come back', () => {
      nat(9);
      expect(run(mm(op('setf.sig', { a: 8, b: 9 }), op('getf.exp', { a: 10, b: 8 })))).toBe(done);
      expect(cpu.state.frSignExponent(8)).toBe(0x1_fffe);
      expect(cpu.state.grNat(10)).toBe(true);
    });

    it('are seen by tnat', () => {
      nat(9);
      run(m(op('nop.m'), op('tnat.z', { a: 6, d: 7, c: 9 }), op('tnat.z', { a: 8, d: 9, c: 10 })));
      expect([6, 7, 8, 9].map((n) => cpu.state.predicate(n))).toEqual([false, true, true, false]);
    });
  });

  describe('memory', () => {
    it('reads and writes each size with and without extension', () => {
      cpu.state.setGr(9, DATA);
      cpu.state.setGr(10, 0x8182_8384_8586_8788n);
      run(
        mm(op('st8', { b: 10, c: 9 }), op('ld1', { a: 11, c: 9 })),
        mm(op('ld2', { a: 12, c: 9 }), op('ld4', { a: 13, c: 9 })),
        mm(op('ld8', { a: 14, c: 9 })),
      );
      expect([11, 12, 13, 14].map((n) => cpu.state.gr(n))).toEqual([
        0x88n,
        0x8788n,
        0x8586_8788n,
        0x8182_8384_8586_8788n,
      ]);
    });

    it('does unaligned accesses, also over the end of a page', () => {
      for (const offset of [1n, 3n, 7n, 0x3ff9n, 0x3fffn]) {
        cpu.state.setGr(9, DATA + offset);
        cpu.state.setGr(10, 0x1122_3344_5566_7788n);
        expect(run(mm(op('st8', { b: 10, c: 9 }), op('ld8', { a: 11, c: 9 })), mm(op('ld4', { a: 12, c: 9 })))).toBe(
          done,
        );
        expect([cpu.state.gr(11), cpu.state.gr(12)]).toEqual([0x1122_3344_5566_7788n, 0x5566_7788n]);
        expect(cpu.read(DATA + offset, 8)[0]).toBe(0x88);
      }
    });

    it('refuses them when the user mask says so', () => {
      cpu.state.setGr(9, DATA + 1n);
      expect(run(mm(op('sum', { imm: 8 }), op('ld8', { a: 11, c: 9 })))).toBe('unaligned');
      expect(cpu.state.address).toBe(DATA + 1n);
    });

    it('writes nothing when the second page is missing', () => {
      cpu.state.setGr(9, DATA + 0xfffcn);
      cpu.state.setGr(10, -1n);
      expect(run(mm(op('st8', { b: 10, c: 9 })))).toBe('page');
      expect([cpu.state.address, cpu.state.access]).toEqual([DATA + 0x1_0000n, 2]);
      expect(cpu.read(DATA + 0xfffcn, 4)).toEqual(new Uint8Array(4));
    });

    it('refuses stores to pages that may only be read', () => {
      cpu.state.setGr(9, TEXT);
      expect(run(mm(op('st8', { b: 0, c: 9 })))).toBe('page');
      expect(cpu.state.access).toBe(2);
    });

    it('updates no address when an access faults', () => {
      cpu.state.setGr(9, MISSING);
      expect(run(mm(op('ld8_i', { a: 8, c: 9, imm: 8 })))).toBe('page');
      expect(cpu.state.gr(9)).toBe(MISSING);
    });

    it('knows the NaT page', () => {
      cpu.map(0n, 0x4000, READ | NAT_PAGE);
      expect(run(mm(op('ld8', { a: 8, c: 0 })))).toBe('natPage');
      expect(run(mm(op('ld8.s', { a: 8, c: 0 })))).toBe(done);
      expect(cpu.state.grNat(8)).toBe(true);
    });

    it('exchanges, compares and adds', () => {
      cpu.state.setGr(9, DATA);
      cpu.state.setGr(10, 5n);
      cpu.write64(DATA, 3n);
      cpu.state.ccv = 3n;
      run(
        mm(op('cmpxchg8.acq', { a: 11, b: 10, c: 9 }), op('xchg4', { a: 12, b: 0, c: 9 })),
        mm(op('fetchadd8.acq', { a: 13, b: 4, c: 9 }), op('fetchadd4.rel', { a: 14, b: 3, c: 9 })),
      );
      expect([11, 12, 13, 14].map((n) => cpu.state.gr(n))).toEqual([3n, 5n, 0n, 0xffff_fff0n]);
      expect(cpu.read64(DATA)).toBe(0xffff_ffff_ffff_fff1n & ~0n);
    });

    it('moves 16 bytes at once', () => {
      cpu.state.setGr(9, DATA + 0x20n);
      cpu.state.setGr(10, 1n);
      cpu.state.csd = 2n;
      run(mm(op('st16', { b: 10, c: 9 })), mm(op('ld16', { a: 11, c: 9 })));
      expect([cpu.read64(DATA + 0x20n), cpu.read64(DATA + 0x28n), cpu.state.gr(11), cpu.state.csd]).toEqual([
        1n,
        2n,
        1n,
        2n,
      ]);
      cpu.state.setGr(9, DATA + 0x21n);
      expect(run(mm(op('ld16', { a: 11, c: 9 })))).toBe('unaligned');
    });
  });

  describe('advanced loads', () => {
    const check = (store: Instruction): string => {
      cpu.state.setGr(9, DATA);
      cpu.state.setGr(10, DATA + 4n);
      cpu.state.setGr(11, DATA + 8n);
      return run(
        mm(op('ld8.a', { a: 8, c: 9 }), store),
        mm(op('chk.a.nc', { a: 8, imm: 2 * 16 })),
        stop,
        m(op('break.m', { imm: 3 })),
      );
    };

    it('hold until something is stored there', () => {
      expect(check(op('st4', { b: 0, c: 11 }))).toBe(done);
      expect(check(op('st4', { b: 0, c: 10 }))).toBe('break 3');
      expect(check(op('mf'))).toBe('break 3');
      expect(check(op('invala.e', { a: 8 }))).toBe('break 3');
    });

    it('are loaded again by a check load after a store', () => {
      cpu.state.setGr(9, DATA);
      cpu.state.setGr(10, 7n);
      cpu.write64(DATA, 1n);
      run(mm(op('ld8.a', { a: 8, c: 9 }), op('st8', { b: 10, c: 9 })), mm(op('ld8.c.clr', { a: 8, c: 9 })));
      expect(cpu.state.gr(8)).toBe(7n);
    });
  });

  describe('changed code', () => {
    it('is seen after fc and srlz.i', () => {
      cpu.map(TEXT, 0x4000, READ | WRITE | EXECUTE);
      const target = m(op('addl', { a: 8, imm: 2 }));
      const words = new DataView(target.buffer);
      cpu.state.setGr(9, TEXT + 0x50n);
      cpu.state.setGr(10, words.getBigUint64(0, true));
      cpu.state.setGr(11, words.getBigUint64(8, true));
      cpu.state.setGr(12, TEXT + 0x58n);
      const program = [
        b(op('br.cond', { imm: 5 * 16 })),
        mm(op('st8', { b: 10, c: 9 }), op('st8', { b: 11, c: 12 })),
        mm(op('fc.i', { c: 9 })),
        mm(op('sync.i')),
        mm(op('srlz.i')),
        m(op('addl', { a: 8, imm: 1 })),
        m(op('cmp.eq_i', { a: 6, d: 7, imm: 1, c: 8 })),
        b(op('br.cond', { imm: -6 * 16, qp: 6 })),
      ];
      expect(run(...program)).toBe(done);
      expect(cpu.state.gr(8)).toBe(2n);
    });
  });

  describe('application registers', () => {
    it('refuse what is not theirs', () => {
      expect(run(mm(op('mov.m_to_ar', { b: 8, c: 0 })))).toBe('privilegedRegister');
      expect(run(mm(op('mov.m_to_ar', { b: 8, c: 17 })))).toBe('illegal');
      expect(run(mm(op('mov.m_to_ar', { b: 8, c: 65 })))).toBe('illegal');
      expect(run(m(op('nop.m'), op('mov.i_to_ar', { b: 8, c: 32 })))).toBe('illegal');
      expect(run(mm(op('mov_to_cr')))).toBe('privileged');
      expect(run(mm(op('sum', { imm: 2 })))).toBe('illegal');
    });

    it('name the processor', () => {
      cpu.state.setGr(10, 1n);
      run(mm(op('mov_from_cpuid', { a: 8, c: 0 }), op('mov_from_cpuid', { a: 9, c: 10 })));
      const bytes = new DataView(new ArrayBuffer(16));
      bytes.setBigUint64(0, cpu.state.gr(8), true);
      bytes.setBigUint64(8, cpu.state.gr(9), true);
      expect(new TextDecoder().decode(bytes).replaceAll('\0', '')).toBe('GenuineIntel');
    });
  });
});
