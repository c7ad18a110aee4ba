// SPDX-License-Identifier: MIT
//
// Sockets. They are the host's; what is translated is descriptors that travel in messages.
import { EAGAIN, EBADF, EFAULT, EINPROGRESS, EINVAL, EMFILE, ENOTSOCK, EPIPE, ERESTARTSYS } from '../abi/errno.ts';
import { O_CLOEXEC, O_NONBLOCK, O_RDWR, POLLIN, POLLOUT, S_IFSOCK } from '../abi/files.ts';
import { SIGPIPE } from '../abi/signals.ts';
import { StreamFile, wrapHostFd } from '../files/host-file.ts';
import type { HostMessage } from '../host-os.ts';
import type { Kernel } from '../kernel.ts';
import type { Task } from '../process/process.ts';
import type { Call, SysResult } from '../waiting.ts';
import type { Handler, SyscallArguments } from './arguments.ts';
import { limitOfFiles } from './file-arguments.ts';
import { readTimespec } from './time-calls.ts';
import { gather, pointerAt, readVector, readiness, scatter, type Segment } from './transfer.ts';

const SOCK_TYPE = 0xf;
const MSG_CTRUNC = 0x08;
const MSG_DONTWAIT = 0x40;
const MSG_WAITALL = 0x100;
const MSG_NOSIGNAL = 0x4000;
const MSG_WAITFORONE = 0x1_0000;
const MSG_CMSG_CLOEXEC = 0x4000_0000;
const SOL_SOCKET = 1;
const SO_RCVTIMEO = 20;
const SO_SNDTIMEO = 21;
const SCM_RIGHTS = 1;
const SCM_CREDENTIALS = 2;
const ADDRESS_MOST = 128;
const CONTROL_MOST = 20480;
const DATA_MOST = 1024 * 1024;

interface MessageHeader {
  readonly name: number;
  readonly nameLength: number;
  readonly segments: readonly Segment[];
  readonly control: number;
  readonly controlLength: number;
}

export function socketCalls(kernel: Kernel): Record<string, Handler> {
  const { sockets } = kernel.host;
  const { host, cache } = kernel;

  function socketOf(task: Task, fd: number): StreamFile | number {
    const file = task.process.files.get(fd);
    if (file === undefined) return -EBADF;
    return file instanceof StreamFile && file.isSocket ? file : -ENOTSOCK;
  }
  const withSocket = (
    task: Task,
    args: SyscallArguments,
    use: (file: StreamFile) => SysResult | Call,
  ): SysResult | Call => {
    const file = socketOf(task, args.int(0));
    return typeof file === 'number' ? file : use(file);
  };

  function install(task: Task, fd: number, flags: number): number {
    const file = new StreamFile(
      host,
      fd,
      O_RDWR | (flags & O_NONBLOCK),
      `socket:[${fd + 2_000_000}]`,
      S_IFSOCK | 0o777,
      { nonBlocking: true },
    );
    return task.process.files.add(file, (flags & O_CLOEXEC) !== 0, limitOfFiles(task));
  }

  function addressOf(task: Task, va: number, length: number): Uint8Array | number {
    if (length < 0 || length > ADDRESS_MOST) return -EINVAL;
    const bytes = task.process.space.read(va, length)?.slice();
    return bytes ?? -EFAULT;
  }

  /** Writes an address and its length; `room` comes from where the length goes. */
  function putAddress(task: Task, va: number, lengthVa: number, address: Uint8Array, length: number): number {
    if (va === 0) return 0;
    const { space } = task.process;
    const room = space.readU32(lengthVa);
    if (room === undefined) return -EFAULT;
    if ((room | 0) < 0) return -EINVAL;
    if (space.write(va, address.subarray(0, Math.min(room, length))) < 0) return -EFAULT;
    return space.writeU32(lengthVa, length);
  }

  const timeoutOption = (file: StreamFile, option: number): number | undefined => {
    const value = new Uint8Array(16);
    const length = Uint32Array.of(16);
    if (sockets.getOption(file.hostFd!, SOL_SOCKET, option, value, length) < 0) return undefined;
    const view = new DataView(value.buffer);
    const ns = Number(view.getBigInt64(0, true)) * 1e9 + Number(view.getBigInt64(8, true)) * 1e3;
    return ns === 0 ? undefined : kernel.now() + ns;
  };

  // --- connections ---

  function* connect(file: StreamFile, address: Uint8Array): Call {
    const result = sockets.connect(file.hostFd!, address);
    if ((result !== -EINPROGRESS && result !== -EAGAIN) || (file.flags & O_NONBLOCK) !== 0) return result;
    file.retain();
    try {
      if (result === -EAGAIN) {
        // AF_UNIX with a full backlog: no way to wait but to try again.
        for (;;) {
          const reason = yield { deadline: kernel.now() + 5_000_000 };
          const again = sockets.connect(file.hostFd!, address);
          if (again !== -EAGAIN) return again;
          if (reason === 'signal') return -ERESTARTSYS;
        }
      }
      for (;;) {
        const reason = yield readiness(file, POLLOUT);
        if ((file.poll(POLLOUT) & POLLOUT) !== 0) {
          const error = new Uint8Array(4);
          sockets.getOption(file.hostFd!, SOL_SOCKET, 4, error, Uint32Array.of(4));
          return -new DataView(error.buffer).getInt32(0, true);
        }
        if (reason === 'signal') return -ERESTARTSYS;
      }
    } finally {
      file.release();
    }
  }

  function* accept(task: Task, file: StreamFile, va: number, lengthVa: number, flags: number): Call {
    if ((flags & ~(O_CLOEXEC | O_NONBLOCK)) !== 0) return -EINVAL;
    const deadline = timeoutOption(file, SO_RCVTIMEO);
    file.retain();
    try {
      for (let reason = ''; ;) {
        const address = new Uint8Array(ADDRESS_MOST);
        const length = Uint32Array.of(ADDRESS_MOST);
        const fd = sockets.accept(file.hostFd!, address, length);
        if (fd >= 0) {
          const placed = putAddress(task, va, lengthVa, address, length[0]!);
          if (placed < 0) {
            host.files.close(fd);
            return placed;
          }
          return install(task, fd, flags);
        }
        if (fd !== -EAGAIN || (file.flags & O_NONBLOCK) !== 0 || reason === 'timeout') return fd;
        if (reason === 'signal') return -ERESTARTSYS;
        reason = yield readiness(file, POLLIN, deadline);
      }
    } finally {
      file.release();
    }
  }

  // --- messages ---

  function readHeader(task: Task, va: number): MessageHeader | number {
    const view = task.process.space.view(va, 56);
    if (view === undefined) return -EFAULT;
    const segments = readVector(task.process.space, pointerAt(view, 16), Number(view.getBigInt64(24, true)));
    if (typeof segments === 'number') return segments;
    const name = view.getBigUint64(0, true) === 0n ? 0 : pointerAt(view, 0);
    const nameLength = view.getInt32(8, true);
    if (nameLength < 0) return -EINVAL;
    const control = view.getBigUint64(32, true) === 0n ? 0 : pointerAt(view, 32);
    return {
      name,
      nameLength: name === 0 ? 0 : Math.min(nameLength, ADDRESS_MOST),
      segments,
      control,
      controlLength: control === 0 ? 0 : Number(view.getBigUint64(40, true)),
    };
  }

  /** Guest descriptors in a control message become those of the host. */
  function translateOut(task: Task, control: Uint8Array): number {
    const view = new DataView(control.buffer, control.byteOffset, control.byteLength);
    for (let at = 0; at + 16 <= control.length;) {
      const length = Number(view.getBigUint64(at, true));
      if (length < 16 || at + length > control.length) return -EINVAL;
      const level = view.getInt32(at + 8, true);
      const type = view.getInt32(at + 12, true);
      if (level === SOL_SOCKET && type === SCM_RIGHTS) {
        for (let item = at + 16; item + 4 <= at + length; item += 4) {
          const file = task.process.files.get(view.getInt32(item, true));
          if (file === undefined) return -EBADF;
          if (file.hostFd === undefined) return -EINVAL;
          view.setInt32(item, file.hostFd, true);
        }
      } else if (level === SOL_SOCKET && type === SCM_CREDENTIALS && length >= 28) {
        view.setInt32(at + 16, host.process.pid, true);
      }
      at += Math.ceil(length / 8) * 8;
    }
    return 0;
  }

  /** Descriptors of the host that arrived become the guest's. */
  function translateIn(task: Task, control: Uint8Array, closeOnExec: boolean): void {
    const view = new DataView(control.buffer, control.byteOffset, control.byteLength);
    for (let at = 0; at + 16 <= control.length;) {
      const length = Number(view.getBigUint64(at, true));
      if (length < 16) return;
      if (view.getInt32(at + 8, true) === SOL_SOCKET && view.getInt32(at + 12, true) === SCM_RIGHTS) {
        for (let item = at + 16; item + 4 <= Math.min(at + length, control.length); item += 4) {
          const fd = view.getInt32(item, true);
          const flags = host.files.flags(fd);
          const file = wrapHostFd(host, cache, fd, Math.max(flags, 0), `passed:[${fd}]`, {
            nonBlocking: flags >= 0 && (flags & O_NONBLOCK) !== 0,
          });
          const guest =
            typeof file === 'number' ? -EMFILE : task.process.files.add(file, closeOnExec, limitOfFiles(task));
          view.setInt32(item, guest, true);
        }
      }
      at += Math.ceil(length / 8) * 8;
    }
  }

  function sendOnce(task: Task, file: StreamFile, data: Uint8Array, message: HostMessage): number {
    const result = sockets.send(file.hostFd!, data, { ...message, flags: message.flags | MSG_DONTWAIT | MSG_NOSIGNAL });
    if (result === -EPIPE && (message.flags & MSG_NOSIGNAL) === 0) {
      const { pid, credentials } = task.process;
      kernel.signals.send(task.process, { signo: SIGPIPE, code: 0, pid, uid: credentials.uid }, task);
    }
    return result;
  }

  function send(task: Task, file: StreamFile, segments: readonly Segment[], message: HostMessage): SysResult | Call {
    const data = gather(task.process.space, segments, DATA_MOST * 4);
    if (typeof data === 'number') return data;
    const result = sendOnce(task, file, data, message);
    const mayWait = (file.flags & O_NONBLOCK) === 0 && (message.flags & MSG_DONTWAIT) === 0;
    if (!mayWait || (result !== -EAGAIN && (result < 0 || result === data.length))) return result;
    return sendRest(task, file, data.slice(), message, Math.max(result, 0));
  }

  function* sendRest(task: Task, file: StreamFile, data: Uint8Array, message: HostMessage, already: number): Call {
    let done = already;
    const deadline = timeoutOption(file, SO_SNDTIMEO);
    file.retain();
    try {
      for (;;) {
        const reason = yield readiness(file, POLLOUT, deadline);
        const rest = done === 0 ? message : { ...message, control: undefined };
        const result = sendOnce(task, file, data.subarray(done), rest);
        if (result >= 0) {
          done += result;
          if (done >= data.length) return done;
          continue;
        }
        if (result !== -EAGAIN) return done > 0 ? done : result;
        if (reason === 'signal') return done > 0 ? done : -ERESTARTSYS;
        if (reason === 'timeout') return done > 0 ? done : -EAGAIN;
      }
    } finally {
      file.release();
    }
  }

  function sendmsg(task: Task, file: StreamFile, va: number, flags: number): SysResult | Call {
    const header = readHeader(task, va);
    if (typeof header === 'number') return header;
    const name = header.name === 0 ? undefined : addressOf(task, header.name, header.nameLength);
    if (typeof name === 'number') return name;
    let control: Uint8Array | undefined;
    if (header.controlLength > 0) {
      if (header.controlLength > CONTROL_MOST) return -105;
      control = task.process.space.read(header.control, header.controlLength)?.slice();
      if (control === undefined) return -EFAULT;
      const result = translateOut(task, control);
      if (result < 0) return result;
    }
    return send(task, file, header.segments, { flags, name, control });
  }

  interface Receiver {
    readonly segments: readonly Segment[];
    readonly flags: number;
    readonly wantsName: boolean;
    readonly controlLength: number;
    readonly finish: (result: number, name: Uint8Array, control: Uint8Array, flags: number) => number;
  }

  function* receive(task: Task, file: StreamFile, request: Receiver, firstDeadline?: number): Call {
    const { space } = task.process;
    const length = Math.min(
      request.segments.reduce((sum, segment) => sum + segment.length, 0),
      DATA_MOST,
    );
    const deadline = firstDeadline ?? timeoutOption(file, SO_RCVTIMEO);
    const mayWait = (file.flags & O_NONBLOCK) === 0 && (request.flags & MSG_DONTWAIT) === 0;
    const data = new Uint8Array(length);
    let done = 0;
    file.retain();
    try {
      for (let reason = ''; ;) {
        const name = new Uint8Array(request.wantsName ? ADDRESS_MOST : 0);
        const control = new Uint8Array(Math.min(request.controlLength, CONTROL_MOST));
        const passed = request.flags & ~(MSG_WAITALL | MSG_CMSG_CLOEXEC | MSG_WAITFORONE);
        const got = sockets.receive(file.hostFd!, data.subarray(done), {
          flags: passed | MSG_DONTWAIT,
          name: request.wantsName ? name : undefined,
          control: control.length > 0 ? control : undefined,
        });
        if (got.result >= 0) {
          const more = (request.flags & MSG_WAITALL) !== 0 && mayWait && got.result > 0 && done + got.result < length;
          done += got.result;
          if (!more) {
            const used = control.subarray(0, got.controlLength);
            translateIn(task, used, (request.flags & MSG_CMSG_CLOEXEC) !== 0);
            const wanted = Math.min(done, length);
            if (scatter(space, request.segments, data.subarray(0, wanted)) < wanted) return -EFAULT;
            return request.finish(done, name.subarray(0, got.nameLength), used, got.flags & ~MSG_DONTWAIT);
          }
        } else if (got.result !== -EAGAIN) {
          return got.result;
        } else if (!mayWait || reason === 'timeout' || reason === 'signal') {
          if (done > 0) {
            scatter(space, request.segments, data.subarray(0, done));
            return request.finish(done, name.subarray(0, 0), control.subarray(0, 0), 0);
          }
          return reason === 'signal' ? -ERESTARTSYS : -EAGAIN;
        }
        reason = yield readiness(file, POLLIN, deadline);
      }
    } finally {
      file.release();
    }
  }

  function recvmsg(task: Task, file: StreamFile, va: number, flags: number, deadline?: number): SysResult | Call {
    const header = readHeader(task, va);
    if (typeof header === 'number') return header;
    const { space } = task.process;
    return receive(
      task,
      file,
      {
        segments: header.segments,
        flags,
        wantsName: header.name !== 0,
        controlLength: header.controlLength,
        finish: (result, name, control, gotFlags) => {
          if (header.name !== 0) {
            if (space.write(header.name, name.subarray(0, header.nameLength)) < 0) return -EFAULT;
            if (space.writeU32(va + 8, name.length) < 0) return -EFAULT;
          }
          if (control.length > 0 && space.write(header.control, control) < 0) return -EFAULT;
          if (space.writeU64(va + 40, BigInt(control.length)) < 0) return -EFAULT;
          const known = gotFlags | (header.controlLength > CONTROL_MOST ? MSG_CTRUNC : 0);
          return space.writeU32(va + 48, known) < 0 ? -EFAULT : result;
        },
      },
      deadline,
    );
  }

  function* several(task: Task, args: SyscallArguments, file: StreamFile, receiving: boolean): Call {
    const count = Math.min(args.uint(2), 1024);
    const { space } = task.process;
    let flags = args.int(3);
    const timeout = receiving ? readTimespec(task, args.pointer(4)) : undefined;
    if (typeof timeout === 'object') return timeout.error;
    const deadline = timeout === undefined ? undefined : kernel.now() + timeout;
    for (let n = 0; n < count; n++) {
      const va = args.pointer(1) + n * 64;
      const call = receiving ? recvmsg(task, file, va, flags, deadline) : sendmsg(task, file, va, flags);
      const result = typeof call === 'object' ? yield* call : call;
      if (typeof result !== 'number' || result < 0) return n > 0 ? n : result;
      if (space.writeU32(va + 56, result) < 0) return n > 0 ? n : -EFAULT;
      if ((flags & MSG_WAITFORONE) !== 0) flags |= MSG_DONTWAIT;
    }
    return count;
  }

  const sendto: Handler = (task, args) =>
    withSocket(task, args, (file) => {
      const name = args.pointer(4) === 0 ? undefined : addressOf(task, args.pointer(4), args.int(5));
      if (typeof name === 'number') return name;
      const segments = [{ va: args.pointer(1), length: Math.min(args.size(2), 0x7fff_c000) }];
      return send(task, file, segments, { flags: args.int(3), name, control: undefined });
    });
  const recvfrom: Handler = (task, args) =>
    withSocket(task, args, (file) =>
      receive(task, file, {
        segments: [{ va: args.pointer(1), length: Math.min(args.size(2), 0x7fff_c000) }],
        flags: args.int(3),
        wantsName: args.pointer(4) !== 0,
        controlLength: 0,
        finish: (result, name) => {
          const placed = putAddress(task, args.pointer(4), args.pointer(5), name, name.length);
          return placed < 0 ? placed : result;
        },
      }),
    );

  return {
    socket: (task, args) => {
      const type = args.int(1);
      const fd = sockets.socket(args.int(0), type & SOCK_TYPE, args.int(2));
      return fd < 0 ? fd : install(task, fd, type);
    },
    socketpair: (task, args) => {
      const type = args.int(1);
      const ends = sockets.socketpair(args.int(0), type & SOCK_TYPE, args.int(2));
      if (typeof ends === 'number') return ends;
      const fds = ends.map((fd) => install(task, fd, type));
      const failed = fds.find((fd) => fd < 0);
      const bytes = new Uint8Array(Int32Array.from(fds).buffer);
      const result = failed ?? task.process.space.write(args.pointer(3), bytes);
      if (result < 0) fds.forEach((fd) => void task.process.files.close(fd));
      return result;
    },
    bind: (task, args) =>
      withSocket(task, args, (file) => {
        const address = addressOf(task, args.pointer(1), args.int(2));
        return typeof address === 'number' ? address : sockets.bind(file.hostFd!, address);
      }),
    connect: (task, args) =>
      withSocket(task, args, (file) => {
        const address = addressOf(task, args.pointer(1), args.int(2));
        return typeof address === 'number' ? address : connect(file, address);
      }),
    listen: (task, args) => withSocket(task, args, (file) => sockets.listen(file.hostFd!, args.int(1))),
    accept: (task, args) => withSocket(task, args, (file) => accept(task, file, args.pointer(1), args.pointer(2), 0)),
    accept4: (task, args) =>
      withSocket(task, args, (file) => accept(task, file, args.pointer(1), args.pointer(2), args.int(3))),
    getsockname: (task, args) => withSocket(task, args, (file) => nameOf(task, args, file, false)),
    getpeername: (task, args) => withSocket(task, args, (file) => nameOf(task, args, file, true)),
    send: (task, args) =>
      withSocket(task, args, (file) => {
        const segments = [{ va: args.pointer(1), length: Math.min(args.size(2), 0x7fff_c000) }];
        return send(task, file, segments, { flags: args.int(3), name: undefined, control: undefined });
      }),
    sendto,
    recv: (task, args) =>
      withSocket(task, args, (file) =>
        receive(task, file, {
          segments: [{ va: args.pointer(1), length: Math.min(args.size(2), 0x7fff_c000) }],
          flags: args.int(3),
          wantsName: false,
          controlLength: 0,
          finish: (result) => result,
        }),
      ),
    recvfrom,
    sendmsg: (task, args) => withSocket(task, args, (file) => sendmsg(task, file, args.pointer(1), args.int(2))),
    recvmsg: (task, args) => withSocket(task, args, (file) => recvmsg(task, file, args.pointer(1), args.int(2))),
    sendmmsg: (task, args) => withSocket(task, args, (file) => several(task, args, file, false)),
    recvmmsg: (task, args) => withSocket(task, args, (file) => several(task, args, file, true)),
    shutdown: (task, args) => withSocket(task, args, (file) => sockets.shutdown(file.hostFd!, args.int(1))),
    setsockopt: (task, args) =>
      withSocket(task, args, (file) => {
        if (args.int(4) < 0) return -EINVAL;
        const value = task.process.space.read(args.pointer(3), Math.min(args.int(4), 4096))?.slice();
        return value === undefined ? -EFAULT : sockets.setOption(file.hostFd!, args.int(1), args.int(2), value);
      }),
    getsockopt: (task, args) =>
      withSocket(task, args, (file) => {
        const { space } = task.process;
        const room = space.readU32(args.pointer(4));
        if (room === undefined) return -EFAULT;
        if ((room | 0) < 0) return -EINVAL;
        const value = new Uint8Array(Math.min(room, 4096));
        const length = Uint32Array.of(value.length);
        const result = sockets.getOption(file.hostFd!, args.int(1), args.int(2), value, length);
        if (result < 0) return result;
        if (space.write(args.pointer(3), value.subarray(0, length[0])) < 0) return -EFAULT;
        return space.writeU32(args.pointer(4), length[0]!);
      }),
  };

  function nameOf(task: Task, args: SyscallArguments, file: StreamFile, peer: boolean): number {
    const address = new Uint8Array(ADDRESS_MOST);
    const length = Uint32Array.of(ADDRESS_MOST);
    const result = sockets.socketName(file.hostFd!, peer, address, length);
    return result < 0 ? result : putAddress(task, args.pointer(1), args.pointer(2), address, length[0]!);
  }
}
