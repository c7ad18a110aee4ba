// SPDX-License-Identifier: MIT
//
// Disks and CD-ROMs: nodes of device_type block, with partitions and files behind their arguments:
// [partition][,path], where a path's names are separated by \ (or /), a leading \\ is the blessed folder of an HFS volume,
// and a last name :type is a file by its type.
import { type BlockDevice, MediumError } from '../../../backplane/host.ts';
import { ForthThrow, THROW } from '../errors.ts';
import type { Forth } from '../forth/forth.ts';
import { textOf } from '../latin1.ts';
import type { FirmwareDisk, FirmwareHost } from '../host.ts';
import { isElf } from '../../elf.ts';
import {
  type ByteSource,
  deviceBytes,
  type FileEntry,
  type FileSystem,
  findFile,
  pieces,
  slice,
  viewOf,
} from '../media/file-system.ts';
import { openHfs } from '../media/hfs.ts';
import { openIso9660 } from '../media/iso9660.ts';
import { type Partition, readPartitions } from '../media/partitions.ts';
import { cells, type DeviceTree, type Instance, type Package, strings } from '../tree.ts';

const MAX_TRANSFER = 0x10_0000;
/** Where a volume without a blessed folder keeps what it starts from. */
const BOOT_FILES = ['\\:tbxi', '\\ppc\\bootinfo.txt', '\\boot\\vmlinux', '\\vmlinux'];

/** What an open disk is: the whole medium, a partition, or a file on one. */
interface OpenDisk {
  readonly disk: Disk;
  readonly source: ByteSource;
  /** Where `source` starts on the medium; -1 for a file. */
  readonly start: number;
  position: number;
}

interface Volume {
  readonly partition: Partition | undefined;
  readonly source: ByteSource;
  readonly fileSystem: FileSystem | undefined;
}

class Disk {
  readonly device: BlockDevice;
  readonly bytes: ByteSource;
  #volumes: readonly Volume[] | undefined;

  constructor(disk: FirmwareDisk) {
    this.device = disk.device;
    this.bytes = deviceBytes(disk.device);
  }

  /** The whole medium and every partition. Kept until something is written. */
  get volumes(): readonly Volume[] {
    this.#volumes ??= [
      this.#volume(undefined, this.bytes),
      ...readPartitions(this.bytes).map((partition) =>
        this.#volume(partition, slice(this.bytes, partition.start, partition.size)),
      ),
    ];
    return this.#volumes;
  }

  #volume(partition: Partition | undefined, source: ByteSource): Volume {
    return { partition, source, fileSystem: openHfs(source) ?? openIso9660(source) };
  }

  changed(): void {
    this.#volumes = undefined;
  }

  /** The volumes that `partition` may mean: one, or all in the order in which to look for a file. */
  candidates(partition: string): readonly Volume[] {
    if (partition === '') return this.volumes;
    const number = Number(partition);
    return this.volumes.filter((volume) => (volume.partition?.number ?? 0) === number);
  }
}

/** Takes the arguments of a disk apart. */
export function parseDiskArguments(args: string): { readonly partition: string; readonly path: string } {
  const comma = args.indexOf(',');
  if (comma >= 0) return { partition: args.slice(0, comma), path: args.slice(comma + 1) };
  if (/^\d*$/.test(args)) return { partition: args, path: '' };
  return { partition: '', path: args };
}

/** Names of a path on `fs`; `undefined` when it asks for a blessed folder there is not. */
function pathNames(fs: FileSystem, path: string): string[] | undefined {
  const blessed = path.startsWith('\\\\');
  const names = path.split(/[\\/]/).filter((name) => name !== '' && name !== '.');
  if (!blessed) return names;
  return fs.blessed === undefined ? undefined : [...fs.blessed, ...names];
}

function lookUp(volume: Volume, path: string): FileEntry | undefined {
  const fs = volume.fileSystem;
  if (fs === undefined) return undefined;
  const names = pathNames(fs, path);
  return names === undefined ? undefined : findFile(fs, names);
}

function findOn(volumes: readonly Volume[], path: string): { volume: Volume; file: FileEntry } | undefined {
  for (const volume of volumes) {
    const file = lookUp(volume, path);
    if (file !== undefined && !file.directory) return { volume, file };
  }
  return undefined;
}

export function defineDisks(f: Forth, tree: DeviceTree, host: FirmwareHost): void {
  const disks = new Map<Package, Disk>();
  const aliases = tree.ensure(tree.root, 'aliases');
  for (const spec of host.disks) {
    const node = diskNode(tree, spec);
    const disk = new Disk(spec);
    disks.set(node, disk);
    for (const alias of spec.aliases) {
      if (!aliases.properties.has(alias)) aliases.properties.set(alias, strings(tree.path(node)));
    }
    defineMethods(f, tree, node, disk);
  }
  // ( "device:part,\path" -- )
  f.native('dir', (f) => {
    const specifier = textOf(f.parse(0x0a).bytes).trim();
    const step = tree.steps(specifier)?.at(-1);
    const disk = step === undefined ? undefined : disks.get(step.package);
    if (step === undefined || disk === undefined)
      throw new ForthThrow(THROW.abortMessage, `no such disk: ${specifier}`);
    f.freshLine();
    guarded(() => showDirectory(f, disk, step.args));
  });
}

/** The node of a drive, with those on the way to it. */
function diskNode(tree: DeviceTree, spec: FirmwareDisk): Package {
  let node = tree.root;
  for (const component of spec.path.split('/').filter((part) => part !== '')) {
    const [name = '', unit = ''] = component.split('@');
    node = tree.ensure(node, name, unit);
  }
  const put = (name: string, value: Uint8Array): void => {
    if (!node.properties.has(name)) node.properties.set(name, value);
  };
  put('device_type', strings('block'));
  put('reg', cells(parseInt(node.unit === '' ? '0' : node.unit, 16) || 0));
  return node;
}

/** Host trouble with a medium is a device error to the guest. */
function guarded<T>(action: () => T): T {
  try {
    return action();
  } catch (error) {
    if (error instanceof MediumError) throw new ForthThrow(THROW.deviceError);
    throw error;
  }
}

function showDirectory(f: Forth, disk: Disk, args: string): void {
  const { partition, path } = parseDiskArguments(args);
  const volumes = disk.candidates(partition);
  if (path === '' && partition === '') {
    for (const { partition: entry, source, fileSystem } of volumes) {
      const kind = fileSystem?.kind ?? '';
      if (entry === undefined) f.line(`${'whole'.padEnd(6)}${Math.floor(source.size / 1024)} KB  ${kind}`);
      else
        f.line(
          `${String(entry.number).padEnd(6)}${Math.floor(entry.size / 1024)} KB  ${entry.type}  ${entry.name}  ${kind}`,
        );
    }
  }
  for (const { fileSystem } of volumes) {
    const names = fileSystem === undefined ? undefined : pathNames(fileSystem, path);
    const entries = names === undefined ? undefined : fileSystem?.list(names);
    if (entries === undefined) continue;
    for (const entry of entries) {
      const size = entry.directory ? '' : String(entry.size);
      f.line(`${size.padStart(10)} ${entry.type.padEnd(4)} ${entry.name}${entry.directory ? '\\' : ''}`);
    }
    return;
  }
  if (path !== '' || partition !== '') f.line('no such directory');
}

function openDisk(disk: Disk, args: string): OpenDisk | undefined {
  const { partition, path } = parseDiskArguments(args);
  const volumes = disk.candidates(partition);
  if (path === '') {
    const volume = volumes[0];
    if (volume === undefined) return undefined;
    return { disk, source: volume.source, start: volume.partition?.start ?? 0, position: 0 };
  }
  const found = findOn(volumes, path);
  if (found === undefined) return undefined;
  return { disk, source: pieces(found.volume.source, found.file.extents, found.file.size), start: -1, position: 0 };
}

/** What to start from on a disk when no file is named: its boot file, or a program right at the start of a volume. */
function defaultBoot(disk: Disk, partition: string): { source: ByteSource; args: string } | undefined {
  const volumes = disk.candidates(partition);
  for (const volume of volumes) {
    const files = volume.fileSystem?.blessed === undefined ? BOOT_FILES : ['\\\\:tbxi', ...BOOT_FILES];
    for (const path of files) {
      const file = lookUp(volume, path);
      if (file === undefined || file.directory) continue;
      const number = volume.partition === undefined ? '' : String(volume.partition.number);
      return { source: pieces(volume.source, file.extents, file.size), args: `${number},${path}` };
    }
  }
  for (const { partition: entry, source } of volumes) {
    const size = imageSize(source);
    if (size > 0) return { source: slice(source, 0, size), args: entry === undefined ? '' : String(entry.number) };
  }
  return undefined;
}

/** Size of a program or script that starts a volume, or 0. */
function imageSize(source: ByteSource): number {
  const head = source.read(0, 0x1000);
  if (isElf(head) && head.length >= 52) {
    const view = viewOf(head);
    const [headers, entryBytes, count] = [view.getUint32(28), view.getUint16(42), view.getUint16(44)];
    let end = headers + entryBytes * count;
    const table = source.read(headers, entryBytes * count);
    for (let at = 0; at + 32 <= table.length && entryBytes >= 32; at += entryBytes) {
      end = Math.max(end, viewOf(table).getUint32(at + 4) + viewOf(table).getUint32(at + 16));
    }
    return Math.min(end, source.size);
  }
  const text = String.fromCharCode(...head);
  if (!/^\s*<chrp-boot>|^\\ /i.test(text)) return 0;
  const whole = source.read(0, Math.min(source.size, 0x1_0000));
  const end = whole.indexOf(0);
  return end < 0 ? whole.length : end;
}

function defineMethods(f: Forth, tree: DeviceTree, node: Package, disk: Disk): void {
  const list = tree.methods(node);
  const { device } = disk;
  tree.drivers.set(node, {
    save: (instance) => (instance.driver as OpenDisk | undefined)?.position ?? null,
    restore: (instance, position) => {
      if (typeof position !== 'number' || !(position >= 0)) return;
      const state = guarded(() => openDisk(disk, instance.args));
      if (state !== undefined) instance.driver = { ...state, position: Math.min(position, state.source.size) };
    },
  });
  const self = (f: Forth): { instance: Instance; state: OpenDisk } => {
    const instance = tree.instance(f.task.mySelf);
    const state = instance.driver as OpenDisk | undefined;
    if (state === undefined) throw new ForthThrow(THROW.noInstance);
    return { instance, state };
  };
  const method = (name: string, action: (f: Forth) => void): void => {
    f.native(name, (f) => guarded(() => action(f)), '', list);
  };
  method('open', (f) => {
    const instance = tree.instance(f.task.mySelf);
    instance.driver = openDisk(disk, instance.args);
    f.flag(instance.driver !== undefined);
  });
  method('close', () => {});
  // ( pos.lo pos.hi -- status )
  method('seek', (f) => {
    f.need(2);
    const high = f.popU();
    const position = high * 0x1_0000_0000 + f.popU();
    const { state } = self(f);
    const good = position <= state.source.size;
    if (good) state.position = position;
    f.push(good ? 0 : -1);
  });
  method('tell', (f) => f.pushD(BigInt(self(f).state.position)));
  method('read', (f) => {
    f.need(2);
    const length = f.popU();
    const pa = f.popU();
    const { state } = self(f);
    f.push(copyIn(f, state.source, state.position, pa, length));
    state.position = Math.min(state.source.size, state.position + (f.peek(0) >>> 0));
  });
  method('write', (f) => {
    f.need(2);
    const length = f.popU();
    const pa = f.popU();
    const { state } = self(f);
    const count = Math.min(length, state.source.size - state.position);
    if (state.start < 0 || device.readonly || count <= 0) {
      f.push(state.start < 0 || device.readonly ? -1 : 0);
      return;
    }
    for (let at = 0; at < count; at += MAX_TRANSFER) {
      writeBytes(device, state.start + state.position + at, f.bytes(pa + at, Math.min(MAX_TRANSFER, count - at)));
    }
    disk.changed();
    state.position += count;
    f.push(count);
  });
  // ( addr -- size )
  method('load', (f) => {
    const pa = f.popU();
    const { instance, state } = self(f);
    const { partition, path } = parseDiskArguments(instance.args);
    let { source } = state;
    if (path === '') {
      const found = defaultBoot(disk, partition);
      if (found === undefined) throw new ForthThrow(THROW.abortMessage, 'nothing bootable found');
      ({ source } = found);
      const chosen = tree.find('/chosen');
      chosen?.properties.set('bootpath', strings(`${tree.path(node)}:${found.args}`));
    }
    const count = copyIn(f, source, 0, pa, source.size);
    if (count < source.size) throw new ForthThrow(THROW.deviceError);
    f.push(count);
  });
  method('size', (f) => f.pushD(BigInt(self(f).state.source.size)));
  method('block-size', (f) => f.push(device.blockBytes));
  method('#blocks', (f) => f.push(device.blockCount));
  method('max-transfer', (f) => f.push(MAX_TRANSFER));
  // ( addr block# #blocks -- #done )
  method('read-blocks', (f) => {
    f.need(3);
    const { first, count, pa } = blockArguments(f, device);
    const read = copyIn(f, disk.bytes, first * device.blockBytes, pa, count * device.blockBytes);
    f.push(Math.floor(read / device.blockBytes));
  });
  method('write-blocks', (f) => {
    f.need(3);
    const { first, count, pa } = blockArguments(f, device);
    if (device.readonly) {
      f.push(0);
      return;
    }
    if (count > 0) device.write(first, f.bytes(pa, count * device.blockBytes));
    disk.changed();
    f.push(count);
  });
}

function blockArguments(f: Forth, device: BlockDevice): { first: number; count: number; pa: number } {
  const wanted = f.popU();
  const first = f.popU();
  const pa = f.popU();
  const room = Math.floor(MAX_TRANSFER / device.blockBytes);
  const count = Math.max(0, Math.min(wanted, room, device.blockCount - first));
  return { first, count, pa };
}

/** Copies from a medium to memory; the number of bytes there were. */
function copyIn(f: Forth, source: ByteSource, offset: number, pa: number, length: number): number {
  const count = Math.max(0, Math.min(length, source.size - offset));
  let done = 0;
  while (done < count) {
    const bytes = source.read(offset + done, Math.min(MAX_TRANSFER, count - done));
    if (bytes.length === 0) break;
    if (!f.host.writeBytes((pa + done) >>> 0, bytes)) throw new ForthThrow(THROW.invalidAddress);
    done += bytes.length;
  }
  return done;
}

/** Writes bytes anywhere, keeping what shares their blocks. */
function writeBytes(device: BlockDevice, offset: number, bytes: Uint8Array): void {
  const { blockBytes } = device;
  const first = Math.floor(offset / blockBytes);
  const count = Math.ceil((offset + bytes.length) / blockBytes) - first;
  const blocks = new Uint8Array(count * blockBytes);
  if (offset % blockBytes !== 0 || bytes.length % blockBytes !== 0) device.read(first, blocks);
  blocks.set(bytes, offset - first * blockBytes);
  device.write(first, blocks);
}
