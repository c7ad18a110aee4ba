// SPDX-License-Identifier: MIT
//
// The viewer in a browser: a canvas that shows the machine's screen, its keyboard and mouse, its sound and consoles.
import type { ScreenRect } from '../../../machines/backplane/host.ts';
import { keystroke } from '../../../machines/backplane/us-keyboard.ts';
import { type ClientPort, type Connection, LinkError, SpiceClient } from '../../spice/client.ts';
import { Speaker } from './sound.ts';
import { Terminal } from './terminal.ts';

const element = <T extends HTMLElement>(id: string): T => document.getElementById(id) as T;
const canvas = element<HTMLCanvasElement>('screen');
const context = canvas.getContext('2d', { alpha: false })!;
const status = element('status');
const consoles = element('consoles');

const PASTE_GAP_MS = 15;

function connect(): Promise<Connection> {
  const socket = new WebSocket(`ws://${location.host}/spice`, 'binary');
  socket.binaryType = 'arraybuffer';
  const connection: Connection = {
    send: (bytes) => socket.send(Uint8Array.from(bytes)),
    onData: () => undefined,
    onClose: () => undefined,
    close: () => socket.close(),
  };
  socket.onmessage = ({ data }: MessageEvent<ArrayBuffer>) => connection.onData(new Uint8Array(data));
  socket.onclose = () => connection.onClose();
  return new Promise((resolve, reject) => {
    socket.onopen = () => resolve(connection);
    socket.onerror = () => reject(new Error('the connection cannot be made'));
  });
}

async function encrypt(publicKey: Uint8Array, text: Uint8Array): Promise<Uint8Array> {
  const algorithm = { name: 'RSA-OAEP', hash: 'SHA-1' };
  const key = await crypto.subtle.importKey('spki', Uint8Array.from(publicKey), algorithm, false, ['encrypt']);
  return new Uint8Array(await crypto.subtle.encrypt('RSA-OAEP', key, Uint8Array.from(text)));
}

function draw({ x, y, width, height }: ScreenRect, pixels: Uint8Array): void {
  const image = context.createImageData(width, height);
  const { data } = image;
  for (let at = 0; at < data.length; at += 4) {
    data[at] = pixels[at + 2]!;
    data[at + 1] = pixels[at + 1]!;
    data[at + 2] = pixels[at]!;
    data[at + 3] = 255;
  }
  context.putImageData(image, x, y);
}

let client: SpiceClient | undefined;
/** Whether the machine is told where the pointer is, instead of how far it moves while it is locked to the page. */
let absolute = false;
const speaker = new Speaker();
const held = new Set<string>();

async function open(password?: string): Promise<void> {
  status.textContent = 'connecting…';
  consoles.replaceChildren();
  try {
    client = await SpiceClient.connect({
      connect,
      encrypt,
      password,
      onResize: ({ width, height }) => {
        canvas.width = width;
        canvas.height = height;
      },
      onDraw: draw,
      onLeds: (leds) => {
        element('leds').textContent = ['Num', 'Caps', 'Scroll'].filter((_, bit) => (leds >>> bit) & 1).join(' ');
      },
      onAbsolute: (wanted) => {
        absolute = wanted;
        canvas.classList.toggle('absolute', wanted);
        if (wanted) document.exitPointerLock();
        showHint();
      },
      onSound: (sound) => {
        element('sound').hidden = false;
        if (sound !== undefined) speaker.play(sound);
      },
      onName: (name) => (document.title = name),
      onPort: showPort,
      onClose: () => {
        client = undefined;
        held.clear();
        status.textContent = 'disconnected';
        element('reconnect').hidden = false;
      },
    });
    status.textContent = 'connected';
    element('reconnect').hidden = true;
    canvas.focus();
  } catch (error) {
    status.textContent = (error as Error).message;
    element('reconnect').hidden = false;
    if (error instanceof LinkError && error.message.includes('password')) element('password-form').hidden = false;
  }
}

function showPort(port: ClientPort): void {
  const details = document.createElement('details');
  const summary = document.createElement('summary');
  summary.textContent = port.name.replace(/^org\.emeritus\./, '');
  const terminal = new Terminal((bytes) => port.send(bytes));
  port.onData = (bytes) => terminal.write(bytes);
  details.append(summary, terminal.element);
  consoles.append(details);
}

// ---- Keyboard: by the physical key; the guest repeats keys itself

canvas.addEventListener('keydown', (event) => {
  event.preventDefault();
  if (event.repeat || event.code === '') return;
  held.add(event.code);
  client?.key(event.code, true);
});
canvas.addEventListener('keyup', (event) => {
  event.preventDefault();
  held.delete(event.code);
  client?.key(event.code, false);
  if (!/Lock$/.test(event.code)) tellLocks(event);
});
canvas.addEventListener('blur', () => {
  for (const code of held) client?.key(code, false);
  held.clear();
});

function tap(...codes: readonly string[]): void {
  for (const code of codes) client?.key(code, true);
  for (const code of [...codes].reverse()) client?.key(code, false);
}

async function type(text: string): Promise<void> {
  for (const character of text) {
    const stroke = keystroke(character);
    if (stroke === undefined) continue;
    if (stroke.shift) tap('ShiftLeft', stroke.code);
    else tap(stroke.code);
    await new Promise((resolve) => setTimeout(resolve, PASTE_GAP_MS));
  }
}

/** Tells what is locked on this keyboard, for the guest's locks to follow. */
function tellLocks(event: KeyboardEvent | MouseEvent): void {
  const names = ['NumLock', 'CapsLock', 'ScrollLock'];
  client?.locks(names.reduce((locks, name, bit) => locks | (event.getModifierState(name) ? 1 << bit : 0), 0));
}

// ---- Mouse: the guest's while the pointer is locked, or wherever it is on the canvas of an absolute machine

const buttonsOf = (event: MouseEvent): number => event.buttons & 7; // left, right, middle, as the session has them
const isLocked = (): boolean => document.pointerLockElement === canvas;

function showHint(): void {
  const locked = 'Esc gives the mouse back';
  const free = 'click the screen to give the mouse to the machine';
  element('hint').textContent = absolute ? '' : isLocked() ? locked : free;
}

/** The pixel of the machine's screen under the pointer. */
function place(event: MouseEvent): void {
  const box = canvas.getBoundingClientRect();
  // In full screen the picture keeps its shape within the box.
  const scale = Math.min(box.width / canvas.width, box.height / canvas.height);
  const left = box.left + (box.width - canvas.width * scale) / 2;
  const top = box.top + (box.height - canvas.height * scale) / 2;
  const clamp = (value: number, size: number): number => Math.max(0, Math.min(size - 1, Math.floor(value / scale)));
  const x = clamp(event.clientX - left, canvas.width);
  client?.place(x, clamp(event.clientY - top, canvas.height), buttonsOf(event));
}

function point(event: MouseEvent, dx = 0, dy = 0): void {
  if (absolute) place(event);
  else if (isLocked()) client?.pointer(dx, dy, buttonsOf(event));
}

canvas.addEventListener('mousedown', (event) => {
  event.preventDefault();
  canvas.focus();
  if (absolute || isLocked()) point(event);
  else void Promise.resolve(canvas.requestPointerLock()).catch(() => undefined);
});
canvas.addEventListener('mouseup', (event) => point(event));
canvas.addEventListener('mousemove', (event) => point(event, event.movementX, event.movementY));
canvas.addEventListener('mouseenter', tellLocks);
canvas.addEventListener('contextmenu', (event) => event.preventDefault());
let wheel = 0;
canvas.addEventListener(
  'wheel',
  (event) => {
    if (!absolute && !isLocked()) return;
    event.preventDefault();
    // Pixels, lines or pages; a notch is about 100 pixels or 3 lines.
    wheel -= event.deltaY / [100, 3, 1][event.deltaMode]!;
    const notches = Math.trunc(wheel);
    wheel -= notches;
    if (notches !== 0) client?.wheel(notches);
  },
  { passive: false },
);
document.addEventListener('pointerlockchange', () => {
  showHint();
  if (!isLocked() && !absolute) client?.pointer(0, 0, 0);
});

// ---- Buttons

element('reconnect').addEventListener('click', () => void open());
element('fullscreen').addEventListener('click', () => {
  void canvas.requestFullscreen();
  canvas.focus();
});
element('fit').addEventListener('change', () => {
  canvas.classList.toggle('fit', element<HTMLInputElement>('fit').checked);
  canvas.focus();
});
element('sound').addEventListener('click', () => {
  void speaker.turn(!speaker.on).then(() => {
    element('sound').textContent = `Sound: ${speaker.on ? 'on' : 'off'}`;
  });
  canvas.focus();
});
element('screenshot').addEventListener('click', () => {
  const link = document.createElement('a');
  link.download = 'screen.png';
  link.href = canvas.toDataURL('image/png');
  link.click();
});
element('paste').addEventListener('click', () => {
  void navigator.clipboard.readText().then(type, () => (status.textContent = 'the browser gives no clipboard'));
  canvas.focus();
});
for (const button of document.querySelectorAll<HTMLButtonElement>('[data-keys]')) {
  button.addEventListener('click', () => {
    tap(...button.dataset['keys']!.split(' '));
    canvas.focus();
  });
}
element<HTMLFormElement>('password-form').addEventListener('submit', (event) => {
  event.preventDefault();
  element('password-form').hidden = true;
  void open(element<HTMLInputElement>('password').value);
});

void open();
