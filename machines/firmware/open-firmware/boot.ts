// SPDX-License-Identifier: MIT
//
// Booting: `boot`'s arguments taken apart, what was loaded recognized, programs and initial RAM disks put into memory.
// The sequence itself is Forth, in prelude.ts.
import { type PlainFields, SavedFields } from '../../backplane/device.ts';
import { ElfError, isElf } from '../elf.ts';
import type { Claims } from './claims.ts';
import { ForthThrow, THROW } from './errors.ts';
import type { Forth } from './forth/forth.ts';
import type { FirmwareHost } from './host.ts';
import { latin1 } from './latin1.ts';
import { bootScript, isForthText, type Program, readProgram } from './loader.ts';
import { LAYOUT } from './stubs.ts';
import { cells, type DeviceTree, type Package, strings } from './tree.ts';
import type { ConfigurationVariables } from './variables.ts';
import { report } from './words/user.ts';

/** A program the machine was told to start, instead of one from a medium. */
export interface DirectKernel {
  readonly image: Uint8Array;
  readonly initrd?: Uint8Array;
  readonly append?: string;
}

/** A program in memory, ready to be started. */
export interface ReadyProgram {
  readonly entry: number;
  readonly initrd: number;
  readonly initrdBytes: number;
}

/** What booting uses of the firmware. */
export interface BootContext {
  readonly host: FirmwareHost;
  readonly forth: Forth;
  readonly tree: DeviceTree;
  readonly variables: ConfigurationVariables;
  readonly chosen: Package;
  /** Where the firmware's own memory starts. */
  readonly base: number;
  readonly physical: Claims;
  readonly virtual: Claims;
  readonly kernel: DirectKernel | undefined;
  /** Shows in the tree what is claimed. */
  showClaims(): void;
  /** Whether ^C was typed. */
  interrupted(): boolean;
  /** Goes on with a client that called `enter`; `false` when there is none. */
  resume(): boolean;
  enterClient(program: ReadyProgram): void;
}

const KERNEL_BASE = 0x0100_0000;
const PAGE = 0x1000;

export class Boot {
  readonly #firmware: BootContext;
  #program: ReadyProgram | undefined;
  /** A client's boot command, to be used instead of what follows `boot`. */
  text: string | undefined;
  /** The devices to try. */
  #params: string[] = [];
  #loadedBytes = 0;

  constructor(firmware: BootContext) {
    this.#firmware = firmware;
  }

  save(): PlainFields {
    return {
      program: this.#program === undefined ? null : { ...this.#program },
      bootText: this.text ?? null,
      bootParams: [...this.#params],
      loadedBytes: this.#loadedBytes,
    };
  }

  restore(state: PlainFields): void {
    const saved = new SavedFields('firmware', state);
    this.#program = undefined;
    if (state['program'] !== null) {
      const program = saved.nested('program');
      const [entry, initrd, initrdBytes] = [program.u32('entry'), program.u32('initrd'), program.u32('initrdBytes')];
      this.#program = { entry, initrd, initrdBytes };
    }
    this.text = state['bootText'] === null ? undefined : saved.string('bootText');
    this.#params = saved.list('bootParams', 1024).filter((param) => typeof param === 'string');
    this.#loadedBytes = saved.u32('loadedBytes');
  }

  /** The words `boot`, `load` and `go` of the prelude are made of. */
  defineWords(): void {
    const { forth, tree, chosen, kernel, base } = this.#firmware;
    // ^C that waits at power-on stops the automatic boot; other input is for what is booted.
    forth.native('(boot-stopped?)', (f) => f.flag(this.#firmware.interrupted()));
    forth.native('(set-boot-text)', (f) => (this.text = f.popString()));
    forth.native('(boot-params)', (f) => {
      const text = this.text ?? String.fromCharCode(...f.parse(0x0a).bytes).trim();
      this.text = undefined;
      this.#params = this.#parseBoot(text);
      f.push(this.#params.length);
    });
    forth.native('(boot-param)', (f) => f.pushText(this.#params[f.pop()] ?? ''));
    forth.native('(load-error)', (f) => {
      const index = f.pop();
      const code = f.pop();
      f.freshLine();
      f.type(`${this.#params[index] ?? ''}: `);
      report(f, code);
    });
    forth.native('(set-bootpath)', (f) => {
      const text = f.popString();
      chosen.properties.set('bootpath', strings(tree.expand(text)));
    });
    forth.native('(loaded)', (f) => (this.#loadedBytes = f.popU()));
    forth.native('init-program', () => this.#initProgram());
    forth.native('(direct-boot?)', (f) => {
      const text = this.text ?? String.fromCharCode(...f.source.bytes.subarray(Math.max(0, f.variable('>in'))));
      f.flag(kernel !== undefined && text.trim() === '');
    });
    forth.native('(direct-boot)', () => {
      if (kernel === undefined) return;
      this.text = undefined;
      try {
        this.#program = this.#place(readProgram(kernel.image), kernel.initrd);
      } catch (error) {
        if (error instanceof ElfError)
          throw new ForthThrow(THROW.abortMessage, `the kernel cannot be started: ${error.message}`);
        throw error;
      }
      chosen.properties.set('bootargs', strings(kernel.append ?? ''));
    });
    forth.native('(program?)', (f) => f.flag(this.#program !== undefined));
    forth.native(
      '(go)',
      (f) => {
        if (!this.#firmware.resume()) {
          if (this.#program === undefined) throw new ForthThrow(THROW.abortMessage, 'no program to go to');
          this.#firmware.enterClient(this.#program);
          this.#program = undefined;
        }
        f.wait();
      },
      'b',
    );
    forth.constant('load-limit', base);
  }

  /** Devices to try, after `boot`'s arguments have been taken apart; sets bootargs. */
  #parseBoot(text: string): string[] {
    const { tree, chosen, variables } = this.#firmware;
    const [first = '', ...rest] = text.split(/\s+/);
    const isDevice = first.startsWith('/') || tree.alias(first.split(/[/:]/)[0]!) !== undefined;
    const args = (isDevice ? rest.join(' ') : text).trim();
    chosen.properties.set('bootargs', strings(args === '' ? variables.get('boot-file') : args));
    if (isDevice) return [first];
    return variables
      .get('boot-device')
      .split(/\s+/)
      .filter((device) => device !== '');
  }

  /** Makes what was loaded at load-base ready to start: a program, or a script that is run at once. */
  #initProgram(): void {
    const { forth, host, variables, base } = this.#firmware;
    const loadBase = variables.number('load-base') >>> 0;
    const size = Math.min(this.#loadedBytes, base - Math.min(base, loadBase));
    const image = new Uint8Array(size);
    if (!host.readBytes(loadBase, image)) throw new ForthThrow(THROW.invalidAddress);
    this.#program = undefined;
    if (isElf(image)) {
      try {
        this.#program = this.#place(readProgram(image));
      } catch (error) {
        if (error instanceof ElfError)
          throw new ForthThrow(THROW.abortMessage, `it cannot be started: ${error.message}`);
        throw error;
      }
      return;
    }
    const script =
      bootScript(image, this.#bootEntities()) ?? (isForthText(image) ? String.fromCharCode(...image) : undefined);
    if (script === undefined) throw new ForthThrow(THROW.notBootable);
    const text = latin1(script.replaceAll('\r', '\n'));
    if (text.length > LAYOUT.evaluateBytes) throw new ForthThrow(THROW.parsedOverflow);
    const pa = base + LAYOUT.evaluate;
    forth.setBytes(pa, text);
    forth.evaluate(pa, text);
  }

  /** What a boot script may ask for: where it came from. */
  #bootEntities(): Record<string, string> {
    const { tree, chosen } = this.#firmware;
    const path = tree.text(chosen, 'bootpath') ?? '';
    const colon = path.indexOf(':');
    const device = colon < 0 ? path : path.slice(0, colon);
    const args = colon < 0 ? '' : path.slice(colon + 1);
    const comma = args.indexOf(',');
    const partition = comma < 0 ? args : args.slice(0, comma);
    const file = comma < 0 ? '' : args.slice(comma + 1);
    const directory = file.slice(0, file.lastIndexOf('\\') + 1);
    return { device, partition, directory, file, lt: '<', gt: '>', amp: '&', quot: '"', 'full-path': path };
  }

  /**
   * Copies a program into memory: where it is linked, or, when that is not free RAM (a kernel linked at 0xc000_0000), as a
   * whole to the first free place from 16 MB on. The initial RAM disk comes after it.
   */
  #place(elf: Program, initrd?: Uint8Array): ReadyProgram {
    const { physical, virtual, chosen, base: top } = this.#firmware;
    const { base, span } = elf;
    let at = base;
    if (!physical.claim(base, span)) {
      at = KERNEL_BASE + (base & 0xffff);
      const step = 0x10_0000;
      while (at + span <= top && !physical.claim(at, span)) at += step;
      if (at + span > top) throw new ElfError(`there is no room for ${span} bytes of program`);
    }
    virtual.claim(at, span);
    for (const segment of elf.segments) {
      const pa = at + (segment.virtual - base);
      this.#write(pa, segment.bytes);
      this.#zero(pa + segment.bytes.length, segment.memoryBytes - segment.bytes.length);
    }
    let initrdAt = 0;
    if (initrd !== undefined && initrd.length > 0) {
      initrdAt = Math.ceil((at + span + 0x1_0000) / PAGE) * PAGE;
      while (initrdAt + initrd.length <= top && !physical.claim(initrdAt, initrd.length)) initrdAt += PAGE;
      if (initrdAt + initrd.length > top) throw new ElfError('there is no room for the initial RAM disk');
      virtual.claim(initrdAt, initrd.length);
      this.#write(initrdAt, initrd);
      chosen.properties.set('linux,initrd-start', cells(initrdAt));
      chosen.properties.set('linux,initrd-end', cells(initrdAt + initrd.length));
    }
    this.#firmware.showClaims();
    return { entry: at + (elf.entry - base), initrd: initrdAt, initrdBytes: initrd?.length ?? 0 };
  }

  #write(pa: number, bytes: Uint8Array): void {
    if (bytes.length > 0 && !this.#firmware.host.writeBytes(pa, bytes)) throw new ForthThrow(THROW.invalidAddress);
  }

  #zero(pa: number, length: number): void {
    const piece = new Uint8Array(Math.min(length, 0x1_0000));
    for (let at = 0; at < length; at += piece.length) {
      this.#write(pa + at, piece.subarray(0, Math.min(piece.length, length - at)));
    }
  }
}
