import { useEffect, useRef, useState } from 'preact/hooks';
import { answerOf, api } from '../../api/client';
import { words } from '../../api/refusal';
import type { Agent, Message, StateFiles } from '../../api/types';
import { query } from '../../ui/address';
import { Age } from '../../ui/clock';
import { useDraft } from '../../ui/draft';
import { ReadFault } from '../../ui/fault';
import { setQuery } from '../../ui/link';
import { isOpen, openPanel } from '../../ui/panel';
import { bytesText } from '../../ui/text/time';
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

/** The files of an agent, and those that its messages name. */
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
      <Folder key={name} name={name} />
      <List title="Named in messages and questions" files={files} />
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

/** One folder below the agent's state folder; the address has it. */
function Folder({ name }: { name: string }) {
  const own = `/agents/${name}/state/`;
  const below = query.value.get('in') ?? '';
  const [read, setRead] = useState<StateFiles | null>(null);
  const [error, setError] = useState<string | null>(null);
  const [asked, setAsked] = useState(0);
  const list = useRef<HTMLElement>(null);
  /** The keyboard was in the list: it stays there when another folder is shown. */
  const stays = useRef(false);
  useEffect(() => {
    const stop = new AbortController();
    setError(null);
    const params = { path: { name }, query: below === '' ? {} : { path: below } };
    answerOf(api.GET('/api/agents/{name}/files', { params, signal: stop.signal })).then(setRead, (e: unknown) => {
      if (stop.signal.aborted) return;
      setRead(null);
      setError(words(e));
    });
    return () => stop.abort();
  }, [name, below, asked]);
  useEffect(() => {
    if (stays.current) list.current?.focus({ preventScroll: true });
    stays.current = false;
  }, [read]);
  const enter = (folder: string) => {
    stays.current = true;
    setQuery({ in: folder }, true);
  };
  const parts = below.split('/').filter((part) => part !== '');
  return (
    <section ref={list} class="files" tabIndex={-1} aria-label={`Files of ${name}`}>
      <h2>
        {parts.length === 0 ? (
          `Files of ${name}`
        ) : (
          <button type="button" class="ref" onClick={() => enter('')}>
            Files of {name}
          </button>
        )}
        {parts.map((part, i) => (
          <>
            {' / '}
            {i === parts.length - 1 ? (
              <bdi class="mono">{part}</bdi>
            ) : (
              <button type="button" class="ref mono" onClick={() => enter(parts.slice(0, i + 1).join('/'))}>
                <bdi>{part}</bdi>
              </button>
            )}
          </>
        ))}{' '}
        <button type="button" class="plain" aria-label="Read the folder again" onClick={() => setAsked(asked + 1)}>
          ↻
        </button>
      </h2>
      <ReadFault
        error={error === null ? null : `The folder could not be read: ${error}`}
        plain="Read the folder again"
        onRetry={() => setAsked(asked + 1)}
      />
      {read === null ? null : (
        <ul>
          {read.entries.map(({ name: entry, folder, size, modified_at }) => {
            const path = read.path + entry;
            return (
              <li key={`${folder} ${entry}`}>
                <button
                  type="button"
                  class="file-line"
                  {...(folder ? {} : { 'aria-expanded': isOpen(`file:${path}`) })}
                  onClick={() => (folder ? enter(path.slice(own.length)) : openPanel(`file:${path}`))}
                >
                  <bdi class="mono file-name">{folder ? `${entry}/` : entry}</bdi>
                  <span class="dim n">
                    {size == null ? '' : `${bytesText(size)} · `}
                    <Age at={modified_at} />
                  </span>
                </button>
              </li>
            );
          })}
        </ul>
      )}
      {read?.entries.length === 0 && !read.more ? <p class="empty">Nothing in here can be shown.</p> : null}
      {read?.more === true ? (
        <p class="dim">The folder holds more than is listed here; open a file by its path, or look into a folder.</p>
      ) : null}
    </section>
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
