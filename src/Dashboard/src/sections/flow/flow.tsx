import { memo } from 'preact/compat';
import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import { words } from '../../api/refusal';
import { live, swarm } from '../../live';
import { type FlowRow, type Mark, markOf } from '../../model/flow';
import { Clock } from '../../ui/clock';
import { Leet } from '../../ui/leet';
import { Section } from '../../ui/section';
import { AgentText } from '../files/text';
import { Compose } from './compose';

/** Nearer to the bottom than this, the log follows its newest line. */
const STICKY_PX = 48;
/** Nearer to the top than this, the page before is fetched. */
const PAGING_PX = 200;

const MARKS: Record<Mark, { glyph: string; plain: string }> = {
  waiting: { glyph: '→', plain: 'sent, waits for its recipient' },
  delivered: { glyph: '✓', plain: 'delivered' },
  acked: { glyph: '✓✓', plain: 'acknowledged' },
  requeued: { glyph: '↻', plain: 'failed, will come again' },
  parked: { glyph: '⚠', plain: 'parked after too many failures' },
  dropped: { glyph: '✗', plain: 'dropped' },
};

export function Flow() {
  const log = useRef<HTMLDivElement>(null);
  /** What was at the top before an older page came in front of it. */
  const anchor = useRef<{ id: number; height: number; top: number } | null>(null);
  const [paging, setPaging] = useState(false);
  const [error, setError] = useState<string | null>(null);
  const { rows, hasOlder, atHead } = swarm.flow.value;
  const unseen = swarm.unseen.value;
  const first = rows[0]?.message.id;

  useLayoutEffect(() => {
    const el = log.current;
    if (el === null) return;
    const held = anchor.current;
    if (held !== null && first !== held.id) {
      el.scrollTop = held.top + (el.scrollHeight - held.height);
      anchor.current = null;
    } else if (swarm.following.peek()) {
      el.scrollTop = el.scrollHeight;
    }
  }, [rows, first]);

  const load = async (older: boolean) => {
    if (paging) return;
    setPaging(true);
    setError(null);
    const el = log.current;
    if (older && el !== null && first !== undefined) anchor.current = { id: first, height: el.scrollHeight, top: el.scrollTop };
    try {
      await live.page(older);
    } catch (e) {
      anchor.current = null;
      setError(words(e));
    } finally {
      setPaging(false);
    }
  };
  const onScroll = () => {
    const el = log.current;
    if (el === null) return;
    const atBottom = el.scrollHeight - el.scrollTop - el.clientHeight <= STICKY_PX;
    swarm.following.value = atBottom && atHead;
    if (atBottom && atHead) swarm.unseen.value = 0;
    if (el.scrollTop < PAGING_PX && hasOlder && error === null && swarm.flowLoaded.value) {
      if (anchor.current !== null) anchor.current.top = el.scrollTop;
      else void load(true);
    }
  };
  const toNewest = async () => {
    swarm.following.value = true;
    swarm.unseen.value = 0;
    if (!swarm.flow.value.atHead) await load(false);
    const el = log.current;
    if (el !== null) el.scrollTop = el.scrollHeight;
  };

  return (
    <Section id="flow" title="MESS4GE FL0W" plain="Message flow">
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
          ) : swarm.flowLoaded.value ? (
            <p class="empty">No message has been sent yet. Say something to an agent below.</p>
          ) : null}
          {error === null ? null : (
            <p class="refused" role="alert">
              <span>⚠ The messages could not be read: {error}</span>
              <button type="button" class="act" aria-label="Read the messages again" onClick={() => void load(rows.length > 0)}>
                <Leet text="↻ R3TRY" />
              </button>
            </p>
          )}
          <ol class="messages">
            {rows.map((row) => (
              <Line key={row.message.id} row={row} />
            ))}
          </ol>
        </div>
        {swarm.following.value && atHead ? null : (
          <button type="button" class={`pill ${unseen > 0 ? 'amber' : ''}`} aria-label={unseen > 0 ? `${unseen} new messages, go to the newest` : 'Go to the newest message'} onClick={() => void toNewest()}>
            <Leet text={`↓ ${unseen > 0 ? `${unseen} new` : 'newest'}`} />
          </button>
        )}
        <Compose />
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
      <AgentText text={message.body} refs={message.file_refs} />
    </li>
  );
});

const KNOWN = new Set(['operator', 'system', 'reminder', 'manager']);

function Name({ name }: { name: string }) {
  return <span class={`principal ${KNOWN.has(name) ? name : 'agent'}`}>{name}</span>;
}
