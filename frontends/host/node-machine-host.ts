// SPDX-License-Identifier: MIT
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Calendar, NonVolatile } from '../../machines/backplane/host.ts';
import type { HostFolder } from '../../machines/backplane/host-folder.ts';
import { Log, type LogEntry, type LogMask } from '../../machines/backplane/log.ts';
import type { AttachableDisk, MachineHost } from '../../machines/backplane/machine.ts';
import { openDisk } from './disk.ts';
import { openHostFolder } from './host-folder.ts';
import { fileNonVolatile, memoryNonVolatile } from './non-volatile.ts';
import { packageRoot } from './package-root.ts';
import { UserError } from './user-error.ts';

export interface HostOptions {
  /** Folder for battery-backed memory; without it every machine starts with empty batteries. */
  readonly stateFolder?: string | undefined;
  /** Calendar time at power-on, in seconds since 1970 UTC. */
  readonly startSeconds: number;
  readonly logMasks?: readonly LogMask[];
  readonly onLog?: (entry: LogEntry) => void;
  /** Told what works but may surprise the user. */
  readonly onNotice?: (text: string) => void;
}

/** A machine's host end made of Node's files. Used in the machine's own thread. */
export class NodeMachineHost implements MachineHost {
  readonly calendar: Calendar;
  readonly log: Log;
  readonly #stateFolder: string | undefined;
  readonly #onNotice: ((text: string) => void) | undefined;
  readonly #modules = new Map<string, WebAssembly.Module>();

  constructor(options: HostOptions) {
    this.calendar = { startSeconds: options.startSeconds };
    this.log = new Log(options.onLog, options.logMasks);
    this.#stateFolder = options.stateFolder;
    this.#onNotice = options.onNotice;
  }

  core(isa: string): WebAssembly.Module {
    let module = this.#modules.get(isa);
    if (module === undefined) {
      const path = join(packageRoot(), 'dist', 'core', `${isa}.wasm`);
      if (!existsSync(path)) {
        throw new UserError(
          'EMERITUS_CORE_MISSING',
          `the ${isa} CPU core is not built: expected ${path}; run "npm run build"`,
        );
      }
      module = new WebAssembly.Module(readFileSync(path));
      this.#modules.set(isa, module);
    }
    return module;
  }

  ownRom(path: string): Uint8Array {
    return new Uint8Array(readFileSync(join(packageRoot(), 'roms', ...path.split('/'))));
  }

  hostFolder(path: string): HostFolder {
    return openHostFolder(path);
  }

  disk(spec: string): AttachableDisk {
    return openDisk(spec, this.#onNotice === undefined ? {} : { warn: this.#onNotice });
  }

  nonVolatile(name: string): NonVolatile {
    return this.#stateFolder === undefined
      ? memoryNonVolatile()
      : fileNonVolatile(join(this.#stateFolder, `${name}.bin`));
  }
}
