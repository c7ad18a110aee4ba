// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { FakeHost, TestFirmware } from './fake-host.ts';

describe('prompt', () => {
  const firmware = new TestFirmware().boot();
  const { host } = firmware;

  it('shows the depth of the stack', () => {
    expect(firmware.typed('\r')).toBe('  ok\r\n0 > ');
    expect(firmware.typed('1 2 3\r')).toBe('1 2 3  ok\r\n3 > ');
    expect(firmware.typed('. . .\r')).toBe('. . . 3 2 1  ok\r\n0 > ');
    expect(firmware.typed('nosuch\r')).toBe('nosuch nosuch, unknown word\r\n0 > ');
    expect(firmware.typed(': half\r')).toMatch(/0 \] $/);
    expect(firmware.typed('2/ ;\r')).toMatch(/ ok\r\n0 > $/);
    expect(firmware.line('8 half .')).toBe('4');
  });

  it('edits lines', () => {
    const result = (keys: string): string => {
      firmware.typed('\r');
      const printed = firmware.typed(`${keys}\r`);
      return / (\S+) {2}ok\r\n0 > $/.exec(printed)?.[1] ?? printed;
    };
    expect(result('1x\b 2 + .')).toBe('3');
    expect(result('garbage\x151 2 + .')).toBe('3');
    expect(result('2 + .\x011 ')).toBe('3');
    expect(result('1 2 - .\x1b[D\x1b[D\b+\x05')).toBe('3');
    expect(result('1 2 +zz\x02\x02\x0b .')).toBe('3');
    expect(result('1 2 9 9 + .\x02\x02\x02\x02\x17\x17')).toBe('3');
    expect(result('5 .\r\x1b[A')).toBe('5');
    expect(result('6 .\r7 .\r\x10\x10')).toBe('6');
    expect(result('9\x04 .')).toBe('9');
    // A line is cut where the buffer ends; the bell rings.
    expect(firmware.typed(`${' '.repeat(600)}\r`)).toContain('\x07');
    expect(firmware.typed('1 .\r\n2 .\r\n')).toMatch(/1 {2}ok[^]*2 {2}ok\r\n0 > $/);
  });

  it('waits for keys and for time without stopping the machine', () => {
    firmware.typed('key .\r', 30);
    expect(firmware.typed('A')).toContain('41');
    const before = host.ms;
    firmware.typed('d# 100 ms 5 .\r', 50);
    expect(host.output.endsWith(' .')).toBe(false);
    expect(firmware.typed('', 70)).toContain('5');
    expect(host.ms - before).toBeGreaterThanOrEqual(100);
    expect(firmware.line('get-msecs d# 20 ms get-msecs swap - d# 20 d# 40 between .')).toBe('-1');
    expect(firmware.typed('pad\b\b\bhere 10 accept type\rabc\r')).toContain('abc');
  });

  it('breaks loops with ^C', () => {
    firmware.typed('begin again\r', 50);
    expect(firmware.typed('1 .\r', 50)).toBe('');
    expect(firmware.typed('\x03')).toContain('Interrupted');
    expect(firmware.line('4 .')).toBe('4');
    firmware.typed(': forever begin 1 ms again ; forever\r', 50);
    expect(firmware.typed('\x03')).toContain('Interrupted');
    firmware.typed('key\r', 30);
    expect(firmware.typed('\x03')).toContain('Interrupted');
  });

  it('dozes while it waits', () => {
    const polls = (): number => {
      let count = 0;
      const end = host.ms + 1000;
      for (; host.ms < end; count++) firmware.settle(1);
      return count;
    };
    expect(polls()).toBeLessThanOrEqual(110);
  });

  it('keeps configuration variables', () => {
    expect(firmware.line('printenv boot-device')).toMatch(/^boot-device\s+hd cd\s+hd cd$/);
    firmware.line('setenv boot-device cd:,\\boot');
    firmware.line('setenv load-base 600000');
    expect(host.stored['boot-device']).toBe('cd:,\\boot');
    expect(firmware.line('boot-device type load-base .')).toBe('cd:,\\boot600000');
    expect(firmware.line('printenv')).toContain('auto-boot?');
    expect(firmware.line('setenv auto-boot? maybe')).toBe('Invalid value for auto-boot?');
    expect(firmware.line('setenv nosuch 1')).toBe('nosuch, unknown word');
    const again = new TestFirmware({}, Object.assign(new FakeHost(), { stored: host.stored })).boot();
    expect(again.line('boot-device type')).toBe('cd:,\\boot');
    again.line('set-default boot-device');
    expect(again.host.stored['boot-device']).toBeUndefined();
    again.line('set-defaults');
    expect(again.host.stored).toEqual({});
  });

  it('runs nvramrc', () => {
    const machine = new TestFirmware().boot();
    machine.line('nvalias mydisk /pci/mac-io/ata-3@20000/disk@1');
    expect(machine.host.stored['nvramrc']).toBe('devalias mydisk /pci/mac-io/ata-3@20000/disk@1');
    const again = new TestFirmware({}, Object.assign(new FakeHost(), { stored: machine.host.stored })).boot();
    expect(again.line('devalias mydisk')).toMatch(/^mydisk\s+\/pci/);
    const broken = Object.assign(new FakeHost(), { stored: { nvramrc: 'nosuchword', 'use-nvramrc?': 'true' } });
    expect(new TestFirmware({}, broken).boot().line('1 .')).toBe('1');
  });

  it('edits nvramrc', () => {
    const machine = new TestFirmware().boot();
    machine.typed('nvedit\r: hi ." hello" ;\rhi cr\r\r');
    expect(machine.typed('nvrun\r')).toContain('hello');
    machine.typed('nvstore\r');
    expect(machine.host.stored['nvramrc']).toBe(': hi ." hello" ;\nhi cr\n');
    machine.typed('nvedit\r\r');
    machine.typed('nvstore\r');
    expect(machine.line('nvramrc type')).toContain('hi cr');
    expect(machine.line('depth .')).toBe('0');
  });

  it('does not boot by itself when ^C waits', () => {
    const host = new FakeHost();
    host.input.push(3);
    const stopped = new TestFirmware({ overrides: {} }, host).boot();
    expect(stopped.host.output).not.toContain("can't OPEN");
    expect(stopped.line('1 .')).toBe('1');
    expect(new TestFirmware({ overrides: {} }).boot().host.output).toContain("hd: can't OPEN");
  });

  it('resets and switches off', () => {
    const machine = new TestFirmware().boot();
    machine.typed('reset-all\r');
    const other = new TestFirmware().boot();
    other.typed('shut-down\r');
    expect([machine.host.events, other.host.events]).toEqual([['reset'], ['power-off']]);
    expect(firmware.line('help')).toContain('printenv');
  });
});

describe('device tree words', () => {
  const firmware = new TestFirmware().boot();

  it('walk and show the tree', () => {
    firmware.line('dev /pci');
    expect(firmware.line('pwd')).toBe('/pci@80000000');
    expect(firmware.line('ls')).toMatch(/\/display@e\r\n.*\/mac-io@10/);
    firmware.line('dev mac-io/escc');
    expect(firmware.line('pwd')).toBe('/pci@80000000/mac-io@10/escc@13000');
    firmware.line('dev ..');
    expect(firmware.line('pwd')).toBe('/pci@80000000/mac-io@10');
    expect(firmware.line('dev nosuch')).toBe('no such device: nosuch');
    firmware.line('dev /memory');
    expect(firmware.line('.properties')).toMatch(/device_type\s+memory\r\nreg\s+00000000 02000000/);
    firmware.line('device-end');
    expect(firmware.line('pwd')).toBe('No active package');
    expect(firmware.line('show-devs')).toContain('/pci@80000000/mac-io@10/escc@13000/ch-a@13020');
    expect(firmware.line('devalias')).toMatch(/scca\s+\/pci\/mac-io\/escc\/ch-a/);
  });

  it('encode and decode properties', () => {
    firmware.line('dev /pci/display');
    firmware.line('1234 encode-int 5678 encode-int encode+ " pair" property');
    firmware.line('" a string" encode-string " text" property  0 0 " empty" property');
    expect(firmware.line('" pair" active-package get-package-property drop decode-int . decode-int . . drop')).toBe(
      '1234 5678 0',
    );
    expect(firmware.line('" text" get-property drop decode-string type 2drop')).toBe('a string');
    expect(firmware.line('" empty" get-property . nip .')).toBe('0 0');
    expect(firmware.line('" nosuch" get-property .')).toBe('-1');
    firmware.line('" pair" delete-property');
    expect(firmware.line('" pair" get-property .')).toBe('-1');
    expect(firmware.line('" name" active-package next-property drop type')).toBe('device_type');
    firmware.line('device-end');
  });

  it('make devices with methods and instance data', () => {
    for (const line of [
      'dev /pci/mac-io new-device',
      '" counter" device-name " test" device-type 12340 encode-int 10 encode-int encode+ " reg" property',
      'instance variable counted  7 instance value start  instance defer hook  4 instance buffer: room',
      ': open start counted ! my-args nip 0= if true else my-args " fail" $= 0= then ;',
      ': close ; : next counted @ 1 counted +! ; : args my-args ; : up " pwd-of" $call-parent ;',
      'finish-device',
      ': pwd-of my-self ihandle>phandle ;',
      'device-end',
      '0 value a 0 value b',
    ]) {
      expect(firmware.line(line), line).toBe('');
    }
    firmware.line('" /pci/mac-io/counter" open-dev to a " /pci/mac-io/counter:xyz" open-dev to b');
    expect(firmware.line('a 0<> b 0<> and .')).toBe('-1');
    expect(firmware.line('" next" a $call-method . " next" a $call-method . " next" b $call-method .')).toBe('7 8 7');
    expect(firmware.line('" args" b $call-method type')).toBe('xyz');
    expect(firmware.line('" /pci/mac-io" find-package drop " up" a $call-method = .')).toBe('-1');
    expect(firmware.line('" /pci/mac-io/counter:fail" open-dev .')).toBe('0');
    expect(firmware.line('" nosuch" a $call-method')).toBe('nosuch, No such method');
    expect(firmware.line('counted')).toBe('counted, unknown word');
    expect(firmware.line('" /pci/mac-io/counter" " next" execute-device-method . .')).toBe('-1 7');
    expect(firmware.line('a close-dev " next" a $call-method')).toBe('Invalid handle');
    expect(firmware.line('my-self . my-args')).toBe('0 Invalid handle');
    firmware.line('" /pci/mac-io/counter" select-dev');
    expect(firmware.line('next . counted @ . start . unselect-dev my-self .')).toBe('7 8 7 0');
    expect(firmware.line('see b')).toMatch(/value b$/);
  });

  it('find methods and packages', () => {
    expect(firmware.line('" claim" " /memory" find-package drop find-method nip .')).toBe('-1');
    expect(firmware.line('" nosuch" " /memory" find-package drop find-method .')).toBe('0');
    expect(firmware.line('" /nosuch" find-package .')).toBe('0');
    expect(firmware.line('0 peer child 0<> .')).toBe('-1');
    expect(firmware.line('12345 child')).toBe('Invalid handle');
  });
});
