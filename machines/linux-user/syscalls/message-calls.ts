// SPDX-License-Identifier: MIT
//
// System V message queues.
import { E2BIG, EACCES, EAGAIN, EFAULT, EIDRM, EINTR, EINVAL, ENOMSG, ENOSYS, EPERM } from '../abi/errno.ts';
import type { Kernel } from '../kernel.ts';
import type { Task } from '../process/process.ts';
import { type Call, type SysResult, WaitQueue } from '../waiting.ts';
import type { Handler, SyscallArguments } from './arguments.ts';
import {
  IPC_64,
  IPC_INFO,
  IPC_NOWAIT,
  IPC_RMID,
  IPC_SET,
  IPC_STAT,
  type IpcObject,
  IpcTable,
  permBytes,
  READ,
  WRITE,
  writeInts,
  writeView,
} from './ipc-table.ts';

const MSGMNI = 1024; // queues
const MSGMAX = 8192; // bytes of a message
const MSGMNB = 16384; // bytes of a queue

const MSG_STAT = 11;
const MSG_INFO = 12;
const MSG_STAT_ANY = 13;

const MSG_NOERROR = 0o10000;
const MSG_EXCEPT = 0o20000;
const MSG_COPY = 0o40000;

/** In struct msqid64_ds. */
const QBYTES = 88;

interface Message {
  readonly type: bigint;
  readonly text: Uint8Array;
}

interface MessageQueue extends IpcObject {
  readonly messages: Message[];
  bytes: number;
  mostBytes: number;
  readonly queue: WaitQueue;
  sent: number;
  received: number;
  sender: number;
  receiver: number;
}

export function messageCalls(kernel: Kernel): Record<string, Handler> {
  const queues = new IpcTable<MessageQueue>(kernel, MSGMNI);

  function msgget(task: Task, args: SyscallArguments): number {
    return queues.get(
      task,
      args.int(0),
      args.int(1),
      () => 0,
      (base) => ({
        ...base,
        messages: [],
        bytes: 0,
        mostBytes: MSGMNB,
        queue: new WaitQueue(),
        sent: 0,
        received: 0,
        sender: 0,
        receiver: 0,
      }),
    );
  }

  function* msgsnd(task: Task, args: SyscallArguments): Call {
    const { space, pid } = task.process;
    const size = args.size(2);
    if (size > MSGMAX) return -EINVAL;
    const type = space.readU64(args.pointer(1));
    const text = space.read(args.pointer(1) + 8, size)?.slice();
    if (type === undefined || text === undefined) return -EFAULT;
    if (BigInt.asIntN(64, type) < 1n) return -EINVAL;
    const queue = queues.find(args.int(0));
    if (typeof queue === 'number') return queue;
    for (;;) {
      if (!queues.allows(task, queue, WRITE)) return -EACCES;
      if (queue.bytes + size <= queue.mostBytes && queue.messages.length + 1 <= queue.mostBytes) break;
      if ((args.int(3) & IPC_NOWAIT) !== 0) return -EAGAIN;
      const reason = yield { queues: [queue.queue] };
      if (queue.removed) return -EIDRM;
      if (reason === 'signal') return -EINTR;
    }
    queue.messages.push({ type, text });
    queue.bytes += size;
    queue.sender = pid;
    queue.sent = queues.now();
    queue.queue.wake();
    return 0;
  }

  /** Which message a receiver gets: the first; the first of a type, or of another; the lowest up to a type. */
  function choose({ messages }: MessageQueue, wanted: bigint, flags: number): Message | undefined {
    if (wanted === 0n) return messages[0];
    if (wanted > 0n) {
      return messages.find(({ type }) => (type === wanted) === ((flags & MSG_EXCEPT) === 0));
    }
    const limit = -wanted;
    let lowest: Message | undefined;
    for (const message of messages) {
      if (message.type <= limit && (lowest === undefined || message.type < lowest.type)) lowest = message;
    }
    return lowest;
  }

  function* msgrcv(task: Task, args: SyscallArguments): Call {
    const { space, pid } = task.process;
    const room = args.size(2);
    const wanted = BigInt.asIntN(64, args.raw(3));
    const flags = args.int(4);
    if (room > Number.MAX_SAFE_INTEGER / 2) return -EINVAL;
    if ((flags & MSG_COPY) !== 0) return -ENOSYS; // as a Linux without checkpoint and restore
    const queue = queues.find(args.int(0));
    if (typeof queue === 'number') return queue;
    for (;;) {
      if (!queues.allows(task, queue, READ)) return -EACCES;
      const message = choose(queue, wanted, flags);
      if (message !== undefined) {
        const length = Math.min(room, message.text.length);
        if (length < message.text.length && (flags & MSG_NOERROR) === 0) return -E2BIG;
        queue.messages.splice(queue.messages.indexOf(message), 1);
        queue.bytes -= message.text.length;
        queue.receiver = pid;
        queue.received = queues.now();
        queue.queue.wake();
        const bytes = new Uint8Array(8 + length);
        new DataView(bytes.buffer).setBigInt64(0, message.type, true);
        bytes.set(message.text.subarray(0, length), 8);
        return space.write(args.pointer(1), bytes) < 0 ? -EFAULT : length;
      }
      if ((flags & IPC_NOWAIT) !== 0) return -ENOMSG;
      const reason = yield { queues: [queue.queue] };
      if (queue.removed) return -EIDRM;
      if (reason === 'signal') return -EINTR;
    }
  }

  function msgctl(task: Task, args: SyscallArguments): SysResult {
    const command = args.int(1) & ~IPC_64;
    const va = args.pointer(2);
    if (command === IPC_INFO || command === MSG_INFO) return info(task, command, va);
    const queue = command === MSG_STAT || command === MSG_STAT_ANY ? queues.at(args.int(0)) : queues.find(args.int(0));
    if (typeof queue === 'number') return queue;
    switch (command) {
      case IPC_RMID:
        if (!queues.owns(task, queue)) return -EPERM;
        queues.delete(queue);
        queue.queue.wake();
        return 0;
      case IPC_SET: {
        const most = task.process.space.view(va + QBYTES, 8)?.getBigUint64(0, true);
        if (most === undefined) return -EFAULT;
        if (most > MSGMNB && task.process.credentials.euid !== 0) return -EPERM;
        const error = queues.set(task, queue, va);
        if (error < 0) return error;
        queue.mostBytes = Number(most);
        queue.queue.wake();
        return 0;
      }
      case IPC_STAT:
      case MSG_STAT:
      case MSG_STAT_ANY:
        if (command !== MSG_STAT_ANY && !queues.allows(task, queue, READ)) return -EACCES;
        return stat(task, queue, va, command === IPC_STAT ? 0 : queue.id);
      default:
        return -EINVAL;
    }
  }

  /** struct msqid64_ds. */
  function stat(task: Task, queue: MessageQueue, va: number, result: number): number {
    const view = permBytes(queue, 120);
    const { sent, received, changed, bytes, messages, mostBytes } = queue;
    [sent, received, changed, bytes, messages.length, mostBytes].forEach((value, index) => {
      view.setBigUint64(48 + index * 8, BigInt(value), true);
    });
    view.setInt32(96, queue.sender, true);
    view.setInt32(100, queue.receiver, true);
    return writeView(task, va, view) < 0 ? -EFAULT : result;
  }

  /** struct msginfo: pool, map, bytes of a message, of a queue, queues, segment size, messages, and a short of segments. */
  function info(task: Task, command: number, va: number): number {
    const { objects } = queues;
    const messages = objects.reduce((sum, one) => sum + one.messages.length, 0);
    const bytes = objects.reduce((sum, one) => sum + one.bytes, 0);
    const used = command === MSG_INFO;
    const values = used
      ? [objects.length, messages, MSGMAX, MSGMNB, MSGMNI, 16, bytes, 0]
      : [(MSGMNI * MSGMNB) / 1024, MSGMNB, MSGMAX, MSGMNB, MSGMNI, 16, MSGMNB, 0xffff];
    return writeInts(task, va, values) < 0 ? -EFAULT : queues.highest;
  }

  return { msgget, msgsnd, msgrcv, msgctl };
}
