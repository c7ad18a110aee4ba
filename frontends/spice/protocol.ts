// SPDX-License-Identifier: MIT
//
// Numbers of the SPICE protocol, version 2.2, by the names of the protocol headers without their SPICE_ prefix.
// Documents: [SPICE] in docs/references.md.

export const MAGIC = 0x5144_4552; // "REDQ"
export const VERSION_MAJOR = 2;
export const VERSION_MINOR = 2;
export const MAX_PASSWORD_BYTES = 60;
export const TICKET_BYTES = 128;
export const PUBLIC_KEY_BYTES = 162;

export const LINK_ERR = {
  OK: 0,
  ERROR: 1,
  INVALID_MAGIC: 2,
  INVALID_DATA: 3,
  VERSION_MISMATCH: 4,
  NEED_SECURED: 5,
  PERMISSION_DENIED: 7,
  BAD_CONNECTION_ID: 8,
  CHANNEL_NOT_AVAILABLE: 9,
} as const;

export const CHANNEL = { MAIN: 1, DISPLAY: 2, INPUTS: 3, CURSOR: 4, PLAYBACK: 5, PORT: 10 } as const;

/** Bit numbers. */
export const COMMON_CAP = { PROTOCOL_AUTH_SELECTION: 0, AUTH_SPICE: 1, AUTH_SASL: 2, MINI_HEADER: 3 } as const;
export const MAIN_CAP = { NAME_AND_UUID: 1 } as const;
export const DISPLAY_CAP = { MONITORS_CONFIG: 1, LZ4_COMPRESSION: 5, PREF_COMPRESSION: 6 } as const;
export const INPUTS_CAP = { KEY_SCANCODE: 0 } as const;
export const PLAYBACK_CAP = { OPUS: 3 } as const;

/** The server's messages on every channel. */
export const MSG = { SET_ACK: 3, PING: 4, DISCONNECTING: 6, NOTIFY: 7 } as const;
/** The client's messages on every channel. */
export const MSGC = { ACK_SYNC: 1, ACK: 2, PONG: 3, MIGRATE_FLUSH_MARK: 4, MIGRATE_DATA: 5, DISCONNECTING: 6 } as const;

export const MSG_MAIN = {
  INIT: 103,
  CHANNELS_LIST: 104,
  MOUSE_MODE: 105,
  AGENT_TOKEN: 110,
  NAME: 113,
  UUID: 114,
} as const;
export const MSGC_MAIN = {
  CLIENT_INFO: 101,
  ATTACH_CHANNELS: 104,
  MOUSE_MODE_REQUEST: 105,
  AGENT_START: 106,
  AGENT_DATA: 107,
  AGENT_TOKEN: 108,
} as const;

export const MSG_DISPLAY = {
  MARK: 102,
  RESET: 103,
  DRAW_COPY: 304,
  SURFACE_CREATE: 314,
  SURFACE_DESTROY: 315,
  MONITORS_CONFIG: 317,
} as const;
export const MSGC_DISPLAY = {
  INIT: 101,
  STREAM_REPORT: 102,
  PREFERRED_COMPRESSION: 103,
  GL_DRAW_DONE: 104,
  PREFERRED_VIDEO_CODEC_TYPE: 105,
} as const;

export const MSG_INPUTS = { INIT: 101, KEY_MODIFIERS: 102, MOUSE_MOTION_ACK: 111 } as const;
export const MSGC_INPUTS = {
  KEY_DOWN: 101,
  KEY_UP: 102,
  KEY_MODIFIERS: 103,
  KEY_SCANCODE: 104,
  MOUSE_MOTION: 111,
  MOUSE_POSITION: 112,
  MOUSE_PRESS: 113,
  MOUSE_RELEASE: 114,
} as const;

export const MSG_CURSOR = { INIT: 101, HIDE: 105 } as const;

export const MSG_PLAYBACK = { DATA: 101, MODE: 102, START: 103, STOP: 104 } as const;
export const AUDIO_DATA_MODE = { RAW: 1, OPUS: 3 } as const;
export const AUDIO_FMT_S16 = 1;

export const MSG_PORT = { DATA: 101, INIT: 201, EVENT: 202 } as const;
export const MSGC_PORT = { DATA: 101, EVENT: 201 } as const;
export const PORT_EVENT = { OPENED: 0, CLOSED: 1, BREAK: 2 } as const;

export const MOUSE_MODE = { SERVER: 1, CLIENT: 2 } as const;
export const MOUSE_BUTTON = { LEFT: 1, MIDDLE: 2, RIGHT: 3, UP: 4, DOWN: 5 } as const;
export const MOUSE_BUTTON_MASK = { LEFT: 1, MIDDLE: 2, RIGHT: 4 } as const;
/** Motions a client sends before it waits for the server. */
export const MOTION_ACK_BUNCH = 4;
export const LOCK = { SCROLL: 1, NUM: 2, CAPS: 4 } as const;

export const SURFACE_FMT_32_XRGB = 32;
export const SURFACE_FLAGS_PRIMARY = 1;
export const CLIP_TYPE_NONE = 0;
export const ROPD_OP_PUT = 8;
export const IMAGE_TYPE_BITMAP = 0;
export const IMAGE_TYPE_LZ4 = 109;
export const IMAGE_COMPRESSION = { OFF: 1, AUTO_GLZ: 2, AUTO_LZ: 3, QUIC: 4, GLZ: 5, LZ: 6, LZ4: 7 } as const;
export const BITMAP_FMT_32BIT = 8;
export const BITMAP_FLAGS_TOP_DOWN = 4;
export const CURSOR_FLAGS_NONE = 1;
