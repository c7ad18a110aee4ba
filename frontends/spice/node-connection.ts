// SPDX-License-Identifier: MIT
import { constants, createPublicKey, publicEncrypt } from 'node:crypto';
import { connect as connectPlain, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { Connection } from './client.ts';

/** Where a SPICE server listens. */
export type SpiceAddress =
  { readonly path: string } | { readonly host: string; readonly port: number; readonly tls?: TlsTrust | undefined };

export interface TlsTrust {
  /** PEM: who vouches for the server's certificate, or the certificate itself. Without it, whom Node trusts. */
  readonly ca?: Uint8Array | undefined;
}

/** A socket on its way to a server; nothing is sent before it knows that it is the right one. */
export function openSocket(address: SpiceAddress): Socket {
  if ('path' in address) return connectPlain({ path: address.path });
  const { host, port, tls } = address;
  const ca = tls?.ca === undefined ? {} : { ca: Buffer.from(tls.ca) };
  const socket = tls === undefined ? connectPlain({ host, port }) : connectTls({ host, port, ...ca });
  return socket.setNoDelay(true);
}

/** Connects to a server; `onSocket` gets the socket itself. */
export function connectSpice(address: SpiceAddress, onSocket?: (socket: Socket) => void): Promise<Connection> {
  return new Promise((resolve, reject) => {
    const secure = 'tls' in address && address.tls !== undefined;
    const socket = openSocket(address);
    const failed = (error: Error): void => reject(explained(error, secure));
    socket.once('error', failed);
    socket.once(secure ? 'secureConnect' : 'connect', () => {
      socket.off('error', failed);
      socket.on('error', () => socket.destroy());
      onSocket?.(socket);
      resolve(connectionOf(socket));
    });
  });
}

const NOBODY_LISTENS = new Set(['ECONNREFUSED', 'ENOENT']);

/** Why there is no connection. */
function explained(error: NodeJS.ErrnoException & { reason?: string }, secure: boolean): Error {
  if (NOBODY_LISTENS.has(error.code ?? '')) {
    return new Error(
      `no machine shows its screen there (${error.message}); "emeritus boot … --display spice" says where it does`,
    );
  }
  if (!secure) return error;
  const untrusted = /CERT|SELF_SIGNED|UNABLE_TO_(GET|VERIFY)/.test(error.code ?? '');
  const why = (error.reason ?? error.message).replaceAll(/\s*\n\s*/g, ' ');
  return new Error(untrusted ? `its certificate is not trusted: ${why}; --ca=FILE names one that is` : why);
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
