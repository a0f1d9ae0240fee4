import type { FlowRow } from './message-log';

/** A row of the list: a message alone, the first of a thread, or an answer in a thread that is unfolded. */
export interface ListRow {
  key: string;
  row: FlowRow;
  /** How many answers the thread has here; on its first message only. */
  answers: number;
  /** The thread's latest message, where that is not the first. */
  latest: FlowRow | null;
  /** An answer below the first message of its thread. */
  below: boolean;
}

const single = (row: FlowRow): ListRow => ({
  key: String(row.message.id),
  row,
  answers: 0,
  latest: null,
  below: false,
});

/** Each message in a row of its own. */
export const flat = (rows: readonly FlowRow[]): ListRow[] => rows.map(single);

/**
 * Messages with their answers folded under the first one of a thread. A thread stands where its latest message does, so
 * that nothing new is hidden further up. <open>: threads that are unfolded, by the id of their first message.
 */
export function threaded(rows: readonly FlowRow[], open: ReadonlySet<number>): ListRow[] {
  const roots = new Map<number, number>();
  for (const { message } of rows) {
    const parent = message.in_reply_to ?? null;
    // An answer has a higher id than what it answers, so that its root is known by now, or is not here.
    roots.set(message.id, parent === null ? message.id : (roots.get(parent) ?? message.id));
  }
  const threads = new Map<number, FlowRow[]>();
  for (const row of rows) {
    const root = roots.get(row.message.id) ?? row.message.id;
    const thread = threads.get(root);
    if (thread === undefined) threads.set(root, [row]);
    else {
      thread.push(row);
      // The thread moves to the place of its latest message.
      threads.delete(root);
      threads.set(root, thread);
    }
  }
  return [...threads].flatMap(([root, [first, ...answers]]) => {
    if (first === undefined) return [];
    const latest = answers.at(-1) ?? null;
    const head = { ...single(first), answers: answers.length, latest };
    return open.has(root) ? [head, ...answers.map((row) => ({ ...single(row), below: true }))] : [head];
  });
}
