// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import type { MachineConfig } from '../../../machines/backplane/machine.ts';
import { takesNo } from '../../../machines/backplane/machine-config-error.ts';

const image = { title: 'file', bytes: new Uint8Array(1) };
const plain: MachineConfig = { machine: 'adder', ramBytes: 4096, options: {}, media: [], roms: [] };
const refusal = (config: Partial<MachineConfig>) => () => {
  takesNo({ ...plain, ...config }, 'firmware', 'kernel', 'initrd', 'append', 'media');
};

describe('A machine that has no use for what it is given', () => {
  it('names it', () => {
    expect(refusal({ kernel: image })).toThrow('adder has no use for --kernel; leave it out');
    expect(refusal({ firmware: image })).toThrow('--firmware');
    expect(refusal({ initrd: image })).toThrow('--initrd');
    expect(refusal({ append: '' })).toThrow('--append');
    expect(refusal({ media: [{ kind: 'floppy', spec: 'disc.adl' }] })).toThrow('adder has no drive for --floppy');
  });

  it('says nothing of what was not given, or can be used', () => {
    expect(refusal({})).not.toThrow();
    expect(() => {
      takesNo({ ...plain, kernel: image }, 'media', 'append');
    }).not.toThrow();
  });
});
