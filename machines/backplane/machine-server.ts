// SPDX-License-Identifier: MIT
import type { Picture } from './host.ts';
import type { Machine } from './machine.ts';
import { Runner } from './runner.ts';
import type { Task } from './scheduler.ts';
import { SerialLine } from './serial-line.ts';
import type { RequestName, Requests, RunRequest, RunResult, SessionEvent, Status, Until } from './session-protocol.ts';
import { keystroke } from './us-keyboard.ts';

/** Host time in milliseconds, for pacing only; the machine never sees it. */
export interface HostClock {
  now(): number;
}

/** The answer to a request: at once, or later through the callback it was made with. */
export type Reply<Name extends RequestName> = (result: Requests[Name][1] | Error) => void;

interface RunInProgress {
  readonly end: number;
  readonly until: Until | undefined;
  readonly reply: Reply<'run'>;
}

/** Text a serial line sent that no `until` has consumed yet is kept up to this length. */
const TRANSCRIPT_CHARS = 1 << 18;
/** Screen text is looked for this often, in virtual seconds. */
const SCREEN_POLL_SECONDS = 0.1;
/** While somebody waits for a frame, the screen is looked at this often, in virtual seconds. */
const FRAME_POLL_SECONDS = 0.004;
/** Sound is handed on in pieces of this length, in virtual seconds. */
const AUDIO_SECONDS = 0.01;
/** A slice's length, in virtual seconds: how often commands and serial output are looked at. */
const SLICE_SECONDS = 0.001;
/** Falling behind the host clock by more than this is given up: virtual time jumps. */
const MAX_LAG_MS = 20;
/** A busy machine may be ahead of the host clock by so much: many short sleeps cost more than the work between them. */
const MIN_SLEEP_MS = 1;

/**
 * Runs one machine on behalf of a session: answers requests, and does a slice of work each time it is called.
 * The caller owns the thread and decides when to call.
 */
export class MachineServer {
  readonly #machine: Machine;
  readonly #runner: Runner;
  readonly #emit: (event: SessionEvent) => void;
  readonly #clock: HostClock | undefined;
  readonly #transcripts: string[];
  readonly #typing: { code: string; down: boolean }[] = [];
  readonly #typist: Task;
  #typingGap = 0;
  #incoming: { port: number; bytes: Uint8Array; reply: Reply<'serial'> }[] = [];
  #run: RunInProgress | undefined;
  #sliceTicks: number;
  #nextScreenLook = 0;
  #frame: Reply<'frame'> | undefined;
  #nextFrameLook = 0;
  #leds = 0;
  #absolute = false;
  #held = false;
  #paceHost = 0;
  #paceVirtual = 0;

  /** With a clock, virtual time is paced to it; without, the machine runs as fast as it can. */
  constructor(machine: Machine, emit: (event: SessionEvent) => void, clock?: HostClock) {
    this.#machine = machine;
    this.#runner = new Runner(machine);
    this.#emit = emit;
    this.#clock = clock;
    this.#transcripts = machine.serial.map(() => '');
    this.#sliceTicks = Math.ceil(machine.board.scheduler.masterHz * SLICE_SECONDS);
    this.#typist = machine.board.scheduler.task('session.typist', () => this.#typeNext());
    this.#runner.start('cold');
  }

  /** Whether {@link tick} has something to do. */
  get running(): boolean {
    return this.#run !== undefined && !this.#held;
  }

  /** Answers `reply` once, now or (for `run`) when it is over. */
  handle<Name extends RequestName>(name: Name, argument: Requests[Name][0], reply: Reply<Name>): void {
    try {
      const handler = this.#handlers[name] as (argument: Requests[Name][0], reply: Reply<Name>) => void;
      handler(argument, reply);
    } catch (error) {
      reply(error instanceof Error ? error : new Error(String(error)));
    }
  }

  /**
   * One slice of the run in progress. Returns how many milliseconds the caller may sleep before the next call:
   * 0 for none, `Infinity` while there is nothing to run.
   */
  tick(): number {
    const run = this.#run;
    if (run === undefined || this.#held) return Infinity;
    const { scheduler } = this.#machine.board;
    if (this.#incoming.length > 0) this.#feedSerial();
    const outcome = this.#runner.slice(Math.min(this.#sliceTicks, Math.max(1, run.end - scheduler.now)));
    this.#drainSerial();
    this.#drainAudio(AUDIO_SECONDS);
    if (this.#frame !== undefined && scheduler.now >= this.#nextFrameLook) this.#lookAtScreen(false);
    const matched = this.#condition(run.until);
    if (matched !== undefined) this.#finish('matched', matched);
    else if (outcome === 'off' || outcome === 'checkstop' || outcome === 'breakpoint') this.#finish(outcome);
    else if (outcome === 'reset') this.#runner.start('warm');
    else if (outcome === 'halted' && this.#clock === undefined) this.#finish('halted');
    else if (scheduler.now >= run.end) this.#finish('time');
    if (this.#run === undefined) return 0;
    const idle = outcome === 'idle' || outcome === 'halted';
    return this.#clock === undefined ? this.#skipIdle(idle, run) : this.#pace(this.#clock, idle, run);
  }

  /** Virtual mode: an idle machine jumps straight to what happens next. */
  #skipIdle(idle: boolean, run: RunInProgress): 0 {
    if (!idle) return 0;
    const left = run.end - this.#machine.board.scheduler.now;
    this.#runner.skip(Math.max(0, Math.min(this.#runner.idleTicks, left)));
    if (this.#machine.board.scheduler.now >= run.end) this.#finish('time');
    return 0;
  }

  /** Realtime mode: sleep when ahead of the host; when hopelessly behind, let virtual time jump, or stay behind for good. */
  #pace(clock: HostClock, idle: boolean, run: RunInProgress): number {
    const { scheduler } = this.#machine.board;
    const ticksPerMs = scheduler.masterHz / 1000;
    const hostMs = clock.now() - this.#paceHost;
    const virtualMs = (scheduler.now - this.#paceVirtual) / ticksPerMs;
    const behindMs = hostMs - virtualMs;
    if (idle && behindMs > 0) {
      const ticks = Math.min(this.#runner.idleTicks, Math.floor(behindMs * ticksPerMs), run.end - scheduler.now);
      this.#runner.skip(Math.max(0, ticks));
      if (ticks * 2 >= behindMs * ticksPerMs) return Math.min(10, this.#runner.idleTicks / ticksPerMs);
      return 0;
    }
    if (behindMs > MAX_LAG_MS) {
      if (this.#machine.timeSlips === true) this.#paceHost += behindMs;
      else this.#runner.skip(Math.floor(behindMs * ticksPerMs));
      return 0;
    }
    if (behindMs >= 0) return 0;
    if (idle) return Math.min(10, this.#runner.idleTicks / ticksPerMs);
    return -behindMs < MIN_SLEEP_MS ? 0 : -behindMs;
  }

  readonly #handlers: { [Name in RequestName]: (argument: Requests[Name][0], reply: Reply<Name>) => void } = {
    run: (request, reply) => this.#startRun(request, reply),
    pause: (_, reply) => {
      if (this.#run !== undefined) this.#finish('paused');
      reply(undefined);
    },
    serial: ({ port, bytes }, reply) => {
      this.#incoming.push({ port, bytes, reply });
      this.#feedSerial();
    },
    key: ({ code, down }, reply) => {
      this.#machine.keyboard?.key(code, down);
      reply(undefined);
    },
    pointer: ({ dx, dy, buttons }, reply) => {
      this.#machine.pointer?.move(dx, dy, buttons);
      reply(undefined);
    },
    place: ({ x, y, buttons }, reply) => {
      this.#machine.pointer?.place?.(x, y, buttons);
      reply(undefined);
    },
    wheel: ({ notches }, reply) => {
      this.#machine.pointer?.wheel?.(notches);
      reply(undefined);
    },
    type: ({ text, gapSeconds = 0.02 }, reply) => {
      this.#typingGap = this.#machine.board.scheduler.masterHz * gapSeconds;
      for (const character of text) this.#queueStroke(character);
      if (!this.#typist.scheduled) this.#typist.schedule(1);
      reply(undefined);
    },
    picture: (_, reply) => reply(this.#picture()),
    memory: (_, reply) => reply(this.#machine.board.memory.memory.buffer),
    frame: ({ whole }, reply) => {
      if (this.#frame !== undefined) throw new Error('a frame is already being waited for');
      this.#frame = reply;
      this.#lookAtScreen(whole);
    },
    screenText: (_, reply) => reply(this.#machine.screens[0]?.text?.()),
    status: (_, reply) => reply(this.#status()),
    registers: (_, reply) => reply(this.#machine.board.cpu?.registers() ?? {}),
    hold: ({ held }, reply) => {
      this.#held = held;
      this.#startPacing();
      reply(undefined);
    },
    reset: ({ kind }, reply) => {
      this.#runner.start(kind);
      reply(undefined);
    },
    save: (_, reply) => reply(this.#runner.save()),
    restore: ({ snapshot }, reply) => {
      this.#typing.length = 0;
      this.#runner.restore(snapshot);
      this.#startPacing();
      reply(undefined);
    },
    close: (_, reply) => {
      if (this.#run !== undefined) this.#finish('paused');
      this.#frame?.(new Error('the machine has ended'));
      this.#frame = undefined;
      this.#machine.close();
      reply(undefined);
    },
  };

  /** Gives the lines what they have room for; a request is answered when all of its bytes are in. */
  #feedSerial(): void {
    const full = new Set<number>();
    this.#incoming = this.#incoming.filter((entry) => {
      const line = this.#machine.serial[entry.port];
      if (line !== undefined && (full.has(entry.port) || line.room < entry.bytes.length)) {
        full.add(entry.port);
        if (entry.bytes.length <= SerialLine.MAX_INPUT) return true;
      }
      line?.feed(entry.bytes);
      entry.reply(undefined);
      return false;
    });
  }

  #startRun({ seconds, until }: RunRequest, reply: Reply<'run'>): void {
    if (this.#run !== undefined) throw new Error('the machine is already running');
    const { scheduler } = this.#machine.board;
    this.#run = { end: scheduler.now + Math.ceil(seconds * scheduler.masterHz), until, reply };
    this.#nextScreenLook = 0;
    this.#startPacing();
    const matched = this.#condition(until);
    if (matched !== undefined) this.#finish('matched', matched);
  }

  /** From now on, virtual time follows the host's. */
  #startPacing(): void {
    this.#paceHost = this.#clock?.now() ?? 0;
    this.#paceVirtual = this.#machine.board.scheduler.now;
  }

  #finish(reason: RunResult['reason'], matched?: string): void {
    const run = this.#run!;
    this.#run = undefined;
    this.#drainAudio(0);
    run.reply({ reason, matched, seconds: this.#runner.seconds });
  }

  #drainSerial(): void {
    this.#machine.serial.forEach((line, port) => {
      const bytes = line.drain();
      if (bytes.length === 0) return;
      const text = this.#transcripts[port]! + latin1(bytes);
      this.#transcripts[port] = text.slice(-TRANSCRIPT_CHARS);
      this.#emit({ event: 'serial', port, bytes });
    });
  }

  /** Hands on what has waited for at least so long. */
  #drainAudio(seconds: number): void {
    const { audio } = this.#machine;
    if (audio === undefined || audio.waitingSeconds < seconds) return;
    for (const chunk of audio.drain()) this.#emit({ event: 'audio', chunk });
  }

  /** The text that met the condition, or `undefined`. */
  #condition(until: Until | undefined): string | undefined {
    if (until === undefined) return undefined;
    if ('serial' in until) {
      const port = until.port ?? 0;
      const text = this.#transcripts[port] ?? '';
      const found = find(text, until.serial);
      if (found === undefined) return undefined;
      this.#transcripts[port] = text.slice(found.end);
      return found.text;
    }
    if (this.#runner.seconds < this.#nextScreenLook) return undefined;
    this.#nextScreenLook = this.#runner.seconds + SCREEN_POLL_SECONDS;
    const text = this.#machine.screens[0]?.text?.()?.join('\n');
    return text === undefined ? undefined : find(text, until.screen)?.text;
  }

  #queueStroke(character: string): void {
    const stroke = keystroke(character);
    if (stroke === undefined) throw new RangeError(`no key of a US keyboard types ${JSON.stringify(character)}`);
    if (stroke.shift) this.#typing.push({ code: 'ShiftLeft', down: true });
    this.#typing.push({ code: stroke.code, down: true }, { code: stroke.code, down: false });
    if (stroke.shift) this.#typing.push({ code: 'ShiftLeft', down: false });
  }

  #typeNext(): void {
    const next = this.#typing.shift();
    if (next === undefined) return;
    this.#machine.keyboard?.key(next.code, next.down);
    this.#typist.schedule(this.#typingGap);
  }

  /** Answers who waits for a frame, if there is something to tell. */
  #lookAtScreen(whole: boolean): void {
    const { board, screens, keyboard, pointer } = this.#machine;
    this.#nextFrameLook = board.scheduler.now + board.scheduler.masterHz * FRAME_POLL_SECONDS;
    const screen = screens[0];
    const leds = keyboard?.leds ?? 0;
    const absolute = pointer?.absolute ?? false;
    const damage = screen?.damage?.();
    if (!whole && damage?.length === 0 && leds === this.#leds && absolute === this.#absolute) return;
    this.#leds = leds;
    this.#absolute = absolute;
    const mode = screen?.mode?.();
    const picture = mode === undefined ? screen?.picture() : undefined;
    const size = mode ?? picture;
    const reply = this.#frame;
    this.#frame = undefined;
    if (size === undefined) return reply?.({ rects: [], leds, absolute });
    const everything = [{ x: 0, y: 0, width: size.width, height: size.height }];
    reply?.({ mode, picture, rects: whole ? everything : (damage ?? everything), leds, absolute });
  }

  #picture(): Picture | undefined {
    return this.#machine.screens[0]?.picture();
  }

  #status(): Status {
    const { board } = this.#machine;
    const picture = this.#picture();
    return {
      seconds: this.#runner.seconds,
      pc: board.cpu?.pc ?? 0,
      ticks: board.scheduler.now,
      counts: Object.fromEntries(board.log.counts),
      serial: this.#machine.serial.map(({ name }) => name),
      screen: picture && { width: picture.width, height: picture.height },
      audio: this.#machine.audio !== undefined,
      held: this.#held,
    };
  }
}

function find(text: string, wanted: string | RegExp): { text: string; end: number } | undefined {
  if (typeof wanted === 'string') {
    const at = text.indexOf(wanted);
    return at < 0 ? undefined : { text: wanted, end: at + wanted.length };
  }
  const match = wanted.exec(text);
  return match === null ? undefined : { text: match[0], end: match.index + match[0].length };
}

const latin1 = (bytes: Uint8Array): string => Array.from(bytes, (byte) => String.fromCharCode(byte)).join('');
