// SPDX-License-Identifier: MIT
//
// CD-ROM device with one data track [SCSI-2 §14; MMC-4]. Not modelled: audio tracks (PLAY AUDIO answers ILLEGAL MODE
// FOR THIS TRACK), raw sectors (READ CD gives user data only), sub-channel data other than the position.
import type { ChipContext } from '../../backplane/board.ts';
import { type PlainFields, SavedFields } from '../../backplane/device.ts';
import type { BlockDevice } from '../../backplane/host.ts';
import { BlockServer } from './block-server.ts';
import { type DeviceServerOptions, type ModePage, modePage } from './device-server.ts';
import { APPLE_PAGE } from './disk-server.ts';
import { OP, SENSE, be16, be24, be32, putBe16, putBe32 } from './scsi.ts';

const CD_BLOCK_BYTES = 2048;
const FRAMES_A_SECOND = 75;
/** LBA 0 is minute 0, second 2. */
const PREGAP_FRAMES = 150;
const LEAD_OUT = 0xaa;
const DATA_TRACK = 0x14; // ADR 1: position; control 4: data, copying prohibited
const AUDIO_STATUS_NONE = 0x15;
/** 24 times 176.4 kB/s. */
const SPEED_KBYTES = 4234;
const TRAY_NS = 2_000_000;
const MECHANICS = { cachedNs: 60_000, seekNs: 300_000, fullStrokeNs: 2_000_000 };

const PROFILE_CD_ROM = 0x0008;
/** Media events of GET EVENT STATUS NOTIFICATION. */
const EVENT = { none: 0, ejectRequest: 1, newMedia: 2, mediaRemoval: 3 } as const;

export class CdromServer extends BlockServer {
  protected readonly deviceType = 0x05;
  protected readonly removable = true;
  protected readonly modeHeaderFlags = 0;
  protected readonly writeCacheEnabled = false;
  /** Told when the guest opens or closes the tray. */
  onTray: ((open: boolean) => void) | undefined;
  readonly #id: string;
  #trayOpen = false;
  #locked = false;
  #event: number;

  constructor(chip: ChipContext, medium: BlockDevice | undefined, options: DeviceServerOptions = {}) {
    const identity = { vendor: 'EMERITUS', product: 'CD-ROM', revision: '1.0', serial: chip.id.toUpperCase() };
    super(chip, medium, CD_BLOCK_BYTES, MECHANICS, identity, options);
    this.#id = chip.id;
    this.#event = medium === undefined ? EVENT.none : EVENT.newMedia;
  }

  get trayOpen(): boolean {
    return this.#trayOpen;
  }

  get disc(): BlockDevice | undefined {
    return this.medium;
  }

  /** The user puts a disc in and closes the tray, or takes it out. */
  insert(medium: BlockDevice | undefined): void {
    this.abort();
    this.medium = medium;
    this.#trayOpen = false;
    this.#event = medium === undefined ? EVENT.mediaRemoval : EVENT.newMedia;
    if (medium !== undefined) this.attend(SENSE.mediumChanged);
  }

  /** The user presses the button; a drive that is locked only tells the guest. */
  requestEject(): void {
    if (this.#locked) this.#event = EVENT.ejectRequest;
    else this.#openTray();
  }

  override reset(): void {
    super.reset();
    this.#locked = false;
    this.blockBytes = CD_BLOCK_BYTES;
  }

  override save(): PlainFields {
    return { ...super.save(), trayOpen: this.#trayOpen, locked: this.#locked, event: this.#event };
  }

  override restore(state: PlainFields): void {
    super.restore(state);
    const fields = new SavedFields(this.#id, state);
    this.#trayOpen = fields.bool('trayOpen');
    this.#locked = fields.bool('locked');
    this.#event = fields.int('event', 0, 3);
  }

  protected get mediumType(): number {
    return this.#present ? 0x01 : 0x70; // 120 mm data disc; door closed, no disc
  }

  get #present(): boolean {
    return this.medium !== undefined && !this.#trayOpen;
  }

  protected ready(): boolean {
    if (!this.#present) this.check(this.#trayOpen ? SENSE.trayOpen : SENSE.mediumNotPresent);
    return this.#present;
  }

  protected writable(): boolean {
    this.check(SENSE.writeProtected);
    return false;
  }

  protected override ignoresAttention(op: number): boolean {
    return super.ignoresAttention(op) || op === OP.getConfiguration || op === OP.getEventStatus;
  }

  protected execute(op: number): void {
    if (this.executeBlock(op)) return;
    const { cdb } = this;
    switch (op) {
      case OP.startStopUnit:
        return this.#startStop();
      case OP.preventAllow:
        this.#locked = (cdb[4]! & 0x01) !== 0;
        return;
      case OP.readToc:
        return this.#readToc();
      case OP.readSubChannel:
        return this.#readSubChannel();
      case OP.readHeader:
        return this.#readHeader();
      case OP.playAudio10:
      case OP.playAudio12:
      case OP.playAudioMsf:
      case OP.playAudioTrackIndex:
        if (this.ready()) this.check(SENSE.illegalModeForTrack);
        return;
      case OP.pauseResume:
        if (this.ready()) this.check([0x5, 0x2c, 0x00]); // command sequence error: nothing plays
        return;
      case OP.stopPlayScan:
        this.ready();
        return;
      case OP.getConfiguration:
        return this.#getConfiguration();
      case OP.getEventStatus:
        return this.#getEventStatus();
      case OP.mechanismStatus: {
        const status = new Uint8Array(8);
        status[1] = this.#trayOpen ? 0x10 : 0;
        return this.reply(status, be16(cdb, 8));
      }
      case OP.setCdSpeed:
        return;
      case OP.readCd:
        return this.#readCd(be32(cdb, 2), be24(cdb, 6));
      case OP.readCdMsf: {
        const first = fromMsf(cdb, 3);
        const last = fromMsf(cdb, 6);
        if (first < 0 || last < first) return this.invalidField(3);
        return this.#readCd(first, last - first);
      }
      default:
        this.log.unimp('command %x', op);
        this.check(SENSE.invalidOpcode);
    }
  }

  protected received(): void {
    this.check(SENSE.invalidOpcode);
  }

  protected makeModePages(): ModePage[] {
    const speed = [SPEED_KBYTES >>> 8, SPEED_KBYTES & 0xff];
    return [
      modePage(0x01, [0, 8, 0, 0, 0, 0], { 0: 0xff, 1: 0xff }), // read error recovery: 8 retries
      modePage(0x0d, [0, 0, 0, 60, 0, FRAMES_A_SECOND], { 1: 0x0f }), // CD-ROM parameters: units of MSF
      // Audio control: two ports, full volume.
      modePage(0x0e, [0x04, 0, 0, 0, 0, FRAMES_A_SECOND, 1, 0xff, 2, 0xff, 0, 0, 0, 0], {
        0: 0x06,
        6: 0x0f,
        7: 0xff,
        8: 0x0f,
        9: 0xff,
        10: 0x0f,
        11: 0xff,
        12: 0x0f,
        13: 0xff,
      }),
      // Capabilities: reads CD-R, CD-RW and method 2; mode 2 forms 1 and 2, multi-session; tray that locks and ejects.
      modePage(0x2a, [0x07, 0, 0x70, 0, 0x29, 0, ...speed, 0, 0, 2, 0, ...speed, 0, 0, 0, 0]),
      { ...APPLE_PAGE, bytes: APPLE_PAGE.bytes.slice() },
    ];
  }

  protected modePageChanged(): void {}

  protected blockDescriptor(): Uint8Array {
    const descriptor = new Uint8Array(8);
    putBe32(descriptor, 0, Math.min(this.blockCount, 0xff_ffff));
    putBe32(descriptor, 4, this.blockBytes);
    descriptor[0] = 0x01; // density: user data only
    return descriptor;
  }

  /** Apple's drives and drivers agree on 512-byte blocks when the disc has an Apple partition map. */
  protected setBlockLength(bytes: number): boolean {
    if (bytes !== 512 && bytes !== CD_BLOCK_BYTES) return false;
    this.blockBytes = bytes;
    return true;
  }

  /** The disc's length in 2048-byte sectors. */
  get #sectors(): number {
    return this.#present ? Math.floor((this.medium!.blockCount * this.medium!.blockBytes) / CD_BLOCK_BYTES) : 0;
  }

  #startStop(): void {
    const start = (this.cdb[4]! & 0x01) !== 0;
    const loadEject = (this.cdb[4]! & 0x02) !== 0;
    this.takesNs(TRAY_NS);
    if (!loadEject) {
      if (start) this.ready();
      return;
    }
    if (start) this.#closeTray();
    else if (this.#locked) this.check(SENSE.removalPrevented);
    else this.#openTray();
  }

  #openTray(): void {
    if (this.#trayOpen) return;
    this.#trayOpen = true;
    this.#event = EVENT.mediaRemoval;
    this.onTray?.(true);
  }

  #closeTray(): void {
    if (!this.#trayOpen) return;
    this.#trayOpen = false;
    if (this.medium !== undefined) {
      this.#event = EVENT.newMedia;
      this.attend(SENSE.mediumChanged);
    }
    this.onTray?.(false);
  }

  /** [MMC-4 §6.30] READ TOC/PMA/ATIP, formats 0 (TOC), 1 (sessions), 2 (raw TOC). */
  #readToc(): void {
    const { cdb } = this;
    if (!this.ready()) return;
    const msf = (cdb[1]! & 0x02) !== 0;
    // SFF-8020i put the format into the control byte; MMC's field, when set, comes first.
    const format = cdb[2]! & 0x0f || cdb[9]! >>> 6;
    const from = cdb[6]!;
    const allocation = be16(cdb, 7);
    const header = [0, 0, 1, 1]; // length, first and last track or session
    const entry = (track: number, lba: number) => [0, DATA_TRACK, track, 0, ...this.#position(lba, msf)];
    let body: number[];
    if (format === 0) {
      if (from > 1 && from !== LEAD_OUT) return this.invalidField(6);
      body = [...(from <= 1 ? entry(1, 0) : []), ...entry(LEAD_OUT, this.#sectors)];
    } else if (format === 1) {
      body = entry(1, 0);
    } else if (format === 2) {
      if (from > 1) return this.invalidField(6);
      const raw = (point: number, at: readonly number[]) => [1, DATA_TRACK, 0, point, 0, 0, 0, 0, ...at];
      body = [
        ...raw(0xa0, [1, 0, 0]),
        ...raw(0xa1, [1, 0, 0]),
        ...raw(0xa2, toMsf(this.#sectors)),
        ...raw(1, toMsf(0)),
      ];
    } else return this.invalidField(2);
    const reply = Uint8Array.from([...header, ...body]);
    putBe16(reply, 0, reply.length - 2);
    this.reply(reply, allocation);
  }

  #readSubChannel(): void {
    const { cdb } = this;
    if (!this.ready()) return;
    const msf = (cdb[1]! & 0x02) !== 0;
    const format = cdb[3]!;
    const header = [0, AUDIO_STATUS_NONE, 0, 0];
    let body: number[] = [];
    if ((cdb[2]! & 0x40) !== 0) {
      const at = this.#position(0, msf);
      if (format === 1) body = [1, DATA_TRACK, 1, 1, ...at, ...this.#position(0, msf)];
      else if (format === 2 || format === 3) {
        body = [format, format === 3 ? DATA_TRACK : 0, format === 3 ? 1 : 0, ...new Array<number>(17).fill(0)];
      } else return this.invalidField(3);
    }
    header[3] = body.length;
    this.reply(Uint8Array.from([...header, ...body]), be16(cdb, 7));
  }

  #readHeader(): void {
    const { cdb } = this;
    if (!this.ready()) return;
    const lba = be32(cdb, 2);
    if (!this.inRange(lba, 1)) return;
    const sector = Math.floor((lba * this.blockBytes) / CD_BLOCK_BYTES);
    const mode1 = [1, 0, 0, 0];
    this.reply(Uint8Array.from([...mode1, ...this.#position(sector, (cdb[1]! & 0x02) !== 0)]), be16(cdb, 7));
  }

  /** [MMC-4 §6.5] The features of a plain CD-ROM drive. */
  #getConfiguration(): void {
    const { cdb } = this;
    const type = cdb[1]! & 0x03;
    const from = be16(cdb, 2);
    const current = this.#present ? 1 : 0;
    /** Version, persistent and current bits go into the third byte. */
    const feature = (code: number, flags: number, data: readonly number[]) => ({
      code,
      current: (flags & 1) !== 0,
      bytes: [code >>> 8, code & 0xff, flags, data.length, ...data],
    });
    const block = [0, 0, CD_BLOCK_BYTES >>> 8, CD_BLOCK_BYTES & 0xff];
    const features = [
      feature(0x0000, 0x03, [PROFILE_CD_ROM >>> 8, PROFILE_CD_ROM & 0xff, current, 0]), // profile list
      feature(0x0001, 0x0b, [0, 0, 0, this.transport === 'packet' ? 2 : 1, 0x01, 0, 0, 0]), // core
      feature(0x0002, 0x07, [0x02, 0, 0, 0]), // morphing, by polling
      feature(0x0003, 0x03, [0x29, 0, 0, 0]), // removable: tray, ejects, locks
      feature(0x0010, current, [...block, 0, 1, 0, 0]), // random readable
      feature(0x001e, 0x08 | current, [0, 0, 0, 0]), // CD read
      feature(0x0100, 0x03, []), // power management
      feature(0x0105, 0x03, []), // timeout
    ];
    if (type === 3) return this.invalidField(1);
    const wanted = features.filter((f) => (type === 2 ? f.code === from : f.code >= from) && (type !== 1 || f.current));
    const body = wanted.flatMap((f) => f.bytes);
    const header = new Uint8Array(8);
    putBe32(header, 0, body.length + 4);
    putBe16(header, 6, current !== 0 ? PROFILE_CD_ROM : 0);
    this.reply(Uint8Array.from([...header, ...body]), be16(cdb, 7));
  }

  /** [MMC-4 §6.6] Polled only; media class only. */
  #getEventStatus(): void {
    const { cdb } = this;
    const MEDIA_CLASS = 4;
    if ((cdb[1]! & 0x01) === 0) return this.invalidField(1);
    const allocation = be16(cdb, 7);
    const supported = 1 << MEDIA_CLASS;
    if ((cdb[4]! & supported) === 0) {
      return this.reply(Uint8Array.from([0, 2, 0x80, supported]), allocation); // no event available
    }
    const status = (this.#trayOpen ? 0x01 : 0) | (this.#present ? 0x02 : 0);
    this.reply(Uint8Array.from([0, 6, MEDIA_CLASS, supported, this.#event, status, 0, 0]), allocation);
    if (allocation > 4) this.#event = EVENT.none;
  }

  #readCd(first: number, sectors: number): void {
    const { cdb } = this;
    const expected = (cdb[1]! >>> 2) & 0x07;
    if (!this.ready()) return;
    if (expected !== 0 && expected !== 2) return this.check(SENSE.illegalModeForTrack); // any, or mode 1
    const fields = cdb[9]! & 0xf8;
    if (fields === 0 && cdb[10] === 0) return; // nothing wanted: a seek
    if (fields !== 0x10 || (cdb[9]! & 0x06) !== 0 || cdb[10] !== 0) {
      this.log.unimp('READ CD of fields %x', cdb[9]!);
      return this.invalidField(9);
    }
    const scale = CD_BLOCK_BYTES / this.blockBytes;
    this.beginRead(first * scale, sectors * scale);
  }

  /** A sector as four bytes, either 0-M-S-F or its number. */
  #position(lba: number, msf: boolean): number[] {
    if (msf) return [0, ...toMsf(lba)];
    return [lba >>> 24, (lba >>> 16) & 0xff, (lba >>> 8) & 0xff, lba & 0xff];
  }
}

function toMsf(lba: number): [minute: number, second: number, frame: number] {
  const frames = lba + PREGAP_FRAMES;
  const seconds = Math.floor(frames / FRAMES_A_SECOND);
  return [Math.floor(seconds / 60) & 0xff, seconds % 60, frames % FRAMES_A_SECOND];
}

const fromMsf = (bytes: Uint8Array, at: number): number =>
  (bytes[at]! * 60 + bytes[at + 1]!) * FRAMES_A_SECOND + bytes[at + 2]! - PREGAP_FRAMES;
