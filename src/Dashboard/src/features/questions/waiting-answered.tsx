import { Age } from '../../ui/clock';
import type { WaitingDetail } from '../../ui/registry';
import { AgentText } from '../files';
import { CANCELLED, EXPIRED } from './question';
import { questions } from './store';

/** A question with its answer. */
export function AnsweredDetail({ row }: WaitingDetail) {
  const question = questions.answered.value.find(({ id }) => String(id) === row.id);
  if (question === undefined) return <AgentText text={row.title} refs={row.refs} />;
  const { target, answer, answerer, answered_at, id } = question;
  // The host's own answers to questions without one.
  const unanswered = answer === CANCELLED || answer === EXPIRED;
  const overridden = !unanswered && target != null && answerer !== target;
  return (
    <div class="feature-questions" data-answered={id}>
      <AgentText text={question.question} refs={question.question_refs} />
      <div class="given">
        <p class="dim">
          <bdi>{answerer ?? 'nobody'}</bdi>
          {overridden ? <span> in place of {target}</span> : null}
          {answered_at == null ? null : (
            <span>
              {', '}
              <Age at={answered_at} /> ago
            </span>
          )}
        </p>
        <div class={unanswered ? 'dim' : ''}>
          <AgentText text={answer ?? ''} refs={question.answer_refs} />
        </div>
      </div>
    </div>
  );
}
