// SPDX-License-Identifier: MIT
//
// Virtio block device: a disk of 512-byte sectors.
//
// Sockets: the transport; `medium`. Requests: IN, OUT, FLUSH, GET_ID, DISCARD (which does nothing), WRITE_ZEROES.
//
// Documents: [VIRTIO] §5.2.
// Not modelled: several queues, secure erase, zones, the lifetime request; geometry and topology are not told.
import { type PlainFields, SavedFields } from '../../backplane/device.ts';
import { type BlockDevice, MediumError } from '../../backplane/host.ts';
import { VIRTIO_ID, type VirtioFunction, type VirtioTransport } from './virtio.ts';
import type { Chain } from './virtqueue.ts';

const F_SIZE_MAX = 1;
const F_SEG_MAX = 2;
const F_RO = 5;
const F_BLK_SIZE = 6;
const F_FLUSH = 9;
const F_CONFIG_WCE = 11;
const F_DISCARD = 13;
const F_WRITE_ZEROES = 14;

const T_IN = 0;
const T_OUT = 1;
const T_FLUSH = 4;
const T_GET_ID = 8;
const T_DISCARD = 11;
const T_WRITE_ZEROES = 13;

const S_OK = 0;
const S_IOERR = 1;
const S_UNSUPP = 2;

const QUEUE_SIZE = 128;
const SECTOR = 512;
const HEADER_BYTES = 16;
const ID_BYTES = 20;
const CONFIG_BYTES = 60;
const CONFIG_WCE = 32;
/** Bytes of a buffer, and buffers of a request: together less than what a queue takes. */
const SIZE_MAX = 1 << 18;
const SEG_MAX = QUEUE_SIZE - 2;
/** Sectors a request may discard or clear, in one range. */
const RANGE_SECTORS = 1 << 15;
const RANGE_BYTES = 16;
const PIECE_BYTES = 1 << 16;

export class VirtioBlock implements VirtioFunction {
  readonly deviceId = VIRTIO_ID.BLOCK;
  readonly features: readonly number[];
  readonly queueSizes = [QUEUE_SIZE];
  readonly #medium: BlockDevice;
  #transport: VirtioTransport | undefined;
  #writeBack = true;

  constructor(medium: BlockDevice) {
    this.#medium = medium;
    const common = [F_SIZE_MAX, F_SEG_MAX, F_BLK_SIZE, F_FLUSH, F_CONFIG_WCE];
    this.features = [...common, ...(medium.readonly ? [F_RO] : [F_DISCARD, F_WRITE_ZEROES])];
  }

  get config(): Uint8Array {
    const config = new Uint8Array(CONFIG_BYTES);
    const view = new DataView(config.buffer);
    view.setBigUint64(0, BigInt(this.#sectors), true);
    view.setUint32(8, SIZE_MAX, true);
    view.setUint32(12, SEG_MAX, true);
    view.setUint32(20, this.#medium.blockBytes, true);
    view.setUint8(CONFIG_WCE, Number(this.#writeBack));
    view.setUint16(34, 1, true); // queues
    view.setUint32(36, RANGE_SECTORS, true); // of DISCARD
    view.setUint32(40, 1, true);
    view.setUint32(44, 1, true);
    view.setUint32(48, RANGE_SECTORS, true); // of WRITE_ZEROES
    view.setUint32(52, 1, true);
    return config;
  }

  connect(transport: VirtioTransport): void {
    this.#transport = transport;
  }

  writeConfig(offset: number, value: number): void {
    if (offset === CONFIG_WCE && this.#transport!.has(F_CONFIG_WCE)) this.#writeBack = (value & 1) !== 0;
  }

  started(): void {
    // Without either feature a driver knows no cache.
    const transport = this.#transport!;
    if (!transport.has(F_CONFIG_WCE)) this.#writeBack = transport.has(F_FLUSH);
  }

  notify(): void {
    const queue = this.#transport!.queue(0);
    for (let chain = queue.pop(); chain !== undefined; chain = queue.pop()) {
      if (chain.writable > 0) chain.write(chain.writable - 1, Uint8Array.of(this.#serve(chain)));
      queue.push(chain, chain.writable);
    }
  }

  reset(): void {
    this.#writeBack = true;
  }

  save(): PlainFields {
    return { writeBack: this.#writeBack };
  }

  restore(state: PlainFields): void {
    this.#writeBack = new SavedFields('virtio block', state).bool('writeBack');
  }

  /** The status of a request. */
  #serve(chain: Chain): number {
    const header = new Uint8Array(HEADER_BYTES);
    const view = new DataView(header.buffer);
    if (chain.readable < HEADER_BYTES) return S_IOERR;
    chain.read(0, header);
    const first = Number(view.getBigUint64(8, true)) * SECTOR;
    try {
      switch (view.getUint32(0, true)) {
        case T_IN:
          return this.#read(chain, first);
        case T_OUT:
          return this.#write(chain, first);
        case T_FLUSH:
          this.#medium.flush();
          return S_OK;
        case T_GET_ID:
          return this.#identify(chain);
        case T_DISCARD:
        case T_WRITE_ZEROES:
          return this.#clear(chain, view.getUint32(0, true));
        default:
          return S_UNSUPP;
      }
    } catch (error) {
      if (error instanceof MediumError) return S_IOERR;
      throw error;
    }
  }

  /** Whether the medium has these bytes, as whole blocks of its own. */
  #has(first: number, length: number): boolean {
    const { blockBytes } = this.#medium;
    return first % blockBytes === 0 && length % blockBytes === 0 && first + length <= this.#sectors * SECTOR;
  }

  #read(chain: Chain, first: number): number {
    const length = chain.writable - 1;
    const good = this.#has(first, length);
    // What cannot be read is zero, so that the driver's count of bytes is true.
    const piece = new Uint8Array(Math.min(length, PIECE_BYTES));
    for (let done = 0; done < length; done += piece.length) {
      const part = piece.subarray(0, Math.min(piece.length, length - done));
      if (good) this.#medium.read((first + done) / this.#medium.blockBytes, part);
      chain.write(done, part);
    }
    return good ? S_OK : S_IOERR;
  }

  #write(chain: Chain, first: number): number {
    const length = chain.readable - HEADER_BYTES;
    if (this.#medium.readonly || !this.#has(first, length)) return S_IOERR;
    const piece = new Uint8Array(Math.min(length, PIECE_BYTES));
    for (let done = 0; done < length; done += piece.length) {
      const part = piece.subarray(0, Math.min(piece.length, length - done));
      chain.read(HEADER_BYTES + done, part);
      this.#medium.write((first + done) / this.#medium.blockBytes, part);
    }
    if (!this.#writeBack) this.#medium.flush();
    return S_OK;
  }

  #identify(chain: Chain): number {
    if (chain.writable !== ID_BYTES + 1) return S_IOERR;
    const name = new Uint8Array(ID_BYTES);
    name.set(new TextEncoder().encode('emeritus'));
    chain.write(0, name);
    return S_OK;
  }

  #clear(chain: Chain, type: number): number {
    if (this.#medium.readonly || chain.readable !== HEADER_BYTES + RANGE_BYTES) return S_IOERR;
    const range = new Uint8Array(RANGE_BYTES);
    const view = new DataView(range.buffer);
    chain.read(HEADER_BYTES, range);
    const first = Number(view.getBigUint64(0, true)) * SECTOR;
    const sectors = view.getUint32(8, true);
    const flags = view.getUint32(12, true);
    if (flags > 1 || (flags !== 0 && type === T_DISCARD)) return S_UNSUPP;
    if (sectors > RANGE_SECTORS || !this.#has(first, sectors * SECTOR)) return S_IOERR;
    if (type === T_DISCARD) return S_OK;
    const zeros = new Uint8Array(PIECE_BYTES);
    for (let done = 0; done < sectors * SECTOR; done += zeros.length) {
      const part = zeros.subarray(0, Math.min(zeros.length, sectors * SECTOR - done));
      this.#medium.write((first + done) / this.#medium.blockBytes, part);
    }
    if (!this.#writeBack) this.#medium.flush();
    return S_OK;
  }

  get #sectors(): number {
    return Math.floor((this.#medium.blockCount * this.#medium.blockBytes) / SECTOR);
  }
}
