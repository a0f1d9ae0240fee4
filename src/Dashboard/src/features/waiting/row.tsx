import type { Waiting } from '../../api/types';
import { Age, Clock, Until, useTimed } from '../../ui/clock';
import { DraftMark } from '../../ui/draft-mark';
import { waitingKind } from '../../ui/registry';
import { waiting } from './store';

/** Below this time left, a deadline is shown as alarming. */
const ALARM_MS = 10 * 60_000;

const MARKS: Record<string, { glyph: string; words: string }> = {
  now: { glyph: '!', words: 'urgent' },
  soon: { glyph: '·', words: 'soon' },
  fyi: { glyph: '', words: 'to know' },
};

export const kindName = ({ kind }: Waiting): string => waitingKind(kind)?.name ?? kind.replaceAll('_', ' ');

/** A row as a screen reader says it. */
export const spoken = (row: Waiting): string =>
  `${MARKS[row.urgency]?.words ?? row.urgency}, ${kindName(row)}${row.agent == null ? '' : ` of ${row.agent}`}: ${row.title}`;

/** How urgent it is, in one character. */
export function Mark({ row: { urgency } }: { row: Waiting }) {
  return (
    <span class={`mark ${urgency}`} aria-hidden="true">
      {MARKS[urgency]?.glyph ?? '?'}
    </span>
  );
}

/** The time that matters: until it is decided by itself, until it is back, or since when it waits. */
export function When({ row: { deadline_at, snoozed_until_at, since_at } }: { row: Waiting }) {
  const isNear = useTimed(
    (now) => deadline_at != null && Date.parse(deadline_at) - now < ALARM_MS,
    deadline_at ?? null,
  );
  if (snoozed_until_at != null)
    return (
      <span class="when">
        ◷ <Clock at={snoozed_until_at} />
      </span>
    );
  if (deadline_at != null)
    return (
      <span class={`when ${isNear ? 'bad' : ''}`}>
        ◷ <Until at={deadline_at} ahead={(left) => left} past={() => 'expires'} />
      </span>
    );
  return (
    <span class="when">
      <Age at={since_at} />
    </span>
  );
}

/** The number of things that wait, as the title and the command line have it. */
export function WaitingCount() {
  const count = waiting.count.value;
  return count === 0 ? null : (
    <span class="amber n">
      {count}
      <span class="hidden"> waiting</span>
    </span>
  );
}

/** Kinds of the host itself, which the place of the system tells more of. */
const OF_SYSTEM: readonly string[] = ['doctor', 'disk', 'trouble', 'forge_behind'];

/** Whether something of the host itself waits. */
export const systemWaits = (rows: readonly Waiting[]): boolean => rows.some(({ kind }) => OF_SYSTEM.includes(kind));

/** Marks the place of the system while something of the host itself waits. */
export function SystemMark() {
  return systemWaits(waiting.shown.value) ? (
    <span class="amber">
      <span aria-hidden="true">!</span>
      <span class="hidden"> needs attention</span>
    </span>
  ) : null;
}

/** A waiting thing in the list: who, what, when, and its title. */
export function WaitingRow({ row, held }: { row: Waiting; held: boolean }) {
  const draft = waitingKind(row.kind)?.draft?.(row);
  return (
    <div class={`waiting-row ${row.urgency} ${held ? 'held' : ''}`}>
      <Mark row={row} />
      <span class="waiting-who mono">
        <bdi>{row.agent ?? 'hive'}</bdi>
      </span>
      <span class="waiting-kind">
        {kindName(row)} {draft === undefined ? null : <DraftMark target={draft} />}
      </span>
      {held ? <span class="when">held</span> : <When row={row} />}
      <span class="waiting-title">
        <bdi>{row.title}</bdi>
      </span>
    </div>
  );
}
