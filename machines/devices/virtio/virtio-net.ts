// SPDX-License-Identifier: MIT
//
// Virtio network card.
//
// Sockets: the transport; `cable`, without which the link is down: what is sent then is lost.
//
// Documents: [VIRTIO] §5.1.
// Not modelled: several queue pairs, checksum and segmentation offload, VLAN filters (drivers are not offered them).
// Receive filters are kept and obeyed.
import { type PlainFields, SavedFields } from '../../backplane/device.ts';
import { VIRTIO_ID, type VirtioFunction, type VirtioTransport } from './virtio.ts';
import type { Chain } from './virtqueue.ts';

const F_MAC = 5;
const F_MRG_RXBUF = 15;
const F_STATUS = 16;
const F_CTRL_VQ = 17;
const F_CTRL_RX = 18;
const F_CTRL_RX_EXTRA = 20;
const F_CTRL_MAC_ADDR = 23;

const RECEIVE = 0;
const TRANSMIT = 1;
const CONTROL = 2;

const HEADER_BYTES = 12;
const MAC_BYTES = 6;
const FRAME_BYTES = 1514;
const LINK_UP = 1;

const CTRL_RX = 0;
const CTRL_MAC = 1;
const CTRL_MAC_TABLE_SET = 0;
const CTRL_MAC_ADDR_SET = 1;
const CTRL_OK = 0;
const CTRL_ERR = 1;
/** Entries of both address tables together; beyond, all multicast is taken. */
const MOST_FILTERS = 64;
const MOST_COMMAND_BYTES = 1 << 16;

/** Modes of the receiver, in the order of their commands. */
const MODES = ['promiscuous', 'allMulticast', 'allUnicast', 'noMulticast', 'noUnicast', 'noBroadcast'] as const;
type Mode = (typeof MODES)[number];

/** The other end of the cable. */
export interface EthernetCable {
  send(frame: Uint8Array): void;
}

export class VirtioNet implements VirtioFunction {
  readonly deviceId = VIRTIO_ID.NET;
  readonly features = [F_MAC, F_MRG_RXBUF, F_STATUS, F_CTRL_VQ, F_CTRL_RX, F_CTRL_RX_EXTRA, F_CTRL_MAC_ADDR];
  readonly queueSizes = [256, 256, 64];
  readonly #address: Uint8Array;
  #mac: Uint8Array;
  #cable: EthernetCable | undefined;
  #transport: VirtioTransport | undefined;
  #modes = new Set<Mode>();
  #unicast: string[] = [];
  #multicast: string[] = [];
  #overflow = false;
  /** Frames that nobody took. */
  dropped = 0;

  constructor(mac: Uint8Array) {
    if (mac.length !== MAC_BYTES) throw new RangeError('an Ethernet address has 6 bytes');
    this.#address = mac.slice();
    this.#mac = mac.slice();
  }

  get config(): Uint8Array {
    return Uint8Array.of(...this.#mac, this.#cable === undefined ? 0 : LINK_UP, 0, 1, 0);
  }

  /** Plugs the cable in, or pulls it out. */
  set cable(cable: EthernetCable | undefined) {
    this.#cable = cable;
    this.#transport?.configChanged();
  }

  connect(transport: VirtioTransport): void {
    this.#transport = transport;
  }

  notify(queue: number): void {
    if (queue === TRANSMIT) this.#transmit();
    else if (queue === CONTROL) this.#control();
  }

  /** A frame from the cable. False when the card does not take it. */
  deliver(frame: Uint8Array): boolean {
    if (frame.length > FRAME_BYTES || !this.#accepts(frame) || !this.#receive(frame)) {
      this.dropped++;
      return false;
    }
    return true;
  }

  reset(): void {
    this.#mac = this.#address.slice();
    this.#modes.clear();
    this.#unicast = [];
    this.#multicast = [];
    this.#overflow = false;
  }

  save(): PlainFields {
    return {
      mac: this.#mac.slice(),
      modes: MODES.map((mode) => this.#modes.has(mode)),
      unicast: [...this.#unicast],
      multicast: [...this.#multicast],
      overflow: this.#overflow,
    };
  }

  restore(state: PlainFields): void {
    const saved = new SavedFields('virtio net', state);
    const modes = saved.list('modes', MODES.length);
    const [unicast, multicast] = [saved.list('unicast', MOST_FILTERS), saved.list('multicast', MOST_FILTERS)];
    this.#mac = saved.bytes('mac', MAC_BYTES);
    this.#overflow = saved.bool('overflow');
    this.#modes = new Set(MODES.filter((_mode, index) => modes[index] === true));
    this.#unicast = unicast.map(String);
    this.#multicast = multicast.map(String);
  }

  #transmit(): void {
    const queue = this.#transport!.queue(TRANSMIT);
    for (let chain = queue.pop(); chain !== undefined; chain = queue.pop()) {
      const length = chain.readable - HEADER_BYTES;
      if (this.#cable === undefined || length <= 0 || length > FRAME_BYTES) {
        this.dropped++;
      } else {
        const frame = new Uint8Array(length);
        chain.read(HEADER_BYTES, frame);
        this.#cable.send(frame);
      }
      queue.push(chain, 0);
    }
  }

  #receive(frame: Uint8Array): boolean {
    const transport = this.#transport!;
    if (!transport.driverOk || this.#cable === undefined) return false;
    const queue = transport.queue(RECEIVE);
    const packet = new Uint8Array(HEADER_BYTES + frame.length);
    packet.set(frame, HEADER_BYTES);
    const chains: Chain[] = [];
    let room = 0;
    while (room < packet.length) {
      const chain = queue.pop();
      if (chain === undefined || chain.writable === 0 || (chains.length > 0 && !transport.has(F_MRG_RXBUF))) {
        // It does not fit: all of them wait for the next frame.
        for (let n = chain === undefined ? 0 : -1; n < chains.length; n++) queue.putBack();
        return false;
      }
      chains.push(chain);
      room += chain.writable;
    }
    new DataView(packet.buffer).setUint16(10, chains.length, true);
    let done = 0;
    for (const chain of chains) {
      const part = packet.subarray(done, done + chain.writable);
      chain.write(0, part);
      queue.push(chain, part.length);
      done += part.length;
    }
    return true;
  }

  #accepts(frame: Uint8Array): boolean {
    if (this.#modes.has('promiscuous')) return true;
    const to = hexOf(frame.subarray(0, MAC_BYTES));
    if (to === 'ffffffffffff') return !this.#modes.has('noBroadcast');
    if ((frame[0]! & 1) !== 0) {
      if (this.#modes.has('noMulticast')) return false;
      return this.#modes.has('allMulticast') || this.#overflow || this.#multicast.includes(to);
    }
    if (this.#modes.has('noUnicast')) return false;
    return this.#modes.has('allUnicast') || to === hexOf(this.#mac) || this.#unicast.includes(to);
  }

  #control(): void {
    const queue = this.#transport!.queue(CONTROL);
    for (let chain = queue.pop(); chain !== undefined; chain = queue.pop()) {
      const command = new Uint8Array(Math.min(chain.readable, MOST_COMMAND_BYTES));
      chain.read(0, command);
      const answer = command.length >= 2 && this.#obey(command) ? CTRL_OK : CTRL_ERR;
      if (chain.writable > 0) chain.write(chain.writable - 1, Uint8Array.of(answer));
      queue.push(chain, Math.min(chain.writable, 1));
    }
  }

  #obey(command: Uint8Array): boolean {
    const [kind, number] = [command[0]!, command[1]!];
    const data = command.subarray(2);
    if (kind === CTRL_RX) {
      const mode = MODES[number];
      if (mode === undefined || data.length !== 1 || data[0]! > 1) return false;
      if (data[0] === 1) this.#modes.add(mode);
      else this.#modes.delete(mode);
      return true;
    }
    if (kind !== CTRL_MAC) return false;
    if (number === CTRL_MAC_ADDR_SET && data.length === MAC_BYTES) {
      this.#mac = data.slice();
      return true;
    }
    return number === CTRL_MAC_TABLE_SET && this.#setTables(data);
  }

  /** Two tables: a count of addresses in 32 bits, and the addresses. */
  #setTables(data: Uint8Array): boolean {
    const tables: string[][] = [];
    let at = 0;
    for (let n = 0; n < 2; n++) {
      if (at + 4 > data.length) return false;
      const count = new DataView(data.buffer, data.byteOffset + at).getUint32(0, true);
      at += 4;
      if (count * MAC_BYTES > data.length - at) return false;
      tables.push(Array.from({ length: count }, (_, i) => hexOf(data.subarray(at + i * 6, at + i * 6 + 6))));
      at += count * MAC_BYTES;
    }
    const [unicast, multicast] = tables as [string[], string[]];
    if (unicast.length > MOST_FILTERS) return false;
    this.#unicast = unicast;
    this.#overflow = multicast.length > MOST_FILTERS;
    this.#multicast = this.#overflow ? [] : multicast;
    return true;
  }
}

const hexOf = (bytes: Uint8Array): string => [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
