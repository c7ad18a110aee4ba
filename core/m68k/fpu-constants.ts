// SPDX-License-Identifier: MIT
//
// The constant ROM of the 68881 [68881 UM, FMOVECR]. Constants that are not exact have more bits than the extended
// format, so that they round in every mode. Three are not what mathematics says: the chips give log10 2 and e too small
// in round to nearest, and log10 e as if it were exact (WinUAE's tests on them).
// Not modelled: what is at the places without a constant, other than zeros.
import { clearX80Flags, roundX80, x80 } from '../common/softfloat-x80';

/** The constant at `offset`, rounded; places that have none are 0. */
export function constantRom(mode: u32, offset: u32): u64 {
  clearX80Flags();
  switch (offset) {
    case 0x00: // π
      return roundX80(mode, 0, 1, 0xc90f_daa2_2168_c234, 0xc4c6_628b_80dc_1cd1);
    case 0x0b: // log10 2
      return roundX80(mode, 0, -2, 0x9a20_9a84_fbcf_f798, 0x4000_0000_0000_0000);
    case 0x0c: // e
      return roundX80(mode, 0, 1, 0xadf8_5458_a2bb_4a9a, 0x4000_0000_0000_0000);
    case 0x0d: // log2 e
      return roundX80(mode, 0, 0, 0xb8aa_3b29_5c17_f0bb, 0xbe87_fed0_691d_3e89);
    case 0x0e: // log10 e
      return roundX80(mode, 0, -2, 0xde5b_d8a9_3728_7195, 0);
    case 0x30: // ln 2
      return roundX80(mode, 0, -1, 0xb172_17f7_d1cf_79ab, 0xc9e3_b398_03f2_f6af);
    case 0x31: // ln 10
      return roundX80(mode, 0, 1, 0x935d_8ddd_aaa8_ac16, 0xea56_d62b_82d3_0a29);
    case 0x32: // 10 to the powers 0, 1, 2, 4, 8, …
      return roundX80(mode, 0, 0, 0x8000_0000_0000_0000, 0);
    case 0x33:
      return roundX80(mode, 0, 3, 0xa000_0000_0000_0000, 0);
    case 0x34:
      return roundX80(mode, 0, 6, 0xc800_0000_0000_0000, 0);
    case 0x35:
      return roundX80(mode, 0, 13, 0x9c40_0000_0000_0000, 0);
    case 0x36:
      return roundX80(mode, 0, 26, 0xbebc_2000_0000_0000, 0);
    case 0x37:
      return roundX80(mode, 0, 53, 0x8e1b_c9bf_0400_0000, 0);
    case 0x38:
      return roundX80(mode, 0, 106, 0x9dc5_ada8_2b70_b59d, 0xf020_0000_0000_0000);
    case 0x39:
      return roundX80(mode, 0, 212, 0xc278_1f49_ffcf_a6d5, 0x3cbf_6b71_c76b_25fb);
    case 0x3a:
      return roundX80(mode, 0, 425, 0x93ba_47c9_80e9_8cdf, 0xc66f_336c_36b1_0137);
    case 0x3b:
      return roundX80(mode, 0, 850, 0xaa7e_ebfb_9df9_de8d, 0xddbb_901b_98fe_eab7);
    case 0x3c:
      return roundX80(mode, 0, 1700, 0xe319_a0ae_a60e_91c6, 0xcc65_5c54_bc50_58f9);
    case 0x3d:
      return roundX80(mode, 0, 3401, 0xc976_7586_8175_0c17, 0x650d_3d28_f18b_50cf);
    case 0x3e:
      return roundX80(mode, 0, 6803, 0x9e8b_3b5d_c53d_5de4, 0xa74d_28ce_329a_ce53);
    case 0x3f:
      return roundX80(mode, 0, 13606, 0xc460_5202_8a20_979a, 0xc94c_153f_804a_4a93);
    default:
      return x80(0, 0);
  }
}
