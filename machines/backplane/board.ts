// SPDX-License-Identifier: MIT
import type { Cpu } from './cpu.ts';
import type { Device, PlainFields } from './device.ts';
import { SnapshotError } from './device.ts';
import type { DeviceLog } from './log.ts';
import { Log } from './log.ts';
import { GuestMemory } from './memory.ts';
import { MemoryMap } from './memory-map.ts';
import { type ClockDomain, Scheduler } from './scheduler.ts';
import type { Wire } from './wire.ts';

/** The parts of the board every chip may need; made by {@link Board.chip}. */
export interface ChipContext {
  readonly id: string;
  readonly log: DeviceLog;
  readonly scheduler: Scheduler;
}

/** A connection, for `emeritus describe` and for the check that nothing was forgotten. */
export interface Connection {
  readonly source: string;
  readonly sink: string;
  readonly note: string;
}

export interface BoardOptions {
  /** Master ticks (instruction slots of the CPU) per second. */
  readonly masterHz: number;
  /** Size of the shared memory: the core's own part, guest RAM, video RAM, ROM. */
  readonly memoryBytes: number;
  readonly log?: Log;
}

/** What chips are mounted on: one virtual time, one memory, one log, and the list of everything that has state. */
export class Board {
  readonly scheduler: Scheduler;
  readonly memory: GuestMemory;
  readonly log: Log;
  readonly clocks: ClockDomain[] = [];
  readonly maps: MemoryMap[] = [];
  readonly connections: Connection[] = [];
  readonly devices = new Map<string, Device>();
  cpu: Cpu | undefined;

  constructor(options: BoardOptions) {
    this.scheduler = new Scheduler(options.masterHz);
    this.memory = new GuestMemory(options.memoryBytes);
    this.log = options.log ?? new Log();
    this.log.pc = () => this.cpu?.pc ?? 0;
  }

  /** What a chip called `id` gets from the board. */
  chip(id: string): ChipContext {
    return { id, log: this.log.for(id), scheduler: this.scheduler };
  }

  /** Mounts a chip. Ids are unique. */
  add<T extends Device>(device: T): T {
    if (this.devices.has(device.id)) throw new Error(`two devices called ${device.id}`);
    this.devices.set(device.id, device);
    return device;
  }

  addCpu<T extends Cpu>(cpu: T): T {
    this.cpu = cpu;
    return this.add(cpu);
  }

  clock(name: string, hz: number): ClockDomain {
    const clock = this.scheduler.clock(name, hz);
    this.clocks.push(clock);
    return clock;
  }

  map(name: string): MemoryMap {
    const map = new MemoryMap(name, this.memory, this.log.for(name));
    this.maps.push(map);
    return map;
  }

  /** Connects an output to an input and notes it for `describe`. */
  wire(source: Wire, sink: (level: boolean) => void, sinkName: string, note = ''): void {
    source.to(sink);
    this.connections.push({ source: source.name, sink: sinkName, note });
  }

  /** Says that an output is not connected on this board. */
  nc(source: Wire, note = ''): void {
    this.connections.push({ source: source.name, sink: 'nc', note });
  }

  reset(kind: 'cold' | 'warm'): void {
    for (const device of this.devices.values()) device.reset(kind);
    for (const device of this.devices.values()) device.settle();
  }

  /** Every device's fields by id, and the time. RAM is saved apart (see `snapshot.ts`). */
  save(): { scheduler: PlainFields; devices: Record<string, PlainFields> } {
    const devices: Record<string, PlainFields> = {};
    for (const [id, device] of this.devices) devices[id] = device.save();
    return { scheduler: this.scheduler.save(), devices };
  }

  restore(state: { scheduler: PlainFields; devices: Record<string, PlainFields> }): void {
    for (const id of Object.keys(state.devices)) {
      if (!this.devices.has(id)) throw new SnapshotError(`the snapshot has a device "${id}", this machine has none`);
    }
    for (const device of this.devices.values()) device.reset('snapshot');
    this.scheduler.restore(state.scheduler);
    for (const [id, device] of this.devices) {
      const fields = state.devices[id];
      if (fields === undefined) throw new SnapshotError(`the snapshot has no device "${id}"`);
      device.restore(fields);
    }
    for (const device of this.devices.values()) device.settle();
  }
}
