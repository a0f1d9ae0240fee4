import { ActionButton } from '../../ui/action-button';
import { Clock } from '../../ui/clock';
import { Link } from '../../ui/link';
import { openPanel, Panel } from '../../ui/panel';
import { Reading } from '../../ui/reading';
import { counted } from '../../ui/text/figures';
import { actionsOf, addressOf, hasFailed, panelOf } from './actions';
import { type FlowRow, markOf } from './message-log';
import { Failure, MARKS, Name, Times } from './row';
import { lineOf, MessageText } from './text';
import { idIn, NotNumber, useThread } from './thread';

/** A message in the side panel: its whole text, its times, its thread. */
export function MessagePanel({ name }: { name: string }) {
  const id = idIn(name);
  return (
    <Panel
      feature="messages"
      label={`Message ${name}`}
      title={
        <>
          <span class="dim">⊞ message</span> <bdi class="n">{name}</bdi>
        </>
      }
      aside={id === null ? null : <Link to={addressOf(id)}>in its thread</Link>}
    >
      <div class="message-panel">{id === null ? <NotNumber name={name} /> : <Whole key={id} id={id} />}</div>
    </Panel>
  );
}

function Whole({ id }: { id: number }) {
  const { log, there, fault } = useThread(id);
  if (fault !== null) return fault;
  if (!there) return <Reading />;
  const { rows, hasOlder, atHead } = log.flow.value;
  const row = rows.find(({ message }) => message.id === id);
  if (row === undefined)
    return (
      <p class="empty" role="status">
        Message {id} was deleted while it was shown: its recipient's data was purged, or it was old.
      </p>
    );
  return (
    <>
      <Head row={row} />
      <MessageText message={row.message} />
      {hasFailed(row) ? <Failure row={row} tab={0} /> : null}
      <Actions row={row} />
      <h3>Times</h3>
      <Times message={row.message} />
      {rows.length === 1 ? null : (
        <>
          <h3>Its thread: {counted(rows.length, 'message')}</h3>
          {hasOlder || !atHead ? (
            <p class="dim">
              A part of it; <Link to={addressOf(id)}>the place of this message</Link> has the rest.
            </p>
          ) : null}
          <ol class="thread-lines">
            {rows.map((other) => (
              <Line key={other.message.id} row={other} here={other === row} />
            ))}
          </ol>
        </>
      )}
    </>
  );
}

function Head({ row }: { row: FlowRow }) {
  const { from, to, broadcast } = row.message;
  const mark = markOf(row);
  const { glyph, plain } = MARKS[mark];
  return (
    <p class="line">
      <span class="mono">
        <Name name={from} tab={0} />
        <span class="arrow" aria-hidden="true">
          {' '}
          →{' '}
        </span>
        <span class="hidden"> to </span>
        <Name name={to} tab={0} />
      </span>
      {broadcast === true ? <span class="dim">sent to every agent</span> : null}
      <span class="line dim">
        <span class={`mark ${mark}`} aria-hidden="true">
          {glyph}
        </span>
        {plain}
      </span>
    </p>
  );
}

/** The actions on the message; the panel itself has its times and its thread. */
function Actions({ row }: { row: FlowRow }) {
  const own = actionsOf(row).filter(({ key, id }) => key !== 'open' && key !== 'panel' && !id.startsWith('times'));
  const rest = hasFailed(row) ? own.filter(({ id }) => !/^(retry|drop) /.test(id)) : own;
  return (
    <div class="buttons">
      {rest.map((action) => (
        <ActionButton key={action.id} action={action} hinted={false} />
      ))}
    </div>
  );
}

function Line({ row: { message }, here }: { row: FlowRow; here: boolean }) {
  const { id, from, sent_at } = message;
  return (
    <li aria-current={here ? 'true' : undefined}>
      <button type="button" class="plain" disabled={here} onClick={() => openPanel(panelOf(id))}>
        <span class="n dim">
          <Clock at={sent_at} />
        </span>{' '}
        <bdi class="mono">{from === 'operator' ? 'you' : from}</bdi> <bdi>{lineOf(message)}</bdi>
      </button>
    </li>
  );
}
