// SPDX-License-Identifier: MIT
import { type ChildProcessWithoutNullStreams, execFileSync, spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { MAX_BATCH, REQUEST } from './ppc-vectors.ts';

/** Byte offsets in `struct answer`. */
export const ANSWER = {
  signal: 0,
  code: 4,
  pc: 8,
  gpr: 16,
  cr: 144,
  xer: 148,
  lr: 152,
  ctr: 156,
  fpscr: 160,
  fpr: 168,
  window: 424,
  bytes: 680,
};

export const SIGNAL = { SIGILL: 4, SIGTRAP: 5, SIGBUS: 7, SIGFPE: 8, SIGSEGV: 11 } as const;

const works = (command: string): boolean => spawnSync(command, ['--version']).status === 0;

/** `undefined` when qemu-ppc and the cross tools are there, else the command that installs what is missing. */
export function missingTools(): string | undefined {
  const missing = [
    ['qemu-ppc', 'qemu-user'],
    ['powerpc-linux-gnu-gcc', 'gcc-powerpc-linux-gnu libc6-dev-powerpc-cross'],
  ].filter(([command]) => !works(command!));
  return missing.length === 0 ? undefined : `apt-get install ${missing.map(([, name]) => name).join(' ')}`;
}

const CFLAGS =
  '-O2 -std=gnu11 -Wall -Wextra -Werror -ffreestanding -fno-builtin -fno-stack-protector -fno-pic -no-pie ' +
  '-msdata=none -mno-altivec -fno-tree-loop-distribute-patterns -nostdlib -static -Wl,-z,noexecstack';

/** The harness program under qemu-ppc, answering batches of requests. */
export class QemuPpc {
  readonly #folder: string;
  readonly #process: ChildProcessWithoutNullStreams;
  #received: Buffer[] = [];
  #receivedBytes = 0;
  #wanted = 0;
  #deliver: ((answers: Buffer) => void) | undefined;
  #fail: ((error: Error) => void) | undefined;
  #stderr = '';

  constructor(model = '750') {
    mkdirSync(tmpdir(), { recursive: true });
    this.#folder = mkdtempSync(join(tmpdir(), 'emeritus-ppc-'));
    const source = fileURLToPath(new URL('../cpu/ppc/harness/harness.c', import.meta.url));
    const program = join(this.#folder, 'harness');
    execFileSync('powerpc-linux-gnu-gcc', [...CFLAGS.split(' '), '-o', program, source]);
    this.#process = spawn('qemu-ppc', ['-cpu', model, program]);
    this.#process.stdout.on('data', (chunk: Buffer) => this.#take(chunk));
    this.#process.stderr.on('data', (chunk: Buffer) => (this.#stderr += chunk.toString()));
    this.#process.stdin.on('error', () => undefined);
    this.#process.on('exit', (code, signal) => {
      this.#fail?.(new Error(`qemu-ppc ended with ${signal ?? code}: ${this.#stderr}`));
    });
  }

  /** Runs the requests, each a `struct request`, and returns as many `struct answer`. One call at a time. */
  run(requests: readonly DataView[]): Promise<DataView[]> {
    if (requests.length > MAX_BATCH) throw new RangeError(`${requests.length} requests`);
    const count = Buffer.alloc(4);
    count.writeUInt32BE(requests.length);
    this.#wanted = requests.length * ANSWER.bytes;
    const answers = new Promise<Buffer>((resolve, reject) => {
      this.#deliver = resolve;
      this.#fail = reject;
    });
    const parts = requests.map((request) => Buffer.from(request.buffer, request.byteOffset, REQUEST.bytes));
    this.#process.stdin.write(Buffer.concat([count, ...parts]));
    return answers.then((all) =>
      requests.map((_, i) => new DataView(all.buffer, all.byteOffset + i * ANSWER.bytes, ANSWER.bytes)),
    );
  }

  close(): void {
    this.#fail = undefined;
    this.#process.stdin.end(Buffer.alloc(4));
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #take(chunk: Buffer): void {
    this.#received.push(chunk);
    this.#receivedBytes += chunk.length;
    if (this.#wanted === 0 || this.#receivedBytes < this.#wanted) return;
    const all = Buffer.concat(this.#received);
    const answers = all.subarray(0, this.#wanted);
    const rest = all.subarray(this.#wanted);
    this.#received = rest.length > 0 ? [rest] : [];
    this.#receivedBytes = rest.length;
    this.#wanted = 0;
    this.#deliver?.(answers);
  }
}
