import { useBounded } from '../../ui/bounded';
import { Age, Until } from '../../ui/clock';
import { Link } from '../../ui/link';
import { whatIsAsked } from '../approvals';
import type { LooseEnd } from './ends';

const STEP = 25;

/** The loose ends of one agent, each a link to where it is decided. */
export function Items({ ends }: { ends: readonly LooseEnd[] }) {
  const { shown, more } = useBounded(ends, STEP);
  return (
    <div class="feature-loose">
      <ul class="ends">
        {shown.map((end) => (
          <Item
            key={
              end.kind === 'reminder'
                ? `r${end.reminder.id}`
                : end.kind === 'approval'
                  ? `a${end.approval.id}`
                  : `${end.kind}${end.question.id}`
            }
            end={end}
          />
        ))}
      </ul>
      {more}
    </div>
  );
}

function Item({ end }: { end: LooseEnd }) {
  if (end.kind === 'reminder') {
    const { id, message, due_at } = end.reminder;
    return (
      <li>
        <span class="what">is reminded</span>
        <Link to={`/waiting/reminder-${id}?show=reminders`} class="end">
          <bdi>{message}</bdi>
        </Link>
        <span class="dim">
          <Until at={due_at} ahead={(left) => `in ${left}`} past={(ago) => `due ${ago} ago`} />
        </span>
      </li>
    );
  }
  if (end.kind === 'approval') {
    const { id, description, requested_at } = end.approval;
    return (
      <li>
        <span class="what">asks you</span>
        <Link to={`/waiting/approval-${id}`} class="end">
          <span>{whatIsAsked(end.approval)}</span>
          {description == null ? null : (
            <>
              <span>: </span>
              <bdi>{description}</bdi>
            </>
          )}
        </Link>
        <span class="dim">
          <Age at={requested_at} />
        </span>
      </li>
    );
  }
  const { id, asker, target, question, asked_at } = end.question;
  return (
    <li>
      <span class="what">{end.kind === 'owed' ? `owes ${asker}` : `asks ${target ?? 'you'}`}</span>
      <Link to={target == null ? `/waiting/question-${id}` : `/waiting/peer_question-${id}?show=peers`} class="end">
        <bdi>{question}</bdi>
      </Link>
      <span class="dim">
        <Age at={asked_at} />
      </span>
    </li>
  );
}
