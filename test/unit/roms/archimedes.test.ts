// SPDX-License-Identifier: MIT
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { packageRoot } from '../../../frontends/host/package-root.ts';
import { missingAssembler } from '../../support/arm-assembly.ts';

const committed = join(packageRoot(), 'roms', 'archimedes');
const images = readdirSync(committed).filter((name) => name.endsWith('.bin'));

describe('ROMs for the Archimedes', () => {
  const lacks = missingAssembler();
  it.skipIf(lacks !== undefined)(`are what their sources make${lacks ? ` (needs ${lacks})` : ''}`, () => {
    const folder = mkdtempSync(join(tmpdir(), 'emeritus-roms-'));
    try {
      execFileSync(process.execPath, [join(packageRoot(), 'tools', 'build-roms.mjs'), '--to', folder]);
      expect(readdirSync(folder).sort()).toEqual([...images].sort());
      for (const name of images) {
        expect(readFileSync(join(folder, name)).equals(readFileSync(join(committed, name))), name).toBe(true);
      }
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('are in the package', () => {
    const { files } = JSON.parse(readFileSync(join(packageRoot(), 'package.json'), 'utf8')) as { files: string[] };
    expect(files).toContain('roms');
    expect(images).toContain('diagnostic.bin');
  });
});
