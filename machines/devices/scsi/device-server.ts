// SPDX-License-Identifier: MIT
//
// The command layer of a SCSI device, apart from how commands reach it: a parallel bus target and an ATAPI drive both
// hand it a command block, move the data it asks for, and collect its status. One command at a time (no tagged
// queuing), one logical unit (LUN 0), sense data in fixed format [SPC-2 §7.23.2].
import type { ChipContext } from '../../backplane/board.ts';
import { type PlainFields, SavedFields, SnapshotError } from '../../backplane/device.ts';
import type { DeviceLog } from '../../backplane/log.ts';
import {
  OP,
  SCSI_STATUS,
  SENSE,
  SENSE_KEY,
  type SenseCode,
  ascii,
  be16,
  be24,
  cdbLength,
  putBe16,
  putBe32,
} from './scsi.ts';

export type Direction = 'none' | 'in' | 'out';

export interface ScsiIdentity {
  /** At most 8 characters. */
  readonly vendor?: string;
  /** At most 16 characters. */
  readonly product?: string;
  /** At most 4 characters. */
  readonly revision?: string;
  /** At most 20 characters. */
  readonly serial?: string;
}

export interface DeviceServerOptions extends ScsiIdentity {
  /** `parallel`: a SCSI bus. `packet`: ATAPI, which has no logical units, block descriptors or power-on attention. */
  readonly transport?: 'parallel' | 'packet';
}

/** One mode page: its bytes with defaults, and which bits MODE SELECT may change. */
export interface ModePage {
  readonly code: number;
  readonly bytes: Uint8Array;
  readonly changeable: Uint8Array;
}

const SENSE_BYTES = 18;
const CDB_BYTES = 16;
/** Largest parameter list or reply. */
const MAX_PARAMETERS = 0x1_0000;
const DEFAULT_NS = 50_000;

export abstract class DeviceServer {
  protected readonly log: DeviceLog;
  protected readonly transport: 'parallel' | 'packet';
  protected readonly identity: Required<ScsiIdentity>;
  /** The command block being executed. */
  protected readonly cdb = new Uint8Array(CDB_BYTES);
  /** The piece of data being moved. */
  protected data: Uint8Array = new Uint8Array();
  protected position = 0;
  readonly #name: string;
  readonly #bufferMemory = new Uint8Array(512);
  #direction: Direction = 'none';
  #status: number = SCSI_STATUS.good;
  #latencyNs = 0;
  #sense: Uint8Array = new Uint8Array(SENSE_BYTES);
  #attention: SenseCode | undefined;
  #reservedBy = -1;
  #modePages: readonly ModePage[] | undefined;

  constructor(chip: ChipContext, defaults: Required<ScsiIdentity>, options: DeviceServerOptions) {
    this.#name = chip.id;
    this.log = chip.log;
    this.transport = options.transport ?? 'parallel';
    this.identity = {
      vendor: options.vendor ?? defaults.vendor,
      product: options.product ?? defaults.product,
      revision: options.revision ?? defaults.revision,
      serial: options.serial ?? defaults.serial,
    };
    this.clearSense();
  }

  /** Which way the data of the command go. */
  get direction(): Direction {
    return this.#direction;
  }

  /** Bytes still to be moved; 0 when the status is ready. */
  get remaining(): number {
    return this.data.length - this.position;
  }

  /** The status of the command, once nothing remains. */
  get status(): number {
    return this.#status;
  }

  /** How long the device works before the first byte or the status. */
  get latencyNs(): number {
    return this.#latencyNs;
  }

  get senseKey(): number {
    return this.#sense[2]! & 0x0f;
  }

  /** Begins a command from initiator `initiator` to logical unit `lun`. */
  start(cdb: Uint8Array, lun = 0, initiator = 7): void {
    this.cdb.fill(0);
    this.cdb.set(cdb.subarray(0, CDB_BYTES));
    this.endTransfer();
    this.#status = SCSI_STATUS.good;
    this.#latencyNs = DEFAULT_NS;
    const op = cdb[0]!;
    if (lun !== 0) {
      this.#wrongLun(op);
      return;
    }
    if (op === OP.requestSense) {
      this.#requestSense();
      return;
    }
    if (!this.ignoresAttention(op)) {
      if (this.#attention !== undefined) {
        const attention = this.#attention;
        this.#attention = undefined;
        this.check(attention);
        return;
      }
      if (this.#reservedBy >= 0 && this.#reservedBy !== initiator && op !== OP.release6 && op !== OP.release10) {
        this.#status = SCSI_STATUS.reservationConflict;
        return;
      }
    }
    this.clearSense();
    if ((cdb[cdbLength(op) - 1]! & 0x01) !== 0 && this.transport === 'parallel') {
      this.invalidField(cdbLength(op) - 1); // linked commands are not supported
      return;
    }
    this.#execute(op, initiator);
  }

  /** Device to initiator: fills up to `into.length` bytes; 0 when nothing (more) comes. */
  read(into: Uint8Array): number {
    if (this.#direction !== 'in') return 0;
    let done = 0;
    while (done < into.length && this.remaining > 0) {
      if (this.position === this.data.length && !this.#guarded(() => this.nextIn())) break;
      const piece = this.data.subarray(this.position, this.position + into.length - done);
      into.set(piece, done);
      this.position += piece.length;
      done += piece.length;
    }
    return done;
  }

  /** Initiator to device: takes up to `from.length` bytes; 0 when no more are wanted. */
  write(from: Uint8Array): number {
    if (this.#direction !== 'out') return 0;
    let done = 0;
    while (done < from.length && this.remaining > 0) {
      const piece = from.subarray(done, done + this.data.length - this.position);
      this.data.set(piece, this.position);
      this.position += piece.length;
      done += piece.length;
      if (this.position === this.data.length && !this.#guarded(() => this.pieceOut())) break;
    }
    return done;
  }

  /** Forgets the command in progress. */
  abort(): void {
    this.endTransfer();
  }

  /** The initiator saw something wrong: the command ends with that sense. */
  fail(code: SenseCode): void {
    this.check(code);
  }

  /** Power-on, bus reset, or BUS DEVICE RESET. */
  reset(): void {
    this.abort();
    this.clearSense();
    this.#status = SCSI_STATUS.good;
    this.#latencyNs = 0;
    this.#reservedBy = -1;
    this.#modePages = undefined;
    this.#attention = this.transport === 'parallel' ? SENSE.powerOnOrReset : undefined;
    this.#bufferMemory.fill(0);
    this.cdb.fill(0);
  }

  save(): PlainFields {
    const pages: PlainFields = {};
    for (const page of this.modePages) pages[page.code.toString(16)] = page.bytes.slice();
    return {
      cdb: this.cdb.slice(),
      data: this.data.slice(),
      position: this.position,
      direction: this.#direction,
      status: this.#status,
      latencyNs: this.#latencyNs,
      sense: this.#sense.slice(),
      attention: this.#attention === undefined ? [] : [...this.#attention],
      reservedBy: this.#reservedBy,
      bufferMemory: this.#bufferMemory.slice(),
      modePages: pages,
    };
  }

  restore(state: PlainFields): void {
    const fields = new SavedFields(this.#name, state);
    this.cdb.set(fields.bytes('cdb', CDB_BYTES));
    this.data = fields.bytes('data', undefined, MAX_PARAMETERS);
    this.position = fields.int('position', 0, this.data.length);
    const direction = fields.string('direction');
    if (direction !== 'none' && direction !== 'in' && direction !== 'out') throw this.#bad('direction');
    this.#direction = direction;
    this.#status = fields.u8('status');
    this.#latencyNs = fields.int('latencyNs', 0, 1e12);
    this.#sense = fields.bytes('sense', SENSE_BYTES);
    const attention = fields.list('attention', 3);
    if (attention.length === 0) this.#attention = undefined;
    else {
      const [key, asc, ascq] = attention;
      if (typeof key !== 'number' || typeof asc !== 'number' || typeof ascq !== 'number') throw this.#bad('attention');
      this.#attention = [key & 0x0f, asc & 0xff, ascq & 0xff];
    }
    this.#reservedBy = fields.int('reservedBy', -1, 15);
    this.#bufferMemory.set(fields.bytes('bufferMemory', this.#bufferMemory.length));
    this.#modePages = undefined;
    const pages = fields.nested('modePages');
    for (const page of this.modePages) page.bytes.set(pages.bytes(page.code.toString(16), page.bytes.length));
  }

  // What a kind of device adds.

  protected abstract readonly deviceType: number;
  protected abstract readonly removable: boolean;
  /** Executes a command that is not handled here, or answers {@link SENSE.invalidOpcode}. */
  protected abstract execute(op: number): void;
  /** The whole parameter list of a command other than those handled here has arrived. */
  protected abstract received(op: number, data: Uint8Array): void;
  /** The default mode pages, in ascending order. */
  protected abstract makeModePages(): ModePage[];
  /** Called when MODE SELECT has changed a page. */
  protected abstract modePageChanged(page: ModePage): void;
  /** The 8-byte block descriptor. */
  protected abstract blockDescriptor(): Uint8Array;
  /** MODE SELECT gave another block length; false when it is not possible. */
  protected abstract setBlockLength(bytes: number): boolean;
  /** Device-specific parameter of the mode header (write protection). */
  protected abstract readonly modeHeaderFlags: number;
  protected abstract readonly mediumType: number;

  /** Gets the next piece of a long transfer to the initiator into {@link data}. False: it failed. */
  protected nextIn(): boolean {
    return false;
  }

  /** {@link data} is full. Long transfers store it and prepare the next. False: it failed. */
  protected pieceOut(): boolean {
    const received = this.data;
    this.endTransfer();
    this.#receivedOwn(this.cdb[0]!, received);
    return true;
  }

  /** Commands executed even while a unit attention is pending. */
  protected ignoresAttention(op: number): boolean {
    return op === OP.inquiry || op === OP.reportLuns;
  }

  /** Ends the command with CHECK CONDITION. `information` is a block address. */
  protected check(code: SenseCode, information?: number): void {
    this.endTransfer();
    this.#status = SCSI_STATUS.checkCondition;
    this.#sense = senseData(code);
    if (information !== undefined) {
      this.#sense[0] = 0xf0; // information field valid
      putBe32(this.#sense, 3, information);
    }
  }

  /** Byte `at` of the command block, or of the parameter list, is wrong. */
  protected invalidField(at: number, inParameters = false): void {
    this.check(inParameters ? SENSE.invalidParameter : SENSE.invalidField);
    this.#sense[15] = 0x80 | (inParameters ? 0 : 0x40);
    putBe16(this.#sense, 16, at);
  }

  protected takesNs(ns: number): void {
    this.#latencyNs = Math.ceil(ns);
  }

  /** Sends `bytes`, cut to the allocation length. */
  protected reply(bytes: Uint8Array, allocation: number): void {
    this.data = bytes.slice(0, Math.min(allocation, MAX_PARAMETERS));
    this.position = 0;
    this.#direction = this.data.length > 0 ? 'in' : 'none';
  }

  /** Asks for a parameter list; `received` follows. */
  protected accept(bytes: number): void {
    if (bytes === 0) return;
    this.beginTransfer('out', new Uint8Array(Math.min(bytes, MAX_PARAMETERS)));
  }

  protected beginTransfer(direction: Direction, data: Uint8Array): void {
    this.#direction = direction;
    this.data = data;
    this.position = 0;
  }

  protected endTransfer(): void {
    this.#direction = 'none';
    this.data = new Uint8Array();
    this.position = 0;
  }

  protected attend(code: SenseCode): void {
    this.#attention = code;
  }

  protected clearSense(): void {
    this.#sense = senseData(SENSE.none);
  }

  protected get modePages(): readonly ModePage[] {
    this.#modePages ??= this.makeModePages();
    return this.#modePages;
  }

  protected modePage(code: number): ModePage | undefined {
    return this.modePages.find((page) => page.code === code);
  }

  #execute(op: number, initiator: number): void {
    const { cdb } = this;
    switch (op) {
      case OP.inquiry:
        return this.#inquiry();
      case OP.modeSense6:
        return this.#modeSense(cdb[4]!, false);
      case OP.modeSense10:
        return this.#modeSense(be16(cdb, 7), true);
      case OP.modeSelect6:
      case OP.modeSelect10:
        if ((cdb[1]! & 0x01) !== 0) return this.check(SENSE.savingNotSupported);
        return this.accept(op === OP.modeSelect6 ? cdb[4]! : be16(cdb, 7));
      case OP.reserve6:
      case OP.reserve10:
        this.#reservedBy = initiator;
        return;
      case OP.release6:
      case OP.release10:
        if (this.#reservedBy === initiator) this.#reservedBy = -1;
        return;
      case OP.reportLuns: {
        const allocation = ((cdb[6]! << 24) | (cdb[7]! << 16) | (cdb[8]! << 8) | cdb[9]!) >>> 0;
        if (allocation < 16) return this.invalidField(6);
        const list = new Uint8Array(16);
        list[3] = 8;
        return this.reply(list, allocation);
      }
      case OP.sendDiagnostic:
        // Only the default self-test, which passes.
        if ((cdb[1]! & 0x04) === 0 && be16(cdb, 3) !== 0) return this.invalidField(3);
        return;
      case OP.readBuffer:
        return this.#readBuffer();
      case OP.writeBuffer:
        return this.#writeBuffer();
      default:
        this.execute(op);
    }
  }

  #receivedOwn(op: number, data: Uint8Array): void {
    if (op === OP.modeSelect6) this.#modeSelect(data, 4);
    else if (op === OP.modeSelect10) this.#modeSelect(data, 8);
    else if (op === OP.writeBuffer) {
      const head = (this.cdb[1]! & 0x07) === 0 ? 4 : 0; // combined mode has a header
      const offset = head === 4 ? 0 : be24(this.cdb, 3);
      this.#bufferMemory.set(data.subarray(head, head + this.#bufferMemory.length - offset), offset);
    } else this.received(op, data);
  }

  #wrongLun(op: number): void {
    if (op === OP.inquiry) {
      const data = this.#standardInquiry();
      data[0] = 0x7f; // no device can be here
      this.reply(data, this.cdb[4]!);
    } else if (op === OP.requestSense) {
      this.reply(senseData(SENSE.lunNotSupported), this.cdb[4]!);
    } else {
      this.check(SENSE.lunNotSupported);
    }
  }

  #requestSense(): void {
    if (this.senseKey === SENSE_KEY.noSense && this.#attention !== undefined) {
      this.#sense = senseData(this.#attention);
      this.#attention = undefined;
    }
    // A SCSI-1 initiator asking for 0 bytes gets 4; that default went away with SCSI-2.
    this.reply(this.#sense, this.cdb[4]!);
    this.clearSense();
  }

  #inquiry(): void {
    const { cdb } = this;
    const allocation = be16(cdb, 3) & (this.transport === 'packet' ? 0xff : 0xffff);
    if ((cdb[1]! & 0x02) !== 0) return this.invalidField(1); // command support data
    if ((cdb[1]! & 0x01) === 0) {
      if (cdb[2] !== 0) return this.invalidField(2);
      return this.reply(this.#standardInquiry(), allocation);
    }
    const page = this.#vitalProductData(cdb[2]!);
    if (page === undefined) return this.invalidField(2);
    this.reply(Uint8Array.from([this.deviceType, cdb[2]!, 0, page.length, ...page]), allocation);
  }

  #standardInquiry(): Uint8Array {
    const packet = this.transport === 'packet';
    const data = new Uint8Array(36);
    data[0] = this.deviceType;
    data[1] = this.removable ? 0x80 : 0;
    data[2] = packet ? 0x00 : 0x02; // SCSI-2
    data[3] = packet ? 0x21 : 0x02; // response data format 2; ATAPI version 2
    data[4] = data.length - 5;
    data[7] = packet ? 0x00 : 0x10; // synchronous transfers; no wide ones, linking or queuing
    data.set(ascii(this.identity.vendor, 8), 8);
    data.set(ascii(this.identity.product, 16), 16);
    data.set(ascii(this.identity.revision, 4), 32);
    return data;
  }

  #vitalProductData(page: number): Uint8Array | undefined {
    const serial = ascii(this.identity.serial, Math.min(20, this.identity.serial.length));
    switch (page) {
      case 0x00:
        return Uint8Array.from([0x00, 0x80, 0x83]);
      case 0x80:
        return serial;
      case 0x83: {
        // One designator: ASCII, T10 vendor identification, of the logical unit.
        const name = [...ascii(this.identity.vendor, 8), ...ascii(this.identity.product, 16), ...serial];
        return Uint8Array.from([0x02, 0x01, 0x00, name.length, ...name]);
      }
      default:
        return undefined;
    }
  }

  #modeSense(allocation: number, long: boolean): void {
    const { cdb } = this;
    const wanted = cdb[2]! & 0x3f;
    const control = cdb[2]! >>> 6;
    if (control === 3) return this.check(SENSE.savingNotSupported);
    if (cdb[3] !== 0 && cdb[3] !== 0xff) return this.invalidField(3); // no subpages
    const pages = wanted === 0x3f ? this.modePages : this.modePages.filter((page) => page.code === wanted);
    if (pages.length === 0 && wanted !== 0) return this.invalidField(2);
    const defaults = control === 2 ? this.makeModePages() : undefined;
    const bodies = pages.flatMap((page) => {
      const bytes =
        control === 1 ? page.changeable : (defaults?.find((other) => other.code === page.code)?.bytes ?? page.bytes);
      return [page.code, bytes.length, ...bytes];
    });
    const descriptor = (cdb[1]! & 0x08) !== 0 || this.transport === 'packet' ? [] : [...this.blockDescriptor()];
    const header = new Uint8Array(long ? 8 : 4);
    const total = header.length + descriptor.length + bodies.length;
    if (long) {
      putBe16(header, 0, total - 2);
      header[2] = this.mediumType;
      header[3] = this.modeHeaderFlags;
      putBe16(header, 6, descriptor.length);
    } else {
      header.set([total - 1, this.mediumType, this.modeHeaderFlags, descriptor.length]);
    }
    this.reply(Uint8Array.from([...header, ...descriptor, ...bodies]), allocation);
  }

  #modeSelect(list: Uint8Array, headerBytes: number): void {
    if (list.length < headerBytes) return this.check(SENSE.parameterListLength);
    const descriptorBytes = headerBytes === 4 ? list[3]! : be16(list, 6);
    if (descriptorBytes !== 0 && descriptorBytes !== 8) return this.invalidField(headerBytes === 4 ? 3 : 6, true);
    let at = headerBytes + descriptorBytes;
    if (list.length < at) return this.check(SENSE.parameterListLength);
    // Everything is checked before anything changes.
    const changes: { page: ModePage; bytes: Uint8Array }[] = [];
    while (at < list.length) {
      const page = this.modePage(list[at]! & 0x3f);
      if (page === undefined) return this.invalidField(at, true);
      if (at + 2 > list.length || list[at + 1] !== page.bytes.length) return this.invalidField(at + 1, true);
      const bytes = list.subarray(at + 2, at + 2 + page.bytes.length);
      if (bytes.length < page.bytes.length) return this.check(SENSE.parameterListLength);
      for (let i = 0; i < bytes.length; i++) {
        if (((bytes[i]! ^ page.bytes[i]!) & ~page.changeable[i]!) !== 0) return this.invalidField(at + 2 + i, true);
      }
      changes.push({ page, bytes });
      at += 2 + page.bytes.length;
    }
    if (descriptorBytes === 8) {
      const length = be24(list, headerBytes + 5);
      if (length !== 0 && !this.setBlockLength(length)) return this.invalidField(headerBytes + 5, true);
    }
    for (const { page, bytes } of changes) {
      page.bytes.set(bytes);
      this.modePageChanged(page);
    }
  }

  /** [SPC-2 §7.14] Modes 0 (header and data), 2 (data), 3 (descriptor) of the one buffer. */
  #readBuffer(): void {
    const { cdb } = this;
    const mode = cdb[1]! & 0x07;
    const offset = be24(cdb, 3);
    const allocation = be24(cdb, 6);
    const size = this.#bufferMemory.length;
    if (cdb[2] !== 0) return this.invalidField(2);
    if (mode === 0) {
      return this.reply(Uint8Array.from([0, 0, size >>> 8, size & 0xff, ...this.#bufferMemory]), allocation);
    }
    if (mode === 2) {
      if (offset > size) return this.invalidField(3);
      return this.reply(this.#bufferMemory.subarray(offset), allocation);
    }
    if (mode === 3) return this.reply(Uint8Array.from([0, 0, size >>> 8, size & 0xff]), allocation);
    this.invalidField(1);
  }

  #writeBuffer(): void {
    const { cdb } = this;
    const mode = cdb[1]! & 0x07;
    const length = be24(cdb, 6);
    const size = this.#bufferMemory.length;
    if (cdb[2] !== 0) return this.invalidField(2);
    if (mode === 0) {
      if (length > size + 4 || (length > 0 && length < 4)) return this.invalidField(6);
    } else if (mode === 2) {
      if (be24(cdb, 3) + length > size) return this.invalidField(6);
    } else return this.invalidField(1); // microcode is not downloaded
    this.accept(length);
  }

  /** Runs one step of a long transfer; when that fails the transfer is over and the status tells why. */
  #guarded(step: () => boolean): boolean {
    const more = step();
    if (!more) this.endTransfer();
    return more;
  }

  #bad(field: string): SnapshotError {
    return new SnapshotError(`${this.#name}: field "${field}"`);
  }
}

function senseData([key, asc, ascq]: SenseCode): Uint8Array {
  const data = new Uint8Array(SENSE_BYTES);
  data[0] = 0x70; // current error, fixed format
  data[2] = key;
  data[7] = SENSE_BYTES - 8;
  data[12] = asc;
  data[13] = ascq;
  return data;
}

/** A mode page of `bytes` behind its two-byte header; `changeable` gives the bits by offset. */
export function modePage(code: number, bytes: readonly number[], changeable: Record<number, number> = {}): ModePage {
  const mask = new Uint8Array(bytes.length);
  for (const [offset, bits] of Object.entries(changeable)) mask[Number(offset)] = bits;
  return { code, bytes: Uint8Array.from(bytes), changeable: mask };
}
