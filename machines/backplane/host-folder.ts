// SPDX-License-Identifier: MIT
//
// A folder of the host that a machine may use. Frontends implement it with files, tests with fakes.

/** Names from the shared folder down, none of them empty, `.` or `..` or with a slash; an empty list is that folder. */
export type HostPath = readonly string[];

export interface HostEntry {
  readonly name: string;
  readonly folder: boolean;
}

export interface HostStat {
  readonly folder: boolean;
  readonly bytes: number;
  /** Milliseconds since 1970-01-01 UTC. */
  readonly modifiedMs: number;
  /** What its owner and everybody may do. */
  readonly writable: boolean;
  readonly publicRead: boolean;
  readonly publicWrite: boolean;
}

/** Why the host did not do something. */
export type HostProblem =
  'missing' | 'exists' | 'denied' | 'full' | 'not empty' | 'folder' | 'bad name' | 'too many files' | 'failed';

export class HostFolderError extends Error {
  override readonly name = 'HostFolderError';
  readonly problem: HostProblem;

  constructor(problem: HostProblem, message: string = problem) {
    super(message);
    this.problem = problem;
  }
}

/** An open file. */
export interface HostFile {
  readonly bytes: number;
  /** Fills `into` from `offset` on; the number of bytes there were. */
  read(offset: number, into: Uint8Array): number;
  write(offset: number, from: Uint8Array): void;
  /** Cuts off or adds zeros. */
  resize(bytes: number): void;
  close(): void;
}

/** Every operation may throw a {@link HostFolderError}; none reaches anything outside the folder. */
export interface HostFolder {
  /** What the user calls it. */
  readonly title: string;
  /** What is in a folder, files and folders only. */
  list(path: HostPath): readonly HostEntry[];
  stat(path: HostPath): HostStat | undefined;
  open(path: HostPath, mode: 'read' | 'update'): HostFile;
  /** Makes a file of zeros, in the place of one that is there. */
  create(path: HostPath, bytes: number): void;
  createFolder(path: HostPath): void;
  /** Removes a file or an empty folder. */
  remove(path: HostPath): void;
  /** Never replaces anything. */
  rename(from: HostPath, to: HostPath): void;
  setModified(path: HostPath, ms: number): void;
  setWritable(path: HostPath, writable: boolean): void;
  space(): { readonly freeBytes: number; readonly totalBytes: number };
}
