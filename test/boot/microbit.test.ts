// SPDX-License-Identifier: MIT
//
// MicroPython on a micro:bit: its prompt, LEDs, sensors, buttons, files in flash, sound, radio.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { NodeMachineHost } from '../../frontends/host/node-machine-host.ts';
import { ScreenSource } from '../../frontends/host/screen-source.ts';
import { listenTcp } from '../../frontends/spice/listeners.ts';
import { SpiceServer } from '../../frontends/spice/server.ts';
import type { NonVolatile } from '../../machines/backplane/host.ts';
import type { MachineConfig } from '../../machines/backplane/machine.ts';
import { LocalChannel, MachineSession } from '../../machines/backplane/session.ts';
import { RadioAir } from '../../machines/devices/nrf51/nrf-radio.ts';
import { buildMicrobit, type MicrobitExtras } from '../../machines/microbit/microbit.ts';
import { guest, type Input, missing } from '../support/inputs.ts';
import { TestViewer, until } from '../support/spice.ts';

const hex = guest('microbit-micropython-v1.hex', 'MicroPython for micro:bit 1.1.1');
const makecode = guest('microbit-makecode.hex', 'a MakeCode program that writes to the serial line, a Universal Hex');
const scratch = guest('microbit-bitscratch.hex', 'the BitScratch virtual machine for micro:bit');
const forth = guest('microbit-mecrisp.hex', 'Mecrisp-Stellaris for nRF51822');
const START_SECONDS = 985_435_200;
const PROMPT = '>>> ';

class KeptFlash implements NonVolatile {
  bytes: Uint8Array | undefined;
  load(): Uint8Array | undefined {
    return this.bytes?.slice();
  }
  store(bytes: Uint8Array): void {
    this.bytes = bytes.slice();
  }
}

class FlashedHost extends NodeMachineHost {
  readonly #flash: KeptFlash;
  constructor(flash: KeptFlash) {
    super({ startSeconds: START_SECONDS });
    this.#flash = flash;
  }
  override nonVolatile(): NonVolatile {
    return this.#flash;
  }
}

/** A micro:bit on virtual time with somebody at its prompt. */
class User {
  readonly session: MachineSession;
  console = '';

  constructor({
    program = hex as Input | null,
    flash = new KeptFlash(),
    extras = {} as MicrobitExtras,
    options = {},
  } = {}) {
    const config: MachineConfig = {
      machine: 'microbit',
      ramBytes: 16 << 10,
      options,
      media: [],
      roms: [],
      ...(program && { kernel: { title: 'program.hex', bytes: readFileSync(program.path!) } }),
    };
    const machine = buildMicrobit(new FlashedHost(flash), config, extras);
    this.session = new MachineSession(new LocalChannel(machine));
    this.session.onEvent((event) => {
      if (event.event === 'serial') this.console += Buffer.from(event.bytes).toString('latin1');
    });
  }

  async prompt(seconds = 5): Promise<void> {
    for (let i = 0; i < seconds * 20 && !this.console.endsWith(PROMPT); i++) await this.session.runFor(0.05);
    expect(this.console.endsWith(PROMPT), this.console).toBe(true);
  }

  /** What a line prints. */
  async says(line: string, seconds = 5): Promise<string> {
    await this.enters(line);
    await this.prompt(seconds);
    return this.console.slice(0, -PROMPT.length).replaceAll('\r', '').split('\n').slice(1).join('\n').trimEnd();
  }

  async enters(line: string): Promise<void> {
    this.console = '';
    await this.session.serial(`${line}\r`);
  }

  async leds(): Promise<string> {
    return (await this.session.screenText())!.join(' ');
  }
}

async function started(...from: ConstructorParameters<typeof User>): Promise<User> {
  const user = new User(...from);
  await user.prompt();
  await user.says('from microbit import *');
  return user;
}

const lacks = missing(hex);
describe.skipIf(lacks)(`MicroPython on microbit${lacks && ` (needs ${lacks})`}`, () => {
  it('scrolls letters and reads its sensors', async () => {
    const user = await started();
    await user.enters('display.scroll("Hi"); print(accelerometer.get_x(), button_a.is_pressed(), temperature())');
    const seen = new Set<string>();
    for (let i = 0; i < 300; i++) {
      await user.session.runFor(0.01);
      seen.add(await user.leds());
    }
    await user.prompt();
    expect([...seen]).toContain('90090 90090 99990 90090 90090');
    expect([...seen]).toContain('00909 00900 99909 00909 00909');
    expect(user.console).toContain('0 False 22\r\n');
  });

  it('shows nine brightnesses of an LED', async () => {
    const user = await started();
    await user.says('display.show(Image("12345:67890:00000:00000:99999"))');
    await user.session.runFor(0.2);
    const leds = [...(await user.leds()).replaceAll(' ', '')].map(Number);
    expect(leds.slice(9)).toEqual([0, ...new Array<number>(10).fill(0), 9, 9, 9, 9, 9]);
    // The dimmest are lit for about as long as an interrupt takes.
    leds.slice(0, 9).forEach((level, i) => expect(Math.abs(level - i - 1)).toBeLessThanOrEqual(1));
    expect(leds.slice(3, 9)).toEqual([4, 5, 6, 7, 8, 9]);
  });

  it('goes on when its timer has wrapped, after 17 seconds', async () => {
    const user = await started();
    await user.session.runFor(20);
    await user.says('display.show(Image.HAPPY)');
    await user.session.runFor(0.2);
    expect(await user.leds()).toBe('00000 09090 00000 90009 09990');
  });

  it('feels keys, clicks and tilt', async () => {
    const user = await started();
    const { session } = user;
    const buttons = async (): Promise<string> => {
      await session.runFor(0.2);
      return user.says('button_a.is_pressed(), button_b.is_pressed()');
    };
    await session.key('KeyB', true);
    expect(await buttons()).toBe('(False, True)');
    await session.key('KeyB', false);
    await session.place(60 / 416, 140 / 336, 1);
    expect(await buttons()).toBe('(True, False)');
    await session.place(60 / 416, 140 / 336, 0);
    expect(await buttons()).toBe('(False, False)');
    expect(await user.says('button_a.get_presses(), button_b.get_presses()')).toBe('(1, 1)');
    const tilted = async (key: 'ArrowLeft' | 'ArrowRight' | 'ArrowUp' | 'ArrowDown'): Promise<number[]> => {
      await session.key(key, true);
      await session.runFor(0.2);
      const values = (await user.says('accelerometer.get_values()')).match(/-?\d+/g)!.map(Number);
      await session.key(key, false);
      return values.map((value) => Math.round(value / 200));
    };
    expect(await tilted('ArrowRight')).toEqual([4, 0, -4]);
    expect(await tilted('ArrowLeft')).toEqual([-4, 0, -4]);
    expect(await tilted('ArrowUp')).toEqual([0, 4, -4]);
    expect(await tilted('ArrowDown')).toEqual([0, -4, -4]);
    const shaken = async (): Promise<string> => {
      await user.says('for i in range(20): accelerometer.current_gesture(); sleep(50)\r', 20);
      return user.says('accelerometer.was_gesture("shake")');
    };
    await shaken();
    expect(await shaken()).toBe('False');
    await session.key('Space', true);
    expect(await shaken()).toBe('True');
    await session.key('Space', false);
  });

  it('is clicked and tilted in the picture of a viewer', async () => {
    const user = await started();
    const { session } = user;
    const screen = new ScreenSource(session);
    const server = new SpiceServer({ title: 'micro:bit', screen, input: session, ports: [], log: () => {} });
    const listener = await listenTcp(server, { host: '127.0.0.1', port: 0 });
    const viewer = await TestViewer.connect({ host: '127.0.0.1', port: listener.port });
    try {
      const shows = (x: number, y: number, color: number): Promise<void> =>
        until(
          async () => {
            await session.runFor(0.05);
            return viewer.absolute && viewer.pixels[y * viewer.width + x] === color;
          },
          `${x}, ${y} of ${viewer.width} x ${viewer.height} is ${color.toString(16)}`,
        );
      await shows(60, 140, 0x16_1618);
      viewer.client.place(60, 140, 0);
      viewer.client.pointer(0, 0, 1);
      await shows(60, 140, 0xe0_6020);
      await session.runFor(0.2);
      expect(await user.says('button_a.is_pressed(), button_b.is_pressed()')).toBe('(True, False)');
      viewer.client.pointer(0, 0, 0);
      await shows(60, 140, 0x16_1618);
      await session.runFor(0.2);
      expect(await user.says('button_a.is_pressed(), button_a.get_presses()')).toBe('(False, 1)');
      viewer.client.place(312, 168, 2);
      await shows(212, 36, 0x00_a0a0);
      await session.runFor(0.2);
      expect(Number(await user.says('accelerometer.get_x()'))).toBeGreaterThan(400);
    } finally {
      viewer.client.close();
      listener.close();
      server.close();
    }
  });

  it('feels a finger on a pad, and volts at one', async () => {
    const user = await started({ options: { p1: '1.5', p2: '3.3' } });
    const { session } = user;
    const touched = async (): Promise<string> => {
      await session.runFor(0.3);
      await user.says('pin0.is_touched()');
      await session.runFor(0.3);
      return user.says('pin0.is_touched()');
    };
    expect(await touched()).toBe('False');
    await session.place(44 / 416, 300 / 336, 1);
    expect(await touched()).toBe('True');
    await session.place(44 / 416, 300 / 336, 0);
    expect(await touched()).toBe('False');
    await session.key('Digit0', true);
    expect(await touched()).toBe('True');
    expect(await user.says('pin1.read_analog(), pin2.read_analog(), pin2.read_digital()')).toBe('(465, 1023, 1)');
  });

  it('keeps files in its flash over a reset and a new start without a program', async () => {
    const flash = new KeptFlash();
    const user = await started({ flash });
    expect(await user.says('with open("a.txt","w") as f: f.write("hi")\r')).toContain('2');
    expect(await user.says('open("a.txt").read()')).toBe("'hi'");
    user.console = '';
    await user.session.reset('warm');
    await user.prompt();
    expect(await user.says('open("a.txt").read()')).toBe("'hi'");
    user.console = '';
    await user.enters('reset()');
    await user.session.runFor(0.5);
    await user.prompt();
    expect(user.console).toContain('MicroPython');

    const later = new User({ flash, program: null });
    await later.prompt();
    expect(await later.says('open("a.txt").read()')).toBe("'hi'");
  });

  it('has compass, random numbers, time, sound and pins', async () => {
    const user = await started();
    const field = (await user.says('compass.get_x(), compass.get_y(), compass.get_z()')).match(/-?\d+/g)!.map(Number);
    expect(Math.round(Math.hypot(...field) / 1000)).toBe(49);
    await user.says('import random, music');
    const numbers = (await user.says('[random.randint(0, 99) for i in range(8)]')).match(/\d+/g)!;
    expect(new Set(numbers).size).toBeGreaterThan(4);
    const slept = Number(await user.says('t = running_time(); sleep(500); running_time() - t'));
    expect(slept).toBeGreaterThanOrEqual(499);
    expect(slept).toBeLessThanOrEqual(507);
    expect(await user.says('pin0.write_analog(512)')).toBe('');
    expect(await user.says('music.pitch(440, 100); music.play(["c4:1", "e4:1"])')).toBe('');
    expect(await user.says('i2c.scan()')).toBe('[14, 29]');
  });

  it('talks by radio with another one of its process', async () => {
    const extras: MicrobitExtras = { air: new RadioAir() };
    const users = [await started({ extras }), await started({ extras })] as const;
    for (const user of users) await user.says('import radio; radio.on()');
    const both = async (): Promise<void> => {
      for (let i = 0; i < 50; i++) for (const { session } of users) await session.runFor(0.01);
    };
    const tell = async (from: User, to: User, word: string): Promise<void> => {
      await from.enters(`radio.send('${word}')`);
      await both();
      expect(await to.says('radio.receive()')).toBe(`'${word}'`);
      expect(await to.says('radio.receive()')).toBe('');
      from.console = PROMPT;
    };
    await tell(users[0], users[1], 'hello');
    await tell(users[1], users[0], 'back');
  });
});

/** What a program writes within some seconds, and what its LEDs show meanwhile. */
async function watched(program: Input, seconds: number): Promise<{ user: User; leds: Set<string> }> {
  const user = new User({ program });
  const leds = new Set<string>();
  for (let i = 0; i < seconds * 20; i++) {
    await user.session.runFor(0.05);
    leds.add(await user.leds());
  }
  return { user, leds };
}

describe('other programs on microbit', () => {
  const without = (input: Input): string => missing(input) && ` (needs ${missing(input)})`;

  it.skipIf(missing(makecode))(`MakeCode's, with a SoftDevice below it${without(makecode)}`, async () => {
    const { user } = await watched(makecode, 3);
    expect(user.console).toContain('MakeCode');
  });

  it.skipIf(missing(scratch))(`BitScratch, with its radio on${without(scratch)}`, async () => {
    const { user, leds } = await watched(scratch, 2);
    expect(user.console).toContain('starting...');
    expect(leds.size).toBeGreaterThan(3);
  });

  it.skipIf(missing(forth))(`Forth, on the bare chip${without(forth)}`, async () => {
    const { user } = await watched(forth, 1);
    expect(user.console).toContain('Mecrisp-Stellaris');
    await user.enters('6 7 * .');
    await user.session.runFor(0.5);
    expect(user.console).toContain('42  ok.');
  });
});
