// SPDX-License-Identifier: MIT
import type { KeyCode } from '../../machines/backplane/host.ts';
import type { ScreenSource } from '../host/screen-source.ts';
import { LOCK, MOTION_ACK_BUNCH, MOUSE_BUTTON, MOUSE_BUTTON_MASK, MSG_INPUTS, MSGC_INPUTS } from './protocol.ts';
import { type KeyChange, keyOfWord, ScancodeReader } from './scancodes.ts';
import { type ChannelLink, ServerChannel } from './server-channel.ts';
import { type ByteReader, ByteWriter, ProtocolError } from './wire.ts';

const MAX_MESSAGE_BYTES = 1024;
const ACK_WINDOW = 20;
const MAX_MOTION = 0x4000;

/** What a viewer's keyboard and mouse act on: a {@link MachineSession}. */
export interface InputSink {
  key(code: KeyCode, down: boolean): Promise<void>;
  /** Relative motion, and the pressed buttons: bit 0 left, 1 right, 2 middle. */
  pointer(dx: number, dy: number, buttons: number): Promise<void>;
  /** The pointer's place as parts of the screen, for machines that are told. */
  place(x: number, y: number, buttons: number): Promise<void>;
  /** Notches of the wheel; positive is away from the user. */
  wheel(notches: number): Promise<void>;
}

const LEFT = 1;
const RIGHT = 2;
const MIDDLE = 4;
const BUTTONS: Readonly<Record<number, number>> = {
  [MOUSE_BUTTON.LEFT]: LEFT,
  [MOUSE_BUTTON.RIGHT]: RIGHT,
  [MOUSE_BUTTON.MIDDLE]: MIDDLE,
};

const clamp = (value: number): number => Math.max(-MAX_MOTION, Math.min(MAX_MOTION, value));

const buttonsOf = (mask: number): number =>
  (mask & MOUSE_BUTTON_MASK.LEFT ? LEFT : 0) |
  (mask & MOUSE_BUTTON_MASK.RIGHT ? RIGHT : 0) |
  (mask & MOUSE_BUTTON_MASK.MIDDLE ? MIDDLE : 0);

const WHEEL: Readonly<Record<number, number>> = { [MOUSE_BUTTON.UP]: 1, [MOUSE_BUTTON.DOWN]: -1 };

/** A lock key that was pressed for the viewer is given so long to show at the LED before it is pressed again. */
const LOCK_MS = 500;
const LOCK_KEYS: readonly (readonly [number, KeyCode])[] = [
  [LOCK.NUM, 'NumLock'],
  [LOCK.CAPS, 'CapsLock'],
  [LOCK.SCROLL, 'ScrollLock'],
];

/** SPICE's lock bits for the session's LEDs (bit 0 Num Lock, 1 Caps Lock, 2 Scroll Lock). */
const locksOf = (leds: number): number =>
  (leds & 1 ? LOCK.NUM : 0) | (leds & 2 ? LOCK.CAPS : 0) | (leds & 4 ? LOCK.SCROLL : 0);

/**
 * Keys and mouse of a viewer. Its lock keys are brought into step with the guest's by pressing them, but only those
 * whose LED the guest has ever lit: for the others nothing would show that it has worked.
 */
export class InputsChannel extends ServerChannel {
  readonly #sink: InputSink;
  readonly #source: ScreenSource;
  readonly #held = new Set<KeyCode>();
  readonly #scancodes = new ScancodeReader();
  #buttons = 0;
  #motions = 0;
  /** Locks whose LED is lit, those whose LED has ever been, and when each was last pressed for the viewer. */
  #locks: number | undefined;
  #lit = 0;
  readonly #pressedAt = new Map<number, number>();
  #absolute = false;
  #size = { width: 1, height: 1 };
  /** Where the pointer is on an absolute machine, in pixels. */
  #at = { x: 0, y: 0 };
  #detach: (() => void) | undefined;

  constructor(link: ChannelLink, sink: InputSink, source: ScreenSource) {
    super(link, MAX_MESSAGE_BYTES, ACK_WINDOW);
    this.#sink = sink;
    this.#source = source;
  }

  protected greet(): void {
    const leds = (state: number): void => {
      const locks = locksOf(state);
      const type = this.#locks === undefined ? MSG_INPUTS.INIT : MSG_INPUTS.KEY_MODIFIERS;
      if (this.#locks === locks) return;
      this.#locks = locks;
      this.#lit |= locks;
      this.#pressedAt.clear();
      this.send(type, new ByteWriter().u16(locks).finish());
    };
    this.#detach = this.#source.attach({
      resized: ({ width, height }) => (this.#size = { width, height }),
      damaged: () => undefined,
      leds,
      absolute: (absolute) => (this.#absolute = absolute),
    });
  }

  protected received(type: number, body: ByteReader): void {
    switch (type) {
      case MSGC_INPUTS.KEY_DOWN:
      case MSGC_INPUTS.KEY_UP:
        this.#key(keyOfWord(body.u32()));
        return;
      case MSGC_INPUTS.KEY_SCANCODE:
        while (body.left > 0) this.#key(this.#scancodes.feed(body.u8()));
        return;
      case MSGC_INPUTS.KEY_MODIFIERS:
        this.#wantLocks(body.u16());
        return;
      case MSGC_INPUTS.MOUSE_MOTION: {
        const dx = clamp(body.i32());
        const dy = clamp(body.i32());
        this.#buttons = buttonsOf(body.u16());
        this.#moved(dx, dy);
        return;
      }
      case MSGC_INPUTS.MOUSE_POSITION:
        this.#at = { x: body.u32(), y: body.u32() };
        this.#buttons = buttonsOf(body.u16());
        body.u8(); // which monitor
        this.#acknowledge(this.#point());
        return;
      case MSGC_INPUTS.MOUSE_PRESS: {
        const button = body.u8();
        const notches = WHEEL[button];
        if (notches !== undefined) this.waitFor(this.#sink.wheel(notches));
        else this.#setButtons(this.#buttons | (BUTTONS[button] ?? 0));
        return;
      }
      case MSGC_INPUTS.MOUSE_RELEASE:
        this.#setButtons(this.#buttons & ~(BUTTONS[body.u8()] ?? 0));
        return;
      default:
        throw new ProtocolError(`inputs channel: message ${type}`);
    }
  }

  /** A viewer that goes holds nothing down. */
  protected override ended(): void {
    this.#detach?.();
    for (const code of this.#held) this.waitFor(this.#sink.key(code, false));
    this.#held.clear();
    this.#setButtons(0);
  }

  #key(change: KeyChange | undefined): void {
    if (change === undefined) return;
    if (change.down) this.#held.add(change.code);
    else this.#held.delete(change.code);
    this.waitFor(this.#sink.key(change.code, change.down));
  }

  #wantLocks(wanted: number): void {
    const now = performance.now();
    for (const [lock, code] of LOCK_KEYS) {
      if ((this.#lit & lock) === 0 || ((wanted ^ (this.#locks ?? 0)) & lock) === 0) continue;
      if (this.#held.has(code) || now - (this.#pressedAt.get(lock) ?? -Infinity) < LOCK_MS) continue;
      this.#pressedAt.set(lock, now);
      this.waitFor(this.#sink.key(code, true));
      this.waitFor(this.#sink.key(code, false));
    }
  }

  #moved(dx: number, dy: number): void {
    if (!this.#absolute) return this.#acknowledge(this.#sink.pointer(dx, dy, this.#buttons));
    this.#at = { x: Math.max(0, this.#at.x + dx), y: Math.max(0, this.#at.y + dy) };
    this.#acknowledge(this.#point());
  }

  #acknowledge(request: Promise<void>): void {
    this.waitFor(request);
    if (++this.#motions % MOTION_ACK_BUNCH === 0) this.send(MSG_INPUTS.MOUSE_MOTION_ACK);
  }

  #setButtons(buttons: number): void {
    if (buttons === this.#buttons) return;
    this.#buttons = buttons;
    this.waitFor(this.#point());
  }

  /** Tells the machine of the pointer's place, if it is told such, and the buttons. */
  #point(): Promise<void> {
    if (!this.#absolute) return this.#sink.pointer(0, 0, this.#buttons);
    const { width, height } = this.#size;
    const x = Math.min(this.#at.x, width - 1);
    const y = Math.min(this.#at.y, height - 1);
    this.#at = { x, y };
    return this.#sink.place(x / Math.max(1, width - 1), y / Math.max(1, height - 1), this.#buttons);
  }
}
