// SPDX-License-Identifier: MIT
//
// Apple 343-0042-B: serial real-time clock and 256 bytes of parameter RAM on a battery.
//
// Sockets: `enableW` (pin RTCEnb is active-low: true = selected), `clkW`, `dataW` (levels from the host), output `data`
// (level; high while the chip does not drive), `cko` (1 Hz square wave); NonVolatile and Calendar host ends.
//
// Protocol, most significant bit first, framed by the enable pin; the chip takes a bit when the clock rises and puts
// its own out when the clock falls:
//   z00x_nn01 seconds, byte nn       z010_aa01 bytes 0x08-0x0b      z1aa_aa01 bytes 0x10-0x1f
//   0011_0001 test register          0011_0101 write protect, bit 7
//   z011_1aaa 0aaa_aa00 any byte of the parameter RAM     z: read
// The time is in seconds since 1904.
// Documents: [GMFH] chapter on the clock, [RTC-TK] in docs/references.md.
// Not modelled: the test register's effect on the counters.
import type { ChipContext } from '../../backplane/board.ts';
import { type Device, type PlainFields, type ResetKind, SavedFields } from '../../backplane/device.ts';
import type { Calendar, NonVolatile } from '../../backplane/host.ts';
import type { DeviceLog } from '../../backplane/log.ts';
import type { Scheduler, Task } from '../../backplane/scheduler.ts';
import { Wire } from '../../backplane/wire.ts';

export const PRAM_BYTES = 256;
const MAC_EPOCH = 2_082_844_800; // 1904-01-01 to 1970-01-01

const READ = 0x80;
const EXTENDED_MASK = 0x78;
const EXTENDED = 0x38;
const WRITE_PROTECT = 13; // register number, command bits 6-2
const TEST = 12;

const PHASES = ['command', 'address', 'write', 'send', 'done'] as const;

/** Changes are gathered for this long before the host gets them. */
const STORE_DELAY_NS = 10_000_000;

export interface Rtc3430042Options {
  readonly pram: NonVolatile;
  readonly calendar: Calendar;
}

export class Rtc3430042 implements Device {
  readonly id: string;
  readonly data: Wire;
  readonly cko: Wire;
  readonly #log: DeviceLog;
  readonly #scheduler: Scheduler;
  readonly #host: NonVolatile;
  readonly #pram = new Uint8Array(PRAM_BYTES);
  readonly #startSeconds: number;
  readonly #half: Task;
  readonly #store: Task;
  /** Added to the calendar: what software set. */
  #timeOffset = 0;
  #ckoLevel = true;
  #protected = false;

  #enabled = false;
  #clkPin = false;
  #dataPin = true;
  #phase: (typeof PHASES)[number] = 'command';
  #shift = 0;
  #bits = 0;
  #command = 0;
  #address = 0;
  #out = true;

  constructor(context: ChipContext, options: Rtc3430042Options) {
    this.id = context.id;
    this.#log = context.log;
    this.#scheduler = context.scheduler;
    this.#host = options.pram;
    this.#startSeconds = options.calendar.startSeconds + MAC_EPOCH;
    const kept = options.pram.load();
    if (kept?.length === PRAM_BYTES) this.#pram.set(kept);
    else if (kept !== undefined) context.log.info(`kept parameter RAM has %d bytes: starting empty`, kept.length);
    this.data = new Wire(`${context.id}.data`);
    this.cko = new Wire(`${context.id}.cko`);
    this.#half = context.scheduler.task(`${context.id}.half-second`, () => {
      this.#ckoLevel = !this.#ckoLevel;
      this.#scheduleHalf();
      this.cko.set(this.#ckoLevel);
    });
    this.#store = context.scheduler.task(`${context.id}.store`, () => this.#storeNow());
  }

  // ---- pins -------------------------------------------------------------------------------------------------------

  enableW(selected: boolean): void {
    if (selected === this.#enabled) return;
    this.#enabled = selected;
    this.#phase = 'command';
    this.#shift = this.#bits = 0;
    this.#out = true;
    this.data.set(true);
  }

  dataW(level: boolean): void {
    this.#dataPin = level;
  }

  clkW(level: boolean): void {
    if (level === this.#clkPin) return;
    this.#clkPin = level;
    if (!this.#enabled) return;
    if (this.#phase === 'send') {
      if (!level) this.#sendBit();
      return;
    }
    if (!level || this.#phase === 'done') return;
    this.#shift = ((this.#shift << 1) | (this.#dataPin ? 1 : 0)) & 0xff;
    if (++this.#bits === 8) this.#received(this.#shift);
  }

  /** Hands changes to the host now: the machine is about to go away. */
  flush(): void {
    if (this.#store.scheduled) this.#storeNow();
  }

  #sendBit(): void {
    this.#out = (this.#shift & 0x80) !== 0;
    this.#shift = (this.#shift << 1) & 0xff;
    if (++this.#bits === 8) this.#phase = 'done';
    this.data.set(this.#out);
  }

  #received(byte: number): void {
    this.#bits = this.#shift = 0;
    switch (this.#phase) {
      case 'command':
        this.#command = byte;
        if ((byte & EXTENDED_MASK) === EXTENDED) this.#phase = 'address';
        else if (byte & READ) this.#send(this.#register((byte >>> 2) & 31));
        else this.#phase = 'write';
        return;
      case 'address':
        this.#address = ((this.#command & 7) << 5) | ((byte >>> 2) & 31);
        if (this.#command & READ) this.#send(this.#pram[this.#address]!);
        else this.#phase = 'write';
        return;
      case 'write':
        this.#phase = 'done';
        if ((this.#command & EXTENDED_MASK) === EXTENDED) this.#writePram(this.#address, byte);
        else this.#writeRegister((this.#command >>> 2) & 31, byte);
    }
  }

  #send(byte: number): void {
    this.#phase = 'send';
    this.#shift = byte;
  }

  // ---- registers --------------------------------------------------------------------------------------------------

  get #seconds(): number {
    const { now, masterHz } = this.#scheduler;
    return (this.#startSeconds + this.#timeOffset + Math.floor(now / masterHz)) % 0x1_0000_0000;
  }

  #register(index: number): number {
    if (index < 8) return (this.#seconds >>> ((index & 3) * 8)) & 0xff;
    const address = pramAddress(index);
    if (address === undefined) {
      this.#log.guest('read of register %d', index);
      return 0;
    }
    return this.#pram[address]!;
  }

  #writeRegister(index: number, byte: number): void {
    if (index === WRITE_PROTECT) {
      this.#protected = (byte & 0x80) !== 0;
      return;
    }
    if (this.#protected) return;
    if (index === TEST) {
      if (byte !== 0) this.#log.unimp('write of %x to the test register', byte);
      return;
    }
    if (index < 8) {
      const shift = (index & 3) * 8;
      const now = this.#seconds;
      const wanted = ((now & ~(0xff << shift)) | (byte << shift)) >>> 0;
      this.#timeOffset = (this.#timeOffset + wanted - now + 0x1_0000_0000) % 0x1_0000_0000;
      return;
    }
    const address = pramAddress(index);
    if (address === undefined) this.#log.guest('write of %x to register %d', byte, index);
    else this.#writePram(address, byte);
  }

  #writePram(address: number, byte: number): void {
    if (this.#protected || this.#pram[address] === byte) return;
    this.#pram[address] = byte;
    if (!this.#store.scheduled) this.#store.schedule(this.#scheduler.ns(STORE_DELAY_NS));
  }

  #storeNow(): void {
    this.#store.cancel();
    this.#host.store(this.#pram.slice());
  }

  /** CKO rises when a second begins. */
  #scheduleHalf(): void {
    const { now, masterHz } = this.#scheduler;
    const half = Math.floor((now * 2) / masterHz) + 1;
    this.#half.schedule(Math.max(1, Math.ceil((half * masterHz) / 2) - now));
  }

  // ---- device -----------------------------------------------------------------------------------------------------

  /** The chip has no reset pin: a battery keeps it going. */
  reset(kind: ResetKind): void {
    if (kind === 'warm') return;
    this.#half.cancel();
    this.#store.cancel();
    this.#ckoLevel = true;
    this.#phase = 'command';
    this.#shift = this.#bits = this.#command = this.#address = 0;
    this.#out = true;
    if (kind === 'cold') this.#scheduleHalf();
  }

  settle(): void {
    this.data.set(this.#out);
    this.cko.set(this.#ckoLevel);
  }

  save(): PlainFields {
    return {
      pram: this.#pram.slice(),
      timeOffset: this.#timeOffset,
      cko: this.#ckoLevel,
      protected: this.#protected,
      enabled: this.#enabled,
      clk: this.#clkPin,
      dataIn: this.#dataPin,
      phase: this.#phase,
      shift: this.#shift,
      bits: this.#bits,
      command: this.#command,
      address: this.#address,
      out: this.#out,
      halfIn: this.#half.remaining,
      storeIn: this.#store.remaining,
    };
  }

  restore(state: PlainFields): void {
    const saved = new SavedFields(this.id, state);
    const due = (name: string): number => saved.int(name, -1, Number.MAX_SAFE_INTEGER);
    const pram = saved.bytes('pram', PRAM_BYTES);
    const changed = pram.some((byte, index) => byte !== this.#pram[index]);
    this.#pram.set(pram);
    this.#timeOffset = saved.u32('timeOffset');
    this.#ckoLevel = saved.bool('cko');
    this.#protected = saved.bool('protected');
    this.#enabled = saved.bool('enabled');
    this.#clkPin = saved.bool('clk');
    this.#dataPin = saved.bool('dataIn');
    this.#phase = saved.oneOf('phase', PHASES);
    this.#shift = saved.u8('shift');
    this.#bits = saved.int('bits', 0, 8);
    this.#command = saved.u8('command');
    this.#address = saved.u8('address');
    this.#out = saved.bool('out');
    this.#half.restore(due('halfIn'));
    this.#store.restore(due('storeIn'));
    if (changed && !this.#store.scheduled) this.#storeNow();
  }
}

/** The byte of the parameter RAM that a register of the short commands is. */
function pramAddress(index: number): number | undefined {
  if (index >= 16) return index;
  return index >= 8 && index < 12 ? index : undefined;
}
