import { hkdf } from '@noble/hashes/hkdf.js';
import { hmac } from '@noble/hashes/hmac.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, concatBytes, utf8ToBytes } from '@noble/hashes/utils.js';
import { vi } from 'vitest';

type Bytes = Uint8Array<ArrayBuffer>;

let nonces = 0;

/** The browser's cryptography for tests with fake timers, without the platform's threads. */
export function fakeCrypto(): void {
  vi.stubGlobal('location', { origin: 'http://host' });
  vi.stubGlobal('crypto', {
    getRandomValues: (bytes: Bytes) => bytes.fill(++nonces),
    subtle: {
      digest: async (_: string, data: Bytes) => sha256(data),
      importKey: async (_: string, key: Bytes) => key,
      sign: async (_: string, key: Bytes, data: Bytes) => hmac(sha256, key, data),
      deriveBits: async ({ salt, info }: { salt: Bytes; info: Bytes }, key: Bytes, bits: number) =>
        hkdf(sha256, key, salt, info, bits / 8),
    },
  });
}

/** The known keys of a host: it proves them and unmasks them. */
export class FakeKeys {
  run = 'run-1';
  readonly known = new Set(['key']);

  /** The answer to a request for a proof. */
  prove(body: string): Response {
    const { id, nonce } = JSON.parse(body) as { id: string; nonce: string };
    const hash = this.#hashOf(id);
    const proof = hmac(
      sha256,
      hash ?? utf8ToBytes('decoy'),
      utf8ToBytes(`hive proof\nhttp://host\n${this.run}\n${nonce}`),
    );
    const text = btoa(String.fromCharCode(...proof))
      .replaceAll('+', '-')
      .replaceAll('/', '_')
      .replace(/=+$/, '');
    return new Response(JSON.stringify({ known: hash !== undefined, run: this.run, proof: text }));
  }

  /** The key in a bearer that this run of the host accepts, or null. */
  keyIn(init: RequestInit | undefined): string | null {
    const [, id = '', text = ''] =
      /^Bearer masked\.([0-9a-f]+)\.(.+)$/.exec(new Headers(init?.headers).get('Authorization') ?? '') ?? [];
    const hash = this.#hashOf(id);
    if (hash === undefined) return null;
    const masked = Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (c) => c.charCodeAt(0));
    const mask = hkdf(sha256, hash, utf8ToBytes(this.run), utf8ToBytes('hive mask'), masked.length);
    const key = new TextDecoder().decode(masked.map((byte, i) => byte ^ (mask[i] ?? 0)));
    return this.known.has(key) ? key : null;
  }

  #hashOf(id: string): Uint8Array | undefined {
    const hashes = [...this.known].map((key) => sha256(utf8ToBytes(key)));
    return hashes.find((hash) => bytesToHex(sha256(concatBytes(utf8ToBytes('hive key\n'), hash))).startsWith(id));
  }
}
