import { useBounded } from '../../ui/bounded';
import { Age } from '../../ui/clock';
import { Section } from '../../ui/section';
import { MessageText, markOf, messages } from '../messages';

const STEP = 20;
const CHARS = 400;

const WORDS = { waiting: 'waits', delivered: 'delivered', requeued: 'will be retried', parked: 'parked' } as const;
const TONES = { waiting: 'info', delivered: 'good', requeued: 'orange', parked: 'bad' } as const;

/** The unsettled messages to an agent, as far as the page holds them. */
export function Waiting({ name, unread }: { name: string; unread: number }) {
  const parked = messages.parked.value.filter(({ to }) => to === name);
  const known = new Set(parked.map(({ id }) => id));
  const rows = [
    ...parked.map((message) => ({ message, mark: 'parked' as const })),
    ...messages.flow.value.rows.flatMap((row) => {
      const mark = markOf(row);
      return row.message.to === name &&
        !known.has(row.message.id) &&
        (mark === 'waiting' || mark === 'delivered' || mark === 'requeued')
        ? [{ message: row.message, mark }]
        : [];
    }),
  ].sort((a, b) => a.message.id - b.message.id);
  const { shown, more } = useBounded(rows, STEP);
  const held = rows.filter(({ mark }) => mark !== 'parked').length;
  return (
    <Section
      feature="agent"
      id="agent-inbox"
      title="1NB0X"
      plain={`Inbox of ${name}`}
      aside={unread > 0 ? <span class="count amber">{unread} unread</span> : null}
    >
      {rows.length === 0 && unread === 0 ? (
        <p class="empty">Nothing waits for {name}.</p>
      ) : (
        <ul class="rows scroll" tabIndex={0} aria-label={`Messages that wait for ${name}`}>
          {shown.map(({ message, mark }) => (
            <li key={message.id} class={`row inbox ${mark === 'parked' ? 'parked' : ''}`} data-message={message.id}>
              <div class="line">
                <span class="who">{message.from}</span>
                <span class={`badge ${TONES[mark]}`} title={message.last_error ?? ''}>
                  {WORDS[mark]}
                </span>
                <span class="dim since">
                  <Age at={message.sent_at} /> ago
                </span>
              </div>
              <MessageText message={message} most={CHARS} />
            </li>
          ))}
          {unread > held ? <li class="row dim">{unread - held} older messages are not loaded here.</li> : null}
        </ul>
      )}
      {more}
    </Section>
  );
}
