// SPDX-License-Identifier: MIT
//
// Translation tables of ARM processors as the architecture describes them, written down once more: what a walk finds, or
// the fault status it ends with.

export interface WalkOptions {
  readonly version: 5 | 7;
  readonly word: (pa: number) => number;
  readonly ttbr0: number;
  readonly ttbr1: number;
  readonly ttbcr: number;
  readonly dacr: number;
  readonly sctlr: number;
}

export interface Access {
  readonly va: number;
  readonly privileged: boolean;
  readonly kind: 'read' | 'write' | 'fetch';
}

export type Walk = { pa: number } | { status: number; domain: number };

type Rights = { read: boolean; write: boolean };

const NONE: Rights = { read: false, write: false };
const READ: Rights = { read: true, write: false };
const BOTH: Rights = { read: true, write: true };

/** [ARM ARM v5] B3, table of access permissions: AP, S and R. */
function rights5(ap: number, sctlr: number, privileged: boolean): Rights {
  const [s, r] = [(sctlr >>> 8) & 1, (sctlr >>> 9) & 1];
  switch (ap) {
    case 0:
      if (s === 1 && r === 0) return privileged ? READ : NONE;
      return s === 0 && r === 1 ? READ : NONE;
    case 1:
      return privileged ? BOTH : NONE;
    case 2:
      return privileged ? BOTH : READ;
    default:
      return BOTH;
  }
}

/** [ARM ARM v7] B3.7.1: AP[2:0], or AP[2:1] with the access flag. */
function rights7(ap: number, accessFlag: boolean, privileged: boolean): Rights {
  if (accessFlag) {
    const model = [
      [BOTH, NONE],
      [BOTH, BOTH],
      [READ, NONE],
      [READ, READ],
    ] as const;
    return model[ap >>> 1]![privileged ? 0 : 1];
  }
  const model = [
    ...[
      [NONE, NONE],
      [BOTH, NONE],
      [BOTH, READ],
      [BOTH, BOTH],
    ],
    ...[
      [NONE, NONE],
      [READ, NONE],
      [READ, READ],
      [READ, READ],
    ],
  ] as const;
  return model[ap]![privileged ? 0 : 1]!;
}

function check(rights: Rights, access: Access, executable: boolean, pa: number, status: number, domain: number): Walk {
  const allowed =
    access.kind === 'write' ? rights.write : access.kind === 'read' ? rights.read : rights.read && executable;
  return allowed ? { pa: pa >>> 0 } : { status, domain };
}

export function walk(options: WalkOptions, access: Access): Walk {
  return options.version === 5 ? walk5(options, access) : walk7(options, access);
}

function walk5({ word, ttbr0, dacr, sctlr }: WalkOptions, access: Access): Walk {
  const { va, privileged } = access;
  const first = word((ttbr0 & 0xffff_c000) + (va >>> 20) * 4);
  const domain = (first >>> 5) & 15;
  const client = (dacr >>> (domain * 2)) & 3;
  const type = first & 3;
  if (type === 0) return { status: 5, domain: 0 };
  if (type === 2) {
    if (client === 0 || client === 2) return { status: 9, domain };
    const pa = (first & 0xfff0_0000) | (va & 0xf_ffff);
    const rights = client === 3 ? BOTH : rights5((first >>> 10) & 3, sctlr, privileged);
    return check(rights, access, true, pa, 0xd, domain);
  }
  const fine = type === 3;
  const index = fine ? (va >>> 10) & 0x3ff : (va >>> 12) & 0xff;
  const second = word((first & (fine ? 0xffff_f000 : 0xffff_fc00)) + index * 4);
  const kind = second & 3;
  if (kind === 0 || (kind === 3 && !fine)) return { status: 7, domain };
  if (client === 0 || client === 2) return { status: 0xb, domain };
  const size = kind === 1 ? 0x1_0000 : kind === 2 ? 0x1000 : 0x400;
  const pa = (second & -size) | (va & (size - 1));
  const part = kind === 3 ? 0 : Math.floor((va & (size - 1)) / (size / 4));
  const ap = (second >>> (4 + part * 2)) & 3;
  return check(client === 3 ? BOTH : rights5(ap, sctlr, privileged), access, true, pa, 0xf, domain);
}

function walk7({ word, ttbr0, ttbr1, ttbcr, dacr, sctlr }: WalkOptions, access: Access): Walk {
  const { va, privileged } = access;
  const n = ttbcr & 7;
  const upper = n > 0 && va >= 2 ** (32 - n);
  if ((ttbcr & (upper ? 0x20 : 0x10)) !== 0) return { status: 5, domain: 0 };
  const index = upper ? va >>> 20 : (va >>> 20) & ((1 << (12 - n)) - 1);
  const table = upper ? ttbr1 & 0xffff_c000 : ttbr0 & -(1 << (14 - n));
  const first = word(((table >>> 0) + index * 4) >>> 0);
  const type = first & 3;
  if (type === 0 || type === 3) return { status: 5, domain: 0 };
  const supersection = type === 2 && ((first >>> 18) & 1) === 1;
  const domain = supersection ? 0 : (first >>> 5) & 15;
  const client = (dacr >>> (domain * 2)) & 3;
  const flagged = ((sctlr >>> 29) & 1) === 1;
  const end = (ap: number, xn: number, pa: number, page: boolean): Walk => {
    if (client === 0 || client === 2) return { status: page ? 0xb : 9, domain };
    if (flagged && (ap & 1) === 0) return { status: page ? 6 : 3, domain };
    if (client === 3) return { pa: pa >>> 0 };
    return check(rights7(ap, flagged, privileged), access, xn === 0, pa, page ? 0xf : 0xd, domain);
  };
  if (type === 2) {
    const mask = supersection ? 0x00ff_ffff : 0x000f_ffff;
    const ap = ((first >>> 10) & 3) | (((first >>> 15) & 1) << 2);
    return end(ap, (first >>> 4) & 1, (first & ~mask) | (va & mask), false);
  }
  const second = word(((first & 0xffff_fc00) + ((va >>> 12) & 0xff) * 4) >>> 0);
  const ap = ((second >>> 4) & 3) | (((second >>> 9) & 1) << 2);
  if ((second & 3) === 0) return { status: 7, domain };
  if ((second & 3) === 1) return end(ap, (second >>> 15) & 1, (second & 0xffff_0000) | (va & 0xffff), true);
  return end(ap, second & 1, (second & 0xffff_f000) | (va & 0xfff), true);
}
