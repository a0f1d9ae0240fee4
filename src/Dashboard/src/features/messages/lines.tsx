import type { Message } from '../../api/types';
import type { Completer } from '../../ui/completer';
import { AS_FILE, bodyFault } from '../../ui/text/bytes';
import { COMMANDS, type Command, commandsFor, control, readLine } from './commands';
import { replied } from './recipient';
import { send } from './send';
import { plainly, toldBy } from './told';

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
export function faultOfLine(text: string): string | null {
  const line = readLine(text);
  if (line.kind === 'message') return bodyFault(line.body, 'a message', AS_FILE);
  return line.kind === 'fault' ? line.words : null;
}

/**
 * Sends a line to an agent: its message, as a reply where there is one to reply to, or its command to the harness.
 * Returns what is said then.
 */
export async function sendLine(to: string, text: string, body: string, reply: Message | null): Promise<string | null> {
  const line = readLine(text);
  if (line.kind === 'control') {
    await control(to, line);
    return line.done;
  }
  if (line.kind !== 'message') return null;
  await send({ to, body, ...(reply === null ? {} : { in_reply_to: reply.id }) });
  if (replied.peek() === reply) replied.value = null;
  return `Sent to ${to}.`;
}

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
        answers #{reply.id} of <bdi>{reply.from}</bdi>:{' '}
        <bdi>{plainly(toldBy(reply.from, reply.body) ?? [{ said: reply.body }])}</bdi>
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
