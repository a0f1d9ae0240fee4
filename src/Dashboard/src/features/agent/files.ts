import type { Message, Question } from '../../api/types';

/** A file, and what names it. */
export interface Named {
  path: string;
  by: string;
}

/** The files that an agent's messages and questions name, the latest first, each once. */
export function filesOf(name: string, messages: readonly Message[], questions: readonly Question[]): Named[] {
  const own = `/agents/${name}/`;
  const named: (Named & { at: string })[] = [
    ...messages.flatMap(({ id, from, to, sent_at, file_refs }) =>
      file_refs
        .filter((path) => from === name || to === name || path.startsWith(own))
        .map((path) => ({ path, by: `message ${id} from ${from}`, at: sent_at })),
    ),
    ...questions.flatMap(({ id, asker, target, asked_at, question_refs, answer_refs }) =>
      [...question_refs, ...(answer_refs ?? [])]
        .filter((path) => asker === name || target === name || path.startsWith(own))
        .map((path) => ({ path, by: `question ${id} of ${asker}`, at: asked_at })),
    ),
  ];
  const latest = new Map<string, Named>();
  for (const { path, by } of named.toSorted((a, b) => b.at.localeCompare(a.at)))
    if (!latest.has(path)) latest.set(path, { path, by });
  return [...latest.values()];
}
