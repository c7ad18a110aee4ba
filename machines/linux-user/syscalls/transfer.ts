// SPDX-License-Identifier: MIT
//
// Reading and writing: between program memory and open files, with waiting and signals.
import { EAGAIN, EFAULT, EINVAL, EPIPE, ERESTARTSYS } from '../abi/errno.ts';
import { O_NONBLOCK, POLLERR, POLLIN, POLLOUT } from '../abi/files.ts';
import { SIGPIPE, SIGTTIN } from '../abi/signals.ts';
import { StreamFile } from '../files/host-file.ts';
import type { OpenFile } from '../files/open-file.ts';
import type { Kernel } from '../kernel.ts';
import { BAD_VA, PAGE_SIZE } from '../memory/address.ts';
import type { AddressSpace } from '../memory/address-space.ts';
import type { Task } from '../process/process.ts';
import type { Call, Wait } from '../waiting.ts';

export interface Segment {
  readonly va: number;
  readonly length: number;
}

/** No single read or write moves more than this. */
const MOST = 0x7fff_c000;
const STREAM_MOST = 1024 * 1024;
const IOV_MAX = 1024;

/** The wait for a file to become ready. */
export function readiness(file: OpenFile, events: number, deadline?: number): Wait {
  const interest = file.interest(events);
  return {
    queues: interest?.queue === undefined ? [] : [interest.queue],
    host: interest?.host === undefined ? [] : [interest.host],
    deadline,
  };
}

export function readVector(space: AddressSpace, va: number, count: number): Segment[] | number {
  if (count < 0 || count > IOV_MAX) return -EINVAL;
  const view = space.view(va, count * 16);
  if (view === undefined) return -EFAULT;
  const segments: Segment[] = [];
  let total = 0;
  for (let n = 0; n < count; n++) {
    const length = Number(view.getBigInt64(n * 16 + 8, true));
    if (length < 0) return -EINVAL;
    const room = Math.min(length, MOST - total);
    total += room;
    segments.push({ va: pointerAt(view, n * 16), length: room });
  }
  return segments;
}

export function pointerAt(view: DataView, offset: number): number {
  const high = view.getUint32(offset + 4, true);
  const low = view.getUint32(offset, true);
  return (high & 0x1fff_f000) !== 0 ? BAD_VA : (high >>> 29) * 2 ** 44 + (high & 0xfff) * 0x1_0000_0000 + low;
}

const totalOf = (segments: readonly Segment[]): number => segments.reduce((sum, { length }) => sum + length, 0);

/** A buffer for all segments: the program's own memory when it is one piece. */
function staging(
  space: AddressSpace,
  segments: readonly Segment[],
  length: number,
  write: boolean,
): Uint8Array | undefined {
  const first = segments.find((segment) => segment.length > 0);
  if (first === undefined) return undefined;
  if (first.length < length || (first.va % PAGE_SIZE) + length > PAGE_SIZE) return undefined;
  const at = space.translate(first.va, write);
  return at === -1 ? undefined : space.pool.bytes.subarray(at, at + length);
}

export function gather(space: AddressSpace, segments: readonly Segment[], most = Infinity): Uint8Array | number {
  const length = Math.min(totalOf(segments), most);
  const direct = staging(space, segments, length, false);
  if (direct !== undefined) return direct;
  const bytes = new Uint8Array(length);
  let done = 0;
  for (const segment of segments) {
    const wanted = Math.min(segment.length, length - done);
    const reached = space.forEachPiece(segment.va, wanted, false, (piece) => {
      bytes.set(piece, done);
      done += piece.length;
    });
    if (reached < wanted) return done > 0 ? bytes.subarray(0, done) : -EFAULT;
  }
  return bytes;
}

/** Spreads `bytes` over the segments; returns how many found a place. */
export function scatter(space: AddressSpace, segments: readonly Segment[], bytes: Uint8Array): number {
  let done = 0;
  for (const segment of segments) {
    if (done === bytes.length) break;
    const wanted = Math.min(segment.length, bytes.length - done);
    const reached = space.forEachPiece(segment.va, wanted, true, (piece) => {
      piece.set(bytes.subarray(done, done + piece.length));
      done += piece.length;
    });
    if (reached < wanted) break;
  }
  return done;
}

/** One attempt to read. */
function readOnce(task: Task, file: OpenFile, segments: readonly Segment[], position: number | undefined): number {
  const { space } = task.process;
  const read = (bytes: Uint8Array, done: number): number =>
    position === undefined ? file.read(bytes, task) : file.readAt(bytes, position + done);
  if (file.whole) {
    const length = Math.min(totalOf(segments), STREAM_MOST);
    const direct = staging(space, segments, length, true);
    if (direct !== undefined) return read(direct, 0);
    for (const segment of segments) {
      if (segment.length > 0 && space.translate(segment.va, true) === -1) return -EFAULT;
    }
    const bytes = new Uint8Array(length);
    const result = read(bytes, 0);
    if (result <= 0) return result;
    const placed = scatter(space, segments, bytes.subarray(0, result));
    return placed === 0 ? -EFAULT : placed;
  }
  let done = 0;
  let failure = 0;
  if (totalOf(segments) === 0) return read(new Uint8Array(0), 0);
  for (const segment of segments) {
    let short = false;
    const reached = space.forEachPiece(segment.va, segment.length, true, (piece) => {
      const result = read(piece, done);
      if (result < 0) failure = result;
      else done += result;
      short = result < piece.length;
      return !short;
    });
    if (reached < segment.length && !short) failure = -EFAULT;
    if (short || failure !== 0) break;
  }
  return done > 0 ? done : failure;
}

export function read(
  kernel: Kernel,
  task: Task,
  file: OpenFile,
  segments: readonly Segment[],
  position?: number,
): number | Call {
  if (file instanceof StreamFile && file.isTerminal) {
    const background = kernel.terminals.checkBackground(task, SIGTTIN);
    if (background !== 0) return background;
  }
  const result = readOnce(task, file, segments, position);
  if (result !== -EAGAIN || (file.flags & O_NONBLOCK) !== 0) return result;
  return waitAndRead(task, file, segments, position);
}

function* waitAndRead(task: Task, file: OpenFile, segments: readonly Segment[], position: number | undefined): Call {
  file.retain();
  try {
    for (;;) {
      const reason = yield readiness(file, POLLIN);
      const result = readOnce(task, file, segments, position);
      if (result !== -EAGAIN) return result;
      if (reason === 'signal') return -ERESTARTSYS;
    }
  } finally {
    file.release();
  }
}

function raisePipe(kernel: Kernel, task: Task, result: number): number {
  if (result === -EPIPE) {
    const { pid, credentials } = task.process;
    kernel.signals.send(task.process, { signo: SIGPIPE, code: 0, pid, uid: credentials.uid }, task);
  }
  return result;
}

export function write(
  kernel: Kernel,
  task: Task,
  file: OpenFile,
  segments: readonly Segment[],
  position?: number,
): number | Call {
  const { space } = task.process;
  const put = (bytes: Uint8Array, done: number): number =>
    position === undefined ? file.write(bytes, task) : file.writeAt(bytes, position + done);
  if (file.whole) {
    const bytes = gather(space, segments, STREAM_MOST);
    if (typeof bytes === 'number') return bytes;
    const result = put(bytes, 0);
    const isStream = file instanceof StreamFile;
    if (result === bytes.length || (file.flags & O_NONBLOCK) !== 0) return raisePipe(kernel, task, result);
    if (result !== -EAGAIN && (result < 0 || !isStream)) return raisePipe(kernel, task, result);
    return waitAndWrite(kernel, task, file, bytes.slice(), Math.max(0, result));
  }
  let done = 0;
  let failure = 0;
  if (totalOf(segments) === 0) return put(new Uint8Array(0), 0);
  for (const segment of segments) {
    let short = false;
    const reached = space.forEachPiece(segment.va, segment.length, false, (piece) => {
      const result = put(piece, done);
      if (result < 0) failure = result;
      else done += result;
      short = result < piece.length;
      return !short;
    });
    if (reached < segment.length && !short) failure = -EFAULT;
    if (short || failure !== 0) break;
  }
  return done > 0 ? done : failure;
}

function* waitAndWrite(kernel: Kernel, task: Task, file: OpenFile, bytes: Uint8Array, already: number): Call {
  let done = already;
  file.retain();
  try {
    while (done < bytes.length) {
      const reason = yield readiness(file, POLLOUT);
      const result = file.write(bytes.subarray(done), task);
      if (result >= 0) {
        done += result;
        continue;
      }
      if (result !== -EAGAIN) {
        if (result === -EPIPE) raisePipe(kernel, task, result);
        return done > 0 ? done : result;
      }
      if (reason === 'signal') return done > 0 ? done : -ERESTARTSYS;
    }
    return done;
  } finally {
    file.release();
  }
}

export interface Copy {
  readonly from: OpenFile;
  readonly to: OpenFile;
  /** Where to read and write; undefined for the files' own positions. */
  readonly fromAt: number | undefined;
  readonly toAt: number | undefined;
  readonly count: number;
}

const COPY_PIECE = 65536;
/** Copies this much before others get their turn. */
const COPY_TURN = 1024 * 1024;

/** sendfile, splice and copy_file_range. `after` turns the count into the result. */
export function* copy(
  kernel: Kernel,
  task: Task,
  { from, to, fromAt, toAt, count }: Copy,
  after: (done: number) => number,
): Call {
  const most = Math.min(count, MOST);
  const buffer = new Uint8Array(Math.min(most, COPY_PIECE));
  let done = 0;
  const finish = (failure: number): number =>
    done > 0 ? after(done) : failure === 0 ? 0 : raisePipe(kernel, task, failure);
  from.retain();
  to.retain();
  try {
    for (let turn = 0; done < most;) {
      if ((to.poll(POLLOUT) & (POLLOUT | POLLERR)) === 0) {
        if ((to.flags & O_NONBLOCK) !== 0) return finish(-EAGAIN);
        if ((yield readiness(to, POLLOUT)) === 'signal') return finish(-ERESTARTSYS);
        continue;
      }
      const piece = buffer.subarray(0, Math.min(buffer.length, most - done));
      const got = fromAt === undefined ? from.read(piece, task) : from.readAt(piece, fromAt + done);
      if (got === -EAGAIN && done === 0 && (from.flags & O_NONBLOCK) === 0) {
        if ((yield readiness(from, POLLIN)) === 'signal') return finish(-ERESTARTSYS);
        continue;
      }
      if (got <= 0) return finish(got);
      for (let put = 0; put < got;) {
        const data = piece.subarray(put, got);
        const result = toAt === undefined ? to.write(data, task) : to.writeAt(data, toAt + done);
        if (result > 0) {
          put += result;
          done += result;
          continue;
        }
        // What a file did not give away is read again; what came out of a stream has to go on.
        const given = fromAt === undefined ? from.seek(put - got, 1) < 0 : false;
        if (result !== -EAGAIN) return finish(result === 0 ? 0 : result);
        if (!given) break;
        if ((yield { ...readiness(to, POLLOUT), killableOnly: true }) === 'signal') return finish(-ERESTARTSYS);
      }
      turn += got;
      if (turn >= COPY_TURN) {
        turn = 0;
        if ((yield { deadline: kernel.now() }) === 'signal') return finish(-ERESTARTSYS);
      }
      if (got < piece.length) return finish(0);
    }
    return finish(0);
  } finally {
    from.release();
    to.release();
  }
}
