// SPDX-License-Identifier: MIT
//
// Sony MP-F75W, Apple's "FDHD" or SuperDrive: 3.5", two heads, GCR at five speeds and MFM, motorized eject.
//
// Sockets: a controller calls it: `select`, `phases` (CA0, CA1, CA2, LSTRB), `sel` (SEL, which chooses the head too),
// `sense`, and the cells under the head. Medium: {@link SonyDisk}.
//
//     CA2-0  SEL=0: sense      command          SEL=1: sense        command
//     0      step direction    inward           no disk             -
//     1      not stepping      step             not write-protected MFM
//     2      motor off         motor on         not at track 0      -
//     3      disk switched     -                tachometer          -
//     4      no index          outward          no index            clear "switched"
//     5      SuperDrive        -                MFM                 GCR
//     6      two heads         motor off        not ready           -
//     7      no drive          eject            not high density    -
//
// Documents: [IM-III] "The Disk Driver", [SWIMREF], [MAME] `imagedev/floppy`.
// Not modelled: acceleration of the motor but for its time; fractions of a cell.
import type { ChipContext } from '../../backplane/board.ts';
import { type Device, type PlainFields, type ResetKind, SavedFields, SnapshotError } from '../../backplane/device.ts';
import { MediumError } from '../../backplane/host.ts';
import type { DeviceLog } from '../../backplane/log.ts';
import type { Scheduler } from '../../backplane/scheduler.ts';
import type { CellTrack } from './cell-track.ts';
import type { SonyDisk } from './sony-disk.ts';
import { SONY_CYLINDERS, sonyRpm } from './sony-disk.ts';

const LAST_CYLINDER = SONY_CYLINDERS + 1;
const SPIN_UP_NS = 400_000_000;
const STEP_NS = 6_000_000;
const STEP_BUSY_NS = 100_000;
const SETTLE_NS = 18_000_000;
const TACH_PULSES = 60;
/** The index pulse lasts this part of a revolution. */
const INDEX_PART = 0.01;

// Sense lines and commands, by CA2, CA1, CA0 and, as the highest bit, SEL.
const SENSE = {
  direction: 0x0,
  notStepping: 0x1,
  motorOff: 0x2,
  switched: 0x3,
  noIndex: 0x4,
  superDrive: 0x5,
  twoHeads: 0x6,
  noDrive: 0x7,
  noDisk: 0x8,
  notProtected: 0x9,
  notTrack0: 0xa,
  tachometer: 0xb,
  noIndexUpper: 0xc,
  mfm: 0xd,
  notReady: 0xe,
  notHighDensity: 0xf,
} as const;
const COMMAND = {
  inward: 0x0,
  step: 0x1,
  motorOn: 0x2,
  outward: 0x4,
  motorOff: 0x6,
  eject: 0x7,
  mfm: 0x9,
  clearSwitched: 0xc,
  gcr: 0xd,
} as const;
const STROBE = 0x8;

/** What a controller's head sees. */
export interface HeadPosition {
  readonly track: CellTrack;
  /** Cells that have passed since `epoch` began. */
  readonly cells: number;
  /** Changes whenever `cells` cannot be compared with what it was before. */
  readonly epoch: number;
}

export class SonyDrive implements Device {
  readonly id: string;
  /** Told when the guest has ejected the disk. */
  onEject: (disk: SonyDisk) => void = () => {};
  readonly #log: DeviceLog;
  readonly #scheduler: Scheduler;
  #disk: SonyDisk | undefined;
  #selected = false;
  #phases = 0;
  #sel = false;
  #cylinder = 0;
  #outward = false;
  #motor = false;
  #mfm = true;
  #switched = false;
  /** Master ticks: when the index hole passed, when the motor is at speed, until when the step line is low. */
  #origin = 0;
  #readyAt = 0;
  #stepUntil = 0;
  #epoch = 0;

  constructor(chip: ChipContext, disk?: SonyDisk) {
    this.id = chip.id;
    this.#log = chip.log;
    this.#scheduler = chip.scheduler;
    this.#disk = disk;
  }

  get disk(): SonyDisk | undefined {
    return this.#disk;
  }

  get cylinder(): number {
    return this.#cylinder;
  }

  get writeProtected(): boolean {
    return this.#disk?.readonly ?? true;
  }

  /** Puts a disk in, in place of any other. */
  insert(disk: SonyDisk): void {
    this.#disk?.flush();
    if (this.#disk !== undefined) this.#switched = true;
    this.#disk = disk;
    this.#epoch++;
  }

  eject(): void {
    const disk = this.#disk;
    if (disk === undefined) return;
    this.#disk = undefined;
    this.#motor = false;
    this.#switched = true;
    this.#epoch++;
    this.#flush(disk);
    this.onEject(disk);
  }

  #flush(disk: SonyDisk): void {
    try {
      disk.flush();
    } catch (error) {
      if (!(error instanceof MediumError)) throw error;
      this.#log.info('the host cannot write the disk');
    }
  }

  // ---- the controller's lines -------------------------------------------------------------------------------------

  select(level: boolean): void {
    this.#selected = level;
  }

  /** CA0 (bit 0), CA1, CA2, LSTRB. */
  phases(value: number): void {
    const rises = (value & ~this.#phases & STROBE) !== 0;
    this.#phases = value & 0x0f;
    if (rises && this.#selected) this.#command(this.#address);
  }

  sel(level: boolean): void {
    if (this.#sel === level) return;
    this.#sel = level;
    this.#epoch++;
  }

  get #address(): number {
    return (this.#phases & 0x07) | (this.#sel ? 0x08 : 0);
  }

  /** The sense line: high without a drive that is selected. */
  get sense(): boolean {
    if (!this.#selected) return true;
    const now = this.#scheduler.now;
    switch (this.#address) {
      case SENSE.direction:
        return this.#outward;
      case SENSE.notStepping:
        return now >= this.#stepUntil;
      case SENSE.motorOff:
        return !this.#motor;
      case SENSE.switched:
        return this.#switched;
      case SENSE.noIndex:
      case SENSE.noIndexUpper:
        return !this.#turns || this.#angle >= INDEX_PART;
      case SENSE.superDrive:
      case SENSE.twoHeads:
        return true;
      case SENSE.noDrive:
        return false;
      case SENSE.noDisk:
        return this.#disk === undefined;
      case SENSE.notProtected:
        return !this.writeProtected;
      case SENSE.notTrack0:
        return this.#cylinder !== 0;
      case SENSE.tachometer:
        return this.#turns && (this.#angle * TACH_PULSES) % 1 < 0.5;
      case SENSE.mfm:
        return this.#mfm;
      case SENSE.notReady:
        return !this.#turns || now < this.#readyAt;
      default:
        return this.#disk !== undefined && !this.#disk.format.highDensity;
    }
  }

  #command(address: number): void {
    switch (address) {
      case COMMAND.inward:
      case COMMAND.outward:
        this.#outward = address === COMMAND.outward;
        break;
      case COMMAND.step:
        this.#step();
        break;
      case COMMAND.motorOn:
        if (!this.#motor) {
          this.#motor = true;
          this.#origin = this.#scheduler.now;
          this.#readyAt = this.#origin + this.#scheduler.ns(SPIN_UP_NS);
          this.#epoch++;
        }
        break;
      case COMMAND.motorOff:
        this.#motor = false;
        this.#epoch++;
        if (this.#disk !== undefined) this.#flush(this.#disk);
        break;
      case COMMAND.eject:
        this.eject();
        break;
      case COMMAND.mfm:
      case COMMAND.gcr:
        this.#changeSpeed(() => (this.#mfm = address === COMMAND.mfm));
        break;
      case COMMAND.clearSwitched:
        this.#switched = false;
        break;
      default:
        this.#log.guest('command %x', address);
    }
  }

  #step(): void {
    const cylinder = Math.max(0, Math.min(LAST_CYLINDER, this.#cylinder + (this.#outward ? -1 : 1)));
    this.#changeSpeed(() => (this.#cylinder = cylinder));
    const now = this.#scheduler.now;
    this.#stepUntil = now + this.#scheduler.ns(STEP_BUSY_NS);
    this.#readyAt = Math.max(this.#readyAt, now + this.#scheduler.ns(STEP_NS + SETTLE_NS));
  }

  // ---- the disk under the head ------------------------------------------------------------------------------------

  get #turns(): boolean {
    return this.#motor && this.#disk !== undefined;
  }

  /** Master ticks of a revolution. */
  get #revolution(): number {
    const highDensity = this.#disk?.format.highDensity ?? false;
    return (this.#scheduler.masterHz * 60) / sonyRpm(this.#mfm, highDensity, this.#cylinder);
  }

  get #angle(): number {
    const revolution = this.#revolution;
    return ((this.#scheduler.now - this.#origin) % revolution) / revolution;
  }

  /** The disk goes on from the angle it has, at another speed. */
  #changeSpeed(change: () => void): void {
    const angle = this.#angle;
    change();
    this.#origin = Math.floor(this.#scheduler.now - angle * this.#revolution);
    this.#epoch++;
  }

  /** What is under the head; `undefined` while nothing moves there. */
  get head(): HeadPosition | undefined {
    if (!this.#turns || !this.#selected) return undefined;
    const track = this.#disk!.track(this.#cylinder, this.#sel ? 1 : 0);
    const cells = Math.floor(((this.#scheduler.now - this.#origin) / this.#revolution) * track.length);
    return { track, cells, epoch: this.#epoch };
  }

  /** Before a controller writes: the track gets the length it has in the present recording. */
  beginWrite(): void {
    if (!this.#turns || this.writeProtected) return;
    const head = this.#sel ? 1 : 0;
    const before = this.#disk!.track(this.#cylinder, head);
    if (this.#disk!.trackFor(this.#cylinder, head, this.#mfm) !== before) this.#epoch++;
  }

  /** The controller has changed the cells of `track`. */
  endWrite(track: CellTrack): void {
    const disk = this.#disk;
    const head = this.#sel ? 1 : 0;
    if (disk?.track(this.#cylinder, head) !== track) return;
    try {
      const kept = disk.written(this.#cylinder, head);
      if (!kept) this.#log.unimp('a format the image cannot keep, of cylinder %d', this.#cylinder);
    } catch (error) {
      if (!(error instanceof MediumError)) throw error;
      this.#log.info('the host cannot write cylinder %d', this.#cylinder);
    }
  }

  reset(kind: ResetKind): void {
    this.#selected = this.#sel = false;
    this.#phases = 0;
    if (kind === 'warm') return;
    this.#cylinder = 0;
    this.#outward = false;
    this.#motor = false;
    this.#mfm = true;
    this.#switched = false;
    this.#origin = this.#readyAt = this.#stepUntil = 0;
    this.#epoch++;
  }

  settle(): void {}

  save(): PlainFields {
    const now = this.#scheduler.now;
    return {
      selected: this.#selected,
      phases: this.#phases,
      sel: this.#sel,
      cylinder: this.#cylinder,
      outward: this.#outward,
      motor: this.#motor,
      mfm: this.#mfm,
      switched: this.#switched,
      ago: now - this.#origin,
      readyIn: Math.max(0, this.#readyAt - now),
      stepIn: Math.max(0, this.#stepUntil - now),
      disk: this.#disk?.save() ?? null,
    };
  }

  restore(state: PlainFields): void {
    const fields = new SavedFields(this.id, state);
    const now = this.#scheduler.now;
    this.#selected = fields.bool('selected');
    this.#phases = fields.int('phases', 0, 0x0f);
    this.#sel = fields.bool('sel');
    this.#cylinder = fields.int('cylinder', 0, LAST_CYLINDER);
    this.#outward = fields.bool('outward');
    this.#motor = fields.bool('motor');
    this.#mfm = fields.bool('mfm');
    this.#switched = fields.bool('switched');
    this.#readyAt = now + fields.int('readyIn', 0, Number.MAX_SAFE_INTEGER);
    this.#stepUntil = now + fields.int('stepIn', 0, Number.MAX_SAFE_INTEGER);
    if (state['disk'] === null) this.#disk = undefined;
    else if (this.#disk === undefined) throw new SnapshotError(`${this.id}: the snapshot has a disk in this drive`);
    else this.#disk.restore(fields.fields('disk'));
    this.#origin = now - fields.int('ago', 0, Number.MAX_SAFE_INTEGER);
    this.#epoch++;
  }
}
