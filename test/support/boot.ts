// SPDX-License-Identifier: MIT
import { NodeMachineHost } from '../../frontends/host/node-machine-host.ts';
import { readImage } from '../../frontends/host/files.ts';
import type { LogEntry } from '../../machines/backplane/log.ts';
import type { MachineConfig, MachineDefinition, Medium } from '../../machines/backplane/machine.ts';
import { LocalChannel, MachineSession } from '../../machines/backplane/session.ts';
import { machineNamed } from '../../machines/registry.ts';

export interface BootConfig {
  readonly ramBytes?: number;
  readonly options?: Record<string, string>;
  readonly media?: readonly Medium[];
  /** Paths; gzip is accepted as on the command line. */
  readonly firmware?: string | undefined;
  readonly kernel?: string | undefined;
  readonly initrd?: string | undefined;
  readonly append?: string;
  readonly roms?: readonly string[];
  /** Told of everything on the `trace` log. */
  readonly onTrace?: (entry: LogEntry) => void;
}

/** A machine in this thread on virtual time, and all it has sent on its first serial line. */
export interface BootedMachine {
  readonly session: MachineSession;
  console(): string;
}

/** 2001-03-24T12:00:00Z: every test's calendar. */
const START_SECONDS = 985_435_200;

export function boot(name: string, config: BootConfig): BootedMachine {
  const definition: MachineDefinition = machineNamed(name);
  const image = (path: string | undefined) => (path === undefined ? undefined : readImage(path, name));
  const initial = Object.entries(definition.options).map(([option, { initial }]) => [option, initial]);
  const full: MachineConfig = {
    machine: name,
    ramBytes: config.ramBytes ?? definition.ram.initial,
    options: { ...(Object.fromEntries(initial) as Record<string, string>), ...config.options },
    media: config.media ?? [],
    roms: (config.roms ?? []).map((path) => readImage(path, name)),
    firmware: image(config.firmware),
    kernel: image(config.kernel),
    initrd: image(config.initrd),
    append: config.append,
  };
  const host = {
    startSeconds: START_SECONDS,
    ...(config.onTrace !== undefined && { logMasks: ['trace'] as const, onLog: config.onTrace }),
  };
  const session = new MachineSession(new LocalChannel(definition.build(new NodeMachineHost(host), full)));
  let console = '';
  session.onEvent((event) => {
    if (event.event === 'serial' && event.port === 0) console += Buffer.from(event.bytes).toString('latin1');
  });
  return { session, console: () => console };
}
