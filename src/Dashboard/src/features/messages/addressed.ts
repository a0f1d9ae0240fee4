/** A leading `@name` (or `@*`) and the text behind it. */
export interface Addressed {
  to: string;
  body: string;
}

/** Reads `@name body`; null when the text does not begin with a name, and with an empty body when nothing follows. */
export function addressed(text: string): Addressed | null {
  const match = /^\s*@(\*|[a-z][a-z0-9-]*)(?:[ \t\n]+([\s\S]*))?$/.exec(text);
  return match?.[1] === undefined ? null : { to: match[1], body: match[2] ?? '' };
}

/** The typed part of a name after an `@` at the start, while the caret is in it; else null. */
export function nameBeingTyped(text: string, caret: number): string | null {
  return /^\s*@([a-z0-9*-]*)$/i.exec(text.slice(0, caret))?.[1]?.toLowerCase() ?? null;
}

/**
 * The recipients that match the typed text: those that begin with it, then those that contain it; everyone (`*`) last.
 */
export function completions(typed: string, names: readonly string[]): string[] {
  const sorted = [...names].sort();
  const begins = sorted.filter((name) => name.startsWith(typed));
  const contains = typed === '' ? [] : sorted.filter((name) => !name.startsWith(typed) && name.includes(typed));
  const everyone = typed === '' || typed === '*' ? ['*'] : [];
  return [...begins, ...contains, ...everyone];
}
