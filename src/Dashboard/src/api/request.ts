import { Refusal, refusalOf } from './refusal';

/** The time after which a host without a full answer counts as unreachable. */
const ANSWER_MS = 30_000;

/** One request without a key; any status is returned. */
export async function ask(path: string, init: RequestInit = {}): Promise<Response> {
  const late = AbortSignal.timeout(ANSWER_MS);
  const signal = init.signal == null ? late : AbortSignal.any([init.signal, late]);
  try {
    return await fetch(path, { ...init, signal, cache: 'no-store', credentials: 'omit' });
  } catch (e) {
    if (init.signal?.aborted === true) throw e;
    throw new Refusal(
      late.aborted ? `the host did not answer within ${ANSWER_MS / 1000} s` : 'the host cannot be reached',
      0,
      'unreachable',
    );
  }
}

/** The same; a status other than success is thrown as a refusal. */
export async function request(path: string, init: RequestInit = {}): Promise<Response> {
  const response = await ask(path, init);
  if (!response.ok) throw await refusalOf(response);
  return response;
}

export const json = (body: object): RequestInit => ({
  method: 'POST',
  headers: { 'Content-Type': 'application/json' },
  body: JSON.stringify(body),
});
