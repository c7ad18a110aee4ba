// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { AgentReader } from '../../../../frontends/spice/agent.ts';
import { ByteWriter, ProtocolError } from '../../../../frontends/spice/wire.ts';
import { random } from '../../../support/random.ts';

const message = (type: number, body: Uint8Array, protocol = 1): Uint8Array =>
  new ByteWriter().u32(protocol).u32(type).u64(0n).u32(body.length).bytes(body).finish();
const CAPABILITIES = 6;
const CLIPBOARD = 4;
const announce = message(CAPABILITIES, new ByteWriter().u32(1).u32(0b10_0110).u32(1).finish());

describe('AgentReader', () => {
  it('keeps the capabilities a viewer announces, in whatever pieces they come', () => {
    const all = new Uint8Array([...message(CLIPBOARD, new Uint8Array(5000).fill(7)), ...announce]);
    for (const step of [1, 3, 20, 100, all.length]) {
      const reader = new AgentReader();
      for (let at = 0; at < all.length; at += step) reader.feed(all.subarray(at, at + step));
      expect(reader.caps).toEqual([1, 2, 5, 32]);
    }
  });

  it('refuses other protocols and messages nobody sends', () => {
    expect(() => new AgentReader().feed(message(CAPABILITIES, new Uint8Array(8), 2))).toThrow(ProtocolError);
    const endless = new ByteWriter().u32(1).u32(CLIPBOARD).u64(0n).u32(0xffff_ffff).finish();
    expect(() => new AgentReader().feed(endless)).toThrow('4294967295 bytes');
    expect(() => new AgentReader().feed(message(CAPABILITIES, new Uint8Array(2)))).toThrow(ProtocolError);
  });

  it('takes anything', () => {
    const next = random(0xa6e);
    for (let round = 0; round < 2000; round++) {
      const reader = new AgentReader();
      try {
        for (let chunk = 0; chunk < 5; chunk++) {
          const bytes = announce.slice(0, 1 + next() * announce.length);
          for (let flips = 0; flips < 3; flips++) bytes[Math.floor(next() * bytes.length)] = next() * 256;
          reader.feed(bytes);
        }
      } catch (error) {
        expect(error).toBeInstanceOf(ProtocolError);
      }
      expect(reader.caps.length).toBeLessThanOrEqual(2048);
    }
  });
});
