// SPDX-License-Identifier: MIT
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { NodeHostOs } from '../../../frontends/linux-user/node-host-os.ts';
import { loadProgram, type LoadResult } from '../../../machines/linux-user/elf/loader.ts';
import { Kernel } from '../../../machines/linux-user/kernel.ts';
import { PAGE_SIZE } from '../../../machines/linux-user/memory/address.ts';
import { PagePool } from '../../../machines/linux-user/memory/page-pool.ts';
import { random } from '../../support/random.ts';

const PAGES = 512;
const FILE_SIZE = 3 * PAGE_SIZE;
const HEADERS = 64 + 4 * 56;

/** A program of two segments with an interpreter's name, if one is given. */
function program(interpreter = ''): { file: Uint8Array; view: DataView } {
  const file = new Uint8Array(FILE_SIZE).fill(0x5a);
  const view = new DataView(file.buffer);
  file.fill(0, 0, HEADERS);
  file.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  view.setUint16(16, 2, true); // ET_EXEC
  view.setUint16(18, 50, true); // EM_IA_64
  view.setUint32(20, 1, true);
  view.setBigUint64(24, 0x4000_0000_0000_1000n, true);
  view.setBigUint64(32, 64n, true);
  view.setUint16(52, 64, true);
  view.setUint16(54, 56, true);
  view.setUint16(56, 4, true);
  const segment = (n: number, type: number, flags: number, ...words: readonly (number | bigint)[]): void => {
    view.setUint32(64 + n * 56, type, true);
    view.setUint32(68 + n * 56, flags, true);
    words.forEach((word, index) => view.setBigUint64(72 + n * 56 + index * 8, BigInt(word), true));
  };
  const text = 0x4000_0000_0000_0000n;
  const data = 0x6000_0000_0000_0000n;
  // offset, virtual and physical address, size in the file and in memory, alignment
  segment(0, 1, 5, 0, text, text, 0x5000, 0x5000, 0x1_0000);
  segment(1, 1, 6, 0x8000, data, data, 0x3000, 0x1_2000, 0x1_0000);
  if (interpreter === '') {
    segment(2, 0x6474_e551, 6);
  } else {
    const name = Buffer.from(`${interpreter}\0`);
    segment(2, 3, 4, 0x400, text + 0x400n, text + 0x400n, name.length, name.length, 1);
    file.set(name, 0x400);
  }
  segment(3, 4, 4, 0x200, text + 0x200n, text + 0x200n, 0x20, 0x20, 4);
  return { file, view };
}

describe('loadProgram', () => {
  let folder: string;
  let path: string;
  let kernel: Kernel;
  let pool: PagePool;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'emeritus-'));
    path = join(folder, 'program');
    writeFileSync(path, '');
    chmodSync(path, 0o755);
    pool = new PagePool(new SharedArrayBuffer((PAGES + 1) * PAGE_SIZE), PAGE_SIZE, (PAGES + 1) * PAGE_SIZE);
    const cpus = { acquire: (): undefined => undefined, release: (): void => {} };
    kernel = new Kernel({ host: new NodeHostOs(), pool, cpus, sysroot: '' });
    kernel.gatePage();
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  const load = (file: Uint8Array | string): LoadResult => {
    writeFileSync(path, file);
    return loadProgram(kernel, {
      path,
      hostPath: path,
      argv: [Buffer.from('program')],
      environment: [],
      limits: { addressSpace: Infinity, data: Infinity, stack: 8 << 20 },
      stackMost: 8 << 20,
      credentials: { uid: 1, euid: 1, suid: 1, gid: 1, egid: 1, sgid: 1, groups: [] },
    });
  };
  const why = (file: Uint8Array | string): string => {
    const result = load(file);
    return 'error' in result ? result.why : 'foreign' in result ? 'foreign' : 'loaded';
  };

  it('loads a program', () => {
    const result = load(program().file);
    if (!('loaded' in result)) throw new Error(JSON.stringify(result));
    const { loaded } = result;
    expect(loaded.entry).toBe(0x4000_0000_0000_1000n);
    expect(loaded.space.areas.map(({ name, prot }) => [name, prot])).toEqual(
      expect.arrayContaining([
        [path, 5],
        [path, 3],
        ['', 3],
        ['[stack]', 3],
        ['[rbs]', 3],
        ['[vdso]', 5],
      ]),
    );
    loaded.space.destroy();
  });

  it('names what is wrong with a file', () => {
    const { file } = program();
    expect(why('')).toBe('an empty file');
    expect(why('echo hello\n')).toBe('not a program');
    expect(why(file.subarray(0, 40))).toBe('truncated ELF header');
    expect(why(file.subarray(0, 200))).toBe('truncated program headers');
    expect(why(file.subarray(0, 0x9000))).toBe('truncated: a segment is missing');
    expect(why(program('/no/such/interpreter').file)).toBe(
      'its interpreter /no/such/interpreter is missing; give the folder that has it with -L',
    );
    expect(why(program(folder).file)).toMatch(/^its interpreter .*: permission denied$/);
    expect(why('#!/no/such/interpreter\n')).toBe('its interpreter /no/such/interpreter: no such file');
    const unaligned = program();
    unaligned.view.setBigUint64(64 + 16, 0x4000_0000_0000_0100n, true);
    expect(why(unaligned.file)).toBe('a segment that is not aligned to pages');
    const outside = program();
    outside.view.setBigUint64(64 + 16, 0xe000_0000_0000_0000n, true);
    expect(why(outside.file)).toBe('a segment outside the address space');
    const large = program();
    large.view.setBigUint64(64 + 56 + 40, 1n << 36n, true);
    expect(why(large.file)).toBe('out of memory');
  });

  it('does not crash on any damage to the headers, and gives back all memory', () => {
    const next = random(42);
    const below = (n: number): number => Math.floor(next() * n);
    const INTERESTING = [0n, 1n, 0x3fffn, 0x4000n, 0xffffn, 1n << 31n, 1n << 43n, 1n << 61n, (1n << 63n) - 1n, ~0n];
    const before = pool.freePages;
    const seen = new Set<string>();
    for (let n = 0; n < 800; n++) {
      const { file, view } = program(n % 5 === 0 ? path : '');
      for (let changes = 1 + below(3); changes > 0; changes--) {
        const what = below(3);
        if (what === 0) file[below(HEADERS)] = below(256);
        else if (what === 1) file[below(HEADERS)]! ^= 1 << below(8);
        else {
          const word = BigInt.asUintN(64, INTERESTING[below(INTERESTING.length)]! + BigInt(below(3) - 1));
          view.setBigUint64(24 + below(Math.floor(HEADERS / 8) - 4) * 8, word, true);
        }
      }
      const result = load(n % 7 === 0 ? file.subarray(0, below(FILE_SIZE)) : file);
      if ('loaded' in result) {
        seen.add('loaded');
        result.loaded.space.destroy();
      } else if ('error' in result) {
        expect(result.error).toBeGreaterThan(0);
        expect(result.why).toMatch(/^[ -~]+$/);
        seen.add(result.why);
      }
      expect(pool.freePages).toBe(before);
    }
    expect(seen.size).toBeGreaterThan(8);
    expect(seen).toContain('loaded');
  }, 30_000);
});
