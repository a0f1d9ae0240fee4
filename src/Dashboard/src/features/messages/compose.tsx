import { useEffect, useRef } from 'preact/hooks';
import { type Action, perform } from '../../ui/action';
import { address as path } from '../../ui/address';
import { drafts } from '../../ui/draft';
import { useKey } from '../../ui/keys';
import { Writing } from '../../ui/writing';
import { containers } from '../containers';
import { addressed } from './addressed';
import { recipients } from './completers';
import { address, backToSticky, recipient, replied, toOf, wantsFocus, write, writing } from './recipient';
import { send } from './send';
import { plainly, toldBy } from './told';

const isName = (name: string): boolean => name === '*' || containers.agents.peek().has(name);

/** Whether the box is part of the place that is shown. */
const isPlaces = (): boolean => path.value === '/messages' || path.value.startsWith('/messages/');

/** The box for a message to anybody: always at the messages, elsewhere while it is open. */
export function ComposeBar() {
  useKey(
    'write',
    () => {
      writing.value = true;
      wantsFocus.value++;
    },
    true,
    'shell',
  );
  return isPlaces() || writing.value ? <Compose /> : null;
}

/** Sends a message to every agent. It is held, and written again where it was taken back or refused. */
function broadcast(body: string, text: string): void {
  const action: Action = {
    id: 'broadcast',
    label: 'T4LK',
    of: `to every agent: ${body.slice(0, 80)}`,
    hold: true,
    run: () => send({ to: '*', body }),
  };
  // The page holds the message now, and not as a draft.
  drafts.keep(toOf('*'), '');
  void perform(action).then((sent) => {
    if (sent || drafts.has(toOf('*'))) return;
    drafts.keep(toOf('*'), addressed(text) === null ? text : body);
    address('*');
  });
}

function Compose() {
  const box = useRef<HTMLTextAreaElement>(null);
  const before = useRef<Element | null>(null);
  const to = recipient.value;
  const reply = replied.value;
  const everyone = to === '*';

  useEffect(() => {
    if (wantsFocus.value === 0) return;
    const now = document.activeElement;
    if (now !== box.current && now !== document.body) before.current = now;
    box.current?.focus();
  }, [wantsFocus.value]);

  const leave = () => {
    writing.value = false;
    const then = before.current;
    const back = then instanceof HTMLElement && then.isConnected ? then : document.querySelector<HTMLElement>('main');
    back?.focus({ preventScroll: true });
  };
  const onSend = async (body: string, text: string) => {
    const target = addressed(text)?.to ?? to;
    if (target === '*') {
      broadcast(body, text);
      backToSticky();
      return null;
    }
    await send({ to: target, body, ...(reply === null || target !== to ? {} : { in_reply_to: reply.id }) });
    replied.value = null;
    return `Sent to ${target}.`;
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
            onClick={() => {
              drafts.keep(toOf(to), `@${drafts.of(toOf(to))}`);
              box.current?.focus();
              box.current?.setSelectionRange(1, 1);
              box.current?.click();
            }}
          >
            @{to}&gt;
          </button>
        }
        send={{ label: 'T4LK', plain: 'Send' }}
        bodyOf={(text) => addressed(text)?.body ?? text}
        reader={(text) => addressed(text)?.to ?? to}
        onText={(text) => write(text, isName)}
        completers={[recipients]}
        onSend={onSend}
        {...(isPlaces() ? {} : { onLeave: leave })}
        beside={
          isPlaces() ? null : (
            <button type="button" class="plain" aria-label="Close the box; what is written stays" onClick={leave}>
              ✗
            </button>
          )
        }
      >
        {reply === null ? null : (
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
                box.current?.focus();
              }}
            >
              ✗
            </button>
          </p>
        )}
      </Writing>
    </section>
  );
}
