// SPDX-License-Identifier: MIT
import type { Device, PlainFields, ResetKind } from '../../backplane/device.ts';
import { SavedFields, SnapshotError } from '../../backplane/device.ts';
import type { KeyboardInput, KeyCode } from '../../backplane/host.ts';
import { AdbDevice, savedQueue } from './adb-bus.ts';

/** Key codes of the Apple Extended Keyboard (and of its ISO and JIS layouts) by the W3C names of the keys. */
export const ADB_KEYS: Readonly<Record<KeyCode, number>> = {
  // Main block, by rows
  Backquote: 0x32,
  Digit1: 0x12,
  Digit2: 0x13,
  Digit3: 0x14,
  Digit4: 0x15,
  Digit5: 0x17,
  Digit6: 0x16,
  Digit7: 0x1a,
  Digit8: 0x1c,
  Digit9: 0x19,
  Digit0: 0x1d,
  Minus: 0x1b,
  Equal: 0x18,
  Backspace: 0x33,
  Tab: 0x30,
  KeyQ: 0x0c,
  KeyW: 0x0d,
  KeyE: 0x0e,
  KeyR: 0x0f,
  KeyT: 0x11,
  KeyY: 0x10,
  KeyU: 0x20,
  KeyI: 0x22,
  KeyO: 0x1f,
  KeyP: 0x23,
  BracketLeft: 0x21,
  BracketRight: 0x1e,
  Backslash: 0x2a,
  IntlHash: 0x2a,
  CapsLock: 0x39,
  KeyA: 0x00,
  KeyS: 0x01,
  KeyD: 0x02,
  KeyF: 0x03,
  KeyG: 0x05,
  KeyH: 0x04,
  KeyJ: 0x26,
  KeyK: 0x28,
  KeyL: 0x25,
  Semicolon: 0x29,
  Quote: 0x27,
  Enter: 0x24,
  ShiftLeft: 0x38,
  IntlBackslash: 0x0a,
  KeyZ: 0x06,
  KeyX: 0x07,
  KeyC: 0x08,
  KeyV: 0x09,
  KeyB: 0x0b,
  KeyN: 0x2d,
  KeyM: 0x2e,
  Comma: 0x2b,
  Period: 0x2f,
  Slash: 0x2c,
  ShiftRight: 0x7b,
  ControlLeft: 0x36,
  AltLeft: 0x3a, // Option
  MetaLeft: 0x37, // Command; both keys have this code
  Space: 0x31,
  MetaRight: 0x37,
  AltRight: 0x7c,
  ControlRight: 0x7d,
  // Function row
  Escape: 0x35,
  F1: 0x7a,
  F2: 0x78,
  F3: 0x63,
  F4: 0x76,
  F5: 0x60,
  F6: 0x61,
  F7: 0x62,
  F8: 0x64,
  F9: 0x65,
  F10: 0x6d,
  F11: 0x67,
  F12: 0x6f,
  F13: 0x69,
  F14: 0x6b,
  F15: 0x71,
  PrintScreen: 0x69,
  ScrollLock: 0x6b,
  Pause: 0x71,
  Power: 0x7f,
  // Editing and arrows
  Help: 0x72,
  Insert: 0x72,
  Home: 0x73,
  PageUp: 0x74,
  Delete: 0x75,
  End: 0x77,
  PageDown: 0x79,
  ArrowUp: 0x3e,
  ArrowLeft: 0x3b,
  ArrowDown: 0x3d,
  ArrowRight: 0x3c,
  // Keypad
  NumLock: 0x47, // Clear
  NumpadClear: 0x47,
  NumpadEqual: 0x51,
  NumpadDivide: 0x4b,
  NumpadMultiply: 0x43,
  NumpadSubtract: 0x4e,
  NumpadAdd: 0x45,
  NumpadEnter: 0x4c,
  NumpadDecimal: 0x41,
  NumpadComma: 0x5f,
  Numpad0: 0x52,
  Numpad1: 0x53,
  Numpad2: 0x54,
  Numpad3: 0x55,
  Numpad4: 0x56,
  Numpad5: 0x57,
  Numpad6: 0x58,
  Numpad7: 0x59,
  Numpad8: 0x5b,
  Numpad9: 0x5c,
  // JIS
  IntlYen: 0x5d,
  IntlRo: 0x5e,
  Lang2: 0x66, // Eisu
  Lang1: 0x68, // Kana
};

const CAPS_LOCK = 0x39;
const POWER = 0x7f;
const RELEASED = 0x80;
const NOTHING = 0xff;

/** In handlers 1 and 2 the right-hand modifiers send the codes of the left-hand ones. */
const LEFT_HAND = new Map([
  [0x7b, 0x38],
  [0x7c, 0x3a],
  [0x7d, 0x36],
]);

/** Register 2 bits (zero while down) and the keys they show. */
const REGISTER_2_KEYS: readonly (readonly [mask: number, ...codes: number[]])[] = [
  [0x4000, 0x33],
  [0x2000, CAPS_LOCK],
  [0x1000, POWER],
  [0x0800, 0x36, 0x7d],
  [0x0400, 0x38, 0x7b],
  [0x0200, 0x3a, 0x7c],
  [0x0100, 0x37],
  [0x0080, 0x47],
  [0x0040, 0x6b],
];

/** Key presses kept for a host that does not poll; their releases always find room. */
const MAX_PRESSES = 64;
const MAX_QUEUE = MAX_PRESSES + 128;

/**
 * Apple Extended Keyboard (M0115), ADB address 2, handlers 1, 2 (default) and 3 (right-hand modifiers distinct).
 *
 * Host keys come by their W3C names through `key`. Caps Lock locks mechanically: each press of the host's key
 * alternates between its down and up codes. The power key sends 7f 7f and ff ff, alone in its packet.
 * Documents: [ADB], [HW01] in docs/references.md.
 * Not modelled: matrix ghosting; the wire of the power key to the power supply (see `Cuda`).
 */
export class AdbKeyboard extends AdbDevice implements Device, KeyboardInput {
  readonly id: string;
  readonly #queue: number[] = [];
  readonly #held = new Set<KeyCode>();
  #capsLocked = false;
  #leds = 0x07; // zero is lit

  constructor(id: string) {
    super(2, 2);
    this.id = id;
  }

  key(code: KeyCode, down: boolean): void {
    const adb = ADB_KEYS[code];
    if (adb === undefined || this.#held.has(code) === down) return; // unknown, or the host's auto-repeat
    if (down && this.#queue.length >= MAX_PRESSES) return;
    if (!down) this.#held.delete(code);
    const shared = this.#isDown(adb);
    if (down) this.#held.add(code);
    if (adb === CAPS_LOCK) {
      if (!down || shared) return;
      this.#capsLocked = !this.#capsLocked;
      this.#queue.push(this.#capsLocked ? CAPS_LOCK : CAPS_LOCK | RELEASED);
    } else if (!shared) {
      this.#queue.push(down ? adb : adb | RELEASED);
    }
  }

  /** Lit LEDs: bit 0 Num Lock, 1 Caps Lock, 2 Scroll Lock. */
  get leds(): number {
    return ~this.#leds & 0x07;
  }

  #isDown(adb: number): boolean {
    for (const code of this.#held) if (ADB_KEYS[code] === adb) return true;
    return false;
  }

  protected override get pending(): boolean {
    return this.#queue.length > 0;
  }

  protected override talkRegister(register: number): Uint8Array | undefined {
    if (register === 2) {
      let value = 0xfff8 | this.#leds;
      for (const [mask, ...codes] of REGISTER_2_KEYS) {
        const down = mask === 0x2000 ? this.#capsLocked : codes.some((code) => this.#isDown(code));
        if (down) value &= ~mask;
      }
      return Uint8Array.of(value >>> 8, value & 0xff);
    }
    if (register !== 0) return undefined;
    const first = this.#queue.shift();
    if (first === undefined) return undefined;
    if ((first & 0x7f) === POWER) return Uint8Array.of(first, first);
    const next = this.#queue[0];
    if (next === undefined || (next & 0x7f) === POWER) return Uint8Array.of(this.#translate(first), NOTHING);
    this.#queue.shift();
    return Uint8Array.of(this.#translate(first), this.#translate(next));
  }

  #translate(transition: number): number {
    if (this.handler === 3) return transition;
    const left = LEFT_HAND.get(transition & 0x7f);
    return left === undefined ? transition : left | (transition & RELEASED);
  }

  protected override listenRegister(register: number, data: Uint8Array): void {
    if (register === 2 && data.length >= 2) this.#leds = data[1]! & 0x07;
  }

  protected override flushed(): void {
    this.#queue.length = 0;
  }

  protected override knowsHandler(id: number): boolean {
    return id >= 1 && id <= 3;
  }

  protected override cleared(): void {
    this.#queue.length = 0;
    this.#leds = 0x07;
  }

  override reset(kind?: ResetKind): void {
    super.reset();
    if (kind === undefined || kind === 'warm') return; // a reset of the bus or the machine moves no finger
    this.#held.clear();
    this.#capsLocked = false;
  }

  settle(): void {}

  save(): PlainFields {
    return {
      bus: this.saveBus(),
      queue: [...this.#queue],
      held: [...this.#held],
      capsLocked: this.#capsLocked,
      leds: this.#leds,
    };
  }

  restore(state: PlainFields): void {
    const saved = new SavedFields(this.id, state);
    const held = saved.list('held', 256).map((code) => {
      if (typeof code !== 'string' || ADB_KEYS[code] === undefined) {
        throw new SnapshotError(`${this.id}: unknown key held`);
      }
      return code;
    });
    const queue = savedQueue(saved.list('queue', MAX_QUEUE), `${this.id}.queue`);
    this.#capsLocked = saved.bool('capsLocked');
    this.#leds = saved.int('leds', 0, 7);
    this.restoreBus(saved.nested('bus'));
    this.#queue.splice(0, this.#queue.length, ...queue);
    this.#held.clear();
    for (const code of held) this.#held.add(code);
  }
}
