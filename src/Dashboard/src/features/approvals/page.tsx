import { useEffect } from 'preact/hooks';
import type { Approval } from '../../api/types';
import { type Action, perform } from '../../ui/action';
import { ActionButton } from '../../ui/action-button';
import { query, search } from '../../ui/address';
import { Age } from '../../ui/clock';
import { copyAddress } from '../../ui/copy';
import { focusDrawn } from '../../ui/focus';
import { decidedHere } from '../../ui/here';
import { useKey } from '../../ui/keys';
import { Label } from '../../ui/label';
import { go, Link, replacePath, setQuery } from '../../ui/link';
import { Main } from '../../ui/main';
import { openPanel } from '../../ui/panel';
import type { Params } from '../../ui/registry';
import { Rows } from '../../ui/rows';
import { AgentText } from '../files';
import { MetaSection } from '../meta';
import { see, waiting } from '../waiting';
import { hasDiff, tagOf, whatIsAsked } from './approval';
import { Build, hasFailedLog } from './build';
import { What, Why } from './card';
import { areaOf, Decide } from './decide';
import { Changes, idIn, NotListed } from './diff';
import { approvals } from './store';
import { proposeAgain } from './waiting';

const LIST = 'changes';

type Shown = 'open' | 'decided' | 'inputs';

const SHOWN: readonly (readonly [Shown, string])[] = [
  ['open', 'open'],
  ['decided', 'decided'],
  ['inputs', 'inputs'],
];

/** The changes that the operator is asked to approve, and those that are decided: a list, and the review of one. */
export function ChangesPage({ params }: { params: Params }) {
  const id = params.id === undefined ? null : idIn(params.id);
  const open = approvals.open.value;
  const decided = approvals.decided.value;
  const failures = decided.filter((approval) => waiting.get(failureOf(approval)) !== undefined);
  const chosen = id === null ? undefined : [...open, ...decided].find((approval) => approval.id === id);
  const asked = query.value.get('show');
  const shown: Shown =
    asked === 'decided' || asked === 'inputs'
      ? asked
      : chosen !== undefined && isSettled(chosen, failures)
        ? 'decided'
        : 'open';
  const rows = shown === 'open' ? [...open, ...failures] : decided;
  const counts: Record<Shown, number | null> = {
    open: open.length + failures.length,
    decided: decided.length,
    inputs: null,
  };
  // Where there is room, the first one is shown at once.
  const first = rows[0];
  useEffect(() => {
    if (id === null && shown === 'open' && first !== undefined && innerWidth >= 1200) show(first);
  }, [id === null]);
  return (
    <Main
      feature="approvals"
      title="CH4NG3S"
      fills
      {...(shown === 'inputs' ? {} : { parts: { [LIST]: 'the list', review: 'the selected change' } })}
      aside={
        <div class="chips" role="group" aria-label="Which changes">
          {SHOWN.map(([value, text]) => (
            <button
              key={value}
              type="button"
              class={`chip ${shown === value ? 'chosen' : ''}`}
              aria-pressed={shown === value}
              onClick={() => setQuery({ show: value === 'open' ? null : value })}
            >
              {text} {counts[value] === null ? null : <span class="of">{counts[value]}</span>}
            </button>
          ))}
        </div>
      }
    >
      {shown === 'inputs' ? (
        <div class="inputs">
          <MetaSection />
        </div>
      ) : (
        <div class={`split ${chosen === undefined ? '' : 'one'}`}>
          <div class="split-list">
            <Rows
              id={LIST}
              label={shown === 'open' ? 'Changes that wait' : 'Decided changes'}
              rows={rows}
              keyOf={(approval) => String(approval.id)}
              nameOf={(approval) => `${approval.id}: ${whatIsAsked(approval)}, ${approval.status}`}
              height={56}
              current={chosen === undefined || !rows.includes(chosen) ? null : String(chosen.id)}
              onCurrent={(approval) => {
                if (approval !== null && innerWidth >= 900) show(approval);
              }}
              onOpen={(approval, by) => {
                if (approval.id !== chosen?.id) show(approval);
                else if (by === 'key') focusReview();
              }}
              view={(approval) => <Line approval={approval} />}
              empty={
                <p class="empty">
                  {shown === 'open'
                    ? 'Nothing waits for your approval. Proposals show here: new agents, changed configurations, updated inputs.'
                    : 'Nothing has been decided yet.'}
                </p>
              }
            />
          </div>
          {chosen !== undefined ? (
            <Review key={chosen.id} approval={chosen} failed={failures.includes(chosen)} />
          ) : id !== null ? (
            <div class="review">
              <p class="empty">
                {Number.isInteger(id) ? <NotListed id={id} /> : 'A change is a number.'}{' '}
                <Link to="/changes">All changes</Link>
              </p>
            </div>
          ) : rows.length === 0 ? null : (
            <div class="review none">
              <p class="dim">Choose a change to see it whole.</p>
            </div>
          )}
        </div>
      )}
    </Main>
  );
}

/** The key under which a failure waits for the operator, until it is put aside. */
const failureOf = ({ id }: Approval): string => `approval_failed-${id}`;

const isSettled = ({ status, id }: Approval, failures: readonly Approval[]): boolean =>
  status !== 'pending' && status !== 'building' && !failures.some((failed) => failed.id === id);

/** Shows a change in the list's place. On a wide screen the browser's history keeps only the place, not each row. */
function show({ id }: Approval): void {
  const to = `/changes/${id}`;
  if (innerWidth < 900) go(to + search.peek());
  else replacePath(to);
}

/** Goes on from the list to the changes, or to the decision where there are none. */
function focusReview(): void {
  document.querySelector<HTMLElement>('.review .diff[tabindex], .review .diff-foot button')?.focus();
}

/** Back from a decision to the list, which hands the focus on to the row. */
const focusList = (): void => focusDrawn(() => document.getElementById(LIST));

const STATES: Record<string, { glyph: string; tone: string }> = {
  pending: { glyph: '◇', tone: 'waiting' },
  building: { glyph: '◌', tone: 'info' },
  approved: { glyph: '✓', tone: 'good' },
  denied: { glyph: '✗', tone: 'peer' },
  failed: { glyph: '✗', tone: 'bad' },
};

function Line({ approval }: { approval: Approval }) {
  const { status, agent, description, requested_at, resolved_at } = approval;
  const { glyph, tone } = STATES[status] ?? { glyph: '·', tone: 'dim' };
  return (
    <div class="change-line">
      <span class={`glyph ${tone}`} aria-hidden="true">
        {glyph}
      </span>
      <span class="change-what">
        <bdi class="mono">{agent === '' ? 'inputs' : agent}</bdi> <span class="dim">{whatIsAsked(approval)}</span>
      </span>
      <span class={`change-state ${tone}`}>{status}</span>
      <bdi class="change-why">{description == null || description === '' ? 'no description' : description}</bdi>
      <span class="dim change-age">
        <Age at={resolved_at ?? requested_at} />
      </span>
    </div>
  );
}

/** One change whole: what is asked and why, what else waits for this agent, the files, the decision. */
function Review({ approval, failed }: { approval: Approval; failed: boolean }) {
  const { id, agent, status, note, requested_at, resolved_at } = approval;
  const open = status === 'pending' || status === 'building';
  const others = approvals.open.value.filter((other) => other.agent === agent && agent !== '' && other.id !== id);
  const tag = tagOf(approval);
  const logged = status === 'building' || status === 'failed';
  const putAside = async (action: Action) => {
    const isHere = decidedHere(areaOf(approval));
    const done = await perform(action);
    if (done && isHere()) focusList();
    return done;
  };
  useKey('done', () => void putAside(see({ key: failureOf(approval), agent })), failed);
  useKey('log', () => openPanel(`log:${agent}`), agent !== '');
  useKey('copy', () => void copyAddress(`/changes/${id}`));
  return (
    <section id="review" class="review" aria-label={`Change ${id}: ${whatIsAsked(approval)}`} data-review={id}>
      <header class="review-head">
        <Link to="/changes" class="back-link">
          ‹ all changes
        </Link>
        <div class="line">
          <h2>{whatIsAsked(approval)}</h2>
          <What approval={approval} />
          <span class={`state-word ${STATES[status]?.tone ?? 'dim'}`}>{status}</span>
          {tag === null ? null : <span class="dim mono">{tag}</span>}
          <span class="dim since">
            asked <Age at={requested_at} /> ago
            {resolved_at == null ? null : (
              <>
                , decided <Age at={resolved_at} /> ago
              </>
            )}
          </span>
        </div>
        <Why approval={approval} />
        <Build approval={approval} />
        {note == null || note === '' ? null : (
          <div class={`given ${status === 'failed' ? 'bad' : ''}`}>
            <span class="dim">{status === 'failed' ? 'error:' : 'reason:'}</span>
            <AgentText text={note} refs={[]} lines={hasFailedLog(id) ? 1 : undefined} />
          </div>
        )}
        {others.length === 0 ? null : (
          <p class="dim">
            Also waits for {agent}:{' '}
            {others.map((other, i) => (
              <span key={other.id}>
                {i === 0 ? '' : ', '}
                <Link to={`/changes/${other.id}`}>
                  #{other.id} {whatIsAsked(other)}
                </Link>
              </span>
            ))}
          </p>
        )}
        {logged && agent !== '' ? (
          <button type="button" class="act" onClick={() => openPanel(`log:${agent}`)}>
            <Label text="↳ L0GS" of={`of ${agent}`} />
          </button>
        ) : null}
      </header>
      {hasDiff(approval) ? <Changes approval={approval} /> : <div class="diff" />}
      {open ? (
        <div class="diff-foot">
          <Decide approval={approval} keys onDone={focusList} />
        </div>
      ) : failed ? (
        <div class="diff-foot line">
          <span class="dim">everything was rolled back</span>
          <span class="buttons">
            {proposeAgain(approval).map((action) => (
              <ActionButton key={action.id} action={action} />
            ))}
            <ActionButton action={see({ key: failureOf(approval), agent })} run={putAside} />
          </span>
        </div>
      ) : null}
    </section>
  );
}
