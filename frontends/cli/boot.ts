// SPDX-License-Identifier: MIT
import { type Command, Option } from 'commander';
import { calendarFrom } from '../host/calendar.ts';
import { LOG_MASKS, type LogEntry, type LogMask } from '../../machines/backplane/log.ts';
import type { Image, MachineConfig, MachineDefinition, Medium } from '../../machines/backplane/machine.ts';
import { romsOf } from '../../machines/roms.ts';
import { MachineSession } from '../../machines/backplane/session.ts';
import { MACHINES } from '../../machines/registry.ts';
import type { RunResult } from '../../machines/backplane/session-protocol.ts';
import { AudioSource } from '../host/audio.ts';
import { readImage } from '../host/files.ts';
import { writePng } from '../host/png.ts';
import { readRoms } from '../host/rom-library.ts';
import { openSerial, type SerialEnd } from '../host/serial.ts';
import { ThreadChannel } from '../host/thread-channel.ts';
import { UserError } from '../host/user-error.ts';
import { WavFile } from '../host/wav.ts';
import { Monitor } from '../monitor/monitor.ts';
import { parseDisplay, serveDisplay, type ServedDisplay } from './display.ts';
import { EXIT } from './exit-codes.ts';
import { findMachine, parseMachineOptions, parseRam } from './machine-options.ts';

interface BootOptions {
  rom: string[];
  firmware?: string;
  ram?: string;
  set: string[];
  speed?: string;
  disk: string[];
  cdrom: string[];
  floppy: string[];
  kernel?: string;
  initrd?: string;
  append?: string;
  hostfs?: string;
  serial: string[];
  display: string;
  audio: string;
  monitor: string;
  time?: 'virtual' | 'realtime';
  date?: string;
  state?: string;
  until?: string;
  timeout?: string;
  screenshot?: string;
  screenText?: boolean;
  log?: string;
}

const say = (line: string): void => void process.stderr.write(`\r${line}\r\n`);

const collect = (value: string, earlier: string[]): string[] => [...earlier, value];

export function addBootCommand(program: Command, setCode: (code: number) => void): void {
  const many = (flags: string, description: string): Option =>
    new Option(flags, description).argParser(collect).default([], '');
  program
    .command('boot')
    .description('Boot a machine.')
    .argument('<machine>', 'a name that "emeritus machines" lists')
    .addOption(many('--rom <file>', 'an original ROM image of the machine; repeat for machines with several'))
    .option('--firmware <file>', 'a firmware image instead of a ROM, or "builtin" (the default without --rom)')
    .option('--ram <size>', 'amount of RAM, as in 256M')
    .addOption(many('--set <name=value>', "one of the machine's own options (see describe)"))
    .option('--speed <n>', 'times the original processor, as --set speed=N, where the machine has that')
    .addOption(
      many('--disk <file[,opts]>', 'attach a disk image; opts: readonly, overlay[=FILE], bus=ide|scsi|mmc|nand|mo'),
    )
    .addOption(many('--cdrom <file[,opts]>', 'attach a CD-ROM image; opts: bus=ide|scsi'))
    .addOption(many('--floppy <file[,opts]>', 'insert a floppy image; opts: readonly, overlay[=FILE]'))
    .option('--kernel <file>', 'start this kernel (ELF, may be gzip-compressed) instead of a disk')
    .option('--initrd <file>', 'initial RAM disk for --kernel')
    .option('--append <text>', 'command line for --kernel')
    .option('--hostfs <folder>', 'show a folder of the host to the guest (archimedes)')
    .addOption(many('--serial <end>', 'serial line: stdio, pty, tcp:HOST:PORT, file:PATH or none; repeat for more'))
    .option(
      '--display <where>',
      'where the screen is shown: none, sdl, or spice[,port=N][,unix=PATH]… (docs/display.md)',
      'none',
    )
    .option('--audio <where>', 'where the sound goes besides viewers: none, or file:PATH.wav', 'none')
    .option('--monitor <end>', 'a console for commands to the emulator: stdio, pty, tcp:HOST:PORT or none', 'none')
    .addOption(
      new Option(
        '--time <mode>',
        'pace of virtual time; default: realtime on a terminal or with a display, else virtual',
      ).choices(['virtual', 'realtime']),
    )
    .option('--date <iso>', 'calendar time at power-on, as in 2001-03-24T12:00:00Z; default: now')
    .option('--state <folder>', 'keep battery-backed memory (PRAM, NVRAM) in this folder')
    .option('--until <text>', 'end with success when the first serial line has sent this text')
    .option('--timeout <seconds>', 'give up after this many seconds of host time (exit code 3)')
    .option('--screenshot <file.png>', 'write the screen to a PNG file at the end')
    .option('--screen-text', 'print the text on the screen at the end, where the machine can tell')
    .option('--log <masks>', `what to report, comma-separated: ${LOG_MASKS.join(', ')}`)
    .action(async (name: string, options: BootOptions) => setCode(await boot(findMachine(name), options)));
}

async function boot(definition: MachineDefinition, options: BootOptions): Promise<number> {
  const timeoutMs = options.timeout === undefined ? undefined : parseSeconds(options.timeout) * 1000;
  const logMasks = parseLogMasks(options.log);
  const config = readConfig(definition, options);
  const { startSeconds } = calendarFrom(options.date);
  const serialSpecs = options.serial.length > 0 ? options.serial : [options.monitor === 'stdio' ? 'none' : 'stdio'];
  const interactive =
    [...serialSpecs, options.monitor].includes('stdio') && process.stdin.isTTY && process.stdout.isTTY;
  const display = parseDisplay(options.display);
  const recordTo = parseAudio(options.audio);
  const audio = new AudioSource();
  const media = mediaOf(options);
  const ends: SerialEnd[] = [];
  let monitorEnd: SerialEnd | undefined;
  let shown: ServedDisplay | undefined;
  let session: MachineSession | undefined;
  let recording: WavFile | undefined;
  try {
    const time = options.time ?? (interactive || display !== undefined ? 'realtime' : 'virtual');
    const channel = await ThreadChannel.open({ config, time, stateFolder: options.state, startSeconds, logMasks });
    session = new MachineSession(channel);
    for (const spec of serialSpecs) ends.push(await openSerial(spec));
    if (options.monitor !== 'none') monitorEnd = await openSerial(options.monitor);
    if (recordTo !== undefined) recording = await record(session, definition, audio, recordTo);
    if (interactive) hint(definition, config);
    if (display !== undefined) shown = await serveDisplay(session, definition.title, display, say, { audio, media });
    return await attend({ session, definition, options, ends, monitorEnd, media, audio, shown }, timeoutMs);
  } finally {
    shown?.close();
    await session?.close().catch(() => undefined);
    for (const end of ends) end.close();
    monitorEnd?.close();
    recording?.close();
  }
}

/** Records what the machine plays. */
async function record(
  session: MachineSession,
  { name }: MachineDefinition,
  audio: AudioSource,
  path: string,
): Promise<WavFile> {
  if (!(await session.status()).audio) {
    throw new UserError('EMERITUS_AUDIO', `--audio: ${name} has no sound chip that is modelled; leave the option out`);
  }
  const file = new WavFile(path);
  audio.listen((block) => {
    const end = file.write(block);
    if (end !== undefined) say(`emeritus: ${end}`);
  });
  return file;
}

function parseAudio(text: string): string | undefined {
  if (text === 'none') return undefined;
  const path = /^file:(.+\.wav)$/i.exec(text)?.[1];
  if (path === undefined) {
    throw new UserError('EMERITUS_OPTION', `--audio: expected none or file:PATH.wav; found "${text}"`);
  }
  return path;
}

/** What a user at a terminal needs to know before the machine takes the screen. */
function hint({ name }: MachineDefinition, config: MachineConfig): void {
  const lines = ['Ctrl-] q leaves this console; Ctrl-] ? lists its keys.'];
  if (config.kernel === undefined && config.media.length === 0) {
    lines.push(`To boot a disk or CD image: emeritus boot ${name} --disk FILE (or --cdrom FILE).`);
  }
  for (const line of lines) process.stderr.write(`${line}\r\n`);
}

/** What a run has to do with. */
interface Surroundings {
  readonly session: MachineSession;
  readonly definition: MachineDefinition;
  readonly options: BootOptions;
  /** Of the serial lines, in order. */
  readonly ends: readonly SerialEnd[];
  readonly monitorEnd: SerialEnd | undefined;
  readonly media: readonly string[];
  readonly audio: AudioSource;
  readonly shown: ServedDisplay | undefined;
}

/** Everything that happens between power-on and the end of the command. */
async function attend(surroundings: Surroundings, timeoutMs: number | undefined): Promise<number> {
  const { session, definition, options, ends, monitorEnd, media, audio, shown } = surroundings;
  let code: number | undefined;
  const endWith = (exitCode: number): void => {
    code ??= exitCode;
    void session.pause().catch(() => undefined);
  };
  session.onEvent((event) => {
    if (event.event === 'serial') {
      ends[event.port]?.write(event.bytes);
      shown?.serial(event.port, event.bytes);
    } else if (event.event === 'audio') audio.push(event.chunk);
    else if (event.event === 'log') process.stderr.write(formatLog(event.entry));
    else if (event.event === 'notice') process.stderr.write(`emeritus: ${event.text}\r\n`);
  });
  ends.forEach((end, port) => {
    end.onData((bytes) => session.serial(bytes, port).catch(() => undefined));
    end.onQuit(() => endWith(EXIT.ok));
  });
  if (monitorEnd !== undefined) {
    const quit = (): void => endWith(EXIT.ok);
    const console = { session, title: definition.title, media, quit, files: 'any' } as const;
    const monitor = new Monitor(console, (bytes) => monitorEnd.write(bytes));
    monitorEnd.onData((bytes) => monitor.input(bytes));
    monitorEnd.onQuit(quit);
  }
  shown?.onQuit((exitCode) => endWith(exitCode ?? EXIT.ok));
  const onInterrupt = (): void => endWith(EXIT.interrupted);
  const onTerminate = (): void => endWith(EXIT.terminated);
  process.on('SIGINT', onInterrupt).on('SIGTERM', onTerminate).on('SIGHUP', onTerminate);
  const timer = timeoutMs === undefined ? undefined : setTimeout(() => endWith(EXIT.timeout), timeoutMs);
  try {
    const result =
      options.until === undefined
        ? await session.runFor(Infinity)
        : await session.runUntil({ serial: options.until }, Infinity);
    clearTimeout(timer);
    if (options.screenshot !== undefined) await saveScreenshot(session, options.screenshot);
    if (options.screenText === true) await printScreenText(session);
    return explain(result, code, definition, options);
  } finally {
    clearTimeout(timer);
    process.off('SIGINT', onInterrupt).off('SIGTERM', onTerminate).off('SIGHUP', onTerminate);
  }
}

function explain(
  result: RunResult,
  code: number | undefined,
  { name }: MachineDefinition,
  options: BootOptions,
): number {
  const say = (text: string): void => void process.stderr.write(`\r\nemeritus: ${text}\n`);
  switch (result.reason) {
    case 'matched':
      return EXIT.ok;
    case 'off':
      if (options.until === undefined) return EXIT.ok;
      say(`${name} was switched off before it sent ${JSON.stringify(options.until)}`);
      return EXIT.halted;
    case 'checkstop':
      say(`${name}'s CPU stopped for good (checkstop); --log guest,unimp may tell why`);
      return EXIT.halted;
    case 'halted':
      say(`${name} waits for an interrupt that can never come; --log guest,unimp may tell why`);
      return EXIT.halted;
    default:
      if (code === EXIT.timeout) say(`stopped after ${options.timeout} s (--timeout)`);
      return code ?? EXIT.ok;
  }
}

function readConfig(definition: MachineDefinition, options: BootOptions): MachineConfig {
  const image = (path: string | undefined, what: string): Image | undefined =>
    path === undefined ? undefined : readImage(path, what);
  if (options.kernel === undefined && options.initrd !== undefined) {
    throw new UserError('EMERITUS_OPTION', '--initrd goes with --kernel; give a kernel too');
  }
  if (options.kernel === undefined && options.append !== undefined) {
    throw new UserError('EMERITUS_OPTION', '--append goes with --kernel; give a kernel too');
  }
  if (options.kernel === undefined && definition.needsKernel) {
    throw new UserError('EMERITUS_OPTION', `${definition.name} has no firmware; give it a kernel with --kernel`);
  }
  const startsWithKernel = definition.needsRom === 'or a kernel' && options.kernel !== undefined;
  if (options.rom.length === 0 && definition.needsRom && !startsWithKernel) {
    const names = romsOf(definition.name).map((one) => `${one.title} (${one.name})`);
    throw new UserError(
      'EMERITUS_ROM_MISSING',
      `${definition.name} needs an original ROM: ${names.join(' or ')}; give it with --rom` +
        (definition.needsRom === 'or a kernel' ? ', or a Linux kernel with --kernel' : ''),
    );
  }
  if (options.rom.length > 0 && options.firmware !== undefined) {
    throw new UserError('EMERITUS_OPTION', '--rom and --firmware exclude each other; give one of them');
  }
  if (options.hostfs !== undefined && !definition.takesHostfs) {
    const able = MACHINES.filter(({ takesHostfs }) => takesHostfs).map(({ name }) => name);
    throw new UserError('EMERITUS_OPTION', `--hostfs: ${definition.name} has no such card; ${able.join(', ')} have`);
  }
  return {
    machine: definition.name,
    ramBytes: options.ram === undefined ? definition.ram.initial : parseRam(options.ram, definition),
    options: parseMachineOptions(ownOptionsOf(options), definition),
    media: [
      ...options.disk.map((spec) => parseMedium('disk', spec, definition)),
      ...options.cdrom.map((spec) => parseMedium('cdrom', spec, definition)),
      ...options.floppy.map((spec) => parseMedium('floppy', spec, definition)),
    ],
    roms: readRoms(definition.name, options.rom),
    firmware: options.firmware === 'builtin' ? undefined : image(options.firmware, '--firmware'),
    kernel: image(options.kernel, '--kernel'),
    initrd: image(options.initrd, '--initrd'),
    append: options.append,
    hostfs: options.hostfs,
  };
}

/** Takes `bus=…` out of a medium's options; the rest is the host's. */
function parseMedium(kind: Medium['kind'], text: string, { buses = ['ide', 'scsi'] }: MachineDefinition): Medium {
  const words = text.split(',');
  const names = words.filter((word) => word.startsWith('bus=')).map((word) => word.slice('bus='.length));
  const spec = [...words.filter((word) => !word.startsWith('bus=')), ...(kind === 'disk' ? [] : [kind])].join(',');
  if (words[0] === '') throw new UserError('EMERITUS_OPTION', `--${kind}: expected a file name; found "${text}"`);
  const named = names.at(-1);
  const bus = buses.find((known) => known === named);
  if (named !== undefined && bus === undefined) {
    throw new UserError('EMERITUS_OPTION', `--${kind} ${words[0]}: bus is ${buses.join(' or ')}; found "${named}"`);
  }
  return { kind, bus, spec };
}

const ownOptionsOf = ({ set, speed }: BootOptions): string[] =>
  speed === undefined ? set : [...set, `speed=${speed}`];

const mediaOf = ({ disk, cdrom, floppy }: BootOptions): string[] =>
  Object.entries({ disk, cdrom, floppy }).flatMap(([kind, specs]) => specs.map((spec) => `${kind} ${spec}`));

function parseSeconds(text: string): number {
  const seconds = Number(text);
  if (!(seconds > 0 && seconds < 2_000_000)) {
    throw new UserError('EMERITUS_OPTION', `--timeout: expected a number of seconds greater than 0; found "${text}"`);
  }
  return seconds;
}

function parseLogMasks(text: string | undefined): LogMask[] {
  if (text === undefined) return [];
  return text.split(',').map((word) => {
    const mask = LOG_MASKS.find((known) => known === word);
    if (mask === undefined) {
      throw new UserError(
        'EMERITUS_OPTION',
        `--log: expected some of ${LOG_MASKS.join(', ')}, separated by commas; found "${word}"`,
      );
    }
    return mask;
  });
}

async function saveScreenshot(session: MachineSession, path: string): Promise<void> {
  const picture = await session.screenshot();
  if (picture === undefined) {
    process.stderr.write('emeritus: --screenshot: the screen shows nothing, no file was written\n');
    return;
  }
  writePng(path, picture);
}

async function printScreenText(session: MachineSession): Promise<void> {
  const lines = await session.screenText();
  if (lines === undefined)
    process.stderr.write('emeritus: --screen-text: the machine cannot tell what its screen says\n');
  else process.stdout.write(`${lines.join('\n').trimEnd()}\n`);
}

const formatLog = ({ mask, device, message, pc }: LogEntry): string =>
  `[${mask}] ${device}: ${message} (pc 0x${pc.toString(16)})\r\n`;
