import type { ComponentChild } from 'preact';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { answerOf, api } from '../../api/client';
import { ReadFault } from '../../ui/fault';
import { memo } from '../../ui/memo';
import { Reading } from '../../ui/reading';
import { plainLine } from '../../ui/text/ansi';
import { containers } from '../containers';
import { LogFollow, MOST_LINES } from './follow';
import { chunks } from './tail';

/** Within this distance from the bottom, the log follows its newest line. */
const STICKY_PX = 48;
const CHUNK = 100;

interface Props {
  name: string;
  /** Draws the log and its state. */
  around: (state: ComponentChild, log: ComponentChild) => ComponentChild;
}

/** The output of an agent, live, and whether it follows the newest line. */
export function LogView({ name, around }: Props) {
  if (containers.agents.value.get(name)?.runtime !== 'external') return <Followed name={name} around={around} />;
  return around(
    null,
    <p class="empty">
      {name} is external: it runs outside of Hive, which has no output of it. Look at the terminal or the service in
      which it was started.
    </p>,
  );
}

function Followed({ name, around }: Props) {
  const text = useRef<HTMLDivElement>(null);
  const [follow] = useState(
    () =>
      new LogFollow(
        async (lines, stopped) => {
          const params = { path: { name }, query: { lines } };
          const log = await answerOf(api.GET('/api/logs/{name}', { params, signal: stopped }));
          return log.lines.map(plainLine);
        },
        () => document.visibilityState === 'visible',
      ),
  );
  const [atNewest, setAtNewest] = useState(true);
  /** The height of the shown lines, and the scroll position. */
  const held = useRef({ height: 0, top: 0 });
  const tail = follow.tail.value;

  useEffect(() => {
    const shown = () => follow.shown();
    document.addEventListener('visibilitychange', shown);
    void follow.read();
    return () => {
      document.removeEventListener('visibilitychange', shown);
      follow.stop();
    };
  }, [follow]);
  useLayoutEffect(() => {
    const el = text.current;
    if (el === null) return;
    // Older lines have been put in front of the visible ones.
    el.scrollTop = atNewest ? el.scrollHeight : held.current.top + el.scrollHeight - held.current.height;
    held.current = { height: el.scrollHeight, top: el.scrollTop };
  }, [tail]);

  const onScroll = () => {
    const el = text.current;
    if (el === null) return;
    held.current.top = el.scrollTop;
    const newest = el.scrollHeight - el.scrollTop - el.clientHeight <= STICKY_PX;
    setAtNewest(newest);
    follow.follow(newest);
  };
  const toNewest = () => {
    const el = text.current;
    if (el === null) return;
    el.scrollTop = el.scrollHeight;
    // The button is about to disappear.
    el.focus({ preventScroll: true });
  };
  const { lines } = tail ?? { lines: [] };
  return around(
    <FollowState follow={follow} atNewest={atNewest} />,
    <>
      <ReadFault
        error={
          follow.error.value === null || follow.over.value
            ? follow.error.value
            : `The log could not be read: ${follow.error.value}`
        }
        plain="Read the log again"
        reading={follow.reading.value}
        onRetry={() => void follow.read()}
      />
      <div
        ref={text}
        class="log-text"
        role="log"
        aria-label={`Output of ${name}`}
        aria-live="off"
        tabIndex={0}
        onScroll={onScroll}
      >
        {tail === null ? (
          follow.error.value === null ? (
            <Reading />
          ) : null
        ) : lines.length === 0 ? (
          <p class="dim">Nothing printed yet. Output of {name} shows here as it arrives.</p>
        ) : (
          <>
            {lines.length < follow.wanted.value ? null : follow.wanted.value < MOST_LINES ? (
              <button
                type="button"
                class="plain more"
                disabled={follow.reading.value}
                onClick={() => void follow.more()}
              >
                ↑ older lines, up to {MOST_LINES} in all
              </button>
            ) : (
              <p class="edge">the newest {MOST_LINES} lines</p>
            )}
            {chunks(tail, CHUNK).map(({ number, text }) => (
              <Chunk key={number} text={text} />
            ))}
          </>
        )}
      </div>
      {atNewest || tail === null ? null : (
        <button type="button" class="pill" aria-label="Go to the newest line and follow it" onClick={toNewest}>
          ↓ newest
        </button>
      )}
    </>,
  );
}

/** Whether the log follows its newest line. */
function FollowState({ follow, atNewest }: { follow: LogFollow; atNewest: boolean }) {
  const [tone, words] =
    follow.error.value !== null ? ['bad', '✗ not following'] : atNewest ? ['good', '● following'] : ['amber', '‖ held'];
  return <span class={`badge ${tone}`}>{words}</span>;
}

const Chunk = memo(function Chunk({ text }: { text: string }) {
  return <pre>{text}</pre>;
});
