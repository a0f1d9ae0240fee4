import type { Question } from '../../api/types';
import { Label } from '../../ui/label';
import { AgentText } from '../files';
import { answerOf } from './question';
import { drafts } from './state';

/** Shows that a question was settled elsewhere, and keeps the draft until it is discarded. */
export function Overtaken({ question }: { question: Question }) {
  const { asker, answerer, answer, answer_refs } = question;
  return (
    <div class="overtaken" role="alert" data-overtaken={question.id}>
      <p>
        ⚠ {settled(answerer, answer)} while you wrote an answer to {asker}; yours was not sent.
      </p>
      <AgentText text={question.question} refs={question.question_refs} />
      <div class="given">
        <span class="peer-name">{answerer ?? 'somebody'}:</span> <AgentText text={answer ?? ''} refs={answer_refs} />
      </div>
      <div class="given">
        <span class="dim">your draft:</span> <AgentText text={answerOf(question, drafts.of(question))} refs={[]} />
      </div>
      <span class="buttons">
        <button
          type="button"
          class="act"
          aria-label={`Discard my answer to ${asker}`}
          onClick={() => drafts.drop(question)}
        >
          <Label text="✗ D1SC4RD" />
        </button>
      </span>
    </div>
  );
}

function settled(answerer: string | null | undefined, answer: string | null | undefined): string {
  if (answer === '[expired]') return 'The question expired';
  if (answer === '[cancelled]') return `The question was cancelled${answerer == null ? '' : ` (${answerer})`}`;
  return `${answerer === 'operator' ? 'The operator, on another page,' : (answerer ?? 'Somebody else')} answered first`;
}
