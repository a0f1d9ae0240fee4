import { computed, effect, signal } from '@preact/signals';
import type { Question } from '../api/types';
import { answerOf, type Draft, nothing } from './questions';
import type { Swarm } from './swarm';

const PREFIX = 'hive.answer.';

/** Its time is part of the name: another Hive at the same address counts its questions from 1 too. */
const nameOf = (question: Question): string => `${question.id}.${question.asked_at}`;

/** What was chosen and typed of answers, one entry a question: it outlives live updates and reloads, until the answer is sent or its question is gone. */
export class Drafts {
  readonly #drafts = signal<ReadonlyMap<string, Draft>>(new Map());
  /** Answers under way: what becomes of them the host will say. */
  readonly #sending = signal<ReadonlySet<string>>(new Set());

  /** Questions that somebody else settled while an answer to them was being written. */
  readonly overtaken = computed(() => this.swarm.answered.value.filter((question) => this.#drafts.value.has(nameOf(question)) && !this.#sending.value.has(nameOf(question))));

  constructor(
    private readonly swarm: Swarm,
    private readonly storage: Storage,
  ) {
    this.#drafts.value = this.#stored();
    effect(() => {
      if (!swarm.loaded.value) return;
      const kept = new Set([...swarm.questions.value, ...swarm.answered.value.filter((question) => !this.#arrived(question))].map(nameOf));
      for (const name of this.#drafts.peek().keys()) if (!kept.has(name)) this.#set(name, nothing);
    });
  }

  of(question: Question): Draft {
    return this.#drafts.value.get(nameOf(question)) ?? nothing;
  }

  has(question: Question): boolean {
    return this.#drafts.value.has(nameOf(question));
  }

  keep(question: Question, draft: Draft): void {
    this.#set(nameOf(question), draft);
  }

  drop(question: Question): void {
    this.#set(nameOf(question), nothing);
  }

  /** Sends an answer: its draft goes when the host has taken it and stays when it has not. */
  async send(question: Question, post: () => Promise<void>): Promise<void> {
    const name = nameOf(question);
    this.#sending.value = new Set(this.#sending.value).add(name);
    try {
      await post();
      this.#set(name, nothing);
    } finally {
      const rest = new Set(this.#sending.value);
      rest.delete(name);
      this.#sending.value = rest;
    }
  }

  /** It is this answer that settled the question, though the host's word of it may have got lost. */
  #arrived(question: Question): boolean {
    const draft = this.#drafts.peek().get(nameOf(question));
    return draft !== undefined && question.answerer === 'operator' && question.answer === answerOf(question, draft);
  }

  #set(name: string, draft: Draft): void {
    const all = new Map(this.#drafts.peek());
    if (draft.chosen.length === 0 && draft.text === '') {
      all.delete(name);
      this.storage.removeItem(PREFIX + name);
    } else {
      all.set(name, draft);
      this.storage.setItem(PREFIX + name, JSON.stringify(draft));
    }
    this.#drafts.value = all;
  }

  #stored(): Map<string, Draft> {
    const all = new Map<string, Draft>();
    for (let i = 0; i < this.storage.length; i++) {
      const key = this.storage.key(i) ?? '';
      const draft = key.startsWith(PREFIX) ? read(this.storage.getItem(key)) : null;
      if (draft !== null) all.set(key.slice(PREFIX.length), draft);
    }
    return all;
  }
}

function read(json: string | null): Draft | null {
  try {
    const { chosen, text } = JSON.parse(json ?? '') as Partial<Draft>;
    return Array.isArray(chosen) && typeof text === 'string' ? { chosen, text } : null;
  } catch {
    return null;
  }
}
