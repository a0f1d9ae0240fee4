import { useState } from 'preact/hooks';
import type { Completer } from '../../ui/completer';
import { AS_FILE, bodyFault } from '../../ui/text/bytes';
import { Writing } from '../../ui/writing';
import { send as sendMessage, toOf } from '../messages';
import { COMMANDS, type Command, commandsFor, control, readLine } from './commands';

const written = ({ name, takes }: Command): string => `/${name}${takes === '' ? '' : ` ${takes}`}`;

/** Completes the commands of an agent's box. */
const commands: Completer = {
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

/** Sends a message to the agent, or a command to its harness. */
export function Prompt({ name }: { name: string }) {
  const [help, setHelp] = useState(false);
  const send = async (body: string, text: string): Promise<string | null> => {
    const line = readLine(text);
    setHelp(line.kind === 'help');
    if (line.kind === 'message') {
      await sendMessage({ to: name, body });
      return `Sent to ${name}.`;
    }
    if (line.kind !== 'control') return null;
    await control(name, line);
    return line.done;
  };
  return (
    <Writing
      target={toOf(name)}
      label={`Message to ${name}, or a command`}
      placeholder="write a message · / for commands"
      to={<span class="prompt">@{name}&gt;</span>}
      send={{ label: 'T4LK', plain: `Send to ${name}` }}
      bodyOf={(text) => {
        const line = readLine(text);
        return line.kind === 'message' ? line.body : text;
      }}
      reader={() => name}
      faultOf={(text) => {
        const line = readLine(text);
        if (line.kind === 'message') return bodyFault(line.body, 'a message', AS_FILE);
        return line.kind === 'fault' ? line.words : null;
      }}
      completers={[commands]}
      onSend={send}
    >
      {help ? (
        <div class="commands" role="status">
          <dl>
            {COMMANDS.map((command) => (
              <div key={command.name}>
                <dt>{written(command)}</dt>
                <dd>{command.plain}</dd>
              </div>
            ))}
          </dl>
          <button type="button" class="plain" aria-label="Close the list of commands" onClick={() => setHelp(false)}>
            ✗
          </button>
        </div>
      ) : null}
    </Writing>
  );
}
