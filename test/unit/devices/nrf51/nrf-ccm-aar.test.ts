// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { NrfCcmAar } from '../../../../machines/devices/nrf51/nrf-ccm-aar.ts';
import { ENABLE, expectPowerCycle, INTENSET, NrfBench, RAM, set, SHORTS, values } from '../../../support/nrf51.ts';

const KSGEN = 0x000;
const CRYPT = 0x004;
const STOP = 0x008;
const ENDKSGEN = 0x100;
const ENDCRYPT = 0x104;
const CCM_ERROR = 0x108;
const MICSTATUS = 0x400;
const MODE = 0x504;
const CNFPTR = 0x508;
const INPTR = 0x50c;
const OUTPTR = 0x510;
const SCRATCHPTR = 0x514;
const END = 0x100;
const RESOLVED = 0x104;
const NOTRESOLVED = 0x108;
const STATUS = 0x400;
const NIRK = 0x504;
const IRKPTR = 0x508;
const ADDRPTR = 0x510;
const ENCRYPT = 0;
const DECRYPT = 1;

const CONFIGURATION = 0x000;
const INPUT = 0x100;
const OUTPUT = 0x200;

/** The sample session of [BT Core] volume 6 part C §1: key, packet counter, direction (1 from the master), vector. */
const SESSION_KEY = '99ad1b5226a37e3e058e3b8e27c2c666';
const VECTOR = '24abdcbabebaafde';
const configuration = (counter: number, fromMaster: boolean): string =>
  `${SESSION_KEY} ${counter.toString(16).padStart(2, '0')}00000000 000000 ${fromMaster ? '01' : '00'} ${VECTOR}`;

/** Header, clear payload, encrypted payload with its MIC. */
const PACKETS = [
  {
    name: 'LL_START_ENC_RSP from the master',
    counter: 0,
    fromMaster: true,
    header: '0f',
    clear: '06',
    sent: '9fcda7f448',
  },
  {
    name: 'LL_START_ENC_RSP from the slave',
    counter: 0,
    fromMaster: false,
    header: '07',
    clear: '06',
    sent: 'a34c13a415',
  },
  {
    name: 'LL_DATA from the master',
    counter: 1,
    fromMaster: true,
    header: '0e',
    clear: '1700636465666768696a6b6c6d6e6f707131323334353637383930',
    sent: '7a70d66415226df26b17839a060405596bd6564f796b5b9ce6ff32f75a6d33',
  },
] as const;

const length = (hex: string): string => (hex.length / 2).toString(16).padStart(2, '0');

function make() {
  const bench = new NrfBench();
  const chip = bench.mount(new NrfCcmAar(bench.fake.chip('ccm'), { ...bench.at(15), memory: bench.map }));
  return { bench, chip };
}

function ccm(mode: number, setup: string, input: string) {
  const all = make();
  all.bench.put(CONFIGURATION, setup);
  all.bench.put(INPUT, input);
  set(all.chip, [ENABLE, 2], [MODE, mode], [CNFPTR, RAM], [INPTR, RAM + INPUT], [OUTPTR, RAM + OUTPUT], [SHORTS, 1]);
  return all;
}

describe('NrfCcmAar', () => {
  it('has its reset values, also after it was switched off', () => {
    expectPowerCycle(make().chip, [
      [ENABLE, 0],
      [MODE, 1],
      ...[MICSTATUS, CNFPTR, INPTR, OUTPTR, SCRATCHPTR].map((offset) => [offset, 0] as const),
    ]);
  });

  it('does nothing while disabled', () => {
    const { bench, chip } = make();
    set(chip, [KSGEN, 1]);
    bench.us(1000);
    expect(values(chip, ENDKSGEN, ENDCRYPT)).toEqual([0, 0]);
  });

  it('survives random accesses', () => {
    const { bench, chip } = make();
    bench.fuzz(chip, 15);
  });
});

describe('NrfCcmAar as CCM', () => {
  for (const { name, counter, fromMaster, header, clear, sent } of PACKETS) {
    it(`encrypts and decrypts ${name} as Bluetooth's sample data have it`, () => {
      const setup = configuration(counter, fromMaster);
      const encrypt = ccm(ENCRYPT, setup, `${header} ${length(clear)} 00 ${clear}`);
      set(encrypt.chip, [INTENSET, 2], [KSGEN, 1]);
      encrypt.bench.us(200);
      expect(values(encrypt.chip, ENDKSGEN, ENDCRYPT, CCM_ERROR)).toEqual([1, 1, 0]);
      expect(encrypt.chip.irq.level).toBe(true);
      expect(encrypt.bench.bytes(OUTPUT, 3 + sent.length / 2)).toBe(`${header}${length(sent)}00${sent}`);

      const decrypt = ccm(DECRYPT, setup, `${header} ${length(sent)} 00 ${sent}`);
      set(decrypt.chip, [KSGEN, 1]);
      decrypt.bench.us(200);
      expect(values(decrypt.chip, ENDCRYPT, MICSTATUS)).toEqual([1, 1]);
      expect(decrypt.bench.bytes(OUTPUT, 3 + clear.length / 2)).toBe(`${header}${length(clear)}00${clear}`);
    });
  }

  it('finds out that a packet was changed', () => {
    const { bench, chip } = ccm(DECRYPT, configuration(0, true), '0f 05 00 9fcda7f449');
    set(chip, [KSGEN, 1]);
    bench.us(200);
    expect(values(chip, ENDCRYPT, MICSTATUS)).toEqual([1, 0]);
  });

  it('passes an empty packet as it is', () => {
    const { bench, chip } = ccm(ENCRYPT, configuration(0, true), '01 00 00');
    set(chip, [KSGEN, 1]);
    bench.us(200);
    expect([chip.read(ENDCRYPT, 4), bench.bytes(OUTPUT, 4)]).toEqual([1, '01000000']);
  });

  it('refuses a packet before its key stream, one without and one too long', () => {
    for (const [input, ...tasks] of [
      ['0f 01 00 06', KSGEN, CRYPT],
      ['0f 01 00 06', CRYPT],
      ['0f ff 00 06', KSGEN],
    ] as const) {
      const { bench, chip } = ccm(ENCRYPT, configuration(0, true), input);
      for (const task of tasks) set(chip, [task, 1]);
      bench.us(500);
      expect(values(chip, ENDCRYPT, CCM_ERROR)).toEqual([0, 1]);
    }
  });

  it('can be stopped', () => {
    const { bench, chip } = ccm(ENCRYPT, configuration(0, true), '0f 01 00 06');
    set(chip, [KSGEN, 1], [STOP, 1]);
    bench.us(500);
    expect(values(chip, ENDKSGEN, ENDCRYPT, CCM_ERROR)).toEqual([0, 0, 0]);
  });
});

describe('NrfCcmAar as AAR', () => {
  // [BT Core] volume 3 part H appendix D.7: key, random number and hash.
  const IRK = 'ec0234a357c8ad05341010a60a397d9b';
  const ADDRESS = 'aafb0d 948170';
  const aar = (keys: string[], address = ADDRESS) => {
    const all = make();
    all.bench.put(CONFIGURATION, keys.join(''));
    all.bench.put(INPUT, `40 06 00 ${address}`);
    set(all.chip, [ENABLE, 3], [NIRK, keys.length], [IRKPTR, RAM], [ADDRPTR, RAM + INPUT], [0, 1]);
    all.bench.us(100);
    return values(all.chip, END, RESOLVED, NOTRESOLVED, STATUS);
  };

  it('finds the key an address was made with', () => {
    expect(aar([IRK])).toEqual([1, 1, 0, 0]);
    expect(aar([SESSION_KEY, SESSION_KEY, IRK])).toEqual([1, 1, 0, 2]);
  });

  it('says that none of its keys made the address', () => {
    expect(aar([SESSION_KEY])).toEqual([1, 0, 1, 0]);
    expect(aar([IRK], 'aafb0d 948171')).toEqual([1, 0, 1, 0]);
  });
});
