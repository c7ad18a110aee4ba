// SPDX-License-Identifier: MIT
//
// Files of /proc/PID that are about the guest.
import { EINVAL } from '../abi/errno.ts';
import { S_IFREG } from '../abi/files.ts';
import type { HostStat } from '../host-os.ts';
import type { Kernel } from '../kernel.ts';
import { PAGE_SIZE, vaToBig } from '../memory/address.ts';
import { PROT_EXEC, PROT_READ, PROT_WRITE } from '../memory/address-space.ts';
import type { Process } from '../process/process.ts';
import { OpenFile, anonymousStat } from './open-file.ts';
import { bytesToText, textToBytes } from './paths.ts';

export class TextFile extends OpenFile {
  readonly #bytes: Uint8Array;
  #position = 0;
  readonly #stat: HostStat = anonymousStat(S_IFREG | 0o444);
  override readonly whole = false;

  constructor(text: string, flags: number, path: string) {
    super(flags, path);
    this.#bytes = textToBytes(text);
  }

  override read(bytes: Uint8Array): number {
    const count = this.readAt(bytes, this.#position);
    this.#position += count;
    return count;
  }

  override readAt(bytes: Uint8Array, position: number): number {
    const piece = this.#bytes.subarray(position, position + bytes.length);
    bytes.set(piece);
    return piece.length;
  }

  override seek(offset: number, whence: number): number {
    const base = [0, this.#position, this.#bytes.length][whence];
    if (base === undefined || base + offset < 0) return -EINVAL;
    return (this.#position = base + offset);
  }

  stat(): HostStat {
    return this.#stat;
  }
}

export function procText(kernel: Kernel, process: Process, name: string): string {
  switch (name) {
    case 'maps':
      return maps(process);
    case 'cmdline':
      return process.program.argv.map((text) => `${bytesToText(text)}\0`).join('');
    case 'environ':
      return process.program.environment.map((text) => `${bytesToText(text)}\0`).join('');
    case 'auxv':
      return bytesToText(process.program.auxv);
    case 'comm':
      return `${process.name}\n`;
    case 'statm': {
      const size = Math.ceil(process.space.mappedBytes / PAGE_SIZE);
      return `${size} ${process.space.residentPages()} 0 0 0 ${size} 0\n`;
    }
    case 'status':
      return status(process);
    case 'limits':
      return 'Limit                     Soft Limit           Hard Limit           Units     \n';
    default:
      return stat(kernel, process);
  }
}

const stateOf = (process: Process): string => (process.isZombie ? 'Z' : process.stopped ? 'T' : 'R');

function maps(process: Process): string {
  return process.space.areas
    .map(({ start, end, prot, shared, offset, pages, name }) => {
      const range = `${vaToBig(start).toString(16).padStart(8, '0')}-${vaToBig(end).toString(16).padStart(8, '0')}`;
      const rights = `${prot & PROT_READ ? 'r' : '-'}${prot & PROT_WRITE ? 'w' : '-'}${prot & PROT_EXEC ? 'x' : '-'}${shared ? 's' : 'p'}`;
      return `${range} ${rights} ${(pages ? offset : 0).toString(16).padStart(8, '0')} 00:00 0${name ? `          ${name}` : ''}\n`;
    })
    .join('');
}

function status(process: Process): string {
  const { uid, euid, suid, gid, egid, sgid } = process.credentials;
  const kb = (bytes: number): string => `${Math.ceil(bytes / 1024)} kB`;
  return [
    `Name:\t${process.name}`,
    `State:\t${stateOf(process)}`,
    `Tgid:\t${process.pid}`,
    `Pid:\t${process.pid}`,
    `PPid:\t${process.parentPid}`,
    `Uid:\t${uid}\t${euid}\t${suid}\t${euid}`,
    `Gid:\t${gid}\t${egid}\t${sgid}\t${egid}`,
    `VmSize:\t${kb(process.space.mappedBytes)}`,
    `VmRSS:\t${kb(process.space.residentPages() * PAGE_SIZE)}`,
    `Threads:\t${process.tasks.size}`,
    '',
  ].join('\n');
}

function stat(kernel: Kernel, process: Process): string {
  const ticks = (ns: number): number => Math.floor((ns * 250) / 1e9);
  const fields = [
    process.pid,
    `(${process.name})`,
    stateOf(process),
    process.parentPid,
    process.group,
    process.session,
    0,
    kernel.terminals.isControlling(process) ? kernel.terminals.foreground : -1,
    0,
    process.usage.faults,
    0,
    0,
    0,
    ticks(kernel.processCpuTime(process)),
    ticks(process.usage.systemNs),
    ticks(process.childUsage.userNs),
    ticks(process.childUsage.systemNs),
    20,
    process.nice,
    process.tasks.size,
    0,
    ticks(process.startedNs),
    process.space.mappedBytes,
    process.space.residentPages(),
    ...Array.from({ length: 28 }, () => 0),
  ];
  return `${fields.join(' ')}\n`;
}
