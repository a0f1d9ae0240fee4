import { useEffect, useRef, useState } from 'preact/hooks';
import { api } from '../../api/client';
import { useSending } from '../../ui/sending';
import { bodyFault } from '../../ui/text/bytes';
import { WritingBox } from '../../ui/writing';
import { containers } from '../containers';
import { addressed, completions, nameBeingTyped } from './addressed';
import { address, backToSticky, draft, keepDraft, recipient, wantsFocus } from './recipient';

export function Compose() {
  const box = useRef<HTMLTextAreaElement>(null);
  const [typed, setTyped] = useState<string | null>(null);
  const sending = useSending();

  const text = draft.value;
  const redirect = addressed(text);
  const body = redirect === null ? text : redirect.body;
  const options = typed === null ? [] : completions(typed, containers.names.value);
  const target = redirect?.to ?? recipient.value;
  // While names are offered, the prompt does not follow every letter; the message goes to the typed name.
  const to = options.length > 0 ? recipient.value : target;

  useEffect(() => {
    if (wantsFocus.value > 0) box.current?.focus();
  }, [wantsFocus.value]);

  const send = () =>
    void sending.send(bodyFault(body), async () => {
      try {
        await api.POST('/api/messages/send', { body: { to: target, body } });
        if (target === '*') backToSticky();
        else address(target);
        // Text that was typed in the meantime stays.
        if (draft.peek() === text) keepDraft('');
      } finally {
        box.current?.focus();
      }
    });
  return (
    <WritingBox
      id="compose-box"
      box={box}
      to={
        <button
          type="button"
          class={`prompt ${to === '*' ? 'everyone' : ''}`}
          aria-label={`To ${to === '*' ? 'every agent' : to}. Choose another recipient`}
          onClick={() => {
            if (redirect === null) keepDraft(`@${text === '' ? '' : ` ${text}`}`);
            setTyped('');
            box.current?.focus();
          }}
        >
          @{to}&gt;
        </button>
      }
      label={`Message to ${to === '*' ? 'every agent' : to}`}
      placeholder="write a message · @ picks the recipient"
      help="enter sends · shift+enter adds a line · @* sends to everyone"
      text={text}
      body={body}
      onText={keepDraft}
      offers={{
        id: 'recipients',
        label: 'Recipients',
        shown: options.map((name) => ({ name, shown: `@${name}`, hint: hint(name) })),
        onCaret: (written, caret) => setTyped(nameBeingTyped(written, caret)),
        take: ({ name }) => {
          address(name);
          // The typed name has become the prompt.
          keepDraft(text.replace(/^\s*@[A-Za-z0-9*-]*\s?/, ''));
        },
        leave: () => setTyped(null),
      }}
      sending={sending}
      onSend={send}
    />
  );
}

function hint(name: string): string {
  if (name === '*') return 'every agent';
  const agent = containers.agents.value.get(name);
  if (agent === undefined) return '';
  const state = agent.failed ? 'failed' : agent.paused ? 'paused' : agent.running ? 'running' : 'stopped';
  return agent.role === 'manager' ? `manager · ${state}` : state;
}
