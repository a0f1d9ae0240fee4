import { effect, untracked } from '@preact/signals';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Ticket } from '../../../api/types';
import { perform } from '../../../ui/action';
import { ActionButton } from '../../../ui/action-button';
import { Age } from '../../../ui/clock';
import { copyAddress } from '../../../ui/copy';
import { ReadFault } from '../../../ui/fault';
import { useKey } from '../../../ui/keys';
import { go, Link } from '../../../ui/link';
import { live } from '../../../ui/live';
import { Main } from '../../../ui/main';
import { openMenu } from '../../../ui/menu';
import { Reading } from '../../../ui/reading';
import type { Params } from '../../../ui/registry';
import { useSelection } from '../../../ui/selected';
import { approveTicket } from '../actions';
import { Cost, Mark, Priority, RefusedMove, WaitsForYou } from '../card';
import { isNew, needsYou } from '../columns';
import {
  actionsOf,
  answerOrComment,
  blockOrUnblock,
  blockWords,
  holdOrRelease,
  moveBeside,
  openMoves,
  reject,
  workflowOf,
} from '../deeds';
import { board } from '../store';
import { Context } from './context';
import { Discoveries } from './discoveries';
import { About, Artifacts, GatePart, History, Track } from './parts';
import { TicketRows } from './rows';
import { TasksPart } from './tasks';
import { Threads } from './threads';

/** One ticket: where it is, what its gate asks, its tasks, what they left behind, and what happened. */
export function TicketPage({ params: { id = '' } }: { params: Params }) {
  return /^[1-9]\d{0,15}$/.test(id) ? (
    <Shown key={id} id={Number(id)} />
  ) : (
    <Main feature="board" title="T1CK3T">
      <p class="empty">
        “<bdi>{id}</bdi>” is not a ticket's number. <Link to="/board">To the board</Link>
      </p>
    </Main>
  );
}

function Shown({ id }: { id: number }) {
  const [rows] = useState(() => new TicketRows(id));
  const reads = board.reads.value;
  useEffect(() => {
    const forget = board.follow(rows);
    return () => {
      forget();
      rows.stop();
    };
  }, [rows]);
  useEffect(() => void rows.read(), [rows, reads]);
  // A stream that goes on where it broke off brings no snapshot: what could not be read in between is read again.
  useEffect(
    () =>
      effect(() => {
        if (live.connection.value.state === 'live') untracked(() => rows.retry());
      }),
    [rows],
  );
  const ticket = rows.whole.value;
  const error = rows.error.value;
  const gone = rows.gone.value;
  if (ticket === null || gone)
    return (
      <Main feature="board" title="T1CK3T" aside={<span class="mono dim n">#{id}</span>}>
        {gone ? (
          <p class="empty">
            Ticket {id} {ticket === null ? 'does not exist, or was deleted' : 'was deleted'}.{' '}
            <Link to="/board">To the board</Link>
          </p>
        ) : error === null ? (
          <Reading />
        ) : (
          <ReadFault
            error={`Ticket ${id} could not be read: ${error}`}
            plain="Read the ticket again"
            onRetry={() => void rows.read()}
          />
        )}
      </Main>
    );
  return <Whole ticket={ticket} rows={rows} />;
}

const isVisible = ({ key }: { key?: string }): boolean => key !== undefined;

function Whole({ ticket, rows }: { ticket: Ticket; rows: TicketRows }) {
  const { id } = ticket;
  const workflow = workflowOf(ticket);
  const head = useRef<HTMLDivElement>(null);
  const more = useRef<HTMLButtonElement>(null);
  const all = actionsOf(
    ticket,
    () => head.current?.querySelector<HTMLElement>('button') ?? more.current,
    () => go('/board'),
  );
  // Those with a key are buttons; the others are behind the menu.
  const atHand = all.filter(isVisible);
  const behind = all.filter((action) => !isVisible(action));
  const openMore = () => {
    if (more.current !== null) openMenu(`More that can be done with ticket ${id}`, behind, more.current);
  };
  const isOpen = ticket.done_at == null && !isNew(ticket);
  const isUndecided = isNew(ticket);
  // A button, which takes the focus again once the menu is closed.
  useKey('move', () => openMoves(ticket, head.current?.querySelector('button') ?? document.body), isOpen);
  useKey('move-left', () => moveBeside(ticket, -1), isOpen);
  useKey('move-right', () => moveBeside(ticket, 1), isOpen);
  useKey('hold', () => void perform(holdOrRelease(ticket)), isOpen);
  useKey('block', () => void perform(blockOrUnblock(ticket)), isOpen);
  useKey('reply', () => {
    if (needsYou(ticket) !== null) return void perform(answerOrComment(ticket));
    const box = document.querySelector<HTMLElement>('#history textarea');
    box?.focus();
    return box !== null;
  });
  useKey('approve', () => void perform(approveTicket(ticket)), isUndecided);
  useKey('deny', () => void perform(reject(ticket)), isUndecided);
  useKey('actions', openMore);
  useKey('copy', () => void copyAddress(`/tickets/${id}`));
  useSelection(() => ({ name: `ticket ${id}`, actions: all }));
  return (
    <Main
      feature="board"
      title="T1CK3T"
      parts={{ tasks: 'the tasks', history: 'the history' }}
      aside={
        <>
          <span class="mono dim n">#{id}</span>
          <span class="ticket-facts dim">
            <Priority priority={ticket.priority} />
            <bdi>{ticket.status.replaceAll('_', ' ')}</bdi>
            <span>
              made by <bdi class="mono">{ticket.requester === 'operator' ? 'you' : ticket.requester}</bdi>{' '}
              <Age at={ticket.created_at} /> ago
            </span>
            <Cost usd={ticket.cost_usd} />
            {ticket.labels.map((label) => (
              <bdi key={label} class="ticket-label">
                {label}
              </bdi>
            ))}
          </span>
          <Link to={`/board?workflow=${encodeURIComponent(ticket.workflow)}`} class="link ticket-board">
            ‹ board
          </Link>
        </>
      }
    >
      <h2 class="ticket-title">
        <bdi>{ticket.title}</bdi>
      </h2>
      <Standing ticket={ticket} />
      <div ref={head} class="ticket-actions" role="group" aria-label={`What can be done with ticket ${id}`}>
        {atHand.map((action) => (
          <ActionButton key={action.id} action={action} />
        ))}
        {behind.length === 0 ? null : (
          <button
            ref={more}
            type="button"
            class="act"
            aria-haspopup="menu"
            aria-label={`More that can be done with ticket ${id}`}
            onClick={openMore}
          >
            ⋯
          </button>
        )}
      </div>
      <RefusedMove card={ticket} />
      {rows.error.value === null ? null : (
        <ReadFault
          error={`What is shown may be out of date: ${rows.error.value}`}
          plain="Read the ticket again"
          onRetry={() => void rows.read()}
        />
      )}
      <div class="ticket">
        <Track ticket={ticket} workflow={workflow} />
        <div class="ticket-parts">
          <div class="ticket-main">
            <TasksPart
              tasks={rows.tasks.all.value}
              discoveries={rows.discoveries.all.value}
              threads={rows.threads.all.value}
            />
            <Discoveries discoveries={rows.discoveries.all.value} />
            <Artifacts artifacts={rows.artifacts.all.value} />
            <Threads threads={rows.threads.all.value} />
            <History ticket={ticket} entries={rows.history.value} tasks={rows.tasks.all.value} workflow={workflow} />
          </div>
          <div class="ticket-aside">
            <GatePart
              ticket={ticket}
              gate={rows.gateNow.value}
              tasks={rows.tasks.all.value}
              reviews={rows.reviews.all.value}
              workflow={workflow}
            />
            <About ticket={ticket} />
            <Context ticket={ticket} workflow={workflow} />
          </div>
        </div>
      </div>
    </Main>
  );
}

/** Why the ticket does not go on by itself, where it does not. */
function Standing({ ticket }: { ticket: Ticket }) {
  const { blocked, blocked_reason, blocked_at, rejection_reason } = ticket;
  if (blocked != null)
    return (
      <p class="note bad ticket-note">
        <strong>Blocked:</strong> {blockWords(blocked)}
        {blocked_reason == null || blocked_reason === '' ? '' : ' — '}
        <bdi>{blocked_reason}</bdi>
        {blocked_at == null ? null : (
          <span class="dim">
            {' '}
            · <Age at={blocked_at} />
          </span>
        )}
      </p>
    );
  if (rejection_reason != null && rejection_reason !== '')
    return (
      <p class="note bad ticket-note">
        <strong>Rejected:</strong> <bdi>{rejection_reason}</bdi>
      </p>
    );
  if (needsYou(ticket) !== null) return <WaitsForYou ticket={ticket.id} />;
  return (
    <div class="ticket-mark">
      <Mark card={ticket} />
    </div>
  );
}
