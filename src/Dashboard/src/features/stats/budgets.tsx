import { useState } from 'preact/hooks';
import { api } from '../../api/client';
import { words } from '../../api/refusal';
import type { Budget, BudgetHeld } from '../../api/types';
import type { Action } from '../../ui/action';
import { ActionButton } from '../../ui/action-button';
import { query } from '../../ui/address';
import { Until } from '../../ui/clock';
import { Fault } from '../../ui/fault';
import { Link } from '../../ui/link';
import { Section } from '../../ui/section';
import { useSending } from '../../ui/sending';
import { Submit } from '../../ui/submit';
import { Columns, Table } from '../../ui/table';
import { counted, tokensText } from '../../ui/text/figures';
import { amountOf, budgets, spentOf } from './budgets-store';

const SCOPES = ['global', 'ticket', 'agent', 'phase', 'task_type'] as const;
const PERIODS = ['once', 'day', 'week', 'month'] as const;
const ACTS = ['hold', 'cancel', 'warn'] as const;

/** The budgets, and the way to set one. */
export function BudgetsSection() {
  const all = budgets.all.value;
  if (all.length === 0 && !query.value.has('budget'))
    return (
      <Section feature="stats" id="budgets" title="BUDG3TS" plain="Budgets">
        <p class="empty">
          No budget is set: nothing limits what agents spend. <Link to="/stats?budget=new#budgets">Set a budget</Link>
        </p>
      </Section>
    );
  return (
    <Section feature="stats" id="budgets" title="BUDG3TS" plain="Budgets">
      {all.length === 0 ? null : (
        <Table
          label="All budgets"
          columns={
            <Columns
              words={['scope', 'level', 'on exceed']}
              figures={['spent', 'reserved', 'limit', 'ends', 'delete']}
            />
          }
        >
          <tbody>
            {all.map((budget) => (
              <Row key={budget.id} budget={budget} />
            ))}
          </tbody>
        </Table>
      )}
      <Form />
    </Section>
  );
}

const nameOf = ({ scope, scope_id, period }: Budget): string =>
  `${scope_id == null ? 'all agents' : `${scope.replace('_', ' ')} ${scope_id}`}, ${period}`;

const remove = (budget: Budget): Action => ({
  id: 'delete',
  label: '✗ D3L3T3',
  of: `the budget of ${nameOf(budget)}`,
  run: () => api.DELETE('/api/v1/costs/budgets/{id}', { params: { path: { id: budget.id } } }),
  hold: true,
});

const exactUsd = new Intl.NumberFormat('en', { style: 'currency', currency: 'USD', maximumFractionDigits: 4 });

const both = (usd: number | null | undefined, tokens: number | null | undefined): string =>
  [...(usd == null ? [] : [exactUsd.format(usd)]), ...(tokens == null ? [] : [`${tokensText(tokens)} tokens`])].join(
    ' · ',
  );

/** The tasks that wait for a budget, and the way out. */
export function heldText({ tasks, stuck, left_usd, left_tokens, least_usd, least_tokens }: BudgetHeld): string {
  const least = both(least_usd, least_tokens);
  return [
    `holds ${counted(tasks, 'task')}: ${both(left_usd, left_tokens)} left`,
    least && `, and the smallest needs about ${least}`,
    stuck ? '; raise the limit' : '; some is reserved',
  ].join('');
}

// So low that every amount lies above it: the level alone decides the meter's tone.
const BELOW = 1e-4;

function Row({ budget }: { budget: Budget }) {
  const tone = { warning: 'warn', exceeded: 'bad' }[budget.level] ?? 'good';
  const { held } = budget;
  return (
    <>
      <tr data-budget={budget.id}>
        <th scope="row">
          <bdi>{nameOf(budget)}</bdi>
        </th>
        <td class={`tone-${tone}`}>
          <meter
            value={spentOf(budget)}
            low={tone === 'good' ? 1 : BELOW}
            high={tone === 'bad' ? 2 * BELOW : 1}
            optimum={0}
            aria-label="Spent"
          />{' '}
          {budget.level}
        </td>
        <td data-of="on exceed">{budget.on_exceed}</td>
        <td class="n" data-of="spent">
          {amountOf(budget, budget.spent_usd, budget.spent_tokens)}
        </td>
        <td class="n" data-of="reserved">
          {amountOf(budget, budget.reserved_usd, budget.reserved_tokens)}
        </td>
        <td class="n" data-of="limit">
          {amountOf(budget, budget.limit_usd, budget.limit_tokens)}
        </td>
        <td class="n" data-of="ends">
          {budget.period_end == null ? '–' : <Until at={budget.period_end} ahead={(left) => left} past={() => 'now'} />}
        </td>
        <td class="n">
          <ActionButton action={remove(budget)} />
        </td>
      </tr>
      {held == null ? null : (
        <tr class="under">
          <td colSpan={8} class={`tone-${held.stuck ? 'bad' : 'warn'}`}>
            {heldText(held)}
          </td>
        </tr>
      )}
    </>
  );
}

/** Makes a budget, or changes the one with the same scope and period, from what that has. */
function Form() {
  const [scope, setScope] = useState<string>('global');
  const [of, setOf] = useState('');
  const [period, setPeriod] = useState<string>('day');
  // Null until they are typed: then they are those of the budget that is chosen.
  const [typed, setTyped] = useState<string | null>(null);
  const [chosen, setAct] = useState<string | null>(null);
  const known = budgets.all.value.find(
    (one) => one.scope === scope && (scope === 'global' || one.scope_id === of) && one.period === period,
  );
  const usd = typed ?? `${known?.limit_usd ?? ''}`;
  const act = chosen ?? known?.on_exceed ?? 'hold';
  const { busy, error, send } = useSending((e) => `The budget was not set: ${words(e)}`);
  const set = () =>
    api.POST('/api/v1/costs/budgets', {
      body: {
        scope_type: scope,
        ...(scope === 'global' ? {} : { scope_id: of }),
        limit_amount: Number(usd),
        period,
        on_exceed: act,
      },
    });
  return (
    <form
      class="line"
      onSubmit={(e) => {
        e.preventDefault();
        void send(Number(usd) > 0 ? null : 'The limit must be a number above 0.', set);
      }}
    >
      <Choice label="Scope" all={SCOPES} value={scope} onChange={setScope} />
      {scope === 'global' ? null : <Box label="Of" value={of} onInput={setOf} />}
      <Box label="US dollars" value={usd} onInput={setTyped} />
      <Choice label="Period" all={PERIODS} value={period} onChange={setPeriod} />
      <Choice label="On exceed" all={ACTS} value={act} onChange={setAct} />
      <Submit label="✓ S4V3" plain="Save the budget" tone="good solid" busy={busy} />
      <Fault error={error} />
    </form>
  );
}

function Box({ label, value, onInput }: { label: string; value: string; onInput: (value: string) => void }) {
  return (
    <input
      type="text"
      class="field"
      placeholder={label}
      aria-label={label}
      value={value}
      spellcheck={false}
      autocomplete="off"
      onInput={(e) => onInput(e.currentTarget.value)}
    />
  );
}

interface Choices {
  label: string;
  all: readonly string[];
  value: string;
  onChange: (value: string) => void;
}

function Choice({ label, all, value, onChange }: Choices) {
  return (
    <select class="field" aria-label={label} value={value} onChange={(e) => onChange(e.currentTarget.value)}>
      {all.map((one) => (
        <option key={one} value={one}>
          {one.replace('_', ' ')}
        </option>
      ))}
    </select>
  );
}
