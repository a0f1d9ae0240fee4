import { signal } from '@preact/signals';
import { useEffect, useState } from 'preact/hooks';
import { words } from '../api/refusal';
import { refusal } from './refused';

/**
 * The requests of a form, one at a time for each thing that it is about. A refusal is shown in the form; one that comes
 * when the form is about something else, or is gone, is shown by the shell.
 */
export class Requests {
  readonly #busy = signal<ReadonlySet<string>>(new Set());
  readonly #error = signal<{ about: string; words: string } | null>(null);
  /** The subject of the form; null once it is gone. */
  about: string | null = '';

  isBusy(about: string): boolean {
    return this.#busy.value.has(about);
  }

  errorOf(about: string): string | null {
    const error = this.#error.value;
    return error?.about === about ? error.words : null;
  }

  setError(about: string, error: string | null): void {
    this.#error.value = error === null ? null : { about, words: error };
  }

  /** Sends the request, unless one is under way or the form has a fault. */
  async send(about: string, fault: string | null, ask: () => Promise<unknown>, said: (e: unknown) => string) {
    if (this.#busy.peek().has(about)) return;
    this.setError(about, fault);
    if (fault !== null) return;
    this.#busy.value = new Set([...this.#busy.peek(), about]);
    try {
      await ask();
    } catch (e) {
      if (this.about === about) this.setError(about, said(e));
      else refusal.value = said(e);
    } finally {
      this.#busy.value = new Set([...this.#busy.peek()].filter((other) => other !== about));
    }
  }
}

export interface Sending {
  busy: boolean;
  /** The error of the last try. */
  error: string | null;
  setError: (error: string | null) => void;
  /** Sends the request, unless one is under way or the form has a fault. */
  send: (fault: string | null, ask: () => Promise<unknown>) => Promise<void>;
}

/**
 * Sends a form's requests one at a time and keeps the last error. <about>: what the form is about, where it changes.
 */
export function useSending(said: (e: unknown) => string = words, about = ''): Sending {
  const [requests] = useState(() => new Requests());
  requests.about = about;
  useEffect(
    () => () => {
      requests.about = null;
    },
    [requests],
  );
  return {
    busy: requests.isBusy(about),
    error: requests.errorOf(about),
    setError: (error) => requests.setError(about, error),
    send: (fault, ask) => requests.send(about, fault, ask, said),
  };
}
