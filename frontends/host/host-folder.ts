// SPDX-License-Identifier: MIT
//
// A folder of the host for a machine's --hostfs. Nothing outside of it can be reached: names have no slashes, and where
// symbolic links lead is looked up before anything is done.
import {
  chmodSync,
  closeSync,
  constants,
  type Dirent,
  fstatSync,
  ftruncateSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  realpathSync,
  renameSync,
  rmdirSync,
  type Stats,
  statfsSync,
  statSync,
  unlinkSync,
  utimesSync,
  writeSync,
} from 'node:fs';
import { join, sep } from 'node:path';
import {
  type HostEntry,
  type HostFile,
  type HostFolder,
  HostFolderError,
  type HostPath,
  type HostProblem,
  type HostStat,
} from '../../machines/backplane/host-folder.ts';
import { fileProblem } from './files.ts';
import { UserError } from './user-error.ts';

/** Folders with more are refused: they would hold up the machine at every look. */
const MOST_ENTRIES = 20_000;

const { O_CREAT, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, O_RDWR, O_TRUNC } = constants;

const PROBLEMS: Readonly<Record<string, HostProblem>> = {
  ENOENT: 'missing',
  ENOTDIR: 'missing',
  EEXIST: 'exists',
  ENOTEMPTY: 'not empty',
  EACCES: 'denied',
  EPERM: 'denied',
  EROFS: 'denied',
  ELOOP: 'denied',
  ENOSPC: 'full',
  EDQUOT: 'full',
  EFBIG: 'full',
  EISDIR: 'folder',
  EINVAL: 'bad name',
  EILSEQ: 'bad name',
  ENAMETOOLONG: 'bad name',
  EMFILE: 'too many files',
  ENFILE: 'too many files',
};

/** Opens the folder a user names. Throws a {@link UserError} when there is none. */
export function openHostFolder(folder: string): HostFolder {
  try {
    const root = realpathSync(folder);
    if (!statSync(root).isDirectory()) throw Object.assign(new Error('not a folder'), { code: 'ENOTDIR' });
    return new NodeHostFolder(folder, root);
  } catch (error) {
    const problem = (error as NodeJS.ErrnoException).code === 'ENOTDIR' ? 'it is not a folder' : fileProblem(error);
    throw new UserError('EMERITUS_HOSTFS', `--hostfs: cannot use ${folder}: ${problem}; give a folder that exists`);
  }
}

class NodeHostFolder implements HostFolder {
  readonly title: string;
  readonly #root: string;

  constructor(title: string, root: string) {
    this.title = title;
    this.#root = root;
  }

  list(path: HostPath): readonly HostEntry[] {
    return translated(() => {
      const found = readdirSync(this.#resolve(path), { withFileTypes: true });
      if (found.length > MOST_ENTRIES) throw new HostFolderError('failed', `more than ${MOST_ENTRIES} entries`);
      return found.flatMap((entry) => this.#entry(path, entry));
    });
  }

  /** Files and folders, and links to them inside of the folder; of names that are not text nothing. */
  #entry(path: HostPath, entry: Dirent): HostEntry[] {
    const { name } = entry;
    if (name.includes('\ufffd')) return [];
    if (entry.isDirectory() || entry.isFile()) return [{ name, folder: entry.isDirectory() }];
    if (!entry.isSymbolicLink()) return [];
    const stat = this.stat([...path, name]);
    return stat === undefined ? [] : [{ name, folder: stat.folder }];
  }

  stat(path: HostPath): HostStat | undefined {
    let stats: Stats;
    try {
      stats = translated(() => statSync(this.#resolve(path)));
    } catch {
      return undefined;
    }
    if (!stats.isFile() && !stats.isDirectory()) return undefined;
    const { mode, size, mtimeMs } = stats;
    return {
      folder: stats.isDirectory(),
      bytes: size,
      modifiedMs: mtimeMs,
      writable: (mode & 0o200) !== 0,
      publicRead: (mode & 0o004) !== 0,
      publicWrite: (mode & 0o002) !== 0,
    };
  }

  open(path: HostPath, mode: 'read' | 'update'): HostFile {
    return translated(() => {
      const flags = (mode === 'read' ? O_RDONLY : O_RDWR) | O_NOFOLLOW | O_NONBLOCK;
      const descriptor = openSync(this.#resolve(path), flags);
      if (fstatSync(descriptor).isFile()) return new NodeHostFile(descriptor);
      closeSync(descriptor);
      throw new HostFolderError('folder');
    });
  }

  create(path: HostPath, bytes: number): void {
    translated(() => {
      const descriptor = openSync(this.#resolve(path), O_RDWR | O_CREAT | O_TRUNC | O_NOFOLLOW | O_NONBLOCK, 0o666);
      try {
        ftruncateSync(descriptor, bytes);
      } finally {
        closeSync(descriptor);
      }
    });
  }

  createFolder(path: HostPath): void {
    translated(() => mkdirSync(this.#place(path)));
  }

  remove(path: HostPath): void {
    translated(() => {
      const place = this.#place(path);
      if (lstatSync(place).isDirectory()) rmdirSync(place);
      else unlinkSync(place);
    });
  }

  rename(from: HostPath, to: HostPath): void {
    translated(() => {
      const [source, target] = [this.#place(from), this.#place(to)];
      const other = lstatSync(target, { throwIfNoEntry: false });
      // On hosts that do not tell upper from lower case, a file may be in its own way.
      if (other !== undefined && other.ino !== lstatSync(source).ino) throw new HostFolderError('exists');
      renameSync(source, target);
    });
  }

  setModified(path: HostPath, ms: number): void {
    translated(() => utimesSync(this.#resolve(path), ms / 1000, ms / 1000));
  }

  setWritable(path: HostPath, writable: boolean): void {
    translated(() => {
      const real = this.#resolve(path);
      const { mode } = statSync(real);
      chmodSync(real, writable ? mode | 0o200 : mode & 0o7555);
    });
  }

  space(): { readonly freeBytes: number; readonly totalBytes: number } {
    return translated(() => {
      const { bsize, bavail, blocks } = statfsSync(this.#root);
      return { freeBytes: bavail * bsize, totalBytes: blocks * bsize };
    });
  }

  /** The file itself, where links lead to; what is not there yet is where it is to be. */
  #resolve(path: HostPath): string {
    const place = path.length === 0 ? this.#root : this.#place(path);
    if (lstatSync(place, { throwIfNoEntry: false }) === undefined) return place;
    return this.#inside(realpathSync(place));
  }

  /** The directory entry, in a folder that is inside. */
  #place(path: HostPath): string {
    const name = path.at(-1);
    if (name === undefined) throw new HostFolderError('denied');
    for (const one of path) {
      if (one === '' || one === '.' || one === '..' || one.includes('/') || one.includes(sep) || one.includes('\0')) {
        throw new HostFolderError('bad name');
      }
    }
    return join(this.#inside(realpathSync(join(this.#root, ...path.slice(0, -1)))), name);
  }

  #inside(real: string): string {
    const prefix = this.#root.endsWith(sep) ? this.#root : this.#root + sep;
    if (real !== this.#root && !real.startsWith(prefix)) throw new HostFolderError('denied', 'outside of the folder');
    return real;
  }
}

class NodeHostFile implements HostFile {
  readonly #descriptor: number;

  constructor(descriptor: number) {
    this.#descriptor = descriptor;
  }

  get bytes(): number {
    return translated(() => fstatSync(this.#descriptor).size);
  }

  read(offset: number, into: Uint8Array): number {
    return translated(() => {
      let done = 0;
      while (done < into.length) {
        const got = readSync(this.#descriptor, into, done, into.length - done, offset + done);
        if (got === 0) break;
        done += got;
      }
      return done;
    });
  }

  write(offset: number, from: Uint8Array): void {
    translated(() => {
      for (let done = 0; done < from.length;) {
        done += writeSync(this.#descriptor, from, done, from.length - done, offset + done);
      }
    });
  }

  resize(bytes: number): void {
    translated(() => ftruncateSync(this.#descriptor, bytes));
  }

  close(): void {
    translated(() => closeSync(this.#descriptor));
  }
}

/** Node's errors as those of the interface. */
function translated<T>(action: () => T): T {
  try {
    return action();
  } catch (error) {
    if (error instanceof HostFolderError) throw error;
    const { code, message } = error as NodeJS.ErrnoException;
    throw new HostFolderError(PROBLEMS[code ?? ''] ?? 'failed', message);
  }
}
