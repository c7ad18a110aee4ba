// SPDX-License-Identifier: MIT
//
// Methods of the display, the keyboard and the serial line.
import type { Console } from '../console.ts';
import type { Forth } from '../forth/forth.ts';
import type { FirmwareHost } from '../host.ts';
import { Terminal } from '../terminal.ts';
import type { DeviceTree, Package } from '../tree.ts';

/** What `read` gives when nothing waits (1275, serial and keyboard devices). */
const NOTHING_THERE = -2;

export function defineConsoleMethods(
  f: Forth,
  tree: DeviceTree,
  console: Console,
  devices: { readonly host: FirmwareHost; readonly serial: Package; readonly keyboard: Package | undefined },
): { readonly input: Package; readonly output: Package; readonly terminal: Terminal | undefined } {
  let terminal: Terminal | undefined;
  const { host, serial, keyboard } = devices;
  const display = host.screen === undefined ? undefined : tree.find(host.screen.path);
  const output = display ?? serial;
  const input = keyboard !== undefined && display !== undefined ? keyboard : serial;

  const openable = (node: Package): number => {
    const list = tree.methods(node);
    f.native('open', (f) => f.flag(true), '', list);
    f.native('close', () => {}, '', list);
    return list;
  };
  // ( addr len -- actual ): everything typed goes to whoever reads first.
  const readable = (list: number): void => {
    f.native(
      'read',
      (f) => {
        f.need(2);
        const length = f.popU();
        const pa = f.popU();
        console.poll();
        let count = 0;
        for (; count < length && console.ready; count++) f.write(pa + count, 1, console.read());
        f.push(count === 0 ? NOTHING_THERE : count);
      },
      '',
      list,
    );
  };
  const writable = (list: number, node: Package): void => {
    f.native(
      'write',
      (f) => {
        f.need(2);
        const length = f.popU();
        const pa = f.popU();
        const bytes = f.bytes(pa, Math.min(length, 0x1_0000));
        for (const byte of bytes) {
          // The console shows on both; the line that is not the console only on itself.
          if (node === output) f.emit(byte);
          else host.serial.write(byte);
        }
        f.push(bytes.length);
      },
      '',
      list,
    );
  };
  const line = openable(serial);
  readable(line);
  writable(line, serial);
  if (keyboard !== undefined) readable(openable(keyboard));

  if (display !== undefined && host.screen !== undefined) {
    const { screen } = host;
    screen.setMode?.();
    const shown = new Terminal(host, screen);
    terminal = shown;
    console.screen = (byte) => shown.write(byte);
    const list = openable(display);
    writable(list, display);
    // ( r g b color# -- )
    f.native(
      'color!',
      (f) => {
        f.need(4);
        const index = f.pop() & 0xff;
        const [blue, green, red] = [f.pop() & 0xff, f.pop() & 0xff, f.pop() & 0xff];
        screen.setColor(index, red, green, blue);
        shown.setColor(index, red, green, blue);
      },
      '',
      list,
    );
    f.native(
      'color@',
      (f) => {
        for (const part of shown.color(f.pop() & 0xff)) f.push(part);
      },
      '',
      list,
    );
    // ( addr color# #colors -- )
    f.native(
      'set-colors',
      (f) => {
        f.need(3);
        const count = Math.min(f.popU(), 256);
        const first = f.pop() & 0xff;
        const bytes = f.bytes(f.popU(), count * 3);
        for (let i = 0; i < count && first + i < 256; i++) {
          const [red, green, blue] = bytes.subarray(i * 3, i * 3 + 3);
          screen.setColor(first + i, red!, green!, blue!);
          shown.setColor(first + i, red!, green!, blue!);
        }
      },
      '',
      list,
    );
    f.native(
      'dimensions',
      (f) => {
        f.push(screen.width);
        f.push(screen.height);
      },
      '',
      list,
    );
    // ( color x y width height -- )
    f.native(
      'fill-rectangle',
      (f) => {
        f.need(5);
        const [height, width, y, x] = [f.popU(), f.popU(), f.popU(), f.popU()];
        shown.fill(x, y, width, height, f.popU());
      },
      '',
      list,
    );
    // ( addr x y width height -- ), one byte a pixel
    f.native(
      'draw-rectangle',
      (f) => {
        f.need(5);
        const [height, width, y, x] = [f.popU(), f.popU(), f.popU(), f.popU()];
        const pa = f.popU();
        for (let row = 0; row < Math.min(height, screen.height); row++) {
          shown.draw(x, y + row, f.bytes(pa + row * width, Math.min(width, screen.width)));
        }
      },
      '',
      list,
    );
    f.native('restore', () => shown.reset(), '', list);
    f.native('erase-screen', () => shown.write(0x0c), '', 0);
  }
  return { input, output, terminal };
}
