import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { Writing } from '../../ui/writing';
import { asksForHelp, bodyOfLine, commands, faultOfLine, Help, Replied, sendLine } from './lines';
import { ownBox, recipient, replied, toOf, wantsFocus } from './recipient';

/** The box of an agent's own place: for messages to it and commands to its harness. */
export function Prompt({ name }: { name: string }) {
  const [help, setHelp] = useState(false);
  const box = useRef<HTMLTextAreaElement>(null);
  const reply = replied.value?.from === name ? replied.value : null;
  const focused = useRef(wantsFocus.peek());

  useLayoutEffect(() => {
    ownBox.value = name;
    return () => {
      if (ownBox.peek() === name) ownBox.value = null;
    };
  }, [name]);
  useEffect(() => {
    if (focused.current === wantsFocus.value) return;
    focused.current = wantsFocus.value;
    if (recipient.peek() === name) box.current?.focus();
  }, [wantsFocus.value]);

  return (
    <Writing
      target={toOf(name)}
      box={box}
      label={`Message to ${name}, or a command`}
      placeholder="write a message · / for commands"
      to={<span class="prompt">@{name}&gt;</span>}
      send={{ label: 'T4LK', plain: `Send to ${name}` }}
      bodyOf={bodyOfLine}
      reader={() => name}
      faultOf={faultOfLine}
      completers={[commands]}
      onSend={(body, text) => {
        setHelp(asksForHelp(text));
        return sendLine(name, text, body, reply);
      }}
    >
      {reply === null ? null : <Replied reply={reply} onDrop={() => box.current?.focus()} />}
      {help ? <Help onClose={() => setHelp(false)} /> : null}
    </Writing>
  );
}
