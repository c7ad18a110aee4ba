// SPDX-License-Identifier: MIT
//
// The whole text of a Linux kernel as our disassembler and Debian's m68k-linux-gnu-objdump have it.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { disassemble } from '../../../core/m68k/host/disasm.ts';
import { EM_68K, parseElf } from '../../../machines/firmware/elf.ts';
import { debianFile, guest, missing } from '../../support/inputs.ts';
import { normalObjdump, normalOurs } from '../../support/m68k-objdump.ts';

const kernel = guest('linux-m68k/vmlinux.gz', 'test/guests/build-linux.sh m68k DIR');
const objdump = debianFile('/usr/bin/m68k-linux-gnu-objdump', 'binutils-m68k-linux-gnu');
const lacks = missing(kernel, objdump);

/** Words in tables that objdump makes instructions of: byte operations on address registers, and the 68851's. */
const NOT_ON_A_68040 = /^((add|sub)qb .*,%(a\d|fp|sp)|prestore .*)$/;

describe(`68k disassembler${lacks && ` (needs ${lacks})`}`, () => {
  it.skipIf(lacks)('agrees with objdump on a kernel', { timeout: 300_000 }, () => {
    const folder = mkdtempSync(join(tmpdir(), 'emeritus-disasm-'));
    const path = join(folder, 'vmlinux');
    const file = gunzipSync(readFileSync(kernel.path!));
    writeFileSync(path, file);
    const listing = execFileSync(
      objdump.path!,
      ['-d', '-z', '--no-show-raw-insn', '-m', 'm68k:68040', '-j', '.text', path],
      {
        encoding: 'latin1',
        maxBuffer: 1 << 28,
      },
    );
    rmSync(folder, { recursive: true });
    const { physical, bytes } = parseElf(file, EM_68K).segments[0]!;
    const code = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const lines = [...listing.matchAll(/^\s*([0-9a-f]+):\t(.*)$/gm)].map(([, at, text]) => ({
      at: parseInt(at!, 16),
      text: text!,
    }));
    const kinds = new Map<string, string>();
    let different = 0;
    for (const [n, { at, text }] of lines.entries()) {
      // Tables between instructions, of which the one or the other makes more.
      if (text.startsWith('.short') || NOT_ON_A_68040.test(text)) continue;
      const ours = disassemble(code, at - physical, at);
      const following = lines[n + 1]?.at;
      const [a, b] = [normalOurs(ours.text), normalObjdump(text)];
      const same = a === b || a === normalObjdump(text, true);
      if (same && (following === undefined || at + ours.length === following)) continue;
      different++;
      const kind = `${a.split(' ')[0]!} ${b.split(' ')[0]!}`;
      if (!kinds.has(kind)) kinds.set(kind, `${at.toString(16)} ours "${ours.text}" ${ours.length}, objdump "${text}"`);
    }
    expect(lines.length).toBeGreaterThan(500_000);
    expect([...kinds.values()].slice(0, 40), `${different} of ${lines.length}`).toEqual([]);
  });
});
