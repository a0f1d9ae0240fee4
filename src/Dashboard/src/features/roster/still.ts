import { signal } from '@preact/signals';

/** A pointer that has not moved for this long only lies there. */
export const STILL_MS = 3_000;

/** Whether the pointer moves in a list. */
export class Stillness {
  readonly moves = signal(false);
  #timer: ReturnType<typeof setTimeout> | undefined;

  moved(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.left(), STILL_MS);
    this.moves.value = true;
  }

  left(): void {
    clearTimeout(this.#timer);
    this.moves.value = false;
  }
}
