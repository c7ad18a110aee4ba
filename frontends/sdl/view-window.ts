// SPDX-License-Identifier: MIT
//
// The window: the machine's picture in it, text over it, its size, and when it is drawn anew.
import type { Picture, ScreenRect } from '../../machines/backplane/host.ts';
import { MissingLibraryError, Sdl, SDL, SdlError, type SdlWindow, type Size } from '../sdl2-gles/index.ts';
import { UserError } from '../host/user-error.ts';
import { Painter } from './painter.ts';
import { pixelUnder, place, type Placement, type Scaling, windowFor } from './scaling.ts';
import type { TextScreen } from './text-screen.ts';

const FIRST_SIZE = { width: 640, height: 480 };
const MINIMUM_SIZE = { width: 160, height: 120 };
/** Nobody sees more pictures than 120 a second. */
const MIN_INTERVAL_MS = 1000 / 120;

const INSTEAD = '"emeritus view --web" shows the screen in a browser, and remote-viewer works too';

/** Opens a window; what is missing for it is the user's to know in one line. */
export function openWindow(title: string): ViewWindow {
  try {
    return ViewWindow.open(title);
  } catch (error) {
    if (error instanceof MissingLibraryError) {
      const packages = 'install SDL 2 and OpenGL ES 2 (on Debian libsdl2-2.0-0, libgles2, libegl1)';
      throw new UserError('EMERITUS_SDL', `view: ${error.message}; ${packages}; ${INSTEAD}`);
    }
    if (error instanceof SdlError) {
      throw new UserError('EMERITUS_SDL', `view: no window can be opened (${error.message}); ${INSTEAD}`);
    }
    throw error;
  }
}

export class ViewWindow {
  readonly sdl: Sdl;
  readonly #window: SdlWindow;
  readonly #painter: Painter;
  #picture: Size | undefined;
  #text: Size | undefined;
  #title: string;
  #scaling: Scaling = 'integer';
  #fullScreen = false;
  /** The size given to the window because of the picture's; one that differs is the user's choice. */
  #followed: Size = FIRST_SIZE;
  #shown = false;
  #paintedAt = 0;
  #due: NodeJS.Immediate | NodeJS.Timeout | undefined;
  #paints = 0;
  #uploadedPixels = 0;

  private constructor(sdl: Sdl, window: SdlWindow, title: string) {
    this.sdl = sdl;
    this.#window = window;
    this.#title = title;
    this.#painter = new Painter(sdl.gles());
  }

  static open(title: string): ViewWindow {
    const { DISPLAY, WAYLAND_DISPLAY, SDL_VIDEODRIVER, SDL_VIDEO_DRIVER } = process.env;
    const chosen = SDL_VIDEODRIVER ?? SDL_VIDEO_DRIVER;
    process.env['SDL_VIDEO_X11_WMCLASS'] ??= 'emeritus';
    const sdl = Sdl.load();
    if (process.platform === 'linux' && chosen === undefined) {
      // SDL would fall back to a driver that shows nothing.
      if (!DISPLAY && !WAYLAND_DISPLAY) throw new SdlError('neither DISPLAY nor WAYLAND_DISPLAY is set');
      if (!WAYLAND_DISPLAY) sdl.setHint('SDL_VIDEODRIVER', 'x11');
    }
    sdl.setHint('SDL_VIDEO_X11_NET_WM_BYPASS_COMPOSITOR', '0');
    sdl.setHint('SDL_VIDEO_ALLOW_SCREENSAVER', '1');
    sdl.init(SDL.INIT_VIDEO);
    try {
      sdl.wantGles2();
      const flags = SDL.WINDOW_HIDDEN | SDL.WINDOW_OPENGL | SDL.WINDOW_RESIZABLE | SDL.WINDOW_ALLOW_HIGHDPI;
      const window = sdl.createWindow(title, FIRST_SIZE, flags);
      window.createContext();
      window.minimumSize = MINIMUM_SIZE;
      sdl.setSwapInterval(0);
      sdl.setTextInput(false);
      return new ViewWindow(sdl, window, title);
    } catch (error) {
      sdl.quit();
      throw error;
    }
  }

  /** How often the window was drawn. */
  get paints(): number {
    return this.#paints;
  }

  /** How much of pictures has been put into the window. */
  get uploadedPixels(): number {
    return this.#uploadedPixels;
  }

  get fullScreen(): boolean {
    return this.#fullScreen;
  }

  get scaling(): Scaling {
    return this.#scaling;
  }

  set scaling(scaling: Scaling) {
    this.#scaling = scaling;
    this.changed();
  }

  set title(text: string) {
    if (text === this.#title) return;
    this.#title = text;
    this.#window.title = text;
  }

  /** The machine's picture has another size; whether it can be shown. The window follows unless the user chose its size. */
  resizePicture(size: Size): boolean {
    const shown = this.#painter.resize(size);
    this.#picture = shown ? size : undefined;
    if (shown && !this.#fullScreen) this.#follow(size);
    if (shown) this.show();
    this.changed();
    return shown;
  }

  /** Shows the window, which is hidden until there is something to see. */
  show(): void {
    if (this.#shown) return;
    this.#shown = true;
    this.#window.center();
    this.#window.show();
  }

  updatePicture(rect: ScreenRect, pixels: Uint8Array): void {
    this.#painter.update(rect, pixels);
    this.#uploadedPixels += rect.width * rect.height;
    this.changed();
  }

  /** The machine's picture, without what is over it. */
  picture(): Picture | undefined {
    return this.#painter.picture();
  }

  showText(screen: TextScreen | undefined): void {
    if (screen === undefined && this.#text === undefined) return;
    this.#text = screen?.size;
    this.#painter.setText(screen === undefined ? undefined : { size: screen.size, pixels: screen.paint() });
    this.changed();
  }

  setFullScreen(on: boolean): void {
    this.#window.setFullScreen(on);
    this.#fullScreen = on;
    if (!on && this.#picture !== undefined) this.#follow(this.#picture);
    this.changed();
  }

  /** Takes keyboard and mouse for the machine alone, or gives them back. */
  grab(on: boolean, relativeMouse: boolean): void {
    this.#window.grabKeyboard(on);
    this.sdl.setRelativeMouse(on && relativeMouse);
  }

  /** The pixel of the machine's picture under a point of the window. */
  pixelUnder(x: number, y: number): { x: number; y: number } | undefined {
    const placement = this.#placement();
    if (this.#picture === undefined || placement === undefined) return undefined;
    const { width } = this.#window.size;
    const ratio = this.#window.drawableSize.width / width;
    return pixelUnder({ x: x * ratio, y: y * ratio }, this.#picture, placement);
  }

  /** The window is to be drawn anew, soon, once for all changes until then. */
  changed(): void {
    if (this.#due !== undefined) return;
    const wait = this.#paintedAt + MIN_INTERVAL_MS - performance.now();
    const paint = (): void => this.#paint();
    this.#due = wait > 1 ? setTimeout(paint, wait) : setImmediate(paint);
  }

  close(): void {
    clearImmediate(this.#due as NodeJS.Immediate);
    clearTimeout(this.#due as NodeJS.Timeout);
    this.#due = undefined;
    this.#window.destroy();
    this.sdl.quit();
  }

  #paint(): void {
    this.#due = undefined;
    this.#paintedAt = performance.now();
    const drawable = this.#window.drawableSize;
    const text = this.#text === undefined ? undefined : place(this.#text, drawable, 'integer');
    this.#painter.paint(drawable, this.#placement(), text);
    this.#window.swap();
    this.#paints++;
  }

  #placement(): Placement | undefined {
    return this.#picture === undefined ? undefined : place(this.#picture, this.#window.drawableSize, this.#scaling);
  }

  #follow(picture: Size): void {
    const { width, height } = this.#window.size;
    if (width !== this.#followed.width || height !== this.#followed.height) return;
    this.#followed = windowFor(picture, this.#window.usableSize);
    this.#window.size = this.#followed;
  }
}
