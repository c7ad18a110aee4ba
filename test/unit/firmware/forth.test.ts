// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { TestFirmware } from './fake-host.ts';

const firmware = new TestFirmware().boot();

/** Each row: what is typed, and what it prints. Numbers are hexadecimal. */
const check = (rows: Readonly<Record<string, string>>): void => {
  for (const [text, expected] of Object.entries(rows)) {
    expect.soft(firmware.line(`clear ${text}`), text).toBe(expected);
  }
};

describe('Forth', () => {
  it('shows a banner and a prompt', () => {
    expect(firmware.host.output).toContain('Emeritus Open Firmware');
    expect(firmware.host.output).toMatch(/0 > $/);
  });

  it('shuffles the stack', () => {
    check({
      '1 2 3 .s': '1 2 3',
      '1 2 swap . .': '1 2',
      '1 2 3 rot . . .': '1 3 2',
      '1 2 3 -rot . . .': '2 1 3',
      '1 2 over . . .': '1 2 1',
      '1 2 nip .s': '2',
      '1 2 tuck .s': '2 1 2',
      '1 2 3 4 2swap .s': '3 4 1 2',
      '1 2 3 4 2over .s': '1 2 3 4 1 2',
      '1 2 3 4 5 6 2rot .s': '3 4 5 6 1 2',
      '5 6 7 8 2 pick .': '6',
      '5 6 7 8 3 roll .s': '6 7 8 5',
      '0 ?dup .s': '0',
      '1 ?dup .s': '1 1',
      'depth .': '0',
      '1 2 3 3dup .s': '1 2 3 1 2 3',
    });
  });

  it('divides like the standard says', () => {
    check({
      'decimal 7 2 /mod . . hex': '3 1',
      'decimal -7 2 /mod . . hex': '-4 1',
      'decimal 7 -2 /mod . . hex': '-4 -1',
      'decimal -7 -2 /mod . . hex': '3 -1',
      'decimal -7 s>d 2 sm/rem . . hex': '-3 -1',
      'decimal -7 s>d 2 fm/mod . . hex': '-4 1',
      'decimal -7 3 mod . hex': '2',
      'decimal 1000000000 1000000000 1000000000 */ . hex': '1000000000',
      '-1 2 u/mod . .': '7fffffff 1',
      '-1 -1 um* ud.': 'fffffffe00000001',
      '-1 -1 m* d.': '1',
      '0 1 2 um/mod . .': '-80000000 0',
      '80000000 -1 / u.': '80000000',
      '1 0 /': 'Division by zero',
      '1 0 mod': 'Division by zero',
    });
  });

  it('does single and double arithmetic', () => {
    check({
      '7fffffff 1+ u.': '80000000',
      '80000000 2/ u.': 'c0000000',
      '80000000 u2/ u.': '40000000',
      '1 1f lshift u.': '80000000',
      '1 20 lshift u.': '0',
      '-1 20 rshift u.': '0',
      '80000000 1f >>a .': '-1',
      '80000000 40 >>a .': '-1',
      '-5 abs .': '5',
      '-1 1 min .': '-1',
      '-1 1 umin .': '1',
      '1 invert .': '-2',
      'ff00 0ff0 and 1 or 3 xor .': 'f02',
      '-1 0 1. d+ d.': '100000000',
      '1. 2. d- d.': '-1',
      '-1. dabs d.': '1',
      '1. 2. d< .': '-1',
      '-1. d0< .': '-1',
      '123456789abc. d.': '123456789abc',
    });
  });

  it('compares', () => {
    check({
      '1 2 < . 2 1 < . -1 1 < . -1 1 u< .': '-1 0 -1 0',
      '5 5 = . 5 6 <> . 0 0= . 0 0<> .': '-1 -1 -1 0',
      '1 1 3 within . 3 1 3 within . 3 1 3 between .': '-1 0 -1',
      '80000000 7fffffff > . 80000000 7fffffff u> .': '0 -1',
      '-1 -2 0 within . 0 -2 0 within .': '-1 0',
    });
  });

  it('joins and splits', () => {
    check({
      '12345678 lbsplit .s': '78 56 34 12',
      '78 56 34 12 bljoin .': '12345678',
      '12345678 lwsplit . .': '1234 5678',
      '5678 1234 wljoin .': '12345678',
      '1234 wbflip . 12345678 lbflip . 12345678 lwflip .': '3412 78563412 56781234',
    });
  });

  it('reads and writes memory', () => {
    check({
      '12345678 200000 ! 200000 c@ . 200002 w@ . 200000 @ .': '12 5678 12345678',
      'ff80 200000 w! 200000 <w@ .': '-80',
      '1 200000 ! 5 200000 +! 200000 ? ': '6',
      '1 2 200000 2! 200000 2@ . . 200000 @ . 200004 @ .': '2 1 2 1',
      '200000 on 200000 @ . 200000 off 200000 @ .': '-1 0',
      '200000 10 aa fill 20000f c@ . 200010 c@ aa = .': 'aa 0',
      '" hello" 200000 swap move 200000 200001 4 move 200000 5 type': 'hhell',
      '200000 10 erase 61 200000 c! 200000 200001 4 cmove 200000 5 type': 'aaaaa',
      '70000000 @': 'Invalid memory address',
      '70000000 lpeek . 200000 lpeek nip .': '0 -1',
      'here 10 allot here swap - .': '10',
      'here 1 c, align here over - . drop': '4',
      '3 aligned . 2 cells . 200000 cell+ .': '4 8 200004',
      '8000000 allot': 'Dictionary overflow',
    });
  });

  it('formats numbers', () => {
    check({
      'decimal 255 hex .': 'ff',
      'ff .d': '255',
      'd# 10 . h# 10 . o# 10 .': 'a 10 8',
      '[char] a': '[char] is compile-only',
      '-1 u. -1 .': 'ffffffff -1',
      '5 4 .r': '5',
      '0 1234 0 <# # # 2e hold #s #> type drop': '12.34',
      '-5 dup abs 0 <# #s rot sign #> type': '-5',
      '1ff <# u#s u#> type': '1ff',
      'binary 5 hex': '5, unknown word',
      'hex 1.0000 . 0x10 .': '10000 10',
    });
    firmware.line('hex');
  });

  it('branches and loops', () => {
    firmware.line(': t1 if 1 else 2 then ;');
    firmware.line(': t2 5 0 do i . loop ;');
    firmware.line(': t3 0 0 ?do i . loop 9 . ;');
    firmware.line(': t4 0 begin dup 3 < while dup . 1+ repeat drop ;');
    firmware.line(': t5 a 0 do i 4 = if leave then i . loop ;');
    firmware.line(': t6 0 a do i . -3 +loop ;');
    firmware.line(': t7 3 0 do 2 0 do j . i . loop loop ;');
    firmware.line(': t8 case 1 of ." one" endof 2 of ." two" endof ." many" endcase ;');
    firmware.line(': t9 a 0 do i 3 = if unloop exit then i . loop ;');
    firmware.line(': fact dup 1 > if dup 1- recurse * then ;');
    check({
      '1 t1 . 0 t1 .': '1 2',
      t2: '0 1 2 3 4',
      t3: '9',
      t4: '0 1 2',
      t5: '0 1 2 3',
      t6: 'a 7 4 1',
      t7: '0 0 0 1 1 0 1 1 2 0 2 1',
      '1 t8 space 2 t8 space 3 t8': 'one two many',
      t9: '0 1 2',
      '5 fact .': '78',
      // Structures work outside definitions too.
      '3 0 do i . loop': '0 1 2',
      '1 if ." yes" else ." no" then': 'yes',
      ': bad if ;': 'Control structure mismatch',
      then: 'then is compile-only',
      // The limits of +LOOP's circular arithmetic.
      '7ffffffe 7ffffffd do i . loop': '7ffffffd',
      '0 0 do i . 1 7fffffff and drop 7fffffff +loop': '0 7fffffff -2',
    });
  });

  it('defines words of all kinds', () => {
    firmware.line('variable v 5 v !  7 constant seven  3 value val  1 2 2constant two');
    firmware.line("defer d  ' seven to d  : array create cells allot does> swap cells + ; 4 array arr");
    firmware.line(': const2 create , does> @ ; 2a const2 answer  struct 4 field >a 2 field >b constant /ab');
    firmware.line(': later postpone if postpone then ; immediate  : use later 5 . then ;');
    check({
      'v @ . seven . val . two . .': '5 7 3 2 1',
      '9 to val val .': '9',
      "d . ' d behavior ' seven = .": '7 -1',
      '11 0 arr ! 22 1 arr ! 0 arr @ . 1 arr @ .': '11 22',
      'answer .': '2a',
      "' v >body v = .": '-1',
      '100 >a . 100 >b . /ab .': '100 104 6',
      '20 buffer: buf buf 20 + here = .': '-1',
      ":noname 6 . ; execute ' seven execute .": '6 7',
      'alias acht seven acht .': '7',
      '5 to seven': 'seven, Invalid name',
      "' nosuchword": 'nosuchword, unknown word',
      '12345 execute': 'Invalid execution token',
      'defer e e': 'deferred word not set',
    });
  });

  it('forgets', () => {
    firmware.line(': gone 1 ; : gone2 gone ;');
    expect(firmware.line('gone2 . forget gone gone2')).toBe('1 gone2, unknown word');
    expect(firmware.line('forget dup')).toBe('Cannot forget that');
  });

  it('handles strings', () => {
    check({
      '" abc" type space s" d e" type': 'abc d e',
      '" a"(41 42 0043)b" dump-it': 'dump-it, unknown word',
      '" a"(4142)b" type': 'aABb',
      '" k=v" ascii = left-parse-string type space type': 'k v',
      '" abc" " abd" compare . " b" " ab" compare . " a" " a" compare .': '-1 1 0',
      '" 12" $number . .': '0 12',
      '" xyz" $number .': '-1',
      '" abc  " -trailing nip .': '3',
      'parse-word hello type': 'hello',
      'char A . ascii B . control C .': '41 42 3',
      'bl word foo count type': 'foo',
      '" 1 2 +" evaluate .': '3',
      '" 2 +" evaluate': 'Stack Underflow',
      '.( now) ( not shown) \\ nor this': 'now',
      '0 0 " 12z" >number type space drop .': 'z 12',
    });
  });

  it('catches and throws', () => {
    firmware.line(': boom 5 throw ; : safe 1 2 [\'] boom catch ; : deep recurse ; : msg abort" no luck" ;');
    check({
      'safe . . .': '5 2 1',
      "' noop catch .": '0',
      '3 throw': 'Error 3',
      '1 msg': 'no luck',
      '0 msg .s': 'Empty',
      deep: 'Return Stack Overflow',
      drop: 'Stack Underflow',
      '1 2 + +': 'Stack Underflow',
      'r> drop': 'r> is compile-only',
      nonsense: 'nonsense, unknown word',
      abort: '',
      "' deep catch . depth .": '-5 0',
      ': overflow begin 1 again ; overflow': 'Stack Overflow',
    });
  });

  it('shows what words are made of', () => {
    firmware.line(': shown ( n -- ) dup if ." yes" else 5 0 do i . loop then " str" 2drop ;');
    const text = firmware.line('see shown').replaceAll(/\s+/g, ' ');
    expect(text).toBe(': shown dup if ." yes" else 5 0 do i . loop then " str" 2drop ;');
    expect(firmware.line('see dup')).toBe('code dup');
    expect(firmware.line('words')).toContain('2swap');
    expect(firmware.line('sifting left-parse')).toContain('left-parse-string');
    firmware.line('" Open Firmware 12" 200000 swap move');
    expect(firmware.line('200000 12 dump').split('\r\n')[0]).toBe(
      '00200000:  4f 70 65 6e 20 46 69 72  6d 77 61 72 65 20 31 32  |Open Firmware 12|',
    );
    expect(firmware.line('70000000 10 dump')).toContain('-- --');
  });

  it('survives any text', () => {
    let seed = 1;
    const random = (n: number): number => (seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0) % n;
    const machine = new TestFirmware().boot();
    const names = machine
      .line('words')
      .split(/\s+/)
      .filter((name) => !/^(shut-down|power-off|bye|reset.*|mac-boot|key|accept|expect|quit|ms)$/.test(name));
    for (let i = 0; i < 2500; i++) {
      const text = Array.from({ length: 1 + random(6) }, () =>
        random(3) === 0 ? String(random(100)) : names[random(names.length)]!,
      );
      machine.typed(`${text.join(' ')}\r`, 30);
      if (machine.firmware.clientRuns) machine.firmware.hypercall(3);
    }
    machine.typed('\x03', 500);
    machine.typed(' [ \r');
    machine.line('only forth definitions device-end clear hex');
    expect(machine.line('2 3 + .')).toBe('5');
  });
});
