import { useState } from 'preact/hooks';
import type { Agent } from '../../api/types';
import { useDraft } from '../../ui/draft';
import { isOpen, openPanel } from '../../ui/panel';
import { messages } from '../messages';
import { questions } from '../questions';
import { filesOf, type Named } from './files';

/** The files that an agent and its messages name. */
export function FilesTab({ agent: { name } }: { agent: Agent; rest: string | undefined }) {
  const own = `/agents/${name}/state/`;
  const files = filesOf(
    name,
    [...messages.flow.value.rows.map(({ message }) => message), ...messages.inbox.value, ...messages.parked.value],
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
      {files.length === 0 ? (
        <p class="empty">No message and no question of {name} names a file, as far as this page has read them.</p>
      ) : (
        <p class="dim">Files that messages and questions of {name} name, as far as this page has read them.</p>
      )}
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
