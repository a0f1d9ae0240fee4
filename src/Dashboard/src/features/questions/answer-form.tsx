import { useRef } from 'preact/hooks';
import type { Question } from '../../api/types';
import { isPending, pendingOf } from '../../ui/action';
import { ActionButton } from '../../ui/action-button';
import { keyOf, useKey } from '../../ui/keys';
import type { WaitingDetail } from '../../ui/registry';
import { AS_FILE, bodyFault } from '../../ui/text/bytes';
import { Writing } from '../../ui/writing';
import { answer } from './actions';
import { answerDraft, draftOf, keepAnswer } from './draft';
import { answerOf, meantByOpen, withOption } from './question';

interface Props {
  question: Question;
  decide: WaitingDetail['decide'];
}

/** The way to answer a question, or the answer while the page holds it. */
export function AnswerForm(props: Props) {
  return isPending(answer(props.question, '')) ? <Held {...props} /> : <Form {...props} />;
}

/** A held answer: it can be taken back or sent at once, but not changed. */
function Held({ question, decide }: Props) {
  const action = answer(question, '');
  // Its draft goes before the request does.
  const { text, state } = pendingOf(action) ?? {};
  useKey('open', () => void decide(action), true, 'form');
  return (
    <div class="held-answer" data-held={question.id}>
      <p class="dim">{state === 'sending' ? 'Your answer is being sent:' : 'Your answer, not sent yet:'}</p>
      <p class="held-text">
        <bdi>{text}</bdi>
      </p>
      <ActionButton action={action} run={decide} />
    </div>
  );
}

/** The options of a question by number, and the box for other words. */
function Form({ question, decide }: Props) {
  const { asker, target, options, multi } = question;
  const box = useRef<HTMLTextAreaElement>(null);
  const draft = answerDraft(question);
  const mine = target == null;
  const choose = (option: string) => keepAnswer(question, withOption(draft, option, multi));
  useKey('option', ({ key }) => {
    const option = options[Number(key) - 1];
    if (option === undefined) return false;
    choose(option);
    return true;
  });
  useKey(
    'open',
    () => {
      const meant = meantByOpen(draft);
      if (meant === 'send') box.current?.form?.requestSubmit();
      else if (meant === 'write') box.current?.focus();
      return meant !== null;
    },
    true,
    'form',
  );
  useKey('reply', () => box.current?.focus(), true, 'form');
  const faultOf = (text: string, file: boolean): string | null => {
    const whole = answerOf(question, { ...draft, text });
    if (whole !== '') return bodyFault(whole, 'an answer', AS_FILE, file);
    return options.length > 0 ? 'Choose an option, or write an answer.' : 'The answer is empty; write something first.';
  };
  return (
    <div class="answer-form">
      {options.length === 0 ? null : (
        <fieldset class="options">
          <legend class="hidden">{multi ? 'Choose any' : 'Choose one'}</legend>
          {options.map((option, i) => (
            <label key={option} class="option">
              <input
                type={multi ? 'checkbox' : 'radio'}
                name={`question-${question.id}`}
                checked={draft.chosen.includes(option)}
                onChange={() => choose(option)}
                // A browser does not let a radio button be unchecked.
                onClick={() => !multi && draft.chosen.includes(option) && choose(option)}
              />
              <span class="keycap" aria-hidden="true">
                {i < 9 ? i + 1 : ' '}
              </span>
              <span>
                <bdi>{option}</bdi>
              </span>
            </label>
          ))}
        </fieldset>
      )}
      <Writing
        target={draftOf(question)}
        label={mine ? `Answer to ${asker}` : `Answer to ${asker} in place of ${target}`}
        placeholder={[keyOf('reply'), options.length > 0 ? 'in your own words' : 'your answer']
          .filter(Boolean)
          .join(': ')}
        send={
          mine
            ? { label: '↩ 4NSW3R', plain: `Answer ${asker}`, tone: 'primary' }
            : { label: '↩ 0V3RR1D3', plain: `Answer ${asker} in place of ${target}`, tone: 'primary' }
        }
        what="an answer"
        box={box}
        draft={{ text: draft.text, keep: (text) => keepAnswer(question, { ...answerDraft(question), text }) }}
        bodyOf={(text) => answerOf(question, { ...draft, text })}
        reader={() => asker}
        faultOf={faultOf}
        onSend={(body) => decide(answer(question, body))}
        onLeave={() => box.current?.blur()}
      />
    </div>
  );
}
