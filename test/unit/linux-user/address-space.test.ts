// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { BAD_VA, PAGE_SIZE, REGION_SPAN, vaFromBig, vaToBig } from '../../../machines/linux-user/memory/address.ts';
import { AddressSpace } from '../../../machines/linux-user/memory/address-space.ts';
import { PageCache, type Mappable } from '../../../machines/linux-user/memory/page-cache.ts';
import { PagePool } from '../../../machines/linux-user/memory/page-pool.ts';

const poolOf = (pages = 256): PagePool =>
  new PagePool(new SharedArrayBuffer((pages + 1) * PAGE_SIZE), PAGE_SIZE, (pages + 1) * PAGE_SIZE);
const AT = REGION_SPAN;
const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);

describe('addresses', () => {
  it('keeps region and offset of an address', () => {
    for (const address of [0n, 0x2000_0000_0000_0000n, 0x6000_0fff_ffff_bff0n, 0xa000_0000_0000_0890n]) {
      expect(vaToBig(vaFromBig(address))).toBe(address);
    }
  });

  it('has no place for addresses with unimplemented bits', () => {
    expect(vaFromBig(0x2000_1000_0000_0000n)).toBe(BAD_VA);
    expect(vaFromBig(0x1fff_ffff_ffff_ffffn)).toBe(BAD_VA);
  });
});

describe('AddressSpace', () => {
  it('fills pages with zeroes when they are touched', () => {
    const space = new AddressSpace(poolOf());
    space.map({ start: AT, end: AT + 4 * PAGE_SIZE, prot: 3 });
    expect(space.isResident(AT + PAGE_SIZE)).toBe(false);
    expect(space.readU64(AT + PAGE_SIZE + 8)).toBe(0n);
    expect(space.isResident(AT + PAGE_SIZE)).toBe(true);
  });

  it('tells missing areas from missing rights', () => {
    const space = new AddressSpace(poolOf());
    space.map({ start: AT, end: AT + PAGE_SIZE, prot: 1 });
    expect(space.fault(AT + PAGE_SIZE, 'read')).toBe('maperr');
    expect(space.fault(AT, 'write')).toBe('accerr');
    expect(space.fault(AT, 'execute')).toBe('accerr');
    expect(space.fault(AT, 'read')).toBe('ok');
    expect(space.fault(BAD_VA, 'read')).toBe('maperr');
  });

  it('has limits of its own after a fork', () => {
    const parent = new AddressSpace(poolOf());
    const child = parent.clone(parent.limits);
    child.limits.addressSpace = PAGE_SIZE;
    expect([parent.hasRoom(2 * PAGE_SIZE, true), child.hasRoom(2 * PAGE_SIZE, true)]).toEqual([true, false]);
  });

  it('refuses to promise one process more memory than there is', () => {
    const space = new AddressSpace(poolOf(256));
    const half = 128 * PAGE_SIZE;
    space.map({ start: AT, end: AT + half, prot: 3 });
    expect(space.hasRoom(half, true)).toBe(true);
    space.map({ start: AT + half, end: AT + 2 * half, prot: 3, reserved: false });
    expect(space.hasRoom(half, true)).toBe(true);
    space.map({ start: AT + 2 * half, end: AT + 3 * half, prot: 3 });
    expect([space.hasRoom(half, true), space.hasRoom(half, false)]).toEqual([false, true]);
  });

  it('copies a page when one of two spaces writes it', () => {
    const pool = poolOf();
    const parent = new AddressSpace(pool);
    parent.map({ start: AT, end: AT + PAGE_SIZE, prot: 3 });
    parent.write(AT, bytes(1, 2, 3));
    let flushed = 0;
    parent.onShootdown = () => flushed++;
    const child = parent.clone(parent.limits);
    expect(flushed).toBe(1);
    child.write(AT, bytes(9));
    expect(parent.read(AT, 3)).toEqual(bytes(1, 2, 3));
    expect(child.read(AT, 3)).toEqual(bytes(9, 2, 3));
    parent.write(AT + 1, bytes(7));
    expect(child.read(AT, 3)).toEqual(bytes(9, 2, 3));
  });

  it('shares what is mapped shared over a clone', () => {
    const pool = poolOf();
    const pages = new PageCache(pool).anonymous(PAGE_SIZE);
    const parent = new AddressSpace(pool);
    parent.map({ start: AT, end: AT + PAGE_SIZE, prot: 3, shared: true, pages });
    const child = parent.clone(parent.limits);
    child.write(AT + 5, bytes(42));
    expect(parent.read(AT + 5, 1)).toEqual(bytes(42));
  });

  it('gives every page back', () => {
    const pool = poolOf();
    const before = pool.freePages;
    const space = new AddressSpace(pool);
    space.map({ start: AT, end: AT + 20 * PAGE_SIZE, prot: 3 });
    space.write(AT, new Uint8Array(20 * PAGE_SIZE).fill(1));
    const child = space.clone(space.limits);
    child.write(AT + 3 * PAGE_SIZE, bytes(1));
    space.unmap(AT + PAGE_SIZE, AT + 2 * PAGE_SIZE);
    space.destroy();
    child.destroy();
    expect(pool.freePages).toBe(before);
  });

  it('runs out of memory without harm', () => {
    const space = new AddressSpace(poolOf(8));
    space.map({ start: AT, end: AT + 100 * PAGE_SIZE, prot: 3 });
    const results = Array.from({ length: 10 }, (_, n) => space.fault(AT + n * PAGE_SIZE, 'write'));
    expect(results.at(-1)).toBe('memory');
    space.destroy();
  });

  it('splits areas that are unmapped or protected in the middle', () => {
    const space = new AddressSpace(poolOf());
    space.map({ start: AT, end: AT + 8 * PAGE_SIZE, prot: 3 });
    space.write(AT + 4 * PAGE_SIZE, bytes(5));
    space.unmap(AT + 2 * PAGE_SIZE, AT + 3 * PAGE_SIZE);
    expect(space.protect(AT + 4 * PAGE_SIZE, AT + 5 * PAGE_SIZE, 1)).toBe(0);
    expect(space.areas.map(({ start, end, prot }) => [(start - AT) / PAGE_SIZE, (end - AT) / PAGE_SIZE, prot])).toEqual(
      [
        [0, 2, 3],
        [3, 4, 3],
        [4, 5, 1],
        [5, 8, 3],
      ],
    );
    expect(space.write(AT + 4 * PAGE_SIZE, bytes(6))).toBe(-14);
    expect(space.protect(AT + 4 * PAGE_SIZE, AT + 5 * PAGE_SIZE, 3)).toBe(0);
    expect(space.areas).toHaveLength(2);
    expect(space.read(AT + 4 * PAGE_SIZE, 1)).toEqual(bytes(5));
  });

  it('moves pages with their contents', () => {
    const space = new AddressSpace(poolOf());
    space.map({ start: AT, end: AT + 2 * PAGE_SIZE, prot: 3 });
    space.write(AT + PAGE_SIZE - 1, bytes(1, 2));
    space.move(AT, AT + 2 * PAGE_SIZE, AT + 64 * PAGE_SIZE);
    expect(space.read(AT + 65 * PAGE_SIZE - 1, 2)).toEqual(bytes(1, 2));
    expect(space.fault(AT, 'read')).toBe('maperr');
  });

  it('grows the stack down and the register stack up, within the limit', () => {
    const limits = { addressSpace: Infinity, data: Infinity, stack: 16 * PAGE_SIZE };
    const space = new AddressSpace(poolOf(), limits);
    const top = 4 * REGION_SPAN - PAGE_SIZE;
    space.add({ start: top - PAGE_SIZE, end: top, prot: 3, grows: 'down' });
    expect(space.fault(top - 10 * PAGE_SIZE, 'write')).toBe('ok');
    expect(space.fault(top - 17 * PAGE_SIZE, 'write')).toBe('maperr');
    const base = 3 * REGION_SPAN + 1000 * PAGE_SIZE;
    space.add({ start: base, end: base + PAGE_SIZE, prot: 3, grows: 'up' });
    expect(space.fault(base + PAGE_SIZE + 8, 'write')).toBe('ok');
    expect(space.fault(base + 3 * PAGE_SIZE, 'write')).toBe('maperr');
  });

  it('keeps the break between its start and what lies above', () => {
    const space = new AddressSpace(poolOf());
    space.brkStart = space.brk = AT;
    expect(space.setBrk(AT + 100)).toBe(AT + 100);
    space.write(AT + 50, bytes(1));
    expect(space.setBrk(AT - 1)).toBe(AT + 100);
    space.map({ start: AT + 8 * PAGE_SIZE, end: AT + 9 * PAGE_SIZE, prot: 3 });
    expect(space.setBrk(AT + 9 * PAGE_SIZE)).toBe(AT + 100);
    expect(space.setBrk(AT)).toBe(AT);
    expect(space.fault(AT, 'read')).toBe('maperr');
  });

  it('finds room above the hint and never across a region', () => {
    const space = new AddressSpace(poolOf());
    space.map({ start: AT, end: AT + PAGE_SIZE, prot: 0 });
    expect(space.findFree(PAGE_SIZE, 0)).toBe(AT + PAGE_SIZE);
    expect(space.findFree(REGION_SPAN - PAGE_SIZE, 0)).toBe(2 * REGION_SPAN);
    expect(space.findFree(REGION_SPAN, 0)).toBeUndefined();
  });

  it('reads strings over page ends and refuses endless ones', () => {
    const space = new AddressSpace(poolOf());
    space.map({ start: AT, end: AT + 2 * PAGE_SIZE, prot: 3 });
    space.write(AT + PAGE_SIZE - 2, new TextEncoder().encode('text'));
    expect(space.readString(AT + PAGE_SIZE - 2, 100)).toEqual(new TextEncoder().encode('text'));
    space.write(AT, new Uint8Array(2 * PAGE_SIZE).fill(65));
    expect(space.readString(AT, 100)).toBe(-1);
    expect(space.readString(AT, 10 * PAGE_SIZE)).toBe(-14);
  });
});

describe('PageCache', () => {
  const fileOf = (content: Uint8Array): Mappable & { content: Uint8Array } => ({
    content,
    readAt(to, position) {
      const piece = content.subarray(position, position + to.length);
      to.set(piece);
      return piece.length;
    },
    writeAt(from, position) {
      content.set(from, position);
      return from.length;
    },
    size: () => content.length,
    retain: () => undefined,
    release: () => undefined,
  });

  it('shows a file, shares writes and writes them back', () => {
    const pool = poolOf();
    const cache = new PageCache(pool);
    const file = fileOf(new Uint8Array(PAGE_SIZE + 10).fill(3));
    const pages = cache.open('1:1', file);
    const shared = new AddressSpace(pool);
    const lone = new AddressSpace(pool);
    shared.map({ start: AT, end: AT + 3 * PAGE_SIZE, prot: 3, shared: true, pages });
    lone.map({ start: AT, end: AT + 2 * PAGE_SIZE, prot: 3, pages });
    expect(lone.read(AT + PAGE_SIZE + 9, 2)).toEqual(bytes(3, 0));
    expect(shared.fault(AT + 2 * PAGE_SIZE, 'read')).toBe('bus');
    lone.write(AT, bytes(8));
    shared.write(AT + 1, bytes(9));
    expect(lone.read(AT, 2)).toEqual(bytes(8, 3));
    expect(file.content[1]).toBe(3);
    cache.beforeRead('1:1');
    expect(file.content[1]).toBe(9);
    file.content[5] = 77;
    cache.afterWrite('1:1', 5, 6);
    expect(shared.read(AT + 5, 1)).toEqual(bytes(77));
  });
});
