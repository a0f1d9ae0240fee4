import type { AgentStats } from '../../api/types';
import { Link } from '../../ui/link';
import { Main } from '../../ui/main';
import { Section } from '../../ui/section';
import { Columns, Table } from '../../ui/table';
import { durationText, tokensText } from '../../ui/text/figures';
import { containers } from '../containers';
import { BudgetsSection } from './budgets';
import { Charts } from './charts';
import { costText, inputOf } from './figures';
import { chooseWindow, shownWindow, useStatistics } from './use';
import { Windows } from './windows';

/** The results and figures of all agents' turns, and the prices of models. */
export function StatsPage() {
  const window = shownWindow.value;
  const statistics = useStatistics(window, null);
  const stats = statistics.stats.value;
  const unknown = stats?.unknown_models ?? [];
  const agents = (stats?.agents ?? [])
    .filter(({ turns }) => turns > 0)
    .toSorted((a, b) => b.cost_usd - a.cost_usd || b.turns - a.turns || a.name.localeCompare(b.name));
  return (
    <Main feature="stats" title="ST4TS" aside={<Windows shown={window} onChoose={chooseWindow} />}>
      {unknown.length === 0 ? null : (
        <div class="overtaken unknown">
          <p>These models have no price, so their turns are not in the costs:</p>
          <span class="line">
            {unknown.map((model) => (
              <Link key={model} to={`/system?price=${encodeURIComponent(model)}#prices`}>
                <bdi>{model}</bdi> · set its price
              </Link>
            ))}
          </span>
        </div>
      )}
      <Charts statistics={statistics} none="No agent took a turn in this period." />
      <BudgetsSection />
      {agents.length === 0 ? null : (
        <Section
          feature="stats"
          id="stats-agents"
          title="4G3NTS"
          plain="Agents"
          aside={<span class="count">{agents.length} with turns</span>}
        >
          <Figures agents={agents} />
        </Section>
      )}
    </Main>
  );
}

function Figures({ agents }: { agents: readonly AgentStats[] }) {
  return (
    <Table
      label="Figures of each agent"
      columns={
        <Columns
          words={['agent']}
          figures={['cost', 'turns', 'failed', 'time', 'in', 'of it cached', 'out', 'tools']}
        />
      }
    >
      <tbody>
        {agents.map((agent) => (
          <tr key={agent.name} data-stats={agent.name}>
            <th scope="row">
              {containers.agents.value.has(agent.name) ? (
                <Link to={`/agents/${agent.name}`}>{agent.name}</Link>
              ) : (
                agent.name
              )}
            </th>
            <td
              class="n"
              title={agent.unpriced_turns > 0 ? `${agent.unpriced_turns} turns on models without a price` : ''}
            >
              {costText(agent)}
            </td>
            <td class="n">{agent.turns}</td>
            <td class={`n ${agent.failed > 0 ? 'bad' : 'dim'}`}>{agent.failed === 0 ? '–' : agent.failed}</td>
            <td class="n">{durationText(agent.duration_ms)}</td>
            <td class="n">{inputOf(agent) === 0 ? '–' : tokensText(inputOf(agent))}</td>
            <td class="n">
              {inputOf(agent) === 0 ? '–' : `${Math.round((agent.cache_read_input_tokens / inputOf(agent)) * 100)}%`}
            </td>
            <td class="n">{agent.output_tokens === 0 ? '–' : tokensText(agent.output_tokens)}</td>
            <td class="n">{agent.tool_call_count === 0 ? '–' : agent.tool_call_count}</td>
          </tr>
        ))}
      </tbody>
    </Table>
  );
}
