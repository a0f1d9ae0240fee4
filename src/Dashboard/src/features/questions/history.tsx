import { memo } from 'preact/compat';
import type { Question } from '../../api/types';
import { Age } from '../../ui/clock';
import { AgentText } from '../files';

/** The answered questions, folded. */
export function AnswerHistory({ questions }: { questions: readonly Question[] }) {
  if (questions.length === 0) return null;
  return (
    <details class="history">
      <summary>
        answered <span class="dim">{questions.length}</span>
      </summary>
      <ul class="rows scroll" tabIndex={0} aria-label="Answered questions">
        {questions.map((question) => (
          <Row key={question.id} question={question} />
        ))}
      </ul>
    </details>
  );
}

const Row = memo(function Row({ question }: { question: Question }) {
  const { asker, target, answer, answerer, answered_at } = question;
  // The host's own answers to questions without one.
  const unanswered = answer === '[cancelled]' || answer === '[expired]';
  const overridden = !unanswered && target != null && answerer !== target;
  return (
    <li class={`row question settled ${target == null ? '' : 'peer'}`} data-answered={question.id}>
      <div class="line">
        <span class="who">
          {asker} <span class="arrow">→</span> {target ?? 'operator'}
        </span>
        {overridden ? <span class="badge peer">overridden</span> : null}
        {answered_at == null ? null : (
          <span class="dim since">
            <Age at={answered_at} /> ago
          </span>
        )}
      </div>
      <AgentText text={question.question} refs={question.question_refs} />
      <div class="given">
        <span class={`principal ${answerer === 'operator' ? 'operator' : 'agent'}`}>{answerer ?? 'nobody'}:</span>{' '}
        <div class={unanswered ? 'dim' : ''}>
          <AgentText text={answer ?? ''} refs={question.answer_refs} />
        </div>
      </div>
    </li>
  );
});
