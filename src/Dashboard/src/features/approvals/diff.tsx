import { memo } from 'preact/compat';
import { useEffect, useMemo, useState } from 'preact/hooks';
import { answerOf, api } from '../../api/client';
import { words } from '../../api/refusal';
import type { ApprovalDiff, DiffFile } from '../../api/types';
import { useBounded } from '../../ui/bounded';
import { Fault } from '../../ui/fault';
import { Panel } from '../../ui/panel';
import { whatIsAsked } from './approval';
import { colouring } from './colouring';
import { Decide } from './decide';
import type { Coloured } from './highlight';
import { type DiffLine, lineCount, linesOf, markOf, modeOf, openAtFirst } from './patch';
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

/** The changes of an approval, compared with the deployed, the last approved or the previous proposal. */
export function Diff({ id }: { id: number }) {
  const [base, setBase] = useState<Base>('applied');
  const [diff, setDiff] = useState<ApprovalDiff | null>(null);
  const [error, setError] = useState<string | null>(null);
  const open = approvals.open.value.find((approval) => approval.id === id);
  const approval = open ?? approvals.decided.value.find((approval) => approval.id === id);
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
    <Panel
      feature="approvals"
      label={`Changes of approval ${id}`}
      title={
        <>
          <span class="dim">± #{id} ·</span> {approval === undefined ? 'gone' : whatIsAsked(approval)}
        </>
      }
      aside={approval === undefined || approval === open ? null : <span class="badge dim">{approval.status}</span>}
    >
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
        {diff === null || diff.files.length === 0 ? null : <Sum diff={diff} />}
      </div>
      <div class="diff" tabIndex={0} role="region" aria-label="The changes">
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
          <Files key={base} diff={diff} />
        )}
      </div>
      {open === undefined ? null : (
        <div class="diff-foot">
          <Decide approval={open} />
        </div>
      )}
    </Panel>
  );
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

function Files({ diff: { files, files_left_out, truncated } }: { diff: ApprovalDiff }) {
  const [open, setOpen] = useState<ReadonlySet<string>>(() => openAtFirst(files));
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

function File({ id, file, open, onToggle }: { id: string; file: DiffFile; open: boolean; onToggle: () => void }) {
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
      </header>
      {open ? <Patch file={file} /> : null}
    </section>
  );
}

const Patch = memo(function Patch({ file }: { file: DiffFile }) {
  const { path, patch, binary, truncated } = file;
  const lines = useMemo(() => linesOf(patch ?? ''), [patch]);
  // The difference is shown without colours until they are loaded.
  const highlight = colouring.code.value;
  const [colours, setColours] = useState<Coloured[][] | null>(null);
  const { shown, more } = useBounded(lines, LINES);
  useEffect(() => setColours(highlight?.coloured(path, lines) ?? null), [highlight, path, lines]);
  if (binary) return <p class="dim why">Its content is not text.</p>;
  return (
    <>
      {lines.length > 0 ? (
        <div class="patch">
          {shown.map((line, i) => (
            <Line key={i} line={line} parts={colours?.[i]} />
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
});

const SIGNS: Record<DiffLine['kind'], string> = { same: ' ', added: '+', removed: '−', hunk: ' ', remark: ' ' };

const Line = memo(function Line({
  line: { kind, text, before, after },
  parts,
}: {
  line: DiffLine;
  parts: readonly Coloured[] | undefined;
}) {
  if (kind === 'hunk' || kind === 'remark') return <div class={`diff-line ${kind}`}>{text}</div>;
  return (
    <div class={`diff-line ${kind}`}>
      <span class="n" data-n={before ?? ''} />
      <span class="n" data-n={after ?? ''} />
      <span class="sign">{SIGNS[kind]}</span>
      <code>
        {parts === undefined
          ? text
          : parts.map((part) => (part.as === '' ? part.text : <span class={`as-${part.as}`}>{part.text}</span>))}
      </code>
    </div>
  );
});
