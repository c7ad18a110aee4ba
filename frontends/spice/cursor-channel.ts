// SPDX-License-Identifier: MIT
import { CURSOR_FLAGS_NONE, MSG_CURSOR } from './protocol.ts';
import { type ChannelLink, ServerChannel } from './server-channel.ts';
import { type ByteReader, ByteWriter, ProtocolError } from './wire.ts';

const MAX_MESSAGE_BYTES = 1024;
const ACK_WINDOW = 20;

/** The guest draws its pointer itself, into the picture: the viewer shows none of its own. */
export class CursorChannel extends ServerChannel {
  constructor(link: ChannelLink) {
    super(link, MAX_MESSAGE_BYTES, ACK_WINDOW);
  }

  protected greet(): void {
    const init = new ByteWriter().u16(0).u16(0); // position
    init.u16(0).u16(0); // trail
    this.send(MSG_CURSOR.INIT, init.u8(0).u16(CURSOR_FLAGS_NONE).finish());
  }

  protected received(type: number, _body: ByteReader): void {
    throw new ProtocolError(`cursor channel: message ${type}`);
  }
}
