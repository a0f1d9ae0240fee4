import { type ReadonlySignal, signal } from '@preact/signals';

/** Code of this page that its first view does not need. */
export class Part<T> {
  readonly #code = signal<T | null>(null);
  readonly #missing = signal(false);
  #underWay = false;

  constructor(private readonly load: () => Promise<T>) {}

  /** Null until it is loaded. */
  get code(): ReadonlySignal<T | null> {
    return this.#code;
  }

  /** Loading it has failed so far. */
  get missing(): ReadonlySignal<boolean> {
    return this.#missing;
  }

  async fetch(): Promise<void> {
    if (this.#underWay || this.#code.peek() !== null) return;
    this.#underWay = true;
    try {
      this.#code.value = await this.load();
      this.#missing.value = false;
    } catch {
      // The component that needs it says so, and the next proof fetches it again.
      this.#missing.value = true;
    } finally {
      this.#underWay = false;
    }
  }
}
