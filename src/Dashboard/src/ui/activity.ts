import type { Activity, Agent, Transient } from '../api/types';

/** The host's word for what an agent does; work on its container that is in progress comes first. */
export function activityOf(agent: Agent, transient?: Transient): Activity {
  if (transient !== undefined) return { state: transient.kind, since_at: transient.since_at };
  // Without an activity the row is of a host before this page's.
  return agent.activity ?? { state: agent.failed ? 'failed' : agent.running ? 'idle' : 'stopped', since_at: '' };
}

export interface Look {
  glyph: string;
  tone: 'bad' | 'info' | 'waiting' | 'faint' | 'warn' | 'good' | 'peer' | 'plain';
  /** Something is under way: a spinner stands in place of the glyph. */
  spins?: boolean;
}

const LOOKS: Readonly<Record<string, Look>> = {
  failed: { glyph: '✗', tone: 'bad' },
  'needs login': { glyph: '⚠', tone: 'waiting' },
  stopped: { glyph: '○', tone: 'faint' },
  'not connected': { glyph: '○', tone: 'faint' },
  'no driver': { glyph: '⚠', tone: 'waiting' },
  paused: { glyph: '‖', tone: 'faint' },
  'rate limited': { glyph: '◷', tone: 'warn' },
  compacting: { glyph: '◐', tone: 'info' },
  working: { glyph: '◉', tone: 'good' },
  'waits for you': { glyph: '◇', tone: 'waiting' },
  idle: { glyph: '●', tone: 'plain' },
};

/** Glyph and colour of a state; any other word is work on the container. */
export const lookOf = (state: string): Look =>
  LOOKS[state] ??
  (state.startsWith('waits for ') ? { glyph: '◇', tone: 'peer' } : { glyph: '↻', tone: 'info', spins: true });

/** The states in groups, which the roster and the overview count. */
export const GROUPS = ['failed', 'waits', 'working', 'held', 'idle', 'down'] as const;

export type Group = (typeof GROUPS)[number];

const GROUP_OF: Readonly<Record<string, Group>> = {
  failed: 'failed',
  'needs login': 'waits',
  'no driver': 'waits',
  paused: 'held',
  'rate limited': 'held',
  idle: 'idle',
  stopped: 'down',
  'not connected': 'down',
};

export const groupOf = (state: string): Group =>
  GROUP_OF[state] ?? (state.startsWith('waits for ') ? 'waits' : 'working');
