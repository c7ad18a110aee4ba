// SPDX-License-Identifier: MIT
import { Worker } from 'node:worker_threads';
import type { RequestName, Requests, SessionChannel, SessionEvent } from '../../machines/backplane/session-protocol.ts';
import type { ThreadData } from './machine-thread.ts';
import { UserError } from './user-error.ts';

/** A request on its way to the machine thread. */
export interface ToThread {
  readonly id: number;
  readonly name: RequestName;
  readonly argument: unknown;
}

/** What the machine thread says. */
export type FromThread =
  | { readonly ready: true }
  | { readonly failed: { readonly message: string; readonly code?: string | undefined } }
  | { readonly event: SessionEvent }
  | { readonly id: number; readonly result: unknown }
  | { readonly id: number; readonly error: string };

const MACHINE_THREAD = new URL(`./machine-thread${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url);

interface Pending {
  resolve(result: unknown): void;
  reject(error: Error): void;
}

/** A channel to a machine in a thread of its own. */
export class ThreadChannel implements SessionChannel {
  readonly #worker: Worker;
  readonly #doorbell: Int32Array<SharedArrayBuffer>;
  readonly #pending = new Map<number, Pending>();
  readonly #listeners: ((event: SessionEvent) => void)[] = [];
  #nextId = 1;
  #ended: Error | undefined;

  private constructor(worker: Worker, doorbell: Int32Array<SharedArrayBuffer>) {
    this.#worker = worker;
    this.#doorbell = doorbell;
  }

  /**
   * Starts the thread and builds the machine; rejects with a {@link UserError} when the user's choices do not work.
   * @param thread what to run instead of machine-thread.ts, for measurements
   */
  static open(data: Omit<ThreadData, 'doorbell'>, thread = MACHINE_THREAD): Promise<ThreadChannel> {
    const doorbell = new SharedArrayBuffer(4);
    const worker = new Worker(thread, {
      workerData: { ...data, doorbell } satisfies ThreadData,
    });
    const channel = new ThreadChannel(worker, new Int32Array(doorbell));
    return new Promise((resolve, reject) => {
      worker.on('message', (message: FromThread) => {
        if ('ready' in message) resolve(channel);
        else if ('failed' in message) {
          const { message: text, code } = message.failed;
          const error = code === undefined ? new Error(text) : new UserError(code, text);
          reject(error);
          channel.#end(error);
        } else channel.#receive(message);
      });
      worker.on('error', (error) => {
        reject(error);
        channel.#end(error);
      });
      worker.on('exit', () => channel.#end(new Error('the machine has ended')));
    });
  }

  request<Name extends RequestName>(name: Name, argument: Requests[Name][0]): Promise<Requests[Name][1]> {
    if (this.#ended !== undefined) return Promise.reject(this.#ended);
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { resolve: resolve as (result: unknown) => void, reject });
      this.#worker.postMessage({ id, name, argument } satisfies ToThread);
      Atomics.add(this.#doorbell, 0, 1);
      Atomics.notify(this.#doorbell, 0);
    });
  }

  onEvent(listener: (event: SessionEvent) => void): void {
    this.#listeners.push(listener);
  }

  #receive(message: Exclude<FromThread, { ready: true } | { failed: unknown }>): void {
    if ('event' in message) {
      for (const listener of this.#listeners) listener(message.event);
      return;
    }
    const pending = this.#pending.get(message.id);
    this.#pending.delete(message.id);
    if ('error' in message) pending?.reject(new Error(message.error));
    else pending?.resolve(message.result);
  }

  #end(error: Error): void {
    this.#ended ??= error;
    for (const pending of this.#pending.values()) pending.reject(this.#ended);
    this.#pending.clear();
  }
}
