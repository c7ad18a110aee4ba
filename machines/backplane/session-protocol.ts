// SPDX-License-Identifier: MIT
import type { AudioChunk } from './audio-line.ts';
import type { KeyCode, Picture, ScreenMode, ScreenRect } from './host.ts';
import type { LogCounts, LogEntry } from './log.ts';

/** What ends a run before its time is over. */
export type Until =
  /** The text appears on serial line `port` (0 unless told otherwise), after everything earlier runs matched. */
  | { readonly serial: string | RegExp; readonly port?: number }
  /** The text can be read on the screen. */
  | { readonly screen: string | RegExp };

export interface RunRequest {
  /** Virtual seconds at most. */
  readonly seconds: number;
  readonly until?: Until | undefined;
}

/** Why a run ended. `matched` is set when the condition was met. */
export interface RunResult {
  readonly reason: 'matched' | 'time' | 'off' | 'halted' | 'checkstop' | 'breakpoint' | 'paused';
  readonly matched?: string | undefined;
  /** Virtual seconds since power-on. */
  readonly seconds: number;
}

export interface Status {
  readonly seconds: number;
  readonly pc: number;
  /** Instructions executed since power-on. */
  readonly ticks: number;
  readonly counts: Record<string, LogCounts>;
  /** Names of the serial lines, in order. */
  readonly serial: readonly string[];
  readonly screen?: { readonly width: number; readonly height: number } | undefined;
  /** Whether the machine has a sound chip. */
  readonly audio: boolean;
  /** Held: no time passes although a run is in progress. */
  readonly held: boolean;
}

/** What changed on the first screen since the frame before. With neither `mode` nor `picture` the screen is dark. */
export interface Frame {
  /** The framebuffer in the machine's shared memory, to read the rectangles from. */
  readonly mode?: ScreenMode | undefined;
  /** The whole picture, where only the adapter can draw it. */
  readonly picture?: Picture | undefined;
  /** What to look at; empty when the screen is dark or did not change. */
  readonly rects: readonly ScreenRect[];
  /** Lit LEDs of the keyboard: bit 0 Num Lock, 1 Caps Lock, 2 Scroll Lock. */
  readonly leds: number;
  /** Whether the machine is told where the pointer is, not how far it has moved. */
  readonly absolute: boolean;
}

/** What the session asks of the machine; each is answered once. */
export interface Requests {
  run: [RunRequest, RunResult];
  pause: [undefined, undefined];
  serial: [{ port: number; bytes: Uint8Array }, undefined];
  key: [{ code: KeyCode; down: boolean }, undefined];
  pointer: [{ dx: number; dy: number; buttons: number }, undefined];
  /** The pointer's place, as parts of the screen's width and height; see {@link Frame.absolute}. */
  place: [{ x: number; y: number; buttons: number }, undefined];
  wheel: [{ notches: number }, undefined];
  /** Types on the machine's keyboard, a key every `gapSeconds` of virtual time. */
  type: [{ text: string; gapSeconds?: number }, undefined];
  picture: [undefined, Picture | undefined];
  /** The memory that {@link Frame.mode} points into. */
  memory: [undefined, ArrayBufferLike];
  /** Answered when the screen, the LEDs or the kind of pointer change, or at once and with everything when `whole`. One at a time. */
  frame: [{ whole: boolean }, Frame];
  screenText: [undefined, string[] | undefined];
  status: [undefined, Status];
  /** The CPU's registers by the manual's names; empty without a CPU. */
  registers: [undefined, Record<string, number | bigint>];
  /** Holds the machine, or lets it go on: while held no time passes, and a run in progress stays in progress. */
  hold: [{ held: boolean }, undefined];
  reset: [{ kind: 'cold' | 'warm' }, undefined];
  save: [undefined, Uint8Array];
  restore: [{ snapshot: Uint8Array }, undefined];
  close: [undefined, undefined];
}

export type RequestName = keyof Requests;

/** What the machine tells without being asked. */
export type SessionEvent =
  | { readonly event: 'serial'; readonly port: number; readonly bytes: Uint8Array }
  | { readonly event: 'audio'; readonly chunk: AudioChunk }
  | { readonly event: 'log'; readonly entry: LogEntry }
  /** Something the user should know, in a line. */
  | { readonly event: 'notice'; readonly text: string };

/** How requests reach a machine: in this thread, or in another. */
export interface SessionChannel {
  request<Name extends RequestName>(name: Name, argument: Requests[Name][0]): Promise<Requests[Name][1]>;
  onEvent(listener: (event: SessionEvent) => void): void;
}
