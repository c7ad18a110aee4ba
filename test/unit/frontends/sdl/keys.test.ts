// SPDX-License-Identifier: MIT
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { keyOfScancode, knownKeys } from '../../../../frontends/sdl/key-map.ts';
import { HeldKeys } from '../../../../frontends/sdl/keyboard.ts';
import { keyName, MenuKey } from '../../../../frontends/sdl/menu-key.ts';
import { strokesFor, tap, Typist } from '../../../../frontends/sdl/typist.ts';
import { keysWithScancodes, scancodeOf } from '../../../../frontends/spice/scancodes.ts';

describe('Key map', () => {
  it('names the physical key of SDL scan codes', () => {
    // Usage numbers of [HID-USAGE] §10.
    const examples = [
      [0x04, 'KeyA'],
      [0x1d, 'KeyZ'],
      [0x27, 'Digit0'],
      [0x28, 'Enter'],
      [0x39, 'CapsLock'],
      [0x45, 'F12'],
      [0x48, 'Pause'],
      [0x52, 'ArrowUp'],
      [0x53, 'NumLock'],
      [0x62, 'Numpad0'],
      [0x64, 'IntlBackslash'],
      [0x66, 'Power'],
      [0x87, 'IntlRo'],
      [0xe0, 'ControlLeft'],
      [0xe7, 'MetaRight'],
    ] as const;
    for (const [scancode, code] of examples) expect(keyOfScancode(scancode)).toBe(code);
    expect(keyOfScancode(0)).toBeUndefined();
    expect(keyOfScancode(0x11b)).toBeUndefined();
  });

  it('knows every key that SPICE has a scan code for, and no other', () => {
    const known = knownKeys();
    expect(keysWithScancodes().filter((code) => !known.has(code))).toEqual([]);
    expect([...known].filter((code) => scancodeOf(code) === undefined)).toEqual([]);
  });
});

describe('HeldKeys', () => {
  it('says each change once and releases all', () => {
    const said: string[] = [];
    const keys = new HeldKeys((code, down) => said.push(`${down ? '+' : '-'}${code}`));
    keys.set('KeyA', true);
    keys.set('KeyA', true);
    keys.set('KeyB', false);
    keys.set('ShiftLeft', true);
    keys.releaseAll();
    keys.releaseAll();
    expect(said).toEqual(['+KeyA', '+ShiftLeft', '-KeyA', '-ShiftLeft']);
  });
});

describe('MenuKey', () => {
  it('opens the menu when it is pressed alone', () => {
    const menu = new MenuKey('ControlRight');
    expect(menu.key('ControlRight', true)).toEqual({ to: 'nobody' });
    expect(menu.key('ControlRight', true)).toEqual({ to: 'nobody' }); // repeats
    expect(menu.key('ControlRight', false)).toEqual({ to: 'menu' });
  });

  it('takes a key pressed with it, and its release, from the machine', () => {
    const menu = new MenuKey('ControlRight');
    menu.key('ControlRight', true);
    expect(menu.key('KeyF', true)).toEqual({ to: 'command', code: 'KeyF' });
    expect(menu.key('KeyF', true)).toEqual({ to: 'nobody' });
    expect(menu.key('ControlRight', false)).toEqual({ to: 'nobody' });
    expect(menu.key('KeyF', false)).toEqual({ to: 'nobody' });
    expect(menu.key('KeyF', true)).toEqual({ to: 'machine' });
  });

  it('leaves the machine its keys', () => {
    const menu = new MenuKey('ControlRight');
    expect(menu.key('ControlLeft', true)).toEqual({ to: 'machine' });
    menu.key('ControlRight', true);
    expect(menu.key('ControlLeft', false)).toEqual({ to: 'machine' });
  });

  it('forgets what was held when the keyboard goes', () => {
    const menu = new MenuKey('F12');
    menu.key('F12', true);
    menu.reset();
    expect(menu.key('KeyA', true)).toEqual({ to: 'machine' });
    expect(menu.key('F12', false)).toEqual({ to: 'nobody' });
  });

  it('is called as people call it', () => {
    expect(keyName('ControlRight')).toBe('right Ctrl');
    expect(keyName('KeyM')).toBe('M');
    expect(keyName('Digit3')).toBe('3');
  });
});

describe('Typist', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it('knows the keys of characters', () => {
    expect(strokesFor('a')).toEqual(tap(['KeyA']));
    expect(strokesFor('?')).toEqual(tap(['ShiftLeft', 'Slash']));
    expect(strokesFor('ü')).toBeUndefined();
    expect(tap(['AltLeft', 'F1']).map(({ code, down }) => `${down ? '+' : '-'}${code}`)).toEqual([
      '+AltLeft',
      '+F1',
      '-F1',
      '-AltLeft',
    ]);
  });

  it('types one character after the other and leaves out what has no key', () => {
    const typed: string[] = [];
    const typist = new Typist((code, down) => down && typed.push(code));
    typist.type('a\u{1f600}ü\r\nb');
    expect(typed).toEqual(['KeyA']);
    vi.advanceTimersByTime(15);
    expect(typed).toEqual(['KeyA', 'Enter']);
    expect(typist.busy).toBe(true);
    vi.advanceTimersByTime(100);
    expect(typed).toEqual(['KeyA', 'Enter', 'KeyB']);
    expect(typist.busy).toBe(false);
  });

  it('stops, and begins anew', () => {
    const typed: string[] = [];
    const typist = new Typist((code, down) => down && typed.push(code));
    typist.type('abc');
    typist.stop();
    vi.advanceTimersByTime(100);
    typist.type('x');
    expect(typed).toEqual(['KeyA', 'KeyX']);
  });

  it('keeps no more than 64 Ki characters', () => {
    let count = 0;
    const typist = new Typist((_, down) => void (down && count++));
    typist.type('a'.repeat(70_000));
    for (let i = 0; i < 70_000; i++) vi.advanceTimersToNextTimer();
    expect(count).toBe(65_536);
  });
});
