import { useEffect, useRef, useState } from 'preact/hooks';
import { type Action, perform } from '../../ui/action';
import { drafts } from '../../ui/draft';
import { askPalette } from '../../ui/registry';
import { AS_FILE, BODY_BYTES, bodyFault } from '../../ui/text/bytes';
import { Writing } from '../../ui/writing';
import { containers } from '../containers';
import { addressed } from './addressed';
import { recipients } from './completers';
import { asksForHelp, bodyOfLine, commands, faultOfLine, Help, Replied, sendLine } from './lines';
import { address, backToSticky, recipient, replied, toOf, wantsFocus, write, writeTo, writing } from './recipient';
import { send } from './send';

const isName = (name: string): boolean => name === '*' || containers.agents.peek().has(name);

/** Sends a message to every agent. It is held, and written again where it was taken back, refused or never sent. */
export function broadcast(body: string, text: string): Promise<void> {
  const target = toOf('*');
  const writeAgain = () => {
    const now = drafts.of(target);
    const again = addressed(text) === null ? text : body;
    drafts.keep(target, now === '' || now === again ? again : `${again}\n${now}`);
  };
  const action: Action = {
    id: 'broadcast',
    label: 'T4LK',
    of: `to every agent: ${body.slice(0, 80)}`,
    hold: true,
    left: writeAgain,
    run: () => send({ to: '*', body }),
  };
  // The page holds the message now, and not as a draft.
  drafts.keep(target, '');
  return perform(action).then((sent) => {
    if (sent) {
      // A page that came back from the browser's cache has written it again.
      if (drafts.of(target) === text) drafts.keep(target, '');
      if (text.length <= BODY_BYTES) drafts.remember(text);
      return;
    }
    writeAgain();
    address('*');
  });
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
        faultOf={(text) => {
          const line = lineOf(text);
          return line.to === '*' ? bodyFault(line.body, 'a message', AS_FILE) : faultOfLine(line.body);
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
