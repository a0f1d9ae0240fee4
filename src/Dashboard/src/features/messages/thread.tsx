import { useEffect, useMemo, useState } from 'preact/hooks';
import { Refusal, words } from '../../api/refusal';
import { ReadFault } from '../../ui/fault';
import { Link } from '../../ui/link';
import { Main } from '../../ui/main';
import { detailOf, history } from './history';
import { MessageList } from './list';
import { MessageLog } from './log';
import { KEPT, PAGE } from './message-log';
import { messages } from './store';

/** How many pages of a thread are read to find the message that the address names: as many as the log keeps. */
const PAGES = KEPT / PAGE;

/** The page of a message, in its thread. */
export function Thread({ id: name }: { id: string }) {
  const id = /^[1-9]\d{0,15}$/.test(name) ? Number(name) : null;
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
      {id === null ? (
        <p class="empty">
          “<bdi>{name}</bdi>” is not the number of a message. A message's address ends with its number, such as
          /messages/12.
        </p>
      ) : (
        <Messages id={id} />
      )}
    </Main>
  );
}

function Messages({ id }: { id: number }) {
  const [log] = useState(() => {
    const own: MessageLog = new MessageLog(
      (before, stopped) => history({ thread: id }, before, stopped),
      ({ id: other, in_reply_to }) =>
        own.flow.peek().rows.some(({ message }) => message.id === other || message.id === in_reply_to),
    );
    return own;
  });
  const [state, setState] = useState<'reading' | 'there'>('reading');
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
        setState('there');
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
  if (error !== null)
    return (
      <ReadFault
        error={`Message ${id} could not be read: ${error}`}
        plain="Read the message again"
        onRetry={() => void reading()}
      />
    );
  if (gone !== null)
    return (
      <p class="empty">
        There is no message {id} any more, or there never was: <bdi>{gone}</bdi>.
      </p>
    );
  return state === 'reading' ? (
    <p class="dim" role="status">
      <span class="spinner" aria-hidden="true" /> reading …
    </p>
  ) : (
    <MessageList id="thread" label={`The thread of message ${id}`} log={log} folds={false} target={id} empty={null} />
  );
}
