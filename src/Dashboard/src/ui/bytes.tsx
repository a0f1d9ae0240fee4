import { BODY_BYTES, utf8Bytes } from './text/bytes';

/** How long a text is that is being written, and how long it may be. */
export function ByteCount({ text }: { text: string }) {
  const bytes = utf8Bytes(text);
  return (
    <span class={`bytes ${bytes > BODY_BYTES ? 'bad' : bytes > BODY_BYTES * 0.9 ? 'amber' : 'dim'}`}>
      {bytes}/{BODY_BYTES}
      <span class="hidden"> bytes</span>
    </span>
  );
}
