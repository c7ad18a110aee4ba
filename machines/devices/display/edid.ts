// SPDX-License-Identifier: MIT
//
// A monitor's EDID 1.3 base block. Document: [E-EDID] VESA Enhanced Extended Display Identification Data, release A.

export interface MonitorModel {
  /** Up to 13 characters. */
  readonly name: string;
  /** The preferred mode, shown at 60 Hz. */
  readonly width: number;
  readonly height: number;
}

export const EDID_BYTES = 128;

const DOTS_PER_INCH = 96;
const STANDARD_MODES = [
  [1152, 864],
  [1280, 960],
  [1280, 1024],
  [1440, 900],
  [1600, 1200],
  [1680, 1050],
  [1920, 1080],
  [1920, 1200],
] as const;

/** sRGB primaries and white point D65, x and y. */
const CHROMATICITY = [0.64, 0.33, 0.3, 0.6, 0.15, 0.06, 0.3127, 0.329] as const;

export function edid(monitor: MonitorModel): Uint8Array {
  const { width, height } = monitor;
  const block = new Uint8Array(EDID_BYTES);
  block.set([0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x00]);
  block.set(manufacturer('EMR'), 8);
  block[10] = 0x01; // product code 1
  block[16] = 1; // week
  block[17] = 2020 - 1990; // year
  block.set([1, 3], 18); // EDID 1.3
  block[20] = 0x80; // digital input
  block[21] = Math.round(millimetres(width) / 10);
  block[22] = Math.round(millimetres(height) / 10);
  block[23] = 120; // gamma 2.2
  block[24] = 0x06; // sRGB; the first detailed timing is the preferred mode
  block.set(chromaticity(), 25);
  const fits = (w: number, h: number): boolean => w <= width && h <= height;
  if (fits(640, 480)) block[35]! |= 0x20;
  if (fits(800, 600)) block[35]! |= 0x01;
  if (fits(1024, 768)) block[36]! |= 0x08;
  const standard = STANDARD_MODES.filter(([w, h]) => fits(w, h));
  for (let i = 0; i < 8; i++) block.set(standardTiming(standard[i]), 38 + i * 2);
  block.set(detailedTiming(width, height), 54);
  block.set(rangeLimits(), 72);
  block.set(text(0xfc, monitor.name), 90);
  block.set(text(0xff, '1'), 108);
  block[127] = (0x100 - (block.reduce((sum, byte) => sum + byte) & 0xff)) & 0xff;
  return block;
}

const millimetres = (dots: number): number => Math.round((dots * 25.4) / DOTS_PER_INCH);

/** Three letters, five bits each, big-endian. */
function manufacturer(letters: string): number[] {
  const packed = [...letters].reduce((word, letter) => (word << 5) | (letter.charCodeAt(0) - 64), 0);
  return [packed >>> 8, packed & 0xff];
}

/** Eight ten-bit fractions: the low two bits of all first, then the high eight. */
function chromaticity(): number[] {
  const values = CHROMATICITY.map((value) => Math.round(value * 1024));
  const low = [0, 4].map((at) => values.slice(at, at + 4).reduce((byte, value) => (byte << 2) | (value & 3), 0));
  return [...low, ...values.map((value) => value >>> 2)];
}

function standardTiming(mode: readonly [number, number] | undefined): number[] {
  if (mode === undefined) return [0x01, 0x01];
  const [width, height] = mode;
  const aspect = [16 / 10, 4 / 3, 5 / 4, 16 / 9].findIndex((ratio) => Math.abs(width / height - ratio) < 0.001);
  return [width / 8 - 31, Math.max(0, aspect) << 6];
}

/** Blanking and dot clock that a monitor of 60 Hz would take (reduced blanking). */
function detailedTiming(width: number, height: number): number[] {
  const hBlank = 160;
  const hFront = 48;
  const hSync = 32;
  const vFront = 3;
  const vSync = 6;
  const vBlank = Math.max(Math.ceil(height * 0.03), vFront + vSync + 6);
  const tenKilohertz = Math.min(0xffff, Math.round(((width + hBlank) * (height + vBlank) * 60) / 10_000));
  const widthMm = millimetres(width);
  const heightMm = millimetres(height);
  return [
    tenKilohertz & 0xff,
    tenKilohertz >>> 8,
    width & 0xff,
    hBlank & 0xff,
    ((width >>> 8) << 4) | (hBlank >>> 8),
    height & 0xff,
    vBlank & 0xff,
    ((height >>> 8) << 4) | (vBlank >>> 8),
    hFront & 0xff,
    hSync & 0xff,
    ((vFront & 15) << 4) | (vSync & 15),
    ((hFront >>> 8) << 6) | ((hSync >>> 8) << 4) | ((vFront >>> 4) << 2) | (vSync >>> 4),
    widthMm & 0xff,
    heightMm & 0xff,
    ((widthMm >>> 8) << 4) | (heightMm >>> 8),
    0,
    0,
    0x1e, // separate syncs, both positive
  ];
}

function rangeLimits(): number[] {
  const verticalHz = [50, 125];
  const horizontalKhz = [30, 160];
  const maxTenMegahertz = 60;
  const padding = [0x0a, 0x20, 0x20, 0x20, 0x20, 0x20, 0x20];
  return [0, 0, 0, 0xfd, 0, ...verticalHz, ...horizontalKhz, maxTenMegahertz, 0x00, ...padding];
}

/** A descriptor of 13 characters, ended by a line feed and padded with spaces. */
function text(tag: number, value: string): number[] {
  const bytes = [...value.slice(0, 13)].map((char) => char.charCodeAt(0) & 0x7f);
  if (bytes.length < 13) bytes.push(0x0a);
  while (bytes.length < 13) bytes.push(0x20);
  return [0, 0, 0, tag, 0, ...bytes];
}
