// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { KEY_GRAVE, KEY_POWER, NEXT_KEYS, NEXT_MODIFIERS } from '../../../../machines/devices/next/next-keys.ts';
import { NextSoundBox, QUIETEST } from '../../../../machines/devices/next/next-sound-box.ts';
import { expectSnapshotLaw, FakeBoard } from '../../../support/fake-board.ts';
import { random } from '../../../support/random.ts';

/** Keyboard 0 and mouse 1 are polled, the other digits say "nobody". */
const POLL = 0x01ff_fff6;
const MASTER = 0x1000_0000;
const KEY_VALID = 0x8000;
const UP = 0x80;

const POLL_NS = 5_000_000;

function make() {
  const fake = new FakeBoard();
  const { scheduler } = fake;
  const box = new NextSoundBox(fake.chip('box'), {
    samples: scheduler.clock('samples', 44_100),
    codec: scheduler.clock('codec', 8_000),
  });
  const received: number[] = [];
  const recorded: number[] = [];
  const state = { nmi: 0, sound: 0xffff };
  box.link = {
    receive: (command, data) => {
      expect(command).toBe(0xc6);
      received.push(data);
    },
    keyboardNmi: () => void state.nmi++,
    pullSound: (into) => {
      const bytes = Math.min(into.length, state.sound);
      const view = new DataView(into.buffer);
      for (let at = 0; at + 4 <= bytes; at += 4) {
        view.setInt16(at, 1000);
        view.setInt16(at + 2, -2000);
      }
      return bytes;
    },
    pushSound: (from) => void recorded.push(...from),
  };
  const played: { samples: number[]; rateHz: number }[] = [];
  box.speaker = {
    play: (samples, rateHz, channels) => {
      expect(channels).toBe(2);
      played.push({ samples: [...samples], rateHz });
    },
  };
  box.reset('cold');
  box.settle();
  return {
    fake,
    box,
    received,
    recorded,
    played,
    state,
    polls: (count = 1): void => fake.advanceNs(POLL_NS * count),
    take: (): number[] => received.splice(0),
  };
}

function polled() {
  const made = make();
  made.box.packet(0xc6, 0x10f0_0000 | (POLL & 0xf_ffff));
  return made;
}

/** Bits for one of the control lines' packets: clock, data, strobe, as the ROM shifts the volume in. */
function volume(box: NextSoundBox, word: number, bits = 11): void {
  const lines = (value: number): void => box.packet(0xc4, value << 24);
  lines(0);
  for (let bit = bits - 1; bit >= 0; bit--) {
    const data = (word >>> bit) & 1 ? 2 : 0;
    lines(data);
    lines(data | 4);
  }
  lines(1);
  lines(0);
}

describe('NextSoundBox', () => {
  describe('keyboard', () => {
    it('reports a key going down and up to the computer that polls it', () => {
      const { box, polls, take } = polled();
      box.key('KeyA', true);
      expect(take()).toEqual([]);
      polls();
      expect(take()).toEqual([MASTER | KEY_VALID | 57]);
      box.key('KeyA', false);
      polls();
      expect(take()).toEqual([MASTER | KEY_VALID | 57 | UP]);
    });

    it('says nothing to a computer that does not poll', () => {
      const { box, polls, take } = make();
      box.key('KeyA', true);
      polls(3);
      expect(take()).toEqual([]);
    });

    it('has modifiers in each event, and events of their own', () => {
      const { box, polls, take } = polled();
      box.key('ShiftLeft', true);
      box.key('AltRight', true);
      box.key('Digit1', true);
      box.key('ShiftLeft', false);
      polls(4);
      expect(take()).toEqual([
        MASTER | KEY_VALID | 0x0200,
        MASTER | KEY_VALID | 0x4200,
        MASTER | KEY_VALID | 0x4200 | 74,
        MASTER | KEY_VALID | 0x4000 | UP,
      ]);
    });

    it('keeps events for later, but not without end', () => {
      const { box, polls, take } = polled();
      for (let n = 0; n < 100; n++) box.key('KeyB', n % 2 === 0);
      polls(200);
      expect(take()).toHaveLength(64);
    });

    it('drives the power key as a wire', () => {
      const { box, polls, take } = polled();
      for (const code of ['Power', 'F12']) {
        box.key(code, true);
        expect(box.powerKey.level).toBe(true);
        box.key(code, false);
        expect(box.powerKey.level).toBe(false);
      }
      polls(3);
      expect(take()).toEqual([]);
    });

    it('interrupts with Command and the grave accent, resets with Alternate, Command and the asterisk', () => {
      const { fake, box, state } = polled();
      box.key('Backquote', true);
      expect(state.nmi).toBe(0);
      box.key('MetaRight', true);
      box.key('Backquote', true);
      expect(state.nmi).toBe(1);
      box.key('MetaRight', false);
      const resets = fake.watch(box.resetKeys);
      box.key('AltLeft', true);
      box.key('NumpadMultiply', true);
      expect(resets).toEqual([]);
      box.key('MetaLeft', true);
      box.key('NumpadMultiply', true);
      expect(resets).toEqual([true, false]);
    });

    it('knows no key twice but the power key, and none beyond a packet', () => {
      const numbers = [...NEXT_KEYS.values()].filter((key) => key !== KEY_POWER);
      expect(new Set(numbers).size).toBe(numbers.length);
      for (const key of NEXT_KEYS.values()) expect(key > 0 && key < UP).toBe(true);
      expect(NEXT_KEYS.get('Backquote')).toBe(KEY_GRAVE);
      for (const bit of NEXT_MODIFIERS.values()) expect(bit > 0 && bit < 0x80).toBe(true);
    });
  });

  describe('registers of the devices', () => {
    it('answers that nobody is there, but keeps address and LEDs', () => {
      const { box, take, polls } = make();
      box.packet(0xc5, 0x0000_0000 | (0x00 << 24) | (0x01 << 16));
      expect(take()).toEqual([0x7000_0000]);
      expect(box.leds).toBe(2);
      box.packet(0xc5, 0xef06_0000);
      expect(take()).toEqual([(0x06 << 24) | 0x7000_0000].map((value) => value >>> 0));
      box.packet(0xc6, 0x16f0_0006 | (POLL & 0xf_ff00));
      box.key('KeyA', true);
      polls();
      expect(take()).toEqual([(0x06 << 24) | MASTER | KEY_VALID | 57].map((value) => value >>> 0));
    });

    it('forgets them with the reset command', () => {
      const { box, take, polls } = polled();
      box.packet(0xc5, 0x0001_0000);
      take();
      box.packet(0xff, 0);
      expect(box.leds).toBe(0);
      box.key('KeyA', true);
      polls();
      expect(take()).toEqual([]);
    });
  });

  describe('mouse', () => {
    const motion = (data: number): { x: number; y: number; left: boolean; right: boolean } => {
      const signed = (bits: number): number => (bits & 0x40 ? bits - 0x80 : bits);
      return {
        x: signed((data >>> 1) & 0x7f),
        y: signed((data >>> 9) & 0x7f),
        left: (data & 1) === 0,
        right: (data & 0x100) === 0,
      };
    };

    it('reports motion, to the left and up as positive, in steps of at most 63', () => {
      const { box, polls, take } = polled();
      box.move(100, -5, 0);
      polls(3);
      const packets = take();
      expect(packets.map((data) => data >>> 24)).toEqual([0x01, 0x01]);
      expect(packets.map(motion)).toEqual([
        { x: -63, y: 5, left: false, right: false },
        { x: -37, y: 0, left: false, right: false },
      ]);
    });

    it('reports buttons going down and up, without motion', () => {
      const { box, polls, take } = polled();
      box.move(0, 0, 1);
      polls();
      box.move(0, 0, 3);
      polls();
      box.move(0, 0, 0);
      polls();
      expect(take().map(motion)).toEqual([
        { x: 0, y: 0, left: true, right: false },
        { x: 0, y: 0, left: true, right: true },
        { x: 0, y: 0, left: false, right: false },
      ]);
    });

    it('forgets motion nobody asks for', () => {
      const { box, polls, take } = make();
      box.move(50, 50, 0);
      polls(2);
      box.packet(0xc6, 0x10f0_0000 | (POLL & 0xf_ffff));
      box.move(1, 0, 0);
      polls();
      expect(
        take()
          .map(motion)
          .map(({ x }) => x),
      ).toEqual([-1]);
    });
  });

  describe('sound', () => {
    it('plays 44100 frames a second, until it is told to stop', () => {
      const { fake, box, played } = make();
      box.packet(0x0f, 0);
      fake.advanceNs(1_000_000_000);
      const frames = played.reduce((sum, { samples }) => sum + samples.length / 2, 0);
      expect(Math.abs(frames - 44_100)).toBeLessThanOrEqual(64);
      expect(played[0]!.samples.slice(0, 4)).toEqual([1000, -2000, 1000, -2000]);
      expect(played[0]!.rateHz).toBe(44_100);
      box.packet(0x07, 0);
      played.length = 0;
      fake.advanceNs(100_000_000);
      expect(played).toEqual([]);
    });

    it.each([
      [0x1f, [1000, -2000, 1000, -2000]],
      [0x3f, [1000, -2000, 0, 0]],
    ])('command %x plays 22050 frames a second, as %j', (command, first) => {
      const { fake, box, played } = make();
      box.packet(command, 0);
      fake.advanceNs(1_000_000_000);
      const frames = played.reduce((sum, { samples }) => sum + samples.length / 2, 0);
      expect(Math.abs(frames - 44_100)).toBeLessThanOrEqual(128);
      expect(played[0]!.samples.slice(0, 4)).toEqual(first);
    });

    it('plays single samples', () => {
      const { box, played } = make();
      box.packet(0xc7, 0x7fff_8000);
      expect(played).toEqual([{ samples: [0x7fff, -0x8000], rateHz: 44_100 }]);
    });

    it('attenuates each side by 2 dB a step, to silence', () => {
      const { box, played } = make();
      const play = (): number[] => {
        box.packet(0xc7, ((10_000 << 16) | 10_000) >>> 0);
        return played.pop()!.samples;
      };
      volume(box, 0x40 | 10);
      expect(play()).toEqual([1000, 10_000]);
      volume(box, 0x80 | 5);
      expect(play()).toEqual([1000, Math.round(10_000 * 10 ** -0.5)]);
      volume(box, 0xc0 | QUIETEST);
      expect(play()).toEqual([0, 0]);
      volume(box, 0xc0);
      expect(play()).toEqual([10_000, 10_000]);
    });

    it('wants eleven bits for a volume', () => {
      const { fake, box, played } = make();
      volume(box, 0xc0 | QUIETEST, 9);
      box.packet(0xc7, 0x1000_1000);
      expect(played.pop()!.samples).toEqual([0x1000, 0x1000]);
      expect(fake.logged('guest')).toEqual(['volume of 9 bits']);
    });

    it('is mute while the speaker is off', () => {
      const { box, played } = make();
      box.packet(0xc4, 0x1000_0000);
      box.packet(0xc7, 0x1000_1000);
      box.packet(0xc4, 0);
      box.packet(0xc7, 0x1000_1000);
      expect(played.map(({ samples }) => samples)).toEqual([
        [0, 0],
        [0x1000, 0x1000],
      ]);
    });

    it('hears 8000 samples of silence a second', () => {
      const { fake, box, recorded } = make();
      box.packet(0x0b, 0);
      fake.advanceNs(1_000_000_000);
      expect(recorded).toHaveLength(8000);
      expect(new Set(recorded)).toEqual(new Set([0xff]));
      box.packet(0x03, 0);
      fake.advanceNs(100_000_000);
      expect(recorded).toHaveLength(8000);
    });
  });

  it('logs commands that are none', () => {
    const { fake, box } = make();
    box.packet(0x80, 1);
    expect(fake.logged('guest')).toEqual(['unknown command 0x80, data 0x1']);
  });

  it('obeys the snapshot law and goes on where it was', () => {
    const { fake, box } = polled();
    box.packet(0x1f, 0);
    box.packet(0x0b, 0);
    volume(box, 0x40 | 7);
    box.key('ShiftLeft', true);
    box.key('KeyA', true);
    box.move(20, 30, 1);
    fake.advanceNs(1_000_000);
    expectSnapshotLaw(box, () => make().box);
    const other = make();
    other.box.restore(box.save());
    other.box.settle();
    other.polls(3);
    expect(other.take()).toHaveLength(3);
    expect(other.played.length).toBeGreaterThan(0);
    expect(other.recorded.length).toBeGreaterThan(0);
  });

  it('survives random packets and events', () => {
    const { fake, box, received, recorded, played, state } = make();
    const next = random(16);
    const below = (n: number): number => Math.floor(next() * n);
    const codes = [...NEXT_KEYS.keys(), ...NEXT_MODIFIERS.keys(), 'Nonsense'];
    const commands = [0xff, 0xc7, 0xc6, 0xc5, 0xc4, 0xc2, 0x07, 0x0f, 0x1f, 0x3f, 0x03, 0x0b];
    for (let i = 0; i < 10_000; i++) {
      const what = below(4);
      if (what === 0) box.packet(below(3) === 0 ? below(256) : commands[below(commands.length)]!, below(2 ** 32));
      else if (what === 1) box.key(codes[below(codes.length)]!, below(2) === 0);
      else if (what === 2) box.move((next() - 0.5) * 1e6, (next() - 0.5) * 100, below(8));
      else state.sound = below(300);
      fake.advanceNs(below(2_000_000));
      if (received.some((data) => !(Number.isInteger(data) && data >= 0 && data <= 0xffff_ffff))) {
        expect.fail('a packet that is no word');
      }
      received.length = recorded.length = played.length = 0;
    }
    expect(box.leds === 0 || box.leds === 2).toBe(true);
  });
});
