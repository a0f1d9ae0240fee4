import { containers } from '../features/containers';
import { addressOf, lineOf, messages, writeTo } from '../features/messages';
import { press } from '../ui/keys';
import { go } from '../ui/link';
import type { CommandSource } from '../ui/registry';

/** How many of the latest messages are found by their words. */
const LATEST = 100;

/** Writing to an agent, and messages by number or words. */
export const source: CommandSource = {
  order: 40,
  entries: (typed) => {
    const text = typed.trim();
    const number = /^#?([1-9]\d{0,15})$/.exec(text)?.[1];
    return [
      {
        id: 'write',
        title: 'Write a message',
        words: 'compose new send tell',
        group: 'messages',
        key: 'write',
        run: () => press('write'),
      },
      {
        id: 'inbox',
        title: 'Unread messages to you',
        group: 'messages',
        run: () => go('/messages?to=operator&state=unread'),
      },
      { id: 'parked', title: 'Parked messages', group: 'messages', run: () => go('/messages?state=parked') },
      ...(text === ''
        ? []
        : [
            {
              id: 'search messages',
              title: `Search the messages for ${text}`,
              group: 'messages',
              found: true as const,
              run: () => go(`/messages?q=${encodeURIComponent(text)}`),
            },
          ]),
      ...(number === undefined
        ? []
        : [
            {
              id: `message ${number}`,
              title: `Message #${number}`,
              group: 'messages',
              run: () => go(addressOf(Number(number))),
            },
          ]),
      ...containers.names.value.map((name) => ({
        id: `write ${name}`,
        title: `Write to @${name}`,
        group: 'messages',
        run: () => writeTo(name),
      })),
      ...(text === ''
        ? []
        : messages.flow.value.rows
            .slice(-LATEST)
            .toReversed()
            .map(({ message }) => ({
              id: `message ${message.id}`,
              title: `#${message.id} ${message.from} → ${message.to}: ${lineOf(message)}`,
              group: 'message',
              found: true as const,
              run: () => go(addressOf(message.id)),
            }))),
    ];
  },
};
