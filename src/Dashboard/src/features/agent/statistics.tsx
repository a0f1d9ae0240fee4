import { Section } from '../../ui/section';
import { Charts, chooseWindow, shownWindow, useStatistics, Windows } from '../stats';
import { Turns } from './turns';

/** The results and figures of an agent's turns. */
export function AgentStatistics({ name }: { name: string }) {
  const window = shownWindow.value;
  const statistics = useStatistics(window, name);
  return (
    <>
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
    </>
  );
}
