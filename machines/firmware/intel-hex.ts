// SPDX-License-Identifier: MIT
//
// Intel HEX and micro:bit Universal Hex files. Documents: [Intel HEX], [Universal Hex].

export interface HexPiece {
  readonly address: number;
  readonly bytes: Uint8Array;
}

/** Something is wrong with the file; the message says where and what. */
export class HexError extends Error {
  override readonly name = 'HexError';
}

const TYPE = { data: 0, end: 1, segment: 2, segmentStart: 3, linear: 4, linearStart: 5 } as const;
/** Universal Hex: begins a block for a board, ends it, pads, and other boards' data. */
const UNIVERSAL = { blockStart: 0x0a, blockEnd: 0x0b, padding: 0x0c, customData: 0x0d, otherData: 0x0e } as const;
/** Board ids of a micro:bit with an nRF51. */
const V1_BOARDS: readonly number[] = [0x9900, 0x9901];
const MOST_BYTES = 4 << 20;

/**
 * The bytes a file puts into memory, in its order. Of a Universal Hex, those for micro:bit v1.
 * @throws {HexError} for a bad record, a wrong checksum, a file that ends early, or one for other boards only.
 */
export function parseHex(text: string, title: string): HexPiece[] {
  const pieces: HexPiece[] = [];
  let base = 0;
  let board: number | undefined;
  let ended = false;
  let total = 0;
  const boards = new Set<number>();
  for (const [index, line] of text.split(/\r\n|\n|\r/).entries()) {
    if (line.trim() === '') continue;
    if (ended) break;
    const { address, type, data } = record(line.trim(), `${title}, line ${index + 1}`);
    const mine = board === undefined || V1_BOARDS.includes(board);
    switch (type) {
      case TYPE.data:
      case UNIVERSAL.customData:
        if (type === UNIVERSAL.customData && !mine) break;
        if (!mine) break;
        total += data.length;
        if (total > MOST_BYTES) throw new HexError(`${title}: more than ${MOST_BYTES} bytes of data`);
        pieces.push({ address: base + address, bytes: data });
        break;
      case TYPE.end:
        ended = true;
        break;
      case TYPE.segment:
        base = ((data[0] ?? 0) * 256 + (data[1] ?? 0)) * 16;
        break;
      case TYPE.linear:
        base = ((data[0] ?? 0) * 256 + (data[1] ?? 0)) * 0x1_0000;
        break;
      case UNIVERSAL.blockStart:
        board = (data[0] ?? 0) * 256 + (data[1] ?? 0);
        boards.add(board);
        break;
      case TYPE.segmentStart:
      case TYPE.linearStart:
      case UNIVERSAL.blockEnd:
      case UNIVERSAL.padding:
      case UNIVERSAL.otherData:
        break;
      default:
        throw new HexError(`${title}, line ${index + 1}: record type ${type} is not known`);
    }
  }
  if (!ended) throw new HexError(`${title}: the file ends without an end record; it is truncated or not Intel HEX`);
  if (pieces.length === 0 && boards.size === 0) throw new HexError(`${title}: there is no data in it`);
  if (pieces.length === 0) {
    const ids = [...boards].map((id) => `0x${id.toString(16)}`).join(', ');
    throw new HexError(`${title}: a Universal Hex for boards ${ids} only; micro:bit v1 is 0x9900 or 0x9901`);
  }
  return pieces;
}

function record(line: string, where: string): { address: number; type: number; data: Uint8Array } {
  if (!/^:([0-9a-fA-F]{2}){5,}$/.test(line)) throw new HexError(`${where}: not a record of Intel HEX`);
  const bytes = Uint8Array.from({ length: (line.length - 1) / 2 }, (_, i) =>
    parseInt(line.slice(1 + i * 2, 3 + i * 2), 16),
  );
  const count = bytes[0]!;
  if (bytes.length !== count + 5) {
    throw new HexError(`${where}: the record says ${count} bytes of data and has ${bytes.length - 5}`);
  }
  const sum = bytes.reduce((total, byte) => (total + byte) & 0xff, 0);
  if (sum !== 0) {
    const right = (bytes.at(-1)! - sum) & 0xff;
    const text = (byte: number): string => byte.toString(16).padStart(2, '0');
    throw new HexError(`${where}: checksum ${text(bytes.at(-1)!)} should be ${text(right)}`);
  }
  return { address: bytes[1]! * 256 + bytes[2]!, type: bytes[3]!, data: bytes.subarray(4, 4 + count) };
}
