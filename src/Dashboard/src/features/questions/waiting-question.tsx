import type { WaitingDetail } from '../../ui/registry';
import { AgentText } from '../files';
import { AnswerForm } from './answer-form';
import { questions } from './store';

/** A question to the operator, or one between agents, and the way to answer it. */
export function QuestionDetail({ row, decide }: WaitingDetail) {
  const question = questions.pending.value.find(({ id }) => String(id) === row.id);
  if (question === undefined) return <AgentText text={row.title} refs={row.refs} />;
  return (
    <div class="feature-questions" data-question={question.id}>
      <AgentText text={question.question} refs={question.question_refs} />
      <AnswerForm key={question.id} question={question} decide={decide} />
    </div>
  );
}
