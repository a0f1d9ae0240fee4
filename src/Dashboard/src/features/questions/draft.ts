import type { Question } from '../../api/types';
import { drafts } from '../../ui/draft';
import type { Draft } from './question';

/** The time is part of the name: another Hive at the same address counts its questions from 1 too. */
export const draftOf = ({ id, asked_at }: Pick<Question, 'id' | 'asked_at'>): string => `answer:${id}.${asked_at}`;

const optionsOf = (question: Question): string => `options:${question.id}.${question.asked_at}`;

/** The answer to a question as far as it is written. */
export const answerDraft = (question: Question): Draft => ({
  chosen: chosenIn(drafts.of(optionsOf(question))),
  text: drafts.of(draftOf(question)),
});

export function keepAnswer(question: Question, { chosen, text }: Draft): void {
  drafts.keep(optionsOf(question), chosen.length === 0 ? '' : JSON.stringify(chosen));
  drafts.keep(draftOf(question), text);
}

function chosenIn(stored: string): readonly string[] {
  if (stored === '') return [];
  try {
    const chosen: unknown = JSON.parse(stored);
    return Array.isArray(chosen) ? chosen.filter((option): option is string => typeof option === 'string') : [];
  } catch {
    return [];
  }
}
