// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { consoleTitle, keysMenu, mainMenu, MenuPanel } from '../../../../frontends/sdl/menu.ts';
import { type Mouse, Pointer } from '../../../../frontends/sdl/pointer.ts';
import { pixelUnder, place, windowFor } from '../../../../frontends/sdl/scaling.ts';
import { type SoundOutput, Speaker } from '../../../../frontends/sdl/speaker.ts';
import { type Hints, titleOf } from '../../../../frontends/sdl/title.ts';

const size = (width: number, height: number): { width: number; height: number } => ({ width, height });

describe('Scaling', () => {
  it('shows whole pixels, centred', () => {
    expect(place(size(640, 480), size(640, 480), 'integer')).toEqual({
      ...size(640, 480),
      x: 0,
      y: 0,
      interpolated: false,
    });
    expect(place(size(640, 480), size(1919, 1080), 'integer')).toEqual({
      ...size(1280, 960),
      x: 319,
      y: 60,
      interpolated: false,
    });
  });

  it('shrinks what is too large, in proportion', () => {
    expect(place(size(1024, 768), size(512, 600), 'integer')).toEqual({
      ...size(512, 384),
      x: 0,
      y: 108,
      interpolated: true,
    });
  });

  it('fills smoothly', () => {
    expect(place(size(640, 480), size(1000, 900), 'smooth')).toEqual({
      ...size(1000, 750),
      x: 0,
      y: 75,
      interpolated: true,
    });
    expect(place(size(640, 480), size(1280, 960), 'smooth').interpolated).toBe(false);
  });

  it('never places nothing', () => {
    expect(place(size(4000, 1), size(100, 100), 'smooth')).toMatchObject(size(100, 1));
  });

  it('finds the pixel under a point, and the nearest one beside the picture', () => {
    const picture = size(640, 480);
    const placement = place(picture, size(1300, 1000), 'integer'); // 1280x960 at 10,20
    expect(pixelUnder({ x: 10, y: 20 }, picture, placement)).toEqual({ x: 0, y: 0 });
    expect(pixelUnder({ x: 11, y: 21 }, picture, placement)).toEqual({ x: 0, y: 0 });
    expect(pixelUnder({ x: 12, y: 22 }, picture, placement)).toEqual({ x: 1, y: 1 });
    expect(pixelUnder({ x: 1289, y: 979 }, picture, placement)).toEqual({ x: 639, y: 479 });
    expect(pixelUnder({ x: 0, y: 5000 }, picture, placement)).toEqual({ x: 0, y: 479 });
  });

  it('makes a window that fits the display', () => {
    expect(windowFor(size(640, 480), size(1920, 1050))).toEqual(size(640, 480));
    expect(windowFor(size(1280, 1024), size(1280, 512))).toEqual(size(640, 512));
    expect(windowFor(size(640, 480), undefined)).toEqual(size(640, 480));
  });
});

describe('Title', () => {
  const hints: Hints = {
    name: 'Cube',
    menuKey: 'right Ctrl',
    connected: true,
    grabbed: false,
    absolute: false,
    leds: 0,
    panel: undefined,
    notice: undefined,
  };

  it('says how to give the mouse and how to get it back', () => {
    expect(titleOf(hints)).toBe('Cube - click to give the mouse to the machine - right Ctrl: menu');
    expect(titleOf({ ...hints, grabbed: true })).toBe('Cube - right Ctrl+G gives the mouse back');
    expect(titleOf({ ...hints, absolute: true })).toBe('Cube - right Ctrl: menu');
    expect(titleOf({ ...hints, absolute: true, grabbed: true })).toBe('Cube - right Ctrl+G gives the keyboard back');
  });

  it('tells of locks, panels, news and a lost machine', () => {
    expect(titleOf({ ...hints, grabbed: true, leds: 0b110 })).toContain('[Caps Scroll]');
    expect(titleOf({ ...hints, panel: 'monitor' })).toBe('Cube - monitor');
    expect(titleOf({ ...hints, grabbed: true, notice: 'saved a.png' })).toContain(' - saved a.png - ');
    expect(titleOf({ ...hints, connected: false })).toBe('Cube - disconnected, trying again');
  });
});

describe('Menu', () => {
  const ports = ['org.emeritus.console.serial.0.0', 'org.emeritus.console.serial.1.0', 'org.emeritus.monitor.0'];

  it('offers each console by its number, the monitor and reset', () => {
    const entries = mainMenu(ports);
    const command = (code: string): unknown => entries.find((entry) => entry.code === code)?.command;
    expect(command('Digit2')).toEqual({ does: 'console', name: ports[1] });
    expect(command('KeyM')).toEqual({ does: 'console', name: ports[2] });
    expect(command('KeyR')).toEqual({ does: 'reset' });
    expect(new Set(entries.map(({ code }) => code)).size).toBe(entries.length);
    expect(consoleTitle(ports[1]!)).toBe('serial line 1');
    expect(consoleTitle('com.example.0')).toBe('com.example.0');
  });

  it('has no reset where there is no monitor', () => {
    expect(mainMenu(ports.slice(0, 2)).map(({ code }) => code)).not.toContain('KeyR');
  });

  it('sends the viewer’s own key and what desktops take', () => {
    const entries = keysMenu('ControlRight');
    expect(entries.find(({ code }) => code === 'KeyM')?.command).toEqual({ does: 'send', codes: ['ControlRight'] });
    expect(new Set(entries.map(({ code }) => code)).size).toBe(entries.length);
  });

  it('is chosen from by letter or by arrows', () => {
    const entries = mainMenu(ports);
    const menu = new MenuPanel('menu', entries);
    expect(menu.key('KeyF')).toEqual({ does: 'full-screen' });
    expect(menu.key('KeyZ')).toBeUndefined();
    expect(menu.key('Enter')).toEqual(entries[0]!.command);
    menu.key('ArrowDown');
    expect(menu.key('Enter')).toEqual(entries[1]!.command);
    menu.key('ArrowUp');
    menu.key('ArrowUp');
    expect(menu.key('NumpadEnter')).toEqual(entries.at(-1)!.command);
    expect(menu.key('Escape')).toBe('close');
    const text = Array.from({ length: menu.screen().rows }, (_, row) => menu.screen().text(row));
    expect(text[0]).toContain('menu');
    expect(text.some((line) => /\bF\s+full screen/.test(line))).toBe(true);
  });
});

describe('Pointer', () => {
  const make = (): { pointer: Pointer; said: string[]; grabs: string[] } => {
    const said: string[] = [];
    const grabs: string[] = [];
    const mouse: Mouse = {
      pointer: (dx, dy, buttons) => said.push(`move ${dx},${dy} ${buttons}`),
      place: (x, y, buttons) => said.push(`place ${x},${y} ${buttons}`),
      wheel: (notches) => said.push(`wheel ${notches}`),
    };
    const window = {
      grab: (on: boolean, relative: boolean) => grabs.push(`${on} ${relative}`),
      pixelUnder: (x: number, y: number) => ({ x: x / 2, y: y / 2 }),
    };
    return { pointer: new Pointer(window, () => mouse), said, grabs };
  };
  const motion = (dx: number, dy: number) => ({ x: 20, y: 40, dx, dy });
  const button = (number: number, down: boolean) => ({ button: number, down, x: 20, y: 40 });

  it('is given by a click, which the machine does not see', () => {
    const { pointer, said, grabs } = make();
    pointer.moved(motion(1, 1));
    pointer.wheel(1);
    pointer.flush();
    pointer.button(button(1, true));
    pointer.button(button(1, false));
    expect(pointer.grabbed).toBe(true);
    expect(grabs).toEqual(['true true']);
    expect(said).toEqual([]);
  });

  it('moves in one step between looks, before a button', () => {
    const { pointer, said } = make();
    pointer.grab(true);
    pointer.moved(motion(3, 1));
    pointer.moved(motion(2, -5));
    pointer.button(button(3, true));
    pointer.moved(motion(1, 0));
    pointer.flush();
    pointer.flush();
    pointer.wheel(-2);
    expect(said).toEqual(['move 5,-4 0', 'move 0,0 2', 'move 1,0 2', 'wheel -2']);
  });

  it('lets buttons go with the grab', () => {
    const { pointer, said, grabs } = make();
    pointer.grab(true);
    pointer.button(button(2, true));
    pointer.release();
    expect(said).toEqual(['move 0,0 4', 'move 0,0 0']);
    expect(grabs).toEqual(['true true', 'false true']);
  });

  it('says where it is to a machine that is told', () => {
    const { pointer, said, grabs } = make();
    pointer.absolute = true;
    pointer.moved(motion(1, 1));
    pointer.moved({ x: 30, y: 50, dx: 10, dy: 10 });
    pointer.flush();
    pointer.button(button(1, true));
    pointer.button(button(1, false));
    pointer.button(button(9, true));
    expect(said).toEqual(['place 15,25 0', 'place 10,20 0', 'move 0,0 1', 'place 10,20 1', 'move 0,0 0']);
    expect(pointer.grabbed).toBe(false);
    pointer.grab(true);
    expect(grabs).toEqual(['true false']); // the keyboard
  });

  it('cannot be given to nobody', () => {
    const pointer = new Pointer({ grab: () => undefined, pixelUnder: () => undefined }, () => undefined);
    pointer.button(button(1, true));
    expect(pointer.grabbed).toBe(false);
  });
});

describe('Speaker', () => {
  class Output implements SoundOutput {
    queuedBytes = 0;
    paused = true;
    closed = false;
    pause(on: boolean): void {
      this.paused = on;
    }
    queue(samples: Uint8Array): boolean {
      this.queuedBytes += samples.length;
      return true;
    }
    clear(): void {
      this.queuedBytes = 0;
    }
    close(): void {
      this.closed = true;
    }
  }
  const make = (): { speaker: Speaker; outputs: Output[] } => {
    const outputs: Output[] = [];
    const speaker = new Speaker(() => {
      outputs.push(new Output());
      return outputs.at(-1)!;
    });
    return { speaker, outputs };
  };
  const sound = (frames: number, rateHz = 10_000) => ({ rateHz, channels: 2, samples: new Int16Array(frames * 2) });

  it('begins when there is enough, and anew after it ran dry', () => {
    const { speaker, outputs } = make();
    speaker.play(undefined);
    speaker.play(sound(500));
    expect(outputs[0]).toMatchObject({ paused: true, queuedBytes: 2000 });
    speaker.play(sound(100));
    expect(outputs[0]!.paused).toBe(false);
    outputs[0]!.queuedBytes = 0;
    speaker.play(sound(100));
    expect(outputs[0]!.paused).toBe(true);
    speaker.play(undefined); // the end of a short sound is played too
    expect(outputs[0]!.paused).toBe(false);
  });

  it('leaves out what would come late', () => {
    const { speaker, outputs } = make();
    for (let i = 0; i < 100; i++) speaker.play(sound(1000));
    expect(outputs[0]!.queuedBytes).toBeLessThanOrEqual(5000 * 4);
  });

  it('opens another device for another format, and plays nothing while muted', () => {
    const { speaker, outputs } = make();
    speaker.play(sound(10));
    speaker.play(sound(10, 20_000));
    expect(outputs.map(({ closed }) => closed)).toEqual([true, false]);
    speaker.muted = true;
    expect(outputs[1]!.queuedBytes).toBe(0);
    speaker.play(sound(10, 20_000));
    expect(outputs[1]!.queuedBytes).toBe(0);
  });
});
