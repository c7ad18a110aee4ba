// SPDX-License-Identifier: MIT
/**
 * A generic ATAPI CD-ROM drive: the SCSI command layer behind the PACKET command.
 *
 * Sockets: an ATA cable; a disc (`insert`, `requestEject`; `onTray` tells when the guest opens or closes the tray).
 * Documents: [ATA-6] T13/1410D §8.27 and §9.8-9.10 (PACKET protocol), [SFF-8020i], [MMC-4].
 * Not modelled: overlap and release, tagged queuing; what the command layer does not model (scsi/cdrom-server.ts). The
 * drive has no unit attention after power-on: the machine is switched on with the drive long ready.
 */
import type { ChipContext } from '../../backplane/board.ts';
import { type PlainFields, SavedFields, SnapshotError } from '../../backplane/device.ts';
import type { BlockDevice } from '../../backplane/host.ts';
import { CdromServer } from '../scsi/cdrom-server.ts';
import { SCSI_STATUS, SENSE_KEY } from '../scsi/scsi.ts';
import { ERROR_ABRT, REG } from './ata.ts';
import { AtaDrive, type AtaDriveText, BUFFER_BYTES, identifyBytes, identifyText } from './ata-drive.ts';

const PACKET_BYTES = 12;
/** The byte count for a limit of 0, and for odd limits that are too large to be even. */
const MAX_BYTE_COUNT = 0xfffe;
const ULTRA_MODES = 3;
const COMMAND_NS = 20_000;
const PACKET_DRQ_NS = 30_000; // word 0: DRQ within 50 µs of PACKET, without an interrupt

/** Interrupt reason, in the sector count register. */
const REASON_COMMAND = 0x01; // C/D: 1 for command and status, 0 for data
const REASON_IN = 0x02; // I/O: 1 to the host

const FEATURE_DMA = 0x01;
const FEATURE_OVERLAP = 0x02;

const CMD = {
  nop: 0x00,
  readSectors: 0x20,
  packet: 0xa0,
  identifyPacketDevice: 0xa1,
  standbyImmediate: 0xe0,
  idleImmediate: 0xe1,
  checkPowerMode: 0xe5,
  sleep: 0xe6,
  flushCache: 0xe7,
  identifyDevice: 0xec,
  setFeatures: 0xef,
} as const;

const STAGES = ['none', 'finish', 'identify', 'packet', 'data', 'status'] as const;
type Stage = (typeof STAGES)[number];

export class AtapiCdrom extends AtaDrive {
  readonly showsRegistersForAbsent = false;
  protected readonly hasDeviceReset = true;
  readonly #server: CdromServer;
  readonly #text: Required<AtaDriveText>;
  #stage: Stage = 'none';
  #dma = false;
  #byteCount = 0;
  #powerMode = 0xff;

  constructor(chip: ChipContext, disc: BlockDevice | undefined, text: AtaDriveText = {}) {
    super(chip);
    this.#text = { model: 'EMERITUS CD-ROM', serial: chip.id.toUpperCase(), firmware: '1.0', ...text };
    this.#server = new CdromServer(chip, disc, { transport: 'packet', serial: this.#text.serial });
  }

  /** Told when the guest opens or closes the tray. */
  set onTray(listener: ((open: boolean) => void) | undefined) {
    this.#server.onTray = listener;
  }

  get disc(): BlockDevice | undefined {
    return this.#server.disc;
  }

  /** Puts a disc in, or takes it out. */
  insert(disc: BlockDevice | undefined): void {
    this.#server.insert(disc);
  }

  /** The eject button. */
  requestEject(): void {
    this.#server.requestEject();
  }

  override save(): PlainFields {
    return {
      ...super.save(),
      stage: this.#stage,
      dma: this.#dma,
      byteCount: this.#byteCount,
      powerMode: this.#powerMode,
      server: this.#server.save(),
    };
  }

  override restore(state: PlainFields): void {
    const fields = new SavedFields(this.id, state);
    const stage = STAGES.find((known) => known === fields.string('stage'));
    if (stage === undefined) throw new SnapshotError(`${this.id}: unknown stage`);
    super.restore(state);
    this.#stage = stage;
    this.#dma = fields.bool('dma');
    this.#byteCount = fields.int('byteCount', 0, BUFFER_BYTES);
    this.#powerMode = fields.u8('powerMode');
    this.#server.restore(fields.fields('server'));
  }

  protected signature(): { lbaMid: number; lbaHigh: number; status: number } {
    // [ATA-6 §9.1] A packet device shows DRDY only after its first command.
    return { lbaMid: 0x14, lbaHigh: 0xeb, status: 0 };
  }

  protected hardReset(): void {
    this.#server.reset();
    this.#dma = false;
    this.#byteCount = 0;
    this.#powerMode = 0xff;
    this.softReset();
  }

  protected softReset(): void {
    this.#server.abort();
    this.#stage = 'none';
  }

  protected execute(command: number): void {
    switch (command) {
      case CMD.packet:
        return this.#packet();
      case CMD.identifyPacketDevice:
        this.#stage = 'identify';
        return this.busy(COMMAND_NS);
      case CMD.identifyDevice:
      case CMD.readSectors:
        // These abort and show the signature, so that a host finds out what it talks to.
        this.setSignature();
        return this.abort();
      case CMD.setFeatures:
        return this.#setFeatures();
      case CMD.checkPowerMode:
        this.current[REG.sectorCount] = this.#powerMode;
        return this.#finishSoon();
      case CMD.standbyImmediate:
      case CMD.sleep:
        this.#powerMode = 0x00;
        return this.#finishSoon();
      case CMD.idleImmediate:
        this.#powerMode = 0x80;
        return this.#finishSoon();
      case CMD.flushCache:
        return this.#finishSoon();
      case CMD.nop:
        return this.abort();
      default:
        this.log.unimp('command %x', command);
        this.abort();
    }
  }

  protected proceed(): void {
    switch (this.#stage) {
      case 'identify':
        this.#identify();
        return this.offer('pioIn', 512, true);
      case 'packet':
        this.current[REG.sectorCount] = REASON_COMMAND;
        return this.offer('pioOut', PACKET_BYTES, false);
      case 'data':
        return this.#data();
      case 'status':
        return this.#status();
      case 'finish':
      case 'none':
        this.#stage = 'none';
        this.complete();
    }
  }

  protected transferred(): void {
    switch (this.#stage) {
      case 'packet':
        return this.#begin();
      case 'data': {
        const bytes = this.#byteCount;
        if (this.#server.direction === 'out') {
          for (let done = 0; done < bytes;) {
            const taken = this.#server.write(this.buffer.subarray(done, bytes));
            if (taken === 0) break;
            done += taken;
          }
        }
        this.#stage = this.#server.remaining > 0 ? 'data' : 'status';
        return this.busy(this.#stage === 'data' ? this.transferNs(bytes, this.#dma) : COMMAND_NS);
      }
      default:
        this.#stage = 'none';
        this.complete(false);
    }
  }

  #packet(): void {
    const features = this.current[REG.features]!;
    if ((features & FEATURE_OVERLAP) !== 0) return this.abort();
    this.#dma = (features & FEATURE_DMA) !== 0;
    this.#powerMode = 0xff;
    this.#stage = 'packet';
    this.busy(PACKET_DRQ_NS);
  }

  #begin(): void {
    const server = this.#server;
    server.start(this.buffer.subarray(0, PACKET_BYTES));
    this.#byteCount = 0;
    this.#stage = server.remaining > 0 ? 'data' : 'status';
    this.busy(server.latencyNs);
  }

  /** One DRQ block: as much as the host's byte count allows, or a piece of DMA. */
  #data(): void {
    const server = this.#server;
    const limit = this.#dma ? BUFFER_BYTES : this.#byteCountLimit();
    const wanted = Math.min(limit, server.remaining);
    const inward = server.direction === 'in';
    const bytes = inward ? server.read(this.buffer.subarray(0, wanted)) : wanted;
    if (bytes === 0) {
      this.#status();
      return;
    }
    this.#byteCount = bytes;
    this.current[REG.sectorCount] = inward ? REASON_IN : 0;
    if (this.#dma) return this.offer(inward ? 'dmaIn' : 'dmaOut', bytes, false);
    this.current[REG.lbaMid] = bytes & 0xff;
    this.current[REG.lbaHigh] = bytes >>> 8;
    this.buffer[bytes] = 0; // an odd count is padded to a word
    this.offer(inward ? 'pioIn' : 'pioOut', bytes + (bytes & 1), true);
  }

  #byteCountLimit(): number {
    const limit = this.current[REG.lbaMid]! | (this.current[REG.lbaHigh]! << 8);
    if (limit === 0 || limit > MAX_BYTE_COUNT) return MAX_BYTE_COUNT;
    return limit === 1 ? 2 : limit & ~1;
  }

  #status(): void {
    this.#stage = 'none';
    this.current[REG.sectorCount] = REASON_COMMAND | REASON_IN;
    if (this.#server.status === SCSI_STATUS.good) return this.complete();
    const key = this.#server.senseKey;
    this.fail((key << 4) | (key === SENSE_KEY.illegalRequest || key === SENSE_KEY.abortedCommand ? ERROR_ABRT : 0));
  }

  #setFeatures(): void {
    switch (this.current[REG.features]) {
      case 0x03:
        if (!this.setTransferMode(this.current[REG.sectorCount]!, ULTRA_MODES)) return this.abort();
        break;
      case 0x66: // settings survive a reset, or not: there is none but the transfer mode, which does
      case 0xcc:
        break;
      default:
        this.log.unimp('SET FEATURES %x', this.current[REG.features]!);
        return this.abort();
    }
    this.#finishSoon();
  }

  #finishSoon(): void {
    this.#stage = 'finish';
    this.busy(COMMAND_NS);
  }

  /** [ATA-6 §8.16] IDENTIFY PACKET DEVICE. */
  #identify(): void {
    const words = new Uint16Array(256);
    words[0] = 0x85c0; // ATAPI CD-ROM, removable, DRQ within 50 µs, 12-byte packets
    identifyText(words, 10, 10, this.#text.serial);
    identifyText(words, 23, 4, this.#text.firmware);
    identifyText(words, 27, 20, this.#text.model);
    words[49] = 0x0f00; // IORDY and its disabling, LBA, DMA
    words[50] = 0x4000;
    words[51] = 0x0200;
    words[53] = 0x0006; // words 64-70 and 88 are valid
    words[63] = this.identifyMultiword;
    words[64] = 0x0003;
    words[65] = words[66] = 120;
    words[67] = words[68] = 120;
    words[80] = 0x007e;
    words[82] = 0x4218; // NOP, DEVICE RESET, PACKET, power management
    words[83] = 0x5000; // FLUSH CACHE
    words[84] = 0x4000;
    words[85] = 0x4218;
    words[86] = 0x1000;
    words[87] = 0x4000;
    words[88] = this.identifyUltra(ULTRA_MODES);
    words[93] = this.identifyReset;
    identifyBytes(words, this.buffer);
  }
}
