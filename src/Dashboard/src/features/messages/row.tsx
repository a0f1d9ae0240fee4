import { computed } from '@preact/signals';
import { useEffect, useState } from 'preact/hooks';
import type { Message } from '../../api/types';
import { ActionButton } from '../../ui/action-button';
import { Clock, Until } from '../../ui/clock';
import { Link } from '../../ui/link';
import { memo } from '../../ui/memo';
import { openMenu } from '../../ui/menu';
import { counted } from '../../ui/text/figures';
import { containers } from '../containers';
import { actionsOf, addressOf, drop, hasFailed, isUnread, panelOf, retry } from './actions';
import { bodies, threads, times } from './folding';
import { detailOf } from './history';
import { backedOffUntil, type FlowRow, type Mark, markOf } from './message-log';
import { lineOf, MessageText } from './text';
import type { ListRow } from './threads';

/** Longer bodies are folded. */
const LINES = 12;
const CHARS = 1500;

export const MARKS: Record<Mark, { glyph: string; plain: string }> = {
  waiting: { glyph: '→', plain: 'sent, waiting for its recipient' },
  delivered: { glyph: '✓', plain: 'delivered' },
  acked: { glyph: '✓✓', plain: 'acknowledged' },
  requeued: { glyph: '↻', plain: 'failed, will be delivered again' },
  parked: { glyph: '⚠', plain: 'parked after too many failures' },
  dropped: { glyph: '✗', plain: 'dropped' },
};

interface Props {
  item: ListRow;
  /** The keyboard is on the row: the links and buttons in it can be reached by the tab key. */
  current: boolean;
  /** The message that the address names. */
  target?: boolean;
}

const same = (a: Props, b: Props): boolean =>
  a.item.row === b.item.row &&
  a.item.latest === b.item.latest &&
  a.item.answers === b.item.answers &&
  a.item.below === b.item.below &&
  a.current === b.current &&
  a.target === b.target;

const shownName = (name: string): string => (name === 'operator' ? 'you' : name);

/** The words that a row of the list is called by. */
export const nameOf = ({ row: { message }, answers }: ListRow): string => {
  const thread = answers === 0 ? '' : `, ${counted(answers, 'answer')}`;
  return `${shownName(message.from)} to ${shownName(message.to)}${isUnread(message) ? ', unread' : ''}${thread}: ${lineOf(message)}`;
};

/** One message, with its thread folded under it. */
export const MessageRow = memo(function MessageRow({ item, current, target }: Props) {
  const { row, below } = item;
  const { message } = row;
  const { id } = message;
  const mark = markOf(row);
  const { glyph, plain } = MARKS[mark];
  const tab = current ? 0 : -1;
  const unread = isUnread(message);
  return (
    <div
      class={`message ${mark === 'dropped' ? 'dropped' : ''} ${unread ? 'unread' : ''} ${below ? 'below' : ''} ${target === true ? 'target' : ''}`}
      data-message={id}
      data-opens={panelOf(id)}
    >
      <span class="at n">
        <Clock at={message.sent_at} />
      </span>
      <button
        type="button"
        class={`mark ${mark}`}
        tabIndex={tab}
        title={`${plain}: show its times`}
        aria-expanded={times.has(id)}
        onClick={() => times.toggle(id)}
      >
        <span aria-hidden="true">{glyph}</span>
        <span class="hidden">
          {plain}, times of message {id}
        </span>
      </button>
      <span class="who mono">
        {unread ? (
          <span class="unread-dot" title="unread">
            ●<span class="hidden"> unread </span>
          </span>
        ) : null}
        <Name name={message.from} tab={tab} />
        <span class="arrow" aria-hidden="true">
          →
        </span>
        <span class="hidden"> to </span>
        <Name name={message.to} tab={tab} />
        {message.broadcast === true ? (
          <span class="dim" title="sent to every agent">
            {' '}
            @*
          </span>
        ) : null}
      </span>
      <div class="text">
        <MessageText
          message={message}
          lines={LINES}
          most={CHARS}
          whole={bodies.has(id)}
          onWhole={(whole) => bodies.set(id, whole)}
        />
        {hasFailed(row) ? <Failure row={row} tab={tab} /> : null}
        {times.has(id) ? <Times message={message} /> : null}
        <Answers item={item} tab={tab} />
      </div>
      <span class="tools">
        <Tools row={row} tab={tab} />
      </span>
    </div>
  );
}, same);

/** The thread of a message: its answers folded to one line, or the message that it answers. */
function Answers({ item: { row, answers, latest, below }, tab }: { item: ListRow; tab: number }) {
  const { id, in_reply_to } = row.message;
  if (answers === 0)
    return in_reply_to == null || below ? null : (
      <Link to={addressOf(in_reply_to)} class="link answers-to" opens={panelOf(in_reply_to)} stop={tab === 0}>
        ↩ answers #{in_reply_to}
      </Link>
    );
  const open = threads.has(id);
  return (
    <p class="answers">
      <button
        type="button"
        class="ref"
        tabIndex={tab}
        aria-expanded={open}
        aria-label={`${open ? 'Fold' : 'Show'} ${counted(answers, 'answer')} to message ${id}`}
        onClick={() => threads.toggle(id)}
      >
        ↩ {answers}
      </button>
      {open || latest === null ? null : (
        <span class="latest dim">
          <Clock at={latest.message.sent_at} /> <bdi>{latest.message.from}</bdi>: <bdi>{lineOf(latest.message)}</bdi>
        </span>
      )}
    </p>
  );
}

export function Failure({ row, tab }: { row: FlowRow; tab: number }) {
  const { message } = row;
  const again = backedOffUntil(row);
  return (
    <div class="failure">
      <span class={message.parked_at == null ? 'warn' : 'bad'}>
        {counted(message.attempts ?? 0, 'failure')}: <bdi>{message.last_error ?? 'no reason was given'}</bdi>
        {again === null ? null : (
          <>
            {' · '}
            <Until at={again} ahead={(left) => `delivered again in ${left}`} past={() => 'due to be delivered again'} />
          </>
        )}
      </span>
      <span class="buttons">
        <ActionButton action={retry(message)} stop={tab === 0} />
        <ActionButton action={drop(message)} stop={tab === 0} />
      </span>
    </div>
  );
}

/** When a message was sent, leased and acknowledged, and each failed attempt. */
export function Times({ message: known }: { message: Message }) {
  const [told, setTold] = useState<Message | null>(null);
  // An event does not tell who leased the message, nor each attempt.
  useEffect(() => {
    const stop = new AbortController();
    detailOf(known.id, stop.signal).then(setTold, () => {
      // The page shows what it knows.
    });
    return () => stop.abort();
  }, [known]);
  const message = told ?? known;
  const { sent_at, delivered_at, leased_at, leased_by, acked_at, parked_at, attempts_log, to } = message;
  const turn = leased_by !== undefined && /^\d+$/.test(leased_by) ? leased_by : null;
  const leased = leased_at ?? delivered_at;
  return (
    <dl class="times n">
      <div>
        <dt>sent</dt>
        <dd>
          <Clock at={sent_at} />
        </dd>
      </div>
      {(attempts_log ?? []).map(({ at, reason }) => (
        <div key={at} class="bad">
          <dt>failed</dt>
          <dd>
            <Clock at={at} /> <bdi>{reason ?? 'no reason was given'}</bdi>
          </dd>
        </div>
      ))}
      {leased == null ? null : (
        <div>
          <dt>leased</dt>
          <dd>
            <Clock at={leased} />
            {turn !== null ? (
              <>
                {' '}
                by <Link to={`/agents/${to}/turns/${turn}`}>turn {turn}</Link>
              </>
            ) : leased_by === undefined ? null : (
              ` by a ${leased_by}`
            )}
          </dd>
        </div>
      )}
      {parked_at == null ? null : (
        <div>
          <dt>parked</dt>
          <dd>
            <Clock at={parked_at} />
          </dd>
        </div>
      )}
      {acked_at == null ? null : (
        <div>
          <dt>acknowledged</dt>
          <dd>
            <Clock at={acked_at} />
          </dd>
        </div>
      )}
    </dl>
  );
}

function Tools({ row, tab }: { row: FlowRow; tab: number }) {
  const actions = actionsOf(row);
  const near = actions.filter(({ key }) => key === 'reply' || key === 'done');
  return (
    <>
      {near.map((action) => (
        <ActionButton key={action.id} action={action} stop={tab === 0} hinted={false} />
      ))}
      <button
        type="button"
        class="act"
        tabIndex={tab}
        aria-haspopup="menu"
        aria-label={`What can be done with message ${row.message.id}`}
        onClick={(e) => openMenu(`Message ${row.message.id}`, actions, e.currentTarget)}
      >
        ⋯
      </button>
    </>
  );
}

/** The agents' names; only a change of these, and not of an agent's state, draws the rows again. */
const nameList = computed(() => containers.names.value.join(' '));
const agentNames = computed(() => new Set(nameList.value.split(' ')));

const KNOWN = new Set(['operator', 'system', 'reminder', 'manager']);

/** A sender or recipient; an agent's name leads to it. */
export function Name({ name, tab }: { name: string; tab: number }) {
  const kind = `principal ${KNOWN.has(name) ? name : 'agent'}`;
  return agentNames.value.has(name) ? (
    <Link to={`/agents/${name}`} class={kind} stop={tab === 0}>
      <bdi>{name}</bdi>
    </Link>
  ) : (
    <span class={kind}>
      <bdi>{shownName(name)}</bdi>
    </span>
  );
}
