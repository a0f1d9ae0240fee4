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
