// SPDX-License-Identifier: MIT
import { type MessagePort, receiveMessageOnPort } from 'node:worker_threads';
import type { MachineServer } from '../../machines/backplane/machine-server.ts';
import type { RequestName, Requests } from '../../machines/backplane/session-protocol.ts';
import type { FromThread, ToThread } from './thread-channel.ts';

/**
 * Alternates between slices of the machine and the session's requests until the session closes. It never returns to
 * the event loop, so nothing here may wait for a callback of Node's.
 * @param doorbell one word; the session changes it and notifies when it has posted a request.
 */
export function runMachine(port: MessagePort, server: MachineServer, doorbell: Int32Array<SharedArrayBuffer>): void {
  const post = (message: FromThread): void => port.postMessage(message);
  let open = true;
  const answer = ({ id, name, argument }: ToThread): void => {
    server.handle(name, argument as Requests[RequestName][0], (result) => {
      if (result instanceof Error) post({ id, error: result.message });
      else post({ id, result });
    });
    if (name === 'close') open = false;
  };
  while (open) {
    const rung = Atomics.load(doorbell, 0);
    for (let next = receiveMessageOnPort(port); next !== undefined; next = receiveMessageOnPort(port)) {
      answer(next.message as ToThread);
    }
    if (!open) break;
    const sleepMs = server.tick();
    if (sleepMs > 0) Atomics.wait(doorbell, 0, rung, sleepMs);
  }
  port.close();
}
