import type { Task } from '../../../api/types';
import type { Look } from '../../../ui/activity';

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
