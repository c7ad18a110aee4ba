// SPDX-License-Identifier: MIT
//
// Moves to and from application, branch and predicate registers, the user mask, processor identification, breaks,
// ordering, probes [SDM3]. Everything runs at privilege level 3.
import { ALAT_FLOATING, ALAT_GENERAL, alatClear, alatRemove } from './alat';
import { flushItlb } from './code';
import { illegal, ipOf, raise, reservedField, stopAfter } from './fault';
import { fence, locate, translate } from './memory';
import { PAGE_SHIFT, SPACE_CODE_GENERATION } from './page-table';
import { bspstore, predicatesUnrotated, setBspstore, setPredicatesUnrotated } from './stack';
import { setParallel, setUnconditional } from './integer';
import {
  A,
  ACCESS_READ,
  B,
  C,
  Cpu,
  D,
  FAULT_PRIVILEGED_REGISTER,
  REASON_BREAK,
  REASON_SYSCALL,
  UM_AC,
  UM_BE,
  UM_MFH,
  UM_MFL,
  UM_UP,
  br,
  cpuOf,
  gr,
  imm,
  nat,
  setBr,
  setGr,
  setPair,
} from './state';

/** Ticks of ar.itc by the host's clock. */
// @ts-ignore: decorator
@external("host", "itc")
declare function hostItc(): f64;

// --- Application registers

const AR_RSC: u32 = 16;
const AR_BSP: u32 = 17;
const AR_BSPSTORE: u32 = 18;
const AR_RNAT: u32 = 19;
const AR_CSD: u32 = 25;
const AR_SSD: u32 = 26;
const AR_CCV: u32 = 32;
const AR_UNAT: u32 = 36;
const AR_FPSR: u32 = 40;
const AR_ITC: u32 = 44;
const AR_RUC: u32 = 45;
const AR_PFS: u32 = 64;
const AR_LC: u32 = 65;
const AR_EC: u32 = 66;

const RSC_MODE: u64 = 3;
const RSC_BE: u64 = 0x10;
const RSC_PL3: u64 = 0xc;

/** Registers 48 to 63 and 112 to 127 are ignored, others without a name do not exist. */
// @ts-ignore: decorator
@inline
function isIgnored(n: u32): bool {
  return (n >= 48 && n < 64) || n >= 112;
}

/** Each register belongs to one unit; d is 1 in I-unit moves. */
function wrongUnit(n: u32, at: u32): bool {
  if ((n >= 48 && n < 64) || n >= 112) return false;
  return n >= 64 != (D(at) != 0);
}

function writeAr(base: u32, at: u32, n: u32, value: u64): bool {
  const cpu = cpuOf(base);
  if (wrongUnit(n, at)) return illegal(base, at);
  if (isIgnored(n)) return true;
  if (n < 8) return raise(base, at, FAULT_PRIVILEGED_REGISTER);
  switch (n) {
    case AR_RSC:
      if ((value & ~<u64>0x3fff_001f) != 0) return reservedField(base, at);
      if ((value & RSC_BE) != 0) return illegal(base, at);
      cpu.rsc = value | RSC_PL3;
      return true;
    case AR_BSPSTORE:
      if ((cpu.rsc & RSC_MODE) != 0) return illegal(base, at);
      return setBspstore(base, at, value);
    case AR_RNAT:
      if ((cpu.rsc & RSC_MODE) != 0) return illegal(base, at);
      cpu.rnat = value & 0x7fff_ffff_ffff_ffff;
      return true;
    case AR_CSD:
      cpu.csd = value;
      return true;
    case AR_SSD:
      cpu.ssd = value;
      return true;
    // The IA-32 registers, which nothing executes with.
    case 21:
    case 24:
    case 27:
    case 28:
    case 29:
    case 30:
      return true;
    case AR_CCV:
      cpu.ccv = value;
      return true;
    case AR_UNAT:
      cpu.unat = value;
      return true;
    case AR_FPSR:
      if (!validFpsr(value)) return reservedField(base, at);
      cpu.fpsr = value;
      return true;
    case AR_ITC:
    case AR_RUC:
      return raise(base, at, FAULT_PRIVILEGED_REGISTER);
    case AR_PFS:
      if ((value & 0x3fc0_0000_0000_0000 & ~0x03f0_0000_0000_0000) != 0) return reservedField(base, at);
      if ((value & 0x000f_ffc0_0000_0000) != 0) return reservedField(base, at);
      cpu.pfs = value;
      return true;
    case AR_LC:
      cpu.lc = value;
      return true;
    case AR_EC:
      cpu.ec = value & 0x3f;
      return true;
    default:
      return illegal(base, at);
  }
}

/** Reserved: bits 58 to 63, td of field 0, a precision control of 1. */
function validFpsr(value: u64): bool {
  if (value >> 58 != 0 || ((value >> 12) & 1) != 0) return false;
  for (let field: u32 = 0; field < 4; field++) {
    if (((value >> (8 + 13 * field)) & 3) == 1) return false;
  }
  return true;
}

export function op_mov_to_ar(base: u32, at: u32): bool {
  return writeAr(base, at, C(at), gr(base, B(at)));
}

export function op_mov_to_ar_i(base: u32, at: u32): bool {
  return writeAr(base, at, C(at), imm(at));
}

export function op_mov_from_ar(base: u32, at: u32): bool {
  const cpu = cpuOf(base);
  const n: u32 = C(at);
  if (wrongUnit(n, at)) return illegal(base, at);
  let value: u64 = 0;
  if (n < 8) {
    value = load<u64>(base + (n << 3), offsetof<Cpu>('kr0'));
  } else if (!isIgnored(n)) {
    switch (n) {
      case AR_RSC:
        value = cpu.rsc;
        break;
      case AR_BSP:
        value = cpu.bsp;
        break;
      case AR_BSPSTORE:
        if ((cpu.rsc & RSC_MODE) != 0) return illegal(base, at);
        value = bspstore(base);
        break;
      case AR_RNAT:
        if ((cpu.rsc & RSC_MODE) != 0) return illegal(base, at);
        value = cpu.rnat;
        break;
      case AR_CSD:
        value = cpu.csd;
        break;
      case AR_SSD:
        value = cpu.ssd;
        break;
      case 21:
      case 24:
      case 27:
      case 28:
      case 29:
      case 30:
        break;
      case AR_CCV:
        value = cpu.ccv;
        break;
      case AR_UNAT:
        value = cpu.unat;
        break;
      case AR_FPSR:
        value = cpu.fpsr;
        break;
      case AR_ITC:
      case AR_RUC:
        value = cpu.itc + <u64>hostItc();
        break;
      case AR_PFS:
        value = cpu.pfs;
        break;
      case AR_LC:
        value = cpu.lc;
        break;
      case AR_EC:
        value = cpu.ec;
        break;
      default:
        return illegal(base, at);
    }
  }
  setGr(base, A(at), value);
  return true;
}

// --- Branch registers, predicates, ip

// @ts-ignore: decorator
@inline
export function op_mov_to_br(base: u32, at: u32): void {
  setBr(base, A(at), gr(base, B(at)));
}

// @ts-ignore: decorator
@inline
export function op_mov_from_br(base: u32, at: u32): void {
  setGr(base, A(at), br(base, B(at)));
}

/** The mask's bit 16 stands for all rotating predicates. */
export function op_mov_to_pr(base: u32, at: u32): bool {
  const mask: u64 = imm(at);
  const value: u64 = gr(base, B(at));
  setPredicatesUnrotated(base, (predicatesUnrotated(base) & ~mask) | (value & mask));
  return true;
}

export function op_mov_to_pr_rot(base: u32, at: u32): bool {
  setPredicatesUnrotated(base, (predicatesUnrotated(base) & 0xffff) | (imm(at) & ~<u64>0xffff));
  return true;
}

export function op_mov_from_pr(base: u32, at: u32): bool {
  setGr(base, A(at), predicatesUnrotated(base));
  return true;
}

export function op_mov_from_ip(base: u32, at: u32): bool {
  setGr(base, A(at), ipOf(base, at));
  return true;
}

// --- User mask

const UM_BITS: u32 = UM_BE | UM_UP | UM_AC | UM_MFL | UM_MFH;

export function op_mov_to_um(base: u32, at: u32): bool {
  const value: u64 = gr(base, B(at));
  if ((value & ~<u64>UM_BITS) != 0) return reservedField(base, at);
  if ((value & UM_BE) != 0) return illegal(base, at);
  cpuOf(base).um = <u32>value;
  return true;
}

export function op_mov_from_um(base: u32, at: u32): bool {
  setGr(base, A(at), cpuOf(base).um);
  return true;
}

export function op_sum(base: u32, at: u32): bool {
  const mask: u64 = imm(at);
  if ((mask & ~<u64>UM_BITS) != 0) return reservedField(base, at);
  if ((mask & UM_BE) != 0) return illegal(base, at);
  cpuOf(base).um |= <u32>mask;
  return true;
}

export function op_rum(base: u32, at: u32): bool {
  const mask: u64 = imm(at);
  if ((mask & ~<u64>UM_BITS) != 0) return reservedField(base, at);
  cpuOf(base).um &= ~<u32>mask;
  return true;
}

// --- Identification

/** A Montecito: vendor in 0 and 1, serial number, version, features (long branch, 16-byte semaphores). */
export function op_mov_from_cpuid(base: u32, at: u32): bool {
  let value: u64 = 0;
  switch (<u32>gr(base, C(at)) & 0xff) {
    case 0:
      value = 0x4965_6e69_756e_6547; // GenuineI
      break;
    case 1:
      value = 0x6c65_746e; // ntel
      break;
    case 2:
      break;
    case 3:
      value = 0x2000_0704; // family 0x20, model 0, revision 7, 4 is the last register
      break;
    case 4:
      value = 5;
      break;
    default:
      return reservedField(base, at);
  }
  setGr(base, A(at), value);
  return true;
}

/** Performance counters do not count for users: they read as 0. */
export function op_mov_from_pmd(base: u32, at: u32): bool {
  setGr(base, A(at), 0);
  return true;
}

// --- Breaks and system calls

const SYSCALL_BREAK: u64 = 0x10_0000;

export function op_break(base: u32, at: u32): bool {
  const cpu = cpuOf(base);
  const immediate: u64 = imm(at);
  alatClear(base);
  if (immediate == SYSCALL_BREAK) return stopAfter(base, at, REASON_SYSCALL);
  cpu.immediate = immediate;
  raise(base, at, 0);
  cpu.reason = REASON_BREAK;
  return false;
}

/** The immediate of a break in a B slot is not delivered. */
export function op_break_b(base: u32, at: u32): bool {
  cpuOf(base).immediate = 0;
  alatClear(base);
  raise(base, at, 0);
  cpuOf(base).reason = REASON_BREAK;
  return false;
}

/** Outside the gate page the privilege level stays as it is. */
export function op_epc(base: u32, at: u32): bool {
  if (cpuOf(base).page_gate == 0) return true;
  alatClear(base);
  return stopAfter(base, at, REASON_SYSCALL);
}

// --- Ordering

export function op_mf(base: u32, at: u32): bool {
  alatClear(base);
  fence(base);
  return true;
}

export function op_invala(base: u32, at: u32): bool {
  alatClear(base);
  return true;
}

export function op_invala_e(base: u32, at: u32): bool {
  alatRemove(base, A(at) | ALAT_GENERAL);
  return true;
}

export function op_invala_e_f(base: u32, at: u32): bool {
  alatRemove(base, A(at) | ALAT_FLOATING);
  return true;
}

/** Code may have changed; srlz.i looks at it anew. */
export function op_fc(base: u32, at: u32): bool {
  const cpu = cpuOf(base);
  if (!locate(base, at, gr(base, C(at)), 1, ACCESS_READ)) return false;
  atomic.add<u32>(cpu.space + SPACE_CODE_GENERATION, 1);
  return true;
}

export function op_sync_i(base: u32, at: u32): bool {
  fence(base);
  return true;
}

/** Instruction serialisation: the next bundle is fetched anew. */
export function op_srlz_i(base: u32, at: u32): bool {
  stopAfter(base, at, 0);
  flushItlb(base);
  cpuOf(base).reason = REASON_RESUME;
  return false;
}

/** Not seen outside: go on at ip and ri. */
export const REASON_RESUME: u32 = 7;

// --- Probes: d is 1 for read, 2 for write

// @ts-ignore: decorator
@inline
function allowed(base: u32, at: u32): bool {
  return translate(base, gr(base, C(at)), D(at));
}

export function op_probe(base: u32, at: u32): bool {
  setGr(base, A(at), allowed(base, at) ? 1 : 0);
  return true;
}

export function op_probe_i(base: u32, at: u32): bool {
  setGr(base, A(at), allowed(base, at) ? 1 : 0);
  return true;
}

export function op_probe_fault(base: u32, at: u32): bool {
  return locate(base, at, gr(base, C(at)), 1, D(at));
}

// --- The page table's hash: regions of 16 KiB pages, no walker behind it

export function op_thash(base: u32, at: u32): bool {
  const va: u64 = gr(base, C(at));
  setGr(base, A(at), (va & 0xe000_0000_0000_0000) | (((va & 0x1fff_ffff_ffff_ffff) >> PAGE_SHIFT) << 3));
  return true;
}

export function op_ttag(base: u32, at: u32): bool {
  setGr(base, A(at), gr(base, C(at)) >> PAGE_SHIFT);
  return true;
}

// --- NaT tests

export function op_tnat_z(base: u32, at: u32): bool {
  setPair(base, A(at), D(at), nat(base, C(at)) == 0);
  return true;
}

export function op_tnat_z_unc(base: u32, at: u32): bool {
  setUnconditional(base, at, B(at), nat(base, C(at)) == 0);
  return true;
}

export function op_tnat_par(base: u32, at: u32): bool {
  const code: u32 = B(at);
  setParallel(base, at, code, (nat(base, C(at)) != 0) == ((code & 1) != 0));
  return true;
}
