// SPDX-License-Identifier: MIT
//
// Where a core keeps its own things at the beginning of the shared memory. Each area begins where the one before it
// ends. The host reads the addresses it needs from the module's exports, never from a copy of these numbers.
//
//  0x0000_0000 ┌──────────────────────────────┐
//              │ AssemblyScript static data   │  decode tables
//  STATE_BASE  ├──────────────────────────────┤
//              │ CpuState, registers          │  snapshot = this block
//  PAGE_STATE  ├──────────────────────────────┤
//              │ one byte per 4 KiB page of   │  PAGE_CODE, PAGE_TRACKED, PAGE_DIRTY
//              │ this memory (4 GiB: 1 MiB)   │
//  PHYS_MAP    ├──────────────────────────────┤
//              │ one word per 4 KiB page of   │  host page | PHYS_RAM | PHYS_WRITABLE, 0 = ask the bus
//              │ guest physical space: 4 MiB  │
//  CORE_BASE   ├──────────────────────────────┤
//              │ software TLBs, decoded pages │  sized by each instruction set
//              └──────────────────────────────┘

export const STATE_BASE: u32 = 0x0008_0000;
export const STATE_SIZE: u32 = 0x0000_4000;

export const PAGE_STATE_BASE: u32 = STATE_BASE + STATE_SIZE;
export const PAGE_STATE_SIZE: u32 = 0x0010_0000;

export const PHYS_MAP_BASE: u32 = PAGE_STATE_BASE + PAGE_STATE_SIZE;
export const PHYS_MAP_SIZE: u32 = 0x0040_0000;

export const CORE_BASE: u32 = PHYS_MAP_BASE + PHYS_MAP_SIZE;

// Bits of a page-state byte; the host's copy is machines/backplane/memory.ts.
export const PAGE_CODE: u32 = 0x01;
export const PAGE_TRACKED: u32 = 0x02;
export const PAGE_DIRTY: u32 = 0x04;

// Low bits of a physical-map word; the high 20 bits are the page's number in this memory.
export const PHYS_RAM: u32 = 0x001;
export const PHYS_WRITABLE: u32 = 0x002;
