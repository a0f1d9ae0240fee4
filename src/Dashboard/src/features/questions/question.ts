import type { Question } from '../../api/types';

/** The host lists so many answered questions. */
export const HISTORY = 50;

export const forOperator = (question: Question): boolean => question.target == null;

/** Newest answer first. */
export const byAnswer = (a: Question, b: Question): number =>
  (b.answered_at ?? '').localeCompare(a.answered_at ?? '') || b.id - a.id;

/** What the list is narrowed to: everything, the questions to the operator, those between agents, or all that one agent has a part in. */
export type Filter = 'all' | '@operator' | '@peer' | { agent: string };

export function shownBy(filter: Filter, question: Question): boolean {
  if (filter === 'all') return true;
  if (filter === '@operator') return forOperator(question);
  if (filter === '@peer') return !forOperator(question);
  return question.asker === filter.agent || question.target === filter.agent;
}

/** Every agent that asks or is asked, by name. */
export function participants(questions: readonly Question[]): string[] {
  const names = new Set<string>();
  for (const { asker, target } of questions) {
    names.add(asker);
    if (target != null) names.add(target);
  }
  return [...names].sort();
}

/** An answer that is being made: nothing of it has reached the host. */
export interface Draft {
  chosen: readonly string[];
  text: string;
}

export const nothing: Draft = { chosen: [], text: '' };

export const isEmpty = ({ chosen, text }: Draft): boolean => chosen.length === 0 && text.trim() === '';

/** What is sent: the options in the order they were offered, then what was typed. */
export function answerOf(question: Question, { chosen, text }: Draft): string {
  const picked = question.options.filter((option) => chosen.includes(option));
  return [...picked, ...(text.trim() === '' ? [] : [text.trim()])].join(', ');
}

/** Clicking an option: several add up, of the others the last one stands, and a second click takes it back. */
export function withOption(draft: Draft, option: string, multi: boolean): Draft {
  const others = multi ? draft.chosen.filter((chosen) => chosen !== option) : [];
  return { ...draft, chosen: draft.chosen.includes(option) ? others : [...others, option] };
}
