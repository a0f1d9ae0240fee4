import { signal } from '@preact/signals';

/** Things that are open in rows of messages, by the message's id. They stay so while rows come and go. */
class Open {
  readonly ids = signal<ReadonlySet<number>>(new Set());

  has(id: number): boolean {
    return this.ids.value.has(id);
  }

  set(id: number, open: boolean): void {
    const ids = new Set(this.ids.peek());
    if (open) ids.add(id);
    else ids.delete(id);
    this.ids.value = ids;
  }

  toggle(id: number): void {
    this.set(id, !this.ids.peek().has(id));
  }
}

/** Threads whose answers are shown, by their first message. */
export const threads = new Open();
/** Long bodies that are shown whole. */
export const bodies = new Open();
/** Messages whose times are shown. */
export const times = new Open();
