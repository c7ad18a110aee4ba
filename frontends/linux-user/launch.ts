// SPDX-License-Identifier: MIT
//
// The beginning of a run: the first worker starts while the kernel's modules are still being loaded.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../host/package-root.ts';
import { WorkerPool } from './guest-cpu.ts';
import { MEMORY_UNITS } from './layout.ts';
import type { RunOptions, RunResult } from './run-program.ts';

/** What all guest processes of a run live in. */
export interface GuestMachine {
  readonly memory: WebAssembly.Memory;
  readonly cpus: WorkerPool;
}

export async function launch(options: RunOptions): Promise<RunResult> {
  const wasm = new WebAssembly.Module(readFileSync(join(packageRoot(), 'dist/core/ia64.wasm')));
  const memory = new WebAssembly.Memory({ initial: MEMORY_UNITS, maximum: MEMORY_UNITS, shared: true });
  const cpus = new WorkerPool(memory, wasm);
  cpus.prepare();
  try {
    const { runProgram } = await import('./run-program.ts');
    return await runProgram(options, { memory, cpus });
  } finally {
    cpus.end();
  }
}
