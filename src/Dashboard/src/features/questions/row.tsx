import type { ComponentChild } from 'preact';
import { memo } from 'preact/compat';
import { useEffect, useRef, useState } from 'preact/hooks';
import { api } from '../../api/client';
import { Refusal, words } from '../../api/refusal';
import type { Question } from '../../api/types';
import { Act, Submit } from '../../ui/act';
import { ByteCount } from '../../ui/bytes';
import { Age, now, Until } from '../../ui/clock';
import { Fault, Refused } from '../../ui/fault';
import { useGrown } from '../../ui/grown';
import { Label } from '../../ui/label';
import { useSending } from '../../ui/sending';
import { bodyFault } from '../../ui/text/bytes';
import { AgentText } from '../files';
import { answerOf, forOperator, withOption } from './question';
import { drafts } from './state';

/** Below this time left, a question is shown in red. */
const ALARM_MS = 60_000;

export const QuestionRow = memo(function QuestionRow({ question }: { question: Question }) {
  const { id, asker, target } = question;
  const mine = forOperator(question);
  const [error, setError] = useState<string | null>(null);
  // A draft that survived a reload is shown without taking the focus.
  const [overriding, setOverriding] = useState<'no' | 'resumed' | 'asked'>(() =>
    drafts.has(question) ? 'resumed' : 'no',
  );
  const override = useRef<HTMLButtonElement>(null);
  const leave = () => {
    setOverriding('no');
    // The pressed button is gone: the focus moves to the button in its place.
    requestAnimationFrame(() => override.current?.focus());
  };
  const cancel = (
    <Act
      label="✗ C4NC3L"
      plain={`Cancel question ${id} of ${asker}`}
      tone="bad"
      confirm={{
        title: 'Cancel this question?',
        text: `${asker} is answered with “[cancelled]”.`,
        yes: `Cancel question ${id}`,
        no: 'Keep it open',
      }}
      onError={setError}
      run={() => api.POST('/api/questions/{id}/cancel', { params: { path: { id } } })}
    />
  );
  return (
    <li class={`row question ${mine ? 'mine' : 'peer'}`} data-question={id}>
      <div class="line">
        <span class="who">
          {asker} <span class="arrow">→</span> <span class={mine ? 'amber' : 'peer-name'}>{target ?? 'you'}</span>
        </span>
        <span class="dim">
          <Age at={question.asked_at} /> ago
        </span>
        {question.deadline_at == null ? null : <TimeLeft at={question.deadline_at} />}
      </div>
      <AgentText text={question.question} refs={question.question_refs} />
      {mine ? (
        <AnswerForm question={question} beside={cancel} />
      ) : overriding !== 'no' ? (
        <AnswerForm
          question={question}
          focused={overriding === 'asked'}
          beside={
            <>
              <button type="button" class="act" aria-label={`Leave question ${id} to ${target}`} onClick={leave}>
                <Label text="‹ B4CK" />
              </button>
              {cancel}
            </>
          }
        />
      ) : (
        <>
          {question.options.length === 0 ? null : <Offered question={question} />}
          <div class="line actions">
            <span class="dim">waits for {target}</span>
            <span class="buttons">
              {cancel}
              <button
                ref={override}
                type="button"
                class="act peer"
                aria-label={`Override question ${id}: answer ${asker} in place of ${target}`}
                title={`Answer in place of ${target}`}
                onClick={() => setOverriding('asked')}
              >
                <Label text="0V3RR1D3" />
              </button>
            </span>
          </div>
        </>
      )}
      <Refused error={error} onClose={() => setError(null)} />
    </li>
  );
});

function Offered({ question: { multi, options } }: { question: Question }) {
  return (
    <ul class="offered" aria-label={multi ? 'Options, several may be chosen' : 'Options'}>
      {options.map((option) => (
        <li>
          <span aria-hidden="true">{multi ? '☐' : '○'}</span> <bdi>{option}</bdi>
        </li>
      ))}
    </ul>
  );
}

function TimeLeft({ at }: { at: string }) {
  const alarming = Date.parse(at) - now.value < ALARM_MS;
  return (
    <span
      class={`badge ttl ${alarming ? 'bad' : 'amber'}`}
      title="If nobody answers by then, the asker is told that it expired"
    >
      ◷ <Until at={at} ahead={(left) => `${left} left`} past={() => 'expires now'} />
    </span>
  );
}

function AnswerForm({
  question,
  beside,
  focused = false,
}: {
  question: Question;
  beside: ComponentChild;
  focused?: boolean;
}) {
  const { id, asker, target, options, multi } = question;
  const mine = forOperator(question);
  const box = useRef<HTMLTextAreaElement>(null);
  const {
    busy,
    error,
    setError,
    send: ask,
  } = useSending((e) =>
    e instanceof Refusal && e.code === 'conflict'
      ? `Somebody else was first: this question is settled, and your answer was not sent. (${e.message})`
      : words(e),
  );
  const draft = drafts.of(question);
  const answer = answerOf(question, draft);
  const help = `answer-help-${id}`;

  useGrown(box, draft.text, options.length > 0 ? 1 : 2);
  useEffect(() => {
    if (focused) box.current?.focus();
  }, [focused]);

  const keep = (changed: typeof draft) => {
    drafts.keep(question, changed);
    setError(null);
  };
  const send = () => {
    const fault =
      answer === ''
        ? options.length > 0
          ? 'Choose an option, or write an answer.'
          : 'The answer is empty; write something first.'
        : bodyFault(answer, 'an answer');
    return ask(fault, () =>
      drafts.send(question, () =>
        api.POST('/api/questions/{id}/answer', { params: { path: { id } }, body: { answer } }),
      ),
    );
  };

  return (
    <form
      class="answer"
      aria-label={mine ? `Answer to ${asker}` : `Answer to ${asker} in place of ${target}`}
      onSubmit={(e) => {
        e.preventDefault();
        void send();
      }}
    >
      {options.length === 0 ? null : (
        <fieldset>
          <legend class="dim">{multi ? 'choose any' : 'choose one'}</legend>
          {options.map((option) => (
            <label class="option">
              <input
                type={multi ? 'checkbox' : 'radio'}
                name={`question-${id}`}
                checked={draft.chosen.includes(option)}
                onChange={() => keep(withOption(draft, option, multi))}
                // A browser does not let a radio button be unchecked.
                onClick={() => !multi && draft.chosen.includes(option) && keep(withOption(draft, option, false))}
              />
              <span>{option}</span>
            </label>
          ))}
        </fieldset>
      )}
      <textarea
        ref={box}
        value={draft.text}
        aria-label={options.length > 0 ? 'More, or another answer' : 'Your answer'}
        aria-describedby={help}
        placeholder={options.length > 0 ? 'more, or another answer' : 'your answer'}
        aria-invalid={error !== null}
        onInput={(e) => keep({ ...draft, text: e.currentTarget.value })}
        onKeyDown={(e) => {
          if (e.key !== 'Enter' || !(e.ctrlKey || e.metaKey) || e.isComposing) return;
          e.preventDefault();
          void send();
        }}
      />
      <div class="answer-foot">
        <ByteCount text={answer} />
        <span id={help} class="dim help">
          ctrl+enter sends
        </span>
        <span class="buttons">
          {beside}
          <Submit
            label={mine ? '↩ 4NSW3R' : '↩ 0V3RR1D3'}
            plain={mine ? `Answer ${asker}` : `Override: answer ${asker} in place of ${target}`}
            tone={`solid ${mine ? 'warn' : 'peer'}`}
            busy={busy}
          />
        </span>
      </div>
      <Fault error={error} />
    </form>
  );
}
