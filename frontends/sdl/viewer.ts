// SPDX-License-Identifier: MIT
//
// The viewer with SDL: a window of its own process that shows a machine's screen over SPICE, with its keyboard, mouse
// and consoles. Everything the viewer itself is told goes by one key, alone or held with another.
import type { KeyCode } from '../../machines/backplane/host.ts';
import { writePng } from '../host/png.ts';
import { UserError } from '../host/user-error.ts';
import { MONITOR_PORT } from '../monitor/remote.ts';
import { SDL, type SdlEvent } from '../sdl2-gles/index.ts';
import { type ClientSound, LinkError, SpiceClient } from '../spice/client.ts';
import { openOpus } from '../host/libopus.ts';
import { connectSpice, encryptTicket, type SpiceAddress } from '../spice/node-connection.ts';
import { Console } from './consoles.ts';
import { keyOfScancode } from './key-map.ts';
import { HeldKeys } from './keyboard.ts';
import { type Command, keysMenu, mainMenu, MenuPanel } from './menu.ts';
import { keyName, MenuKey } from './menu-key.ts';
import { Pointer } from './pointer.ts';
import { Speaker } from './speaker.ts';
import { titleOf } from './title.ts';
import { tap, Typist } from './typist.ts';
import { openWindow, type ViewWindow } from './view-window.ts';

const POLL_MS = 4;
const RETRY_MS = 1000;
const NOTICE_MS = 4000;

export interface SdlViewerOptions {
  readonly address: SpiceAddress;
  readonly password?: string | undefined;
  readonly menuKey: KeyCode;
  readonly fullScreen: boolean;
  readonly smooth: boolean;
  /** When the machine goes, wait for it to come back. */
  readonly reconnect: boolean;
  /** Folder for pictures of the screen. */
  readonly pictures: string;
}

/** Why a viewer ended. */
export type ViewerEnd = 'quit' | 'gone';

type Panel = { readonly kind: 'menu'; readonly menu: MenuPanel } | { readonly kind: 'console'; readonly name: string };

export class SdlViewer {
  readonly #options: SdlViewerOptions;
  readonly #window: ViewWindow;
  readonly #menuKey: MenuKey;
  readonly #keys = new HeldKeys((code, down) => this.#client?.key(code, down));
  readonly #typist = new Typist((code, down) => this.#client?.key(code, down));
  readonly #pointer: Pointer;
  readonly #speaker: Speaker;
  readonly #consoles = new Map<string, Console>();
  readonly #poll: NodeJS.Timeout;
  /** When and why the viewer ended. */
  readonly ended: Promise<ViewerEnd>;
  #end!: (why: ViewerEnd) => void;
  #retry: NodeJS.Timeout | undefined;
  #noticeTimer: NodeJS.Timeout | undefined;
  #client: SpiceClient | undefined;
  #name = '';
  #leds = 0;
  #notice: string | undefined;
  #panel: Panel | undefined;
  /** Nothing here plays sound. */
  #deaf = false;
  #closed = false;

  private constructor(options: SdlViewerOptions, window: ViewWindow) {
    this.#options = options;
    this.#window = window;
    this.#menuKey = new MenuKey(options.menuKey);
    this.ended = new Promise((resolve) => (this.#end = resolve));
    this.#pointer = new Pointer(window, () => this.#client);
    this.#speaker = new Speaker((format) => {
      window.sdl.init(SDL.INIT_AUDIO);
      return window.sdl.openAudio(format);
    });
    window.scaling = options.smooth ? 'smooth' : 'integer';
    this.#poll = setInterval(() => this.#takeEvents(), POLL_MS);
  }

  /** Opens the window and connects; rejects with a `UserError` when one of them cannot be done. */
  static async open(options: SdlViewerOptions): Promise<SdlViewer> {
    const viewer = new SdlViewer(options, openWindow('Emeritus'));
    try {
      await viewer.#connect();
      viewer.#window.show();
      if (options.fullScreen) viewer.#window.setFullScreen(true);
      return viewer;
    } catch (error) {
      viewer.close();
      if (error instanceof LinkError) {
        throw new UserError('EMERITUS_VIEW', `view: ${error.message}; --password-file=FILE gives the password`);
      }
      const where =
        'path' in options.address ? options.address.path : `${options.address.host}:${options.address.port}`;
      const why = error instanceof Error ? error.message : String(error);
      throw new UserError(
        'EMERITUS_VIEW',
        `view: no connection to ${where} (${why}); "emeritus boot MACHINE --display spice" tells where a machine's screen is`,
      );
    }
  }

  /** How often the window was drawn, and with how many pixels that the machine has sent. */
  get shown(): { readonly paints: number; readonly pixels: number } {
    return { paints: this.#window.paints, pixels: this.#window.uploadedPixels };
  }

  close(why: ViewerEnd = 'quit'): void {
    if (this.#closed) return;
    this.#closed = true;
    clearInterval(this.#poll);
    clearTimeout(this.#retry);
    clearTimeout(this.#noticeTimer);
    this.#typist.stop();
    this.#client?.close();
    this.#speaker.close();
    this.#window.close();
    this.#end(why);
  }

  // ---- The machine

  async #connect(): Promise<void> {
    const { address, password } = this.#options;
    const consoleChanged = (name: string): void => {
      if (this.#panel?.kind === 'console' && this.#panel.name === name) this.#showPanel();
    };
    let over = false;
    const client = await SpiceClient.connect({
      connect: () => connectSpice(address),
      opus: openOpus(),
      encrypt: encryptTicket,
      password,
      onName: (name) => {
        this.#name = name;
        this.#showTitle();
      },
      onResize: (size) => {
        if (!this.#closed && !this.#window.resizePicture(size)) {
          this.#tell(`${size.width}x${size.height} is more than this computer's OpenGL can show`);
        }
      },
      onDraw: (rect, pixels) => {
        if (!this.#closed) this.#window.updatePicture(rect, pixels);
      },
      onLeds: (leds) => {
        this.#leds = leds;
        this.#showTitle();
      },
      onAbsolute: (absolute) => {
        this.#pointer.absolute = absolute;
        this.#showTitle();
      },
      onSound: (sound) => this.#play(sound),
      onPort: (port) => this.#consoles.set(port.name, new Console(port, () => consoleChanged(port.name))),
      onClose: () => {
        over = true;
        if (this.#client === undefined) return; // it never was
        this.#client = undefined;
        this.#lost();
      },
    });
    if (over) throw new Error('the connection was closed');
    if (this.#closed) return client.close();
    this.#client = client;
    this.#showTitle();
  }

  #lost(): void {
    if (this.#closed) return;
    if (!this.#options.reconnect) return this.close('gone');
    this.#release();
    this.#panel = undefined;
    this.#showPanel();
    this.#consoles.clear();
    const again = (): void => {
      this.#connect().catch((error: unknown) => {
        if (error instanceof LinkError) this.close('gone');
        else if (!this.#closed) this.#retry = setTimeout(again, RETRY_MS);
      });
    };
    this.#retry = setTimeout(again, RETRY_MS);
  }

  // ---- The user

  #takeEvents(): void {
    while (!this.#closed) {
      const event = this.#window.sdl.pollEvent();
      if (event === undefined) break;
      this.#take(event);
    }
    this.#pointer.flush();
  }

  #take(event: SdlEvent): void {
    switch (event.type) {
      case 'quit':
        this.close();
        return;
      case 'window':
        this.#windowEvent(event.event);
        return;
      case 'key':
        this.#key(event);
        return;
      case 'text':
        this.#text(event.text);
        return;
      case 'motion':
        if (this.#panel === undefined) this.#pointer.moved(event);
        return;
      case 'button':
        if (this.#panel !== undefined) return;
        this.#pointer.button(event);
        this.#showTitle();
        return;
      case 'wheel':
        if (this.#panel === undefined) this.#pointer.wheel(event.dy);
        return;
    }
  }

  #windowEvent(event: number): void {
    if (event === SDL.WINDOWEVENT_FOCUS_LOST) this.#release();
    else if (event === SDL.WINDOWEVENT_FOCUS_GAINED) this.#tellLocks();
    else if (event === SDL.WINDOWEVENT_EXPOSED || event === SDL.WINDOWEVENT_SIZE_CHANGED) this.#window.changed();
  }

  /** Keyboard and mouse are no longer the machine's. */
  #release(): void {
    this.#menuKey.reset();
    this.#keys.releaseAll();
    this.#pointer.release();
    this.#showTitle();
  }

  /** The machine's lock keys are brought into step with the user's. */
  #tellLocks(): void {
    const { modifiers } = this.#window.sdl;
    const numLock = modifiers & SDL.KMOD_NUM ? 1 : 0;
    const capsLock = modifiers & SDL.KMOD_CAPS ? 2 : 0;
    this.#client?.locks(numLock | capsLock | (this.#leds & SCROLL_LED));
  }

  #key({ scancode, sym, down, repeat, modifiers }: Extract<SdlEvent, { type: 'key' }>): void {
    const code = keyOfScancode(scancode);
    if (code === undefined) return;
    const fate = this.#menuKey.key(code, down);
    if (fate.to === 'menu') this.#toggleMenu();
    else if (fate.to === 'command') this.#menuCommand(fate.code);
    else if (fate.to === 'machine') {
      if (this.#panel === undefined || !down) {
        if (code === 'Escape' && this.#typist.busy) this.#typist.stop();
        if (!repeat) this.#keys.set(code, down);
      } else if (this.#panel.kind === 'menu') this.#menuChoice(this.#panel.menu.key(code));
      else this.#consoles.get(this.#panel.name)?.key(code, sym, (modifiers & SDL.KMOD_CTRL) !== 0);
    }
  }

  #text(text: string): void {
    if (this.#panel?.kind !== 'console' || (this.#window.sdl.modifiers & SDL.KMOD_CTRL) !== 0) return;
    this.#consoles.get(this.#panel.name)?.type(text);
  }

  #play(sound: ClientSound | undefined): void {
    if (this.#closed || this.#deaf) return;
    try {
      this.#speaker.play(sound);
    } catch (error) {
      this.#deaf = true;
      this.#tell(`no sound (${(error as Error).message})`);
    }
  }

  // ---- The menu

  #entries(): ReturnType<typeof mainMenu> {
    return mainMenu([...this.#consoles.keys()]);
  }

  #toggleMenu(): void {
    const menu = new MenuPanel(`${keyName(this.#options.menuKey)}, alone or with ...`, this.#entries());
    this.#open(this.#panel?.kind === 'menu' ? undefined : { kind: 'menu', menu });
  }

  #menuCommand(code: KeyCode): void {
    const entry = this.#entries().find((candidate) => candidate.code === code);
    if (entry !== undefined) this.#menuChoice(entry.command);
  }

  #menuChoice(choice: Command | 'close' | undefined): void {
    if (choice === undefined) this.#showPanel();
    else {
      if (this.#panel?.kind === 'menu') this.#open(undefined);
      if (choice !== 'close') this.#do(choice);
    }
  }

  #do(command: Command): void {
    switch (command.does) {
      case 'screen':
        this.#open(undefined);
        return;
      case 'console':
        this.#open({ kind: 'console', name: command.name });
        return;
      case 'keys':
        this.#open({ kind: 'menu', menu: new MenuPanel('send keys', keysMenu(this.#options.menuKey)) });
        return;
      case 'send':
        for (const { code, down } of tap(command.codes)) this.#client?.key(code, down);
        return;
      case 'full-screen':
        this.#window.setFullScreen(!this.#window.fullScreen);
        return;
      case 'scaling':
        this.#window.scaling = this.#window.scaling === 'integer' ? 'smooth' : 'integer';
        this.#tell(this.#window.scaling === 'smooth' ? 'smooth scaling' : 'scaling by whole pixels');
        return;
      case 'grab':
        this.#open(undefined);
        this.#pointer.grab(!this.#pointer.grabbed);
        this.#showTitle();
        return;
      case 'sound':
        this.#speaker.muted = !this.#speaker.muted;
        this.#tell(this.#speaker.muted ? 'sound off' : 'sound on');
        return;
      case 'paste':
        this.#paste();
        return;
      case 'screenshot':
        this.#screenshot();
        return;
      case 'reset':
        this.#consoles.get(MONITOR_PORT)?.type('reset\n');
        this.#tell('reset');
        return;
      case 'quit':
        this.close();
        return;
    }
  }

  #paste(): void {
    const text = this.#window.sdl.clipboard;
    if (text === '') this.#tell('the clipboard has no text');
    else if (this.#panel?.kind === 'console') this.#consoles.get(this.#panel.name)?.type(text);
    else this.#typist.type(text);
  }

  #screenshot(): void {
    const picture = this.#window.picture();
    if (picture === undefined) return this.#tell('there is no picture');
    const name = `${this.#options.pictures}/emeritus-${new Date().toISOString().replaceAll(/[-:]|\..*/g, '')}.png`;
    try {
      writePng(name, picture);
      this.#tell(`saved ${name}`);
    } catch (error) {
      this.#tell((error as Error).message);
    }
  }

  #open(panel: Panel | undefined): void {
    this.#panel = panel;
    if (panel !== undefined) {
      this.#keys.releaseAll();
      this.#pointer.release();
    }
    this.#window.sdl.setTextInput(panel?.kind === 'console');
    this.#showPanel();
  }

  #showPanel(): void {
    const panel = this.#panel;
    if (panel?.kind === 'menu') this.#window.showText(panel.menu.screen());
    else if (panel?.kind === 'console') {
      this.#window.showText(this.#consoles.get(panel.name)?.screen(`${keyName(this.#options.menuKey)}+0: back`));
    } else this.#window.showText(undefined);
    this.#showTitle();
  }

  #tell(notice: string): void {
    this.#notice = notice;
    clearTimeout(this.#noticeTimer);
    this.#noticeTimer = setTimeout(() => {
      this.#notice = undefined;
      this.#showTitle();
    }, NOTICE_MS);
    this.#showTitle();
  }

  #showTitle(): void {
    if (this.#closed) return;
    const panel = this.#panel;
    // The machine draws its pointer into the picture, where the user's is.
    this.#window.sdl.showCursor(!this.#pointer.absolute || panel !== undefined || this.#client === undefined);
    this.#window.title = titleOf({
      name: this.#name === '' ? 'Emeritus' : this.#name,
      menuKey: keyName(this.#options.menuKey),
      connected: this.#client !== undefined,
      grabbed: this.#pointer.grabbed,
      absolute: this.#pointer.absolute,
      leds: this.#leds,
      panel: panel === undefined ? undefined : panel.kind === 'menu' ? 'menu' : this.#consoles.get(panel.name)?.title,
      notice: this.#notice,
    });
  }
}

const SCROLL_LED = 4;
