import { createContext } from 'preact';
import { useContext } from 'preact/hooks';
import type { AgentLive } from './store';

/** The agent of the place, followed live: its head and its tabs share one stream. */
export const It = createContext<AgentLive | null>(null);

export function useIt(): AgentLive {
  const it = useContext(It);
  if (it === null) throw new Error('a tab of an agent outside of its place');
  return it;
}
