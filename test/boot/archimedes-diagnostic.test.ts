// SPDX-License-Identifier: MIT
//
// The diagnostic ROM of the Archimedes, which needs nothing: its test card, the keys and the mouse on it, its beeps.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { defaultConfig } from '../../frontends/cli/machine-options.ts';
import { NodeMachineHost } from '../../frontends/host/node-machine-host.ts';
import { writePng } from '../../frontends/host/png.ts';
import type { Picture } from '../../machines/backplane/host.ts';
import type { Machine, MachineConfig } from '../../machines/backplane/machine.ts';
import { LocalChannel, MachineSession } from '../../machines/backplane/session.ts';
import { machineNamed } from '../../machines/registry.ts';

class Diagnostics {
  readonly machine: Machine;
  readonly session: MachineSession;

  constructor(name = 'archimedes', changes: Partial<MachineConfig> = {}) {
    const definition = machineNamed(name);
    const config = { ...defaultConfig(definition), ...changes };
    this.machine = definition.build(new NodeMachineHost({ startSeconds: 0 }), config);
    this.session = new MachineSession(new LocalChannel(this.machine));
  }

  async text(): Promise<string> {
    return (await this.session.screenText())?.join('\n') ?? '';
  }

  /** Runs until the screen says `text`. */
  async until(text: string | RegExp, seconds = 30): Promise<string> {
    let last = '';
    for (let waited = 0; waited < seconds; waited += 0.25) {
      last = await this.text();
      if (typeof text === 'string' ? last.includes(text) : text.test(last)) return last;
      await this.session.runFor(0.25);
    }
    return expect.fail(`${String(text)} did not come in ${seconds} s:\n${last}`);
  }

  async picture(name: string): Promise<Picture> {
    const picture = (await this.session.screenshot())!;
    const folder = process.env['EMERITUS_PICTURES'];
    if (folder !== undefined) {
      mkdirSync(folder, { recursive: true });
      writePng(join(folder, `diagnostic-${name}.png`), picture);
    }
    return picture;
  }
}

const pixel = ({ width, rgba }: Picture, x: number, y: number): string =>
  Buffer.from(rgba.subarray((y * width + x) * 4, (y * width + x) * 4 + 3)).toString('hex');

describe('Archimedes diagnostic ROM', { timeout: 120_000 }, () => {
  it('shows a test card, what it found, and the keyboard ready', async () => {
    const arc = new Diagnostics();
    const text = await arc.until('every word tested');
    expect(text).toContain('Emeritus: Archimedes diagnostics');
    expect(text).toMatch(/Processor +ARM2$/m);
    expect(text).toMatch(/Machine +A305 to A440, A3000/);
    expect(text).toMatch(/Memory +4096 KiB, every word tested/);
    await arc.until(/Keyboard +ready/);
    // 24 MHz over 800 pixels and 525 lines is 57.1 frames a second.
    await arc.until(/640 x 480, 16 colours, 5[78] Hz/);
    const picture = await arc.picture('card');
    expect([picture.width, picture.height]).toEqual([640, 480]);
    for (const [x, y] of [
      [0, 0],
      [639, 0],
      [0, 479],
      [639, 479],
    ] as const)
      expect(pixel(picture, x, y)).toBe('ffffff');
    const bars = Array.from({ length: 16 }, (_, color) => pixel(picture, 64 + color * 32 + 16, 100));
    const primary = ['000000', 'ff0000', '00ff00', 'ffff00', '0000ff', 'ff00ff', '00ffff', 'ffffff'];
    const greys = ['222222', '444444', '666666', '888888', 'aaaaaa', 'cccccc'];
    expect(bars).toEqual([...primary, ...greys, 'ff8800', '0088ff']);
    await arc.session.close();
  });

  it.each([
    ['archimedes-a5000', 1, /ARM3$/m, /A5000 or A4 \(with IOEB\)/],
    ['archimedes-a3000', 2, /ARM2$/m, /A305 to A440, A3000/],
    ['archimedes-a440', 12, /ARM2$/m, /A305 to A440, A3000/],
  ])('tells the %s with %d MiB', async (name, megabytes, processor, model) => {
    const arc = new Diagnostics(name, { ramBytes: megabytes << 20, options: { speed: '4', border: 'off' } });
    const text = await arc.until('every word tested');
    expect(text).toMatch(processor);
    expect(text).toMatch(model);
    expect(text).toContain(`${megabytes * 1024} KiB, every word tested`);
    await arc.until(/Keyboard +ready/);
    await arc.session.close();
  });

  it('has a border', async () => {
    const arc = new Diagnostics('archimedes', { options: { speed: '4', border: 'on' } });
    await arc.until('diagnostics');
    const picture = await arc.picture('border');
    expect([picture.width, picture.height]).toEqual([656, 492]);
    expect(pixel(picture, 2, 2)).toBe('006666');
    expect(pixel(picture, 8, 6)).toBe('ffffff');
    await arc.session.close();
  });

  it('shows keys, the mouse and its buttons as they change', async () => {
    const arc = new Diagnostics();
    const { session } = arc;
    await arc.until(/Keyboard +ready/);
    const before = await arc.picture('before keys');
    // Q is key 0x27: the eighth of the third row.
    const keyPixel = [8 * 8 + 7 * 32, (17 + 2) * 16] as const;
    expect(pixel(before, ...keyPixel)).toBe('000000');
    await session.key('KeyQ', true);
    await arc.until('key 27 down');
    expect(pixel(await arc.picture('key'), ...keyPixel)).toBe('ffff00');
    await session.key('KeyQ', false);
    await arc.until('key 27 up');
    expect(pixel(await arc.picture('after'), ...keyPixel)).toBe('000000');

    await arc.until('x 320  y 256');
    await session.pointer(-300, 30, 0);
    await arc.until('x 20  y 286');
    await session.pointer(0, 0, 2);
    await arc.until('key 72 down');
    const shown = await arc.picture('mouse');
    expect(pixel(shown, 60 * 8, 26 * 16)).toBe('00ff00');
    expect(pixel(shown, 22, 291)).toBe('ffffff');
    expect(pixel(before, 22, 291)).toBe('000000');
    await session.pointer(0, 0, 0);
    await arc.until('key 72 up');
    await session.pointer(-4000, -4000, 0);
    await arc.until('x 0  y 0 ');
    await session.close();
  });

  it('beeps once at the start, and on the left and on the right by keys', async () => {
    const arc = new Diagnostics();
    const { session } = arc;
    const energy = { left: 0, right: 0 };
    session.onEvent((event) => {
      if (event.event !== 'audio') return;
      const { samples } = event.chunk;
      for (let i = 0; i + 1 < samples.length; i += 2) {
        energy.left += Math.abs(samples[i]!);
        energy.right += Math.abs(samples[i + 1]!);
      }
    });
    const heard = async (code?: string): Promise<[left: boolean, right: boolean]> => {
      energy.left = energy.right = 0;
      if (code !== undefined) {
        await session.key(code, true);
        await session.runFor(0.1);
        await session.key(code, false);
      }
      await session.runFor(1);
      return [energy.left > 0, energy.right > 0];
    };
    await arc.until(/Keyboard +ready/);
    expect(energy.left).toBeGreaterThan(0);
    expect(energy.right).toBe(energy.left);
    await heard();
    expect(await heard()).toEqual([false, false]);
    expect(await heard('F1')).toEqual([true, false]);
    expect(await heard('F3')).toEqual([false, true]);
    expect(await heard('F2')).toEqual([true, true]);
    await session.close();
  });

  it('lights Caps Lock', async () => {
    const arc = new Diagnostics();
    await arc.until(/Keyboard +ready/);
    await arc.session.key('CapsLock', true);
    await arc.until('key 5d down');
    await arc.session.runFor(0.1);
    expect(arc.machine.keyboard?.leds).toBe(2);
    await arc.session.close();
  });
});
