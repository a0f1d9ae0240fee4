import { useLayoutEffect, useMemo } from 'preact/hooks';
import { ActionButton } from '../../ui/action-button';
import { ReadFault } from '../../ui/fault';
import { useFollowed } from '../../ui/followed';
import { Label } from '../../ui/label';
import { describe, type Truth } from '../../ui/truth';
import { cancelTurn } from '../containers';
import { Prompt } from '../messages';
import { entriesOf } from './entries';
import { EntryLine } from './entry';
import type { AgentLive } from './store';

/** The newest entries that are drawn while the terminal follows, and how many more at a time further up. */
const DRAWN = 200;
/** The same while more arrives than can be read. */
const DRAWN_IN_FLOOD = 50;

/** The activity of an agent, live. */
export function Terminal({ name, it }: { name: string; it: AgentLive }) {
  const { events, atHead, hasOlder: hostHasOlder } = it.terminal.value;
  const follows = it.following.value && atHead;
  const newest = Math.max(0, events.length - (it.flooded.value ? DRAWN_IN_FLOOD : DRAWN));
  const from = follows ? newest : events.findIndex(({ id }) => id >= it.drawnFrom.value);
  const start = from < 0 ? newest : from;
  useLayoutEffect(() => {
    if (follows) it.drawnFrom.value = events[start]?.id ?? 0;
  });
  const hasOlder = hostHasOlder || start > 0;
  const writing = atHead ? it.writing.value : null;
  const all = useMemo(() => entriesOf(events, writing), [events, writing]);
  const entries = useMemo(() => all.slice(start), [all, start]);
  /** Draws earlier entries that the page holds, else fetches some. */
  const older = async () => {
    if (start === 0) await it.older();
    const held = it.terminal.peek().events;
    it.drawnFrom.value = held[start === 0 ? 0 : Math.max(0, start - DRAWN)]?.id ?? 0;
  };
  const harness = it.harness.value;
  const sync = it.sync.value;
  const loaded = harness !== null;
  const unseen = it.unseen.value;
  const { log, paging, error, load, onScroll, toNewest } = useFollowed({
    rows: entries,
    first: events[start]?.id,
    atHead,
    hasOlder,
    loaded,
    following: it.following,
    unseen: it.unseen,
    load: (earlier) => (earlier ? older() : it.newest()),
  });
  const inTurn = harness?.connected === true && (harness.state === 'thinking' || harness.state === 'compacting');
  return (
    <section id="terminal" aria-labelledby="terminal-title">
      <h2 class="hidden" id="terminal-title">
        Terminal of {name}
      </h2>
      <div class="terminal-head">
        <Following it={it} />
        {inTurn ? <ActionButton action={cancelTurn(name)} /> : null}
      </div>
      <div class="terminal">
        {/* Text that a click unfolds below the end stops the following. */}
        {/* biome-ignore lint/a11y/useKeyWithClickEvents: it only measures again; keys click the buttons inside. */}
        <div
          ref={log}
          class="log entries"
          role="log"
          aria-label={`Activity of ${name}`}
          aria-live="off"
          tabIndex={0}
          onScroll={onScroll}
          onClick={() => requestAnimationFrame(onScroll)}
        >
          {events.length > 0 ? (
            <p class="edge">
              {paging ? (
                <>
                  <span class="spinner" aria-hidden="true" /> earlier entries …
                </>
              ) : hasOlder ? (
                <button type="button" class="plain" onClick={() => void load(true)}>
                  ↑ earlier entries
                </button>
              ) : (
                'the beginning (entries are kept for 7 days)'
              )}
            </p>
          ) : loaded ? (
            <p class="empty">
              {harness.connected
                ? `${name} has not taken a turn yet. Say something to it below.`
                : `No entries yet: the harness of ${name} is not connected. Messages that you send below wait in ` +
                  'its inbox.'}
            </p>
          ) : sync.state === 'cannot' ? null : (
            <p class="empty" role="status">
              <span class="spinner" aria-hidden="true" /> loading the activity of {name} …
            </p>
          )}
          <ReadFault
            error={error === null ? null : `Earlier entries could not be loaded: ${error}`}
            plain="Load them again"
            onRetry={() => void load(true)}
          />
          <ol>
            {entries.map(({ event, tool, beside }) => (
              <EntryLine key={event.id} event={event} tool={tool} beside={beside} />
            ))}
          </ol>
        </div>
        {(it.following.value && atHead) || events.length === 0 ? null : (
          <button
            type="button"
            class={`pill ${unseen > 0 ? 'amber' : ''}`}
            aria-label={unseen > 0 ? `${unseen} new entries, go to the newest` : 'Go to the newest entry'}
            onClick={() => void toNewest()}
          >
            {`↓ ${unseen > 0 ? `${unseen} new` : 'newest'}`}
          </button>
        )}
        <Prompt name={name} />
      </div>
    </section>
  );
}

const NOT_LIVE: Partial<Record<Truth['state'], readonly [tone: string, words: string]>> = {
  connecting: ['dim', '◌ connecting'],
  cannot: ['bad', '✗ not following'],
  signed_out: ['bad', '✗ not following'],
  stranger: ['bad', '✗ not your Hive'],
};

/** Whether the terminal is up to date, and if not, why. */
function Following({ it }: { it: AgentLive }) {
  const truth = describe(it.connection.value, it.sync.value);
  const live = truth.state === 'live' || truth.state === 'resynced';
  const held = live && !(it.following.value && it.terminal.value.atHead);
  const lost = NOT_LIVE[truth.state] ?? ['warn', '↻ reconnecting'];
  const [tone, words] = held ? ['amber', '‖ held'] : live ? ['good', '● following'] : lost;
  return (
    <>
      {live || truth.detail === '' ? null : <span class={truth.tone === 'bad' ? 'bad' : 'dim'}>{truth.detail}</span>}
      <span class={`badge ${tone}`} data-following={truth.state}>
        {words}
      </span>
      {truth.canRetry ? (
        <button type="button" class="act" aria-label="Try to follow the agent again now" onClick={() => it.retry()}>
          <Label text="↻ N0W" />
        </button>
      ) : null}
    </>
  );
}
