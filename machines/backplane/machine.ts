// SPDX-License-Identifier: MIT
import type { AudioLine } from './audio-line.ts';
import type { Board } from './board.ts';
import type { BlockDevice, Calendar, KeyboardInput, NonVolatile, PointerInput, Screen } from './host.ts';
import type { HostFolder } from './host-folder.ts';
import type { Log } from './log.ts';
import type { SerialLine } from './serial-line.ts';
import type { Wire } from './wire.ts';

/** A ROM image a machine can use; `roms.ts` lists them per machine. */
export interface Image {
  /** What the user calls it, for messages. */
  readonly title: string;
  readonly bytes: Uint8Array;
}

/**
 * What a drive may be connected to; `mmc` is a slot for a card, `nand` a bank of flash memory, `mo` a magneto-optical
 * drive.
 */
export type DriveBus = 'ide' | 'scsi' | 'mmc' | 'nand' | 'mo';

/** A medium to attach: a disk specification the host understands (`FILE,readonly`), in the order given. */
export interface Medium {
  readonly kind: 'disk' | 'cdrom' | 'floppy';
  /** Which bus it goes to, where the machine has several; `undefined` leaves it to the machine. */
  readonly bus?: DriveBus | undefined;
  readonly spec: string;
}

/** What a user chose, as plain data: it crosses to the machine thread. */
export interface MachineConfig {
  readonly machine: string;
  readonly ramBytes: number;
  /** The machine's own options by name, already checked against {@link MachineDefinition.options}. */
  readonly options: Record<string, string>;
  readonly media: readonly Medium[];
  readonly roms: readonly Image[];
  /** A firmware image; `undefined` means the built-in firmware. */
  readonly firmware?: Image | undefined;
  readonly kernel?: Image | undefined;
  readonly initrd?: Image | undefined;
  readonly append?: string | undefined;
  /** A folder of the host that the guest sees as a disc. */
  readonly hostfs?: string | undefined;
}

/** A medium the machine has to itself until it closes it. */
export interface AttachableDisk extends BlockDevice {
  close(): void;
}

/** What the machine needs from the host it runs on. */
export interface MachineHost {
  /** The compiled CPU core of an instruction set. */
  core(isa: string): WebAssembly.Module;
  disk(spec: string): AttachableDisk;
  /** Battery-backed memory called `name` of this machine. */
  nonVolatile(name: string): NonVolatile;
  /** A ROM of our own, by its path in `roms/`: `archimedes/diagnostic.bin`. */
  ownRom(path: string): Uint8Array;
  /** A folder the user shares with the guest. */
  hostFolder(path: string): HostFolder;
  readonly calendar: Calendar;
  readonly log: Log;
}

/** A built machine: what the session drives. */
export interface Machine {
  readonly board: Board;
  readonly screens: readonly Screen[];
  readonly keyboard?: KeyboardInput | undefined;
  readonly pointer?: PointerInput | undefined;
  readonly serial: readonly SerialLine[];
  /** What its sound chip plays into. */
  readonly audio?: AudioLine | undefined;
  /**
   * In real time on a host that is too slow, virtual time slips. It jumps otherwise: a clock on the wall stays right, but
   * software that sets a timer a few microseconds ahead may miss it.
   */
  readonly timeSlips?: true;
  /** Asserted when the guest switches the machine off. */
  readonly powerOff: Wire;
  /** Asserted when the guest pulls the reset line; the session then calls {@link start} with `warm`. */
  readonly resetRequest: Wire;
  /** Resets every device and puts firmware, kernel and registers where power-on finds them. */
  start(kind: 'cold' | 'warm'): void;
  /** Flushes media and battery-backed memory. */
  close(): void;
}

/** One choice of a machine's own options. */
export interface MachineOption {
  readonly values: readonly string[];
  readonly initial: string;
  readonly title: string;
}

export interface MachineDefinition {
  /** As in `emeritus boot NAME`. */
  readonly name: string;
  readonly title: string;
  readonly year: number;
  /** What works, in a line. */
  readonly status: string;
  readonly ram: { readonly min: number; readonly max: number; readonly initial: number };
  readonly options: Readonly<Record<string, MachineOption>>;
  /** What `bus=` of a medium may name; `ide` and `scsi` unless said otherwise. */
  readonly buses?: readonly DriveBus[];
  /** It has neither ROM nor firmware: only a kernel starts it. */
  readonly needsKernel?: true;
  /** Only an original ROM starts it (or a kernel); without one it can be described. */
  readonly needsRom?: true | 'or a kernel';
  /** It can show a folder of the host to the guest. */
  readonly takesHostfs?: true;
  build(host: MachineHost, config: MachineConfig): Machine;
}
