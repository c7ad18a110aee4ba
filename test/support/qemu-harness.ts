// SPDX-License-Identifier: MIT
//
// A harness program under QEMU's user mode: reads a count and that many requests, answers each, ends at a count of 0.
import { type ChildProcessWithoutNullStreams, execFileSync, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export interface HarnessOptions {
  /** As in qemu-ISA and test/cpu/ISA/harness. */
  readonly isa: string;
  readonly compiler: string;
  readonly flags: string;
  /** QEMU's name of the processor. */
  readonly model: string;
  /** Sizes of `struct request` and `struct answer`, and how many requests the program takes at once. */
  readonly requestBytes: number;
  readonly answerBytes: number;
  readonly maxBatch: number;
  readonly littleEndian: boolean;
}

export class QemuHarness {
  readonly #options: HarnessOptions;
  readonly #folder: string;
  readonly #process: ChildProcessWithoutNullStreams;
  #received: Buffer[] = [];
  #receivedBytes = 0;
  #wanted = 0;
  #deliver: ((answers: Buffer) => void) | undefined;
  #fail: ((error: Error) => void) | undefined;
  #stderr = '';

  constructor(options: HarnessOptions) {
    this.#options = options;
    const { isa, compiler, flags, model } = options;
    this.#folder = mkdtempSync(join(tmpdir(), `emeritus-${isa}-`));
    const source = fileURLToPath(new URL(`../cpu/${isa}/harness/harness.c`, import.meta.url));
    const program = join(this.#folder, 'harness');
    execFileSync(compiler, [...flags.split(' '), '-o', program, source]);
    this.#process = spawn(`qemu-${isa}`, ['-cpu', model, program]);
    this.#process.stdout.on('data', (chunk: Buffer) => this.#take(chunk));
    this.#process.stderr.on('data', (chunk: Buffer) => (this.#stderr += chunk.toString()));
    this.#process.stdin.on('error', () => undefined);
    this.#process.on('exit', (code, signal) => {
      this.#fail?.(new Error(`qemu-${isa} ended with ${signal ?? code}: ${this.#stderr}`));
    });
  }

  /** Runs the requests and returns as many answers. One call at a time. */
  run(requests: readonly DataView[]): Promise<DataView[]> {
    const { requestBytes, answerBytes, maxBatch, littleEndian } = this.#options;
    if (requests.length > maxBatch) throw new RangeError(`${requests.length} requests`);
    const count = new DataView(new ArrayBuffer(4));
    count.setUint32(0, requests.length, littleEndian);
    this.#wanted = requests.length * answerBytes;
    const answers = new Promise<Buffer>((resolve, reject) => {
      this.#deliver = resolve;
      this.#fail = reject;
    });
    const parts = requests.map(({ buffer, byteOffset }) => Buffer.from(buffer, byteOffset, requestBytes));
    this.#process.stdin.write(Buffer.concat([Buffer.from(count.buffer), ...parts]));
    return answers.then((all) =>
      requests.map((_, i) => new DataView(all.buffer, all.byteOffset + i * answerBytes, answerBytes)),
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

const works = (command: string): boolean => spawnSync(command, ['--version']).status === 0;

/** `undefined` when all commands are there, else the command that installs the packages of those that are not. */
export function missingCommands(packages: Readonly<Record<string, string>>): string | undefined {
  const missing = Object.entries(packages).filter(([command]) => !works(command));
  return missing.length === 0 ? undefined : `apt-get install ${missing.map(([, name]) => name).join(' ')}`;
}
