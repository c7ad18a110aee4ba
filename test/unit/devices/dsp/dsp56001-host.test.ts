// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { Dsp56001Host } from '../../../../machines/devices/dsp/dsp56001-host.ts';
import { expectSnapshotLaw, FakeBoard } from '../../../support/fake-board.ts';
import { random } from '../../../support/random.ts';

const R = { icr: 0, cvr: 1, isr: 2, ivr: 3, high: 5, middle: 6, low: 7 };
const [INIT, HM_24, HM_16, HM_8, TREQ, RREQ] = [0x80, 0x20, 0x40, 0x60, 0x02, 0x01];
const [HREQ, DMA, TRDY, TXDE] = [0x80, 0x40, 0x04, 0x02];
const BOOTSTRAP_WORDS = 512;

function make(running = true) {
  const fake = new FakeBoard();
  const build = () => new Dsp56001Host(fake.chip('dsp'));
  const dsp = build();
  dsp.reset('cold');
  dsp.settle();
  if (running) dsp.resetW(false);
  const w = (register: number, value: number): void => dsp.write(register, 1, value);
  const r = (register: number): number => dsp.read(register, 1);
  const send = (word: number): void => {
    w(R.high, word >>> 16);
    w(R.middle, (word >>> 8) & 0xff);
    w(R.low, word & 0xff);
  };
  const bootstrap = (): void => {
    for (let i = 0; i < BOOTSTRAP_WORDS; i++) send(i);
  };
  return { fake, dsp, build, w, r, send, bootstrap };
}

describe('Dsp56001Host', () => {
  it('has the reset values of the manual', () => {
    const { r } = make();
    expect([...Array(8).keys()].map(r)).toEqual([0, 0x12, TXDE | TRDY, 0x0f, 0, 0, 0, 0]);
  });

  it('keeps what registers can keep', () => {
    const { fake, r, w } = make();
    w(R.icr, 0xff);
    expect(r(R.icr)).toBe(0x7b); // INIT is over at once, bit 2 is reserved
    w(R.ivr, 0x55);
    expect(r(R.ivr)).toBe(0x55);
    w(R.cvr, 0xf3);
    expect(r(R.cvr)).toBe(0x93);
    expect(fake.logged('unimp').join()).toContain('host command 0x13');
    w(R.isr, 0xff);
    w(4, 1);
    expect(fake.logged('guest')).toHaveLength(2);
    expect(r(4)).toBe(0);
  });

  it('goes back to them while its reset pin is held', () => {
    const { dsp, r, w, send, bootstrap } = make();
    w(R.icr, TREQ);
    w(R.ivr, 1);
    bootstrap();
    send(1);
    expect(dsp.hreq.level).toBe(true);
    dsp.resetW(true);
    expect(dsp.hreq.level).toBe(false);
    expect([r(R.icr), r(R.cvr), r(R.ivr), r(R.isr)]).toEqual([0, 0x12, 0x0f, TXDE | TRDY]);
    send(1);
    w(R.icr, TREQ);
    expect(dsp.hreq.level).toBe(false);
    dsp.resetW(false);
    // Nothing of what was sent meanwhile arrived.
    expect(r(R.isr) & (TXDE | TRDY)).toBe(TXDE | TRDY);
  });

  it('takes the bootstrap, then a word waits behind and one in front', () => {
    const { r, send, bootstrap } = make();
    bootstrap();
    expect(r(R.isr)).toBe(TXDE | TRDY);
    send(0x12_3456);
    expect(r(R.isr)).toBe(TXDE);
    send(0x12_3456);
    expect(r(R.isr)).toBe(0);
    send(0x12_3456);
    expect(r(R.isr)).toBe(0);
  });

  it('requests service for what is enabled', () => {
    const { dsp, r, w, send, bootstrap } = make();
    bootstrap();
    w(R.icr, RREQ);
    expect([dsp.hreq.level, r(R.isr) & HREQ]).toEqual([false, 0]);
    w(R.icr, TREQ);
    expect([dsp.hreq.level, r(R.isr) & HREQ]).toEqual([true, HREQ]);
    send(1);
    send(2);
    expect([dsp.hreq.level, r(R.isr) & HREQ]).toEqual([false, 0]);
    w(R.icr, INIT | TREQ);
    expect([dsp.hreq.level, r(R.isr)]).toEqual([true, HREQ | TXDE | TRDY]);
  });

  it('INIT leaves alone what is not enabled', () => {
    const { r, w, send, bootstrap } = make();
    bootstrap();
    send(1);
    send(2);
    w(R.icr, INIT | RREQ);
    expect(r(R.isr) & (TXDE | TRDY)).toBe(0);
  });

  describe('DMA', () => {
    it.each([
      [HM_24, 3],
      [HM_16, 2],
      [HM_8, 1],
    ])('mode %i takes words of so many bytes: %i', (mode, bytes) => {
      const { dsp, r, w, bootstrap } = make();
      bootstrap();
      const requests: boolean[] = [];
      dsp.dma = { request: () => requests.push(true) };
      w(R.icr, INIT | mode | TREQ);
      expect(requests).toHaveLength(1);
      expect([dsp.dmaRequest.level, dsp.hreq.level, r(R.isr) & DMA]).toEqual([true, false, DMA]);
      // Two words fit: one in the DSP, one in the registers.
      expect(dsp.dmaOut(new Uint8Array(64).fill(9))).toBe(2 * bytes);
      expect(dsp.dmaRequest.level).toBe(false);
      expect(dsp.dmaOut(new Uint8Array(64))).toBe(0);
    });

    it('fills the bootstrap', () => {
      const { dsp, w, r } = make();
      w(R.icr, INIT | HM_24 | TREQ);
      expect(dsp.dmaOut(new Uint8Array(BOOTSTRAP_WORDS * 3))).toBe(BOOTSTRAP_WORDS * 3);
      expect(r(R.isr) & TRDY).toBe(TRDY);
    });

    it('has nothing for the host', () => {
      const { dsp, w } = make();
      w(R.icr, INIT | HM_24 | RREQ);
      expect([dsp.dmaRequest.level, dsp.dmaIn(new Uint8Array(3))]).toEqual([false, 0]);
    });

    it('does nothing in reset', () => {
      const { dsp, w } = make(false);
      w(R.icr, INIT | HM_24 | TREQ);
      expect([dsp.dmaRequest.level, dsp.dmaOut(new Uint8Array(3))]).toEqual([false, 0]);
    });
  });

  it('obeys the snapshot law', () => {
    const { dsp, build, w, send, bootstrap } = make();
    bootstrap();
    w(R.icr, INIT | HM_16 | TREQ);
    dsp.dmaOut(new Uint8Array(3));
    send(7);
    expectSnapshotLaw(dsp, build);
  });

  it('survives random accesses', () => {
    const { dsp, w, r } = make();
    const next = random(56_001);
    const below = (limit: number): number => Math.floor(next() * limit);
    dsp.dma = { request: () => void (dsp.dmaOut(new Uint8Array(below(9))) + dsp.dmaIn(new Uint8Array(below(9)))) };
    for (let i = 0; i < 40_000; i++) {
      const what = next();
      if (what < 0.5) w(below(8), below(256));
      else if (what < 0.95) {
        const value = r(below(8));
        expect(Number.isInteger(value) && value >= 0 && value <= 0xff).toBe(true);
      } else if (what < 0.96) dsp.resetW(next() < 0.5);
      else dsp.dmaOut(new Uint8Array(below(20)));
    }
    expectSnapshotLaw(dsp);
  });
});
