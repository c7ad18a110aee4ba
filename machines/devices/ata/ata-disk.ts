// SPDX-License-Identifier: MIT
/**
 * A generic ATA hard disk.
 *
 * Sockets: an ATA cable (plugged into an AtaChannel), a block device of 512-byte blocks.
 * Documents: [ATA-6] T13/1410D; [ATA-3] X3.298 for the commands and CHS translation that later standards dropped.
 * Not modelled: Security, SMART, power-up in standby, automatic acoustic management, queued DMA, SET MAX (READ NATIVE
 * MAX answers), media serial numbers, CFA, READ/WRITE LONG, DOWNLOAD MICROCODE: aborted, and not announced by
 * IDENTIFY DEVICE. Standby timers are accepted and never expire.
 */
import type { ChipContext } from '../../backplane/board.ts';
import { type PlainFields, SavedFields, SnapshotError } from '../../backplane/device.ts';
import { type BlockDevice, MediumError } from '../../backplane/host.ts';
import { DEVICE_LBA, ERROR_ABRT, ERROR_IDNF, ERROR_UNC, REG, STATUS_DF, STATUS_DRDY, STATUS_DSC } from './ata.ts';
import { AtaDrive, type AtaDriveText, BUFFER_BYTES, identifyBytes, identifyText } from './ata-drive.ts';

const SECTOR_BYTES = 512;
const DMA_SECTORS = BUFFER_BYTES / SECTOR_BYTES;
const MAX_MULTIPLE = 16;
const ULTRA_MODES = 6;
const LBA28_SECTORS = 0x0fff_ffff;
const LBA48_SECTORS = 2 ** 48;

/** The translation a disk of more than 8 GB reports. */
const DEFAULT_HEADS = 16;
const DEFAULT_SECTORS = 63;
const MAX_CYLINDERS = 16_383;

const COMMAND_NS = 20_000; // decoding a command, no mechanics
const CACHED_NS = 30_000; // the next sectors are in the read-ahead buffer
const SEEK_NS = 100_000;
const FULL_STROKE_NS = 400_000; // what crossing the whole disk adds
const FLUSH_NS = 200_000;

const CMD = {
  nop: 0x00,
  recalibrate: 0x10, // to 0x1f
  readSectors: 0x20,
  readSectorsNoRetry: 0x21,
  readSectorsExt: 0x24,
  readDmaExt: 0x25,
  readNativeMaxExt: 0x27,
  readMultipleExt: 0x29,
  writeSectors: 0x30,
  writeSectorsNoRetry: 0x31,
  writeSectorsExt: 0x34,
  writeDmaExt: 0x35,
  writeMultipleExt: 0x39,
  writeDmaFuaExt: 0x3d,
  writeVerify: 0x3c,
  readVerify: 0x40,
  readVerifyNoRetry: 0x41,
  readVerifyExt: 0x42,
  seek: 0x70, // to 0x7f
  initializeDeviceParameters: 0x91,
  readMultiple: 0xc4,
  writeMultiple: 0xc5,
  setMultiple: 0xc6,
  readDma: 0xc8,
  readDmaNoRetry: 0xc9,
  writeDma: 0xca,
  writeDmaNoRetry: 0xcb,
  writeMultipleFuaExt: 0xce,
  standbyImmediate: 0xe0,
  idleImmediate: 0xe1,
  standby: 0xe2,
  idle: 0xe3,
  readBuffer: 0xe4,
  checkPowerMode: 0xe5,
  sleep: 0xe6,
  flushCache: 0xe7,
  writeBuffer: 0xe8,
  flushCacheExt: 0xea,
  identifyDevice: 0xec,
  setFeatures: 0xef,
  readNativeMax: 0xf8,
} as const;

/** The power commands' ATA-1 codes, by their present ones. */
const OLD_POWER_CODES: Readonly<Record<number, number>> = {
  0x94: CMD.standbyImmediate,
  0x95: CMD.idleImmediate,
  0x96: CMD.standby,
  0x97: CMD.idle,
  0x98: CMD.checkPowerMode,
  0x99: CMD.sleep,
};

const POWER = { standby: 0x00, idle: 0x80, active: 0xff } as const;

/** What a command in progress does when its time has come. */
const OPERATIONS = [
  'none',
  'finish',
  'read',
  'write',
  'store',
  'verify',
  'flush',
  'identify',
  'readBuffer',
  'writeBuffer',
] as const;
type Operation = (typeof OPERATIONS)[number];

export class AtaDisk extends AtaDrive {
  readonly showsRegistersForAbsent = true;
  protected readonly hasDeviceReset = false;
  readonly #medium: BlockDevice;
  readonly #text: Required<AtaDriveText>;
  readonly #capacity: number;
  readonly #cylinders: number;
  readonly #sectorBuffer = new Uint8Array(SECTOR_BYTES);
  // The translation in use (INITIALIZE DEVICE PARAMETERS).
  #heads = DEFAULT_HEADS;
  #sectors = DEFAULT_SECTORS;
  #multiple = 0;
  #writeCache = true;
  #lookAhead = true;
  #revertOnReset = false;
  #power: number = POWER.active;
  #asleep = false;
  // The command in progress.
  #operation: Operation = 'none';
  #lba = 0;
  #left = 0;
  #chunk = 0;
  #blockSectors = 1;
  #dma = false;
  #ext = false;
  #fua = false;
  #firstBlock = true;
  /** Where the heads are, as a sector number. */
  #position = 0;

  constructor(chip: ChipContext, medium: BlockDevice, text: AtaDriveText = {}) {
    super(chip);
    if (medium.blockBytes !== SECTOR_BYTES) throw new RangeError(`${chip.id}: blocks of ${medium.blockBytes} bytes`);
    this.#medium = medium;
    this.#text = { model: 'EMERITUS ATA DISK', serial: chip.id.toUpperCase(), firmware: '1.0', ...text };
    this.#capacity = Math.min(medium.blockCount, LBA48_SECTORS);
    this.#cylinders = Math.min(MAX_CYLINDERS, Math.floor(this.#capacity / (DEFAULT_HEADS * DEFAULT_SECTORS)));
  }

  override save(): PlainFields {
    return {
      ...super.save(),
      heads: this.#heads,
      sectors: this.#sectors,
      multiple: this.#multiple,
      writeCache: this.#writeCache,
      lookAhead: this.#lookAhead,
      revertOnReset: this.#revertOnReset,
      power: this.#power,
      asleep: this.#asleep,
      operation: this.#operation,
      lba: this.#lba,
      left: this.#left,
      chunk: this.#chunk,
      blockSectors: this.#blockSectors,
      dma: this.#dma,
      ext: this.#ext,
      fua: this.#fua,
      firstBlock: this.#firstBlock,
      headPosition: this.#position,
      sectorBuffer: this.#sectorBuffer.slice(),
    };
  }

  override restore(state: PlainFields): void {
    const fields = new SavedFields(this.id, state);
    const operation = OPERATIONS.find((known) => known === fields.string('operation'));
    if (operation === undefined) throw new SnapshotError(`${this.id}: unknown operation`);
    super.restore(state);
    this.#operation = operation;
    this.#heads = fields.int('heads', 1, 16);
    this.#sectors = fields.int('sectors', 1, 255);
    this.#multiple = fields.int('multiple', 0, MAX_MULTIPLE);
    this.#writeCache = fields.bool('writeCache');
    this.#lookAhead = fields.bool('lookAhead');
    this.#revertOnReset = fields.bool('revertOnReset');
    this.#power = fields.u8('power');
    this.#asleep = fields.bool('asleep');
    this.#lba = fields.int('lba', 0, LBA48_SECTORS);
    this.#left = fields.int('left', 0, 0x1_0000);
    this.#chunk = fields.int('chunk', 0, DMA_SECTORS);
    this.#blockSectors = fields.int('blockSectors', 1, DMA_SECTORS);
    this.#dma = fields.bool('dma');
    this.#ext = fields.bool('ext');
    this.#fua = fields.bool('fua');
    this.#firstBlock = fields.bool('firstBlock');
    this.#position = fields.int('headPosition', 0, LBA48_SECTORS);
    this.#sectorBuffer.set(fields.bytes('sectorBuffer', SECTOR_BYTES));
  }

  protected signature(): { lbaMid: number; lbaHigh: number; status: number } {
    return { lbaMid: 0, lbaHigh: 0, status: STATUS_DRDY | STATUS_DSC };
  }

  protected hardReset(): void {
    this.#revertOnReset = false;
    this.#defaults();
    this.#power = POWER.active;
    this.#position = 0;
    this.#lba = this.#left = this.#chunk = 0;
    this.#blockSectors = 1;
    this.#dma = this.#ext = this.#fua = false;
    this.#firstBlock = true;
    this.#sectorBuffer.fill(0);
    this.softReset();
  }

  protected softReset(): void {
    this.#operation = 'none';
    this.#asleep = false;
    if (this.#revertOnReset) this.#defaults();
  }

  protected execute(command: number): void {
    if (this.#asleep) {
      this.log.guest('command %x while asleep', command);
      return;
    }
    const code = OLD_POWER_CODES[command] ?? command;
    switch (code) {
      case CMD.readSectors:
      case CMD.readSectorsNoRetry:
        return this.#begin('read', { block: 1 });
      case CMD.readSectorsExt:
        return this.#begin('read', { block: 1, ext: true });
      case CMD.readMultiple:
      case CMD.readMultipleExt:
        if (this.#multiple === 0) return this.abort();
        return this.#begin('read', { block: this.#multiple, ext: code === CMD.readMultipleExt });
      case CMD.readDma:
      case CMD.readDmaNoRetry:
      case CMD.readDmaExt:
        return this.#begin('read', { block: DMA_SECTORS, dma: true, ext: code === CMD.readDmaExt });
      case CMD.writeSectors:
      case CMD.writeSectorsNoRetry:
      case CMD.writeVerify:
        return this.#begin('write', { block: 1 });
      case CMD.writeSectorsExt:
        return this.#begin('write', { block: 1, ext: true });
      case CMD.writeMultiple:
      case CMD.writeMultipleExt:
      case CMD.writeMultipleFuaExt:
        if (this.#multiple === 0) return this.abort();
        return this.#begin('write', {
          block: this.#multiple,
          ext: code !== CMD.writeMultiple,
          fua: code === CMD.writeMultipleFuaExt,
        });
      case CMD.writeDma:
      case CMD.writeDmaNoRetry:
      case CMD.writeDmaExt:
      case CMD.writeDmaFuaExt: {
        const ext = code === CMD.writeDmaExt || code === CMD.writeDmaFuaExt;
        return this.#begin('write', { block: DMA_SECTORS, dma: true, ext, fua: code === CMD.writeDmaFuaExt });
      }
      case CMD.readVerify:
      case CMD.readVerifyNoRetry:
      case CMD.readVerifyExt:
        return this.#begin('verify', { block: DMA_SECTORS, ext: code === CMD.readVerifyExt });
      case CMD.flushCache:
      case CMD.flushCacheExt:
        this.#operation = 'flush';
        return this.busy(FLUSH_NS);
      case CMD.identifyDevice:
        this.#operation = 'identify';
        return this.busy(COMMAND_NS);
      case CMD.readBuffer:
        this.#operation = 'readBuffer';
        return this.busy(COMMAND_NS);
      case CMD.writeBuffer:
        this.#operation = 'writeBuffer';
        return this.busy(COMMAND_NS);
      case CMD.setMultiple:
        return this.#setMultiple();
      case CMD.setFeatures:
        return this.#setFeatures();
      case CMD.initializeDeviceParameters:
        return this.#initializeParameters();
      case CMD.readNativeMax:
      case CMD.readNativeMaxExt:
        return this.#readNativeMax(code === CMD.readNativeMaxExt);
      case CMD.standby:
      case CMD.standbyImmediate:
        return this.#setPower(POWER.standby);
      case CMD.idle:
      case CMD.idleImmediate:
        return this.#setPower(POWER.idle);
      case CMD.sleep:
        this.#setPower(POWER.standby);
        this.#asleep = true;
        return;
      case CMD.checkPowerMode:
        this.current[REG.sectorCount] = this.#power;
        return this.#finishSoon();
      case CMD.nop:
        return this.abort(); // [ATA-6 §8.26] NOP always ends so
      default:
        if ((code & 0xf0) === CMD.recalibrate) {
          const from = this.#position;
          this.#position = 0;
          return this.#finishSoon(this.#seekNs(from, 0));
        }
        if ((code & 0xf0) === CMD.seek) return this.#seek();
        this.log.unimp('command %x', command);
        return this.abort();
    }
  }

  protected proceed(): void {
    switch (this.#operation) {
      case 'read':
        return this.#fetch();
      case 'write':
        this.#chunk = Math.min(this.#left, this.#blockSectors);
        return this.offer(this.#dma ? 'dmaOut' : 'pioOut', this.#chunk * SECTOR_BYTES, this.#interruptsForBlock());
      case 'store':
        return this.#store();
      case 'verify':
        return this.#verify();
      case 'flush':
        return this.#flush();
      case 'identify':
        this.#identify();
        return this.offer('pioIn', SECTOR_BYTES, true);
      case 'readBuffer':
        this.buffer.set(this.#sectorBuffer);
        return this.offer('pioIn', SECTOR_BYTES, true);
      case 'writeBuffer':
        return this.offer('pioOut', SECTOR_BYTES, false);
      case 'finish':
      case 'none':
        this.#operation = 'none';
        return this.complete();
    }
  }

  protected transferred(): void {
    switch (this.#operation) {
      case 'read':
        if (this.#left > 0) return this.busy(this.#pieceNs());
        if (this.#dma) return this.#finishSoon();
        break;
      case 'write':
        this.#operation = 'store';
        return this.busy(this.#pieceNs());
      case 'writeBuffer':
        this.#sectorBuffer.set(this.buffer.subarray(0, SECTOR_BYTES));
        return this.#finishSoon();
      default:
    }
    this.#operation = 'none';
    this.complete(false);
  }

  /** The first block of a PIO write is asked for by DRQ alone. */
  #interruptsForBlock(): boolean {
    const first = this.#firstBlock;
    this.#firstBlock = false;
    return !this.#dma && !first;
  }

  #begin(
    operation: 'read' | 'write' | 'verify',
    how: { block: number; dma?: boolean; ext?: boolean; fua?: boolean },
  ): void {
    this.#ext = how.ext === true;
    this.#dma = how.dma === true;
    this.#fua = how.fua === true;
    this.#blockSectors = how.block;
    this.#power = POWER.active;
    const lba = this.#address();
    if (lba === undefined) return this.fail(ERROR_IDNF);
    this.#lba = lba;
    const count = this.#ext
      ? (this.previous[REG.sectorCount]! << 8) | this.current[REG.sectorCount]!
      : this.current[REG.sectorCount]!;
    this.#left = count === 0 ? (this.#ext ? 0x1_0000 : 0x100) : count;
    if (lba >= this.#capacity) return this.fail(ERROR_IDNF);
    if (operation === 'write' && this.#medium.readonly) {
      this.log.info('write to a read-only disk refused');
      return this.abort();
    }
    this.#operation = operation;
    this.#firstBlock = true;
    this.#chunk = Math.min(this.#left, this.#blockSectors);
    const from = this.#position;
    this.#position = Math.min(lba + this.#left, LBA48_SECTORS);
    if (operation === 'write') this.busy(COMMAND_NS);
    else this.busy(this.#seekNs(from, lba) + this.#pieceNs());
  }

  #fetch(): void {
    const wanted = Math.min(this.#left, this.#blockSectors);
    const got = this.#readSectors(wanted);
    if (got === 0) return this.#mediumFailed(this.#lba < this.#capacity ? ERROR_UNC : ERROR_IDNF);
    this.#advance(got);
    this.#chunk = got;
    this.offer(this.#dma ? 'dmaIn' : 'pioIn', got * SECTOR_BYTES, !this.#dma);
  }

  #store(): void {
    const fits = Math.min(this.#chunk, Math.max(0, this.#capacity - this.#lba));
    if (fits === 0) return this.#mediumFailed(ERROR_IDNF);
    try {
      this.#medium.write(this.#lba, this.buffer.subarray(0, fits * SECTOR_BYTES));
      if (this.#fua || !this.#writeCache) this.#medium.flush();
    } catch (error) {
      if (!(error instanceof MediumError)) throw error;
      this.log.info(`write failed: ${error.message}`);
      this.#operation = 'none';
      this.#putAddress(this.#lba);
      return this.fail(ERROR_ABRT, STATUS_DF);
    }
    this.#advance(fits);
    if (fits < this.#chunk) return this.#mediumFailed(ERROR_IDNF);
    if (this.#left === 0) {
      this.#operation = 'none';
      return this.complete();
    }
    this.#operation = 'write';
    this.proceed();
  }

  #verify(): void {
    const wanted = Math.min(this.#left, this.#blockSectors);
    const got = this.#readSectors(wanted);
    if (got === 0) return this.#mediumFailed(this.#lba < this.#capacity ? ERROR_UNC : ERROR_IDNF);
    this.#advance(got);
    if (this.#left > 0) return this.busy(this.#pieceNs());
    this.#operation = 'none';
    this.complete();
  }

  #flush(): void {
    this.#operation = 'none';
    try {
      this.#medium.flush();
    } catch (error) {
      if (!(error instanceof MediumError)) throw error;
      this.log.info(`flush failed: ${error.message}`);
      return this.fail(ERROR_ABRT, STATUS_DF);
    }
    this.complete();
  }

  /** Reads up to `wanted` sectors from the current address into the buffer; fewer, or none, up to a bad one. */
  #readSectors(wanted: number): number {
    const count = Math.min(wanted, Math.max(0, this.#capacity - this.#lba));
    if (count === 0) return 0;
    if (this.#readMedium(this.#lba, this.buffer.subarray(0, count * SECTOR_BYTES))) return count;
    for (let good = 0; good < count; good++) {
      const into = this.buffer.subarray(good * SECTOR_BYTES, (good + 1) * SECTOR_BYTES);
      if (!this.#readMedium(this.#lba + good, into)) return good;
    }
    return count;
  }

  #readMedium(lba: number, into: Uint8Array): boolean {
    try {
      this.#medium.read(lba, into);
      return true;
    } catch (error) {
      if (!(error instanceof MediumError)) throw error;
      this.log.info(`read failed: ${error.message}`);
      return false;
    }
  }

  #advance(sectors: number): void {
    this.#lba += sectors;
    this.#left -= sectors;
    // The registers follow: the last sector done, and how many are left.
    this.#putAddress(this.#lba - 1);
    this.current[REG.sectorCount] = this.#left & 0xff;
    if (this.#ext) this.previous[REG.sectorCount] = (this.#left >>> 8) & 0xff;
  }

  #mediumFailed(error: number): void {
    this.#operation = 'none';
    this.#putAddress(this.#lba);
    this.fail(error);
  }

  #finishSoon(ns = COMMAND_NS): void {
    this.#operation = 'finish';
    this.busy(ns);
  }

  #pieceNs(): number {
    return this.transferNs(Math.min(Math.max(this.#left, this.#chunk), this.#blockSectors) * SECTOR_BYTES, this.#dma);
  }

  #seekNs(from: number, to: number): number {
    if (from === to && this.#lookAhead) return CACHED_NS;
    return SEEK_NS + (FULL_STROKE_NS * Math.abs(to - from)) / this.#capacity;
  }

  /** The sector number in the registers; `undefined` for CHS values outside the translation. */
  #address(): number | undefined {
    const { current, previous } = this;
    const low = current[REG.lbaLow]! | (current[REG.lbaMid]! << 8) | (current[REG.lbaHigh]! << 16);
    if (this.#ext) {
      const high = previous[REG.lbaLow]! | (previous[REG.lbaMid]! << 8) | (previous[REG.lbaHigh]! << 16);
      return high * 0x100_0000 + low;
    }
    const head = current[REG.device]! & 0x0f;
    if ((current[REG.device]! & DEVICE_LBA) !== 0) return head * 0x100_0000 + low;
    const sector = current[REG.lbaLow]!;
    const cylinder = current[REG.lbaMid]! | (current[REG.lbaHigh]! << 8);
    if (sector === 0 || sector > this.#sectors || head >= this.#heads) return undefined;
    return (cylinder * this.#heads + head) * this.#sectors + sector - 1;
  }

  #putAddress(lba: number): void {
    const { current, previous } = this;
    let low = lba % 0x100_0000;
    let head = Math.floor(lba / 0x100_0000) & 0x0f;
    if (this.#ext) {
      const high = Math.floor(lba / 0x100_0000);
      previous[REG.lbaLow] = high & 0xff;
      previous[REG.lbaMid] = (high >>> 8) & 0xff;
      previous[REG.lbaHigh] = (high >>> 16) & 0xff;
    } else if ((current[REG.device]! & DEVICE_LBA) === 0) {
      const track = Math.floor(lba / this.#sectors);
      low = (lba % this.#sectors) + 1 + ((Math.floor(track / this.#heads) & 0xffff) << 8);
      head = track % this.#heads;
    }
    current[REG.lbaLow] = low & 0xff;
    current[REG.lbaMid] = (low >>> 8) & 0xff;
    current[REG.lbaHigh] = (low >>> 16) & 0xff;
    if (!this.#ext) current[REG.device] = (current[REG.device]! & 0xf0) | head;
  }

  #seek(): void {
    this.#ext = false;
    const lba = this.#address();
    if (lba === undefined || lba >= this.#capacity) return this.fail(ERROR_IDNF);
    const from = this.#position;
    this.#position = lba;
    this.#finishSoon(this.#seekNs(from, lba));
  }

  #readNativeMax(ext: boolean): void {
    this.#ext = ext;
    const last = this.#capacity - 1;
    if (!ext && (this.current[REG.device]! & DEVICE_LBA) === 0) return this.abort();
    this.#putAddress(ext ? last : Math.min(last, LBA28_SECTORS - 1));
    this.#finishSoon();
  }

  #setMultiple(): void {
    const count = this.current[REG.sectorCount]!;
    if (count > MAX_MULTIPLE || (count & (count - 1)) !== 0) return this.abort();
    this.#multiple = count;
    this.#finishSoon();
  }

  #setFeatures(): void {
    switch (this.current[REG.features]) {
      case 0x02:
        this.#writeCache = true;
        break;
      case 0x82:
        this.#writeCache = false;
        this.#operation = 'flush'; // what is in the cache goes to the medium first
        return this.busy(FLUSH_NS);
      case 0x03:
        if (!this.setTransferMode(this.current[REG.sectorCount]!, ULTRA_MODES)) return this.abort();
        break;
      case 0x55:
        this.#lookAhead = false;
        break;
      case 0xaa:
        this.#lookAhead = true;
        break;
      case 0x66:
        this.#revertOnReset = false;
        break;
      case 0xcc:
        this.#revertOnReset = true;
        break;
      default:
        this.log.unimp('SET FEATURES %x', this.current[REG.features]!);
        return this.abort();
    }
    this.#finishSoon();
  }

  #initializeParameters(): void {
    const sectors = this.current[REG.sectorCount]!;
    if (sectors === 0) return this.abort();
    this.#sectors = sectors;
    this.#heads = (this.current[REG.device]! & 0x0f) + 1;
    this.#finishSoon();
  }

  #setPower(mode: number): void {
    this.#power = mode;
    this.#finishSoon();
  }

  #defaults(): void {
    this.#heads = DEFAULT_HEADS;
    this.#sectors = DEFAULT_SECTORS;
    this.#multiple = 0;
    this.#writeCache = true;
    this.#lookAhead = true;
  }

  /** [ATA-6 §8.15] IDENTIFY DEVICE. */
  #identify(): void {
    const words = new Uint16Array(256);
    const put32 = (word: number, value: number) => {
      words[word] = value & 0xffff;
      words[word + 1] = (value >>> 16) & 0xffff;
    };
    const lba28 = Math.min(this.#capacity, LBA28_SECTORS);
    const cylinders = Math.min(0xffff, Math.floor(lba28 / (this.#heads * this.#sectors)));
    words[0] = 0x0040; // ATA, not removable, fixed
    words[1] = this.#cylinders;
    words[2] = 0xc837; // needs no SET FEATURES to spin up; this data is complete
    words[3] = DEFAULT_HEADS;
    words[6] = DEFAULT_SECTORS;
    identifyText(words, 10, 10, this.#text.serial);
    words[20] = 3; // dual-ported buffer with read caching
    words[21] = BUFFER_BYTES / SECTOR_BYTES;
    words[22] = 4;
    identifyText(words, 23, 4, this.#text.firmware);
    identifyText(words, 27, 20, this.#text.model);
    words[47] = 0x8000 | MAX_MULTIPLE;
    words[49] = 0x0f00; // IORDY and its disabling, LBA, DMA
    words[50] = 0x4000;
    words[51] = words[52] = 0x0200; // PIO and DMA cycle timing before words 64-70
    words[53] = 0x0007; // words 54-58, 64-70 and 88 are valid
    words[54] = cylinders;
    words[55] = this.#heads;
    words[56] = this.#sectors;
    put32(57, cylinders * this.#heads * this.#sectors);
    words[59] = this.#multiple === 0 ? 0 : 0x0100 | this.#multiple;
    put32(60, lba28);
    words[63] = this.identifyMultiword;
    words[64] = 0x0003; // PIO 3 and 4
    words[65] = words[66] = 120; // multiword DMA cycle time, minimum and recommended
    words[67] = words[68] = 120; // PIO cycle time without and with IORDY
    words[80] = 0x007e; // ATA-1 to ATA/ATAPI-6
    words[82] = 0x7068; // NOP, READ and WRITE BUFFER, look-ahead, write cache, power management
    words[83] = 0x7400; // FLUSH CACHE (EXT), 48-bit addresses
    words[84] = 0x4040; // WRITE DMA and MULTIPLE FUA EXT
    words[85] = 0x7008 | (this.#writeCache ? 0x20 : 0) | (this.#lookAhead ? 0x40 : 0);
    words[86] = 0x3400;
    words[87] = 0x4040;
    words[88] = this.identifyUltra(ULTRA_MODES);
    words[93] = this.identifyReset;
    put32(100, this.#capacity % 2 ** 32);
    words[102] = Math.floor(this.#capacity / 2 ** 32) & 0xffff;
    identifyBytes(words, this.buffer);
  }
}
