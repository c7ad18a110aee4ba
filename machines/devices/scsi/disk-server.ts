// SPDX-License-Identifier: MIT
//
// Direct-access device: a fixed hard disk [SCSI-2 §9; SBC].
import type { ChipContext } from '../../backplane/board.ts';
import { type PlainFields, SavedFields } from '../../backplane/device.ts';
import type { BlockDevice } from '../../backplane/host.ts';
import { BlockServer } from './block-server.ts';
import { type DeviceServerOptions, type ModePage, modePage } from './device-server.ts';
import { OP, SENSE, ascii, be16, putBe32 } from './scsi.ts';

const BLOCK_BYTES = 512;
const HEADS = 16;
const SECTORS = 63;
const ROTATION_RPM = 7200;
const FORMAT_NS = 5_000_000;
const START_NS = 2_000_000;
const MECHANICS = { cachedNs: 40_000, seekNs: 100_000, fullStrokeNs: 400_000 };

const WCE = 0x04; // caching page, byte 2: write cache enable
const RCD = 0x01; // read cache disable

/** What Apple's disk tools look for in page 30h before they touch a disk. */
export const APPLE_PAGE = modePage(0x30, [...ascii('APPLE COMPUTER, INC   ', 22)]);

export class DiskServer extends BlockServer {
  protected readonly deviceType = 0x00;
  protected readonly removable = false;
  protected readonly mediumType = 0x00;
  readonly #id: string;
  #stopped = false;

  constructor(chip: ChipContext, medium: BlockDevice, options: DeviceServerOptions = {}) {
    const identity = { vendor: 'EMERITUS', product: 'SCSI DISK', revision: '1.0', serial: chip.id.toUpperCase() };
    super(chip, medium, BLOCK_BYTES, MECHANICS, identity, options);
    this.#id = chip.id;
    if (medium.blockBytes !== BLOCK_BYTES) throw new RangeError(`${chip.id}: blocks of ${medium.blockBytes} bytes`);
  }

  override reset(): void {
    super.reset();
    this.#stopped = false;
  }

  override save(): PlainFields {
    return { ...super.save(), stopped: this.#stopped };
  }

  override restore(state: PlainFields): void {
    super.restore(state);
    this.#stopped = new SavedFields(this.#id, state).bool('stopped');
  }

  protected get modeHeaderFlags(): number {
    return (this.medium?.readonly === true ? 0x80 : 0) | 0x10; // write protected; DPO and FUA are accepted
  }

  protected get writeCacheEnabled(): boolean {
    return (this.modePage(0x08)!.bytes[0]! & WCE) !== 0;
  }

  protected ready(): boolean {
    if (this.#stopped) this.check(SENSE.needsStart);
    return !this.#stopped;
  }

  protected writable(): boolean {
    if (this.medium?.readonly === true) this.check(SENSE.writeProtected);
    return this.medium?.readonly !== true;
  }

  protected execute(op: number): void {
    if (this.executeBlock(op) || this.executeWrite(op)) return;
    const { cdb } = this;
    switch (op) {
      case OP.startStopUnit:
        if ((cdb[4]! & 0x02) !== 0) return this.invalidField(4); // nothing to eject
        this.#stopped = (cdb[4]! & 0x01) === 0;
        this.takesNs(START_NS);
        if (this.#stopped) this.flush();
        return;
      case OP.preventAllow:
        return; // there is nothing to prevent
      case OP.formatUnit:
        if (!this.ready() || !this.writable()) return;
        this.takesNs(FORMAT_NS);
        // With a defect list its header comes first; there are no defects to take over.
        if ((cdb[1]! & 0x10) !== 0) this.accept(4);
        return;
      case OP.reassignBlocks:
        if (this.ready() && this.writable()) this.accept(4);
        return;
      case OP.readDefectData10: {
        const list = cdb[2]! & 0x1f;
        return this.reply(Uint8Array.from([0, list, 0, 0]), be16(cdb, 7)); // both lists are empty
      }
      default:
        this.log.unimp('command %x', op);
        this.check(SENSE.invalidOpcode);
    }
  }

  protected received(op: number, data: Uint8Array): void {
    const listBytes = be16(data, 2);
    if ((op === OP.formatUnit || op === OP.reassignBlocks) && listBytes === 0) return;
    this.log.unimp('%d bytes of defect list', listBytes);
    this.invalidField(2, true);
  }

  protected makeModePages(): ModePage[] {
    const cylinders = Math.max(1, Math.min(0xff_ffff, Math.floor(this.blockCount / (HEADS * SECTORS))));
    const cylinderBytes = [(cylinders >>> 16) & 0xff, (cylinders >>> 8) & 0xff, cylinders & 0xff];
    const format = new Array<number>(22).fill(0);
    format.splice(0, 2, 0, HEADS); // tracks in a zone
    format.splice(8, 6, 0, SECTORS, BLOCK_BYTES >>> 8, BLOCK_BYTES & 0xff, 0, 1); // interleave 1
    format[18] = 0x40; // hard sectors
    const geometry = new Array<number>(22).fill(0);
    geometry.splice(0, 4, ...cylinderBytes, HEADS);
    geometry.splice(18, 2, ROTATION_RPM >>> 8, ROTATION_RPM & 0xff);
    return [
      // Read-write error recovery: reallocate on write and read, 8 retries.
      modePage(0x01, [0xc0, 8, 0, 0, 0, 0, 8, 0, 0, 0], { 0: 0xff, 1: 0xff, 6: 0xff }),
      // Disconnect-reconnect: buffer ratios and limits are for the device to choose.
      modePage(0x02, [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], { 0: 0xff, 1: 0xff }),
      modePage(0x03, format),
      modePage(0x04, geometry),
      modePage(0x08, [WCE, 0, 0, 0, 0, 0, 0, 0, 0, 0], { 0: WCE | RCD }),
      modePage(0x0a, [0, 0x10, 0, 0, 0, 0], {}), // unrestricted reordering
      { ...APPLE_PAGE, bytes: APPLE_PAGE.bytes.slice() },
    ];
  }

  protected modePageChanged(page: ModePage): void {
    if (page.code === 0x08 && !this.writeCacheEnabled) this.flush();
  }

  protected blockDescriptor(): Uint8Array {
    const descriptor = new Uint8Array(8);
    putBe32(descriptor, 0, Math.min(this.blockCount, 0xff_ffff));
    putBe32(descriptor, 4, BLOCK_BYTES);
    return descriptor;
  }

  protected setBlockLength(bytes: number): boolean {
    return bytes === BLOCK_BYTES;
  }
}
