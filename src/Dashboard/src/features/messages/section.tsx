import { memo } from 'preact/compat';
import { useEffect } from 'preact/hooks';
import { Clock } from '../../ui/clock';
import { ReadFault } from '../../ui/fault';
import { useFollowed } from '../../ui/followed';
import { Section } from '../../ui/section';
import { type FlowRow, type Mark, markOf } from './message-log';
import { messages } from './store';
import { MessageText } from './text';

const MARKS: Record<Mark, { glyph: string; plain: string }> = {
  waiting: { glyph: '→', plain: 'sent, waiting for its recipient' },
  delivered: { glyph: '✓', plain: 'delivered' },
  acked: { glyph: '✓✓', plain: 'acknowledged' },
  requeued: { glyph: '↻', plain: 'failed, will be delivered again' },
  parked: { glyph: '⚠', plain: 'parked after too many failures' },
  dropped: { glyph: '✗', plain: 'dropped' },
};

export function Flow() {
  const { rows, hasOlder, atHead } = messages.flow.value;
  const unseen = messages.unseen.value;
  const { log, paging, error, load, onScroll, toNewest } = useFollowed({
    rows,
    first: rows[0]?.message.id,
    atHead,
    hasOlder,
    loaded: messages.flowLoaded.value,
    following: messages.following,
    unseen: messages.unseen,
    load: (older) => messages.page(older),
  });

  // After a visit to another place the log shows the newest rows.
  useEffect(() => {
    if (!messages.flow.peek().atHead) void load(false);
    return () => {
      messages.following.value = true;
      messages.unseen.value = 0;
    };
  }, []);

  return (
    <Section feature="messages" id="flow" title="MESS4GE FL0W" plain="Message flow">
      <div class="terminal">
        <div ref={log} class="log" role="log" aria-label="Messages" aria-live="off" tabIndex={0} onScroll={onScroll}>
          {rows.length > 0 ? (
            <p class="edge">
              {paging ? (
                <>
                  <span class="spinner" aria-hidden="true" /> older messages …
                </>
              ) : hasOlder ? (
                <button type="button" class="plain" onClick={() => void load(true)}>
                  ↑ older messages
                </button>
              ) : (
                'the beginning'
              )}
            </p>
          ) : messages.flowLoaded.value ? (
            <p class="empty">No message has been sent yet. Say something to an agent below.</p>
          ) : null}
          <ReadFault
            error={error === null ? null : `The messages could not be read: ${error}`}
            plain="Read the messages again"
            onRetry={() => void load(rows.length > 0)}
          />
          <ol class="messages">
            {rows.map((row) => (
              <Line key={row.message.id} row={row} />
            ))}
          </ol>
        </div>
        {messages.following.value && atHead ? null : (
          <button
            type="button"
            class={`pill ${unseen > 0 ? 'amber' : ''}`}
            aria-label={unseen > 0 ? `${unseen} new messages, go to the newest` : 'Go to the newest message'}
            onClick={() => void toNewest()}
          >
            {`↓ ${unseen > 0 ? `${unseen} new` : 'newest'}`}
          </button>
        )}
      </div>
    </Section>
  );
}

const Line = memo(function Line({ row }: { row: FlowRow }) {
  const { message } = row;
  const mark = markOf(row);
  const { glyph, plain } = MARKS[mark];
  const why = message.last_error == null || (mark !== 'requeued' && mark !== 'parked') ? '' : `: ${message.last_error}`;
  return (
    <li class={`message ${mark}`} data-message={message.id}>
      <span class="at">
        <Clock at={message.sent_at} />
      </span>
      <span class={`mark ${mark}`} title={plain + why}>
        <span aria-hidden="true">{glyph}</span>
        <span class="hidden">{plain}</span>
      </span>
      <span class="who">
        <Name name={message.from} />
        <span class="arrow">→</span>
        <Name name={message.to} />
        {message.broadcast === true ? (
          <span class="dim" title="sent to every agent">
            {' '}
            @*
          </span>
        ) : null}
        {message.in_reply_to == null ? null : (
          <span class="dim" title={`answers message ${message.in_reply_to}`}>
            {' '}
            ↩
          </span>
        )}
      </span>
      <MessageText message={message} />
    </li>
  );
});

const KNOWN = new Set(['operator', 'system', 'reminder', 'manager']);

function Name({ name }: { name: string }) {
  return <span class={`principal ${KNOWN.has(name) ? name : 'agent'}`}>{name}</span>;
}
