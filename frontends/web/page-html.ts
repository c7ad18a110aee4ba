// SPDX-License-Identifier: MIT

/** The page of the web viewer. */
export const PAGE_HTML = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>Emeritus</title>
<style>
  body { margin: 0; background: #222; color: #ddd; font: 14px system-ui, sans-serif; }
  nav { display: flex; flex-wrap: wrap; gap: .5em; align-items: center; padding: .4em; }
  #screen { display: block; outline: none; image-rendering: pixelated; }
  #screen:focus { box-shadow: 0 0 0 2px #58a; }
  #hint { color: #999; }
  #screen.absolute { cursor: crosshair; }
  #screen.fit { max-width: 100vw; max-height: 85vh; width: auto; height: auto; }
  #screen:fullscreen { object-fit: contain; max-width: none; max-height: none; width: 100vw; height: 100vh; }
  pre { background: #000; color: #cfc; margin: 0; padding: .5em; height: 20em; overflow: auto; }
  details { border-top: 1px solid #444; }
  [hidden] { display: none; }
</style>
</head>
<body>
<nav>
  <button id="fullscreen">Full screen</button>
  <label><input id="fit" type="checkbox"> Fit</label>
  <button id="sound" hidden>Sound: off</button>
  <button id="screenshot">Screenshot</button>
  <button id="paste">Type the clipboard</button>
  <button data-keys="ControlLeft AltLeft Delete">Ctrl+Alt+Del</button>
  <button data-keys="ControlLeft AltLeft F1">Ctrl+Alt+F1</button>
  <button id="reconnect" hidden>Connect again</button>
  <form id="password-form" hidden><input id="password" type="password" placeholder="password"><button>Connect</button></form>
  <span id="status"></span> <span id="leds"></span>
  <span id="hint">click the screen to give the mouse to the machine</span>
</nav>
<canvas id="screen" width="640" height="480" tabindex="0"></canvas>
<div id="consoles"></div>
<script type="module" src="/frontends/web/page/viewer.js"></script>
</body>
</html>
`;
