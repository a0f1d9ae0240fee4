import type { VNode } from 'preact';
import { useEffect, useMemo, useState } from 'preact/hooks';
import { Refusal, words } from '../../api/refusal';
import { ReadFault } from '../../ui/fault';
import { Link } from '../../ui/link';
import { Main } from '../../ui/main';
import { Reading } from '../../ui/reading';
import { detailOf, history } from './history';
import { MessageList } from './list';
import { MessageLog } from './log';
import { KEPT, PAGE } from './message-log';
import { messages } from './store';

/** How many pages of a thread are read to find the message that the address names: as many as the log keeps. */
const PAGES = KEPT / PAGE;

/** The page of a message, in its thread. */
export function Thread({ id: name }: { id: string }) {
  const id = idIn(name);
  return (
    <Main
      feature="messages"
      title="THR34D"
      fills
      aside={
        <>
          <span class="dim">
            message <bdi class="n">{name}</bdi>
          </span>
          <Link to="/messages">‹ all messages</Link>
        </>
      }
    >
      {id === null ? <NotNumber name={name} /> : <Messages id={id} />}
    </Main>
  );
}

function Messages({ id }: { id: number }) {
  const { log, there, fault } = useThread(id);
  if (fault !== null) return fault;
  return there ? (
    <MessageList id="thread" label={`The thread of message ${id}`} log={log} folds={false} target={id} empty={null} />
  ) : (
    <Reading />
  );
}

/** A message's number; null for anything else. */
export const idIn = (name: string): number | null => (/^[1-9]\d{0,15}$/.test(name) ? Number(name) : null);

export const NotNumber = ({ name }: { name: string }) => (
  <p class="empty">
    “<bdi>{name}</bdi>” is not the number of a message. A message's address ends with its number, such as /messages/12.
  </p>
);

/** The thread of a message, kept true while it is shown, and why it cannot be shown. */
export function useThread(id: number): { log: MessageLog; there: boolean; fault: VNode | null } {
  const [log] = useState(() => {
    const own: MessageLog = new MessageLog(
      (before, stopped) => history({ thread: id }, before, stopped),
      ({ id: other, in_reply_to }) =>
        own.flow.peek().rows.some(({ message }) => message.id === other || message.id === in_reply_to),
    );
    // It is read around a message, wherever its newest ones are.
    own.following.value = false;
    return own;
  });
  const [there, setThere] = useState(false);
  const [gone, setGone] = useState<string | null>(null);
  const [error, setError] = useState<string | null>(null);
  const reading = useMemo(
    () => async () => {
      setError(null);
      try {
        await log.page(false);
        for (let page = 1; page < PAGES; page++) {
          const { rows, hasOlder } = log.flow.peek();
          if (!hasOlder || (rows[0]?.message.id ?? 0) <= id) break;
          await log.page(true);
        }
        if (!log.flow.peek().rows.some(({ message }) => message.id === id)) {
          // The host says what became of it.
          await detailOf(id);
          await log.upTo(id);
        }
        setThere(true);
      } catch (e) {
        if (e instanceof Refusal && e.status === 404) setGone(e.message);
        else setError(words(e));
      }
    },
    [log],
  );
  useEffect(() => {
    void reading();
    return messages.keep(log);
  }, [log]);
  const fault =
    error !== null ? (
      <ReadFault
        error={`Message ${id} could not be read: ${error}`}
        plain="Read the message again"
        onRetry={() => void reading()}
      />
    ) : gone !== null ? (
      <p class="empty">
        <bdi>{gone.charAt(0).toUpperCase() + gone.slice(1)}</bdi>
      </p>
    ) : null;
  return { log, there, fault };
}
