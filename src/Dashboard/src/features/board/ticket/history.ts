import type { TicketHistoryEntry } from '../../../api/types';
import { blockWords } from '../deeds';

/** The actor of an entry, as the page names it. */
const whoOf = (actor: string): string => (actor === 'operator' ? 'you' : actor === 'system' ? 'Hive' : actor);

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
      return 'judged its gate';
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

/** Why it happened, in words; a block's reason begins with its type. */
export const reasonOf = ({ kind, reason }: TicketHistoryEntry): string =>
  kind === 'blocked'
    ? (reason ?? '').replace(/^([a-z_]+): ?/, (_, type: string) => `${blockWords(type)}: `).replace(/: $/, '')
    : (reason ?? '');
