// SPDX-License-Identifier: MIT
//
// Builds the ROMs of roms/ from their sources with Debian's binutils-arm-linux-gnueabi.
//   node tools/build-roms.mjs [--to FOLDER]     writes NAME.bin beside the sources, or into FOLDER
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..');
const SOURCES = join(ROOT, 'roms', 'archimedes');
const PREFIX = 'arm-linux-gnueabi-';
const KIB = 1 << 10;

const ROMS = [
  { name: 'diagnostic', origin: 0x0380_0000, bytes: 16 * KIB },
  { name: 'hostfs', origin: 0, bytes: 4 * KIB, extension: true },
];

/** The firmware's font, 16 bytes a character, as assembler directives. */
function fontDirectives() {
  const source = readFileSync(join(ROOT, 'machines', 'firmware', 'font.ts'), 'utf8');
  const glyphs = [...source.matchAll(/^ {2}'([0-9a-f]{26})', \/\/ /gm)].map(([, hex]) => `00${hex}0000`);
  if (glyphs.length < 95) throw new Error(`font.ts: found ${glyphs.length} glyphs, expected 95`);
  return glyphs.map((hex) => `.byte ${hex.match(/../g).map((pair) => `0x${pair}`)}\n`).join('');
}

function assemble({ name, origin }, folder) {
  const file = (suffix) => join(folder, `${name}.${suffix}`);
  const run = (tool, ...args) => execFileSync(`${PREFIX}${tool}`, args, { stdio: ['ignore', 'inherit', 'inherit'] });
  run('as', '-march=armv2a', '-mfloat-abi=soft', '-I', folder, '-o', file('o'), join(SOURCES, `${name}.s`));
  run('ld', '-Ttext', origin.toString(16), '--no-warn-mismatch', '-o', file('elf'), file('o'));
  run('objcopy', '-O', 'binary', '-j', '.text', file('elf'), file('raw'));
  return readFileSync(file('raw'));
}

/** What RISC OS finds an extension ROM by: its size, the sum of its words up to here, and a name. [5TH] */
function addExtensionTrailer(image) {
  const at = image.length - 16;
  image.writeUInt32LE(image.length, at);
  let sum = 0;
  for (let word = 0; word <= at; word += 4) sum = (sum + image.readUInt32LE(word)) >>> 0;
  image.writeUInt32LE(sum, at + 4);
  image.write('ExtnROM0', at + 8, 'latin1');
}

function build(to) {
  const folder = mkdtempSync(join(tmpdir(), 'emeritus-roms-'));
  try {
    writeFileSync(join(folder, 'font.inc'), fontDirectives());
    for (const rom of ROMS) {
      const code = assemble(rom, folder);
      if (code.length > rom.bytes - (rom.extension ? 16 : 0))
        throw new Error(`${rom.name}: ${code.length} bytes, room for ${rom.bytes}`);
      const image = Buffer.alloc(rom.bytes, 0xff);
      image.set(code);
      if (rom.extension) addExtensionTrailer(image);
      const path = join(folder, `${rom.name}.bin`);
      writeFileSync(path, image);
      mkdirSync(to, { recursive: true });
      copyFileSync(path, join(to, `${rom.name}.bin`));
      process.stdout.write(`${rom.name}.bin: ${code.length} of ${rom.bytes} bytes\n`);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const [option, value] = process.argv.slice(2);
if (option !== undefined && (option !== '--to' || value === undefined)) {
  process.stderr.write('usage: node tools/build-roms.mjs [--to FOLDER]\n');
  process.exit(2);
}
build(value ?? SOURCES);
