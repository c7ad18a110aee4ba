// SPDX-License-Identifier: MIT
//
// Virtio console: serial ports that move whole buffers. One port, or several with the control queues that name them.
//
// Sockets: the transport; `port(n)` to the host.
//
// Documents: [VIRTIO] §5.3.
// Not modelled: the size of the console's window.
import { type PlainFields, SavedFields } from '../../backplane/device.ts';
import { type SerialPort, unplugged } from '../../backplane/host.ts';
import { VIRTIO_ID, type VirtioFunction, type VirtioTransport } from './virtio.ts';

const F_MULTIPORT = 1;
const F_EMERG_WRITE = 2;

const CONFIG_BYTES = 12;
const CONFIG_EMERG_WR = 8;
const QUEUE_SIZE = 128;
const CONTROL_IN = 2;
const CONTROL_OUT = 3;

const DEVICE_READY = 0;
const PORT_ADD = 1;
const PORT_READY = 3;
const CONSOLE_PORT = 4;
const PORT_OPEN = 6;
const PORT_NAME = 7;

const MESSAGE_BYTES = 8;
const MOST_PORTS = 31;
/** Messages that wait for a buffer: a few for each port, whatever the driver asks. */
const MOST_MESSAGES = 256;
const MOST_OUTPUT = 1 << 20;
const PIECE_BYTES = 4096;

export interface VirtioConsolePort {
  /** Under /dev/virtio-ports; a port without a name is a console. */
  readonly name?: string;
}

interface Port {
  readonly name: string | undefined;
  host: SerialPort;
  /** The driver has opened it. */
  open: boolean;
}

export class VirtioConsole implements VirtioFunction {
  readonly deviceId = VIRTIO_ID.CONSOLE;
  readonly features: readonly number[];
  readonly queueSizes: readonly number[];
  readonly #ports: readonly Port[];
  #messages: Uint8Array[] = [];
  #transport: VirtioTransport | undefined;

  constructor(ports: readonly VirtioConsolePort[] = [{}]) {
    if (ports.length < 1 || ports.length > MOST_PORTS) throw new RangeError(`${ports.length} virtio ports`);
    this.#ports = ports.map(({ name }) => ({ name, host: unplugged, open: false }));
    const many = ports.length > 1 || ports[0]!.name !== undefined;
    this.features = [F_EMERG_WRITE, ...(many ? [F_MULTIPORT] : [])];
    const queues = many ? 2 * (ports.length + 1) : 2;
    this.queueSizes = Array.from({ length: queues }, () => QUEUE_SIZE);
  }

  get config(): Uint8Array {
    const config = new Uint8Array(CONFIG_BYTES);
    new DataView(config.buffer).setUint32(4, this.#ports.length, true);
    return config;
  }

  /** Connects a port to the host. */
  attach(index: number, host: SerialPort): void {
    const port = this.#ports[index]!;
    port.host = host;
    host.onReadable = () => this.#receive(index);
  }

  connect(transport: VirtioTransport): void {
    this.#transport = transport;
  }

  writeConfig(offset: number, value: number): void {
    if (offset === CONFIG_EMERG_WR) this.#ports[0]!.host.send(value);
  }

  notify(queue: number): void {
    if (queue === CONTROL_IN) this.#tell();
    else if (queue === CONTROL_OUT) this.#listen();
    else if (queue % 2 === 0) this.#receive(portOf(queue));
    else this.#send(portOf(queue), queue);
  }

  reset(): void {
    this.#messages = [];
    for (const port of this.#ports) port.open = false;
  }

  save(): PlainFields {
    return { messages: this.#messages.map((message) => message.slice()), open: this.#ports.map(({ open }) => open) };
  }

  restore(state: PlainFields): void {
    const saved = new SavedFields('virtio console', state);
    const messages = saved.list('messages', MOST_MESSAGES);
    const open = saved.list('open', this.#ports.length);
    this.#messages = messages.filter((message) => message instanceof Uint8Array).map((message) => message.slice());
    for (const [index, port] of this.#ports.entries()) port.open = open[index] === true;
  }

  #send(index: number, queueIndex: number): void {
    const queue = this.#transport!.queue(queueIndex);
    const { host } = this.#ports[index]!;
    for (let chain = queue.pop(); chain !== undefined; chain = queue.pop()) {
      const length = Math.min(chain.readable, MOST_OUTPUT);
      const piece = new Uint8Array(Math.min(length, PIECE_BYTES));
      for (let done = 0; done < length; done += piece.length) {
        const part = piece.subarray(0, Math.min(piece.length, length - done));
        chain.read(done, part);
        for (const byte of part) host.send(byte);
      }
      queue.push(chain, 0);
    }
  }

  /** What the host has goes to the driver's buffers while there are some. */
  #receive(index: number): void {
    const transport = this.#transport!;
    const { host, name, open } = this.#ports[index]!;
    if (!transport.driverOk || (name !== undefined && !open)) return;
    const queue = transport.queue(index === 0 ? 0 : 2 + 2 * index);
    let byte = -1;
    for (let chain = queue.pop(); chain !== undefined; chain = queue.pop()) {
      if (chain.writable > 0) byte = host.receive();
      if (byte < 0) {
        queue.putBack();
        return;
      }
      const bytes: number[] = [];
      const most = Math.min(chain.writable, PIECE_BYTES);
      while (bytes.length < most && byte >= 0) {
        bytes.push(byte);
        byte = bytes.length < most ? host.receive() : 0;
      }
      chain.write(0, Uint8Array.from(bytes));
      queue.push(chain, bytes.length);
      if (byte < 0) return;
    }
  }

  #listen(): void {
    const queue = this.#transport!.queue(CONTROL_OUT);
    for (let chain = queue.pop(); chain !== undefined; chain = queue.pop()) {
      const message = new Uint8Array(MESSAGE_BYTES);
      chain.read(0, message);
      queue.push(chain, 0);
      const view = new DataView(message.buffer);
      this.#heard(view.getUint32(0, true), view.getUint16(4, true), view.getUint16(6, true));
    }
    this.#tell();
  }

  #heard(id: number, event: number, value: number): void {
    if (event === DEVICE_READY) {
      if (value === 1) for (const n of this.#ports.keys()) this.#queueMessage(n, PORT_ADD, 0);
      return;
    }
    const port = this.#ports[id];
    if (port === undefined) return;
    if (event === PORT_READY && value === 1) {
      if (port.name === undefined) this.#queueMessage(id, CONSOLE_PORT, 1);
      else this.#queueMessage(id, PORT_NAME, 1, new TextEncoder().encode(port.name));
      this.#queueMessage(id, PORT_OPEN, 1);
    } else if (event === PORT_OPEN) {
      port.open = value === 1;
      this.#receive(id);
    }
  }

  #queueMessage(id: number, event: number, value: number, data = new Uint8Array(0)): void {
    if (this.#messages.length >= MOST_MESSAGES) return;
    const message = new Uint8Array(MESSAGE_BYTES + data.length);
    const view = new DataView(message.buffer);
    view.setUint32(0, id, true);
    view.setUint16(4, event, true);
    view.setUint16(6, value, true);
    message.set(data, MESSAGE_BYTES);
    this.#messages.push(message);
  }

  /** Messages go to the driver while it has buffers for them. */
  #tell(): void {
    const queue = this.#transport!.queue(CONTROL_IN);
    while (this.#messages.length > 0) {
      const chain = queue.pop();
      if (chain === undefined) return;
      const message = this.#messages.shift()!;
      chain.write(0, message);
      queue.push(chain, Math.min(message.length, chain.writable));
    }
  }
}

/** Queues 0 and 1 are port 0's, 2 and 3 the control queues, then two for each port. */
const portOf = (queue: number): number => (queue < 2 ? 0 : (queue >> 1) - 1);
