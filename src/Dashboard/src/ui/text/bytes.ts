export const BODY_BYTES = 4096;

const encoder = new TextEncoder();

export const utf8Bytes = (text: string): number => encoder.encode(text).length;

/** The way out of a text that is too long, where the page cannot make a file of it. */
const OWN_FILE = 'put it into a file in the shared folder and send its path';

/**
 * The reason why a text cannot be sent, with the limit and the way out; null when it can. <asFile>: it becomes a file,
 * which has no such limit.
 */
export function bodyFault(body: string, what = 'a message', wayOut = OWN_FILE, asFile = false): string | null {
  if (body.trim() === '') return 'There is nothing to send yet.';
  if (body.includes('\0')) return 'The text contains a NUL character; remove it.';
  if (/[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/.test(body))
    return 'The text contains an unpaired surrogate; remove it.';
  if (asFile) return null;
  const bytes = utf8Bytes(body);
  return bytes > BODY_BYTES
    ? `The text has ${bytes} bytes, ${bytes - BODY_BYTES} more than the ${BODY_BYTES} ${what} may have. Shorten ` +
        `it, or ${wayOut}.`
    : null;
}

/** The way out where the page makes a file of a text. */
export const AS_FILE = 'send it as a file';

export const isTooLong = (body: string): boolean =>
  // No text has more than three bytes for each character.
  body.length * 3 > BODY_BYTES && utf8Bytes(body) > BODY_BYTES;
