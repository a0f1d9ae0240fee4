import { Section } from '../../ui/section';
import { Charts } from '../stats/charts';
import { lookBack, shownWindow, useStatistics } from '../stats/use';
import { Windows } from '../stats/windows';
import { Turns } from './turns';

/** What an agent's turns came to and took. */
export function AgentStatistics({ name }: { name: string }) {
  const window = shownWindow.value;
  const statistics = useStatistics(window, name);
  return (
    <>
      <Section id="agent-stats" title="ST4TS" plain={`Statistics of ${name}`} aside={<Windows shown={window} onChoose={lookBack} />}>
        <Charts statistics={statistics} none={`${name} took no turn in this time.`} />
      </Section>
      <Turns name={name} />
    </>
  );
}
