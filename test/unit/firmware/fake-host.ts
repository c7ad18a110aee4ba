// SPDX-License-Identifier: MIT
import type { Width } from '../../../machines/backplane/bus.ts';
import type { BlockDevice } from '../../../machines/backplane/host.ts';
import type {
  FirmwareDisk,
  FirmwareHost,
  FirmwareScreen,
  TreeNode,
} from '../../../machines/firmware/open-firmware/host.ts';
import { OpenFirmware, type OpenFirmwareOptions } from '../../../machines/firmware/open-firmware/open-firmware.ts';

export const RAM_BYTES = 32 << 20;
export const TIMEBASE_HZ = 16_000_000;
const SCREEN_PA = 0x8100_0000;

/** RAM, a frame buffer, registers and a serial line as plain arrays; no CPU. */
export class FakeHost implements FirmwareHost {
  readonly ram = new Uint8Array(RAM_BYTES);
  readonly view = new DataView(this.ram.buffer);
  readonly pixels: Uint8Array;
  readonly registers = new Map<string, number>();
  readonly input: number[] = [];
  readonly events: string[] = [];
  readonly colors = new Map<number, readonly number[]>();
  output = '';
  ms = 0;
  stored: Record<string, string> = {};
  readonly disks: FirmwareDisk[] = [];
  readonly screen: FirmwareScreen | undefined;

  readonly serial = {
    read: (): number => this.input.shift() ?? -1,
    write: (byte: number): void => {
      this.output += String.fromCharCode(byte);
    },
  };
  readonly variables = {
    load: (): Record<string, string> => this.stored,
    store: (values: Readonly<Record<string, string>>): void => {
      this.stored = { ...values };
    },
  };

  constructor(screen?: { width: number; height: number; depth: 8 | 15 | 16 | 32 }) {
    const stride = screen === undefined ? 0 : screen.width * (screen.depth === 8 ? 1 : screen.depth === 32 ? 4 : 2);
    this.pixels = new Uint8Array(stride * (screen?.height ?? 0));
    if (screen === undefined) return;
    this.screen = {
      ...screen,
      path: '/pci@80000000/display@e',
      pa: SCREEN_PA,
      stride,
      setColor: (index, ...rgb) => this.colors.set(index, rgb),
    };
  }

  #part(pa: number, length: number): Uint8Array | undefined {
    if (pa >= 0 && pa + length <= RAM_BYTES) return this.ram.subarray(pa, pa + length);
    const at = pa - SCREEN_PA;
    if (at >= 0 && at + length <= this.pixels.length) return this.pixels.subarray(at, at + length);
    return undefined;
  }

  read(pa: number, width: Width): number | undefined {
    const part = this.#part(pa, width);
    if (part === undefined) return undefined;
    let value = 0;
    for (const byte of part) value = value * 256 + byte;
    return value;
  }

  write(pa: number, width: Width, value: number): boolean {
    const part = this.#part(pa, width);
    if (part === undefined) return false;
    for (let i = 0; i < width; i++) part[i] = value >>> ((width - 1 - i) * 8);
    return true;
  }

  readBytes(pa: number, into: Uint8Array): boolean {
    const part = this.#part(pa, into.length);
    if (part === undefined) return false;
    into.set(part);
    return true;
  }

  writeBytes(pa: number, from: Uint8Array): boolean {
    const part = this.#part(pa, from.length);
    if (part === undefined) return false;
    part.set(from);
    return true;
  }

  getRegister = (name: string): number => this.registers.get(name) ?? 0;
  setRegister = (name: string, value: number): void => {
    this.registers.set(name, value >>> 0);
  };
  milliseconds = (): number => this.ms;
  powerOff = (): void => {
    this.events.push('power-off');
  };
  reset = (): void => {
    this.events.push('reset');
  };

  /** A NUL-terminated string at `pa`. */
  cString(pa: number): string {
    return String.fromCharCode(...this.ram.subarray(pa, this.ram.indexOf(0, pa)));
  }

  put(pa: number, text: string): void {
    this.writeBytes(
      pa,
      Uint8Array.from(`${text}\0`, (c) => c.charCodeAt(0)),
    );
  }
}

export const memoryDisk = (bytes: Uint8Array, blockBytes = 512): BlockDevice => ({
  blockBytes,
  blockCount: Math.floor(bytes.length / blockBytes),
  readonly: false,
  title: 'memory',
  read: (first, into) => into.set(bytes.subarray(first * blockBytes, first * blockBytes + into.length)),
  write: (first, from) => bytes.set(from, first * blockBytes),
  flush: () => {},
});

export const SMALL_TREE: TreeNode = {
  name: 'device-tree',
  properties: { model: 'Test', compatible: ['Test', 'MacRISC'], '#address-cells': 1, '#size-cells': 1 },
  children: [
    {
      name: 'cpus',
      properties: { '#address-cells': 1, '#size-cells': 0 },
      children: [{ name: 'PowerPC,750', unit: '0', properties: { device_type: 'cpu', reg: 0 } }],
    },
    { name: 'memory', unit: '0', properties: { device_type: 'memory', reg: [0, RAM_BYTES] } },
    {
      name: 'pci',
      unit: '80000000',
      properties: { device_type: 'pci', '#address-cells': 3, '#size-cells': 2, self: { phandleOf: '/pci' } },
      children: [
        { name: 'display', unit: 'e', properties: { device_type: 'display', reg: [0x7000, 0, 0, 0, 0] } },
        {
          name: 'mac-io',
          unit: '10',
          properties: { '#address-cells': 1, '#size-cells': 1 },
          children: [
            {
              name: 'escc',
              unit: '13000',
              children: [{ name: 'ch-a', unit: '13020', properties: { device_type: 'serial' } }],
            },
            { name: 'ata-3', unit: '20000', children: [] },
          ],
        },
      ],
    },
    { name: 'aliases', properties: { scca: '/pci/mac-io/escc/ch-a', screen: '/pci/display' } },
  ],
};

/** A firmware on a fake machine. `run` is what the guest's idle loop does. */
export class TestFirmware {
  readonly host: FakeHost;
  readonly firmware: OpenFirmware;

  constructor(options: Partial<OpenFirmwareOptions> = {}, host = new FakeHost()) {
    this.host = host;
    this.firmware = new OpenFirmware(host, {
      tree: SMALL_TREE,
      ramBytes: RAM_BYTES,
      timebaseHz: TIMEBASE_HZ,
      paths: { cpu: '/cpus/PowerPC,750', memory: '/memory', serial: '/pci/mac-io/escc/ch-a' },
      machine: 'Test machine',
      overrides: { 'auto-boot?': 'false' },
      ...options,
    });
  }

  boot(): this {
    this.firmware.start();
    this.settle();
    return this;
  }

  /** Polls until nothing is left to do, `ms` of virtual time have passed or a client runs. */
  settle(ms = 200): void {
    const end = this.host.ms + ms;
    while (this.host.ms < end && !this.firmware.clientRuns) {
      this.firmware.hypercall(1);
      this.host.ms += (this.host.getRegister('r4') / TIMEBASE_HZ) * 1000;
    }
  }

  typed(text: string, ms = 200): string {
    const before = this.host.output.length;
    for (const char of text) this.host.input.push(char.charCodeAt(0));
    this.settle(ms);
    return this.host.output.slice(before);
  }

  /** What a line prints, without its echo, ` ok` and the next prompt. */
  line(text: string): string {
    const printed = this.typed(`${text}\r`);
    return printed
      .slice(text.length)
      .replace(/\d+ [>\]] $/, '')
      .replace(/\s*ok\r\n$/, '')
      .trim();
  }

  /** A client service call: string arguments are put into guest memory. */
  service(name: string, nret: number, ...args: (number | string)[]): { status: number; results: number[] } {
    const base = 0x10_0000;
    let text = base + 0x1000;
    const place = (value: string): number => {
      const pa = text;
      this.host.put(pa, value);
      text += value.length + 1;
      return pa;
    };
    const words = [place(name), args.length, nret, ...args.map((arg) => (typeof arg === 'string' ? place(arg) : arg))];
    words.forEach((word, i) => this.host.view.setUint32(base + i * 4, word >>> 0));
    this.host.setRegister('r3', base);
    this.host.setRegister('lr', 0x5000);
    this.firmware.hypercall(2);
    const status = this.host.getRegister('r3');
    const results = Array.from({ length: nret }, (_, i) => this.host.view.getUint32(base + (3 + args.length + i) * 4));
    return { status, results };
  }

  call(name: string, ...args: (number | string)[]): number {
    return this.service(name, 1, ...args).results[0]!;
  }
}
