// SPDX-License-Identifier: MIT
/**
 * A parallel SCSI bus of eight addresses, as chips see it: who holds it, in which phase, and the REQ/ACK handshake of
 * any number of bytes at once.
 *
 * Sockets: initiators (host adapters) and targets, each at its SCSI address.
 * Documents: [SCSI-2] X3.131-1994 §6 (phases, conditions).
 * Not modelled: parity, the analogue bus, 16-bit transfers, more than one device arbitrating in the same instant (the
 * first one wins).
 */
import type { ChipContext } from '../../backplane/board.ts';
import { type Device, type PlainFields, type ResetKind, SavedFields, SnapshotError } from '../../backplane/device.ts';
import { PHASE, type Phase } from './scsi.ts';

export const SCSI_ADDRESSES = 8;

/** A host adapter. Called from targets' timed events, never from inside its own calls of the bus. */
export interface ScsiInitiator {
  /** REQ was asserted or negated, the phase changed, the bus was taken or let go. */
  busChanged(): void;
  /** A target wants to go on with a command. True: this initiator answers. */
  reselected(target: number): boolean;
  /** Some other device asserted (or negated) RST. */
  busReset(asserted: boolean): void;
}

/** A device that carries out commands. Its answers to the handshake come later, by {@link ScsiBus.request}. */
export interface ScsiBusTarget {
  /** An initiator selects this target. True: it answers with BSY. */
  selected(initiator: number): boolean;
  /** The initiator sends bytes in the current phase; how many were taken. */
  take(bytes: Uint8Array): number;
  /** The initiator takes bytes in the current phase; how many there were. */
  give(into: Uint8Array): number;
  /** ACK of a message byte was negated: the initiator accepts it (or has raised ATN before). */
  acknowledged(): void;
  /** RST was asserted. */
  busReset(): void;
}

export class ScsiBus implements Device {
  readonly id: string;
  readonly #initiators: (ScsiInitiator | undefined)[] = new Array<undefined>(SCSI_ADDRESSES).fill(undefined);
  readonly #targets: (ScsiBusTarget | undefined)[] = new Array<undefined>(SCSI_ADDRESSES).fill(undefined);
  /** Addresses of the two connected devices, or -1. During arbitration and selection only the initiator. */
  #initiator = -1;
  #target = -1;
  #phase: Phase = PHASE.dataOut;
  #req = false;
  #ack = false;
  #atn = false;
  /** One bit for each device that holds RST. */
  #rst = 0;

  constructor(chip: ChipContext) {
    this.id = chip.id;
  }

  attachInitiator(address: number, initiator: ScsiInitiator): void {
    this.#initiators[address] = initiator;
  }

  attachTarget(address: number, target: ScsiBusTarget): void {
    if (this.#targets[address] !== undefined) throw new Error(`${this.id}: two targets at address ${address}`);
    this.#targets[address] = target;
  }

  /** An initiator's address can be programmed. */
  moveInitiator(from: number, to: number): void {
    if (from === to) return;
    this.#initiators[to] = this.#initiators[from];
    this.#initiators[from] = undefined;
    if (this.#initiator === from) this.#initiator = to;
  }

  // The lines.

  get free(): boolean {
    return this.#initiator < 0 && this.#rst === 0;
  }

  /** BSY: held by whoever arbitrates, then by the target. */
  get bsy(): boolean {
    return this.#initiator >= 0 && this.#target >= 0;
  }

  /** SEL: an initiator has won arbitration and no target has answered yet. */
  get sel(): boolean {
    return this.#initiator >= 0 && this.#target < 0;
  }

  get req(): boolean {
    return this.#req;
  }

  get ack(): boolean {
    return this.#ack;
  }

  get atn(): boolean {
    return this.#atn;
  }

  get rst(): boolean {
    return this.#rst !== 0;
  }

  get phase(): Phase {
    return this.#phase;
  }

  /** Is `initiator` connected to a target? */
  connected(initiator: number): boolean {
    return this.#initiator === initiator && this.#target >= 0;
  }

  /** Does `initiator` hold the bus, having won arbitration, and not yet have a target? */
  arbitrated(initiator: number): boolean {
    return this.#initiator === initiator && this.#target < 0;
  }

  // What initiators do.

  /** Takes a free bus. */
  arbitrate(initiator: number): boolean {
    if (!this.free) return false;
    this.#initiator = initiator;
    this.#target = -1;
    this.#atn = false;
    return true;
  }

  /** Selects a target after winning arbitration. False: none answers; the initiator goes on trying or lets go. */
  select(initiator: number, target: number, atn: boolean): boolean {
    if (!this.arbitrated(initiator)) return false;
    this.#atn = atn;
    if (target === initiator || this.#targets[target]?.selected(initiator) !== true) return false;
    this.#target = target;
    this.#phase = PHASE.dataOut;
    this.#req = this.#ack = false;
    return true;
  }

  /** Gives up arbitration or selection. */
  release(initiator: number): void {
    if (this.arbitrated(initiator)) this.#becomeFree();
  }

  setAtn(initiator: number, level: boolean): void {
    if (this.#initiator === initiator) this.#atn = level;
  }

  /** Takes bytes from the target in an input phase. A message byte leaves ACK asserted. */
  receive(initiator: number, into: Uint8Array): number {
    if (!this.connected(initiator) || !this.#req || this.#ack || (this.#phase & 1) === 0) return 0;
    if (this.#phase !== PHASE.messageIn) return this.#targets[this.#target]!.give(into);
    if (into.length === 0) return 0;
    const got = this.#targets[this.#target]!.give(into.subarray(0, 1));
    if (got > 0) {
      this.#ack = true;
      this.#req = false;
    }
    return got;
  }

  /** Sends bytes to the target in an output phase. */
  send(initiator: number, bytes: Uint8Array): number {
    if (!this.connected(initiator) || !this.#req || (this.#phase & 1) !== 0) return 0;
    return this.#targets[this.#target]!.take(bytes);
  }

  /** Negates the ACK of a message byte. */
  acknowledge(initiator: number): void {
    if (!this.connected(initiator) || !this.#ack) return;
    this.#ack = false;
    this.#targets[this.#target]!.acknowledged();
  }

  /** Drives RST from the device at `address`. */
  setReset(address: number, level: boolean): void {
    const was = this.rst;
    this.#rst = level ? this.#rst | (1 << address) : this.#rst & ~(1 << address);
    if (was === this.rst) return;
    if (this.rst) {
      for (const target of this.#targets) target?.busReset();
      this.#clear();
    }
    for (const [at, initiator] of this.#initiators.entries()) if (at !== address) initiator?.busReset(level);
    this.#notify();
  }

  // What targets do.

  /** Asserts REQ in `phase`. */
  request(target: number, phase: Phase): void {
    if (this.#target !== target) return;
    this.#phase = phase;
    this.#req = true;
    this.#notify();
  }

  /** Negates REQ: the phase is over, or the target is not ready for more. */
  pause(target: number): void {
    if (this.#target === target) this.#req = false;
  }

  /** Lets go of the bus. */
  disconnect(target: number): void {
    if (this.#target === target) this.#becomeFree();
  }

  /** Goes back to an initiator. `busy`: the bus is not free; `ignored`: the initiator does not answer. */
  reselect(target: number, initiator: number): 'connected' | 'busy' | 'ignored' {
    if (!this.free) return 'busy';
    this.#initiator = initiator;
    this.#target = target;
    this.#phase = PHASE.messageIn;
    this.#req = this.#ack = this.#atn = false;
    if (this.#initiators[initiator]?.reselected(target) === true) return 'connected';
    this.#clear();
    return 'ignored';
  }

  reset(_kind: ResetKind): void {
    this.#clear();
    this.#rst = 0;
  }

  settle(): void {}

  save(): PlainFields {
    return {
      initiator: this.#initiator,
      target: this.#target,
      phase: this.#phase,
      req: this.#req,
      ack: this.#ack,
      atn: this.#atn,
      rst: this.#rst,
    };
  }

  restore(state: PlainFields): void {
    const fields = new SavedFields(this.id, state);
    this.#initiator = fields.int('initiator', -1, SCSI_ADDRESSES - 1);
    this.#target = fields.int('target', -1, SCSI_ADDRESSES - 1);
    if (this.#target >= 0 && this.#targets[this.#target] === undefined) {
      throw new SnapshotError(`${this.id}: connected to target ${this.#target}, which this machine does not have`);
    }
    const phase = fields.int('phase', 0, 7);
    const known = Object.values(PHASE).find((value) => value === phase);
    if (known === undefined) throw new SnapshotError(`${this.id}: reserved phase ${phase}`);
    this.#phase = known;
    this.#req = fields.bool('req');
    this.#ack = fields.bool('ack');
    this.#atn = fields.bool('atn');
    this.#rst = fields.u8('rst');
  }

  #clear(): void {
    this.#initiator = this.#target = -1;
    this.#phase = PHASE.dataOut;
    this.#req = this.#ack = this.#atn = false;
  }

  #becomeFree(): void {
    this.#clear();
    this.#notify();
  }

  #notify(): void {
    for (const initiator of this.#initiators) initiator?.busChanged();
  }
}
