/** What the page shows: the swarm, one agent, or the figures of all. */
export type View = { kind: 'swarm' } | { kind: 'agent'; name: string } | { kind: 'stats' };

/** The view that an address means. The host serves the page for no other. */
export function viewAt(path: string): View {
  if (/^\/stats\/?$/.test(path)) return { kind: 'stats' };
  const name = /^\/agents\/([a-z][a-z0-9-]*)\/?$/.exec(path)?.[1];
  return name === undefined ? { kind: 'swarm' } : { kind: 'agent', name };
}

export function pathOf(view: View): string {
  return view.kind === 'stats' ? '/stats' : view.kind === 'agent' ? `/agents/${view.name}` : '/';
}
