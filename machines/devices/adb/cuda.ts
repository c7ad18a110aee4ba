// SPDX-License-Identifier: MIT
import type { ChipContext } from '../../backplane/board.ts';
import type { Device, PlainFields, ResetKind } from '../../backplane/device.ts';
import { SavedFields } from '../../backplane/device.ts';
import type { DeviceLog } from '../../backplane/log.ts';
import type { Scheduler, Task } from '../../backplane/scheduler.ts';
import { Wire } from '../../backplane/wire.ts';
import { CudaFirmware, type CudaLink, type CudaOptions } from './cuda-firmware.ts';
import { CUDA_TIMING, type CudaTiming } from './cuda-timing.ts';

/** The longest packet is SET_PRAM with all 256 bytes. */
const MAX_IN = 4 + 256;

/**
 * `idle`; `sync`: BYTEACK without TIP; `receiving`: a packet from the host; `working`: on that packet;
 * `attention`: TREQ asserted, waiting for TIP; `sending`: a packet to the host.
 */
const PHASES = ['startup', 'idle', 'sync', 'receiving', 'working', 'attention', 'sending'] as const;
type Phase = (typeof PHASES)[number];

/** What the next eight clocks are for. `dummy` only raises the host's interrupt. */
const SHIFTS = ['take', 'give', 'dummy'] as const;
type Shift = (typeof SHIFTS)[number];

/**
 * Apple "Cuda" (343S0060 and others, a 68HC05 with Apple's firmware): ADB host, real-time clock, parameter RAM, I2C
 * master and power switch of many Macintoshes, behind a 6522's shift register and three of its port B pins.
 *
 * Sockets: inputs `tipW` (VIA PB5), `byteackW` (PB4), both active-low pins given as "asserted", `cb2W` (VIA CB2, level);
 * outputs `treq` (VIA PB3, active-low pin, true = asserted), `cb1` and `cb2` (VIA CB1 and CB2, levels), `powerOff` and
 * `resetSystem` (for the board: they stay asserted until the chip is reset); buses: AdbBus, I2cBus.
 *
 * A byte is eight clocks on CB1, all in the moment at which the last would come: the VIA must be in one of its
 * external-clock modes. The host's packets are taken as the host asserts TIP and toggles BYTEACK; a reply or an
 * unsolicited packet asserts TREQ until its last byte. A packet the host begins while TREQ is asserted is a collision:
 * the host gets a byte it does not want, withdraws, and is asked again.
 *
 * This class is the chip's end of the line to the host; what packets do is {@link CudaFirmware}.
 *
 * Documents: [CUDA] in docs/references.md.
 * Not modelled: the 6805's memory other than PRAM and the ROM's head (reads zero); what MONO_STABLE_RESET, SEND_DFAC,
 * BATTERY_SWAP_SENSE, SET_IPL, OUT_PB0, TOGGLE_WAKEUP, FILE_SERVER_FLAG and SET_POWERUP_TIME switch (accepted and
 * kept); TIMER_TICKLE's power-off when it runs out; power-key packets.
 */
export class Cuda implements Device {
  readonly id: string;
  readonly treq: Wire;
  readonly cb1: Wire;
  readonly cb2: Wire;
  readonly powerOff: Wire;
  readonly resetSystem: Wire;

  readonly #scheduler: Scheduler;
  readonly #log: DeviceLog;
  readonly #timing: CudaTiming;
  readonly #firmware: CudaFirmware;
  readonly #notice: Task;
  readonly #shift: Task;
  readonly #treqTask: Task;

  // Pins
  #tip = false;
  #byteack = false;
  #cb2In = true;
  #treqOut = false;
  #cb2Out = true;
  #powerOff = false;
  #resetSystem = false;

  // Protocol
  #phase: Phase = 'startup';
  #seenTip = false;
  #seenByteack = false;
  #shiftFor: Shift = 'dummy';
  readonly #in: number[] = [];
  #out: number[] = [];
  #outNext = 0;
  #acknowledged = false;
  #quietSince = 0;

  constructor(context: ChipContext, options: CudaOptions) {
    this.id = context.id;
    this.#scheduler = context.scheduler;
    this.#log = context.log;
    this.#timing = { ...CUDA_TIMING, ...options.timing };
    const link: CudaLink = {
      quiet: () => this.#quiet(),
      send: (packet) => {
        this.#unsolicited(packet);
      },
      powerOff: () => {
        this.#powerOff = true;
        this.powerOff.set(true);
      },
      resetSystem: () => {
        this.#resetSystem = true;
        this.resetSystem.set(true);
      },
    };
    this.#firmware = new CudaFirmware(context, options, this.#timing, link);
    const wire = (pin: string): Wire => new Wire(`${context.id}.${pin}`);
    this.treq = wire('treq');
    this.cb1 = wire('cb1');
    this.cb2 = wire('cb2');
    this.powerOff = wire('powerOff');
    this.resetSystem = wire('resetSystem');
    const task = (name: string, callback: () => void): Task =>
      context.scheduler.task(`${context.id}.${name}`, callback);
    this.#notice = task('notice', () => {
      this.#lookAtPins();
    });
    this.#shift = task('shift', () => {
      this.#shiftByte();
    });
    this.#treqTask = task('treq', () => {
      this.#replyReady();
    });
  }

  // ---- pins -------------------------------------------------------------------------------------------------------

  tipW(asserted: boolean): void {
    this.#tip = asserted;
    this.#pinChanged();
  }

  byteackW(asserted: boolean): void {
    this.#byteack = asserted;
    this.#pinChanged();
  }

  cb2W(level: boolean): void {
    this.#cb2In = level;
  }

  #pinChanged(): void {
    if (this.#phase !== 'startup' && !this.#notice.scheduled) this.#notice.schedule(this.#ns(this.#timing.notice));
  }

  #setTreq(asserted: boolean): void {
    this.#treqOut = asserted;
    this.treq.set(asserted);
  }

  #ns(ns: number): number {
    return this.#scheduler.ns(ns);
  }

  /** Schedules eight clocks `ns` after the edge that was noticed just now. */
  #shiftAfter(what: Shift, ns: number): void {
    this.#shiftFor = what;
    this.#shift.schedule(this.#ns(Math.max(0, ns - this.#timing.notice)));
  }

  // ---- handshake --------------------------------------------------------------------------------------------------

  #lookAtPins(): void {
    if (this.#phase === 'startup') {
      this.#phase = 'idle';
      this.#seenTip = this.#seenByteack = false;
    }
    const hadTip = this.#seenTip;
    if (this.#tip === hadTip && this.#byteack === this.#seenByteack) return;
    this.#seenTip = this.#tip;
    this.#seenByteack = this.#byteack;
    if (!this.#seenTip) {
      if (this.#seenByteack) this.#enterSync();
      else this.#bothNegated();
    } else if (!hadTip) {
      this.#transferBegins();
    } else if (this.#phase === 'receiving') {
      this.#shiftAfter('take', this.#timing.take);
    } else if (this.#phase === 'sending') {
      this.#acknowledged = true;
      this.#shiftAfter('give', this.#timing.give);
    }
  }

  /** The host wants to know that somebody is there: TREQ follows BYTEACK, and unsolicited packets cease. */
  #enterSync(): void {
    this.#abandonReply();
    this.#treqTask.cancel();
    this.#in.length = 0;
    this.#phase = 'sync';
    this.#setTreq(true);
    this.#shiftAfter('dummy', this.#timing.idle);
  }

  #transferBegins(): void {
    switch (this.#phase) {
      case 'attention':
        this.#beginSending();
        break;
      case 'working':
        break; // the reply will collide with it
      default:
        this.#setTreq(false);
        this.#phase = 'receiving';
        this.#in.length = 0;
        this.#shiftAfter('take', this.#timing.take);
    }
  }

  #beginSending(): void {
    this.#phase = 'sending';
    this.#outNext = 0;
    this.#acknowledged = false;
    this.#shiftAfter('give', this.#timing.give);
  }

  #bothNegated(): void {
    switch (this.#phase) {
      case 'sync':
        this.#firmware.stopUnsolicited();
        this.#becomeIdle();
        break;
      case 'receiving':
        if (this.#in.length > 0) this.#execute();
        else this.#becomeIdle();
        break;
      case 'sending':
        if (!this.#acknowledged && this.#outNext < this.#out.length) {
          // The host was about to send and withdrew.
          this.#phase = 'attention';
          this.#shiftAfter('dummy', this.#timing.idle);
        } else {
          this.#abandonReply();
          this.#becomeIdle();
        }
        break;
      default:
        break;
    }
  }

  #becomeIdle(): void {
    this.#setTreq(false);
    this.#phase = 'idle';
    this.#quietSince = this.#scheduler.now;
    this.#shiftAfter('dummy', this.#timing.idle);
  }

  #abandonReply(): void {
    this.#firmware.endTail();
    this.#out = [];
    this.#outNext = 0;
  }

  #shiftByte(): void {
    switch (this.#shiftFor) {
      case 'take': {
        const byte = this.#clockByte(0xff);
        if (this.#in.length < MAX_IN) this.#in.push(byte);
        else this.#log.guest('packet longer than %d bytes', MAX_IN);
        break;
      }
      case 'give': {
        const byte = this.#nextOut();
        if (this.#outNext >= this.#out.length && !this.#firmware.hasTail) this.#setTreq(false);
        this.#clockByte(byte);
        break;
      }
      case 'dummy':
        this.#clockByte(0xff);
        break;
    }
  }

  #nextOut(): number {
    return this.#outNext < this.#out.length ? this.#out[this.#outNext++]! : this.#firmware.tailByte();
  }

  /** Eight clocks: data out change on the falling edge, data in are there at the rising one. */
  #clockByte(out: number): number {
    let byte = 0;
    for (let bit = 7; bit >= 0; bit--) {
      this.cb1.set(false);
      this.#cb2Out = ((out >>> bit) & 1) !== 0;
      this.cb2.set(this.#cb2Out);
      byte = (byte << 1) | (this.#cb2In ? 1 : 0);
      this.cb1.set(true);
    }
    return byte;
  }

  // ---- replies ----------------------------------------------------------------------------------------------------

  /** The reply in #out will be ready after `ns` of work. */
  #replyAfter(ns: number): void {
    this.#phase = 'working';
    this.#outNext = 0;
    this.#treqTask.schedule(this.#ns(Math.max(0, ns + this.#timing.treq - this.#timing.notice)));
    this.#shiftAfter('dummy', ns + this.#timing.idle);
  }

  #replyReady(): void {
    this.#phase = 'attention';
    this.#setTreq(true);
    if (this.#seenTip) this.#beginSending();
  }

  #unsolicited(packet: number[]): void {
    this.#phase = 'attention';
    this.#out = packet;
    this.#outNext = 0;
    this.#setTreq(true);
    this.#shiftAfter('dummy', this.#timing.attention + this.#timing.notice);
  }

  /** Nothing is going on and nothing has been for a while. */
  #quiet(): boolean {
    return (
      this.#phase === 'idle' &&
      !this.#tip &&
      !this.#byteack &&
      !this.#shift.scheduled &&
      this.#scheduler.now - this.#quietSince >= this.#ns(this.#timing.gap)
    );
  }

  // ---- packets ----------------------------------------------------------------------------------------------------

  #execute(): void {
    this.#abandonReply();
    const { reply, workNs } = this.#firmware.execute(this.#in);
    this.#out = reply;
    this.#in.length = 0;
    this.#replyAfter(workNs);
  }

  // ---- device -----------------------------------------------------------------------------------------------------

  reset(_kind: ResetKind): void {
    for (const task of [this.#notice, this.#shift, this.#treqTask]) task.cancel();
    this.#treqOut = this.#powerOff = this.#resetSystem = false;
    this.#cb2Out = true;
    this.#phase = 'startup';
    this.#seenTip = this.#seenByteack = false;
    this.#in.length = 0;
    this.#abandonReply();
    this.#acknowledged = false;
    this.#quietSince = this.#scheduler.now;
    this.#firmware.reset();
    this.#notice.schedule(this.#ns(this.#timing.startup));
  }

  settle(): void {
    this.treq.set(this.#treqOut);
    this.cb2.set(this.#cb2Out);
    this.cb1.set(true);
    this.powerOff.set(this.#powerOff);
    this.resetSystem.set(this.#resetSystem);
  }

  save(): PlainFields {
    return {
      tip: this.#tip,
      byteack: this.#byteack,
      cb2In: this.#cb2In,
      treqOut: this.#treqOut,
      cb2Out: this.#cb2Out,
      powerOff: this.#powerOff,
      resetSystem: this.#resetSystem,
      phase: this.#phase,
      seenTip: this.#seenTip,
      seenByteack: this.#seenByteack,
      shiftFor: this.#shiftFor,
      in: Uint8Array.from(this.#in),
      out: Uint8Array.from(this.#out),
      outNext: this.#outNext,
      acknowledged: this.#acknowledged,
      quietFor: this.#scheduler.now - this.#quietSince,
      notice: this.#notice.remaining,
      shift: this.#shift.remaining,
      treq: this.#treqTask.remaining,
      firmware: this.#firmware.save(),
    };
  }

  restore(state: PlainFields): void {
    const saved = new SavedFields(this.id, state);
    const due = (name: string): number => saved.int(name, -1, Number.MAX_SAFE_INTEGER);
    this.#tip = saved.bool('tip');
    this.#byteack = saved.bool('byteack');
    this.#cb2In = saved.bool('cb2In');
    this.#treqOut = saved.bool('treqOut');
    this.#cb2Out = saved.bool('cb2Out');
    this.#powerOff = saved.bool('powerOff');
    this.#resetSystem = saved.bool('resetSystem');
    this.#phase = saved.oneOf('phase', PHASES);
    this.#seenTip = saved.bool('seenTip');
    this.#seenByteack = saved.bool('seenByteack');
    this.#shiftFor = saved.oneOf('shiftFor', SHIFTS);
    this.#in.splice(0, this.#in.length, ...saved.bytes('in', undefined, MAX_IN));
    this.#out = [...saved.bytes('out', undefined, 32)];
    this.#outNext = saved.int('outNext', 0, this.#out.length);
    this.#acknowledged = saved.bool('acknowledged');
    this.#quietSince = this.#scheduler.now - due('quietFor');
    this.#notice.restore(due('notice'));
    this.#shift.restore(due('shift'));
    this.#treqTask.restore(due('treq'));
    this.#firmware.restore(saved.nested('firmware'));
  }
}
