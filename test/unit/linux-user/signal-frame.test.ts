// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { SA_ONSTACK, SIGSEGV, SS_DISABLE } from '../../../machines/linux-user/abi/signals.ts';
import type { CpuState } from '../../../machines/linux-user/cpu.ts';
import { PAGE_SIZE, vaFromBig } from '../../../machines/linux-user/memory/address.ts';
import { AddressSpace } from '../../../machines/linux-user/memory/address-space.ts';
import { PagePool } from '../../../machines/linux-user/memory/page-pool.ts';
import { SC, enterHandler, leaveHandler } from '../../../machines/linux-user/process/signal-frame.ts';

const STACK = 0x6000_0fff_0000_0000n;
const RBS = 0x6000_0800_0000_0000n;
const CODE = 0x4000_0000_0000_0000n;
const ALT = 0x2000_0000_0000_0000n;
const RETURN = 0xa000_0000_0000_0890n;

class FakeCpu implements CpuState {
  grs = Array.from({ length: 128 }, () => 0n);
  nats = Array.from({ length: 128 }, () => false);
  brs = Array.from({ length: 8 }, () => 0n);
  frs = Array.from({ length: 128 }, () => 0n);
  pr = 1n;
  ip = CODE + 0x100n;
  slot = 1;
  cfm = 0n;
  um = 0;
  rsc = 0xfn;
  bsp = RBS;
  rnat = 0n;
  ccv = 5n;
  unat = 0n;
  fpsr = 0n;
  pfs = 0n;
  lc = 0n;
  ec = 0n;
  csd = 0n;
  ssd = 0n;
  gr(n: number): bigint {
    return this.grs[n]!;
  }
  grNat(n: number): boolean {
    return this.nats[n]!;
  }
  setGr(n: number, value: bigint, nat = false): void {
    this.grs[n] = value;
    this.nats[n] = nat;
  }
  br(n: number): bigint {
    return this.brs[n]!;
  }
  setBr(n: number, value: bigint): void {
    this.brs[n] = value;
  }
  spillFr(n: number, to: DataView, offset: number): void {
    to.setBigUint64(offset, this.frs[n]!, true);
  }
  fillFr(n: number, from: DataView, offset: number): void {
    this.frs[n] = from.getBigUint64(offset, true);
  }
  frameRegister(index: number): bigint {
    return this.gr(32 + index);
  }
  frameNat(index: number): boolean {
    return this.grNat(32 + index);
  }
  setFrameRegister(index: number, value: bigint, nat: boolean): void {
    this.setGr(32 + index, value, nat);
  }
  resetStack(bsp: bigint, rnat: bigint, cfm: bigint): void {
    Object.assign(this, { bsp, rnat, cfm });
    for (let n = 32; n < 128; n++) this.setGr(n, 0n);
  }
  reset(): void {
    this.grs.fill(0n);
  }
  copyRegisters(): void {}
}

function setUp(): { cpu: FakeCpu; space: AddressSpace } {
  const space = new AddressSpace(new PagePool(new ArrayBuffer(128 * PAGE_SIZE), PAGE_SIZE, 128 * PAGE_SIZE));
  for (const [at, pages] of [
    [STACK, 8],
    [RBS, 4],
    [CODE, 1],
    [ALT, 16],
  ] as const) {
    space.map({ start: vaFromBig(at), end: vaFromBig(at) + pages * PAGE_SIZE, prot: 3 });
  }
  space.writeU64(vaFromBig(CODE), CODE + 0x200n); // the handler's descriptor
  space.writeU64(vaFromBig(CODE + 8n), 0x1234n);
  const cpu = new FakeCpu();
  cpu.setGr(12, STACK + 0x1_0000n);
  for (let n = 1; n < 32; n++) if (n !== 12) cpu.setGr(n, BigInt(n) * 0x111n, n === 9);
  for (let n = 0; n < 90; n++) cpu.setGr(32 + n, BigInt(n) + 1000n, n % 5 === 0);
  for (let n = 2; n < 128; n++) cpu.frs[n] = BigInt(n) * 7n;
  cpu.cfm = 90n | (20n << 7n);
  cpu.bsp = RBS + 40n * 8n;
  cpu.pr = 0xabcd_ef01n;
  return { cpu, space };
}

const snapshot = (cpu: FakeCpu): unknown => ({
  ...cpu,
  grs: cpu.grs.slice(0, 122),
  nats: cpu.nats.slice(0, 122),
  // b6 and f16-f31 are the handler's own business.
  brs: [cpu.brs[0], cpu.brs[7]],
  frs: [...cpu.frs.slice(6, 16), ...cpu.frs.slice(32)],
});

describe('signal frames', () => {
  for (const onAlt of [false, true]) {
    it(`restores everything${onAlt ? ' from the alternate stack' : ''}`, () => {
      const { cpu, space } = setUp();
      const before = snapshot(structuredCloneOf(cpu));
      const alt = onAlt ? { sp: ALT, size: BigInt(16 * PAGE_SIZE), flags: 0 } : { sp: 0n, size: 0n, flags: SS_DISABLE };
      const entered = enterHandler(cpu, space, alt, {
        signal: SIGSEGV,
        action: { handler: CODE, flags: SA_ONSTACK, mask: 0n },
        info: { signo: SIGSEGV, code: 1, address: 0x77n },
        savedMask: 0x55n,
        inSyscall: false,
        returnAddress: RETURN,
      });
      expect(entered).toBe(true);
      expect([cpu.ip, cpu.gr(1), cpu.br(0), cpu.gr(32)]).toEqual([CODE + 0x200n, 0x1234n, RETURN, BigInt(SIGSEGV)]);
      const context = cpu.gr(34);
      expect(space.readU64(vaFromBig(context + BigInt(SC.ip)))).toBe(CODE + 0x101n);
      expect(space.readU64(vaFromBig(cpu.gr(33) + 16n))).toBe(0x77n);
      expect(cpu.bsp >= (onAlt ? ALT : RBS) && cpu.bsp < (onAlt ? ALT : RBS) + 0x1000n).toBe(true);
      for (let n = 32; n < 128; n++) cpu.setGr(n, 99n);
      cpu.grs.fill(3n, 14, 32);
      cpu.frs.fill(8n, 32);
      cpu.cfm = 3n;
      expect(leaveHandler(cpu, space, alt)).toBe(0x55n);
      expect(snapshot(cpu)).toEqual(before);
    });
  }

  it('gives up when there is no stack', () => {
    const { cpu, space } = setUp();
    cpu.setGr(12, 0x100n);
    const action = { handler: CODE, flags: 0, mask: 0n };
    const delivery = {
      signal: 11,
      action,
      info: { signo: 11, code: 1 },
      savedMask: 0n,
      inSyscall: false,
      returnAddress: RETURN,
    };
    expect(enterHandler(cpu, space, { sp: 0n, size: 0n, flags: SS_DISABLE }, delivery)).toBe(false);
    expect(leaveHandler(cpu, space, { sp: 0n, size: 0n, flags: SS_DISABLE })).toBeUndefined();
  });
});

function structuredCloneOf(cpu: FakeCpu): FakeCpu {
  return Object.assign(new FakeCpu(), structuredClone({ ...cpu }));
}
