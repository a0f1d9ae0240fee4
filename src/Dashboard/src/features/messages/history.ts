import { answerOf, api } from '../../api/client';
import type { History, Message } from '../../api/types';
import { askedFor, type Filter } from './filter';

type Query = Omit<Filter, 'to'> & { before?: number; thread?: number };

/** A page of the messages that match, before a message or the newest one. */
export async function history(
  filter: Filter & { thread?: number },
  before: number | null,
  stopped?: AbortSignal,
): Promise<History> {
  const query: Query = { ...askedFor(filter), ...(before === null ? {} : { before }) };
  return answerOf(api.GET('/dashboard/history', { params: { query }, signal: stopped ?? null }));
}

/** One message with all that is known of its delivery. */
export async function detailOf(id: number, stopped?: AbortSignal): Promise<Message> {
  const asked = api.GET('/api/messages/{id}', { params: { path: { id } }, signal: stopped ?? null });
  return (await answerOf(asked)).message;
}
