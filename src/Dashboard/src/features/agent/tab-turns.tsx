import type { Agent } from '../../api/types';
import { Section } from '../../ui/section';
import { Charts, chooseWindow, shownWindow, useStatistics, Windows } from '../stats';
import { OneTurn } from './one-turn';
import { Turns } from './turns';

/** The turns of an agent and their figures, or one turn. */
export function TurnsTab({ agent: { name }, rest }: { agent: Agent; rest: string | undefined }) {
  return rest === undefined ? <All name={name} /> : <OneTurn key={rest} name={name} wanted={rest} />;
}

function All({ name }: { name: string }) {
  const window = shownWindow.value;
  const statistics = useStatistics(window, name);
  return (
    <div class="scrolls" tabIndex={-1}>
      <Section
        feature="agent"
        id="agent-stats"
        title="ST4TS"
        plain={`Statistics of ${name}`}
        aside={<Windows shown={window} onChoose={chooseWindow} />}
      >
        <Charts statistics={statistics} none={`${name} took no turn in this period.`} />
      </Section>
      <Turns name={name} />
    </div>
  );
}
