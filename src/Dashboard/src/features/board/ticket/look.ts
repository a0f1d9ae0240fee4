import type { Criterion, Gate, Task } from '../../../api/types';
import type { Look } from '../../../ui/activity';
import { isEnded } from '../store';

/** Glyph, colour and word of a task's state. */
export function lookOf(task: Pick<Task, 'status' | 'holds'>): Look & { word: string } {
  const { status, holds } = task;
  switch (status) {
    case 'completed':
      return { glyph: '✓', tone: 'good', word: 'completed' };
    case 'failed':
      return { glyph: '✗', tone: 'bad', word: 'failed' };
    case 'cancelled':
      return { glyph: '⊘', tone: 'faint', word: 'cancelled' };
    case 'running':
      return { glyph: '◉', tone: 'good', word: 'running' };
    case 'assigned':
      return { glyph: '◎', tone: 'info', word: 'assigned' };
    case 'reviewing':
      return { glyph: '◇', tone: 'peer', word: 'reviewing' };
  }
  if (status !== 'pending') return { glyph: '·', tone: 'plain', word: status };
  if (holds.length === 0) return { glyph: '●', tone: 'plain', word: 'ready' };
  const words = holds.map(({ hold }) => hold);
  if (words.includes('failed_dependency')) return { glyph: '⊘', tone: 'bad', word: 'held' };
  if (words.includes('operator')) return { glyph: '‖', tone: 'faint', word: 'held by you' };
  if (words.includes('retry')) return { glyph: '↻', tone: 'warn', word: 'tried again later' };
  return { glyph: '○', tone: 'faint', word: 'waits' };
}

const CRITERIA: Readonly<Record<string, { glyph: string; tone: string; words: string }>> = {
  met: { glyph: '✓', tone: 'good', words: 'met' },
  unmet: { glyph: '✗', tone: 'bad', words: 'not met' },
  waiting: { glyph: '◷', tone: 'info', words: 'waits' },
};

/** Glyph, colour and words of a state of a criterion or a review. */
export const stateLook = (state: string) => CRITERIA[state] ?? { glyph: '·', tone: 'plain', words: state };

/** The kinds of criteria that are met by what tasks hand in. */
const HANDED_IN: readonly string[] = ['artifact', 'metric'];

/** The look of a criterion. While tasks of the phase are open, an artifact or a metric that is missing is "not yet"
 * rather than "not met": one of them may still hand it in. */
export function criterionLook(
  { kind, state }: Pick<Criterion, 'kind' | 'state'>,
  gate: Pick<Gate, 'phase_id' | 'gate_status'>,
  tasks: readonly Task[],
) {
  const isDue = () =>
    gate.gate_status === 'failed' ||
    !tasks.some((task) => task.phase_id === gate.phase_id && task.kind !== 'review' && !isEnded(task));
  if (state === 'unmet' && HANDED_IN.includes(kind) && !isDue()) return { glyph: '○', tone: 'faint', words: 'not yet' };
  // A criterion that waits for the operator has a colour of its own.
  const look = stateLook(state);
  return state === 'waiting' && kind === 'operator' ? { ...look, tone: 'waiting', words: 'waits for you' } : look;
}

/** The reasons of a task's holds, in one line. */
export const holdsText = ({ holds }: Pick<Task, 'holds'>): string => holds.map(({ reason }) => reason).join(' · ');

/** A task in one sentence, as a screen reader says it. */
export const spokenTask = (task: Task): string =>
  [
    `task ${task.id}: ${task.title}`,
    lookOf(task).word,
    ...(task.agent == null ? [] : [task.agent]),
    ...(task.holds.length === 0 ? [] : [holdsText(task)]),
  ].join(', ');
