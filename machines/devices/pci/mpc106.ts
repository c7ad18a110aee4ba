// SPDX-License-Identifier: MIT
//
// Motorola MPC106 "Grackle": PCI bridge and memory controller of 60x processors.
//
// Sockets: PCI function (device 0 of its bus) and host of the bus; on the CPU's bus the register pair `configAddress` /
// `configData`, `interruptAcknowledge`, the external configuration registers and the windows into PCI memory and I/O
// space, all of them as rows from `addressMap()`; wires `mcp` (machine check) and `tea` (transfer error acknowledge).
//
// Documents: MPC106 PCI Bridge/Memory Controller User's Manual [MPC106UM].
// Not modelled: memory timing, refresh, parity and ECC (their registers keep what is written); memory banks, RAM is
// where the board maps it; L2 cache control; low-power modes; switching the address map by software; discontiguous
// I/O; flash writes; 60x bus error status. Bits of ESCR1 and the alternate OS-visible registers are unverified.
import type { ChipContext } from '../../backplane/board.ts';
import { type BusTarget, LITTLE_WORDS, type Width } from '../../backplane/bus.ts';
import { type PlainFields, type ResetKind, SavedFields } from '../../backplane/device.ts';
import { type MemoryMap, type Region, region } from '../../backplane/memory-map.ts';
import { Wire } from '../../backplane/wire.ts';
import { type InboundWindow, type PciBus, type PciHost, type PciSpace, ones } from './pci-bus.ts';
import {
  CACHE_LINE_SIZE,
  COMMAND,
  COMMAND_MASTER,
  COMMAND_MEMORY,
  COMMAND_PARITY,
  COMMAND_SERR,
  INTERRUPT_LINE,
  LATENCY_TIMER,
  PciFunction,
  STATUS,
  STATUS_FAST_BACK_TO_BACK,
  STATUS_RECEIVED_MASTER_ABORT,
} from './pci-function.ts';

const BUS_NUMBER = 0x40;
const SUBORDINATE_BUS_NUMBER = 0x41;
const DISCONNECT_COUNTER = 0x42;
const SPECIAL_CYCLE_ADDRESS = 0x44;
const PMCR1 = 0x70; // power management configuration 1
const PMCR2 = 0x72;
const ODCR = 0x73; // output driver control
const MEMORY_STARTING_ADDRESS = [0x80, 0x84] as const;
const EXTENDED_MEMORY_STARTING_ADDRESS = [0x88, 0x8c] as const;
const MEMORY_ENDING_ADDRESS = [0x90, 0x94] as const;
const EXTENDED_MEMORY_ENDING_ADDRESS = [0x98, 0x9c] as const;
const MEMORY_BANK_ENABLE = 0xa0;
const MEMORY_PAGE_MODE = 0xa3;
const PICR1 = 0xa8; // processor interface configuration 1
const PICR2 = 0xac;
const ECC_SINGLE_BIT_ERROR_COUNTER = 0xb8;
const ECC_SINGLE_BIT_ERROR_TRIGGER = 0xb9;
const AOVPR1 = 0xba; // alternate OS-visible parameters 1
const AOVPR2 = 0xbb;
const ERR_EN_R1 = 0xc0; // error enabling 1
const ERR_DR1 = 0xc1; // error detection 1
const BUS_60X_ERROR_STATUS = 0xc3;
const ERR_EN_R2 = 0xc4;
const ERR_DR2 = 0xc5;
const PCI_BUS_ERROR_STATUS = 0xc7;
const ERROR_ADDRESS = 0xc8;
const ESCR1 = 0xe0; // emulation support configuration 1
const MODIFIED_MEMORY_STATUS_NO_CLEAR = 0xe4;
const ESCR2 = 0xe8;
const MODIFIED_MEMORY_STATUS_CLEAR = 0xec;
const MCCR1 = 0xf0; // memory control configuration 1
const MCCR2 = 0xf4;
const MCCR3 = 0xf8;
const MCCR4 = 0xfc;

const PICR1_RCS0 = 1 << 20; // ROM bank 0 is on the 60x bus
const PICR1_XIO_MODE = 1 << 19;
const PICR1_ADDRESS_MAP_A = 1 << 16;
const PICR1_MP_ID = 3 << 14;
const PICR1_MCP_EN = 1 << 11;
const PICR1_TEA_EN = 1 << 10;
const PICR1_NO_PORT_REGS = 1 << 7;
const PICR1_LE_MODE = 1 << 5;
const PICR2_L2_UPDATE_EN = 1 << 31;
const PICR2_L2_EN = 1 << 30;
const PICR2_FLUSH_L2 = 1 << 28;

const ERR_EN_R1_PCI_MASTER_ABORT = 0x02;
const ERR_DR1_PCI_CYCLE = 0x08; // not an error: who began the cycle of the error address
const ERR_DR2_INVALID_ERROR_ADDRESS = 0x80; // nor is this
/** The bits that say an error was detected; while one is set, no further error is reported. */
const STATUS_DETECTED = 0xb000;
const ERR_DR1_DETECTED = 0xf7;
const ERR_DR2_DETECTED = 0x39;

const ESCR1_CPU_FD_ALIAS_EN = 0x80;
const ESCR1_PCI_FD_ALIAS_EN = 0x40;
const ESCR1_PCI_COMPATIBILITY_HOLE = 0x08;
const ESCR1_PROC_COMPATIBILITY_HOLE = 0x04;

/** C/BE[3:0] of the PCI commands, as the PCI bus error status register shows them: [read, write]. */
const BUS_COMMAND: Readonly<Record<PciSpace, readonly [number, number]>> = {
  'interrupt acknowledge': [0x0, 0x1],
  io: [0x2, 0x3],
  memory: [0x6, 0x7],
  config: [0xa, 0xb],
};

const CONFIG_ADDR_ENABLE = 0x8000_0000;
/** This device with function 7 and register 0 stands for interrupt acknowledge and special cycles. */
const SPECIAL_DEVICE = 31;

export interface Mpc106Options {
  /** The CPU's bus: where bus masters find system memory, and whose views the bridge switches. */
  readonly cpu: MemoryMap;
  readonly bus: PciBus;
  /** The address map strapped at reset. Default B. */
  readonly addressMap?: 'A' | 'B';
  /** Default 0x40, revision 4.0. */
  readonly revision?: number;
}

export class Mpc106 extends PciFunction implements PciHost {
  readonly mcp: Wire;
  readonly tea: Wire;
  readonly system: MemoryMap;
  readonly configAddress: BusTarget;
  readonly configData: BusTarget;
  readonly interruptAcknowledge: BusTarget;
  readonly #bus: PciBus;
  readonly #mapA: boolean;
  readonly #views: { readonly ports: string; readonly fdAlias: string; readonly compatibilityHole: string };
  #configAddress = 0;
  #mcp = false;
  #inbound: readonly InboundWindow[] = [];

  constructor(context: ChipContext, options: Mpc106Options) {
    super(context, {
      vendorId: 0x1057,
      deviceId: 0x0002,
      revision: options.revision ?? 0x40,
      classCode: 0x06_0000,
      status: STATUS_FAST_BACK_TO_BACK,
      command: COMMAND_MASTER | COMMAND_MEMORY,
      commandMask: COMMAND_MEMORY | COMMAND_PARITY | COMMAND_SERR,
    });
    this.mcp = new Wire(`${context.id}.mcp`);
    this.tea = new Wire(`${context.id}.tea`);
    this.system = options.cpu;
    this.#bus = options.bus;
    this.#mapA = options.addressMap === 'A';
    this.#views = {
      ports: `${context.id} port registers`,
      fdAlias: `${context.id} FD alias`,
      compatibilityHole: `${context.id} compatibility hole`,
    };
    this.#declareRegisters();
    this.configAddress = {
      span: 0x20_0000,
      access: LITTLE_WORDS,
      read: () => this.#configAddress,
      write: (_offset, _width, value) => {
        this.#configAddress = value >>> 0;
      },
      peek: () => this.#configAddress,
    };
    this.configData = {
      span: 0x10_0000,
      access: { valid: { min: 1, max: 4 }, impl: { min: 1, max: 4 }, byteOrder: 'little' },
      read: (offset, width) => this.#configDataRead(offset & 3, width),
      write: (offset, width, value) => this.#configDataWrite(offset & 3, width, value),
    };
    this.interruptAcknowledge = {
      span: 0x10_0000,
      access: { valid: { min: 1, max: 4 }, impl: { min: 1, max: 4 }, byteOrder: 'little' },
      read: (_offset, width) => (this.#bus.interruptAcknowledge() & ones(width)) >>> 0,
      write: (offset) => {
        this.log.guest('write to the interrupt acknowledge space at %x', offset);
        this.#transferError();
      },
    };
    options.bus.attach(this, 0);
    options.bus.attachHost(this);
    this.#follow();
  }

  /** What the bridge decodes on the CPU's bus, to be added to its map. RAM and ROM are the board's. */
  addressMap(): Region[] {
    return this.#mapA ? this.#addressMapA() : this.#addressMapB();
  }

  get inbound(): readonly InboundWindow[] {
    return this.#inbound;
  }

  masterAbort(space: PciSpace, pa: number, write: boolean): void {
    const first = !this.#errorDetected;
    this.setStatus(STATUS_RECEIVED_MASTER_ABORT);
    if (space === 'config' || !(this.config8(ERR_EN_R1) & ERR_EN_R1_PCI_MASTER_ABORT)) return;
    if (first) {
      this.setConfig(ERROR_ADDRESS, 4, pa);
      this.setConfig(PCI_BUS_ERROR_STATUS, 1, BUS_COMMAND[space][write ? 1 : 0]);
      this.setConfig(ERR_DR1, 1, this.config8(ERR_DR1) & ~ERR_DR1_PCI_CYCLE);
      this.setConfig(ERR_DR2, 1, this.config8(ERR_DR2) & ~ERR_DR2_INVALID_ERROR_ADDRESS);
      this.#mcp = (this.config32(PICR1) & PICR1_MCP_EN) !== 0;
      this.mcp.set(this.#mcp);
    }
    this.#transferError();
  }

  /** The processor took the machine check: it read the exception's vector. */
  machineCheckTaken(): void {
    this.#mcp = false;
    this.mcp.set(false);
  }

  override reset(kind: ResetKind): void {
    super.reset(kind);
    this.#configAddress = 0;
    this.#mcp = false;
    this.#follow();
  }

  override settle(): void {
    super.settle();
    this.#follow();
    this.mcp.set(this.#mcp);
    this.tea.set(false);
  }

  override save(): PlainFields {
    return { ...super.save(), configAddress: this.#configAddress, mcp: this.#mcp };
  }

  override restore(state: PlainFields): void {
    const fields = new SavedFields(this.id, state);
    const configAddress = fields.u32('configAddress');
    const mcp = fields.bool('mcp');
    super.restore(state);
    this.#configAddress = configAddress;
    this.#mcp = mcp;
  }

  protected override configWritten(offset: number): void {
    if (offset === ERROR_ADDRESS || (offset !== COMMAND && offset < PICR1)) return;
    // The vector's read cannot be seen from here: software that clears the error has taken the machine check.
    if (this.#mcp && !this.#errorDetected) this.machineCheckTaken();
    this.#follow();
  }

  // ---- Configuration cycles --------------------------------------------------------------------------------------

  #configDataRead(lane: number, width: Width): number {
    const cycle = this.#configCycle(lane);
    if (cycle === 'special') return (this.#bus.interruptAcknowledge() & ones(width)) >>> 0;
    if (cycle === undefined) return ones(width);
    return this.#bus.configRead(cycle.busNumber, cycle.device, cycle.fn, cycle.offset, width);
  }

  #configDataWrite(lane: number, width: Width, value: number): void {
    const cycle = this.#configCycle(lane);
    if (cycle === 'special') this.log.trace('special cycle %x', value);
    else if (cycle !== undefined) {
      this.#bus.configWrite(cycle.busNumber, cycle.device, cycle.fn, cycle.offset, width, value);
    }
  }

  /** What an access to CONFIG_DATA means; undefined when CONFIG_ADDR is not enabled. */
  #configCycle(
    lane: number,
  ): { busNumber: number | undefined; device: number; fn: number; offset: number } | 'special' | undefined {
    const address = this.#configAddress;
    if ((address & CONFIG_ADDR_ENABLE) === 0) {
      this.log.guest('CONFIG_DATA access while CONFIG_ADDR is %x', address);
      return undefined;
    }
    const busNumber = (address >>> 16) & 0xff;
    const device = (address >>> 11) & 0x1f;
    const fn = (address >>> 8) & 7;
    const offset = address & 0xfc;
    if (busNumber === 0 && device === SPECIAL_DEVICE && fn === 7 && offset === 0) return 'special';
    const local = busNumber === this.config8(BUS_NUMBER);
    return { busNumber: local ? undefined : busNumber, device, fn, offset: offset | lane };
  }

  // ---- Registers -------------------------------------------------------------------------------------------------

  #declareRegisters(): void {
    const all = { writable: 0xffff_ffff };
    this.register(CACHE_LINE_SIZE, 1, 8);
    this.register(LATENCY_TIMER, 1, 0);
    this.register(INTERRUPT_LINE, 1, 0);
    this.register(BUS_NUMBER, 1, 0);
    this.register(SUBORDINATE_BUS_NUMBER, 1, 0, all);
    this.register(DISCONNECT_COUNTER, 1, 0);
    this.register(SPECIAL_CYCLE_ADDRESS, 2, 0);
    this.register(PMCR1, 2, 0, all);
    this.register(PMCR2, 1, 0, all);
    this.register(ODCR, 1, 0xcd, all);
    for (const half of [0, 1] as const) {
      this.register(MEMORY_STARTING_ADDRESS[half], 4, 0, all);
      this.register(EXTENDED_MEMORY_STARTING_ADDRESS[half], 4, 0, { writable: 0x0303_0303 });
      this.register(MEMORY_ENDING_ADDRESS[half], 4, 0, all);
      this.register(EXTENDED_MEMORY_ENDING_ADDRESS[half], 4, 0, { writable: 0x0303_0303 });
    }
    this.register(MEMORY_BANK_ENABLE, 1, 0, all);
    this.register(MEMORY_PAGE_MODE, 1, 0, all);
    const strapped = PICR1_RCS0 | PICR1_ADDRESS_MAP_A | PICR1_MP_ID;
    this.register(PICR1, 4, 0xff10_0010 | (this.#mapA ? PICR1_ADDRESS_MAP_A : 0), { writable: ~strapped });
    this.register(PICR2, 4, 0x000c_060c, all);
    this.register(ECC_SINGLE_BIT_ERROR_COUNTER, 1, 0, all);
    this.register(ECC_SINGLE_BIT_ERROR_TRIGGER, 1, 0, all);
    this.register(AOVPR1, 1, 0x04, all);
    this.register(AOVPR2, 1, 0, all);
    this.register(ERR_EN_R1, 1, 0x01, all);
    this.register(ERR_DR1, 1, 0, { writeClears: 0xff });
    this.register(BUS_60X_ERROR_STATUS, 1, 0);
    this.register(ERR_EN_R2, 1, 0, all);
    this.register(ERR_DR2, 1, 0, { writeClears: 0xff });
    this.register(PCI_BUS_ERROR_STATUS, 1, 0);
    this.register(ERROR_ADDRESS, 4, 0);
    this.register(ESCR1, 4, 0x0fff_0042, all);
    this.register(MODIFIED_MEMORY_STATUS_NO_CLEAR, 4, 0);
    this.register(ESCR2, 4, 0x0000_0020, all);
    this.register(MODIFIED_MEMORY_STATUS_CLEAR, 4, 0);
    this.register(MCCR1, 4, 0xff82_0000, all);
    this.register(MCCR2, 4, 0x0000_0003, all);
    this.register(MCCR3, 4, 0, all);
    this.register(MCCR4, 4, 0x0010_0000, all);
  }

  get #errorDetected(): boolean {
    return (
      (this.config16(STATUS) & STATUS_DETECTED) !== 0 ||
      (this.config8(ERR_DR1) & ERR_DR1_DETECTED) !== 0 ||
      (this.config8(ERR_DR2) & ERR_DR2_DETECTED) !== 0
    );
  }

  #transferError(): void {
    if ((this.config32(PICR1) & PICR1_TEA_EN) === 0) return;
    this.tea.set(true);
    this.tea.set(false);
  }

  // ---- Address maps ----------------------------------------------------------------------------------------------

  /** Brings views and inbound windows in line with the registers. */
  #follow(): void {
    const escr1 = this.config32(ESCR1);
    this.system.setView(this.#views.ports, (this.config32(PICR1) & PICR1_NO_PORT_REGS) === 0);
    this.system.setView(this.#views.fdAlias, (escr1 & ESCR1_CPU_FD_ALIAS_EN) !== 0);
    this.system.setView(this.#views.compatibilityHole, (escr1 & ESCR1_PROC_COMPATIBILITY_HOLE) !== 0);
    this.#inbound = this.config16(COMMAND) & COMMAND_MEMORY ? this.#inboundWindows(escr1) : [];
  }

  #inboundWindows(escr1: number): InboundWindow[] {
    if (this.#mapA) return [{ first: 0x8000_0000, last: 0xfeff_ffff, system: 0 }];
    const hole = (escr1 & ESCR1_PCI_COMPATIBILITY_HOLE) !== 0;
    const memory: InboundWindow[] = hole
      ? [
          { first: 0, last: 0x0009_ffff, system: 0 },
          { first: 0x0010_0000, last: 0x7fff_ffff, system: 0x0010_0000 },
        ]
      : [{ first: 0, last: 0x7fff_ffff, system: 0 }];
    const alias = (escr1 & ESCR1_PCI_FD_ALIAS_EN) !== 0;
    return alias ? [...memory, { first: 0xfd00_0000, last: 0xfdff_ffff, system: 0 }] : memory;
  }

  #addressMapB(): Region[] {
    const { memory, io } = this.#bus;
    return [
      region(0x000a_0000, 0x000f_ffff).map(memory, 0x000a_0000).view(this.#views.compatibilityHole).priority(1),
      region(0x8000_0000, 0xfdff_ffff).map(memory, 0x8000_0000),
      region(0xfd00_0000, 0xfdff_ffff).map(memory, 0).view(this.#views.fdAlias).priority(1),
      region(0xfe00_0000, 0xfebf_ffff).map(io),
      ...this.#portRegisters(0xfe00_0000),
      region(0xfec0_0000, 0xfedf_ffff).device(this.configAddress, `${this.id}: CONFIG_ADDR`),
      region(0xfee0_0000, 0xfeef_ffff).device(this.configData, `${this.id}: CONFIG_DATA`),
      region(0xfef0_0000, 0xfeff_ffff).device(this.interruptAcknowledge, `${this.id}: interrupt acknowledge`),
    ];
  }

  #addressMapA(): Region[] {
    const { memory, io } = this.#bus;
    return [
      region(0x8000_0000, 0x807f_ffff).map(io),
      ...this.#portRegisters(0x8000_0000),
      region(0x8000_0cf8, 0x8000_0cfb).device(this.configAddress, `${this.id}: CONFIG_ADDR`).priority(1),
      region(0x8000_0cfc, 0x8000_0cff).device(this.configData, `${this.id}: CONFIG_DATA`).priority(1),
      region(0x8080_0000, 0x80ff_ffff).device(this.#directConfiguration(), `${this.id}: direct configuration`),
      region(0x8100_0000, 0xbf7f_ffff).map(io, 0x0100_0000),
      region(0xbfff_fff0, 0xbfff_ffff).device(this.interruptAcknowledge, `${this.id}: interrupt acknowledge`),
      region(0xc000_0000, 0xfeff_ffff).map(memory, 0),
    ];
  }

  /** Configuration cycles of map A without CONFIG_ADDR: one of the address bits 11 to 22 is the device's IDSEL. */
  #directConfiguration(): BusTarget {
    const device = (offset: number): number => {
      const select = offset & 0x7f_f800;
      return select !== 0 && (select & (select - 1)) === 0 ? 31 - Math.clz32(select) : SPECIAL_DEVICE;
    };
    return {
      span: 0x80_0000,
      access: { valid: { min: 1, max: 4 }, impl: { min: 1, max: 4 }, byteOrder: 'little' },
      read: (offset, width) =>
        this.#bus.configRead(undefined, device(offset), (offset >>> 8) & 7, offset & 0xff, width),
      write: (offset, width, value) =>
        this.#bus.configWrite(undefined, device(offset), (offset >>> 8) & 7, offset & 0xff, width, value),
    };
  }

  /** The external configuration registers: the same bits of PICR1 and PICR2 at I/O addresses. */
  #portRegisters(io: number): Region[] {
    const ports = [
      { at: 0x092, name: 'external configuration register 1', bits: [[PICR1, PICR1_LE_MODE, 0x02]] },
      {
        at: 0x81c,
        name: 'external configuration register 2',
        bits: [
          [PICR2, PICR2_L2_UPDATE_EN, 0x80],
          [PICR2, PICR2_L2_EN, 0x40],
          [PICR1, PICR1_TEA_EN, 0x20],
          [PICR2, PICR2_FLUSH_L2, 0x10],
        ],
      },
      { at: 0x850, name: 'external configuration register 3', bits: [[PICR1, PICR1_XIO_MODE, 0x01]] },
    ] as const;
    return ports.map(({ at, name, bits }) => {
      const target: BusTarget = {
        span: 1,
        access: { valid: { min: 1, max: 1 }, impl: { min: 1, max: 1 }, byteOrder: 'big' },
        read: () => bits.reduce((byte, [register, bit, here]) => byte | (this.config32(register) & bit ? here : 0), 0),
        write: (_offset, _width, value) => {
          for (const [register, bit, here] of bits) {
            const others = this.config32(register) & ~bit;
            this.configWrite(register, 4, (value & here ? others | bit : others) >>> 0);
          }
        },
      };
      const row = region(io + at, io + at).device(target, `${this.id}: ${name}`);
      return row.view(this.#views.ports).priority(1);
    });
  }
}
