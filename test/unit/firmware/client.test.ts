// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { FakeHost, RAM_BYTES, TestFirmware } from './fake-host.ts';

const SCRATCH = 0x18_0000;
const MISSING = 0xffff_ffff;

describe('client interface', () => {
  const firmware = new TestFirmware().boot();
  const { host } = firmware;
  const property = (phandle: number, name: string): Uint8Array | undefined => {
    const length = firmware.call('getprop', phandle, name, SCRATCH, 0x1000);
    return length === MISSING ? undefined : host.ram.slice(SCRATCH, SCRATCH + length);
  };
  const integer = (phandle: number, name: string): number => {
    const bytes = property(phandle, name)!;
    return new DataView(bytes.buffer).getUint32(0);
  };

  it('answers test and rejects unknown services', () => {
    expect(firmware.call('test', 'getprop')).toBe(0);
    expect(firmware.call('test', 'nosuch')).toBe(MISSING);
    expect(firmware.service('nosuch', 1).status).toBe(MISSING);
    expect(firmware.service('peer', 1, 0).status).toBe(0);
  });

  it('walks the whole tree', () => {
    const paths: string[] = [];
    const walk = (phandle: number): void => {
      const length = firmware.call('package-to-path', phandle, SCRATCH, 256);
      const path = host.cString(SCRATCH);
      expect(path.length).toBe(length);
      paths.push(path);
      for (let child = firmware.call('child', phandle); child !== 0; child = firmware.call('peer', child)) {
        expect(firmware.call('parent', child)).toBe(phandle);
        walk(child);
      }
    };
    walk(firmware.call('peer', 0));
    expect(paths).toContain('/pci@80000000/mac-io@10/escc@13000/ch-a@13020');
    expect(paths).toContain('/chosen');
    expect(paths).toContain('/cpus/PowerPC,750@0');
    expect(new Set(paths).size).toBe(paths.length);
  });

  it('gives handles that Linux takes for valid', () => {
    for (const path of ['/', '/chosen', 'scca']) expect(firmware.call('finddevice', path) | 0).toBeGreaterThan(0);
    expect(firmware.call('open', '/memory') | 0).toBeGreaterThan(0);
  });

  it('reads properties as Linux does', () => {
    const root = firmware.call('finddevice', '/');
    expect(String.fromCharCode(...property(root, 'compatible')!)).toBe('Test\0MacRISC\0');
    expect(firmware.call('getproplen', root, 'compatible')).toBe(13);
    expect(firmware.call('getproplen', root, 'nosuch')).toBe(MISSING);
    expect(property(root, 'nosuch')).toBeUndefined();
    // A short buffer takes what fits; the result is the whole length.
    host.ram.fill(0xee, SCRATCH, SCRATCH + 16);
    expect(firmware.call('getprop', root, 'compatible', SCRATCH, 4)).toBe(13);
    expect([...host.ram.subarray(SCRATCH + 3, SCRATCH + 5)]).toEqual([0x74, 0xee]);
    const pci = firmware.call('finddevice', '/pci');
    expect(integer(pci, 'self')).toBe(pci);

    const names: string[] = [];
    for (let previous = ''; firmware.call('nextprop', root, previous, SCRATCH) === 1;) {
      previous = host.cString(SCRATCH);
      names.push(previous);
    }
    expect(names).toEqual(['name', 'model', 'compatible', '#address-cells', '#size-cells']);
    expect(firmware.call('nextprop', root, 'nosuch', SCRATCH)).toBe(MISSING);
  });

  it('sets properties', () => {
    const chosen = firmware.call('finddevice', '/chosen');
    host.put(SCRATCH, 'value');
    expect(firmware.call('setprop', chosen, 'linux,test', SCRATCH, 6)).toBe(6);
    expect(String.fromCharCode(...property(chosen, 'linux,test')!)).toBe('value\0');
    expect(firmware.call('setprop', chosen, 'linux,empty', 0, 0)).toBe(0);
    expect(property(chosen, 'linux,empty')).toEqual(new Uint8Array(0));
    expect(firmware.call('setprop', chosen, 'linux,huge', 0, 0x7fff_ffff)).toBe(MISSING);
  });

  it('finds devices by alias, short name and unit', () => {
    const chA = firmware.call('finddevice', '/pci@80000000/mac-io@10/escc@13000/ch-a@13020');
    expect(firmware.call('finddevice', 'scca')).toBe(chA);
    expect(firmware.call('finddevice', '/pci/mac-io/escc/ch-a:9600')).toBe(chA);
    expect(firmware.call('finddevice', '/pci@80000000/@10/escc@013000/@13020')).toBe(chA);
    expect(firmware.call('finddevice', '/cpus/750')).toBe(firmware.call('finddevice', '/cpus/@0'));
    expect(firmware.call('finddevice', '/nosuch')).toBe(MISSING);
    expect(firmware.call('finddevice', 'nosuch')).toBe(MISSING);
    expect(firmware.call('canon', 'scca', SCRATCH, 100)).toBe(45);
    expect(host.cString(SCRATCH)).toBe('/pci@80000000/mac-io@10/escc@13000/ch-a@13020');
  });

  it('writes to stdout and knows where it is', () => {
    const chosen = firmware.call('finddevice', '/chosen');
    const stdout = integer(chosen, 'stdout');
    host.output = '';
    host.put(SCRATCH, 'hello from a client');
    expect(firmware.call('write', stdout, SCRATCH, 19)).toBe(19);
    expect(host.output).toBe('hello from a client');
    firmware.call('instance-to-path', stdout, SCRATCH, 255);
    expect(host.cString(SCRATCH)).toBe('/pci@80000000/mac-io@10/escc@13000/ch-a@13020');
    expect(firmware.call('instance-to-package', stdout)).toBe(firmware.call('finddevice', 'scca'));
    expect(firmware.call('instance-to-package', 0x1234)).toBe(MISSING);

    const stdin = integer(chosen, 'stdin');
    expect(firmware.call('read', stdin, SCRATCH, 4) | 0).toBe(-2);
    host.input.push(0x61, 0x62);
    expect(firmware.call('read', stdin, SCRATCH, 4)).toBe(2);
    expect([...host.ram.subarray(SCRATCH, SCRATCH + 2)]).toEqual([0x61, 0x62]);
  });

  it('claims and releases memory', () => {
    expect(firmware.call('claim', 0x40_0000, 0x1000, 0)).toBe(0x40_0000);
    expect(firmware.call('claim', 0x40_0000, 0x1000, 0)).toBe(MISSING);
    expect(firmware.call('claim', 0x40_1000, 0x1000, 0)).toBe(0x40_1000);
    const anywhere = firmware.call('claim', 0, 0x5000, 0x1_0000);
    expect(anywhere & 0xffff).toBe(0);
    expect(anywhere + 0x5000).toBeLessThanOrEqual(RAM_BYTES);
    firmware.call('release', 0x40_0000, 0x2000);
    expect(firmware.call('claim', 0x40_0000, 0x2000, 0)).toBe(0x40_0000);
    firmware.call('release', 0x40_0000, 0x2000);
    // Vectors, the firmware itself, beyond the end, nothing at all.
    for (const [pa, size] of [
      [0, 0x1000],
      [RAM_BYTES - 0x1000, 0x1000],
      [RAM_BYTES - 0x1000, 0x4000],
      [0xc000_0000, 0x1000],
      [0x50_0000, 0],
      [0xffff_f000, 0xffff_ffff],
    ] as const) {
      expect(firmware.call('claim', pa, size, 0), pa.toString(16)).toBe(MISSING);
    }
    const memory = firmware.call('finddevice', '/memory');
    expect(property(memory, 'available')!.length % 8).toBe(0);
  });

  it('calls methods of memory and MMU with results in stack order', () => {
    const chosen = firmware.call('finddevice', '/chosen');
    const memory = integer(chosen, 'memory');
    const mmu = integer(chosen, 'mmu');
    // ( [addr] size align -- base ): the first argument is the top of the stack.
    expect(firmware.service('call-method', 2, 'claim', memory, 0, 0x1000, 0x60_0000).results).toEqual([0, 0x60_0000]);
    expect(firmware.service('call-method', 2, 'claim', memory, 0, 0x1000, 0x60_0000).results[0]).not.toBe(0);
    expect(firmware.service('call-method', 2, 'claim', mmu, 0, 0x1000, 0x60_0000).results).toEqual([0, 0x60_0000]);
    expect(firmware.service('call-method', 1, 'map', mmu, 0x12, 0x1000, 0x60_0000, 0x60_0000).results).toEqual([0]);
    expect(firmware.service('call-method', 1, 'map', mmu, 0x12, 0x1000, 0xc000_0000, 0x60_0000).results[0]).not.toBe(0);
    expect(firmware.service('call-method', 4, 'translate', mmu, 0x60_0123).results).toEqual([
      0, 0xffff_ffff, 0x12, 0x60_0123,
    ]);
    expect(firmware.service('call-method', 1, 'release', memory, 0x1000, 0x60_0000).results).toEqual([0]);
    expect(firmware.service('call-method', 1, 'nosuch', memory).results[0]).not.toBe(0);
    expect(firmware.service('call-method', 1, 'nosuch', 0x4242).results[0]).not.toBe(0);
    expect(firmware.call('test-method', firmware.call('finddevice', '/memory'), 'claim')).toBe(0);
  });

  it('interprets Forth', () => {
    expect(firmware.service('interpret', 3, '2dup + -rot *', 3, 4).results).toEqual([0, 12, 7]);
    expect(firmware.service('interpret', 1, 'nosuchword').results[0]! | 0).toBe(-13);
    expect(firmware.service('interpret', 1, '1 0 /').results[0]! | 0).toBe(-10);
    expect(firmware.service('interpret', 2, ': twice 2* ; 21 twice').results).toEqual([0, 0x42]);
    const script = 's" /chosen" find-device 5 encode-int s" from-forth" property device-end';
    expect(firmware.service('interpret', 1, script).results).toEqual([0]);
    expect(integer(firmware.call('finddevice', '/chosen'), 'from-forth')).toBe(5);
  });

  it('opens and closes', () => {
    for (const path of ['/', '/memory', '/pci', 'scca', '/cpus/PowerPC,750@0']) {
      const ihandle = firmware.call('open', path);
      expect(ihandle, path).not.toBe(0);
      firmware.service('close', 0, ihandle);
    }
    for (const path of ['/nosuch', '/aliases', 'nosuch', '']) expect(firmware.call('open', path), path).toBe(0);
    firmware.service('close', 0, 0x1234_5678);
  });

  it('tells the time', () => {
    host.ms = 123_456.7;
    expect(firmware.call('milliseconds')).toBe(123_456);
  });

  it('lets a client wait in Forth while the CPU idles', () => {
    const busy = new TestFirmware({}, new FakeHost()).boot();
    busy.firmware.hypercall(1);
    busy.host.setRegister('r14', 0x1414);
    busy.host.setRegister('r1', 0x7000);
    const before = busy.host.ms;
    busy.service('interpret', 2, 'd# 50 ms 7');
    expect(busy.firmware.clientRuns).toBe(false);
    busy.settle(100);
    expect(busy.firmware.clientRuns).toBe(true);
    expect(busy.host.ms - before).toBeGreaterThanOrEqual(50);
    expect(busy.host.getRegister('pc')).toBe(0x5000);
    expect(busy.host.getRegister('r14')).toBe(0x1414);
    expect(busy.host.getRegister('r3')).toBe(0);
    expect(busy.host.read(0x10_0000 + 12 + 8, 4)).toBe(7);
  });

  it('goes back to the prompt on enter and exit, and goes on', () => {
    const machine = new TestFirmware().boot();
    machine.host.setRegister('r14', 0x1414);
    machine.service('enter', 0);
    machine.settle();
    expect(machine.firmware.clientRuns).toBe(false);
    expect(machine.line('1 2 + .')).toBe('3');
    machine.typed('go\r');
    expect(machine.firmware.clientRuns).toBe(true);
    expect(machine.host.getRegister('pc')).toBe(0x5000);
    expect(machine.host.getRegister('r14')).toBe(0x1414);
    machine.service('exit', 0);
    machine.settle();
    expect(machine.firmware.clientRuns).toBe(false);
    expect(machine.line('go')).toBe('no program to go to');
  });

  it('reports exceptions of the client and keeps working', () => {
    const machine = new TestFirmware().boot();
    machine.service('enter', 0);
    machine.settle();
    machine.typed('go\r');
    machine.host.setRegister('srr0', 0x1234);
    machine.firmware.hypercall(0x1_0700);
    machine.settle();
    expect(machine.host.output).toContain('DEFAULT CATCH!, code=00000700 at   %SRR0: 00001234');
    expect(machine.line('5 .')).toBe('5');
  });
});

describe('client interface with hostile arguments', () => {
  it('never throws', () => {
    const firmware = new TestFirmware().boot();
    const { host } = firmware;
    const services =
      'test test-method peer child parent finddevice canon getproplen getprop nextprop setprop package-to-path ' +
      'instance-to-path instance-to-package open close read write seek call-method interpret claim release ' +
      'milliseconds set-callback quiesce instance-to-interposed-path';
    let seed = 7;
    const random = (n: number): number => (seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0) % n;
    const chosen = firmware.call('finddevice', '/chosen');
    const texts = [
      '',
      '/',
      'scca',
      '/pci/mac-io:::///,,@@@',
      '@',
      ':',
      '/:',
      '..',
      '/../..',
      'x'.repeat(2000),
      'claim',
      'write',
      'open',
    ];
    const values = [
      0,
      1,
      3,
      4,
      MISSING,
      0x7fff_ffff,
      0x8000_0000,
      RAM_BYTES,
      RAM_BYTES - 2,
      0x7e00_0080,
      0x7f00_0080,
      chosen,
    ];
    for (let i = 0; i < 12_000; i++) {
      const name = services.split(' ')[random(27)]!;
      const args = Array.from({ length: random(7) }, () => {
        const kind = random(3);
        return kind === 0
          ? texts[random(texts.length)]!
          : kind === 1
            ? values[random(values.length)]!
            : random(0x1_0000_0000);
      });
      firmware.service(name, random(4), ...args);
      if (!firmware.firmware.clientRuns && i % 100 === 0) firmware.settle(20);
    }
    // The array itself is nowhere, cut off, unaligned, or has absurd counts.
    for (const pa of [0, 2, RAM_BYTES - 4, RAM_BYTES - 8, RAM_BYTES, 0xffff_fffc, 0x8000_0000]) {
      host.setRegister('r3', pa);
      firmware.firmware.hypercall(2);
      expect(host.getRegister('r3')).toBe(MISSING);
    }
    host.view.setUint32(0x10_0004, MISSING);
    host.setRegister('r3', 0x10_0000);
    firmware.firmware.hypercall(2);
    expect(host.getRegister('r3')).toBe(MISSING);
    firmware.firmware.hypercall(0x3ff);
  });
});
