import { useEffect, useRef, useState } from 'preact/hooks';
import { perform } from '../../ui/action';
import { drafts } from '../../ui/draft';
import { askPalette } from '../../ui/registry';
import { AS_FILE, bodyFault } from '../../ui/text/bytes';
import { holdText } from '../../ui/with-text';
import { Writing } from '../../ui/writing';
import { containers } from '../containers';
import { addressed } from './addressed';
import { recipients } from './completers';
import { asksForHelp, bodyOfLine, commands, faultOfLine, Help, Replied, sendLine, sendTo } from './lines';
import { address, backToSticky, recipient, replied, toOf, wantsFocus, write, writeTo, writing } from './recipient';

const isName = (name: string): boolean => name === '*' || containers.agents.peek().has(name);

/** Whether the operator writes to somebody in the box. */
const isWriting = (): boolean =>
  drafts.has(toOf(recipient.peek())) || (document.activeElement?.closest('.compose-bar') ?? null) !== null;

/** Sends a message to every agent. It is held, and written again where it was taken back, refused or never sent. */
export async function broadcast(body: string, text: string): Promise<void> {
  const again = addressed(text) === null ? text : body;
  const sent = await holdText(toOf('*'), text, sendTo('*', body), perform, again);
  // A text that is being written keeps its recipient.
  if (!sent && !isWriting()) address('*');
}

/** The box for a message to anybody. <places>: it is part of the place. */
export function Compose({ places }: { places: boolean }) {
  const box = useRef<HTMLTextAreaElement>(null);
  const before = useRef<Element | null>(null);
  const [help, setHelp] = useState(false);
  const to = recipient.value;
  const reply = replied.value;
  const everyone = to === '*';

  useEffect(() => {
    if (wantsFocus.value === 0) return;
    const now = document.activeElement;
    if (now !== box.current && now !== document.body) before.current = now;
    box.current?.focus();
  }, [wantsFocus.value]);
  useEffect(() => setHelp(false), [to]);

  const leave = () => {
    writing.value = false;
    const then = before.current;
    const back = then instanceof HTMLElement && then.isConnected ? then : document.querySelector<HTMLElement>('main');
    back?.focus({ preventScroll: true });
  };
  /** To whom a text goes, and its line without the name. */
  const lineOf = (text: string) => addressed(text) ?? { to, body: text };
  const onSend = async (body: string, text: string) => {
    const line = lineOf(text);
    if (line.to === '*') {
      // The text before the name stays the draft of the recipient before.
      if (!everyone) drafts.keep(toOf(to), '');
      void broadcast(body, text);
      backToSticky();
      return false;
    }
    setHelp(asksForHelp(line.body));
    return sendLine(line.to, line.body, body, line.to === to ? reply : null);
  };
  return (
    <section class="compose-bar feature-messages" aria-label="Write a message">
      <Writing
        target={toOf(to)}
        box={box}
        label={`Message to ${everyone ? 'every agent' : to}`}
        placeholder="write a message"
        to={
          <button
            type="button"
            class={`prompt ${everyone ? 'everyone' : ''}`}
            aria-label={`To ${everyone ? 'every agent' : to}: choose another recipient`}
            aria-haspopup="dialog"
            onClick={() => askPalette(whom())}
          >
            @{to}&gt;
          </button>
        }
        send={{ label: 'T4LK', plain: 'Send' }}
        bodyOf={(text) => {
          const line = lineOf(text);
          return line.to === '*' ? line.body : bodyOfLine(line.body);
        }}
        reader={(text) => lineOf(text).to}
        faultOf={(text, file) => {
          const line = lineOf(text);
          return line.to === '*' ? bodyFault(line.body, 'a message', AS_FILE, file) : faultOfLine(line.body, file);
        }}
        onText={(text) => write(text, isName)}
        completers={everyone ? [recipients] : [recipients, commands]}
        onSend={onSend}
        {...(places ? {} : { onLeave: leave })}
        beside={
          places ? null : (
            <button type="button" class="plain" aria-label="Close the box; what is written stays" onClick={leave}>
              ✗
            </button>
          )
        }
      >
        {reply === null ? null : <Replied reply={reply} onDrop={() => box.current?.focus()} />}
        {help ? <Help onClose={() => setHelp(false)} /> : null}
      </Writing>
    </section>
  );
}

/** The choice of another recipient. */
const whom = () => ({
  title: 'To whom?',
  entries: () =>
    [...[...containers.names.value].sort(), '*'].map((name) => ({
      id: `to ${name}`,
      title: name === '*' ? 'every agent' : `@${name}`,
      group: drafts.has(toOf(name)) ? '✎ draft' : (containers.agents.value.get(name)?.activity?.state ?? ''),
      run: () => writeTo(name),
    })),
});
