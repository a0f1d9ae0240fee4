import { useState } from 'preact/hooks';
import type { Message } from '../../api/types';
import { beginning } from '../../ui/text/beginning';
import { AgentText, linked } from '../files';
import { asSent, type Piece, plainly, toldBy } from './told';

interface Props {
  message: Message;
  most?: number;
  lines?: number;
  whole?: boolean;
  onWhole?: (whole: boolean) => void;
}

/** A message: its text, or the sentence for an event of Hive. */
export function MessageText({ message: { from, body, file_refs }, most, lines, whole, onWhole }: Props) {
  const told = toldBy(from, body);
  return told === null ? (
    <AgentText text={body} refs={file_refs} most={most} lines={lines} whole={whole} onWhole={onWhole} />
  ) : (
    <EventText told={told} json={body} refs={file_refs} most={most} />
  );
}

/** A message in one line. */
export const lineOf = ({ from, body }: Pick<Message, 'from' | 'body'>): string => {
  const told = toldBy(from, body);
  return beginning((told === null ? body : plainly(told)).replace(/\s+/g, ' ').trim(), 300);
};

/** An event as a sentence, with its JSON behind a click. */
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
  // Of a long sentence the beginning is shown; the JSON has the rest.
  const long = plainly(told).length > most;
  return (
    <div class="agent-text event">
      <p>
        {told.map((piece) =>
          'own' in piece ? (
            <span>{piece.own}</span>
          ) : (
            <bdi>{linked(long ? beginning(piece.said, most) : piece.said, refs)}</bdi>
          ),
        )}
        {long ? <span class="dim"> …</span> : null} <EventJson json={json} />
      </p>
    </div>
  );
}

/** The JSON of an event, behind a click. */
export function EventJson({ json }: { json: string }) {
  const [open, setOpen] = useState(false);
  return (
    <span class="event-source feature-messages">
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
    </span>
  );
}
