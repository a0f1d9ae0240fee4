import { useEffect, useState } from 'preact/hooks';
import { answerOf, api } from '../../api/client';
import { words } from '../../api/refusal';
import type { Agent, Message } from '../../api/types';
import { useDraft } from '../../ui/draft';
import { ReadFault } from '../../ui/fault';
import { isOpen, openPanel } from '../../ui/panel';
import { messages } from '../messages';
import { questions } from '../questions';
import { filesOf, type Named } from './files';

/** The number of messages on a page of the host's answer. */
const PAGE = 200;

/** The messages of an agent, as far back as they have been read. */
function useMessages(name: string) {
  const [read, setRead] = useState<{ messages: readonly Message[]; more: boolean } | null>(null);
  const [error, setError] = useState<string | null>(null);
  const older = async (before: number | null, stopped?: AbortSignal) => {
    setError(null);
    try {
      const query = { agent: name, ...(before === null ? {} : { before }) };
      const { messages } = await answerOf(
        api.GET('/dashboard/history', { params: { query }, signal: stopped ?? null }),
      );
      setRead((shown) => ({
        messages: before === null ? messages : [...messages, ...(shown?.messages ?? [])],
        more: messages.length >= PAGE,
      }));
    } catch (e) {
      if (stopped?.aborted !== true) setError(words(e));
    }
  };
  useEffect(() => {
    const stop = new AbortController();
    void older(null, stop.signal);
    return () => stop.abort();
  }, [name]);
  const first = read?.messages.reduce((least, { id }) => Math.min(least, id), Number.MAX_SAFE_INTEGER);
  return {
    messages: read?.messages ?? [],
    more: read?.more === true,
    error,
    older: () => void older(read === null ? null : (first ?? null)),
  };
}

/** The files that an agent and its messages name. */
export function FilesTab({ agent: { name } }: { agent: Agent; rest: string | undefined }) {
  const own = `/agents/${name}/state/`;
  const read = useMessages(name);
  const files = filesOf(
    name,
    [...read.messages, ...messages.inbox.value, ...messages.parked.value],
    [...questions.pending.value, ...questions.answered.value],
  );
  const [path, setPath] = useDraft(`file:${name}`);
  const [fault, setFault] = useState<string | null>(null);
  const open = () => {
    const wanted = path.trim();
    const whole = wanted.startsWith('/') ? wanted : own + wanted;
    if (wanted === '' || whole.endsWith('/')) {
      setFault(`Write the path of a file, such as ${own}notes.md or notes.md.`);
      return;
    }
    setFault(null);
    openPanel(`file:${whole}`);
  };
  return (
    <div class="scrolls" tabIndex={-1}>
      <form
        class="file-path"
        onSubmit={(e) => {
          e.preventDefault();
          open();
        }}
      >
        <label for="file-path">Open a file by its path</label>
        <input
          id="file-path"
          type="text"
          class="field mono"
          value={path}
          spellcheck={false}
          autocomplete="off"
          autocapitalize="none"
          placeholder={`${own}notes.md`}
          aria-invalid={fault !== null}
          onInput={(e) => {
            setPath(e.currentTarget.value);
            setFault(null);
          }}
        />
        <button type="submit" class="act">
          Open
        </button>
        {fault === null ? null : (
          <p class="bad" role="alert">
            {fault}
          </p>
        )}
      </form>
      <List title={`In the state of ${name}`} files={files.filter((file) => file.path.startsWith(own))} />
      <List title="Elsewhere" files={files.filter((file) => !file.path.startsWith(own))} />
      <ReadFault
        error={read.error === null ? null : `The messages could not be read: ${read.error}`}
        plain="Read the messages again"
        onRetry={read.older}
      />
      {files.length === 0 ? (
        <p class="empty">No message and no question of {name} names a file, as far as they have been read.</p>
      ) : null}
      {read.more ? (
        <button type="button" class="plain more" onClick={read.older}>
          ↓ look through older messages
        </button>
      ) : null}
    </div>
  );
}

function List({ title, files }: { title: string; files: readonly Named[] }) {
  if (files.length === 0) return null;
  return (
    <section class="files">
      <h2>{title}</h2>
      <ul>
        {files.map(({ path, by }) => (
          <li key={path}>
            <button
              type="button"
              class="file-line"
              aria-expanded={isOpen(`file:${path}`)}
              onClick={() => openPanel(`file:${path}`)}
            >
              <bdi class="mono file-name">{path}</bdi>
              <span class="dim">{by}</span>
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}
