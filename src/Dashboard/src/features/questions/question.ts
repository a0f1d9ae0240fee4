import type { Message, Question } from '../../api/types';
import type { Flow } from '../messages';

/** The number of answered questions that the host lists. */
export const HISTORY = 50;

/** The host's own answers to questions that got none. */
export const [CANCELLED, EXPIRED] = ['[cancelled]', '[expired]'] as const;

export const isExpired = ({ answer }: Question): boolean => answer === EXPIRED;

/** The first message of an agent from an instant on, of those that the page holds. */
export const saidAfter = (rows: Flow['rows'], agent: string, at: string): Message | undefined =>
  rows.find(({ message: { from, sent_at } }) => from === agent && sent_at >= at)?.message;

/** Newest answer first. */
export const byAnswer = (a: Question, b: Question): number =>
  (b.answered_at ?? '').localeCompare(a.answered_at ?? '') || b.id - a.id;

/** An answer that is being written; the host does not know it. */
export interface Draft {
  chosen: readonly string[];
  text: string;
}

export const nothing: Draft = { chosen: [], text: '' };

/**
 * The effect of `enter` on a question's row: it sends an answer that is an option alone, and goes on with one that is
 * being written, which may be half a sentence. Null for an answer that was not begun.
 */
export const meantByOpen = ({ chosen, text }: Draft): 'send' | 'write' | null =>
  text.trim() !== '' ? 'write' : chosen.length > 0 ? 'send' : null;

/** The answer as it is sent: the chosen options in their order, then the typed text. */
export function answerOf(question: Question, { chosen, text }: Draft): string {
  const picked = question.options.filter((option) => chosen.includes(option));
  return [...picked, ...(text.trim() === '' ? [] : [text.trim()])].join(', ');
}

/** Toggles an option; without <multi> it replaces the chosen one. */
export function withOption(draft: Draft, option: string, multi: boolean): Draft {
  const others = multi ? draft.chosen.filter((chosen) => chosen !== option) : [];
  return { ...draft, chosen: draft.chosen.includes(option) ? others : [...others, option] };
}
