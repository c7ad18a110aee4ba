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

/** SPICE's lock bits for the session's LEDs (bit 0 Num Lock, 1 Caps Lock, 2 Scroll Lock). */
const locksOf = (leds: number): number =>
  (leds & 1 ? LOCK.NUM : 0) | (leds & 2 ? LOCK.CAPS : 0) | (leds & 4 ? LOCK.SCROLL : 0);

/**
 * Keys and mouse of a viewer. Lock keys reach the guest as keys: what the viewer says about its own locks changes
 * nothing, because a guest that lights no LEDs could not be brought into step with it.
 */
export class InputsChannel extends ServerChannel {
  readonly #sink: InputSink;
  readonly #source: ScreenSource;
  readonly #held = new Set<KeyCode>();
  readonly #scancodes = new ScancodeReader();
  #buttons = 0;
  #motions = 0;
  #detach: (() => void) | undefined;

  constructor(link: ChannelLink, sink: InputSink, source: ScreenSource) {
    super(link, MAX_MESSAGE_BYTES, ACK_WINDOW);
    this.#sink = sink;
    this.#source = source;
  }

  protected greet(): void {
    let locks: number | undefined;
    const leds = (state: number): void => {
      const type = locks === undefined ? MSG_INPUTS.INIT : MSG_INPUTS.KEY_MODIFIERS;
      if (locks === locksOf(state)) return;
      locks = locksOf(state);
      this.send(type, new ByteWriter().u16(locks).finish());
    };
    this.#detach = this.#source.attach({ resized: () => undefined, damaged: () => undefined, leds });
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
        body.u16();
        return;
      case MSGC_INPUTS.MOUSE_MOTION: {
        const dx = clamp(body.i32());
        const dy = clamp(body.i32());
        this.#buttons = buttonsOf(body.u16());
        this.#moved(dx, dy);
        return;
      }
      case MSGC_INPUTS.MOUSE_POSITION: // only of use to machines with an absolute pointer
        body.bytes(8);
        this.#buttons = buttonsOf(body.u16());
        this.#moved(0, 0);
        return;
      case MSGC_INPUTS.MOUSE_PRESS:
        this.#setButtons(this.#buttons | (BUTTONS[body.u8()] ?? 0));
        return;
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
    if (this.#buttons !== 0) this.waitFor(this.#sink.pointer(0, 0, 0));
  }

  #key(change: KeyChange | undefined): void {
    if (change === undefined) return;
    if (change.down) this.#held.add(change.code);
    else this.#held.delete(change.code);
    this.waitFor(this.#sink.key(change.code, change.down));
  }

  #moved(dx: number, dy: number): void {
    this.waitFor(this.#sink.pointer(dx, dy, this.#buttons));
    if (++this.#motions % MOTION_ACK_BUNCH === 0) this.send(MSG_INPUTS.MOUSE_MOTION_ACK);
  }

  #setButtons(buttons: number): void {
    if (buttons === this.#buttons) return;
    this.#buttons = buttons;
    this.waitFor(this.#sink.pointer(0, 0, buttons));
  }
}
