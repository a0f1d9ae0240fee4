import { batch, computed, signal } from '@preact/signals';
import type { Question, Snapshot } from '../../api/types';
import { RowTable } from '../../stream/row-table';
import { byAnswer, HISTORY } from './question';

/** The questions that are pending, and the newest of the answered ones. */
export class Questions {
  readonly #rows = new RowTable<Question>();
  /** The pending ones, oldest first. */
  readonly pending = computed(() => this.#rows.all.toSorted((a, b) => a.id - b.id));
  /** The newest of the answered ones, the latest answer first. */
  readonly answered = signal<readonly Question[]>([]);

  snapshot({ questions, question_history }: Pick<Snapshot, 'questions' | 'question_history'>): void {
    this.#rows.replace(questions);
    this.answered.value = question_history.toSorted(byAnswer).slice(0, HISTORY);
  }

  put(question: Question): void {
    batch(() => {
      this.#rows.put(question);
      // One that was cancelled because its asker was destroyed is open again: the asker was revived.
      if (this.answered.peek().some(({ id }) => id === question.id))
        this.answered.value = this.answered.peek().filter(({ id }) => id !== question.id);
    });
  }

  resolve(question: Question): void {
    const others = this.answered.value.filter(({ id }) => id !== question.id);
    // In one batch: a question in neither list would lose the draft of its answer.
    batch(() => {
      this.#rows.remove(question.id);
      this.answered.value = [question, ...others].sort(byAnswer).slice(0, HISTORY);
    });
  }
}

export const questions = new Questions();
