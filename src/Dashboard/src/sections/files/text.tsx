import type { ComponentChild } from 'preact';
import { useState } from 'preact/hooks';
import type { Message } from '../../api/types';
import { asSent, type Piece, plainly, toldBy } from '../../model/told';
import { utf8Bytes } from '../../text/bytes';
import { beginning, splitAtRefs } from '../../text/refs';
import { bytesText } from '../../text/time';
import { FileView } from './viewer';

interface Props {
  text: string;
  refs: readonly string[];
  /** Of a longer text so many characters are shown until somebody wants the whole. */
  most?: number | undefined;
}

/** What an agent wrote, as text and nothing else; the files it names open below it. */
export function AgentText({ text, refs, most = Number.POSITIVE_INFINITY }: Props) {
  const [whole, setWhole] = useState(false);
  const files = useFiles(refs);
  const shown = whole ? text : beginning(text, most);
  return (
    <div class="agent-text">
      <p>
        <bdi>{files.linked(shown)}</bdi>
        {shown === text ? null : <span class="dim"> …</span>}
      </p>
      {text.length <= most ? null : (
        <button type="button" class="ref whole" aria-expanded={whole} onClick={() => setWhole(!whole)}>
          {whole ? 'show less' : `show all ${bytesText(utf8Bytes(text))}`}
        </button>
      )}
      {files.opened}
    </div>
  );
}

/** A message: what somebody wrote, or an event that Hive tells of, as a sentence. */
export function MessageText({ message: { from, body, file_refs }, most }: { message: Message; most?: number }) {
  const told = toldBy(from, body);
  return told === null ? (
    <AgentText text={body} refs={file_refs} most={most} />
  ) : (
    <EventText told={told} json={body} refs={file_refs} most={most} />
  );
}

/** What happened in a sentence, and behind a click as it was sent. */
function EventText({
  told,
  json,
  refs,
  most = Number.POSITIVE_INFINITY,
}: {
  told: readonly Piece[];
  json: string;
  refs: readonly string[];
  most?: number | undefined;
}) {
  const files = useFiles(refs);
  // A short sentence is shown whole; of a long one its beginning, and the rest with the event.
  const long = plainly(told).length > most;
  return (
    <div class="agent-text event">
      <p>
        {told.map((piece) =>
          'own' in piece ? (
            <span>{piece.own}</span>
          ) : (
            <bdi>{files.linked(long ? beginning(piece.said, most) : piece.said)}</bdi>
          ),
        )}
        {long ? <span class="dim"> …</span> : null} <EventJson json={json} />
      </p>
      {files.opened}
    </div>
  );
}

/** An event as it was sent, for who wants to know exactly. */
export function EventJson({ json }: { json: string }) {
  const [open, setOpen] = useState(false);
  return (
    <>
      <button
        type="button"
        class="ref json"
        aria-expanded={open}
        aria-label={open ? 'Hide the event as it was sent' : 'Show the event as it was sent'}
        onClick={() => setOpen(!open)}
      >
        {'{ }'}
      </button>
      {open ? <code class="event-json">{asSent(json)}</code> : null}
    </>
  );
}

/** Makes files that a text names open below it, one at a time. */
function useFiles(refs: readonly string[]): { linked: (text: string) => ComponentChild; opened: ComponentChild } {
  const [open, setOpen] = useState<string | null>(null);
  return {
    linked: (text) =>
      splitAtRefs(text, refs).map((piece) =>
        piece.ref ? (
          <button
            type="button"
            class="ref"
            aria-expanded={open === piece.text}
            onClick={() => setOpen(open === piece.text ? null : piece.text)}
          >
            {piece.text}
          </button>
        ) : (
          piece.text
        ),
      ),
    opened: open === null ? null : <FileView key={open} path={open} onClose={() => setOpen(null)} />,
  };
}
