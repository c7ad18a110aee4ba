// SPDX-License-Identifier: MIT
//
// How a SPICE connection begins: the client says which channel it wants and what it can do, the server answers with
// a public key, the client sends the password encrypted with it, the server says yes or no. Both sides' messages.
// Documents: [SPICE] in docs/references.md.
import { MAGIC, PUBLIC_KEY_BYTES, VERSION_MAJOR, VERSION_MINOR } from './protocol.ts';
import { ByteReader, ByteWriter, ProtocolError } from './wire.ts';

export const LINK_HEADER_BYTES = 16;
/** Far more than any client sends; what is longer is refused unread. */
export const MAX_LINK_BYTES = 4096;
const LINK_MESSAGE_BYTES = 18;
const MAX_CAPS_WORDS = 32;

export interface LinkHeader {
  readonly magic: number;
  readonly major: number;
  readonly minor: number;
  /** Bytes that follow. */
  readonly size: number;
}

export interface LinkRequest {
  /** 0 for a new session's main channel; otherwise what its INIT said. */
  readonly connectionId: number;
  readonly channelType: number;
  readonly channelId: number;
  readonly commonCaps: readonly number[];
  readonly channelCaps: readonly number[];
}

export interface LinkReply {
  readonly error: number;
  /** RSA, as DER SubjectPublicKeyInfo. */
  readonly publicKey: Uint8Array;
  readonly commonCaps: readonly number[];
  readonly channelCaps: readonly number[];
}

export function readLinkHeader(bytes: Uint8Array): LinkHeader {
  const reader = new ByteReader(bytes);
  return { magic: reader.u32(), major: reader.u32(), minor: reader.u32(), size: reader.u32() };
}

export function readLinkRequest(bytes: Uint8Array): LinkRequest {
  const reader = new ByteReader(bytes);
  const connectionId = reader.u32();
  const channelType = reader.u8();
  const channelId = reader.u8();
  const caps = readCaps(reader);
  return { connectionId, channelType, channelId, ...caps };
}

export function readLinkReply(bytes: Uint8Array): LinkReply {
  const reader = new ByteReader(bytes);
  const error = reader.u32();
  const publicKey = reader.bytes(PUBLIC_KEY_BYTES);
  return { error, publicKey, ...readCaps(reader) };
}

/** The counts and the offset are followed, wherever it points, by the words of both lists. */
function readCaps(reader: ByteReader): Pick<LinkRequest, 'commonCaps' | 'channelCaps'> {
  const common = reader.u32();
  const channel = reader.u32();
  if (common > MAX_CAPS_WORDS || channel > MAX_CAPS_WORDS) {
    throw new ProtocolError(`${common} and ${channel} words of capabilities`);
  }
  reader.seek(reader.u32());
  const words = (count: number): number[] => bitsOf(Array.from({ length: count }, () => reader.u32()));
  return { commonCaps: words(common), channelCaps: words(channel) };
}

export function linkRequest(request: LinkRequest): Uint8Array {
  const body = new ByteWriter().u32(request.connectionId).u8(request.channelType).u8(request.channelId);
  writeCaps(body, request, LINK_MESSAGE_BYTES);
  return withHeader(body.finish());
}

export function linkReply(reply: LinkReply): Uint8Array {
  if (reply.publicKey.length !== PUBLIC_KEY_BYTES) throw new RangeError(`a key of ${reply.publicKey.length} bytes`);
  const body = new ByteWriter().u32(reply.error).bytes(reply.publicKey);
  writeCaps(body, reply, 4 + PUBLIC_KEY_BYTES + 12);
  return withHeader(body.finish());
}

function writeCaps(
  body: ByteWriter,
  { commonCaps, channelCaps }: Pick<LinkRequest, 'commonCaps' | 'channelCaps'>,
  at: number,
): void {
  const common = wordsOf(commonCaps);
  const channel = wordsOf(channelCaps);
  body.u32(common.length).u32(channel.length).u32(at);
  for (const word of [...common, ...channel]) body.u32(word);
}

const withHeader = (body: Uint8Array): Uint8Array =>
  new ByteWriter().u32(MAGIC).u32(VERSION_MAJOR).u32(VERSION_MINOR).u32(body.length).bytes(body).finish();

/** The numbers of the bits set in a list of words. */
const bitsOf = (words: readonly number[]): number[] =>
  words.flatMap((word, index) =>
    Array.from({ length: 32 }, (_, bit) => bit)
      .filter((bit) => (word >>> bit) & 1)
      .map((bit) => index * 32 + bit),
  );

function wordsOf(bits: readonly number[]): number[] {
  const words = Array.from({ length: bits.length === 0 ? 0 : (Math.max(...bits) >>> 5) + 1 }, () => 0);
  for (const bit of bits) words[bit >>> 5] = (words[bit >>> 5]! | (1 << (bit & 31))) >>> 0;
  return words;
}
