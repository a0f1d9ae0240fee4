/** The agent that a path names; null for a path of another place. */
export const agentIn = (path: string): string | null => /^\/agents\/([a-z][a-z0-9-]*)$/.exec(path)?.[1] ?? null;
