// SPDX-License-Identifier: MIT
//
// ISO 9660 (ECMA-119) volumes, with the long names of Rock Ridge, the file types of Apple's extension, and Joliet's
// names where there are no others.
import { type ByteSource, type Extent, type FileEntry, type FileSystem, viewOf } from './file-system.ts';
import { latin1, textOf } from '../latin1.ts';

const SECTOR = 2048;
const FIRST_DESCRIPTOR = 16;
const MAX_DESCRIPTORS = 32;
const MAX_DIRECTORY_BYTES = 8 << 20;
const MAX_DEPTH = 64;

const PRIMARY = 1;
const SUPPLEMENTARY = 2;
const TERMINATOR = 255;

const FLAG_DIRECTORY = 0x02;
const FLAG_MORE_EXTENTS = 0x80;

interface IsoEntry extends FileEntry {
  readonly rockRidge: boolean;
}

export function openIso9660(volume: ByteSource): FileSystem | undefined {
  let primary: IsoEntry | undefined;
  let joliet: IsoEntry | undefined;
  for (let i = 0; i < MAX_DESCRIPTORS; i++) {
    const sector = volume.read((FIRST_DESCRIPTOR + i) * SECTOR, SECTOR);
    if (sector.length < SECTOR || textOf(sector.subarray(1, 6)) !== 'CD001' || sector[0] === TERMINATOR) break;
    const root = record(volume, sector.subarray(156, 190), false);
    if (sector[0] === PRIMARY) primary ??= root;
    // Escape sequences %/@, %/C and %/E are UCS-2.
    if (sector[0] === SUPPLEMENTARY && /^%\/[@CE]/.test(textOf(sector.subarray(88, 91)))) joliet ??= root;
  }
  if (primary === undefined) return undefined;
  const read = (at: IsoEntry, unicode: boolean): IsoEntry[] => directory(volume, at, unicode);
  const hasRockRidge = read(primary, false).some((entry) => entry.rockRidge);
  const unicode = !hasRockRidge && joliet !== undefined;
  const root = unicode ? joliet! : primary;
  const walk = (path: readonly string[]): IsoEntry | undefined => {
    if (path.length > MAX_DEPTH) return undefined;
    let at: IsoEntry | undefined = root;
    for (const name of path) {
      at = read(at, unicode).find((entry) => entry.directory && entry.name.toLowerCase() === name.toLowerCase());
      if (at === undefined) return undefined;
    }
    return at;
  };
  return {
    kind: 'ISO 9660',
    list: (path) => {
      const at = walk(path);
      return at === undefined ? undefined : read(at, unicode);
    },
  };
}

function directory(volume: ByteSource, at: IsoEntry, unicode: boolean): IsoEntry[] {
  const bytes = volume.read(at.extents[0]?.offset ?? 0, Math.min(at.size, MAX_DIRECTORY_BYTES));
  const entries: IsoEntry[] = [];
  let parts: Extent[] = [];
  for (let offset = 0; offset < bytes.length;) {
    const length = bytes[offset]!;
    if (length < 34 || offset + length > bytes.length) {
      // Records do not cross sectors; zeros fill the rest of one.
      offset = (Math.floor(offset / SECTOR) + 1) * SECTOR;
      continue;
    }
    const raw = bytes.subarray(offset, offset + length);
    offset += length;
    const nameLength = raw[32]!;
    if (nameLength === 1 && raw[33]! <= 1) continue;
    const entry = record(volume, raw, unicode);
    if ((raw[25]! & FLAG_MORE_EXTENTS) !== 0) {
      parts.push(...entry.extents);
      continue;
    }
    const extents = [...parts, ...entry.extents];
    parts = [];
    entries.push({ ...entry, extents, size: extents.reduce((sum, extent) => sum + extent.length, 0) });
  }
  return entries;
}

function record(volume: ByteSource, raw: Uint8Array, unicode: boolean): IsoEntry {
  const view = viewOf(raw);
  const nameLength = Math.min(raw[32]!, raw.length - 33);
  const own = raw.subarray(33, 33 + nameLength);
  const size = view.getUint32(14);
  const extents = [{ offset: view.getUint32(6) * SECTOR, length: size }];
  const system = unicode ? {} : systemUse(volume, raw.subarray(33 + nameLength + ((nameLength & 1) ^ 1)));
  const plain = unicode ? new TextDecoder('utf-16be').decode(own) : textOf(own);
  return {
    name: system.name ?? plain.replace(/;\d+$/, '').replace(/\.$/, ''),
    directory: (raw[25]! & FLAG_DIRECTORY) !== 0,
    size,
    type: system.type ?? '',
    extents,
    rockRidge: system.name !== undefined,
  };
}

/** The entries after the name: NM is a name of Rock Ridge, CE where more of them are, AA Apple's type and creator. */
function systemUse(volume: ByteSource, area: Uint8Array): { name?: string; type?: string } {
  let name: string | undefined;
  let type: string | undefined;
  let bytes = area;
  for (let continuations = 0; continuations < 8; continuations++) {
    let next: Uint8Array | undefined;
    for (let at = 0; at + 4 <= bytes.length;) {
      const signature = textOf(bytes.subarray(at, at + 2));
      const length = bytes[at + 2]!;
      if (length < 4 || at + length > bytes.length) break;
      const entry = bytes.subarray(at, at + length);
      if (signature === 'NM' && length > 5 && (entry[4]! & 0x06) === 0) {
        name = (name ?? '') + textOf(entry.subarray(5));
      } else if (signature === 'AA' && length >= 12 && entry[3] === 2) {
        type = textOf(entry.subarray(4, 8));
      } else if (signature === 'CE' && length >= 28) {
        const view = viewOf(entry);
        next = volume.read(view.getUint32(8) * SECTOR + view.getUint32(16), Math.min(view.getUint32(24), SECTOR));
      } else if (signature === 'ST') {
        break;
      }
      at += length;
    }
    if (next === undefined) break;
    bytes = next;
  }
  return { ...(name === undefined ? {} : { name: textOf(latin1(name)) }), ...(type === undefined ? {} : { type }) };
}
