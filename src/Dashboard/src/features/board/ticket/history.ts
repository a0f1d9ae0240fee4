import type { Task, TicketHistoryEntry } from '../../../api/types';
import { blockWords } from '../deeds';

/** The actor of an entry, as the page names it. */
const whoOf = (actor: string): string => (actor === 'operator' ? 'you' : actor === 'system' ? 'Hive' : actor);

const VERDICT = /^(passed|failed)(?:: |$)/;

/** What became of a gate; null for another entry, or one that says another thing of a gate. */
function verdictOf({ kind, reason }: TicketHistoryEntry): 'passes' | 'fails' | null {
  const verdict = kind === 'gate' ? VERDICT.exec(reason ?? '')?.[1] : undefined;
  return verdict === undefined ? null : verdict === 'passed' ? 'passes' : 'fails';
}

/** An entry's event without its actor and its time; <name> gives a phase its name. */
export function happened(entry: TicketHistoryEntry, name: (phase: string) => string): string {
  const { kind, from_phase: from, to_phase: to } = entry;
  const way = [...(from == null ? [] : [`from ${name(from)}`]), ...(to == null ? [] : [`to ${name(to)}`])].join(' ');
  switch (kind) {
    case 'created':
      return to == null ? 'made it' : `made it in ${name(to)}`;
    case 'moved':
      return `moved it ${way}`;
    case 'advanced':
      return `let it on ${way}`;
    case 'regressed':
      return `sent it back ${way}`;
    case 'forced':
      return `forced it ${way}`;
    case 'waiting':
      return to == null ? 'waits for room' : `waits for room in ${name(to)}`;
    case 'comment':
      return 'wrote';
    case 'gate':
      return verdictOf(entry) === null ? 'judged its gate' : `found that its gate ${verdictOf(entry)}`;
    case 'held':
      return 'held it';
    case 'linked':
    case 'unlinked':
    case 'approved':
    case 'rejected':
    case 'blocked':
    case 'unblocked':
    case 'released':
    case 'changed':
      return `${kind} it`;
    default:
      return kind.replaceAll('_', ' ');
  }
}

/** The kinds whose subject is the ticket itself, for every actor. */
const OWN: readonly string[] = ['waiting'];

/** An entry in one sentence. */
export const sentenceOf = (entry: TicketHistoryEntry, name: (phase: string) => string): string =>
  `${OWN.includes(entry.kind) ? 'it' : whoOf(entry.actor)} ${happened(entry, name)}`;

/** Why it happened, in words; a block's reason begins with its type, a gate's with its verdict. */
export function reasonOf(entry: TicketHistoryEntry): string {
  const { kind, reason } = entry;
  if (kind === 'blocked')
    return (reason ?? '').replace(/^([a-z_]+): ?/, (_, type: string) => `${blockWords(type)}: `).replace(/: $/, '');
  return verdictOf(entry) === null ? (reason ?? '') : (reason ?? '').replace(VERDICT, '');
}

/** The rework that a failed gate made: what came before it failed the next time. */
export function reworkOf(
  entry: TicketHistoryEntry,
  entries: readonly TicketHistoryEntry[],
  tasks: readonly Task[],
): readonly Task[] {
  if (verdictOf(entry) !== 'fails') return [];
  const next = entries
    .filter((other) => verdictOf(other) === 'fails' && other.id > entry.id)
    .map(({ at }) => at)
    .toSorted()[0];
  return tasks.filter(
    ({ task_type, created_at }) =>
      task_type === 'rework' && created_at >= entry.at && (next === undefined || created_at < next),
  );
}
