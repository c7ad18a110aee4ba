// SPDX-License-Identifier: MIT
import { Board } from '../backplane/board.ts';
import { MachineConfigError, takesNo } from '../backplane/machine-config-error.ts';
import type { NonVolatile } from '../backplane/host.ts';
import type { Machine, MachineConfig, MachineDefinition, MachineHost } from '../backplane/machine.ts';
import type { MemoryBlock } from '../backplane/memory.ts';
import { region } from '../backplane/memory-map.ts';
import { SerialLine } from '../backplane/serial-line.ts';
import { OrWire } from '../backplane/wire.ts';
import { ArmCpu } from '../devices/cpu/arm.ts';
import { LedMatrix } from '../devices/display/led-matrix.ts';
import { I2cBus } from '../devices/i2c/i2c-bus.ts';
import { NrfAdc } from '../devices/nrf51/nrf-adc.ts';
import { NrfCcmAar } from '../devices/nrf51/nrf-ccm-aar.ts';
import { NrfEcb } from '../devices/nrf51/nrf-ecb.ts';
import { keptFlash, NrfFlash } from '../devices/nrf51/nrf-flash.ts';
import { NrfGpio } from '../devices/nrf51/nrf-gpio.ts';
import { NrfGpiote } from '../devices/nrf51/nrf-gpiote.ts';
import { NrfLpcomp } from '../devices/nrf51/nrf-lpcomp.ts';
import type { NrfPeripheral } from '../devices/nrf51/nrf-peripheral.ts';
import { NrfPpi } from '../devices/nrf51/nrf-ppi.ts';
import { NrfQdec } from '../devices/nrf51/nrf-qdec.ts';
import { NrfRadio, type RadioAir } from '../devices/nrf51/nrf-radio.ts';
import { NrfRng } from '../devices/nrf51/nrf-rng.ts';
import { NrfRtc } from '../devices/nrf51/nrf-rtc.ts';
import { NrfSystem, RESET_REASON } from '../devices/nrf51/nrf-system.ts';
import { NrfTemp } from '../devices/nrf51/nrf-temp.ts';
import { NrfTimer } from '../devices/nrf51/nrf-timer.ts';
import { NrfTwiSpi } from '../devices/nrf51/nrf-twi-spi.ts';
import { NrfUart } from '../devices/nrf51/nrf-uart.ts';
import { NrfWdt } from '../devices/nrf51/nrf-wdt.ts';
import { Mag3110 } from '../devices/sensors/mag3110.ts';
import { Mma8653 } from '../devices/sensors/mma8653.ts';
import { HexError, parseHex } from '../firmware/intel-hex.ts';
import { MicrobitInput } from './microbit-input.ts';
import { MicrobitScreen } from './microbit-screen.ts';
import { UsbBridge } from './usb-bridge.ts';

const KIB = 1 << 10;
const HFCLK_HZ = 16_000_000;
const LFCLK_HZ = 32_768;
const FLASH_BYTES = 256 * KIB;
const FLASH_PAGE_BYTES = KIB;
const RAM_BYTES = 16 * KIB;
const FICR_BASE = 0x1000_0000;
const UICR_BASE = 0x1000_1000;
const RAM_BASE = 0x2000_0000;

/** GPIO numbers on the board. */
const PIN = {
  rows: 13,
  columns: 4,
  buttonA: 17,
  buttonB: 26,
  accelerometer1: 28,
  accelerometer2: 27,
  magnetometer: 29,
  scl: 0,
  sda: 30,
};
/** The pads 0, 1 and 2 of the edge connector. */
const PADS = [3, 2, 1] as const;
/** A hand shakes the board to one side for so long. */
const SWING_NS = 50_000_000;
/** Pins that resistors on the board pull up: the buttons', the I2C bus, the pads (weakly, to feel a finger). */
const BOARD_PULL_UPS = [PIN.buttonA, PIN.buttonB, PIN.scl, PIN.sda, ...PADS];
/** What can be connected to a pad. */
const OPEN = 'open';
const VOLTS: Readonly<Record<string, number | undefined>> = {
  [OPEN]: undefined,
  ...Object.fromEntries(Array.from({ length: 12 }, (_, n) => [(n * 0.3).toFixed(1), n * 0.3])),
};
const ROWS = 3;
const COLUMNS = 9;
/** The usual software drives a row of LEDs for 6 ms. */
const REFRESH_NS = ROWS * 6_000_000;
/** Row and column (from 1) of each LED, line by line from the top left. [micro:bit v1 schematic] */
// prettier-ignore
const LEDS = [
  [1, 1], [2, 4], [1, 2], [2, 5], [1, 3],
  [3, 4], [3, 5], [3, 6], [3, 7], [3, 8],
  [2, 2], [1, 9], [2, 3], [3, 9], [2, 1],
  [1, 8], [1, 7], [1, 6], [1, 5], [1, 4],
  [3, 3], [2, 7], [3, 1], [2, 6], [3, 2],
] as const;

/** Factory information: page and flash size, RAM blocks, part and device numbers, roots of keys, address. [nRF51 RM] §7 */
const FICR: readonly (readonly [offset: number, value: number])[] = [
  [0x010, FLASH_PAGE_BYTES],
  [0x014, FLASH_BYTES / FLASH_PAGE_BYTES],
  [0x034, 2],
  [0x038, RAM_BYTES / 2],
  [0x05c, 0xffff_0083],
  [0x060, 0x3c5a_9117],
  [0x064, 0x81f0_24d6],
  ...[0x6b1d_90c4, 0x27ef_538a, 0xd4a2_061f, 0x95c8_7e3b].map((value, n) => [0x080 + n * 4, value] as const),
  ...[0x1f84_c26d, 0xb093_5a7e, 0x48d1_ef02, 0xe73c_1b95].map((value, n) => [0x090 + n * 4, value] as const),
  [0x0a0, 0xffff_ffff],
  [0x0a4, 0x4e17_b2c9],
  [0x0a8, 0xffff_d3f1],
];

/** The debug ROM table, by whose identity start-up code knows the chip's revision: the third, which needs no workarounds. */
const ROM_TABLE_BASE = 0xf000_0000;
const ROM_TABLE: readonly (readonly [offset: number, value: number])[] = [
  [0xfe0, 0x01],
  [0xfe4, 0x40],
  [0xfe8, 0x7c],
  [0xff0, 0x0d],
  [0xff4, 0x10],
  [0xff8, 0x05],
  [0xffc, 0xb1],
];

/** Machines of one process on the same air can talk by radio. */
export interface MicrobitExtras {
  readonly air?: RadioAir;
}

export const microbit: MachineDefinition = {
  name: 'microbit',
  title: 'BBC micro:bit v1',
  year: 2016,
  status: 'MicroPython, MakeCode programs; all parts of the nRF51822; no sound',
  ram: { min: RAM_BYTES, max: RAM_BYTES, initial: RAM_BYTES },
  options: Object.fromEntries(
    PADS.map((_, n) => [
      `p${n}`,
      { values: Object.keys(VOLTS), initial: OPEN, title: `volts at pad ${n} of the edge connector` },
    ]),
  ),
  build: (host, config) => buildMicrobit(host, config),
};

export function buildMicrobit(host: MachineHost, config: MachineConfig, extras: MicrobitExtras = {}): Machine {
  takesNo(config, 'firmware', 'initrd', 'append', 'media');
  const board = new Board({ masterHz: HFCLK_HZ, memoryBytes: 64 << 20, log: host.log });

  // Chips
  const bus = board.map('bus');
  bus.openBus = { value: 0, busError: true };
  const cpu = board.addCpu(
    new ArmCpu(board.chip('cpu'), {
      memory: board.memory,
      map: bus,
      module: host.core('arm'),
      model: 'cortex-m0',
    }),
  );
  const code = board.memory.allocate('flash', FLASH_BYTES);
  const uicr = board.memory.allocate('uicr', 4 * KIB);
  const ficr = board.memory.allocate('ficr', 4 * KIB);
  const romTable = board.memory.allocate('rom table', 4 * KIB);
  const ram = board.memory.allocate('ram', RAM_BYTES);
  const hfclk = board.clock('hfclk', HFCLK_HZ);
  const lfclk = board.clock('lfclk', LFCLK_HZ);
  const ppi = board.add(new NrfPpi(board.chip('ppi')));
  const gpio = board.add(new NrfGpio(board.chip('gpio'), { boardPullUps: BOARD_PULL_UPS }));
  const i2c = new I2cBus();
  const accelerometer = board.add(i2c.attach(0x1d, new Mma8653(board.chip('accelerometer'))));
  const magnetometer = board.add(i2c.attach(0x0e, new Mag3110(board.chip('magnetometer'))));
  /** Mounts a peripheral, maps it, and connects its interrupt: the number is in its address. */
  const peripheral = <T extends NrfPeripheral>(chip: T): T => {
    board.add(ppi.connect(chip));
    bus.add(region(chip.base, chip.base + 0xfff).device(chip, chip.id));
    const n = (chip.base >>> 12) & 0x1f;
    board.wire(chip.irq, (level) => cpu.interruptLine(n, level), `cpu.irq${n}`);
    return chip;
  };
  const at = (id: number): { base: number; ppi: NrfPpi } => ({ base: 0x4000_0000 + id * 0x1000, ppi });
  const system = peripheral(new NrfSystem(board.chip('power'), at(0)));
  const flashStore = host.nonVolatile('flash');
  const flash = board.add(
    new NrfFlash(board.chip('flash'), {
      memory: board.memory,
      code,
      uicr,
      pageBytes: FLASH_PAGE_BYTES,
      store: flashStore,
      protects: (offset) => system.protects(offset),
    }),
  );
  peripheral(new NrfRadio(board.chip('radio'), { ...at(1), memory: bus, ...(extras.air && { air: extras.air }) }));
  const uart = peripheral(new NrfUart(board.chip('uart'), at(2)));
  peripheral(new NrfTwiSpi(board.chip('twi0'), { ...at(3), i2c }));
  peripheral(new NrfTwiSpi(board.chip('twi1'), { ...at(4), i2c, memory: bus }));
  peripheral(new NrfGpiote(board.chip('gpiote'), { ...at(6), gpio }));
  peripheral(new NrfAdc(board.chip('adc'), { ...at(7), gpio }));
  peripheral(new NrfTimer(board.chip('timer0'), { ...at(8), clock: hfclk, widest: 32 }));
  peripheral(new NrfTimer(board.chip('timer1'), { ...at(9), clock: hfclk, widest: 16 }));
  peripheral(new NrfTimer(board.chip('timer2'), { ...at(10), clock: hfclk, widest: 16 }));
  peripheral(new NrfRtc(board.chip('rtc0'), { ...at(11), clock: lfclk, compares: 3 }));
  peripheral(new NrfTemp(board.chip('temp'), at(12)));
  peripheral(new NrfRng(board.chip('rng'), { ...at(13), seed: host.calendar.startSeconds }));
  peripheral(new NrfEcb(board.chip('ecb'), { ...at(14), memory: bus }));
  peripheral(new NrfCcmAar(board.chip('ccm-aar'), { ...at(15), memory: bus }));
  const watchdog = peripheral(new NrfWdt(board.chip('wdt'), at(16)));
  peripheral(new NrfRtc(board.chip('rtc1'), { ...at(17), clock: lfclk, compares: 4 }));
  peripheral(new NrfQdec(board.chip('qdec'), { ...at(18), gpio }));
  peripheral(new NrfLpcomp(board.chip('lpcomp'), { ...at(19), gpio }));
  const line = new SerialLine('usb');
  uart.port = board.add(new UsbBridge(board.chip('usb'), line));
  const leds = board.add(
    new LedMatrix(board.chip('leds'), {
      leds: LEDS.map(([row, column]) => [row - 1, column - 1]),
      rows: ROWS,
      columns: COLUMNS,
      windowNs: REFRESH_NS,
    }),
  );
  const padVolts = PADS.map((_, n) => VOLTS[config.options[`p${n}`] ?? OPEN]);
  PADS.forEach((pin, n) => gpio.voltsW(pin, padVolts[n]));
  const shake = board.scheduler.task('hands.shake', () => {
    input.swing();
    shake.schedule(swingTicks);
  });
  const swingTicks = board.scheduler.ns(SWING_NS);
  const input: MicrobitInput = new MicrobitInput({
    onTouch: (place, touched) => {
      if (typeof place === 'number') gpio.voltsW(PADS[place], touched ? 0 : padVolts[place]);
      else gpio.pinW(place === 'a' ? PIN.buttonA : PIN.buttonB, touched ? false : undefined);
    },
    // The chip is mounted turned around.
    onTilt: (x, y, z) => (accelerometer.acceleration = [-x, -y, z]),
    onShake: (shaken) => (shaken ? shake.schedule(swingTicks) : shake.cancel()),
  });

  // Pins
  gpio.onLevel((pin, level) => {
    if (pin >= PIN.rows && pin < PIN.rows + ROWS) leds.rowW(pin - PIN.rows, level);
    if (pin >= PIN.columns && pin < PIN.columns + COLUMNS) leds.columnW(pin - PIN.columns, level);
  });
  board.wire(accelerometer.level1, (level) => gpio.pinW(PIN.accelerometer1, level), 'gpio.p0.28');
  board.wire(accelerometer.level2, (level) => gpio.pinW(PIN.accelerometer2, level), 'gpio.p0.27');
  board.wire(magnetometer.int1, (level) => gpio.pinW(PIN.magnetometer, level), 'gpio.p0.29');

  // Map
  bus.add(
    region(0, FLASH_BYTES - 1).rom(code, 0, { target: flash.code, name: 'flash', base: 0 }),
    region(FICR_BASE, FICR_BASE + 0xfff).rom(ficr),
    region(UICR_BASE, UICR_BASE + 0xfff).rom(uicr, 0, { target: flash.uicr, name: 'uicr', base: UICR_BASE }),
    region(RAM_BASE, RAM_BASE + RAM_BYTES - 1).ram(ram),
    region(0x4001_e000, 0x4001_efff).device(flash.registers, 'nvmc'),
    region(0x4001_f000, 0x4001_ffff).device(ppi, 'ppi'),
    region(0x5000_0000, 0x5000_0fff).device(gpio, 'gpio'),
    region(ROM_TABLE_BASE, ROM_TABLE_BASE + 0xfff).rom(romTable),
  );

  const resetRequest = new OrWire('reset');
  const byWatchdog = resetRequest.input();
  watchdog.resetOut.to((level) => {
    if (level) system.because(RESET_REASON.watchdog);
    byWatchdog(level);
  });
  const byRequest = resetRequest.input();
  cpu.resetRequest.to((level) => {
    if (level) system.because(RESET_REASON.request);
    byRequest(level);
  });
  const powerOff = new OrWire('power off');
  board.wire(system.off, powerOff.input(), 'power off', 'SYSTEMOFF');

  ficr.bytes.fill(0xff);
  for (const [offset, value] of FICR) ficr.view.setUint32(offset, value, true);
  for (const [offset, value] of ROM_TABLE) romTable.view.setUint32(offset, value, true);
  loadProgram(config, code, uicr, flashStore);

  return {
    board,
    screens: [new MicrobitScreen(leds, () => input.hands)],
    keyboard: input,
    pointer: input,
    serial: [line],
    timeSlips: true,
    powerOff,
    resetRequest,
    start: (kind) => {
      board.reset(kind);
    },
    close: () => flash.flush(),
  };
}

/** A program given as HEX is flashed; without one, the flash has what was kept. */
function loadProgram(config: MachineConfig, code: MemoryBlock, uicr: MemoryBlock, store: NonVolatile): void {
  code.bytes.fill(0xff);
  uicr.bytes.fill(0xff);
  const image = config.kernel ?? config.roms[0];
  if (image === undefined) {
    const kept = store.load();
    if (kept === undefined) throw new MachineConfigError('microbit needs a program: give one with --kernel FILE.hex');
    if (kept.length !== code.size + uicr.size) {
      throw new MachineConfigError(
        `the kept flash has ${kept.length} bytes instead of ${code.size + uicr.size}: give a program with --kernel FILE.hex`,
      );
    }
    code.bytes.set(kept.subarray(0, code.size));
    uicr.bytes.set(kept.subarray(code.size));
    return;
  }
  try {
    for (const { address, bytes } of parseHex(new TextDecoder('latin1').decode(image.bytes), image.title)) {
      const target = address >= UICR_BASE ? uicr : code;
      const offset = address >= UICR_BASE ? address - UICR_BASE : address;
      if (offset + bytes.length <= target.size) {
        target.bytes.set(bytes, offset);
      } else {
        throw new HexError(`${image.title}: data at 0x${address.toString(16)} is outside the flash of a micro:bit v1`);
      }
    }
  } catch (error) {
    if (error instanceof HexError) throw new MachineConfigError(`--kernel: ${error.message}`);
    throw error;
  }
  store.store(keptFlash(code, uicr));
}
