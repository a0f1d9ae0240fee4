import { Refusal } from '../api/refusal';

/** The keys of what may not have arrived, by its content; the earliest first. */
const unsure = new Map<string, string>();
/** How many of these are remembered. */
const MOST = 100;

const newKey = (): string => [...crypto.getRandomValues(new Uint8Array(16))].map((n) => n.toString(16)).join('-');

/**
 * A request that makes something, as often as it is tried with one key, so that an answer that was lost on its way does
 * not make two of it. What may not have arrived keeps its key when the operator sends the same content again.
 */
export function once<T>(content: string, ask: (key: string) => Promise<T>): () => Promise<T> {
  const key = unsure.get(content) ?? newKey();
  return async () => {
    unsure.set(content, key);
    const [earliest] = unsure.keys();
    if (unsure.size > MOST && earliest !== undefined) unsure.delete(earliest);
    const forget = () => {
      if (unsure.get(content) === key) unsure.delete(content);
    };
    try {
      const answer = await ask(key);
      forget();
      return answer;
    } catch (e) {
      // A refused text has not arrived: the same one may be sent again.
      if (e instanceof Refusal && e.status >= 400 && e.status < 500) forget();
      throw e;
    }
  };
}
