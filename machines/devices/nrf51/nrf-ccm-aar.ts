// SPDX-License-Identifier: MIT
//
// nRF51 CCM, which encrypts and decrypts packets of Bluetooth low energy, and AAR, which finds out whose key a private
// address was made with. They share an address and an AES core: ENABLE says which one it is.
//
// Sockets: bus: span 0x1000; memory: keys and packets by DMA. Documents: [nRF51 RM] §22, §23; [BT Core] volume 6 part B
// §2, volume 3 part H §2.2.2; where the address is in AAR's packet: Zephyr `subsys/bluetooth/controller` `radio.c`.
// Not modelled: work on a packet while the radio still receives it (each is taken whole at the end); the contents of the
// scratch area.
import type { ChipContext } from '../../backplane/board.ts';
import type { PlainFields, SavedFields } from '../../backplane/device.ts';
import type { MemoryMap } from '../../backplane/memory-map.ts';
import type { Task } from '../../backplane/scheduler.ts';
import { ccmCrypt, ccmMic } from './aes-ccm.ts';
import { aes128Encrypt } from './aes128.ts';
import { NrfPeripheral, type NrfPeripheralOptions } from './nrf-peripheral.ts';

const CCM = 2;
const AAR = 3;
const CCM_TASK = { generate: 0x00, crypt: 0x04, stop: 0x08 } as const;
const CCM_EVENT = { generated: 0, crypted: 1, error: 2 } as const;
const SHORT_GENERATED_CRYPT = 0;
const AAR_TASK = { start: 0x00, stop: 0x08 } as const;
const AAR_EVENT = { end: 0, resolved: 1, notResolved: 2 } as const;

const STATUS = 0x400;
const ENABLE = 0x500;
/** CCM's MODE is AAR's NIRK, CNFPTR its IRKPTR. OUTPTR and AAR's ADDRPTR, and the scratch pointers, are the same. */
const MODE = 0x504;
const CNFPTR = 0x508;
const INPTR = 0x50c;
const OUTPTR = 0x510;
const SCRATCHPTR = 0x514;
const POINTERS = 4;
const MODE_RESET = 1;
const MODE_DECRYPT = 1;
const NIRK_MAX = 8;

const KEY_BYTES = 16;
const CONFIGURATION_BYTES = 33;
const HEADER_BYTES = 3;
const MIC_BYTES = 4;
const MOST_CLEAR = 27;
const ADDRESS_BYTES = 6;
const HASH_BYTES = 3;

const GENERATE_NS = 50_000;
const BLOCK_NS = 17_000;
const RESOLVE_NS = 8_500;

const STEPS = ['none', 'generate', 'crypt', 'resolve'] as const;
type Step = (typeof STEPS)[number];

export class NrfCcmAar extends NrfPeripheral {
  readonly #memory: MemoryMap;
  readonly #task: Task;
  readonly #pointers = new Uint32Array(POINTERS);
  #enable = 0;
  #mode = MODE_RESET;
  #status = 0;
  #generated = false;
  #step: Step = 'none';

  constructor(chip: ChipContext, options: NrfPeripheralOptions & { readonly memory: MemoryMap }) {
    super(chip, options, { events: 7, shorts: 1 });
    this.#memory = options.memory;
    this.#task = chip.scheduler.task(`${chip.id}.done`, () => this.#due());
  }

  #pointer(offset: number): number {
    return this.#pointers[(offset - CNFPTR) >>> 2]!;
  }

  #bytes(address: number, length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    this.#memory.dmaRead(address >>> 0, bytes);
    return bytes;
  }

  task(offset: number): void {
    if (this.#enable === CCM) this.#ccmTask(offset);
    else if (this.#enable === AAR) this.#aarTask(offset);
  }

  #later(step: Step, ns: number): void {
    this.#step = step;
    this.#task.schedule(this.scheduler.ns(ns));
  }

  #stop(): void {
    this.#step = 'none';
    this.#task.cancel();
  }

  #due(): void {
    const step = this.#step;
    this.#step = 'none';
    if (step === 'generate') {
      this.#generated = true;
      this.raise(CCM_EVENT.generated);
      if (this.short(SHORT_GENERATED_CRYPT)) this.task(CCM_TASK.crypt);
    } else if (step === 'crypt') {
      this.#crypt();
    } else if (step === 'resolve') {
      this.#resolve();
    }
  }

  // --- CCM

  #ccmTask(offset: number): void {
    switch (offset) {
      case CCM_TASK.generate:
        this.#generated = false;
        this.#later('generate', GENERATE_NS);
        return;
      case CCM_TASK.crypt: {
        if (this.#step === 'generate') {
          // Encryption before its key stream is there.
          this.#stop();
          this.raise(CCM_EVENT.error);
          return;
        }
        const length = this.#bytes(this.#pointer(INPTR), HEADER_BYTES)[1]!;
        this.#later('crypt', BLOCK_NS * (2 + Math.ceil(Math.min(length, MOST_CLEAR) / KEY_BYTES)));
        return;
      }
      case CCM_TASK.stop:
        this.#stop();
        return;
      default:
        this.unknownTask(offset);
    }
  }

  /** Key and nonce out of the configuration in memory. */
  #secret(): { key: Uint8Array; nonce: Uint8Array } {
    const from = this.#bytes(this.#pointer(CNFPTR), CONFIGURATION_BYTES);
    const nonce = new Uint8Array(13);
    nonce.set(from.subarray(16, 21));
    nonce[4] = (nonce[4]! & 0x7f) | ((from[24]! & 1) << 7);
    nonce.set(from.subarray(25, 33), 5);
    return { key: from.subarray(0, KEY_BYTES), nonce };
  }

  #crypt(): void {
    const decrypt = (this.#mode & 1) === MODE_DECRYPT;
    const header = this.#bytes(this.#pointer(INPTR), HEADER_BYTES);
    const length = header[1]!;
    const out = this.#pointer(OUTPTR);
    if (!this.#generated || length > MOST_CLEAR + (decrypt ? MIC_BYTES : 0)) {
      this.log.guest(this.#generated ? 'a packet of %d bytes' : 'no key stream for a packet of %d bytes', length);
      this.raise(CCM_EVENT.error);
      return;
    }
    // A key stream serves one packet. An empty packet passes as it is, and has no MIC.
    this.#generated = false;
    const { key, nonce } = this.#secret();
    if (length === 0) {
      this.#memory.dmaWrite(out, header);
      this.#status = 1;
    } else if (decrypt) {
      const input = this.#bytes(this.#pointer(INPTR) + HEADER_BYTES, length);
      const clear = ccmCrypt(key, nonce, input.subarray(0, Math.max(0, length - MIC_BYTES)));
      const mic = ccmMic(key, nonce, header[0]!, clear);
      this.#status = length > MIC_BYTES && mic.every((byte, i) => byte === input[clear.length + i]) ? 1 : 0;
      header[1] = clear.length;
      this.#memory.dmaWrite(out, Uint8Array.of(...header, ...clear));
    } else {
      const clear = this.#bytes(this.#pointer(INPTR) + HEADER_BYTES, length);
      header[1] = length + MIC_BYTES;
      const mic = ccmMic(key, nonce, header[0]!, clear);
      this.#memory.dmaWrite(out, Uint8Array.of(...header, ...ccmCrypt(key, nonce, clear), ...mic));
    }
    this.raise(CCM_EVENT.crypted);
  }

  // --- AAR

  #aarTask(offset: number): void {
    if (offset === AAR_TASK.start) this.#later('resolve', RESOLVE_NS * Math.max(1, this.#keys));
    else if (offset === AAR_TASK.stop) this.#stop();
    else this.unknownTask(offset);
  }

  get #keys(): number {
    return Math.min(this.#mode, NIRK_MAX);
  }

  /** The address, in its packet behind three bytes of header: 24 bits of hash below 24 of a random number. */
  #resolve(): void {
    const address = this.#bytes(this.#pointer(OUTPTR) + HEADER_BYTES, ADDRESS_BYTES);
    const random = new Uint8Array(KEY_BYTES);
    random.set(address.subarray(HASH_BYTES).toReversed(), KEY_BYTES - 3);
    const hash = address.slice(0, HASH_BYTES).reverse();
    let found = -1;
    for (let n = 0; n < this.#keys && found < 0; n++) {
      const key = this.#bytes(this.#pointer(CNFPTR) + n * KEY_BYTES, KEY_BYTES);
      const made = aes128Encrypt(key, random).subarray(KEY_BYTES - HASH_BYTES);
      if (made.every((byte, i) => byte === hash[i])) found = n;
    }
    if (found >= 0) this.#status = found;
    this.raise(AAR_EVENT.end);
    this.raise(found >= 0 ? AAR_EVENT.resolved : AAR_EVENT.notResolved);
  }

  // --- Registers

  protected readRegister(offset: number): number {
    switch (offset) {
      case STATUS:
        return this.#status;
      case ENABLE:
        return this.#enable;
      case MODE:
        return this.#mode;
    }
    return offset >= CNFPTR && offset <= SCRATCHPTR ? this.#pointer(offset) : this.unknownRead(offset);
  }

  protected writeRegister(offset: number, value: number): void {
    if (offset === ENABLE) {
      this.#enable = value & 3;
      this.#stop();
      this.#generated = false;
    } else if (offset === MODE) {
      this.#mode = value & 0x1f;
    } else if (offset >= CNFPTR && offset <= SCRATCHPTR) {
      this.#pointers[(offset - CNFPTR) >>> 2] = value;
    } else {
      this.unknownWrite(offset, value);
    }
  }

  protected resetRegisters(): void {
    this.#stop();
    this.#pointers.fill(0);
    this.#enable = this.#status = 0;
    this.#mode = MODE_RESET;
    this.#generated = false;
  }

  protected saveRegisters(): PlainFields {
    return {
      pointers: this.#pointers.slice(),
      enable: this.#enable,
      mode: this.#mode,
      status: this.#status,
      generated: this.#generated,
      step: this.#step,
      task: this.#task.remaining,
    };
  }

  protected restoreRegisters(saved: SavedFields): void {
    this.#pointers.set(saved.words('pointers', POINTERS));
    this.#enable = saved.int('enable', 0, 3);
    this.#mode = saved.int('mode', 0, 0x1f);
    this.#status = saved.int('status', 0, 15);
    this.#generated = saved.bool('generated');
    this.#step = saved.oneOf('step', STEPS);
    this.#task.restore(saved.int('task', -1, Number.MAX_SAFE_INTEGER));
  }
}
