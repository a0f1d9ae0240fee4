import { useEffect, useState } from 'preact/hooks';
import { answerOf, api } from '../../../api/client';
import { words } from '../../../api/refusal';
import type { Post, Thread } from '../../../api/types';
import { perform } from '../../../ui/action';
import { Age } from '../../../ui/clock';
import { Fault } from '../../../ui/fault';
import type { WithText } from '../../../ui/registry';
import { counted } from '../../../ui/text/figures';
import { sendText } from '../../../ui/with-text';
import { Writing } from '../../../ui/writing';
import { AgentText } from '../../files';
import { board } from '../store';
import { Part } from './parts';

const postText = ({ id }: Thread): WithText => ({
  id: 'post',
  label: '↩ T4LK',
  of: `in thread ${id}`,
  target: `thread:${id}`,
  placeholder: 'say it to all of them',
  what: 'a post',
  reader: '*',
  action: (content) => ({
    id: 'post',
    label: '↩ T4LK',
    of: `in thread ${id}`,
    run: () => api.POST('/api/v1/collaboration/messages', { body: { thread_id: id, content } }),
  }),
});

/** The conversations of agents about the ticket. */
export function Threads({ threads }: { threads: readonly Thread[] }) {
  return threads.length === 0 ? null : (
    <Part id="threads" title="THR34DS">
      <ul class="artifacts">
        {threads
          .toSorted((a, b) => b.id - a.id)
          .map((thread) => (
            <One key={thread.id} thread={thread} />
          ))}
      </ul>
    </Part>
  );
}

function One({ thread }: { thread: Thread }) {
  const [open, setOpen] = useState(false);
  const { id, subject, participants, status, posts, last_at, handoff } = thread;
  return (
    <li class={`artifact ${status === 'active' ? '' : 'old'}`}>
      <button type="button" class="artifact-line" aria-expanded={open} onClick={() => setOpen(!open)}>
        <bdi class="artifact-type">{subject}</bdi>
        <bdi class="mono artifact-path">{participants.join(', ')}</bdi>
        <span class="dim n">{counted(posts, 'post')}</span>
        <span class="dim">{handoff?.status ?? status}</span>
        <span class="dim n">
          <Age at={last_at} />
        </span>
      </button>
      {open ? <Posts key={id} thread={thread} /> : null}
    </li>
  );
}

/** The posts that are shown, with a page that was read: the latest ones or those before; without gaps between them. */
export function joined(shown: readonly Post[], page: readonly Post[]): readonly Post[] {
  const [first, last] = [page[0]?.id, page.at(-1)?.id];
  if (first === undefined || last === undefined) return shown;
  if ((shown.at(-1)?.id ?? 0) < first) return page;
  return [...shown.filter(({ id }) => id < first), ...page, ...shown.filter(({ id }) => id > last)];
}

/** What was said, the latest last, and the box in which the operator says something, too. */
function Posts({ thread }: { thread: Thread }) {
  const { id, posts: count, status } = thread;
  const [posts, setPosts] = useState<readonly Post[]>([]);
  const [error, setError] = useState<string | null>(null);
  const reads = board.reads.value;
  const read = (signal?: AbortSignal, before?: number) =>
    answerOf(
      api.GET('/api/v1/collaboration/threads/{id}/messages', {
        params: { path: { id }, query: before === undefined ? {} : { before } },
        ...(signal === undefined ? {} : { signal }),
      }),
    ).then(
      (answer) => {
        setPosts((shown) => joined(shown, answer.toReversed()));
        setError(null);
      },
      (e: unknown) => {
        if (signal?.aborted !== true) setError(words(e));
      },
    );
  useEffect(() => {
    const stop = new AbortController();
    void read(stop.signal);
    return () => stop.abort();
  }, [id, count, reads]);
  const one = postText(thread);
  return (
    <>
      <Fault error={error === null ? null : `Thread ${id} cannot be shown: ${error}`} />
      {posts.length < count && posts.length > 0 ? (
        <p class="dim">
          the latest {posts.length}{' '}
          <button type="button" class="plain more" onClick={() => void read(undefined, posts[0]?.id)}>
            Show earlier posts
          </button>
        </p>
      ) : null}
      <ol class="history">
        {posts.map((post) => (
          <li key={post.id}>
            <span class="entry-line">
              <bdi class="mono">{post.author === 'operator' ? 'you' : post.author}</bdi>
              <span class="dim n event-age">
                {post.unread_by.length === 0 ? null : `not read by ${post.unread_by.join(', ')} · `}
                <Age at={post.at} />
              </span>
            </span>
            <div class="entry-reason">
              <AgentText text={post.body} refs={post.refs} most={2000} />
            </div>
          </li>
        ))}
      </ol>
      {status === 'active' ? (
        <Writing
          target={one.target}
          label={`Post in thread ${id}`}
          placeholder={one.placeholder}
          send={{ label: one.label, plain: `Post in thread ${id}` }}
          what={one.what}
          reader={() => one.reader}
          onSend={async (body, text) => ((await sendText(one, body, text, perform)) ? null : false)}
        />
      ) : null}
    </>
  );
}
