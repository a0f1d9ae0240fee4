import { useEffect, useMemo } from 'preact/hooks';
import { query } from '../../ui/address';
import { Main } from '../../ui/main';
import type { Params } from '../../ui/registry';
import { type Filter, filterOf, isEmpty, matches } from './filter';
import { FilterBar } from './filters';
import { history } from './history';
import { MessageList } from './list';
import { MessageLog } from './log';
import { messages } from './store';
import { Thread } from './thread';

/** All messages, or one in its thread. */
export function MessagesPage({ params: { id } }: { params: Params }) {
  return id === undefined ? <All /> : <Thread key={id} id={id} />;
}

/** The log of the messages that match; it is kept true while it is shown. */
export function useFiltered(filter: Filter): MessageLog {
  const log = useMemo(
    () =>
      isEmpty(filter)
        ? messages.log
        : new MessageLog(
            (before, stopped) => history(filter, before, stopped),
            (message) => matches(filter, message),
            (message) => matches(filter, message),
          ),
    [JSON.stringify(filter)],
  );
  useEffect(() => (log === messages.log ? undefined : messages.keep(log)), [log]);
  return log;
}

function All() {
  const filter = filterOf(query.value);
  const log = useFiltered(filter);
  return (
    <Main feature="messages" title="FL0W" fills parts={{ flow: 'the list' }}>
      <FilterBar filter={filter} />
      <MessageList
        id="flow"
        label="Messages"
        log={log}
        folds={filter.q === undefined && filter.state === undefined}
        empty={
          <p class="empty">
            {isEmpty(filter) ? 'No message has been sent yet. Say something to an agent below.' : 'No message matches.'}
          </p>
        }
      />
    </Main>
  );
}
