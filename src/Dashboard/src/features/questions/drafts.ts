import { computed, effect, signal } from '@preact/signals';
import type { Question } from '../../api/types';
import { answerOf, byAnswer, type Draft, nothing } from './question';
import type { Questions } from './store';

const PREFIX = 'hive.answer.';

/** The time is part of the name: another Hive at the same address counts its questions from 1 too. */
const nameOf = (question: Question): string => `${question.id}.${question.asked_at}`;

/** A draft, and its question once that was settled elsewhere: the host's list of answered questions is short. */
interface Kept {
  draft: Draft;
  settled?: Question;
}

/**
 * Drafts of answers, by question. A draft survives live updates and reloads until the answer is sent or discarded, or
 * its question is gone.
 */
export class Drafts {
  readonly #kept = signal<ReadonlyMap<string, Kept>>(new Map());
  /** Answers that are being sent. */
  readonly #sending = signal<ReadonlySet<string>>(new Set());

  /** Questions that were settled elsewhere while a draft existed, the latest first. */
  readonly overtaken = computed(() =>
    [...this.#kept.value]
      .flatMap(([name, { settled }]) => (settled === undefined || this.#sending.value.has(name) ? [] : [settled]))
      .sort(byAnswer),
  );

  constructor(
    questions: Pick<Questions, 'loaded' | 'pending' | 'answered'>,
    private readonly storage: Storage,
  ) {
    this.#kept.value = this.#stored();
    effect(() => {
      if (!questions.loaded.value) return;
      const pending = new Set(questions.pending.value.map(nameOf));
      const answered = new Map(questions.answered.value.map((question) => [nameOf(question), question]));
      for (const [name, { draft, settled }] of this.#kept.peek()) {
        if (pending.has(name)) continue;
        const question = answered.get(name) ?? settled;
        if (question === undefined || arrived(question, draft)) this.#drop(name);
        else if (settled === undefined) this.#keep(name, { draft, settled: question });
      }
    });
  }

  of(question: Question): Draft {
    return this.#kept.value.get(nameOf(question))?.draft ?? nothing;
  }

  has(question: Question): boolean {
    return this.#kept.value.has(nameOf(question));
  }

  keep(question: Question, draft: Draft): void {
    const name = nameOf(question);
    if (draft.chosen.length === 0 && draft.text === '') this.#drop(name);
    else this.#keep(name, { ...this.#kept.peek().get(name), draft });
  }

  drop(question: Question): void {
    this.#drop(nameOf(question));
  }

  /** Sends an answer; its draft is removed when the host has accepted it. */
  async send(question: Question, post: () => Promise<unknown>): Promise<void> {
    const name = nameOf(question);
    this.#sending.value = new Set(this.#sending.value).add(name);
    try {
      await post();
      this.#drop(name);
    } finally {
      const rest = new Set(this.#sending.value);
      rest.delete(name);
      this.#sending.value = rest;
    }
  }

  #keep(name: string, kept: Kept): void {
    this.#kept.value = new Map(this.#kept.peek()).set(name, kept);
    try {
      this.storage.setItem(PREFIX + name, JSON.stringify({ ...kept.draft, settled: kept.settled }));
    } catch {
      // The storage is full: only a reload loses the draft.
    }
  }

  #drop(name: string): void {
    const rest = new Map(this.#kept.peek());
    rest.delete(name);
    this.#kept.value = rest;
    this.storage.removeItem(PREFIX + name);
  }

  #stored(): Map<string, Kept> {
    const all = new Map<string, Kept>();
    for (let i = 0; i < this.storage.length; i++) {
      const key = this.storage.key(i) ?? '';
      const kept = key.startsWith(PREFIX) ? read(this.storage.getItem(key)) : null;
      if (kept !== null) all.set(key.slice(PREFIX.length), kept);
    }
    return all;
  }
}

/** Whether this answer settled the question: the response may have been lost. */
const arrived = (question: Question, draft: Draft): boolean =>
  question.answerer === 'operator' && question.answer === answerOf(question, draft);

function read(json: string | null): Kept | null {
  try {
    const { chosen, text, settled } = JSON.parse(json ?? '') as Partial<Draft & { settled: Question }>;
    if (!Array.isArray(chosen) || typeof text !== 'string') return null;
    return settled == null ? { draft: { chosen, text } } : { draft: { chosen, text }, settled };
  } catch {
    return null;
  }
}
