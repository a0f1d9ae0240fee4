import { signal } from '@preact/signals';
import { Fragment, type TargetedFocusEvent } from 'preact';
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { answerOf, api } from '../../api/client';
import { words } from '../../api/refusal';
import type { Approval, ApprovalDiff, DiffFile } from '../../api/types';
import { useBounded } from '../../ui/bounded';
import { Fault } from '../../ui/fault';
import { useKey } from '../../ui/keys';
import { useOutcome } from '../../ui/outcome';
import { Panel } from '../../ui/panel';
import { whatIsAsked } from './approval';
import { colouring } from './colouring';
import { Decide } from './decide';
import type { Coloured } from './highlight';
import { LineComment } from './line-comment';
import { keepNotes, notesOf } from './notes';
import { type DiffLine, lineCount, linesOf, markOf, modeOf, openAtFirst, sideBySide } from './patch';
import { approvals } from './store';

/** The numbers of lines of a file, and of files, that are shown at first and added with each click. */
const LINES = 400;
const FILES = 100;

const BASES = [
  { base: 'applied', label: 'deployed now', none: 'The proposal matches what is deployed.' },
  { base: 'approved', label: 'last approved', none: 'The proposal matches what was approved last.' },
  { base: 'previous', label: 'previous proposal', none: 'The proposal matches the one before it.' },
] as const;

type Base = (typeof BASES)[number]['base'];

/** Whether a difference is shown side by side; on this page, until it is changed. */
const beside = signal(false);

/** The changes of an approval in the side panel. */
export function Diff({ id }: { id: number }) {
  const open = approvals.open.value.find((approval) => approval.id === id);
  const approval = open ?? approvals.decided.value.find((approval) => approval.id === id);
  return (
    <Panel
      feature="approvals"
      label={Number.isInteger(id) ? `Changes of approval ${id}` : 'Changes'}
      title={
        <>
          <span class="dim">±{Number.isInteger(id) ? ` #${id} ·` : ''}</span>{' '}
          {approval === undefined ? 'gone' : whatIsAsked(approval)}
        </>
      }
      aside={approval === undefined || approval === open ? null : <span class="badge dim">{approval.status}</span>}
    >
      {approval === undefined ? (
        <p class="empty">{Number.isInteger(id) ? <NotListed id={id} /> : 'A change is a number.'}</p>
      ) : (
        <Changes approval={approval} />
      )}
      {open === undefined ? null : (
        <div class="diff-foot">
          <Decide approval={open} />
        </div>
      )}
    </Panel>
  );
}

/** The number of a change in an address; NaN for other text. */
export const idIn = (text: string): number => (/^\d{1,15}$/.test(text) ? Number(text) : Number.NaN);

/** Says what became of a change that is not listed any more, and where to find it. */
export function NotListed({ id }: { id: number }) {
  const outcome = useOutcome(`approval-${id}`);
  return (
    <>
      {outcome === null ? null : (
        <>
          <bdi>{outcome}</bdi>.{' '}
        </>
      )}
      The page lists the changes that wait and the newest decided ones, and change {id} is not one of them. The terminal
      shows any change: <code>hive pending {id}</code>.
    </>
  );
}

/** The changes of an approval, compared with the deployed, the last approved or the previous proposal. */
export function Changes({ approval }: { approval: Approval }) {
  const { id } = approval;
  const [base, setBase] = useState<Base>('applied');
  const [diff, setDiff] = useState<ApprovalDiff | null>(null);
  const [error, setError] = useState<string | null>(null);
  const lines = useLineKeys();
  useEffect(() => {
    const stop = new AbortController();
    setDiff(null);
    setError(null);
    answerOf(
      api.GET('/api/approvals/{id}/diff', { params: { path: { id }, query: { base } }, signal: stop.signal }),
    ).then(setDiff, (e: unknown) => {
      if (!stop.signal.aborted) setError(words(e));
    });
    return () => stop.abort();
  }, [id, base]);
  return (
    <>
      <div class="diff-head">
        <div class="chips" role="group" aria-label="Compare with">
          {BASES.map((choice) => (
            <button
              key={choice.base}
              type="button"
              class={`chip ${base === choice.base ? 'chosen' : ''}`}
              aria-pressed={base === choice.base}
              onClick={() => setBase(choice.base)}
            >
              {choice.label}
            </button>
          ))}
        </div>
        <button
          type="button"
          class="chip"
          aria-pressed={beside.value}
          onClick={() => {
            beside.value = !beside.value;
          }}
        >
          side by side
        </button>
        {diff === null || diff.files.length === 0 ? null : <Sum diff={diff} />}
      </div>
      <div {...lines} class="diff" tabIndex={0} role="region" aria-label="The changes">
        {error !== null ? (
          <Fault error={error} />
        ) : diff === null ? (
          <p class="dim" role="status">
            <span class="spinner" aria-hidden="true" /> comparing …
          </p>
        ) : diff.files.length === 0 ? (
          <p class="matches" role="status">
            {BASES.find((choice) => choice.base === base)?.none}
          </p>
        ) : (
          <Files key={base} diff={diff} approval={approval} />
        )}
      </div>
    </>
  );
}

/** In the changes, the keys of a list go from one changed line to the next one. */
function useLineKeys() {
  const ref = useRef<HTMLDivElement>(null);
  const [inside, setInside] = useState(false);
  const step = (forward: boolean) => {
    const at = document.activeElement;
    const lines = [...(ref.current?.querySelectorAll<HTMLElement>('.diff-line:is(.added, .removed) .comment') ?? [])];
    const where = forward ? Node.DOCUMENT_POSITION_FOLLOWING : Node.DOCUMENT_POSITION_PRECEDING;
    const ahead = lines.filter((line) => at !== null && (at.compareDocumentPosition(line) & where) !== 0);
    (forward ? ahead[0] : ahead.at(-1))?.focus();
  };
  useKey('next', () => step(true), inside);
  useKey('previous', () => step(false), inside);
  return {
    ref,
    onFocusIn: () => setInside(true),
    onFocusOut: (e: TargetedFocusEvent<HTMLDivElement>) =>
      setInside(e.relatedTarget instanceof Node && e.currentTarget.contains(e.relatedTarget)),
  };
}

function Sum({ diff: { files, files_left_out, truncated } }: { diff: ApprovalDiff }) {
  const count = files.length + (files_left_out ?? 0);
  const sum = (of: (file: DiffFile) => number | undefined) => files.reduce((total, file) => total + (of(file) ?? 0), 0);
  return (
    <span class="sum">
      {truncated === true ? 'more than ' : ''}
      {count} {count === 1 ? 'file' : 'files'}{' '}
      <Counts additions={sum((file) => file.additions)} deletions={sum((file) => file.deletions)} />
    </span>
  );
}

function Counts({ additions, deletions }: { additions: number | undefined; deletions: number | undefined }) {
  return (
    <span class="of-lines">
      {(additions ?? 0) > 0 ? <span class="plus">+{additions}</span> : null}{' '}
      {(deletions ?? 0) > 0 ? <span class="minus">−{deletions}</span> : null}
    </span>
  );
}

function Files({ diff: { files, files_left_out, truncated }, approval }: { diff: ApprovalDiff; approval: Approval }) {
  const { viewed } = notesOf(approval);
  const [open, setOpen] = useState<ReadonlySet<string>>(() => {
    const first = openAtFirst(files);
    for (const path of viewed) first.delete(path);
    return first;
  });
  const view = (path: string) => {
    const was = viewed.includes(path);
    keepNotes(approval, ({ viewed }) => ({
      viewed: was ? viewed.filter((other) => other !== path) : [...viewed, path],
    }));
    if (was === open.has(path)) return;
    toggle(path);
  };
  const { shown, more } = useBounded(files, FILES);
  const toggle = (path: string) => {
    const changed = new Set(open);
    if (!changed.delete(path)) changed.add(path);
    setOpen(changed);
  };
  return (
    <>
      {files.length < 2 ? null : (
        <ul class="file-list" aria-label="Files">
          {shown.map((file, i) => (
            <li key={file.path}>
              <Mark file={file} />
              {viewed.includes(file.path) ? (
                <span class="good" title="viewed">
                  ✓
                </span>
              ) : null}
              <button
                type="button"
                class="ref"
                onClick={() => {
                  setOpen(new Set(open).add(file.path));
                  requestAnimationFrame(() => document.getElementById(`file-${i}`)?.focus());
                }}
              >
                {file.path}
              </button>
              {file.binary ? (
                <span class="badge dim">binary</span>
              ) : (
                <Counts additions={file.additions} deletions={file.deletions} />
              )}
            </li>
          ))}
        </ul>
      )}
      {shown.map((file, i) => (
        <File
          key={file.path}
          id={`file-${i}`}
          file={file}
          open={open.has(file.path)}
          onToggle={() => toggle(file.path)}
          viewed={viewed.includes(file.path)}
          onView={() => view(file.path)}
          approval={approval}
        />
      ))}
      {more}
      {files_left_out == null ? null : (
        <p class="note">
          {truncated === true ? 'At least ' : ''}
          {files_left_out} more {files_left_out === 1 ? 'file is' : 'files are'} not shown.
        </p>
      )}
    </>
  );
}

function Mark({ file }: { file: DiffFile }) {
  const { letter, words, tone } = markOf(file);
  return (
    <span class={`badge ${tone}`} title={words}>
      <span aria-hidden="true">{letter}</span>
      <span class="hidden">{words}</span>
    </span>
  );
}

interface FileProps {
  id: string;
  file: DiffFile;
  open: boolean;
  onToggle: () => void;
  viewed: boolean;
  onView: () => void;
  approval: Approval;
}

function File({ id, file, open, onToggle, viewed, onView, approval }: FileProps) {
  const mode = modeOf(file);
  const lines = lineCount(file.patch);
  return (
    <section class="diff-file" data-file={file.path}>
      <header>
        <button id={id} type="button" class="diff-name" aria-expanded={open} onClick={onToggle}>
          <span class="dim" aria-hidden="true">
            {open ? '▾' : '▸'}
          </span>
          <span class="path">{file.path}</span>
        </button>
        <Mark file={file} />
        {file.old_path == null ? null : (
          <span class="dim path">
            from <bdi>{file.old_path}</bdi>
          </span>
        )}
        {mode === null ? null : <span class="badge orange">{mode}</span>}
        {file.binary ? (
          <span class="badge dim">binary</span>
        ) : (
          <Counts additions={file.additions} deletions={file.deletions} />
        )}
        {open || lines === 0 ? null : <span class="dim">{lines} lines</span>}
        <label class="viewed">
          <input type="checkbox" checked={viewed} onChange={onView} /> viewed
          <span class="hidden"> {file.path}</span>
        </label>
      </header>
      {open ? <Patch file={file} approval={approval} /> : null}
    </section>
  );
}

function Patch({ file, approval }: { file: DiffFile; approval: Approval }) {
  const { path, patch, binary, truncated } = file;
  const lines = useMemo(() => linesOf(patch ?? ''), [patch]);
  // The difference is shown without colours until they are loaded.
  const highlight = colouring.code.value;
  const [colours, setColours] = useState<Coloured[][] | null>(null);
  const { shown, more } = useBounded(lines, LINES);
  const [commenting, setCommenting] = useState<string | null>(null);
  /** The line that is commented on: the focus is back there afterwards. */
  const from = useRef<HTMLElement | null>(null);
  useEffect(() => setColours(highlight?.coloured(path, lines) ?? null), [highlight, path, lines]);
  const { notes } = notesOf(approval);
  const own = notes.filter((note) => note.path === path);
  if (binary) return <p class="dim why">Its content is not text.</p>;
  const partsOf = new Map(lines.map((line, i) => [line, colours?.[i]]));
  const extra = (line: DiffLine | null) => {
    const at = line === null ? null : placeOf(line);
    if (at === null) return null;
    const key = `${at.side} ${at.line}`;
    const note = own.find(({ side, line: number }) => side === at.side && number === at.line);
    if (note === undefined && commenting !== key) return null;
    return (
      <LineComment
        key={key}
        approval={approval}
        path={path}
        line={at.line}
        side={at.side}
        text={note?.text ?? ''}
        editing={commenting === key}
        onEdit={() => setCommenting(key)}
        onDone={() => {
          setCommenting(null);
          if (from.current?.isConnected === true) from.current.focus();
        }}
      />
    );
  };
  const comment = (line: DiffLine) => {
    const at = placeOf(line);
    if (at === null) return;
    from.current = document.activeElement instanceof HTMLElement ? document.activeElement : null;
    setCommenting(`${at.side} ${at.line}`);
  };
  return (
    <>
      {lines.length > 0 ? (
        <div class={`patch ${beside.value ? 'beside' : ''}`}>
          {beside.value
            ? sideBySide(shown).map(([left, right], i) => (
                <Fragment key={i}>
                  <div class="pair">
                    {left !== null && (left.kind === 'hunk' || left.kind === 'remark') ? (
                      <Line line={left} parts={undefined} onComment={comment} />
                    ) : (
                      <>
                        <Half
                          line={left}
                          side="before"
                          parts={left === null ? undefined : partsOf.get(left)}
                          onComment={comment}
                        />
                        <Half
                          line={right}
                          side="after"
                          parts={right === null ? undefined : partsOf.get(right)}
                          onComment={comment}
                        />
                      </>
                    )}
                  </div>
                  {left === right ? null : extra(left)}
                  {extra(right)}
                </Fragment>
              ))
            : shown.map((line, i) => (
                <Fragment key={i}>
                  <Line line={line} parts={partsOf.get(line)} onComment={comment} />
                  {extra(line)}
                </Fragment>
              ))}
        </div>
      ) : truncated === true ? null : (
        <p class="dim why">Its content does not change.</p>
      )}
      {more}
      {truncated === true ? (
        <p class="note why">✂ {lines.length > 0 ? 'Only its beginning is shown.' : 'Too large to show.'}</p>
      ) : null}
    </>
  );
}

/** Where a comment on a line belongs; null for other text. */
const placeOf = ({ kind, before, after }: DiffLine): { side: 'before' | 'after'; line: number } | null =>
  kind === 'removed' && before !== null
    ? { side: 'before', line: before }
    : after !== null
      ? { side: 'after', line: after }
      : null;

const SIGNS: Record<DiffLine['kind'], string> = { same: ' ', added: '+', removed: '−', hunk: ' ', remark: ' ' };

interface LineProps {
  line: DiffLine;
  parts: readonly Coloured[] | undefined;
  onComment: (line: DiffLine) => void;
}

function Code({ text, parts }: { text: string; parts: readonly Coloured[] | undefined }) {
  return (
    <code>
      {parts === undefined
        ? text
        : parts.map((part) => (part.as === '' ? part.text : <span class={`as-${part.as}`}>{part.text}</span>))}
    </code>
  );
}

/** Comments on the line; its number is drawn by the style sheet, so that it is not copied with the text. */
function Comment({ line, number, onComment }: { line: DiffLine; number: number; onComment: (line: DiffLine) => void }) {
  return (
    <button
      type="button"
      class="n comment"
      data-n={number}
      aria-label={`Comment on line ${number}${line.kind === 'same' ? '' : `, which is ${line.kind}`}`}
      title="Comment on this line"
      onClick={() => onComment(line)}
    />
  );
}

function Line({ line, parts, onComment }: LineProps) {
  const { kind, text, before, after } = line;
  if (kind === 'hunk' || kind === 'remark') return <div class={`diff-line ${kind}`}>{text}</div>;
  const own = after ?? before;
  return (
    <div class={`diff-line ${kind}`}>
      {after === null && own !== null ? (
        <Comment line={line} number={own} onComment={onComment} />
      ) : (
        <span class="n" data-n={before ?? ''} />
      )}
      {after === null ? <span class="n" data-n="" /> : <Comment line={line} number={after} onComment={onComment} />}
      <span class="sign">{SIGNS[kind]}</span>
      <Code text={text} parts={parts} />
    </div>
  );
}

/** One side of a difference that is shown side by side. */
function Half({
  line,
  side,
  parts,
  onComment,
}: Omit<LineProps, 'line'> & { line: DiffLine | null; side: 'before' | 'after' }) {
  if (line === null) return <div class="diff-line none" />;
  const number = line[side];
  const commented = line.kind !== 'same' || side === 'after';
  return (
    <div class={`diff-line ${line.kind}`}>
      {number === null || !commented ? (
        <span class="n" data-n={number ?? ''} />
      ) : (
        <Comment line={line} number={number} onComment={onComment} />
      )}
      <span class="sign">{SIGNS[line.kind]}</span>
      <Code text={line.text} parts={parts} />
    </div>
  );
}
