// SPDX-License-Identifier: MIT
import type { Forth } from '../forth.ts';
import type { FirmwareHost } from '../host.ts';
import type { DeviceTree } from '../tree.ts';
export function defineDisks(_f: Forth, _tree: DeviceTree, _host: FirmwareHost): void {}
