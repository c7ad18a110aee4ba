// SPDX-License-Identifier: MIT
import type { ChipContext } from '../../backplane/board.ts';
import type { BlockDevice } from '../../backplane/host.ts';
import { CdromServer } from './cdrom-server.ts';
import type { ScsiIdentity } from './device-server.ts';
import type { ScsiBus } from './scsi-bus.ts';
import { ScsiTarget } from './scsi-target.ts';

/** A generic SCSI CD-ROM drive. */
export class ScsiCdrom extends ScsiTarget {
  readonly #server: CdromServer;

  constructor(
    chip: ChipContext,
    bus: ScsiBus,
    address: number,
    disc: BlockDevice | undefined,
    identity: ScsiIdentity = {},
  ) {
    const server = new CdromServer(chip, disc, identity);
    super(chip, bus, address, server);
    this.#server = server;
  }

  /** Told when the guest opens or closes the tray. */
  set onTray(listener: ((open: boolean) => void) | undefined) {
    this.#server.onTray = listener;
  }

  get disc(): BlockDevice | undefined {
    return this.#server.disc;
  }

  /** Puts a disc in, or takes it out. */
  insert(disc: BlockDevice | undefined): void {
    this.#server.insert(disc);
  }

  /** The eject button. */
  requestEject(): void {
    this.#server.requestEject();
  }
}
