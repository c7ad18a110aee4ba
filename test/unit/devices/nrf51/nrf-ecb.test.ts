// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { NrfEcb } from '../../../../machines/devices/nrf51/nrf-ecb.ts';
import { INTENSET, NrfBench, RAM, set, values } from '../../../support/nrf51.ts';

const ENDECB = 0x100;
const ERRORECB = 0x104;
const ECBDATAPTR = 0x504;

function make() {
  const bench = new NrfBench();
  const ecb = bench.mount(new NrfEcb(bench.fake.chip('ecb'), { ...bench.at(14), memory: bench.map }));
  // FIPS 197, appendix C.1
  bench.put(0x40, '000102030405060708090a0b0c0d0e0f 00112233445566778899aabbccddeeff');
  set(ecb, [ECBDATAPTR, RAM + 0x40]);
  return { bench, ecb };
}

describe('NrfEcb', () => {
  it('encrypts the block in memory behind key and clear text', () => {
    const { bench, ecb } = make();
    const irq = bench.fake.watch(ecb.irq);
    set(ecb, [INTENSET, 1], [0, 1]);
    bench.us(16);
    expect(values(ecb, ENDECB, ECBDATAPTR)).toEqual([0, RAM + 0x40]);
    bench.us(1);
    expect(values(ecb, ENDECB, ERRORECB)).toEqual([1, 0]);
    expect(bench.bytes(0x60, 16)).toBe('69c4e0d86a7b0430d8cdb78070b4c55a');
    expect(irq).toEqual([true]);
  });

  it('reports an error when stopped, and for a start while it runs', () => {
    const { bench, ecb } = make();
    set(ecb, [0, 1], [4, 1]);
    bench.us(100);
    expect(values(ecb, ENDECB, ERRORECB)).toEqual([0, 1]);
    set(ecb, [ERRORECB, 0], [4, 1]);
    expect(ecb.read(ERRORECB, 4)).toBe(0);
    set(ecb, [0, 1], [0, 1]);
    expect(ecb.read(ERRORECB, 4)).toBe(1);
    bench.us(17);
    expect(ecb.read(ENDECB, 4)).toBe(1);
  });

  it('survives random accesses', () => {
    const { bench, ecb } = make();
    bench.fuzz(ecb, 14);
  });
});
