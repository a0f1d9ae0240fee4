import type { Message } from '../../api/types';
import { type Action, perform } from '../../ui/action';
import type { Completer } from '../../ui/completer';
import type { WithText } from '../../ui/registry';
import { AS_FILE, bodyFault } from '../../ui/text/bytes';
import { tell } from '../../ui/told';
import { cancelTurn } from '../containers';
import { COMMANDS, type Command, commandsFor, control, readLine } from './commands';
import { replied, toOf } from './recipient';
import { send, sending } from './send';
import { wordsOf } from './text';

const written = ({ name, takes }: Command): string => `/${name}${takes === '' ? '' : ` ${takes}`}`;

/** Completes the commands for an agent's harness. */
export const commands: Completer = {
  label: 'Commands',
  begins: /^\/[a-z-]*$/,
  first: true,
  offers: (word) =>
    commandsFor(word, word.length).map((command) => ({
      name: `/${command.name}`,
      shown: written(command),
      hint: command.plain,
    })),
};

/** The message of a line to an agent; a command as it is written. */
export function bodyOfLine(text: string): string {
  const line = readLine(text);
  return line.kind === 'message' ? line.body : text;
}

/** The reason why a line to an agent cannot be sent. */
export function faultOfLine(text: string, asFile = false): string | null {
  const line = readLine(text);
  if (line.kind === 'message') return bodyFault(line.body, 'a message', AS_FILE, asFile);
  return line.kind === 'fault' ? line.words : null;
}

/**
 * Sends a line to an agent: its message, as a reply where there is one to reply to, or its command to the harness.
 * Returns what is said then; false where the operator has thought better of it.
 */
export async function sendLine(
  to: string,
  text: string,
  body: string,
  reply: Message | null,
): Promise<string | null | false> {
  const line = readLine(text);
  if (line.kind === 'cancel') return (await perform(cancelTurn(to))) ? 'The turn is being cancelled.' : false;
  if (line.kind === 'control') {
    await control(to, line);
    return line.done;
  }
  if (line.kind === 'fault') throw new Error(line.words);
  if (line.kind !== 'message') return null;
  await send({ to, body, ...(reply === null ? {} : { in_reply_to: reply.id }) });
  if (replied.peek() === reply) replied.value = null;
  return `Sent to ${to}.`;
}

/** Sends a text to an agent, or to every agent, as the boxes do: a line to an agent may be a command. */
export function sendTo(name: string, body: string, text = body): Action {
  // It asks first.
  if (name !== '*' && readLine(text).kind === 'cancel') return cancelTurn(name);
  return {
    // Another text is another message.
    id: `send ${body}`,
    label: 'T4LK',
    of: name === '*' ? `to every agent: ${body.slice(0, 80)}` : `to ${name}`,
    ...(name === '*' ? { hold: true } : {}),
    run:
      name === '*'
        ? sending({ to: '*', body })
        : async () => {
            const said = await sendLine(name, text, body, null);
            if (typeof said === 'string') tell(said);
          },
  };
}

/** A text to an agent, or to every agent, where it is asked for: the same draft as in its box. */
export const textTo = (name: string): WithText => ({
  id: 'send',
  label: 'T4LK',
  of: `to ${name === '*' ? 'every agent' : name}`,
  target: toOf(name),
  placeholder: 'write a message',
  what: 'a message',
  reader: name,
  ...(name === '*'
    ? {}
    : {
        bodyOf: bodyOfLine,
        faultOf: (text: string) => {
          const line = readLine(text);
          if (line.kind === 'help') return `The commands are ${COMMANDS.map(written).join(', ')}.`;
          return line.kind === 'fault' ? line.words : null;
        },
      }),
  action: (body, text) => sendTo(name, body, text),
});

export const asksForHelp = (text: string): boolean => readLine(text).kind === 'help';

/** The list of commands. */
export function Help({ onClose }: { onClose: () => void }) {
  return (
    <div class="commands" role="status">
      <dl>
        {COMMANDS.map((command) => (
          <div key={command.name}>
            <dt>{written(command)}</dt>
            <dd>{command.plain}</dd>
          </div>
        ))}
      </dl>
      <button type="button" class="plain" aria-label="Close the list of commands" onClick={onClose}>
        ✗
      </button>
    </div>
  );
}

/** The message that is replied to. */
export function Replied({ reply, onDrop }: { reply: Message; onDrop: () => void }) {
  return (
    <p class="replied">
      <span aria-hidden="true">↩ </span>
      <span class="replied-words">
        answers #{reply.id} of <bdi>{reply.from}</bdi>: <bdi>{wordsOf(reply)}</bdi>
      </span>
      <button
        type="button"
        class="plain"
        aria-label={`Do not answer message ${reply.id}: write a new one`}
        onClick={() => {
          replied.value = null;
          onDrop();
        }}
      >
        ✗
      </button>
    </p>
  );
}
