// SPDX-License-Identifier: MIT
import { SYSCALL_NAMES } from '../abi/syscalls.ts';
import type { Kernel } from '../kernel.ts';
import type { Handler, SyscallEntry, SyscallTable } from './arguments.ts';
import { attributeCalls } from './attribute-calls.ts';
import { directoryCalls } from './directory-calls.ts';
import { execCalls } from './exec-calls.ts';
import { fcntlCalls } from './fcntl-calls.ts';
import { ioctlCalls } from './ioctl-calls.ts';
import { memoryCalls } from './memory-calls.ts';
import { messageCalls } from './message-calls.ts';
import { metadataCalls } from './metadata-calls.ts';
import { miscCalls } from './misc-calls.ts';
import { openCalls } from './open-calls.ts';
import { pollCalls } from './poll-calls.ts';
import { processCalls } from './process-calls.ts';
import { readWriteCalls } from './read-write-calls.ts';
import { semaphoreCalls } from './semaphore-calls.ts';
import { sharedMemoryCalls } from './shared-memory-calls.ts';
import { signalCalls } from './signal-calls.ts';
import { socketCalls } from './socket-calls.ts';
import { timeCalls } from './time-calls.ts';

/** All calls by number; those without a handler are known by name only. */
export function syscallTable(kernel: Kernel): SyscallTable {
  const handlers: Record<string, Handler> = {
    ...attributeCalls(kernel),
    ...directoryCalls(kernel),
    ...execCalls(kernel),
    ...fcntlCalls(kernel),
    ...ioctlCalls(kernel),
    ...memoryCalls(kernel),
    ...messageCalls(kernel),
    ...metadataCalls(kernel),
    ...miscCalls(kernel),
    ...openCalls(kernel),
    ...pollCalls(kernel),
    ...processCalls(kernel),
    ...readWriteCalls(kernel),
    ...semaphoreCalls(kernel),
    ...sharedMemoryCalls(kernel),
    ...signalCalls(kernel),
    ...socketCalls(kernel),
    ...timeCalls(kernel),
  };
  const table = new Map<number, SyscallEntry>();
  for (const [number, name] of SYSCALL_NAMES) table.set(number, { name, run: handlers[name] });
  return table;
}
