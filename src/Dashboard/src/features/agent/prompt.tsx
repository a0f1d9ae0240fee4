import { useRef, useState } from 'preact/hooks';
import { api } from '../../api/client';
import { useDraft } from '../../ui/draft';
import { useSending } from '../../ui/sending';
import { WritingBox } from '../../ui/writing';
import { COMMANDS, type Command, commandsFor, control, readLine } from './commands';

/** Sends a message to the agent, or a command to its harness. */
export function Prompt({ name }: { name: string }) {
  const box = useRef<HTMLTextAreaElement>(null);
  const [text, keep] = useDraft(`agent.${name}`);
  const [done, setDone] = useState<string | null>(null);
  const [help, setHelp] = useState(false);
  const [options, setOptions] = useState<readonly Command[]>([]);
  const sending = useSending();

  const send = () => {
    const line = readLine(text);
    setDone(null);
    setHelp(line.kind === 'help');
    if (line.kind === 'help') {
      sending.setError(null);
      keep('');
      return;
    }
    void sending.send(line.kind === 'fault' ? line.words : null, async () => {
      try {
        if (line.kind === 'message') {
          await api.POST('/api/messages/send', { body: { to: name, body: line.body } });
          setDone(`Sent to ${name}.`);
        } else if (line.kind === 'control') {
          await control(name, line);
          setDone(line.done);
        }
        // Text that was typed in the meantime stays.
        if (box.current === null || box.current.value === text) keep('');
      } finally {
        box.current?.focus();
      }
    });
  };
  return (
    <WritingBox
      id="agent-prompt"
      box={box}
      to={
        <label class="prompt" for="agent-prompt">
          @{name}&gt;
        </label>
      }
      label={`Message to ${name}, or a command`}
      placeholder="write a message · / for commands"
      help="enter sends · shift+enter adds a line · /help lists the commands"
      text={text}
      onText={(typed) => {
        keep(typed);
        setDone(null);
      }}
      offers={{
        id: 'commands',
        label: 'Commands',
        shown: options.map((command) => ({ ...command, shown: written(command), hint: command.plain })),
        onCaret: (typed, caret) => setOptions(commandsFor(typed, caret)),
        take: ({ name: command, takes }) => keep(`/${command}${takes === '' ? '' : ' '}`),
        leave: () => setOptions([]),
      }}
      sending={sending}
      done={done}
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
    </WritingBox>
  );
}

const written = ({ name, takes }: Command): string => `/${name} ${takes}`;
