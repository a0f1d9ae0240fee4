import { Clock, Until } from '../../ui/clock';
import type { WaitingDetail } from '../../ui/registry';
import { AgentText } from '../files';
import { ATTEMPTS, failed, givenUp } from './reminder';
import { reminders } from './store';

/** Of a longer reminder only the beginning is shown: it may be as long as a line of the socket protocol. */
const CHARS = 2000;

/** A reminder that an agent has set for itself, with why it could not be delivered. */
export function ReminderDetail({ row }: WaitingDetail) {
  const reminder = reminders.all.value.find(({ id }) => String(id) === row.id);
  if (reminder === undefined) return <AgentText text={row.title} refs={row.refs} />;
  const { id, message, file_path, file_refs, due_at, last_error, next_attempt_at, attempt_count } = reminder;
  return (
    <div class="feature-reminders" data-reminder={id}>
      <p class="dim due">
        <Until at={due_at} ahead={(left) => `in ${left}`} past={(ago) => `was due ${ago} ago`} />
        {' · '}
        <Clock at={due_at} />
      </p>
      <AgentText text={message} refs={file_refs} most={CHARS} />
      {file_path == null ? null : (
        <div class="file">
          <span class="dim">file </span>
          <AgentText text={file_path} refs={file_refs} />
        </div>
      )}
      {!failed(reminder) ? null : (
        <p class="note bad">
          <span>
            {attempt_count} of {ATTEMPTS} attempts failed:
          </span>{' '}
          <bdi>{last_error ?? 'no reason was given'}</bdi>
          <span class="dim">
            {givenUp(reminder) ? ' · not tried again' : null}
            {givenUp(reminder) || next_attempt_at == null ? null : (
              <Until at={next_attempt_at} ahead={(left) => ` · next try in ${left}`} past={() => ' · next try now'} />
            )}
          </span>
        </p>
      )}
    </div>
  );
}
