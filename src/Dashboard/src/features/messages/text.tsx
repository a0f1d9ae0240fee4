import { useState } from 'preact/hooks';
import type { Message } from '../../api/types';
import { beginning } from '../../ui/text/beginning';
import { AgentText, linked } from '../files';

interface Props {
  message: Message;
  most?: number;
  lines?: number;
  whole?: boolean;
  onWhole?: (whole: boolean) => void;
}

/** A message: its text, or the host's sentence for an event of Hive. */
export function MessageText({ message: { body, sentence, file_refs }, most, lines, whole, onWhole }: Props) {
  return sentence === undefined ? (
    <AgentText text={body} refs={file_refs} most={most} lines={lines} whole={whole} onWhole={onWhole} />
  ) : (
    <EventText sentence={sentence} json={body} refs={file_refs} most={most} />
  );
}

/** What a message says: an event of Hive in its sentence. */
export const wordsOf = ({ body, sentence }: Pick<Message, 'body' | 'sentence'>): string => sentence ?? body;

/** A message in one line. */
export const lineOf = (message: Pick<Message, 'body' | 'sentence'>): string =>
  beginning(wordsOf(message).replace(/\s+/g, ' ').trim(), 300);

/** An event as a sentence, with its JSON behind a click. */
function EventText({
  sentence,
  json,
  refs,
  most = Number.POSITIVE_INFINITY,
}: {
  sentence: string;
  json: string;
  refs: readonly string[];
  most?: number | undefined;
}) {
  return (
    <div class="agent-text event">
      <p>
        <bdi>{linked(beginning(sentence, most), refs)}</bdi>
        {sentence.length > most ? <span class="dim"> …</span> : null} <EventJson json={json} />
      </p>
    </div>
  );
}

/** The JSON of an event, behind a click. */
function EventJson({ json }: { json: string }) {
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

/** An event's JSON, indented; a text that is not JSON stays as it is. */
export function asSent(json: string): string {
  try {
    return JSON.stringify(JSON.parse(json), null, 2);
  } catch {
    return json;
  }
}
