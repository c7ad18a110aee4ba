// SPDX-License-Identifier: MIT
import type { ChipContext } from '../../backplane/board.ts';
import { BYTE_REGISTERS, type BusTarget, type Width } from '../../backplane/bus.ts';
import type { Device, PlainFields, ResetKind } from '../../backplane/device.ts';
import { SavedFields } from '../../backplane/device.ts';
import type { DeviceLog } from '../../backplane/log.ts';

// Registers of the cell, as numbered by the "MacRISC" addresses (offset >> 4).
const CONTROL_B = 0x0;
const DATA_B = 0x1;
const CONTROL_A = 0x2;
const DATA_A = 0x3;
const ENHANCEMENT_B = 0x4;
const ENHANCEMENT_A = 0x5;
const RECOVERY_COUNT = 0x8;
const START_A = 0x9; // LocalTalk protocol cell
const START_B = 0xa;
const DETECT_AB = 0xb;

/** The SCC's own four addresses. */
const SCC_PORT = new Map([
  [CONTROL_B, 0],
  [CONTROL_A, 1],
  [DATA_B, 2],
  [DATA_A, 3],
]);

/** The compatible addresses (offset >> 1) in terms of the MacRISC ones. */
const COMPATIBLE = [CONTROL_B, CONTROL_A, DATA_B, DATA_A, ENHANCEMENT_B, ENHANCEMENT_A];

/** The bit of the enhancement registers that exists: CTS and DCD come from general-purpose inputs instead. */
const ENHANCEMENT_BITS = 0x10;

/**
 * What Apple's I/O controllers (GrandCentral, O'Hare, Heathrow, …) put around the 85C30: two address layouts, the
 * GeoPort enhancement registers and the beginnings of the LocalTalk protocol cell.
 *
 * Sockets: `macRisc` (span 0x100, a register every 16 bytes) and `compatible` (span 0x10, every 2 bytes); the SCC's
 * four byte registers. The wires stay the SCC's.
 * Documents: [MACIO] in docs/references.md.
 * Not modelled: what the enhancement bit and the LocalTalk cell do (they read back; starting the cell reports that the
 * line was found aborted, so that a driver goes on); the recovery time between accesses.
 */
export class MacioEscc implements Device {
  readonly id: string;
  readonly macRisc: BusTarget;
  readonly compatible: BusTarget;
  readonly #scc: BusTarget;
  readonly #log: DeviceLog;
  readonly #enhancement = new Uint8Array(2); // B, A
  #recoveryCount = 8;
  #start = 0; // bit 0 B, 1 A

  constructor(context: ChipContext, scc: BusTarget) {
    this.id = context.id;
    this.#log = context.log;
    this.#scc = scc;
    this.macRisc = this.#target(0x100, (offset) => offset >>> 4);
    this.compatible = this.#target(0x10, (offset) => COMPATIBLE[offset >>> 1] ?? -1);
  }

  #target(span: number, register: (offset: number) => number): BusTarget {
    return {
      span,
      access: BYTE_REGISTERS,
      read: (offset: number, _width: Width) => this.#read(register(offset)),
      write: (offset: number, _width: Width, value: number) => {
        this.#write(register(offset), value & 0xff);
      },
      peek: (offset: number) => {
        const port = SCC_PORT.get(register(offset));
        return port === undefined ? this.#own(register(offset)) : this.#scc.peek?.(port);
      },
    };
  }

  #read(register: number): number {
    const port = SCC_PORT.get(register);
    if (port !== undefined) return this.#scc.read(port, 1);
    const value = this.#own(register);
    if (value === undefined) this.#log.unimp('read of register %x', register);
    return value ?? 0;
  }

  #own(register: number): number | undefined {
    switch (register) {
      case ENHANCEMENT_B:
      case ENHANCEMENT_A:
        return this.#enhancement[register - ENHANCEMENT_B]!;
      case RECOVERY_COUNT:
        return this.#recoveryCount;
      case START_A:
        return this.#start >>> 1;
      case START_B:
        return this.#start & 1;
      case DETECT_AB:
        return this.#start; // bit 0 B, 1 A
      default:
        return undefined;
    }
  }

  #write(register: number, value: number): void {
    const port = SCC_PORT.get(register);
    if (port !== undefined) {
      this.#scc.write(port, 1, value);
      return;
    }
    switch (register) {
      case ENHANCEMENT_B:
      case ENHANCEMENT_A:
        this.#enhancement[register - ENHANCEMENT_B] = value & ENHANCEMENT_BITS;
        break;
      case RECOVERY_COUNT:
        this.#recoveryCount = value;
        break;
      case START_A:
        this.#start = (this.#start & 1) | ((value & 1) << 1);
        break;
      case START_B:
        this.#start = (this.#start & 2) | (value & 1);
        break;
      default:
        this.#log.unimp('write of %x to register %x', value, register);
    }
  }

  reset(_kind: ResetKind): void {
    this.#enhancement.fill(0);
    this.#recoveryCount = 8;
    this.#start = 0;
  }

  settle(): void {}

  save(): PlainFields {
    return { enhancement: this.#enhancement.slice(), recoveryCount: this.#recoveryCount, start: this.#start };
  }

  restore(state: PlainFields): void {
    const saved = new SavedFields(this.id, state);
    this.#enhancement.set(saved.bytes('enhancement', 2));
    this.#recoveryCount = saved.u8('recoveryCount');
    this.#start = saved.int('start', 0, 3);
  }
}
