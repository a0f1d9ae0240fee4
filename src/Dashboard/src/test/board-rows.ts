import type { BoardColumn, Phase, Task, TicketCard, WorkflowView } from '../api/types';

const AT = '2026-05-01T12:00:00.000Z';

/** An instant some seconds after the first one of a test. */
export const later = (seconds: number): string => new Date(Date.parse(AT) + seconds * 1000).toISOString();

export const card = (id: number, rest: Partial<TicketCard> = {}): TicketCard => ({
  id,
  title: `ticket ${id}`,
  workflow: 'ship',
  phase_id: 'PHASE_BACKLOG',
  status: 'backlog',
  priority: 'MEDIUM',
  gate: 'open',
  held: false,
  tasks: { open: 0, running: 0, done: 0, failed: 0 },
  agents: [],
  labels: [],
  rank: id,
  created_at: AT,
  updated_at: AT,
  entered_at: AT,
  ...rest,
});

export const column = (id: string, phases: string[], rest: Partial<BoardColumn> = {}): BoardColumn => ({
  workflow: 'ship',
  id,
  name: id[0]?.toUpperCase() + id.slice(1),
  phase_mapping: phases,
  count: 0,
  blocked: 0,
  waiting: 0,
  terminal: false,
  pull: 'auto',
  ...rest,
});

export const task = (id: number, rest: Partial<Task> = {}): Task => ({
  id,
  ticket: 1,
  phase_id: 'PHASE_BACKLOG',
  kind: 'work',
  task_type: 'implement_feature',
  title: `task ${id}`,
  priority: 'MEDIUM',
  status: 'pending',
  holds: [],
  capabilities: [],
  depends_on: [],
  deps: { total: 0, done: 0, dead: 0 },
  retry_count: 0,
  max_retries: 3,
  faults: 0,
  iteration: 0,
  timeout_seconds: 3600,
  created_by: 'system',
  created_at: AT,
  ...rest,
});

const phase = (id: string, name: string, allowed_transitions: string[], terminal = false): Phase => ({
  id,
  name,
  status: terminal ? 'done' : 'building',
  allowed_transitions,
  terminal,
  done_definitions: [],
  expected_outputs: [],
  next_steps_guide: [],
  tasks: [],
});

export const workflow = (name = 'ship'): WorkflowView => ({
  name,
  version: 1,
  is_default: name === 'ship',
  loaded_by: 'operator',
  loaded_at: AT,
  spec: {
    name,
    has_result: false,
    on_result_found: 'stop_all',
    phases: [
      phase('PHASE_BACKLOG', 'Backlog', ['PHASE_BUILD']),
      phase('PHASE_BUILD', 'Building', ['PHASE_TEST', 'PHASE_BACKLOG']),
      phase('PHASE_TEST', 'Testing', ['PHASE_DONE', 'PHASE_BUILD']),
      phase('PHASE_DONE', 'Done', [], true),
    ],
    board_columns: [
      { id: 'backlog', name: 'Backlog', phase_mapping: ['PHASE_BACKLOG'], pull: 'auto', terminal: false },
      { id: 'building', name: 'Building', phase_mapping: ['PHASE_BUILD'], pull: 'auto', terminal: false },
      { id: 'testing', name: 'Testing', phase_mapping: ['PHASE_TEST'], pull: 'auto', terminal: false },
      { id: 'done', name: 'Done', phase_mapping: ['PHASE_DONE'], pull: 'auto', terminal: true },
    ],
  },
});

export const columns = (): BoardColumn[] => [
  column('backlog', ['PHASE_BACKLOG']),
  column('building', ['PHASE_BUILD'], { wip_limit: 2 }),
  column('testing', ['PHASE_TEST'], { pull: 'manual' }),
  column('done', ['PHASE_DONE'], { terminal: true }),
];
