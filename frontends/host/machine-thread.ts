// SPDX-License-Identifier: MIT
//
// The machine's own thread: builds the machine, then runs it.
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import type { LogMask } from '../../machines/backplane/log.ts';
import type { MachineConfig } from '../../machines/backplane/machine.ts';
import { MachineConfigError } from '../../machines/backplane/machine-config-error.ts';
import { MachineServer } from '../../machines/backplane/machine-server.ts';
import { machineNamed } from '../../machines/registry.ts';
import { runMachine } from './machine-loop.ts';
import { NodeMachineHost } from './node-machine-host.ts';
import type { FromThread } from './thread-channel.ts';
import { UserError } from './user-error.ts';

export interface ThreadData {
  readonly config: MachineConfig;
  readonly time: 'virtual' | 'realtime';
  readonly stateFolder: string | undefined;
  readonly startSeconds: number;
  readonly logMasks: readonly LogMask[];
  /** One word; the session changes it and notifies when it has posted a request. */
  readonly doorbell: SharedArrayBuffer;
}

function main(port: MessagePort, data: ThreadData): void {
  const post = (message: FromThread): void => port.postMessage(message);
  const host = new NodeMachineHost({
    stateFolder: data.stateFolder,
    startSeconds: data.startSeconds,
    logMasks: data.logMasks,
    onLog: (entry) => post({ event: { event: 'log', entry } }),
    onNotice: (text) => post({ event: { event: 'notice', text } }),
  });
  const machine = machineNamed(data.config.machine).build(host, data.config);
  const clock = data.time === 'realtime' ? { now: () => performance.now() } : undefined;
  const server = new MachineServer(machine, (event) => post({ event }), clock);
  post({ ready: true });
  runMachine(port, server, new Int32Array(data.doorbell));
}

if (parentPort !== null) {
  try {
    main(parentPort, workerData as ThreadData);
  } catch (error) {
    const failed =
      error instanceof UserError
        ? { message: error.message, code: error.code }
        : error instanceof MachineConfigError
          ? { message: error.message, code: 'EMERITUS_CONFIG' }
          : { message: error instanceof Error ? (error.stack ?? error.message) : String(error) };
    parentPort.postMessage({ failed } satisfies FromThread);
    parentPort.close();
  }
}
