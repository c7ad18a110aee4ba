// SPDX-License-Identifier: MIT
//
// What devices with addressable blocks have in common: reading, writing, verifying, seeking, capacity.
import type { ChipContext } from '../../backplane/board.ts';
import { type PlainFields, SavedFields } from '../../backplane/device.ts';
import { type BlockDevice, MediumError } from '../../backplane/host.ts';
import { DeviceServer, type DeviceServerOptions, type ScsiIdentity } from './device-server.ts';
import { OP, SENSE, be16, be24, be32, putBe32 } from './scsi.ts';

/** Moved to or from the medium at a time. */
const PIECE_BYTES = 0x8000;

const TRANSFERS = ['none', 'read', 'write', 'writeVerify'] as const;
type TransferKind = (typeof TRANSFERS)[number];

/** How long the mechanics take. */
export interface Mechanics {
  readonly cachedNs: number;
  readonly seekNs: number;
  readonly fullStrokeNs: number;
}

export abstract class BlockServer extends DeviceServer {
  protected medium: BlockDevice | undefined;
  /** Size of a logical block, which MODE SELECT may change. */
  protected blockBytes: number;
  readonly #id: string;
  readonly #mechanics: Mechanics;
  #transfer: TransferKind = 'none';
  #block = 0;
  #blocksLeft = 0;
  #forceUnitAccess = false;
  /** Where the heads are, as a logical block. */
  #heads = 0;

  constructor(
    chip: ChipContext,
    medium: BlockDevice | undefined,
    blockBytes: number,
    mechanics: Mechanics,
    identity: Required<ScsiIdentity>,
    options: DeviceServerOptions,
  ) {
    super(chip, identity, options);
    this.#id = chip.id;
    this.medium = medium;
    this.blockBytes = blockBytes;
    this.#mechanics = mechanics;
  }

  override get remaining(): number {
    return super.remaining + this.#blocksLeft * this.blockBytes;
  }

  override reset(): void {
    super.reset();
    this.#forceUnitAccess = false;
    this.#block = 0;
    this.#heads = 0;
  }

  override save(): PlainFields {
    return {
      ...super.save(),
      transfer: this.#transfer,
      block: this.#block,
      blocksLeft: this.#blocksLeft,
      forceUnitAccess: this.#forceUnitAccess,
      heads: this.#heads,
      blockBytes: this.blockBytes,
    };
  }

  override restore(state: PlainFields): void {
    const fields = new SavedFields(this.#id, state);
    this.#transfer = TRANSFERS.find((known) => known === fields.string('transfer')) ?? 'none';
    this.#block = fields.int('block', 0, Number.MAX_SAFE_INTEGER);
    this.#blocksLeft = fields.int('blocksLeft', 0, 0xffff_ffff);
    this.#forceUnitAccess = fields.bool('forceUnitAccess');
    this.#heads = fields.int('heads', 0, Number.MAX_SAFE_INTEGER);
    this.blockBytes = fields.int('blockBytes', 256, PIECE_BYTES);
    super.restore(state);
  }

  /** Logical blocks of the medium; 0 without one. */
  protected get blockCount(): number {
    const { medium } = this;
    return medium === undefined ? 0 : Math.floor((medium.blockCount * medium.blockBytes) / this.blockBytes);
  }

  /** The medium can be used; otherwise the command has been ended with the reason. */
  protected abstract ready(): boolean;
  /** The medium may be written; otherwise the command has been ended with the reason. */
  protected abstract writable(): boolean;
  /** Is a write safe on the medium only after a flush? */
  protected abstract readonly writeCacheEnabled: boolean;

  /** Executes the commands every block device has; false for the others. */
  protected executeBlock(op: number): boolean {
    const { cdb } = this;
    switch (op) {
      case OP.testUnitReady:
        this.ready();
        return true;
      case OP.rezeroUnit:
        if (this.ready()) this.#seek(0);
        return true;
      case OP.read6:
        this.#begin('read', be24(cdb, 1) & 0x1f_ffff, cdb[4] === 0 ? 256 : cdb[4]!);
        return true;
      case OP.read10:
        this.#begin('read', be32(cdb, 2), be16(cdb, 7));
        return true;
      case OP.read12:
        this.#begin('read', be32(cdb, 2), be32(cdb, 6));
        return true;
      case OP.seek6:
        if (this.ready()) this.#seek(be24(cdb, 1) & 0x1f_ffff);
        return true;
      case OP.seek10:
        if (this.ready()) this.#seek(be32(cdb, 2));
        return true;
      case OP.readCapacity10:
        this.#readCapacity();
        return true;
      case OP.verify10:
        this.#verify(be32(cdb, 2), be16(cdb, 7));
        return true;
      case OP.verify12:
        this.#verify(be32(cdb, 2), be32(cdb, 6));
        return true;
      default:
        return false;
    }
  }

  /** The same for those that write. */
  protected executeWrite(op: number): boolean {
    const { cdb } = this;
    switch (op) {
      case OP.write6:
        this.#begin('write', be24(cdb, 1) & 0x1f_ffff, cdb[4] === 0 ? 256 : cdb[4]!);
        return true;
      case OP.write10:
      case OP.writeVerify10:
        this.#forceUnitAccess = op === OP.write10 && (cdb[1]! & 0x08) !== 0;
        this.#begin(op === OP.write10 ? 'write' : 'writeVerify', be32(cdb, 2), be16(cdb, 7));
        return true;
      case OP.write12:
      case OP.writeVerify12:
        this.#forceUnitAccess = op === OP.write12 && (cdb[1]! & 0x08) !== 0;
        this.#begin(op === OP.write12 ? 'write' : 'writeVerify', be32(cdb, 2), be32(cdb, 6));
        return true;
      case OP.synchronizeCache10:
        if (!this.ready()) return true;
        if (!this.inRange(be32(cdb, 2), be16(cdb, 7))) return true;
        this.takesNs(this.#mechanics.seekNs * 2);
        this.flush();
        return true;
      default:
        return false;
    }
  }

  /** Begins sending `blocks` blocks of user data from `first`, or ends the command with the reason. */
  protected beginRead(first: number, blocks: number): void {
    this.#begin('read', first, blocks);
  }

  /** Both ends of [first, first + blocks) exist; otherwise the command has been ended. */
  protected inRange(first: number, blocks: number): boolean {
    if (first + blocks <= this.blockCount && (first < this.blockCount || blocks === 0)) return true;
    this.check(SENSE.lbaOutOfRange, Math.max(first, Math.min(this.blockCount, 0xffff_ffff)));
    return false;
  }

  protected flush(): boolean {
    try {
      this.medium?.flush();
      return true;
    } catch (error) {
      if (!(error instanceof MediumError)) throw error;
      this.log.info(`flush failed: ${error.message}`);
      this.check(SENSE.writeError);
      return false;
    }
  }

  protected override endTransfer(): void {
    super.endTransfer();
    this.#transfer = 'none';
    this.#blocksLeft = 0;
  }

  protected override nextIn(): boolean {
    const wanted = this.#takePiece();
    if (wanted === 0) return false;
    const piece = new Uint8Array(wanted * this.blockBytes);
    const good = this.#readBlocks(this.#block, piece);
    if (good === 0) {
      this.check(SENSE.unrecoveredRead, this.#block);
      return false;
    }
    this.#blocksLeft -= good;
    this.#block += good;
    this.data = piece.subarray(0, good * this.blockBytes);
    this.position = 0;
    return true;
  }

  protected override pieceOut(): boolean {
    if (this.#transfer === 'none') return super.pieceOut();
    const blocks = this.data.length / this.blockBytes;
    try {
      this.medium!.write((this.#block * this.blockBytes) / this.medium!.blockBytes, this.data);
    } catch (error) {
      if (!(error instanceof MediumError)) throw error;
      this.log.info(`write failed: ${error.message}`);
      this.check(SENSE.writeError, this.#block);
      return false;
    }
    this.#block += blocks;
    if (this.#blocksLeft === 0) {
      const safe = this.#forceUnitAccess || this.#transfer === 'writeVerify' || !this.writeCacheEnabled;
      this.endTransfer();
      if (safe) this.flush();
      return true;
    }
    this.#prepareOut();
    return true;
  }

  #begin(kind: TransferKind, first: number, blocks: number): void {
    if (!this.ready()) return;
    if (kind !== 'read' && !this.writable()) return;
    if (!this.inRange(first, blocks)) return;
    if (kind === 'read' || blocks > 0) this.#travel(first, blocks);
    if (blocks === 0) return;
    this.beginTransfer(kind === 'read' ? 'in' : 'out', new Uint8Array());
    this.#transfer = kind;
    this.#block = first;
    this.#blocksLeft = blocks;
    if (kind !== 'read') this.#prepareOut();
  }

  #prepareOut(): void {
    const blocks = this.#takePiece();
    this.#blocksLeft -= blocks;
    this.data = new Uint8Array(blocks * this.blockBytes);
    this.position = 0;
  }

  #takePiece(): number {
    return Math.min(this.#blocksLeft, Math.floor(PIECE_BYTES / this.blockBytes));
  }

  /** Reads whole logical blocks; how many of them are good, from the first. */
  #readBlocks(first: number, into: Uint8Array): number {
    const blocks = into.length / this.blockBytes;
    if (this.#readBytes(first * this.blockBytes, into)) return blocks;
    for (let good = 0; good < blocks; good++) {
      const at = good * this.blockBytes;
      if (!this.#readBytes((first + good) * this.blockBytes, into.subarray(at, at + this.blockBytes))) return good;
    }
    return blocks;
  }

  #readBytes(offset: number, into: Uint8Array): boolean {
    const medium = this.medium;
    if (medium === undefined) return false;
    const size = medium.blockBytes;
    try {
      if (offset % size === 0 && into.length % size === 0) {
        medium.read(offset / size, into);
      } else {
        // Logical blocks smaller than the medium's: read what covers them.
        const first = Math.floor(offset / size);
        const around = new Uint8Array((Math.ceil((offset + into.length) / size) - first) * size);
        medium.read(first, around);
        into.set(around.subarray(offset - first * size, offset - first * size + into.length));
      }
      return true;
    } catch (error) {
      if (!(error instanceof MediumError)) throw error;
      this.log.info(`read failed: ${error.message}`);
      return false;
    }
  }

  #readCapacity(): void {
    const { cdb } = this;
    if (!this.ready()) return;
    const partial = (cdb[8]! & 0x01) !== 0;
    if (!partial && be32(cdb, 2) !== 0) return this.invalidField(2);
    if (partial && !this.inRange(be32(cdb, 2), 1)) return;
    const reply = new Uint8Array(8);
    putBe32(reply, 0, Math.min(this.blockCount - 1, 0xffff_ffff));
    putBe32(reply, 4, this.blockBytes);
    this.reply(reply, 8);
  }

  #verify(first: number, blocks: number): void {
    if ((this.cdb[1]! & 0x02) !== 0) return this.invalidField(1); // byte by byte, with data from the initiator
    if (!this.ready() || !this.inRange(first, blocks)) return;
    this.#travel(first, blocks);
    const piece = new Uint8Array(Math.floor(PIECE_BYTES / this.blockBytes) * this.blockBytes);
    // At most 64 Ki blocks are looked at; a longer verification only takes longer.
    for (let done = 0; done < Math.min(blocks, 0x1_0000);) {
      const into = piece.subarray(0, Math.min(piece.length, (blocks - done) * this.blockBytes));
      const good = this.#readBlocks(first + done, into);
      done += good;
      if (good * this.blockBytes < into.length) return this.check(SENSE.unrecoveredRead, first + done);
    }
  }

  #seek(block: number): void {
    if (!this.inRange(block, 1)) return;
    this.#travel(block, 0);
  }

  #travel(first: number, blocks: number): void {
    const { cachedNs, seekNs, fullStrokeNs } = this.#mechanics;
    const distance = Math.abs(first - this.#heads);
    this.takesNs(
      distance === 0 ? cachedNs : seekNs + (fullStrokeNs * Math.min(distance, this.blockCount)) / this.blockCount,
    );
    this.#heads = first + blocks;
  }
}
