// SPDX-License-Identifier: MIT

/** What the window's title tells about. */
export interface Hints {
  /** The machine's. */
  readonly name: string;
  readonly menuKey: string;
  readonly connected: boolean;
  /** The mouse, or the keyboard of a machine with an absolute pointer, is the machine's alone. */
  readonly grabbed: boolean;
  /** The pointer is where the machine's is; nothing needs to be grabbed. */
  readonly absolute: boolean;
  /** Bit 0 Num Lock, 1 Caps Lock, 2 Scroll Lock. */
  readonly leds: number;
  /** The name of the panel over the screen. */
  readonly panel: string | undefined;
  /** Something that has just happened. */
  readonly notice: string | undefined;
}

const LEDS = ['Num', 'Caps', 'Scroll'];

/** The window's title: the machine, and how to get out of what one is in. */
export function titleOf(hints: Hints): string {
  const { name, menuKey, connected, grabbed, absolute, panel, notice } = hints;
  const leds = LEDS.filter((_, bit) => (hints.leds >>> bit) & 1);
  const parts = [name];
  if (notice !== undefined) parts.push(notice);
  if (!connected) parts.push('disconnected, trying again');
  else if (panel !== undefined) parts.push(panel);
  else if (grabbed) parts.push(`${menuKey}+G gives the ${absolute ? 'keyboard' : 'mouse'} back`);
  else if (!absolute) parts.push('click to give the mouse to the machine');
  if (connected && panel === undefined && !grabbed) parts.push(`${menuKey}: menu`);
  if (leds.length > 0) parts.push(`[${leds.join(' ')}]`);
  return parts.join(' - ');
}
