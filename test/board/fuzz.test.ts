import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { NodeMachineHost } from '../../frontends/host/node-machine-host.ts';
import { swap32, type Width } from '../../machines/backplane/bus.ts';
import type { DriveBus, Machine, Medium } from '../../machines/backplane/machine.ts';
import { describeTarget, type FlatRange } from '../../machines/backplane/memory-map.ts';
import { MACHINES } from '../../machines/registry.ts';
import { plainConfig } from '../support/machine-config.ts';
import { random } from '../support/random.ts';

/** Accesses to all devices of a machine together. */
const ACCESSES = 1_000_000;

/** Machines with a PCI host: where its configuration registers are, and the devices on its bus. */
const PCI: Readonly<Record<string, { address: number; data: number; devices: readonly number[] }>> = {
  'powermac-g3': { address: 0xfec0_0000, data: 0xfee0_0000, devices: [0x00, 0x10, 0x12, 0x1f] },
};

/** Buses that take drives, where not both IDE and SCSI. */
const DRIVE_BUSES: Readonly<Record<string, readonly DriveBus[]>> = {
  archimedes: [],
  'archimedes-a310': [],
  'archimedes-a440': [],
  'archimedes-a3000': [],
  'archimedes-a5000': ['ide'],
  goldfish: ['mmc', 'nand'],
  microbit: [],
  'next-computer': ['scsi', 'mo'],
  'next-cube': ['scsi', 'mo'],
  'next-station': ['scsi'],
  'next-station-turbo': ['scsi'],
  quadra800: ['scsi'],
};
/** Machines with disks of another kind than these buses have. */
const OTHER_DISKS: readonly string[] = ['archimedes', 'archimedes-a440'];
const NO_CDROM: readonly string[] = ['archimedes-a5000'];
/** Machines with floppy drives that want a disk of a certain size. */
const FLOPPY_BYTES: Readonly<Record<string, number>> = {
  archimedes: 819_200,
  'archimedes-a310': 819_200,
  'archimedes-a440': 819_200,
  'archimedes-a3000': 819_200,
  'archimedes-a5000': 819_200,
  'next-computer': 1_474_560,
  'next-cube': 1_474_560,
  'next-station': 1_474_560,
  'next-station-turbo': 1_474_560,
  quadra800: 1_474_560,
};

/** Goes away at its first access after a reset. */
const ONCE_A_RESET = 'rom, first access';

/** Lets virtual time pass without a CPU; a task due in the past or a rush of tasks fails. */
function pass(machine: Machine, ticks: number): void {
  const { scheduler } = machine.board;
  const end = scheduler.now + ticks;
  for (let rounds = 0; scheduler.now < end; rounds++) {
    expect(rounds, `tasks rush: ${JSON.stringify(scheduler.pending().slice(0, 5))}`).toBeLessThan(100_000);
    scheduler.runDue();
    expect(scheduler.headroom).toBeGreaterThan(0);
    scheduler.skip(Math.min(scheduler.headroom, end - scheduler.now));
  }
}

describe.each(MACHINES.map((definition) => [definition.name, definition] as const))('%s', (name, definition) => {
  it(`survives ${ACCESSES} random accesses to its devices`, { timeout: 1_200_000 }, () => {
    const folder = mkdtempSync(join(tmpdir(), 'emeritus-fuzz-'));
    const image = join(folder, 'disk.img');
    writeFileSync(image, new Uint8Array(1 << 20).fill(0x5a));
    const media: Medium[] = (DRIVE_BUSES[name] ?? (['ide', 'scsi'] as const)).flatMap((bus) => [
      { kind: 'disk', bus, spec: `${image},overlay` },
      ...(bus === 'mmc' || bus === 'nand' || bus === 'mo' || NO_CDROM.includes(name)
        ? []
        : [{ kind: 'cdrom', bus, spec: `${image},cdrom` } as const]),
    ]);
    if (OTHER_DISKS.includes(name)) media.push({ kind: 'disk', spec: `${image},overlay` });
    const floppyBytes = FLOPPY_BYTES[name];
    if (floppyBytes !== undefined) {
      const floppy = join(folder, 'floppy.img');
      writeFileSync(floppy, new Uint8Array(floppyBytes).fill(0xa5));
      media.push({ kind: 'floppy', spec: `${floppy},overlay,floppy` });
    }
    const machine = definition.build(new NodeMachineHost({ startSeconds: 0 }), { ...plainConfig(definition), media });
    const map = machine.board.maps[0]!;
    const next = random(1);
    const pick = (below: number): number => Math.floor(next() * below);
    // By name, so that what has many ranges is not hit more often than the rest.
    let devices: FlatRange[][] = [];
    map.onChange(() => {
      const others = map.flat.filter(({ target }) => target.kind !== 'ram');
      const byName = new Map<string, FlatRange[]>();
      for (const range of others) {
        const name = describeTarget(range.target);
        byName.set(name, [...(byName.get(name) ?? []), range]);
      }
      devices = [...byName.values()];
    });
    const pci = PCI[name];
    const reached = new Map<string, number>();
    for (let i = 0; i < ACCESSES; i++) {
      // Random configuration soon hides what is on the bus: begin again.
      if (i % 10_000 === 0) machine.start(i === 0 ? 'cold' : 'warm');
      const ranges = devices[pick(devices.length)]!;
      const { first, last } = ranges[pick(ranges.length)]!;
      let pa = first + pick(Math.min(last - first + 1, i % 3 === 0 ? 0x1_0000_0000 : 0x4000));
      if (pci !== undefined && i % 10_000 > 9_000) {
        const device = pci.devices[pick(pci.devices.length)]!;
        map.write(pci.address, 4, swap32((0x8000_0000 | (device << 11) | (pick(64) << 2)) >>> 0));
        pa = pci.data + pick(4);
      }
      const { target } = map.at(pa) ?? {};
      if (target?.kind === 'device') reached.set(target.name, (reached.get(target.name) ?? 0) + 1);
      const width = ([1, 2, 4] as const)[pick(3)] as Width;
      if (pick(2) === 0) {
        const value = map.read(pa, width);
        const valid = Number.isInteger(value) && value >= 0 && value < 2 ** (8 * width);
        if (!valid) expect.fail(`read of ${width} bytes at ${pa.toString(16)} gave ${value}`);
      } else {
        map.write(pa, width, pick(4) === 0 ? 0 : pick(2 ** (8 * width)));
      }
      if (i % 64 === 0) pass(machine, pick(50_000));
    }
    expect([...reached.keys()].sort()).toMatchSnapshot();
    // Most are hit tens of thousands of times; the VGA window is behind an alias the bridge has off after reset.
    for (const [device, count] of reached) {
      expect(count, device).toBeGreaterThan(device === ONCE_A_RESET ? 10 : 100);
    }
    // Nothing is wedged: devices still reset, settle, save and restore.
    machine.start('warm');
    machine.board.restore(structuredClone(machine.board.save()));
    pass(machine, machine.board.scheduler.masterHz);
    machine.close();
    rmSync(folder, { recursive: true });
  });
});
