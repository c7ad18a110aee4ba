// SPDX-License-Identifier: MIT
//
// The registers of one IA-64 CPU area (core/ia64/state.ts), for the host while the CPU is not executing.
import { ALAT, AREA_SIZE, CPU, FR, GR, NAT } from './gen/state.ts';

export { AREA_SIZE } from './gen/state.ts';

/** Why run() returned. */
export const REASON = { budget: 0, attention: 1, syscall: 2, break: 3, fault: 4, step: 5 } as const;

/** FAULT_* of core/ia64/state.ts by number. */
export const FAULT_KINDS = [
  'none',
  'illegal',
  'privileged',
  'privilegedRegister',
  'reserved',
  'natConsumption',
  'unaligned',
  'page',
  'fpFault',
  'fpTrap',
  'unsupportedData',
  'badAddress',
  'natPage',
] as const;

export const ACCESS = { read: 1, write: 2, execute: 4, rse: 8 } as const;

const CFM_MASK = (1n << 38n) - 1n;
const MASK64 = (1n << 64n) - 1n;

type Field = keyof typeof CPU;

export class Ia64State {
  readonly base: number;
  readonly #view: DataView;

  constructor(memory: WebAssembly.Memory, base: number) {
    this.base = base;
    this.#view = new DataView(memory.buffer, base, AREA_SIZE);
  }

  #get(field: Field): bigint {
    return this.#view.getBigUint64(CPU[field].offset, true);
  }

  #set(field: Field, value: bigint): void {
    this.#view.setBigUint64(CPU[field].offset, value & MASK64, true);
  }

  #get32(field: Field): number {
    return this.#view.getUint32(CPU[field].offset, true);
  }

  #set32(field: Field, value: number): void {
    this.#view.setUint32(CPU[field].offset, value, true);
  }

  // --- General registers of the current frame, as the program names them

  gr(n: number): bigint {
    return this.#view.getBigUint64(GR + n * 8, true);
  }

  grNat(n: number): boolean {
    return this.#view.getUint8(NAT + n) !== 0;
  }

  setGr(n: number, value: bigint, nat = false): void {
    if (n === 0) return;
    this.#view.setBigUint64(GR + n * 8, value & MASK64, true);
    this.#view.setUint8(NAT + n, nat ? 1 : 0);
    if (nat) this.#set32('nats', 1);
  }

  br(n: number): bigint {
    return this.#view.getBigUint64(CPU.br0.offset + n * 8, true);
  }

  setBr(n: number, value: bigint): void {
    this.#view.setBigUint64(CPU.br0.offset + n * 8, value & MASK64, true);
  }

  // --- Floating-point registers, as the program names them

  #fr(n: number): number {
    const rotated = n < 32 ? n : 32 + ((n - 32 + this.#get32('rrb_fr')) % 96);
    return FR + rotated * 16;
  }

  frSignificand(n: number): bigint {
    return this.#view.getBigUint64(this.#fr(n), true);
  }

  /** Sign in bit 17, exponent below. */
  frSignExponent(n: number): number {
    return this.#view.getUint32(this.#fr(n) + 8, true);
  }

  setFr(n: number, significand: bigint, signExponent: number): void {
    if (n < 2) return;
    this.#view.setBigUint64(this.#fr(n), significand & MASK64, true);
    this.#view.setUint32(this.#fr(n) + 8, signExponent & 0x3_ffff, true);
  }

  /** A register in the 16 bytes of stf.spill. */
  spillFr(n: number, to: DataView, offset: number): void {
    to.setBigUint64(offset, this.frSignificand(n), true);
    to.setBigUint64(offset + 8, BigInt(this.frSignExponent(n)), true);
  }

  fillFr(n: number, from: DataView, offset: number): void {
    this.setFr(n, from.getBigUint64(offset, true), Number(from.getBigUint64(offset + 8, true) & 0x3_ffffn));
  }

  // --- Predicates, ip, frame

  /** As mov from pr gives them: not rotated. */
  get pr(): bigint {
    return turn(this.#get('pr'), this.#rrbPr());
  }

  set pr(value: bigint) {
    this.#set('pr', turn(value | 1n, (48 - this.#rrbPr()) % 48));
  }

  #rrbPr(): number {
    return Number((this.#get('cfm') >> 32n) & 0x3fn) % 48;
  }

  /** A predicate by its current name. */
  predicate(n: number): boolean {
    return ((this.#get('pr') >> BigInt(n)) & 1n) !== 0n;
  }

  get ip(): bigint {
    return this.#get('ip');
  }

  set ip(value: bigint) {
    this.#set('ip', value & ~0xfn);
    this.#set32('at', 0);
  }

  get slot(): number {
    return this.#get32('ri');
  }

  set slot(value: number) {
    this.#set32('ri', value);
    this.#set32('at', 0);
  }

  get cfm(): bigint {
    return this.#get('cfm');
  }

  /** Registers stay where they are: for a frame marker that rotates, set them afterwards. */
  set cfm(value: bigint) {
    const pr = this.pr;
    this.#set('cfm', value & CFM_MASK);
    this.#set32('rrb_fr', Number((value >> 25n) & 0x7fn) % 96);
    this.pr = pr;
  }

  get um(): number {
    return this.#get32('um');
  }

  set um(value: number) {
    this.#set32('um', value & 0x3e);
  }

  // --- Application registers

  get rsc(): bigint {
    return this.#get('rsc');
  }

  set rsc(value: bigint) {
    this.#set('rsc', value);
  }

  get bsp(): bigint {
    return this.#get('bsp');
  }

  /** Every frame but the current one is in memory, so this is bsp but for what loadrs has brought in. */
  get bspstore(): bigint {
    return this.#get('bsp') - this.#get('dirty');
  }

  /** The register stack goes on at `value`; nothing is taken along. */
  set bspstore(value: bigint) {
    this.#set('bsp', value & ~7n);
    this.#set('dirty', 0n);
    this.#set('rse_tag', 1n);
  }

  /** Register r32 + n of the frame, with its NaT bit. */
  stacked(n: number): bigint {
    return this.gr(32 + n);
  }

  stackedNat(n: number): boolean {
    return this.grNat(32 + n);
  }

  setStacked(n: number, value: bigint, nat: boolean): void {
    this.setGr(32 + n, value, nat);
  }

  /** The register stack begins anew with an unwritten frame at `bsp`; its registers are set afterwards. */
  resetStack(bsp: bigint, rnat: bigint, cfm: bigint): void {
    this.bspstore = bsp;
    this.rnat = rnat;
    this.cfm = cfm;
    for (let n = 0; n < 96; n++) this.setStacked(n, 0n, false);
    this.forgetAdvancedLoads();
  }

  get rnat(): bigint {
    return this.#get('rnat');
  }

  set rnat(value: bigint) {
    this.#set('rnat', value & (MASK64 >> 1n));
  }

  get ccv(): bigint {
    return this.#get('ccv');
  }

  set ccv(value: bigint) {
    this.#set('ccv', value);
  }

  get unat(): bigint {
    return this.#get('unat');
  }

  set unat(value: bigint) {
    this.#set('unat', value);
  }

  get fpsr(): bigint {
    return this.#get('fpsr');
  }

  set fpsr(value: bigint) {
    this.#set('fpsr', value);
  }

  get pfs(): bigint {
    return this.#get('pfs');
  }

  set pfs(value: bigint) {
    this.#set('pfs', value);
  }

  get lc(): bigint {
    return this.#get('lc');
  }

  set lc(value: bigint) {
    this.#set('lc', value);
  }

  get ec(): bigint {
    return this.#get('ec');
  }

  set ec(value: bigint) {
    this.#set('ec', value & 0x3fn);
  }

  get csd(): bigint {
    return this.#get('csd');
  }

  set csd(value: bigint) {
    this.#set('csd', value);
  }

  get ssd(): bigint {
    return this.#get('ssd');
  }

  set ssd(value: bigint) {
    this.#set('ssd', value);
  }

  // --- The rest

  /** Address of the address space's page (core/ia64/page-table.ts). Call newSpace() of the core after a change. */
  get space(): number {
    return this.#get32('space');
  }

  set space(value: number) {
    this.#set32('space', value);
  }

  get reason(): number {
    return this.#get32('reason');
  }

  get fault(): (typeof FAULT_KINDS)[number] {
    return FAULT_KINDS[this.#get32('fault')] ?? 'none';
  }

  /** ACCESS bits of a fault. */
  get access(): number {
    return this.#get32('access');
  }

  get address(): bigint {
    return this.#get('address');
  }

  get isr(): number {
    return this.#get32('isr');
  }

  get breakImmediate(): bigint {
    return this.#get('immediate');
  }

  /** Offset in the memory of the word that gets the thread's attention. */
  get attentionOffset(): number {
    return this.base + CPU.attention.offset;
  }

  forgetAdvancedLoads(): void {
    this.#set32('alat', 0);
  }

  /** Everything the program can see; not the address space, nor what a core keeps for itself. */
  copyFrom(other: Ia64State): void {
    const bytes = (state: Ia64State, from: number, to: number): Uint8Array =>
      new Uint8Array(state.#view.buffer, state.base + from, to - from);
    bytes(this, 0, CPU.ticks.offset).set(bytes(other, 0, CPU.ticks.offset));
    bytes(this, GR, ALAT).set(bytes(other, GR, ALAT));
    this.#set32('at', 0);
    this.#set('rse_tag', 1n);
    this.forgetAdvancedLoads();
  }
}

/** The rotating predicates turned left. */
function turn(value: bigint, count: number): bigint {
  if (count === 0) return value;
  const bits = value >> 16n;
  const turned = ((bits << BigInt(count)) | (bits >> BigInt(48 - count))) & ((1n << 48n) - 1n);
  return (value & 0xffffn) | (turned << 16n);
}
