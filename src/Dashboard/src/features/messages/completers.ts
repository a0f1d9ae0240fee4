import { matching } from '../../ui/complete';
import type { Completer, Offer } from '../../ui/completer';
import { drafts } from '../../ui/draft';
import { containers } from '../containers';
import { toOf } from './recipient';
import { messages } from './store';
import { wordsOf } from './text';

/** How many of the latest messages are offered at most. */
const LATEST = 200;

/** An agent's state, and whether a text to it was begun. */
function stateOf(name: string): string {
  const agent = containers.agents.value.get(name);
  const parts = [
    agent?.role === 'manager' ? 'manager' : '',
    agent?.activity?.state ?? '',
    drafts.has(toOf(name)) ? '✎ draft' : '',
  ];
  return parts.filter((part) => part !== '').join(' · ');
}

const agentOffers = (word: string): Offer[] =>
  matching(word.slice(1), [...containers.names.value].sort(), (name) => name).map((name) => ({
    name: `@${name}`,
    shown: `@${name}`,
    hint: stateOf(name),
  }));

/** The first word of a message to anybody: its recipient, every agent last. */
export const recipients: Completer = {
  label: 'Recipients',
  begins: /^@[a-z0-9*-]*$/i,
  first: true,
  offers: (word) => [
    ...agentOffers(word),
    ...(word === '@' || word === '@*' ? [{ name: '@*', shown: '@*', hint: 'every agent' }] : []),
  ],
};

/** Agents, by name and state. */
export const agents: Completer = { label: 'Agents', begins: /^@[a-z0-9-]*$/i, offers: agentOffers };

const MESSAGE = /^#[^\s]*$/;
/** The number of a message, or of anything else. */
const NUMBER = /^#\d+$/;

/** The latest messages, by number or by words. */
export const numbered: Completer = {
  label: 'Messages',
  begins: MESSAGE,
  whole: (word) => NUMBER.test(word),
  offers: (word) =>
    matching(
      word.slice(1),
      messages.flow.value.rows.slice(-LATEST).toReversed(),
      ({ message }) => `${message.id} ${message.from} ${wordsOf(message)}`,
    ).map(({ message }) => ({
      name: `#${message.id}`,
      shown: `#${message.id}`,
      hint: `${message.from} → ${message.to}: ${wordsOf(message)}`,
    })),
};

/** Files that messages name. */
export const files: Completer = {
  label: 'Files',
  begins: /^\/(agents|shared)\//,
  offers: (word) => {
    const known = new Set(
      [...messages.flow.value.rows.map(({ message }) => message), ...messages.inbox.value].flatMap(
        ({ file_refs }) => file_refs,
      ),
    );
    return matching(word, [...known].sort(), (path) => path).map((path) => ({ name: path, shown: path, hint: '' }));
  },
};
