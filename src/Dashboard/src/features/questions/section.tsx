import { useState } from 'preact/hooks';
import { useBounded } from '../../ui/bounded';
import { Section } from '../../ui/section';
import { AnswerHistory } from './history';
import { Overtaken } from './overtaken';
import { type Filter, participants, shownBy } from './question';
import { QuestionRow } from './row';
import { drafts, filter } from './state';
import { questions } from './store';

const STEP = 25;
/** The number of participants with a chip of their own; the rest is folded. */
const CHIPS = 6;

/** The questions of agents to the operator and to one another. */
export function QuestionsSection() {
  const pending = questions.pending.value;
  const answered = questions.answered.value;
  const names = participants([...pending, ...answered]);
  // The agent of the filter may have no questions any more.
  const chosen = typeof filter.value === 'object' && !names.includes(filter.value.agent) ? 'all' : filter.value;
  const matching = pending.filter((question) => shownBy(chosen, question));
  const { shown, more } = useBounded(matching, STEP);
  const mine = questions.waiting.value;
  return (
    <Section
      feature="questions"
      id="questions"
      title="M1ND H4S QU3STI0NS"
      plain="Questions"
      aside={
        <span class="counts">
          {mine > 0 ? <span class="count amber">{mine} for you</span> : null}
          {pending.length > mine ? <span class="count peer">{pending.length - mine} between agents</span> : null}
        </span>
      }
    >
      <p class="hidden" role="status">
        {mine === 0 ? '' : mine === 1 ? 'One question waits for you' : `${mine} questions wait for you`}
      </p>
      {names.length === 0 ? null : <Chips names={names} chosen={chosen} />}
      {drafts.overtaken.value.map((question) => (
        <Overtaken key={question.id} question={question} />
      ))}
      {matching.length === 0 ? (
        <p class="empty">
          {pending.length === 0
            ? 'No questions. Questions that agents ask with the tool “ask” show here.'
            : 'No pending question fits this filter.'}
        </p>
      ) : (
        <>
          <ul class="rows">
            {shown.map((question) => (
              <QuestionRow key={question.id} question={question} />
            ))}
          </ul>
          {more}
        </>
      )}
      <AnswerHistory questions={answered.filter((question) => shownBy(chosen, question))} />
    </Section>
  );
}

function Chips({ names, chosen }: { names: readonly string[]; chosen: Filter }) {
  const [all, setAll] = useState(false);
  const folded = !all && names.length > CHIPS + 1;
  const agent = typeof chosen === 'object' ? chosen.agent : null;
  const shown = folded ? names.filter((name, i) => i < CHIPS || name === agent) : names;
  return (
    <div class="chips" role="group" aria-label="Narrow the questions">
      <Chip label="all" value="all" chosen={chosen === 'all'} />
      <Chip label="@operator" value="@operator" chosen={chosen === '@operator'} />
      <Chip label="@peer" value="@peer" chosen={chosen === '@peer'} />
      {shown.map((name) => (
        <Chip key={name} label={name} value={{ agent: name }} chosen={name === agent} />
      ))}
      {names.length > CHIPS + 1 ? (
        <button type="button" class="chip" aria-expanded={all} onClick={() => setAll(!all)}>
          {all ? 'fewer' : `+${names.length - shown.length}`}
          <span class="hidden"> participants</span>
        </button>
      ) : null}
    </div>
  );
}

function Chip({ label, value, chosen }: { label: string; value: Filter; chosen: boolean }) {
  const count = questions.pending.value.filter((question) => shownBy(value, question)).length;
  return (
    <button
      type="button"
      class={`chip ${chosen ? 'chosen' : ''}`}
      aria-pressed={chosen}
      onClick={() => (filter.value = value)}
    >
      {label}
      {count > 0 ? <span class="of"> {count}</span> : null}
    </button>
  );
}
