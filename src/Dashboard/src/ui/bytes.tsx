import { BODY_BYTES, utf8Bytes } from './text/bytes';

/** From this share of the limit on, the length of a text is shown. */
const NEAR = 0.8;

/** How long a text is that is being written, and how long it may be; nothing far from the limit. */
export function ByteCount({ text }: { text: string }) {
  // No text has fewer bytes than characters, nor more than three for each.
  if (text.length * 3 < BODY_BYTES * NEAR) return null;
  const bytes = utf8Bytes(text);
  return bytes < BODY_BYTES * NEAR ? null : (
    <span class={`bytes n ${bytes > BODY_BYTES ? 'bad' : 'dim'}`}>
      {bytes}/{BODY_BYTES}
      <span class="hidden"> bytes</span>
    </span>
  );
}
