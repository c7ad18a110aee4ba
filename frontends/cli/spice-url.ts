// SPDX-License-Identifier: MIT
import { X509Certificate } from 'node:crypto';
import { readImage } from '../host/files.ts';
import { UserError } from '../host/user-error.ts';
import type { SpiceAddress } from '../spice/node-connection.ts';

export const DEFAULT_URL = 'spice://127.0.0.1:5900';
/** For the help of commands that take one. */
export const URL_FORMS = 'spice://HOST:PORT, spice://HOST?tls-port=PORT or spice+unix://PATH';
export const CA_HELP = "the certificate (PEM) that vouches for the machine's, for TLS";

const HOST = String.raw`(\[[\da-fA-F:]+\]|[\w.-]+)`;
const PLAIN = new RegExp(`^spice://${HOST}:(\\d{1,5})/?$`);
/** As remote-viewer has it, and for short. */
const TLS = [
  new RegExp(`^spice://${HOST}/?\\?tls-port=(\\d{1,5})$`),
  new RegExp(`^spice\\+tls://${HOST}:(\\d{1,5})/?$`),
];

/**
 * Where a SPICE URL leads.
 * @param command who asks, for messages; @param caFile a certificate to trust.
 */
export function parseSpiceUrl(text: string, command: string, caFile?: string): SpiceAddress {
  const secure = TLS.map((form) => form.exec(text)).find((found) => found !== null);
  if (caFile !== undefined && secure === undefined) {
    throw new UserError('EMERITUS_VIEW', `${command}: --ca is for spice://HOST?tls-port=PORT; found "${text}"`);
  }
  const unix = /^spice\+unix:\/\/(\/.+)$/.exec(text);
  if (unix !== null) return { path: unix[1]! };
  const tcp = secure ?? PLAIN.exec(text);
  const port = Number(tcp?.[2] ?? 0);
  if (tcp === null || port === 0 || port > 65535) {
    const expected = 'spice://HOST:PORT, spice://HOST?tls-port=PORT or spice+unix:///PATH';
    throw new UserError('EMERITUS_VIEW', `${command}: expected ${expected}; found "${text}"`);
  }
  const host = tcp[1]!.replace(/^\[|\]$/g, '');
  if (secure === undefined) return { host, port };
  return { host, port, tls: caFile === undefined ? {} : { ca: readCertificate(caFile, `${command} --ca`) } };
}

function readCertificate(path: string, option: string): Uint8Array {
  const { bytes } = readImage(path, option);
  try {
    new X509Certificate(bytes);
  } catch {
    throw new UserError('EMERITUS_VIEW', `${option}: expected a certificate (PEM); ${path} is none`);
  }
  return bytes;
}
