// SPDX-License-Identifier: MIT
//
// The PCI host bridge: configuration space methods of the bus node, and setting up the devices on it as their nodes'
// assigned-addresses say. Configuration is by the address and data registers of an MPC106 (address map B).
import { swapBytes, type Width } from '../../../backplane/bus.ts';
import type { Forth } from '../forth/forth.ts';
import type { DeviceTree, Package } from '../tree.ts';

export interface PciAccess {
  /** Path of the bus's node. */
  readonly path: string;
  readonly configAddressPa: number;
  readonly configDataPa: number;
}

const ENABLE = 0x8000_0000;
const COMMAND = 0x04;
const COMMAND_IO = 1;
const COMMAND_MEMORY = 2;
const COMMAND_MASTER = 4;
/** Bits of the first cell of a PCI address that select bus, device, function and register. */
const REGISTER_BITS = 0x00ff_ffff;

export class PciConfiguration {
  readonly #forth: Forth;
  readonly #access: PciAccess;

  constructor(forth: Forth, access: PciAccess) {
    this.#forth = forth;
    this.#access = access;
  }

  #select(address: number, width: Width): number {
    const { configAddressPa, configDataPa } = this.#access;
    this.#forth.write(configAddressPa, 4, swapBytes((ENABLE | (address & REGISTER_BITS & ~3)) >>> 0, 4));
    return configDataPa + (address & 3 & ~(width - 1));
  }

  read(address: number, width: Width): number {
    return swapBytes(this.#forth.read(this.#select(address, width), width), width);
  }

  write(address: number, width: Width, value: number): void {
    const cut = width === 4 ? value >>> 0 : value & (width === 2 ? 0xffff : 0xff);
    this.#forth.write(this.#select(address, width), width, swapBytes(cut, width));
  }

  /** Sets the base address registers of a device and lets it answer. */
  setUp(tree: DeviceTree, node: Package): void {
    let command = 0;
    for (let i = 0; tree.cell(node, 'assigned-addresses', i + 4) !== undefined; i += 5) {
      const [high, , low] = [0, 1, 2].map((at) => tree.cell(node, 'assigned-addresses', i + at)!);
      const space = (high! >>> 24) & 3;
      this.write(high!, 4, low!);
      command |= space === 1 ? COMMAND_IO : COMMAND_MEMORY;
    }
    if (command === 0) return;
    const config = (tree.cell(node, 'reg') ?? 0) & REGISTER_BITS & ~0xff;
    // Displays answer at the ports of a VGA too.
    if (tree.text(node, 'device_type') === 'display') command |= COMMAND_IO;
    this.write(config | COMMAND, 2, this.read(config | COMMAND, 2) | command | COMMAND_MASTER);
  }
}

export function definePciMethods(f: Forth, tree: DeviceTree, bus: Package, configuration: PciConfiguration): void {
  const list = tree.methods(bus);
  for (const [letter, width] of [
    ['b', 1],
    ['w', 2],
    ['l', 4],
  ] as const) {
    f.native(`config-${letter}@`, (f) => f.push(configuration.read(f.popU(), width)), '', list);
    f.native(
      `config-${letter}!`,
      (f) => {
        f.need(2);
        const address = f.popU();
        configuration.write(address, width, f.pop());
      },
      '',
      list,
    );
  }
  // ( phys.lo phys.mid phys.hi size -- virt ): memory space is where the CPU sees it.
  f.native(
    'map-in',
    (f) => {
      f.need(4);
      f.pop();
      f.pop();
      f.pop();
    },
    '',
    list,
  );
  f.native(
    'map-out',
    (f) => {
      f.need(2);
      f.pop();
      f.pop();
    },
    '',
    list,
  );
  f.native('open', (f) => f.flag(true), '', list);
  f.native('close', () => {}, '', list);
}
