import { Refusal } from './refusal';
import { ask, json } from './request';
import type { KeyProof } from './types';

/** Shown where something other than the host answers. */
export const STRANGER =
  'Another program answers at this address. Nothing was sent to it. Do not reload: a reload would load its page, ' +
  'and this one resumes when your Hive answers again.';

const utf8 = new TextEncoder();

/**
 * Lets the host prove that it knows a key, and returns that key under a mask that only this run of the host can remove.
 * A program that listens at this address in its place gets nothing of use. Nothing is sent before the proof.
 */
export async function proven(secret: string, stopped?: AbortSignal): Promise<string> {
  // Browsers offer cryptography only to pages from https and from localhost.
  if (globalThis.crypto?.subtle === undefined) throw new Refusal(notSecure(), 403, 'not_secure');
  const hash = await sha256(utf8.encode(secret));
  const id = hex(await sha256(Uint8Array.of(...utf8.encode('hive key\n'), ...hash))).slice(0, 32);
  const nonce = base64url(crypto.getRandomValues(new Uint8Array(32)));
  const response = await ask('/api/session/proof', {
    ...json({ id, nonce }),
    ...(stopped === undefined ? {} : { signal: stopped }),
  });
  // Nothing that an unproven host says is shown.
  if (response.status >= 500 || response.status === 429)
    throw new Refusal(
      `the host is not ready (status ${response.status}), or another program answers in its place: do not reload`,
      response.status,
      'unavailable',
    );
  const answer = await read(response);
  if (answer === null) throw new Refusal(STRANGER, 0, 'stranger');
  if (!answer.known) throw new Refusal('The host that answers does not know this key.', 401, 'unknown_key');
  const said = `hive proof\n${location.origin}\n${answer.run}\n${nonce}`;
  if (answer.proof !== base64url(await hmac(hash, utf8.encode(said)))) throw new Refusal(STRANGER, 0, 'stranger');
  return `masked.${id}.${base64url(await masked(utf8.encode(secret), hash, answer.run))}`;
}

async function read(response: Response): Promise<KeyProof | null> {
  try {
    const { known, run, proof } = (await response.json()) as Partial<KeyProof>;
    return response.ok && typeof known === 'boolean' && typeof run === 'string' && typeof proof === 'string'
      ? { known, run, proof }
      : null;
  } catch {
    return null;
  }
}

function notSecure(): string {
  return (
    `This page was opened at ${location.origin}, where the browser cannot check who answers, so no key is sent. ` +
    'Open Hive by https (a proxy in front of it), or through a tunnel: ssh -L 7000:127.0.0.1:7000 HOST, then ' +
    'http://127.0.0.1:7000.'
  );
}

type Bytes = Uint8Array<ArrayBuffer>;

async function sha256(data: Bytes): Promise<Bytes> {
  return new Uint8Array(await crypto.subtle.digest('SHA-256', data));
}

async function hmac(key: Bytes, data: Bytes): Promise<Bytes> {
  const imported = await crypto.subtle.importKey('raw', key, { name: 'HMAC', hash: 'SHA-256' }, false, ['sign']);
  return new Uint8Array(await crypto.subtle.sign('HMAC', imported, data));
}

/** Masks the secret with its hash. Unmasking gives the secret back, so the hash alone opens nothing. */
async function masked(secret: Bytes, hash: Bytes, run: string): Promise<Bytes> {
  const imported = await crypto.subtle.importKey('raw', hash, 'HKDF', false, ['deriveBits']);
  const by = { name: 'HKDF', hash: 'SHA-256', salt: utf8.encode(run), info: utf8.encode('hive mask') };
  const mask = new Uint8Array(await crypto.subtle.deriveBits(by, imported, secret.length * 8));
  return secret.map((byte, i) => byte ^ (mask[i] ?? 0));
}

const hex = (bytes: Bytes): string => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');

const base64url = (bytes: Bytes): string =>
  btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '');
