// SPDX-License-Identifier: MIT
import { constants, createPublicKey, publicEncrypt } from 'node:crypto';
import { connect as connectPlain, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { Connection } from './client.ts';

/** Where a SPICE server listens. */
export type SpiceAddress =
  { readonly path: string } | { readonly host: string; readonly port: number; readonly ca?: Uint8Array | undefined };

/** Connects to a server; with `ca`, by TLS with that authority's certificate. `onSocket` gets the socket itself. */
export function connectSpice(address: SpiceAddress, onSocket?: (socket: Socket) => void): Promise<Connection> {
  return new Promise((resolve, reject) => {
    const secure = 'ca' in address && address.ca !== undefined;
    const socket: Socket = secure
      ? connectTls({ host: address.host, port: address.port, ca: Buffer.from(address.ca) })
      : connectPlain('path' in address ? { path: address.path } : { host: address.host, port: address.port });
    socket.once('error', reject);
    socket.once(secure ? 'secureConnect' : 'connect', () => {
      socket.off('error', reject);
      socket.on('error', () => socket.destroy());
      if (!('path' in address)) socket.setNoDelay(true);
      onSocket?.(socket);
      resolve(connectionOf(socket));
    });
  });
}

function connectionOf(socket: Socket): Connection {
  const connection: Connection = {
    send: (bytes) => void (socket.writable && socket.write(bytes)),
    onData: () => undefined,
    onClose: () => undefined,
    close: () => void socket.destroy(),
  };
  socket.on('data', (chunk: Buffer) => connection.onData(chunk));
  socket.on('close', () => connection.onClose());
  return connection;
}

/** RSA-OAEP as the link wants it. */
export function encryptTicket(publicKey: Uint8Array, text: Uint8Array): Promise<Uint8Array> {
  const key = createPublicKey({ key: Buffer.from(publicKey), format: 'der', type: 'spki' });
  return Promise.resolve(publicEncrypt({ key, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha1' }, text));
}
